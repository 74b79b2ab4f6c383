/* SPDX-License-Identifier: Apache-2.0 */
/* A prototype of the commit of core/port_store.h on PostgreSQL: many commits in one transaction and
 * one round trip (libpq's pipeline), each a single guarded statement that refuses without raising,
 * so that a conflict does not touch its neighbours. docs/design/postgresql.md says why it looks so
 * and what was measured. It is no store: nothing is loaded, claimed or purged, and a call waits for
 * its answer. */
#ifndef TESTS_POSTGRES_PG_COMMIT_H
#define TESTS_POSTGRES_PG_COMMIT_H

#include "core/port_store.h"

#include <libpq-fe.h>

/* Commits in one transaction. */
#define PG_BATCH_MAX 512
/* How often a commit is done again after a deadlock or a serialization failure. */
#define PG_TRIES 3

struct pg_session;

/* Where the cluster is, libpq's own variables say; `options` are further words of a connection
 * string, or "". `prepared` false: statements are parsed each time, as behind a pooler that hands a
 * connection on after each transaction. NULL when there is no connection (said on stderr). */
struct pg_session *pg_session_new(const char *options, bool prepared);
void pg_session_free(struct pg_session *session);

/* Carries out up to PG_BATCH_MAX commits and sets the `err` of each: OK, ERR_CONFLICT, ERR_STORE,
 * ERR_UNKNOWN (the connection broke, or the server did not wait for its standby: look for the
 * event). on_done is not called. */
void pg_commit_batch(struct pg_session *session, struct store_commit **commits, size_t n);

/* How a doubtful commit is resolved: whether the event is there. ERR_STORE: nobody knows. */
MUST_CHECK enum err pg_event_find(struct pg_session *session, const struct id *id, bool *ret);

/* What happened to batches so far. */
struct pg_stats {
	uint64_t batches;  /* transactions that were tried */
	uint64_t guilty;   /* statements that raised and were left out of the next try */
	uint64_t replayed; /* batches done again one by one */
};
struct pg_stats pg_session_stats(const struct pg_session *session);

/* The connection, for what tests ask beside commits; its process. */
PGconn *pg_session_conn(struct pg_session *session);

#endif
