/* SPDX-License-Identifier: Apache-2.0 */
#include "core/keyring.h"

#include <assert.h>
#include <stdlib.h>

/* Texts that were once used to derive a sub-key never change: what was made with it would be
 * lost. */
static const struct bytes use_info[KEY_USES] = {
    [KEY_CODE] = BYTES("verifyd code"),     [KEY_CHOSEN] = BYTES("verifyd chosen code"),
    [KEY_NUMBER] = BYTES("verifyd number"), [KEY_PHANTOM] = BYTES("verifyd phantom"),
    [KEY_TOKEN] = BYTES("verifyd token"),   [KEY_RECORD] = BYTES("verifyd record token"),
    [KEY_PROOF] = BYTES("verifyd proof"),   [KEY_TALLY] = BYTES("verifyd tally"),
};
static const struct bytes seal_info = BYTES("verifyd seal");

struct ring_key {
	char id[KEY_ID_MAX + 1];
	struct bytes id_bytes;       /* borrowed from `id` */
	struct hmac *uses[KEY_USES]; /* owned */
	struct aead *aead;           /* owned */
};

struct keyring {
	size_t n;
	struct ring_key keys[];
};

static bool sub_key_derive(const struct secret_key *key, struct bytes info, uint8_t ret[SHA256_LEN])
{
	return secret_hkdf(bytes_of(key->key, SECRET_KEY_LEN), info, ret, SHA256_LEN) == OK;
}

static bool ring_key_init(struct ring_key *ring, const struct secret_key *key)
{
	uint8_t sub[SHA256_LEN];
	if (key->id.len == 0 || key->id.len > KEY_ID_MAX)
		return false;
	memcpy(ring->id, key->id.at, key->id.len);
	ring->id_bytes = (struct bytes){ring->id, key->id.len};
	bool made = true;
	for (int use = 0; use < KEY_USES && made; use++) {
		if (sub_key_derive(key, use_info[use], sub))
			ring->uses[use] = hmac_new(bytes_of(sub, sizeof(sub)));
		made = ring->uses[use] != NULL;
	}
	if (made && sub_key_derive(key, seal_info, sub))
		ring->aead = aead_new(sub);
	secret_wipe(sub, sizeof(sub));
	return ring->aead != NULL;
}

struct keyring *keyring_new(const struct secret_key *keys, size_t keys_n)
{
	assert(keys_n > 0);
	struct keyring *keyring = calloc(1, sizeof(*keyring) + keys_n * sizeof(struct ring_key));
	if (!keyring)
		return NULL;
	keyring->n = keys_n;
	for (size_t i = 0; i < keys_n; i++)
		if (!ring_key_init(&keyring->keys[i], &keys[i])) {
			keyring_free(keyring);
			return NULL;
		}
	return keyring;
}

void keyring_free(struct keyring *keyring)
{
	if (!keyring)
		return;
	for (size_t i = 0; i < keyring->n; i++) {
		for (int use = 0; use < KEY_USES; use++)
			hmac_free(keyring->keys[i].uses[use]);
		aead_free(keyring->keys[i].aead);
	}
	free(keyring);
}

size_t keyring_size(const struct keyring *keyring)
{
	return keyring->n;
}

struct bytes keyring_id(const struct keyring *keyring, size_t nth)
{
	assert(nth < keyring->n);
	return keyring->keys[nth].id_bytes;
}

struct bytes keyring_writing_id(const struct keyring *keyring)
{
	return keyring_id(keyring, 0);
}

static const struct ring_key *ring_key_find(const struct keyring *keyring, struct bytes id)
{
	for (size_t i = 0; i < keyring->n; i++)
		if (bytes_equal(keyring->keys[i].id_bytes, id))
			return &keyring->keys[i];
	return NULL;
}

bool keyring_has(const struct keyring *keyring, struct bytes key_id)
{
	return ring_key_find(keyring, key_id) != NULL;
}

enum err keyring_mac(struct keyring *keyring, struct bytes key_id, enum key_use use,
                     const struct bytes *parts, size_t parts_n, uint8_t ret[SHA256_LEN])
{
	const struct ring_key *key = ring_key_find(keyring, key_id);
	assert(key);
	return hmac_compute(key->uses[use], parts, parts_n, ret);
}

struct aead *keyring_aead(struct keyring *keyring, struct bytes key_id)
{
	const struct ring_key *key = ring_key_find(keyring, key_id);
	assert(key);
	return key->aead;
}
