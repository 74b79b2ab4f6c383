/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite store: commits of four changes (budget, verification, message, event) a second with so
 * many under way, loads a second with so many a round, beside what the disk can sync. One loop, on
 * a directory of its own below the working directory. */
#include "base/list.h"
#include "store/sqlite.h"

#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SECONDS 3
#define NOW_MS INT64_C(1790000000000)

static int64_t now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

static int64_t cpu_us(void)
{
	struct rusage used;
	getrusage(RUSAGE_SELF, &used);
	return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * INT64_C(1000000) +
	       used.ru_utime.tv_usec + used.ru_stime.tv_usec;
}

/* --- a loop ---------------------------------------------------------------------------------- */

struct loop {
	struct executor executor;
	pthread_mutex_t lock;
	pthread_cond_t posted;
	struct task_list tasks;
};

static void on_post(struct executor *executor, struct task *task)
{
	struct loop *loop = CONTAINER_OF(executor, struct loop, executor);
	pthread_mutex_lock(&loop->lock);
	task_list_add(&loop->tasks, task);
	pthread_cond_signal(&loop->posted);
	pthread_mutex_unlock(&loop->lock);
}

static void loop_step(struct loop *loop)
{
	pthread_mutex_lock(&loop->lock);
	while (!loop->tasks.first)
		pthread_cond_wait(&loop->posted, &loop->lock);
	struct task *task = task_list_pop(&loop->tasks);
	pthread_mutex_unlock(&loop->lock);
	task->run(task);
}

/* --- commits --------------------------------------------------------------------------------- */

static unsigned made; /* verifications so far; each has a number of its own */

struct bench {
	struct loop loop;
	struct sqlite_store *sqlite;
	struct store *store;
	int64_t until_us;
	size_t under_way, done;
};

struct request {
	struct bench *bench;
	struct store_commit commit;
	struct change changes[4];
	struct budget budget;
	struct verification verification;
	struct message message;
	struct event event;
};

static struct number number_of(unsigned n)
{
	struct number number = {"447900000000000"};
	/* Scattered over the table, as numbers come. */
	n = n * 2654435761u % 1000000000;
	for (int i = NUMBER_DIGITS_MAX - 1; n; i--, n /= 10)
		number.digits[i] = (char)('0' + n % 10);
	return number;
}

/* What a real generator makes 16 times a millisecond, but found again. */
static struct id id_of(unsigned n, unsigned kind)
{
	struct number number = number_of(n);
	unsigned bucket = number_bucket(&number);
	unsigned place = n % 16 * 4 + kind;
	uint64_t at = (uint64_t)NOW_MS + n / 16;
	struct id id = {.octets = {[6] = (uint8_t)(0x70 | bucket >> 8),
	                           [7] = (uint8_t)bucket,
	                           [8] = 0x80,
	                           [9] = (uint8_t)(place >> 6),
	                           [10] = (uint8_t)(place << 2)}};
	for (int i = 0; i < 6; i++)
		id.octets[i] = (uint8_t)(at >> (40 - 8 * i));
	memcpy(id.octets + 12, &n, sizeof(n));
	return id;
}

static void request_fill(struct request *r, unsigned n)
{
	r->verification = (struct verification){
	    .id = id_of(n, 0),
	    .purpose = PURPOSE_NUMBER,
	    .state = VERIFICATION_LIVE,
	    .tenant = BYTES("acme"),
	    .client = BYTES("shop"),
	    .dialect = BYTES("dotdigital"),
	    .number = number_of(n),
	    .policy = {"0123456789", 6, 5, REPEAT_PARALLEL, 600000},
	    .key_id = BYTES("2026-11"),
	    .generation = 1,
	    .created_ms = NOW_MS,
	    .expires_ms = NOW_MS + 600000,
	    .address = BYTES("192.0.2.17"),
	};
	r->budget = (struct budget){.number = r->verification.number,
	                            .sends = {1, {NOW_MS}},
	                            .send_streak = 1,
	                            .keep_until_ms = NOW_MS + 86400000};
	r->message = (struct message){.id = id_of(n, 1),
	                              .verification = r->verification.id,
	                              .generation = 1,
	                              .state = MESSAGE_ACCEPTED,
	                              .provider = BYTES("inbox"),
	                              .created_ms = NOW_MS,
	                              .next_ms = NOW_MS,
	                              .expires_ms = NOW_MS + 600000};
	r->event = (struct event){.id = id_of(n, 2),
	                          .at_ms = NOW_MS,
	                          .kind = BYTES("asked"),
	                          .reason = BYTES("sent"),
	                          .tenant = BYTES("acme"),
	                          .dialect = BYTES("dotdigital"),
	                          .verification = r->verification.id,
	                          .number_hash = {1},
	                          .count = 1};
	r->changes[0] = (struct change){.kind = CHANGE_BUDGET, .budget = &r->budget};
	r->changes[1] =
	    (struct change){.kind = CHANGE_VERIFICATION, .verification = &r->verification};
	r->changes[2] = (struct change){.kind = CHANGE_MESSAGE, .message = &r->message};
	r->changes[3] = (struct change){.kind = CHANGE_EVENT, .event = &r->event};
}

static void on_commit(struct store_commit *commit);

static void request_start(struct request *r)
{
	request_fill(r, made++);
	r->commit =
	    (struct store_commit){.changes = r->changes, .changes_n = 4, .on_done = on_commit};
	r->bench->under_way++;
	store_commit(r->bench->store, &r->commit);
}

static void on_commit(struct store_commit *commit)
{
	struct request *r = CONTAINER_OF(commit, struct request, commit);
	if (commit->err) {
		fprintf(stderr, "commit: %s\n", err_text(commit->err));
		exit(1);
	}
	r->bench->under_way--;
	r->bench->done++;
	if (now_us() < r->bench->until_us)
		request_start(r);
}

static double commits_measure(struct bench *bench, unsigned at_once, double beside)
{
	struct request *requests = calloc(at_once, sizeof(*requests));
	struct sqlite_stats before, after;
	sqlite_stats(bench->sqlite, &before);
	int64_t from_us = now_us(), from_cpu_us = cpu_us();
	bench->done = 0;
	bench->until_us = from_us + SECONDS * 1000000;
	for (unsigned i = 0; i < at_once; i++) {
		requests[i].bench = bench;
		request_start(&requests[i]);
	}
	while (bench->under_way)
		loop_step(&bench->loop);
	double done = (double)bench->done;
	double rate = done * 1e6 / (double)(now_us() - from_us);
	sqlite_stats(bench->sqlite, &after);
	printf("store.commits at_once=%u a_second=%.0f ratio=%.2f a_batch=%.1f cpu_us=%.1f "
	       "pauses=%llu pause_max_us=%llu log_kib_max=%llu\n",
	       at_once, rate, beside > 0 ? rate / beside : 1.0,
	       done / (double)(after.batches - before.batches),
	       (double)(cpu_us() - from_cpu_us) / done,
	       (unsigned long long)(after.pauses - before.pauses),
	       (unsigned long long)after.pause_max_us,
	       (unsigned long long)after.wal_bytes_max / 1024);
	fflush(stdout);
	free(requests);
	return rate;
}

/* --- loads ----------------------------------------------------------------------------------- */

struct reader {
	struct bench *bench;
	struct store_load load;
	struct arena arena;
	unsigned random;
};

static void on_load(struct store_load *load);

static void reader_start(struct reader *reader)
{
	reader->random = reader->random * 1664525 + 1013904223;
	arena_reset(&reader->arena);
	reader->load = (struct store_load){.want = WANT_VERIFICATION | WANT_NUMBER,
	                                   .id = id_of(reader->random % made, 0),
	                                   .arena = &reader->arena,
	                                   .on_done = on_load};
	reader->bench->under_way++;
	store_load(reader->bench->store, &reader->load);
}

static void on_load(struct store_load *load)
{
	struct reader *reader = CONTAINER_OF(load, struct reader, load);
	if (load->err || !load->verification || !load->budget) {
		fprintf(stderr, "load: %s\n", err_text(load->err));
		exit(1);
	}
	reader->bench->under_way--;
	reader->bench->done++;
	if (now_us() < reader->bench->until_us)
		reader_start(reader);
}

static double loads_measure(struct bench *bench, unsigned at_once, double beside)
{
	struct reader *readers = calloc(at_once, sizeof(*readers));
	int64_t from_us = now_us();
	bench->done = 0;
	bench->until_us = from_us + SECONDS * 1000000;
	for (unsigned i = 0; i < at_once; i++) {
		readers[i].bench = bench;
		readers[i].random = i;
		reader_start(&readers[i]);
	}
	while (bench->under_way)
		loop_step(&bench->loop);
	double rate = (double)bench->done * 1e6 / (double)(now_us() - from_us);
	printf("store.loads at_once=%u a_second=%.0f ratio=%.2f rows=%u\n", at_once, rate,
	       beside > 0 ? rate / beside : 1.0, made);
	fflush(stdout);
	for (unsigned i = 0; i < at_once; i++)
		arena_done(&readers[i].arena);
	free(readers);
	return rate;
}

/* --- the disk -------------------------------------------------------------------------------- */

/* Syncs a second of four pages written over and over: what one commit at a time can reach. */
static double disk_measure(const char *directory)
{
	char path[128], pages[4 * 4096] = {0};
	snprintf(path, sizeof(path), "%s/sync", directory);
	int fd = open(path, O_CREAT | O_RDWR, 0600);
	if (fd < 0)
		return 0;
	for (int i = 0; i < 256; i++)
		if (write(fd, pages, sizeof(pages)) != sizeof(pages))
			return 0;
	fsync(fd);
	int64_t from_us = now_us();
	unsigned n = 0;
	for (; now_us() < from_us + 1000000; n++)
		if (pwrite(fd, pages, sizeof(pages), (n % 256) * (off_t)sizeof(pages)) < 0 ||
		    fdatasync(fd))
			return 0;
	double rate = n * 1e6 / (double)(now_us() - from_us);
	close(fd);
	printf("store.disk syncs_a_second=%.0f\n", rate);
	return rate;
}

static int on_entry(const char *path, const struct stat *about, int kind, struct FTW *walk)
{
	(void)about;
	(void)kind;
	(void)walk;
	return remove(path);
}

int main(void)
{
	char directory[] = "bench-store-XXXXXX";
	if (!mkdtemp(directory))
		return 1;
	struct bench bench = {.loop = {.executor = {on_post}}};
	pthread_mutex_init(&bench.loop.lock, NULL);
	pthread_cond_init(&bench.loop.posted, NULL);
	const struct sqlite_options options = {.directory = directory, .serve = true};
	struct problem problem;
	if (sqlite_open(&options, &bench.sqlite, &problem)) {
		fprintf(stderr, "%s\n", problem.text);
		return 1;
	}
	bench.store = sqlite_attach(bench.sqlite, &bench.loop.executor);
	if (!bench.store)
		return 1;
	double syncs = disk_measure(directory);
	/* Until the log has its size: a sync of a growing file is dearer. */
	commits_measure(&bench, 256, 0);
	double one = commits_measure(&bench, 1, syncs);
	commits_measure(&bench, 8, one);
	commits_measure(&bench, 64, one);
	commits_measure(&bench, 512, one);
	double single = loads_measure(&bench, 1, 0);
	loads_measure(&bench, 64, single);
	bench.store->ops->close(bench.store);
	sqlite_close(bench.sqlite);
	nftw(directory, on_entry, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}
