/* SPDX-License-Identifier: Apache-2.0 */
/* The secret keys, each split by HKDF into one sub-key per use, so that what one use gives away
 * says nothing to another. Belongs to one thread. Knows nothing of what it is used for. */
#ifndef CORE_KEYRING_H
#define CORE_KEYRING_H

#include "base/err.h"
#include "base/secret.h"

#define KEY_ID_MAX 64

/* One entry of `secret_keys`. */
struct secret_key {
	struct bytes id; /* 1 to KEY_ID_MAX octets */
	uint8_t key[SECRET_KEY_LEN];
};

enum key_use {
	KEY_CODE,    /* codes: core/code.h */
	KEY_CHOSEN,  /* fixed codes of test numbers: likewise */
	KEY_NUMBER,  /* numbers in events: likewise */
	KEY_PHANTOM, /* users who are not there: core/phantom.h */
	KEY_TOKEN,   /* bearer tokens: core/token.h */
	KEY_RECORD,  /* tokens that name a record: likewise */
	KEY_PROOF,   /* proofs that a code was right: likewise */
	KEY_TALLY,   /* names of those who are counted: api/quota.h */
	KEY_USES,
};

struct keyring;

/* `keys_n` at least 1: the first writes, all read. NULL when memory or the library fails. The
 * keyring keeps its own copy of the ids. */
struct keyring *keyring_new(const struct secret_key *keys, size_t keys_n);
/* Wipes; NULL is fine. */
void keyring_free(struct keyring *keyring);

/* How many keys there are, and the id of each: the first is the one that writes. Ids live as long
 * as the keyring. */
size_t keyring_size(const struct keyring *keyring);
struct bytes keyring_id(const struct keyring *keyring, size_t nth);
/* The id that new records name. */
struct bytes keyring_writing_id(const struct keyring *keyring);
bool keyring_has(const struct keyring *keyring, struct bytes key_id);

/* HMAC-SHA256 of the parts joined, under the key's sub-key for that use. The key must be there. */
MUST_CHECK enum err keyring_mac(struct keyring *keyring, struct bytes key_id, enum key_use use,
                                const struct bytes *parts, size_t parts_n, uint8_t ret[SHA256_LEN]);
/* The key's sub-key for sealing secrets: core/seal.h. The key must be there. */
struct aead *keyring_aead(struct keyring *keyring, struct bytes key_id);

#endif
