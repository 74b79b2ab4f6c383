/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of the engine stand on: a clock that stands still until it is moved, a seeded
 * generator that can be told to fail, a delivery that writes down what it was told, the limits as
 * shipped, and a bench: one number's records, stepped and stored without any store. */
#ifndef TESTS_SUPPORT_ENGINE_H
#define TESTS_SUPPORT_ENGINE_H

#include "base/when.h"
#include "core/verify.h"
#include "support/unit.h"

/* When tests begin: 2031-04-03T09:15:00.120Z. */
#define TEST_START_MS INT64_C(1932974100120)

/* A virtual clock, as flow_ports wants one. */
struct test_clock {
	int64_t now_ms;
};
int64_t test_clock_now(void *clock);

/* splitmix64: the same seed gives the same octets. */
struct test_rng {
	struct rng rng;
	uint64_t state;
	unsigned fills;      /* how often it was asked */
	unsigned fails_from; /* this fill and later ones fail, from 1; 0: never */
};
void test_rng_init(struct test_rng *rng, uint64_t seed);
uint64_t test_rng_next(struct test_rng *rng);
/* Below `limit`. */
uint64_t test_rng_below(struct test_rng *rng, uint64_t limit);

/* What delivery was told of one committed message, copied. */
struct delivered {
	struct id message, verification;
	uint32_t generation;
	enum message_state state;
	char template[160]; /* cut if longer */
};

#define DELIVERED_MAX 4096

struct test_deliver {
	struct deliver deliver;
	struct delivery_plan plan; /* what every number gets */
	size_t plans_n;
	size_t delivered_n;
	struct delivered delivered[DELIVERED_MAX];
};
void test_deliver_init(struct test_deliver *deliver, enum delivery_route route);
/* How often this message was told. */
size_t test_deliver_count(const struct test_deliver *deliver, const struct id *message);

struct number test_number(const char *digits);
/* Six digits, ten minutes, five tries. */
struct policy test_policy(enum repeat repeat);
/* The limits as shipped: contracts say 30s 1m 2m 5m … 32m; 3/10m 5/1h 10/24h; 10/15m 30/24h;
 * 100 failures, waits of 30s to 1h from the tenth. */
struct limits test_limits(void);
/* Two keys, `k2` writes and `k1` only reads. */
struct keyring *test_keyring(void);
/* The one key `k3`: records of the other two find theirs gone. */
struct keyring *test_keyring_other(void);
/* A guess of v's length and alphabet that is not its code. */
void test_wrong_guess(struct keyring *keyring, const struct verification *v,
                      char ret[CODE_LENGTH_MAX + 1]);

/* One number's records as a store would hold them, and a command of each kind, ready to be
 * changed by a test. bench_send and bench_check step, hold the result's changes against what is
 * "stored" as a store would, and store them. */
struct bench {
	int64_t now_ms;
	struct test_rng rng;
	struct keyring *keyring;
	struct limits limits;
	struct delivery_plan plan;
	struct send_command send;
	struct check_command check;
	bool has_verification, has_budget, has_failures, has_line;
	struct verification verification; /* the one the next step is given */
	struct verification displaced;    /* the last one that ended in favour of another */
	struct budget budget;
	struct failures failures;
	struct line line;
	size_t messages_n, events_n;
	struct verify_result result; /* of the last step */
	char code[CODE_LENGTH_MAX + 1];
};
/* cmocka's setup and teardown; *state is the bench. */
int bench_setup(void **state);
int bench_teardown(void **state);
enum err bench_send(struct bench *bench);
/* The guess is the text given. */
enum err bench_check(struct bench *bench, const char *guess);
/* The code of the verification as it is stored. */
const char *bench_code(struct bench *bench);
/* Steps that must not fault; the outcome. */
enum outcome bench_send_ok(struct bench *bench);
enum outcome bench_check_ok(struct bench *bench, const char *guess);
enum outcome bench_guess_wrong(struct bench *bench);
enum outcome bench_guess_right(struct bench *bench);

/* The change or guard of that kind in the result, or NULL. */
const struct change *result_change(const struct verify_result *result, enum change_kind kind);

/* Fails with both labels unless they are the same. */
#define assert_outcome(got, wanted)                                                                \
	assert_string_equal(outcome_label(got).at, outcome_label(wanted).at)

#endif
