/* SPDX-License-Identifier: Apache-2.0 */
/* Every outcome of the engine has its look in the dotdigital dialect, and every look its answer. */
#include "cases.h"
#include "support/front.h"

#include "api/dotdigital/dotdigital_private.h"
#include "ops/log.h"

#include <fcntl.h>

#define SPENT_MS 29001 /* what a limit asks one to wait: 30 s once rounded up */

enum outcome_kind { SEND, CHECK, PEOPLE };

static const enum outcome_kind outcome_kinds[OUTCOME_COUNT] = {
#define OUTCOME(name, label, kind) [OUTCOME_##name] = kind,
#include "core/outcome.def"
#undef OUTCOME
};

#define CREATED(status, state)                                                                     \
	"{\"requestId\":\"ID\",\"phoneNumber\":\"447700900123\",\"status\":\"" status "\","        \
	"\"numberStatus\":\"" state "\",\"created\":\"2031-04-03T09:15:00.120Z\"}"
#define VERIFIED                                                                                   \
	"{\"requestId\":\"ID\",\"phoneNumber\":\"447700900123\",\"status\":\"CodeVerified\","      \
	"\"numberStatus\":\"On\",\"created\":\"2031-04-03T09:15:00.120Z\","                        \
	"\"verified\":\"2031-04-03T09:15:01.120Z\"}"
#define THROTTLED(property, words)                                                                 \
	"[{\"property\":\"" property "\",\"failureCode\":\"Throttled\",\"details\":\"" words "\"}" \
	"]"
#define BAD_BODY                                                                                   \
	"[{\"property\":\"code\",\"failureCode\":\"CodeInvalid\",\"details\":\"'code' must have "  \
	"a value.\"}]"

static const struct answer_row {
	const char *name;
	enum outcome outcome;
	int status;
	const char *body;        /* ID stands for the record's */
	const char *retry_after; /* absent: NULL */
} answer_rows[] = {
    {"sent", OUTCOME_SENT, 202, CREATED("CodeNotVerified", "On"), NULL},
    {"sent again", OUTCOME_SENT_AGAIN, 202, CREATED("CodeNotVerified", "On"), NULL},
    {"send limited", OUTCOME_SEND_LIMITED, 400,
     THROTTLED("to", "Too many requests for this number, try again later."), "30"},
    {"dead", OUTCOME_DEAD, 202, CREATED("CodeNotSent", "Dead"), NULL},
    {"landline", OUTCOME_LANDLINE, 202, CREATED("CodeNotSent", "NotProvisioned"), NULL},
    {"no route", OUTCOME_NO_ROUTE, 202, CREATED("CodeNotSent", "Dead"), NULL},
    {"approved", OUTCOME_APPROVED, 200, VERIFIED, NULL},
    {"repeated", OUTCOME_REPEATED, 204, "", NULL},
    {"wrong", OUTCOME_WRONG, 200, CREATED("CodeNotVerified", "On"), NULL},
    {"locked", OUTCOME_LOCKED, 200, CREATED("CodeLocked", "On"), NULL},
    {"pending", OUTCOME_PENDING, 400, BAD_BODY, NULL},
    {"expired", OUTCOME_EXPIRED, 200, CREATED("CodeExpired", "On"), NULL},
    {"key gone", OUTCOME_KEY_GONE, 200, CREATED("CodeExpired", "On"), NULL},
    {"guess limited", OUTCOME_GUESS_LIMITED, 400,
     THROTTLED("code", "Too many attempts for this number, try again later."), "30"},
    {"unknown", OUTCOME_UNKNOWN, 204, "", NULL},
    {"used", OUTCOME_USED, 204, "", NULL},
    {"spent", OUTCOME_SPENT, 204, "", NULL},
    {"lapsed", OUTCOME_LAPSED, 204, "", NULL},
    {"replaced", OUTCOME_REPLACED, 204, "", NULL},
    {"cancelled", OUTCOME_CANCELLED, 204, "", NULL},
};

static bool is_one_of(const char *text, const char *const *those, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(text, those[i]) == 0)
			return true;
	return false;
}

/* The table itself: no row is missing, none is a check's where a send is meant. */
static void every_outcome_has_a_look(void **state)
{
	(void)state;
	static const char *const states[] = {"Dead", "NotProvisioned"};
	static const char *const statuses[] = {"CodeVerified", "CodeLocked", "CodeExpired"};
	for (int outcome = 0; outcome < OUTCOME_COUNT; outcome++) {
		const struct dotdigital_look *look = &dotdigital_looks[outcome];
		const char *label = outcome_label((enum outcome)outcome).at;
		bool is_send = outcome_kinds[outcome] == SEND;
		if (outcome_kinds[outcome] == PEOPLE) {
			/* A client's number has no user. */
			assert_row(label, look->kind == LOOK_MISSING);
			continue;
		}
		switch (look->kind) {
		case LOOK_MISSING:
			fail_msg("%s has no look", label);
			break;
		case LOOK_CREATED:
			assert_row(label, is_send && !look->text);
			break;
		case LOOK_NOT_SENT:
			assert_row(label, is_send && is_one_of(look->text, states, COUNT(states)));
			break;
		case LOOK_CHECKED:
			assert_row(label, !is_send);
			assert_row(label,
			           !look->text || is_one_of(look->text, statuses, COUNT(statuses)));
			break;
		case LOOK_THROTTLED:
			assert_string_equal(look->text, is_send ? "to" : "code");
			break;
		case LOOK_BAD_BODY:
		case LOOK_UNKNOWN:
			assert_row(label, !is_send && !look->text);
			break;
		}
	}
}

static void every_outcome_has_a_row_here(void **state)
{
	(void)state;
	for (int outcome = 0; outcome < OUTCOME_COUNT; outcome++) {
		size_t found = 0;
		for (size_t i = 0; i < COUNT(answer_rows); i++)
			found += answer_rows[i].outcome == (enum outcome)outcome;
		assert_row(outcome_label((enum outcome)outcome).at,
		           found == (outcome_kinds[outcome] != PEOPLE));
	}
}

/* ---- answers --------------------------------------------------------------------------------- */

/* A call as it stands when its flow has ended. */
struct ended {
	struct front_request made;
	struct dotdigital_call call;
	struct settings settings;
	struct account account;
};

static void ended_init(struct front *front, struct ended *ended, bool is_send)
{
	*ended = (struct ended){0};
	front_request_init(&ended->made, "POST", "/webapi/verify");
	settings_init(&ended->settings);
	ended->account.refs = 2;
	struct dotdigital_call *call = &ended->call;
	call->api = &front->api;
	call->request = &ended->made.request;
	call->settings = &ended->settings;
	call->auth.principal.account = &ended->account;
	call->failures = 1u << FAILURE_CODE;
	call->flow.flow = &front->api.flow;
	call->flow.kind = is_send ? FLOW_SEND : FLOW_CHECK;
	if (is_send) {
		call->flow.send.tenant = BYTES("demo");
		call->flow.send.number = test_number("447700900123");
	} else {
		call->flow.check.tenant = BYTES("demo");
	}
	call->flow.result.retry_after_ms = SPENT_MS;
}

/* The record that the outcome is about, where there is one. */
static void ended_record(struct ended *ended)
{
	struct verification *v = &ended->call.flow.result.verification;
	*v = (struct verification){
	    .id = {{1, 2, 3, 4, 5, 6, 0x77, 8, 0x89, 10, 11, 12, 13, 14, 15, 16}},
	    .number = test_number("447700900123"),
	    .created_ms = TEST_START_MS,
	    .finished_ms = TEST_START_MS + SECONDS_MS,
	};
}

/* The body, with the request's id as "ID", which it must have exactly once. */
static const char *body_without_id(struct ended *ended, char ret[512])
{
	struct bytes body = ended->made.request.response.body;
	static const char mark[] = "\"requestId\":\"";
	(void)snprintf(ret, 512, "%.*s", (int)body.len, body.at);
	char *id = strstr(ret, mark);
	if (!id)
		return ret;
	struct id parsed;
	id += sizeof(mark) - 1;
	assert_true(id_parse((struct bytes){id, ID_TEXT_LEN}, &parsed));
	memmove(id + 2, id + ID_TEXT_LEN, strlen(id + ID_TEXT_LEN) + 1);
	memcpy(id, "ID", 2);
	return ret;
}

static void an_outcome_has_its_answer(void **state)
{
	const struct answer_row *row = ROW_OF(state, struct answer_row);
	void *made;
	struct ended ended;
	char body[512];
	assert_int_equal(front_setup(&made), 0);
	struct front *front = made;
	bool is_send = outcome_kinds[row->outcome] == SEND;
	ended_init(front, &ended, is_send);
	if (!is_send || dotdigital_looks[row->outcome].kind == LOOK_CREATED)
		ended_record(&ended);
	ended.call.flow.result.outcome = row->outcome;
	dotdigital_on_outcome(&ended.call.flow);
	struct response *response = &ended.made.request.response;
	assert_int_equal(ended.made.sent, 1);
	assert_int_equal(response->status, row->status);
	assert_string_equal(body_without_id(&ended, body), row->body);
	assert_true(bytes_equal(front_answer_field(&ended.made, "Retry-After"),
	                        bytes_from_text(row->retry_after)));
	assert_true(bytes_equal(front_answer_field(&ended.made, "Content-Type"),
	                        row->status == 204 ? BYTES_NONE
	                                           : BYTES("application/json; charset=utf-8")));
	/* The call gave its account back. */
	assert_int_equal(ended.account.refs, 1);
	front_request_done(&ended.made);
	(void)front_teardown(&made);
}

/* What the settings say is what is shown. */
static void settings_change_the_words(void **state)
{
	struct front *front = *state;
	static const struct {
		const char *name;
		enum outcome outcome;
		int status;
		const char *body;
	} rows[] = {
	    {"sent", OUTCOME_SENT, 201, CREATED("CodeUnverified", "Off")},
	    {"dead", OUTCOME_DEAD, 201, CREATED("CodeNotSent", "Dead")},
	    {"wrong", OUTCOME_WRONG, 200, CREATED("CodeUnverified", "Off")},
	    {"locked", OUTCOME_LOCKED, 200, CREATED("CodeLocked", "Off")},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct ended ended;
		char body[512];
		ended_init(front, &ended, outcome_kinds[rows[i].outcome] == SEND);
		ended_record(&ended);
		ended.settings.dotdigital.create_status = 201;
		memcpy(ended.settings.dotdigital.unverified_label, "CodeUnverified", 15);
		memcpy(ended.settings.dotdigital.number_status, "Off", 4);
		ended.call.flow.result.outcome = rows[i].outcome;
		dotdigital_on_outcome(&ended.call.flow);
		assert_row(rows[i].name, ended.made.request.response.status == rows[i].status);
		assert_string_equal(body_without_id(&ended, body), rows[i].body);
		front_request_done(&ended.made);
	}
}

/* Nothing was made for these: their ids are new each time, and name no record. */
static void what_is_not_sent_has_an_id_of_its_own(void **state)
{
	struct front *front = *state;
	struct id ids[2];
	for (size_t i = 0; i < COUNT(ids); i++) {
		struct ended ended;
		ended_init(front, &ended, true);
		ended.call.flow.result.outcome = OUTCOME_DEAD;
		dotdigital_on_outcome(&ended.call.flow);
		const char *id =
		    strstr(ended.made.request.response.body.at, "\"requestId\":\"") + 13;
		assert_true(id_parse((struct bytes){id, ID_TEXT_LEN}, &ids[i]));
		front_request_done(&ended.made);
	}
	assert_false(id_equal(&ids[0], &ids[1]));
	/* Without random octets there is none. */
	struct ended ended;
	ended_init(front, &ended, true);
	front->rng.fails_from = front->rng.fills + 1;
	ended.call.flow.result.outcome = OUTCOME_DEAD;
	dotdigital_on_outcome(&ended.call.flow);
	assert_int_equal(ended.made.request.response.status, 503);
	front_request_done(&ended.made);
}

static void every_fault_is_503(void **state)
{
	struct front *front = *state;
	for (int err = OK + 1; err < ERR_COUNT; err++) {
		struct ended ended;
		ended_init(front, &ended, err % 2);
		ended.call.flow.err = (enum err)err;
		dotdigital_on_outcome(&ended.call.flow);
		assert_int_equal(ended.made.sent, 1);
		assert_int_equal(ended.made.request.response.status, 503);
		assert_true(
		    bytes_equal(front_answer_field(&ended.made, "Content-Type"), TEXT_PLAIN));
		assert_true(
		    bytes_equal(front_answer_field(&ended.made, "Retry-After"), BYTES("1")));
		assert_int_equal(ended.account.refs, 1);
		front_request_done(&ended.made);
	}
}

/* Each failure by itself and all at once: always a list, in the order of the documents, of three
 * members each, since one vendor's client throws at a fourth. */
static void failures_are_told_in_order(void **state)
{
	struct front *front = *state;
	static const char *const codes[FAILURES] = {
	    "\"to\",\"failureCode\":\"ToInvalid\"",
	    "\"from\",\"failureCode\":\"FromInvalid\"",
	    "\"countryIsoCode\",\"failureCode\":\"CountryIsoCodeInvalid\"",
	    "\"body\",\"failureCode\":\"BodyInvalid\"",
	    "\"validUntil\",\"failureCode\":\"ValidUntilInvalid\"",
	    "\"code\",\"failureCode\":\"CodeInvalid\"",
	    "\"\",\"failureCode\":\"RequestInvalid\"",
	    "\"to\",\"failureCode\":\"Throttled\"",
	    "\"code\",\"failureCode\":\"Throttled\"",
	};
	for (unsigned failures = 1; failures < 1u << FAILURES; failures++) {
		struct ended ended;
		ended_init(front, &ended, true);
		dotdigital_refuse(&ended.call, failures);
		assert_int_equal(ended.made.request.response.status, 400);
		struct bytes rest = ended.made.request.response.body;
		assert_true(bytes_start_with(rest, BYTES("[{")));
		for (int i = 0; i < FAILURES; i++) {
			const char *at = memmem(rest.at, rest.len, codes[i], strlen(codes[i]));
			assert_int_equal(at != NULL, failures >> i & 1);
			if (at)
				rest = bytes_from(rest, (size_t)(at - rest.at));
		}
		/* Three colons an item: its members. */
		size_t colons = 0, items = 0;
		struct bytes body = ended.made.request.response.body;
		for (size_t i = 0; i + 1 < body.len; i++) {
			colons += body.at[i] == '"' && body.at[i + 1] == ':';
			items += body.at[i] == '{' && body.at[i + 1] == '"';
		}
		assert_int_equal(colons, 3 * items);
		front_request_done(&ended.made);
	}
}

#define FRONT(test) cmocka_unit_test_setup_teardown(test, front_setup, front_teardown)

int main(void)
{
	static struct cases cases;
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_outcome_has_a_look),
	    cmocka_unit_test(every_outcome_has_a_row_here),
	    FRONT(settings_change_the_words),
	    FRONT(what_is_not_sent_has_an_id_of_its_own),
	    FRONT(every_fault_is_503),
	    FRONT(failures_are_told_in_order),
	};
	CASES_ADD(&cases, tests);
	CASES_ADD_ROWS(&cases, "answer", answer_rows, an_outcome_has_its_answer);
	/* Each answer has its line, which nobody reads here. */
	if (log_start(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_FORM_JSON) != OK)
		return 1;
	int failed = cases_run("dotdigital_table", &cases);
	log_stop();
	return failed;
}
