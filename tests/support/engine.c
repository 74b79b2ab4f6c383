/* SPDX-License-Identifier: Apache-2.0 */
#include "support/engine.h"

int64_t test_clock_now(void *clock)
{
	return ((struct test_clock *)clock)->now_ms;
}

/* ---- randomness ------------------------------------------------------------------------------ */

uint64_t test_rng_next(struct test_rng *rng)
{
	uint64_t z = rng->state += UINT64_C(0x9E3779B97F4A7C15);
	z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
	return z ^ z >> 31;
}

uint64_t test_rng_below(struct test_rng *rng, uint64_t limit)
{
	return test_rng_next(rng) % limit;
}

static enum err on_fill(struct rng *base, void *to, size_t len)
{
	struct test_rng *rng = (struct test_rng *)(void *)base;
	rng->fills++;
	if (rng->fails_from && rng->fills >= rng->fails_from)
		return ERR_RANDOM;
	for (size_t i = 0; i < len; i++)
		((uint8_t *)to)[i] = (uint8_t)test_rng_next(rng);
	return OK;
}

void test_rng_init(struct test_rng *rng, uint64_t seed)
{
	*rng = (struct test_rng){.rng.fill = on_fill, .state = seed};
}

/* ---- delivery -------------------------------------------------------------------------------- */

static struct delivery_plan on_plan(struct deliver *base, const struct number *number)
{
	struct test_deliver *deliver = (struct test_deliver *)(void *)base;
	(void)number;
	deliver->plans_n++;
	return deliver->plan;
}

static void on_message_committed(struct deliver *base, const struct message *message,
                                 const struct verification *verification)
{
	struct test_deliver *deliver = (struct test_deliver *)(void *)base;
	assert_true(deliver->delivered_n < DELIVERED_MAX);
	assert_true(id_equal(&message->verification, &verification->id));
	struct delivered *delivered = &deliver->delivered[deliver->delivered_n++];
	*delivered = (struct delivered){
	    .message = message->id,
	    .verification = verification->id,
	    .generation = message->generation,
	    .state = message->state,
	};
	snprintf(delivered->template, sizeof(delivered->template), "%.*s",
	         (int)message->template.len, message->template.at);
}

void test_deliver_init(struct test_deliver *deliver, enum delivery_route route)
{
	static const struct deliver_ops ops = {
	    .plan = on_plan,
	    .committed = on_message_committed,
	};
	*deliver = (struct test_deliver){.deliver.ops = &ops, .plan.route = route};
	if (route == ROUTE_QUEUED || route == ROUTE_AT_ONCE)
		deliver->plan.provider = BYTES("scripted");
}

size_t test_deliver_count(const struct test_deliver *deliver, const struct id *message)
{
	size_t count = 0;
	for (size_t i = 0; i < deliver->delivered_n; i++)
		count += id_equal(&deliver->delivered[i].message, message);
	return count;
}

/* ---- settings -------------------------------------------------------------------------------- */

struct number test_number(const char *digits)
{
	struct number number = {0};
	size_t len = strlen(digits);
	assert_true(len <= NUMBER_DIGITS_MAX);
	memcpy(number.digits, digits, len);
	return number;
}

struct policy test_policy(enum repeat repeat)
{
	return (struct policy){
	    .alphabet = "0123456789",
	    .length = 6,
	    .attempts = 5,
	    .repeat = (uint8_t)repeat,
	    .ttl_ms = 10 * MINUTES_MS,
	};
}

struct limits test_limits(void)
{
	return (struct limits){
	    .enabled = true,
	    .resend_delay = {.first_ms = 30 * SECONDS_MS,
	                     .growth_n = 3,
	                     .growth_ms = {MINUTES_MS, 2 * MINUTES_MS, 5 * MINUTES_MS},
	                     .max_ms = 32 * MINUTES_MS},
	    .sends_per_number = {3, {{3, 10 * MINUTES_MS}, {5, HOURS_MS}, {10, DAYS_MS}}},
	    .guesses_per_number = {2, {{10, 15 * MINUTES_MS}, {30, DAYS_MS}}},
	    .consecutive_failures = 100,
	    .failure_waits = {.after = 10, .first_ms = 30 * SECONDS_MS, .max_ms = HOURS_MS},
	};
}

struct keyring *test_keyring(void)
{
	const struct secret_key keys[] = {
	    {BYTES("k2"), {2, 3, 5, 7, 11, 13}},
	    {BYTES("k1"), {1, 1, 2, 3, 5, 8}},
	};
	struct keyring *keyring = keyring_new(keys, COUNT(keys));
	assert_non_null(keyring);
	return keyring;
}

struct keyring *test_keyring_other(void)
{
	const struct secret_key key = {BYTES("k3"), {3, 1, 4, 1, 5, 9}};
	struct keyring *keyring = keyring_new(&key, 1);
	assert_non_null(keyring);
	return keyring;
}

void test_wrong_guess(struct keyring *keyring, const struct verification *v,
                      char ret[CODE_LENGTH_MAX + 1])
{
	assert_int_equal(code_derive(keyring, v, ret), OK);
	ret[0] = ret[0] == v->policy.alphabet[0] ? v->policy.alphabet[1] : v->policy.alphabet[0];
}

/* ---- the bench ------------------------------------------------------------------------------- */

int bench_setup(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	assert_non_null(bench);
	bench->now_ms = TEST_START_MS;
	test_rng_init(&bench->rng, 1);
	bench->keyring = test_keyring();
	bench->limits = test_limits();
	bench->plan = (struct delivery_plan){ROUTE_QUEUED, BYTES("scripted")};
	bench->send = (struct send_command){
	    .purpose = PURPOSE_NUMBER,
	    .tenant = BYTES("demo"),
	    .client = BYTES("shop"),
	    .dialect = BYTES("dotdigital"),
	    .number = test_number("447700900123"),
	    .policy = test_policy(REPEAT_PARALLEL),
	    .template = BYTES("{{code}} for {{validMinutes}} min"),
	    .sender = BYTES("ORCHARD"),
	    .limits = &bench->limits,
	};
	bench->check = (struct check_command){
	    .purpose = PURPOSE_NUMBER,
	    .tenant = BYTES("demo"),
	    .client = BYTES("shop"),
	    .dialect = BYTES("dotdigital"),
	    .repeats = true,
	    .limits = &bench->limits,
	};
	*state = bench;
	return 0;
}

int bench_teardown(void **state)
{
	struct bench *bench = *state;
	keyring_free(bench->keyring);
	free(bench);
	return 0;
}

const struct change *result_change(const struct verify_result *result, enum change_kind kind)
{
	for (size_t i = 0; i < result->changes_n; i++)
		if (result->changes[i].kind == kind)
			return &result->changes[i];
	return NULL;
}

static void bench_store_verification(struct bench *bench, const struct verification *v)
{
	assert_false(id_is_zero(&v->id));
	if (v == &bench->result.displaced) {
		assert_true(id_equal(&v->id, &bench->verification.id));
		assert_int_equal(v->version, bench->verification.version);
		bench->displaced = *v;
		bench->displaced.version++;
		bench->has_verification = false;
		return;
	}
	bool is_stored = bench->has_verification && id_equal(&v->id, &bench->verification.id);
	assert_int_equal(v->version, is_stored ? bench->verification.version : 0);
	bench->verification = *v;
	bench->verification.version++;
	bench->has_verification = true;
}

static void bench_store_change(struct bench *bench, const struct change *change)
{
	switch (change->kind) {
	case CHANGE_VERIFICATION:
		bench_store_verification(bench, change->verification);
		break;
	case CHANGE_BUDGET:
		assert_int_equal(change->budget->version,
		                 bench->has_budget ? bench->budget.version : 0);
		bench->budget = *change->budget;
		bench->budget.version++;
		bench->has_budget = true;
		break;
	case CHANGE_FAILURES:
		assert_int_equal(change->failures->version,
		                 bench->has_failures ? bench->failures.version : 0);
		bench->failures = *change->failures;
		bench->failures.version++;
		bench->has_failures = bench->failures.count != 0;
		break;
	case CHANGE_MESSAGE:
		assert_int_equal(change->message->version, 0);
		assert_false(id_is_zero(&change->message->id));
		bench->messages_n++;
		break;
	case CHANGE_EVENT:
		assert_false(id_is_zero(&change->event->id));
		bench->events_n++;
		break;
	case GUARD_VERIFICATION:
		assert_int_equal(change->verification->version, bench->verification.version);
		break;
	case GUARD_BUDGET:
		assert_int_equal(change->budget->version,
		                 bench->has_budget ? bench->budget.version : 0);
		break;
	case GUARD_FAILURES:
		assert_int_equal(change->failures->version,
		                 bench->has_failures ? bench->failures.version : 0);
		break;
	case GUARD_LINE:
		assert_int_equal(change->line->version, bench->has_line ? bench->line.version : 0);
		break;
	case CHANGE_TENANT:
	case CHANGE_CLIENT:
	case CHANGE_LINE:
	case CHANGE_KEY:
	case CHANGE_SYSTEM:
		fail_msg("the engine does not write what operators own");
		break;
	case CHANGE_USER:
	case CHANGE_SESSION:
	case DELETE_USER:
	case GUARD_USER:
		fail_msg("a code's step does not touch people");
	}
}

static enum err bench_step(struct bench *bench, bool is_send)
{
	/* By slot a store finds only what is live; a parallel send has none. */
	bool is_found = bench->has_verification &&
	                (!is_send || (bench->verification.state == VERIFICATION_LIVE &&
	                              bench->send.policy.repeat != REPEAT_PARALLEL));
	const struct verify_records records = {
	    .verification = is_found ? &bench->verification : NULL,
	    .budget = bench->has_budget ? &bench->budget : NULL,
	    .failures = bench->has_failures && !is_send ? &bench->failures : NULL,
	    .line = bench->has_line && is_send ? &bench->line : NULL,
	};
	struct verify_context context = {
	    .now_ms = bench->now_ms,
	    .rng = &bench->rng.rng,
	    .keyring = bench->keyring,
	    .plan = bench->plan,
	};
	enum err err = is_send ? verify_send(&bench->send, &records, &context, &bench->result)
	                       : verify_check(&bench->check, &records, &context, &bench->result);
	if (err)
		assert_int_equal(bench->result.changes_n, 0);
	for (size_t i = 0; i < bench->result.changes_n; i++)
		bench_store_change(bench, &bench->result.changes[i]);
	return err;
}

enum err bench_send(struct bench *bench)
{
	return bench_step(bench, true);
}

enum err bench_check(struct bench *bench, const char *guess)
{
	bench->check.guess = bytes_from_text(guess);
	return bench_step(bench, false);
}

const char *bench_code(struct bench *bench)
{
	assert_int_equal(code_derive(bench->keyring, &bench->verification, bench->code), OK);
	return bench->code;
}

enum outcome bench_send_ok(struct bench *bench)
{
	assert_int_equal(bench_send(bench), OK);
	return bench->result.outcome;
}

enum outcome bench_check_ok(struct bench *bench, const char *guess)
{
	assert_int_equal(bench_check(bench, guess), OK);
	return bench->result.outcome;
}

enum outcome bench_guess_wrong(struct bench *bench)
{
	test_wrong_guess(bench->keyring, &bench->verification, bench->code);
	return bench_check_ok(bench, bench->code);
}

enum outcome bench_guess_right(struct bench *bench)
{
	return bench_check_ok(bench, bench_code(bench));
}
