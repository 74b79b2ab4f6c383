/* SPDX-License-Identifier: Apache-2.0 */
/* In the order they are looked at:
 *
 *   is he there > is his name free > what becomes of the phone > the code that goes to it
 *   > the codes that end > the user himself
 */
#include "core/user_private.h"

#include <assert.h>

/* ---- rules of names -------------------------------------------------------------------------- */

static bool is_id_character(char c)
{
	return ascii_is_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || c == '.' ||
	       c == '_' || c == '-';
}

bool user_id_is_valid(struct bytes id)
{
	if (id.len == 0 || id.len > USER_ID_MAX || bytes_equal(id, BYTES("me")))
		return false;
	for (size_t i = 0; i < id.len; i++)
		if (!is_id_character(id.at[i]))
			return false;
	return true;
}

enum err user_uuid_make(struct bytes id, struct rng *rng, char ret[ID_TEXT_LEN + 1])
{
	struct id uuid;
	enum err err = id_parse(id, &uuid) ? OK : id_make_random(rng, &uuid);
	if (err == OK)
		id_format(&uuid, ret);
	return err;
}

/* ---- what core/user_code needs too ----------------------------------------------------------- */

void user_touch(struct user *user, int64_t now_ms)
{
	user->sequence++;
	user->changed_ms = now_ms;
}

const struct user *user_other_owner(const struct user_records *records, const struct user *user)
{
	for (size_t i = 0; i < records->owners_n; i++)
		if (!bytes_equal(records->owners[i].user->id, user->id))
			return records->owners[i].user;
	return NULL;
}

void user_cancel_code(const struct verification *code, struct verification *room, int64_t now_ms,
                      struct verify_result *result)
{
	*room = *code;
	room->state = VERIFICATION_CANCELLED;
	room->finished_ms = now_ms;
	verify_add(result, CHANGE_VERIFICATION, room);
}

void user_guard_destination(const struct user_records *records, struct bytes tenant,
                            const struct number *number, struct verify_result *result)
{
	result->budget = records->budget ? *records->budget : (struct budget){.number = *number};
	result->line =
	    records->line ? *records->line : (struct line){.tenant = tenant, .number = *number};
	verify_add(result, GUARD_BUDGET, &result->budget);
	verify_add(result, GUARD_LINE, &result->line);
}

/* ---- members --------------------------------------------------------------------------------- */

static bool gives(const struct user_command *command, int member)
{
	return command->given & USER_GIVES(member);
}

static void take_flags(struct user *user, const struct user_command *command)
{
	const struct user *values = command->values;
	if (gives(command, USER_EMAIL_VERIFIED))
		user->email_verified = values->email_verified;
	if (gives(command, USER_FORCE_PASSWORD_CHANGE))
		user->force_password_change = values->force_password_change;
	bool ends_tokens = false;
	if (gives(command, USER_DISABLED)) {
		ends_tokens = values->disabled && !user->disabled;
		user->disabled = values->disabled;
	}
	if (gives(command, USER_PASSWORD_HASH)) {
		ends_tokens = true;
		user->password_hash = values->password_hash;
	}
	/* Nobody has a token of a user who is only being made. */
	if (ends_tokens && command->op == USER_CHANGE)
		user->token_epoch++;
}

static void take_members(struct user *user, const struct user_command *command)
{
	const struct user *values = command->values;
	/* An address that was not verified is not, whatever the one before was. */
	if (gives(command, USER_EMAIL) && !bytes_equal_fold(values->email, user->email))
		user->email_verified = false;
#define USER_TEXT(name, field, member, kind, max)                                                  \
	if (gives(command, USER_##name))                                                           \
		user->field = values->field;
#include "core/user_member.def"
#undef USER_TEXT
	take_flags(user, command);
}

/* ---- the phone ------------------------------------------------------------------------------- */

static bool is_verified(const struct user *user, const struct number *number)
{
	return user->phone_verified_ms && number_equal(&user->phone, number);
}

static void set_phone(struct user *user, const struct number *number, int64_t verified_ms,
                      bool exclusive)
{
	user->phone = *number;
	user->phone_pending = (struct number){0};
	user->phone_verified_ms = verified_ms;
	user->phone_exclusive = verified_ms && exclusive;
}

/* KEEP. What waits already, or is verified, is not what was asked for as a change. */
static void keep_phone(struct user *user, const struct number *number)
{
	if (is_verified(user, number))
		user->phone_pending = (struct number){0};
	else if (user->phone_verified_ms)
		user->phone_pending = *number;
	else
		set_phone(user, number, 0, false);
}

static enum outcome take_phone(struct user *user, const struct user_command *command,
                               const struct user_records *records, int64_t now_ms)
{
	const struct number *number = &command->number, *target = user_phone_target(user);
	bool has_number = command->phone != PHONE_STAYS && command->phone != PHONE_REMOVE;
	assert(has_number != number_is_none(number));
	if (command->phone == PHONE_REMOVE && number_is_none(target))
		return OUTCOME_NO_PHONE;
	bool is_same = number_equal(target, number) &&
	               (command->phone == PHONE_REPLACE || !is_verified(user, number));
	if ((command->phone == PHONE_KEEP || command->phone == PHONE_REPLACE) && is_same &&
	    !command->same_sends)
		return OUTCOME_UNCHANGED;
	if (has_number && command->exclusive && user_other_owner(records, user))
		return OUTCOME_PHONE_TAKEN;
	switch (command->phone) {
	case PHONE_STAYS:
		break;
	case PHONE_KEEP:
		keep_phone(user, number);
		break;
	case PHONE_REPLACE:
		set_phone(user, number, 0, false);
		break;
	case PHONE_VERIFIED:
		set_phone(user, number, now_ms, command->exclusive);
		break;
	case PHONE_REMOVE:
		set_phone(user, &(struct number){0}, 0, false);
		break;
	}
	return OUTCOME_USER_CHANGED;
}

/* ---- the code that goes to it ---------------------------------------------------------------- */

static bool wants_code(const struct user_command *command, const struct user *user)
{
	return command->send && (command->phone == PHONE_KEEP || command->phone == PHONE_REPLACE) &&
	       !user->disabled && !is_verified(user, user_phone_target(user));
}

/* Sends, into the result. Where that is refused, `result` has no change, and what the refusal rests
 * on is guarded. ret_went_out: a code was made. */
static enum err send_code(const struct user_command *command, const struct user_records *records,
                          struct verify_context *context, struct verify_result *result,
                          struct user_result *user_result, bool *ret_went_out)
{
	const struct user *user = &user_result->changed;
	struct send_command send = *command->send;
	send.purpose = PURPOSE_PHONE;
	send.tenant = command->tenant;
	send.user = send.slot = user->id;
	send.number = *user_phone_target(user);
	const struct verify_records about = {
	    .verification = records->phone_code,
	    .budget = records->budget,
	    .line = records->line,
	};
	enum err err = verify_send(&send, &about, context, result);
	if (err)
		return err;
	user_result->sent = result->outcome;
	*ret_went_out = result->changes_n > 0;
	if (!*ret_went_out) {
		user_guard_destination(records, command->tenant, &send.number, result);
		verify_add(result, CHANGE_EVENT, &result->event);
	}
	return OK;
}

/* Ends the codes that are for a number which he no longer has, or has no need to verify. A send
 * that went out has dealt with the phone's. */
static void end_codes(const struct user_records *records, bool went_out, int64_t now_ms,
                      struct verify_result *result, struct user_result *user_result)
{
	const struct user *user = &user_result->changed;
	const struct number *target = user_phone_target(user);
	const struct verification *code = records->phone_code;
	if (code && !went_out &&
	    (!number_equal(&code->number, target) || is_verified(user, target)))
		user_cancel_code(code, &user_result->cancelled[0], now_ms, result);
	code = records->login_code;
	if (code && !number_equal(&code->number, &user->phone))
		user_cancel_code(code, &user_result->cancelled[1], now_ms, result);
}

/* ---- the step -------------------------------------------------------------------------------- */

static enum err describe(const struct user_command *command, struct verify_context *context,
                         const struct user *user, struct bytes kind, enum outcome outcome,
                         struct event *ret)
{
	static const struct number none;
	const struct event about = {
	    .kind = kind,
	    .reason = outcome_label(outcome),
	    .tenant = command->tenant,
	    .dialect = command->dialect,
	};
	return verify_event(context, user ? user_phone_target(user) : &none, &about, ret);
}

static enum err refuse(const struct user_command *command, const struct user_records *records,
                       struct verify_context *context, enum outcome outcome,
                       struct verify_result *result, struct user_result *user_result)
{
	result->outcome = outcome;
	result->changes_n = 0;
	user_result->user = records->user;
	return describe(command, context, records->user, BYTES("refused"), outcome, &result->event);
}

static enum err begin(const struct user_command *command, struct verify_context *context,
                      struct user_result *user_result)
{
	struct user *user = &user_result->changed;
	*user = (struct user){
	    .tenant = command->tenant,
	    .id = command->user,
	    .created_ms = context->now_ms,
	};
	enum err err = user_uuid_make(command->user, context->rng, user_result->uuid);
	user->uuid = bytes_from_text(user_result->uuid);
	return err;
}

/* The user as the command would have him, in user_result->changed; or why not. */
static enum err shape(const struct user_command *command, const struct user_records *records,
                      struct verify_context *context, struct user_result *user_result,
                      enum outcome *ret)
{
	struct user *user = &user_result->changed;
	bool is_new = command->op == USER_CREATE;
	*ret = is_new ? OUTCOME_USER_EXISTS : OUTCOME_NO_USER;
	if (is_new == (records->user != NULL))
		return OK;
	if (is_new) {
		enum err err = begin(command, context, user_result);
		if (err)
			return err;
	} else {
		*user = *records->user;
	}
	*ret = OUTCOME_USER_GONE;
	if (command->op == USER_DELETE) {
		set_phone(user, &(struct number){0}, 0, false);
		return OK;
	}
	*ret = OUTCOME_NAME_TAKEN;
	if (records->namesake && !bytes_equal(records->namesake->id, user->id))
		return OK;
	*ret = OUTCOME_EMAIL_TAKEN;
	if (is_new && records->mailbox)
		return OK;
	take_members(user, command);
	*ret = take_phone(user, command, records, context->now_ms);
	if (*ret == OUTCOME_USER_CHANGED && is_new)
		*ret = OUTCOME_USER_MADE;
	return OK;
}

static bool is_done(enum outcome outcome)
{
	return outcome == OUTCOME_USER_MADE || outcome == OUTCOME_USER_CHANGED ||
	       outcome == OUTCOME_USER_GONE;
}

/* The user, and his event beside that of the send. */
static enum err finish(const struct user_command *command, struct verify_context *context,
                       const struct user *before, enum outcome outcome,
                       struct verify_result *result, struct user_result *user_result)
{
	bool is_gone = outcome == OUTCOME_USER_GONE;
	struct event *event =
	    user_result->sent == OUTCOME_COUNT ? &result->event : &user_result->event;
	user_touch(&user_result->changed, context->now_ms);
	result->outcome = outcome;
	user_result->user = is_gone ? before : &user_result->changed;
	verify_add(result, is_gone ? DELETE_USER : CHANGE_USER,
	           is_gone ? before : &user_result->changed);
	verify_add(result, CHANGE_EVENT, event);
	return describe(command, context, user_result->user, BYTES("changed"), outcome, event);
}

enum err user_step(const struct user_command *command, const struct user_records *records,
                   struct verify_context *context, struct verify_result *ret,
                   struct user_result *ret_user)
{
	assert(!command->given || command->values);
	verify_begin(ret);
	ret_user->user = records->user;
	ret_user->sent = OUTCOME_COUNT;
	enum outcome outcome;
	bool went_out = false;
	enum err err = shape(command, records, context, ret_user, &outcome);
	if (err)
		return err;
	if (!is_done(outcome))
		return refuse(command, records, context, outcome, ret, ret_user);
	if (wants_code(command, &ret_user->changed)) {
		err = send_code(command, records, context, ret, ret_user, &went_out);
		if (err == OK && ret_user->sent == OUTCOME_SEND_LIMITED && command->send_or_nothing)
			return refuse(command, records, context, OUTCOME_SEND_LIMITED, ret,
			              ret_user);
	}
	if (err == OK) {
		end_codes(records, went_out, context->now_ms, ret, ret_user);
		err = finish(command, context, records->user, outcome, ret, ret_user);
	}
	if (err)
		ret->changes_n = 0;
	return err;
}
