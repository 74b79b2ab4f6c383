/* SPDX-License-Identifier: Apache-2.0 */
/* Time limits. One list a state, in order of deadline, looked at by one timer a loop: a connection
 * costs no timer of its own, and a tick costs only those whose time has come. */
#include "net/http1_private.h"

#include "base/when.h"

#include <assert.h>

/* How long a connection may stay; below 0: for ever. */
static int64_t state_ms(const struct http1 *http1, enum conn_state state)
{
	switch (state) {
	case CONN_HEAD:
		return http1->shared->limits.head_ms;
	case CONN_IDLE:
		return http1->shared->limits.idle_ms;
	case CONN_BODY:
	case CONN_DRAIN:
		return HTTP1_BODY_CHECK_MS;
	case CONN_WRITE:
		return http1->shared->limits.write_ms;
	case CONN_LINGER:
		return http1->shared->limits.linger_ms;
	case CONN_ANSWER: /* the handler has promised to answer */
	case CONN_CLOSED:
	case CONN_STATES:
		break;
	}
	return -1;
}

void conn_enter(struct conn *conn, enum conn_state state)
{
	struct http1 *http1 = conn->http1;
	assert(conn->state != CONN_CLOSED || state == CONN_CLOSED);
	int64_t ms = state_ms(http1, state);
	conn->state = state;
	conn->deadline_ms = ms < 0 ? INT64_MAX : shared_now(http1->shared) + ms;
	list_remove(&conn->link);
	list_append(&http1->lists[state], &conn->link);
}

/* A body may take until request_ms, and must keep its pace once it had time to find it. */
static bool body_is_late(const struct conn *conn, int64_t now_ms)
{
	const struct net_limits *limits = &conn->http1->shared->limits;
	const struct exchange *exchange = conn->exchange;
	if (now_ms - conn->since_ms >= limits->request_ms)
		return true;
	int64_t elapsed_ms = now_ms - exchange->body_since_ms;
	return elapsed_ms >= limits->body_grace_ms &&
	       (int64_t)exchange->body_seen * SECONDS_MS < limits->body_rate * elapsed_ms;
}

static void conn_expire(struct conn *conn, int64_t now_ms)
{
	switch (conn->state) {
	case CONN_HEAD:
		conn_refuse(conn, 408, "the head took too long");
		break;
	case CONN_BODY:
		if (body_is_late(conn, now_ms))
			conn_refuse(conn, 408, "the body took too long");
		else
			conn_enter(conn, CONN_BODY);
		break;
	case CONN_DRAIN:
		if (body_is_late(conn, now_ms))
			conn_close(conn);
		else
			conn_enter(conn, CONN_DRAIN);
		break;
	case CONN_IDLE:
	case CONN_WRITE:
	case CONN_LINGER:
		conn_close(conn);
		break;
	case CONN_ANSWER:
	case CONN_CLOSED:
	case CONN_STATES:
		assert(!"a state without a deadline");
	}
}

static void expire_list(struct list *list, int64_t now_ms)
{
	while (!list_is_empty(list)) {
		struct conn *conn = CONTAINER_OF(list->next, struct conn, link);
		if (conn->deadline_ms > now_ms)
			return;
		conn_expire(conn, now_ms);
	}
}

/* Everything but what the handler still owes. */
static void close_all(struct http1 *http1)
{
	for (int state = 0; state < CONN_CLOSED; state++)
		while (!list_is_empty(&http1->lists[state]))
			conn_close(CONTAINER_OF(http1->lists[state].next, struct conn, link));
}

void http1_tick(struct http1 *http1)
{
	int64_t now_ms = shared_now(http1->shared);
	for (int state = 0; state < CONN_CLOSED; state++)
		expire_list(&http1->lists[state], now_ms);
	if (http1->shared->stopping && now_ms >= http1->shared->stop_at_ms)
		close_all(http1);
	http1_check_stopped(http1);
}

/* All by as much, so that the list stays in order. */
static void list_retime(struct list *list, int64_t later_ms)
{
	for (struct list *at = list->next; at != list; at = at->next)
		CONTAINER_OF(at, struct conn, link)->deadline_ms += later_ms;
}

void http1_retime(struct http1 *http1, int64_t head_later_ms, int64_t idle_later_ms)
{
	list_retime(&http1->lists[CONN_HEAD], head_later_ms);
	list_retime(&http1->lists[CONN_IDLE], idle_later_ms);
}
