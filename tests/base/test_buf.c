/* SPDX-License-Identifier: Apache-2.0 */
#include "cases.h"

#include "base/buf.h"

static void test_everything_is_appended(void **state)
{
	(void)state;
	struct buf buf;
	buf_init(&buf, 0);
	buf_add(&buf, BYTES("a\0b"));
	buf_add(&buf, BYTES_NONE);
	buf_add_text(&buf, "-text-");
	buf_add_text(&buf, NULL);
	buf_add_char(&buf, '\xFF');
	buf_add_u64(&buf, 0);
	buf_add_char(&buf, ' ');
	buf_add_u64(&buf, UINT64_MAX);
	buf_printf(&buf, " %s=%d", "n", -7);
	assert_false(buf.failed);
	assert_true(bytes_equal(buf_bytes(&buf), BYTES("a\0b-text-\xFF"
	                                               "0 18446744073709551615 n=-7")));
	buf_done(&buf);
	assert_null(buf.at);
	assert_int_equal(buf.len, 0);
}

static void test_it_grows(void **state)
{
	(void)state;
	struct buf buf;
	buf_init(&buf, 0);
	for (unsigned i = 0; i < 100000; i++)
		buf_add_char(&buf, (char)i);
	assert_int_equal(buf.len, 100000);
	for (unsigned i = 0; i < 100000; i++)
		assert_int_equal(buf.at[i], (char)i);
	buf_done(&buf);
}

static void test_max_at_its_edge(void **state)
{
	(void)state;
	struct buf buf;
	buf_init(&buf, 10);
	buf_add_text(&buf, "0123456789");
	assert_false(buf.failed);
	assert_int_equal(buf.len, 10);
	buf_add_text(&buf, "");
	assert_false(buf.failed);
	buf_add_char(&buf, 'x');
	assert_true(buf.failed);
	assert_int_equal(buf.len, 10);
	/* What follows is ignored, though it would fit. */
	buf_consume(&buf, 5);
	buf_add_char(&buf, 'x');
	assert_true(bytes_equal(buf_bytes(&buf), BYTES("56789")));
	buf_clear(&buf);
	assert_false(buf.failed);
	buf_add_text(&buf, "0123456789x");
	assert_true(buf.failed);
	assert_int_equal(buf.len, 0);
	buf_done(&buf);
}

/* printf's NUL is not counted. */
static void test_printf_max_at_its_edge(void **state)
{
	(void)state;
	struct buf buf;
	buf_init(&buf, 10);
	buf_printf(&buf, "%s", "0123456789");
	assert_false(buf.failed);
	assert_true(bytes_equal(buf_bytes(&buf), BYTES("0123456789")));
	buf_printf(&buf, "%s", "");
	assert_false(buf.failed);
	buf_printf(&buf, "%c", 'x');
	assert_true(buf.failed);
	assert_int_equal(buf.len, 10);
	buf_clear(&buf);
	buf_printf(&buf, "%s", "0123456789x");
	assert_true(buf.failed);
	assert_int_equal(buf.len, 0);
	buf_done(&buf);
}

/* printf's NUL has room, wherever the text ends; the sanitizers would see it. */
static void test_printf_fills_what_was_taken(void **state)
{
	(void)state;
	for (int before = 0; before < 600; before++) {
		struct buf buf;
		buf_init(&buf, 0);
		for (int i = 0; i < before; i++)
			buf_add_char(&buf, 'x');
		for (int len = 250; len < 260; len++)
			buf_printf(&buf, "%*d", len, 7);
		assert_false(buf.failed);
		assert_int_equal(buf.len, before + 2545);
		buf_done(&buf);
	}
}

static void test_reserve(void **state)
{
	(void)state;
	struct buf buf;
	buf_init(&buf, 100);
	char *at = buf_reserve(&buf, 100);
	assert_non_null(at);
	assert_int_equal(buf.len, 0);
	memset(at, 'r', 100);
	buf.len += 100;
	assert_null(buf_reserve(&buf, 1));
	assert_true(buf.failed);
	buf_clear(&buf);
	assert_null(buf_reserve(&buf, SIZE_MAX));
	buf_clear(&buf);
	buf_add_char(&buf, 'a');
	assert_null(buf_reserve(&buf, SIZE_MAX));
	assert_true(buf.failed);
	buf_done(&buf);
}

static void test_more_than_there_is(void **state)
{
	(void)state;
	struct buf buf;
	buf_init(&buf, 0);
	buf_add_text(&buf, "kept");
	assert_null(buf_reserve(&buf, SIZE_MAX / 4));
	assert_true(buf.failed);
	assert_true(bytes_equal(buf_bytes(&buf), BYTES("kept")));
	buf_done(&buf);
}

static void test_consume(void **state)
{
	(void)state;
	struct buf buf;
	buf_init(&buf, 0);
	buf_consume(&buf, 1);
	buf_add_text(&buf, "abcdef");
	buf_consume(&buf, 0);
	buf_consume(&buf, 2);
	assert_true(bytes_equal(buf_bytes(&buf), BYTES("cdef")));
	buf_add_text(&buf, "g");
	assert_true(bytes_equal(buf_bytes(&buf), BYTES("cdefg")));
	buf_consume(&buf, 6);
	assert_int_equal(buf.len, 0);
	buf_add_text(&buf, "h");
	assert_true(bytes_equal(buf_bytes(&buf), BYTES("h")));
	buf_done(&buf);
	buf_done(&buf);
}

static void test_fixed_memory_is_not_outgrown(void **state)
{
	(void)state;
	char memory[8];
	struct buf buf;
	buf_init_fixed(&buf, memory, sizeof(memory));
	buf_add_text(&buf, "1234567");
	assert_false(buf.failed);
	assert_ptr_equal(buf.at, memory);
	assert_true(bytes_equal(buf_bytes(&buf), BYTES("1234567")));
	buf_add_char(&buf, '8');
	assert_true(buf.failed);
	assert_ptr_equal(buf.at, memory);
	assert_true(bytes_equal(buf_bytes(&buf), BYTES("1234567")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_everything_is_appended),
	    cmocka_unit_test(test_it_grows),
	    cmocka_unit_test(test_max_at_its_edge),
	    cmocka_unit_test(test_printf_max_at_its_edge),
	    cmocka_unit_test(test_printf_fills_what_was_taken),
	    cmocka_unit_test(test_reserve),
	    cmocka_unit_test(test_more_than_there_is),
	    cmocka_unit_test(test_consume),
	    cmocka_unit_test(test_fixed_memory_is_not_outgrown),
	};
	return cmocka_run_group_tests_name("buf", tests, NULL, NULL) > 0;
}
