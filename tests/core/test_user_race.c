/* SPDX-License-Identifier: Apache-2.0 */
/* Users who race, each on a thread of his own, over every store: one number is verified by one of
 * them, one code is right once, one name is taken once. */
#include "support/town.h"

#include "base/list.h"

#include <pthread.h>

#define ROUNDS 100
#define RACERS 2

struct racer {
	struct town *town;
	struct flow_user_call call;
	bool done;
	pthread_barrier_t *start;
	void (*begin)(struct racer *racer);
	/* what it asks */
	char id[16];
	char guess[CODE_LENGTH_MAX + 1];
	struct who who;
	enum purpose purpose;
	struct user values;
};

static void on_done(struct flow_call *call)
{
	struct flow_user_call *asked = CONTAINER_OF(call, struct flow_user_call, flow);
	CONTAINER_OF(asked, struct racer, call)->done = true;
}

static void *on_thread(void *argument)
{
	struct racer *racer = argument;
	pthread_barrier_wait(racer->start);
	racer->begin(racer);
	test_executor_run_until(&racer->town->desk.executor, &racer->done);
	return NULL;
}

static void race(struct racer racers[RACERS], void (*begin)(struct racer *racer))
{
	pthread_t threads[RACERS];
	pthread_barrier_t start;
	pthread_barrier_init(&start, NULL, RACERS);
	for (size_t i = 0; i < RACERS; i++) {
		struct racer *racer = &racers[i];
		racer->start = &start;
		racer->begin = begin;
		racer->done = false;
		racer->call = (struct flow_user_call){
		    .flow = {.arena = &racer->town->desk.arena,
		             .deadline_ms = racer->town->clock.now_ms + 30 * SECONDS_MS,
		             .on_done = on_done},
		    .tenant = BYTES("demo"),
		    .who = racer->who,
		};
		assert_int_equal(pthread_create(&threads[i], NULL, on_thread, racer), 0);
	}
	for (size_t i = 0; i < RACERS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&start);
}

static size_t outcomes(const struct racer racers[RACERS], enum outcome outcome)
{
	size_t n = 0;
	for (size_t i = 0; i < RACERS; i++) {
		assert_int_equal(racers[i].call.flow.err, OK);
		n += racers[i].call.flow.result.outcome == outcome;
	}
	return n;
}

/* A second town on the first one's ground. */
static void racers_init(struct racer racers[RACERS], struct town *town)
{
	racers[0].town = town;
	for (size_t i = 1; i < RACERS; i++)
		racers[i].town = town_new(town->ground, 100 + i);
	for (size_t i = 0; i < RACERS; i++) {
		racers[i].town->limits.enabled = false;
		racers[i].town->exclusive = true;
	}
}

static void racers_done(struct racer racers[RACERS])
{
	for (size_t i = 1; i < RACERS; i++)
		town_free(racers[i].town);
}

static void begin_check(struct racer *racer)
{
	racer->call.flow.check = (struct check_command){
	    .purpose = racer->purpose,
	    .dialect = BYTES("kii"),
	    .guess = bytes_from_text(racer->guess),
	    .exclusive = true,
	    .limits = &racer->town->limits,
	};
	flow_user_check(&racer->town->flow, &racer->call);
}

/* ---- the races ------------------------------------------------------------------------------- */

static const char *round_number(unsigned round)
{
	static char digits[NUMBER_DIGITS_MAX + 1];
	snprintf(digits, sizeof(digits), "4477009%05u", round % 100000);
	return digits;
}

/* Rule 3.2. Half of them are named by their id, half by the number alone. */
static void one_of_two_users_verifies_a_number(struct town *town)
{
	static struct racer racers[RACERS];
	racers_init(racers, town);
	for (unsigned round = 0; round < ROUNDS; round++) {
		const char *number = round_number(round);
		for (size_t i = 0; i < RACERS; i++) {
			struct racer *racer = &racers[i];
			racer->purpose = PURPOSE_PHONE;
			snprintf(racer->id, sizeof(racer->id), "u-%u-%zu", round % 10000, i);
			town_settle(town, racer->id, number, false);
			racer->who = round % 2 ? who_phone(WHO_OPEN, number) : who_id(racer->id);
			assert_outcome(town_send(town, PURPOSE_PHONE, who_id(racer->id)),
			               OUTCOME_SENT);
			memcpy(racer->guess, town_code(town, racer->id, PURPOSE_PHONE),
			       sizeof(racer->guess));
		}
		bool alike = strcmp(racers[0].guess, racers[1].guess) == 0;
		race(racers, begin_check);
		size_t verified = 0, exclusive = 0;
		for (size_t i = 0; i < RACERS; i++) {
			const struct user *user = town_read(town, racers[i].id);
			verified += user->phone_verified_ms != 0;
			exclusive += user->phone_exclusive;
		}
		assert_int_equal(verified, 1);
		assert_int_equal(exclusive, 1);
		assert_int_equal(outcomes(racers, OUTCOME_APPROVED), 1);
		if (!alike)
			assert_int_equal(outcomes(racers, OUTCOME_PHONE_TAKEN), 1);
		/* Each guess was charged: by id one each; by number both codes, then the one that
		 * was left. */
		assert_int_equal(town_budget(town, number)->guesses.n, round % 2 ? 3 : 2);
	}
	racers_done(racers);
}

static void a_login_code_is_right_once(struct town *town)
{
	static struct racer racers[RACERS];
	racers_init(racers, town);
	for (unsigned round = 0; round < ROUNDS; round++) {
		const char *number = round_number(round);
		snprintf(racers[0].id, sizeof(racers[0].id), "l-%u", round % 10000);
		town_settle(town, racers[0].id, number, true);
		assert_outcome(town_send(town, PURPOSE_LOGIN, who_id(racers[0].id)), OUTCOME_SENT);
		for (size_t i = 0; i < RACERS; i++) {
			racers[i].purpose = PURPOSE_LOGIN;
			racers[i].who = who_id(racers[0].id);
			memcpy(racers[i].guess, town_code(town, racers[0].id, PURPOSE_LOGIN),
			       sizeof(racers[i].guess));
		}
		race(racers, begin_check);
		assert_int_equal(outcomes(racers, OUTCOME_APPROVED), 1);
		assert_int_equal(outcomes(racers, OUTCOME_UNKNOWN), 1);
		assert_int_equal(town_budget(town, number)->guesses.n, 1);
	}
	racers_done(racers);
}

static void begin_create(struct racer *racer)
{
	racer->call.command = (struct user_command){
	    .op = USER_CREATE,
	    .user = bytes_from_text(racer->id),
	    .dialect = BYTES("kii"),
	    .values = &racer->values,
	    .given = USER_GIVES(USER_USER_NAME),
	};
	flow_user_change(&racer->town->flow, &racer->call);
}

static void a_name_is_taken_once(struct town *town)
{
	static struct racer racers[RACERS];
	racers_init(racers, town);
	for (unsigned round = 0; round < ROUNDS; round++) {
		char names[RACERS][16];
		for (size_t i = 0; i < RACERS; i++) {
			snprintf(names[i], sizeof(names[i]), i ? "ADA-%u" : "ada-%u", round);
			snprintf(racers[i].id, sizeof(racers[i].id), "n-%u-%zu", round % 10000, i);
			racers[i].values.user_name = bytes_from_text(names[i]);
		}
		race(racers, begin_create);
		assert_int_equal(outcomes(racers, OUTCOME_USER_MADE), 1);
		assert_int_equal(outcomes(racers, OUTCOME_NAME_TAKEN), 1);
		assert_int_equal(!town_read(town, racers[0].id) + !town_read(town, racers[1].id),
		                 1);
	}
	racers_done(racers);
}

/* What each does to one user is done: the sequence counts both. */
static void begin_change(struct racer *racer)
{
	racer->call.command = (struct user_command){
	    .op = USER_CHANGE,
	    .dialect = BYTES("kii"),
	    .values = &racer->values,
	    .given = USER_GIVES(racer->values.first_name.at ? USER_FIRST_NAME : USER_LAST_NAME),
	};
	flow_user_change(&racer->town->flow, &racer->call);
}

static void no_change_of_a_user_is_lost(struct town *town)
{
	static struct racer racers[RACERS];
	racers_init(racers, town);
	town_settle(town, "ada", NULL, false);
	for (unsigned round = 0; round < ROUNDS; round++) {
		char first[16], last[16];
		snprintf(first, sizeof(first), "first %u", round);
		snprintf(last, sizeof(last), "last %u", round);
		racers[0].values = (struct user){.first_name = bytes_from_text(first)};
		racers[1].values = (struct user){.last_name = bytes_from_text(last)};
		racers[0].who = racers[1].who = who_id("ada");
		race(racers, begin_change);
		assert_int_equal(outcomes(racers, OUTCOME_USER_CHANGED), 2);
		const struct user *user = town_read(town, "ada");
		assert_int_equal(user->sequence, 3 + 2 * round);
		assert_true(bytes_equal(user->first_name, bytes_from_text(first)));
		assert_true(bytes_equal(user->last_name, bytes_from_text(last)));
	}
	racers_done(racers);
}

int main(void)
{
	static const struct town_test tests[] = {
	    TOWN_TEST(one_of_two_users_verifies_a_number),
	    TOWN_TEST(a_login_code_is_right_once),
	    TOWN_TEST(a_name_is_taken_once),
	    TOWN_TEST(no_change_of_a_user_is_lost),
	};
	static struct cases cases;
	town_add_tests(&cases, tests, COUNT(tests));
	return cases_run("user_race", &cases);
}
