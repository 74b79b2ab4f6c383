/* SPDX-License-Identifier: Apache-2.0 */
/* The connections of one loop. Each is received here, told apart by its first octets (the preface
 * of HTTP/2, RFC 9113 section 3.4, or anything else) or by what TLS agreed on, and handed to http1
 * or http2, together with those octets; what all of them share (net_shared) is kept here too: their
 * number, one timer for their time limits, and how they end. Knows no listener and no other loop.
 */
#ifndef NET_RECEPTION_H
#define NET_RECEPTION_H

#include "net/shared.h"

struct reception;

struct reception_options {
	struct io_loop *loop;
	struct request_handler *handler;
	struct net_limits limits; /* connections_max: of this loop */
	int64_t (*mono_ms)(void); /* NULL: the loop's */
};

/* NULL when there is no memory. */
struct reception *reception_new(const struct reception_options *options);
/* No connection is left (reception_stop told so); requests never answered go too. NULL is fine. */
void reception_free(struct reception *reception);

/* New connections over TLS go by this from now on; takes a reference. NULL: there are none. */
void reception_tls_set(struct reception *reception, struct tls *tls);
/* Takes over a connected socket; `peer` is its address as text. */
void reception_accept(struct reception *reception, int fd, const char *peer, struct net_door door);
/* One was turned away before it got here. */
void reception_starved(struct reception *reception);

/* Ends what has run over a time limit. Called by a timer of its own; by tests at will. */
void reception_tick(struct reception *reception);

/* From now on by the times and the rate of `limits` that configuration names, connections that wait
 * already too; its other limits stay as they were. */
void reception_retime(struct reception *reception, const struct net_limits *limits);

/* Ends what is idle, lets the rest finish, at most limits.stop_ms; then calls on_stopped once. */
void reception_stop(struct reception *reception, void (*on_stopped)(void *data), void *data);

struct shared_counts *reception_counts(struct reception *reception);

#endif
