/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/2 connections of one loop (RFC 9113, by nghttp2): bytes in, requests to the handler, answers
 * out, time limits, and an end for who floods. Knows no listener and no other loop; reception.c
 * hands it connections. All on the loop's thread. */
#ifndef NET_HTTP2_H
#define NET_HTTP2_H

#include "net/shared.h"
#include "wire/http2.h"

struct http2;

/* `shared` is borrowed and outlives it. NULL when there is no memory. */
struct http2 *http2_new(struct net_shared *shared);
/* No connection is left (http2_stop told so); requests never answered go too. NULL is fine. */
void http2_free(struct http2 *http2);

/* Takes over a connection that counts as open; what has come of it begins with the preface, or
 * with a part of it. */
void http2_adopt(struct http2 *http2, const struct net_arrival *arrival);

/* When the connection began to be idle that has been idle longest; INT64_MAX: none is. */
int64_t http2_idle_since(const struct http2 *http2);
/* Ends that one. */
void http2_idle_end(struct http2 *http2);

/* Ends what has run over a time limit. */
void http2_tick(struct http2 *http2);

/* Tells every client to go away, answers what it had asked by the time it heard (GOAWAY twice, RFC
 * 9113 section 6.8), until shared->stop_at_ms; then calls on_stopped once. */
void http2_stop(struct http2 *http2, void (*on_stopped)(void *data), void *data);

#endif
