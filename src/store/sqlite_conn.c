/* SPDX-License-Identifier: Apache-2.0 */
/* One connection to the database and the statements prepared on it. */
#include "store/sqlite_private.h"

#include "base/buf.h"

#include <assert.h>

/* At most so much is kept of the database. An import is one commit: what it changes should stay in
 * memory until then, or each page is written and read many times (of 100,000 users, twice the
 * time); that takes 80 MiB. */
static const int cache_kib[] = {
    [CONN_WRITE] = 32768,
    [CONN_IMPORT] = 262144,
    [CONN_KEEP] = 4096,
    [CONN_READ] = 4096,
};

static const char *const statements[STATEMENTS] = {
#define STATEMENT(name, sql) [STATEMENT_##name] = sql,
#include "store/sqlite_statement.def"
#undef STATEMENT
};

int db_exec(struct sqlite_conn *conn, const char *sql)
{
	return sqlite3_exec(conn->db, sql, NULL, NULL, NULL);
}

int db_integer(struct sqlite_conn *conn, const char *sql, int64_t *ret)
{
	sqlite3_stmt *statement;
	int rc = sqlite3_prepare_v2(conn->db, sql, -1, &statement, NULL);
	if (rc)
		return rc;
	rc = sqlite3_step(statement);
	if (rc == SQLITE_ROW)
		*ret = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return rc == SQLITE_ROW ? SQLITE_OK : rc == SQLITE_DONE ? SQLITE_ERROR : rc;
}

static int db_set_up(struct sqlite_conn *conn, enum conn_use use)
{
	bool read = use == CONN_READ;
	char sql[256];
	/* Nothing of a deleted number stays in the file; nothing is mapped, so that a failing disk
	 * is an error and not a signal. */
	snprintf(sql, sizeof(sql),
	         "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA mmap_size = 0;"
	         "PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF; PRAGMA cache_size = -%d",
	         cache_kib[use]);
	sqlite3_extended_result_codes(conn->db, 1);
	sqlite3_busy_timeout(conn->db, read ? BUSY_READ_MS : BUSY_WRITE_MS);
	return db_exec(conn, sql);
}

enum err db_fault(struct sqlite_conn *conn, int rc, const char *path, struct problem *reterr)
{
	const char *says = conn->db ? sqlite3_errmsg(conn->db) : sqlite3_errstr(rc);
	int system = conn->db ? sqlite3_system_errno(conn->db) : 0;
	switch (rc & 0xFF) {
	case SQLITE_NOTADB:
		problem_say(reterr, "%s: not a database; move it away or restore a backup", path);
		return ERR_STORE;
	case SQLITE_CORRUPT:
		problem_say(
		    reterr,
		    "%s: damaged (%s); nothing was changed: restore a backup, keep this file", path,
		    says);
		return ERR_STORE;
	case SQLITE_BUSY:
		problem_say(reterr, "%s: locked by another program; end it and try again", path);
		return ERR_BUSY;
	case SQLITE_FULL:
		problem_say(reterr, "%s: the disk is full; make room and try again", path);
		return ERR_IO;
	case SQLITE_NOMEM:
		problem_say(reterr, "%s: out of memory", path);
		return ERR_NO_MEMORY;
	default:
		problem_say(reterr, "%s: %s%s%s; look at its owner, its mode and the disk", path,
		            says, system ? ": " : "", system ? strerror(system) : "");
		return ERR_IO;
	}
}

enum err db_open(struct sqlite_conn *conn, const char *path, enum conn_use use,
                 struct problem *reterr)
{
	*conn = (struct sqlite_conn){0};
	int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
	flags |= use == CONN_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
	int rc = sqlite3_open_v2(path, &conn->db, flags, vfs_name());
	if (!rc)
		rc = db_set_up(conn, use);
	if (!rc)
		return OK;
	enum err err = db_fault(conn, rc, path, reterr);
	db_close(conn);
	return err;
}

void db_close(struct sqlite_conn *conn)
{
	for (int kind = 0; kind < RECORD_KINDS; kind++)
		for (int verb = 0; verb < VERBS; verb++)
			sqlite3_finalize(conn->records[kind][verb]);
	for (int i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(conn->others[i]);
	int rc = sqlite3_close(conn->db);
	assert(rc == SQLITE_OK);
	*conn = (struct sqlite_conn){0};
}

static sqlite3_stmt *prepared(struct sqlite_conn *conn, sqlite3_stmt **at, const char *sql)
{
	if (sqlite3_prepare_v3(conn->db, sql, -1, SQLITE_PREPARE_PERSISTENT, at, NULL))
		*at = NULL;
	return *at;
}

sqlite3_stmt *db_record_statement(struct sqlite_conn *conn, enum change_kind kind, enum verb verb)
{
	sqlite3_stmt **at = &conn->records[kind][verb];
	if (*at)
		return *at;
	struct buf sql;
	buf_init(&sql, 0);
	record_sql(kind, verb, &sql);
	buf_add_char(&sql, '\0');
	if (!sql.failed)
		prepared(conn, at, sql.at);
	buf_done(&sql);
	return *at;
}

sqlite3_stmt *db_statement(struct sqlite_conn *conn, enum statement which)
{
	sqlite3_stmt **at = &conn->others[which];
	return *at ? *at : prepared(conn, at, statements[which]);
}

int statement_finish(sqlite3_stmt *statement)
{
	int rc = sqlite3_step(statement);
	sqlite3_reset(statement);
	return rc;
}

int db_run(struct sqlite_conn *conn, enum statement which)
{
	sqlite3_stmt *statement = db_statement(conn, which);
	return statement ? statement_finish(statement) : db_rc(conn);
}

int db_rc(struct sqlite_conn *conn)
{
	return sqlite3_extended_errcode(conn->db);
}
