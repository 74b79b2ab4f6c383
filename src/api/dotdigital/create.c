/* SPDX-License-Identifier: Apache-2.0 */
/* POST /webapi/verify: reads the request, has a code made and sent, answers with its name. */
#include "api/dotdigital/dotdigital_private.h"

#include "base/when.h"
#include "core/message.h"
#include "wire/e164.h"

#define BODY_UNITS_MAX 1600   /* UTF-16 units once filled */
#define FRACTION_DIGITS_MAX 7 /* of validUntil: what .NET and Java write */

static const struct bytes default_text = {"Your verification code is {{code}}", 34};

struct create_body {
	struct bytes to, from, country, text, valid_until;
};

enum create_row { ROW_TO, ROW_FROM, ROW_COUNTRY, ROW_TEXT, ROW_VALID_UNTIL, ROWS };

static const struct json_member members[ROWS] = {
    [ROW_TO] = {{"to", 2}, JSON_TEXT_OR_INTEGER, offsetof(struct create_body, to)},
    [ROW_FROM] = {{"from", 4}, JSON_TEXT_OR_INTEGER, offsetof(struct create_body, from)},
    [ROW_COUNTRY] = {{"countryIsoCode", 14}, JSON_TEXT, offsetof(struct create_body, country)},
    [ROW_TEXT] = {{"body", 4}, JSON_TEXT, offsetof(struct create_body, text)},
    [ROW_VALID_UNTIL] = {{"validUntil", 10}, JSON_TEXT, offsetof(struct create_body, valid_until)},
};

/* A member of the wrong type fails as its own value does. */
static const enum failure row_failure[ROWS] = {
    [ROW_TO] = FAILURE_TO,
    [ROW_FROM] = FAILURE_FROM,
    [ROW_COUNTRY] = FAILURE_COUNTRY,
    [ROW_TEXT] = FAILURE_BODY,
    [ROW_VALID_UNTIL] = FAILURE_VALID_UNTIL,
};

/* ---- what each member must be ---------------------------------------------------------------- */

static bool country_is_known(struct bytes country)
{
	char region[E164_REGION_LEN + 1];
	uint16_t code;
	return country.len == 3 && !ascii_is_digit(country.at[0]) &&
	       e164_region_find(country, region, &code);
}

static bool number_read(const struct dotdigital_call *call, const struct create_body *body,
                        struct number *ret)
{
	const struct e164_rules rules = {
	    .bare = body->country.at ? E164_BARE_NATIONAL_FIRST : E164_BARE_INTERNATIONAL,
	    .require_valid = call->api->shared->numbers_valid,
	};
	struct e164 parsed;
	if (e164_parse(body->to, body->country, &rules, &parsed) != E164_OK)
		return false;
	*ret = parsed.number;
	return true;
}

static bool fraction_is_short(struct bytes moment)
{
	struct bytes fraction = bytes_from(moment, bytes_find(moment, '.') + 1);
	size_t digits = 0;
	while (digits < fraction.len && ascii_is_digit(fraction.at[digits]))
		digits++;
	return digits <= FRACTION_DIGITS_MAX;
}

static bool moment_read(struct bytes text, int64_t now_ms, int64_t *ret_ms)
{
	return when_parse(text, ret_ms) == OK && fraction_is_short(text) && *ret_ms > now_ms;
}

/* The template's length once filled, with a code of the right length and the minutes it will say
 * first. */
static bool text_is_sound(const struct policy *policy, int64_t life_ms, struct bytes text)
{
	static const char any_code[CODE_LENGTH_MAX + 1] = "0000000000";
	struct buf filled;
	if (!message_has_code(text))
		return false;
	buf_init(&filled, (size_t)DOTDIGITAL_BODY_MAX * 2);
	message_fill(text, (struct bytes){any_code, policy->length}, life_ms, &filled);
	bool sound = !filled.failed && message_utf16_units(buf_bytes(&filled)) <= BODY_UNITS_MAX;
	buf_done(&filled);
	return sound;
}

/* ---- the command ----------------------------------------------------------------------------- */

/* Fills `send` from the body; returns the failures as bits. */
static unsigned command_read(struct dotdigital_call *call, const struct create_body *body,
                             unsigned failed, struct send_command *send)
{
	const struct settings *settings = call->settings;
	int64_t now_ms = api_now_ms(call->api);
	send->policy = settings->code;
	send->policy.repeat = REPEAT_PARALLEL;
	if (body->country.at && !country_is_known(body->country))
		failed |= 1u << FAILURE_COUNTRY;
	/* With a country that is none, only a missing number can be told. */
	bool country_failed = failed >> FAILURE_COUNTRY & 1;
	if (!body->to.len || (!country_failed && !number_read(call, body, &send->number)))
		failed |= 1u << FAILURE_TO;
	send->sender =
	    body->from.len ? body->from : bytes_from_text(settings->dotdigital.default_from);
	if (!message_sender_is_sound(send->sender))
		failed |= 1u << FAILURE_FROM;
	int64_t life_ms = settings->code.ttl_ms;
	if (body->valid_until.at) {
		if (moment_read(body->valid_until, now_ms, &send->expires_ms)) {
			send->policy.ttl_ms = settings->dotdigital.ttl_max_ms;
			life_ms = send->expires_ms - now_ms;
			if (life_ms > send->policy.ttl_ms)
				life_ms = send->policy.ttl_ms;
		} else {
			failed |= 1u << FAILURE_VALID_UNTIL;
		}
	}
	send->template = body->text.at ? body->text : default_text;
	if (body->text.at && !text_is_sound(&send->policy, life_ms, body->text))
		failed |= 1u << FAILURE_BODY;
	return failed;
}

static void create_run(struct dotdigital_call *call)
{
	struct create_body *body = ARENA_NEW(call->request->arena, struct create_body);
	struct json_found found;
	struct json_refusal refusal;
	struct flow_call *flow = &call->flow;
	enum err err = !body ? ERR_NO_MEMORY
	                     : json_object_read(call->request->body, &dotdigital_json, members,
	                                        ROWS, call->request->arena, body, &found, &refusal);
	if (err == ERR_NO_MEMORY) {
		dotdigital_answer_fault(call, err);
		return;
	}
	if (err) {
		dotdigital_refuse(call, 1u << FAILURE_REQUEST);
		return;
	}
	unsigned failed = 0;
	for (size_t row = 0; row < ROWS; row++)
		if (json_found_wrong_type(&found, row))
			failed |= 1u << row_failure[row];
	failed = command_read(call, body, failed, &flow->send);
	if (failed) {
		dotdigital_refuse(call, failed);
		return;
	}
	flow->send.purpose = PURPOSE_NUMBER;
	flow->send.tenant = call->auth.principal.domain->tenant.id;
	flow->send.client = call->auth.principal.account->client.name;
	flow->send.dialect = dotdigital_owner.name;
	flow->send.limits = &call->settings->limits;
	flow->arena = call->request->arena;
	flow->deadline_ms = call->request->received_ms + REQUEST_DEADLINE_MS;
	flow->on_done = dotdigital_on_outcome;
	flow_send(&call->api->flow, flow);
}

void dotdigital_create(struct api *api, struct request *request)
{
	dotdigital_begin(api, request, RIGHT_DOTDIGITAL_SEND, create_run);
}
