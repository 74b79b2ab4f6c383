#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# HTTP/2 beside HTTP/1.1, in clear and over TLS, by h2load: a constant answer (/healthz), create and
# validate, with so many requests at a time. HTTP/1.1 takes a connection for each of them; HTTP/2 one
# for all of them (create: at most 16, each for a number of its own, since requests for one number
# wait for each other). The server on core 0, the load on core 1. CPU is the server's own time for a
# request, all its threads; the ratio is to HTTP/1.1 in clear.
#
#   STREAMS="1 16 64" REQUESTS=20000 VERIFYD=build/verifyd bench/bench_http2.sh
set -eu
cd "$(dirname "$0")/http"
: "${VERIFYD:=$PWD/../../build/verifyd}"
: "${STREAMS:=1 16 64}"
: "${REQUESTS:=20000}"
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || :; rm -rf "$folder"' EXIT INT TERM

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
	-keyout "$folder/key" -out "$folder/certificate" 2>/dev/null
chmod 600 "$folder/key"
echo "tls: {certificate: $folder/certificate, key: $folder/key}" >"$folder/yaml"
taskset -c 0 "$VERIFYD" serve --dev -c "$folder/yaml" --data "$folder/var" \
	--listen http://127.0.0.1:0 --listen https://127.0.0.1:0 >"$folder/out" 2>"$folder/log" &
server=$!
until clear=$(sed -n 's/^listening on \(http:.*\)/\1/p' "$folder/out") &&
	secure=$(sed -n 's/^listening on \(https:.*\)/\1/p' "$folder/out") && [ -n "$secure" ]; do
	kill -0 "$server" || { cat "$folder/log"; exit 1; }
done

# The server's CPU time so far, in hundredths of a second: utime and stime of proc(5).
cpu() {
	awk '{ print $14 + $15 }' "/proc/$server/stat"
}

now() {
	date +%s%N
}

# The flags of h2load for so many requests at a time: one connection each, or one for all.
shape() {
	if [ "$1" = http1 ]; then echo "--h1 -c $2 -m 1"; else echo "-c 1 -m $2"; fi
}

# Prints "requests-a-second microseconds-a-request" of what `run` did, N requests.
measured() {
	n=$1
	shift
	before=$(cpu) began=$(now)
	"$@"
	awk -v n="$n" -v ticks=$(($(cpu) - before)) -v ns=$(($(now) - began)) \
		'BEGIN { printf "%d %.1f", n * 1e9 / ns, ticks * 10000 / n }'
}

constant() {
	# shellcheck disable=SC2046 # a list of words
	taskset -c 1 h2load -n "$REQUESTS" $(shape "$1" "$2") "$3/healthz" >"$folder/h2load"
	grep -q " $REQUESTS succeeded" "$folder/h2load" || { cat "$folder/h2load" >&2; exit 1; }
}

validate() {
	# shellcheck disable=SC2046
	sed "s|.*|$3/webapi/verify/&/validate|" "$folder/some" | taskset -c 1 h2load -n "$REQUESTS_STORED" \
		$(shape "$1" "$2") -i - -d "$folder/guess" -H ':method: PUT' -H "Authorization: $AUTH" \
		-H 'Content-Type: application/json' >"$folder/h2load"
	grep -q "$REQUESTS_STORED done" "$folder/h2load" || { cat "$folder/h2load" >&2; exit 1; }
}

create() {
	numbers=$(($2 < 16 ? $2 : 16))
	i=0
	jobs=
	while [ $i -lt $numbers ]; do
		printf '{"to":"1%d5550100"}' $((202 + i)) >"$folder/body$i"
		# shellcheck disable=SC2046
		taskset -c 1 h2load -n $((REQUESTS_STORED / numbers)) $(shape "$1" $(($2 / numbers))) \
			-d "$folder/body$i" -H "Authorization: $AUTH" -H 'Content-Type: application/json' \
			"$3/webapi/verify" >"$folder/h2load$i" &
		jobs="$jobs $!"
		i=$((i + 1))
	done
	for job in $jobs; do
		wait "$job"
	done
}

AUTH="Basic $(printf demo:demo-secret | base64)"
REQUESTS_STORED=$((REQUESTS / 10))
printf '{"code":"x"}' >"$folder/guess"
curl -s -o /dev/null -u demo:demo-secret -H 'Content-Type: application/json' -d '{"to":"12025550100"}' \
	"$clear/webapi/verify"
IDS=$folder/ids taskset -c 1 wrk -t1 -c64 -d4 -s create.lua "$clear" >/dev/null
at=1
printf '%-10s %-8s %-18s %10s %9s %7s\n' 'at a time' what over 'requests/s' 'CPU us' ratio
for streams in $STREAMS; do
	for what in constant create validate; do
		base=
		for over in 'http1 clear' 'http2 clear' 'http1 TLS' 'http2 TLS'; do
			case $over in *TLS) url=$secure ;; *) url=$clear ;; esac
			n=$REQUESTS
			[ $what = constant ] || n=$REQUESTS_STORED
			if [ $what = validate ]; then
				# Each id takes a few guesses; then others are needed.
				tail -n +$at "$folder/ids" | head -n $((n / 4)) >"$folder/some"
				at=$((at + n / 4))
			fi
			figures=$(measured "$n" "$what" "${over% *}" "$streams" "$url")
			: "${base:=${figures% *}}"
			printf '%-10s %-8s %-18s %10s %9s %7s\n' "$streams" "$what" "$over" $figures \
				"$(awk -v a="${figures% *}" -v b="$base" 'BEGIN { printf "%.2f", a / b }')"
		done
	done
done
