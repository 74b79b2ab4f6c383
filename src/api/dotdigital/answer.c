/* SPDX-License-Identifier: Apache-2.0 */
/* Every answer of the dialect, and the table from the engine's outcomes to them. */
#include "api/dotdigital/dotdigital_private.h"

#include "api/trail.h"
#include "base/when.h"
#include "ops/log.h"
#include "wire/json_write.h"

#include <assert.h>

static const struct bytes application_json = {"application/json; charset=utf-8", 31};

void dotdigital_answer(struct dotdigital_call *call, int status, struct bytes type,
                       struct bytes body)
{
	principal_done(&call->auth.principal);
	request_answer(call->request, status, type, body);
}

/* The JSON of an answer lives in the request's arena; a buf's memory is its own. */
static struct bytes keep_body(struct dotdigital_call *call, struct buf *json)
{
	struct bytes kept =
	    json->failed ? BYTES_NONE : arena_copy(call->request->arena, buf_bytes(json));
	buf_done(json);
	return kept;
}

static void answer_json(struct dotdigital_call *call, int status, struct buf *json)
{
	struct bytes body = keep_body(call, json);
	if (body.at)
		dotdigital_answer(call, status, application_json, body);
	else
		dotdigital_answer_fault(call, ERR_NO_MEMORY);
}

static const struct {
	const char *property, *code, *details;
} failures_table[FAILURES] = {
    [FAILURE_TO] = {"to", "ToInvalid", "'to' is not a valid phone number."},
    [FAILURE_FROM] = {"from", "FromInvalid",
                      "'from' must be 2-15 digits or 2-11 permitted characters."},
    [FAILURE_COUNTRY] = {"countryIsoCode", "CountryIsoCodeInvalid",
                         "'countryIsoCode' is not an ISO 3166-1 alpha-3 code."},
    [FAILURE_BODY] = {"body", "BodyInvalid",
                      "'body' must contain {{code}} and be at most 1600 characters."},
    [FAILURE_VALID_UNTIL] = {"validUntil", "ValidUntilInvalid",
                             "'validUntil' must be an ISO 8601 date and time in the future."},
    [FAILURE_CODE] = {"code", "CodeInvalid", "'code' must have a value."},
    [FAILURE_REQUEST] = {"", "RequestInvalid", "The payload is not a valid JSON object."},
    [FAILURE_THROTTLED_TO] = {"to", "Throttled",
                              "Too many requests for this number, try again later."},
    [FAILURE_THROTTLED_CODE] = {"code", "Throttled",
                                "Too many attempts for this number, try again later."},
};

void dotdigital_refuse(struct dotdigital_call *call, unsigned failures)
{
	struct buf body;
	struct json_writer json;
	assert(failures);
	buf_init(&body, 0);
	json_writer_init(&json, &body);
	json_write_array(&json);
	for (int i = 0; i < FAILURES; i++) {
		if (!(failures >> i & 1))
			continue;
		json_write_object(&json);
		json_write_text_member(&json, "property",
		                       bytes_from_text(failures_table[i].property));
		json_write_text_member(&json, "failureCode",
		                       bytes_from_text(failures_table[i].code));
		json_write_text_member(&json, "details",
		                       bytes_from_text(failures_table[i].details));
		json_write_object_end(&json);
	}
	json_write_array_end(&json);
	answer_json(call, 400, &body);
}

/* What a VerifyCode object says. */
struct verify_code {
	struct id id;
	const struct number *number;
	const char *status;
	const char *number_status;
	int64_t created_ms;
	int64_t verified_ms; /* 0: not */
};

static void write_moment(struct json_writer *json, const char *name, int64_t at_ms)
{
	char text[WHEN_TEXT_LEN + 1];
	when_format(at_ms, text);
	json_write_text_member(json, name, (struct bytes){text, WHEN_TEXT_LEN});
}

/* Every member has its limit, so the answer is written where it stays. */
#define CODE_BODY_MAX 512

static void answer_code(struct dotdigital_call *call, int status, const struct verify_code *code)
{
	char *memory = arena_take(call->request->arena, CODE_BODY_MAX);
	struct buf body;
	struct json_writer json;
	char id[ID_TEXT_LEN + 1];
	if (!memory) {
		dotdigital_answer_fault(call, ERR_NO_MEMORY);
		return;
	}
	id_format(&code->id, id);
	buf_init_fixed(&body, memory, CODE_BODY_MAX);
	json_writer_init(&json, &body);
	json_write_object(&json);
	json_write_text_member(&json, "requestId", (struct bytes){id, ID_TEXT_LEN});
	json_write_text_member(&json, "phoneNumber", number_bytes(code->number));
	json_write_text_member(&json, "status", bytes_from_text(code->status));
	json_write_text_member(&json, "numberStatus", bytes_from_text(code->number_status));
	write_moment(&json, "created", code->created_ms);
	if (code->verified_ms)
		write_moment(&json, "verified", code->verified_ms);
	json_write_object_end(&json);
	assert(!body.failed);
	dotdigital_answer(call, status, application_json, buf_bytes(&body));
}

void dotdigital_answer_fault(struct dotdigital_call *call, enum err err)
{
	LOG(LOG_ERROR, "fault", log_text("api", dotdigital_owner.name),
	    log_text("why", bytes_from_text(err_text(err))), log_i64("answer", 503));
	response_field(call->request, BYTES("Retry-After"), BYTES("1"));
	dotdigital_answer(call, 503, TEXT_PLAIN,
	                  BYTES("the service cannot do this now, try again\n"));
}

/* ---- outcomes -------------------------------------------------------------------------------- */

const struct dotdigital_look dotdigital_looks[OUTCOME_COUNT] = {
    [OUTCOME_SENT] = {LOOK_CREATED, NULL},
    [OUTCOME_SENT_AGAIN] = {LOOK_CREATED, NULL},
    [OUTCOME_SEND_LIMITED] = {LOOK_THROTTLED, "to"},
    [OUTCOME_DEAD] = {LOOK_NOT_SENT, "Dead"},
    [OUTCOME_LANDLINE] = {LOOK_NOT_SENT, "NotProvisioned"},
    [OUTCOME_NO_ROUTE] = {LOOK_NOT_SENT, "Dead"},
    [OUTCOME_APPROVED] = {LOOK_CHECKED, "CodeVerified"},
    [OUTCOME_WRONG] = {LOOK_CHECKED, NULL}, /* the label of a code not yet verified */
    [OUTCOME_LOCKED] = {LOOK_CHECKED, "CodeLocked"},
    [OUTCOME_EXPIRED] = {LOOK_CHECKED, "CodeExpired"},
    [OUTCOME_KEY_GONE] = {LOOK_CHECKED, "CodeExpired"},
    [OUTCOME_GUESS_LIMITED] = {LOOK_THROTTLED, "code"},
    [OUTCOME_PENDING] = {LOOK_BAD_BODY, NULL},
    [OUTCOME_UNKNOWN] = {LOOK_UNKNOWN, NULL},
    [OUTCOME_REPEATED] = {LOOK_UNKNOWN, NULL},
    [OUTCOME_USED] = {LOOK_UNKNOWN, NULL},
    [OUTCOME_SPENT] = {LOOK_UNKNOWN, NULL},
    [OUTCOME_LAPSED] = {LOOK_UNKNOWN, NULL},
    [OUTCOME_REPLACED] = {LOOK_UNKNOWN, NULL},
    [OUTCOME_CANCELLED] = {LOOK_UNKNOWN, NULL},
};

static void answer_created(struct dotdigital_call *call)
{
	const struct verification *v = &call->flow.result.verification;
	answer_code(call, call->settings->dotdigital.create_status,
	            &(struct verify_code){
			.id = v->id,
			.number = &v->number,
			.status = call->settings->dotdigital.unverified_label,
			.number_status = call->settings->dotdigital.number_status,
			.created_ms = v->created_ms,
		    });
}

/* Nothing was made: the id answers 204 from the start. */
static void answer_not_sent(struct dotdigital_call *call, const char *number_status)
{
	const struct number *number = &call->flow.send.number;
	int64_t now_ms = api_now_ms(call->api);
	struct verify_code code = {
	    .number = number,
	    .status = "CodeNotSent",
	    .number_status = number_status,
	    .created_ms = now_ms,
	};
	enum err err = id_make(now_ms, number_bucket(number), call->api->rng, &code.id);
	if (err)
		dotdigital_answer_fault(call, err);
	else
		answer_code(call, call->settings->dotdigital.create_status, &code);
}

static void answer_checked(struct dotdigital_call *call, const char *status)
{
	const struct verify_result *result = &call->flow.result;
	const struct verification *v = &result->verification;
	answer_code(call, 200,
	            &(struct verify_code){
			.id = v->id,
			.number = &v->number,
			.status = status ? status : call->settings->dotdigital.unverified_label,
			.number_status = call->settings->dotdigital.number_status,
			.created_ms = v->created_ms,
			.verified_ms = result->outcome == OUTCOME_APPROVED ? v->finished_ms : 0,
		    });
}

static void answer_throttled(struct dotdigital_call *call, const char *property)
{
	response_retry_after(call->request, call->flow.result.retry_after_ms);
	bool of_code = strcmp(property, "code") == 0;
	dotdigital_refuse(call, 1u << (of_code ? FAILURE_THROTTLED_CODE : FAILURE_THROTTLED_TO));
}

void dotdigital_on_outcome(struct flow_call *flow)
{
	struct dotdigital_call *call = CONTAINER_OF(flow, struct dotdigital_call, flow);
	trail_log(call->api, call->request, &dotdigital_owner, flow);
	if (flow->err) {
		dotdigital_answer_fault(call, flow->err);
		return;
	}
	const struct dotdigital_look *look = &dotdigital_looks[flow->result.outcome];
	switch (look->kind) {
	case LOOK_CREATED:
		answer_created(call);
		return;
	case LOOK_NOT_SENT:
		answer_not_sent(call, look->text);
		return;
	case LOOK_CHECKED:
		answer_checked(call, look->text);
		return;
	case LOOK_THROTTLED:
		answer_throttled(call, look->text);
		return;
	case LOOK_BAD_BODY:
		dotdigital_refuse(call, call->failures);
		return;
	case LOOK_UNKNOWN:
		dotdigital_answer(call, 204, BYTES_NONE, BYTES(""));
		return;
	case LOOK_MISSING:
		break;
	}
	assert(!"an outcome without a row");
}
