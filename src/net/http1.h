/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1.1 connections of one loop: bytes in, requests to the handler, answers out, time limits.
 * Knows no listener and no other loop; server.c feeds it sockets. All on the loop's thread. */
#ifndef NET_HTTP1_H
#define NET_HTTP1_H

#include "net/server.h"

#include <stdatomic.h>

struct http1;

struct http1_options {
	struct io_loop *loop;
	struct request_handler *handler;
	struct net_limits limits; /* connections_max: of this loop */
	int64_t (*mono_ms)(void); /* NULL: the loop's */
};

/* Written by the loop, read by anyone. */
struct http1_counts {
	_Atomic uint64_t accepted, turned_away, open, requests, refused;
};

/* NULL when there is no memory. */
struct http1 *http1_new(const struct http1_options *options);
/* No connection is left (http1_stop told so); requests never answered go too. NULL is fine. */
void http1_free(struct http1 *http1);

/* Takes over a connected socket; `peer` is its address as text. */
void http1_accept(struct http1 *http1, int fd, const char *peer);
/* One was turned away before it got here. */
void http1_starved(struct http1 *http1);

/* Closes what has run over a time limit. Called by a timer of its own; by tests at will. */
void http1_tick(struct http1 *http1);

/* Ends what is idle, lets the rest finish, at most limits.stop_ms; then calls on_stopped once. */
void http1_stop(struct http1 *http1, void (*on_stopped)(void *data), void *data);

struct http1_counts *http1_counts(struct http1 *http1);

#endif
