/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a userName and a phoneNumber mean: the one active user who fits all that was given, or
 * nobody. Which of the two it was is not told to anybody. */
#include "api/manage/manage_private.h"

#include "wire/e164.h"

#define USER_NAME_MAX 255
#define PHONE_DIGITS_MIN 7

/* ---- what was typed -------------------------------------------------------------------------- */

static size_t digits_of(struct bytes text)
{
	size_t digits = 0;
	for (size_t i = 0; i < text.len; i++)
		digits += ascii_is_digit(text.at[i]);
	return digits;
}

/* Shapes are faults; a number that is well shaped and that no line can have is nobody's. */
static void number_read(struct manage_call *call, struct bytes phone)
{
	struct bytes region = bytes_from_text(call->settings->manage.region);
	const struct e164_rules rules = {
	    .bare = E164_BARE_NATIONAL,
	    .require_valid = call->api->shared->numbers_valid,
	};
	struct bytes trimmed = bytes_trim(phone);
	size_t digits = digits_of(phone);
	struct e164 parsed;
	enum e164_status status = e164_parse(phone, region, &rules, &parsed);
	if (status == E164_OK)
		call->identity.number = parsed.number;
	else if (phone.len > E164_INPUT_MAX || status == E164_EMPTY ||
	         status == E164_NOT_A_NUMBER || digits < PHONE_DIGITS_MIN ||
	         digits > NUMBER_DIGITS_MAX)
		manage_fault(call, "phoneNumber", "must be + and 7 to 15 digits");
	else if (!region.len && trimmed.at[0] != '+')
		manage_fault(call, "phoneNumber", "must begin with + and a country code");
}

/* Both as they are compared, so that spellings of one name are counted together. False: no memory.
 */
static bool typed_make(struct manage_identity *identity, struct arena *arena)
{
	struct bytes name = BYTES_NONE, phone = identity->phone;
	if (identity->user_name.at) {
		char *folded = arena_take(arena, identity->user_name.len + 1);
		if (!folded)
			return false;
		for (size_t i = 0; i < identity->user_name.len; i++)
			folded[i] = ascii_lower(identity->user_name.at[i]);
		name = (struct bytes){folded, identity->user_name.len};
	}
	if (!number_is_none(&identity->number))
		phone = number_bytes(&identity->number);
	identity->typed[0] = name;
	identity->typed[1] = phone;
	identity->key = arena_printf(arena, "%.*s\n%.*s", (int)name.len, name.at ? name.at : "",
	                             (int)phone.len, phone.at ? phone.at : "");
	return identity->key.at != NULL;
}

enum err manage_identity_read(struct manage_call *call, struct bytes user_name, struct bytes phone)
{
	struct manage_identity *identity = &call->identity;
	if (user_name.at) {
		identity->user_name = bytes_trim(user_name);
		if (!identity->user_name.len || identity->user_name.len > USER_NAME_MAX)
			manage_fault(call, "userName", "must have 1 to 255 octets");
	}
	if (phone.at) {
		identity->phone = phone;
		number_read(call, phone);
	}
	if (!user_name.at && !phone.at && !manage_has_fault(call, "userName") &&
	    !manage_has_fault(call, "phoneNumber"))
		manage_fault(call, "userName", "or phoneNumber must be given");
	return typed_make(identity, call->request->arena) ? OK : ERR_NO_MEMORY;
}

struct quota_who manage_by_identifier(const struct manage_call *call)
{
	return (struct quota_who){
	    .quota = QUOTA_IDENTIFIER_GUESSES,
	    .tenant = call->auth.principal.domain->tenant.id,
	    .name = call->identity.key,
	};
}

struct quota_who manage_by_address(const struct manage_call *call, enum quota quota)
{
	return (struct quota_who){
	    .quota = quota,
	    .tenant = call->auth.principal.domain->tenant.id,
	    .name = call->ip_text,
	};
}

/* ---- who that is ----------------------------------------------------------------------------- */

enum err manage_who(struct manage_call *call)
{
	const struct manage_identity *identity = &call->identity;
	struct flow_user_call *flow = &call->flow;
	flow->tenant = call->auth.principal.domain->tenant.id;
	flow->phantom = &call->phantom;
	flow->who = (struct who){
	    .by = identity->user_name.at ? WHO_NAME : WHO_ONLY,
	    .key = identity->user_name,
	    .number = identity->number,
	};
	flow->flow.arena = call->request->arena;
	flow->flow.deadline_ms = call->request->received_ms + REQUEST_DEADLINE_MS;
	/* A number that no line can have is nobody's, whoever else was named. */
	if (identity->phone.at && number_is_none(&identity->number))
		flow->who = (struct who){.by = WHO_ID, .key = BYTES("")};
	return phantom_make(call->api->flow.ports.keyring, flow->tenant, identity->typed,
	                    sizeof(identity->typed) / sizeof(identity->typed[0]), &call->phantom);
}
