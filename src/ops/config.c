/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/config_private.h"

#include <assert.h>
#include <stdlib.h>

const char *config_file(const struct config_flags *flags)
{
	return flags->file ? flags->file : flags->dev ? NULL : CONFIG_FILE_DEFAULT;
}

/* ---- layers ---------------------------------------------------------------------------------- */

/* One default that --dev changes: taken as if a file said it. */
static void dev_take(struct reading *reading, const struct option_dev *row)
{
	struct yaml_node *root;
	struct bytes yaml =
	    arena_printf(&reading->arena, "value: %.*s", (int)row->text.len, row->text.at);
	if (!yaml.at || yaml_read(yaml, &reading->arena, reading->report, &root) != OK) {
		report_mistake(reading->report, 0, "out of memory");
		return;
	}
	assert(row->name.len < sizeof(reading->path));
	memcpy(reading->path, row->name.at, row->name.len);
	reading->path_len = row->name.len;
	reading_take_member(reading, root->first);
	reading->path_len = 0;
}

static void file_take(struct reading *reading, bool named)
{
	struct bytes text;
	struct problem problem;
	struct yaml_node *root;
	if (!reading_file(reading->file, YAML_INPUT_MAX, false, &reading->arena, &text,
	                  &reading->file_is_open, &problem)) {
		report_mistake(reading->report, 0, "%s%s", problem.text,
		               named ? ""
		                     : "; name another file with -c, or try verifyd serve --dev");
		return;
	}
	enum err err = yaml_read(text, &reading->arena, reading->report, &root);
	if (err == ERR_NO_MEMORY)
		report_mistake(reading->report, 0, "out of memory");
	else
		reading_take_map(reading, root);
}

static void flags_take(struct config *config, const struct config_flags *flags,
                       struct report *report)
{
	const struct option *data = option_find(BYTES("data"));
	struct problem problem;
	if (flags->data &&
	    !option_read(data, bytes_from_text(flags->data), &config->server, &problem))
		report_mistake(report, 0, "--data: %s", problem.text);
	if (flags->listen.n)
		config->server.listen = flags->listen;
}

static void layers_take(struct reading *reading, const struct config_flags *flags)
{
	for (size_t i = 0; flags->dev && i < option_dev_n; i++)
		dev_take(reading, &option_dev[i]);
	memset(reading->lines, 0, sizeof(reading->lines));
	reading->file = config_file(flags);
	if (reading->file)
		file_take(reading, flags->file);
	reading->config->admin_given =
	    reading->lines[0][option_find(BYTES("admin_listen")) - option_table] != 0;
	flags_take(reading->config, flags, reading->report);
	if (!reading->report->mistakes_n)
		config_check(reading);
}

struct config *config_new(const struct config_flags *flags, struct report *report)
{
	struct config *config = calloc(1, sizeof(*config));
	struct reading *reading = calloc(1, sizeof(*reading));
	if (config && reading) {
		config->dev = flags->dev;
		server_settings_init(&config->server);
		reading->config = config;
		reading->report = report;
		arena_init(&reading->arena);
		layers_take(reading, flags);
		arena_done(&reading->arena);
	} else {
		report_mistake(report, 0, "out of memory");
	}
	free(reading);
	if (!report->mistakes_n)
		return config;
	config_free(config);
	return NULL;
}

void config_free(struct config *config)
{
	if (config)
		secret_wipe(config, sizeof(*config));
	free(config);
}

/* ---- what is asked of it --------------------------------------------------------------------- */

bool config_has_provider(const struct config *config)
{
	return config->server.providers.n > 0;
}

bool config_has_inbox(const struct config *config)
{
	for (size_t i = 0; i < config->server.providers.n; i++)
		if (config->server.providers.at[i].type == PROVIDER_INBOX)
			return true;
	return false;
}

/* ---- what stays ------------------------------------------------------------------------------ */

static bool addresses_equal(const struct net_addresses *a, const struct net_addresses *b)
{
	bool equal = a->n == b->n;
	for (size_t i = 0; i < a->n && equal; i++)
		equal = strcmp(a->at[i].host, b->at[i].host) == 0 &&
		        a->at[i].port == b->at[i].port && a->at[i].scheme == b->at[i].scheme;
	return equal;
}

/* Fields, elements and texts are filled up with zeros, so that equal ones are equal memory. */
static bool field_equal(const struct option *option, const void *a, const void *b)
{
	const char *at_a = (const char *)a + option->offset,
		   *at_b = (const char *)b + option->offset;
	if (option->type == OPTION_ADDRESSES)
		return addresses_equal((const void *)at_a, (const void *)at_b);
	if (option->type != OPTION_LIST)
		return memcmp(at_a, at_b, option->size) == 0;
	return memcmp((const char *)a + option->count_offset,
	              (const char *)b + option->count_offset, sizeof(size_t)) == 0 &&
	       memcmp(at_a, at_b, option->size * (size_t)option->max) == 0;
}

static void field_copy(const struct option *option, const void *from, void *to)
{
	size_t size =
	    option->type == OPTION_LIST ? option->size * (size_t)option->max : option->size;
	memcpy((char *)to + option->offset, (const char *)from + option->offset, size);
	if (option->type == OPTION_LIST)
		memcpy((char *)to + option->count_offset, (const char *)from + option->count_offset,
		       sizeof(size_t));
}

bool config_keep(const struct config *old, struct config *now,
                 void (*on_kept)(const struct option *option), struct report *report)
{
	size_t mistakes_n = report->mistakes_n;
	for (size_t i = 0; i < OPTIONS; i++) {
		const struct option *option = &option_table[i];
		if (option->home != HOME_SERVER || option->applies != APPLIES_RESTART ||
		    field_equal(option, &old->server, &now->server))
			continue;
		field_copy(option, &old->server, &now->server);
		on_kept(option);
	}
	config_check_listen(now, 0, report);
	return report->mistakes_n == mistakes_n;
}
