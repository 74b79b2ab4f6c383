/* SPDX-License-Identifier: Apache-2.0 */
/* Writes JSON into a buf: commas and escapes are done here, the order of calls is the caller's. No
 * floats. What is written is safe inside HTML and as JavaScript: `<`, `>`, `&`, U+2028 and U+2029
 * are escaped, and an octet that is not UTF-8 becomes U+FFFD. A full buffer is the buf's to
 * remember (buf.failed). */
#ifndef WIRE_JSON_WRITE_H
#define WIRE_JSON_WRITE_H

#include "base/buf.h"

#include <stdint.h>

struct json_writer {
	struct buf *buf;      /* borrowed */
	unsigned depth;       /* objects and arrays open now */
	bool comma;           /* one is due before the next name or element */
	bool percent_escaped; /* `%` as \u0025 too; the caller may set it after init */
};

void json_writer_init(struct json_writer *writer, struct buf *buf);

void json_write_object(struct json_writer *writer);
void json_write_object_end(struct json_writer *writer);
void json_write_array(struct json_writer *writer);
void json_write_array_end(struct json_writer *writer);

/* The name of a member; its value is the next call. */
void json_write_name(struct json_writer *writer, const char *name);
void json_write_name_bytes(struct json_writer *writer, struct bytes name);

void json_write_text(struct json_writer *writer, struct bytes text);
void json_write_i64(struct json_writer *writer, int64_t value);
void json_write_u64(struct json_writer *writer, uint64_t value);
void json_write_bool(struct json_writer *writer, bool value);
void json_write_null(struct json_writer *writer);
/* A value that already is JSON, as json_skip gave it. */
void json_write_raw(struct json_writer *writer, struct bytes json);

/* Name and value in one. */
void json_write_text_member(struct json_writer *writer, const char *name, struct bytes text);
void json_write_i64_member(struct json_writer *writer, const char *name, int64_t value);
void json_write_bool_member(struct json_writer *writer, const char *name, bool value);

#endif
