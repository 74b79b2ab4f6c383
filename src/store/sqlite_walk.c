/* SPDX-License-Identifier: Apache-2.0 */
/* What the keeper reads a step at a time: counts, pages of a walk, where a number is to be erased.
 * Each step is a read transaction of its own: an open one keeps the log from beginning again. */
#include "store/sqlite_private.h"

#include <assert.h>

/* --- counts ---------------------------------------------------------------------------------- */

/* Rows counted in one step. */
#define COUNT_STEP 8192

/* The columns of a key, what is behind ?1 and ?2, and what is not behind ?3 and ?4. Texts and blobs
 * are all above '', and the integers that are keys above -1. */
#define KEY_OF(a) a, a ", NULL", a " > coalesce(?1, '')", "?3 IS NULL OR " a " <= ?3"
#define INTEGER_OF(a) a, a ", NULL", a " > coalesce(?1, -1)", "?3 IS NULL OR " a " <= ?3"
#define KEY_OF_TWO(a, b)                                                                           \
	a ", " b, a ", " b, "(" a ", " b ") > (coalesce(?1, ''), coalesce(?2, ''))",               \
	    "?3 IS NULL OR (" a ", " b ") <= (?3, ?4)"

static const struct {
	const char *table, *live;
	const char *order, *key, *behind, *until;
	size_t total; /* where in the counts */
} counted[] = {
    {"tenant", "0", KEY_OF("id"), offsetof(struct store_counts, tenants)},
    {"client", "0", KEY_OF("name"), offsetof(struct store_counts, clients)},
    {"user", "0", KEY_OF_TWO("tenant", "id"), offsetof(struct store_counts, users)},
    {"key", "0", KEY_OF("hash"), offsetof(struct store_counts, keys)},
    {"session", "0", KEY_OF("hash"), offsetof(struct store_counts, sessions)},
    {"system", "0", KEY_OF_TWO("tenant", "id"), offsetof(struct store_counts, systems)},
    {"verification", "state = 1", INTEGER_OF("place"),
     offsetof(struct store_counts, verifications)},
    {"budget", "0", INTEGER_OF("number"), offsetof(struct store_counts, budgets)},
    {"message", "0", INTEGER_OF("place"), offsetof(struct store_counts, messages)},
    {"event", "0", INTEGER_OF("place"), offsetof(struct store_counts, events)},
};
#define COUNTED (sizeof(counted) / sizeof(counted[0]))

static uint64_t *count_total(struct sqlite_count *count)
{
	return (uint64_t *)(void *)((char *)&count->count->counts + counted[count->table].total);
}

void count_forget(struct sqlite_count *count)
{
	for (int i = 0; i < COUNT_KEYS; i++) {
		sqlite3_value_free(count->last[i]);
		count->last[i] = NULL;
	}
}

static void keys_bind(sqlite3_stmt *statement, int from, sqlite3_value *const keys[COUNT_KEYS])
{
	for (int i = 0; i < COUNT_KEYS; i++)
		if (keys[i])
			sqlite3_bind_value(statement, from + i, keys[i]);
}

/* The key that ends the next step, or NULLs for the rest of the table. */
static int count_end(struct sqlite_conn *conn, struct sqlite_count *count,
                     sqlite3_value *ret[COUNT_KEYS])
{
	char sql[256];
	unsigned at = count->table;
	snprintf(sql, sizeof(sql), "SELECT %s FROM %s WHERE %s ORDER BY %s LIMIT 1 OFFSET %d",
	         counted[at].key, counted[at].table, counted[at].behind, counted[at].order,
	         COUNT_STEP - 1);
	sqlite3_stmt *statement;
	int rc = sqlite3_prepare_v2(conn->db, sql, -1, &statement, NULL);
	if (rc)
		return rc;
	keys_bind(statement, 1, count->last);
	rc = sqlite3_step(statement);
	for (int i = 0; i < COUNT_KEYS && rc == SQLITE_ROW; i++) {
		ret[i] = sqlite3_value_dup(sqlite3_column_value(statement, i));
		if (!ret[i])
			rc = SQLITE_NOMEM;
	}
	sqlite3_finalize(statement);
	return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static int count_range(struct sqlite_conn *conn, struct sqlite_count *count,
                       sqlite3_value *const end[COUNT_KEYS])
{
	char sql[320];
	unsigned at = count->table;
	snprintf(sql, sizeof(sql),
	         "SELECT count(*), count(*) FILTER (WHERE %s) FROM %s WHERE %s AND (%s)",
	         counted[at].live, counted[at].table, counted[at].behind, counted[at].until);
	sqlite3_stmt *statement;
	int rc = sqlite3_prepare_v2(conn->db, sql, -1, &statement, NULL);
	if (rc)
		return rc;
	keys_bind(statement, 1, count->last);
	keys_bind(statement, 1 + COUNT_KEYS, end);
	rc = sqlite3_step(statement);
	if (rc == SQLITE_ROW) {
		*count_total(count) += (uint64_t)sqlite3_column_int64(statement, 0);
		count->count->counts.live += (uint64_t)sqlite3_column_int64(statement, 1);
	}
	sqlite3_finalize(statement);
	return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

/* One step; true when the count is finished, or failed. */
static bool count_step(struct sqlite_conn *conn, struct sqlite_count *count)
{
	sqlite3_value *end[COUNT_KEYS] = {NULL};
	int rc = count_end(conn, count, end);
	if (!rc)
		rc = count_range(conn, count, end);
	count_forget(count);
	memcpy(count->last, end, sizeof(end));
	if (!end[0])
		count->table++;
	if (rc)
		count->count->err = ERR_STORE;
	return rc || count->table == COUNTED;
}

/* --- walks ----------------------------------------------------------------------------------- */

/* The page. */
static void walk_step(struct sqlite_conn *conn, struct sqlite_walk *node)
{
	const struct store_walk *walk = node->walk;
	enum verb verb = walk->after ? VERB_NEXT : VERB_FIRST;
	sqlite3_stmt *statement = db_record_statement(conn, walk->kind, verb);
	node->err = statement ? OK : ERR_STORE;
	if (!statement)
		return;
	if (walk->after)
		record_bind_key(statement, walk->kind, walk->after);
	int rc = SQLITE_DONE;
	while (!node->err && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
		assert(node->found_n < WALK_MAX);
		node->err =
		    record_read(statement, walk->kind, &node->arena, &node->found[node->found_n++]);
	}
	sqlite3_reset(statement);
	if (!node->err && rc != SQLITE_DONE)
		node->err = ERR_STORE;
}

/* --- where a number is ----------------------------------------------------------------------- */

/* Rows looked at in one step. */
#define ERASE_STEP 8192

static bool id_add(struct sqlite_erase *erase, struct id id)
{
	buf_add(&erase->ids, (struct bytes){(const char *)id.octets, ID_LEN});
	return !erase->ids.failed;
}

/* Verifications have no index by number, which every start would have to pay for: so all are looked
 * at here, beside the writer. One step; true when there are no more, or it failed. */
static bool erase_step(struct sqlite_conn *conn, struct sqlite_erase *erase)
{
	sqlite3_stmt *statement = db_statement(conn, STATEMENT_NUMBERS_NEXT);
	if (!statement) {
		erase->err = ERR_STORE;
		return true;
	}
	struct bytes number = number_bytes(&erase->erase->number);
	struct binder binder = {.statement = statement};
	bind_integer(&binder, erase->next);
	bind_integer(&binder, ERASE_STEP);
	int rc, rows = 0;
	while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
		struct columns columns = {.statement = statement, .at = 2};
		erase->next = sqlite3_column_int64(statement, 0) + 1;
		rows++;
		if (bytes_equal(column_peek(&columns), number) &&
		    !id_add(erase, statement_id(statement, 1)))
			break;
	}
	sqlite3_reset(statement);
	if (rc != SQLITE_DONE)
		erase->err = ERR_STORE;
	return rc != SQLITE_DONE || rows < ERASE_STEP;
}

/* --- jobs ------------------------------------------------------------------------------------ */

bool job_step(struct sqlite_store *sqlite, struct task *job)
{
	struct sqlite_conn *conn = &sqlite->keeper.conn;
	if (job->run == on_count_answer) {
		struct sqlite_count *count = CONTAINER_OF(job, struct sqlite_count, task);
		if (!count_step(conn, count))
			return false;
		handle_answer(count->handle, job);
	} else if (job->run == on_walk_answer) {
		struct sqlite_walk *walk = CONTAINER_OF(job, struct sqlite_walk, task);
		walk_step(conn, walk);
		handle_answer(walk->handle, job);
	} else {
		assert(job->run == on_erase_answer);
		struct sqlite_erase *erase = CONTAINER_OF(job, struct sqlite_erase, task);
		if (!erase_step(conn, erase))
			return false;
		erase->ids_found = erase->ids.len / ID_LEN;
		if (erase->err)
			handle_answer(erase->handle, job);
		else
			handle_write(erase->handle, job);
	}
	return true;
}
