/* SPDX-License-Identifier: Apache-2.0 */
#include "store/contract.h"
#include "store/memory.h"
#include "support/desk.h"
#include "support/sample.h"

#include "base/list.h"

#include <stdlib.h>

static void *memory_open(void)
{
	static uint64_t seed;
	return memory_new(++seed);
}

static struct store *memory_open_handle(void *about, struct executor *executor)
{
	return memory_attach(about, executor);
}

static void memory_end(void *about)
{
	memory_free(about);
}

static const struct contract_kind memory_kind = {
    .name = "store: memory",
    .open = memory_open,
    .attach = memory_open_handle,
    .close = memory_end,
};

/* --- what is memory's own -------------------------------------------------------------------- */

#define CALLS 50

struct ordered {
	struct store_commit commit;
	int number, *order;
	size_t *answers;
};

static void on_ordered(struct store_commit *commit)
{
	struct ordered *one = CONTAINER_OF(commit, struct ordered, commit);
	one->order[(*one->answers)++] = one->number;
}

/* In which order `CALLS` calls of one round were answered. */
static void order_of(uint64_t seed, int order[CALLS])
{
	struct memory_store *memory = memory_new(seed);
	struct desk desk;
	struct ordered calls[CALLS];
	size_t answers = 0;
	desk_init(&desk);
	desk.store = memory_attach(memory, &desk.executor.executor);
	for (int i = 0; i < CALLS; i++) {
		calls[i] = (struct ordered){{.on_done = on_ordered}, i, order, &answers};
		store_commit(desk.store, &calls[i].commit);
	}
	test_executor_run_count(&desk.executor, &answers, CALLS);
	desk_done(&desk);
	memory_free(memory);
}

static void answers_come_out_of_order_and_follow_the_seed(void **state)
{
	(void)state;
	int first[CALLS], again[CALLS], other[CALLS];
	order_of(7, first);
	order_of(7, again);
	order_of(8, other);
	assert_memory_equal(first, again, sizeof(first));
	assert_memory_not_equal(first, other, sizeof(first));
	size_t in_place = 0;
	for (int i = 0; i < CALLS; i++)
		in_place += first[i] == i;
	assert_in_range(in_place, 0, CALLS / 2);
}

static void a_hundred_thousand_verifications_fit(void **state)
{
	(void)state;
	struct memory_store *memory = memory_new(1);
	struct desk desk;
	desk_init(&desk);
	desk.store = memory_attach(memory, &desk.executor.executor);
	for (unsigned i = 0; i < 100000; i++) {
		struct verification v = sample_verification(i);
		struct message message = sample_message(i, &v);
		const struct change changes[] = {
		    {.kind = CHANGE_VERIFICATION, .verification = &v},
		    {.kind = CHANGE_MESSAGE, .message = &message},
		};
		assert_int_equal(desk_commit(&desk, changes, 2), OK);
	}
	assert_int_equal(desk_count(&desk).live, 100000);
	assert_int_equal(desk_purge_all(&desk, SAMPLE_MS, SAMPLE_MS + 600001), 200000);
	desk_done(&desk);
	memory_free(memory);
}

int main(void)
{
	const struct CMUnitTest own[] = {
	    cmocka_unit_test(answers_come_out_of_order_and_follow_the_seed),
	    cmocka_unit_test(a_hundred_thousand_verifications_fit),
	};
	return contract_run(&memory_kind, own, sizeof(own) / sizeof(own[0]));
}
