/* SPDX-License-Identifier: Apache-2.0 */
/* The option table: names and defaults as the manual has them, every type at its edges, and who
 * wins when two say the same. */
#include "cases.h"
#include "support/unit.h"

#include "base/when.h"
#include "ops/settings.h"

enum kind { INT, MS, BOOL, TEXT, SENDER, REGION, ON_OFF, ALPHABET, REPEAT, RATES, DELAYS };
enum reach { SHARED, API };

struct option_row {
	const char *name;
	enum kind kind;
	size_t offset, size;
	int64_t min, max;
	const char *default_text;
	enum reach reach;
	const char *help;
};

static const struct option_row option_rows[] = {
#define OPTION(key, field, kind, least, most, text, where, help)                                   \
	{key,                                                                                      \
	 kind,                                                                                     \
	 offsetof(struct settings, field),                                                         \
	 sizeof(((struct settings *)0)->field),                                                    \
	 least,                                                                                    \
	 most,                                                                                     \
	 text,                                                                                     \
	 where,                                                                                    \
	 help},
#include "ops/option.def"
};

/* What the operator's manual says. */
static const struct {
	const char *name, *default_text;
} manual_rows[] = {
    {"code.length", "6"},
    {"code.alphabet", "digits"},
    {"code.ttl", "10m"},
    {"code.attempts", "5"},
    {"code.repeat", "same"},
    {"limits.enabled", "true"},
    {"limits.resend_delay.first", "30s"},
    {"limits.resend_delay.growth", "1m 2m 5m"},
    {"limits.resend_delay.max", "32m"},
    {"limits.sends_per_number", "3/10m 5/1h 10/24h"},
    {"limits.guesses_per_number", "10/15m 30/24h"},
    {"limits.sends_per_address", "10/1h 30/24h"},
    {"limits.guesses_per_address", "30/10m"},
    {"limits.guesses_per_identifier", "10/15m"},
    {"limits.calls_per_client", ""},
    {"limits.consecutive_failures", "100"},
    {"limits.failure_waits.after", "10"},
    {"limits.failure_waits.first", "30s"},
    {"limits.failure_waits.max", "1h"},
    {"unique_verified_phone", "false"},
    {"dotdigital.enabled", "true"},
    {"dotdigital.create_status", "202"},
    {"dotdigital.unverified_label", "CodeNotVerified"},
    {"dotdigital.default_from", "VERIFY"},
    {"dotdigital.number_status", "On"},
    {"dotdigital.ttl_max", "24h"},
    {"manage.enabled", "true"},
    {"manage.region", ""},
};

static bool set(struct settings_layer *layer, const char *name, const char *text,
                struct settings_mistake *reterr)
{
	return settings_set(layer, bytes_from_text(name), bytes_from_text(text), reterr);
}

static void set_sound(struct settings_layer *layer, const char *name, const char *text)
{
	struct settings_mistake mistake = {0};
	if (!set(layer, name, text, &mistake))
		fail_msg("%s: \"%s\" %s", name, text, mistake.why.text);
}

/* The only option that the layer gives; NULL: none. */
static void assert_given(const struct settings_layer *layer, const char *name)
{
	for (size_t i = 0; i < OPTIONS; i++)
		assert_int_equal(layer->given[i],
		                 name && strcmp(option_table[i].name.at, name) == 0);
}

/* ---- defaults -------------------------------------------------------------------------------- */

static void every_option_is_in_the_manual(void **state)
{
	(void)state;
	assert_int_equal(COUNT(option_rows), COUNT(manual_rows));
	for (size_t i = 0; i < COUNT(option_rows); i++) {
		size_t found = 0;
		for (size_t j = 0; j < COUNT(manual_rows); j++) {
			if (strcmp(manual_rows[j].name, option_rows[i].name) != 0)
				continue;
			assert_string_equal(option_rows[i].default_text,
			                    manual_rows[j].default_text);
			found++;
		}
		assert_row(option_rows[i].name, found == 1);
		assert_row(option_rows[i].name, strlen(option_rows[i].help) > 10);
	}
}

static bool rates_equal(const struct rates *a, const struct rates *b)
{
	bool equal = a->n == b->n;
	for (int i = 0; i < a->n && equal; i++)
		equal =
		    a->at[i].count == b->at[i].count && a->at[i].window_ms == b->at[i].window_ms;
	return equal;
}

static void the_defaults_are_these_values(void **state)
{
	(void)state;
	struct settings settings;
	settings_init(&settings);
	assert_string_equal(settings.code.alphabet, "0123456789");
	assert_int_equal(settings.code.length, 6);
	assert_int_equal(settings.code.attempts, 5);
	assert_int_equal(settings.code.repeat, REPEAT_SAME);
	assert_int_equal(settings.code.ttl_ms, 600000);
	const struct limits *limits = &settings.limits;
	assert_true(limits->enabled);
	assert_int_equal(limits->resend_delay.first_ms, 30000);
	assert_int_equal(limits->resend_delay.growth_n, 3);
	assert_int_equal(limits->resend_delay.growth_ms[0], 60000);
	assert_int_equal(limits->resend_delay.growth_ms[1], 120000);
	assert_int_equal(limits->resend_delay.growth_ms[2], 300000);
	assert_int_equal(limits->resend_delay.max_ms, 1920000);
	assert_true(rates_equal(&limits->sends_per_number,
	                        &(struct rates){3, {{3, 600000}, {5, 3600000}, {10, 86400000}}}));
	assert_true(rates_equal(&limits->guesses_per_number,
	                        &(struct rates){2, {{10, 900000}, {30, 86400000}}}));
	assert_int_equal(limits->consecutive_failures, 100);
	assert_int_equal(limits->failure_waits.after, 10);
	assert_int_equal(limits->failure_waits.first_ms, 30000);
	assert_int_equal(limits->failure_waits.max_ms, 3600000);
	assert_true(settings.dotdigital.enabled);
	assert_int_equal(settings.dotdigital.create_status, 202);
	assert_string_equal(settings.dotdigital.unverified_label, "CodeNotVerified");
	assert_string_equal(settings.dotdigital.default_from, "VERIFY");
	assert_string_equal(settings.dotdigital.number_status, "On");
	assert_int_equal(settings.dotdigital.ttl_max_ms, 86400000);
}

/* ---- each option ----------------------------------------------------------------------------- */

static int64_t integer_at(const struct option_row *row, const struct settings *settings)
{
	const void *field = (const char *)settings + row->offset;
	switch (row->size) {
	case 1:
		return *(const uint8_t *)field;
	case 2:
		return *(const uint16_t *)field;
	case 4:
		return *(const uint32_t *)field;
	default:
		return *(const int64_t *)field;
	}
}

static bool value_is(const struct option_row *row, const struct settings *a,
                     const struct settings *b)
{
	const char *at_a = (const char *)a + row->offset, *at_b = (const char *)b + row->offset;
	switch (row->kind) {
	case INT:
	case MS:
		return integer_at(row, a) == integer_at(row, b);
	case TEXT:
	case SENDER:
	case REGION:
	case ON_OFF:
	case ALPHABET:
		return strcmp(at_a, at_b) == 0;
	case BOOL:
	case REPEAT:
		return *at_a == *at_b;
	case RATES:
		return rates_equal((const void *)at_a, (const void *)at_b);
	case DELAYS:
		return memcmp(a->limits.resend_delay.growth_ms, b->limits.resend_delay.growth_ms,
		              sizeof(a->limits.resend_delay.growth_ms)) == 0 &&
		       a->limits.resend_delay.growth_n == b->limits.resend_delay.growth_n;
	}
	return false;
}

static void an_option_takes_its_own_default(void **state)
{
	const struct option_row *row = ROW_OF(state, struct option_row);
	struct settings_layers layers = {0};
	struct settings built_in, resolved;
	settings_init(&built_in);
	set_sound(&layers.all, row->name, row->default_text);
	assert_given(&layers.all, row->name);
	assert_true(value_is(row, &layers.all.values, &built_in));
	settings_resolve(&layers, NULL, API_DOTDIGITAL, &resolved);
	for (size_t i = 0; i < COUNT(option_rows); i++)
		assert_row(option_rows[i].name, value_is(&option_rows[i], &resolved, &built_in));
}

/* Another value than the default for each option, however it is kept. */
static const char *other_text(const struct option_row *row)
{
	static char text[32];
	switch (row->kind) {
	case INT:
		(void)snprintf(text, sizeof(text), "%lld", (long long)row->min);
		return text;
	case MS:
		(void)snprintf(text, sizeof(text), "%llds", (long long)(row->max / SECONDS_MS));
		return text;
	case BOOL:
		return strcmp(row->default_text, "true") == 0 ? "false" : "true";
	case TEXT:
	case SENDER:
		return "xyz";
	case REGION:
		return "GB";
	case ON_OFF:
		return "Off";
	case ALPHABET:
		return "upper";
	case REPEAT:
		return "new";
	case RATES:
		return "1/1d";
	case DELAYS:
		return "7m";
	}
	return "";
}

/* The tenant's word, else the server's, else whether it is a Kii app. */
static void phones_are_unique_as_the_nearest_says(void **state)
{
	(void)state;
	static const char *const words[] = {NULL, "false", "true"};
	for (size_t i = 0; i < COUNT(words); i++)
		for (size_t j = 0; j < COUNT(words); j++)
			for (int is_kii = 0; is_kii < 2; is_kii++) {
				struct settings_layers server = {0}, tenant = {0};
				if (words[i])
					set_sound(&server.all, "unique_verified_phone", words[i]);
				if (words[j])
					set_sound(&tenant.all, "unique_verified_phone", words[j]);
				bool wanted = j ? j == 2 : i ? i == 2 : is_kii;
				assert_int_equal(
				    settings_phones_are_unique(&server, &tenant, is_kii), wanted);
				assert_int_equal(settings_phones_are_unique(&server, NULL, is_kii),
				                 i ? i == 2 : is_kii);
			}
}

static void an_option_changes_itself_and_no_other(void **state)
{
	const struct option_row *row = ROW_OF(state, struct option_row);
	struct settings_layers layers = {0};
	struct settings built_in, resolved;
	settings_init(&built_in);
	set_sound(&layers.all, row->name, other_text(row));
	settings_resolve(&layers, NULL, API_DOTDIGITAL, &resolved);
	for (size_t i = 0; i < COUNT(option_rows); i++)
		assert_row(option_rows[i].name, value_is(&option_rows[i], &resolved, &built_in) ==
		                                    (&option_rows[i] != row));
}

static void try_number(const struct option_row *row, int64_t value, bool sound)
{
	char text[32];
	struct settings_layer layer = {0};
	struct settings_mistake mistake = {0};
	if (row->kind == MS)
		(void)snprintf(text, sizeof(text), "%llds", (long long)(value / SECONDS_MS));
	else
		(void)snprintf(text, sizeof(text), "%lld", (long long)value);
	if (set(&layer, row->name, text, &mistake) != sound)
		fail_msg("%s: \"%s\" was %s", row->name, text, sound ? "refused" : "taken");
	assert_given(&layer, sound ? row->name : NULL);
	if (sound) {
		assert_int_equal(integer_at(row, &layer.values), value);
		return;
	}
	/* The message says what is allowed. */
	char most[32];
	if (row->kind == MS)
		duration_format(row->max, most);
	else
		(void)snprintf(most, sizeof(most), "%lld", (long long)row->max);
	assert_string_equal(mistake.key, row->name);
	assert_non_null(strstr(mistake.why.text, most));
}

static void a_number_has_two_edges(void **state)
{
	const struct option_row *row = ROW_OF(state, struct option_row);
	int64_t step = row->kind == MS ? SECONDS_MS : 1;
	if (row->kind != INT && row->kind != MS)
		return;
	try_number(row, row->min, true);
	try_number(row, row->max, true);
	try_number(row, row->max + step, false);
	if (row->min >= step)
		try_number(row, row->min - step, false);
}

/* ---- what is refused, and in which words ------------------------------------------------------
 */

#define RATE_WHY "each is a count of 1 to 64, a slash and a duration of at most 30d, as in \"5/1h\""
#define DELAY_WHY "each is a duration of at most 24h, as in \"2m\""
#define TTL_WHY "must be a duration of 1s to 1d, as in \"30s\", \"10m\", \"24h\" or \"30d\""
#define SENDER_WHY "must be empty, 2 to 15 digits, or 2 to 11 of A-Z a-z 0-9 . _ - and space"
#define REGION_WHY "must be empty, or a country as in \"GB\" or \"GBR\""
#define ALPHABET_WHY                                                                               \
	"must be digits, upper-digits, upper, or 2 to 64 different printable ASCII symbols"

static const struct refusal_row {
	const char *name, *option, *text, *why;
} refusal_rows[] = {
    {"no such option", "code.size", "6", "is not a setting"},
    {"names are not folded", "Code.length", "6", "is not a setting"},
    {"a section is no option", "code", "6", "is not a setting"},
    {"an empty name", "", "6", "is not a setting"},
    {"a number: nothing", "code.length", "", "must be a whole number from 4 to 10"},
    {"a number: below", "code.length", "3", "must be a whole number from 4 to 10"},
    {"a number: above", "code.length", "11", "must be a whole number from 4 to 10"},
    {"a number: a sign", "code.length", "+6", "must be a whole number from 4 to 10"},
    {"a number: below zero", "code.length", "-6", "must be a whole number from 4 to 10"},
    {"a number: a fraction", "code.length", "6.0", "must be a whole number from 4 to 10"},
    {"a number: blanks", "code.length", " 6", "must be a whole number from 4 to 10"},
    {"a number: hexadecimal", "code.length", "0x6", "must be a whole number from 4 to 10"},
    {"a number: 256 and 6", "code.length", "262", "must be a whole number from 4 to 10"},
    {"a number: 2^64 and 6", "code.length", "18446744073709551622",
     "must be a whole number from 4 to 10"},
    {"a duration: nothing", "code.ttl", "", TTL_WHY},
    {"a duration: a unit alone", "code.ttl", "m", TTL_WHY},
    {"a duration: no unit", "code.ttl", "600", TTL_WHY},
    {"a duration: upper case", "code.ttl", "10M", TTL_WHY},
    {"a duration: milliseconds", "code.ttl", "10ms", TTL_WHY},
    {"a duration: two of them", "code.ttl", "1h30m", TTL_WHY},
    {"a duration: a blank", "code.ttl", "10 m", TTL_WHY},
    {"a duration: a fraction", "code.ttl", "1.5h", TTL_WHY},
    {"a duration: below", "code.ttl", "0s", TTL_WHY},
    {"a duration: above", "code.ttl", "2d", TTL_WHY},
    {"a duration: very long", "code.ttl", "99999999999999999999d", TTL_WHY},
    {"a truth: yes", "limits.enabled", "yes", "must be true or false"},
    {"a truth: True", "limits.enabled", "True", "must be true or false"},
    {"a truth: 1", "limits.enabled", "1", "must be true or false"},
    {"a truth: nothing", "limits.enabled", "", "must be true or false"},
    {"a text: too short", "dotdigital.unverified_label", "",
     "must be a text of 1 to 31 characters"},
    {"a text: too long", "dotdigital.unverified_label", "12345678901234567890123456789012",
     "must be a text of 1 to 31 characters"},
    {"a sender: one letter", "dotdigital.default_from", "V", SENDER_WHY},
    {"a sender: twelve letters", "dotdigital.default_from", "VERIFYVERIFY", SENDER_WHY},
    {"a sender: sixteen digits", "dotdigital.default_from", "1234567890123456", SENDER_WHY},
    {"a sender: a plus", "dotdigital.default_from", "+447700900", SENDER_WHY},
    {"a number's state: another word", "dotdigital.number_status", "Dad", "must be On or Off"},
    {"a number's state: lower case", "dotdigital.number_status", "on", "must be On or Off"},
    {"a number's state: nothing", "dotdigital.number_status", "", "must be On or Off"},
    {"a region: of no country", "manage.region", "XX", REGION_WHY},
    {"a region: one letter", "manage.region", "G", REGION_WHY},
    {"a region: a calling code", "manage.region", "44", REGION_WHY},
    {"rates of a tally: too many", "limits.calls_per_client", "60001/1m",
     "each is a count of 1 to 60000, a slash and a duration of at most 30d, as in \"5/1h\""},
    {"an alphabet: one symbol", "code.alphabet", "0", ALPHABET_WHY},
    {"an alphabet: one twice", "code.alphabet", "0120", ALPHABET_WHY},
    {"an alphabet: a blank", "code.alphabet", "0 1", ALPHABET_WHY},
    {"an alphabet: not ASCII", "code.alphabet", "01\xc3\xa9", ALPHABET_WHY},
    {"an alphabet: nothing", "code.alphabet", "", ALPHABET_WHY},
    {"a repeat: one that is a dialect's own", "code.repeat", "parallel", "must be same or new"},
    {"a repeat: replace", "code.repeat", "replace", "must be same or new"},
    {"a repeat: nothing", "code.repeat", "", "must be same or new"},
    {"rates: no slash", "limits.sends_per_number", "5", RATE_WHY},
    {"rates: no count", "limits.sends_per_number", "/1h", RATE_WHY},
    {"rates: no duration", "limits.sends_per_number", "5/", RATE_WHY},
    {"rates: none at all", "limits.sends_per_number", "0/1h", RATE_WHY},
    {"rates: more than a history holds", "limits.sends_per_number", "65/1h", RATE_WHY},
    {"rates: a window of nothing", "limits.sends_per_number", "5/0s", RATE_WHY},
    {"rates: a window too long", "limits.sends_per_number", "5/31d", RATE_WHY},
    {"rates: the second is wrong", "limits.sends_per_number", "5/1h x", RATE_WHY},
    {"rates: a comma between", "limits.sends_per_number", "5/1h,6/2h", RATE_WHY},
    {"rates: five", "limits.sends_per_number", "1/1h 2/2h 3/3h 4/4h 5/5h", "at most 4 rates"},
    {"delays: no unit", "limits.resend_delay.growth", "60", DELAY_WHY},
    {"delays: too long", "limits.resend_delay.growth", "1m 25h", DELAY_WHY},
    {"delays: nine", "limits.resend_delay.growth", "1m 2m 3m 4m 5m 6m 7m 8m 9m",
     "at most 8 delays"},
};

static void a_refusal_says_why_and_changes_nothing(void **state)
{
	const struct refusal_row *row = ROW_OF(state, struct refusal_row);
	struct settings_layers layers = {0};
	struct settings_mistake mistake = {0};
	assert_false(set(&layers.all, row->option, row->text, &mistake));
	assert_string_equal(mistake.key, row->option);
	assert_string_equal(mistake.why.text, row->why);
	assert_given(&layers.all, NULL);
	struct settings built_in, resolved;
	settings_init(&built_in);
	settings_resolve(&layers, NULL, API_DOTDIGITAL, &resolved);
	for (size_t i = 0; i < COUNT(option_rows); i++)
		assert_row(option_rows[i].name, value_is(&option_rows[i], &resolved, &built_in));
}

static void an_apis_own_default_gives_way_to_what_is_said(void **state)
{
	(void)state;
	struct settings_layers layers = {0};
	struct settings settings;
	settings_resolve(&layers, NULL, API_MANAGE, &settings);
	assert_int_equal(settings.limits.resend_delay.first_ms, 60 * SECONDS_MS);
	assert_int_equal(settings.limits.calls_per_client.at[0].count, 600);
	settings_resolve(&layers, NULL, API_DOTDIGITAL, &settings);
	assert_int_equal(settings.limits.resend_delay.first_ms, 30 * SECONDS_MS);
	assert_int_equal(settings.limits.calls_per_client.n, 0);
	set_sound(&layers.all, "limits.resend_delay.first", "45s");
	settings_resolve(&layers, NULL, API_MANAGE, &settings);
	assert_int_equal(settings.limits.resend_delay.first_ms, 45 * SECONDS_MS);
	assert_int_equal(settings.limits.calls_per_client.at[0].count, 600);
}

static void a_region_is_kept_as_two_letters(void **state)
{
	(void)state;
	static const char *const texts[] = {"GB", "gb", "GBR", "gbr"};
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct settings_layer layer = {0};
		set_sound(&layer, "manage.region", texts[i]);
		assert_string_equal(layer.values.manage.region, "GB");
	}
}

static void a_refusal_keeps_what_was_set_before(void **state)
{
	(void)state;
	struct settings_layers layers = {0};
	struct settings_mistake mistake;
	struct settings settings;
	set_sound(&layers.all, "limits.resend_delay.growth", "1h 2h");
	set_sound(&layers.all, "limits.sends_per_number", "7/1h");
	assert_false(set(&layers.all, "limits.resend_delay.growth", "3h 4h 5h x", &mistake));
	assert_false(set(&layers.all, "limits.sends_per_number", "8/1h x", &mistake));
	settings_resolve(&layers, NULL, API_DOTDIGITAL, &settings);
	assert_int_equal(settings.limits.resend_delay.growth_n, 2);
	assert_int_equal(settings.limits.resend_delay.growth_ms[0], HOURS_MS);
	assert_int_equal(settings.limits.resend_delay.growth_ms[1], 2 * HOURS_MS);
	assert_int_equal(settings.limits.sends_per_number.at[0].count, 7);
}

static void a_long_name_is_cut_in_the_mistake(void **state)
{
	(void)state;
	char name[200];
	struct settings_layer layer = {0};
	struct settings_mistake mistake;
	memset(name, 'x', sizeof(name));
	assert_false(
	    settings_set(&layer, (struct bytes){name, sizeof(name)}, BYTES("1"), &mistake));
	assert_int_equal(strlen(mistake.key), sizeof(mistake.key) - 1);
}

static void durations_are_read(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t ms; /* -1: refused */
	} rows[] = {
	    {"0s", 0},           {"1s", 1000},
	    {"30s", 30000},      {"10m", 600000},
	    {"24h", 86400000},   {"30d", INT64_C(2592000000)},
	    {"007s", 7000},      {"999999999d", INT64_C(86399999913600000)},
	    {"1000000000d", -1}, {"", -1},
	    {"s", -1},           {"1", -1},
	    {"1w", -1},          {"-1s", -1},
	    {"1s ", -1},         {"\xd9\xa1s", -1},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t ms = -1;
		bool read = duration_parse(bytes_from_text(rows[i].text), &ms);
		assert_row(rows[i].text, read == (rows[i].ms >= 0) && ms == rows[i].ms);
	}
}

/* ---- who wins -------------------------------------------------------------------------------- */

/* Each layer alone and with each other: the nearest to the request wins. */
static void the_nearest_layer_wins(void **state)
{
	(void)state;
	static const char *const lengths[] = {"5", "7", "8", "9"};
	for (unsigned layers = 0; layers < 16; layers++) {
		struct settings_layers server = {0}, tenant = {0};
		struct settings_layer *const at[] = {&server.all, &server.of_api[API_DOTDIGITAL],
		                                     &tenant.all, &tenant.of_api[API_DOTDIGITAL]};
		int expected = 6;
		for (unsigned i = 0; i < COUNT(at); i++) {
			if (!(layers >> i & 1))
				continue;
			set_sound(at[i], "code.length", lengths[i]);
			expected = lengths[i][0] - '0';
		}
		struct settings settings;
		settings_resolve(&server, &tenant, API_DOTDIGITAL, &settings);
		assert_int_equal(settings.code.length, expected);
	}
}

/* The growth of a delay lies in one struct with the first and the longest. */
static void the_parts_of_a_delay_come_from_different_layers(void **state)
{
	(void)state;
	struct settings_layers server = {0}, tenant = {0};
	struct settings settings;
	set_sound(&server.all, "limits.resend_delay.growth", "11m 12m");
	set_sound(&server.of_api[API_DOTDIGITAL], "limits.resend_delay.max", "20h");
	set_sound(&tenant.all, "limits.resend_delay.first", "10m");
	settings_resolve(&server, &tenant, API_DOTDIGITAL, &settings);
	assert_int_equal(settings.limits.resend_delay.first_ms, 10 * MINUTES_MS);
	assert_int_equal(settings.limits.resend_delay.growth_n, 2);
	assert_int_equal(settings.limits.resend_delay.growth_ms[1], 12 * MINUTES_MS);
	assert_int_equal(settings.limits.resend_delay.max_ms, 20 * HOURS_MS);
	set_sound(&tenant.of_api[API_DOTDIGITAL], "limits.resend_delay.growth", "");
	settings_resolve(&server, &tenant, API_DOTDIGITAL, &settings);
	assert_int_equal(settings.limits.resend_delay.growth_n, 0);
	assert_int_equal(settings.limits.resend_delay.first_ms, 10 * MINUTES_MS);
}

/* ---- a tenant's settings --------------------------------------------------------------------- */

static const struct json_row {
	const char *name, *json;
	const char *all;    /* "option=text": given by the tenant for every API */
	const char *of_api; /* likewise, for dotdigital */
} json_rows[] = {
    {"nothing", "{}", NULL, NULL},
    {"a number", "{\"code\":{\"length\":8}}", "code.length=8", NULL},
    {"a number as text", "{\"code\":{\"length\":\"8\"}}", "code.length=8", NULL},
    {"a duration", "{\"code\":{\"ttl\":\"5m\"}}", "code.ttl=5m", NULL},
    {"a truth", "{\"limits\":{\"enabled\":true}}", "limits.enabled=true", NULL},
    {"three deep", "{\"limits\":{\"resend_delay\":{\"first\":\"1m\"}}}",
     "limits.resend_delay.first=1m", NULL},
    {"a list", "{\"limits\":{\"sends_per_number\":[\"1/1h\",\"2/2h\"]}}",
     "limits.sends_per_number=1/1h 2/2h", NULL},
    {"an empty list", "{\"limits\":{\"sends_per_number\":[]}}", "limits.sends_per_number=", NULL},
    {"escapes in a name and a text", "{\"c\\u006fde\":{\"ttl\":\"5\\u006d\"}}", "code.ttl=5m",
     NULL},
    {"an API's own", "{\"dotdigital\":{\"create_status\":201}}", NULL,
     "dotdigital.create_status=201"},
    {"an API's code", "{\"dotdigital\":{\"code\":{\"length\":9}}}", NULL, "code.length=9"},
    {"an API's limits, four deep",
     "{\"dotdigital\":{\"limits\":{\"failure_waits\":{\"max\":\"2h\"}}}}", NULL,
     "limits.failure_waits.max=2h"},
    {"both, in either order", "{\"dotdigital\":{\"code\":{\"length\":9}},\"code\":{\"length\":8}}",
     "code.length=8", "code.length=9"},
};

static void assert_layer(const struct settings_layer *layer, const char *expected)
{
	struct settings_layer wanted = {0};
	if (expected) {
		char name[64];
		const char *mark = strchr(expected, '=');
		(void)snprintf(name, sizeof(name), "%.*s", (int)(mark - expected), expected);
		set_sound(&wanted, name, mark + 1);
	}
	assert_memory_equal(layer->given, wanted.given, sizeof(wanted.given));
	for (size_t i = 0; i < COUNT(option_rows); i++)
		assert_row(option_rows[i].name,
		           value_is(&option_rows[i], &layer->values, &wanted.values));
}

static void a_tenants_settings_are_read(void **state)
{
	const struct json_row *row = ROW_OF(state, struct json_row);
	struct arena arena;
	struct settings_layers layers;
	struct settings_mistake mistake;
	arena_init(&arena);
	enum err err = settings_read_json(bytes_from_text(row->json), &arena, &layers, &mistake);
	if (err)
		fail_msg("%s %s", mistake.key, mistake.why.text);
	assert_layer(&layers.all, row->all);
	assert_layer(&layers.of_api[API_DOTDIGITAL], row->of_api);
	arena_done(&arena);
}

#define NO_NAME "holds a name that is no setting's"
#define NO_TENANTS "is not a setting of a tenant"
#define NO_SCALAR "must be a text, a number, true, false, or a list of texts"

static const struct json_refusal_row {
	const char *name, *json, *key, *why; /* why NULL: the JSON reader's own words */
} json_refusal_rows[] = {
    {"not JSON", "{", "", NULL},
    {"not an object", "[]", "", "must be an object"},
    {"a text", "\"code\"", "", "must be an object"},
    {"something behind it", "{} {}", "", NULL},
    {"a server's option", "{\"retention\":\"1d\"}", "retention", NO_TENANTS},
    {"another server's option", "{\"wal_pages\":100}", "wal_pages", NO_TENANTS},
    {"a server's option in an API's section", "{\"dotdigital\":{\"wal_pages\":100}}",
     "dotdigital.wal_pages", "is not a setting"},
    {"a limit of later versions", "{\"limits\":{\"breaker\":{\"window\":\"1h\"}}}",
     "limits.breaker.window", "is not in this version"},
    {"the same in an API's section", "{\"dotdigital\":{\"limits\":{\"exempt\":[]}}}",
     "dotdigital.limits.exempt", "is not in this version"},
    {"an unknown key", "{\"colour\":1}", "colour", "is not a setting"},
    {"an unknown key in a section", "{\"code\":{\"size\":6}}", "code.size", "is not a setting"},
    {"an unknown section", "{\"paint\":{\"colour\":1}}", "paint.colour", "is not a setting"},
    {"an unknown key of an API", "{\"dotdigital\":{\"colour\":1}}", "dotdigital.colour",
     "is not a setting"},
    {"an API within an API", "{\"dotdigital\":{\"dotdigital\":{\"enabled\":true}}}",
     "dotdigital.dotdigital.enabled", "is not a setting"},
    {"a wrong value", "{\"code\":{\"length\":3}}", "code.length",
     "must be a whole number from 4 to 10"},
    {"a wrong value in an API's section", "{\"dotdigital\":{\"code\":{\"length\":3}}}",
     "dotdigital.code.length", "must be a whole number from 4 to 10"},
    {"a truth as a number", "{\"limits\":{\"enabled\":1}}", "limits.enabled",
     "must be true or false"},
    {"null", "{\"code\":{\"length\":null}}", "code.length", NO_SCALAR},
    {"a section that is a text", "{\"code\":\"digits\"}", "code", "is not a setting"},
    {"an option that is an object", "{\"code\":{\"length\":{\"of\":6}}}", "code.length.of",
     "is not a setting"},
    {"a list in a list", "{\"limits\":{\"sends_per_number\":[[\"1/1h\"]]}}",
     "limits.sends_per_number", NO_SCALAR},
    {"an object in a list", "{\"limits\":{\"sends_per_number\":[{}]}}", "limits.sends_per_number",
     NO_SCALAR},
    {"a blank in a list's text", "{\"limits\":{\"sends_per_number\":[\"1/1h 2/2h\"]}}",
     "limits.sends_per_number", "has an element that is too long or has a blank"},
    {"a list for a number", "{\"code\":{\"length\":[4,5]}}", "code.length",
     "must be a whole number from 4 to 10"},
    {"a path in one name", "{\"code.length\":8}", "", NO_NAME},
    {"an empty name", "{\"\":{\"code\":{\"length\":8}}}", "", NO_NAME},
    {"an empty name in a section", "{\"code\":{\"\":8}}", "code", NO_NAME},
    {"a NUL in a name", "{\"code\\u0000\":{\"length\":8}}", "", NO_NAME},
    {"a value that stands twice", "{\"code\":{\"length\":8,\"length\":4}}", "code.length",
     "stands twice"},
    {"a section that says it again", "{\"code\":{\"length\":8},\"code\":{\"length\":8}}",
     "code.length", "stands twice"},
    {"too deep", "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}}}}}",
     "a.a.a.a.a.a.a.a", NULL},
};

static void tenant_settings_refused(void **state)
{
	const struct json_refusal_row *row = ROW_OF(state, struct json_refusal_row);
	struct arena arena;
	struct settings_layers layers;
	struct settings_mistake mistake;
	arena_init(&arena);
	assert_int_not_equal(
	    settings_read_json(bytes_from_text(row->json), &arena, &layers, &mistake), OK);
	assert_string_equal(mistake.key, row->key);
	assert_int_not_equal(strlen(mistake.why.text), 0);
	if (row->why)
		assert_string_equal(mistake.why.text, row->why);
	arena_done(&arena);
}

/* What only a server may say is refused by its row in the table, not by how it is spelled. */
static void what_only_a_server_says_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < OPTIONS; i++) {
		const struct option *option = &option_table[i];
		char json[256], path[64], closing[8] = "";
		struct arena arena;
		struct settings_layers layers;
		struct settings_mistake mistake;
		size_t len = 0, depth = 0;
		(void)snprintf(path, sizeof(path), "%s", option->name.at);
		for (char *word = path, *dot; word; word = dot ? dot + 1 : NULL) {
			if ((dot = strchr(word, '.')))
				*dot = '\0';
			len += (size_t)snprintf(json + len, sizeof(json) - len, "{\"%s\":", word);
			closing[depth++] = '}';
			closing[depth] = '\0';
		}
		(void)snprintf(json + len, sizeof(json) - len, "\"%s\"%s",
		               option->default_text.at ? option->default_text.at : "x", closing);
		arena_init(&arena);
		enum err err = settings_read_json(bytes_from_text(json), &arena, &layers, &mistake);
		assert_row(json, (err == OK) ==
		                     (option->home == HOME_SHARED || option->home == HOME_API));
		arena_done(&arena);
	}
}

static void a_name_of_any_length_is_survived(void **state)
{
	(void)state;
	for (size_t len = 55; len < 70; len++) {
		char json[128];
		struct arena arena;
		struct settings_layers layers;
		struct settings_mistake mistake;
		(void)snprintf(json, sizeof(json), "{\"code\":{\"%0*d\":1}}", (int)len, 0);
		arena_init(&arena);
		assert_int_not_equal(
		    settings_read_json(bytes_from_text(json), &arena, &layers, &mistake), OK);
		assert_true(strlen(mistake.key) < sizeof(mistake.key));
		arena_done(&arena);
	}
}

/* ---- stricter -------------------------------------------------------------------------------- */

static const struct strict_row {
	const char *name, *option, *text;
	bool stricter; /* than the built-in limits */
} strict_rows[] = {
    {"limits off", "limits.enabled", "false", false},
    {"limits on", "limits.enabled", "true", true},
    {"first delay: as long", "limits.resend_delay.first", "30s", true},
    {"first delay: longer", "limits.resend_delay.first", "31s", true},
    {"first delay: shorter", "limits.resend_delay.first", "29s", false},
    {"growth: the same", "limits.resend_delay.growth", "1m 2m 5m", true},
    {"growth: longer", "limits.resend_delay.growth", "2m 3m 6m", true},
    {"growth: one shorter", "limits.resend_delay.growth", "1m 119s 5m", false},
    {"growth: one more, as it would have doubled", "limits.resend_delay.growth", "1m 2m 5m 10m",
     true},
    {"growth: one more, less than doubled", "limits.resend_delay.growth", "1m 2m 5m 9m", false},
    {"growth: fewer, but doubling past them", "limits.resend_delay.growth", "2m 4m", true},
    {"growth: fewer, and doubling too slowly", "limits.resend_delay.growth", "1m 2m", false},
    {"growth: none", "limits.resend_delay.growth", "", false},
    {"growth: eight", "limits.resend_delay.growth", "1m 2m 5m 10m 20m 32m 32m 32m", true},
    {"growth: the eighth shorter", "limits.resend_delay.growth", "1m 2m 5m 10m 20m 32m 32m 31m",
     false},
    {"longest delay: longer", "limits.resend_delay.max", "33m", true},
    {"longest delay: shorter", "limits.resend_delay.max", "31m", false},
    {"sends: the same", "limits.sends_per_number", "3/10m 5/1h 10/24h", true},
    {"sends: in another order", "limits.sends_per_number", "10/24h 3/10m 5/1h", true},
    {"sends: fewer", "limits.sends_per_number", "2/10m 4/1h 9/24h", true},
    {"sends: one for all", "limits.sends_per_number", "3/24h", true},
    {"sends: one more", "limits.sends_per_number", "4/10m 5/1h 10/24h", false},
    {"sends: a shorter window", "limits.sends_per_number", "3/9m 5/1h 10/24h", false},
    {"sends: one missing", "limits.sends_per_number", "3/10m 5/1h", false},
    {"sends: none", "limits.sends_per_number", "", false},
    {"guesses: fewer", "limits.guesses_per_number", "9/15m 30/24h", true},
    {"guesses: more", "limits.guesses_per_number", "11/15m 30/24h", false},
    {"failures: fewer", "limits.consecutive_failures", "99", true},
    {"failures: as many", "limits.consecutive_failures", "100", true},
    {"waits: sooner", "limits.failure_waits.after", "9", true},
    {"waits: later", "limits.failure_waits.after", "11", false},
    {"first wait: longer", "limits.failure_waits.first", "31s", true},
    {"first wait: shorter", "limits.failure_waits.first", "29s", false},
    {"longest wait: longer", "limits.failure_waits.max", "61m", true},
    {"longest wait: shorter", "limits.failure_waits.max", "59m", false},
    {"a code is no limit", "code.attempts", "100", true},
};

static void limits_may_only_be_stricter(void **state)
{
	const struct strict_row *row = ROW_OF(state, struct strict_row);
	struct settings_layers server = {0}, tenant = {0};
	struct settings ours, theirs;
	struct settings_mistake mistake = {0};
	set_sound(&tenant.all, row->option, row->text);
	settings_resolve(&server, &tenant, API_DOTDIGITAL, &ours);
	settings_resolve(&server, NULL, API_DOTDIGITAL, &theirs);
	assert_int_equal(settings_are_stricter(&ours, &theirs, &mistake), row->stricter);
	if (!row->stricter) {
		assert_string_equal(mistake.key, row->option);
		assert_string_equal(mistake.why.text,
		                    "is looser than the server's; a tenant's limits may only be "
		                    "stricter");
	}
	/* A server without limits has none that could be loosened. */
	set_sound(&server.all, "limits.enabled", "false");
	settings_resolve(&server, NULL, API_DOTDIGITAL, &theirs);
	assert_true(settings_are_stricter(&ours, &theirs, &mistake));
}

static void fewer_failures_are_looser_backwards(void **state)
{
	(void)state;
	struct settings_layers server = {0};
	struct settings ours, theirs;
	struct settings_mistake mistake;
	settings_resolve(&server, NULL, API_DOTDIGITAL, &ours);
	set_sound(&server.all, "limits.consecutive_failures", "50");
	settings_resolve(&server, NULL, API_DOTDIGITAL, &theirs);
	assert_false(settings_are_stricter(&ours, &theirs, &mistake));
	assert_string_equal(mistake.key, "limits.consecutive_failures");
}

int main(void)
{
	static struct cases cases;
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(phones_are_unique_as_the_nearest_says),
	    cmocka_unit_test(every_option_is_in_the_manual),
	    cmocka_unit_test(the_defaults_are_these_values),
	    cmocka_unit_test(a_refusal_keeps_what_was_set_before),
	    cmocka_unit_test(an_apis_own_default_gives_way_to_what_is_said),
	    cmocka_unit_test(a_region_is_kept_as_two_letters),
	    cmocka_unit_test(a_long_name_is_cut_in_the_mistake),
	    cmocka_unit_test(durations_are_read),
	    cmocka_unit_test(what_only_a_server_says_is_refused),
	    cmocka_unit_test(the_nearest_layer_wins),
	    cmocka_unit_test(the_parts_of_a_delay_come_from_different_layers),
	    cmocka_unit_test(a_name_of_any_length_is_survived),
	    cmocka_unit_test(fewer_failures_are_looser_backwards),
	};
	CASES_ADD(&cases, tests);
	CASES_ADD_ROWS(&cases, "default", option_rows, an_option_takes_its_own_default);
	CASES_ADD_ROWS(&cases, "alone", option_rows, an_option_changes_itself_and_no_other);
	CASES_ADD_ROWS(&cases, "edges", option_rows, a_number_has_two_edges);
	CASES_ADD_ROWS(&cases, "refused", refusal_rows, a_refusal_says_why_and_changes_nothing);
	CASES_ADD_ROWS(&cases, "JSON", json_rows, a_tenants_settings_are_read);
	CASES_ADD_ROWS(&cases, "JSON refused", json_refusal_rows, tenant_settings_refused);
	CASES_ADD_ROWS(&cases, "stricter", strict_rows, limits_may_only_be_stricter);
	return cases_run("settings", &cases);
}
