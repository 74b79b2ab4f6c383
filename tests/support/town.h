/* SPDX-License-Identifier: Apache-2.0 */
/* A town: the users of one tenant on a real store, a flow that serves them, a clock that stands
 * still until it is moved. Each case runs once over every store (memory, SQLite on disk), its calls
 * one after another; loops that race have a town each, on the same ground. */
#ifndef TESTS_SUPPORT_TOWN_H
#define TESTS_SUPPORT_TOWN_H

#include "cases.h"

#include "core/flow_user.h"
#include "support/desk.h"
#include "support/engine.h"

/* The store that towns stand on. */
struct ground;

struct town {
	struct ground *ground;
	bool owns_ground;
	struct desk desk; /* reads and writes as operators do; its store is the flow's too */
	struct flow flow;
	struct test_clock clock;
	struct test_rng rng;
	struct test_deliver deliver;
	struct keyring *keyring;
	struct limits limits;
	/* what the next calls ask */
	enum repeat repeat;
	bool exclusive;
	const struct phantom *phantom;
	struct flow_user_call call; /* the last one */
	bool done;
	char code[CODE_LENGTH_MAX + 1];
};

struct ground *ground_new(const char *store);
void ground_free(struct ground *ground);
struct town *town_new(struct ground *ground, uint64_t seed);
void town_free(struct town *town);

/* Adds each test once for every store. */
struct town_test {
	const char *name;
	void (*run)(struct town *town);
};
#define TOWN_TEST(function)                                                                        \
	{                                                                                          \
#function, function                                                                \
	}
void town_add_tests(struct cases *cases, const struct town_test *tests, size_t n);

/* ---- as operators do ------------------------------------------------------------------------- */

/* A user of tenant `demo` with that id, whose userName is the same in upper case; `phone` NULL:
 * none. Sequence 1, made at TEST_START_MS. */
struct user town_user(const char *id, const char *phone, bool verified);
/* Stores it as it is, version and all. */
void town_store(struct town *town, const struct user *user);
void town_settle(struct town *town, const char *id, const char *phone, bool verified);
/* As the store has him, or NULL. */
struct user *town_read(struct town *town, const char *id);
/* His live verification, or NULL. */
struct verification *town_code_record(struct town *town, const char *id, enum purpose purpose);
struct verification *town_verification(struct town *town, const struct id *id);
/* Never NULL: zeros when there is no row. */
const struct budget *town_budget(struct town *town, const char *digits);
const struct failures *town_failures(struct town *town, const char *digits);
/* His live code; in town->code. */
const char *town_code(struct town *town, const char *id, enum purpose purpose);
const char *town_wrong_code(struct town *town, const char *id, enum purpose purpose);
/* The last event that was committed, and how many there are; what is only noted comes later. */
size_t town_events(struct town *town, struct event *ret_last);

/* ---- as dialects do -------------------------------------------------------------------------- */

struct who who_id(const char *id);
struct who who_phone(enum who_by by, const char *digits);

/* Each waits for the answer, which must be no fault; outcome. The call stays in town->call. */
enum outcome town_send(struct town *town, enum purpose purpose, struct who who);
enum outcome town_check(struct town *town, enum purpose purpose, struct who who, const char *guess);
/* tenant, dialect and `exclusive` are the town's. */
enum outcome town_change(struct town *town, struct who who, const struct user_command *command);
/* A change of the phone that sends as the town's `repeat` says, all or nothing. */
enum outcome town_set_phone(struct town *town, const char *id, enum phone_act act,
                            const char *digits);
const struct user *town_find(struct town *town, struct who who);
/* Like those, but only begins. */
void town_send_start(struct town *town, struct flow_user_call *call, enum purpose purpose,
                     struct who who);
void town_check_start(struct town *town, struct flow_user_call *call, enum purpose purpose,
                      struct who who, const char *guess);
/* A send command as the town makes them. */
struct send_command town_send_command(const struct town *town, enum purpose purpose);

#endif
