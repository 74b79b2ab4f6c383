/* SPDX-License-Identifier: Apache-2.0 */
/* One line of an import: which record it is, what each member may be, and the record as far as the
 * line alone tells. */
#include "ops/import_private.h"

#include "base/password.h"
#include "base/when.h"
#include "core/code.h"
#include "ops/rule.h"
#include "wire/e164.h"
#include "wire/json_object.h"

#include <stdlib.h>

#define TENANT_ID_MAX 64
#define NAME_MAX_LEN 200 /* of a client, an app, a system */
#define VALUE_STRONG 22  /* characters that can hold 128 random bits */

static const struct json_options strict = {
    .depth_max = 16,
    .unknown_refused = true,
    .duplicates_refused = true,
};

/* A member's value, by its form. */
struct value {
	union {
		struct bytes text;
		struct json_integer integer;
		struct json_boolean flag;
		struct json_texts texts;
	};
};

/* ---- small checks ---------------------------------------------------------------------------- */

static bool is_name_char(char c)
{
	char lower = ascii_lower(c);
	return ascii_is_digit(c) || (lower >= 'a' && lower <= 'z') || c == '.' || c == '_' ||
	       c == '-';
}

static bool id_is_sound(struct bytes id, size_t max)
{
	for (size_t i = 0; i < id.len; i++)
		if (!is_name_char(id.at[i]))
			return false;
	return id.len >= 1 && id.len <= max;
}

static bool has_controls(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.at[i] < 0x20 || text.at[i] == 0x7F)
			return true;
	return false;
}

/* What HTTP Basic can carry as a name, on one line of a log. */
static bool name_is_sound(struct bytes name)
{
	return name.len >= 1 && name.len <= NAME_MAX_LEN && !has_controls(name) &&
	       !memchr(name.at, ':', name.len);
}

/* Visible ASCII. */
static bool is_visible(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] <= ' ' || text.at[i] > '~')
			return false;
	return true;
}

/* Tells of a name that no tenant can have; an absent one is fine. */
static bool tenant_is_sound(struct import *import, struct bytes tenant)
{
	bool sound = !tenant.at || id_is_sound(tenant, TENANT_ID_MAX);
	if (!sound)
		import_mistake(import, "\"tenant\" must be 1 to 64 of A-Z a-z 0-9 . _ -");
	return sound;
}

static void check_secret(struct import *import, const char *name, struct bytes secret)
{
	if (secret.at && (secret.len == 0 || secret.len > PASSWORD_MAX))
		import_mistake(import, "\"%s\" must be 1 to %d octets", name, PASSWORD_MAX);
	if (bytes_start_with(secret, BYTES("$argon2")) && !password_is_hash(secret))
		import_mistake(import,
		               "\"%s\" looks like a PHC string but is none that can be read: "
		               "$argon2id$v=19$m=...,t=...,p=1$salt$hash",
		               name);
}

/* ---- members --------------------------------------------------------------------------------- */

static enum json_kind json_kind_of(enum record_form form)
{
	switch (form) {
	case FORM_TYPE:
	case FORM_TEXT:
	case FORM_MOMENT:
	case FORM_OWN:
	case FORM_SECRET:
		return JSON_TEXT;
	case FORM_LIST:
		return JSON_ANY;
	case FORM_OBJECT:
	case FORM_OWN_OBJECT:
		return JSON_OBJECT;
	case FORM_FLAG:
	case FORM_OWN_FLAG:
		return JSON_BOOLEAN;
	case FORM_OWN_LIST:
		return JSON_TEXT_ARRAY;
	case FORM_OWN_INTEGER:
		return JSON_INTEGER;
	}
	return JSON_ANY;
}

/* What a value of the wrong type should have been. */
static const char *wanted(enum json_kind kind)
{
	switch (kind) {
	case JSON_TEXT:
	case JSON_TEXT_OR_INTEGER:
		return "a text";
	case JSON_INTEGER:
		return "an integer";
	case JSON_BOOLEAN:
		return "true or false";
	case JSON_OBJECT:
		return "an object";
	case JSON_TEXT_ARRAY:
		return "a list of texts";
	case JSON_ANY:
		return "a value";
	}
	return "another value";
}

/* Reads an object by a table and tells what is wrong with it; *ret_sound: nothing was. */
static enum err members_read(struct import *import, struct bytes json,
                             const struct json_member *members, size_t members_n, void *ret,
                             struct json_found *ret_found, bool *ret_sound)
{
	struct json_refusal refusal;
	enum err err = json_object_read(json, &strict, members, members_n, &import->arena, ret,
	                                ret_found, &refusal);
	*ret_sound = false;
	if (err == ERR_NO_MEMORY)
		return err;
	if (err) {
		import_mistake(import, "%s%s%.*s%s, at octet %zu", refusal.why,
		               refusal.name.len ? ": \"" : "", (int)refusal.name.len,
		               refusal.name.len ? refusal.name.at : "",
		               refusal.name.len ? "\"" : "", refusal.offset + 1);
		return OK;
	}
	*ret_sound = true;
	for (size_t row = 0; row < members_n; row++) {
		if (!json_found_wrong_type(ret_found, row))
			continue;
		import_mistake(import, "\"%.*s\" must be %s", (int)members[row].name.len,
		               members[row].name.at, wanted(members[row].kind));
		*ret_sound = false;
	}
	return OK;
}

/* Lists are kept as they were typed; they must be lists of texts. */
static void check_texts(struct import *import, struct bytes name, struct bytes json)
{
	struct json_reader reader;
	struct json_token token;
	json_reader_init(&reader, json, &strict);
	bool sound = json_next(&reader, &token) == OK && token.type == JSON_TOKEN_ARRAY;
	while (sound && json_next(&reader, &token) == OK && token.type != JSON_TOKEN_ARRAY_END)
		sound = token.type == JSON_TOKEN_TEXT;
	if (!sound)
		import_mistake(import, "\"%.*s\" must be a list of texts", (int)name.len, name.at);
}

static void check_text(struct import *import, const struct record_row *row, struct bytes text)
{
	if (text.len > row->max)
		import_mistake(import, "\"%.*s\" must be at most %zu octets", (int)row->name.len,
		               row->name.at, row->max);
	if (row->form == FORM_TEXT && has_controls(text))
		import_mistake(import, "\"%.*s\" must not hold control characters",
		               (int)row->name.len, row->name.at);
}

static void moment_take(struct import *import, const struct record_row *row, struct bytes text,
                        int64_t *ret)
{
	if (when_parse(text, ret) == OK)
		return;
	import_mistake(import, "\"%.*s\" must be a moment as 2026-11-21T09:30:00Z",
	               (int)row->name.len, row->name.at);
}

/* Puts a value into its field; those of the record's own code stay where they are. */
static void value_take(struct import *import, const struct record_row *row,
                       const struct value *value, void *record)
{
	void *field = (char *)record + row->field;
	switch (row->form) {
	case FORM_LIST:
		check_texts(import, row->name, value->text);
		check_text(import, row, value->text);
		*(struct bytes *)field = value->text;
		return;
	case FORM_TEXT:
	case FORM_OBJECT:
		check_text(import, row, value->text);
		*(struct bytes *)field = value->text;
		return;
	case FORM_FLAG:
		*(bool *)field = value->flag.value;
		return;
	case FORM_MOMENT:
		moment_take(import, row, value->text, field);
		return;
	case FORM_TYPE:
	case FORM_OWN:
	case FORM_OWN_LIST:
	case FORM_OWN_OBJECT:
	case FORM_OWN_FLAG:
	case FORM_OWN_INTEGER:
	case FORM_SECRET:
		return;
	}
}

static enum err values_read(struct import *import, struct bytes line,
                            const struct record_kind *kind, struct value *values,
                            struct json_found *found, bool *ret_sound)
{
	struct json_member members[RECORD_ROWS_MAX];
	for (size_t i = 0; i < kind->rows_n; i++)
		members[i] = (struct json_member){
		    .name = kind->rows[i].name,
		    .kind = json_kind_of(kind->rows[i].form),
		    .offset = i * sizeof(*values),
		};
	return members_read(import, line, members, kind->rows_n, values, found, ret_sound);
}

/* ---- records --------------------------------------------------------------------------------- */

/* Grows the list of records; NULL: no memory. */
static struct import_record *record_add(struct import *import, const struct import_record *like)
{
	if (import->records_n == import->records_cap) {
		size_t cap = import->records_cap ? import->records_cap * 2 : 64;
		struct import_record *grown = reallocarray(import->records, cap, sizeof(*grown));
		if (!grown)
			return NULL;
		import->records = grown;
		import->records_cap = cap;
	}
	struct import_record *record = &import->records[import->records_n++];
	*record = *like;
	return record;
}

/* A second record of one identity would make the order of lines decide. The map holds the record's
 * place plus one: the records themselves move. */
static enum err identity_take(struct import *import, const char *kind, struct bytes of,
                              struct bytes which)
{
	struct bytes key = import_key(import, kind, of, which);
	if (!key.at)
		return ERR_NO_MEMORY;
	if (map_get(&import->identities, key)) {
		import_mistake(import, "%.*s stands twice in this input", (int)key.len, key.at);
		return OK;
	}
	return map_put(&import->identities, key, (void *)(uintptr_t)import->records_n);
}

/* ---- tenant ---------------------------------------------------------------------------------- */

/* Whether the tenant has left a published rule that the server keeps; told once for all APIs. */
static bool rules_tell(struct import *import, const struct settings *ours,
                       const struct settings *theirs)
{
	const char *code = rule_on_code(&theirs->code) ? NULL : rule_on_code(&ours->code);
	const char *life =
	    rule_on_life(theirs->code.ttl_ms) ? NULL : rule_on_life(ours->code.ttl_ms);
	if (code)
		import_warning(import, "settings: code: %s", code);
	if (life)
		import_warning(import, "settings: code.ttl: %s", life);
	return code || life;
}

static enum err settings_check(struct import *import, struct bytes json)
{
	struct settings_layers layers;
	struct settings_mistake mistake;
	enum err err = settings_read_json(json, &import->arena, &layers, &mistake);
	if (err == ERR_NO_MEMORY)
		return err;
	bool sound = err == OK, told = false;
	for (int api = 0; api < API_NAMES && sound; api++) {
		struct settings ours, theirs;
		settings_resolve(import->options->server, &layers, (enum api_name)api, &ours);
		settings_resolve(import->options->server, NULL, (enum api_name)api, &theirs);
		sound = settings_are_stricter(&ours, &theirs, &mistake);
		told = told || rules_tell(import, &ours, &theirs);
	}
	if (!sound)
		import_mistake(import, "settings: %s%s%s", mistake.key, mistake.key[0] ? " " : "",
		               mistake.why.text);
	return OK;
}

struct kii_object {
	struct bytes app_key, client_id, client_secret;
};

static enum err kii_read(struct import *import, struct bytes json, struct import_record *record)
{
	static const struct json_member members[] = {
	    {{"appKey", 6}, JSON_TEXT, offsetof(struct kii_object, app_key)},
	    {{"clientId", 8}, JSON_TEXT, offsetof(struct kii_object, client_id)},
	    {{"clientSecret", 12}, JSON_TEXT, offsetof(struct kii_object, client_secret)},
	};
	struct kii_object kii;
	struct json_found found;
	bool sound;
	enum err err = members_read(import, json, members, sizeof(members) / sizeof(members[0]),
	                            &kii, &found, &sound);
	if (err || !sound)
		return err;
	if (kii.app_key.at && !name_is_sound(kii.app_key))
		import_mistake(import, "\"appKey\" must be 1 to 200 octets, without a colon and "
		                       "without control characters");
	if (kii.client_id.at && !name_is_sound(kii.client_id))
		import_mistake(import, "\"clientId\" must be 1 to 200 octets, without a colon and "
		                       "without control characters");
	check_secret(import, "clientSecret", kii.client_secret);
	record->tenant.kii_app_key = kii.app_key;
	record->tenant.kii_client_id = kii.client_id;
	record->secret = kii.client_secret;
	return OK;
}

static enum err tenant_read(struct import *import, const struct value *values,
                            struct import_record *record)
{
	struct bytes id = values[ROW_TENANT_ID].text;
	enum err err = OK;
	if (!id_is_sound(id, TENANT_ID_MAX)) {
		import_mistake(import, "\"id\" must be 1 to 64 of A-Z a-z 0-9 . _ -");
		return OK;
	}
	record->tenant.id = id;
	if (values[ROW_TENANT_KII].text.at)
		err = kii_read(import, values[ROW_TENANT_KII].text, record);
	if (!err && record->tenant.settings.at)
		err = settings_check(import, record->tenant.settings);
	if (err)
		return err;
	return record_add(import, record) ? identity_take(import, "tenant", id, BYTES_NONE)
	                                  : ERR_NO_MEMORY;
}

/* ---- client ---------------------------------------------------------------------------------- */

static unsigned scopes_read(struct import *import, const struct json_texts *given)
{
	unsigned found = 0;
	for (size_t i = 0; i < given->n; i++) {
		unsigned scope = 0;
		for (size_t j = 0; j < RECORD_SCOPES; j++)
			if (bytes_equal(record_scopes[j].name, given->at[i]))
				scope = record_scopes[j].scope;
		if (!scope)
			import_mistake(import,
			               "scope \"%.*s\" is not known; there are otp.send, "
			               "otp.verify, user.read, user.write",
			               (int)given->at[i].len, given->at[i].at);
		found |= scope;
	}
	return found;
}

static enum err client_read(struct import *import, const struct value *values,
                            struct import_record *record)
{
	struct client *client = &record->client;
	client->name = values[ROW_CLIENT_NAME].text;
	if (!name_is_sound(client->name)) {
		import_mistake(import, "\"name\" must be 1 to 200 octets, without a colon and "
		                       "without control characters");
		return OK;
	}
	record->secret = values[ROW_CLIENT_SECRET].text;
	check_secret(import, "secret", record->secret);
	client->scopes = scopes_read(import, &values[ROW_CLIENT_SCOPES].texts);
	client->tenant = values[ROW_CLIENT_TENANT].text;
	if (!tenant_is_sound(import, client->tenant))
		return OK;
	return record_add(import, record)
	           ? identity_take(import, "client", client->name, BYTES_NONE)
	           : ERR_NO_MEMORY;
}

/* ---- user ------------------------------------------------------------------------------------ */

static bool phone_read(struct import *import, struct bytes text, struct number *ret)
{
	static const struct e164_rules rules = {.bare = E164_BARE_INTERNATIONAL};
	struct e164 phone;
	enum e164_status status = e164_parse(text, BYTES(""), &rules, &phone);
	if (status == E164_OK)
		*ret = phone.number;
	else
		import_mistake(import, "\"phone\" is not an international number: %s",
		               e164_status_text(status));
	return status == E164_OK;
}

/* In the one spelling that it is compared in. */
static enum err uuid_read(struct import *import, struct bytes *uuid)
{
	struct id id;
	char text[ID_TEXT_LEN + 1];
	if (!uuid->at)
		return OK;
	if (!id_parse(*uuid, &id)) {
		import_mistake(import, "\"uuid\" must be a UUID");
		return OK;
	}
	id_format(&id, text);
	*uuid = arena_copy(&import->arena, bytes_from_text(text));
	return uuid->at ? OK : ERR_NO_MEMORY;
}

static enum err user_members_check(struct import *import, const struct value *values,
                                   struct import_record *record)
{
	struct user *user = &record->user;
	record->secret = values[ROW_USER_PASSWORD].text;
	check_secret(import, "password", record->secret);
	if (user->user_name.at && !user->user_name.len)
		import_mistake(import, "\"userName\" must not be empty");
	record->phone.given = values[ROW_USER_PHONE].text.at != NULL;
	record->phone.removed = !record->phone.given && record->touched >> ROW_USER_PHONE & 1;
	record->phone.verified_given = record->touched >> ROW_USER_PHONE_VERIFIED & 1;
	record->phone.verified = values[ROW_USER_PHONE_VERIFIED].flag.value;
	/* Of one that is none nothing more is said. */
	if (record->phone.given &&
	    !phone_read(import, values[ROW_USER_PHONE].text, &record->phone.number))
		record->phone = (struct import_phone){0};
	if (record->phone.verified && record->phone.removed)
		import_mistake(import, "\"phoneVerified\" needs a phone");
	return uuid_read(import, &user->uuid);
}

static enum err user_read(struct import *import, const struct value *values,
                          struct import_record *record)
{
	struct user *user = &record->user;
	user->tenant = values[ROW_USER_TENANT].text;
	user->id = values[ROW_USER_ID].text;
	enum err err = user_members_check(import, values, record);
	if (err)
		return err;
	if (!user->tenant.at)
		import_mistake(import, "a user needs a tenant");
	bool known = tenant_is_sound(import, user->tenant) && user->tenant.at;
	if (user->id.at && !user_id_is_valid(user->id)) {
		import_mistake(import, "\"id\" must be 1 to 200 of A-Z a-z 0-9 . _ -, and not me");
		return OK;
	}
	if (!user->id.at && !user->user_name.at) {
		import_mistake(import, "a user needs an id or a userName");
		return OK;
	}
	if (!known)
		return OK;
	if (!record_add(import, record))
		return ERR_NO_MEMORY;
	return user->id.at ? identity_take(import, "user", user->tenant, user->id) : OK;
}

/* ---- key ------------------------------------------------------------------------------------- */

static bool hash_read(struct bytes text, uint8_t ret[SHA256_LEN])
{
	if (text.len != 2 * SHA256_LEN)
		return false;
	for (size_t i = 0; i < SHA256_LEN; i++) {
		int high = ascii_hex_value(text.at[2 * i]);
		int low = ascii_hex_value(text.at[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		ret[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* Its digest is its identity: of a value, or as `export` wrote it. */
static enum err key_identity(struct import *import, struct bytes value, struct bytes hash,
                             struct key *key, bool *ret_sound)
{
	*ret_sound = false;
	if (!value.at == !hash.at) {
		import_mistake(import, "a key needs a value (or a hash, as export writes it)");
		return OK;
	}
	if (hash.at) {
		*ret_sound = hash_read(hash, key->hash);
		if (!*ret_sound)
			import_mistake(import, "\"hash\" must be 64 hexadecimal digits");
		return OK;
	}
	if (!value.len || value.len > PASSWORD_MAX || !is_visible(value)) {
		import_mistake(import, "\"value\" must be 1 to %d visible ASCII characters",
		               PASSWORD_MAX);
		return OK;
	}
	if (value.len < VALUE_STRONG && !import->options->only_absent)
		(void)fprintf(import->told,
		              "%s:%zu: warning: a value this short can be guessed from its digest; "
		              "make one: openssl rand -hex 16\n",
		              import->name, import->line);
	*ret_sound = true;
	return secret_sha256(value, key->hash);
}

static enum err key_read(struct import *import, const struct value *values,
                         struct import_record *record)
{
	struct key *key = &record->key;
	bool sound;
	enum err err = key_identity(import, values[ROW_KEY_VALUE].text, values[ROW_KEY_HASH].text,
	                            key, &sound);
	key->tenant = values[ROW_KEY_TENANT].text;
	key->client = values[ROW_KEY_CLIENT].text;
	record->holder = values[ROW_KEY_USER].text;
	if (key->client.at && record->holder.at)
		import_mistake(import, "a key is a client's or a user's, not both");
	if (err || !tenant_is_sound(import, key->tenant) || !sound)
		return err;
	struct bytes hash =
	    arena_copy(&import->arena, (struct bytes){(const char *)key->hash, SHA256_LEN});
	if (!hash.at || !record_add(import, record))
		return ERR_NO_MEMORY;
	/* A digest is no text to tell: by its line. */
	struct bytes of = import_key(import, "key", hash, BYTES_NONE);
	if (!of.at)
		return ERR_NO_MEMORY;
	if (map_get(&import->identities, of)) {
		import_mistake(import, "this key stands twice in this input");
		return OK;
	}
	return map_put(&import->identities, of, (void *)(uintptr_t)import->records_n);
}

/* ---- system ---------------------------------------------------------------------------------- */

static enum err system_read(struct import *import, const struct value *values,
                            struct import_record *record)
{
	struct system *system = &record->system;
	struct bytes signing = values[ROW_SYSTEM_SIGNING].text;
	system->tenant = values[ROW_SYSTEM_TENANT].text;
	system->id = values[ROW_SYSTEM_ID].text;
	system->signing = SIGNING_OPTIONAL;
	bool known = !signing.at;
	for (int i = SIGNING_OFF; i <= SIGNING_REQUIRED; i++) {
		if (!bytes_equal(signing, record_signing_text((enum signing)i)))
			continue;
		system->signing = (enum signing)i;
		known = true;
	}
	if (!known)
		import_mistake(import, "\"signing\" must be off, optional or required");
	record->secret = values[ROW_SYSTEM_SECRET].text;
	if (record->secret.at && (!record->secret.len || record->secret.len > PASSWORD_MAX))
		import_mistake(import, "\"secret\" must be 1 to %d octets", PASSWORD_MAX);
	if (!system->tenant.at)
		import_mistake(import, "a system needs a tenant");
	if (!name_is_sound(system->id)) {
		import_mistake(import, "\"id\" must be 1 to 200 octets, without a colon and "
		                       "without control characters");
		return OK;
	}
	if (!tenant_is_sound(import, system->tenant) || !system->tenant.at)
		return OK;
	return record_add(import, record)
	           ? identity_take(import, "system", system->tenant, system->id)
	           : ERR_NO_MEMORY;
}

/* ---- number ---------------------------------------------------------------------------------- */

static bool code_is_sound(struct bytes code)
{
	return is_visible(code) && code.len >= CODE_LENGTH_MIN && code.len <= CODE_LENGTH_MAX;
}

static enum line_state state_read(struct import *import, struct bytes state)
{
	for (int i = LINE_DEAD; i <= LINE_LANDLINE; i++)
		if (bytes_equal(state, record_state_text((enum line_state)i)))
			return (enum line_state)i;
	if (state.at)
		import_mistake(import, "\"state\" must be dead or landline");
	return LINE_NORMAL;
}

static enum err number_read(struct import *import, const struct value *values,
                            struct import_record *record)
{
	struct line *line = &record->number;
	const struct json_integer *failures = &values[ROW_LINE_FAILURES].integer;
	line->tenant = values[ROW_LINE_TENANT].text;
	record->secret = values[ROW_LINE_CODE].text;
	if (!line->tenant.at)
		import_mistake(import, "a number needs a tenant");
	bool known = tenant_is_sound(import, line->tenant) && line->tenant.at;
	known &= phone_read(import, values[ROW_LINE_PHONE].text, &line->number);
	if (record->secret.at && !code_is_sound(record->secret))
		import_mistake(import, "\"code\" must be %d to %d printable ASCII characters",
		               CODE_LENGTH_MIN, CODE_LENGTH_MAX);
	if (failures->given && failures->value != 0)
		import_mistake(import, "\"failures\" can only be reset: 0");
	line->state = state_read(import, values[ROW_LINE_STATE].text);
	/* Of what has no identity nothing more can be said. */
	if (!known)
		return OK;
	return record_add(import, record)
	           ? identity_take(import, "number", line->tenant, number_bytes(&line->number))
	           : ERR_NO_MEMORY;
}

/* ---- a line ---------------------------------------------------------------------------------- */

static enum err record_read(struct import *import, enum record_type type, struct bytes line)
{
	static enum err (*const reads[RECORD_TYPES])(struct import *, const struct value *,
	                                             struct import_record *) = {
	    [RECORD_TENANT] = tenant_read, [RECORD_CLIENT] = client_read,
	    [RECORD_USER] = user_read,     [RECORD_KEY] = key_read,
	    [RECORD_SYSTEM] = system_read, [RECORD_NUMBER] = number_read,
	};
	const struct record_kind *kind = &record_kinds[type];
	struct value values[RECORD_ROWS_MAX];
	struct json_found found;
	bool sound;
	enum err err = values_read(import, line, kind, values, &found, &sound);
	if (err || !sound)
		return err;
	struct import_record record = {
	    .type = type,
	    .line = import->line,
	    .given = found.given,
	    .touched = found.given | found.null,
	};
	for (size_t i = 0; i < kind->rows_n; i++)
		if (json_found_given(&found, i))
			value_take(import, &kind->rows[i], &values[i], &record.tenant);
	return reads[type](import, values, &record);
}

enum err import_line(struct import *import, struct bytes line)
{
	static const struct json_options any_member = {.depth_max = 16};
	static const struct json_member type_member[] = {{{"type", 4}, JSON_TEXT, 0}};
	struct json_found found;
	struct json_refusal refusal;
	struct bytes name = BYTES_NONE;
	if (!line.at)
		return ERR_NO_MEMORY;
	enum err err = json_object_read(line, &any_member, type_member, 1, &import->arena, &name,
	                                &found, &refusal);
	if (err == ERR_NO_MEMORY)
		return err;
	if (err) {
		import_mistake(import, "not a JSON object: %s, at octet %zu", refusal.why,
		               refusal.offset + 1);
		return OK;
	}
	enum record_type type = record_type_of(name);
	if (type != RECORD_TYPES)
		return record_read(import, type, line);
	import_mistake(import, "\"type\" must be tenant, client, user, key, system or number");
	return OK;
}
