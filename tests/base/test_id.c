/* SPDX-License-Identifier: Apache-2.0 */
#include "cases.h"

#include "base/id.h"

#define IDS 100000

static int octets_compare(const void *a, const void *b)
{
	return memcmp(a, b, ID_LEN);
}

static void test_no_two_alike(void **state)
{
	(void)state;
	static struct id ids[IDS];
	struct rng_system rng;
	rng_system_init(&rng);
	/* All in one millisecond and one bucket: only what is random tells them apart. */
	for (size_t i = 0; i < IDS; i++)
		assert_int_equal(id_make(1700000000000, 7, &rng.rng, &ids[i]), OK);
	qsort(ids, IDS, sizeof(ids[0]), octets_compare);
	for (size_t i = 1; i < IDS; i++)
		assert_false(id_equal(&ids[i - 1], &ids[i]));
}

static void test_every_bucket_comes_back(void **state)
{
	(void)state;
	struct rng_system rng;
	rng_system_init(&rng);
	for (unsigned bucket = 0; bucket < BUCKETS; bucket++) {
		struct id id;
		assert_int_equal(id_make(1700000000000 + bucket, bucket, &rng.rng, &id), OK);
		assert_int_equal(id_bucket(&id), bucket);
		/* RFC 9562: version 7, variant 10. */
		assert_int_equal(id.octets[6] >> 4, 7);
		assert_int_equal(id.octets[8] >> 6, 2);
	}
}

static void test_order_is_that_of_time(void **state)
{
	(void)state;
	static const int64_t moments[] = {0,
	                                  1,
	                                  255,
	                                  256,
	                                  65535,
	                                  65536,
	                                  1700000000000,
	                                  1700000000001,
	                                  253402300799999,
	                                  (INT64_C(1) << 48) - 1};
	struct rng_system rng;
	struct id before, id;
	rng_system_init(&rng);
	for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
		/* A large bucket first, so that only time can put them in order. */
		unsigned bucket = i % 2 ? 0 : BUCKETS - 1;
		assert_int_equal(id_make(moments[i], bucket, &rng.rng, &id), OK);
		int64_t at = 0;
		for (int k = 0; k < 6; k++)
			at = at << 8 | id.octets[k];
		assert_true(at == moments[i]);
		if (i)
			assert_true(octets_compare(&before, &id) < 0);
		before = id;
	}
}

static enum err fill_nothing(struct rng *rng, void *to, size_t len)
{
	(void)rng;
	(void)to;
	(void)len;
	return ERR_RANDOM;
}

static enum err fill_with_ones(struct rng *rng, void *to, size_t len)
{
	(void)rng;
	memset(to, 0xFF, len);
	return OK;
}

static void test_a_random_id_is_of_version_4(void **state)
{
	(void)state;
	struct rng_system rng;
	struct id ids[64];
	rng_system_init(&rng);
	for (int i = 0; i < 64; i++) {
		assert_int_equal(id_make_random(&rng.rng, &ids[i]), OK);
		assert_int_equal(ids[i].octets[6] >> 4, 4);
		assert_int_equal(ids[i].octets[8] >> 6, 2);
		for (int k = 0; k < i; k++)
			assert_false(id_equal(&ids[i], &ids[k]));
	}
}

static void test_no_random_octets_no_id(void **state)
{
	(void)state;
	struct rng rng = {.fill = fill_nothing};
	struct id id = {{1, 2, 3}};
	assert_int_equal(id_make(1, 1, &rng, &id), ERR_RANDOM);
	assert_int_equal(id_make_random(&rng, &id), ERR_RANDOM);
	assert_int_equal(id.octets[0], 1);
}

static void test_known_octets(void **state)
{
	(void)state;
	struct rng rng = {.fill = fill_with_ones};
	struct id id;
	char text[ID_TEXT_LEN + 1];
	assert_int_equal(id_make(0x0123456789AB, 0xCDE, &rng, &id), OK);
	id_format(&id, text);
	assert_string_equal(text, "01234567-89ab-7cde-9fff-ffffffffffff");
	assert_int_equal(id_bucket(&id), 0xCDE);
}

static void test_places_rise(void **state)
{
	(void)state;
	struct rng_system rng;
	struct id id;
	int64_t before = -1, first[2];
	rng_system_init(&rng);
	for (int64_t ms = 1700000000000; ms < 1700000000003; ms++) {
		assert_true(before < id_place_of_moment(ms));
		for (unsigned i = 0; i < IDS; i++) {
			/* Whatever the bucket, which stands before the random bits. */
			assert_int_equal(id_make(ms, i * 77 % BUCKETS, &rng.rng, &id), OK);
			assert_true(before < id_place(&id));
			before = id_place(&id);
		}
		assert_true(before < id_place_of_moment(ms + 1));
	}
	/* A millisecond does not begin where another did. */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(id_make(1800000000000 + i, 0, &rng.rng, &id), OK);
		first[i] = id_place(&id) - id_place_of_moment(1800000000000 + i);
	}
	assert_true(first[0] != first[1]);
}

/* More in one millisecond than there is room for: they go on being made, in no order. */
static void test_places_run_out(void **state)
{
	(void)state;
	struct rng_system rng;
	struct id before = {0}, id;
	unsigned backwards = 0;
	rng_system_init(&rng);
	for (int i = 0; i < 1000000; i++) {
		assert_int_equal(id_make(5, 0, &rng.rng, &id), OK);
		assert_int_equal(id.octets[8] >> 6, 2);
		assert_true(id_place(&id) >> 20 == 5);
		backwards += octets_compare(&before, &id) > 0;
		before = id;
	}
	assert_in_range(backwards, 1, 100);
}

static void test_place_of_known_octets(void **state)
{
	(void)state;
	struct id id;
	assert_true(id_parse(BYTES("00000000-0001-7fff-8000-03ffffffffff"), &id));
	assert_true(id_place(&id) == 1 << 20);
	assert_true(id_parse(BYTES("00000000-0001-7fff-8000-040000000000"), &id));
	assert_true(id_place(&id) == (1 << 20) + 1);
	assert_true(id_parse(BYTES("00000000-0001-7000-bfff-fc0000000000"), &id));
	assert_true(id_place(&id) == (2 << 20) - 1);
	assert_true(id_parse(BYTES("ffffffff-ffff-ffff-ffff-ffffffffffff"), &id));
	assert_true(id_place(&id) == INT64_MAX);
	assert_true(id_place_of_moment(-1) == 0);
	assert_true(id_place_of_moment(INT64_MAX) == INT64_MAX - ((1 << 20) - 1));
}

static void test_text_and_back(void **state)
{
	(void)state;
	struct rng_system rng;
	struct id id, back;
	char text[ID_TEXT_LEN + 1];
	rng_system_init(&rng);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(rng_fill(&rng.rng, id.octets, ID_LEN), OK);
		id_format(&id, text);
		assert_int_equal(strlen(text), ID_TEXT_LEN);
		assert_true(id_parse(bytes_from_text(text), &back));
		assert_true(id_equal(&id, &back));
	}
	assert_true(id_parse(BYTES("ABCDEF00-1234-5678-9abc-DEF012345678"), &id));
	id_format(&id, text);
	assert_string_equal(text, "abcdef00-1234-5678-9abc-def012345678");
}

static void test_zero(void **state)
{
	(void)state;
	struct id id;
	assert_true(id_parse(BYTES("00000000-0000-0000-0000-000000000000"), &id));
	assert_true(id_is_zero(&id));
	assert_true(id_parse(BYTES("00000000-0000-0000-0000-000000000001"), &id));
	assert_false(id_is_zero(&id));
}

struct refused {
	const char *name;
	struct bytes in;
};

static const struct refused refused_rows[] = {
    {"nothing", BYTES("")},
    {"one short", BYTES("00000000-0000-0000-0000-00000000000")},
    {"one long", BYTES("00000000-0000-0000-0000-0000000000000")},
    {"no dashes", BYTES("00000000000000000000000000000000")},
    {"no dashes, as long", BYTES("000000000000000000000000000000000000")},
    {"dash elsewhere", BYTES("0000000-00000-0000-0000-000000000000")},
    {"all dashes", BYTES("------------------------------------")},
    {"braces", BYTES("{0000000-0000-0000-0000-00000000000}")},
    {"letter g", BYTES("0000000g-0000-0000-0000-000000000000")},
    {"letter g, last", BYTES("00000000-0000-0000-0000-00000000000g")},
    {"space", BYTES(" 0000000-0000-0000-0000-000000000000")},
    {"sign", BYTES("+0000000-0000-0000-0000-000000000000")},
    {"0x", BYTES("0x000000-0000-0000-0000-000000000000")},
    {"NUL", BYTES("\0"
                  "0000000-0000-0000-0000-000000000000")},
    {"beyond ASCII", BYTES("\xC3\xA9"
                           "000000-0000-0000-0000-000000000000")},
};

static void test_refused(void **state)
{
	const struct refused *row = ROW_OF(state, struct refused);
	struct id id = {{9}};
	assert_false(id_parse(row->in, &id));
	assert_int_equal(id.octets[0], 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_no_two_alike),
	    cmocka_unit_test(test_every_bucket_comes_back),
	    cmocka_unit_test(test_order_is_that_of_time),
	    cmocka_unit_test(test_a_random_id_is_of_version_4),
	    cmocka_unit_test(test_no_random_octets_no_id),
	    cmocka_unit_test(test_known_octets),
	    cmocka_unit_test(test_places_rise),
	    cmocka_unit_test(test_places_run_out),
	    cmocka_unit_test(test_place_of_known_octets),
	    cmocka_unit_test(test_text_and_back),
	    cmocka_unit_test(test_zero),
	};
	static struct cases cases;
	CASES_ADD(&cases, tests);
	CASES_ADD_ROWS(&cases, "refused", refused_rows, test_refused);
	return cases_run("id", &cases);
}
