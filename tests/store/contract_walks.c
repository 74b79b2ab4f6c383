/* SPDX-License-Identifier: Apache-2.0 */
/* The contract: walks over all rows, and erasing a number. */
#include "store/contract_private.h"

#include "store/shape.h"

#include <stdio.h>

/* --- walks ----------------------------------------------------------------------------------- */

#define ROWS_MAX (2 * WALK_MAX)

/* Three in a millisecond. */
static struct id timed_id(unsigned n)
{
	struct number number = sample_number(n);
	return sample_id(SAMPLE_MS + n / 3, &number, n);
}

/* The n-th of a kind: neither in the order of keys nor all of one tenant. */
static struct change row_of(enum change_kind kind, unsigned n)
{
	static union {
		struct tenant tenant;
		struct client client;
		struct user user;
		struct key key;
		struct system system;
		struct line line;
		struct verification verification;
		struct event event;
	} row;
	static char name[16];
	unsigned which = n * 7919 % 1000;
	struct bytes tenant = n % 3 ? BYTES("acme") : BYTES("a");
	snprintf(name, sizeof(name), "%u", which);
	memset(&row, 0, sizeof(row));
	if (kind == CHANGE_TENANT)
		row.tenant.id = bytes_from_text(name);
	if (kind == CHANGE_CLIENT)
		row.client = (struct client){.name = bytes_from_text(name), .tenant = tenant};
	if (kind == CHANGE_SYSTEM)
		row.system = (struct system){.id = bytes_from_text(name), .tenant = tenant};
	if (kind == CHANGE_USER) {
		row.user = sample_user(which);
		row.user.tenant = tenant;
	}
	if (kind == CHANGE_KEY)
		row.key = sample_key(which);
	if (kind == CHANGE_LINE) {
		row.line = sample_line(which / 2);
		row.line.tenant = which % 2 ? BYTES("acme") : BYTES("a");
	}
	if (kind == CHANGE_VERIFICATION) {
		row.verification = sample_verification(which);
		row.verification.id = timed_id(which);
	}
	if (kind == CHANGE_EVENT) {
		row.event = sample_event(which);
		row.event.id = timed_id(which);
	}
	return (struct change){.kind = kind, .record = &row};
}

static bool is_timed(enum change_kind kind)
{
	return kind == CHANGE_VERIFICATION || kind == CHANGE_EVENT;
}

/* Whether `b` may stand behind `a`. The order of one millisecond's ids is the store's. */
static bool is_behind(enum change_kind kind, const void *a, const void *b)
{
	if (!is_timed(kind))
		return shape_compare(&shapes[kind], a, b) < 0;
	return memcmp(shape_key(&shapes[kind], a, 0).at, shape_key(&shapes[kind], b, 0).at, 6) <= 0;
}

/* Walks from the beginning to the end, a page at a time, and returns how many there were. Each
 * stands behind the one before it, and none comes twice. */
static size_t rows_walk(struct desk *desk, enum change_kind kind, size_t *ret_pages)
{
	const void *page[WALK_MAX], *last = NULL;
	size_t all = 0, n = WALK_MAX;
	for (*ret_pages = 0; n == WALK_MAX; ++*ret_pages) {
		assert_int_equal(desk_walk(desk, kind, last, page, &n), OK);
		for (size_t i = 0; i < n; i++) {
			if (last)
				assert_true(is_behind(kind, last, page[i]));
			for (size_t j = i > 3 ? i - 3 : 0; j < i; j++)
				assert_int_not_equal(shape_compare(&shapes[kind], page[j], page[i]),
				                     0);
			last = page[i];
		}
		all += n;
	}
	return all;
}

static void pages_are_whole_and_in_order(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	static const enum change_kind kinds[] = {CHANGE_TENANT, CHANGE_CLIENT,      CHANGE_USER,
	                                         CHANGE_KEY,    CHANGE_SYSTEM,      CHANGE_LINE,
	                                         CHANGE_EVENT,  CHANGE_VERIFICATION};
	static const size_t sizes[] = {0, 1, WALK_MAX - 1, WALK_MAX, WALK_MAX + 1, ROWS_MAX};
	for (size_t k = 0; k < CASES_N(kinds); k++) {
		unsigned n = 0;
		for (size_t i = 0; i < CASES_N(sizes); i++) {
			for (; n < sizes[i]; n++) {
				struct change change = row_of(kinds[k], n);
				assert_int_equal(desk_commit(desk, &change, 1), OK);
			}
			size_t pages;
			assert_int_equal(rows_walk(desk, kinds[k], &pages), sizes[i]);
			assert_int_equal(pages, sizes[i] / WALK_MAX + 1);
		}
		arena_reset(&desk->arena);
	}
}

/* The order of octets, not of some language; tenants first. */
static void keys_are_in_the_order_of_their_octets(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	static const struct {
		struct bytes tenant, id;
	} rows[] = {
	    {{"A", 1}, {"z", 1}},  {{"a", 1}, {"-", 1}},  {{"a", 1}, {"B", 1}},
	    {{"a", 1}, {"a", 1}},  {{"a", 1}, {"aa", 2}}, {{"a", 1}, {"b", 1}},
	    {{"a.", 2}, {"A", 1}}, {{"aa", 2}, {"A", 1}},
	};
	for (size_t i = CASES_N(rows); i--;) {
		struct user user = {.tenant = rows[i].tenant, .id = rows[i].id};
		struct system system = {.tenant = rows[i].tenant, .id = rows[i].id};
		assert_int_equal(desk_change(desk, CHANGE_USER, &user), OK);
		assert_int_equal(desk_change(desk, CHANGE_SYSTEM, &system), OK);
	}
	const void *page[WALK_MAX];
	size_t n;
	assert_int_equal(desk_walk(desk, CHANGE_USER, NULL, page, &n), OK);
	assert_int_equal(n, CASES_N(rows));
	for (size_t i = 0; i < n; i++) {
		texts_equal(((const struct user *)page[i])->tenant, rows[i].tenant);
		texts_equal(((const struct user *)page[i])->id, rows[i].id);
	}
	/* From behind one that is not there. */
	struct system after = {.tenant = BYTES("a"), .id = BYTES("ab")};
	assert_int_equal(desk_walk(desk, CHANGE_SYSTEM, &after, page, &n), OK);
	assert_int_equal(n, 3);
	texts_equal(((const struct system *)page[0])->id, BYTES("b"));
}

/* Whole records, as they were written. */
static void what_is_walked_is_what_was_written(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct event event = sample_event(1);
	struct user user = sample_user(1);
	struct line line = sample_line(1);
	const void *page[WALK_MAX];
	size_t n;
	event.count = 7;
	memset(event.number_hash, 0xA5, sizeof(event.number_hash));
	user.user_name = BYTES("ada");
	user.phone = sample_number(1);
	assert_int_equal(desk_change(desk, CHANGE_EVENT, &event), OK);
	assert_int_equal(desk_change(desk, CHANGE_USER, &user), OK);
	assert_int_equal(desk_change(desk, CHANGE_LINE, &line), OK);
	assert_int_equal(desk_walk(desk, CHANGE_EVENT, NULL, page, &n), OK);
	assert_int_equal(n, 1);
	const struct event *told = page[0];
	assert_true(id_equal(&told->id, &event.id));
	assert_int_equal(told->at_ms, event.at_ms);
	texts_equal(told->kind, event.kind);
	texts_equal(told->reason, event.reason);
	texts_equal(told->tenant, event.tenant);
	texts_equal(told->dialect, event.dialect);
	assert_true(id_equal(&told->verification, &event.verification));
	assert_memory_equal(told->number_hash, event.number_hash, sizeof(event.number_hash));
	assert_int_equal(told->count, 7);
	assert_int_equal(desk_walk(desk, CHANGE_USER, NULL, page, &n), OK);
	assert_int_equal(n, 1);
	users_equal(page[0], &user);
	assert_int_equal(((const struct user *)page[0])->version, 1);
	assert_int_equal(desk_walk(desk, CHANGE_LINE, NULL, page, &n), OK);
	assert_int_equal(n, 1);
	assert_int_equal(((const struct line *)page[0])->state, line.state);
}

static void rows_may_come_and_go_during_a_walk(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	const void *page[WALK_MAX];
	size_t n, rest;
	for (unsigned i = 0; i < ROWS_MAX; i++) {
		struct change change = row_of(CHANGE_USER, i);
		assert_int_equal(desk_commit(desk, &change, 1), OK);
	}
	assert_int_equal(desk_walk(desk, CHANGE_USER, NULL, page, &n), OK);
	assert_int_equal(n, WALK_MAX);
	/* The one behind which it goes on is deleted, and so is the one before it. */
	assert_int_equal(desk_change(desk, DELETE_USER, page[n - 1]), OK);
	assert_int_equal(desk_change(desk, DELETE_USER, page[n - 2]), OK);
	assert_int_equal(desk_walk(desk, CHANGE_USER, page[n - 1], page, &rest), OK);
	assert_int_equal(n + rest, ROWS_MAX);
}

/* --- erase ----------------------------------------------------------------------------------- */

static struct store_erase number_erase(struct desk *desk, unsigned n)
{
	struct store_erase erase = {.number = sample_number(n), .now_ms = SAMPLE_MS + 5};
	assert_int_equal(desk_erase(desk, &erase), OK);
	return erase;
}

static void verifications_of_a_number_go_with_their_messages(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	/* An old one, a new one, an ended one, one of another tenant; and one of another number. */
	struct verification all[5];
	for (unsigned i = 0; i < 5; i++) {
		struct number number = sample_number(i == 4 ? 2 : 1);
		all[i] = sample_verification(i);
		all[i].number = number;
		all[i].id = sample_id(SAMPLE_MS - (i ? 0 : INT64_C(86400000)), &number, i);
		all[i].state = i == 2 ? VERIFICATION_APPROVED : VERIFICATION_LIVE;
		all[i].tenant = i == 3 ? BYTES("other") : BYTES("acme");
		struct message message = sample_message(i, &all[i]);
		pair_insert(desk, &all[i], &message);
	}
	struct message second = sample_message(77, &all[1]);
	assert_int_equal(desk_change(desk, CHANGE_MESSAGE, &second), OK);
	struct store_erase erase = number_erase(desk, 1);
	assert_int_equal(erase.verifications, 4);
	assert_int_equal(erase.messages, 5);
	assert_int_equal(erase.users, 0);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(verification_get(desk, &all[i]) != NULL, i == 4);
	assert_int_equal(desk_count(desk).messages, 1);
	/* A second time there is nothing. */
	erase = number_erase(desk, 1);
	assert_int_equal(erase.verifications + erase.messages + erase.users, 0);
}

static void users_of_a_number_go_or_wait_no_longer(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct user users[6];
	for (unsigned i = 0; i < 6; i++)
		users[i] = sample_user(i);
	users[0].phone = sample_number(1);
	users[1].phone = sample_number(1);
	users[1].phone_verified_ms = SAMPLE_MS;
	users[1].tenant = BYTES("other");
	users[2].phone = sample_number(2);
	users[2].phone_verified_ms = SAMPLE_MS;
	users[2].phone_pending = sample_number(1);
	users[3].phone_pending = sample_number(1);
	users[4].phone = sample_number(2);
	users[5].phone = users[5].phone_pending = sample_number(1);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(desk_change(desk, CHANGE_USER, &users[i]), OK);
	struct store_erase erase = number_erase(desk, 1);
	assert_int_equal(erase.users, 5);
	assert_null(user_stored(desk, &users[0]));
	assert_null(user_stored(desk, &users[1]));
	assert_null(user_stored(desk, &users[5]));
	for (unsigned i = 2; i < 4; i++) {
		const struct user *found = user_stored(desk, &users[i]);
		users[i].phone_pending = (struct number){0};
		users[i].sequence++;
		users[i].changed_ms = SAMPLE_MS + 5;
		users_equal(found, &users[i]);
		assert_int_equal(found->version, 2);
	}
	users_equal(user_stored(desk, &users[4]), &users[4]);
	assert_int_equal(user_stored(desk, &users[4])->version, 1);
}

/* Keys, sessions and live codes, of whatever number. Those of others stay, of his id too. */
static void what_is_a_user_s_goes_with_him(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct user users[3] = {sample_user(1), sample_user(1), sample_user(2)};
	struct key keys[3];
	struct session sessions[3];
	struct verification codes[3][2];
	users[0].phone = sample_number(1);
	users[1].tenant = BYTES("other");
	for (unsigned i = 0; i < 3; i++) {
		keys[i] = sample_key(10 + i);
		sessions[i] = sample_session(10 + i);
		keys[i].tenant = sessions[i].tenant = users[i].tenant;
		keys[i].user = sessions[i].user = users[i].id;
		const struct change changes[] = {{CHANGE_USER, .user = &users[i]},
		                                 {CHANGE_KEY, .key = &keys[i]},
		                                 {CHANGE_SESSION, .session = &sessions[i]}};
		assert_int_equal(desk_commit(desk, changes, 3), OK);
		for (unsigned j = 0; j < 2; j++) {
			codes[i][j] = sample_verification(20 + 2 * i + j);
			codes[i][j].purpose = j ? PURPOSE_LOGIN : PURPOSE_PHONE;
			codes[i][j].tenant = users[i].tenant;
			codes[i][j].slot = codes[i][j].user = users[i].id;
			struct message message = sample_message(20 + 2 * i + j, &codes[i][j]);
			pair_insert(desk, &codes[i][j], &message);
		}
	}
	struct store_erase erase = number_erase(desk, 1);
	assert_int_equal(erase.users, 1);
	assert_int_equal(erase.verifications, 2);
	assert_int_equal(erase.messages, 2);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(user_stored(desk, &users[i]) != NULL, i > 0);
		assert_int_equal(key_get(desk, &keys[i]) != NULL, i > 0);
		assert_int_equal(session_get(desk, &sessions[i]) != NULL, i > 0);
		for (unsigned j = 0; j < 2; j++)
			assert_int_equal(verification_get(desk, &codes[i][j]) != NULL, i > 0);
	}
	/* His name is free, and so are his slots. */
	assert_int_equal(desk_change(desk, CHANGE_USER, &users[0]), OK);
	assert_int_equal(desk_change(desk, CHANGE_VERIFICATION, &codes[0][0]), OK);
}

static void what_still_counts_stays(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct budget budget = sample_budget(1);
	struct failures failures = sample_failures(1);
	struct line lines[3] = {sample_line(1), sample_line(1), sample_line(2)};
	struct event event = sample_event(1);
	lines[1].tenant = BYTES("other");
	/* Up to the last moment. */
	budget.keep_until_ms = SAMPLE_MS + 5;
	const struct change changes[] = {
	    {CHANGE_BUDGET, .budget = &budget}, {CHANGE_FAILURES, .failures = &failures},
	    {CHANGE_LINE, .line = &lines[0]},   {CHANGE_LINE, .line = &lines[1]},
	    {CHANGE_LINE, .line = &lines[2]},   {CHANGE_EVENT, .event = &event},
	};
	assert_int_equal(desk_commit(desk, changes, CASES_N(changes)), OK);
	uint64_t before, after;
	assert_int_equal(desk->store->ops->generation(desk->store, &before), OK);
	number_erase(desk, 1);
	assert_int_equal(desk->store->ops->generation(desk->store, &after), OK);
	assert_int_not_equal(before, after);
	assert_null(line_get(desk, &lines[0]));
	assert_null(line_get(desk, &lines[1]));
	assert_non_null(line_get(desk, &lines[2]));
	assert_non_null(budget_get(desk, &budget.number));
	assert_non_null(failures_get(desk, &failures));
	assert_int_equal(desk_count(desk).events, 1);
	budget.version = 1;
	budget.keep_until_ms = SAMPLE_MS + 4;
	assert_int_equal(desk_change(desk, CHANGE_BUDGET, &budget), OK);
	number_erase(desk, 1);
	assert_null(budget_get(desk, &budget.number));
}

const struct CMUnitTest contract_walks[] = {
    CASE(pages_are_whole_and_in_order),
    CASE(keys_are_in_the_order_of_their_octets),
    CASE(what_is_walked_is_what_was_written),
    CASE(rows_may_come_and_go_during_a_walk),
    CASE(verifications_of_a_number_go_with_their_messages),
    CASE(users_of_a_number_go_or_wait_no_longer),
    CASE(what_is_a_user_s_goes_with_him),
    CASE(what_still_counts_stays),
};
const size_t contract_walks_n = CASES_N(contract_walks);
