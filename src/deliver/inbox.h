/* SPDX-License-Identifier: Apache-2.0 */
/* The developer inbox: takes every message at once and keeps the last INBOX_KEPT of them in memory,
 * so that a person or a test can read what a phone would have shown. Belongs to the delivery
 * thread; knows no loop and no clock. */
#ifndef DELIVER_INBOX_H
#define DELIVER_INBOX_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/id.h"

#include <stdint.h>

#define INBOX_KEPT 500

/* One text. `id` sorts by the order of arrival. */
struct inbox_text {
	struct id id;
	struct bytes to; /* digits, without + */
	struct bytes from;
	struct bytes text;
	struct bytes code;
	int64_t at_ms;
};

struct inbox;

/* `rng` is borrowed. NULL: no memory. */
struct inbox *inbox_new(struct rng *rng);
void inbox_free(struct inbox *inbox);

/* Takes a copy of `text` (all but its id) and gives it an id after all others. The oldest goes when
 * there are more than INBOX_KEPT. */
MUST_CHECK enum err inbox_add(struct inbox *inbox, const struct inbox_text *text);
void inbox_clear(struct inbox *inbox);

/* Which texts one asks for. */
struct inbox_filter {
	struct bytes to;    /* exactly these digits; absent: any */
	struct bytes since; /* an id as text; only what came after it; absent: all */
	size_t max;
};

/* Copies what passes the filter into `arena`, newest first; takes nothing from it when nothing
 * passes. ERR_NO_MEMORY. */
MUST_CHECK enum err inbox_read(const struct inbox *inbox, const struct inbox_filter *filter,
                               struct arena *arena, struct inbox_text **ret, size_t *ret_n);

#endif
