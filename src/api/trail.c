/* SPDX-License-Identifier: Apache-2.0 */
#include "api/trail.h"

#include "ops/log.h"

void trail_log(struct api *api, const struct request *request, const struct owner *dialect,
               const struct flow_call *call)
{
	const struct verify_result *result = &call->result;
	bool is_send = call->kind == FLOW_SEND || call->kind == FLOW_USER_SEND;
	int64_t now_ms = call->flow->ports.now_ms(call->flow->ports.clock);
	struct bytes outcome =
	    call->err ? bytes_from_text(err_text(call->err)) : outcome_label(result->outcome);
	char id[ID_TEXT_LEN + 1] = "-";
	if (!call->err && !id_is_zero(&result->verification.id))
		id_format(&result->verification.id, id);
	if (call->err)
		metrics_failed(&api->counts, dialect->counted);
	else
		metrics_decided(&api->counts, dialect->counted, result->outcome);
	LOG(call->err ? LOG_ERROR : LOG_INFO, is_send ? "send" : "check",
	    log_text("request", bytes_from_text(id)),
	    log_text("tenant", is_send ? call->send.tenant : call->check.tenant),
	    log_text("api", dialect->name),
	    log_number("number",
	               call->kind == FLOW_SEND ? &call->send.number : &result->verification.number),
	    log_text("outcome", outcome), log_i64("ms", now_ms - request->received_ms));
}
