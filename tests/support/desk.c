/* SPDX-License-Identifier: Apache-2.0 */
#include "support/desk.h"

#include "base/list.h"

#include <assert.h>

void desk_init(struct desk *desk)
{
	*desk = (struct desk){0};
	test_executor_init(&desk->executor);
	arena_init(&desk->arena);
}

void desk_done(struct desk *desk)
{
	if (desk->store)
		desk->store->ops->close(desk->store);
	arena_done(&desk->arena);
	test_executor_done(&desk->executor);
}

struct waiting_commit {
	struct store_commit commit;
	bool done;
};

static void on_commit(struct store_commit *commit)
{
	CONTAINER_OF(commit, struct waiting_commit, commit)->done = true;
}

enum err desk_commit(struct desk *desk, const struct change *changes, size_t n)
{
	struct waiting_commit waiting = {
	    .commit = {.changes = changes, .changes_n = n, .on_done = on_commit}};
	desk->store->ops->commit(desk->store, &waiting.commit);
	assert(!waiting.done);
	test_executor_run_until(&desk->executor, &waiting.done);
	return waiting.commit.err;
}

enum err desk_change(struct desk *desk, enum change_kind kind, const void *record)
{
	return desk_commit(desk, &(struct change){.kind = kind, .record = record}, 1);
}

struct waiting_load {
	struct store_load load;
	bool done;
};

static void on_load(struct store_load *load)
{
	CONTAINER_OF(load, struct waiting_load, load)->done = true;
}

enum err desk_load(struct desk *desk, struct store_load *load)
{
	struct waiting_load waiting = {.load = *load};
	waiting.load.arena = &desk->arena;
	waiting.load.on_done = on_load;
	desk->store->ops->load(desk->store, &waiting.load);
	assert(!waiting.done);
	test_executor_run_until(&desk->executor, &waiting.done);
	*load = waiting.load;
	return load->err;
}

struct waiting_claim {
	struct store_claim claim;
	bool done;
};

static void on_claim(struct store_claim *claim)
{
	CONTAINER_OF(claim, struct waiting_claim, claim)->done = true;
}

enum err desk_claim(struct desk *desk, int64_t now_ms, int64_t lapse_ms, size_t max,
                    struct claimed **ret, size_t *ret_n)
{
	struct waiting_claim waiting = {.claim = {.now_ms = now_ms,
	                                          .lapse_ms = lapse_ms,
	                                          .max = max,
	                                          .arena = &desk->arena,
	                                          .on_done = on_claim}};
	desk->store->ops->claim(desk->store, &waiting.claim);
	assert(!waiting.done);
	test_executor_run_until(&desk->executor, &waiting.done);
	*ret = waiting.claim.claimed;
	*ret_n = waiting.claim.claimed_n;
	return waiting.claim.err;
}

struct waiting_purge {
	struct store_purge purge;
	bool done;
};

static void on_purge(struct store_purge *purge)
{
	CONTAINER_OF(purge, struct waiting_purge, purge)->done = true;
}

struct waiting_tally {
	struct store_tally tally;
	bool done;
};

static void on_tally(struct store_tally *tally)
{
	CONTAINER_OF(tally, struct waiting_tally, tally)->done = true;
}

enum err desk_tally(struct desk *desk, struct tally_row *rows, size_t n)
{
	struct waiting_tally waiting = {.tally = {.rows = rows, .rows_n = n, .on_done = on_tally}};
	desk->store->ops->tally(desk->store, &waiting.tally);
	assert(!waiting.done);
	test_executor_run_until(&desk->executor, &waiting.done);
	return waiting.tally.err;
}

enum err desk_purge(struct desk *desk, int64_t now_ms, int64_t before_ms, size_t *ret_deleted,
                    bool *ret_more)
{
	struct waiting_purge waiting = {
	    .purge = {.now_ms = now_ms, .before_ms = before_ms, .on_done = on_purge}};
	desk->store->ops->purge(desk->store, &waiting.purge);
	assert(!waiting.done);
	test_executor_run_until(&desk->executor, &waiting.done);
	*ret_deleted = waiting.purge.deleted;
	*ret_more = waiting.purge.more;
	return waiting.purge.err;
}

size_t desk_purge_all(struct desk *desk, int64_t now_ms, int64_t before_ms)
{
	size_t all = 0, deleted;
	bool more = true;
	while (more) {
		enum err err = desk_purge(desk, now_ms, before_ms, &deleted, &more);
		assert(!err);
		all += deleted;
	}
	return all;
}

struct waiting_count {
	struct store_count count;
	bool done;
};

static void on_count(struct store_count *count)
{
	CONTAINER_OF(count, struct waiting_count, count)->done = true;
}

struct store_counts desk_count(struct desk *desk)
{
	struct waiting_count waiting = {.count = {.on_done = on_count}};
	desk->store->ops->count(desk->store, &waiting.count);
	assert(!waiting.done);
	test_executor_run_until(&desk->executor, &waiting.done);
	assert(!waiting.count.err);
	return waiting.count.counts;
}

struct waiting_walk {
	struct store_walk walk;
	bool done;
};

static void on_walk(struct store_walk *walk)
{
	CONTAINER_OF(walk, struct waiting_walk, walk)->done = true;
}

enum err desk_walk(struct desk *desk, enum change_kind kind, const void *after,
                   const void *ret[WALK_MAX], size_t *ret_n)
{
	struct waiting_walk waiting = {
	    .walk = {.kind = kind, .after = after, .arena = &desk->arena, .on_done = on_walk}};
	desk->store->ops->walk(desk->store, &waiting.walk);
	assert(!waiting.done);
	test_executor_run_until(&desk->executor, &waiting.done);
	memcpy(ret, waiting.walk.records, waiting.walk.records_n * sizeof(ret[0]));
	*ret_n = waiting.walk.records_n;
	return waiting.walk.err;
}

struct waiting_erase {
	struct store_erase erase;
	bool done;
};

static void on_erase(struct store_erase *erase)
{
	CONTAINER_OF(erase, struct waiting_erase, erase)->done = true;
}

enum err desk_erase(struct desk *desk, struct store_erase *erase)
{
	struct waiting_erase waiting = {.erase = *erase};
	waiting.erase.on_done = on_erase;
	desk->store->ops->erase(desk->store, &waiting.erase);
	assert(!waiting.done);
	test_executor_run_until(&desk->executor, &waiting.done);
	*erase = waiting.erase;
	return erase->err;
}
