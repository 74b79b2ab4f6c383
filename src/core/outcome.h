/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of the engine. They are not faults: those are base/err.h. */
#ifndef CORE_OUTCOME_H
#define CORE_OUTCOME_H

#include "base/bytes.h"

enum outcome {
#define OUTCOME(name, label, kind) OUTCOME_##name,
#include "core/outcome.def"
#undef OUTCOME
	OUTCOME_COUNT,
};

/* The label of an event or a log line: a literal. */
struct bytes outcome_label(enum outcome outcome);

#endif
