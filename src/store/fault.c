/* SPDX-License-Identifier: Apache-2.0 */
/* Each call that goes on to the wrapped store does so as a copy, so that its answer comes here
 * first. */
#include "store/fault.h"

#include "base/list.h"
#include "store/load.h"

#include <assert.h>
#include <stdlib.h>

enum fault_kind {
	FAULT_NONE,
	FAULT_REFUSED,
	FAULT_LOST,
	FAULT_DOUBTFUL,
	FAULT_DROPPED,
	FAULT_VANISHED,
	FAULT_DELAYED,
};

struct fault_store {
	struct store store;
	struct store *inner; /* owned */
	struct executor *executor;
	struct fault_plan plan;
	uint64_t random;
	uint64_t calls, faults; /* since the plan was set */
	struct fault_counts counts;
	struct list unanswered; /* dropped and vanished ones, owned */
};

enum call_kind {
	CALL_LOAD,
	CALL_COMMIT,
	CALL_CLAIM,
	CALL_TALLY,
	CALL_PURGE,
	CALL_COUNT,
	CALL_WALK,
	CALL_ERASE
};

struct fault_call {
	struct task task;
	struct list member; /* in `unanswered`, or nowhere */
	struct fault_store *fault;
	enum call_kind kind;
	enum fault_kind meets;
	unsigned delay;
	void *original; /* the caller's */
	union {
		struct store_load load;
		struct store_commit commit;
		struct store_claim claim;
		struct store_tally tally;
		struct store_purge purge;
		struct store_count count;
		struct store_walk walk;
		struct store_erase erase;
	};
};

static struct fault_store *fault_of(struct store *store)
{
	return CONTAINER_OF(store, struct fault_store, store);
}

/* --- the plan -------------------------------------------------------------------------------- */

/* splitmix64 */
static uint64_t random_next(uint64_t *random)
{
	uint64_t x = *random += 0x9E3779B97F4A7C15;
	x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9;
	x = (x ^ x >> 27) * 0x94D049BB133111EB;
	return x ^ x >> 31;
}

static enum fault_kind fault_drawn(struct fault_store *fault)
{
	const struct fault_plan *plan = &fault->plan;
	const unsigned chances[] = {
	    [FAULT_REFUSED] = plan->refused,   [FAULT_LOST] = plan->lost,
	    [FAULT_DOUBTFUL] = plan->doubtful, [FAULT_DROPPED] = plan->dropped,
	    [FAULT_VANISHED] = plan->vanished, [FAULT_DELAYED] = plan->delayed,
	};
	/* Drawn for every call, so that what one meets does not depend on the kinds before it. */
	uint64_t drawn = random_next(&fault->random) % 1000;
	if (fault->calls++ < plan->after || (plan->faults_max && fault->faults >= plan->faults_max))
		return FAULT_NONE;
	for (enum fault_kind kind = FAULT_REFUSED; kind <= FAULT_DELAYED; kind++) {
		if (drawn < chances[kind])
			return fault->faults++, kind;
		drawn -= chances[kind];
	}
	return FAULT_NONE;
}

static enum fault_kind fault_next(struct fault_store *fault, bool reads)
{
	enum fault_kind kind = fault_drawn(fault);
	if (reads && (kind == FAULT_LOST || kind == FAULT_DOUBTFUL))
		kind = FAULT_REFUSED;
	fault->counts.calls++;
	fault->counts.refused += kind == FAULT_REFUSED;
	fault->counts.lost += kind == FAULT_LOST;
	fault->counts.doubtful += kind == FAULT_DOUBTFUL;
	fault->counts.dropped += kind == FAULT_DROPPED;
	fault->counts.vanished += kind == FAULT_VANISHED;
	fault->counts.delayed += kind == FAULT_DELAYED;
	return kind;
}

/* --- answers --------------------------------------------------------------------------------- */

static void call_fail(struct fault_call *call, enum err err)
{
	switch (call->kind) {
	case CALL_LOAD:
		load_clear(&call->load, err);
		return;
	case CALL_COMMIT:
		call->commit.err = err;
		return;
	case CALL_CLAIM:
		call->claim.claimed = NULL;
		call->claim.claimed_n = 0;
		call->claim.err = err;
		return;
	case CALL_TALLY:
		call->tally.err = err;
		return;
	case CALL_PURGE:
		call->purge.deleted = 0;
		call->purge.more = false;
		call->purge.err = err;
		return;
	case CALL_COUNT:
		call->count.counts = (struct store_counts){0};
		call->count.err = err;
		return;
	case CALL_WALK:
		call->walk.records_n = 0;
		call->walk.err = err;
		return;
	case CALL_ERASE:
		call->erase.users = call->erase.verifications = call->erase.messages = 0;
		call->erase.err = err;
		return;
	}
}

static enum err call_err(const struct fault_call *call)
{
	switch (call->kind) {
	case CALL_LOAD:
		return call->load.err;
	case CALL_COMMIT:
		return call->commit.err;
	case CALL_CLAIM:
		return call->claim.err;
	case CALL_TALLY:
		return call->tally.err;
	case CALL_PURGE:
		return call->purge.err;
	case CALL_COUNT:
		return call->count.err;
	case CALL_WALK:
		return call->walk.err;
	case CALL_ERASE:
		return call->erase.err;
	}
	return OK;
}

/* The answer without what belongs to the wrapped store. */
#define ANSWER(call, member, type)                                                                 \
	do {                                                                                       \
		struct type *original = (call)->original;                                          \
		void (*on_done)(struct type *) = original->on_done;                                \
		*original = (call)->member;                                                        \
		original->on_done = on_done;                                                       \
		free(call);                                                                        \
		on_done(original);                                                                 \
	} while (0)

static void call_answer(struct fault_call *call)
{
	switch (call->kind) {
	case CALL_LOAD:
		ANSWER(call, load, store_load);
		return;
	case CALL_COMMIT:
		ANSWER(call, commit, store_commit);
		return;
	case CALL_CLAIM:
		ANSWER(call, claim, store_claim);
		return;
	case CALL_TALLY:
		ANSWER(call, tally, store_tally);
		return;
	case CALL_PURGE:
		ANSWER(call, purge, store_purge);
		return;
	case CALL_COUNT:
		ANSWER(call, count, store_count);
		return;
	case CALL_WALK:
		ANSWER(call, walk, store_walk);
		return;
	case CALL_ERASE:
		ANSWER(call, erase, store_erase);
		return;
	}
}

/* Something that is refused, or delayed once more. */
static void on_turn(struct task *task)
{
	struct fault_call *call = CONTAINER_OF(task, struct fault_call, task);
	if (call->delay) {
		call->delay--;
		executor_post(call->fault->executor, &call->task);
		return;
	}
	call_answer(call);
}

/* The wrapped store has answered. */
static void call_done(struct fault_call *call)
{
	if (call->meets == FAULT_VANISHED) {
		list_append(&call->fault->unanswered, &call->member);
		return;
	}
	/* What is told to be refused was: only success is in doubt. */
	if (call->meets == FAULT_DOUBTFUL && call_err(call) == OK)
		call_fail(call, ERR_UNKNOWN);
	if (call->meets == FAULT_DELAYED) {
		call->task.run = on_turn;
		on_turn(&call->task);
		return;
	}
	call_answer(call);
}

static void on_load(struct store_load *load)
{
	call_done(CONTAINER_OF(load, struct fault_call, load));
}

static void on_commit(struct store_commit *commit)
{
	call_done(CONTAINER_OF(commit, struct fault_call, commit));
}

static void on_claim(struct store_claim *claim)
{
	call_done(CONTAINER_OF(claim, struct fault_call, claim));
}

static void on_tally(struct store_tally *tally)
{
	call_done(CONTAINER_OF(tally, struct fault_call, tally));
}

static void on_purge(struct store_purge *purge)
{
	call_done(CONTAINER_OF(purge, struct fault_call, purge));
}

static void on_count(struct store_count *count)
{
	call_done(CONTAINER_OF(count, struct fault_call, count));
}

static void on_walk(struct store_walk *walk)
{
	call_done(CONTAINER_OF(walk, struct fault_call, walk));
}

static void on_erase(struct store_erase *erase)
{
	call_done(CONTAINER_OF(erase, struct fault_call, erase));
}

/* --- calls ----------------------------------------------------------------------------------- */

static struct fault_call *call_new(struct store *store, enum call_kind kind, void *original)
{
	struct fault_call *call = calloc(1, sizeof(*call));
	/* There is no way to say no at once, and this store is for tests. */
	if (!call)
		abort();
	call->fault = fault_of(store);
	call->kind = kind;
	call->original = original;
	bool reads = kind == CALL_LOAD || kind == CALL_COUNT || kind == CALL_WALK;
	call->meets = fault_next(call->fault, reads);
	call->delay = call->fault->plan.delay;
	return call;
}

/* Whether the wrapped store gets to see the call; if not, it is dealt with here. */
static bool call_goes_on(struct fault_call *call)
{
	switch (call->meets) {
	case FAULT_REFUSED:
	case FAULT_LOST:
		call_fail(call, call->meets == FAULT_LOST ? ERR_UNKNOWN : ERR_STORE);
		call->delay = 0;
		call->task.run = on_turn;
		executor_post(call->fault->executor, &call->task);
		return false;
	case FAULT_DROPPED:
		list_append(&call->fault->unanswered, &call->member);
		return false;
	case FAULT_NONE:
	case FAULT_DOUBTFUL:
	case FAULT_VANISHED:
	case FAULT_DELAYED:
		return true;
	}
	return true;
}

static void fault_load(struct store *store, struct store_load *load)
{
	struct fault_call *call = call_new(store, CALL_LOAD, load);
	call->load = *load;
	call->load.on_done = on_load;
	if (call_goes_on(call))
		call->fault->inner->ops->load(call->fault->inner, &call->load);
}

static void fault_commit(struct store *store, struct store_commit *commit)
{
	struct fault_call *call = call_new(store, CALL_COMMIT, commit);
	call->commit = *commit;
	call->commit.on_done = on_commit;
	if (call_goes_on(call))
		call->fault->inner->ops->commit(call->fault->inner, &call->commit);
}

static void fault_claim(struct store *store, struct store_claim *claim)
{
	struct fault_call *call = call_new(store, CALL_CLAIM, claim);
	call->claim = *claim;
	call->claim.on_done = on_claim;
	if (call_goes_on(call))
		call->fault->inner->ops->claim(call->fault->inner, &call->claim);
}

static void fault_tally(struct store *store, struct store_tally *tally)
{
	struct fault_call *call = call_new(store, CALL_TALLY, tally);
	call->tally = *tally;
	call->tally.on_done = on_tally;
	if (call_goes_on(call))
		call->fault->inner->ops->tally(call->fault->inner, &call->tally);
}

static void fault_purge(struct store *store, struct store_purge *purge)
{
	struct fault_call *call = call_new(store, CALL_PURGE, purge);
	call->purge = *purge;
	call->purge.on_done = on_purge;
	if (call_goes_on(call))
		call->fault->inner->ops->purge(call->fault->inner, &call->purge);
}

static void fault_count(struct store *store, struct store_count *count)
{
	struct fault_call *call = call_new(store, CALL_COUNT, count);
	call->count = *count;
	call->count.on_done = on_count;
	if (call_goes_on(call))
		call->fault->inner->ops->count(call->fault->inner, &call->count);
}

static void fault_walk(struct store *store, struct store_walk *walk)
{
	struct fault_call *call = call_new(store, CALL_WALK, walk);
	call->walk = *walk;
	call->walk.on_done = on_walk;
	if (call_goes_on(call))
		call->fault->inner->ops->walk(call->fault->inner, &call->walk);
}

static void fault_erase(struct store *store, struct store_erase *erase)
{
	struct fault_call *call = call_new(store, CALL_ERASE, erase);
	call->erase = *erase;
	call->erase.on_done = on_erase;
	if (call_goes_on(call))
		call->fault->inner->ops->erase(call->fault->inner, &call->erase);
}

static void fault_note(struct store *store, const struct event *event)
{
	struct fault_store *fault = fault_of(store);
	enum fault_kind kind = fault_next(fault, false);
	if (kind != FAULT_REFUSED && kind != FAULT_LOST && kind != FAULT_DROPPED)
		fault->inner->ops->note(fault->inner, event);
}

static enum err fault_generation(struct store *store, uint64_t *ret)
{
	struct fault_store *fault = fault_of(store);
	enum fault_kind kind = fault_next(fault, true);
	if (kind == FAULT_REFUSED || kind == FAULT_DROPPED || kind == FAULT_VANISHED)
		return ERR_STORE;
	return fault->inner->ops->generation(fault->inner, ret);
}

static void fault_close(struct store *store)
{
	struct fault_store *fault = fault_of(store);
	fault->inner->ops->close(fault->inner);
	struct list *member;
	while ((member = list_pop(&fault->unanswered)))
		free(CONTAINER_OF(member, struct fault_call, member));
	free(fault);
}

static const struct store_ops fault_ops = {
    .name = "fault",
    .load = fault_load,
    .commit = fault_commit,
    .note = fault_note,
    .claim = fault_claim,
    .tally = fault_tally,
    .purge = fault_purge,
    .count = fault_count,
    .walk = fault_walk,
    .erase = fault_erase,
    .generation = fault_generation,
    .close = fault_close,
};

struct store *fault_new(struct store *inner, struct executor *executor,
                        const struct fault_plan *plan)
{
	struct fault_store *fault = calloc(1, sizeof(*fault));
	if (!fault)
		return NULL;
	fault->store.ops = &fault_ops;
	fault->inner = inner;
	fault->executor = executor;
	list_init(&fault->unanswered);
	fault_set(&fault->store, plan);
	return &fault->store;
}

void fault_set(struct store *store, const struct fault_plan *plan)
{
	struct fault_store *fault = fault_of(store);
	assert(plan->refused + plan->lost + plan->doubtful + plan->dropped + plan->vanished +
	           plan->delayed <=
	       1000);
	fault->plan = *plan;
	fault->random = plan->seed;
	fault->calls = fault->faults = 0;
}

struct fault_counts fault_counts(struct store *store)
{
	return fault_of(store)->counts;
}
