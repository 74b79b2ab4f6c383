/* SPDX-License-Identifier: Apache-2.0 */
/* A JSON document that is one object, read into a struct by a table of its members. The whole
 * document is checked, skipped members too; a member of the wrong type is reported by its row and
 * does not fail the others.
 *
 *	static const struct json_member members[] = {
 *		{BYTES("to"), JSON_TEXT_OR_INTEGER, offsetof(struct create, to)},
 *		{BYTES("urgent"), JSON_BOOLEAN, offsetof(struct create, urgent)},
 *	};
 */
#ifndef WIRE_JSON_OBJECT_H
#define WIRE_JSON_OBJECT_H

#include "wire/json.h"

#define JSON_MEMBERS_MAX 64  /* rows of a table: one bit each */
#define JSON_UNKNOWN_MAX 256 /* members no row names, where duplicates are refused */
#define JSON_TEXTS_MAX 1024  /* elements of a JSON_TEXT_ARRAY */

/* What a row's member may be, and the type of the field at its offset. In all of them null is as
 * if the member were not there, and a field not given is zeroed. */
enum json_kind {
	JSON_TEXT,            /* struct bytes; `at` is never NULL when given */
	JSON_TEXT_OR_INTEGER, /* struct bytes; an integer as its digits were typed */
	JSON_INTEGER,         /* struct json_integer; one that does not fit is of the wrong type */
	JSON_BOOLEAN,         /* struct json_boolean */
	JSON_OBJECT,          /* struct bytes: as typed, to be read with a table of its own */
	JSON_TEXT_ARRAY,      /* struct json_texts */
	JSON_ANY,             /* struct bytes: any value as typed */
};

struct json_integer {
	bool given;
	int64_t value;
};

struct json_boolean {
	bool given;
	bool value;
};

struct json_texts {
	const struct bytes *at; /* NULL: not given; in the arena */
	size_t n;
};

struct json_member {
	struct bytes name;
	enum json_kind kind;
	size_t offset; /* of its field in the caller's struct */
};

/* What was found; bit n is row n. */
struct json_found {
	uint64_t given;      /* there, not null, and of the right type */
	uint64_t null;       /* there, and null: for those who tell it from what is not there */
	uint64_t wrong_type; /* there, but of a type its row does not allow; the field is zeroed */
};

/* Why a document was refused. */
struct json_refusal {
	const char *why;   /* a literal */
	size_t offset;     /* of the octet */
	struct bytes name; /* the member that is unknown or stands twice, else empty; in the input
	                    * or the arena, and in either case somebody else's words */
};

/* Reads `in`; `ret` is the caller's struct, whose fields are at the rows' offsets and which is not
 * touched outside them. ERR_MALFORMED: not JSON, not an object, or a member that the options
 * refuse; ERR_TOO_LARGE: over depth_max or a limit above; ERR_NO_MEMORY. On failure `ret` holds
 * nothing to rely on. */
MUST_CHECK enum err json_object_read(struct bytes in, const struct json_options *options,
                                     const struct json_member *members, size_t members_n,
                                     struct arena *arena, void *ret, struct json_found *ret_found,
                                     struct json_refusal *reterr);

static inline bool json_found_given(const struct json_found *found, size_t row)
{
	return found->given >> row & 1;
}

static inline bool json_found_wrong_type(const struct json_found *found, size_t row)
{
	return found->wrong_type >> row & 1;
}

#endif
