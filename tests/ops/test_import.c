/* SPDX-License-Identifier: Apache-2.0 */
/* Imports into the memory store: every mistake by its line, all of it or nothing, and what a
 * record that is there already keeps. */
#include "cases.h"
#include "support/desk.h"
#include "support/engine.h"

#include "base/buf.h"
#include "base/list.h"
#include "base/password.h"
#include "ops/import.h"
#include "store/memory.h"

#define NUMBER "447700900123"

/* A store, and the import's side of it. */
struct place {
	struct memory_store *memory;
	struct desk desk;
	struct keyring *keyring;
	struct settings_layers server;
	bool only_absent;
	char *mistakes; /* of the last run */
	size_t mistakes_len;
	size_t n; /* records of the last run */
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
	free(place->mistakes);
	free(place);
	return 0;
}

static void run_until(void *executor, const bool *done)
{
	test_executor_run_until(executor, done);
}

static enum import_result import_into(struct place *place, struct store *store, FILE *input)
{
	const struct import_options options = {
	    .store = store,
	    .keyring = place->keyring,
	    .server = &place->server,
	    .run_until = run_until,
	    .context = &place->desk.executor,
	    .only_absent = place->only_absent,
	};
	free(place->mistakes);
	FILE *mistakes = open_memstream(&place->mistakes, &place->mistakes_len);
	assert_true(input && mistakes);
	place->n = 0;
	enum import_result result = import_run(&options, input, "in.jsonl", mistakes, &place->n);
	(void)fclose(mistakes);
	(void)fclose(input);
	return result;
}

static FILE *input_of(struct bytes text)
{
	FILE *input = tmpfile();
	assert_non_null(input);
	assert_int_equal(fwrite(text.at, 1, text.len, input), text.len);
	rewind(input);
	return input;
}

static enum import_result import_bytes(struct place *place, struct bytes text)
{
	return import_into(place, place->desk.store, input_of(text));
}

static void import_sound(struct place *place, const char *text, size_t n)
{
	enum import_result result = import_bytes(place, bytes_from_text(text));
	if (result != IMPORT_DONE || place->mistakes_len)
		fail_msg("%s", place->mistakes);
	assert_int_equal(place->n, n);
}

static void import_refused(struct place *place, const char *text, const char *mistakes)
{
	struct store_counts before = desk_count(&place->desk);
	assert_int_equal(import_bytes(place, bytes_from_text(text)), IMPORT_MISTAKES);
	assert_string_equal(place->mistakes, mistakes);
	struct store_counts after = desk_count(&place->desk);
	assert_memory_equal(&before, &after, sizeof(before));
}

static const struct tenant *tenant_of(struct place *place, const char *id)
{
	struct store_load load = {.want = WANT_TENANT, .tenant = bytes_from_text(id)};
	assert_int_equal(desk_load(&place->desk, &load), OK);
	return load.tenant_record;
}

static const struct client *client_of(struct place *place, const char *name)
{
	struct store_load load = {.want = WANT_CLIENT, .client_name = bytes_from_text(name)};
	assert_int_equal(desk_load(&place->desk, &load), OK);
	return load.client;
}

static struct store_load number_of(struct place *place, const char *tenant)
{
	struct store_load load = {
	    .want = WANT_NUMBER, .tenant = bytes_from_text(tenant), .number = test_number(NUMBER)};
	assert_int_equal(desk_load(&place->desk, &load), OK);
	return load;
}

#define assert_text(bytes, text) assert_true(bytes_equal((bytes), bytes_from_text(text)))

#define DEMO "{\"type\":\"tenant\",\"id\":\"demo\",\"name\":\"Demo\"}\n"
#define CLIENT                                                                                     \
	"{\"type\":\"client\",\"tenant\":\"demo\",\"name\":\"shop\",\"secret\":\"s3cret\","        \
	"\"scopes\":[\"otp.send\",\"user.read\"],\"roles\":[\"A\"],\"permissions\":[\"B\",\"C\"]," \
	"\"disabled\":true}\n"

/* ---- mistakes -------------------------------------------------------------------------------- */

#define TENANT(members) "{\"type\":\"tenant\",\"id\":\"t\"," members "}"
#define SHOP(members) "{\"type\":\"client\",\"tenant\":\"demo\",\"name\":\"shop\"," members "}"
#define LINE(members)                                                                              \
	"{\"type\":\"number\",\"tenant\":\"demo\",\"phone\":\"+" NUMBER "\"," members "}"
#define NAME_WHY "\"name\" must be 1 to 200 octets, without a colon and without control characters"
#define SECRET_WHY "\"secret\" must be 1 to 1024 octets"
#define PHC_WHY                                                                                    \
	"\"secret\" looks like a PHC string but is none that can be read: "                        \
	"$argon2id$v=19$m=...,t=...,p=1$salt$hash"
#define ID_WHY "\"id\" must be 1 to 64 of A-Z a-z 0-9 . _ -"
#define TENANT_WHY "\"tenant\" must be 1 to 64 of A-Z a-z 0-9 . _ -"
#define CODE_WHY "\"code\" must be 4 to 10 printable ASCII characters"
#define TEN "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

/* One line, and what is told of it. */
static const struct mistake_row {
	const char *name, *line, *told;
} mistake_rows[] = {
    {"no JSON", "hello", "not a JSON object: "},
    {"an array", "[]", "not a JSON object: "},
    {"a text", "\"tenant\"", "not a JSON object: "},
    {"not closed", "{\"type\":\"tenant\"", "not a JSON object: "},
    {"two objects", "{\"type\":\"tenant\",\"id\":\"t\"} {}", "not a JSON object: "},
    {"a BOM", "\xef\xbb\xbf{\"type\":\"tenant\",\"id\":\"t\"}", "not a JSON object: "},
    {"not UTF-8", "{\"type\":\"tenant\",\"id\":\"t\",\"name\":\"\xff\"}", "not a JSON object: "},
    {"a trailing comma", "{\"type\":\"tenant\",\"id\":\"t\",}", "not a JSON object: "},
    {"too deep", TENANT("\"settings\":{\"a\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}"),
     "not a JSON object: "},
    {"no type", "{\"id\":\"t\"}", "\"type\" must be tenant, client, user, key, system or number\n"},
    {"a type that is none", "{\"type\":\"tenants\"}",
     "\"type\" must be tenant, client, user, key, system or number\n"},
    {"a type that is no text", "{\"type\":1}",
     "\"type\" must be tenant, client, user, key, system or number\n"},
    {"two types", "{\"type\":\"tenant\",\"id\":\"t\",\"type\":\"client\"}", ""},
    {"a member twice", TENANT("\"id\":\"t\""), ""},
    {"an unknown member", TENANT("\"colour\":1"), ""},
    {"an unknown member that steers", TENANT("\"\x7f\\u001b[2J\\n\xc2\x9b\":1"), ""},

    {"a tenant without an id", "{\"type\":\"tenant\"}", ID_WHY "\n"},
    {"an empty id", "{\"type\":\"tenant\",\"id\":\"\"}", ID_WHY "\n"},
    {"an id with a blank", "{\"type\":\"tenant\",\"id\":\"a b\"}", ID_WHY "\n"},
    {"an id not ASCII", "{\"type\":\"tenant\",\"id\":\"\xc3\xa9\"}", ID_WHY "\n"},
    {"an id with a NUL", "{\"type\":\"tenant\",\"id\":\"a\\u0000\"}", ID_WHY "\n"},
    {"an id of 65", "{\"type\":\"tenant\",\"id\":\"" TEN TEN TEN TEN TEN TEN "12345\"}",
     ID_WHY "\n"},
    {"an id that is a number", "{\"type\":\"tenant\",\"id\":1}", "\"id\" must be a text\n"},
    {"settings that are a text", TENANT("\"settings\":\"\""), "\"settings\" must be an object\n"},
    {"an unknown setting", TENANT("\"settings\":{\"code\":{\"size\":1}}"),
     "settings: code.size is not a setting\n"},
    {"a server's setting", TENANT("\"settings\":{\"retention\":\"1d\"}"),
     "settings: retention is not a setting of a tenant\n"},
    {"a setting out of range", TENANT("\"settings\":{\"code\":{\"length\":99}}"),
     "settings: code.length must be a whole number from 4 to 10\n"},
    {"a setting that stands twice", TENANT("\"settings\":{\"code\":{\"length\":5,\"length\":6}}"),
     "settings: code.length stands twice\n"},
    {"looser limits",
     TENANT("\"settings\":{\"limits\":{\"consecutive_failures\":100,"
            "\"sends_per_number\":[\"4/10m\",\"5/1h\",\"10/24h\"]}}"),
     "settings: limits.sends_per_number is looser than the server's; a tenant's limits may only "
     "be stricter\n"},
    {"looser limits of an API",
     TENANT("\"settings\":{\"dotdigital\":{\"limits\":{\"enabled\":false}}}"),
     "settings: limits.enabled is looser than the server's; a tenant's limits may only be "
     "stricter\n"},

    {"a client without a name", "{\"type\":\"client\",\"tenant\":\"demo\"}", NAME_WHY "\n"},
    {"an empty name", "{\"type\":\"client\",\"tenant\":\"demo\",\"name\":\"\"}", NAME_WHY "\n"},
    {"a name with a colon", "{\"type\":\"client\",\"tenant\":\"demo\",\"name\":\"a:b\"}",
     NAME_WHY "\n"},
    {"a name with a newline", "{\"type\":\"client\",\"tenant\":\"demo\",\"name\":\"a\\nb\"}",
     NAME_WHY "\n"},
    {"a name of 201", "{\"type\":\"client\",\"tenant\":\"demo\",\"name\":\"" HUNDRED HUNDRED "1\"}",
     NAME_WHY "\n"},
    {"a new client without a tenant", "{\"type\":\"client\",\"name\":\"shop\"}",
     "a new client needs a tenant\n"},
    {"a tenant nobody knows", "{\"type\":\"client\",\"tenant\":\"demi\",\"name\":\"shop\"}",
     "tenant \"demi\" is not known; import it first, or before\n"},
    {"a tenant in another case", "{\"type\":\"client\",\"tenant\":\"Demo\",\"name\":\"shop\"}",
     "tenant \"Demo\" is not known; import it first, or before\n"},
    {"a tenant with a NUL behind its name",
     "{\"type\":\"client\",\"tenant\":\"demo\\u0000x\",\"name\":\"shop\"}", TENANT_WHY "\n"},
    {"a tenant of no name", "{\"type\":\"client\",\"tenant\":\"\",\"name\":\"shop\"}",
     TENANT_WHY "\n"},
    {"an empty secret", SHOP("\"secret\":\"\""), SECRET_WHY "\n"},
    {"a secret that is a number", SHOP("\"secret\":1234"), "\"secret\" must be a text\n"},
    {"a PHC string cut", SHOP("\"secret\":\"$argon2id$v=19$m=19456,t=2,p=1$c2FsdA\""),
     PHC_WHY "\n"},
    {"a PHC string of argon2i",
     SHOP("\"secret\":\"$argon2i$v=19$m=19456,t=2,p=1$u2K1zq7Yx0cM9hVdR3sTfw$"
          "3v0m6Jp2nXb8QkLr5tYwZc1aGhEiUoSdFgHjKlMnOpQ\""),
     PHC_WHY "\n"},
    {"a PHC string that costs too much",
     SHOP("\"secret\":\"$argon2id$v=19$m=1048576,t=2,p=1$u2K1zq7Yx0cM9hVdR3sTfw$"
          "3v0m6Jp2nXb8QkLr5tYwZc1aGhEiUoSdFgHjKlMnOpQ\""),
     PHC_WHY "\n"},
    {"a scope nobody knows", SHOP("\"scopes\":[\"otp.send\",\"otp\"]"),
     "scope \"otp\" is not known; there are otp.send, otp.verify, user.read, user.write\n"},
    {"a scope that steers", SHOP("\"scopes\":[\"\\u001b[2J\\nin.jsonl:9: fine\\u202e\"]"),
     "scope \"\\x1b[2J\\x0ain.jsonl:9: fine\\xe2\\x80\\xae\" is not known; there are otp.send, "
     "otp.verify, user.read, user.write\n"},
    {"scopes that are a text", SHOP("\"scopes\":\"otp.send\""),
     "\"scopes\" must be a list of texts\n"},
    {"roles that are a text", SHOP("\"roles\":\"A\""), "\"roles\" must be a list of texts\n"},
    {"permissions with a number", SHOP("\"permissions\":[\"A\",1]"),
     "\"permissions\" must be a list of texts\n"},
    {"roles within roles", SHOP("\"roles\":[[\"A\"]]"), "\"roles\" must be a list of texts\n"},
    {"disabled that is a text", SHOP("\"disabled\":\"true\""),
     "\"disabled\" must be true or false\n"},

    {"a number without a tenant", "{\"type\":\"number\",\"phone\":\"+" NUMBER "\"}",
     "a number needs a tenant\n"},
    {"a number of a tenant nobody knows",
     "{\"type\":\"number\",\"tenant\":\"demi\",\"phone\":\"+" NUMBER "\"}",
     "tenant \"demi\" is not known; import it first, or before\n"},
    {"a number of a tenant of no name",
     "{\"type\":\"number\",\"tenant\":\"\",\"phone\":\"+" NUMBER "\"}", TENANT_WHY "\n"},
    {"no phone", "{\"type\":\"number\",\"tenant\":\"demo\"}",
     "\"phone\" is not an international number: "},
    {"a local phone", "{\"type\":\"number\",\"tenant\":\"demo\",\"phone\":\"07700900123\"}",
     "\"phone\" is not an international number: "},
    {"a state that is none", LINE("\"state\":\"alive\""), "\"state\" must be dead or landline\n"},
    {"a code of three", LINE("\"code\":\"123\""), CODE_WHY "\n"},
    {"a code of eleven", LINE("\"code\":\"12345678901\""), CODE_WHY "\n"},
    {"a code with a blank", LINE("\"code\":\"12 34\""), CODE_WHY "\n"},
    {"a code not ASCII", LINE("\"code\":\"12\xc3\xa9\""), CODE_WHY "\n"},
    {"a code that is an integer", LINE("\"code\":123456"), "\"code\" must be a text\n"},
    {"failures that are none to reset", LINE("\"failures\":1"),
     "\"failures\" can only be reset: 0\n"},
    {"failures below zero", LINE("\"failures\":-1"), "\"failures\" can only be reset: 0\n"},
    {"failures that are a text", LINE("\"failures\":\"0\""), "\"failures\" must be an integer\n"},
};

/* The mistake stands in the third line; what is sound around it is not stored either. */
static void a_mistake_is_told_by_its_line(void **state)
{
	const struct mistake_row *row = ROW_OF(state, struct mistake_row);
	void *made;
	char text[2048], told[512];
	assert_int_equal(place_make(&made), 0);
	struct place *place = made;
	(void)snprintf(text, sizeof(text), DEMO "\n%s\n{\"type\":\"tenant\",\"id\":\"other\"}\n",
	               row->line);
	(void)snprintf(told, sizeof(told), "in.jsonl:3: %s", row->told);
	assert_int_equal(import_bytes(place, bytes_from_text(text)), IMPORT_MISTAKES);
	if (strncmp(place->mistakes, told, strlen(told)) != 0)
		fail_msg("%s", place->mistakes);
	/* One line, and nothing in it that a terminal obeys. */
	assert_ptr_equal(strchr(place->mistakes, '\n'), place->mistakes + place->mistakes_len - 1);
	for (size_t i = 0; i + 1 < place->mistakes_len; i++)
		assert_true(place->mistakes[i] >= ' ' && place->mistakes[i] != 0x7F);
	assert_null(strstr(place->mistakes, "\xc2\x9b"));
	assert_null(tenant_of(place, "demo"));
	assert_null(tenant_of(place, "other"));
	assert_int_equal(desk_count(&place->desk).clients, 0);
	(void)place_remove(&made);
}

static void every_mistake_of_an_input_is_told(void **state)
{
	import_refused(*state,
	               "{\"type\":\"tenant\",\"id\":\"a b\"}\n"
	               "{\"type\":\"number\",\"tenant\":\"t\",\"phone\":\"12\",\"code\":\"1\","
	               "\"state\":\"x\",\"failures\":7}\n"
	               "{\"type\":\"number\",\"tenant\":\"t\",\"phone\":\"12\"}\n"
	               "{\"type\":\"client\",\"name\":\"shop\",\"secret\":\"\","
	               "\"scopes\":[\"x\"],\"roles\":1}\n",
	               "in.jsonl:1: " ID_WHY "\n"
	               "in.jsonl:2: \"phone\" is not an international number: too short\n"
	               "in.jsonl:2: " CODE_WHY "\n"
	               "in.jsonl:2: \"failures\" can only be reset: 0\n"
	               "in.jsonl:2: \"state\" must be dead or landline\n"
	               "in.jsonl:3: \"phone\" is not an international number: too short\n"
	               "in.jsonl:4: \"roles\" must be a list of texts\n"
	               "in.jsonl:4: " SECRET_WHY "\n"
	               "in.jsonl:4: scope \"x\" is not known; there are otp.send, otp.verify, "
	               "user.read, user.write\n"
	               "in.jsonl:4: a new client needs a tenant\n");
}

static void one_identity_stands_once(void **state)
{
	struct place *place = *state;
	import_refused(place, DEMO DEMO, "in.jsonl:2: tenant demo stands twice in this input\n");
	import_refused(place, DEMO CLIENT "\n" CLIENT,
	               "in.jsonl:4: client shop stands twice in this input\n");
	import_refused(place, DEMO LINE("\"state\":\"dead\"") "\n" LINE("\"failures\":0") "\n",
	               "in.jsonl:3: number demo " NUMBER " stands twice in this input\n");
	/* One number of two tenants, and names that only look alike, are two. */
	import_sound(place,
	             DEMO "{\"type\":\"tenant\",\"id\":\"Demo\"}\n" LINE(
			 "\"state\":\"dead\"") "\n"
	                                       "{\"type\":\"number\",\"tenant\":\"Demo\",\"phone\":"
	                                       "\"+" NUMBER "\"}\n",
	             4);
}

static void a_hundred_mistakes_are_told(void **state)
{
	struct place *place = *state;
	struct buf text;
	buf_init(&text, 0);
	for (int i = 0; i < IMPORT_MISTAKES_MAX; i++)
		buf_add_text(&text, "{}\n");
	assert_int_equal(import_bytes(place, buf_bytes(&text)), IMPORT_MISTAKES);
	assert_null(strstr(place->mistakes, "more"));
	buf_add_text(&text, "{}\n{}\n");
	assert_int_equal(import_bytes(place, buf_bytes(&text)), IMPORT_MISTAKES);
	const char *last = strstr(place->mistakes, "in.jsonl: ");
	assert_non_null(last);
	assert_string_equal(last, "in.jsonl: and 2 more mistakes\n");
	assert_non_null(strstr(place->mistakes, "in.jsonl:100: "));
	assert_null(strstr(place->mistakes, "in.jsonl:101: "));
	buf_done(&text);
}

/* ---- lines ----------------------------------------------------------------------------------- */

static const struct line_row {
	const char *name, *text;
	size_t n;
} line_rows[] = {
    {"nothing", "", 0},
    {"only ends of lines", "\n\r\n\n  \r\n\t\n \t \n", 0},
    {"no end at the end", "{\"type\":\"tenant\",\"id\":\"demo\"}", 1},
    {"CR LF", "{\"type\":\"tenant\",\"id\":\"demo\"}\r\n{\"type\":\"tenant\",\"id\":\"b\"}\r\n", 2},
    {"blanks around", " \t{\"type\":\"tenant\",\"id\":\"demo\"} \t \r\n", 1},
    {"lines between", "\n\n{\"type\":\"tenant\",\"id\":\"demo\"}\n\n\n", 1},
    {"a reference ahead", CLIENT DEMO, 2},
    {"null is as if not there",
     "{\"type\":\"tenant\",\"id\":\"demo\",\"name\":null,\"settings\":null}\n", 1},
};

static void lines_are_read(void **state)
{
	const struct line_row *row = ROW_OF(state, struct line_row);
	void *made;
	assert_int_equal(place_make(&made), 0);
	struct place *place = made;
	import_sound(place, row->text, row->n);
	assert_int_equal(tenant_of(place, "demo") != NULL, row->n != 0);
	(void)place_remove(&made);
}

/* One line of exactly `len` octets, without its end. */
static void long_line_add(struct buf *text, const char *id, size_t len)
{
	size_t begin = text->len;
	buf_printf(text, "{\"type\":\"tenant\",\"id\":\"%s\"", id);
	while (text->len - begin < len - 1)
		buf_add_char(text, ' ');
	buf_add_char(text, '}');
}

static void a_line_may_be_a_mebibyte_long(void **state)
{
	struct place *place = *state;
	struct buf text;
	buf_init(&text, 0);
	long_line_add(&text, "demo", IMPORT_LINE_MAX);
	buf_add_char(&text, '\n');
	long_line_add(&text, "last", IMPORT_LINE_MAX);
	assert_int_equal(import_bytes(place, buf_bytes(&text)), IMPORT_DONE);
	assert_int_equal(place->n, 2);
	buf_clear(&text);
	long_line_add(&text, "a", IMPORT_LINE_MAX + 1);
	buf_add_text(&text, "\n{}\n");
	long_line_add(&text, "b", 3 * IMPORT_LINE_MAX);
	assert_int_equal(import_bytes(place, buf_bytes(&text)), IMPORT_MISTAKES);
	assert_string_equal(
	    place->mistakes,
	    "in.jsonl:1: the line is longer than 1048576 octets\n"
	    "in.jsonl:2: \"type\" must be tenant, client, user, key, system or number\n"
	    "in.jsonl:3: the line is longer than 1048576 octets\n");
	buf_done(&text);
}

/* ---- records --------------------------------------------------------------------------------- */

static void a_client_is_stored_whole(void **state)
{
	struct place *place = *state;
	import_sound(place, DEMO CLIENT, 2);
	assert_text(tenant_of(place, "demo")->name, "Demo");
	const struct client *client = client_of(place, "shop");
	assert_text(client->tenant, "demo");
	assert_int_equal(client->scopes, SCOPE_OTP_SEND | SCOPE_USER_READ);
	assert_text(client->roles, "[\"A\"]");
	assert_text(client->permissions, "[\"B\",\"C\"]");
	assert_true(client->disabled);
	assert_true(password_is_hash(client->secret_hash));
	assert_true(password_matches(client->secret_hash, BYTES("s3cret")));
	assert_false(password_matches(client->secret_hash, BYTES("s3cre")));
}

static void manage_names_the_same_scopes(void **state)
{
	struct place *place = *state;
	import_sound(place,
	             DEMO SHOP("\"scopes\":[\"manage.otp.send\",\"manage.otp.verify\","
	                       "\"manage.user.read\",\"user.write\",\"user.write\"]"),
	             2);
	assert_int_equal(client_of(place, "shop")->scopes,
	                 SCOPE_OTP_SEND | SCOPE_OTP_VERIFY | SCOPE_USER_READ | SCOPE_USER_WRITE);
}

static void a_hash_is_kept_as_it_is(void **state)
{
	struct place *place = *state;
	char hash[PASSWORD_HASH_MAX], text[512];
	assert_int_equal(password_hash(BYTES("pass word"), hash), OK);
	(void)snprintf(text, sizeof(text), DEMO SHOP("\"secret\":\"%s\""), hash);
	import_sound(place, text, 2);
	assert_text(client_of(place, "shop")->secret_hash, hash);
}

static void what_is_not_given_is_kept(void **state)
{
	struct place *place = *state;
	import_sound(place,
	             "{\"type\":\"tenant\",\"id\":\"demo\",\"name\":\"Demo\","
	             "\"settings\":{\"code\":{\"length\":8}}}\n" CLIENT,
	             2);
	char hash[PASSWORD_HASH_MAX];
	struct bytes kept = client_of(place, "shop")->secret_hash;
	(void)snprintf(hash, sizeof(hash), "%.*s", (int)kept.len, kept.at);
	import_sound(place, "{\"type\":\"tenant\",\"id\":\"demo\"}\n", 1);
	assert_text(tenant_of(place, "demo")->name, "Demo");
	assert_text(tenant_of(place, "demo")->settings, "{\"code\":{\"length\":8}}");
	import_sound(place, "{\"type\":\"client\",\"name\":\"shop\"}\n", 1);
	const struct client *client = client_of(place, "shop");
	assert_text(client->tenant, "demo");
	assert_text(client->secret_hash, hash);
	assert_int_equal(client->scopes, SCOPE_OTP_SEND | SCOPE_USER_READ);
	assert_text(client->roles, "[\"A\"]");
	assert_text(client->permissions, "[\"B\",\"C\"]");
	assert_true(client->disabled);
}

static void what_is_given_replaces(void **state)
{
	struct place *place = *state;
	import_sound(place,
	             "{\"type\":\"tenant\",\"id\":\"demo\",\"name\":\"Demo\","
	             "\"settings\":{\"code\":{\"length\":8}}}\n" CLIENT,
	             2);
	import_sound(place,
	             "{\"type\":\"tenant\",\"id\":\"demo\",\"name\":\"\",\"settings\":{}}\n"
	             "{\"type\":\"tenant\",\"id\":\"two\"}\n"
	             "{\"type\":\"client\",\"name\":\"shop\",\"tenant\":\"two\",\"secret\":\"new\","
	             "\"scopes\":[],\"roles\":[],\"permissions\":[],\"disabled\":false}\n",
	             3);
	assert_text(tenant_of(place, "demo")->name, "");
	assert_text(tenant_of(place, "demo")->settings, "{}");
	const struct client *client = client_of(place, "shop");
	assert_text(client->tenant, "two");
	assert_true(password_matches(client->secret_hash, BYTES("new")));
	assert_int_equal(client->scopes, 0);
	assert_text(client->roles, "[]");
	assert_text(client->permissions, "[]");
	assert_false(client->disabled);
}

static void a_reference_may_be_in_the_store(void **state)
{
	struct place *place = *state;
	import_refused(place, CLIENT,
	               "in.jsonl:1: tenant \"demo\" is not known; import it first, or before\n");
	import_sound(place, DEMO, 1);
	import_sound(place, CLIENT, 1);
	import_sound(place, LINE("\"state\":\"dead\""), 1);
}

static void what_is_there_is_left_alone(void **state)
{
	struct place *place = *state;
	import_sound(place, DEMO CLIENT LINE("\"state\":\"dead\"") "\n", 3);
	place->only_absent = true;
	import_sound(
	    place,
	    "{\"type\":\"tenant\",\"id\":\"demo\",\"name\":\"Other\"}\n"
	    "{\"type\":\"tenant\",\"id\":\"new\",\"name\":\"New\"}\n" SHOP(
		"\"secret\":\"other\",\"disabled\":false") "\n" LINE("\"state\":\"landline\","
	                                                             "\"failures\":0") "\n",
	    1);
	assert_text(tenant_of(place, "demo")->name, "Demo");
	assert_text(tenant_of(place, "new")->name, "New");
	assert_true(client_of(place, "shop")->disabled);
	assert_true(password_matches(client_of(place, "shop")->secret_hash, BYTES("s3cret")));
	assert_int_equal(number_of(place, "demo").line->state, LINE_DEAD);
	import_sound(place, DEMO, 0);
}

static void limits_are_held_against_the_servers(void **state)
{
	struct place *place = *state;
	struct settings_mistake mistake;
	static const char text[] =
	    TENANT("\"settings\":{\"dotdigital\":{\"limits\":{\"consecutive_failures\":60}}}");
	import_sound(place, text, 1);
	assert_true(settings_set(&place->server.of_api[API_DOTDIGITAL],
	                         BYTES("limits.consecutive_failures"), BYTES("50"), &mistake));
	import_refused(place, text,
	               "in.jsonl:1: settings: limits.consecutive_failures is looser than the "
	               "server's; a tenant's limits may only be stricter\n");
	assert_true(
	    settings_set(&place->server.all, BYTES("limits.enabled"), BYTES("false"), &mistake));
	import_sound(place, text, 1);
}

/* ---- numbers --------------------------------------------------------------------------------- */

static void a_numbers_state_and_code_are_kept_apart(void **state)
{
	struct place *place = *state;
	import_sound(place, DEMO LINE("\"state\":\"landline\""), 2);
	assert_int_equal(number_of(place, "demo").line->state, LINE_LANDLINE);
	assert_false(number_of(place, "demo").line->chosen);
	import_sound(place, LINE("\"code\":\"0123\""), 1);
	assert_int_equal(number_of(place, "demo").line->state, LINE_LANDLINE);
	assert_true(number_of(place, "demo").line->chosen);
	struct line with_code = *number_of(place, "demo").line;
	import_sound(place, LINE("\"state\":\"dead\""), 1);
	const struct line *line = number_of(place, "demo").line;
	assert_int_equal(line->state, LINE_DEAD);
	assert_true(line->chosen);
	assert_int_equal(line->chosen_length, 4);
	assert_true(bytes_equal(line->chosen_key_id, with_code.chosen_key_id));
	assert_memory_equal(line->chosen_mac, with_code.chosen_mac, SHA256_LEN);
}

static bool fixed_code_is(struct place *place, const char *guess)
{
	const struct line *line = number_of(place, "demo").line;
	struct verification v = {
	    .tenant = BYTES("demo"),
	    .number = line->number,
	    .key_id = line->chosen_key_id,
	    .chosen = true,
	};
	bool matches;
	memcpy(v.chosen_mac, line->chosen_mac, SHA256_LEN);
	assert_int_equal(code_matches(place->keyring, &v, bytes_from_text(guess), &matches), OK);
	return matches;
}

static void a_fixed_code_is_kept_as_a_mac(void **state)
{
	struct place *place = *state;
	static const char *const codes[] = {"1234", "0123456789", "a~!/"};
	import_sound(place, DEMO, 1);
	for (size_t i = 0; i < COUNT(codes); i++) {
		char text[256];
		(void)snprintf(text, sizeof(text), LINE("\"code\":\"%s\""), codes[i]);
		import_sound(place, text, 1);
		const struct line *line = number_of(place, "demo").line;
		assert_int_equal(line->chosen_length, strlen(codes[i]));
		assert_text(line->chosen_key_id, "k2");
		assert_true(fixed_code_is(place, codes[i]));
		assert_false(fixed_code_is(place, "1235"));
		assert_false(fixed_code_is(place, ""));
		assert_null(memmem(line->chosen_mac, SHA256_LEN, codes[i], strlen(codes[i])));
	}
	/* The engine goes by it: the code of a send is the fixed one. */
	void *made;
	assert_int_equal(bench_setup(&made), 0);
	struct bench *bench = made;
	bench->line = *number_of(place, "demo").line;
	bench->has_line = true;
	assert_outcome(bench_send_ok(bench), OUTCOME_SENT);
	assert_outcome(bench_check_ok(bench, "1234"), OUTCOME_WRONG);
	assert_outcome(bench_check_ok(bench, "a~!/"), OUTCOME_APPROVED);
	(void)bench_teardown(&made);
}

static void failures_are_reset(void **state)
{
	struct place *place = *state;
	const struct failures spent[] = {
	    {.tenant = BYTES("demo"), .number = test_number(NUMBER), .count = 100, .last_ms = 1},
	    {.tenant = BYTES("two"), .number = test_number(NUMBER), .count = 100, .last_ms = 1},
	};
	import_sound(place,
	             DEMO "{\"type\":\"tenant\",\"id\":\"two\"}\n" LINE("\"state\":\"dead\""), 3);
	for (size_t i = 0; i < COUNT(spent); i++)
		assert_int_equal(desk_change(&place->desk, CHANGE_FAILURES, &spent[i]), OK);
	import_sound(place, LINE("\"code\":\"1234\""), 1);
	assert_int_equal(number_of(place, "demo").failures->count, 100);
	import_sound(place, LINE("\"failures\":0"), 1);
	assert_null(number_of(place, "demo").failures);
	assert_int_equal(number_of(place, "two").failures->count, 100);
	assert_int_equal(number_of(place, "demo").line->state, LINE_DEAD);
	/* There may be none. */
	import_sound(place, LINE("\"failures\":0"), 1);
}

static void a_running_server_can_see_it(void **state)
{
	struct place *place = *state;
	static const char *const texts[] = {DEMO, CLIENT, LINE("\"state\":\"dead\"")};
	uint64_t before, after;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct store *store = place->desk.store;
		assert_int_equal(store->ops->generation(store, &before), OK);
		import_sound(place, texts[i], 1);
		assert_int_equal(store->ops->generation(store, &after), OK);
		assert_int_not_equal(before, after);
	}
}

/* ---- faults ---------------------------------------------------------------------------------- */

/* A store before another, whose calls fail as told. */
struct faulty {
	struct store store;
	struct store *inner;
	enum err load_err, commit_err;
};

static void load_or_fail(struct store *store, struct store_load *load)
{
	struct faulty *faulty = CONTAINER_OF(store, struct faulty, store);
	if (!faulty->load_err) {
		store_load(faulty->inner, load);
		return;
	}
	load->err = faulty->load_err;
	load->on_done(load);
}

static void commit_or_fail(struct store *store, struct store_commit *commit)
{
	struct faulty *faulty = CONTAINER_OF(store, struct faulty, store);
	commit->err = faulty->commit_err;
	commit->on_done(commit);
}

static void a_fault_is_told(void **state)
{
	struct place *place = *state;
	static const struct store_ops ops = {.load = load_or_fail, .commit = commit_or_fail};
	static const struct {
		const char *name;
		enum err load_err, commit_err;
		const char *told;
	} rows[] = {
	    {"looking up", ERR_STORE, OK,
	     "in.jsonl: looking up: the store failed; nothing was stored\n"},
	    {"storing", OK, ERR_STORE, "in.jsonl: storing: the store failed; nothing was stored\n"},
	    {"a doubtful commit", OK, ERR_UNKNOWN,
	     "in.jsonl: storing: the write may or may not have happened; import it once more\n"},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct faulty faulty = {
		    {&ops}, place->desk.store, rows[i].load_err, rows[i].commit_err};
		enum import_result result =
		    import_into(place, &faulty.store, input_of(BYTES(DEMO)));
		assert_row(rows[i].name, result == IMPORT_FAILED);
		assert_string_equal(place->mistakes, rows[i].told);
	}
	assert_int_equal(import_into(place, place->desk.store, fopen("/tmp", "r")), IMPORT_FAILED);
	assert_string_equal(place->mistakes,
	                    "in.jsonl: reading: input or output failed; nothing was stored\n");
}

#define PLACED(test) cmocka_unit_test_setup_teardown(test, place_make, place_remove)

int main(void)
{
	static struct cases cases;
	const struct CMUnitTest tests[] = {
	    PLACED(every_mistake_of_an_input_is_told),
	    PLACED(one_identity_stands_once),
	    PLACED(a_hundred_mistakes_are_told),
	    PLACED(a_line_may_be_a_mebibyte_long),
	    PLACED(a_client_is_stored_whole),
	    PLACED(manage_names_the_same_scopes),
	    PLACED(a_hash_is_kept_as_it_is),
	    PLACED(what_is_not_given_is_kept),
	    PLACED(what_is_given_replaces),
	    PLACED(a_reference_may_be_in_the_store),
	    PLACED(what_is_there_is_left_alone),
	    PLACED(limits_are_held_against_the_servers),
	    PLACED(a_numbers_state_and_code_are_kept_apart),
	    PLACED(a_fixed_code_is_kept_as_a_mac),
	    PLACED(failures_are_reset),
	    PLACED(a_running_server_can_see_it),
	    PLACED(a_fault_is_told),
	};
	CASES_ADD(&cases, tests);
	CASES_ADD_ROWS(&cases, "mistake", mistake_rows, a_mistake_is_told_by_its_line);
	CASES_ADD_ROWS(&cases, "lines", line_rows, lines_are_read);
	return cases_run("import", &cases);
}
