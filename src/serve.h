/* SPDX-License-Identifier: Apache-2.0 */
/* `verifyd serve`: joins the rooms, runs until it is told to stop. Only main and the tests' own
 * server look here: they say which store it runs on. */
#ifndef SERVE_H
#define SERVE_H

#include "base/problem.h"
#include "core/port_store.h"
#include "net/server.h"
#include "ops/settings.h"

/* What the command line said. */
struct serve_options {
	bool dev;
	const char *data; /* the data folder */
	struct net_address addresses[NET_ADDRESSES_MAX];
	size_t addresses_n;
};

/* A kind of store: opened once, a handle for each thread, closed at the end. */
struct serve_store {
	/* NULL: *reterr says why. */
	void *(*open)(const struct serve_options *options, const struct settings *settings,
	              struct problem *reterr);
	struct store *(*attach)(void *opened, struct executor *executor);
	void (*close)(void *opened);
};

extern const struct serve_store serve_on_sqlite;

/* The built-in settings, with those that --dev changes. */
void serve_settings(bool dev, struct settings_layers *ret);

/* Runs the server; returns the exit code. */
int serve_run(const struct serve_options *options, const struct serve_store *store);

#endif
