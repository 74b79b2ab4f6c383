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
#include "core/tally.h"

/* Rows of one page of a walk. */
#define WALK_MAX 256

/* --- load ------------------------------------------------------------------------------------ */

enum store_want {
	WANT_VERIFICATION = 1 << 0, /* by id */
	WANT_SLOT = 1 << 1,         /* the live one of (tenant, purpose, slot) */
	WANT_BUDGET = 1 << 2,       /* of the number */
	WANT_FAILURES = 1 << 3,     /* of the number within the tenant */
	WANT_LINE = 1 << 4,         /* likewise */
	WANT_TENANT = 1 << 5,
	WANT_CLIENT = 1 << 6,
	/* by id: only whether it is there; how a doubtful commit is resolved */
	WANT_EVENT = 1 << 7,
	WANT_USER = 1 << 8,        /* by user_by and user_key */
	WANT_NAMESAKE = 1 << 9,    /* the user whose userName is `user_name`, ASCII case folded */
	WANT_PHONE_CODE = 1 << 10, /* the live PURPOSE_PHONE one whose slot is the id of USER */
	WANT_LOGIN_CODE = 1 << 11, /* likewise of PURPOSE_LOGIN */
	WANT_HOLDERS = 1 << 12,    /* users who have the number, see `holds` */
	WANT_KEY = 1 << 13,        /* by hash */
	WANT_SESSION = 1 << 14,    /* by hash */
	WANT_SYSTEM = 1 << 15,     /* by tenant and system_id */
	WANT_NUMBER = WANT_BUDGET | WANT_FAILURES | WANT_LINE,
};

/* How a user is named. All within the tenant. A name or an address holds no NUL; one that does
 * finds nobody. */
enum user_by {
	USER_BY_ID,
	USER_BY_NAME, /* userName, ASCII case folded */
	USER_BY_UUID, /* as it is written */
	/* The one with this e-mail address verified, ASCII case folded; of several the one changed
	 * last, of those of one moment the greater id. */
	USER_BY_EMAIL,
};

/* In which way a user has a number. */
enum hold {
	HOLD_VERIFIED = 1 << 0,   /* `phone`, verified */
	HOLD_UNVERIFIED = 1 << 1, /* `phone`, not verified */
	HOLD_PENDING = 1 << 2,    /* `phone_pending` */
};

/* At most so many are loaded: those whose user changed last, of one moment the greater ids. */
#define HOLDERS_MAX 5

/* A user who has the number, and his live verification of the purpose asked for. */
struct holder {
	struct user *user;
	struct verification *code; /* NULL: none, or not asked for */
};

/* Reads records as they stand in one moment. PHONE_CODE and LOGIN_CODE are those of the user that
 * USER finds, by his id; nothing else depends on him. With WANT_VERIFICATION the number and the
 * tenant of BUDGET, FAILURES and LINE are those of the verification found (nothing is loaded when
 * none is). */
struct store_load {
	/* asked by the caller */
	/* enum store_want, or-ed; VERIFICATION, SLOT and EVENT exclude each other; PHONE_CODE and
	 * LOGIN_CODE need USER */
	unsigned want;
	struct id id;
	struct bytes tenant;  /* SLOT, FAILURES, LINE, TENANT, USER, NAMESAKE, HOLDERS, SYSTEM */
	enum purpose purpose; /* SLOT */
	struct bytes slot;    /* SLOT */
	struct number number; /* HOLDERS; BUDGET, FAILURES, LINE without VERIFICATION */
	struct bytes client_name;  /* CLIENT */
	enum user_by user_by;      /* USER */
	struct bytes user_key;     /* USER: the id, name, uuid or address */
	struct bytes user_name;    /* NAMESAKE */
	unsigned holds;            /* HOLDERS of `number`: enum hold, or-ed */
	enum purpose holders_code; /* HOLDERS: whose codes come along; 0: none */
	const uint8_t *hash;       /* KEY, SESSION: SHA256_LEN octets */
	struct bytes system_id;    /* SYSTEM */
	struct arena *arena;       /* where found records and their text go */
	void (*on_done)(struct store_load *load);
	/* answered by the store, from here to `task`; a record that is not there is NULL */
	enum err err; /* OK, ERR_STORE, ERR_NO_MEMORY */
	struct verification *verification;
	struct budget *budget;
	struct failures *failures;
	struct line *line;
	struct tenant *tenant_record;
	struct client *client;
	bool event_found;
	struct user *user;
	struct user *namesake;
	struct verification *phone_code;
	struct verification *login_code;
	struct holder *holders; /* an array; the users who changed last come first */
	size_t holders_n;       /* at most HOLDERS_MAX */
	bool holders_more;      /* there were more */
	struct key *key;
	struct session *session;
	struct system *system;
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
	CHANGE_USER,
	CHANGE_KEY,
	CHANGE_SESSION, /* `ended` deletes the row */
	CHANGE_SYSTEM,
	/* The row goes, and with it the keys and sessions that name the user, so that nobody who
	 * gets his id later inherits them. The version is compared all the same. */
	DELETE_USER,
	GUARD_VERIFICATION, /* nothing is written: only the version must still hold */
	GUARD_BUDGET,
	GUARD_FAILURES,
	GUARD_LINE,
	GUARD_USER, /* version 0: still no such id */
};

/* A record with this version is written whatever the store holds. */
#define VERSION_ANY UINT64_MAX

/* One record. Those with a version are compared: the stored version must be the record's (0: no
 * such row), or the whole commit is refused with ERR_CONFLICT. A write stores the version after
 * the one it found; the record in memory keeps what it had. A CHANGE_VERIFICATION that would be the
 * second live one of its (tenant, purpose, slot), after all changes of the commit, is a conflict
 * too; and so is a CHANGE_USER after which another user of the tenant has his userName (ASCII case
 * folded), his uuid, or his verified phone where both say phone_exclusive. No record is changed
 * twice in one commit, a message stays with its verification, and a verification keeps its slot
 * while it is LIVE. */
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
		const struct user *user;
		const struct key *key;
		const struct session *session;
		const struct system *system;
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

/* --- tallies ---------------------------------------------------------------------------------- */

/* Adds each row's `adds` to what everybody counted in those slots, and answers in `totals` what
 * stands there then (core/tally.h). All of it or none. */
struct store_tally {
	struct tally_row *rows; /* at most TALLY_ROWS_MAX, no two of one key and slot_ms */
	size_t rows_n;
	void (*on_done)(struct store_tally *tally);
	enum err err; /* OK, ERR_STORE, ERR_UNKNOWN, ERR_OVERLOAD */
	struct task task;
};

/* --- purge ----------------------------------------------------------------------------------- */

/* One small step of forgetting: deletes at most PURGE_STEP rows of each kind: verifications that
 * were made before `before_ms` and are finished or expired before it, their messages, events older
 * than it, sessions that have expired by `now_ms`, slots of tallies that have ended by then, and
 * budgets whose keep_until_ms lies before it. A record was made when its id says. `more`: call
 * again, also when nothing was deleted: the step may have walked past rows that stay. A caller that
 * stops early may find the walk going on from there.
 */
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
	uint64_t tenants, clients, users, keys, sessions, systems;
	uint64_t verifications, live, budgets, messages, events;
};

/* Walks tables: for operators and tests, not for requests. */
struct store_count {
	void (*on_done)(struct store_count *count);
	enum err err;
	struct store_counts counts;
	struct task task;
};

/* --- walk ------------------------------------------------------------------------------------ */

/* Reads the rows of one kind a page at a time, in the order of their keys: for `export` and `log`,
 * not for requests. Kinds and their keys: CHANGE_TENANT (id), CLIENT (name), USER and SYSTEM
 * (tenant, id), KEY (hash), LINE (number, tenant); octets compare as they are. VERIFICATION and
 * EVENT come by the millisecond of their ids, within one in an order of the store's. Rows that are
 * written meanwhile may or may not be among them; the others are, once each. */
struct store_walk {
	enum change_kind kind;
	const void *after; /* a record to begin behind, whose key counts; NULL: at the beginning */
	struct arena *arena; /* where records go */
	void (*on_done)(struct store_walk *walk);
	enum err err;
	const void *records[WALK_MAX];
	size_t records_n; /* fewer than WALK_MAX: that was the last page */
	struct task task;
};

/* --- erase ----------------------------------------------------------------------------------- */

/* Forgets a number, in every tenant, as its owner may ask: users whose `phone` it is are deleted
 * with their keys, sessions and live codes; where it was only pending it is cleared (the sequence
 * rises); every verification of it, their messages and the operator's lines go, and its budget if
 * nothing in that counts any more. Failures stay, they count until a success, and events name only
 * its hash. All of it in one commit. Afterwards nothing on the disk holds the number but what
 * stays; where deleted rows leave traces in a log, within the time that a purge takes for that. */
struct store_erase {
	struct number number;
	int64_t now_ms;
	void (*on_done)(struct store_erase *erase);
	enum err err;                   /* OK, ERR_STORE, ERR_UNKNOWN, ERR_OVERLOAD */
	size_t users;                   /* deleted, or no longer waiting for it */
	size_t verifications, messages; /* that are gone */
	struct task task;
};

/* --- the port -------------------------------------------------------------------------------- */

struct store;

/* The generation of a store in which no tenant, client, key, system or line was ever written. */
#define STORE_GENERATION_NONE UINT64_C(1)

struct store_ops {
	const char *name;
	void (*load)(struct store *store, struct store_load *load);
	void (*commit)(struct store *store, struct store_commit *commit);
	/* Writes an event without telling when; lost if the process dies first, or dropped and
	 * counted when its queue is full. Copies what it needs before it returns. */
	void (*note)(struct store *store, const struct event *event);
	void (*claim)(struct store *store, struct store_claim *claim);
	void (*tally)(struct store *store, struct store_tally *tally);
	void (*purge)(struct store *store, struct store_purge *purge);
	void (*count)(struct store *store, struct store_count *count);
	void (*walk)(struct store *store, struct store_walk *walk);
	void (*erase)(struct store *store, struct store_erase *erase);
	/* A number that changes whenever a tenant, client, key, system or line was written, or a
	 * user deleted, by anybody, another process too; STORE_GENERATION_NONE until somebody
	 * does. ERR_STORE when it cannot be read. */
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
