/* SPDX-License-Identifier: Apache-2.0 */
#include "api/principal.h"

static const struct {
	unsigned who;    /* enum principal_kind, or-ed */
	unsigned scopes; /* all of these a client must have */
} rights[RIGHTS] = {
#define CLIENT PRINCIPAL_CLIENT
#define USER PRINCIPAL_USER
#define RIGHT(name, who, scopes) [RIGHT_##name] = {who, scopes},
#include "api/right.def"
#undef RIGHT
#undef CLIENT
#undef USER
};

bool principal_may(const struct principal *principal, enum right right)
{
	if (!(rights[right].who & principal->kind))
		return false;
	unsigned scopes = principal->account ? principal->account->client.scopes : 0;
	return principal->kind != PRINCIPAL_CLIENT ||
	       (scopes & rights[right].scopes) == rights[right].scopes;
}

void principal_done(struct principal *principal)
{
	account_unref(principal->account);
	domain_unref(principal->domain);
	*principal = (struct principal){0};
}
