/* SPDX-License-Identifier: Apache-2.0 */
/* Percent-encoding (RFC 3986 section 2.1) and the pairs of a query or form
 * (application/x-www-form-urlencoded). What holds no escape is returned as it is, pointing into
 * the input; the rest goes to the arena. Everything is decoded once, never twice. */
#ifndef WIRE_URI_H
#define WIRE_URI_H

#include "base/arena.h"
#include "base/err.h"

/* One segment of a path, without its slashes. ERR_MALFORMED: an escape is not two hexadecimal
 * digits, a NUL comes out, or the segment is "." or ".." however written. ERR_NO_MEMORY. */
MUST_CHECK enum err uri_decode_segment(struct bytes in, struct arena *arena, struct bytes *ret);

/* A name or value of a query or form: '+' is a space. ERR_MALFORMED as above, dots aside. */
MUST_CHECK enum err uri_decode_form(struct bytes in, struct arena *arena, struct bytes *ret);

/* Takes the next pair off *rest, both still encoded; false at the end. Empty pairs (a&&b) are
 * passed over; *ret_value is absent (at NULL) for a name without '='. */
bool uri_pair_next(struct bytes *rest, struct bytes *ret_name, struct bytes *ret_value);

/* The decoded value of the first pair whose decoded name is `name`, absent when there is none.
 * ERR_MALFORMED when a pair up to it does not decode. */
MUST_CHECK enum err uri_pair_find(struct bytes pairs, struct bytes name, struct arena *arena,
                                  struct bytes *ret);

#endif
