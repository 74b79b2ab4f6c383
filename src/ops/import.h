/* SPDX-License-Identifier: Apache-2.0 */
/* `verifyd import`: records as JSON Lines into the store, all or nothing. Works beside a running
 * server, which sees the change within a second. Which records and members there are: record.def.
 *
 * A record whose identity exists replaces it, except that members not given keep their value; one
 * that is given as null goes back to what a new record has. */
#ifndef OPS_IMPORT_H
#define OPS_IMPORT_H

#include "core/code.h"
#include "core/port_store.h"
#include "ops/settings.h"

#include <stdio.h>

#define IMPORT_LINE_MAX ((size_t)1 << 20)
#define IMPORT_MISTAKES_MAX 100 /* told; the rest is counted */

struct import_options {
	struct store *store;                  /* borrowed */
	struct keyring *keyring;              /* borrowed: for fixed codes and systems' secrets */
	const struct settings_layers *server; /* what a tenant's limits may not loosen */
	/* Lets the store answer until *done. */
	void (*run_until)(void *context, const bool *done);
	void *context;
	int64_t now_ms;
	bool only_absent; /* leave records alone that are there already */
};

enum import_result {
	IMPORT_DONE,
	IMPORT_MISTAKES, /* told on `mistakes`, a line each; nothing stored */
	/* The store or the input failed; nothing stored, unless the store cannot say; told too. */
	IMPORT_FAILED,
};

/* Reads `input`, which messages call `name`. `ret_n`: records stored. */
enum import_result import_run(const struct import_options *options, FILE *input, const char *name,
                              FILE *mistakes, size_t *ret_n);

#endif
