/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1.1 connections of one loop: bytes in, requests to the handler, answers out, time limits.
 * Knows no listener and no other loop; reception.c hands it connections. All on the loop's thread.
 */
#ifndef NET_HTTP1_H
#define NET_HTTP1_H

#include "net/shared.h"

struct http1;

/* `shared` is borrowed and outlives it. NULL when there is no memory. */
struct http1 *http1_new(struct net_shared *shared);
/* No connection is left (http1_stop told so); requests never answered go too. NULL is fine. */
void http1_free(struct http1 *http1);

/* Takes over a connection that counts as open, and does what can be done with what has come. */
void http1_adopt(struct http1 *http1, const struct net_arrival *arrival);

/* When the connection began to be idle that has been idle longest; INT64_MAX: none is. */
int64_t http1_idle_since(const struct http1 *http1);
/* Ends that one. */
void http1_idle_end(struct http1 *http1);

/* Closes what has run over a time limit. */
void http1_tick(struct http1 *http1);

/* The limits have changed: connections that wait for a head, or for a request, by so much later (or
 * earlier) too. */
void http1_retime(struct http1 *http1, int64_t head_later_ms, int64_t idle_later_ms);

/* Ends what is idle, lets the rest finish, until shared->stop_at_ms; then calls on_stopped once. */
void http1_stop(struct http1 *http1, void (*on_stopped)(void *data), void *data);

#endif
