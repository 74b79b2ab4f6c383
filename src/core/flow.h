/* SPDX-License-Identifier: Apache-2.0 */
/* Carries one command through: load the records, step, commit, and again from the load when
 * somebody else was faster. One flow a loop thread; the engine's only user of the ports.
 *
 * Commands for one bucket of numbers go one after another on a loop: whoever would lose the race
 * for a number's budget would pay a whole disk sync for learning it. Races between loops and
 * between machines are left to the guarded commit. */
#ifndef CORE_FLOW_H
#define CORE_FLOW_H

#include "base/list.h"
#include "core/port_deliver.h"
#include "core/port_store.h"
#include "core/verify.h"

/* Reloads after a conflict before a command is given up as a fault. */
#define FLOW_RELOADS_MAX 8
/* Commands under way on one loop; more are refused with ERR_OVERLOAD. */
#define FLOW_CALLS_MAX 8192
/* Refusal events of one reason a second; the rest are merged into one. */
#define FLOW_NOTES_MAX 100

struct flow_call;

/* What a flow works with. All borrowed. */
struct flow_ports {
	struct store *store;
	struct deliver *deliver;
	struct keyring *keyring;
	struct rng *rng;
	int64_t (*now_ms)(void *clock); /* the engine's clock */
	void *clock;
};

struct flow {
	struct flow_ports ports;
	struct list gates[BUCKETS]; /* calls that wait for their bucket; the first one is served */
	size_t calls_n;
	int64_t notes_second;
	uint32_t noted[OUTCOME_COUNT]; /* refusals this second */
	_Atomic uint64_t conflicts;    /* commits that lost, ever; anyone may read it */
};

enum flow_kind {
	FLOW_SEND,
	FLOW_CHECK,
	/* about users: core/flow_user.h */
	FLOW_USER_FIND,
	FLOW_USER_SEND,
	FLOW_USER_CHECK,
	FLOW_USER_CHANGE,
};

/* One command under way. Caller's memory; must stay until on_done. Text that the command points at
 * lives in `arena` or longer; what the result points at too. */
struct flow_call {
	/* asked; fill with flow_send or flow_check */
	enum flow_kind kind;
	union {
		struct send_command send;
		struct check_command check;
	};
	struct id id; /* checks: which record */
	struct arena *arena;
	/* No further attempt begins after this, nor the first of one that waited for its bucket:
	 * ERR_CONFLICT, ERR_OVERLOAD. */
	int64_t deadline_ms;
	void (*on_done)(struct flow_call *call);
	/* answered */
	enum err
	    err; /* OK: `result` is the answer. Else nothing happened, or (ERR_UNKNOWN) may have */
	struct verify_result result;
	/* the flow's own */
	struct flow *flow;
	struct list gate;
	unsigned bucket;
	unsigned reloads;
	struct store_load load;
	struct store_commit commit;
};

void flow_init(struct flow *flow, const struct flow_ports *ports);
/* Call at least once a second: writes out merged refusals. */
void flow_tick(struct flow *flow);

/* Fill call->send (all but `slot`), arena, deadline_ms and on_done first. on_done may be called
 * before this returns only with ERR_OVERLOAD or ERR_NO_MEMORY. */
void flow_send(struct flow *flow, struct flow_call *call);
/* Fill call->check, id, arena, deadline_ms and on_done first. */
void flow_check(struct flow *flow, struct flow_call *call);

#endif
