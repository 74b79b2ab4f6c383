/* SPDX-License-Identifier: Apache-2.0 */
/* Sends, rule by rule: what is refused, what is made, and what a repeat does. */
#include "core/verify.h"

#include "support/engine.h"

#define T TEST_START_MS

/* ---- a first send ---------------------------------------------------------------------------- */

static void a_send_makes_a_live_record_and_a_message(void **state)
{
	struct bench *bench = *state;
	bench->send.address = BYTES("192.0.2.7");
	bench->send.device = BYTES("phone-1");
	assert_outcome(bench_send_ok(bench), OUTCOME_SENT);
	const struct verify_result *result = &bench->result;
	const struct verification *v = &result->verification;
	assert_int_equal(v->version, 0);
	assert_int_equal(v->purpose, PURPOSE_NUMBER);
	assert_int_equal(v->state, VERIFICATION_LIVE);
	assert_true(bytes_equal(v->tenant, BYTES("demo")));
	assert_true(bytes_equal(v->client, BYTES("shop")));
	assert_null(v->user.at);
	assert_true(bytes_equal(v->dialect, BYTES("dotdigital")));
	assert_true(number_equal(&v->number, &bench->send.number));
	assert_memory_equal(&v->policy, &bench->send.policy, sizeof(v->policy));
	assert_true(bytes_equal(v->key_id, BYTES("k2")));
	assert_int_equal(v->generation, 1);
	assert_int_equal(v->tries, 0);
	assert_false(v->chosen);
	assert_false(v->bound);
	assert_int_equal(v->created_ms, T);
	assert_int_equal(v->expires_ms, T + 10 * MINUTES_MS);
	assert_int_equal(v->finished_ms, 0);
	assert_true(bytes_equal(v->address, BYTES("192.0.2.7")));
	assert_true(bytes_equal(v->device, BYTES("phone-1")));
	assert_null(v->slot.at);
	assert_int_equal(id_bucket(&v->id), number_bucket(&v->number));
	assert_int_equal(result->retry_after_ms, 0);
	assert_int_equal(bench->budget.sends.n, 1);
}

static void its_message_is_queued_with_its_template(void **state)
{
	struct bench *bench = *state;
	bench_send_ok(bench);
	const struct message *message = &bench->result.message;
	assert_ptr_equal(result_change(&bench->result, CHANGE_MESSAGE)->message, message);
	assert_int_equal(message->state, MESSAGE_QUEUED);
	assert_true(id_equal(&message->verification, &bench->result.verification.id));
	assert_int_equal(id_bucket(&message->id), id_bucket(&message->verification));
	assert_int_equal(message->generation, 1);
	assert_true(bytes_equal(message->template, bench->send.template));
	assert_true(bytes_equal(message->provider, BYTES("scripted")));
	assert_true(bytes_equal(message->sender, BYTES("ORCHARD")));
	assert_int_equal(message->attempts, 0);
	assert_int_equal(message->created_ms, T);
	assert_int_equal(message->next_ms, T);
	assert_int_equal(message->expires_ms, T + 10 * MINUTES_MS);
}

/* The inbox takes and finishes in one act: the message is whole, but not stored. */
static void a_message_taken_at_once_is_born_final_and_not_stored(void **state)
{
	struct bench *bench = *state;
	bench->plan.route = ROUTE_AT_ONCE;
	bench_send_ok(bench);
	const struct message *message = &bench->result.message;
	assert_true(message_state_is_final(message->state));
	assert_int_equal(message->state, MESSAGE_DELIVERED);
	assert_int_equal(message->attempts, 1);
	assert_true(bytes_equal(message->template, bench->send.template));
	for (size_t i = 0; i < bench->result.changes_n; i++)
		assert_int_not_equal(bench->result.changes[i].kind, CHANGE_MESSAGE);
}

static void its_event_says_who_asked(void **state)
{
	struct bench *bench = *state;
	bench_send_ok(bench);
	const struct event *event = &bench->result.event;
	uint8_t hash[16];
	assert_int_equal(number_hash(bench->keyring, &bench->send.number, hash), OK);
	assert_ptr_equal(result_change(&bench->result, CHANGE_EVENT)->event, event);
	assert_string_equal(event->kind.at, "asked");
	assert_string_equal(event->reason.at, "sent");
	assert_true(bytes_equal(event->tenant, BYTES("demo")));
	assert_true(bytes_equal(event->dialect, BYTES("dotdigital")));
	assert_true(id_equal(&event->verification, &bench->result.verification.id));
	assert_memory_equal(event->number_hash, hash, sizeof(hash));
	assert_int_equal(event->at_ms, T);
	assert_int_equal(event->count, 1);
}

static const struct {
	const char *name;
	int64_t ttl_ms, asked_ms, expires_ms;
} life_rows[] = {
    {"not asked", 10 * MINUTES_MS, 0, T + 10 * MINUTES_MS},
    {"shorter", 10 * MINUTES_MS, T + 1, T + 1},
    {"1 ms shorter", 10 * MINUTES_MS, T + 10 * MINUTES_MS - 1, T + 10 * MINUTES_MS - 1},
    {"the same", 10 * MINUTES_MS, T + 10 * MINUTES_MS, T + 10 * MINUTES_MS},
    {"longer", 10 * MINUTES_MS, T + 10 * MINUTES_MS + 1, T + 10 * MINUTES_MS},
    {"for ever", DAYS_MS, INT64_MAX, T + DAYS_MS},
};

static void a_life_is_never_longer_than_the_policys(void **state)
{
	struct bench *bench = *state;
	bench->limits.enabled = false;
	for (size_t i = 0; i < COUNT(life_rows); i++) {
		bench->send.policy.ttl_ms = life_rows[i].ttl_ms;
		bench->send.expires_ms = life_rows[i].asked_ms;
		bench_send_ok(bench);
		assert_row(life_rows[i].name,
		           bench->verification.expires_ms == life_rows[i].expires_ms);
		assert_row(life_rows[i].name,
		           bench->result.message.expires_ms == life_rows[i].expires_ms);
	}
}

/* ---- refusals -------------------------------------------------------------------------------- */

static const struct refusal_row {
	const char *name;
	enum line_state line;
	enum delivery_route route;
	bool is_limited;
	enum err err;
	enum outcome outcome;
} refusal_rows[] = {
    {"dead", LINE_DEAD, ROUTE_QUEUED, false, OK, OUTCOME_DEAD},
    {"landline", LINE_LANDLINE, ROUTE_QUEUED, false, OK, OUTCOME_LANDLINE},
    {"dead before no provider", LINE_DEAD, ROUTE_NONE, false, OK, OUTCOME_DEAD},
    {"landline before a limit", LINE_LANDLINE, ROUTE_QUEUED, true, OK, OUTCOME_LANDLINE},
    {"no provider is a fault", LINE_NORMAL, ROUTE_NONE, false, ERR_UNSUPPORTED, 0},
    {"also before a limit", LINE_NORMAL, ROUTE_NONE, true, ERR_UNSUPPORTED, 0},
    {"no route", LINE_NORMAL, ROUTE_REFUSED, false, OK, OUTCOME_NO_ROUTE},
    {"no route before a limit", LINE_NORMAL, ROUTE_REFUSED, true, OK, OUTCOME_NO_ROUTE},
    {"a limit", LINE_NORMAL, ROUTE_QUEUED, true, OK, OUTCOME_SEND_LIMITED},
    {"a limit, at once", LINE_NORMAL, ROUTE_AT_ONCE, true, OK, OUTCOME_SEND_LIMITED},
};

static void refused_sends_change_nothing(void **state)
{
	struct bench *bench = *state;
	bench->has_line = true;
	bench->line = (struct line){.number = bench->send.number, .version = 7};
	for (size_t i = 0; i < COUNT(refusal_rows); i++) {
		const struct refusal_row *row = &refusal_rows[i];
		bench->line.state = row->line;
		bench->plan.route = row->route;
		bench->has_budget = row->is_limited;
		bench->budget = (struct budget){.send_streak = 1, .sends = {1, {T}}};
		assert_int_equal(bench_send(bench), row->err);
		assert_int_equal(bench->result.changes_n, 0);
		if (row->err)
			continue;
		assert_outcome(bench->result.outcome, row->outcome);
		bool tells = row->outcome == OUTCOME_SEND_LIMITED;
		assert_int_equal(bench->result.retry_after_ms, tells ? 30 * SECONDS_MS : 0);
		assert_true(id_is_zero(&bench->result.message.id));
		assert_true(id_is_zero(&bench->result.verification.id));
		const struct event *event = &bench->result.event;
		assert_string_equal(event->kind.at, "refused");
		assert_string_equal(event->reason.at, outcome_label(row->outcome).at);
		assert_true(id_is_zero(&event->verification));
		assert_false(id_is_zero(&event->id));
		assert_int_equal(event->count, 1);
		uint8_t hash[16];
		assert_int_equal(number_hash(bench->keyring, &bench->send.number, hash), OK);
		assert_memory_equal(event->number_hash, hash, sizeof(hash));
	}
}

static void a_refused_send_does_not_start_the_delay(void **state)
{
	struct bench *bench = *state;
	bench_send_ok(bench);
	bench->now_ms += 30 * SECONDS_MS - 1;
	for (int i = 0; i < 3; i++) {
		assert_outcome(bench_send_ok(bench), OUTCOME_SEND_LIMITED);
		assert_int_equal(bench->result.retry_after_ms, 1);
	}
	bench->now_ms++;
	assert_outcome(bench_send_ok(bench), OUTCOME_SENT);
}

/* ---- repeats --------------------------------------------------------------------------------- */

static void use_repeat(struct bench *bench, enum repeat repeat)
{
	bench->send.policy.repeat = (uint8_t)repeat;
	bench->send.slot =
	    repeat == REPEAT_PARALLEL ? BYTES_NONE : BYTES("client:shop 447700900123");
}

/* Far enough for the next send, well within the life of a code. */
static void wait_for_next_send(struct bench *bench)
{
	bench->now_ms += MINUTES_MS;
}

static void parallel_makes_a_further_record(void **state)
{
	struct bench *bench = *state;
	bench_send_ok(bench);
	struct verification first = bench->verification;
	wait_for_next_send(bench);
	assert_outcome(bench_send_ok(bench), OUTCOME_SENT);
	struct verification second = bench->verification;
	assert_false(id_equal(&first.id, &second.id));
	assert_true(id_is_zero(&bench->result.displaced.id));
	assert_outcome(bench_guess_right(bench), OUTCOME_APPROVED);
	bench->verification = first;
	assert_outcome(bench_guess_right(bench), OUTCOME_APPROVED);
}

static void replace_ends_the_older_record_as_replaced(void **state)
{
	struct bench *bench = *state;
	use_repeat(bench, REPEAT_REPLACE);
	bench_send_ok(bench);
	struct verification first = bench->verification;
	assert_true(bytes_equal(first.slot, bench->send.slot));
	wait_for_next_send(bench);
	assert_outcome(bench_send_ok(bench), OUTCOME_SENT);
	assert_false(id_equal(&first.id, &bench->verification.id));
	assert_int_equal(bench->verification.generation, 1);
	assert_true(id_equal(&bench->displaced.id, &first.id));
	assert_int_equal(bench->displaced.state, VERIFICATION_REPLACED);
	assert_int_equal(bench->displaced.finished_ms, bench->now_ms);
	assert_outcome(bench_guess_right(bench), OUTCOME_APPROVED);

	bench->verification = bench->displaced;
	assert_outcome(bench_guess_right(bench), OUTCOME_REPLACED);
	assert_int_equal(bench->result.changes_n, 0);
}

static void replace_ends_a_late_record_as_expired(void **state)
{
	struct bench *bench = *state;
	use_repeat(bench, REPEAT_REPLACE);
	bench_send_ok(bench);
	int64_t end_ms = bench->verification.expires_ms;
	for (int late = 0; late < 2; late++) {
		bench->limits.enabled = false;
		bench->now_ms = end_ms - 1 + late;
		struct verification old = bench->verification;
		bench_send_ok(bench);
		assert_int_equal(bench->displaced.state,
		                 late ? VERIFICATION_EXPIRED : VERIFICATION_REPLACED);
		bench->verification = old;
	}
}

static void new_kills_the_old_code_and_starts_life_and_tries_again(void **state)
{
	struct bench *bench = *state;
	use_repeat(bench, REPEAT_NEW);
	bench_send_ok(bench);
	struct verification first = bench->verification;
	char old_code[CODE_LENGTH_MAX + 1];
	memcpy(old_code, bench_code(bench), sizeof(old_code));
	assert_outcome(bench_guess_wrong(bench), OUTCOME_WRONG);
	wait_for_next_send(bench);
	bench->send.dialect = BYTES("kii");
	bench->send.policy.length = 8;
	bench->send.policy.attempts = 2;
	bench->send.policy.ttl_ms = HOURS_MS;
	assert_outcome(bench_send_ok(bench), OUTCOME_SENT);
	const struct verification *v = &bench->verification;
	assert_true(id_equal(&v->id, &first.id));
	assert_int_equal(v->generation, 2);
	assert_int_equal(v->tries, 0);
	assert_int_equal(v->created_ms, bench->now_ms);
	assert_int_equal(v->expires_ms, bench->now_ms + HOURS_MS);
	assert_memory_equal(&v->policy, &bench->send.policy, sizeof(v->policy));
	assert_true(bytes_equal(v->dialect, BYTES("kii")));
	assert_true(bytes_equal(v->slot, first.slot));
	assert_int_equal(bench->result.message.generation, 2);
	assert_outcome(bench_check_ok(bench, old_code), OUTCOME_WRONG);
	assert_int_equal(strlen(bench_code(bench)), 8);
	assert_outcome(bench_guess_right(bench), OUTCOME_APPROVED);
}

static void new_takes_over_a_late_record(void **state)
{
	struct bench *bench = *state;
	use_repeat(bench, REPEAT_NEW);
	bench_send_ok(bench);
	bench->now_ms = bench->verification.expires_ms + DAYS_MS;
	bench_send_ok(bench);
	assert_int_equal(bench->verification.generation, 2);
	assert_outcome(bench_guess_right(bench), OUTCOME_APPROVED);
}

static void new_is_made_under_the_writing_key(void **state)
{
	struct bench *bench = *state;
	use_repeat(bench, REPEAT_NEW);
	bench_send_ok(bench);
	bench->verification.key_id = BYTES("k1");
	wait_for_next_send(bench);
	bench_send_ok(bench);
	assert_true(bytes_equal(bench->verification.key_id, BYTES("k2")));
}

static void same_sends_the_code_again_and_life_and_tries_go_on(void **state)
{
	struct bench *bench = *state;
	use_repeat(bench, REPEAT_SAME);
	bench_send_ok(bench);
	char code[CODE_LENGTH_MAX + 1];
	memcpy(code, bench_code(bench), sizeof(code));
	for (int i = 0; i < 3; i++)
		assert_outcome(bench_guess_wrong(bench), OUTCOME_WRONG);
	struct verification first = bench->verification;
	wait_for_next_send(bench);
	bench->send.policy.length = 8;
	bench->send.policy.ttl_ms = HOURS_MS;
	bench->send.policy.attempts = 100;
	assert_outcome(bench_send_ok(bench), OUTCOME_SENT_AGAIN);
	assert_memory_equal(&bench->verification, &first, sizeof(first));
	assert_non_null(result_change(&bench->result, GUARD_VERIFICATION));
	assert_null(result_change(&bench->result, CHANGE_VERIFICATION));
	assert_int_equal(bench->result.message.generation, 1);
	assert_int_equal(bench->result.message.expires_ms, first.expires_ms);
	assert_string_equal(bench->result.event.reason.at, "sent-again");
	assert_string_equal(bench_code(bench), code);
	assert_outcome(bench_guess_wrong(bench), OUTCOME_WRONG);
	assert_outcome(bench_guess_wrong(bench), OUTCOME_LOCKED);
}

static void same_same(struct bench *bench)
{
	(void)bench;
}

static void same_with_60_s(struct bench *bench)
{
	bench->now_ms = bench->verification.expires_ms - 60000;
}

static void same_with_less(struct bench *bench)
{
	bench->now_ms = bench->verification.expires_ms - 59999;
}

static void same_at_its_end(struct bench *bench)
{
	bench->now_ms = bench->verification.expires_ms;
}

static void same_with_one_try(struct bench *bench)
{
	bench->verification.tries = 4;
}

static void same_without_tries(struct bench *bench)
{
	bench->verification.tries = 5;
}

static void same_under_the_old_key(struct bench *bench)
{
	bench->verification.key_id = BYTES("k1");
}

static void same_under_a_key_that_is_gone(struct bench *bench)
{
	bench->verification.key_id = BYTES("k0");
}

static void same_of_a_chosen_code(struct bench *bench)
{
	bench->verification.chosen = true;
}

static void same_of_another_transaction(struct bench *bench)
{
	bench->verification.bound = bench->send.bound = true;
	bench->send.digest[SHA256_LEN - 1] = 1;
}

static void same_of_this_transaction(struct bench *bench)
{
	bench->verification.bound = bench->send.bound = true;
	bench->verification.digest[SHA256_LEN - 1] = bench->send.digest[SHA256_LEN - 1] = 1;
}

static void same_not_bound(struct bench *bench)
{
	bench->send.digest[0] = 1;
}

static void same_bound_now(struct bench *bench)
{
	bench->send.bound = true;
}

static void same_bound_no_more(struct bench *bench)
{
	bench->verification.bound = true;
}

static void same_within_the_skew(struct bench *bench)
{
	bench->verification.created_ms = bench->now_ms + CLOCK_SKEW_MS;
}

static void same_from_the_future(struct bench *bench)
{
	bench->verification.created_ms = bench->now_ms + CLOCK_SKEW_MS + 1;
}

static const struct {
	const char *name;
	void (*prepare)(struct bench *bench);
	bool same;
} same_rows[] = {
    {"nothing happened", same_same, true},
    {"60 s of life", same_with_60_s, true},
    {"1 ms less", same_with_less, false},
    {"no life", same_at_its_end, false},
    {"one try left", same_with_one_try, true},
    {"no tries left", same_without_tries, false},
    {"a key that only reads", same_under_the_old_key, true},
    {"a key that is gone", same_under_a_key_that_is_gone, false},
    {"a test number no more", same_of_a_chosen_code, false},
    {"bound to this transaction", same_of_this_transaction, true},
    {"bound to another", same_of_another_transaction, false},
    {"not bound, left-over octets", same_not_bound, true},
    {"bound only now", same_bound_now, false},
    {"bound no more", same_bound_no_more, false},
    {"made a moment ahead", same_within_the_skew, true},
    {"made before the clock was set back", same_from_the_future, false},
};

static void same_acts_as_new_when_the_code_is_of_no_more_use(void **state)
{
	struct bench *bench = *state;
	for (size_t i = 0; i < COUNT(same_rows); i++) {
		memset(bench->send.digest, 0, SHA256_LEN);
		bench->send.bound = bench->has_verification = bench->has_budget = false;
		use_repeat(bench, REPEAT_SAME);
		bench_send_ok(bench);
		bench->now_ms += 2 * MINUTES_MS;
		same_rows[i].prepare(bench);
		enum outcome outcome = bench_send_ok(bench);
		assert_row(same_rows[i].name,
		           outcome == (same_rows[i].same ? OUTCOME_SENT_AGAIN : OUTCOME_SENT));
		assert_row(same_rows[i].name,
		           bench->verification.generation == (same_rows[i].same ? 1 : 2));
		if (same_rows[i].same)
			continue;
		assert_int_equal(bench->verification.tries, 0);
		assert_int_equal(bench->verification.created_ms, bench->now_ms);
		bench->check.bound = bench->send.bound;
		memcpy(bench->check.digest, bench->send.digest, SHA256_LEN);
		assert_outcome(bench_guess_right(bench), OUTCOME_APPROVED);
	}
}

/* The policy on the record is not asked how to repeat; that of the send is. */
static void the_later_send_decides_how_to_repeat(void **state)
{
	struct bench *bench = *state;
	use_repeat(bench, REPEAT_NEW);
	bench_send_ok(bench);
	wait_for_next_send(bench);
	use_repeat(bench, REPEAT_SAME);
	assert_outcome(bench_send_ok(bench), OUTCOME_SENT_AGAIN);
	assert_int_equal(bench->verification.policy.repeat, REPEAT_NEW);
}

static void a_code_for_another_phone_is_cancelled(void **state)
{
	static const enum repeat repeats[] = {REPEAT_REPLACE, REPEAT_NEW, REPEAT_SAME};
	struct bench *bench = *state;
	bench->send.purpose = bench->check.purpose = PURPOSE_PHONE;
	bench->send.user = bench->check.user = BYTES("ada");
	bench->limits.enabled = false;
	for (size_t i = 0; i < COUNT(repeats); i++) {
		use_repeat(bench, repeats[i]);
		bench->send.number = test_number("447700900123");
		bench_send_ok(bench);
		struct verification first = bench->verification;
		bench->send.number = test_number("447700900124");
		assert_outcome(bench_send_ok(bench), OUTCOME_SENT);
		assert_false(id_equal(&first.id, &bench->verification.id));
		assert_true(number_equal(&bench->verification.number, &bench->send.number));
		assert_int_equal(bench->verification.generation, 1);
		assert_true(id_equal(&bench->displaced.id, &first.id));
		assert_int_equal(bench->displaced.state, VERIFICATION_CANCELLED);
		assert_int_equal(bench->displaced.finished_ms, bench->now_ms);
		bench->verification = bench->displaced;
		assert_outcome(bench_guess_right(bench), OUTCOME_CANCELLED);
		assert_int_equal(bench->result.changes_n, 0);
		bench->has_verification = false;
	}
}

/* No repeat touches the number's windows or its failures. */
static void repeats_do_not_touch_the_budgets(void **state)
{
	static const enum repeat repeats[] = {REPEAT_PARALLEL, REPEAT_REPLACE, REPEAT_NEW,
	                                      REPEAT_SAME};
	struct bench *bench = *state;
	for (size_t i = 0; i < COUNT(repeats); i++) {
		use_repeat(bench, repeats[i]);
		bench->has_verification = bench->has_budget = bench->has_failures = false;
		bench_send_ok(bench);
		for (int k = 0; k < 2; k++)
			assert_outcome(bench_guess_wrong(bench), OUTCOME_WRONG);
		assert_outcome(bench_send_ok(bench), OUTCOME_SEND_LIMITED);
		bench->now_ms += 30 * SECONDS_MS;
		bench_send_ok(bench);
		assert_int_equal(bench->budget.sends.n, 2);
		assert_int_equal(bench->budget.guesses.n, 2);
		assert_int_equal(bench->budget.send_streak, 2);
		assert_int_equal(bench->failures.count, 2);
	}
}

/* ---- slots ----------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	enum purpose purpose;
	enum repeat repeat;
	struct bytes client, user;
	const char *slot; /* NULL: none */
} slot_rows[] = {
    {"parallel", PURPOSE_NUMBER, REPEAT_PARALLEL, BYTES("shop"), BYTES_NONE, NULL},
    {"a client's number", PURPOSE_NUMBER, REPEAT_REPLACE, BYTES("shop"), BYTES_NONE,
     "client:shop 447700900123"},
    {"a user's number", PURPOSE_NUMBER, REPEAT_REPLACE, BYTES_NONE, BYTES("ada"),
     "user:ada 447700900123"},
    {"a name with a space", PURPOSE_NUMBER, REPEAT_NEW, BYTES("shop 1"), BYTES_NONE,
     "client:shop 1 447700900123"},
    {"a user's phone", PURPOSE_PHONE, REPEAT_NEW, BYTES_NONE, BYTES("ada"), "ada"},
    {"by a client", PURPOSE_PHONE, REPEAT_SAME, BYTES("shop"), BYTES("ada"), "ada"},
    {"a user's log-in", PURPOSE_LOGIN, REPEAT_SAME, BYTES("shop"), BYTES("ada"), "ada"},
};

static void slots_name_the_holder(void **state)
{
	struct bench *bench = *state;
	struct arena arena;
	arena_init(&arena);
	for (size_t i = 0; i < COUNT(slot_rows); i++) {
		bench->send.purpose = slot_rows[i].purpose;
		bench->send.policy.repeat = (uint8_t)slot_rows[i].repeat;
		bench->send.client = slot_rows[i].client;
		bench->send.user = slot_rows[i].user;
		struct bytes slot = BYTES("?");
		assert_true(verify_slot(&bench->send, &arena, &slot));
		assert_row(slot_rows[i].name, (slot.at == NULL) == (slot_rows[i].slot == NULL));
		assert_row(slot_rows[i].name,
		           bytes_equal(slot, bytes_from_text(slot_rows[i].slot)));
	}
	arena_done(&arena);
}

static void no_slot_without_memory(void **state)
{
	struct bench *bench = *state;
	struct arena arena;
	arena_init(&arena);
	bench->send.purpose = PURPOSE_PHONE;
	bench->send.policy.repeat = REPEAT_NEW;
	bench->send.user = (struct bytes){"ada", SIZE_MAX - 1};
	struct bytes slot;
	assert_false(verify_slot(&bench->send, &arena, &slot));
	arena_done(&arena);
}

/* ---- test numbers ---------------------------------------------------------------------------- */

static void make_test_number(struct bench *bench)
{
	bench->has_line = true;
	bench->line = (struct line){
	    .tenant = BYTES("demo"),
	    .number = bench->send.number,
	    .version = 3,
	    .chosen = true,
	    .chosen_length = 12,
	    .chosen_key_id = BYTES("k1"),
	};
	assert_int_equal(code_mac_chosen(bench->keyring, BYTES("k1"), BYTES("demo"),
	                                 &bench->send.number, BYTES("112233445566"),
	                                 bench->line.chosen_mac),
	                 OK);
}

static void a_test_number_gets_no_message_and_spends_no_sends(void **state)
{
	struct bench *bench = *state;
	make_test_number(bench);
	bench->plan.route = ROUTE_NONE;
	for (int i = 0; i < 20; i++)
		assert_outcome(bench_send_ok(bench), OUTCOME_SENT);
	assert_int_equal(bench->messages_n, 0);
	assert_false(bench->has_budget);
	assert_true(id_is_zero(&bench->result.message.id));
	assert_true(bench->verification.chosen);
	assert_true(bytes_equal(bench->verification.key_id, BYTES("k1")));
	assert_int_equal(bench->verification.policy.length, 12);
	assert_non_null(result_change(&bench->result, GUARD_BUDGET));
	assert_non_null(result_change(&bench->result, GUARD_LINE));
	bench->plan.route = ROUTE_REFUSED;
	assert_outcome(bench_send_ok(bench), OUTCOME_SENT);
}

static void its_tries_count_all_the_same(void **state)
{
	struct bench *bench = *state;
	make_test_number(bench);
	bench_send_ok(bench);
	for (int i = 0; i < 4; i++)
		assert_outcome(bench_check_ok(bench, "112233445567"), OUTCOME_WRONG);
	assert_int_equal(bench->failures.count, 4);
	assert_int_equal(bench->budget.guesses.n, 4);
	assert_outcome(bench_check_ok(bench, "112233445567"), OUTCOME_LOCKED);
	assert_outcome(bench_check_ok(bench, "112233445566"), OUTCOME_SPENT);
	bench_send_ok(bench);
	/* Later checks need nothing but the record. */
	bench->has_line = false;
	assert_outcome(bench_check_ok(bench, "112233445566"), OUTCOME_APPROVED);
	assert_outcome(bench_check_ok(bench, "112233445566"), OUTCOME_REPEATED);
}

static void a_number_that_becomes_a_test_number_gets_the_chosen_code(void **state)
{
	struct bench *bench = *state;
	use_repeat(bench, REPEAT_SAME);
	bench_send_ok(bench);
	make_test_number(bench);
	assert_outcome(bench_send_ok(bench), OUTCOME_SENT);
	assert_int_equal(bench->verification.generation, 2);
	assert_outcome(bench_send_ok(bench), OUTCOME_SENT_AGAIN);
	assert_outcome(bench_check_ok(bench, "112233445566"), OUTCOME_APPROVED);
	bench->has_line = false;
	wait_for_next_send(bench);
	bench_send_ok(bench);
	assert_false(bench->verification.chosen);
	static const uint8_t none[SHA256_LEN];
	assert_memory_equal(bench->verification.chosen_mac, none, SHA256_LEN);
	assert_outcome(bench_guess_right(bench), OUTCOME_APPROVED);
}

static void a_chosen_code_is_forgotten_with_the_next_generation(void **state)
{
	struct bench *bench = *state;
	use_repeat(bench, REPEAT_NEW);
	make_test_number(bench);
	bench_send_ok(bench);
	bench->has_line = false;
	bench_send_ok(bench);
	static const uint8_t none[SHA256_LEN];
	assert_false(bench->verification.chosen);
	assert_memory_equal(bench->verification.chosen_mac, none, SHA256_LEN);
	assert_int_equal(bench->verification.policy.length, 6);
	assert_outcome(bench_check_ok(bench, "112233445566"), OUTCOME_WRONG);
}

/* ---- guards and faults ----------------------------------------------------------------------- */

static void every_record_that_a_send_read_is_guarded(void **state)
{
	struct bench *bench = *state;
	use_repeat(bench, REPEAT_SAME);
	for (int i = 0; i < 2; i++) {
		/* First without any record, then with all of them. */
		bench_send_ok(bench);
		const struct verify_result *result = &bench->result;
		const struct change *budget = result_change(result, CHANGE_BUDGET);
		const struct change *line = result_change(result, GUARD_LINE);
		assert_non_null(budget);
		assert_non_null(line);
		assert_int_equal(budget->budget->version, i);
		assert_true(number_equal(&budget->budget->number, &bench->send.number));
		assert_int_equal(line->line->version, i ? 9 : 0);
		assert_int_equal(line->line->state, LINE_NORMAL);
		assert_true(number_equal(&line->line->number, &bench->send.number));
		assert_true(bytes_equal(line->line->tenant, BYTES("demo")));
		assert_non_null(
		    result_change(result, i ? GUARD_VERIFICATION : CHANGE_VERIFICATION));
		bench->has_line = true;
		bench->line = (struct line){
		    .tenant = BYTES("demo"), .number = bench->send.number, .version = 9};
		wait_for_next_send(bench);
	}
}

/* A line that an operator knows and says nothing against. */
static void a_normal_line_gets_its_code(void **state)
{
	struct bench *bench = *state;
	bench->has_line = true;
	bench->line =
	    (struct line){.tenant = BYTES("demo"), .number = bench->send.number, .version = 9};
	assert_outcome(bench_send_ok(bench), OUTCOME_SENT);
	assert_false(bench->verification.chosen);
	assert_int_equal(bench->messages_n, 1);
	assert_outcome(bench_guess_right(bench), OUTCOME_APPROVED);
}

/* An id for the record, one for the message, one for the event; a refusal's event. */
static void without_randomness_nothing_is_made(void **state)
{
	struct bench *bench = *state;
	for (unsigned fill = 1; fill <= 3; fill++) {
		test_rng_init(&bench->rng, fill);
		bench->rng.fails_from = fill;
		assert_int_equal(bench_send(bench), ERR_RANDOM);
		assert_int_equal(bench->rng.fills, fill);
		assert_int_equal(bench->result.changes_n, 0);
	}
	test_rng_init(&bench->rng, 4);
	bench->rng.fails_from = 4;
	assert_int_equal(bench_send(bench), OK);
	assert_int_equal(bench->rng.fills, 3);
	assert_int_equal(bench_send(bench), ERR_RANDOM);
	test_rng_init(&bench->rng, 5);
	assert_outcome(bench_send_ok(bench), OUTCOME_SEND_LIMITED);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(a_send_makes_a_live_record_and_a_message),
	    CASE(its_message_is_queued_with_its_template),
	    CASE(a_message_taken_at_once_is_born_final_and_not_stored),
	    CASE(its_event_says_who_asked),
	    CASE(a_life_is_never_longer_than_the_policys),
	    CASE(refused_sends_change_nothing),
	    CASE(a_refused_send_does_not_start_the_delay),
	    CASE(parallel_makes_a_further_record),
	    CASE(replace_ends_the_older_record_as_replaced),
	    CASE(replace_ends_a_late_record_as_expired),
	    CASE(new_kills_the_old_code_and_starts_life_and_tries_again),
	    CASE(new_takes_over_a_late_record),
	    CASE(new_is_made_under_the_writing_key),
	    CASE(same_sends_the_code_again_and_life_and_tries_go_on),
	    CASE(same_acts_as_new_when_the_code_is_of_no_more_use),
	    CASE(the_later_send_decides_how_to_repeat),
	    CASE(a_code_for_another_phone_is_cancelled),
	    CASE(repeats_do_not_touch_the_budgets),
	    CASE(slots_name_the_holder),
	    CASE(no_slot_without_memory),
	    CASE(a_test_number_gets_no_message_and_spends_no_sends),
	    CASE(its_tries_count_all_the_same),
	    CASE(a_number_that_becomes_a_test_number_gets_the_chosen_code),
	    CASE(a_chosen_code_is_forgotten_with_the_next_generation),
	    CASE(every_record_that_a_send_read_is_guarded),
	    CASE(a_normal_line_gets_its_code),
	    CASE(without_randomness_nothing_is_made),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
