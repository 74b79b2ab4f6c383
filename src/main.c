/* SPDX-License-Identifier: Apache-2.0 */
/* verifyd: the command line.
 *
 *   main.c     which command, its flags
 *   serve.c    the server: joins the rooms and runs them
 *   tool*.c    the commands that work on its store
 *   net/       connections to requests        api/      requests to commands: the dialects
 *   core/      commands to outcomes: the rules store/   where records live
 *   deliver/   how a message leaves           ops/      what operators touch
 *   wire/      bytes to structs and back      plan/     the world's numbering plans
 *   io/        loops, sockets, threads        base/     memory, text, time, secrets
 */
#include "base/secret.h"
#include "ops/help.h"
#include "ops/number.h"
#include "serve.h"
#include "tool_command.h"

#define REST_MAX 2

/* A command as it was typed. */
struct call {
	const char *command;
	struct config_flags flags;
	struct config *config; /* read by these flags, for commands that take them */
	struct report *report; /* what is to be said of it */
	const char *rest[REST_MAX];
	size_t rest_n;
	int argc; /* all of it, from the command on */
	char **argv;
};

/* What a command may be given. */
enum takes {
	TAKES_FLAGS = 1 << 0,  /* FLAGS: it works by the configuration */
	TAKES_LISTEN = 1 << 1, /* --listen too */
	TAKES_ARGV = 1 << 2,   /* it reads its arguments itself */
};

static int usage(const char *command, const char *what, const char *which)
{
	(void)fprintf(stderr, "verifyd %s: %s%s; see verifyd help %s\n", command, what, which,
	              command);
	return EXIT_USAGE;
}

/* ---- commands -------------------------------------------------------------------------------- */

static int serve_command(const struct call *call)
{
	return serve_run(&call->flags, call->config, call->report, &serve_on_sqlite);
}

/* The mistakes were told before. */
static int check_command(const struct call *call)
{
	const char *file = config_file(&call->flags);
	struct problem problem;
	bool sound = serve_check(call->config, &problem);
	if (!sound)
		report_mistake(call->report, 0, "%s", problem.text);
	report_print(call->report, true, stderr);
	if (!sound)
		return EXIT_USAGE;
	(void)printf("%s: no mistakes\n", file ? file : "(no file, --dev)");
	return 0;
}

static int import_command(const struct call *call)
{
	return tool_import(call->config, call->rest[0]);
}

static int export_command(const struct call *call)
{
	return tool_export(call->config, call->rest[0]);
}

static int erase_command(const struct call *call)
{
	return tool_erase(call->config, call->rest[0]);
}

static int log_command(const struct call *call)
{
	return tool_log(call->config, call->rest[0]);
}

static int backup_command(const struct call *call)
{
	return tool_backup(call->config, call->rest[0]);
}

static int migrate_command(const struct call *call)
{
	return tool_migrate(call->config);
}

static int number_command(const struct call *call)
{
	return ops_number(call->argc, call->argv);
}

static int version_command(const struct call *call)
{
	(void)call;
	(void)printf("verifyd %s\n", VERIFYD_VERSION);
	return 0;
}

static int help_command(const struct call *call)
{
	if (help_print(stdout, call->rest[0]))
		return 0;
	(void)fprintf(stderr, "verifyd help: there is no command %s; see verifyd help\n",
	              call->rest[0]);
	return EXIT_USAGE;
}

/* One row a command, with its page in ops/help.c. */
static const struct command {
	const char *name;
	int (*run)(const struct call *call);
	unsigned takes;
	size_t rest_min, rest_max; /* arguments that are no flags */
} commands[] = {
    {"serve", serve_command, TAKES_FLAGS | TAKES_LISTEN, 0, 0},
    {"check", check_command, TAKES_FLAGS, 0, 0},
    {"import", import_command, TAKES_FLAGS, 0, 1},
    {"export", export_command, TAKES_FLAGS, 0, 1},
    {"erase", erase_command, TAKES_FLAGS, 1, 1},
    {"log", log_command, TAKES_FLAGS, 1, 1},
    {"migrate", migrate_command, TAKES_FLAGS, 0, 0},
    {"backup", backup_command, TAKES_FLAGS, 1, 1},
    {"number", number_command, TAKES_ARGV, 0, 0},
    {"version", version_command, 0, 0, 0},
    {"help", help_command, 0, 0, 1},
    {"--version", version_command, 0, 0, 0},
    {"--help", help_command, 0, 0, 1},
    {"-h", help_command, 0, 0, 1},
};

/* ---- flags ----------------------------------------------------------------------------------- */

/* The text behind a flag. NULL: there is none, and the user was told. */
static const char *flag_text(const struct call *call, int *at)
{
	if (*at + 1 < call->argc)
		return call->argv[++*at];
	(void)usage(call->command, "a value is missing after ", call->argv[*at]);
	return NULL;
}

/* False: the user was told. */
static bool listen_take(struct call *call, const char *text)
{
	struct net_addresses *listen = &call->flags.listen;
	if (!text)
		return false;
	if (listen->n == NET_ADDRESSES_MAX)
		return usage(call->command, "too many addresses: ", text), false;
	if (net_address_parse(bytes_from_text(text), &listen->at[listen->n++]) != OK)
		return usage(call->command,
		             "--listen takes ADDRESS:PORT, as in 127.0.0.1:8080, not ", text),
		       false;
	return true;
}

/* Takes argv[*at], and what follows it when it is a flag with a text. False: the user was told. */
static bool word_take(const struct command *command, int *at, struct call *call)
{
	const char *word = call->argv[*at];
	bool flags = command->takes & TAKES_FLAGS;
	if (flags && strcmp(word, "--dev") == 0) {
		call->flags.dev = true;
	} else if (flags && strcmp(word, "-c") == 0) {
		return (call->flags.file = flag_text(call, at));
	} else if (flags && strcmp(word, "--data") == 0) {
		return (call->flags.data = flag_text(call, at));
	} else if (command->takes & TAKES_LISTEN && strcmp(word, "--listen") == 0) {
		return listen_take(call, flag_text(call, at));
	} else if (word[0] == '-' && word[1]) {
		return usage(command->name, "there is no flag ", word), false;
	} else if (call->rest_n == command->rest_max) {
		return usage(command->name, "what is this for: ", word), false;
	} else {
		call->rest[call->rest_n++] = word;
	}
	return true;
}

static bool words_take(const struct command *command, struct call *call)
{
	for (int i = 1; i < call->argc; i++)
		if (!word_take(command, &i, call))
			return false;
	if (call->rest_n < command->rest_min)
		return usage(command->name, "an argument is missing", ""), false;
	return true;
}

static int configured_run(const struct command *command, struct call *call)
{
	struct report report;
	int code = EXIT_USAGE;
	report_init(&report, bytes_from_text(config_file(&call->flags)));
	call->report = &report;
	call->config = config_new(&call->flags, &report);
	if (call->config)
		code = command->run(call);
	else
		report_print(&report, false, stderr);
	config_free(call->config);
	report_done(&report);
	return code;
}

static int command_run(const struct command *command, int argc, char **argv)
{
	struct call call = {.command = command->name, .argc = argc, .argv = argv};
	if (!(command->takes & TAKES_ARGV) && !words_take(command, &call))
		return EXIT_USAGE;
	return command->takes & TAKES_FLAGS ? configured_run(command, &call) : command->run(&call);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		(void)help_print(stderr, NULL);
		return EXIT_USAGE;
	}
	/* Before anything has used OpenSSL. */
	secret_start();
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return command_run(&commands[i], argc - 1, argv + 1);
	(void)fprintf(stderr, "verifyd: there is no command %s; see verifyd help\n", argv[1]);
	return EXIT_USAGE;
}
