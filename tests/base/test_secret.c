/* SPDX-License-Identifier: Apache-2.0 */
/* Digests and keys against published vectors: RFC 4231 for HMAC, RFC 5869 for HKDF, FIPS 180 for
 * SHA-256. Those marked "own" were computed with another implementation. */
#include "cases.h"

#include "base/secret.h"

#include <limits.h>

static void hex_format(const uint8_t *octets, size_t len, char *to)
{
	for (size_t i = 0; i < len; i++)
		(void)snprintf(to + 2 * i, 3, "%02x", octets[i]);
}

struct mac {
	const char *name;
	struct bytes key, text;
	const char *expected;
};

#define AA_20 "\xAA\xAA\xAA\xAA\xAA\xAA\xAA\xAA\xAA\xAA\xAA\xAA\xAA\xAA\xAA\xAA\xAA\xAA\xAA\xAA"
#define AA_131 AA_20 AA_20 AA_20 AA_20 AA_20 AA_20 "\xAA\xAA\xAA\xAA\xAA\xAA\xAA\xAA\xAA\xAA\xAA"
#define CD_10 "\xCD\xCD\xCD\xCD\xCD\xCD\xCD\xCD\xCD\xCD"
#define DD_10 "\xDD\xDD\xDD\xDD\xDD\xDD\xDD\xDD\xDD\xDD"
#define K_64 "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"

static const struct mac macs[] = {
    {"RFC 4231 case 1", BYTES("\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v"), BYTES("Hi There"),
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {"RFC 4231 case 2", BYTES("Jefe"), BYTES("what do ya want for nothing?"),
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {"RFC 4231 case 3", BYTES(AA_20), BYTES(DD_10 DD_10 DD_10 DD_10 DD_10),
     "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
    {"RFC 4231 case 4",
     BYTES("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0A\x0B\x0C\x0D\x0E\x0F\x10\x11\x12\x13\x14"
           "\x15\x16\x17\x18\x19"),
     BYTES(CD_10 CD_10 CD_10 CD_10 CD_10),
     "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
    {"RFC 4231 case 5, whole", BYTES("\f\f\f\f\f\f\f\f\f\f\f\f\f\f\f\f\f\f\f\f"),
     BYTES("Test With Truncation"),
     "a3b6167473100ee06e0c796c2955552bfa6f7c0a6a8aef8b93f860aab0cd20c5"},
    {"RFC 4231 case 6", BYTES(AA_131),
     BYTES("Test Using Larger Than Block-Size Key - Hash Key First"),
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    {"RFC 4231 case 7", BYTES(AA_131),
     BYTES("This is a test using a larger than block-size key and a larger than block-size "
           "data. The key needs to be hashed before being used by the HMAC algorithm."),
     "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
    {"own: no key, no text", BYTES(""), BYTES(""),
     "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"},
    {"own: absent key and text",
     {NULL, 0},
     {NULL, 0},
     "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"},
    {"own: absent key",
     {NULL, 0},
     BYTES("x"),
     "4cbc96099a6467ce002461f10549b4898265ebe6188b45efacc44293516e62c4"},
    {"own: key of a block", BYTES(K_64), BYTES("block"),
     "1b7ee2f78bbad5f9d29e0b4e5f639ae046d13e1763f1ebc7a439089c128f294a"},
    {"own: key of a block and one", BYTES(K_64 "k"), BYTES("block+1"),
     "cbfbaa2cc8832934cba1503dcf455e623dc9ef78d31a14648eaeae34357be97e"},
};

/* Twice with one key, and in parts cut anywhere: always the same. */
static void test_mac(void **state)
{
	const struct mac *row = ROW_OF(state, struct mac);
	uint8_t mac[SHA256_LEN];
	char hex[2 * SHA256_LEN + 1];
	struct hmac *hmac = hmac_new(row->key);
	assert_non_null(hmac);
	for (size_t cut = 0; cut <= row->text.len; cut++) {
		struct bytes parts[3] = {bytes_first(row->text, cut), BYTES_NONE,
		                         bytes_from(row->text, cut)};
		assert_int_equal(hmac_compute(hmac, parts, 3, mac), OK);
		hex_format(mac, sizeof(mac), hex);
		assert_string_equal(hex, row->expected);
	}
	if (row->text.len == 0) {
		assert_int_equal(hmac_compute(hmac, NULL, 0, mac), OK);
		hex_format(mac, sizeof(mac), hex);
		assert_string_equal(hex, row->expected);
	}
	hmac_free(hmac);
}

struct derived {
	const char *name;
	struct bytes key, info;
	size_t len;
	const char *expected;
};

static const struct derived deriveds[] = {
    {"RFC 5869 case 3", BYTES("\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v"), BYTES(""), 42,
     "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
    {"RFC 5869 case 3, info absent",
     BYTES("\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v"),
     {NULL, 0},
     42,
     "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
    {"own: case 1's info, no salt", BYTES("\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v"),
     BYTES("\xF0\xF1\xF2\xF3\xF4\xF5\xF6\xF7\xF8\xF9"), 42,
     "abbafb13f5c1bc489d4203135817956dd521b39e3bd61d1cc85cef884d1f8e2e2ca9c19f23df620dd394"},
    {"own: a key of 32",
     BYTES("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0A\x0B\x0C\x0D\x0E\x0F\x10\x11\x12\x13"
           "\x14\x15\x16\x17\x18\x19\x1A\x1B\x1C\x1D\x1E\x1F"),
     BYTES("verifyd code"), 32, "f1ab9e8694ba4c682dfd89d86a7023d2f746ea4f6da5a22b0fdabfd8c61bd96b"},
};

static void test_derived(void **state)
{
	const struct derived *row = ROW_OF(state, struct derived);
	uint8_t key[64];
	char hex[2 * sizeof(key) + 1];
	assert_int_equal(secret_hkdf(row->key, row->info, key, row->len), OK);
	hex_format(key, row->len, hex);
	assert_string_equal(hex, row->expected);
}

static void test_derived_at_its_longest(void **state)
{
	(void)state;
	static uint8_t key[255 * SHA256_LEN + 1];
	char hex[2 * SHA256_LEN + 1];
	uint8_t from[SECRET_KEY_LEN], sum[SHA256_LEN];
	for (size_t i = 0; i < sizeof(from); i++)
		from[i] = (uint8_t)i;
	struct bytes secret = {(const char *)from, sizeof(from)};
	assert_int_equal(secret_hkdf(secret, BYTES("long"), key, sizeof(key) - 1), OK);
	assert_int_equal(secret_sha256((struct bytes){(const char *)key, sizeof(key) - 1}, sum),
	                 OK);
	hex_format(sum, sizeof(sum), hex);
	assert_string_equal(hex,
	                    "033a0401d985270082855f5dd681c543880aa6317dbd279e9d7d29e95e74ba64");
	assert_int_equal(secret_hkdf(secret, BYTES("long"), key, sizeof(key)), ERR_CRYPTO);
}

static void test_sha256(void **state)
{
	(void)state;
	static char million[1000000];
	static const struct {
		struct bytes in;
		const char *expected;
	} rows[] = {
	    {BYTES(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
	    {{NULL, 0}, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
	    {BYTES("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	    {BYTES("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
	     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
	    {{million, sizeof(million)},
	     "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
	};
	memset(million, 'a', sizeof(million));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t sum[SHA256_LEN];
		char hex[2 * SHA256_LEN + 1];
		assert_int_equal(secret_sha256(rows[i].in, sum), OK);
		hex_format(sum, sizeof(sum), hex);
		assert_string_equal(hex, rows[i].expected);
	}
}

static void test_equal_and_wipe(void **state)
{
	(void)state;
	char a[32] = "the same", b[32] = "the same";
	assert_true(secret_equal(a, b, sizeof(a)));
	for (size_t i = 0; i < sizeof(a); i++) {
		b[i] ^= 1;
		assert_false(secret_equal(a, b, sizeof(a)));
		b[i] ^= 1;
	}
	assert_true(secret_equal(a, "x", 0));
	secret_wipe(a, sizeof(a));
	for (size_t i = 0; i < sizeof(a); i++)
		assert_int_equal(a[i], 0);
}

static void test_free_takes_null(void **state)
{
	(void)state;
	hmac_free(NULL);
}

static void test_random_octets_differ(void **state)
{
	(void)state;
	uint8_t a[64] = {0}, b[64] = {0};
	assert_int_equal(secret_random(a, sizeof(a)), OK);
	assert_int_equal(secret_random(b, sizeof(b)), OK);
	assert_memory_not_equal(a, b, sizeof(a));
	assert_int_equal(secret_random(a, 0), OK);
}

/* What the system's generator hands out: all lengths around its pool, never the same, wiped. */
static void test_rng_system(void **state)
{
	(void)state;
	static uint8_t drawn[4 * sizeof(((struct rng_system *)0)->pool)];
	struct rng_system rng;
	rng_system_init(&rng);
	static const size_t lens[] = {0, 1, 8, 16, 1023, 1024, 1025, 4096, 7};
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		memset(drawn, 0, sizeof(drawn));
		assert_int_equal(rng_fill(&rng.rng, drawn, lens[i]), OK);
		for (size_t k = lens[i]; k < sizeof(drawn); k++)
			assert_int_equal(drawn[k], 0);
		if (lens[i] >= 16) {
			static const uint8_t zeros[16];
			assert_memory_not_equal(drawn + lens[i] - 16, zeros, 16);
		}
	}
	for (size_t k = rng.left; k < sizeof(rng.pool); k++)
		assert_int_equal(rng.pool[k], 0);
}

/* 64 KiB of it look like coin tosses: each bit is set in half of the octets, within 6 sigma. */
static void test_rng_system_is_even(void **state)
{
	(void)state;
	struct rng_system rng;
	unsigned counts[8] = {0};
	rng_system_init(&rng);
	for (int i = 0; i < 8192; i++) {
		uint8_t octets[8];
		assert_int_equal(rng_fill(&rng.rng, octets, sizeof(octets)), OK);
		for (int k = 0; k < 64; k++)
			counts[k % 8] += octets[k / 8] >> k % 8 & 1;
	}
	for (int bit = 0; bit < 8; bit++)
		assert_in_range(counts[bit], 32768 - 768, 32768 + 768);
}

struct sealed {
	const char *name;
	struct bytes plain, beside;
	const char *expected, *tag;
};

#define ZEROS_16 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"

/* Key and nonce all zero: test cases 13 and 14 of the GCM specification. */
static const struct sealed sealed_rows[] = {
    {"GCM case 13", {NULL, 0}, {NULL, 0}, "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {"GCM case 14",
     BYTES(ZEROS_16),
     {NULL, 0},
     "cea7403d4d606b6e074ec5d3baf39d18",
     "d0d1c8a799996bf0265b98b5d48ab919"},
};

static void test_sealed(void **state)
{
	const struct sealed *row = ROW_OF(state, struct sealed);
	const uint8_t zeros[SECRET_KEY_LEN] = {0};
	uint8_t out[64], tag[AEAD_TAG_LEN], plain[64];
	char hex[129];
	struct aead *aead = aead_new(zeros);
	assert_non_null(aead);
	assert_int_equal(aead_seal(aead, zeros, row->beside, row->plain, out, tag), OK);
	hex[0] = '\0';
	hex_format(out, row->plain.len, hex);
	assert_string_equal(hex, row->expected);
	hex_format(tag, sizeof(tag), hex);
	assert_string_equal(hex, row->tag);
	struct bytes sealed = bytes_of(out, row->plain.len);
	assert_int_equal(aead_open(aead, zeros, row->beside, sealed, tag, plain), OK);
	assert_memory_equal(plain, zeros, row->plain.len);
	/* Lengths that the library could not take are refused before it sees them. */
	struct bytes huge = bytes_of(out, (size_t)INT_MAX + 1);
	assert_int_equal(aead_seal(aead, zeros, huge, row->plain, out, tag), ERR_TOO_LARGE);
	assert_int_equal(aead_seal(aead, zeros, row->beside, huge, out, tag), ERR_TOO_LARGE);
	assert_int_equal(aead_open(aead, zeros, huge, sealed, tag, plain), ERR_TOO_LARGE);
	assert_int_equal(aead_open(aead, zeros, row->beside, huge, tag, plain), ERR_TOO_LARGE);
	aead_free(aead);
	aead_free(NULL);
}

static void test_realloc_keeps_what_was_there(void **state)
{
	(void)state;
	char *at = secret_realloc(NULL, 100);
	assert_non_null(at);
	for (size_t size = 100; size < 100000; size *= 3) {
		memset(at, 'x', size);
		at = secret_realloc(at, size * 3);
		assert_non_null(at);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(at[i], 'x');
	}
	at = secret_realloc(at, 10);
	assert_int_equal(at[9], 'x');
	secret_free(at);
	secret_free(NULL);
}

/* The flags of the mapping that holds `at`, as proc(5) lists them. */
static bool mapping_has_flag(const void *at, const char *flag)
{
	char line[512];
	bool here = false, found = false;
	FILE *maps = fopen("/proc/self/smaps", "r");
	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps)) {
		unsigned long from, to;
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			here = from <= (uintptr_t)at && (uintptr_t)at < to;
		else if (here && !strncmp(line, "VmFlags:", 8))
			found = strstr(line, flag);
	}
	fclose(maps);
	return found;
}

static void test_hidden_pages_are_in_no_dump(void **state)
{
	(void)state;
	static uint8_t key[3 * 4096];
	assert_false(mapping_has_flag(key + 4096, " dd"));
	secret_hide(key + 4096, SECRET_KEY_LEN);
	assert_true(mapping_has_flag(key + 4096, " dd"));
	assert_true(mapping_has_flag(key + 4096 + SECRET_KEY_LEN - 1, " dd"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_derived_at_its_longest),
	    cmocka_unit_test(test_sha256),
	    cmocka_unit_test(test_equal_and_wipe),
	    cmocka_unit_test(test_free_takes_null),
	    cmocka_unit_test(test_random_octets_differ),
	    cmocka_unit_test(test_rng_system),
	    cmocka_unit_test(test_rng_system_is_even),
	    cmocka_unit_test(test_realloc_keeps_what_was_there),
	    cmocka_unit_test(test_hidden_pages_are_in_no_dump),
	};
	static struct cases cases;
	CASES_ADD(&cases, tests);
	CASES_ADD_ROWS(&cases, "hmac", macs, test_mac);
	CASES_ADD_ROWS(&cases, "hkdf", deriveds, test_derived);
	CASES_ADD_ROWS(&cases, "sealed", sealed_rows, test_sealed);
	return cases_run("secret", &cases);
}
