/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens that need no row: what they say stands in them, under a MAC, so that a forged one is
 * refused without a look-up. All are base64url text without padding.
 *
 *   bearer token: who may call, until when; names the secret key it was made with
 *   record token: the id of a verification and 16 octets that nobody can guess
 *   proof:        a MAC over the id of a verification whose code was right
 *
 * Each is made with a sub-key of its own: none passes for another. There is one algorithm and none
 * is named in a token (RFC 8725 sections 2.1, 3.1); kind, tenant and end are inside what is
 * authenticated (3.9, 3.12). */
#ifndef CORE_TOKEN_H
#define CORE_TOKEN_H

#include "base/base64.h"
#include "base/id.h"
#include "core/keyring.h"
#include "core/record.h"

enum token_kind {
	TOKEN_USER = 1, /* acts as a user */
	TOKEN_ADMIN,    /* acts as a tenant's app admin */
	TOKEN_REFRESH,  /* a user's: gets a further token and nothing else */
};

struct token {
	enum token_kind kind;
	struct bytes tenant;
	struct bytes user;  /* the id; empty for TOKEN_ADMIN */
	uint32_t epoch;     /* the user's token_epoch when it was made */
	int64_t issued_ms;  /* a user made later under the same id is somebody else */
	int64_t expires_ms; /* refused from then on */
};

/* Version, kind, two times, the epoch, three texts with their lengths, the MAC. */
#define TOKEN_OCTETS_MAX (1 + 1 + 8 + 8 + 4 + 3 * (1 + 255) + SHA256_LEN)
#define TOKEN_TEXT_MAX BASE64URL_LEN(TOKEN_OCTETS_MAX)

/* With a NUL. Tenant and user have at most 255 octets each. */
MUST_CHECK enum err token_make(struct keyring *keyring, const struct token *token,
                               char ret[TOKEN_TEXT_MAX + 1]);

/* Reads a token of that kind, for that tenant (absent: whichever). ERR_MALFORMED for every token
 * that is not exactly one we made, of another kind or tenant, or expired: one does not learn which.
 * `ret` points into `room`. Whether the user still is who he was: token_fits. */
MUST_CHECK enum err token_read(struct keyring *keyring, struct bytes text, enum token_kind kind,
                               struct bytes tenant, int64_t now_ms, uint8_t room[TOKEN_OCTETS_MAX],
                               struct token *ret);

/* Whether the user is still the one whom the token was made for: the same tenant and id, not made
 * anew since, not disabled, and nothing has ended his tokens. */
bool token_fits(const struct token *token, const struct user *user);

#define RECORD_MAC_LEN 16
#define RECORD_TOKEN_LEN BASE64URL_LEN(ID_LEN + RECORD_MAC_LEN)
#define PROOF_LEN BASE64URL_LEN(SHA256_LEN)

/* The token that names a record. With a NUL. */
MUST_CHECK enum err record_token_make(struct keyring *keyring, const struct id *id,
                                      char ret[RECORD_TOKEN_LEN + 1]);
/* ERR_MALFORMED unless one of the keyring's keys made it. */
MUST_CHECK enum err record_token_read(struct keyring *keyring, struct bytes text, struct id *ret);

/* What is given out when the code of that record was right: the same each time, also after a newer
 * key began to write. `key_id` is the record's and must be in the keyring. With a NUL. */
MUST_CHECK enum err proof_make(struct keyring *keyring, struct bytes key_id, const struct id *id,
                               char ret[PROOF_LEN + 1]);

#endif
