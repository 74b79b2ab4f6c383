#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The PostgreSQL prototype's commits a second beside the SQLite store's, in one run and on one disk.
# Every commit is synced (synchronous_commit=on, fsync=on).
set -eu
cd "$(dirname "$0")/.."
: "${VERIFYD:=$PWD/build/bench/verifyd}"
exec tests/postgres/cluster -c synchronous_commit=on -c shared_buffers=256MB -c max_wal_size=4GB \
	"$(dirname "$VERIFYD")/bench/postgres_commits" tests/postgres/schema.sql
