#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What ten thousand idle connections of each kind cost: bench_idle.mjs.
set -eu
cd "$(dirname "$0")"
node bench_idle.mjs
