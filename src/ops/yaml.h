/* SPDX-License-Identifier: Apache-2.0 */
/* The plain part of YAML that configuration is written in, as a tree: maps, lists and texts. What
 * makes one text mean something elsewhere, or more than it says, is a mistake: aliases, anchors,
 * tags, merge keys, keys given twice, a second document. Knows no setting. */
#ifndef OPS_YAML_H
#define OPS_YAML_H

#include "base/err.h"
#include "ops/report.h"

#define YAML_INPUT_MAX ((size_t)256 << 10)
#define YAML_DEPTH_MAX 16
#define YAML_NODES_MAX 4096

enum yaml_kind {
	YAML_NOTHING, /* a key with no value behind it, or `null` or `~` */
	YAML_TEXT,
	YAML_LIST,
	YAML_MAP,
	YAML_REFUSED, /* a mistake that was told already */
};

struct yaml_node {
	enum yaml_kind kind;
	unsigned line;
	unsigned name_line;
	struct bytes name; /* of the member, in a map */
	struct bytes text;
	struct yaml_node *first, *last; /* of a list or map */
	struct yaml_node *next;
};

/* Reads `in`, which outlives nothing: all is copied into `arena`. Mistakes go to `report`. *ret is
 * what could be read, as a map or YAML_NOTHING; a file that breaks off gives what stands before the
 * break. ERR_MALFORMED: it breaks off; ERR_NO_MEMORY. */
MUST_CHECK enum err yaml_read(struct bytes in, struct arena *arena, struct report *report,
                              struct yaml_node **ret);

#endif
