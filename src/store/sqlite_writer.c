/* SPDX-License-Identifier: Apache-2.0 */
/* The writer: the one thread that writes. Takes what has queued, carries it out in one transaction,
 * answers it once that is on disk; meanwhile the next batch gathers.
 *
 * Faults. A batch whose statements fail is undone: it did not happen. When COMMIT itself fails its
 * last frame may have reached the disk before the sync that failed, and a crash now would bring it
 * back: it may have happened. Either way nothing more is carried out on that connection; it is
 * opened anew, at most every REOPEN_MS, driven by the calls that come in. */
#include "store/sqlite_private.h"

#include "ops/log.h"

#include <assert.h>
#include <stdlib.h>

#define REOPEN_MS 20
/* How long nothing may have come in before the log is cut. */
#define QUIET_MS 200
/* How long the writer waits for readers to leave the log. */
#define LOG_BUSY_MS 200
/* Notes in one transaction. */
#define BATCH_NOTES_MAX 512

/* --- the log --------------------------------------------------------------------------------- */

static int on_log_grown(void *about, sqlite3 *db, const char *name, int frames)
{
	(void)db;
	(void)name;
	struct sqlite_writer *writer = about;
	writer->wal_frames = frames;
	return SQLITE_OK;
}

static uint64_t wal_bytes(int frames)
{
	return 32 + (uint64_t)frames * (4096 + 24);
}

/* Past the hard bound: waits for the keeper and the readers, and brings the log to its end. */
static void log_bound(struct sqlite_store *sqlite)
{
	struct sqlite_writer *writer = &sqlite->writer;
	if (writer->doubtful || writer->wal_frames < writer->hard_frames)
		return;
	/* Of two who move the log one would be turned away. */
	pthread_mutex_lock(&sqlite->lock);
	while (sqlite->keeper_busy)
		pthread_cond_wait(&sqlite->writer_wake, &sqlite->lock);
	pthread_mutex_unlock(&sqlite->lock);
	sqlite3_busy_timeout(writer->conn.db, LOG_BUSY_MS);
	int rc =
	    sqlite3_wal_checkpoint_v2(writer->conn.db, NULL, SQLITE_CHECKPOINT_RESTART, NULL, NULL);
	sqlite3_busy_timeout(writer->conn.db, BUSY_WRITE_MS);
	/* Somebody reads on (another process): try again after as much again. */
	writer->hard_frames = sqlite->wal_pages * WAL_PAGES_HARD_FACTOR;
	if (rc)
		writer->hard_frames += writer->wal_frames;
}

/* After a purge, so that no deleted number stays in frames that are only waiting to be reused. */
static void log_cut(struct sqlite_store *sqlite)
{
	struct sqlite_writer *writer = &sqlite->writer;
	int rc = writer->conn.db ? sqlite3_wal_checkpoint_v2(writer->conn.db, NULL,
	                                                     SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL)
	                         : SQLITE_ERROR;
	writer->cut_at_ms = monotonic_ms() + (rc ? QUIET_MS : sqlite->truncate_every_ms);
	if (rc)
		return;
	writer->purged = false;
	writer->wal_frames = 0;
	/* Pages in memory still have in their gaps what the file has no more. */
	sqlite3_db_release_memory(writer->conn.db);
	pthread_mutex_lock(&sqlite->lock);
	sqlite->stats.truncated++;
	sqlite->wal_frames = 0;
	pthread_mutex_unlock(&sqlite->lock);
}

/* --- the connection -------------------------------------------------------------------------- */

static void db_watch(struct sqlite_writer *writer)
{
	/* Also ends SQLite's own checkpoints. */
	sqlite3_wal_hook(writer->conn.db, on_log_grown, writer);
}

/* Whether the connection may be used, after opening it anew if it must be. */
static bool db_ready(struct sqlite_store *sqlite)
{
	struct sqlite_writer *writer = &sqlite->writer;
	if (!writer->doubtful && !writer->full)
		return true;
	if (monotonic_ms() < writer->retry_at_ms)
		return false;
	writer->retry_at_ms = monotonic_ms() + REOPEN_MS;
	if (writer->doubtful) {
		struct problem ignored;
		db_close(&writer->conn);
		if (db_open(&writer->conn, sqlite->path, writer_use(sqlite), &ignored))
			return false;
		db_watch(writer);
		writer->doubtful = false;
		pthread_mutex_lock(&sqlite->lock);
		sqlite->stats.reopened++;
		pthread_mutex_unlock(&sqlite->lock);
	}
	/* On a full disk the log's own space may be what is needed. */
	if (writer->full)
		log_cut(sqlite);
	writer->full = false;
	return true;
}

/* --- a batch --------------------------------------------------------------------------------- */

static bool has_work(const struct sqlite_store *sqlite)
{
	return sqlite->queued_n || sqlite->notes_n;
}

static void batch_collect(struct sqlite_store *sqlite)
{
	struct sqlite_writer *writer = &sqlite->writer;
	struct list *at = sqlite->handles.next;
	writer->batch_n = 0;
	for (; at != &sqlite->handles && writer->batch_n < SQLITE_BATCH_MAX; at = at->next) {
		struct sqlite_handle *handle = CONTAINER_OF(at, struct sqlite_handle, member);
		struct task *task;
		while (writer->batch_n < SQLITE_BATCH_MAX &&
		       (task = task_list_pop(&handle->queued)))
			writer->batch[writer->batch_n++] = (struct batch_entry){handle, task};
	}
	/* Whose turn it was first is last next time. */
	if (!list_is_empty(&sqlite->handles)) {
		struct list *first = list_pop(&sqlite->handles);
		list_append(&sqlite->handles, first);
	}
	sqlite->queued_n -= writer->batch_n;
	for (int i = 0; i < BATCH_NOTES_MAX && sqlite->notes_n; i++, sqlite->notes_n--)
		task_list_add(&writer->notes, task_list_pop(&sqlite->notes));
}

static void until_ms(int64_t at_ms, struct timespec *ret)
{
	*ret = (struct timespec){.tv_sec = at_ms / 1000, .tv_nsec = at_ms % 1000 * 1000000};
}

/* Waits for work, with the lock held; false when the log should be cut instead. */
static bool work_wait(struct sqlite_store *sqlite)
{
	struct sqlite_writer *writer = &sqlite->writer;
	while (sqlite->hold || (!has_work(sqlite) && !sqlite->stopping)) {
		if (!writer->purged || sqlite->hold) {
			pthread_cond_wait(&sqlite->writer_wake, &sqlite->lock);
			continue;
		}
		int64_t quiet_ms = monotonic_ms() + QUIET_MS;
		struct timespec until;
		until_ms(quiet_ms > writer->cut_at_ms ? quiet_ms : writer->cut_at_ms, &until);
		if (pthread_cond_timedwait(&sqlite->writer_wake, &sqlite->lock, &until) &&
		    !has_work(sqlite) && !sqlite->hold)
			return false;
	}
	/* Never a quiet moment: then in a busy one. */
	return !writer->purged || monotonic_ms() < writer->cut_at_ms + sqlite->truncate_every_ms;
}

/* The next batch; false: the store is closed and everything is written. */
static bool batch_take(struct sqlite_store *sqlite)
{
	pthread_mutex_lock(&sqlite->lock);
	while (!work_wait(sqlite)) {
		pthread_mutex_unlock(&sqlite->lock);
		log_cut(sqlite);
		pthread_mutex_lock(&sqlite->lock);
	}
	bool taken = has_work(sqlite);
	if (taken) {
		sqlite->writer_busy = true;
		batch_collect(sqlite);
	}
	pthread_mutex_unlock(&sqlite->lock);
	return taken;
}

static enum write_result entry_carry_out(struct sqlite_conn *conn, const struct batch_entry *entry,
                                         bool alone)
{
	struct task *task = entry->task;
	if (task->run == on_commit_answer)
		return write_commit(conn, CONTAINER_OF(task, struct store_commit, task), alone);
	if (task->run == on_claim_answer)
		return write_claim(conn, CONTAINER_OF(task, struct sqlite_claim, task));
	if (task->run == on_tally_answer)
		return write_tally(conn, CONTAINER_OF(task, struct store_tally, task));
	if (task->run == on_erase_answer)
		return write_erase(conn, CONTAINER_OF(task, struct sqlite_erase, task));
	assert(task->run == on_purge_answer);
	return write_purge(conn, entry->handle, CONTAINER_OF(task, struct store_purge, task));
}

static enum write_result batch_carry_out(struct sqlite_writer *writer, bool alone)
{
	enum write_result result = WRITE_OK;
	for (size_t i = 0; i < writer->batch_n && !result; i++)
		result = entry_carry_out(&writer->conn, &writer->batch[i], alone);
	for (struct task *task = writer->notes.first; task && !result; task = task->next) {
		const struct sqlite_note *note = CONTAINER_OF(task, struct sqlite_note, task);
		result = write_note(&writer->conn, (const struct event *)(const void *)note->event);
	}
	return result;
}

static void fault_note(struct sqlite_store *sqlite, bool in_commit)
{
	struct sqlite_writer *writer = &sqlite->writer;
	int rc = db_rc(&writer->conn);
	(void)db_fault(&writer->conn, rc, sqlite->path, &writer->fault);
	rc &= 0xFF;
	writer->full = rc == SQLITE_FULL;
	writer->doubtful = in_commit || (rc != SQLITE_FULL && rc != SQLITE_BUSY &&
	                                 rc != SQLITE_NOMEM && rc != SQLITE_LOCKED);
}

static void batch_undo(struct sqlite_writer *writer)
{
	/* SQLite may have undone it already. */
	if (!sqlite3_get_autocommit(writer->conn.db) &&
	    db_run(&writer->conn, STATEMENT_ROLLBACK) != SQLITE_DONE)
		writer->doubtful = true;
}

/* One try at the whole batch. OK: on disk. ERR_CONFLICT: nothing happened, it must be done again
 * with each commit alone. ERR_STORE, ERR_UNKNOWN. */
static enum err batch_try(struct sqlite_store *sqlite, bool alone)
{
	struct sqlite_writer *writer = &sqlite->writer;
	if (db_run(&writer->conn, STATEMENT_BEGIN_WRITE) != SQLITE_DONE) {
		fault_note(sqlite, false);
		batch_undo(writer);
		return ERR_STORE;
	}
	lines_remember(&writer->conn);
	enum write_result result = batch_carry_out(writer, alone);
	if (result) {
		if (result == WRITE_FAILED)
			fault_note(sqlite, false);
		batch_undo(writer);
		return result == WRITE_REPLAY ? ERR_CONFLICT : ERR_STORE;
	}
	int rc = db_run(&writer->conn, STATEMENT_COMMIT);
	if (rc == SQLITE_DONE)
		return OK;
	fault_note(sqlite, true);
	batch_undo(writer);
	/* No room for the frames: then the last of them, which commits, is not there. */
	return (rc & 0xFF) == SQLITE_FULL || (rc & 0xFF) == SQLITE_BUSY ? ERR_STORE : ERR_UNKNOWN;
}

static void purge_fail(struct store_purge *purge, enum err err)
{
	purge->err = err;
	purge->deleted = 0;
	purge->more = false;
}

static void entry_fail(const struct batch_entry *entry, enum err err)
{
	struct task *task = entry->task;
	if (task->run == on_commit_answer)
		CONTAINER_OF(task, struct store_commit, task)->err = err;
	else if (task->run == on_claim_answer)
		CONTAINER_OF(task, struct sqlite_claim, task)->err = err;
	else if (task->run == on_tally_answer)
		CONTAINER_OF(task, struct store_tally, task)->err = err;
	else if (task->run == on_erase_answer)
		CONTAINER_OF(task, struct sqlite_erase, task)->err = err;
	else
		purge_fail(CONTAINER_OF(task, struct store_purge, task), err);
}

static void entry_succeed(struct sqlite_writer *writer, const struct batch_entry *entry,
                          struct sqlite_stats *stats)
{
	struct task *task = entry->task;
	if (task->run == on_commit_answer) {
		stats->commits += CONTAINER_OF(task, struct store_commit, task)->err == OK;
	} else if (task->run == on_purge_answer) {
		entry->handle->walk = entry->handle->walk_after;
		writer->purged |= CONTAINER_OF(task, struct store_purge, task)->deleted > 0;
	} else if (task->run == on_erase_answer) {
		writer->purged = true;
	}
}

static void batch_tell(struct sqlite_store *sqlite, bool failed)
{
	struct sqlite_writer *writer = &sqlite->writer;
	if (failed) {
		writer->told |= fault_tell(sqlite, &writer->fault);
	} else if (writer->told) {
		writer->told = false;
		LOG(LOG_INFO, "store", log_text("back", bytes_from_text(sqlite->path)));
	}
}

/* The notes of the batch are written, or lost. */
static size_t notes_free(struct sqlite_writer *writer)
{
	struct task *task;
	size_t n = 0;
	for (; (task = task_list_pop(&writer->notes)); n++)
		free(CONTAINER_OF(task, struct sqlite_note, task));
	return n;
}

static void batch_run(struct sqlite_store *sqlite, struct sqlite_stats *stats)
{
	struct sqlite_writer *writer = &sqlite->writer;
	enum err err = db_ready(sqlite) ? batch_try(sqlite, false) : ERR_STORE;
	if (err == ERR_CONFLICT) {
		stats->replays++;
		err = batch_try(sqlite, true);
		assert(err != ERR_CONFLICT);
	}
	for (size_t i = 0; i < writer->batch_n; i++)
		if (err)
			entry_fail(&writer->batch[i], err);
		else
			entry_succeed(writer, &writer->batch[i], stats);
	batch_tell(sqlite, err != OK);
	size_t notes = notes_free(writer);
	stats->batches++;
	stats->failures += err != OK;
	stats->notes_dropped += err ? notes : 0;
}

/* Hands the answers to their handles, one task each, and tells how far the log has grown. */
static void batch_answer(struct sqlite_store *sqlite, const struct sqlite_stats *stats)
{
	struct sqlite_writer *writer = &sqlite->writer;
	struct sqlite_handle *post[SQLITE_BATCH_MAX];
	size_t post_n = 0;
	pthread_mutex_lock(&sqlite->lock);
	for (size_t i = 0; i < writer->batch_n; i++) {
		struct sqlite_handle *handle = writer->batch[i].handle;
		task_list_add(&handle->answered, writer->batch[i].task);
		if (!handle->answer_posted)
			post[post_n++] = handle;
		handle->answer_posted = true;
	}
	sqlite->stats.batches += stats->batches;
	sqlite->stats.commits += stats->commits;
	sqlite->stats.replays += stats->replays;
	sqlite->stats.failures += stats->failures;
	sqlite->stats.failing = stats->failures > 0;
	sqlite->stats.notes_dropped += stats->notes_dropped;
	if (sqlite->stats.wal_bytes_max < wal_bytes(writer->wal_frames))
		sqlite->stats.wal_bytes_max = wal_bytes(writer->wal_frames);
	/* Began anew: the keeper's next turn is a whole log away. */
	if (writer->wal_frames < sqlite->wal_frames)
		sqlite->wal_trigger = sqlite->wal_pages;
	sqlite->wal_frames = writer->wal_frames;
	sqlite->writer_busy = false;
	if (sqlite->hold || sqlite->wal_frames >= sqlite->wal_trigger)
		pthread_cond_signal(&sqlite->keeper_wake);
	pthread_mutex_unlock(&sqlite->lock);
	/* A handle lives at least until its answers ran, and they are posted only here. */
	for (size_t i = 0; i < post_n; i++)
		executor_post(post[i]->executor, &post[i]->answer);
}

static void *writer_main(void *about)
{
	struct sqlite_store *sqlite = about;
	while (batch_take(sqlite)) {
		struct sqlite_stats stats = {0};
		batch_run(sqlite, &stats);
		batch_answer(sqlite, &stats);
		log_bound(sqlite);
	}
	/* Whoever erased or purged and goes at once does not leave it to those who stay. */
	if (sqlite->writer.purged)
		log_cut(sqlite);
	return NULL;
}

enum err writer_start(struct sqlite_store *sqlite, struct problem *reterr)
{
	struct sqlite_writer *writer = &sqlite->writer;
	writer->hard_frames = sqlite->wal_pages * WAL_PAGES_HARD_FACTOR;
	db_watch(writer);
	enum err err = thread_begin(&writer->thread, "store-writer", writer_main, sqlite);
	if (err)
		problem_say(reterr, "%s: no thread could be started for it", sqlite->path);
	writer->started = !err;
	return err;
}

void writer_stop(struct sqlite_store *sqlite)
{
	if (sqlite->writer.started)
		pthread_join(sqlite->writer.thread, NULL);
	if (sqlite->writer.conn.db)
		db_close(&sqlite->writer.conn);
}
