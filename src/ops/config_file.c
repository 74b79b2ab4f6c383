/* SPDX-License-Identifier: Apache-2.0 */
/* From the tree of a YAML file to settings: keys nested as the names of the table are, so that
 * `limits: {resend_delay: {first: 1m}}` is limits.resend_delay.first. */
#include "ops/config_private.h"

#include <stdio.h>

static struct bytes path_of(const struct reading *reading)
{
	return (struct bytes){reading->path, reading->path_len};
}

/* False: it is longer than any name. */
static bool path_push(struct reading *reading, struct bytes name)
{
	size_t dot = reading->path_len ? 1 : 0;
	if (name.len + dot > OPTION_PATH_MAX - reading->path_len)
		return false;
	if (dot)
		reading->path[reading->path_len++] = '.';
	memcpy(reading->path + reading->path_len, name.at, name.len);
	reading->path_len += name.len;
	reading->path[reading->path_len] = '\0';
	return true;
}

static void path_cut(struct reading *reading, size_t len)
{
	reading->path_len = len;
	reading->path[len] = '\0';
}

/* The place in reading->lines of what is said in the layer. */
static unsigned *lines_of(struct reading *reading, const struct settings_layer *layer)
{
	struct settings_layers *layers = &reading->config->layers;
	for (size_t api = 0; api < API_NAMES; api++)
		if (layer == &layers->of_api[api])
			return reading->lines[1 + api];
	return reading->lines[0];
}

/* A key that is none; the path up to `outer` is where it stands. */
static void unknown_tell(struct reading *reading, const struct yaml_node *node, size_t outer)
{
	struct bytes section = bytes_first(path_of(reading), outer), in_table = section;
	unsigned line = node->name_line;
	/* As the table has it: an API's `code` and `limits` are found outside. */
	(void)settings_layer_of(&reading->config->layers, &in_table);
	struct bytes cut = bytes_first(section, section.len - in_table.len);
	struct bytes nearest = option_nearest(in_table, node->name);
	struct bytes full =
	    arena_printf(&reading->arena, "%.*s%s%.*s", (int)section.len, section.at,
	                 outer ? "." : "", (int)node->name.len, node->name.at);
	if (bytes_find(node->name, '.') < node->name.len)
		report_mistake(reading->report, line,
		               "%.*s has a dot: write a key in a line of its own for each part, "
		               "nested by indentation",
		               (int)full.len, full.at);
	else if (nearest.at)
		report_mistake(reading->report, line,
		               "%.*s is not a setting; did you mean %.*s%.*s?", (int)full.len,
		               full.at, (int)cut.len, cut.at, (int)nearest.len, nearest.at);
	else
		report_mistake(reading->report, line, "%.*s is not a setting", (int)full.len,
		               full.at);
}

/* ---- values ---------------------------------------------------------------------------------- */

static bool value_take(struct reading *reading, const struct option *option,
                       const struct yaml_node *node, void *base)
{
	struct bytes text, shown;
	struct problem problem;
	if (!reading_text(reading, option, node, &text, &shown))
		return false;
	if (option_read(option, text, base, &problem))
		return true;
	report_mistake(reading->report, node->line, "%s: %s%.*s", reading->path, problem.text,
	               (int)shown.len, shown.at);
	return false;
}

/* ---- lists of objects ------------------------------------------------------------------------ */

/* Whether `option` is a member of the elements of `list`. */
static bool is_member(const struct option *list, const struct option *option)
{
	return option->home == HOME_ITEM && bytes_start_with(option->name, list->name) &&
	       option->name.at[list->name.len] == '[';
}

static void element_member_take(struct reading *reading, const struct option *list,
                                const struct yaml_node *node, bool given[OPTIONS], void *element)
{
	size_t outer = reading->path_len;
	const struct option *option =
	    path_push(reading, node->name) ? option_find(path_of(reading)) : NULL;
	if (option && is_member(list, option)) {
		given[option - option_table] = true;
		(void)value_take(reading, option, node, element);
	} else {
		unknown_tell(reading, node, outer);
	}
	path_cut(reading, outer);
}

/* A NAME is what an element is known by. */
static void element_is_new(struct reading *reading, const struct option *list,
                           const struct yaml_node *node, const char *elements, size_t n)
{
	for (size_t i = 0; i < OPTIONS; i++) {
		const struct option *option = &option_table[i];
		if (!is_member(list, option) || option->type != OPTION_NAME)
			continue;
		const char *name = elements + n * list->size + option->offset;
		for (size_t j = 0; j < n; j++)
			if (*name && strcmp(elements + j * list->size + option->offset, name) == 0)
				report_mistake(reading->report, node->line, "%.*s: %s stands twice",
				               (int)option->name.len, option->name.at, name);
	}
}

static void element_take(struct reading *reading, const struct option *list,
                         const struct yaml_node *node, char *elements, size_t n)
{
	bool given[OPTIONS] = {false};
	size_t outer = reading->path_len;
	if (node->kind != YAML_MAP) {
		if (node->kind != YAML_REFUSED)
			report_mistake(reading->report, node->line, "%s: each element holds keys",
			               reading->path);
		return;
	}
	(void)snprintf(reading->path + outer, sizeof(reading->path) - outer, "[]");
	reading->path_len += strlen(reading->path + outer);
	for (const struct yaml_node *member = node->first; member; member = member->next)
		element_member_take(reading, list, member, given, elements + n * list->size);
	path_cut(reading, outer);
	for (size_t i = 0; i < OPTIONS; i++)
		if (is_member(list, &option_table[i]) && !given[i])
			report_mistake(reading->report, node->line, "%.*s is missing",
			               (int)option_table[i].name.len, option_table[i].name.at);
	element_is_new(reading, list, node, elements, n);
}

static void list_take(struct reading *reading, const struct option *list,
                      const struct yaml_node *node)
{
	char *base = (char *)&reading->config->server;
	size_t n = 0;
	if (node->kind == YAML_MAP) {
		memset(base + list->offset, 0, list->size * (size_t)list->max);
		element_take(reading, list, node, base + list->offset, n++);
		memcpy(base + list->count_offset, &n, sizeof(n));
		return;
	}
	if (node->kind != YAML_LIST && node->kind != YAML_NOTHING) {
		if (node->kind != YAML_REFUSED)
			report_mistake(reading->report, node->line, "%s must be a list",
			               reading->path);
		return;
	}
	memset(base + list->offset, 0, list->size * (size_t)list->max);
	for (const struct yaml_node *element = node->first; element; element = element->next) {
		if (n == (size_t)list->max) {
			report_mistake(reading->report, element->line, "%s: at most %lld",
			               reading->path, (long long)list->max);
			break;
		}
		element_take(reading, list, element, base + list->offset, n++);
	}
	memcpy(base + list->count_offset, &n, sizeof(n));
}

/* ---- keys ------------------------------------------------------------------------------------ */

static void section_take(struct reading *reading, const struct yaml_node *node)
{
	switch (node->kind) {
	case YAML_MAP:
		reading_take_map(reading, node);
		break;
	case YAML_TEXT:
	case YAML_LIST:
		report_mistake(reading->report, node->line, "%s is a section: it holds keys",
		               reading->path);
		break;
	case YAML_NOTHING: /* all its keys are commented out */
	case YAML_REFUSED:
		break;
	}
}

void reading_take_member(struct reading *reading, const struct yaml_node *node)
{
	struct bytes name = path_of(reading);
	struct settings_layer *layer = settings_layer_of(&reading->config->layers, &name);
	const struct option *option = option_find(name);
	if (!option) {
		section_take(reading, node);
	} else if (option->type == OPTION_LIST) {
		reading->lines[0][option - option_table] = node->name_line;
		list_take(reading, option, node);
	} else if (option->home == HOME_SERVER) {
		reading->lines[0][option - option_table] = node->line;
		(void)value_take(reading, option, node, &reading->config->server);
	} else {
		lines_of(reading, layer)[option - option_table] = node->line;
		layer->given[option - option_table] =
		    value_take(reading, option, node, &layer->values);
	}
}

static void key_take(struct reading *reading, const struct yaml_node *node)
{
	size_t outer = reading->path_len;
	bool is_word = bytes_find(node->name, '.') == node->name.len &&
	               bytes_find(node->name, '[') == node->name.len;
	bool fits = path_push(reading, node->name);
	struct bytes name = path_of(reading);
	(void)settings_layer_of(&reading->config->layers, &name);
	if (fits && is_word && (option_find(name) || option_is_section(name)))
		reading_take_member(reading, node);
	else if (fits && is_word && option_is_not_yet(name))
		report_mistake(reading->report, node->name_line, "%s is not in this version",
		               reading->path);
	else
		unknown_tell(reading, node, outer);
	path_cut(reading, outer);
}

void reading_take_map(struct reading *reading, const struct yaml_node *map)
{
	for (const struct yaml_node *node = map->first; node; node = node->next)
		key_take(reading, node);
}
