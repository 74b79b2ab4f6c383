/* SPDX-License-Identifier: Apache-2.0 */
#include "core/seal.h"

#include <assert.h>

/* What a seal is bound to, as one text without a second reading: the tenant's length stands before
 * it. */
#define BESIDE_MAX (1 + 255 + 255)

static struct bytes beside_make(struct bytes tenant, struct bytes id, uint8_t room[BESIDE_MAX])
{
	assert(tenant.len <= 255 && id.len <= 255);
	room[0] = (uint8_t)tenant.len;
	memcpy(room + 1, tenant.at, tenant.len);
	memcpy(room + 1 + tenant.len, id.at, id.len);
	return bytes_of(room, 1 + tenant.len + id.len);
}

enum err seal_make(struct keyring *keyring, struct rng *rng, struct bytes tenant, struct bytes id,
                   struct bytes plain, uint8_t *ret)
{
	uint8_t room[BESIDE_MAX];
	enum err err = rng_fill(rng, ret, AEAD_NONCE_LEN);
	if (err)
		return err;
	return aead_seal(keyring_aead(keyring, keyring_writing_id(keyring)), ret,
	                 beside_make(tenant, id, room), plain, ret + AEAD_NONCE_LEN,
	                 ret + AEAD_NONCE_LEN + plain.len);
}

enum err seal_open(struct keyring *keyring, struct bytes key_id, struct bytes tenant,
                   struct bytes id, struct bytes sealed, uint8_t *ret)
{
	uint8_t room[BESIDE_MAX];
	if (!keyring_has(keyring, key_id))
		return ERR_UNSUPPORTED;
	if (sealed.len < SEAL_OVERHEAD)
		return ERR_MALFORMED;
	const uint8_t *nonce = (const uint8_t *)sealed.at;
	struct bytes middle = bytes_of(nonce + AEAD_NONCE_LEN, sealed.len - SEAL_OVERHEAD);
	return aead_open(keyring_aead(keyring, key_id), nonce, beside_make(tenant, id, room),
	                 middle, (const uint8_t *)middle.at + middle.len, ret);
}
