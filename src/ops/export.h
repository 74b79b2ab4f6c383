/* SPDX-License-Identifier: Apache-2.0 */
/* `verifyd export`: records as JSON Lines that `import` takes, in an order and with members in an
 * order that depend on nothing but them. Without what is secret: passwords, client secrets, the
 * values of keys (their digests stand there instead), secrets of systems, fixed codes. And without
 * what passes by: budgets, sessions, codes. */
#ifndef OPS_EXPORT_H
#define OPS_EXPORT_H

#include "ops/walk.h"

#include <stdio.h>

/* Writes all records to `out`; with a number only the users whose phone, or pending phone, it is,
 * and the operator's `number` records of it. ERR_IO: `out` takes no more; what stands there is not
 * all then. */
MUST_CHECK enum err export_run(const struct walk_store *from, const struct number *number,
                               FILE *out, size_t *ret_n);

#endif
