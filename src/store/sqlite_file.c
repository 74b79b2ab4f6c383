/* SPDX-License-Identifier: Apache-2.0 */
/* Files that come into being whole: written aside, synced, named, the folder synced. A crash leaves
 * none or all of it, and at worst a file aside that is in nobody's way. */
#include "store/sqlite_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum err file_aside_make(const char *path, char ret_aside[PATH_MAX], struct problem *reterr)
{
	if (snprintf(ret_aside, PATH_MAX, "%s.XXXXXX", path) >= PATH_MAX) {
		problem_say(reterr, "%s: the path is too long", path);
		return ERR_IO;
	}
	int fd = mkostemp(ret_aside, O_CLOEXEC);
	if (fd < 0) {
		problem_say(reterr, "%s: %s; look at the folder's owner and mode", path,
		            strerror(errno));
		return ERR_IO;
	}
	(void)close(fd);
	return OK;
}

static bool synced(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);
	bool is = fd >= 0 && fsync(fd) == 0;
	int error = errno;
	if (fd >= 0)
		(void)close(fd);
	errno = error;
	return is;
}

static bool folder_synced(const char *path)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');
	if (!slash)
		return synced(".", O_RDONLY | O_DIRECTORY);
	int len = slash == path ? 1 : (int)(slash - path);
	return snprintf(folder, sizeof(folder), "%.*s", len, path) < PATH_MAX &&
	       synced(folder, O_RDONLY | O_DIRECTORY);
}

enum err file_publish(const char *aside, const char *path, bool *ret_taken, struct problem *reterr)
{
	*ret_taken = false;
	bool published = synced(aside, O_RDONLY) && link(aside, path) == 0;
	int error = errno;
	(void)unlink(aside);
	if (!published && error == EEXIST) {
		*ret_taken = true;
		return OK;
	}
	if (published && folder_synced(path))
		return OK;
	problem_say(reterr, "%s: %s", path, strerror(published ? errno : error));
	return ERR_IO;
}

enum err file_empty_refuse(const char *path, struct problem *reterr)
{
	problem_say(reterr,
	            "%s: has nothing in it; nothing was changed: restore a backup, or move it away "
	            "to begin anew",
	            path);
	return ERR_STORE;
}

/* The log of a database that is gone. As of an empty one, SQLite would delete it. */
static enum err log_alone_refuse(const char *path, struct problem *reterr)
{
	char log[PATH_MAX];
	struct stat state;
	if (snprintf(log, sizeof(log), "%s-wal", path) >= PATH_MAX || stat(log, &state) != 0 ||
	    !state.st_size)
		return OK;
	problem_say(reterr,
	            "%s: its database is gone; nothing was changed: put verifyd.db back beside it, "
	            "or move this file away to begin anew",
	            log);
	return ERR_STORE;
}

static enum err database_fill(const char *aside, const char *path, struct problem *reterr)
{
	struct sqlite_conn conn;
	enum err err = db_open(&conn, aside, CONN_WRITE, reterr);
	if (err)
		return err;
	err = schema_make(&conn, path, reterr);
	db_close(&conn);
	return err;
}

enum err database_make(const char *path, struct problem *reterr)
{
	char aside[PATH_MAX];
	struct stat state;
	bool taken;
	if (stat(path, &state) == 0)
		return state.st_size ? OK : file_empty_refuse(path, reterr);
	/* What else may be wrong with it is told by whoever opens it. */
	if (errno != ENOENT)
		return OK;
	enum err err = log_alone_refuse(path, reterr);
	if (!err)
		err = file_aside_make(path, aside, reterr);
	if (err)
		return err;
	err = database_fill(aside, path, reterr);
	if (err)
		(void)unlink(aside);
	/* Somebody may have been faster: then his it is. */
	return err ? err : file_publish(aside, path, &taken, reterr);
}
