/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration files for tests: a folder of its own for each, and what is said of one. */
#ifndef TESTS_SUPPORT_CONFIG_H
#define TESTS_SUPPORT_CONFIG_H

#include "ops/config.h"

struct config_desk {
	char folder[64];
	char file[96]; /* verifyd.yaml in it */
	struct config_flags flags;
	struct report report;
	struct config *config; /* NULL: there was a mistake */
	char said[8192]; /* the remarks, "LINE: TEXT\n" each; warnings begin with "warning: " */
};

/* cmocka's set-up and end: *state is a struct config_desk. */
int config_desk_setup(void **state);
int config_desk_teardown(void **state);

/* Writes a file into the folder. */
void config_desk_write(struct config_desk *desk, const char *name, const char *text, size_t len,
                       unsigned mode);
/* Reads verifyd.yaml (0600) with this text, by desk->flags. */
void config_desk_read(struct config_desk *desk, const char *text);
void config_desk_read_octets(struct config_desk *desk, const char *text, size_t len);

#endif
