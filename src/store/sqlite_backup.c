/* SPDX-License-Identifier: Apache-2.0 */
/* A copy of the database as it stands in one moment, while others read and write it.
 *
 * VACUUM INTO rather than a copy of pages: each row is read and written anew. So a damaged page
 * fails the backup instead of being carried into it, and what was erased has no free page or gap of
 * the copy to lie in. All of it is one read transaction: writers go on, but their log cannot begin
 * again from its first page until the copy is done. */
#include "store/sqlite_private.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

/* How often SQLite asks whether to go on, in steps of its machine. */
#define ASK_EVERY 1000

static int on_asked(void *stop)
{
	return *(const volatile sig_atomic_t *)stop != 0;
}

/* ---- files ----------------------------------------------------------------------------------- */

static enum err path_refuse(const char *path, struct problem *reterr)
{
	problem_say(reterr, "%s: is there already; a backup overwrites nothing: name another file",
	            path);
	return ERR_IO;
}

/* ---- the copy -------------------------------------------------------------------------------- */

static enum err source_open(struct sqlite_conn *conn, const char *path, struct problem *reterr)
{
	struct stat state;
	if (stat(path, &state) != 0) {
		problem_say(reterr, "%s: %s; --data names the folder it is in", path,
		            strerror(errno));
		return ERR_IO;
	}
	enum err err = state.st_size ? log_check(path, reterr) : file_empty_refuse(path, reterr);
	if (!err)
		err = db_open(conn, path, CONN_READ, reterr);
	if (!err && (err = schema_is_ours(conn, path, reterr)))
		db_close(conn);
	return err;
}

static enum err copy_write(struct sqlite_conn *conn, const char *path, const char *aside,
                           const char *to, struct problem *reterr)
{
	sqlite3_stmt *statement;
	int rc = sqlite3_prepare_v2(conn->db, "VACUUM INTO ?1", -1, &statement, NULL);
	if (!rc) {
		sqlite3_bind_text(statement, 1, aside, -1, SQLITE_STATIC);
		rc = sqlite3_step(statement);
		sqlite3_finalize(statement);
	}
	if (rc == SQLITE_DONE)
		return OK;
	switch (rc & 0xFF) {
	case SQLITE_INTERRUPT:
		problem_say(reterr, "stopped; there is no backup");
		return ERR_IO;
	case SQLITE_FULL:
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		/* Of the two files the one that is written is the likelier. */
		return db_fault(conn, rc, to, reterr);
	default:
		return db_fault(conn, rc, path, reterr);
	}
}

static enum err copy_make(struct sqlite_conn *conn, const char *path, const char *to,
                          struct sqlite_backup *ret, struct problem *reterr)
{
	char aside[PATH_MAX];
	struct stat state;
	bool taken = false;
	/* Empty, and for its owner alone: SQLite takes it over as it is. */
	enum err err = file_aside_make(to, aside, reterr);
	if (err)
		return err;
	err = copy_write(conn, path, aside, to, reterr);
	if (!err && stat(aside, &state) == 0)
		ret->octets = (uint64_t)state.st_size;
	if (err)
		(void)unlink(aside);
	else
		err = file_publish(aside, to, &taken, reterr);
	if (taken)
		err = path_refuse(to, reterr);
	return err;
}

enum err sqlite_backup(const char *directory, const char *to, const volatile sig_atomic_t *stop,
                       struct sqlite_backup *ret, struct problem *reterr)
{
	struct sqlite_conn conn;
	char path[PATH_MAX];
	struct stat state;
	*ret = (struct sqlite_backup){0};
	if (snprintf(path, sizeof(path), "%s/verifyd.db", directory) >= (int)sizeof(path)) {
		problem_say(reterr, "%s: the path is too long", directory);
		return ERR_IO;
	}
	if (lstat(to, &state) == 0)
		return path_refuse(to, reterr);
	enum err err = source_open(&conn, path, reterr);
	if (err)
		return err;
	sqlite3_progress_handler(conn.db, ASK_EVERY, on_asked, (void *)(uintptr_t)stop);
	err = copy_make(&conn, path, to, ret, reterr);
	db_close(&conn);
	return err;
}
