/* SPDX-License-Identifier: Apache-2.0 */
/* One line, one number: spellings of the same line are equal or refused, the plans of the world's
 * odd countries, limits at their edge. What whole plans contain, tests/plan compares with
 * libphonenumber. Only fictional numbers and the metadata's own examples. */
#include "wire/e164.h"

#include "plan/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define TEXT(literal)                                                                              \
	{                                                                                          \
		"" literal, sizeof(literal) - 1                                                    \
	}

static const struct e164_rules strict_rules = {0};
static const struct e164_rules zero_rules = {.zero_zero = true};
static const struct e164_rules national_rules = {.bare = E164_BARE_NATIONAL};
static const struct e164_rules first_rules = {.bare = E164_BARE_NATIONAL_FIRST};
static const struct e164_rules home_rules = {
    .bare = E164_BARE_NATIONAL, .zero_zero = true, .region_prefix = true};

/* From a heap block of exactly the text's size, so that the sanitizer sees one octet too many. */
static enum e164_status parse(struct bytes text, const char *region, const struct e164_rules *rules,
                              struct e164 *ret)
{
	char *exact = malloc(text.len ? text.len : 1);
	assert_non_null(exact);
	if (text.len)
		memcpy(exact, text.at, text.len);
	enum e164_status status =
	    e164_parse((struct bytes){exact, text.len}, bytes_from_text(region), rules, ret);
	free(exact);
	return status;
}

/* The digits, or the reason in words. */
static const char *read_as(struct bytes text, const char *region, const struct e164_rules *rules,
                           struct e164 *line)
{
	enum e164_status status = parse(text, region, rules, line);
	return status == E164_OK ? line->number.digits : e164_status_text(status);
}

struct spelling_row {
	struct bytes text;
	const char *region;
	const struct e164_rules *rules;
	const char *expected;
};

#define ADA "447700900123"
#define NOT_A_NUMBER "not a number"

static const struct spelling_row spellings[] = {
    /* equal */
    {TEXT("+447700900123"), "", &strict_rules, ADA},
    {TEXT("+44 7700 900123"), "", &strict_rules, ADA},
    {TEXT("+44-7700-900123"), "", &strict_rules, ADA},
    {TEXT("+44.7700.900.123"), "", &strict_rules, ADA},
    {TEXT("+44/7700/900123"), "", &strict_rules, ADA},
    {TEXT("+44 (7700) 900123"), "", &strict_rules, ADA},
    {TEXT("+44(0)7700 900123"), "", &strict_rules, ADA},
    {TEXT("+44 (0) 7700-900123"), "", &strict_rules, ADA},
    {TEXT("+4407700900123"), "", &strict_rules, ADA},
    {TEXT("(+44) 7700 900123"), "", &strict_rules, ADA},
    {TEXT("+ 44 7700 900123"), "", &strict_rules, ADA},
    {TEXT("  +447700900123\r\n"), "", &strict_rules, ADA},
    {TEXT("\t\v\f+447700900123\t"), "", &strict_rules, ADA},
    {TEXT("+44\t7700\t900123"), "", &strict_rules, ADA},
    {TEXT("+44\xC2\xA0"
          "7700\xC2\xA0"
          "900123"),
     "", &strict_rules, ADA},
    {TEXT("\xC2\xA0+447700900123\xC2\xA0"), "", &strict_rules, ADA},
    {TEXT("447700900123"), "", &strict_rules, ADA},
    {TEXT("44 (0)7700 900123"), "", &strict_rules, ADA},
    {TEXT("00447700900123"), "", &zero_rules, ADA},
    {TEXT("00 44 (0)7700 900123"), "", &zero_rules, ADA},
    {TEXT("0-0-4-4-7700900123"), "", &zero_rules, ADA},
    {TEXT("00447700900123"), "GB", &home_rules, ADA},
    {TEXT("07700900123"), "GB", &national_rules, ADA},
    {TEXT("(07700) 900 123"), "GBR", &national_rules, ADA},
    {TEXT("7700900123"), "gb", &national_rules, ADA},
    {TEXT("07700900123"), "gbr", &first_rules, ADA},
    {TEXT("447700900123"), "GB", &national_rules, ADA},
    {TEXT("447700900123"), "GBR", &first_rules, ADA},
    {TEXT("447700900123"), "FR", &first_rules, ADA},
    {TEXT("447700900123"), "", &first_rules, ADA},
    {TEXT("+447700900123"), "FR", &national_rules, ADA},
    {TEXT("011 44 7700 900123"), "US", &home_rules, ADA},
    {TEXT("0011 44 7700 900123"), "AU", &home_rules, ADA},
    {TEXT("810 44 7700 900123"), "RU", &home_rules, ADA},
    {TEXT("18002000447700900123"), "GB", &national_rules, "too long"},
    {TEXT("180020 7700900123"), "GB", &national_rules, ADA}, /* text relay before the number */
    /* refused: signs */
    {TEXT(""), "", &strict_rules, "empty"},
    {TEXT(" \t\r\n\xC2\xA0"), "", &strict_rules, "empty"},
    {TEXT("+"), "", &strict_rules, NOT_A_NUMBER},
    {TEXT("()-./"), "", &strict_rules, NOT_A_NUMBER},
    {TEXT("++447700900123"), "", &strict_rules, NOT_A_NUMBER},
    {TEXT("+44+7700900123"), "", &strict_rules, NOT_A_NUMBER},
    {TEXT("447700900123+"), "", &strict_rules, NOT_A_NUMBER},
    {TEXT("4+47700900123"), "", &strict_rules, NOT_A_NUMBER},
    {TEXT("+44 7700 900123 x5"), "", &strict_rules, NOT_A_NUMBER},
    {TEXT("+44 7700 900123;ext=5"), "", &strict_rules, NOT_A_NUMBER},
    {TEXT("+44 7700 900123,5"), "", &strict_rules, NOT_A_NUMBER},
    {TEXT("+44 7700 900123#5"), "", &strict_rules, NOT_A_NUMBER},
    {TEXT("*67+447700900123"), "", &strict_rules, NOT_A_NUMBER},
    {TEXT("tel:+447700900123"), "", &strict_rules, NOT_A_NUMBER},
    {TEXT("+44 7700 9OO123"), "", &strict_rules, NOT_A_NUMBER},
    {TEXT("+1 800 FLOWERS"), "", &strict_rules, NOT_A_NUMBER},
    {TEXT("+44_7700_900123"), "", &strict_rules, NOT_A_NUMBER},
    {TEXT("+44~7700 900123"), "", &strict_rules, NOT_A_NUMBER},
    {TEXT("+44 [0] 7700 900123"), "", &strict_rules, NOT_A_NUMBER},
    {TEXT("'+447700900123"), "", &strict_rules, NOT_A_NUMBER},
    {TEXT("%2B447700900123"), "", &strict_rules, NOT_A_NUMBER},
    {TEXT("+447700900123\0"), "", &strict_rules, NOT_A_NUMBER},
    {TEXT("+44\0007700900123"), "", &strict_rules, NOT_A_NUMBER},
    {TEXT("+44\n7700900123"), "", &strict_rules, NOT_A_NUMBER},
    {TEXT("+44\r7700900123"), "", &strict_rules, NOT_A_NUMBER},
    {TEXT("+44\x7F"
          "7700900123"),
     "", &strict_rules, NOT_A_NUMBER},
    /* refused: Unicode */
    {TEXT("\xEF\xBC\x8B\xEF\xBC\x94\xEF\xBC\x94 7700 900123"), "", &strict_rules, NOT_A_NUMBER},
    {TEXT("+\xEF\xBC\x94\xEF\xBC\x94 7700 900123"), "", &strict_rules, NOT_A_NUMBER},
    {TEXT("+44 7700 90012\xEF\xBC\x93"), "", &strict_rules, NOT_A_NUMBER},
    {TEXT("+\xD9\xA4\xD9\xA4 7700 900123"), "", &strict_rules, NOT_A_NUMBER}, /* Arabic-Indic */
    {TEXT("+\xE0\xA5\xAA\xE0\xA5\xAA 7700 900123"), "", &strict_rules, NOT_A_NUMBER}, /* Hindi */
    {TEXT("+\xF0\x9D\x9F\x92\xF0\x9D\x9F\x92 7700 900123"), "", &strict_rules, NOT_A_NUMBER},
    {TEXT("+44\xC2\xB2 7700900123"), "", &strict_rules, NOT_A_NUMBER}, /* superscript 2 */
    {TEXT("+44 7700\xE2\x80\x91"
          "900123"),
     "", &strict_rules, NOT_A_NUMBER}, /* no-break hyphen */
    {TEXT("+44 7700\xE2\x80\x93"
          "900123"),
     "", &strict_rules, NOT_A_NUMBER},                                      /* en dash */
    {TEXT("+44\xE2\x80\x8B 7700 900123"), "", &strict_rules, NOT_A_NUMBER}, /* no width */
    {TEXT("+44\xE3\x80\x80 7700 900123"), "", &strict_rules, NOT_A_NUMBER}, /* wide space */
    {TEXT("\xE2\x80\xAA+447700900123\xE2\x80\xAC"), "", &strict_rules, NOT_A_NUMBER}, /* bidi */
    {TEXT("\xEF\xBB\xBF+447700900123"), "", &strict_rules, NOT_A_NUMBER}, /* byte order mark */
    {TEXT("+44\xC2"), "", &strict_rules, NOT_A_NUMBER},
    {TEXT("+44\xA0"
          "7700900123"),
     "", &strict_rules, NOT_A_NUMBER},
    {TEXT("+44\xC0\xA0"
          "7700900123"),
     "", &strict_rules, NOT_A_NUMBER},
    /* refused: digits */
    {TEXT("00447700900123"), "", &strict_rules, "no such calling code"},
    {TEXT("000447700900123"), "", &zero_rules, "no such calling code"},
    {TEXT("0007400123456"), "GB", &home_rules, "too long"}, /* 000 is no 00 */
    {TEXT("+00447700900123"), "", &zero_rules, "no such calling code"},
    {TEXT("+0447700900123"), "", &zero_rules, "no such calling code"},
    {TEXT("07700900123"), "", &strict_rules, "no such calling code"},
    {TEXT("07700900123"), "", &first_rules, "no such calling code"},
    {TEXT("+2107700900123"), "", &strict_rules, "no such calling code"},
    {TEXT("+999123456789"), "", &strict_rules, "no such calling code"},
    {TEXT("07700900123"), "", &national_rules, "region unknown"},
    {TEXT("07700900123"), "UK", &national_rules, "region unknown"},
    {TEXT("07700900123"), "AQ", &national_rules, "region unknown"},
    {TEXT("07700900123"), "001", &national_rules, "region unknown"},
    {TEXT("07700900123"), "G", &national_rules, "region unknown"},
    {TEXT("07700900123"), "GBRA", &national_rules, "region unknown"},
    {TEXT("07700900123"), "\xC3\x84", &national_rules, "region unknown"},
    {TEXT("+447700900123"), "XX", &national_rules, "region unknown"},
    {TEXT("+4477009001"), "", &strict_rules, "too short"}, /* as many as in one area */
    {TEXT("+683 40023"), "", &strict_rules, "not valid"},  /* four or seven digits, not five */
    {TEXT("+44770090"), "", &strict_rules, "too short"},
    {TEXT("+4479790802150"), "", &strict_rules, "too long"},
    {TEXT("4479790802150"), "", &strict_rules, "too long"},
    {TEXT("+44 00 7700 900123"), "", &strict_rules, "too long"},
    {TEXT("+46 70 174 06 05"), "", &strict_rules, "46701740605"},
    {TEXT("+46 (0)70 174 06 05"), "", &strict_rules, "46701740605"},
    {TEXT("+46 (0)070 174 06 05"), "", &strict_rules, "not valid"}, /* else a second budget */
    {TEXT("00 70 174 06 05"), "SE", &national_rules, "not valid"},
    {TEXT("+61 (0)0491 570 006"), "", &strict_rules, "not valid"},
    {TEXT("+44"), "", &strict_rules, "too short"},
    {TEXT("+4"), "", &strict_rules, "too short"},
};

static void every_spelling_is_equal_or_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(spellings); i++) {
		const struct spelling_row *row = &spellings[i];
		struct e164 line;
		const char *got = read_as(row->text, row->region, row->rules, &line);
		if (strcmp(got, row->expected) != 0)
			fail_msg("row %zu, %.*s: %s, expected %s", i, (int)row->text.len,
			         row->text.at, got, row->expected);
	}
}

static void a_truncated_spelling_is_never_another_text(void **state)
{
	(void)state;
	/* What is cut off is not read: each beginning answers the same from a block of its size. */
	for (size_t i = 0; i < COUNT(spellings); i++) {
		const struct spelling_row *row = &spellings[i];
		for (size_t len = 0; len <= row->text.len; len++) {
			struct bytes part = bytes_first(row->text, len);
			struct e164 inside, exact;
			enum e164_status status =
			    e164_parse(part, bytes_from_text(row->region), row->rules, &inside);
			assert_int_equal(parse(part, row->region, row->rules, &exact), status);
			if (status == E164_OK)
				assert_true(number_equal(&inside.number, &exact.number));
		}
	}
}

struct line_row {
	const char *text, *region;
	const char *digits; /* or the reason */
	const char *of_region, *type;
};

static void check_lines(const struct line_row *rows, size_t rows_n)
{
	for (size_t i = 0; i < rows_n; i++) {
		const struct line_row *row = &rows[i];
		struct e164 line = {.region = ""};
		const char *got =
		    read_as(bytes_from_text(row->text), row->region, &home_rules, &line);
		const char *type = line.number.digits[0] ? e164_type_text(line.type) : "";
		if (strcmp(got, row->digits) != 0 || strcmp(line.region, row->of_region) != 0 ||
		    strcmp(type, row->type) != 0)
			fail_msg("%s (%s): %s %s %s", row->text, row->region, got, line.region,
			         type);
	}
}

static void italy_keeps_its_zero(void **state)
{
	(void)state;
	static const struct line_row rows[] = {
	    {"+39 02 1234 5678", "", "390212345678", "IT", "fixed"},
	    {"02 1234 5678", "IT", "390212345678", "IT", "fixed"},
	    {"+39 2 1234 5678", "", "39212345678", "IT", "unknown"},
	    {"+39 312 345 6789", "", "393123456789", "IT", "mobile"},
	    {"+39 0 312 345 6789", "", "3903123456789", "IT", "fixed"},
	    {"+39 06 698 12345", "", "390669812345", "VA", "fixed"},
	    {"+378 0549 886377", "", "3780549886377", "SM", "fixed"},
	    {"886377", "SM", "3780549886377", "SM", "fixed"},
	};
	check_lines(rows, COUNT(rows));
}

static void argentine_mobiles_have_a_nine(void **state)
{
	(void)state;
	static const struct line_row rows[] = {
	    {"+54 9 11 2345 6789", "", "5491123456789", "AR", "mobile"},
	    {"011 15 2345-6789", "AR", "5491123456789", "AR", "mobile"},
	    {"11 15 2345-6789", "AR", "5491123456789", "AR", "mobile"},
	    {"+54 11 15 2345-6789", "", "5491123456789", "AR", "mobile"},
	    {"+54 0 11 15 2345-6789", "", "5491123456789", "AR", "mobile"},
	    {"011 2345-6789", "AR", "541123456789", "AR", "fixed"},
	    {"+54 9 0 11 2345 6789", "", "too long", "", ""},
	};
	check_lines(rows, COUNT(rows));
}

static void carrier_codes_go(void **state)
{
	(void)state;
	static const struct line_row rows[] = {
	    {"0 15 11 96123-4567", "BR", "5511961234567", "BR", "mobile"},
	    {"0 21 11 96123-4567", "BR", "5511961234567", "BR", "mobile"},
	    {"90 31 11 96123-4567", "BR", "5511961234567", "BR", "mobile"},
	    {"0 11 96123-4567", "BR", "5511961234567", "BR", "mobile"},
	    {"11 96123-4567", "BR", "5511961234567", "BR", "mobile"},
	    {"+55 0 15 11 2345-6789", "", "551123456789", "BR", "fixed"},
	    {"0015 44 7700 900123", "BR", "447700900123", "GB", "unknown"},
	    {"222 123 4567", "MX", "522221234567", "MX", "fixed-or-mobile"},
	    /* Mexico gave these up in 2019 and 2020: refused, not another way to write it. */
	    {"01 222 123 4567", "MX", "too long", "", ""},
	    {"044 222 123 4567", "MX", "too long", "", ""},
	    {"045 222 123 4567", "MX", "too long", "", ""},
	    {"+52 1 222 123 4567", "", "too long", "", ""},
	    {"0 3 1 234 5678", "CO", "5712345678", "CO", "unknown"},
	};
	check_lines(rows, COUNT(rows));
}

static void bracketed_zero_goes(void **state)
{
	(void)state;
	static const struct line_row rows[] = {
	    {"+44 (0)7400 123456", "", "447400123456", "GB", "mobile"},
	    {"+44 (0)121 234 5678", "", "441212345678", "GB", "fixed"},
	    {"+49 (0)1512 3456789", "", "4915123456789", "DE", "mobile"},
	    {"+33 (0)6 12 34 56 78", "", "33612345678", "FR", "mobile"},
	    {"+61 (0)491 570 006", "", "61491570006", "AU", "mobile"},
	    {"+7 (8) 912 345-67-89", "", "79123456789", "RU", "mobile"},
	    {"+1 (1) 201 555 0123", "", "12015550123", "US", "fixed-or-mobile"},
	    {"+39 (0)312 345 6789", "", "3903123456789", "IT", "fixed"},
	};
	check_lines(rows, COUNT(rows));
}

static void shared_codes_know_their_countries(void **state)
{
	(void)state;
	static const struct line_row rows[] = {
	    {"+1 201 555 0123", "", "12015550123", "US", "fixed-or-mobile"},
	    {"+1 506 234 5678", "", "15062345678", "CA", "fixed-or-mobile"},
	    {"+1 268 464 1234", "", "12684641234", "AG", "mobile"},
	    {"+1 684 733 1234", "", "16847331234", "AS", "mobile"},
	    {"+1 787 234 5678", "", "17872345678", "PR", "fixed-or-mobile"},
	    {"+1 939 234 5678", "", "19392345678", "PR", "fixed-or-mobile"},
	    {"+1 809 234 5678", "", "18092345678", "DO", "fixed-or-mobile"},
	    {"+1 876 210 1234", "", "18762101234", "JM", "mobile"},
	    {"+1 800 234 5678", "", "18002345678", "US", "toll-free"},
	    {"+1 999 555 0123", "", "19995550123", "US", "unknown"},
	    {"+7 912 345 67 89", "", "79123456789", "RU", "mobile"},
	    {"+7 800 123 45 67", "", "78001234567", "RU", "toll-free"}, /* its 8 is no prefix */
	    {"8 800 123 45 67", "RU", "78001234567", "RU", "toll-free"},
	    {"+375 801 123 4567", "", "3758011234567", "BY", "toll-free"}, /* nor is that 80 */
	    {"80 801 123 4567", "BY", "3758011234567", "BY", "toll-free"},
	    {"+86 0123456", "", "860123456", "CN", "unknown"}, /* nor a 0 that leaves too little */
	    {"+7 771 000 9998", "", "77710009998", "KZ", "mobile"},
	    {"+44 7400 123456", "", "447400123456", "GB", "mobile"},
	    {"+44 1481 256789", "", "441481256789", "GG", "fixed"},
	    {"+44 1534 456789", "", "441534456789", "JE", "fixed"},
	    {"+44 7797 712345", "", "447797712345", "JE", "mobile"},
	    {"+44 1624 756789", "", "441624756789", "IM", "fixed"},
	    {"+590 690 00 12 34", "", "590690001234", "GP", "mobile"},
	    {"+590 590 27 12 34", "", "590590271234", "BL", "fixed"},
	    {"+599 9 518 1234", "", "59995181234", "CW", "mobile"},
	    {"+599 318 1234", "", "5993181234", "BQ", "mobile"},
	    {"+47 79 12 34 56", "", "4779123456", "SJ", "fixed"},
	    {"+358 18 1234567", "", "358181234567", "AX", "fixed"},
	    {"+61 8 9162 1234", "", "61891621234", "CC", "fixed"},
	    {"+290 8999", "", "2908999", "TA", "fixed"},
	};
	check_lines(rows, COUNT(rows));
}

static void some_codes_belong_to_no_country(void **state)
{
	(void)state;
	static const struct line_row rows[] = {
	    {"+800 1234 5678", "", "80012345678", "001", "toll-free"},
	    {"+808 1234 5678", "", "80812345678", "001", "shared-cost"},
	    {"+870 301 234 567", "", "870301234567", "001", "mobile"},
	    {"+878 10 1234567890", "", "878101234567890", "001", "voip"},
	    {"+881 612 345 678", "", "881612345678", "001", "mobile"},
	    {"+882 34 85 1234567", "", "88234851234567", "001", "voicemail"},
	    {"+883 5100 12345", "", "883510012345", "001", "voip"},
	    {"+888 123 456 789 01", "", "88812345678901", "001", "uan"},
	    {"+979 1 2345 6789", "", "979123456789", "001", "premium"},
	    {"+979 12345", "", "too short", "", ""},
	    {"+800 123 456 789", "", "too long", "", ""},
	};
	check_lines(rows, COUNT(rows));
}

static void short_numbers_are_refused(void **state)
{
	(void)state;
	static const struct line_row rows[] = {
	    {"911", "US", "too short", "", ""},      {"112", "DE", "too short", "", ""},
	    {"999", "GB", "too short", "", ""},      {"+49 110", "", "too short", "", ""},
	    {"+49 115", "", "too short", "", ""},    {"116117", "DE", "not valid", "", ""},
	    {"+49 116117", "", "not valid", "", ""}, {"+43 116123", "", "not valid", "", ""},
	    {"555 0123", "US", "too short", "", ""}, {"+1 555 0123", "", "too short", "", ""},
	};
	check_lines(rows, COUNT(rows));
}

static void possible_and_valid_part(void **state)
{
	(void)state;
	const struct e164_rules possible = {0}, valid = {.require_valid = true};
	struct e164 line;
	assert_int_equal(parse(BYTES("+44 7400 123456"), "", &valid, &line), E164_OK);
	assert_true(line.valid);
	assert_int_equal(line.calling_code, 44);
	assert_int_equal(parse(BYTES("+44 7700 900123"), "", &possible, &line), E164_OK);
	assert_false(line.valid);
	assert_int_equal(line.type, E164_UNKNOWN);
	assert_int_equal(parse(BYTES("+44 7700 900123"), "", &valid, &line), E164_NOT_VALID);
}

static void national_first_turns_to_international(void **state)
{
	(void)state;
	static const struct {
		const char *text, *region, *expected;
	} rows[] = {
	    {"07123123456", "GBR", "447123123456"},
	    {"447123123456", "GBR", "447123123456"},
	    {"33612345678", "GBR", "33612345678"},
	    {"12015550123", "GBR", "12015550123"}, /* possible at home in no way */
	    {"2015550123", "USA", "12015550123"},  /* valid at home; Egypt is not asked */
	    {"0612345678", "FRA", "33612345678"},
	    {"4479790802150", "GBR", "too long"},
	    {"0", "GBR", "too short"},
	    {"7700900123", "GBR", "447700900123"},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct e164 line;
		assert_string_equal(
		    read_as(bytes_from_text(rows[i].text), rows[i].region, &first_rules, &line),
		    rows[i].expected);
	}
}

static void limits_at_their_edge(void **state)
{
	(void)state;
	struct e164 line;
	/* Germany has the longest numbers: 13 digits behind its code make 15. */
	assert_int_equal(parse(BYTES("+491234567890123"), "", &strict_rules, &line), E164_OK);
	assert_int_equal(strlen(line.number.digits), NUMBER_DIGITS_MAX);
	assert_int_equal(parse(BYTES("+4912345678901234"), "", &strict_rules, &line),
	                 E164_TOO_LONG);

	char text[E164_INPUT_MAX + 1];
	memset(text, ' ', sizeof(text));
	memcpy(text, "+447700900123", 13);
	assert_int_equal(parse((struct bytes){text, E164_INPUT_MAX}, "", &strict_rules, &line),
	                 E164_OK);
	assert_int_equal(parse((struct bytes){text, E164_INPUT_MAX + 1}, "", &strict_rules, &line),
	                 E164_TOO_LONG);
	memset(text, '4', sizeof(text));
	for (size_t len = 16; len <= E164_INPUT_MAX; len++)
		assert_int_equal(parse((struct bytes){text, len}, "", &strict_rules, &line),
		                 E164_TOO_LONG);
}

static void ten_megabytes_are_refused_unread(void **state)
{
	(void)state;
	size_t len = (size_t)10 << 20;
	char *text = malloc(len);
	assert_non_null(text);
	memset(text, ' ', len);
	memcpy(text, "+447700900123", 13);
	struct e164 line;
	/* Were they read, this would take minutes. */
	for (int i = 0; i < 100000; i++)
		assert_int_equal(
		    e164_parse((struct bytes){text, len}, BYTES_NONE, &strict_rules, &line),
		    E164_TOO_LONG);
	free(text);
}

static void a_read_number_is_the_same_again(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(spellings); i++) {
		const struct spelling_row *row = &spellings[i];
		struct e164 line, again;
		if (parse(row->text, row->region, row->rules, &line) != E164_OK)
			continue;
		assert_int_equal(parse(number_bytes(&line.number), "", &strict_rules, &again),
		                 E164_OK);
		assert_true(number_equal(&line.number, &again.number));
		assert_int_equal(e164_examine(&line.number, &again), E164_OK);
		assert_true(number_equal(&line.number, &again.number));
		assert_string_equal(line.region, again.region);
		assert_int_equal(line.type, again.type);
	}
	struct e164 line;
	assert_int_equal(e164_examine(&(struct number){""}, &line), E164_EMPTY);
	assert_int_equal(e164_examine(&(struct number){"999123456"}, &line), E164_NO_SUCH_CODE);
	assert_int_equal(e164_examine(&(struct number){"68340023"}, &line), E164_NOT_VALID);
}

static void numbers_are_written_for_people(void **state)
{
	(void)state;
	static const struct {
		struct number number;
		const char *international, *national;
	} rows[] = {
	    {{"447700900123"}, "+44 7700 900123", "07700 900123"},
	    {{"12015550123"}, "+1 201-555-0123", "(201) 555-0123"},
	    {{"390212345678"}, "+39 02 1234 5678", "02 1234 5678"},
	    {{"5491123456789"}, "+54 9 11 2345-6789", "011 15-2345-6789"},
	    {{"61491570006"}, "+61 491 570 006", "0491 570 006"},
	    {{"79123456789"}, "+7 912 345-67-89", "8 (912) 345-67-89"},
	    {{"80012345678"}, "+800 1234 5678", "1234 5678"},
	    {{"19990"}, "+1 9990", "9990"},
	    {{"999123"}, "+999123", "999123"},
	    {{""}, "+", ""},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[E164_FORMAT_MAX];
		assert_int_equal(e164_format_international(&rows[i].number, text),
		                 strlen(rows[i].international));
		assert_string_equal(text, rows[i].international);
		assert_int_equal(e164_format_national(&rows[i].number, text),
		                 strlen(rows[i].national));
		assert_string_equal(text, rows[i].national);
	}
}

static void every_region_is_found_by_its_names(void **state)
{
	(void)state;
	char name[E164_REGION_LEN + 1];
	uint16_t code;
	for (unsigned i = 0; i < plan_regions_n; i++) {
		const struct plan_region *region = &plan_regions[i];
		bool is_country = strcmp(region->name, "001") != 0;
		assert_int_equal(e164_region_find(bytes_from_text(region->name), name, &code),
		                 is_country);
		if (is_country) {
			assert_string_equal(name, region->name);
			assert_int_equal(code, plan_codes[region->code].code);
		}
	}
	for (unsigned i = 0; i < plan_alpha3_n; i++) {
		assert_true(e164_region_find(bytes_from_text(plan_alpha3[i].name), name, &code));
		assert_string_equal(name, plan_regions[plan_alpha3[i].region].name);
	}
	assert_true(e164_region_find(BYTES("gBr"), name, &code));
	assert_string_equal(name, "GB");
	assert_int_equal(code, 44);
	static const char *const unknown[] = {"",    "G",  "ZZ", "ZZZ", "AAA",
	                                      "ATA", "00", "@@", "GB "};
	for (size_t i = 0; i < COUNT(unknown); i++)
		assert_false(e164_region_find(bytes_from_text(unknown[i]), name, &code));
}

static void words_for_everything(void **state)
{
	(void)state;
	for (enum e164_status status = E164_OK; status < E164_STATUS_COUNT; status++)
		assert_non_null(e164_status_text(status));
	for (enum e164_type type = E164_UNKNOWN; type < E164_TYPE_COUNT; type++)
		assert_non_null(e164_type_text(type));
	assert_int_equal(strncmp(e164_plan_version(), "google-libphonenumber ", 22), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_spelling_is_equal_or_refused),
	    cmocka_unit_test(a_truncated_spelling_is_never_another_text),
	    cmocka_unit_test(italy_keeps_its_zero),
	    cmocka_unit_test(argentine_mobiles_have_a_nine),
	    cmocka_unit_test(carrier_codes_go),
	    cmocka_unit_test(bracketed_zero_goes),
	    cmocka_unit_test(shared_codes_know_their_countries),
	    cmocka_unit_test(some_codes_belong_to_no_country),
	    cmocka_unit_test(short_numbers_are_refused),
	    cmocka_unit_test(possible_and_valid_part),
	    cmocka_unit_test(national_first_turns_to_international),
	    cmocka_unit_test(limits_at_their_edge),
	    cmocka_unit_test(ten_megabytes_are_refused_unread),
	    cmocka_unit_test(a_read_number_is_the_same_again),
	    cmocka_unit_test(numbers_are_written_for_people),
	    cmocka_unit_test(every_region_is_found_by_its_names),
	    cmocka_unit_test(words_for_everything),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
