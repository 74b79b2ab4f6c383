/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies. One with a length that fits the block stays there, uncopied. A longer one is read
 * straight into memory of the request, which grows as octets come, so that a large Content-Length
 * alone costs nothing. A chunked one is decoded from the block into such memory. */
#include "net/http1_private.h"

/* Gives the body at least one octet of room, unless it is as long as it may be. False: no memory.
 */
static bool body_grow(struct exchange *exchange, size_t max)
{
	if (exchange->body_len < exchange->body_room || exchange->body_room == max)
		return true;
	size_t room = exchange->body_room ? exchange->body_room * 2 : HTTP1_BODY_FIRST;
	room = room < max ? room : max;
	char *body = arena_take(&exchange->arena, room);
	if (!body)
		return false;
	if (exchange->body_len)
		memcpy(body, exchange->body, exchange->body_len);
	exchange->body = body;
	exchange->body_room = room;
	return true;
}

/* The longest that this body may become. */
static size_t body_most(const struct exchange *exchange)
{
	return exchange->head.chunked ? exchange->request.body_max : (size_t)exchange->head.length;
}

/* A head may end where its block ends: a chunked body then goes through another block. */
static bool block_make_room(struct conn *conn)
{
	struct block *in = conn->in;
	size_t len = in->end - in->at;
	if (in->size - in->at >= HTTP1_CHUNK_ROOM_MIN)
		return true;
	struct block *fresh = block_take(&conn->http1->shared->blocks, BLOCK_SMALL);
	if (!fresh)
		return false;
	memcpy(fresh->data, in->data + in->at, len);
	fresh->end = len;
	conn->exchange->held = in;
	conn->in = fresh;
	conn->pinned = 0;
	return true;
}

void body_begin(struct conn *conn)
{
	struct exchange *exchange = conn->exchange;
	struct block *in = conn->in;
	conn_enter(conn, CONN_BODY);
	if (exchange->continue_withheld) {
		exchange->continue_withheld = false;
		conn_send_continue(conn);
		if (conn->state != CONN_BODY)
			return;
	}
	bool fits = !exchange->head.chunked && exchange->left <= in->size - in->at;
	if (!fits && (!body_grow(exchange, body_most(exchange)) || !block_make_room(conn)))
		conn_close(conn);
}

/* The whole body, in the block. */
static bool read_in_block(struct conn *conn)
{
	struct exchange *exchange = conn->exchange;
	struct block *in = conn->in;
	if (in->end - in->at < exchange->left)
		return false;
	exchange->request.body = (struct bytes){in->data + in->at, (size_t)exchange->left};
	in->at += (size_t)exchange->left;
	conn->pinned = in->at;
	exchange->left = 0;
	exchange->body_done = true;
	return true;
}

/* What came together with the head; the rest arrives where it belongs (body_room). */
static bool read_with_length(struct conn *conn)
{
	struct exchange *exchange = conn->exchange;
	struct block *in = conn->in;
	while (in->at < in->end && exchange->left) {
		if (!body_grow(exchange, body_most(exchange))) {
			conn_close(conn);
			return false;
		}
		size_t room = exchange->body_room - exchange->body_len;
		size_t len = in->end - in->at < room ? in->end - in->at : room;
		memcpy(exchange->body + exchange->body_len, in->data + in->at, len);
		exchange->body_len += len;
		exchange->left -= len;
		in->at += len;
	}
	exchange->body_done = exchange->left == 0;
	return exchange->body_done;
}

/* It is longer than it may be. What has come of the rest is dropped; when that is all of it, the
 * connection goes on after the answer. */
static void chunked_is_too_large(struct conn *conn)
{
	struct exchange *exchange = conn->exchange;
	struct block *in = conn->in;
	size_t used, made;
	struct http_refusal refusal;
	enum err err = http_chunked_decode(&exchange->chunked, block_bytes(in), NULL, 0, &used,
	                                   &made, &refusal);
	if (err == ERR_MALFORMED) {
		conn_refuse(conn, refusal.status, refusal.why);
		return;
	}
	in->at += used;
	exchange->body_done = err == OK;
	exchange->too_large = exchange->handed = true;
	conn_enter(conn, CONN_ANSWER);
	conn->http1->shared->handler->on_too_large(conn->http1->shared->handler,
	                                           &exchange->request);
}

static bool read_chunked(struct conn *conn)
{
	struct exchange *exchange = conn->exchange;
	struct block *in = conn->in;
	for (;;) {
		size_t used, made;
		struct http_refusal refusal;
		char none;
		if (!body_grow(exchange, body_most(exchange))) {
			conn_close(conn);
			return false;
		}
		char *to = exchange->body ? exchange->body + exchange->body_len : &none;
		enum err err = http_chunked_decode(&exchange->chunked, block_bytes(in), to,
		                                   exchange->body_room - exchange->body_len, &used,
		                                   &made, &refusal);
		if (err == ERR_MALFORMED) {
			conn_refuse(conn, refusal.status, refusal.why);
			return true;
		}
		in->at += used;
		exchange->body_len += made;
		exchange->body_done = err == OK;
		if (err == OK || in->at == in->end)
			return err == OK;
		/* There is data and no room: grow, or it is too large. */
		if (exchange->body_room == body_most(exchange)) {
			chunked_is_too_large(conn);
			return true;
		}
	}
}

bool body_read(struct conn *conn)
{
	struct exchange *exchange = conn->exchange;
	if (exchange->head.chunked)
		return read_chunked(conn);
	return exchange->body ? read_with_length(conn) : read_in_block(conn);
}

struct stream_room body_room(struct conn *conn)
{
	struct exchange *exchange = conn->exchange;
	if (exchange->head.chunked || !exchange->body || !body_grow(exchange, body_most(exchange)))
		return (struct stream_room){NULL, 0};
	return (struct stream_room){exchange->body + exchange->body_len,
	                            exchange->body_room - exchange->body_len};
}

bool body_is_not_worth_draining(const struct conn *conn)
{
	const struct exchange *exchange = conn->exchange;
	if (exchange->body_done)
		return false;
	/* A client that was not told to go on may send the body or the next request. */
	return exchange->continue_withheld || exchange->too_large ||
	       exchange->left > conn->http1->shared->limits.drain_max;
}

static bool drain_chunked(struct conn *conn)
{
	struct exchange *exchange = conn->exchange;
	struct block *in = conn->in;
	size_t used, made;
	struct http_refusal refusal;
	enum err err = http_chunked_decode(&exchange->chunked, block_bytes(in), NULL, 0, &used,
	                                   &made, &refusal);
	/* The answer has gone: nothing can be said about it any more. */
	if (err == ERR_MALFORMED) {
		conn_linger(conn);
		return true;
	}
	in->at += used;
	exchange->drained += used;
	exchange->body_done = err == OK;
	if (err == OK || exchange->drained <= conn->http1->shared->limits.drain_max)
		return err == OK;
	conn_linger(conn);
	return true;
}

bool body_drain(struct conn *conn)
{
	struct exchange *exchange = conn->exchange;
	conn->pinned = 0;
	if (exchange->body_done)
		return true;
	if (exchange->head.chunked)
		return drain_chunked(conn);
	struct block *in = conn->in;
	size_t here = in->end - in->at;
	size_t len = here < exchange->left ? here : (size_t)exchange->left;
	in->at += len;
	exchange->left -= len;
	exchange->body_done = exchange->left == 0;
	return exchange->body_done;
}
