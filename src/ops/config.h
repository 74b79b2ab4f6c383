/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration: built-in values, what --dev changes of them, and the flags of the command
 * line, each laid over the one before. Made whole and never changed afterwards. */
#ifndef OPS_CONFIG_H
#define OPS_CONFIG_H

#include "ops/settings.h"
#include "wire/net_address.h"

#include <stdio.h>

#define CONFIG_PATH_MAX 1024

/* What the command line says of it; text is borrowed from argv. */
struct config_flags {
	bool dev;
	const char *data;                      /* NULL: not given */
	const char *listen[NET_ADDRESSES_MAX]; /* as typed */
	size_t listen_n;
};

struct config {
	bool dev;
	char data[CONFIG_PATH_MAX]; /* the data folder */
	struct net_address listen[NET_ADDRESSES_MAX];
	size_t listen_n;
	struct settings_layers layers; /* what the server says of APIs and tenants */
};

/* NULL: *reterr says what is wrong. */
struct config *config_new(const struct config_flags *flags, struct problem *reterr);
void config_free(struct config *config);

#endif
