/* SPDX-License-Identifier: Apache-2.0 */
/* Listening TCP sockets: bound in one place, accepted from on a loop. When the process has no
 * descriptor left, connections are accepted and closed with one kept in reserve, so that their
 * clients know at once and the loop does not spin. */
#ifndef IO_LISTENER_H
#define IO_LISTENER_H

#include "io/loop.h"

#define LISTENER_BACKLOG 4096
#define LISTENER_ACCEPTS_MAX 64 /* in one round, so that connections get their turn */
#define LISTENER_BACKOFF_MS 100 /* when even the reserve has gone */
#define LISTENER_PEER_MAX 46    /* an IPv6 address as text, and a NUL */

/* A socket bound to the address (text, IPv6 without brackets) and listening. `shared`: several may
 * be bound to one port, each gets its part of the connections. ERR_BUSY: the port is taken; ERR_IO:
 * the address cannot be bound. *ret_port is what was bound, also for port 0. */
MUST_CHECK enum err listener_bind(const char *host, bool ipv6, unsigned port, bool shared,
                                  int *ret_fd, unsigned *ret_port);

struct listener;

struct listener_user {
	/* A connection, non-blocking; the callee owns `fd`. `peer` is its address without port, or
	 * "unix". */
	void (*on_accept)(void *data, int fd, const char *peer);
	/* One was turned away for want of descriptors. */
	void (*on_starved)(void *data);
};

/* Accepts from `fd`, which it owns from now on, also when it fails (NULL). */
struct listener *listener_start(struct io_loop *loop, int fd, const struct listener_user *user,
                                void *data);
/* Ends and frees it; no callback follows. NULL is fine. */
void listener_stop(struct listener *listener);

#endif
