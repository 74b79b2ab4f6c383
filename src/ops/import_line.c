/* SPDX-License-Identifier: Apache-2.0 */
/* One line of an import: which record it is, and what each member may be. */
#include "ops/import_private.h"

#include "base/password.h"
#include "wire/e164.h"
#include "wire/json_object.h"

#define TENANT_ID_MAX 64
#define CLIENT_NAME_MAX 200
#define TEXT_MAX 1000

static const struct json_options strict = {
    .depth_max = 16,
    .unknown_refused = true,
    .duplicates_refused = true,
};

/* ---- small checks ---------------------------------------------------------------------------- */

static bool is_name_char(char c)
{
	char lower = ascii_lower(c);
	return ascii_is_digit(c) || (lower >= 'a' && lower <= 'z') || c == '.' || c == '_' ||
	       c == '-';
}

static bool id_is_sound(struct bytes id)
{
	for (size_t i = 0; i < id.len; i++)
		if (!is_name_char(id.at[i]))
			return false;
	return id.len >= 1 && id.len <= TENANT_ID_MAX;
}

/* What HTTP Basic can carry as a name, on one line of a log. */
static bool client_name_is_sound(struct bytes name)
{
	for (size_t i = 0; i < name.len; i++)
		if ((unsigned char)name.at[i] < 0x20 || name.at[i] == 0x7F || name.at[i] == ':')
			return false;
	return name.len >= 1 && name.len <= CLIENT_NAME_MAX;
}

/* Tells of a name that no tenant can have; an absent one is fine. */
static bool tenant_is_sound(struct import *import, struct bytes tenant)
{
	bool sound = !tenant.at || id_is_sound(tenant);
	if (!sound)
		import_mistake(import, "\"tenant\" must be 1 to 64 of A-Z a-z 0-9 . _ -");
	return sound;
}

/* A second record of one identity would make the order of lines decide. */
static enum err identity_take(struct import *import, const char *type, struct bytes a,
                              struct bytes b)
{
	struct bytes key = arena_printf(&import->arena, "%s %.*s%s%.*s", type, (int)a.len, a.at,
	                                b.at ? " " : "", (int)b.len, b.at ? b.at : "");
	if (!key.at)
		return ERR_NO_MEMORY;
	if (map_get(&import->identities, key)) {
		import_mistake(import, "%.*s stands twice in this input", (int)key.len, key.at);
		return OK;
	}
	return map_put(&import->identities, key, import);
}

/* Reads the line by the table of its type and tells what is wrong with a member. */
static enum err members_read(struct import *import, struct bytes line,
                             const struct json_member *members, size_t members_n, void *ret,
                             bool *ret_sound)
{
	struct json_found found;
	struct json_refusal refusal;
	static const char *const kinds[] = {
	    [JSON_TEXT] = "a text",        [JSON_TEXT_OR_INTEGER] = "a text or an integer",
	    [JSON_INTEGER] = "an integer", [JSON_BOOLEAN] = "true or false",
	    [JSON_OBJECT] = "an object",   [JSON_TEXT_ARRAY] = "a list of texts",
	    [JSON_ANY] = "a value",
	};
	enum err err = json_object_read(line, &strict, members, members_n, &import->arena, ret,
	                                &found, &refusal);
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
		if (!json_found_wrong_type(&found, row))
			continue;
		import_mistake(import, "\"%.*s\" must be %s", (int)members[row].name.len,
		               members[row].name.at, kinds[members[row].kind]);
		*ret_sound = false;
	}
	return OK;
}

#define MEMBER(struct_name, text, member_kind, field)                                              \
	{                                                                                          \
		{text, sizeof(text) - 1}, member_kind, offsetof(struct struct_name, field)         \
	}

/* ---- tenant ---------------------------------------------------------------------------------- */

struct tenant_line {
	struct bytes type, id, name, settings;
};

static const struct json_member tenant_members[] = {
    MEMBER(tenant_line, "type", JSON_TEXT, type),
    MEMBER(tenant_line, "id", JSON_TEXT, id),
    MEMBER(tenant_line, "name", JSON_TEXT, name),
    MEMBER(tenant_line, "settings", JSON_OBJECT, settings),
};

static enum err settings_check(struct import *import, struct bytes json)
{
	struct settings_layers layers;
	struct settings_mistake mistake;
	enum err err = settings_read_json(json, &import->arena, &layers, &mistake);
	if (err == ERR_NO_MEMORY)
		return err;
	bool sound = err == OK;
	for (int api = 0; api < API_NAMES && sound; api++) {
		struct settings ours, theirs;
		settings_resolve(import->options->server, &layers, (enum api_name)api, &ours);
		settings_resolve(import->options->server, NULL, (enum api_name)api, &theirs);
		sound = settings_are_stricter(&ours, &theirs, &mistake);
	}
	if (!sound)
		import_mistake(import, "settings: %s%s%s", mistake.key, mistake.key[0] ? " " : "",
		               mistake.why.text);
	return OK;
}

static enum err tenant_line(struct import *import, struct bytes line)
{
	struct tenant_line given = {0};
	bool sound;
	enum err err =
	    members_read(import, line, tenant_members,
	                 sizeof(tenant_members) / sizeof(tenant_members[0]), &given, &sound);
	if (err || !sound)
		return err;
	if (!id_is_sound(given.id)) {
		import_mistake(import, "\"id\" must be 1 to 64 of A-Z a-z 0-9 . _ -");
		return OK;
	}
	if (given.name.len > TEXT_MAX)
		import_mistake(import, "\"name\" must be at most 1000 octets");
	if (given.settings.at && (err = settings_check(import, given.settings)))
		return err;
	struct import_record *record = import_record_add(import);
	if (!record)
		return ERR_NO_MEMORY;
	record->type = IMPORT_TENANT;
	record->tenant = (struct tenant){
	    .id = given.id,
	    .name = given.name,
	    .settings = given.settings,
	};
	return identity_take(import, "tenant", given.id, BYTES_NONE);
}

/* ---- client ---------------------------------------------------------------------------------- */

struct client_line {
	struct bytes type, name, tenant, secret, roles, permissions;
	struct json_texts scopes;
	struct json_boolean disabled;
};

static const struct json_member client_members[] = {
    MEMBER(client_line, "type", JSON_TEXT, type),
    MEMBER(client_line, "name", JSON_TEXT, name),
    MEMBER(client_line, "tenant", JSON_TEXT, tenant),
    MEMBER(client_line, "secret", JSON_TEXT, secret),
    MEMBER(client_line, "scopes", JSON_TEXT_ARRAY, scopes),
    MEMBER(client_line, "roles", JSON_ANY, roles),
    MEMBER(client_line, "permissions", JSON_ANY, permissions),
    MEMBER(client_line, "disabled", JSON_BOOLEAN, disabled),
};

static const struct {
	struct bytes name;
	enum scope scope;
} scopes[] = {
    {{"otp.send", 8}, SCOPE_OTP_SEND},           {{"otp.verify", 10}, SCOPE_OTP_VERIFY},
    {{"user.read", 9}, SCOPE_USER_READ},         {{"user.write", 10}, SCOPE_USER_WRITE},
    {{"manage.otp.send", 15}, SCOPE_OTP_SEND},   {{"manage.otp.verify", 17}, SCOPE_OTP_VERIFY},
    {{"manage.user.read", 16}, SCOPE_USER_READ},
};

static unsigned scopes_read(struct import *import, const struct json_texts *given)
{
	unsigned found = 0;
	for (size_t i = 0; i < given->n; i++) {
		unsigned scope = 0;
		for (size_t j = 0; j < sizeof(scopes) / sizeof(scopes[0]); j++)
			if (bytes_equal(scopes[j].name, given->at[i]))
				scope = scopes[j].scope;
		if (!scope)
			import_mistake(import,
			               "scope \"%.*s\" is not known; there are otp.send, "
			               "otp.verify, user.read, user.write",
			               (int)given->at[i].len, given->at[i].at);
		found |= scope;
	}
	return found;
}

/* Roles and permissions are kept as they were typed; they must be lists of texts. */
static void check_texts(struct import *import, const char *name, struct bytes json)
{
	struct json_reader reader;
	struct json_token token;
	bool sound = true;
	if (!json.at)
		return;
	json_reader_init(&reader, json, &strict);
	sound = json_next(&reader, &token) == OK && token.type == JSON_TOKEN_ARRAY;
	while (sound && json_next(&reader, &token) == OK && token.type != JSON_TOKEN_ARRAY_END)
		sound = token.type == JSON_TOKEN_TEXT;
	if (!sound)
		import_mistake(import, "\"%s\" must be a list of texts", name);
}

static enum err client_line(struct import *import, struct bytes line)
{
	struct client_line given = {0};
	bool sound;
	enum err err =
	    members_read(import, line, client_members,
	                 sizeof(client_members) / sizeof(client_members[0]), &given, &sound);
	if (err || !sound)
		return err;
	if (!client_name_is_sound(given.name)) {
		import_mistake(import, "\"name\" must be 1 to 200 octets, without a colon and "
		                       "without control characters");
		return OK;
	}
	if (given.secret.at && (given.secret.len == 0 || given.secret.len > PASSWORD_MAX))
		import_mistake(import, "\"secret\" must be 1 to %d octets", PASSWORD_MAX);
	if (bytes_start_with(given.secret, BYTES("$argon2")) && !password_is_hash(given.secret))
		import_mistake(import, "\"secret\" looks like a PHC string but is none that can "
		                       "be read: $argon2id$v=19$m=...,t=...,p=1$salt$hash");
	check_texts(import, "roles", given.roles);
	check_texts(import, "permissions", given.permissions);
	if (!tenant_is_sound(import, given.tenant))
		return OK;
	struct import_record *record = import_record_add(import);
	if (!record)
		return ERR_NO_MEMORY;
	record->type = IMPORT_CLIENT;
	record->client = (struct client){
	    .name = given.name,
	    .tenant = given.tenant,
	    .scopes = scopes_read(import, &given.scopes),
	    .roles = given.roles,
	    .permissions = given.permissions,
	    .disabled = given.disabled.value,
	};
	record->secret = given.secret;
	record->scopes_given = given.scopes.at != NULL;
	record->disabled_given = given.disabled.given;
	return identity_take(import, "client", given.name, BYTES_NONE);
}

/* ---- number ---------------------------------------------------------------------------------- */

struct number_line {
	struct bytes type, tenant, phone, state, code;
	struct json_integer failures;
};

static const struct json_member number_members[] = {
    MEMBER(number_line, "type", JSON_TEXT, type),
    MEMBER(number_line, "tenant", JSON_TEXT, tenant),
    MEMBER(number_line, "phone", JSON_TEXT, phone),
    MEMBER(number_line, "state", JSON_TEXT, state),
    MEMBER(number_line, "code", JSON_TEXT, code),
    MEMBER(number_line, "failures", JSON_INTEGER, failures),
};

static enum line_state state_read(struct import *import, struct bytes state)
{
	if (bytes_equal(state, BYTES("dead")))
		return LINE_DEAD;
	if (bytes_equal(state, BYTES("landline")))
		return LINE_LANDLINE;
	if (state.at)
		import_mistake(import, "\"state\" must be dead or landline");
	return LINE_NORMAL;
}

static bool code_is_sound(struct bytes code)
{
	for (size_t i = 0; i < code.len; i++)
		if (code.at[i] <= ' ' || code.at[i] > '~')
			return false;
	return code.len >= CODE_LENGTH_MIN && code.len <= CODE_LENGTH_MAX;
}

static enum err number_line(struct import *import, struct bytes line)
{
	static const struct e164_rules rules = {.bare = E164_BARE_INTERNATIONAL};
	struct number_line given = {0};
	struct e164 phone = {0};
	bool sound;
	enum err err =
	    members_read(import, line, number_members,
	                 sizeof(number_members) / sizeof(number_members[0]), &given, &sound);
	if (err || !sound)
		return err;
	if (!given.tenant.at)
		import_mistake(import, "a number needs a tenant");
	bool known = tenant_is_sound(import, given.tenant) && given.tenant.at;
	enum e164_status status = e164_parse(given.phone, BYTES(""), &rules, &phone);
	if (status != E164_OK)
		import_mistake(import, "\"phone\" is not an international number: %s",
		               e164_status_text(status));
	if (given.code.at && !code_is_sound(given.code))
		import_mistake(import, "\"code\" must be %d to %d printable ASCII characters",
		               CODE_LENGTH_MIN, CODE_LENGTH_MAX);
	if (given.failures.given && given.failures.value != 0)
		import_mistake(import, "\"failures\" can only be reset: 0");
	enum line_state state = state_read(import, given.state);
	/* Of what has no identity nothing more can be said. */
	if (!known || status != E164_OK)
		return OK;
	struct import_record *record = import_record_add(import);
	if (!record)
		return ERR_NO_MEMORY;
	record->type = IMPORT_NUMBER;
	record->number = (struct line){
	    .tenant = given.tenant,
	    .number = phone.number,
	    .state = state,
	};
	record->state_given = given.state.at != NULL;
	record->code = given.code;
	record->failures_reset = given.failures.given;
	return identity_take(import, "number", given.tenant, number_bytes(&phone.number));
}

/* ---- a line ---------------------------------------------------------------------------------- */

enum err import_line(struct import *import, struct bytes line)
{
	static const struct json_options any_member = {.depth_max = 16};
	static const struct json_member type_member[] = {{{"type", 4}, JSON_TEXT, 0}};
	struct json_found found;
	struct json_refusal refusal;
	struct bytes type = BYTES_NONE;
	if (!line.at)
		return ERR_NO_MEMORY;
	enum err err = json_object_read(line, &any_member, type_member, 1, &import->arena, &type,
	                                &found, &refusal);
	if (err == ERR_NO_MEMORY)
		return err;
	if (err) {
		import_mistake(import, "not a JSON object: %s, at octet %zu", refusal.why,
		               refusal.offset + 1);
		return OK;
	}
	if (bytes_equal(type, BYTES("tenant")))
		return tenant_line(import, line);
	if (bytes_equal(type, BYTES("client")))
		return client_line(import, line);
	if (bytes_equal(type, BYTES("number")))
		return number_line(import, line);
	import_mistake(import, "\"type\" must be tenant, client or number");
	return OK;
}
