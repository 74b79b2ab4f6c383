/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/export.h"

#include "base/when.h"
#include "ops/record.h"
#include "wire/json_write.h"

struct export
{
	const struct record_kind *kind;
	enum record_type type;
	const struct number *number; /* NULL: all */
	FILE *out;
	struct buf line;
	size_t n;
};

/* ---- members of a record's own code ---------------------------------------------------------- */

static void write_hex(struct json_writer *json, const char *name, const uint8_t *at, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	char text[2 * SHA256_LEN];
	for (size_t i = 0; i < len; i++) {
		text[2 * i] = digits[at[i] >> 4];
		text[2 * i + 1] = digits[at[i] & 15];
	}
	json_write_text_member(json, name, (struct bytes){text, 2 * len});
}

static void write_phone(struct json_writer *json, const struct number *number)
{
	char text[NUMBER_DIGITS_MAX + 2] = "+";
	memcpy(text + 1, number->digits, sizeof(number->digits));
	if (!number_is_none(number))
		json_write_text_member(json, "phone", bytes_from_text(text));
}

static void write_text(struct json_writer *json, const char *name, struct bytes text)
{
	if (text.at)
		json_write_text_member(json, name, text);
}

static void write_tenant_row(struct json_writer *json, int row, const struct tenant *tenant)
{
	if (row == ROW_TENANT_ID)
		json_write_text_member(json, "id", tenant->id);
	if (row != ROW_TENANT_KII || (!tenant->kii_app_key.at && !tenant->kii_client_id.at))
		return;
	json_write_name(json, "kii");
	json_write_object(json);
	write_text(json, "appKey", tenant->kii_app_key);
	write_text(json, "clientId", tenant->kii_client_id);
	json_write_object_end(json);
}

static void write_client_row(struct json_writer *json, int row, const struct client *client)
{
	unsigned left = client->scopes;
	if (row == ROW_CLIENT_TENANT)
		json_write_text_member(json, "tenant", client->tenant);
	if (row == ROW_CLIENT_NAME)
		json_write_text_member(json, "name", client->name);
	if (row != ROW_CLIENT_SCOPES || !left)
		return;
	json_write_name(json, "scopes");
	json_write_array(json);
	for (size_t i = 0; i < RECORD_SCOPES; i++) {
		if (left & record_scopes[i].scope)
			json_write_text(json, record_scopes[i].name);
		left &= ~(unsigned)record_scopes[i].scope;
	}
	json_write_array_end(json);
}

static void write_user_row(struct json_writer *json, int row, const struct user *user)
{
	if (row == ROW_USER_TENANT)
		json_write_text_member(json, "tenant", user->tenant);
	if (row == ROW_USER_ID)
		json_write_text_member(json, "id", user->id);
	if (row == ROW_USER_PHONE)
		write_phone(json, &user->phone);
	if (row == ROW_USER_PHONE_VERIFIED && user->phone_verified_ms)
		json_write_bool_member(json, "phoneVerified", true);
}

static void write_key_row(struct json_writer *json, int row, const struct key *key)
{
	if (row == ROW_KEY_TENANT)
		json_write_text_member(json, "tenant", key->tenant);
	if (row == ROW_KEY_HASH)
		write_hex(json, "hash", key->hash, SHA256_LEN);
	if (row == ROW_KEY_CLIENT)
		write_text(json, "client", key->client);
	if (row == ROW_KEY_USER)
		write_text(json, "user", key->user);
}

static void write_system_row(struct json_writer *json, int row, const struct system *system)
{
	if (row == ROW_SYSTEM_TENANT)
		json_write_text_member(json, "tenant", system->tenant);
	if (row == ROW_SYSTEM_ID)
		json_write_text_member(json, "id", system->id);
	if (row == ROW_SYSTEM_SIGNING)
		write_text(json, "signing", record_signing_text(system->signing));
}

static void write_line_row(struct json_writer *json, int row, const struct line *line)
{
	if (row == ROW_LINE_TENANT)
		json_write_text_member(json, "tenant", line->tenant);
	if (row == ROW_LINE_PHONE)
		write_phone(json, &line->number);
	if (row == ROW_LINE_STATE)
		write_text(json, "state", record_state_text(line->state));
}

static void write_own_row(struct json_writer *json, enum record_type type, int row,
                          const void *record)
{
	switch (type) {
	case RECORD_TENANT:
		write_tenant_row(json, row, record);
		return;
	case RECORD_CLIENT:
		write_client_row(json, row, record);
		return;
	case RECORD_USER:
		write_user_row(json, row, record);
		return;
	case RECORD_KEY:
		write_key_row(json, row, record);
		return;
	case RECORD_SYSTEM:
		write_system_row(json, row, record);
		return;
	case RECORD_NUMBER:
		write_line_row(json, row, record);
		return;
	case RECORD_TYPES:
		break;
	}
}

/* ---- members by their form ------------------------------------------------------------------- */

/* JSON as somebody typed it, on one line: a line end in it stands between two tokens. */
static void write_raw(struct json_writer *json, const char *name, struct bytes raw)
{
	if (!raw.at)
		return;
	json_write_name(json, name);
	size_t from = json->buf->len;
	json_write_raw(json, raw);
	for (size_t i = from; i < json->buf->len; i++)
		if (json->buf->at[i] == '\n' || json->buf->at[i] == '\r')
			json->buf->at[i] = ' ';
}

static void write_moment(struct json_writer *json, const char *name, int64_t at_ms)
{
	char text[WHEN_TEXT_LEN + 1];
	if (at_ms <= 0 || at_ms > WHEN_MAX_MS)
		return;
	when_format(at_ms, text);
	json_write_text_member(json, name, bytes_from_text(text));
}

static void write_row(struct json_writer *json, const struct export *export, size_t n,
                      const void *record)
{
	const struct record_row *row = &export->kind->rows[n];
	const void *field = (const char *)record + row->field;
	switch (row->form) {
	case FORM_TYPE:
		json_write_text_member(json, row->name.at, export->kind->name);
		return;
	case FORM_TEXT:
		write_text(json, row->name.at, *(const struct bytes *)field);
		return;
	case FORM_LIST:
	case FORM_OBJECT:
		write_raw(json, row->name.at, *(const struct bytes *)field);
		return;
	case FORM_FLAG:
		if (*(const bool *)field)
			json_write_bool_member(json, row->name.at, true);
		return;
	case FORM_MOMENT:
		write_moment(json, row->name.at, *(const int64_t *)field);
		return;
	case FORM_OWN:
	case FORM_OWN_LIST:
	case FORM_OWN_OBJECT:
	case FORM_OWN_FLAG:
	case FORM_OWN_INTEGER:
		write_own_row(json, export->type, (int)n, record);
		return;
	case FORM_SECRET:
		return;
	}
}

/* ---- records --------------------------------------------------------------------------------- */

static bool is_wanted(const struct export *export, const void *record)
{
	const struct user *user = record;
	return !export->number || export->type != RECORD_USER ||
	       number_equal(&user->phone, export->number) ||
	       number_equal(&user->phone_pending, export->number);
}

static bool on_record(void *about, const void *record)
{
	struct export *export = about;
	/* Lines come by number. */
	if (export->number && export->type == RECORD_NUMBER &&
	    !number_equal(&((const struct line *)record)->number, export->number))
		return false;
	if (!is_wanted(export, record))
		return true;
	struct json_writer json;
	buf_clear(&export->line);
	json_writer_init(&json, &export->line);
	json_write_object(&json);
	for (size_t i = 0; i < export->kind->rows_n; i++)
		write_row(&json, export, i, record);
	json_write_object_end(&json);
	buf_add_char(&export->line, '\n');
	export->n++;
	return !export->line.failed &&
	       fwrite(export->line.at, 1, export->line.len, export->out) == export->line.len;
}

enum err export_run(const struct walk_store *from, const struct number *number, FILE *out,
                    size_t *ret_n)
{
	struct export export = {.number = number, .out = out};
	/* The first of the number's, of whichever tenant. */
	const struct line first = {.number = number ? *number : (struct number){0},
	                           .tenant = BYTES("")};
	enum err err = OK;
	buf_init(&export.line, 0);
	for (int type = 0; type < RECORD_TYPES && !err && !ferror(out); type++) {
		bool about_number = type == RECORD_USER || type == RECORD_NUMBER;
		if (number && !about_number)
			continue;
		export.type = (enum record_type)type;
		export.kind = &record_kinds[type];
		err = walk_all(from, export.kind->change,
		               number && type == RECORD_NUMBER ? &first : NULL, on_record, &export);
	}
	if (!err && export.line.failed)
		err = ERR_NO_MEMORY;
	buf_done(&export.line);
	if (!err && (fflush(out) != 0 || ferror(out)))
		err = ERR_IO;
	*ret_n = export.n;
	return err;
}
