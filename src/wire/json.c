/* SPDX-License-Identifier: Apache-2.0 */
/* One state for what may come next, one bit a level for what is open. A name takes its colon with
 * it and a value the comma before it, so that between two calls the reader stands right after a
 * value, a name's colon or a bracket. */
#include "wire/json.h"

#include <assert.h>

enum expect {
	EXPECT_VALUE, /* the document's, or a member's */
	EXPECT_FIRST, /* the first name or element, or the bracket that ends */
	EXPECT_COMMA, /* or the bracket that ends */
	EXPECT_REST,  /* the document's value is whole */
};

void json_reader_init(struct json_reader *reader, struct bytes in,
                      const struct json_options *options)
{
	assert(options->depth_max >= 1 && options->depth_max <= JSON_DEPTH_MAX);
	*reader = (struct json_reader){.in = in, .options = *options, .expect = EXPECT_VALUE};
	if (options->bom_skipped && bytes_start_with(in, BYTES("\xEF\xBB\xBF")))
		reader->at = 3;
}

static enum err refuse(struct json_reader *reader, size_t at, const char *why)
{
	reader->refused = ERR_MALFORMED;
	reader->why = why;
	reader->why_at = at;
	return ERR_MALFORMED;
}

/* Passes over white space; the octet that follows, or -1 at the end. */
static int next_octet(struct json_reader *reader)
{
	for (; reader->at < reader->in.len; reader->at++) {
		char c = reader->in.at[reader->at];
		if (c != ' ' && c != '\n' && c != '\t' && c != '\r')
			return (unsigned char)c;
	}
	return -1;
}

static bool take(struct json_reader *reader, char wanted)
{
	if (reader->at == reader->in.len || reader->in.at[reader->at] != wanted)
		return false;
	reader->at++;
	return true;
}

/* ASCII that stands for itself in a text: no control character, quote or backslash. */
static const bool plain[256] = {
    [0x20 ... 0x21] = true,
    [0x23 ... 0x26] = true,
    [0x28 ... 0x5B] = true,
    [0x5D ... 0x7F] = true,
};

/* Most of a document lies in its texts. */
static void skip_plain(struct json_reader *reader)
{
	const char *at = reader->in.at + reader->at, *end = reader->in.at + reader->in.len;
	while (at < end && plain[(unsigned char)*at])
		at++;
	reader->at = (size_t)(at - reader->in.at);
}

/* The four digits at `at`, or -1. */
static int hex4(struct bytes in, size_t at)
{
	int value = 0;
	if (in.len - at < 4)
		return -1;
	for (size_t i = at; i < at + 4; i++) {
		int digit = ascii_hex_value(in.at[i]);
		if (digit < 0)
			return -1;
		value = value << 4 | digit;
	}
	return value;
}

static bool is_high_surrogate(int unit)
{
	return unit >= 0xD800 && unit <= 0xDBFF;
}

static bool is_low_surrogate(int unit)
{
	return unit >= 0xDC00 && unit <= 0xDFFF;
}

/* What stands after `\u`: four digits, or a pair of surrogates. */
static enum err take_unicode(struct json_reader *reader)
{
	struct bytes in = reader->in;
	int unit = hex4(in, reader->at);
	if (unit < 0)
		return refuse(reader, reader->at, "four hexadecimal digits must follow \\u");
	if (is_low_surrogate(unit))
		return refuse(reader, reader->at, "lone surrogate");
	reader->at += 4;
	if (!is_high_surrogate(unit))
		return OK;
	if (in.len - reader->at < 6 || in.at[reader->at] != '\\' || in.at[reader->at + 1] != 'u' ||
	    !is_low_surrogate(hex4(in, reader->at + 2)))
		return refuse(reader, reader->at, "lone surrogate");
	reader->at += 6;
	return OK;
}

static enum err take_escape(struct json_reader *reader, char quote)
{
	size_t backslash = reader->at++;
	if (reader->at == reader->in.len)
		return refuse(reader, backslash, "unfinished text");
	switch (reader->in.at[reader->at++]) {
	case '"':
	case '\\':
	case '/':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		return OK;
	case '\'':
		if (quote == '\'')
			return OK;
		break;
	case 'u':
		return take_unicode(reader);
	default:
		break;
	}
	return refuse(reader, backslash, "unknown escape");
}

/* Octets from 0x80 on. A character's octets all are, so a run of them is judged by itself. */
static enum err take_beyond_ascii(struct json_reader *reader)
{
	size_t from = reader->at;
	while (reader->at < reader->in.len && (unsigned char)reader->in.at[reader->at] >= 0x80)
		reader->at++;
	if (!bytes_are_utf8((struct bytes){reader->in.at + from, reader->at - from}))
		return refuse(reader, from, "not UTF-8");
	return OK;
}

/* A text or name; the reader stands on its opening quote. */
static enum err take_text(struct json_reader *reader, struct json_token *ret)
{
	size_t open = reader->at;
	char quote = reader->in.at[reader->at++];
	bool escaped = false;
	for (;;) {
		skip_plain(reader);
		if (reader->at == reader->in.len)
			return refuse(reader, open, "unfinished text");
		char c = reader->in.at[reader->at];
		enum err err = OK;
		if (c == quote)
			break;
		if (c == '"' || c == '\'') {
			reader->at++;
		} else if (c == '\\') {
			escaped = true;
			err = take_escape(reader, quote);
		} else if ((unsigned char)c < 0x20) {
			err = refuse(reader, reader->at, "control character in a text");
		} else {
			err = take_beyond_ascii(reader);
		}
		if (err)
			return err;
	}
	ret->escaped = escaped;
	ret->raw = (struct bytes){reader->in.at + open + 1, reader->at - open - 1};
	reader->at++;
	return OK;
}

static bool take_digits(struct json_reader *reader)
{
	size_t from = reader->at;
	while (reader->at < reader->in.len && ascii_is_digit(reader->in.at[reader->at]))
		reader->at++;
	return reader->at > from;
}

/* RFC 8259 section 6: minus, integer, fraction, exponent. */
static enum err take_number(struct json_reader *reader, struct json_token *ret)
{
	size_t from = reader->at;
	(void)take(reader, '-');
	if (!take(reader, '0') && !take_digits(reader))
		return refuse(reader, from, "not a number");
	if (take(reader, '.') && !take_digits(reader))
		return refuse(reader, from, "not a number");
	if (take(reader, 'e') || take(reader, 'E')) {
		if (!take(reader, '+'))
			(void)take(reader, '-');
		if (!take_digits(reader))
			return refuse(reader, from, "not a number");
	}
	ret->type = JSON_TOKEN_NUMBER;
	ret->raw = (struct bytes){reader->in.at + from, reader->at - from};
	return OK;
}

static enum err take_word(struct json_reader *reader, struct bytes word, enum json_token_type type,
                          struct json_token *ret)
{
	struct bytes rest = bytes_from(reader->in, reader->at);
	if (!bytes_start_with(rest, word))
		return refuse(reader, reader->at, "not a value");
	ret->type = type;
	ret->raw = bytes_first(rest, word.len);
	reader->at += word.len;
	return OK;
}

static enum err take_open(struct json_reader *reader, bool object, struct json_token *ret)
{
	if (reader->depth == reader->options.depth_max) {
		(void)refuse(reader, reader->at, "nested too deeply");
		return reader->refused = ERR_TOO_LARGE;
	}
	uint64_t bit = UINT64_C(1) << reader->depth++;
	reader->objects = object ? reader->objects | bit : reader->objects & ~bit;
	reader->expect = EXPECT_FIRST;
	ret->type = object ? JSON_TOKEN_OBJECT : JSON_TOKEN_ARRAY;
	ret->raw = (struct bytes){reader->in.at + reader->at++, 1};
	return OK;
}

/* A value is whole: inside something a comma may come, else the document is done. */
static void value_ended(struct json_reader *reader)
{
	reader->expect = reader->depth ? EXPECT_COMMA : EXPECT_REST;
}

static enum err take_close(struct json_reader *reader, struct json_token *ret)
{
	bool object = reader->objects >> --reader->depth & 1;
	ret->type = object ? JSON_TOKEN_OBJECT_END : JSON_TOKEN_ARRAY_END;
	ret->raw = (struct bytes){reader->in.at + reader->at++, 1};
	value_ended(reader);
	return OK;
}

static bool is_quote(const struct json_reader *reader, int octet)
{
	return octet == '"' || (octet == '\'' && reader->options.lenient);
}

static enum err take_scalar(struct json_reader *reader, int octet, struct json_token *ret)
{
	if (is_quote(reader, octet)) {
		ret->type = JSON_TOKEN_TEXT;
		return take_text(reader, ret);
	}
	if (octet == '-' || (octet >= '0' && octet <= '9'))
		return take_number(reader, ret);
	if (octet == 't')
		return take_word(reader, BYTES("true"), JSON_TOKEN_TRUE, ret);
	if (octet == 'f')
		return take_word(reader, BYTES("false"), JSON_TOKEN_FALSE, ret);
	if (octet == 'n')
		return take_word(reader, BYTES("null"), JSON_TOKEN_NULL, ret);
	return refuse(reader, reader->at, octet < 0 ? "unfinished" : "not a value");
}

static enum err take_value(struct json_reader *reader, int octet, struct json_token *ret)
{
	if (octet == '{' || octet == '[')
		return take_open(reader, octet == '{', ret);
	enum err err = take_scalar(reader, octet, ret);
	if (!err)
		value_ended(reader);
	return err;
}

static enum err take_name(struct json_reader *reader, int octet, struct json_token *ret)
{
	if (!is_quote(reader, octet))
		return refuse(reader, reader->at, octet < 0 ? "unfinished" : "not a name");
	ret->type = JSON_TOKEN_NAME;
	enum err err = take_text(reader, ret);
	if (err)
		return err;
	if (next_octet(reader) != ':')
		return refuse(reader, reader->at, "a colon must follow a name");
	reader->at++;
	reader->expect = EXPECT_VALUE;
	return OK;
}

/* Inside an object or array: its end, or, past the comma where one must stand, what it holds. */
static enum err take_inside(struct json_reader *reader, int octet, struct json_token *ret)
{
	bool object = reader->objects >> (reader->depth - 1) & 1;
	int close = object ? '}' : ']';
	if (octet == close)
		return take_close(reader, ret);
	if (reader->expect == EXPECT_COMMA) {
		if (octet != ',')
			return refuse(reader, reader->at,
			              octet < 0 ? "unfinished" : "a comma must stand here");
		reader->at++;
		octet = next_octet(reader);
		if (octet == close && reader->options.lenient)
			return take_close(reader, ret);
	}
	return object ? take_name(reader, octet, ret) : take_value(reader, octet, ret);
}

static enum err take_end(struct json_reader *reader, struct json_token *ret)
{
	if (!reader->options.rest_ignored && next_octet(reader) >= 0)
		return refuse(reader, reader->at, "something follows the value");
	ret->type = JSON_TOKEN_END;
	return OK;
}

enum err json_next(struct json_reader *reader, struct json_token *ret)
{
	if (reader->refused)
		return reader->refused;
	*ret = (struct json_token){0};
	switch ((enum expect)reader->expect) {
	case EXPECT_VALUE:
		return take_value(reader, next_octet(reader), ret);
	case EXPECT_FIRST:
	case EXPECT_COMMA:
		return take_inside(reader, next_octet(reader), ret);
	case EXPECT_REST:
		break;
	}
	return take_end(reader, ret);
}

enum err json_skip(struct json_reader *reader, const struct json_token *token, struct bytes *ret)
{
	assert(token->type != JSON_TOKEN_NAME && token->type != JSON_TOKEN_OBJECT_END &&
	       token->type != JSON_TOKEN_ARRAY_END && token->type != JSON_TOKEN_END);
	const char *from = token->raw.at - (token->type == JSON_TOKEN_TEXT);
	if (token->type == JSON_TOKEN_OBJECT || token->type == JSON_TOKEN_ARRAY) {
		unsigned outside = reader->depth - 1;
		struct json_token inner;
		do {
			enum err err = json_next(reader, &inner);
			if (err)
				return err;
		} while (reader->depth > outside);
	}
	*ret = (struct bytes){from, (size_t)(reader->in.at + reader->at - from)};
	return OK;
}

/* UTF-8 of a code point that is no surrogate; how many octets it took. */
static size_t utf8_put(char *to, uint32_t point)
{
	if (point < 0x80) {
		to[0] = (char)point;
		return 1;
	}
	size_t tail = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
	static const uint8_t leads[] = {0, 0xC0, 0xE0, 0xF0};
	to[0] = (char)(leads[tail] | point >> 6 * tail);
	for (size_t i = 1; i <= tail; i++)
		to[i] = (char)(0x80 | (point >> 6 * (tail - i) & 0x3F));
	return tail + 1;
}

static char escape_value(char c)
{
	switch (c) {
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	default:
		return c;
	}
}

/* The code point written as \uXXXX at `at`, which then stands past it. */
static uint32_t unicode_value(struct bytes raw, size_t *at)
{
	uint32_t unit = (uint32_t)hex4(raw, *at + 2);
	*at += 6;
	if (!is_high_surrogate((int)unit))
		return unit;
	uint32_t low = (uint32_t)hex4(raw, *at + 2);
	*at += 6;
	return 0x10000 + ((unit - 0xD800) << 10 | (low - 0xDC00));
}

enum err json_text_decode(const struct json_token *token, struct arena *arena, struct bytes *ret)
{
	assert(token->type == JSON_TOKEN_TEXT || token->type == JSON_TOKEN_NAME);
	struct bytes raw = token->raw;
	if (!token->escaped) {
		*ret = raw;
		return OK;
	}
	/* No escape is shorter than what it stands for. */
	char *text = arena_take(arena, raw.len);
	if (!text)
		return ERR_NO_MEMORY;
	size_t len = 0;
	for (size_t at = 0; at < raw.len;) {
		if (raw.at[at] != '\\') {
			text[len++] = raw.at[at++];
		} else if (raw.at[at + 1] == 'u') {
			len += utf8_put(text + len, unicode_value(raw, &at));
		} else {
			text[len++] = escape_value(raw.at[at + 1]);
			at += 2;
		}
	}
	*ret = (struct bytes){text, len};
	return OK;
}

bool json_number_is_integer(struct bytes number)
{
	return bytes_find(number, '.') == number.len && bytes_find(number, 'e') == number.len &&
	       bytes_find(number, 'E') == number.len;
}

bool json_number_to_i64(struct bytes number, int64_t *ret)
{
	bool negative = number.len && number.at[0] == '-';
	int64_t value = 0;
	if (number.len == negative)
		return false;
	/* Counted downwards: the least value has no positive twin. */
	for (size_t i = negative; i < number.len; i++) {
		if (!ascii_is_digit(number.at[i]) || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_sub_overflow(value, number.at[i] - '0', &value))
			return false;
	}
	if (!negative && __builtin_sub_overflow(0, value, &value))
		return false;
	*ret = value;
	return true;
}
