/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands beside `serve` work with: the store of a data folder, which a server may have
 * open at the same time, and its secret key. */
#ifndef TOOL_H
#define TOOL_H

#include "base/problem.h"
#include "core/code.h"
#include "core/port_store.h"
#include "io/loop.h"
#include "ops/config.h"

struct sqlite_store;

struct tool_store {
	struct io_loop *loop;        /* owned; runs only inside tool_run_until */
	struct sqlite_store *opened; /* owned */
	struct store *store;         /* owned */
	struct keyring *keyring;     /* owned */
};

/* False: *reterr says why, and there is nothing to close. */
bool tool_store_open(struct tool_store *tool, const struct config *config, struct problem *reterr);
void tool_store_close(struct tool_store *tool);

/* Runs `loop` (a struct io_loop that does not run yet) until *done. */
void tool_run_until(void *loop, const bool *done);

#endif
