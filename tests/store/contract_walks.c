/* SPDX-License-Identifier: Apache-2.0 */
/* The contract: walks over all rows, and erasing a number. */
#include "store/contract_private.h"

/* --- walks ----------------------------------------------------------------------------------- */

/* Walks over all users; how many there were. Each stands behind the one before it. */
static size_t users_walk(struct desk *desk)
{
	const void *page[WALK_MAX];
	const struct user *last = NULL;
	size_t all = 0, n = WALK_MAX;
	while (n == WALK_MAX) {
		assert_int_equal(desk_walk(desk, CHANGE_USER, last, page, &n), OK);
		for (size_t i = 0; i < n; i++) {
			const struct user *user = page[i];
			if (last && bytes_equal(last->tenant, user->tenant))
				assert_true(strcmp(last->id.at, user->id.at) < 0);
			else if (last)
				assert_true(strcmp(last->tenant.at, user->tenant.at) < 0);
			last = user;
		}
		all += n;
	}
	return all;
}

static void pages_are_whole_and_in_order(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	static const size_t sizes[] = {0, 1, WALK_MAX - 1, WALK_MAX, WALK_MAX + 1, 2 * WALK_MAX};
	unsigned n = 0;
	for (size_t i = 0; i < CASES_N(sizes); i++) {
		for (; n < sizes[i]; n++) {
			/* Neither in order nor in one tenant. */
			struct user user = sample_user(n * 7 % 1000);
			user.tenant = n % 3 ? BYTES("acme") : BYTES("a");
			assert_int_equal(desk_change(desk, CHANGE_USER, &user), OK);
		}
		assert_int_equal(users_walk(desk), sizes[i]);
	}
}

/* --- erase ----------------------------------------------------------------------------------- */

static void a_number_is_forgotten(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct user user = sample_user(1), waits = sample_user(2), other = sample_user(3);
	struct verification v = sample_verification(1), theirs = sample_verification(3);
	struct message message = sample_message(1, &v);
	struct line line = sample_line(1);
	struct budget budget = sample_budget(1);
	user.phone = waits.phone_pending = sample_number(1);
	other.phone = sample_number(3);
	pair_insert(desk, &v, &message);
	const struct change changes[] = {
	    {CHANGE_USER, .user = &user},  {CHANGE_USER, .user = &waits},
	    {CHANGE_USER, .user = &other}, {CHANGE_VERIFICATION, .verification = &theirs},
	    {CHANGE_LINE, .line = &line},  {CHANGE_BUDGET, .budget = &budget},
	};
	assert_int_equal(desk_commit(desk, changes, CASES_N(changes)), OK);
	struct store_erase erase = {.number = sample_number(1), .now_ms = SAMPLE_MS};
	assert_int_equal(desk_erase(desk, &erase), OK);
	assert_int_equal(erase.users, 2);
	assert_int_equal(erase.verifications, 1);
	assert_int_equal(erase.messages, 1);
	struct store_counts counts = desk_count(desk);
	assert_int_equal(counts.users, 2);
	assert_int_equal(counts.verifications, 1);
	assert_int_equal(counts.messages, 0);
	assert_int_equal(counts.budgets, 1);
	assert_null(line_get(desk, &line));
}

const struct CMUnitTest contract_walks[] = {
    CASE(pages_are_whole_and_in_order),
    CASE(a_number_is_forgotten),
};
const size_t contract_walks_n = CASES_N(contract_walks);
