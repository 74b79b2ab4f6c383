/* SPDX-License-Identifier: Apache-2.0 */
/* A flow about users over a store that answers as the test says: what is looked for first, what is
 * loaded then, what happens when the number moves in between, and when a command is given up. */
#include "core/flow_user.h"

#include "support/engine.h"
#include "support/executor.h"

#define T TEST_START_MS
#define OLD "447700900123"
#define NEW "447700900456"

/* ---- the scripted store ---------------------------------------------------------------------- */

#define LOADS_MAX 64

/* What one load finds; the last scene is played again and again. */
struct scene {
	enum err err;
	struct user *user;
	struct holder *holders;
	size_t holders_n;
	int64_t takes_ms; /* the clock moves on */
};

struct rig {
	struct store store;
	struct test_executor executor;
	struct scene scenes[LOADS_MAX];
	size_t scenes_n, loads_n, commits_n, notes_n;
	struct store_load asked[LOADS_MAX];
	enum err commit_err;
	struct test_deliver deliver;
	struct test_clock clock;
	struct test_rng rng;
	struct keyring *keyring;
	struct limits limits;
	struct arena arena;
	struct flow flow;
	struct flow_user_call calls[4];
	struct flow_call *answered[8]; /* in that order */
	size_t answered_n;
};

static struct rig *rig; /* of the test that runs: callbacks have no other way to it */

static void on_load_task(struct task *task)
{
	struct store_load *load = CONTAINER_OF(task, struct store_load, task);
	load->on_done(load);
}

static void rig_load(struct store *store, struct store_load *load)
{
	(void)store;
	assert_true(rig->loads_n < LOADS_MAX);
	size_t nth = rig->loads_n < rig->scenes_n ? rig->loads_n : rig->scenes_n - 1;
	const struct scene *scene = &rig->scenes[nth];
	rig->asked[rig->loads_n++] = *load;
	rig->clock.now_ms += scene->takes_ms;
	load->err = scene->err;
	load->user = load->want & WANT_USER ? scene->user : NULL;
	load->holders = scene->holders;
	load->holders_n = scene->holders_n;
	load->task.run = on_load_task;
	executor_post(&rig->executor.executor, &load->task);
}

static void on_commit_task(struct task *task)
{
	struct store_commit *commit = CONTAINER_OF(task, struct store_commit, task);
	commit->on_done(commit);
}

static void rig_commit(struct store *store, struct store_commit *commit)
{
	(void)store;
	rig->commits_n++;
	commit->err = rig->commit_err;
	commit->task.run = on_commit_task;
	executor_post(&rig->executor.executor, &commit->task);
}

static void rig_note(struct store *store, const struct event *event)
{
	(void)store;
	(void)event;
	rig->notes_n++;
}

static const struct store_ops rig_ops = {
    .name = "script",
    .load = rig_load,
    .commit = rig_commit,
    .note = rig_note,
};

static int rig_setup(void **state)
{
	(void)state;
	rig = calloc(1, sizeof(*rig));
	assert_non_null(rig);
	rig->store.ops = &rig_ops;
	rig->scenes_n = 1;
	test_executor_init(&rig->executor);
	test_deliver_init(&rig->deliver, ROUTE_QUEUED);
	rig->clock.now_ms = T;
	test_rng_init(&rig->rng, 1);
	rig->keyring = test_keyring();
	rig->limits = test_limits();
	arena_init(&rig->arena);
	const struct flow_ports ports = {
	    .store = &rig->store,
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
	assert_int_equal(rig->flow.calls_n, 0);
	for (size_t i = 0; i < BUCKETS; i++)
		assert_true(list_is_empty(&rig->flow.gates[i]));
	test_executor_done(&rig->executor);
	keyring_free(rig->keyring);
	arena_done(&rig->arena);
	free(rig);
	return 0;
}

static void on_done(struct flow_call *call)
{
	rig->answered[rig->answered_n++] = call;
}

static struct flow_user_call *prepare(size_t nth, struct who who)
{
	struct flow_user_call *call = &rig->calls[nth];
	*call = (struct flow_user_call){
	    .flow = {.arena = &rig->arena, .deadline_ms = T + 30 * SECONDS_MS, .on_done = on_done},
	    .tenant = BYTES("demo"),
	    .who = who,
	};
	return call;
}

static struct flow_user_call *send(size_t nth, struct who who, enum purpose purpose)
{
	struct flow_user_call *call = prepare(nth, who);
	call->flow.send = (struct send_command){
	    .purpose = purpose,
	    .dialect = BYTES("kii"),
	    .policy = test_policy(REPEAT_NEW),
	    .template = BYTES("{{code}}"),
	    .limits = &rig->limits,
	};
	flow_user_send(&rig->flow, call);
	return call;
}

static struct flow_user_call *check(size_t nth, struct who who, bool exclusive)
{
	struct flow_user_call *call = prepare(nth, who);
	call->flow.check = (struct check_command){
	    .purpose = PURPOSE_PHONE,
	    .dialect = BYTES("kii"),
	    .guess = BYTES("123456"),
	    .exclusive = exclusive,
	    .limits = &rig->limits,
	};
	flow_user_check(&rig->flow, call);
	return call;
}

static void run_all(void)
{
	test_executor_run_all(&rig->executor);
}

static const struct who by_name = {.by = WHO_NAME, .key = BYTES("Ada")};

static struct user ada(const char *phone)
{
	return (struct user){.tenant = BYTES("demo"),
	                     .id = BYTES("ada"),
	                     .version = 1,
	                     .phone = test_number(phone),
	                     .sequence = 1};
}

static void assert_asked(size_t nth, unsigned want, const char *digits)
{
	assert_int_equal(rig->asked[nth].want, want);
	assert_string_equal(rig->asked[nth].number.digits, digits);
	assert_true(bytes_equal(rig->asked[nth].tenant, BYTES("demo")));
}

/* ---- what is asked of the store -------------------------------------------------------------- */

static void each_name_is_looked_for_in_its_way(void **state)
{
	(void)state;
	const struct {
		struct who who;
		unsigned want;
		enum user_by by;
		unsigned holds;
	} rows[] = {
	    {{.by = WHO_ID, .key = BYTES("x")}, WANT_USER, USER_BY_ID, 0},
	    {{.by = WHO_NAME, .key = BYTES("x")}, WANT_USER, USER_BY_NAME, 0},
	    {{.by = WHO_UUID, .key = BYTES("x")}, WANT_USER, USER_BY_UUID, 0},
	    {{.by = WHO_EMAIL, .key = BYTES("x")}, WANT_USER, USER_BY_EMAIL, 0},
	    {{.by = WHO_VERIFIED, .number = test_number(OLD)}, WANT_HOLDERS, 0, HOLD_VERIFIED},
	    {{.by = WHO_ONLY, .number = test_number(OLD)},
	     WANT_HOLDERS,
	     0,
	     HOLD_VERIFIED | HOLD_UNVERIFIED},
	    {{.by = WHO_OPEN, .number = test_number(OLD)},
	     WANT_HOLDERS,
	     0,
	     HOLD_UNVERIFIED | HOLD_PENDING},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct flow_user_call *call = prepare(0, rows[i].who);
		rig->loads_n = 0;
		flow_user_find(&rig->flow, call);
		run_all();
		assert_int_equal(call->flow.err, OK);
		assert_null(call->user.user);
		assert_asked(0, rows[i].want, rows[i].holds ? OLD : "");
		assert_int_equal(rig->asked[0].user_by, rows[i].by);
		assert_true(rows[i].holds || bytes_equal(rig->asked[0].user_key, BYTES("x")));
		assert_int_equal(rig->asked[0].holds, rows[i].holds);
		assert_int_equal(rig->asked[0].holders_code, 0);
		/* Of those who wait there were none: who has it verified? */
		assert_int_equal(rig->loads_n, rows[i].who.by == WHO_OPEN ? 2 : 1);
		assert_int_equal(rig->asked[rig->loads_n - 1].holds & HOLD_PENDING, 0);
	}
	assert_int_equal(rig->notes_n, 0);
}

static void all_is_loaded_by_the_id_that_was_found(void **state)
{
	(void)state;
	struct user user = ada(OLD);
	rig->scenes[0].user = &user;
	(void)send(0, by_name, PURPOSE_PHONE);
	run_all();
	assert_asked(1, WANT_USER | WANT_PHONE_CODE | WANT_LOGIN_CODE | WANT_BUDGET | WANT_LINE,
	             OLD);
	assert_int_equal(rig->asked[1].user_by, USER_BY_ID);
	assert_true(bytes_equal(rig->asked[1].user_key, BYTES("ada")));
	(void)send(0, by_name, PURPOSE_LOGIN);
	run_all();
	assert_asked(3, WANT_USER | WANT_LOGIN_CODE | WANT_BUDGET | WANT_LINE, OLD);
	(void)check(0, by_name, false);
	run_all();
	assert_asked(5, WANT_USER | WANT_PHONE_CODE | WANT_LOGIN_CODE | WANT_BUDGET | WANT_FAILURES,
	             OLD);
	(void)check(0, by_name, true);
	run_all();
	assert_asked(7,
	             WANT_USER | WANT_PHONE_CODE | WANT_LOGIN_CODE | WANT_BUDGET | WANT_FAILURES |
	                 WANT_HOLDERS,
	             OLD);
	assert_int_equal(rig->asked[7].holds, HOLD_VERIFIED);
	assert_int_equal(rig->loads_n, 8);
	/* The two sends; both checks were refused. */
	assert_int_equal(rig->commits_n, 2);
	assert_int_equal(rig->notes_n, 2);
}

static void a_change_loads_what_it_is_about(void **state)
{
	(void)state;
	struct user user = ada(OLD);
	const struct user values = {.user_name = BYTES("King"), .email = BYTES("a@b")};
	const struct send_command to = {.policy = test_policy(REPEAT_NEW), .limits = &rig->limits};
	const struct {
		struct user_command command;
		unsigned want;
		const char *digits;
		size_t loads;
	} rows[] = {
	    {{.op = USER_CHANGE}, 0, "", 2},
	    {{.op = USER_DELETE}, 0, "", 2},
	    {{.op = USER_CHANGE, .values = &values, .given = USER_GIVES(USER_USER_NAME)},
	     WANT_NAMESAKE,
	     "",
	     2},
	    {{.op = USER_CHANGE, .phone = PHONE_VERIFIED, .number = test_number(NEW)}, 0, NEW, 2},
	    {{.op = USER_CHANGE,
	      .phone = PHONE_VERIFIED,
	      .number = test_number(NEW),
	      .exclusive = true},
	     WANT_HOLDERS,
	     NEW,
	     2},
	    {{.op = USER_CHANGE, .phone = PHONE_KEEP, .number = test_number(NEW), .send = &to},
	     WANT_BUDGET | WANT_LINE,
	     NEW,
	     2},
	    /* Who is to be made is not looked for; whose address it is, is. */
	    {{.op = USER_CREATE, .user = BYTES("bob")}, 0, "", 1},
	    {{.op = USER_CREATE,
	      .user = BYTES("bob"),
	      .values = &values,
	      .given = USER_GIVES(USER_EMAIL)},
	     0,
	     "",
	     2},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct flow_user_call *call = prepare(0, by_name);
		bool makes = rows[i].command.op == USER_CREATE;
		rig->loads_n = 0;
		rig->scenes[0].user = makes ? NULL : &user;
		call->command = rows[i].command;
		flow_user_change(&rig->flow, call);
		run_all();
		assert_int_equal(call->flow.err, OK);
		assert_int_equal(rig->loads_n, rows[i].loads);
		assert_asked(rows[i].loads - 1,
		             WANT_USER | WANT_PHONE_CODE | WANT_LOGIN_CODE | rows[i].want,
		             rows[i].digits);
		assert_true(bytes_equal(rig->asked[rows[i].loads - 1].user_key,
		                        makes ? BYTES("bob") : BYTES("ada")));
		if (rows[i].want & WANT_NAMESAKE)
			assert_true(bytes_equal(rig->asked[1].user_name, BYTES("King")));
		if (makes && rows[i].loads == 2) {
			assert_int_equal(rig->asked[0].want, WANT_USER);
			assert_int_equal(rig->asked[0].user_by, USER_BY_EMAIL);
		}
	}
	assert_int_equal(rig->commits_n, COUNT(rows));
}

static void a_check_by_number_loads_owners_then_holders(void **state)
{
	(void)state;
	struct user user = ada(OLD);
	user.phone_verified_ms = T;
	struct holder owner = {&user, NULL};
	rig->scenes[0].holders = &owner;
	rig->scenes[0].holders_n = 1;
	rig->scenes_n = 2;
	struct flow_user_call *call =
	    check(0, (struct who){.by = WHO_OPEN, .number = test_number(OLD)}, false);
	run_all();
	assert_asked(0, WANT_HOLDERS, OLD);
	assert_int_equal(rig->asked[0].holds, HOLD_VERIFIED);
	assert_asked(1, WANT_HOLDERS | WANT_BUDGET | WANT_FAILURES, OLD);
	assert_int_equal(rig->asked[1].holds, HOLD_UNVERIFIED | HOLD_PENDING);
	assert_int_equal(rig->asked[1].holders_code, PURPOSE_PHONE);
	assert_outcome(call->flow.result.outcome, OUTCOME_VERIFIED_ALREADY);
	assert_ptr_equal(call->user.user, &user);
	assert_int_equal(rig->notes_n, 1);
}

/* ---- the number moves ------------------------------------------------------------------------ */

static void it_goes_on_with_the_new_number(void **state)
{
	(void)state;
	struct user before = ada(OLD), after = ada(NEW);
	rig->scenes[0].user = &before;
	rig->scenes[1].user = rig->scenes[2].user = &after;
	rig->scenes_n = 3;
	struct flow_user_call *call = send(0, by_name, PURPOSE_PHONE);
	run_all();
	assert_int_equal(call->flow.err, OK);
	assert_int_equal(rig->loads_n, 4);
	assert_asked(1, rig->asked[1].want, OLD);
	/* Found anew, then loaded with the budget of the number he has now. */
	assert_int_equal(rig->asked[2].user_by, USER_BY_NAME);
	assert_asked(3, rig->asked[1].want, NEW);
	assert_int_equal(call->flow.reloads, 1);
	assert_string_equal(call->flow.result.verification.number.digits, NEW);
	assert_string_equal(call->flow.result.budget.number.digits, NEW);
}

/* Nobody waits for a bucket that he has left. */
static void it_leaves_its_turn_to_the_next(void **state)
{
	(void)state;
	struct user before = ada(OLD), after = ada(NEW);
	rig->scenes[0].user = rig->scenes[1].user = &before;
	rig->scenes[2].user = &after;  /* the first call: has moved */
	rig->scenes[3].user = &before; /* the second one's turn, at once; it has not */
	rig->scenes[4].user = rig->scenes[5].user = &after;
	rig->scenes_n = 6;
	struct flow_user_call *first = send(0, by_name, PURPOSE_PHONE);
	struct flow_user_call *second = send(1, by_name, PURPOSE_PHONE);
	run_all();
	assert_int_equal(first->flow.err, OK);
	assert_int_equal(second->flow.err, OK);
	assert_string_equal(first->flow.result.verification.number.digits, NEW);
	assert_string_equal(second->flow.result.verification.number.digits, OLD);
	assert_int_equal(rig->answered_n, 2);
}

static void who_waits_too_long_behind_it_is_told(void **state)
{
	(void)state;
	struct user before = ada(OLD), after = ada(NEW);
	rig->scenes[0].user = rig->scenes[1].user = &before;
	rig->scenes[2].user = rig->scenes[3].user = &after;
	rig->scenes[2].takes_ms = 2;
	rig->scenes_n = 4;
	struct flow_user_call *first = send(0, by_name, PURPOSE_PHONE);
	struct flow_user_call *second = send(1, by_name, PURPOSE_PHONE);
	second->flow.deadline_ms = T + 1;
	run_all();
	assert_int_equal(first->flow.err, OK);
	assert_int_equal(second->flow.err, ERR_OVERLOAD);
	assert_ptr_equal(rig->answered[0], &second->flow);
}

static void a_number_that_never_rests_is_given_up(void **state)
{
	(void)state;
	struct user before = ada(OLD), after = ada(NEW);
	for (size_t i = 0; i < LOADS_MAX; i++)
		rig->scenes[i].user = i % 2 ? &after : &before;
	rig->scenes_n = LOADS_MAX;
	struct flow_user_call *call = send(0, by_name, PURPOSE_PHONE);
	run_all();
	assert_int_equal(call->flow.err, ERR_CONFLICT);
	assert_int_equal(rig->loads_n, 2 * (FLOW_RELOADS_MAX + 1));
	rig->loads_n = 0;
	rig->scenes[3].takes_ms = 30 * SECONDS_MS;
	call = send(0, by_name, PURPOSE_PHONE);
	run_all();
	assert_int_equal(call->flow.err, ERR_CONFLICT);
	assert_int_equal(rig->loads_n, 4);
}

/* The second look may find nobody: whoever names both must still mean one. */
static void who_no_longer_fits_is_nobody(void **state)
{
	(void)state;
	struct user before = ada(OLD), after = ada(NEW);
	rig->scenes[0].user = &before;
	rig->scenes[1].user = &after;
	rig->scenes_n = 2;
	struct who both = by_name;
	both.number = test_number(OLD);
	struct flow_user_call *call = send(0, both, PURPOSE_LOGIN);
	run_all();
	assert_int_equal(call->flow.err, OK);
	assert_outcome(call->flow.result.outcome, OUTCOME_NO_USER);
	assert_null(call->user.user);
	assert_int_equal(rig->commits_n, 0);
}

static void who_is_gone_in_between_is_nobody(void **state)
{
	(void)state;
	struct user before = ada(OLD);
	rig->scenes[0].user = &before;
	rig->scenes_n = 2;
	struct flow_user_call *call = check(0, by_name, false);
	run_all();
	assert_outcome(call->flow.result.outcome, OUTCOME_NO_USER);
	assert_int_equal(rig->notes_n, 1);
	assert_int_equal(rig->loads_n, 2);
}

/* ---- conflicts and faults -------------------------------------------------------------------- */

static void a_conflict_loads_all_again(void **state)
{
	(void)state;
	struct user user = ada(OLD);
	rig->scenes[0].user = &user;
	rig->commit_err = ERR_CONFLICT;
	struct flow_user_call *call = send(0, by_name, PURPOSE_PHONE);
	run_all();
	assert_int_equal(call->flow.err, ERR_CONFLICT);
	/* One look, then only the load. */
	assert_int_equal(rig->loads_n, 1 + 1 + FLOW_RELOADS_MAX);
	assert_int_equal(rig->asked[rig->loads_n - 1].user_by, USER_BY_ID);
}

/* By a number, whoever has it verified is loaded again too. */
static void a_conflict_loads_the_owners_again(void **state)
{
	(void)state;
	struct user user = ada(OLD);
	struct verification code = {.id = {{1}},
	                            .version = 1,
	                            .purpose = PURPOSE_PHONE,
	                            .state = VERIFICATION_LIVE,
	                            .tenant = BYTES("demo"),
	                            .user = BYTES("ada"),
	                            .number = test_number(OLD),
	                            .policy = test_policy(REPEAT_NEW),
	                            .key_id = BYTES("k2"),
	                            .generation = 1,
	                            .created_ms = T,
	                            .expires_ms = T + MINUTES_MS};
	struct holder holder = {&user, &code};
	for (size_t i = 0; i < LOADS_MAX; i++)
		rig->scenes[i] = (struct scene){.holders = &holder, .holders_n = i % 2};
	rig->scenes_n = LOADS_MAX;
	rig->commit_err = ERR_CONFLICT;
	struct flow_user_call *call =
	    check(0, (struct who){.by = WHO_OPEN, .number = test_number(OLD)}, false);
	run_all();
	assert_int_equal(call->flow.err, ERR_CONFLICT);
	assert_int_equal(rig->loads_n, 2 * (1 + FLOW_RELOADS_MAX));
	for (size_t i = 0; i < rig->loads_n; i++)
		assert_int_equal(rig->asked[i].holds == HOLD_VERIFIED, i % 2 == 0);
}

static void a_failing_load_is_a_fault_whichever_it_is(void **state)
{
	(void)state;
	struct user user = ada(OLD);
	const struct who open = {.by = WHO_OPEN, .number = test_number(OLD)};
	for (size_t failing = 0; failing < 2; failing++) {
		rig->scenes[0] =
		    (struct scene){.err = failing == 0 ? ERR_STORE : OK, .user = &user};
		rig->scenes[1] = (struct scene){.err = ERR_STORE};
		rig->scenes_n = 2;
		rig->loads_n = 0;
		struct flow_user_call *call = send(0, by_name, PURPOSE_PHONE);
		run_all();
		assert_int_equal(call->flow.err, ERR_STORE);
		assert_int_equal(rig->loads_n, failing + 1);
		rig->loads_n = 0;
		call = check(0, open, true);
		run_all();
		assert_int_equal(call->flow.err, ERR_STORE);
		assert_int_equal(rig->loads_n, failing + 1);
	}
	rig->loads_n = 0;
	rig->scenes[0] = (struct scene){.err = ERR_STORE};
	struct flow_user_call *call = prepare(0, by_name);
	flow_user_find(&rig->flow, call);
	run_all();
	assert_int_equal(call->flow.err, ERR_STORE);
	assert_int_equal(rig->answered_n, 5);
}

static void too_many_calls_are_refused(void **state)
{
	(void)state;
	rig->flow.calls_n = FLOW_CALLS_MAX;
	assert_int_equal(send(0, by_name, PURPOSE_PHONE)->flow.err, ERR_OVERLOAD);
	assert_int_equal(check(0, by_name, false)->flow.err, ERR_OVERLOAD);
	struct flow_user_call *call = prepare(0, by_name);
	flow_user_find(&rig->flow, call);
	assert_int_equal(call->flow.err, ERR_OVERLOAD);
	call = prepare(0, by_name);
	flow_user_change(&rig->flow, call);
	assert_int_equal(call->flow.err, ERR_OVERLOAD);
	assert_int_equal(rig->answered_n, 4);
	assert_int_equal(rig->loads_n, 0);
	rig->flow.calls_n = 0;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(each_name_is_looked_for_in_its_way),
	    CASE(all_is_loaded_by_the_id_that_was_found),
	    CASE(a_change_loads_what_it_is_about),
	    CASE(a_check_by_number_loads_owners_then_holders),
	    CASE(it_goes_on_with_the_new_number),
	    CASE(it_leaves_its_turn_to_the_next),
	    CASE(who_waits_too_long_behind_it_is_told),
	    CASE(a_number_that_never_rests_is_given_up),
	    CASE(who_no_longer_fits_is_nobody),
	    CASE(who_is_gone_in_between_is_nobody),
	    CASE(a_conflict_loads_all_again),
	    CASE(a_conflict_loads_the_owners_again),
	    CASE(a_failing_load_is_a_fault_whichever_it_is),
	    CASE(too_many_calls_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
