#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Whether the time of an answer tells who exists: see uniform.mjs. VERIFYD names the program.
set -eu
cd "$(dirname "$0")"
exec node uniform.mjs
