/* SPDX-License-Identifier: Apache-2.0 */
/* Who may call: tenants with the settings by which each API serves them, their clients, and the
 * keys of both clients and users. Loaded from the store when first asked for, kept on the loop, and
 * forgotten within a second after any process changed one (the store's generation). Users are not
 * kept: what they are changes with their own requests. */
#ifndef API_DIRECTORY_H
#define API_DIRECTORY_H

#include "api/api.h"
#include "core/port_store.h"

/* Of each kind, kept a loop; when they are more, all are forgotten and loaded again as they call.
 */
#define DIRECTORY_MAX 4096

/* All are counted: the cache holds one reference, each request that uses it another. */

struct domain {
	unsigned refs;
	struct arena arena; /* owns the text of what follows */
	struct tenant tenant;
	struct settings settings[API_NAMES];
};

struct account {
	unsigned refs;
	struct arena arena; /* owns the text of what follows */
	struct client client;
	struct domain *domain; /* a reference */
};

struct pass {
	unsigned refs;
	struct arena arena; /* owns the text of what follows */
	struct key key;
	struct domain *domain;   /* a reference */
	struct account *account; /* a reference; NULL: the key is a user's */
};

/* One look-up. Caller's memory, until on_done. */
struct directory_lookup {
	enum directory_kind kind;
	struct bytes name; /* the tenant's id, the client's name, the key's SHA-256; outlives it */
	struct arena *arena;
	void (*on_done)(struct directory_lookup *lookup);
	enum err err;
	/* What was asked for, a reference for the caller; NULL: there is no such thing, or what it
	 * belongs to is gone. The others stay NULL. */
	struct domain *domain;
	struct account *account;
	struct pass *pass;
	/* the directory's own */
	struct api *api;
	uint64_t generation; /* when it began: what was loaded across a change is not kept */
	const struct client *client; /* found; its tenant is looked up next */
	const struct key *key;       /* found; whose it is is looked up next */
	struct store_load load;
};

/* on_done may be called before this returns (it was kept). */
void directory_find(struct api *api, struct directory_lookup *lookup);

struct domain *domain_ref(struct domain *domain);
struct account *account_ref(struct account *account);
/* NULL is fine. */
void domain_unref(struct domain *domain);
void account_unref(struct account *account);
void pass_unref(struct pass *pass);

/* For api_init. ERR_RANDOM. */
MUST_CHECK enum err directory_init(struct api *api);
/* Forgets all; what is in use lives on until its last reference goes. */
void directory_forget(struct api *api);

#endif
