/* SPDX-License-Identifier: Apache-2.0 */
/* What the inbox pages ask of whoever keeps the messages (deliver/inbox; main joins the two). */
#ifndef API_INBOX_PORT_H
#define API_INBOX_PORT_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/task.h"

#include <stdint.h>

#define INBOX_WAIT_MAX_MS INT64_C(30000)
#define INBOX_ID_LEN 36

/* A text as a phone would have shown it. */
struct inbox_message {
	char id[INBOX_ID_LEN + 1]; /* they sort by time */
	struct bytes to;           /* E.164 with + */
	struct bytes from;
	struct bytes text;
	struct bytes code;
	struct bytes channel;
	int64_t at_ms;
};

enum inbox_verb { INBOX_LIST, INBOX_LATEST, INBOX_CLEAR };

/* One question. Caller's memory, until on_done, which runs on the caller's executor. */
struct inbox_query {
	enum inbox_verb verb;
	struct bytes to_digits; /* only messages to these digits; absent: to anybody */
	struct bytes since;     /* only messages after this id; absent: all */
	int64_t wait_ms;        /* how long to hold the answer until there is one */
	struct executor *executor;
	void (*on_done)(struct inbox_query *query);
	enum err err;
	struct inbox_message *messages; /* newest first; in `arena` */
	size_t messages_n;
	struct arena arena; /* the query's own; the caller inits and ends it, the inbox fills it */
};

struct inbox_port {
	/* Any thread. */
	void (*ask)(struct inbox_port *inbox, struct inbox_query *query);
};

#endif
