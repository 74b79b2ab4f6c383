/* SPDX-License-Identifier: Apache-2.0 */
#include "net/reception.h"

#include "io/listener.h"
#include "net/http1.h"
#include "net/http2.h"

#include <assert.h>
#include <unistd.h>

/* A connection that has not said what it speaks. */
struct guest {
	struct reception *reception;
	struct list link; /* in order of deadline */
	struct stream *stream;
	struct block *in; /* owned; NULL when nothing has come */
	int64_t deadline_ms;
	struct net_door door;
	char peer[LISTENER_PEER_MAX];
};

struct reception {
	struct net_shared shared;
	struct http1 *http1;
	struct http2 *http2;
	struct list guests;
	size_t guests_n; /* with those whose stream is on its way out */
	struct io_timer *tick;
	struct tls *tls;  /* a reference; NULL: none */
	unsigned running; /* of http1 and http2: have not stopped */
	void (*on_stopped)(void *data);
	void *stopped_data;
};

/* --- ending ---------------------------------------------------------------------------------- */

static void check_stopped(struct reception *reception)
{
	if (!reception->shared.stopping || !reception->on_stopped || reception->running ||
	    reception->guests_n)
		return;
	void (*on_stopped)(void *data) = reception->on_stopped;
	reception->on_stopped = NULL;
	on_stopped(reception->stopped_data);
}

static void guest_free(struct guest *guest)
{
	struct reception *reception = guest->reception;
	list_remove(&guest->link);
	block_give(&reception->shared.blocks, guest->in);
	free(guest);
	reception->guests_n--;
	check_stopped(reception);
}

static void guest_close(struct guest *guest)
{
	list_remove(&guest->link);
	shared_closed(&guest->reception->shared);
	stream_close(guest->stream);
}

/* --- reading --------------------------------------------------------------------------------- */

static void guest_pass(struct guest *guest, bool is_http2)
{
	struct reception *reception = guest->reception;
	const struct net_arrival arrival = {
	    .stream = guest->stream,
	    .in = guest->in,
	    .peer = guest->peer,
	    .door = guest->door,
	};
	guest->in = NULL;
	list_remove(&guest->link);
	if (is_http2)
		http2_adopt(reception->http2, &arrival);
	else
		http1_adopt(reception->http1, &arrival);
	guest_free(guest);
}

static struct stream_room on_room(void *data)
{
	struct guest *guest = data;
	if (!guest->in)
		guest->in = block_take(&guest->reception->shared.blocks, BLOCK_SMALL);
	struct block *in = guest->in;
	if (!in)
		return (struct stream_room){NULL, 0};
	return (struct stream_room){in->data + in->end, in->size - in->end};
}

static void on_read(void *data, size_t len)
{
	struct guest *guest = data;
	guest->in->end += len;
	if (stream_is_secure(guest->stream)) {
		if (len)
			guest_pass(guest, bytes_equal(stream_protocol(guest->stream), BYTES("h2")));
		return;
	}
	struct bytes come = block_bytes(guest->in);
	struct bytes preface = BYTES(HTTP2_PREFACE);
	if (!bytes_equal(bytes_first(come, preface.len), bytes_first(preface, come.len)))
		guest_pass(guest, false);
	else if (come.len >= preface.len)
		guest_pass(guest, true);
}

static void on_gone(void *data)
{
	guest_close(data);
}

static void on_drained(void *data)
{
	(void)data;
}

static void on_closed(void *data)
{
	guest_free(data);
}

static const struct stream_user stream_user = {
    .on_room = on_room,
    .on_read = on_read,
    .on_end = on_gone,
    .on_broken = on_gone,
    .on_drained = on_drained,
    .on_closed = on_closed,
};

/* --- accepting ------------------------------------------------------------------------------- */

/* Makes room for one more by ending the connection that has been idle longest. */
static bool make_room(struct reception *reception)
{
	int64_t http1_since = http1_idle_since(reception->http1);
	int64_t http2_since = http2_idle_since(reception->http2);
	if (http1_since < INT64_MAX && http1_since <= http2_since)
		http1_idle_end(reception->http1);
	else if (http2_since < INT64_MAX)
		http2_idle_end(reception->http2);
	else if (!list_is_empty(&reception->guests))
		guest_close(CONTAINER_OF(reception->guests.next, struct guest, link));
	else
		return false;
	return true;
}

void reception_starved(struct reception *reception)
{
	count_one(&reception->shared.counts.turned_away);
}

static struct guest *guest_new(struct reception *reception, int fd, const char *peer,
                               struct tls *tls)
{
	struct guest *guest = calloc(1, sizeof(*guest));
	if (!guest) {
		(void)close(fd);
		return NULL;
	}
	guest->reception = reception;
	list_init(&guest->link);
	(void)snprintf(guest->peer, sizeof(guest->peer), "%s", peer);
	guest->stream = stream_new(reception->shared.loop, fd, tls, &stream_user, guest);
	if (!guest->stream) {
		free(guest);
		return NULL;
	}
	return guest;
}

void reception_tls_set(struct reception *reception, struct tls *tls)
{
	struct tls *old = reception->tls;
	reception->tls = tls ? tls_ref(tls) : NULL;
	tls_unref(old);
}

void reception_accept(struct reception *reception, int fd, const char *peer, struct net_door door)
{
	struct net_shared *shared = &reception->shared;
	assert(!door.secure || reception->tls);
	if (shared->open >= shared->limits.connections_max) {
		reception_starved(reception);
		if (!make_room(reception)) {
			(void)close(fd);
			return;
		}
	}
	struct guest *guest = guest_new(reception, fd, peer, door.secure ? reception->tls : NULL);
	if (!guest) {
		reception_starved(reception);
		return;
	}
	guest->door = door;
	reception->guests_n++;
	count_one(&shared->counts.accepted);
	shared_opened(shared);
	guest->deadline_ms = shared_now(shared) + shared->limits.head_ms;
	list_append(&reception->guests, &guest->link);
}

/* --- time ------------------------------------------------------------------------------------ */

static void guests_close(struct reception *reception, int64_t until_ms)
{
	while (!list_is_empty(&reception->guests)) {
		struct guest *guest = CONTAINER_OF(reception->guests.next, struct guest, link);
		if (guest->deadline_ms > until_ms)
			return;
		guest_close(guest);
	}
}

void reception_tick(struct reception *reception)
{
	guests_close(reception, shared_now(&reception->shared));
	http1_tick(reception->http1);
	http2_tick(reception->http2);
}

static void on_tick(void *data)
{
	reception_tick(data);
}

void reception_retime(struct reception *reception, const struct net_limits *limits)
{
	struct net_limits *now = &reception->shared.limits;
	int64_t head_later_ms = limits->head_ms - now->head_ms;
	int64_t idle_later_ms = limits->idle_ms - now->idle_ms;
	now->head_ms = limits->head_ms;
	now->request_ms = limits->request_ms;
	now->idle_ms = limits->idle_ms;
	now->http2_idle_ms = limits->http2_idle_ms;
	now->body_rate = limits->body_rate;
	struct list *guests = &reception->guests;
	for (struct list *at = guests->next; at != guests; at = at->next)
		CONTAINER_OF(at, struct guest, link)->deadline_ms += head_later_ms;
	http1_retime(reception->http1, head_later_ms, idle_later_ms);
}

/* --- life ------------------------------------------------------------------------------------ */

struct reception *reception_new(const struct reception_options *options)
{
	struct reception *reception = calloc(1, sizeof(*reception));
	if (!reception)
		return NULL;
	struct net_shared *shared = &reception->shared;
	list_init(&reception->guests);
	shared->loop = options->loop;
	shared->handler = options->handler;
	shared->limits = options->limits;
	shared->mono_ms = options->mono_ms;
	if (!shared_init(shared) || !(reception->http1 = http1_new(shared)) ||
	    !(reception->http2 = http2_new(shared)) ||
	    io_loop_every(shared->loop, SHARED_TICK_MS, on_tick, reception, &reception->tick) !=
	        OK) {
		reception_free(reception);
		return NULL;
	}
	return reception;
}

void reception_free(struct reception *reception)
{
	if (!reception)
		return;
	assert(reception->guests_n == 0);
	io_timer_stop(reception->tick);
	http1_free(reception->http1);
	http2_free(reception->http2);
	shared_done(&reception->shared);
	tls_unref(reception->tls);
	free(reception);
}

static void on_part_stopped(void *data)
{
	struct reception *reception = data;
	reception->running--;
	check_stopped(reception);
}

void reception_stop(struct reception *reception, void (*on_stopped)(void *data), void *data)
{
	struct net_shared *shared = &reception->shared;
	assert(!shared->stopping);
	shared->stopping = true;
	shared->stop_at_ms = shared_now(shared) + shared->limits.stop_ms;
	reception->on_stopped = on_stopped;
	reception->stopped_data = data;
	reception->running = 2;
	guests_close(reception, INT64_MAX);
	http1_stop(reception->http1, on_part_stopped, reception);
	http2_stop(reception->http2, on_part_stopped, reception);
	check_stopped(reception);
}

struct shared_counts *reception_counts(struct reception *reception)
{
	return &reception->shared.counts;
}
