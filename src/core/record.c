/* SPDX-License-Identifier: Apache-2.0 */
#include "core/record.h"

/* FNV-1a, folded to 12 bits. It spreads; it does not hide: who has the id was told the number. */
unsigned number_bucket(const struct number *number)
{
	uint32_t hash = 2166136261u;
	for (const char *at = number->digits; *at; at++)
		hash = (hash ^ (uint8_t)*at) * 16777619u;
	return (hash ^ hash >> 12 ^ hash >> 24) % BUCKETS;
}
