/* SPDX-License-Identifier: Apache-2.0 */
/* Threads for what blocks or takes long: passwords, walks over the store. They run at a low
 * priority (nice 10), so that a flood of log-ins does not starve the loops. */
#ifndef IO_WORKER_H
#define IO_WORKER_H

#include "base/err.h"
#include "base/task.h"

#include <stddef.h>

#define WORKER_QUEUE_DEFAULT 64
#define WORKER_NICE 10
#define WORKER_THREADS_MAX 64

/* Half the cores, at least one: passwords may not take the machine. */
unsigned worker_threads_default(void);

/* `threads` between 1 and WORKER_THREADS_MAX; at most `queue_max` jobs wait (those that run do not
 * count): the next submit is refused. NULL when the system gives no memory or threads. */
struct worker_pool *worker_pool_start(unsigned threads, size_t queue_max);
/* Takes no more, finishes what has been taken, joins the threads, frees the pool. NULL is fine. */
void worker_pool_stop(struct worker_pool *pool);

/* Jobs that wait for a thread. Any thread. */
size_t worker_pool_waiting(struct worker_pool *pool);

#endif
