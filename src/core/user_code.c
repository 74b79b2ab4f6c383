/* SPDX-License-Identifier: Apache-2.0 */
/* In the order they are looked at:
 *
 *   is he there > is he disabled > has he a number > does it wait to be verified
 *   > what core/verify says of the code > does another one have the number
 */
#include "core/user_private.h"

#include <assert.h>

const struct number *user_code_number(const struct user *user, enum purpose purpose)
{
	return purpose == PURPOSE_PHONE ? user_phone_target(user) : &user->phone;
}

/* Why this user gets no code and has none checked; SENT: nothing is in the way. */
static enum outcome why_not(const struct user *user, enum purpose purpose)
{
	if (!user)
		return OUTCOME_NO_USER;
	if (user->disabled)
		return OUTCOME_USER_DISABLED;
	if (number_is_none(user_code_number(user, purpose)))
		return OUTCOME_NO_PHONE;
	if (purpose == PURPOSE_PHONE && user->phone_verified_ms &&
	    number_is_none(&user->phone_pending))
		return OUTCOME_VERIFIED_ALREADY;
	return OUTCOME_SENT;
}

/* What the step read of the user must still hold; of a phantom, that there is no such user. */
static void guard_user(const struct user *user, struct bytes tenant, struct bytes id,
                       struct verify_result *result, struct user_result *user_result)
{
	user_result->changed = user ? *user : (struct user){.tenant = tenant, .id = id};
	verify_add(result, GUARD_USER, &user_result->changed);
}

/* ---- send ------------------------------------------------------------------------------------ */

static void change_sequence(const struct user *user, int64_t now_ms, struct verify_result *result,
                            struct user_result *user_result)
{
	user_result->changed = *user;
	user_touch(&user_result->changed, now_ms);
	user_result->user = &user_result->changed;
	verify_add(result, CHANGE_USER, &user_result->changed);
}

static enum err refuse_send(const struct send_command *command, const struct user *user,
                            enum outcome outcome, struct verify_context *context,
                            struct verify_result *result)
{
	static const struct number none;
	result->outcome = outcome;
	const struct event about = {
	    .kind = BYTES("refused"),
	    .reason = outcome_label(outcome),
	    .tenant = command->tenant,
	    .dialect = command->dialect,
	};
	return verify_event(context, user ? user_code_number(user, command->purpose) : &none,
	                    &about, &result->event);
}

enum err user_code_send(const struct send_command *command, const struct user_records *records,
                        struct verify_context *context, struct verify_result *ret,
                        struct user_result *ret_user)
{
	const struct user *user = records->user;
	bool is_login = command->purpose == PURPOSE_LOGIN;
	assert(is_login || command->purpose == PURPOSE_PHONE);
	verify_begin(ret);
	ret_user->user = user;
	struct send_command send = *command;
	bool is_phantom = !user && command->hidden && number_is_pseudo(&command->number);
	enum outcome outcome = is_phantom ? OUTCOME_SENT : why_not(user, command->purpose);
	if (outcome != OUTCOME_SENT)
		return refuse_send(command, user, outcome, context, ret);
	if (user) {
		send.user = user->id;
		send.number = *user_code_number(user, command->purpose);
	}
	send.slot = send.user;
	const struct verify_records about = {
	    .verification = is_login ? records->login_code : records->phone_code,
	    .budget = records->budget,
	    .line = records->line,
	};
	enum err err = verify_send(&send, &about, context, ret);
	if (err || ret->outcome == OUTCOME_SEND_LIMITED)
		return err;
	if (is_login) {
		/* What the destination refused, and is not hidden, has nothing to commit. */
		if (ret->changes_n)
			guard_user(user, send.tenant, send.user, ret, ret_user);
		return OK;
	}
	if (!ret->changes_n) {
		user_guard_destination(records, send.tenant, &send.number, ret);
		verify_add(ret, CHANGE_EVENT, &ret->event);
	}
	change_sequence(user, context->now_ms, ret, ret_user);
	return OK;
}

/* ---- check ----------------------------------------------------------------------------------- */

static bool is_evaluated(enum outcome outcome)
{
	return outcome == OUTCOME_APPROVED || outcome == OUTCOME_WRONG || outcome == OUTCOME_LOCKED;
}

void user_code_end_login(const struct verification *login_code, int64_t now_ms,
                         struct verify_result *result, struct user_result *user_result)
{
	const struct number *phone = &user_result->changed.phone;
	if (login_code && !number_equal(&login_code->number, phone))
		user_cancel_code(login_code, &user_result->cancelled[0], now_ms, result);
}

/* What was waiting takes its place. */
static void mark_verified(struct user *user, bool exclusive, int64_t now_ms,
                          struct user_result *user_result)
{
	const struct number number = *user_phone_target(user);
	user_result->phone_moved = !number_equal(&user->phone, &number);
	user->phone = number;
	user->phone_pending = (struct number){0};
	user->phone_verified_ms = now_ms;
	user->phone_exclusive = exclusive;
}

/* A code of his phone was evaluated. The event already stands in the result; its reason does not
 * stay when the number turns out to be another's. */
static void conclude_phone(const struct check_command *command, const struct user *user,
                           const struct user_records *records, int64_t now_ms,
                           struct verify_result *result, struct user_result *user_result)
{
	change_sequence(user, now_ms, result, user_result);
	user_result->phone_moved = false;
	if (result->outcome != OUTCOME_APPROVED)
		return;
	const struct user *owner = command->exclusive ? user_other_owner(records, user) : NULL;
	if (!owner) {
		mark_verified(&user_result->changed, command->exclusive, now_ms, user_result);
		user_code_end_login(records->login_code, now_ms, result, user_result);
		return;
	}
	result->outcome = OUTCOME_PHONE_TAKEN;
	result->event.reason = outcome_label(OUTCOME_PHONE_TAKEN);
	verify_add(result, GUARD_USER, owner);
}

static void conclude_login(const struct user *user, const struct check_command *command,
                           int64_t now_ms, struct verify_result *result,
                           struct user_result *user_result)
{
	if (result->outcome != OUTCOME_APPROVED) {
		guard_user(user, command->tenant, command->user, result, user_result);
		return;
	}
	user_result->login_before_ms = user->last_login_ms;
	user_result->changed = *user;
	user_result->changed.last_login_ms = now_ms;
	user_result->user = &user_result->changed;
	verify_add(result, CHANGE_USER, &user_result->changed);
}

enum err user_code_check(const struct check_command *command, const struct user_records *records,
                         struct verify_context *context, struct verify_result *ret,
                         struct user_result *ret_user)
{
	const struct user *user = records->user;
	bool is_login = command->purpose == PURPOSE_LOGIN;
	assert(is_login || command->purpose == PURPOSE_PHONE);
	const struct verification *code = is_login ? records->login_code : records->phone_code;
	verify_begin(ret);
	ret_user->user = user;
	struct check_command check = *command;
	bool is_phantom = !user && command->hidden && code && number_is_pseudo(&code->number);
	enum outcome outcome = is_phantom ? OUTCOME_SENT : why_not(user, command->purpose);
	if (outcome != OUTCOME_SENT)
		return verify_refuse_check(command, context, outcome, ret);
	if (user)
		check.user = user->id;
	/* Whoever changed his number past this engine did not end its code. */
	if (user && code && !number_equal(&code->number, user_code_number(user, check.purpose))) {
		ret->verification = *code;
		return verify_refuse_check(command, context, OUTCOME_CANCELLED, ret);
	}
	const struct verify_records about = {
	    .verification = code,
	    .budget = records->budget,
	    .failures = records->failures,
	};
	enum err err = verify_check(&check, &about, context, ret);
	if (err || !is_evaluated(ret->outcome))
		return err;
	if (is_login)
		conclude_login(user, &check, context->now_ms, ret, ret_user);
	else
		conclude_phone(&check, user, records, context->now_ms, ret, ret_user);
	return OK;
}

/* ---- the codes of all who have a number ------------------------------------------------------ */

/* Whose codes can be compared, as indices into the holders; at most HOLDERS_MAX. */
struct comparable {
	size_t n;
	size_t at[HOLDERS_MAX];
};

/* Why the holder's code cannot be compared; PENDING: it can. */
static enum outcome why_not_comparable(const struct holder *holder, const struct number *number,
                                       const struct verify_context *context)
{
	const struct verification *code = holder->code;
	if (holder->user->disabled)
		return OUTCOME_USER_DISABLED;
	if (!code)
		return OUTCOME_UNKNOWN;
	if (!number_equal(&code->number, number))
		return OUTCOME_CANCELLED;
	if (!verify_has_life_left(code, context->now_ms))
		return OUTCOME_EXPIRED;
	return keyring_has(context->keyring, code->key_id) ? OUTCOME_PENDING : OUTCOME_KEY_GONE;
}

/* Nobody waits for this number to be verified. */
static enum err refuse_closed(const struct check_command *command,
                              const struct user_records *records, struct verify_context *context,
                              struct verify_result *result, struct user_result *user_result)
{
	user_result->user = records->owners_n ? records->owners[0].user : NULL;
	enum outcome outcome = OUTCOME_NO_USER;
	if (user_result->user)
		outcome =
		    user_result->user->disabled ? OUTCOME_USER_DISABLED : OUTCOME_VERIFIED_ALREADY;
	return verify_refuse_check(command, context, outcome, result);
}

static struct comparable find_comparable(const struct user_records *records,
                                         const struct number *number,
                                         const struct verify_context *context)
{
	struct comparable found = {0};
	for (size_t i = 0; i < records->holders_n; i++)
		if (why_not_comparable(&records->holders[i], number, context) == OUTCOME_PENDING)
			found.at[found.n++] = i;
	return found;
}

/* None can be compared: the newest who is not disabled says why, if there is one. */
static enum err refuse_incomparable(const struct check_command *command,
                                    const struct user_records *records, const struct number *number,
                                    struct verify_context *context, struct verify_result *result,
                                    struct user_result *user_result)
{
	const struct holder *holder = &records->holders[0];
	for (size_t i = records->holders_n; i-- > 0;)
		if (!records->holders[i].user->disabled)
			holder = &records->holders[i];
	user_result->user = holder->user;
	if (holder->code)
		result->verification = *holder->code;
	return verify_refuse_check(command, context, why_not_comparable(holder, number, context),
	                           result);
}

/* Compares them all, also after one was right: ret_right is the first that was, or `among->n`. */
static enum err compare_all(const struct check_command *command, const struct user_records *records,
                            const struct comparable *among, struct verify_context *context,
                            size_t *ret_right)
{
	*ret_right = among->n;
	for (size_t i = among->n; i-- > 0;) {
		const struct verification *code = records->holders[among->at[i]].code;
		bool right;
		enum err err = verify_compare(command, code, context, &right);
		if (err)
			return err;
		if (right)
			*ret_right = i;
	}
	return OK;
}

/* Each code that was compared has a try less; each user but the one who is meant stays. */
static void conclude_all(const struct user_records *records, const struct comparable *among,
                         size_t right, int64_t now_ms, struct verify_result *result,
                         struct user_result *user_result)
{
	size_t meant = right < among->n ? right : 0;
	for (size_t i = 0; i < among->n; i++) {
		const struct holder *holder = &records->holders[among->at[i]];
		struct verification *code = &user_result->tried[i];
		*code = *holder->code;
		enum outcome outcome = verify_conclude(code, i == right, now_ms);
		verify_add(result, CHANGE_VERIFICATION, code);
		if (i != meant) {
			verify_add(result, GUARD_USER, holder->user);
			continue;
		}
		result->verification = *code;
		result->outcome = outcome;
	}
}

enum err user_code_check_holders(const struct check_command *command,
                                 const struct user_records *records, struct verify_context *context,
                                 struct verify_result *ret, struct user_result *ret_user)
{
	assert(command->purpose == PURPOSE_PHONE && records->holders_n <= HOLDERS_MAX);
	verify_begin(ret);
	ret_user->user = NULL;
	ret_user->phone_moved = false;
	if (!records->holders_n)
		return refuse_closed(command, records, context, ret, ret_user);
	struct comparable among = find_comparable(records, &records->number, context);
	if (!among.n)
		return refuse_incomparable(command, records, &records->number, context, ret,
		                           ret_user);
	const struct holder *newest = &records->holders[among.at[0]];
	ret_user->user = newest->user;
	ret->verification = *newest->code;
	ret->retry_after_ms = limits_guess_wait_ms(command->limits, records->budget,
	                                           records->failures, context->now_ms);
	if (ret->retry_after_ms > 0)
		return verify_refuse_check(command, context, OUTCOME_GUESS_LIMITED, ret);
	among.n = limits_guess_room(command->limits, records->budget, records->failures,
	                            (unsigned)among.n, context->now_ms);
	size_t right;
	enum err err = compare_all(command, records, &among, context, &right);
	if (err)
		return err;
	bool is_right = right < among.n;
	conclude_all(records, &among, right, context->now_ms, ret, ret_user);
	verify_charge_guesses(command->limits, records->budget, records->failures,
	                      (unsigned)among.n, is_right, context, ret);
	err = verify_finish(ret, context, command->dialect, BYTES("checked"));
	if (err == OK)
		conclude_phone(command, records->holders[among.at[is_right ? right : 0]].user,
		               records, context->now_ms, ret, ret_user);
	else
		ret->changes_n = 0;
	return err;
}
