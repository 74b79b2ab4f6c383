/* SPDX-License-Identifier: Apache-2.0 */
/* The pull reader: json_rows.def, each row also cut at every octet; what the options open; and
 * jansson as a second opinion on made-up documents. */
#include "wire/json.h"

#include "cases.h"

#include <jansson.h>

static const struct json_options strict = {.depth_max = 32};
static const struct json_options lenient = {.depth_max = 32, .lenient = true};

/* Reads `in` from a block of exactly its size, so that reading past it is seen. */
static enum err read_all(struct bytes in, const struct json_options *options)
{
	struct json_reader reader;
	struct json_token token = {0};
	char *exact = malloc(in.len ? in.len : 1);
	assert_non_null(exact);
	if (in.len)
		memcpy(exact, in.at, in.len);
	json_reader_init(&reader, (struct bytes){exact, in.len}, options);
	enum err err;
	do {
		err = json_next(&reader, &token);
		assert_true(err || token.raw.at || token.type == JSON_TOKEN_END);
		if (!err && token.type != JSON_TOKEN_END && strchr("{}[]", token.raw.at[0]) &&
		    token.type <= JSON_TOKEN_ARRAY_END)
			assert_int_equal(token.raw.len, 1);
		assert_true(reader.at <= in.len);
	} while (!err && token.type != JSON_TOKEN_END);
	/* What was said stays said. */
	assert_int_equal(json_next(&reader, &token), err);
	if (err) {
		assert_non_null(reader.why);
		assert_true(reader.why_at <= in.len);
	}
	free(exact);
	return err;
}

enum verdict { ACCEPTED, REFUSED, NO_OPINION };

/* jansson's opinion; it has none on numbers out of its range and NUL in names. */
static enum verdict second_opinion(struct bytes in, json_t **ret)
{
	json_error_t error;
	json_t *json =
	    json_loadb(in.at ? in.at : "", in.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
	if (ret)
		*ret = json;
	else
		json_decref(json);
	if (json)
		return ACCEPTED;
	enum json_error_code code = json_error_code(&error);
	bool none = code == json_error_numeric_overflow || code == json_error_null_byte_in_key ||
	            code == json_error_stack_overflow;
	return none ? NO_OPINION : REFUSED;
}

struct document {
	const char *name;
	struct bytes in;
	bool strict_ok, lenient_ok;
};

#define Y(name, text) {name, BYTES(text), true, true},
#define N(name, text) {name, BYTES(text), false, false},
#define L(name, text) {name, BYTES(text), false, true},
#define I(name, ok, text) {name, BYTES(text), ok, ok},
static const struct document documents[] = {
#include "json_rows.def"
};
#undef Y
#undef N
#undef L
#undef I

static void test_document(void **state)
{
	const struct document *row = ROW_OF(state, struct document);
	assert_int_equal(read_all(row->in, &strict), row->strict_ok ? OK : ERR_MALFORMED);
	assert_int_equal(read_all(row->in, &lenient), row->lenient_ok ? OK : ERR_MALFORMED);
	for (size_t len = 0; len < row->in.len; len++) {
		struct bytes cut = bytes_first(row->in, len);
		enum verdict verdict = second_opinion(cut, NULL);
		enum err err = read_all(cut, &strict);
		if (verdict != NO_OPINION && (err == OK) != (verdict == ACCEPTED))
			fail_msg("cut at %zu: err %d, jansson %d", len, err, verdict);
		(void)!read_all(cut, &lenient);
	}
}

/* The tokens as one line: brackets as they are, N and T with the decoded text, # for a number. */
static const char *trace(struct bytes in, const struct json_options *options, char *line,
                         size_t size)
{
	struct json_reader reader;
	struct json_token token;
	struct arena arena;
	size_t len = 0;
	line[0] = '\0';
	arena_init(&arena);
	json_reader_init(&reader, in, options);
	for (;;) {
		if (json_next(&reader, &token)) {
			(void)snprintf(line + len, size - len, "!%zu %s", reader.why_at,
			               reader.why);
			break;
		}
		static const char letters[] = "{}[]NT#tfn$";
		struct bytes text = BYTES_NONE;
		if (token.type == JSON_TOKEN_NAME || token.type == JSON_TOKEN_TEXT)
			assert_int_equal(json_text_decode(&token, &arena, &text), OK);
		if (token.type == JSON_TOKEN_NUMBER)
			text = token.raw;
		len += (size_t)snprintf(line + len, size - len, "%c%.*s ", letters[token.type],
		                        (int)text.len, text.at ? text.at : "");
		assert_true(len < size);
		if (token.type == JSON_TOKEN_END)
			break;
	}
	arena_done(&arena);
	return line;
}

struct traced {
	const char *name;
	struct bytes in;
	const char *expected;
};

static const struct traced strict_traces[] = {
    {"scalars", BYTES("[1,true,false,null,\"x\"]"), "[ #1 t f n Tx ] $ "},
    {"nested", BYTES("{\"a\":{\"b\":[{}]},\"c\":-1.5e3}"), "{ Na { Nb [ { } ] } Nc #-1.5e3 } $ "},
    {"NUL where a value must stand", BYTES("[\0]"), "[ !1 not a value"},
    {"NUL where a name must stand", BYTES("{\0}"), "{ !1 not a name"},
    {"NUL where a comma must stand", BYTES("[1\0]"), "[ #1 !2 a comma must stand here"},
    {"empty text", BYTES("{\"\":\"\"}"), "{ N T } $ "},
    {"escapes", BYTES("\"\\\"\\\\\\/ \\u0041\\u00e9\\u20AC\\ud834\\udd1e\""),
     "T\"\\/ A\xC3\xA9\xE2\x82\xAC\xF0\x9D\x84\x9E $ "},
    {"escaped name", BYTES("{\"\\u0074\\u006f\":1}"), "{ Nto #1 } $ "},
    {"refused: offset of a word", BYTES("[1, nil]"), "[ #1 !4 not a value"},
    {"refused: unfinished", BYTES("[1,"), "[ #1 !3 unfinished"},
    {"refused: unfinished object", BYTES("{"), "{ !1 unfinished"},
    {"refused: comma", BYTES("[1 2]"), "[ #1 !3 a comma must stand here"},
    {"refused: colon", BYTES("{\"a\" 1}"), "{ !5 a colon must follow a name"},
    {"refused: name", BYTES("{1:2}"), "{ !1 not a name"},
    {"refused: rest", BYTES("{} x"), "{ } !3 something follows the value"},
    {"refused: number", BYTES("[1.]"), "[ !1 not a number"},
    {"refused: escape", BYTES("[\"ab\\q\"]"), "[ !4 unknown escape"},
    {"refused: hex", BYTES("[\"\\u12g4\"]"), "[ !4 four hexadecimal digits must follow \\u"},
    {"refused: surrogate", BYTES("[\"\\ud834x\"]"), "[ !8 lone surrogate"},
    {"refused: UTF-8", BYTES("[\"ab\xFF\"]"), "[ !4 not UTF-8"},
    {"refused: control", BYTES("[\"a\tb\"]"), "[ !3 control character in a text"},
    {"refused: text", BYTES("[\"ab"), "[ !1 unfinished text"},
    {"refused: single quote", BYTES("['a']"), "[ !1 not a value"},
    {"refused: comma at the end", BYTES("[1,]"), "[ #1 !3 not a value"},
    {"refused: comma at the end of an object", BYTES("{\"a\":1,}"), "{ Na #1 !7 not a name"},
    {"refused: BOM", BYTES("\xEF\xBB\xBF[]"), "!0 not a value"},
};

/* What vendors' clients send. */
static const struct traced lenient_traces[] = {
    {"a vendor's Java sample", BYTES("{'from': 'Example','to': '447123123456',}"),
     "{ Nfrom TExample Nto T447123123456 } $ "},
    {"a vendor's code", BYTES("{'code': '1234'}"), "{ Ncode T1234 } $ "},
    {"a PHP sample's comma", BYTES("{\n \"to\": \"447123123456\",\n \"from\": \"A\",\n}\n"),
     "{ Nto T447123123456 Nfrom TA } $ "},
    {"both quotes", BYTES("{'a':\"it's\",\"b\":'say \"x\"'}"), "{ Na Tit's Nb Tsay \"x\" } $ "},
    {"an apostrophe escaped", BYTES("['it\\'s']"), "[ Tit's ] $ "},
    {"a double quote escaped inside single ones", BYTES("['\\\"']"), "[ T\" ] $ "},
    {"empty single quotes", BYTES("['',{'':''}]"), "[ T { N T } ] $ "},
    {"escapes inside single quotes", BYTES("['\\u0041\\n']"), "[ TA\n ] $ "},
    {"commas at every end", BYTES("[[1,],{\"a\":[],},]"), "[ [ #1 ] { Na [ ] } ] $ "},
    {"comma and spaces", BYTES("[1 , ]"), "[ #1 ] $ "},
    {"lonely single quotes", BYTES("'a'"), "Ta $ "},
    {"refused: apostrophe escaped in double quotes", BYTES("[\"\\'\"]"), "[ !2 unknown escape"},
    {"refused: two commas", BYTES("[1,,]"), "[ #1 !3 not a value"},
    {"refused: comma alone", BYTES("[,]"), "[ !1 not a value"},
    {"refused: comma alone in an object", BYTES("{,}"), "{ !1 not a name"},
    {"refused: comma after the value", BYTES("{},"), "{ } !2 something follows the value"},
    {"refused: bare name", BYTES("{a:1}"), "{ !1 not a name"},
    {"refused: comment", BYTES("[/**/]"), "[ !1 not a value"},
    {"refused: quotes that differ", BYTES("['a\"]"), "[ !1 unfinished text"},
    {"refused: control in single quotes", BYTES("['a\n']"), "[ !3 control character in a text"},
    {"refused: bad UTF-8 in single quotes", BYTES("['\xFF']"), "[ !2 not UTF-8"},
};

static void test_strict_trace(void **state)
{
	const struct traced *row = ROW_OF(state, struct traced);
	char line[256];
	assert_string_equal(trace(row->in, &strict, line, sizeof(line)), row->expected);
}

static void test_lenient_trace(void **state)
{
	const struct traced *row = ROW_OF(state, struct traced);
	char line[256];
	assert_string_equal(trace(row->in, &lenient, line, sizeof(line)), row->expected);
	for (size_t len = 0; len < row->in.len; len++)
		(void)!read_all(bytes_first(row->in, len), &lenient);
}

/* `depth` arrays, or objects, or both in turn. */
static struct bytes nested(unsigned depth, const char *kind, char *text)
{
	size_t len = 0;
	for (unsigned i = 0; i < depth; i++) {
		bool object = kind[i % strlen(kind)] == '{';
		memcpy(text + len, object ? "{\"a\":" : "[", object ? 5 : 1);
		len += object ? 5 : 1;
	}
	text[len++] = '0';
	for (unsigned i = depth; i-- > 0;)
		text[len++] = kind[i % strlen(kind)] == '{' ? '}' : ']';
	return (struct bytes){text, len};
}

static void test_depth_at_its_edge(void **state)
{
	(void)state;
	static const char *const kinds[] = {"[", "{", "[{", "{[", "[[{"};
	static const unsigned depths[] = {1, 2, 8, 16, 31, 32, 63, JSON_DEPTH_MAX};
	static char text[8 * (JSON_DEPTH_MAX + 1)];
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
		for (size_t d = 0; d < sizeof(depths) / sizeof(depths[0]); d++) {
			struct json_options options = {.depth_max = depths[d]};
			assert_int_equal(read_all(nested(depths[d], kinds[k], text), &options), OK);
			assert_int_equal(read_all(nested(depths[d] + 1, kinds[k], text), &options),
			                 ERR_TOO_LARGE);
		}
}

/* Side by side is not inside one another. */
static void test_depth_comes_back(void **state)
{
	(void)state;
	struct json_options options = {.depth_max = 2};
	assert_int_equal(read_all(BYTES("[[],[],{},[],{}]"), &options), OK);
	assert_int_equal(read_all(BYTES("[[],[[]]]"), &options), ERR_TOO_LARGE);
}

static void test_a_hundred_thousand_brackets(void **state)
{
	(void)state;
	static char text[500000];
	memset(text, '[', 100000);
	assert_int_equal(read_all((struct bytes){text, 100000}, &strict), ERR_TOO_LARGE);
	for (size_t i = 0; i + 5 <= sizeof(text); i += 5)
		memcpy(text + i, "[{\"\":", 5);
	assert_int_equal(read_all((struct bytes){text, sizeof(text)}, &strict), ERR_TOO_LARGE);
}

static void test_bom(void **state)
{
	(void)state;
	struct json_options skipping = {.depth_max = 32, .bom_skipped = true};
	assert_int_equal(read_all(BYTES("\xEF\xBB\xBF{}"), &skipping), OK);
	assert_int_equal(read_all(BYTES("\xEF\xBB\xBF {}"), &skipping), OK);
	assert_int_equal(read_all(BYTES("{}"), &skipping), OK);
	assert_int_equal(read_all(BYTES("\xEF\xBB\xBF{}"), &strict), ERR_MALFORMED);
	assert_int_equal(read_all(BYTES("\xEF\xBB\xBF\xEF\xBB\xBF{}"), &skipping), ERR_MALFORMED);
	assert_int_equal(read_all(BYTES(" \xEF\xBB\xBF{}"), &skipping), ERR_MALFORMED);
	assert_int_equal(read_all(BYTES("{}\xEF\xBB\xBF"), &skipping), ERR_MALFORMED);
	assert_int_equal(read_all(BYTES("\xEF\xBB"), &skipping), ERR_MALFORMED);
	assert_int_equal(read_all(BYTES("\xEF\xBB\xBF"), &skipping), ERR_MALFORMED);
}

static void test_rest(void **state)
{
	(void)state;
	struct json_options ignoring = {.depth_max = 32, .rest_ignored = true};
	assert_int_equal(read_all(BYTES("{} {"), &ignoring), OK);
	assert_int_equal(read_all(BYTES("{}\xFF"), &ignoring), OK);
	assert_int_equal(read_all(BYTES("{}\0"), &ignoring), OK);
	assert_int_equal(read_all(BYTES("[1]]"), &ignoring), OK);
	assert_int_equal(read_all(BYTES("{ {"), &ignoring), ERR_MALFORMED);
	assert_int_equal(read_all(BYTES(""), &ignoring), ERR_MALFORMED);
	assert_int_equal(read_all(BYTES("{} {"), &strict), ERR_MALFORMED);
	assert_int_equal(read_all(BYTES("{} \r\n\t "), &strict), OK);
	assert_int_equal(read_all(BYTES_NONE, &strict), ERR_MALFORMED);
}

static void test_nul_is_seen_by_the_caller(void **state)
{
	(void)state;
	struct json_reader reader;
	struct json_token token;
	struct bytes text;
	struct arena arena;
	arena_init(&arena);
	json_reader_init(&reader, BYTES("\"a\\u0000b\""), &strict);
	assert_int_equal(json_next(&reader, &token), OK);
	assert_true(token.escaped);
	assert_int_equal(json_text_decode(&token, &arena, &text), OK);
	assert_true(bytes_equal(text, BYTES("a\0b")));
	arena_done(&arena);
}

static void test_text_without_escapes_points_into_the_input(void **state)
{
	(void)state;
	struct json_reader reader;
	struct json_token token;
	struct bytes in = BYTES("\"abc\""), text;
	json_reader_init(&reader, in, &strict);
	assert_int_equal(json_next(&reader, &token), OK);
	assert_int_equal(json_text_decode(&token, NULL, &text), OK);
	assert_ptr_equal(text.at, in.at + 1);
	assert_int_equal(text.len, 3);
}

/* Every character there is, written as an escape, decodes to its UTF-8. */
static void test_every_character_decodes(void **state)
{
	(void)state;
	struct arena arena;
	arena_init(&arena);
	for (unsigned point = 0; point <= 0x10FFFF; point++) {
		struct json_token token = {.type = JSON_TOKEN_TEXT, .escaped = true};
		char raw[16], utf8[5] = {0};
		struct bytes text;
		if (point >= 0xD800 && point <= 0xDFFF)
			continue;
		int len = point < 0x10000 ? snprintf(raw, sizeof(raw), "\\u%04X", point)
		                          : snprintf(raw, sizeof(raw), "\\u%04x\\u%04x",
		                                     0xD800 + (point - 0x10000) / 0x400,
		                                     0xDC00 + (point - 0x10000) % 0x400);
		token.raw = (struct bytes){raw, (size_t)len};
		assert_int_equal(json_text_decode(&token, &arena, &text), OK);
		size_t n = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
		static const unsigned leads[] = {0, 0, 0xC0, 0xE0, 0xF0};
		unsigned rest = point;
		for (size_t i = n; i-- > 1; rest >>= 6)
			utf8[i] = (char)(0x80 | (rest & 0x3F));
		utf8[0] = (char)(leads[n] | rest);
		assert_true(bytes_equal(text, (struct bytes){utf8, n}));
		assert_true(bytes_are_utf8(text));
		if (point % 256 == 0)
			arena_reset(&arena);
	}
	arena_done(&arena);
}

static void test_skip_gives_the_value_as_typed(void **state)
{
	(void)state;
	static const struct bytes values[] = {
	    BYTES("{\"a\": [1, {\"b\":2}], \"c\":\"}\"}"),
	    BYTES("[ ]"),
	    BYTES("\"t\\\"x\""),
	    BYTES("-12.5e1"),
	    BYTES("true"),
	    BYTES("false"),
	    BYTES("null"),
	    BYTES("'s'"),
	    BYTES("[1,]"),
	    BYTES("{}"),
	};
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		char text[128];
		struct json_reader reader;
		struct json_token token;
		struct bytes raw;
		int len = snprintf(text, sizeof(text), "{\"x\" : %.*s , \"y\":1}",
		                   (int)values[i].len, values[i].at);
		json_reader_init(&reader, (struct bytes){text, (size_t)len}, &lenient);
		assert_int_equal(json_next(&reader, &token), OK);
		assert_int_equal(json_next(&reader, &token), OK);
		assert_int_equal(token.type, JSON_TOKEN_NAME);
		assert_int_equal(json_next(&reader, &token), OK);
		assert_int_equal(json_skip(&reader, &token, &raw), OK);
		assert_true(bytes_equal(raw, values[i]));
		assert_int_equal(json_next(&reader, &token), OK);
		assert_true(bytes_equal(token.raw, BYTES("y")));
	}
}

static void test_skip_refuses_what_next_would(void **state)
{
	(void)state;
	struct json_reader reader;
	struct json_token token;
	struct bytes raw;
	json_reader_init(&reader, BYTES("[[1,]]"), &strict);
	assert_int_equal(json_next(&reader, &token), OK);
	assert_int_equal(json_skip(&reader, &token, &raw), ERR_MALFORMED);
	assert_int_equal(reader.why_at, 4);
}

struct number {
	const char *name; /* the number itself */
	bool integer, fits;
	int64_t value;
};

static const struct number numbers[] = {
    {"0", true, true, 0},
    {"-0", true, true, 0},
    {"7", true, true, 7},
    {"-481", true, true, -481},
    {"9223372036854775807", true, true, INT64_MAX},
    {"9223372036854775808", true, false, 0},
    {"-9223372036854775808", true, true, INT64_MIN},
    {"-9223372036854775809", true, false, 0},
    {"99999999999999999999999999", true, false, 0},
    {"1.0", false, false, 0},
    {"1e2", false, false, 0},
    {"1E2", false, false, 0},
    {"0.5", false, false, 0},
    {"0e0", false, false, 0},
    {"-", true, false, 0},
    {"", true, false, 0},
};

static void test_number(void **state)
{
	const struct number *row = ROW_OF(state, struct number);
	int64_t value = 0;
	struct bytes number = bytes_from_text(row->name);
	assert_int_equal(json_number_is_integer(number), row->integer);
	assert_int_equal(json_number_to_i64(number, &value), row->fits);
	assert_true(value == row->value);
}

/* jansson's tree, made by our reader. */
static json_t *tree_read(struct json_reader *reader, struct arena *arena,
                         const struct json_token *token);

static json_t *text_tree(const struct json_token *token, struct arena *arena)
{
	struct bytes text;
	assert_int_equal(json_text_decode(token, arena, &text), OK);
	return json_stringn(text.at, text.len);
}

static json_t *container_tree(struct json_reader *reader, struct arena *arena, bool object)
{
	json_t *tree = object ? json_object() : json_array();
	struct json_token token;
	for (;;) {
		struct bytes name = BYTES_NONE;
		assert_int_equal(json_next(reader, &token), OK);
		if (token.type == JSON_TOKEN_OBJECT_END || token.type == JSON_TOKEN_ARRAY_END)
			return tree;
		if (object) {
			assert_int_equal(json_text_decode(&token, arena, &name), OK);
			name = arena_copy(arena, name);
			assert_int_equal(json_next(reader, &token), OK);
		}
		json_t *value = tree_read(reader, arena, &token);
		if (object)
			assert_int_equal(json_object_set_new(tree, name.at, value), 0);
		else
			assert_int_equal(json_array_append_new(tree, value), 0);
	}
}

static json_t *tree_read(struct json_reader *reader, struct arena *arena,
                         const struct json_token *token)
{
	int64_t integer;
	switch (token->type) {
	case JSON_TOKEN_OBJECT:
	case JSON_TOKEN_ARRAY:
		return container_tree(reader, arena, token->type == JSON_TOKEN_OBJECT);
	case JSON_TOKEN_TEXT:
		return text_tree(token, arena);
	case JSON_TOKEN_NUMBER:
		if (json_number_to_i64(token->raw, &integer))
			return json_integer(integer);
		return json_real(strtod(arena_copy(arena, token->raw).at, NULL));
	case JSON_TOKEN_TRUE:
		return json_true();
	case JSON_TOKEN_FALSE:
		return json_false();
	case JSON_TOKEN_NULL:
		return json_null();
	default:
		fail_msg("token %d where a value must stand", token->type);
		return NULL;
	}
}

static void compare_with_jansson(struct bytes in, unsigned *accepted)
{
	struct json_options deep = {.depth_max = JSON_DEPTH_MAX};
	json_t *theirs = NULL;
	enum verdict verdict = second_opinion(in, &theirs);
	enum err err = read_all(in, &deep);
	if (verdict != NO_OPINION && (err == OK) != (verdict == ACCEPTED))
		fail_msg("err %d, jansson %d: %.*s", err, verdict, (int)in.len, in.at);
	if (err == OK && verdict == ACCEPTED) {
		struct json_reader reader;
		struct json_token token;
		struct arena arena;
		arena_init(&arena);
		json_reader_init(&reader, in, &deep);
		assert_int_equal(json_next(&reader, &token), OK);
		json_t *ours = tree_read(&reader, &arena, &token);
		if (!json_equal(ours, theirs))
			fail_msg("read otherwise: %.*s", (int)in.len, in.at);
		json_decref(ours);
		arena_done(&arena);
		++*accepted;
	}
	json_decref(theirs);
}

/* xorshift64: the same documents in every run. */
static uint64_t random_state = 88172645463325252ULL;

static unsigned random_below(unsigned n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (unsigned)(random_state >> 33) % n;
}

static void text_add(char *text, size_t *len, const char *more)
{
	memcpy(text + *len, more, strlen(more));
	*len += strlen(more);
}

/* Pieces that are mostly put together well. */
static void piece_add(char *text, size_t *len, unsigned depth)
{
	static const char *const scalars[] = {
	    "0",
	    "-1",
	    "12.5",
	    "1e3",
	    "-0.25E-2",
	    "true",
	    "false",
	    "null",
	    "\"\"",
	    "\"abc\"",
	    "\"\\u00e9\\n\"",
	    "\"\\ud83d\\ude00\"",
	    "\"\xE2\x82\xAC\"",
	    "\"\\\\\\\"\"",
	    "9007199254740993",
	    "\"\\u0000\"",
	    "\"'\"",
	    "18446744073709551616",
	};
	static const char *const spaces[] = {"", "", "", " ", "\n", "\t\r"};
	static const char *const names[] = {"\"a\"", "\"b\"", "\"\"", "\"\\u0061\"",
	                                    "\"long name\""};
	unsigned kind = depth ? random_below(4) : 0;
	if (*len > 400)
		kind = 0;
	if (kind < 2) {
		text_add(text, len, scalars[random_below(18)]);
		return;
	}
	text[(*len)++] = kind == 2 ? '[' : '{';
	for (unsigned n = random_below(4), i = 0; i < n; i++) {
		text_add(text, len, i ? "," : "");
		text_add(text, len, spaces[random_below(6)]);
		if (kind == 3) {
			text_add(text, len, names[random_below(5)]);
			text_add(text, len, random_below(5) ? ":" : " : ");
		}
		piece_add(text, len, depth - 1);
	}
	text[(*len)++] = kind == 2 ? ']' : '}';
}

static void mutate(char *text, size_t *len)
{
	static const char octets[] =
	    "{}[],:\"'\\/u0123456789abcdeEDfnrt+-. \n\x01\x7F\x80\xBF\xC3\xE2\xED\xFF";
	size_t at = random_below((unsigned)*len + 1);
	switch (random_below(4)) {
	case 0: /* another octet */
		if (at < *len)
			text[at] = octets[random_below(sizeof(octets) - 1)];
		break;
	case 1: /* one more */
		memmove(text + at + 1, text + at, *len - at);
		text[at] = octets[random_below(sizeof(octets) - 1)];
		++*len;
		break;
	case 2: /* one less */
		if (at < *len) {
			memmove(text + at, text + at + 1, *len - at - 1);
			--*len;
		}
		break;
	case 3: /* cut */
		if (random_below(8) == 0)
			*len = at;
		break;
	}
}

static void test_jansson_reads_the_same(void **state)
{
	(void)state;
	unsigned accepted = 0, rounds = 60000;
	for (unsigned i = 0; i < rounds; i++) {
		static char text[8192];
		size_t len = 0;
		piece_add(text, &len, 1 + random_below(5));
		for (unsigned changes = i % 3 == 0 ? 0 : 1 + random_below(3); changes; changes--)
			mutate(text, &len);
		compare_with_jansson((struct bytes){text, len}, &accepted);
	}
	/* A third was left as it was made, and some changes do no harm. */
	assert_in_range(accepted, rounds / 3 - rounds / 20, rounds - rounds / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_depth_at_its_edge),
	    cmocka_unit_test(test_depth_comes_back),
	    cmocka_unit_test(test_a_hundred_thousand_brackets),
	    cmocka_unit_test(test_bom),
	    cmocka_unit_test(test_rest),
	    cmocka_unit_test(test_nul_is_seen_by_the_caller),
	    cmocka_unit_test(test_text_without_escapes_points_into_the_input),
	    cmocka_unit_test(test_every_character_decodes),
	    cmocka_unit_test(test_skip_gives_the_value_as_typed),
	    cmocka_unit_test(test_skip_refuses_what_next_would),
	    cmocka_unit_test(test_jansson_reads_the_same),
	};
	static struct cases cases;
	CASES_ADD(&cases, tests);
	CASES_ADD_ROWS(&cases, "document", documents, test_document);
	CASES_ADD_ROWS(&cases, "tokens", strict_traces, test_strict_trace);
	CASES_ADD_ROWS(&cases, "lenient", lenient_traces, test_lenient_trace);
	CASES_ADD_ROWS(&cases, "number", numbers, test_number);
	return cases_run("json", &cases);
}
