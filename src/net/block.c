/* SPDX-License-Identifier: Apache-2.0 */
#include "net/block.h"

#include "base/secret.h"

#include <assert.h>

void block_pool_init(struct block_pool *pool, size_t large)
{
	*pool = (struct block_pool){.large = large > BLOCK_SMALL ? large : BLOCK_SMALL + 1};
}

void block_pool_done(struct block_pool *pool)
{
	for (int kind = 0; kind < 2; kind++) {
		struct block *block = pool->kept[kind];
		while (block) {
			struct block *next = block->next;
			free(block);
			block = next;
		}
	}
	block_pool_init(pool, pool->large);
}

struct block *block_take(struct block_pool *pool, size_t size)
{
	assert(size <= pool->large);
	int kind = size > BLOCK_SMALL;
	struct block *block = pool->kept[kind];
	if (block) {
		pool->kept[kind] = block->next;
		pool->kept_n[kind]--;
	} else {
		size_t real = kind ? pool->large : BLOCK_SMALL;
		block = malloc(sizeof(*block) + real);
		if (!block)
			return NULL;
		block->size = real;
	}
	block->next = NULL;
	block->at = block->end = block->used = 0;
	return block;
}

void block_set(struct block *block, size_t at, size_t end)
{
	if (block->end > block->used)
		block->used = block->end;
	block->at = at;
	block->end = end;
}

void block_give(struct block_pool *pool, struct block *block)
{
	if (!block)
		return;
	secret_wipe(block->data, block->end > block->used ? block->end : block->used);
	int kind = block->size > BLOCK_SMALL;
	if (pool->kept_n[kind] == BLOCKS_KEPT_MAX) {
		free(block);
		return;
	}
	block->next = pool->kept[kind];
	pool->kept[kind] = block;
	pool->kept_n[kind]++;
}
