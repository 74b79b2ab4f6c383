/* SPDX-License-Identifier: Apache-2.0 */
#include "api/route.h"

#include "api/dotdigital/dotdigital.h"
#include "api/manage/manage.h"
#include "api/native/native.h"
#include "wire/uri.h"

#include <assert.h>

const struct bytes TEXT_PLAIN = {"text/plain; charset=utf-8", 25};

/* ---- segments -------------------------------------------------------------------------------- */

/* The raw path, cut at each '/'. */
struct path {
	struct bytes segments[PATH_SEGMENTS_MAX];
	size_t n;
	bool too_many; /* for any route */
};

static void path_split(struct bytes raw, struct path *ret)
{
	ret->n = 0;
	ret->too_many = false;
	while (raw.len) {
		raw = bytes_from(raw, 1); /* the '/' */
		size_t len = bytes_find(raw, '/');
		if (ret->n == PATH_SEGMENTS_MAX) {
			ret->too_many = true;
			return;
		}
		ret->segments[ret->n++] = bytes_first(raw, len);
		raw = bytes_from(raw, len);
	}
}

static bool words_match(struct bytes a, struct bytes b, bool fold)
{
	return fold ? bytes_equal_fold(a, b) : bytes_equal(a, b);
}

static bool path_is_sound(const struct path *path, struct arena *arena)
{
	for (size_t i = 0; i < path->n; i++) {
		struct bytes decoded;
		if (uri_decode_segment(path->segments[i], arena, &decoded) != OK)
			return false;
	}
	return true;
}

/* ---- routes ---------------------------------------------------------------------------------- */

static bool is_variable(struct bytes segment)
{
	return segment.len && segment.at[0] == '{';
}

/* The next segment of a pattern, which is written without the first '/'. */
static bool pattern_next(struct bytes *pattern, struct bytes *ret)
{
	if (!pattern->at)
		return false;
	size_t len = bytes_find(*pattern, '/');
	*ret = bytes_first(*pattern, len);
	*pattern = len == pattern->len ? BYTES_NONE : bytes_from(*pattern, len + 1);
	return true;
}

static bool route_matches(const struct route *route, const struct path *path, bool fold)
{
	struct bytes pattern = route->pattern, word;
	if (path->too_many)
		return false;
	for (size_t i = 0; i < path->n; i++) {
		if (!pattern_next(&pattern, &word))
			return false;
		if (!is_variable(word) && !words_match(path->segments[i], word, fold))
			return false;
	}
	return !pattern.at;
}

static void variables_take(const struct route *route, const struct path *path,
                           struct request *request)
{
	struct bytes pattern = route->pattern, word;
	size_t n = 0;
	for (size_t i = 0; i < path->n && pattern_next(&pattern, &word); i++) {
		if (!is_variable(word))
			continue;
		assert(n < PATH_VARIABLES_MAX);
		/* path_is_sound has decoded it once already. */
		if (uri_decode_segment(path->segments[i], request->arena, &request->variables[n]) !=
		    OK)
			request->variables[n] = BYTES("");
		n++;
	}
}

/* "GET, HEAD": the methods of the routes that this path would match. */
static struct bytes allowed_methods(const struct owner *owner, const struct path *path,
                                    struct arena *arena)
{
	struct bytes allowed = BYTES("");
	for (size_t i = 0; i < owner->routes_n; i++) {
		const struct route *route = &owner->routes[i];
		if (!route_matches(route, path, owner->fold))
			continue;
		allowed =
		    arena_printf(arena, "%.*s%s%.*s", (int)allowed.len, allowed.at,
		                 allowed.len ? ", " : "", (int)route->method.len, route->method.at);
	}
	return allowed;
}

static const struct route *route_find(const struct owner *owner, const struct path *path,
                                      struct bytes method)
{
	for (size_t i = 0; i < owner->routes_n; i++)
		if (bytes_equal(owner->routes[i].method, method) &&
		    route_matches(&owner->routes[i], path, owner->fold))
			return &owner->routes[i];
	return NULL;
}

/* ---- owners ---------------------------------------------------------------------------------- */

/* The first segments that make a path somebody's. What nobody owns is the house's. */
static const struct {
	struct bytes first;
	bool fold;
	const struct owner *owner;
	enum api_name api; /* API_NAMES: of none */
} owners[] = {
    {{"webapi", 6}, true, &dotdigital_owner, API_DOTDIGITAL},
    {{"healthz", 7}, false, &native_owner, API_NAMES},
    {{"readyz", 6}, false, &native_owner, API_NAMES},
    {{"metrics", 7}, false, &native_owner, API_NAMES},
    {{"inbox", 5}, false, &native_owner, API_NAMES},
};

/* Whether some method of it is served there. */
static bool owner_has(const struct owner *owner, const struct path *path)
{
	for (size_t i = 0; i < owner->routes_n; i++)
		if (route_matches(&owner->routes[i], path, owner->fold))
			return true;
	return false;
}

/* Takes the words of `prefix` off the path; false: it does not begin with them. */
static bool prefix_take(struct bytes prefix, struct path *path)
{
	struct path words;
	path_split(prefix, &words);
	if (path->n < words.n)
		return false;
	for (size_t i = 0; i < words.n; i++)
		if (!bytes_equal(path->segments[i], words.segments[i]))
			return false;
	path->n -= words.n;
	memmove(path->segments, path->segments + words.n, path->n * sizeof(path->segments[0]));
	return true;
}

/* The manage API stands behind a prefix that the operator chooses. Without one it has the paths of
 * its routes and no others. */
static bool manage_owns(const struct api_shared *shared, struct path *path)
{
	struct path rest = *path;
	if (shared->api_off[API_MANAGE] || !prefix_take(shared->manage_prefix, &rest))
		return false;
	if (!shared->manage_prefix.len && !owner_has(&manage_owner, &rest))
		return false;
	*path = rest;
	return true;
}

/* An API that the server does not serve owns nothing, nor does any where operators ask. From now on
 * the path is what the owner's patterns speak of. */
static const struct owner *owner_find(const struct api_shared *shared, bool admin,
                                      struct path *path)
{
	for (size_t i = 0; i < sizeof(owners) / sizeof(owners[0]); i++)
		if (path->n && words_match(path->segments[0], owners[i].first, owners[i].fold) &&
		    (owners[i].api == API_NAMES || (!admin && !shared->api_off[owners[i].api])))
			return owners[i].owner;
	return !admin && manage_owns(shared, path) ? &manage_owner : &house_owner;
}

/* The owner that a request went to, for what is found out after its head. */
struct routed {
	const struct owner *owner;
	struct api *api;
	void (*transport_send)(struct request *request); /* the transport's own */
};

static const struct owner *request_owner(const struct request *request)
{
	return request->handler_data ? ((const struct routed *)request->handler_data)->owner
	                             : &house_owner;
}

/* Every answer to a routed request leaves through here. */
static void on_answer(struct request *request)
{
	const struct routed *routed = request->handler_data;
	struct api *api = routed->api;
	metrics_answered(&api->counts, routed->owner->counted, request->response.status,
	                 api_now_ms(api) - request->received_ms);
	request->transport_send = routed->transport_send;
	request->transport_send(request);
}

static bool misroute(struct request_handler *handler, const struct owner *owner,
                     struct request *request, enum misroute why)
{
	owner->misroute(api_of(handler), request, why);
	return false;
}

bool route_on_head(struct request_handler *handler, struct request *request)
{
	struct path path;
	path_split(request->path, &path);
	const struct owner *owner = owner_find(api_of(handler)->shared, request->admin, &path);
	struct routed *routed = ARENA_NEW(request->arena, struct routed);
	request->handler_data = routed;
	if (routed) {
		*routed = (struct routed){owner, api_of(handler), request->transport_send};
		request->transport_send = on_answer;
	}
	if (!path_is_sound(&path, request->arena))
		return misroute(handler, owner, request, MISROUTE_BAD_PATH);
	if (owner->empty == EMPTY_LAST_DROPPED && path.n > 1 && !path.segments[path.n - 1].len)
		path.n--;
	const struct route *route = route_find(owner, &path, request->method);
	if (!route) {
		struct bytes allowed = allowed_methods(owner, &path, request->arena);
		if (!allowed.len)
			return misroute(handler, owner, request, MISROUTE_NOT_FOUND);
		response_field(request, BYTES("Allow"), allowed);
		return misroute(handler, owner, request, MISROUTE_METHOD);
	}
	request->body_max = owner->body_max;
	if (request->has_length && request->length > owner->body_max)
		return misroute(handler, owner, request, MISROUTE_TOO_LARGE);
	request->route = route;
	variables_take(route, &path, request);
	return true;
}

void route_on_too_large(struct request_handler *handler, struct request *request)
{
	request_owner(request)->misroute(api_of(handler), request, MISROUTE_TOO_LARGE);
}

void route_on_request(struct request_handler *handler, struct request *request)
{
	request->route->run(api_of(handler), request);
}

/* ---- for owners ------------------------------------------------------------------------------ */

void route_misroute_text(struct api *api, struct request *request, enum misroute why)
{
	(void)api;
	static const struct {
		int status;
		struct bytes text;
	} answers[] = {
	    [MISROUTE_BAD_PATH] = {400, {"bad request: the path is not well formed\n", 41}},
	    [MISROUTE_NOT_FOUND] = {404, {"not found\n", 10}},
	    [MISROUTE_METHOD] = {405, {"method not allowed\n", 19}},
	    [MISROUTE_TOO_LARGE] = {413, {"the body is too large\n", 22}},
	};
	request_answer(request, answers[why].status, TEXT_PLAIN, answers[why].text);
}
