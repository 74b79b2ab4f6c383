/* SPDX-License-Identifier: Apache-2.0 */
/* The alphabets codes are made of. */
#ifndef CORE_POLICY_H
#define CORE_POLICY_H

#include "core/record.h"

/* Reads an alphabet: `digits`, `upper-digits`, `upper`, or 2 to ALPHABET_MAX printable ASCII
 * symbols, none twice and no space. False for anything else. */
bool alphabet_parse(struct bytes text, char ret[ALPHABET_MAX + 1]);
/* Its name when it has one, else the symbols themselves. Borrowed from `alphabet` or a literal. */
struct bytes alphabet_text(const char *alphabet);

#endif
