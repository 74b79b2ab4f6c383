/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   start ─► gate ─► load ─► step ─┬─► nothing to change ─► note the refusal ─┐
 *                      ▲           └─► commit ─┬─► on disk ─► deliver ────────┼─► done
 *                      └── conflict, at most ──┘                              │
 *                          FLOW_RELOADS_MAX          fault ───────────────────┘
 */
#include "core/flow_private.h"

#include <assert.h>

static void load_start(struct flow_call *call);

void flow_init(struct flow *flow, const struct flow_ports *ports)
{
	*flow = (struct flow){.ports = *ports};
	for (unsigned i = 0; i < BUCKETS; i++)
		list_init(&flow->gates[i]);
}

int64_t flow_now(const struct flow *flow)
{
	return flow->ports.now_ms(flow->ports.clock);
}

/* ---- refusals -------------------------------------------------------------------------------- */

/* Without random octets there is no id: false, and the next second tries again. */
static bool note_merged(struct flow *flow, enum outcome outcome, uint32_t count)
{
	struct event event = {
	    .at_ms = flow->notes_second * 1000,
	    .kind = BYTES("refused"),
	    .reason = outcome_label(outcome),
	    .count = count,
	};
	if (id_make(event.at_ms, 0, flow->ports.rng, &event.id))
		return false;
	flow->ports.store->ops->note(flow->ports.store, &event);
	return true;
}

void flow_tick(struct flow *flow)
{
	int64_t second = flow_now(flow) / 1000;
	if (second == flow->notes_second)
		return;
	for (int outcome = 0; outcome < OUTCOME_COUNT; outcome++) {
		uint32_t *noted = &flow->noted[outcome];
		if (*noted <= FLOW_NOTES_MAX ||
		    note_merged(flow, (enum outcome)outcome, *noted - FLOW_NOTES_MAX))
			*noted = 0;
	}
	flow->notes_second = second;
}

static void note_refusal(struct flow *flow, const struct verify_result *result)
{
	flow_tick(flow);
	if (++flow->noted[result->outcome] <= FLOW_NOTES_MAX)
		flow->ports.store->ops->note(flow->ports.store, &result->event);
}

/* ---- the gate -------------------------------------------------------------------------------- */

bool flow_call_admit(struct flow *flow, struct flow_call *call)
{
	call->flow = flow;
	call->reloads = 0;
	list_init(&call->gate);
	if (flow->calls_n >= FLOW_CALLS_MAX) {
		call->err = ERR_OVERLOAD;
		call->on_done(call);
		return false;
	}
	flow->calls_n++;
	return true;
}

void flow_call_enter(struct flow_call *call, unsigned bucket)
{
	struct list *gate = &call->flow->gates[bucket];
	bool is_first = list_is_empty(gate);
	call->bucket = bucket;
	list_append(gate, &call->gate);
	if (is_first)
		load_start(call);
}

/* Serves the first who still has time; those before him never begin, and go to `late`. */
static void gate_serve(struct flow *flow, struct list *gate, struct list *late)
{
	while (!list_is_empty(gate)) {
		struct flow_call *call = CONTAINER_OF(gate->next, struct flow_call, gate);
		if (flow_now(flow) < call->deadline_ms) {
			/* Loads answer later, so this cannot recurse. */
			load_start(call);
			return;
		}
		list_remove(&call->gate);
		list_append(late, &call->gate);
		call->err = ERR_OVERLOAD;
		flow->calls_n--;
	}
}

/* Those who came too late, or have ended, hear of it; each may begin something new. */
static void calls_answer(struct list *calls)
{
	struct list *member;
	while ((member = list_pop(calls))) {
		struct flow_call *call = CONTAINER_OF(member, struct flow_call, gate);
		call->on_done(call);
	}
}

static bool has_turn(const struct flow_call *call)
{
	return !list_is_empty(&call->gate);
}

void flow_call_leave(struct flow_call *call)
{
	struct list late, *gate = &call->flow->gates[call->bucket];
	assert(has_turn(call) && gate->next == &call->gate);
	list_init(&late);
	list_remove(&call->gate);
	gate_serve(call->flow, gate, &late);
	calls_answer(&late);
}

void flow_call_finish(struct flow_call *call, enum err err)
{
	struct flow *flow = call->flow;
	struct list finished, *gate = &flow->gates[call->bucket];
	bool had_turn = has_turn(call);
	assert(!had_turn || gate->next == &call->gate);
	list_init(&finished);
	list_remove(&call->gate);
	list_append(&finished, &call->gate);
	call->err = err;
	flow->calls_n--;
	if (had_turn)
		gate_serve(flow, gate, &finished);
	calls_answer(&finished);
}

/* ---- commit ---------------------------------------------------------------------------------- */

/* It is on disk: whoever delivers may look at the message, whoever asked hears the outcome. */
static void call_committed(struct flow_call *call)
{
	struct deliver *deliver = call->flow->ports.deliver;
	const struct verify_result *result = &call->result;
	if (!id_is_zero(&result->message.id) && result->message.state != MESSAGE_CANCELLED)
		deliver->ops->committed(deliver, &result->message, &result->verification);
	flow_call_finish(call, OK);
}

static void on_doubt_resolved(struct store_load *load)
{
	struct flow_call *call = CONTAINER_OF(load, struct flow_call, load);
	if (load->err == OK && load->event_found)
		call_committed(call);
	else
		flow_call_finish(call, ERR_UNKNOWN);
}

/* The commit may or may not have happened: its event says which. It is never done again. */
static void doubt_resolve(struct flow_call *call)
{
	if (flow_now(call->flow) >= call->deadline_ms) {
		flow_call_finish(call, ERR_UNKNOWN);
		return;
	}
	call->load = (struct store_load){
	    .want = WANT_EVENT,
	    .id = call->result.event.id,
	    .arena = call->arena,
	    .on_done = on_doubt_resolved,
	};
	store_load(call->flow->ports.store, &call->load);
}

static void on_committed(struct store_commit *commit)
{
	struct flow_call *call = CONTAINER_OF(commit, struct flow_call, commit);
	struct flow *flow = call->flow;
	if (commit->err == ERR_CONFLICT) {
		flow->conflicts++;
		if (++call->reloads > FLOW_RELOADS_MAX || flow_now(flow) >= call->deadline_ms)
			flow_call_finish(call, ERR_CONFLICT);
		else
			load_start(call);
		return;
	}
	if (commit->err == OK)
		call_committed(call);
	else if (commit->err == ERR_UNKNOWN)
		doubt_resolve(call);
	else
		flow_call_finish(call, commit->err);
}

static void commit_start(struct flow_call *call)
{
	call->commit = (struct store_commit){
	    .changes = call->result.changes,
	    .changes_n = call->result.changes_n,
	    .on_done = on_committed,
	};
	store_commit(call->flow->ports.store, &call->commit);
}

/* ---- step ------------------------------------------------------------------------------------ */

static enum err step(struct flow_call *call)
{
	const struct flow_ports *ports = &call->flow->ports;
	const struct store_load *load = &call->load;
	const struct verify_records records = {
	    .verification = load->verification,
	    .budget = load->budget,
	    .failures = load->failures,
	    .line = load->line,
	};
	struct verify_context context = {
	    .now_ms = flow_now(call->flow),
	    .rng = ports->rng,
	    .keyring = ports->keyring,
	};
	if (call->kind == FLOW_CHECK)
		return verify_check(&call->check, &records, &context, &call->result);
	context.plan = ports->deliver->ops->plan(ports->deliver, &call->send.number);
	return verify_send(&call->send, &records, &context, &call->result);
}

void flow_call_stepped(struct flow_call *call, enum err err)
{
	if (err) {
		flow_call_finish(call, err);
	} else if (call->result.changes_n) {
		commit_start(call);
	} else {
		if (call->result.outcome != OUTCOME_PENDING)
			note_refusal(call->flow, &call->result);
		flow_call_finish(call, OK);
	}
}

static void on_loaded(struct store_load *load)
{
	struct flow_call *call = CONTAINER_OF(load, struct flow_call, load);
	flow_call_stepped(call, load->err ? load->err : step(call));
}

static void load_start(struct flow_call *call)
{
	if (call->kind > FLOW_CHECK) {
		flow_user_load(call);
		return;
	}
	call->load = (struct store_load){
	    .want = WANT_BUDGET,
	    .arena = call->arena,
	    .on_done = on_loaded,
	};
	if (call->kind == FLOW_CHECK) {
		call->load.want |= WANT_VERIFICATION | WANT_FAILURES;
		call->load.id = call->id;
	} else {
		call->load.want |= WANT_LINE;
		call->load.tenant = call->send.tenant;
		call->load.number = call->send.number;
		call->load.purpose = call->send.purpose;
		call->load.slot = call->send.slot;
		if (call->send.slot.at)
			call->load.want |= WANT_SLOT;
	}
	store_load(call->flow->ports.store, &call->load);
}

void flow_send(struct flow *flow, struct flow_call *call)
{
	call->kind = FLOW_SEND;
	if (!verify_slot(&call->send, call->arena, &call->send.slot)) {
		call->err = ERR_NO_MEMORY;
		call->on_done(call);
		return;
	}
	if (flow_call_admit(flow, call))
		flow_call_enter(call, number_bucket(&call->send.number));
}

void flow_check(struct flow *flow, struct flow_call *call)
{
	call->kind = FLOW_CHECK;
	if (flow_call_admit(flow, call))
		flow_call_enter(call, id_bucket(&call->id));
}
