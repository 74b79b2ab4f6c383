/* SPDX-License-Identifier: Apache-2.0 */
/* The contract: at most one live verification of a tenant and purpose has a given slot. */
#include "store/contract_private.h"

static struct verification slotted(unsigned n, const char *slot)
{
	struct verification v = sample_verification(n);
	v.purpose = PURPOSE_PHONE;
	v.slot = bytes_from_text(slot);
	return v;
}

static bool holds(struct desk *desk, const struct verification *v)
{
	struct verification *found = slot_get(desk, v->tenant, v->purpose, v->slot);
	return found && id_equal(&found->id, &v->id);
}

static void a_slot_finds_the_live_one(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct verification v = slotted(1, "anna");
	assert_int_equal(desk_change(desk, CHANGE_VERIFICATION, &v), OK);
	assert_true(holds(desk, &v));
	assert_int_equal(slot_get(desk, v.tenant, v.purpose, v.slot)->version, 1);
	assert_null(slot_get(desk, v.tenant, v.purpose, BYTES("ann")));
	assert_null(slot_get(desk, v.tenant, v.purpose, BYTES("annaa")));
	assert_null(slot_get(desk, v.tenant, v.purpose, BYTES("Anna")));
	assert_null(slot_get(desk, v.tenant, PURPOSE_LOGIN, v.slot));
	assert_null(slot_get(desk, BYTES("acm"), v.purpose, v.slot));
}

static void a_finished_one_is_not_found_by_slot(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	for (enum verification_state s = VERIFICATION_APPROVED; s <= VERIFICATION_CANCELLED; s++) {
		struct verification v = slotted((unsigned)s, "anna");
		assert_int_equal(desk_change(desk, CHANGE_VERIFICATION, &v), OK);
		v.version = 1;
		v.state = s;
		assert_int_equal(desk_change(desk, CHANGE_VERIFICATION, &v), OK);
		assert_null(slot_get(desk, v.tenant, v.purpose, v.slot));
		assert_non_null(verification_get(desk, &v));
	}
}

static void the_live_one_goes_on_holding_its_slot(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct verification v = slotted(1, "anna");
	for (v.version = 0; v.version < 3; v.version++) {
		v.tries++;
		assert_int_equal(desk_change(desk, CHANGE_VERIFICATION, &v), OK);
		assert_true(holds(desk, &v));
	}
	v.version = VERSION_ANY;
	assert_int_equal(desk_change(desk, CHANGE_VERIFICATION, &v), OK);
	assert_true(holds(desk, &v));
}

static void a_second_live_one_is_a_conflict(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct verification first = slotted(1, "anna"), second = slotted(2, "anna");
	assert_int_equal(desk_change(desk, CHANGE_VERIFICATION, &first), OK);
	assert_int_equal(desk_change(desk, CHANGE_VERIFICATION, &second), ERR_CONFLICT);
	second.version = VERSION_ANY;
	assert_int_equal(desk_change(desk, CHANGE_VERIFICATION, &second), ERR_CONFLICT);
	assert_null(verification_get(desk, &second));
	/* One that has ended may have any slot, but not come alive again. */
	second.version = 0;
	second.state = VERIFICATION_EXPIRED;
	assert_int_equal(desk_change(desk, CHANGE_VERIFICATION, &second), OK);
	assert_true(holds(desk, &first));
	second.version = 1;
	second.state = VERIFICATION_LIVE;
	assert_int_equal(desk_change(desk, CHANGE_VERIFICATION, &second), ERR_CONFLICT);
	second.version = VERSION_ANY;
	assert_int_equal(desk_change(desk, CHANGE_VERIFICATION, &second), ERR_CONFLICT);
	assert_int_equal(verification_get(desk, &second)->state, VERIFICATION_EXPIRED);
	assert_true(holds(desk, &first));
}

static void a_conflict_of_slots_undoes_the_whole_commit(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct verification first = slotted(1, "anna"), second = slotted(2, "anna");
	struct budget budget = sample_budget(2);
	struct event event = sample_event(2);
	assert_int_equal(desk_change(desk, CHANGE_VERIFICATION, &first), OK);
	const struct change changes[] = {
	    {.kind = CHANGE_BUDGET, .budget = &budget},
	    {.kind = CHANGE_EVENT, .event = &event},
	    {.kind = CHANGE_VERIFICATION, .verification = &second},
	};
	assert_int_equal(desk_commit(desk, changes, 3), ERR_CONFLICT);
	assert_null(budget_get(desk, &budget.number));
	assert_int_equal(desk_count(desk).events, 0);
}

static void a_slot_is_free_once_its_holder_ended(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct verification first = slotted(1, "anna"), second = slotted(2, "anna");
	assert_int_equal(desk_change(desk, CHANGE_VERIFICATION, &first), OK);
	first.version = 1;
	first.state = VERIFICATION_APPROVED;
	assert_int_equal(desk_change(desk, CHANGE_VERIFICATION, &first), OK);
	assert_int_equal(desk_change(desk, CHANGE_VERIFICATION, &second), OK);
	assert_true(holds(desk, &second));
}

/* A replacement: the older one ends and the newer one begins, whichever is named first. */
static void a_slot_changes_hands_within_a_commit(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	for (unsigned order = 0; order < 2; order++) {
		struct verification older = slotted(1 + 2 * order, order ? "anna" : "bert");
		struct verification newer = slotted(2 + 2 * order, order ? "anna" : "bert");
		assert_int_equal(desk_change(desk, CHANGE_VERIFICATION, &older), OK);
		older.version = 1;
		older.state = VERIFICATION_REPLACED;
		struct change changes[2];
		changes[order] = (struct change){.kind = CHANGE_VERIFICATION, .record = &older};
		changes[!order] = (struct change){.kind = CHANGE_VERIFICATION, .record = &newer};
		assert_int_equal(desk_commit(desk, changes, 2), OK);
		assert_true(holds(desk, &newer));
		assert_int_equal(verification_get(desk, &older)->state, VERIFICATION_REPLACED);
	}
}

static void two_of_one_commit_cannot_share_a_slot(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct verification a = slotted(1, "anna"), b = slotted(2, "anna");
	const struct change changes[] = {
	    {.kind = CHANGE_VERIFICATION, .verification = &a},
	    {.kind = CHANGE_VERIFICATION, .verification = &b},
	};
	assert_int_equal(desk_commit(desk, changes, 2), ERR_CONFLICT);
	assert_null(verification_get(desk, &a));
	assert_null(verification_get(desk, &b));
	b.slot = BYTES("bert");
	assert_int_equal(desk_commit(desk, changes, 2), OK);
	assert_true(holds(desk, &a));
	assert_true(holds(desk, &b));
}

static void tenants_and_purposes_have_slots_of_their_own(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct verification rows[3] = {slotted(1, "anna"), slotted(2, "anna"), slotted(3, "anna")};
	rows[1].tenant = BYTES("other");
	rows[2].purpose = PURPOSE_LOGIN;
	for (int i = 0; i < 3; i++)
		assert_int_equal(desk_change(desk, CHANGE_VERIFICATION, &rows[i]), OK);
	for (int i = 0; i < 3; i++)
		assert_true(holds(desk, &rows[i]));
}

static void any_number_live_without_a_slot(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	for (unsigned i = 0; i < 5; i++) {
		struct verification v = sample_verification(i);
		assert_int_equal(desk_change(desk, CHANGE_VERIFICATION, &v), OK);
	}
	assert_int_equal(desk_count(desk).live, 5);
	/* The empty slot is one like any other. */
	struct verification a = slotted(10, ""), b = slotted(11, "");
	assert_int_equal(desk_change(desk, CHANGE_VERIFICATION, &a), OK);
	assert_int_equal(desk_change(desk, CHANGE_VERIFICATION, &b), ERR_CONFLICT);
	assert_true(holds(desk, &a));
}

const struct CMUnitTest contract_slots[] = {
    CASE(a_slot_finds_the_live_one),
    CASE(a_finished_one_is_not_found_by_slot),
    CASE(the_live_one_goes_on_holding_its_slot),
    CASE(a_second_live_one_is_a_conflict),
    CASE(a_conflict_of_slots_undoes_the_whole_commit),
    CASE(a_slot_is_free_once_its_holder_ended),
    CASE(a_slot_changes_hands_within_a_commit),
    CASE(two_of_one_commit_cannot_share_a_slot),
    CASE(tenants_and_purposes_have_slots_of_their_own),
    CASE(any_number_live_without_a_slot),
};
const size_t contract_slots_n = CASES_N(contract_slots);
