/* SPDX-License-Identifier: Apache-2.0 */
/* The contract: versions, guards, all or nothing. */
#include "store/contract_private.h"

#include "base/list.h"

#include <stdlib.h>

static void set_insert(struct desk *desk, struct record_set *set)
{
	struct change changes[SET_KINDS];
	for (int i = 0; i < SET_KINDS; i++)
		changes[i] = record_set_change(set, i);
	assert_int_equal(desk_commit(desk, changes, SET_KINDS), OK);
}

static enum err set_change(struct desk *desk, struct record_set *set, int i, uint64_t version)
{
	record_set_version(set, i, version);
	struct change change = record_set_change(set, i);
	return desk_commit(desk, &change, 1);
}

static void a_write_stores_the_version_after_the_one_it_found(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct record_set set;
	record_set_init(&set, 1);
	for (uint64_t version = 0; version < 5; version++)
		for (int i = 0; i < SET_KINDS; i++)
			assert_int_equal(set_change(desk, &set, i, version), OK);
	assert_int_equal(verification_get(desk, &set.verification)->version, 5);
	assert_int_equal(budget_get(desk, &set.budget.number)->version, 5);
	assert_int_equal(failures_get(desk, &set.failures)->version, 5);
	assert_int_equal(tenant_get(desk, set.tenant.id)->version, 5);
	assert_int_equal(client_get(desk, set.client.name)->version, 5);
	assert_int_equal(line_get(desk, &set.line)->version, 5);
	assert_int_equal(key_get(desk, &set.key)->version, 5);
	assert_int_equal(system_get(desk, &set.system)->version, 5);
	assert_int_equal(user_stored(desk, &set.user)->version, 5);
	assert_int_equal(session_get(desk, &set.session)->version, 5);
	/* The record in memory keeps what it had. */
	assert_int_equal(set.budget.version, 4);
}

static void another_version_than_the_stored_one_is_a_conflict(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct record_set set;
	record_set_init(&set, 1);
	static const uint64_t absent[] = {1, 2, UINT64_MAX - 1};
	for (int i = 0; i < SET_KINDS; i++)
		for (size_t j = 0; j < CASES_N(absent); j++)
			assert_int_equal(set_change(desk, &set, i, absent[j]), ERR_CONFLICT);
	for (int i = 0; i < SET_KINDS; i++)
		record_set_version(&set, i, 0);
	set_insert(desk, &set);
	for (int i = 0; i < SET_KINDS; i++)
		assert_int_equal(set_change(desk, &set, i, 1), OK);
	static const uint64_t others[] = {0, 1, 3, UINT64_MAX - 1};
	for (int i = 0; i < SET_KINDS; i++)
		for (size_t j = 0; j < CASES_N(others); j++)
			assert_int_equal(set_change(desk, &set, i, others[j]), ERR_CONFLICT);
	for (int i = 0; i < SET_KINDS; i++)
		assert_int_equal(set_change(desk, &set, i, 2), OK);
}

static void any_version_is_written_whatever_there_is(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct record_set set;
	record_set_init(&set, 1);
	for (int round = 0; round < 3; round++)
		for (int i = 0; i < SET_KINDS; i++)
			assert_int_equal(set_change(desk, &set, i, VERSION_ANY), OK);
	for (int i = 0; i < SET_KINDS; i++)
		assert_int_equal(set_change(desk, &set, i, 3), OK);
	set.tenant.name = BYTES("Other");
	assert_int_equal(set_change(desk, &set, 4, VERSION_ANY), OK);
	assert_true(bytes_equal(tenant_get(desk, set.tenant.id)->name, BYTES("Other")));
}

static void an_event_is_inserted_once(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct event event = sample_event(1);
	struct tenant tenant = sample_tenant();
	assert_int_equal(desk_change(desk, CHANGE_EVENT, &event), OK);
	assert_int_equal(desk_change(desk, CHANGE_EVENT, &event), ERR_CONFLICT);
	/* Also when it stands last, after something that could be written. */
	const struct change changes[] = {
	    {.kind = CHANGE_TENANT, .tenant = &tenant},
	    {.kind = CHANGE_EVENT, .event = &event},
	};
	assert_int_equal(desk_commit(desk, changes, 2), ERR_CONFLICT);
	assert_null(tenant_get(desk, tenant.id));
	assert_int_equal(desk_count(desk).events, 1);
}

/* Whichever of its changes conflicts, wherever it stands, nothing of the commit happens. */
static void a_commit_happens_whole_or_not_at_all(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct record_set stored, fresh;
	record_set_init(&stored, 1);
	record_set_init(&fresh, 2);
	fresh.tenant.id = BYTES("fresh");
	fresh.client.name = BYTES("fresh");
	fresh.system.id = BYTES("fresh");
	set_insert(desk, &stored);
	for (int stale = 0; stale < SET_KINDS; stale++)
		for (int place = 0; place <= SET_KINDS; place++) {
			struct change changes[SET_KINDS + 1];
			size_t n = 0;
			for (int i = 0; i <= SET_KINDS; i++) {
				if (i == place)
					changes[n++] = record_set_change(&stored, stale);
				if (i < SET_KINDS)
					changes[n++] = record_set_change(&fresh, i);
			}
			assert_int_equal(desk_commit(desk, changes, n), ERR_CONFLICT);
		}
	struct store_counts counts = desk_count(desk);
	assert_int_equal(counts.verifications, 1);
	assert_int_equal(counts.budgets, 1);
	assert_int_equal(counts.messages, 1);
	assert_int_equal(counts.tenants, 1);
	assert_int_equal(counts.clients, 1);
	assert_int_equal(counts.keys, 1);
	assert_int_equal(counts.systems, 1);
	assert_int_equal(counts.users, 1);
	assert_int_equal(counts.sessions, 1);
	assert_null(failures_get(desk, &fresh.failures));
	assert_null(line_get(desk, &fresh.line));
	set_insert(desk, &fresh);
}

static void a_commit_of_nothing_is_fine(void **state)
{
	assert_int_equal(desk_commit(&bench_of(state)->desk, NULL, 0), OK);
}

#define GUARDS 5

static struct change guard_of(const struct record_set *set, int i)
{
	const struct change guards[GUARDS] = {
	    {.kind = GUARD_VERIFICATION, .verification = &set->verification},
	    {.kind = GUARD_BUDGET, .budget = &set->budget},
	    {.kind = GUARD_FAILURES, .failures = &set->failures},
	    {.kind = GUARD_LINE, .line = &set->line},
	    {.kind = GUARD_USER, .user = &set->user},
	};
	return guards[i];
}

static void guards_version(struct record_set *set, uint64_t version)
{
	set->verification.version = set->budget.version = set->failures.version =
	    set->line.version = set->user.version = version;
}

/* Alone, before a change and after one. */
static void guards_answer(struct desk *desk, struct record_set *set, uint64_t version,
                          enum err expected)
{
	static unsigned n = 1000;
	guards_version(set, version);
	for (int i = 0; i < GUARDS; i++) {
		struct change guard = guard_of(set, i);
		assert_int_equal(desk_commit(desk, &guard, 1), expected);
		for (int before = 0; before < 2; before++) {
			struct event event = sample_event(n++);
			struct change changes[2];
			changes[!before] = guard;
			changes[before] = (struct change){.kind = CHANGE_EVENT, .event = &event};
			uint64_t events = desk_count(desk).events;
			assert_int_equal(desk_commit(desk, changes, 2), expected);
			assert_int_equal(desk_count(desk).events, events + (expected == OK));
		}
	}
}

static void a_guard_writes_nothing_and_its_version_must_hold(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct record_set set;
	record_set_init(&set, 1);
	guards_answer(desk, &set, 0, OK);
	guards_answer(desk, &set, 1, ERR_CONFLICT);
	guards_answer(desk, &set, VERSION_ANY, OK);
	assert_null(verification_get(desk, &set.verification));
	guards_version(&set, 0);
	set_insert(desk, &set);
	set.verification.state = VERIFICATION_LOCKED;
	set.line.state = LINE_LANDLINE;
	set.user.disabled = true;
	guards_answer(desk, &set, 0, ERR_CONFLICT);
	guards_answer(desk, &set, 1, OK);
	guards_answer(desk, &set, 2, ERR_CONFLICT);
	guards_answer(desk, &set, VERSION_ANY, OK);
	assert_int_equal(verification_get(desk, &set.verification)->state, VERIFICATION_LIVE);
	assert_int_equal(verification_get(desk, &set.verification)->version, 1);
	assert_int_equal(budget_get(desk, &set.budget.number)->version, 1);
	assert_int_equal(line_get(desk, &set.line)->state, LINE_DEAD);
}

static void failures_of_count_0_delete_the_row(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct failures failures = sample_failures(1), none = failures;
	none.count = 0;
	/* None before, none after. */
	assert_int_equal(desk_change(desk, CHANGE_FAILURES, &none), OK);
	assert_null(failures_get(desk, &failures));
	none.version = 1;
	assert_int_equal(desk_change(desk, CHANGE_FAILURES, &none), ERR_CONFLICT);
	assert_int_equal(desk_change(desk, CHANGE_FAILURES, &failures), OK);
	none.version = 0;
	assert_int_equal(desk_change(desk, CHANGE_FAILURES, &none), ERR_CONFLICT);
	none.version = 2;
	assert_int_equal(desk_change(desk, CHANGE_FAILURES, &none), ERR_CONFLICT);
	none.version = 1;
	assert_int_equal(desk_change(desk, CHANGE_FAILURES, &none), OK);
	assert_null(failures_get(desk, &failures));
	none.version = VERSION_ANY;
	assert_int_equal(desk_change(desk, CHANGE_FAILURES, &none), OK);
	assert_int_equal(desk_change(desk, CHANGE_FAILURES, &failures), OK);
	assert_int_equal(desk_change(desk, CHANGE_FAILURES, &none), OK);
	assert_null(failures_get(desk, &failures));
}

/* --- many at once ---------------------------------------------------------------------------- */

struct many {
	struct store_commit commit;
	struct change changes[2];
	struct budget budget;
	struct event event;
	size_t *answers, *successes;
	int times;
};

static void on_one_of_many(struct store_commit *commit)
{
	struct many *one = CONTAINER_OF(commit, struct many, commit);
	++*one->answers;
	one->times++;
	*one->successes += commit->err == OK;
	assert_true(commit->err == OK || commit->err == ERR_CONFLICT);
}

/* `n` commits in one round, each on one of `numbers` budgets that all of them think to be new. */
static size_t many_commit(struct desk *desk, unsigned n, unsigned numbers)
{
	struct many *all = calloc(n, sizeof(*all));
	size_t answers = 0, successes = 0;
	for (unsigned i = 0; i < n; i++) {
		struct many *one = &all[i];
		*one = (struct many){.budget = sample_budget(i % numbers),
		                     .event = sample_event(i),
		                     .answers = &answers,
		                     .successes = &successes};
		one->changes[0] = (struct change){.kind = CHANGE_BUDGET, .budget = &one->budget};
		one->changes[1] = (struct change){.kind = CHANGE_EVENT, .event = &one->event};
		one->commit = (struct store_commit){
		    .changes = one->changes, .changes_n = 2, .on_done = on_one_of_many};
		store_commit(desk->store, &one->commit);
	}
	assert_int_equal(answers, 0);
	test_executor_run_count(&desk->executor, &answers, n);
	test_executor_run_all(&desk->executor);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(all[i].times, 1);
	free(all);
	return successes;
}

static void every_call_of_a_round_is_answered_once(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	assert_int_equal(many_commit(desk, 3000, 3000), 3000);
	struct store_counts counts = desk_count(desk);
	assert_int_equal(counts.budgets, 3000);
	assert_int_equal(counts.events, 3000);
}

static void of_a_round_s_commits_on_one_record_one_wins(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	assert_int_equal(many_commit(desk, 700, 7), 7);
	struct store_counts counts = desk_count(desk);
	assert_int_equal(counts.budgets, 7);
	assert_int_equal(counts.events, 7);
	for (unsigned i = 0; i < 7; i++) {
		struct number number = sample_number(i);
		assert_int_equal(budget_get(desk, &number)->version, 1);
	}
}

/* The loser of a conflict loads again from within its answer, and must see the winner. */
struct rival {
	struct desk *desk;
	struct store_commit commit;
	struct store_load load;
	struct change change;
	struct budget budget;
	size_t *done;
	bool lost;
};

static void on_rival_load(struct store_load *load)
{
	struct rival *rival = CONTAINER_OF(load, struct rival, load);
	++*rival->done;
	assert_int_equal(load->err, OK);
	assert_non_null(load->budget);
	assert_int_equal(load->budget->version, 1);
}

static void on_rival_commit(struct store_commit *commit)
{
	struct rival *rival = CONTAINER_OF(commit, struct rival, commit);
	rival->lost = commit->err == ERR_CONFLICT;
	rival->load = (struct store_load){.want = WANT_NUMBER,
	                                  .tenant = BYTES("acme"),
	                                  .number = rival->budget.number,
	                                  .arena = &rival->desk->arena,
	                                  .on_done = on_rival_load};
	store_load(rival->desk->store, &rival->load);
}

static void who_lost_a_conflict_sees_the_winner(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	for (unsigned round = 0; round < 20; round++) {
		struct rival rivals[4];
		size_t done = 0, lost = 0;
		for (size_t i = 0; i < CASES_N(rivals); i++) {
			rivals[i] = (struct rival){
			    .desk = desk, .budget = sample_budget(round), .done = &done};
			rivals[i].change =
			    (struct change){.kind = CHANGE_BUDGET, .budget = &rivals[i].budget};
			rivals[i].commit = (struct store_commit){.changes = &rivals[i].change,
			                                         .changes_n = 1,
			                                         .on_done = on_rival_commit};
			store_commit(desk->store, &rivals[i].commit);
		}
		test_executor_run_count(&desk->executor, &done, CASES_N(rivals));
		for (size_t i = 0; i < CASES_N(rivals); i++)
			lost += rivals[i].lost;
		assert_int_equal(lost, CASES_N(rivals) - 1);
	}
}

/* --- generation ------------------------------------------------------------------------------ */

static uint64_t generation_of(struct desk *desk)
{
	uint64_t generation;
	assert_int_equal(desk->store->ops->generation(desk->store, &generation), OK);
	return generation;
}

static void the_generation_changes_with_what_operators_own(void **state)
{
	struct bench *bench = bench_of(state);
	struct desk other;
	desk_join(bench, &other);
	struct record_set set;
	record_set_init(&set, 1);
	assert_int_equal(generation_of(&bench->desk), STORE_GENERATION_NONE);
	for (int i = 0; i < SET_KINDS; i++) {
		uint64_t before = generation_of(&bench->desk);
		assert_int_equal(set_change(&bench->desk, &set, i, 0), OK);
		bool changes = i >= 4 && i < 9; /* tenant, client, line, key, system */
		assert_int_equal(generation_of(&bench->desk) != before, changes);
		assert_int_equal(generation_of(&other), generation_of(&bench->desk));
		before = generation_of(&bench->desk);
		assert_int_equal(set_change(&other, &set, i, 0), ERR_CONFLICT);
		assert_int_equal(generation_of(&bench->desk), before);
	}
	/* His keys go with a user. */
	uint64_t before = generation_of(&bench->desk);
	set.user.version = 1;
	assert_int_equal(desk_change(&bench->desk, GUARD_USER, &set.user), OK);
	assert_int_equal(generation_of(&other), before);
	assert_int_equal(desk_change(&bench->desk, DELETE_USER, &set.user), OK);
	assert_int_not_equal(generation_of(&other), before);
	desk_done(&other);
}

const struct CMUnitTest contract_commits[] = {
    CASE(a_write_stores_the_version_after_the_one_it_found),
    CASE(another_version_than_the_stored_one_is_a_conflict),
    CASE(any_version_is_written_whatever_there_is),
    CASE(an_event_is_inserted_once),
    CASE(a_commit_happens_whole_or_not_at_all),
    CASE(a_commit_of_nothing_is_fine),
    CASE(a_guard_writes_nothing_and_its_version_must_hold),
    CASE(failures_of_count_0_delete_the_row),
    CASE(every_call_of_a_round_is_answered_once),
    CASE(of_a_round_s_commits_on_one_record_one_wins),
    CASE(who_lost_a_conflict_sees_the_winner),
    CASE(the_generation_changes_with_what_operators_own),
};
const size_t contract_commits_n = CASES_N(contract_commits);
