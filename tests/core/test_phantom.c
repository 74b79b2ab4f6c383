/* SPDX-License-Identifier: Apache-2.0 */
/* Where one must not tell whether there is a user, over every store: what is done for somebody who
 * is not there is what is done for somebody who is, but that no message leaves and no code is
 * right. */
#include "core/phantom.h"

#include "support/town.h"

#define T TEST_START_MS
#define PHONE "447700900123"
#define NEW "447700900456"

/* ---- making one ------------------------------------------------------------------------------ */

static struct phantom make(struct town *town, struct bytes tenant, struct bytes name,
                           struct bytes number)
{
	struct phantom phantom;
	assert_int_equal(
	    phantom_make(town->keyring, tenant, (struct bytes[]){name, number}, 2, &phantom), OK);
	return phantom;
}

static bool is_same(const struct phantom *a, const struct phantom *b)
{
	bool same_number = number_equal(&a->number, &b->number);
	assert_int_equal(strcmp(a->id, b->id) == 0, same_number);
	return same_number;
}

static void what_was_typed_makes_the_phantom(struct town *town)
{
	static const struct {
		struct bytes tenant, name, number;
	} rows[] = {
	    {BYTES("demo"), BYTES("ada"), BYTES("447700900123")},
	    {BYTES("acme"), BYTES("ada"), BYTES("447700900123")},
	    {BYTES("demo"), BYTES("adb"), BYTES("447700900123")},
	    {BYTES("demo"), BYTES("ada"), BYTES("447700900124")},
	    {BYTES("demo"), BYTES("ada4"), BYTES("47700900123")},
	    {BYTES("demoa"), BYTES("da"), BYTES("447700900123")},
	    {BYTES("demo"), BYTES("ada"), BYTES_NONE},
	    {BYTES("demo"), BYTES("ada"), BYTES("")},
	    {BYTES("demo"), BYTES_NONE, BYTES("ada")},
	    {BYTES("demo"), BYTES(""), BYTES("ada")},
	};
	for (size_t a = 0; a < COUNT(rows); a++)
		for (size_t b = 0; b < COUNT(rows); b++) {
			struct phantom one =
			    make(town, rows[a].tenant, rows[a].name, rows[a].number);
			struct phantom two =
			    make(town, rows[b].tenant, rows[b].name, rows[b].number);
			assert_int_equal(is_same(&one, &two), a == b);
		}
	struct phantom one, two;
	assert_int_equal(
	    phantom_make(town->keyring, BYTES("demo"), &(struct bytes){"ada", 3}, 1, &one), OK);
	two = make(town, BYTES("demo"), BYTES("ada"), BYTES_NONE);
	assert_false(is_same(&one, &two));
	struct keyring *other = test_keyring_other();
	assert_int_equal(phantom_make(other, BYTES("demo"), &(struct bytes){"ada", 3}, 1, &two),
	                 OK);
	assert_false(is_same(&one, &two));
	keyring_free(other);
}

static void a_phantom_says_that_it_is_one(struct town *town)
{
	struct phantom phantom = make(town, BYTES("demo"), BYTES("ada"), BYTES_NONE);
	assert_int_equal(strlen(phantom.id), PHANTOM_ID_LEN);
	assert_int_equal(phantom.id[0], '!');
	assert_int_equal(strspn(phantom.id + 1, "0123456789abcdef"), PHANTOM_ID_LEN - 1);
	assert_false(user_id_is_valid(bytes_from_text(phantom.id)));
	assert_true(number_is_pseudo(&phantom.number));
}

/* ---- what is done for it --------------------------------------------------------------------- */

static struct phantom nobody;

/* From here on nothing is told. */
static void hide(struct town *town)
{
	nobody = make(town, BYTES("demo"), BYTES("nobody"), BYTES_NONE);
	town->phantom = &nobody;
	town->repeat = REPEAT_SAME;
}

static enum outcome send(struct town *town, const char *id)
{
	return town_send(town, PURPOSE_LOGIN, who_id(id));
}

static enum outcome check(struct town *town, const char *id, const char *guess)
{
	char copy[CODE_LENGTH_MAX + 1] = "";
	memcpy(copy, guess, strlen(guess));
	return town_check(town, PURPOSE_LOGIN, who_id(id), copy);
}

/* What the last call changed, as text. */
static void shape(const struct town *town, char ret[128])
{
	const struct verify_result *result = &town->call.flow.result;
	char *at = ret;
	*at = '\0';
	for (size_t i = 0; i < result->changes_n; i++)
		at += snprintf(at, 8, "%d ", (int)result->changes[i].kind);
}

/* The inbox takes messages at once, and they are not stored: nor are those that never leave. */
static void nor_more_rows_where_messages_are_not_stored(struct town *town)
{
	char real[128], shadow[128];
	town_settle(town, "ada", PHONE, true);
	hide(town);
	town->deliver.plan = (struct delivery_plan){ROUTE_AT_ONCE, BYTES("inbox")};
	assert_outcome(send(town, "ada"), OUTCOME_SENT);
	shape(town, real);
	assert_outcome(send(town, "nobody"), OUTCOME_NO_USER);
	shape(town, shadow);
	assert_string_equal(real, shadow);
	assert_int_equal(desk_count(&town->desk).messages, 0);
	assert_int_equal(town->deliver.delivered_n, 1);
}

static void a_send_leaves_rows_of_the_same_shape(struct town *town)
{
	char real[128], shadow[128];
	town_settle(town, "ada", PHONE, true);
	hide(town);
	for (int again = 0; again < 2; again++) {
		assert_outcome(send(town, "ada"), again ? OUTCOME_SENT_AGAIN : OUTCOME_SENT);
		shape(town, real);
		assert_outcome(send(town, "nobody"), OUTCOME_NO_USER);
		shape(town, shadow);
		assert_string_equal(real, shadow);
		town->clock.now_ms += MINUTES_MS;
	}
	const struct verification *v = town_code_record(town, nobody.id, PURPOSE_LOGIN);
	assert_non_null(v);
	assert_true(number_equal(&v->number, &nobody.number));
	assert_int_equal(v->generation, 1);
	assert_int_equal(v->expires_ms, T + 10 * MINUTES_MS);
	assert_int_equal(town_budget(town, nobody.number.digits)->sends.n, 2);
	const struct store_counts counts = desk_count(&town->desk);
	assert_int_equal(counts.verifications, 2);
	assert_int_equal(counts.messages, 4);
	assert_int_equal(counts.budgets, 2);
	assert_int_equal(counts.events, 4);
	assert_int_equal(counts.users, 1);
}

static void no_message_ever_leaves(struct town *town)
{
	struct claimed *claimed;
	size_t n;
	hide(town);
	assert_outcome(send(town, "nobody"), OUTCOME_NO_USER);
	town->deliver.plan = (struct delivery_plan){ROUTE_AT_ONCE, BYTES("inbox")};
	town->clock.now_ms += MINUTES_MS;
	assert_outcome(send(town, "nobody"), OUTCOME_NO_USER);
	assert_int_equal(town->call.flow.result.message.state, MESSAGE_CANCELLED);
	assert_null(town->call.flow.result.message.template.at);
	assert_int_equal(town->deliver.delivered_n, 0);
	assert_int_equal(desk_claim(&town->desk, town->clock.now_ms + HOURS_MS,
	                            town->clock.now_ms + DAYS_MS, CLAIM_MAX, &claimed, &n),
	                 OK);
	assert_int_equal(n, 0);
	struct event event;
	town_events(town, &event);
	assert_true(bytes_equal(event.reason, BYTES("no-user")));
}

/* Whoever has the secret key could derive a code for the shadow: it is not right all the same. */
static void no_code_is_ever_right(struct town *town)
{
	char real[128], shadow[128];
	town_settle(town, "ada", PHONE, true);
	hide(town);
	assert_outcome(send(town, "ada"), OUTCOME_SENT);
	assert_outcome(send(town, "nobody"), OUTCOME_NO_USER);
	for (int i = 0; i < 4; i++) {
		assert_outcome(check(town, "ada", town_wrong_code(town, "ada", PURPOSE_LOGIN)),
		               OUTCOME_WRONG);
		shape(town, real);
		assert_outcome(check(town, "nobody", town_code(town, nobody.id, PURPOSE_LOGIN)),
		               OUTCOME_WRONG);
		assert_null(town->call.user.user);
		shape(town, shadow);
		assert_string_equal(real, shadow);
	}
	assert_int_equal(town_code_record(town, nobody.id, PURPOSE_LOGIN)->tries, 4);
	assert_outcome(check(town, "nobody", town_code(town, nobody.id, PURPOSE_LOGIN)),
	               OUTCOME_LOCKED);
	assert_int_equal(town_budget(town, nobody.number.digits)->guesses.n, 5);
	assert_int_equal(town_failures(town, nobody.number.digits)->count, 5);
	assert_outcome(check(town, "ada", town_code(town, "ada", PURPOSE_LOGIN)), OUTCOME_APPROVED);
}

static void limits_hold_for_nobody_too(struct town *town)
{
	town_settle(town, "ada", PHONE, true);
	hide(town);
	static const char *const ids[] = {"ada", "nobody"};
	int64_t waits[2][4];
	for (int i = 0; i < 4; i++) {
		for (size_t who = 0; who < COUNT(ids); who++) {
			(void)send(town, ids[who]);
			assert_int_equal(town->call.flow.result.outcome == OUTCOME_SEND_LIMITED,
			                 i == 1);
			waits[who][i] = town->call.flow.result.retry_after_ms;
		}
		assert_int_equal(waits[0][i], waits[1][i]);
		town->clock.now_ms += i == 0 ? 1 : 5 * MINUTES_MS;
	}
}

/* A refusal costs a comparison and a commit, whatever its reason is. */
static void refused_checks_look_alike(struct town *town)
{
	char first[128], other[128];
	struct event event;
	town_settle(town, "ada", PHONE, true);
	hide(town);
	/* Nobody, and somebody without a code. */
	assert_outcome(check(town, "nobody", "123456"), OUTCOME_NO_USER);
	shape(town, first);
	assert_string_not_equal(first, "");
	assert_int_equal(town_events(town, &event), 1);
	assert_outcome(check(town, "ada", "123456"), OUTCOME_UNKNOWN);
	shape(town, other);
	assert_string_equal(first, other);
	assert_int_equal(town_events(town, &event), 2);
	/* Both expired. */
	assert_outcome(send(town, "ada"), OUTCOME_SENT);
	assert_outcome(send(town, "nobody"), OUTCOME_NO_USER);
	town->clock.now_ms += 10 * MINUTES_MS;
	assert_outcome(check(town, "ada", "123456"), OUTCOME_EXPIRED);
	shape(town, other);
	assert_string_equal(first, other);
	assert_outcome(check(town, "nobody", "123456"), OUTCOME_EXPIRED);
	shape(town, other);
	assert_string_equal(first, other);
	/* The number's guesses are spent. */
	const struct failures failures = {.tenant = BYTES("demo"),
	                                  .number = test_number(PHONE),
	                                  .count = 100,
	                                  .last_ms = town->clock.now_ms};
	assert_int_equal(desk_change(&town->desk, CHANGE_FAILURES, &failures), OK);
	assert_outcome(send(town, "ada"), OUTCOME_SENT);
	assert_outcome(check(town, "ada", "123456"), OUTCOME_GUESS_LIMITED);
	shape(town, other);
	assert_string_equal(first, other);
}

static void a_refusal_compares_something(struct town *town)
{
	/* With no MAC left after the event's the comparison fails, so there was one. */
	hide(town);
	struct verify_result result;
	struct user_result user_result;
	const struct user_records nothing = {0};
	struct verify_context context = {
	    .now_ms = T, .rng = &town->rng.rng, .keyring = town->keyring};
	struct check_command command = {.purpose = PURPOSE_LOGIN,
	                                .tenant = BYTES("demo"),
	                                .guess = BYTES("123456"),
	                                .hidden = true,
	                                .limits = &town->limits};
	assert_int_equal(user_code_check(&command, &nothing, &context, &result, &user_result), OK);
	assert_int_equal(result.changes_n, 1);
	town->rng.fails_from = town->rng.fills + 1;
	assert_int_equal(user_code_check(&command, &nothing, &context, &result, &user_result),
	                 ERR_RANDOM);
	assert_int_equal(result.changes_n, 0);
}

/* ---- who gets one ---------------------------------------------------------------------------- */

static void whoever_cannot_be_asked_gets_a_phantom(struct town *town)
{
	struct user user = town_user("ada", PHONE, true);
	user.disabled = true;
	town_store(town, &user);
	town_settle(town, "bob", NULL, false);
	town_settle(town, "carol", NEW, true);
	hide(town);
	const struct who rows[] = {
	    who_id("nobody"),
	    who_id("ada"), /* disabled */
	    who_id("bob"), /* has no number */
	    {.by = WHO_ID, .key = BYTES("carol"), .number = test_number(PHONE)},
	    who_phone(WHO_ONLY, "4915112345678"),
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		town->clock.now_ms += 8 * HOURS_MS;
		assert_outcome(town_send(town, PURPOSE_LOGIN, rows[i]), OUTCOME_NO_USER);
		assert_true(
		    number_equal(&town->call.flow.result.verification.number, &nobody.number));
		assert_null(town->call.user.user);
		assert_outcome(town_check(town, PURPOSE_LOGIN, rows[i],
		                          town_code(town, nobody.id, PURPOSE_LOGIN)),
		               OUTCOME_WRONG);
	}
	assert_int_equal(town->deliver.delivered_n, 0);
	assert_int_equal(town_budget(town, PHONE)->sends.n, 0);
	assert_int_equal(town_budget(town, NEW)->sends.n, 0);
}

/* Rule 2.4: the same silent 200; and limits hold as they do for whoever is reached. */
static void a_refused_destination_is_done_as_if_it_were_not(struct town *town)
{
	char real[128], refused[128];
	town_settle(town, "ada", PHONE, true);
	town_settle(town, "bob", NEW, true);
	hide(town);
	assert_outcome(send(town, "bob"), OUTCOME_SENT);
	shape(town, real);
	town->deliver.plan = (struct delivery_plan){.route = ROUTE_REFUSED};
	assert_outcome(send(town, "ada"), OUTCOME_NO_ROUTE);
	shape(town, refused);
	assert_string_equal(real, refused);
	assert_int_equal(town->call.flow.result.message.state, MESSAGE_CANCELLED);
	assert_int_equal(town->deliver.delivered_n, 1);
	assert_int_equal(town_budget(town, PHONE)->sends.n, 1);
	assert_outcome(send(town, "ada"), OUTCOME_SEND_LIMITED);
	struct event event;
	town->clock.now_ms += MINUTES_MS;
	const struct line line = {
	    .tenant = BYTES("demo"), .number = test_number(PHONE), .state = LINE_LANDLINE};
	assert_int_equal(desk_change(&town->desk, CHANGE_LINE, &line), OK);
	assert_outcome(send(town, "ada"), OUTCOME_LANDLINE);
	town_events(town, &event);
	assert_true(bytes_equal(event.reason, BYTES("landline")));
}

/* Rule 4 of delivery: without any provider nobody is answered, there or not. */
static void without_a_provider_all_is_a_fault(struct town *town)
{
	struct verify_result result;
	hide(town);
	struct send_command command = town_send_command(town, PURPOSE_LOGIN);
	command.tenant = BYTES("demo");
	command.hidden = true;
	command.number = nobody.number;
	struct verify_context context = {
	    .now_ms = T, .rng = &town->rng.rng, .keyring = town->keyring};
	assert_int_equal(verify_send(&command, &(struct verify_records){0}, &context, &result),
	                 ERR_UNSUPPORTED);
	assert_int_equal(result.changes_n, 0);
}

static void shadows_are_purged_like_everything(struct town *town)
{
	hide(town);
	assert_outcome(send(town, "nobody"), OUTCOME_NO_USER);
	assert_outcome(check(town, "nobody", "123456"), OUTCOME_WRONG);
	int64_t later_ms = T + 31 * DAYS_MS;
	desk_purge_all(&town->desk, later_ms, later_ms - 30 * DAYS_MS);
	const struct store_counts counts = desk_count(&town->desk);
	assert_int_equal(counts.verifications, 0);
	assert_int_equal(counts.messages, 0);
	assert_int_equal(counts.budgets, 0);
	assert_int_equal(counts.events, 0);
}

/* Somebody who was registered meanwhile is not his phantom. */
static void who_is_there_afterwards_is_himself(struct town *town)
{
	hide(town);
	assert_outcome(send(town, "ada"), OUTCOME_NO_USER);
	town_settle(town, "ada", PHONE, true);
	assert_outcome(check(town, "ada", town_code(town, nobody.id, PURPOSE_LOGIN)),
	               OUTCOME_UNKNOWN);
	assert_outcome(send(town, "ada"), OUTCOME_SENT);
	assert_outcome(check(town, "ada", town_code(town, "ada", PURPOSE_LOGIN)), OUTCOME_APPROVED);
}

int main(void)
{
	static const struct town_test tests[] = {
	    TOWN_TEST(what_was_typed_makes_the_phantom),
	    TOWN_TEST(a_phantom_says_that_it_is_one),
	    TOWN_TEST(a_send_leaves_rows_of_the_same_shape),
	    TOWN_TEST(nor_more_rows_where_messages_are_not_stored),
	    TOWN_TEST(no_message_ever_leaves),
	    TOWN_TEST(no_code_is_ever_right),
	    TOWN_TEST(limits_hold_for_nobody_too),
	    TOWN_TEST(refused_checks_look_alike),
	    TOWN_TEST(a_refusal_compares_something),
	    TOWN_TEST(whoever_cannot_be_asked_gets_a_phantom),
	    TOWN_TEST(a_refused_destination_is_done_as_if_it_were_not),
	    TOWN_TEST(without_a_provider_all_is_a_fault),
	    TOWN_TEST(shadows_are_purged_like_everything),
	    TOWN_TEST(who_is_there_afterwards_is_himself),
	};
	static struct cases cases;
	town_add_tests(&cases, tests, COUNT(tests));
	return cases_run("phantom", &cases);
}
