/* SPDX-License-Identifier: Apache-2.0 */
/* People: what an accepted command does to a user, and to the codes that are on their way to him.
 * Pure steps like core/verify: no I/O, no clock, no allocation; they change nothing they were
 * given. core/flow_user loads and commits around them. */
#ifndef CORE_USER_H
#define CORE_USER_H

#include "core/verify.h"

/* ---- rules of names -------------------------------------------------------------------------- */

/* 1 to USER_ID_MAX of A-Z a-z 0-9 . _ - and not `me`. */
bool user_id_is_valid(struct bytes id);

/* The uuid of a new user who was given none: his id in lower case if that is one, else a random
 * one. With a NUL. */
MUST_CHECK enum err user_uuid_make(struct bytes id, struct rng *rng, char ret[ID_TEXT_LEN + 1]);

/* ---- commands -------------------------------------------------------------------------------- */

enum user_op { USER_CREATE, USER_CHANGE, USER_DELETE };

/* What happens to the phone. A number that is verified already waits for nothing: where it is the
 * one asked for, what was pending is dropped and no code is sent. */
enum phone_act {
	PHONE_STAYS = 0,
	PHONE_KEEP,     /* beside a verified number the new one is pending until it is verified */
	PHONE_REPLACE,  /* the new number takes the place of all; it is not verified */
	PHONE_VERIFIED, /* an administrator says that it is verified: no code is needed */
	PHONE_REMOVE,
};

/* Members besides the text ones; bits of `given` above those. */
enum user_flag {
	USER_PASSWORD_HASH = USER_TEXTS,
	USER_EMAIL_VERIFIED,
	USER_FORCE_PASSWORD_CHANGE,
	USER_DISABLED,
	USER_FLAGS_END,
};
_Static_assert(USER_FLAGS_END <= 64, "given is one word");
#define USER_GIVES(member) (UINT64_C(1) << (member))

/* Create, change or delete a user. Text is borrowed and must outlive the commit. */
struct user_command {
	enum user_op op;
	struct bytes tenant;
	struct bytes user; /* the id. Flow fills it in from who is meant, but for USER_CREATE */
	struct bytes dialect;
	const struct user *values; /* where the members in `given` come from; NULL: none */
	uint64_t given;            /* USER_GIVES of enum user_text or user_flag, or-ed */
	enum phone_act phone;
	struct number number; /* KEEP, REPLACE, VERIFIED */
	/* No two users of the tenant may have one number verified: a number that another one has is
	 * refused here and now (PHONE_TAKEN), and one that becomes verified is held. */
	bool exclusive;
	/* KEEP and REPLACE: the code that goes to the new number, in the same commit. Purpose,
	 * tenant, user, number and slot are filled in by the step. NULL: none is sent; nor to who
	 * is disabled. */
	const struct send_command *send;
	/* When a limit refuses the send: refuse everything (SEND_LIMITED); else go on without. */
	bool send_or_nothing;
	/* The number is the one that waits to be verified already: send it a new code; else refuse
	 * (UNCHANGED). */
	bool same_sends;
};

/* What flow loaded; NULL or 0: there is none, or it was not needed. */
struct user_records {
	struct number number; /* that budget, failures, line, owners and holders are about */
	const struct user *user;
	const struct user *namesake;           /* has the userName that the command gives */
	const struct user *mailbox;            /* has verified the e-mail that USER_CREATE gives */
	const struct verification *phone_code; /* his live ones */
	const struct verification *login_code;
	const struct holder *owners; /* who have the number verified */
	size_t owners_n;
	const struct holder *holders; /* who have it unverified or pending, with their codes */
	size_t holders_n;
	const struct budget *budget; /* of the number */
	const struct failures *failures;
	const struct line *line;
};

/* What a step about a user answers besides its verify_result, and records that the changes there
 * point at: it must stay where it is until the commit is answered. */
struct user_result {
	/* As he stands afterwards, or as he is when nothing changed; for USER_GONE as he was.
	 * NULL: nobody was found. */
	const struct user *user;
	int64_t
	    login_before_ms; /* of an approved log-in code: when the one before it was; 0: never */
	enum outcome sent;   /* of a user_command: what became of its send; OUTCOME_COUNT: none */
	/* A right code put the pending number in the place of `phone`: log-in codes for the one
	 * before end. */
	bool phone_moved;
	/* the step's own */
	struct user changed;
	struct verification cancelled[2];
	struct verification tried[HOLDERS_MAX];
	struct event event;
	char uuid[ID_TEXT_LEN + 1];
};

/* USER_MADE, USER_CHANGED or USER_GONE; or why nothing changed: NO_USER, USER_EXISTS, NAME_TAKEN,
 * EMAIL_TAKEN, PHONE_TAKEN, NO_PHONE (REMOVE), UNCHANGED, SEND_LIMITED.
 *
 * Each accepted change raises `sequence` by one and sets `changed_ms`. A new password, and
 * disabling, raise `token_epoch`. What a phone's change ends, ends here: the live PURPOSE_PHONE
 * code unless it is for the number that now waits, the live PURPOSE_LOGIN one unless it is for
 * `phone`. Faults as in core/verify.h. */
MUST_CHECK enum err user_step(const struct user_command *command,
                              const struct user_records *records, struct verify_context *context,
                              struct verify_result *ret, struct user_result *ret_user);

#endif
