/* SPDX-License-Identifier: Apache-2.0 */
/* A pointer and a length: how every room passes text and octets that somebody else owns. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Borrowed octets: never freed through this, not NUL-terminated. `at` may be NULL when len is 0;
 * `at == NULL` is "not given" where a field may be absent. */
struct bytes {
	const char *at;
	size_t len;
};

/* A literal as bytes: BYTES("text"). */
#define BYTES(literal) ((struct bytes){"" literal, sizeof(literal) - 1})
#define BYTES_NONE ((struct bytes){NULL, 0})

/* Any memory as bytes. */
static inline struct bytes bytes_of(const void *at, size_t len)
{
	return (struct bytes){at, len};
}

static inline struct bytes bytes_from_text(const char *text)
{
	return (struct bytes){text, text ? strlen(text) : 0};
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

/* The part of `in` from `from` on; empty when `from` lies past the end. */
static inline struct bytes bytes_from(struct bytes in, size_t from)
{
	/* Nothing may be added to NULL, not even 0. */
	size_t gone = from < in.len ? from : in.len;
	return gone ? (struct bytes){in.at + gone, in.len - gone} : in;
}

static inline struct bytes bytes_first(struct bytes in, size_t len)
{
	return (struct bytes){in.at, len < in.len ? len : in.len};
}

/* ASCII case only; other octets compare as they are. */
static inline char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static inline bool ascii_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* 0 to 15, or -1 for what is no hexadecimal digit. */
static inline int ascii_hex_value(char c)
{
	if (ascii_is_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool bytes_equal_fold(struct bytes a, struct bytes b);
bool bytes_start_with(struct bytes in, struct bytes prefix);
/* Where `c` first stands, or in.len. */
size_t bytes_find(struct bytes in, char c);
/* Without the spaces and tabs at both ends. */
struct bytes bytes_trim(struct bytes in);
/* Whether `in` is well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms, at most U+10FFFF).
 */
bool bytes_are_utf8(struct bytes in);

#endif
