/* SPDX-License-Identifier: Apache-2.0 */
/* `verifyd number` as a process sees it: arguments and standard input in, lines and an exit code
 * out. */
#include "ops/number.h"

#include "wire/e164.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGS_MAX 8
#define OUT_MAX ((size_t)1 << 20)

struct run {
	char *out; /* owned; NUL-terminated */
	size_t out_len;
	int status;
};

/* Writes `in` as fast as `to` takes it, in a process of its own. */
static pid_t feed(int to, struct bytes in)
{
	pid_t feeder = fork();
	assert_true(feeder >= 0);
	if (feeder)
		return feeder;
	if (dup2(to, STDOUT_FILENO) < 0 || close_range(3, ~0U, 0) != 0)
		_exit(1);
	while (in.len) {
		ssize_t written = write(STDOUT_FILENO, in.at, in.len);
		if (written <= 0)
			_exit(1);
		in = bytes_from(in, (size_t)written);
	}
	_exit(0);
}

static pid_t command_start(int in, int out, const char *const *args)
{
	pid_t command = fork();
	assert_true(command >= 0);
	if (command)
		return command;
	char *argv[ARGS_MAX + 1] = {NULL};
	int argc = 0;
	for (; args[argc]; argc++)
		argv[argc] = strdup(args[argc]);
	int null = open("/dev/null", O_WRONLY);
	if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
	    dup2(null, STDERR_FILENO) < 0 || close_range(3, ~0U, 0) != 0)
		_exit(99);
	(void)signal(SIGPIPE, SIG_IGN);
	int status = ops_number(argc, argv);
	for (int i = 0; i < argc; i++)
		free(argv[i]);
	_exit(status);
}

static int status_of(pid_t process)
{
	int status;
	assert_int_equal(waitpid(process, &status, 0), process);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static struct run run(struct bytes in, const char *const *args)
{
	int to[2], from[2];
	assert_int_equal(pipe2(to, O_CLOEXEC), 0);
	assert_int_equal(pipe2(from, O_CLOEXEC), 0);
	pid_t command = command_start(to[0], from[1], args);
	(void)close(from[1]);
	pid_t feeder = feed(to[1], in);
	(void)close(to[0]);
	(void)close(to[1]);
	struct run run = {.out = malloc(OUT_MAX + 1)};
	assert_non_null(run.out);
	ssize_t got;
	while ((got = read(from[0], run.out + run.out_len, OUT_MAX - run.out_len)) > 0)
		run.out_len += (size_t)got;
	run.out[run.out_len] = '\0';
	(void)close(from[0]);
	run.status = status_of(command);
	(void)status_of(feeder);
	return run;
}

static void expect(struct bytes in, const char *const *args, int status, const char *out)
{
	struct run got = run(in, args);
	assert_int_equal(got.status, status);
	assert_string_equal(got.out, out);
	free(got.out);
}

#define ARGS(...) ((const char *const[]){"number", __VA_ARGS__, NULL})

static void numbers_come_from_arguments(void **state)
{
	(void)state;
	expect(BYTES_NONE, ARGS("+44 7400 123456", "+1"), 0,
	       "+44 7400 123456\t+447400123456\tGB\tmobile\n+1\t-\ttoo short\n");
	expect(BYTES_NONE, ARGS("-r", "GBR", "07400 123456", "0033612345678"), 0,
	       "07400 123456\t+447400123456\tGB\tmobile\n"
	       "0033612345678\t+33612345678\tFR\tmobile\n");
	expect(BYTES_NONE, ARGS("-rIT", "02 1234 5678"), 0,
	       "02 1234 5678\t+390212345678\tIT\tfixed\n");
	expect(BYTES_NONE, ARGS("--", "-447400123456", "-"), 0,
	       "-447400123456\t+447400123456\tGB\tmobile\n-\t-\tnot a number\n");
	expect(BYTES_NONE, ARGS(""), 0, "\t-\tempty\n");
}

static void numbers_come_from_lines(void **state)
{
	(void)state;
	expect(BYTES(""), ARGS("-r", "gb"), 0, "");
	expect(BYTES("07400123456\n\r\n\n+33 6 12 34 56 78\r\nx"), ARGS("-r", "gb"), 0,
	       "07400123456\t+447400123456\tGB\tmobile\n"
	       "\t-\tempty\n"
	       "\t-\tempty\n"
	       "+33 6 12 34 56 78\t+33612345678\tFR\tmobile\n"
	       "x\t-\tnot a number\n");
	expect(BYTES("+44\t7400\t123456\n\x1B[2J\0\n"), ARGS("--"), 0,
	       "+44?7400?123456\t+447400123456\tGB\tmobile\n?[2J?\t-\tnot a number\n");
}

static void wrong_usage_is_said(void **state)
{
	(void)state;
	expect(BYTES_NONE, ARGS("-x"), 2, "");
	expect(BYTES_NONE, ARGS("-447400123456"), 2, "");
	expect(BYTES_NONE, ARGS("-r"), 2, "");
	expect(BYTES_NONE, ARGS("-r", "XX", "1"), 2, "");
	expect(BYTES_NONE, ARGS("-r", "", "1"), 2, "");
}

static void a_line_without_end_is_refused_and_skipped(void **state)
{
	(void)state;
	/* 10 MB without a newline, then a good line. */
	size_t long_len = (size_t)10 << 20;
	char *in = malloc(long_len + 32);
	assert_non_null(in);
	memset(in, '4', long_len);
	memcpy(in + long_len, "\n+447400123456\n", 15);
	struct run got = run((struct bytes){in, long_len + 15}, ARGS("--"));
	assert_int_equal(got.status, 0);
	assert_int_equal(got.out_len, E164_INPUT_MAX + strlen("...\t-\ttoo long\n") +
	                                  strlen("+447400123456\t+447400123456\tGB\tmobile\n"));
	assert_non_null(strstr(got.out, "4...\t-\ttoo long\n+447400123456\t+44"));
	free(got.out);
	free(in);
}

static void lines_fall_across_reads(void **state)
{
	(void)state;
	/* 20,000 lines of 15 octets meet every boundary of the buffer. */
	enum { LINES = 20000 };
	static const char line[] = "+44 7400123456\n";
	static const char answer[] = "+44 7400123456\t+447400123456\tGB\tmobile\n";
	char *in = malloc(LINES * (sizeof(line) - 1));
	assert_non_null(in);
	for (size_t i = 0; i < LINES; i++)
		memcpy(in + i * (sizeof(line) - 1), line, sizeof(line) - 1);
	struct run got = run((struct bytes){in, LINES * (sizeof(line) - 1)}, ARGS("--"));
	assert_int_equal(got.status, 0);
	assert_int_equal(got.out_len, LINES * (sizeof(answer) - 1));
	for (size_t i = 0; i < LINES; i++)
		assert_memory_equal(got.out + i * (sizeof(answer) - 1), answer, sizeof(answer) - 1);
	free(got.out);
	free(in);
}

static void what_cannot_be_read_or_written_is_a_failure(void **state)
{
	(void)state;
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	int folder = open("/", O_RDONLY | O_CLOEXEC);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	assert_true(full >= 0 && folder >= 0 && null >= 0);
	assert_int_equal(status_of(command_start(null, full, ARGS("+447400123456"))), 1);
	assert_int_equal(status_of(command_start(folder, null, ARGS("--"))), 1);
	assert_int_equal(status_of(command_start(null, null, ARGS("--"))), 0);
	(void)close(full);
	(void)close(folder);
	(void)close(null);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(numbers_come_from_arguments),
	    cmocka_unit_test(numbers_come_from_lines),
	    cmocka_unit_test(wrong_usage_is_said),
	    cmocka_unit_test(a_line_without_end_is_refused_and_skipped),
	    cmocka_unit_test(lines_fall_across_reads),
	    cmocka_unit_test(what_cannot_be_read_or_written_is_a_failure),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
