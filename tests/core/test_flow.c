/* SPDX-License-Identifier: Apache-2.0 */
/* A flow over a store that answers as the test says: what is asked of the store, in which order,
 * what is told to whom, and when a command is given up. */
#include "core/flow.h"

#include "support/engine.h"
#include "support/executor.h"

#define T TEST_START_MS

/* ---- the scripted store ---------------------------------------------------------------------- */

#define ANSWERS_MAX 16

/* Holds one verification. Answers in order, later; a commit is written only when it is told OK. */
struct script {
	struct store store;
	struct executor *executor; /* borrowed */
	enum err load_err;
	enum err commit_errs[ANSWERS_MAX]; /* of the first commits; OK afterwards */
	struct verification *verification; /* what checks find; borrowed */
	bool event_found;
	struct task_list tasks;
	size_t loads_n, commits_n, notes_n, notes_count;
	struct event last_note;
	struct store_load last_load; /* as asked */
};

static struct script *script_of(struct store *store)
{
	return CONTAINER_OF(store, struct script, store);
}

static void on_load_task(struct task *task)
{
	struct store_load *load = CONTAINER_OF(task, struct store_load, task);
	load->on_done(load);
}

static void script_load(struct store *store, struct store_load *load)
{
	struct script *script = script_of(store);
	script->loads_n++;
	script->last_load = *load;
	load->err = script->load_err;
	load->verification = load->want & WANT_VERIFICATION ? script->verification : NULL;
	load->budget = NULL;
	load->failures = NULL;
	load->line = NULL;
	load->event_found = load->want & WANT_EVENT && script->event_found;
	load->task.run = on_load_task;
	executor_post(script->executor, &load->task);
}

static void on_commit_task(struct task *task)
{
	struct store_commit *commit = CONTAINER_OF(task, struct store_commit, task);
	commit->on_done(commit);
}

static void script_commit(struct store *store, struct store_commit *commit)
{
	struct script *script = script_of(store);
	size_t nth = script->commits_n++;
	commit->err = nth < ANSWERS_MAX ? script->commit_errs[nth] : OK;
	commit->task.run = on_commit_task;
	executor_post(script->executor, &commit->task);
}

static void script_note(struct store *store, const struct event *event)
{
	struct script *script = script_of(store);
	script->notes_n++;
	script->notes_count += event->count;
	script->last_note = *event;
}

static const struct store_ops script_ops = {
    .name = "script",
    .load = script_load,
    .commit = script_commit,
    .note = script_note,
};

/* ---- the rig --------------------------------------------------------------------------------- */

#define CALLS_MAX 512

struct rig {
	struct test_executor executor;
	struct script script;
	struct test_deliver deliver;
	struct test_clock clock;
	struct test_rng rng;
	struct keyring *keyring;
	struct limits limits;
	struct arena arena;
	struct flow flow;
	struct flow_call calls[CALLS_MAX];
	size_t done_n;
	struct flow_call *done[CALLS_MAX]; /* in the order they were answered */
	size_t delivered_at[CALLS_MAX];    /* how much delivery knew by then */
};

static struct rig *rig; /* of the test that runs: callbacks have no other way to it */

static int rig_setup(void **state)
{
	(void)state;
	rig = calloc(1, sizeof(*rig));
	assert_non_null(rig);
	test_executor_init(&rig->executor);
	rig->script.store.ops = &script_ops;
	rig->script.executor = &rig->executor.executor;
	test_deliver_init(&rig->deliver, ROUTE_QUEUED);
	rig->clock.now_ms = T;
	test_rng_init(&rig->rng, 1);
	rig->keyring = test_keyring();
	rig->limits = test_limits();
	arena_init(&rig->arena);
	const struct flow_ports ports = {
	    .store = &rig->script.store,
	    .deliver = &rig->deliver.deliver,
	    .keyring = rig->keyring,
	    .rng = &rig->rng.rng,
	    .now_ms = test_clock_now,
	    .clock = &rig->clock,
	};
	flow_init(&rig->flow, &ports);
	return 0;
}

static int rig_teardown(void **state)
{
	(void)state;
	test_executor_done(&rig->executor);
	keyring_free(rig->keyring);
	arena_done(&rig->arena);
	free(rig);
	return 0;
}

static void on_done(struct flow_call *call)
{
	rig->delivered_at[rig->done_n] = rig->deliver.delivered_n;
	rig->done[rig->done_n++] = call;
}

static struct flow_call *send_prepare(size_t nth, const char *digits)
{
	struct flow_call *call = &rig->calls[nth];
	*call = (struct flow_call){
	    .send = {.purpose = PURPOSE_NUMBER,
	             .tenant = BYTES("demo"),
	             .client = BYTES("shop"),
	             .dialect = BYTES("dotdigital"),
	             .number = test_number(digits),
	             .policy = test_policy(REPEAT_PARALLEL),
	             .template = BYTES("{{code}}"),
	             .limits = &rig->limits},
	    .arena = &rig->arena,
	    .deadline_ms = T + 30 * SECONDS_MS,
	    .on_done = on_done,
	};
	return call;
}

static struct flow_call *send(size_t nth, const char *digits)
{
	struct flow_call *call = send_prepare(nth, digits);
	flow_send(&rig->flow, call);
	return call;
}

static struct flow_call *check(size_t nth, const struct id *id, const char *guess)
{
	struct flow_call *call = &rig->calls[nth];
	*call = (struct flow_call){
	    .check = {.purpose = PURPOSE_NUMBER,
	              .tenant = BYTES("demo"),
	              .client = BYTES("shop"),
	              .dialect = BYTES("dotdigital"),
	              .guess = bytes_from_text(guess),
	              .limits = &rig->limits},
	    .id = *id,
	    .arena = &rig->arena,
	    .deadline_ms = T + 30 * SECONDS_MS,
	    .on_done = on_done,
	};
	flow_check(&rig->flow, call);
	return call;
}

static void run_all(void)
{
	test_executor_run_all(&rig->executor);
}

#define NUMBER "447700900123"
/* In another bucket. */
#define NUMBER_ELSEWHERE "447700900124"

/* ---- what is asked and told ------------------------------------------------------------------ */

static void a_send_loads_commits_delivers_and_answers(void **state)
{
	(void)state;
	struct flow_call *call = send(0, NUMBER);
	assert_int_equal(rig->script.loads_n, 1);
	assert_int_equal(rig->script.last_load.want, WANT_BUDGET | WANT_LINE);
	assert_true(number_equal(&rig->script.last_load.number, &call->send.number));
	assert_true(bytes_equal(rig->script.last_load.tenant, BYTES("demo")));
	assert_int_equal(rig->done_n, 0);
	run_all();
	assert_int_equal(rig->done_n, 1);
	assert_int_equal(call->err, OK);
	assert_outcome(call->result.outcome, OUTCOME_SENT);
	assert_int_equal(rig->script.commits_n, 1);
	assert_int_equal(rig->script.notes_n, 0);
	assert_int_equal(rig->deliver.plans_n, 1);
	/* Delivery knows before the caller does, and is told once. */
	assert_int_equal(rig->delivered_at[0], 1);
	assert_int_equal(test_deliver_count(&rig->deliver, &call->result.message.id), 1);
	assert_int_equal(rig->flow.calls_n, 0);
}

static void a_send_with_a_slot_asks_for_it(void **state)
{
	(void)state;
	struct flow_call *call = send_prepare(0, NUMBER);
	call->send.policy.repeat = REPEAT_REPLACE;
	call->send.purpose = PURPOSE_NUMBER;
	flow_send(&rig->flow, call);
	assert_int_equal(rig->script.last_load.want, WANT_BUDGET | WANT_LINE | WANT_SLOT);
	assert_int_equal(rig->script.last_load.purpose, PURPOSE_NUMBER);
	assert_true(bytes_equal(rig->script.last_load.slot, BYTES("client:shop " NUMBER)));
	run_all();
	assert_true(bytes_equal(call->result.verification.slot, BYTES("client:shop " NUMBER)));
}

/* The store knows nothing of a message that is born final; delivery gets it all the same. */
static void delivery_gets_a_message_that_is_not_stored(void **state)
{
	(void)state;
	rig->deliver.plan.route = ROUTE_AT_ONCE;
	struct flow_call *call = send(0, NUMBER);
	run_all();
	for (size_t i = 0; i < call->result.changes_n; i++)
		assert_int_not_equal(call->result.changes[i].kind, CHANGE_MESSAGE);
	assert_int_equal(rig->deliver.delivered_n, 1);
	assert_string_equal(rig->deliver.delivered[0].template, "{{code}}");
	assert_int_equal(rig->deliver.delivered[0].state, MESSAGE_DELIVERED);
}

static void a_check_asks_by_id_and_delivers_nothing(void **state)
{
	(void)state;
	struct flow_call *sent = send(0, NUMBER);
	run_all();
	struct verification v = sent->result.verification;
	rig->script.verification = &v;
	char code[CODE_LENGTH_MAX + 1];
	assert_int_equal(code_derive(rig->keyring, &v, code), OK);
	struct flow_call *call = check(1, &v.id, code);
	assert_int_equal(rig->script.last_load.want,
	                 WANT_BUDGET | WANT_FAILURES | WANT_VERIFICATION);
	assert_true(id_equal(&rig->script.last_load.id, &v.id));
	run_all();
	assert_int_equal(call->err, OK);
	assert_outcome(call->result.outcome, OUTCOME_APPROVED);
	assert_int_equal(rig->script.commits_n, 2);
	assert_int_equal(rig->deliver.delivered_n, 1);
	assert_int_equal(rig->deliver.plans_n, 1);
}

static void a_refusal_is_noted_and_not_committed(void **state)
{
	(void)state;
	const struct id id = {{1}};
	struct flow_call *call = check(0, &id, "123456");
	run_all();
	assert_int_equal(call->err, OK);
	assert_outcome(call->result.outcome, OUTCOME_UNKNOWN);
	assert_int_equal(rig->script.commits_n, 0);
	assert_int_equal(rig->script.notes_n, 1);
	assert_string_equal(rig->script.last_note.reason.at, "unknown");
}

static void a_look_is_neither_noted_nor_committed(void **state)
{
	(void)state;
	struct flow_call *sent = send(0, NUMBER);
	run_all();
	struct verification v = sent->result.verification;
	rig->script.verification = &v;
	struct flow_call *call = check(1, &v.id, "");
	call->check.look = true;
	run_all();
	assert_outcome(call->result.outcome, OUTCOME_PENDING);
	assert_int_equal(rig->script.commits_n, 1);
	assert_int_equal(rig->script.notes_n, 0);
}

/* ---- faults ---------------------------------------------------------------------------------- */

static void a_failing_load_is_a_fault(void **state)
{
	(void)state;
	static const enum err errs[] = {ERR_STORE, ERR_NO_MEMORY};
	for (size_t i = 0; i < COUNT(errs); i++) {
		rig->script.load_err = errs[i];
		struct flow_call *call = send(i, NUMBER);
		run_all();
		assert_int_equal(call->err, errs[i]);
	}
	assert_int_equal(rig->script.commits_n, 0);
	assert_int_equal(rig->deliver.delivered_n, 0);
	assert_int_equal(rig->script.notes_n, 0);
}

static void a_failing_commit_is_a_fault_and_delivers_nothing(void **state)
{
	(void)state;
	static const enum err errs[] = {ERR_STORE, ERR_UNKNOWN, ERR_OVERLOAD};
	memcpy(rig->script.commit_errs, errs, sizeof(errs));
	for (size_t i = 0; i < COUNT(errs); i++) {
		struct flow_call *call = send(i, NUMBER);
		run_all();
		assert_int_equal(call->err, errs[i]);
		/* Once: nothing but a conflict is tried again. */
		assert_int_equal(rig->script.commits_n, i + 1);
	}
	assert_int_equal(rig->deliver.delivered_n, 0);
	/* The gate is free again. */
	assert_int_equal(send(3, NUMBER)->err, OK);
	run_all();
	assert_int_equal(rig->deliver.delivered_n, 1);
	assert_int_equal(rig->flow.calls_n, 0);
}

/* A commit that may or may not have happened is looked for by its event, and never done again. */
static void a_doubtful_commit_that_happened_is_answered_as_such(void **state)
{
	(void)state;
	rig->script.commit_errs[0] = ERR_UNKNOWN;
	rig->script.event_found = true;
	struct flow_call *call = send(0, NUMBER);
	run_all();
	assert_int_equal(call->err, OK);
	assert_int_equal(call->result.outcome, OUTCOME_SENT);
	assert_int_equal(rig->script.last_load.want, WANT_EVENT);
	assert_memory_equal(&rig->script.last_load.id, &call->result.event.id, ID_LEN);
	assert_int_equal(rig->script.commits_n, 1);
	assert_int_equal(rig->deliver.delivered_n, 1);
}

static void a_doubt_is_not_looked_into_after_the_deadline(void **state)
{
	(void)state;
	rig->script.commit_errs[0] = ERR_UNKNOWN;
	rig->script.event_found = true;
	struct flow_call *call = send(0, NUMBER);
	while (rig->script.commits_n == 0)
		assert_true(test_executor_run_one(&rig->executor));
	rig->clock.now_ms = call->deadline_ms;
	run_all();
	assert_int_equal(call->err, ERR_UNKNOWN);
	assert_int_equal(rig->script.loads_n, 1);
	assert_int_equal(rig->deliver.delivered_n, 0);
}

static void a_failing_step_is_a_fault(void **state)
{
	(void)state;
	rig->deliver.plan.route = ROUTE_NONE;
	struct flow_call *call = send(0, NUMBER);
	run_all();
	assert_int_equal(call->err, ERR_UNSUPPORTED);
	rig->deliver.plan.route = ROUTE_QUEUED;
	rig->rng.fails_from = 1;
	call = send(1, NUMBER);
	run_all();
	assert_int_equal(call->err, ERR_RANDOM);
	assert_int_equal(rig->script.commits_n, 0);
	assert_int_equal(rig->script.notes_n, 0);
	assert_int_equal(rig->deliver.delivered_n, 0);
}

static void without_memory_for_its_slot_a_send_does_not_begin(void **state)
{
	(void)state;
	struct flow_call *call = send_prepare(0, NUMBER);
	call->send.purpose = PURPOSE_PHONE;
	call->send.policy.repeat = REPEAT_NEW;
	call->send.user = (struct bytes){"ada", SIZE_MAX - 1};
	flow_send(&rig->flow, call);
	assert_int_equal(rig->done_n, 1);
	assert_int_equal(call->err, ERR_NO_MEMORY);
	assert_int_equal(rig->script.loads_n, 0);
	assert_int_equal(rig->flow.calls_n, 0);
}

/* ---- conflicts ------------------------------------------------------------------------------- */

static void conflicts_are_tried_again_up_to_a_limit(void **state)
{
	(void)state;
	assert_int_equal(FLOW_RELOADS_MAX, 8);
	for (size_t i = 0; i < FLOW_RELOADS_MAX; i++)
		rig->script.commit_errs[i] = ERR_CONFLICT;
	struct flow_call *call = send(0, NUMBER);
	run_all();
	assert_int_equal(call->err, OK);
	assert_int_equal(rig->script.loads_n, FLOW_RELOADS_MAX + 1);
	assert_int_equal(rig->script.commits_n, FLOW_RELOADS_MAX + 1);
	assert_int_equal(rig->flow.conflicts, FLOW_RELOADS_MAX);
	assert_int_equal(rig->deliver.delivered_n, 1);
	assert_int_equal(test_deliver_count(&rig->deliver, &call->result.message.id), 1);

	rig->script.commits_n = rig->script.loads_n = 0;
	rig->script.commit_errs[FLOW_RELOADS_MAX] = ERR_CONFLICT;
	call = send(1, NUMBER);
	run_all();
	assert_int_equal(call->err, ERR_CONFLICT);
	assert_int_equal(rig->script.loads_n, FLOW_RELOADS_MAX + 1);
	assert_int_equal(rig->script.commits_n, FLOW_RELOADS_MAX + 1);
	assert_int_equal(rig->deliver.delivered_n, 1);
	/* The next one has all its reloads. */
	rig->script.commits_n = 1;
	call = send(2, NUMBER);
	run_all();
	assert_int_equal(call->err, OK);
}

/* What the last command left in the caller's memory does not count. */
static void a_call_may_be_used_again(void **state)
{
	(void)state;
	struct flow_call *call = send_prepare(0, NUMBER);
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < FLOW_RELOADS_MAX; i++)
			rig->script.commit_errs[i] = ERR_CONFLICT;
		rig->script.commits_n = 0;
		flow_send(&rig->flow, call);
		run_all();
		assert_int_equal(call->err, OK);
		assert_outcome(call->result.outcome, OUTCOME_SENT);
	}
	assert_int_equal(rig->deliver.delivered_n, 3);
}

static void no_attempt_begins_after_the_deadline(void **state)
{
	(void)state;
	rig->script.commit_errs[0] = rig->script.commit_errs[1] = ERR_CONFLICT;
	struct flow_call *call = send(0, NUMBER);
	test_executor_run_one(&rig->executor);
	rig->clock.now_ms = call->deadline_ms - 1;
	run_all();
	assert_int_equal(call->err, OK);
	assert_int_equal(rig->script.commits_n, 3);

	rig->script.commits_n = 1;
	rig->clock.now_ms = T;
	call = send(1, NUMBER);
	test_executor_run_one(&rig->executor);
	rig->clock.now_ms = call->deadline_ms;
	run_all();
	assert_int_equal(call->err, ERR_CONFLICT);
	assert_int_equal(rig->script.commits_n, 2);
}

/* ---- the gate -------------------------------------------------------------------------------- */

static void commands_of_a_number_go_one_after_another(void **state)
{
	(void)state;
	for (size_t i = 0; i < 5; i++)
		send(i, NUMBER);
	assert_int_equal(rig->script.loads_n, 1);
	assert_int_equal(rig->flow.calls_n, 5);
	send(5, NUMBER_ELSEWHERE);
	assert_int_equal(rig->script.loads_n, 2);
	run_all();
	assert_int_equal(rig->script.loads_n, 6);
	assert_int_equal(rig->done_n, 6);
	/* In the order they came; the other number did not wait for them. */
	size_t expected = 0;
	for (size_t i = 0; i < 6; i++)
		if (rig->done[i] != &rig->calls[5])
			assert_ptr_equal(rig->done[i], &rig->calls[expected++]);
	assert_ptr_not_equal(rig->done[5], &rig->calls[5]);
}

static void checks_wait_for_the_sends_of_their_number(void **state)
{
	(void)state;
	struct id id;
	struct number number = test_number(NUMBER);
	assert_int_equal(id_make(T, number_bucket(&number), &rig->rng.rng, &id), OK);
	send(0, NUMBER);
	check(1, &id, "123456");
	assert_int_equal(rig->script.loads_n, 1);
	run_all();
	assert_int_equal(rig->done_n, 2);
	assert_ptr_equal(rig->done[1], &rig->calls[1]);
}

static void a_fault_lets_the_next_one_in(void **state)
{
	(void)state;
	rig->script.commit_errs[0] = ERR_STORE;
	send(0, NUMBER);
	send(1, NUMBER);
	run_all();
	assert_int_equal(rig->calls[0].err, ERR_STORE);
	assert_int_equal(rig->calls[1].err, OK);
	assert_int_equal(rig->deliver.delivered_n, 1);
}

/* Whoever waited past his deadline is told so, and nothing of his is stored. */
static void who_waited_past_his_deadline_never_begins(void **state)
{
	(void)state;
	send(0, NUMBER);
	for (size_t i = 1; i < 6; i++) {
		struct flow_call *call = send_prepare(i, NUMBER);
		call->deadline_ms = i == 3 || i == 5 ? T + 20001 : T + 20000;
		flow_send(&rig->flow, call);
	}
	rig->clock.now_ms = T + 20000;
	run_all();
	assert_int_equal(rig->done_n, 6);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(rig->calls[i].err, i == 0 || i == 3 || i == 5 ? OK : ERR_OVERLOAD);
	assert_int_equal(rig->script.loads_n, 3);
	assert_int_equal(rig->script.commits_n, 3);
	assert_int_equal(rig->flow.calls_n, 0);
	assert_int_equal(send(6, NUMBER)->err, OK);
	run_all();
	assert_int_equal(rig->script.loads_n, 4);
}

static void on_done_send_again(struct flow_call *call)
{
	on_done(call);
	size_t nth = (size_t)(call - rig->calls);
	if (nth + 2 >= 12)
		return;
	struct flow_call *next = send_prepare(nth + 2, NUMBER);
	next->on_done = on_done_send_again;
	flow_send(&rig->flow, next);
}

/* An answer may bring the next command of the same number, with and without others waiting. */
static void an_answer_may_start_another_command(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct flow_call *call = send_prepare(i, NUMBER);
		call->on_done = on_done_send_again;
		flow_send(&rig->flow, call);
	}
	run_all();
	assert_int_equal(rig->done_n, 12);
	for (size_t i = 0; i < 12; i++) {
		assert_ptr_equal(rig->done[i], &rig->calls[i]);
		assert_int_equal(rig->calls[i].err, OK);
	}
	assert_int_equal(rig->script.loads_n, 12);
	assert_int_equal(rig->flow.calls_n, 0);
}

static size_t overload_done_n;

static void on_overload_done(struct flow_call *call)
{
	(void)call;
	overload_done_n++;
}

static void too_many_commands_are_refused_at_once(void **state)
{
	(void)state;
	struct flow_call *calls = calloc(FLOW_CALLS_MAX + 2, sizeof(*calls));
	assert_non_null(calls);
	overload_done_n = 0;
	for (size_t i = 0; i < FLOW_CALLS_MAX + 2; i++) {
		calls[i] = *send_prepare(0, NUMBER);
		calls[i].on_done = on_overload_done;
	}
	for (size_t i = 0; i < FLOW_CALLS_MAX; i++)
		flow_send(&rig->flow, &calls[i]);
	assert_int_equal(overload_done_n, 0);
	assert_int_equal(rig->flow.calls_n, FLOW_CALLS_MAX);
	flow_send(&rig->flow, &calls[FLOW_CALLS_MAX]);
	assert_int_equal(overload_done_n, 1);
	assert_int_equal(calls[FLOW_CALLS_MAX].err, ERR_OVERLOAD);
	assert_int_equal(rig->flow.calls_n, FLOW_CALLS_MAX);
	/* One ends, one more may come. */
	while (overload_done_n == 1)
		assert_true(test_executor_run_one(&rig->executor));
	flow_send(&rig->flow, &calls[FLOW_CALLS_MAX + 1]);
	assert_int_equal(rig->flow.calls_n, FLOW_CALLS_MAX);
	rig->clock.now_ms = T + HOURS_MS; /* the rest is too late */
	run_all();
	assert_int_equal(overload_done_n, FLOW_CALLS_MAX + 2);
	assert_int_equal(rig->flow.calls_n, 0);
	free(calls);
}

/* ---- notes ----------------------------------------------------------------------------------- */

static void refuse(size_t times)
{
	const struct id id = {{1}};
	for (size_t i = 0; i < times; i++) {
		check(0, &id, "123456");
		run_all();
		rig->done_n = 0;
	}
}

static void refusals_above_a_limit_are_merged(void **state)
{
	(void)state;
	assert_int_equal(FLOW_NOTES_MAX, 100);
	refuse(FLOW_NOTES_MAX);
	assert_int_equal(rig->script.notes_n, FLOW_NOTES_MAX);
	refuse(50);
	assert_int_equal(rig->script.notes_n, FLOW_NOTES_MAX);
	rig->clock.now_ms = T / 1000 * 1000 + 999;
	flow_tick(&rig->flow);
	assert_int_equal(rig->script.notes_n, FLOW_NOTES_MAX);
	rig->clock.now_ms++;
	flow_tick(&rig->flow);
	assert_int_equal(rig->script.notes_n, FLOW_NOTES_MAX + 1);
	const struct event *merged = &rig->script.last_note;
	assert_int_equal(merged->count, 50);
	assert_int_equal(merged->at_ms, T / 1000 * 1000);
	assert_string_equal(merged->kind.at, "refused");
	assert_string_equal(merged->reason.at, "unknown");
	assert_false(id_is_zero(&merged->id));
	flow_tick(&rig->flow);
	assert_int_equal(rig->script.notes_n, FLOW_NOTES_MAX + 1);
	/* The next second begins anew. */
	refuse(1);
	assert_int_equal(rig->script.notes_n, FLOW_NOTES_MAX + 2);
	assert_int_equal(rig->script.last_note.count, 1);
	assert_int_equal(rig->script.notes_count, FLOW_NOTES_MAX + 51);
}

static void at_the_limit_nothing_is_merged(void **state)
{
	(void)state;
	refuse(FLOW_NOTES_MAX);
	rig->clock.now_ms += SECONDS_MS;
	flow_tick(&rig->flow);
	assert_int_equal(rig->script.notes_n, FLOW_NOTES_MAX);
	refuse(FLOW_NOTES_MAX + 1);
	rig->clock.now_ms += SECONDS_MS;
	refuse(1);
	assert_int_equal(rig->script.notes_n, 2 * FLOW_NOTES_MAX + 2);
	assert_int_equal(rig->script.notes_count, 2 * FLOW_NOTES_MAX + 2);
}

static void each_reason_has_its_own_limit(void **state)
{
	(void)state;
	refuse(FLOW_NOTES_MAX + 20);
	rig->deliver.plan.route = ROUTE_REFUSED;
	for (size_t i = 0; i < FLOW_NOTES_MAX + 30; i++) {
		send(1, NUMBER);
		run_all();
		rig->done_n = 0;
	}
	assert_int_equal(rig->script.notes_n, 2 * FLOW_NOTES_MAX);
	rig->clock.now_ms += SECONDS_MS;
	flow_tick(&rig->flow);
	assert_int_equal(rig->script.notes_n, 2 * FLOW_NOTES_MAX + 2);
	assert_int_equal(rig->script.notes_count, 2 * FLOW_NOTES_MAX + 50);
}

/* A merged note needs an id; without one it waits, and nothing of it is lost. */
static void merged_refusals_outlive_a_failing_generator(void **state)
{
	(void)state;
	refuse(FLOW_NOTES_MAX + 7);
	rig->rng.fails_from = 1;
	rig->clock.now_ms += SECONDS_MS;
	flow_tick(&rig->flow);
	assert_int_equal(rig->script.notes_count, FLOW_NOTES_MAX);
	rig->rng.fails_from = 0;
	refuse(3);
	rig->clock.now_ms += SECONDS_MS;
	flow_tick(&rig->flow);
	assert_int_equal(rig->script.notes_count, FLOW_NOTES_MAX + 10);
	assert_int_equal(rig->script.last_note.count, 10);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(a_send_loads_commits_delivers_and_answers),
	    CASE(a_send_with_a_slot_asks_for_it),
	    CASE(delivery_gets_a_message_that_is_not_stored),
	    CASE(a_check_asks_by_id_and_delivers_nothing),
	    CASE(a_refusal_is_noted_and_not_committed),
	    CASE(a_look_is_neither_noted_nor_committed),
	    CASE(a_failing_load_is_a_fault),
	    CASE(a_failing_commit_is_a_fault_and_delivers_nothing),
	    CASE(a_doubtful_commit_that_happened_is_answered_as_such),
	    CASE(a_doubt_is_not_looked_into_after_the_deadline),
	    CASE(a_failing_step_is_a_fault),
	    CASE(without_memory_for_its_slot_a_send_does_not_begin),
	    CASE(conflicts_are_tried_again_up_to_a_limit),
	    CASE(a_call_may_be_used_again),
	    CASE(no_attempt_begins_after_the_deadline),
	    CASE(commands_of_a_number_go_one_after_another),
	    CASE(checks_wait_for_the_sends_of_their_number),
	    CASE(a_fault_lets_the_next_one_in),
	    CASE(who_waited_past_his_deadline_never_begins),
	    CASE(an_answer_may_start_another_command),
	    CASE(too_many_commands_are_refused_at_once),
	    CASE(refusals_above_a_limit_are_merged),
	    CASE(at_the_limit_nothing_is_merged),
	    CASE(each_reason_has_its_own_limit),
	    CASE(merged_refusals_outlive_a_failing_generator),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
