/* SPDX-License-Identifier: Apache-2.0 */
/* The records that operators import and export, as tables (record.def): which members each has, and
 * where they belong in the structs of core/record.h. */
#ifndef OPS_RECORD_H
#define OPS_RECORD_H

#include "core/port_store.h"

/* In the order in which they are merged and exported: what refers comes after what it refers to. */
enum record_type {
	RECORD_TENANT,
	RECORD_CLIENT,
	RECORD_USER,
	RECORD_KEY,
	RECORD_SYSTEM,
	RECORD_NUMBER,
	RECORD_TYPES,
};

enum record_form {
	FORM_TYPE,
	FORM_TEXT,
	FORM_LIST,
	FORM_OBJECT,
	FORM_FLAG,
	FORM_MOMENT,
	FORM_OWN,
	FORM_OWN_LIST,
	FORM_OWN_OBJECT,
	FORM_OWN_FLAG,
	FORM_OWN_INTEGER,
	FORM_SECRET,
};

/* Rows of the tables, by which masks and values are indexed. */
enum {
#define TENANT(row, member, form, field, max) ROW_TENANT_##row,
#include "ops/record.def"
	TENANT_ROWS
};
enum {
#define CLIENT(row, member, form, field, max) ROW_CLIENT_##row,
#include "ops/record.def"
	CLIENT_ROWS
};
enum {
#define USER(row, member, form, field, max) ROW_USER_##row,
#include "ops/record.def"
	USER_ROWS
};
enum {
#define KEY(row, member, form, field, max) ROW_KEY_##row,
#include "ops/record.def"
	KEY_ROWS
};
enum {
#define SYSTEM(row, member, form, field, max) ROW_SYSTEM_##row,
#include "ops/record.def"
	SYSTEM_ROWS
};
enum {
#define LINE(row, member, form, field, max) ROW_LINE_##row,
#include "ops/record.def"
	LINE_ROWS
};
#define RECORD_ROWS_MAX ((size_t)USER_ROWS)

struct record_row {
	struct bytes name;
	enum record_form form;
	size_t field; /* offset in the record */
	size_t max;   /* octets of a text; 0: its own code says */
};

struct record_kind {
	struct bytes name;
	enum change_kind change;
	const struct record_row *rows;
	size_t rows_n;
};

extern const struct record_kind record_kinds[RECORD_TYPES];

/* RECORD_TYPES: there is none of that name. */
enum record_type record_type_of(struct bytes name);

/* Names of scopes; the first one of each scope is the one that is written. */
struct record_scope {
	struct bytes name;
	enum scope scope;
};
#define RECORD_SCOPES 7
extern const struct record_scope record_scopes[RECORD_SCOPES];

/* The words of `signing` and `state`; absent: none for it. */
struct bytes record_signing_text(enum signing signing);
struct bytes record_state_text(enum line_state state);

#endif
