/* SPDX-License-Identifier: Apache-2.0 */
/* What the engine asks of a store, in its own words. A store is one implementation of
 * `struct store_ops`; the contract suite in tests/store holds each to what is written here.
 *
 * A `struct store` is one thread's handle. Its calls are made on that thread, its answers (on_done)
 * arrive on that thread, through the executor it was opened with, and never before the call has
 * returned. Answers to different calls may come in any order. What a call points at belongs to the
 * caller and stays put until on_done.
 *
 * Faults: ERR_STORE means that it did not happen; ERR_UNKNOWN that it may or may not have happened
 * (a connection lost during COMMIT): look for the commit's event. */
#ifndef CORE_PORT_STORE_H
#define CORE_PORT_STORE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/task.h"
#include "core/record.h"

/* --- load ------------------------------------------------------------------------------------ */

enum store_want {
	WANT_VERIFICATION = 1 << 0, /* by id */
	WANT_SLOT = 1 << 1,         /* the live one of (tenant, purpose, slot) */
	WANT_BUDGET = 1 << 2,       /* of the number */
	WANT_FAILURES = 1 << 3,     /* of the number within the tenant */
	WANT_LINE = 1 << 4,         /* likewise */
	WANT_TENANT = 1 << 5,
	WANT_CLIENT = 1 << 6,
	WANT_EVENT =
	    1 << 7, /* by id: only whether it is there; how a doubtful commit is resolved */
	WANT_NUMBER = WANT_BUDGET | WANT_FAILURES | WANT_LINE,
};

/* Reads records as they stand in one moment. With WANT_VERIFICATION the number and the tenant of
 * BUDGET, FAILURES and LINE are those of the verification found (nothing is loaded when none is).
 */
struct store_load {
	/* asked by the caller */
	unsigned want; /* enum store_want, or-ed; VERIFICATION, SLOT and EVENT exclude each other */
	struct id id;
	struct bytes tenant;      /* SLOT, FAILURES, LINE, TENANT */
	enum purpose purpose;     /* SLOT */
	struct bytes slot;        /* SLOT */
	struct number number;     /* BUDGET, FAILURES, LINE, unless VERIFICATION is wanted too */
	struct bytes client_name; /* CLIENT */
	struct arena *arena;      /* where found records and their text go */
	void (*on_done)(struct store_load *load);
	/* answered by the store; a record that is not there is NULL */
	enum err err; /* OK, ERR_STORE, ERR_NO_MEMORY */
	struct verification *verification;
	struct budget *budget;
	struct failures *failures;
	struct line *line;
	struct tenant *tenant_record;
	struct client *client;
	bool event_found;
	/* the store's own while the call is under way */
	struct task task;
};

/* --- commit ---------------------------------------------------------------------------------- */

enum change_kind {
	CHANGE_VERIFICATION, /* insert (version 0) or replace */
	CHANGE_BUDGET,
	CHANGE_FAILURES, /* count 0 deletes the row */
	CHANGE_MESSAGE,
	CHANGE_EVENT, /* insert only */
	CHANGE_TENANT,
	CHANGE_CLIENT,
	CHANGE_LINE,
	GUARD_VERIFICATION, /* nothing is written: only the version must still hold */
	GUARD_BUDGET,
	GUARD_FAILURES,
	GUARD_LINE,
};

/* A record with this version is written whatever the store holds. */
#define VERSION_ANY UINT64_MAX

/* One record. Those with a version are compared: the stored version must be the record's (0: no
 * such row), or the whole commit is refused with ERR_CONFLICT. A write stores the version after
 * the one it found; the record in memory keeps what it had. A CHANGE_VERIFICATION that would be the
 * second live one of its (tenant, purpose, slot), after all changes of the commit, is a conflict
 * too. No record is changed twice in one commit, a message stays with its verification, and a
 * verification keeps its slot while it is LIVE. */
struct change {
	enum change_kind kind;
	union {
		const void *record;
		const struct verification *verification;
		const struct budget *budget;
		const struct failures *failures;
		const struct line *line;
		const struct message *message;
		const struct event *event;
		const struct tenant *tenant;
		const struct client *client;
	};
};

/* All of it or none, on disk before on_done. A conflict too is told only after the batch it lost
 * to is on disk, so that whoever loads again sees the winner. */
struct store_commit {
	const struct change *changes;
	size_t changes_n;
	void (*on_done)(struct store_commit *commit);
	enum err err;     /* OK, ERR_CONFLICT, ERR_STORE, ERR_UNKNOWN, ERR_OVERLOAD (queue full) */
	struct task task; /* the store's own while the call is under way */
};

/* --- messages -------------------------------------------------------------------------------- */

struct claimed {
	struct message *message;
	struct verification *verification;
};

/* Takes up to `max` messages that are due (QUEUED with next_ms <= now_ms, or SENDING whose claim
 * has lapsed) and not expired: each becomes SENDING with next_ms = lapse_ms, on disk before
 * on_done. Two callers never get the same one while its claim holds. */
struct store_claim {
	int64_t now_ms;
	int64_t lapse_ms;
	size_t max; /* at most CLAIM_MAX */
	struct arena *arena;
	void (*on_done)(struct store_claim *claim);
	enum err err; /* OK, ERR_STORE, ERR_UNKNOWN (they come back at lapse_ms), ERR_OVERLOAD */
	struct claimed *claimed;
	size_t claimed_n;
	struct task task;
};
#define CLAIM_MAX 256

/* --- purge ----------------------------------------------------------------------------------- */

/* One small step of forgetting: deletes at most PURGE_STEP rows of each kind: verifications that
 * were made before `before_ms` and are finished or expired before it, their messages, events older
 * than it, and budgets whose keep_until_ms lies before `now_ms`. A record was made when its id
 * says. `more`: call again, also when nothing was deleted: the step may have walked past rows that
 * stay. A caller that stops early may find the walk going on from there. */
struct store_purge {
	int64_t now_ms;
	int64_t before_ms;
	void (*on_done)(struct store_purge *purge);
	enum err err;
	size_t deleted;
	bool more;
	struct task task;
};
#define PURGE_STEP 256

/* --- counts ---------------------------------------------------------------------------------- */

struct store_counts {
	uint64_t tenants, clients, verifications, live, budgets, messages, events;
};

/* Walks tables: for operators and tests, not for requests. */
struct store_count {
	void (*on_done)(struct store_count *count);
	enum err err;
	struct store_counts counts;
	struct task task;
};

/* --- the port -------------------------------------------------------------------------------- */

struct store;

struct store_ops {
	const char *name;
	void (*load)(struct store *store, struct store_load *load);
	void (*commit)(struct store *store, struct store_commit *commit);
	/* Writes an event without telling when; lost if the process dies first, or dropped and
	 * counted when its queue is full. Copies what it needs before it returns. */
	void (*note)(struct store *store, const struct event *event);
	void (*claim)(struct store *store, struct store_claim *claim);
	void (*purge)(struct store *store, struct store_purge *purge);
	void (*count)(struct store *store, struct store_count *count);
	/* A number that changes whenever a tenant, client or line was written by anybody, another
	 * process too. ERR_STORE when it cannot be read. */
	MUST_CHECK enum err (*generation)(struct store *store, uint64_t *ret);
	/* Ends the handle. Nothing may be under way. */
	void (*close)(struct store *store);
};

struct store {
	const struct store_ops *ops;
};

static inline void store_load(struct store *store, struct store_load *load)
{
	store->ops->load(store, load);
}

static inline void store_commit(struct store *store, struct store_commit *commit)
{
	store->ops->commit(store, commit);
}

#endif
