/* SPDX-License-Identifier: Apache-2.0 */
/* Users themselves (rules 3.3, 3.4): names, registering, changing, and what ends their tokens; over
 * every store. */
#include "support/town.h"

#include "core/token.h"

#define T TEST_START_MS
#define PHONE "447700900123"
#define UUID "5b0c2a52-7d0c-4d0e-8a39-1f2f3a4b5c6d"

/* ---- names ----------------------------------------------------------------------------------- */

#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct {
	struct bytes id;
	bool is_valid;
} id_rows[] = {
    {BYTES("a"), true},
    {BYTES("ada.lovelace_1815-"), true},
    {BYTES(UUID), true},
    {BYTES("ABCXYZabcxyz0189._-"), true},
    {BYTES(X50 X50 X50 X50), true},
    {BYTES("me2"), true},
    {BYTES("ME"), true},
    {BYTES(X50 X50 X50 X50 "x"), false},
    {BYTES(""), false},
    {BYTES_NONE, false},
    {BYTES("me"), false},
    {BYTES("a b"), false},
    {BYTES("a/b"), false},
    {BYTES("a:b"), false},
    {BYTES("a@b"), false},
    {BYTES("a[b"), false},
    {BYTES("a`b"), false},
    {BYTES("a{b"), false},
    {BYTES("a\0b"), false},
    {BYTES("\xC3\xA4"), false},
    {BYTES("!0123456789abcdef"), false}, /* a phantom's */
};

static void an_id_is_made_of_plain_characters(struct town *town)
{
	(void)town;
	for (size_t i = 0; i < COUNT(id_rows); i++)
		assert_int_equal(user_id_is_valid(id_rows[i].id), id_rows[i].is_valid);
}

/* Rule 3.4: given, else the id if it is one, else random. */
static void a_uuid_is_the_id_if_it_is_one(struct town *town)
{
	char uuid[ID_TEXT_LEN + 1], other[ID_TEXT_LEN + 1];
	struct id id;
	assert_int_equal(
	    user_uuid_make(BYTES("5B0C2A52-7D0C-4D0E-8A39-1F2F3A4B5C6D"), &town->rng.rng, uuid),
	    OK);
	assert_string_equal(uuid, UUID);
	assert_int_equal(user_uuid_make(BYTES("ada"), &town->rng.rng, uuid), OK);
	assert_true(id_parse(bytes_from_text(uuid), &id));
	assert_int_equal(user_uuid_make(BYTES("ada"), &town->rng.rng, other), OK);
	assert_string_not_equal(uuid, other);
	town->rng.fails_from = town->rng.fills + 1;
	assert_int_equal(user_uuid_make(BYTES("ada"), &town->rng.rng, uuid), ERR_RANDOM);
	assert_int_equal(user_uuid_make(BYTES(UUID), &town->rng.rng, uuid), OK);
}

/* ---- registering ----------------------------------------------------------------------------- */

static enum outcome create(struct town *town, const char *id, const struct user *values,
                           uint64_t given)
{
	const struct user_command command = {
	    .op = USER_CREATE, .user = bytes_from_text(id), .values = values, .given = given};
	return town_change(town, (struct who){.by = WHO_ID}, &command);
}

static void a_new_user_begins_at_sequence_1(struct town *town)
{
	const struct user values = {.user_name = BYTES("Ada"),
	                            .password_hash = BYTES("$argon2id$x"),
	                            .display_name = BYTES("Ada L."),
	                            .custom = BYTES("{\"a\":1}"),
	                            .disabled = false};
	assert_outcome(create(town, "ada", &values,
	                      USER_GIVES(USER_USER_NAME) | USER_GIVES(USER_PASSWORD_HASH) |
	                          USER_GIVES(USER_DISPLAY_NAME) | USER_GIVES(USER_CUSTOM)),
	               OUTCOME_USER_MADE);
	const struct user *user = town_read(town, "ada");
	assert_non_null(user);
	assert_int_equal(user->sequence, 1);
	assert_int_equal(user->created_ms, T);
	assert_int_equal(user->changed_ms, T);
	assert_int_equal(user->token_epoch, 0);
	assert_true(bytes_equal(user->user_name, BYTES("Ada")));
	assert_true(bytes_equal(user->password_hash, BYTES("$argon2id$x")));
	assert_true(bytes_equal(user->display_name, BYTES("Ada L.")));
	assert_true(bytes_equal(user->custom, BYTES("{\"a\":1}")));
	assert_int_equal(user->uuid.len, ID_TEXT_LEN);
	assert_null(user->email.at);
	assert_int_equal(town->call.user.user->sequence, 1);
	struct event event;
	assert_int_equal(town_events(town, &event), 1);
	assert_true(bytes_equal(event.kind, BYTES("changed")));
	assert_true(bytes_equal(event.reason, BYTES("user-made")));
}

static void a_new_user_is_sent_his_code_in_the_same_commit(struct town *town)
{
	struct send_command send = town_send_command(town, PURPOSE_PHONE);
	const struct user_command command = {.op = USER_CREATE,
	                                     .user = BYTES(UUID),
	                                     .phone = PHONE_KEEP,
	                                     .number = test_number(PHONE),
	                                     .send = &send};
	assert_outcome(town_change(town, (struct who){.by = WHO_ID}, &command), OUTCOME_USER_MADE);
	assert_outcome(town->call.user.sent, OUTCOME_SENT);
	const struct user *user = town_read(town, UUID);
	assert_string_equal(user->phone.digits, PHONE);
	assert_true(bytes_equal(user->uuid, BYTES(UUID)));
	assert_int_equal(user->sequence, 1);
	assert_outcome(
	    town_check(town, PURPOSE_PHONE, who_id(UUID), town_code(town, UUID, PURPOSE_PHONE)),
	    OUTCOME_APPROVED);
	/* The next one is told, but a limit keeps his message back. */
	struct user_command second = command;
	second.user = BYTES("bob");
	assert_outcome(town_change(town, (struct who){.by = WHO_ID}, &second), OUTCOME_USER_MADE);
	assert_outcome(town->call.user.sent, OUTCOME_SENT);
	second.user = BYTES("carol");
	assert_outcome(town_change(town, (struct who){.by = WHO_ID}, &second), OUTCOME_USER_MADE);
	assert_outcome(town->call.user.sent, OUTCOME_SEND_LIMITED);
	assert_int_not_equal(town->call.flow.result.retry_after_ms, 0);
	assert_int_equal(town->deliver.delivered_n, 2);
}

static void what_is_unique_is_taken_once(struct town *town)
{
	struct user user = town_user("ada", PHONE, true);
	user.email = BYTES("ada@example.com");
	user.email_verified = true;
	town_store(town, &user);
	struct user values = {.user_name = BYTES("aDA"), .email = BYTES("ADA@example.com")};
	assert_outcome(create(town, "ada", &values, 0), OUTCOME_USER_EXISTS);
	assert_string_equal(town->call.user.user->id.at, "ada");
	assert_outcome(create(town, "bob", &values, USER_GIVES(USER_USER_NAME)),
	               OUTCOME_NAME_TAKEN);
	assert_outcome(create(town, "bob", &values, USER_GIVES(USER_EMAIL)), OUTCOME_EMAIL_TAKEN);
	assert_null(town_read(town, "bob"));
	/* An address that nobody verified is nobody's. */
	user.email_verified = false;
	user.version = VERSION_ANY;
	town_store(town, &user);
	assert_outcome(create(town, "bob", &values, USER_GIVES(USER_EMAIL)), OUTCOME_USER_MADE);
	values.email = BYTES_NONE;
	assert_outcome(create(town, "carol", &values, USER_GIVES(USER_EMAIL)), OUTCOME_USER_MADE);
}

/* ---- changing -------------------------------------------------------------------------------- */

static enum outcome change(struct town *town, const struct user *values, uint64_t given)
{
	const struct user_command command = {.op = USER_CHANGE, .values = values, .given = given};
	return town_change(town, (struct who){.by = WHO_NAME, .key = BYTES("ada")}, &command);
}

static void members_that_are_not_given_stay(struct town *town)
{
	town_settle(town, "ada", PHONE, true);
	struct user values = {.first_name = BYTES("Ada"),
	                      .last_name = BYTES("King"),
	                      .phone = test_number("1"),
	                      .sequence = 99,
	                      .force_password_change = true};
	town->clock.now_ms += 3;
	assert_outcome(change(town, &values, USER_GIVES(USER_FIRST_NAME)), OUTCOME_USER_CHANGED);
	const struct user *user = town_read(town, "ada");
	assert_true(bytes_equal(user->first_name, BYTES("Ada")));
	assert_null(user->last_name.at);
	assert_string_equal(user->phone.digits, PHONE);
	assert_int_not_equal(user->phone_verified_ms, 0);
	assert_false(user->force_password_change);
	assert_int_equal(user->sequence, 2);
	assert_int_equal(user->changed_ms, T + 3);
	assert_int_equal(user->created_ms, T);
	/* What is given as absent goes. */
	values.first_name = BYTES_NONE;
	assert_outcome(change(town, &values,
	                      USER_GIVES(USER_FIRST_NAME) | USER_GIVES(USER_FORCE_PASSWORD_CHANGE)),
	               OUTCOME_USER_CHANGED);
	user = town_read(town, "ada");
	assert_null(user->first_name.at);
	assert_true(user->force_password_change);
	assert_int_equal(user->sequence, 3);
}

static const struct {
	const char *name;
	size_t at;
} member_rows[] = {
#define USER_TEXT(name, field, member, kind, max) {member, offsetof(struct user, field)},
#include "core/user_member.def"
#undef USER_TEXT
};

static struct bytes *member(const struct user *user, size_t nth)
{
	return (struct bytes *)(void *)((char *)(uintptr_t)user + member_rows[nth].at);
}

/* Each row of the table, alone: it is taken, and no other is. */
static void each_member_is_taken_by_its_bit(struct town *town)
{
	struct user before = town_user("ada", PHONE, true), values = {0};
	assert_int_equal(COUNT(member_rows), USER_TEXTS);
	for (size_t i = 0; i < USER_TEXTS; i++) {
		*member(&before, i) = BYTES("old");
		*member(&values, i) = BYTES("new");
	}
	struct verify_context context = {
	    .now_ms = T, .rng = &town->rng.rng, .keyring = town->keyring};
	for (size_t given = 0; given < USER_TEXTS; given++) {
		const struct user_command command = {.op = USER_CHANGE,
		                                     .tenant = BYTES("demo"),
		                                     .user = BYTES("ada"),
		                                     .values = &values,
		                                     .given = USER_GIVES(given)};
		const struct user_records records = {.user = &before};
		struct verify_result result;
		struct user_result user_result;
		assert_int_equal(user_step(&command, &records, &context, &result, &user_result),
		                 OK);
		for (size_t i = 0; i < USER_TEXTS; i++)
			assert_row(member_rows[i].name,
			           bytes_equal(*member(user_result.user, i),
			                       i == given ? BYTES("new") : BYTES("old")));
	}
}

static void a_name_can_be_changed_to_a_free_one(struct town *town)
{
	town_settle(town, "ada", NULL, false);
	town_settle(town, "bob", NULL, false);
	struct user values = {.user_name = BYTES("Bob")};
	assert_outcome(change(town, &values, USER_GIVES(USER_USER_NAME)), OUTCOME_NAME_TAKEN);
	assert_int_equal(town_read(town, "ada")->sequence, 1);
	/* His own in other letters is free. */
	values.user_name = BYTES("aDa");
	assert_outcome(change(town, &values, USER_GIVES(USER_USER_NAME)), OUTCOME_USER_CHANGED);
	values.user_name = BYTES("countess");
	assert_outcome(change(town, &values, USER_GIVES(USER_USER_NAME)), OUTCOME_USER_CHANGED);
	assert_null(town_find(town, (struct who){.by = WHO_NAME, .key = BYTES("ada")}));
	assert_non_null(town_find(town, (struct who){.by = WHO_NAME, .key = BYTES("COUNTESS")}));
}

static void a_new_address_is_not_verified(struct town *town)
{
	struct user user = town_user("ada", NULL, false);
	user.email = BYTES("ada@example.com");
	user.email_verified = true;
	town_store(town, &user);
	struct user values = {.email = BYTES("ADA@example.com")};
	assert_outcome(change(town, &values, USER_GIVES(USER_EMAIL)), OUTCOME_USER_CHANGED);
	assert_true(town_read(town, "ada")->email_verified);
	values.email = BYTES("king@example.com");
	assert_outcome(change(town, &values, USER_GIVES(USER_EMAIL)), OUTCOME_USER_CHANGED);
	assert_false(town_read(town, "ada")->email_verified);
	values.email_verified = true;
	values.email = BYTES("countess@example.com");
	assert_outcome(
	    change(town, &values, USER_GIVES(USER_EMAIL) | USER_GIVES(USER_EMAIL_VERIFIED)),
	    OUTCOME_USER_CHANGED);
	assert_true(town_read(town, "ada")->email_verified);
}

/* ---- what ends tokens ------------------------------------------------------------------------ */

static void disabling_and_a_new_password_end_tokens(struct town *town)
{
	static const struct {
		bool disabled;
		uint64_t given;
		uint32_t epoch;
	} rows[] = {
	    {false, USER_GIVES(USER_DISABLED), 0},
	    {true, USER_GIVES(USER_DISABLED), 1},
	    {true, USER_GIVES(USER_DISABLED), 1}, /* he was already */
	    {false, USER_GIVES(USER_DISABLED), 1},
	    {false, USER_GIVES(USER_PASSWORD_HASH), 2},
	    {true, USER_GIVES(USER_PASSWORD_HASH) | USER_GIVES(USER_DISABLED), 3},
	    {true, USER_GIVES(USER_FIRST_NAME), 3},
	};
	town_settle(town, "ada", PHONE, true);
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct user values = {.disabled = rows[i].disabled,
		                            .password_hash = BYTES("$argon2id$y")};
		assert_outcome(change(town, &values, rows[i].given), OUTCOME_USER_CHANGED);
		const struct user *user = town_read(town, "ada");
		assert_int_equal(user->token_epoch, rows[i].epoch);
		assert_int_equal(user->disabled, rows[i].disabled);
		assert_int_equal(user->sequence, 2 + i);
	}
}

static void a_token_fits_the_user_it_was_made_for(struct town *town)
{
	(void)town;
	struct user user = town_user("ada", NULL, false);
	user.token_epoch = 4;
	const struct token token = {.kind = TOKEN_USER,
	                            .tenant = BYTES("demo"),
	                            .user = BYTES("ada"),
	                            .epoch = 4,
	                            .issued_ms = T,
	                            .expires_ms = T + 1};
	assert_true(token_fits(&token, &user));
	user.token_epoch = 5;
	assert_false(token_fits(&token, &user));
	user.token_epoch = 4;
	user.disabled = true;
	assert_false(token_fits(&token, &user));
	user.disabled = false;
	/* Deleted, and made again: somebody else. */
	user.created_ms = T + 1;
	assert_false(token_fits(&token, &user));
	user.created_ms = T;
	user.id = BYTES("bob");
	assert_false(token_fits(&token, &user));
	user.id = BYTES("ada");
	user.tenant = BYTES("acme");
	assert_false(token_fits(&token, &user));
}

/* ---- faults ---------------------------------------------------------------------------------- */

/* Whichever id or number cannot be drawn: a fault, and nothing to commit. */
static void without_randomness_nothing_is_changed(struct town *town)
{
	struct send_command send = town_send_command(town, PURPOSE_PHONE);
	struct user_command command = {.op = USER_CREATE,
	                               .tenant = BYTES("demo"),
	                               .user = BYTES("ada"),
	                               .phone = PHONE_KEEP,
	                               .number = test_number(PHONE),
	                               .send = &send};
	const struct user_records nothing = {.number = test_number(PHONE)};
	struct verify_context context = {.now_ms = T,
	                                 .rng = &town->rng.rng,
	                                 .keyring = town->keyring,
	                                 .plan = {ROUTE_QUEUED, BYTES("scripted")}};
	struct verify_result result;
	struct user_result user_result;
	unsigned draws = 0;
	for (;; draws++) {
		town->rng.fills = 0;
		town->rng.fails_from = draws + 1;
		enum err err = user_step(&command, &nothing, &context, &result, &user_result);
		if (err == OK)
			break;
		assert_int_equal(err, ERR_RANDOM);
		assert_int_equal(result.changes_n, 0);
	}
	/* uuid, verification, message, and an event each for the send and the user. */
	assert_int_equal(draws, 5);
	command.op = USER_CHANGE;
	town->rng.fills = 0;
	town->rng.fails_from = 1;
	assert_int_equal(user_step(&command, &nothing, &context, &result, &user_result),
	                 ERR_RANDOM);
}

int main(void)
{
	static const struct town_test tests[] = {
	    TOWN_TEST(an_id_is_made_of_plain_characters),
	    TOWN_TEST(a_uuid_is_the_id_if_it_is_one),
	    TOWN_TEST(a_new_user_begins_at_sequence_1),
	    TOWN_TEST(a_new_user_is_sent_his_code_in_the_same_commit),
	    TOWN_TEST(what_is_unique_is_taken_once),
	    TOWN_TEST(members_that_are_not_given_stay),
	    TOWN_TEST(each_member_is_taken_by_its_bit),
	    TOWN_TEST(a_name_can_be_changed_to_a_free_one),
	    TOWN_TEST(a_new_address_is_not_verified),
	    TOWN_TEST(disabling_and_a_new_password_end_tokens),
	    TOWN_TEST(a_token_fits_the_user_it_was_made_for),
	    TOWN_TEST(without_randomness_nothing_is_changed),
	};
	static struct cases cases;
	town_add_tests(&cases, tests, COUNT(tests));
	return cases_run("user", &cases);
}
