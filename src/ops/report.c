/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/report.h"

#include "ops/log.h"

#include <stdarg.h>

#define REMARK_MAX 600 /* octets; longer ones are cut */

void report_init(struct report *report, struct bytes file)
{
	*report = (struct report){.file = file};
	arena_init(&report->arena);
}

void report_done(struct report *report)
{
	arena_done(&report->arena);
}

/* Whatever of a file stands in a remark must not steer the terminal that shows it. */
static void text_tame(char *text)
{
	for (size_t at = 0; text[at];) {
		size_t len = log_dangerous_len(bytes_from_text(text + at));
		for (size_t i = 0; i < len; i++)
			text[at + i] = '?';
		at += len ? len : 1;
	}
}

__attribute__((format(printf, 4, 0))) static void
remark_add(struct report *report, unsigned line, bool warning, const char *format, va_list args)
{
	char text[REMARK_MAX];
	report->mistakes_n += !warning;
	if (report->kept_n == REPORT_MISTAKES_MAX)
		return;
	(void)vsnprintf(text, sizeof(text), format, args);
	text_tame(text);
	struct remark *remark = ARENA_NEW(&report->arena, struct remark);
	if (!remark)
		return; /* counted */
	*remark = (struct remark){
	    .line = line,
	    .warning = warning,
	    .text = arena_copy(&report->arena, bytes_from_text(text)),
	};
	struct remark **place = &report->remarks;
	while (*place && (*place)->line <= line)
		place = &(*place)->next;
	remark->next = *place;
	*place = remark;
	report->kept_n++;
}

void report_mistake(struct report *report, unsigned line, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	remark_add(report, line, false, format, args);
	va_end(args);
}

void report_warning(struct report *report, unsigned line, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	remark_add(report, line, true, format, args);
	va_end(args);
}

struct bytes report_line(const struct report *report, const struct remark *remark,
                         struct arena *arena)
{
	const char *file = report->file.len ? report->file.at : "verifyd";
	const char *kind = remark->warning ? "warning: " : "";
	if (!remark->line)
		return arena_printf(arena, "%s: %s%s", file, kind, remark->text.at);
	return arena_printf(arena, "%s:%u: %s%s", file, remark->line, kind, remark->text.at);
}

void report_print(const struct report *report, bool warnings, FILE *to)
{
	struct arena arena;
	size_t told = 0;
	arena_init(&arena);
	for (const struct remark *remark = report->remarks; remark; remark = remark->next) {
		if (remark->warning && !warnings)
			continue;
		struct bytes line = report_line(report, remark, &arena);
		told += !remark->warning;
		(void)fprintf(to, "%s\n", line.at ? line.at : "out of memory");
	}
	if (report->mistakes_n > told)
		(void)fprintf(to, "and %zu more\n", report->mistakes_n - told);
	arena_done(&arena);
}
