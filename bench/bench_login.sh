#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What 20 sign-ins a second, each an Argon2id, do to everybody else: p50 and p99 of creates at a
# steady rate without them and with them, in turns, and their ratio. The server has one core with all
# its threads, the load the other: a worker then competes with the loop for the same core.
#
#   PAIRS=5 SECONDS_EACH=3 VERIFYD=build/verifyd bench/bench_login.sh
set -eu
cd "$(dirname "$0")/http"
: "${VERIFYD:=$PWD/../../build/verifyd}"
: "${PAIRS:=5}"
: "${SECONDS_EACH:=3}"
: "${CORES:=0}"
# In memory where that can be: a disk's own tail would hide what is looked for.
folder=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d)
server= logins=
trap '[ -z "$logins" ] || kill "$logins" 2>/dev/null || :
	[ -z "$server" ] || kill "$server" 2>/dev/null || :; rm -rf "$folder"' EXIT INT TERM

taskset -c "$CORES" "$VERIFYD" serve --dev --data "$folder/var" --listen 127.0.0.1:0 \
	>"$folder/out" 2>"$folder/log" &
server=$!
until url=$(sed -n 's/^listening on //p' "$folder/out" 2>/dev/null) && [ -n "$url" ]; do
	kill -0 "$server" || { cat "$folder/log"; exit 1; }
done

# paced: prints "requests-a-second p50 p99".
paced() {
	taskset -c 1 wrk -t1 -c16 -d"$SECONDS_EACH" -s paced.lua "$url" >"$folder/wrk"
	grep -q errors "$folder/wrk" && { cat "$folder/wrk"; exit 1; }
	sed -n 's/^paced //p' "$folder/wrk"
}

# The first call of a client pays for its secret, and caches fill.
taskset -c 1 wrk -t1 -c64 -d4 -s create.lua "$url" >/dev/null
pair=0
while [ "$pair" -lt "$PAIRS" ]; do
	alone=$(paced)
	taskset -c 1 wrk -t1 -c5 -d"$((SECONDS_EACH + 1))" -s login.lua "$url" >"$folder/logins" &
	logins=$!
	beside=$(paced)
	wait "$logins"
	logins=
	login=$(sed -n 's/^login //p' "$folder/logins")
	echo "$alone $beside $login" >>"$folder/pairs"
	echo "$alone $beside $login" | awk '{
		printf "login.beside creates=%d/s p50_us=%d p99_us=%d  with logins=%.1f/s p50_us=%d p99_us=%d", $1, $2, $3, $7, $5, $6
		printf "  ratio p50=%.2f p99=%.2f  login_p50_us=%d\n", $5 / $2, $6 / $3, $8
		if ($10 > 0) { print "a wrong secret was accepted"; exit 1 } }'
	pair=$((pair + 1))
done
for which in 'p50 5 2' 'p99 6 3'; do
	# shellcheck disable=SC2086 # a name and two columns
	set -- $which
	awk -v with="$2" -v without="$3" '{ print $with / $without }' "$folder/pairs" | sort -n |
		awk -v what="$1" '{ at[NR] = $1 } END { printf "login.ratio %s median=%.2f\n", what, at[int((NR + 1) / 2)] }'
done
