/* SPDX-License-Identifier: Apache-2.0 */
/* JSON texts (RFC 8259): bytes to tokens, one at a time. Strict, save for what `json_options`
 * opens by name; no allocation; tokens point into the input and live exactly as long as it does.
 *
 * Nothing is believed before the end: a caller acts on what it read only once json_next has
 * returned JSON_TOKEN_END. Most callers want wire/json_object.h, which does that for them. */
#ifndef WIRE_JSON_H
#define WIRE_JSON_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"

#include <stdint.h>

#define JSON_DEPTH_MAX 64 /* no dialect's depth_max lies above it: one bit a level */

/* A dialect's way of reading; a column of its table. Zeroed but for depth_max it is RFC 8259. */
struct json_options {
	unsigned depth_max; /* objects and arrays inside one another, 1 to JSON_DEPTH_MAX */
	bool lenient;       /* 'single quotes' (\' inside them); a comma before } or ] */
	bool bom_skipped;   /* U+FEFF before the value, else refused */
	bool rest_ignored;  /* whatever follows the value, else only white space may */
	/* Read by json_object_read alone. */
	bool names_folded;       /* member names match in any ASCII case */
	bool unknown_refused;    /* a member that no row names, else skipped */
	bool duplicates_refused; /* a member that stands twice, else the last wins */
	bool array_of_one;       /* [{...}] is read as {...} */
};

enum json_token_type {
	JSON_TOKEN_OBJECT,
	JSON_TOKEN_OBJECT_END,
	JSON_TOKEN_ARRAY,
	JSON_TOKEN_ARRAY_END,
	JSON_TOKEN_NAME, /* of a member; its value follows */
	JSON_TOKEN_TEXT,
	JSON_TOKEN_NUMBER,
	JSON_TOKEN_TRUE,
	JSON_TOKEN_FALSE,
	JSON_TOKEN_NULL,
	JSON_TOKEN_END, /* the value is whole; repeated when asked again */
};

struct json_token {
	enum json_token_type type;
	bool escaped;     /* a name or text with at least one backslash */
	struct bytes raw; /* as typed; names and texts without their quotes */
};

struct json_reader {
	struct bytes in; /* borrowed */
	struct json_options options;
	size_t at;        /* the next octet to be looked at */
	unsigned depth;   /* objects and arrays open now */
	uint64_t objects; /* bit n: level n is an object, not an array */
	uint8_t expect;   /* what may come next; json.c's */
	enum err refused; /* OK, or what every further call returns */
	const char *why;  /* a literal, once refused */
	size_t why_at;    /* the octet that was refused */
};

void json_reader_init(struct json_reader *reader, struct bytes in,
                      const struct json_options *options);

/* The next token. ERR_MALFORMED: not such a text; ERR_TOO_LARGE: deeper than depth_max. Both set
 * reader->why and reader->why_at, and stay. */
MUST_CHECK enum err json_next(struct json_reader *reader, struct json_token *ret);

/* The whole value that `token`, which json_next has just given, begins: passes over what is left
 * of it. *ret is the value as it was typed, quotes and brackets included. Not for names and ends.
 */
MUST_CHECK enum err json_skip(struct json_reader *reader, const struct json_token *token,
                              struct bytes *ret);

/* The text a name or text token stands for: UTF-8, which may hold NUL (\u0000). Points into the
 * input unless it was escaped; then it is made in `arena`. ERR_NO_MEMORY. */
MUST_CHECK enum err json_text_decode(const struct json_token *token, struct arena *arena,
                                     struct bytes *ret);

/* Whether `number` (a token's raw) is an integer: without fraction and exponent. */
bool json_number_is_integer(struct bytes number);
/* The exact value of an integer that fits; false for any other number. */
bool json_number_to_i64(struct bytes number, int64_t *ret);

#endif
