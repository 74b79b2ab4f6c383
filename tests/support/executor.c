/* SPDX-License-Identifier: Apache-2.0 */
#include "support/executor.h"

#include "base/list.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void on_post(struct executor *executor, struct task *task)
{
	struct test_executor *self = CONTAINER_OF(executor, struct test_executor, executor);
	pthread_mutex_lock(&self->lock);
	task_list_add(&self->tasks, task);
	/* Under the lock: who sees the task may end the executor at once. */
	pthread_cond_signal(&self->posted);
	pthread_mutex_unlock(&self->lock);
}

void test_executor_init(struct test_executor *executor)
{
	*executor = (struct test_executor){.executor = {on_post}};
	pthread_mutex_init(&executor->lock, NULL);
	pthread_cond_init(&executor->posted, NULL);
}

void test_executor_done(struct test_executor *executor)
{
	assert(!executor->tasks.first);
	pthread_cond_destroy(&executor->posted);
	pthread_mutex_destroy(&executor->lock);
}

static struct task *task_take(struct test_executor *executor, bool wait)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += EXECUTOR_PATIENCE_S;
	pthread_mutex_lock(&executor->lock);
	while (wait && !executor->tasks.first) {
		if (pthread_cond_timedwait(&executor->posted, &executor->lock, &until) != ETIMEDOUT)
			continue;
		fprintf(stderr, "no answer came within %d s\n", EXECUTOR_PATIENCE_S);
		abort();
	}
	struct task *task = task_list_pop(&executor->tasks);
	pthread_mutex_unlock(&executor->lock);
	return task;
}

bool test_executor_run_one(struct test_executor *executor)
{
	struct task *task = task_take(executor, false);
	if (task)
		task->run(task);
	return task;
}

void test_executor_run_all(struct test_executor *executor)
{
	while (test_executor_run_one(executor))
		;
}

void test_executor_run_until(struct test_executor *executor, const bool *done)
{
	while (!*done) {
		struct task *task = task_take(executor, true);
		task->run(task);
	}
}

void test_executor_run_count(struct test_executor *executor, const size_t *count, size_t wanted)
{
	while (*count < wanted) {
		struct task *task = task_take(executor, true);
		task->run(task);
	}
}
