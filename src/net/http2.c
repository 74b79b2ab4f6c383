/* SPDX-License-Identifier: Apache-2.0 */
/* A connection's life: octets to the library, its end, and every way there. Callbacks of the
 * library may queue what they like, but neither write nor end the connection: what they decide is
 * carried out once the library has read its piece. */
#include "base/secret.h"
#include "net/http2_private.h"

/* --- ending ---------------------------------------------------------------------------------- */

static void session_free(struct session *session)
{
	struct http2 *http2 = session->http2;
	list_remove(&session->link);
	list_remove(&session->dirty_link);
	list_remove(&session->idle_link);
	free(session);
	http2->alive--;
	http2_check_stopped(http2);
}

void session_check_freed(struct session *session)
{
	if (session->state == SESSION_CLOSED && !session->stream && session->calls_n == 0)
		session_free(session);
}

/* Whoever waits for an answer will get none. */
static void abandon_all(struct session *session)
{
	struct list *link = session->calls.next;
	while (link != &session->calls) {
		struct list *next = link->next;
		struct call *call = CONTAINER_OF(link, struct call, link);
		if (call->stream_id)
			call_abandon(call);
		link = next;
	}
}

static void library_end(struct session *session)
{
	assert(!session->receiving);
	nghttp2_session_del(session->library);
	session->library = NULL;
}

void session_close(struct session *session)
{
	assert(session->state != SESSION_CLOSED);
	session_enter(session, SESSION_CLOSED);
	shared_closed(session->http2->shared);
	list_remove(&session->dirty_link);
	library_end(session);
	stream_close(session->stream);
	abandon_all(session);
}

void session_linger(struct session *session)
{
	session_enter(session, SESSION_LINGER);
	list_remove(&session->dirty_link);
	library_end(session);
	abandon_all(session);
	stream_shutdown(session->stream);
	if (session->ended && !stream_queued(session->stream))
		session_close(session);
}

/* RFC 9113 section 6.8. The library may be past speaking. */
static bool write_goaway(struct session *session, uint32_t last, uint32_t code)
{
	const uint32_t words[2] = {last, code};
	char frame[17] = {0, 0, 8, NGHTTP2_GOAWAY};
	for (size_t i = 0; i < 8; i++)
		frame[9 + i] = (char)(words[i / 4] >> (24 - 8 * (i % 4)));
	const struct bytes part = {frame, sizeof(frame)};
	return stream_write(session->stream, &part, 1);
}

void session_cut(struct session *session, uint32_t code)
{
	int32_t last = nghttp2_session_get_last_proc_stream_id(session->library);
	if (code == NGHTTP2_ENHANCE_YOUR_CALM)
		count_one(&session->http2->shared->counts.floods);
	if (write_goaway(session, (uint32_t)last, code))
		session_linger(session);
	else
		session_close(session);
}

void session_say_last(struct session *session)
{
	if (session->last_said)
		return;
	session->last_said = true;
	int32_t last = nghttp2_session_get_last_proc_stream_id(session->library);
	if (nghttp2_submit_goaway(session->library, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, NULL,
	                          0) != 0)
		session->cut = NGHTTP2_INTERNAL_ERROR;
	session_mark(session);
}

static void on_closed(void *data)
{
	struct session *session = data;
	session->stream = NULL;
	session->http2->streams--;
	if (session->calls_n == 0)
		session_free(session);
	else
		http2_check_stopped(session->http2);
}

/* --- reading --------------------------------------------------------------------------------- */

void session_mark(struct session *session)
{
	if (list_is_empty(&session->dirty_link))
		list_append(&session->http2->dirty, &session->dirty_link);
}

/* What the library refuses to go on with. */
static uint32_t code_of(int failed)
{
	if (failed == NGHTTP2_ERR_BAD_CLIENT_MAGIC)
		return NGHTTP2_PROTOCOL_ERROR;
	if (failed == NGHTTP2_ERR_NOMEM || failed == NGHTTP2_ERR_CALLBACK_FAILURE)
		return NGHTTP2_INTERNAL_ERROR;
	return NGHTTP2_ENHANCE_YOUR_CALM; /* too many answers wait, or CONTINUATION */
}

/* Lets the library read a piece. False: the connection ends. */
static bool receive_piece(struct session *session, struct bytes come)
{
	flood_look(&session->flood, come);
	session->receiving = true;
	ssize_t used =
	    nghttp2_session_mem_recv(session->library, (const uint8_t *)come.at, come.len);
	session->receiving = false;
	if (!session->cut && used < 0)
		session->cut = code_of((int)used);
	if (!session->cut && flood_is_too_much(&session->flood, shared_now(session->http2->shared)))
		session->cut = NGHTTP2_ENHANCE_YOUR_CALM;
	if (!session->cut)
		return true;
	session_cut(session, session->cut);
	return false;
}

static void receive(struct session *session, struct bytes come)
{
	while (come.len) {
		struct bytes piece = bytes_first(come, HTTP2_PIECE);
		if (!receive_piece(session, piece))
			return;
		come = bytes_from(come, piece.len);
	}
	if (nghttp2_session_want_write(session->library) ||
	    !nghttp2_session_want_read(session->library))
		session_mark(session);
	session_settle(session);
}

static struct stream_room on_room(void *data)
{
	struct session *session = data;
	struct block *scratch = session->http2->shared->scratch;
	return (struct stream_room){scratch->data, scratch->size};
}

static void on_read(void *data, size_t len)
{
	struct session *session = data;
	struct block *scratch = session->http2->shared->scratch;
	if (session->state != SESSION_LINGER)
		receive(session, (struct bytes){scratch->data, len});
	secret_wipe(scratch->data, len);
}

/* RFC 9113 knows no half-closed connection: who sends nothing more reads nothing more, save what is
 * under way. */
static void on_end(void *data)
{
	struct session *session = data;
	session->ended = true;
	if (session->state == SESSION_LINGER) {
		if (!stream_queued(session->stream))
			session_close(session);
	} else if (session->live_n == 0 || session->heads_n) {
		session_close(session);
	} else {
		session_say_last(session);
	}
}

static void on_broken(void *data)
{
	session_close(data);
}

static void on_drained(void *data)
{
	struct session *session = data;
	if (session->state == SESSION_LINGER) {
		if (session->ended)
			session_close(session);
		return;
	}
	session_mark(session);
	session_settle(session);
}

static const struct stream_user stream_user = {
    .on_room = on_room,
    .on_read = on_read,
    .on_end = on_end,
    .on_broken = on_broken,
    .on_drained = on_drained,
    .on_closed = on_closed,
};

/* --- beginning ------------------------------------------------------------------------------- */

static bool settings_send(struct session *session)
{
	const struct net_limits *limits = &session->http2->shared->limits;
	const nghttp2_settings_entry settings[] = {
	    {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, (uint32_t)limits->streams_max},
	    {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, (uint32_t)limits->head_max},
	    {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
	};
	return nghttp2_submit_settings(session->library, NGHTTP2_FLAG_NONE, settings,
	                               sizeof(settings) / sizeof(settings[0])) == 0;
}

/* Fields, and so the clients' secrets, are the library's until a stream or the session ends. */
static void *library_malloc(size_t size, void *data)
{
	(void)data;
	return malloc(size);
}

static void library_free(void *at, void *data)
{
	(void)data;
	secret_free(at);
}

static void *library_calloc(size_t n, size_t size, void *data)
{
	(void)data;
	return calloc(n, size);
}

static void *library_realloc(void *at, size_t size, void *data)
{
	(void)data;
	return secret_realloc(at, size);
}

static nghttp2_mem library_memory = {NULL, library_malloc, library_free, library_calloc,
                                     library_realloc};

static struct session *session_new(struct http2 *http2, const struct net_arrival *arrival)
{
	struct session *session = calloc(1, sizeof(*session));
	if (!session)
		return NULL;
	session->http2 = http2;
	list_init(&session->link);
	list_init(&session->dirty_link);
	list_init(&session->idle_link);
	list_init(&session->calls);
	session->stream = arrival->stream;
	session->door = arrival->door;
	(void)snprintf(session->peer, sizeof(session->peer), "%s", arrival->peer);
	if (nghttp2_session_server_new3(&session->library, http2->callbacks, session, http2->option,
	                                &library_memory) == 0 &&
	    settings_send(session))
		return session;
	nghttp2_session_del(session->library);
	free(session);
	return NULL;
}

void http2_adopt(struct http2 *http2, const struct net_arrival *arrival)
{
	struct session *session = session_new(http2, arrival);
	if (!session) {
		block_give(&http2->shared->blocks, arrival->in);
		shared_closed(http2->shared);
		stream_drop(arrival->stream);
		return;
	}
	stream_pass(session->stream, &stream_user, session);
	http2->alive++;
	http2->streams++;
	session->flood.skip = sizeof(HTTP2_PREFACE) - 1;
	session->idle_since_ms = session->flood.halved_ms = shared_now(http2->shared);
	list_append(&http2->idle, &session->idle_link);
	session_enter(session, SESSION_QUIET);
	session_mark(session);
	receive(session, block_bytes(arrival->in));
	block_give(&http2->shared->blocks, arrival->in);
}

int64_t http2_idle_since(const struct http2 *http2)
{
	if (list_is_empty(&http2->idle))
		return INT64_MAX;
	return CONTAINER_OF(http2->idle.next, struct session, idle_link)->idle_since_ms;
}

void http2_idle_end(struct http2 *http2)
{
	session_cut(CONTAINER_OF(http2->idle.next, struct session, idle_link), NGHTTP2_NO_ERROR);
}
