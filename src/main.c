/* SPDX-License-Identifier: Apache-2.0 */
/* verifyd: the command line.
 *
 *   main.c     which command, its flags
 *   serve.c    the server: joins the rooms and runs them
 *   net/       connections to requests        api/      requests to commands: the dialects
 *   core/      commands to outcomes: the rules store/   where records live
 *   deliver/   how a message leaves           ops/      what operators touch
 *   wire/      bytes to structs and back      plan/     the world's numbering plans
 *   io/        loops, sockets, threads        base/     memory, text, time, secrets
 */
#include "ops/help.h"
#include "ops/import.h"
#include "ops/number.h"
#include "serve.h"
#include "tool.h"

#include <errno.h>

#define EXIT_FAILED 1
#define EXIT_USAGE 2

#define DATA_DEFAULT "/var/lib/verifyd"
#define DATA_DEV "./var"
#define LISTEN_DEFAULT "127.0.0.1:8080"

/* Flags that several commands take. */
struct flags {
	bool dev;
	const char *data; /* NULL: not given */
	const char *listen[NET_ADDRESSES_MAX];
	size_t listen_n;
	const char *rest[2]; /* what is no flag */
	size_t rest_n;
};

static int usage(const char *command, const char *what, const char *which)
{
	(void)fprintf(stderr, "verifyd %s: %s%s; see verifyd help %s\n", command, what, which,
	              command);
	return EXIT_USAGE;
}

/* The value of a flag: what follows it. NULL: there is none, and the user was told. */
static const char *flag_value(const char *command, int argc, char **argv, int *at)
{
	if (*at + 1 < argc)
		return argv[++*at];
	(void)usage(command, "a value is missing after ", argv[*at]);
	return NULL;
}

/* False: the user was told. */
static bool flags_read(const char *command, bool serves, int argc, char **argv, struct flags *ret)
{
	for (int i = 2; i < argc; i++) {
		const char *flag = argv[i];
		if (strcmp(flag, "--dev") == 0) {
			ret->dev = true;
		} else if (strcmp(flag, "--data") == 0) {
			if (!(ret->data = flag_value(command, argc, argv, &i)))
				return false;
		} else if (serves && strcmp(flag, "--listen") == 0) {
			if (ret->listen_n == NET_ADDRESSES_MAX)
				return usage(command, "too many addresses: ", flag), false;
			if (!(ret->listen[ret->listen_n++] = flag_value(command, argc, argv, &i)))
				return false;
		} else if (flag[0] == '-' && flag[1]) {
			return usage(command, "there is no flag ", flag), false;
		} else if (serves || ret->rest_n == 1) {
			return usage(command, "what is this for: ", flag), false;
		} else {
			ret->rest[ret->rest_n++] = flag;
		}
	}
	return true;
}

static const char *data_of(const struct flags *flags)
{
	return flags->data ? flags->data : flags->dev ? DATA_DEV : DATA_DEFAULT;
}

/* ---- serve ----------------------------------------------------------------------------------- */

static bool is_loopback(const struct net_address *address)
{
	struct bytes host = bytes_from_text(address->host);
	return address->ipv6 ? bytes_equal(host, BYTES("::1"))
	                     : bytes_start_with(host, BYTES("127."));
}

static int serve_command(int argc, char **argv)
{
	struct flags flags = {0};
	struct serve_options options = {0};
	if (!flags_read("serve", true, argc, argv, &flags))
		return EXIT_USAGE;
	if (!flags.dev)
		return usage("serve",
		             "the only provider of this version is the developer inbox, and it "
		             "needs --dev",
		             "");
	if (!flags.listen_n)
		flags.listen[flags.listen_n++] = LISTEN_DEFAULT;
	for (size_t i = 0; i < flags.listen_n; i++) {
		struct net_address *address = &options.addresses[i];
		if (net_address_parse(bytes_from_text(flags.listen[i]), address) != OK)
			return usage("serve",
			             "--listen takes ADDRESS:PORT, as in 127.0.0.1:8080, "
			             "not ",
			             flags.listen[i]);
		if (!is_loopback(address))
			return usage("serve",
			             "--dev listens on loopback only (127.0.0.1, [::1]), "
			             "not on ",
			             flags.listen[i]);
	}
	options.addresses_n = flags.listen_n;
	options.dev = flags.dev;
	options.data = data_of(&flags);
	return serve_run(&options, &serve_on_sqlite);
}

/* ---- import ---------------------------------------------------------------------------------- */

static int import_into(const struct flags *flags, FILE *input, const char *name)
{
	struct tool_store tool;
	struct problem problem;
	struct settings_layers layers;
	size_t n = 0;
	serve_settings(flags->dev, &layers);
	if (!tool_store_open(&tool, data_of(flags), &problem)) {
		(void)fprintf(stderr, "verifyd import: %s\n", problem.text);
		return EXIT_FAILED;
	}
	const struct import_options options = {
	    .store = tool.store,
	    .keyring = tool.keyring,
	    .server = &layers,
	    .run_until = tool_run_until,
	    .context = tool.loop,
	};
	enum import_result result = import_run(&options, input, name, stderr, &n);
	tool_store_close(&tool);
	if (result == IMPORT_DONE)
		(void)printf("%zu records imported\n", n);
	return result == IMPORT_DONE ? 0 : result == IMPORT_MISTAKES ? EXIT_USAGE : EXIT_FAILED;
}

static int import_command(int argc, char **argv)
{
	struct flags flags = {0};
	if (!flags_read("import", false, argc, argv, &flags))
		return EXIT_USAGE;
	if (!flags.rest_n || strcmp(flags.rest[0], "-") == 0)
		return import_into(&flags, stdin, "(standard input)");
	FILE *input = fopen(flags.rest[0], "re");
	if (!input) {
		(void)fprintf(stderr, "verifyd import: %s: %s\n", flags.rest[0], strerror(errno));
		return EXIT_USAGE;
	}
	int code = import_into(&flags, input, flags.rest[0]);
	(void)fclose(input);
	return code;
}

/* ---- the rest -------------------------------------------------------------------------------- */

static int number_command(int argc, char **argv)
{
	return ops_number(argc - 1, argv + 1);
}

static int version_command(int argc, char **argv)
{
	if (argc > 2)
		return usage("version", "takes no argument, not ", argv[2]);
	(void)printf("verifyd %s\n", VERIFYD_VERSION);
	return 0;
}

static int help_command(int argc, char **argv)
{
	if (help_print(stdout, argc > 2 ? argv[2] : NULL))
		return 0;
	(void)fprintf(stderr, "verifyd help: there is no command %s; see verifyd help\n", argv[2]);
	return EXIT_USAGE;
}

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
    {"serve", serve_command},     {"import", import_command},     {"number", number_command},
    {"version", version_command}, {"help", help_command},         {"--help", help_command},
    {"-h", help_command},         {"--version", version_command},
};

int main(int argc, char **argv)
{
	if (argc < 2) {
		(void)help_print(stderr, NULL);
		return EXIT_USAGE;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc, argv);
	(void)fprintf(stderr, "verifyd: there is no command %s; see verifyd help\n", argv[1]);
	return EXIT_USAGE;
}
