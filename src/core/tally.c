/* SPDX-License-Identifier: Apache-2.0 */
#include "core/tally.h"

#include <assert.h>
#include <stdlib.h>

/* One slot: `merged` is what the store last said that everybody counted there, ours included as far
 * as merged; `fresh` is ours since; `out` is on its way to the store. */
struct slot {
	int64_t number;
	uint32_t merged, fresh, out;
};

struct window {
	int64_t slot_ms;                     /* 0: not in use */
	struct slot slots[TALLY_SLOTS_LIVE]; /* at number % TALLY_SLOTS_LIVE */
};

struct tally {
	struct tally_key key; /* in the map */
	struct list touched;
	struct list dirty;
	struct window windows[RATES_MAX];
};

enum err tally_init(struct tally_table *table)
{
	list_init(&table->touched);
	list_init(&table->dirty);
	return map_init(&table->map);
}

static struct bytes key_bytes(const struct tally_key *key)
{
	return (struct bytes){(const char *)key->octets, TALLY_KEY_LEN};
}

static void forget(struct tally_table *table, struct tally *tally)
{
	list_remove(&tally->touched);
	list_remove(&tally->dirty);
	(void)map_remove(&table->map, key_bytes(&tally->key));
	free(tally);
}

void tally_done(struct tally_table *table)
{
	while (!list_is_empty(&table->touched))
		forget(table, CONTAINER_OF(table->touched.next, struct tally, touched));
	map_done(&table->map);
}

/* ---- slots ----------------------------------------------------------------------------------- */

static int64_t slot_length_ms(const struct rate *rate)
{
	return (rate->window_ms + TALLY_SLOTS - 1) / TALLY_SLOTS;
}

static struct window *window_find(struct tally *tally, int64_t slot_ms)
{
	for (int i = 0; i < RATES_MAX; i++)
		if (tally->windows[i].slot_ms == slot_ms)
			return &tally->windows[i];
	return NULL;
}

/* The one of that length, or one that is free, or (the rates have changed) the first one, whose
 * counts are forgotten here and stay in the store. */
static struct window *window_take(struct tally *tally, int64_t slot_ms)
{
	struct window *window = window_find(tally, slot_ms);
	if (!window)
		window = window_find(tally, 0);
	if (!window)
		window = &tally->windows[0];
	if (window->slot_ms != slot_ms)
		*window = (struct window){.slot_ms = slot_ms};
	return window;
}

static struct slot *slot_at(struct window *window, int64_t number)
{
	return &window->slots[number % TALLY_SLOTS_LIVE];
}

/* The slot of that number, emptied if an older one stood there. A clock that was set back leaves
 * newer ones: they are reused too, and count as of now. */
static struct slot *slot_take(struct window *window, int64_t number)
{
	struct slot *slot = slot_at(window, number);
	if (slot->number != number)
		*slot = (struct slot){.number = number};
	return slot;
}

static uint32_t slot_count(const struct slot *slot)
{
	return slot->merged + slot->out + slot->fresh;
}

/* What counts in slot `number`, when the window ends in slot `last`. */
static uint32_t count_in(struct window *window, int64_t number)
{
	const struct slot *slot = slot_at(window, number);
	return slot->number == number ? slot_count(slot) : 0;
}

static int64_t window_wait_ms(struct window *window, const struct rate *rate, int64_t now_ms)
{
	int64_t last = now_ms / window->slot_ms, wait_ms = 0;
	uint32_t sum = 0;
	/* From the newest back: the first slot with which the limit is reached must leave. */
	for (int64_t number = last; number > last - TALLY_SLOTS_LIVE && number >= 0; number--) {
		sum += count_in(window, number);
		if (sum >= rate->count) {
			wait_ms = tally_slot_ends_ms(window->slot_ms, number) - now_ms;
			break;
		}
	}
	return wait_ms;
}

/* ---- tallies --------------------------------------------------------------------------------- */

static struct tally *tally_find(struct tally_table *table, const struct tally_key *key)
{
	struct tally *tally = map_get(&table->map, key_bytes(key));
	if (tally) {
		list_remove(&tally->touched);
		list_append(&table->touched, &tally->touched);
	}
	return tally;
}

static struct tally *tally_make(struct tally_table *table, const struct tally_key *key)
{
	if (table->map.n >= TALLIES_MAX)
		forget(table, CONTAINER_OF(table->touched.next, struct tally, touched));
	struct tally *tally = calloc(1, sizeof(*tally));
	if (!tally)
		return NULL;
	tally->key = *key;
	list_init(&tally->dirty);
	list_init(&tally->touched);
	if (map_put(&table->map, key_bytes(&tally->key), tally) != OK) {
		free(tally);
		return NULL;
	}
	list_append(&table->touched, &tally->touched);
	return tally;
}

int64_t tally_wait_ms(struct tally_table *table, const struct tally_key *key,
                      const struct rates *rates, int64_t now_ms)
{
	struct tally *tally = tally_find(table, key);
	int64_t longest_ms = 0;
	for (int i = 0; tally && i < rates->n; i++) {
		struct window *window = window_find(tally, slot_length_ms(&rates->at[i]));
		int64_t wait_ms = window ? window_wait_ms(window, &rates->at[i], now_ms) : 0;
		if (wait_ms > longest_ms)
			longest_ms = wait_ms;
	}
	return longest_ms;
}

void tally_add(struct tally_table *table, const struct tally_key *key, const struct rates *rates,
               int64_t now_ms)
{
	struct tally *tally = tally_find(table, key);
	if (!tally)
		tally = tally_make(table, key);
	if (!tally)
		return;
	for (int i = 0; i < rates->n; i++) {
		struct window *window = window_take(tally, slot_length_ms(&rates->at[i]));
		slot_take(window, now_ms / window->slot_ms)->fresh++;
	}
	list_remove(&tally->dirty);
	list_append(&table->dirty, &tally->dirty);
}

/* ---- merging --------------------------------------------------------------------------------- */

static void row_fill(struct tally *tally, struct window *window, int64_t now_ms,
                     struct tally_row *row)
{
	int64_t last = now_ms / window->slot_ms;
	*row = (struct tally_row){
	    .key = tally->key,
	    .slot_ms = window->slot_ms,
	    .first = last < TALLY_SLOTS ? 0 : last - TALLY_SLOTS,
	};
	for (int i = 0; i < TALLY_SLOTS_LIVE; i++) {
		struct slot *slot = slot_at(window, row->first + i);
		if (slot->number != row->first + i)
			continue;
		row->adds[i] = slot->fresh;
		slot->out += slot->fresh;
		slot->fresh = 0;
	}
}

size_t tally_take(struct tally_table *table, struct tally_row *rows, size_t max, int64_t now_ms)
{
	size_t n = 0;
	assert(max >= RATES_MAX);
	while (!list_is_empty(&table->dirty) && n + RATES_MAX <= max) {
		struct list *member = list_pop(&table->dirty);
		struct tally *tally = CONTAINER_OF(member, struct tally, dirty);
		for (int i = 0; i < RATES_MAX; i++)
			if (tally->windows[i].slot_ms)
				row_fill(tally, &tally->windows[i], now_ms, &rows[n++]);
	}
	return n;
}

/* The window that a row is of, if it is still counted. */
static struct window *row_window(struct tally_table *table, const struct tally_row *row)
{
	struct tally *tally = map_get(&table->map, key_bytes(&row->key));
	return tally ? window_find(tally, row->slot_ms) : NULL;
}

void tally_merged(struct tally_table *table, const struct tally_row *rows, size_t rows_n)
{
	for (size_t n = 0; n < rows_n; n++) {
		struct window *window = row_window(table, &rows[n]);
		for (int i = 0; window && i < TALLY_SLOTS_LIVE; i++) {
			int64_t number = rows[n].first + i;
			struct slot *slot = slot_at(window, number);
			/* A newer slot has its place by now. */
			if (slot->number > number)
				continue;
			slot = slot_take(window, number);
			slot->merged = rows[n].totals[i];
			slot->out -= slot->out < rows[n].adds[i] ? slot->out : rows[n].adds[i];
		}
	}
}

void tally_unmerged(struct tally_table *table, const struct tally_row *rows, size_t rows_n)
{
	for (size_t n = 0; n < rows_n; n++) {
		struct tally *tally = map_get(&table->map, key_bytes(&rows[n].key));
		struct window *window = row_window(table, &rows[n]);
		for (int i = 0; window && i < TALLY_SLOTS_LIVE; i++) {
			struct slot *slot = slot_at(window, rows[n].first + i);
			if (slot->number != rows[n].first + i)
				continue;
			uint32_t back = slot->out < rows[n].adds[i] ? slot->out : rows[n].adds[i];
			slot->out -= back;
			slot->fresh += back;
		}
		if (tally && list_is_empty(&tally->dirty))
			list_append(&table->dirty, &tally->dirty);
	}
}
