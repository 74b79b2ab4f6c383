/* SPDX-License-Identifier: Apache-2.0 */
/* 16-byte record names: UUID version 7 (RFC 9562 section 5.7), so that neighbours in time are
 * neighbours in an index. `rand_a` carries the number's bucket. `rand_b` is random; within one
 * millisecond it is the one before plus a random step (section 6.2, method 2), so that a table
 * ordered by id_place only grows at its end. An id never grants access alone. */
#ifndef BASE_ID_H
#define BASE_ID_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/secret.h"

#include <stdint.h>

#define ID_LEN 16
#define ID_TEXT_LEN 36
#define BUCKETS 4096 /* 12 bits: what rand_a holds */

struct id {
	uint8_t octets[ID_LEN];
};

/* A new id for a record of `bucket` (below BUCKETS) made at `now_ms`; at least 42 of its bits are
 * new random ones. ERR_RANDOM makes none. */
MUST_CHECK enum err id_make(int64_t now_ms, unsigned bucket, struct rng *rng, struct id *ret);
/* A random one: UUID version 4 (RFC 9562 section 5.4), for what is not ordered by time. */
MUST_CHECK enum err id_make_random(struct rng *rng, struct id *ret);
/* The bucket of an id that id_make made; any value below BUCKETS for others. */
unsigned id_bucket(const struct id *id);
/* Where a record stands among others: its millisecond (till the year 2248) and the first 20 bits of
 * `rand_b`. Not negative. Rises with each id that is made from one generator, unless the clock goes
 * back; two ids of different generators may have the same once in a million pairs of one
 * millisecond. */
int64_t id_place(const struct id *id);
/* The lowest place of that millisecond; of the first or last one that has places, for others. */
int64_t id_place_of_moment(int64_t at_ms);
/* Lower case with dashes, and a NUL. */
void id_format(const struct id *id, char ret[ID_TEXT_LEN + 1]);
/* Reads 8-4-4-4-12 hexadecimal digits in either case; false for anything else. */
bool id_parse(struct bytes in, struct id *ret);

static inline bool id_equal(const struct id *a, const struct id *b)
{
	return memcmp(a->octets, b->octets, ID_LEN) == 0;
}

static inline bool id_is_zero(const struct id *id)
{
	static const struct id zero;
	return id_equal(id, &zero);
}

#endif
