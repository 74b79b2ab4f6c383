/* SPDX-License-Identifier: Apache-2.0 */
/* What /metrics and /readyz tell, gathered from the rooms on the main thread, where a moment's
 * reading of /proc holds up nobody's request. */
#include "ops/log.h"
#include "serve_private.h"
#include "store/sqlite.h"

static struct serve *serve_of(struct operator_port *port)
{
	return CONTAINER_OF(port, struct serve, operator_port);
}

bool serve_sqlite_gather(void *opened, struct metrics *to)
{
	struct sqlite_stats stats;
	sqlite_stats(opened, &stats);
	to->values[METRIC_STORE_COMMITS] = stats.commits;
	to->values[METRIC_STORE_BATCHES] = stats.batches;
	to->values[METRIC_STORE_REPLAYS] = stats.replays;
	to->values[METRIC_STORE_FAILURES] = stats.failures;
	to->values[METRIC_STORE_REOPENED] = stats.reopened;
	to->values[METRIC_STORE_PAUSES] = stats.pauses;
	to->values[METRIC_STORE_EVENTS_DROPPED] = stats.notes_dropped;
	to->values[METRIC_STORE_LOG_MAX] = stats.wal_bytes_max;
	return !stats.failing;
}

static bool store_gather(struct serve *serve, struct metrics *to)
{
	return !serve->kind->gather || serve->kind->gather(serve->opened, to);
}

static void net_gather(struct serve *serve, struct metrics *to)
{
	struct net_counts counts = net_server_counts(serve->server);
	to->values[METRIC_CONNECTIONS_ACCEPTED] = counts.accepted;
	to->values[METRIC_CONNECTIONS_REFUSED] = counts.turned_away;
	to->values[METRIC_CONNECTIONS_OPEN] = counts.open;
	to->values[METRIC_CONNECTION_FLOODS] = counts.floods;
	to->values[METRIC_HTTP_HEADS] = counts.requests;
	to->values[METRIC_HTTP_REFUSED] = counts.refused;
}

static void on_gathered(struct task *task)
{
	struct metrics_query *query = CONTAINER_OF(task, struct metrics_query, task);
	query->on_done(query);
}

static void on_gather(struct task *task)
{
	struct metrics_query *query = CONTAINER_OF(task, struct metrics_query, task);
	struct serve *serve = serve_of(query->port);
	struct metrics *to = &query->metrics;
	*to = (struct metrics){.version = VERIFYD_VERSION};
	metrics_of_process(to);
	net_gather(serve, to);
	to->values[METRIC_START_TIME] = (uint64_t)serve->started_ms / 1000;
	to->values[METRIC_STORE_WRITABLE] = store_gather(serve, to);
	to->values[METRIC_WORKER_QUEUE] = worker_pool_waiting(serve->workers);
	to->values[METRIC_INBOX_DROPPED] = delivery_dropped(serve->delivery);
	to->values[METRIC_LOG_DROPPED] = log_dropped();
	for (size_t i = 0; i < serve->threads_n; i++) {
		metrics_add(to, &serve->threads[i].api->counts);
		to->values[METRIC_COMMIT_CONFLICTS] += serve->threads[i].api->flow.conflicts;
	}
	query->task.run = on_gathered;
	executor_post(query->executor, &query->task);
}

static void gather(struct operator_port *port, struct metrics_query *query)
{
	query->port = port;
	query->task.run = on_gather;
	executor_post(io_loop_executor(serve_of(port)->main_loop), &query->task);
}

static bool store_writes(struct operator_port *port)
{
	struct metrics unused;
	return store_gather(serve_of(port), &unused);
}

static bool is_stopping(struct operator_port *port)
{
	return serve_of(port)->stopping;
}

const struct operator_port serve_operator_port = {
    .gather = gather,
    .store_writes = store_writes,
    .is_stopping = is_stopping,
};
