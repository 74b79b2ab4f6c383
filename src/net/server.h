/* SPDX-License-Identifier: Apache-2.0 */
/* net: the servers that clients speak to. This room turns connections into requests, hands them to
 * a request handler and writes the answers; it knows no path and no dialect. server.h starts and
 * stops it, reception.h tells HTTP/2 from HTTP/1.1, http1.h and http2.h make the same requests of
 * either. */
#ifndef NET_SERVER_H
#define NET_SERVER_H

#include "api/request.h"
#include "base/err.h"
#include "base/task.h"
#include "io/loop.h"
#include "io/tls.h"
#include "wire/net_address.h"

/* What a connection may take; every limit has its default here and a test at its edge. */
struct net_limits {
	size_t head_max;        /* request line and fields with their line ends: 431 */
	size_t target_max;      /* the request's target: 414 */
	size_t fields_max;      /* 431 */
	size_t drain_max;       /* of a body that nobody wants, read before the next request */
	size_t connections_max; /* over all loops; beyond it the longest idle one makes room */
	int64_t head_ms;        /* from a head's first octet (or the accept) to its end: 408 */
	int64_t request_ms;     /* from a head's first octet to the body's last: 408 */
	int64_t idle_ms;        /* between two requests */
	int64_t body_rate;      /* octets a second, looked at from body_grace_ms on: 408 */
	int64_t body_grace_ms;
	int64_t write_ms;  /* for a peer to take an answer that did not fit its window */
	int64_t linger_ms; /* for a peer to read our last answer before the socket goes */
	int64_t stop_ms;   /* for requests under way when the server stops */
	/* HTTP/2 */
	size_t streams_max;    /* requests at a time on a connection */
	int64_t http2_idle_ms; /* since the last request */
	int64_t ping_ms;       /* without requests, then the peer is asked whether it lives ... */
	int64_t pong_ms;       /* ... and has this long to answer */
};

#define NET_HEAD_MAX ((size_t)16 << 10)
#define NET_HEAD_CEILING ((size_t)256 << 10) /* no configuration goes beyond */
#define NET_TARGET_MAX ((size_t)8 << 10)
#define NET_FIELDS_MAX ((size_t)100)
#define NET_FIELDS_CEILING ((size_t)1000)
#define NET_DRAIN_MAX ((size_t)64 << 10)
#define NET_CONNECTIONS_MAX ((size_t)16384)
#define NET_HEAD_MS 10000
#define NET_REQUEST_MS 30000
#define NET_IDLE_MS 75000
#define NET_BODY_RATE 256
#define NET_BODY_GRACE_MS 5000
#define NET_WRITE_MS 30000
#define NET_LINGER_MS 2000
#define NET_STOP_MS 10000
#define NET_STREAMS_MAX ((size_t)100)
#define NET_STREAMS_CEILING ((size_t)1000)
#define NET_HTTP2_IDLE_MS 300000
#define NET_PING_MS 60000
#define NET_PONG_MS 10000

#define NET_LOOPS_MAX 64
#define NET_URL_MAX (NET_ADDRESS_TEXT_MAX + 8)
/* What TLS offers by ALPN (tls_options.protocols). */
#define NET_TLS_PROTOCOLS                                                                          \
	BYTES("\x02"                                                                               \
	      "h2"                                                                                 \
	      "\x08"                                                                               \
	      "http/1.1")

struct net_limits net_limits_default(void);

/* The operator's listener: in clear, and its requests say so (request.admin). */
struct net_admin {
	int fd;       /* bound and listening; the server's from net_server_start on */
	bool is_file; /* a socket file (request.trusted) */
};

struct net_options {
	struct io_loop *const *loops;            /* borrowed; outlive the server */
	struct request_handler *const *handlers; /* one a loop; borrowed; outlive the server */
	size_t loops_n;                          /* 1 to NET_LOOPS_MAX */
	const struct net_address *addresses;     /* copied; port 0: the system picks one */
	size_t addresses_n;                      /* 1 to NET_ADDRESSES_MAX */
	const struct net_admin *admin;           /* copied; NULL: none */
	/* For addresses of https, and for those that say nothing when there is one; a reference is
	 * taken. NULL: no address may be of https. */
	struct tls *tls;
	struct net_limits limits;
	/* The monotonic clock behind every time limit; NULL: the loops' own. For tests; called on
	 * the loop threads. */
	int64_t (*mono_ms)(void);
};

struct net_server;

/* Binds and listens before it returns, so that a port in use shows here; the loops begin to accept
 * as soon as they run (they may run already). ERR_BUSY: an address is in use; ERR_IO: it cannot be
 * bound (not ours, not allowed); *reterr_address is the one. */
MUST_CHECK enum err net_server_start(const struct net_options *options, struct net_server **ret,
                                     size_t *reterr_address);
/* Address number `i` of the options with the port that was really bound. */
const struct net_address *net_server_address(const struct net_server *server, size_t i);
/* The same as a URL's beginning, without a path; always with a scheme. */
void net_server_url(const struct net_server *server, size_t i, char ret[NET_URL_MAX]);
/* Whether any address is of https. */
bool net_server_is_secure(const struct net_server *server);

/* New connections of loop number `i` go by it from now on, those that there are stay as they are;
 * takes a reference. On that loop's thread. Only when the server was started with a struct tls. */
void net_server_tls_set(struct net_server *server, size_t i, struct tls *tls);

/* The thread that started it. From now on by the times and the rate of `limits` that configuration
 * names, for connections that are open too; its other limits stay as they were. Not again before
 * every loop has run what was posted to it before. */
void net_server_retime(struct net_server *server, const struct net_limits *limits);

/* Any thread, once. Accepts no more, closes what is idle, lets requests under way finish (their
 * answers say Connection: close), at most limits.stop_ms; then `done` is posted to `executor`. The
 * loops must run until then. */
void net_server_stop(struct net_server *server, struct executor *executor, struct task *done);
/* After `done`, when the loops run no more (and before they are freed) and nobody will answer any
 * request: those never answered go too. NULL is fine. */
void net_server_free(struct net_server *server);

/* Counted since the start, added up over the loops; any thread. */
struct net_counts {
	uint64_t accepted;    /* connections */
	uint64_t turned_away; /* connections closed for connections_max or want of descriptors */
	uint64_t open;        /* connections now */
	uint64_t requests;    /* whole heads */
	uint64_t refused;     /* requests that broke the protocol or a limit of this room */
	uint64_t floods;      /* HTTP/2 connections cut for what they sent */
};
struct net_counts net_server_counts(struct net_server *server);

#endif
