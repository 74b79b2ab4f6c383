/* SPDX-License-Identifier: Apache-2.0 */
#include "support/town.h"

#include "base/list.h"
#include "store/memory.h"
#include "store/sqlite.h"

#include <ftw.h>
#include <stdlib.h>

#define TENANT BYTES("demo")

/* ---- the ground ------------------------------------------------------------------------------ */

struct ground {
	struct memory_store *memory;
	struct sqlite_store *sqlite;
	char path[32]; /* of the SQLite store's directory */
};

struct ground *ground_new(const char *store)
{
	struct ground *ground = calloc(1, sizeof(*ground));
	assert_non_null(ground);
	if (strcmp(store, "memory") == 0) {
		ground->memory = memory_new(1);
		assert_non_null(ground->memory);
		return ground;
	}
	struct problem problem;
	snprintf(ground->path, sizeof(ground->path), "town-XXXXXX");
	assert_non_null(mkdtemp(ground->path));
	const struct sqlite_options options = {.directory = ground->path, .serve = true};
	if (sqlite_open(&options, &ground->sqlite, &problem))
		fail_msg("%s", problem.text);
	return ground;
}

static int on_entry(const char *path, const struct stat *about, int kind, struct FTW *walk)
{
	(void)about;
	(void)kind;
	(void)walk;
	return remove(path);
}

void ground_free(struct ground *ground)
{
	memory_free(ground->memory);
	sqlite_close(ground->sqlite);
	if (ground->path[0])
		assert_int_equal(nftw(ground->path, on_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
	free(ground);
}

/* ---- the town -------------------------------------------------------------------------------- */

struct town *town_new(struct ground *ground, uint64_t seed)
{
	struct town *town = calloc(1, sizeof(*town));
	assert_non_null(town);
	town->ground = ground;
	desk_init(&town->desk);
	struct executor *executor = &town->desk.executor.executor;
	town->desk.store = ground->memory ? memory_attach(ground->memory, executor)
	                                  : sqlite_attach(ground->sqlite, executor);
	assert_non_null(town->desk.store);
	town->clock.now_ms = TEST_START_MS;
	test_rng_init(&town->rng, seed);
	test_deliver_init(&town->deliver, ROUTE_QUEUED);
	town->keyring = test_keyring();
	town->limits = test_limits();
	town->repeat = REPEAT_NEW;
	const struct flow_ports ports = {
	    .store = town->desk.store,
	    .deliver = &town->deliver.deliver,
	    .keyring = town->keyring,
	    .rng = &town->rng.rng,
	    .now_ms = test_clock_now,
	    .clock = &town->clock,
	};
	flow_init(&town->flow, &ports);
	return town;
}

void town_free(struct town *town)
{
	desk_done(&town->desk);
	keyring_free(town->keyring);
	if (town->owns_ground)
		ground_free(town->ground);
	free(town);
}

static const char *const stores[] = {"memory", "sqlite"};

struct town_case {
	const struct town_test *test;
	const char *store;
	struct town *town;
};

static int town_setup(void **state)
{
	struct town_case *one = *state;
	one->town = town_new(ground_new(one->store), 1);
	one->town->owns_ground = true;
	return 0;
}

static int town_teardown(void **state)
{
	town_free(((struct town_case *)*state)->town);
	free(*state);
	return 0;
}

static void town_run(void **state)
{
	struct town_case *one = *state;
	one->test->run(one->town);
}

void town_add_tests(struct cases *cases, const struct town_test *tests, size_t n)
{
	for (size_t store = 0; store < COUNT(stores); store++)
		for (size_t i = 0; i < n; i++) {
			struct town_case *one = calloc(1, sizeof(*one));
			char *name = NULL;
			if (!one || asprintf(&name, "%s: %s", stores[store], tests[i].name) < 0)
				abort();
			*one = (struct town_case){.test = &tests[i], .store = stores[store]};
			cases_add(cases,
			          &(struct CMUnitTest){.name = name,
			                               .test_func = town_run,
			                               .setup_func = town_setup,
			                               .teardown_func = town_teardown,
			                               .initial_state = one},
			          1);
		}
}

/* ---- as operators do ------------------------------------------------------------------------- */

struct user town_user(const char *id, const char *phone, bool verified)
{
	static char names[64][32];
	static unsigned next;
	char *name = names[next++ % COUNT(names)];
	for (size_t i = 0; i < sizeof(names[0]); i++) {
		name[i] = id[i] >= 'a' && id[i] <= 'z' ? (char)(id[i] - 'a' + 'A') : id[i];
		if (!id[i])
			break;
	}
	struct number number = test_number(phone ? phone : "");
	return (struct user){
	    .tenant = TENANT,
	    .id = bytes_from_text(id),
	    .user_name = bytes_from_text(name),
	    .phone = number,
	    .phone_verified_ms = verified ? TEST_START_MS : 0,
	    .sequence = 1,
	    .created_ms = TEST_START_MS,
	    .changed_ms = TEST_START_MS,
	};
}

void town_store(struct town *town, const struct user *user)
{
	assert_int_equal(desk_change(&town->desk, CHANGE_USER, user), OK);
}

void town_settle(struct town *town, const char *id, const char *phone, bool verified)
{
	struct user user = town_user(id, phone, verified);
	town_store(town, &user);
}

static struct store_load town_load(struct town *town, struct store_load load)
{
	load.tenant = TENANT;
	assert_int_equal(desk_load(&town->desk, &load), OK);
	return load;
}

struct user *town_read(struct town *town, const char *id)
{
	return town_load(town, (struct store_load){.want = WANT_USER,
	                                           .user_by = USER_BY_ID,
	                                           .user_key = bytes_from_text(id)})
	    .user;
}

struct verification *town_code_record(struct town *town, const char *id, enum purpose purpose)
{
	return town_load(town, (struct store_load){.want = WANT_SLOT,
	                                           .purpose = purpose,
	                                           .slot = bytes_from_text(id)})
	    .verification;
}

struct verification *town_verification(struct town *town, const struct id *id)
{
	struct verification *v =
	    town_load(town, (struct store_load){.want = WANT_VERIFICATION, .id = *id}).verification;
	assert_non_null(v);
	return v;
}

const struct budget *town_budget(struct town *town, const char *digits)
{
	static const struct budget none;
	const struct budget *budget =
	    town_load(town, (struct store_load){.want = WANT_BUDGET, .number = test_number(digits)})
		.budget;
	return budget ? budget : &none;
}

const struct failures *town_failures(struct town *town, const char *digits)
{
	static const struct failures none;
	const struct failures *failures =
	    town_load(town,
	              (struct store_load){.want = WANT_FAILURES, .number = test_number(digits)})
		.failures;
	return failures ? failures : &none;
}

const char *town_code(struct town *town, const char *id, enum purpose purpose)
{
	const struct verification *v = town_code_record(town, id, purpose);
	assert_non_null(v);
	assert_int_equal(code_derive(town->keyring, v, town->code), OK);
	return town->code;
}

const char *town_wrong_code(struct town *town, const char *id, enum purpose purpose)
{
	const struct verification *v = town_code_record(town, id, purpose);
	assert_non_null(v);
	test_wrong_guess(town->keyring, v, town->code);
	return town->code;
}

size_t town_events(struct town *town, struct event *ret_last)
{
	const void *page[WALK_MAX];
	size_t n;
	assert_int_equal(desk_walk(&town->desk, CHANGE_EVENT, NULL, page, &n), OK);
	assert_true(n < WALK_MAX);
	if (n)
		*ret_last = *(const struct event *)page[n - 1];
	return n;
}

/* ---- as dialects do -------------------------------------------------------------------------- */

struct who who_id(const char *id)
{
	return (struct who){.by = WHO_ID, .key = bytes_from_text(id)};
}

struct who who_phone(enum who_by by, const char *digits)
{
	return (struct who){.by = by, .number = test_number(digits)};
}

static void on_done(struct flow_call *call)
{
	struct flow_user_call *asked = CONTAINER_OF(call, struct flow_user_call, flow);
	CONTAINER_OF(asked, struct town, call)->done = true;
}

static void call_begin(struct town *town, struct flow_user_call *call, struct who who)
{
	*call = (struct flow_user_call){
	    .flow = {.arena = &town->desk.arena,
	             .deadline_ms = town->clock.now_ms + 30 * SECONDS_MS,
	             .on_done = on_done},
	    .tenant = TENANT,
	    .who = who,
	    .phantom = town->phantom,
	};
	town->done = false;
}

static enum outcome call_wait(struct town *town)
{
	test_executor_run_until(&town->desk.executor, &town->done);
	assert_int_equal(town->call.flow.err, OK);
	return town->call.flow.result.outcome;
}

struct send_command town_send_command(const struct town *town, enum purpose purpose)
{
	return (struct send_command){
	    .purpose = purpose,
	    .dialect = BYTES("kii"),
	    .policy = test_policy(town->repeat),
	    .template = BYTES("{{code}}"),
	    .limits = &town->limits,
	};
}

void town_send_start(struct town *town, struct flow_user_call *call, enum purpose purpose,
                     struct who who)
{
	call_begin(town, call, who);
	call->flow.send = town_send_command(town, purpose);
	flow_user_send(&town->flow, call);
}

void town_check_start(struct town *town, struct flow_user_call *call, enum purpose purpose,
                      struct who who, const char *guess)
{
	call_begin(town, call, who);
	call->flow.check = (struct check_command){
	    .purpose = purpose,
	    .dialect = BYTES("zitadel"),
	    .guess = bytes_from_text(guess),
	    .exclusive = town->exclusive,
	    .limits = &town->limits,
	};
	flow_user_check(&town->flow, call);
}

enum outcome town_send(struct town *town, enum purpose purpose, struct who who)
{
	town_send_start(town, &town->call, purpose, who);
	return call_wait(town);
}

enum outcome town_check(struct town *town, enum purpose purpose, struct who who, const char *guess)
{
	town_check_start(town, &town->call, purpose, who, guess);
	return call_wait(town);
}

enum outcome town_change(struct town *town, struct who who, const struct user_command *command)
{
	call_begin(town, &town->call, who);
	town->call.phantom = NULL;
	town->call.command = *command;
	town->call.command.dialect = BYTES("kii");
	town->call.command.exclusive = town->exclusive;
	flow_user_change(&town->flow, &town->call);
	return call_wait(town);
}

enum outcome town_set_phone(struct town *town, const char *id, enum phone_act act,
                            const char *digits)
{
	struct send_command send = town_send_command(town, PURPOSE_PHONE);
	struct user_command command = {
	    .op = USER_CHANGE,
	    .phone = act,
	    .number = test_number(digits),
	    .send = &send,
	    .send_or_nothing = true,
	    .same_sends = act == PHONE_KEEP,
	};
	return town_change(town, who_id(id), &command);
}

const struct user *town_find(struct town *town, struct who who)
{
	call_begin(town, &town->call, who);
	flow_user_find(&town->flow, &town->call);
	(void)call_wait(town);
	return town->call.user.user;
}
