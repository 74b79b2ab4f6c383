/* SPDX-License-Identifier: Apache-2.0 */
/* What a fuzz target defines: one call for one input. */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include "base/bytes.h"

#include <stdint.h>

/* Returns 0; stops the program when the input finds a mistake. */
int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

/* The input as the codecs take it. */
static inline struct bytes fuzz_input(const uint8_t *at, size_t len)
{
	return (struct bytes){(const char *)at, len};
}

#endif
