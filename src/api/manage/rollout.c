/* SPDX-License-Identifier: Apache-2.0 */
/* POST v2/user/list/rolloutStage: moves users to a stage, one after another. What was moved before
 * something failed stays moved. */
#include "api/manage/manage_private.h"

#define STAGE_MAX 64

struct rollout_body {
	struct bytes stage, message;
	struct json_texts uuids;
};

static const struct json_member members[] = {
    {{"rolloutStage", 12}, JSON_TEXT, offsetof(struct rollout_body, stage)},
    {{"userUuids", 9}, JSON_TEXT_ARRAY, offsetof(struct rollout_body, uuids)},
    /* The vendor keeps it for its own records. */
    {{"updateMessage", 13}, JSON_TEXT, offsetof(struct rollout_body, message)},
};
#define MEMBERS (sizeof(members) / sizeof(members[0]))

static void move_next(struct manage_call *call);

/* Whether the same uuid came earlier in the list. */
static bool stood_before(const struct manage_rollout *rollout, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (bytes_equal(rollout->uuids.at[i], rollout->uuids.at[at]))
			return true;
	return false;
}

static void answer_moved(struct manage_call *call)
{
	const struct manage_rollout *rollout = &call->rollout;
	struct buf buf;
	struct json_writer json;
	manage_open(call, &buf, &json);
	json_write_name(&json, "usersRolloutStageMap");
	json_write_object(&json);
	for (size_t i = 0; i < rollout->uuids.n; i++) {
		if (!rollout->moved[i] || stood_before(rollout, i))
			continue;
		json_write_name_bytes(&json, rollout->uuids.at[i]);
		json_write_text(&json, rollout->values.rollout_stage);
	}
	json_write_object_end(&json);
	manage_close(call, &buf, &json);
}

static void on_moved(struct flow_call *flow)
{
	struct manage_call *call = CONTAINER_OF(flow, struct manage_call, flow.flow);
	if (flow->err) {
		manage_answer_fault(call, flow->err);
		return;
	}
	call->rollout.moved[call->rollout.at++] = flow->result.outcome == OUTCOME_USER_CHANGED;
	move_next(call);
}

static void move_next(struct manage_call *call)
{
	struct manage_rollout *rollout = &call->rollout;
	if (rollout->at == rollout->uuids.n) {
		answer_moved(call);
		return;
	}
	call->flow = (struct flow_user_call){
	    .flow = {.arena = call->request->arena,
	             .deadline_ms = call->request->received_ms + REQUEST_DEADLINE_MS,
	             .on_done = on_moved},
	    .tenant = call->auth.principal.domain->tenant.id,
	    .who = {.by = WHO_UUID, .key = rollout->uuids.at[rollout->at]},
	    .command = {.op = USER_CHANGE,
	                .dialect = manage_owner.name,
	                .values = &rollout->values,
	                .given = USER_GIVES(USER_ROLLOUT_STAGE)},
	};
	flow_user_change(&call->api->flow, &call->flow);
}

/* Each is a UUID, which is kept in lower case. False: no memory. */
static bool uuids_read(struct manage_call *call, struct json_texts uuids)
{
	struct bytes *lower =
	    arena_take_array(call->request->arena, uuids.n + 1, sizeof(struct bytes));
	call->rollout.moved = arena_take_array(call->request->arena, uuids.n + 1, sizeof(bool));
	for (size_t i = 0; lower && i < uuids.n; i++) {
		struct id id;
		char text[ID_TEXT_LEN + 1] = "";
		if (id_parse(uuids.at[i], &id))
			id_format(&id, text);
		else
			manage_fault(call, "userUuids", "holds what is no UUID");
		lower[i] = arena_copy(call->request->arena, bytes_from_text(text));
		if (!lower[i].at)
			return false;
	}
	call->rollout.uuids = (struct json_texts){lower, uuids.n};
	return lower && call->rollout.moved;
}

static void rollout_run(struct manage_call *call)
{
	struct rollout_body *body = ARENA_NEW(call->request->arena, struct rollout_body);
	struct json_found found;
	if (!body) {
		manage_answer_fault(call, ERR_NO_MEMORY);
		return;
	}
	if (!manage_read(call, members, MEMBERS, body, &found))
		return;
	if (!body->stage.len || body->stage.len > STAGE_MAX)
		manage_fault(call, "rolloutStage", "must have 1 to 64 octets");
	if (!body->uuids.at)
		manage_fault(call, "userUuids", "must be given");
	else if (!uuids_read(call, body->uuids)) {
		manage_answer_fault(call, ERR_NO_MEMORY);
		return;
	}
	if (call->faults_n) {
		/* Which of them exist is not looked at. */
		call->rollout = (struct manage_rollout){0};
		manage_refuse_faults(call);
		return;
	}
	call->rollout.values.rollout_stage = body->stage;
	move_next(call);
}

void manage_rollout(struct api *api, struct request *request)
{
	manage_begin(api, request, RIGHT_MANAGE_USER_READ, rollout_run);
}
