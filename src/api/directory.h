/* SPDX-License-Identifier: Apache-2.0 */
/* Who may call: clients and their tenants, with the settings by which each API serves them. Loaded
 * from the store when first asked for, kept on the loop, and forgotten within a second after any
 * process changed one (the store's generation). */
#ifndef API_DIRECTORY_H
#define API_DIRECTORY_H

#include "api/api.h"
#include "core/port_store.h"

/* Kept accounts a loop; when they are more, all are forgotten and loaded again as they call. */
#define ACCOUNTS_MAX 4096

/* A client and its tenant. Counted: the cache holds one, each request that uses it another. */
struct account {
	unsigned refs;
	struct arena arena; /* owns the text of what follows */
	struct client client;
	struct tenant tenant;
	struct settings settings[API_NAMES];
	/* The last secret that Argon2 found right, as a MAC, and until when that is believed. */
	uint8_t secret_mac[SHA256_LEN];
	int64_t secret_until_ms;
	struct list waiters; /* of api/auth: requests whose secret is being compared */
};

/* One look-up. Caller's memory, until on_done. */
struct directory_lookup {
	struct bytes name; /* of the client; outlives the look-up */
	struct arena *arena;
	void (*on_done)(struct directory_lookup *lookup);
	enum err err;
	struct account *account; /* a reference for the caller; NULL: there is no such client */
	/* the directory's own */
	struct api *api;
	uint64_t generation; /* when it began: what was loaded across a change is not kept */
	const struct client *client; /* found; its tenant is loaded next */
	struct store_load load;
};

/* on_done may be called before this returns (the account was kept). */
void directory_find(struct api *api, struct directory_lookup *lookup);
void account_unref(struct account *account);
/* Forgets all accounts; those in use live on until their last reference goes. */
void directory_forget(struct api *api);

#endif
