/* SPDX-License-Identifier: Apache-2.0 */
#include "base/id.h"

#include <assert.h>

#define TAIL_BITS 62 /* of rand_b */
#define PLACE_BITS 20
#define PLACE_MS_BITS (63 - PLACE_BITS)
/* What a place is wide: at least so far apart are two ids of one millisecond. */
#define TAIL_STEP (UINT64_C(1) << (TAIL_BITS - PLACE_BITS))

/* A millisecond's first one leaves its upper half for those to come: some 350,000. */
static enum err tail_make(int64_t now_ms, struct rng *rng, uint64_t *ret)
{
	uint8_t octets[8];
	uint64_t random = 0;
	enum err err = rng_fill(rng, octets, sizeof(octets));
	if (err)
		return err;
	for (int i = 0; i < 8; i++)
		random = random << 8 | octets[i];
	uint64_t tail = random >> (64 - TAIL_BITS + 1);
	if (now_ms == rng->id_ms && rng->id_tail)
		tail = rng->id_tail + TAIL_STEP + random % TAIL_STEP;
	if (tail >> TAIL_BITS)
		tail = random >> (64 - TAIL_BITS);
	rng->id_ms = now_ms;
	rng->id_tail = *ret = tail;
	return OK;
}

enum err id_make(int64_t now_ms, unsigned bucket, struct rng *rng, struct id *ret)
{
	assert(bucket < BUCKETS && now_ms >= 0);
	uint64_t tail;
	enum err err = tail_make(now_ms, rng, &tail);
	if (err)
		return err;
	uint8_t *octets = ret->octets;
	for (int i = 0; i < 6; i++)
		octets[i] = (uint8_t)((uint64_t)now_ms >> (40 - 8 * i));
	octets[6] = (uint8_t)(0x70 | bucket >> 8);
	octets[7] = (uint8_t)bucket;
	for (int i = 0; i < 8; i++)
		octets[8 + i] = (uint8_t)(tail >> (56 - 8 * i));
	octets[8] |= 0x80;
	return OK;
}

enum err id_make_random(struct rng *rng, struct id *ret)
{
	struct id id;
	enum err err = rng_fill(rng, id.octets, ID_LEN);
	if (err)
		return err;
	id.octets[6] = (uint8_t)(0x40 | (id.octets[6] & 0x0F));
	id.octets[8] = (uint8_t)(0x80 | (id.octets[8] & 0x3F));
	*ret = id;
	return OK;
}

int64_t id_place_of_moment(int64_t at_ms)
{
	const int64_t last_ms = (INT64_C(1) << PLACE_MS_BITS) - 1;
	return (at_ms < 0 ? 0 : at_ms > last_ms ? last_ms : at_ms) << PLACE_BITS;
}

int64_t id_place(const struct id *id)
{
	int64_t at_ms = 0;
	for (int i = 0; i < 6; i++)
		at_ms = at_ms << 8 | id->octets[i];
	const uint8_t *tail = id->octets + 8;
	int64_t first = (int64_t)(tail[0] & 0x3F) << 14 | tail[1] << 6 | tail[2] >> 2;
	return id_place_of_moment(at_ms) | first;
}

unsigned id_bucket(const struct id *id)
{
	return (unsigned)(id->octets[6] & 0x0F) << 8 | id->octets[7];
}

static bool dash_stands_before(int octet)
{
	return octet == 4 || octet == 6 || octet == 8 || octet == 10;
}

void id_format(const struct id *id, char ret[ID_TEXT_LEN + 1])
{
	static const char digits[] = "0123456789abcdef";
	for (int i = 0; i < ID_LEN; i++) {
		if (dash_stands_before(i))
			*ret++ = '-';
		*ret++ = digits[id->octets[i] >> 4];
		*ret++ = digits[id->octets[i] & 15];
	}
	*ret = '\0';
}

bool id_parse(struct bytes in, struct id *ret)
{
	struct id id;
	if (in.len != ID_TEXT_LEN)
		return false;
	const char *at = in.at;
	for (int i = 0; i < ID_LEN; i++) {
		if (dash_stands_before(i) && *at++ != '-')
			return false;
		int high = ascii_hex_value(*at++), low = ascii_hex_value(*at++);
		if (high < 0 || low < 0)
			return false;
		id.octets[i] = (uint8_t)(high << 4 | low);
	}
	*ret = id;
	return true;
}
