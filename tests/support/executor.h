/* SPDX-License-Identifier: Apache-2.0 */
/* The executor of tests: a queue that any thread may post to and one thread runs. It waits for
 * conditions, never for a time; a condition that does not come within EXECUTOR_PATIENCE_S fails
 * the program, so that a lost answer is a failed test and not a hung one. */
#ifndef TESTS_SUPPORT_EXECUTOR_H
#define TESTS_SUPPORT_EXECUTOR_H

#include "base/task.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#define EXECUTOR_PATIENCE_S 120

struct test_executor {
	struct executor executor;
	pthread_mutex_t lock;
	pthread_cond_t posted;
	struct task_list tasks;
};

void test_executor_init(struct test_executor *executor);
/* Nothing may be posted any more, nor wait to be run. */
void test_executor_done(struct test_executor *executor);

/* Runs the oldest task if there is one; false: there is none. Never waits. */
bool test_executor_run_one(struct test_executor *executor);
/* Runs until nothing is posted; never waits. What others post from other threads may come later. */
void test_executor_run_all(struct test_executor *executor);
/* Runs tasks, waiting for more when there are none, until `*done` is true. `done` changes only in
 * tasks of this executor. */
void test_executor_run_until(struct test_executor *executor, const bool *done);
/* Likewise, until *count is at least `wanted`. */
void test_executor_run_count(struct test_executor *executor, const size_t *count, size_t wanted);

#endif
