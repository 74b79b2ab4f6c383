/* SPDX-License-Identifier: Apache-2.0 */
/* Counting who is no number: windows at their edges, and merging with everybody else's counts. */
#include "core/tally.h"

#include "support/engine.h"

#define T TEST_START_MS

static const struct rates per_minute = {1, {{3, 60000}}};
#define SLOT_MS 6000 /* of that minute */
/* The beginning of a slot. */
#define T0 (T - T % SLOT_MS)

static struct tally_key key_of(uint8_t name)
{
	return (struct tally_key){.octets = {name}};
}

static void spend(struct tally_table *table, uint8_t name, const struct rates *rates, int n,
                  int64_t at_ms)
{
	struct tally_key key = key_of(name);
	for (int i = 0; i < n; i++)
		tally_add(table, &key, rates, at_ms);
}

static int64_t wait_of(struct tally_table *table, uint8_t name, const struct rates *rates,
                       int64_t at_ms)
{
	struct tally_key key = key_of(name);
	return tally_wait_ms(table, &key, rates, at_ms);
}

static int table_setup(void **state)
{
	static struct tally_table table;
	assert_int_equal(tally_init(&table), OK);
	*state = &table;
	return 0;
}

static int table_teardown(void **state)
{
	tally_done(*state);
	return 0;
}

/* ---- windows --------------------------------------------------------------------------------- */

static void a_limit_is_reached_at_its_count(void **state)
{
	struct tally_table *table = *state;
	assert_int_equal(wait_of(table, 1, &per_minute, T0), 0);
	spend(table, 1, &per_minute, 2, T0);
	assert_int_equal(wait_of(table, 1, &per_minute, T0), 0);
	spend(table, 1, &per_minute, 1, T0);
	assert_true(wait_of(table, 1, &per_minute, T0) > 0);
	/* Somebody else's is his own. */
	assert_int_equal(wait_of(table, 2, &per_minute, T0), 0);
}

/* Never sooner than the window, at most a slot later; and what is told is when it opens. */
static void it_opens_when_the_slot_has_left(void **state)
{
	struct tally_table *table = *state;
	for (int64_t into_ms = 0; into_ms < SLOT_MS; into_ms += SLOT_MS / 4) {
		uint8_t name = (uint8_t)(into_ms / 100);
		int64_t at_ms = T0 + into_ms;
		spend(table, name, &per_minute, 3, at_ms);
		int64_t wait_ms = wait_of(table, name, &per_minute, at_ms);
		assert_in_range(wait_ms, 60000, 60000 + SLOT_MS);
		assert_int_equal(wait_of(table, name, &per_minute, at_ms + 1000), wait_ms - 1000);
		assert_int_equal(wait_of(table, name, &per_minute, at_ms + wait_ms - 1), 1);
		assert_int_equal(wait_of(table, name, &per_minute, at_ms + wait_ms), 0);
	}
}

static void what_was_spent_first_leaves_first(void **state)
{
	struct tally_table *table = *state;
	spend(table, 1, &per_minute, 1, T0);
	spend(table, 1, &per_minute, 2, T0 + 30000);
	/* One more as soon as the first has gone, and then not another. */
	int64_t opens_ms = T0 + wait_of(table, 1, &per_minute, T0 + 30000) + 30000;
	assert_int_equal(opens_ms, T0 + 60000 + SLOT_MS);
	spend(table, 1, &per_minute, 1, opens_ms);
	assert_int_equal(wait_of(table, 1, &per_minute, opens_ms), 30000);
}

static void each_rate_counts(void **state)
{
	static const struct rates rates = {2, {{2, 10000}, {3, 600000}}};
	struct tally_table *table = *state;
	spend(table, 1, &rates, 2, T0);
	assert_in_range(wait_of(table, 1, &rates, T0), 10000, 11000);
	spend(table, 1, &rates, 1, T0 + 20000);
	assert_in_range(wait_of(table, 1, &rates, T0 + 20000), 540000, 640000);
	assert_int_equal(wait_of(table, 1, &rates, T0 + 660000), 0);
}

static void no_rates_never_wait(void **state)
{
	static const struct rates none = {0};
	spend(*state, 1, &none, 1000, T0);
	assert_int_equal(wait_of(*state, 1, &none, T0), 0);
}

static void a_large_count_is_exact(void **state)
{
	static const struct rates rates = {1, {{600, 60000}}};
	struct tally_table *table = *state;
	for (int i = 0; i < 599; i++)
		spend(table, 1, &rates, 1, T0 + i * 50);
	assert_int_equal(wait_of(table, 1, &rates, T0 + 30000), 0);
	spend(table, 1, &rates, 1, T0 + 30000);
	assert_true(wait_of(table, 1, &rates, T0 + 30000) > 0);
}

/* Whoever was counted before the clock was set back is not held for ever. */
static void a_clock_set_back_holds_nobody(void **state)
{
	struct tally_table *table = *state;
	spend(table, 1, &per_minute, 3, T0 + 3650 * DAYS_MS);
	assert_int_equal(wait_of(table, 1, &per_minute, T0), 0);
	spend(table, 1, &per_minute, 3, T0);
	assert_in_range(wait_of(table, 1, &per_minute, T0), 60000, 60000 + SLOT_MS);
}

/* Settings were read anew: the same name is counted in other windows. */
static void rates_may_change(void **state)
{
	struct tally_table *table = *state;
	for (int i = 0; i < 2 * RATES_MAX; i++) {
		const struct rates rates = {1, {{1, 10000 * (i + 1)}}};
		assert_int_equal(wait_of(table, 1, &rates, T0), 0);
		spend(table, 1, &rates, 1, T0);
		assert_true(wait_of(table, 1, &rates, T0) > 0);
	}
}

static void the_one_untouched_for_longest_makes_room(void **state)
{
	struct tally_table *table = *state;
	struct tally_key key = {{0}};
	for (uint32_t i = 0; i < TALLIES_MAX; i++) {
		memcpy(key.octets, &i, sizeof(i));
		tally_add(table, &key, &(struct rates){1, {{1, 60000}}}, T0);
	}
	assert_int_equal(table->map.n, TALLIES_MAX);
	/* The first is looked at, so the second is the oldest. */
	assert_true(wait_of(table, 0, &(struct rates){1, {{1, 60000}}}, T0) > 0);
	spend(table, 0xff, &per_minute, 1, T0); /* one of those there */
	memset(key.octets, 0xee, sizeof(key.octets));
	tally_add(table, &key, &per_minute, T0);
	assert_int_equal(table->map.n, TALLIES_MAX);
	assert_true(wait_of(table, 0, &(struct rates){1, {{1, 60000}}}, T0) > 0);
	assert_int_equal(wait_of(table, 1, &(struct rates){1, {{1, 60000}}}, T0), 0);
}

/* ---- merging --------------------------------------------------------------------------------- */

/* A store: adds what comes to what it has, and answers what it has then. */
struct shelf {
	struct tally_key key;
	int64_t slot_ms, number;
	uint32_t count;
};

struct shelves {
	struct shelf at[256];
	size_t n;
};

static struct shelf *shelf_of(struct shelves *shelves, const struct tally_row *row, int64_t number)
{
	for (size_t i = 0; i < shelves->n; i++) {
		struct shelf *shelf = &shelves->at[i];
		if (memcmp(&shelf->key, &row->key, sizeof(row->key)) == 0 &&
		    shelf->slot_ms == row->slot_ms && shelf->number == number)
			return shelf;
	}
	assert_true(shelves->n < COUNT(shelves->at));
	shelves->at[shelves->n] = (struct shelf){row->key, row->slot_ms, number, 0};
	return &shelves->at[shelves->n++];
}

static void shelves_merge(struct shelves *shelves, struct tally_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (int k = 0; k < TALLY_SLOTS_LIVE; k++) {
			struct shelf *shelf = shelf_of(shelves, &rows[i], rows[i].first + k);
			shelf->count += rows[i].adds[k];
			rows[i].totals[k] = shelf->count;
		}
}

static void merge(struct tally_table *table, struct shelves *shelves, int64_t at_ms)
{
	struct tally_row rows[16];
	size_t n = tally_take(table, rows, COUNT(rows), at_ms);
	shelves_merge(shelves, rows, n);
	tally_merged(table, rows, n);
}

static void two_tables_share_a_limit(void **state)
{
	struct tally_table *mine = *state, theirs;
	struct shelves shelves = {.n = 0};
	assert_int_equal(tally_init(&theirs), OK);
	spend(&theirs, 1, &per_minute, 2, T0);
	spend(mine, 1, &per_minute, 1, T0 + 100);
	assert_int_equal(wait_of(mine, 1, &per_minute, T0 + 100), 0);
	merge(&theirs, &shelves, T0 + 1000);
	assert_int_equal(wait_of(&theirs, 1, &per_minute, T0 + 1000), 0);
	merge(mine, &shelves, T0 + 1000);
	assert_true(wait_of(mine, 1, &per_minute, T0 + 1000) > 0);
	/* They hear of it once they count again. */
	spend(&theirs, 1, &per_minute, 1, T0 + 1100);
	merge(&theirs, &shelves, T0 + 2000);
	assert_int_equal(shelves.at[TALLY_SLOTS].count, 4);
	tally_done(&theirs);
}

static void merging_twice_counts_once(void **state)
{
	struct tally_table *table = *state;
	struct shelves shelves = {.n = 0};
	spend(table, 1, &per_minute, 2, T0);
	merge(table, &shelves, T0);
	merge(table, &shelves, T0 + 1000);
	assert_int_equal(shelves.at[TALLY_SLOTS].count, 2);
	assert_int_equal(wait_of(table, 1, &per_minute, T0 + 1000), 0);
	spend(table, 1, &per_minute, 1, T0 + 1000);
	merge(table, &shelves, T0 + 1000);
	assert_int_equal(shelves.at[TALLY_SLOTS].count, 3);
	assert_true(wait_of(table, 1, &per_minute, T0 + 1000) > 0);
}

/* A program that has just started learns what was spent before, from all slots that count. */
static void a_restart_learns_what_was_spent(void **state)
{
	struct tally_table *old = *state, fresh;
	struct shelves shelves = {.n = 0};
	spend(old, 1, &per_minute, 1, T0);
	spend(old, 1, &per_minute, 1, T0 + 20000);
	merge(old, &shelves, T0 + 20000);
	assert_int_equal(tally_init(&fresh), OK);
	spend(&fresh, 1, &per_minute, 1, T0 + 40000);
	assert_int_equal(wait_of(&fresh, 1, &per_minute, T0 + 40000), 0);
	merge(&fresh, &shelves, T0 + 41000);
	assert_int_equal(wait_of(&fresh, 1, &per_minute, T0 + 41000), 25000);
	tally_done(&fresh);
}

static void what_is_on_its_way_counts(void **state)
{
	struct tally_table *table = *state;
	struct tally_row rows[RATES_MAX];
	spend(table, 1, &per_minute, 2, T0);
	assert_int_equal(tally_take(table, rows, COUNT(rows), T0), 1);
	assert_int_equal(rows[0].adds[TALLY_SLOTS], 2);
	spend(table, 1, &per_minute, 1, T0);
	assert_true(wait_of(table, 1, &per_minute, T0) > 0);
	rows[0].totals[TALLY_SLOTS] = 2;
	tally_merged(table, rows, 1);
	assert_true(wait_of(table, 1, &per_minute, T0) > 0);
	/* Only the third is still to be told. */
	assert_int_equal(tally_take(table, rows, COUNT(rows), T0), 1);
	assert_int_equal(rows[0].adds[TALLY_SLOTS], 1);
}

static void a_merge_that_failed_is_done_again(void **state)
{
	struct tally_table *table = *state;
	struct tally_row rows[RATES_MAX];
	spend(table, 1, &per_minute, 3, T0);
	assert_int_equal(tally_take(table, rows, COUNT(rows), T0), 1);
	assert_int_equal(tally_take(table, rows + 1, RATES_MAX, T0), 0);
	tally_unmerged(table, rows, 1);
	assert_true(wait_of(table, 1, &per_minute, T0) > 0);
	assert_int_equal(tally_take(table, rows, COUNT(rows), T0 + 1000), 1);
	assert_int_equal(rows[0].adds[TALLY_SLOTS], 3);
	tally_unmerged(table, rows, 1);
	/* Long after: the slot has gone, there is nothing to be told of it. */
	spend(table, 1, &per_minute, 1, T0 + 600000);
	assert_int_equal(tally_take(table, rows, COUNT(rows), T0 + 600000), 1);
	assert_int_equal(rows[0].adds[TALLY_SLOTS], 1);
	/* Nor of one who was forgotten meanwhile. */
	rows[0].key = key_of(9);
	tally_unmerged(table, rows, 1);
	tally_merged(table, rows, 1);
	assert_int_equal(tally_take(table, rows, COUNT(rows), T0 + 600000), 0);
}

/* The answer comes when the slot's place is another's by now. */
static void a_late_answer_is_of_its_own_slots(void **state)
{
	struct tally_table *table = *state;
	struct tally_row rows[RATES_MAX];
	spend(table, 1, &per_minute, 3, T0);
	assert_int_equal(tally_take(table, rows, COUNT(rows), T0), 1);
	int64_t later_ms = T0 + TALLY_SLOTS_LIVE * SLOT_MS;
	spend(table, 1, &per_minute, 1, later_ms);
	rows[0].totals[TALLY_SLOTS] = 3;
	tally_merged(table, rows, 1);
	assert_int_equal(wait_of(table, 1, &per_minute, later_ms), 0);
	assert_int_equal(tally_take(table, rows, COUNT(rows), later_ms), 1);
	assert_int_equal(rows[0].adds[TALLY_SLOTS], 1);
}

static void only_so_many_rows_are_taken(void **state)
{
	struct tally_table *table = *state;
	struct tally_row rows[2 * RATES_MAX];
	for (uint8_t name = 1; name <= 20; name++)
		spend(table, name, &per_minute, 1, T0);
	size_t sum = 0, n;
	while ((n = tally_take(table, rows, COUNT(rows), T0))) {
		assert_true(n <= COUNT(rows));
		sum += n;
	}
	assert_int_equal(sum, 20);
}

#define TABLE(test) cmocka_unit_test_setup_teardown(test, table_setup, table_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TABLE(a_limit_is_reached_at_its_count),
	    TABLE(it_opens_when_the_slot_has_left),
	    TABLE(what_was_spent_first_leaves_first),
	    TABLE(each_rate_counts),
	    TABLE(no_rates_never_wait),
	    TABLE(a_large_count_is_exact),
	    TABLE(a_clock_set_back_holds_nobody),
	    TABLE(rates_may_change),
	    TABLE(the_one_untouched_for_longest_makes_room),
	    TABLE(two_tables_share_a_limit),
	    TABLE(merging_twice_counts_once),
	    TABLE(a_restart_learns_what_was_spent),
	    TABLE(what_is_on_its_way_counts),
	    TABLE(a_merge_that_failed_is_done_again),
	    TABLE(a_late_answer_is_of_its_own_slots),
	    TABLE(only_so_many_rows_are_taken),
	};
	return cmocka_run_group_tests_name("tally", tests, NULL, NULL);
}
