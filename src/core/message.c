/* SPDX-License-Identifier: Apache-2.0 */
#include "core/message.h"

#define SENDER_MIN 2
#define SENDER_DIGITS_MAX 15  /* of a number */
#define SENDER_LETTERS_MAX 11 /* of an alphanumeric originator (3GPP TS 23.040 section 9.1.2.5) */

#define CODE_NAME BYTES("{{code}}")
#define MINUTES_NAME BYTES("{{validMinutes}}")
#define MINUTE_MS 60000

static unsigned long long minutes_left(int64_t life_left_ms)
{
	if (life_left_ms <= MINUTE_MS)
		return 1;
	return ((unsigned long long)life_left_ms + MINUTE_MS - 1) / MINUTE_MS;
}

void message_fill(struct bytes template, struct bytes code, int64_t life_left_ms,
                  struct buf *ret_text)
{
	while (template.len) {
		size_t plain = bytes_find(template, '{');
		buf_add(ret_text, bytes_first(template, plain));
		template = bytes_from(template, plain);
		if (bytes_start_with(template, CODE_NAME)) {
			buf_add(ret_text, code);
			template = bytes_from(template, CODE_NAME.len);
		} else if (bytes_start_with(template, MINUTES_NAME)) {
			buf_add_u64(ret_text, minutes_left(life_left_ms));
			template = bytes_from(template, MINUTES_NAME.len);
		} else if (template.len) {
			buf_add_char(ret_text, '{');
			template = bytes_from(template, 1);
		}
	}
}

bool message_has_code(struct bytes template)
{
	for (; template.len; template = bytes_from(template, 1)) {
		template = bytes_from(template, bytes_find(template, '{'));
		if (bytes_start_with(template, CODE_NAME))
			return true;
	}
	return false;
}

size_t message_utf16_units(struct bytes text)
{
	size_t units = 0;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char octet = (unsigned char)text.at[i];
		/* Each sequence counts at its first octet; four-octet ones are surrogate pairs. */
		if ((octet & 0xC0) != 0x80)
			units += octet >= 0xF0 ? 2 : 1;
	}
	return units;
}

static bool is_sender_char(char c)
{
	char lower = ascii_lower(c);
	return ascii_is_digit(c) || (lower >= 'a' && lower <= 'z') || c == '-' || c == '_' ||
	       c == '.' || c == ' ';
}

bool message_sender_is_sound(struct bytes sender)
{
	bool digits_only = true;
	for (size_t i = 0; i < sender.len; i++) {
		if (!is_sender_char(sender.at[i]))
			return false;
		digits_only &= ascii_is_digit(sender.at[i]);
	}
	return sender.len >= SENDER_MIN &&
	       sender.len <= (size_t)(digits_only ? SENDER_DIGITS_MAX : SENDER_LETTERS_MAX);
}
