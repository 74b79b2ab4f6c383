/* SPDX-License-Identifier: Apache-2.0 */
/* Which octets may stand where, and the fields that mean the same in every version of HTTP. For the
 * files of http alone. */
#ifndef WIRE_HTTP_PRIVATE_H
#define WIRE_HTTP_PRIVATE_H

#include "wire/http.h"

enum http_class {
	HTTP_TOKEN = 1 << 0, /* tchar, RFC 9110 section 5.6.2 */
	HTTP_VALUE = 1 << 1, /* of a field: visible, space, tab, 0x80 and above */
	HTTP_PATH = 1 << 2,  /* pchar, '/' and '%', RFC 3986 section 3.3 */
	HTTP_QUERY = 1 << 3, /* the same, '?', and what browsers send unescaped: []\^`{|} */
	HTTP_HOST = 1 << 4,  /* unreserved: names and IPv4 addresses */
};

extern const unsigned char http_class_of[256];

static inline bool http_is(char c, enum http_class of)
{
	return (http_class_of[(unsigned char)c] & of) != 0;
}

bool http_all(struct bytes in, enum http_class of);

/* Sets *reterr and returns ERR_MALFORMED. */
enum err http_refuse(struct http_refusal *reterr, int status, const char *why);

/* RFC 3986 section 3.2.2, in part; http.c says which. */
bool http_authority_is_good(struct bytes in);
/* A target from its path on: sets path and query. */
enum err http_path_read(struct http_head *head, struct bytes in, struct http_refusal *reterr);
/* Fields that mean something to the reading of a request. */
enum err http_host_read(struct http_head *head, struct bytes value, struct http_refusal *reterr);
enum err http_length_read(struct http_head *head, struct bytes value, struct http_refusal *reterr);
enum err http_expect_read(struct http_head *head, struct bytes value, struct http_refusal *reterr);
/* Whether a field of that name, in lower case, may come after the body. */
bool http_trailer_is_allowed(struct bytes name);

#endif
