/* SPDX-License-Identifier: Apache-2.0 */
#include "base/id.h"

#include <assert.h>

enum err id_make(int64_t now_ms, unsigned bucket, struct rng *rng, struct id *ret)
{
	assert(bucket < BUCKETS && now_ms >= 0);
	struct id id;
	enum err err = rng_fill(rng, id.octets + 8, ID_LEN - 8);
	if (err)
		return err;
	for (int i = 0; i < 6; i++)
		id.octets[i] = (uint8_t)((uint64_t)now_ms >> (40 - 8 * i));
	id.octets[6] = (uint8_t)(0x70 | bucket >> 8);
	id.octets[7] = (uint8_t)bucket;
	id.octets[8] = (uint8_t)(0x80 | (id.octets[8] & 0x3F));
	*ret = id;
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
