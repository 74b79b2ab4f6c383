/* SPDX-License-Identifier: Apache-2.0 */
/* Who calls: from the credentials of a request to a principal.
 *
 *   auth_basic   Basic (RFC 7617): a client's name and secret
 *   auth_bearer  Bearer (RFC 6750): a key, of a client or of a user
 *
 * A dialect says which of them it takes and which right the call needs; what a refusal looks like
 * is its own. */
#ifndef API_AUTH_H
#define API_AUTH_H

#include "api/password.h"
#include "api/principal.h"

enum auth_result {
	AUTH_OK,
	AUTH_ABSENT,     /* no Authorization */
	AUTH_UNREADABLE, /* another scheme, or none that makes sense; twice; something empty */
	AUTH_WRONG,      /* nobody, or not the right secret */
	AUTH_DISABLED,   /* right, but of a client or user who is disabled */
	AUTH_REVOKED,    /* a key that was */
	AUTH_EXPIRED,    /* a key whose time is over */
	AUTH_FORBIDDEN,  /* known, but without the right */
	AUTH_BUSY,       /* the workers' queue is full, or the store failed: try later */
};

/* One sign-in. Caller's memory, until on_done. */
struct auth {
	struct request *request;
	enum right right;
	void (*on_done)(struct auth *auth);
	enum auth_result result;
	struct principal principal; /* AUTH_OK: for the caller, who ends it by principal_done */
	/* its own */
	struct api *api;
	struct directory_lookup lookup;
	struct bytes secret;
	struct password_check check;
	uint8_t digest[SHA256_LEN]; /* of the key */
	struct store_load load;     /* of the key's user */
};

/* Fill request, right and on_done. on_done may be called before these return. */
void auth_basic(struct api *api, struct auth *auth);
void auth_bearer(struct api *api, struct auth *auth);

/* Reads `Basic` and base64 of name ':' secret; the name ends at the first colon. Decoded into the
 * request's arena. */
bool basic_read(const struct request *request, struct bytes *ret_name, struct bytes *ret_secret);
/* Reads what follows `Bearer`. */
bool bearer_read(const struct request *request, struct bytes *ret);

/* Reads `Basic` and base64 of name ':' secret; the name ends at the first colon. Decoded into the
 * request's arena. */
bool basic_read(const struct request *request, struct bytes *ret_name, struct bytes *ret_secret);

#endif
