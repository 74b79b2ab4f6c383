/* SPDX-License-Identifier: Apache-2.0 */
#include "api/directory.h"

#include "ops/log.h"

#include <stdlib.h>

void account_unref(struct account *account)
{
	if (!account || --account->refs)
		return;
	secret_wipe(account->secret_mac, sizeof(account->secret_mac));
	arena_done(&account->arena);
	free(account);
}

void directory_forget(struct api *api)
{
	for (size_t i = 0; i < api->accounts.cap; i++)
		if (api->accounts.slots[i].value)
			account_unref(api->accounts.slots[i].value);
	map_done(&api->accounts);
	if (map_init(&api->accounts) != OK)
		LOG(LOG_ERROR, "no-random", log_text("consequence", BYTES("accounts not kept")));
}

/* ---- making an account of what was loaded ---------------------------------------------------- */

static bool client_copy(struct arena *arena, const struct client *from, struct client *to)
{
	*to = *from;
	to->name = arena_copy(arena, from->name);
	to->tenant = arena_copy(arena, from->tenant);
	if (from->secret_hash.at)
		to->secret_hash = arena_copy(arena, from->secret_hash);
	to->roles = to->permissions = BYTES_NONE; /* no API asks for them yet */
	return to->name.at && to->tenant.at && (!from->secret_hash.at || to->secret_hash.at);
}

/* A tenant's settings were read when they were imported; one that this version cannot read leaves
 * the server's in force. */
static void settings_take(struct account *account, const struct settings_layers *server)
{
	struct settings_layers layers, *own = NULL;
	struct settings_mistake mistake;
	if (account->tenant.settings.at) {
		if (settings_read_json(account->tenant.settings, &account->arena, &layers,
		                       &mistake) == OK)
			own = &layers;
		else
			LOG(LOG_ERROR, "tenant-settings", log_text("tenant", account->tenant.id),
			    log_text("key", bytes_from_text(mistake.key)),
			    log_text("why", bytes_from_text(mistake.why.text)),
			    log_text("consequence", BYTES("the server's settings apply")));
	}
	for (int name = 0; name < API_NAMES; name++)
		settings_resolve(server, own, (enum api_name)name, &account->settings[name]);
}

static struct account *account_new(struct api *api, const struct client *client,
                                   const struct tenant *tenant)
{
	struct account *account = calloc(1, sizeof(*account));
	if (!account)
		return NULL;
	account->refs = 1;
	list_init(&account->waiters);
	arena_init(&account->arena);
	account->tenant.id = arena_copy(&account->arena, tenant->id);
	account->tenant.settings =
	    tenant->settings.at ? arena_copy(&account->arena, tenant->settings) : BYTES_NONE;
	if (!client_copy(&account->arena, client, &account->client) || !account->tenant.id.at ||
	    (tenant->settings.at && !account->tenant.settings.at)) {
		account_unref(account);
		return NULL;
	}
	settings_take(account, api->shared->settings);
	return account;
}

/* Keeps it for the next request; what cannot be kept is simply loaded again. Two requests may have
 * loaded the same one: the first stays. */
static struct account *account_keep(struct api *api, uint64_t generation, struct account *account)
{
	if (generation != api->generation)
		return account;
	struct account *kept = map_get(&api->accounts, account->client.name);
	if (kept) {
		account_unref(account);
		kept->refs++;
		return kept;
	}
	if (api->accounts.n >= ACCOUNTS_MAX)
		directory_forget(api);
	if (map_put(&api->accounts, account->client.name, account) == OK)
		account->refs++;
	return account;
}

/* ---- look-up --------------------------------------------------------------------------------- */

static void lookup_done(struct directory_lookup *lookup, enum err err, struct account *account)
{
	lookup->err = err;
	lookup->account = account;
	lookup->on_done(lookup);
}

static void on_tenant(struct store_load *load)
{
	struct directory_lookup *lookup = CONTAINER_OF(load, struct directory_lookup, load);
	if (load->err || !load->tenant_record) {
		lookup_done(lookup, load->err, NULL);
		return;
	}
	struct account *account = account_new(lookup->api, lookup->client, load->tenant_record);
	if (!account)
		lookup_done(lookup, ERR_NO_MEMORY, NULL);
	else
		lookup_done(lookup, OK, account_keep(lookup->api, lookup->generation, account));
}

static void on_client(struct store_load *load)
{
	struct directory_lookup *lookup = CONTAINER_OF(load, struct directory_lookup, load);
	if (load->err || !load->client) {
		lookup_done(lookup, load->err, NULL);
		return;
	}
	lookup->client = load->client;
	*load = (struct store_load){
	    .want = WANT_TENANT,
	    .tenant = lookup->client->tenant,
	    .arena = lookup->arena,
	    .on_done = on_tenant,
	};
	store_load(lookup->api->store, load);
}

void directory_find(struct api *api, struct directory_lookup *lookup)
{
	lookup->api = api;
	lookup->generation = api->generation;
	struct account *kept = map_get(&api->accounts, lookup->name);
	if (kept) {
		kept->refs++;
		lookup_done(lookup, OK, kept);
		return;
	}
	lookup->load = (struct store_load){
	    .want = WANT_CLIENT,
	    .client_name = lookup->name,
	    .arena = lookup->arena,
	    .on_done = on_client,
	};
	store_load(api->store, &lookup->load);
}
