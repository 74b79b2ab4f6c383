/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the server share: serve.c starts and stops it, serve_reload.c changes its
 * configuration, serve_admin.c opens the operator's listener, serve_inbox.c joins the inbox's pages
 * to the delivery, serve_metrics.c gathers what the rooms count. */
#ifndef SERVE_PRIVATE_H
#define SERVE_PRIVATE_H

#include "api/api.h"
#include "api/native/inbox_port.h"
#include "api/native/operator_port.h"
#include "deliver/delivery.h"
#include "io/socket_file.h"
#include "io/worker.h"
#include "net/server.h"
#include "serve.h"

#include <stdatomic.h>

/* One loop thread and what is its own. */
struct thread {
	struct io_loop *loop;
	struct store *store;
	struct keyring *keyring;
	struct rng_system rng;
	struct api *api;
	struct io_timer *tick;
	struct delivery_desk *desk;
	struct io_hook log_hook;
	struct task reload;
	struct serve *serve;
};

/* What may change while the server runs: made whole, read by all, and given back when the last loop
 * looks at the next one. */
struct snapshot {
	const struct config *config;
	struct config *owned; /* the same; NULL: it is main's */
	struct api_shared shared;
	struct tls *tls; /* a reference; NULL: none */
};

struct serve {
	const struct config_flags *flags;
	const struct config *config; /* the main thread's: the newest */
	const struct serve_store *kind;
	struct snapshot *now; /* owned; what the loops look at */
	struct secret_key keys[SECRET_KEYS_MAX];
	size_t keys_n;
	void *opened; /* the store */
	struct io_loop *main_loop;
	struct store *main_store;
	struct delivery *delivery;
	struct worker_pool *workers;
	struct inbox_port inbox;
	struct operator_port operator_port;
	int64_t started_ms;
	struct thread threads[NET_LOOPS_MAX];
	size_t threads_n;     /* made */
	size_t loops_running; /* of them */
	struct store *delivery_store;
	bool delivery_runs;
	struct tls_tickets *tickets;
	struct net_server *server;
	struct net_admin admin; /* fd -1: none; else the server has it */
	struct net_place admin_place;
	struct socket_file admin_file;
	struct store_purge purge;
	struct io_timer *purge_timer, *purge_pause;
	bool purge_idle;      /* no step of a purge is under way */
	atomic_bool stopping; /* written by the main thread */
	struct task stopped;
	struct snapshot *next; /* owned; on its way to the loops */
	atomic_size_t loops_to_hear;
	struct task reloaded;
	bool reload_again; /* asked for while one was under way */
};

/* serve_admin.c: binds admin_listen, for net_server_start. False: *reterr says what to do. */
bool serve_admin_open(struct serve *serve, struct problem *reterr);
/* Says in the log where it is. */
void serve_admin_announce(const struct serve *serve);

/* serve_inbox.c: the port's ask. */
void serve_inbox_ask(struct inbox_port *port, struct inbox_query *query);

/* serve_metrics.c: the port, and the store's `gather`. */
extern const struct operator_port serve_operator_port;
bool serve_sqlite_gather(void *opened, struct metrics *to);

/* serve_reload.c */
/* What the loops look at from now on. `owned` as in the struct. NULL: *reterr says why. */
struct snapshot *snapshot_new(struct serve *serve, const struct config *config,
                              struct config *owned, struct problem *reterr);
void snapshot_free(struct snapshot *snapshot);
/* The certificates that it names; *ret NULL: none. False: *reterr says which file is wrong. */
bool serve_tls_load(const struct config *config, struct tls_tickets *tickets, struct tls **ret,
                    struct problem *reterr);
struct net_limits serve_net_limits(const struct config *config);
/* Mistakes and warnings, a line of the log each. */
void serve_log_remarks(const struct report *report);
/* At SIGHUP; `data` is the struct serve. */
void serve_on_reload_signal(void *data);

#endif
