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
	if (!call->flags.dev)
		return usage("serve",
		             "the only provider of this version is the developer inbox, and it "
		             "needs --dev",
		             "");
	return serve_run(call->config, &serve_on_sqlite);
}

static int import_command(const struct call *call)
{
	return tool_import(call->config, call->rest[0]);
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
    {"import", import_command, TAKES_FLAGS, 0, 1},
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

/* Where the text of a flag goes that takes one; NULL: `flag` is none, or is not this command's. */
static const char **flag_place(const struct command *command, const char *flag, struct call *call)
{
	if (strcmp(flag, "--data") == 0 && command->takes & TAKES_FLAGS)
		return &call->flags.data;
	if (strcmp(flag, "--listen") == 0 && command->takes & TAKES_LISTEN &&
	    call->flags.listen_n < NET_ADDRESSES_MAX)
		return &call->flags.listen[call->flags.listen_n++];
	return NULL;
}

/* Takes argv[*at], and what follows it when it is a flag with a text. False: the user was told. */
static bool word_take(const struct command *command, int *at, struct call *call)
{
	const char *word = call->argv[*at];
	const char **place;
	if (strcmp(word, "--dev") == 0 && command->takes & TAKES_FLAGS) {
		call->flags.dev = true;
	} else if ((place = flag_place(command, word, call))) {
		if (*at + 1 == call->argc)
			return usage(command->name, "a value is missing after ", word), false;
		*place = call->argv[++*at];
	} else if (strcmp(word, "--listen") == 0 && command->takes & TAKES_LISTEN) {
		return usage(command->name, "too many addresses: ", word), false;
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
	return call->rest_n >= command->rest_min ||
	       (usage(command->name, "an argument is missing", ""), false);
}

static int command_run(const struct command *command, int argc, char **argv)
{
	struct call call = {.command = command->name, .argc = argc, .argv = argv};
	struct problem problem;
	if (!(command->takes & TAKES_ARGV) && !words_take(command, &call))
		return EXIT_USAGE;
	if (!(command->takes & TAKES_FLAGS))
		return command->run(&call);
	call.config = config_new(&call.flags, &problem);
	if (!call.config)
		return usage(command->name, problem.text, "");
	int code = command->run(&call);
	config_free(call.config);
	return code;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		(void)help_print(stderr, NULL);
		return EXIT_USAGE;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return command_run(&commands[i], argc - 1, argv + 1);
	(void)fprintf(stderr, "verifyd: there is no command %s; see verifyd help\n", argv[1]);
	return EXIT_USAGE;
}
