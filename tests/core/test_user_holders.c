/* SPDX-License-Identifier: Apache-2.0 */
/* Checks that name only a number (rules 2.2, 3.2), over every store: whose code it was, and what
 * that costs the number and each who has it. */
#include "support/town.h"

#include <limits.h>

#define T TEST_START_MS
#define PHONE "447700900123"
#define OTHER "447700900456"

static const char *const ids[] = {"ada", "bob", "carol", "dora", "emil", "frida"};

/* The first `n` of them have the number unverified; each was sent a code, in that order, so that
 * the last one changed last. */
static void settle(struct town *town, size_t n)
{
	town->limits.enabled = false;
	for (size_t i = 0; i < n; i++) {
		town_settle(town, ids[i], PHONE, false);
		town->clock.now_ms++;
		assert_outcome(town_send(town, PURPOSE_PHONE, who_id(ids[i])), OUTCOME_SENT);
	}
	town->limits = test_limits();
}

static enum outcome check(struct town *town, const char *guess)
{
	char copy[CODE_LENGTH_MAX + 1] = "";
	memcpy(copy, guess, strlen(guess));
	return town_check(town, PURPOSE_PHONE, who_phone(WHO_OPEN, PHONE), copy);
}

/* A guess that is nobody's code. */
static const char *nobodys_code(struct town *town, size_t n)
{
	static char guess[CODE_LENGTH_MAX + 1];
	for (unsigned code = 0;; code++) {
		bool is_free = true;
		snprintf(guess, sizeof(guess), "%06u", code % 1000000);
		for (size_t i = 0; i < n; i++)
			is_free &= !town_code_record(town, ids[i], PURPOSE_PHONE) ||
			           strcmp(town_code(town, ids[i], PURPOSE_PHONE), guess) != 0;
		if (is_free)
			return guess;
	}
}

static unsigned tries(struct town *town, const char *id)
{
	const struct verification *v = town_code_record(town, id, PURPOSE_PHONE);
	return v ? v->tries : UINT_MAX;
}

/* ---- whose it was ---------------------------------------------------------------------------- */

static void the_one_whose_code_it_is_is_verified(struct town *town)
{
	for (size_t right = 0; right < 3; right++) {
		settle(town, 3);
		size_t guesses = town_budget(town, PHONE)->guesses.n;
		uint64_t sequences[3];
		for (size_t i = 0; i < 3; i++)
			sequences[i] = town_read(town, ids[i])->sequence;
		assert_outcome(check(town, town_code(town, ids[right], PURPOSE_PHONE)),
		               OUTCOME_APPROVED);
		assert_string_equal(town->call.user.user->id.at, ids[right]);
		for (size_t i = 0; i < 3; i++) {
			const struct user *user = town_read(town, ids[i]);
			assert_int_equal(user->phone_verified_ms != 0, i == right);
			assert_int_equal(user->sequence, sequences[i] + (i == right));
			assert_int_equal(tries(town, ids[i]), i == right ? UINT_MAX : 1);
		}
		/* Three were compared, whichever it was; and one of them clears the failures. */
		assert_int_equal(town_budget(town, PHONE)->guesses.n, guesses + 3);
		assert_int_equal(town_failures(town, PHONE)->count, 0);
		/* The next round begins anew. */
		for (size_t i = 0; i < 3; i++) {
			const struct user_command gone = {.op = USER_DELETE};
			assert_outcome(town_change(town, who_id(ids[i]), &gone), OUTCOME_USER_GONE);
		}
		town->clock.now_ms += 2 * DAYS_MS;
	}
}

static void a_code_that_is_nobodys_costs_each_a_try(struct town *town)
{
	settle(town, 3);
	const char *wrong = nobodys_code(town, 3);
	for (unsigned round = 1; round <= 3; round++) {
		assert_outcome(check(town, wrong), OUTCOME_WRONG);
		/* The newest is meant. */
		assert_string_equal(town->call.user.user->id.at, "carol");
		for (size_t i = 0; i < 3; i++)
			assert_int_equal(tries(town, ids[i]), round);
		assert_int_equal(town_budget(town, PHONE)->guesses.n, 3 * round);
		assert_int_equal(town_failures(town, PHONE)->count, 3 * round);
	}
	assert_int_equal(town_read(town, "carol")->sequence, 5);
	assert_int_equal(town_read(town, "ada")->sequence, 2);
	assert_int_equal(town->call.flow.result.verification.tries, 3);
}

/* At most the number's window, and no more than that is compared. */
static void no_more_are_compared_than_the_window_allows(struct town *town)
{
	settle(town, 3);
	const char *wrong = nobodys_code(town, 3);
	for (int i = 0; i < 3; i++)
		assert_outcome(check(town, wrong), OUTCOME_WRONG);
	town->limits.failure_waits.after = 100;
	/* Nine of ten are spent. */
	assert_outcome(check(town, wrong), OUTCOME_WRONG);
	assert_int_equal(tries(town, "carol"), 4);
	assert_int_equal(tries(town, "bob"), 3);
	assert_int_equal(town_budget(town, PHONE)->guesses.n, 10);
	assert_outcome(check(town, town_code(town, "carol", PURPOSE_PHONE)), OUTCOME_GUESS_LIMITED);
	assert_int_equal(town->call.flow.result.retry_after_ms, 15 * MINUTES_MS);
	assert_int_equal(tries(town, "carol"), 4);
}

static void a_narrow_window_still_lets_some_be_compared(struct town *town)
{
	settle(town, 5);
	town->limits.guesses_per_number = (struct rates){1, {{2, HOURS_MS}}};
	assert_outcome(check(town, town_code(town, "ada", PURPOSE_PHONE)), OUTCOME_WRONG);
	assert_int_equal(tries(town, "emil"), 1);
	assert_int_equal(tries(town, "dora"), 1);
	assert_int_equal(tries(town, "ada"), 0);
	assert_int_equal(town_budget(town, PHONE)->guesses.n, 2);
}

static void only_the_five_newest_are_compared(struct town *town)
{
	settle(town, 6);
	assert_outcome(check(town, town_code(town, "ada", PURPOSE_PHONE)), OUTCOME_WRONG);
	assert_int_equal(tries(town, "ada"), 0);
	for (size_t i = 1; i < 6; i++)
		assert_int_equal(tries(town, ids[i]), 1);
	assert_int_equal(town_budget(town, PHONE)->guesses.n, 5);
	assert_int_equal(town->call.flow.result.changes_n, VERIFY_CHANGES_MAX - 1);
}

static void each_code_locks_when_its_own_tries_are_spent(struct town *town)
{
	settle(town, 2);
	town->limits.enabled = false;
	town->clock.now_ms++;
	assert_outcome(town_check(town, PURPOSE_PHONE, who_id("ada"),
	                          town_wrong_code(town, "ada", PURPOSE_PHONE)),
	               OUTCOME_WRONG);
	/* Now she is the newest. */
	for (int i = 0; i < 3; i++)
		assert_outcome(check(town, nobodys_code(town, 2)), OUTCOME_WRONG);
	assert_outcome(check(town, nobodys_code(town, 2)), OUTCOME_LOCKED);
	assert_string_equal(town->call.user.user->id.at, "ada");
	assert_int_equal(tries(town, "ada"), UINT_MAX);
	assert_int_equal(tries(town, "bob"), 4);
	assert_outcome(check(town, town_code(town, "bob", PURPOSE_PHONE)), OUTCOME_APPROVED);
}

/* ---- who is not compared --------------------------------------------------------------------- */

static void who_has_no_code_to_compare_is_passed_over(struct town *town)
{
	settle(town, 3);
	struct user user = *town_read(town, "carol");
	user.disabled = true;
	town_store(town, &user);
	town_settle(town, "dora", PHONE, false);
	/* His code was for another number, which changed past the engine. */
	town_settle(town, "emil", OTHER, false);
	assert_outcome(town_send(town, PURPOSE_PHONE, who_id("emil")), OUTCOME_SENT);
	user = *town_read(town, "emil");
	user.phone = test_number(PHONE);
	town_store(town, &user);
	assert_outcome(check(town, town_code(town, "carol", PURPOSE_PHONE)), OUTCOME_WRONG);
	assert_string_equal(town->call.user.user->id.at, "bob");
	assert_int_equal(tries(town, "carol"), 0);
	assert_int_equal(tries(town, "emil"), 0);
	assert_int_equal(tries(town, "ada"), 1);
	assert_int_equal(town_budget(town, PHONE)->guesses.n, 2);
	assert_outcome(check(town, town_code(town, "emil", PURPOSE_PHONE)), OUTCOME_WRONG);
	assert_outcome(check(town, town_code(town, "ada", PURPOSE_PHONE)), OUTCOME_APPROVED);
}

static void when_none_can_be_compared_the_newest_says_why(struct town *town)
{
	settle(town, 2);
	const char *code = town_code(town, "bob", PURPOSE_PHONE);
	char right[CODE_LENGTH_MAX + 1];
	memcpy(right, code, sizeof(right));
	town->clock.now_ms += 10 * MINUTES_MS;
	assert_outcome(check(town, right), OUTCOME_EXPIRED);
	assert_string_equal(town->call.user.user->id.at, "bob");
	assert_false(id_is_zero(&town->call.flow.result.verification.id));
	assert_int_equal(town->call.flow.result.changes_n, 0);
	/* Who is disabled says so only when there is no other. */
	struct user user = *town_read(town, "bob");
	user.disabled = true;
	town_store(town, &user);
	assert_outcome(check(town, right), OUTCOME_EXPIRED);
	assert_string_equal(town->call.user.user->id.at, "ada");
	user = *town_read(town, "ada");
	user.disabled = true;
	town_store(town, &user);
	assert_outcome(check(town, right), OUTCOME_USER_DISABLED);
	assert_string_equal(town->call.user.user->id.at, "bob");
	assert_int_equal(town_budget(town, PHONE)->guesses.n, 0);
	user = town_user("carol", PHONE, false);
	user.changed_ms = town->clock.now_ms;
	town_store(town, &user);
	assert_outcome(check(town, right), OUTCOME_UNKNOWN);
}

static void codes_whose_key_is_gone_are_not_compared(struct town *town)
{
	settle(town, 2);
	const char *code = town_code(town, "bob", PURPOSE_PHONE);
	keyring_free(town->keyring);
	town->keyring = town->flow.ports.keyring = test_keyring_other();
	assert_outcome(check(town, code), OUTCOME_KEY_GONE);
	assert_int_equal(tries(town, "bob"), 0);
}

/* ---- nobody waits ---------------------------------------------------------------------------- */

static void who_has_it_verified_is_meant_when_nobody_waits(struct town *town)
{
	assert_outcome(check(town, "123456"), OUTCOME_NO_USER);
	assert_null(town->call.user.user);
	town_settle(town, "ada", PHONE, true);
	assert_outcome(check(town, "123456"), OUTCOME_VERIFIED_ALREADY);
	assert_string_equal(town->call.user.user->id.at, "ada");
	struct user user = *town_read(town, "ada");
	user.disabled = true;
	town_store(town, &user);
	assert_outcome(check(town, "123456"), OUTCOME_USER_DISABLED);
	assert_int_equal(town_budget(town, PHONE)->guesses.n, 0);
}

static void a_pending_number_waits_too(struct town *town)
{
	town_settle(town, "ada", PHONE, true);
	town_settle(town, "bob", OTHER, true);
	assert_outcome(town_send(town, PURPOSE_LOGIN, who_id("bob")), OUTCOME_SENT);
	struct id login = town->call.flow.result.verification.id;
	assert_outcome(town_set_phone(town, "bob", PHONE_KEEP, PHONE), OUTCOME_USER_CHANGED);
	assert_outcome(check(town, town_wrong_code(town, "bob", PURPOSE_PHONE)), OUTCOME_WRONG);
	assert_int_equal(town_verification(town, &login)->state, VERIFICATION_LIVE);
	assert_outcome(check(town, town_code(town, "bob", PURPOSE_PHONE)), OUTCOME_APPROVED);
	assert_string_equal(town_read(town, "bob")->phone.digits, PHONE);
	assert_int_equal(town_read(town, "bob")->phone_pending.digits[0], 0);
	/* His phone has changed: a code for the old one logs nobody in. */
	assert_int_equal(town_verification(town, &login)->state, VERIFICATION_CANCELLED);
}

/* Rule 3.2: the first to verify wins; the code of a later one is used up. */
static void where_it_is_unique_the_second_one_is_told(struct town *town)
{
	town->exclusive = true;
	settle(town, 3);
	assert_outcome(check(town, town_code(town, "ada", PURPOSE_PHONE)), OUTCOME_APPROVED);
	assert_outcome(check(town, town_code(town, "bob", PURPOSE_PHONE)), OUTCOME_PHONE_TAKEN);
	assert_string_equal(town->call.user.user->id.at, "bob");
	assert_int_equal(town_read(town, "bob")->phone_verified_ms, 0);
	assert_int_equal(tries(town, "bob"), UINT_MAX);
	assert_int_equal(tries(town, "carol"), 2);
	assert_outcome(check(town, nobodys_code(town, 3)), OUTCOME_WRONG);
	assert_string_equal(town->call.user.user->id.at, "carol");
}

int main(void)
{
	static const struct town_test tests[] = {
	    TOWN_TEST(the_one_whose_code_it_is_is_verified),
	    TOWN_TEST(a_code_that_is_nobodys_costs_each_a_try),
	    TOWN_TEST(no_more_are_compared_than_the_window_allows),
	    TOWN_TEST(a_narrow_window_still_lets_some_be_compared),
	    TOWN_TEST(only_the_five_newest_are_compared),
	    TOWN_TEST(each_code_locks_when_its_own_tries_are_spent),
	    TOWN_TEST(who_has_no_code_to_compare_is_passed_over),
	    TOWN_TEST(when_none_can_be_compared_the_newest_says_why),
	    TOWN_TEST(codes_whose_key_is_gone_are_not_compared),
	    TOWN_TEST(who_has_it_verified_is_meant_when_nobody_waits),
	    TOWN_TEST(a_pending_number_waits_too),
	    TOWN_TEST(where_it_is_unique_the_second_one_is_told),
	};
	static struct cases cases;
	town_add_tests(&cases, tests, COUNT(tests));
	return cases_run("user_holders", &cases);
}
