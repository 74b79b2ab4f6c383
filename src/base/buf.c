/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include "base/secret.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define BUF_FIRST 256

void buf_init(struct buf *buf, size_t max)
{
	*buf = (struct buf){.max = max};
}

void buf_init_fixed(struct buf *buf, char *memory, size_t cap)
{
	*buf = (struct buf){.at = memory, .cap = cap, .max = cap - 1};
}

/* Answers and messages hold codes. */
static void memory_free(struct buf *buf)
{
	secret_wipe(buf->at, buf->cap);
	free(buf->at);
}

void buf_done(struct buf *buf)
{
	memory_free(buf);
	*buf = (struct buf){.max = buf->max};
}

void buf_clear(struct buf *buf)
{
	buf->len = 0;
	buf->failed = false;
}

/* One octet more is always there than is asked for: for the NUL that printf writes and we do not
 * count. */
char *buf_reserve(struct buf *buf, size_t more)
{
	if (buf->failed)
		return NULL;
	size_t need;
	if (__builtin_add_overflow(buf->len, more, &need) || need == SIZE_MAX ||
	    (buf->max && need > buf->max)) {
		buf->failed = true;
		return NULL;
	}
	if (need >= buf->cap) {
		size_t cap = buf->cap ? buf->cap : BUF_FIRST;
		while (cap <= need)
			cap = cap > SIZE_MAX / 2 ? SIZE_MAX : cap * 2;
		/* Not realloc, which would leave the octets where they were. */
		char *at = malloc(cap);
		if (!at) {
			buf->failed = true;
			return NULL;
		}
		if (buf->len)
			memcpy(at, buf->at, buf->len);
		memory_free(buf);
		buf->at = at;
		buf->cap = cap;
	}
	return buf->at + buf->len;
}

void buf_add(struct buf *buf, struct bytes more)
{
	if (more.len == 0)
		return;
	char *end = buf_reserve(buf, more.len);
	if (!end)
		return;
	memcpy(end, more.at, more.len);
	buf->len += more.len;
}

void buf_add_text(struct buf *buf, const char *text)
{
	buf_add(buf, bytes_from_text(text));
}

void buf_add_char(struct buf *buf, char c)
{
	buf_add(buf, (struct bytes){&c, 1});
}

void buf_add_u64(struct buf *buf, unsigned long long value)
{
	char digits[20];
	size_t at = sizeof(digits);
	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	buf_add(buf, (struct bytes){digits + at, sizeof(digits) - at});
}

void buf_printf(struct buf *buf, const char *format, ...)
{
	va_list args, again;
	va_start(args, format);
	va_copy(again, args);
	int len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	char *end = len < 0 ? NULL : buf_reserve(buf, (size_t)len);
	if (end) {
		(void)vsnprintf(end, (size_t)len + 1, format, again);
		buf->len += (size_t)len;
	} else {
		buf->failed = true;
	}
	va_end(again);
}

void buf_consume(struct buf *buf, size_t len)
{
	size_t gone = len < buf->len ? len : buf->len;
	buf->len -= gone;
	if (buf->len)
		memmove(buf->at, buf->at + gone, buf->len);
}
