/* SPDX-License-Identifier: Apache-2.0 */
/* PUT /webapi/verify/{requestId}/validate: checks what the person typed. An id that is not known
 * answers 204 whatever the body says; only then is the body looked at. */
#include "api/dotdigital/dotdigital_private.h"

struct validate_body {
	struct bytes code;
};

static const struct json_member members[] = {
    {{"code", 4}, JSON_TEXT_OR_INTEGER, offsetof(struct validate_body, code)},
};

/* People type blanks into codes. */
static struct bytes without_white_space(struct arena *arena, struct bytes text)
{
	static const char white_space[] = " \t\n\v\f\r";
	char *kept = arena_take(arena, text.len + 1);
	size_t len = 0;
	for (size_t i = 0; kept && i < text.len; i++)
		if (!memchr(white_space, text.at[i], sizeof(white_space) - 1))
			kept[len++] = text.at[i];
	return (struct bytes){kept, len};
}

/* Reads the guess; returns the failures as bits. */
static enum err guess_read(struct dotdigital_call *call, struct bytes *ret, unsigned *ret_failures)
{
	struct arena *arena = call->request->arena;
	struct validate_body body;
	struct json_found found;
	struct json_refusal refusal;
	enum err err = json_object_read(call->request->body, &dotdigital_json, members, 1, arena,
	                                &body, &found, &refusal);
	*ret_failures = 0;
	if (err == ERR_NO_MEMORY)
		return err;
	if (err) {
		*ret_failures = 1u << FAILURE_REQUEST;
		return OK;
	}
	*ret = without_white_space(arena, body.code);
	if (!ret->at)
		return ERR_NO_MEMORY;
	if (!ret->len)
		*ret_failures = 1u << FAILURE_CODE;
	return OK;
}

static void validate_run(struct dotdigital_call *call)
{
	struct flow_call *flow = &call->flow;
	struct check_command *check = &flow->check;
	if (!id_parse(call->request->variables[0], &flow->id)) {
		dotdigital_answer(call, 204, BYTES_NONE, BYTES(""));
		return;
	}
	enum err err = guess_read(call, &check->guess, &call->failures);
	if (err) {
		dotdigital_answer_fault(call, err);
		return;
	}
	check->purpose = PURPOSE_NUMBER;
	check->look = call->failures != 0;
	check->tenant = call->auth.principal.domain->tenant.id;
	check->client = call->auth.principal.account->client.name;
	check->dialect = dotdigital_owner.name;
	check->limits = &call->settings->limits;
	flow->arena = call->request->arena;
	flow->deadline_ms = call->request->received_ms + REQUEST_DEADLINE_MS;
	flow->on_done = dotdigital_on_outcome;
	flow_check(&call->api->flow, flow);
}

void dotdigital_validate(struct api *api, struct request *request)
{
	dotdigital_begin(api, request, RIGHT_DOTDIGITAL_VERIFY, validate_run);
}
