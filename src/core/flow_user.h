/* SPDX-License-Identifier: Apache-2.0 */
/* Carries commands about users through, like core/flow those about a number: first find who is
 * meant and which number that makes it about, then load everything in one moment, step, commit.
 * When the number has moved in between, it goes on with the new one. */
#ifndef CORE_FLOW_USER_H
#define CORE_FLOW_USER_H

#include "core/flow.h"
#include "core/phantom.h"
#include "core/user_code.h"

/* How a dialect says whom it means. All within the tenant of the command. */
enum who_by {
	WHO_ID,
	WHO_NAME,     /* userName, ASCII case folded */
	WHO_UUID,     /* lower case */
	WHO_EMAIL,    /* verified; of several the one who changed last */
	WHO_VERIFIED, /* whose verified `phone` the number is; of several the one who changed last
	               */
	/* Those for whom the number waits to be verified come before the one who has it verified;
	 * of several the one who changed last. Checks compare the codes of all of them. */
	WHO_OPEN,
	WHO_ONLY, /* the only one, of those who are not disabled, whose `phone` it is */
};

struct who {
	enum who_by by;
	struct bytes key;     /* ID, NAME, UUID, EMAIL */
	struct number number; /* VERIFIED, OPEN, ONLY; else not none: his `phone` must be it too */
};

/* One command about a user under way. Caller's memory, which must stay until on_done. */
struct flow_user_call {
	/* asked: arena, deadline_ms, on_done, and send or check; answered: err and result */
	struct flow_call flow;
	struct bytes tenant;
	struct who who;              /* all but USER_CREATE */
	struct user_command command; /* flow_user_change */
	/* Sends and checks of PURPOSE_LOGIN: where there is no such user, or he is disabled, or has
	 * no number, all is done for his phantom, and the answer tells nobody. Implies `hidden`.
	 * NULL: the answer tells. */
	const struct phantom *phantom;
	/* answered besides */
	struct user_result user;
	/* the flow's own */
	struct number number;     /* what the command is about; none: about no number */
	struct user_records seen; /* what was found before all was loaded */
	bool is_phantom;
	bool looks_further; /* WHO_OPEN: nobody waits; who has it verified? */
};

/* Fill in `tenant`, `who` and what is asked first. on_done may be called before these return only
 * with ERR_OVERLOAD. */

/* Finds whom is meant and nothing else: `user.user`, NULL when there is nobody. No outcome. */
void flow_user_find(struct flow *flow, struct flow_user_call *call);
/* flow.send: all but tenant, user, number and slot. */
void flow_user_send(struct flow *flow, struct flow_user_call *call);
/* flow.check: all but tenant and user. */
void flow_user_check(struct flow *flow, struct flow_user_call *call);
/* command: all but tenant, and for CHANGE and DELETE user. */
void flow_user_change(struct flow *flow, struct flow_user_call *call);

#endif
