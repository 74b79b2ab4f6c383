/* SPDX-License-Identifier: Apache-2.0 */
/* The engine: from the records of a number, what is asked, and the time, to an outcome and the
 * records as they shall stand. No I/O, no clock, no allocation; it changes nothing it was given.
 * core/flow loads and commits around it. */
#ifndef CORE_VERIFY_H
#define CORE_VERIFY_H

#include "core/code.h"
#include "core/limits.h"
#include "core/outcome.h"
#include "core/port_deliver.h"
#include "core/port_store.h"
#include "core/record.h"

/* With less than this left, `repeat: same` makes a new code. */
#define SAME_LIFE_MIN_MS INT64_C(60000)
/* So long after its end a record still says that it expired; then it is forgotten. */
#define EXPIRED_STUB_MS (24 * INT64_C(3600000))

/* Send a code. Text is borrowed and must outlive the commit. */
struct send_command {
	enum purpose purpose;
	struct bytes tenant;
	struct bytes client; /* who asks; absent: the user himself */
	struct bytes user;   /* whom it is about; absent for a client's PURPOSE_NUMBER */
	struct bytes dialect;
	struct number number;
	struct policy policy;
	int64_t expires_ms;    /* 0: after policy.ttl_ms; never later than that */
	struct bytes template; /* of the message; {{code}} and {{validMinutes}} are filled in */
	struct bytes sender;   /* originating address */
	struct bytes address;  /* of the end user, when known */
	struct bytes device;
	bool bound; /* the code is bound to what `digest` is of */
	/* No message: the caller gets the code and hands it over himself. Needs no route, spends
	 * no sends; a test number's fixed code gives way to it. */
	bool returned;
	/* Who asks must not learn whether there is anybody: where no message may leave, all the
	 * rest is done as if it did. See core/phantom.h. */
	bool hidden;
	uint8_t digest[SHA256_LEN];
	struct bytes slot; /* verify_slot() of this command */
	const struct limits *limits;
};

/* Check a code. The record must be of this purpose, tenant and user (absent included), and for
 * PURPOSE_NUMBER of this client too: a user's own code may be sent and checked through different
 * callers. */
struct check_command {
	enum purpose purpose;
	struct bytes tenant;
	struct bytes client;
	struct bytes user;
	struct bytes dialect;
	struct bytes guess; /* cleaned as the dialect wants */
	bool look;          /* compare nothing, change nothing: say whether it still waits */
	/* The API tells a right code that comes again (REPEATED): compare with an approved record
	 * too. Wrong ones are counted on it, and end this after as many as a code has tries. */
	bool repeats;
	/* Who asks must not learn why it failed: a refusal costs a comparison and a commit too. */
	bool hidden;
	/* PURPOSE_PHONE: no two users of the tenant may have one number verified. */
	bool exclusive;
	bool bound;
	uint8_t digest[SHA256_LEN];
	const struct limits *limits;
};

/* What flow loaded; NULL: there is none. */
struct verify_records {
	const struct verification *verification; /* by id or slot */
	const struct budget *budget;
	const struct failures *failures; /* checks only */
	const struct line *line;         /* sends only */
};

/* What a step may use besides its input. */
struct verify_context {
	int64_t now_ms;
	struct rng *rng;
	struct keyring *keyring;
	struct delivery_plan plan; /* of the number; sends only */
};

/* Most has a check that compares the codes of HOLDERS_MAX users: those codes, as many users, the
 * one who has the number already, its budget and failures, the event. */
#define VERIFY_CHANGES_MAX (2 * HOLDERS_MAX + 4)

/* The answer, and what to commit. The records that `changes` points at are members here: the
 * result must stay where it is until the commit is answered. Of those, only what a change names is
 * set, and `verification` and `message` always. */
struct verify_result {
	enum outcome outcome;
	int64_t retry_after_ms; /* SEND_LIMITED, GUESS_LIMITED */
	size_t changes_n;       /* 0: a refusal; its event is noted without waiting */
	struct change changes[VERIFY_CHANGES_MAX];
	struct verification verification; /* as it stands afterwards; id zeros: none */
	struct verification displaced;    /* the older record that ended */
	struct budget budget;
	struct failures failures;
	struct line line;
	struct message message; /* id zeros: nothing is sent */
	struct event event;
};

/* Where a repeated send of this command finds its live record; absent for REPEAT_PARALLEL. From
 * the arena; false: no memory. */
MUST_CHECK bool verify_slot(const struct send_command *command, struct arena *arena,
                            struct bytes *ret);

/* Faults (ERR_RANDOM, ERR_CRYPTO, and ERR_UNSUPPORTED when there is no provider at all) leave
 * nothing to commit. */
MUST_CHECK enum err verify_send(const struct send_command *command,
                                const struct verify_records *records,
                                struct verify_context *context, struct verify_result *ret);
MUST_CHECK enum err verify_check(const struct check_command *command,
                                 const struct verify_records *records,
                                 struct verify_context *context, struct verify_result *ret);

#endif
