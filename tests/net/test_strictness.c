/* SPDX-License-Identifier: Apache-2.0 */
/* The table of strictness.txt, each row over a connection of its own. */
#include "cases.h"
#include "support/web.h"

#include "base/buf.h"

#include <stdlib.h>

#define LINE_MAX_OCTETS 4096
#define PROBE "GET /smuggled HTTP/1.1\r\nHost: a.example\r\n\r\n"

struct row {
	const char *name;
	int status; /* 0: ok */
	struct buf octets;
};

static struct row rows[CASES_MAX];
static size_t rows_n;

/* --- reading the table ----------------------------------------------------------------------- */

static void table_fail(const char *line)
{
	(void)fprintf(stderr, "strictness.txt: cannot read: %s\n", line);
	exit(1);
}

/* Octets from `*at` up to `end` or the end of the text. */
static void octets_read(const char **at, char end, struct buf *to);

static void repeat_read(const char **at, struct buf *to)
{
	char *rest;
	unsigned long n = strtoul(*at, &rest, 10);
	if (*rest != ' ')
		table_fail(*at);
	*at = rest + 1;
	struct buf part;
	buf_init(&part, 0);
	octets_read(at, ']', &part);
	if (**at != ']')
		table_fail(*at);
	++*at;
	for (unsigned long i = 0; i < n; i++)
		buf_add(to, buf_bytes(&part));
	buf_done(&part);
}

static void escape_read(const char **at, struct buf *to)
{
	static const char names[] = "rnt0\\", values[] = "\r\n\t\0\\";
	char c = *(*at)++;
	const char *found = strchr(names, c);
	if (c && found) {
		buf_add_char(to, values[found - names]);
	} else if (c == 'x') {
		char digits[3] = {(*at)[0], (*at)[0] ? (*at)[1] : '\0', '\0'};
		char *end;
		buf_add_char(to, (char)strtoul(digits, &end, 16));
		if (end != digits + 2)
			table_fail(*at);
		*at += 2;
	} else if (c == '[') {
		repeat_read(at, to);
	} else {
		table_fail(*at - 1);
	}
}

static void octets_read(const char **at, char end, struct buf *to)
{
	while (**at && **at != end) {
		char c = *(*at)++;
		if (c == '\\')
			escape_read(at, to);
		else
			buf_add_char(to, c);
	}
}

/* EXPECTATION | NAME | OCTETS */
static void row_read(char *line)
{
	char *name = strstr(line, " | ");
	char *octets = name ? strstr(name + 3, " | ") : NULL;
	if (!octets || rows_n == CASES_MAX)
		table_fail(line);
	*name = *octets = '\0';
	struct row *row = &rows[rows_n++];
	row->status = (int)strtol(line, NULL, 10);
	if (!row->status && strcmp(line, "ok") != 0)
		table_fail(line);
	row->name = strdup(name + 3);
	const char *at = octets + 3;
	buf_init(&row->octets, 0);
	octets_read(&at, '\0', &row->octets);
}

static void table_read(const char *path)
{
	FILE *file = fopen(path, "r");
	if (!file) {
		perror(path);
		exit(1);
	}
	static char line[LINE_MAX_OCTETS];
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] && line[0] != '#')
			row_read(line);
	}
	(void)fclose(file);
}

/* --- rows ------------------------------------------------------------------------------------ */

/* Exactly one answer, and it is the last. */
static void refused(void **state)
{
	const struct row *row = ROW_OF(state, struct row);
	struct web_peer peer;
	web_connect(&peer);
	/* A server that has seen enough may have gone before everything was sent. */
	if (web_try_send(&peer, buf_bytes(&row->octets)))
		(void)web_try_send(&peer, BYTES(PROBE));
	bool closes = web_expect(&peer, row->status);
	assert_true(closes);
	assert_true(web_ended(&peer));
	web_close(&peer);
}

static void taken(void **state)
{
	const struct row *row = ROW_OF(state, struct row);
	struct web_peer peer;
	struct web_answer answer;
	web_connect(&peer);
	web_send(&peer, buf_bytes(&row->octets));
	assert_true(web_next(&peer, false, &answer));
	assert_in_range(answer.status, 200, 204);
	assert_false(answer.close);
	web_answer_done(&answer);
	web_expect_alive(&peer);
	web_close(&peer);
}

int main(void)
{
	static struct cases cases;
	const char *source = getenv("VERIFYD_SOURCE");
	char path[4096];
	(void)snprintf(path, sizeof(path), "%s/tests/net/strictness.txt", source ? source : ".");
	table_read(path);
	for (size_t i = 0; i < rows_n; i++)
		cases_add_rows(&cases, rows[i].status ? "refused" : "taken", &rows[i], 1,
		               sizeof(rows[i]), rows[i].status ? refused : taken);
	web_start(NULL);
	int failed = cases_run("strictness", &cases);
	web_stop();
	return failed;
}
