/* SPDX-License-Identifier: Apache-2.0 */
/* Codes: derived, never stored. Whoever has the database without the secret key has no code. */
#ifndef CORE_CODE_H
#define CORE_CODE_H

#include "base/err.h"
#include "base/secret.h"
#include "core/record.h"

/* One entry of `secret_keys`. */
struct secret_key {
	struct bytes id;
	uint8_t key[SECRET_KEY_LEN];
};

/* The secret keys, each split by HKDF into one sub-key per use. Belongs to one thread. */
struct keyring;

/* `keys_n` at least 1: the first writes, all read. NULL when memory or the library fails. The
 * keyring keeps its own copy of the ids. */
struct keyring *keyring_new(const struct secret_key *keys, size_t keys_n);
/* Wipes; NULL is fine. */
void keyring_free(struct keyring *keyring);
/* The id that new records name. Lives as long as the keyring. */
struct bytes keyring_writing_id(const struct keyring *keyring);
bool keyring_has(const struct keyring *keyring, struct bytes key_id);

/* The code of the record's generation, as text with a NUL; wipe it after use. `v->key_id` must be
 * in the keyring and the code not a chosen one. */
MUST_CHECK enum err code_derive(struct keyring *keyring, const struct verification *v,
                                char ret[CODE_LENGTH_MAX + 1]);

/* How a chosen code (a test number's) is kept: a MAC over tenant, number and code. `key_id` must
 * be in the keyring. */
MUST_CHECK enum err code_mac_chosen(struct keyring *keyring, struct bytes key_id,
                                    struct bytes tenant, const struct number *number,
                                    struct bytes code, uint8_t ret[SHA256_LEN]);

/* Whether `guess` is the code of `v`, compared in constant time. */
MUST_CHECK enum err code_matches(struct keyring *keyring, const struct verification *v,
                                 struct bytes guess, bool *ret);

/* How a number appears in events: a keyed hash, so that the audit trail alone names nobody. */
MUST_CHECK enum err number_hash(struct keyring *keyring, const struct number *number,
                                uint8_t ret[16]);

#endif
