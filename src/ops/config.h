/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration: built-in values, what --dev changes of them, a YAML file, and the flags of the
 * command line, each laid over the one before. Made whole, and never changed while it is used. */
#ifndef OPS_CONFIG_H
#define OPS_CONFIG_H

#include "ops/report.h"
#include "ops/settings.h"

#define CONFIG_FILE_DEFAULT "/etc/verifyd/verifyd.yaml"

/* What the command line says of it; text is borrowed from argv. */
struct config_flags {
	bool dev;
	const char *file;            /* -c; NULL: not given */
	const char *data;            /* --data; NULL: not given */
	struct net_addresses listen; /* none: not given */
};

struct config {
	bool dev;
	bool admin_given; /* admin_listen is not the table's */
	struct server_settings server;
	struct settings_layers layers; /* what the server says to APIs */
};

/* The file that is read: -c, or the default one; NULL: none, since --dev alone reads none. */
const char *config_file(const struct config_flags *flags);

/* Reads and checks it all. `report` was begun with the file's name. NULL: it holds a mistake at
 * least. With warnings alone there is a configuration. */
struct config *config_new(const struct config_flags *flags, struct report *report);
/* Wipes; NULL is fine. */
void config_free(struct config *config);

/* Gives `now` what only a start can change as `old` has it. For each row that differed calls
 * on_kept. False: what is left goes not together, as `report` says. */
bool config_keep(const struct config *old, struct config *now,
                 void (*on_kept)(const struct option *option), struct report *report);

/* Whether messages can leave at all, and whether they go to the inbox. */
bool config_has_provider(const struct config *config);
bool config_has_inbox(const struct config *config);

#endif
