/* SPDX-License-Identifier: Apache-2.0 */
/* A chunked body comes out the same in one piece and in pieces: the first octet picks their length,
 * the second how much room there is. */
#include "fuzz.h"

#include "wire/http.h"

#include <stdlib.h>
#include <string.h>

struct outcome {
	enum err err;
	size_t used, made;
	int status;
};

static struct outcome decode(struct bytes in, size_t step, size_t room, char *to)
{
	struct outcome outcome = {.err = ERR_MORE};
	struct http_chunked chunked;
	struct http_refusal refusal = {0};
	http_chunked_init(&chunked);
	size_t end = 0;
	while (outcome.err == ERR_MORE && outcome.used < in.len) {
		if (end == outcome.used)
			end = end + step < in.len ? end + step : in.len;
		struct bytes piece = {in.at + outcome.used, end - outcome.used};
		size_t used = 0, made = 0;
		outcome.err = http_chunked_decode(&chunked, piece, to ? to + outcome.made : NULL,
		                                  room, &used, &made, &refusal);
		if (outcome.err != ERR_MALFORMED &&
		    (used > piece.len || (to && made > room) || (outcome.err == ERR_MORE && !used)))
			abort();
		outcome.used += used;
		outcome.made += made;
	}
	outcome.status = refusal.status;
	return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct bytes in = bytes_from(fuzz_input(at, len), 2);
	if (len <= 2)
		return 0;
	char *once = malloc(in.len), *again = malloc(in.len);
	if (!once || !again)
		abort();
	struct outcome whole = decode(in, in.len, in.len, once);
	size_t room = at[1] % 32 + 1;
	struct outcome pieces = decode(in, at[0] % 32 + 1, room, again);
	struct outcome dropped = decode(in, in.len, 0, NULL);
	if (whole.err != pieces.err || whole.err != dropped.err || whole.status != pieces.status ||
	    whole.status != dropped.status)
		abort();
	if (whole.err == OK &&
	    (whole.used != pieces.used || whole.made != pieces.made || whole.used != dropped.used ||
	     whole.made != dropped.made || memcmp(once, again, whole.made) != 0))
		abort();
	free(once);
	free(again);
	return 0;
}
