/* SPDX-License-Identifier: Apache-2.0 */
/* Codes: derived, never stored. Whoever has the database without the secret key has no code. */
#ifndef CORE_CODE_H
#define CORE_CODE_H

#include "core/keyring.h"
#include "core/record.h"

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
/* As it appears in events that were written while `key_id` was the key that writes. */
MUST_CHECK enum err number_hash_by(struct keyring *keyring, struct bytes key_id,
                                   const struct number *number, uint8_t ret[16]);

#endif
