/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted per somebody who is no number: added up over all who count, and forgotten once it
 * counts nowhere. */
#include "store/contract_private.h"

#include <string.h>

#define SLOT_MS 6000
#define FIRST 1000

static struct tally_row row_of(uint8_t name, int at, uint32_t add)
{
	struct tally_row row = {.key = {{name}}, .slot_ms = SLOT_MS, .first = FIRST};
	row.adds[at] = add;
	memset(row.totals, 0xee, sizeof(row.totals));
	return row;
}

static uint32_t sum(const struct tally_row *row)
{
	uint32_t all = 0;
	for (int i = 0; i < TALLY_SLOTS_LIVE; i++)
		all += row->totals[i];
	return all;
}

static void what_was_never_counted_is_nothing(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct tally_row row = row_of(1, 0, 0);
	assert_int_equal(desk_tally(desk, &row, 1), OK);
	assert_int_equal(sum(&row), 0);
	/* Nor does asking leave anything behind. */
	assert_int_equal(desk_purge_all(desk, INT64_C(1) << 50, 0), 0);
}

static void everybody_adds_to_the_same(void **state)
{
	struct bench *bench = bench_of(state);
	struct desk other;
	desk_join(bench, &other);
	struct tally_row mine = row_of(1, 3, 5), theirs = row_of(1, 3, 2);
	assert_int_equal(desk_tally(&bench->desk, &mine, 1), OK);
	assert_int_equal(mine.totals[3], 5);
	assert_int_equal(desk_tally(&other, &theirs, 1), OK);
	assert_int_equal(theirs.totals[3], 7);
	assert_int_equal(sum(&theirs), 7);
	mine = row_of(1, 4, 1);
	assert_int_equal(desk_tally(&bench->desk, &mine, 1), OK);
	assert_int_equal(mine.totals[3], 7);
	assert_int_equal(mine.totals[4], 1);
	desk_done(&other);
}

static void names_and_lengths_are_apart(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct tally_row rows[3] = {row_of(1, 0, 1), row_of(2, 0, 2), row_of(1, 0, 4)};
	rows[2].slot_ms = SLOT_MS + 1;
	assert_int_equal(desk_tally(desk, rows, 3), OK);
	assert_int_equal(sum(&rows[0]), 1);
	assert_int_equal(sum(&rows[1]), 2);
	assert_int_equal(sum(&rows[2]), 4);
}

/* A row answers for its own slots: what lies before and behind them is not in it. */
static void a_row_sees_its_slots_alone(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct tally_row row = row_of(1, 0, 0);
	for (int i = 0; i < TALLY_SLOTS_LIVE; i++)
		row.adds[i] = (uint32_t)(i + 1);
	assert_int_equal(desk_tally(desk, &row, 1), OK);
	assert_memory_equal(row.totals, row.adds, sizeof(row.adds));
	struct tally_row later = row_of(1, 0, 0);
	later.first = FIRST + 4;
	assert_int_equal(desk_tally(desk, &later, 1), OK);
	for (int i = 0; i < TALLY_SLOTS_LIVE; i++)
		assert_int_equal(later.totals[i], i < TALLY_SLOTS_LIVE - 4 ? i + 5 : 0);
	struct tally_row earlier = row_of(1, 0, 0);
	earlier.first = FIRST - TALLY_SLOTS_LIVE;
	assert_int_equal(desk_tally(desk, &earlier, 1), OK);
	assert_int_equal(sum(&earlier), 0);
}

static void as_many_rows_as_there_may_be(void **state)
{
	static struct tally_row rows[TALLY_ROWS_MAX];
	struct desk *desk = &bench_of(state)->desk;
	for (int twice = 1; twice <= 2; twice++) {
		for (uint32_t i = 0; i < TALLY_ROWS_MAX; i++) {
			rows[i] = row_of(0, (int)(i % TALLY_SLOTS_LIVE), 1);
			memcpy(rows[i].key.octets, &i, sizeof(i));
		}
		assert_int_equal(desk_tally(desk, rows, TALLY_ROWS_MAX), OK);
		for (uint32_t i = 0; i < TALLY_ROWS_MAX; i++)
			assert_int_equal(sum(&rows[i]), twice);
	}
}

static void a_slot_is_forgotten_once_it_has_ended(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct tally_row row = row_of(1, 0, 3);
	row.adds[1] = 4;
	assert_int_equal(desk_tally(desk, &row, 1), OK);
	int64_t ends_ms = tally_slot_ends_ms(SLOT_MS, FIRST);
	assert_int_equal(desk_purge_all(desk, ends_ms - 1, 0), 0);
	assert_int_equal(desk_purge_all(desk, ends_ms, 0), 1);
	row = row_of(1, 0, 0);
	assert_int_equal(desk_tally(desk, &row, 1), OK);
	assert_int_equal(row.totals[0], 0);
	assert_int_equal(row.totals[1], 4);
}

static void many_slots_are_forgotten_in_steps(void **state)
{
	static struct tally_row rows[PURGE_STEP + 1];
	struct desk *desk = &bench_of(state)->desk;
	for (uint32_t i = 0; i <= PURGE_STEP; i++) {
		rows[i] = row_of(0, 0, 1);
		memcpy(rows[i].key.octets, &i, sizeof(i));
	}
	assert_int_equal(desk_tally(desk, rows, PURGE_STEP + 1), OK);
	size_t deleted;
	bool more;
	int64_t ends_ms = tally_slot_ends_ms(SLOT_MS, FIRST);
	assert_int_equal(desk_purge(desk, ends_ms, 0, &deleted, &more), OK);
	assert_int_equal(deleted, PURGE_STEP);
	assert_true(more);
	assert_int_equal(desk_purge_all(desk, ends_ms, 0), 1);
}

const struct CMUnitTest contract_tallies[] = {
    CASE(what_was_never_counted_is_nothing), CASE(everybody_adds_to_the_same),
    CASE(names_and_lengths_are_apart),       CASE(a_row_sees_its_slots_alone),
    CASE(as_many_rows_as_there_may_be),      CASE(a_slot_is_forgotten_once_it_has_ended),
    CASE(many_slots_are_forgotten_in_steps),
};
const size_t contract_tallies_n = CASES_N(contract_tallies);
