/* SPDX-License-Identifier: Apache-2.0 */
/* What the connections of one loop share, whichever protocol they speak: whom they serve, their
 * limits, memory for octets that come and go, and the count of them. Made and filled by
 * reception.c; all on the loop's thread but the counts, which anyone may read. */
#ifndef NET_SHARED_H
#define NET_SHARED_H

#include "io/stream.h"
#include "net/block.h"
#include "net/server.h"

#include <stdatomic.h>

#define SHARED_DATE_MAX 32
#define SHARED_TICK_MS 100 /* how often time limits are looked at */

/* Written by the loop, read by anyone. */
struct shared_counts {
	_Atomic uint64_t accepted, turned_away, open, requests, refused, floods;
};

struct net_shared {
	struct io_loop *loop;
	struct request_handler *handler;
	struct net_limits limits; /* connections_max: of this loop */
	int64_t (*mono_ms)(void); /* NULL: the loop's */
	struct block_pool blocks; /* a large one holds the longest head and some body */
	struct block *scratch;    /* owned; for octets that are used up at once, or by nobody */
	size_t open;              /* connections not closed */
	struct shared_counts counts;
	bool stopping;
	int64_t stop_at_ms;
	int64_t date_s;
	size_t date_len;
	char date[SHARED_DATE_MAX];
};

/* By which of the server's listeners a connection came. */
struct net_door {
	bool secure;  /* over TLS */
	bool admin;   /* the operator's */
	bool trusted; /* a socket file: its permissions have said who may */
};

/* A connection whose protocol is known now, on its way to those who speak it. */
struct net_arrival {
	struct stream *stream; /* they own it from then on, and take it over (stream_pass) */
	struct block *in;      /* they own it; what has come of it */
	const char *peer;      /* the other end's address as text; borrowed for the call */
	struct net_door door;
};

/* False when there is no memory; shared_done is fine then too. */
bool shared_init(struct net_shared *shared);
void shared_done(struct net_shared *shared);

int64_t shared_now(struct net_shared *shared);
/* The value of a Date field, made once a second (RFC 9110 section 5.6.7). */
struct bytes shared_date(struct net_shared *shared);
/* One connection more, or fewer. */
void shared_opened(struct net_shared *shared);
void shared_closed(struct net_shared *shared);

/* RFC 9110 sections 15.3.5 and 15.4.5. */
static inline bool status_has_body(int status)
{
	return status != 204 && status != 304;
}

#define DIGITS_MAX 20

/* A length as text. */
static inline struct bytes digits_of(size_t value, char digits[DIGITS_MAX])
{
	size_t at = DIGITS_MAX;
	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	return (struct bytes){digits + at, DIGITS_MAX - at};
}

static inline void count_one(_Atomic uint64_t *counter)
{
	/* One writer: no need for a locked instruction. */
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1,
	                      memory_order_relaxed);
}

#endif
