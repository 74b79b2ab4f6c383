/* SPDX-License-Identifier: Apache-2.0 */
/* A sentence for an operator: what cannot be done, with which file or key, and what to do. */
#ifndef BASE_PROBLEM_H
#define BASE_PROBLEM_H

#include <stdbool.h>

#define PROBLEM_MAX 512 /* longer ones are cut */

struct problem {
	char text[PROBLEM_MAX];
};

/* Writes the sentence; always false, so that a failing function can return it. */
bool problem_say(struct problem *problem, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
