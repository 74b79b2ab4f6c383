/* SPDX-License-Identifier: Apache-2.0 */
/* The delivery thread with a loop of its own: what is written out, who waits and is answered, and
 * what an earlier run left in the store. */
#include "deliver/delivery.h"

#include "base/list.h"
#include "io/clock.h"
#include "store/memory.h"
#include "support/desk.h"
#include "support/engine.h"
#include "support/sample.h"

#include <pthread.h>
#include <stdatomic.h>

#define TEMPLATE "{{code}} is yours for {{validMinutes}} min"

static const struct secret_key keys[] = {
    {{"k2", 2}, {2, 3, 5, 7, 11, 13}},
    {{"k1", 2}, {1, 1, 2, 3, 5, 8}},
};

/* ---- a store that can be watched and held ---------------------------------------------------- */

/* Before the memory store, on the delivery's thread. */
struct watch {
	struct store store;
	struct store *inner;
	struct delivery *delivery;
	atomic_bool under_way;
	atomic_size_t delivered, failed, cancelled; /* messages committed as such */
	enum err claim_err;
	bool held; /* the first claim is answered by `holder`, later */
	struct store_claim *claim;
	pthread_t holder;
};

static struct watch *watch_of(struct store *store)
{
	return CONTAINER_OF(store, struct watch, store);
}

static void claim_run(struct task *task)
{
	struct store_claim *claim = CONTAINER_OF(task, struct store_claim, task);
	claim->on_done(claim);
}

/* Long enough for a stop that does not wait to be over. */
static void *holder_run(void *data)
{
	struct watch *watch = data;
	(void)nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
	atomic_store(&watch->under_way, false);
	watch->claim->err = watch->claim_err;
	watch->claim->claimed_n = 0;
	watch->claim->task.run = claim_run;
	executor_post(delivery_executor(watch->delivery), &watch->claim->task);
	return NULL;
}

static void watch_claim(struct store *store, struct store_claim *claim)
{
	struct watch *watch = watch_of(store);
	if (!watch->held) {
		watch->inner->ops->claim(watch->inner, claim);
		return;
	}
	watch->claim = claim;
	atomic_store(&watch->under_way, true);
	assert_int_equal(pthread_create(&watch->holder, NULL, holder_run, watch), 0);
}

static void watch_commit(struct store *store, struct store_commit *commit)
{
	struct watch *watch = watch_of(store);
	for (size_t i = 0; i < commit->changes_n; i++) {
		const struct message *message = commit->changes[i].message;
		assert_int_equal(commit->changes[i].kind, CHANGE_MESSAGE);
		assert_null(message->template.at);
		assert_true(bytes_equal(message->provider, BYTES("inbox")));
		assert_int_equal(message->attempts, 1);
		watch->delivered += message->state == MESSAGE_DELIVERED;
		watch->failed += message->state == MESSAGE_FAILED;
		watch->cancelled += message->state == MESSAGE_CANCELLED;
	}
	store_commit(watch->inner, commit);
}

static const struct store_ops watch_ops = {.claim = watch_claim, .commit = watch_commit};

/* ---- a place --------------------------------------------------------------------------------- */

struct place {
	struct memory_store *memory;
	struct desk desk; /* the test's own side: its store, and where questions are answered */
	struct delivery *delivery;
	struct watch watch;
	struct io_loop *loop; /* of an engine's thread; the test runs it, a round at a time */
	struct delivery_desk *port;
	struct keyring *keyring;
	int64_t now_ms;
	bool stopped;
};

static int place_make(void **state)
{
	struct place *place = calloc(1, sizeof(*place));
	const struct delivery_options options = {
	    .keys = keys, .keys_n = COUNT(keys), .inbox = BYTES("inbox")};
	assert_non_null(place);
	place->now_ms = clock_now_ms();
	place->memory = memory_new(1);
	desk_init(&place->desk);
	place->desk.store = memory_attach(place->memory, &place->desk.executor.executor);
	place->keyring = keyring_new(keys, COUNT(keys));
	place->delivery = delivery_new(&options);
	place->loop = io_loop_new();
	assert_true(place->desk.store && place->keyring && place->delivery && place->loop);
	place->port = delivery_desk_new(place->delivery, place->loop);
	assert_non_null(place->port);
	place->watch = (struct watch){.store.ops = &watch_ops, .delivery = place->delivery};
	place->watch.inner = memory_attach(place->memory, delivery_executor(place->delivery));
	assert_non_null(place->watch.inner);
	*state = place;
	return 0;
}

static void start(struct place *place)
{
	assert_int_equal(delivery_start(place->delivery, &place->watch.store), OK);
}

/* Ends the thread; the store's handle can be closed at once. */
static void stop(struct place *place)
{
	delivery_stop(place->delivery);
	place->watch.inner->ops->close(place->watch.inner);
	place->stopped = true;
}

static int place_remove(void **state)
{
	struct place *place = *state;
	if (!place->stopped)
		stop(place);
	delivery_desk_free(place->port);
	io_loop_free(place->loop);
	delivery_free(place->delivery);
	keyring_free(place->keyring);
	desk_done(&place->desk);
	memory_free(place->memory);
	free(place);
	return 0;
}

/* ---- messages -------------------------------------------------------------------------------- */

static struct verification verification_of(const struct place *place, unsigned n)
{
	struct verification v = sample_verification(n);
	v.id = sample_id(place->now_ms, &v.number, n);
	v.created_ms = place->now_ms;
	v.expires_ms = place->now_ms + 10 * MINUTES_MS;
	v.key_id = BYTES("k2");
	return v;
}

static struct message message_of(const struct verification *v, unsigned n)
{
	struct message message = sample_message(n, v);
	message.sender = BYTES("ORCHARD");
	message.template = BYTES(TEMPLATE);
	return message;
}

static void no_work(struct task *task)
{
	(void)task;
}

/* One round of the engine's loop: what was committed in it is handed over at its end. */
static void round_run(struct place *place)
{
	struct task task = {.run = no_work};
	executor_post(io_loop_executor(place->loop), &task);
	io_loop_stop(place->loop);
	io_loop_run(place->loop);
}

static void committed(struct place *place, const struct verification *v, unsigned n)
{
	const struct message message = message_of(v, n);
	struct deliver *deliver = delivery_desk_port(place->port);
	deliver->ops->committed(deliver, &message, v);
}

static void show(struct place *place, unsigned n)
{
	const struct verification v = verification_of(place, n);
	committed(place, &v, n);
	round_run(place);
}

/* ---- questions ------------------------------------------------------------------------------- */

struct question {
	struct delivery_question question;
	struct arena arena;
	bool done;
};

static void on_answer(struct delivery_question *asked)
{
	CONTAINER_OF(asked, struct question, question)->done = true;
}

static void question_init(struct place *place, struct question *question, int64_t wait_ms)
{
	*question = (struct question){.question = {.filter = {.max = INBOX_KEPT},
	                                           .wait_ms = wait_ms,
	                                           .executor = &place->desk.executor.executor,
	                                           .on_done = on_answer}};
	arena_init(&question->arena);
	question->question.arena = &question->arena;
}

static void question_ask(struct place *place, struct question *question)
{
	delivery_ask(place->delivery, &question->question);
}

static size_t question_await(struct place *place, struct question *question)
{
	test_executor_run_until(&place->desk.executor, &question->done);
	assert_int_equal(question->question.err, OK);
	return question->question.texts_n;
}

/* What there is now. */
static size_t ask(struct place *place, struct question *question)
{
	question_init(place, question, 0);
	question_ask(place, question);
	return question_await(place, question);
}

static void assert_shows(struct place *place, const struct inbox_text *text,
                         const struct verification *v)
{
	char code[CODE_LENGTH_MAX + 1], whole[64];
	assert_int_equal(code_derive(place->keyring, v, code), OK);
	(void)snprintf(whole, sizeof(whole), "%s is yours for 10 min", code);
	assert_true(bytes_equal(text->to, number_bytes(&v->number)));
	assert_true(bytes_equal(text->from, BYTES("ORCHARD")));
	assert_true(bytes_equal(text->code, bytes_from_text(code)));
	assert_true(bytes_equal(text->text, bytes_from_text(whole)));
}

/* ---- writing out ----------------------------------------------------------------------------- */

static void a_message_is_written_out(void **state)
{
	struct place *place = *state;
	struct question question;
	start(place);
	struct verification v = verification_of(place, 1);
	struct delivery_plan plan =
	    delivery_desk_port(place->port)->ops->plan(delivery_desk_port(place->port), &v.number);
	assert_int_equal(plan.route, ROUTE_AT_ONCE);
	assert_true(bytes_equal(plan.provider, BYTES("inbox")));
	committed(place, &v, 1);
	/* What it needs it has copied. */
	struct verification wiped = v;
	memset(&v, 'x', sizeof(v));
	round_run(place);
	assert_int_equal(ask(place, &question), 1);
	assert_shows(place, question.question.texts, &wiped);
	assert_int_equal(question.question.texts[0].at_ms, place->now_ms);
	arena_done(&question.arena);
}

/* Of one round in their order, and before what is asked after it. */
static void a_round_is_handed_over_in_order(void **state)
{
	struct place *place = *state;
	struct question question;
	start(place);
	for (unsigned n = 1; n <= 50; n++) {
		const struct verification v = verification_of(place, n);
		committed(place, &v, n);
	}
	assert_int_equal(ask(place, &question), 0);
	arena_done(&question.arena);
	round_run(place);
	assert_int_equal(ask(place, &question), 50);
	for (unsigned n = 1; n <= 50; n++) {
		const struct verification v = verification_of(place, n);
		assert_shows(place, &question.question.texts[50 - n], &v);
	}
	arena_done(&question.arena);
	round_run(place);
	assert_int_equal(ask(place, &question), 50);
	arena_done(&question.arena);
}

static void keys_and_codes_of_all_kinds(void **state)
{
	struct place *place = *state;
	struct question question;
	start(place);
	struct verification old = verification_of(place, 1), gone = verification_of(place, 2),
			    chosen = verification_of(place, 3), second = verification_of(place, 4);
	old.key_id = BYTES("k1");
	gone.key_id = BYTES("k0");
	chosen.chosen = true;
	second.generation = 2;
	memcpy(second.policy.alphabet, "AB", 3);
	second.policy.length = CODE_LENGTH_MAX;
	committed(place, &old, 1);
	committed(place, &gone, 2);
	committed(place, &chosen, 3);
	committed(place, &second, 4);
	round_run(place);
	/* What cannot be shown is left out, and holds nobody up. */
	assert_int_equal(ask(place, &question), 2);
	assert_shows(place, &question.question.texts[0], &second);
	assert_shows(place, &question.question.texts[1], &old);
	arena_done(&question.arena);
}

static void what_was_handed_over_is_done_before_the_end(void **state)
{
	struct place *place = *state;
	struct question question;
	start(place);
	show(place, 1);
	question_init(place, &question, 0);
	question_ask(place, &question);
	stop(place);
	assert_int_equal(question_await(place, &question), 1);
	arena_done(&question.arena);
}

/* Nobody takes them away yet: what comes after the last that may wait is dropped. */
static void a_full_queue_drops(void **state)
{
	struct place *place = *state;
	struct question question;
	for (unsigned n = 1; n <= DELIVERY_QUEUE_MAX + 2; n++) {
		const struct verification v = verification_of(place, n);
		committed(place, &v, n);
	}
	assert_int_equal(delivery_dropped(place->delivery), 2);
	round_run(place);
	start(place);
	assert_int_equal(ask(place, &question), INBOX_KEPT);
	struct verification last = verification_of(place, DELIVERY_QUEUE_MAX);
	assert_shows(place, question.question.texts, &last);
	arena_done(&question.arena);
	/* Then there is room again. */
	show(place, 7);
	last = verification_of(place, 7);
	assert_int_equal(ask(place, &question), INBOX_KEPT);
	assert_shows(place, question.question.texts, &last);
	arena_done(&question.arena);
}

#define ENGINES 4
#define EACH 100

struct engine {
	struct task task;
	struct place *place;
	struct io_loop *loop;
	struct delivery_desk *port;
	unsigned n;
};

/* One message a round. */
static void engine_run(struct task *task)
{
	struct engine *engine = CONTAINER_OF(task, struct engine, task);
	const struct verification v = verification_of(engine->place, engine->n);
	const struct message message = message_of(&v, engine->n);
	struct deliver *deliver = delivery_desk_port(engine->port);
	deliver->ops->committed(deliver, &message, &v);
	if (++engine->n % EACH)
		executor_post(io_loop_executor(engine->loop), &engine->task);
	else
		io_loop_stop(engine->loop);
}

static void many_loops_hand_over_at_once(void **state)
{
	struct place *place = *state;
	struct engine engines[ENGINES];
	struct question question;
	start(place);
	for (unsigned i = 0; i < ENGINES; i++) {
		engines[i] = (struct engine){
		    .task.run = engine_run, .place = place, .loop = io_loop_new(), .n = i * EACH};
		assert_non_null(engines[i].loop);
		engines[i].port = delivery_desk_new(place->delivery, engines[i].loop);
		assert_non_null(engines[i].port);
		executor_post(io_loop_executor(engines[i].loop), &engines[i].task);
		assert_int_equal(io_loop_start(engines[i].loop, "engine"), OK);
	}
	for (unsigned i = 0; i < ENGINES; i++) {
		io_loop_join(engines[i].loop);
		delivery_desk_free(engines[i].port);
		io_loop_free(engines[i].loop);
	}
	assert_int_equal(ask(place, &question), ENGINES * EACH);
	arena_done(&question.arena);
}

/* ---- waiting --------------------------------------------------------------------------------- */

static void who_does_not_wait_is_answered_at_once(void **state)
{
	struct place *place = *state;
	struct question question;
	start(place);
	assert_int_equal(ask(place, &question), 0);
	arena_done(&question.arena);
	show(place, 1);
	/* Nor who could wait, when there is something. */
	question_init(place, &question, 3600000);
	question_ask(place, &question);
	assert_int_equal(question_await(place, &question), 1);
	arena_done(&question.arena);
}

/* Three wait: for anybody's text, for one phone's, and for one that never gets any. */
static void who_waits_is_answered_by_what_comes(void **state)
{
	struct place *place = *state;
	struct question any, one, none;
	const struct number second = sample_number(2);
	start(place);
	question_init(place, &none, 3600000);
	none.question.filter.to = BYTES("999");
	question_init(place, &any, 3600000);
	question_init(place, &one, 3600000);
	one.question.filter.to = number_bytes(&second);
	question_ask(place, &none);
	question_ask(place, &any);
	question_ask(place, &one);
	show(place, 1);
	assert_int_equal(question_await(place, &any), 1);
	assert_false(one.done);
	show(place, 2);
	assert_int_equal(question_await(place, &one), 1);
	assert_true(bytes_equal(one.question.texts[0].to, number_bytes(&second)));
	assert_false(none.done);
	delivery_hurry(place->delivery);
	assert_int_equal(question_await(place, &none), 0);
	arena_done(&any.arena);
	arena_done(&one.arena);
	arena_done(&none.arena);
}

static void who_waits_in_vain_is_answered_after_the_wait(void **state)
{
	struct place *place = *state;
	struct question question;
	start(place);
	int64_t began_ms = clock_mono_ms();
	question_init(place, &question, 120);
	question_ask(place, &question);
	assert_int_equal(question_await(place, &question), 0);
	/* The loop reads its clock once a round. */
	assert_true(clock_mono_ms() - began_ms >= 110);
	arena_done(&question.arena);
}

static void after_a_hurry_nobody_waits(void **state)
{
	struct place *place = *state;
	struct question question;
	start(place);
	delivery_hurry(place->delivery);
	question_init(place, &question, 3600000);
	question_ask(place, &question);
	assert_int_equal(question_await(place, &question), 0);
	arena_done(&question.arena);
}

/* The last that may wait waits; one more is sent away, unless there is something for it. */
static void only_so_many_wait(void **state)
{
	struct place *place = *state;
	static struct question questions[DELIVERY_WAITERS_MAX], more, free_place;
	start(place);
	show(place, 1);
	for (size_t i = 0; i < DELIVERY_WAITERS_MAX; i++) {
		question_init(place, &questions[i], 3600000);
		questions[i].question.filter.to = i ? BYTES("999") : BYTES("447900000000002");
		question_ask(place, &questions[i]);
	}
	question_init(place, &more, 3600000);
	more.question.filter.to = BYTES("999");
	question_ask(place, &more);
	test_executor_run_until(&place->desk.executor, &more.done);
	assert_int_equal(more.question.err, ERR_OVERLOAD);
	arena_done(&more.arena);
	assert_int_equal(ask(place, &more), 1);
	arena_done(&more.arena);
	question_init(place, &more, 3600000);
	question_ask(place, &more);
	assert_int_equal(question_await(place, &more), 1);
	arena_done(&more.arena);
	/* One goes, one may come. */
	show(place, 2);
	assert_int_equal(question_await(place, &questions[0]), 1);
	question_init(place, &free_place, 3600000);
	free_place.question.filter.to = BYTES("999");
	question_ask(place, &free_place);
	question_init(place, &more, 3600000);
	more.question.filter.to = BYTES("999");
	question_ask(place, &more);
	test_executor_run_until(&place->desk.executor, &more.done);
	assert_int_equal(more.question.err, ERR_OVERLOAD);
	assert_false(free_place.done);
	delivery_hurry(place->delivery);
	for (size_t i = 1; i < DELIVERY_WAITERS_MAX; i++) {
		assert_int_equal(question_await(place, &questions[i]), 0);
		arena_done(&questions[i].arena);
	}
	assert_int_equal(question_await(place, &free_place), 0);
	arena_done(&questions[0].arena);
	arena_done(&free_place.arena);
	arena_done(&more.arena);
}

static void an_inbox_is_cleared(void **state)
{
	struct place *place = *state;
	struct question question, waits;
	start(place);
	show(place, 1);
	question_init(place, &waits, 3600000);
	waits.question.filter.to = BYTES("447900000000002");
	question_ask(place, &waits);
	question_init(place, &question, 3600000);
	question.question.clear = true;
	question_ask(place, &question);
	assert_int_equal(question_await(place, &question), 0);
	assert_int_equal(ask(place, &question), 0);
	/* Who waits goes on waiting. */
	assert_false(waits.done);
	show(place, 2);
	assert_int_equal(question_await(place, &waits), 1);
	arena_done(&waits.arena);
	arena_done(&question.arena);
}

/* ---- what an earlier run left ---------------------------------------------------------------- */

static void leave_queued(struct place *place, const struct verification *v,
                         const struct message *message)
{
	const struct change changes[] = {
	    {.kind = CHANGE_VERIFICATION, .verification = v},
	    {.kind = CHANGE_MESSAGE, .message = message},
	};
	assert_int_equal(desk_commit(&place->desk, changes, COUNT(changes)), OK);
}

static size_t still_to_do(struct place *place)
{
	struct claimed *claimed;
	size_t n;
	int64_t later_ms = place->now_ms + 9 * MINUTES_MS;
	assert_int_equal(desk_claim(&place->desk, later_ms, later_ms + 1, CLAIM_MAX, &claimed, &n),
	                 OK);
	return n;
}

/* More than one claim brings, and more than the inbox keeps. */
static void what_was_left_queued_is_shown_and_finished(void **state)
{
	struct place *place = *state;
	struct question question;
	unsigned left = 2 * CLAIM_MAX + 10;
	for (unsigned n = 1; n <= left; n++) {
		const struct verification v = verification_of(place, n);
		const struct message message = message_of(&v, n);
		leave_queued(place, &v, &message);
	}
	start(place);
	do {
		assert_true(ask(place, &question) <= INBOX_KEPT);
		arena_done(&question.arena);
	} while (atomic_load(&place->watch.delivered) < left);
	assert_int_equal(ask(place, &question), INBOX_KEPT);
	arena_done(&question.arena);
	stop(place);
	assert_int_equal(place->watch.delivered, left);
	assert_int_equal(place->watch.failed, 0);
	assert_int_equal(still_to_do(place), 0);
}

static void what_cannot_be_shown_is_finished_too(void **state)
{
	struct place *place = *state;
	struct question question;
	struct verification rows[6];
	for (unsigned n = 0; n < COUNT(rows); n++)
		rows[n] = verification_of(place, n);
	rows[1].key_id = BYTES("k0");
	rows[2].state = VERIFICATION_CANCELLED;
	rows[2].finished_ms = place->now_ms;
	rows[3].generation = 2;
	rows[4].expires_ms = place->now_ms + 1;
	for (unsigned n = 0; n < COUNT(rows); n++) {
		struct message message = message_of(&rows[n], n);
		message.generation = 1;
		/* Not yet due. */
		if (n == 5)
			message.next_ms = place->now_ms + 8 * MINUTES_MS;
		/* Late already. */
		if (n == 4)
			message.expires_ms = place->now_ms - 1;
		leave_queued(place, &rows[n], &message);
	}
	question_init(place, &question, 3600000);
	start(place);
	question_ask(place, &question);
	assert_int_equal(question_await(place, &question), 1);
	assert_shows(place, question.question.texts, &rows[0]);
	stop(place);
	assert_int_equal(place->watch.delivered, 1);
	assert_int_equal(place->watch.failed, 1);
	assert_int_equal(place->watch.cancelled, 2);
	assert_int_equal(still_to_do(place), 1);
	arena_done(&question.arena);
}

/* The store's handle is closed right after the stop: nothing may be under way then. */
static void a_stop_waits_for_the_store(void **state)
{
	struct place *place = *state;
	place->watch.held = true;
	start(place);
	delivery_stop(place->delivery);
	assert_false(atomic_load(&place->watch.under_way));
	assert_non_null(place->watch.claim);
	(void)pthread_join(place->watch.holder, NULL);
	place->watch.inner->ops->close(place->watch.inner);
	place->stopped = true;
}

static void a_store_that_fails_ends_the_claims(void **state)
{
	struct place *place = *state;
	struct question question;
	place->watch.held = true;
	place->watch.claim_err = ERR_STORE;
	start(place);
	show(place, 1);
	assert_int_equal(ask(place, &question), 1);
	arena_done(&question.arena);
	stop(place);
	(void)pthread_join(place->watch.holder, NULL);
}

static void a_stop_at_once_is_fine(void **state)
{
	struct place *place = *state;
	for (unsigned n = 1; n <= 2 * CLAIM_MAX; n++) {
		const struct verification v = verification_of(place, n);
		const struct message message = message_of(&v, n);
		leave_queued(place, &v, &message);
	}
	start(place);
	stop(place);
	/* What was claimed is finished. */
	assert_int_equal(still_to_do(place) + place->watch.delivered > CLAIM_MAX, true);
}

static void nothing_to_free_is_fine(void **state)
{
	(void)state;
	delivery_free(NULL);
	delivery_desk_free(NULL);
	const struct delivery_options options = {
	    .keys = keys, .keys_n = COUNT(keys), .inbox = BYTES("inbox")};
	delivery_free(delivery_new(&options));
}

#define PLACED(test) cmocka_unit_test_setup_teardown(test, place_make, place_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    PLACED(a_message_is_written_out),
	    PLACED(a_round_is_handed_over_in_order),
	    PLACED(keys_and_codes_of_all_kinds),
	    PLACED(what_was_handed_over_is_done_before_the_end),
	    PLACED(a_full_queue_drops),
	    PLACED(many_loops_hand_over_at_once),
	    PLACED(who_does_not_wait_is_answered_at_once),
	    PLACED(who_waits_is_answered_by_what_comes),
	    PLACED(who_waits_in_vain_is_answered_after_the_wait),
	    PLACED(after_a_hurry_nobody_waits),
	    PLACED(only_so_many_wait),
	    PLACED(an_inbox_is_cleared),
	    PLACED(what_was_left_queued_is_shown_and_finished),
	    PLACED(what_cannot_be_shown_is_finished_too),
	    PLACED(a_stop_waits_for_the_store),
	    PLACED(a_store_that_fails_ends_the_claims),
	    PLACED(a_stop_at_once_is_fine),
	    cmocka_unit_test(nothing_to_free_is_fine),
	};
	return cmocka_run_group_tests_name("delivery", tests, NULL, NULL);
}
