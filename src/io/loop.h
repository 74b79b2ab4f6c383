/* SPDX-License-Identifier: Apache-2.0 */
/* One event loop, one thread. A round: what the sockets and timers have, then the tasks that were
 * posted, then the hooks at the end of the round, then sleep. Everything here but io_loop_stop and
 * the executor belongs to the loop's thread, or to whoever made the loop before it runs. */
#ifndef IO_LOOP_H
#define IO_LOOP_H

#include "base/err.h"
#include "base/list.h"
#include "base/task.h"

#include <stdint.h>

struct io_loop;

/* Tasks posted by tasks run in the same round, this many times over where a round drains; what is
 * posted then waits for the sockets to have had their turn. */
#define IO_LOOP_DRAINS_MAX 16

/* NULL when the system gives no memory or descriptors. Ignores SIGPIPE for the process. */
struct io_loop *io_loop_new(void);
/* NULL is fine. The loop does not run any more; its streams and listeners were closed; nobody posts
 * any more. Tasks that never ran are forgotten. */
void io_loop_free(struct io_loop *loop);

/* Runs until io_loop_stop; tasks posted before the stop are run. May be called again. */
void io_loop_run(struct io_loop *loop);
/* Any thread, any time, also before io_loop_run: that then returns after one round. */
void io_loop_stop(struct io_loop *loop);

/* Runs the loop on a thread of its own; io_loop_join waits for it (after io_loop_stop). */
MUST_CHECK enum err io_loop_start(struct io_loop *loop, const char *name);
void io_loop_join(struct io_loop *loop);

/* Runs tasks on the loop, in the order they were posted by each thread. From the loop's own thread
 * posting costs neither lock nor wake-up; from others one wake-up for a burst. */
struct executor *io_loop_executor(struct io_loop *loop);
/* Whether the caller is the thread that runs the loop. */
bool io_loop_is_current(const struct io_loop *loop);

/* The engine clock and the monotonic clock as read once in this round. */
int64_t io_loop_now_ms(struct io_loop *loop);
int64_t io_loop_mono_ms(struct io_loop *loop);

/* Called at the end of every round that did something, after the tasks: to write once what many
 * requests made. Embedded in its owner; list_remove(&hook->link) ends it, also from inside the
 * hook itself. A hook must not remove others. */
struct io_hook {
	struct list link;
	void (*run)(struct io_hook *hook);
};
void io_loop_on_round_end(struct io_loop *loop, struct io_hook *hook);

/* Calls fn(data) every `ms` until the loop is freed, or io_timer_stop. A tick never holds up
 * io_loop_stop. */
struct io_timer;
MUST_CHECK enum err io_loop_every(struct io_loop *loop, int64_t ms, void (*fn)(void *data),
                                  void *data, struct io_timer **ret);
/* Once, after `ms`; the timer still has to be stopped. */
MUST_CHECK enum err io_loop_after(struct io_loop *loop, int64_t ms, void (*fn)(void *data),
                                  void *data, struct io_timer **ret);
/* Ends and frees the timer; fn is not called again. NULL is fine. */
void io_timer_stop(struct io_timer *timer);

/* fn(data) runs on the loop, as part of a round, when the process gets the signal. Until the loop
 * is freed. */
MUST_CHECK enum err io_loop_on_signal(struct io_loop *loop, int signal_number,
                                      void (*fn)(void *data), void *data);

#endif
