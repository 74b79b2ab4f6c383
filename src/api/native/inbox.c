/* SPDX-License-Identifier: Apache-2.0 */
#include "api/native/inbox.h"

#include "api/native/inbox_token.h"
#include "api/native/native.h"
#include "base/when.h"
#include "wire/gsm0338.h"
#include "wire/json_write.h"
#include "wire/uri.h"

static const struct bytes json_type = {"application/json; charset=utf-8", 31};

/* ---- who may look ---------------------------------------------------------------------------- */

/* A page of another site may reach us by a name of its own that resolves to this machine; such a
 * name stands in Host. */
static bool host_is_local(struct bytes authority)
{
	static const struct bytes names[] = {{"127.0.0.1", 9}, {"localhost", 9}, {"[::1]", 5}};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (bytes_equal_fold(bytes_first(authority, names[i].len), names[i]) &&
		    (authority.len == names[i].len || authority.at[names[i].len] == ':'))
			return true;
	return false;
}

bool inbox_admits(struct api *api, struct request *request)
{
	if (!api->shared->inbox ||
	    (!native_is_shown(api, request) && !api->shared->inbox_token.len)) {
		route_misroute_text(api, request, MISROUTE_NOT_FOUND);
		return false;
	}
	response_field(request, BYTES("X-Content-Type-Options"), BYTES("nosniff"));
	response_field(request, BYTES("Cross-Origin-Resource-Policy"), BYTES("same-origin"));
	/* No page of a browser reaches a socket's file. */
	if (api->shared->loopback_hosts_only && !request->trusted &&
	    !host_is_local(request->authority)) {
		request_answer(request, 403, TEXT_PLAIN,
		               BYTES("the inbox answers only to 127.0.0.1, localhost and [::1]\n"));
		return false;
	}
	return request->trusted || inbox_token_is_shown(api, request);
}

/* ---- the API --------------------------------------------------------------------------------- */

struct inbox_call {
	struct inbox_query query;
	bool sizes; /* sms=1: how long each text is, too */
	struct request *request;
};

/* What a gateway would make of the text: the page shows it. */
static void write_size(struct json_writer *json, struct bytes text)
{
	struct gsm0338_size size;
	gsm0338_measure(text, &size);
	json_write_name(json, "sms");
	json_write_object(json);
	json_write_text_member(json, "alphabet", gsm0338_name(size.alphabet));
	json_write_i64_member(json, "units", (int64_t)size.units);
	json_write_i64_member(json, "units_max", (int64_t)gsm0338_room(&size));
	json_write_i64_member(json, "parts", (int64_t)size.parts);
	if (size.outsider.at)
		json_write_text_member(json, "outsider", size.outsider);
	json_write_object_end(json);
}

static void write_message(struct json_writer *json, const struct inbox_message *message, bool sizes)
{
	char at[WHEN_TEXT_LEN + 1];
	when_format(message->at_ms, at);
	json_write_object(json);
	json_write_text_member(json, "id", bytes_from_text(message->id));
	json_write_text_member(json, "to", message->to);
	json_write_text_member(json, "from", message->from);
	json_write_text_member(json, "text", message->text);
	json_write_text_member(json, "code", message->code);
	json_write_text_member(json, "at", bytes_from_text(at));
	json_write_text_member(json, "channel", message->channel);
	if (sizes)
		write_size(json, message->text);
	json_write_object_end(json);
}

static void write_answer(struct buf *body, const struct inbox_call *call)
{
	const struct inbox_query *query = &call->query;
	struct json_writer json;
	json_writer_init(&json, body);
	if (query->verb == INBOX_LATEST) {
		write_message(&json, &query->messages[0], call->sizes);
		return;
	}
	json_write_array(&json);
	for (size_t i = 0; i < query->messages_n; i++)
		write_message(&json, &query->messages[i], call->sizes);
	json_write_array_end(&json);
}

static void on_answer(struct inbox_query *query)
{
	struct inbox_call *call = CONTAINER_OF(query, struct inbox_call, query);
	struct request *request = call->request;
	struct bytes body = BYTES_NONE;
	struct buf json;
	buf_init(&json, 0);
	if (!query->err && query->verb != INBOX_CLEAR &&
	    (query->messages_n || query->verb == INBOX_LIST))
		write_answer(&json, call);
	if (!json.failed)
		body = arena_copy(request->arena, buf_bytes(&json));
	buf_done(&json);
	arena_done(&query->arena);
	if (query->err || !body.at)
		request_answer(request, 503, TEXT_PLAIN,
		               BYTES("too many wait already, try again\n"));
	else if (query->verb == INBOX_CLEAR)
		request_answer(request, 204, BYTES_NONE, BYTES(""));
	else if (!body.len)
		request_answer(request, 404, TEXT_PLAIN, BYTES("no such message\n"));
	else
		request_answer(request, 200, json_type, body);
}

/* The digits of `to`, whatever stands between them. */
static struct bytes digits_of(struct arena *arena, struct bytes text)
{
	char *digits = arena_take(arena, text.len + 1);
	size_t len = 0;
	for (size_t i = 0; digits && i < text.len; i++)
		if (ascii_is_digit(text.at[i]))
			digits[len++] = text.at[i];
	return (struct bytes){digits, len};
}

static bool wait_read(struct bytes text, int64_t *ret_ms)
{
	int64_t seconds = 0;
	if (text.len > 2)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (!ascii_is_digit(text.at[i]))
			return false;
		seconds = seconds * 10 + (text.at[i] - '0');
	}
	*ret_ms = seconds * 1000;
	return *ret_ms <= INBOX_WAIT_MAX_MS;
}

static bool query_read(struct request *request, struct inbox_call *call)
{
	struct bytes to, wait, sms;
	struct arena *arena = request->arena;
	struct inbox_query *query = &call->query;
	if (uri_pair_find(request->query, BYTES("to"), arena, &to) != OK ||
	    uri_pair_find(request->query, BYTES("since"), arena, &query->since) != OK ||
	    uri_pair_find(request->query, BYTES("wait"), arena, &wait) != OK ||
	    uri_pair_find(request->query, BYTES("sms"), arena, &sms) != OK ||
	    !wait_read(wait, &query->wait_ms))
		return false;
	call->sizes = bytes_equal(sms, BYTES("1"));
	query->to_digits = to.len ? digits_of(request->arena, to) : BYTES_NONE;
	if (!query->since.len)
		query->since = BYTES_NONE;
	return true;
}

static void ask(struct api *api, struct request *request, enum inbox_verb verb)
{
	if (!inbox_admits(api, request))
		return;
	response_field(request, BYTES("Cache-Control"), BYTES("no-store"));
	struct inbox_call *call = ARENA_NEW(request->arena, struct inbox_call);
	if (!call) {
		request_answer(request, 503, TEXT_PLAIN, BYTES("out of memory\n"));
		return;
	}
	call->request = request;
	call->query.verb = verb;
	call->query.executor = api->executor;
	call->query.on_done = on_answer;
	arena_init(&call->query.arena);
	if (!query_read(request, call)) {
		request_answer(request, 400, TEXT_PLAIN,
		               BYTES("to is a number (write + as %2B), since an id, wait 0 to 30 "
		                     "seconds\n"));
		return;
	}
	api->shared->inbox->ask(api->shared->inbox, &call->query);
}

void inbox_messages(struct api *api, struct request *request)
{
	ask(api, request, INBOX_LIST);
}

void inbox_latest(struct api *api, struct request *request)
{
	ask(api, request, INBOX_LATEST);
}

void inbox_delete(struct api *api, struct request *request)
{
	ask(api, request, INBOX_CLEAR);
}
