/* SPDX-License-Identifier: Apache-2.0 */
/* Sign-ins that are remembered: a row that is found by the digest of what the caller keeps in a
 * cookie, so that whoever has the database has no session. It ends after its idle time without use,
 * when it is ended, when its user or client is disabled or gone, and when the user's token_epoch
 * has risen (a new password). */
#ifndef API_SESSION_H
#define API_SESSION_H

#include "api/principal.h"

/* 32 random octets as base64url without padding. */
#define SESSION_TOKEN_LEN 43
/* A use is written down at most so often: it costs a commit. */
#define SESSION_TOUCH_MS INT64_C(60000)

/* One call. Caller's memory, until on_done, which may be called before the function returns. */
struct session_call {
	struct arena *arena;
	int64_t idle_ms;    /* how long it lives without use */
	bool permanent;     /* start: the cookie is to outlive the browser */
	struct bytes token; /* find, end: as shown; start: answered, in the arena */
	void (*on_done)(struct session_call *call);
	/* ERR_MALFORMED: there is no such session, or no longer; else a fault. */
	enum err err;
	struct principal principal; /* start: whose; find: answered, for the caller to end */
	/* its own */
	struct api *api;
	struct session session;
	struct store_load load;
	struct store_commit commit;
	struct change change;
	struct directory_lookup lookup;
	bool ends;
};

/* Begins one for the principal, a client or a user, who has just shown who he is. Always a new
 * token. */
void session_start(struct api *api, struct session_call *call);
/* Whose it is, as he is now. */
void session_find(struct api *api, struct session_call *call);
/* Ends it; OK also when there was none. */
void session_end(struct api *api, struct session_call *call);

#endif
