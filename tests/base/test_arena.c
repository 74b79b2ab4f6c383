/* SPDX-License-Identifier: Apache-2.0 */
#include "cases.h"

#include "base/arena.h"

static bool is_zeroed(const char *at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (at[i])
			return false;
	return true;
}

/* Pieces of every size, zeroed, aligned, and none over another. */
static void test_pieces(void **state)
{
	(void)state;
	enum { PIECES = 2000 };
	static char *pieces[PIECES];
	struct arena arena;
	arena_init(&arena);
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < PIECES; i++) {
			pieces[i] = arena_take(&arena, i * 7 % 6000);
			assert_non_null(pieces[i]);
			assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
			assert_true(is_zeroed(pieces[i], i * 7 % 6000));
			memset(pieces[i], (int)(i % 255) + 1, i * 7 % 6000);
		}
		for (size_t i = 0; i < PIECES; i++)
			for (size_t k = 0; k < i * 7 % 6000; k++)
				if (pieces[i][k] != (char)(i % 255 + 1))
					fail_msg("piece %zu was written over", i);
		arena_reset(&arena);
	}
	arena_done(&arena);
	arena_done(&arena);
}

static void test_reset_keeps_one_block(void **state)
{
	(void)state;
	struct arena arena;
	arena_init(&arena);
	arena_reset(&arena);
	assert_null(arena.blocks);
	char *first = arena_take(&arena, 16);
	arena_reset(&arena);
	assert_non_null(arena.blocks);
	assert_ptr_equal(arena_take(&arena, 16), first);
	arena_done(&arena);
	assert_null(arena.blocks);
}

/* What a request wrote is gone with it, not only when the next one takes the same octets. */
static void test_reset_wipes(void **state)
{
	(void)state;
	struct arena arena;
	arena_init(&arena);
	char *first = arena_take(&arena, 1000);
	memset(first, 'x', 1000);
	/* What is said of malloc is said of arena_take: nobody else would reach these octets. */
	__asm__ volatile("" : "+r"(first) : : "memory");
	arena_reset(&arena);
	assert_true(is_zeroed(first, 1000));
	arena_done(&arena);
}

/* What one large request took does not stay with an idle connection. */
static void test_reset_gives_large_blocks_back(void **state)
{
	(void)state;
	struct arena arena;
	arena_init(&arena);
	assert_non_null(arena_take(&arena, 1 << 20));
	arena_reset(&arena);
	assert_null(arena.blocks);
	assert_non_null(arena_take(&arena, 1));
	arena_done(&arena);
}

static void test_refused_and_usable(void **state)
{
	(void)state;
	struct arena arena;
	/* Not known to the compiler, which would warn. */
	volatile size_t most = SIZE_MAX;
	arena_init(&arena);
	assert_null(arena_take(&arena, most));
	assert_null(arena_take(&arena, most / 2));
	assert_null(arena_take_array(&arena, most / 2, 3));
	assert_null(arena_take_array(&arena, 2, most));
	assert_null(arena_copy(&arena, (struct bytes){"", most}).at);
	assert_non_null(arena_take(&arena, 1));
	arena_done(&arena);
}

static void test_take_array(void **state)
{
	(void)state;
	struct arena arena;
	arena_init(&arena);
	uint64_t *numbers = arena_take_array(&arena, 100, sizeof(*numbers));
	assert_non_null(numbers);
	assert_true(is_zeroed((const char *)numbers, 800));
	assert_non_null(arena_take_array(&arena, 0, 8));
	arena_done(&arena);
}

static void test_copy(void **state)
{
	(void)state;
	struct arena arena;
	arena_init(&arena);
	struct bytes from = BYTES("a\0b"), copy = arena_copy(&arena, from);
	assert_true(bytes_equal(copy, from));
	assert_ptr_not_equal(copy.at, from.at);
	assert_int_equal(copy.at[3], '\0');
	copy = arena_copy(&arena, BYTES_NONE);
	assert_non_null(copy.at);
	assert_int_equal(copy.len, 0);
	arena_done(&arena);
}

static void test_printf(void **state)
{
	(void)state;
	struct arena arena;
	arena_init(&arena);
	struct bytes text = arena_printf(&arena, "%s %d", "n", 7);
	assert_true(bytes_equal(text, BYTES("n 7")));
	assert_int_equal(text.at[3], '\0');
	text = arena_printf(&arena, "%s", "");
	assert_non_null(text.at);
	assert_int_equal(text.len, 0);
	text = arena_printf(&arena, "%*d", 10000, 1);
	assert_int_equal(text.len, 10000);
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_pieces),
	    cmocka_unit_test(test_reset_keeps_one_block),
	    cmocka_unit_test(test_reset_wipes),
	    cmocka_unit_test(test_reset_gives_large_blocks_back),
	    cmocka_unit_test(test_refused_and_usable),
	    cmocka_unit_test(test_take_array),
	    cmocka_unit_test(test_copy),
	    cmocka_unit_test(test_printf),
	};
	return cmocka_run_group_tests_name("arena", tests, NULL, NULL) > 0;
}
