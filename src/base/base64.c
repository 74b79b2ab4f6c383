/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

static const char standard_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Whole groups of three octets, then 2 or 3 digits for what is left; returns where it stopped. */
static char *digits_encode(struct bytes in, const char *digits, char *ret)
{
	for (size_t at = 0; at < in.len; at += 3) {
		size_t left = in.len - at;
		uint32_t group = (uint32_t)(uint8_t)in.at[at] << 16;
		if (left > 1)
			group |= (uint32_t)(uint8_t)in.at[at + 1] << 8;
		if (left > 2)
			group |= (uint8_t)in.at[at + 2];
		*ret++ = digits[group >> 18];
		*ret++ = digits[group >> 12 & 63];
		if (left > 1)
			*ret++ = digits[group >> 6 & 63];
		if (left > 2)
			*ret++ = digits[group & 63];
	}
	return ret;
}

void base64_encode(struct bytes in, char *ret)
{
	char *end = ret + BASE64_LEN(in.len);
	for (char *at = digits_encode(in, standard_digits, ret); at < end; at++)
		*at = '=';
}

void base64url_encode(struct bytes in, char *ret)
{
	(void)digits_encode(in, url_digits, ret);
}

static int digit_value(char c, const char *digits)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (ascii_is_digit(c))
		return c - '0' + 52;
	return c == digits[62] ? 62 : c == digits[63] ? 63 : -1;
}

/* What follows the whole groups: nothing, or 2 or 3 digits whose last 4 or 2 bits encode nothing.
 */
static enum err digits_decode(struct bytes in, const char *digits, uint8_t *ret, size_t *ret_len)
{
	size_t len = 0, rest = in.len % 4;
	uint32_t bits = 0;
	if (rest == 1)
		return ERR_MALFORMED;
	for (size_t at = 0; at < in.len; at++) {
		int value = digit_value(in.at[at], digits);
		if (value < 0)
			return ERR_MALFORMED;
		bits = bits << 6 | (uint32_t)value;
		if (at % 4 != 0)
			ret[len++] = (uint8_t)(bits >> (6 - at % 4 * 2));
	}
	if (rest && bits & ((1U << 2 * (4 - rest)) - 1))
		return ERR_MALFORMED;
	*ret_len = len;
	return OK;
}

enum err base64_decode(struct bytes in, uint8_t *ret, size_t *ret_len)
{
	size_t padding = 0;
	if (in.len % 4 != 0)
		return ERR_MALFORMED;
	while (padding < 2 && padding < in.len && in.at[in.len - 1 - padding] == '=')
		padding++;
	return digits_decode(bytes_first(in, in.len - padding), standard_digits, ret, ret_len);
}

enum err base64url_decode(struct bytes in, uint8_t *ret, size_t *ret_len)
{
	return digits_decode(in, url_digits, ret, ret_len);
}
