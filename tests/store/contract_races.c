/* SPDX-License-Identifier: Apache-2.0 */
/* The contract: several threads, each with its own handle, at the same records. Threads do not use
 * cmocka's assertions, which belong to the main one; they count, and the main one judges. */
#include "store/contract_private.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#define THREADS 4

struct racer {
	struct bench *bench;
	struct desk desk;
	pthread_t thread;
	unsigned number;
	size_t won, lost;
	unsigned claimed[400]; /* how often each message, or phone, was */
};

static void race(struct bench *bench, struct racer racers[THREADS], void *(*run)(void *))
{
	for (unsigned i = 0; i < THREADS; i++) {
		racers[i] = (struct racer){.bench = bench, .number = i};
		desk_join(bench, &racers[i].desk);
	}
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&racers[i].thread, NULL, run, &racers[i]), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(racers[i].thread, NULL);
	for (int i = 0; i < THREADS; i++)
		desk_done(&racers[i].desk);
}

/* --- one budget ------------------------------------------------------------------------------ */

#define CHARGES 100

static struct budget budget_load(struct desk *desk)
{
	struct store_load load = {
	    .want = WANT_NUMBER, .tenant = BYTES("acme"), .number = sample_number(1)};
	enum err err = desk_load(desk, &load);
	assert(!err);
	if (load.budget)
		return *load.budget;
	struct budget fresh = sample_budget(1);
	fresh.send_streak = 0;
	return fresh;
}

static void *budget_charge(void *about)
{
	struct racer *racer = about;
	while (racer->won < CHARGES) {
		struct budget budget = budget_load(&racer->desk);
		struct event event = sample_event(racer->number * CHARGES + (unsigned)racer->won);
		budget.send_streak++;
		const struct change changes[] = {
		    {.kind = CHANGE_EVENT, .event = &event},
		    {.kind = CHANGE_BUDGET, .budget = &budget},
		};
		enum err err = desk_commit(&racer->desk, changes, 2);
		assert(err == OK || err == ERR_CONFLICT);
		racer->won += err == OK;
		racer->lost += err == ERR_CONFLICT;
		arena_reset(&racer->desk.arena);
	}
	return NULL;
}

static void successes_are_what_is_stored(void **state)
{
	struct bench *bench = bench_of(state);
	struct racer *racers = calloc(THREADS, sizeof(*racers));
	race(bench, racers, budget_charge);
	struct number number = sample_number(1);
	struct budget *budget = budget_get(&bench->desk, &number);
	assert_int_equal(budget->version, THREADS * CHARGES);
	assert_int_equal(budget->send_streak, THREADS * CHARGES);
	assert_int_equal(desk_count(&bench->desk).events, THREADS * CHARGES);
	free(racers);
}

/* --- one code -------------------------------------------------------------------------------- */

#define GUESSES 200

/* As the engine guesses: at most `attempts` are evaluated, whoever guesses. */
static void *code_guess(void *about)
{
	struct racer *racer = about;
	struct desk *desk = &racer->desk;
	for (int i = 0; i < GUESSES / THREADS; i++) {
		struct store_load load = {.want = WANT_VERIFICATION | WANT_NUMBER,
		                          .id = sample_verification(1).id};
		enum err err = desk_load(desk, &load);
		assert(!err && load.verification);
		if (load.verification->state != VERIFICATION_LIVE)
			break;
		struct verification v = *load.verification;
		struct budget budget = load.budget ? *load.budget : sample_budget(1);
		if (!load.budget)
			budget.send_streak = 0;
		budget.send_streak++;
		if (++v.tries == v.policy.attempts)
			v.state = VERIFICATION_LOCKED;
		const struct change changes[] = {
		    {.kind = CHANGE_VERIFICATION, .verification = &v},
		    {.kind = CHANGE_BUDGET, .budget = &budget},
		};
		err = desk_commit(desk, changes, 2);
		assert(err == OK || err == ERR_CONFLICT);
		racer->won += err == OK;
		arena_reset(&desk->arena);
	}
	return NULL;
}

static void guesses_are_evaluated_no_more_often_than_allowed(void **state)
{
	struct bench *bench = bench_of(state);
	struct racer *racers = calloc(THREADS, sizeof(*racers));
	struct verification v = sample_verification(1);
	assert_int_equal(desk_change(&bench->desk, CHANGE_VERIFICATION, &v), OK);
	race(bench, racers, code_guess);
	size_t evaluated = 0;
	for (int i = 0; i < THREADS; i++)
		evaluated += racers[i].won;
	assert_int_equal(evaluated, v.policy.attempts);
	assert_int_equal(verification_get(&bench->desk, &v)->tries, v.policy.attempts);
	assert_int_equal(budget_get(&bench->desk, &v.number)->send_streak, v.policy.attempts);
	free(racers);
}

/* --- slots ----------------------------------------------------------------------------------- */

#define SLOTS 50

static void *slots_take(void *about)
{
	struct racer *racer = about;
	for (unsigned i = 0; i < SLOTS; i++) {
		struct verification v = sample_verification(racer->number * SLOTS + i);
		struct event event = sample_event(racer->number * SLOTS + i);
		char slot[16];
		snprintf(slot, sizeof(slot), "user %u", i);
		v.slot = bytes_from_text(slot);
		const struct change changes[] = {
		    {.kind = CHANGE_EVENT, .event = &event},
		    {.kind = CHANGE_VERIFICATION, .verification = &v},
		};
		enum err err = desk_commit(&racer->desk, changes, 2);
		assert(err == OK || err == ERR_CONFLICT);
		racer->won += err == OK;
	}
	return NULL;
}

static void each_slot_is_won_once(void **state)
{
	struct bench *bench = bench_of(state);
	struct racer *racers = calloc(THREADS, sizeof(*racers));
	race(bench, racers, slots_take);
	size_t won = 0;
	for (int i = 0; i < THREADS; i++)
		won += racers[i].won;
	assert_int_equal(won, SLOTS);
	assert_int_equal(desk_count(&bench->desk).live, SLOTS);
	assert_int_equal(desk_count(&bench->desk).events, SLOTS);
	free(racers);
}

/* --- phones ---------------------------------------------------------------------------------- */

#define PHONES 100

/* Of each thread one user for each number, who has it and may verify it. */
static struct user phone_owner(unsigned thread, unsigned i)
{
	struct user user = sample_user(thread * PHONES + i);
	user.phone = sample_number(i);
	return user;
}

static void *phones_verify(void *about)
{
	struct racer *racer = about;
	for (unsigned i = 0; i < PHONES; i++) {
		struct event event = sample_event(racer->number * PHONES + i);
		struct user user = phone_owner(racer->number, i);
		user.version = 1;
		user.phone_verified_ms = SAMPLE_MS;
		user.phone_exclusive = true;
		const struct change changes[] = {
		    {.kind = CHANGE_EVENT, .event = &event},
		    {.kind = CHANGE_USER, .user = &user},
		};
		enum err err = desk_commit(&racer->desk, changes, 2);
		assert(err == OK || err == ERR_CONFLICT);
		racer->claimed[i] = err == OK;
	}
	return NULL;
}

static void an_exclusive_phone_is_verified_by_one_user(void **state)
{
	struct bench *bench = bench_of(state);
	struct racer *racers = calloc(THREADS, sizeof(*racers));
	for (unsigned thread = 0; thread < THREADS; thread++)
		for (unsigned i = 0; i < PHONES; i++) {
			struct user user = phone_owner(thread, i);
			assert_int_equal(desk_change(&bench->desk, CHANGE_USER, &user), OK);
		}
	race(bench, racers, phones_verify);
	for (unsigned i = 0; i < PHONES; i++) {
		unsigned won = 0;
		for (unsigned thread = 0; thread < THREADS; thread++) {
			struct user user = phone_owner(thread, i);
			bool verified = user_stored(&bench->desk, &user)->phone_verified_ms;
			assert_int_equal(verified, racers[thread].claimed[i]);
			won += verified;
		}
		assert_int_equal(won, 1);
	}
	assert_int_equal(desk_count(&bench->desk).events, PHONES);
	free(racers);
}

/* --- claims ---------------------------------------------------------------------------------- */

#define MESSAGES 400

static void *messages_claim(void *about)
{
	struct racer *racer = about;
	for (int idle = 0; idle < 3;) {
		struct claimed *claimed;
		size_t n;
		enum err err =
		    desk_claim(&racer->desk, SAMPLE_MS, SAMPLE_MS + 1000, 7, &claimed, &n);
		assert(!err);
		for (size_t i = 0; i < n; i++) {
			const uint8_t *octets = claimed[i].message->id.octets;
			unsigned which = (unsigned)octets[14] << 8 | octets[15];
			assert(which < MESSAGES);
			racer->claimed[which]++;
		}
		racer->won += n;
		idle += n == 0;
		arena_reset(&racer->desk.arena);
	}
	return NULL;
}

static void two_callers_never_get_the_same_message(void **state)
{
	struct bench *bench = bench_of(state);
	struct racer *racers = calloc(THREADS, sizeof(*racers));
	for (unsigned i = 0; i < MESSAGES; i++) {
		struct verification v = sample_verification(i);
		struct message message = sample_message(i, &v);
		pair_insert(&bench->desk, &v, &message);
	}
	race(bench, racers, messages_claim);
	for (unsigned i = 0; i < MESSAGES; i++) {
		unsigned claimed = 0;
		for (int j = 0; j < THREADS; j++)
			claimed += racers[j].claimed[i];
		assert_int_equal(claimed, 1);
	}
	free(racers);
}

/* --- everything ------------------------------------------------------------------------------ */

static void *everything_do(void *about)
{
	struct racer *racer = about;
	struct desk *desk = &racer->desk;
	for (unsigned i = 0; i < 60; i++) {
		unsigned n = racer->number * 1000 + i;
		struct verification v = sample_verification(n);
		struct message message = sample_message(n, &v);
		struct event event = sample_event(n);
		const struct change changes[] = {
		    {.kind = CHANGE_VERIFICATION, .verification = &v},
		    {.kind = CHANGE_MESSAGE, .message = &message},
		};
		struct claimed *claimed;
		size_t claimed_n, deleted;
		uint64_t generation;
		bool more;
		enum err err = desk_commit(desk, changes, 2);
		assert(!err);
		desk->store->ops->note(desk->store, &event);
		err = desk_claim(desk, SAMPLE_MS, SAMPLE_MS + 1, 5, &claimed, &claimed_n);
		assert(!err);
		err = desk_purge(desk, SAMPLE_MS, SAMPLE_MS - 1, &deleted, &more);
		assert(!err && !deleted);
		err = desk->store->ops->generation(desk->store, &generation);
		assert(!err);
		if (i % 20 == 0)
			(void)desk_count(desk);
		racer->won++;
		arena_reset(&desk->arena);
	}
	return NULL;
}

static void all_calls_go_together(void **state)
{
	struct bench *bench = bench_of(state);
	struct racer *racers = calloc(THREADS, sizeof(*racers));
	race(bench, racers, everything_do);
	while (desk_count(&bench->desk).events < THREADS * 60)
		;
	assert_int_equal(desk_count(&bench->desk).verifications, THREADS * 60);
	assert_int_equal(desk_count(&bench->desk).messages, THREADS * 60);
	free(racers);
}

const struct CMUnitTest contract_races[] = {
    CASE(successes_are_what_is_stored),
    CASE(guesses_are_evaluated_no_more_often_than_allowed),
    CASE(each_slot_is_won_once),
    CASE(an_exclusive_phone_is_verified_by_one_user),
    CASE(two_callers_never_get_the_same_message),
    CASE(all_calls_go_together),
};
const size_t contract_races_n = CASES_N(contract_races);
