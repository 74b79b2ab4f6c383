/* SPDX-License-Identifier: Apache-2.0 */
#include "core/phrase.h"

static const struct {
	struct bytes tag, text;
} phrases[] = {
#define PHRASE(tag, text) {{"" tag, sizeof(tag) - 1}, {"" text, sizeof(text) - 1}},
#include "core/phrase.def"
#undef PHRASE
};

static bool ends_part(char c)
{
	return c == '-' || c == '_';
}

/* Whether the parts of `tag` are the first parts of `locale`. */
static bool begins(struct bytes tag, struct bytes locale)
{
	if (locale.len < tag.len || (locale.len > tag.len && !ends_part(locale.at[tag.len])))
		return false;
	for (size_t i = 0; i < tag.len; i++) {
		char c = ends_part(locale.at[i]) ? '-' : ascii_lower(locale.at[i]);
		if (c != ascii_lower(tag.at[i]))
			return false;
	}
	return true;
}

struct bytes phrase_find(struct bytes locale)
{
	size_t found = 0, longest = 0;
	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
		if (phrases[i].tag.len > longest && begins(phrases[i].tag, locale)) {
			found = i;
			longest = phrases[i].tag.len;
		}
	return phrases[found].text;
}

static bool is_letter(char c)
{
	c = ascii_lower(c);
	return c >= 'a' && c <= 'z';
}

bool locale_is_sound(struct bytes text)
{
	size_t part = 0, parts = 0;
	if (text.len > LOCALE_MAX)
		return false;
	for (size_t i = 0; i <= text.len; i++) {
		if (i == text.len || ends_part(text.at[i])) {
			if (part < (parts ? 1 : 2) || part > 8)
				return false;
			parts++;
			part = 0;
		} else if (is_letter(text.at[i]) || (parts && ascii_is_digit(text.at[i]))) {
			part++;
		} else {
			return false;
		}
	}
	return true;
}
