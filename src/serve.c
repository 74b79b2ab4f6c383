/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   main thread   its own loop: signals, purges
 *   loop threads  one a core: connections, requests, the engine (struct thread)
 *   deliver       one: messages on their way out, the inbox
 *   workers       passwords
 *   the store's   writer and keeper
 *
 * They start from the store outwards and stop from the sockets inwards, so that nobody is asked
 * who has gone already. */
#include "io/clock.h"
#include "ops/dev.h"
#include "ops/import.h"
#include "ops/log.h"
#include "ops/notify.h"
#include "ops/secret_file.h"
#include "serve_private.h"
#include "store/sqlite.h"
#include "tool.h"

#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define API_TICK_MS 500
#define PURGE_EVERY_MS 60000
#define PURGE_PAUSE_MS 20 /* between two steps: requests go first */

/* ---- sqlite ---------------------------------------------------------------------------------- */

static void *sqlite_serve_open(const struct config *config, struct problem *reterr)
{
	const struct sqlite_options sqlite = {
	    .directory = config->server.data,
	    .serve = true,
	    .wal_pages = config->server.wal_pages,
	};
	struct sqlite_store *opened;
	return sqlite_open(&sqlite, &opened, reterr) == OK ? opened : NULL;
}

static struct store *sqlite_serve_attach(void *opened, struct executor *executor)
{
	return sqlite_attach(opened, executor);
}

static void sqlite_serve_close(void *opened)
{
	sqlite_close(opened);
}

const struct serve_store serve_on_sqlite = {
    .open = sqlite_serve_open,
    .attach = sqlite_serve_attach,
    .close = sqlite_serve_close,
    .gather = serve_sqlite_gather,
};

/* ---- loop threads ---------------------------------------------------------------------------- */

static int64_t loop_clock(void *loop)
{
	return io_loop_now_ms(loop);
}

static void thread_tick(void *data)
{
	api_tick(data);
}

/* A loop's lines of one round leave together. */
static void on_log_round_end(struct io_hook *hook)
{
	(void)hook;
	log_flush();
}

static bool thread_init(struct serve *serve, struct thread *thread)
{
	rng_system_init(&thread->rng);
	thread->loop = io_loop_new();
	thread->keyring = keyring_new(serve->keys, serve->keys_n);
	thread->api = calloc(1, sizeof(*thread->api));
	if (!thread->loop || !thread->keyring || !thread->api)
		return false;
	thread->store = serve->kind->attach(serve->opened, io_loop_executor(thread->loop));
	thread->desk = delivery_desk_new(serve->delivery, thread->loop);
	if (!thread->store || !thread->desk)
		return false;
	thread->log_hook.run = on_log_round_end;
	io_loop_on_round_end(thread->loop, &thread->log_hook);
	const struct flow_ports ports = {
	    .store = thread->store,
	    .deliver = delivery_desk_port(thread->desk),
	    .keyring = thread->keyring,
	    .rng = &thread->rng.rng,
	    .now_ms = loop_clock,
	    .clock = thread->loop,
	};
	return api_init(thread->api, &serve->now->shared, &ports, io_loop_executor(thread->loop)) ==
	           OK &&
	       io_loop_every(thread->loop, API_TICK_MS, thread_tick, thread->api, &thread->tick) ==
	           OK;
}

static void thread_done(struct thread *thread)
{
	io_timer_stop(thread->tick);
	if (thread->api && thread->store)
		api_done(thread->api);
	free(thread->api);
	if (thread->store)
		thread->store->ops->close(thread->store);
	delivery_desk_free(thread->desk);
	io_loop_free(thread->loop);
	keyring_free(thread->keyring);
}

/* The cores that this process may use. */
static size_t cores(void)
{
	cpu_set_t set;
	long count = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
	return count < 1 ? 1 : count > NET_LOOPS_MAX ? NET_LOOPS_MAX : (size_t)count;
}

/* ---- purges ---------------------------------------------------------------------------------- */

static void purge_step(void *data);

static void on_purged(struct store_purge *purge)
{
	struct serve *serve = CONTAINER_OF(purge, struct serve, purge);
	serve->purge_idle = true;
	if (purge->err)
		LOG(LOG_ERROR, "purge", log_text("why", bytes_from_text(err_text(purge->err))));
	if (purge->err || !purge->more || serve->stopping)
		return;
	io_timer_stop(serve->purge_pause);
	serve->purge_pause = NULL;
	if (io_loop_after(serve->main_loop, PURGE_PAUSE_MS, purge_step, serve,
	                  &serve->purge_pause) != OK)
		serve->purge_pause = NULL;
}

static void purge_step(void *data)
{
	struct serve *serve = data;
	if (!serve->purge_idle || serve->stopping)
		return;
	int64_t now_ms = clock_now_ms();
	serve->purge_idle = false;
	serve->purge = (struct store_purge){
	    .now_ms = now_ms,
	    .before_ms = now_ms - serve->config->server.retention_ms,
	    .on_done = on_purged,
	};
	serve->main_store->ops->purge(serve->main_store, &serve->purge);
}

/* ---- stopping -------------------------------------------------------------------------------- */

static void on_stopped(struct task *task)
{
	io_loop_stop(CONTAINER_OF(task, struct serve, stopped)->main_loop);
}

static void on_stop_signal(void *data)
{
	struct serve *serve = data;
	if (serve->stopping)
		return;
	serve->stopping = true;
	LOG(LOG_INFO, "stopping");
	notify_send(NOTIFY_STOPPING);
	serve->stopped.run = on_stopped;
	/* The loops first: whoever is answered because of the hurry is told that the connection
	 * ends, too. */
	net_server_stop(serve->server, io_loop_executor(serve->main_loop), &serve->stopped);
	delivery_hurry(serve->delivery);
}

/* ---- starting -------------------------------------------------------------------------------- */

static bool say_failed(const char *what)
{
	LOG(LOG_ERROR, "start", log_text("failed", bytes_from_text(what)),
	    log_text("consequence", BYTES("not started")));
	return false;
}

static bool load_dev_records(struct serve *serve)
{
	struct keyring *keyring = keyring_new(serve->keys, serve->keys_n);
	FILE *records = fmemopen((void *)(uintptr_t)dev_records, strlen(dev_records), "r");
	const struct import_options options = {
	    .store = serve->main_store,
	    .keyring = keyring,
	    .server = &serve->config->layers,
	    .run_until = tool_run_until,
	    .context = serve->main_loop,
	    .now_ms = clock_now_ms(),
	    .only_absent = true,
	};
	size_t n = 0;
	bool loaded =
	    keyring && records &&
	    import_run(&options, records, "(records of --dev)", stderr, &n) == IMPORT_DONE;
	if (records)
		(void)fclose(records);
	keyring_free(keyring);
	return loaded;
}

static bool open_store(struct serve *serve)
{
	struct problem problem;
	const struct config *config = serve->config;
	if (!data_folder_make(config->server.data, &problem) ||
	    !secret_keys_load(config, serve->keys, &serve->keys_n, &problem) ||
	    !(serve->opened = serve->kind->open(config, &problem)))
		return say_failed(problem.text);
	serve->main_loop = io_loop_new();
	if (serve->main_loop)
		serve->main_store =
		    serve->kind->attach(serve->opened, io_loop_executor(serve->main_loop));
	if (!serve->main_store)
		return say_failed("out of memory or descriptors");
	return !serve->config->dev || load_dev_records(serve) ||
	       say_failed("the records of --dev could not be stored");
}

static bool start_delivery(struct serve *serve)
{
	const struct server_settings *server = &serve->config->server;
	const struct delivery_options options = {
	    .keys = serve->keys,
	    .keys_n = serve->keys_n,
	    .inbox =
		server->providers.n ? bytes_from_text(server->providers.at[0].name) : BYTES_NONE,
	};
	serve->tickets = tls_tickets_new();
	serve->delivery = delivery_new(&options);
	serve->workers = worker_pool_start(worker_threads_default(), WORKER_QUEUE_DEFAULT);
	if (!serve->tickets || !serve->delivery || !serve->workers)
		return say_failed("out of memory or threads");
	serve->inbox.ask = serve_inbox_ask;
	serve->operator_port = serve_operator_port;
	struct problem problem;
	serve->now = snapshot_new(serve, serve->config, NULL, &problem);
	return serve->now || say_failed(problem.text);
}

static bool start_server(struct serve *serve)
{
	struct io_loop *loops[NET_LOOPS_MAX];
	struct request_handler *handlers[NET_LOOPS_MAX];
	size_t wanted = cores(), bad_address = 0;
	for (; serve->threads_n < wanted; serve->threads_n++) {
		struct thread *thread = &serve->threads[serve->threads_n];
		if (!thread_init(serve, thread)) {
			thread_done(thread);
			return say_failed("out of memory or descriptors");
		}
		loops[serve->threads_n] = thread->loop;
		handlers[serve->threads_n] = &thread->api->handler;
	}
	struct problem problem;
	if (!serve_admin_open(serve, &problem))
		return say_failed(problem.text);
	const struct net_options options = {
	    .loops = loops,
	    .handlers = handlers,
	    .loops_n = serve->threads_n,
	    .addresses = serve->config->server.listen.at,
	    .addresses_n = serve->config->server.listen.n,
	    .admin = serve->admin.fd < 0 ? NULL : &serve->admin,
	    .tls = serve->now->tls,
	    .limits = serve_net_limits(serve->config),
	};
	enum err err = net_server_start(&options, &serve->server, &bad_address);
	if (err == OK)
		return true;
	char address[NET_ADDRESS_TEXT_MAX];
	net_address_format(&serve->config->server.listen.at[bad_address], address);
	(void)problem_say(&problem,
	                  err == ERR_BUSY ? "%s is in use by another program; free it, or let the "
	                                    "system pick one: --listen 127.0.0.1:0"
	                                  : "cannot listen on %s",
	                  address);
	return say_failed(problem.text);
}

static bool start_threads(struct serve *serve)
{
	serve->delivery_store =
	    serve->kind->attach(serve->opened, delivery_executor(serve->delivery));
	serve->delivery_runs =
	    serve->delivery_store && delivery_start(serve->delivery, serve->delivery_store) == OK;
	if (!serve->delivery_runs)
		return say_failed("out of memory or threads");
	for (; serve->loops_running < serve->threads_n; serve->loops_running++)
		if (io_loop_start(serve->threads[serve->loops_running].loop, "loop") != OK)
			return say_failed("out of threads");
	return io_loop_on_signal(serve->main_loop, SIGTERM, on_stop_signal, serve) == OK &&
	       io_loop_on_signal(serve->main_loop, SIGINT, on_stop_signal, serve) == OK &&
	       io_loop_on_signal(serve->main_loop, SIGHUP, serve_on_reload_signal, serve) == OK &&
	       io_loop_every(serve->main_loop, PURGE_EVERY_MS, purge_step, serve,
	                     &serve->purge_timer) == OK;
}

static void announce(const struct serve *serve)
{
	char url[NET_URL_MAX];
	serve_admin_announce(serve);
	for (size_t i = 0; i < serve->config->server.listen.n; i++) {
		net_server_url(serve->server, i, url);
		LOG(LOG_INFO, "listening", log_text("address", bytes_from_text(url)),
		    log_i64("loops", (int64_t)serve->threads_n),
		    log_text("data", bytes_from_text(serve->config->server.data)));
		if (serve->config->dev)
			(void)printf("listening on %s\n", url);
	}
	net_server_url(serve->server, 0, url);
	uint64_t generation;
	if (serve->config->dev)
		dev_guide(stdout, url);
	else if (serve->main_store->ops->generation(serve->main_store, &generation) == OK &&
	         generation == STORE_GENERATION_NONE)
		first_guide(stdout, serve->flags->file, serve->flags->data);
	(void)fflush(stdout);
}

/* Everything the other way round; what was never started is NULL or zero. */
static void end(struct serve *serve)
{
	io_timer_stop(serve->purge_timer);
	io_timer_stop(serve->purge_pause);
	worker_pool_stop(serve->workers);
	for (size_t i = 0; i < serve->loops_running; i++) {
		io_loop_stop(serve->threads[i].loop);
		io_loop_join(serve->threads[i].loop);
	}
	if (serve->delivery_runs)
		delivery_stop(serve->delivery);
	socket_file_remove(&serve->admin_file);
	net_server_free(serve->server);
	for (size_t i = 0; i < serve->threads_n; i++)
		thread_done(&serve->threads[i]);
	if (serve->delivery_store)
		serve->delivery_store->ops->close(serve->delivery_store);
	delivery_free(serve->delivery);
	if (serve->main_store) {
		tool_run_until(serve->main_loop, &serve->purge_idle);
		serve->main_store->ops->close(serve->main_store);
	}
	if (serve->opened)
		serve->kind->close(serve->opened);
	io_loop_free(serve->main_loop);
	secret_wipe(serve->keys, sizeof(serve->keys));
	snapshot_free(serve->now);
	snapshot_free(serve->next);
	tls_tickets_free(serve->tickets);
}

/* What requests take and give back stays with the process: giving it to the system and asking for
 * it again cost a system call on every sixth request. Two arenas serve the few threads that
 * allocate. */
static void keep_memory(void)
{
	(void)mallopt(M_TRIM_THRESHOLD, 64 << 20);
	(void)mallopt(M_TOP_PAD, 1 << 20);
	(void)mallopt(M_ARENA_MAX, 2);
}

/* Connections are descriptors: as many as the system lets us have. */
static void raise_descriptors(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* A core would hold what this process holds. Whoever tries things out may want to look inside. */
static void forbid_dumps(void)
{
	const struct rlimit none = {0, 0};
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0);
}

int serve_run(const struct config_flags *flags, const struct config *config,
              const struct report *report, const struct serve_store *store)
{
	static struct serve serve; /* too large for a stack, one a process */
	serve.flags = flags;
	serve.config = config;
	serve.kind = store;
	serve.purge_idle = true;
	serve.started_ms = clock_now_ms();
	if (!config->dev)
		forbid_dumps();
	secret_hide(serve.keys, sizeof(serve.keys));
	raise_descriptors();
	keep_memory();
	if (log_start(STDERR_FILENO, LOG_FORM_AUTO) != OK)
		return 1;
	serve_log_remarks(report);
	bool started = open_store(&serve) && start_delivery(&serve) && start_server(&serve) &&
	               start_threads(&serve);
	if (started) {
		announce(&serve);
		notify_send(NOTIFY_READY);
		io_loop_run(serve.main_loop);
	}
	end(&serve);
	if (started)
		LOG(LOG_INFO, "stopped");
	log_stop();
	return started ? 0 : 1;
}
