#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the wire alone can do: constant answers of the same loops, connections and parser that the
# program has, at several numbers of connections: one loop on core 0, the load on core 1. CPU is the
# server's own time for a request.
#
#   CONNECTIONS="1 16 64 256" SECONDS_EACH=4 VERIFYD=build/bench/verifyd bench/bench_http.sh
set -eu
: "${VERIFYD:=$(dirname "$0")/../build/bench/verifyd}"
: "${CONNECTIONS:=1 16 64 256}"
: "${SECONDS_EACH:=4}"
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || :; rm -rf "$folder"' EXIT INT TERM

: >"$folder/out"
taskset -c 0 "$(dirname "$VERIFYD")/bench/constant_server" 1 0 >"$folder/out" &
server=$!
until url=$(sed -n 's/^listening on //p' "$folder/out") && [ -n "$url" ]; do
	kill -0 "$server"
done

# The server's CPU time so far, in hundredths of a second: utime and stime of proc(5).
cpu() {
	awk '{ print $14 + $15 }' "/proc/$server/stat"
}

printf '%-11s  %-12s  %s\n' connections requests/s 'CPU us a request'
for connections in $CONNECTIONS; do
	before=$(cpu)
	taskset -c 1 wrk -t1 -c"$connections" -d"$SECONDS_EACH" "$url" >"$folder/wrk"
	after=$(cpu)
	awk -v c="$connections" -v ticks=$((after - before)) '
		/requests in/ { n = $1 }
		/Requests\/sec/ { rate = $2 }
		END { printf "%-11d  %-12d  %.1f\n", c, rate, ticks * 10000 / n }' "$folder/wrk"
done
