/* SPDX-License-Identifier: Apache-2.0 */
/* Records to rows and back, and the SQL of what is done to any record's row. The records of people
 * stand in sqlite_person.c. */
#include "store/sqlite_private.h"

#include "base/buf.h"
#include "core/policy.h"

#include <assert.h>

static const struct record_table *table_of(enum change_kind kind);

/* --- SQL ------------------------------------------------------------------------------------- */

static void sql_columns(const struct record_table *table, int n, const char *format,
                        struct buf *ret)
{
	for (int i = 0; table->columns[i] && i < n; i++) {
		buf_add_text(ret, i ? ", " : "");
		if (format)
			buf_printf(ret, "?%d", i + 1);
		else
			buf_add_text(ret, table->columns[i]);
	}
}

static void sql_where_key(const struct record_table *table, struct buf *ret)
{
	for (int i = 0; i < table->keys; i++)
		buf_printf(ret, "%s %s = ?%d", i ? " AND" : " WHERE", table->columns[i], i + 1);
}

static void sql_where_version(const struct record_table *table, struct buf *ret)
{
	sql_where_key(table, ret);
	buf_printf(ret, " AND version = ?%d - 1", table->keys + 1);
}

static void sql_insert(const struct record_table *table, struct buf *ret)
{
	buf_printf(ret, "INSERT INTO %s (", table->name);
	sql_columns(table, INT32_MAX, NULL, ret);
	buf_add_text(ret, ") VALUES (");
	sql_columns(table, INT32_MAX, "?", ret);
	buf_add_text(ret, ")");
}

static void sql_update(const struct record_table *table, struct buf *ret)
{
	/* A slot that somebody else holds leaves the row alone too: a conflict. */
	buf_printf(ret, "UPDATE OR IGNORE %s SET", table->name);
	for (int i = table->keys; table->columns[i]; i++)
		buf_printf(ret, "%s %s = ?%d", i > table->keys ? "," : "", table->columns[i],
		           i + 1);
	sql_where_version(table, ret);
}

static void sql_upsert(const struct record_table *table, struct buf *ret)
{
	sql_insert(table, ret);
	buf_add_text(ret, " ON CONFLICT (");
	sql_columns(table, table->unique, NULL, ret);
	buf_add_text(ret, ") DO UPDATE SET version = version + 1");
	for (int i = table->keys + 1; table->columns[i]; i++)
		buf_printf(ret, ", %s = excluded.%s", table->columns[i], table->columns[i]);
	for (int i = table->unique; i < table->keys; i++)
		buf_printf(ret, "%s %s = excluded.%s", i > table->unique ? " AND" : " WHERE",
		           table->columns[i], table->columns[i]);
}

/* The first rows, or those behind a key. */
static void sql_walk(const struct record_table *table, bool behind, struct buf *ret)
{
	buf_add_text(ret, "SELECT ");
	sql_columns(table, INT32_MAX, NULL, ret);
	buf_printf(ret, " FROM %s", table->name);
	if (behind) {
		buf_add_text(ret, " WHERE (");
		sql_columns(table, table->keys, NULL, ret);
		buf_add_text(ret, ") > (");
		sql_columns(table, table->keys, "?", ret);
		buf_add_text(ret, ")");
	}
	buf_add_text(ret, " ORDER BY ");
	sql_columns(table, table->keys, NULL, ret);
	buf_printf(ret, " LIMIT %d", WALK_MAX);
}

void record_sql(enum change_kind kind, enum verb verb, struct buf *ret)
{
	const struct record_table *table = table_of(kind);
	switch (verb) {
	case VERB_LOAD:
		buf_add_text(ret, "SELECT ");
		sql_columns(table, INT32_MAX, NULL, ret);
		buf_printf(ret, " FROM %s", table->name);
		sql_where_key(table, ret);
		return;
	case VERB_FIRST:
	case VERB_NEXT:
		sql_walk(table, verb == VERB_NEXT, ret);
		return;
	case VERB_CHECK:
		buf_printf(ret, "SELECT version FROM %s", table->name);
		sql_where_key(table, ret);
		return;
	case VERB_INSERT:
		sql_insert(table, ret);
		buf_add_text(ret, " ON CONFLICT DO NOTHING");
		return;
	case VERB_UPDATE:
		sql_update(table, ret);
		return;
	case VERB_UPSERT:
		sql_upsert(table, ret);
		return;
	case VERB_DELETE:
		buf_printf(ret, "DELETE FROM %s", table->name);
		sql_where_version(table, ret);
		return;
	case VERB_ERASE:
		buf_printf(ret, "DELETE FROM %s", table->name);
		sql_where_key(table, ret);
		return;
	case VERBS:
		break;
	}
	assert(false && "a verb");
}

/* --- binding --------------------------------------------------------------------------------- */

/* What a failed bind leaves is NULL in a column that has NOT NULL, or a key that finds nothing; it
 * fails only without memory, and nothing here is copied. The parameters belong to the caller and
 * stay until the statement is reset. */
void bind_integer(struct binder *binder, int64_t value)
{
	sqlite3_bind_int64(binder->statement, ++binder->at, value);
}

void bind_blob(struct binder *binder, const void *at, size_t len)
{
	sqlite3_bind_blob64(binder->statement, ++binder->at, at, len, SQLITE_STATIC);
}

void bind_text(struct binder *binder, struct bytes text)
{
	sqlite3_bind_text64(binder->statement, ++binder->at, text.at, text.len, SQLITE_STATIC,
	                    SQLITE_UTF8);
}

void bind_text_given(struct binder *binder, struct bytes text)
{
	bind_text(binder, text.at ? text : BYTES(""));
}

void bind_number(struct binder *binder, const struct number *number)
{
	bind_text(binder, number_bytes(number));
}

void bind_number_if(struct binder *binder, const struct number *number)
{
	bind_text(binder, number_is_none(number) ? BYTES_NONE : number_bytes(number));
}

void bind_moment_if(struct binder *binder, int64_t moment_ms)
{
	if (moment_ms)
		bind_integer(binder, moment_ms);
	else
		bind_text(binder, BYTES_NONE);
}

void bind_id(struct binder *binder, const struct id *id)
{
	bind_blob(binder, id->octets, ID_LEN);
}

void bind_place(struct binder *binder, const struct id *id)
{
	bind_integer(binder, id_place(id));
}

void bind_blob_if(struct binder *binder, bool given, const void *at, size_t len)
{
	bind_blob(binder, given ? at : NULL, given ? len : 0);
}

static void policy_bind(struct binder *binder, const struct policy *policy)
{
	bind_text(binder, alphabet_text(policy->alphabet));
	bind_integer(binder, policy->length);
	bind_integer(binder, policy->attempts);
	bind_integer(binder, policy->repeat);
	bind_integer(binder, policy->ttl_ms);
}

static void verification_bind_key(struct binder *binder, const void *record)
{
	const struct verification *v = record;
	bind_place(binder, &v->id);
	bind_id(binder, &v->id);
}

static void verification_bind(struct binder *binder, const void *record)
{
	const struct verification *v = record;
	bind_integer(binder, v->purpose);
	bind_integer(binder, v->state);
	bind_text_given(binder, v->tenant);
	bind_text(binder, v->client);
	bind_text(binder, v->user);
	bind_text(binder, v->dialect);
	bind_number(binder, &v->number);
	policy_bind(binder, &v->policy);
	bind_text(binder, v->key_id);
	bind_integer(binder, v->generation);
	bind_integer(binder, v->tries);
	bind_blob_if(binder, v->chosen, v->chosen_mac, SHA256_LEN);
	bind_blob_if(binder, v->bound, v->digest, SHA256_LEN);
	bind_integer(binder, v->created_ms);
	bind_integer(binder, v->expires_ms);
	bind_moment_if(binder, v->finished_ms);
	bind_text(binder, v->address);
	bind_text(binder, v->device);
	bind_text(binder, v->slot);
}

static void budget_bind_key(struct binder *binder, const void *record)
{
	const struct budget *budget = record;
	bind_integer(binder, number_to_integer(&budget->number));
}

static void budget_bind(struct binder *binder, const void *record)
{
	const struct budget *budget = record;
	bind_integer(binder, budget->keep_until_ms);
	bind_integer(binder, budget->send_streak);
	uint8_t *packed = binder->conn->history;
	size_t sends = history_pack(&budget->sends, packed, HISTORY_PACKED_MAX);
	size_t guesses = history_pack(&budget->guesses, packed + sends, HISTORY_PACKED_MAX);
	bind_blob(binder, packed, sends + guesses);
}

static void failures_bind_key(struct binder *binder, const void *record)
{
	const struct failures *failures = record;
	bind_number(binder, &failures->number);
	bind_text_given(binder, failures->tenant);
	bind_integer(binder, number_bucket(&failures->number));
}

static void failures_bind(struct binder *binder, const void *record)
{
	const struct failures *failures = record;
	bind_integer(binder, failures->count);
	bind_integer(binder, failures->last_ms);
}

static void message_bind_key(struct binder *binder, const void *record)
{
	const struct message *message = record;
	bind_place(binder, &message->verification);
	bind_id(binder, &message->id);
}

static void message_bind(struct binder *binder, const void *record)
{
	const struct message *message = record;
	bind_id(binder, &message->verification);
	bind_integer(binder, message->generation);
	bind_integer(binder, message->state);
	bind_text(binder, message->provider);
	bind_text(binder, message->sender);
	bind_text(binder, message->template);
	bind_text(binder, message->provider_id);
	bind_integer(binder, message->attempts);
	bind_integer(binder, message->created_ms);
	bind_integer(binder, message->next_ms);
	bind_integer(binder, message->expires_ms);
}

static void event_bind_key(struct binder *binder, const void *record)
{
	const struct event *event = record;
	bind_place(binder, &event->id);
	bind_id(binder, &event->id);
}

static void event_bind(struct binder *binder, const void *record)
{
	const struct event *event = record;
	bind_integer(binder, event->at_ms);
	bind_text(binder, event->kind);
	bind_text(binder, event->reason);
	bind_text(binder, event->tenant);
	bind_text(binder, event->dialect);
	bind_blob_if(binder, !id_is_zero(&event->verification), event->verification.octets, ID_LEN);
	bind_blob(binder, event->number_hash, sizeof(event->number_hash));
	bind_integer(binder, event->count);
}

static void tenant_bind_key(struct binder *binder, const void *record)
{
	const struct tenant *tenant = record;
	bind_text_given(binder, tenant->id);
}

static void tenant_bind(struct binder *binder, const void *record)
{
	const struct tenant *tenant = record;
	bind_text(binder, tenant->name);
	bind_text(binder, tenant->settings);
	bind_text(binder, tenant->kii_app_key);
	bind_text(binder, tenant->kii_client_id);
	bind_text(binder, tenant->kii_client_secret_hash);
}

static void client_bind_key(struct binder *binder, const void *record)
{
	const struct client *client = record;
	bind_text_given(binder, client->name);
}

static void client_bind(struct binder *binder, const void *record)
{
	const struct client *client = record;
	bind_text(binder, client->tenant);
	bind_text(binder, client->secret_hash);
	bind_integer(binder, client->scopes);
	bind_text(binder, client->roles);
	bind_text(binder, client->permissions);
	bind_integer(binder, client->disabled);
}

static void line_bind_key(struct binder *binder, const void *record)
{
	const struct line *line = record;
	bind_number(binder, &line->number);
	bind_text_given(binder, line->tenant);
	bind_integer(binder, number_bucket(&line->number));
}

static void line_bind(struct binder *binder, const void *record)
{
	const struct line *line = record;
	bind_integer(binder, line->state);
	bind_blob_if(binder, line->chosen, line->chosen_mac, SHA256_LEN);
	bind_integer(binder, line->chosen_length);
	bind_text(binder, line->chosen_key_id);
}

/* --- reading --------------------------------------------------------------------------------- */

int64_t column_integer(struct columns *columns)
{
	return sqlite3_column_int64(columns->statement, columns->at++);
}

struct bytes column_peek(struct columns *columns)
{
	int column = columns->at++;
	if (sqlite3_column_type(columns->statement, column) == SQLITE_NULL)
		return BYTES_NONE;
	/* As a blob, so that nothing is converted; an empty one has no address. */
	const void *at = sqlite3_column_blob(columns->statement, column);
	size_t len = (size_t)sqlite3_column_bytes(columns->statement, column);
	return (struct bytes){at ? at : "", at ? len : 0};
}

struct bytes column_text(struct columns *columns)
{
	struct bytes text = column_peek(columns);
	if (!text.at)
		return text;
	text = arena_copy(columns->arena, text);
	if (!text.at)
		columns->err = ERR_NO_MEMORY;
	return text;
}

bool column_octets(struct columns *columns, void *ret, size_t len)
{
	struct bytes octets = column_peek(columns);
	if (!octets.at)
		return false;
	if (octets.len != len) {
		columns->err = ERR_STORE;
		return false;
	}
	memcpy(ret, octets.at, len);
	return true;
}

struct number column_number(struct columns *columns)
{
	struct number number = {0};
	struct bytes digits = column_peek(columns);
	if (digits.len > NUMBER_DIGITS_MAX)
		columns->err = ERR_STORE;
	else if (digits.len)
		memcpy(number.digits, digits.at, digits.len);
	return number;
}

static void policy_read(struct columns *columns, struct policy *policy)
{
	if (!alphabet_parse(column_peek(columns), policy->alphabet))
		columns->err = ERR_STORE;
	policy->length = (uint8_t)column_integer(columns);
	policy->attempts = (uint8_t)column_integer(columns);
	policy->repeat = (uint8_t)column_integer(columns);
	policy->ttl_ms = column_integer(columns);
}

static void verification_read(struct columns *columns, void *record)
{
	struct verification *v = record;
	columns->at++; /* place */
	column_octets(columns, v->id.octets, ID_LEN);
	v->version = (uint64_t)column_integer(columns);
	v->purpose = (enum purpose)column_integer(columns);
	v->state = (enum verification_state)column_integer(columns);
	v->tenant = column_text(columns);
	v->client = column_text(columns);
	v->user = column_text(columns);
	v->dialect = column_text(columns);
	v->number = column_number(columns);
	policy_read(columns, &v->policy);
	v->key_id = column_text(columns);
	v->generation = (uint32_t)column_integer(columns);
	v->tries = (uint8_t)column_integer(columns);
	v->chosen = column_octets(columns, v->chosen_mac, SHA256_LEN);
	v->bound = column_octets(columns, v->digest, SHA256_LEN);
	v->created_ms = column_integer(columns);
	v->expires_ms = column_integer(columns);
	v->finished_ms = column_integer(columns);
	v->address = column_text(columns);
	v->device = column_text(columns);
	v->slot = column_text(columns);
}

static void budget_read(struct columns *columns, void *record)
{
	struct budget *budget = record;
	if (!number_from_integer(column_integer(columns), &budget->number))
		columns->err = ERR_STORE;
	budget->version = (uint64_t)column_integer(columns);
	budget->keep_until_ms = column_integer(columns);
	budget->send_streak = (uint32_t)column_integer(columns);
	struct bytes packed = column_peek(columns);
	size_t sends = history_unpack(packed, &budget->sends);
	struct bytes rest = bytes_from(packed, sends);
	if (!sends || history_unpack(rest, &budget->guesses) != rest.len)
		columns->err = ERR_STORE;
}

static void failures_read(struct columns *columns, void *record)
{
	struct failures *failures = record;
	failures->number = column_number(columns);
	failures->tenant = column_text(columns);
	columns->at++; /* bucket */
	failures->version = (uint64_t)column_integer(columns);
	failures->count = (uint32_t)column_integer(columns);
	failures->last_ms = column_integer(columns);
}

static void message_read(struct columns *columns, void *record)
{
	struct message *message = record;
	columns->at++; /* place */
	column_octets(columns, message->id.octets, ID_LEN);
	message->version = (uint64_t)column_integer(columns);
	column_octets(columns, message->verification.octets, ID_LEN);
	message->generation = (uint32_t)column_integer(columns);
	message->state = (enum message_state)column_integer(columns);
	message->provider = column_text(columns);
	message->sender = column_text(columns);
	message->template = column_text(columns);
	message->provider_id = column_text(columns);
	message->attempts = (uint32_t)column_integer(columns);
	message->created_ms = column_integer(columns);
	message->next_ms = column_integer(columns);
	message->expires_ms = column_integer(columns);
}

static void event_read(struct columns *columns, void *record)
{
	struct event *event = record;
	columns->at++; /* place */
	column_octets(columns, event->id.octets, ID_LEN);
	event->at_ms = column_integer(columns);
	event->kind = column_text(columns);
	event->reason = column_text(columns);
	event->tenant = column_text(columns);
	event->dialect = column_text(columns);
	column_octets(columns, event->verification.octets, ID_LEN);
	column_octets(columns, event->number_hash, sizeof(event->number_hash));
	event->count = (uint32_t)column_integer(columns);
}

static void tenant_read(struct columns *columns, void *record)
{
	struct tenant *tenant = record;
	tenant->id = column_text(columns);
	tenant->version = (uint64_t)column_integer(columns);
	tenant->name = column_text(columns);
	tenant->settings = column_text(columns);
	tenant->kii_app_key = column_text(columns);
	tenant->kii_client_id = column_text(columns);
	tenant->kii_client_secret_hash = column_text(columns);
}

static void client_read(struct columns *columns, void *record)
{
	struct client *client = record;
	client->name = column_text(columns);
	client->version = (uint64_t)column_integer(columns);
	client->tenant = column_text(columns);
	client->secret_hash = column_text(columns);
	client->scopes = (unsigned)column_integer(columns);
	client->roles = column_text(columns);
	client->permissions = column_text(columns);
	client->disabled = column_integer(columns);
}

static void line_read(struct columns *columns, void *record)
{
	struct line *line = record;
	line->number = column_number(columns);
	line->tenant = column_text(columns);
	columns->at++; /* bucket */
	line->version = (uint64_t)column_integer(columns);
	line->state = (enum line_state)column_integer(columns);
	line->chosen = column_octets(columns, line->chosen_mac, SHA256_LEN);
	line->chosen_length = (uint8_t)column_integer(columns);
	line->chosen_key_id = column_text(columns);
}

/* --- the tables ------------------------------------------------------------------------------ */

static const struct record_table tables[] = {
    [CHANGE_VERIFICATION] = {"verification",
                             2,
                             1,
                             {"place",      "id",         "version",     "purpose",    "state",
                              "tenant",     "client",     "user",        "dialect",    "number",
                              "alphabet",   "length",     "attempts",    "repeat",     "ttl_ms",
                              "key_id",     "generation", "tries",       "chosen_mac", "digest",
                              "created_ms", "expires_ms", "finished_ms", "address",    "device",
                              "slot"},
                             verification_bind_key,
                             verification_bind,
                             verification_read},
    [CHANGE_BUDGET] = {"budget",
                       1,
                       1,
                       {"number", "version", "keep_until_ms", "send_streak", "history"},
                       budget_bind_key,
                       budget_bind,
                       budget_read},
    [CHANGE_FAILURES] = {"failures",
                         3,
                         3,
                         {"number", "tenant", "bucket", "version", "count", "last_ms"},
                         failures_bind_key,
                         failures_bind,
                         failures_read},
    [CHANGE_MESSAGE] = {"message",
                        2,
                        2,
                        {"place", "id", "version", "verification", "generation", "state",
                         "provider", "sender", "template", "provider_id", "attempts", "created_ms",
                         "next_ms", "expires_ms"},
                        message_bind_key,
                        message_bind,
                        message_read},
    [CHANGE_EVENT] = {"event",
                      2,
                      1,
                      {"place", "id", "at_ms", "kind", "reason", "tenant", "dialect",
                       "verification", "number_hash", "count"},
                      event_bind_key,
                      event_bind,
                      event_read},
    [CHANGE_TENANT] = {"tenant",
                       1,
                       1,
                       {"id", "version", "name", "settings", "kii_app_key", "kii_client_id",
                        "kii_client_secret_hash"},
                       tenant_bind_key,
                       tenant_bind,
                       tenant_read},
    [CHANGE_CLIENT] = {"client",
                       1,
                       1,
                       {"name", "version", "tenant", "secret_hash", "scopes", "roles",
                        "permissions", "disabled"},
                       client_bind_key,
                       client_bind,
                       client_read},
    [CHANGE_LINE] = {"line",
                     3,
                     3,
                     {"number", "tenant", "bucket", "version", "state", "chosen_mac",
                      "chosen_length", "chosen_key_id"},
                     line_bind_key,
                     line_bind,
                     line_read},
};

static const struct record_table *table_of(enum change_kind kind)
{
	return kind < CHANGE_USER ? &tables[kind] : person_table(kind);
}

int record_bind_key(sqlite3_stmt *statement, enum change_kind kind, const void *record)
{
	struct binder binder = {.statement = statement};
	table_of(kind)->bind_key(&binder, record);
	return binder.at;
}

void record_bind(struct sqlite_conn *conn, sqlite3_stmt *statement, enum change_kind kind,
                 const void *record, uint64_t version)
{
	const struct record_table *table = table_of(kind);
	struct binder binder = {.statement = statement, .conn = conn};
	table->bind_key(&binder, record);
	if (shapes[kind].version != SHAPE_NO_VERSION)
		bind_integer(&binder, (int64_t)version);
	table->bind(&binder, record);
	assert(!table->columns[binder.at]);
}

enum err record_read(sqlite3_stmt *statement, enum change_kind kind, struct arena *arena,
                     void **ret)
{
	struct columns columns = {.statement = statement, .arena = arena};
	void *record = arena_take(arena, shapes[kind].size);
	if (!record)
		return ERR_NO_MEMORY;
	table_of(kind)->read(&columns, record);
	if (!columns.err)
		*ret = record;
	return columns.err;
}

enum err record_load(struct sqlite_conn *conn, enum change_kind kind, const void *key,
                     struct arena *arena, void **ret)
{
	sqlite3_stmt *statement = db_record_statement(conn, kind, VERB_LOAD);
	if (!statement)
		return ERR_STORE;
	record_bind_key(statement, kind, key);
	int rc = sqlite3_step(statement);
	enum err err = OK;
	*ret = NULL;
	if (rc == SQLITE_ROW)
		err = record_read(statement, kind, arena, ret);
	else if (rc != SQLITE_DONE)
		err = rc == SQLITE_NOMEM ? ERR_NO_MEMORY : ERR_STORE;
	sqlite3_reset(statement);
	return err;
}

struct id statement_id(sqlite3_stmt *statement, int column)
{
	struct id id = {0};
	const void *at = sqlite3_column_blob(statement, column);
	if (at && sqlite3_column_bytes(statement, column) == ID_LEN)
		memcpy(id.octets, at, ID_LEN);
	return id;
}
