/* SPDX-License-Identifier: Apache-2.0 */
/* Tickets (RFC 5077, RFC 8446 section 4.6.1): AES-256-CBC and HMAC-SHA-256 under keys of this
 * process. A lock, because handshakes on all loops take the same keys; it is held for a copy. */
#include "io/tls_private.h"

#include "base/secret.h"
#include "io/clock.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>

#define NAME_LEN 16 /* as OpenSSL has it */
#define KEY_LEN 32

struct ticket_key {
	unsigned char name[NAME_LEN];
	unsigned char cipher[KEY_LEN];
	unsigned char mac[KEY_LEN];
};

struct tls_tickets {
	pthread_mutex_t lock;
	size_t keys_n;
	struct ticket_key keys[TLS_TICKET_KEYS]; /* the newest first */
	int64_t changed_ms;
};

/* Under the lock, or before anybody else knows of it. */
static bool keys_change(struct tls_tickets *tickets)
{
	struct ticket_key key;
	if (secret_random(&key, sizeof(key)) != OK)
		return false;
	memmove(&tickets->keys[1], &tickets->keys[0], (TLS_TICKET_KEYS - 1) * sizeof(key));
	tickets->keys[0] = key;
	if (tickets->keys_n < TLS_TICKET_KEYS)
		tickets->keys_n++;
	tickets->changed_ms = clock_mono_ms();
	secret_wipe(&key, sizeof(key));
	return true;
}

struct tls_tickets *tls_tickets_new(void)
{
	struct tls_tickets *tickets = calloc(1, sizeof(*tickets));
	if (!tickets)
		return NULL;
	secret_hide(tickets, sizeof(*tickets));
	(void)pthread_mutex_init(&tickets->lock, NULL);
	if (keys_change(tickets))
		return tickets;
	tls_tickets_free(tickets);
	return NULL;
}

void tls_tickets_free(struct tls_tickets *tickets)
{
	if (!tickets)
		return;
	(void)pthread_mutex_destroy(&tickets->lock);
	secret_wipe(tickets, sizeof(*tickets));
	free(tickets);
}

bool tls_tickets_change(struct tls_tickets *tickets)
{
	(void)pthread_mutex_lock(&tickets->lock);
	bool changed = keys_change(tickets);
	(void)pthread_mutex_unlock(&tickets->lock);
	return changed;
}

/* The key for a new ticket. When there are no random octets the old one has to do. */
static void key_newest(struct tls_tickets *tickets, struct ticket_key *ret)
{
	(void)pthread_mutex_lock(&tickets->lock);
	if (clock_mono_ms() - tickets->changed_ms >= TLS_TICKET_KEY_MS)
		(void)keys_change(tickets);
	*ret = tickets->keys[0];
	(void)pthread_mutex_unlock(&tickets->lock);
}

/* 0: there is none of that name; 1: the newest; 2: an older one, the client should get another. */
static int key_named(struct tls_tickets *tickets, const unsigned char name[NAME_LEN],
                     struct ticket_key *ret)
{
	int found = 0;
	(void)pthread_mutex_lock(&tickets->lock);
	for (size_t i = 0; i < tickets->keys_n && !found; i++) {
		if (memcmp(tickets->keys[i].name, name, NAME_LEN) != 0)
			continue;
		*ret = tickets->keys[i];
		found = i == 0 ? 1 : 2;
	}
	(void)pthread_mutex_unlock(&tickets->lock);
	return found;
}

static bool key_use(const struct ticket_key *key, const unsigned char *iv, EVP_CIPHER_CTX *cipher,
                    EVP_MAC_CTX *mac, int encrypt)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
	    OSSL_PARAM_construct_end(),
	};
	return EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher, iv, encrypt) == 1 &&
	       EVP_MAC_init(mac, key->mac, sizeof(key->mac), params) == 1;
}

/* Where a context keeps its tickets. */
static int place;

static void place_make(void)
{
	place = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

/* Called by OpenSSL for each ticket: its name for us to say or to know, its start vector. */
static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                     EVP_MAC_CTX *mac, int encrypt)
{
	struct tls_tickets *tickets = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), place);
	struct ticket_key key;
	int result = 1;
	if (encrypt) {
		key_newest(tickets, &key);
		memcpy(name, key.name, NAME_LEN);
		if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1)
			result = -1;
	} else {
		result = key_named(tickets, name, &key);
	}
	if (result > 0 && !key_use(&key, iv, cipher, mac, encrypt))
		result = -1;
	secret_wipe(&key, sizeof(key));
	return result;
}

bool tls_tickets_attach(struct tls_tickets *tickets, SSL_CTX *context)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	(void)pthread_once(&once, place_make);
	return place >= 0 && SSL_CTX_set_ex_data(context, place, tickets) == 1 &&
	       SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket) == 1;
}
