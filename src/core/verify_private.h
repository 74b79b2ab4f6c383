/* SPDX-License-Identifier: Apache-2.0 */
/* What the steps about numbers and those about users have in common. Only for core/. */
#ifndef CORE_VERIFY_PRIVATE_H
#define CORE_VERIFY_PRIVATE_H

#include "core/verify.h"

/* An answer with nothing in it yet. */
void verify_begin(struct verify_result *result);

/* `record` stays where it is until the commit is answered. */
void verify_add(struct verify_result *result, enum change_kind kind, const void *record);

/* An event with an id, the time, and the number's hash; kind, reason, tenant, dialect and
 * verification from `about`. */
MUST_CHECK enum err verify_event(struct verify_context *context, const struct number *number,
                                 const struct event *about, struct event *ret);

/* Adds the event of a step whose outcome and verification stand in the result. */
MUST_CHECK enum err verify_finish(struct verify_result *result, struct verify_context *context,
                                  struct bytes dialect, struct bytes kind);

bool verify_has_life_left(const struct verification *v, int64_t now_ms);

/* Refuses a check; what is known of its record stands in the result already. */
MUST_CHECK enum err verify_refuse_check(const struct check_command *command,
                                        struct verify_context *context, enum outcome outcome,
                                        struct verify_result *result);

/* Whether the guess is the code of `v`, whose key must be there. */
MUST_CHECK enum err verify_compare(const struct check_command *command,
                                   const struct verification *v, struct verify_context *context,
                                   bool *ret);

/* One evaluated guess more on `v`: APPROVED, WRONG or LOCKED. */
enum outcome verify_conclude(struct verification *v, bool right, int64_t now_ms);

/* Charges the budget and counts or clears the failures of result->verification's number. */
void verify_charge_guesses(const struct limits *limits, const struct budget *budget,
                           const struct failures *failures, unsigned guesses, bool right,
                           struct verify_context *context, struct verify_result *result);

#endif
