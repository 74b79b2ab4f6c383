/* SPDX-License-Identifier: Apache-2.0 */
/* Who is counted together and who is not, and that what one loop counts another hears of. */
#include "support/front.h"

#include "api/quota.h"

static const struct limits limits = {
    .enabled = true,
    .calls_per_client = {1, {{2, 60000}}},
    .sends_per_address = {1, {{2, 60000}}},
    .guesses_per_address = {1, {{2, 60000}}},
    .guesses_per_identifier = {1, {{2, 60000}}},
};

static struct quota_who who_is(enum quota quota, const char *tenant, const char *name)
{
	return (struct quota_who){quota, bytes_from_text(tenant), bytes_from_text(name)};
}

static bool may(struct api *api, struct quota_who who)
{
	return quota_wait_ms(api, &who, &limits) == 0;
}

static void spend(struct api *api, struct quota_who who, int n)
{
	while (n--)
		quota_charge(api, &who, &limits);
}

static void each_is_counted_by_himself(void **state)
{
	struct front *front = *state;
	struct api *api = &front->api;
	struct quota_who ann = who_is(QUOTA_CLIENT_CALLS, "demo", "ann");
	spend(api, ann, 2);
	assert_false(may(api, ann));
	assert_in_range(quota_wait_ms(api, &ann, &limits), 60000, 66000);
	assert_true(may(api, who_is(QUOTA_CLIENT_CALLS, "demo", "bob")));
	/* Nor is it counted for anything else. */
	assert_true(may(api, who_is(QUOTA_IDENTIFIER_GUESSES, "demo", "ann")));
	assert_true(may(api, who_is(QUOTA_ADDRESS_SENDS, "demo", "ann")));
}

/* A client is its tenant's; an address is one and the same for all. */
static void tenants_share_addresses_alone(void **state)
{
	struct front *front = *state;
	struct api *api = &front->api;
	static const struct {
		enum quota quota;
		bool shared;
	} rows[] = {
	    {QUOTA_CLIENT_CALLS, false},
	    {QUOTA_IDENTIFIER_GUESSES, false},
	    {QUOTA_ADDRESS_SENDS, true},
	    {QUOTA_ADDRESS_GUESSES, true},
	};
	assert_int_equal(sizeof(rows) / sizeof(rows[0]), QUOTAS);
	for (size_t i = 0; i < QUOTAS; i++) {
		spend(api, who_is(rows[i].quota, "demo", "x"), 2);
		assert_int_equal(may(api, who_is(rows[i].quota, "other", "x")), !rows[i].shared);
	}
}

/* Where a tenant's name ends and a user's begins is not lost. */
static void names_do_not_run_into_each_other(void **state)
{
	struct front *front = *state;
	struct api *api = &front->api;
	spend(api, who_is(QUOTA_CLIENT_CALLS, "ab", "c"), 2);
	assert_true(may(api, who_is(QUOTA_CLIENT_CALLS, "a", "bc")));
	assert_true(may(api, who_is(QUOTA_CLIENT_CALLS, "abc", "")));
}

static void limits_that_are_off_neither_hold_nor_count(void **state)
{
	struct front *front = *state;
	struct api *api = &front->api;
	struct limits off = limits;
	struct quota_who ann = who_is(QUOTA_CLIENT_CALLS, "demo", "ann");
	off.enabled = false;
	for (int i = 0; i < 5; i++)
		quota_charge(api, &ann, &off);
	assert_true(may(api, ann));
	spend(api, ann, 2);
	assert_int_equal(quota_wait_ms(api, &ann, &off), 0);
	off = limits;
	off.calls_per_client.n = 0;
	assert_int_equal(quota_wait_ms(api, &ann, &off), 0);
}

/* Another loop, or another process: the same store, a table of its own. */
static void loops_hear_of_each_other_each_second(void **state)
{
	struct front *front = *state;
	struct api other;
	struct quota_who ann = who_is(QUOTA_CLIENT_CALLS, "demo", "ann");
	const struct flow_ports ports = front->api.flow.ports;
	assert_int_equal(api_init(&other, &front->shared, &ports, front->api.executor), OK);
	spend(&front->api, ann, 1);
	spend(&other, ann, 1);
	assert_true(may(&front->api, ann));
	for (int i = 0; i < 2; i++) {
		quotas_tick(&front->api);
		quotas_tick(&other);
		front_settle(front);
	}
	/* Whoever told last has heard it; the first hears when it tells again. */
	assert_false(may(&other, ann));
	spend(&front->api, ann, 1);
	front->clock.now_ms += 1000;
	quotas_tick(&front->api);
	front_settle(front);
	assert_false(may(&front->api, ann));
	api_done(&other);
}

static void a_merge_that_fails_is_not_lost(void **state)
{
	struct front *front = *state;
	struct quota_who ann = who_is(QUOTA_CLIENT_CALLS, "demo", "ann");
	spend(&front->api, ann, 2);
	front->tally_err = ERR_STORE;
	quotas_tick(&front->api);
	front_settle(front);
	assert_false(may(&front->api, ann));
	front->tally_err = OK;
	front->clock.now_ms += 1000;
	quotas_tick(&front->api);
	front_settle(front);
	assert_false(may(&front->api, ann));
	assert_int_equal(front->tallies_n, 2);
	/* Nothing new, nothing to tell. */
	front->clock.now_ms += 1000;
	quotas_tick(&front->api);
	assert_int_equal(front->tallies_n, 2);
}

#define FRONT(test) cmocka_unit_test_setup_teardown(test, front_setup, front_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    FRONT(each_is_counted_by_himself),
	    FRONT(tenants_share_addresses_alone),
	    FRONT(names_do_not_run_into_each_other),
	    FRONT(limits_that_are_off_neither_hold_nor_count),
	    FRONT(loops_hear_of_each_other_each_second),
	    FRONT(a_merge_that_fails_is_not_lost),
	};
	return cmocka_run_group_tests_name("quota", tests, NULL, NULL);
}
