/* SPDX-License-Identifier: Apache-2.0 */
/* accept4 by ourselves behind uv_poll, not uv_listen: libuv's own trick for EMFILE spins once its
 * reserve could not be opened again. */
#include "io/listener.h"

#include "io/loop_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#define KEEPALIVE_IDLE_S 60 /* a peer that vanished is noticed after about two minutes */
#define KEEPALIVE_EVERY_S 15
#define KEEPALIVE_COUNT 4

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

struct listener {
	uv_poll_t uv;
	int fd;
	int reserve; /* -1: gone */
	struct io_loop *loop;
	struct io_timer *backoff;
	const struct listener_user *user;
	void *data;
};

/* --- binding --------------------------------------------------------------------------------- */

static bool address_make(const char *host, bool ipv6, unsigned port, union address *ret,
                         socklen_t *ret_len)
{
	*ret = (union address){0};
	if (ipv6) {
		ret->v6.sin6_family = AF_INET6;
		ret->v6.sin6_port = htons((uint16_t)port);
		*ret_len = sizeof(ret->v6);
		return inet_pton(AF_INET6, host, &ret->v6.sin6_addr) == 1;
	}
	ret->v4.sin_family = AF_INET;
	ret->v4.sin_port = htons((uint16_t)port);
	*ret_len = sizeof(ret->v4);
	return inet_pton(AF_INET, host, &ret->v4.sin_addr) == 1;
}

static bool option_set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

/* On Linux accepted sockets inherit these: no system calls for each. */
static bool options_set(int fd, bool ipv6, bool shared)
{
	return option_set(fd, SOL_SOCKET, SO_REUSEADDR, 1) &&
	       (!shared || option_set(fd, SOL_SOCKET, SO_REUSEPORT, 1)) &&
	       (!ipv6 || option_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)) &&
	       option_set(fd, IPPROTO_TCP, TCP_NODELAY, 1) &&
	       option_set(fd, SOL_SOCKET, SO_KEEPALIVE, 1) &&
	       option_set(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S) &&
	       option_set(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_EVERY_S) &&
	       option_set(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_COUNT);
}

static bool bound_port(int fd, unsigned *ret)
{
	union address address;
	socklen_t len = sizeof(address);
	if (getsockname(fd, &address.any, &len) != 0)
		return false;
	*ret =
	    ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
	return true;
}

enum err listener_bind(const char *host, bool ipv6, unsigned port, bool shared, int *ret_fd,
                       unsigned *ret_port)
{
	union address address;
	socklen_t len;
	if (!address_make(host, ipv6, port, &address, &len))
		return ERR_IO;
	int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return ERR_IO;
	unsigned got;
	if (!options_set(fd, ipv6, shared) || bind(fd, &address.any, len) != 0 ||
	    listen(fd, LISTENER_BACKLOG) != 0 || !bound_port(fd, &got)) {
		enum err err = errno == EADDRINUSE ? ERR_BUSY : ERR_IO;
		(void)close(fd);
		return err;
	}
	*ret_fd = fd;
	*ret_port = got;
	return OK;
}

/* --- accepting ------------------------------------------------------------------------------- */

static void reserve_take(struct listener *listener)
{
	if (listener->reserve < 0)
		listener->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void on_poll(uv_poll_t *uv, int status, int events);

static void on_backoff(void *data)
{
	struct listener *listener = data;
	io_timer_stop(listener->backoff);
	listener->backoff = NULL;
	reserve_take(listener);
	(void)uv_poll_start(&listener->uv, UV_READABLE, on_poll);
}

/* Not for long: whoever waits in the backlog meanwhile is served then. */
static void back_off(struct listener *listener)
{
	if (io_loop_after(listener->loop, LISTENER_BACKOFF_MS, on_backoff, listener,
	                  &listener->backoff) == OK)
		(void)uv_poll_stop(&listener->uv);
}

/* Answers one waiting client by closing; false when nobody waits any more. */
static bool turn_away(struct listener *listener)
{
	(void)close(listener->reserve);
	listener->reserve = -1;
	int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0) {
		(void)close(fd);
		listener->user->on_starved(listener->data);
	}
	reserve_take(listener);
	return fd >= 0;
}

static void hand_over(struct listener *listener, int fd, const union address *from)
{
	char peer[LISTENER_PEER_MAX];
	if (from->any.sa_family == AF_UNIX) {
		listener->user->on_accept(listener->data, fd, "unix");
		return;
	}
	const void *address = from->any.sa_family == AF_INET6 ? (const void *)&from->v6.sin6_addr
	                                                      : (const void *)&from->v4.sin_addr;
	if (!inet_ntop(from->any.sa_family, address, peer, sizeof(peer)))
		(void)snprintf(peer, sizeof(peer), "unknown");
	listener->user->on_accept(listener->data, fd, peer);
}

/* Whether it is worth trying again in this round. */
static bool accept_one(struct listener *listener)
{
	union address from = {0};
	socklen_t len = sizeof(from);
	int fd = accept4(listener->fd, &from.any, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0) {
		hand_over(listener, fd, &from);
		return true;
	}
	switch (errno) {
	case EAGAIN:
		return false;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		if (listener->reserve >= 0)
			return turn_away(listener);
		back_off(listener);
		return false;
	default:
		return true; /* that connection's own misfortune: accept(2), "Error handling" */
	}
}

static void on_poll(uv_poll_t *uv, int status, int events)
{
	(void)events;
	struct listener *listener = uv->data;
	if (status != 0) {
		back_off(listener);
		return;
	}
	for (int i = 0; i < LISTENER_ACCEPTS_MAX && accept_one(listener); i++)
		;
}

/* --- life ------------------------------------------------------------------------------------ */

static void on_uv_closed(uv_handle_t *uv)
{
	free(uv->data);
}

struct listener *listener_start(struct io_loop *loop, int fd, const struct listener_user *user,
                                void *data)
{
	struct listener *listener = calloc(1, sizeof(*listener));
	if (!listener || uv_poll_init(loop_uv(loop), &listener->uv, fd) != 0) {
		free(listener);
		(void)close(fd);
		return NULL;
	}
	listener->uv.data = listener;
	listener->fd = fd;
	listener->reserve = -1;
	listener->loop = loop;
	listener->user = user;
	listener->data = data;
	reserve_take(listener);
	(void)uv_poll_start(&listener->uv, UV_READABLE, on_poll);
	return listener;
}

void listener_stop(struct listener *listener)
{
	if (!listener)
		return;
	io_timer_stop(listener->backoff);
	uv_close((uv_handle_t *)&listener->uv, on_uv_closed);
	(void)close(listener->fd);
	if (listener->reserve >= 0)
		(void)close(listener->reserve);
}
