/* SPDX-License-Identifier: Apache-2.0 */
/* Rules in the order they are looked at:
 *
 *   send:  the operator's word on the line > a route > limits > what the repeat does
 *   check: whose record > its state > its end > its key > limits > the code
 *
 * Every record that was read is in the changes, as a change or as a guard, so that the commit
 * fails if any of it moved in between. */
#include "core/verify_private.h"

#include <assert.h>

/* The records that are only looked at when a change names them stay as they are: to clear them all
 * cost more than the step itself. */
void verify_begin(struct verify_result *result)
{
	result->outcome = OUTCOME_COUNT;
	result->retry_after_ms = 0;
	result->changes_n = 0;
	result->verification = (struct verification){0};
	result->message = (struct message){0};
}

void verify_add(struct verify_result *result, enum change_kind kind, const void *record)
{
	assert(result->changes_n < VERIFY_CHANGES_MAX);
	result->changes[result->changes_n++] = (struct change){.kind = kind, .record = record};
}

enum err verify_event(struct verify_context *context, const struct number *number,
                      const struct event *about, struct event *ret)
{
	*ret = *about;
	ret->at_ms = context->now_ms;
	ret->count = 1;
	enum err err = id_make(context->now_ms, number_bucket(number), context->rng, &ret->id);
	if (err == OK && !number_is_none(number))
		err = number_hash(context->keyring, number, ret->number_hash);
	return err;
}

/* The event of this step: its id is of use only when it is committed or noted. */
static enum err describe(struct verify_result *result, struct verify_context *context,
                         const struct number *number, struct bytes tenant, struct bytes dialect,
                         struct bytes kind)
{
	const struct event about = {
	    .kind = kind,
	    .reason = outcome_label(result->outcome),
	    .tenant = tenant,
	    .dialect = dialect,
	    .verification = result->verification.id,
	};
	return verify_event(context, number, &about, &result->event);
}

enum err verify_finish(struct verify_result *result, struct verify_context *context,
                       struct bytes dialect, struct bytes kind)
{
	const struct verification *v = &result->verification;
	enum err err = describe(result, context, &v->number, v->tenant, dialect, kind);
	if (err == OK)
		verify_add(result, CHANGE_EVENT, &result->event);
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

bool verify_has_life_left(const struct verification *v, int64_t now_ms)
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
	return command->policy.repeat == REPEAT_SAME && verify_has_life_left(v, context->now_ms) &&
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
	verify_add(result, CHANGE_VERIFICATION, &result->displaced);
}

/* Decides what becomes of the live record of this slot, if there is one, and which record the
 * message will be about. Sets the outcome. */
static enum err apply_repeat(const struct send_command *command,
                             const struct verify_records *records, struct verify_context *context,
                             struct verify_result *result)
{
	const struct verification *old = records->verification;
	struct verification *v = &result->verification;
	const struct line *line = command->returned ? NULL : records->line;
	bool chosen = line && line->chosen;
	assert(!old || old->state == VERIFICATION_LIVE);
	result->outcome = OUTCOME_SENT;
	if (old && strcmp(old->number.digits, command->number.digits) != 0) {
		/* The user's phone has changed since: a code for the old one is worth nothing. */
		displace(result, old, VERIFICATION_CANCELLED, context->now_ms);
		old = NULL;
	}
	if (old && command->policy.repeat == REPEAT_REPLACE) {
		displace(result, old,
		         verify_has_life_left(old, context->now_ms) ? VERIFICATION_REPLACED
		                                                    : VERIFICATION_EXPIRED,
		         context->now_ms);
		old = NULL;
	}
	if (!old) {
		enum err err = make_record(v, command, line, context);
		verify_add(result, CHANGE_VERIFICATION, v);
		return err;
	}
	*v = *old;
	if (same_code_serves(old, command, chosen, context)) {
		result->outcome = OUTCOME_SENT_AGAIN;
		verify_add(result, GUARD_VERIFICATION, v);
	} else {
		renew(v, command, line, context);
		verify_add(result, CHANGE_VERIFICATION, v);
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
	verify_add(result, GUARD_LINE, &result->line);
}

static void take_budget(struct verify_result *result, const struct budget *budget,
                        const struct number *number)
{
	if (budget)
		result->budget = *budget;
	else
		result->budget = (struct budget){.number = *number};
}

/* `state`: how it is born. A cancelled one has no template. Where messages are taken at once they
 * are nobody's to send any more, and are not stored; nor is one there that is not to leave, so that
 * both cost the same. */
static enum err make_message(const struct send_command *command, enum message_state state,
                             struct verify_context *context, struct verify_result *result)
{
	const struct verification *v = &result->verification;
	result->message = (struct message){
	    .verification = v->id,
	    .generation = v->generation,
	    .state = state,
	    .provider = context->plan.provider,
	    .sender = command->sender,
	    .template = state == MESSAGE_CANCELLED ? BYTES_NONE : command->template,
	    .attempts = state == MESSAGE_DELIVERED ? 1 : 0,
	    .created_ms = context->now_ms,
	    .next_ms = context->now_ms,
	    .expires_ms = v->expires_ms,
	};
	enum err err =
	    id_make(context->now_ms, number_bucket(&v->number), context->rng, &result->message.id);
	if (context->plan.route != ROUTE_AT_ONCE)
		verify_add(result, CHANGE_MESSAGE, &result->message);
	return err;
}

static enum err refuse_send(const struct send_command *command, struct verify_context *context,
                            enum outcome outcome, struct verify_result *result)
{
	result->outcome = outcome;
	return describe(result, context, &command->number, command->tenant, command->dialect,
	                BYTES("refused"));
}

/* What keeps a message from leaving; SENT: nothing does. */
static enum outcome why_not_sent(const struct send_command *command, const struct line *line,
                                 const struct verify_context *context)
{
	if (number_is_pseudo(&command->number))
		return OUTCOME_NO_USER;
	if (line && line->state == LINE_DEAD)
		return OUTCOME_DEAD;
	if (line && line->state == LINE_LANDLINE)
		return OUTCOME_LANDLINE;
	if (context->plan.route == ROUTE_REFUSED && !(line && line->chosen))
		return OUTCOME_NO_ROUTE;
	return OUTCOME_SENT;
}

static enum message_state message_begins(enum outcome why_not, const struct verify_context *context)
{
	if (why_not != OUTCOME_SENT)
		return MESSAGE_CANCELLED;
	return context->plan.route == ROUTE_AT_ONCE ? MESSAGE_DELIVERED : MESSAGE_QUEUED;
}

enum err verify_send(const struct send_command *command, const struct verify_records *records,
                     struct verify_context *context, struct verify_result *ret)
{
	verify_begin(ret);
	const struct line *line = records->line;
	enum outcome why_not =
	    command->returned ? OUTCOME_SENT : why_not_sent(command, line, context);
	if (why_not != OUTCOME_SENT && !command->hidden)
		return refuse_send(command, context, why_not, ret);
	/* A test number gets no message, so it needs no route and spends no sends. */
	bool sends = !command->returned && !(line && line->chosen);
	if (sends && context->plan.route == ROUTE_NONE)
		return ERR_UNSUPPORTED;
	if (sends)
		ret->retry_after_ms =
		    limits_send_wait_ms(command->limits, records->budget, context->now_ms);
	if (ret->retry_after_ms > 0)
		return refuse_send(command, context, OUTCOME_SEND_LIMITED, ret);

	take_budget(ret, records->budget, &command->number);
	if (sends)
		budget_charge_send(&ret->budget, command->limits, context->now_ms);
	verify_add(ret, sends ? CHANGE_BUDGET : GUARD_BUDGET, &ret->budget);
	guard_line(command, records, ret);
	enum err err = apply_repeat(command, records, context, ret);
	if (err == OK && sends)
		err = make_message(command, message_begins(why_not, context), context, ret);
	if (why_not != OUTCOME_SENT)
		ret->outcome = why_not;
	if (err == OK)
		err = verify_finish(ret, context, command->dialect, BYTES("asked"));
	if (err)
		ret->changes_n = 0;
	return err;
}

/* ---- check ----------------------------------------------------------------------------------- */

static bool belongs_to(const struct verification *v, const struct check_command *command)
{
	return v->purpose == command->purpose && bytes_equal(v->tenant, command->tenant) &&
	       bytes_equal(v->user, command->user) &&
	       (v->purpose != PURPOSE_NUMBER || bytes_equal(v->client, command->client));
}

/* A code of a user who is not there is never right, but takes as long. */
enum err verify_compare(const struct check_command *command, const struct verification *v,
                        struct verify_context *context, bool *ret)
{
	struct verification judged = *v;
	judged.bound = command->bound;
	memcpy(judged.digest, command->digest, SHA256_LEN);
	enum err err = code_matches(context->keyring, &judged, command->guess, ret);
	if (number_is_pseudo(&v->number))
		*ret = false;
	return err;
}

/* Where nothing was to be compared, somebody may still measure whether something was. */
static enum err compare_nothing(const struct check_command *command, struct verify_context *context)
{
	const struct verification nobody = {
	    .tenant = command->tenant,
	    .policy = {.alphabet = "0123456789", .length = CODE_LENGTH_MIN},
	    .key_id = keyring_writing_id(context->keyring),
	};
	bool right;
	return code_matches(context->keyring, &nobody, command->guess, &right);
}

/* Of a record that is UNKNOWN nothing is in the result, so the event names no number either. */
enum err verify_refuse_check(const struct check_command *command, struct verify_context *context,
                             enum outcome outcome, struct verify_result *result)
{
	result->outcome = outcome;
	enum err err = describe(result, context, &result->verification.number, command->tenant,
	                        command->dialect, BYTES("refused"));
	if (err || !command->hidden)
		return err;
	err = compare_nothing(command, context);
	if (err == OK)
		verify_add(result, CHANGE_EVENT, &result->event);
	return err;
}

/* An approved record refuses without charging the number; where it is told that the right code came
 * again, a wrong one still takes one of as many tries as the code had. */
static enum err check_used(const struct check_command *command, struct verify_context *context,
                           struct verify_result *result)
{
	struct verification *v = &result->verification;
	bool right = false;
	if (!command->repeats || command->look || context->now_ms >= v->expires_ms ||
	    v->tries >= 2 * v->policy.attempts || !keyring_has(context->keyring, v->key_id))
		return verify_refuse_check(command, context, OUTCOME_USED, result);
	enum err err = verify_compare(command, v, context, &right);
	if (err || right)
		return err ? err : verify_refuse_check(command, context, OUTCOME_REPEATED, result);
	v->tries++;
	result->outcome = OUTCOME_USED;
	verify_add(result, CHANGE_VERIFICATION, v);
	return verify_finish(result, context, command->dialect, BYTES("refused"));
}

/* The first who comes too late is told so; the record ends there. That of a user's code does not:
 * it is found by him, and says so until a new one takes its place. */
static enum err end_unfinished(const struct check_command *command, enum outcome outcome,
                               struct verify_context *context, struct verify_result *result)
{
	struct verification *v = &result->verification;
	if (v->purpose != PURPOSE_NUMBER)
		return verify_refuse_check(command, context, outcome, result);
	if (context->now_ms >= v->expires_ms + EXPIRED_STUB_MS)
		return verify_refuse_check(command, context, OUTCOME_LAPSED, result);
	result->outcome = outcome;
	v->state = VERIFICATION_EXPIRED;
	v->finished_ms = context->now_ms;
	verify_add(result, CHANGE_VERIFICATION, v);
	return verify_finish(result, context, command->dialect, BYTES("checked"));
}

/* `guesses` were compared: one was right, or none. */
void verify_charge_guesses(const struct limits *limits, const struct budget *budget,
                           const struct failures *failures, unsigned guesses, bool right,
                           struct verify_context *context, struct verify_result *result)
{
	const struct verification *v = &result->verification;
	take_budget(result, budget, &v->number);
	for (unsigned i = 0; i < guesses; i++)
		budget_charge_guess(&result->budget, limits, context->now_ms);
	if (right)
		result->budget.send_streak = 0;
	verify_add(result, CHANGE_BUDGET, &result->budget);
	if (failures)
		result->failures = *failures;
	else
		result->failures = (struct failures){.tenant = v->tenant, .number = v->number};
	if (!right) {
		result->failures.count += guesses;
		result->failures.last_ms = context->now_ms;
	} else if (failures) {
		result->failures.count = 0;
	}
	verify_add(result, right && !failures ? GUARD_FAILURES : CHANGE_FAILURES,
	           &result->failures);
}

enum outcome verify_conclude(struct verification *v, bool right, int64_t now_ms)
{
	v->tries++;
	if (!right && v->tries < v->policy.attempts)
		return OUTCOME_WRONG;
	v->state = right ? VERIFICATION_APPROVED : VERIFICATION_LOCKED;
	v->finished_ms = now_ms;
	return right ? OUTCOME_APPROVED : OUTCOME_LOCKED;
}

/* The code is compared, and that is paid for whatever comes out. */
static enum err evaluate(const struct check_command *command, const struct verify_records *records,
                         struct verify_context *context, struct verify_result *result)
{
	struct verification *v = &result->verification;
	bool right;
	enum err err = verify_compare(command, v, context, &right);
	if (err)
		return err;
	result->outcome = verify_conclude(v, right, context->now_ms);
	verify_add(result, CHANGE_VERIFICATION, v);
	verify_charge_guesses(command->limits, records->budget, records->failures, 1, right,
	                      context, result);
	return verify_finish(result, context, command->dialect, BYTES("checked"));
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
	if (!verify_has_life_left(v, context->now_ms))
		return end_unfinished(command, OUTCOME_EXPIRED, context, result);
	if (!keyring_has(context->keyring, v->key_id))
		return end_unfinished(command, OUTCOME_KEY_GONE, context, result);
	result->retry_after_ms = limits_guess_wait_ms(command->limits, records->budget,
	                                              records->failures, context->now_ms);
	if (result->retry_after_ms > 0)
		return verify_refuse_check(command, context, OUTCOME_GUESS_LIMITED, result);
	return evaluate(command, records, context, result);
}

enum err verify_check(const struct check_command *command, const struct verify_records *records,
                      struct verify_context *context, struct verify_result *ret)
{
	assert(command->purpose >= PURPOSE_NUMBER && command->purpose <= PURPOSE_LOGIN);
	verify_begin(ret);
	const struct verification *v = records->verification;
	if (!v || !belongs_to(v, command))
		return verify_refuse_check(command, context, OUTCOME_UNKNOWN, ret);
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
		err = verify_refuse_check(command, context, OUTCOME_SPENT, ret);
		break;
	case VERIFICATION_EXPIRED:
		err = verify_refuse_check(command, context, OUTCOME_LAPSED, ret);
		break;
	case VERIFICATION_REPLACED:
		err = verify_refuse_check(command, context, OUTCOME_REPLACED, ret);
		break;
	case VERIFICATION_CANCELLED:
		err = verify_refuse_check(command, context, OUTCOME_CANCELLED, ret);
		break;
	}
	if (err)
		ret->changes_n = 0;
	return err;
}
