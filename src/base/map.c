/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing with linear probing, at most three quarters full. Removing shifts the rest of
 * the run back, so that no tombstones are left to be walked over:
 *
 *      home:  3   3   4   3   7            remove the first
 *      slot: [3] [4] [5] [6] [7]   ─►   3: second   4: third   5: fourth   6: empty   7: stays
 */
#include "base/map.h"

#include "base/secret.h"

#include <assert.h>
#include <stdlib.h>

#define MAP_CAP_MIN 16

enum err map_init(struct map *map)
{
	*map = (struct map){0};
	return secret_random(map->hash_key, sizeof(map->hash_key));
}

void map_done(struct map *map)
{
	free(map->slots);
	*map = (struct map){0};
}

void map_clear(struct map *map)
{
	free(map->slots);
	map->slots = NULL;
	map->cap = map->n = 0;
}

/* Where `key` stands, or the empty slot where it would. */
static struct map_slot *slot_find(const struct map *map, struct bytes key, uint64_t hash)
{
	for (size_t i = hash & (map->cap - 1);; i = (i + 1) & (map->cap - 1)) {
		struct map_slot *slot = &map->slots[i];
		if (!slot->value || (slot->hash == hash && bytes_equal(slot->key, key)))
			return slot;
	}
}

void *map_get(const struct map *map, struct bytes key)
{
	return map->n ? slot_find(map, key, siphash(map->hash_key, key))->value : NULL;
}

static enum err map_grow(struct map *map, size_t cap)
{
	struct map bigger = *map;
	bigger.cap = cap;
	bigger.slots = calloc(cap, sizeof(*bigger.slots));
	if (!bigger.slots)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < map->cap; i++)
		if (map->slots[i].value)
			*slot_find(&bigger, map->slots[i].key, map->slots[i].hash) = map->slots[i];
	free(map->slots);
	*map = bigger;
	return OK;
}

enum err map_reserve(struct map *map, size_t more)
{
	size_t n = map->n + more, cap = map->cap ? map->cap : MAP_CAP_MIN;
	while (n > cap / 4 * 3)
		cap *= 2;
	return cap == map->cap ? OK : map_grow(map, cap);
}

enum err map_put(struct map *map, struct bytes key, void *value)
{
	assert(value);
	enum err err = map_reserve(map, 1);
	if (err)
		return err;
	uint64_t hash = siphash(map->hash_key, key);
	struct map_slot *slot = slot_find(map, key, hash);
	if (!slot->value)
		map->n++;
	*slot = (struct map_slot){hash, key, value};
	return OK;
}

void *map_remove(struct map *map, struct bytes key)
{
	if (!map->n)
		return NULL;
	size_t mask = map->cap - 1;
	struct map_slot *slot = slot_find(map, key, siphash(map->hash_key, key));
	void *value = slot->value;
	if (!value)
		return NULL;
	size_t hole = (size_t)(slot - map->slots);
	for (size_t i = (hole + 1) & mask; map->slots[i].value; i = (i + 1) & mask) {
		size_t home = map->slots[i].hash & mask;
		/* It may move back unless its home lies behind the hole. */
		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		map->slots[hole] = map->slots[i];
		hole = i;
	}
	map->slots[hole] = (struct map_slot){0};
	map->n--;
	return value;
}
