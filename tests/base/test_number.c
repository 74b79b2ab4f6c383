/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers taken back and masked; how long a calling code is, against every code of the plan. */
#include "base/number.h"

#include "plan/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void stored_digits_are_taken_back(void **state)
{
	(void)state;
	static const struct {
		const char *digits;
		bool taken;
	} rows[] = {
	    {"447700900123", true},
	    {"+447700900123", true},
	    {"123456789012345", true},
	    {"1234", true},
	    {"1234567890123456", false},
	    {"123", false},
	    {"", false},
	    {"+", false},
	    {"0447700900123", false},
	    {"++447700900123", false},
	    {"44 7700", false},
	    {"44770090012x", false},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct number number;
		memset(&number, 'x', sizeof(number));
		bool taken = number_from_digits(bytes_from_text(rows[i].digits), &number);
		assert_int_equal(taken, rows[i].taken);
		if (!taken)
			continue;
		struct number expected = {{0}};
		const char *digits = rows[i].digits + (rows[i].digits[0] == '+');
		memcpy(expected.digits, digits, strlen(digits));
		assert_true(number_equal(&number, &expected)); /* the tail is zero too */
		memset(&number, 'x', sizeof(number));
		assert_true(number_from_integer(number_to_integer(&expected), &number));
		assert_true(number_equal(&number, &expected));
	}
}

static void an_integer_is_the_digits(void **state)
{
	(void)state;
	static const struct {
		int64_t integer;
		bool taken;
	} rows[] = {
	    {447700900123, true},
	    {999999999999999, true},
	    {1000, true},
	    {999, false},
	    {1000000000000000, false},
	    {INT64_MAX, false},
	    {0, false},
	    {-447700900123, false},
	    /* pseudo-numbers: 0 and 14 digits */
	    {1010000000000000, true},
	    {1099999999999999, true},
	    {1009999999999999, false},
	    {1100000000000000, false},
	    {INT64_MIN, false},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct number number = {"before"};
		assert_int_equal(number_from_integer(rows[i].integer, &number), rows[i].taken);
		if (rows[i].taken)
			assert_true(number_to_integer(&number) == rows[i].integer);
		else
			assert_string_equal(number.digits, "before");
	}
	assert_true(number_to_integer(&(struct number){{0}}) == 0);
}

static void a_pseudo_number_is_nobodys(void **state)
{
	(void)state;
	uint8_t octets[NUMBER_DIGITS_MAX];
	for (unsigned value = 0; value < 256; value++) {
		struct number number, again, read;
		char mask[NUMBER_MASK_LEN + 1];
		memset(octets, (int)value, sizeof(octets));
		memset(&number, 'x', sizeof(number));
		number_make_pseudo(octets, &number);
		assert_true(number_is_pseudo(&number));
		assert_int_equal(strlen(number.digits), NUMBER_DIGITS_MAX);
		assert_int_equal(strspn(number.digits, "0123456789"), NUMBER_DIGITS_MAX);
		assert_int_not_equal(number.digits[1], '0');
		number_make_pseudo(octets, &again);
		assert_true(number_equal(&number, &again));
		/* Who reads numbers from outside takes it for none; a store gets it back. */
		assert_false(number_from_digits(number_bytes(&number), &read));
		assert_true(number_from_integer(number_to_integer(&number), &read));
		assert_true(number_equal(&number, &read));
		number_mask(&number, mask);
		assert_string_equal(mask, "-");
	}
	assert_false(number_is_pseudo(&(struct number){"447700900123"}));
	assert_false(number_is_pseudo(&(struct number){{0}}));
}

static void the_length_of_every_calling_code_is_known(void **state)
{
	(void)state;
	for (unsigned i = 1; i < plan_codes_n; i++) {
		struct number number = {{0}};
		int len = snprintf(number.digits, sizeof(number.digits), "%u", plan_codes[i].code);
		memcpy(number.digits + len, "123456", 6);
		assert_int_equal(number_code_len(&number), len);
	}
}

static void a_mask_shows_code_and_two_digits(void **state)
{
	(void)state;
	static const struct {
		struct number number;
		const char *mask;
	} rows[] = {
	    {{"447700900123"}, "+44******23"},   {{"12015550123"}, "+1******23"},
	    {{"79123456789"}, "+7******89"},     {{"35318500123"}, "+353******23"},
	    {{"123456789012345"}, "+1******45"}, {{"2908999"}, "+290******99"},
	    {{"6834002"}, "+683******02"},       {{""}, "-"},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		char mask[NUMBER_MASK_LEN + 1];
		number_mask(&rows[i].number, mask);
		assert_string_equal(mask, rows[i].mask);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(stored_digits_are_taken_back),
	    cmocka_unit_test(an_integer_is_the_digits),
	    cmocka_unit_test(the_length_of_every_calling_code_is_known),
	    cmocka_unit_test(a_pseudo_number_is_nobodys),
	    cmocka_unit_test(a_mask_shows_code_and_two_digits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
