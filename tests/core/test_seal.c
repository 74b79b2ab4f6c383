/* SPDX-License-Identifier: Apache-2.0 */
/* Seals: what was sealed for a tenant and an id opens for them, with that key, unchanged. */
#include "core/seal.h"

#include "support/engine.h"

#define SECRET "demo-system-secret"
#define SEALED_LEN (sizeof(SECRET) - 1 + SEAL_OVERHEAD)

static struct keyring *keyring;
static struct test_rng rng;

static int seal_setup(void **state)
{
	(void)state;
	keyring = test_keyring();
	test_rng_init(&rng, 1);
	return 0;
}

static int seal_teardown(void **state)
{
	(void)state;
	keyring_free(keyring);
	return 0;
}

static void make(uint8_t ret[SEALED_LEN])
{
	assert_int_equal(
	    seal_make(keyring, &rng.rng, BYTES("demo"), BYTES("system"), BYTES(SECRET), ret), OK);
}

static enum err open_as(const char *key, const char *tenant, const char *id, struct bytes sealed)
{
	uint8_t plain[SEALED_LEN];
	enum err err = seal_open(keyring, bytes_from_text(key), bytes_from_text(tenant),
	                         bytes_from_text(id), sealed, plain);
	if (err == OK)
		assert_memory_equal(plain, SECRET, sizeof(SECRET) - 1);
	return err;
}

static void it_opens_for_whom_it_was_sealed(void **state)
{
	(void)state;
	uint8_t sealed[SEALED_LEN];
	make(sealed);
	struct bytes whole = bytes_of(sealed, SEALED_LEN);
	assert_null(memmem(sealed, SEALED_LEN, "system", 6));
	assert_int_equal(open_as("k2", "demo", "system", whole), OK);
	assert_int_equal(open_as("k1", "demo", "system", whole), ERR_MALFORMED);
	assert_int_equal(open_as("k3", "demo", "system", whole), ERR_UNSUPPORTED);
	assert_int_equal(open_as("k2", "Demo", "system", whole), ERR_MALFORMED);
	assert_int_equal(open_as("k2", "demo", "system2", whole), ERR_MALFORMED);
	/* The two are not one text. */
	assert_int_equal(open_as("k2", "demos", "ystem", whole), ERR_MALFORMED);
}

static void two_seals_of_one_secret_differ(void **state)
{
	(void)state;
	uint8_t a[SEALED_LEN], b[SEALED_LEN];
	make(a);
	make(b);
	assert_memory_not_equal(a, b, AEAD_NONCE_LEN);
	assert_memory_not_equal(a + AEAD_NONCE_LEN, b + AEAD_NONCE_LEN, sizeof(SECRET) - 1);
}

static void each_bit_changed_is_refused_and_shows_nothing(void **state)
{
	(void)state;
	uint8_t sealed[SEALED_LEN], plain[sizeof(SECRET) - 1], zeros[sizeof(plain)] = {0};
	make(sealed);
	for (size_t bit = 0; bit < SEALED_LEN * 8; bit++) {
		sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(seal_open(keyring, BYTES("k2"), BYTES("demo"), BYTES("system"),
		                           bytes_of(sealed, SEALED_LEN), plain),
		                 ERR_MALFORMED);
		assert_memory_equal(plain, zeros, sizeof(plain));
		sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(open_as("k2", "demo", "system", bytes_of(sealed, SEALED_LEN)), OK);
}

static void each_prefix_is_refused(void **state)
{
	(void)state;
	uint8_t sealed[SEALED_LEN];
	make(sealed);
	for (size_t len = 0; len < SEALED_LEN; len++) {
		uint8_t *part = malloc(len ? len : 1);
		assert_non_null(part);
		memcpy(part, sealed, len);
		assert_int_equal(open_as("k2", "demo", "system", bytes_of(part, len)),
		                 ERR_MALFORMED);
		free(part);
	}
}

static void an_empty_secret_is_one_too(void **state)
{
	(void)state;
	uint8_t sealed[SEAL_OVERHEAD], nothing[1];
	assert_int_equal(
	    seal_make(keyring, &rng.rng, BYTES("demo"), BYTES("system"), BYTES(""), sealed), OK);
	assert_int_equal(seal_open(keyring, BYTES("k2"), BYTES("demo"), BYTES("system"),
	                           bytes_of(sealed, sizeof(sealed)), nothing),
	                 OK);
	sealed[SEAL_OVERHEAD - 1] ^= 1;
	assert_int_equal(seal_open(keyring, BYTES("k2"), BYTES("demo"), BYTES("system"),
	                           bytes_of(sealed, sizeof(sealed)), nothing),
	                 ERR_MALFORMED);
}

static void without_random_octets_nothing_is_sealed(void **state)
{
	(void)state;
	uint8_t sealed[SEALED_LEN];
	rng.fails_from = 1;
	assert_int_equal(
	    seal_make(keyring, &rng.rng, BYTES("demo"), BYTES("system"), BYTES(SECRET), sealed),
	    ERR_RANDOM);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, seal_setup, seal_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(it_opens_for_whom_it_was_sealed),
	    CASE(two_seals_of_one_secret_differ),
	    CASE(each_bit_changed_is_refused_and_shows_nothing),
	    CASE(each_prefix_is_refused),
	    CASE(an_empty_secret_is_one_too),
	    CASE(without_random_octets_nothing_is_sealed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
