/* SPDX-License-Identifier: Apache-2.0 */
/* Each limit at its edges, in virtual time, with the settings as shipped. */
#include "core/limits.h"

#include "support/engine.h"

#define T TEST_START_MS

/* ---- windows --------------------------------------------------------------------------------- */

static struct history history_of(size_t n, const int64_t *at_ms)
{
	struct history history = {.n = (uint8_t)n};
	memcpy(history.at_ms, at_ms, n * sizeof(*at_ms));
	return history;
}

static const struct window_row {
	const char *name;
	struct rates rates;
	size_t n;
	int64_t at_ms[4];
	int64_t now_ms;
	int64_t wait_ms;
} window_rows[] = {
    {"nothing yet", {1, {{1, 1000}}}, 0, {0}, T, 0},
    {"no rates", {0, {{0, 0}}}, 3, {T, T, T}, T, 0},
    {"at once", {1, {{1, 1000}}}, 1, {T}, T, 1000},
    {"1 ms before the edge", {1, {{1, 1000}}}, 1, {T}, T + 999, 1},
    {"at the edge", {1, {{1, 1000}}}, 1, {T}, T + 1000, 0},
    {"after it", {1, {{1, 1000}}}, 1, {T}, T + 1001, 0},
    {"long after", {1, {{1, 1000}}}, 1, {T}, T + DAYS_MS, 0},
    {"one below the count", {1, {{3, 1000}}}, 2, {T, T}, T, 0},
    {"at the count", {1, {{3, 1000}}}, 3, {T, T + 1, T + 2}, T + 2, 998},
    {"the oldest of the count decides", {1, {{2, 1000}}}, 3, {T, T + 1, T + 2}, T + 2, 999},
    {"older ones do not", {1, {{2, 1000}}}, 3, {T, T, T + 999}, T + 999, 1},
    {"the longer of two waits", {2, {{1, 10}, {2, 1000}}}, 2, {T, T + 5}, T + 5, 995},
    {"in either order", {2, {{2, 1000}, {1, 10}}}, 2, {T, T + 5}, T + 5, 995},
    {"the shorter window alone", {2, {{1, 10}, {4, 1000}}}, 2, {T, T + 5}, T + 5, 10},
    {"a moment ahead", {1, {{1, 1000}}}, 1, {T + 5}, T, 1005},
    {"the allowed skew ahead", {1, {{1, 1000}}}, 1, {T + CLOCK_SKEW_MS}, T, 6000},
    {"before the clock was set back", {1, {{1, 1000}}}, 1, {T + CLOCK_SKEW_MS + 1}, T, 0},
    {"years before it", {1, {{1, 1000}}}, 1, {T + 3650 * DAYS_MS}, T, 0},
    {"some of them only", {1, {{2, 1000}}}, 2, {T - 10, T + DAYS_MS}, T, 990},
};

static void a_window_opens_at_its_edge(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(window_rows); i++) {
		const struct window_row *row = &window_rows[i];
		struct history history = history_of(row->n, row->at_ms);
		int64_t wait_ms = history_wait_ms(&history, &row->rates, row->now_ms);
		if (wait_ms != row->wait_ms)
			fail_msg("%s: %lld ms", row->name, (long long)wait_ms);
	}
}

static void a_history_keeps_the_newest(void **state)
{
	(void)state;
	struct history history = {0};
	assert_int_equal(HISTORY_MAX, 64); /* stores keep as many */
	for (int i = 0; i < HISTORY_MAX; i++) {
		assert_int_equal(history.n, i);
		history_add(&history, T + i);
	}
	assert_int_equal(history.n, HISTORY_MAX);
	assert_int_equal(history.at_ms[0], T);
	for (int i = HISTORY_MAX; i < 3 * HISTORY_MAX; i++)
		history_add(&history, T + i);
	assert_int_equal(history.n, HISTORY_MAX);
	for (int i = 0; i < HISTORY_MAX; i++)
		assert_int_equal(history.at_ms[i], T + 2 * HISTORY_MAX + i);
}

static void a_rate_may_count_all_that_is_kept(void **state)
{
	(void)state;
	const struct rates rates = {1, {{HISTORY_MAX, HOURS_MS}}};
	struct history history = {0};
	for (int i = 0; i < HISTORY_MAX; i++) {
		assert_int_equal(history_wait_ms(&history, &rates, T + i), 0);
		history_add(&history, T + i);
	}
	int64_t now_ms = T + HISTORY_MAX;
	assert_int_equal(history_wait_ms(&history, &rates, now_ms), HOURS_MS - HISTORY_MAX);
	now_ms = T + HOURS_MS;
	assert_int_equal(history_wait_ms(&history, &rates, now_ms), 0);
	history_add(&history, now_ms);
	assert_int_equal(history_wait_ms(&history, &rates, now_ms), 1);
}

/* Two loops may read the clock a moment apart. */
static void a_history_stays_in_order(void **state)
{
	(void)state;
	struct history history = {0};
	history_add(&history, T + 5);
	history_add(&history, T);
	history_add(&history, T + 6);
	assert_int_equal(history.at_ms[0], T + 5);
	assert_int_equal(history.at_ms[1], T + 5);
	assert_int_equal(history.at_ms[2], T + 6);
	history_add(&history, T + 6 - CLOCK_SKEW_MS);
	assert_int_equal(history.at_ms[3], T + 6);
	assert_int_equal(history.at_ms[2], T + 6);
}

/* What was noted before the clock was set back holds nobody longer than a window: the next use
 * goes through, and from then on all of it counts as used at that moment. */
static void a_clock_set_back_closes_no_window_for_long(void **state)
{
	(void)state;
	const struct rates rates = {1, {{3, HOURS_MS}}};
	struct history history = {0};
	int64_t back_ms = T - 3650 * DAYS_MS;
	history_add(&history, back_ms - 1);
	history_add(&history, back_ms + 3);
	for (int i = 0; i < 3; i++)
		history_add(&history, T + i);
	assert_int_equal(history_wait_ms(&history, &rates, T + 2), HOURS_MS - 2);
	assert_int_equal(history_wait_ms(&history, &rates, back_ms), 0);
	history_add(&history, back_ms);
	assert_int_equal(history.n, 6);
	assert_int_equal(history.at_ms[0], back_ms - 1);
	for (int i = 1; i < 6; i++)
		assert_int_equal(history.at_ms[i], back_ms + 3);
	assert_int_equal(history_wait_ms(&history, &rates, back_ms + 3), HOURS_MS);
	assert_int_equal(history_wait_ms(&history, &rates, back_ms + 3 + HOURS_MS), 0);

	struct history whole = {0};
	for (int i = 0; i < HISTORY_MAX; i++)
		history_add(&whole, T + i);
	history_add(&whole, back_ms);
	assert_int_equal(whole.n, HISTORY_MAX);
	for (int i = 0; i < HISTORY_MAX; i++)
		assert_int_equal(whole.at_ms[i], back_ms);
}

/* ---- the resend delay ------------------------------------------------------------------------ */

/* The delays alone, without windows. */
static struct limits delays_only(void)
{
	struct limits limits = test_limits();
	limits.sends_per_number.n = 0;
	return limits;
}

/* Sends as early as it is allowed; checks that 1 ms earlier it is not. */
static void send_after(const struct limits *limits, struct budget *budget, int64_t *now_ms,
                       int64_t wanted_ms)
{
	int64_t wait_ms = limits_send_wait_ms(limits, budget, *now_ms);
	assert_int_equal(wait_ms, wanted_ms);
	*now_ms += wait_ms;
	if (wait_ms)
		assert_int_equal(limits_send_wait_ms(limits, budget, *now_ms - 1), 1);
	assert_int_equal(limits_send_wait_ms(limits, budget, *now_ms), 0);
	budget_charge_send(budget, limits, *now_ms);
}

static const struct delay_row {
	const char *name;
	struct resend_delay delay;
	int64_t waits_s[9];
} delay_rows[] = {
    {"as shipped",
     {30000, 3, {60000, 120000, 300000}, 1920000},
     {0, 30, 60, 120, 300, 600, 1200, 1920, 1920}},
    {"without growth", {30000, 0, {0}, 1920000}, {0, 30, 60, 120, 240, 480, 960, 1920, 1920}},
    {"one step", {60000, 1, {90000}, 1000000}, {0, 60, 90, 180, 360, 720, 1000, 1000, 1000}},
    {"max below a step", {30000, 2, {60000, 120000}, 90000}, {0, 30, 60, 90, 90, 90, 90, 90}},
    {"max below the first", {30000, 0, {0}, 20000}, {0, 20, 20, 20, 20, 20, 20, 20, 20}},
    {"all steps",
     {1000, 8, {2000, 3000, 5000, 7000, 11000, 13000, 17000, 19000}, 30000},
     {0, 1, 2, 3, 5, 7, 11, 13, 17}},
    {"steps end at max", {30000, 1, {60000}, 60000}, {0, 30, 60, 60, 60, 60, 60, 60, 60}},
};

static void resend_delays_grow(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(delay_rows); i++) {
		struct limits limits = delays_only();
		limits.resend_delay = delay_rows[i].delay;
		struct budget budget = {0};
		int64_t now_ms = T;
		for (size_t k = 0; k < 9 && (!k || delay_rows[i].waits_s[k]); k++) {
			int64_t wanted_ms = delay_rows[i].waits_s[k] * SECONDS_MS;
			send_after(&limits, &budget, &now_ms, wanted_ms);
			assert_int_equal(budget.send_streak, k + 1);
		}
	}
}

static void a_delay_stays_at_its_max_for_ever(void **state)
{
	(void)state;
	struct limits limits = delays_only();
	struct budget budget = {.send_streak = UINT32_MAX, .sends = {1, {T}}};
	assert_int_equal(limits_send_wait_ms(&limits, &budget, T), 32 * MINUTES_MS);
	limits.resend_delay.growth_n = 0;
	assert_int_equal(limits_send_wait_ms(&limits, &budget, T), 32 * MINUTES_MS);
}

static void a_delay_starts_anew_a_day_after_the_last_send(void **state)
{
	(void)state;
	struct limits limits = delays_only();
	limits.resend_delay.max_ms = 48 * HOURS_MS;
	struct budget budget = {0};
	for (int i = 0; i < 20; i++)
		budget_charge_send(&budget, &limits, T);
	assert_int_equal(limits_send_wait_ms(&limits, &budget, T), 48 * HOURS_MS);
	assert_int_equal(limits_send_wait_ms(&limits, &budget, T + DAYS_MS - 1), DAYS_MS + 1);
	assert_int_equal(limits_send_wait_ms(&limits, &budget, T + DAYS_MS), 0);

	struct budget goes_on = budget;
	budget_charge_send(&goes_on, &limits, T + DAYS_MS - 1);
	assert_int_equal(goes_on.send_streak, 21);
	budget_charge_send(&budget, &limits, T + DAYS_MS);
	assert_int_equal(budget.send_streak, 1);
	assert_int_equal(limits_send_wait_ms(&limits, &budget, T + DAYS_MS), 30 * SECONDS_MS);
}

static void a_delay_starts_anew_on_success(void **state)
{
	(void)state;
	struct limits limits = delays_only();
	struct budget budget = {0};
	for (int i = 0; i < 5; i++)
		budget_charge_send(&budget, &limits, T);
	budget.send_streak = 0; /* what a success does */
	assert_int_equal(limits_send_wait_ms(&limits, &budget, T), 0);
	budget_charge_send(&budget, &limits, T);
	assert_int_equal(budget.send_streak, 1);
	assert_int_equal(limits_send_wait_ms(&limits, &budget, T), 30 * SECONDS_MS);
}

static void a_delay_from_before_the_clock_was_set_back_is_none(void **state)
{
	(void)state;
	struct limits limits = delays_only();
	struct budget budget = {.send_streak = 3, .sends = {1, {T + CLOCK_SKEW_MS}}};
	assert_int_equal(limits_send_wait_ms(&limits, &budget, T), CLOCK_SKEW_MS + 120000);
	budget.sends.at_ms[0]++;
	assert_int_equal(limits_send_wait_ms(&limits, &budget, T), 0);
	budget_charge_send(&budget, &limits, T);
	assert_int_equal(budget.send_streak, 1);
	assert_int_equal(limits_send_wait_ms(&limits, &budget, T), 30 * SECONDS_MS);
}

static void a_streak_without_a_send_waits_for_nothing(void **state)
{
	(void)state;
	struct limits limits = delays_only();
	struct budget budget = {.send_streak = 7};
	assert_int_equal(limits_send_wait_ms(&limits, &budget, T), 0);
	budget_charge_send(&budget, &limits, T);
	assert_int_equal(budget.send_streak, 1);
}

/* ---- sends as shipped ------------------------------------------------------------------------ */

/* Somebody who sends as early as he may: 3 in ten minutes, 5 an hour, 10 a day. */
static void sends_as_early_as_allowed(void **state)
{
	(void)state;
	static const int64_t at_ms[] = {
	    0,
	    30 * SECONDS_MS,
	    90 * SECONDS_MS,
	    10 * MINUTES_MS,  /* the first leaves 10 minutes */
	    15 * MINUTES_MS,  /* delay of 5 minutes */
	    HOURS_MS,         /* the first leaves the hour */
	    80 * MINUTES_MS,  /* delay of 20 minutes */
	    112 * MINUTES_MS, /* of 32 */
	    144 * MINUTES_MS,
	    176 * MINUTES_MS,
	    DAYS_MS, /* the first leaves the day */
	    DAYS_MS + 32 * MINUTES_MS,
	};
	struct limits limits = test_limits();
	struct budget budget = {0};
	int64_t now_ms = T;
	for (size_t i = 0; i < COUNT(at_ms); i++) {
		now_ms += limits_send_wait_ms(&limits, &budget, now_ms);
		if (now_ms - T != at_ms[i])
			fail_msg("send %zu after %lld ms", i, (long long)(now_ms - T));
		budget_charge_send(&budget, &limits, now_ms);
	}
}

/* Over ten virtual days, whatever is tried: no window ever holds more than it may. */
static void no_window_is_ever_overfull(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct test_rng rng;
		test_rng_init(&rng, seed);
		struct limits limits = test_limits();
		struct budget budget = {0};
		static int64_t sent_ms[4096];
		size_t sent_n = 0;
		for (int64_t now_ms = T; now_ms < T + 10 * DAYS_MS;
		     now_ms += (int64_t)test_rng_below(&rng, 20 * MINUTES_MS)) {
			if (test_rng_below(&rng, 10) == 0)
				budget.send_streak = 0;
			if (limits_send_wait_ms(&limits, &budget, now_ms))
				continue;
			budget_charge_send(&budget, &limits, now_ms);
			sent_ms[sent_n++] = now_ms;
		}
		assert_in_range(sent_n, 50, 100);
		for (int r = 0; r < limits.sends_per_number.n; r++) {
			const struct rate *rate = &limits.sends_per_number.at[r];
			for (size_t i = rate->count; i < sent_n; i++)
				if (sent_ms[i] - sent_ms[i - rate->count] < rate->window_ms)
					fail_msg("seed %llu", (unsigned long long)seed);
		}
	}
}

/* ---- waits after failures -------------------------------------------------------------------- */

static const struct failure_row {
	uint32_t count;
	int64_t wait_s;
} failure_rows[] = {
    {0, 0},    {1, 0},    {9, 0},     {10, 30},   {11, 60},   {12, 120},  {13, 240},
    {14, 480}, {15, 960}, {16, 1920}, {17, 3600}, {18, 3600}, {50, 3600}, {99, 3600},
};

static void waits_double_from_the_tenth_failure(void **state)
{
	(void)state;
	struct limits limits = test_limits();
	for (size_t i = 0; i < COUNT(failure_rows); i++) {
		struct failures failures = {.count = failure_rows[i].count, .last_ms = T};
		int64_t wait_ms = failure_rows[i].wait_s * SECONDS_MS;
		assert_int_equal(limits_guess_wait_ms(&limits, NULL, &failures, T), wait_ms);
		if (!wait_ms)
			continue;
		assert_int_equal(limits_guess_wait_ms(&limits, NULL, &failures, T + wait_ms - 1),
		                 1);
		assert_int_equal(limits_guess_wait_ms(&limits, NULL, &failures, T + wait_ms), 0);
		assert_int_equal(limits_guess_wait_ms(&limits, NULL, &failures, T + DAYS_MS), 0);
	}
}

static void the_hundredth_failure_stops_everything(void **state)
{
	(void)state;
	struct limits limits = test_limits();
	static const int64_t later_ms[] = {0, HOURS_MS - 1, HOURS_MS, DAYS_MS, 3650 * DAYS_MS};
	static const uint32_t counts[] = {100, 101, UINT32_MAX};
	for (size_t c = 0; c < COUNT(counts); c++)
		for (size_t i = 0; i < COUNT(later_ms); i++) {
			struct failures failures = {.count = counts[c], .last_ms = T};
			assert_int_equal(
			    limits_guess_wait_ms(&limits, NULL, &failures, T + later_ms[i]),
			    HOURS_MS);
		}
	/* Stricter ones stop earlier, before any wait would begin. */
	limits.consecutive_failures = 5;
	struct failures failures = {.count = 4, .last_ms = T};
	assert_int_equal(limits_guess_wait_ms(&limits, NULL, &failures, T), 0);
	failures.count = 5;
	assert_int_equal(limits_guess_wait_ms(&limits, NULL, &failures, T + DAYS_MS), HOURS_MS);
}

static void a_wait_from_before_the_clock_was_set_back_is_none(void **state)
{
	(void)state;
	struct limits limits = test_limits();
	struct failures failures = {.count = 10, .last_ms = T + CLOCK_SKEW_MS};
	assert_int_equal(limits_guess_wait_ms(&limits, NULL, &failures, T), 35 * SECONDS_MS);
	failures.last_ms++;
	assert_int_equal(limits_guess_wait_ms(&limits, NULL, &failures, T), 0);
	failures.count = 100;
	assert_int_equal(limits_guess_wait_ms(&limits, NULL, &failures, T), HOURS_MS);
}

/* ---- guesses --------------------------------------------------------------------------------- */

static void guesses_have_windows_of_their_own(void **state)
{
	(void)state;
	struct limits limits = test_limits();
	struct budget budget = {0};
	for (int i = 0; i < 10; i++) {
		assert_int_equal(limits_guess_wait_ms(&limits, &budget, NULL, T + i), 0);
		budget_charge_guess(&budget, &limits, T + i);
	}
	assert_int_equal(limits_guess_wait_ms(&limits, &budget, NULL, T + 10),
	                 15 * MINUTES_MS - 10);
	assert_int_equal(limits_guess_wait_ms(&limits, &budget, NULL, T + 15 * MINUTES_MS - 1), 1);
	assert_int_equal(limits_guess_wait_ms(&limits, &budget, NULL, T + 15 * MINUTES_MS), 0);
	assert_int_equal(limits_send_wait_ms(&limits, &budget, T + 10), 0);
	budget_charge_send(&budget, &limits, T + 10);
	assert_int_equal(budget.guesses.n, 10);
	assert_int_equal(budget.sends.n, 1);
}

static void the_longer_of_window_and_wait_holds(void **state)
{
	(void)state;
	struct limits limits = test_limits();
	struct budget budget = {0};
	for (int i = 0; i < 10; i++)
		budget_charge_guess(&budget, &limits, T);
	struct failures failures = {.count = 10, .last_ms = T};
	assert_int_equal(limits_guess_wait_ms(&limits, &budget, &failures, T), 15 * MINUTES_MS);
	failures.count = 16;
	assert_int_equal(limits_guess_wait_ms(&limits, &budget, &failures, T), 32 * MINUTES_MS);
}

/* ---- off, and how long a row is kept --------------------------------------------------------- */

static void disabled_limits_hold_nobody(void **state)
{
	(void)state;
	struct limits limits = test_limits();
	struct budget budget = {0};
	struct failures failures = {.count = 1000, .last_ms = T};
	limits.enabled = false;
	for (int i = 0; i < 100; i++) {
		assert_int_equal(limits_send_wait_ms(&limits, &budget, T), 0);
		assert_int_equal(limits_guess_wait_ms(&limits, &budget, &failures, T), 0);
		budget_charge_send(&budget, &limits, T);
		budget_charge_guess(&budget, &limits, T);
	}
	/* What was spent meanwhile counts when they are on again. */
	limits.enabled = true;
	assert_int_equal(limits_send_wait_ms(&limits, &budget, T), DAYS_MS);
	assert_int_equal(limits_guess_wait_ms(&limits, &budget, NULL, T), DAYS_MS);
}

static void nothing_spent_waits_for_nothing(void **state)
{
	(void)state;
	struct limits limits = test_limits();
	assert_int_equal(limits_send_wait_ms(&limits, NULL, T), 0);
	assert_int_equal(limits_guess_wait_ms(&limits, NULL, NULL, T), 0);
	limits.enabled = false;
	assert_int_equal(limits_send_wait_ms(&limits, NULL, T), 0);
}

static void a_row_is_kept_while_it_counts(void **state)
{
	(void)state;
	struct limits limits = test_limits();
	struct budget budget = {0};
	budget_charge_guess(&budget, &limits, T);
	assert_int_equal(budget.keep_until_ms, T + DAYS_MS);
	limits.guesses_per_number = (struct rates){2, {{10, 7 * DAYS_MS}, {5, HOURS_MS}}};
	budget_charge_guess(&budget, &limits, T + 1);
	assert_int_equal(budget.keep_until_ms, T + 1 + 7 * DAYS_MS);
	/* A shorter end never takes back a longer one. */
	budget_charge_send(&budget, &limits, T + 2);
	assert_int_equal(budget.keep_until_ms, T + 1 + 7 * DAYS_MS);
	budget = (struct budget){0};
	limits.sends_per_number = (struct rates){1, {{5, HOURS_MS}}};
	budget_charge_send(&budget, &limits, T);
	assert_int_equal(budget.keep_until_ms, T + SEND_STREAK_MS);
	limits.sends_per_number = (struct rates){2, {{5, HOURS_MS}, {9, 30 * DAYS_MS}}};
	budget_charge_send(&budget, &limits, T);
	assert_int_equal(budget.keep_until_ms, T + 30 * DAYS_MS);
	budget = (struct budget){0};
	limits.guesses_per_number.n = 0;
	budget_charge_guess(&budget, &limits, T);
	assert_int_equal(budget.keep_until_ms, T);
}

/* As many as could be evaluated one after another in one moment, no more and no fewer. */
static void as_many_at_once_as_one_after_another(void **state)
{
	(void)state;
	struct test_rng rng;
	test_rng_init(&rng, 7);
	size_t seen[6] = {0};
	for (int round = 0; round < 3000; round++) {
		struct limits limits = test_limits();
		limits.guesses_per_number.n = (uint8_t)(1 + test_rng_below(&rng, 2));
		for (int i = 0; i < limits.guesses_per_number.n; i++)
			limits.guesses_per_number.at[i] =
			    (struct rate){(uint16_t)(1 + test_rng_below(&rng, 12)),
			                  (int64_t)(1 + test_rng_below(&rng, 100))};
		struct budget budget = {0};
		int64_t now_ms = T;
		for (uint64_t n = test_rng_below(&rng, 20); n > 0; n--) {
			now_ms += (int64_t)test_rng_below(&rng, 12);
			budget_charge_guess(&budget, &limits, now_ms);
		}
		now_ms += (int64_t)test_rng_below(&rng, 100);
		unsigned room = limits_guess_room(&limits, &budget, NULL, 5, now_ms), one = 0;
		while (one < 5 && limits_guess_wait_ms(&limits, &budget, NULL, now_ms) == 0) {
			budget_charge_guess(&budget, &limits, now_ms);
			one++;
		}
		assert_int_equal(room, one);
		seen[room]++;
	}
	for (size_t i = 0; i < COUNT(seen); i++)
		assert_true(seen[i] > 20);
}

static void the_room_follows_the_rest_of_the_limits(void **state)
{
	(void)state;
	struct limits limits = test_limits();
	struct failures failures = {.count = 10, .last_ms = T};
	assert_int_equal(limits_guess_room(&limits, NULL, NULL, 5, T), 5);
	assert_int_equal(limits_guess_room(&limits, NULL, NULL, 0, T), 0);
	assert_int_equal(limits_guess_room(&limits, NULL, &failures, 5, T), 0);
	assert_int_equal(limits_guess_room(&limits, NULL, &failures, 5, T + 30 * SECONDS_MS), 5);
	limits.guesses_per_number.at[1].count = 3;
	assert_int_equal(limits_guess_room(&limits, NULL, NULL, 5, T), 3);
	/* What was noted before the clock was set back holds nobody. */
	struct budget budget = {.guesses = {.n = 3, .at_ms = {T, T, T}}};
	assert_int_equal(limits_guess_room(&limits, &budget, NULL, 5, T), 0);
	assert_int_equal(limits_guess_room(&limits, &budget, NULL, 5, T - HOURS_MS), 3);
	limits.enabled = false;
	assert_int_equal(limits_guess_room(&limits, &budget, &failures, 5, T), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_window_opens_at_its_edge),
	    cmocka_unit_test(a_history_keeps_the_newest),
	    cmocka_unit_test(a_rate_may_count_all_that_is_kept),
	    cmocka_unit_test(a_history_stays_in_order),
	    cmocka_unit_test(a_clock_set_back_closes_no_window_for_long),
	    cmocka_unit_test(resend_delays_grow),
	    cmocka_unit_test(a_delay_stays_at_its_max_for_ever),
	    cmocka_unit_test(a_delay_starts_anew_a_day_after_the_last_send),
	    cmocka_unit_test(a_delay_starts_anew_on_success),
	    cmocka_unit_test(a_delay_from_before_the_clock_was_set_back_is_none),
	    cmocka_unit_test(a_streak_without_a_send_waits_for_nothing),
	    cmocka_unit_test(sends_as_early_as_allowed),
	    cmocka_unit_test(no_window_is_ever_overfull),
	    cmocka_unit_test(as_many_at_once_as_one_after_another),
	    cmocka_unit_test(the_room_follows_the_rest_of_the_limits),
	    cmocka_unit_test(waits_double_from_the_tenth_failure),
	    cmocka_unit_test(the_hundredth_failure_stops_everything),
	    cmocka_unit_test(a_wait_from_before_the_clock_was_set_back_is_none),
	    cmocka_unit_test(guesses_have_windows_of_their_own),
	    cmocka_unit_test(the_longer_of_window_and_wait_holds),
	    cmocka_unit_test(disabled_limits_hold_nobody),
	    cmocka_unit_test(nothing_spent_waits_for_nothing),
	    cmocka_unit_test(a_row_is_kept_while_it_counts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
