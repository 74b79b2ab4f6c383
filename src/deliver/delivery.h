/* SPDX-License-Identifier: Apache-2.0 */
/* deliver: how a message leaves. One thread with a loop of its own takes what was committed,
 * derives the code, fills the template, and hands the text to a provider. The only provider yet is
 * the developer inbox, which takes and finishes in one act: its messages are born final, and what
 * an earlier run left queued is shown when it starts. Without a provider there is no route: a send
 * is a fault, and what is queued stays. */
#ifndef DELIVER_DELIVERY_H
#define DELIVER_DELIVERY_H

#include "base/problem.h"
#include "core/code.h"
#include "core/port_deliver.h"
#include "core/port_store.h"
#include "deliver/inbox.h"
#include "io/loop.h"

/* Messages that may wait for the delivery thread; the inbox's copy of further ones is dropped and
 * counted. */
#define DELIVERY_QUEUE_MAX 65536
/* Questions to the inbox that may wait for a message at one time. */
#define DELIVERY_WAITERS_MAX 256

struct delivery;

struct delivery_options {
	const struct secret_key *keys; /* copied into a keyring of the thread's own */
	size_t keys_n;
	struct bytes inbox; /* the name of the inbox among the providers; absent: there is none */
};

/* Makes the delivery and its loop; nothing runs yet. NULL: no memory. */
struct delivery *delivery_new(const struct delivery_options *options);
/* For a handle of the store that answers on the delivery's thread. */
struct executor *delivery_executor(struct delivery *delivery);
/* Starts the thread, which first shows what was left queued in `store` (borrowed until stop). */
MUST_CHECK enum err delivery_start(struct delivery *delivery, struct store *store);
/* Answers all who wait with what there is; further questions do not wait. Any thread, once. */
void delivery_hurry(struct delivery *delivery);
/* Ends the thread after what was handed over is done and the store has answered. Its handle may be
 * closed then. */
void delivery_stop(struct delivery *delivery);
void delivery_free(struct delivery *delivery);

/* Messages that never reached the inbox, since the start. Any thread. */
uint64_t delivery_dropped(struct delivery *delivery);

/* The engine's port for the thread of `loop` (not yet running): what was committed in a round is
 * handed over at its end, in one piece, before hooks that are added later run: who reads an answer
 * finds its message in the inbox. NULL: no memory. The loop runs no more when it is freed; NULL is
 * fine. */
struct delivery_desk;
struct delivery_desk *delivery_desk_new(struct delivery *delivery, struct io_loop *loop);
void delivery_desk_free(struct delivery_desk *desk);
struct deliver *delivery_desk_port(struct delivery_desk *desk);

/* A question to the inbox: asked from any thread, answered on `executor`. */
struct delivery_question {
	struct inbox_filter filter;
	bool clear;      /* empty the inbox instead */
	int64_t wait_ms; /* how long to wait for something that passes the filter */
	struct executor *executor;
	void (*on_done)(struct delivery_question *question);
	enum err err; /* OK, ERR_OVERLOAD, ERR_NO_MEMORY */
	struct arena *arena;
	struct inbox_text *texts;
	size_t texts_n;
	/* the delivery's own */
	struct task task;
	struct delivery *delivery;
	struct list waiter;
	int64_t until_ms;
};
void delivery_ask(struct delivery *delivery, struct delivery_question *question);

#endif
