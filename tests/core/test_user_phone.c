/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to a user's phone, rule by rule (3.1 to 3.3), over every store: numbers that are
 * kept, replaced, verified, removed, and the codes that end with them. */
#include "support/town.h"

#define T TEST_START_MS
#define OLD "447700900123"
#define NEW "447700900456"
#define THIRD "4915112345678"

static void assert_phone(struct town *town, const char *id, const char *phone, bool verified,
                         const char *pending)
{
	const struct user *user = town_read(town, id);
	assert_non_null(user);
	assert_string_equal(user->phone.digits, phone);
	assert_int_equal(user->phone_verified_ms != 0, verified);
	assert_string_equal(user->phone_pending.digits, pending);
}

/* The record of that id ended as cancelled, and its message will not be written out. */
static void assert_cancelled(struct town *town, const struct verification *v)
{
	struct claimed *claimed;
	size_t claimed_n, n = 0;
	v = town_verification(town, &v->id);
	assert_int_equal(v->state, VERIFICATION_CANCELLED);
	assert_int_equal(v->finished_ms, town->clock.now_ms);
	assert_int_equal(desk_claim(&town->desk, town->clock.now_ms, town->clock.now_ms, CLAIM_MAX,
	                            &claimed, &claimed_n),
	                 OK);
	for (size_t i = 0; i < claimed_n; i++)
		if (id_equal(&claimed[i].verification->id, &v->id)) {
			/* Delivery writes out live ones only. */
			assert_int_equal(claimed[i].verification->state, VERIFICATION_CANCELLED);
			n++;
		}
	assert_int_equal(n, 1);
}

static void later(struct town *town)
{
	town->clock.now_ms += 10 * MINUTES_MS - 1;
}

/* ---- keep (Kii) ------------------------------------------------------------------------------ */

static void a_first_number_is_set_and_sent_to(struct town *town)
{
	town_settle(town, "ada", NULL, false);
	town->clock.now_ms += 5;
	assert_outcome(town_set_phone(town, "ada", PHONE_KEEP, OLD), OUTCOME_USER_CHANGED);
	assert_outcome(town->call.user.sent, OUTCOME_SENT);
	assert_phone(town, "ada", OLD, false, "");
	const struct verification *v = town_code_record(town, "ada", PURPOSE_PHONE);
	assert_non_null(v);
	assert_string_equal(v->number.digits, OLD);
	assert_true(bytes_equal(v->user, BYTES("ada")));
	assert_int_equal(town->deliver.delivered_n, 1);
	const struct user *user = town_read(town, "ada");
	assert_int_equal(user->sequence, 2);
	assert_int_equal(user->changed_ms, T + 5);
	assert_int_equal(town->call.user.user->sequence, 2);
	assert_int_equal(town_budget(town, OLD)->sends.n, 1);
}

static void an_unverified_number_is_replaced_on_the_spot(struct town *town)
{
	town_settle(town, "ada", OLD, false);
	assert_outcome(town_send(town, PURPOSE_PHONE, who_id("ada")), OUTCOME_SENT);
	struct verification *first = town_code_record(town, "ada", PURPOSE_PHONE);
	assert_outcome(town_set_phone(town, "ada", PHONE_KEEP, NEW), OUTCOME_USER_CHANGED);
	assert_phone(town, "ada", NEW, false, "");
	assert_cancelled(town, first);
	assert_string_equal(town_code_record(town, "ada", PURPOSE_PHONE)->number.digits, NEW);
}

static void a_new_number_waits_beside_a_verified_one(struct town *town)
{
	town_settle(town, "ada", OLD, true);
	assert_outcome(town_send(town, PURPOSE_LOGIN, who_id("ada")), OUTCOME_SENT);
	assert_outcome(town_set_phone(town, "ada", PHONE_KEEP, NEW), OUTCOME_USER_CHANGED);
	assert_phone(town, "ada", OLD, true, NEW);
	assert_string_equal(town_code_record(town, "ada", PURPOSE_PHONE)->number.digits, NEW);
	/* The phone itself has not changed: who logs in with it still does. */
	assert_outcome(
	    town_check(town, PURPOSE_LOGIN, who_id("ada"), town_code(town, "ada", PURPOSE_LOGIN)),
	    OUTCOME_APPROVED);
}

static void the_pending_number_takes_its_place_once_verified(struct town *town)
{
	town_settle(town, "ada", OLD, true);
	assert_outcome(town_send(town, PURPOSE_LOGIN, who_id("ada")), OUTCOME_SENT);
	struct verification *login = town_code_record(town, "ada", PURPOSE_LOGIN);
	assert_outcome(town_set_phone(town, "ada", PHONE_KEEP, NEW), OUTCOME_USER_CHANGED);
	town->clock.now_ms += 7;
	assert_outcome(
	    town_check(town, PURPOSE_PHONE, who_id("ada"), town_code(town, "ada", PURPOSE_PHONE)),
	    OUTCOME_APPROVED);
	assert_phone(town, "ada", NEW, true, "");
	assert_int_equal(town_read(town, "ada")->phone_verified_ms, T + 7);
	/* Now the phone has changed, and a code for the old one logs nobody in. */
	assert_cancelled(town, login);
	assert_null(town_code_record(town, "ada", PURPOSE_LOGIN));
	assert_null(town_find(town, who_phone(WHO_VERIFIED, OLD)));
	assert_non_null(town_find(town, who_phone(WHO_VERIFIED, NEW)));
}

static void the_verified_number_again_cancels_a_pending_one(struct town *town)
{
	town_settle(town, "ada", OLD, true);
	assert_outcome(town_set_phone(town, "ada", PHONE_KEEP, NEW), OUTCOME_USER_CHANGED);
	struct verification *pending = town_code_record(town, "ada", PURPOSE_PHONE);
	assert_outcome(town_set_phone(town, "ada", PHONE_KEEP, OLD), OUTCOME_USER_CHANGED);
	assert_int_equal(town->call.user.sent, OUTCOME_COUNT);
	assert_phone(town, "ada", OLD, true, "");
	assert_cancelled(town, pending);
	assert_int_equal(town->deliver.delivered_n, 1);
	assert_int_equal(town_read(town, "ada")->sequence, 3);
	assert_int_equal(town_budget(town, OLD)->sends.n, 0);
}

/* Rule 1.3: a PUT of the number that waits is `repeat: new`. */
static void the_waiting_number_again_gets_a_new_code(struct town *town)
{
	for (int pending = 0; pending < 2; pending++) {
		const char *id = pending ? "bob" : "ada";
		const char *number = pending ? NEW : OLD;
		town_settle(town, id, pending ? THIRD : NULL, pending);
		assert_outcome(town_set_phone(town, id, PHONE_KEEP, number), OUTCOME_USER_CHANGED);
		char code[CODE_LENGTH_MAX + 1];
		memcpy(code, town_code(town, id, PURPOSE_PHONE), sizeof(code));
		later(town);
		assert_outcome(town_set_phone(town, id, PHONE_KEEP, number), OUTCOME_USER_CHANGED);
		assert_outcome(town->call.user.sent, OUTCOME_SENT);
		assert_int_equal(town_code_record(town, id, PURPOSE_PHONE)->generation, 2);
		assert_outcome(town_check(town, PURPOSE_PHONE, who_id(id), code), OUTCOME_WRONG);
		assert_outcome(
		    town_check(town, PURPOSE_PHONE, who_id(id), town_code(town, id, PURPOSE_PHONE)),
		    OUTCOME_APPROVED);
		assert_phone(town, id, number, true, "");
	}
}

/* ---- replace (ZITADEL) ----------------------------------------------------------------------- */

static void replacing_clears_the_flag_and_what_waited(struct town *town)
{
	town_settle(town, "ada", OLD, true);
	assert_outcome(town_send(town, PURPOSE_LOGIN, who_id("ada")), OUTCOME_SENT);
	struct verification *login = town_code_record(town, "ada", PURPOSE_LOGIN);
	assert_outcome(town_set_phone(town, "ada", PHONE_KEEP, NEW), OUTCOME_USER_CHANGED);
	struct verification *pending = town_code_record(town, "ada", PURPOSE_PHONE);
	assert_outcome(town_set_phone(town, "ada", PHONE_REPLACE, THIRD), OUTCOME_USER_CHANGED);
	assert_phone(town, "ada", THIRD, false, "");
	assert_cancelled(town, pending);
	assert_int_equal(town_verification(town, &login->id)->state, VERIFICATION_CANCELLED);
	assert_string_equal(town_code_record(town, "ada", PURPOSE_PHONE)->number.digits, THIRD);
	assert_null(town_code_record(town, "ada", PURPOSE_LOGIN));
}

static void the_number_that_is_shown_is_no_change(struct town *town)
{
	town_settle(town, "ada", OLD, true);
	assert_outcome(town_set_phone(town, "ada", PHONE_REPLACE, OLD), OUTCOME_UNCHANGED);
	assert_phone(town, "ada", OLD, true, "");
	town_settle(town, "bob", OLD, false);
	assert_outcome(town_set_phone(town, "bob", PHONE_REPLACE, OLD), OUTCOME_UNCHANGED);
	/* Where a number waits, it is the one that is shown. */
	assert_outcome(town_set_phone(town, "ada", PHONE_KEEP, NEW), OUTCOME_USER_CHANGED);
	assert_outcome(town_set_phone(town, "ada", PHONE_REPLACE, NEW), OUTCOME_UNCHANGED);
	assert_int_equal(town_read(town, "ada")->sequence, 2);
	assert_int_equal(town_read(town, "bob")->sequence, 1);
	assert_int_equal(town->deliver.delivered_n, 1);
	later(town);
	assert_outcome(town_set_phone(town, "ada", PHONE_REPLACE, OLD), OUTCOME_USER_CHANGED);
	assert_phone(town, "ada", OLD, false, "");
}

/* ---- verified, removed, deleted -------------------------------------------------------------- */

static void an_administrator_verifies_without_a_code(struct town *town)
{
	const struct user_command command = {
	    .op = USER_CHANGE, .phone = PHONE_VERIFIED, .number = test_number(NEW)};
	town_settle(town, "ada", OLD, true);
	assert_outcome(town_set_phone(town, "ada", PHONE_KEEP, NEW), OUTCOME_USER_CHANGED);
	struct verification *pending = town_code_record(town, "ada", PURPOSE_PHONE);
	assert_outcome(town_change(town, who_id("ada"), &command), OUTCOME_USER_CHANGED);
	assert_phone(town, "ada", NEW, true, "");
	assert_cancelled(town, pending);
	assert_int_equal(town->deliver.delivered_n, 1);
	assert_int_equal(town->call.user.sent, OUTCOME_COUNT);
}

static void a_removed_phone_is_gone_with_its_codes(struct town *town)
{
	const struct user_command command = {.op = USER_CHANGE, .phone = PHONE_REMOVE};
	town_settle(town, "ada", OLD, true);
	assert_outcome(town_send(town, PURPOSE_LOGIN, who_id("ada")), OUTCOME_SENT);
	assert_outcome(town_set_phone(town, "ada", PHONE_KEEP, NEW), OUTCOME_USER_CHANGED);
	assert_outcome(town_change(town, who_id("ada"), &command), OUTCOME_USER_CHANGED);
	assert_phone(town, "ada", "", false, "");
	assert_null(town_code_record(town, "ada", PURPOSE_LOGIN));
	assert_null(town_code_record(town, "ada", PURPOSE_PHONE));
	assert_int_equal(town_read(town, "ada")->sequence, 3);
	assert_outcome(town_change(town, who_id("ada"), &command), OUTCOME_NO_PHONE);
	assert_int_equal(town_read(town, "ada")->sequence, 3);
}

static void a_deleted_user_is_gone_with_his_codes(struct town *town)
{
	const struct user_command command = {.op = USER_DELETE};
	town_settle(town, "ada", OLD, true);
	assert_outcome(town_send(town, PURPOSE_LOGIN, who_id("ada")), OUTCOME_SENT);
	struct verification *login = town_code_record(town, "ada", PURPOSE_LOGIN);
	assert_outcome(town_set_phone(town, "ada", PHONE_KEEP, NEW), OUTCOME_USER_CHANGED);
	struct verification *phone = town_code_record(town, "ada", PURPOSE_PHONE);
	assert_outcome(town_change(town, who_id("ada"), &command), OUTCOME_USER_GONE);
	assert_string_equal(town->call.user.user->phone.digits, OLD);
	assert_null(town_read(town, "ada"));
	assert_int_equal(town_verification(town, &login->id)->state, VERIFICATION_CANCELLED);
	assert_int_equal(town_verification(town, &phone->id)->state, VERIFICATION_CANCELLED);
	assert_outcome(town_change(town, who_id("ada"), &command), OUTCOME_NO_USER);
	assert_null(town->call.user.user);
}

/* ---- sends that do not go out ---------------------------------------------------------------- */

static void a_change_whose_send_is_limited_changes_nothing(struct town *town)
{
	town_settle(town, "ada", OLD, true);
	assert_outcome(town_set_phone(town, "ada", PHONE_KEEP, NEW), OUTCOME_USER_CHANGED);
	struct verification *pending = town_code_record(town, "ada", PURPOSE_PHONE);
	assert_outcome(town_set_phone(town, "ada", PHONE_REPLACE, THIRD), OUTCOME_USER_CHANGED);
	assert_cancelled(town, pending);
	/* The delay of the third number still runs. */
	assert_outcome(town_set_phone(town, "ada", PHONE_KEEP, THIRD), OUTCOME_SEND_LIMITED);
	assert_int_equal(town->call.flow.result.retry_after_ms, 30 * SECONDS_MS);
	assert_int_equal(town->call.user.user->sequence, 3);
	assert_phone(town, "ada", THIRD, false, "");
	assert_int_equal(town_read(town, "ada")->sequence, 3);
	assert_int_equal(town_code_record(town, "ada", PURPOSE_PHONE)->generation, 1);
	assert_int_equal(town->deliver.delivered_n, 2);
	const struct event *event = &town->call.flow.result.event;
	assert_true(bytes_equal(event->reason, BYTES("send-limited")));
	assert_true(bytes_equal(event->kind, BYTES("refused")));
}

static void a_change_may_go_on_without_its_send(struct town *town)
{
	struct send_command send = town_send_command(town, PURPOSE_PHONE);
	const struct user_command command = {
	    .op = USER_CHANGE, .phone = PHONE_KEEP, .number = test_number(NEW), .send = &send};
	town_settle(town, "bob", NEW, false);
	assert_outcome(town_send(town, PURPOSE_PHONE, who_id("bob")), OUTCOME_SENT);
	town_settle(town, "ada", OLD, false);
	assert_outcome(town_send(town, PURPOSE_PHONE, who_id("ada")), OUTCOME_SENT);
	struct verification *code = town_code_record(town, "ada", PURPOSE_PHONE);
	assert_outcome(town_change(town, who_id("ada"), &command), OUTCOME_USER_CHANGED);
	assert_outcome(town->call.user.sent, OUTCOME_SEND_LIMITED);
	assert_phone(town, "ada", NEW, false, "");
	assert_cancelled(town, code);
	assert_null(town_code_record(town, "ada", PURPOSE_PHONE));
	assert_int_equal(town_budget(town, NEW)->sends.n, 1);
}

/* Each tells its true reason in an event of its own, beside that of the change. */
static void a_refused_destination_succeeds_and_the_event_tells(struct town *town)
{
	struct event event;
	town_settle(town, "ada", OLD, false);
	town->deliver.plan.route = ROUTE_REFUSED;
	for (int dead = 0; dead < 2; dead++) {
		if (dead) {
			const struct line line = {.tenant = BYTES("demo"),
			                          .number = test_number(THIRD),
			                          .state = LINE_DEAD};
			town->deliver.plan.route = ROUTE_QUEUED;
			assert_int_equal(desk_change(&town->desk, CHANGE_LINE, &line), OK);
		}
		const char *digits = dead ? THIRD : NEW;
		const struct user *before = town_read(town, "ada");
		size_t events = town_events(town, &event);
		assert_outcome(town_set_phone(town, "ada", PHONE_REPLACE, digits),
		               OUTCOME_USER_CHANGED);
		assert_outcome(town->call.user.sent, dead ? OUTCOME_DEAD : OUTCOME_NO_ROUTE);
		assert_phone(town, "ada", digits, false, "");
		assert_int_equal(town_read(town, "ada")->sequence, before->sequence + 1);
		assert_null(town_code_record(town, "ada", PURPOSE_PHONE));
		assert_int_equal(town_budget(town, digits)->sends.n, 0);
		assert_int_equal(town_events(town, &event), events + 2);
	}
	assert_int_equal(town->deliver.delivered_n, 0);
}

static void without_any_provider_nothing_changes(struct town *town)
{
	town_settle(town, "ada", OLD, false);
	town->deliver.plan.route = ROUTE_NONE;
	town->call.flow.err = OK;
	struct send_command send = town_send_command(town, PURPOSE_PHONE);
	struct verify_result result;
	struct user_result user_result;
	struct user user = town_user("ada", OLD, false);
	const struct user_command command = {.op = USER_CHANGE,
	                                     .tenant = BYTES("demo"),
	                                     .user = BYTES("ada"),
	                                     .phone = PHONE_REPLACE,
	                                     .number = test_number(NEW),
	                                     .send = &send};
	const struct user_records records = {.user = &user};
	struct verify_context context = {
	    .now_ms = T, .rng = &town->rng.rng, .keyring = town->keyring};
	assert_int_equal(user_step(&command, &records, &context, &result, &user_result),
	                 ERR_UNSUPPORTED);
	assert_int_equal(result.changes_n, 0);
}

static void a_disabled_user_is_changed_but_not_sent_to(struct town *town)
{
	struct user user = town_user("ada", OLD, true);
	user.disabled = true;
	town_store(town, &user);
	assert_outcome(town_set_phone(town, "ada", PHONE_KEEP, NEW), OUTCOME_USER_CHANGED);
	assert_int_equal(town->call.user.sent, OUTCOME_COUNT);
	assert_phone(town, "ada", OLD, true, NEW);
	assert_null(town_code_record(town, "ada", PURPOSE_PHONE));
}

/* ---- one number, several users --------------------------------------------------------------- */

static void a_number_that_another_verified_is_refused_where_it_is_unique(struct town *town)
{
	const struct user_command verified = {
	    .op = USER_CHANGE, .phone = PHONE_VERIFIED, .number = test_number(OLD)};
	town_settle(town, "ada", OLD, true);
	town_settle(town, "bob", NEW, true);
	town->exclusive = true;
	assert_outcome(town_set_phone(town, "bob", PHONE_KEEP, OLD), OUTCOME_PHONE_TAKEN);
	assert_outcome(town_change(town, who_id("bob"), &verified), OUTCOME_PHONE_TAKEN);
	assert_phone(town, "bob", NEW, true, "");
	/* His own is not another's. */
	assert_outcome(town_change(town, who_id("ada"), &verified), OUTCOME_USER_CHANGED);
	assert_true(town_read(town, "ada")->phone_exclusive);
	town->exclusive = false;
	assert_outcome(town_set_phone(town, "bob", PHONE_KEEP, OLD), OUTCOME_USER_CHANGED);
	assert_outcome(town_change(town, who_id("bob"), &verified), OUTCOME_USER_CHANGED);
	assert_false(town_read(town, "bob")->phone_exclusive);
	assert_phone(town, "bob", OLD, true, "");
}

static void a_hold_ends_with_the_number(struct town *town)
{
	const struct user_command verified = {
	    .op = USER_CHANGE, .phone = PHONE_VERIFIED, .number = test_number(OLD)};
	const struct user_command removed = {.op = USER_CHANGE, .phone = PHONE_REMOVE};
	town->exclusive = true;
	town_settle(town, "ada", NULL, false);
	town_settle(town, "bob", NULL, false);
	assert_outcome(town_change(town, who_id("ada"), &verified), OUTCOME_USER_CHANGED);
	assert_outcome(town_change(town, who_id("bob"), &verified), OUTCOME_PHONE_TAKEN);
	assert_outcome(town_set_phone(town, "ada", PHONE_REPLACE, NEW), OUTCOME_USER_CHANGED);
	assert_false(town_read(town, "ada")->phone_exclusive);
	assert_outcome(town_change(town, who_id("bob"), &verified), OUTCOME_USER_CHANGED);
	assert_true(town_read(town, "bob")->phone_exclusive);
	assert_outcome(town_change(town, who_id("bob"), &removed), OUTCOME_USER_CHANGED);
	assert_false(town_read(town, "bob")->phone_exclusive);
	assert_outcome(town_change(town, who_id("ada"), &verified), OUTCOME_USER_CHANGED);
}

int main(void)
{
	static const struct town_test tests[] = {
	    TOWN_TEST(a_first_number_is_set_and_sent_to),
	    TOWN_TEST(an_unverified_number_is_replaced_on_the_spot),
	    TOWN_TEST(a_new_number_waits_beside_a_verified_one),
	    TOWN_TEST(the_pending_number_takes_its_place_once_verified),
	    TOWN_TEST(the_verified_number_again_cancels_a_pending_one),
	    TOWN_TEST(the_waiting_number_again_gets_a_new_code),
	    TOWN_TEST(replacing_clears_the_flag_and_what_waited),
	    TOWN_TEST(the_number_that_is_shown_is_no_change),
	    TOWN_TEST(an_administrator_verifies_without_a_code),
	    TOWN_TEST(a_removed_phone_is_gone_with_its_codes),
	    TOWN_TEST(a_deleted_user_is_gone_with_his_codes),
	    TOWN_TEST(a_change_whose_send_is_limited_changes_nothing),
	    TOWN_TEST(a_change_may_go_on_without_its_send),
	    TOWN_TEST(a_refused_destination_succeeds_and_the_event_tells),
	    TOWN_TEST(without_any_provider_nothing_changes),
	    TOWN_TEST(a_disabled_user_is_changed_but_not_sent_to),
	    TOWN_TEST(a_number_that_another_verified_is_refused_where_it_is_unique),
	    TOWN_TEST(a_hold_ends_with_the_number),
	};
	static struct cases cases;
	town_add_tests(&cases, tests, COUNT(tests));
	return cases_run("user_phone", &cases);
}
