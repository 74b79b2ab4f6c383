/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers that were already read: taking them back, masking them. No numbering plan: only how ITU
 * divides the world's calling codes into lengths, which has not changed since 1964. */
#include "base/number.h"

#include <assert.h>
#include <stdint.h>

bool number_from_digits(struct bytes digits, struct number *ret)
{
	if (digits.len && digits.at[0] == '+')
		digits = bytes_from(digits, 1);
	if (digits.len < NUMBER_DIGITS_MIN || digits.len > NUMBER_DIGITS_MAX || digits.at[0] == '0')
		return false;
	struct number number = {{0}};
	for (size_t i = 0; i < digits.len; i++) {
		if (!ascii_is_digit(digits.at[i]))
			return false;
		number.digits[i] = digits.at[i];
	}
	*ret = number;
	return true;
}

/* One more than the greatest number: 10 to the power of NUMBER_DIGITS_MAX. */
#define NUMBERS_END INT64_C(1000000000000000)

int64_t number_to_integer(const struct number *number)
{
	int64_t integer = 0;
	for (const char *at = number->digits; *at; at++)
		integer = integer * 10 + (*at - '0');
	return number_is_pseudo(number) ? NUMBERS_END + integer : integer;
}

bool number_from_integer(int64_t integer, struct number *ret)
{
	char digits[NUMBER_DIGITS_MAX];
	size_t at = NUMBER_DIGITS_MAX;
	/* Behind its 0 a pseudo-number has one digit less, the first of them not 0. */
	bool is_pseudo =
	    integer >= NUMBERS_END + NUMBERS_END / 100 && integer < NUMBERS_END + NUMBERS_END / 10;
	for (integer -= is_pseudo ? NUMBERS_END : 0; integer > 0 && at; integer /= 10)
		digits[--at] = (char)('0' + integer % 10);
	if (is_pseudo) {
		*ret = (struct number){{'0'}};
		memcpy(ret->digits + 1, digits + at, NUMBER_DIGITS_MAX - at);
		return true;
	}
	return integer == 0 &&
	       number_from_digits((struct bytes){digits + at, NUMBER_DIGITS_MAX - at}, ret);
}

void number_make_pseudo(const void *from, struct number *ret)
{
	const uint8_t *octets = from;
	*ret = (struct number){{'0', (char)('1' + octets[1] % 9)}};
	for (size_t i = 2; i < NUMBER_DIGITS_MAX; i++)
		ret->digits[i] = (char)('0' + octets[i] % 10);
}

/* Bit d of row z: the code `zd` is whole with two digits (ITU-T E.164 annex, zones 2 to 9). Zones 1
 * and 7 are whole with one, all the rest takes three. */
static const uint16_t two_digit_codes[10] = {
    [2] = 1 << 0 | 1 << 7,                     /* 20 27 */
    [3] = 0x3FF & ~(1 << 5 | 1 << 7 | 1 << 8), /* 30-34 36 39 */
    [4] = 0x3FF & ~(1 << 2),                   /* 40 41 43-49 */
    [5] = 0x3FF & ~(1 << 0 | 1 << 9),          /* 51-58 */
    [6] = 0x7F,                                /* 60-66 */
    [8] = 1 << 1 | 1 << 2 | 1 << 4 | 1 << 6,   /* 81 82 84 86 */
    [9] = 0x3FF & ~(1 << 6 | 1 << 7 | 1 << 9), /* 90-95 98 */
};

size_t number_code_len(const struct number *number)
{
	assert(!number_is_none(number));
	unsigned zone = (unsigned)(number->digits[0] - '0');
	unsigned next = (unsigned)(number->digits[1] - '0');
	assert(zone < 10 && next < 10);
	if (zone == 1 || zone == 7)
		return 1;
	return two_digit_codes[zone] >> next & 1 ? 2 : 3;
}

void number_mask(const struct number *number, char ret[NUMBER_MASK_LEN + 1])
{
	if (number_is_none(number) || number_is_pseudo(number)) {
		memcpy(ret, "-", 2);
		return;
	}
	size_t code_len = number_code_len(number);
	size_t len = strlen(number->digits);
	assert(len >= NUMBER_DIGITS_MIN);
	char *at = ret;
	*at++ = '+';
	memcpy(at, number->digits, code_len);
	at += code_len;
	memcpy(at, "******", 6);
	at += 6;
	memcpy(at, number->digits + len - 2, 2);
	at[2] = '\0';
}
