/* SPDX-License-Identifier: Apache-2.0 */
/* Which dialect owns a path, and which of its routes is meant. An owner is chosen by the first
 * segments of the raw path; what is not its route is its own 404 or 405. Nothing is redirected and
 * no dot segment resolved. */
#ifndef API_ROUTE_H
#define API_ROUTE_H

#include "api/api.h"

#define PATH_SEGMENTS_MAX 16

/* How long after its head a request may begin a further attempt at the store. */
#define REQUEST_DEADLINE_MS INT64_C(10000)

/* One call of an API. */
struct route {
	struct bytes method;
	struct bytes pattern; /* "webapi/verify/{id}/validate": {…} is a variable segment */
	void (*run)(struct api *api, struct request *request);
};

/* What an owner does with empty segments. */
enum empty_segments {
	EMPTY_REFUSED,      /* they are segments, which match no route */
	EMPTY_LAST_DROPPED, /* a trailing '/' is ignored */
};

/* Why a request never reached a route. */
enum misroute {
	MISROUTE_BAD_PATH,  /* an escape that is none, a decoded NUL, a dot segment: 400 */
	MISROUTE_NOT_FOUND, /* 404 */
	MISROUTE_METHOD,    /* 405; Allow is already set */
	MISROUTE_TOO_LARGE, /* 413 */
};

/* A dialect, or the house itself. */
struct owner {
	struct bytes name;
	enum metrics_api counted; /* as whose its requests are */
	const struct route *routes;
	size_t routes_n;
	bool fold; /* literal segments match in any ASCII case */
	enum empty_segments empty;
	size_t body_max;
	/* Answers in the owner's own words. */
	void (*misroute)(struct api *api, struct request *request, enum misroute why);
};

/* The three callbacks of api->handler. */
bool route_on_head(struct request_handler *handler, struct request *request);
void route_on_too_large(struct request_handler *handler, struct request *request);
void route_on_request(struct request_handler *handler, struct request *request);

/* text/plain; charset=utf-8, for all who answer in text. */
extern const struct bytes TEXT_PLAIN;
/* The misroute of owners who answer in plain text. */
void route_misroute_text(struct api *api, struct request *request, enum misroute why);

#endif
