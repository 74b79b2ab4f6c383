/* SPDX-License-Identifier: Apache-2.0 */
/* A growing buffer for what we write. Appending never fails at the call: a buffer that found no
 * memory, or reached its `max`, remembers it (`failed`) and ignores what follows, so that a writer
 * checks once at its end. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/bytes.h"

struct buf {
	char *at; /* owned */
	size_t len;
	size_t cap;
	size_t max; /* 0: no limit */
	bool failed;
};

void buf_init(struct buf *buf, size_t max);
/* Over memory of the caller's, `cap` at least 2, which it never outgrows: at most cap - 1 octets.
 * Not for buf_done. */
void buf_init_fixed(struct buf *buf, char *memory, size_t cap);
/* Wipes its memory and gives it back. */
void buf_done(struct buf *buf);
/* Empty again, memory kept, failure forgotten. */
void buf_clear(struct buf *buf);

void buf_add(struct buf *buf, struct bytes more);
void buf_add_text(struct buf *buf, const char *text);
void buf_add_char(struct buf *buf, char c);
void buf_add_u64(struct buf *buf, unsigned long long value);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Drops the first `len` octets. */
void buf_consume(struct buf *buf, size_t len);
/* Makes room for `more` octets after the end and returns where they go, or NULL (failed). The
 * caller raises `len` by what it wrote. */
char *buf_reserve(struct buf *buf, size_t more);

static inline struct bytes buf_bytes(const struct buf *buf)
{
	return (struct bytes){buf->at, buf->len};
}

#endif
