/* SPDX-License-Identifier: Apache-2.0 */
/* A new configuration for a server that runs: made and checked on the main thread, then shown to
 * one loop after another. A wrong file changes nothing. */
#include "ops/log.h"
#include "ops/notify.h"
#include "serve_private.h"

#include <assert.h>
#include <stdlib.h>

/* ---- what the loops look at ------------------------------------------------------------------ */

bool serve_tls_load(const struct config *config, struct tls_tickets *tickets, struct tls **ret,
                    struct problem *reterr)
{
	static_assert(TLS_ENTRIES_MAX == TLS_CERTIFICATES_MAX, "the table says how many");
	struct tls_files files[TLS_CERTIFICATES_MAX];
	const struct server_settings *server = &config->server;
	*ret = NULL;
	if (server->tls.n == 0)
		return true;
	for (size_t i = 0; i < server->tls.n; i++)
		files[i] = (struct tls_files){.certificate = server->tls.at[i].certificate,
		                              .key = server->tls.at[i].key};
	const struct tls_options options = {
	    .files = files,
	    .files_n = server->tls.n,
	    .tickets = tickets,
	    .protocols = NET_TLS_PROTOCOLS,
	};
	return (*ret = tls_new(&options, reterr));
}

bool serve_check(const struct config *config, struct problem *reterr)
{
	struct tls_tickets *tickets = tls_tickets_new();
	struct tls *tls = NULL;
	bool sound = tickets ? serve_tls_load(config, tickets, &tls, reterr)
	                     : problem_say(reterr, "out of memory");
	tls_unref(tls);
	tls_tickets_free(tickets);
	return sound;
}

struct snapshot *snapshot_new(struct serve *serve, const struct config *config,
                              struct config *owned, struct problem *reterr)
{
	struct snapshot *snapshot = calloc(1, sizeof(*snapshot));
	if (!snapshot) {
		(void)problem_say(reterr, "out of memory");
		return NULL;
	}
	if (!serve_tls_load(config, serve->tickets, &snapshot->tls, reterr)) {
		free(snapshot);
		return NULL;
	}
	const struct server_settings *server = &config->server;
	snapshot->config = config;
	snapshot->owned = owned;
	snapshot->shared = (struct api_shared){
	    .settings = &config->layers,
	    .workers = serve->workers,
	    .operator_port = &serve->operator_port,
	    .can_send = config_has_provider(config),
	    .inbox = config_has_inbox(config) ? &serve->inbox : NULL,
	    .inbox_token =
		server->inbox_token[0] ? bytes_from_text(server->inbox_token) : BYTES_NONE,
	    .loopback_hosts_only = !server->inbox_token[0],
	    .operator_pages = config->dev,
	    .dev_page = config->dev,
	    .manage_prefix = bytes_from_text(server->manage_prefix),
	    .numbers_valid = server->numbers_require == NUMBERS_VALID,
	};
	for (int api = 0; api < API_NAMES; api++)
		snapshot->shared.api_off[api] =
		    !settings_serve(&config->layers, (enum api_name)api);
	return snapshot;
}

void snapshot_free(struct snapshot *snapshot)
{
	if (!snapshot)
		return;
	tls_unref(snapshot->tls);
	config_free(snapshot->owned);
	free(snapshot);
}

struct net_limits serve_net_limits(const struct config *config)
{
	const struct server_settings *server = &config->server;
	struct net_limits limits = net_limits_default();
	limits.head_max = server->net.head_max;
	limits.target_max = server->net.target_max;
	limits.fields_max = server->net.fields_max;
	limits.head_ms = server->net.head_ms;
	limits.request_ms = server->net.request_ms;
	limits.idle_ms = server->net.idle_ms;
	limits.http2_idle_ms = server->net.http2_idle_ms;
	limits.body_rate = server->net.body_rate;
	return limits;
}

/* ---- reading --------------------------------------------------------------------------------- */

static void on_kept(const struct option *option)
{
	LOG(LOG_WARNING, "needs-restart", log_text("key", option->name),
	    log_text("consequence", BYTES("the old value stays until then")));
}

void serve_log_remarks(const struct report *report)
{
	struct arena arena;
	arena_init(&arena);
	for (const struct remark *remark = report->remarks; remark; remark = remark->next)
		LOG(remark->warning ? LOG_WARNING : LOG_ERROR, "configuration",
		    log_text("what", report_line(report, remark, &arena)));
	arena_done(&arena);
}

/* NULL: it was said why. */
static struct config *config_read(const struct serve *serve)
{
	struct report report;
	report_init(&report, bytes_from_text(config_file(serve->flags)));
	struct config *config = config_new(serve->flags, &report);
	if (config && !config_keep(serve->config, config, on_kept, &report)) {
		config_free(config);
		config = NULL;
	}
	serve_log_remarks(&report);
	if (!config)
		LOG(LOG_ERROR, "reload", log_i64("mistakes", (int64_t)report.mistakes_n),
		    log_text("consequence", BYTES("nothing was changed")));
	report_done(&report);
	return config;
}

/* ---- showing it to the loops ----------------------------------------------------------------- */

/* Of a reload, however it went: the manager waits for this. */
static void reload_end(struct serve *serve)
{
	notify_send(NOTIFY_READY);
	if (!serve->reload_again)
		return;
	serve->reload_again = false;
	serve_on_reload_signal(serve);
}

static void on_reloaded(struct task *task)
{
	struct serve *serve = CONTAINER_OF(task, struct serve, reloaded);
	snapshot_free(serve->now);
	serve->now = serve->next;
	serve->next = NULL;
	LOG(LOG_INFO, "reloaded", log_text("file", bytes_from_text(config_file(serve->flags))));
	reload_end(serve);
}

/* On a loop: what it made by the old one, it made whole; nothing of it points there. */
static void thread_reload(struct task *task)
{
	struct thread *thread = CONTAINER_OF(task, struct thread, reload);
	struct serve *serve = thread->serve;
	api_reload(thread->api, &serve->next->shared);
	if (serve->next->tls && net_server_is_secure(serve->server))
		net_server_tls_set(serve->server, (size_t)(thread - serve->threads),
		                   serve->next->tls);
	if (atomic_fetch_sub(&serve->loops_to_hear, 1) == 1)
		executor_post(io_loop_executor(serve->main_loop), &serve->reloaded);
}

static void snapshot_show(struct serve *serve)
{
	const struct net_limits limits = serve_net_limits(serve->next->config);
	/* Before the rest: who has heard of that has heard of this. */
	net_server_retime(serve->server, &limits);
	atomic_store(&serve->loops_to_hear, serve->threads_n);
	serve->reloaded.run = on_reloaded;
	for (size_t i = 0; i < serve->threads_n; i++) {
		struct thread *thread = &serve->threads[i];
		thread->serve = serve;
		thread->reload.run = thread_reload;
		executor_post(io_loop_executor(thread->loop), &thread->reload);
	}
}

/* False: nothing was changed, and it was said why. */
static bool reload_begin(struct serve *serve)
{
	struct config *config = config_read(serve);
	if (!config)
		return false;
	struct problem problem;
	if ((config->server.tls.n > 0) != (serve->now->tls != NULL))
		on_kept(option_find(BYTES("tls")));
	serve->next = snapshot_new(serve, config, config, &problem);
	if (!serve->next) {
		LOG(LOG_ERROR, "reload", log_text("why", bytes_from_text(problem.text)),
		    log_text("consequence", BYTES("nothing was changed")));
		config_free(config);
		return false;
	}
	serve->config = config;
	return true;
}

void serve_on_reload_signal(void *data)
{
	struct serve *serve = data;
	if (serve->stopping)
		return;
	if (serve->next) {
		serve->reload_again = true;
		return;
	}
	notify_send(NOTIFY_RELOADING);
	if (!config_file(serve->flags))
		LOG(LOG_INFO, "nothing-to-reload",
		    log_text("why", BYTES("no configuration file was read")));
	else if (reload_begin(serve)) {
		snapshot_show(serve);
		return;
	}
	reload_end(serve);
}
