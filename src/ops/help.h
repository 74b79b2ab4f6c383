/* SPDX-License-Identifier: Apache-2.0 */
/* `verifyd help [COMMAND]`: each page fits a screen. */
#ifndef OPS_HELP_H
#define OPS_HELP_H

#include <stdbool.h>
#include <stdio.h>

/* `command` NULL: the first page. False: there is no such command. */
bool help_print(FILE *to, const char *command);

#endif
