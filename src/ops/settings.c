/* SPDX-License-Identifier: Apache-2.0 */
/* The option table, how each type of value is read, and how layers are laid over one another. */
#include "ops/settings.h"

#include "base/when.h"
#include "core/policy.h"

#include <assert.h>
#include <stdio.h>

enum option_type {
	TYPE_INT,
	TYPE_MS,
	TYPE_BOOL,
	TYPE_TEXT,
	TYPE_ON_OFF,
	TYPE_ALPHABET,
	TYPE_REPEAT,
	TYPE_RATES,
	TYPE_DELAYS
};

enum option_scope { SCOPE_SERVER, SCOPE_SHARED, SCOPE_API };

struct option {
	struct bytes name;
	enum option_type type;
	enum option_scope scope;
	size_t offset, size; /* in struct settings */
	int64_t min, max;
	struct bytes default_text;
};

static const struct option options[] = {
#define OPTION(key, field, kind, least, most, text, where, help)                                   \
	{                                                                                          \
	    .name = {key, sizeof(key) - 1},                                                        \
	    .type = TYPE_##kind,                                                                   \
	    .scope = SCOPE_##where,                                                                \
	    .offset = offsetof(struct settings, field),                                            \
	    .size = sizeof(((struct settings *)0)->field),                                         \
	    .min = (least),                                                                        \
	    .max = (most),                                                                         \
	    .default_text = {text, sizeof(text) - 1},                                              \
	},
#include "ops/option.def"
#undef OPTION
};
#define OPTIONS (sizeof(options) / sizeof(options[0]))
_Static_assert(OPTIONS <= 64, "one bit of settings_layer.given an option");

/* ---- reading values -------------------------------------------------------------------------- */

static bool number_parse(struct bytes text, int64_t *ret)
{
	int64_t value = 0;
	if (text.len == 0 || text.len > 18)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (!ascii_is_digit(text.at[i]))
			return false;
		value = value * 10 + (text.at[i] - '0');
	}
	*ret = value;
	return true;
}

bool duration_parse(struct bytes text, int64_t *ret_ms)
{
	int64_t unit_ms, value;
	if (text.len < 2 || text.len > 10)
		return false;
	switch (text.at[text.len - 1]) {
	case 's':
		unit_ms = SECONDS_MS;
		break;
	case 'm':
		unit_ms = MINUTES_MS;
		break;
	case 'h':
		unit_ms = HOURS_MS;
		break;
	case 'd':
		unit_ms = DAYS_MS;
		break;
	default:
		return false;
	}
	if (!number_parse(bytes_first(text, text.len - 1), &value))
		return false;
	*ret_ms = value * unit_ms;
	return true;
}

/* The next word of a list separated by blanks. */
static bool next_word(struct bytes *list, struct bytes *ret)
{
	*list = bytes_trim(*list);
	if (!list->len)
		return false;
	*ret = bytes_first(*list, bytes_find(*list, ' '));
	*list = bytes_from(*list, ret->len);
	return true;
}

static bool refuse(struct settings_mistake *reterr, const char *why)
{
	return problem_say(&reterr->why, "%s", why);
}

static bool read_rates(const struct option *option, struct bytes text, struct rates *ret,
                       struct settings_mistake *reterr)
{
	struct rates rates = {0};
	struct bytes word;
	while (next_word(&text, &word)) {
		size_t slash = bytes_find(word, '/');
		int64_t count, window_ms;
		if (rates.n == RATES_MAX)
			return refuse(reterr, "at most 4 rates");
		if (!number_parse(bytes_first(word, slash), &count) || count < option->min ||
		    count > option->max ||
		    !duration_parse(bytes_from(word, slash + 1), &window_ms) ||
		    window_ms < SECONDS_MS || window_ms > 30 * DAYS_MS)
			return refuse(reterr,
			              "each is a count of 1 to 64, a slash and a duration of at "
			              "most 30d, as in \"5/1h\"");
		rates.at[rates.n++] =
		    (struct rate){.count = (uint16_t)count, .window_ms = window_ms};
	}
	*ret = rates;
	return true;
}

static bool read_delays(const struct option *option, struct bytes text, struct resend_delay *ret,
                        struct settings_mistake *reterr)
{
	int64_t growth_ms[DELAY_STEPS_MAX] = {0};
	struct bytes word;
	uint8_t n = 0;
	while (next_word(&text, &word)) {
		int64_t ms;
		if (n == DELAY_STEPS_MAX)
			return refuse(reterr, "at most 8 delays");
		if (!duration_parse(word, &ms) || ms > option->max)
			return refuse(reterr, "each is a duration of at most 24h, as in \"2m\"");
		growth_ms[n++] = ms;
	}
	ret->growth_n = n;
	memcpy(ret->growth_ms, growth_ms, sizeof(growth_ms));
	return true;
}

static bool read_number(const struct option *option, struct bytes text, int64_t *ret,
                        struct settings_mistake *reterr)
{
	bool is_ms = option->type == TYPE_MS;
	if ((is_ms ? duration_parse(text, ret) : number_parse(text, ret)) && *ret >= option->min &&
	    *ret <= option->max)
		return true;
	if (is_ms)
		(void)problem_say(&reterr->why,
		                  "must be a duration of %llds to %llds, as in \"30s\", \"10m\", "
		                  "\"24h\" or \"30d\"",
		                  (long long)(option->min / SECONDS_MS),
		                  (long long)(option->max / SECONDS_MS));
	else
		(void)problem_say(&reterr->why, "must be a whole number from %lld to %lld",
		                  (long long)option->min, (long long)option->max);
	return false;
}

/* Integer fields come in the sizes their structs want. */
static void store_number(void *field, size_t size, int64_t value)
{
	switch (size) {
	case 1:
		*(uint8_t *)field = (uint8_t)value;
		break;
	case 2:
		*(uint16_t *)field = (uint16_t)value;
		break;
	case 4:
		*(uint32_t *)field = (uint32_t)value;
		break;
	default:
		assert(size == 8);
		*(int64_t *)field = value;
	}
}

static bool read_text(const struct option *option, struct bytes text, char *field,
                      struct settings_mistake *reterr)
{
	if (text.len < (size_t)option->min || text.len > (size_t)option->max ||
	    bytes_find(text, '\0') != text.len) {
		(void)problem_say(&reterr->why, "must be a text of %lld to %lld characters",
		                  (long long)option->min, (long long)option->max);
		return false;
	}
	memset(field, 0, option->size);
	memcpy(field, text.at, text.len);
	return true;
}

static bool read_on_off(struct bytes text, char *field, struct settings_mistake *reterr)
{
	if (!bytes_equal(text, BYTES("On")) && !bytes_equal(text, BYTES("Off")))
		return refuse(reterr, "must be On or Off");
	memcpy(field, text.at, text.len);
	field[text.len] = '\0';
	return true;
}

static bool read_repeat(struct bytes text, uint8_t *field, struct settings_mistake *reterr)
{
	if (bytes_equal(text, BYTES("same")))
		*field = REPEAT_SAME;
	else if (bytes_equal(text, BYTES("new")))
		*field = REPEAT_NEW;
	else
		return refuse(reterr, "must be same or new");
	return true;
}

static bool read_bool(struct bytes text, bool *field, struct settings_mistake *reterr)
{
	*field = bytes_equal(text, BYTES("true"));
	return *field || bytes_equal(text, BYTES("false")) ||
	       refuse(reterr, "must be true or false");
}

static bool option_read(const struct option *option, struct bytes text, struct settings *settings,
                        struct settings_mistake *reterr)
{
	void *field = (char *)settings + option->offset;
	int64_t number;
	switch (option->type) {
	case TYPE_INT:
	case TYPE_MS:
		if (!read_number(option, text, &number, reterr))
			return false;
		store_number(field, option->size, number);
		return true;
	case TYPE_BOOL:
		return read_bool(text, field, reterr);
	case TYPE_TEXT:
		return read_text(option, text, field, reterr);
	case TYPE_ON_OFF:
		return read_on_off(text, field, reterr);
	case TYPE_ALPHABET:
		return alphabet_parse(text, field) ||
		       refuse(reterr, "must be digits, upper-digits, upper, or 2 to 64 different "
		                      "printable ASCII symbols");
	case TYPE_REPEAT:
		return read_repeat(text, field, reterr);
	case TYPE_RATES:
		return read_rates(option, text, field, reterr);
	case TYPE_DELAYS:
		return read_delays(option, text, field, reterr);
	}
	return false;
}

/* ---- layers ---------------------------------------------------------------------------------- */

void settings_init(struct settings *settings)
{
	*settings = (struct settings){0};
	for (size_t i = 0; i < OPTIONS; i++) {
		struct settings_mistake mistake;
		bool sound = option_read(&options[i], options[i].default_text, settings, &mistake);
		assert(sound);
		(void)sound;
	}
}

static const struct option *option_find(struct bytes name)
{
	for (size_t i = 0; i < OPTIONS; i++)
		if (bytes_equal(options[i].name, name))
			return &options[i];
	return NULL;
}

bool settings_is_servers(struct bytes name)
{
	const struct option *option = option_find(name);
	return option && option->scope == SCOPE_SERVER;
}

bool settings_set(struct settings_layer *layer, struct bytes name, struct bytes text,
                  struct settings_mistake *reterr)
{
	(void)snprintf(reterr->key, sizeof(reterr->key), "%.*s",
	               (int)(name.len < 63 ? name.len : 63), name.at);
	const struct option *option = option_find(name);
	if (!option)
		return refuse(reterr, "is not a setting");
	if (!option_read(option, text, &layer->values, reterr))
		return false;
	layer->given |= UINT64_C(1) << (option - options);
	return true;
}

/* The growth of a delay shares its struct with the first and the longest: only its own part. */
static void option_copy(const struct option *option, const struct settings *from,
                        struct settings *to)
{
	if (option->type == TYPE_DELAYS) {
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
		if (layer->given >> i & 1)
			option_copy(&options[i], &layer->values, settings);
}

void settings_resolve(const struct settings_layers *server, const struct settings_layers *tenant,
                      enum api_name api, struct settings *ret)
{
	settings_init(ret);
	lay_over(ret, &server->all);
	lay_over(ret, &server->of_api[api]);
	if (tenant) {
		lay_over(ret, &tenant->all);
		lay_over(ret, &tenant->of_api[api]);
	}
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
		return refuse(reterr, "is looser than the server's; a tenant's limits may only be "
		                      "stricter");
	}
	return true;
}
