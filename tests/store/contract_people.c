/* SPDX-License-Identifier: Apache-2.0 */
/* The contract: people. Users and what only one of a tenant may have, how they are found, keys,
 * sessions, systems. */
#include "store/contract_private.h"

#include "base/list.h"

/* --- what the cases share -------------------------------------------------------------------- */

static enum err user_put(struct desk *desk, const struct user *user)
{
	return desk_change(desk, CHANGE_USER, user);
}

/* --- fields ---------------------------------------------------------------------------------- */

static struct user full_user(void)
{
	struct user user = sample_user(1);
	user.password_hash = BYTES("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA");
	/* A text of its own for each, so that none can stand for another. */
#define USER_TEXT(name, field, member, kind, max) user.field = BYTES(member " \xC3\xA9");
#include "core/user_member.def"
#undef USER_TEXT
	user.phone = sample_number(1);
	user.phone_verified_ms = SAMPLE_MS + 1;
	user.phone_pending = sample_number(2);
	user.phone_exclusive = true;
	user.email_verified = true;
	user.force_password_change = true;
	user.disabled = true;
	user.token_epoch = UINT32_MAX;
	user.sequence = 1ull << 40;
	user.created_ms = SAMPLE_MS + 2;
	user.changed_ms = SAMPLE_MS + 3;
	user.last_login_ms = SAMPLE_MS + 4;
	return user;
}

static void user_trip(struct desk *desk, const struct user *user)
{
	assert_int_equal(user_put(desk, user), OK);
	struct user *found = user_stored(desk, user);
	assert_non_null(found);
	assert_int_equal(found->version, user->version + 1);
	users_equal(found, user);
}

static void a_user_comes_back_field_by_field(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct user full = full_user(), bare = sample_user(2);
	user_trip(desk, &full);
	user_trip(desk, &bare);
	/* Each becomes the other; first the full one lets go of its names. */
	struct user emptied = sample_user(1);
	emptied.version = 1;
	user_trip(desk, &emptied);
	full.id = bare.id;
	full.version = 1;
	user_trip(desk, &full);
	full.version = 2;
	full.custom = BYTES("");
	full.roles = BYTES("[]");
	user_trip(desk, &full);
}

/* A commit's texts are the caller's, who may write over them once it is answered. */
static void texts_are_copied(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct user full = full_user(), lent = full;
	static char lent_texts[USER_TEXTS][64];
#define USER_TEXT(name, field, member, kind, max)                                                  \
	assert_in_range(full.field.len, 1, sizeof(lent_texts[0]));                                 \
	memcpy(lent_texts[USER_##name], full.field.at, full.field.len);                            \
	lent.field.at = lent_texts[USER_##name];
#include "core/user_member.def"
#undef USER_TEXT
	assert_int_equal(user_put(desk, &lent), OK);
	memset(lent_texts, 'x', sizeof(lent_texts));
	struct user *found = user_stored(desk, &full);
	users_equal(found, &full);
	/* And what was loaded stays, whatever becomes of the row. */
	full.version = 1;
	assert_int_equal(desk_change(desk, DELETE_USER, &full), OK);
	users_equal(found, &full);
}

static void a_key_comes_back_field_by_field(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct key rows[] = {sample_key(1), sample_key(2)};
	rows[1].user = BYTES_NONE;
	rows[1].client = BYTES("shop");
	rows[1].expires_ms = SAMPLE_MS;
	rows[1].revoked = true;
	for (size_t i = 0; i < CASES_N(rows); i++) {
		assert_int_equal(desk_change(desk, CHANGE_KEY, &rows[i]), OK);
		struct key *found = key_get(desk, &rows[i]);
		assert_non_null(found);
		assert_int_equal(found->version, 1);
		assert_memory_equal(found->hash, rows[i].hash, SHA256_LEN);
		texts_equal(found->tenant, rows[i].tenant);
		texts_equal(found->client, rows[i].client);
		texts_equal(found->user, rows[i].user);
		assert_int_equal(found->expires_ms, rows[i].expires_ms);
		assert_int_equal(found->revoked, rows[i].revoked);
	}
}

static void a_session_comes_back_field_by_field(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct session rows[] = {sample_session(1), sample_session(2)};
	rows[1].user = BYTES_NONE;
	rows[1].client = BYTES("shop");
	rows[1].token_epoch = UINT32_MAX;
	rows[1].permanent = true;
	rows[1].used_ms = SAMPLE_MS + 7;
	for (size_t i = 0; i < CASES_N(rows); i++) {
		assert_int_equal(desk_change(desk, CHANGE_SESSION, &rows[i]), OK);
		struct session *found = session_get(desk, &rows[i]);
		assert_non_null(found);
		assert_int_equal(found->version, 1);
		assert_memory_equal(found->hash, rows[i].hash, SHA256_LEN);
		texts_equal(found->tenant, rows[i].tenant);
		texts_equal(found->client, rows[i].client);
		texts_equal(found->user, rows[i].user);
		assert_int_equal(found->token_epoch, rows[i].token_epoch);
		assert_int_equal(found->permanent, rows[i].permanent);
		assert_int_equal(found->created_ms, rows[i].created_ms);
		assert_int_equal(found->used_ms, rows[i].used_ms);
		assert_int_equal(found->expires_ms, rows[i].expires_ms);
		assert_false(found->ended);
	}
}

static void a_system_comes_back_field_by_field(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct system rows[] = {sample_system(), {.tenant = BYTES("acme"), .id = BYTES("bare")}};
	rows[0].sealed_secret = (struct bytes){"\0\xFF\x01", 3};
	rows[0].allow_plain_secret = true;
	for (size_t i = 0; i < CASES_N(rows); i++) {
		assert_int_equal(desk_change(desk, CHANGE_SYSTEM, &rows[i]), OK);
		struct system *found = system_get(desk, &rows[i]);
		assert_non_null(found);
		assert_int_equal(found->version, 1);
		texts_equal(found->tenant, rows[i].tenant);
		texts_equal(found->id, rows[i].id);
		texts_equal(found->sealed_secret, rows[i].sealed_secret);
		texts_equal(found->key_id, rows[i].key_id);
		assert_int_equal(found->signing, rows[i].signing);
		assert_int_equal(found->allow_plain_secret, rows[i].allow_plain_secret);
	}
}

/* --- what only one may have ------------------------------------------------------------------ */

/* Gives a user one of the things that only one may have. */
typedef void (*give_fn)(struct user *user);

static void give_name(struct user *user)
{
	user->user_name = user->version ? BYTES("ADA.Lovelace") : BYTES("ada.LOVELACE");
}

static void give_uuid(struct user *user)
{
	user->uuid = BYTES("5b0c2a52-7d0c-4d0e-8a39-1f2f3a4b5c6d");
}

static void give_phone(struct user *user)
{
	user->phone = sample_number(7);
	user->phone_verified_ms = SAMPLE_MS;
	user->phone_exclusive = true;
}

static const give_fn gives[] = {give_name, give_uuid, give_phone};

static void only_one_of_a_tenant_has_a_name_a_uuid_or_an_exclusive_phone(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	for (unsigned i = 0; i < CASES_N(gives); i++) {
		struct user first = sample_user(10 * i), second = sample_user(10 * i + 1);
		struct user foreign = sample_user(10 * i);
		struct event event = sample_event(i);
		foreign.tenant = BYTES("other");
		assert_int_equal(user_put(desk, &second), OK);
		gives[i](&first);
		gives[i](&foreign);
		assert_int_equal(user_put(desk, &first), OK);
		/* Nor does the rest of the commit happen, wherever it stands. */
		second.version = 1;
		gives[i](&second);
		for (int before = 0; before < 2; before++) {
			struct change changes[2];
			changes[!before] = (struct change){CHANGE_EVENT, .event = &event};
			changes[before] = (struct change){CHANGE_USER, .user = &second};
			assert_int_equal(desk_commit(desk, changes, 2), ERR_CONFLICT);
		}
		assert_int_equal(user_stored(desk, &second)->version, 1);
		second.version = VERSION_ANY;
		assert_int_equal(user_put(desk, &second), ERR_CONFLICT);
		struct user third = sample_user(10 * i + 2);
		gives[i](&third);
		assert_int_equal(user_put(desk, &third), ERR_CONFLICT);
		assert_null(user_stored(desk, &third));
		/* He who has it may keep it, and another tenant's people have their own. */
		first.version = 1;
		gives[i](&first);
		assert_int_equal(user_put(desk, &first), OK);
		assert_int_equal(user_put(desk, &foreign), OK);
		/* Once he lets go it is free. */
		first = sample_user(10 * i);
		first.version = 2;
		assert_int_equal(user_put(desk, &first), OK);
		assert_int_equal(user_put(desk, &third), OK);
	}
	assert_int_equal(desk_count(desk).events, 0);
}

static void a_phone_is_exclusive_only_where_both_say_so_and_it_is_verified(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct user rows[5];
	for (unsigned i = 0; i < CASES_N(rows); i++) {
		rows[i] = sample_user(i);
		give_phone(&rows[i]);
	}
	rows[1].phone_exclusive = false;
	rows[2].phone_verified_ms = 0;
	rows[3].phone_pending = rows[3].phone;
	rows[3].phone = sample_number(8);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(user_put(desk, &rows[i]), OK);
	assert_int_equal(user_put(desk, &rows[4]), ERR_CONFLICT);
	/* Exclusive, but no phone: nobody is in the way of anybody. */
	struct user none = sample_user(20), neither = sample_user(21);
	none.phone_exclusive = neither.phone_exclusive = true;
	none.phone_verified_ms = neither.phone_verified_ms = SAMPLE_MS;
	assert_int_equal(user_put(desk, &none), OK);
	assert_int_equal(user_put(desk, &neither), OK);
}

/* What counts is how things stand after all changes, whichever is named first. */
static void names_change_hands_within_a_commit(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	for (unsigned i = 0; i < CASES_N(gives); i++)
		for (unsigned order = 0; order < 2; order++) {
			unsigned n = 100 * i + 10 * order;
			struct user older = sample_user(n), newer = sample_user(n + 1);
			gives[i](&older);
			assert_int_equal(user_put(desk, &older), OK);
			older = sample_user(n);
			older.version = 1;
			gives[i](&newer);
			struct change changes[2];
			changes[order] = (struct change){CHANGE_USER, .user = &older};
			changes[!order] = (struct change){CHANGE_USER, .user = &newer};
			assert_int_equal(desk_commit(desk, changes, 2), OK);
			users_equal(user_stored(desk, &newer), &newer);
			users_equal(user_stored(desk, &older), &older);
			/* And from one who goes. */
			newer.version = 1;
			older.version = 2;
			gives[i](&older);
			changes[order] = (struct change){DELETE_USER, .user = &newer};
			changes[!order] = (struct change){CHANGE_USER, .user = &older};
			assert_int_equal(desk_commit(desk, changes, 2), OK);
			assert_null(user_stored(desk, &newer));
			users_equal(user_stored(desk, &older), &older);
			older = sample_user(n);
			older.version = 3;
			assert_int_equal(user_put(desk, &older), OK);
		}
}

static void two_swap_names(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct user a = sample_user(1), b = sample_user(2);
	a.user_name = BYTES("ada");
	b.user_name = BYTES("bea");
	assert_int_equal(user_put(desk, &a), OK);
	assert_int_equal(user_put(desk, &b), OK);
	a.version = b.version = 1;
	a.user_name = BYTES("BEA");
	b.user_name = BYTES("Ada");
	const struct change changes[] = {{CHANGE_USER, .user = &a}, {CHANGE_USER, .user = &b}};
	assert_int_equal(desk_commit(desk, changes, 2), OK);
	users_equal(user_get(desk, BYTES("acme"), USER_BY_NAME, BYTES("ada")), &b);
	users_equal(user_get(desk, BYTES("acme"), USER_BY_NAME, BYTES("bea")), &a);
	/* A swap that is out of date changes nothing. */
	assert_int_equal(desk_commit(desk, changes, 2), ERR_CONFLICT);
	users_equal(user_get(desk, BYTES("acme"), USER_BY_NAME, BYTES("ada")), &b);
	assert_int_equal(user_stored(desk, &a)->version, 2);
}

static void two_of_one_commit_cannot_share_a_name(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	for (unsigned i = 0; i < CASES_N(gives); i++) {
		struct user a = sample_user(1), b = sample_user(2);
		gives[i](&a);
		gives[i](&b);
		const struct change changes[] = {{CHANGE_USER, .user = &a},
		                                 {CHANGE_USER, .user = &b}};
		assert_int_equal(desk_commit(desk, changes, 2), ERR_CONFLICT);
		assert_null(user_stored(desk, &a));
		assert_null(user_stored(desk, &b));
	}
}

/* --- versions -------------------------------------------------------------------------------- */

static void a_deletion_compares_the_version(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct user user = sample_user(1);
	/* Nobody before, nobody after. */
	assert_int_equal(desk_change(desk, DELETE_USER, &user), OK);
	user.version = 1;
	assert_int_equal(desk_change(desk, DELETE_USER, &user), ERR_CONFLICT);
	user.version = 0;
	assert_int_equal(user_put(desk, &user), OK);
	static const uint64_t others[] = {0, 2, UINT64_MAX - 1};
	for (size_t i = 0; i < CASES_N(others); i++) {
		user.version = others[i];
		assert_int_equal(desk_change(desk, DELETE_USER, &user), ERR_CONFLICT);
	}
	assert_non_null(user_stored(desk, &user));
	user.version = 1;
	assert_int_equal(desk_change(desk, DELETE_USER, &user), OK);
	assert_null(user_stored(desk, &user));
	user.version = VERSION_ANY;
	assert_int_equal(desk_change(desk, DELETE_USER, &user), OK);
	user.version = 0;
	assert_int_equal(user_put(desk, &user), OK);
	user.version = VERSION_ANY;
	assert_int_equal(desk_change(desk, DELETE_USER, &user), OK);
	assert_int_equal(desk_count(desk).users, 0);
}

static void keys_and_sessions_go_with_their_user(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct user user = sample_user(1);
	struct key keys[4] = {sample_key(1), sample_key(2), sample_key(3), sample_key(4)};
	struct session sessions[4] = {sample_session(1), sample_session(2), sample_session(3),
	                              sample_session(4)};
	keys[1].user = sessions[1].user = user.id;
	/* Another tenant's user of this id, and a client of this name. */
	keys[2].user = sessions[2].user = user.id;
	keys[2].tenant = sessions[2].tenant = BYTES("other");
	keys[3].user = sessions[3].user = BYTES_NONE;
	keys[3].client = sessions[3].client = user.id;
	assert_int_equal(user_put(desk, &user), OK);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(desk_change(desk, CHANGE_KEY, &keys[i]), OK);
		assert_int_equal(desk_change(desk, CHANGE_SESSION, &sessions[i]), OK);
	}
	user.version = 1;
	assert_int_equal(desk_change(desk, DELETE_USER, &user), OK);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(key_get(desk, &keys[i]) != NULL, i >= 2);
		assert_int_equal(session_get(desk, &sessions[i]) != NULL, i >= 2);
	}
}

static void a_session_that_ended_is_gone(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct session session = sample_session(1);
	assert_int_equal(desk_change(desk, CHANGE_SESSION, &session), OK);
	session.ended = true;
	assert_int_equal(desk_change(desk, CHANGE_SESSION, &session), ERR_CONFLICT);
	session.version = 1;
	assert_int_equal(desk_change(desk, CHANGE_SESSION, &session), OK);
	assert_null(session_get(desk, &session));
	assert_int_equal(desk_change(desk, CHANGE_SESSION, &session), ERR_CONFLICT);
	session.version = VERSION_ANY;
	assert_int_equal(desk_change(desk, CHANGE_SESSION, &session), OK);
	session.version = 0;
	assert_int_equal(desk_change(desk, CHANGE_SESSION, &session), OK);
	assert_int_equal(desk_count(desk).sessions, 0);
}

static void a_guard_of_a_user_writes_nothing(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct user user = sample_user(1);
	assert_int_equal(desk_change(desk, GUARD_USER, &user), OK);
	assert_null(user_stored(desk, &user));
	user.version = 1;
	assert_int_equal(desk_change(desk, GUARD_USER, &user), ERR_CONFLICT);
	user.version = 0;
	assert_int_equal(user_put(desk, &user), OK);
	assert_int_equal(desk_change(desk, GUARD_USER, &user), ERR_CONFLICT);
	user.version = 1;
	user.disabled = true;
	assert_int_equal(desk_change(desk, GUARD_USER, &user), OK);
	user.version = VERSION_ANY;
	assert_int_equal(desk_change(desk, GUARD_USER, &user), OK);
	assert_false(user_stored(desk, &user)->disabled);
	assert_int_equal(user_stored(desk, &user)->version, 1);
}

static void sessions_are_purged_once_they_have_expired(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	static const int64_t expires_ms[] = {-1, 0, 1, 3600000};
	struct session sessions[CASES_N(expires_ms)];
	for (unsigned i = 0; i < CASES_N(expires_ms); i++) {
		sessions[i] = sample_session(i);
		sessions[i].expires_ms = SAMPLE_MS + expires_ms[i];
		assert_int_equal(desk_change(desk, CHANGE_SESSION, &sessions[i]), OK);
	}
	assert_int_equal(desk_purge_all(desk, SAMPLE_MS, 0), 2);
	for (unsigned i = 0; i < CASES_N(expires_ms); i++)
		assert_int_equal(session_get(desk, &sessions[i]) != NULL, i >= 2);
	/* In steps. */
	for (unsigned i = 10; i < 10 + PURGE_STEP + 1; i++) {
		struct session session = sample_session(i);
		assert_int_equal(desk_change(desk, CHANGE_SESSION, &session), OK);
	}
	size_t deleted;
	bool more;
	assert_int_equal(desk_purge(desk, SAMPLE_MS + 3600000, 0, &deleted, &more), OK);
	assert_int_equal(deleted, PURGE_STEP);
	assert_true(more);
	assert_int_equal(desk_purge_all(desk, SAMPLE_MS + 3600000, 0), 3);
	assert_int_equal(desk_count(desk).sessions, 0);
}

const struct CMUnitTest contract_people[] = {
    CASE(a_user_comes_back_field_by_field),
    CASE(texts_are_copied),
    CASE(a_key_comes_back_field_by_field),
    CASE(a_session_comes_back_field_by_field),
    CASE(a_system_comes_back_field_by_field),
    CASE(only_one_of_a_tenant_has_a_name_a_uuid_or_an_exclusive_phone),
    CASE(a_phone_is_exclusive_only_where_both_say_so_and_it_is_verified),
    CASE(names_change_hands_within_a_commit),
    CASE(two_swap_names),
    CASE(two_of_one_commit_cannot_share_a_name),
    CASE(a_deletion_compares_the_version),
    CASE(keys_and_sessions_go_with_their_user),
    CASE(a_session_that_ended_is_gone),
    CASE(a_guard_of_a_user_writes_nothing),
    CASE(sessions_are_purged_once_they_have_expired),
};
const size_t contract_people_n = CASES_N(contract_people);
