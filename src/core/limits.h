/* SPDX-License-Identifier: Apache-2.0 */
/* What may be spent on a number: windows of sends and guesses, the growing delay between sends,
 * the waits after consecutive failures. Pure arithmetic over what the records say. */
#ifndef CORE_LIMITS_H
#define CORE_LIMITS_H

#include "core/record.h"

/* "5/1h": at most `count` in any window of that length. */
struct rate {
	uint16_t count; /* 1 to HISTORY_MAX, or RATE_COUNT_MAX where a tally counts */
	int64_t window_ms;
};

#define RATE_COUNT_MAX 60000
#define RATES_MAX 4

struct rates {
	uint8_t n;
	struct rate at[RATES_MAX];
};

#define DELAY_STEPS_MAX 8

/* The delay after the first send, after the next ones, then doubling up to `max_ms`. */
struct resend_delay {
	int64_t first_ms;
	uint8_t growth_n;
	int64_t growth_ms[DELAY_STEPS_MAX];
	int64_t max_ms;
};

/* From the `after`th consecutive failure on: `first_ms` between evaluated guesses, doubling. */
struct failure_waits {
	uint32_t after;
	int64_t first_ms;
	int64_t max_ms;
};

struct limits {
	bool enabled;
	struct resend_delay resend_delay;
	struct rates sends_per_number;
	struct rates guesses_per_number;
	/* Counted by core/tally: */
	struct rates sends_per_address;
	struct rates guesses_per_address;
	struct rates guesses_per_identifier;
	struct rates calls_per_client;
	uint32_t consecutive_failures; /* from here on nothing is evaluated */
	struct failure_waits failure_waits;
};

/* Two threads, or two machines, may read the clock this far apart. What is noted further in the
 * future was noted before the clock was set back: it holds nobody. */
#define CLOCK_SKEW_MS INT64_C(5000)

/* The resend delay starts anew this long after the last send. */
#define SEND_STREAK_MS (24 * INT64_C(3600000))

/* How long until one more is within every rate; 0: now. */
int64_t history_wait_ms(const struct history *history, const struct rates *rates, int64_t now_ms);
/* Notes one more, forgetting the oldest beyond HISTORY_MAX. What was noted before the clock was set
 * back counts from now on as of now. */
void history_add(struct history *history, int64_t now_ms);

/* How long until a send to the number is allowed; 0: now. `budget` NULL: nothing was spent yet. */
int64_t limits_send_wait_ms(const struct limits *limits, const struct budget *budget,
                            int64_t now_ms);
/* The delay that follows a send which was charged to `budget`, whether or not limits are on. */
int64_t limits_resend_delay_ms(const struct limits *limits, const struct budget *budget);
/* How long until a guess may be evaluated; 0: now. After the last consecutive failure allowed:
 * the longest wait, again and again, until an operator resets the counter. */
int64_t limits_guess_wait_ms(const struct limits *limits, const struct budget *budget,
                             const struct failures *failures, int64_t now_ms);

/* How many guesses may be evaluated at once, at most `want`; 0 when limits_guess_wait_ms is not. */
unsigned limits_guess_room(const struct limits *limits, const struct budget *budget,
                           const struct failures *failures, unsigned want, int64_t now_ms);

/* Charge the budget, and keep its row as long as these limits can look at it. */
void budget_charge_send(struct budget *budget, const struct limits *limits, int64_t now_ms);
void budget_charge_guess(struct budget *budget, const struct limits *limits, int64_t now_ms);

#endif
