/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted per somebody who is no number: an end user's address, a client, what was typed
 * for a name. Counted in memory, one table a loop, and merged through the store each second: so
 * these limits hold over loops, machines and restarts, to within what arrives in a second. (The
 * limits that guard a code or a number are exact and travel in the commit: core/limits.)
 *
 * A window is cut into TALLY_SLOTS slots; what is counted in a slot counts until the whole slot has
 * left the window, so a limit may hold up to a tenth of its window too long, never too short. No
 * I/O, no clock. Names are keyed hashes: the table knows no address. */
#ifndef CORE_TALLY_H
#define CORE_TALLY_H

#include "base/err.h"
#include "base/list.h"
#include "base/map.h"
#include "core/limits.h"

#define TALLY_KEY_LEN 16
#define TALLY_SLOTS 10
/* Slots that can count at one moment: those of the window, and the one it begins in. */
#define TALLY_SLOTS_LIVE (TALLY_SLOTS + 1)
/* Names counted at one time in one table; the one untouched for longest makes room. */
#define TALLIES_MAX 65536
/* Rows of one merge; what is more waits for the next second. */
#define TALLY_ROWS_MAX 1024

/* Who, and what of his is counted: a keyed hash of both. */
struct tally_key {
	uint8_t octets[TALLY_KEY_LEN];
};

/* One window of one name, as it is merged: `adds` are this table's since the last merge, `totals`
 * everybody's, answered by the store; both from slot `first` on. */
struct tally_row {
	struct tally_key key;
	int64_t slot_ms; /* length of a slot */
	int64_t first;   /* number of the first slot, counted from 1970 */
	uint32_t adds[TALLY_SLOTS_LIVE];
	uint32_t totals[TALLY_SLOTS_LIVE];
};

struct tally_table {
	struct map map;
	struct list touched; /* the one untouched for longest first */
	struct list dirty;   /* counted since they were merged */
};

/* ERR_RANDOM. */
MUST_CHECK enum err tally_init(struct tally_table *table);
void tally_done(struct tally_table *table);

/* How long until one more is within every rate; 0: now. */
int64_t tally_wait_ms(struct tally_table *table, const struct tally_key *key,
                      const struct rates *rates, int64_t now_ms);
/* Counts one more. Without memory it is not counted. */
void tally_add(struct tally_table *table, const struct tally_key *key, const struct rates *rates,
               int64_t now_ms);

/* What is to be merged: fills at most `max` rows and returns how many. Each is out until
 * tally_merged, or tally_unmerged when the merge failed (and then counts as not merged yet). */
size_t tally_take(struct tally_table *table, struct tally_row *rows, size_t max, int64_t now_ms);
void tally_merged(struct tally_table *table, const struct tally_row *rows, size_t rows_n);
void tally_unmerged(struct tally_table *table, const struct tally_row *rows, size_t rows_n);

/* When a slot has left its window for good, and its row may be purged. */
static inline int64_t tally_slot_ends_ms(int64_t slot_ms, int64_t slot)
{
	return (slot + TALLY_SLOTS_LIVE) * slot_ms;
}

#endif
