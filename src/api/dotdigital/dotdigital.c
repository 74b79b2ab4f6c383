/* SPDX-License-Identifier: Apache-2.0 */
/* The dialect's table of routes, and what comes before every call. */
#include "api/dotdigital/dotdigital_private.h"

static const struct route routes[] = {
    {{"POST", 4}, {"webapi/verify", 13}, dotdigital_create},
    {{"POST", 4}, {"webapi/verify/sendcode", 22}, dotdigital_create},
    {{"PUT", 3}, {"webapi/verify/{requestId}/validate", 34}, dotdigital_validate},
};

const struct owner dotdigital_owner = {
    .name = {"dotdigital", 10},
    .counted = METRICS_API_DOTDIGITAL,
    .routes = routes,
    .routes_n = sizeof(routes) / sizeof(routes[0]),
    .fold = true,
    .empty = EMPTY_LAST_DROPPED,
    .body_max = DOTDIGITAL_BODY_MAX,
    .misroute = route_misroute_text,
};

const struct json_options dotdigital_json = {
    .depth_max = 32,
    .lenient = true,
    .bom_skipped = true,
    .names_folded = true,
    .array_of_one = true,
};

/* ---- before every call ----------------------------------------------------------------------- */

/* application/json or text/json, whatever its parameters; no type at all means JSON. */
static bool media_type_is_json(const struct request *request)
{
	struct bytes type = request_media_type(request, NULL);
	return !type.at || bytes_equal_fold(type, BYTES("application/json")) ||
	       bytes_equal_fold(type, BYTES("text/json"));
}

static void on_auth(struct auth *auth)
{
	struct dotdigital_call *call = CONTAINER_OF(auth, struct dotdigital_call, auth);
	switch (auth->result) {
	case AUTH_ABSENT:
	case AUTH_UNREADABLE:
	case AUTH_WRONG:
	case AUTH_DISABLED:
	case AUTH_REVOKED:
	case AUTH_EXPIRED:
	case AUTH_FORBIDDEN:
		response_field(call->request, BYTES("WWW-Authenticate"),
		               BYTES("Basic realm=\"verify\""));
		dotdigital_answer(
		    call, 401, TEXT_PLAIN,
		    BYTES("No authorization header supplied or invalid username or password"));
		return;
	case AUTH_BUSY:
		dotdigital_answer_fault(call, ERR_OVERLOAD);
		return;
	case AUTH_OK:
		break;
	}
	call->settings = &auth->principal.domain->settings[API_DOTDIGITAL];
	if (!call->settings->dotdigital.enabled)
		dotdigital_answer(call, 404, TEXT_PLAIN, BYTES("not found\n"));
	else if (!media_type_is_json(call->request))
		dotdigital_answer(call, 415, TEXT_PLAIN,
		                  BYTES("the body must be application/json\n"));
	else
		call->run(call);
}

void dotdigital_begin(struct api *api, struct request *request, enum right right,
                      void (*run)(struct dotdigital_call *call))
{
	struct dotdigital_call *call = ARENA_NEW(request->arena, struct dotdigital_call);
	if (!call) {
		request_answer(request, 503, TEXT_PLAIN, BYTES("out of memory, try again\n"));
		return;
	}
	call->api = api;
	call->request = request;
	call->run = run;
	call->auth.request = request;
	call->auth.right = right;
	call->auth.on_done = on_auth;
	auth_basic(api, &call->auth);
}
