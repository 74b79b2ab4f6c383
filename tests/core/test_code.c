/* SPDX-License-Identifier: Apache-2.0 */
/* Codes: their construction against OpenSSL's own one-shot HMAC, what they depend on, their spread,
 * and the comparing. What happens when the library fails: test_code_fault. */
#include "core/code.h"

#include "support/engine.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#define SYMBOLS_36 "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define SYMBOLS_64 "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"

static struct policy policy_of(const char *alphabet, unsigned length)
{
	struct policy policy = test_policy(REPEAT_PARALLEL);
	memset(policy.alphabet, 0, sizeof(policy.alphabet));
	memcpy(policy.alphabet, alphabet, strlen(alphabet));
	policy.length = (uint8_t)length;
	return policy;
}

static struct verification record_of(const char *alphabet, unsigned length)
{
	struct verification v = {
	    .purpose = PURPOSE_NUMBER,
	    .tenant = BYTES("demo"),
	    .number = test_number("447700900123"),
	    .key_id = BYTES("k2"),
	    .generation = 1,
	    .policy = policy_of(alphabet, length),
	};
	for (int i = 0; i < ID_LEN; i++)
		v.id.octets[i] = (uint8_t)i;
	return v;
}

static struct keyring *keyring;

static int keyring_setup(void **state)
{
	(void)state;
	keyring = test_keyring();
	return 0;
}

static int keyring_teardown(void **state)
{
	(void)state;
	keyring_free(keyring);
	return 0;
}

/* ---- the construction ------------------------------------------------------------------------ */

/* Codes computed apart from this program, once: they must never change, or codes that are under
 * way die with an upgrade. */
static void codes_of_a_record_never_change(void **state)
{
	(void)state;
	char code[CODE_LENGTH_MAX + 1];
	struct verification v = record_of("0123456789", 6);
	assert_int_equal(code_derive(keyring, &v, code), OK);
	assert_string_equal(code, "557313");

	v.key_id = BYTES("k1");
	assert_int_equal(code_derive(keyring, &v, code), OK);
	assert_string_equal(code, "423704");

	v = record_of(SYMBOLS_36, 10);
	v.tenant = BYTES("");
	v.generation = UINT32_MAX;
	v.purpose = PURPOSE_LOGIN;
	v.bound = true;
	for (int i = 0; i < SHA256_LEN; i++)
		v.digest[i] = (uint8_t)i;
	assert_int_equal(code_derive(keyring, &v, code), OK);
	assert_string_equal(code, "ZRWDTYOPSE");

	char tenant[255];
	memset(tenant, 't', sizeof(tenant));
	v = record_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ", 4);
	v.tenant = (struct bytes){tenant, sizeof(tenant)};
	v.generation = 0x01020304;
	v.purpose = PURPOSE_PHONE;
	assert_int_equal(code_derive(keyring, &v, code), OK);
	assert_string_equal(code, "MAOM");
}

static void hmac_by_hand(const uint8_t *key, const uint8_t *message, size_t len,
                         uint8_t ret[SHA256_LEN])
{
	unsigned ret_len;
	assert_non_null(HMAC(EVP_sha256(), key, SHA256_LEN, message, len, ret, &ret_len));
	assert_int_equal(ret_len, SHA256_LEN);
}

/* RFC 5869 without salt, for one block. */
static void sub_key_by_hand(const uint8_t key[SECRET_KEY_LEN], const char *info,
                            uint8_t ret[SHA256_LEN])
{
	static const uint8_t no_salt[SHA256_LEN];
	uint8_t pseudo_random[SHA256_LEN], block[64];
	size_t len = strlen(info);
	hmac_by_hand(no_salt, key, SECRET_KEY_LEN, pseudo_random);
	memcpy(block, info, len);
	block[len] = 1;
	hmac_by_hand(pseudo_random, block, len + 1, ret);
}

static void code_by_hand(const struct verification *v, char *ret)
{
	static const uint8_t key[SECRET_KEY_LEN] = {2, 3, 5, 7, 11, 13};
	uint8_t sub[SHA256_LEN], message[512], mac[SHA256_LEN];
	size_t len = 0, have = 0;
	sub_key_by_hand(key, "verifyd code", sub);
	memcpy(message, "verifyd code 1", 14);
	len = 14;
	message[len++] = (uint8_t)v->tenant.len;
	memcpy(message + len, v->tenant.at, v->tenant.len);
	len += v->tenant.len;
	memcpy(message + len, v->id.octets, 16);
	len += 16;
	for (int shift = 24; shift >= 0; shift -= 8)
		message[len++] = (uint8_t)(v->generation >> shift);
	message[len++] = (uint8_t)v->purpose;
	memset(message + len, 0, SHA256_LEN);
	if (v->bound)
		memcpy(message + len, v->digest, SHA256_LEN);
	len += SHA256_LEN;
	message[len++] = 0; /* the first round */
	hmac_by_hand(sub, message, len, mac);
	size_t size = strlen(v->policy.alphabet);
	for (int i = 0; i < SHA256_LEN && have < v->policy.length; i++)
		if (mac[i] < 256 / size * size)
			ret[have++] = v->policy.alphabet[mac[i] % size];
	ret[have] = '\0';
}

static void codes_are_what_the_construction_says(void **state)
{
	(void)state;
	struct test_rng rng;
	test_rng_init(&rng, 4);
	for (int i = 0; i < 2000; i++) {
		size_t size = 2 + test_rng_below(&rng, 63);
		char alphabet[ALPHABET_MAX + 1] = SYMBOLS_64, tenant[256];
		alphabet[size] = '\0';
		memset(tenant, 'a' + i % 26, sizeof(tenant));
		struct verification v = record_of(alphabet, 4 + i % 7);
		v.tenant = (struct bytes){tenant, test_rng_below(&rng, 256)};
		v.generation = (uint32_t)test_rng_next(&rng);
		v.purpose = (enum purpose)(1 + i % 3);
		v.bound = i % 2;
		assert_int_equal(rng_fill(&rng.rng, v.id.octets, ID_LEN), OK);
		assert_int_equal(rng_fill(&rng.rng, v.digest, SHA256_LEN), OK);
		char code[CODE_LENGTH_MAX + 1], by_hand[CODE_LENGTH_MAX + 1];
		assert_int_equal(code_derive(keyring, &v, code), OK);
		code_by_hand(&v, by_hand);
		assert_string_equal(code, by_hand);
		assert_int_equal(strlen(code), v.policy.length);
	}
}

/* ---- what a code depends on ------------------------------------------------------------------ */

static void vary_tenant(struct verification *v)
{
	v->tenant = BYTES("demp");
}

static void vary_tenant_len(struct verification *v)
{
	v->tenant = BYTES("dem");
}

static void vary_id_first(struct verification *v)
{
	v->id.octets[0] ^= 0x80;
}

static void vary_id_last(struct verification *v)
{
	v->id.octets[ID_LEN - 1] ^= 1;
}

static void vary_generation(struct verification *v)
{
	v->generation++;
}

static void vary_generation_high(struct verification *v)
{
	v->generation += 1u << 24;
}

static void vary_purpose(struct verification *v)
{
	v->purpose = PURPOSE_PHONE;
}

static void vary_bound(struct verification *v)
{
	v->bound = true;
	v->digest[SHA256_LEN - 1] = 1;
}

static void vary_key(struct verification *v)
{
	v->key_id = BYTES("k1");
}

static void vary_unbound_digest(struct verification *v)
{
	v->digest[0] = 1;
}

static void vary_bound_to_zeros(struct verification *v)
{
	v->bound = true;
}

static void vary_what_stands_beside(struct verification *v)
{
	v->number = test_number("12025550123");
	v->dialect = BYTES("kii");
	v->client = BYTES("other");
	v->user = BYTES("ada");
	v->tries = 4;
	v->created_ms = v->expires_ms = 7;
	v->policy.attempts = 9;
	v->policy.ttl_ms = 1;
}

static const struct {
	const char *name;
	void (*vary)(struct verification *v);
	bool same;
} vary_rows[] = {
    {"tenant", vary_tenant, false},
    {"length of tenant", vary_tenant_len, false},
    {"id, first bit", vary_id_first, false},
    {"id, last bit", vary_id_last, false},
    {"generation", vary_generation, false},
    {"generation, high octet", vary_generation_high, false},
    {"purpose", vary_purpose, false},
    {"digest", vary_bound, false},
    {"key", vary_key, false},
    {"a digest not bound to", vary_unbound_digest, true},
    {"bound to zeros", vary_bound_to_zeros, true},
    {"number, holder, dialect, life", vary_what_stands_beside, true},
};

static void a_code_depends_on_what_names_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(vary_rows); i++) {
		struct verification v = record_of(SYMBOLS_64, 10);
		char first[CODE_LENGTH_MAX + 1], code[CODE_LENGTH_MAX + 1];
		assert_int_equal(code_derive(keyring, &v, first), OK);
		vary_rows[i].vary(&v);
		assert_int_equal(code_derive(keyring, &v, code), OK);
		if ((strcmp(first, code) == 0) != vary_rows[i].same)
			fail_msg("%s: %s, %s", vary_rows[i].name, first, code);
		bool matches;
		assert_int_equal(code_matches(keyring, &v, bytes_from_text(first), &matches), OK);
		assert_int_equal(matches, vary_rows[i].same);
	}
}

/* Another keyring with the same secrets, in another order, reads the same codes. */
static void a_code_depends_on_the_key_and_not_on_its_place(void **state)
{
	(void)state;
	const struct secret_key keys[] = {
	    {BYTES("k1"), {1, 1, 2, 3, 5, 8}},
	    {BYTES("k2"), {2, 3, 5, 7, 11, 13}},
	};
	struct keyring *rotated = keyring_new(keys, COUNT(keys));
	assert_non_null(rotated);
	struct verification v = record_of("0123456789", 6);
	char code[CODE_LENGTH_MAX + 1];
	assert_int_equal(code_derive(rotated, &v, code), OK);
	assert_string_equal(code, "557313");
	assert_true(bytes_equal(keyring_writing_id(keyring), BYTES("k2")));
	assert_true(bytes_equal(keyring_writing_id(rotated), BYTES("k1")));
	keyring_free(rotated);
}

/* ---- spread ---------------------------------------------------------------------------------- */

#define SPREAD_LENGTH_MAX 10

/* Bounds of chi-square at p = 0.0001 and p = 0.9999, for symbols and for pairs of symbols. */
static const struct spread_row {
	const char *alphabet;
	unsigned length;
	int codes;
	double low, high, pair_low, pair_high;
} spread_rows[] = {
    {"01", 10, 100000, 1.57079634e-08, 15.1367052, 0.00521483233, 21.1075135},
    {"0123456789", 6, 1000000, 0.66080916, 33.7199484, 54.9868601, 160.055738},
    {"ABCDEFGHIJKLMNOPQRSTUVWXYZ", 6, 200000, 6.70663406, 60.1402919, 546.826898, 820.27163},
    {SYMBOLS_36, 6, 200000, 11.9957359, 74.9262219, 1114.22769, 1492.87543},
    {SYMBOLS_64, 8, 200000, 29.5000093, 113.504993, 3766.95621, 4440.15032},
};

struct spread {
	uint32_t symbols[SPREAD_LENGTH_MAX][ALPHABET_MAX];
	/* of neighbours in a code, the last row of the same place in two codes after another */
	uint32_t pairs[SPREAD_LENGTH_MAX][ALPHABET_MAX * ALPHABET_MAX];
};

static double chi_square(const uint32_t *counts, size_t cells, double total)
{
	double sum = 0, expected = total / (double)cells;
	for (size_t i = 0; i < cells; i++) {
		double off = (double)counts[i] - expected;
		sum += off * off / expected;
	}
	return sum;
}

static void spread_count(struct spread *spread, const struct spread_row *row)
{
	size_t size = strlen(row->alphabet), last = 0;
	struct test_rng rng;
	test_rng_init(&rng, 20310402);
	struct verification v = record_of(row->alphabet, row->length);
	for (int i = 0; i < row->codes; i++) {
		assert_int_equal(id_make(TEST_START_MS + i, 7, &rng.rng, &v.id), OK);
		char code[CODE_LENGTH_MAX + 1];
		assert_int_equal(code_derive(keyring, &v, code), OK);
		assert_int_equal(strlen(code), row->length);
		size_t before = 0;
		for (unsigned place = 0; place < row->length; place++) {
			const char *at = strchr(row->alphabet, code[place]);
			assert_non_null(at);
			size_t symbol = (size_t)(at - row->alphabet);
			spread->symbols[place][symbol]++;
			if (place)
				spread->pairs[place - 1][before * size + symbol]++;
			before = symbol;
		}
		if (i)
			spread->pairs[row->length - 1][last * size + before]++;
		last = before;
	}
}

static void codes_are_spread_evenly(void **state)
{
	(void)state;
	struct spread *spread = malloc(sizeof(*spread));
	assert_non_null(spread);
	for (size_t r = 0; r < COUNT(spread_rows); r++) {
		const struct spread_row *row = &spread_rows[r];
		size_t size = strlen(row->alphabet);
		memset(spread, 0, sizeof(*spread));
		spread_count(spread, row);
		for (unsigned place = 0; place < row->length; place++) {
			double got = chi_square(spread->symbols[place], size, row->codes);
			if (got <= row->low || got >= row->high)
				fail_msg("%zu symbols, place %u: %g", size, place, got);
			int pairs = place + 1 < row->length ? row->codes : row->codes - 1;
			got = chi_square(spread->pairs[place], size * size, pairs);
			if (got <= row->pair_low || got >= row->pair_high)
				fail_msg("%zu symbols, pair %u: %g", size, place, got);
		}
	}
	free(spread);
}

static void leading_zeros_occur(void **state)
{
	(void)state;
	struct verification v = record_of("0123456789", 4);
	bool all_zero = false;
	int leading = 0;
	for (v.generation = 1; v.generation <= 100000; v.generation++) {
		char code[CODE_LENGTH_MAX + 1];
		assert_int_equal(code_derive(keyring, &v, code), OK);
		leading += code[0] == '0';
		all_zero = all_zero || strcmp(code, "0000") == 0;
	}
	assert_in_range(leading, 9500, 10500);
	assert_true(all_zero);
}

/* ---- comparing ------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	struct bytes guess;
	bool matches;
} guess_rows[] = {
    {"the code", BYTES("557313"), true},
    {"first symbol", BYTES("457313"), false},
    {"last symbol", BYTES("557314"), false},
    {"a prefix", BYTES("55731"), false},
    {"longer", BYTES("5573130"), false},
    {"with a NUL", BYTES("557313\0"), false},
    {"empty", BYTES(""), false},
    {"not given", BYTES_NONE, false},
    {"six NULs", BYTES("\0\0\0\0\0\0"), false},
    {"blanks", BYTES(" 557313"), false},
    {"the old key's", BYTES("423704"), false},
};

static void guesses_match_whole_or_not(void **state)
{
	(void)state;
	struct verification v = record_of("0123456789", 6);
	for (size_t i = 0; i < COUNT(guess_rows); i++) {
		bool matches = !guess_rows[i].matches;
		assert_int_equal(code_matches(keyring, &v, guess_rows[i].guess, &matches), OK);
		if (matches != guess_rows[i].matches)
			fail_msg("%s", guess_rows[i].name);
	}
}

static void symbols_match_in_their_case(void **state)
{
	(void)state;
	struct verification v = record_of(SYMBOLS_36, 10);
	v.tenant = BYTES("");
	v.generation = UINT32_MAX;
	v.purpose = PURPOSE_LOGIN;
	v.bound = true;
	for (int i = 0; i < SHA256_LEN; i++)
		v.digest[i] = (uint8_t)i;
	bool matches;
	assert_int_equal(code_matches(keyring, &v, BYTES("ZRWDTYOPSE"), &matches), OK);
	assert_true(matches);
	assert_int_equal(code_matches(keyring, &v, BYTES("zrwdtyopse"), &matches), OK);
	assert_false(matches);
}

/* ---- chosen codes and hashes of numbers ------------------------------------------------------ */

static void hex_parse(const char *hex, uint8_t *ret)
{
	for (; *hex; hex += 2)
		*ret++ = (uint8_t)(ascii_hex_value(hex[0]) << 4 | ascii_hex_value(hex[1]));
}

static void macs_of_chosen_codes_never_change(void **state)
{
	(void)state;
	struct number number = test_number("447700900123");
	uint8_t mac[SHA256_LEN], wanted[SHA256_LEN];
	hex_parse("5fe970441a34b77a2a99e29cbd4525c4b9c5f448c018d45ea13e3c0a516e1bf0", wanted);
	assert_int_equal(
	    code_mac_chosen(keyring, BYTES("k2"), BYTES("demo"), &number, BYTES("424242"), mac),
	    OK);
	assert_memory_equal(mac, wanted, SHA256_LEN);
}

static void a_chosen_code_is_of_one_tenant_number_and_key(void **state)
{
	(void)state;
	static const struct {
		struct bytes key_id, tenant;
		const char *digits;
		struct bytes code;
	} rows[] = {
	    {BYTES("k2"), BYTES("demo"), "447700900123", BYTES("424242")},
	    {BYTES("k1"), BYTES("demo"), "447700900123", BYTES("424242")},
	    {BYTES("k2"), BYTES("demp"), "447700900123", BYTES("424242")},
	    {BYTES("k2"), BYTES("demo"), "447700900124", BYTES("424242")},
	    {BYTES("k2"), BYTES("demo"), "447700900123", BYTES("424243")},
	    {BYTES("k2"), BYTES("demo"), "44770090012", BYTES("3424242")},
	    {BYTES("k2"), BYTES("demo"), "447700900123", BYTES("")},
	};
	uint8_t macs[COUNT(rows)][SHA256_LEN];
	for (size_t a = 0; a < COUNT(rows); a++) {
		struct number number = test_number(rows[a].digits);
		assert_int_equal(code_mac_chosen(keyring, rows[a].key_id, rows[a].tenant, &number,
		                                 rows[a].code, macs[a]),
		                 OK);
		for (size_t b = 0; b < a; b++)
			assert_memory_not_equal(macs[a], macs[b], SHA256_LEN);
	}
	struct verification v = record_of("0123456789", 6);
	v.chosen = true;
	memcpy(v.chosen_mac, macs[0], SHA256_LEN);
	bool matches;
	assert_int_equal(code_matches(keyring, &v, BYTES("424242"), &matches), OK);
	assert_true(matches);
	assert_int_equal(code_matches(keyring, &v, BYTES("424243"), &matches), OK);
	assert_false(matches);
	assert_int_equal(code_matches(keyring, &v, BYTES("557313"), &matches), OK);
	assert_false(matches);
	v.number = test_number("447700900124");
	assert_int_equal(code_matches(keyring, &v, BYTES("424242"), &matches), OK);
	assert_false(matches);
	v.number = test_number("447700900123");
	for (size_t i = 0; i < SHA256_LEN; i++) {
		v.chosen_mac[i] ^= 1;
		assert_int_equal(code_matches(keyring, &v, BYTES("424242"), &matches), OK);
		assert_false(matches);
		v.chosen_mac[i] ^= 1;
	}
}

static void numbers_are_hashed_under_the_writing_key(void **state)
{
	(void)state;
	struct number number = test_number("447700900123"), other = test_number("447700900124");
	uint8_t hash[16], wanted[16];
	hex_parse("48938818849783679e82a885f080260b", wanted);
	assert_int_equal(number_hash(keyring, &number, hash), OK);
	assert_memory_equal(hash, wanted, 16);
	assert_int_equal(number_hash(keyring, &other, hash), OK);
	assert_memory_not_equal(hash, wanted, 16);
	struct keyring *elsewhere = test_keyring_other();
	assert_int_equal(number_hash(elsewhere, &number, hash), OK);
	assert_memory_not_equal(hash, wanted, 16);
	keyring_free(elsewhere);
}

/* ---- keyrings -------------------------------------------------------------------------------- */

static void a_keyring_knows_its_keys(void **state)
{
	(void)state;
	assert_true(keyring_has(keyring, BYTES("k1")));
	assert_true(keyring_has(keyring, BYTES("k2")));
	assert_false(keyring_has(keyring, BYTES("k3")));
	assert_false(keyring_has(keyring, BYTES("k")));
	assert_false(keyring_has(keyring, BYTES("")));
	assert_false(keyring_has(keyring, BYTES_NONE));
	keyring_free(NULL);
}

static void a_keyring_keeps_its_own_copy(void **state)
{
	(void)state;
	char id[] = "k9";
	struct secret_key key = {{id, 2}, {9}};
	struct keyring *copied = keyring_new(&key, 1);
	assert_non_null(copied);
	memset(id, 'x', 2);
	secret_wipe(key.key, sizeof(key.key));
	assert_true(keyring_has(copied, BYTES("k9")));
	assert_true(bytes_equal(keyring_writing_id(copied), BYTES("k9")));
	keyring_free(copied);
}

static void ids_of_keys_have_1_to_64_octets(void **state)
{
	(void)state;
	char id[65];
	memset(id, 'k', sizeof(id));
	static const struct {
		size_t len;
		bool accepted;
	} rows[] = {{0, false}, {1, true}, {64, true}, {65, false}};
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct secret_key keys[] = {
		    {BYTES("k1"), {1}},
		    {{id, rows[i].len}, {2}},
		};
		struct keyring *made = keyring_new(keys, COUNT(keys));
		assert_int_equal(made != NULL, rows[i].accepted);
		if (made)
			assert_true(keyring_has(made, keys[1].id));
		keyring_free(made);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(codes_of_a_record_never_change),
	    cmocka_unit_test(codes_are_what_the_construction_says),
	    cmocka_unit_test(a_code_depends_on_what_names_it),
	    cmocka_unit_test(a_code_depends_on_the_key_and_not_on_its_place),
	    cmocka_unit_test(codes_are_spread_evenly),
	    cmocka_unit_test(leading_zeros_occur),
	    cmocka_unit_test(guesses_match_whole_or_not),
	    cmocka_unit_test(symbols_match_in_their_case),
	    cmocka_unit_test(macs_of_chosen_codes_never_change),
	    cmocka_unit_test(a_chosen_code_is_of_one_tenant_number_and_key),
	    cmocka_unit_test(numbers_are_hashed_under_the_writing_key),
	    cmocka_unit_test(a_keyring_knows_its_keys),
	    cmocka_unit_test(a_keyring_keeps_its_own_copy),
	    cmocka_unit_test(ids_of_keys_have_1_to_64_octets),
	};
	return cmocka_run_group_tests(tests, keyring_setup, keyring_teardown);
}
