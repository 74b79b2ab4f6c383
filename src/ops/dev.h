/* SPDX-License-Identifier: Apache-2.0 */
/* What a server says to who tries it first: the records and the guide of --dev, and how a store
 * without tenants gets one. What is printed works when pasted. */
#ifndef OPS_DEV_H
#define OPS_DEV_H

#include <stdio.h>

/* JSON Lines for import, stored where they are absent. */
extern const char dev_records[];

/* Writes where the inbox is and, for each API, one command that sends a code. `url` is the
 * server's, without a path. */
void dev_guide(FILE *to, const char *url);

/* The first tenant and client, as a command that makes and shows a secret. `file` and `data`: the
 * flags of the server, NULL when not given. */
void first_guide(FILE *to, const char *file, const char *data);

#endif
