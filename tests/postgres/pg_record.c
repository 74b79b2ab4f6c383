/* SPDX-License-Identifier: Apache-2.0 */
/* Commits to statements and their parameters. A commit of a budget, a new verification and an event
 * becomes
 *
 *      WITH ok AS MATERIALIZED (SELECT EXISTS (SELECT 1 FROM budget WHERE ... AND version = ...) AS
 * ok), c0 AS (UPDATE budget SET ... FROM ok WHERE ok.ok AND ...), c1 AS (INSERT INTO verification
 * ... SELECT ... FROM ok WHERE ok.ok), c2 AS (INSERT INTO event ... SELECT ... FROM ok WHERE ok.ok)
 *      SELECT ok FROM ok
 *
 * All its parts see one snapshot, taken when the locks of its numbers are held already, so that
 * what `ok` finds is what the changes find. Rows that no number's lock covers (messages) are locked
 * by the statement itself: there the server waits, and compares the version once more with the row
 * as it then is. */
#include "pg_private.h"

#include "core/history.h"
#include "core/policy.h"
#include "store/shape.h"

#include <assert.h>

const char *const pg_lock_sql =
    "INSERT INTO budget (number, bucket, version, keep_until_ms, send_streak, history)"
    " SELECT DISTINCT n, b, 0, 0, 0, ''::bytea"
    " FROM unnest($1::text[], $2::smallint[]) AS wanted (n, b) ORDER BY n"
    " ON CONFLICT (number, bucket) DO UPDATE SET version = budget.version WHERE false";

/* People are not part of what was measured. */
#define PG_NO_PEOPLE                                                                               \
	case CHANGE_USER:                                                                          \
	case CHANGE_KEY:                                                                           \
	case CHANGE_SESSION:                                                                       \
	case CHANGE_SYSTEM:                                                                        \
	case DELETE_USER:                                                                          \
	case GUARD_USER:

/* --- tables ---------------------------------------------------------------------------------- */

struct column {
	const char *name, *type;
};

struct table {
	const char *name;
	int keys;
	const struct column columns[27];
};

#define INT "bigint"
#define SMALL "smallint"

static const struct table tables[RECORD_KINDS] = {
    [CHANGE_VERIFICATION] = {"verification",
                             2,
                             {{"id", "uuid"},          {"bucket", SMALL},    {"version", INT},
                              {"purpose", SMALL},      {"state", SMALL},     {"tenant", "text"},
                              {"client", "text"},      {"\"user\"", "text"}, {"dialect", "text"},
                              {"number", "text"},      {"alphabet", "text"}, {"length", SMALL},
                              {"attempts", SMALL},     {"repeat", SMALL},    {"ttl_ms", INT},
                              {"key_id", "text"},      {"generation", INT},  {"tries", SMALL},
                              {"chosen_mac", "bytea"}, {"digest", "bytea"},  {"created_ms", INT},
                              {"expires_ms", INT},     {"finished_ms", INT}, {"address", "text"},
                              {"device", "text"},      {"slot", "text"}}},
    [CHANGE_BUDGET] = {"budget",
                       2,
                       {{"number", "text"},
                        {"bucket", SMALL},
                        {"version", INT},
                        {"keep_until_ms", INT},
                        {"send_streak", INT},
                        {"history", "bytea"}}},
    [CHANGE_FAILURES] = {"failures",
                         3,
                         {{"number", "text"},
                          {"tenant", "text"},
                          {"bucket", SMALL},
                          {"version", INT},
                          {"count", INT},
                          {"last_ms", INT}}},
    [CHANGE_MESSAGE] = {"message",
                        3,
                        {{"verification", "uuid"},
                         {"id", "uuid"},
                         {"bucket", SMALL},
                         {"version", INT},
                         {"generation", INT},
                         {"state", SMALL},
                         {"provider", "text"},
                         {"sender", "text"},
                         {"template", "text"},
                         {"provider_id", "text"},
                         {"attempts", INT},
                         {"created_ms", INT},
                         {"next_ms", INT},
                         {"expires_ms", INT}}},
    [CHANGE_EVENT] = {"event",
                      2,
                      {{"id", "uuid"},
                       {"bucket", SMALL},
                       {"at_ms", INT},
                       {"kind", "text"},
                       {"reason", "text"},
                       {"tenant", "text"},
                       {"dialect", "text"},
                       {"verification", "uuid"},
                       {"number_hash", "bytea"},
                       {"count", INT}}},
    [CHANGE_TENANT] = {"tenant",
                       1,
                       {{"id", "text"}, {"version", INT}, {"name", "text"}, {"settings", "text"}}},
    [CHANGE_CLIENT] = {"client",
                       1,
                       {{"name", "text"},
                        {"version", INT},
                        {"tenant", "text"},
                        {"secret_hash", "text"},
                        {"scopes", "integer"},
                        {"roles", "text"},
                        {"permissions", "text"},
                        {"disabled", "boolean"}}},
    [CHANGE_LINE] = {"line",
                     3,
                     {{"number", "text"},
                      {"tenant", "text"},
                      {"bucket", SMALL},
                      {"version", INT},
                      {"state", SMALL},
                      {"chosen_mac", "bytea"},
                      {"chosen_length", SMALL},
                      {"chosen_key_id", "text"}}},
};

static int columns_n(const struct table *table)
{
	int n = 0;
	while (table->columns[n].name)
		n++;
	return n;
}

/* --- shapes ---------------------------------------------------------------------------------- */

/* What is done to a row, and what must be so before. */
enum verb { INSERT = 'I', UPDATE = 'U', UPSERT = 'P', DELETE = 'D', ERASE = 'E', NOTHING = '-' };
enum rule {
	FREE = '-',      /* a fresh id, or whatever is stored */
	VERSION = 'v',   /* the stored version is the record's */
	LEAVES = 'l',    /* likewise; and it gives its slot up, before others take one */
	ABSENT = 'a',    /* there is no such row */
	TAKES = 't',     /* takes a slot, or does nothing: all else depends on it */
	TAKES_HARD = 'h' /* takes a slot or raises: something was done already */
};

struct part {
	enum change_kind kind;
	enum verb verb;
	enum rule rule;
	int param; /* how many stand before its own */
};

static bool holds_slot(const struct change *change)
{
	return change->kind == CHANGE_VERIFICATION &&
	       change->verification->state == VERIFICATION_LIVE && change->verification->slot.at;
}

static uint64_t change_version(const struct change *change)
{
	return shape_version(&shapes[change_record_kind(change->kind)], change->record);
}

static struct part part_of(const struct change *change)
{
	uint64_t version = change_version(change);
	bool any = version == VERSION_ANY;
	struct part part = {.kind = change->kind, .verb = NOTHING, .rule = any ? FREE : VERSION};
	/* A budget is always there once its number is locked. */
	if (version == 0 && change_record_kind(change->kind) != CHANGE_BUDGET)
		part.rule = ABSENT;
	if (change_is_guard(change->kind))
		return part;
	if (change->kind == CHANGE_FAILURES && change->failures->count == 0) {
		part.verb = any ? ERASE : version ? DELETE : NOTHING;
		return part;
	}
	part.verb = any ? UPSERT : part.rule == VERSION ? UPDATE : INSERT;
	if (part.verb == INSERT && (part.kind == CHANGE_VERIFICATION ||
	                            part.kind == CHANGE_MESSAGE || part.kind == CHANGE_EVENT))
		part.rule = holds_slot(change) ? TAKES : FREE;
	if (part.verb == UPDATE && part.kind == CHANGE_VERIFICATION && !holds_slot(change))
		part.rule = LEAVES;
	return part;
}

void pg_shape_of(const struct store_commit *commit, struct pg_shape *ret)
{
	assert(commit->changes_n <= PG_CHANGES_MAX);
	int takes = 0, leaves = 0;
	char *at = ret->text;
	for (size_t i = 0; i < commit->changes_n; i++) {
		struct part part = part_of(&commit->changes[i]);
		takes += part.rule == TAKES;
		leaves += part.rule == LEAVES;
		*at++ = (char)('A' + part.kind);
		*at++ = (char)part.verb;
		*at++ = (char)part.rule;
	}
	*at = '\0';
	for (at = ret->text; *at && (takes > 1 || leaves > 0); at += 3)
		if (at[2] == TAKES)
			at[2] = TAKES_HARD;
}

/* Guards and deletes name a row by its key, and its version if that is compared; all else has the
 * whole row. */
static int part_params(const struct part *part)
{
	const struct table *table = &tables[change_record_kind(part->kind)];
	bool whole = part->verb == INSERT || part->verb == UPDATE || part->verb == UPSERT;
	return whole ? columns_n(table) : table->keys + (part->rule == VERSION);
}

static int parts_of(const struct pg_shape *shape, struct part ret[PG_CHANGES_MAX])
{
	int n = 0, param = 0;
	for (const char *at = shape->text; *at; at += 3, n++) {
		ret[n] = (struct part){(enum change_kind)(at[0] - 'A'), (enum verb)at[1],
		                       (enum rule)at[2], param};
		param += part_params(&ret[n]);
	}
	return n;
}

/* --- SQL ------------------------------------------------------------------------------------- */

static const struct table *table_of(const struct part *part)
{
	return &tables[change_record_kind(part->kind)];
}

static void sql_param(const struct part *part, int column, struct buf *ret)
{
	buf_printf(ret, "$%d::%s", part->param + column + 1, table_of(part)->columns[column].type);
}

static void sql_key(const struct part *part, struct buf *ret)
{
	const struct table *table = table_of(part);
	for (int i = 0; i < table->keys; i++) {
		buf_printf(ret, "%s%s.%s = ", i ? " AND " : "", table->name,
		           table->columns[i].name);
		sql_param(part, i, ret);
	}
}

static void sql_version(const struct part *part, struct buf *ret)
{
	buf_printf(ret, " AND %s.version = ", table_of(part)->name);
	sql_param(part, table_of(part)->keys, ret);
	buf_add_text(ret, " - 1");
}

/* Whether the row is not covered by a number's lock, and so locked by the statement. */
static bool is_held(const struct part *part)
{
	switch (change_record_kind(part->kind)) {
	case CHANGE_MESSAGE:
	case CHANGE_TENANT:
	case CHANGE_CLIENT:
		return part->rule == VERSION;
	case CHANGE_VERIFICATION:
	case CHANGE_BUDGET:
	case CHANGE_FAILURES:
	case CHANGE_LINE:
	case CHANGE_EVENT:
	case GUARD_VERIFICATION:
	case GUARD_BUDGET:
	case GUARD_FAILURES:
	case GUARD_LINE:
		PG_NO_PEOPLE
		return false;
	}
	return false;
}

static void sql_rules(const struct part *parts, int n, struct buf *ret)
{
	for (int i = 0; i < n; i++) {
		if (!is_held(&parts[i]))
			continue;
		buf_printf(ret, "h%d AS (SELECT 1 FROM %s WHERE ", i, table_of(&parts[i])->name);
		sql_key(&parts[i], ret);
		sql_version(&parts[i], ret);
		buf_add_text(ret, " FOR UPDATE), ");
	}
	buf_add_text(ret, "ok AS MATERIALIZED (SELECT true");
	for (int i = 0; i < n; i++) {
		const struct part *part = &parts[i];
		if (part->rule != VERSION && part->rule != LEAVES && part->rule != ABSENT)
			continue;
		if (is_held(part)) {
			buf_printf(ret, " AND EXISTS (SELECT 1 FROM h%d)", i);
			continue;
		}
		buf_printf(ret, " AND %s (SELECT 1 FROM %s WHERE ",
		           part->rule == ABSENT ? "NOT EXISTS" : "EXISTS", table_of(part)->name);
		sql_key(part, ret);
		if (part->rule != ABSENT)
			sql_version(part, ret);
		buf_add_char(ret, ')');
	}
	buf_add_text(ret, " AS ok)");
}

static void sql_columns(const struct part *part, bool params, struct buf *ret)
{
	for (int i = 0; i < columns_n(table_of(part)); i++) {
		buf_add_text(ret, i ? ", " : "");
		if (params)
			sql_param(part, i, ret);
		else
			buf_add_text(ret, table_of(part)->columns[i].name);
	}
}

static void sql_insert(const struct part *part, const char *when, struct buf *ret)
{
	const struct table *table = table_of(part);
	buf_printf(ret, "INSERT INTO %s (", table->name);
	sql_columns(part, false, ret);
	buf_add_text(ret, ") SELECT ");
	sql_columns(part, true, ret);
	buf_printf(ret, " FROM %s", when);
	if (part->rule == TAKES)
		buf_add_text(ret, " ON CONFLICT (slot, tenant, purpose)"
		                  " WHERE state = 1 AND slot IS NOT NULL DO NOTHING RETURNING 1");
	if (part->verb != UPSERT)
		return;
	buf_add_text(ret, " ON CONFLICT (");
	for (int i = 0; i < table->keys; i++)
		buf_printf(ret, "%s%s", i ? ", " : "", table->columns[i].name);
	buf_printf(ret, ") DO UPDATE SET version = %s.version + 1", table->name);
	for (int i = table->keys + 1; table->columns[i].name; i++)
		buf_printf(ret, ", %s = excluded.%s", table->columns[i].name,
		           table->columns[i].name);
}

static void sql_change(const struct part *part, const char *when, struct buf *ret)
{
	const struct table *table = table_of(part);
	switch (part->verb) {
	case INSERT:
	case UPSERT:
		sql_insert(part, when, ret);
		return;
	case UPDATE:
		buf_printf(ret, "UPDATE %s SET ", table->name);
		for (int i = table->keys; table->columns[i].name; i++) {
			buf_printf(ret, "%s%s = ", i > table->keys ? ", " : "",
			           table->columns[i].name);
			sql_param(part, i, ret);
		}
		buf_printf(ret, " FROM %s AND ", when);
		sql_key(part, ret);
		buf_add_text(ret, part->rule == LEAVES ? " RETURNING 1" : "");
		return;
	case DELETE:
	case ERASE:
		buf_printf(ret, "DELETE FROM %s USING %s AND ", table->name, when);
		sql_key(part, ret);
		return;
	case NOTHING:
		return;
	}
}

/* `wanted`: the rules of the changes to write now, as letters. */
static void sql_changes(const struct part *parts, int n, const char *wanted, const char *when,
                        struct buf *ret)
{
	for (int i = 0; i < n; i++) {
		if (parts[i].verb == NOTHING || !strchr(wanted, parts[i].rule))
			continue;
		buf_printf(ret, ", c%d AS (", i);
		sql_change(&parts[i], when, ret);
		buf_add_char(ret, ')');
	}
}

void pg_shape_sql(const struct pg_shape *shape, struct buf *ret)
{
	struct part parts[PG_CHANGES_MAX] = {0};
	int n = parts_of(shape, parts);
	buf_add_text(ret, "WITH ");
	sql_rules(parts, n, ret);
	const char *go = "ok";
	/* Slots are given up first; then taken. */
	char when[256];
	int len = snprintf(when, sizeof(when), "ok WHERE ok.ok");
	sql_changes(parts, n, "l", when, ret);
	for (int i = 0; i < n; i++)
		if (parts[i].rule == LEAVES)
			len += snprintf(when + len, sizeof(when) - (size_t)len,
			                " AND (SELECT count(*) FROM c%d) = 1", i);
	sql_changes(parts, n, "th", when, ret);
	for (int i = 0; i < n; i++)
		if (parts[i].rule == TAKES) {
			buf_printf(ret, ", go AS MATERIALIZED (SELECT count(*) = 1 AS ok FROM c%d)",
			           i);
			go = "go";
		}
	snprintf(when, sizeof(when), "%s WHERE %s.ok", go, go);
	sql_changes(parts, n, "-va", when, ret);
	for (int i = 0; i < n; i++)
		if (parts[i].kind == CHANGE_TENANT || parts[i].kind == CHANGE_CLIENT ||
		    parts[i].kind == CHANGE_LINE) {
			buf_printf(ret,
			           ", g AS (UPDATE meta SET generation = generation + 1 FROM %s)",
			           when);
			break;
		}
	buf_printf(ret, " SELECT ok FROM %s", go);
}

/* --- parameters ------------------------------------------------------------------------------ */

static void param_add(struct pg_params *params, const void *value, size_t len, int format)
{
	assert(params->n < PG_PARAMS_MAX);
	params->values[params->n] = value;
	params->lengths[params->n] = (int)len;
	params->formats[params->n++] = format;
}

static void param_integer(struct pg_params *params, int64_t value)
{
	struct bytes text = arena_printf(params->arena, "%lld", (long long)value);
	param_add(params, text.at, 0, 0);
}

static void param_text(struct pg_params *params, struct bytes text)
{
	param_add(params, text.at ? arena_copy(params->arena, text).at : NULL, 0, 0);
}

static void param_text_given(struct pg_params *params, struct bytes text)
{
	param_text(params, text.at ? text : BYTES(""));
}

static void param_octets(struct pg_params *params, bool given, const void *at, size_t len)
{
	param_add(params, given ? at : NULL, len, 1);
}

void pg_param_id(struct pg_params *params, const struct id *id)
{
	param_octets(params, !id_is_zero(id), id->octets, ID_LEN);
}

static void param_number_key(struct pg_params *params, const struct number *number,
                             struct bytes tenant)
{
	param_text(params, number_bytes(number));
	param_text_given(params, tenant);
	param_integer(params, number_bucket(number));
}

static void params_key(struct pg_params *params, enum change_kind kind, const struct change *change)
{
	switch (kind) {
	case CHANGE_VERIFICATION:
		pg_param_id(params, &change->verification->id);
		param_integer(params, id_bucket(&change->verification->id));
		return;
	case CHANGE_BUDGET:
		param_text(params, number_bytes(&change->budget->number));
		param_integer(params, number_bucket(&change->budget->number));
		return;
	case CHANGE_FAILURES:
		param_number_key(params, &change->failures->number, change->failures->tenant);
		return;
	case CHANGE_MESSAGE:
		pg_param_id(params, &change->message->verification);
		pg_param_id(params, &change->message->id);
		param_integer(params, id_bucket(&change->message->verification));
		return;
	case CHANGE_EVENT:
		pg_param_id(params, &change->event->id);
		param_integer(params, id_bucket(&change->event->id));
		return;
	case CHANGE_TENANT:
		param_text_given(params, change->tenant->id);
		return;
	case CHANGE_CLIENT:
		param_text_given(params, change->client->name);
		return;
	case CHANGE_LINE:
		param_number_key(params, &change->line->number, change->line->tenant);
		return;
	case GUARD_VERIFICATION:
	case GUARD_BUDGET:
	case GUARD_FAILURES:
	case GUARD_LINE:
		PG_NO_PEOPLE
		assert(false && "a kind of record");
	}
}

static void params_verification(struct pg_params *params, const struct verification *v)
{
	param_integer(params, v->purpose);
	param_integer(params, v->state);
	param_text_given(params, v->tenant);
	param_text(params, v->client);
	param_text(params, v->user);
	param_text(params, v->dialect);
	param_text(params, number_bytes(&v->number));
	param_text(params, alphabet_text(v->policy.alphabet));
	param_integer(params, v->policy.length);
	param_integer(params, v->policy.attempts);
	param_integer(params, v->policy.repeat);
	param_integer(params, v->policy.ttl_ms);
	param_text(params, v->key_id);
	param_integer(params, v->generation);
	param_integer(params, v->tries);
	param_octets(params, v->chosen, v->chosen_mac, SHA256_LEN);
	param_octets(params, v->bound, v->digest, SHA256_LEN);
	param_integer(params, v->created_ms);
	param_integer(params, v->expires_ms);
	if (v->finished_ms)
		param_integer(params, v->finished_ms);
	else
		param_text(params, BYTES_NONE);
	param_text(params, v->address);
	param_text(params, v->device);
	param_text(params, v->slot);
}

static void params_budget(struct pg_params *params, const struct budget *budget)
{
	uint8_t *packed = arena_take(params->arena, 2 * HISTORY_PACKED_MAX);
	size_t len = history_pack(&budget->sends, packed, HISTORY_PACKED_MAX);
	len += history_pack(&budget->guesses, packed + len, HISTORY_PACKED_MAX);
	param_integer(params, budget->keep_until_ms);
	param_integer(params, budget->send_streak);
	param_octets(params, true, packed, len);
}

static void params_message(struct pg_params *params, const struct message *message)
{
	param_integer(params, message->generation);
	param_integer(params, message->state);
	param_text(params, message->provider);
	param_text(params, message->sender);
	param_text(params, message->template);
	param_text(params, message->provider_id);
	param_integer(params, message->attempts);
	param_integer(params, message->created_ms);
	param_integer(params, message->next_ms);
	param_integer(params, message->expires_ms);
}

static void params_event(struct pg_params *params, const struct event *event)
{
	param_integer(params, event->at_ms);
	param_text(params, event->kind);
	param_text(params, event->reason);
	param_text(params, event->tenant);
	param_text(params, event->dialect);
	pg_param_id(params, &event->verification);
	param_octets(params, true, event->number_hash, sizeof(event->number_hash));
	param_integer(params, event->count);
}

static void params_client(struct pg_params *params, const struct client *client)
{
	param_text(params, client->tenant);
	param_text(params, client->secret_hash);
	param_integer(params, client->scopes);
	param_text(params, client->roles);
	param_text(params, client->permissions);
	param_text(params, client->disabled ? BYTES("t") : BYTES("f"));
}

static void params_line(struct pg_params *params, const struct line *line)
{
	param_integer(params, line->state);
	param_octets(params, line->chosen, line->chosen_mac, SHA256_LEN);
	param_integer(params, line->chosen_length);
	param_text(params, line->chosen_key_id);
}

static void params_rest(struct pg_params *params, enum change_kind kind,
                        const struct change *change)
{
	switch (kind) {
	case CHANGE_VERIFICATION:
		params_verification(params, change->verification);
		return;
	case CHANGE_BUDGET:
		params_budget(params, change->budget);
		return;
	case CHANGE_FAILURES:
		param_integer(params, change->failures->count);
		param_integer(params, change->failures->last_ms);
		return;
	case CHANGE_MESSAGE:
		params_message(params, change->message);
		return;
	case CHANGE_EVENT:
		params_event(params, change->event);
		return;
	case CHANGE_TENANT:
		param_text(params, change->tenant->name);
		param_text(params, change->tenant->settings);
		return;
	case CHANGE_CLIENT:
		params_client(params, change->client);
		return;
	case CHANGE_LINE:
		params_line(params, change->line);
		return;
	case GUARD_VERIFICATION:
	case GUARD_BUDGET:
	case GUARD_FAILURES:
	case GUARD_LINE:
		PG_NO_PEOPLE
		assert(false && "a kind of record");
	}
}

void pg_params_fill(struct pg_params *params, const struct store_commit *commit)
{
	params->n = 0;
	for (size_t i = 0; i < commit->changes_n; i++) {
		const struct change *change = &commit->changes[i];
		struct part part = part_of(change);
		enum change_kind kind = change_record_kind(change->kind);
		int from = params->n;
		params_key(params, kind, change);
		uint64_t version = change_version(change);
		if (kind != CHANGE_EVENT && part_params(&part) > tables[kind].keys)
			param_integer(params, version == VERSION_ANY ? 1 : (int64_t)version + 1);
		if (part_params(&part) > tables[kind].keys + 1)
			params_rest(params, kind, change);
		assert(params->n - from == part_params(&part));
	}
}

const struct number *pg_change_number(const struct change *change)
{
	switch (change_record_kind(change->kind)) {
	case CHANGE_VERIFICATION:
		return &change->verification->number;
	case CHANGE_BUDGET:
		return &change->budget->number;
	case CHANGE_FAILURES:
		return &change->failures->number;
	case CHANGE_LINE:
		return &change->line->number;
	case CHANGE_MESSAGE:
	case CHANGE_EVENT:
	case CHANGE_TENANT:
	case CHANGE_CLIENT:
	case GUARD_VERIFICATION:
	case GUARD_BUDGET:
	case GUARD_FAILURES:
	case GUARD_LINE:
		PG_NO_PEOPLE
		break;
	}
	return NULL;
}
