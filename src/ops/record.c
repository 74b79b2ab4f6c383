/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/record.h"

#define ROW(record, text, how, where, most)                                                        \
	{                                                                                          \
	    .name = {text, sizeof(text) - 1},                                                      \
	    .form = FORM_##how,                                                                    \
	    .field = offsetof(struct record, where),                                               \
	    .max = (most),                                                                         \
	},

/* How user_member.def's kinds are typed. */
#define FORM_FORM_OF_TEXT FORM_TEXT
#define FORM_FORM_OF_NAME FORM_TEXT
#define FORM_FORM_OF_STAMP FORM_TEXT
#define FORM_FORM_OF_LIST FORM_LIST
#define FORM_FORM_OF_OBJECT FORM_OBJECT

static const struct record_row tenant_rows[] = {
#define TENANT(row, member, form, field, max) ROW(tenant, member, form, field, max)
#include "ops/record.def"
};
static const struct record_row client_rows[] = {
#define CLIENT(row, member, form, field, max) ROW(client, member, form, field, max)
#include "ops/record.def"
};
static const struct record_row user_rows[] = {
#define USER(row, member, form, field, max) ROW(user, member, form, field, max)
#include "ops/record.def"
};
static const struct record_row key_rows[] = {
#define KEY(row, member, form, field, max) ROW(key, member, form, field, max)
#include "ops/record.def"
};
static const struct record_row system_rows[] = {
#define SYSTEM(row, member, form, field, max) ROW(system, member, form, field, max)
#include "ops/record.def"
};
static const struct record_row line_rows[] = {
#define LINE(row, member, form, field, max) ROW(line, member, form, field, max)
#include "ops/record.def"
};

const struct record_kind record_kinds[RECORD_TYPES] = {
    [RECORD_TENANT] = {{"tenant", 6}, CHANGE_TENANT, tenant_rows, TENANT_ROWS},
    [RECORD_CLIENT] = {{"client", 6}, CHANGE_CLIENT, client_rows, CLIENT_ROWS},
    [RECORD_USER] = {{"user", 4}, CHANGE_USER, user_rows, USER_ROWS},
    [RECORD_KEY] = {{"key", 3}, CHANGE_KEY, key_rows, KEY_ROWS},
    [RECORD_SYSTEM] = {{"system", 6}, CHANGE_SYSTEM, system_rows, SYSTEM_ROWS},
    [RECORD_NUMBER] = {{"number", 6}, CHANGE_LINE, line_rows, LINE_ROWS},
};

enum record_type record_type_of(struct bytes name)
{
	int type = 0;
	while (type < RECORD_TYPES && !bytes_equal(record_kinds[type].name, name))
		type++;
	return (enum record_type)type;
}

const struct record_scope record_scopes[RECORD_SCOPES] = {
    {{"otp.send", 8}, SCOPE_OTP_SEND},           {{"otp.verify", 10}, SCOPE_OTP_VERIFY},
    {{"user.read", 9}, SCOPE_USER_READ},         {{"user.write", 10}, SCOPE_USER_WRITE},
    {{"manage.otp.send", 15}, SCOPE_OTP_SEND},   {{"manage.otp.verify", 17}, SCOPE_OTP_VERIFY},
    {{"manage.user.read", 16}, SCOPE_USER_READ},
};

struct bytes record_signing_text(enum signing signing)
{
	switch (signing) {
	case SIGNING_OFF:
		return BYTES("off");
	case SIGNING_OPTIONAL:
		return BYTES("optional");
	case SIGNING_REQUIRED:
		return BYTES("required");
	}
	return BYTES_NONE;
}

struct bytes record_state_text(enum line_state state)
{
	switch (state) {
	case LINE_NORMAL:
		return BYTES_NONE;
	case LINE_DEAD:
		return BYTES("dead");
	case LINE_LANDLINE:
		return BYTES("landline");
	}
	return BYTES_NONE;
}
