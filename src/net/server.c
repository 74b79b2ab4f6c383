/* SPDX-License-Identifier: Apache-2.0 */
/* Listeners over loops. Each loop has a socket of its own for every address, all bound to one port
 * (SO_REUSEPORT), so that the system spreads the connections. A part of the server runs on each
 * loop; what they share is counted down when it stops. */
#include "io/listener.h"
#include "net/reception.h"

#include <assert.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Whoever comes in by one address. */
struct door {
	struct part *part;
	struct net_door door;
};

/* One loop's share. */
struct part {
	struct net_server *server;
	struct io_loop *loop;
	struct reception *reception;
	int fds[NET_ADDRESSES_MAX]; /* bound, until the loop takes them */
	struct listener *listeners[NET_ADDRESSES_MAX];
	struct door doors[NET_ADDRESSES_MAX];
	struct listener *admin;
	struct door admin_door;
	struct task begin, stop, retime;
};

struct net_server {
	size_t addresses_n;
	struct net_address addresses[NET_ADDRESSES_MAX];
	struct net_limits limits; /* those of the last retime */
	struct net_admin admin;   /* fd -1: none, or a loop has it */
	struct executor *stop_executor;
	struct task *stop_done;
	_Atomic size_t running; /* parts that have not stopped */
	size_t parts_n;
	struct part parts[];
};

struct net_limits net_limits_default(void)
{
	return (struct net_limits){
	    .head_max = NET_HEAD_MAX,
	    .target_max = NET_TARGET_MAX,
	    .fields_max = NET_FIELDS_MAX,
	    .drain_max = NET_DRAIN_MAX,
	    .connections_max = NET_CONNECTIONS_MAX,
	    .head_ms = NET_HEAD_MS,
	    .request_ms = NET_REQUEST_MS,
	    .idle_ms = NET_IDLE_MS,
	    .body_rate = NET_BODY_RATE,
	    .body_grace_ms = NET_BODY_GRACE_MS,
	    .write_ms = NET_WRITE_MS,
	    .linger_ms = NET_LINGER_MS,
	    .stop_ms = NET_STOP_MS,
	    .streams_max = NET_STREAMS_MAX,
	    .http2_idle_ms = NET_HTTP2_IDLE_MS,
	    .ping_ms = NET_PING_MS,
	    .pong_ms = NET_PONG_MS,
	};
}

/* --- on the loops ---------------------------------------------------------------------------- */

static void on_accept(void *data, int fd, const char *peer)
{
	struct door *door = data;
	reception_accept(door->part->reception, fd, peer, door->door);
}

static void on_starved(void *data)
{
	struct door *door = data;
	reception_starved(door->part->reception);
}

static const struct listener_user listener_user = {
    .on_accept = on_accept,
    .on_starved = on_starved,
};

/* One loop is enough for operators. */
static void admin_begin(struct part *part)
{
	struct net_admin *admin = &part->server->admin;
	if (admin->fd < 0)
		return;
	part->admin_door = (struct door){part, {.admin = true, .trusted = admin->is_file}};
	part->admin = listener_start(part->loop, admin->fd, &listener_user, &part->admin_door);
	admin->fd = -1;
}

static void part_begin(struct task *task)
{
	struct part *part = CONTAINER_OF(task, struct part, begin);
	for (size_t i = 0; i < part->server->addresses_n; i++) {
		part->doors[i].part = part;
		part->doors[i].door.secure = part->server->addresses[i].scheme == NET_SCHEME_HTTPS;
		part->listeners[i] =
		    listener_start(part->loop, part->fds[i], &listener_user, &part->doors[i]);
		part->fds[i] = -1;
	}
	if (part == part->server->parts)
		admin_begin(part);
}

static void part_stopped(void *data)
{
	struct part *part = data;
	struct net_server *server = part->server;
	if (atomic_fetch_sub(&server->running, 1) == 1)
		executor_post(server->stop_executor, server->stop_done);
}

static void part_stop(struct task *task)
{
	struct part *part = CONTAINER_OF(task, struct part, stop);
	for (size_t i = 0; i < part->server->addresses_n; i++) {
		listener_stop(part->listeners[i]);
		part->listeners[i] = NULL;
	}
	listener_stop(part->admin);
	part->admin = NULL;
	reception_stop(part->reception, part_stopped, part);
}

/* --- starting -------------------------------------------------------------------------------- */

/* Bound once alone first: SO_REUSEPORT would join a port that another server of this user serves
 * already, and port 0 must become the same port for every loop. */
static enum err probe(struct net_address *address)
{
	int fd;
	enum err err =
	    listener_bind(address->host, address->ipv6, address->port, false, &fd, &address->port);
	if (err == OK)
		(void)close(fd);
	return err;
}

static enum err address_bind(struct net_server *server, size_t at)
{
	struct net_address *address = &server->addresses[at];
	enum err err = probe(address);
	unsigned port;
	for (size_t i = 0; i < server->parts_n && err == OK; i++)
		err = listener_bind(address->host, address->ipv6, address->port, true,
		                    &server->parts[i].fds[at], &port);
	return err;
}

static struct net_server *server_alloc(const struct net_options *options)
{
	struct net_server *server =
	    calloc(1, sizeof(*server) + options->loops_n * sizeof(struct part));
	if (!server)
		return NULL;
	server->admin = options->admin ? *options->admin : (struct net_admin){.fd = -1};
	server->parts_n = options->loops_n;
	server->addresses_n = options->addresses_n;
	memcpy(server->addresses, options->addresses,
	       options->addresses_n * sizeof(server->addresses[0]));
	for (size_t i = 0; i < server->addresses_n; i++) {
		struct net_address *address = &server->addresses[i];
		if (address->scheme == NET_SCHEME_NONE)
			address->scheme = options->tls ? NET_SCHEME_HTTPS : NET_SCHEME_HTTP;
		assert(address->scheme == NET_SCHEME_HTTP || options->tls);
	}
	for (size_t i = 0; i < server->parts_n; i++)
		for (size_t j = 0; j < COUNT(server->parts[i].fds); j++)
			server->parts[i].fds[j] = -1;
	return server;
}

static bool part_make(struct part *part, const struct net_options *options, size_t i)
{
	struct reception_options reception = {
	    .loop = options->loops[i],
	    .handler = options->handlers[i],
	    .limits = options->limits,
	    .mono_ms = options->mono_ms,
	};
	size_t share = options->limits.connections_max / options->loops_n;
	reception.limits.connections_max = share ? share : 1;
	part->loop = options->loops[i];
	part->begin.run = part_begin;
	part->stop.run = part_stop;
	part->reception = reception_new(&reception);
	if (part->reception)
		reception_tls_set(part->reception, options->tls);
	return part->reception != NULL;
}

static enum err server_make(struct net_server *server, const struct net_options *options,
                            size_t *reterr_address)
{
	for (size_t i = 0; i < server->addresses_n; i++) {
		enum err err = address_bind(server, i);
		if (err != OK) {
			*reterr_address = i;
			return err;
		}
	}
	for (size_t i = 0; i < server->parts_n; i++) {
		server->parts[i].server = server;
		if (!part_make(&server->parts[i], options, i)) {
			*reterr_address = 0;
			return ERR_NO_MEMORY;
		}
	}
	return OK;
}

enum err net_server_start(const struct net_options *options, struct net_server **ret,
                          size_t *reterr_address)
{
	assert(options->loops_n >= 1 && options->loops_n <= NET_LOOPS_MAX);
	assert(options->addresses_n >= 1 && options->addresses_n <= NET_ADDRESSES_MAX);
	struct net_server *server = server_alloc(options);
	if (!server) {
		if (options->admin)
			(void)close(options->admin->fd);
		*reterr_address = 0;
		return ERR_NO_MEMORY;
	}
	enum err err = server_make(server, options, reterr_address);
	if (err != OK) {
		net_server_free(server);
		return err;
	}
	atomic_store(&server->running, server->parts_n);
	for (size_t i = 0; i < server->parts_n; i++)
		executor_post(io_loop_executor(server->parts[i].loop), &server->parts[i].begin);
	*ret = server;
	return OK;
}

const struct net_address *net_server_address(const struct net_server *server, size_t i)
{
	assert(i < server->addresses_n);
	return &server->addresses[i];
}

void net_server_url(const struct net_server *server, size_t i, char ret[NET_URL_MAX])
{
	char address[NET_ADDRESS_TEXT_MAX];
	net_address_format(net_server_address(server, i), address);
	(void)snprintf(ret, NET_URL_MAX, "%s://%s",
	               server->addresses[i].scheme == NET_SCHEME_HTTPS ? "https" : "http", address);
}

bool net_server_is_secure(const struct net_server *server)
{
	for (size_t i = 0; i < server->addresses_n; i++)
		if (server->addresses[i].scheme == NET_SCHEME_HTTPS)
			return true;
	return false;
}

void net_server_tls_set(struct net_server *server, size_t i, struct tls *tls)
{
	assert(i < server->parts_n && io_loop_is_current(server->parts[i].loop));
	reception_tls_set(server->parts[i].reception, tls);
}

/* --- other times ----------------------------------------------------------------------------- */

static void part_retime(struct task *task)
{
	struct part *part = CONTAINER_OF(task, struct part, retime);
	reception_retime(part->reception, &part->server->limits);
}

void net_server_retime(struct net_server *server, const struct net_limits *limits)
{
	server->limits = *limits;
	for (size_t i = 0; i < server->parts_n; i++) {
		server->parts[i].retime.run = part_retime;
		executor_post(io_loop_executor(server->parts[i].loop), &server->parts[i].retime);
	}
}

/* --- stopping -------------------------------------------------------------------------------- */

void net_server_stop(struct net_server *server, struct executor *executor, struct task *done)
{
	assert(!server->stop_done);
	server->stop_executor = executor;
	server->stop_done = done;
	for (size_t i = 0; i < server->parts_n; i++)
		executor_post(io_loop_executor(server->parts[i].loop), &server->parts[i].stop);
}

void net_server_free(struct net_server *server)
{
	if (!server)
		return;
	for (size_t i = 0; i < server->parts_n; i++) {
		for (size_t j = 0; j < COUNT(server->parts[i].fds); j++)
			if (server->parts[i].fds[j] >= 0)
				(void)close(server->parts[i].fds[j]);
		reception_free(server->parts[i].reception);
	}
	if (server->admin.fd >= 0)
		(void)close(server->admin.fd);
	free(server);
}

struct net_counts net_server_counts(struct net_server *server)
{
	struct net_counts sum = {0};
	for (size_t i = 0; i < server->parts_n; i++) {
		struct shared_counts *counts = reception_counts(server->parts[i].reception);
		sum.accepted += atomic_load_explicit(&counts->accepted, memory_order_relaxed);
		sum.turned_away += atomic_load_explicit(&counts->turned_away, memory_order_relaxed);
		sum.open += atomic_load_explicit(&counts->open, memory_order_relaxed);
		sum.requests += atomic_load_explicit(&counts->requests, memory_order_relaxed);
		sum.refused += atomic_load_explicit(&counts->refused, memory_order_relaxed);
		sum.floods += atomic_load_explicit(&counts->floods, memory_order_relaxed);
	}
	return sum;
}
