/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1.1 requests (RFC 9112): a head as bytes to a struct, and the chunked body. No sockets, no
 * allocation. Where the RFC lets a recipient choose it is the strict way: nothing is repaired, so
 * that no proxy before us can have read the same bytes differently. A refusal ends the connection.
 */
#ifndef WIRE_HTTP_H
#define WIRE_HTTP_H

#include "base/bytes.h"
#include "base/err.h"
#include "wire/field.h"

#include <stdint.h>

#define HTTP_METHOD_MAX 32         /* longer: 501 (RFC 9112 section 3) */
#define HTTP_LENGTH_DIGITS_MAX 18  /* of Content-Length: fits 64 bits */
#define HTTP_CHUNK_DIGITS_MAX 8    /* of a chunk's size, leading zeros counted */
#define HTTP_TRAILERS_MAX 16       /* lines: 431 */
#define HTTP_TRAILERS_LEN_MAX 4096 /* octets with their line ends: 431 */
#define HTTP_TRAILER_NAME_MAX 64

/* Why a request is not taken: a status for the answer and a literal. */
struct http_refusal {
	int status; /* 400, 414, 431, 501 or 505 */
	const char *why;
};

struct http_limits {
	size_t head_max;   /* octets from the first to the empty line's end: 431 */
	size_t target_max; /* 414 */
	size_t fields_max; /* 431 */
};

enum http_expect { HTTP_EXPECT_NOTHING, HTTP_EXPECT_CONTINUE, HTTP_EXPECT_OTHER };

/* A head, and how far its reading has come. Texts point into the input, or at literals. */
struct http_head {
	struct bytes method;
	struct bytes path;         /* begins with '/'; "*" for OPTIONS alone */
	struct bytes query;        /* without '?'; absent when there is none */
	struct bytes authority;    /* absent only in HTTP/1.0 */
	int minor;                 /* HTTP/1.0 or HTTP/1.1 */
	struct http_field *fields; /* the caller's array, limits.fields_max long */
	size_t fields_n;
	bool has_length;
	uint64_t length;
	bool chunked;
	bool close; /* the client wants the connection closed after the answer; always in 1.0 */
	enum http_expect expect;
	/* Reading. */
	size_t at;   /* octets looked at */
	size_t line; /* where the line begins that is being read */
	bool has_host, has_encoding;
	struct bytes target_authority; /* of an absolute-form target */
};

/* Before the first octet of every head. */
void http_head_init(struct http_head *head, struct http_field *fields);

/* Reads on. `in` begins where the head begins and holds all that has come of it (and maybe what
 * follows); between calls it grows at the same place, or the reading starts anew with
 * http_head_init. Octets are looked at once, whatever the pieces; a bad one is refused as soon as
 * it is there.
 * OK: *ret_used octets were the head. ERR_MORE: it is not complete. ERR_MALFORMED: *reterr. */
MUST_CHECK enum err http_head_decode(struct http_head *head, struct bytes in,
                                     const struct http_limits *limits, size_t *ret_used,
                                     struct http_refusal *reterr);

/* The chunked transfer coding (RFC 9112 section 7.1), strictly: no chunk extensions (no client of
 * note sends any, their limit is ours to choose, and recipients that differ over them have been
 * smuggled past), bounded trailers, which are checked and dropped. */
struct http_chunked {
	int state;
	size_t left;     /* of the chunk's data */
	unsigned digits; /* of the chunk's size so far */
	size_t trailers_n;
	size_t trailers_len;
	size_t name_len;
	char name[HTTP_TRAILER_NAME_MAX]; /* of the trailer, in lower case */
};

void http_chunked_init(struct http_chunked *chunked);

/* Takes from `in`, writes at most `room` octets of body to `to` (NULL: drops them). `to` may lie
 * at in.at or before it in the same memory: writing never overtakes reading.
 * OK: the body is complete, what follows belongs to the next request. ERR_MORE: `in` is used up,
 * or there is data and no room for it. Both set *ret_used and *ret_made. ERR_MALFORMED: *reterr. */
MUST_CHECK enum err http_chunked_decode(struct http_chunked *chunked, struct bytes in, char *to,
                                        size_t room, size_t *ret_used, size_t *ret_made,
                                        struct http_refusal *reterr);

/* A literal such as "Not Found"; empty for a status that has none. */
struct bytes http_reason(int status);

#endif
