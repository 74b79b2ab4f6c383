/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong in a file: remarks by line, collected while it is read and told at the end, so that
 * one look shows all of them. */
#ifndef OPS_REPORT_H
#define OPS_REPORT_H

#include "base/arena.h"

#include <stdio.h>

#define REPORT_MISTAKES_MAX 100 /* told; the rest is counted */

/* A mistake, or a warning: what works, but is not wise. */
struct remark {
	struct remark *next; /* by line */
	unsigned line;       /* 0: of no line */
	bool warning;
	struct bytes text;
};

struct report {
	struct bytes file; /* as it was named, with a NUL; absent: none; borrowed */
	struct arena arena;
	struct remark *remarks;
	size_t mistakes_n; /* those not kept too */
	size_t kept_n;
};

void report_init(struct report *report, struct bytes file);
void report_done(struct report *report);

void report_mistake(struct report *report, unsigned line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void report_warning(struct report *report, unsigned line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "FILE:LINE: TEXT", without LINE when there is none, with a NUL, in `arena`. Absent: no memory. */
struct bytes report_line(const struct report *report, const struct remark *remark,
                         struct arena *arena);

/* All of them, a line each; without `warnings` the mistakes alone. */
void report_print(const struct report *report, bool warnings, FILE *to);

#endif
