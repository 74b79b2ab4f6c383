/* SPDX-License-Identifier: Apache-2.0 */
#include "tool_command.h"

#include "base/list.h"
#include "io/clock.h"
#include "ops/audit.h"
#include "ops/export.h"
#include "ops/import.h"
#include "store/sqlite.h"
#include "tool.h"
#include "wire/e164.h"

#include <errno.h>
#include <inttypes.h>

static int failed(const char *command, const char *what)
{
	(void)fprintf(stderr, "verifyd %s: %s\n", command, what);
	return EXIT_FAILED;
}

/* Why the store failed, when it did. */
static void store_fault_tell(const char *command, const struct tool_store *tool)
{
	struct problem problem;
	sqlite_fault(tool->opened, &problem);
	if (problem.text[0])
		(void)failed(command, problem.text);
}

/* ---- import ---------------------------------------------------------------------------------- */

static int import_from(const struct config *config, FILE *input, const char *name)
{
	struct tool_store tool;
	struct problem problem;
	size_t n = 0;
	if (!tool_store_open(&tool, config, &problem))
		return failed("import", problem.text);
	const struct import_options options = {
	    .store = tool.store,
	    .keyring = tool.keyring,
	    .server = &config->layers,
	    .now_ms = clock_now_ms(),
	    .run_until = tool_run_until,
	    .context = tool.loop,
	};
	enum import_result result = import_run(&options, input, name, stderr, &n);
	if (result == IMPORT_FAILED)
		store_fault_tell("import", &tool);
	tool_store_close(&tool);
	if (result == IMPORT_DONE)
		(void)printf("%zu records imported\n", n);
	return result == IMPORT_DONE ? 0 : result == IMPORT_MISTAKES ? EXIT_USAGE : EXIT_FAILED;
}

int tool_import(const struct config *config, const char *file)
{
	if (!file || strcmp(file, "-") == 0)
		return import_from(config, stdin, "(standard input)");
	FILE *input = fopen(file, "re");
	if (!input) {
		(void)fprintf(stderr, "verifyd import: %s: %s\n", file, strerror(errno));
		return EXIT_USAGE;
	}
	int code = import_from(config, input, file);
	(void)fclose(input);
	return code;
}

/* ---- of a number ----------------------------------------------------------------------------- */

/* 0, or the exit code: the user was told. */
static int number_read(const char *command, const char *text, struct number *ret)
{
	static const struct e164_rules rules = {.bare = E164_BARE_INTERNATIONAL, .zero_zero = true};
	struct e164 phone;
	enum e164_status status = e164_parse(bytes_from_text(text), BYTES(""), &rules, &phone);
	if (status == E164_OK) {
		*ret = phone.number;
		return 0;
	}
	(void)fprintf(stderr,
	              "verifyd %s: \"%s\" is not an international number, as +447700900123 is: "
	              "%s\n",
	              command, text, e164_status_text(status));
	return EXIT_USAGE;
}

static struct walk_store walk_store_of(const struct tool_store *tool)
{
	return (struct walk_store){tool->store, tool_run_until, tool->loop};
}

/* Tells of a fault, and gives the exit code of what has ended. */
static int ended(const char *command, struct tool_store *tool, enum err err)
{
	if (err) {
		(void)failed(command,
		             err == ERR_IO ? "standard output takes no more" : err_text(err));
		store_fault_tell(command, tool);
	}
	tool_store_close(tool);
	return err ? EXIT_FAILED : 0;
}

int tool_export(const struct config *config, const char *text)
{
	struct tool_store tool;
	struct problem problem;
	struct number number;
	size_t n;
	int code = text ? number_read("export", text, &number) : 0;
	if (code)
		return code;
	if (!tool_store_open(&tool, config, &problem))
		return failed("export", problem.text);
	const struct walk_store from = walk_store_of(&tool);
	return ended("export", &tool, export_run(&from, text ? &number : NULL, stdout, &n));
}

int tool_log(const struct config *config, const char *text)
{
	struct tool_store tool;
	struct problem problem;
	struct number number;
	size_t n;
	int code = number_read("log", text, &number);
	if (code)
		return code;
	if (!tool_store_open(&tool, config, &problem))
		return failed("log", problem.text);
	const struct walk_store from = walk_store_of(&tool);
	return ended("log", &tool, audit_run(&from, tool.keyring, &number, stdout, &n));
}

struct waiting_erase {
	struct store_erase erase;
	bool done;
};

static void on_erased(struct store_erase *erase)
{
	CONTAINER_OF(erase, struct waiting_erase, erase)->done = true;
}

int tool_erase(const struct config *config, const char *text)
{
	struct tool_store tool;
	struct problem problem;
	struct waiting_erase waiting = {.erase.on_done = on_erased};
	int code = number_read("erase", text, &waiting.erase.number);
	if (code)
		return code;
	if (!tool_store_open(&tool, config, &problem))
		return failed("erase", problem.text);
	waiting.erase.now_ms = clock_now_ms();
	tool.store->ops->erase(tool.store, &waiting.erase);
	tool_run_until(tool.loop, &waiting.done);
	if (!waiting.erase.err)
		(void)printf("forgotten: %zu users, %zu verifications, %zu messages\n",
		             waiting.erase.users, waiting.erase.verifications,
		             waiting.erase.messages);
	return ended("erase", &tool, waiting.erase.err);
}

/* ---- backup ---------------------------------------------------------------------------------- */

static volatile sig_atomic_t backup_stop;

static void on_signal(int number)
{
	(void)number;
	backup_stop = 1;
}

int tool_backup(const struct config *config, const char *file)
{
	struct sqlite_backup backup;
	struct problem problem;
	const struct sigaction action = {.sa_handler = on_signal};
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
	if (sqlite_backup(config->server.data, file, &backup_stop, &backup, &problem) != OK)
		return failed("backup", problem.text);
	(void)printf("%s: %" PRIu64 " octets\n"
	             "The secret key is not in it. Keep a copy of %s/secret.key as well, and "
	             "elsewhere:\nwithout it the codes that are on their way cannot be checked.\n",
	             file, backup.octets, config->server.data);
	return 0;
}

/* ---- migrate --------------------------------------------------------------------------------- */

int tool_migrate(const struct config *config)
{
	struct tool_store tool;
	struct problem problem;
	if (!tool_store_open(&tool, config, &problem))
		return failed("migrate", problem.text);
	unsigned was = 0;
	unsigned is = sqlite_schema(tool.opened, &was);
	tool_store_close(&tool);
	if (was == is)
		(void)printf("schema %u, as this program wants it\n", is);
	else
		(void)printf("schema %u, brought to %u\n", was, is);
	return 0;
}
