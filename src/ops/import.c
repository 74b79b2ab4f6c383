/* SPDX-License-Identifier: Apache-2.0 */
/* Three passes: read every line (mistakes are collected), look up what is there already and lay the
 * new members over it, hash what is secret; then one commit. */
#include "ops/import.h"

#include "base/list.h"
#include "base/password.h"
#include "ops/import_private.h"
#include "ops/log.h"

#include <stdarg.h>
#include <stdlib.h>

#define MISTAKE_MAX 1024 /* octets of one; the rest is cut */

/* ---- mistakes -------------------------------------------------------------------------------- */

/* Names in a mistake are somebody's words: they may neither steer a terminal nor begin a line. */
static void tell_harmless(FILE *to, struct bytes text)
{
	while (text.len) {
		size_t dangerous = log_dangerous_len(text);
		for (size_t i = 0; i < dangerous; i++)
			(void)fprintf(to, "\\x%02x", (unsigned char)text.at[i]);
		if (!dangerous)
			(void)fputc(text.at[0], to);
		text = bytes_from(text, dangerous ? dangerous : 1);
	}
	(void)fputc('\n', to);
}

void import_mistake(struct import *import, const char *format, ...)
{
	char text[MISTAKE_MAX];
	va_list args;
	if (++import->mistakes_n > IMPORT_MISTAKES_MAX)
		return;
	(void)fprintf(import->mistakes, "%s:%zu: ", import->name, import->line);
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	tell_harmless(import->mistakes, bytes_from_text(text));
}

static enum import_result fail(struct import *import, const char *what, enum err err)
{
	(void)fprintf(import->mistakes, "%s: %s: %s%s\n", import->name, what, err_text(err),
	              err == ERR_UNKNOWN ? "; import it once more" : "; nothing was stored");
	return IMPORT_FAILED;
}

/* ---- asking the store ------------------------------------------------------------------------ */

struct waiting_load {
	struct store_load load;
	bool done;
};

static void on_loaded(struct store_load *load)
{
	CONTAINER_OF(load, struct waiting_load, load)->done = true;
}

enum err import_load(struct import *import, struct store_load *load)
{
	struct waiting_load waiting = {.load = *load};
	waiting.load.arena = &import->arena;
	waiting.load.on_done = on_loaded;
	store_load(import->options->store, &waiting.load);
	import->options->run_until(import->options->context, &waiting.done);
	*load = waiting.load;
	return load->err;
}

struct waiting_commit {
	struct store_commit commit;
	bool done;
};

static void on_committed(struct store_commit *commit)
{
	CONTAINER_OF(commit, struct waiting_commit, commit)->done = true;
}

static enum err commit(struct import *import, const struct change *changes, size_t n)
{
	struct waiting_commit waiting = {
	    .commit = {.changes = changes, .changes_n = n, .on_done = on_committed},
	};
	store_commit(import->options->store, &waiting.commit);
	import->options->run_until(import->options->context, &waiting.done);
	return waiting.commit.err;
}

/* ---- lines ----------------------------------------------------------------------------------- */

/* Grows the list of records; NULL: no memory. */
struct import_record *import_record_add(struct import *import)
{
	if (import->records_n == import->records_cap) {
		size_t cap = import->records_cap ? import->records_cap * 2 : 64;
		struct import_record *grown = reallocarray(import->records, cap, sizeof(*grown));
		if (!grown)
			return NULL;
		import->records = grown;
		import->records_cap = cap;
	}
	struct import_record *record = &import->records[import->records_n++];
	*record = (struct import_record){.line = import->line};
	return record;
}

/* Reads one line without its end. OK with *ret_more false: the input has ended. */
static enum err line_read(struct import *import, FILE *input, struct buf *line, bool *ret_more)
{
	bool too_long = false;
	int c;
	buf_clear(line);
	while ((c = getc_unlocked(input)) != EOF && c != '\n') {
		if (line->len < IMPORT_LINE_MAX)
			buf_add_char(line, (char)c);
		else
			too_long = true;
	}
	*ret_more = c != EOF || line->len > 0;
	if (*ret_more)
		import->line++;
	if (too_long)
		import_mistake(import, "the line is longer than %zu octets", IMPORT_LINE_MAX);
	if (line->failed)
		return ERR_NO_MEMORY;
	if (too_long)
		buf_clear(line);
	return ferror(input) ? ERR_IO : OK;
}

static enum import_result lines_read(struct import *import, FILE *input)
{
	struct buf line;
	enum err err;
	bool more;
	buf_init(&line, 0);
	while ((err = line_read(import, input, &line, &more)) == OK && more) {
		struct bytes text = bytes_trim(buf_bytes(&line));
		if (text.len && text.at[text.len - 1] == '\r')
			text.len--;
		if (!text.len)
			continue;
		err = import_line(import, arena_copy(&import->arena, text));
		if (err)
			break;
	}
	buf_done(&line);
	return err ? fail(import, "reading", err) : IMPORT_DONE;
}

/* ---- merging --------------------------------------------------------------------------------- */

/* Replaces what was given, keeps the rest. */
static void keep_unless_given(struct bytes *field, struct bytes old)
{
	if (!field->at)
		*field = old;
}

static enum err tenant_merge(struct import *import, struct import_record *record)
{
	struct store_load load = {.want = WANT_TENANT, .tenant = record->tenant.id};
	enum err err = import_load(import, &load);
	if (err)
		return err;
	if (load.tenant_record) {
		record->exists = true;
		keep_unless_given(&record->tenant.name, load.tenant_record->name);
		keep_unless_given(&record->tenant.settings, load.tenant_record->settings);
	}
	record->tenant.version = VERSION_ANY;
	return OK;
}

static bool tenant_is_known(struct import *import, struct bytes id, enum err *ret_err)
{
	struct bytes key = arena_printf(&import->arena, "tenant %.*s", (int)id.len, id.at);
	*ret_err = key.at ? OK : ERR_NO_MEMORY;
	if (*ret_err || map_get(&import->identities, key))
		return true;
	struct store_load load = {.want = WANT_TENANT, .tenant = id};
	*ret_err = import_load(import, &load);
	return *ret_err || load.tenant_record;
}

static enum err reference_check(struct import *import, struct bytes tenant)
{
	enum err err;
	if (!tenant_is_known(import, tenant, &err) && err == OK)
		import_mistake(import, "tenant \"%.*s\" is not known; import it first, or before",
		               (int)tenant.len, tenant.at);
	return err;
}

static enum err client_merge(struct import *import, struct import_record *record)
{
	struct client *client = &record->client;
	struct store_load load = {.want = WANT_CLIENT, .client_name = client->name};
	enum err err = import_load(import, &load);
	if (err)
		return err;
	const struct client *old = load.client;
	if (old) {
		record->exists = true;
		keep_unless_given(&client->tenant, old->tenant);
		keep_unless_given(&client->secret_hash, old->secret_hash);
		keep_unless_given(&client->roles, old->roles);
		keep_unless_given(&client->permissions, old->permissions);
		if (!record->scopes_given)
			client->scopes = old->scopes;
		if (!record->disabled_given)
			client->disabled = old->disabled;
	}
	client->version = VERSION_ANY;
	if (!client->tenant.at) {
		import_mistake(import, "a new client needs a tenant");
		return OK;
	}
	return reference_check(import, client->tenant);
}

static enum err line_merge(struct import *import, struct import_record *record)
{
	struct store_load load = {
	    .want = WANT_NUMBER,
	    .tenant = record->number.tenant,
	    .number = record->number.number,
	};
	enum err err = import_load(import, &load);
	if (err)
		return err;
	struct line *line = &record->number;
	const struct line *old = load.line;
	if (old) {
		record->exists = true;
		if (!record->state_given)
			line->state = old->state;
		if (!record->code.at) {
			line->chosen = old->chosen;
			line->chosen_length = old->chosen_length;
			line->chosen_key_id = old->chosen_key_id;
			memcpy(line->chosen_mac, old->chosen_mac, SHA256_LEN);
		}
	}
	line->version = VERSION_ANY;
	return reference_check(import, line->tenant);
}

static enum err merge(struct import *import, struct import_record *record)
{
	import->line = record->line;
	switch (record->type) {
	case IMPORT_TENANT:
		return tenant_merge(import, record);
	case IMPORT_CLIENT:
		return client_merge(import, record);
	case IMPORT_NUMBER:
		return line_merge(import, record);
	}
	return ERR_UNSUPPORTED;
}

/* ---- secrets --------------------------------------------------------------------------------- */

static enum err client_hash(struct import *import, struct import_record *record)
{
	char hash[PASSWORD_HASH_MAX];
	if (!record->secret.at)
		return OK;
	if (password_is_hash(record->secret)) {
		record->client.secret_hash = record->secret;
		return OK;
	}
	enum err err = password_hash(record->secret, hash);
	if (err)
		return err;
	record->client.secret_hash = arena_copy(&import->arena, bytes_from_text(hash));
	return record->client.secret_hash.at ? OK : ERR_NO_MEMORY;
}

static enum err code_hash(struct import *import, struct import_record *record)
{
	struct line *line = &record->number;
	struct keyring *keyring = import->options->keyring;
	if (!record->code.at)
		return OK;
	line->chosen = true;
	line->chosen_length = (uint8_t)record->code.len;
	line->chosen_key_id = keyring_writing_id(keyring);
	return code_mac_chosen(keyring, line->chosen_key_id, line->tenant, &line->number,
	                       record->code, line->chosen_mac);
}

static enum err secrets_hash(struct import *import)
{
	enum err err = OK;
	for (size_t i = 0; i < import->records_n && err == OK; i++) {
		struct import_record *record = &import->records[i];
		if (import->options->only_absent && record->exists)
			continue;
		if (record->type == IMPORT_CLIENT)
			err = client_hash(import, record);
		else if (record->type == IMPORT_NUMBER)
			err = code_hash(import, record);
	}
	return err;
}

/* ---- the commit ------------------------------------------------------------------------------ */

static size_t changes_make(struct import_record *record, struct change *changes)
{
	size_t n = 0;
	switch (record->type) {
	case IMPORT_TENANT:
		changes[n++] = (struct change){CHANGE_TENANT, .tenant = &record->tenant};
		break;
	case IMPORT_CLIENT:
		changes[n++] = (struct change){CHANGE_CLIENT, .client = &record->client};
		break;
	case IMPORT_NUMBER:
		changes[n++] = (struct change){CHANGE_LINE, .line = &record->number};
		if (record->failures_reset) {
			record->failures = (struct failures){
			    .tenant = record->number.tenant,
			    .number = record->number.number,
			    .version = VERSION_ANY,
			};
			changes[n++] =
			    (struct change){CHANGE_FAILURES, .failures = &record->failures};
		}
		break;
	}
	return n;
}

static enum import_result store_all(struct import *import, size_t *ret_n)
{
	/* A number may bring two changes. */
	struct change *changes = reallocarray(NULL, import->records_n * 2 + 1, sizeof(*changes));
	size_t n = 0;
	if (!changes)
		return fail(import, "storing", ERR_NO_MEMORY);
	*ret_n = 0;
	for (size_t i = 0; i < import->records_n; i++) {
		if (import->options->only_absent && import->records[i].exists)
			continue;
		n += changes_make(&import->records[i], changes + n);
		++*ret_n;
	}
	enum err err = n ? commit(import, changes, n) : OK;
	free(changes);
	return err ? fail(import, "storing", err) : IMPORT_DONE;
}

static enum import_result all(struct import *import, FILE *input, size_t *ret_n)
{
	enum import_result result = lines_read(import, input);
	if (result != IMPORT_DONE)
		return result;
	for (size_t i = 0; i < import->records_n; i++) {
		enum err err = merge(import, &import->records[i]);
		if (err)
			return fail(import, "looking up", err);
	}
	if (import->mistakes_n > IMPORT_MISTAKES_MAX)
		(void)fprintf(import->mistakes, "%s: and %zu more mistakes\n", import->name,
		              import->mistakes_n - IMPORT_MISTAKES_MAX);
	if (import->mistakes_n)
		return IMPORT_MISTAKES;
	enum err err = secrets_hash(import);
	return err ? fail(import, "hashing secrets", err) : store_all(import, ret_n);
}

enum import_result import_run(const struct import_options *options, FILE *input, const char *name,
                              FILE *mistakes, size_t *ret_n)
{
	struct import import = {.options = options, .name = name, .mistakes = mistakes};
	arena_init(&import.arena);
	enum err err = map_init(&import.identities);
	enum import_result result =
	    err ? fail(&import, "starting", err) : all(&import, input, ret_n);
	map_done(&import.identities);
	free(import.records);
	arena_done(&import.arena);
	return result;
}
