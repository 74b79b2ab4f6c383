/* SPDX-License-Identifier: Apache-2.0 */
/* Every answer of the dialect: the envelope with its errors and warnings, and the user beside it in
 * the representation that the client prefers. */
#include "api/manage/manage_private.h"

#include "api/trail.h"
#include "ops/log.h"
#include "wire/accept.h"

#include <assert.h>
#include <stdio.h>

static const struct bytes application_json = {"application/json", 16};
static const struct bytes application_protobuf = {"application/x-protobuf", 22};

static const struct {
	int status, code;
	const char *title, *message;
} errors[MANAGE_ERRORS] = {
#define MANAGE_ERROR(name, status, code, title, message)                                           \
	[MANAGE_##name] = {status, code, title, message},
#include "api/manage/error.def"
#undef MANAGE_ERROR
};

/* Every answer of a call leaves through this: it gives the principal back. */
static void answer(struct manage_call *call, int status, struct bytes type, struct bytes body)
{
	principal_done(&call->auth.principal);
	request_answer(call->request, status, type, body);
}

void manage_client_ip_warning(int32_t *ret_code, char **ret_title, char **ret_message)
{
	static char title[] = "INVALID_CLIENT_IP", message[] = "clientIp header ignored";
	*ret_code = 160101;
	*ret_title = title;
	*ret_message = message;
}

static void write_warning(struct json_writer *json, int code, const char *title,
                          const char *message)
{
	json_write_object(json);
	json_write_i64_member(json, "warningCode", code);
	json_write_text_member(json, "warningTitle", bytes_from_text(title));
	json_write_text_member(json, "warningMessage", bytes_from_text(message));
	json_write_object_end(json);
}

static void write_unknown_uuid(struct json_writer *json, struct bytes uuid)
{
	char message[64];
	(void)snprintf(message, sizeof(message), "no user has the uuid %.*s", (int)uuid.len,
	               uuid.at);
	write_warning(json, 160102, "USER_NOT_FOUND", message);
}

void manage_write_warnings(const struct manage_call *call, struct json_writer *json)
{
	json_write_name(json, "warnings");
	json_write_array(json);
	if (call->client_ip_ignored) {
		int32_t code;
		char *title, *message;
		manage_client_ip_warning(&code, &title, &message);
		write_warning(json, code, title, message);
	}
	const struct manage_rollout *rollout = &call->rollout;
	for (size_t i = 0; rollout->moved && i < rollout->uuids.n; i++)
		if (!rollout->moved[i])
			write_unknown_uuid(json, rollout->uuids.at[i]);
	json_write_array_end(json);
}

/* ---- errors ---------------------------------------------------------------------------------- */

static void write_error(struct json_writer *json, enum manage_error error,
                        const struct manage_fault *fault)
{
	char message[160];
	struct buf text;
	buf_init_fixed(&text, message, sizeof(message));
	buf_add_text(&text, errors[error].message);
	if (fault) {
		buf_add_text(&text, ": ");
		buf_add_text(&text, fault->member);
		buf_add_char(&text, ' ');
		buf_add_text(&text, fault->reason);
	}
	json_write_object(json);
	json_write_i64_member(json, "errorCode", errors[error].code);
	json_write_text_member(json, "errorTitle", bytes_from_text(errors[error].title));
	json_write_text_member(json, "errorMessage", buf_bytes(&text));
	json_write_object_end(json);
}

/* Every part of it has its limit, so it is written where it stays. */
#define ERROR_BODY_MAX 1536

/* One of no member is the only one. */
static void write_faults(const struct manage_call *call, struct json_writer *json,
                         enum manage_error error)
{
	for (size_t row = 0; row < call->members_n; row++)
		for (size_t i = 0; i < call->faults_n; i++)
			if (bytes_equal(bytes_from_text(call->faults[i].member),
			                call->members[row].name))
				write_error(json, error, &call->faults[i]);
}

static bool is_of_a_member(const struct manage_call *call)
{
	for (size_t row = 0; row < call->members_n; row++)
		if (bytes_equal(bytes_from_text(call->faults[0].member), call->members[row].name))
			return true;
	return false;
}

static void answer_errors(struct manage_call *call, enum manage_error error, bool of_faults)
{
	char *memory = arena_take(call->request->arena, ERROR_BODY_MAX);
	struct buf body;
	struct json_writer json;
	if (errors[error].status == 401)
		response_field(call->request, BYTES("WWW-Authenticate"),
		               BYTES("Basic realm=\"manage\", charset=\"UTF-8\""));
	response_field(call->request, BYTES("Cache-Control"), BYTES("no-store"));
	if (!memory) {
		answer(call, 500, BYTES_NONE, BYTES(""));
		return;
	}
	buf_init_fixed(&body, memory, ERROR_BODY_MAX);
	json_writer_init(&json, &body);
	json_write_object(&json);
	json_write_name(&json, "errors");
	json_write_array(&json);
	if (of_faults && is_of_a_member(call))
		write_faults(call, &json, error);
	else
		write_error(&json, error, of_faults ? &call->faults[0] : NULL);
	json_write_array_end(&json);
	manage_write_warnings(call, &json);
	json_write_text_member(&json, "apiRequestId", bytes_from_text(call->request_id));
	json_write_object_end(&json);
	assert(!body.failed);
	answer(call, errors[error].status, application_json, buf_bytes(&body));
}

bool manage_has_fault(const struct manage_call *call, const char *member)
{
	for (size_t i = 0; i < call->faults_n; i++)
		if (strcmp(call->faults[i].member, member) == 0)
			return true;
	return false;
}

void manage_fault(struct manage_call *call, const char *member, const char *reason)
{
	if (manage_has_fault(call, member))
		return;
	assert(call->faults_n < MANAGE_FAULTS_MAX);
	call->faults[call->faults_n++] = (struct manage_fault){member, reason};
}

void manage_refuse(struct manage_call *call, enum manage_error error)
{
	answer_errors(call, error, false);
}

void manage_refuse_faults(struct manage_call *call)
{
	assert(call->faults_n);
	answer_errors(call, MANAGE_BAD_REQUEST, true);
}

void manage_refuse_for(struct manage_call *call, int64_t wait_ms)
{
	response_retry_after(call->request, wait_ms);
	manage_refuse(call, MANAGE_TOO_MANY);
}

bool manage_is_sound(struct manage_call *call, enum err err)
{
	if (err)
		manage_answer_fault(call, err);
	else if (call->faults_n)
		manage_refuse_faults(call);
	return err == OK && !call->faults_n;
}

void manage_answer_fault(struct manage_call *call, enum err err)
{
	LOG(LOG_ERROR, "fault", log_text("api", manage_owner.name),
	    log_text("request", bytes_from_text(call->request_id)),
	    log_text("why", bytes_from_text(err_text(err))), log_i64("answer", 500));
	manage_refuse(call, MANAGE_INTERNAL);
}

/* ---- 200 ------------------------------------------------------------------------------------- */

void manage_open(struct manage_call *call, struct buf *buf, struct json_writer *json)
{
	buf_init(buf, 0);
	json_writer_init(json, buf);
	json_write_object(json);
	json_write_name(json, "errors");
	json_write_array(json);
	json_write_array_end(json);
	manage_write_warnings(call, json);
	json_write_text_member(json, "apiRequestId", bytes_from_text(call->request_id));
}

void manage_close(struct manage_call *call, struct buf *buf, struct json_writer *json)
{
	json_write_object_end(json);
	struct bytes body =
	    buf->failed ? BYTES_NONE : arena_copy(call->request->arena, buf_bytes(buf));
	buf_done(buf);
	if (!body.at) {
		manage_answer_fault(call, ERR_NO_MEMORY);
		return;
	}
	response_field(call->request, BYTES("Cache-Control"), BYTES("no-store"));
	answer(call, 200, application_json, body);
}

/* Protobuf only for who says that he would rather have it. */
static bool protobuf_is_preferred(const struct request *request)
{
	return accept_weight(request->fields, request->fields_n, application_protobuf) >
	       accept_weight(request->fields, request->fields_n, application_json);
}

static void answer_protobuf(struct manage_call *call, const struct manage_view *view)
{
	struct bytes body = manage_view_protobuf(view, call->request->arena);
	if (!body.at) {
		manage_answer_fault(call, ERR_NO_MEMORY);
		return;
	}
	response_field(call->request, BYTES("X-Protobuf-Schema"), BYTES("manage_otp.proto"));
	response_field(call->request, BYTES("X-Protobuf-Message"),
	               BYTES("verifyd.manage.v2.ValidateUserResponse"));
	response_field(call->request, BYTES("Cache-Control"), BYTES("no-store"));
	answer(call, 200, application_protobuf, body);
}

void manage_answer_user(struct manage_call *call, const struct user *user, int64_t last_login_ms)
{
	struct manage_view *view = manage_view_new(call, user, last_login_ms);
	struct buf buf;
	struct json_writer json;
	if (!view) {
		manage_answer_fault(call, ERR_NO_MEMORY);
		return;
	}
	response_field(call->request, BYTES("Vary"), BYTES("Accept"));
	if (protobuf_is_preferred(call->request)) {
		answer_protobuf(call, view);
		return;
	}
	manage_open(call, &buf, &json);
	manage_view_json(view, &json);
	manage_close(call, &buf, &json);
}

/* ---- outcomes -------------------------------------------------------------------------------- */

const enum manage_look manage_looks[OUTCOME_COUNT] = {
    [OUTCOME_SENT] = LOOK_SENT,
    [OUTCOME_SENT_AGAIN] = LOOK_SENT,
    [OUTCOME_SEND_LIMITED] = LOOK_LIMITED,
    [OUTCOME_DEAD] = LOOK_SENT,
    [OUTCOME_LANDLINE] = LOOK_SENT,
    [OUTCOME_NO_ROUTE] = LOOK_SENT,
    [OUTCOME_APPROVED] = LOOK_USER,
    [OUTCOME_REPEATED] = LOOK_REFUSED,
    [OUTCOME_WRONG] = LOOK_REFUSED,
    [OUTCOME_LOCKED] = LOOK_REFUSED,
    [OUTCOME_PENDING] = LOOK_REFUSED,
    [OUTCOME_EXPIRED] = LOOK_REFUSED,
    [OUTCOME_KEY_GONE] = LOOK_REFUSED,
    [OUTCOME_GUESS_LIMITED] = LOOK_REFUSED, /* 160002 would say that there is a code */
    [OUTCOME_UNKNOWN] = LOOK_REFUSED,
    [OUTCOME_USED] = LOOK_REFUSED,
    [OUTCOME_SPENT] = LOOK_REFUSED,
    [OUTCOME_LAPSED] = LOOK_REFUSED,
    [OUTCOME_REPLACED] = LOOK_REFUSED,
    [OUTCOME_CANCELLED] = LOOK_REFUSED,
    [OUTCOME_NO_USER] = LOOK_NOBODY,
    [OUTCOME_USER_DISABLED] = LOOK_NOBODY,
    [OUTCOME_NO_PHONE] = LOOK_NOBODY,
    /* Of commands that this API does not give. */
    [OUTCOME_USER_MADE] = LOOK_OTHERS,
    [OUTCOME_USER_CHANGED] = LOOK_OTHERS,
    [OUTCOME_USER_GONE] = LOOK_OTHERS,
    [OUTCOME_VERIFIED_ALREADY] = LOOK_OTHERS,
    [OUTCOME_UNCHANGED] = LOOK_OTHERS,
    [OUTCOME_USER_EXISTS] = LOOK_OTHERS,
    [OUTCOME_NAME_TAKEN] = LOOK_OTHERS,
    [OUTCOME_EMAIL_TAKEN] = LOOK_OTHERS,
    [OUTCOME_PHONE_TAKEN] = LOOK_OTHERS,
};

static void answer_sent(struct manage_call *call)
{
	const struct limits *limits = &call->settings->limits;
	const struct verify_result *result = &call->flow.flow.result;
	struct buf buf;
	struct json_writer json;
	if (call->has_ip) {
		struct quota_who who = manage_by_address(call, QUOTA_ADDRESS_SENDS);
		quota_charge(call->api, &who, limits);
	}
	manage_open(call, &buf, &json);
	json_write_i64_member(&json, "otpExpiresInSeconds", call->settings->code.ttl_ms / 1000);
	json_write_i64_member(&json, "resendAfterSeconds",
	                      limits_resend_delay_ms(limits, &result->budget) / 1000);
	manage_close(call, &buf, &json);
}

static void answer_refused(struct manage_call *call)
{
	struct quota_who who = manage_by_identifier(call);
	quota_charge(call->api, &who, &call->settings->limits);
	manage_refuse(call, MANAGE_NOT_VALIDATED);
}

void manage_on_outcome(struct flow_call *flow)
{
	struct manage_call *call = CONTAINER_OF(flow, struct manage_call, flow.flow);
	trail_log(call->api, call->request, &manage_owner, flow);
	if (flow->err) {
		manage_answer_fault(call, flow->err);
		return;
	}
	switch (manage_looks[flow->result.outcome]) {
	case LOOK_USER:
		manage_answer_user(call, call->flow.user.user, call->flow.user.login_before_ms);
		return;
	case LOOK_REFUSED:
		answer_refused(call);
		return;
	case LOOK_SENT:
		answer_sent(call);
		return;
	case LOOK_LIMITED:
		manage_refuse_for(call, flow->result.retry_after_ms);
		return;
	case LOOK_NOBODY:
		if (flow->kind == FLOW_USER_SEND)
			answer_sent(call);
		else
			answer_refused(call);
		return;
	case LOOK_OTHERS:
	case LOOK_MISSING:
		break;
	}
	assert(!"an outcome that this API cannot meet");
}
