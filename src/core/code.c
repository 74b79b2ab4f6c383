/* SPDX-License-Identifier: Apache-2.0 */
/* A code is HMAC-SHA256 over everything that names it, turned into symbols by rejection sampling:
 * an octet at or above the largest multiple of the alphabet's size is passed over, so that every
 * symbol is equally likely; when 32 octets did not give enough, the next round does. */
#include "core/code.h"

#include <assert.h>

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
	assert(!v->chosen && v->tenant.len <= 255 && v->policy.length <= CODE_LENGTH_MAX);
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
		    bytes_of(&tenant_len, 1),
		    v->tenant,
		    bytes_of(v->id.octets, ID_LEN),
		    bytes_of(generation, sizeof(generation)),
		    bytes_of(&purpose, 1),
		    bytes_of(v->bound ? v->digest : zeros, SHA256_LEN),
		    bytes_of(&round, 1),
		};
		err = keyring_mac(keyring, v->key_id, KEY_CODE, parts,
		                  sizeof(parts) / sizeof(parts[0]), mac);
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
	assert(tenant.len <= 255);
	uint8_t tenant_len = (uint8_t)tenant.len;
	struct bytes digits = bytes_from_text(number->digits);
	uint8_t digits_len = (uint8_t)digits.len;
	const struct bytes parts[] = {
	    BYTES("verifyd chosen 1"),
	    bytes_of(&tenant_len, 1),
	    tenant,
	    bytes_of(&digits_len, 1),
	    digits,
	    code,
	};
	return keyring_mac(keyring, key_id, KEY_CHOSEN, parts, sizeof(parts) / sizeof(parts[0]),
	                   ret);
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

enum err number_hash_by(struct keyring *keyring, struct bytes key_id, const struct number *number,
                        uint8_t ret[16])
{
	uint8_t mac[SHA256_LEN];
	struct bytes part = bytes_from_text(number->digits);
	enum err err = keyring_mac(keyring, key_id, KEY_NUMBER, &part, 1, mac);
	if (err == OK)
		memcpy(ret, mac, 16);
	return err;
}

enum err number_hash(struct keyring *keyring, const struct number *number, uint8_t ret[16])
{
	return number_hash_by(keyring, keyring_writing_id(keyring), number, ret);
}
