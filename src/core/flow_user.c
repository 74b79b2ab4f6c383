/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   start ─► look ─┬─► nobody, and that may be told ─► step ─► note ─► done
 *             ▲    └─► gate ─► load ─┬─► step ─► as in core/flow
 *             └── his number moved ──┘   ▲
 *                                        └── conflict: load again
 *
 * A check that names only a number skips the look: it loads first who has the number verified, then
 * who waits for it, both at its turn, so that a reload sees both anew. */
#include "core/flow_private.h"

#include <assert.h>

#define HOLD_OPEN (HOLD_UNVERIFIED | HOLD_PENDING)

static struct flow_user_call *user_call(struct store_load *load)
{
	return CONTAINER_OF(load, struct flow_user_call, flow.load);
}

static bool checks_holders(const struct flow_user_call *call)
{
	return call->flow.kind == FLOW_USER_CHECK && call->who.by == WHO_OPEN;
}

static enum purpose purpose_of(const struct flow_user_call *call)
{
	return call->flow.kind == FLOW_USER_SEND ? call->flow.send.purpose
	                                         : call->flow.check.purpose;
}

static bool is_about_a_code(const struct flow_user_call *call)
{
	return call->flow.kind == FLOW_USER_SEND || call->flow.kind == FLOW_USER_CHECK;
}

/* ---- step ------------------------------------------------------------------------------------ */

static enum err step(struct flow_user_call *call)
{
	const struct flow_ports *ports = &call->flow.flow->ports;
	struct verify_result *result = &call->flow.result;
	struct verify_context context = {
	    .now_ms = flow_now(call->flow.flow),
	    .rng = ports->rng,
	    .keyring = ports->keyring,
	};
	call->seen.number = call->number;
	if (call->flow.kind == FLOW_USER_CHECK) {
		if (checks_holders(call))
			return user_code_check_holders(&call->flow.check, &call->seen, &context,
			                               result, &call->user);
		return user_code_check(&call->flow.check, &call->seen, &context, result,
		                       &call->user);
	}
	if (!number_is_none(&call->number))
		context.plan = ports->deliver->ops->plan(ports->deliver, &call->number);
	if (call->flow.kind == FLOW_USER_SEND)
		return user_code_send(&call->flow.send, &call->seen, &context, result, &call->user);
	return user_step(&call->command, &call->seen, &context, result, &call->user);
}

/* ---- look ------------------------------------------------------------------------------------ */

static void look_start(struct flow_user_call *call);

/* Where his id stands, for the step and the second load. */
static struct bytes *user_named(struct flow_user_call *call)
{
	if (call->flow.kind == FLOW_USER_CHANGE)
		return &call->command.user;
	return call->flow.kind == FLOW_USER_SEND ? &call->flow.send.user : &call->flow.check.user;
}

/* The only one who is not disabled. */
static const struct user *only_holder(const struct store_load *load)
{
	const struct user *only = NULL;
	for (size_t i = 0; i < load->holders_n; i++) {
		const struct user *user = load->holders[i].user;
		if (user->disabled)
			continue;
		if (only)
			return NULL;
		only = user;
	}
	return load->holders_more ? NULL : only;
}

static const struct user *who_was_found(const struct flow_user_call *call)
{
	const struct store_load *load = &call->flow.load;
	const struct number *number = &call->who.number;
	if (call->who.by == WHO_ONLY)
		return only_holder(load);
	if (call->who.by == WHO_VERIFIED || call->who.by == WHO_OPEN)
		return load->holders_n ? load->holders[0].user : NULL;
	bool fits =
	    load->user && (number_is_none(number) || number_equal(&load->user->phone, number));
	return fits ? load->user : NULL;
}

/* Whether what is asked can be done for him, where it may not be told that it cannot. */
static bool can_be_asked(const struct flow_user_call *call, const struct user *user)
{
	return user && !user->disabled && !number_is_none(user_code_number(user, purpose_of(call)));
}

/* The bucket of a change: that of the number it is about, or his, or of his id. */
static unsigned change_bucket(const struct flow_user_call *call, const struct user *user)
{
	const struct number *number = &call->number;
	if (number_is_none(number) && user)
		number = user_phone_target(user);
	return number_is_none(number) ? text_bucket(call->command.user) : number_bucket(number);
}

static void begin_for(struct flow_user_call *call, const struct user *user)
{
	*user_named(call) = user->id;
	if (call->flow.kind == FLOW_USER_CHANGE) {
		flow_call_enter(&call->flow, change_bucket(call, user));
		return;
	}
	call->number = *user_code_number(user, purpose_of(call));
	flow_call_enter(&call->flow, number_is_none(&call->number) ? text_bucket(user->id)
	                                                           : number_bucket(&call->number));
}

static void begin_for_phantom(struct flow_user_call *call)
{
	const struct phantom *phantom = call->phantom;
	assert(purpose_of(call) == PURPOSE_LOGIN);
	call->is_phantom = true;
	call->number = phantom->number;
	*user_named(call) = bytes_of(phantom->id, PHANTOM_ID_LEN);
	if (call->flow.kind == FLOW_USER_SEND)
		call->flow.send.number = phantom->number;
	flow_call_enter(&call->flow, number_bucket(&call->number));
}

static void on_looked(struct store_load *load)
{
	struct flow_user_call *call = user_call(load);
	if (load->err) {
		flow_call_finish(&call->flow, load->err);
		return;
	}
	if (call->flow.kind == FLOW_USER_CHANGE && call->command.op == USER_CREATE) {
		call->seen.mailbox = load->user;
		flow_call_enter(&call->flow, change_bucket(call, NULL));
		return;
	}
	const struct user *user = who_was_found(call);
	if (!user && call->who.by == WHO_OPEN && !call->looks_further) {
		call->looks_further = true;
		look_start(call);
	} else if (call->flow.kind == FLOW_USER_FIND) {
		call->user.user = user;
		flow_call_finish(&call->flow, OK);
	} else if (call->phantom && !can_be_asked(call, user)) {
		begin_for_phantom(call);
	} else if (user) {
		begin_for(call, user);
	} else {
		flow_call_stepped(&call->flow, step(call));
	}
}

static void look_for_name(struct flow_user_call *call, enum user_by by, struct bytes key)
{
	call->flow.load.want = WANT_USER;
	call->flow.load.user_by = by;
	call->flow.load.user_key = key;
}

static void look_for_number(struct flow_user_call *call, unsigned holds)
{
	call->flow.load.want = WANT_HOLDERS;
	call->flow.load.number = call->who.number;
	call->flow.load.holds = holds;
}

static void look_for(struct flow_user_call *call)
{
	switch (call->who.by) {
	case WHO_ID:
		look_for_name(call, USER_BY_ID, call->who.key);
		break;
	case WHO_NAME:
		look_for_name(call, USER_BY_NAME, call->who.key);
		break;
	case WHO_UUID:
		look_for_name(call, USER_BY_UUID, call->who.key);
		break;
	case WHO_EMAIL:
		look_for_name(call, USER_BY_EMAIL, call->who.key);
		break;
	case WHO_VERIFIED:
		look_for_number(call, HOLD_VERIFIED);
		break;
	case WHO_OPEN:
		look_for_number(call, call->looks_further ? HOLD_VERIFIED : HOLD_OPEN);
		break;
	case WHO_ONLY:
		look_for_number(call, HOLD_VERIFIED | HOLD_UNVERIFIED);
		break;
	}
}

static void look_start(struct flow_user_call *call)
{
	call->seen = (struct user_records){0};
	call->flow.load = (struct store_load){
	    .tenant = call->tenant,
	    .arena = call->flow.arena,
	    .on_done = on_looked,
	};
	if (call->flow.kind == FLOW_USER_CHANGE && call->command.op == USER_CREATE)
		look_for_name(call, USER_BY_EMAIL, call->command.values->email);
	else
		look_for(call);
	store_load(call->flow.flow->ports.store, &call->flow.load);
}

/* ---- load ------------------------------------------------------------------------------------ */

static void see(struct flow_user_call *call)
{
	const struct store_load *load = &call->flow.load;
	struct user_records *seen = &call->seen;
	seen->user = load->user;
	seen->namesake = load->namesake;
	seen->phone_code = load->phone_code;
	seen->login_code = call->is_phantom ? load->verification : load->login_code;
	seen->budget = load->budget;
	seen->failures = load->failures;
	seen->line = load->line;
	if (!checks_holders(call)) {
		seen->owners = load->holders;
		seen->owners_n = load->holders_n;
	} else {
		seen->holders = load->holders;
		seen->holders_n = load->holders_n;
	}
}

/* The budget that was loaded is another number's than his. */
static bool has_moved(const struct flow_user_call *call)
{
	const struct user *user = call->seen.user;
	return is_about_a_code(call) && user &&
	       !number_equal(user_code_number(user, purpose_of(call)), &call->number);
}

static void load_begin(struct flow_user_call *call, unsigned want,
                       void (*on_done)(struct store_load *load))
{
	call->flow.load = (struct store_load){
	    .want = want,
	    .tenant = call->tenant,
	    .number = call->number,
	    .arena = call->flow.arena,
	    .on_done = on_done,
	};
}

static void load_go(struct flow_user_call *call)
{
	store_load(call->flow.flow->ports.store, &call->flow.load);
}

static void on_login_loaded(struct store_load *load)
{
	struct flow_user_call *call = user_call(load);
	if (load->err == OK)
		user_code_end_login(load->verification, flow_now(call->flow.flow),
		                    &call->flow.result, &call->user);
	flow_call_stepped(&call->flow, load->err);
}

/* The step; and where it turned out only then whose phone it moved, his log-in code. */
static void step_and_go(struct flow_user_call *call)
{
	enum err err = step(call);
	if (err || !checks_holders(call) || !call->user.phone_moved) {
		flow_call_stepped(&call->flow, err);
		return;
	}
	load_begin(call, WANT_SLOT, on_login_loaded);
	call->flow.load.purpose = PURPOSE_LOGIN;
	call->flow.load.slot = call->user.user->id;
	load_go(call);
}

static void on_loaded(struct store_load *load)
{
	struct flow_user_call *call = user_call(load);
	struct flow_call *flow = &call->flow;
	if (load->err) {
		flow_call_finish(flow, load->err);
		return;
	}
	see(call);
	if (!has_moved(call)) {
		step_and_go(call);
	} else if (++flow->reloads > FLOW_RELOADS_MAX ||
	           flow_now(flow->flow) >= flow->deadline_ms) {
		flow_call_finish(flow, ERR_CONFLICT);
	} else {
		flow_call_leave(flow);
		call->looks_further = false;
		look_start(call);
	}
}

static void on_owners_loaded(struct store_load *load)
{
	struct flow_user_call *call = user_call(load);
	if (load->err) {
		flow_call_finish(&call->flow, load->err);
		return;
	}
	call->seen.owners = load->holders;
	call->seen.owners_n = load->holders_n;
	load_begin(call, WANT_HOLDERS | WANT_BUDGET | WANT_FAILURES, on_loaded);
	load->holds = HOLD_OPEN;
	load->holders_code = PURPOSE_PHONE;
	load_go(call);
}

/* What is wanted of the number that the command is about. */
static unsigned want_of_number(const struct flow_user_call *call)
{
	const struct user_command *change = &call->command;
	if (number_is_none(&call->number))
		return 0;
	if (call->flow.kind == FLOW_USER_CHANGE)
		return (change->send ? WANT_BUDGET | WANT_LINE : 0) |
		       (change->exclusive ? WANT_HOLDERS : 0);
	if (call->flow.kind == FLOW_USER_SEND)
		return WANT_BUDGET | WANT_LINE;
	bool looks_for_others = call->flow.check.exclusive && purpose_of(call) == PURPOSE_PHONE;
	return WANT_BUDGET | WANT_FAILURES | (looks_for_others ? WANT_HOLDERS : 0);
}

/* A phantom's code is found by its slot: nobody has his id. */
static unsigned want_of_user(const struct flow_user_call *call)
{
	if (call->is_phantom)
		return WANT_USER | WANT_SLOT;
	if (is_about_a_code(call) && purpose_of(call) == PURPOSE_LOGIN)
		return WANT_USER | WANT_LOGIN_CODE;
	return WANT_USER | WANT_PHONE_CODE | WANT_LOGIN_CODE;
}

void flow_user_load(struct flow_call *flow)
{
	struct flow_user_call *call = CONTAINER_OF(flow, struct flow_user_call, flow);
	struct store_load *load = &flow->load;
	if (checks_holders(call)) {
		load_begin(call, WANT_HOLDERS, on_owners_loaded);
		load->holds = HOLD_VERIFIED;
		load_go(call);
		return;
	}
	load_begin(call, want_of_user(call) | want_of_number(call), on_loaded);
	load->user_by = USER_BY_ID;
	load->user_key = *user_named(call);
	load->holds = HOLD_VERIFIED;
	if (call->is_phantom) {
		load->purpose = PURPOSE_LOGIN;
		load->slot = load->user_key;
	}
	if (flow->kind == FLOW_USER_CHANGE && call->command.given & USER_GIVES(USER_USER_NAME)) {
		load->want |= WANT_NAMESAKE;
		load->user_name = call->command.values->user_name;
	}
	load_go(call);
}

/* ---- start ----------------------------------------------------------------------------------- */

static bool start(struct flow *flow, struct flow_user_call *call, enum flow_kind kind)
{
	call->flow.kind = kind;
	call->number = (struct number){0};
	call->seen = (struct user_records){0};
	call->user.user = NULL;
	call->is_phantom = call->looks_further = false;
	return flow_call_admit(flow, &call->flow);
}

void flow_user_find(struct flow *flow, struct flow_user_call *call)
{
	if (start(flow, call, FLOW_USER_FIND))
		look_start(call);
}

void flow_user_send(struct flow *flow, struct flow_user_call *call)
{
	call->flow.send.tenant = call->tenant;
	call->flow.send.hidden = call->phantom != NULL;
	if (start(flow, call, FLOW_USER_SEND))
		look_start(call);
}

void flow_user_check(struct flow *flow, struct flow_user_call *call)
{
	call->flow.check.tenant = call->tenant;
	call->flow.check.hidden = call->phantom != NULL;
	if (!start(flow, call, FLOW_USER_CHECK))
		return;
	if (!checks_holders(call)) {
		look_start(call);
		return;
	}
	call->number = call->who.number;
	flow_call_enter(&call->flow, number_bucket(&call->number));
}

void flow_user_change(struct flow *flow, struct flow_user_call *call)
{
	call->command.tenant = call->tenant;
	if (!start(flow, call, FLOW_USER_CHANGE))
		return;
	call->number = call->command.number;
	bool has_email =
	    call->command.given & USER_GIVES(USER_EMAIL) && call->command.values->email.at;
	if (call->command.op != USER_CREATE || has_email)
		look_start(call);
	else
		flow_call_enter(&call->flow, change_bucket(call, NULL));
}
