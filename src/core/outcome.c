/* SPDX-License-Identifier: Apache-2.0 */
#include "core/outcome.h"

#include <assert.h>

struct bytes outcome_label(enum outcome outcome)
{
	static const struct bytes labels[OUTCOME_COUNT] = {
#define OUTCOME(name, label, kind) [OUTCOME_##name] = {label, sizeof(label) - 1},
#include "core/outcome.def"
#undef OUTCOME
	};
	assert(outcome < OUTCOME_COUNT);
	return labels[outcome];
}
