/* SPDX-License-Identifier: Apache-2.0 */
/* A libuv loop with a queue of tasks. libuv polls, then calls `check`, then timers, then `prepare`,
 * and then sleeps; so tasks run in both, and the round ends in `prepare`:
 *
 *     poll ──► sockets, wake-up ──► check: tasks ──► timers ──► prepare: tasks, hooks, tasks ──►
 * poll
 */
#include "io/loop_private.h"

#include "io/clock.h"
#include "io/thread.h"

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define CLOSE_TURNS_MAX 100 /* turns that io_loop_free gives libuv to close its handles */

struct io_loop {
	struct executor executor;
	uv_loop_t uv;
	/* Not an uv_async_t: whoever it wakes on the sender's own core spins until the sender,
	 * whose place it has taken, has finished sending (libuv 1.44). */
	uv_poll_t wake;
	int wake_fd;
	uv_check_t check;
	uv_prepare_t prepare;
	uv_idle_t busy; /* active while tasks are left over: the next poll then does not sleep */
	struct task_list local;
	struct list hooks;
	bool now_read, mono_read;
	int64_t now_ms, mono_ms;
	pthread_t thread;
	bool has_thread;
	_Atomic bool stopping;
	pthread_mutex_t lock;
	struct task_list remote; /* under `lock` */
	atomic_int sending;      /* those who are about to wake it */
	struct loop_scratch *scratch;
};

struct io_timer {
	uv_timer_t uv;
	void (*fn)(void *data);
	void *data;
};

struct loop_signal {
	uv_signal_t uv;
	void (*fn)(void *data);
	void *data;
};

/* The loop that this thread runs. */
static _Thread_local struct io_loop *current_loop;

uv_loop_t *loop_uv(struct io_loop *loop)
{
	return &loop->uv;
}

struct loop_scratch *loop_scratch(struct io_loop *loop)
{
	if (!loop->scratch) {
		loop->scratch = malloc(sizeof(*loop->scratch));
		if (loop->scratch)
			buf_init(&loop->scratch->out, 0);
	}
	return loop->scratch;
}

struct executor *io_loop_executor(struct io_loop *loop)
{
	return &loop->executor;
}

bool io_loop_is_current(const struct io_loop *loop)
{
	return current_loop == loop;
}

/* --- time ------------------------------------------------------------------------------------ */

int64_t io_loop_now_ms(struct io_loop *loop)
{
	if (!loop->now_read) {
		loop->now_ms = clock_now_ms();
		loop->now_read = true;
	}
	return loop->now_ms;
}

int64_t io_loop_mono_ms(struct io_loop *loop)
{
	if (!loop->mono_read) {
		loop->mono_ms = clock_mono_ms();
		loop->mono_read = true;
	}
	return loop->mono_ms;
}

/* --- tasks ----------------------------------------------------------------------------------- */

/* `sending` was raised before what is told was there to be seen: the loop may have seen it by now,
 * and somebody be freeing the loop. He waits until this is done. */
static void wake_send(struct io_loop *loop)
{
	const uint64_t one = 1;
	/* It only fails when it is about to wake up anyway. */
	while (write(loop->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	atomic_fetch_sub(&loop->sending, 1);
}

static void loop_post(struct executor *executor, struct task *task)
{
	struct io_loop *loop = CONTAINER_OF(executor, struct io_loop, executor);
	if (current_loop == loop) {
		task_list_add(&loop->local, task);
		return;
	}
	(void)pthread_mutex_lock(&loop->lock);
	bool first = !loop->remote.first;
	task_list_add(&loop->remote, task);
	if (first)
		atomic_fetch_add(&loop->sending, 1);
	(void)pthread_mutex_unlock(&loop->lock);
	/* Behind the lock, which the loop would run into. */
	if (first)
		wake_send(loop);
}

static void take_remote(struct io_loop *loop)
{
	(void)pthread_mutex_lock(&loop->lock);
	struct task_list taken = loop->remote;
	loop->remote = (struct task_list){0};
	(void)pthread_mutex_unlock(&loop->lock);
	if (!taken.first)
		return;
	if (loop->local.last)
		loop->local.last->next = taken.first;
	else
		loop->local.first = taken.first;
	loop->local.last = taken.last;
}

static void drain_tasks(struct io_loop *loop)
{
	for (int turn = 0; turn < IO_LOOP_DRAINS_MAX && loop->local.first; turn++) {
		struct task_list batch = loop->local;
		loop->local = (struct task_list){0};
		struct task *task;
		while ((task = task_list_pop(&batch)))
			task->run(task);
	}
}

static void run_hooks(struct io_loop *loop)
{
	struct list *link = loop->hooks.next;
	while (link != &loop->hooks) {
		struct list *next = link->next;
		struct io_hook *hook = CONTAINER_OF(link, struct io_hook, link);
		hook->run(hook);
		link = next;
	}
}

void io_loop_on_round_end(struct io_loop *loop, struct io_hook *hook)
{
	list_append(&loop->hooks, &hook->link);
}

static void on_busy(uv_idle_t *idle)
{
	(void)idle;
}

static void on_check(uv_check_t *check)
{
	drain_tasks(check->data);
}

static void on_prepare(uv_prepare_t *prepare)
{
	struct io_loop *loop = prepare->data;
	drain_tasks(loop);
	run_hooks(loop);
	drain_tasks(loop);
	if (loop->local.first)
		(void)uv_idle_start(&loop->busy, on_busy);
	else
		(void)uv_idle_stop(&loop->busy);
	loop->now_read = loop->mono_read = false;
}

static void on_wake(uv_poll_t *wake, int status, int events)
{
	(void)status;
	(void)events;
	struct io_loop *loop = wake->data;
	uint64_t times;
	while (read(loop->wake_fd, &times, sizeof(times)) < 0 && errno == EINTR)
		;
	take_remote(loop);
	if (atomic_load(&loop->stopping))
		uv_stop(&loop->uv);
}

/* --- life ------------------------------------------------------------------------------------ */

static void ignore_sigpipe(void)
{
	struct sigaction action = {.sa_handler = SIG_IGN};
	(void)sigaction(SIGPIPE, &action, NULL);
}

/* None of our own handles keeps the loop alive by itself: io_loop_run counts on `wake` for that. */
static int handles_init(struct io_loop *loop)
{
	loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop->wake_fd < 0)
		return -errno;
	int failed = uv_poll_init(&loop->uv, &loop->wake, loop->wake_fd);
	if (failed) {
		(void)close(loop->wake_fd);
		return failed;
	}
	(void)uv_poll_start(&loop->wake, UV_READABLE, on_wake);
	(void)uv_check_init(&loop->uv, &loop->check);
	(void)uv_prepare_init(&loop->uv, &loop->prepare);
	(void)uv_idle_init(&loop->uv, &loop->busy);
	loop->wake.data = loop->check.data = loop->prepare.data = loop->busy.data = loop;
	(void)uv_check_start(&loop->check, on_check);
	(void)uv_prepare_start(&loop->prepare, on_prepare);
	return 0;
}

struct io_loop *io_loop_new(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	(void)pthread_once(&once, ignore_sigpipe);
	struct io_loop *loop = calloc(1, sizeof(*loop));
	if (!loop)
		return NULL;
	loop->executor.post = loop_post;
	list_init(&loop->hooks);
	if (uv_loop_init(&loop->uv) != 0) {
		free(loop);
		return NULL;
	}
	if (handles_init(loop) != 0) {
		(void)uv_loop_close(&loop->uv);
		free(loop);
		return NULL;
	}
	(void)pthread_mutex_init(&loop->lock, NULL);
	return loop;
}

static void on_heap_handle_closed(uv_handle_t *handle)
{
	free(handle->data);
}

/* Timers and signals are of the heap and point at themselves; the others are part of the loop.
 * Streams and listeners must have gone. */
static void close_handle(uv_handle_t *handle, void *data)
{
	(void)data;
	if (uv_is_closing(handle))
		return;
	bool heap = handle->type == UV_TIMER || handle->type == UV_SIGNAL;
	assert(heap || handle->type == UV_POLL || handle->type == UV_CHECK ||
	       handle->type == UV_PREPARE || handle->type == UV_IDLE);
	uv_close(handle, heap ? on_heap_handle_closed : NULL);
}

void io_loop_free(struct io_loop *loop)
{
	if (!loop)
		return;
	assert(!current_loop && !loop->has_thread);
	uv_walk(&loop->uv, close_handle, NULL);
	for (int turn = 0; turn < CLOSE_TURNS_MAX && uv_run(&loop->uv, UV_RUN_NOWAIT); turn++)
		;
	int busy = uv_loop_close(&loop->uv);
	assert(!busy);
	(void)busy;
	while (atomic_load(&loop->sending))
		(void)sched_yield();
	(void)close(loop->wake_fd);
	(void)pthread_mutex_destroy(&loop->lock);
	if (loop->scratch)
		buf_done(&loop->scratch->out);
	free(loop->scratch);
	free(loop);
}

void io_loop_run(struct io_loop *loop)
{
	assert(!current_loop);
	current_loop = loop;
	(void)uv_run(&loop->uv, UV_RUN_DEFAULT);
	take_remote(loop);
	drain_tasks(loop);
	run_hooks(loop);
	drain_tasks(loop);
	atomic_store(&loop->stopping, false);
	current_loop = NULL;
}

void io_loop_stop(struct io_loop *loop)
{
	atomic_fetch_add(&loop->sending, 1);
	atomic_store(&loop->stopping, true);
	wake_send(loop);
}

static void *loop_thread(void *data)
{
	io_loop_run(data);
	return NULL;
}

enum err io_loop_start(struct io_loop *loop, const char *name)
{
	assert(!loop->has_thread);
	enum err err = thread_start(&loop->thread, name, loop_thread, loop);
	loop->has_thread = err == OK;
	return err;
}

void io_loop_join(struct io_loop *loop)
{
	if (!loop->has_thread)
		return;
	(void)pthread_join(loop->thread, NULL);
	loop->has_thread = false;
}

/* --- timers and signals ---------------------------------------------------------------------- */

static void on_timer(uv_timer_t *uv)
{
	struct io_timer *timer = uv->data;
	timer->fn(timer->data);
}

static enum err timer_start(struct io_loop *loop, int64_t first_ms, int64_t every_ms,
                            struct io_timer timer, struct io_timer **ret)
{
	assert(first_ms >= 0 && every_ms >= 0 && timer.fn);
	struct io_timer *made = malloc(sizeof(*made));
	if (!made)
		return ERR_NO_MEMORY;
	*made = timer;
	(void)uv_timer_init(&loop->uv, &made->uv);
	made->uv.data = made;
	/* Outside a round libuv's own idea of the time may be old. */
	if (current_loop != loop)
		uv_update_time(&loop->uv);
	(void)uv_timer_start(&made->uv, on_timer, (uint64_t)first_ms, (uint64_t)every_ms);
	*ret = made;
	return OK;
}

enum err io_loop_every(struct io_loop *loop, int64_t ms, void (*fn)(void *data), void *data,
                       struct io_timer **ret)
{
	assert(ms > 0);
	return timer_start(loop, ms, ms, (struct io_timer){.fn = fn, .data = data}, ret);
}

enum err io_loop_after(struct io_loop *loop, int64_t ms, void (*fn)(void *data), void *data,
                       struct io_timer **ret)
{
	return timer_start(loop, ms, 0, (struct io_timer){.fn = fn, .data = data}, ret);
}

void io_timer_stop(struct io_timer *timer)
{
	if (timer)
		uv_close((uv_handle_t *)&timer->uv, on_heap_handle_closed);
}

static void on_signal(uv_signal_t *uv, int signal_number)
{
	(void)signal_number;
	struct loop_signal *got = uv->data;
	got->fn(got->data);
}

enum err io_loop_on_signal(struct io_loop *loop, int signal_number, void (*fn)(void *data),
                           void *data)
{
	struct loop_signal *made = malloc(sizeof(*made));
	if (!made)
		return ERR_NO_MEMORY;
	made->fn = fn;
	made->data = data;
	if (uv_signal_init(&loop->uv, &made->uv) != 0) {
		free(made);
		return ERR_IO;
	}
	made->uv.data = made;
	if (uv_signal_start(&made->uv, on_signal, signal_number) != 0) {
		uv_close((uv_handle_t *)&made->uv, on_heap_handle_closed);
		return ERR_IO;
	}
	return OK;
}
