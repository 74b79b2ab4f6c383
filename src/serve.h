/* SPDX-License-Identifier: Apache-2.0 */
/* `verifyd serve`: joins the rooms, runs until it is told to stop. Only main and the tests' own
 * server look here: they say which store it runs on. */
#ifndef SERVE_H
#define SERVE_H

#include "base/problem.h"
#include "core/port_store.h"
#include "ops/config.h"
#include "ops/metrics.h"

/* A kind of store: opened once, a handle for each thread, closed at the end. */
struct serve_store {
	/* NULL: *reterr says why. */
	void *(*open)(const struct config *config, struct problem *reterr);
	struct store *(*attach)(void *opened, struct executor *executor);
	void (*close)(void *opened);
	/* Tells what it has counted; false: it did not take what was last written. NULL: nothing
	 * to tell. Any thread. */
	bool (*gather)(void *opened, struct metrics *to);
};

extern const struct serve_store serve_on_sqlite;

/* Looks at the files that the configuration names and a server would load: certificates and keys.
 * False: *reterr says what is wrong with which. */
bool serve_check(const struct config *config, struct problem *reterr);

/* Runs the server; returns the exit code. `flags` are those that `config` was made by: SIGHUP makes
 * another one by them. `report`: what was said of it, which is logged. */
int serve_run(const struct config_flags *flags, const struct config *config,
              const struct report *report, const struct serve_store *store);

#endif
