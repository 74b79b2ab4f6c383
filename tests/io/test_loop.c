/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "io/clock.h"
#include "io/loop.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#define POSTERS 4
#define POSTS 20000

static struct io_loop *loop;

static int set_up(void **state)
{
	(void)state;
	loop = io_loop_new();
	return loop ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	io_loop_free(loop);
	return 0;
}

/* --- tasks ----------------------------------------------------------------------------------- */

struct numbered {
	struct task task;
	int poster, number;
};

static int last_of[POSTERS];
static int ran, out_of_order;

static void check_order(struct task *task)
{
	struct numbered *numbered = CONTAINER_OF(task, struct numbered, task);
	out_of_order += numbered->number != last_of[numbered->poster] + 1;
	last_of[numbered->poster] = numbered->number;
	if (++ran == POSTERS * POSTS)
		io_loop_stop(loop);
}

static void *poster_run(void *data)
{
	struct numbered *mine = data;
	for (int i = 0; i < POSTS; i++)
		executor_post(io_loop_executor(loop), &mine[i].task);
	return NULL;
}

static void tasks_of_many_threads_run_in_order(void **state)
{
	(void)state;
	struct numbered *all = calloc((size_t)POSTERS * POSTS, sizeof(*all));
	assert_non_null(all);
	pthread_t threads[POSTERS];
	ran = out_of_order = 0;
	for (int p = 0; p < POSTERS; p++) {
		last_of[p] = -1;
		struct numbered *mine = all + (size_t)p * POSTS;
		for (int i = 0; i < POSTS; i++)
			mine[i] =
			    (struct numbered){.task.run = check_order, .poster = p, .number = i};
		assert_int_equal(pthread_create(&threads[p], NULL, poster_run, mine), 0);
	}
	io_loop_run(loop);
	for (int p = 0; p < POSTERS; p++)
		(void)pthread_join(threads[p], NULL);
	assert_int_equal(ran, POSTERS * POSTS);
	assert_int_equal(out_of_order, 0);
	free(all);
}

static struct task again;
static int runs, rounds, runs_before, runs_most;
static struct io_hook hook;

static void post_again(struct task *task)
{
	assert_true(io_loop_is_current(loop));
	if (++runs < 100)
		executor_post(io_loop_executor(loop), task);
	else
		io_loop_stop(loop);
}

static void count_round(struct io_hook *at_end)
{
	(void)at_end;
	rounds++;
	runs_most = runs - runs_before > runs_most ? runs - runs_before : runs_most;
	runs_before = runs;
}

/* A task that posts itself runs again in the same round, but not for ever. */
static void drain_is_bounded(void **state)
{
	(void)state;
	runs = rounds = runs_before = runs_most = 0;
	again.run = post_again;
	hook.run = count_round;
	io_loop_on_round_end(loop, &hook);
	executor_post(io_loop_executor(loop), &again);
	io_loop_run(loop);
	assert_int_equal(runs, 100);
	/* A round drains in three places. */
	assert_true(rounds >= 100 / (3 * IO_LOOP_DRAINS_MAX));
	assert_in_range(runs_most, 2, 3 * IO_LOOP_DRAINS_MAX);
	list_remove(&hook.link);
}

static struct task from_hook;
static int hook_runs;

static void note_and_stop(struct task *task)
{
	(void)task;
	hook_runs++;
	io_loop_stop(loop);
}

static void post_from_hook(struct io_hook *at_end)
{
	list_remove(&at_end->link);
	from_hook.run = note_and_stop;
	executor_post(io_loop_executor(loop), &from_hook);
}

/* What a hook posts runs before the loop sleeps: nothing else would wake it here. */
static void hook_may_post_and_remove_itself(void **state)
{
	(void)state;
	hook_runs = 0;
	hook.run = post_from_hook;
	io_loop_on_round_end(loop, &hook);
	io_loop_run(loop);
	assert_int_equal(hook_runs, 1);
}

static void stop_before_run_is_not_lost(void **state)
{
	(void)state;
	io_loop_stop(loop);
	io_loop_run(loop);
}

static void never_called(struct task *task)
{
	(void)task;
	fail();
}

static void tasks_never_run_are_forgotten(void **state)
{
	(void)state;
	static struct task task = {.run = never_called};
	executor_post(io_loop_executor(loop), &task);
}

/* --- time ------------------------------------------------------------------------------------ */

static int64_t first_now;
static struct io_timer *timer;
static int ticks;

static void on_tick(void *data)
{
	(void)data;
	if (++ticks == 1) {
		first_now = io_loop_now_ms(loop);
		return;
	}
	/* The next round reads the clock again. */
	assert_true(io_loop_now_ms(loop) > first_now);
	if (ticks == 3) {
		io_timer_stop(timer);
		io_loop_stop(loop);
	}
}

static void ticks_come_and_stop(void **state)
{
	(void)state;
	ticks = 0;
	assert_int_equal(io_loop_every(loop, 2, on_tick, NULL, &timer), OK);
	io_loop_run(loop);
	assert_int_equal(ticks, 3);
}

static void stop_loop(void *data)
{
	(void)data;
	ticks++;
	io_loop_stop(loop);
}

static void after_comes_once_and_may_be_left_to_the_loop(void **state)
{
	(void)state;
	ticks = 0;
	assert_int_equal(io_loop_after(loop, 0, stop_loop, NULL, &timer), OK);
	io_loop_run(loop);
	assert_int_equal(ticks, 1);
	io_timer_stop(NULL);
}

static void now_is_the_engines(void **state)
{
	(void)state;
	int64_t before = clock_now_ms();
	int64_t now = io_loop_now_ms(loop);
	assert_true(now >= before && now <= clock_now_ms());
	assert_true(io_loop_now_ms(loop) == now);
	assert_true(io_loop_mono_ms(loop) <= clock_mono_ms());
}

/* --- signals and threads --------------------------------------------------------------------- */

static void signals_reach_the_loop_that_asked(void **state)
{
	(void)state;
	ticks = 0;
	assert_int_equal(io_loop_on_signal(loop, SIGHUP, stop_loop, NULL), OK);
	assert_int_equal(kill(getpid(), SIGHUP), 0);
	io_loop_run(loop);
	assert_int_equal(ticks, 1);
}

static void sigpipe_is_ignored(void **state)
{
	(void)state;
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	(void)close(ends[0]);
	assert_int_equal(write(ends[1], "x", 1), -1);
	(void)close(ends[1]);
}

static _Atomic int answered;

static void answer(struct task *task)
{
	(void)task;
	atomic_fetch_add(&answered, 1);
}

static void loop_runs_on_its_own_thread(void **state)
{
	(void)state;
	static struct task task = {.run = answer};
	assert_int_equal(io_loop_start(loop, "loop"), OK);
	executor_post(io_loop_executor(loop), &task);
	io_loop_stop(loop);
	io_loop_join(loop);
	assert_int_equal(atomic_load(&answered), 1);
	io_loop_join(loop);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(tasks_of_many_threads_run_in_order),
	    TEST(drain_is_bounded),
	    TEST(hook_may_post_and_remove_itself),
	    TEST(stop_before_run_is_not_lost),
	    TEST(tasks_never_run_are_forgotten),
	    TEST(ticks_come_and_stop),
	    TEST(after_comes_once_and_may_be_left_to_the_loop),
	    TEST(now_is_the_engines),
	    TEST(signals_reach_the_loop_that_asked),
	    TEST(sigpipe_is_ignored),
	    TEST(loop_runs_on_its_own_thread),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
