/* SPDX-License-Identifier: Apache-2.0 */
/* A record of the input laid over the one that is there: what the line did not touch is kept. And
 * whether what it refers to is there, in the store or in this input. */
#include "ops/import_private.h"

/* ---- names ----------------------------------------------------------------------------------- */

/* Not by printf: a digest has zeros in it. */
struct bytes import_key(struct import *import, const char *kind, struct bytes of,
                        struct bytes which)
{
	const struct bytes parts[] = {bytes_from_text(kind), of, which};
	struct bytes key = {NULL, 0};
	char *at = arena_take(&import->arena, parts[0].len + of.len + which.len + 3);
	if (!at)
		return key;
	key.at = at;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (!parts[i].at)
			continue;
		if (i)
			*at++ = ' ';
		memcpy(at, parts[i].at, parts[i].len);
		at += parts[i].len;
	}
	key.len = (size_t)(at - key.at);
	return key;
}

struct bytes import_name_key(struct import *import, struct bytes tenant, struct bytes name)
{
	char *folded = arena_take(&import->arena, name.len + 1);
	for (size_t i = 0; folded && i < name.len; i++)
		folded[i] = ascii_lower(name.at[i]);
	return folded ? import_key(import, "userName", tenant, (struct bytes){folded, name.len})
	              : BYTES_NONE;
}

struct import_record *import_find(struct import *import, const char *kind, struct bytes of,
                                  struct bytes which, enum err *ret_err)
{
	struct bytes key = import_key(import, kind, of, which);
	*ret_err = key.at ? OK : ERR_NO_MEMORY;
	size_t place = key.at ? (uintptr_t)map_get(&import->identities, key) : 0;
	return place ? &import->records[place - 1] : NULL;
}

/* ---- tenants --------------------------------------------------------------------------------- */

static enum err tenant_look_up(struct import *import, struct bytes id, struct import_tenant *ret)
{
	enum err err;
	const struct import_record *record = import_find(import, "tenant", id, BYTES_NONE, &err);
	const struct tenant *tenant = record ? &record->tenant : NULL;
	if (!err && !tenant) {
		struct store_load load = {.want = WANT_TENANT, .tenant = id};
		err = import_load(import, &load);
		tenant = load.tenant_record;
	}
	*ret = (struct import_tenant){.known = tenant};
	if (err || !tenant)
		return err;
	struct settings_layers layers;
	struct settings_mistake ignored;
	struct bytes settings = tenant->settings.at ? tenant->settings : BYTES("{}");
	err = settings_read_json(settings, &import->merged, &layers, &ignored);
	if (err == ERR_NO_MEMORY)
		return err;
	/* Unsound ones were told, or are an older program's. */
	ret->phones_unique =
	    settings_phones_are_unique(import->options->server, err ? NULL : &layers,
	                               tenant->kii_app_key.at || tenant->kii_client_id.at);
	return OK;
}

const struct import_tenant *import_tenant(struct import *import, struct bytes id, enum err *ret_err)
{
	struct import_tenant *tenant = map_get(&import->tenants, id);
	*ret_err = OK;
	if (tenant)
		return tenant;
	tenant = ARENA_NEW(&import->merged, struct import_tenant);
	*ret_err = tenant ? tenant_look_up(import, id, tenant) : ERR_NO_MEMORY;
	if (!*ret_err)
		*ret_err = map_put(&import->tenants, id, tenant);
	return *ret_err ? NULL : tenant;
}

static enum err tenant_check(struct import *import, struct bytes id)
{
	enum err err;
	const struct import_tenant *tenant = import_tenant(import, id, &err);
	if (tenant && !tenant->known)
		import_mistake(import, "tenant \"%.*s\" is not known; import it first, or before",
		               (int)id.len, id.at);
	return err;
}

/* ---- keeping --------------------------------------------------------------------------------- */

static size_t form_size(enum record_form form)
{
	switch (form) {
	case FORM_TEXT:
	case FORM_LIST:
	case FORM_OBJECT:
		return sizeof(struct bytes);
	case FORM_FLAG:
		return sizeof(bool);
	case FORM_MOMENT:
		return sizeof(int64_t);
	case FORM_TYPE:
	case FORM_OWN:
	case FORM_OWN_LIST:
	case FORM_OWN_OBJECT:
	case FORM_OWN_FLAG:
	case FORM_OWN_INTEGER:
	case FORM_SECRET:
		return 0;
	}
	return 0;
}

static bool touches(const struct import_record *record, int row)
{
	return record->touched >> row & 1;
}

/* What was not touched is as `old` has it; NULL: there is none, and it is as in a new record. */
static void keep(struct import_record *record, const void *old)
{
	const struct record_kind *kind = &record_kinds[record->type];
	record->exists = old;
	for (size_t i = 0; i < kind->rows_n; i++) {
		size_t size = form_size(kind->rows[i].form), at = kind->rows[i].field;
		if (touches(record, (int)i) || !size)
			continue;
		if (old)
			memcpy((char *)&record->tenant + at, (const char *)old + at, size);
		else
			memset((char *)&record->tenant + at, 0, size);
	}
}

/* ---- each kind ------------------------------------------------------------------------------- */

static enum err tenant_merge(struct import *import, struct import_record *record)
{
	struct tenant *tenant = &record->tenant;
	struct store_load load = {.want = WANT_TENANT, .tenant = tenant->id};
	enum err err = import_load(import, &load);
	if (err)
		return err;
	const struct tenant *old = load.tenant_record;
	keep(record, old);
	tenant->version = VERSION_ANY;
	tenant->kii_client_secret_hash = BYTES_NONE;
	bool removed = touches(record, ROW_TENANT_KII) && !(record->given >> ROW_TENANT_KII & 1);
	if (!old || removed)
		return OK;
	if (!tenant->kii_app_key.at)
		tenant->kii_app_key = old->kii_app_key;
	if (!tenant->kii_client_id.at)
		tenant->kii_client_id = old->kii_client_id;
	tenant->kii_client_secret_hash = old->kii_client_secret_hash;
	return OK;
}

static enum err client_merge(struct import *import, struct import_record *record)
{
	struct client *client = &record->client;
	struct store_load load = {.want = WANT_CLIENT, .client_name = client->name};
	enum err err = import_load(import, &load);
	if (err)
		return err;
	const struct client *old = load.client;
	keep(record, old);
	client->version = VERSION_ANY;
	client->secret_hash =
	    old && !touches(record, ROW_CLIENT_SECRET) ? old->secret_hash : BYTES_NONE;
	if (old && !touches(record, ROW_CLIENT_SCOPES))
		client->scopes = old->scopes;
	if (old && !touches(record, ROW_CLIENT_TENANT))
		client->tenant = old->tenant;
	if (!client->tenant.at) {
		import_mistake(import, "a new client needs a tenant");
		return OK;
	}
	return tenant_check(import, client->tenant);
}

/* The client that a key names: it must be there, and of the key's tenant. */
static enum err key_client_check(struct import *import, const struct key *key)
{
	enum err err;
	const struct import_record *record =
	    import_find(import, "client", key->client, BYTES_NONE, &err);
	const struct client *client = record ? &record->client : NULL;
	if (!err && !client) {
		struct store_load load = {.want = WANT_CLIENT, .client_name = key->client};
		err = import_load(import, &load);
		client = load.client;
	}
	if (!err && (!client || !bytes_equal(client->tenant, key->tenant)))
		import_mistake(import, "tenant \"%.*s\" has no client \"%.*s\"",
		               (int)key->tenant.len, key->tenant.at, (int)key->client.len,
		               key->client.at);
	return err;
}

static enum err user_load(struct import *import, struct bytes tenant, enum user_by by,
                          struct bytes which, struct bytes *ret_id)
{
	struct store_load load = {
	    .want = WANT_USER, .tenant = tenant, .user_by = by, .user_key = which};
	enum err err = import_load(import, &load);
	*ret_id = load.user ? load.user->id : BYTES_NONE;
	return err;
}

/* Whom `holder` names: by his id, else by his userName; this input first. Absent: nobody. */
static enum err holder_find(struct import *import, struct bytes tenant, struct bytes holder,
                            struct bytes *ret_id)
{
	enum err err;
	*ret_id = holder;
	if (import_find(import, "user", tenant, holder, &err) || err)
		return err;
	err = user_load(import, tenant, USER_BY_ID, holder, ret_id);
	if (err || ret_id->at)
		return err;
	struct bytes key = import_name_key(import, tenant, holder);
	if (!key.at)
		return ERR_NO_MEMORY;
	const struct import_person *person = map_get(&import->names, key);
	if (person) {
		*ret_id = person->user.id;
		return OK;
	}
	return user_load(import, tenant, USER_BY_NAME, holder, ret_id);
}

static enum err key_user_check(struct import *import, struct import_record *record)
{
	struct key *key = &record->key;
	enum err err = holder_find(import, key->tenant, record->holder, &key->user);
	if (!err && !key->user.at)
		import_mistake(import, "tenant \"%.*s\" has no user \"%.*s\"", (int)key->tenant.len,
		               key->tenant.at, (int)record->holder.len, record->holder.at);
	return err;
}

static enum err key_merge(struct import *import, struct import_record *record)
{
	struct key *key = &record->key;
	struct store_load load = {.want = WANT_KEY, .hash = key->hash};
	enum err err = import_load(import, &load);
	if (err)
		return err;
	const struct key *old = load.key;
	bool names_client = record->given >> ROW_KEY_CLIENT & 1;
	keep(record, old);
	key->version = VERSION_ANY;
	if (old && !touches(record, ROW_KEY_TENANT))
		key->tenant = old->tenant;
	if (!key->tenant.at) {
		import_mistake(import, "a new key needs a tenant");
		return OK;
	}
	if ((err = tenant_check(import, key->tenant)))
		return err;
	if (names_client || record->holder.at) {
		if (!names_client)
			key->client = BYTES_NONE;
		key->user = BYTES_NONE;
		return names_client ? key_client_check(import, key)
		                    : key_user_check(import, record);
	}
	key->client = old ? old->client : BYTES_NONE;
	key->user = old ? old->user : BYTES_NONE;
	if (!old)
		import_mistake(import, "a new key needs a client or a user");
	return OK;
}

static enum err system_merge(struct import *import, struct import_record *record)
{
	struct system *system = &record->system;
	struct store_load load = {
	    .want = WANT_SYSTEM, .tenant = system->tenant, .system_id = system->id};
	enum err err = import_load(import, &load);
	if (err)
		return err;
	const struct system *old = load.system;
	bool keeps_secret = old && !touches(record, ROW_SYSTEM_SECRET);
	keep(record, old);
	system->version = VERSION_ANY;
	system->sealed_secret = keeps_secret ? old->sealed_secret : BYTES_NONE;
	system->key_id = keeps_secret ? old->key_id : BYTES_NONE;
	if (old && !touches(record, ROW_SYSTEM_SIGNING))
		system->signing = old->signing;
	return tenant_check(import, system->tenant);
}

static void chosen_copy(struct line *line, const struct line *from)
{
	line->chosen = from->chosen;
	line->chosen_length = from->chosen_length;
	line->chosen_key_id = from->chosen_key_id;
	memcpy(line->chosen_mac, from->chosen_mac, SHA256_LEN);
}

static enum err number_merge(struct import *import, struct import_record *record)
{
	struct line *line = &record->number;
	struct store_load load = {
	    .want = WANT_LINE, .tenant = line->tenant, .number = line->number};
	enum err err = import_load(import, &load);
	if (err)
		return err;
	const struct line *old = load.line;
	record->exists = old;
	if (old && !touches(record, ROW_LINE_STATE))
		line->state = old->state;
	chosen_copy(line, old && !touches(record, ROW_LINE_CODE) ? old : &(struct line){0});
	line->version = VERSION_ANY;
	record->failures = (struct failures){
	    .tenant = line->tenant, .number = line->number, .version = VERSION_ANY};
	return tenant_check(import, line->tenant);
}

enum err import_merge(struct import *import, struct import_record *record)
{
	enum err err;
	switch (record->type) {
	case RECORD_TENANT:
		return tenant_merge(import, record);
	case RECORD_CLIENT:
		return client_merge(import, record);
	case RECORD_USER:
		err = tenant_check(import, record->user.tenant);
		return err ? err : import_merge_user(import, record);
	case RECORD_KEY:
		return key_merge(import, record);
	case RECORD_SYSTEM:
		return system_merge(import, record);
	case RECORD_NUMBER:
		return number_merge(import, record);
	case RECORD_TYPES:
		break;
	}
	return ERR_UNSUPPORTED;
}
