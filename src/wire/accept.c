/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/accept.h"

/* How closely a range names a type. */
enum closeness { NOT_AT_ALL, ANYTHING, ANY_OF_ITS_KIND, ITSELF };

/* qvalue: 0, 1, 0.ddd or 1.000 (section 12.4.2), in thousandths; -1 for anything else. */
static int weight_parse(struct bytes text)
{
	if (!text.len || (text.at[0] != '0' && text.at[0] != '1') || text.len > 5 ||
	    (text.len > 1 && text.at[1] != '.'))
		return -1;
	int weight = (text.at[0] - '0') * ACCEPT_WEIGHT_MAX, unit = ACCEPT_WEIGHT_MAX / 10;
	for (size_t i = 2; i < text.len; i++, unit /= 10) {
		if (!ascii_is_digit(text.at[i]))
			return -1;
		weight += (text.at[i] - '0') * unit;
	}
	return weight <= ACCEPT_WEIGHT_MAX ? weight : -1;
}

static bool is_token(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] <= ' ' || text.at[i] >= 0x7f ||
		    strchr("()<>@,;:\\\"/[]?={}", text.at[i]))
			return false;
	return text.len > 0;
}

static enum closeness range_fits(struct bytes range, struct bytes type)
{
	size_t slash = bytes_find(range, '/');
	struct bytes kind = bytes_first(range, slash);
	struct bytes rest = slash < range.len ? bytes_from(range, slash + 1) : BYTES_NONE;
	if (!is_token(kind) || !is_token(rest))
		return NOT_AT_ALL;
	if (bytes_equal(range, BYTES("*/*")))
		return ANYTHING;
	if (bytes_equal(rest, BYTES("*")))
		return bytes_equal_fold(kind, bytes_first(type, bytes_find(type, '/')))
		           ? ANY_OF_ITS_KIND
		           : NOT_AT_ALL;
	return bytes_equal_fold(range, type) ? ITSELF : NOT_AT_ALL;
}

/* The next piece before `end`, outside quoted strings; `*text` goes on behind it. */
static struct bytes piece_next(struct bytes *text, char end)
{
	bool quoted = false;
	size_t i = 0;
	for (; i < text->len; i++) {
		char c = text->at[i];
		if (quoted && c == '\\' && i + 1 < text->len)
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && c == end)
			break;
	}
	struct bytes piece = bytes_trim(bytes_first(*text, i));
	*text = i < text->len ? bytes_from(*text, i + 1) : BYTES_NONE;
	return piece;
}

/* The weight that an element gives; -1 when it makes no sense. */
static int element_weight(struct bytes parameters)
{
	while (parameters.at) {
		struct bytes parameter = piece_next(&parameters, ';');
		size_t equals = bytes_find(parameter, '=');
		if (bytes_equal_fold(bytes_trim(bytes_first(parameter, equals)), BYTES("q")))
			return equals < parameter.len
			           ? weight_parse(bytes_trim(bytes_from(parameter, equals + 1)))
			           : -1;
	}
	return ACCEPT_WEIGHT_MAX;
}

int accept_weight(const struct http_field *fields, size_t fields_n, struct bytes type)
{
	enum closeness closest = NOT_AT_ALL;
	int weight = 0;
	bool given = false;
	for (size_t i = 0; i < fields_n; i++) {
		if (!bytes_equal_fold(fields[i].name, BYTES("Accept")))
			continue;
		struct bytes list = fields[i].value;
		given = true;
		while (list.at) {
			struct bytes element = piece_next(&list, ',');
			enum closeness fits = range_fits(piece_next(&element, ';'), type);
			int its_weight = element_weight(element);
			if (its_weight < 0 || fits < closest || fits == NOT_AT_ALL)
				continue;
			weight = fits > closest || its_weight > weight ? its_weight : weight;
			closest = fits;
		}
	}
	return given ? weight : ACCEPT_WEIGHT_MAX;
}
