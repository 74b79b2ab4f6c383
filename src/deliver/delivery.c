/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/delivery.h"

#include "base/buf.h"
#include "core/message.h"
#include "ops/log.h"

#include <stdatomic.h>
#include <stdlib.h>

#define WAITERS_TICK_MS 50
#define CLAIM_LAPSE_MS 60000

struct delivery {
	struct io_loop *loop;    /* owned */
	struct keyring *keyring; /* owned; the thread's */
	struct rng_system rng;   /* the thread's */
	struct inbox *inbox;     /* owned; the thread's */
	struct bytes inbox_name; /* absent: no provider */
	struct store *store;     /* borrowed */
	struct list waiters;     /* the thread's: questions that wait */
	size_t waiters_n;
	bool hurried;  /* the thread's */
	bool claiming; /* the thread's: the store is being asked for what an earlier run left */
	bool stopping; /* the thread's */
	struct task first, hurry, stop;
	struct io_timer *timer;
	struct store_claim claim; /* what an earlier run left */
	struct store_commit commit;
	struct change claimed_changes[CLAIM_MAX];
	struct arena claim_arena;
	struct arena arena; /* for as long as the delivery */
	atomic_size_t queued;
	atomic_uint_fast64_t dropped;      /* not yet told */
	atomic_uint_fast64_t dropped_ever; /* told or not */
};

/* A committed message on its way to the thread: copies of all it needs, in one piece of memory. */
struct handed {
	struct task task; /* of the first of a round */
	struct handed *next;
	struct delivery *delivery;
	struct verification verification;
	struct bytes sender, template;
	int64_t at_ms;
	char text[]; /* what the above point at */
};

/* ---- writing a message out ------------------------------------------------------------------- */

/* Waiters that have something now, or may not wait any longer, are answered. */
static void waiters_look(struct delivery *delivery);

static enum err write_out(struct delivery *delivery, const struct verification *v,
                          struct bytes sender, struct bytes template, int64_t at_ms)
{
	char code[CODE_LENGTH_MAX + 1];
	struct buf text;
	buf_init(&text, 0);
	/* A chosen code has no message; a key may have gone since a message was queued. */
	enum err err = v->chosen || !keyring_has(delivery->keyring, v->key_id)
	                   ? ERR_UNSUPPORTED
	                   : code_derive(delivery->keyring, v, code);
	if (err == OK) {
		struct bytes code_text = {code, v->policy.length};
		message_fill(template, code_text, v->expires_ms - at_ms, &text);
		err = text.failed ? ERR_NO_MEMORY
		                  : inbox_add(delivery->inbox, &(struct inbox_text){
								   .to = number_bytes(&v->number),
								   .from = sender,
								   .text = buf_bytes(&text),
								   .code = code_text,
								   .at_ms = at_ms,
							       });
	}
	if (err)
		LOG(LOG_ERROR, "inbox", log_number("number", &v->number),
		    log_text("why", bytes_from_text(err_text(err))),
		    log_text("consequence", BYTES("the message is not shown")));
	secret_wipe(code, sizeof(code));
	buf_done(&text);
	return err;
}

/* What one loop committed in one round. */
static void handed_run(struct task *task)
{
	struct handed *handed = CONTAINER_OF(task, struct handed, task);
	struct delivery *delivery = handed->delivery;
	while (handed) {
		struct handed *next = handed->next;
		(void)write_out(delivery, &handed->verification, handed->sender, handed->template,
		                handed->at_ms);
		atomic_fetch_sub(&delivery->queued, 1);
		free(handed);
		handed = next;
	}
	if (delivery->waiters_n)
		waiters_look(delivery);
}

/* ---- the engine's port ----------------------------------------------------------------------- */

struct delivery_desk {
	struct deliver port;
	struct io_hook hook;
	struct delivery *delivery;    /* borrowed */
	struct handed *first, **last; /* of this round, in order */
};

static struct delivery_plan port_plan(struct deliver *port, const struct number *number)
{
	const struct delivery *delivery = CONTAINER_OF(port, struct delivery_desk, port)->delivery;
	(void)number;
	return (struct delivery_plan){
	    .route = delivery->inbox_name.at ? ROUTE_AT_ONCE : ROUTE_NONE,
	    .provider = delivery->inbox_name,
	};
}

static struct bytes pack(char **at, struct bytes from)
{
	struct bytes packed = {*at, from.len};
	if (from.len)
		memcpy(*at, from.at, from.len);
	*at += from.len;
	return packed;
}

static void port_committed(struct deliver *port, const struct message *message,
                           const struct verification *v)
{
	struct delivery_desk *desk = CONTAINER_OF(port, struct delivery_desk, port);
	struct delivery *delivery = desk->delivery;
	size_t len = message->sender.len + message->template.len + v->tenant.len + v->key_id.len;
	struct handed *handed = NULL;
	if (atomic_fetch_add(&delivery->queued, 1) < DELIVERY_QUEUE_MAX)
		handed = malloc(sizeof(*handed) + len);
	if (!handed) {
		atomic_fetch_sub(&delivery->queued, 1);
		atomic_fetch_add(&delivery->dropped, 1);
		atomic_fetch_add(&delivery->dropped_ever, 1);
		return;
	}
	char *at = handed->text;
	handed->task.run = handed_run;
	handed->delivery = delivery;
	handed->at_ms = message->created_ms;
	handed->verification = *v;
	handed->verification.client = handed->verification.user = BYTES_NONE;
	handed->verification.dialect = handed->verification.slot = BYTES_NONE;
	handed->verification.address = handed->verification.device = BYTES_NONE;
	handed->verification.tenant = pack(&at, v->tenant);
	handed->verification.key_id = pack(&at, v->key_id);
	handed->sender = pack(&at, message->sender);
	handed->template = pack(&at, message->template);
	handed->next = NULL;
	*desk->last = handed;
	desk->last = &handed->next;
}

static void on_round_end(struct io_hook *hook)
{
	struct delivery_desk *desk = CONTAINER_OF(hook, struct delivery_desk, hook);
	struct handed *first = desk->first;
	if (!first)
		return;
	desk->first = NULL;
	desk->last = &desk->first;
	executor_post(io_loop_executor(desk->delivery->loop), &first->task);
}

static const struct deliver_ops port_ops = {
    .plan = port_plan,
    .committed = port_committed,
};

struct delivery_desk *delivery_desk_new(struct delivery *delivery, struct io_loop *loop)
{
	struct delivery_desk *desk = calloc(1, sizeof(*desk));
	if (!desk)
		return NULL;
	desk->port.ops = &port_ops;
	desk->delivery = delivery;
	desk->last = &desk->first;
	desk->hook.run = on_round_end;
	io_loop_on_round_end(loop, &desk->hook);
	return desk;
}

void delivery_desk_free(struct delivery_desk *desk)
{
	if (!desk)
		return;
	list_remove(&desk->hook.link);
	free(desk);
}

struct deliver *delivery_desk_port(struct delivery_desk *desk)
{
	return &desk->port;
}

/* ---- questions ------------------------------------------------------------------------------- */

static void question_done(struct task *task)
{
	struct delivery_question *question = CONTAINER_OF(task, struct delivery_question, task);
	question->on_done(question);
}

static void question_answer(struct delivery_question *question, enum err err)
{
	question->err = err;
	question->task.run = question_done;
	executor_post(question->executor, &question->task);
}

/* Answers when there is something, or when there is no use in waiting. */
static bool question_try(struct delivery *delivery, struct delivery_question *question,
                         bool in_vain_too)
{
	enum err err = inbox_read(delivery->inbox, &question->filter, question->arena,
	                          &question->texts, &question->texts_n);
	if (err == OK && !question->texts_n && !in_vain_too)
		return false;
	question_answer(question, err);
	return true;
}

static void waiters_look(struct delivery *delivery)
{
	int64_t now_ms = io_loop_mono_ms(delivery->loop);
	for (struct list *at = delivery->waiters.next; at != &delivery->waiters;) {
		struct delivery_question *question =
		    CONTAINER_OF(at, struct delivery_question, waiter);
		at = at->next;
		struct list *link = &question->waiter;
		bool in_vain_too = delivery->hurried || now_ms >= question->until_ms;
		list_remove(link);
		if (question_try(delivery, question, in_vain_too)) {
			delivery->waiters_n--;
		} else {
			/* Back to where it stood: before its successor. */
			list_append(at, link);
		}
	}
}

static void waiters_tick(void *data)
{
	struct delivery *delivery = data;
	uint64_t dropped = atomic_exchange(&delivery->dropped, 0);
	if (dropped)
		LOG(LOG_WARNING, "inbox-dropped", log_i64("messages", (int64_t)dropped),
		    log_text("why", BYTES("they came faster than the inbox could show them")));
	if (delivery->waiters_n)
		waiters_look(delivery);
}

static void question_run(struct task *task)
{
	struct delivery_question *question = CONTAINER_OF(task, struct delivery_question, task);
	struct delivery *delivery = question->delivery;
	if (question->clear) {
		inbox_clear(delivery->inbox);
		question_answer(question, OK);
		return;
	}
	bool may_wait = question->wait_ms > 0 && !delivery->hurried;
	if (question_try(delivery, question, !may_wait))
		return;
	if (delivery->waiters_n == DELIVERY_WAITERS_MAX) {
		question_answer(question, ERR_OVERLOAD);
		return;
	}
	question->until_ms = io_loop_mono_ms(delivery->loop) + question->wait_ms;
	list_append(&delivery->waiters, &question->waiter);
	delivery->waiters_n++;
}

void delivery_ask(struct delivery *delivery, struct delivery_question *question)
{
	question->delivery = delivery;
	question->task.run = question_run;
	executor_post(io_loop_executor(delivery->loop), &question->task);
}

static void hurry_run(struct task *task)
{
	struct delivery *delivery = CONTAINER_OF(task, struct delivery, hurry);
	delivery->hurried = true;
	waiters_look(delivery);
}

void delivery_hurry(struct delivery *delivery)
{
	delivery->hurry.run = hurry_run;
	executor_post(io_loop_executor(delivery->loop), &delivery->hurry);
}

/* ---- what an earlier run left queued --------------------------------------------------------- */

static void claim_next(struct delivery *delivery);

/* The store is asked nothing more: its handle may be closed, and the thread end. */
static void claim_end(struct delivery *delivery, enum err err)
{
	if (err)
		LOG(LOG_ERROR, "queued-messages", log_text("why", bytes_from_text(err_text(err))),
		    log_text("consequence", BYTES("they are shown at the next start")));
	delivery->claiming = false;
	if (delivery->stopping)
		io_loop_stop(delivery->loop);
}

static void on_shown(struct store_commit *commit)
{
	struct delivery *delivery = CONTAINER_OF(commit, struct delivery, commit);
	if (commit->err || delivery->stopping)
		claim_end(delivery, commit->err);
	else
		claim_next(delivery);
}

/* Shows the message and finishes it: as cancelled when its code is no longer the one that waits, as
 * failed when it cannot be shown. */
static void claimed_show(struct delivery *delivery, const struct claimed *claimed)
{
	struct message *message = claimed->message;
	const struct verification *v = claimed->verification;
	if (v->state != VERIFICATION_LIVE || v->generation != message->generation)
		message->state = MESSAGE_CANCELLED;
	else if (write_out(delivery, v, message->sender, message->template,
	                   delivery->claim.now_ms) == OK)
		message->state = MESSAGE_DELIVERED;
	else
		message->state = MESSAGE_FAILED;
	message->template = BYTES_NONE;
	message->provider = delivery->inbox_name;
	message->attempts++;
}

static void on_claimed(struct store_claim *claim)
{
	struct delivery *delivery = CONTAINER_OF(claim, struct delivery, claim);
	if (claim->err || !claim->claimed_n) {
		claim_end(delivery, claim->err);
		return;
	}
	for (size_t i = 0; i < claim->claimed_n; i++) {
		claimed_show(delivery, &claim->claimed[i]);
		delivery->claimed_changes[i] =
		    (struct change){.kind = CHANGE_MESSAGE, .message = claim->claimed[i].message};
	}
	LOG(LOG_INFO, "queued-messages-shown", log_i64("messages", (int64_t)claim->claimed_n));
	if (delivery->waiters_n)
		waiters_look(delivery);
	delivery->commit = (struct store_commit){
	    .changes = delivery->claimed_changes,
	    .changes_n = claim->claimed_n,
	    .on_done = on_shown,
	};
	store_commit(delivery->store, &delivery->commit);
}

static void claim_next(struct delivery *delivery)
{
	int64_t now_ms = io_loop_now_ms(delivery->loop);
	arena_reset(&delivery->claim_arena);
	delivery->claiming = true;
	delivery->claim = (struct store_claim){
	    .now_ms = now_ms,
	    .lapse_ms = now_ms + CLAIM_LAPSE_MS,
	    .max = CLAIM_MAX,
	    .arena = &delivery->claim_arena,
	    .on_done = on_claimed,
	};
	delivery->store->ops->claim(delivery->store, &delivery->claim);
}

static void first_run(struct task *task)
{
	struct delivery *delivery = CONTAINER_OF(task, struct delivery, first);
	if (delivery->inbox_name.at)
		claim_next(delivery);
}

/* ---- life ------------------------------------------------------------------------------------ */

struct delivery *delivery_new(const struct delivery_options *options)
{
	struct delivery *delivery = calloc(1, sizeof(*delivery));
	if (!delivery)
		return NULL;
	list_init(&delivery->waiters);
	arena_init(&delivery->claim_arena);
	arena_init(&delivery->arena);
	if (options->inbox.at)
		delivery->inbox_name = arena_copy(&delivery->arena, options->inbox);
	rng_system_init(&delivery->rng);
	delivery->loop = io_loop_new();
	delivery->keyring = keyring_new(options->keys, options->keys_n);
	delivery->inbox = inbox_new(&delivery->rng.rng);
	if (!delivery->loop || !delivery->keyring || !delivery->inbox ||
	    (options->inbox.at && !delivery->inbox_name.at) ||
	    io_loop_every(delivery->loop, WAITERS_TICK_MS, waiters_tick, delivery,
	                  &delivery->timer) != OK) {
		delivery_free(delivery);
		return NULL;
	}
	return delivery;
}

struct executor *delivery_executor(struct delivery *delivery)
{
	return io_loop_executor(delivery->loop);
}

enum err delivery_start(struct delivery *delivery, struct store *store)
{
	delivery->store = store;
	delivery->first.run = first_run;
	executor_post(io_loop_executor(delivery->loop), &delivery->first);
	return io_loop_start(delivery->loop, "deliver");
}

static void stop_run(struct task *task)
{
	struct delivery *delivery = CONTAINER_OF(task, struct delivery, stop);
	delivery->stopping = true;
	if (!delivery->claiming)
		io_loop_stop(delivery->loop);
}

void delivery_stop(struct delivery *delivery)
{
	delivery->stop.run = stop_run;
	executor_post(io_loop_executor(delivery->loop), &delivery->stop);
	io_loop_join(delivery->loop);
}

void delivery_free(struct delivery *delivery)
{
	if (!delivery)
		return;
	io_timer_stop(delivery->timer);
	io_loop_free(delivery->loop);
	keyring_free(delivery->keyring);
	inbox_free(delivery->inbox);
	arena_done(&delivery->claim_arena);
	arena_done(&delivery->arena);
	free(delivery);
}

uint64_t delivery_dropped(struct delivery *delivery)
{
	return atomic_load(&delivery->dropped_ever);
}
