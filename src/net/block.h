/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of memory for octets that come and go, kept for reuse by one loop. Two sizes: almost every
 * request fits the small one, so a client that sends its head slowly costs little. */
#ifndef NET_BLOCK_H
#define NET_BLOCK_H

#include "base/bytes.h"

#define BLOCK_SMALL ((size_t)4096 - sizeof(struct block))
#define BLOCKS_KEPT_MAX 64 /* of each size; more are given back to the system */

struct block {
	struct block *next;
	size_t size;
	size_t at;   /* octets before it are done with */
	size_t end;  /* octets before it were written */
	size_t used; /* `end` at its highest before block_set took it back */
	char data[];
};

struct block_pool {
	size_t large; /* octets of a large block; not below BLOCK_SMALL */
	struct block *kept[2];
	size_t kept_n[2];
};

void block_pool_init(struct block_pool *pool, size_t large);
void block_pool_done(struct block_pool *pool);

/* An empty block of at least `size` octets, at most pool->large; NULL when there is no memory. */
struct block *block_take(struct block_pool *pool, size_t size);
/* Puts both ends elsewhere; what was written stays until it is wiped. */
void block_set(struct block *block, size_t at, size_t end);
/* Wipes what was written: it held codes and secrets. NULL is fine. */
void block_give(struct block_pool *pool, struct block *block);

static inline struct bytes block_bytes(const struct block *block)
{
	return (struct bytes){block->data + block->at, block->end - block->at};
}

#endif
