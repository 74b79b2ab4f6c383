/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the configuration share: config.c lays the layers, config_file.c takes the YAML
 * tree, config_value.c fetches texts, config_check.c looks at how values go together. */
#ifndef OPS_CONFIG_PRIVATE_H
#define OPS_CONFIG_PRIVATE_H

#include "ops/config.h"
#include "ops/yaml.h"

/* A file that is being taken. */
struct reading {
	struct config *config;
	struct report *report;
	struct arena arena;
	const char *file;                      /* NULL: the rows of --dev */
	bool file_is_open;                     /* others may read it */
	struct server_settings scratch_server; /* where elements of lists are tried */
	struct settings scratch;
	/* Where each row was given, 0: nowhere; first by the server, then in each API's section. */
	unsigned lines[1 + API_NAMES][OPTIONS];
	char path[OPTION_PATH_MAX + 1]; /* of keys, as the file nests them */
	size_t path_len;
};

/* config_file.c */
/* Takes a map's members, as keys below the reading's path. */
void reading_take_map(struct reading *reading, const struct yaml_node *map);
/* Takes the value of the reading's path. */
void reading_take_member(struct reading *reading, const struct yaml_node *node);

/* config_value.c */
/* The text that a value gives to `option`, elements of a list joined by blanks. `ret_shown`: what
 * a message may say of it. False: it gives none, which was told. */
bool reading_text(struct reading *reading, const struct option *option,
                  const struct yaml_node *node, struct bytes *ret, struct bytes *ret_shown);
/* A whole file in `arena`. False: *reterr says why. */
bool reading_file(const char *path, size_t len_max, bool secret, struct arena *arena,
                  struct bytes *ret, bool *ret_open, struct problem *reterr);

/* config_check.c */
/* Mistakes of values that do not go together, and warnings of those that leave a published rule. */
void config_check(const struct reading *reading);
/* The mistakes among them that concern where the server listens, as of `line`. */
void config_check_listen(const struct config *config, unsigned line, struct report *report);

#endif
