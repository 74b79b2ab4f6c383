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

static void on_tick(void *data)
{
	http1_tick(data);
}

struct http1 *http1_new(const struct http1_options *options)
{
	const struct net_limits *limits = &options->limits;
	assert(limits->head_max > 0 && limits->head_max <= NET_HEAD_CEILING);
	assert(limits->fields_max > 0 && limits->fields_max <= NET_FIELDS_CEILING);
	struct http1 *http1 = calloc(1, sizeof(*http1));
	if (!http1)
		return NULL;
	http1->loop = options->loop;
	http1->handler = options->handler;
	http1->limits = *limits;
	http1->mono_ms = options->mono_ms;
	http1->head_limits =
	    (struct http_limits){limits->head_max, limits->target_max, limits->fields_max};
	for (int state = 0; state < CONN_STATES; state++)
		list_init(&http1->lists[state]);
	list_init(&http1->dirty);
	list_init(&http1->hook.link);
	block_pool_init(&http1->blocks, limits->head_max + HTTP1_BODY_ROOM);
	http1->scratch = block_take(&http1->blocks, http1->blocks.large);
	if (!http1->scratch ||
	    io_loop_every(http1->loop, HTTP1_TICK_MS, on_tick, http1, &http1->tick) != OK) {
		http1_free(http1);
		return NULL;
	}
	http1->hook.run = on_round_end;
	io_loop_on_round_end(http1->loop, &http1->hook);
	return http1;
}

/* Requests that the handler never answered keep their connections in this list. */
static void unanswered_free(struct http1 *http1)
{
	struct list *link;
	while ((link = list_pop(&http1->lists[CONN_CLOSED]))) {
		struct conn *conn = CONTAINER_OF(link, struct conn, link);
		assert(!conn->stream && conn->exchange);
		block_give(&http1->blocks, conn->exchange->held);
		arena_done(&conn->exchange->arena);
		free(conn->exchange);
		block_give(&http1->blocks, conn->in);
		block_give(&http1->blocks, conn->out);
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
	io_timer_stop(http1->tick);
	block_give(&http1->blocks, http1->scratch);
	block_pool_done(&http1->blocks);
	free(http1);
}

/* A closed connection whose answer is still owed counts until stop_ms is over. */
void http1_check_stopped(struct http1 *http1)
{
	if (!http1->stopping || !http1->on_stopped)
		return;
	bool waits = http1_now(http1) < http1->stop_at_ms;
	if (waits ? http1->alive > 0 : http1->streams > 0)
		return;
	void (*on_stopped)(void *data) = http1->on_stopped;
	http1->on_stopped = NULL;
	on_stopped(http1->stopped_data);
}

void http1_stop(struct http1 *http1, void (*on_stopped)(void *data), void *data)
{
	assert(!http1->stopping);
	http1->stopping = true;
	http1->stop_at_ms = http1_now(http1) + http1->limits.stop_ms;
	http1->on_stopped = on_stopped;
	http1->stopped_data = data;
	static const enum conn_state idle[] = {CONN_FRESH, CONN_IDLE};
	for (size_t i = 0; i < sizeof(idle) / sizeof(idle[0]); i++) {
		struct list *list = &http1->lists[idle[i]];
		while (!list_is_empty(list))
			conn_finish(CONTAINER_OF(list->next, struct conn, link));
	}
	http1_check_stopped(http1);
}

struct http1_counts *http1_counts(struct http1 *http1)
{
	return &http1->counts;
}
