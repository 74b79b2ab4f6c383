/* SPDX-License-Identifier: Apache-2.0 */
/* A phone number once it is understood: E.164 digits, one spelling for one line. */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#define NUMBER_DIGITS_MAX 15 /* ITU-T E.164 section 6.1 */

/* The digits without `+`, NUL-terminated; empty: no number. */
struct number {
	char digits[NUMBER_DIGITS_MAX + 1];
};

#endif
