/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of core/port_store.h as cases that every store must pass. */
#ifndef TESTS_STORE_CONTRACT_H
#define TESTS_STORE_CONTRACT_H

#include "core/port_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* One kind of store, as a test opens it. */
struct contract_kind {
	const char *name;
	/* A fresh and empty store, or NULL. */
	void *(*open)(void);
	struct store *(*attach)(void *about, struct executor *executor);
	/* After every handle was closed; leaves nothing behind. */
	void (*close)(void *about);
};

/* Runs all cases and then the store's own, prints them, and returns how many failed. */
int contract_run(const struct contract_kind *kind, const struct CMUnitTest *own, size_t own_n);

#endif
