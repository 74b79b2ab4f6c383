/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/uri.h"

#define ESCAPE_LEN 3 /* %41 */

static int hex_value(char c)
{
	if (ascii_is_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The octet that the escape at in.at stands for, or -1. NUL is none. */
static int escape_value(struct bytes in)
{
	if (in.len < ESCAPE_LEN)
		return -1;
	int high = hex_value(in.at[1]), low = hex_value(in.at[2]);
	if (high < 0 || low < 0 || (high == 0 && low == 0))
		return -1;
	return high * 16 + low;
}

static enum err decode(struct bytes in, bool plus_is_space, struct arena *arena, struct bytes *ret)
{
	if (bytes_find(in, '\0') < in.len)
		return ERR_MALFORMED;
	if (bytes_find(in, '%') == in.len && (!plus_is_space || bytes_find(in, '+') == in.len)) {
		*ret = in.at ? in : BYTES("");
		return OK;
	}
	char *to = arena_take(arena, in.len);
	if (!to)
		return ERR_NO_MEMORY;
	size_t len = 0;
	for (size_t i = 0; i < in.len; i++) {
		char c = in.at[i];
		if (c == '%') {
			int value = escape_value(bytes_from(in, i));
			if (value < 0)
				return ERR_MALFORMED;
			c = (char)value;
			i += ESCAPE_LEN - 1;
		} else if (c == '+' && plus_is_space) {
			c = ' ';
		}
		to[len++] = c;
	}
	*ret = (struct bytes){to, len};
	return OK;
}

enum err uri_decode_segment(struct bytes in, struct arena *arena, struct bytes *ret)
{
	struct bytes decoded;
	enum err err = decode(in, false, arena, &decoded);
	if (err != OK)
		return err;
	if (bytes_equal(decoded, BYTES(".")) || bytes_equal(decoded, BYTES("..")))
		return ERR_MALFORMED;
	*ret = decoded;
	return OK;
}

enum err uri_decode_form(struct bytes in, struct arena *arena, struct bytes *ret)
{
	return decode(in, true, arena, ret);
}

bool uri_pair_next(struct bytes *rest, struct bytes *ret_name, struct bytes *ret_value)
{
	while (rest->len) {
		struct bytes pair = bytes_first(*rest, bytes_find(*rest, '&'));
		*rest = bytes_from(*rest, pair.len + 1);
		if (pair.len == 0)
			continue;
		size_t mark = bytes_find(pair, '=');
		*ret_name = bytes_first(pair, mark);
		*ret_value = mark < pair.len ? bytes_from(pair, mark + 1) : BYTES_NONE;
		return true;
	}
	return false;
}

enum err uri_pair_find(struct bytes pairs, struct bytes name, struct arena *arena,
                       struct bytes *ret)
{
	struct bytes raw_name, raw_value, decoded;
	while (uri_pair_next(&pairs, &raw_name, &raw_value)) {
		enum err err = uri_decode_form(raw_name, arena, &decoded);
		if (err != OK)
			return err;
		if (bytes_equal(decoded, name))
			return uri_decode_form(raw_value, arena, ret);
	}
	*ret = BYTES_NONE;
	return OK;
}
