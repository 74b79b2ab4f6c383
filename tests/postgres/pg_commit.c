/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions and batches. A batch is BEGIN, the locks of its numbers, a statement for each commit and
 * COMMIT, all sent before the first answer is read. */
#include "pg_private.h"

#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#define SHAPES_MAX 64
/* Every statement looks rows up by their keys: planned once, and never as a walk over the table,
 * which a plan made while the table was empty would else be. */
#define COMMON_OPTIONS                                                                             \
	"options='-c plan_cache_mode=force_generic_plan -c enable_seqscan=off"                     \
	" -c enable_bitmapscan=off -c jit=off'"

struct prepared {
	struct pg_shape shape;
	struct buf sql;
	char name[16];
};

struct pg_session {
	PGconn *conn; /* owned */
	bool prepared;
	bool warned; /* the server said something about the transaction under way */
	struct pg_stats stats;
	struct arena arena; /* of the batch under way */
	struct pg_params params;
	size_t shapes_n;
	struct prepared shapes[SHAPES_MAX];
};

/* --- sessions -------------------------------------------------------------------------------- */

/* "canceling wait for synchronous replication" is a warning beside a successful COMMIT. */
static void on_notice(void *about, const PGresult *notice)
{
	struct pg_session *session = about;
	const char *severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
	session->warned |= severity && !strcmp(severity, "WARNING");
}

struct pg_session *pg_session_new(const char *options, bool prepared)
{
	struct pg_session *session = calloc(1, sizeof(*session));
	if (!session)
		return NULL;
	struct buf words;
	buf_init(&words, 0);
	buf_printf(&words, "%s %s", COMMON_OPTIONS, options);
	buf_add_char(&words, '\0');
	session->prepared = prepared;
	session->conn = PQconnectdb(words.at);
	buf_done(&words);
	if (PQstatus(session->conn) != CONNECTION_OK) {
		fprintf(stderr, "%s", PQerrorMessage(session->conn));
		pg_session_free(session);
		return NULL;
	}
	PQsetNoticeReceiver(session->conn, on_notice, session);
	return session;
}

void pg_session_free(struct pg_session *session)
{
	if (!session)
		return;
	for (size_t i = 0; i < session->shapes_n; i++)
		buf_done(&session->shapes[i].sql);
	arena_done(&session->arena);
	PQfinish(session->conn);
	free(session);
}

struct pg_stats pg_session_stats(const struct pg_session *session)
{
	return session->stats;
}

PGconn *pg_session_conn(struct pg_session *session)
{
	return session->conn;
}

/* --- waiting --------------------------------------------------------------------------------- */

/* The next answer, with all that is to be sent on its way meanwhile. NULL: the end of one command's
 * answers, or the connection is lost (*ret_lost). */
static PGresult *result_wait(struct pg_session *session, bool *ret_lost)
{
	while (PQisBusy(session->conn)) {
		int unsent = PQflush(session->conn);
		struct pollfd ready = {.fd = PQsocket(session->conn),
		                       .events = (short)(POLLIN | (unsent ? POLLOUT : 0))};
		if (unsent < 0 || poll(&ready, 1, -1) < 0 || !PQconsumeInput(session->conn)) {
			*ret_lost = true;
			return NULL;
		}
	}
	PGresult *result = PQgetResult(session->conn);
	*ret_lost |= PQstatus(session->conn) == CONNECTION_BAD;
	return result;
}

/* The answer of one command; what it raised is copied to `sqlstate`, else that is "". NULL: lost.
 */
static PGresult *answer_wait(struct pg_session *session, char sqlstate[6])
{
	bool lost = false;
	PGresult *answer = result_wait(session, &lost);
	ExecStatusType status = PQresultStatus(answer);
	const char *state = PQresultErrorField(answer, PG_DIAG_SQLSTATE);
	snprintf(sqlstate, 6, "%s", state ? state : "");
	if (answer && status != PGRES_PIPELINE_SYNC)
		PQclear(result_wait(session, &lost));
	if (!lost)
		return answer;
	PQclear(answer);
	return NULL;
}

/* --- statements ------------------------------------------------------------------------------ */

static struct prepared *shape_find(struct pg_session *session, const struct store_commit *commit)
{
	struct pg_shape shape;
	pg_shape_of(commit, &shape);
	for (size_t i = 0; i < session->shapes_n; i++)
		if (!strcmp(session->shapes[i].shape.text, shape.text))
			return &session->shapes[i];
	assert(session->shapes_n < SHAPES_MAX);
	struct prepared *found = &session->shapes[session->shapes_n++];
	found->shape = shape;
	snprintf(found->name, sizeof(found->name), "s%zu", session->shapes_n);
	buf_init(&found->sql, 0);
	pg_shape_sql(&shape, &found->sql);
	buf_add_char(&found->sql, '\0');
	if (!session->prepared)
		return found;
	/* Outside any batch: a statement prepared in one that fails would be gone with it. */
	PGresult *done = PQprepare(session->conn, found->name, found->sql.at, 0, NULL);
	if (PQresultStatus(done) != PGRES_COMMAND_OK)
		fprintf(stderr, "%s", PQerrorMessage(session->conn));
	PQclear(done);
	return found;
}

static bool send_plain(struct pg_session *session, const char *sql)
{
	return PQsendQueryParams(session->conn, sql, 0, NULL, NULL, NULL, NULL, 0);
}

static bool send_commit(struct pg_session *session, const struct store_commit *commit)
{
	const struct prepared *shape = shape_find(session, commit);
	struct pg_params *params = &session->params;
	pg_params_fill(params, commit);
	if (session->prepared)
		return PQsendQueryPrepared(session->conn, shape->name, params->n, params->values,
		                           params->lengths, params->formats, 0);
	return PQsendQueryParams(session->conn, shape->sql.at, params->n, NULL, params->values,
	                         params->lengths, params->formats, 0);
}

/* The numbers of a batch, as two arrays; the server sorts them, and takes each once. */
static bool send_locks(struct pg_session *session, struct store_commit **commits, size_t n,
                       bool *ret_any)
{
	struct buf digits, buckets;
	const struct number *before = NULL;
	buf_init(&digits, 0);
	buf_init(&buckets, 0);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < commits[i]->changes_n; j++) {
			const struct number *number = pg_change_number(&commits[i]->changes[j]);
			/* Those of one commit are nearly always one. */
			if (!number || (before && number_equal(before, number)))
				continue;
			buf_printf(&digits, "%c%s", before ? ',' : '{', number->digits);
			buf_printf(&buckets, "%c%u", before ? ',' : '{', number_bucket(number));
			before = number;
		}
	buf_add(&digits, (struct bytes){"}", 2}); /* and its NUL */
	buf_add(&buckets, (struct bytes){"}", 2});
	const char *values[] = {digits.at, buckets.at};
	*ret_any = before;
	bool sent = !before ||
	            PQsendQueryParams(session->conn, pg_lock_sql, 2, NULL, values, NULL, NULL, 0);
	buf_done(&digits);
	buf_done(&buckets);
	return sent;
}

/* --- batches --------------------------------------------------------------------------------- */

enum attempt {
	ATTEMPT_DONE,
	ATTEMPT_REPLAY, /* a deadlock or serialization failure: nobody is guilty */
	ATTEMPT_GUILTY, /* one statement raised */
	ATTEMPT_FAILED, /* the batch cannot be done; nothing of it was */
	ATTEMPT_LOST,   /* nobody knows */
};

static bool batch_send(struct pg_session *session, struct store_commit **commits, size_t n,
                       bool *ret_locks)
{
	bool sent = send_plain(session, "BEGIN ISOLATION LEVEL READ COMMITTED") &&
	            send_locks(session, commits, n, ret_locks);
	for (size_t i = 0; i < n && sent; i++)
		sent = send_commit(session, commits[i]);
	return sent && send_plain(session, "COMMIT") && PQpipelineSync(session->conn);
}

static enum attempt raised_kind(const char *sqlstate, bool by_commit)
{
	if (!strcmp(sqlstate, "40P01") || !strcmp(sqlstate, "40001"))
		return ATTEMPT_REPLAY;
	bool row_level = !strncmp(sqlstate, "22", 2) || !strncmp(sqlstate, "23", 2);
	return by_commit && row_level ? ATTEMPT_GUILTY : ATTEMPT_FAILED;
}

/* Reads the answers of a batch; the first that raised decides, those after it were skipped. */
static enum attempt batch_read(struct pg_session *session, struct store_commit **commits, size_t n,
                               bool locks, size_t *ret_guilty)
{
	enum attempt kind = ATTEMPT_DONE;
	size_t before = locks ? 2 : 1;
	for (size_t i = 0; i < before + n + 2; i++) {
		char sqlstate[6];
		PGresult *answer = answer_wait(session, sqlstate);
		if (!answer)
			return ATTEMPT_LOST;
		bool by_commit = i >= before && i < before + n;
		if (by_commit && PQresultStatus(answer) == PGRES_TUPLES_OK)
			commits[i - before]->err =
			    *PQgetvalue(answer, 0, 0) == 't' ? OK : ERR_CONFLICT;
		if (*sqlstate && kind == ATTEMPT_DONE) {
			kind = raised_kind(sqlstate, by_commit);
			*ret_guilty = i - before;
			if (by_commit)
				commits[i - before]->err =
				    strcmp(sqlstate, "23505") ? ERR_STORE : ERR_CONFLICT;
		}
		PQclear(answer);
	}
	return kind == ATTEMPT_DONE && session->warned ? ATTEMPT_LOST : kind;
}

static enum attempt batch_attempt(struct pg_session *session, struct store_commit **commits,
                                  size_t n, size_t *ret_guilty)
{
	PGconn *conn = session->conn;
	bool locks;
	arena_reset(&session->arena);
	session->params.arena = &session->arena;
	session->warned = false;
	session->stats.batches++;
	for (size_t i = 0; i < n; i++)
		shape_find(session, commits[i]);
	if (PQsetnonblocking(conn, 1) || !PQenterPipelineMode(conn) ||
	    !batch_send(session, commits, n, &locks))
		return ATTEMPT_LOST;
	enum attempt attempt = batch_read(session, commits, n, locks, ret_guilty);
	bool lost = false;
	if (PQstatus(conn) == CONNECTION_OK)
		PQclear(result_wait(session, &lost)); /* nothing */
	bool usable = PQstatus(conn) == CONNECTION_OK && PQexitPipelineMode(conn) &&
	              !PQsetnonblocking(conn, 0);
	/* A batch that raised is still open. */
	if (usable && PQtransactionStatus(conn) != PQTRANS_IDLE)
		PQclear(PQexec(conn, "ROLLBACK"));
	return attempt;
}

static void commits_answer(struct store_commit **commits, size_t n, enum err err)
{
	for (size_t i = 0; i < n; i++)
		commits[i]->err = err;
}

static void commit_alone(struct pg_session *session, struct store_commit *commit)
{
	for (int i = 0; i < PG_TRIES; i++) {
		size_t guilty;
		switch (batch_attempt(session, &commit, 1, &guilty)) {
		case ATTEMPT_DONE:
		case ATTEMPT_GUILTY:
			return;
		case ATTEMPT_REPLAY:
			break;
		case ATTEMPT_FAILED:
			commit->err = ERR_STORE;
			return;
		case ATTEMPT_LOST:
			commit->err = ERR_UNKNOWN;
			return;
		}
	}
	commit->err = ERR_STORE;
}

void pg_commit_batch(struct pg_session *session, struct store_commit **commits, size_t n)
{
	assert(n <= PG_BATCH_MAX);
	/* Without those that raised, one fewer each time. */
	struct store_commit *left[PG_BATCH_MAX];
	memcpy(left, commits, n * sizeof(*left));
	while (n) {
		size_t guilty = 0;
		switch (batch_attempt(session, left, n, &guilty)) {
		case ATTEMPT_DONE:
			return;
		case ATTEMPT_GUILTY:
			session->stats.guilty++;
			n--;
			memmove(&left[guilty], &left[guilty + 1], (n - guilty) * sizeof(*left));
			break;
		case ATTEMPT_REPLAY:
			session->stats.replayed++;
			for (size_t i = 0; i < n; i++)
				commit_alone(session, left[i]);
			return;
		case ATTEMPT_FAILED:
			commits_answer(left, n, ERR_STORE);
			return;
		case ATTEMPT_LOST:
			commits_answer(left, n, ERR_UNKNOWN);
			return;
		}
	}
}

enum err pg_event_find(struct pg_session *session, const struct id *id, bool *ret)
{
	const char *values[] = {(const char *)id->octets};
	const int lengths[] = {ID_LEN}, formats[] = {1};
	PGresult *answer = PQexecParams(session->conn, "SELECT 1 FROM event WHERE id = $1::uuid", 1,
	                                NULL, values, lengths, formats, 0);
	bool told = PQresultStatus(answer) == PGRES_TUPLES_OK;
	*ret = told && PQntuples(answer) == 1;
	PQclear(answer);
	return told ? OK : ERR_STORE;
}
