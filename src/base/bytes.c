/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing, cutting and judging borrowed octets. No allocation. */
#include "base/bytes.h"

#include <stdint.h>

bool bytes_equal_fold(struct bytes a, struct bytes b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (ascii_lower(a.at[i]) != ascii_lower(b.at[i]))
			return false;
	return true;
}

bool bytes_start_with(struct bytes in, struct bytes prefix)
{
	return in.len >= prefix.len && bytes_equal(bytes_first(in, prefix.len), prefix);
}

size_t bytes_find(struct bytes in, char c)
{
	const char *found = in.len ? memchr(in.at, c, in.len) : NULL;
	return found ? (size_t)(found - in.at) : in.len;
}

struct bytes bytes_trim(struct bytes in)
{
	while (in.len && (in.at[0] == ' ' || in.at[0] == '\t'))
		in = bytes_from(in, 1);
	while (in.len && (in.at[in.len - 1] == ' ' || in.at[in.len - 1] == '\t'))
		in.len--;
	return in;
}

/* How many continuation octets follow `lead`, and the range of the first of them: the table of
 * RFC 3629 section 4. Returns -1 for an octet that begins nothing. */
static int utf8_tail(uint8_t lead, uint8_t *ret_low, uint8_t *ret_high)
{
	*ret_low = 0x80;
	*ret_high = 0xBF;
	if (lead < 0x80)
		return 0;
	if (lead >= 0xC2 && lead <= 0xDF)
		return 1;
	if (lead >= 0xE0 && lead <= 0xEF) {
		if (lead == 0xE0)
			*ret_low = 0xA0;
		if (lead == 0xED)
			*ret_high = 0x9F;
		return 2;
	}
	if (lead >= 0xF0 && lead <= 0xF4) {
		if (lead == 0xF0)
			*ret_low = 0x90;
		if (lead == 0xF4)
			*ret_high = 0x8F;
		return 3;
	}
	return -1;
}

bool bytes_are_utf8(struct bytes in)
{
	size_t i = 0;
	while (i < in.len) {
		uint8_t low, high;
		int tail = utf8_tail((uint8_t)in.at[i], &low, &high);
		if (tail < 0 || in.len - i <= (size_t)tail)
			return false;
		i++;
		for (; tail > 0; tail--, i++) {
			uint8_t octet = (uint8_t)in.at[i];
			if (octet < low || octet > high)
				return false;
			low = 0x80;
			high = 0xBF;
		}
	}
	return true;
}
