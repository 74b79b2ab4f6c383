/* SPDX-License-Identifier: Apache-2.0 */
/* All records of one kind, a page at a time, for commands that wait for each: what `export` and
 * `log` read by. Memory is bounded by two pages. */
#ifndef OPS_WALK_H
#define OPS_WALK_H

#include "core/port_store.h"

struct walk_store {
	struct store *store; /* borrowed */
	/* Lets the store answer until *done. */
	void (*run_until)(void *context, const bool *done);
	void *context;
};

/* Calls `take` with each record in the order of the store's walk, from the first behind `after`
 * (NULL: from the beginning); false ends it early. The record lives during the call. */
MUST_CHECK enum err walk_all(const struct walk_store *from, enum change_kind kind,
                             const void *after, bool (*take)(void *about, const void *record),
                             void *about);

#endif
