/* SPDX-License-Identifier: Apache-2.0 */
/* The keeper: the thread that walks. It moves the log into the database, so that the log can begin
 * again from its first page, and between that carries out what reads many rows (sqlite_walk.c).
 *
 * A log begins again only when a writer starts and finds all of it moved. A writer at full speed
 * never lets that be: so the keeper first moves what there is beside it, pass after pass while
 * little else is left, and then holds the writer between two batches for the last, short pass.
 *
 *      writer  ═batch═╪═batch═╪═batch═╪═batch═╪═batch═╪          ╪═batch═   (log from page 1)
 *      keeper         ├────── pass ──────┤├ pass ┤    hold ├ last ┤
 *                     wal_pages */
#include "store/sqlite_private.h"

#include <time.h>

/* Passes beside the writer before it is held, and how few pages may be left for the last one. */
#define PASSES_MAX 4
#define LAST_PASS_PAGES 500
/* A reader in the middle of its look-ups keeps a pass from ending: try again, this often. */
#define LAST_PASS_TRIES 20
#define LAST_PASS_WAIT_US 100

/* --- checkpoints ----------------------------------------------------------------------------- */

/* Moves what no reader looks at; the frames that are left, or INT_MAX on a fault. */
static int pass(struct sqlite_store *sqlite)
{
	int frames = 0, moved = 0;
	int rc = sqlite3_wal_checkpoint_v2(sqlite->keeper.conn.db, NULL, SQLITE_CHECKPOINT_PASSIVE,
	                                   &frames, &moved);
	return rc ? INT32_MAX : frames - moved;
}

/* The passes beside the writer; returns with few pages left, or after enough of them. */
static void passes_beside(struct sqlite_store *sqlite)
{
	for (int i = 0; i < PASSES_MAX; i++) {
		pthread_mutex_lock(&sqlite->lock);
		int before = sqlite->wal_frames;
		pthread_mutex_unlock(&sqlite->lock);
		int left = pass(sqlite);
		pthread_mutex_lock(&sqlite->lock);
		int grown = sqlite->wal_frames - before;
		pthread_mutex_unlock(&sqlite->lock);
		/* Also when it began anew meanwhile. */
		if (left == INT32_MAX || grown + left < LAST_PASS_PAGES)
			return;
	}
}

/* The last pass, with the writer held; whether all was moved. */
static bool pass_last(struct sqlite_store *sqlite)
{
	pthread_mutex_lock(&sqlite->lock);
	sqlite->hold = true;
	while (sqlite->writer_busy)
		pthread_cond_wait(&sqlite->keeper_wake, &sqlite->lock);
	pthread_mutex_unlock(&sqlite->lock);

	int64_t from_us = monotonic_us();
	int left = pass(sqlite);
	for (int i = 0; left && i < LAST_PASS_TRIES; i++) {
		const struct timespec moment = {.tv_nsec = LAST_PASS_WAIT_US * 1000};
		nanosleep(&moment, NULL);
		left = pass(sqlite);
	}
	uint64_t took_us = (uint64_t)(monotonic_us() - from_us);

	pthread_mutex_lock(&sqlite->lock);
	sqlite->hold = false;
	sqlite->stats.pauses++;
	if (sqlite->stats.pause_max_us < took_us)
		sqlite->stats.pause_max_us = took_us;
	pthread_cond_signal(&sqlite->writer_wake);
	pthread_mutex_unlock(&sqlite->lock);
	return left == 0;
}

static void log_move(struct sqlite_store *sqlite)
{
	pthread_mutex_lock(&sqlite->lock);
	sqlite->keeper_busy = true;
	pthread_mutex_unlock(&sqlite->lock);
	passes_beside(sqlite);
	(void)pass_last(sqlite);
	pthread_mutex_lock(&sqlite->lock);
	/* When the writer does not find the log movable after all (a reader, another process), the
	 * next turn comes after some more of it. When it does, it sets this back. */
	sqlite->wal_trigger = sqlite->wal_frames + sqlite->wal_pages / 4;
	sqlite->keeper_busy = false;
	pthread_cond_signal(&sqlite->writer_wake);
	pthread_mutex_unlock(&sqlite->lock);
}

/* --- the thread ------------------------------------------------------------------------------ */

static void *keeper_main(void *about)
{
	struct sqlite_store *sqlite = about;
	struct task *job = NULL;
	for (;;) {
		pthread_mutex_lock(&sqlite->lock);
		while (!sqlite->stopping && !job && !sqlite->jobs.first &&
		       sqlite->wal_frames < sqlite->wal_trigger)
			pthread_cond_wait(&sqlite->keeper_wake, &sqlite->lock);
		bool move = sqlite->wal_frames >= sqlite->wal_trigger;
		bool stop = sqlite->stopping;
		if (!job)
			job = task_list_pop(&sqlite->jobs);
		pthread_mutex_unlock(&sqlite->lock);
		if (stop)
			return NULL;
		if (move)
			log_move(sqlite);
		if (job && job_step(sqlite, job))
			job = NULL;
	}
}

enum err keeper_start(struct sqlite_store *sqlite, struct problem *reterr)
{
	struct sqlite_keeper *keeper = &sqlite->keeper;
	sqlite->wal_trigger = sqlite->wal_pages;
	enum err err = db_open(&keeper->conn, sqlite->path, CONN_KEEP, reterr);
	if (err)
		return err;
	sqlite3_wal_autocheckpoint(keeper->conn.db, 0);
	err = thread_begin(&keeper->thread, "store-keeper", keeper_main, sqlite);
	if (err)
		problem_say(reterr, "%s: no thread could be started for it", sqlite->path);
	keeper->started = !err;
	return err;
}

void keeper_stop(struct sqlite_store *sqlite)
{
	if (sqlite->keeper.started)
		pthread_join(sqlite->keeper.thread, NULL);
	if (sqlite->keeper.conn.db)
		db_close(&sqlite->keeper.conn);
}
