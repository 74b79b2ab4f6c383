/* SPDX-License-Identifier: Apache-2.0 */
/* A load, step by step: which records it wants and what each look-up depends on. What every store
 * has in common; how one row is found is the store's own. */
#ifndef STORE_LOAD_H
#define STORE_LOAD_H

#include "core/port_store.h"

/* A store's look-ups. Each answers copies in load->arena, or NULL when there is no such row; a
 * fault it writes to load->err. `about` is the store's own; the tenant is load->tenant, unless the
 * key says it. */
struct load_source {
	/* The row of a kind (CHANGE_VERIFICATION and so on) with the key of the record `key`. */
	void *(*record)(void *about, struct store_load *load, enum change_kind kind,
	                const void *key);
	/* The live verification of a slot. */
	struct verification *(*slot)(void *about, struct store_load *load, enum purpose purpose,
	                             struct bytes slot);
	/* Never USER_BY_ID, and never with NUL in the key. */
	struct user *(*user)(void *about, struct store_load *load, enum user_by by,
	                     struct bytes key);
	/* Those who have load->number in one of load->holds ways, in order; how many there are
	 * besides does not matter. */
	size_t (*holders)(void *about, struct store_load *load, struct user *ret[HOLDERS_MAX],
	                  bool *ret_more);
	bool (*event)(void *about, struct store_load *load);
};

/* Carries the load out: its answer is whole, or a fault with nothing found. */
void load_run(const struct load_source *source, void *about, struct store_load *load);
/* An answer that found nothing. */
void load_clear(struct store_load *load, enum err err);

#endif
