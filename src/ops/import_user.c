/* SPDX-License-Identifier: Apache-2.0 */
/* Users of an import. What becomes of him (his sequence, his tokens, the codes on their way to a
 * number he no longer has) the engine's own step says; here stand the command and its answer, and
 * whether names and numbers are somebody else's. Nothing is ever sent. */
#include "ops/import_private.h"

#include <assert.h>

static bool touches(const struct import_record *record, int row)
{
	return record->touched >> row & 1;
}

/* ---- whom it is about ------------------------------------------------------------------------ */

/* By his id, or by his name when he has none here. */
static enum err person_find(struct import *import, struct import_record *record,
                            struct store_load *load)
{
	struct user *user = &record->user;
	bool by_id = touches(record, ROW_USER_ID);
	*load = (struct store_load){
	    .want = WANT_USER | WANT_PHONE_CODE | WANT_LOGIN_CODE,
	    .tenant = user->tenant,
	    .user_by = by_id ? USER_BY_ID : USER_BY_NAME,
	    .user_key = by_id ? user->id : user->user_name,
	};
	enum err err = import_load(import, load);
	if (err || by_id)
		return err;
	if (load->user) {
		user->id = load->user->id;
		return OK;
	}
	struct id id;
	char text[ID_TEXT_LEN + 1];
	err = id_make_random(&import->rng.rng, &id);
	if (err)
		return err;
	id_format(&id, text);
	user->id = arena_copy(&import->merged, bytes_from_text(text));
	return user->id.at ? OK : ERR_NO_MEMORY;
}

/* ---- the command ----------------------------------------------------------------------------- */

static uint64_t members_given(const struct import_record *record)
{
	/* The text members stand in both tables in one order. */
	uint64_t texts = record->touched >> ROW_USER_USER_NAME & ((UINT64_C(1) << USER_TEXTS) - 1);
	static const struct {
		int row, flag;
	} flags[] = {
	    {ROW_USER_PASSWORD, USER_PASSWORD_HASH},
	    {ROW_USER_EMAIL_VERIFIED, USER_EMAIL_VERIFIED},
	    {ROW_USER_FORCE_PASSWORD_CHANGE, USER_FORCE_PASSWORD_CHANGE},
	    {ROW_USER_DISABLED, USER_DISABLED},
	};
	_Static_assert(ROW_USER_CUSTOM - ROW_USER_USER_NAME == USER_CUSTOM - USER_USER_NAME,
	               "one order");
	/* There is always one. */
	if (!record->user.uuid.at)
		texts &= ~USER_GIVES(USER_UUID);
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (touches(record, flags[i].row))
			texts |= USER_GIVES(flags[i].flag);
	return texts;
}

/* What the line says of the phone, in the engine's words; `old` as it stands. */
static enum phone_act phone_act_of(struct import *import, const struct import_record *record,
                                   const struct user *old, struct number *ret)
{
	static const struct number none;
	const struct import_phone *phone = &record->phone;
	const struct number *has = old ? &old->phone : &none;
	bool is_same = !phone->given || number_equal(&phone->number, has);
	bool is_verified = old && old->phone_verified_ms;
	*ret = (struct number){0};
	if (phone->removed)
		return old && !number_is_none(user_phone_target(old)) ? PHONE_REMOVE : PHONE_STAYS;
	if (!phone->given && number_is_none(has)) {
		if (phone->verified)
			import_mistake(import, "\"phoneVerified\" needs a phone");
		return PHONE_STAYS;
	}
	*ret = phone->given ? phone->number : *has;
	if (phone->verified && !(is_same && is_verified))
		return PHONE_VERIFIED;
	if (!is_same || (phone->verified_given && !phone->verified && is_verified))
		return PHONE_REPLACE;
	*ret = (struct number){0};
	return PHONE_STAYS;
}

/* Copies what stands in the result's own memory. */
static enum err person_keep(struct import *import, struct import_record *record,
                            const struct verify_result *result,
                            const struct user_result *user_result)
{
	struct import_person *person = ARENA_NEW(&import->merged, struct import_person);
	struct event *event = ARENA_NEW(&import->merged, struct event);
	size_t cancelled = 0;
	if (!person || !event)
		return ERR_NO_MEMORY;
	person->user = *user_result->user;
	if (person->user.uuid.at == user_result->uuid)
		person->user.uuid = arena_copy(&import->merged, person->user.uuid);
	if (!person->user.uuid.at)
		return ERR_NO_MEMORY;
	if (touches(record, ROW_USER_LAST_LOGIN))
		person->user.last_login_ms = record->user.last_login_ms;
	*event = result->event;
	person->event = event;
	for (size_t i = 0; i < result->changes_n; i++) {
		if (result->changes[i].kind != CHANGE_VERIFICATION)
			continue;
		struct verification *code = ARENA_NEW(&import->merged, struct verification);
		if (!code)
			return ERR_NO_MEMORY;
		*code = *result->changes[i].verification;
		person->cancelled[cancelled++] = code;
	}
	record->person = person;
	return OK;
}

static enum err person_step(struct import *import, struct import_record *record,
                            const struct store_load *found, bool exclusive)
{
	const struct user_records records = {
	    .user = found->user, .phone_code = found->phone_code, .login_code = found->login_code};
	struct user_command command = {
	    .op = found->user ? USER_CHANGE : USER_CREATE,
	    .tenant = record->user.tenant,
	    .user = record->user.id,
	    .dialect = BYTES("import"),
	    .values = &record->user,
	    .given = members_given(record),
	    .exclusive = exclusive,
	    .same_sends = true,
	};
	struct verify_context context = {
	    .now_ms = import->options->now_ms,
	    .rng = &import->rng.rng,
	    .keyring = import->options->keyring,
	};
	command.phone = phone_act_of(import, record, found->user, &command.number);
	struct verify_result *result = &import->step->result;
	struct user_result *user_result = &import->step->user_result;
	enum err err = user_step(&command, &records, &context, result, user_result);
	if (err)
		return err;
	assert(result->outcome == OUTCOME_USER_MADE || result->outcome == OUTCOME_USER_CHANGED);
	return person_keep(import, record, result, user_result);
}

/* ---- whether it is somebody else's ----------------------------------------------------------- */

/* Takes a name for him in this input; somebody else's is a mistake. */
static enum err name_take(struct import *import, struct bytes key, struct import_person *person,
                          const char *what)
{
	if (!key.at)
		return ERR_NO_MEMORY;
	if (map_get(&import->names, key)) {
		import_mistake(import, "%s is another user's in this input", what);
		return OK;
	}
	return map_put(&import->names, key, person);
}

/* Whether a user of the store, who is another one, keeps what is asked for: unless this input gives
 * him something else in its place. Where only what is absent is wanted, he is there instead. */
static enum err other_check(struct import *import, struct import_record *mine,
                            const struct user *other, int row, const char *what)
{
	enum err err = OK;
	if (!other || bytes_equal(other->id, mine->person->user.id))
		return OK;
	if (import->options->only_absent) {
		mine->exists = true;
		return OK;
	}
	const struct import_record *record =
	    import_find(import, "user", other->tenant, other->id, &err);
	if (!err && !(record && touches(record, row)))
		import_mistake(import, "%s is that of the user \"%.*s\"", what, (int)other->id.len,
		               other->id.at);
	return err;
}

static enum err names_check(struct import *import, struct import_record *record)
{
	const struct user *user = &record->person->user;
	struct store_load load = {.tenant = user->tenant};
	enum err err = OK;
	if (record->given >> ROW_USER_USER_NAME & 1) {
		load.want = WANT_NAMESAKE;
		load.user_name = user->user_name;
		if (!(err = import_load(import, &load)))
			err = other_check(import, record, load.namesake, ROW_USER_USER_NAME,
			                  "\"userName\"");
	}
	if (!err && record->given >> ROW_USER_UUID & 1) {
		load.want = WANT_USER;
		load.user_by = USER_BY_UUID;
		load.user_key = user->uuid;
		if (!(err = import_load(import, &load)))
			err = other_check(import, record, load.user, ROW_USER_UUID, "\"uuid\"");
	}
	return err;
}

static enum err owners_check(struct import *import, struct import_record *record)
{
	const struct user *user = &record->person->user;
	struct store_load load = {
	    .want = WANT_HOLDERS,
	    .tenant = user->tenant,
	    .holds = HOLD_VERIFIED,
	    .number = user->phone,
	};
	enum err err = import_load(import, &load);
	for (size_t i = 0; i < load.holders_n && !err; i++)
		err = other_check(import, record, load.holders[i].user, ROW_USER_PHONE,
		                  "\"phone\" is verified already: it");
	return err;
}

static enum err names_take(struct import *import, struct import_record *record)
{
	struct import_person *person = record->person;
	const struct user *user = &person->user;
	enum err err = OK;
	if (user->user_name.at)
		err = name_take(import, import_name_key(import, user->tenant, user->user_name),
		                person, "\"userName\"");
	if (!err)
		err = name_take(import, import_key(import, "uuid", user->tenant, user->uuid),
		                person, "\"uuid\"");
	if (!err && user->phone_exclusive)
		err = name_take(
		    import, import_key(import, "phone", user->tenant, number_bytes(&user->phone)),
		    person, "\"phone\" is verified already: it");
	return err;
}

/* Who was named by his name is known by his id too, once. */
static enum err id_take(struct import *import, const struct import_record *record)
{
	struct bytes key = import_key(import, "user", record->user.tenant, record->user.id);
	size_t place = (size_t)(record - import->records) + 1;
	if (!key.at)
		return ERR_NO_MEMORY;
	size_t taken = (uintptr_t)map_get(&import->identities, key);
	if (taken && taken != place) {
		import_mistake(import, "%.*s stands twice in this input", (int)key.len, key.at);
		return OK;
	}
	return taken ? OK : map_put(&import->identities, key, (void *)(uintptr_t)place);
}

enum err import_merge_user(struct import *import, struct import_record *record)
{
	struct store_load found;
	enum err err;
	const struct import_tenant *tenant = import_tenant(import, record->user.tenant, &err);
	if (err || !tenant->known)
		return err;
	if ((err = person_find(import, record, &found)) || (err = id_take(import, record)))
		return err;
	record->exists = found.user;
	err = person_step(import, record, &found, tenant->phones_unique);
	if (!err)
		err = names_take(import, record);
	if (!err)
		err = names_check(import, record);
	if (!err && record->person->user.phone_exclusive)
		err = owners_check(import, record);
	return err;
}
