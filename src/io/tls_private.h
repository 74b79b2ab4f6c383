/* SPDX-License-Identifier: Apache-2.0 */
/* What tls.c, tls_tickets.c and tls_session.c know of each other. */
#ifndef IO_TLS_PRIVATE_H
#define IO_TLS_PRIVATE_H

#include "io/tls.h"

#include <openssl/ssl.h>

/* A connection in the state of its birth, which takes a reference. NULL: no memory. */
SSL *tls_connection(struct tls *tls);

/* Makes the context give out and take tickets. */
bool tls_tickets_attach(struct tls_tickets *tickets, SSL_CTX *context);

#endif
