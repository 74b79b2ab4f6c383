/* SPDX-License-Identifier: Apache-2.0 */
#include "core/phantom.h"

#include <assert.h>

enum err phantom_make(struct keyring *keyring, struct bytes tenant, const struct bytes *typed,
                      size_t typed_n, struct phantom *ret)
{
	/* Each text behind its length, so that they do not run into each other; an absent one is
	 * not an empty one. */
	uint8_t lens[1 + PHANTOM_TYPED_MAX][2];
	struct bytes parts[1 + 2 * (1 + PHANTOM_TYPED_MAX)];
	size_t n = 0;
	assert(typed_n <= PHANTOM_TYPED_MAX);
	parts[n++] = BYTES("verifyd phantom 1");
	for (size_t i = 0; i <= typed_n; i++) {
		struct bytes text = i ? typed[i - 1] : tenant;
		assert(text.len <= 255);
		lens[i][0] = text.at != NULL;
		lens[i][1] = (uint8_t)text.len;
		parts[n++] = bytes_of(lens[i], 2);
		parts[n++] = text;
	}
	uint8_t mac[SHA256_LEN];
	enum err err =
	    keyring_mac(keyring, keyring_writing_id(keyring), KEY_PHANTOM, parts, n, mac);
	if (err)
		return err;
	static const char hex[] = "0123456789abcdef";
	ret->id[0] = '!';
	for (size_t i = 0; i < 16; i++) {
		ret->id[1 + 2 * i] = hex[mac[i] >> 4];
		ret->id[2 + 2 * i] = hex[mac[i] & 15];
	}
	ret->id[PHANTOM_ID_LEN] = '\0';
	number_make_pseudo(mac + 16, &ret->number);
	return OK;
}
