/* SPDX-License-Identifier: Apache-2.0 */
/* A phone number as everything after its reading holds it. wire/e164 makes them; nobody else does,
 * save the stores that read back what they once wrote. */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include "base/bytes.h"

#include <stdint.h>

#define NUMBER_DIGITS_MAX 15 /* ITU-T E.164 section 6.2.1 */
#define NUMBER_DIGITS_MIN                                                                          \
	4                  /* no plan has a shorter whole number: a calling code and three digits */
#define NUMBER_MASK_LEN 12 /* +999******99 */

/* E.164 digits without the `+`; NUL fills the rest, so that equal numbers are equal memory. All
 * zero is "no number". */
struct number {
	char digits[NUMBER_DIGITS_MAX + 1];
};

static inline bool number_equal(const struct number *a, const struct number *b)
{
	return memcmp(a->digits, b->digits, sizeof(a->digits)) == 0;
}

static inline bool number_is_none(const struct number *number)
{
	return number->digits[0] == '\0';
}

static inline struct bytes number_bytes(const struct number *number)
{
	return bytes_from_text(number->digits);
}

/* Takes digits that e164_parse once made, with or without `+`: NUMBER_DIGITS_MIN to
 * NUMBER_DIGITS_MAX of them, the first not 0. False for anything else. Does not know the plan. */
bool number_from_digits(struct bytes digits, struct number *ret);

/* A number that is nobody's, for somebody who is not there: NUMBER_DIGITS_MAX digits of which the
 * first is 0, as no calling code is, and the second is not. Made of as many octets at `from`, so
 * that equal octets give equal numbers. */
void number_make_pseudo(const void *from, struct number *ret);

static inline bool number_is_pseudo(const struct number *number)
{
	return number->digits[0] == '0';
}

/* The digits as one integer and back; pseudo-numbers come after all others. No number is 0. False
 * for what no number makes. */
int64_t number_to_integer(const struct number *number);
bool number_from_integer(int64_t integer, struct number *ret);

/* How many of the first digits are the calling code: 1 to 3. */
size_t number_code_len(const struct number *number);

/* What a log may show: `+`, calling code, six stars whatever the length, last two digits:
 * +44******23. "-" for no number, and for one that is nobody's. */
void number_mask(const struct number *number, char ret[NUMBER_MASK_LEN + 1]);

#endif
