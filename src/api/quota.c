/* SPDX-License-Identifier: Apache-2.0 */
#include "api/quota.h"

#include <stdlib.h>

#define MERGE_EVERY_MS 1000

static const struct {
	const char *text;
	size_t rates; /* offset in struct limits */
	bool per_tenant;
} quotas[QUOTAS] = {
#define QUOTA(name, text, rates, per_tenant)                                                       \
	[QUOTA_##name] = {text, offsetof(struct limits, rates), per_tenant},
#include "api/quota.def"
#undef QUOTA
};

static const struct rates *rates_of(enum quota quota, const struct limits *limits)
{
	return (const struct rates *)(const void *)((const char *)limits + quotas[quota].rates);
}

static bool key_make(struct api *api, const struct quota_who *who, struct tally_key *ret)
{
	uint8_t mac[SHA256_LEN];
	struct keyring *keyring = api->flow.ports.keyring;
	const struct bytes parts[] = {
	    bytes_from_text(quotas[who->quota].text),
	    BYTES("\0"),
	    quotas[who->quota].per_tenant ? who->tenant : BYTES(""),
	    BYTES("\0"),
	    who->name,
	};
	if (keyring_mac(keyring, keyring_writing_id(keyring), KEY_TALLY, parts,
	                sizeof(parts) / sizeof(parts[0]), mac) != OK)
		return false;
	memcpy(ret->octets, mac, sizeof(ret->octets));
	return true;
}

int64_t quota_wait_ms(struct api *api, const struct quota_who *who, const struct limits *limits)
{
	struct tally_key key;
	const struct rates *rates = rates_of(who->quota, limits);
	if (!limits->enabled || !rates->n || !key_make(api, who, &key))
		return 0;
	return tally_wait_ms(&api->quotas.table, &key, rates, api_now_ms(api));
}

void quota_charge(struct api *api, const struct quota_who *who, const struct limits *limits)
{
	struct tally_key key;
	const struct rates *rates = rates_of(who->quota, limits);
	if (limits->enabled && rates->n && key_make(api, who, &key))
		tally_add(&api->quotas.table, &key, rates, api_now_ms(api));
}

/* ---- merging --------------------------------------------------------------------------------- */

static void on_merged(struct store_tally *merge)
{
	struct quotas *own = CONTAINER_OF(merge, struct quotas, merge);
	if (merge->err)
		tally_unmerged(&own->table, own->rows, merge->rows_n);
	else
		tally_merged(&own->table, own->rows, merge->rows_n);
	own->merging = false;
}

void quotas_tick(struct api *api)
{
	struct quotas *own = &api->quotas;
	int64_t now_ms = api_now_ms(api);
	if (own->merging || (now_ms >= own->merged_ms && now_ms < own->merged_ms + MERGE_EVERY_MS))
		return;
	own->merged_ms = now_ms;
	size_t n = tally_take(&own->table, own->rows, TALLY_ROWS_MAX, now_ms);
	if (!n)
		return;
	own->merging = true;
	own->merge = (struct store_tally){.rows = own->rows, .rows_n = n, .on_done = on_merged};
	api->store->ops->tally(api->store, &own->merge);
}

enum err quotas_init(struct api *api)
{
	api->quotas.merging = false;
	api->quotas.merged_ms = 0;
	api->quotas.rows = calloc(TALLY_ROWS_MAX, sizeof(*api->quotas.rows));
	return api->quotas.rows ? tally_init(&api->quotas.table) : ERR_NO_MEMORY;
}

void quotas_done(struct api *api)
{
	tally_done(&api->quotas.table);
	free(api->quotas.rows);
}
