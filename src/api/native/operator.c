/* SPDX-License-Identifier: Apache-2.0 */
#include "api/native/operator.h"

#include "api/native/native.h"

#include "api/native/operator_port.h"
#include "api/route.h"

static const struct bytes metrics_type = {"text/plain; version=0.0.4; charset=utf-8", 40};

/* ---- /readyz --------------------------------------------------------------------------------- */

static bool has_store(const struct api *api)
{
	uint64_t generation;
	return api->store->ops->generation(api->store, &generation) == OK &&
	       api->shared->operator_port->store_writes(api->shared->operator_port);
}

void operator_readyz(struct api *api, struct request *request)
{
	const struct api_shared *shared = api->shared;
	const struct {
		bool holds;
		const char *line;
	} reasons[] = {
	    {!shared->can_send, "no provider configured\n"},
	    {!has_store(api), "store unreachable\n"},
	    {shared->operator_port->is_stopping(shared->operator_port), "stopping\n"},
	};
	struct bytes why = BYTES("");
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].holds)
			why = arena_printf(request->arena, "%.*s%s", (int)why.len, why.at,
			                   reasons[i].line);
	response_field(request, BYTES("Cache-Control"), BYTES("no-store"));
	if (!why.at)
		request_answer(request, 503, TEXT_PLAIN, BYTES("out of memory\n"));
	else if (why.len)
		request_answer(request, 503, TEXT_PLAIN, why);
	else
		request_answer(request, 200, TEXT_PLAIN, BYTES("ok"));
}

/* ---- /metrics -------------------------------------------------------------------------------- */

struct metrics_call {
	struct metrics_query query;
	struct request *request;
};

static void on_gathered(struct metrics_query *query)
{
	struct request *request = CONTAINER_OF(query, struct metrics_call, query)->request;
	struct bytes body = BYTES_NONE;
	struct buf text;
	buf_init(&text, 0);
	metrics_format(&query->metrics, &text);
	if (!text.failed)
		body = arena_copy(request->arena, buf_bytes(&text));
	buf_done(&text);
	response_field(request, BYTES("Cache-Control"), BYTES("no-store"));
	if (body.at)
		request_answer(request, 200, metrics_type, body);
	else
		request_answer(request, 503, TEXT_PLAIN, BYTES("out of memory\n"));
}

void operator_metrics(struct api *api, struct request *request)
{
	if (!native_is_shown(api, request)) {
		route_misroute_text(api, request, MISROUTE_NOT_FOUND);
		return;
	}
	struct metrics_call *call = ARENA_NEW(request->arena, struct metrics_call);
	if (!call) {
		request_answer(request, 503, TEXT_PLAIN, BYTES("out of memory\n"));
		return;
	}
	call->request = request;
	call->query.executor = api->executor;
	call->query.on_done = on_gathered;
	api->shared->operator_port->gather(api->shared->operator_port, &call->query);
}
