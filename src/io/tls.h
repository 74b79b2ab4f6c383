/* SPDX-License-Identifier: Apache-2.0 */
/* TLS of servers, by OpenSSL: 1.2 and 1.3, AEAD suites with forward secrecy only, certificates
 * chosen by name (SNI), tickets for resuming. A struct tls never changes: new files make a new one,
 * and connections keep the one they began with. Its octets go through tls_session.h. */
#ifndef IO_TLS_H
#define IO_TLS_H

#include "base/bytes.h"
#include "base/problem.h"

#define TLS_CERTIFICATES_MAX 16

/* Keys of tickets: made by this process, kept in memory, changed every hour; a ticket is taken for
 * at least two more. Shared by all loops and by a server's struct tls, one after another. Any
 * thread. */
struct tls_tickets;
#define TLS_TICKET_KEY_MS 3600000
#define TLS_TICKET_KEYS 3

/* NULL: no memory, or no random octets. */
struct tls_tickets *tls_tickets_new(void);
/* Nothing that was made with it is left. NULL is fine. */
void tls_tickets_free(struct tls_tickets *tickets);
/* The newest key is used no more for new tickets, the oldest for none. False: no random octets. */
bool tls_tickets_change(struct tls_tickets *tickets);

struct tls_files {
	const char *certificate; /* PEM: the server's own first, then those between it and a root */
	const char *key;         /* PEM, not encrypted, readable by its owner alone */
};

struct tls_options {
	const struct tls_files *files; /* the first is for names that none fits */
	size_t files_n;                /* 1 to TLS_CERTIFICATES_MAX */
	struct tls_tickets *tickets;   /* borrowed */
	struct bytes protocols;        /* for ALPN: each with its length before it, the best first;
	                                * borrowed, outlives it all */
};

/* One reference, the caller's. NULL: *reterr says which file is wrong and what to do. */
struct tls *tls_new(const struct tls_options *options, struct problem *reterr);
/* Any thread. */
struct tls *tls_ref(struct tls *tls);
/* NULL is fine. */
void tls_unref(struct tls *tls);

#endif
