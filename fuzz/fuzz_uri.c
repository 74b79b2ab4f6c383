/* SPDX-License-Identifier: Apache-2.0 */
/* Escapes and pairs: what is decoded is never longer than it was, holds no NUL, and a path segment
 * never becomes a step up. */
#include "fuzz.h"

#include "wire/uri.h"

#include <stdlib.h>

static void check(enum err err, struct bytes in, struct bytes out)
{
	if (err == OK && (!out.at || out.len > in.len || bytes_find(out, '\0') < out.len))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct bytes in = fuzz_input(at, len), out = BYTES_NONE;
	struct arena arena;
	arena_init(&arena);
	enum err err = uri_decode_segment(in, &arena, &out);
	check(err, in, out);
	if (err == OK && (bytes_equal(out, BYTES(".")) || bytes_equal(out, BYTES(".."))))
		abort();
	err = uri_decode_form(in, &arena, &out);
	check(err, in, out);
	struct bytes rest = in, name, value;
	size_t octets = 0;
	while (uri_pair_next(&rest, &name, &value))
		octets += name.len + value.len;
	if (octets > in.len)
		abort();
	if (uri_pair_find(in, BYTES("to"), &arena, &out) == OK && out.at)
		check(OK, in, out);
	arena_done(&arena);
	return 0;
}
