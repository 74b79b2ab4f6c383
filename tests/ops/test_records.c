/* SPDX-License-Identifier: Apache-2.0 */
/* People, keys and systems imported into the memory store, and everything exported again. */
#include "cases.h"
#include "support/desk.h"
#include "support/engine.h"

#include "base/buf.h"
#include "base/list.h"
#include "base/password.h"
#include "core/seal.h"
#include "ops/export.h"
#include "ops/import.h"
#include "store/memory.h"

#define NOW_MS INT64_C(1800000000000)
#define UUID "5b0c2a52-7d0c-4d0e-8a39-1f2f3a4b5c6d"
#define PHONE "+447700900123"

struct place {
	struct memory_store *memory;
	struct desk desk;
	struct keyring *keyring;
	char *told; /* of the last run */
	size_t told_len;
};

static int place_make(void **state)
{
	struct place *place = calloc(1, sizeof(*place));
	assert_non_null(place);
	place->memory = memory_new(1);
	assert_non_null(place->memory);
	desk_init(&place->desk);
	place->desk.store = memory_attach(place->memory, &place->desk.executor.executor);
	assert_non_null(place->desk.store);
	place->keyring = test_keyring();
	*state = place;
	return 0;
}

static int place_remove(void **state)
{
	struct place *place = *state;
	desk_done(&place->desk);
	memory_free(place->memory);
	keyring_free(place->keyring);
	free(place->told);
	free(place);
	return 0;
}

static void run_until(void *executor, const bool *done)
{
	test_executor_run_until(executor, done);
}

static enum import_result import_text(struct place *place, const char *text, size_t *ret_n)
{
	static const struct settings_layers server;
	const struct import_options options = {
	    .store = place->desk.store,
	    .keyring = place->keyring,
	    .server = &server,
	    .now_ms = NOW_MS,
	    .run_until = run_until,
	    .context = &place->desk.executor,
	};
	FILE *input = tmpfile();
	assert_non_null(input);
	(void)fputs(text, input);
	rewind(input);
	free(place->told);
	place->told = NULL;
	FILE *told = open_memstream(&place->told, &place->told_len);
	enum import_result result = import_run(&options, input, "in", told, ret_n);
	(void)fclose(told);
	(void)fclose(input);
	return result;
}

static void sound(struct place *place, const char *text)
{
	size_t n;
	if (import_text(place, text, &n) != IMPORT_DONE)
		fail_msg("%s", place->told);
}

static const struct user *user_of(struct place *place, enum user_by by, const char *which)
{
	struct store_load load = {.want = WANT_USER,
	                          .tenant = BYTES("shop"),
	                          .user_by = by,
	                          .user_key = bytes_from_text(which)};
	assert_int_equal(desk_load(&place->desk, &load), OK);
	return load.user;
}

#define assert_text(bytes, text) assert_true(bytes_equal((bytes), bytes_from_text(text)))

#define SHOP "{\"type\":\"tenant\",\"id\":\"shop\"}\n"
#define APP "{\"type\":\"client\",\"tenant\":\"shop\",\"name\":\"app\"}\n"
#define USER(members) "{\"type\":\"user\",\"tenant\":\"shop\"," members "}\n"
#define KEY(members) "{\"type\":\"key\",\"tenant\":\"shop\"," members "}\n"
#define SYSTEM(members) "{\"type\":\"system\",\"tenant\":\"shop\"," members "}\n"
#define VALUE "\"value\":\"0123456789abcdef0123456789abcdef\""

/* ---- mistakes -------------------------------------------------------------------------------- */

static const struct mistake_row {
	const char *name, *line, *told;
} mistake_rows[] = {
    {"neither id nor name", USER("\"firstName\":\"A\""), "a user needs an id or a userName"},
    {"an id that is none", USER("\"id\":\"a b\""), "\"id\" must be 1 to 200 of"},
    {"me", USER("\"id\":\"me\""), "\"id\" must be 1 to 200 of"},
    {"no tenant", "{\"type\":\"user\",\"id\":\"a\"}\n", "a user needs a tenant"},
    {"a tenant nobody knows", "{\"type\":\"user\",\"tenant\":\"x\",\"id\":\"a\"}\n",
     "tenant \"x\" is not known"},
    {"an unknown member", USER("\"id\":\"a\",\"colour\":1"), "unknown member"},
    {"a name of the wrong type", USER("\"id\":\"a\",\"firstName\":1"),
     "\"firstName\" must be a text"},
    {"a name that is too long", USER("\"id\":\"a\",\"country\":\"GBR\""),
     "\"country\" must be at most 2 octets"},
    {"a name that steers", USER("\"id\":\"a\",\"firstName\":\"\\u001b[2J\""),
     "\"firstName\" must not hold control characters"},
    {"an empty userName", USER("\"id\":\"a\",\"userName\":\"\""), "\"userName\" must not be empty"},
    {"no uuid", USER("\"id\":\"a\",\"uuid\":\"x\""), "\"uuid\" must be a UUID"},
    {"a national phone", USER("\"id\":\"a\",\"phone\":\"07700900123\""),
     "\"phone\" is not an international number"},
    {"a phone that is none, verified", USER("\"id\":\"a\",\"phone\":\"x\",\"phoneVerified\":true"),
     "\"phone\" is not an international number"},
    {"verified without a phone", USER("\"id\":\"a\",\"phoneVerified\":true"),
     "\"phoneVerified\" needs a phone"},
    {"verified, and removed", USER("\"id\":\"a\",\"phone\":null,\"phoneVerified\":true"),
     "\"phoneVerified\" needs a phone"},
    {"roles of numbers", USER("\"id\":\"a\",\"roles\":[1]"), "\"roles\" must be a list of texts"},
    {"custom that is a list", USER("\"id\":\"a\",\"custom\":[]"), "\"custom\" must be an object"},
    {"an empty password", USER("\"id\":\"a\",\"password\":\"\""), "\"password\" must be 1 to"},
    {"a hash that is none", USER("\"id\":\"a\",\"password\":\"$argon2i$x\""),
     "\"password\" looks like a PHC string"},
    {"a moment that is none", USER("\"id\":\"a\",\"lastLoginTimestamp\":\"yesterday\""),
     "\"lastLoginTimestamp\" must be a moment"},
    {"twice by id", USER("\"id\":\"a\"") USER("\"id\":\"a\""),
     "user shop a stands twice in this input"},
    {"one name of two",
     USER("\"id\":\"a\",\"userName\":\"Ada\"") USER("\"id\":\"b\",\"userName\":\"aDA\""),
     "\"userName\" is another user's in this input"},
    {"one uuid of two", USER("\"id\":\"a\",\"uuid\":\"" UUID "\"") USER("\"id\":\"" UUID "\""),
     "\"uuid\" is another user's in this input"},
    {"a key of nobody", KEY(VALUE), "a new key needs a client or a user"},
    {"a key of two", KEY(VALUE ",\"client\":\"app\",\"user\":\"a\""), "not both"},
    {"a key without a value", KEY("\"client\":\"app\""), "a key needs a value"},
    {"a key with both", KEY(VALUE ",\"hash\":\"00\",\"client\":\"app\""), "a key needs a value"},
    {"a digest that is none", KEY("\"hash\":\"00\",\"client\":\"app\""),
     "\"hash\" must be 64 hexadecimal digits"},
    {"a value with a blank", KEY("\"value\":\"a b\",\"client\":\"app\""), "\"value\" must be 1 to"},
    {"a key of a client nobody knows", KEY(VALUE ",\"client\":\"x\""),
     "tenant \"shop\" has no client \"x\""},
    {"a key of a user nobody knows", KEY(VALUE ",\"user\":\"x\""),
     "tenant \"shop\" has no user \"x\""},
    {"a key twice", KEY(VALUE ",\"client\":\"app\"") KEY(VALUE ",\"client\":\"app\""),
     "this key stands twice in this input"},
    {"an end that is none", KEY(VALUE ",\"client\":\"app\",\"expiresAt\":\"never\""),
     "\"expiresAt\" must be a moment"},
    {"a system without a tenant", "{\"type\":\"system\",\"id\":\"s\"}\n",
     "a system needs a tenant"},
    {"a system without an id", SYSTEM("\"secret\":\"x\""), "\"id\" must be 1 to 200 octets"},
    {"signing that is none", SYSTEM("\"id\":\"s\",\"signing\":\"yes\""),
     "\"signing\" must be off, optional or required"},
    {"a system twice", SYSTEM("\"id\":\"s\"") SYSTEM("\"id\":\"s\""), "stands twice"},
    {"a Kii app that is none", "{\"type\":\"tenant\",\"id\":\"k\",\"kii\":{\"appkey\":\"x\"}}\n",
     "unknown member"},
    {"a Kii secret that is empty",
     "{\"type\":\"tenant\",\"id\":\"k\",\"kii\":{\"clientSecret\":\"\"}}\n",
     "\"clientSecret\" must be 1 to"},
};

static void a_mistake_is_told_and_nothing_stored(void **state)
{
	const struct mistake_row *row = ROW_OF(state, struct mistake_row);
	void *made;
	size_t n;
	char text[2048];
	assert_int_equal(place_make(&made), 0);
	struct place *place = made;
	(void)snprintf(text, sizeof(text), SHOP APP "%s", row->line);
	assert_int_equal(import_text(place, text, &n), IMPORT_MISTAKES);
	if (strncmp(place->told, "in:", 3) != 0 || !strstr(place->told, row->told))
		fail_msg("%s", place->told);
	struct store_counts counts = desk_count(&place->desk);
	assert_int_equal(
	    counts.tenants + counts.clients + counts.users + counts.keys + counts.systems, 0);
	(void)place_remove(&made);
}

/* ---- users ----------------------------------------------------------------------------------- */

static void a_user_is_stored_whole(void **state)
{
	struct place *place = *state;
	sound(place, SHOP USER("\"id\":\"u-1\",\"userName\":\"Ada\",\"password\":\"pass word\","
	                       "\"firstName\":\"Ada\",\"email\":\"a@x.org\",\"emailVerified\":true,"
	                       "\"phone\":\"" PHONE "\",\"phoneVerified\":true,\"roles\":[\"A\"],"
	                       "\"custom\":{\"a\":[1]},\"forcePasswordChange\":true,"
	                       "\"lastLoginTimestamp\":\"2026-01-02T03:04:05.678Z\""));
	const struct user *user = user_of(place, USER_BY_NAME, "aDa");
	assert_non_null(user);
	assert_text(user->id, "u-1");
	assert_true(password_matches(user->password_hash, BYTES("pass word")));
	assert_text(user->email, "a@x.org");
	assert_true(user->email_verified && user->force_password_change && !user->disabled);
	assert_text(number_bytes(&user->phone), "447700900123");
	assert_int_equal(user->phone_verified_ms, NOW_MS);
	assert_false(user->phone_exclusive);
	assert_text(user->roles, "[\"A\"]");
	assert_text(user->custom, "{\"a\":[1]}");
	assert_int_equal(user->sequence, 1);
	assert_int_equal(user->token_epoch, 0);
	assert_int_equal(user->created_ms, NOW_MS);
	assert_int_equal(user->last_login_ms, INT64_C(1767323045678));
	assert_int_equal(user->uuid.len, ID_TEXT_LEN);
}

static void a_user_without_an_id_gets_one_and_keeps_it(void **state)
{
	struct place *place = *state;
	sound(place, SHOP USER("\"userName\":\"ada\",\"firstName\":\"Ada\""));
	const struct user *user = user_of(place, USER_BY_NAME, "ada");
	struct id id;
	assert_true(id_parse(user->id, &id));
	assert_true(bytes_equal(user->id, user->uuid));
	char kept[ID_TEXT_LEN + 1];
	(void)snprintf(kept, sizeof(kept), "%.*s", (int)user->id.len, user->id.at);
	sound(place, USER("\"userName\":\"ADA\",\"lastName\":\"L\""));
	user = user_of(place, USER_BY_ID, kept);
	assert_text(user->user_name, "ADA");
	assert_text(user->first_name, "Ada");
	assert_text(user->last_name, "L");
	assert_int_equal(user->sequence, 2);
	assert_int_equal(desk_count(&place->desk).users, 1);
}

static void what_is_not_given_is_kept_and_null_takes_back(void **state)
{
	struct place *place = *state;
	sound(place, SHOP USER("\"id\":\"u\",\"userName\":\"ada\",\"password\":\"p\","
	                       "\"firstName\":\"Ada\",\"email\":\"a@x.org\",\"emailVerified\":true,"
	                       "\"phone\":\"" PHONE "\",\"phoneVerified\":true"));
	sound(place, USER("\"id\":\"u\",\"nickName\":\"A\""));
	const struct user *user = user_of(place, USER_BY_ID, "u");
	assert_text(user->first_name, "Ada");
	assert_true(user->email_verified && user->phone_verified_ms == NOW_MS);
	assert_true(password_matches(user->password_hash, BYTES("p")));
	sound(place, USER("\"id\":\"u\",\"firstName\":null,\"password\":null,\"email\":null,"
	                  "\"phone\":null,\"uuid\":null,\"userName\":null"));
	user = user_of(place, USER_BY_ID, "u");
	assert_null(user->first_name.at);
	assert_null(user->password_hash.at);
	assert_null(user->email.at);
	assert_null(user->user_name.at);
	assert_non_null(user->uuid.at);
	assert_false(user->email_verified || user->phone_verified_ms);
	assert_true(number_is_none(&user->phone));
	assert_text(user->nick_name, "A");
	/* A password that is gone ends tokens. */
	assert_int_equal(user->token_epoch, 1);
}

/* A new number is not verified because the old one was. */
static void a_phone_is_verified_by_itself(void **state)
{
	struct place *place = *state;
	sound(place, SHOP USER("\"id\":\"u\",\"phone\":\"" PHONE "\",\"phoneVerified\":true"));
	sound(place, USER("\"id\":\"u\",\"phone\":\"" PHONE "\""));
	assert_int_equal(user_of(place, USER_BY_ID, "u")->phone_verified_ms, NOW_MS);
	sound(place, USER("\"id\":\"u\",\"phone\":\"+447700900124\""));
	assert_int_equal(user_of(place, USER_BY_ID, "u")->phone_verified_ms, 0);
	sound(place, USER("\"id\":\"u\",\"phoneVerified\":true"));
	assert_int_equal(user_of(place, USER_BY_ID, "u")->phone_verified_ms, NOW_MS);
	sound(place, USER("\"id\":\"u\",\"phoneVerified\":false"));
	const struct user *user = user_of(place, USER_BY_ID, "u");
	assert_int_equal(user->phone_verified_ms, 0);
	assert_text(number_bytes(&user->phone), "447700900124");
}

static void names_may_change_hands_in_one_input(void **state)
{
	struct place *place = *state;
	size_t n;
	sound(place, SHOP USER("\"id\":\"a\",\"userName\":\"ada\"")
	                 USER("\"id\":\"b\",\"userName\":\"bob\""));
	assert_int_equal(import_text(place, USER("\"id\":\"b\",\"userName\":\"ADA\""), &n),
	                 IMPORT_MISTAKES);
	assert_string_equal(place->told, "in:1: \"userName\" is that of the user \"a\"\n");
	sound(place,
	      USER("\"id\":\"b\",\"userName\":\"ada\"") USER("\"id\":\"a\",\"userName\":\"ann\""));
	assert_text(user_of(place, USER_BY_NAME, "ada")->id, "b");
	assert_text(user_of(place, USER_BY_NAME, "ann")->id, "a");
}

static void a_verified_phone_may_be_of_one_user_alone(void **state)
{
	struct place *place = *state;
	static const char *const tenants[] = {
	    "{\"type\":\"tenant\",\"id\":\"shop\",\"kii\":{\"appKey\":\"k\"}}\n",
	    "{\"type\":\"tenant\",\"id\":\"shop\",\"settings\":{\"unique_verified_phone\":true}}\n",
	};
	size_t n;
	for (size_t i = 0; i < COUNT(tenants); i++) {
		char both[1024];
		void *made;
		assert_int_equal(place_make(&made), 0);
		place = made;
		sound(place, tenants[i]);
		sound(place, USER("\"id\":\"a\",\"phone\":\"" PHONE "\",\"phoneVerified\":true"));
		assert_true(user_of(place, USER_BY_ID, "a")->phone_exclusive);
		/* It may wait with another one. */
		sound(place, USER("\"id\":\"b\",\"phone\":\"" PHONE "\""));
		assert_int_equal(
		    import_text(place, USER("\"id\":\"b\",\"phoneVerified\":true"), &n),
		    IMPORT_MISTAKES);
		assert_non_null(strstr(place->told, "in:1: \"phone\" is verified already"));
		(void)snprintf(
		    both, sizeof(both), "%s%s",
		    USER("\"id\":\"c\",\"phone\":\"+447700900125\",\"phoneVerified\":true"),
		    USER("\"id\":\"d\",\"phone\":\"+447700900125\",\"phoneVerified\":true"));
		assert_int_equal(import_text(place, both, &n), IMPORT_MISTAKES);
		assert_non_null(strstr(place->told, "in:2: \"phone\" is verified already"));
		/* From one to the other at once. */
		sound(place, USER("\"id\":\"b\",\"phoneVerified\":true")
		                 USER("\"id\":\"a\",\"phone\":null"));
		assert_int_equal(user_of(place, USER_BY_ID, "b")->phone_verified_ms, NOW_MS);
		(void)place_remove(&made);
	}
}

/* ---- keys and systems ------------------------------------------------------------------------ */

static const struct key *key_of(struct place *place, const char *value)
{
	uint8_t hash[SHA256_LEN];
	assert_int_equal(secret_sha256(bytes_from_text(value), hash), OK);
	struct store_load load = {.want = WANT_KEY, .hash = hash};
	assert_int_equal(desk_load(&place->desk, &load), OK);
	return load.key;
}

static void a_key_is_kept_as_a_digest_and_revoked(void **state)
{
	struct place *place = *state;
	static const char value[] = "0123456789abcdef0123456789abcdef";
	/* The user stands behind it, and is named by his name. */
	sound(place, KEY(VALUE ",\"user\":\"ADA\",\"expiresAt\":\"2030-01-01T00:00:00Z\"")
	                 SHOP USER("\"id\":\"u\",\"userName\":\"ada\""));
	assert_int_equal(place->told_len, 0);
	assert_text(key_of(place, value)->user, "u");
	assert_int_equal(key_of(place, value)->expires_ms, INT64_C(1893456000000));
	sound(place, "{\"type\":\"key\"," VALUE ",\"revoked\":true}\n");
	const struct key *key = key_of(place, value);
	assert_true(key->revoked);
	assert_text(key->user, "u");
	assert_int_equal(key->expires_ms, INT64_C(1893456000000));
	sound(place, APP KEY(VALUE ",\"client\":\"app\",\"expiresAt\":null,\"revoked\":false"));
	key = key_of(place, value);
	assert_text(key->client, "app");
	assert_null(key->user.at);
	assert_true(!key->revoked && !key->expires_ms);
}

static void a_value_that_can_be_guessed_is_warned_of(void **state)
{
	struct place *place = *state;
	sound(place, SHOP APP KEY("\"value\":\"demo\",\"client\":\"app\""));
	assert_non_null(strstr(place->told, "in:3: warning: a value this short"));
	assert_non_null(key_of(place, "demo"));
}

static void a_systems_secret_is_sealed(void **state)
{
	struct place *place = *state;
	sound(place,
	      SHOP SYSTEM("\"id\":\"s\",\"secret\":\"open sesame\",\"signing\":\"required\""));
	sound(place, SYSTEM("\"id\":\"s\",\"allowPlainSecret\":true"));
	struct store_load load = {
	    .want = WANT_SYSTEM, .tenant = BYTES("shop"), .system_id = BYTES("s")};
	assert_int_equal(desk_load(&place->desk, &load), OK);
	const struct system *system = load.system;
	uint8_t plain[64];
	assert_int_equal(system->signing, SIGNING_REQUIRED);
	assert_true(system->allow_plain_secret);
	assert_null(memmem(system->sealed_secret.at, system->sealed_secret.len, "sesame", 6));
	assert_int_equal(seal_open(place->keyring, system->key_id, BYTES("shop"), BYTES("s"),
	                           system->sealed_secret, plain),
	                 OK);
	assert_memory_equal(plain, "open sesame", 11);
}

/* ---- export ---------------------------------------------------------------------------------- */

static char *export_text(struct place *place, const struct number *number)
{
	const struct walk_store from = {place->desk.store, run_until, &place->desk.executor};
	char *text = NULL;
	size_t len, n;
	FILE *out = open_memstream(&text, &len);
	assert_int_equal(export_run(&from, number, out, &n), OK);
	(void)fclose(out);
	size_t lines = 0;
	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	assert_int_equal(lines, n);
	return text;
}

#define ALL                                                                                        \
	"{\"type\":\"tenant\",\"id\":\"kii\",\"kii\":{\"appKey\":\"k\",\"clientId\":\"c\"}}\n"     \
	"{\"type\":\"tenant\",\"id\":\"shop\",\"name\":\"The \\\"shop\\\"\","                      \
	"\"settings\":{\"code\":{\"length\":8}}}\n"                                                \
	"{\"type\":\"client\",\"tenant\":\"shop\",\"name\":\"app\",\"scopes\":[\"otp.send\","      \
	"\"user.write\"],\"roles\":[\"A\"],\"permissions\":[],\"disabled\":true}\n"                \
	"{\"type\":\"user\",\"tenant\":\"kii\",\"id\":\"u\",\"uuid\":\"" UUID                      \
	"\",\"phone\":\"" PHONE "\",\"phoneVerified\":true}\n"                                     \
	"{\"type\":\"user\",\"tenant\":\"shop\",\"id\":\"u\",\"userName\":\"Ada\","                \
	"\"uuid\":\"" UUID "\",\"firstName\":\"A\",\"lastName\":\"B\",\"nickName\":\"C\","         \
	"\"displayName\":\"D\",\"email\":\"a@x.org\",\"textNumber\":\"1\",\"country\":\"GB\","     \
	"\"locale\":\"en\",\"roles\":[\"R\"],\"permissions\":[\"P\"],"                             \
	"\"passwordExpires\":\"soon\",\"latestInviteStatus\":\"S\",\"latestInviteDate\":\"T\","    \
	"\"latestInviteUUID\":\"U\",\"userRolloutStage\":\"V\",\"custom\":{\"a\":{\"b\":1}},"      \
	"\"phone\":\"+447700900124\",\"emailVerified\":true,\"forcePasswordChange\":true,"         \
	"\"disabled\":true,\"lastLoginTimestamp\":\"2026-01-02T03:04:05.678Z\"}\n"                 \
	"{\"type\":\"key\",\"tenant\":\"shop\",\"hash\":"                                          \
	"\"0000000000000000000000000000000000000000000000000000000000000001\","                    \
	"\"client\":\"app\",\"expiresAt\":\"2030-01-01T00:00:00.000Z\"}\n"                         \
	"{\"type\":\"key\",\"tenant\":\"shop\",\"hash\":"                                          \
	"\"0000000000000000000000000000000000000000000000000000000000000002\","                    \
	"\"user\":\"u\",\"revoked\":true}\n"                                                       \
	"{\"type\":\"system\",\"tenant\":\"shop\",\"id\":\"s\",\"signing\":\"off\","               \
	"\"allowPlainSecret\":true}\n"                                                             \
	"{\"type\":\"number\",\"tenant\":\"kii\",\"phone\":\"" PHONE "\",\"state\":\"dead\"}\n"    \
	"{\"type\":\"number\",\"tenant\":\"shop\",\"phone\":\"" PHONE                              \
	"\",\"state\":\"landline\"}\n"                                                             \
	"{\"type\":\"number\",\"tenant\":\"shop\",\"phone\":\"+447700900125\"}\n"

/* Every member of every record that is not secret. */
static void what_is_exported_is_what_was_imported(void **state)
{
	struct place *place = *state;
	sound(place, ALL);
	char *first = export_text(place, NULL);
	assert_string_equal(first, ALL);
	sound(place, first);
	char *second = export_text(place, NULL);
	assert_string_equal(second, ALL);
	free(first);
	free(second);
}

static void of_a_number_only_who_has_it_is_exported(void **state)
{
	struct place *place = *state;
	const struct number number = test_number("447700900123");
	sound(place, ALL);
	char *text = export_text(place, &number);
	assert_string_equal(text,
	                    "{\"type\":\"user\",\"tenant\":\"kii\",\"id\":\"u\",\"uuid\":\"" UUID
	                    "\",\"phone\":\"" PHONE "\",\"phoneVerified\":true}\n"
	                    "{\"type\":\"number\",\"tenant\":\"kii\",\"phone\":\"" PHONE
	                    "\",\"state\":\"dead\"}\n"
	                    "{\"type\":\"number\",\"tenant\":\"shop\",\"phone\":\"" PHONE
	                    "\",\"state\":\"landline\"}\n");
	free(text);
}

static void nothing_secret_is_exported(void **state)
{
	struct place *place = *state;
	sound(place,
	      "{\"type\":\"tenant\",\"id\":\"shop\",\"kii\":{\"appKey\":\"k\","
	      "\"clientSecret\":\"secret-1\"}}\n"
	      "{\"type\":\"client\",\"tenant\":\"shop\",\"name\":\"app\","
	      "\"secret\":\"secret-2\"}\n" USER("\"id\":\"u\",\"password\":\"secret-3\"")
	          KEY("\"value\":\"secret-4-0123456789abcdef\",\"user\":\"u\"") SYSTEM(
		      "\"id\":\"s\",\"secret\":\"secret-5\"") "{\"type\":\"number\",\"tenant\":"
	                                                      "\"shop\",\"phone\":\"" PHONE
	                                                      "\",\"code\":\"987654\"}\n");
	char *text = export_text(place, NULL);
	static const char *const secrets[] = {"secret-", "argon2", "987654", "code"};
	for (size_t i = 0; i < COUNT(secrets); i++)
		if (strstr(text, secrets[i]))
			fail_msg("%s", text);
	free(text);
}

#define MANY 600

/* More than two pages. */
static void pages_follow_one_another(void **state)
{
	struct place *place = *state;
	struct buf text;
	buf_init(&text, 0);
	buf_add_text(&text, SHOP);
	for (int i = 0; i < MANY; i++)
		buf_printf(&text, "{\"type\":\"client\",\"tenant\":\"shop\",\"name\":\"c%03d\"}\n",
		           i);
	buf_add_char(&text, '\0');
	sound(place, text.at);
	char *out = export_text(place, NULL);
	assert_string_equal(out, text.at);
	free(out);
	buf_done(&text);
}

#define PLACED(test) cmocka_unit_test_setup_teardown(test, place_make, place_remove)

int main(void)
{
	static struct cases cases;
	const struct CMUnitTest tests[] = {
	    PLACED(a_user_is_stored_whole),
	    PLACED(a_user_without_an_id_gets_one_and_keeps_it),
	    PLACED(what_is_not_given_is_kept_and_null_takes_back),
	    PLACED(a_phone_is_verified_by_itself),
	    PLACED(names_may_change_hands_in_one_input),
	    PLACED(a_verified_phone_may_be_of_one_user_alone),
	    PLACED(a_key_is_kept_as_a_digest_and_revoked),
	    PLACED(a_value_that_can_be_guessed_is_warned_of),
	    PLACED(a_systems_secret_is_sealed),
	    PLACED(what_is_exported_is_what_was_imported),
	    PLACED(of_a_number_only_who_has_it_is_exported),
	    PLACED(nothing_secret_is_exported),
	    PLACED(pages_follow_one_another),
	};
	CASES_ADD(&cases, tests);
	CASES_ADD_ROWS(&cases, "mistake", mistake_rows, a_mistake_is_told_and_nothing_stored);
	return cases_run("records", &cases);
}
