/* SPDX-License-Identifier: Apache-2.0 */
/* Objects by a table, in every way a dialect may read; the first octet picks the options. */
#include "fuzz.h"

#include "wire/json_object.h"

#include <stdlib.h>

struct target {
	struct bytes to, text, settings, any;
	struct json_integer count;
	struct json_boolean urgent;
	struct json_texts roles;
};

static const struct json_member members[] = {
    {BYTES("to"), JSON_TEXT_OR_INTEGER, offsetof(struct target, to)},
    {BYTES("text"), JSON_TEXT, offsetof(struct target, text)},
    {BYTES("settings"), JSON_OBJECT, offsetof(struct target, settings)},
    {BYTES("any"), JSON_ANY, offsetof(struct target, any)},
    {BYTES("count"), JSON_INTEGER, offsetof(struct target, count)},
    {BYTES("urgent"), JSON_BOOLEAN, offsetof(struct target, urgent)},
    {BYTES("roles"), JSON_TEXT_ARRAY, offsetof(struct target, roles)},
};

/* Each octet of what was read is looked at, so that a wrong pointer is met. */
static volatile unsigned looked_at;

static unsigned sum(struct bytes in)
{
	unsigned all = 0;
	for (size_t i = 0; i < in.len; i++)
		all += (uint8_t)in.at[i];
	return all;
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	uint8_t pick = len ? at[0] : 0;
	struct json_options options = {
	    .depth_max = 8,
	    .lenient = pick & 1,
	    .bom_skipped = pick & 2,
	    .rest_ignored = pick & 4,
	    .names_folded = pick & 8,
	    .unknown_refused = pick & 16,
	    .duplicates_refused = pick & 32,
	    .array_of_one = pick & 64,
	};
	struct target read;
	struct json_found found;
	struct json_refusal refusal = {0};
	struct arena arena;
	arena_init(&arena);
	enum err err =
	    json_object_read(bytes_from(fuzz_input(at, len), 1), &options, members,
	                     sizeof(members) / sizeof(members[0]), &arena, &read, &found, &refusal);
	unsigned all = 0;
	if (err) {
		if (!refusal.why || refusal.offset > len)
			abort();
		all += sum(refusal.name);
	} else {
		if (found.given & found.wrong_type)
			abort();
		all += sum(read.to) + sum(read.text) + sum(read.settings) + sum(read.any);
		for (size_t i = 0; i < read.roles.n; i++)
			all += sum(read.roles.at[i]);
	}
	arena_done(&arena);
	looked_at = all;
	return 0;
}
