/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the import share:
 *
 *      import.c          the passes, mistakes, the commit
 *      import_line.c     a line to a record: its members by the table, what each may be
 *      import_merge.c    the record laid over the one that is there; references
 *      import_user.c     likewise for users, by the engine's own step
 *      import_secret.c   hashing, on threads */
#ifndef OPS_IMPORT_PRIVATE_H
#define OPS_IMPORT_PRIVATE_H

#include "base/buf.h"
#include "base/map.h"
#include "core/user.h"
#include "ops/import.h"
#include "ops/record.h"

/* What a user record says of his phone. */
struct import_phone {
	bool given, removed; /* the number, or null */
	bool verified_given, verified;
	struct number number;
};

/* A user as he shall stand, and what else changes with him. */
struct import_person {
	struct user user;
	const struct verification *cancelled[2]; /* codes that end; NULL: none */
	const struct event *event;
};

/* One line, understood. Text lives in import->arena. */
struct import_record {
	enum record_type type;
	size_t line;
	uint64_t given;      /* rows with a value */
	uint64_t touched;    /* those, and rows with null: back to what a new record has */
	bool exists;         /* the store had it before */
	struct bytes secret; /* as typed: text or PHC; of a number its code */
	char *hash;          /* PASSWORD_HASH_MAX, in the arena: where the secret's goes */
	union {
		struct tenant tenant;
		struct client client;
		struct {
			struct user user; /* the members given */
			struct import_phone phone;
			struct import_person *person; /* in the arena */
		};
		struct {
			struct key key;
			struct bytes holder; /* of `user`: his id or userName, as typed */
		};
		struct system system;
		struct {
			struct line number;
			struct failures failures;
		};
	};
};

struct import_mistake {
	size_t line;
	char *text; /* owned */
};

/* What users and keys ask of a tenant. */
struct import_tenant {
	bool known;
	bool phones_unique;
};

/* What the engine's step about a user answers: too large to be kept of each. */
struct import_step {
	struct verify_result result;
	struct user_result user_result;
};

struct import {
	const struct import_options *options;
	const char *name;    /* of the input */
	FILE *told;          /* where mistakes go */
	size_t line;         /* that mistakes are about */
	struct arena arena;  /* of what was read */
	struct arena merged; /* of what was loaded and laid over it */
	struct rng_system rng;
	struct import_step *step; /* owned */
	struct import_mistake mistakes[IMPORT_MISTAKES_MAX];
	size_t mistakes_n;     /* all of them */
	size_t warnings_n;     /* likewise */
	bool out_of_memory;    /* a mistake could not be kept */
	struct map identities; /* of this input, to its records: a second one is a mistake */
	/* to struct import_person: whose a userName, uuid or verified phone is; of one merge */
	struct map names;
	struct map tenants;            /* to struct import_tenant; of one merge */
	struct import_record *records; /* owned; in the order of lines */
	size_t records_n, records_cap;
};

/* Notes a mistake in the current line. */
void import_mistake(struct import *import, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Tells of something in the current line that works, but is not wise. */
void import_warning(struct import *import, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Asks the store and waits. What is found lives until the merge begins anew. */
MUST_CHECK enum err import_load(struct import *import, struct store_load *load);

/* --- import_line.c --- */

/* Understands one line (in the arena); mistakes are noted, not returned. ERR_NO_MEMORY. */
MUST_CHECK enum err import_line(struct import *import, struct bytes line);

/* --- import_merge.c --- */

/* A key of a map: what kind of thing, of whom, which. `at` is NULL when there is no memory. */
struct bytes import_key(struct import *import, const char *kind, struct bytes of,
                        struct bytes which);
/* Likewise for a userName, ASCII case folded. */
struct bytes import_name_key(struct import *import, struct bytes tenant, struct bytes name);
/* The record of this input that has this identity, or NULL. */
struct import_record *import_find(struct import *import, const char *kind, struct bytes of,
                                  struct bytes which, enum err *ret_err);
/* What is known of a tenant, from the store and this input; NULL: *ret_err says why. */
const struct import_tenant *import_tenant(struct import *import, struct bytes id,
                                          enum err *ret_err);
/* Lays the record over the one that is there. Tenants first, then clients, users, the others. */
MUST_CHECK enum err import_merge(struct import *import, struct import_record *record);

/* --- import_user.c --- */

MUST_CHECK enum err import_merge_user(struct import *import, struct import_record *record);

/* --- import_secret.c --- */

/* Hashes, seals and MACs what is secret in the records that will be stored. */
MUST_CHECK enum err import_secrets(struct import *import);

#endif
