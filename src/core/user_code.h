/* SPDX-License-Identifier: Apache-2.0 */
/* Codes about a user: one that verifies his phone (PURPOSE_PHONE), one that logs him in
 * (PURPOSE_LOGIN). Pure steps around those of core/verify, which judge the code; these say who may
 * have one, and what a right one does to the user. */
#ifndef CORE_USER_CODE_H
#define CORE_USER_CODE_H

#include "core/user.h"

/* The number that a code of that purpose goes to; none: he has no such number. */
const struct number *user_code_number(const struct user *user, enum purpose purpose);

/* Sends him a code; user, number and slot of the command are filled in by the step, unless it is
 * for a phantom, who has no record. Outcomes of a send, and NO_USER, USER_DISABLED, NO_PHONE,
 * VERIFIED_ALREADY.
 *
 * An accepted PURPOSE_PHONE send is a change of the user (`sequence`), also when the destination is
 * refused: then only that is committed and the outcome says why nothing left. A login one leaves
 * him as he is. */
MUST_CHECK enum err user_code_send(const struct send_command *command,
                                   const struct user_records *records,
                                   struct verify_context *context, struct verify_result *ret,
                                   struct user_result *ret_user);

/* Checks his code. Outcomes of a check, and those above; UNKNOWN when no code is open; PHONE_TAKEN
 * when the code was right but another user has the number and the command is `exclusive`: the code
 * is used up and the number stays unverified.
 *
 * An evaluated PURPOSE_PHONE check is a change of the user; a right one verifies his number, or
 * puts the pending one in its place. A right login code sets `last_login_ms` and nothing else. */
MUST_CHECK enum err user_code_check(const struct check_command *command,
                                    const struct user_records *records,
                                    struct verify_context *context, struct verify_result *ret,
                                    struct user_result *ret_user);

/* Checks a PURPOSE_PHONE code of which only the number is known: the codes of all users who have it
 * unverified or pending (records->holders, newest first) are compared, whichever is right first,
 * as far as the number's guess window goes. Each comparison costs that code a try and the number a
 * guess. The one that was right is its user's; if none was, the newest one's user is meant. If
 * nobody has the number open: its owner, who is verified already, or NO_USER. */
MUST_CHECK enum err user_code_check_holders(const struct check_command *command,
                                            const struct user_records *records,
                                            struct verify_context *context,
                                            struct verify_result *ret,
                                            struct user_result *ret_user);

/* The rest of what that one does where `phone_moved`: it did not know whose log-in code to look
 * for. `login_code` is that of ret_user->user, or NULL. */
void user_code_end_login(const struct verification *login_code, int64_t now_ms,
                         struct verify_result *result, struct user_result *user_result);

#endif
