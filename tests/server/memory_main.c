/* SPDX-License-Identifier: Apache-2.0 */
/* verifyd-memory: the server on the memory store, for tests only. It is `serve --dev` on a free
 * port of loopback, save that it forgets everything when it ends, and that its store answers late
 * and out of order:
 *
 *     verifyd-memory --data FOLDER [--seed N]
 *
 * The folder holds the secret key and nothing else. */
#include "base/list.h"
#include "net/server.h"
#include "serve.h"
#include "store/memory.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#define LATE_MAX_NS 200000

static uint64_t seed = 1;

/* ---- late answers ---------------------------------------------------------------------------- */

/* Between a loop and its handle of the store: what the store wants to do next waits for a moment on
 * a thread of its own, so that the loops are really under way at the same time, as they are when
 * a disk is asked. */
struct late {
	struct executor executor;
	struct executor *loop; /* borrowed */
	struct task *task;     /* the store's; it posts one at a time; under the lock */
};

/* One for each loop, the delivery and the main thread. */
static struct late lates[NET_LOOPS_MAX + 2];
static size_t lates_n;

static struct {
	pthread_mutex_t lock;
	pthread_cond_t posted;
	size_t waiting; /* tasks; under the lock */
	bool stopping;  /* under the lock */
	pthread_t thread;
} relay = {.lock = PTHREAD_MUTEX_INITIALIZER, .posted = PTHREAD_COND_INITIALIZER};

static void on_post(struct executor *executor, struct task *task)
{
	struct late *late = CONTAINER_OF(executor, struct late, executor);
	pthread_mutex_lock(&relay.lock);
	assert(!late->task);
	late->task = task;
	relay.waiting++;
	pthread_cond_signal(&relay.posted);
	pthread_mutex_unlock(&relay.lock);
}

/* Under the lock, with one waiting at least. */
static struct late *late_pick(unsigned *random)
{
	size_t i = (size_t)rand_r(random) % lates_n;
	while (!lates[i].task)
		i = (i + 1) % lates_n;
	return &lates[i];
}

static void *relay_run(void *unused)
{
	(void)unused;
	unsigned random = (unsigned)seed;
	pthread_mutex_lock(&relay.lock);
	while (!relay.stopping) {
		if (!relay.waiting) {
			pthread_cond_wait(&relay.posted, &relay.lock);
			continue;
		}
		struct late *late = late_pick(&random);
		struct task *task = late->task;
		late->task = NULL;
		relay.waiting--;
		pthread_mutex_unlock(&relay.lock);
		nanosleep(&(struct timespec){.tv_nsec = rand_r(&random) % LATE_MAX_NS}, NULL);
		executor_post(late->loop, task);
		pthread_mutex_lock(&relay.lock);
	}
	pthread_mutex_unlock(&relay.lock);
	return NULL;
}

static void relay_stop(void)
{
	pthread_mutex_lock(&relay.lock);
	relay.stopping = true;
	pthread_cond_signal(&relay.posted);
	pthread_mutex_unlock(&relay.lock);
	pthread_join(relay.thread, NULL);
}

static struct executor *late_executor(struct executor *loop)
{
	pthread_mutex_lock(&relay.lock);
	assert(lates_n < sizeof(lates) / sizeof(lates[0]));
	struct late *late = &lates[lates_n++];
	*late = (struct late){.executor = {on_post}, .loop = loop};
	pthread_mutex_unlock(&relay.lock);
	return &late->executor;
}

/* ---- the store ------------------------------------------------------------------------------- */

static void *on_open(const struct config *config, struct problem *reterr)
{
	(void)config;
	struct memory_store *memory = memory_new(seed);
	if (memory && pthread_create(&relay.thread, NULL, relay_run, NULL) == 0)
		return memory;
	memory_free(memory);
	(void)problem_say(reterr, "out of memory or threads");
	return NULL;
}

static struct store *on_attach(void *opened, struct executor *executor)
{
	return memory_attach(opened, late_executor(executor));
}

static void on_close(void *opened)
{
	relay_stop();
	memory_free(opened);
}

static const struct serve_store serve_on_memory = {
    .open = on_open,
    .attach = on_attach,
    .close = on_close,
};

/* ---------------------------------------------------------------------------------------------- */

int main(int argc, char **argv)
{
	struct config_flags flags = {
	    .dev = true,
	    .listen = {.n = 1, .at = {{.host = "127.0.0.1"}}},
	};
	struct report report;
	for (int i = 1; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--data") == 0)
			flags.data = argv[i + 1];
		else if (strcmp(argv[i], "--seed") == 0)
			seed = strtoull(argv[i + 1], NULL, 10);
	}
	if (!flags.data) {
		(void)fprintf(stderr, "usage: verifyd-memory --data FOLDER [--seed N]\n");
		return 2;
	}
	report_init(&report, BYTES_NONE);
	struct config *config = config_new(&flags, &report);
	report_print(&report, false, stderr);
	int code = config ? serve_run(&flags, config, &report, &serve_on_memory) : 2;
	config_free(config);
	report_done(&report);
	return code;
}
