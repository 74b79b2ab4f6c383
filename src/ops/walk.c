/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/walk.h"

#include "base/list.h"

struct waiting_walk {
	struct store_walk walk;
	bool done;
};

static void on_walked(struct store_walk *walk)
{
	CONTAINER_OF(walk, struct waiting_walk, walk)->done = true;
}

enum err walk_all(const struct walk_store *from, enum change_kind kind, const void *after,
                  bool (*take)(void *about, const void *record), void *about)
{
	/* The last record of a page is where the next one begins: it lives on beside it. */
	struct arena pages[2];
	struct waiting_walk waiting = {.walk.records_n = WALK_MAX};
	bool more = true;
	for (int i = 0; i < 2; i++)
		arena_init(&pages[i]);
	for (int page = 0; more && waiting.walk.records_n == WALK_MAX; page = !page) {
		arena_reset(&pages[page]);
		waiting = (struct waiting_walk){
		    .walk = {.kind = kind,
		             .after = after,
		             .arena = &pages[page],
		             .on_done = on_walked},
		};
		from->store->ops->walk(from->store, &waiting.walk);
		from->run_until(from->context, &waiting.done);
		if (waiting.walk.err)
			break;
		for (size_t i = 0; more && i < waiting.walk.records_n; i++)
			more = take(about, after = waiting.walk.records[i]);
	}
	for (int i = 0; i < 2; i++)
		arena_done(&pages[i]);
	return waiting.walk.err;
}
