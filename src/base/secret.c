/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL's EVP with fetched algorithms and reused contexts: one-shot calls cost five times as
 * much. */
#include "base/secret.h"

#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

/* Fetched once for the process and never given back: a fetch costs more than the digest. */
static EVP_MAC *mac_algorithm;
static EVP_MD *sha256_algorithm;
static EVP_KDF *hkdf_algorithm;
static EVP_CIPHER *aead_algorithm;
static pthread_once_t algorithms_once = PTHREAD_ONCE_INIT;

/* --- OpenSSL's memory ------------------------------------------------------------------------ */

/* Where keys are kept, ours and those inside OpenSSL's contexts: some KiB a loop, and for every
 * connection over TLS the key that it has agreed by, at most 128 octets, of which there may be
 * 16,384; without room for it there is no connection. Its pages are locked and out of dumps; what
 * else finds no room there goes to the heap. */
#define HIDDEN_HEAP (1 << 22)
#define HIDDEN_PIECE 32

static bool hidden_heap_is_there;
static _Thread_local bool hiding; /* what OpenSSL allocates now will hold a key */

static void *crypto_malloc(size_t size, const char *file, int line)
{
	void *at = NULL;
	if (hiding && hidden_heap_is_there)
		at = CRYPTO_secure_malloc(size, file, line);
	return at ? at : malloc(size);
}

static void crypto_free(void *at, const char *file, int line)
{
	if (CRYPTO_secure_allocated(at))
		CRYPTO_secure_free(at, file, line);
	else
		secret_free(at);
}

static void *crypto_realloc(void *at, size_t size, const char *file, int line)
{
	if (!CRYPTO_secure_allocated(at) && !hiding && size)
		return secret_realloc(at, size);
	void *more = size ? crypto_malloc(size, file, line) : NULL;
	if (size && !more)
		return NULL;
	if (more && at) {
		size_t had = CRYPTO_secure_allocated(at) ? CRYPTO_secure_actual_size(at)
		                                         : malloc_usable_size(at);
		memcpy(more, at, had < size ? had : size);
	}
	crypto_free(at, file, line);
	return more;
}

static void algorithms_fetch(void)
{
	/* Refused once OpenSSL has allocated anything. */
	(void)CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free);
	hidden_heap_is_there = CRYPTO_secure_malloc_init(HIDDEN_HEAP, HIDDEN_PIECE) != 0;
	mac_algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);
	sha256_algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
	hkdf_algorithm = EVP_KDF_fetch(NULL, "HKDF", NULL);
	aead_algorithm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
}

void secret_start(void)
{
	(void)pthread_once(&algorithms_once, algorithms_fetch);
}

static bool algorithms_are_there(void)
{
	secret_start();
	return mac_algorithm && sha256_algorithm && hkdf_algorithm && aead_algorithm;
}

enum err secret_random(void *to, size_t len)
{
	char *at = to;
	while (len) {
		ssize_t got = getrandom(at, len, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return ERR_RANDOM;
		at += got;
		len -= (size_t)got;
	}
	return OK;
}

bool secret_equal(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

void secret_wipe(void *at, size_t len)
{
	if (len)
		explicit_bzero(at, len);
}

void secret_free(void *at)
{
	if (at)
		secret_wipe(at, malloc_usable_size(at));
	free(at);
}

void *secret_realloc(void *at, size_t size)
{
	size_t had = at ? malloc_usable_size(at) : 0;
	if (at && size <= had)
		return at;
	void *more = malloc(size);
	if (!more)
		return NULL;
	if (had)
		memcpy(more, at, had);
	secret_free(at);
	return more;
}

/* Neither call can do harm by failing. */
void secret_hide(const void *at, size_t len)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t first = (uintptr_t)at & ~(page - 1);
	uintptr_t end = ((uintptr_t)at + len + page - 1) & ~(page - 1);
	(void)madvise((void *)first, end - first, MADV_DONTDUMP);
	(void)mlock((void *)first, end - first);
}

enum err secret_sha256(struct bytes in, uint8_t ret[SHA256_LEN])
{
	if (!algorithms_are_there() ||
	    EVP_Digest(in.at, in.len, ret, NULL, sha256_algorithm, NULL) != 1)
		return ERR_CRYPTO;
	return OK;
}

/* OpenSSL takes parameters without const but does not write through them. */
static OSSL_PARAM param_octets(const char *name, struct bytes value)
{
	return OSSL_PARAM_construct_octet_string(name, (void *)(uintptr_t)value.at, value.len);
}

static char digest_name[] = "SHA256";

enum err secret_hkdf(struct bytes key, struct bytes info, uint8_t *ret, size_t len)
{
	EVP_KDF_CTX *context = algorithms_are_there() ? EVP_KDF_CTX_new(hkdf_algorithm) : NULL;
	if (!context)
		return ERR_CRYPTO;
	OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest_name, 0),
	    param_octets(OSSL_KDF_PARAM_KEY, key),
	    param_octets(OSSL_KDF_PARAM_INFO, info),
	    OSSL_PARAM_construct_end(),
	};
	int derived = EVP_KDF_derive(context, ret, len, params);
	EVP_KDF_CTX_free(context);
	return derived == 1 ? OK : ERR_CRYPTO;
}

struct hmac {
	EVP_MAC_CTX *context; /* owned; keeps the key, each computation begins anew */
};

struct hmac *hmac_new(struct bytes key)
{
	struct hmac *hmac = calloc(1, sizeof(*hmac));
	if (!hmac)
		return NULL;
	bool there = algorithms_are_there();
	hiding = true;
	hmac->context = there ? EVP_MAC_CTX_new(mac_algorithm) : NULL;
	OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest_name, 0),
	    OSSL_PARAM_construct_end(),
	};
	/* OpenSSL takes a NULL key for "the one it has", and it has none yet. */
	const char *octets = key.at ? key.at : "";
	bool made = hmac->context && EVP_MAC_init(hmac->context, (const unsigned char *)octets,
	                                          key.len, params) == 1;
	hiding = false;
	if (!made) {
		hmac_free(hmac);
		return NULL;
	}
	return hmac;
}

void hmac_free(struct hmac *hmac)
{
	if (!hmac)
		return;
	EVP_MAC_CTX_free(hmac->context);
	free(hmac);
}

enum err hmac_compute(struct hmac *hmac, const struct bytes *parts, size_t parts_n,
                      uint8_t ret[SHA256_LEN])
{
	size_t len;
	if (EVP_MAC_init(hmac->context, NULL, 0, NULL) != 1)
		return ERR_CRYPTO;
	for (size_t i = 0; i < parts_n; i++)
		if (EVP_MAC_update(hmac->context, (const unsigned char *)parts[i].at,
		                   parts[i].len) != 1)
			return ERR_CRYPTO;
	if (EVP_MAC_final(hmac->context, ret, &len, SHA256_LEN) != 1 || len != SHA256_LEN)
		return ERR_CRYPTO;
	return OK;
}

struct aead {
	EVP_CIPHER_CTX *context; /* owned */
	uint8_t key[SECRET_KEY_LEN];
};

struct aead *aead_new(const uint8_t key[SECRET_KEY_LEN])
{
	if (!algorithms_are_there())
		return NULL;
	struct aead *aead = OPENSSL_secure_zalloc(sizeof(*aead));
	if (!aead)
		return NULL;
	memcpy(aead->key, key, sizeof(aead->key));
	aead->context = EVP_CIPHER_CTX_new();
	if (!aead->context) {
		aead_free(aead);
		return NULL;
	}
	return aead;
}

void aead_free(struct aead *aead)
{
	if (!aead)
		return;
	EVP_CIPHER_CTX_free(aead->context);
	OPENSSL_secure_clear_free(aead, sizeof(*aead));
}

/* EVP takes lengths as int. */
static bool fits_int(struct bytes in)
{
	return in.len <= INT_MAX;
}

enum err aead_seal(struct aead *aead, const uint8_t nonce[AEAD_NONCE_LEN], struct bytes beside,
                   struct bytes plain, uint8_t *ret, uint8_t ret_tag[AEAD_TAG_LEN])
{
	EVP_CIPHER_CTX *context = aead->context;
	uint8_t nothing[1]; /* the last block of a stream is empty */
	int len;
	if (!fits_int(beside) || !fits_int(plain))
		return ERR_TOO_LARGE;
	hiding = true;
	int begun = EVP_EncryptInit_ex2(context, aead_algorithm, aead->key, nonce, NULL);
	hiding = false;
	if (begun != 1 ||
	    EVP_EncryptUpdate(context, NULL, &len, (const unsigned char *)beside.at,
	                      (int)beside.len) != 1 ||
	    EVP_EncryptUpdate(context, ret, &len, (const unsigned char *)plain.at,
	                      (int)plain.len) != 1 ||
	    EVP_EncryptFinal_ex(context, nothing, &len) != 1 ||
	    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_LEN, ret_tag) != 1)
		return ERR_CRYPTO;
	return OK;
}

enum err aead_open(struct aead *aead, const uint8_t nonce[AEAD_NONCE_LEN], struct bytes beside,
                   struct bytes sealed, const uint8_t tag[AEAD_TAG_LEN], uint8_t *ret)
{
	EVP_CIPHER_CTX *context = aead->context;
	uint8_t wanted[AEAD_TAG_LEN], nothing[1];
	int len;
	if (!fits_int(beside) || !fits_int(sealed))
		return ERR_TOO_LARGE;
	memcpy(wanted, tag, sizeof(wanted));
	hiding = true;
	int begun = EVP_DecryptInit_ex2(context, aead_algorithm, aead->key, nonce, NULL);
	hiding = false;
	if (begun != 1 ||
	    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG_LEN, wanted) != 1 ||
	    EVP_DecryptUpdate(context, NULL, &len, (const unsigned char *)beside.at,
	                      (int)beside.len) != 1 ||
	    EVP_DecryptUpdate(context, ret, &len, (const unsigned char *)sealed.at,
	                      (int)sealed.len) != 1)
		return ERR_CRYPTO;
	if (EVP_DecryptFinal_ex(context, nothing, &len) != 1) {
		secret_wipe(ret, sealed.len);
		return ERR_MALFORMED;
	}
	return OK;
}

static enum err rng_system_fill(struct rng *base, void *to, size_t len)
{
	struct rng_system *rng = (struct rng_system *)(void *)base;
	if (len > sizeof(rng->pool))
		return secret_random(to, len);
	if (rng->left < len) {
		enum err err = secret_random(rng->pool, sizeof(rng->pool));
		if (err)
			return err;
		rng->left = sizeof(rng->pool);
	}
	rng->left -= len;
	memcpy(to, rng->pool + rng->left, len);
	secret_wipe(rng->pool + rng->left, len);
	return OK;
}

void rng_system_init(struct rng_system *rng)
{
	*rng = (struct rng_system){.rng.fill = rng_system_fill};
}
