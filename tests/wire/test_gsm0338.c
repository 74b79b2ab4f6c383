/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "base/buf.h"
#include "wire/gsm0338.h"

#define TEXT_MAX 4096

/* A text of pieces: `a` times the first, then `b` times the second, and so on. */
struct row {
	const char *name;
	struct {
		size_t times;
		const char *text;
	} pieces[3];
	enum gsm0338_alphabet alphabet;
	size_t units, parts;
	const char *outsider;
};

#define GSM GSM0338_SEPTETS
#define UCS2 GSM0338_UTF16

static const struct row rows[] = {
    {"nothing", {{0, ""}}, GSM, 0, 1, NULL},
    {"a code", {{1, "482913 is your code."}}, GSM, 20, 1, NULL},
    {"160 septets", {{160, "a"}}, GSM, 160, 1, NULL},
    {"161 septets", {{161, "a"}}, GSM, 161, 2, NULL},
    {"306 septets", {{306, "a"}}, GSM, 306, 2, NULL},
    {"307 septets", {{307, "a"}}, GSM, 307, 3, NULL},
    {"the euro sign is two", {{80, "€"}}, GSM, 160, 1, NULL},
    {"81 euro signs", {{81, "€"}}, GSM, 162, 2, NULL},
    /* 152 + 2 would cut the escape from its character: the part ends before it. */
    {"an escape is not cut", {{152, "a"}, {1, "{"}, {152, "a"}}, GSM, 306, 3, NULL},
    {"an escape that fits", {{151, "a"}, {1, "{"}, {153, "a"}}, GSM, 306, 2, NULL},
    {"70 units", {{70, "я"}}, UCS2, 70, 1, "я"},
    {"71 units", {{71, "я"}}, UCS2, 71, 2, "я"},
    {"134 units", {{134, "я"}}, UCS2, 134, 2, "я"},
    {"135 units", {{135, "я"}}, UCS2, 135, 3, "я"},
    {"an emoji is two", {{35, "😀"}}, UCS2, 70, 1, "😀"},
    {"36 emoji", {{36, "😀"}}, UCS2, 72, 2, "😀"},
    {"a pair is not cut", {{66, "я"}, {1, "😀"}, {66, "я"}}, UCS2, 134, 3, "я"},
    {"a pair that fits", {{65, "я"}, {1, "😀"}, {67, "я"}}, UCS2, 134, 2, "я"},
    {"one dash turns all", {{100, "a"}, {1, "–"}, {59, "a"}}, UCS2, 160, 3, "–"},
    {"the backquote", {{1, "a`b"}}, UCS2, 3, 1, "`"},
    {"a small c with cedilla", {{1, "ç"}}, UCS2, 1, 1, "ç"},
    {"a capital one", {{1, "Ç"}}, GSM, 1, 1, NULL},
    {"what stands in WebOTP's line", {{1, "\n\n@example.com #482913"}}, GSM, 22, 1, NULL},
    {"all that is escaped", {{1, "^{}\\[~]|€\f"}}, GSM, 20, 1, NULL},
    {"Greek capitals that it has", {{1, "ΔΦΓΛΩΠΨΣΘΞ"}}, GSM, 10, 1, NULL},
    {"one that only looks Latin", {{1, "\xce\x91"}}, UCS2, 1, 1, "\xce\x91"},
    {"a tabulator", {{1, "a\tb"}}, UCS2, 3, 1, "\t"},
    {"the escape itself", {{1, "a\x1b"}}, UCS2, 2, 1, "\x1b"},
    {"no UTF-8", {{1, "a\xff"}}, UCS2, 2, 1, "\xff"},
    {"a cut character", {{1, "a\xe2\x82"}}, UCS2, 3, 1, "\xe2"},
    {"the last of the plane", {{1, "\xef\xbf\xbf"}}, UCS2, 1, 1, "\xef\xbf\xbf"},
    {"the first behind it", {{1, "\xf0\x90\x80\x80"}}, UCS2, 2, 1, "\xf0\x90\x80\x80"},
};

static size_t room_of(const struct row *row)
{
	if (row->alphabet == GSM)
		return row->parts == 1 ? 160 : row->parts * 153;
	return row->parts == 1 ? 70 : row->parts * 67;
}

static void sizes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char at[TEXT_MAX];
		struct buf text;
		buf_init_fixed(&text, at, sizeof(at));
		for (size_t piece = 0; piece < COUNT(rows[i].pieces); piece++)
			for (size_t n = 0; n < rows[i].pieces[piece].times; n++)
				buf_add_text(&text, rows[i].pieces[piece].text);
		struct gsm0338_size size;
		gsm0338_measure(buf_bytes(&text), &size);
		assert_row(rows[i].name, !text.failed);
		assert_row(rows[i].name, size.alphabet == rows[i].alphabet);
		assert_row(rows[i].name, size.units == rows[i].units);
		assert_row(rows[i].name, size.parts == rows[i].parts);
		assert_row(rows[i].name, gsm0338_room(&size) == room_of(&rows[i]));
		assert_row(rows[i].name, !size.outsider.at == !rows[i].outsider);
		assert_row(rows[i].name,
		           bytes_equal(size.outsider, bytes_from_text(rows[i].outsider)));
	}
}

/* Septets as printed beside their characters in TS 23.038, some of each column, all that differ
 * from ASCII where the same octet would mean something else. */
static const struct {
	const char *name;
	uint32_t point;
	unsigned char septets[2];
	size_t len;
} points[] = {
    {"@", U'@', {0x00}, 1},
    {"pound", U'£', {0x01}, 1},
    {"$", U'$', {0x02}, 1},
    {"line feed", U'\n', {0x0A}, 1},
    {"a ring", U'å', {0x0F}, 1},
    {"delta", U'Δ', {0x10}, 1},
    {"_", U'_', {0x11}, 1},
    {"xi", U'Ξ', {0x1A}, 1},
    {"E acute", U'É', {0x1F}, 1},
    {"space", U' ', {0x20}, 1},
    {"currency", U'¤', {0x24}, 1},
    {"?", U'?', {0x3F}, 1},
    {"inverted !", U'¡', {0x40}, 1},
    {"A", U'A', {0x41}, 1},
    {"section", U'§', {0x5F}, 1},
    {"inverted ?", U'¿', {0x60}, 1},
    {"z", U'z', {0x7A}, 1},
    {"a grave", U'à', {0x7F}, 1},
    {"^", U'^', {0x1B, 0x14}, 2},
    {"euro", U'€', {0x1B, 0x65}, 2},
    {"|", U'|', {0x1B, 0x40}, 2},
    {"form feed", U'\f', {0x1B, 0x0A}, 2},
    {"NUL", 0, {0}, 0},
    {"escape", 0x1B, {0}, 0},
    {"`", U'`', {0}, 0},
    {"beyond", 0x10FFFF, {0}, 0},
};

static void septets(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(points); i++) {
		unsigned char got[2] = {0};
		assert_row(points[i].name, gsm0338_encode(points[i].point, got) == points[i].len);
		assert_row(points[i].name, got[0] == points[i].septets[0]);
		assert_row(points[i].name, got[1] == points[i].septets[1]);
	}
}

/* 127 characters in one septet, 10 in two, no septets twice. */
static void every_septet_means_one_character(void **state)
{
	(void)state;
	size_t seen[2][128] = {{0}}, one = 0, two = 0;
	for (uint32_t point = 0; point <= 0xFFFF; point++) {
		unsigned char got[2] = {0};
		size_t len = gsm0338_encode(point, got);
		one += len == 1;
		two += len == 2;
		if (len)
			assert_int_equal(seen[len - 1][got[len - 1]]++, 0);
	}
	assert_int_equal(one, 127);
	assert_int_equal(two, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sizes),
	    cmocka_unit_test(septets),
	    cmocka_unit_test(every_septet_means_one_character),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
