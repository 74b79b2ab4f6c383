/* SPDX-License-Identifier: Apache-2.0 */
/* How each type of value is read. */
#include "ops/option.h"

#include "base/when.h"
#include "core/message.h"
#include "core/policy.h"
#include "ops/settings.h"
#include "wire/e164.h"

#include <assert.h>
#include <stdio.h>

#define SIZE_DIGITS_MAX 9

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

void duration_format(int64_t ms, char ret[DURATION_TEXT_MAX])
{
	static const struct {
		int64_t ms;
		char name;
	} units[] = {{DAYS_MS, 'd'}, {HOURS_MS, 'h'}, {MINUTES_MS, 'm'}, {SECONDS_MS, 's'}};
	size_t i = 0;
	while (i < 3 && (ms == 0 || ms % units[i].ms))
		i++;
	(void)snprintf(ret, DURATION_TEXT_MAX, "%lld%c", (long long)(ms / units[i].ms),
	               units[i].name);
}

/* ---- lists ----------------------------------------------------------------------------------- */

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

static bool refuse(struct problem *reterr, const char *why)
{
	return problem_say(reterr, "%s", why);
}

static bool read_rates(const struct option *option, struct bytes text, struct rates *ret,
                       struct problem *reterr)
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
			return problem_say(
			    reterr,
			    "each is a count of %lld to %lld, a slash and a duration "
			    "of at most 30d, as in \"5/1h\"",
			    (long long)option->min, (long long)option->max);
		rates.at[rates.n++] =
		    (struct rate){.count = (uint16_t)count, .window_ms = window_ms};
	}
	*ret = rates;
	return true;
}

static bool read_delays(const struct option *option, struct bytes text, struct resend_delay *ret,
                        struct problem *reterr)
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

static bool read_addresses(const struct option *option, struct bytes text,
                           struct net_addresses *ret, struct problem *reterr)
{
	struct net_addresses addresses = {0};
	struct bytes word;
	while (next_word(&text, &word)) {
		if (addresses.n == (size_t)option->max)
			return problem_say(reterr, "at most %lld addresses",
			                   (long long)option->max);
		if (net_address_parse(word, &addresses.at[addresses.n++]) != OK)
			return refuse(reterr, "each is ADDRESS:PORT, as in \"127.0.0.1:8080\", "
			                      "\"[::1]:8080\" or \"https://0.0.0.0:8443\"");
	}
	if (addresses.n < (size_t)option->min)
		return refuse(reterr, "must hold an address, as in \"127.0.0.1:8080\"");
	*ret = addresses;
	return true;
}

/* Others can reach what is not loopback, and nothing there asks who they are. */
static bool read_place(struct bytes text, struct net_place *ret, struct problem *reterr)
{
	struct net_place place;
	if (net_place_parse(text, &place) != OK || place.address.scheme != NET_SCHEME_NONE ||
	    (place.address.host[0] && !net_address_is_loopback(&place.address)))
		return refuse(reterr, "must be unix:PATH, with a path of at most 107 octets that "
		                      "begins with /, an address of loopback, as in "
		                      "\"127.0.0.1:9464\", or empty");
	*ret = place;
	return true;
}

/* ---- numbers --------------------------------------------------------------------------------- */

static bool read_ms(const struct option *option, struct bytes text, int64_t *ret,
                    struct problem *reterr)
{
	char least[DURATION_TEXT_MAX], most[DURATION_TEXT_MAX];
	if (duration_parse(text, ret) && *ret >= option->min && *ret <= option->max)
		return true;
	duration_format(option->min, least);
	duration_format(option->max, most);
	return problem_say(reterr,
	                   "must be a duration of %s to %s, as in \"30s\", \"10m\", \"24h\" or "
	                   "\"30d\"",
	                   least, most);
}

static bool read_int(const struct option *option, struct bytes text, int64_t *ret,
                     struct problem *reterr)
{
	return (number_parse(text, ret) && *ret >= option->min && *ret <= option->max) ||
	       problem_say(reterr, "must be a whole number from %lld to %lld",
	                   (long long)option->min, (long long)option->max);
}

/* Octets: digits, or digits and KiB or MiB. */
static bool size_parse(struct bytes text, int64_t *ret)
{
	static const struct {
		struct bytes name;
		int shift;
	} units[] = {{{"KiB", 3}, 10}, {{"MiB", 3}, 20}};
	int shift = 0;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t digits = text.len - units[i].name.len;
		if (text.len <= units[i].name.len ||
		    !bytes_equal(bytes_from(text, digits), units[i].name))
			continue;
		shift = units[i].shift;
		text = bytes_first(text, digits);
	}
	if (text.len > SIZE_DIGITS_MAX || !number_parse(text, ret))
		return false;
	*ret <<= shift;
	return true;
}

static bool read_size(const struct option *option, struct bytes text, int64_t *ret,
                      struct problem *reterr)
{
	return (size_parse(text, ret) && *ret >= option->min && *ret <= option->max) ||
	       problem_say(reterr,
	                   "must be a size of %lld to %lld octets, as in \"512\" or \"64KiB\"",
	                   (long long)option->min, (long long)option->max);
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

static bool read_integer(const struct option *option, struct bytes text, void *field,
                         struct problem *reterr)
{
	int64_t value;
	bool sound = option->type == OPTION_MS     ? read_ms(option, text, &value, reterr)
	             : option->type == OPTION_SIZE ? read_size(option, text, &value, reterr)
	                                           : read_int(option, text, &value, reterr);
	if (sound)
		store_number(field, option->size, value);
	return sound;
}

/* ---- texts ----------------------------------------------------------------------------------- */

static bool length_fits(const struct option *option, struct bytes text)
{
	return text.len >= (size_t)option->min && text.len <= (size_t)option->max;
}

static void store_text(const struct option *option, struct bytes text, char *field)
{
	assert(text.len < option->size);
	memset(field, 0, option->size);
	if (text.len)
		memcpy(field, text.at, text.len);
}

static bool read_text(const struct option *option, struct bytes text, char *field,
                      struct problem *reterr)
{
	if (!length_fits(option, text) || bytes_find(text, '\0') != text.len)
		return problem_say(reterr, "must be a text of %lld to %lld characters",
		                   (long long)option->min, (long long)option->max);
	store_text(option, text, field);
	return true;
}

/* What HTTP can carry as a credential. */
static bool is_visible_ascii(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] <= ' ' || text.at[i] > '~')
			return false;
	return true;
}

static bool read_secret(const struct option *option, struct bytes text, char *field,
                        struct problem *reterr)
{
	if (text.len && (!length_fits(option, text) || !is_visible_ascii(text)))
		return problem_say(reterr,
		                   "must be empty, or %lld to %lld printable ASCII characters "
		                   "without blanks",
		                   (long long)option->min, (long long)option->max);
	store_text(option, text, field);
	return true;
}

static bool read_key(struct bytes text, uint8_t *field, struct problem *reterr)
{
	uint8_t key[SECRET_KEY_LEN];
	bool sound = text.len == 2 * sizeof(key);
	for (size_t i = 0; i < sizeof(key) && sound; i++) {
		int high = ascii_hex_value(text.at[2 * i]),
		    low = ascii_hex_value(text.at[2 * i + 1]);
		sound = high >= 0 && low >= 0;
		key[i] = (uint8_t)((unsigned)high << 4 | (unsigned)low);
	}
	if (sound)
		memcpy(field, key, sizeof(key));
	secret_wipe(key, sizeof(key));
	return sound || refuse(reterr, "must be 64 hexadecimal digits, as `openssl rand -hex 32` "
	                               "prints them");
}

static bool is_name(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++) {
		char lower = ascii_lower(text.at[i]);
		if (!ascii_is_digit(lower) && (lower < 'a' || lower > 'z') && lower != '.' &&
		    lower != '_' && lower != '-')
			return false;
	}
	return true;
}

static bool read_name(const struct option *option, struct bytes text, char *field,
                      struct problem *reterr)
{
	if (!length_fits(option, text) || !is_name(text))
		return problem_say(reterr, "must be %lld to %lld of A-Z a-z 0-9 . _ -",
		                   (long long)option->min, (long long)option->max);
	store_text(option, text, field);
	return true;
}

static bool read_sender(const struct option *option, struct bytes text, char *field,
                        struct problem *reterr)
{
	if (text.len && !message_sender_is_sound(text))
		return refuse(reterr,
		              "must be empty, 2 to 15 digits, or 2 to 11 of A-Z a-z 0-9 . _ - "
		              "and space");
	store_text(option, text, field);
	return true;
}

/* What stands before the paths of an API: nothing, or words after a slash each. */
static bool path_is_sound(struct bytes text)
{
	while (text.len) {
		if (text.at[0] != '/')
			return false;
		text = bytes_from(text, 1);
		size_t len = bytes_find(text, '/');
		struct bytes word = bytes_first(text, len);
		if (!word.len || !is_name(word) || word.at[0] == '.')
			return false;
		text = bytes_from(text, len);
	}
	return true;
}

static bool read_path(const struct option *option, struct bytes text, char *field,
                      struct problem *reterr)
{
	if (!length_fits(option, text) || !path_is_sound(text))
		return problem_say(
		    reterr,
		    "must be empty, or at most %lld characters of words from A-Z a-z 0-9 . _ - "
		    "with a slash before each, as in \"/manage\"",
		    (long long)option->max);
	store_text(option, text, field);
	return true;
}

static bool read_region(const struct option *option, struct bytes text, char *field,
                        struct problem *reterr)
{
	char region[E164_REGION_LEN + 1];
	uint16_t code;
	if (text.len && !e164_region_find(text, region, &code))
		return refuse(reterr, "must be empty, or a country as in \"GB\" or \"GBR\"");
	store_text(option, text.len ? bytes_from_text(region) : text, field);
	return true;
}

static bool read_on_off(const struct option *option, struct bytes text, char *field,
                        struct problem *reterr)
{
	if (!bytes_equal(text, BYTES("On")) && !bytes_equal(text, BYTES("Off")))
		return refuse(reterr, "must be On or Off");
	store_text(option, text, field);
	return true;
}

/* ---- words ----------------------------------------------------------------------------------- */

static const struct word {
	enum option_type type;
	struct bytes text;
	uint8_t value;
} words[] = {
    {OPTION_BOOL, {"true", 4}, true},
    {OPTION_BOOL, {"false", 5}, false},
    {OPTION_REPEAT, {"same", 4}, REPEAT_SAME},
    {OPTION_REPEAT, {"new", 3}, REPEAT_NEW},
    {OPTION_REQUIRE, {"possible", 8}, NUMBERS_POSSIBLE},
    {OPTION_REQUIRE, {"valid", 5}, NUMBERS_VALID},
    {OPTION_STORE, {"sqlite", 6}, STORE_SQLITE},
    {OPTION_PROVIDER, {"inbox", 5}, PROVIDER_INBOX},
};
#define WORDS (sizeof(words) / sizeof(words[0]))

/* "must be true or false". */
static bool refuse_word(enum option_type type, struct problem *reterr)
{
	const struct word *first = NULL, *second = NULL;
	for (size_t i = WORDS; i-- > 0;) {
		if (words[i].type != type)
			continue;
		second = first;
		first = &words[i];
	}
	assert(first);
	return problem_say(reterr, "must be %s%s%s", first->text.at, second ? " or " : "",
	                   second ? second->text.at : "");
}

static bool read_word(const struct option *option, struct bytes text, void *field,
                      struct problem *reterr)
{
	for (size_t i = 0; i < WORDS; i++) {
		if (words[i].type != option->type || !bytes_equal(words[i].text, text))
			continue;
		store_number(field, option->size, words[i].value);
		return true;
	}
	return refuse_word(option->type, reterr);
}

/* ---------------------------------------------------------------------------------------------- */

bool option_read(const struct option *option, struct bytes text, void *base, struct problem *reterr)
{
	void *field = (char *)base + option->offset;
	switch (option->type) {
	case OPTION_INT:
	case OPTION_MS:
	case OPTION_SIZE:
		return read_integer(option, text, field, reterr);
	case OPTION_TEXT:
		return read_text(option, text, field, reterr);
	case OPTION_SECRET:
		return read_secret(option, text, field, reterr);
	case OPTION_KEY:
		return read_key(text, field, reterr);
	case OPTION_NAME:
		return read_name(option, text, field, reterr);
	case OPTION_SENDER:
		return read_sender(option, text, field, reterr);
	case OPTION_PATH:
		return read_path(option, text, field, reterr);
	case OPTION_REGION:
		return read_region(option, text, field, reterr);
	case OPTION_ON_OFF:
		return read_on_off(option, text, field, reterr);
	case OPTION_ALPHABET:
		return alphabet_parse(text, field) ||
		       refuse(reterr, "must be digits, upper-digits, upper, or 2 to 64 different "
		                      "printable ASCII symbols");
	case OPTION_BOOL:
	case OPTION_REPEAT:
	case OPTION_REQUIRE:
	case OPTION_STORE:
	case OPTION_PROVIDER:
		return read_word(option, text, field, reterr);
	case OPTION_RATES:
		return read_rates(option, text, field, reterr);
	case OPTION_DELAYS:
		return read_delays(option, text, field, reterr);
	case OPTION_ADDRESSES:
		return read_addresses(option, text, field, reterr);
	case OPTION_PLACE:
		return read_place(text, field, reterr);
	case OPTION_LIST:
		break; /* has no text of its own */
	}
	return refuse(reterr, "is a list of objects");
}

bool option_takes_list(const struct option *option)
{
	return option->type == OPTION_RATES || option->type == OPTION_DELAYS ||
	       option->type == OPTION_ADDRESSES;
}

bool option_is_secret(const struct option *option)
{
	return option->type == OPTION_SECRET || option->type == OPTION_KEY;
}
