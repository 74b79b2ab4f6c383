/* SPDX-License-Identifier: Apache-2.0 */
/* Flows that race over a store that fails: what did not happen, what may have happened, and what
 * lost. Faults are answered as faults; nothing is delivered that was not told to be on disk; and
 * what is stored is what was told, and the commits that were hidden. */
#include "support/race.h"

/* ---- a store that fails ---------------------------------------------------------------------- */

/* Out of a hundred calls. */
#define LOADS_LOST 5
#define DOUBTS_LOST 50      /* of the look-ups that would resolve one */
#define COMMITS_LOST 5      /* ERR_STORE, and so it is */
#define COMMITS_UNKNOWN 5   /* ERR_UNKNOWN, nothing happened */
#define COMMITS_HIDDEN 5    /* ERR_UNKNOWN, yet it happened */
#define COMMITS_CONFLICT 10 /* ERR_CONFLICT, nothing happened */
#define COMMITS_REFUSED 3   /* ERR_OVERLOAD */

struct hidden_commit {
	struct store_commit commit;
	struct store_commit *asked; /* borrowed */
	struct id event;
	bool happened;
};

#define HIDDEN_MAX 4096

struct flaky {
	struct store store;
	struct store *inner; /* borrowed */
	struct executor *executor;
	struct test_rng rng;
	size_t hidden_n;
	struct hidden_commit hidden[HIDDEN_MAX];
	/* of the hidden commits that happened */
	size_t hidden_guesses_n, hidden_approved_n, hidden_messages_n;
};

static struct flaky *flaky_of(struct store *store)
{
	return CONTAINER_OF(store, struct flaky, store);
}

static void on_load_task(struct task *task)
{
	struct store_load *load = CONTAINER_OF(task, struct store_load, task);
	load->on_done(load);
}

static void on_commit_task(struct task *task)
{
	struct store_commit *commit = CONTAINER_OF(task, struct store_commit, task);
	commit->on_done(commit);
}

static const struct id *event_of(const struct store_commit *commit)
{
	return &commit->changes[commit->changes_n - 1].event->id;
}

/* Whoever asked will never learn that this commit happened. */
static void count_hidden(struct flaky *flaky, const struct store_commit *commit)
{
	for (size_t i = 0; i < commit->changes_n; i++) {
		const struct change *change = &commit->changes[i];
		flaky->hidden_guesses_n +=
		    change->kind == CHANGE_BUDGET &&
		    bytes_equal(commit->changes[commit->changes_n - 1].event->kind,
		                BYTES("checked"));
		flaky->hidden_approved_n += change->kind == CHANGE_VERIFICATION &&
		                            change->verification->state == VERIFICATION_APPROVED;
		flaky->hidden_messages_n += change->kind == CHANGE_MESSAGE;
	}
}

/* The look-up that would have resolved a doubt is lost too. */
static void doubt_stays(struct flaky *flaky, const struct store_load *load)
{
	for (size_t i = 0; i < flaky->hidden_n; i++) {
		const struct hidden_commit *hidden = &flaky->hidden[i];
		if (hidden->happened && id_equal(&hidden->event, &load->id))
			count_hidden(flaky, hidden->asked);
	}
}

static void flaky_load(struct store *store, struct store_load *load)
{
	struct flaky *flaky = flaky_of(store);
	if (test_rng_below(&flaky->rng, 100) >=
	    (load->want & WANT_EVENT ? DOUBTS_LOST : LOADS_LOST)) {
		store_load(flaky->inner, load);
		return;
	}
	if (load->want & WANT_EVENT)
		doubt_stays(flaky, load);
	load->err = ERR_STORE;
	load->task.run = on_load_task;
	executor_post(flaky->executor, &load->task);
}

static void on_hidden(struct store_commit *commit)
{
	struct hidden_commit *hidden = CONTAINER_OF(commit, struct hidden_commit, commit);
	hidden->happened = commit->err == OK;
	hidden->asked->err = commit->err ? commit->err : ERR_UNKNOWN;
	hidden->asked->on_done(hidden->asked);
}

static void commit_hide(struct flaky *flaky, struct store_commit *asked)
{
	assert_true(flaky->hidden_n < HIDDEN_MAX);
	struct hidden_commit *hidden = &flaky->hidden[flaky->hidden_n++];
	*hidden = (struct hidden_commit){
	    .commit = {.changes = asked->changes,
	               .changes_n = asked->changes_n,
	               .on_done = on_hidden},
	    .asked = asked,
	    .event = *event_of(asked),
	};
	store_commit(flaky->inner, &hidden->commit);
}

static void flaky_commit(struct store *store, struct store_commit *commit)
{
	static const struct {
		unsigned share;
		enum err err;
	} failures[] = {
	    {COMMITS_LOST, ERR_STORE},
	    {COMMITS_UNKNOWN, ERR_UNKNOWN},
	    {COMMITS_CONFLICT, ERR_CONFLICT},
	    {COMMITS_REFUSED, ERR_OVERLOAD},
	};
	struct flaky *flaky = flaky_of(store);
	uint64_t draw = test_rng_below(&flaky->rng, 100);
	for (size_t i = 0; i < COUNT(failures); draw -= failures[i++].share) {
		if (draw >= failures[i].share)
			continue;
		commit->err = failures[i].err;
		commit->task.run = on_commit_task;
		executor_post(flaky->executor, &commit->task);
		return;
	}
	if (draw < COMMITS_HIDDEN)
		commit_hide(flaky, commit);
	else
		store_commit(flaky->inner, commit);
}

static void flaky_note(struct store *store, const struct event *event)
{
	struct store *inner = flaky_of(store)->inner;
	inner->ops->note(inner, event);
}

static const struct store_ops flaky_ops = {
    .name = "flaky",
    .load = flaky_load,
    .commit = flaky_commit,
    .note = flaky_note,
};

/* From here on the loops' flows work on stores that fail. */
static struct flaky *race_make_flaky(struct race *race)
{
	struct flaky *flaky = calloc(race->loops_n, sizeof(*flaky));
	assert_non_null(flaky);
	for (size_t i = 0; i < race->loops_n; i++) {
		struct loop *loop = &race->loops[i];
		flaky[i].store.ops = &flaky_ops;
		flaky[i].inner = loop->store;
		flaky[i].executor = &loop->executor->executor;
		test_rng_init(&flaky[i].rng, race->seed * 31 + i);
		loop->flow.ports.store = &flaky[i].store;
	}
	return flaky;
}

/* ---- races ----------------------------------------------------------------------------------- */

/* Only what the store may say; each answer once. */
static size_t assert_faults(const struct race *race)
{
	size_t faults = race_faults(race, ERR_STORE) + race_faults(race, ERR_UNKNOWN) +
	                race_faults(race, ERR_OVERLOAD) + race_faults(race, ERR_CONFLICT);
	assert_race(race, race_faults(race, OK) + faults == race->calls_n);
	return faults;
}

static void no_fault_gives_back_a_guess(void **state)
{
	(void)state;
	size_t faults = 0, hidden = 0;
	for (uint64_t seed = 1; seed <= 300; seed++) {
		struct race *race = race_new(seed, 2, false);
		race_send_first(race, REPEAT_PARALLEL);
		struct flaky *flaky = race_make_flaky(race);
		size_t right = test_rng_below(&race->rng, 10);
		for (size_t i = 0; i < 100; i++)
			race_guess_new(race, race_any_loop(race), i == right);
		race_run_on_one_thread(race);
		race_read_stored(race);
		faults += assert_faults(race);
		size_t approved = race_outcomes(race, OUTCOME_APPROVED);
		size_t told = approved + race_outcomes(race, OUTCOME_WRONG) +
		              race_outcomes(race, OUTCOME_LOCKED);
		size_t hidden_guesses = 0, hidden_approved = 0;
		for (size_t i = 0; i < race->loops_n; i++) {
			hidden_guesses += flaky[i].hidden_guesses_n;
			hidden_approved += flaky[i].hidden_approved_n;
		}
		hidden += hidden_guesses;
		const struct verification *v = race->stored.verification;
		assert_race(race, v->tries <= 5);
		assert_race(race, v->tries == told + hidden_guesses);
		assert_race(race, race->stored.budget->guesses.n == v->tries);
		assert_race(race, approved + hidden_approved <= 1);
		assert_race(race, (v->state == VERIFICATION_APPROVED) ==
		                      (approved + hidden_approved == 1));
		if (v->state != VERIFICATION_APPROVED)
			assert_race(race, race->stored.failures->count == v->tries);
		free(flaky);
		race_free(race);
	}
	assert_in_range(faults, 1000, SIZE_MAX);
	assert_in_range(hidden, 10, SIZE_MAX);
}

/* A send that answered is told to delivery once, one that did not is not told at all: what a
 * doubtful commit left in the store is found there later. */
static void nothing_is_delivered_without_a_commit(void **state)
{
	static const enum repeat repeats[] = {REPEAT_PARALLEL, REPEAT_REPLACE, REPEAT_NEW,
	                                      REPEAT_SAME};
	(void)state;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct race *race = race_new(seed, 2, false);
		race->limits.enabled = false;
		struct flaky *flaky = race_make_flaky(race);
		for (size_t i = 0; i < 60; i++)
			race_send_new(race, race_any_loop(race), repeats[seed % COUNT(repeats)]);
		race_run_on_one_thread(race);
		race_read_stored(race);
		assert_faults(race);
		size_t sent = 0, told = 0, hidden = 0;
		for (size_t i = 0; i < race->calls_n; i++) {
			const struct race_call *call = &race->calls[i];
			bool is_sent = call->flow.err == OK;
			sent += is_sent;
			if (id_is_zero(&call->flow.result.message.id))
				continue;
			assert_race(race,
			            test_deliver_count(&call->loop->deliver,
			                               &call->flow.result.message.id) == is_sent);
		}
		for (size_t i = 0; i < race->loops_n; i++) {
			told += race->loops[i].deliver.delivered_n;
			hidden += flaky[i].hidden_messages_n;
		}
		assert_race(race, told == sent);
		assert_race(race, race->counts.messages == sent + hidden);
		assert_race(race, repeats[seed % COUNT(repeats)] == REPEAT_PARALLEL ||
		                      race->counts.live == (sent + hidden > 0));
		free(flaky);
		race_free(race);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_fault_gives_back_a_guess),
	    cmocka_unit_test(nothing_is_delivered_without_a_commit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
