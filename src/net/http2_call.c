/* SPDX-License-Identifier: Apache-2.0 */
/* Requests as the library tells of them: fields, data, the end. The handler is called from within
 * the library's callbacks and may answer at once: that only queues. */
#include "net/http2_private.h"

static void on_answer(struct request *request);

/* --- calls ----------------------------------------------------------------------------------- */

static struct call *call_take(struct session *session, int32_t stream_id)
{
	struct http2 *http2 = session->http2;
	struct call *call = http2->kept;
	if (call) {
		http2->kept = call->next;
		http2->kept_n--;
	} else {
		size_t fields = http2->shared->limits.fields_max * sizeof(struct http_field);
		call = malloc(sizeof(*call) + fields);
		if (!call)
			return NULL;
		arena_init(&call->arena);
	}
	call->session = session;
	call->stream_id = stream_id;
	call->refusal = (struct http_refusal){0};
	call->trailers = (struct http2_trailers){0};
	call->body = NULL;
	call->body_len = call->body_room = call->sent = call->sent_then = 0;
	call->since_ms = shared_now(http2->shared);
	call->head_done = call->begun = call->body_done = call->handed = false;
	http_head_init(&call->head, call->fields);
	call->request = (struct request){.arena = &call->arena, .transport_send = on_answer};
	list_append(&session->calls, &call->link);
	session->calls_n++;
	session->live_n++;
	session->heads_n++;
	return call;
}

static void call_give(struct call *call)
{
	struct http2 *http2 = call->session->http2;
	call->session->calls_n--;
	list_remove(&call->link);
	if (http2->kept_n == HTTP2_CALLS_KEPT_MAX) {
		arena_done(&call->arena);
		free(call);
		return;
	}
	arena_reset(&call->arena);
	call->next = http2->kept;
	http2->kept = call;
	http2->kept_n++;
}

void call_abandon(struct call *call)
{
	struct request *request = &call->request;
	bool owed = call->handed && !request->answered;
	call->stream_id = 0;
	call->session->live_n--;
	call->session->heads_n -= !call->head_done;
	if (call->begun && !request->answered) {
		request->abandoned = true;
		if (request->on_abandoned)
			request->on_abandoned(request);
	}
	/* What is owed goes with its answer; that may have come by now. */
	if (!owed)
		call_give(call);
}

/* The handler's answer: request_answer ends here. */
static void on_answer(struct request *request)
{
	struct call *call = CONTAINER_OF(request, struct call, request);
	struct session *session = call->session;
	assert(io_loop_is_current(session->http2->shared->loop));
	if (call->stream_id == 0) {
		if (call->handed)
			call_give(call);
		session_check_freed(session);
		return;
	}
	if (request->response.close)
		session_say_last(session);
	if (!call_send(call))
		session->cut = NGHTTP2_INTERNAL_ERROR;
	session_mark(session);
}

void call_refuse(struct call *call, struct http_refusal refusal)
{
	struct request *request = &call->request;
	assert(!call->handed && !request->answered);
	count_one(&call->session->http2->shared->counts.refused);
	request->answered = true;
	if (call->begun) {
		request->abandoned = true;
		if (request->on_abandoned)
			request->on_abandoned(request);
	}
	request->response = (struct response){.status = refusal.status};
	response_field(request, BYTES("Content-Type"), BYTES("text/plain; charset=utf-8"));
	request->response.body = bytes_from_text(refusal.why);
	on_answer(request);
}

/* --- heads ----------------------------------------------------------------------------------- */

static int give_up(struct session *session, uint32_t code)
{
	session->cut = code;
	return NGHTTP2_ERR_CALLBACK_FAILURE;
}

int on_begin_headers(nghttp2_session *library, const nghttp2_frame *frame, void *data)
{
	struct session *session = data;
	int32_t stream_id = frame->hd.stream_id;
	if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	/* Those that the client has reset and the handler still works on count, too. */
	if (session->calls_n >= session->http2->shared->limits.streams_max)
		return nghttp2_submit_rst_stream(library, NGHTTP2_FLAG_NONE, stream_id,
		                                 NGHTTP2_REFUSED_STREAM);
	struct call *call = call_take(session, stream_id);
	if (!call)
		return give_up(session, NGHTTP2_INTERNAL_ERROR);
	return nghttp2_session_set_stream_user_data(library, stream_id, call);
}

/* What the library keeps for ever is not copied. */
static struct bytes text_keep(struct call *call, nghttp2_rcbuf *text)
{
	nghttp2_vec octets = nghttp2_rcbuf_get_buf(text);
	const struct bytes borrowed = {(const char *)octets.base, octets.len};
	return nghttp2_rcbuf_is_static(text) ? borrowed : arena_copy(&call->arena, borrowed);
}

static struct bytes text_of(nghttp2_rcbuf *text)
{
	nghttp2_vec octets = nghttp2_rcbuf_get_buf(text);
	return (struct bytes){(const char *)octets.base, octets.len};
}

static int trailer_take(struct call *call, struct http_field field)
{
	struct http_refusal refusal;
	enum err err = http2_trailer_add(&call->trailers, field, &refusal);
	if (call->trailers.len > HTTP2_HEAD_EXCESS * HTTP_TRAILERS_LEN_MAX)
		return give_up(call->session, NGHTTP2_ENHANCE_YOUR_CALM);
	if (err != OK && !call->refusal.status)
		call->refusal = refusal;
	return 0;
}

/* Refused already: what else comes is only counted. */
static int field_drop(struct call *call, struct http_field field)
{
	call->head.at += field.name.len + field.value.len + HTTP2_FIELD_COST;
	if (call->head.at > HTTP2_HEAD_EXCESS * call->session->http2->head_limits.head_max)
		return give_up(call->session, NGHTTP2_ENHANCE_YOUR_CALM);
	return 0;
}

int on_header(nghttp2_session *library, const nghttp2_frame *frame, nghttp2_rcbuf *name,
              nghttp2_rcbuf *value, uint8_t flags, void *data)
{
	(void)flags;
	struct session *session = data;
	struct call *call = nghttp2_session_get_stream_user_data(library, frame->hd.stream_id);
	if (!call)
		return 0;
	struct http_field field = {text_of(name), text_of(value)};
	if (call->head_done)
		return trailer_take(call, field);
	if (call->refusal.status)
		return field_drop(call, field);
	field = (struct http_field){text_keep(call, name), text_keep(call, value)};
	if (!field.name.at || !field.value.at)
		return give_up(session, NGHTTP2_INTERNAL_ERROR);
	if (http2_head_add(&call->head, field, &session->http2->head_limits, &call->refusal) == OK)
		call->refusal.status = 0;
	return 0;
}

/* The library would leave the field out. */
int on_invalid_header(nghttp2_session *library, const nghttp2_frame *frame, nghttp2_rcbuf *name,
                      nghttp2_rcbuf *value, uint8_t flags, void *data)
{
	(void)library;
	(void)frame;
	(void)name;
	(void)value;
	(void)flags;
	(void)data;
	return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

/* RFC 9113 section 8.2.3: a client may have split the cookies. False: no memory. */
static bool cookies_join(struct call *call)
{
	struct http_head *head = &call->head;
	struct http_field *first = NULL;
	size_t kept = 0;
	for (size_t i = 0; i < head->fields_n; i++) {
		struct http_field *field = &head->fields[i];
		if (!first || !bytes_equal(field->name, BYTES("cookie"))) {
			head->fields[kept] = *field;
			if (bytes_equal(field->name, BYTES("cookie")))
				first = &head->fields[kept];
			kept++;
			continue;
		}
		first->value =
		    arena_printf(&call->arena, "%.*s; %.*s", (int)first->value.len, first->value.at,
		                 (int)field->value.len, field->value.at);
		if (!first->value.at)
			return false;
	}
	head->fields_n = kept;
	return true;
}

static void request_fill(struct call *call)
{
	struct request *request = &call->request;
	const struct http_head *head = &call->head;
	struct session *session = call->session;
	request->protocol = PROTOCOL_HTTP_2;
	request->secure = session->door.secure;
	request->admin = session->door.admin;
	request->trusted = session->door.trusted;
	request->method = head->method;
	request->path = head->path;
	request->query = head->query;
	request->authority = head->authority;
	request->fields = head->fields;
	request->fields_n = head->fields_n;
	request->has_length = head->has_length;
	request->length = head->length;
	request->peer = bytes_from_text(session->peer);
	request->received_ms = io_loop_now_ms(session->http2->shared->loop);
}

/* From here on the handler owes an answer. */
static void hand_over(struct call *call,
                      void (*on_done)(struct request_handler *handler, struct request *request))
{
	call->handed = true;
	on_done(call->session->http2->shared->handler, &call->request);
}

static void request_begin(struct call *call)
{
	struct request *request = &call->request;
	struct net_shared *shared = call->session->http2->shared;
	count_one(&shared->counts.requests);
	request_fill(call);
	call->begun = true;
	if (!shared->handler->on_head(shared->handler, request))
		return;
	assert(!request->answered);
	if (call->head.has_length && call->head.length > request->body_max) {
		hand_over(call, shared->handler->on_too_large);
	} else if (call->body_done) {
		hand_over(call, shared->handler->on_request);
	} else if (call->head.expect == HTTP_EXPECT_CONTINUE && !call_send_continue(call)) {
		call->session->cut = NGHTTP2_INTERNAL_ERROR;
	}
}

static void head_end(struct call *call)
{
	struct session *session = call->session;
	call->head_done = true;
	session->heads_n--;
	call->body_since_ms = shared_now(session->http2->shared);
	flood_refund(&session->flood, HTTP2_REQUEST_WORTH);
	if (!call->refusal.status && http2_head_end(&call->head, &call->refusal) == OK)
		call->refusal.status = 0;
	if (!call->refusal.status && call->head.expect == HTTP_EXPECT_OTHER)
		call->refusal = (struct http_refusal){417, "only the expectation 100-continue is "
		                                           "known"};
	if (call->refusal.status)
		call_refuse(call, call->refusal);
	else if (!cookies_join(call))
		session->cut = NGHTTP2_INTERNAL_ERROR;
	else if (bytes_equal(call->head.path, BYTES("*")))
		/* RFC 9110 section 9.3.7: a ping. */
		request_answer(&call->request, 204, BYTES_NONE, BYTES_NONE);
	else
		request_begin(call);
}

/* --- bodies ---------------------------------------------------------------------------------- */

/* False: no memory. */
static bool body_grow(struct call *call, size_t len)
{
	if (len <= call->body_room)
		return true;
	size_t max = call->request.body_max;
	size_t room = call->body_room ? call->body_room : HTTP2_BODY_FIRST;
	while (room < len)
		room *= 2;
	room = room < max ? room : max;
	char *body = arena_take(&call->arena, room);
	if (!body)
		return false;
	if (call->body_len)
		memcpy(body, call->body, call->body_len);
	call->body = body;
	call->body_room = room;
	return true;
}

int on_data_chunk(nghttp2_session *library, uint8_t flags, int32_t stream_id, const uint8_t *octets,
                  size_t len, void *data)
{
	(void)flags;
	struct session *session = data;
	struct call *call = nghttp2_session_get_stream_user_data(library, stream_id);
	if (!call || call->request.answered || call->handed)
		return 0;
	if (len > call->request.body_max - call->body_len) {
		hand_over(call, session->http2->shared->handler->on_too_large);
		return 0;
	}
	if (!body_grow(call, call->body_len + len))
		return give_up(session, NGHTTP2_INTERNAL_ERROR);
	if (len)
		memcpy(call->body + call->body_len, octets, len);
	call->body_len += len;
	return 0;
}

static void body_end(struct call *call)
{
	call->body_done = true;
	if (call->request.answered || call->handed)
		return;
	if (call->refusal.status) {
		call_refuse(call, call->refusal);
		return;
	}
	if (call->body_len)
		call->request.body = (struct bytes){call->body, call->body_len};
	hand_over(call, call->session->http2->shared->handler->on_request);
}

/* --- frames ---------------------------------------------------------------------------------- */

static void headers_end(struct call *call, bool is_last)
{
	if (call->head_done) {
		body_end(call); /* trailers: the library has seen that they are the last */
		return;
	}
	call->body_done = is_last;
	head_end(call);
}

static void on_pong(struct session *session)
{
	if (session->state == SESSION_PINGED)
		session_enter(session, SESSION_QUIET);
	if (session->noticed)
		session_say_last(session);
}

int on_frame(nghttp2_session *library, const nghttp2_frame *frame, void *data)
{
	struct session *session = data;
	struct call *call = nghttp2_session_get_stream_user_data(library, frame->hd.stream_id);
	bool is_last = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
	if (frame->hd.type == NGHTTP2_HEADERS && call)
		headers_end(call, is_last);
	if (frame->hd.type == NGHTTP2_DATA && call) {
		if (is_last || frame->hd.length > frame->data.padlen)
			flood_refund(&session->flood, HTTP2_DATA_WORTH);
		if (is_last)
			body_end(call);
	}
	if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK))
		on_pong(session);
	return session->cut ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

int on_stream_close(nghttp2_session *library, int32_t stream_id, uint32_t code, void *data)
{
	(void)data;
	(void)code;
	struct call *call = nghttp2_session_get_stream_user_data(library, stream_id);
	if (call)
		call_abandon(call);
	return 0;
}
