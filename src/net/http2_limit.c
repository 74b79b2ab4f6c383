/* SPDX-License-Identifier: Apache-2.0 */
/* Time limits. One list a state, in order of deadline, looked at by one timer a loop. A connection
 * without requests is asked by a PING now and then whether anybody is there, and ends after a
 * longer while all the same. One with requests is looked over twice a second. */
#include "net/http2_private.h"

#include "base/when.h"

/* How long a connection may stay; below 0: for ever. */
static int64_t state_ms(const struct http2 *http2, enum session_state state)
{
	const struct net_limits *limits = &http2->shared->limits;
	switch (state) {
	case SESSION_QUIET:
		return limits->ping_ms;
	case SESSION_PINGED:
		return limits->pong_ms;
	case SESSION_BUSY:
		return HTTP2_CHECK_MS;
	case SESSION_WRITE:
		return limits->write_ms;
	case SESSION_LINGER:
		return limits->linger_ms;
	case SESSION_CLOSED:
	case SESSION_STATES:
		break;
	}
	return -1;
}

void session_enter(struct session *session, enum session_state state)
{
	struct http2 *http2 = session->http2;
	assert(session->state != SESSION_CLOSED || state == SESSION_CLOSED);
	int64_t ms = state_ms(http2, state);
	session->state = state;
	session->deadline_ms = ms < 0 ? INT64_MAX : shared_now(http2->shared) + ms;
	list_remove(&session->link);
	list_append(&http2->lists[state], &session->link);
	if (state >= SESSION_LINGER)
		list_remove(&session->idle_link);
}

static void idle_set(struct session *session, bool idle)
{
	if (idle == !list_is_empty(&session->idle_link))
		return;
	list_remove(&session->idle_link);
	if (!idle)
		return;
	session->idle_since_ms = shared_now(session->http2->shared);
	list_append(&session->http2->idle, &session->idle_link);
}

void session_settle(struct session *session)
{
	if (session->state >= SESSION_LINGER)
		return;
	bool idle = session->live_n == 0 && session->heads_n == 0;
	idle_set(session, idle);
	enum session_state state = stream_queued(session->stream) ? SESSION_WRITE
	                           : idle                         ? SESSION_QUIET
	                                                          : SESSION_BUSY;
	if (state == SESSION_QUIET && session->state == SESSION_PINGED)
		return;
	if (state != session->state)
		session_enter(session, state);
}

/* A body may take until request_ms, and must keep its pace once it had time to find it. */
static bool body_is_late(const struct call *call, int64_t now_ms)
{
	const struct net_limits *limits = &call->session->http2->shared->limits;
	if (now_ms - call->since_ms >= limits->request_ms)
		return true;
	int64_t elapsed_ms = now_ms - call->body_since_ms;
	return elapsed_ms >= limits->body_grace_ms &&
	       (int64_t)call->body_len * SECONDS_MS < limits->body_rate * elapsed_ms;
}

/* Whether the client opens its window too slowly for the answer. */
static bool answer_is_stuck(struct call *call, int64_t now_ms)
{
	const struct net_limits *limits = &call->session->http2->shared->limits;
	int64_t elapsed_ms = now_ms - call->sent_since_ms;
	if (elapsed_ms < limits->write_ms)
		return false;
	int64_t sent = (int64_t)(call->sent - call->sent_then);
	call->sent_since_ms = now_ms;
	call->sent_then = call->sent;
	return sent * SECONDS_MS < limits->body_rate * elapsed_ms;
}

/* False: the connection has been cut. */
static bool call_check(struct call *call, int64_t now_ms)
{
	struct session *session = call->session;
	if (!call->head_done) {
		if (now_ms - call->since_ms < session->http2->shared->limits.head_ms)
			return true;
		session_cut(session, NGHTTP2_ENHANCE_YOUR_CALM);
		return false;
	}
	if (call->request.answered) {
		if (answer_is_stuck(call, now_ms))
			(void)nghttp2_submit_rst_stream(session->library, NGHTTP2_FLAG_NONE,
			                                call->stream_id, NGHTTP2_CANCEL);
	} else if (!call->body_done && body_is_late(call, now_ms)) {
		call_refuse(call, (struct http_refusal){408, "the body took too long"});
	}
	return true;
}

static void session_check(struct session *session, int64_t now_ms)
{
	struct list *link = session->calls.next;
	while (link != &session->calls) {
		struct list *next = link->next;
		struct call *call = CONTAINER_OF(link, struct call, link);
		if (call->stream_id && !call_check(call, now_ms))
			return;
		link = next;
	}
	session_mark(session);
	session_enter(session, SESSION_BUSY);
}

static void session_ask(struct session *session, int64_t now_ms)
{
	if (now_ms - session->idle_since_ms >= session->http2->shared->limits.http2_idle_ms) {
		session_cut(session, NGHTTP2_NO_ERROR);
		return;
	}
	(void)nghttp2_submit_ping(session->library, NGHTTP2_FLAG_NONE, NULL);
	session_mark(session);
	session_enter(session, SESSION_PINGED);
}

static void session_expire(struct session *session, int64_t now_ms)
{
	switch (session->state) {
	case SESSION_QUIET:
		session_ask(session, now_ms);
		break;
	case SESSION_BUSY:
		session_check(session, now_ms);
		break;
	case SESSION_PINGED:
	case SESSION_WRITE:
	case SESSION_LINGER:
		session_close(session);
		break;
	case SESSION_CLOSED:
	case SESSION_STATES:
		assert(!"a state without a deadline");
	}
}

static void expire_list(struct list *list, int64_t now_ms)
{
	while (!list_is_empty(list)) {
		struct session *session = CONTAINER_OF(list->next, struct session, link);
		if (session->deadline_ms > now_ms)
			return;
		session_expire(session, now_ms);
	}
}

/* Calls fn for every connection that is not closed; fn may end it. */
static void each_open(struct http2 *http2, void (*fn)(struct session *session))
{
	for (int state = 0; state < SESSION_CLOSED; state++) {
		struct list *link = http2->lists[state].next;
		while (link != &http2->lists[state]) {
			struct list *next = link->next;
			fn(CONTAINER_OF(link, struct session, link));
			link = next;
		}
	}
}

static void notice_over(struct session *session)
{
	if (session->state < SESSION_LINGER)
		session_say_last(session);
}

void http2_tick(struct http2 *http2)
{
	int64_t now_ms = shared_now(http2->shared);
	for (int state = 0; state < SESSION_CLOSED; state++)
		expire_list(&http2->lists[state], now_ms);
	if (!http2->shared->stopping)
		return;
	if (now_ms >= http2->notice_until_ms)
		each_open(http2, notice_over);
	if (now_ms >= http2->shared->stop_at_ms)
		each_open(http2, session_close);
	http2_check_stopped(http2);
}
