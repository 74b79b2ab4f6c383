/* SPDX-License-Identifier: Apache-2.0 */
/* The writer: what it writes octet by octet, and that our reader reads it back. */
#include "cases.h"

#include "wire/json.h"
#include "wire/json_write.h"

struct text_row {
	const char *name;
	struct bytes in;
	const char *expected; /* between the quotes */
};

static const struct text_row texts[] = {
    {"empty", BYTES(""), ""},
    {"plain", BYTES("Ada +44 7700 900123"), "Ada +44 7700 900123"},
    {"quote and backslash", BYTES("\"\\"), "\\\"\\\\"},
    {"short escapes", BYTES("\b\f\n\r\t"), "\\b\\f\\n\\r\\t"},
    {"slash and apostrophe stay", BYTES("/'"), "/'"},
    {"NUL", BYTES("a\0b"), "a\\u0000b"},
    {"least and last control", BYTES("\x01\x1F"), "\\u0001\\u001f"},
    {"DEL", BYTES("\x7F"), "\\u007f"},
    {"what HTML reads", BYTES("</script>&"), "\\u003c/script\\u003e\\u0026"},
    {"what ends a JavaScript line", BYTES("\xE2\x80\xA8\xE2\x80\xA9"), "\\u2028\\u2029"},
    {"their neighbours", BYTES("\xE2\x80\xA7\xE2\x80\xAA"), "\xE2\x80\xA7\xE2\x80\xAA"},
    {"percent", BYTES("100%"), "100%"},
    {"2, 3 and 4 octets", BYTES("\xC3\xA9\xE2\x82\xAC\xF0\x9D\x84\x9E"),
     "\xC3\xA9\xE2\x82\xAC\xF0\x9D\x84\x9E"},
    {"bad octet",
     BYTES("a\xFF"
           "b"),
     "a\xEF\xBF\xBD"
     "b"},
    {"cut at the end", BYTES("\xE2\x82"), "\xEF\xBF\xBD\xEF\xBF\xBD"},
    {"cut by ASCII",
     BYTES("\xC3"
           "A"),
     "\xEF\xBF\xBD"
     "A"},
    {"surrogate", BYTES("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
    {"past U+10FFFF", BYTES("\xF4\x90\x80\x80"),
     "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
    {"bad, then good", BYTES("\xE2\xC3\xA9"), "\xEF\xBF\xBD\xC3\xA9"},
};

static void test_text(void **state)
{
	const struct text_row *row = ROW_OF(state, struct text_row);
	struct buf buf;
	struct json_writer writer;
	/* A block of exactly its size, so that reading past it is seen. */
	char *exact = malloc(row->in.len ? row->in.len : 1);
	assert_non_null(exact);
	memcpy(exact, row->in.at, row->in.len);
	buf_init(&buf, 0);
	json_writer_init(&writer, &buf);
	json_write_text(&writer, (struct bytes){exact, row->in.len});
	free(exact);
	assert_false(buf.failed);
	assert_true(buf.len >= 2 && buf.at[0] == '"' && buf.at[buf.len - 1] == '"');
	struct bytes inside = {buf.at + 1, buf.len - 2};
	assert_true(bytes_equal(inside, bytes_from_text(row->expected)));
	buf_done(&buf);
}

static void test_percent_escaped(void **state)
{
	(void)state;
	struct buf buf;
	struct json_writer writer;
	buf_init(&buf, 0);
	json_writer_init(&writer, &buf);
	writer.percent_escaped = true;
	json_write_object(&writer);
	json_write_text_member(&writer, "a%", BYTES("%41"));
	json_write_object_end(&writer);
	assert_true(bytes_equal(buf_bytes(&buf), BYTES("{\"a\\u0025\":\"\\u002541\"}")));
	buf_done(&buf);
}

static void test_commas(void **state)
{
	(void)state;
	struct buf buf;
	struct json_writer writer;
	buf_init(&buf, 0);
	json_writer_init(&writer, &buf);
	json_write_object(&writer);
	json_write_text_member(&writer, "a", BYTES("1"));
	json_write_name(&writer, "b");
	json_write_array(&writer);
	json_write_array(&writer);
	json_write_array_end(&writer);
	json_write_object(&writer);
	json_write_object_end(&writer);
	json_write_null(&writer);
	json_write_raw(&writer, BYTES("[1, 2]"));
	json_write_bool(&writer, true);
	json_write_array_end(&writer);
	json_write_name_bytes(&writer, BYTES("c"));
	json_write_object(&writer);
	json_write_bool_member(&writer, "d", false);
	json_write_i64_member(&writer, "e", -5);
	json_write_object_end(&writer);
	json_write_name(&writer, "f");
	json_write_null(&writer);
	json_write_object_end(&writer);
	assert_int_equal(writer.depth, 0);
	assert_true(
	    bytes_equal(buf_bytes(&buf), BYTES("{\"a\":\"1\",\"b\":[[],{},null,[1, 2],true],"
	                                       "\"c\":{\"d\":false,\"e\":-5},\"f\":null}")));
	buf_done(&buf);
}

static void test_integers(void **state)
{
	(void)state;
	struct buf buf;
	struct json_writer writer;
	buf_init(&buf, 0);
	json_writer_init(&writer, &buf);
	json_write_array(&writer);
	json_write_i64(&writer, 0);
	json_write_i64(&writer, INT64_MAX);
	json_write_i64(&writer, INT64_MIN);
	json_write_i64(&writer, -1);
	json_write_u64(&writer, UINT64_MAX);
	json_write_array_end(&writer);
	assert_true(
	    bytes_equal(buf_bytes(&buf), BYTES("[0,9223372036854775807,-9223372036854775808,-1,"
	                                       "18446744073709551615]")));
	buf_done(&buf);
}

/* A full buffer is remembered by the buffer; the writer goes on without harm. */
static void test_full_buffer(void **state)
{
	(void)state;
	struct buf buf;
	struct json_writer writer;
	static const char whole[] = "{\"abc\":\"def\"}";
	for (size_t max = 1; max <= sizeof(whole); max++) {
		buf_init(&buf, max);
		json_writer_init(&writer, &buf);
		json_write_object(&writer);
		json_write_text_member(&writer, "abc", BYTES("def"));
		json_write_object_end(&writer);
		assert_int_equal(buf.failed, max < sizeof(whole) - 1);
		buf_done(&buf);
	}
}

/* Whatever UTF-8 goes in comes out of our reader again. */
static void test_every_character_comes_back(void **state)
{
	(void)state;
	struct buf buf;
	struct arena arena;
	buf_init(&buf, 0);
	arena_init(&arena);
	static const struct json_options options = {.depth_max = 1};
	for (unsigned point = 0; point < 0x11000; point++) {
		char utf8[4];
		size_t len = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
		static const unsigned leads[] = {0, 0, 0xC0, 0xE0, 0xF0};
		if (point >= 0xD800 && point <= 0xDFFF)
			continue;
		unsigned rest = point;
		for (size_t i = len; i-- > 1; rest >>= 6)
			utf8[i] = (char)(0x80 | (rest & 0x3F));
		utf8[0] = (char)(leads[len] | rest);

		struct json_writer writer;
		struct json_reader reader;
		struct json_token token;
		struct bytes text;
		buf_clear(&buf);
		json_writer_init(&writer, &buf);
		json_write_text(&writer, (struct bytes){utf8, len});
		json_reader_init(&reader, buf_bytes(&buf), &options);
		assert_int_equal(json_next(&reader, &token), OK);
		assert_int_equal(json_text_decode(&token, &arena, &text), OK);
		assert_true(bytes_equal(text, (struct bytes){utf8, len}));
		arena_reset(&arena);
	}
	arena_done(&arena);
	buf_done(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_percent_escaped),
	    cmocka_unit_test(test_commas),
	    cmocka_unit_test(test_integers),
	    cmocka_unit_test(test_full_buffer),
	    cmocka_unit_test(test_every_character_comes_back),
	};
	static struct cases cases;
	CASES_ADD(&cases, tests);
	CASES_ADD_ROWS(&cases, "text", texts, test_text);
	return cases_run("json_write", &cases);
}
