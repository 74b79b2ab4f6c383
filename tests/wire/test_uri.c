/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "wire/uri.h"

#define B(text)                                                                                    \
	{                                                                                          \
		"" text, sizeof(text) - 1                                                          \
	}
#define NONE                                                                                       \
	{                                                                                          \
		NULL, 0                                                                            \
	}

struct row {
	const char *name;
	struct bytes in;
	struct bytes segment; /* absent: refused */
	struct bytes form;
};

static const struct row rows[] = {
    {"empty", B(""), B(""), B("")},
    {"plain", B("abc-._~!$&'()*,;=:@"), B("abc-._~!$&'()*,;=:@"), B("abc-._~!$&'()*,;=:@")},
    {"plus", B("a+b"), B("a+b"), B("a b")},
    {"escaped plus", B("a%2Bb%2bc"), B("a+b+c"), B("a+b+c")},
    {"slash", B("a%2Fb"), B("a/b"), B("a/b")},
    {"UTF-8", B("%C3%a4"), B("\xc3\xa4"), B("\xc3\xa4")},
    {"any octet", B("%ff%01"), B("\xff\x01"), B("\xff\x01")},
    {"decoded once", B("%2541"), B("%41"), B("%41")},
    {"percent alone", B("%"), NONE, NONE},
    {"one digit", B("%4"), NONE, NONE},
    {"one digit, then more", B("%4%41"), NONE, NONE},
    {"no digits", B("%zz"), NONE, NONE},
    {"second is no digit", B("%4z"), NONE, NONE},
    {"space for a digit", B("% 4"), NONE, NONE},
    {"escaped NUL", B("a%00b"), NONE, NONE},
    {"NUL", B("a\0b"), NONE, NONE},
    {"dot", B("."), NONE, B(".")},
    {"dots", B(".."), NONE, B("..")},
    {"escaped dots", B("%2e%2E"), NONE, B("..")},
    {"half escaped dots", B(".%2e"), NONE, B("..")},
    {"three dots", B("..."), B("..."), B("...")},
};

static bool is(enum err err, struct bytes got, struct bytes want)
{
	return want.at ? err == OK && got.at && bytes_equal(got, want) : err == ERR_MALFORMED;
}

static void escapes(void **state)
{
	(void)state;
	struct arena arena;
	arena_init(&arena);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bytes got = BYTES_NONE;
		enum err err = uri_decode_segment(rows[i].in, &arena, &got);
		assert_row(rows[i].name, is(err, got, rows[i].segment));
		err = uri_decode_form(rows[i].in, &arena, &got);
		assert_row(rows[i].name, is(err, got, rows[i].form));
	}
	arena_done(&arena);
}

static void what_holds_no_escape_is_not_copied(void **state)
{
	(void)state;
	struct bytes in = BYTES("plain"), got;
	assert_int_equal(uri_decode_segment(in, NULL, &got), OK);
	assert_ptr_equal(got.at, in.at);
	assert_int_equal(uri_decode_form(BYTES_NONE, NULL, &got), OK);
	assert_non_null(got.at);
}

static void pairs_come_one_by_one(void **state)
{
	(void)state;
	static const struct {
		const char *name, *value;
	} want[] = {{"a", "1"}, {"b", NULL}, {"c", ""}, {"", "d"}, {"e", "f=g"}, {"a", "2"}};
	struct bytes rest = BYTES("a=1&b&&c=&=d&e=f=g&a=2&"), name, value;
	for (size_t i = 0; i < COUNT(want); i++) {
		assert_true(uri_pair_next(&rest, &name, &value));
		assert_true(bytes_equal(name, bytes_from_text(want[i].name)));
		assert_int_equal(value.at == NULL, want[i].value == NULL);
		assert_true(bytes_equal(value, bytes_from_text(want[i].value)));
	}
	assert_false(uri_pair_next(&rest, &name, &value));
	rest = BYTES_NONE;
	assert_false(uri_pair_next(&rest, &name, &value));
}

static void pairs_are_found_decoded(void **state)
{
	(void)state;
	struct arena arena;
	arena_init(&arena);
	struct bytes pairs = BYTES("x=%41+b&%77ait=30&x=2&y&bad=%"), got;
	assert_int_equal(uri_pair_find(pairs, BYTES("x"), &arena, &got), OK);
	assert_true(bytes_equal(got, BYTES("A b")));
	assert_int_equal(uri_pair_find(pairs, BYTES("wait"), &arena, &got), OK);
	assert_true(bytes_equal(got, BYTES("30")));
	assert_int_equal(uri_pair_find(pairs, BYTES("y"), &arena, &got), OK);
	assert_true(got.at && got.len == 0);
	assert_int_equal(uri_pair_find(pairs, BYTES("none"), &arena, &got), OK);
	assert_null(got.at);
	assert_int_equal(uri_pair_find(pairs, BYTES("bad"), &arena, &got), ERR_MALFORMED);
	assert_int_equal(uri_pair_find(BYTES("%zz=1&a=2"), BYTES("a"), &arena, &got),
	                 ERR_MALFORMED);
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(escapes),
	    cmocka_unit_test(what_holds_no_escape_is_not_copied),
	    cmocka_unit_test(pairs_come_one_by_one),
	    cmocka_unit_test(pairs_are_found_decoded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
