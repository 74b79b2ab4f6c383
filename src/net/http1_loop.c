/* SPDX-License-Identifier: Apache-2.0 */
/* What the connections of one loop share: their lists, their memory, the flush at the end of a
 * round, and the end of it all. */
#include "net/http1_private.h"

#include <assert.h>

/* One write for all that a connection answered in this round. */
static void on_round_end(struct io_hook *hook)
{
	struct http1 *http1 = CONTAINER_OF(hook, struct http1, hook);
	struct list *link;
	while ((link = list_pop(&http1->dirty)))
		conn_flush(CONTAINER_OF(link, struct conn, dirty_link));
}

struct http1 *http1_new(struct net_shared *shared)
{
	struct http1 *http1 = calloc(1, sizeof(*http1));
	if (!http1)
		return NULL;
	const struct net_limits *limits = &shared->limits;
	http1->shared = shared;
	http1->head_limits =
	    (struct http_limits){limits->head_max, limits->target_max, limits->fields_max};
	for (int state = 0; state < CONN_STATES; state++)
		list_init(&http1->lists[state]);
	list_init(&http1->dirty);
	http1->hook.run = on_round_end;
	io_loop_on_round_end(shared->loop, &http1->hook);
	return http1;
}

/* Requests that the handler never answered keep their connections in this list. */
static void unanswered_free(struct http1 *http1)
{
	struct list *link;
	while ((link = list_pop(&http1->lists[CONN_CLOSED]))) {
		struct conn *conn = CONTAINER_OF(link, struct conn, link);
		assert(!conn->stream && conn->exchange);
		block_give(&http1->shared->blocks, conn->exchange->held);
		arena_done(&conn->exchange->arena);
		free(conn->exchange);
		block_give(&http1->shared->blocks, conn->in);
		block_give(&http1->shared->blocks, conn->out);
		free(conn);
	}
}

void http1_free(struct http1 *http1)
{
	if (!http1)
		return;
	assert(http1->open == 0);
	unanswered_free(http1);
	while (http1->kept) {
		struct exchange *exchange = http1->kept;
		http1->kept = exchange->next;
		arena_done(&exchange->arena);
		free(exchange);
	}
	list_remove(&http1->hook.link);
	free(http1);
}

/* A closed connection whose answer is still owed counts until stop_ms is over. */
void http1_check_stopped(struct http1 *http1)
{
	if (!http1->shared->stopping || !http1->on_stopped)
		return;
	bool waits = shared_now(http1->shared) < http1->shared->stop_at_ms;
	if (waits ? http1->alive > 0 : http1->streams > 0)
		return;
	void (*on_stopped)(void *data) = http1->on_stopped;
	http1->on_stopped = NULL;
	on_stopped(http1->stopped_data);
}

void http1_stop(struct http1 *http1, void (*on_stopped)(void *data), void *data)
{
	assert(http1->shared->stopping && !http1->stopped_data);
	http1->on_stopped = on_stopped;
	http1->stopped_data = data;
	struct list *idle = &http1->lists[CONN_IDLE];
	while (!list_is_empty(idle))
		conn_finish(CONTAINER_OF(idle->next, struct conn, link));
	http1_check_stopped(http1);
}
