/* SPDX-License-Identifier: Apache-2.0 */
/* Who is calling, once it is known: a program or a person, of one tenant. And the table of what
 * each may do (right.def). */
#ifndef API_PRINCIPAL_H
#define API_PRINCIPAL_H

#include "api/directory.h"

enum principal_kind {
	PRINCIPAL_NONE = 0,
	PRINCIPAL_CLIENT = 1 << 0, /* a program */
	PRINCIPAL_USER = 1 << 1,   /* a person, for himself */
};

struct principal {
	enum principal_kind kind;
	struct domain *domain;   /* a reference */
	struct account *account; /* CLIENT: a reference */
	struct user *user;       /* USER: in the request's arena, as he was when he was loaded */
};

enum right {
#define RIGHT(name, who, scopes) RIGHT_##name,
#include "api/right.def"
#undef RIGHT
	RIGHTS,
};

/* Whether the table lets this principal do that. */
bool principal_may(const struct principal *principal, enum right right);
/* Gives the references back; a zeroed one is fine. */
void principal_done(struct principal *principal);

#endif
