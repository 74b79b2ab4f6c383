/* SPDX-License-Identifier: Apache-2.0 */
#include "core/policy.h"

static const struct {
	struct bytes name;
	const char *symbols;
} named_alphabets[] = {
    {{"digits", 6}, "0123456789"},
    {{"upper-digits", 12}, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
    {{"upper", 5}, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
};
#define NAMED_ALPHABETS (sizeof(named_alphabets) / sizeof(named_alphabets[0]))

static bool symbols_are_sound(struct bytes symbols)
{
	if (symbols.len < 2 || symbols.len > ALPHABET_MAX)
		return false;
	for (size_t i = 0; i < symbols.len; i++)
		if (symbols.at[i] <= ' ' || symbols.at[i] > '~' ||
		    bytes_find(symbols, symbols.at[i]) != i)
			return false;
	return true;
}

bool alphabet_parse(struct bytes text, char ret[ALPHABET_MAX + 1])
{
	for (size_t i = 0; i < NAMED_ALPHABETS; i++)
		if (bytes_equal(text, named_alphabets[i].name))
			text = bytes_from_text(named_alphabets[i].symbols);
	if (!symbols_are_sound(text))
		return false;
	memset(ret, 0, ALPHABET_MAX + 1);
	memcpy(ret, text.at, text.len);
	return true;
}

struct bytes alphabet_text(const char *alphabet)
{
	for (size_t i = 0; i < NAMED_ALPHABETS; i++)
		if (strcmp(alphabet, named_alphabets[i].symbols) == 0)
			return named_alphabets[i].name;
	return bytes_from_text(alphabet);
}
