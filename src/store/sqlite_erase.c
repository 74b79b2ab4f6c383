/* SPDX-License-Identifier: Apache-2.0 */
/* Erasing a number inside the writer's transaction. The keeper has found its verifications; those
 * that were committed while it looked are found here, by their ids, which are ordered by time. */
#include "store/sqlite_private.h"

/* How long before its commit a verification may have got its id: a request lives at most 30 s, and
 * the writer waits at most BUSY_WRITE_MS. */
#define ID_AGE_MAX_MS 60000

/* Runs a statement whose parameters are bound; *ret rises by the rows it changed. */
static enum write_result rows_change(struct sqlite_conn *conn, sqlite3_stmt *statement, size_t *ret)
{
	if (statement_finish(statement) != SQLITE_DONE)
		return WRITE_FAILED;
	*ret += (size_t)sqlite3_changes(conn->db);
	return WRITE_OK;
}

static enum write_result verification_erase(struct sqlite_conn *conn, struct sqlite_erase *node,
                                            const struct id *id)
{
	sqlite3_stmt *messages = db_statement(conn, STATEMENT_ERASE_MESSAGES);
	sqlite3_stmt *one = db_statement(conn, STATEMENT_OLD_ONE_GONE);
	if (!messages || !one)
		return WRITE_FAILED;
	struct binder binder = {.statement = messages};
	bind_place(&binder, id);
	enum write_result result = rows_change(conn, messages, &node->erase->messages);
	if (result)
		return result;
	binder = (struct binder){.statement = one};
	bind_place(&binder, id);
	return rows_change(conn, one, &node->erase->verifications);
}

/* --- verifications --------------------------------------------------------------------------- */

/* Adds what the keeper cannot have seen. */
static enum write_result recent_find(struct sqlite_conn *conn, struct sqlite_erase *node)
{
	sqlite3_stmt *statement = db_statement(conn, STATEMENT_ERASE_RECENT);
	if (!statement)
		return WRITE_FAILED;
	struct binder binder = {.statement = statement};
	bind_integer(&binder, id_place_of_moment(node->erase->now_ms - ID_AGE_MAX_MS));
	bind_number(&binder, &node->erase->number);
	int rc;
	while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
		struct id id = statement_id(statement, 0);
		buf_add(&node->ids, (struct bytes){(const char *)id.octets, ID_LEN});
	}
	sqlite3_reset(statement);
	return rc == SQLITE_DONE && !node->ids.failed ? WRITE_OK : WRITE_FAILED;
}

static enum write_result verifications_erase(struct sqlite_conn *conn, struct sqlite_erase *node)
{
	/* In a batch that is done again they are found again. */
	node->ids.len = node->ids_found * ID_LEN;
	enum write_result result = recent_find(conn, node);
	for (size_t at = 0; at < node->ids.len && !result; at += ID_LEN) {
		struct id id;
		memcpy(id.octets, node->ids.at + at, ID_LEN);
		result = verification_erase(conn, node, &id);
	}
	return result;
}

/* --- users ----------------------------------------------------------------------------------- */

static enum write_result code_erase(struct sqlite_conn *conn, struct sqlite_erase *node,
                                    const struct user *user, enum purpose purpose)
{
	struct id id;
	bool found;
	if (slot_holder(conn, user->tenant, purpose, user->id, &id, &found))
		return WRITE_FAILED;
	return found ? verification_erase(conn, node, &id) : WRITE_OK;
}

static enum write_result user_erase(struct sqlite_conn *conn, struct sqlite_erase *node,
                                    const struct user *user)
{
	enum write_result result = code_erase(conn, node, user, PURPOSE_PHONE);
	if (!result)
		result = code_erase(conn, node, user, PURPOSE_LOGIN);
	if (!result)
		result = person_forget(conn, user);
	sqlite3_stmt *statement = db_record_statement(conn, CHANGE_USER, VERB_ERASE);
	if (result || !statement)
		return WRITE_FAILED;
	record_bind_key(statement, CHANGE_USER, user);
	return rows_change(conn, statement, &node->erase->users);
}

struct doomed {
	struct user user; /* his key */
	struct doomed *next;
};

/* First all are found, then they go: a statement does not walk what another one deletes. */
static enum write_result users_find(struct sqlite_conn *conn, struct sqlite_erase *node,
                                    struct doomed **ret)
{
	sqlite3_stmt *statement = db_statement(conn, STATEMENT_ERASE_USERS);
	if (!statement)
		return WRITE_FAILED;
	struct binder binder = {.statement = statement};
	bind_number(&binder, &node->erase->number);
	int rc;
	while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
		struct columns columns = {.statement = statement, .arena = &node->arena};
		struct doomed *doomed = ARENA_NEW(&node->arena, struct doomed);
		if (!doomed)
			break;
		doomed->user.tenant = column_text(&columns);
		doomed->user.id = column_text(&columns);
		doomed->next = *ret;
		*ret = doomed;
		if (columns.err)
			break;
	}
	sqlite3_reset(statement);
	return rc == SQLITE_DONE ? WRITE_OK : WRITE_FAILED;
}

static enum write_result users_erase(struct sqlite_conn *conn, struct sqlite_erase *node)
{
	struct doomed *doomed = NULL;
	enum write_result result = users_find(conn, node, &doomed);
	for (; doomed && !result; doomed = doomed->next)
		result = user_erase(conn, node, &doomed->user);
	sqlite3_stmt *statement = db_statement(conn, STATEMENT_ERASE_PENDING);
	if (result || !statement)
		return WRITE_FAILED;
	struct binder binder = {.statement = statement};
	bind_number(&binder, &node->erase->number);
	bind_integer(&binder, node->erase->now_ms);
	return rows_change(conn, statement, &node->erase->users);
}

/* --- the rest -------------------------------------------------------------------------------- */

static enum write_result number_erase(struct sqlite_conn *conn, struct sqlite_erase *node)
{
	sqlite3_stmt *lines = db_statement(conn, STATEMENT_ERASE_LINES);
	sqlite3_stmt *budget = db_statement(conn, STATEMENT_ERASE_BUDGET);
	if (!lines || !budget)
		return WRITE_FAILED;
	struct binder binder = {.statement = lines};
	bind_number(&binder, &node->erase->number);
	lines_forget(conn);
	if (statement_finish(lines) != SQLITE_DONE)
		return WRITE_FAILED;
	binder = (struct binder){.statement = budget};
	bind_integer(&binder, number_to_integer(&node->erase->number));
	bind_integer(&binder, node->erase->now_ms);
	if (statement_finish(budget) != SQLITE_DONE ||
	    db_run(conn, STATEMENT_GENERATION_NEXT) != SQLITE_DONE)
		return WRITE_FAILED;
	return WRITE_OK;
}

enum write_result write_erase(struct sqlite_conn *conn, struct sqlite_erase *node)
{
	struct store_erase *erase = node->erase;
	arena_reset(&node->arena);
	node->err = OK;
	erase->users = erase->verifications = erase->messages = 0;
	enum write_result result = users_erase(conn, node);
	if (!result)
		result = verifications_erase(conn, node);
	if (!result)
		result = number_erase(conn, node);
	return result;
}
