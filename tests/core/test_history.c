/* SPDX-License-Identifier: Apache-2.0 */
#include "core/history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NOW_MS INT64_C(1790000000000)

static struct history history_of(uint8_t n, int64_t first_ms, int64_t step_ms)
{
	struct history history = {.n = n};
	for (uint8_t i = 0; i < n; i++)
		history.at_ms[i] = first_ms + i * step_ms;
	return history;
}

static void every_history_comes_back(void **state)
{
	(void)state;
	const struct history rows[] = {
	    {0},
	    history_of(1, 0, 0),
	    history_of(1, NOW_MS, 0),
	    history_of(2, NOW_MS, 0),
	    history_of(HISTORY_MAX, NOW_MS, 1),
	    history_of(HISTORY_MAX, NOW_MS, 127),
	    history_of(HISTORY_MAX, NOW_MS, 128),
	    history_of(HISTORY_MAX, NOW_MS, INT64_C(86400000)),
	    history_of(HISTORY_MAX, NOW_MS, -1000),
	    history_of(2, INT64_MAX, 0),
	    history_of(2, INT64_MIN, 0),
	    {.n = 3, .at_ms = {INT64_MAX, INT64_MIN, -1}},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t packed[HISTORY_PACKED_MAX + 2];
		size_t len = history_pack(&rows[i], packed, HISTORY_PACKED_MAX);
		assert_in_range(len, 1, HISTORY_PACKED_MAX);
		/* What follows is no part of it. */
		packed[len] = packed[len + 1] = 0xFF;
		struct history back;
		assert_int_equal(
		    history_unpack((struct bytes){(const char *)packed, len + 2}, &back), len);
		assert_memory_equal(&back, &rows[i], sizeof(back));
		/* Every cut is seen; every room but the right one is too small. */
		for (size_t cut = 0; cut < len; cut++) {
			struct bytes in = {(const char *)packed, cut};
			assert_int_equal(history_unpack(in, &back), 0);
			uint8_t small[HISTORY_PACKED_MAX];
			assert_int_equal(history_pack(&rows[i], small, cut), 0);
		}
	}
}

static void a_step_takes_few_octets(void **state)
{
	(void)state;
	uint8_t packed[HISTORY_PACKED_MAX];
	struct history daily = history_of(HISTORY_MAX, NOW_MS, INT64_C(86400000));
	assert_int_equal(history_pack(&daily, packed, sizeof(packed)), 1 + 6 + 63 * 4);
	struct history none = {0};
	assert_int_equal(history_pack(&none, packed, sizeof(packed)), 1);
}

static void other_octets_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		struct bytes in;
	} rows[] = {
	    {"nothing", {"", 0}},
	    {"more moments than a history holds", {"\x41", 1}},
	    {"a varint that does not end", {"\x01\x80", 2}},
	    {"a varint of more than 64 bits", {"\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 11}},
	    {"a varint of eleven octets", {"\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12}},
	    {"a varint longer than it need be", {"\x01\x81\x00", 3}},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct history untouched = {.n = 7};
		if (history_unpack(rows[i].in, &untouched) != 0)
			fail_msg("accepted: %s", rows[i].name);
		assert_int_equal(untouched.n, 7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_history_comes_back),
	    cmocka_unit_test(a_step_takes_few_octets),
	    cmocka_unit_test(other_octets_are_refused),
	};
	return cmocka_run_group_tests_name("history", tests, NULL, NULL);
}
