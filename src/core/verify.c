/* SPDX-License-Identifier: Apache-2.0 */
/* Rules in the order they are looked at:
 *
 *   send:  the operator's word on the line > a route > limits > what the repeat does
 *   check: whose record > its state > its end > its key > limits > the code
 *
 * Every record that was read is in the changes, as a change or as a guard, so that the commit
 * fails if any of it moved in between. */
#include "core/verify.h"

#include <assert.h>

static void add_change(struct verify_result *result, enum change_kind kind, const void *record)
{
	assert(result->changes_n < VERIFY_CHANGES_MAX);
	result->changes[result->changes_n++] = (struct change){.kind = kind, .record = record};
}

/* The event of this step: `id` only when it is committed; a refusal gets its own when noted. */
static enum err describe(struct verify_result *result, struct verify_context *context,
                         const struct number *number, struct bytes tenant, struct bytes dialect,
                         struct bytes kind)
{
	struct event *event = &result->event;
	*event = (struct event){
	    .at_ms = context->now_ms,
	    .kind = kind,
	    .reason = outcome_label(result->outcome),
	    .tenant = tenant,
	    .dialect = dialect,
	    .verification = result->verification.id,
	    .count = 1,
	};
	enum err err = id_make(context->now_ms, number_bucket(number), context->rng, &event->id);
	if (err == OK && number->digits[0])
		err = number_hash(context->keyring, number, event->number_hash);
	return err;
}

static enum err finish_changes(struct verify_result *result, struct verify_context *context,
                               struct bytes dialect, struct bytes kind)
{
	const struct verification *v = &result->verification;
	enum err err = describe(result, context, &v->number, v->tenant, dialect, kind);
	if (err == OK)
		add_change(result, CHANGE_EVENT, &result->event);
	return err;
}

/* ---- send ------------------------------------------------------------------------------------ */

bool verify_slot(const struct send_command *command, struct arena *arena, struct bytes *ret)
{
	*ret = BYTES_NONE;
	if (command->policy.repeat == REPEAT_PARALLEL)
		return true;
	struct bytes holder = command->user.at ? command->user : command->client;
	if (command->purpose != PURPOSE_NUMBER)
		*ret = arena_copy(arena, holder);
	else
		*ret = arena_printf(arena, "%s:%.*s %s", command->user.at ? "user" : "client",
		                    (int)holder.len, holder.at, command->number.digits);
	return ret->at != NULL;
}

/* Made before the clock was set back: nobody can say how old it is. */
static bool is_from_the_future(const struct verification *v, int64_t now_ms)
{
	return v->created_ms > now_ms + CLOCK_SKEW_MS;
}

static bool has_life_left(const struct verification *v, int64_t now_ms)
{
	return now_ms < v->expires_ms && !is_from_the_future(v, now_ms);
}

/* Whether both are bound to the same transaction, or to none. */
static bool bound_alike(const struct verification *v, const struct send_command *command)
{
	return v->bound == command->bound &&
	       (!v->bound || memcmp(v->digest, command->digest, SHA256_LEN) == 0);
}

/* Whether `repeat: same` may send the code it has. */
static bool same_code_serves(const struct verification *v, const struct send_command *command,
                             bool chosen, const struct verify_context *context)
{
	return command->policy.repeat == REPEAT_SAME && has_life_left(v, context->now_ms) &&
	       v->expires_ms - context->now_ms >= SAME_LIFE_MIN_MS &&
	       v->tries < v->policy.attempts && v->chosen == chosen && bound_alike(v, command) &&
	       keyring_has(context->keyring, v->key_id);
}

static int64_t end_of_life(const struct send_command *command, int64_t now_ms)
{
	int64_t longest_ms = now_ms + command->policy.ttl_ms;
	return command->expires_ms && command->expires_ms < longest_ms ? command->expires_ms
	                                                               : longest_ms;
}

/* A fixed test number's code takes the place of a derived one; the record carries its MAC, so
 * that later checks need nothing else. */
static void choose_code(struct verification *v, const struct line *line)
{
	v->chosen = true;
	v->key_id = line->chosen_key_id;
	v->policy.length = line->chosen_length;
	memcpy(v->chosen_mac, line->chosen_mac, SHA256_LEN);
}

/* A new code on `v`: what a first send and a further generation have in common. */
static void renew(struct verification *v, const struct send_command *command,
                  const struct line *line, const struct verify_context *context)
{
	v->policy = command->policy;
	v->key_id = keyring_writing_id(context->keyring);
	v->chosen = false;
	memset(v->chosen_mac, 0, sizeof(v->chosen_mac));
	if (line && line->chosen)
		choose_code(v, line);
	v->generation++;
	v->tries = 0;
	v->created_ms = context->now_ms;
	v->expires_ms = end_of_life(command, context->now_ms);
	v->dialect = command->dialect;
	v->address = command->address;
	v->device = command->device;
	v->bound = command->bound;
	memcpy(v->digest, command->digest, SHA256_LEN);
}

static enum err make_record(struct verification *v, const struct send_command *command,
                            const struct line *line, struct verify_context *context)
{
	*v = (struct verification){
	    .purpose = command->purpose,
	    .state = VERIFICATION_LIVE,
	    .tenant = command->tenant,
	    .client = command->client,
	    .user = command->user,
	    .number = command->number,
	    .slot = command->slot,
	};
	renew(v, command, line, context);
	return id_make(context->now_ms, number_bucket(&v->number), context->rng, &v->id);
}

/* The older record ends, and leaves its slot to the new one. */
static void displace(struct verify_result *result, const struct verification *old,
                     enum verification_state state, int64_t now_ms)
{
	result->displaced = *old;
	result->displaced.state = state;
	result->displaced.finished_ms = now_ms;
	add_change(result, CHANGE_VERIFICATION, &result->displaced);
}

/* Decides what becomes of the live record of this slot, if there is one, and which record the
 * message will be about. Sets the outcome. */
static enum err apply_repeat(const struct send_command *command,
                             const struct verify_records *records, struct verify_context *context,
                             struct verify_result *result)
{
	const struct verification *old = records->verification;
	struct verification *v = &result->verification;
	bool chosen = records->line && records->line->chosen;
	assert(!old || old->state == VERIFICATION_LIVE);
	result->outcome = OUTCOME_SENT;
	if (old && strcmp(old->number.digits, command->number.digits) != 0) {
		/* The user's phone has changed since: a code for the old one is worth nothing. */
		displace(result, old, VERIFICATION_CANCELLED, context->now_ms);
		old = NULL;
	}
	if (old && command->policy.repeat == REPEAT_REPLACE) {
		displace(result, old,
		         has_life_left(old, context->now_ms) ? VERIFICATION_REPLACED
		                                             : VERIFICATION_EXPIRED,
		         context->now_ms);
		old = NULL;
	}
	if (!old) {
		enum err err = make_record(v, command, records->line, context);
		add_change(result, CHANGE_VERIFICATION, v);
		return err;
	}
	*v = *old;
	if (same_code_serves(old, command, chosen, context)) {
		result->outcome = OUTCOME_SENT_AGAIN;
		add_change(result, GUARD_VERIFICATION, v);
	} else {
		renew(v, command, records->line, context);
		add_change(result, CHANGE_VERIFICATION, v);
	}
	return OK;
}

/* What was read of the line, or its absence, must still hold when the message is committed. */
static void guard_line(const struct send_command *command, const struct verify_records *records,
                       struct verify_result *result)
{
	if (records->line)
		result->line = *records->line;
	else
		result->line = (struct line){.tenant = command->tenant, .number = command->number};
	add_change(result, GUARD_LINE, &result->line);
}

static void take_budget(struct verify_result *result, const struct budget *budget,
                        const struct number *number)
{
	if (budget)
		result->budget = *budget;
	else
		result->budget = (struct budget){.number = *number};
}

static enum err make_message(const struct send_command *command, struct verify_context *context,
                             struct verify_result *result)
{
	const struct verification *v = &result->verification;
	bool at_once = context->plan.route == ROUTE_AT_ONCE;
	result->template = command->template;
	result->message = (struct message){
	    .verification = v->id,
	    .generation = v->generation,
	    .state = at_once ? MESSAGE_DELIVERED : MESSAGE_QUEUED,
	    .provider = context->plan.provider,
	    .sender = command->sender,
	    .template = at_once ? BYTES_NONE : command->template,
	    .attempts = at_once ? 1 : 0,
	    .created_ms = context->now_ms,
	    .next_ms = context->now_ms,
	    .expires_ms = v->expires_ms,
	};
	enum err err =
	    id_make(context->now_ms, number_bucket(&v->number), context->rng, &result->message.id);
	add_change(result, CHANGE_MESSAGE, &result->message);
	return err;
}

static enum err refuse_send(const struct send_command *command, struct verify_context *context,
                            enum outcome outcome, struct verify_result *result)
{
	result->outcome = outcome;
	return describe(result, context, &command->number, command->tenant, command->dialect,
	                BYTES("refused"));
}

enum err verify_send(const struct send_command *command, const struct verify_records *records,
                     struct verify_context *context, struct verify_result *ret)
{
	*ret = (struct verify_result){0};
	const struct line *line = records->line;
	if (line && line->state == LINE_DEAD)
		return refuse_send(command, context, OUTCOME_DEAD, ret);
	if (line && line->state == LINE_LANDLINE)
		return refuse_send(command, context, OUTCOME_LANDLINE, ret);
	/* A test number gets no message, so it needs no route and spends no sends. */
	bool sends = !(line && line->chosen);
	if (sends && context->plan.route == ROUTE_NONE)
		return ERR_UNSUPPORTED;
	if (sends && context->plan.route == ROUTE_REFUSED)
		return refuse_send(command, context, OUTCOME_NO_ROUTE, ret);
	if (sends)
		ret->retry_after_ms =
		    limits_send_wait_ms(command->limits, records->budget, context->now_ms);
	if (ret->retry_after_ms > 0)
		return refuse_send(command, context, OUTCOME_SEND_LIMITED, ret);

	take_budget(ret, records->budget, &command->number);
	if (sends)
		budget_charge_send(&ret->budget, command->limits, context->now_ms);
	add_change(ret, sends ? CHANGE_BUDGET : GUARD_BUDGET, &ret->budget);
	guard_line(command, records, ret);
	enum err err = apply_repeat(command, records, context, ret);
	if (err == OK && sends)
		err = make_message(command, context, ret);
	if (err == OK)
		err = finish_changes(ret, context, command->dialect, BYTES("asked"));
	if (err)
		ret->changes_n = 0;
	return err;
}

/* ---- check ----------------------------------------------------------------------------------- */

/* Of a record that is UNKNOWN nothing is in the result, so the event names no number either. */
static enum err refuse_check(const struct check_command *command, struct verify_context *context,
                             enum outcome outcome, struct verify_result *result)
{
	result->outcome = outcome;
	return describe(result, context, &result->verification.number, command->tenant,
	                command->dialect, BYTES("refused"));
}

static bool belongs_to(const struct verification *v, const struct check_command *command)
{
	return v->purpose == command->purpose && bytes_equal(v->tenant, command->tenant) &&
	       bytes_equal(v->user, command->user) &&
	       (v->purpose != PURPOSE_NUMBER || bytes_equal(v->client, command->client));
}

static enum err compare(const struct check_command *command, const struct verification *v,
                        struct verify_context *context, bool *ret)
{
	struct verification judged = *v;
	judged.bound = command->bound;
	memcpy(judged.digest, command->digest, SHA256_LEN);
	return code_matches(context->keyring, &judged, command->guess, ret);
}

/* An approved record refuses without charge; only whether the same code came again is told. */
static enum err check_used(const struct check_command *command, struct verify_context *context,
                           struct verify_result *result)
{
	const struct verification *v = &result->verification;
	bool right = false;
	if (context->now_ms < v->expires_ms && keyring_has(context->keyring, v->key_id)) {
		enum err err = compare(command, v, context, &right);
		if (err)
			return err;
	}
	return refuse_check(command, context, right ? OUTCOME_REPEATED : OUTCOME_USED, result);
}

/* The first who comes too late is told so; the record ends there. */
static enum err end_unfinished(const struct check_command *command, enum outcome outcome,
                               struct verify_context *context, struct verify_result *result)
{
	struct verification *v = &result->verification;
	if (context->now_ms >= v->expires_ms + EXPIRED_STUB_MS)
		return refuse_check(command, context, OUTCOME_LAPSED, result);
	result->outcome = outcome;
	v->state = VERIFICATION_EXPIRED;
	v->finished_ms = context->now_ms;
	add_change(result, CHANGE_VERIFICATION, v);
	return finish_changes(result, context, command->dialect, BYTES("checked"));
}

static void count_failure(const struct failures *failures, const struct verification *v, bool right,
                          int64_t now_ms, struct verify_result *result)
{
	if (failures)
		result->failures = *failures;
	else
		result->failures = (struct failures){.tenant = v->tenant, .number = v->number};
	if (!right) {
		result->failures.count++;
		result->failures.last_ms = now_ms;
	} else if (failures) {
		result->failures.count = 0;
	}
	add_change(result, right && !failures ? GUARD_FAILURES : CHANGE_FAILURES,
	           &result->failures);
}

/* The code is compared, and that is paid for whatever comes out. */
static enum err evaluate(const struct check_command *command, const struct verify_records *records,
                         struct verify_context *context, struct verify_result *result)
{
	struct verification *v = &result->verification;
	bool right;
	enum err err = compare(command, v, context, &right);
	if (err)
		return err;
	v->tries++;
	if (right) {
		result->outcome = OUTCOME_APPROVED;
		v->state = VERIFICATION_APPROVED;
		v->finished_ms = context->now_ms;
	} else if (v->tries >= v->policy.attempts) {
		result->outcome = OUTCOME_LOCKED;
		v->state = VERIFICATION_LOCKED;
		v->finished_ms = context->now_ms;
	} else {
		result->outcome = OUTCOME_WRONG;
	}
	add_change(result, CHANGE_VERIFICATION, v);
	take_budget(result, records->budget, &v->number);
	budget_charge_guess(&result->budget, command->limits, context->now_ms);
	if (right)
		result->budget.send_streak = 0;
	add_change(result, CHANGE_BUDGET, &result->budget);
	count_failure(records->failures, v, right, context->now_ms, result);
	return finish_changes(result, context, command->dialect, BYTES("checked"));
}

static enum err check_live(const struct check_command *command,
                           const struct verify_records *records, struct verify_context *context,
                           struct verify_result *result)
{
	const struct verification *v = &result->verification;
	if (command->look && context->now_ms < v->expires_ms + EXPIRED_STUB_MS) {
		result->outcome = OUTCOME_PENDING;
		return OK;
	}
	if (!has_life_left(v, context->now_ms))
		return end_unfinished(command, OUTCOME_EXPIRED, context, result);
	if (!keyring_has(context->keyring, v->key_id))
		return end_unfinished(command, OUTCOME_KEY_GONE, context, result);
	result->retry_after_ms = limits_guess_wait_ms(command->limits, records->budget,
	                                              records->failures, context->now_ms);
	if (result->retry_after_ms > 0)
		return refuse_check(command, context, OUTCOME_GUESS_LIMITED, result);
	return evaluate(command, records, context, result);
}

enum err verify_check(const struct check_command *command, const struct verify_records *records,
                      struct verify_context *context, struct verify_result *ret)
{
	assert(command->purpose >= PURPOSE_NUMBER && command->purpose <= PURPOSE_LOGIN);
	*ret = (struct verify_result){0};
	const struct verification *v = records->verification;
	if (!v || !belongs_to(v, command))
		return refuse_check(command, context, OUTCOME_UNKNOWN, ret);
	ret->verification = *v;
	enum err err = OK;
	switch (v->state) {
	case VERIFICATION_LIVE:
		err = check_live(command, records, context, ret);
		break;
	case VERIFICATION_APPROVED:
		err = check_used(command, context, ret);
		break;
	case VERIFICATION_LOCKED:
		err = refuse_check(command, context, OUTCOME_SPENT, ret);
		break;
	case VERIFICATION_EXPIRED:
		err = refuse_check(command, context, OUTCOME_LAPSED, ret);
		break;
	case VERIFICATION_REPLACED:
		err = refuse_check(command, context, OUTCOME_REPLACED, ret);
		break;
	case VERIFICATION_CANCELLED:
		err = refuse_check(command, context, OUTCOME_CANCELLED, ret);
		break;
	}
	if (err)
		ret->changes_n = 0;
	return err;
}
