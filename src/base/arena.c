/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of at least ARENA_BLOCK octets in a list; a bump pointer in the newest. What was taken is
 * wiped when it is given back, so that what was not is always zero: the octets are cleared once
 * either way, and a request's secrets go with it. */
#include "base/arena.h"

#include "base/secret.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define ARENA_BLOCK ((size_t)16384 - sizeof(struct arena_block))
#define ARENA_ALIGN _Alignof(max_align_t)

struct arena_block {
	struct arena_block *next;
	size_t size;
	size_t used; /* once it is no longer the newest */
	_Alignas(max_align_t) char at[];
};

void arena_init(struct arena *arena)
{
	*arena = (struct arena){0};
}

static void blocks_free(struct arena_block *block)
{
	while (block) {
		struct arena_block *next = block->next;
		secret_wipe(block->at, block->used);
		free(block);
		block = next;
	}
}

void arena_done(struct arena *arena)
{
	if (arena->blocks)
		arena->blocks->used = arena->used;
	blocks_free(arena->blocks);
	arena_init(arena);
}

void arena_reset(struct arena *arena)
{
	struct arena_block *first = arena->blocks;
	if (!first)
		return;
	/* A block grown for one large request does not stay with an idle connection. */
	if (first->size > ARENA_BLOCK) {
		arena_done(arena);
		return;
	}
	blocks_free(first->next);
	first->next = NULL;
	secret_wipe(first->at, arena->used);
	arena->used = 0;
}

static struct arena_block *block_add(struct arena *arena, size_t size)
{
	size_t room = size > ARENA_BLOCK ? size : ARENA_BLOCK;
	struct arena_block *block = calloc(1, sizeof(*block) + room);
	if (!block)
		return NULL;
	if (arena->blocks)
		arena->blocks->used = arena->used;
	block->next = arena->blocks;
	block->size = room;
	arena->blocks = block;
	arena->used = 0;
	return block;
}

void *arena_take(struct arena *arena, size_t size)
{
	if (size > SIZE_MAX / 2)
		return NULL;
	size_t rounded = (size + ARENA_ALIGN - 1) & ~(ARENA_ALIGN - 1);
	struct arena_block *block = arena->blocks;
	if (!block || block->size - arena->used < rounded) {
		block = block_add(arena, rounded);
		if (!block)
			return NULL;
	}
	void *taken = block->at + arena->used;
	arena->used += rounded;
	return taken;
}

void *arena_take_array(struct arena *arena, size_t count, size_t size)
{
	size_t total;
	if (__builtin_mul_overflow(count, size, &total))
		return NULL;
	return arena_take(arena, total);
}

struct bytes arena_copy(struct arena *arena, struct bytes from)
{
	char *copy = from.len < SIZE_MAX ? arena_take(arena, from.len + 1) : NULL;
	if (!copy)
		return BYTES_NONE;
	if (from.len)
		memcpy(copy, from.at, from.len);
	return (struct bytes){copy, from.len};
}

struct bytes arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args, again;
	va_start(args, format);
	va_copy(again, args);
	int len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	char *text = len < 0 ? NULL : arena_take(arena, (size_t)len + 1);
	if (text)
		(void)vsnprintf(text, (size_t)len + 1, format, again);
	va_end(again);
	return text ? (struct bytes){text, (size_t)len} : BYTES_NONE;
}
