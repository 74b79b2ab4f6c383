/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   start ─► gate ─► load ─► step ─┬─► nothing to change ─► note the refusal ─┐
 *                      ▲           └─► commit ─┬─► on disk ─► deliver ────────┼─► done
 *                      └── conflict, at most ──┘                              │
 *                          FLOW_RELOADS_MAX          fault ───────────────────┘
 */
#include "core/flow.h"

#include <assert.h>

static void load_start(struct flow_call *call);

void flow_init(struct flow *flow, const struct flow_ports *ports)
{
	*flow = (struct flow){.ports = *ports};
	for (unsigned i = 0; i < BUCKETS; i++)
		list_init(&flow->gates[i]);
}

static int64_t flow_now(const struct flow *flow)
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

static void call_start(struct flow *flow, struct flow_call *call, unsigned bucket)
{
	call->flow = flow;
	call->bucket = bucket;
	call->reloads = 0;
	if (flow->calls_n >= FLOW_CALLS_MAX) {
		call->err = ERR_OVERLOAD;
		call->on_done(call);
		return;
	}
	flow->calls_n++;
	struct list *gate = &flow->gates[bucket];
	bool is_first = list_is_empty(gate);
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

static void call_finish(struct flow_call *call, enum err err)
{
	struct flow *flow = call->flow;
	struct list *gate = &flow->gates[call->bucket];
	assert(gate->next == &call->gate);
	struct list finished, *member;
	list_init(&finished);
	list_remove(&call->gate);
	list_append(&finished, &call->gate);
	call->err = err;
	flow->calls_n--;
	gate_serve(flow, gate, &finished);
	while ((member = list_pop(&finished))) {
		call = CONTAINER_OF(member, struct flow_call, gate);
		call->on_done(call);
	}
}

/* ---- commit ---------------------------------------------------------------------------------- */

/* It is on disk: whoever delivers may look at the message, whoever asked hears the outcome. */
static void call_committed(struct flow_call *call)
{
	struct deliver *deliver = call->flow->ports.deliver;
	const struct verify_result *result = &call->result;
	if (!id_is_zero(&result->message.id)) {
		struct message message = result->message;
		message.template = result->template;
		deliver->ops->committed(deliver, &message, &result->verification);
	}
	call_finish(call, OK);
}

static void on_doubt_resolved(struct store_load *load)
{
	struct flow_call *call = CONTAINER_OF(load, struct flow_call, load);
	if (load->err == OK && load->event_found)
		call_committed(call);
	else
		call_finish(call, ERR_UNKNOWN);
}

/* The commit may or may not have happened: its event says which. It is never done again. */
static void doubt_resolve(struct flow_call *call)
{
	if (flow_now(call->flow) >= call->deadline_ms) {
		call_finish(call, ERR_UNKNOWN);
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
			call_finish(call, ERR_CONFLICT);
		else
			load_start(call);
		return;
	}
	if (commit->err == OK)
		call_committed(call);
	else if (commit->err == ERR_UNKNOWN)
		doubt_resolve(call);
	else
		call_finish(call, commit->err);
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

static void on_loaded(struct store_load *load)
{
	struct flow_call *call = CONTAINER_OF(load, struct flow_call, load);
	enum err err = load->err;
	if (err == OK)
		err = step(call);
	if (err) {
		call_finish(call, err);
	} else if (call->result.changes_n) {
		commit_start(call);
	} else {
		if (call->result.outcome != OUTCOME_PENDING)
			note_refusal(call->flow, &call->result);
		call_finish(call, OK);
	}
}

static void load_start(struct flow_call *call)
{
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
	call_start(flow, call, number_bucket(&call->send.number));
}

void flow_check(struct flow *flow, struct flow_call *call)
{
	call->kind = FLOW_CHECK;
	call_start(flow, call, id_bucket(&call->id));
}
