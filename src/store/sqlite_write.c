/* SPDX-License-Identifier: Apache-2.0 */
/* One call inside the writer's transaction.
 *
 * A commit is all or nothing, and many share one transaction: so nothing of it may be written
 * before it is known that all of it will be. What it read is looked up first (`checked`), but for
 * two kinds of change whose own statement checks:
 *   - the first one written: when it does nothing, nothing was written;
 *   - the insert of a record with a fresh id: only a twin of 74 random bits could stand in its way.
 *     If one does after all, the whole batch is undone and done again, each commit inside a
 *     savepoint. (Savepoints for all would copy every page that each commit touches.) */
#include "store/sqlite_private.h"

#include <assert.h>

/* Rows a purge may look at, of each kind, to find PURGE_STEP that go. */
#define PURGE_SCAN 2048

static bool rc_is_row_level(int rc)
{
	return (rc & 0xFF) == SQLITE_CONSTRAINT;
}

/* --- checks ---------------------------------------------------------------------------------- */

static bool holds_slot(const struct change *change)
{
	return change->kind == CHANGE_VERIFICATION &&
	       change->verification->state == VERIFICATION_LIVE && change->verification->slot.at;
}

static bool has_fresh_id(const struct change *change)
{
	switch (change->kind) {
	case CHANGE_VERIFICATION:
		return change->verification->version == 0;
	case CHANGE_MESSAGE:
		return change->message->version == 0;
	case CHANGE_EVENT:
		return true;
	case CHANGE_BUDGET:
	case CHANGE_FAILURES:
	case CHANGE_TENANT:
	case CHANGE_CLIENT:
	case CHANGE_LINE:
	case CHANGE_USER:
	case CHANGE_KEY:
	case CHANGE_SESSION:
	case CHANGE_SYSTEM:
	case DELETE_USER:
	case GUARD_VERIFICATION:
	case GUARD_BUDGET:
	case GUARD_FAILURES:
	case GUARD_LINE:
	case GUARD_USER:
		return false;
	}
	return false;
}

static uint64_t change_version(const struct change *change)
{
	return shape_version(&shapes[change_record_kind(change->kind)], change->record);
}

/* Whether the stored version is the one that was read: *reterr when not. */
static enum write_result version_check(struct sqlite_conn *conn, const struct change *change,
                                       enum err *reterr)
{
	enum change_kind kind = change_record_kind(change->kind);
	if (kind == CHANGE_LINE && !line_may_be(conn, change->line)) {
		if (change_version(change) != 0)
			*reterr = ERR_CONFLICT;
		return WRITE_OK;
	}
	sqlite3_stmt *statement = db_record_statement(conn, kind, VERB_CHECK);
	if (!statement)
		return WRITE_FAILED;
	record_bind_key(statement, kind, change->record);
	uint64_t version = 0;
	int rc = sqlite3_step(statement);
	if (rc == SQLITE_ROW)
		version = (uint64_t)sqlite3_column_int64(statement, 0);
	sqlite3_reset(statement);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return WRITE_FAILED;
	if (version != change_version(change))
		*reterr = ERR_CONFLICT;
	return WRITE_OK;
}

static bool commit_changes_verification(const struct store_commit *commit, const struct id *id)
{
	for (size_t i = 0; i < commit->changes_n; i++)
		if (commit->changes[i].kind == CHANGE_VERIFICATION &&
		    id_equal(&commit->changes[i].verification->id, id))
			return true;
	return false;
}

/* Whether nobody but this commit's own verifications holds the slot. */
static enum write_result slot_check(struct sqlite_conn *conn, const struct store_commit *commit,
                                    const struct verification *v, enum err *reterr)
{
	struct id holder;
	bool found;
	if (slot_holder(conn, v->tenant, v->purpose, v->slot, &holder, &found))
		return WRITE_FAILED;
	if (found && !commit_changes_verification(commit, &holder))
		*reterr = ERR_CONFLICT;
	return WRITE_OK;
}

/* What only one record may have; *ret_release as person_check says. */
static enum write_result soles_check(struct sqlite_conn *conn, const struct store_commit *commit,
                                     bool *ret_release, enum err *reterr)
{
	enum write_result result = WRITE_OK;
	for (size_t i = 0; i < commit->changes_n && !result && !*reterr; i++) {
		const struct change *change = &commit->changes[i];
		if (holds_slot(change))
			result = slot_check(conn, commit, change->verification, reterr);
		else if (change->kind == CHANGE_USER)
			result = person_check(conn, commit, change->user, ret_release, reterr);
	}
	return result;
}

/* The versions of all but the change that is written first. */
static enum write_result versions_check(struct sqlite_conn *conn, const struct store_commit *commit,
                                        size_t first, enum err *reterr)
{
	enum write_result result = WRITE_OK;
	for (size_t i = 0; i < commit->changes_n && !result && !*reterr; i++) {
		const struct change *change = &commit->changes[i];
		if (i != first && !has_fresh_id(change) && change_version(change) != VERSION_ANY)
			result = version_check(conn, change, reterr);
	}
	return result;
}

/* --- changes --------------------------------------------------------------------------------- */

static enum verb change_verb(const struct change *change, uint64_t version)
{
	bool any = version == VERSION_ANY;
	if (change_is_deletion(change))
		return any ? VERB_ERASE : VERB_DELETE;
	return any ? VERB_UPSERT : version ? VERB_UPDATE : VERB_INSERT;
}

/* Writes one record; *reterr when its statement found that it must not. */
static enum write_result change_write(struct sqlite_conn *conn, const struct change *change,
                                      enum err *reterr)
{
	uint64_t version = change_version(change);
	enum verb verb = change_verb(change, version);
	/* Nothing before, nothing after: only that nobody else wrote one. */
	if (verb == VERB_DELETE && version == 0)
		return version_check(conn, change, reterr);
	enum change_kind kind = change_record_kind(change->kind);
	sqlite3_stmt *statement = db_record_statement(conn, kind, verb);
	if (!statement)
		return WRITE_FAILED;
	if (verb == VERB_DELETE || verb == VERB_ERASE) {
		struct binder binder = {.statement = statement};
		binder.at = record_bind_key(statement, kind, change->record);
		if (verb == VERB_DELETE)
			bind_integer(&binder, (int64_t)version + 1);
	} else {
		record_bind(conn, statement, kind, change->record,
		            version == VERSION_ANY ? 1 : version + 1);
	}
	int rc = statement_finish(statement);
	if (rc == SQLITE_DONE && verb != VERB_ERASE && sqlite3_changes(conn->db) == 0)
		*reterr = ERR_CONFLICT;
	else if (rc_is_row_level(rc))
		*reterr = rc == SQLITE_CONSTRAINT_UNIQUE ? ERR_CONFLICT : ERR_STORE;
	return rc == SQLITE_DONE || rc_is_row_level(rc) ? WRITE_OK : WRITE_FAILED;
}

/* Verifications that give a slot up are written before those that take one, and users who go before
 * those who may take their names. A new one has none to give up. */
static bool is_early(const struct change *change)
{
	return change->kind == DELETE_USER || (change->kind == CHANGE_VERIFICATION &&
	                                       !has_fresh_id(change) && !holds_slot(change));
}

/* The change that is written first, and so needs no check before: its own statement says whether
 * its version held, and nothing else is written yet if it did not. (A create's is its budget.)
 * changes_n when there are only guards. */
static size_t commit_first(const struct store_commit *commit)
{
	for (size_t i = 0; i < commit->changes_n; i++)
		if (is_early(&commit->changes[i]))
			return i;
	for (size_t i = 0; i < commit->changes_n; i++)
		if (!change_is_guard(commit->changes[i].kind))
			return i;
	return commit->changes_n;
}

/* Writes the early changes, or the others. *written counts. */
static enum write_result changes_write(struct sqlite_conn *conn, const struct store_commit *commit,
                                       bool early, size_t *written, enum err *reterr)
{
	for (size_t i = 0; i < commit->changes_n; i++) {
		const struct change *change = &commit->changes[i];
		if (change_is_guard(change->kind) || is_early(change) != early)
			continue;
		enum write_result result = change_write(conn, change, reterr);
		if (!result && !*reterr && change->kind == DELETE_USER)
			result = person_forget(conn, change->user);
		if (result || *reterr)
			return result;
		++*written;
	}
	return WRITE_OK;
}

static bool raises_generation(const struct store_commit *commit)
{
	for (size_t i = 0; i < commit->changes_n; i++)
		if (change_raises_generation(commit->changes[i].kind))
			return true;
	return false;
}

static enum write_result commit_carry_out(struct sqlite_conn *conn, struct store_commit *commit)
{
	enum err err = OK;
	size_t written = 0;
	bool release = false, raises = raises_generation(commit);
	enum write_result result = soles_check(conn, commit, &release, &err);
	/* Where something is released, that is what is written first. */
	size_t first = release ? commit->changes_n : commit_first(commit);
	if (!result && !err)
		result = versions_check(conn, commit, first, &err);
	if (!result && !err && release) {
		result = person_release(conn, commit);
		written++;
	}
	if (!result && !err)
		result = changes_write(conn, commit, true, &written, &err);
	if (!result && !err)
		result = changes_write(conn, commit, false, &written, &err);
	if (raises)
		lines_forget(conn);
	if (!result && !err && raises && db_run(conn, STATEMENT_GENERATION_NEXT) != SQLITE_DONE)
		result = WRITE_FAILED;
	commit->err = err;
	return !result && err && written ? WRITE_REPLAY : result;
}

enum write_result write_commit(struct sqlite_conn *conn, struct store_commit *commit, bool alone)
{
	if (!alone)
		return commit_carry_out(conn, commit);
	if (db_run(conn, STATEMENT_SAVE) != SQLITE_DONE)
		return WRITE_FAILED;
	enum write_result result = commit_carry_out(conn, commit);
	if (result == WRITE_FAILED)
		return result;
	if (result == WRITE_REPLAY && db_run(conn, STATEMENT_SAVE_UNDO) != SQLITE_DONE)
		return WRITE_FAILED;
	return db_run(conn, STATEMENT_SAVE_DONE) == SQLITE_DONE ? WRITE_OK : WRITE_FAILED;
}

enum write_result write_note(struct sqlite_conn *conn, const struct event *event)
{
	const struct change change = {.kind = CHANGE_EVENT, .event = event};
	enum err ignored = OK;
	return change_write(conn, &change, &ignored);
}

/* --- claim ----------------------------------------------------------------------------------- */

/* The due messages, as keys only: marking moves them in the index that is walked here. */
static enum write_result due_find(struct sqlite_conn *conn, struct sqlite_claim *claim,
                                  struct message due[CLAIM_MAX], size_t *ret_n)
{
	sqlite3_stmt *statement = db_statement(conn, STATEMENT_CLAIM);
	if (!statement)
		return WRITE_FAILED;
	struct binder binder = {.statement = statement};
	bind_integer(&binder, claim->claim->now_ms);
	bind_integer(&binder, (int64_t)claim->claim->max);
	size_t n = 0;
	int rc;
	while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
		assert(n < CLAIM_MAX);
		due[n].verification = statement_id(statement, 0);
		due[n].id = statement_id(statement, 1);
		n++;
	}
	sqlite3_reset(statement);
	*ret_n = n;
	return rc == SQLITE_DONE ? WRITE_OK : WRITE_FAILED;
}

/* One that cannot be read, or not copied, is left unclaimed; it must not stop the others. */
static enum write_result due_take(struct sqlite_conn *conn, struct sqlite_claim *claim,
                                  const struct message *due)
{
	const struct verification of = {.id = due->verification};
	void *found, *verification;
	if (record_load(conn, CHANGE_MESSAGE, due, &claim->arena, &found) ||
	    record_load(conn, CHANGE_VERIFICATION, &of, &claim->arena, &verification) || !found ||
	    !verification)
		return WRITE_OK;
	sqlite3_stmt *statement = db_statement(conn, STATEMENT_CLAIM_MARK);
	if (!statement)
		return WRITE_FAILED;
	struct binder binder = {.statement = statement};
	binder.at = record_bind_key(statement, CHANGE_MESSAGE, due);
	bind_integer(&binder, claim->claim->lapse_ms);
	if (statement_finish(statement) != SQLITE_DONE)
		return WRITE_FAILED;
	struct message *message = found;
	message->state = MESSAGE_SENDING;
	message->next_ms = claim->claim->lapse_ms;
	message->version++;
	claim->claimed[claim->claimed_n++] = (struct claimed){message, verification};
	return WRITE_OK;
}

enum write_result write_claim(struct sqlite_conn *conn, struct sqlite_claim *claim)
{
	struct message due[CLAIM_MAX] = {0};
	size_t n = 0;
	arena_reset(&claim->arena);
	claim->claimed_n = 0;
	claim->err = OK;
	enum write_result result = due_find(conn, claim, due, &n);
	for (size_t i = 0; i < n && !result; i++)
		result = due_take(conn, claim, &due[i]);
	return result;
}

/* --- purge ----------------------------------------------------------------------------------- */

static enum write_result one_purge(struct sqlite_conn *conn, int64_t place,
                                   struct store_purge *purge, size_t *messages_n, bool *ret_gone)
{
	*ret_gone = false;
	sqlite3_stmt *messages = db_statement(conn, STATEMENT_OLD_MESSAGES);
	sqlite3_stmt *one = db_statement(conn, STATEMENT_OLD_ONE_GONE);
	if (!messages || !one)
		return WRITE_FAILED;
	struct binder binder = {.statement = messages};
	bind_integer(&binder, place);
	bind_integer(&binder, (int64_t)(PURGE_STEP - *messages_n));
	if (statement_finish(messages) != SQLITE_DONE)
		return WRITE_FAILED;
	size_t deleted = (size_t)sqlite3_changes(conn->db);
	purge->deleted += deleted;
	*messages_n += deleted;
	/* Perhaps it has more of them: it goes with the last one, in the next step. */
	if (*messages_n == PURGE_STEP)
		return WRITE_OK;
	binder = (struct binder){.statement = one};
	bind_integer(&binder, place);
	if (statement_finish(one) != SQLITE_DONE)
		return WRITE_FAILED;
	purge->deleted++;
	*ret_gone = true;
	return WRITE_OK;
}

struct old_one {
	int64_t place, end_ms;
};

static enum write_result old_ones_find(struct sqlite_conn *conn, const struct purge_walk *walk,
                                       struct old_one *ret, size_t *ret_n)
{
	sqlite3_stmt *statement = db_statement(conn, STATEMENT_OLD_ONES);
	if (!statement)
		return WRITE_FAILED;
	struct binder binder = {.statement = statement};
	bind_integer(&binder, walk->place);
	bind_integer(&binder, id_place_of_moment(walk->before_ms));
	bind_integer(&binder, PURGE_SCAN);
	size_t n = 0;
	int rc;
	while ((rc = sqlite3_step(statement)) == SQLITE_ROW)
		ret[n++] = (struct old_one){sqlite3_column_int64(statement, 0),
		                            sqlite3_column_int64(statement, 1)};
	sqlite3_reset(statement);
	*ret_n = n;
	return rc == SQLITE_DONE ? WRITE_OK : WRITE_FAILED;
}

static enum write_result verifications_purge(struct sqlite_conn *conn, struct purge_walk *walk,
                                             struct store_purge *purge)
{
	struct old_one old[PURGE_SCAN];
	size_t n = 0, gone_n = 0, messages_n = 0;
	enum write_result result = old_ones_find(conn, walk, old, &n);
	for (size_t i = 0; i < n && !result; i++) {
		if (old[i].end_ms < walk->before_ms) {
			bool gone;
			if (gone_n == PURGE_STEP)
				return WRITE_OK;
			result = one_purge(conn, old[i].place, purge, &messages_n, &gone);
			if (!gone)
				return result;
			gone_n++;
		}
		walk->place = old[i].place + 1;
	}
	walk->verifications_done = n < PURGE_SCAN;
	return result;
}

static enum write_result events_purge(struct sqlite_conn *conn, struct store_purge *purge)
{
	sqlite3_stmt *statement = db_statement(conn, STATEMENT_OLD_EVENTS);
	if (!statement)
		return WRITE_FAILED;
	struct binder binder = {.statement = statement};
	bind_integer(&binder, id_place_of_moment(purge->before_ms));
	bind_integer(&binder, PURGE_STEP);
	if (statement_finish(statement) != SQLITE_DONE)
		return WRITE_FAILED;
	size_t deleted = (size_t)sqlite3_changes(conn->db);
	purge->deleted += deleted;
	purge->more |= deleted == PURGE_STEP;
	return WRITE_OK;
}

/* Deletes a step of what has ended by now, by a statement that says which that is. */
static enum write_result ended_purge(struct sqlite_conn *conn, enum statement which,
                                     struct store_purge *purge)
{
	sqlite3_stmt *statement = db_statement(conn, which);
	if (!statement)
		return WRITE_FAILED;
	struct binder binder = {.statement = statement};
	bind_integer(&binder, purge->now_ms);
	bind_integer(&binder, PURGE_STEP);
	if (statement_finish(statement) != SQLITE_DONE)
		return WRITE_FAILED;
	size_t deleted = (size_t)sqlite3_changes(conn->db);
	purge->deleted += deleted;
	purge->more |= deleted == PURGE_STEP;
	return WRITE_OK;
}

static enum write_result budget_purge(struct sqlite_conn *conn, int64_t number,
                                      struct store_purge *purge)
{
	sqlite3_stmt *statement = db_statement(conn, STATEMENT_OLD_BUDGET_GONE);
	if (!statement)
		return WRITE_FAILED;
	struct binder binder = {.statement = statement};
	bind_integer(&binder, number);
	if (statement_finish(statement) != SQLITE_DONE)
		return WRITE_FAILED;
	purge->deleted++;
	return WRITE_OK;
}

/* Walks on over the budgets, noting those that no longer count. */
static enum write_result budgets_find(struct sqlite_conn *conn, struct purge_walk *walk,
                                      int64_t gone[PURGE_STEP], size_t *ret_n)
{
	sqlite3_stmt *statement = db_statement(conn, STATEMENT_OLD_BUDGETS);
	if (!statement)
		return WRITE_FAILED;
	struct binder binder = {.statement = statement};
	bind_integer(&binder, walk->number);
	bind_integer(&binder, PURGE_SCAN);
	size_t n = 0, looked_at = 0;
	int rc = SQLITE_DONE;
	while (n < PURGE_STEP && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
		walk->number = sqlite3_column_int64(statement, 0);
		if (sqlite3_column_int64(statement, 1) < walk->now_ms)
			gone[n++] = walk->number;
		looked_at++;
	}
	sqlite3_reset(statement);
	*ret_n = n;
	walk->budgets_done = rc == SQLITE_DONE && looked_at < PURGE_SCAN;
	return rc == SQLITE_DONE || rc == SQLITE_ROW ? WRITE_OK : WRITE_FAILED;
}

static enum write_result budgets_purge(struct sqlite_conn *conn, struct purge_walk *walk,
                                       struct store_purge *purge)
{
	int64_t gone[PURGE_STEP];
	size_t n = 0;
	enum write_result result = budgets_find(conn, walk, gone, &n);
	for (size_t i = 0; i < n && !result; i++)
		result = budget_purge(conn, gone[i], purge);
	return result;
}

enum write_result write_purge(struct sqlite_conn *conn, struct sqlite_handle *handle,
                              struct store_purge *purge)
{
	struct purge_walk walk = handle->walk;
	walk.before_ms = purge->before_ms;
	walk.now_ms = purge->now_ms;
	purge->deleted = 0;
	purge->more = false;
	enum write_result result = events_purge(conn, purge);
	if (!result)
		result = ended_purge(conn, STATEMENT_OLD_SESSIONS, purge);
	if (!result)
		result = ended_purge(conn, STATEMENT_OLD_TALLIES, purge);
	if (!result && !walk.verifications_done)
		result = verifications_purge(conn, &walk, purge);
	if (!result && !walk.budgets_done)
		result = budgets_purge(conn, &walk, purge);
	purge->more |= !walk.verifications_done || !walk.budgets_done;
	purge->err = OK;
	/* The walk goes on from there once this is on disk; a finished one begins anew. */
	handle->walk_after = purge->more ? walk : (struct purge_walk){0};
	return result;
}
