/* SPDX-License-Identifier: Apache-2.0 */
#include "core/message.h"

#include "support/engine.h"

#define EMOJI "\xf0\x9f\x94\x91" /* U+1F511 KEY */

static const struct fill_row {
	const char *name;
	struct bytes template;
	struct bytes code;
	int64_t life_left_ms;
	const char *text;
	bool has_code;
} fill_rows[] = {
    {"code", BYTES("{{code}}"), BYTES("048213"), 1, "048213", true},
    {"amid text", BYTES("a {{code}} b"), BYTES("048213"), 1, "a 048213 b", true},
    {"twice", BYTES("{{code}}{{code}}"), BYTES("12"), 1, "1212", true},
    {"minutes", BYTES("{{validMinutes}}"), BYTES("12"), 600000, "10", false},
    {"both", BYTES("{{validMinutes}}:{{code}}"), BYTES("12"), 600000, "10:12", true},
    {"nothing", BYTES(""), BYTES("12"), 1, "", false},
    {"not given", BYTES_NONE, BYTES("12"), 1, "", false},
    {"no names", BYTES("plain"), BYTES("12"), 1, "plain", false},
    /* one pass */
    {"a name inside the code", BYTES("[{{code}}]"), BYTES("{{code}}"), 1, "[{{code}}]", true},
    {"another name inside it", BYTES("{{code}}"), BYTES("{{validMinutes}}"), 1, "{{validMinutes}}",
     true},
    {"a name put together", BYTES("{{co{{code}}}}"), BYTES("de"), 1, "{{code}}", true},
    {"begun by the code", BYTES("{{code}}code}}"), BYTES("{{"), 1, "{{code}}", true},
    {"begun before the code", BYTES("{{{code}}de}}"), BYTES("{co"), 1, "{{code}}", true},
    /* other braces stay */
    {"three braces", BYTES("{{{code}}}"), BYTES("12"), 1, "{12}", true},
    {"four braces", BYTES("{{{{code}}}}"), BYTES("12"), 1, "{{12}}", true},
    {"one brace", BYTES("{code}"), BYTES("12"), 1, "{code}", false},
    {"unclosed", BYTES("{{code}"), BYTES("12"), 1, "{{code}", false},
    {"unclosed at the end", BYTES("{{code}} {{code"), BYTES("12"), 1, "12 {{code", true},
    {"only opened", BYTES("{{"), BYTES("12"), 1, "{{", false},
    {"a brace at the end", BYTES("x{"), BYTES("12"), 1, "x{", false},
    {"only closed", BYTES("}}"), BYTES("12"), 1, "}}", false},
    {"other name", BYTES("{{name}}"), BYTES("12"), 1, "{{name}}", false},
    {"case", BYTES("{{Code}} {{CODE}}"), BYTES("12"), 1, "{{Code}} {{CODE}}", false},
    {"case of minutes", BYTES("{{validminutes}}"), BYTES("12"), 1, "{{validminutes}}", false},
    {"inner spaces", BYTES("{{ code }}"), BYTES("12"), 1, "{{ code }}", false},
    {"longer name", BYTES("{{codes}}"), BYTES("12"), 1, "{{codes}}", false},
    {"empty name", BYTES("{{}}"), BYTES("12"), 1, "{{}}", false},
    {"any Unicode", BYTES(EMOJI "{{code}}" EMOJI), BYTES("12"), 1, EMOJI "12" EMOJI, true},
    {"an empty code", BYTES("<{{code}}>"), BYTES(""), 1, "<>", true},
    {"code after a brace", BYTES("{ {{code}}"), BYTES("12"), 1, "{ 12", true},
    /* minutes: rounded up, at least 1 */
    {"none left", BYTES("{{validMinutes}}"), BYTES(""), 0, "1", false},
    {"less than none", BYTES("{{validMinutes}}"), BYTES(""), -1, "1", false},
    {"long over", BYTES("{{validMinutes}}"), BYTES(""), INT64_MIN, "1", false},
    {"1 ms", BYTES("{{validMinutes}}"), BYTES(""), 1, "1", false},
    {"59,999 ms", BYTES("{{validMinutes}}"), BYTES(""), 59999, "1", false},
    {"60,000 ms", BYTES("{{validMinutes}}"), BYTES(""), 60000, "1", false},
    {"60,001 ms", BYTES("{{validMinutes}}"), BYTES(""), 60001, "2", false},
    {"120,000 ms", BYTES("{{validMinutes}}"), BYTES(""), 120000, "2", false},
    {"120,001 ms", BYTES("{{validMinutes}}"), BYTES(""), 120001, "3", false},
    {"a day", BYTES("{{validMinutes}}"), BYTES(""), 86400000, "1440", false},
    {"for ever", BYTES("{{validMinutes}}"), BYTES(""), INT64_MAX, "153722867280913", false},
};

static void templates_are_filled_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(fill_rows); i++) {
		const struct fill_row *row = &fill_rows[i];
		struct buf text;
		buf_init(&text, 0);
		message_fill(row->template, row->code, row->life_left_ms, &text);
		assert_false(text.failed);
		if (!bytes_equal(buf_bytes(&text), bytes_from_text(row->text)))
			fail_msg("%s: '%.*s'", row->name, (int)text.len, text.at);
		if (message_has_code(row->template) != row->has_code)
			fail_msg("%s: has_code", row->name);
		buf_done(&text);
	}
}

static void filling_adds_to_what_is_there_and_keeps_nul(void **state)
{
	(void)state;
	struct buf text;
	buf_init(&text, 0);
	buf_add_text(&text, "> ");
	message_fill(BYTES("a\0{{code}}"), BYTES("12"), 1, &text);
	assert_int_equal(text.len, 6);
	assert_memory_equal(text.at,
	                    "> a\0"
	                    "12",
	                    6);
	buf_done(&text);
}

/* No text grows without bound: the buffer's limit holds, and is told. */
static void filling_stops_at_the_buffers_limit(void **state)
{
	(void)state;
	struct buf text;
	buf_init(&text, 8);
	message_fill(BYTES("{{code}}{{code}}"), BYTES("12345"), 1, &text);
	assert_true(text.failed);
	buf_done(&text);
}

static const struct {
	const char *name;
	struct bytes text;
	size_t units;
} unit_rows[] = {
    {"empty", BYTES(""), 0},
    {"not given", BYTES_NONE, 0},
    {"ASCII", BYTES("abc"), 3},
    {"NUL", BYTES("a\0b"), 3},
    {"the last of one octet", BYTES("\x7f"), 1},
    {"the first of two", BYTES("\xc2\x80"), 1},
    {"the last of two", BYTES("\xdf\xbf"), 1},
    {"the first of three", BYTES("\xe0\xa0\x80"), 1},
    {"the last of three", BYTES("\xef\xbf\xbf"), 1},
    {"the first of four", BYTES("\xf0\x90\x80\x80"), 2},
    {"the last of four", BYTES("\xf4\x8f\xbf\xbf"), 2},
    {"emoji", BYTES(EMOJI), 2},
    {"thumb and skin", BYTES("\xf0\x9f\x91\x8d\xf0\x9f\x8f\xbd"), 4},
    {"family: four and three joiners",
     BYTES("\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7"
           "\xe2\x80\x8d\xf0\x9f\x91\xa6"),
     11},
    {"e and an accent", BYTES("e\xcc\x81"), 2},
    {"mixed",
     BYTES("Gr\xc3\xbc\xc3\x9f"
           "e " EMOJI),
     8},
};

static void units_are_those_of_utf16(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(unit_rows); i++) {
		size_t units = message_utf16_units(unit_rows[i].text);
		if (units != unit_rows[i].units)
			fail_msg("%s: %zu", unit_rows[i].name, units);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(templates_are_filled_once),
	    cmocka_unit_test(filling_adds_to_what_is_there_and_keeps_nul),
	    cmocka_unit_test(filling_stops_at_the_buffers_limit),
	    cmocka_unit_test(units_are_those_of_utf16),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
