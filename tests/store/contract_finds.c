/* SPDX-License-Identifier: Apache-2.0 */
/* The contract: how users are found, who has a number, and that no tenant sees another's people. */
#include "store/contract_private.h"

#define ACME BYTES("acme")
#define OTHER BYTES("other")

static void users_put(struct desk *desk, const struct user *users, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(desk_change(desk, CHANGE_USER, &users[i]), OK);
}

/* The live code of a user. */
static struct verification code_of(unsigned n, const struct user *user, enum purpose purpose)
{
	struct verification v = sample_verification(n);
	v.purpose = purpose;
	v.tenant = user->tenant;
	v.user = v.slot = user->id;
	return v;
}

static void code_put(struct desk *desk, const struct verification *v)
{
	assert_int_equal(desk_change(desk, CHANGE_VERIFICATION, v), OK);
}

static bool is_code(const struct verification *found, const struct verification *v)
{
	return found && id_equal(&found->id, &v->id);
}

/* --- one user -------------------------------------------------------------------------------- */

static void a_user_is_found_by_each_of_his_identities(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct user users[3] = {sample_user(1), sample_user(2), sample_user(3)};
	users[1].user_name = BYTES("Ada.Lovelace@Example.com");
	users[1].uuid = BYTES("5b0c2a52-7d0c-4d0e-8a39-1f2f3a4b5c6d");
	users[1].email = BYTES("Ada@Example.com");
	users[1].email_verified = true;
	users[2].email = BYTES("bea@example.com");
	users_put(desk, users, 3);
	const struct {
		enum user_by by;
		struct bytes key;
		const struct user *user; /* NULL: nobody */
	} rows[] = {
	    {USER_BY_ID, BYTES("u-2"), &users[1]},
	    {USER_BY_ID, BYTES("U-2"), NULL},
	    {USER_BY_ID, BYTES("u-"), NULL},
	    {USER_BY_ID, BYTES(""), NULL},
	    {USER_BY_NAME, BYTES("Ada.Lovelace@Example.com"), &users[1]},
	    {USER_BY_NAME, BYTES("ada.lovelace@EXAMPLE.COM"), &users[1]},
	    {USER_BY_NAME, BYTES("ada.lovelace@example.co"), NULL},
	    {USER_BY_NAME, BYTES("ada.lovelace@example.com "), NULL},
	    {USER_BY_NAME, BYTES("ada.lovelace@example.com\0"), NULL},
	    {USER_BY_NAME, BYTES("u-2"), NULL},
	    {USER_BY_NAME, BYTES(""), NULL},
	    {USER_BY_UUID, BYTES("5b0c2a52-7d0c-4d0e-8a39-1f2f3a4b5c6d"), &users[1]},
	    {USER_BY_UUID, BYTES("5B0C2A52-7D0C-4D0E-8A39-1F2F3A4B5C6D"), NULL},
	    {USER_BY_EMAIL, BYTES("ada@example.com"), &users[1]},
	    {USER_BY_EMAIL, BYTES("ADA@EXAMPLE.COM"), &users[1]},
	    {USER_BY_EMAIL, BYTES("bea@example.com"), NULL}, /* not verified */
	};
	for (size_t i = 0; i < CASES_N(rows); i++) {
		struct user *found = user_get(desk, ACME, rows[i].by, rows[i].key);
		assert_int_equal(found != NULL, rows[i].user != NULL);
		if (found)
			users_equal(found, rows[i].user);
	}
}

/* Whatever wrote it: who asks must not be taken for somebody by what stands before a NUL. */
static void a_name_with_nul_finds_nobody(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct user user = sample_user(1);
	user.user_name = user.email = BYTES("ada\0x");
	user.email_verified = true;
	users_put(desk, &user, 1);
	static const enum user_by bys[] = {USER_BY_NAME, USER_BY_EMAIL};
	for (size_t i = 0; i < CASES_N(bys); i++) {
		assert_null(user_get(desk, ACME, bys[i], BYTES("ada\0y")));
		assert_null(user_get(desk, ACME, bys[i], BYTES("ada\0x")));
		assert_null(user_get(desk, ACME, bys[i], BYTES("ada")));
	}
}

/* Other letters have no case that everybody agrees on. */
static void the_case_of_ascii_alone_is_folded(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct user users[2] = {sample_user(1), sample_user(2)};
	users[0].user_name = BYTES("\xC3\x89lise"); /* É */
	users[1].user_name = BYTES("\xC3\xA9lise"); /* é */
	users_put(desk, users, 2);
	for (size_t i = 0; i < 2; i++)
		users_equal(user_get(desk, ACME, USER_BY_NAME, users[i].user_name), &users[i]);
	users_equal(user_get(desk, ACME, USER_BY_NAME, BYTES("\xC3\x89LISE")), &users[0]);
	/* What lies between Z and a, and beside a and z, folds into nothing. */
	struct user odd = sample_user(3), even = sample_user(4);
	odd.user_name = BYTES("@[{`~");
	even.user_name = BYTES("`{[@^");
	users_put(desk, &odd, 1);
	users_put(desk, &even, 1);
	users_equal(user_get(desk, ACME, USER_BY_NAME, odd.user_name), &odd);
}

static void of_several_with_an_address_the_one_changed_last_is_found(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct user users[5];
	for (unsigned i = 0; i < 5; i++) {
		users[i] = sample_user(i);
		users[i].email = i % 2 ? BYTES("Post@example.com") : BYTES("post@EXAMPLE.com");
		users[i].email_verified = i < 4;
		users[i].changed_ms = SAMPLE_MS + (i == 4 ? 9 : i > 1);
	}
	users_put(desk, users, 5);
	/* 2 and 3 changed in one moment. */
	users_equal(user_get(desk, ACME, USER_BY_EMAIL, BYTES("post@example.com")), &users[3]);
	users[0].version = 1;
	users[0].changed_ms = SAMPLE_MS + 2;
	users_put(desk, users, 1);
	users_equal(user_get(desk, ACME, USER_BY_EMAIL, BYTES("post@example.com")), &users[0]);
	users[0].version = 2;
	users[0].email_verified = false;
	users_put(desk, users, 1);
	users_equal(user_get(desk, ACME, USER_BY_EMAIL, BYTES("post@example.com")), &users[3]);
}

static void a_namesake_depends_on_nobody(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct user users[2] = {sample_user(1), sample_user(2)};
	users[1].user_name = BYTES("ada");
	users_put(desk, users, 2);
	struct store_load load = {.want = WANT_USER | WANT_NAMESAKE,
	                          .tenant = ACME,
	                          .user_key = BYTES("u-1"),
	                          .user_name = BYTES("ADA")};
	assert_int_equal(desk_load(desk, &load), OK);
	users_equal(load.user, &users[0]);
	users_equal(load.namesake, &users[1]);
	load.user_key = BYTES("nobody");
	assert_int_equal(desk_load(desk, &load), OK);
	assert_null(load.user);
	users_equal(load.namesake, &users[1]);
	load.want = WANT_NAMESAKE;
	load.user_name = BYTES("adam");
	assert_int_equal(desk_load(desk, &load), OK);
	assert_null(load.namesake);
	load.user_name = BYTES("ada\0");
	assert_int_equal(desk_load(desk, &load), OK);
	assert_null(load.namesake);
}

static void a_user_s_codes_are_the_live_ones_of_his_id(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct user users[2] = {sample_user(1), sample_user(2)};
	users[0].user_name = BYTES("ada");
	users_put(desk, users, 2);
	struct verification phone = code_of(1, &users[0], PURPOSE_PHONE);
	struct verification login = code_of(2, &users[0], PURPOSE_LOGIN);
	struct verification number = code_of(3, &users[0], PURPOSE_NUMBER);
	struct verification others = code_of(4, &users[1], PURPOSE_PHONE);
	struct verification ended = code_of(5, &users[1], PURPOSE_LOGIN);
	ended.state = VERIFICATION_APPROVED;
	code_put(desk, &phone);
	code_put(desk, &login);
	code_put(desk, &number);
	code_put(desk, &others);
	code_put(desk, &ended);
	struct store_load load = {.want = WANT_USER | WANT_PHONE_CODE | WANT_LOGIN_CODE,
	                          .tenant = ACME,
	                          .user_by = USER_BY_NAME,
	                          .user_key = BYTES("Ada")};
	assert_int_equal(desk_load(desk, &load), OK);
	assert_true(is_code(load.phone_code, &phone));
	assert_true(is_code(load.login_code, &login));
	load.want = WANT_USER | WANT_LOGIN_CODE;
	assert_int_equal(desk_load(desk, &load), OK);
	assert_null(load.phone_code);
	assert_true(is_code(load.login_code, &login));
	load.want |= WANT_PHONE_CODE;
	load.user_by = USER_BY_ID;
	load.user_key = users[1].id;
	assert_int_equal(desk_load(desk, &load), OK);
	assert_true(is_code(load.phone_code, &others));
	assert_null(load.login_code);
	/* Without the user there are none, though his id be known. */
	users[0].version = 1;
	assert_int_equal(desk_change(desk, DELETE_USER, &users[0]), OK);
	load.user_key = users[0].id;
	assert_int_equal(desk_load(desk, &load), OK);
	assert_null(load.user);
	assert_null(load.phone_code);
	assert_null(load.login_code);
}

/* --- holders --------------------------------------------------------------------------------- */

/* Who has number 7, in `holds` ways, as the ids' last characters. */
static struct store_load holders_get(struct desk *desk, struct bytes tenant, unsigned holds,
                                     char ret[HOLDERS_MAX + 1])
{
	struct store_load load = {.want = WANT_HOLDERS,
	                          .tenant = tenant,
	                          .number = sample_number(7),
	                          .holds = holds,
	                          .holders_code = PURPOSE_PHONE};
	assert_int_equal(desk_load(desk, &load), OK);
	assert_in_range(load.holders_n, 0, HOLDERS_MAX);
	for (size_t i = 0; i < load.holders_n; i++) {
		const struct user *user = load.holders[i].user;
		ret[i] = user->id.at[user->id.len - 1];
		assert_true(bytes_equal(user->tenant, tenant));
	}
	ret[load.holders_n] = '\0';
	return load;
}

static struct user holder(unsigned n, enum hold hold, int64_t changed_ms)
{
	struct user user = sample_user(n);
	struct number *number = hold == HOLD_PENDING ? &user.phone_pending : &user.phone;
	*number = sample_number(7);
	user.phone_verified_ms = hold == HOLD_VERIFIED ? SAMPLE_MS : 0;
	user.changed_ms = SAMPLE_MS + changed_ms;
	return user;
}

static void holders_are_told_by_the_way_they_hold(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	char who[HOLDERS_MAX + 1];
	struct user users[] = {
	    holder(1, HOLD_VERIFIED, 1),
	    holder(2, HOLD_UNVERIFIED, 2),
	    holder(3, HOLD_PENDING, 3),
	    holder(4, HOLD_PENDING, 4),
	    sample_user(5),
	};
	/* Has it verified, and is to get it once more; and one whose other number is verified. */
	users[3].phone = sample_number(7);
	users[3].phone_verified_ms = SAMPLE_MS;
	users[2].phone = sample_number(8);
	users[2].phone_verified_ms = SAMPLE_MS;
	users_put(desk, users, 5);
	static const struct {
		unsigned holds;
		const char *who;
	} rows[] = {
	    {0, ""},
	    {HOLD_VERIFIED, "41"},
	    {HOLD_UNVERIFIED, "2"},
	    {HOLD_PENDING, "43"},
	    {HOLD_VERIFIED | HOLD_UNVERIFIED, "421"},
	    {HOLD_VERIFIED | HOLD_PENDING, "431"},
	    {HOLD_UNVERIFIED | HOLD_PENDING, "432"},
	    {HOLD_VERIFIED | HOLD_UNVERIFIED | HOLD_PENDING, "4321"},
	};
	for (size_t i = 0; i < CASES_N(rows); i++) {
		struct store_load load = holders_get(desk, ACME, rows[i].holds, who);
		assert_string_equal(who, rows[i].who);
		assert_false(load.holders_more);
	}
}

static void holders_who_changed_last_come_first_and_at_most_five(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	static const enum hold ways[] = {HOLD_VERIFIED, HOLD_UNVERIFIED, HOLD_PENDING};
	const unsigned all = HOLD_VERIFIED | HOLD_UNVERIFIED | HOLD_PENDING;
	char who[HOLDERS_MAX + 1];
	/* Changed at 3 1 4 2 5 3 2 6 4, of one moment the greater id first. */
	static const int64_t changed[] = {3, 1, 4, 2, 5, 3, 2, 6, 4};
	static const char *const orders[] = {"0",     "01",    "201",   "2031", "42031",
	                                     "42503", "42506", "74250", "74825"};
	for (unsigned i = 0; i < CASES_N(changed); i++) {
		struct user user = holder(i, ways[i % 3], changed[i]);
		users_put(desk, &user, 1);
		struct store_load load = holders_get(desk, ACME, all, who);
		assert_int_equal(load.holders_more, i >= HOLDERS_MAX);
		assert_string_equal(who, orders[i]);
	}
	/* More of one way than are told. */
	for (unsigned i = 10; i < 20; i++) {
		struct user user = holder(i, HOLD_VERIFIED, 10);
		users_put(desk, &user, 1);
	}
	struct store_load load = holders_get(desk, ACME, all, who);
	assert_string_equal(who, "98765");
	assert_true(load.holders_more);
	load = holders_get(desk, ACME, HOLD_UNVERIFIED, who);
	assert_string_equal(who, "741");
	assert_false(load.holders_more);
}

static void holders_come_with_their_codes(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct user users[2] = {holder(1, HOLD_PENDING, 2), holder(2, HOLD_VERIFIED, 1)};
	char who[HOLDERS_MAX + 1];
	users_put(desk, users, 2);
	struct verification phone = code_of(1, &users[0], PURPOSE_PHONE);
	struct verification login = code_of(2, &users[1], PURPOSE_LOGIN);
	code_put(desk, &phone);
	code_put(desk, &login);
	struct store_load load = holders_get(desk, ACME, HOLD_PENDING | HOLD_VERIFIED, who);
	assert_string_equal(who, "12");
	assert_true(is_code(load.holders[0].code, &phone));
	assert_null(load.holders[1].code);
	load.holders_code = 0;
	assert_int_equal(desk_load(desk, &load), OK);
	assert_null(load.holders[0].code);
	load.holders_code = PURPOSE_LOGIN;
	assert_int_equal(desk_load(desk, &load), OK);
	assert_null(load.holders[0].code);
	assert_true(is_code(load.holders[1].code, &login));
}

/* --- tenants --------------------------------------------------------------------------------- */

/* A user with everything that finds one, of whatever tenant. */
static struct user whole_user(struct bytes tenant, unsigned n)
{
	struct user user = holder(n, HOLD_VERIFIED, 5);
	user.tenant = tenant;
	user.phone_exclusive = true;
	user.phone_pending = sample_number(7);
	user.user_name = BYTES("ada");
	user.uuid = BYTES("5b0c2a52-7d0c-4d0e-8a39-1f2f3a4b5c6d");
	user.email = BYTES("ada@example.com");
	user.email_verified = true;
	return user;
}

/* What a tenant finds by everything that could find somebody: the load and its holders. */
static struct store_load all_find(struct desk *desk, struct bytes tenant, enum user_by by,
                                  struct bytes key)
{
	struct store_load load = {
	    .want = WANT_USER | WANT_NAMESAKE | WANT_PHONE_CODE | WANT_LOGIN_CODE | WANT_HOLDERS |
	            WANT_SYSTEM,
	    .tenant = tenant,
	    .user_by = by,
	    .user_key = key,
	    .user_name = BYTES("ada"),
	    .number = sample_number(7),
	    .holds = HOLD_VERIFIED | HOLD_UNVERIFIED | HOLD_PENDING,
	    .holders_code = PURPOSE_PHONE,
	    .system_id = BYTES("billing"),
	};
	assert_int_equal(desk_load(desk, &load), OK);
	return load;
}

static const struct {
	enum user_by by;
	struct bytes key;
} identities[] = {
    {USER_BY_ID, {"u-1", 3}},
    {USER_BY_NAME, {"Ada", 3}},
    {USER_BY_UUID, {"5b0c2a52-7d0c-4d0e-8a39-1f2f3a4b5c6d", 36}},
    {USER_BY_EMAIL, {"ADA@example.com", 15}},
};

/* The other tenant has somebody with everything, and one who has the number in the third way; this
 * one has users of their ids, with nothing. */
static void nothing_of_another_tenant_s_people_is_found(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct user theirs = whole_user(OTHER, 1), bare = sample_user(1);
	struct user second = holder(2, HOLD_UNVERIFIED, 1), second_bare = sample_user(2);
	second.tenant = OTHER;
	struct verification phone = code_of(1, &theirs, PURPOSE_PHONE);
	struct verification login = code_of(2, &theirs, PURPOSE_LOGIN);
	struct system system = sample_system();
	system.tenant = OTHER;
	users_put(desk, &theirs, 1);
	users_put(desk, &bare, 1);
	users_put(desk, &second, 1);
	users_put(desk, &second_bare, 1);
	code_put(desk, &phone);
	code_put(desk, &login);
	assert_int_equal(desk_change(desk, CHANGE_SYSTEM, &system), OK);
	for (size_t i = 0; i < CASES_N(identities); i++) {
		struct store_load load = all_find(desk, ACME, identities[i].by, identities[i].key);
		if (identities[i].by == USER_BY_ID)
			users_equal(load.user, &bare);
		else
			assert_null(load.user);
		assert_null(load.namesake);
		assert_null(load.phone_code);
		assert_null(load.login_code);
		assert_int_equal(load.holders_n, 0);
		assert_null(load.system);
		load = all_find(desk, OTHER, identities[i].by, identities[i].key);
		users_equal(load.user, &theirs);
		users_equal(load.namesake, &theirs);
		assert_true(is_code(load.phone_code, &phone));
		assert_true(is_code(load.login_code, &login));
		assert_int_equal(load.holders_n, 2);
		users_equal(load.holders[0].user, &theirs);
		assert_true(is_code(load.holders[0].code, &phone));
		users_equal(load.holders[1].user, &second);
		assert_non_null(load.system);
		load = all_find(desk, BYTES("third"), identities[i].by, identities[i].key);
		assert_null(load.user);
	}
}

/* Both have somebody with everything, of one id or of two: each finds its own. */
static void two_tenants_have_people_who_are_alike(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct user ours = whole_user(ACME, 1);
	struct user theirs[] = {whole_user(OTHER, 1), whole_user(BYTES("third"), 2)};
	theirs[0].changed_ms++;
	theirs[1].changed_ms--;
	/* Not taken by anybody: by those of another tenant. */
	users_put(desk, theirs, 1);
	users_put(desk, &ours, 1);
	users_put(desk, &theirs[1], 1);
	const struct user *all[] = {&ours, &theirs[0], &theirs[1]};
	for (size_t i = 0; i < CASES_N(all); i++)
		for (size_t j = 0; j < CASES_N(identities); j++) {
			struct bytes key = identities[j].key;
			if (identities[j].by == USER_BY_ID)
				key = all[i]->id;
			struct store_load load =
			    all_find(desk, all[i]->tenant, identities[j].by, key);
			users_equal(load.user, all[i]);
			users_equal(load.namesake, all[i]);
			assert_int_equal(load.holders_n, 1);
			users_equal(load.holders[0].user, all[i]);
		}
}

static void nothing_of_another_tenant_s_people_is_changed(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct user theirs[] = {whole_user(OTHER, 1), sample_user(2)};
	struct user ours[] = {whole_user(ACME, 1), sample_user(2)};
	struct key key = sample_key(1);
	struct session session = sample_session(1);
	theirs[1].tenant = key.tenant = session.tenant = OTHER;
	theirs[1].user_name = ours[1].user_name = BYTES("bea");
	users_put(desk, theirs, 2);
	users_put(desk, ours, 2);
	assert_int_equal(desk_change(desk, CHANGE_KEY, &key), OK);
	assert_int_equal(desk_change(desk, CHANGE_SESSION, &session), OK);
	/* Names change hands, then all of ours go. */
	ours[0].version = ours[1].version = 1;
	ours[0].user_name = BYTES("bea");
	ours[1].user_name = BYTES("ada");
	const struct change swap[] = {{CHANGE_USER, .user = &ours[0]},
	                              {CHANGE_USER, .user = &ours[1]}};
	assert_int_equal(desk_commit(desk, swap, 2), OK);
	ours[0].version = ours[1].version = 2;
	const struct change gone[] = {{DELETE_USER, .user = &ours[0]},
	                              {DELETE_USER, .user = &ours[1]}};
	assert_int_equal(desk_commit(desk, gone, 2), OK);
	for (size_t i = 0; i < 2; i++) {
		assert_null(user_stored(desk, &ours[i]));
		users_equal(user_stored(desk, &theirs[i]), &theirs[i]);
		assert_int_equal(user_stored(desk, &theirs[i])->version, 1);
		users_equal(user_get(desk, OTHER, USER_BY_NAME, theirs[i].user_name), &theirs[i]);
	}
	assert_non_null(key_get(desk, &key));
	assert_non_null(session_get(desk, &session));
}

const struct CMUnitTest contract_finds[] = {
    CASE(a_user_is_found_by_each_of_his_identities),
    CASE(a_name_with_nul_finds_nobody),
    CASE(the_case_of_ascii_alone_is_folded),
    CASE(of_several_with_an_address_the_one_changed_last_is_found),
    CASE(a_namesake_depends_on_nobody),
    CASE(a_user_s_codes_are_the_live_ones_of_his_id),
    CASE(holders_are_told_by_the_way_they_hold),
    CASE(holders_who_changed_last_come_first_and_at_most_five),
    CASE(holders_come_with_their_codes),
    CASE(nothing_of_another_tenant_s_people_is_found),
    CASE(two_tenants_have_people_who_are_alike),
    CASE(nothing_of_another_tenant_s_people_is_changed),
};
const size_t contract_finds_n = CASES_N(contract_finds);
