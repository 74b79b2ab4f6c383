/* SPDX-License-Identifier: Apache-2.0 */
/* A connection's life: reading heads, handing requests over one at a time, ending. A step is what
 * the state allows with what has come; conn_run repeats steps until one has to wait. An answer
 * given from within a step only changes the state, so that a thousand pipelined requests do not
 * make a thousand nested calls. */
#include "base/secret.h"
#include "net/http1_private.h"

#include <assert.h>

/* --- exchanges ------------------------------------------------------------------------------- */

static void on_answer(struct request *request);

static struct exchange *exchange_take(struct conn *conn)
{
	struct http1 *http1 = conn->http1;
	struct exchange *exchange = http1->kept;
	if (exchange) {
		http1->kept = exchange->next;
		http1->kept_n--;
	} else {
		size_t fields = http1->shared->limits.fields_max * sizeof(struct http_field);
		exchange = malloc(sizeof(*exchange) + fields);
		if (!exchange)
			return NULL;
		arena_init(&exchange->arena);
	}
	exchange->conn = conn;
	exchange->held = NULL;
	exchange->body = NULL;
	exchange->body_len = exchange->body_room = 0;
	exchange->left = exchange->drained = exchange->body_seen = 0;
	exchange->body_done = true;
	exchange->too_large = false;
	exchange->handed = exchange->begun = exchange->continue_withheld = false;
	http_head_init(&exchange->head, exchange->fields);
	exchange->request =
	    (struct request){.arena = &exchange->arena, .transport_send = on_answer};
	return exchange;
}

static void exchange_give(struct conn *conn)
{
	struct http1 *http1 = conn->http1;
	struct exchange *exchange = conn->exchange;
	conn->exchange = NULL;
	conn->pinned = 0;
	block_give(&http1->shared->blocks, exchange->held);
	if (http1->kept_n == HTTP1_EXCHANGES_KEPT_MAX) {
		arena_done(&exchange->arena);
		free(exchange);
		return;
	}
	arena_reset(&exchange->arena);
	exchange->next = http1->kept;
	http1->kept = exchange;
	http1->kept_n++;
}

/* --- ending ---------------------------------------------------------------------------------- */

static void conn_free(struct conn *conn)
{
	struct http1 *http1 = conn->http1;
	list_remove(&conn->link);
	list_remove(&conn->dirty_link);
	block_give(&http1->shared->blocks, conn->in);
	block_give(&http1->shared->blocks, conn->out);
	free(conn);
	http1->alive--;
	http1_check_stopped(http1);
}

/* The handler will not be asked to answer any more, or will be told that nobody reads it. */
static void exchange_abandon(struct conn *conn)
{
	struct exchange *exchange = conn->exchange;
	struct request *request = &exchange->request;
	if (exchange->begun && !request->answered) {
		request->abandoned = true;
		if (request->on_abandoned)
			request->on_abandoned(request);
	}
	/* It may have answered by now. */
	if (conn->exchange && (!exchange->handed || request->answered))
		exchange_give(conn);
}

void conn_close(struct conn *conn)
{
	assert(conn->state != CONN_CLOSED);
	struct http1 *http1 = conn->http1;
	conn_enter(conn, CONN_CLOSED);
	http1->open--;
	shared_closed(http1->shared);
	list_remove(&conn->dirty_link);
	stream_close(conn->stream);
	if (conn->exchange)
		exchange_abandon(conn);
}

void conn_linger(struct conn *conn)
{
	conn->shutdown = true;
	conn_enter(conn, CONN_LINGER);
	conn_flush(conn);
}

void conn_finish(struct conn *conn)
{
	if (conn->exchange)
		exchange_abandon(conn);
	if (conn->out || stream_queued(conn->stream))
		conn_linger(conn);
	else
		conn_close(conn);
}

static void on_closed(void *data)
{
	struct conn *conn = data;
	conn->stream = NULL;
	conn->http1->streams--;
	if (!conn->exchange)
		conn_free(conn);
	else
		http1_check_stopped(conn->http1);
}

void conn_refuse(struct conn *conn, int status, const char *why)
{
	struct exchange *exchange = conn->exchange;
	struct request *request = &exchange->request;
	assert(!exchange->handed && !request->answered);
	count_one(&conn->http1->shared->counts.refused);
	request->answered = true;
	if (exchange->begun) {
		request->abandoned = true;
		if (request->on_abandoned)
			request->on_abandoned(request);
	}
	request->response = (struct response){.status = status, .close = true};
	response_field(request, BYTES("Content-Type"), BYTES("text/plain; charset=utf-8"));
	request->response.body = bytes_from_text(why);
	conn_send(conn);
	conn_run(conn);
}

/* --- answering ------------------------------------------------------------------------------- */

/* The handler's answer: request_answer ends here. */
static void on_answer(struct request *request)
{
	struct conn *conn = CONTAINER_OF(request, struct exchange, request)->conn;
	assert(io_loop_is_current(conn->http1->shared->loop));
	if (conn->state == CONN_CLOSED) {
		if (conn->exchange->handed)
			exchange_give(conn);
		if (!conn->stream && !conn->exchange)
			conn_free(conn);
		return;
	}
	conn_send(conn);
	conn_run(conn);
}

/* --- one request ----------------------------------------------------------------------------- */

static void request_fill(struct conn *conn)
{
	struct exchange *exchange = conn->exchange;
	struct request *request = &exchange->request;
	const struct http_head *head = &exchange->head;
	request->protocol = head->minor ? PROTOCOL_HTTP_1_1 : PROTOCOL_HTTP_1_0;
	request->method = head->method;
	request->path = head->path;
	request->query = head->query;
	request->authority = head->authority;
	request->fields = head->fields;
	request->fields_n = head->fields_n;
	request->has_length = head->has_length;
	request->length = head->length;
	request->secure = conn->door.secure;
	request->admin = conn->door.admin;
	request->trusted = conn->door.trusted;
	request->peer = bytes_from_text(conn->peer);
	request->received_ms = io_loop_now_ms(conn->http1->shared->loop);
}

/* From here on the handler owes an answer. */
static void hand_over(struct conn *conn,
                      void (*on_done)(struct request_handler *handler, struct request *request))
{
	struct exchange *exchange = conn->exchange;
	exchange->handed = true;
	conn_enter(conn, CONN_ANSWER);
	on_done(conn->http1->shared->handler, &exchange->request);
}

static void hand_body_over(struct conn *conn)
{
	struct exchange *exchange = conn->exchange;
	if (exchange->body)
		exchange->request.body = (struct bytes){exchange->body, exchange->body_len};
	hand_over(conn, conn->http1->shared->handler->on_request);
}

/* The head wants something that is not the handler's to decide. True: it was answered. */
static bool answer_by_ourselves(struct conn *conn)
{
	struct exchange *exchange = conn->exchange;
	if (exchange->head.expect == HTTP_EXPECT_OTHER && exchange->head.minor) {
		conn_refuse(conn, 417, "only the expectation 100-continue is known");
		return true;
	}
	/* RFC 9110 section 9.3.7: a ping. */
	if (bytes_equal(exchange->head.path, BYTES("*"))) {
		request_answer(&exchange->request, 204, BYTES_NONE, BYTES_NONE);
		return true;
	}
	return false;
}

static void request_begin(struct conn *conn)
{
	struct exchange *exchange = conn->exchange;
	struct request *request = &exchange->request;
	struct request_handler *handler = conn->http1->shared->handler;
	count_one(&conn->http1->shared->counts.requests);
	request_fill(conn);
	exchange->left = exchange->head.length;
	exchange->body_done = !exchange->head.chunked && exchange->left == 0;
	exchange->body_since_ms = shared_now(conn->http1->shared);
	exchange->body_seen = conn->in->end - conn->in->at;
	exchange->continue_withheld = exchange->head.expect == HTTP_EXPECT_CONTINUE &&
	                              exchange->head.minor && !exchange->body_done &&
	                              conn->in->at == conn->in->end;
	if (exchange->head.chunked)
		http_chunked_init(&exchange->chunked);
	conn->pinned = conn->in->at;
	if (answer_by_ourselves(conn))
		return;
	exchange->begun = true;
	if (!handler->on_head(handler, request))
		return;
	assert(!request->answered);
	if (exchange->left > request->body_max)
		hand_over(conn, handler->on_too_large);
	else if (exchange->body_done)
		hand_body_over(conn);
	else
		body_begin(conn);
}

/* --- steps ----------------------------------------------------------------------------------- */

/* Between two requests. True: a head begins. */
static bool step_next(struct conn *conn)
{
	struct http1 *http1 = conn->http1;
	if (!conn->in || conn->in->at == conn->in->end) {
		block_give(&http1->shared->blocks, conn->in);
		conn->in = NULL;
		if (conn->ended || http1->shared->stopping)
			conn_finish(conn);
		else if (conn->state != CONN_IDLE)
			conn_enter(conn, CONN_IDLE);
		return false;
	}
	conn->exchange = exchange_take(conn);
	if (!conn->exchange) {
		conn_close(conn);
		return false;
	}
	conn->since_ms = shared_now(http1->shared);
	conn_enter(conn, CONN_HEAD);
	return true;
}

static bool step_head(struct conn *conn)
{
	struct exchange *exchange = conn->exchange;
	size_t used;
	struct http_refusal refusal;
	enum err err = http_head_decode(&exchange->head, block_bytes(conn->in),
	                                &conn->http1->head_limits, &used, &refusal);
	if (err == ERR_MORE) {
		/* Half a request has no right to an answer. */
		if (conn->ended)
			conn_finish(conn);
		return false;
	}
	if (err != OK) {
		conn_refuse(conn, refusal.status, refusal.why);
		return true;
	}
	conn->in->at += used;
	request_begin(conn);
	return true;
}

static bool step_body(struct conn *conn)
{
	if (!body_read(conn)) {
		if (conn->ended && conn->state == CONN_BODY)
			conn_finish(conn);
		return false;
	}
	if (conn->state == CONN_BODY && !conn->exchange->request.answered)
		hand_body_over(conn);
	return true;
}

/* The answer is given. True: the next request may begin. */
static bool step_drain(struct conn *conn)
{
	if (!body_drain(conn)) {
		if (conn->ended && conn->state == CONN_DRAIN)
			conn_finish(conn);
		return false;
	}
	if (conn->state != CONN_DRAIN)
		return true;
	exchange_give(conn);
	conn_enter(conn, CONN_WRITE);
	return true;
}

/* Whoever pipelines without reading waits for what he has not read. */
static bool step_write(struct conn *conn)
{
	return !stream_queued(conn->stream) && step_next(conn);
}

static bool step_linger(struct conn *conn)
{
	if (conn->exchange)
		exchange_give(conn);
	block_give(&conn->http1->shared->blocks, conn->in);
	conn->in = NULL;
	return false;
}

static bool conn_step(struct conn *conn)
{
	switch (conn->state) {
	case CONN_IDLE:
		return step_next(conn);
	case CONN_HEAD:
		return step_head(conn);
	case CONN_BODY:
		return step_body(conn);
	case CONN_DRAIN:
		return step_drain(conn);
	case CONN_WRITE:
		return step_write(conn);
	case CONN_LINGER:
		return step_linger(conn);
	case CONN_ANSWER:
	case CONN_CLOSED:
	case CONN_STATES:
		break;
	}
	return false;
}

/* Whether on_room would find some: it moves a head that stands at the end of a full block, and
 * forgets what is done with. */
static bool has_room(const struct conn *conn)
{
	const struct block *in = conn->in;
	return !in || in->end < in->size || in->at == in->end || conn->state == CONN_HEAD;
}

void conn_run(struct conn *conn)
{
	if (conn->running)
		return;
	conn->running = true;
	while (conn_step(conn))
		;
	conn->running = false;
	/* A full block had paused it; there may be room again. */
	if (conn->state != CONN_CLOSED && has_room(conn))
		stream_resume(conn->stream);
}

/* --- reading --------------------------------------------------------------------------------- */

/* What is done with may be forgotten, but not what the request under way points at. */
static void block_reset(struct conn *conn)
{
	struct block *in = conn->in;
	if (in->at == in->end)
		block_set(in, conn->pinned, conn->pinned);
}

/* The block is full and holds an incomplete head: the head goes to the front, or into a large
 * block; then it is read anew. Each happens once a head. */
static void head_make_room(struct conn *conn)
{
	struct block *in = conn->in;
	size_t len = in->end - in->at;
	struct block *to = in;
	if (in->at == 0) {
		if (in->size >= conn->http1->shared->blocks.large)
			return;
		to = block_take(&conn->http1->shared->blocks, conn->http1->shared->blocks.large);
		if (!to)
			return;
	}
	memmove(to->data, in->data + in->at, len);
	block_set(to, 0, len);
	if (to != in)
		block_give(&conn->http1->shared->blocks, in);
	conn->in = to;
	http_head_init(&conn->exchange->head, conn->exchange->fields);
}

static struct stream_room room_in_block(struct conn *conn)
{
	conn->room = ROOM_BLOCK;
	if (!conn->in)
		conn->in = block_take(&conn->http1->shared->blocks, BLOCK_SMALL);
	if (!conn->in)
		return (struct stream_room){NULL, 0};
	block_reset(conn);
	if (conn->in->end == conn->in->size && conn->state == CONN_HEAD)
		head_make_room(conn);
	struct block *in = conn->in;
	return (struct stream_room){in->data + in->end, in->size - in->end};
}

static struct stream_room on_room(void *data)
{
	struct conn *conn = data;
	if (conn->state == CONN_LINGER) {
		struct block *scratch = conn->http1->shared->scratch;
		conn->room = ROOM_SCRATCH;
		return (struct stream_room){scratch->data, scratch->size};
	}
	if (conn->state == CONN_BODY) {
		struct stream_room room = body_room(conn);
		if (room.len) {
			conn->room = ROOM_BODY;
			return room;
		}
	}
	return room_in_block(conn);
}

static void on_read(void *data, size_t len)
{
	struct conn *conn = data;
	if (conn->room == ROOM_SCRATCH) {
		secret_wipe(conn->http1->shared->scratch->data, len);
		return;
	}
	if (conn->exchange)
		conn->exchange->body_seen += len;
	if (conn->room == ROOM_BODY) {
		conn->exchange->body_len += len;
		conn->exchange->left -= len;
	} else {
		conn->in->end += len;
	}
	conn_run(conn);
}

static void on_end(void *data)
{
	struct conn *conn = data;
	conn->ended = true;
	if (conn->state == CONN_LINGER && !conn->out && !stream_queued(conn->stream))
		conn_close(conn);
	else
		conn_run(conn);
}

static void on_broken(void *data)
{
	struct conn *conn = data;
	conn_close(conn);
}

static void on_drained(void *data)
{
	struct conn *conn = data;
	if (conn->state == CONN_LINGER && conn->ended)
		conn_close(conn);
	else
		conn_run(conn);
}

/* --- accepting ------------------------------------------------------------------------------- */

static const struct stream_user stream_user = {
    .on_room = on_room,
    .on_read = on_read,
    .on_end = on_end,
    .on_broken = on_broken,
    .on_drained = on_drained,
    .on_closed = on_closed,
};

int64_t http1_idle_since(const struct http1 *http1)
{
	const struct list *idle = &http1->lists[CONN_IDLE];
	if (list_is_empty(idle))
		return INT64_MAX;
	return CONTAINER_OF(idle->next, struct conn, link)->deadline_ms -
	       http1->shared->limits.idle_ms;
}

void http1_idle_end(struct http1 *http1)
{
	conn_finish(CONTAINER_OF(http1->lists[CONN_IDLE].next, struct conn, link));
}

void http1_adopt(struct http1 *http1, const struct net_arrival *arrival)
{
	struct conn *conn = calloc(1, sizeof(*conn));
	if (!conn) {
		block_give(&http1->shared->blocks, arrival->in);
		shared_closed(http1->shared);
		stream_drop(arrival->stream);
		return;
	}
	conn->http1 = http1;
	list_init(&conn->link);
	list_init(&conn->dirty_link);
	(void)snprintf(conn->peer, sizeof(conn->peer), "%s", arrival->peer);
	conn->door = arrival->door;
	conn->in = arrival->in;
	conn->stream = arrival->stream;
	stream_pass(conn->stream, &stream_user, conn);
	http1->alive++;
	http1->streams++;
	http1->open++;
	conn_enter(conn, CONN_IDLE);
	conn_run(conn);
}
