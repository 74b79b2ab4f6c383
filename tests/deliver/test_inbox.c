/* SPDX-License-Identifier: Apache-2.0 */
/* The ring of the last texts: what is kept, who is shown what, and in which order. */
#include "deliver/inbox.h"

#include "support/engine.h"

#include <malloc.h>

#define T TEST_START_MS

struct place {
	struct test_rng rng;
	struct inbox *inbox;
	struct arena arena;
	struct inbox_text *texts; /* of the last read */
	size_t n;
};

static int place_make(void **state)
{
	struct place *place = calloc(1, sizeof(*place));
	assert_non_null(place);
	test_rng_init(&place->rng, 1);
	place->inbox = inbox_new(&place->rng.rng);
	assert_non_null(place->inbox);
	arena_init(&place->arena);
	*state = place;
	return 0;
}

static int place_remove(void **state)
{
	struct place *place = *state;
	inbox_free(place->inbox);
	arena_done(&place->arena);
	free(place);
	return 0;
}

/* Text number `n`, to a phone that ends in its last digit. */
static void add(struct place *place, unsigned n, int64_t at_ms)
{
	char to[] = "447700900120", text[32], code[16];
	to[11] = (char)('0' + n % 10);
	(void)snprintf(text, sizeof(text), "%06u for 10 min", n);
	(void)snprintf(code, sizeof(code), "%06u", n);
	const struct inbox_text given = {
	    .to = bytes_from_text(to),
	    .from = BYTES("ORCHARD"),
	    .text = bytes_from_text(text),
	    .code = bytes_from_text(code),
	    .at_ms = at_ms,
	};
	assert_int_equal(inbox_add(place->inbox, &given), OK);
	/* It has copies of its own. */
	memset(to, 'x', sizeof(to));
	memset(text, 'x', sizeof(text));
	memset(code, 'x', sizeof(code));
}

static size_t read_all(struct place *place, const char *to, const char *since, size_t max)
{
	const struct inbox_filter filter = {
	    .to = bytes_from_text(to), .since = bytes_from_text(since), .max = max};
	assert_int_equal(inbox_read(place->inbox, &filter, &place->arena, &place->texts, &place->n),
	                 OK);
	return place->n;
}

static unsigned number_of(const struct inbox_text *text)
{
	unsigned n = 0;
	for (size_t i = 0; i < text->code.len; i++)
		n = n * 10 + (unsigned)(text->code.at[i] - '0');
	return n;
}

/* The texts read are `newest`, the one before it, and so on. */
static void assert_texts(const struct place *place, unsigned newest, size_t n)
{
	assert_int_equal(place->n, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(number_of(&place->texts[i]), newest - i);
}

static const char *id_text(const struct inbox_text *text, char ret[ID_TEXT_LEN + 1])
{
	id_format(&text->id, ret);
	return ret;
}

/* ---- the ring -------------------------------------------------------------------------------- */

static void an_empty_inbox_has_nothing(void **state)
{
	struct place *place = *state;
	assert_int_equal(read_all(place, NULL, NULL, INBOX_KEPT), 0);
	inbox_clear(place->inbox);
	assert_int_equal(read_all(place, "447700900123", "x", 1), 0);
	inbox_free(NULL);
}

static void a_text_is_kept_whole(void **state)
{
	struct place *place = *state;
	add(place, 3, T);
	assert_int_equal(read_all(place, NULL, NULL, INBOX_KEPT), 1);
	const struct inbox_text *text = place->texts;
	assert_true(bytes_equal(text->to, BYTES("447700900123")));
	assert_true(bytes_equal(text->from, BYTES("ORCHARD")));
	assert_true(bytes_equal(text->text, BYTES("000003 for 10 min")));
	assert_true(bytes_equal(text->code, BYTES("000003")));
	assert_int_equal(text->at_ms, T);
	/* The id says the time. */
	int64_t at_ms = 0;
	for (int i = 0; i < 6; i++)
		at_ms = at_ms << 8 | text->id.octets[i];
	assert_int_equal(at_ms, T);
}

static void what_was_read_outlives_the_inbox(void **state)
{
	struct place *place = *state;
	add(place, 3, T);
	assert_int_equal(read_all(place, NULL, NULL, 1), 1);
	inbox_clear(place->inbox);
	assert_true(bytes_equal(place->texts[0].text, BYTES("000003 for 10 min")));
}

static void the_last_500_are_kept(void **state)
{
	struct place *place = *state;
	for (unsigned n = 1; n <= 3 * INBOX_KEPT + 7; n++) {
		add(place, n, T + n);
		size_t kept = n < INBOX_KEPT ? n : INBOX_KEPT;
		if (n > INBOX_KEPT - 3 && n < INBOX_KEPT + 3) {
			(void)read_all(place, NULL, NULL, 2 * INBOX_KEPT);
			assert_texts(place, n, kept);
			arena_reset(&place->arena);
		}
	}
	(void)read_all(place, NULL, NULL, INBOX_KEPT);
	assert_texts(place, 3 * INBOX_KEPT + 7, INBOX_KEPT);
}

static void a_cleared_inbox_begins_anew(void **state)
{
	struct place *place = *state;
	for (unsigned n = 1; n <= INBOX_KEPT + 250; n++)
		add(place, n, T + n);
	inbox_clear(place->inbox);
	assert_int_equal(read_all(place, NULL, NULL, INBOX_KEPT), 0);
	for (unsigned n = 1; n <= INBOX_KEPT + 1; n++)
		add(place, n, T + n);
	(void)read_all(place, NULL, NULL, INBOX_KEPT);
	assert_texts(place, INBOX_KEPT + 1, INBOX_KEPT);
}

static void without_random_octets_nothing_is_added(void **state)
{
	struct place *place = *state;
	add(place, 1, T);
	place->rng.fails_from = place->rng.fills + 1;
	const struct inbox_text text = {.to = BYTES("1"),
	                                .from = BYTES(""),
	                                .text = BYTES("x"),
	                                .code = BYTES("y"),
	                                .at_ms = T};
	assert_int_equal(inbox_add(place->inbox, &text), ERR_RANDOM);
	(void)read_all(place, NULL, NULL, INBOX_KEPT);
	assert_texts(place, 1, 1);
}

/* ---- order ----------------------------------------------------------------------------------- */

/* Texts of one millisecond, of a clock that stands still, and of one that was set back, all have
 * ids after those before them; more than a millisecond has ids for, too. */
static void ids_sort_by_arrival(void **state)
{
	struct place *place = *state;
	struct id last = {0};
	static const struct {
		const char *name;
		int64_t at_ms;
		unsigned n;
	} rows[] = {
	    {"a first one", T, 1},
	    {"one millisecond", T, 10},
	    {"later", T + 5, 3},
	    {"set back an hour", T - 3600000, 5},
	    {"more than a millisecond holds", T + 5, 3 * BUCKETS},
	    {"still behind them", T + 6, 2},
	    {"ahead again", T + 100, 2},
	    {"at the beginning of time", 0, 2},
	};
	for (size_t row = 0; row < COUNT(rows); row++) {
		for (unsigned i = 0; i < rows[row].n; i++) {
			add(place, i, rows[row].at_ms);
			assert_int_equal(read_all(place, NULL, NULL, 1), 1);
			const struct inbox_text *text = place->texts;
			assert_row(rows[row].name,
			           memcmp(text->id.octets, last.octets, ID_LEN) > 0);
			assert_int_equal(text->at_ms, rows[row].at_ms);
			assert_int_equal(text->id.octets[6] >> 4, 7);
			assert_int_equal(text->id.octets[8] >> 6, 2);
			last = text->id;
			arena_reset(&place->arena);
		}
	}
}

static void a_clock_at_zero_has_ids_too(void **state)
{
	struct place *place = *state;
	add(place, 1, 0);
	add(place, 2, 0);
	(void)read_all(place, NULL, NULL, 2);
	assert_true(memcmp(place->texts[0].id.octets, place->texts[1].id.octets, ID_LEN) > 0);
}

/* ---- filters --------------------------------------------------------------------------------- */

static void a_reader_sees_what_passes(void **state)
{
	struct place *place = *state;
	for (unsigned n = 1; n <= 30; n++)
		add(place, n, T + n / 10);
	static const struct {
		const char *name, *to;
		size_t max, n;
		unsigned first;
	} rows[] = {
	    {"all", NULL, 100, 30, 30},
	    {"the newest", NULL, 1, 1, 30},
	    {"none at all", NULL, 0, 0, 0},
	    {"one phone's", "447700900123", 100, 3, 23},
	    {"one phone's newest", "447700900123", 1, 1, 23},
	    {"no phone", "", 100, 0, 0},
	    {"the beginning of a phone", "44770090012", 100, 0, 0},
	    {"more than a phone", "4477009001234", 100, 0, 0},
	    {"with a plus", "+447700900123", 100, 0, 0},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		size_t n = read_all(place, rows[i].to, NULL, rows[i].max);
		assert_row(rows[i].name, n == rows[i].n);
		assert_row(rows[i].name, !n || number_of(place->texts) == rows[i].first);
		for (size_t j = 1; j < n; j++)
			assert_row(rows[i].name,
			           number_of(&place->texts[j]) < number_of(&place->texts[j - 1]));
	}
}

/* A question that waits is tried again and again, for as long as half a minute. */
static void nothing_costs_nothing(void **state)
{
	struct place *place = *state;
	for (unsigned n = 1; n <= INBOX_KEPT; n++)
		add(place, n, T);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(read_all(place, "999", NULL, INBOX_KEPT), 0);
		assert_int_equal(read_all(place, NULL, "ffffffff", INBOX_KEPT), 0);
		assert_int_equal(read_all(place, NULL, NULL, 0), 0);
	}
	assert_null(place->arena.blocks);
}

static void since_shows_only_what_came_after(void **state)
{
	struct place *place = *state;
	char id[ID_TEXT_LEN + 1], ids[20][ID_TEXT_LEN + 1];
	/* Four a millisecond, then a clock that stands still. */
	for (unsigned n = 0; n < 20; n++) {
		add(place, n, n < 10 ? T + n / 4 : T + 2);
		(void)read_all(place, NULL, NULL, 1);
		(void)id_text(place->texts, ids[n]);
	}
	for (unsigned n = 0; n < 20; n++) {
		(void)read_all(place, NULL, ids[n], INBOX_KEPT);
		assert_texts(place, 19, 19 - n);
		/* A caller may have shouted it. */
		for (size_t i = 0; i <= ID_TEXT_LEN; i++)
			id[i] = (char)(ids[n][i] >= 'a' && ids[n][i] <= 'f' ? ids[n][i] - 'a' + 'A'
			                                                    : ids[n][i]);
		(void)read_all(place, NULL, id, INBOX_KEPT);
		assert_texts(place, 19, 19 - n);
	}
	/* To one phone, since another's. */
	assert_int_equal(read_all(place, "447700900125", ids[6], INBOX_KEPT), 1);
	assert_int_equal(number_of(place->texts), 15);
	assert_int_equal(read_all(place, "447700900125", ids[15], INBOX_KEPT), 0);
}

static void since_need_not_be_here_any_more(void **state)
{
	struct place *place = *state;
	char id[ID_TEXT_LEN + 1];
	add(place, 1, T);
	(void)read_all(place, NULL, NULL, 1);
	(void)id_text(place->texts, id);
	inbox_clear(place->inbox);
	add(place, 2, T);
	(void)read_all(place, NULL, id, INBOX_KEPT);
	assert_texts(place, 2, 1);
	for (unsigned n = 3; n < 3 + INBOX_KEPT; n++)
		add(place, n, T);
	(void)read_all(place, NULL, id, INBOX_KEPT);
	assert_texts(place, 2 + INBOX_KEPT, INBOX_KEPT);
}

static void since_may_be_any_text(void **state)
{
	struct place *place = *state;
	char longer[64];
	add(place, 1, T);
	add(place, 2, T);
	(void)read_all(place, NULL, NULL, 2);
	char id[ID_TEXT_LEN + 1];
	(void)id_text(&place->texts[1], id);
	(void)snprintf(longer, sizeof(longer), "%sff", id);
	static const struct {
		const char *since;
		size_t n;
	} rows[] = {
	    {"", 2},  {"00000000-0000-0000-0000-000000000000", 2},
	    {"0", 2}, {"ffffffff-ffff-ffff-ffff-ffffffffffff", 0},
	    {"z", 0}, {"\xff\xff", 0},
	};
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_row(rows[i].since,
		           read_all(place, NULL, rows[i].since, INBOX_KEPT) == rows[i].n);
	/* One that begins like the first sorts behind it. */
	assert_int_equal(read_all(place, NULL, longer, INBOX_KEPT), 1);
	id[ID_TEXT_LEN - 1] = '\0';
	assert_int_equal(read_all(place, NULL, id, INBOX_KEPT), 2);
}

/* ---- wiping ---------------------------------------------------------------------------------- */

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(__clang__)
#define LOOKS_AT_FREED_MEMORY

static const char *watched; /* no memory that is given back may hold it */
static size_t watched_found, freed;

void __libc_free(void *at);

void free(void *at)
{
	if (watched && at) {
		freed++;
		watched_found +=
		    memmem(at, malloc_usable_size(at), watched, strlen(watched)) != NULL;
	}
	__libc_free(at);
}

static void add_watched(struct place *place)
{
	const struct inbox_text given = {
	    .to = BYTES("447700900123"),
	    .from = BYTES("x"),
	    .text = bytes_from_text("the secret is kept-dark"),
	    .code = bytes_from_text("kept-dark"),
	    .at_ms = T,
	};
	assert_int_equal(inbox_add(place->inbox, &given), OK);
}

static void what_leaves_is_wiped(void **state)
{
	struct place *place = *state;
	add_watched(place);
	watched = "kept-dark";
	for (unsigned n = 0; n < INBOX_KEPT; n++)
		add(place, n, T);
	assert_true(freed > 0);
	assert_int_equal(watched_found, 0);
	add_watched(place);
	freed = 0;
	inbox_clear(place->inbox);
	assert_true(freed >= INBOX_KEPT);
	assert_int_equal(watched_found, 0);
	add_watched(place);
	inbox_free(place->inbox);
	place->inbox = NULL;
	assert_int_equal(watched_found, 0);
	/* It would have been seen. */
	char *seen = strdup(watched);
	free(seen);
	assert_int_equal(watched_found, 1);
	watched = NULL;
}

#endif /* a sanitizer's memory is not ours to look at */

#define PLACED(test) cmocka_unit_test_setup_teardown(test, place_make, place_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    PLACED(an_empty_inbox_has_nothing),
	    PLACED(a_text_is_kept_whole),
	    PLACED(what_was_read_outlives_the_inbox),
	    PLACED(the_last_500_are_kept),
	    PLACED(a_cleared_inbox_begins_anew),
	    PLACED(without_random_octets_nothing_is_added),
	    PLACED(ids_sort_by_arrival),
	    PLACED(a_clock_at_zero_has_ids_too),
	    PLACED(a_reader_sees_what_passes),
	    PLACED(nothing_costs_nothing),
	    PLACED(since_shows_only_what_came_after),
	    PLACED(since_need_not_be_here_any_more),
	    PLACED(since_may_be_any_text),
#ifdef LOOKS_AT_FREED_MEMORY
	    PLACED(what_leaves_is_wiped),
#endif
	};
	return cmocka_run_group_tests_name("inbox", tests, NULL, NULL);
}
