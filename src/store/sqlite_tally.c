/* SPDX-License-Identifier: Apache-2.0 */
/* Tallies: what this process counted is added to what everybody did, inside the writer's batch. */
#include "store/sqlite_private.h"

static void bind_key(struct binder *binder, const struct tally_row *row)
{
	bind_blob(binder, row->key.octets, TALLY_KEY_LEN);
	bind_integer(binder, row->slot_ms);
}

static enum write_result slot_add(struct sqlite_conn *conn, const struct tally_row *row, int i)
{
	sqlite3_stmt *statement = db_statement(conn, STATEMENT_TALLY_ADD);
	struct binder binder = {.statement = statement};
	if (!statement)
		return WRITE_FAILED;
	bind_key(&binder, row);
	bind_integer(&binder, row->first + i);
	bind_integer(&binder, row->adds[i]);
	bind_integer(&binder, tally_slot_ends_ms(row->slot_ms, row->first + i));
	return statement_finish(statement) == SQLITE_DONE ? WRITE_OK : WRITE_FAILED;
}

static enum write_result row_totals(struct sqlite_conn *conn, struct tally_row *row)
{
	sqlite3_stmt *statement = db_statement(conn, STATEMENT_TALLY_TOTALS);
	struct binder binder = {.statement = statement};
	if (!statement)
		return WRITE_FAILED;
	bind_key(&binder, row);
	bind_integer(&binder, row->first);
	bind_integer(&binder, row->first + TALLY_SLOTS_LIVE);
	int rc;
	while ((rc = sqlite3_step(statement)) == SQLITE_ROW)
		row->totals[sqlite3_column_int64(statement, 0) - row->first] =
		    (uint32_t)sqlite3_column_int64(statement, 1);
	sqlite3_reset(statement);
	return rc == SQLITE_DONE ? WRITE_OK : WRITE_FAILED;
}

enum write_result write_tally(struct sqlite_conn *conn, struct store_tally *tally)
{
	enum write_result result = WRITE_OK;
	tally->err = OK;
	for (size_t n = 0; n < tally->rows_n && !result; n++) {
		struct tally_row *row = &tally->rows[n];
		memset(row->totals, 0, sizeof(row->totals));
		for (int i = 0; i < TALLY_SLOTS_LIVE && !result; i++)
			if (row->adds[i])
				result = slot_add(conn, row, i);
		if (!result)
			result = row_totals(conn, row);
	}
	return result;
}
