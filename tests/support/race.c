/* SPDX-License-Identifier: Apache-2.0 */
#include "support/race.h"

#include <pthread.h>

static void loop_init(struct race *race, size_t nth, struct test_executor *executor)
{
	struct loop *loop = &race->loops[nth];
	loop->executor = executor;
	loop->store = memory_attach(race->memory, &executor->executor);
	assert_non_null(loop->store);
	loop->keyring = test_keyring();
	test_rng_init(&loop->rng, race->seed * RACE_LOOPS_MAX + nth);
	test_deliver_init(&loop->deliver, ROUTE_QUEUED);
	loop->clock.now_ms = RACE_START_MS;
	arena_init(&loop->arena);
	const struct flow_ports ports = {
	    .store = loop->store,
	    .deliver = &loop->deliver.deliver,
	    .keyring = loop->keyring,
	    .rng = &loop->rng.rng,
	    .now_ms = test_clock_now,
	    .clock = &loop->clock,
	};
	flow_init(&loop->flow, &ports);
}

struct race *race_new(uint64_t seed, size_t loops_n, bool own_executors)
{
	struct race *race = calloc(1, sizeof(*race));
	assert_non_null(race);
	race->seed = seed;
	test_rng_init(&race->rng, seed);
	race->memory = memory_new(seed);
	assert_non_null(race->memory);
	race->limits = test_limits();
	race->loops_n = loops_n;
	for (size_t i = 0; i < RACE_LOOPS_MAX; i++)
		test_executor_init(&race->executors[i]);
	for (size_t i = 0; i < loops_n; i++)
		loop_init(race, i, &race->executors[own_executors ? i : 0]);
	return race;
}

void race_free(struct race *race)
{
	for (size_t i = 0; i < race->loops_n; i++) {
		struct loop *loop = &race->loops[i];
		loop->store->ops->close(loop->store);
		keyring_free(loop->keyring);
		arena_done(&loop->arena);
	}
	for (size_t i = 0; i < RACE_LOOPS_MAX; i++)
		test_executor_done(&race->executors[i]);
	memory_free(race->memory);
	free(race);
}

/* ---- commands -------------------------------------------------------------------------------- */

static void on_done(struct flow_call *flow)
{
	CONTAINER_OF(flow, struct race_call, flow)->loop->done_n++;
}

static struct race_call *call_new(struct race *race, struct loop *loop)
{
	assert_true(race->calls_n < RACE_CALLS_MAX);
	struct race_call *call = &race->calls[race->calls_n++];
	call->loop = loop;
	call->flow = (struct flow_call){
	    .arena = &loop->arena,
	    .deadline_ms = RACE_START_MS + 30 * SECONDS_MS,
	    .on_done = on_done,
	};
	loop->calls[loop->calls_n++] = call;
	return call;
}

struct race_call *race_send_new(struct race *race, struct loop *loop, enum repeat repeat)
{
	struct race_call *call = call_new(race, loop);
	call->flow.kind = FLOW_SEND;
	call->flow.send = (struct send_command){
	    .purpose = PURPOSE_NUMBER,
	    .tenant = BYTES("demo"),
	    .client = BYTES("shop"),
	    .dialect = BYTES("dotdigital"),
	    .number = test_number(RACE_NUMBER),
	    .policy = test_policy(repeat),
	    .template = BYTES("{{code}}"),
	    .limits = &race->limits,
	};
	return call;
}

struct race_call *race_guess_new(struct race *race, struct loop *loop, bool right)
{
	struct race_call *call = call_new(race, loop);
	call->right = right;
	memcpy(call->guess, race->code, sizeof(call->guess));
	while (!right && strcmp(call->guess, race->code) == 0)
		snprintf(call->guess, sizeof(call->guess), "%06d",
		         (int)test_rng_below(&race->rng, 1000000));
	call->flow.kind = FLOW_CHECK;
	call->flow.id = race->verification.id;
	call->flow.check = (struct check_command){
	    .purpose = PURPOSE_NUMBER,
	    .tenant = BYTES("demo"),
	    .client = BYTES("shop"),
	    .dialect = BYTES("dotdigital"),
	    .guess = bytes_from_text(call->guess),
	    .limits = &race->limits,
	};
	return call;
}

static void call_start(struct race_call *call)
{
	if (call->flow.kind == FLOW_SEND)
		flow_send(&call->loop->flow, &call->flow);
	else
		flow_check(&call->loop->flow, &call->flow);
}

struct loop *race_any_loop(struct race *race)
{
	return &race->loops[test_rng_below(&race->rng, race->loops_n)];
}

/* A first send, carried through; everything after is about its record. */
void race_send_first(struct race *race, enum repeat repeat)
{
	struct loop *loop = &race->loops[0];
	struct race_call *call = race_send_new(race, loop, repeat);
	call_start(call);
	test_executor_run_all(loop->executor);
	assert_int_equal(call->flow.err, OK);
	race->verification = call->flow.result.verification;
	assert_int_equal(code_derive(loop->keyring, &race->verification, race->code), OK);
	loop->calls_n = loop->done_n = race->calls_n = 0;
}

void race_run_on_one_thread(struct race *race)
{
	for (size_t i = 0; i < race->calls_n; i++) {
		call_start(&race->calls[i]);
		if (test_rng_below(&race->rng, 4) == 0)
			test_executor_run_one(&race->executors[0]);
	}
	test_executor_run_all(&race->executors[0]);
	for (size_t i = 0; i < race->loops_n; i++)
		assert_race(race, race->loops[i].done_n == race->loops[i].calls_n);
}

static void *on_thread(void *argument)
{
	struct loop *loop = argument;
	for (size_t i = 0; i < loop->calls_n; i++)
		call_start(loop->calls[i]);
	test_executor_run_count(loop->executor, &loop->done_n, loop->calls_n);
	return NULL;
}

void race_run_on_threads(struct race *race)
{
	pthread_t threads[RACE_LOOPS_MAX];
	for (size_t i = 0; i < race->loops_n; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, on_thread, &race->loops[i]), 0);
	for (size_t i = 0; i < race->loops_n; i++)
		pthread_join(threads[i], NULL);
}

/* ---- what is stored -------------------------------------------------------------------------- */

static void on_stored(struct store_load *load)
{
	CONTAINER_OF(load, struct race, stored)->stored_done = true;
}

struct counting {
	struct store_count count;
	bool done;
};

static void on_counted(struct store_count *count)
{
	CONTAINER_OF(count, struct counting, count)->done = true;
}

void race_read_stored(struct race *race)
{
	struct loop *loop = &race->loops[0];
	race->stored = (struct store_load){
	    .want = WANT_VERIFICATION | WANT_NUMBER,
	    .id = race->verification.id,
	    .arena = &loop->arena,
	    .on_done = on_stored,
	};
	store_load(loop->store, &race->stored);
	test_executor_run_until(loop->executor, &race->stored_done);
	assert_int_equal(race->stored.err, OK);
	struct counting counting = {.count.on_done = on_counted};
	loop->store->ops->count(loop->store, &counting.count);
	test_executor_run_until(loop->executor, &counting.done);
	race->counts = counting.count.counts;
}

size_t race_outcomes(const struct race *race, enum outcome outcome)
{
	size_t count = 0;
	for (size_t i = 0; i < race->calls_n; i++)
		count +=
		    race->calls[i].flow.err == OK && race->calls[i].flow.result.outcome == outcome;
	return count;
}

size_t race_faults(const struct race *race, enum err err)
{
	size_t count = 0;
	for (size_t i = 0; i < race->calls_n; i++)
		count += race->calls[i].flow.err == err;
	return count;
}

uint64_t race_conflicts(const struct race *race)
{
	uint64_t count = 0;
	for (size_t i = 0; i < race->loops_n; i++)
		count += race->loops[i].flow.conflicts;
	return count;
}
