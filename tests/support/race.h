/* SPDX-License-Identifier: Apache-2.0 */
/* A race for one number: up to RACE_LOOPS_MAX flows, each with its own handle on one memory store,
 * the calls that were given to them, and what the store says in the end. A seed makes the course;
 * every failure prints it. */
#ifndef TESTS_SUPPORT_RACE_H
#define TESTS_SUPPORT_RACE_H

#include "core/flow.h"
#include "store/memory.h"
#include "support/engine.h"
#include "support/executor.h"

#define RACE_START_MS TEST_START_MS
#define RACE_LOOPS_MAX 2
#define RACE_CALLS_MAX 200
#define RACE_NUMBER "447700900123"

struct loop {
	struct test_executor *executor; /* borrowed */
	struct store *store;
	struct flow flow;
	struct keyring *keyring;
	struct test_rng rng;
	struct test_deliver deliver;
	struct test_clock clock;
	struct arena arena;
	size_t done_n;
	/* the calls that are its own */
	size_t calls_n;
	struct race_call *calls[RACE_CALLS_MAX];
};

struct race_call {
	struct flow_call flow;
	struct loop *loop;
	bool right;
	char guess[CODE_LENGTH_MAX + 1];
};

struct race {
	uint64_t seed;
	struct test_rng rng; /* the course of the race */
	struct memory_store *memory;
	struct limits limits;
	size_t loops_n;
	struct loop loops[RACE_LOOPS_MAX];
	struct test_executor executors[RACE_LOOPS_MAX]; /* loops on one thread share the first */
	size_t calls_n;
	struct race_call calls[RACE_CALLS_MAX];
	struct verification verification; /* the one that guesses are about */
	char code[CODE_LENGTH_MAX + 1];
	/* as the store has it in the end */
	struct store_load stored;
	struct store_counts counts;
	bool stored_done;
};

/* Fails with the seed. */
#define assert_race(race, truth)                                                                   \
	do {                                                                                       \
		if (!(truth))                                                                      \
			fail_msg("seed %llu: %s", (unsigned long long)(race)->seed, #truth);       \
	} while (0)

/* A race of `loops_n` flows, with an executor each or all on the first one. */
struct race *race_new(uint64_t seed, size_t loops_n, bool own_executors);
void race_free(struct race *race);

/* Further calls, to be started by one of the runs below. */
struct race_call *race_send_new(struct race *race, struct loop *loop, enum repeat repeat);
struct race_call *race_guess_new(struct race *race, struct loop *loop, bool right);
struct loop *race_any_loop(struct race *race);
/* A first send on the first loop, carried through; guesses made afterwards are about its record. */
void race_send_first(struct race *race, enum repeat repeat);

/* Starts all calls and waits for their answers: on this thread, or each loop on its own. */
void race_run_on_one_thread(struct race *race);
void race_run_on_threads(struct race *race);

/* Reads what is stored of the record and its number, and the counts. */
void race_read_stored(struct race *race);
/* How many calls were answered so, without a fault; with that fault; the commits that lost. */
size_t race_outcomes(const struct race *race, enum outcome outcome);
size_t race_faults(const struct race *race, enum err err);
uint64_t race_conflicts(const struct race *race);

#endif
