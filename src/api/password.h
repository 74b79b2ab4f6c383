/* SPDX-License-Identifier: Apache-2.0 */
/* Whether somebody's secret is the one that a hash was made of. Argon2 says so on a worker; a right
 * secret is then known for PASSWORD_KEPT_MS by its MAC, so that a busy client does not cost 20 ms
 * of a core on every call. The MAC is over the hash too: whoever gets a new secret is not known any
 * more. A burst with one secret costs one comparison. */
#ifndef API_PASSWORD_H
#define API_PASSWORD_H

#include "api/api.h"

#define PASSWORD_KEPT_MS INT64_C(300000)
/* Known secrets a loop; when they are more, all are forgotten and compared again. */
#define PASSWORDS_MAX 4096

/* One comparison. Caller's memory, until on_done. */
struct password_check {
	/* A PHC string. Absent: nobody's, which costs what any other costs and never matches. */
	struct bytes hash;
	struct bytes secret; /* at most PASSWORD_MAX octets */
	void (*on_done)(struct password_check *check);
	/* ERR_OVERLOAD: the workers' queue is full; ERR_NO_MEMORY, ERR_CRYPTO */
	enum err err;
	bool matches;
	/* its own */
	struct api *api;
	uint8_t mac[SHA256_LEN];
	struct list waiter; /* of a job */
};

/* Fill hash, secret and on_done, which may be called before this returns. Hash and secret must
 * stay until then only. */
void password_check(struct api *api, struct password_check *check);

/* For api_init, api_done, and whenever an operator changed something. */
MUST_CHECK enum err passwords_init(struct passwords *passwords);
void passwords_done(struct passwords *passwords);
void passwords_forget(struct passwords *passwords);

#endif
