/* SPDX-License-Identifier: Apache-2.0 */
/* What every unit test starts with: cmocka with what it needs included before it, and rows. */
#ifndef TESTS_SUPPORT_UNIT_H
#define TESTS_SUPPORT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
/* cmocka comes last: it needs the four above. */
#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* One row of a table: says which one failed. */
#define assert_row(name, truth)                                                                    \
	do {                                                                                       \
		if (!(truth))                                                                      \
			fail_msg("row \"%s\": %s", (name), #truth);                                \
	} while (0)

#endif
