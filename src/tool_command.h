/* SPDX-License-Identifier: Apache-2.0 */
/* The commands beside `serve` that work on the store of a configuration. Each tells on stdout what
 * it did, on stderr what went wrong, and returns the exit code: 0, EXIT_FAILED (1), EXIT_USAGE (2).
 * All of them work whether or not a server runs on the same store. */
#ifndef TOOL_COMMAND_H
#define TOOL_COMMAND_H

#include "ops/config.h"

#define EXIT_FAILED 1
#define EXIT_USAGE 2

/* `file`: NULL or "-" is standard input. */
int tool_import(const struct config *config, const char *file);
/* `number`: NULL is all records. */
int tool_export(const struct config *config, const char *number);
int tool_erase(const struct config *config, const char *number);
int tool_log(const struct config *config, const char *number);
int tool_backup(const struct config *config, const char *file);
int tool_migrate(const struct config *config);

#endif
