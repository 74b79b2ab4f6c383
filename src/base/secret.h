/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that is secret or makes secrets: random octets, SHA-256, HMAC, HKDF, AES-GCM,
 * comparison in constant time, wiping. Below io/ this is the only file that names OpenSSL. */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/bytes.h"
#include "base/err.h"

#include <stdint.h>

#define SHA256_LEN 32
#define SECRET_KEY_LEN 32

/* Gives OpenSSL memory that is wiped when it goes back and, for keys, is hidden as secret_hide
 * does. Before anything else uses OpenSSL; what below needs it calls it too. */
void secret_start(void);

/* Fills `to` from getrandom(2). ERR_RANDOM when the system gives none: then nothing may be made. */
MUST_CHECK enum err secret_random(void *to, size_t len);
/* Equal, in a time that depends on `len` alone. */
bool secret_equal(const void *a, const void *b, size_t len);
/* Overwrites; never optimised away. */
void secret_wipe(void *at, size_t len);
/* free and realloc of memory that may hold secrets: what goes back to the heap goes wiped. For
 * libraries that take such functions; `size` is not 0. */
void secret_free(void *at);
void *secret_realloc(void *at, size_t size);
/* For what must stay in memory: the pages it stands in are kept out of core dumps and, as far as
 * the system lets us, of the swap. Their neighbours' octets with them. */
void secret_hide(const void *at, size_t len);

MUST_CHECK enum err secret_sha256(struct bytes in, uint8_t ret[SHA256_LEN]);
/* RFC 5869 with SHA-256 and no salt; `len` at most 255 * 32. */
MUST_CHECK enum err secret_hkdf(struct bytes key, struct bytes info, uint8_t *ret, size_t len);

/* A keyed HMAC-SHA256 (RFC 2104), its key schedule computed once. Belongs to one thread. */
struct hmac;
/* NULL when there is no memory or the library fails. */
struct hmac *hmac_new(struct bytes key);
/* Wipes the key; NULL is fine. */
void hmac_free(struct hmac *hmac);
/* The MAC of the parts joined, in order. */
MUST_CHECK enum err hmac_compute(struct hmac *hmac, const struct bytes *parts, size_t parts_n,
                                 uint8_t ret[SHA256_LEN]);

/* AES-256-GCM (NIST SP 800-38D) under one key: what is sealed can be neither read nor changed
 * without it. For one thread. */
struct aead;
#define AEAD_NONCE_LEN 12
#define AEAD_TAG_LEN 16
/* NULL when there is no memory or the library fails. */
struct aead *aead_new(const uint8_t key[SECRET_KEY_LEN]);
/* Wipes the key; NULL is fine. */
void aead_free(struct aead *aead);
/* Seals `plain` into as many octets at `ret`, and the tag. `nonce` must never have sealed anything
 * else under this key. `beside` is not sealed, but must be the same when it is opened. */
MUST_CHECK enum err aead_seal(struct aead *aead, const uint8_t nonce[AEAD_NONCE_LEN],
                              struct bytes beside, struct bytes plain, uint8_t *ret,
                              uint8_t ret_tag[AEAD_TAG_LEN]);
/* Opens into as many octets at `ret`; ERR_MALFORMED when anything is not as it was sealed: then
 * `ret` is wiped. */
MUST_CHECK enum err aead_open(struct aead *aead, const uint8_t nonce[AEAD_NONCE_LEN],
                              struct bytes beside, struct bytes sealed,
                              const uint8_t tag[AEAD_TAG_LEN], uint8_t *ret);

/* Where random octets come from: the system's in the program, a seeded one in tests. */
struct rng {
	enum err (*fill)(struct rng *rng, void *to, size_t len);
	/* id.c: the newest id made from it. */
	int64_t id_ms;
	uint64_t id_tail;
};

MUST_CHECK static inline enum err rng_fill(struct rng *rng, void *to, size_t len)
{
	return rng->fill(rng, to, len);
}

/* getrandom(2), drawn 1 KiB at a time and wiped as it is handed out. For one thread. */
struct rng_system {
	struct rng rng;
	size_t left;
	uint8_t pool[1024];
};
void rng_system_init(struct rng_system *rng);

#endif
