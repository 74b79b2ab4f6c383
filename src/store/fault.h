/* SPDX-License-Identifier: Apache-2.0 */
/* A store that wraps a handle of another and fails by plan: for tests and simulation. Which call
 * meets which fault follows from the plan's seed and the order of calls alone. */
#ifndef STORE_FAULT_H
#define STORE_FAULT_H

#include "core/port_store.h"

#include <stdint.h>

/* Chances are in a thousand calls; what their sum leaves of it goes well. A zeroed plan does
 * nothing. Loads, counts and walks cannot be doubtful: for them `lost` and `doubtful` are
 * `refused`. */
struct fault_plan {
	uint64_t seed;
	unsigned refused;  /* ERR_STORE: not done */
	unsigned lost;     /* ERR_UNKNOWN: not done */
	unsigned doubtful; /* ERR_UNKNOWN: but done, unless it was refused */
	unsigned dropped;  /* not done and never answered */
	unsigned vanished; /* done but never answered */
	unsigned delayed;  /* done, and answered `delay` runs of the executor later */
	unsigned delay;
	uint64_t after;      /* this many calls go well first */
	uint64_t faults_max; /* after so many faults all goes well; 0: no end */
};

struct fault_counts {
	uint64_t calls, refused, lost, doubtful, dropped, vanished, delayed;
};

/* Owns `inner`, a handle on the same executor; closing it closes that too (once nothing is under
 * way there: let the executor run first where calls may have vanished). NULL without memory, then
 * `inner` stays the caller's. */
struct store *fault_new(struct store *inner, struct executor *executor,
                        const struct fault_plan *plan);
/* From the handle's thread: what later calls meet, counted from here on. */
void fault_set(struct store *store, const struct fault_plan *plan);
struct fault_counts fault_counts(struct store *store);

#endif
