/* SPDX-License-Identifier: Apache-2.0 */
/* What the connections of one loop share: their lists, how the library is set, the flush at the
 * end of a round, and the end of it all. */
#include "net/http2_private.h"

/* One write for all that a connection said in this round. */
static void on_round_end(struct io_hook *hook)
{
	struct http2 *http2 = CONTAINER_OF(hook, struct http2, hook);
	struct list *link;
	while ((link = list_pop(&http2->dirty)))
		session_flush(CONTAINER_OF(link, struct session, dirty_link));
}

static bool library_set(struct http2 *http2)
{
	if (nghttp2_session_callbacks_new(&http2->callbacks) != 0 ||
	    nghttp2_option_new(&http2->option) != 0)
		return false;
	nghttp2_session_callbacks *callbacks = http2->callbacks;
	nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback2(callbacks, on_header);
	nghttp2_session_callbacks_set_on_invalid_header_callback2(callbacks, on_invalid_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data_chunk);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
	nghttp2_option_set_stream_reset_rate_limit(http2->option, HTTP2_RESETS_MAX,
	                                           HTTP2_RESETS_A_SECOND);
	nghttp2_option_set_max_outbound_ack(http2->option, HTTP2_ACKS_MAX);
	nghttp2_option_set_no_closed_streams(http2->option, 1);
	return true;
}

struct http2 *http2_new(struct net_shared *shared)
{
	struct http2 *http2 = calloc(1, sizeof(*http2));
	if (!http2)
		return NULL;
	const struct net_limits *limits = &shared->limits;
	assert(limits->streams_max > 0 && limits->streams_max <= NET_STREAMS_CEILING);
	http2->shared = shared;
	http2->head_limits =
	    (struct http_limits){limits->head_max, limits->target_max, limits->fields_max};
	for (int state = 0; state < SESSION_STATES; state++)
		list_init(&http2->lists[state]);
	list_init(&http2->dirty);
	list_init(&http2->idle);
	list_init(&http2->hook.link);
	http2->out = block_take(&shared->blocks, shared->blocks.large);
	if (!http2->out || !library_set(http2)) {
		http2_free(http2);
		return NULL;
	}
	http2->hook.run = on_round_end;
	io_loop_on_round_end(shared->loop, &http2->hook);
	return http2;
}

static void call_free(struct call *call)
{
	arena_done(&call->arena);
	free(call);
}

/* Requests that the handler never answered keep their connections in this list. */
static void unanswered_free(struct http2 *http2)
{
	struct list *link;
	while ((link = list_pop(&http2->lists[SESSION_CLOSED]))) {
		struct session *session = CONTAINER_OF(link, struct session, link);
		assert(!session->stream && session->calls_n);
		while ((link = list_pop(&session->calls)))
			call_free(CONTAINER_OF(link, struct call, link));
		free(session);
	}
}

void http2_free(struct http2 *http2)
{
	if (!http2)
		return;
	assert(http2->streams == 0);
	unanswered_free(http2);
	while (http2->kept) {
		struct call *call = http2->kept;
		http2->kept = call->next;
		call_free(call);
	}
	list_remove(&http2->hook.link);
	block_give(&http2->shared->blocks, http2->out);
	nghttp2_session_callbacks_del(http2->callbacks);
	nghttp2_option_del(http2->option);
	free(http2);
}

/* --- stopping -------------------------------------------------------------------------------- */

/* A closed connection whose answers are still owed counts until stop_ms is over. */
void http2_check_stopped(struct http2 *http2)
{
	if (!http2->shared->stopping || !http2->on_stopped)
		return;
	bool waits = shared_now(http2->shared) < http2->shared->stop_at_ms;
	if (waits ? http2->alive > 0 : http2->streams > 0)
		return;
	void (*on_stopped)(void *data) = http2->on_stopped;
	http2->on_stopped = NULL;
	on_stopped(http2->stopped_data);
}

/* The answer to the PING tells that the client has heard. */
static void session_notice(struct session *session)
{
	session->noticed = true;
	if (nghttp2_submit_shutdown_notice(session->library) != 0 ||
	    nghttp2_submit_ping(session->library, NGHTTP2_FLAG_NONE, NULL) != 0)
		session->cut = NGHTTP2_INTERNAL_ERROR;
	session_mark(session);
}

void http2_stop(struct http2 *http2, void (*on_stopped)(void *data), void *data)
{
	assert(http2->shared->stopping);
	http2->notice_until_ms = shared_now(http2->shared) + HTTP2_NOTICE_MS;
	http2->on_stopped = on_stopped;
	http2->stopped_data = data;
	for (int state = 0; state < SESSION_LINGER; state++) {
		struct list *link = http2->lists[state].next;
		for (; link != &http2->lists[state]; link = link->next)
			session_notice(CONTAINER_OF(link, struct session, link));
	}
	http2_check_stopped(http2);
}
