/* SPDX-License-Identifier: Apache-2.0 */
/* Who calls: HTTP Basic (RFC 7617) of a client's name and secret. A secret is compared by Argon2 on
 * a worker; a right one is then known for AUTH_KEPT_MS by its MAC, so that a busy client does not
 * cost 20 ms of a core on every call. */
#ifndef API_AUTH_H
#define API_AUTH_H

#include "api/directory.h"

#define AUTH_KEPT_MS INT64_C(300000)

enum auth_result {
	AUTH_OK,
	AUTH_REFUSED, /* no credentials, bad ones, a disabled client, a missing scope: one answer */
	AUTH_BUSY,    /* the workers' queue is full, or the store failed: try later */
};

/* One sign-in. Caller's memory, until on_done. */
struct auth {
	struct request *request;
	unsigned scopes; /* all of these the client must have */
	void (*on_done)(struct auth *auth);
	enum auth_result result;
	struct account *account; /* AUTH_OK: a reference for the caller */
	/* its own */
	struct api *api;
	struct directory_lookup lookup;
	struct bytes secret;
	uint8_t mac[SHA256_LEN];
	struct list waiter; /* in account->waiters */
};

/* Fill request, scopes and on_done. on_done may be called before this returns. */
void auth_basic(struct api *api, struct auth *auth);

/* Reads `Basic` and base64 of name ':' secret; the name ends at the first colon. Decoded into the
 * request's arena. */
bool basic_read(const struct request *request, struct bytes *ret_name, struct bytes *ret_secret);

#endif
