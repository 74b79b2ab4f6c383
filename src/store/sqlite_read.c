/* SPDX-License-Identifier: Apache-2.0 */
/* Loads: a round's in one read transaction, each a few look-ups by key. Point look-ups count as not
 * blocking; nothing here walks, and no transaction stays open. */
#include "store/load.h"
#include "store/sqlite_private.h"

static void *look_record(void *about, struct store_load *load, enum change_kind kind,
                         const void *key)
{
	void *record = NULL;
	if (kind == CHANGE_LINE && !line_may_be(about, key))
		return NULL;
	load->err = record_load(about, kind, key, load->arena, &record);
	return record;
}

/* The id from the index; its row is the caller's to read. */
enum err slot_holder(struct sqlite_conn *conn, struct bytes tenant, enum purpose purpose,
                     struct bytes slot, struct id *ret, bool *ret_found)
{
	sqlite3_stmt *statement = db_statement(conn, STATEMENT_SLOT_HOLDER);
	if (!statement)
		return ERR_STORE;
	struct binder binder = {.statement = statement};
	bind_text(&binder, slot);
	bind_text(&binder, tenant);
	bind_integer(&binder, purpose);
	int rc = sqlite3_step(statement);
	*ret_found = rc == SQLITE_ROW;
	if (rc == SQLITE_ROW)
		*ret = statement_id(statement, 0);
	sqlite3_reset(statement);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? OK : ERR_STORE;
}

static struct verification *look_slot(void *about, struct store_load *load, enum purpose purpose,
                                      struct bytes slot)
{
	struct verification key = {0};
	bool found = false;
	load->err = slot_holder(about, load->tenant, purpose, slot, &key.id, &found);
	return found ? look_record(about, load, CHANGE_VERIFICATION, &key) : NULL;
}

static bool look_event(void *about, struct store_load *load)
{
	sqlite3_stmt *statement = db_statement(about, STATEMENT_EVENT_THERE);
	if (!statement) {
		load->err = ERR_STORE;
		return false;
	}
	struct binder binder = {.statement = statement};
	bind_place(&binder, &load->id);
	bind_id(&binder, &load->id);
	int rc = sqlite3_step(statement);
	sqlite3_reset(statement);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		load->err = ERR_STORE;
	return rc == SQLITE_ROW;
}

static struct user *look_user(void *about, struct store_load *load, enum user_by by,
                              struct bytes key)
{
	return person_find(about, load, by, key);
}

static size_t look_holders(void *about, struct store_load *load, struct user *ret[HOLDERS_MAX],
                           bool *ret_more)
{
	return person_holders(about, load, ret, ret_more);
}

static const struct load_source source = {
    .record = look_record,
    .slot = look_slot,
    .user = look_user,
    .holders = look_holders,
    .event = look_event,
};

static void read_fault_tell(struct sqlite_handle *handle)
{
	struct problem problem;
	int rc = db_rc(&handle->reader);
	if (rc == SQLITE_OK || rc == SQLITE_ROW || rc == SQLITE_DONE)
		problem_say(&problem, "%s: a row that makes no sense", handle->sqlite->path);
	else
		(void)db_fault(&handle->reader, rc, handle->sqlite->path, &problem);
	(void)fault_tell(handle->sqlite, &problem);
}

void read_round(struct sqlite_handle *handle, struct task_list *loads)
{
	struct sqlite_conn *conn = &handle->reader;
	bool begun = db_run(conn, STATEMENT_BEGIN_READ) == SQLITE_DONE;
	if (begun)
		lines_remember(conn);
	for (struct task *task = loads->first; task; task = task->next) {
		struct store_load *load = CONTAINER_OF(task, struct store_load, task);
		if (begun)
			load_run(&source, conn, load);
		else
			load_clear(load, ERR_STORE);
		if (load->err == ERR_STORE)
			read_fault_tell(handle);
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
