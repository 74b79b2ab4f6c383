/* SPDX-License-Identifier: Apache-2.0 */
/* The layer between SQLite and its files: SQLite's own, but for two things. What goes into the
 * database file is scrubbed (sqlite_scrub.c). What goes into the log is gathered:
 *
 *      | frame header | page | frame header | page | ...      24 and 4096 octets, one after another
 *      └──────────────── one pwrite for up to 31 ──────┘
 *
 * SQLite writes each of them by a call of its own, some 150 for a batch of 64 requests. Nobody
 * looks at frames before the batch is synced and its index published, so they may wait until the
 * sync. What is gathered is written before anything else is done with the file; a failure is told
 * by that call, and SQLite gives the transaction up as it would for a failing write. */
#include "store/sqlite_private.h"

#include <stdlib.h>

/* SQLite's own unix layer writes at most 2^17 - 1 octets a call: it masks the length. This is 31
 * frames of 4096 + 24. */
#define GATHER_MAX ((size_t)31 * (4096 + 24))

/* Behind SQLite's own part of an open file. */
struct gather {
	char *at; /* owned; NULL: nothing was written yet, or there is no memory */
	size_t len;
	sqlite3_int64 from; /* where in the file it belongs */
};

static sqlite3_vfs layered;
static const sqlite3_vfs *plain_vfs;
/* SQLite's methods for each kind of file, and ours. */
static const sqlite3_io_methods *database_plain, *log_plain;
static sqlite3_io_methods database_methods, log_methods;
static pthread_mutex_t once_lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- the log --------------------------------------------------------------------------------- */

static struct gather *gather_of(sqlite3_file *file)
{
	return (struct gather *)(void *)((char *)file + plain_vfs->szOsFile);
}

static int gathered_write(sqlite3_file *file)
{
	struct gather *gather = gather_of(file);
	size_t len = gather->len;
	gather->len = 0;
	return len ? log_plain->xWrite(file, gather->at, (int)len, gather->from) : SQLITE_OK;
}

static int log_write(sqlite3_file *file, const void *octets, int len, sqlite3_int64 at)
{
	struct gather *gather = gather_of(file);
	size_t more = (size_t)len;
	bool follows = gather->len && at == gather->from + (sqlite3_int64)gather->len &&
	               more <= GATHER_MAX - gather->len;
	if (!follows) {
		int rc = gathered_write(file);
		if (rc)
			return rc;
		if (!gather->at)
			gather->at = malloc(GATHER_MAX);
		if (!gather->at || more > GATHER_MAX)
			return log_plain->xWrite(file, octets, len, at);
		gather->from = at;
	}
	memcpy(gather->at + gather->len, octets, more);
	gather->len += more;
	return SQLITE_OK;
}

static int log_read(sqlite3_file *file, void *octets, int len, sqlite3_int64 at)
{
	int rc = gathered_write(file);
	return rc ? rc : log_plain->xRead(file, octets, len, at);
}

static int log_sync(sqlite3_file *file, int flags)
{
	int rc = gathered_write(file);
	return rc ? rc : log_plain->xSync(file, flags);
}

static int log_truncate(sqlite3_file *file, sqlite3_int64 len)
{
	int rc = gathered_write(file);
	return rc ? rc : log_plain->xTruncate(file, len);
}

static int log_size(sqlite3_file *file, sqlite3_int64 *ret)
{
	int rc = gathered_write(file);
	return rc ? rc : log_plain->xFileSize(file, ret);
}

/* What was not synced belongs to a transaction that was given up. */
static int log_close(sqlite3_file *file)
{
	free(gather_of(file)->at);
	*gather_of(file) = (struct gather){0};
	return log_plain->xClose(file);
}

/* ---- the database ---------------------------------------------------------------------------- */

static int database_write(sqlite3_file *file, const void *octets, int len, sqlite3_int64 at)
{
	return scrub_write(database_plain, file, octets, len, at);
}

/* ---- opening --------------------------------------------------------------------------------- */

static const sqlite3_io_methods *database_layer(const sqlite3_io_methods *found)
{
	if (!database_plain) {
		database_plain = found;
		database_methods = *found;
		database_methods.xWrite = database_write;
	}
	/* A file system with methods of its own (it locks otherwise) goes without. */
	return found == database_plain ? &database_methods : found;
}

static const sqlite3_io_methods *log_layer(const sqlite3_io_methods *found)
{
	if (!log_plain) {
		log_plain = found;
		log_methods = *found;
		log_methods.xWrite = log_write;
		log_methods.xRead = log_read;
		log_methods.xSync = log_sync;
		log_methods.xTruncate = log_truncate;
		log_methods.xFileSize = log_size;
		log_methods.xClose = log_close;
	}
	return found == log_plain ? &log_methods : found;
}

static int on_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                   int *ret_flags)
{
	int rc = plain_vfs->xOpen(vfs, name, file, flags, ret_flags);
	if (rc || !file->pMethods)
		return rc;
	pthread_mutex_lock(&once_lock);
	if (flags & SQLITE_OPEN_MAIN_DB) {
		file->pMethods = database_layer(file->pMethods);
	} else if (flags & SQLITE_OPEN_WAL) {
		*gather_of(file) = (struct gather){0};
		file->pMethods = log_layer(file->pMethods);
	}
	pthread_mutex_unlock(&once_lock);
	return rc;
}

const char *vfs_name(void)
{
	pthread_mutex_lock(&once_lock);
	/* Nobody asks how much memory SQLite has, so it need not lock to count; refused, and no
	 * harm, when SQLite is in use already. */
	if (!plain_vfs)
		(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	if (!plain_vfs && (plain_vfs = sqlite3_vfs_find(NULL))) {
		layered = *plain_vfs;
		layered.zName = "verifyd";
		layered.szOsFile += (int)sizeof(struct gather);
		layered.xOpen = on_open;
		if (sqlite3_vfs_register(&layered, 0))
			plain_vfs = NULL;
	}
	const char *name = plain_vfs ? layered.zName : NULL;
	pthread_mutex_unlock(&once_lock);
	return name;
}
