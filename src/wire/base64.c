/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/base64.h"

void base64_encode(struct bytes in, char *ret)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t at = 0; at < in.len; at += 3) {
		size_t left = in.len - at;
		uint32_t group = (uint32_t)(uint8_t)in.at[at] << 16;
		if (left > 1)
			group |= (uint32_t)(uint8_t)in.at[at + 1] << 8;
		if (left > 2)
			group |= (uint8_t)in.at[at + 2];
		*ret++ = digits[group >> 18];
		*ret++ = digits[group >> 12 & 63];
		*ret++ = left > 1 ? digits[group >> 6 & 63] : '=';
		*ret++ = left > 2 ? digits[group & 63] : '=';
	}
}

static int digit_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (ascii_is_digit(c))
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

enum err base64_decode(struct bytes in, uint8_t *ret, size_t *ret_len)
{
	size_t padding = 0, len = 0;
	uint32_t bits = 0;
	if (in.len % 4 != 0)
		return ERR_MALFORMED;
	while (padding < 2 && padding < in.len && in.at[in.len - 1 - padding] == '=')
		padding++;
	for (size_t at = 0; at < in.len - padding; at++) {
		int value = digit_value(in.at[at]);
		if (value < 0)
			return ERR_MALFORMED;
		bits = bits << 6 | (uint32_t)value;
		if (at % 4 != 0)
			ret[len++] = (uint8_t)(bits >> (6 - at % 4 * 2));
	}
	/* One padding leaves 2 bits that encode nothing, two leave 4. */
	if (padding && bits & ((1U << 2 * padding) - 1))
		return ERR_MALFORMED;
	*ret_len = len;
	return OK;
}
