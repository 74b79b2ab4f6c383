/* SPDX-License-Identifier: Apache-2.0 */
/* Checks, rule by rule: who is answered, what is charged, and when a record ends. */
#include "core/verify.h"

#include "support/engine.h"

#define T TEST_START_MS

/* A live record to check, and nothing spent on guesses. */
static int sent_setup(void **state)
{
	bench_setup(state);
	struct bench *bench = *state;
	assert_outcome(bench_send_ok(bench), OUTCOME_SENT);
	return 0;
}

/* The last check was refused: nothing changes, nobody pays. */
static void assert_not_charged(const struct bench *bench)
{
	assert_int_equal(bench->result.changes_n, 0);
	assert_string_equal(bench->result.event.kind.at, "refused");
	assert_string_equal(bench->result.event.reason.at, outcome_label(bench->result.outcome).at);
	assert_false(id_is_zero(&bench->result.event.id));
}

/* ---- the right code -------------------------------------------------------------------------- */

static void the_right_code_is_approved_once(void **state)
{
	struct bench *bench = *state;
	bench->now_ms += 1234;
	assert_outcome(bench_guess_right(bench), OUTCOME_APPROVED);
	const struct verification *v = &bench->verification;
	assert_int_equal(v->state, VERIFICATION_APPROVED);
	assert_int_equal(v->finished_ms, T + 1234);
	assert_int_equal(v->tries, 1);
	assert_string_equal(bench->result.event.kind.at, "checked");
	assert_string_equal(bench->result.event.reason.at, "approved");
	assert_true(id_is_zero(&bench->result.message.id));
	for (int i = 0; i < 3; i++) {
		assert_outcome(bench_guess_right(bench), OUTCOME_REPEATED);
		assert_not_charged(bench);
	}
}

static void a_guess_is_charged_right_or_wrong(void **state)
{
	struct bench *bench = *state;
	bench_guess_wrong(bench);
	assert_int_equal(bench->budget.guesses.n, 1);
	assert_int_equal(bench->failures.count, 1);
	assert_int_equal(bench->failures.last_ms, T);
	assert_true(bytes_equal(bench->failures.tenant, BYTES("demo")));
	assert_true(number_equal(&bench->failures.number, &bench->send.number));
	bench->now_ms += 5;
	bench_guess_wrong(bench);
	assert_int_equal(bench->failures.count, 2);
	assert_int_equal(bench->failures.last_ms, T + 5);
	bench_guess_right(bench);
	assert_int_equal(bench->budget.guesses.n, 3);
	assert_int_equal(bench->budget.guesses.at_ms[2], T + 5);
	assert_int_equal(bench->budget.sends.n, 1);
}

static void success_clears_failures_and_the_resend_delay(void **state)
{
	struct bench *bench = *state;
	for (int i = 0; i < 4; i++)
		bench_guess_wrong(bench);
	assert_true(bench->has_failures);
	assert_outcome(bench_send_ok(bench), OUTCOME_SEND_LIMITED);
	struct verification *v = &bench->verification;
	assert_int_equal(v->tries, 4);
	assert_outcome(bench_guess_right(bench), OUTCOME_APPROVED);
	assert_false(bench->has_failures);
	assert_int_equal(result_change(&bench->result, CHANGE_FAILURES)->failures->count, 0);
	assert_int_equal(bench->budget.send_streak, 0);
	assert_outcome(bench_send_ok(bench), OUTCOME_SENT);
	/* The windows stand. */
	assert_int_equal(bench->budget.sends.n, 2);
	assert_int_equal(bench->budget.guesses.n, 5);
}

static void success_without_failures_guards_their_absence(void **state)
{
	struct bench *bench = *state;
	bench_guess_right(bench);
	const struct change *guard = result_change(&bench->result, GUARD_FAILURES);
	assert_non_null(guard);
	assert_int_equal(guard->failures->version, 0);
	assert_true(number_equal(&guard->failures->number, &bench->send.number));
	assert_true(bytes_equal(guard->failures->tenant, BYTES("demo")));
	assert_null(result_change(&bench->result, CHANGE_FAILURES));
}

static void every_record_that_a_check_read_is_changed(void **state)
{
	struct bench *bench = *state;
	bench_guess_wrong(bench);
	for (int right = 0; right < 2; right++) {
		uint64_t versions[] = {bench->verification.version, bench->budget.version,
		                       bench->failures.version};
		if (right)
			bench_guess_right(bench);
		else
			bench_guess_wrong(bench);
		const struct verify_result *result = &bench->result;
		assert_int_equal(result->changes_n, 4);
		assert_int_equal(result_change(result, CHANGE_VERIFICATION)->verification->version,
		                 versions[0]);
		assert_int_equal(result_change(result, CHANGE_BUDGET)->budget->version,
		                 versions[1]);
		assert_int_equal(result_change(result, CHANGE_FAILURES)->failures->version,
		                 versions[2]);
		assert_non_null(result_change(result, CHANGE_EVENT));
	}
}

/* Limits of another number's row never come up: without a row there is one. */
static void a_check_without_a_budget_makes_one(void **state)
{
	struct bench *bench = *state;
	bench->has_budget = false;
	bench_guess_wrong(bench);
	assert_true(bench->has_budget);
	assert_true(number_equal(&bench->budget.number, &bench->send.number));
	assert_int_equal(bench->budget.guesses.n, 1);
	assert_int_equal(bench->budget.sends.n, 0);
}

/* ---- tries ----------------------------------------------------------------------------------- */

static const uint8_t attempts_rows[] = {1, 2, 3, 5, 10, ATTEMPTS_MAX};

static void the_last_wrong_guess_locks(void **state)
{
	struct bench *bench = *state;
	bench->limits.enabled = false;
	for (size_t i = 0; i < COUNT(attempts_rows); i++) {
		bench->send.policy.attempts = attempts_rows[i];
		bench_send_ok(bench);
		for (int k = 1; k < attempts_rows[i]; k++) {
			assert_outcome(bench_guess_wrong(bench), OUTCOME_WRONG);
			assert_int_equal(bench->verification.tries, k);
			assert_int_equal(bench->verification.state, VERIFICATION_LIVE);
			assert_int_equal(bench->verification.finished_ms, 0);
		}
		assert_outcome(bench_guess_wrong(bench), OUTCOME_LOCKED);
		assert_int_equal(bench->verification.state, VERIFICATION_LOCKED);
		assert_int_equal(bench->verification.finished_ms, bench->now_ms);
		assert_outcome(bench_guess_right(bench), OUTCOME_SPENT);
		assert_not_charged(bench);
		assert_outcome(bench_guess_wrong(bench), OUTCOME_SPENT);
		assert_int_equal(bench->verification.tries, attempts_rows[i]);
	}
}

static void the_last_try_may_be_the_right_one(void **state)
{
	struct bench *bench = *state;
	for (int i = 0; i < 4; i++)
		assert_outcome(bench_guess_wrong(bench), OUTCOME_WRONG);
	assert_outcome(bench_guess_right(bench), OUTCOME_APPROVED);
	assert_int_equal(bench->verification.tries, 5);
}

/* Whatever the checking API was set up with. */
static void the_policy_on_the_record_decides(void **state)
{
	struct bench *bench = *state;
	memcpy(bench->send.policy.alphabet, "ABCDEF\0\0\0\0", 11);
	bench->send.policy.length = 9;
	bench->send.policy.attempts = 2;
	bench->send.policy.ttl_ms = 5000;
	bench->now_ms += MINUTES_MS;
	bench_send_ok(bench);
	bench->send.policy = test_policy(REPEAT_PARALLEL);
	bench->check.dialect = BYTES("zitadel");
	const char *code = bench_code(bench);
	assert_int_equal(strlen(code), 9);
	assert_int_equal(strspn(code, "ABCDEF"), 9);
	assert_outcome(bench_guess_wrong(bench), OUTCOME_WRONG);
	assert_outcome(bench_guess_wrong(bench), OUTCOME_LOCKED);
	bench->now_ms += HOURS_MS;
	bench->send.policy.ttl_ms = 5000;
	bench_send_ok(bench);
	bench->now_ms += 5000;
	assert_outcome(bench_guess_right(bench), OUTCOME_EXPIRED);
}

/* ---- life ------------------------------------------------------------------------------------ */

static const struct {
	const char *name;
	int64_t after_ms; /* the end of life */
	bool right;
	enum outcome first, second;
} end_rows[] = {
    {"right, 1 ms before", -1, true, OUTCOME_APPROVED, OUTCOME_REPEATED},
    {"wrong, 1 ms before", -1, false, OUTCOME_WRONG, OUTCOME_WRONG},
    {"right, at the end", 0, true, OUTCOME_EXPIRED, OUTCOME_LAPSED},
    {"wrong, at the end", 0, false, OUTCOME_EXPIRED, OUTCOME_LAPSED},
    {"right, an hour after", HOURS_MS, true, OUTCOME_EXPIRED, OUTCOME_LAPSED},
    {"1 ms before the stub's end", DAYS_MS - 1, true, OUTCOME_EXPIRED, OUTCOME_LAPSED},
    {"right, at the stub's end", DAYS_MS, true, OUTCOME_LAPSED, OUTCOME_LAPSED},
    {"wrong, at the stub's end", DAYS_MS, false, OUTCOME_LAPSED, OUTCOME_LAPSED},
    {"long after", 1000 * DAYS_MS, true, OUTCOME_LAPSED, OUTCOME_LAPSED},
};

static void an_end_is_told_once(void **state)
{
	struct bench *bench = *state;
	const struct verification sent = bench->verification;
	for (size_t i = 0; i < COUNT(end_rows); i++) {
		bench->verification = sent;
		bench->has_failures = bench->has_budget = false;
		bench->now_ms = sent.expires_ms + end_rows[i].after_ms;
		const enum outcome wanted[] = {end_rows[i].first, end_rows[i].second};
		for (int k = 0; k < 2; k++) {
			enum outcome got =
			    end_rows[i].right ? bench_guess_right(bench) : bench_guess_wrong(bench);
			assert_row(end_rows[i].name, got == wanted[k]);
			if (got == OUTCOME_LAPSED)
				assert_not_charged(bench);
			if (got != OUTCOME_EXPIRED)
				continue;
			assert_int_equal(bench->verification.state, VERIFICATION_EXPIRED);
			assert_int_equal(bench->verification.finished_ms, bench->now_ms);
			assert_string_equal(bench->result.event.kind.at, "checked");
			assert_string_equal(bench->result.event.reason.at, "expired");
		}
		if (end_rows[i].after_ms < 0)
			continue;
		assert_int_equal(bench->verification.tries, 0);
		assert_false(bench->has_budget);
		assert_false(bench->has_failures);
	}
}

static void an_expired_record_is_told_even_when_guesses_are_spent(void **state)
{
	struct bench *bench = *state;
	bench->has_failures = true;
	bench->failures = (struct failures){.count = 100, .last_ms = T};
	bench->now_ms = bench->verification.expires_ms;
	assert_outcome(bench_guess_right(bench), OUTCOME_EXPIRED);
	assert_outcome(bench_guess_right(bench), OUTCOME_LAPSED);
}

/* The record's code, and from then on a keyring that does not know its key. */
static void rotate_all_keys(struct bench *bench, char code[CODE_LENGTH_MAX + 1])
{
	memcpy(code, bench_code(bench), CODE_LENGTH_MAX + 1);
	bench->verification.key_id = BYTES("k2"); /* was borrowed from the keyring */
	keyring_free(bench->keyring);
	bench->keyring = test_keyring_other();
}

static void a_record_whose_key_is_gone_answers_once_as_gone(void **state)
{
	struct bench *bench = *state;
	char code[CODE_LENGTH_MAX + 1];
	rotate_all_keys(bench, code);
	assert_outcome(bench_check_ok(bench, code), OUTCOME_KEY_GONE);
	assert_int_equal(bench->verification.state, VERIFICATION_EXPIRED);
	assert_int_equal(bench->verification.finished_ms, T);
	assert_string_equal(bench->result.event.reason.at, "key-gone");
	assert_int_equal(bench->verification.tries, 0);
	assert_int_equal(bench->budget.guesses.n, 0);
	assert_outcome(bench_check_ok(bench, code), OUTCOME_LAPSED);
	assert_not_charged(bench);
}

static void an_approved_record_whose_key_is_gone_is_used(void **state)
{
	struct bench *bench = *state;
	bench_guess_right(bench);
	char code[CODE_LENGTH_MAX + 1];
	rotate_all_keys(bench, code);
	assert_outcome(bench_check_ok(bench, code), OUTCOME_USED);
}

static void a_record_from_the_future_counts_as_expired(void **state)
{
	struct bench *bench = *state;
	const struct verification sent = bench->verification;
	bench->now_ms = T - CLOCK_SKEW_MS;
	assert_outcome(bench_guess_wrong(bench), OUTCOME_WRONG);
	bench->verification = sent;
	bench->now_ms--;
	assert_outcome(bench_guess_right(bench), OUTCOME_EXPIRED);
	assert_int_equal(bench->verification.state, VERIFICATION_EXPIRED);
	assert_outcome(bench_guess_right(bench), OUTCOME_LAPSED);
}

static void repeated_is_for_the_right_code_in_time(void **state)
{
	struct bench *bench = *state;
	bench_guess_right(bench);
	bench->now_ms = bench->verification.expires_ms - 1;
	assert_outcome(bench_guess_right(bench), OUTCOME_REPEATED);
	assert_not_charged(bench);
	bench->now_ms++;
	assert_outcome(bench_guess_right(bench), OUTCOME_USED);
	assert_not_charged(bench);
	assert_int_equal(bench->budget.guesses.n, 1);
	assert_int_equal(bench->verification.tries, 1);
}

/* Rules 1.6, 2.2: what is told for ever must not be guessed for ever. Wrong codes take tries of the
 * record, not of the number; then nothing is compared. */
static void a_used_code_is_compared_as_often_as_it_has_tries(void **state)
{
	struct bench *bench = *state;
	bench_guess_wrong(bench);
	assert_outcome(bench_guess_right(bench), OUTCOME_APPROVED);
	struct budget budget = bench->budget;
	for (unsigned tries = 3; tries <= 10; tries++) {
		assert_outcome(bench_guess_right(bench), OUTCOME_REPEATED);
		assert_not_charged(bench);
		assert_outcome(bench_guess_wrong(bench), OUTCOME_USED);
		assert_int_equal(bench->result.changes_n, 2);
		assert_string_equal(bench->result.event.kind.at, "refused");
		assert_string_equal(bench->result.event.reason.at, "used");
		assert_int_equal(bench->verification.tries, tries);
		assert_int_equal(bench->verification.state, VERIFICATION_APPROVED);
	}
	assert_memory_equal(&bench->budget, &budget, sizeof(budget));
	assert_false(bench->has_failures);
	assert_outcome(bench_guess_right(bench), OUTCOME_USED);
	assert_not_charged(bench);
	assert_outcome(bench_guess_wrong(bench), OUTCOME_USED);
	assert_not_charged(bench);
}

/* Who is never told it has nothing to guess at. */
static void where_repeats_are_not_told_nothing_is_compared(void **state)
{
	struct bench *bench = *state;
	bench_guess_right(bench);
	bench->check.repeats = false;
	assert_outcome(bench_guess_right(bench), OUTCOME_USED);
	assert_not_charged(bench);
	assert_outcome(bench_guess_wrong(bench), OUTCOME_USED);
	assert_not_charged(bench);
}

/* The code of the generation before is a wrong one, before and after success. */
static void repeated_is_for_the_same_generation(void **state)
{
	struct bench *bench = *state;
	bench->send.policy.repeat = REPEAT_NEW;
	bench->send.slot = BYTES("slot");
	bench->now_ms += MINUTES_MS;
	bench_send_ok(bench);
	char old_code[CODE_LENGTH_MAX + 1];
	memcpy(old_code, bench_code(bench), sizeof(old_code));
	bench->now_ms += MINUTES_MS;
	bench_send_ok(bench);
	assert_int_equal(bench->verification.generation, 3);
	assert_outcome(bench_check_ok(bench, old_code), OUTCOME_WRONG);
	assert_outcome(bench_guess_right(bench), OUTCOME_APPROVED);
	assert_outcome(bench_check_ok(bench, old_code), OUTCOME_USED);
	assert_outcome(bench_guess_right(bench), OUTCOME_REPEATED);
}

static const struct {
	enum verification_state state;
	enum outcome outcome;
} ended_rows[] = {
    {VERIFICATION_LOCKED, OUTCOME_SPENT},
    {VERIFICATION_EXPIRED, OUTCOME_LAPSED},
    {VERIFICATION_REPLACED, OUTCOME_REPLACED},
    {VERIFICATION_CANCELLED, OUTCOME_CANCELLED},
};

static void an_ended_record_is_refused_and_not_charged(void **state)
{
	struct bench *bench = *state;
	for (size_t i = 0; i < COUNT(ended_rows); i++) {
		bench->verification.state = ended_rows[i].state;
		assert_outcome(bench_guess_right(bench), ended_rows[i].outcome);
		assert_not_charged(bench);
		assert_outcome(bench_guess_wrong(bench), ended_rows[i].outcome);
		assert_not_charged(bench);
		assert_true(id_equal(&bench->result.event.verification, &bench->verification.id));
	}
	assert_int_equal(bench->budget.guesses.n, 0);
}

/* ---- whose record ---------------------------------------------------------------------------- */

static const struct holder_row {
	const char *name;
	enum purpose purpose;
	struct bytes client, user; /* of the record */
	struct bytes asks_tenant, asks_client, asks_user;
	bool answered;
} holder_rows[] = {
    {"the client", PURPOSE_NUMBER, BYTES("shop"), BYTES_NONE, BYTES("demo"), BYTES("shop"),
     BYTES_NONE, true},
    {"another client", PURPOSE_NUMBER, BYTES("shop"), BYTES_NONE, BYTES("demo"), BYTES("shop2"),
     BYTES_NONE, false},
    {"another tenant's client", PURPOSE_NUMBER, BYTES("shop"), BYTES_NONE, BYTES("demp"),
     BYTES("shop"), BYTES_NONE, false},
    {"no client", PURPOSE_NUMBER, BYTES("shop"), BYTES_NONE, BYTES("demo"), BYTES_NONE, BYTES_NONE,
     false},
    {"a user of the client's name", PURPOSE_NUMBER, BYTES("shop"), BYTES_NONE, BYTES("demo"),
     BYTES_NONE, BYTES("shop"), false},
    {"the client, for a user", PURPOSE_NUMBER, BYTES("shop"), BYTES_NONE, BYTES("demo"),
     BYTES("shop"), BYTES("ada"), false},
    {"the user", PURPOSE_NUMBER, BYTES_NONE, BYTES("ada"), BYTES("demo"), BYTES_NONE, BYTES("ada"),
     true},
    {"another user", PURPOSE_NUMBER, BYTES_NONE, BYTES("ada"), BYTES("demo"), BYTES_NONE,
     BYTES("Ada"), false},
    {"a client, for the user's own", PURPOSE_NUMBER, BYTES_NONE, BYTES("ada"), BYTES("demo"),
     BYTES("shop"), BYTES("ada"), false},
    {"a user's phone, himself", PURPOSE_PHONE, BYTES_NONE, BYTES("ada"), BYTES("demo"), BYTES_NONE,
     BYTES("ada"), true},
    {"sent by himself, checked by a client", PURPOSE_PHONE, BYTES_NONE, BYTES("ada"), BYTES("demo"),
     BYTES("shop"), BYTES("ada"), true},
    {"sent by a client, checked by himself", PURPOSE_PHONE, BYTES("shop"), BYTES("ada"),
     BYTES("demo"), BYTES_NONE, BYTES("ada"), true},
    {"log-in through another client", PURPOSE_LOGIN, BYTES("shop"), BYTES("ada"), BYTES("demo"),
     BYTES("web"), BYTES("ada"), true},
    {"another user's phone", PURPOSE_PHONE, BYTES("shop"), BYTES("ada"), BYTES("demo"),
     BYTES("shop"), BYTES("bob"), false},
    {"another tenant's user", PURPOSE_PHONE, BYTES("shop"), BYTES("ada"), BYTES("demp"),
     BYTES("shop"), BYTES("ada"), false},
};

static void assert_unknown(struct bench *bench)
{
	static const struct verification none;
	static const uint8_t no_hash[16];
	assert_not_charged(bench);
	assert_memory_equal(&bench->result.verification.id, &none.id, sizeof(none.id));
	assert_true(number_is_none(&bench->result.verification.number));
	assert_true(id_is_zero(&bench->result.event.verification));
	assert_memory_equal(bench->result.event.number_hash, no_hash, sizeof(no_hash));
	assert_true(bytes_equal(bench->result.event.tenant, bench->check.tenant));
}

static void a_record_answers_its_holder_alone(void **state)
{
	struct bench *bench = *state;
	bench->limits.enabled = false;
	for (size_t i = 0; i < COUNT(holder_rows); i++) {
		const struct holder_row *row = &holder_rows[i];
		bench->send.purpose = bench->check.purpose = row->purpose;
		bench->send.client = row->client;
		bench->send.user = row->user;
		bench_send_ok(bench);
		bench->check.tenant = row->asks_tenant;
		bench->check.client = row->asks_client;
		bench->check.user = row->asks_user;
		enum outcome got = bench_guess_right(bench);
		assert_row(row->name, got == (row->answered ? OUTCOME_APPROVED : OUTCOME_UNKNOWN));
		if (!row->answered)
			assert_unknown(bench);
	}
}

static void purposes_never_answer_for_each_other(void **state)
{
	static const enum purpose purposes[] = {PURPOSE_NUMBER, PURPOSE_PHONE, PURPOSE_LOGIN};
	struct bench *bench = *state;
	bench->limits.enabled = false;
	bench->send.client = bench->check.client = BYTES_NONE;
	bench->send.user = bench->check.user = BYTES("ada");
	for (size_t sent = 0; sent < COUNT(purposes); sent++)
		for (size_t asked = 0; asked < COUNT(purposes); asked++) {
			bench->send.purpose = purposes[sent];
			bench->check.purpose = purposes[asked];
			bench_send_ok(bench);
			assert_outcome(bench_guess_right(bench),
			               sent == asked ? OUTCOME_APPROVED : OUTCOME_UNKNOWN);
		}
}

static void no_record_is_unknown(void **state)
{
	struct bench *bench = *state;
	bench->has_verification = false;
	assert_outcome(bench_check_ok(bench, "123456"), OUTCOME_UNKNOWN);
	assert_unknown(bench);
}

/* The audit trail names the API that asked, not the one that made the record. */
static void events_name_the_dialect_that_asked(void **state)
{
	struct bench *bench = *state;
	bench->check.dialect = BYTES("zitadel");
	bench_guess_wrong(bench);
	assert_true(bytes_equal(bench->result.event.dialect, BYTES("zitadel")));
	assert_true(bytes_equal(bench->verification.dialect, BYTES("dotdigital")));
	bench_guess_right(bench);
	bench_guess_right(bench);
	assert_outcome(bench->result.outcome, OUTCOME_REPEATED);
	assert_true(bytes_equal(bench->result.event.dialect, BYTES("zitadel")));
	assert_true(id_equal(&bench->result.event.verification, &bench->verification.id));
	uint8_t hash[16];
	assert_int_equal(number_hash(bench->keyring, &bench->send.number, hash), OK);
	assert_memory_equal(bench->result.event.number_hash, hash, sizeof(hash));
}

/* ---- codes bound to a transaction ------------------------------------------------------------ */

static const struct {
	const char *name;
	bool sent_bound, asked_bound;
	uint8_t sent, asked; /* first octet of the digest */
	bool right;
} digest_rows[] = {
    {"the same", true, true, 7, 7, true},
    {"another amount", true, true, 7, 8, false},
    {"none", true, false, 7, 7, false},
    {"one too many", false, true, 0, 7, false},
    {"not bound, left-over octets", false, false, 7, 8, true},
};

static void a_code_is_bound_to_its_transaction(void **state)
{
	struct bench *bench = *state;
	bench->limits.enabled = false;
	for (size_t i = 0; i < COUNT(digest_rows); i++) {
		bench->send.bound = digest_rows[i].sent_bound;
		bench->send.digest[0] = digest_rows[i].sent;
		bench_send_ok(bench);
		bench->check.bound = digest_rows[i].asked_bound;
		bench->check.digest[0] = digest_rows[i].asked;
		enum outcome got = bench_guess_right(bench);
		assert_row(digest_rows[i].name,
		           got == (digest_rows[i].right ? OUTCOME_APPROVED : OUTCOME_WRONG));
		/* What was asked stays out of the record. */
		assert_int_equal(bench->verification.bound, digest_rows[i].sent_bound);
		assert_int_equal(bench->verification.digest[0], digest_rows[i].sent);
		assert_int_equal(bench->verification.tries, 1);
	}
}

/* ---- guesses not evaluated ------------------------------------------------------------------- */

static void a_limited_guess_is_not_evaluated(void **state)
{
	struct bench *bench = *state;
	bench->has_failures = true;
	bench->failures = (struct failures){.version = 4, .count = 10, .last_ms = T};
	const struct verification sent = bench->verification;
	static const int64_t waits_ms[] = {30 * SECONDS_MS, 10 * SECONDS_MS, 2, 1};
	for (size_t i = 0; i < COUNT(waits_ms); i++) {
		bench->now_ms = T + 30 * SECONDS_MS - waits_ms[i];
		assert_outcome(bench_guess_right(bench), OUTCOME_GUESS_LIMITED);
		assert_int_equal(bench->result.retry_after_ms, waits_ms[i]);
		assert_not_charged(bench);
	}
	assert_memory_equal(&bench->verification, &sent, sizeof(sent));
	bench->now_ms = T + 30 * SECONDS_MS;
	assert_outcome(bench_guess_right(bench), OUTCOME_APPROVED);
	assert_int_equal(bench->result.retry_after_ms, 0);
	assert_false(bench->has_failures);
}

static void windows_bound_the_guesses_over_all_records(void **state)
{
	struct bench *bench = *state;
	for (int i = 0; i < 10; i++) {
		if (i % 5 == 0) {
			bench->now_ms += MINUTES_MS;
			bench_send_ok(bench);
		}
		enum outcome wanted = i % 5 == 4 ? OUTCOME_LOCKED : OUTCOME_WRONG;
		assert_outcome(bench_guess_wrong(bench), wanted);
	}
	bench->has_failures = false; /* only the window is looked at here */
	bench->limits.sends_per_number.n = 0;
	bench->now_ms += 2 * MINUTES_MS;
	bench_send_ok(bench);
	assert_outcome(bench_guess_right(bench), OUTCOME_GUESS_LIMITED);
	assert_int_equal(bench->result.retry_after_ms,
	                 bench->budget.guesses.at_ms[0] + 15 * MINUTES_MS - bench->now_ms);
}

/* ---- consecutive failures -------------------------------------------------------------------- */

/* Nothing but the counter holds anybody: no windows and no waits. */
static void counter_only(struct bench *bench)
{
	bench->limits.sends_per_number.n = bench->limits.guesses_per_number.n = 0;
	bench->limits.resend_delay = (struct resend_delay){0};
	bench->limits.failure_waits.first_ms = 0;
}

static void a_new_code_does_not_reset_the_failures(void **state)
{
	struct bench *bench = *state;
	counter_only(bench);
	int evaluated = 0;
	for (int fresh = 0; fresh < 25; fresh++) {
		assert_outcome(bench_send_ok(bench), OUTCOME_SENT);
		for (int i = 0; i < 5; i++) {
			enum outcome got = bench_guess_wrong(bench);
			evaluated += got != OUTCOME_GUESS_LIMITED;
			if (evaluated <= 100 && fresh < 20)
				assert_outcome(got, i == 4 ? OUTCOME_LOCKED : OUTCOME_WRONG);
			else
				assert_outcome(got, OUTCOME_GUESS_LIMITED);
		}
		if (fresh >= 20) {
			assert_outcome(bench_guess_right(bench), OUTCOME_GUESS_LIMITED);
			assert_int_equal(bench->result.retry_after_ms, HOURS_MS);
		}
	}
	assert_int_equal(evaluated, 100);
	assert_int_equal(bench->failures.count, 100);
	/* No time heals it … */
	bench->now_ms += 1000 * DAYS_MS;
	bench_send_ok(bench);
	assert_outcome(bench_guess_right(bench), OUTCOME_GUESS_LIMITED);
	/* … but the operator does. */
	bench->has_failures = false;
	assert_outcome(bench_guess_right(bench), OUTCOME_APPROVED);
}

static void the_hundredth_guess_may_be_the_right_one(void **state)
{
	struct bench *bench = *state;
	counter_only(bench);
	bench->has_failures = true;
	bench->failures = (struct failures){.version = 1, .count = 99, .last_ms = T};
	assert_outcome(bench_guess_right(bench), OUTCOME_APPROVED);
	assert_false(bench->has_failures);
	bench_send_ok(bench);
	assert_outcome(bench_guess_wrong(bench), OUTCOME_WRONG);
	assert_int_equal(bench->failures.count, 1);
}

/* A burner who tries whenever he may, ten days long. How many of his guesses were evaluated. */
static int guess_for_ten_days(struct bench *bench)
{
	int evaluated = 0;
	for (; bench->now_ms < T + 10 * DAYS_MS; bench->now_ms += MINUTES_MS) {
		bench_send_ok(bench);
		for (int i = 0; i < 3; i++) {
			enum outcome got = bench_guess_wrong(bench);
			evaluated += got == OUTCOME_WRONG || got == OUTCOME_LOCKED;
		}
	}
	return evaluated;
}

/* Thirty a day alone would pass a hundred on the fourth day. */
static void ten_days_of_guessing_end_at_a_hundred(void **state)
{
	struct bench *bench = *state;
	bench->limits.failure_waits.first_ms = 0;
	assert_int_equal(guess_for_ten_days(bench), 100);
	assert_in_range(bench->failures.last_ms, T + 3 * DAYS_MS, T + 4 * DAYS_MS);
	assert_outcome(bench_send_ok(bench), OUTCOME_SENT);
	assert_outcome(bench_guess_right(bench), OUTCOME_GUESS_LIMITED);
}

/* With the waits he has not even got there. */
static void waits_slow_ten_days_of_guessing(void **state)
{
	struct bench *bench = *state;
	assert_in_range(guess_for_ten_days(bench), 40, 99);
}

/* ---- looks ----------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	enum verification_state state;
	int64_t after_ms; /* the end of life */
	enum outcome outcome;
} look_rows[] = {
    {"live", VERIFICATION_LIVE, -1, OUTCOME_PENDING},
    {"its end not yet told", VERIFICATION_LIVE, 0, OUTCOME_PENDING},
    {"1 ms before the stub's end", VERIFICATION_LIVE, DAYS_MS - 1, OUTCOME_PENDING},
    {"at the stub's end", VERIFICATION_LIVE, DAYS_MS, OUTCOME_LAPSED},
    {"approved", VERIFICATION_APPROVED, -1, OUTCOME_USED},
    {"locked", VERIFICATION_LOCKED, -1, OUTCOME_SPENT},
    {"told", VERIFICATION_EXPIRED, 0, OUTCOME_LAPSED},
    {"replaced", VERIFICATION_REPLACED, -1, OUTCOME_REPLACED},
    {"cancelled", VERIFICATION_CANCELLED, -1, OUTCOME_CANCELLED},
};

static void a_look_compares_and_changes_nothing(void **state)
{
	struct bench *bench = *state;
	bench->check.look = true;
	bench->has_failures = true;
	bench->failures = (struct failures){.count = 100, .last_ms = T};
	for (size_t i = 0; i < COUNT(look_rows); i++) {
		bench->verification.state = look_rows[i].state;
		bench->now_ms = bench->verification.expires_ms + look_rows[i].after_ms;
		assert_row(look_rows[i].name, bench_check_ok(bench, "") == look_rows[i].outcome);
		assert_int_equal(bench->result.changes_n, 0);
		assert_int_equal(bench->result.retry_after_ms, 0);
	}
	bench->check.client = BYTES("other");
	assert_outcome(bench_check_ok(bench, ""), OUTCOME_UNKNOWN);
}

/* ---- faults ---------------------------------------------------------------------------------- */

/* Only an event's id is drawn; without it neither an answer nor a change. */
static void without_randomness_nothing_is_answered(void **state)
{
	struct bench *bench = *state;
	const struct verification sent = bench->verification;
	char code[CODE_LENGTH_MAX + 1];
	memcpy(code, bench_code(bench), sizeof(code));
	test_rng_init(&bench->rng, 3);
	bench->rng.fails_from = 1;
	assert_int_equal(bench_check(bench, code), ERR_RANDOM);
	assert_int_equal(bench_check(bench, "x"), ERR_RANDOM);
	bench->now_ms = sent.expires_ms;
	assert_int_equal(bench_check(bench, code), ERR_RANDOM);
	bench->has_verification = false;
	assert_int_equal(bench_check(bench, code), ERR_RANDOM);
	assert_memory_equal(&bench->verification, &sent, sizeof(sent));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, sent_setup, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(the_right_code_is_approved_once),
	    CASE(a_guess_is_charged_right_or_wrong),
	    CASE(success_clears_failures_and_the_resend_delay),
	    CASE(success_without_failures_guards_their_absence),
	    CASE(every_record_that_a_check_read_is_changed),
	    CASE(a_check_without_a_budget_makes_one),
	    CASE(the_last_wrong_guess_locks),
	    CASE(the_last_try_may_be_the_right_one),
	    CASE(the_policy_on_the_record_decides),
	    CASE(an_end_is_told_once),
	    CASE(an_expired_record_is_told_even_when_guesses_are_spent),
	    CASE(a_record_whose_key_is_gone_answers_once_as_gone),
	    CASE(an_approved_record_whose_key_is_gone_is_used),
	    CASE(a_record_from_the_future_counts_as_expired),
	    CASE(repeated_is_for_the_right_code_in_time),
	    CASE(a_used_code_is_compared_as_often_as_it_has_tries),
	    CASE(where_repeats_are_not_told_nothing_is_compared),
	    CASE(repeated_is_for_the_same_generation),
	    CASE(an_ended_record_is_refused_and_not_charged),
	    CASE(a_record_answers_its_holder_alone),
	    CASE(purposes_never_answer_for_each_other),
	    CASE(no_record_is_unknown),
	    CASE(events_name_the_dialect_that_asked),
	    CASE(a_code_is_bound_to_its_transaction),
	    CASE(a_limited_guess_is_not_evaluated),
	    CASE(windows_bound_the_guesses_over_all_records),
	    CASE(a_new_code_does_not_reset_the_failures),
	    CASE(the_hundredth_guess_may_be_the_right_one),
	    CASE(ten_days_of_guessing_end_at_a_hundred),
	    CASE(waits_slow_ten_days_of_guessing),
	    CASE(a_look_compares_and_changes_nothing),
	    CASE(without_randomness_nothing_is_answered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
