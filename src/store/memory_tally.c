/* SPDX-License-Identifier: Apache-2.0 */
#include "store/memory_private.h"

#include <stdlib.h>

/* One slot. Its first three members are its key. */
struct memory_tally {
	struct tally_key key;
	int64_t slot_ms, number;
	uint64_t count;
	struct list order;
};

#define TALLY_NAME_LEN offsetof(struct memory_tally, count)

static struct bytes tally_name(const struct memory_tally *tally)
{
	return (struct bytes){(const char *)tally, TALLY_NAME_LEN};
}

static struct memory_tally *slot_find(struct memory_store *memory, const struct tally_row *row,
                                      int i)
{
	const struct memory_tally name = {
	    .key = row->key, .slot_ms = row->slot_ms, .number = row->first + i};
	return map_get(&memory->tallies, tally_name(&name));
}

/* False: no memory. */
static bool slot_make(struct memory_store *memory, const struct tally_row *row, int i)
{
	struct memory_tally *tally = calloc(1, sizeof(*tally));
	if (!tally)
		return false;
	tally->key = row->key;
	tally->slot_ms = row->slot_ms;
	tally->number = row->first + i;
	if (map_put(&memory->tallies, tally_name(tally), tally) != OK) {
		free(tally);
		return false;
	}
	list_append(&memory->tallies_order, &tally->order);
	return true;
}

static bool row_make(struct memory_store *memory, const struct tally_row *row)
{
	for (int i = 0; i < TALLY_SLOTS_LIVE; i++)
		if (row->adds[i] && !slot_find(memory, row, i) && !slot_make(memory, row, i))
			return false;
	return true;
}

static void row_add(struct memory_store *memory, struct tally_row *row)
{
	for (int i = 0; i < TALLY_SLOTS_LIVE; i++) {
		struct memory_tally *tally = slot_find(memory, row, i);
		if (tally)
			tally->count += row->adds[i];
		row->totals[i] = tally ? (uint32_t)tally->count : 0;
	}
}

void rows_tally(struct memory_store *memory, struct store_tally *tally)
{
	tally->err = OK;
	for (size_t i = 0; i < tally->rows_n; i++)
		if (!row_make(memory, &tally->rows[i]))
			tally->err = ERR_STORE;
	for (size_t i = 0; i < tally->rows_n && !tally->err; i++)
		row_add(memory, &tally->rows[i]);
}

static void slot_free(struct memory_store *memory, struct memory_tally *tally)
{
	list_remove(&tally->order);
	(void)map_remove(&memory->tallies, tally_name(tally));
	free(tally);
}

void tallies_purge(struct memory_store *memory, struct store_purge *purge)
{
	struct list *order = &memory->tallies_order, *next;
	size_t n = 0;
	for (struct list *at = order->next; at != order; at = next) {
		next = at->next;
		struct memory_tally *tally = CONTAINER_OF(at, struct memory_tally, order);
		if (tally_slot_ends_ms(tally->slot_ms, tally->number) > purge->now_ms)
			continue;
		if (n == PURGE_STEP) {
			purge->more = true;
			return;
		}
		slot_free(memory, tally);
		purge->deleted++;
		n++;
	}
}

void tallies_done(struct memory_store *memory)
{
	while (!list_is_empty(&memory->tallies_order))
		slot_free(memory,
		          CONTAINER_OF(memory->tallies_order.next, struct memory_tally, order));
	map_done(&memory->tallies);
}
