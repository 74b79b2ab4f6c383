/* SPDX-License-Identifier: Apache-2.0 */
/* Passes: read every line, lay what was read over what is there, hash what is secret; then one
 * commit. Mistakes of all passes are told together, in the order of lines. What somebody else
 * changed between the second pass and the commit is seen by the commit: then the merge is made
 * anew.
 */
#include "ops/import.h"

#include "base/list.h"
#include "ops/import_private.h"
#include "ops/log.h"

#include <stdarg.h>
#include <stdlib.h>

#define MISTAKE_MAX 1024 /* octets of one; the rest is cut */
#define MERGES_MAX 8     /* while others change the same users */

/* ---- mistakes -------------------------------------------------------------------------------- */

void import_mistake(struct import *import, const char *format, ...)
{
	char text[MISTAKE_MAX];
	va_list args;
	if (import->mistakes_n++ >= IMPORT_MISTAKES_MAX)
		return;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	struct import_mistake *mistake = &import->mistakes[import->mistakes_n - 1];
	*mistake = (struct import_mistake){import->line, strdup(text)};
	import->out_of_memory |= !mistake->text;
}

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

void import_warning(struct import *import, const char *format, ...)
{
	char text[MISTAKE_MAX];
	va_list args;
	if (import->warnings_n++ >= IMPORT_MISTAKES_MAX)
		return;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	(void)fprintf(import->told, "%s:%zu: warning: ", import->name, import->line);
	tell_harmless(import->told, bytes_from_text(text));
}

static size_t mistakes_kept(const struct import *import)
{
	return import->mistakes_n < IMPORT_MISTAKES_MAX ? import->mistakes_n : IMPORT_MISTAKES_MAX;
}

/* By line; those of one line as they were found. */
static void mistakes_tell(struct import *import)
{
	size_t n = mistakes_kept(import);
	for (size_t i = 1; i < n; i++) {
		struct import_mistake mistake = import->mistakes[i];
		size_t at = i;
		for (; at > 0 && import->mistakes[at - 1].line > mistake.line; at--)
			import->mistakes[at] = import->mistakes[at - 1];
		import->mistakes[at] = mistake;
	}
	for (size_t i = 0; i < n; i++) {
		const struct import_mistake *mistake = &import->mistakes[i];
		(void)fprintf(import->told, "%s:%zu: ", import->name, mistake->line);
		tell_harmless(import->told,
		              bytes_from_text(mistake->text ? mistake->text : "out of memory"));
	}
	if (import->mistakes_n > n)
		(void)fprintf(import->told, "%s: and %zu more mistakes\n", import->name,
		              import->mistakes_n - n);
}

static enum import_result fail(struct import *import, const char *what, enum err err)
{
	(void)fprintf(import->told, "%s: %s: %s%s\n", import->name, what, err_text(err),
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
	waiting.load.arena = &import->merged;
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

static enum err merge_all(struct import *import)
{
	map_clear(&import->names);
	map_clear(&import->tenants);
	arena_reset(&import->merged);
	/* What refers comes after what it refers to, wherever it stands. */
	for (int type = 0; type < RECORD_TYPES; type++)
		for (size_t i = 0; i < import->records_n; i++) {
			struct import_record *record = &import->records[i];
			if ((int)record->type != type)
				continue;
			import->line = record->line;
			enum err err = import_merge(import, record);
			if (err)
				return err;
		}
	return OK;
}

/* ---- the commit ------------------------------------------------------------------------------ */

/* A user may bring his two codes and an event. */
#define CHANGES_A_RECORD 4

static size_t person_changes(const struct import_person *person, struct change *changes)
{
	size_t n = 0;
	for (int i = 0; i < 2; i++)
		if (person->cancelled[i])
			changes[n++] = (struct change){CHANGE_VERIFICATION,
			                               .verification = person->cancelled[i]};
	changes[n++] = (struct change){CHANGE_USER, .user = &person->user};
	changes[n++] = (struct change){CHANGE_EVENT, .event = person->event};
	return n;
}

static size_t number_changes(struct import_record *record, struct change *changes)
{
	size_t n = 0;
	changes[n++] = (struct change){CHANGE_LINE, .line = &record->number};
	if (record->given >> ROW_LINE_FAILURES & 1)
		changes[n++] = (struct change){CHANGE_FAILURES, .failures = &record->failures};
	return n;
}

static size_t changes_make(struct import_record *record, struct change *changes)
{
	switch (record->type) {
	case RECORD_TENANT:
	case RECORD_CLIENT:
	case RECORD_KEY:
	case RECORD_SYSTEM:
		*changes =
		    (struct change){record_kinds[record->type].change, .record = &record->tenant};
		return 1;
	case RECORD_USER:
		return person_changes(record->person, changes);
	case RECORD_NUMBER:
		return number_changes(record, changes);
	case RECORD_TYPES:
		break;
	}
	return 0;
}

static enum err store_all(struct import *import, size_t *ret_n)
{
	struct change *changes =
	    reallocarray(NULL, import->records_n * CHANGES_A_RECORD + 1, sizeof(*changes));
	size_t n = 0;
	if (!changes)
		return ERR_NO_MEMORY;
	*ret_n = 0;
	for (size_t i = 0; i < import->records_n; i++) {
		if (import->options->only_absent && import->records[i].exists)
			continue;
		n += changes_make(&import->records[i], changes + n);
		++*ret_n;
	}
	enum err err = n ? commit(import, changes, n) : OK;
	free(changes);
	return err;
}

/* One merge and its commit; ERR_CONFLICT, without a word: somebody was faster. */
static enum import_result merge_and_store(struct import *import, size_t *ret_n, enum err *ret_err)
{
	enum err err = merge_all(import);
	*ret_err = OK;
	if (err)
		return fail(import, "looking up", err);
	if (import->mistakes_n)
		return IMPORT_MISTAKES;
	if ((err = import_secrets(import)))
		return fail(import, "hashing secrets", err);
	*ret_err = store_all(import, ret_n);
	return *ret_err == OK || *ret_err == ERR_CONFLICT ? IMPORT_DONE
	                                                  : fail(import, "storing", *ret_err);
}

static enum import_result all(struct import *import, FILE *input, size_t *ret_n)
{
	enum err err = ERR_CONFLICT;
	enum import_result result = lines_read(import, input);
	for (int i = 0; result == IMPORT_DONE && err == ERR_CONFLICT; i++) {
		if (i == MERGES_MAX)
			return fail(import, "storing", err);
		result = merge_and_store(import, ret_n, &err);
	}
	if (result == IMPORT_MISTAKES)
		mistakes_tell(import);
	return result;
}

static enum err maps_init(struct import *import)
{
	enum err err = map_init(&import->identities);
	if (!err)
		err = map_init(&import->names);
	return err ? err : map_init(&import->tenants);
}

enum import_result import_run(const struct import_options *options, FILE *input, const char *name,
                              FILE *mistakes, size_t *ret_n)
{
	struct import *import = calloc(1, sizeof(*import));
	if (!import) {
		(void)fprintf(mistakes, "%s: %s; nothing was stored\n", name,
		              err_text(ERR_NO_MEMORY));
		return IMPORT_FAILED;
	}
	import->options = options;
	import->name = name;
	import->told = mistakes;
	rng_system_init(&import->rng);
	arena_init(&import->arena);
	arena_init(&import->merged);
	import->step = malloc(sizeof(*import->step));
	enum err err = import->step ? maps_init(import) : ERR_NO_MEMORY;
	enum import_result result = err ? fail(import, "starting", err) : all(import, input, ret_n);
	map_done(&import->identities);
	map_done(&import->names);
	map_done(&import->tenants);
	for (size_t i = 0; i < mistakes_kept(import); i++)
		free(import->mistakes[i].text);
	free(import->records);
	free(import->step);
	arena_done(&import->merged);
	arena_done(&import->arena);
	free(import);
	return result;
}
