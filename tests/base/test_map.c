/* SPDX-License-Identifier: Apache-2.0 */
/* The hash table against what one expects of it, and SipHash against its authors' vectors. */
#include "base/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void siphash_gives_the_published_vectors(void **state)
{
	(void)state;
	/* Key 00 01 … 0f, input the first n of 00 01 02 …: vectors_sip64 of the reference code. */
	static const struct {
		size_t len;
		uint64_t expected;
	} rows[] = {
	    {0, 0x726fdb47dd0e0e31},  {1, 0x74f839c593dc67fd},  {7, 0xab0200f58b01d137},
	    {8, 0x93f5f5799a932462},  {15, 0xa129ca6149be45e5}, {16, 0x3f2acc7f57c29bdb},
	    {63, 0x958a324ceb064572},
	};
	uint8_t key[SIPHASH_KEY_LEN], in[64];
	for (uint8_t i = 0; i < sizeof(in); i++)
		in[i] = i;
	memcpy(key, in, sizeof(key));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(siphash(key, (struct bytes){(const char *)in, rows[i].len}),
		                 rows[i].expected);
}

static void an_empty_map_has_nothing(void **state)
{
	(void)state;
	struct map map;
	assert_int_equal(map_init(&map), OK);
	assert_null(map_get(&map, BYTES("a")));
	assert_null(map_remove(&map, BYTES("a")));
	map_done(&map);
	map_done(&map);
}

static void what_was_put_is_got_until_removed(void **state)
{
	(void)state;
	struct map map;
	int one, two;
	assert_int_equal(map_init(&map), OK);
	assert_int_equal(map_put(&map, BYTES(""), &one), OK);
	assert_int_equal(map_put(&map, BYTES("a\0b"), &one), OK);
	assert_int_equal(map_put(&map, BYTES("a\0b"), &two), OK);
	assert_int_equal(map.n, 2);
	assert_ptr_equal(map_get(&map, BYTES("")), &one);
	assert_ptr_equal(map_get(&map, BYTES("a\0b")), &two);
	assert_null(map_get(&map, BYTES("a\0c")));
	assert_ptr_equal(map_remove(&map, BYTES("a\0b")), &two);
	assert_null(map_get(&map, BYTES("a\0b")));
	assert_int_equal(map.n, 1);
	map_done(&map);
}

static void room_reserved_is_not_taken_twice(void **state)
{
	(void)state;
	struct map map;
	assert_int_equal(map_init(&map), OK);
	assert_int_equal(map_reserve(&map, 1000), OK);
	size_t cap = map.cap;
	static uint16_t keys[1000];
	for (uint16_t i = 0; i < 1000; i++) {
		keys[i] = i;
		struct bytes key = {(const char *)&keys[i], sizeof(keys[i])};
		assert_int_equal(map_put(&map, key, &keys[i]), OK);
	}
	assert_int_equal(map.cap, cap);
	map_done(&map);
}

/* Many keys put and removed in a scrambled order, beside a plain array that says what is right. */
static void it_agrees_with_an_array(void **state)
{
	(void)state;
	enum { KEYS = 1 << 12, STEPS = 200000 };
	static uint32_t keys[KEYS];
	static bool present[KEYS];
	struct map map;
	size_t n = 0;
	uint64_t random = 1;
	assert_int_equal(map_init(&map), OK);
	for (uint32_t i = 0; i < KEYS; i++)
		keys[i] = i;
	for (int step = 0; step < STEPS; step++) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		size_t i = (random >> 33) % KEYS;
		struct bytes key = {(const char *)&keys[i], sizeof(keys[i])};
		assert_ptr_equal(map_get(&map, key), present[i] ? &keys[i] : NULL);
		if (random >> 63) {
			assert_int_equal(map_put(&map, key, &keys[i]), OK);
			n += !present[i];
		} else {
			assert_ptr_equal(map_remove(&map, key), present[i] ? &keys[i] : NULL);
			n -= present[i];
		}
		present[i] = random >> 63;
		assert_int_equal(map.n, n);
	}
	for (size_t i = 0; i < KEYS; i++) {
		struct bytes key = {(const char *)&keys[i], sizeof(keys[i])};
		assert_ptr_equal(map_get(&map, key), present[i] ? &keys[i] : NULL);
	}
	map_done(&map);
}

static void a_cleared_map_keeps_its_hash_key(void **state)
{
	(void)state;
	struct map map;
	int value;
	uint8_t hash_key[SIPHASH_KEY_LEN];
	assert_int_equal(map_init(&map), OK);
	memcpy(hash_key, map.hash_key, sizeof(hash_key));
	assert_int_equal(map_put(&map, BYTES("a"), &value), OK);
	map_clear(&map);
	assert_int_equal(map.n, 0);
	assert_null(map_get(&map, BYTES("a")));
	assert_memory_equal(map.hash_key, hash_key, sizeof(hash_key));
	assert_int_equal(map_put(&map, BYTES("a"), &value), OK);
	assert_ptr_equal(map_get(&map, BYTES("a")), &value);
	map_done(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(siphash_gives_the_published_vectors),
	    cmocka_unit_test(an_empty_map_has_nothing),
	    cmocka_unit_test(what_was_put_is_got_until_removed),
	    cmocka_unit_test(room_reserved_is_not_taken_twice),
	    cmocka_unit_test(it_agrees_with_an_array),
	    cmocka_unit_test(a_cleared_map_keeps_its_hash_key),
	};
	return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
