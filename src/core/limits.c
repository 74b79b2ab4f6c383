/* SPDX-License-Identifier: Apache-2.0 */
#include "core/limits.h"

#include <assert.h>

static int64_t max64(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static bool is_from_the_future(int64_t at_ms, int64_t now_ms)
{
	return at_ms > now_ms + CLOCK_SKEW_MS;
}

int64_t history_wait_ms(const struct history *history, const struct rates *rates, int64_t now_ms)
{
	int64_t wait_ms = 0;
	for (int i = 0; i < rates->n; i++) {
		const struct rate *rate = &rates->at[i];
		if (history->n < rate->count)
			continue;
		/* The one that must leave the window before another may enter. */
		int64_t oldest_ms = history->at_ms[history->n - rate->count];
		if (!is_from_the_future(oldest_ms, now_ms))
			wait_ms = max64(wait_ms, oldest_ms + rate->window_ms - now_ms);
	}
	return wait_ms;
}

void history_add(struct history *history, int64_t now_ms)
{
	if (history->n == HISTORY_MAX) {
		memmove(history->at_ms, history->at_ms + 1,
		        (HISTORY_MAX - 1) * sizeof(history->at_ms[0]));
		history->n--;
	}
	history->at_ms[history->n++] = now_ms;
	/* Two loops may see the clock a moment apart; the list stays in order. */
	for (int i = 0; i < history->n; i++) {
		if (is_from_the_future(history->at_ms[i], now_ms))
			history->at_ms[i] = now_ms;
		if (i)
			history->at_ms[i] = max64(history->at_ms[i], history->at_ms[i - 1]);
	}
}

/* `value` doubled `times`, at most `max`. */
static int64_t doubled(int64_t value, uint32_t times, int64_t max)
{
	while (times-- && value < max)
		value *= 2;
	return value < max ? value : max;
}

/* The delay that follows the `streak`th send. */
static int64_t resend_delay_ms(const struct resend_delay *delay, uint32_t streak)
{
	if (streak <= 1)
		return doubled(delay->first_ms, 0, delay->max_ms);
	if (streak - 2 < delay->growth_n)
		return doubled(delay->growth_ms[streak - 2], 0, delay->max_ms);
	int64_t last_ms = delay->growth_n ? delay->growth_ms[delay->growth_n - 1] : delay->first_ms;
	return doubled(last_ms, streak - 1 - delay->growth_n, delay->max_ms);
}

static int64_t last_send_ms(const struct budget *budget)
{
	return budget->sends.at_ms[budget->sends.n - 1];
}

static bool streak_goes_on(const struct budget *budget, int64_t now_ms)
{
	return budget->send_streak && budget->sends.n &&
	       !is_from_the_future(last_send_ms(budget), now_ms) &&
	       now_ms < last_send_ms(budget) + SEND_STREAK_MS;
}

int64_t limits_send_wait_ms(const struct limits *limits, const struct budget *budget,
                            int64_t now_ms)
{
	if (!limits->enabled || !budget)
		return 0;
	int64_t wait_ms = history_wait_ms(&budget->sends, &limits->sends_per_number, now_ms);
	if (streak_goes_on(budget, now_ms))
		wait_ms =
		    max64(wait_ms, last_send_ms(budget) +
		                       resend_delay_ms(&limits->resend_delay, budget->send_streak) -
		                       now_ms);
	return wait_ms;
}

int64_t limits_resend_delay_ms(const struct limits *limits, const struct budget *budget)
{
	return resend_delay_ms(&limits->resend_delay, budget->send_streak);
}

static int64_t failure_wait_ms(const struct limits *limits, const struct failures *failures,
                               int64_t now_ms)
{
	const struct failure_waits *waits = &limits->failure_waits;
	if (failures->count >= limits->consecutive_failures)
		return waits->max_ms;
	if (failures->count < waits->after || is_from_the_future(failures->last_ms, now_ms))
		return 0;
	return max64(0,
	             failures->last_ms +
	                 doubled(waits->first_ms, failures->count - waits->after, waits->max_ms) -
	                 now_ms);
}

int64_t limits_guess_wait_ms(const struct limits *limits, const struct budget *budget,
                             const struct failures *failures, int64_t now_ms)
{
	if (!limits->enabled)
		return 0;
	int64_t wait_ms = 0;
	if (budget)
		wait_ms = history_wait_ms(&budget->guesses, &limits->guesses_per_number, now_ms);
	if (failures)
		wait_ms = max64(wait_ms, failure_wait_ms(limits, failures, now_ms));
	return wait_ms;
}

/* Whether `more` at once are within the rate. */
static bool history_has_room(const struct history *history, const struct rate *rate, unsigned more,
                             int64_t now_ms)
{
	if (more > rate->count)
		return false;
	if (history->n + more <= rate->count)
		return true;
	int64_t oldest_ms = history->at_ms[history->n + more - 1 - rate->count];
	return is_from_the_future(oldest_ms, now_ms) || oldest_ms + rate->window_ms <= now_ms;
}

unsigned limits_guess_room(const struct limits *limits, const struct budget *budget,
                           const struct failures *failures, unsigned want, int64_t now_ms)
{
	static const struct history nothing;
	if (!limits->enabled)
		return want;
	if (limits_guess_wait_ms(limits, budget, failures, now_ms) > 0)
		return 0;
	const struct history *history = budget ? &budget->guesses : &nothing;
	for (int i = 0; i < limits->guesses_per_number.n; i++)
		while (want &&
		       !history_has_room(history, &limits->guesses_per_number.at[i], want, now_ms))
			want--;
	return want;
}

static int64_t longest_window_ms(const struct rates *rates)
{
	int64_t longest_ms = 0;
	for (int i = 0; i < rates->n; i++)
		longest_ms = max64(longest_ms, rates->at[i].window_ms);
	return longest_ms;
}

static void keep(struct budget *budget, int64_t until_ms)
{
	budget->keep_until_ms = max64(budget->keep_until_ms, until_ms);
}

void budget_charge_send(struct budget *budget, const struct limits *limits, int64_t now_ms)
{
	budget->send_streak = streak_goes_on(budget, now_ms) ? budget->send_streak + 1 : 1;
	history_add(&budget->sends, now_ms);
	keep(budget, now_ms + max64(SEND_STREAK_MS, longest_window_ms(&limits->sends_per_number)));
}

void budget_charge_guess(struct budget *budget, const struct limits *limits, int64_t now_ms)
{
	history_add(&budget->guesses, now_ms);
	keep(budget, now_ms + longest_window_ms(&limits->guesses_per_number));
}
