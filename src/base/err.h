/* SPDX-License-Identifier: Apache-2.0 */
/* Faults. A function that can meet one returns `enum err` and must be looked at. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#define MUST_CHECK __attribute__((warn_unused_result))

enum err {
	OK = 0,
#define ERR(name, text) ERR_##name,
#include "base/err.def"
#undef ERR
	ERR_COUNT,
};

/* A literal for a log line; never NULL. */
const char *err_text(enum err err);

#endif
