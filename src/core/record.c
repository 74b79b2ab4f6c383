/* SPDX-License-Identifier: Apache-2.0 */
#include "core/record.h"

/* FNV-1a, folded to 12 bits. It spreads; it does not hide: who has the id was told the number. */
unsigned text_bucket(struct bytes text)
{
	uint32_t hash = 2166136261u;
	for (size_t i = 0; i < text.len; i++)
		hash = (hash ^ (uint8_t)text.at[i]) * 16777619u;
	return (hash ^ hash >> 12 ^ hash >> 24) % BUCKETS;
}

unsigned number_bucket(const struct number *number)
{
	return text_bucket(number_bytes(number));
}
