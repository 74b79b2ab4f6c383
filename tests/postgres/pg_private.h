/* SPDX-License-Identifier: Apache-2.0 */
/* What pg_record.c (records to statements) and pg_commit.c (sessions, batches) share. */
#ifndef TESTS_POSTGRES_PG_PRIVATE_H
#define TESTS_POSTGRES_PG_PRIVATE_H

#include "base/buf.h"
#include "pg_commit.h"

/* Changes of one commit. */
#define PG_CHANGES_MAX 16
/* Columns of the widest table, times that. */
#define PG_PARAMS_MAX (26 * PG_CHANGES_MAX)
/* Three letters a change, and a NUL. */
#define PG_SHAPE_LEN (3 * PG_CHANGES_MAX)

/* Makes all numbers of a batch lockable and locks them, in their order: $1 digits, $2 buckets. */
extern const char *const pg_lock_sql;

/* Commits of the same shape have the same statement. */
struct pg_shape {
	char text[PG_SHAPE_LEN + 1];
};
void pg_shape_of(const struct store_commit *commit, struct pg_shape *ret);
/* The statement: it answers one row, whether all of it was done or nothing. */
void pg_shape_sql(const struct pg_shape *shape, struct buf *ret);

/* The parameters of a commit's statement, in libpq's form. */
struct pg_params {
	struct arena *arena; /* borrowed */
	int n;
	const char *values[PG_PARAMS_MAX];
	int lengths[PG_PARAMS_MAX];
	int formats[PG_PARAMS_MAX]; /* 0 text, 1 binary */
};
void pg_params_fill(struct pg_params *params, const struct store_commit *commit);
void pg_param_id(struct pg_params *params, const struct id *id);

/* The number whose lock covers a change; NULL: none does, its row is locked by itself. */
const struct number *pg_change_number(const struct change *change);

#endif
