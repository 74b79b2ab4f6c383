/* SPDX-License-Identifier: Apache-2.0 */
#include "io/worker.h"

#include "base/list.h"
#include "io/thread.h"

#include <assert.h>
#include <errno.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

struct workers {
	struct worker_pool pool;
	pthread_mutex_t lock;
	pthread_cond_t came; /* a job, or the end */
	struct task_list jobs;
	size_t waiting;
	size_t queue_max;
	bool stopping;
	unsigned threads_n;
	pthread_t threads[WORKER_THREADS_MAX];
};

unsigned worker_threads_default(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	long half = cores / 2;
	if (half < 1)
		return 1;
	return half > WORKER_THREADS_MAX ? WORKER_THREADS_MAX : (unsigned)half;
}

static bool workers_submit(struct worker_pool *pool, struct task *job)
{
	struct workers *workers = CONTAINER_OF(pool, struct workers, pool);
	(void)pthread_mutex_lock(&workers->lock);
	bool taken = !workers->stopping && workers->waiting < workers->queue_max;
	if (taken) {
		task_list_add(&workers->jobs, job);
		workers->waiting++;
		(void)pthread_cond_signal(&workers->came);
	}
	(void)pthread_mutex_unlock(&workers->lock);
	return taken;
}

/* The next job, or NULL when the pool stops and all are done. */
static struct task *workers_wait(struct workers *workers)
{
	(void)pthread_mutex_lock(&workers->lock);
	while (!workers->jobs.first && !workers->stopping)
		(void)pthread_cond_wait(&workers->came, &workers->lock);
	struct task *job = task_list_pop(&workers->jobs);
	if (job)
		workers->waiting--;
	(void)pthread_mutex_unlock(&workers->lock);
	return job;
}

static void *worker_run(void *data)
{
	/* On Linux the priority of PRIO_PROCESS with a thread's id is that thread's. */
	(void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), WORKER_NICE);
	struct task *job;
	while ((job = workers_wait(data)))
		job->run(job);
	return NULL;
}

struct worker_pool *worker_pool_start(unsigned threads, size_t queue_max)
{
	assert(threads >= 1 && threads <= WORKER_THREADS_MAX && queue_max >= 1);
	struct workers *workers = calloc(1, sizeof(*workers));
	if (!workers)
		return NULL;
	workers->pool.submit = workers_submit;
	workers->queue_max = queue_max;
	(void)pthread_mutex_init(&workers->lock, NULL);
	(void)pthread_cond_init(&workers->came, NULL);
	for (unsigned i = 0; i < threads; i++) {
		if (thread_start(&workers->threads[i], "worker", worker_run, workers) != OK) {
			worker_pool_stop(&workers->pool);
			return NULL;
		}
		workers->threads_n++;
	}
	return &workers->pool;
}

void worker_pool_stop(struct worker_pool *pool)
{
	if (!pool)
		return;
	struct workers *workers = CONTAINER_OF(pool, struct workers, pool);
	(void)pthread_mutex_lock(&workers->lock);
	workers->stopping = true;
	(void)pthread_cond_broadcast(&workers->came);
	(void)pthread_mutex_unlock(&workers->lock);
	for (unsigned i = 0; i < workers->threads_n; i++)
		(void)pthread_join(workers->threads[i], NULL);
	(void)pthread_cond_destroy(&workers->came);
	(void)pthread_mutex_destroy(&workers->lock);
	free(workers);
}

size_t worker_pool_waiting(struct worker_pool *pool)
{
	struct workers *workers = CONTAINER_OF(pool, struct workers, pool);
	(void)pthread_mutex_lock(&workers->lock);
	size_t waiting = workers->waiting;
	(void)pthread_mutex_unlock(&workers->lock);
	return waiting;
}
