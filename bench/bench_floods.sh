#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What floods of HTTP/2 come to, in clear and over TLS; SLOW=1 for those that time alone ends, half a
# minute each.
set -eu
cd "$(dirname "$0")"
taskset -c 1 node bench_floods.mjs clear
taskset -c 1 node bench_floods.mjs tls
