/* SPDX-License-Identifier: Apache-2.0 */
#include "base/password.h"

#include <sodium.h>
#include <stdio.h>

#define MEMORY_KIB 19456
#define PASSES 2
#define MEMORY_KIB_MAX 65536
#define PASSES_MAX 16

_Static_assert(PASSWORD_HASH_MAX == crypto_pwhash_STRBYTES,
               "libsodium reads a buffer of its own size");

enum err password_hash(struct bytes password, char ret[PASSWORD_HASH_MAX])
{
	if (sodium_init() < 0)
		return ERR_CRYPTO;
	if (crypto_pwhash_str_alg(ret, password.at ? password.at : "", password.len, PASSES,
	                          (size_t)MEMORY_KIB * 1024, crypto_pwhash_ALG_ARGON2ID13) != 0)
		return ERR_NO_MEMORY;
	return OK;
}

/* libsodium reads PASSWORD_HASH_MAX octets whatever the string's length: it gets a copy of that
 * size. */
static bool hash_copy(struct bytes hash, char ret[PASSWORD_HASH_MAX])
{
	if (hash.len == 0 || hash.len >= PASSWORD_HASH_MAX || bytes_find(hash, '\0') != hash.len)
		return false;
	memset(ret, 0, PASSWORD_HASH_MAX);
	memcpy(ret, hash.at, hash.len);
	return true;
}

bool password_matches(struct bytes hash, struct bytes password)
{
	char copy[PASSWORD_HASH_MAX];
	return sodium_init() >= 0 && hash_copy(hash, copy) &&
	       crypto_pwhash_str_verify(copy, password.at ? password.at : "", password.len) == 0;
}

bool password_is_hash(struct bytes text)
{
	char copy[PASSWORD_HASH_MAX];
	unsigned memory_kib, passes, lanes;
	int end = 0;
	if (!hash_copy(text, copy) ||
	    sscanf(copy, "$argon2id$v=19$m=%7u,t=%3u,p=%1u$%n", &memory_kib, &passes, &lanes,
	           &end) != 3 ||
	    end == 0)
		return false;
	if (memory_kib < 8 || memory_kib > MEMORY_KIB_MAX || passes < 1 || passes > PASSES_MAX ||
	    lanes != 1)
		return false;
	/* libsodium decodes the rest: it says whether a fresh hash would be needed, or fails. */
	return sodium_init() >= 0 &&
	       crypto_pwhash_str_needs_rehash(copy, PASSES, (size_t)MEMORY_KIB * 1024) >= 0;
}
