/* SPDX-License-Identifier: Apache-2.0 */
/* `verifyd log`: what happened to a number, oldest first, one line an event:
 *
 *      TIME TAB KIND TAB REASON TAB TENANT TAB API TAB RECORD [TAB xN]
 *
 * KIND is what was done (asked, sent, refused, checked, changed), REASON the true one, `-` stands
 * where there is none, RECORD is the verification's id, and xN says that N refusals were merged. */
#ifndef OPS_AUDIT_H
#define OPS_AUDIT_H

#include "core/keyring.h"
#include "ops/walk.h"

#include <stdio.h>

/* Events name a number by a keyed hash: that of every key of the keyring is looked for. ERR_IO:
 * `out` takes no more. */
MUST_CHECK enum err audit_run(const struct walk_store *from, struct keyring *keyring,
                              const struct number *number, FILE *out, size_t *ret_n);

#endif
