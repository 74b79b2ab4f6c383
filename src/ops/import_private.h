/* SPDX-License-Identifier: Apache-2.0 */
/* What the import shares between its two halves: understanding lines, and storing what they say. */
#ifndef OPS_IMPORT_PRIVATE_H
#define OPS_IMPORT_PRIVATE_H

#include "base/buf.h"
#include "base/map.h"
#include "ops/import.h"

enum import_type { IMPORT_TENANT, IMPORT_CLIENT, IMPORT_NUMBER };

/* One line, understood. Text lives in import->arena. */
struct import_record {
	enum import_type type;
	size_t line;
	bool exists; /* the store had it before */
	union {
		struct tenant tenant;
		struct {
			struct client client;
			struct bytes secret; /* as given: text or PHC */
			bool scopes_given, disabled_given;
		};
		struct {
			struct line number;
			struct failures failures;
			struct bytes code; /* as given */
			bool state_given, failures_reset;
		};
	};
};

struct import {
	const struct import_options *options;
	const char *name; /* of the input */
	FILE *mistakes;
	size_t line; /* that mistakes are told of */
	size_t mistakes_n;
	struct arena arena;
	struct map identities;         /* of this input: a second one is a mistake */
	struct import_record *records; /* owned */
	size_t records_n, records_cap;
};

/* Tells "NAME:LINE: ..." and counts it. */
void import_mistake(struct import *import, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* NULL: no memory. */
struct import_record *import_record_add(struct import *import);
/* Asks the store and waits. */
enum err import_load(struct import *import, struct store_load *load);

/* Understands one line (in the arena); mistakes are told, not returned. ERR_NO_MEMORY. */
enum err import_line(struct import *import, struct bytes line);

#endif
