/* SPDX-License-Identifier: Apache-2.0 */
/* Flows that race for one number on one store, which answers late and out of order: what was
 * evaluated is what is stored, no code is guessed more often than its policy allows, none is
 * approved twice, and each committed message is told once. */
#include "support/race.h"

static size_t faults(const struct race *race)
{
	/* Who lost nine times gives up; nothing else may go wrong. */
	size_t gave_up = race_faults(race, ERR_CONFLICT);
	assert_race(race, race_faults(race, OK) + gave_up == race->calls_n);
	return gave_up;
}

/* Every message that a send answered for is told once, by the loop that committed it; no other. */
static void assert_delivered_once(const struct race *race, size_t before)
{
	size_t sent = before, told = 0;
	for (size_t i = 0; i < race->loops_n; i++)
		told += race->loops[i].deliver.delivered_n;
	for (size_t i = 0; i < race->calls_n; i++) {
		const struct flow_call *call = &race->calls[i].flow;
		if (call->kind != FLOW_SEND || call->err || !call->result.changes_n)
			continue;
		sent++;
		assert_race(race, test_deliver_count(&race->calls[i].loop->deliver,
		                                     &call->result.message.id) == 1);
	}
	assert_race(race, told == sent);
	assert_race(race, race->counts.messages == sent);
}

/* ---- guesses --------------------------------------------------------------------------------- */

/* 200 guesses with one right among them. */
static void guesses_prepare(struct race *race)
{
	race_send_first(race, REPEAT_PARALLEL);
	/* Often among the first, where it decides something. */
	size_t right =
	    test_rng_below(&race->rng, test_rng_below(&race->rng, 2) ? 8 : RACE_CALLS_MAX);
	for (size_t i = 0; i < RACE_CALLS_MAX; i++)
		race_guess_new(race, race_any_loop(race), i == right);
}

static void assert_guesses(struct race *race)
{
	race_read_stored(race);
	size_t approved = race_outcomes(race, OUTCOME_APPROVED);
	size_t locked = race_outcomes(race, OUTCOME_LOCKED);
	size_t wrong = race_outcomes(race, OUTCOME_WRONG) + locked;
	size_t gave_up = faults(race);
	size_t refused = race_outcomes(race, OUTCOME_SPENT) + race_outcomes(race, OUTCOME_USED) +
	                 race_outcomes(race, OUTCOME_REPEATED);
	assert_race(race, approved + wrong <= 5);
	assert_race(race, approved <= 1);
	assert_race(race, approved + locked == 1);
	assert_race(race, approved + wrong + refused + gave_up == RACE_CALLS_MAX);
	for (size_t i = 0; i < RACE_CALLS_MAX; i++)
		if (race->calls[i].flow.err == OK &&
		    race->calls[i].flow.result.outcome == OUTCOME_APPROVED)
			assert_race(race, race->calls[i].right);
	const struct store_load *stored = &race->stored;
	assert_race(race, stored->verification->tries == approved + wrong);
	assert_race(race, stored->budget->guesses.n == approved + wrong);
	assert_race(race, stored->verification->state ==
	                      (approved ? VERIFICATION_APPROVED : VERIFICATION_LOCKED));
	if (approved)
		assert_race(race, !stored->failures);
	else
		assert_race(race, stored->failures->count == wrong && wrong == 5);
	assert_delivered_once(race, 1);
}

static void one_flow_evaluates_no_more_than_the_tries(void **state)
{
	(void)state;
	size_t approved = 0;
	for (uint64_t seed = 1; seed <= 100; seed++) {
		struct race *race = race_new(seed, 1, false);
		guesses_prepare(race);
		race_run_on_one_thread(race);
		assert_guesses(race);
		/* Its gate keeps it from ever losing a commit to itself. */
		assert_race(race, race_conflicts(race) == 0);
		approved += race_outcomes(race, OUTCOME_APPROVED);
		race_free(race);
	}
	assert_in_range(approved, 10, 90);
}

static void two_flows_evaluate_no_more_than_the_tries(void **state)
{
	(void)state;
	size_t approved = 0, lost = 0;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct race *race = race_new(seed, 2, false);
		guesses_prepare(race);
		race_run_on_one_thread(race);
		assert_guesses(race);
		lost += race_conflicts(race);
		approved += race_outcomes(race, OUTCOME_APPROVED);
		race_free(race);
	}
	assert_in_range(approved, 20, 180);
	assert_in_range(lost, 100, SIZE_MAX);
}

static void two_threads_evaluate_no_more_than_the_tries(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 40; seed++) {
		struct race *race = race_new(seed, 2, true);
		guesses_prepare(race);
		race_run_on_threads(race);
		assert_guesses(race);
		race_free(race);
	}
}

/* ---- guesses and resends --------------------------------------------------------------------- */

/* A new code in the middle: each generation has tries of its own, and no more than those. */
static void resends_give_each_generation_its_own_tries(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 100; seed++) {
		struct race *race = race_new(seed, 2, false);
		race->limits.enabled = false;
		race_send_first(race, REPEAT_NEW);
		size_t sends = 0;
		for (size_t i = 0; i < RACE_CALLS_MAX; i++) {
			bool is_send = test_rng_below(&race->rng, 20) == 0;
			sends += is_send;
			if (is_send)
				race_send_new(race, race_any_loop(race), REPEAT_NEW);
			else
				race_guess_new(race, race_any_loop(race), false);
		}
		race_run_on_one_thread(race);
		race_read_stored(race);
		static uint8_t seen[RACE_CALLS_MAX + 2][6];
		memset(seen, 0, sizeof(seen));
		size_t evaluated = 0;
		for (size_t i = 0; i < RACE_CALLS_MAX; i++) {
			const struct flow_call *call = &race->calls[i].flow;
			if (call->err || call->kind == FLOW_SEND || !call->result.changes_n)
				continue;
			const struct verification *v = &call->result.verification;
			if (!id_equal(&v->id, &race->verification.id))
				continue;
			evaluated++;
			assert_race(race, v->tries <= 5 && v->generation <= sends + 1);
			assert_race(race, !seen[v->generation][v->tries]++);
		}
		faults(race);
		assert_race(race, race->stored.budget->guesses.n ==
		                      (evaluated < HISTORY_MAX ? evaluated : HISTORY_MAX));
		assert_race(race, race->stored.failures->count == evaluated);
		assert_race(race, race->counts.live <= 1);
		assert_delivered_once(race, 1);
		race_free(race);
	}
}

/* ---- sends ----------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	enum repeat repeat;
	bool one_live;
} send_rows[] = {
    {"parallel", REPEAT_PARALLEL, false},
    {"replace", REPEAT_REPLACE, true},
    {"new", REPEAT_NEW, true},
    {"same", REPEAT_SAME, true},
};

static void racing_sends_leave_one_live_record_of_a_slot(void **state)
{
	(void)state;
	for (size_t row = 0; row < COUNT(send_rows); row++)
		for (uint64_t seed = 1; seed <= 30; seed++) {
			struct race *race = race_new(seed, 2, false);
			race->limits.enabled = false;
			race_send_first(race, send_rows[row].repeat);
			for (size_t i = 0; i < 60; i++)
				race_send_new(race, race_any_loop(race), send_rows[row].repeat);
			race_run_on_one_thread(race);
			race_read_stored(race);
			size_t sent = 1 + race_outcomes(race, OUTCOME_SENT) +
			              race_outcomes(race, OUTCOME_SENT_AGAIN);
			assert_race(race, sent + faults(race) == 61);
			assert_race(race,
			            race->counts.live == (send_rows[row].one_live ? 1 : sent));
			assert_race(race, race->stored.budget->send_streak == sent);
			if (send_rows[row].repeat == REPEAT_NEW)
				assert_race(race, race->stored.verification->generation == sent);
			if (send_rows[row].repeat == REPEAT_SAME)
				assert_race(race, race_outcomes(race, OUTCOME_SENT) == 0);
			assert_delivered_once(race, 1);
			race_free(race);
		}
}

/* All at one moment: the first send goes out, the delay holds the others. */
static void racing_sends_spend_the_budget_once(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 50; seed++) {
		struct race *race = race_new(seed, 2, seed % 2);
		for (size_t i = 0; i < 100; i++)
			race_send_new(race, race_any_loop(race), REPEAT_PARALLEL);
		if (seed % 2)
			race_run_on_threads(race);
		else
			race_run_on_one_thread(race);
		race_read_stored(race);
		assert_race(race, race_outcomes(race, OUTCOME_SENT) == 1);
		assert_race(race, race_outcomes(race, OUTCOME_SEND_LIMITED) + faults(race) == 99);
		assert_race(race, race->counts.verifications == 1);
		assert_delivered_once(race, 0);
		race_free(race);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_flow_evaluates_no_more_than_the_tries),
	    cmocka_unit_test(two_flows_evaluate_no_more_than_the_tries),
	    cmocka_unit_test(two_threads_evaluate_no_more_than_the_tries),
	    cmocka_unit_test(resends_give_each_generation_its_own_tries),
	    cmocka_unit_test(racing_sends_leave_one_live_record_of_a_slot),
	    cmocka_unit_test(racing_sends_spend_the_budget_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
