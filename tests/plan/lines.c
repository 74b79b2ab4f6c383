/* SPDX-License-Identifier: Apache-2.0 */
/* What the agreement tests ask: a line in is RULES TAB REGION TAB TEXT, a line out is
 * STATUS TAB E.164 TAB REGION TAB TYPE TAB valid|possible TAB INTERNATIONAL TAB NATIONAL, or STATUS
 * alone. Rules are letters: i, n, f (bare digits are international, national, national first),
 * z (00 is a prefix), p (so is the region's own), v (valid is required). Answers as soon as it
 * would have to wait for more. */
#include "base/buf.h"
#include "wire/e164.h"

#include <stdio.h>
#include <unistd.h>

static struct e164_rules rules_read(struct bytes letters)
{
	struct e164_rules rules = {0};
	for (size_t i = 0; i < letters.len; i++) {
		switch (letters.at[i]) {
		case 'n':
			rules.bare = E164_BARE_NATIONAL;
			break;
		case 'f':
			rules.bare = E164_BARE_NATIONAL_FIRST;
			break;
		case 'z':
			rules.zero_zero = true;
			break;
		case 'p':
			rules.region_prefix = true;
			break;
		case 'v':
			rules.require_valid = true;
			break;
		}
	}
	return rules;
}

static struct bytes field_take(struct bytes *line)
{
	size_t tab = bytes_find(*line, '\t');
	struct bytes field = bytes_first(*line, tab);
	*line = bytes_from(*line, tab + 1);
	return field;
}

static void answer(struct bytes line, struct buf *out)
{
	struct e164_rules rules = rules_read(field_take(&line));
	struct bytes region = field_take(&line);
	struct e164 line_of;
	enum e164_status status = e164_parse(line, region, &rules, &line_of);
	buf_add_text(out, e164_status_text(status));
	if (status == E164_OK) {
		char international[E164_FORMAT_MAX], national[E164_FORMAT_MAX];
		e164_format_international(&line_of.number, international);
		e164_format_national(&line_of.number, national);
		buf_printf(out, "\t+%s\t%s\t%s\t%s\t%s\t%s", line_of.number.digits, line_of.region,
		           e164_type_text(line_of.type), line_of.valid ? "valid" : "possible",
		           international, national);
	}
	buf_add_char(out, '\n');
}

static bool write_all(struct bytes out)
{
	while (out.len) {
		ssize_t written = write(STDOUT_FILENO, out.at, out.len);
		if (written <= 0)
			return false;
		out = bytes_from(out, (size_t)written);
	}
	return true;
}

int main(void)
{
	struct buf in, out;
	buf_init(&in, 0);
	buf_init(&out, 0);
	for (;;) {
		char *at = buf_reserve(&in, 65536);
		ssize_t got = at ? read(STDIN_FILENO, at, 65536) : -1;
		if (got <= 0)
			break;
		in.len += (size_t)got;
		struct bytes rest = buf_bytes(&in);
		for (size_t end; (end = bytes_find(rest, '\n')) < rest.len;) {
			answer(bytes_first(rest, end), &out);
			rest = bytes_from(rest, end + 1);
		}
		buf_consume(&in, in.len - rest.len);
		if (out.failed || !write_all(buf_bytes(&out)))
			return 1;
		buf_clear(&out);
	}
	buf_done(&in);
	buf_done(&out);
	return 0;
}
