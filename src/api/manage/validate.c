/* SPDX-License-Identifier: Apache-2.0 */
/* POST v2/user/validate/otp: checks what a person typed, and returns who that is when it was right.
 * Whatever else was the matter is one and the same answer, after the same work. */
#include "api/manage/manage_private.h"

#define OTP_MIN 4
#define OTP_MAX CODE_LENGTH_MAX

struct validate_body {
	struct bytes user_name, phone, otp;
};

static const struct json_member members[] = {
    {{"userName", 8}, JSON_TEXT, offsetof(struct validate_body, user_name)},
    {{"phoneNumber", 11}, JSON_TEXT, offsetof(struct validate_body, phone)},
    {{"otp", 3}, JSON_TEXT, offsetof(struct validate_body, otp)},
};
#define MEMBERS (sizeof(members) / sizeof(members[0]))

/* Digits without the blanks and dashes that people type between them. */
static bool otp_read(struct arena *arena, struct bytes typed, struct bytes *ret)
{
	char digits[OTP_MAX];
	size_t len = 0;
	for (size_t i = 0; i < typed.len; i++) {
		if (typed.at[i] == ' ' || typed.at[i] == '\t' || typed.at[i] == '-')
			continue;
		if (!ascii_is_digit(typed.at[i]) || len == OTP_MAX)
			return false;
		digits[len++] = typed.at[i];
	}
	*ret = arena_copy(arena, (struct bytes){digits, len});
	secret_wipe(digits, sizeof(digits));
	return len >= OTP_MIN;
}

/* How long until this one may be checked; 0: now, and then it counts for its address. */
static int64_t limits_wait_ms(struct manage_call *call)
{
	const struct limits *limits = &call->settings->limits;
	struct quota_who identifier = manage_by_identifier(call);
	struct quota_who address = manage_by_address(call, QUOTA_ADDRESS_GUESSES);
	int64_t wait_ms = quota_wait_ms(call->api, &identifier, limits);
	int64_t address_ms = call->has_ip ? quota_wait_ms(call->api, &address, limits) : 0;
	if (address_ms > wait_ms)
		wait_ms = address_ms;
	if (!wait_ms && call->has_ip)
		quota_charge(call->api, &address, limits);
	return wait_ms;
}

static void validate_run(struct manage_call *call)
{
	struct validate_body *body = ARENA_NEW(call->request->arena, struct validate_body);
	struct json_found found;
	struct check_command *check = &call->flow.flow.check;
	if (!body) {
		manage_answer_fault(call, ERR_NO_MEMORY);
		return;
	}
	if (!manage_read(call, members, MEMBERS, body, &found))
		return;
	enum err err = manage_identity_read(call, body->user_name, body->phone);
	if (err == OK && !otp_read(call->request->arena, body->otp, &check->guess))
		manage_fault(call, "otp", "must be 4 to 10 digits");
	if (err == OK && !call->faults_n)
		err = manage_who(call);
	if (!manage_is_sound(call, err))
		return;
	int64_t wait_ms = limits_wait_ms(call);
	if (wait_ms) {
		manage_refuse_for(call, wait_ms);
		return;
	}
	check->purpose = PURPOSE_LOGIN;
	check->dialect = manage_owner.name;
	check->hidden = true;
	check->limits = &call->settings->limits;
	call->flow.flow.on_done = manage_on_outcome;
	flow_user_check(&call->api->flow, &call->flow);
}

void manage_validate(struct api *api, struct request *request)
{
	manage_begin(api, request, RIGHT_MANAGE_VERIFY, validate_run);
}
