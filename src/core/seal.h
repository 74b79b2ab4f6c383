/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets that must be had again in clear (a signing system's), sealed under a secret key: whoever
 * has the database without it has neither them nor a way to put one in another's place. */
#ifndef CORE_SEAL_H
#define CORE_SEAL_H

#include "core/keyring.h"

/* A nonce before it, a tag after it. */
#define SEAL_OVERHEAD (AEAD_NONCE_LEN + AEAD_TAG_LEN)

/* Seals with the key that writes (keep keyring_writing_id beside it) into plain.len + SEAL_OVERHEAD
 * octets at `ret`. It opens for the same tenant (at most 255 octets) and id only. */
MUST_CHECK enum err seal_make(struct keyring *keyring, struct rng *rng, struct bytes tenant,
                              struct bytes id, struct bytes plain, uint8_t *ret);
/* Opens into sealed.len - SEAL_OVERHEAD octets at `ret`, which the caller wipes. ERR_MALFORMED:
 * not what was sealed for them; ERR_UNSUPPORTED: its key is no longer there. */
MUST_CHECK enum err seal_open(struct keyring *keyring, struct bytes key_id, struct bytes tenant,
                              struct bytes id, struct bytes sealed, uint8_t *ret);

#endif
