/* SPDX-License-Identifier: Apache-2.0 */
/* Codes about a user, rule by rule (1.1 to 1.3, 3.2, 3.3), over every store: who may have one, what
 * a right one does, and what a wrong one. */
#include "support/town.h"

#define T TEST_START_MS
#define PHONE "447700900123"
#define NEW "447700900456"

static void ada_settles(struct town *town, bool verified)
{
	town_settle(town, "ada", PHONE, verified);
}

static enum outcome send(struct town *town, enum purpose purpose)
{
	return town_send(town, purpose, who_id("ada"));
}

static enum outcome guess_right(struct town *town, enum purpose purpose)
{
	return town_check(town, purpose, who_id("ada"), town_code(town, "ada", purpose));
}

static enum outcome guess_wrong(struct town *town, enum purpose purpose)
{
	return town_check(town, purpose, who_id("ada"), town_wrong_code(town, "ada", purpose));
}

static const struct user *ada(struct town *town)
{
	const struct user *user = town_read(town, "ada");
	assert_non_null(user);
	return user;
}

/* ---- the phone is verified ------------------------------------------------------------------- */

static void the_right_code_verifies_the_number(struct town *town)
{
	ada_settles(town, false);
	assert_outcome(send(town, PURPOSE_PHONE), OUTCOME_SENT);
	town->clock.now_ms += 9;
	assert_outcome(guess_right(town, PURPOSE_PHONE), OUTCOME_APPROVED);
	assert_int_equal(ada(town)->phone_verified_ms, T + 9);
	assert_int_equal(town->call.user.user->phone_verified_ms, T + 9);
	assert_false(ada(town)->phone_exclusive);
	const struct verification *v =
	    town_verification(town, &town->call.flow.result.verification.id);
	assert_int_equal(v->state, VERIFICATION_APPROVED);
	assert_true(bytes_equal(v->dialect, BYTES("kii")));
	assert_int_equal(town_budget(town, PHONE)->guesses.n, 1);
	/* Nothing waits any more. */
	assert_outcome(send(town, PURPOSE_PHONE), OUTCOME_VERIFIED_ALREADY);
	assert_outcome(town_check(town, PURPOSE_PHONE, who_id("ada"), "123456"),
	               OUTCOME_VERIFIED_ALREADY);
	assert_int_equal(town_budget(town, PHONE)->guesses.n, 1);
}

/* Rule 3.3: with every accepted change, and every evaluated verify. */
static void the_sequence_rises_with_what_was_done(struct town *town)
{
	ada_settles(town, false);
	assert_int_equal(ada(town)->sequence, 1);
	assert_outcome(town_check(town, PURPOSE_PHONE, who_id("ada"), "123456"), OUTCOME_UNKNOWN);
	assert_int_equal(ada(town)->sequence, 1);
	town->clock.now_ms++;
	assert_outcome(send(town, PURPOSE_PHONE), OUTCOME_SENT);
	assert_int_equal(ada(town)->sequence, 2);
	assert_int_equal(ada(town)->changed_ms, T + 1);
	assert_outcome(send(town, PURPOSE_PHONE), OUTCOME_SEND_LIMITED);
	assert_int_equal(ada(town)->sequence, 2);
	town->clock.now_ms++;
	assert_outcome(guess_wrong(town, PURPOSE_PHONE), OUTCOME_WRONG);
	assert_int_equal(ada(town)->sequence, 3);
	assert_int_equal(ada(town)->changed_ms, T + 2);
	assert_int_equal(town->call.user.user->sequence, 3);
	town->clock.now_ms++;
	assert_outcome(guess_right(town, PURPOSE_PHONE), OUTCOME_APPROVED);
	assert_int_equal(ada(town)->sequence, 4);
	assert_int_equal(ada(town)->changed_ms, T + 3);
	/* Logging in is no change of the user. */
	town->clock.now_ms += HOURS_MS;
	assert_outcome(send(town, PURPOSE_LOGIN), OUTCOME_SENT);
	assert_outcome(guess_wrong(town, PURPOSE_LOGIN), OUTCOME_WRONG);
	assert_outcome(guess_right(town, PURPOSE_LOGIN), OUTCOME_APPROVED);
	assert_int_equal(ada(town)->sequence, 4);
	assert_int_equal(ada(town)->changed_ms, T + 3);
	assert_int_equal(ada(town)->created_ms, T);
}

/* Kii: 403 until a new one; ZITADEL: the last wrong one is `Code is invalid`, then none is open. */
static void after_the_last_try_no_code_is_open(struct town *town)
{
	ada_settles(town, false);
	assert_outcome(send(town, PURPOSE_PHONE), OUTCOME_SENT);
	const char *right = town_code(town, "ada", PURPOSE_PHONE);
	char code[CODE_LENGTH_MAX + 1];
	memcpy(code, right, sizeof(code));
	for (int i = 0; i < 4; i++)
		assert_outcome(guess_wrong(town, PURPOSE_PHONE), OUTCOME_WRONG);
	assert_outcome(guess_wrong(town, PURPOSE_PHONE), OUTCOME_LOCKED);
	assert_int_equal(ada(town)->sequence, 7);
	assert_outcome(town_check(town, PURPOSE_PHONE, who_id("ada"), code), OUTCOME_UNKNOWN);
	assert_int_equal(ada(town)->sequence, 7);
	assert_int_equal(town_budget(town, PHONE)->guesses.n, 5);
	assert_int_equal(town_failures(town, PHONE)->count, 5);
	town->clock.now_ms += MINUTES_MS;
	assert_outcome(send(town, PURPOSE_PHONE), OUTCOME_SENT);
	assert_outcome(town_check(town, PURPOSE_PHONE, who_id("ada"), code), OUTCOME_WRONG);
	assert_outcome(guess_right(town, PURPOSE_PHONE), OUTCOME_APPROVED);
	assert_int_equal(town_failures(town, PHONE)->count, 0);
}

/* Rule 1.5: accepted at ttl - 1 ms, refused at ttl; a user's code goes on saying that it expired.
 */
static void an_expired_code_says_so_until_a_new_one(struct town *town)
{
	ada_settles(town, false);
	assert_outcome(send(town, PURPOSE_PHONE), OUTCOME_SENT);
	for (int i = 0; i < 3; i++) {
		town->clock.now_ms = T + 10 * MINUTES_MS + i * 2 * DAYS_MS;
		assert_outcome(guess_right(town, PURPOSE_PHONE), OUTCOME_EXPIRED);
		assert_int_equal(town->call.flow.result.changes_n, 0);
	}
	assert_int_equal(town_budget(town, PHONE)->guesses.n, 0);
	assert_outcome(send(town, PURPOSE_PHONE), OUTCOME_SENT);
	town->clock.now_ms += 10 * MINUTES_MS - 1;
	assert_outcome(guess_right(town, PURPOSE_PHONE), OUTCOME_APPROVED);
}

static void a_code_whose_key_is_gone_is_as_if_expired(struct town *town)
{
	ada_settles(town, false);
	assert_outcome(send(town, PURPOSE_PHONE), OUTCOME_SENT);
	const char *code = town_code(town, "ada", PURPOSE_PHONE);
	keyring_free(town->keyring);
	town->keyring = town->flow.ports.keyring = test_keyring_other();
	for (int i = 0; i < 2; i++)
		assert_outcome(town_check(town, PURPOSE_PHONE, who_id("ada"), code),
		               OUTCOME_KEY_GONE);
	town->clock.now_ms += MINUTES_MS;
	assert_outcome(send(town, PURPOSE_PHONE), OUTCOME_SENT);
	assert_outcome(guess_right(town, PURPOSE_PHONE), OUTCOME_APPROVED);
}

/* ---- sent again (1.3) ------------------------------------------------------------------------ */

static const struct {
	enum repeat repeat;
	enum outcome outcome;
	uint32_t generation;
	uint8_t tries;
} repeat_rows[] = {
    {REPEAT_NEW, OUTCOME_SENT, 2, 0},
    {REPEAT_SAME, OUTCOME_SENT_AGAIN, 1, 1},
};

static void a_repeated_send_does_as_its_policy_says(struct town *town)
{
	static const enum purpose purposes[] = {PURPOSE_PHONE, PURPOSE_LOGIN};
	ada_settles(town, false);
	for (size_t p = 0; p < COUNT(purposes); p++)
		for (size_t i = 0; i < COUNT(repeat_rows); i++) {
			enum purpose purpose = purposes[p];
			town->clock.now_ms += 2 * DAYS_MS;
			town->repeat = repeat_rows[i].repeat;
			assert_outcome(send(town, purpose), OUTCOME_SENT);
			uint32_t first = town_code_record(town, "ada", purpose)->generation;
			assert_outcome(guess_wrong(town, purpose), OUTCOME_WRONG);
			town->clock.now_ms += MINUTES_MS;
			assert_outcome(send(town, purpose), repeat_rows[i].outcome);
			const struct verification *v = town_code_record(town, "ada", purpose);
			assert_int_equal(v->generation, first + repeat_rows[i].generation - 1);
			assert_int_equal(v->tries, repeat_rows[i].tries);
			assert_int_equal(town_budget(town, PHONE)->sends.n % 2, 0);
		}
	assert_int_equal(town->deliver.delivered_n, 8);
}

static void a_code_may_be_handed_over_by_the_caller(struct town *town)
{
	const struct line line = {
	    .tenant = BYTES("demo"), .number = test_number(PHONE), .state = LINE_DEAD};
	ada_settles(town, false);
	assert_outcome(send(town, PURPOSE_PHONE), OUTCOME_SENT);
	assert_int_equal(desk_change(&town->desk, CHANGE_LINE, &line), OK);
	town->deliver.plan.route = ROUTE_NONE;
	struct user user = *ada(town);
	struct verification code = *town_code_record(town, "ada", PURPOSE_PHONE);
	struct send_command command = town_send_command(town, PURPOSE_PHONE);
	command.tenant = BYTES("demo");
	command.returned = true;
	struct line chosen = {.tenant = BYTES("demo"),
	                      .number = test_number(PHONE),
	                      .version = 1,
	                      .chosen = true,
	                      .chosen_length = 6,
	                      .chosen_key_id = BYTES("k2")};
	const struct user_records records = {
	    .user = &user, .phone_code = &code, .line = &chosen, .number = user.phone};
	struct verify_context context = {.now_ms = town->clock.now_ms,
	                                 .rng = &town->rng.rng,
	                                 .keyring = town->keyring,
	                                 .plan = {.route = ROUTE_NONE}};
	struct verify_result result;
	struct user_result user_result;
	/* No delay, no window, no route, no message; the fixed code gives way to it. */
	assert_int_equal(user_code_send(&command, &records, &context, &result, &user_result), OK);
	assert_outcome(result.outcome, OUTCOME_SENT);
	assert_true(id_is_zero(&result.message.id));
	assert_non_null(result_change(&result, GUARD_BUDGET));
	assert_null(result_change(&result, CHANGE_BUDGET));
	assert_int_equal(result.verification.generation, 2);
	assert_false(result.verification.chosen);
	assert_int_equal(user_result.user->sequence, user.sequence + 1);
	/* An ordinary number the same, at whatever was spent on it. */
	struct budget spent = *town_budget(town, PHONE);
	struct user_records ordinary = records;
	ordinary.line = NULL;
	ordinary.budget = &spent;
	assert_int_equal(user_code_send(&command, &ordinary, &context, &result, &user_result), OK);
	assert_outcome(result.outcome, OUTCOME_SENT);
	assert_true(id_is_zero(&result.message.id));
	assert_null(result_change(&result, CHANGE_BUDGET));
}

/* ---- log-in ---------------------------------------------------------------------------------- */

/* Rule 1.2: a log-in code never marks a number as verified, and the reverse. */
static void purposes_never_answer_for_each_other(struct town *town)
{
	ada_settles(town, false);
	assert_outcome(send(town, PURPOSE_LOGIN), OUTCOME_SENT);
	assert_outcome(
	    town_check(town, PURPOSE_PHONE, who_id("ada"), town_code(town, "ada", PURPOSE_LOGIN)),
	    OUTCOME_UNKNOWN);
	assert_outcome(guess_right(town, PURPOSE_LOGIN), OUTCOME_APPROVED);
	assert_int_equal(ada(town)->phone_verified_ms, 0);
	town->clock.now_ms += MINUTES_MS;
	assert_outcome(send(town, PURPOSE_PHONE), OUTCOME_SENT);
	assert_outcome(
	    town_check(town, PURPOSE_LOGIN, who_id("ada"), town_code(town, "ada", PURPOSE_PHONE)),
	    OUTCOME_UNKNOWN);
	town->clock.now_ms += MINUTES_MS;
	assert_outcome(send(town, PURPOSE_LOGIN), OUTCOME_SENT);
	/* Both are live beside each other. */
	assert_non_null(town_code_record(town, "ada", PURPOSE_PHONE));
	assert_non_null(town_code_record(town, "ada", PURPOSE_LOGIN));
	assert_outcome(guess_right(town, PURPOSE_PHONE), OUTCOME_APPROVED);
	assert_int_not_equal(ada(town)->phone_verified_ms, 0);
}

static void a_right_login_code_notes_the_time_and_nothing_else(struct town *town)
{
	ada_settles(town, true);
	assert_outcome(send(town, PURPOSE_LOGIN), OUTCOME_SENT);
	struct user before = *ada(town);
	town->clock.now_ms += 11;
	assert_outcome(guess_right(town, PURPOSE_LOGIN), OUTCOME_APPROVED);
	const struct user *after = ada(town);
	assert_int_equal(after->last_login_ms, T + 11);
	assert_int_equal(town->call.user.user->last_login_ms, T + 11);
	assert_int_equal(after->sequence, before.sequence);
	assert_int_equal(after->changed_ms, before.changed_ms);
	assert_int_equal(after->phone_verified_ms, before.phone_verified_ms);
	/* Used once. */
	assert_outcome(town_check(town, PURPOSE_LOGIN, who_id("ada"), town->code), OUTCOME_UNKNOWN);
}

/* manage: a code goes to `phone`, never to the number that waits. */
static void a_login_code_goes_to_the_phone_itself(struct town *town)
{
	struct user user = town_user("ada", PHONE, true);
	user.phone_pending = test_number(NEW);
	town_store(town, &user);
	assert_outcome(send(town, PURPOSE_LOGIN), OUTCOME_SENT);
	assert_string_equal(town->call.flow.result.verification.number.digits, PHONE);
	assert_outcome(send(town, PURPOSE_PHONE), OUTCOME_SENT);
	assert_string_equal(town->call.flow.result.verification.number.digits, NEW);
}

/* A refused destination is not hidden here: nothing changes, the event tells. */
static void a_login_code_that_cannot_leave_changes_nothing(struct town *town)
{
	ada_settles(town, true);
	town->deliver.plan.route = ROUTE_REFUSED;
	assert_outcome(send(town, PURPOSE_LOGIN), OUTCOME_NO_ROUTE);
	assert_int_equal(town->call.flow.result.changes_n, 0);
	assert_null(town_code_record(town, "ada", PURPOSE_LOGIN));
}

static void a_phone_code_that_cannot_leave_is_a_change_all_the_same(struct town *town)
{
	struct event event;
	ada_settles(town, false);
	town->deliver.plan.route = ROUTE_REFUSED;
	assert_outcome(send(town, PURPOSE_PHONE), OUTCOME_NO_ROUTE);
	assert_int_equal(ada(town)->sequence, 2);
	assert_null(town_code_record(town, "ada", PURPOSE_PHONE));
	assert_int_equal(town_events(town, &event), 1);
	assert_true(bytes_equal(event.reason, BYTES("no-route")));
	assert_int_equal(town_budget(town, PHONE)->sends.n, 0);
}

/* ---- who may have one ------------------------------------------------------------------------ */

static void a_disabled_user_is_refused_and_not_charged(struct town *town)
{
	static const enum purpose purposes[] = {PURPOSE_PHONE, PURPOSE_LOGIN};
	ada_settles(town, false);
	for (size_t p = 0; p < COUNT(purposes); p++) {
		town->clock.now_ms += MINUTES_MS;
		assert_outcome(send(town, purposes[p]), OUTCOME_SENT);
		struct user user = *ada(town);
		user.disabled = true;
		town_store(town, &user);
		assert_outcome(guess_right(town, purposes[p]), OUTCOME_USER_DISABLED);
		assert_outcome(guess_wrong(town, purposes[p]), OUTCOME_USER_DISABLED);
		assert_true(town->call.user.user->disabled);
		assert_outcome(send(town, purposes[p]), OUTCOME_USER_DISABLED);
		assert_int_equal(town_budget(town, PHONE)->guesses.n, p);
		assert_int_equal(town_budget(town, PHONE)->sends.n, p + 1);
		assert_int_equal(town_code_record(town, "ada", purposes[p])->tries, 0);
		user = *ada(town);
		user.disabled = false;
		town_store(town, &user);
		assert_outcome(guess_right(town, purposes[p]), OUTCOME_APPROVED);
	}
}

static void nobody_and_nobodys_number_are_refused(struct town *town)
{
	assert_outcome(send(town, PURPOSE_PHONE), OUTCOME_NO_USER);
	assert_null(town->call.user.user);
	assert_outcome(town_check(town, PURPOSE_LOGIN, who_id("ada"), "123456"), OUTCOME_NO_USER);
	town_settle(town, "ada", NULL, false);
	assert_outcome(send(town, PURPOSE_PHONE), OUTCOME_NO_PHONE);
	assert_outcome(send(town, PURPOSE_LOGIN), OUTCOME_NO_PHONE);
	assert_outcome(town_check(town, PURPOSE_PHONE, who_id("ada"), "123456"), OUTCOME_NO_PHONE);
	assert_outcome(town_check(town, PURPOSE_LOGIN, who_id("ada"), "123456"), OUTCOME_NO_PHONE);
	assert_true(bytes_equal(town->call.user.user->id, BYTES("ada")));
	assert_outcome(town_change(town, who_id("bob"), &(struct user_command){.op = USER_CHANGE}),
	               OUTCOME_NO_USER);
	const struct event *event = &town->call.flow.result.event;
	assert_true(bytes_equal(event->reason, BYTES("no-user")));
	assert_true(bytes_equal(event->kind, BYTES("refused")));
}

/* Somebody changed the number past the engine (`import`): its code is worth nothing. */
static void a_code_for_another_number_is_never_right(struct town *town)
{
	static const enum purpose purposes[] = {PURPOSE_PHONE, PURPOSE_LOGIN};
	ada_settles(town, false);
	for (size_t p = 0; p < COUNT(purposes); p++) {
		const char *from = p ? NEW : PHONE, *to = p ? PHONE : NEW;
		town->clock.now_ms += HOURS_MS;
		assert_outcome(send(town, purposes[p]), OUTCOME_SENT);
		struct user user = *ada(town);
		user.phone = test_number(to);
		town_store(town, &user);
		assert_outcome(guess_right(town, purposes[p]), OUTCOME_CANCELLED);
		assert_int_equal(town_budget(town, from)->guesses.n, 0);
		/* The next send ends it. */
		struct id old = town->call.flow.result.verification.id;
		assert_outcome(send(town, purposes[p]), OUTCOME_SENT);
		assert_int_equal(town_verification(town, &old)->state, VERIFICATION_CANCELLED);
		assert_int_equal(ada(town)->phone_verified_ms, 0);
	}
}

static void a_limited_guess_is_not_evaluated(struct town *town)
{
	ada_settles(town, false);
	assert_outcome(send(town, PURPOSE_PHONE), OUTCOME_SENT);
	const struct failures failures = {
	    .tenant = BYTES("demo"), .number = test_number(PHONE), .count = 12, .last_ms = T};
	assert_int_equal(desk_change(&town->desk, CHANGE_FAILURES, &failures), OK);
	assert_outcome(guess_right(town, PURPOSE_PHONE), OUTCOME_GUESS_LIMITED);
	assert_int_equal(town->call.flow.result.retry_after_ms, 2 * MINUTES_MS);
	assert_int_equal(ada(town)->sequence, 2);
	assert_int_equal(town_code_record(town, "ada", PURPOSE_PHONE)->tries, 0);
}

/* ---- one number, several users (3.2) --------------------------------------------------------- */

static void the_first_to_verify_has_the_number(struct town *town)
{
	town->exclusive = true;
	town_settle(town, "ada", PHONE, false);
	town_settle(town, "bob", PHONE, false);
	assert_outcome(send(town, PURPOSE_PHONE), OUTCOME_SENT);
	town->clock.now_ms += MINUTES_MS;
	assert_outcome(town_send(town, PURPOSE_PHONE, who_id("bob")), OUTCOME_SENT);
	assert_outcome(guess_right(town, PURPOSE_PHONE), OUTCOME_APPROVED);
	assert_true(ada(town)->phone_exclusive);
	/* A wrong code never tells that the number is another's. */
	assert_outcome(town_check(town, PURPOSE_PHONE, who_id("bob"),
	                          town_wrong_code(town, "bob", PURPOSE_PHONE)),
	               OUTCOME_WRONG);
	assert_outcome(
	    town_check(town, PURPOSE_PHONE, who_id("bob"), town_code(town, "bob", PURPOSE_PHONE)),
	    OUTCOME_PHONE_TAKEN);
	const struct user *bob = town_read(town, "bob");
	assert_int_equal(bob->phone_verified_ms, 0);
	assert_false(bob->phone_exclusive);
	assert_int_equal(bob->sequence, 4);
	/* The code is used up, the guess was charged. */
	assert_null(town_code_record(town, "bob", PURPOSE_PHONE));
	assert_outcome(town_check(town, PURPOSE_PHONE, who_id("bob"), town->code), OUTCOME_UNKNOWN);
	assert_int_equal(town_budget(town, PHONE)->guesses.n, 3);
}

static void a_taken_number_is_told_by_the_event(struct town *town)
{
	struct event event;
	town->exclusive = true;
	town_settle(town, "ada", PHONE, true);
	town_settle(town, "bob", PHONE, false);
	assert_outcome(town_send(town, PURPOSE_PHONE, who_id("bob")), OUTCOME_SENT);
	town->clock.now_ms++;
	assert_outcome(
	    town_check(town, PURPOSE_PHONE, who_id("bob"), town_code(town, "bob", PURPOSE_PHONE)),
	    OUTCOME_PHONE_TAKEN);
	assert_int_equal(town_events(town, &event), 2);
	assert_true(bytes_equal(event.reason, BYTES("phone-taken")));
	assert_true(bytes_equal(event.kind, BYTES("checked")));
}

static void where_it_is_not_unique_both_verify(struct town *town)
{
	town_settle(town, "ada", PHONE, true);
	town_settle(town, "bob", PHONE, false);
	assert_outcome(town_send(town, PURPOSE_PHONE, who_id("bob")), OUTCOME_SENT);
	assert_outcome(
	    town_check(town, PURPOSE_PHONE, who_id("bob"), town_code(town, "bob", PURPOSE_PHONE)),
	    OUTCOME_APPROVED);
	assert_int_not_equal(town_read(town, "bob")->phone_verified_ms, 0);
}

/* ---- who is meant ---------------------------------------------------------------------------- */

static bool is_found(struct town *town, struct who who, const char *id)
{
	const struct user *user = town_find(town, who);
	return id ? user && bytes_equal(user->id, bytes_from_text(id)) : !user;
}

static void a_user_is_found_by_every_name(struct town *town)
{
	struct user user = town_user("ada", PHONE, true);
	user.uuid = BYTES("5b0c2a52-7d0c-4d0e-8a39-1f2f3a4b5c6d");
	user.email = BYTES("Ada@Example.com");
	user.email_verified = true;
	town_store(town, &user);
	assert_true(is_found(town, who_id("ada"), "ada"));
	assert_true(is_found(town, who_id("Ada"), NULL));
	assert_true(is_found(town, (struct who){.by = WHO_NAME, .key = BYTES("aDa")}, "ada"));
	assert_true(is_found(town, (struct who){.by = WHO_UUID, .key = user.uuid}, "ada"));
	assert_true(
	    is_found(town, (struct who){.by = WHO_EMAIL, .key = BYTES("ada@example.com")}, "ada"));
	assert_true(is_found(town, (struct who){.by = WHO_EMAIL, .key = BYTES("ada")}, NULL));
	assert_true(is_found(town, who_phone(WHO_VERIFIED, PHONE), "ada"));
	assert_true(is_found(town, who_phone(WHO_OPEN, PHONE), "ada"));
	assert_true(is_found(town, who_phone(WHO_ONLY, PHONE), "ada"));
	assert_true(is_found(town, who_phone(WHO_ONLY, NEW), NULL));
	/* Both must be his. */
	struct who both = {.by = WHO_NAME, .key = BYTES("ada"), .number = test_number(PHONE)};
	assert_true(is_found(town, both, "ada"));
	both.number = test_number(NEW);
	assert_true(is_found(town, both, NULL));
	assert_int_equal(town->flow.calls_n, 0);
}

static void those_for_whom_it_waits_come_first(struct town *town)
{
	struct user user = town_user("carol", NEW, true);
	town_settle(town, "ada", PHONE, true);
	town_settle(town, "bob", PHONE, false);
	user.phone_pending = test_number(PHONE);
	user.changed_ms++;
	town_store(town, &user);
	assert_true(is_found(town, who_phone(WHO_VERIFIED, PHONE), "ada"));
	assert_true(is_found(town, who_phone(WHO_OPEN, PHONE), "carol"));
	assert_outcome(town_send(town, PURPOSE_PHONE, who_phone(WHO_OPEN, PHONE)), OUTCOME_SENT);
	assert_non_null(town_code_record(town, "carol", PURPOSE_PHONE));
	/* By her verified number too: what waits is what is sent to. */
	town->clock.now_ms += MINUTES_MS;
	assert_outcome(town_send(town, PURPOSE_PHONE, who_phone(WHO_OPEN, NEW)), OUTCOME_SENT);
	assert_string_equal(town->call.flow.result.verification.number.digits, PHONE);
	assert_true(is_found(town, who_phone(WHO_OPEN, "4915112345678"), NULL));
	/* Of those, one must be the only one; who is disabled does not count. */
	assert_true(is_found(town, who_phone(WHO_ONLY, PHONE), NULL));
	user = *town_read(town, "ada");
	user.disabled = true;
	town_store(town, &user);
	assert_true(is_found(town, who_phone(WHO_ONLY, PHONE), "bob"));
	/* More than are looked at are more than one. */
	for (int i = 0; i < HOLDERS_MAX; i++) {
		char id[8];
		snprintf(id, sizeof(id), "d%d", i);
		user = town_user(id, PHONE, false);
		user.disabled = true;
		town_store(town, &user);
	}
	assert_true(is_found(town, who_phone(WHO_ONLY, PHONE), NULL));
}

int main(void)
{
	static const struct town_test tests[] = {
	    TOWN_TEST(the_right_code_verifies_the_number),
	    TOWN_TEST(the_sequence_rises_with_what_was_done),
	    TOWN_TEST(after_the_last_try_no_code_is_open),
	    TOWN_TEST(an_expired_code_says_so_until_a_new_one),
	    TOWN_TEST(a_code_whose_key_is_gone_is_as_if_expired),
	    TOWN_TEST(a_repeated_send_does_as_its_policy_says),
	    TOWN_TEST(a_code_may_be_handed_over_by_the_caller),
	    TOWN_TEST(purposes_never_answer_for_each_other),
	    TOWN_TEST(a_right_login_code_notes_the_time_and_nothing_else),
	    TOWN_TEST(a_login_code_goes_to_the_phone_itself),
	    TOWN_TEST(a_login_code_that_cannot_leave_changes_nothing),
	    TOWN_TEST(a_phone_code_that_cannot_leave_is_a_change_all_the_same),
	    TOWN_TEST(a_disabled_user_is_refused_and_not_charged),
	    TOWN_TEST(nobody_and_nobodys_number_are_refused),
	    TOWN_TEST(a_code_for_another_number_is_never_right),
	    TOWN_TEST(a_limited_guess_is_not_evaluated),
	    TOWN_TEST(the_first_to_verify_has_the_number),
	    TOWN_TEST(a_taken_number_is_told_by_the_event),
	    TOWN_TEST(where_it_is_not_unique_both_verify),
	    TOWN_TEST(a_user_is_found_by_every_name),
	    TOWN_TEST(those_for_whom_it_waits_come_first),
	};
	static struct cases cases;
	town_add_tests(&cases, tests, COUNT(tests));
	return cases_run("user_code", &cases);
}
