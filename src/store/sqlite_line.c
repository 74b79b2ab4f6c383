/* SPDX-License-Identifier: Apache-2.0 */
/* Which numbers have no line, without looking. Every send looks for one, and few numbers have any:
 * so each connection remembers the buckets of those that do, for as long as meta.generation, which
 * rises with every line that is written, says that they still are what they were. */
#include "store/sqlite_private.h"

static void lines_read(struct sqlite_conn *conn)
{
	struct line_buckets *lines = &conn->lines;
	sqlite3_stmt *statement = db_statement(conn, STATEMENT_LINE_BUCKETS);
	memset(lines->some, 0, sizeof(lines->some));
	if (!statement)
		return;
	struct binder binder = {.statement = statement};
	bind_integer(&binder, LINES_REMEMBERED_MAX + 1);
	int rc, n = 0;
	for (; (rc = sqlite3_step(statement)) == SQLITE_ROW; n++) {
		unsigned bucket = (unsigned)sqlite3_column_int64(statement, 0) % BUCKETS;
		lines->some[bucket / 8] |= (uint8_t)(1 << bucket % 8);
	}
	sqlite3_reset(statement);
	if (n > LINES_REMEMBERED_MAX)
		memset(lines->some, 0xFF, sizeof(lines->some));
	lines->known = rc == SQLITE_DONE;
}

void lines_remember(struct sqlite_conn *conn)
{
	struct line_buckets *lines = &conn->lines;
	uint64_t generation;
	if (read_generation(conn, &generation)) {
		lines->known = false;
	} else if (!lines->known || lines->generation != generation) {
		lines->known = false;
		lines->generation = generation;
		lines_read(conn);
	}
}

void lines_forget(struct sqlite_conn *conn)
{
	conn->lines.known = false;
}

bool line_may_be(const struct sqlite_conn *conn, const struct line *line)
{
	unsigned bucket = number_bucket(&line->number);
	return !conn->lines.known || conn->lines.some[bucket / 8] >> bucket % 8 & 1;
}
