/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of one request: taken piece by piece, given back all at once.
 * What goes back is wiped: requests carry codes and secrets. An arena has one owner and is not for
 * two threads at a time. When the system has no more memory the taking function returns NULL and
 * the arena stays usable. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/bytes.h"

struct arena_block;

struct arena {
	struct arena_block *blocks; /* owned; newest first */
	size_t used;                /* of the newest block */
};

/* An empty arena; takes no memory until it is asked for some. */
void arena_init(struct arena *arena);
/* Gives everything back, wiped. */
void arena_done(struct arena *arena);
/* Wipes and forgets everything taken but keeps one block for the next request. */
void arena_reset(struct arena *arena);

/* `size` zeroed octets aligned for any type, or NULL. */
void *arena_take(struct arena *arena, size_t size) __attribute__((malloc, alloc_size(2)));
/* `count` times `size`, NULL also when the product overflows. */
void *arena_take_array(struct arena *arena, size_t count, size_t size);
/* A copy with a NUL after it (not counted); `at` is NULL when there is no memory. */
struct bytes arena_copy(struct arena *arena, struct bytes from);
/* printf into the arena; `at` is NULL when there is no memory. */
struct bytes arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#define ARENA_NEW(arena, type) ((type *)arena_take((arena), sizeof(type)))

#endif
