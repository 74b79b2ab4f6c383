/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/json_object.h"

#include <assert.h>

struct object_read {
	struct json_reader reader;
	const struct json_member *members; /* borrowed */
	size_t members_n;
	struct arena *arena; /* borrowed */
	char *to;            /* the caller's struct */
	struct json_found found;
	uint64_t seen;         /* rows whose member stood there, null or not */
	struct bytes *unknown; /* in the arena; NULL until there is one to remember */
	size_t unknown_n;
	struct json_refusal *reterr; /* the caller's */
};

static size_t field_size(enum json_kind kind)
{
	switch (kind) {
	case JSON_TEXT:
	case JSON_TEXT_OR_INTEGER:
	case JSON_OBJECT:
	case JSON_ANY:
		return sizeof(struct bytes);
	case JSON_INTEGER:
		return sizeof(struct json_integer);
	case JSON_BOOLEAN:
		return sizeof(struct json_boolean);
	case JSON_TEXT_ARRAY:
		return sizeof(struct json_texts);
	}
	assert(false);
	return 0;
}

/* A refusal of ours, where the reader stands. */
static enum err refuse(struct object_read *read, enum err err, const char *why, struct bytes name)
{
	*read->reterr = (struct json_refusal){.why = why, .offset = read->reader.at, .name = name};
	return err;
}

static enum err next(struct object_read *read, struct json_token *ret)
{
	enum err err = json_next(&read->reader, ret);
	if (err)
		*read->reterr =
		    (struct json_refusal){read->reader.why, read->reader.why_at, BYTES_NONE};
	return err;
}

static enum err skip(struct object_read *read, const struct json_token *token, struct bytes *ret)
{
	enum err err = json_skip(&read->reader, token, ret);
	if (err)
		*read->reterr =
		    (struct json_refusal){read->reader.why, read->reader.why_at, BYTES_NONE};
	return err;
}

static enum err decode(struct object_read *read, const struct json_token *token, struct bytes *ret)
{
	enum err err = json_text_decode(token, read->arena, ret);
	return err ? refuse(read, err, "out of memory", BYTES_NONE) : OK;
}

/* The row of `name`, or members_n. */
static size_t row_find(const struct object_read *read, struct bytes name)
{
	bool folded = read->reader.options.names_folded;
	size_t row = 0;
	for (; row < read->members_n; row++)
		if (folded ? bytes_equal_fold(read->members[row].name, name)
		           : bytes_equal(read->members[row].name, name))
			break;
	return row;
}

static enum err unknown_meet(struct object_read *read, struct bytes name)
{
	const struct json_options *options = &read->reader.options;
	if (options->unknown_refused)
		return refuse(read, ERR_MALFORMED, "unknown member", name);
	if (!options->duplicates_refused)
		return OK;
	if (!read->unknown) {
		read->unknown = arena_take_array(read->arena, JSON_UNKNOWN_MAX, sizeof(name));
		if (!read->unknown)
			return refuse(read, ERR_NO_MEMORY, "out of memory", BYTES_NONE);
	}
	for (size_t i = 0; i < read->unknown_n; i++)
		if (bytes_equal(read->unknown[i], name))
			return refuse(read, ERR_MALFORMED, "member stands twice", name);
	if (read->unknown_n == JSON_UNKNOWN_MAX)
		return refuse(read, ERR_TOO_LARGE, "too many members", BYTES_NONE);
	read->unknown[read->unknown_n++] = name;
	return OK;
}

/* How many texts the raw array holds; false when it holds anything else. */
static bool texts_count(struct bytes raw, const struct json_options *options, size_t *ret)
{
	struct json_reader reader;
	struct json_token token;
	json_reader_init(&reader, raw, options);
	if (json_next(&reader, &token) != OK)
		return false;
	*ret = 0;
	while (json_next(&reader, &token) == OK && token.type == JSON_TOKEN_TEXT)
		++*ret;
	return token.type == JSON_TOKEN_ARRAY_END;
}

static enum err texts_decode(struct object_read *read, struct bytes raw, struct bytes *to)
{
	struct json_reader reader;
	struct json_token token;
	json_reader_init(&reader, raw, &read->reader.options);
	while (json_next(&reader, &token) == OK && token.type != JSON_TOKEN_END) {
		if (token.type != JSON_TOKEN_TEXT)
			continue;
		enum err err = decode(read, &token, to++);
		if (err)
			return err;
	}
	return OK;
}

/* `raw` is an array that was read before, so that reading it again cannot fail. */
static enum err texts_read(struct object_read *read, struct bytes raw, struct json_texts *ret,
                           bool *ret_fits)
{
	size_t n;
	*ret_fits = texts_count(raw, &read->reader.options, &n);
	if (!*ret_fits)
		return OK;
	if (n > JSON_TEXTS_MAX)
		return refuse(read, ERR_TOO_LARGE, "too many elements", BYTES_NONE);
	struct bytes *at = arena_take_array(read->arena, n + 1, sizeof(*at));
	if (!at)
		return refuse(read, ERR_NO_MEMORY, "out of memory", BYTES_NONE);
	*ret = (struct json_texts){at, n};
	return texts_decode(read, raw, at);
}

static enum err text_read(struct object_read *read, enum json_kind kind,
                          const struct json_token *token, struct bytes *field, bool *ret_fits)
{
	if (token->type == JSON_TOKEN_TEXT)
		return decode(read, token, field);
	*ret_fits = kind == JSON_TEXT_OR_INTEGER && token->type == JSON_TOKEN_NUMBER &&
	            json_number_is_integer(token->raw);
	if (*ret_fits)
		*field = token->raw;
	return OK;
}

/* A value that begins with `token` and was typed as `raw`, into the field of a row. */
static enum err field_read(struct object_read *read, enum json_kind kind,
                           const struct json_token *token, struct bytes raw, void *field,
                           bool *ret_fits)
{
	*ret_fits = true;
	switch (kind) {
	case JSON_TEXT:
	case JSON_TEXT_OR_INTEGER:
		return text_read(read, kind, token, field, ret_fits);
	case JSON_INTEGER: {
		struct json_integer *integer = field;
		integer->given =
		    token->type == JSON_TOKEN_NUMBER && json_number_to_i64(raw, &integer->value);
		*ret_fits = integer->given;
		return OK;
	}
	case JSON_BOOLEAN: {
		struct json_boolean *boolean = field;
		boolean->value = token->type == JSON_TOKEN_TRUE;
		boolean->given = boolean->value || token->type == JSON_TOKEN_FALSE;
		*ret_fits = boolean->given;
		return OK;
	}
	case JSON_OBJECT:
		*ret_fits = token->type == JSON_TOKEN_OBJECT;
		if (*ret_fits)
			*(struct bytes *)field = raw;
		return OK;
	case JSON_TEXT_ARRAY:
		*ret_fits = token->type == JSON_TOKEN_ARRAY;
		return *ret_fits ? texts_read(read, raw, field, ret_fits) : OK;
	case JSON_ANY:
		*(struct bytes *)field = raw;
		return OK;
	}
	return OK;
}

static enum err member_read(struct object_read *read, size_t row, const struct json_token *token,
                            struct bytes raw)
{
	const struct json_member *member = &read->members[row];
	uint64_t bit = UINT64_C(1) << row;
	void *field = read->to + member->offset;
	bool fits = true;
	if (read->seen & bit) {
		memset(field, 0, field_size(member->kind));
		read->found.given &= ~bit;
		read->found.null &= ~bit;
		read->found.wrong_type &= ~bit;
	}
	read->seen |= bit;
	if (token->type == JSON_TOKEN_NULL) {
		read->found.null |= bit;
		return OK;
	}
	enum err err = field_read(read, member->kind, token, raw, field, &fits);
	*(fits ? &read->found.given : &read->found.wrong_type) |= bit;
	return err;
}

/* A member whose name has just been read. */
static enum err member_meet(struct object_read *read, const struct json_token *name_token)
{
	struct json_token token;
	struct bytes name, raw;
	enum err err = decode(read, name_token, &name);
	if (err)
		return err;
	size_t row = row_find(read, name);
	bool known = row < read->members_n;
	if (known && read->reader.options.duplicates_refused && read->seen >> row & 1)
		return refuse(read, ERR_MALFORMED, "member stands twice", name);
	if (!known && (err = unknown_meet(read, name)))
		return err;
	if ((err = next(read, &token)) || (err = skip(read, &token, &raw)))
		return err;
	return known ? member_read(read, row, &token, raw) : OK;
}

static enum err members_meet(struct object_read *read)
{
	for (;;) {
		struct json_token token;
		enum err err = next(read, &token);
		if (err || token.type == JSON_TOKEN_OBJECT_END)
			return err;
		if ((err = member_meet(read, &token)))
			return err;
	}
}

static enum err document_read(struct object_read *read)
{
	struct json_token token;
	enum err err = next(read, &token);
	if (err)
		return err;
	bool array = read->reader.options.array_of_one && token.type == JSON_TOKEN_ARRAY;
	if (array && (err = next(read, &token)))
		return err;
	if (token.type != JSON_TOKEN_OBJECT)
		return refuse(read, ERR_MALFORMED, "not an object", BYTES_NONE);
	if ((err = members_meet(read)))
		return err;
	if (array && (err = next(read, &token)))
		return err;
	if (array && token.type != JSON_TOKEN_ARRAY_END)
		return refuse(read, ERR_MALFORMED, "more than one object", BYTES_NONE);
	return next(read, &token);
}

enum err json_object_read(struct bytes in, const struct json_options *options,
                          const struct json_member *members, size_t members_n, struct arena *arena,
                          void *ret, struct json_found *ret_found, struct json_refusal *reterr)
{
	assert(members_n <= JSON_MEMBERS_MAX);
	struct object_read read = {
	    .members = members,
	    .members_n = members_n,
	    .arena = arena,
	    .to = ret,
	    .reterr = reterr,
	};
	json_reader_init(&read.reader, in, options);
	for (size_t row = 0; row < members_n; row++)
		memset(read.to + members[row].offset, 0, field_size(members[row].kind));
	enum err err = document_read(&read);
	if (!err)
		*ret_found = read.found;
	return err;
}
