/* SPDX-License-Identifier: Apache-2.0 */
/* Writes what the table of settings says, for scripts/docs:
 *
 *     option-manual markdown | mdoc | yaml
 *
 * What a value must be is asked of its reader, so that the manual says what the messages say. */
#include "ops/option.h"

#include <stdio.h>
#include <string.h>

/* How one form of text is written. */
struct form {
	const char *name;
	void (*section)(struct bytes section);
	void (*option)(const struct option *option);
	void (*end)(void);
};

/* ---- what is said of an option --------------------------------------------------------------- */

/* The part of a name before its first dot, when others share it. */
static struct bytes section_of(const struct option *option)
{
	struct bytes first = bytes_first(option->name, bytes_find(option->name, '.'));
	return first.len < option->name.len ? bytes_first(first, bytes_find(first, '['))
	                                    : BYTES("");
}

/* "must be …": the reader's own words for a text that nothing can be. */
static void rule_of(const struct option *option, struct problem *ret)
{
	char nothing[1200]; /* longer than any value may be */
	static _Alignas(16) char scratch[1 << 16];
	memset(nothing, '\x01', sizeof(nothing));
	ret->text[0] = '\0';
	if (option->type == OPTION_LIST)
		(void)problem_say(ret, "a list of at most %lld", (long long)option->max);
	else if (option_read(option, (struct bytes){nothing, sizeof(nothing)}, scratch, ret))
		(void)problem_say(ret, "any text");
}

static const char *who_of(const struct option *option)
{
	switch (option->home) {
	case HOME_SHARED:
		return "server, API, tenant";
	case HOME_API:
		return "API, tenant";
	case HOME_SERVER:
		return option->applies == APPLIES_RESTART ? "server, at start" : "server";
	case HOME_ITEM:
		break;
	}
	return "";
}

/* A text as YAML: quoted when it could be taken for something else. */
static void write_scalar(struct bytes text, const char *quote)
{
	bool plain = text.len > 0 && !bytes_equal(text, BYTES("On"));
	for (size_t i = 0; i < text.len; i++)
		plain &= text.at[i] != ':' && text.at[i] != '[' && text.at[i] != '/';
	plain |= text.len > 0 && text.at[0] == '/';
	if (plain)
		quote = "";
	(void)printf("%s%.*s%s", quote, (int)text.len, text.at, quote);
}

/* `quote` is how the form writes the sign itself. */
static void write_default(const struct option *option, const char *quote)
{
	struct bytes rest = option->default_text;
	const char *between = "[";
	if (option->type == OPTION_LIST) {
		(void)printf("[]");
		return;
	}
	if (!option_takes_list(option)) {
		write_scalar(rest, quote);
		return;
	}
	if (!rest.len)
		(void)printf("[");
	while (rest.len) {
		struct bytes word = bytes_first(rest, bytes_find(rest, ' '));
		rest = bytes_from(rest, word.len + 1);
		(void)printf("%s", between);
		write_scalar(word, quote);
		between = ", ";
	}
	(void)printf("]");
}

static void write_plain(struct bytes word, bool first)
{
	(void)first;
	(void)printf("%.*s", (int)word.len, word.at);
}

/* `text` and `end` in lines of at most `width`, each behind `before`, word by word. */
static void write_wrapped(const char *before, const char *text, const char *end, size_t width,
                          void (*write_word)(struct bytes word, bool first))
{
	struct bytes rest = bytes_from_text(text);
	size_t column = 0;
	while (rest.len) {
		struct bytes word = bytes_first(rest, bytes_find(rest, ' '));
		rest = bytes_from(rest, word.len + 1);
		bool first = !column || column + 1 + word.len > width;
		if (first)
			(void)printf("%s%s", column ? "\n" : "", before);
		else
			(void)putchar(' ');
		column = (first ? strlen(before) : column + 1) + word.len;
		write_word(word, first);
	}
	(void)printf("%s\n", end);
}

/* Defaults that are another for some: an API's own, or under --dev. */
static const struct other {
	const char *whose;
	struct bytes name, text;
} others[] = {
#define BUILT_IN(api, key, text) {#api, {key, sizeof(key) - 1}, {text, sizeof(text) - 1}},
#define DEV(key, yaml) {"--dev", {key, sizeof(key) - 1}, {yaml, sizeof(yaml) - 1}},
#include "ops/option.def"
};

/* Between `before` and `behind`, each. */
static void write_others(const struct option *option, const char *before, const char *behind)
{
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (!bytes_equal(others[i].name, option->name))
			continue;
		(void)printf("%s", before);
		for (const char *at = others[i].whose; *at; at++)
			(void)putchar(ascii_lower(*at));
		(void)printf(": %.*s%s", (int)others[i].text.len, others[i].text.at, behind);
	}
}

/* ---- markdown -------------------------------------------------------------------------------- */

static void markdown_section(struct bytes section)
{
	if (section.len)
		(void)printf("\n### %.*s\n", (int)section.len, section.at);
	(void)printf("\n| key | default | | who may say it |\n|---|---|---|---|\n");
}

static void markdown_option(const struct option *option)
{
	struct problem rule;
	rule_of(option, &rule);
	(void)printf("| `%.*s` | ", (int)option->name.len, option->name.at);
	if (option->home != HOME_ITEM) {
		(void)printf("`");
		write_default(option, "\"");
		(void)printf("`");
		write_others(option, "; ", "");
	}
	(void)printf(" | %s; %s | %s |\n", option->help, rule.text, who_of(option));
}

static void nothing_more(void)
{
}

/* ---- mdoc ------------------------------------------------------------------------------------ */

/* What the formatter would take for its own is written so that it does not. */
static void write_roff(struct bytes word, bool first)
{
	if (first && (word.at[0] == '.' || word.at[0] == '\''))
		(void)printf("\\&");
	for (size_t i = 0; i < word.len; i++) {
		if (word.at[i] == '\\')
			(void)printf("\\e");
		else if (word.at[i] == '-')
			(void)printf("\\-");
		else
			(void)putchar(word.at[i]);
	}
}

/* As one argument of a macro. */
static void write_default_argument(const struct option *option)
{
	(void)printf("\"");
	write_default(option, "\"\"");
	(void)printf("\"");
}

static bool mdoc_open;

static void mdoc_section(struct bytes section)
{
	if (mdoc_open)
		(void)printf(".El\n");
	mdoc_open = true;
	if (section.len)
		(void)printf(".Ss %.*s\n", (int)section.len, section.at);
	(void)printf(".Bl -tag -width Ds\n");
}

static void mdoc_option(const struct option *option)
{
	struct problem rule;
	rule_of(option, &rule);
	(void)printf(".It Cm %.*s\n", (int)option->name.len, option->name.at);
	write_wrapped("", option->help, ";", 78, write_roff);
	write_wrapped("", rule.text, ".", 78, write_roff);
	if (option->home == HOME_ITEM)
		return;
	(void)printf("Default:\n.Ql ");
	write_default_argument(option);
	(void)printf(" .\n");
	write_others(option, "For ", ".\n");
	(void)printf("Said by: %s.\n", who_of(option));
}

static void mdoc_end(void)
{
	(void)printf(".El\n");
}

/* ---- yaml ------------------------------------------------------------------------------------ */

static void yaml_section(struct bytes section)
{
	if (section.len)
		(void)printf("\n%.*s:\n", (int)section.len, section.at);
	else
		(void)printf("\n");
}

/* The words of a name that the one before did not have, each a key of its own. */
static void yaml_option(const struct option *option)
{
	static struct bytes before;
	struct bytes rest = option->name;
	char comment[16];
	int depth = 0;
	if (option->home == HOME_ITEM) {
		char said[600];
		(void)snprintf(said, sizeof(said), "%.*s: %s", (int)option->name.len,
		               option->name.at, option->help);
		write_wrapped(option_find(section_of(option)) ? "# " : "  # ", said, "", 96,
		              write_plain);
		return;
	}
	for (size_t dot; (dot = bytes_find(rest, '.')) < rest.len; depth++) {
		size_t end = (size_t)(rest.at - option->name.at) + dot + 1;
		bool known = bytes_equal(bytes_first(before, end), bytes_first(option->name, end));
		if (depth && !known)
			(void)printf("%*s%.*s:\n", 2 * depth, "", (int)dot, rest.at);
		rest = bytes_from(rest, dot + 1);
	}
	before = option->name;
	(void)snprintf(comment, sizeof(comment), "%*s# ", 2 * depth, "");
	write_wrapped(comment, option->help, "", 96, write_plain);
	(void)printf("%*s#%.*s: ", 2 * depth, "", (int)rest.len, rest.at);
	write_default(option, "\"");
	(void)printf("\n");
}

/* ---------------------------------------------------------------------------------------------- */

static const struct form forms[] = {
    {"markdown", markdown_section, markdown_option, nothing_more},
    {"mdoc", mdoc_section, mdoc_option, mdoc_end},
    {"yaml", yaml_section, yaml_option, nothing_more},
};

static void write_all(const struct form *form)
{
	struct bytes section = BYTES("(none yet)");
	for (size_t i = 0; i < OPTIONS; i++) {
		struct bytes own = section_of(&option_table[i]);
		/* The members of a list that stands outside all sections stand there too. */
		bool outside = option_table[i].home == HOME_ITEM && option_find(own);
		if (outside)
			own = BYTES("");
		if (!bytes_equal(own, section))
			form->section(own);
		section = own;
		form->option(&option_table[i]);
	}
	form->end();
}

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]) && argc == 2; i++) {
		if (strcmp(argv[1], forms[i].name) != 0)
			continue;
		write_all(&forms[i]);
		return 0;
	}
	(void)fprintf(stderr, "usage: option-manual markdown | mdoc | yaml\n");
	return 2;
}
