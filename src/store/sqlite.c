/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and closing the store, its handles, and what goes between them and the writer. */
#include "store/sqlite_private.h"

#include "ops/log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define THREAD_STACK ((size_t)1 << 20)
#define TELL_MS 1000

int64_t monotonic_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

int64_t monotonic_ms(void)
{
	return monotonic_us() / 1000;
}

enum err thread_begin(pthread_t *ret, const char *name, void *(*main)(void *), void *about)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	if (pthread_attr_init(&attributes))
		return ERR_NO_MEMORY;
	pthread_attr_setstacksize(&attributes, THREAD_STACK);
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	int failed = pthread_create(ret, &attributes, main, about);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	if (failed)
		return ERR_NO_MEMORY;
	pthread_setname_np(*ret, name);
	return OK;
}

bool fault_tell(struct sqlite_store *sqlite, const struct problem *problem)
{
	int64_t now_ms = monotonic_ms(), due_ms = sqlite->tell_at_ms;
	pthread_mutex_lock(&sqlite->lock);
	sqlite->fault = *problem;
	pthread_mutex_unlock(&sqlite->lock);
	if (!sqlite->serve || now_ms < due_ms ||
	    !atomic_compare_exchange_strong(&sqlite->tell_at_ms, &due_ms, now_ms + TELL_MS))
		return false;
	LOG(LOG_ERROR, "store", log_text("why", bytes_from_text(problem->text)),
	    log_text("consequence", BYTES("what needs it is answered as a fault")));
	return true;
}

void sqlite_fault(struct sqlite_store *sqlite, struct problem *ret)
{
	pthread_mutex_lock(&sqlite->lock);
	*ret = sqlite->fault;
	pthread_mutex_unlock(&sqlite->lock);
}

/* --- rounds ---------------------------------------------------------------------------------- */

static struct sqlite_handle *handle_of(struct store *store)
{
	return CONTAINER_OF(store, struct sqlite_handle, store);
}

static void list_move(struct task_list *from, struct task_list *to)
{
	if (!from->first)
		return;
	if (to->last)
		to->last->next = from->first;
	else
		to->first = from->first;
	to->last = from->last;
	*from = (struct task_list){0};
}

static void answers_run(struct task_list *answers)
{
	struct task *task;
	/* The last of them may close the handle. */
	while ((task = task_list_pop(answers)))
		task->run(task);
}

static void writes_pass_on(struct sqlite_handle *handle)
{
	struct sqlite_store *sqlite = handle->sqlite;
	size_t n = 0;
	for (struct task *task = handle->writes.first; task; task = task->next)
		n++;
	if (!n)
		return;
	pthread_mutex_lock(&sqlite->lock);
	list_move(&handle->writes, &handle->queued);
	sqlite->queued_n += n;
	pthread_mutex_unlock(&sqlite->lock);
	/* Behind the lock, which the writer would run into. */
	pthread_cond_signal(&sqlite->writer_wake);
}

static void on_load_answer(struct task *task)
{
	struct store_load *load = CONTAINER_OF(task, struct store_load, task);
	load->on_done(load);
}

static void on_round(struct task *task)
{
	struct sqlite_handle *handle = CONTAINER_OF(task, struct sqlite_handle, round);
	struct task_list loads = handle->loads, refused = handle->refused;
	handle->round_posted = false;
	handle->loads = handle->refused = (struct task_list){0};
	writes_pass_on(handle);
	if (loads.first)
		read_round(handle, &loads);
	for (struct task *at = loads.first; at; at = at->next)
		handle->under_way--;
	for (struct task *at = refused.first; at; at = at->next)
		handle->under_way--;
	list_move(&refused, &loads);
	answers_run(&loads);
}

static void round_add(struct sqlite_handle *handle, struct task_list *list, struct task *task,
                      void (*run)(struct task *))
{
	task->run = run;
	task_list_add(list, task);
	handle->under_way++;
	if (handle->round_posted)
		return;
	handle->round_posted = true;
	executor_post(handle->executor, &handle->round);
}

/* --- answers --------------------------------------------------------------------------------- */

static void on_answers(struct task *task)
{
	struct sqlite_handle *handle = CONTAINER_OF(task, struct sqlite_handle, answer);
	pthread_mutex_lock(&handle->sqlite->lock);
	struct task_list answers = handle->answered;
	handle->answered = (struct task_list){0};
	handle->answer_posted = false;
	pthread_mutex_unlock(&handle->sqlite->lock);
	for (struct task *at = answers.first; at; at = at->next) {
		handle->under_way--;
		if (at->run != on_count_answer && at->run != on_walk_answer)
			handle->writes_under_way--;
	}
	answers_run(&answers);
}

void handle_answer(struct sqlite_handle *handle, struct task *task)
{
	pthread_mutex_lock(&handle->sqlite->lock);
	task_list_add(&handle->answered, task);
	bool post = !handle->answer_posted;
	handle->answer_posted = true;
	pthread_mutex_unlock(&handle->sqlite->lock);
	if (post)
		executor_post(handle->executor, &handle->answer);
}

void handle_write(struct sqlite_handle *handle, struct task *task)
{
	struct sqlite_store *sqlite = handle->sqlite;
	pthread_mutex_lock(&sqlite->lock);
	task_list_add(&handle->queued, task);
	sqlite->queued_n++;
	pthread_mutex_unlock(&sqlite->lock);
	pthread_cond_signal(&sqlite->writer_wake);
}

/* Hands a call to the keeper. */
static void handle_job(struct sqlite_handle *handle, struct task *task)
{
	struct sqlite_store *sqlite = handle->sqlite;
	handle->under_way++;
	pthread_mutex_lock(&sqlite->lock);
	task_list_add(&sqlite->jobs, task);
	pthread_cond_signal(&sqlite->keeper_wake);
	pthread_mutex_unlock(&sqlite->lock);
}

void on_commit_answer(struct task *task)
{
	struct store_commit *commit = CONTAINER_OF(task, struct store_commit, task);
	commit->on_done(commit);
}

void on_tally_answer(struct task *task)
{
	struct store_tally *tally = CONTAINER_OF(task, struct store_tally, task);
	tally->on_done(tally);
}

void on_purge_answer(struct task *task)
{
	struct store_purge *purge = CONTAINER_OF(task, struct store_purge, task);
	purge->on_done(purge);
}

static void on_claim_refused(struct task *task)
{
	struct store_claim *claim = CONTAINER_OF(task, struct store_claim, task);
	claim->on_done(claim);
}

/* Copies what was found to the caller's arena. */
static enum err claim_fill(struct store_claim *claim, const struct sqlite_claim *from)
{
	claim->claimed =
	    arena_take_array(claim->arena, from->claimed_n + 1, sizeof(struct claimed));
	if (!claim->claimed)
		return ERR_UNKNOWN;
	for (size_t i = 0; i < from->claimed_n; i++) {
		struct claimed *claimed = &claim->claimed[i];
		claimed->message = shape_copy_to_arena(&shapes[CHANGE_MESSAGE],
		                                       from->claimed[i].message, claim->arena);
		claimed->verification = shape_copy_to_arena(
		    &shapes[CHANGE_VERIFICATION], from->claimed[i].verification, claim->arena);
		/* Claimed on disk, but nobody can be told: they come back when they lapse. */
		if (!claimed->message || !claimed->verification)
			return ERR_UNKNOWN;
	}
	claim->claimed_n = from->claimed_n;
	return OK;
}

void on_claim_answer(struct task *task)
{
	struct sqlite_claim *from = CONTAINER_OF(task, struct sqlite_claim, task);
	struct store_claim *claim = from->claim;
	claim->claimed = NULL;
	claim->claimed_n = 0;
	claim->err = from->err ? from->err : claim_fill(claim, from);
	arena_done(&from->arena);
	free(from);
	claim->on_done(claim);
}

static void on_count_refused(struct task *task)
{
	struct store_count *count = CONTAINER_OF(task, struct store_count, task);
	count->on_done(count);
}

void on_count_answer(struct task *task)
{
	struct sqlite_count *from = CONTAINER_OF(task, struct sqlite_count, task);
	struct store_count *count = from->count;
	count_forget(from);
	free(from);
	count->on_done(count);
}

static void on_walk_refused(struct task *task)
{
	struct store_walk *walk = CONTAINER_OF(task, struct store_walk, task);
	walk->on_done(walk);
}

/* Copies the page to the caller's arena. */
static enum err walk_fill(struct store_walk *walk, const struct sqlite_walk *from)
{
	for (size_t i = 0; i < from->found_n; i++) {
		walk->records[i] =
		    shape_copy_to_arena(&shapes[walk->kind], from->found[i], walk->arena);
		if (!walk->records[i])
			return ERR_NO_MEMORY;
	}
	walk->records_n = from->found_n;
	return OK;
}

void on_walk_answer(struct task *task)
{
	struct sqlite_walk *from = CONTAINER_OF(task, struct sqlite_walk, task);
	struct store_walk *walk = from->walk;
	walk->err = from->err ? from->err : walk_fill(walk, from);
	arena_done(&from->arena);
	free(from);
	walk->on_done(walk);
}

static void on_erase_refused(struct task *task)
{
	struct store_erase *erase = CONTAINER_OF(task, struct store_erase, task);
	erase->on_done(erase);
}

void on_erase_answer(struct task *task)
{
	struct sqlite_erase *from = CONTAINER_OF(task, struct sqlite_erase, task);
	struct store_erase *erase = from->erase;
	erase->err = from->err;
	if (from->err)
		erase->users = erase->verifications = erase->messages = 0;
	arena_done(&from->arena);
	buf_done(&from->ids);
	free(from);
	erase->on_done(erase);
}

/* --- the port -------------------------------------------------------------------------------- */

static bool writes_are_full(const struct sqlite_handle *handle)
{
	return handle->writes_under_way >= SQLITE_WRITES_MAX;
}

static void handle_load(struct store *store, struct store_load *load)
{
	struct sqlite_handle *handle = handle_of(store);
	round_add(handle, &handle->loads, &load->task, on_load_answer);
}

static void handle_commit(struct store *store, struct store_commit *commit)
{
	struct sqlite_handle *handle = handle_of(store);
	commit->err = ERR_OVERLOAD;
	if (writes_are_full(handle)) {
		round_add(handle, &handle->refused, &commit->task, on_commit_answer);
		return;
	}
	handle->writes_under_way++;
	round_add(handle, &handle->writes, &commit->task, on_commit_answer);
}

static void handle_tally(struct store *store, struct store_tally *tally)
{
	struct sqlite_handle *handle = handle_of(store);
	tally->err = ERR_OVERLOAD;
	if (writes_are_full(handle)) {
		round_add(handle, &handle->refused, &tally->task, on_tally_answer);
		return;
	}
	handle->writes_under_way++;
	round_add(handle, &handle->writes, &tally->task, on_tally_answer);
}

static void handle_purge(struct store *store, struct store_purge *purge)
{
	struct sqlite_handle *handle = handle_of(store);
	purge->err = ERR_OVERLOAD;
	purge->deleted = 0;
	purge->more = false;
	if (writes_are_full(handle)) {
		round_add(handle, &handle->refused, &purge->task, on_purge_answer);
		return;
	}
	handle->writes_under_way++;
	round_add(handle, &handle->writes, &purge->task, on_purge_answer);
}

static void handle_claim(struct store *store, struct store_claim *claim)
{
	struct sqlite_handle *handle = handle_of(store);
	assert(claim->max <= CLAIM_MAX);
	bool full = writes_are_full(handle);
	struct sqlite_claim *node = full ? NULL : calloc(1, sizeof(*node));
	if (!node) {
		claim->err = full ? ERR_OVERLOAD : ERR_STORE;
		claim->claimed = NULL;
		claim->claimed_n = 0;
		round_add(handle, &handle->refused, &claim->task, on_claim_refused);
		return;
	}
	node->handle = handle;
	node->claim = claim;
	arena_init(&node->arena);
	handle->writes_under_way++;
	round_add(handle, &handle->writes, &node->task, on_claim_answer);
}

static void handle_count(struct store *store, struct store_count *count)
{
	struct sqlite_handle *handle = handle_of(store);
	struct sqlite_count *node = calloc(1, sizeof(*node));
	count->counts = (struct store_counts){0};
	count->err = node ? OK : ERR_STORE;
	if (!node) {
		round_add(handle, &handle->refused, &count->task, on_count_refused);
		return;
	}
	node->handle = handle;
	node->count = count;
	node->task.run = on_count_answer;
	handle_job(handle, &node->task);
}

static void handle_walk(struct store *store, struct store_walk *walk)
{
	struct sqlite_handle *handle = handle_of(store);
	struct sqlite_walk *node = calloc(1, sizeof(*node));
	walk->records_n = 0;
	walk->err = node ? OK : ERR_NO_MEMORY;
	if (!node) {
		round_add(handle, &handle->refused, &walk->task, on_walk_refused);
		return;
	}
	node->handle = handle;
	node->walk = walk;
	node->task.run = on_walk_answer;
	arena_init(&node->arena);
	handle_job(handle, &node->task);
}

static void handle_erase(struct store *store, struct store_erase *erase)
{
	struct sqlite_handle *handle = handle_of(store);
	bool full = writes_are_full(handle);
	struct sqlite_erase *node = full ? NULL : calloc(1, sizeof(*node));
	erase->users = erase->verifications = erase->messages = 0;
	if (!node) {
		erase->err = full ? ERR_OVERLOAD : ERR_STORE;
		round_add(handle, &handle->refused, &erase->task, on_erase_refused);
		return;
	}
	node->handle = handle;
	node->erase = erase;
	node->task.run = on_erase_answer;
	arena_init(&node->arena);
	buf_init(&node->ids, 0);
	handle->writes_under_way++;
	handle_job(handle, &node->task);
}

static void handle_note(struct store *store, const struct event *event)
{
	struct sqlite_store *sqlite = handle_of(store)->sqlite;
	const struct shape *shape = &shapes[CHANGE_EVENT];
	struct sqlite_note *note = malloc(sizeof(*note) + shape_room(shape, event));
	if (note)
		shape_copy(shape, event, note->event);
	pthread_mutex_lock(&sqlite->lock);
	bool taken = note && sqlite->notes_n < SQLITE_NOTES_MAX;
	if (taken) {
		task_list_add(&sqlite->notes, &note->task);
		sqlite->notes_n++;
	} else {
		sqlite->stats.notes_dropped++;
	}
	pthread_mutex_unlock(&sqlite->lock);
	if (taken)
		pthread_cond_signal(&sqlite->writer_wake);
	else
		free(note);
}

static enum err handle_generation(struct store *store, uint64_t *ret)
{
	return read_generation(&handle_of(store)->reader, ret);
}

static void handle_close(struct store *store)
{
	struct sqlite_handle *handle = handle_of(store);
	assert(!handle->under_way && !handle->round_posted);
	pthread_mutex_lock(&handle->sqlite->lock);
	list_remove(&handle->member);
	pthread_mutex_unlock(&handle->sqlite->lock);
	db_close(&handle->reader);
	free(handle);
}

static const struct store_ops sqlite_ops = {
    .name = "sqlite",
    .load = handle_load,
    .commit = handle_commit,
    .note = handle_note,
    .claim = handle_claim,
    .tally = handle_tally,
    .purge = handle_purge,
    .count = handle_count,
    .walk = handle_walk,
    .erase = handle_erase,
    .generation = handle_generation,
    .close = handle_close,
};

struct store *sqlite_attach(struct sqlite_store *sqlite, struct executor *executor)
{
	struct problem ignored;
	struct sqlite_handle *handle = calloc(1, sizeof(*handle));
	if (!handle)
		return NULL;
	if (db_open(&handle->reader, sqlite->path, CONN_READ, &ignored)) {
		free(handle);
		return NULL;
	}
	handle->store.ops = &sqlite_ops;
	handle->sqlite = sqlite;
	handle->executor = executor;
	handle->round.run = on_round;
	handle->answer.run = on_answers;
	pthread_mutex_lock(&sqlite->lock);
	list_append(&sqlite->handles, &handle->member);
	pthread_mutex_unlock(&sqlite->lock);
	return &handle->store;
}

void sqlite_stats(struct sqlite_store *sqlite, struct sqlite_stats *ret)
{
	pthread_mutex_lock(&sqlite->lock);
	*ret = sqlite->stats;
	pthread_mutex_unlock(&sqlite->lock);
}

/* --- open and close -------------------------------------------------------------------------- */

/* Makes its own files known to the directory's disk blocks. */
static enum err directory_sync(const char *directory, struct problem *reterr)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd)) {
		problem_say(reterr, "%s: %s; it must be a directory we may write", directory,
		            strerror(errno));
		if (fd >= 0)
			close(fd);
		return ERR_IO;
	}
	close(fd);
	return OK;
}

/* The lock goes with the descriptor, so that no stale one survives a crash. */
static enum err lock_take(struct sqlite_store *sqlite, struct problem *reterr)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/lock", sqlite->directory);
	sqlite->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (sqlite->lock_fd < 0) {
		problem_say(reterr, "%s: %s; look at the directory's owner and mode", path,
		            strerror(errno));
		return ERR_IO;
	}
	if (!flock(sqlite->lock_fd, LOCK_EX | LOCK_NB))
		return OK;
	if (errno != EWOULDBLOCK) {
		problem_say(reterr, "%s: %s", path, strerror(errno));
		return ERR_IO;
	}
	problem_say(reterr,
	            "%s: another server uses this data directory; end it, or give this one "
	            "its own",
	            path);
	return ERR_BUSY;
}

/* A tool migrates only what no server runs on: that one would be an older program. */
static enum err tool_lock_take(struct sqlite_store *sqlite, struct problem *reterr)
{
	enum err err = lock_take(sqlite, reterr);
	if (err == ERR_BUSY)
		problem_say(reterr,
		            "%s: has an older schema, and a server of an older program runs on it: "
		            "end that one first",
		            sqlite->path);
	return err;
}

static enum err database_open(struct sqlite_store *sqlite, bool serve, struct problem *reterr)
{
	struct sqlite_conn *conn = &sqlite->writer.conn;
	enum err err = db_open(conn, sqlite->path, writer_use(sqlite), reterr);
	if (!err)
		err = schema_version(conn, sqlite->path, &sqlite->schema_was, reterr);
	if (!err && !serve && sqlite->schema_was < schema_newest)
		err = tool_lock_take(sqlite, reterr);
	if (!err)
		err = schema_prepare(conn, sqlite->path, reterr);
	if (!serve && sqlite->lock_fd >= 0) {
		close(sqlite->lock_fd);
		sqlite->lock_fd = -1;
	}
	return err ? err : directory_sync(sqlite->directory, reterr);
}

unsigned sqlite_schema(const struct sqlite_store *sqlite, unsigned *ret_was)
{
	*ret_was = sqlite->schema_was;
	return schema_newest;
}

static struct sqlite_store *store_new(const struct sqlite_options *options)
{
	struct sqlite_store *sqlite = calloc(1, sizeof(*sqlite));
	if (!sqlite)
		return NULL;
	sqlite->lock_fd = -1;
	sqlite->serve = options->serve;
	unsigned pages = options->wal_pages ? options->wal_pages : WAL_PAGES_DEFAULT;
	sqlite->wal_pages = (int)(pages < WAL_PAGES_MIN ? WAL_PAGES_MIN : pages);
	sqlite->truncate_every_ms =
	    options->truncate_every_ms ? options->truncate_every_ms : INT64_C(3600000);
	list_init(&sqlite->handles);
	pthread_mutex_init(&sqlite->lock, NULL);
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&sqlite->writer_wake, &monotonic);
	pthread_cond_init(&sqlite->keeper_wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
	sqlite->directory = strdup(options->directory);
	if (asprintf(&sqlite->path, "%s/verifyd.db", options->directory) < 0)
		sqlite->path = NULL;
	if (sqlite->directory && sqlite->path)
		return sqlite;
	sqlite_close(sqlite);
	return NULL;
}

enum err sqlite_open(const struct sqlite_options *options, struct sqlite_store **ret,
                     struct problem *reterr)
{
	struct sqlite_store *sqlite = store_new(options);
	if (!sqlite) {
		problem_say(reterr, "%s: out of memory", options->directory);
		return ERR_NO_MEMORY;
	}
	enum err err = directory_sync(sqlite->directory, reterr);
	if (!err && options->serve)
		err = lock_take(sqlite, reterr);
	if (!err)
		err = database_make(sqlite->path, reterr);
	if (!err)
		err = log_check(sqlite->path, reterr);
	if (!err)
		err = database_open(sqlite, options->serve, reterr);
	if (!err)
		err = keeper_start(sqlite, reterr);
	if (!err)
		err = writer_start(sqlite, reterr);
	if (err) {
		sqlite_close(sqlite);
		return err;
	}
	*ret = sqlite;
	return OK;
}

void sqlite_close(struct sqlite_store *sqlite)
{
	if (!sqlite)
		return;
	assert(list_is_empty(&sqlite->handles));
	pthread_mutex_lock(&sqlite->lock);
	sqlite->stopping = true;
	pthread_cond_broadcast(&sqlite->writer_wake);
	pthread_cond_broadcast(&sqlite->keeper_wake);
	pthread_mutex_unlock(&sqlite->lock);
	keeper_stop(sqlite);
	writer_stop(sqlite);
	pthread_cond_destroy(&sqlite->keeper_wake);
	pthread_cond_destroy(&sqlite->writer_wake);
	pthread_mutex_destroy(&sqlite->lock);
	/* Last, when nothing of ours is open any more. */
	if (sqlite->lock_fd >= 0)
		close(sqlite->lock_fd);
	free(sqlite->path);
	free(sqlite->directory);
	free(sqlite);
}
