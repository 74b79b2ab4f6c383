/* SPDX-License-Identifier: Apache-2.0 */
/* The pull reader, every dialect's way: the first octet picks the options. Whatever is read whole
 * is read the same when it is written down again. */
#include "fuzz.h"

#include "wire/json.h"
#include "wire/json_write.h"

#include <stdlib.h>

static void token_write(struct json_writer *writer, struct arena *arena,
                        const struct json_token *token)
{
	struct bytes text = token->raw;
	if (token->type == JSON_TOKEN_NAME || token->type == JSON_TOKEN_TEXT) {
		if (json_text_decode(token, arena, &text) || !bytes_are_utf8(text))
			abort();
	}
	if (token->type == JSON_TOKEN_OBJECT)
		json_write_object(writer);
	else if (token->type == JSON_TOKEN_OBJECT_END)
		json_write_object_end(writer);
	else if (token->type == JSON_TOKEN_ARRAY)
		json_write_array(writer);
	else if (token->type == JSON_TOKEN_ARRAY_END)
		json_write_array_end(writer);
	else if (token->type == JSON_TOKEN_NAME)
		json_write_name_bytes(writer, text);
	else if (token->type == JSON_TOKEN_TEXT)
		json_write_text(writer, text);
	else if (token->type != JSON_TOKEN_END)
		json_write_raw(writer, text);
}

/* False when `in` is refused. */
static bool rewrite(struct bytes in, const struct json_options *options, struct arena *arena,
                    struct buf *to)
{
	struct json_reader reader;
	struct json_writer writer;
	struct json_token token;
	int64_t value;
	json_reader_init(&reader, in, options);
	json_writer_init(&writer, to);
	do {
		if (json_next(&reader, &token)) {
			if (!reader.why || reader.why_at > in.len)
				abort();
			return false;
		}
		if (token.type == JSON_TOKEN_NUMBER)
			(void)json_number_to_i64(token.raw, &value);
		token_write(&writer, arena, &token);
	} while (token.type != JSON_TOKEN_END);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	static const struct json_options strict = {.depth_max = JSON_DEPTH_MAX};
	struct bytes in = bytes_from(fuzz_input(at, len), 1);
	uint8_t pick = len ? at[0] : 0;
	struct json_options options = {
	    .depth_max = 1 + (pick & 31),
	    .lenient = pick & 32,
	    .bom_skipped = pick & 64,
	    .rest_ignored = pick & 128,
	};
	struct arena arena;
	struct buf once, twice;
	arena_init(&arena);
	buf_init(&once, 0);
	buf_init(&twice, 0);
	if (rewrite(in, &options, &arena, &once) &&
	    (!rewrite(buf_bytes(&once), &strict, &arena, &twice) ||
	     !bytes_equal(buf_bytes(&once), buf_bytes(&twice))))
		abort();
	buf_done(&once);
	buf_done(&twice);
	arena_done(&arena);
	return 0;
}
