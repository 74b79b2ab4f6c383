/* SPDX-License-Identifier: Apache-2.0 */
/* Flows that race for one number on one store, which answers late and out of order: what was
 * evaluated is what is stored, no code is guessed more often than its policy allows, none is
 * approved twice, and each committed message is told once. Every failure prints its seed. */
#include "core/flow.h"

#include "store/memory.h"
#include "support/engine.h"
#include "support/executor.h"

#include <pthread.h>

#define T TEST_START_MS
#define LOOPS_MAX 2
#define CALLS_MAX 200
#define NUMBER "447700900123"

struct loop {
	struct test_executor *executor; /* borrowed */
	struct store *store;
	struct flow flow;
	struct keyring *keyring;
	struct test_rng rng;
	struct test_deliver deliver;
	struct test_clock clock;
	struct arena arena;
	size_t done_n;
	/* the calls that are its own */
	size_t calls_n;
	struct race_call *calls[CALLS_MAX];
};

struct race_call {
	struct flow_call flow;
	struct loop *loop;
	bool right;
	char guess[CODE_LENGTH_MAX + 1];
};

struct race {
	uint64_t seed;
	struct test_rng rng; /* the course of the race */
	struct memory_store *memory;
	struct limits limits;
	size_t loops_n;
	struct loop loops[LOOPS_MAX];
	struct test_executor executors[LOOPS_MAX]; /* loops on one thread share the first */
	size_t calls_n;
	struct race_call calls[CALLS_MAX];
	struct verification verification; /* the one that guesses are about */
	char code[CODE_LENGTH_MAX + 1];
	/* as the store has it in the end */
	struct store_load stored;
	struct store_counts counts;
	bool stored_done;
};

/* Fails with the seed. */
#define assert_race(race, truth)                                                                   \
	do {                                                                                       \
		if (!(truth))                                                                      \
			fail_msg("seed %llu: %s", (unsigned long long)(race)->seed, #truth);       \
	} while (0)

static void loop_init(struct race *race, size_t nth, struct test_executor *executor)
{
	struct loop *loop = &race->loops[nth];
	loop->executor = executor;
	loop->store = memory_attach(race->memory, &executor->executor);
	assert_non_null(loop->store);
	loop->keyring = test_keyring();
	test_rng_init(&loop->rng, race->seed * LOOPS_MAX + nth);
	test_deliver_init(&loop->deliver, ROUTE_QUEUED);
	loop->clock.now_ms = T;
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

static struct race *race_new(uint64_t seed, size_t loops_n, bool own_executors)
{
	struct race *race = calloc(1, sizeof(*race));
	assert_non_null(race);
	race->seed = seed;
	test_rng_init(&race->rng, seed);
	race->memory = memory_new(seed);
	assert_non_null(race->memory);
	race->limits = test_limits();
	race->loops_n = loops_n;
	for (size_t i = 0; i < LOOPS_MAX; i++)
		test_executor_init(&race->executors[i]);
	for (size_t i = 0; i < loops_n; i++)
		loop_init(race, i, &race->executors[own_executors ? i : 0]);
	return race;
}

static void race_free(struct race *race)
{
	for (size_t i = 0; i < race->loops_n; i++) {
		struct loop *loop = &race->loops[i];
		loop->store->ops->close(loop->store);
		keyring_free(loop->keyring);
		arena_done(&loop->arena);
	}
	for (size_t i = 0; i < LOOPS_MAX; i++)
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
	assert_true(race->calls_n < CALLS_MAX);
	struct race_call *call = &race->calls[race->calls_n++];
	call->loop = loop;
	call->flow = (struct flow_call){
	    .arena = &loop->arena,
	    .deadline_ms = T + 30 * SECONDS_MS,
	    .on_done = on_done,
	};
	loop->calls[loop->calls_n++] = call;
	return call;
}

static struct race_call *send_new(struct race *race, struct loop *loop, enum repeat repeat)
{
	struct race_call *call = call_new(race, loop);
	call->flow.kind = FLOW_SEND;
	call->flow.send = (struct send_command){
	    .purpose = PURPOSE_NUMBER,
	    .tenant = BYTES("demo"),
	    .client = BYTES("shop"),
	    .dialect = BYTES("dotdigital"),
	    .number = test_number(NUMBER),
	    .policy = test_policy(repeat),
	    .template = BYTES("{{code}}"),
	    .limits = &race->limits,
	};
	return call;
}

static struct race_call *guess_new(struct race *race, struct loop *loop, bool right)
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

static struct loop *any_loop(struct race *race)
{
	return &race->loops[test_rng_below(&race->rng, race->loops_n)];
}

/* A first send, carried through; everything after is about its record. */
static void race_send_first(struct race *race, enum repeat repeat)
{
	struct loop *loop = &race->loops[0];
	struct race_call *call = send_new(race, loop, repeat);
	call_start(call);
	test_executor_run_all(loop->executor);
	assert_int_equal(call->flow.err, OK);
	race->verification = call->flow.result.verification;
	assert_int_equal(code_derive(loop->keyring, &race->verification, race->code), OK);
	loop->calls_n = loop->done_n = race->calls_n = 0;
}

static void race_run_on_one_thread(struct race *race)
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

static void race_run_on_threads(struct race *race)
{
	pthread_t threads[LOOPS_MAX];
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

static void race_read_stored(struct race *race)
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

static size_t outcomes(const struct race *race, enum outcome outcome)
{
	size_t count = 0;
	for (size_t i = 0; i < race->calls_n; i++)
		count +=
		    race->calls[i].flow.err == OK && race->calls[i].flow.result.outcome == outcome;
	return count;
}

static size_t faults(const struct race *race)
{
	size_t count = 0;
	for (size_t i = 0; i < race->calls_n; i++) {
		if (race->calls[i].flow.err == OK)
			continue;
		/* Who lost nine times gives up; nothing else may go wrong. */
		assert_race(race, race->calls[i].flow.err == ERR_CONFLICT);
		count++;
	}
	return count;
}

static uint64_t conflicts(const struct race *race)
{
	uint64_t count = 0;
	for (size_t i = 0; i < race->loops_n; i++)
		count += race->loops[i].flow.conflicts;
	return count;
}

/* Every message that a send answered for is told once, by the loop that committed it; no other. */
static void assert_delivered_once(const struct race *race, size_t before)
{
	size_t sent = before, told = 0;
	for (size_t i = 0; i < race->loops_n; i++)
		told += race->loops[i].deliver.delivered_n;
	for (size_t i = 0; i < race->calls_n; i++) {
		const struct flow_call *call = &race->calls[i].flow;
		if (call->kind != FLOW_SEND || call->err || !call->result.changes_n)
			continue;
		sent++;
		assert_race(race, test_deliver_count(&race->calls[i].loop->deliver,
		                                     &call->result.message.id) == 1);
	}
	assert_race(race, told == sent);
	assert_race(race, race->counts.messages == sent);
}

/* ---- guesses --------------------------------------------------------------------------------- */

/* 200 guesses with one right among them. */
static void guesses_prepare(struct race *race)
{
	race_send_first(race, REPEAT_PARALLEL);
	/* Often among the first, where it decides something. */
	size_t right = test_rng_below(&race->rng, test_rng_below(&race->rng, 2) ? 8 : CALLS_MAX);
	for (size_t i = 0; i < CALLS_MAX; i++)
		guess_new(race, any_loop(race), i == right);
}

static void assert_guesses(struct race *race)
{
	race_read_stored(race);
	size_t approved = outcomes(race, OUTCOME_APPROVED);
	size_t locked = outcomes(race, OUTCOME_LOCKED);
	size_t wrong = outcomes(race, OUTCOME_WRONG) + locked;
	size_t gave_up = faults(race);
	size_t refused = outcomes(race, OUTCOME_SPENT) + outcomes(race, OUTCOME_USED) +
	                 outcomes(race, OUTCOME_REPEATED);
	assert_race(race, approved + wrong <= 5);
	assert_race(race, approved <= 1);
	assert_race(race, approved + locked == 1);
	assert_race(race, approved + wrong + refused + gave_up == CALLS_MAX);
	for (size_t i = 0; i < CALLS_MAX; i++)
		if (race->calls[i].flow.err == OK &&
		    race->calls[i].flow.result.outcome == OUTCOME_APPROVED)
			assert_race(race, race->calls[i].right);
	const struct store_load *stored = &race->stored;
	assert_race(race, stored->verification->tries == approved + wrong);
	assert_race(race, stored->budget->guesses.n == approved + wrong);
	assert_race(race, stored->verification->state ==
	                      (approved ? VERIFICATION_APPROVED : VERIFICATION_LOCKED));
	if (approved)
		assert_race(race, !stored->failures);
	else
		assert_race(race, stored->failures->count == wrong && wrong == 5);
	assert_delivered_once(race, 1);
}

static void one_flow_evaluates_no_more_than_the_tries(void **state)
{
	(void)state;
	size_t approved = 0;
	for (uint64_t seed = 1; seed <= 100; seed++) {
		struct race *race = race_new(seed, 1, false);
		guesses_prepare(race);
		race_run_on_one_thread(race);
		assert_guesses(race);
		/* Its gate keeps it from ever losing a commit to itself. */
		assert_race(race, conflicts(race) == 0);
		approved += outcomes(race, OUTCOME_APPROVED);
		race_free(race);
	}
	assert_in_range(approved, 10, 90);
}

static void two_flows_evaluate_no_more_than_the_tries(void **state)
{
	(void)state;
	size_t approved = 0, lost = 0;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct race *race = race_new(seed, 2, false);
		guesses_prepare(race);
		race_run_on_one_thread(race);
		assert_guesses(race);
		lost += conflicts(race);
		approved += outcomes(race, OUTCOME_APPROVED);
		race_free(race);
	}
	assert_in_range(approved, 20, 180);
	assert_in_range(lost, 100, SIZE_MAX);
}

static void two_threads_evaluate_no_more_than_the_tries(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 40; seed++) {
		struct race *race = race_new(seed, 2, true);
		guesses_prepare(race);
		race_run_on_threads(race);
		assert_guesses(race);
		race_free(race);
	}
}

/* ---- guesses and resends --------------------------------------------------------------------- */

/* A new code in the middle: each generation has tries of its own, and no more than those. */
static void resends_give_each_generation_its_own_tries(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 100; seed++) {
		struct race *race = race_new(seed, 2, false);
		race->limits.enabled = false;
		race_send_first(race, REPEAT_NEW);
		size_t sends = 0;
		for (size_t i = 0; i < CALLS_MAX; i++) {
			bool is_send = test_rng_below(&race->rng, 20) == 0;
			sends += is_send;
			if (is_send)
				send_new(race, any_loop(race), REPEAT_NEW);
			else
				guess_new(race, any_loop(race), false);
		}
		race_run_on_one_thread(race);
		race_read_stored(race);
		static uint8_t seen[CALLS_MAX + 2][6];
		memset(seen, 0, sizeof(seen));
		size_t evaluated = 0;
		for (size_t i = 0; i < CALLS_MAX; i++) {
			const struct flow_call *call = &race->calls[i].flow;
			if (call->err || call->kind == FLOW_SEND || !call->result.changes_n)
				continue;
			const struct verification *v = &call->result.verification;
			if (!id_equal(&v->id, &race->verification.id))
				continue;
			evaluated++;
			assert_race(race, v->tries <= 5 && v->generation <= sends + 1);
			assert_race(race, !seen[v->generation][v->tries]++);
		}
		faults(race);
		assert_race(race, race->stored.budget->guesses.n ==
		                      (evaluated < HISTORY_MAX ? evaluated : HISTORY_MAX));
		assert_race(race, race->stored.failures->count == evaluated);
		assert_race(race, race->counts.live <= 1);
		assert_delivered_once(race, 1);
		race_free(race);
	}
}

/* ---- sends ----------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	enum repeat repeat;
	bool one_live;
} send_rows[] = {
    {"parallel", REPEAT_PARALLEL, false},
    {"replace", REPEAT_REPLACE, true},
    {"new", REPEAT_NEW, true},
    {"same", REPEAT_SAME, true},
};

static void racing_sends_leave_one_live_record_of_a_slot(void **state)
{
	(void)state;
	for (size_t row = 0; row < COUNT(send_rows); row++)
		for (uint64_t seed = 1; seed <= 30; seed++) {
			struct race *race = race_new(seed, 2, false);
			race->limits.enabled = false;
			race_send_first(race, send_rows[row].repeat);
			for (size_t i = 0; i < 60; i++)
				send_new(race, any_loop(race), send_rows[row].repeat);
			race_run_on_one_thread(race);
			race_read_stored(race);
			size_t sent =
			    1 + outcomes(race, OUTCOME_SENT) + outcomes(race, OUTCOME_SENT_AGAIN);
			assert_race(race, sent + faults(race) == 61);
			assert_race(race,
			            race->counts.live == (send_rows[row].one_live ? 1 : sent));
			assert_race(race, race->stored.budget->send_streak == sent);
			if (send_rows[row].repeat == REPEAT_NEW)
				assert_race(race, race->stored.verification->generation == sent);
			if (send_rows[row].repeat == REPEAT_SAME)
				assert_race(race, outcomes(race, OUTCOME_SENT) == 0);
			assert_delivered_once(race, 1);
			race_free(race);
		}
}

/* All at one moment: the first send goes out, the delay holds the others. */
static void racing_sends_spend_the_budget_once(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 50; seed++) {
		struct race *race = race_new(seed, 2, seed % 2);
		for (size_t i = 0; i < 100; i++)
			send_new(race, any_loop(race), REPEAT_PARALLEL);
		if (seed % 2)
			race_run_on_threads(race);
		else
			race_run_on_one_thread(race);
		race_read_stored(race);
		assert_race(race, outcomes(race, OUTCOME_SENT) == 1);
		assert_race(race, outcomes(race, OUTCOME_SEND_LIMITED) + faults(race) == 99);
		assert_race(race, race->counts.verifications == 1);
		assert_delivered_once(race, 0);
		race_free(race);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_flow_evaluates_no_more_than_the_tries),
	    cmocka_unit_test(two_flows_evaluate_no_more_than_the_tries),
	    cmocka_unit_test(two_threads_evaluate_no_more_than_the_tries),
	    cmocka_unit_test(resends_give_each_generation_its_own_tries),
	    cmocka_unit_test(racing_sends_leave_one_live_record_of_a_slot),
	    cmocka_unit_test(racing_sends_spend_the_budget_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
