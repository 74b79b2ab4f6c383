/* SPDX-License-Identifier: Apache-2.0 */
/* What --dev brings along: records to sign in with, and a guide that works when pasted. */
#ifndef OPS_DEV_H
#define OPS_DEV_H

#include <stdio.h>

/* JSON Lines for import, stored where they are absent. */
extern const char dev_records[];

/* Writes where the inbox is and, for each API, one command that sends a code. `address` is
 * HOST:PORT. */
void dev_guide(FILE *to, const char *address);

#endif
