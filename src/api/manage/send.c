/* SPDX-License-Identifier: Apache-2.0 */
/* POST v2/user/send/otp: sends a code to whoever is meant, and says the same when that is nobody.
 */
#include "api/manage/manage_private.h"

#include "core/phrase.h"
#include "core/policy.h"

struct send_body {
	struct bytes user_name, phone, channel, locale;
};

static const struct json_member members[] = {
    {{"userName", 8}, JSON_TEXT, offsetof(struct send_body, user_name)},
    {{"phoneNumber", 11}, JSON_TEXT, offsetof(struct send_body, phone)},
    {{"channel", 7}, JSON_TEXT, offsetof(struct send_body, channel)},
    {{"locale", 6}, JSON_TEXT, offsetof(struct send_body, locale)},
};
#define MEMBERS (sizeof(members) / sizeof(members[0]))

static bool body_read(struct manage_call *call, struct send_body *body, enum err *ret_err)
{
	struct json_found found;
	if (!manage_read(call, members, MEMBERS, body, &found))
		return false;
	*ret_err = manage_identity_read(call, body->user_name, body->phone);
	if (body->channel.at && !bytes_equal(body->channel, BYTES("sms")))
		manage_fault(call, "channel", "must be sms");
	if (body->locale.at && !locale_is_sound(body->locale))
		manage_fault(call, "locale", "must be a BCP 47 tag");
	return true;
}

/* Codes of this API are digits, and a further send says the same code again. */
static void policy_take(const struct settings *settings, struct policy *ret)
{
	*ret = settings->code;
	ret->repeat = REPEAT_SAME;
	(void)alphabet_parse(BYTES("digits"), ret->alphabet);
}

static void send_run(struct manage_call *call)
{
	struct send_body *body = ARENA_NEW(call->request->arena, struct send_body);
	struct send_command *send = &call->flow.flow.send;
	enum err err = ERR_NO_MEMORY;
	if (body && !body_read(call, body, &err))
		return;
	if (err == OK && !call->faults_n)
		err = manage_who(call);
	if (!manage_is_sound(call, err))
		return;
	struct quota_who who = manage_by_address(call, QUOTA_ADDRESS_SENDS);
	int64_t wait_ms =
	    call->has_ip ? quota_wait_ms(call->api, &who, &call->settings->limits) : 0;
	if (wait_ms) {
		manage_refuse_for(call, wait_ms);
		return;
	}
	send->purpose = PURPOSE_LOGIN;
	send->dialect = manage_owner.name;
	policy_take(call->settings, &send->policy);
	send->template = phrase_find(body->locale);
	send->sender = BYTES("VERIFY");
	send->address = call->address;
	send->hidden = true;
	send->limits = &call->settings->limits;
	call->flow.flow.on_done = manage_on_outcome;
	flow_user_send(&call->api->flow, &call->flow);
}

void manage_send(struct api *api, struct request *request)
{
	manage_begin(api, request, RIGHT_MANAGE_SEND, send_run);
}
