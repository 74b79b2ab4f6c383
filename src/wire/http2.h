/* SPDX-License-Identifier: Apache-2.0 */
/* A request's head as HTTP/2 carries it (RFC 9113 section 8.3): field by field to the same struct
 * that HTTP/1.1's becomes, judged as strictly, so that a request means the same over both. No
 * frames and no HPACK: those are a library's, and so is what it has refused by then: upper case and
 * octets that no field may hold, pseudo-fields that are unknown, doubled or late, fields about the
 * connection, a TE other than trailers. */
#ifndef WIRE_HTTP2_H
#define WIRE_HTTP2_H

#include "wire/http.h"

#define HTTP2_PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define HTTP2_FIELD_COST ((size_t)32) /* beside name and value: RFC 9113 section 6.5.2 */

/* One field, pseudo or not, of a head begun with http_head_init; its texts must outlive the head.
 * head->at sums up what the fields cost, which limits->head_max bounds. ERR_MALFORMED: *reterr. */
MUST_CHECK enum err http2_head_add(struct http_head *head, struct http_field field,
                                   const struct http_limits *limits, struct http_refusal *reterr);
/* After the last field. ERR_MALFORMED: *reterr. */
MUST_CHECK enum err http2_head_end(struct http_head *head, struct http_refusal *reterr);

/* Trailers are checked and dropped. */
struct http2_trailers {
	size_t n;
	size_t len; /* what they cost */
};
MUST_CHECK enum err http2_trailer_add(struct http2_trailers *trailers, struct http_field field,
                                      struct http_refusal *reterr);

#endif
