/* SPDX-License-Identifier: Apache-2.0 */
/* Handles of the memory store: which call is carried out next, and when it is told. */
#include "store/memory_private.h"

#include <assert.h>
#include <stdlib.h>

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

struct call {
	enum call_kind kind;
	bool carried_out; /* only its answer is left */
	union {
		struct store_load *load;
		struct store_commit *commit;
		struct store_claim *claim;
		struct store_tally *tally;
		struct store_purge *purge;
		struct store_count *count;
		struct store_walk *walk;
		struct store_erase *erase;
	};
};

struct memory_handle {
	struct store store;
	struct memory_store *memory; /* borrowed */
	struct executor *executor;   /* borrowed */
	struct task pump;
	bool pump_posted;
	struct call *calls; /* owned: those under way, in no order */
	size_t calls_n, calls_cap;
	uint64_t random;
};

static struct memory_handle *handle_of(struct store *store)
{
	return CONTAINER_OF(store, struct memory_handle, store);
}

/* splitmix64 */
static uint64_t random_next(uint64_t *random)
{
	uint64_t x = *random += 0x9E3779B97F4A7C15;
	x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9;
	x = (x ^ x >> 27) * 0x94D049BB133111EB;
	return x ^ x >> 31;
}

static void pump_post(struct memory_handle *handle)
{
	if (handle->pump_posted)
		return;
	handle->pump_posted = true;
	executor_post(handle->executor, &handle->pump);
}

static void call_add(struct store *store, struct call call)
{
	struct memory_handle *handle = handle_of(store);
	if (handle->calls_n == handle->calls_cap) {
		size_t cap = handle->calls_cap ? handle->calls_cap * 2 : 64;
		struct call *calls = reallocarray(handle->calls, cap, sizeof(*calls));
		/* A call has no way to say no at once, and this store is for tests. */
		if (!calls)
			abort();
		handle->calls = calls;
		handle->calls_cap = cap;
	}
	handle->calls[handle->calls_n++] = call;
	pump_post(handle);
}

static void call_carry_out(struct memory_store *memory, const struct call *call)
{
	pthread_mutex_lock(&memory->lock);
	switch (call->kind) {
	case CALL_LOAD:
		rows_load(memory, call->load);
		break;
	case CALL_COMMIT:
		rows_commit(memory, call->commit);
		break;
	case CALL_CLAIM:
		rows_claim(memory, call->claim);
		break;
	case CALL_TALLY:
		rows_tally(memory, call->tally);
		break;
	case CALL_PURGE:
		rows_purge(memory, call->purge);
		break;
	case CALL_COUNT:
		rows_count(memory, call->count);
		break;
	case CALL_WALK:
		rows_walk(memory, call->walk);
		break;
	case CALL_ERASE:
		rows_erase(memory, call->erase);
		break;
	}
	pthread_mutex_unlock(&memory->lock);
}

static void call_answer(const struct call *call)
{
	switch (call->kind) {
	case CALL_LOAD:
		call->load->on_done(call->load);
		break;
	case CALL_COMMIT:
		call->commit->on_done(call->commit);
		break;
	case CALL_CLAIM:
		call->claim->on_done(call->claim);
		break;
	case CALL_TALLY:
		call->tally->on_done(call->tally);
		break;
	case CALL_PURGE:
		call->purge->on_done(call->purge);
		break;
	case CALL_COUNT:
		call->count->on_done(call->count);
		break;
	case CALL_WALK:
		call->walk->on_done(call->walk);
		break;
	case CALL_ERASE:
		call->erase->on_done(call->erase);
		break;
	}
}

/* One step of one random call. */
static void on_pump(struct task *task)
{
	struct memory_handle *handle = CONTAINER_OF(task, struct memory_handle, pump);
	handle->pump_posted = false;
	struct call *call = &handle->calls[random_next(&handle->random) % handle->calls_n];
	if (!call->carried_out) {
		call_carry_out(handle->memory, call);
		call->carried_out = true;
		if (random_next(&handle->random) & 1) {
			pump_post(handle);
			return;
		}
	}
	struct call answered = *call;
	*call = handle->calls[--handle->calls_n];
	if (handle->calls_n)
		pump_post(handle);
	/* The handle may be closed from in here. */
	call_answer(&answered);
}

static void memory_load(struct store *store, struct store_load *load)
{
	call_add(store, (struct call){.kind = CALL_LOAD, .load = load});
}

static void memory_commit(struct store *store, struct store_commit *commit)
{
	call_add(store, (struct call){.kind = CALL_COMMIT, .commit = commit});
}

static void memory_claim(struct store *store, struct store_claim *claim)
{
	assert(claim->max <= CLAIM_MAX);
	call_add(store, (struct call){.kind = CALL_CLAIM, .claim = claim});
}

static void memory_tally(struct store *store, struct store_tally *tally)
{
	call_add(store, (struct call){.kind = CALL_TALLY, .tally = tally});
}

static void memory_purge(struct store *store, struct store_purge *purge)
{
	call_add(store, (struct call){.kind = CALL_PURGE, .purge = purge});
}

static void memory_count(struct store *store, struct store_count *count)
{
	call_add(store, (struct call){.kind = CALL_COUNT, .count = count});
}

static void memory_walk(struct store *store, struct store_walk *walk)
{
	call_add(store, (struct call){.kind = CALL_WALK, .walk = walk});
}

static void memory_erase(struct store *store, struct store_erase *erase)
{
	call_add(store, (struct call){.kind = CALL_ERASE, .erase = erase});
}

static void memory_note(struct store *store, const struct event *event)
{
	struct memory_store *memory = handle_of(store)->memory;
	pthread_mutex_lock(&memory->lock);
	rows_note(memory, event);
	pthread_mutex_unlock(&memory->lock);
}

static enum err memory_generation(struct store *store, uint64_t *ret)
{
	struct memory_store *memory = handle_of(store)->memory;
	pthread_mutex_lock(&memory->lock);
	*ret = memory->generation;
	pthread_mutex_unlock(&memory->lock);
	return OK;
}

static void memory_close(struct store *store)
{
	struct memory_handle *handle = handle_of(store);
	assert(!handle->calls_n && !handle->pump_posted);
	pthread_mutex_lock(&handle->memory->lock);
	handle->memory->attached--;
	pthread_mutex_unlock(&handle->memory->lock);
	free(handle->calls);
	free(handle);
}

static const struct store_ops memory_ops = {
    .name = "memory",
    .load = memory_load,
    .commit = memory_commit,
    .note = memory_note,
    .claim = memory_claim,
    .tally = memory_tally,
    .purge = memory_purge,
    .count = memory_count,
    .walk = memory_walk,
    .erase = memory_erase,
    .generation = memory_generation,
    .close = memory_close,
};

struct memory_store *memory_new(uint64_t seed)
{
	struct memory_store *memory = calloc(1, sizeof(*memory));
	if (!memory)
		return NULL;
	memory->seed = seed;
	memory->generation = STORE_GENERATION_NONE;
	pthread_mutex_init(&memory->lock, NULL);
	if (rows_init(memory)) {
		memory_free(memory);
		return NULL;
	}
	return memory;
}

void memory_free(struct memory_store *memory)
{
	if (!memory)
		return;
	assert(!memory->attached);
	rows_done(memory);
	pthread_mutex_destroy(&memory->lock);
	free(memory);
}

struct store *memory_attach(struct memory_store *memory, struct executor *executor)
{
	struct memory_handle *handle = calloc(1, sizeof(*handle));
	if (!handle)
		return NULL;
	handle->store.ops = &memory_ops;
	handle->memory = memory;
	handle->executor = executor;
	handle->pump.run = on_pump;
	pthread_mutex_lock(&memory->lock);
	memory->attached++;
	handle->random = random_next(&memory->seed);
	pthread_mutex_unlock(&memory->lock);
	return &handle->store;
}
