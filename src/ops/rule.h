/* SPDX-License-Identifier: Apache-2.0 */
/* Rules that others have published for codes sent to phones, and which value leaves one. What does
 * is warned of, never refused: it may be another vendor's habit. */
#ifndef OPS_RULE_H
#define OPS_RULE_H

#include "core/record.h"

/* A sentence's end that says which rule is left; NULL: none. */
const char *rule_on_code(const struct policy *code);
const char *rule_on_life(int64_t life_ms);

#endif
