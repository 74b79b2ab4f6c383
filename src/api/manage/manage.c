/* SPDX-License-Identifier: Apache-2.0 */
/* The dialect's table of routes, and what comes before every call: who calls, from where his user
 * does, how often, and a body that is JSON. */
#include "api/manage/manage_private.h"

static void manage_misroute(struct api *api, struct request *request, enum misroute why);

static const struct route routes[] = {
    {{"POST", 4}, {"v2/user/validate/otp", 20}, manage_validate},
    {{"POST", 4}, {"v2/user/send/otp", 16}, manage_send},
    {{"POST", 4}, {"v2/user/list/rolloutStage", 25}, manage_rollout},
};

const struct owner manage_owner = {
    .name = {"manage", 6},
    .counted = METRICS_API_MANAGE,
    .routes = routes,
    .routes_n = sizeof(routes) / sizeof(routes[0]),
    .empty = EMPTY_REFUSED,
    .body_max = MANAGE_BODY_MAX,
    .misroute = manage_misroute,
};

/* ---- a call ---------------------------------------------------------------------------------- */

/* NULL: answered, as well as it can be without memory or random octets. */
static struct manage_call *call_new(struct api *api, struct request *request)
{
	struct manage_call *call = ARENA_NEW(request->arena, struct manage_call);
	struct id id;
	if (!call || id_make_random(api->rng, &id) != OK) {
		request_answer(request, 500, BYTES("application/json"),
		               BYTES("{\"errors\":[{\"errorCode\":100007,\"errorTitle\":"
		                     "\"INTERNAL_SERVER_ERROR\",\"errorMessage\":\"Internal Server "
		                     "Error\"}],\"warnings\":[],\"apiRequestId\":\"\"}"));
		return NULL;
	}
	call->api = api;
	call->request = request;
	id_format(&id, call->request_id);
	return call;
}

static void manage_misroute(struct api *api, struct request *request, enum misroute why)
{
	static const enum manage_error errors[] = {
	    [MISROUTE_BAD_PATH] = MANAGE_BAD_REQUEST,
	    [MISROUTE_NOT_FOUND] = MANAGE_NOT_FOUND,
	    [MISROUTE_METHOD] = MANAGE_METHOD,
	    [MISROUTE_TOO_LARGE] = MANAGE_BAD_REQUEST,
	};
	struct manage_call *call = call_new(api, request);
	if (!call)
		return;
	if (why == MISROUTE_TOO_LARGE)
		manage_fault(call, "body", "is larger than 16 KiB");
	if (why == MISROUTE_BAD_PATH)
		manage_fault(call, "path", "is not well formed");
	if (call->faults_n)
		manage_refuse_faults(call);
	else
		manage_refuse(call, errors[why]);
}

/* ---- who, and from where --------------------------------------------------------------------- */

/* Believed because an authenticated caller says it. It counts, and it is noted; it never grants. */
static bool client_ip_read(struct manage_call *call)
{
	struct bytes name = BYTES("clientIp");
	size_t count = request_field_count(call->request, name);
	call->has_ip = count == 1 && ip_parse(request_field(call->request, name), &call->ip);
	call->client_ip_ignored = count && !call->has_ip;
	if (!call->has_ip)
		return true;
	char text[IP_TEXT_MAX];
	struct ip network = ip_network(&call->ip);
	ip_format(&call->ip, text);
	call->address = arena_copy(call->request->arena, bytes_from_text(text));
	ip_format(&network, text);
	call->ip_text = arena_copy(call->request->arena, bytes_from_text(text));
	return call->address.at && call->ip_text.at;
}

/* False: answered. */
static bool call_is_within_limit(struct manage_call *call)
{
	const struct quota_who who = {
	    .quota = QUOTA_CLIENT_CALLS,
	    .tenant = call->auth.principal.domain->tenant.id,
	    .name = call->auth.principal.account->client.name,
	};
	int64_t wait_ms = quota_wait_ms(call->api, &who, &call->settings->limits);
	if (wait_ms)
		manage_refuse_for(call, wait_ms);
	else
		quota_charge(call->api, &who, &call->settings->limits);
	return !wait_ms;
}

static void on_auth(struct auth *auth)
{
	struct manage_call *call = CONTAINER_OF(auth, struct manage_call, auth);
	switch (auth->result) {
	case AUTH_ABSENT:
	case AUTH_UNREADABLE:
		manage_refuse(call, MANAGE_NO_CREDENTIALS);
		return;
	case AUTH_WRONG:
	case AUTH_DISABLED:
	case AUTH_REVOKED:
	case AUTH_EXPIRED:
		manage_refuse(call, auth->lookup.name.len && auth->secret.len
		                        ? MANAGE_CREDENTIALS
		                        : MANAGE_NO_CREDENTIALS);
		return;
	case AUTH_BUSY:
		manage_answer_fault(call, ERR_OVERLOAD);
		return;
	case AUTH_FORBIDDEN:
		manage_refuse(call, MANAGE_FORBIDDEN);
		return;
	case AUTH_OK:
		break;
	}
	call->settings = &auth->principal.domain->settings[API_MANAGE];
	if (!auth->lookup.name.len || !auth->secret.len)
		manage_refuse(call, MANAGE_NO_CREDENTIALS);
	else if (!client_ip_read(call))
		manage_answer_fault(call, ERR_NO_MEMORY);
	else if (!call->settings->manage.enabled)
		manage_refuse(call, MANAGE_NOT_FOUND);
	else if (call_is_within_limit(call))
		call->run(call);
}

void manage_begin(struct api *api, struct request *request, enum right right,
                  void (*run)(struct manage_call *call))
{
	struct manage_call *call = call_new(api, request);
	if (!call)
		return;
	call->run = run;
	call->auth.request = request;
	call->auth.right = right;
	call->auth.on_done = on_auth;
	auth_basic(api, &call->auth);
}

/* ---- the body -------------------------------------------------------------------------------- */

/* application/json, with no charset but UTF-8; no type at all means JSON. */
static bool media_type_is_json(const struct request *request)
{
	struct bytes parameters, type = request_media_type(request, &parameters);
	if (type.at && !bytes_equal_fold(type, BYTES("application/json")))
		return false;
	while (parameters.len) {
		size_t end = bytes_find(parameters, ';');
		struct bytes parameter = bytes_trim(bytes_first(parameters, end));
		size_t equals = bytes_find(parameter, '=');
		struct bytes value = bytes_trim(bytes_from(parameter, equals + 1));
		if (bytes_equal_fold(bytes_trim(bytes_first(parameter, equals)),
		                     BYTES("charset")) &&
		    !bytes_equal_fold(value, BYTES("utf-8")) &&
		    !bytes_equal_fold(value, BYTES("\"utf-8\"")))
			return false;
		parameters = bytes_from(parameters, end + 1);
	}
	return true;
}

bool manage_read(struct manage_call *call, const struct json_member *members, size_t members_n,
                 void *body, struct json_found *ret)
{
	static const struct json_options options = {.depth_max = 16, .duplicates_refused = true};
	struct json_refusal refusal;
	call->members = members;
	call->members_n = members_n;
	if (!media_type_is_json(call->request)) {
		manage_fault(call, "Content-Type", "must be application/json in UTF-8");
		manage_refuse_faults(call);
		return false;
	}
	enum err err = json_object_read(call->request->body, &options, members, members_n,
	                                call->request->arena, body, ret, &refusal);
	if (err == ERR_NO_MEMORY) {
		manage_answer_fault(call, err);
		return false;
	}
	if (err) {
		manage_fault(call, "body",
		             refusal.name.len ? "has a member twice"
		                              : "is not a JSON object in UTF-8");
		manage_refuse_faults(call);
		return false;
	}
	for (size_t row = 0; row < members_n; row++)
		if (json_found_wrong_type(ret, row))
			manage_fault(call, members[row].name.at,
			             members[row].kind == JSON_TEXT_ARRAY
			                 ? "must be a list of strings"
			                 : "must be a string");
	return true;
}
