/* SPDX-License-Identifier: Apache-2.0 */
/* Loads: a round's in one read transaction, each a few look-ups by key. Point look-ups count as not
 * blocking; nothing here walks, and no transaction stays open. */
#include "store/sqlite_private.h"

#include <assert.h>

static void *record_get(struct sqlite_conn *conn, struct store_load *load, enum change_kind kind,
                        const void *key)
{
	void *record = NULL;
	if (!load->err)
		load->err = record_load(conn, kind, key, load->arena, &record);
	return record;
}

/* The live verification of a slot: its id from the index, then its row. */
static struct verification *slot_get(struct sqlite_conn *conn, struct store_load *load)
{
	sqlite3_stmt *statement = db_statement(conn, STATEMENT_SLOT_HOLDER);
	if (!statement) {
		load->err = ERR_STORE;
		return NULL;
	}
	struct binder binder = {.statement = statement};
	bind_text(&binder, load->slot);
	bind_text(&binder, load->tenant);
	bind_integer(&binder, load->purpose);
	struct verification key = {0};
	int rc = sqlite3_step(statement);
	if (rc == SQLITE_ROW)
		key.id = statement_id(statement, 0);
	sqlite3_reset(statement);
	if (rc == SQLITE_ROW)
		return record_get(conn, load, CHANGE_VERIFICATION, &key);
	if (rc != SQLITE_DONE)
		load->err = ERR_STORE;
	return NULL;
}

static bool event_is_there(struct sqlite_conn *conn, struct store_load *load)
{
	sqlite3_stmt *statement = db_statement(conn, STATEMENT_EVENT_THERE);
	if (!statement) {
		load->err = ERR_STORE;
		return false;
	}
	struct binder binder = {.statement = statement};
	bind_id(&binder, &load->id);
	int rc = sqlite3_step(statement);
	sqlite3_reset(statement);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		load->err = ERR_STORE;
	return rc == SQLITE_ROW;
}

static void number_get(struct sqlite_conn *conn, struct store_load *load, struct bytes tenant,
                       const struct number *number)
{
	const struct budget budget = {.number = *number};
	const struct failures failures = {.tenant = tenant, .number = *number};
	const struct line line = {.tenant = tenant, .number = *number};
	if (load->want & WANT_BUDGET)
		load->budget = record_get(conn, load, CHANGE_BUDGET, &budget);
	if (load->want & WANT_FAILURES)
		load->failures = record_get(conn, load, CHANGE_FAILURES, &failures);
	if (load->want & WANT_LINE)
		load->line = record_get(conn, load, CHANGE_LINE, &line);
}

static void load_run(struct sqlite_conn *conn, struct store_load *load)
{
	if (load->want & WANT_VERIFICATION) {
		const struct verification key = {.id = load->id};
		load->verification = record_get(conn, load, CHANGE_VERIFICATION, &key);
	}
	if (load->want & WANT_SLOT)
		load->verification = slot_get(conn, load);
	if (load->want & WANT_NUMBER && !(load->want & WANT_VERIFICATION))
		number_get(conn, load, load->tenant, &load->number);
	else if (load->want & WANT_NUMBER && load->verification)
		number_get(conn, load, load->verification->tenant, &load->verification->number);
	if (load->want & WANT_TENANT) {
		const struct tenant key = {.id = load->tenant};
		load->tenant_record = record_get(conn, load, CHANGE_TENANT, &key);
	}
	if (load->want & WANT_CLIENT) {
		const struct client key = {.name = load->client_name};
		load->client = record_get(conn, load, CHANGE_CLIENT, &key);
	}
	if (load->want & WANT_EVENT)
		load->event_found = event_is_there(conn, load);
}

static void load_clear(struct store_load *load, enum err err)
{
	load->err = err;
	load->verification = NULL;
	load->budget = NULL;
	load->failures = NULL;
	load->line = NULL;
	load->tenant_record = NULL;
	load->client = NULL;
	load->event_found = false;
}

void read_round(struct sqlite_handle *handle, struct task_list *loads)
{
	struct sqlite_conn *conn = &handle->reader;
	bool begun = db_run(conn, STATEMENT_BEGIN_READ) == SQLITE_DONE;
	for (struct task *task = loads->first; task; task = task->next) {
		struct store_load *load = CONTAINER_OF(task, struct store_load, task);
		assert(!(load->want & WANT_VERIFICATION) ||
		       !(load->want & (WANT_SLOT | WANT_EVENT)));
		load_clear(load, begun ? OK : ERR_STORE);
		if (begun)
			load_run(conn, load);
		/* Half an answer is none. */
		if (load->err)
			load_clear(load, load->err);
	}
	if (begun && db_run(conn, STATEMENT_COMMIT) != SQLITE_DONE)
		(void)db_run(conn, STATEMENT_ROLLBACK);
}

enum err read_generation(struct sqlite_conn *conn, uint64_t *ret)
{
	sqlite3_stmt *statement = db_statement(conn, STATEMENT_GENERATION);
	if (!statement)
		return ERR_STORE;
	int rc = sqlite3_step(statement);
	if (rc == SQLITE_ROW)
		*ret = (uint64_t)sqlite3_column_int64(statement, 0);
	sqlite3_reset(statement);
	return rc == SQLITE_ROW ? OK : ERR_STORE;
}
