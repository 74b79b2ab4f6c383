/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of any length in, one line each out, in two buffers that never grow: a line that cannot be
 * a number any more is answered at once and the rest of it skipped. */
#include "ops/number.h"

#include "wire/e164.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define READ_SIZE ((size_t)64 << 10)
#define ANSWER_MAX (E164_INPUT_MAX + 80)
#define WRITE_SIZE ((size_t)64 << 10)

static const struct e164_rules rules = {
    .bare = E164_BARE_NATIONAL_FIRST, .zero_zero = true, .region_prefix = true};

struct answers {
	struct bytes region; /* borrowed */
	bool failed;         /* writing did; errno says how */
	size_t len;
	char at[WRITE_SIZE];
};

static void answers_flush(struct answers *answers)
{
	struct bytes left = {answers->at, answers->len};
	while (left.len && !answers->failed) {
		ssize_t written = write(STDOUT_FILENO, left.at, left.len);
		if (written >= 0)
			left = bytes_from(left, (size_t)written);
		else if (errno != EINTR)
			answers->failed = true;
	}
	answers->len = 0;
}

static void answers_add(struct answers *answers, struct bytes text)
{
	memcpy(answers->at + answers->len, text.at, text.len);
	answers->len += text.len;
}

static void answers_add_input(struct answers *answers, struct bytes input)
{
	struct bytes shown = bytes_first(input, E164_INPUT_MAX);
	for (size_t i = 0; i < shown.len; i++) {
		unsigned char c = (unsigned char)shown.at[i];
		answers->at[answers->len++] = c < ' ' || c == 0x7F ? '?' : (char)c;
	}
	if (shown.len < input.len)
		answers_add(answers, BYTES("..."));
}

static void answer(struct answers *answers, struct bytes input)
{
	if (WRITE_SIZE - answers->len < ANSWER_MAX)
		answers_flush(answers);
	struct e164 line;
	enum e164_status status = e164_parse(input, answers->region, &rules, &line);
	answers_add_input(answers, input);
	if (status == E164_OK) {
		answers_add(answers, BYTES("\t+"));
		answers_add(answers, number_bytes(&line.number));
		answers_add(answers, BYTES("\t"));
		answers_add(answers, bytes_from_text(line.region));
		answers_add(answers, BYTES("\t"));
		answers_add(answers, bytes_from_text(e164_type_text(line.type)));
	} else {
		answers_add(answers, BYTES("\t-\t"));
		answers_add(answers, bytes_from_text(e164_status_text(status)));
	}
	answers_add(answers, BYTES("\n"));
}

static struct bytes without_cr(struct bytes line)
{
	return bytes_first(line,
	                   line.len && line.at[line.len - 1] == '\r' ? line.len - 1 : line.len);
}

/* Answers all lines of `in` that are whole, or too long already; returns what has to wait for more.
 * `*skipping`: the rest of a line that was answered still comes. */
static struct bytes answer_lines(struct answers *answers, struct bytes in, bool *skipping)
{
	while (in.len) {
		size_t end = bytes_find(in, '\n');
		struct bytes line = bytes_first(in, end);
		bool whole = end < in.len;
		if (!whole && !*skipping && line.len <= E164_INPUT_MAX)
			break;
		if (!*skipping)
			answer(answers, without_cr(line));
		*skipping = !whole;
		in = bytes_from(in, end + 1);
	}
	return in;
}

/* Standard input to its end; false when it cannot be read. */
static bool answer_stdin(struct answers *answers)
{
	char at[READ_SIZE];
	size_t len = 0;
	bool skipping = false;
	while (!answers->failed) {
		ssize_t got = read(STDIN_FILENO, at + len, sizeof(at) - len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return false;
		if (got == 0)
			break;
		struct bytes in = {at, len + (size_t)got};
		struct bytes rest = answer_lines(answers, in, &skipping);
		memmove(at, rest.at, rest.len);
		len = rest.len;
		answers_flush(answers);
	}
	if (len)
		answer(answers, without_cr((struct bytes){at, len}));
	return true;
}

static int usage_error(const char *what, const char *of)
{
	(void)fprintf(
	    stderr,
	    "verifyd number: %s%s\n"
	    "usage: verifyd number [-r REGION] [NUMBER...]\n"
	    "REGION is a country of ISO 3166-1, such as GB or GBR, for numbers without a\n"
	    "calling code. Without NUMBER the numbers are read from standard input, one a\n"
	    "line. A NUMBER that begins with - comes after --.\n",
	    what, of);
	return 2;
}

int ops_number(int argc, char **argv)
{
	struct answers answers = {.region = BYTES_NONE};
	int at = 1;
	for (; at < argc && argv[at][0] == '-' && argv[at][1]; at++) {
		if (strcmp(argv[at], "--") == 0) {
			at++;
			break;
		}
		if (strncmp(argv[at], "-r", 2) != 0)
			return usage_error("no such option: ", argv[at]);
		const char *region = argv[at][2] ? argv[at] + 2 : ++at < argc ? argv[at] : "";
		char name[E164_REGION_LEN + 1];
		uint16_t code;
		answers.region = bytes_from_text(region);
		if (!e164_region_find(answers.region, name, &code))
			return usage_error(*region ? "no such region: " : "-r needs a region",
			                   region);
	}
	bool read_well = true;
	if (at == argc)
		read_well = answer_stdin(&answers);
	for (; at < argc; at++)
		answer(&answers, bytes_from_text(argv[at]));
	int read_errno = errno;
	answers_flush(&answers);
	if (!read_well)
		(void)fprintf(stderr, "verifyd number: cannot read standard input: %s\n",
		              strerror(read_errno));
	else if (answers.failed)
		(void)fprintf(stderr, "verifyd number: cannot write to standard output: %s\n",
		              strerror(errno));
	return read_well && !answers.failed ? 0 : 1;
}
