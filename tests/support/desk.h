/* SPDX-License-Identifier: Apache-2.0 */
/* A thread's desk at a store: makes a call, runs the executor until its answer is there. */
#ifndef TESTS_SUPPORT_DESK_H
#define TESTS_SUPPORT_DESK_H

#include "core/port_store.h"
#include "support/executor.h"

struct desk {
	struct test_executor executor;
	struct store *store;
	struct arena arena; /* what calls answer; goes with desk_done */
};

/* The desk's executor is ready; the caller then attaches `store` to it. */
void desk_init(struct desk *desk);
/* Closes the store's handle too. */
void desk_done(struct desk *desk);

enum err desk_commit(struct desk *desk, const struct change *changes, size_t n);
enum err desk_change(struct desk *desk, enum change_kind kind, const void *record);
/* The caller fills in what is asked, but for arena and on_done. */
enum err desk_load(struct desk *desk, struct store_load *load);
enum err desk_claim(struct desk *desk, int64_t now_ms, int64_t lapse_ms, size_t max,
                    struct claimed **ret, size_t *ret_n);
/* Rows as in struct store_tally. */
enum err desk_tally(struct desk *desk, struct tally_row *rows, size_t n);
/* One step. */
enum err desk_purge(struct desk *desk, int64_t now_ms, int64_t before_ms, size_t *ret_deleted,
                    bool *ret_more);
/* Steps until there is no more; how many rows went. */
size_t desk_purge_all(struct desk *desk, int64_t now_ms, int64_t before_ms);
struct store_counts desk_count(struct desk *desk);
/* One page, behind `after` unless it is NULL. */
enum err desk_walk(struct desk *desk, enum change_kind kind, const void *after,
                   const void *ret[WALK_MAX], size_t *ret_n);
/* The caller fills in what is asked, but for on_done. */
enum err desk_erase(struct desk *desk, struct store_erase *erase);

#endif
