/* SPDX-License-Identifier: Apache-2.0 */
/* A store in memory, for tests and simulation: everything of core/port_store.h but the disk.
 *
 * It is as unpleasant as the contract lets it be: of the calls under way a handle carries out a
 * random one next, answers it at once or only after others, and never before the call returned.
 * The order follows from the seed alone as long as one thread uses it. */
#ifndef STORE_MEMORY_H
#define STORE_MEMORY_H

#include "core/port_store.h"

#include <stdint.h>

struct memory_store;

/* An empty store; NULL when there is no memory. */
struct memory_store *memory_new(uint64_t seed);
/* Every handle must be closed. NULL is fine. */
void memory_free(struct memory_store *memory);

/* A handle for the thread that `executor` runs on, ended by its `close`; NULL when there is no
 * memory. Any number of them, on any threads. */
struct store *memory_attach(struct memory_store *memory, struct executor *executor);

#endif
