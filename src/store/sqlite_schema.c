/* SPDX-License-Identifier: Apache-2.0 */
/* Whose database it is, whether it is sound, and the steps that bring it up to date. */
#include "store/sqlite_private.h"

/* Stands in the file's header, so that `file` and we know whose it is: "vfyd". */
#define APPLICATION_ID 0x76667964

/* The one from version i to i + 1 stands at [i]. Never changed once released, only added to. */
static const char *const migrations[] = {
#include "store/sqlite-001.inc"
    ,
#include "store/sqlite-002.inc"
};
#define SCHEMA_VERSION ((int64_t)(sizeof(migrations) / sizeof(migrations[0])))
const unsigned schema_newest = sizeof(migrations) / sizeof(migrations[0]);

/* A smaller database is read through before it is used; reading a larger one would take longer than
 * an operator waits for a start. A cut file is seen either way. */
#define CHECK_MAX ((int64_t)32 << 20)

struct standing {
	int64_t application, version, objects, pages, page_size;
};

static int standing_read(struct sqlite_conn *conn, struct standing *ret)
{
	int rc = db_integer(conn, "PRAGMA application_id", &ret->application);
	if (!rc)
		rc = db_integer(conn, "PRAGMA user_version", &ret->version);
	if (!rc)
		rc = db_integer(conn, "SELECT count(*) FROM sqlite_schema", &ret->objects);
	if (!rc)
		rc = db_integer(conn, "PRAGMA page_count", &ret->pages);
	if (!rc)
		rc = db_integer(conn, "PRAGMA page_size", &ret->page_size);
	return rc;
}

/* A database has its schema before it has its name: an empty one was never ours, or is no longer.
 */
static enum err standing_judge(const struct standing *standing, const char *path,
                               struct problem *reterr)
{
	if (!standing->application && !standing->version && !standing->objects) {
		return file_empty_refuse(path, reterr);
	}
	if (standing->application != APPLICATION_ID) {
		problem_say(reterr, "%s: a database of another program; move it away", path);
		return ERR_SCHEMA;
	}
	if (standing->version > SCHEMA_VERSION) {
		problem_say(reterr,
		            "%s: has schema %lld, this program knows schemas up to %lld; "
		            "run the newer program, or restore a backup of the older one",
		            path, (long long)standing->version, (long long)SCHEMA_VERSION);
		return ERR_SCHEMA;
	}
	return OK;
}

enum err schema_is_ours(struct sqlite_conn *conn, const char *path, struct problem *reterr)
{
	struct standing standing = {0};
	int rc = standing_read(conn, &standing);
	return rc ? db_fault(conn, rc, path, reterr) : standing_judge(&standing, path, reterr);
}

enum err schema_version(struct sqlite_conn *conn, const char *path, unsigned *ret,
                        struct problem *reterr)
{
	struct standing standing = {0};
	int rc = standing_read(conn, &standing);
	*ret = (unsigned)standing.version;
	return rc ? db_fault(conn, rc, path, reterr) : OK;
}

/* Reads every page of a small database. */
static enum err pages_check(struct sqlite_conn *conn, const struct standing *standing,
                            const char *path, struct problem *reterr)
{
	if (standing->pages * standing->page_size > CHECK_MAX)
		return OK;
	sqlite3_stmt *statement;
	int rc = sqlite3_prepare_v2(conn->db, "PRAGMA quick_check(1)", -1, &statement, NULL);
	if (rc)
		return db_fault(conn, rc, path, reterr);
	enum err err = OK;
	rc = sqlite3_step(statement);
	const char *answer =
	    rc == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : NULL;
	if (rc != SQLITE_ROW) {
		err = db_fault(conn, rc, path, reterr);
	} else if (!answer || strcmp(answer, "ok") != 0) {
		/* Above the finding stands in which database. */
		const char *line = answer ? strrchr(answer, '\n') : NULL;
		problem_say(reterr,
		            "%s: damaged (%.200s); nothing was changed: restore a backup, keep "
		            "this file",
		            path,
		            line     ? line + 1
		            : answer ? answer
		                     : "?");
		err = ERR_STORE;
	}
	sqlite3_finalize(statement);
	return err;
}

/* One transaction for all steps; somebody else may have made them meanwhile. */
static int migrate(struct sqlite_conn *conn)
{
	char sql[96];
	int64_t version = 0;
	int rc = db_exec(conn, "BEGIN IMMEDIATE");
	if (rc)
		return rc;
	rc = db_integer(conn, "PRAGMA user_version", &version);
	for (int64_t i = version; i < SCHEMA_VERSION && !rc; i++)
		rc = db_exec(conn, migrations[i]);
	snprintf(sql, sizeof(sql), "PRAGMA application_id = %d; PRAGMA user_version = %lld",
	         APPLICATION_ID, (long long)SCHEMA_VERSION);
	if (!rc && version < SCHEMA_VERSION)
		rc = db_exec(conn, sql);
	if (!rc)
		rc = db_exec(conn, "COMMIT");
	if (rc)
		(void)db_exec(conn, "ROLLBACK");
	return rc;
}

enum err schema_make(struct sqlite_conn *conn, const char *path, struct problem *reterr)
{
	int rc = migrate(conn);
	if (!rc)
		rc = db_exec(conn, "PRAGMA journal_mode = WAL");
	return rc ? db_fault(conn, rc, path, reterr) : OK;
}

enum err schema_prepare(struct sqlite_conn *conn, const char *path, struct problem *reterr)
{
	struct standing standing = {0};
	int rc = standing_read(conn, &standing);
	if (rc)
		return db_fault(conn, rc, path, reterr);
	enum err err = standing_judge(&standing, path, reterr);
	if (!err)
		err = pages_check(conn, &standing, path, reterr);
	if (err)
		return err;
	if (sqlite3_db_readonly(conn->db, "main")) {
		problem_say(reterr, "%s: may not be written; look at its owner and mode", path);
		return ERR_IO;
	}
	rc = db_exec(conn, "PRAGMA journal_mode = WAL");
	if (!rc && standing.version < SCHEMA_VERSION)
		rc = migrate(conn);
	return rc ? db_fault(conn, rc, path, reterr) : OK;
}
