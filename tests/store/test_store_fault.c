/* SPDX-License-Identifier: Apache-2.0 */
/* The fault store: with nothing but delays it keeps the contract; with faults it does what its plan
 * says, and not more. */
#include "store/contract.h"
#include "store/fault.h"
#include "store/memory.h"
#include "support/desk.h"
#include "support/sample.h"

#include "base/list.h"

static void *memory_open(void)
{
	static uint64_t seed;
	return memory_new(++seed);
}

static struct store *fault_attach(void *about, struct executor *executor)
{
	const struct fault_plan plan = {.seed = 1, .delayed = 400, .delay = 3};
	return fault_new(memory_attach(about, executor), executor, &plan);
}

static void memory_close(void *about)
{
	memory_free(about);
}

static const struct contract_kind fault_kind = {
    .name = "store: fault",
    .open = memory_open,
    .attach = fault_attach,
    .close = memory_close,
};

/* --- what is its own ------------------------------------------------------------------------- */

struct scene {
	struct memory_store *memory;
	struct desk desk, truth; /* through the faults, and past them */
};

static void scene_open(struct scene *scene, const struct fault_plan *plan)
{
	struct executor *executor = &scene->desk.executor.executor;
	scene->memory = memory_new(1);
	desk_init(&scene->desk);
	desk_init(&scene->truth);
	scene->desk.store = fault_new(memory_attach(scene->memory, executor), executor, plan);
	scene->truth.store = memory_attach(scene->memory, &scene->truth.executor.executor);
}

static void scene_close(struct scene *scene)
{
	desk_done(&scene->desk);
	desk_done(&scene->truth);
	memory_free(scene->memory);
}

static enum err tenant_write(struct scene *scene)
{
	struct tenant tenant = sample_tenant();
	return desk_change(&scene->desk, CHANGE_TENANT, &tenant);
}

static bool tenant_is_there(struct scene *scene)
{
	return desk_count(&scene->truth).tenants == 1;
}

static void faults_are_told_as_planned(void **state)
{
	(void)state;
	static const struct {
		struct fault_plan plan;
		enum err err;
		bool done;
	} rows[] = {
	    {{0}, OK, true},
	    {{.refused = 1000}, ERR_STORE, false},
	    {{.lost = 1000}, ERR_UNKNOWN, false},
	    {{.doubtful = 1000}, ERR_UNKNOWN, true},
	    {{.delayed = 1000, .delay = 10}, OK, true},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct scene scene;
		scene_open(&scene, &rows[i].plan);
		assert_int_equal(tenant_write(&scene), rows[i].err);
		assert_int_equal(tenant_is_there(&scene), rows[i].done);
		assert_int_equal(fault_counts(scene.desk.store).calls, 1);
		scene_close(&scene);
	}
}

static void a_conflict_is_never_in_doubt(void **state)
{
	(void)state;
	struct scene scene;
	scene_open(&scene, &(struct fault_plan){.doubtful = 1000, .after = 1});
	assert_int_equal(tenant_write(&scene), OK);
	assert_int_equal(tenant_write(&scene), ERR_CONFLICT);
	scene_close(&scene);
}

static void reading_fails_plainly(void **state)
{
	(void)state;
	struct scene scene;
	scene_open(&scene, &(struct fault_plan){.lost = 500, .doubtful = 500});
	struct store_load load = {.want = WANT_TENANT, .tenant = BYTES("acme")};
	assert_int_equal(desk_load(&scene.desk, &load), ERR_STORE);
	assert_null(load.tenant_record);
	uint64_t generation;
	assert_int_equal(scene.desk.store->ops->generation(scene.desk.store, &generation),
	                 ERR_STORE);
	fault_set(scene.desk.store, &(struct fault_plan){0});
	assert_int_equal(desk_load(&scene.desk, &load), OK);
	scene_close(&scene);
}

static void a_failed_walk_has_no_page(void **state)
{
	(void)state;
	static const struct fault_plan plans[] = {
	    {.refused = 1000}, {.lost = 1000}, {.doubtful = 1000}};
	for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
		struct scene scene;
		const void *page[WALK_MAX];
		size_t n;
		scene_open(&scene, &(struct fault_plan){0});
		assert_int_equal(tenant_write(&scene), OK);
		fault_set(scene.desk.store, &plans[i]);
		assert_int_equal(desk_walk(&scene.desk, CHANGE_TENANT, NULL, page, &n), ERR_STORE);
		assert_int_equal(n, 0);
		fault_set(scene.desk.store, &(struct fault_plan){.delayed = 1000, .delay = 3});
		assert_int_equal(desk_walk(&scene.desk, CHANGE_TENANT, NULL, page, &n), OK);
		assert_int_equal(n, 1);
		scene_close(&scene);
	}
}

static void erasing_fails_as_planned(void **state)
{
	(void)state;
	static const struct {
		struct fault_plan plan;
		enum err err;
		bool done;
	} rows[] = {
	    {{.refused = 1000}, ERR_STORE, false},
	    {{.lost = 1000}, ERR_UNKNOWN, false},
	    {{.doubtful = 1000}, ERR_UNKNOWN, true},
	    {{.delayed = 1000, .delay = 3}, OK, true},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct scene scene;
		struct user user = sample_user(1);
		struct store_erase erase = {.number = sample_number(1), .users = 9};
		scene_open(&scene, &(struct fault_plan){0});
		user.phone = sample_number(1);
		assert_int_equal(desk_change(&scene.desk, CHANGE_USER, &user), OK);
		fault_set(scene.desk.store, &rows[i].plan);
		assert_int_equal(desk_erase(&scene.desk, &erase), rows[i].err);
		assert_int_equal(erase.users, rows[i].err == OK);
		assert_int_equal(desk_count(&scene.truth).users, !rows[i].done);
		scene_close(&scene);
	}
}

static size_t answers;

static void on_answer(struct store_commit *commit)
{
	(void)commit;
	answers++;
}

static void dropped_and_vanished_calls_are_never_answered(void **state)
{
	(void)state;
	for (int done = 0; done < 2; done++) {
		struct scene scene;
		struct tenant tenant = sample_tenant();
		const struct change change = {.kind = CHANGE_TENANT, .tenant = &tenant};
		struct store_commit commit = {
		    .changes = &change, .changes_n = 1, .on_done = on_answer};
		scene_open(&scene, done ? &(struct fault_plan){.vanished = 1000}
		                        : &(struct fault_plan){.dropped = 1000});
		answers = 0;
		store_commit(scene.desk.store, &commit);
		test_executor_run_all(&scene.desk.executor);
		assert_int_equal(answers, 0);
		assert_int_equal(tenant_is_there(&scene), done);
		struct fault_counts counts = fault_counts(scene.desk.store);
		assert_int_equal(done ? counts.vanished : counts.dropped, 1);
		scene_close(&scene);
	}
}

/* One call, the one a simulation wants to see fail. */
static void a_plan_can_strike_once(void **state)
{
	(void)state;
	struct scene scene;
	scene_open(&scene, &(struct fault_plan){.refused = 1000, .after = 3, .faults_max = 1});
	for (int i = 0; i < 10; i++) {
		struct event event = sample_event((unsigned)i);
		assert_int_equal(desk_change(&scene.desk, CHANGE_EVENT, &event),
		                 i == 3 ? ERR_STORE : OK);
	}
	scene_close(&scene);
}

/* The same seed: the same faults. Roughly as many as the plan says. */
static void faults_follow_the_seed(void **state)
{
	(void)state;
	enum { CALLS = 1000 };
	static enum err errs[2][CALLS];
	for (int round = 0; round < 2; round++) {
		struct scene scene;
		scene_open(&scene,
		           &(struct fault_plan){.seed = 42, .refused = 100, .doubtful = 200});
		for (unsigned i = 0; i < CALLS; i++) {
			struct event event = sample_event(i);
			errs[round][i] = desk_change(&scene.desk, CHANGE_EVENT, &event);
		}
		struct fault_counts counts = fault_counts(scene.desk.store);
		assert_in_range(counts.refused, 50, 150);
		assert_in_range(counts.doubtful, 150, 250);
		assert_int_equal(desk_count(&scene.truth).events, CALLS - counts.refused);
		scene_close(&scene);
	}
	assert_memory_equal(errs[0], errs[1], sizeof(errs[0]));
}

static void notes_can_be_lost(void **state)
{
	(void)state;
	struct scene scene;
	struct event event = sample_event(1);
	scene_open(&scene, &(struct fault_plan){.refused = 1000});
	scene.desk.store->ops->note(scene.desk.store, &event);
	assert_int_equal(desk_count(&scene.truth).events, 0);
	scene_close(&scene);
}

int main(void)
{
	const struct CMUnitTest own[] = {
	    cmocka_unit_test(faults_are_told_as_planned),
	    cmocka_unit_test(a_conflict_is_never_in_doubt),
	    cmocka_unit_test(reading_fails_plainly),
	    cmocka_unit_test(a_failed_walk_has_no_page),
	    cmocka_unit_test(erasing_fails_as_planned),
	    cmocka_unit_test(dropped_and_vanished_calls_are_never_answered),
	    cmocka_unit_test(a_plan_can_strike_once),
	    cmocka_unit_test(faults_follow_the_seed),
	    cmocka_unit_test(notes_can_be_lost),
	};
	return contract_run(&fault_kind, own, sizeof(own) / sizeof(own[0]));
}
