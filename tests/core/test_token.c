/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens: what was made is read, nothing else is, whoever made it up, for whatever purpose. */
#include "core/token.h"

#include "support/engine.h"

#define T TEST_START_MS

static struct keyring *keyring;
static uint8_t room[TOKEN_OCTETS_MAX]; /* what a token that was read points into */

static int token_setup(void **state)
{
	(void)state;
	keyring = test_keyring();
	return 0;
}

static int token_teardown(void **state)
{
	(void)state;
	keyring_free(keyring);
	return 0;
}

static const struct token ada = {
    .kind = TOKEN_USER,
    .tenant = BYTES("demo"),
    .user = BYTES("5b0c2a52-7d0c-4d0e-8a39-1f2f3a4b5c6d"),
    .epoch = 7,
    .issued_ms = T,
    .expires_ms = T + HOURS_MS,
};

static struct bytes make(struct keyring *with, const struct token *token)
{
	static char texts[4][TOKEN_TEXT_MAX + 1];
	static unsigned next;
	char *text = texts[next++ % COUNT(texts)];
	assert_int_equal(token_make(with, token, text), OK);
	return bytes_from_text(text);
}

static enum err read(struct bytes text)
{
	struct token token;
	return token_read(keyring, text, TOKEN_USER, BYTES("demo"), T, room, &token);
}

/* ---- what was made --------------------------------------------------------------------------- */

static void assert_same_token(const struct token *a, const struct token *b)
{
	assert_int_equal(a->kind, b->kind);
	assert_true(bytes_equal(a->tenant, b->tenant));
	assert_true(bytes_equal(a->user, b->user));
	assert_int_equal(a->epoch, b->epoch);
	assert_int_equal(a->issued_ms, b->issued_ms);
	assert_int_equal(a->expires_ms, b->expires_ms);
}

#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X255 X50 X50 X50 X50 X50 "xxxxx"

static const struct token made_rows[] = {
    {TOKEN_USER, BYTES("demo"), BYTES("ada"), 0, 0, T + 1},
    {TOKEN_ADMIN, BYTES("demo"), BYTES(""), 0, T, INT64_MAX},
    {TOKEN_REFRESH, BYTES("a"), BYTES("b"), UINT32_MAX, INT64_MAX, T + 1},
    {TOKEN_USER, BYTES(X255), BYTES(X255), UINT32_MAX, INT64_MAX, INT64_MAX},
    {TOKEN_USER, BYTES("demo"), BYTES("\x00\xFF\x80"), 1, -1, T + 1},
};

static void what_was_made_is_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(made_rows); i++) {
		const struct token *made = &made_rows[i];
		struct bytes text = make(keyring, made);
		struct token token;
		assert_true(text.len <= TOKEN_TEXT_MAX);
		for (size_t c = 0; c < text.len; c++)
			assert_non_null(memchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxy"
			                       "z0123456789-_",
			                       text.at[c], 64));
		assert_int_equal(
		    token_read(keyring, text, made->kind, made->tenant, T, room, &token), OK);
		assert_same_token(&token, made);
		assert_int_equal(token_read(keyring, text, made->kind, BYTES_NONE, T, room, &token),
		                 OK);
		assert_same_token(&token, made);
	}
}

/* The longest there can be is as long as the limit says: a key id of 64, texts of 255. */
static void the_longest_token_fits_its_limit(void **state)
{
	(void)state;
	struct secret_key key = {.id = bytes_first(BYTES(X255), KEY_ID_MAX)};
	struct keyring *ring = keyring_new(&key, 1);
	assert_non_null(ring);
	struct bytes text = make(ring, &made_rows[3]);
	assert_in_range(text.len, TOKEN_TEXT_MAX - BASE64URL_LEN(255 - KEY_ID_MAX) - 1,
	                TOKEN_TEXT_MAX);
	struct token token;
	assert_int_equal(token_read(ring, text, TOKEN_USER, BYTES(X255), T, room, &token), OK);
	keyring_free(ring);
	char long_text[TOKEN_TEXT_MAX + 1];
	memset(long_text, 'A', sizeof(long_text));
	assert_int_equal(read(bytes_of(long_text, sizeof(long_text))), ERR_MALFORMED);
	assert_int_equal(read(bytes_of(long_text, sizeof(long_text) - 1)), ERR_MALFORMED);
}

static void it_ends_when_it_says(void **state)
{
	(void)state;
	struct bytes text = make(keyring, &ada);
	struct token token;
	assert_int_equal(
	    token_read(keyring, text, TOKEN_USER, BYTES("demo"), ada.expires_ms - 1, room, &token),
	    OK);
	assert_int_equal(
	    token_read(keyring, text, TOKEN_USER, BYTES("demo"), ada.expires_ms, room, &token),
	    ERR_MALFORMED);
}

static void a_newer_key_writes_and_the_older_still_reads(void **state)
{
	(void)state;
	const struct secret_key old = {BYTES("k1"), {1, 1, 2, 3, 5, 8}};
	struct keyring *before = keyring_new(&old, 1);
	struct keyring *without = test_keyring_other();
	assert_non_null(before);
	struct bytes text = make(before, &ada);
	struct token token;
	assert_int_equal(read(text), OK);
	/* One made by the newer key means nothing to who has only the older. */
	assert_int_equal(
	    token_read(before, make(keyring, &ada), TOKEN_USER, BYTES("demo"), T, room, &token),
	    ERR_MALFORMED);
	assert_int_equal(token_read(without, text, TOKEN_USER, BYTES("demo"), T, room, &token),
	                 ERR_MALFORMED);
	keyring_free(before);
	keyring_free(without);
}

/* ---- what is refused ------------------------------------------------------------------------- */

static void another_kind_or_tenant_is_refused(void **state)
{
	(void)state;
	for (enum token_kind made = TOKEN_USER; made <= TOKEN_REFRESH; made++)
		for (enum token_kind wanted = TOKEN_USER; wanted <= TOKEN_REFRESH; wanted++) {
			struct token token = ada, ret;
			token.kind = made;
			struct bytes text = make(keyring, &token);
			assert_int_equal(
			    token_read(keyring, text, wanted, BYTES("demo"), T, room, &ret),
			    made == wanted ? OK : ERR_MALFORMED);
			assert_int_equal(
			    token_read(keyring, text, wanted, BYTES("dem"), T, room, &ret),
			    ERR_MALFORMED);
			assert_int_equal(
			    token_read(keyring, text, wanted, BYTES(""), T, room, &ret),
			    ERR_MALFORMED);
		}
}

/* Every bit of it counts. */
static void each_bit_changed_is_refused(void **state)
{
	(void)state;
	struct bytes text = make(keyring, &ada);
	uint8_t octets[TOKEN_OCTETS_MAX];
	char changed[TOKEN_TEXT_MAX];
	size_t len;
	assert_int_equal(base64url_decode(text, octets, &len), OK);
	for (size_t bit = 0; bit < len * 8; bit++) {
		octets[bit / 8] ^= (uint8_t)(1 << bit % 8);
		base64url_encode(bytes_of(octets, len), changed);
		assert_int_equal(read(bytes_of(changed, text.len)), ERR_MALFORMED);
		octets[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	base64url_encode(bytes_of(octets, len), changed);
	assert_int_equal(read(bytes_of(changed, text.len)), OK);
}

static void each_prefix_and_each_extension_is_refused(void **state)
{
	(void)state;
	struct bytes text = make(keyring, &ada);
	char longer[TOKEN_TEXT_MAX + 1];
	for (size_t len = 0; len < text.len; len++) {
		/* In memory of exactly that size: nothing behind it is read. */
		char *part = malloc(len ? len : 1);
		assert_non_null(part);
		memcpy(part, text.at, len);
		assert_int_equal(read(bytes_of(part, len)), ERR_MALFORMED);
		free(part);
	}
	memcpy(longer, text.at, text.len);
	for (size_t more = 1; more <= 8; more++) {
		memset(longer + text.len, 'A', more);
		assert_int_equal(read(bytes_of(longer, text.len + more)), ERR_MALFORMED);
	}
	for (size_t from = 1; from < text.len; from++)
		assert_int_equal(read(bytes_from(text, from)), ERR_MALFORMED);
}

/* A text may not be divided otherwise among the key id, the tenant and the user. */
static void texts_do_not_run_into_each_other(void **state)
{
	(void)state;
	struct token a = ada, b = ada;
	a.tenant = BYTES("demo");
	a.user = BYTES("user");
	b.tenant = BYTES("demou");
	b.user = BYTES("ser");
	struct bytes text_a = make(keyring, &a), text_b = make(keyring, &b);
	uint8_t octets[TOKEN_OCTETS_MAX], others[TOKEN_OCTETS_MAX];
	char mixed[TOKEN_TEXT_MAX];
	size_t len;
	assert_int_equal(text_a.len, text_b.len);
	assert_int_equal(base64url_decode(text_a, octets, &len), OK);
	assert_int_equal(base64url_decode(text_b, others, &len), OK);
	memcpy(octets + len - SHA256_LEN, others + len - SHA256_LEN, SHA256_LEN);
	base64url_encode(bytes_of(octets, len), mixed);
	assert_int_equal(read(bytes_of(mixed, text_a.len)), ERR_MALFORMED);
}

static const struct {
	const char *name;
	struct bytes text;
} hostile_rows[] = {
    {"nothing", BYTES("")},
    {"absent", {NULL, 0}},
    {"a JWT without an algorithm",
     BYTES("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJhZGEiLCJhdWQiOiJkZW1vIn0.")},
    {"a JWT", BYTES("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.q0Ua2ZEKDVjXaTuqKFoYPSJlVjNL0XTHqAEYDF"
                    "1j7zI")},
    {"zeros", BYTES("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                    "AAAAAAAAAAA")},
    {"version and kind alone", BYTES("AQEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")},
    {"as long as a MAC", BYTES("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")},
    {"padded", BYTES("AQE=")},
    {"blanks", BYTES("                                                                ")},
    {"an API key", BYTES("demo-api-key-demo-api-key-demo-api-key-demo-api-key-demo-api-key")},
};

static void what_others_made_up_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(hostile_rows); i++)
		assert_row(hostile_rows[i].name, read(hostile_rows[i].text) == ERR_MALFORMED);
	struct bytes text = make(keyring, &ada);
	char changed[TOKEN_TEXT_MAX + 2];
	/* The same octets have one spelling. */
	snprintf(changed, sizeof(changed), "%.*s=", (int)text.len, text.at);
	assert_int_equal(read(bytes_of(changed, text.len + 1)), ERR_MALFORMED);
	snprintf(changed, sizeof(changed), " %.*s", (int)text.len, text.at);
	assert_int_equal(read(bytes_of(changed, text.len + 1)), ERR_MALFORMED);
	/* Who knows another key under the name of ours. */
	const struct secret_key forged = {BYTES("k2"), {9}};
	struct keyring *forger = keyring_new(&forged, 1);
	assert_non_null(forger);
	assert_int_equal(read(make(forger, &ada)), ERR_MALFORMED);
	keyring_free(forger);
}

/* ---- records --------------------------------------------------------------------------------- */

static struct id some_id(uint8_t salt)
{
	struct id id;
	for (int i = 0; i < ID_LEN; i++)
		id.octets[i] = (uint8_t)(i * 7 + salt);
	return id;
}

static void a_record_token_names_its_record(void **state)
{
	(void)state;
	struct id id = some_id(1), read_id;
	char text[RECORD_TOKEN_LEN + 1];
	assert_int_equal(record_token_make(keyring, &id, text), OK);
	assert_int_equal(strlen(text), 43);
	assert_int_equal(record_token_read(keyring, bytes_from_text(text), &read_id), OK);
	assert_true(id_equal(&id, &read_id));
	/* The older key's too. */
	const struct secret_key old = {BYTES("k1"), {1, 1, 2, 3, 5, 8}};
	struct keyring *before = keyring_new(&old, 1);
	struct keyring *other = test_keyring_other();
	assert_non_null(before);
	assert_int_equal(record_token_read(before, bytes_from_text(text), &read_id), ERR_MALFORMED);
	assert_int_equal(record_token_make(before, &id, text), OK);
	assert_int_equal(record_token_read(keyring, bytes_from_text(text), &read_id), OK);
	assert_int_equal(record_token_read(other, bytes_from_text(text), &read_id), ERR_MALFORMED);
	keyring_free(before);
	keyring_free(other);
}

static void a_changed_record_token_is_refused(void **state)
{
	(void)state;
	struct id id = some_id(2), read_id;
	char text[RECORD_TOKEN_LEN + 2];
	uint8_t octets[ID_LEN + RECORD_MAC_LEN];
	size_t len;
	assert_int_equal(record_token_make(keyring, &id, text), OK);
	assert_int_equal(base64url_decode(bytes_from_text(text), octets, &len), OK);
	for (size_t bit = 0; bit < sizeof(octets) * 8; bit++) {
		octets[bit / 8] ^= (uint8_t)(1 << bit % 8);
		base64url_encode(bytes_of(octets, sizeof(octets)), text);
		assert_int_equal(
		    record_token_read(keyring, bytes_of(text, RECORD_TOKEN_LEN), &read_id),
		    ERR_MALFORMED);
		octets[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	base64url_encode(bytes_of(octets, sizeof(octets)), text);
	text[RECORD_TOKEN_LEN] = 'A';
	for (size_t n = 0; n <= sizeof(text); n++)
		assert_int_equal(record_token_read(keyring, bytes_of(text, n), &read_id),
		                 n == RECORD_TOKEN_LEN ? OK : ERR_MALFORMED);
	text[0] = '*';
	assert_int_equal(record_token_read(keyring, bytes_of(text, RECORD_TOKEN_LEN), &read_id),
	                 ERR_MALFORMED);
}

static void a_proof_is_the_same_again_and_nothing_else(void **state)
{
	(void)state;
	struct id id = some_id(3), other = some_id(4), read_id;
	char proof[PROOF_LEN + 1], again[PROOF_LEN + 1];
	assert_int_equal(proof_make(keyring, BYTES("k1"), &id, proof), OK);
	assert_int_equal(strlen(proof), 43);
	assert_int_equal(proof_make(keyring, BYTES("k1"), &id, again), OK);
	assert_string_equal(proof, again);
	assert_int_equal(proof_make(keyring, BYTES("k2"), &id, again), OK);
	assert_string_not_equal(proof, again);
	assert_int_equal(proof_make(keyring, BYTES("k1"), &other, again), OK);
	assert_string_not_equal(proof, again);
	/* It is as long as a record token, and is none. */
	assert_int_equal(record_token_read(keyring, bytes_from_text(proof), &read_id),
	                 ERR_MALFORMED);
	/* Nor does a record token's MAC stand in the proof. */
	char token[RECORD_TOKEN_LEN + 1];
	uint8_t octets[ID_LEN + RECORD_MAC_LEN], mac[SHA256_LEN];
	size_t len;
	assert_int_equal(record_token_make(keyring, &id, token), OK);
	assert_int_equal(base64url_decode(bytes_from_text(token), octets, &len), OK);
	assert_int_equal(proof_make(keyring, BYTES("k2"), &id, proof), OK);
	assert_int_equal(base64url_decode(bytes_from_text(proof), mac, &len), OK);
	assert_memory_not_equal(octets + ID_LEN, mac, RECORD_MAC_LEN);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, token_setup, token_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(what_was_made_is_read),
	    CASE(the_longest_token_fits_its_limit),
	    CASE(it_ends_when_it_says),
	    CASE(a_newer_key_writes_and_the_older_still_reads),
	    CASE(another_kind_or_tenant_is_refused),
	    CASE(each_bit_changed_is_refused),
	    CASE(each_prefix_and_each_extension_is_refused),
	    CASE(texts_do_not_run_into_each_other),
	    CASE(what_others_made_up_is_refused),
	    CASE(a_record_token_names_its_record),
	    CASE(a_changed_record_token_is_refused),
	    CASE(a_proof_is_the_same_again_and_nothing_else),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
