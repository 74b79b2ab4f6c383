/* SPDX-License-Identifier: Apache-2.0 */
/* The default store: one SQLite database in the data directory.
 *
 *      loop ── round: loads ──► its own read-only connection
 *        │ ── round: commits, claims, purges ──► queue ──► writer thread: a batch, one sync
 *        ◄──────────── one task a handle a batch ────────────┘
 *      keeper thread: moves the log (WAL) into the database, counts rows
 *
 * A round is what was called since the handle's executor last ran: its loads share one read
 * transaction, its writes one hand-over. While the disk syncs a batch, the next one gathers.
 *
 * The log stays below wal_pages * WAL_PAGES_HARD_FACTOR pages and what one batch adds, unless
 * another process keeps a read transaction open. */
#ifndef STORE_SQLITE_H
#define STORE_SQLITE_H

#include "base/problem.h"
#include "core/port_store.h"

#include <signal.h>
#include <stdint.h>

#define WAL_PAGES_DEFAULT 8000 /* of 4 KiB: 32 MiB */
#define WAL_PAGES_MIN 100
/* Past wal_pages the keeper brings the log to its end; past this many times as many, the writer
 * does so itself before it takes another batch. */
#define WAL_PAGES_HARD_FACTOR 4

/* Calls a handle may have under way to the writer; one more is answered ERR_OVERLOAD. */
#define SQLITE_WRITES_MAX 8192
/* Calls in one transaction. */
#define SQLITE_BATCH_MAX 512
/* Events noted and not yet written; further ones are dropped and counted. */
#define SQLITE_NOTES_MAX 4096

/* With more lines than this each send looks for one: reading where they are would hold up a loop.
 */
#define LINES_REMEMBERED_MAX 1024

struct sqlite_store;

struct sqlite_options {
	const char *directory; /* exists, is writable; the file in it is verifyd.db */
	/* Whether this is the server of the directory: there is at most one, held by a lock on
	 * the file `lock`. Tools (import, log) open the store beside it. */
	bool serve;
	unsigned wal_pages;        /* 0: WAL_PAGES_DEFAULT */
	int64_t truncate_every_ms; /* least time between two cuts of the log; 0: an hour */
};

/* Opens the database, makes it when there is none, and brings its schema up to this program's.
 * ERR_BUSY: another server has the directory; ERR_SCHEMA: a newer schema, or somebody else's
 * database; ERR_STORE: damaged; ERR_IO, ERR_NO_MEMORY. Nothing is ever repaired silently. */
MUST_CHECK enum err sqlite_open(const struct sqlite_options *options, struct sqlite_store **ret,
                                struct problem *reterr);
/* Every handle must be closed. Writes what was noted, ends the threads. NULL is fine. */
void sqlite_close(struct sqlite_store *sqlite);

/* What was last wrong with it, for whoever got ERR_STORE: names the file and what to do. Empty:
 * nothing was. From any thread. */
void sqlite_fault(struct sqlite_store *sqlite, struct problem *ret);

/* The schema that it has, and had when it was opened. */
unsigned sqlite_schema(const struct sqlite_store *sqlite, unsigned *ret_was);

struct sqlite_backup {
	uint64_t octets;
};

/* Copies the database of a directory, as it stands in one moment, to a new file `to` (mode 0600,
 * on disk before this returns), whether or not servers and tools use it meanwhile. Nothing is
 * overwritten; a failure leaves no file, nor does *stop, which a signal may set. The secret key is
 * not in it. */
MUST_CHECK enum err sqlite_backup(const char *directory, const char *to,
                                  const volatile sig_atomic_t *stop, struct sqlite_backup *ret,
                                  struct problem *reterr);

/* A handle for the thread that `executor` runs on, ended by its `close`. NULL when there is no
 * memory or the database cannot be read. */
struct store *sqlite_attach(struct sqlite_store *sqlite, struct executor *executor);

struct sqlite_stats {
	uint64_t batches;       /* transactions that were tried */
	uint64_t commits;       /* commits that are on disk */
	uint64_t replays;       /* batches done again, each commit for itself */
	uint64_t notes_dropped; /* events noted while the queue was full, or lost with a batch */
	uint64_t failures;      /* batches that the disk refused */
	uint64_t reopened;      /* times the writer opened the database again */
	uint64_t pauses;        /* times the writer waited for the log's last pass */
	uint64_t pause_max_us;
	uint64_t truncated;     /* times the log was cut to nothing */
	uint64_t wal_bytes_max; /* the largest the log has been */
	bool failing;           /* the last batch was refused; the next one may not be */
};

/* From any thread. */
void sqlite_stats(struct sqlite_store *sqlite, struct sqlite_stats *ret);

#endif
