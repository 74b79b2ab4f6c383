/* SPDX-License-Identifier: Apache-2.0 */
/* Days and civil dates by counting 400-year eras (146,097 days each) from 1 March of year 0, so
 * that the leap day is the last day of a year. */
#include "base/when.h"

#include <assert.h>

#define DAYS_PER_ERA 146097
#define DAYS_TO_1970 719468 /* from 0000-03-01 to 1970-01-01 */

struct civil {
	int year, month, day;
};

static int64_t civil_to_days(struct civil date)
{
	int64_t year = date.month <= 2 ? date.year - 1 : date.year;
	int64_t era = year / 400;
	int64_t year_of_era = year - era * 400;
	int64_t month = (date.month + 9) % 12; /* March is 0 */
	int64_t day_of_year = (153 * month + 2) / 5 + date.day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
	return era * DAYS_PER_ERA + day_of_era - DAYS_TO_1970;
}

static struct civil civil_from_days(int64_t days)
{
	int64_t shifted = days + DAYS_TO_1970;
	int64_t era = shifted / DAYS_PER_ERA;
	int64_t day_of_era = shifted - era * DAYS_PER_ERA;
	int64_t year_of_era =
	    (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year =
	    day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t month = (5 * day_of_year + 2) / 153;
	struct civil date = {
	    .month = (int)(month < 10 ? month + 3 : month - 9),
	    .day = (int)(day_of_year - (153 * month + 2) / 5 + 1),
	};
	date.year = (int)(year_of_era + era * 400 + (date.month <= 2));
	return date;
}

static void put_digits(char *at, int64_t value, int width)
{
	for (int i = width - 1; i >= 0; i--) {
		at[i] = (char)('0' + value % 10);
		value /= 10;
	}
}

void when_format(int64_t at_ms, char ret[WHEN_TEXT_LEN + 1])
{
	assert(at_ms >= 0 && at_ms <= WHEN_MAX_MS);
	struct civil date = civil_from_days(at_ms / DAYS_MS);
	int64_t of_day = at_ms % DAYS_MS;
	memcpy(ret, "0000-00-00T00:00:00.000Z", WHEN_TEXT_LEN + 1);
	put_digits(ret, date.year, 4);
	put_digits(ret + 5, date.month, 2);
	put_digits(ret + 8, date.day, 2);
	put_digits(ret + 11, of_day / HOURS_MS, 2);
	put_digits(ret + 14, of_day / MINUTES_MS % 60, 2);
	put_digits(ret + 17, of_day / SECONDS_MS % 60, 2);
	put_digits(ret + 20, of_day % SECONDS_MS, 3);
}

/* Exactly `width` digits off the front. */
static bool take_number(struct bytes *in, size_t width, int *ret)
{
	if (in->len < width)
		return false;
	int value = 0;
	for (size_t i = 0; i < width; i++) {
		if (!ascii_is_digit(in->at[i]))
			return false;
		value = value * 10 + (in->at[i] - '0');
	}
	*in = bytes_from(*in, width);
	*ret = value;
	return true;
}

static bool take_char(struct bytes *in, const char *any_of)
{
	if (in->len == 0 || in->at[0] == '\0' || !strchr(any_of, in->at[0]))
		return false;
	*in = bytes_from(*in, 1);
	return true;
}

static int days_of_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return days[month - 1] + (month == 2 && leap);
}

static bool take_date(struct bytes *in, int64_t *ret_days)
{
	struct civil date;
	if (!take_number(in, 4, &date.year) || !take_char(in, "-") ||
	    !take_number(in, 2, &date.month) || !take_char(in, "-") ||
	    !take_number(in, 2, &date.day))
		return false;
	if (date.year < 1970 || date.month < 1 || date.month > 12 || date.day < 1 ||
	    date.day > days_of_month(date.year, date.month))
		return false;
	*ret_days = civil_to_days(date);
	return true;
}

/* ".419": the milliseconds of a fraction of at most 9 digits. */
static bool take_fraction(struct bytes *in, int64_t *ret_ms)
{
	*ret_ms = 0;
	if (!take_char(in, "."))
		return true;
	size_t digits = 0;
	int64_t unit = 100;
	for (; digits < in->len && ascii_is_digit(in->at[digits]); digits++) {
		*ret_ms += (in->at[digits] - '0') * unit;
		unit /= 10;
	}
	*in = bytes_from(*in, digits);
	return digits <= 9;
}

static bool take_offset(struct bytes *in, int64_t *ret_ms)
{
	*ret_ms = 0;
	if (in->len == 0 || take_char(in, "Zz"))
		return true;
	int64_t sign = in->at[0] == '-' ? -1 : 1;
	int hours, minutes;
	if (!take_char(in, "+-") || !take_number(in, 2, &hours) || !take_char(in, ":") ||
	    !take_number(in, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*ret_ms = sign * (hours * HOURS_MS + minutes * MINUTES_MS);
	return true;
}

enum err when_parse(struct bytes in, int64_t *ret_ms)
{
	int64_t days, fraction_ms, offset_ms;
	int hour, minute, second;
	if (!take_date(&in, &days) || !take_char(&in, "Tt ") || !take_number(&in, 2, &hour) ||
	    !take_char(&in, ":") || !take_number(&in, 2, &minute) || !take_char(&in, ":") ||
	    !take_number(&in, 2, &second) || !take_fraction(&in, &fraction_ms) ||
	    !take_offset(&in, &offset_ms) || in.len)
		return ERR_MALFORMED;
	/* A leap second (RFC 3339 section 5.7) is read as the second after it. */
	if (hour > 23 || minute > 59 || second > 60)
		return ERR_MALFORMED;
	int64_t at_ms = days * DAYS_MS + hour * HOURS_MS + minute * MINUTES_MS +
	                second * SECONDS_MS + fraction_ms - offset_ms;
	if (at_ms < 0 || at_ms > WHEN_MAX_MS)
		return ERR_MALFORMED;
	*ret_ms = at_ms;
	return OK;
}
