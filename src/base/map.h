/* SPDX-License-Identifier: Apache-2.0 */
/* A hash table from octets to pointers, its hash keyed afresh for each table. It owns neither keys
 * nor values, and has no order: who needs one keeps a list beside it. One owner; not for two
 * threads at a time. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/siphash.h"

struct map_slot {
	uint64_t hash;
	struct bytes key; /* borrowed */
	void *value;      /* borrowed; NULL: the slot is empty */
};

struct map {
	struct map_slot *slots; /* owned */
	size_t cap;             /* 0 or a power of two */
	size_t n;
	uint8_t hash_key[SIPHASH_KEY_LEN];
};

/* An empty map; takes no memory until something is put. ERR_RANDOM. */
MUST_CHECK enum err map_init(struct map *map);
/* Gives its memory back; a zeroed or finished map is fine. */
void map_done(struct map *map);

/* Takes everything out, gives the memory back, and stays a map. */
void map_clear(struct map *map);

/* NULL when it is not there. */
void *map_get(const struct map *map, struct bytes key);
/* Makes sure that `more` further keys can be put without a fault. ERR_NO_MEMORY. */
MUST_CHECK enum err map_reserve(struct map *map, size_t more);
/* Puts `value` (not NULL) under `key`, in the place of what was there. The octets of `key` stay
 * where they are until it is removed or replaced. ERR_NO_MEMORY leaves the map as it was. */
MUST_CHECK enum err map_put(struct map *map, struct bytes key, void *value);
/* What was there, taken out, or NULL. */
void *map_remove(struct map *map, struct bytes key);

#endif
