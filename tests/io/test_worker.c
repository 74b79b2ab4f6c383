/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "base/list.h"
#include "io/worker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define QUEUE 4

struct job {
	struct task task;
	struct gate *gate;
};

/* Holds jobs until it is opened. */
struct gate {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool open;
	int inside;
	atomic_int done;
	atomic_int nice;
};

static void gate_init(struct gate *gate)
{
	*gate =
	    (struct gate){.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
}

static void gate_pass(struct task *task)
{
	struct gate *gate = CONTAINER_OF(task, struct job, task)->gate;
	(void)pthread_mutex_lock(&gate->lock);
	gate->inside++;
	(void)pthread_cond_broadcast(&gate->changed);
	while (!gate->open)
		(void)pthread_cond_wait(&gate->changed, &gate->lock);
	(void)pthread_mutex_unlock(&gate->lock);
	atomic_store(&gate->nice, getpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid)));
	atomic_fetch_add(&gate->done, 1);
}

static void gate_await(struct gate *gate, int inside)
{
	(void)pthread_mutex_lock(&gate->lock);
	while (gate->inside < inside)
		(void)pthread_cond_wait(&gate->changed, &gate->lock);
	(void)pthread_mutex_unlock(&gate->lock);
}

static void gate_open(struct gate *gate)
{
	(void)pthread_mutex_lock(&gate->lock);
	gate->open = true;
	(void)pthread_cond_broadcast(&gate->changed);
	(void)pthread_mutex_unlock(&gate->lock);
}

static void pool_refuses_when_its_queue_is_full(void **state)
{
	(void)state;
	struct gate gate;
	gate_init(&gate);
	struct worker_pool *pool = worker_pool_start(1, QUEUE);
	assert_non_null(pool);
	struct job jobs[1 + QUEUE + 1];
	for (size_t i = 0; i < COUNT(jobs); i++)
		jobs[i] = (struct job){.task.run = gate_pass, .gate = &gate};
	assert_true(pool->submit(pool, &jobs[0].task));
	gate_await(&gate, 1);
	assert_int_equal(worker_pool_waiting(pool), 0);
	for (size_t i = 1; i <= QUEUE; i++)
		assert_true(pool->submit(pool, &jobs[i].task));
	assert_false(pool->submit(pool, &jobs[1 + QUEUE].task));
	assert_int_equal(worker_pool_waiting(pool), QUEUE);
	gate_open(&gate);
	worker_pool_stop(pool);
	assert_int_equal(atomic_load(&gate.done), 1 + QUEUE);
	assert_int_equal(atomic_load(&gate.nice), WORKER_NICE);
}

static void pool_runs_jobs_side_by_side(void **state)
{
	(void)state;
	struct gate gate;
	gate_init(&gate);
	struct worker_pool *pool = worker_pool_start(3, QUEUE);
	assert_non_null(pool);
	struct job jobs[3];
	for (size_t i = 0; i < COUNT(jobs); i++) {
		jobs[i] = (struct job){.task.run = gate_pass, .gate = &gate};
		assert_true(pool->submit(pool, &jobs[i].task));
	}
	gate_await(&gate, 3);
	gate_open(&gate);
	worker_pool_stop(pool);
	assert_int_equal(atomic_load(&gate.done), 3);
}

static void pool_stops_when_idle(void **state)
{
	(void)state;
	worker_pool_stop(NULL);
	worker_pool_stop(worker_pool_start(worker_threads_default(), WORKER_QUEUE_DEFAULT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pool_refuses_when_its_queue_is_full),
	    cmocka_unit_test(pool_runs_jobs_side_by_side),
	    cmocka_unit_test(pool_stops_when_idle),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
