/* SPDX-License-Identifier: Apache-2.0 */
/* Work to be done later, and those who do it. The queue between threads is io's; what is here is
 * only the shape, so that rooms without I/O can hand work on. */
#ifndef BASE_TASK_H
#define BASE_TASK_H

#include <stdbool.h>

/* Embedded in what it is about; belongs to the executor from post until `run` is called. */
struct task {
	void (*run)(struct task *task);
	struct task *next;
};

/* Runs tasks one after another on its own thread, in the order they were posted, never before
 * `post` has returned. */
struct executor {
	/* Any thread may call it. Never refuses: what is posted is bounded by its poster. */
	void (*post)(struct executor *executor, struct task *task);
};

/* Runs jobs that may block, off the loops. */
struct worker_pool {
	/* `job->run` runs on some worker. False when the queue is full: nothing was taken. */
	bool (*submit)(struct worker_pool *pool, struct task *job);
};

static inline void executor_post(struct executor *executor, struct task *task)
{
	executor->post(executor, task);
}

/* A first-in first-out list of tasks; zeroed is empty. Not for two threads. */
struct task_list {
	struct task *first, *last;
};

static inline void task_list_add(struct task_list *list, struct task *task)
{
	task->next = (struct task *)0;
	if (list->last)
		list->last->next = task;
	else
		list->first = task;
	list->last = task;
}

static inline struct task *task_list_pop(struct task_list *list)
{
	struct task *task = list->first;
	if (task) {
		list->first = task->next;
		if (!list->first)
			list->last = (struct task *)0;
		task->next = (struct task *)0;
	}
	return task;
}

#endif
