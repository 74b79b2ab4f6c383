/* SPDX-License-Identifier: Apache-2.0 */
/* One request and its answer, whichever protocol carried them. A transport (net/http1,
 * net/http2) makes the request, calls the handler twice (head, then whole body) and is told the
 * answer once. No dialect asks which protocol it is serving.
 *
 * A request belongs to its transport, lives on one loop thread, and stays until it was answered,
 * also when the peer has gone meanwhile (`abandoned`): then the answer is dropped. */
#ifndef API_REQUEST_H
#define API_REQUEST_H

#include "base/arena.h"
#include "base/bytes.h"
#include "wire/field.h"

#include <stdint.h>

enum protocol { PROTOCOL_HTTP_1_0, PROTOCOL_HTTP_1_1, PROTOCOL_HTTP_2 };

#define RESPONSE_FIELDS_MAX 16

/* What is sent back. Text points into the request's arena, or at what outlives every request.
 * Date, Content-Length, Connection and their like are the transport's. */
struct response {
	int status;
	struct http_field fields[RESPONSE_FIELDS_MAX];
	size_t fields_n;
	struct bytes body;
	struct http_field
	    trailers[RESPONSE_FIELDS_MAX]; /* HTTP/2 and gRPC-Web; none for HTTP/1.1 */
	size_t trailers_n;
	bool close; /* the connection ends after this answer */
};

struct route;

#define PATH_VARIABLES_MAX 4

struct request {
	/* As it arrived. Borrowed from the transport until the answer. */
	enum protocol protocol;
	bool secure;                     /* came over TLS */
	bool admin;                      /* came by the operator's listener, ... */
	bool trusted;                    /* ... whose file's permissions said that he may */
	struct bytes method;             /* case matters: GET, POST, … */
	struct bytes path;               /* raw, begins with '/' */
	struct bytes query;              /* raw, without '?'; absent when there is none */
	struct bytes authority;          /* Host or :authority */
	const struct http_field *fields; /* in order of arrival; HTTP/2's are lower case */
	size_t fields_n;
	struct bytes body;   /* complete when on_request is called */
	bool has_length;     /* Content-Length was given: */
	uint64_t length;     /* its value */
	struct bytes peer;   /* the other end's address without port, as text */
	int64_t received_ms; /* engine clock, when the head was complete */
	struct arena *arena; /* given back after the answer */

	/* Set by on_head when it lets the request go on. */
	size_t body_max;
	const struct route *route;
	struct bytes variables[PATH_VARIABLES_MAX]; /* decoded once; in the pattern's order */

	bool abandoned; /* the peer has gone; nobody will read the answer */
	bool answered;
	/* Called once, on the loop, when the peer goes before the answer; may be NULL. The request
	 * must still be answered, unless its body never came whole (neither on_request nor
	 * on_too_large was called): then it is gone after this call. */
	void (*on_abandoned)(struct request *request);
	void *handler_data; /* the handler's own */

	struct response response;
	/* The transport's: writes `response`. Use request_answer. */
	void (*transport_send)(struct request *request);
};

/* What a transport needs of those who answer. One a loop thread. */
struct request_handler {
	/* The head is complete and the body not yet read. True: read the body, at most
	 * request->body_max octets (a longer one is on_too_large), then call on_request. False:
	 * the request is answered already. */
	bool (*on_head)(struct request_handler *handler, struct request *request);
	/* The body came to exceed body_max (or Content-Length said so): answer it. */
	void (*on_too_large)(struct request_handler *handler, struct request *request);
	/* Everything is there. Answers now or later. */
	void (*on_request)(struct request_handler *handler, struct request *request);
};

/* The value of the first field of that name (ASCII case folded), absent when there is none. */
struct bytes request_field(const struct request *request, struct bytes name);
/* How often the field stands in the request. */
size_t request_field_count(const struct request *request, struct bytes name);

/* The media type of the body, without its parameters; absent when none is said, empty when it is
 * said twice. *ret_parameters (NULL: not wanted) is what follows the first `;`. */
struct bytes request_media_type(const struct request *request, struct bytes *ret_parameters);

/* Adds a field to the answer. Name and value must outlive it; a value with CR, LF or NUL is an
 * assertion. */
void response_field(struct request *request, struct bytes name, struct bytes value);
/* Retry-After: that time in whole seconds, rounded up. */
void response_retry_after(struct request *request, int64_t wait_ms);
/* Sets status, Content-Type (none when absent) and body, and sends the answer. Exactly once. */
void request_answer(struct request *request, int status, struct bytes content_type,
                    struct bytes body);

#endif
