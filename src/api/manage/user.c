/* SPDX-License-Identifier: Apache-2.0 */
/* A user as this API shows him. The message of manage_otp.proto is the one view; JSON is written
 * from it, member by member in the same order, so that both always say the same. */
#include "api/manage/manage_private.h"

#include "base/when.h"
#include "manage_otp.pb-c.h"

typedef Verifyd__Manage__V2__User view_user;

struct manage_view {
	Verifyd__Manage__V2__ValidateUserResponse response;
	view_user user;
	Verifyd__Manage__V2__ApiWarning warning;
	Verifyd__Manage__V2__ApiWarning *warnings[1];
};

/* Text as the protobuf library wants it: with a NUL at its end. What holds one itself cannot be
 * shown, and import takes none. */
static bool text_take(struct arena *arena, struct bytes text, char **ret)
{
	static char empty[] = "";
	if (!text.len) {
		*ret = empty;
		return true;
	}
	struct bytes copy = arena_copy(arena, text);
	*ret = (char *)(uintptr_t)copy.at;
	return copy.at != NULL;
}

static bool moment_take(struct arena *arena, int64_t at_ms, char **ret)
{
	char text[WHEN_TEXT_LEN + 1] = "";
	if (at_ms)
		when_format(at_ms, text);
	return text_take(arena, bytes_from_text(text), ret);
}

static bool user_take(struct arena *arena, const struct user *user, int64_t last_login_ms,
                      view_user *to)
{
	struct bytes phone = BYTES("");
	if (!number_is_none(&user->phone))
		phone = arena_printf(arena, "+%s", user->phone.digits);
	to->forcepasswordchange = user->force_password_change;
	to->isvalid = !user->disabled;
	return phone.at && text_take(arena, user->first_name, &to->firstname) &&
	       text_take(arena, user->last_name, &to->lastname) &&
	       text_take(arena, user->user_name, &to->username) &&
	       text_take(arena, user->email, &to->email) && text_take(arena, phone, &to->phone) &&
	       text_take(arena, user->text_number, &to->textnumber) &&
	       text_take(arena, user->nick_name, &to->nickname) &&
	       text_take(arena, user->uuid, &to->uuid) &&
	       text_take(arena, user->password_expires, &to->passwordexpires) &&
	       text_take(arena, user->latest_invite_status, &to->latestinvitestatus) &&
	       text_take(arena, user->latest_invite_date, &to->latestinvitedate) &&
	       text_take(arena, user->latest_invite_uuid, &to->latestinviteuuid) &&
	       moment_take(arena, last_login_ms, &to->lastlogintimestamp) &&
	       text_take(arena, user->rollout_stage, &to->userrolloutstage);
}

struct manage_view *manage_view_new(struct manage_call *call, const struct user *user,
                                    int64_t last_login_ms)
{
	struct manage_view *view = ARENA_NEW(call->request->arena, struct manage_view);
	if (!view)
		return NULL;
	verifyd__manage__v2__validate_user_response__init(&view->response);
	verifyd__manage__v2__user__init(&view->user);
	view->response.apirequestid = call->request_id;
	view->response.user = &view->user;
	if (call->client_ip_ignored) {
		verifyd__manage__v2__api_warning__init(&view->warning);
		manage_client_ip_warning(&view->warning.warningcode, &view->warning.warningtitle,
		                         &view->warning.warningmessage);
		view->warnings[0] = &view->warning;
		view->response.warnings = view->warnings;
		view->response.n_warnings = 1;
	}
	return user_take(call->request->arena, user, last_login_ms, &view->user) ? view : NULL;
}

static void write_text(struct json_writer *json, const char *name, const char *text)
{
	json_write_text_member(json, name, bytes_from_text(text));
}

void manage_view_json(const struct manage_view *view, struct json_writer *json)
{
	const view_user *user = &view->user;
	json_write_name(json, "user");
	json_write_object(json);
	write_text(json, "firstName", user->firstname);
	write_text(json, "lastName", user->lastname);
	write_text(json, "userName", user->username);
	write_text(json, "email", user->email);
	write_text(json, "phone", user->phone);
	write_text(json, "textNumber", user->textnumber);
	write_text(json, "nickName", user->nickname);
	write_text(json, "uuid", user->uuid);
	write_text(json, "passwordExpires", user->passwordexpires);
	json_write_bool_member(json, "forcePasswordChange", user->forcepasswordchange);
	write_text(json, "latestInviteStatus", user->latestinvitestatus);
	write_text(json, "latestInviteDate", user->latestinvitedate);
	write_text(json, "latestInviteUUID", user->latestinviteuuid);
	json_write_bool_member(json, "isValid", user->isvalid);
	write_text(json, "lastLoginTimestamp", user->lastlogintimestamp);
	write_text(json, "userRolloutStage", user->userrolloutstage);
	json_write_object_end(json);
}

struct bytes manage_view_protobuf(const struct manage_view *view, struct arena *arena)
{
	size_t len = verifyd__manage__v2__validate_user_response__get_packed_size(&view->response);
	char *packed = arena_take(arena, len + 1);
	if (!packed)
		return BYTES_NONE;
	verifyd__manage__v2__validate_user_response__pack(&view->response, (uint8_t *)packed);
	return (struct bytes){packed, len};
}
