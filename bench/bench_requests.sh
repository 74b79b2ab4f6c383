#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Requests a second of create and validate beside a constant answer (/healthz) of the same server,
# at several numbers of connections: the server on core 0, the load on core 1. The ratio is to the
# constant answer of the same line; CPU is the server's own time for a request, all its threads.
#
#   CONNECTIONS="1 16 64 256" SECONDS_EACH=4 VERIFYD=build/verifyd bench/bench_requests.sh
set -eu
cd "$(dirname "$0")/http"
: "${VERIFYD:=$PWD/../../build/verifyd}"
: "${CONNECTIONS:=1 16 64 256}"
: "${SECONDS_EACH:=4}"
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || :; rm -rf "$folder"' EXIT INT TERM
IDS=$folder/ids

taskset -c 0 "$VERIFYD" serve --dev --data "$folder/var" --listen 127.0.0.1:0 \
	>"$folder/out" 2>"$folder/log" &
server=$!
until url=$(sed -n 's/^listening on //p' "$folder/out") && [ -n "$url" ]; do
	kill -0 "$server" || { cat "$folder/log"; exit 1; }
done

# The server's CPU time so far, in hundredths of a second: utime and stime of proc(5).
cpu() {
	awk '{ print $14 + $15 }' "/proc/$server/stat"
}

# load CONNECTIONS PATH [wrk's flags]: prints "requests-a-second microseconds-a-request".
load() {
	connections=$1 path=$2
	shift 2
	before=$(cpu)
	taskset -c 1 wrk -t1 -c"$connections" -d"$SECONDS_EACH" "$@" "$url$path" >"$folder/wrk"
	after=$(cpu)
	grep -q 'Non-2xx' "$folder/wrk" && { cat "$folder/wrk"; exit 1; }
	awk -v ticks=$((after - before)) '
		/requests in/ { n = $1 }
		/Requests\/sec/ { rate = $2 }
		END { printf "%d %.1f", rate, ticks * 10000 / n }' "$folder/wrk"
}

# The first call of a client pays for its password.
curl -s -o /dev/null -u demo:demo-secret -H 'Content-Type: application/json' -d '{"to":"12025550100"}' "$url/webapi/verify"
printf '%-11s  %-26s  %-34s  %-34s\n' connections 'constant  (CPU us)' \
	'create  (CPU us)  ratio' 'validate  (CPU us)  ratio'
for connections in $CONNECTIONS; do
	constant=$(load "$connections" /healthz)
	create=$(load "$connections" "" -s create.lua)
	IDS=$IDS taskset -c 1 wrk -t1 -c64 -d2 -s create.lua "$url" >/dev/null
	validate=$(IDS=$IDS load "$connections" "" -s validate.lua)
	echo "$connections $constant $create $validate" | awk '{
		printf "%-11d  %8d/s %8s        ", $1, $2, "(" $3 ")"
		printf "  %8d/s %8s  %5.2f         ", $4, "(" $5 ")", $4 / $2
		printf "  %8d/s %8s  %5.2f\n", $6, "(" $7 ")", $6 / $2 }'
done
