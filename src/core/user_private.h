/* SPDX-License-Identifier: Apache-2.0 */
/* What core/user and core/user_code have in common. Only for core/. */
#ifndef CORE_USER_PRIVATE_H
#define CORE_USER_PRIVATE_H

#include "core/user_code.h"
#include "core/verify_private.h"

/* One accepted change more. */
void user_touch(struct user *user, int64_t now_ms);

/* Somebody else who has the number of records->owners verified, or NULL. */
const struct user *user_other_owner(const struct user_records *records, const struct user *user);

/* The code ends as cancelled; `room` is a member of the user_result. */
void user_cancel_code(const struct verification *code, struct verification *room, int64_t now_ms,
                      struct verify_result *result);

/* What a refused send was decided by must still hold when the rest is committed. */
void user_guard_destination(const struct user_records *records, struct bytes tenant,
                            const struct number *number, struct verify_result *result);

#endif
