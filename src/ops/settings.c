/* SPDX-License-Identifier: Apache-2.0 */
/* How layers are laid over one another, and whether one is stricter than another. */
#include "ops/settings.h"

#include <assert.h>
#include <stdio.h>

/* ---- layers ---------------------------------------------------------------------------------- */

static bool is_of_settings(const struct option *option)
{
	return option->home == HOME_SHARED || option->home == HOME_API;
}

static void default_set(const struct option *option, void *base)
{
	struct problem problem;
	bool sound = option_read(option, option->default_text, base, &problem);
	assert(sound);
	(void)sound;
}

void settings_init(struct settings *settings)
{
	*settings = (struct settings){0};
	for (size_t i = 0; i < OPTIONS; i++)
		if (is_of_settings(&option_table[i]))
			default_set(&option_table[i], settings);
}

void server_settings_init(struct server_settings *server)
{
	*server = (struct server_settings){0};
	for (size_t i = 0; i < OPTIONS; i++)
		if (option_table[i].home == HOME_SERVER && option_table[i].type != OPTION_LIST)
			default_set(&option_table[i], server);
}

bool settings_set(struct settings_layer *layer, struct bytes name, struct bytes text,
                  struct settings_mistake *reterr)
{
	(void)snprintf(reterr->key, sizeof(reterr->key), "%.*s",
	               (int)(name.len < OPTION_PATH_MAX ? name.len : OPTION_PATH_MAX), name.at);
	const struct option *option = option_find(name);
	if (!option || !is_of_settings(option))
		return problem_say(&reterr->why, "%s",
		                   option_is_not_yet(name) ? "is not in this version"
		                                           : "is not a setting");
	if (!option_read(option, text, &layer->values, &reterr->why))
		return false;
	layer->given[option - option_table] = true;
	return true;
}

/* An API's section in front of `name` and the dot behind it: their length. 0: there is none. */
static size_t section_len(struct bytes name, enum api_name *ret)
{
	static const struct bytes sections[API_NAMES] = {
#define API(name, section) [API_##name] = {section ".", sizeof(section)},
#include "ops/api.def"
#undef API
	};
	for (int api = 0; api < API_NAMES; api++) {
		*ret = (enum api_name)api;
		if (bytes_start_with(name, sections[api]) && name.len > sections[api].len)
			return sections[api].len;
	}
	return 0;
}

struct settings_layer *settings_layer_of(struct settings_layers *layers, struct bytes *name)
{
	enum api_name api;
	size_t len = section_len(*name, &api);
	if (!len)
		return &layers->all;
	struct bytes rest = bytes_from(*name, len);
	struct bytes first = bytes_first(rest, bytes_find(rest, '.'));
	if (bytes_equal(first, BYTES("code")) || bytes_equal(first, BYTES("limits")))
		*name = rest;
	return &layers->of_api[api];
}

/* The growth of a delay shares its struct with the first and the longest: only its own part. */
static void option_copy(const struct option *option, const struct settings *from,
                        struct settings *to)
{
	if (option->type == OPTION_DELAYS) {
		const struct resend_delay *delay = &from->limits.resend_delay;
		to->limits.resend_delay.growth_n = delay->growth_n;
		memcpy(to->limits.resend_delay.growth_ms, delay->growth_ms,
		       sizeof(delay->growth_ms));
		return;
	}
	memcpy((char *)to + option->offset, (const char *)from + option->offset, option->size);
}

static void lay_over(struct settings *settings, const struct settings_layer *layer)
{
	for (size_t i = 0; i < OPTIONS; i++)
		if (layer->given[i])
			option_copy(&option_table[i], &layer->values, settings);
}

void settings_resolve_all(const struct settings_layers *server, struct settings *ret)
{
	settings_init(ret);
	lay_over(ret, &server->all);
}

/* Where an API's own default differs from the table's. */
static void lay_built_in(struct settings *settings, enum api_name api)
{
	static const struct {
		enum api_name api;
		const char *name, *text;
	} rows[] = {
#define BUILT_IN(api, key, text) {API_##api, key, text},
#include "ops/option.def"
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct problem problem;
		const struct option *option = option_find(bytes_from_text(rows[i].name));
		if (rows[i].api != api)
			continue;
		bool sound = option &&
		             option_read(option, bytes_from_text(rows[i].text), settings, &problem);
		assert(sound);
		(void)sound;
	}
}

void settings_resolve(const struct settings_layers *server, const struct settings_layers *tenant,
                      enum api_name api, struct settings *ret)
{
	settings_init(ret);
	lay_built_in(ret, api);
	lay_over(ret, &server->all);
	lay_over(ret, &server->of_api[api]);
	if (tenant) {
		lay_over(ret, &tenant->all);
		lay_over(ret, &tenant->of_api[api]);
	}
}

bool settings_serve(const struct settings_layers *server, enum api_name api)
{
	static const struct bytes names[API_NAMES] = {
#define API(name, section) [API_##name] = {section ".enabled", sizeof(section ".enabled") - 1},
#include "ops/api.def"
#undef API
	};
	const struct option *option = option_find(names[api]);
	struct settings settings;
	assert(option && option->type == OPTION_BOOL);
	settings_resolve(server, NULL, api, &settings);
	return *(const bool *)((const char *)&settings + option->offset);
}

/* ---- stricter -------------------------------------------------------------------------------- */

/* Each of their rates must be held by one of ours: at most as many in at least that time. */
static bool rates_are_stricter(const struct rates *ours, const struct rates *theirs)
{
	for (int i = 0; i < theirs->n; i++) {
		bool held = false;
		for (int j = 0; j < ours->n; j++)
			held |= ours->at[j].count <= theirs->at[i].count &&
			        ours->at[j].window_ms >= theirs->at[i].window_ms;
		if (!held)
			return false;
	}
	return true;
}

static int64_t growth_at(const struct resend_delay *delay, int step)
{
	if (step < delay->growth_n)
		return delay->growth_ms[step];
	int64_t ms = delay->growth_n ? delay->growth_ms[delay->growth_n - 1] : delay->first_ms;
	for (int i = delay->growth_n; i <= step && ms < delay->max_ms; i++)
		ms *= 2;
	return ms < delay->max_ms ? ms : delay->max_ms;
}

static bool growth_is_stricter(const struct resend_delay *ours, const struct resend_delay *theirs)
{
	for (int step = 0; step < DELAY_STEPS_MAX; step++)
		if (growth_at(ours, step) < growth_at(theirs, step))
			return false;
	return true;
}

bool settings_are_stricter(const struct settings *ours, const struct settings *theirs,
                           struct settings_mistake *reterr)
{
	const struct limits *a = &ours->limits, *b = &theirs->limits;
	const struct {
		const char *key;
		bool stricter;
	} rows[] = {
	    {"limits.enabled", a->enabled},
	    {"limits.resend_delay.first", a->resend_delay.first_ms >= b->resend_delay.first_ms},
	    /* Before the growth, which ends at it. */
	    {"limits.resend_delay.max", a->resend_delay.max_ms >= b->resend_delay.max_ms},
	    {"limits.resend_delay.growth", growth_is_stricter(&a->resend_delay, &b->resend_delay)},
	    {"limits.sends_per_number",
	     rates_are_stricter(&a->sends_per_number, &b->sends_per_number)},
	    {"limits.guesses_per_number",
	     rates_are_stricter(&a->guesses_per_number, &b->guesses_per_number)},
	    {"limits.sends_per_address",
	     rates_are_stricter(&a->sends_per_address, &b->sends_per_address)},
	    {"limits.guesses_per_address",
	     rates_are_stricter(&a->guesses_per_address, &b->guesses_per_address)},
	    {"limits.guesses_per_identifier",
	     rates_are_stricter(&a->guesses_per_identifier, &b->guesses_per_identifier)},
	    {"limits.calls_per_client",
	     rates_are_stricter(&a->calls_per_client, &b->calls_per_client)},
	    {"limits.consecutive_failures", a->consecutive_failures <= b->consecutive_failures},
	    {"limits.failure_waits.after", a->failure_waits.after <= b->failure_waits.after},
	    {"limits.failure_waits.first", a->failure_waits.first_ms >= b->failure_waits.first_ms},
	    {"limits.failure_waits.max", a->failure_waits.max_ms >= b->failure_waits.max_ms},
	};
	if (!b->enabled)
		return true;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].stricter)
			continue;
		(void)snprintf(reterr->key, sizeof(reterr->key), "%s", rows[i].key);
		return problem_say(&reterr->why, "is looser than the server's; a tenant's limits "
		                                 "may only be stricter");
	}
	return true;
}

bool settings_phones_are_unique(const struct settings_layers *server,
                                const struct settings_layers *tenant, bool is_kii_app)
{
	size_t row = (size_t)(option_find(BYTES("unique_verified_phone")) - option_table);
	if (tenant && tenant->all.given[row])
		return tenant->all.values.unique_verified_phone;
	return server->all.given[row] ? server->all.values.unique_verified_phone : is_kii_app;
}
