/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/gsm0338.h"

#define ESCAPE 0x1B
#define NOT_A_CHARACTER 0xFFFD

/* TS 23.038 section 6.2.1; a row has sixteen septets. The escape itself is no character. */
static const uint16_t basic[128] = {
    u'@', u'£', u'$', u'¥', u'è', u'é', u'ù', u'ì', u'ò', u'Ç',  u'\n', u'Ø', u'ø', u'\r', u'Å',
    u'å', u'Δ', u'_', u'Φ', u'Γ', u'Λ', u'Ω', u'Π', u'Ψ', u'Σ',  u'Θ',  u'Ξ', 0,    u'Æ',  u'æ',
    u'ß', u'É', u' ', u'!', u'"', u'#', u'¤', u'%', u'&', u'\'', u'(',  u')', u'*', u'+',  u',',
    u'-', u'.', u'/', u'0', u'1', u'2', u'3', u'4', u'5', u'6',  u'7',  u'8', u'9', u':',  u';',
    u'<', u'=', u'>', u'?', u'¡', u'A', u'B', u'C', u'D', u'E',  u'F',  u'G', u'H', u'I',  u'J',
    u'K', u'L', u'M', u'N', u'O', u'P', u'Q', u'R', u'S', u'T',  u'U',  u'V', u'W', u'X',  u'Y',
    u'Z', u'Ä', u'Ö', u'Ñ', u'Ü', u'§', u'¿', u'a', u'b', u'c',  u'd',  u'e', u'f', u'g',  u'h',
    u'i', u'j', u'k', u'l', u'm', u'n', u'o', u'p', u'q', u'r',  u's',  u't', u'u', u'v',  u'w',
    u'x', u'y', u'z', u'ä', u'ö', u'ñ', u'ü', u'à',
};

/* Section 6.2.1.1: what follows the escape. */
static const struct {
	unsigned char septet;
	uint16_t point;
} extension[] = {
    {0x0A, u'\f'}, {0x14, u'^'}, {0x28, u'{'}, {0x29, u'}'}, {0x2F, u'\\'},
    {0x3C, u'['},  {0x3D, u'~'}, {0x3E, u']'}, {0x40, u'|'}, {0x65, u'€'},
};

size_t gsm0338_encode(uint32_t point, unsigned char ret[2])
{
	for (size_t i = 0; point && i < sizeof(basic) / sizeof(basic[0]); i++)
		if (basic[i] == point) {
			ret[0] = (unsigned char)i;
			return 1;
		}
	for (size_t i = 0; i < sizeof(extension) / sizeof(extension[0]); i++)
		if (extension[i].point == point) {
			ret[0] = ESCAPE;
			ret[1] = extension[i].septet;
			return 2;
		}
	return 0;
}

/* The character that `text` (not empty) begins with, and the octets it takes. */
static uint32_t first_point(struct bytes text, size_t *ret_len)
{
	unsigned char lead = (unsigned char)text.at[0];
	size_t len = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
	static const unsigned char lead_bits[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
	*ret_len = 1;
	if (len > text.len || !bytes_are_utf8(bytes_first(text, len)))
		return NOT_A_CHARACTER;
	uint32_t point = lead & lead_bits[len];
	for (size_t i = 1; i < len; i++)
		point = point << 6 | ((unsigned char)text.at[i] & 0x3F);
	*ret_len = len;
	return point;
}

/* How many units a character takes, whether or not the alphabet has it (0: it has not). */
static size_t width_of(uint32_t point, enum gsm0338_alphabet alphabet)
{
	unsigned char septets[2];
	if (alphabet == GSM0338_UTF16)
		return point > 0xFFFF ? 2 : 1;
	return gsm0338_encode(point, septets);
}

static struct bytes find_outsider(struct bytes text)
{
	for (size_t len; text.len; text = bytes_from(text, len))
		if (!width_of(first_point(text, &len), GSM0338_SEPTETS))
			return bytes_first(text, len);
	return BYTES_NONE;
}

/* The parts of a text that is cut after at most `part_max` units. */
static size_t count_parts(struct bytes text, enum gsm0338_alphabet alphabet, size_t part_max)
{
	size_t parts = 1, used = 0;
	for (size_t len; text.len; text = bytes_from(text, len)) {
		size_t width = width_of(first_point(text, &len), alphabet);
		if (used + width > part_max) {
			parts++;
			used = 0;
		}
		used += width;
	}
	return parts;
}

/* What fits into a message that stands alone, and into one of several. */
static const struct {
	size_t alone, part;
} room[] = {
    [GSM0338_SEPTETS] = {GSM0338_SEPTETS_ALONE, GSM0338_SEPTETS_PART},
    [GSM0338_UTF16] = {GSM0338_UTF16_ALONE, GSM0338_UTF16_PART},
};

void gsm0338_measure(struct bytes text, struct gsm0338_size *ret)
{
	struct bytes outsider = find_outsider(text);
	*ret = (struct gsm0338_size){
	    .alphabet = outsider.at ? GSM0338_UTF16 : GSM0338_SEPTETS,
	    .outsider = outsider,
	    .parts = 1,
	};
	size_t len;
	for (struct bytes rest = text; rest.len; rest = bytes_from(rest, len))
		ret->units += width_of(first_point(rest, &len), ret->alphabet);
	if (ret->units > room[ret->alphabet].alone)
		ret->parts = count_parts(text, ret->alphabet, room[ret->alphabet].part);
}

size_t gsm0338_room(const struct gsm0338_size *size)
{
	return size->parts == 1 ? room[size->alphabet].alone
	                        : size->parts * room[size->alphabet].part;
}

struct bytes gsm0338_name(enum gsm0338_alphabet alphabet)
{
	return alphabet == GSM0338_SEPTETS ? BYTES("GSM 03.38") : BYTES("UCS-2");
}
