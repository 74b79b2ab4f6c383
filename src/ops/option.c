/* SPDX-License-Identifier: Apache-2.0 */
/* The table, and how names are found in it. */
#include "ops/option.h"

#include "base/when.h"
#include "ops/settings.h"

#define NEAREST_MAX 64 /* octets of a word that is compared */

const struct option option_table[OPTIONS] = {
#define OPTION(key, field, kind, least, most, text, where, about)                                  \
	{                                                                                          \
	    .name = {key, sizeof(key) - 1},                                                        \
	    .type = OPTION_##kind,                                                                 \
	    .home = HOME_##where,                                                                  \
	    .offset = offsetof(struct settings, field),                                            \
	    .size = sizeof(((struct settings *)0)->field),                                         \
	    .min = (least),                                                                        \
	    .max = (most),                                                                         \
	    .default_text = {text, sizeof(text) - 1},                                              \
	    .help = (about),                                                                       \
	},
#define SERVER(key, field, kind, least, most, text, when, about)                                   \
	{                                                                                          \
	    .name = {key, sizeof(key) - 1},                                                        \
	    .type = OPTION_##kind,                                                                 \
	    .home = HOME_SERVER,                                                                   \
	    .applies = APPLIES_##when,                                                             \
	    .offset = offsetof(struct server_settings, field),                                     \
	    .size = sizeof(((struct server_settings *)0)->field),                                  \
	    .min = (least),                                                                        \
	    .max = (most),                                                                         \
	    .default_text = {text, sizeof(text) - 1},                                              \
	    .help = (about),                                                                       \
	},
#define LIST(key, field, most, when, about)                                                        \
	{                                                                                          \
	    .name = {key, sizeof(key) - 1},                                                        \
	    .type = OPTION_LIST,                                                                   \
	    .home = HOME_SERVER,                                                                   \
	    .applies = APPLIES_##when,                                                             \
	    .offset = offsetof(struct server_settings, field.at),                                  \
	    .size = sizeof(((struct server_settings *)0)->field.at[0]),                            \
	    .count_offset = offsetof(struct server_settings, field.n),                             \
	    .max = (most),                                                                         \
	    .help = (about),                                                                       \
	},
#define ITEM(key, element, field, kind, least, most, about)                                        \
	{                                                                                          \
	    .name = {key, sizeof(key) - 1},                                                        \
	    .type = OPTION_##kind,                                                                 \
	    .home = HOME_ITEM,                                                                     \
	    .offset = offsetof(struct element, field),                                             \
	    .size = sizeof(((struct element *)0)->field),                                          \
	    .min = (least),                                                                        \
	    .max = (most),                                                                         \
	    .help = (about),                                                                       \
	},
#include "ops/option.def"
};

static const struct bytes not_yet[] = {
#define NOT_YET(key) {key, sizeof(key) - 1},
#include "ops/option.def"
};

const struct option_dev option_dev[] = {
#define DEV(key, yaml) {{key, sizeof(key) - 1}, {yaml, sizeof(yaml) - 1}},
#include "ops/option.def"
};
const size_t option_dev_n = sizeof(option_dev) / sizeof(option_dev[0]);

/* ---- names ----------------------------------------------------------------------------------- */

/* Whether `name` lies below `section`; everything lies below the empty one. */
static bool is_below(struct bytes name, struct bytes section)
{
	return !section.len || (name.len > section.len && bytes_start_with(name, section) &&
	                        name.at[section.len] == '.');
}

const struct option *option_find(struct bytes name)
{
	for (size_t i = 0; i < OPTIONS; i++)
		if (bytes_equal(option_table[i].name, name))
			return &option_table[i];
	return NULL;
}

bool option_is_section(struct bytes name)
{
	for (size_t i = 0; i < OPTIONS; i++)
		if (is_below(option_table[i].name, name))
			return true;
	return false;
}

bool option_is_not_yet(struct bytes name)
{
	if (option_find(name) || option_is_section(name))
		return false;
	for (size_t i = 0; i < sizeof(not_yet) / sizeof(not_yet[0]); i++)
		if (bytes_equal(not_yet[i], name) || is_below(name, not_yet[i]))
			return true;
	return false;
}

/* ---- the nearest name ------------------------------------------------------------------------ */

static size_t least_of(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Letters to add, drop, change, or swap with their neighbour (optimal string alignment). */
static size_t distance(struct bytes a, struct bytes b)
{
	size_t rows[3][NEAREST_MAX + 1], *before = rows[0], *above = rows[1], *row = rows[2];
	if (a.len > NEAREST_MAX || b.len > NEAREST_MAX)
		return NEAREST_MAX;
	for (size_t j = 0; j <= b.len; j++)
		above[j] = before[j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			bool same = ascii_lower(a.at[i - 1]) == ascii_lower(b.at[j - 1]);
			row[j] = least_of(above[j - 1] + !same, least_of(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a.at[i - 1] == b.at[j - 2] &&
			    a.at[i - 2] == b.at[j - 1])
				row[j] = least_of(row[j], before[j - 2] + 1);
		}
		size_t *oldest = before;
		before = above;
		above = row;
		row = oldest;
	}
	return above[b.len];
}

/* The part of `name` that stands in `section`: "ttl" of "code.ttl" in "code". */
static struct bytes word_in(struct bytes name, struct bytes section)
{
	struct bytes rest = section.len ? bytes_from(name, section.len + 1) : name;
	return bytes_first(rest, least_of(bytes_find(rest, '.'), bytes_find(rest, '[')));
}

static struct bytes last_word(struct bytes name)
{
	size_t dot;
	while ((dot = bytes_find(name, '.')) < name.len)
		name = bytes_from(name, dot + 1);
	return name;
}

struct bytes option_nearest(struct bytes section, struct bytes word)
{
	struct bytes best = BYTES_NONE, ends_so = BYTES_NONE;
	size_t best_distance = word.len / 3 + 1 < 3 ? word.len / 3 + 1 : 3, ends_n = 0;
	for (size_t i = 0; i < OPTIONS; i++) {
		struct bytes name = option_table[i].name;
		if (bytes_equal(last_word(name), word)) {
			ends_so = name;
			ends_n++;
		}
		if (!is_below(name, section))
			continue;
		struct bytes candidate = word_in(name, section);
		size_t apart = distance(candidate, word);
		if (apart >= best_distance && !(apart == best_distance && !best.at))
			continue;
		best_distance = apart;
		best = bytes_first(name, (size_t)(candidate.at - name.at) + candidate.len);
	}
	/* The very word elsewhere says more than one that is only like it. */
	return best.at && (best_distance == 0 || ends_n != 1) ? best
	       : ends_n == 1                                  ? ends_so
	                                                      : BYTES_NONE;
}
