/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/rule.h"

#include "base/when.h"

#define CODES_MIN 1000000 /* six decimal digits */
#define LIFE_MAX_MS (10 * MINUTES_MS)

const char *rule_on_code(const struct policy *code)
{
	uint64_t n = 1;
	for (int i = 0; i < code->length && n < CODES_MIN; i++)
		n *= strlen(code->alphabet);
	return n >= CODES_MIN ? NULL
	                      : "fewer codes than six digits make, which NIST SP 800-63B-4 "
	                        "(3.1.3.2) and OWASP ASVS 5.0 (6.5.4) ask for";
}

const char *rule_on_life(int64_t life_ms)
{
	return life_ms <= LIFE_MAX_MS ? NULL
	                              : "longer than the 10 minutes after which NIST SP "
	                                "800-63B-4 (3.1.3.2) and OWASP ASVS 5.0 (6.5.5) want a "
	                                "code invalid";
}
