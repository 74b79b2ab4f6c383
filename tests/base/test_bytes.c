/* SPDX-License-Identifier: Apache-2.0 */
#include "cases.h"

#include "base/bytes.h"

static void test_equal(void **state)
{
	(void)state;
	assert_true(bytes_equal(BYTES("a\0b"), BYTES("a\0b")));
	assert_false(bytes_equal(BYTES("a\0b"), BYTES("a\0c")));
	assert_false(bytes_equal(BYTES("a"), BYTES("ab")));
	assert_true(bytes_equal(BYTES_NONE, BYTES("")));
	assert_true(bytes_equal(BYTES_NONE, BYTES_NONE));
	assert_false(bytes_equal(BYTES("a"), BYTES("A")));
}

static void test_equal_fold(void **state)
{
	(void)state;
	assert_true(bytes_equal_fold(BYTES("WebApi-09"), BYTES("wEBaPI-09")));
	assert_true(bytes_equal_fold(BYTES_NONE, BYTES("")));
	assert_false(bytes_equal_fold(BYTES("ab"), BYTES("abc")));
	/* Neighbours of the letters, and what is beyond ASCII, do not fold. */
	assert_false(bytes_equal_fold(BYTES("@"), BYTES("`")));
	assert_false(bytes_equal_fold(BYTES("["), BYTES("{")));
	assert_false(bytes_equal_fold(BYTES("\xC3\x89"), BYTES("\xC3\xA9")));
}

static void test_from_and_first(void **state)
{
	(void)state;
	struct bytes in = BYTES("abcd");
	assert_true(bytes_equal(bytes_from(in, 0), in));
	assert_true(bytes_equal(bytes_from(in, 1), BYTES("bcd")));
	assert_int_equal(bytes_from(in, 4).len, 0);
	assert_ptr_equal(bytes_from(in, 4).at, in.at + 4);
	assert_int_equal(bytes_from(in, 5).len, 0);
	assert_int_equal(bytes_from(in, SIZE_MAX).len, 0);
	assert_true(bytes_equal(bytes_first(in, 2), BYTES("ab")));
	assert_true(bytes_equal(bytes_first(in, 4), in));
	assert_true(bytes_equal(bytes_first(in, SIZE_MAX), in));
	assert_null(bytes_from(BYTES_NONE, 0).at);
	assert_null(bytes_from(BYTES_NONE, 3).at);
	assert_int_equal(bytes_from(BYTES_NONE, 3).len, 0);
}

static void test_from_text(void **state)
{
	(void)state;
	assert_null(bytes_from_text(NULL).at);
	assert_int_equal(bytes_from_text(NULL).len, 0);
	assert_non_null(bytes_from_text("").at);
	assert_int_equal(bytes_from_text("abc").len, 3);
}

static void test_start_with(void **state)
{
	(void)state;
	assert_true(bytes_start_with(BYTES("abc"), BYTES("ab")));
	assert_true(bytes_start_with(BYTES("abc"), BYTES("abc")));
	assert_true(bytes_start_with(BYTES("abc"), BYTES("")));
	assert_true(bytes_start_with(BYTES_NONE, BYTES_NONE));
	assert_false(bytes_start_with(BYTES("ab"), BYTES("abc")));
	assert_false(bytes_start_with(BYTES("abc"), BYTES("b")));
	assert_false(bytes_start_with(BYTES_NONE, BYTES("a")));
}

static void test_find(void **state)
{
	(void)state;
	assert_int_equal(bytes_find(BYTES("a:b:c"), ':'), 1);
	assert_int_equal(bytes_find(BYTES("abc"), ':'), 3);
	assert_int_equal(bytes_find(BYTES("a\0b"), '\0'), 1);
	assert_int_equal(bytes_find(BYTES("ab"), '\0'), 2);
	assert_int_equal(bytes_find(BYTES("\xFF"), '\xFF'), 0);
	assert_int_equal(bytes_find(BYTES_NONE, ':'), 0);
}

static void test_trim(void **state)
{
	(void)state;
	assert_true(bytes_equal(bytes_trim(BYTES(" \t a b \t")), BYTES("a b")));
	assert_int_equal(bytes_trim(BYTES(" \t ")).len, 0);
	assert_int_equal(bytes_trim(BYTES("")).len, 0);
	assert_int_equal(bytes_trim(BYTES_NONE).len, 0);
	assert_true(bytes_equal(bytes_trim(BYTES("\r\na\n")), BYTES("\r\na\n")));
}

static void test_ascii(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		static const char hex[] = "0123456789abcdef0123456789ABCDEF";
		const char *at = c ? strchr(hex, c) : NULL;
		assert_int_equal(ascii_hex_value((char)c), at ? (at - hex) % 16 : -1);
		assert_int_equal(ascii_is_digit((char)c), c >= '0' && c <= '9');
		assert_int_equal(ascii_lower((char)c), (char)(c >= 'A' && c <= 'Z' ? c + 32 : c));
	}
}

struct utf8_row {
	const char *name;
	struct bytes in;
	bool ok;
};

static const struct utf8_row utf8_rows[] = {
    {"nothing", BYTES(""), true},
    {"ASCII and NUL", BYTES("a\0z\x7F"), true},
    {"2 octets, least", BYTES("\xC2\x80"), true},
    {"2 octets, most", BYTES("\xDF\xBF"), true},
    {"3 octets, least", BYTES("\xE0\xA0\x80"), true},
    {"3 octets, most", BYTES("\xEF\xBF\xBF"), true},
    {"before the surrogates", BYTES("\xED\x9F\xBF"), true},
    {"after the surrogates", BYTES("\xEE\x80\x80"), true},
    {"4 octets, least", BYTES("\xF0\x90\x80\x80"), true},
    {"4 octets, most", BYTES("\xF4\x8F\xBF\xBF"), true},
    {"several", BYTES("a\xC3\xA9\xE2\x82\xAC\xF0\x9D\x84\x9Ez"), true},
    {"continuation alone", BYTES("\x80"), false},
    {"continuation, last, alone", BYTES("\xBF"), false},
    {"continuation too many", BYTES("\xC3\xA9\xA9"), false},
    {"overlong 2, C0", BYTES("\xC0\x80"), false},
    {"overlong 2, C1", BYTES("\xC1\xBF"), false},
    {"overlong 3", BYTES("\xE0\x9F\xBF"), false},
    {"overlong 4", BYTES("\xF0\x8F\xBF\xBF"), false},
    {"first surrogate", BYTES("\xED\xA0\x80"), false},
    {"last surrogate", BYTES("\xED\xBF\xBF"), false},
    {"past U+10FFFF", BYTES("\xF4\x90\x80\x80"), false},
    {"F5", BYTES("\xF5\x80\x80\x80"), false},
    {"FE", BYTES("\xFE"), false},
    {"FF", BYTES("\xFF"), false},
    {"2 cut", BYTES("\xC3"), false},
    {"3 cut after 1", BYTES("\xE2"), false},
    {"3 cut after 2", BYTES("\xE2\x82"), false},
    {"4 cut after 3", BYTES("\xF0\x9D\x84"), false},
    {"3 cut by ASCII", BYTES("\xE2\x82z"), false},
    {"2 cut by a lead", BYTES("\xC3\xC3\xA9"), false},
    {"bad second of 3", BYTES("\xE2\xC2\x80"), false},
    {"bad fourth of 4", BYTES("\xF0\x9D\x84\xC0"), false},
};

static void test_utf8(void **state)
{
	const struct utf8_row *row = ROW_OF(state, struct utf8_row);
	assert_int_equal(bytes_are_utf8(row->in), row->ok);
}

/* Every character there is, and no two octets but those that make one. */
static void test_utf8_all(void **state)
{
	(void)state;
	unsigned pairs = 0;
	for (unsigned i = 0; i < 65536; i++) {
		char octets[2] = {(char)(i >> 8), (char)i};
		if ((i >> 8) >= 0x80)
			pairs += bytes_are_utf8((struct bytes){octets, 2});
	}
	assert_int_equal(pairs, 0x800 - 0x80);
	unsigned triples = 0;
	for (unsigned i = 0xE00000; i < 0xF00000; i++) {
		char octets[3] = {(char)(i >> 16), (char)(i >> 8), (char)i};
		triples += bytes_are_utf8((struct bytes){octets, 3});
	}
	assert_int_equal(triples, 0x10000 - 0x800 - 0x800);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_equal),          cmocka_unit_test(test_equal_fold),
	    cmocka_unit_test(test_from_and_first), cmocka_unit_test(test_from_text),
	    cmocka_unit_test(test_start_with),     cmocka_unit_test(test_find),
	    cmocka_unit_test(test_trim),           cmocka_unit_test(test_ascii),
	    cmocka_unit_test(test_utf8_all),
	};
	static struct cases cases;
	CASES_ADD(&cases, tests);
	CASES_ADD_ROWS(&cases, "utf8", utf8_rows, test_utf8);
	return cases_run("bytes", &cases);
}
