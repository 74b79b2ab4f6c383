/* SPDX-License-Identifier: Apache-2.0 */
/* People in the SQLite store: the rows of users, keys, sessions and systems, how users are found
 * but by id, and what only one of a tenant may have. */
#include "store/sqlite_private.h"

#include <assert.h>

/* --- users ----------------------------------------------------------------------------------- */

static void user_bind_key(struct binder *binder, const void *record)
{
	const struct user *user = record;
	bind_text_given(binder, user->tenant);
	bind_text_given(binder, user->id);
}

static void user_bind(struct binder *binder, const void *record)
{
	const struct user *user = record;
	bind_text(binder, user->password_hash);
#define USER_TEXT(name, field, member, kind, max) bind_text(binder, user->field);
#include "core/user_member.def"
#undef USER_TEXT
	bind_number_if(binder, &user->phone);
	bind_moment_if(binder, user->phone_verified_ms);
	bind_number_if(binder, &user->phone_pending);
	bind_integer(binder, user->phone_exclusive);
	bind_integer(binder, user->email_verified);
	bind_integer(binder, user->force_password_change);
	bind_integer(binder, user->disabled);
	bind_integer(binder, user->token_epoch);
	bind_integer(binder, (int64_t)user->sequence);
	bind_integer(binder, user->created_ms);
	bind_integer(binder, user->changed_ms);
	bind_moment_if(binder, user->last_login_ms);
}

static void user_read(struct columns *columns, void *record)
{
	struct user *user = record;
	user->tenant = column_text(columns);
	user->id = column_text(columns);
	user->version = (uint64_t)column_integer(columns);
	user->password_hash = column_text(columns);
#define USER_TEXT(name, field, member, kind, max) user->field = column_text(columns);
#include "core/user_member.def"
#undef USER_TEXT
	user->phone = column_number(columns);
	user->phone_verified_ms = column_integer(columns);
	user->phone_pending = column_number(columns);
	user->phone_exclusive = column_integer(columns);
	user->email_verified = column_integer(columns);
	user->force_password_change = column_integer(columns);
	user->disabled = column_integer(columns);
	user->token_epoch = (uint32_t)column_integer(columns);
	user->sequence = (uint64_t)column_integer(columns);
	user->created_ms = column_integer(columns);
	user->changed_ms = column_integer(columns);
	user->last_login_ms = column_integer(columns);
}

/* --- keys, sessions, systems ----------------------------------------------------------------- */

static void key_bind_key(struct binder *binder, const void *record)
{
	bind_blob(binder, ((const struct key *)record)->hash, SHA256_LEN);
}

static void key_bind(struct binder *binder, const void *record)
{
	const struct key *key = record;
	bind_text_given(binder, key->tenant);
	bind_text(binder, key->client);
	bind_text(binder, key->user);
	bind_moment_if(binder, key->expires_ms);
	bind_integer(binder, key->revoked);
}

static void key_read(struct columns *columns, void *record)
{
	struct key *key = record;
	column_octets(columns, key->hash, SHA256_LEN);
	key->version = (uint64_t)column_integer(columns);
	key->tenant = column_text(columns);
	key->client = column_text(columns);
	key->user = column_text(columns);
	key->expires_ms = column_integer(columns);
	key->revoked = column_integer(columns);
}

static void session_bind_key(struct binder *binder, const void *record)
{
	bind_blob(binder, ((const struct session *)record)->hash, SHA256_LEN);
}

static void session_bind(struct binder *binder, const void *record)
{
	const struct session *session = record;
	bind_text_given(binder, session->tenant);
	bind_text(binder, session->user);
	bind_text(binder, session->client);
	bind_integer(binder, session->token_epoch);
	bind_integer(binder, session->permanent);
	bind_integer(binder, session->created_ms);
	bind_integer(binder, session->used_ms);
	bind_integer(binder, session->expires_ms);
}

static void session_read(struct columns *columns, void *record)
{
	struct session *session = record;
	column_octets(columns, session->hash, SHA256_LEN);
	session->version = (uint64_t)column_integer(columns);
	session->tenant = column_text(columns);
	session->user = column_text(columns);
	session->client = column_text(columns);
	session->token_epoch = (uint32_t)column_integer(columns);
	session->permanent = column_integer(columns);
	session->created_ms = column_integer(columns);
	session->used_ms = column_integer(columns);
	session->expires_ms = column_integer(columns);
}

static void system_bind_key(struct binder *binder, const void *record)
{
	const struct system *system = record;
	bind_text_given(binder, system->tenant);
	bind_text_given(binder, system->id);
}

static void system_bind(struct binder *binder, const void *record)
{
	const struct system *system = record;
	bind_blob_if(binder, system->sealed_secret.at, system->sealed_secret.at,
	             system->sealed_secret.len);
	bind_text(binder, system->key_id);
	bind_integer(binder, system->signing);
	bind_integer(binder, system->allow_plain_secret);
}

static void system_read(struct columns *columns, void *record)
{
	struct system *system = record;
	system->tenant = column_text(columns);
	system->id = column_text(columns);
	system->version = (uint64_t)column_integer(columns);
	system->sealed_secret = column_text(columns);
	system->key_id = column_text(columns);
	system->signing = (enum signing)column_integer(columns);
	system->allow_plain_secret = column_integer(columns);
}

/* --- the tables ------------------------------------------------------------------------------ */

static const struct record_table user_table = {
    "user",
    2,
    2,
    {"tenant", "id", "version", "password_hash",
#define USER_TEXT(name, field, member, kind, max) #field,
#include "core/user_member.def"
#undef USER_TEXT
     "phone", "phone_verified_ms", "phone_pending", "phone_exclusive", "email_verified",
     "force_password_change", "disabled", "token_epoch", "sequence", "created_ms", "changed_ms",
     "last_login_ms"},
    user_bind_key,
    user_bind,
    user_read,
};

static const struct record_table key_table = {
    "key",
    1,
    1,
    {"hash", "version", "tenant", "client", "user", "expires_ms", "revoked"},
    key_bind_key,
    key_bind,
    key_read,
};

static const struct record_table session_table = {
    "session",
    1,
    1,
    {"hash", "version", "tenant", "user", "client", "token_epoch", "permanent", "created_ms",
     "used_ms", "expires_ms"},
    session_bind_key,
    session_bind,
    session_read,
};

static const struct record_table system_table = {
    "system",
    2,
    2,
    {"tenant", "id", "version", "sealed_secret", "key_id", "signing", "allow_plain_secret"},
    system_bind_key,
    system_bind,
    system_read,
};

const struct record_table *person_table(enum change_kind kind)
{
	static const struct record_table *const tables[RECORD_KINDS] = {
	    [CHANGE_USER] = &user_table,
	    [CHANGE_KEY] = &key_table,
	    [CHANGE_SESSION] = &session_table,
	    [CHANGE_SYSTEM] = &system_table,
	};
	assert(tables[kind]);
	return tables[kind];
}

/* --- finding --------------------------------------------------------------------------------- */

/* The id of the user that a statement about (key, tenant) finds first; absent when there is none.
 * In memory of `arena`. */
static enum err user_id_find(struct sqlite_conn *conn, enum statement which, struct bytes key,
                             struct bytes tenant, struct arena *arena, struct bytes *ret)
{
	sqlite3_stmt *statement = db_statement(conn, which);
	if (!statement)
		return ERR_STORE;
	struct binder binder = {.statement = statement};
	bind_text(&binder, key);
	bind_text(&binder, tenant);
	struct columns columns = {.statement = statement, .arena = arena};
	int rc = sqlite3_step(statement);
	*ret = rc == SQLITE_ROW ? column_text(&columns) : BYTES_NONE;
	sqlite3_reset(statement);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? columns.err : ERR_STORE;
}

static enum err user_load(struct sqlite_conn *conn, struct bytes tenant, struct bytes id,
                          struct arena *arena, struct user **ret)
{
	const struct user key = {.tenant = tenant, .id = id};
	void *found = NULL;
	enum err err = record_load(conn, CHANGE_USER, &key, arena, &found);
	*ret = found;
	return err;
}

struct user *person_find(struct sqlite_conn *conn, struct store_load *load, enum user_by by,
                         struct bytes key)
{
	static const enum statement finds[] = {
	    [USER_BY_NAME] = STATEMENT_USER_BY_NAME,
	    [USER_BY_UUID] = STATEMENT_USER_BY_UUID,
	    [USER_BY_EMAIL] = STATEMENT_USER_BY_EMAIL,
	};
	struct bytes id = BYTES_NONE;
	struct user *user = NULL;
	assert(by != USER_BY_ID);
	load->err = user_id_find(conn, finds[by], key, load->tenant, load->arena, &id);
	if (!load->err && id.at)
		load->err = user_load(conn, load->tenant, id, load->arena, &user);
	return user;
}

/* One more than are told, to know that there are more. */
#define HOLDERS_ASKED (HOLDERS_MAX + 1)

struct found_holder {
	struct bytes id;
	int64_t changed_ms;
};

struct found_holders {
	struct found_holder rows[HOLDERS_ASKED];
	size_t n;
};

static bool is_later(const struct found_holder *a, const struct found_holder *b)
{
	if (a->changed_ms != b->changed_ms)
		return a->changed_ms > b->changed_ms;
	const struct user with_a = {.id = a->id}, with_b = {.id = b->id};
	return shape_compare(&shapes[CHANGE_USER], &with_a, &with_b) > 0;
}

/* Keeps the latest, each user once: he may have the number in two ways. */
static void found_add(struct found_holders *found, const struct found_holder *one)
{
	size_t place = 0;
	for (size_t i = 0; i < found->n; i++)
		if (bytes_equal(found->rows[i].id, one->id))
			return;
	while (place < found->n && is_later(&found->rows[place], one))
		place++;
	if (place == HOLDERS_ASKED)
		return;
	found->n += found->n < HOLDERS_ASKED;
	memmove(&found->rows[place + 1], &found->rows[place],
	        (found->n - 1 - place) * sizeof(found->rows[0]));
	found->rows[place] = *one;
}

static enum err holders_find(struct sqlite_conn *conn, const struct store_load *load,
                             enum statement which, struct found_holders *found)
{
	sqlite3_stmt *statement = db_statement(conn, which);
	if (!statement)
		return ERR_STORE;
	struct binder binder = {.statement = statement};
	bind_number(&binder, &load->number);
	bind_text(&binder, load->tenant);
	bind_integer(&binder, HOLDERS_ASKED);
	enum err err = OK;
	int rc = SQLITE_DONE;
	while (!err && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
		struct columns columns = {.statement = statement, .arena = load->arena};
		struct found_holder one = {.id = column_text(&columns)};
		one.changed_ms = column_integer(&columns);
		err = columns.err;
		if (!err)
			found_add(found, &one);
	}
	sqlite3_reset(statement);
	return err ? err : rc == SQLITE_DONE ? OK : ERR_STORE;
}

size_t person_holders(struct sqlite_conn *conn, struct store_load *load,
                      struct user *ret[HOLDERS_MAX], bool *ret_more)
{
	static const struct {
		enum hold hold;
		enum statement which;
	} ways[] = {
	    {HOLD_VERIFIED, STATEMENT_HOLDERS_VERIFIED},
	    {HOLD_UNVERIFIED, STATEMENT_HOLDERS_UNVERIFIED},
	    {HOLD_PENDING, STATEMENT_HOLDERS_PENDING},
	};
	struct found_holders found = {.n = 0};
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]) && !load->err; i++)
		if (load->holds & ways[i].hold)
			load->err = holders_find(conn, load, ways[i].which, &found);
	*ret_more = found.n > HOLDERS_MAX;
	size_t n = *ret_more ? HOLDERS_MAX : found.n;
	for (size_t i = 0; i < n && !load->err; i++) {
		load->err = user_load(conn, load->tenant, found.rows[i].id, load->arena, &ret[i]);
		/* An index that names a row that is not there: damage. */
		if (!load->err && !ret[i])
			load->err = ERR_STORE;
	}
	return load->err ? 0 : n;
}

/* --- what only one may have ------------------------------------------------------------------ */

static const struct change *user_change_find(const struct store_commit *commit, struct bytes tenant,
                                             struct bytes id)
{
	for (size_t i = 0; i < commit->changes_n; i++) {
		const struct change *change = &commit->changes[i];
		if ((change->kind == CHANGE_USER || change->kind == DELETE_USER) &&
		    bytes_equal(change->user->id, id) && bytes_equal(change->user->tenant, tenant))
			return change;
	}
	return NULL;
}

/* Whether nobody else has `key`, or only one who may give it up in this very commit. */
static enum write_result sole_check(struct sqlite_conn *conn, const struct store_commit *commit,
                                    const struct user *user, enum statement which, struct bytes key,
                                    bool *ret_release, enum err *reterr)
{
	sqlite3_stmt *statement = db_statement(conn, which);
	if (!statement)
		return WRITE_FAILED;
	struct binder binder = {.statement = statement};
	bind_text(&binder, key);
	bind_text(&binder, user->tenant);
	struct columns columns = {.statement = statement};
	int rc = sqlite3_step(statement);
	if (rc == SQLITE_ROW) {
		struct bytes holder = column_peek(&columns);
		if (!bytes_equal(holder, user->id)) {
			const struct change *his = user_change_find(commit, user->tenant, holder);
			if (!his)
				*reterr = ERR_CONFLICT;
			*ret_release |= his && his->kind == CHANGE_USER;
		}
	}
	sqlite3_reset(statement);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? WRITE_OK : WRITE_FAILED;
}

enum write_result person_check(struct sqlite_conn *conn, const struct store_commit *commit,
                               const struct user *user, bool *ret_release, enum err *reterr)
{
	bool exclusive = user->phone_exclusive && user->phone_verified_ms;
	const struct {
		enum statement which;
		struct bytes key;
	} soles[] = {
	    {STATEMENT_USER_BY_NAME, user->user_name},
	    {STATEMENT_USER_BY_UUID, user->uuid},
	    {STATEMENT_USER_EXCLUSIVE,
	     exclusive && !number_is_none(&user->phone) ? number_bytes(&user->phone) : BYTES_NONE},
	};
	enum write_result result = WRITE_OK;
	for (size_t i = 0; i < sizeof(soles) / sizeof(soles[0]) && !result && !*reterr; i++)
		if (soles[i].key.at)
			result = sole_check(conn, commit, user, soles[i].which, soles[i].key,
			                    ret_release, reterr);
	return result;
}

/* Runs a statement about (id, tenant) of a user. */
static enum write_result user_run(struct sqlite_conn *conn, enum statement which,
                                  const struct user *user)
{
	sqlite3_stmt *statement = db_statement(conn, which);
	if (!statement)
		return WRITE_FAILED;
	struct binder binder = {.statement = statement};
	bind_text_given(&binder, user->id);
	bind_text_given(&binder, user->tenant);
	return statement_finish(statement) == SQLITE_DONE ? WRITE_OK : WRITE_FAILED;
}

enum write_result person_release(struct sqlite_conn *conn, const struct store_commit *commit)
{
	enum write_result result = WRITE_OK;
	for (size_t i = 0; i < commit->changes_n && !result; i++)
		if (commit->changes[i].kind == CHANGE_USER && commit->changes[i].user->version)
			result = user_run(conn, STATEMENT_USER_RELEASE, commit->changes[i].user);
	return result;
}

enum write_result person_forget(struct sqlite_conn *conn, const struct user *user)
{
	enum write_result result = user_run(conn, STATEMENT_USER_KEYS_GONE, user);
	return result ? result : user_run(conn, STATEMENT_USER_SESSIONS_GONE, user);
}
