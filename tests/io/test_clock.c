/* SPDX-License-Identifier: Apache-2.0 */
/* The one clock: never back, ahead when the wall clock jumps ahead. */
#include "support/unit.h"

#include "io/clock.h"
#include "io/thread.h"

static void clock_follows_the_rule(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		int64_t wall, mono, want;
	} rows[] = {
	    {"starts at the wall clock", 1000, 10, 1000},
	    {"both advance", 1005, 15, 1005},
	    {"the wall clock stands still", 1005, 20, 1010},
	    {"the wall clock goes back", 500, 25, 1015},
	    {"and is not believed until it has caught up", 1016, 27, 1017},
	    {"the wall clock jumps ahead", 5000, 30, 5000},
	    {"and is followed from there", 4000, 31, 5001},
	};
	_Atomic int64_t offset = 0;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_row(rows[i].name,
		           clock_step(&offset, rows[i].wall, rows[i].mono) == rows[i].want);
}

static _Atomic int64_t newest;
static _Atomic bool went_back;

static void *reader(void *data)
{
	(void)data;
	for (int i = 0; i < 100000; i++) {
		int64_t seen = atomic_load(&newest);
		int64_t now = clock_now_ms();
		if (now < seen)
			atomic_store(&went_back, true);
		while (now > seen && !atomic_compare_exchange_weak(&newest, &seen, now))
			;
	}
	return NULL;
}

static void clock_never_goes_back_between_threads(void **state)
{
	(void)state;
	pthread_t threads[4];
	for (size_t i = 0; i < COUNT(threads); i++)
		assert_int_equal(thread_start(&threads[i], "reader", reader, NULL), OK);
	for (size_t i = 0; i < COUNT(threads); i++)
		(void)pthread_join(threads[i], NULL);
	assert_false(atomic_load(&went_back));
	assert_true(atomic_load(&newest) > INT64_C(1600000000000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(clock_follows_the_rule),
	    cmocka_unit_test(clock_never_goes_back_between_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
