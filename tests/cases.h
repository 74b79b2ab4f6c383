/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of rows as cmocka cases: one case a row, so that each is counted and named by itself. A
 * program prints one plan, so all its cases go into one list, which is run once. Includes cmocka
 * with what that needs. */
#ifndef TESTS_CASES_H
#define TESTS_CASES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define CASES_MAX 2048

struct cases {
	struct CMUnitTest at[CASES_MAX];
	size_t n;
};

/* The row a case runs for. */
#define ROW_OF(state, type) ((const type *)*(state))

static inline void cases_add(struct cases *cases, const struct CMUnitTest *tests, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (cases->n == CASES_MAX)
			abort();
		cases->at[cases->n++] = tests[i];
	}
}

/* `run` once for each of the `n` rows at `rows`, each `size` octets long and beginning with its
 * name (a `const char *`), which the report shows after `what`. */
static inline void cases_add_rows(struct cases *cases, const char *what, const void *rows, size_t n,
                                  size_t size, CMUnitTestFunction run)
{
	for (size_t i = 0; i < n; i++) {
		const char *row = (const char *)rows + i * size;
		char *name = NULL;
		if (asprintf(&name, "%s: %s", what, *(const char *const *)(const void *)row) < 0)
			abort();
		cases_add(cases,
		          &(struct CMUnitTest){.name = name,
		                               .test_func = run,
		                               .initial_state = (void *)(uintptr_t)row},
		          1);
	}
}

#define CASES_ADD(cases, tests) cases_add(cases, tests, sizeof(tests) / sizeof((tests)[0]))
#define CASES_ADD_ROWS(cases, what, rows, run)                                                     \
	cases_add_rows(cases, what, rows, sizeof(rows) / sizeof((rows)[0]), sizeof((rows)[0]), run)

/* Runs them all; what main returns. Names live as long as the program. */
static inline int cases_run(const char *group, struct cases *cases)
{
	return _cmocka_run_group_tests(group, cases->at, cases->n, NULL, NULL) > 0;
}

#endif
