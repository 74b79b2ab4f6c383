/* SPDX-License-Identifier: Apache-2.0 */
/* What codes, and the steps that compare them, do when the cryptographic library fails, and when it
 * answers what no key would give in a lifetime. The three OpenSSL functions below stand before the
 * library's own; left alone they pass everything on. */
#include "core/code.h"
#include "core/phantom.h"
#include "core/seal.h"
#include "core/token.h"
#include "core/user_code.h"
#include "core/verify.h"

#include "support/engine.h"

#include <dlfcn.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>

static struct {
	int macs_left; /* so many MACs succeed; -1: all */
	int unfair;    /* so many MACs have no octet that gives a symbol … */
	size_t first;  /* … but their first few … */
	size_t last;   /* … and their last */
	int keys_left; /* so many sub-keys are derived; -1: all */
	bool no_contexts;
	bool no_cipher_contexts;
	int cipher_fails_at; /* this step of a cipher fails, from 1; 0: none */
} library = {.macs_left = -1, .keys_left = -1};

static void library_restore(void)
{
	memset(&library, 0, sizeof(library));
	library.macs_left = library.keys_left = -1;
}

/* A function's address as an object's: what dlsym forces on POSIX. */
#define REAL(type, name)                                                                           \
	type real;                                                                                 \
	*(void **)(void *)&real = dlsym(RTLD_NEXT, name);                                          \
	assert_non_null(*(void **)(void *)&real)

int EVP_MAC_final(EVP_MAC_CTX *context, unsigned char *out, size_t *out_len, size_t size)
{
	typedef int (*final_fn)(EVP_MAC_CTX *, unsigned char *, size_t *, size_t);
	REAL(final_fn, "EVP_MAC_final");
	if (library.macs_left == 0)
		return 0;
	if (library.macs_left > 0)
		library.macs_left--;
	int done = real(context, out, out_len, size);
	if (library.unfair > 0) {
		library.unfair--;
		memset(out + library.first, 0xFF, SHA256_LEN - library.first - library.last);
	}
	return done;
}

int EVP_KDF_derive(EVP_KDF_CTX *context, unsigned char *key, size_t len, const OSSL_PARAM params[])
{
	typedef int (*derive_fn)(EVP_KDF_CTX *, unsigned char *, size_t, const OSSL_PARAM[]);
	REAL(derive_fn, "EVP_KDF_derive");
	if (library.keys_left == 0)
		return 0;
	if (library.keys_left > 0)
		library.keys_left--;
	return real(context, key, len, params);
}

EVP_MAC_CTX *EVP_MAC_CTX_new(EVP_MAC *mac)
{
	typedef EVP_MAC_CTX *(*new_fn)(EVP_MAC *);
	REAL(new_fn, "EVP_MAC_CTX_new");
	return library.no_contexts ? NULL : real(mac);
}

EVP_CIPHER_CTX *EVP_CIPHER_CTX_new(void)
{
	typedef EVP_CIPHER_CTX *(*new_fn)(void);
	REAL(new_fn, "EVP_CIPHER_CTX_new");
	return library.no_cipher_contexts ? NULL : real();
}

static bool cipher_step_fails(void)
{
	return library.cipher_fails_at && --library.cipher_fails_at == 0;
}

int EVP_EncryptUpdate(EVP_CIPHER_CTX *context, unsigned char *out, int *out_len,
                      const unsigned char *in, int len)
{
	typedef int (*update_fn)(EVP_CIPHER_CTX *, unsigned char *, int *, const unsigned char *,
	                         int);
	REAL(update_fn, "EVP_EncryptUpdate");
	return cipher_step_fails() ? 0 : real(context, out, out_len, in, len);
}

int EVP_DecryptUpdate(EVP_CIPHER_CTX *context, unsigned char *out, int *out_len,
                      const unsigned char *in, int len)
{
	typedef int (*update_fn)(EVP_CIPHER_CTX *, unsigned char *, int *, const unsigned char *,
	                         int);
	REAL(update_fn, "EVP_DecryptUpdate");
	return cipher_step_fails() ? 0 : real(context, out, out_len, in, len);
}

/* A keyring that wants more memory than there is gets NULL, under the sanitizers too. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static int fault_setup(void **state)
{
	library_restore();
	return bench_setup(state);
}

static int fault_teardown(void **state)
{
	library_restore();
	return bench_teardown(state);
}

/* Its code is 557313. */
static struct verification record(void)
{
	struct verification v = {
	    .purpose = PURPOSE_NUMBER,
	    .tenant = BYTES("demo"),
	    .number = test_number("447700900123"),
	    .key_id = BYTES("k2"),
	    .generation = 1,
	    .policy = test_policy(REPEAT_PARALLEL),
	};
	for (int i = 0; i < ID_LEN; i++)
		v.id.octets[i] = (uint8_t)i;
	return v;
}

/* ---- rounds ---------------------------------------------------------------------------------- */

/* Computed apart from this program: what some octets of one round give, then the next. */
static const struct {
	size_t first, last;
	const char *code;
} round_rows[] = {
    {0, 0, "800134"}, {3, 0, "557800"}, {4, 0, "557380"},
    {0, 1, "080013"}, {0, 2, "908001"}, {SHA256_LEN, 0, "557313"},
};

static void the_next_round_goes_on_where_one_ended(void **state)
{
	struct bench *bench = *state;
	struct verification v = record();
	for (size_t i = 0; i < COUNT(round_rows); i++) {
		char code[CODE_LENGTH_MAX + 1];
		library.unfair = 1;
		library.first = round_rows[i].first;
		library.last = round_rows[i].last;
		assert_int_equal(code_derive(bench->keyring, &v, code), OK);
		assert_string_equal(code, round_rows[i].code);
	}
}

static void many_rounds_may_give_nothing(void **state)
{
	struct bench *bench = *state;
	struct verification v = record();
	char code[CODE_LENGTH_MAX + 1];
	library.unfair = 200;
	assert_int_equal(code_derive(bench->keyring, &v, code), OK);
	assert_int_equal(strlen(code), 6);
	assert_int_equal(strspn(code, "0123456789"), 6);
}

static void with_64_symbols_every_octet_is_fair(void **state)
{
	struct bench *bench = *state;
	struct verification v = record();
	memcpy(v.policy.alphabet,
	       "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_", 65);
	char code[CODE_LENGTH_MAX + 1];
	library.unfair = 1;
	assert_int_equal(code_derive(bench->keyring, &v, code), OK);
	assert_string_equal(code, "______");
}

/* ---- faults ---------------------------------------------------------------------------------- */

static void no_keyring_without_memory_or_library(void **state)
{
	(void)state;
	const struct secret_key key = {BYTES("k1"), {1}};
	assert_null(keyring_new(&key, PTRDIFF_MAX / 128));
	/* Whichever of its sub-keys cannot be derived, the sealing one last. */
	for (int keys = 0; keys <= KEY_USES; keys++) {
		library.keys_left = keys;
		assert_null(keyring_new(&key, 1));
	}
	library_restore();
	library.no_contexts = true;
	assert_null(keyring_new(&key, 1));
	library_restore();
	library.no_cipher_contexts = true;
	assert_null(keyring_new(&key, 1));
}

static void a_failing_library_is_a_fault(void **state)
{
	struct bench *bench = *state;
	struct verification v = record();
	char code[CODE_LENGTH_MAX + 1];
	uint8_t mac[SHA256_LEN];
	bool matches;
	library.macs_left = 0;
	assert_int_equal(code_derive(bench->keyring, &v, code), ERR_CRYPTO);
	assert_string_equal(code, "");
	assert_int_equal(code_matches(bench->keyring, &v, BYTES(""), &matches), ERR_CRYPTO);
	assert_int_equal(code_mac_chosen(bench->keyring, BYTES("k2"), BYTES("demo"), &v.number,
	                                 BYTES("424242"), mac),
	                 ERR_CRYPTO);
	v.chosen = true;
	assert_int_equal(code_matches(bench->keyring, &v, BYTES("424242"), &matches), ERR_CRYPTO);
	assert_int_equal(number_hash(bench->keyring, &v.number, mac), ERR_CRYPTO);
}

static void tokens_of_a_failing_library_are_none(void **state)
{
	struct bench *bench = *state;
	const struct token token = {
	    .kind = TOKEN_USER, .tenant = BYTES("demo"), .user = BYTES("ada"), .expires_ms = 1};
	uint8_t room[TOKEN_OCTETS_MAX];
	char text[TOKEN_TEXT_MAX + 1];
	struct token read;
	struct id id = {{1}};
	char record[RECORD_TOKEN_LEN + 1], proof[PROOF_LEN + 1];
	assert_int_equal(token_make(bench->keyring, &token, text), OK);
	assert_int_equal(record_token_make(bench->keyring, &id, record), OK);
	library.macs_left = 0;
	assert_int_equal(token_read(bench->keyring, bytes_from_text(text), TOKEN_USER, BYTES_NONE,
	                            0, room, &read),
	                 ERR_CRYPTO);
	assert_int_equal(record_token_read(bench->keyring, bytes_from_text(record), &id),
	                 ERR_CRYPTO);
	assert_int_equal(token_make(bench->keyring, &token, text), ERR_CRYPTO);
	assert_int_equal(record_token_make(bench->keyring, &id, record), ERR_CRYPTO);
	assert_int_equal(proof_make(bench->keyring, BYTES("k2"), &id, proof), ERR_CRYPTO);
	struct phantom phantom;
	assert_int_equal(phantom_make(bench->keyring, BYTES("demo"), NULL, 0, &phantom),
	                 ERR_CRYPTO);
}

static void seals_of_a_failing_library_are_none(void **state)
{
	struct bench *bench = *state;
	uint8_t sealed[3 + SEAL_OVERHEAD], plain[3];
	for (int at = 1; at <= 2; at++) {
		library.cipher_fails_at = at;
		assert_int_equal(seal_make(bench->keyring, &bench->rng.rng, BYTES("demo"),
		                           BYTES("s"), BYTES("abc"), sealed),
		                 ERR_CRYPTO);
	}
	assert_int_equal(seal_make(bench->keyring, &bench->rng.rng, BYTES("demo"), BYTES("s"),
	                           BYTES("abc"), sealed),
	                 OK);
	for (int at = 1; at <= 2; at++) {
		library.cipher_fails_at = at;
		assert_int_equal(seal_open(bench->keyring, BYTES("k2"), BYTES("demo"), BYTES("s"),
		                           bytes_of(sealed, sizeof(sealed)), plain),
		                 ERR_CRYPTO);
	}
}

/* In the second round too: half a code is none. */
static void a_fault_in_a_later_round_is_one(void **state)
{
	struct bench *bench = *state;
	struct verification v = record();
	char code[CODE_LENGTH_MAX + 1];
	library.macs_left = library.unfair = 1;
	assert_int_equal(code_derive(bench->keyring, &v, code), ERR_CRYPTO);
	library_restore();
	assert_int_equal(code_derive(bench->keyring, &v, code), OK);
	assert_string_equal(code, "557313");
}

/* A send draws one MAC, its event's; a check one for the code and one for its event. */
static void a_step_without_its_macs_changes_nothing(void **state)
{
	struct bench *bench = *state;
	library.macs_left = 0;
	assert_int_equal(bench_send(bench), ERR_CRYPTO);
	library.macs_left = 1;
	assert_int_equal(bench_send(bench), OK);
	library.macs_left = 0;
	assert_int_equal(bench_send(bench), ERR_CRYPTO); /* refused, but not noted */
	library_restore();

	const struct verification sent = bench->verification;
	char code[CODE_LENGTH_MAX + 1];
	memcpy(code, bench_code(bench), sizeof(code));
	for (int macs = 0; macs < 2; macs++) {
		library.macs_left = macs;
		assert_int_equal(bench_check(bench, code), ERR_CRYPTO);
		assert_memory_equal(&bench->verification, &sent, sizeof(sent));
	}
	library.macs_left = 2;
	assert_outcome(bench_check_ok(bench, code), OUTCOME_APPROVED);
	for (int macs = 0; macs < 2; macs++) {
		library.macs_left = macs;
		assert_int_equal(bench_check(bench, code), ERR_CRYPTO);
	}
	library.macs_left = 2;
	assert_outcome(bench_check_ok(bench, code), OUTCOME_REPEATED);
}

/* ---- users ----------------------------------------------------------------------------------- */

/* Two users who have one number, each with a code that waits. */
struct two {
	struct user users[2];
	struct verification codes[2];
	struct holder holders[2];
	struct user_records records;
	struct verify_context context;
	struct verify_result result;
	struct user_result user_result;
};

static void two_init(struct two *two, struct bench *bench)
{
	*two = (struct two){
	    .records = {.number = bench->send.number, .holders = two->holders, .holders_n = 2},
	    .context = {.now_ms = bench->now_ms,
	                .rng = &bench->rng.rng,
	                .keyring = bench->keyring,
	                .plan = bench->plan},
	};
	for (int i = 0; i < 2; i++) {
		two->users[i] = (struct user){.tenant = BYTES("demo"),
		                              .id = i ? BYTES("bob") : BYTES("ada"),
		                              .version = 1,
		                              .phone = bench->send.number};
		two->codes[i] = record();
		two->codes[i].id.octets[0] = (uint8_t)i;
		two->codes[i].state = VERIFICATION_LIVE;
		two->codes[i].purpose = PURPOSE_PHONE;
		two->codes[i].user = two->users[i].id;
		two->codes[i].created_ms = bench->now_ms;
		two->codes[i].expires_ms = bench->now_ms + MINUTES_MS;
		two->holders[i] = (struct holder){&two->users[i], &two->codes[i]};
	}
}

/* Each comparison draws one MAC, the event one. */
static void a_check_by_number_without_its_macs_changes_nothing(void **state)
{
	struct bench *bench = *state;
	struct two two;
	bench->check.purpose = PURPOSE_PHONE;
	bench->check.guess = BYTES("000000");
	for (int macs = 0; macs <= 3; macs++) {
		two_init(&two, bench);
		library.macs_left = macs;
		assert_int_equal(user_code_check_holders(&bench->check, &two.records, &two.context,
		                                         &two.result, &two.user_result),
		                 macs == 3 ? OK : ERR_CRYPTO);
		assert_int_equal(two.result.changes_n != 0, macs == 3);
	}
}

static void user_steps_without_their_macs_change_nothing(void **state)
{
	struct bench *bench = *state;
	struct two two;
	two_init(&two, bench);
	two.records = (struct user_records){.user = &two.users[0], .number = bench->send.number};
	struct send_command send = bench->send;
	send.policy.repeat = REPEAT_NEW;
	struct user_command command = {.op = USER_CHANGE,
	                               .tenant = BYTES("demo"),
	                               .user = BYTES("ada"),
	                               .phone = PHONE_REPLACE,
	                               .number = test_number("447700900456"),
	                               .send = &send};
	/* The event of the send, and his own. */
	for (int macs = 0; macs <= 2; macs++) {
		library.macs_left = macs;
		assert_int_equal(
		    user_step(&command, &two.records, &two.context, &two.result, &two.user_result),
		    macs == 2 ? OK : ERR_CRYPTO);
		assert_int_equal(two.result.changes_n != 0, macs == 2);
	}
	send.purpose = PURPOSE_PHONE;
	library.macs_left = 0;
	assert_int_equal(
	    user_code_send(&send, &two.records, &two.context, &two.result, &two.user_result),
	    ERR_CRYPTO);
	assert_int_equal(two.result.changes_n, 0);
	two.records.phone_code = &two.codes[0];
	bench->check.purpose = PURPOSE_PHONE;
	bench->check.guess = BYTES("000000");
	for (int macs = 0; macs <= 2; macs++) {
		library.macs_left = macs;
		assert_int_equal(user_code_check(&bench->check, &two.records, &two.context,
		                                 &two.result, &two.user_result),
		                 macs == 2 ? OK : ERR_CRYPTO);
		assert_int_equal(two.result.changes_n != 0, macs == 2);
	}
	/* Nor does a hidden refusal whose comparison fails. */
	bench->check.hidden = true;
	two.records = (struct user_records){0};
	library.macs_left = 0;
	assert_int_equal(user_code_check(&bench->check, &two.records, &two.context, &two.result,
	                                 &two.user_result),
	                 ERR_CRYPTO);
	assert_int_equal(two.result.changes_n, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fault_setup, fault_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(the_next_round_goes_on_where_one_ended),
	    CASE(many_rounds_may_give_nothing),
	    CASE(with_64_symbols_every_octet_is_fair),
	    CASE(no_keyring_without_memory_or_library),
	    CASE(a_failing_library_is_a_fault),
	    CASE(tokens_of_a_failing_library_are_none),
	    CASE(seals_of_a_failing_library_are_none),
	    CASE(a_fault_in_a_later_round_is_one),
	    CASE(a_step_without_its_macs_changes_nothing),
	    CASE(a_check_by_number_without_its_macs_changes_nothing),
	    CASE(user_steps_without_their_macs_change_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
