/* SPDX-License-Identifier: Apache-2.0 */
/* Alphabets, outcomes' labels and buckets: the small tables of the engine. */
#include "core/policy.h"

#include "core/outcome.h"
#include "support/engine.h"

#define DIGITS "0123456789"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LOWER "abcdefghijklmnopqrstuvwxyz"

static const struct alphabet_row {
	const char *name;
	struct bytes text;
	const char *symbols; /* NULL: refused */
	const char *shown;   /* NULL: as the symbols */
} alphabet_rows[] = {
    {"digits", BYTES("digits"), DIGITS, "digits"},
    {"upper-digits", BYTES("upper-digits"), DIGITS UPPER, "upper-digits"},
    {"upper", BYTES("upper"), UPPER, "upper"},
    {"a name is not a prefix", BYTES("digit"), NULL, NULL}, /* two i's */
    {"nor folded", BYTES("DIGITS"), NULL, NULL},
    {"the symbols of a name", BYTES(DIGITS), DIGITS, "digits"},
    {"in another order", BYTES("1023456789"), "1023456789", NULL},
    {"two symbols", BYTES("01"), "01", NULL},
    {"one symbol", BYTES("0"), NULL, NULL},
    {"none", BYTES(""), NULL, NULL},
    {"not given", BYTES_NONE, NULL, NULL},
    {"64 symbols", BYTES(DIGITS UPPER LOWER "-_"), DIGITS UPPER LOWER "-_", NULL},
    {"65 symbols", BYTES(DIGITS UPPER LOWER "-_."), NULL, NULL},
    {"the ends of ASCII", BYTES("!~"), "!~", NULL},
    {"a space", BYTES("ab c"), NULL, NULL},
    {"DEL", BYTES("ab\x7f"), NULL, NULL},
    {"a control", BYTES("ab\x1f"), NULL, NULL},
    {"a NUL", BYTES("ab\0"), NULL, NULL},
    {"not ASCII", BYTES("ab\xc3\xa9"), NULL, NULL},
    {"the last octet", BYTES("ab\xff"), NULL, NULL},
    {"twice, neighbours", BYTES("aab"), NULL, NULL},
    {"twice, at the ends", BYTES("abca"), NULL, NULL},
    {"two cases are two symbols", BYTES("aA"), "aA", NULL},
};

static void alphabets_are_read_and_shown(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(alphabet_rows); i++) {
		const struct alphabet_row *row = &alphabet_rows[i];
		char got[ALPHABET_MAX + 1];
		memset(got, '?', sizeof(got));
		bool accepted = alphabet_parse(row->text, got);
		if (accepted != (row->symbols != NULL))
			fail_msg("%s: accepted is %d", row->name, accepted);
		if (!accepted) {
			assert_int_equal(got[0], '?');
			continue;
		}
		assert_string_equal(got, row->symbols);
		/* The rest is zero, so that equal alphabets are equal memory. */
		for (size_t end = strlen(got); end < sizeof(got); end++)
			assert_int_equal(got[end], 0);
		struct bytes shown = alphabet_text(got);
		const char *wanted = row->shown ? row->shown : row->symbols;
		assert_true(bytes_equal(shown, bytes_from_text(wanted)));
		char again[ALPHABET_MAX + 1];
		assert_true(alphabet_parse(shown, again));
		assert_memory_equal(again, got, sizeof(got));
	}
}

static void every_outcome_has_a_label_of_its_own(void **state)
{
	(void)state;
	for (int a = 0; a < OUTCOME_COUNT; a++) {
		struct bytes label = outcome_label((enum outcome)a);
		assert_true(label.len > 0);
		assert_int_equal(strlen(label.at), label.len);
		for (int b = 0; b < a; b++)
			assert_false(bytes_equal(label, outcome_label((enum outcome)b)));
	}
	assert_string_equal(outcome_label(OUTCOME_SENT_AGAIN).at, "sent-again");
	assert_string_equal(outcome_label(OUTCOME_CANCELLED).at, "cancelled");
}

static void a_message_is_final_unless_it_waits_or_is_being_sent(void **state)
{
	(void)state;
	for (int at = MESSAGE_QUEUED; at <= MESSAGE_CANCELLED; at++)
		assert_int_equal(message_state_is_final((enum message_state)at),
		                 at != MESSAGE_QUEUED && at != MESSAGE_SENDING);
}

/* They stand in primary keys: a value that changes would lose every record. */
static void buckets_never_change(void **state)
{
	(void)state;
	static const struct {
		const char *digits;
		unsigned bucket;
	} rows[] = {
	    /* FNV-1a 32 folded to 12 bits, computed apart from this program */
	    {"", 3213},
	    {"447700900123", 2419},
	    {"12025550123", 1315},
	    {"999999999999999", 3376},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct number number = test_number(rows[i].digits);
		assert_int_equal(number_bucket(&number), rows[i].bucket);
	}
}

static void buckets_spread_a_block_of_numbers(void **state)
{
	(void)state;
	static unsigned counts[BUCKETS];
	memset(counts, 0, sizeof(counts));
	for (int i = 0; i < 100000; i++) {
		char digits[16];
		snprintf(digits, sizeof(digits), "4477%08d", 900000 + i);
		struct number number = test_number(digits);
		unsigned bucket = number_bucket(&number);
		assert_true(bucket < BUCKETS);
		counts[bucket]++;
	}
	/* 24.4 each on average. */
	for (unsigned i = 0; i < BUCKETS; i++)
		assert_in_range(counts[i], 1, 80);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(alphabets_are_read_and_shown),
	    cmocka_unit_test(every_outcome_has_a_label_of_its_own),
	    cmocka_unit_test(a_message_is_final_unless_it_waits_or_is_being_sent),
	    cmocka_unit_test(buckets_never_change),
	    cmocka_unit_test(buckets_spread_a_block_of_numbers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
