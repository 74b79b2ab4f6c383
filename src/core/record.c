/* SPDX-License-Identifier: Apache-2.0 */
#include "core/record.h"

/* FNV-1a, folded to 12 bits. It spreads; it does not hide: who has the id was told the number. */
#define FNV_BASIS 2166136261u

static uint32_t hash_add(uint32_t hash, char c)
{
	return (hash ^ (uint8_t)c) * 16777619u;
}

static unsigned hash_bucket(uint32_t hash)
{
	return (hash ^ hash >> 12 ^ hash >> 24) % BUCKETS;
}

unsigned text_bucket(struct bytes text)
{
	uint32_t hash = FNV_BASIS;
	for (size_t i = 0; i < text.len; i++)
		hash = hash_add(hash, text.at[i]);
	return hash_bucket(hash);
}

unsigned number_bucket(const struct number *number)
{
	uint32_t hash = FNV_BASIS;
	for (const char *at = number->digits; *at; at++)
		hash = hash_add(hash, *at);
	return hash_bucket(hash);
}
