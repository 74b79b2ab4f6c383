/* SPDX-License-Identifier: Apache-2.0 */
#include "cases.h"

#include "base/password.h"

static void test_hash_and_match(void **state)
{
	(void)state;
	char hash[PASSWORD_HASH_MAX], again[PASSWORD_HASH_MAX];
	assert_int_equal(password_hash(BYTES("demo-password"), hash), OK);
	struct bytes text = bytes_from_text(hash);
	assert_true(bytes_start_with(text, BYTES("$argon2id$v=19$m=19456,t=2,p=1$")));
	assert_true(password_is_hash(text));
	assert_true(password_matches(text, BYTES("demo-password")));
	assert_false(password_matches(text, BYTES("demo-passwore")));
	assert_false(password_matches(text, BYTES("demo-passwor")));
	assert_false(password_matches(text, BYTES("demo-password ")));
	assert_false(password_matches(text, BYTES_NONE));
	/* A salt of its own each time. */
	assert_int_equal(password_hash(BYTES("demo-password"), again), OK);
	assert_string_not_equal(hash, again);
}

static void test_odd_passwords(void **state)
{
	(void)state;
	static char long_one[PASSWORD_MAX];
	memset(long_one, 'x', sizeof(long_one));
	const struct bytes passwords[] = {
	    BYTES(""),
	    BYTES_NONE,
	    BYTES("a\0b"),
	    BYTES("\xF0\x9F\x94\x91 \xFF"),
	    {long_one, sizeof(long_one)},
	};
	for (size_t i = 0; i < sizeof(passwords) / sizeof(passwords[0]); i++) {
		char hash[PASSWORD_HASH_MAX];
		assert_int_equal(password_hash(passwords[i], hash), OK);
		assert_true(password_matches(bytes_from_text(hash), passwords[i]));
	}
	char hash[PASSWORD_HASH_MAX];
	assert_int_equal(password_hash(BYTES("a\0b"), hash), OK);
	assert_false(password_matches(bytes_from_text(hash), BYTES("a\0c")));
	assert_false(password_matches(bytes_from_text(hash), BYTES("a")));
}

/* Other parameters than ours are read all the same. */
static void test_other_parameters(void **state)
{
	(void)state;
	struct bytes hash = BYTES("$argon2id$v=19$m=64,t=1,p=1$WLGY6X+LSNsza7V3ADfiHw$"
	                          "T8gHpYMrmzBczV1zZq4h8h6NcbfQtmvwY7Y5ah8R7j4");
	assert_true(password_is_hash(hash));
	assert_true(password_matches(hash, BYTES("elsewhere")));
	assert_false(password_matches(hash, BYTES("Elsewhere")));
}

struct row {
	const char *name;
	struct bytes text;
	bool is_hash;
};

#define SALT_AND_HASH "$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static const struct row rows[] = {
    {"ours", BYTES("$argon2id$v=19$m=19456,t=2,p=1" SALT_AND_HASH), true},
    {"most memory", BYTES("$argon2id$v=19$m=65536,t=2,p=1" SALT_AND_HASH), true},
    {"too much memory", BYTES("$argon2id$v=19$m=65537,t=2,p=1" SALT_AND_HASH), false},
    {"far too much memory", BYTES("$argon2id$v=19$m=4294967295,t=2,p=1" SALT_AND_HASH), false},
    {"most passes", BYTES("$argon2id$v=19$m=64,t=16,p=1" SALT_AND_HASH), true},
    {"too many passes", BYTES("$argon2id$v=19$m=64,t=17,p=1" SALT_AND_HASH), false},
    {"no passes", BYTES("$argon2id$v=19$m=64,t=0,p=1" SALT_AND_HASH), false},
    {"least memory", BYTES("$argon2id$v=19$m=8,t=1,p=1" SALT_AND_HASH), true},
    {"too little memory", BYTES("$argon2id$v=19$m=7,t=1,p=1" SALT_AND_HASH), false},
    {"two lanes", BYTES("$argon2id$v=19$m=64,t=1,p=2" SALT_AND_HASH), false},
    {"negative memory", BYTES("$argon2id$v=19$m=-1,t=1,p=1" SALT_AND_HASH), false},
    {"signed memory", BYTES("$argon2id$v=19$m=+64,t=1,p=1" SALT_AND_HASH), false},
    {"spaced memory", BYTES("$argon2id$v=19$m= 64,t=1,p=1" SALT_AND_HASH), false},
    {"argon2i", BYTES("$argon2i$v=19$m=64,t=3,p=1" SALT_AND_HASH), false},
    {"argon2d", BYTES("$argon2d$v=19$m=64,t=3,p=1" SALT_AND_HASH), false},
    {"another version", BYTES("$argon2id$v=16$m=64,t=1,p=1" SALT_AND_HASH), false},
    {"bcrypt", BYTES("$2y$10$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234"), false},
    {"capital prefix", BYTES("$Argon2id$v=19$m=64,t=1,p=1" SALT_AND_HASH), false},
    {"prefix only", BYTES("$argon2id$"), false},
    {"no salt", BYTES("$argon2id$v=19$m=64,t=1,p=1$"), false},
    {"no hash", BYTES("$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA"), false},
    {"rest after the hash", BYTES("$argon2id$v=19$m=64,t=1,p=1" SALT_AND_HASH "$x"), false},
    {"bad base64", BYTES("$argon2id$v=19$m=64,t=1,p=1$c29tZ!NhbHRzb21lc2FsdA$AAAA"), false},
    {"a NUL at the end", BYTES("$argon2id$v=19$m=64,t=1,p=1" SALT_AND_HASH "\0"), false},
    {"a NUL inside", BYTES("$argon2id$v=19$m=64,\0t=1,p=1" SALT_AND_HASH), false},
    {"nothing", BYTES(""), false},
    {"absent", {NULL, 0}, false},
    {"a password that looks like nothing", BYTES("hunter2"), false},
    {"128 octets",
     BYTES("$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$"
           "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
           "AAAAA"),
     false},
};

static void test_is_hash(void **state)
{
	const struct row *row = ROW_OF(state, struct row);
	assert_int_equal(password_is_hash(row->text), row->is_hash);
	/* What is no hash matches no password, and neither does one of zeros. */
	assert_false(password_matches(row->text, BYTES("hunter2")));
	for (size_t len = 0; len < row->text.len; len++)
		(void)password_is_hash(bytes_first(row->text, len));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_hash_and_match),
	    cmocka_unit_test(test_odd_passwords),
	    cmocka_unit_test(test_other_parameters),
	};
	static struct cases cases;
	CASES_ADD(&cases, tests);
	CASES_ADD_ROWS(&cases, "hash", rows, test_is_hash);
	return cases_run("password", &cases);
}
