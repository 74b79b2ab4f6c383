/* SPDX-License-Identifier: Apache-2.0 */
/* Moments: rows for what is read and refused, every day to the year 9999, and the C library's own
 * calendar as a second opinion. */
#include "cases.h"

#include "base/when.h"

struct moment {
	const char *name; /* the text itself */
	int64_t at_ms;
};

static const struct moment moments[] = {
    {"1970-01-01T00:00:00Z", 0},
    {"1970-01-01T00:00:00.001Z", 1},
    {"2015-10-21T13:28:06.419Z", 1445434086419},
    {"2015-10-21t13:28:06.419z", 1445434086419},
    {"2015-10-21 13:28:06.419Z", 1445434086419},
    /* Without an offset it is UTC. */
    {"2015-10-21T13:28:06", 1445434086000},
    {"2015-10-21T13:28:06.419", 1445434086419},
    /* Fractions of 0 to 9 digits; what is below a millisecond is cut, not rounded. */
    {"2015-10-21T13:28:06.Z", 1445434086000},
    {"2015-10-21T13:28:06.4Z", 1445434086400},
    {"2015-10-21T13:28:06.41Z", 1445434086410},
    {"2015-10-21T13:28:06.419999Z", 1445434086419},
    {"2015-10-21T13:28:06.4199999Z", 1445434086419},
    {"2015-10-21T13:28:06.41999999Z", 1445434086419},
    {"2015-10-21T13:28:06.419999999Z", 1445434086419},
    {"2015-10-21T13:28:06.0000000Z", 1445434086000},
    {"2015-10-21T13:28:06.000999999Z", 1445434086000},
    {"2015-10-21T13:28:06.0419Z", 1445434086041},
    /* Offsets, which may change the day and the year. */
    {"2015-10-21T15:28:06.419+02:00", 1445434086419},
    {"2015-10-21T08:28:06-05:00", 1445434086000},
    {"2015-10-21T18:58:06+05:30", 1445434086000},
    {"2015-10-21T13:28:06+00:00", 1445434086000},
    {"2015-10-21T13:28:06-00:00", 1445434086000},
    {"2015-10-22T13:27:06+23:59", 1445434086000},
    {"1970-01-01T01:00:00+01:00", 0},
    {"1969-12-31T23:00:00-01:00", -1}, /* the year as typed is before 1970 */
    {"2000-01-01T00:30:00+01:00", 946683000000},
    /* Leap years: every fourth, not every hundredth, every four hundredth. */
    {"1972-02-29T00:00:00Z", 68169600000},
    {"2000-02-29T00:00:00Z", 951782400000},
    {"2024-02-29T23:59:59Z", 1709251199000},
    {"2100-03-01T00:00:00Z", 4107542400000},
    {"2100-02-29T00:00:00Z", -1},
    {"2023-02-29T00:00:00Z", -1},
    {"2024-02-30T00:00:00Z", -1},
    /* Where 32 bits end. */
    {"2038-01-19T03:14:07Z", 2147483647000},
    {"2038-01-19T03:14:08Z", 2147483648000},
    {"2106-02-07T06:28:16Z", 4294967296000},
    /* The last moment. */
    {"9999-12-31T23:59:59Z", 253402300799000},
    {"9999-12-31T23:59:59.999Z", WHEN_MAX_MS},
    {"9999-12-31T23:59:59.999-00:01", -1},
    {"9999-12-31T23:59:60Z", -1},
    /* A leap second is the second after it. */
    {"2016-12-31T23:59:60Z", 1483228800000},
    {"2016-12-31T23:59:60.500Z", 1483228800500},
    {"2016-12-31T23:59:61Z", -1},
    /* Refused. */
    {"", -1},
    {"2015-10-21", -1},
    {"2015-10-21T", -1},
    {"2015-10-21Z", -1},
    {"2015-10-21T13:28", -1},
    {"2015-10-21T13:28Z", -1},
    {"2015-10-21T13:28:06.4199999999Z", -1},
    {"2015-10-21T13:28:06,419Z", -1},
    {"2015-10-21T13:28:06.419ZZ", -1},
    {"2015-10-21T13:28:06.419 Z", -1},
    {"2015-10-21T13:28:06+0200", -1},
    {"2015-10-21T13:28:06+02", -1},
    {"2015-10-21T13:28:06+2:00", -1},
    {"2015-10-21T13:28:06+24:00", -1},
    {"2015-10-21T13:28:06+02:60", -1},
    {"2015-10-21T13:28:06+", -1},
    {"2015-10-21T13:28:06 02:00", -1},
    {"2015-10-21  13:28:06Z", -1},
    {" 2015-10-21T13:28:06Z", -1},
    {"2015-10-21T13:28:06Z ", -1},
    {"20151021T132806Z", -1},
    {"2015-10-21T24:00:00Z", -1},
    {"2015-10-21T23:60:00Z", -1},
    {"2015-00-21T13:28:06Z", -1},
    {"2015-13-21T13:28:06Z", -1},
    {"2015-10-00T13:28:06Z", -1},
    {"2015-10-32T13:28:06Z", -1},
    {"2015-04-31T13:28:06Z", -1},
    {"1969-12-31T23:59:59Z", -1},
    {"1970-01-01T00:00:00+00:01", -1},
    {"0000-01-01T00:00:00Z", -1},
    {"15-10-21T13:28:06Z", -1},
    {"12015-10-21T13:28:06Z", -1},
    {"2015-1-21T13:28:06Z", -1},
    {"2015-10-21T1:28:06Z", -1},
    {"2015-10-21X13:28:06Z", -1},
    {"2015/10/21T13:28:06Z", -1},
    {"-015-10-21T13:28:06Z", -1},
    {"2015-10-21T13:28:+6Z", -1},
    {"2015-10-21T13:28: 6Z", -1},
    {"Wed, 21 Oct 2015 13:28:06 GMT", -1},
    {"1445434086", -1},
    {"now", -1},
};

static void test_moment(void **state)
{
	const struct moment *row = ROW_OF(state, struct moment);
	int64_t at_ms = -2;
	enum err err = when_parse(bytes_from_text(row->name), &at_ms);
	assert_int_equal(err, row->at_ms < 0 ? ERR_MALFORMED : OK);
	assert_true(at_ms == (row->at_ms < 0 ? -2 : row->at_ms));
	/* A prefix is read within its own octets, whatever it means. */
	for (size_t len = 0; len < strlen(row->name); len++) {
		char *exact = malloc(len + 1);
		assert_non_null(exact);
		memcpy(exact, row->name, len);
		exact[len] = '9';
		(void)!when_parse((struct bytes){exact, len}, &at_ms);
		free(exact);
	}
}

static void test_octets_that_are_no_text(void **state)
{
	(void)state;
	int64_t at_ms;
	assert_int_equal(when_parse(BYTES("2015-10-21T13:28:06\0"), &at_ms), ERR_MALFORMED);
	assert_int_equal(when_parse(BYTES("2015-10-21\0"
	                                  "13:28:06Z"),
	                            &at_ms),
	                 ERR_MALFORMED);
	assert_int_equal(when_parse(BYTES("2015-10-21T13:28:06\xC2\xA0"), &at_ms), ERR_MALFORMED);
	assert_int_equal(when_parse(BYTES_NONE, &at_ms), ERR_MALFORMED);
}

static void test_format(void **state)
{
	(void)state;
	char text[WHEN_TEXT_LEN + 1];
	when_format(0, text);
	assert_string_equal(text, "1970-01-01T00:00:00.000Z");
	when_format(1445434086419, text);
	assert_string_equal(text, "2015-10-21T13:28:06.419Z");
	when_format(951782400000 + DAYS_MS - 1, text);
	assert_string_equal(text, "2000-02-29T23:59:59.999Z");
	when_format(WHEN_MAX_MS, text);
	assert_string_equal(text, "9999-12-31T23:59:59.999Z");
}

/* Every day, counted up by hand. */
static void test_every_day(void **state)
{
	(void)state;
	static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int64_t at_ms = 0;
	for (int year = 1970; year <= 9999; year++)
		for (int month = 1; month <= 12; month++) {
			bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
			int days = lengths[month - 1] + (leap && month == 2);
			for (int day = 1; day <= days; day++, at_ms += DAYS_MS) {
				char text[WHEN_TEXT_LEN + 1], expected[64];
				int64_t back;
				(void)snprintf(expected, sizeof(expected),
				               "%04d-%02d-%02dT00:00:00.000Z", year, month, day);
				when_format(at_ms, text);
				assert_string_equal(text, expected);
				assert_int_equal(when_parse(bytes_from_text(text), &back), OK);
				assert_true(back == at_ms);
			}
		}
	assert_true(at_ms == WHEN_MAX_MS + 1);
}

static void test_the_c_library_agrees(void **state)
{
	(void)state;
	uint64_t random = 88172645463325252U;
	for (int i = 0; i < 200000; i++) {
		char text[WHEN_TEXT_LEN + 1], expected[128];
		struct tm tm;
		int64_t back;
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		int64_t at_ms = (int64_t)(random % (WHEN_MAX_MS + 1));
		time_t at_s = at_ms / SECONDS_MS;
		assert_non_null(gmtime_r(&at_s, &tm));
		(void)snprintf(expected, sizeof(expected), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
		               tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
		               tm.tm_sec, (int)(at_ms % SECONDS_MS));
		when_format(at_ms, text);
		assert_string_equal(text, expected);
		assert_int_equal(when_parse(bytes_from_text(text), &back), OK);
		assert_true(back == at_ms);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_octets_that_are_no_text),
	    cmocka_unit_test(test_format),
	    cmocka_unit_test(test_every_day),
	    cmocka_unit_test(test_the_c_library_agrees),
	};
	static struct cases cases;
	CASES_ADD(&cases, tests);
	CASES_ADD_ROWS(&cases, "moment", moments, test_moment);
	return cases_run("when", &cases);
}
