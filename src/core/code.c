/* SPDX-License-Identifier: Apache-2.0 */
/* A code is HMAC-SHA256 over everything that names it, turned into symbols by rejection sampling:
 * an octet at or above the largest multiple of the alphabet's size is passed over, so that every
 * symbol is equally likely; when 32 octets did not give enough, the next round does. */
#include "core/code.h"

#include <assert.h>
#include <stdlib.h>

#define KEY_ID_MAX 64

enum key_use { USE_CODE, USE_CHOSEN, USE_NUMBER, USES };

static const struct bytes use_info[USES] = {
    [USE_CODE] = {"verifyd code", 12},
    [USE_CHOSEN] = {"verifyd chosen code", 19},
    [USE_NUMBER] = {"verifyd number", 14},
};

struct ring_key {
	char id[KEY_ID_MAX + 1];
	struct bytes id_bytes;   /* borrowed from `id` */
	struct hmac *uses[USES]; /* owned */
};

struct keyring {
	size_t n;
	struct ring_key keys[];
};

static bool ring_key_init(struct ring_key *ring, const struct secret_key *key)
{
	if (key->id.len == 0 || key->id.len > KEY_ID_MAX)
		return false;
	memcpy(ring->id, key->id.at, key->id.len);
	ring->id_bytes = (struct bytes){ring->id, key->id.len};
	for (int use = 0; use < USES; use++) {
		uint8_t sub[SHA256_LEN];
		struct bytes whole = {(const char *)key->key, SECRET_KEY_LEN};
		if (secret_hkdf(whole, use_info[use], sub, sizeof(sub)) == OK)
			ring->uses[use] = hmac_new((struct bytes){(const char *)sub, sizeof(sub)});
		secret_wipe(sub, sizeof(sub));
		if (!ring->uses[use])
			return false;
	}
	return true;
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
	for (size_t i = 0; i < keyring->n; i++)
		for (int use = 0; use < USES; use++)
			hmac_free(keyring->keys[i].uses[use]);
	free(keyring);
}

struct bytes keyring_writing_id(const struct keyring *keyring)
{
	return keyring->keys[0].id_bytes;
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

static struct bytes octets(const void *at, size_t len)
{
	return (struct bytes){at, len};
}

/* Appends symbols that the octets of one round give; returns how many stand there now. */
static size_t symbols_add(const uint8_t round[SHA256_LEN], const char *alphabet, size_t have,
                          size_t want, char *ret)
{
	unsigned size = (unsigned)strlen(alphabet);
	unsigned fair = 256 - 256 % size;
	for (size_t i = 0; i < SHA256_LEN && have < want; i++)
		if (round[i] < fair)
			ret[have++] = alphabet[round[i] % size];
	return have;
}

enum err code_derive(struct keyring *keyring, const struct verification *v,
                     char ret[CODE_LENGTH_MAX + 1])
{
	const struct ring_key *key = ring_key_find(keyring, v->key_id);
	assert(key && !v->chosen && v->tenant.len <= 255 && v->policy.length <= CODE_LENGTH_MAX);
	static const uint8_t zeros[SHA256_LEN];
	uint8_t tenant_len = (uint8_t)v->tenant.len;
	uint8_t purpose = (uint8_t)v->purpose;
	uint8_t generation[4] = {(uint8_t)(v->generation >> 24), (uint8_t)(v->generation >> 16),
	                         (uint8_t)(v->generation >> 8), (uint8_t)v->generation};
	uint8_t mac[SHA256_LEN];
	size_t have = 0;
	enum err err = OK;
	for (uint8_t round = 0; have < v->policy.length && err == OK; round++) {
		const struct bytes parts[] = {
		    BYTES("verifyd code 1"),
		    octets(&tenant_len, 1),
		    v->tenant,
		    octets(v->id.octets, ID_LEN),
		    octets(generation, sizeof(generation)),
		    octets(&purpose, 1),
		    octets(v->bound ? v->digest : zeros, SHA256_LEN),
		    octets(&round, 1),
		};
		err =
		    hmac_compute(key->uses[USE_CODE], parts, sizeof(parts) / sizeof(parts[0]), mac);
		if (err == OK)
			have = symbols_add(mac, v->policy.alphabet, have, v->policy.length, ret);
	}
	ret[have] = '\0';
	secret_wipe(mac, sizeof(mac));
	return err;
}

enum err code_mac_chosen(struct keyring *keyring, struct bytes key_id, struct bytes tenant,
                         const struct number *number, struct bytes code, uint8_t ret[SHA256_LEN])
{
	const struct ring_key *key = ring_key_find(keyring, key_id);
	assert(key && tenant.len <= 255);
	uint8_t tenant_len = (uint8_t)tenant.len;
	struct bytes digits = bytes_from_text(number->digits);
	uint8_t digits_len = (uint8_t)digits.len;
	const struct bytes parts[] = {
	    BYTES("verifyd chosen 1"),
	    octets(&tenant_len, 1),
	    tenant,
	    octets(&digits_len, 1),
	    digits,
	    code,
	};
	return hmac_compute(key->uses[USE_CHOSEN], parts, sizeof(parts) / sizeof(parts[0]), ret);
}

static enum err chosen_matches(struct keyring *keyring, const struct verification *v,
                               struct bytes guess, bool *ret)
{
	uint8_t mac[SHA256_LEN];
	enum err err = code_mac_chosen(keyring, v->key_id, v->tenant, &v->number, guess, mac);
	if (err == OK)
		*ret = secret_equal(mac, v->chosen_mac, SHA256_LEN);
	secret_wipe(mac, sizeof(mac));
	return err;
}

enum err code_matches(struct keyring *keyring, const struct verification *v, struct bytes guess,
                      bool *ret)
{
	if (v->chosen)
		return chosen_matches(keyring, v, guess, ret);
	char code[CODE_LENGTH_MAX + 1];
	enum err err = code_derive(keyring, v, code);
	/* A code's length is no secret, its symbols are. */
	if (err == OK)
		*ret =
		    guess.len == v->policy.length && secret_equal(guess.at, code, v->policy.length);
	secret_wipe(code, sizeof(code));
	return err;
}

enum err number_hash(struct keyring *keyring, const struct number *number, uint8_t ret[16])
{
	uint8_t mac[SHA256_LEN];
	struct bytes part = bytes_from_text(number->digits);
	enum err err = hmac_compute(keyring->keys[0].uses[USE_NUMBER], &part, 1, mac);
	if (err == OK)
		memcpy(ret, mac, 16);
	return err;
}
