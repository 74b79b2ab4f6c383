/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   key ─┬─ of a client ─► client ─► tenant
 *        └─ of a user ─────────────► tenant
 *
 * Each arrow is a look into what is kept, else a load. */
#include "api/directory.h"

#include "ops/log.h"

#include <stdlib.h>

static void seek_domain(struct directory_lookup *lookup, struct bytes id);
static void seek_account(struct directory_lookup *lookup, struct bytes name);

/* ---- references ------------------------------------------------------------------------------ */

struct domain *domain_ref(struct domain *domain)
{
	domain->refs++;
	return domain;
}

struct account *account_ref(struct account *account)
{
	account->refs++;
	return account;
}

void domain_unref(struct domain *domain)
{
	if (!domain || --domain->refs)
		return;
	arena_done(&domain->arena);
	free(domain);
}

void account_unref(struct account *account)
{
	if (!account || --account->refs)
		return;
	domain_unref(account->domain);
	arena_done(&account->arena);
	free(account);
}

void pass_unref(struct pass *pass)
{
	if (!pass || --pass->refs)
		return;
	account_unref(pass->account);
	domain_unref(pass->domain);
	arena_done(&pass->arena);
	free(pass);
}

/* ---- what is kept ---------------------------------------------------------------------------- */

static void kept_unref(enum directory_kind kind, void *kept)
{
	switch (kind) {
	case DIRECTORY_TENANT:
		domain_unref(kept);
		return;
	case DIRECTORY_CLIENT:
		account_unref(kept);
		return;
	case DIRECTORY_KEY:
		pass_unref(kept);
		return;
	case DIRECTORY_KINDS:
		break;
	}
}

enum err directory_init(struct api *api)
{
	enum err err = OK;
	for (int kind = 0; kind < DIRECTORY_KINDS && err == OK; kind++)
		err = map_init(&api->directory[kind]);
	return err;
}

static void forget_kind(struct api *api, enum directory_kind kind)
{
	struct map *map = &api->directory[kind];
	for (size_t i = 0; i < map->cap; i++)
		if (map->slots[i].value)
			kept_unref(kind, map->slots[i].value);
	map_clear(map);
}

void directory_forget(struct api *api)
{
	for (int kind = 0; kind < DIRECTORY_KINDS; kind++)
		forget_kind(api, (enum directory_kind)kind);
}

/* Whether what was just made may be kept under `name`; the caller then adds a reference for the
 * cache. What cannot be kept is loaded again. */
static bool keep(struct directory_lookup *lookup, enum directory_kind kind, struct bytes name,
                 void *made)
{
	struct map *map = &lookup->api->directory[kind];
	if (lookup->generation != lookup->api->generation || map_get(map, name))
		return false;
	if (map->n >= DIRECTORY_MAX)
		forget_kind(lookup->api, kind);
	return map_put(map, name, made) == OK;
}

/* ---- making them ----------------------------------------------------------------------------- */

static bool text_copy(struct arena *arena, struct bytes *text)
{
	if (text->at)
		*text = arena_copy(arena, *text);
	else
		return true;
	return text->at != NULL;
}

/* A tenant's settings were read when they were imported; one that this version cannot read leaves
 * the server's in force. */
static void settings_take(struct domain *domain, const struct settings_layers *server)
{
	struct settings_layers layers, *own = NULL;
	struct settings_mistake mistake;
	if (domain->tenant.settings.at) {
		if (settings_read_json(domain->tenant.settings, &domain->arena, &layers,
		                       &mistake) == OK)
			own = &layers;
		else
			LOG(LOG_ERROR, "tenant-settings", log_text("tenant", domain->tenant.id),
			    log_text("key", bytes_from_text(mistake.key)),
			    log_text("why", bytes_from_text(mistake.why.text)),
			    log_text("consequence", BYTES("the server's settings apply")));
	}
	for (int name = 0; name < API_NAMES; name++)
		settings_resolve(server, own, (enum api_name)name, &domain->settings[name]);
}

static struct domain *domain_new(const struct api *api, const struct tenant *tenant)
{
	struct domain *domain = calloc(1, sizeof(*domain));
	if (!domain)
		return NULL;
	domain->refs = 1;
	arena_init(&domain->arena);
	domain->tenant = *tenant;
	if (!text_copy(&domain->arena, &domain->tenant.id) ||
	    !text_copy(&domain->arena, &domain->tenant.name) ||
	    !text_copy(&domain->arena, &domain->tenant.settings) ||
	    !text_copy(&domain->arena, &domain->tenant.kii_app_key) ||
	    !text_copy(&domain->arena, &domain->tenant.kii_client_id) ||
	    !text_copy(&domain->arena, &domain->tenant.kii_client_secret_hash)) {
		domain_unref(domain);
		return NULL;
	}
	settings_take(domain, api->shared->settings);
	return domain;
}

static struct account *account_new(const struct client *client, struct domain *domain)
{
	struct account *account = calloc(1, sizeof(*account));
	if (!account)
		return NULL;
	account->refs = 1;
	account->domain = domain_ref(domain);
	arena_init(&account->arena);
	account->client = *client;
	if (!text_copy(&account->arena, &account->client.name) ||
	    !text_copy(&account->arena, &account->client.tenant) ||
	    !text_copy(&account->arena, &account->client.secret_hash) ||
	    !text_copy(&account->arena, &account->client.roles) ||
	    !text_copy(&account->arena, &account->client.permissions)) {
		account_unref(account);
		return NULL;
	}
	return account;
}

static struct pass *pass_new(const struct key *key, struct domain *domain, struct account *account)
{
	struct pass *pass = calloc(1, sizeof(*pass));
	if (!pass)
		return NULL;
	pass->refs = 1;
	pass->domain = domain_ref(domain);
	pass->account = account ? account_ref(account) : NULL;
	arena_init(&pass->arena);
	pass->key = *key;
	if (!text_copy(&pass->arena, &pass->key.tenant) ||
	    !text_copy(&pass->arena, &pass->key.client) ||
	    !text_copy(&pass->arena, &pass->key.user)) {
		pass_unref(pass);
		return NULL;
	}
	return pass;
}

/* ---- looking up ------------------------------------------------------------------------------ */

static void lookup_end(struct directory_lookup *lookup, enum err err)
{
	lookup->err = err;
	lookup->on_done(lookup);
}

static struct bytes pass_name(const struct key *key)
{
	return (struct bytes){(const char *)key->hash, SHA256_LEN};
}

/* What is kept under the name. Two requests may have loaded the same one: the first stays. */
static void *kept(const struct directory_lookup *lookup, enum directory_kind kind,
                  struct bytes name)
{
	return map_get(&lookup->api->directory[kind], name);
}

/* Takes over the references; the key is there, and whose it is. */
static void have_owner(struct directory_lookup *lookup, struct domain *domain,
                       struct account *account)
{
	struct pass *pass = NULL;
	/* A client's key is of the client's tenant; import holds that. */
	bool sound = bytes_equal(domain->tenant.id, lookup->key->tenant);
	if (sound)
		pass = pass_new(lookup->key, domain, account);
	domain_unref(domain);
	account_unref(account);
	if (pass && keep(lookup, DIRECTORY_KEY, pass_name(&pass->key), pass))
		pass->refs++;
	lookup->pass = pass;
	lookup_end(lookup, sound && !pass ? ERR_NO_MEMORY : OK);
}

/* Takes over the reference. */
static void have_account(struct directory_lookup *lookup, struct account *account)
{
	if (lookup->kind == DIRECTORY_KEY) {
		have_owner(lookup, domain_ref(account->domain), account);
		return;
	}
	lookup->account = account;
	lookup_end(lookup, OK);
}

/* Takes over the reference. */
static void have_domain(struct directory_lookup *lookup, struct domain *domain)
{
	if (lookup->client) {
		struct account *account = kept(lookup, DIRECTORY_CLIENT, lookup->client->name);
		bool same = account && lookup->generation == lookup->api->generation;
		account = same ? account_ref(account) : account_new(lookup->client, domain);
		domain_unref(domain);
		if (!account) {
			lookup_end(lookup, ERR_NO_MEMORY);
			return;
		}
		if (!same && keep(lookup, DIRECTORY_CLIENT, account->client.name, account))
			account->refs++;
		have_account(lookup, account);
		return;
	}
	if (lookup->kind == DIRECTORY_KEY) {
		have_owner(lookup, domain, NULL);
		return;
	}
	lookup->domain = domain;
	lookup_end(lookup, OK);
}

static void on_tenant(struct store_load *load)
{
	struct directory_lookup *lookup = CONTAINER_OF(load, struct directory_lookup, load);
	if (load->err || !load->tenant_record) {
		lookup_end(lookup, load->err);
		return;
	}
	struct domain *domain = kept(lookup, DIRECTORY_TENANT, load->tenant_record->id);
	if (domain && lookup->generation == lookup->api->generation) {
		have_domain(lookup, domain_ref(domain));
		return;
	}
	domain = domain_new(lookup->api, load->tenant_record);
	if (!domain) {
		lookup_end(lookup, ERR_NO_MEMORY);
		return;
	}
	if (keep(lookup, DIRECTORY_TENANT, domain->tenant.id, domain))
		domain->refs++;
	have_domain(lookup, domain);
}

static void on_client(struct store_load *load)
{
	struct directory_lookup *lookup = CONTAINER_OF(load, struct directory_lookup, load);
	if (load->err || !load->client) {
		lookup_end(lookup, load->err);
		return;
	}
	struct account *account = kept(lookup, DIRECTORY_CLIENT, load->client->name);
	if (account && lookup->generation == lookup->api->generation) {
		have_account(lookup, account_ref(account));
		return;
	}
	lookup->client = load->client;
	seek_domain(lookup, lookup->client->tenant);
}

static void on_key(struct store_load *load)
{
	struct directory_lookup *lookup = CONTAINER_OF(load, struct directory_lookup, load);
	if (load->err || !load->key) {
		lookup_end(lookup, load->err);
		return;
	}
	lookup->key = load->key;
	if (lookup->key->client.at)
		seek_account(lookup, lookup->key->client);
	else
		seek_domain(lookup, lookup->key->tenant);
}

static void seek_domain(struct directory_lookup *lookup, struct bytes id)
{
	struct domain *domain = kept(lookup, DIRECTORY_TENANT, id);
	if (domain) {
		have_domain(lookup, domain_ref(domain));
		return;
	}
	lookup->load = (struct store_load){
	    .want = WANT_TENANT,
	    .tenant = id,
	    .arena = lookup->arena,
	    .on_done = on_tenant,
	};
	store_load(lookup->api->store, &lookup->load);
}

static void seek_account(struct directory_lookup *lookup, struct bytes name)
{
	struct account *account = kept(lookup, DIRECTORY_CLIENT, name);
	if (account) {
		have_account(lookup, account_ref(account));
		return;
	}
	lookup->load = (struct store_load){
	    .want = WANT_CLIENT,
	    .client_name = name,
	    .arena = lookup->arena,
	    .on_done = on_client,
	};
	store_load(lookup->api->store, &lookup->load);
}

static void seek_pass(struct directory_lookup *lookup)
{
	struct pass *pass = kept(lookup, DIRECTORY_KEY, lookup->name);
	if (pass) {
		pass->refs++;
		lookup->pass = pass;
		lookup_end(lookup, OK);
		return;
	}
	lookup->load = (struct store_load){
	    .want = WANT_KEY,
	    .hash = (const uint8_t *)lookup->name.at,
	    .arena = lookup->arena,
	    .on_done = on_key,
	};
	store_load(lookup->api->store, &lookup->load);
}

void directory_find(struct api *api, struct directory_lookup *lookup)
{
	lookup->api = api;
	lookup->generation = api->generation;
	lookup->domain = NULL;
	lookup->account = NULL;
	lookup->pass = NULL;
	lookup->client = NULL;
	lookup->key = NULL;
	switch (lookup->kind) {
	case DIRECTORY_TENANT:
		seek_domain(lookup, lookup->name);
		return;
	case DIRECTORY_CLIENT:
		seek_account(lookup, lookup->name);
		return;
	case DIRECTORY_KEY:
		seek_pass(lookup);
		return;
	case DIRECTORY_KINDS:
		break;
	}
}
