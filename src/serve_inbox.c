/* SPDX-License-Identifier: Apache-2.0 */
/* The inbox: api asks in its words, deliver answers in its own. */
#include "serve_private.h"

struct inbox_question {
	struct delivery_question question;
	struct inbox_query *query;
};

static void on_inbox_answer(struct delivery_question *question)
{
	struct inbox_query *query = CONTAINER_OF(question, struct inbox_question, question)->query;
	query->err = question->err;
	query->messages_n = question->texts_n;
	query->messages =
	    arena_take_array(&query->arena, question->texts_n + 1, sizeof(*query->messages));
	if (!query->messages) {
		query->err = ERR_NO_MEMORY;
		query->messages_n = 0;
	}
	for (size_t i = 0; i < query->messages_n; i++) {
		const struct inbox_text *text = &question->texts[i];
		struct inbox_message *message = &query->messages[i];
		id_format(&text->id, message->id);
		message->to = arena_printf(&query->arena, "+%.*s", (int)text->to.len, text->to.at);
		message->from = text->from;
		message->text = text->text;
		message->code = text->code;
		message->channel = BYTES("sms");
		message->at_ms = text->at_ms;
	}
	query->on_done(query);
}

void serve_inbox_ask(struct inbox_port *port, struct inbox_query *query)
{
	struct serve *serve = CONTAINER_OF(port, struct serve, inbox);
	struct inbox_question *asked = ARENA_NEW(&query->arena, struct inbox_question);
	if (!asked) {
		query->err = ERR_NO_MEMORY;
		query->on_done(query);
		return;
	}
	asked->query = query;
	asked->question = (struct delivery_question){
	    .filter = {.to = query->to_digits,
	               .since = query->since,
	               .max = query->verb == INBOX_LATEST ? 1 : INBOX_KEPT},
	    .clear = query->verb == INBOX_CLEAR,
	    .wait_ms = query->wait_ms,
	    .executor = query->executor,
	    .on_done = on_inbox_answer,
	    .arena = &query->arena,
	};
	delivery_ask(serve->delivery, &asked->question);
}
