/* SPDX-License-Identifier: Apache-2.0 */
/* Connections of HTTP/2 over a real socket: how they begin, answers, bodies, and how they end. */
#include "support/frames.h"
#include "support/unit.h"

#include "wire/http2.h"

#include <stdlib.h>

#define LAST NGHTTP2_FLAG_END_STREAM

/* --- beginning ------------------------------------------------------------------------------- */

static void the_preface_may_come_in_pieces(void **state)
{
	(void)state;
	struct frames frames;
	frames_connect_silent(&frames);
	const struct bytes preface = BYTES(HTTP2_PREFACE);
	for (size_t i = 0; i < preface.len; i++) {
		web_send(&frames.peer, (struct bytes){preface.at + i, 1});
		web_settle();
	}
	/* It is enough for the server's own. */
	static struct frame frame;
	assert_true(frame_next(&frames, &frame));
	assert_int_equal(frame.type, NGHTTP2_SETTINGS);
	assert_true(frame_send(&frames, NGHTTP2_SETTINGS, 0, 0, BYTES_NONE));
	frames_expect_alive(&frames);
	frames_close(&frames);
}

/* The same octets as far as they go, then others: HTTP/1.1. */
static void what_is_not_the_preface_is_http1(void **state)
{
	(void)state;
	const struct bytes preface = BYTES(HTTP2_PREFACE);
	for (size_t i = 0; i < preface.len; i++) {
		struct web_peer peer;
		web_connect(&peer);
		web_send(&peer, bytes_first(preface, i));
		web_settle();
		web_send_text(&peer, "\x01");
		struct web_answer answer;
		assert_true(web_next(&peer, false, &answer));
		assert_true(answer.status == 400 || answer.status == 505);
		web_answer_done(&answer);
		web_close(&peer);
	}
}

static void every_octet_may_come_alone(void **state)
{
	(void)state;
	struct frames frames;
	char head[256],
	    frame[9] = {0, 0, 0, NGHTTP2_HEADERS, LAST | NGHTTP2_FLAG_END_HEADERS, 0, 0, 0, 1};
	frames_connect(&frames);
	struct bytes block = fields_encode(
	    ":method: GET\n:scheme: http\n:authority: a\n:path: /x\n", head, sizeof(head));
	frame[2] = (char)block.len;
	for (size_t i = 0; i < sizeof(frame); i++) {
		web_send(&frames.peer, (struct bytes){frame + i, 1});
		web_settle();
	}
	for (size_t i = 0; i < block.len; i++) {
		web_send(&frames.peer, (struct bytes){block.at + i, 1});
		web_settle();
	}
	frames_expect(&frames, 1, 200, "");
	frames_close(&frames);
}

static void settings_are_said_and_acknowledged(void **state)
{
	(void)state;
	struct frames frames;
	static struct frame frame;
	bool said = false, acknowledged = false;
	frames_connect(&frames);
	while (!said || !acknowledged) {
		assert_true(frame_next(&frames, &frame));
		assert_int_equal(frame.type, NGHTTP2_SETTINGS);
		if (frame.flags & NGHTTP2_FLAG_ACK)
			acknowledged = true;
		else
			said = true;
	}
	frames_close(&frames);
}

/* --- answers --------------------------------------------------------------------------------- */

static void a_request_is_as_it_was_sent(void **state)
{
	(void)state;
	struct frames frames;
	frames_connect(&frames);
	int32_t id = head_send_only(&frames,
	                            ":method: POST\n:scheme: https\n:path: /describe?x=%41\n"
	                            ":authority: b.example:1\nx: y\ncontent-length: 3\n",
	                            0);
	data_send(&frames, id, "abc", LAST);
	frames_expect(&frames, id, 200, "POST /describe x=%41 b.example:1 2 3 127.0.0.1");
	/* Host stands in for :authority, as proxies make it of HTTP/1.1. */
	id = head_send_only(
	    &frames, ":method: GET\n:scheme: http\n:path: /describe\nhost: c.example\n", LAST);
	frames_expect(&frames, id, 200, "GET /describe - c.example 1 0 127.0.0.1");
	frames_close(&frames);
}

static void an_answer_has_what_it_must(void **state)
{
	(void)state;
	struct frames frames;
	struct frames_answer answer;
	frames_connect(&frames);
	frames_answer(&frames, head_send(&frames, "GET", "/describe", "", LAST), &answer);
	assert_int_equal(answer.status, 200);
	assert_non_null(strstr(answer.fields, "\ndate: "));
	assert_non_null(strstr(answer.fields, " GMT\n"));
	assert_non_null(strstr(answer.fields, "\nx-made-by: describe\n"));
	assert_non_null(strstr(answer.fields, "\ncontent-type: text/plain\n"));
	assert_non_null(strstr(answer.fields, "\ncontent-length: 31\n"));
	assert_null(strstr(answer.fields, "\nconnection:"));
	frames_answer_done(&answer);
	frames_close(&frames);
}

static void some_answers_have_no_body(void **state)
{
	(void)state;
	struct frames frames;
	struct frames_answer answer;
	frames_connect(&frames);
	frames_answer(&frames, head_send(&frames, "GET", "/no-content", "", LAST), &answer);
	assert_int_equal(answer.status, 204);
	assert_null(strstr(answer.fields, "content-length"));
	frames_answer_done(&answer);
	frames_answer(&frames, head_send(&frames, "HEAD", "/large", "", LAST), &answer);
	assert_int_equal(answer.status, 200);
	assert_int_equal(answer.body_len, 0);
	assert_non_null(strstr(answer.fields, "\ncontent-length: 1048576\n"));
	frames_answer_done(&answer);
	frames_expect(&frames, head_send(&frames, "OPTIONS", "*", "", LAST), 204, "");
	frames_expect_alive(&frames);
	frames_close(&frames);
}

static void trailers_follow_the_body(void **state)
{
	(void)state;
	struct frames frames;
	struct frames_answer answer;
	frames_connect(&frames);
	for (int with_body = 0; with_body < 2; with_body++) {
		int32_t id = head_send(&frames, "POST", "/trailers", "", with_body ? 0 : LAST);
		if (with_body)
			data_send(&frames, id, "abc", LAST);
		frames_answer(&frames, id, &answer);
		assert_string_equal(answer.body, with_body ? "abc" : "");
		const char *trailer = strstr(answer.fields, "x-sum: 17\n");
		assert_true(trailer && trailer[10] == '\0');
		assert_null(strstr(answer.fields, "content-length"));
		frames_answer_done(&answer);
	}
	frames_close(&frames);
}

static void a_large_answer_keeps_to_the_window(void **state)
{
	(void)state;
	static struct frame frame;
	struct frames frames;
	struct frames_answer answer;
	frames_connect(&frames);
	int32_t id = head_send(&frames, "GET", "/large", "", LAST);
	/* Others go on beside it, for which a window of their own is needed. */
	size_t got = 0;
	while (got < 65535) {
		assert_true(frame_next(&frames, &frame));
		got += frame.type == NGHTTP2_DATA ? frame.len : 0;
	}
	assert_int_equal(got, 65535);
	const struct bytes more = {"\0\1\0\0", 4};
	assert_true(frame_send(&frames, NGHTTP2_WINDOW_UPDATE, 0, 0, more));
	frames_expect_alive(&frames);
	assert_true(frame_send(&frames, NGHTTP2_WINDOW_UPDATE, 0, id, more));
	frames_answer(&frames, id, &answer);
	assert_int_equal(answer.body_len, WEB_LARGE - 65535);
	for (size_t i = 0; i < answer.body_len; i++)
		assert_true(answer.body[i] == 'L');
	frames_answer_done(&answer);
	frames_close(&frames);
}

static void a_head_too_wide_is_our_mistake(void **state)
{
	(void)state;
	struct frames frames;
	frames_connect(&frames);
	frames_expect(&frames, head_send(&frames, "GET", "/wide", "", LAST), 500, "");
	frames_expect_alive(&frames);
	frames_close(&frames);
}

static void answers_come_in_any_order(void **state)
{
	(void)state;
	struct frames frames;
	frames_connect(&frames);
	int32_t late = head_send(&frames, "GET", "/late", "", LAST);
	frames_expect_alive(&frames);
	assert_int_equal(web_late(), 1);
	web_answer_late();
	frames_expect(&frames, late, 200, "");
	frames_close(&frames);
}

/* --- bodies ---------------------------------------------------------------------------------- */

static void a_body_may_come_in_pieces(void **state)
{
	(void)state;
	struct frames frames;
	char sent[201] = "";
	frames_connect(&frames);
	int32_t id = head_send(&frames, "POST", "/x", "", 0);
	for (int i = 0; i < 200; i++) {
		char piece[2] = {(char)('a' + i % 26), '\0'};
		data_send(&frames, id, piece, 0);
		sent[i] = piece[0];
	}
	/* Padding is no body. */
	assert_true(frame_send(&frames, NGHTTP2_DATA, NGHTTP2_FLAG_PADDED | LAST, id,
	                       (struct bytes){"\3!\0\0\0", 5}));
	struct frames_answer answer;
	frames_answer(&frames, id, &answer);
	assert_int_equal(answer.body_len, 201);
	assert_memory_equal(answer.body, sent, 200);
	assert_int_equal(answer.body[200], '!');
	frames_answer_done(&answer);
	frames_close(&frames);
}

static void body_send(struct frames *frames, int32_t id, size_t len, uint8_t flags)
{
	static char body[16384];
	memset(body, 'b', sizeof(body));
	while (len) {
		size_t n = len < sizeof(body) ? len : sizeof(body);
		len -= n;
		assert_true(
		    frame_send(frames, NGHTTP2_DATA, len ? 0 : flags, id, (struct bytes){body, n}));
	}
}

/* At the limit fine, one more 413, and the connection goes on. */
static void bodies_have_the_routes_limit(void **state)
{
	(void)state;
	struct frames frames;
	frames_connect(&frames);
	for (int with_length = 0; with_length < 2; with_length++) {
		int32_t id = head_send(&frames, "POST", "/small",
		                       with_length ? "content-length: 16\n" : "", 0);
		body_send(&frames, id, WEB_SMALL, LAST);
		frames_expect(&frames, id, 200, "bbbbbbbbbbbbbbbb");
		id = head_send(&frames, "POST", "/small", with_length ? "content-length: 17\n" : "",
		               0);
		body_send(&frames, id, WEB_SMALL + 1, LAST);
		frames_expect(&frames, id, 413, "too large");
	}
	frames_expect_alive(&frames);
	frames_close(&frames);
}

/* The largest body is larger than a window. */
static void windows_open_as_we_read(void **state)
{
	(void)state;
	static struct frame frame;
	for (size_t more = 0; more < 2; more++) {
		struct frames frames;
		struct frames_answer answer;
		bool stream = false, connection = false;
		frames_connect(&frames);
		int32_t id = head_send(&frames, "POST", "/x", "", 0);
		body_send(&frames, id, 65535, 0);
		while (!stream || !connection) {
			assert_true(frame_next(&frames, &frame));
			stream |= frame.type == NGHTTP2_WINDOW_UPDATE && frame.stream_id == id;
			connection |= frame.type == NGHTTP2_WINDOW_UPDATE && frame.stream_id == 0;
		}
		body_send(&frames, id, WEB_BODY_MAX - 65535 + more, LAST);
		frames_answer(&frames, id, &answer);
		assert_int_equal(answer.status, more ? 413 : 200);
		assert_int_equal(answer.body_len, more ? strlen("too large") : WEB_BODY_MAX);
		frames_answer_done(&answer);
		frames_close(&frames);
	}
}

static void an_early_answer_stops_the_body(void **state)
{
	(void)state;
	static const char *const paths[] = {"/early", "/small"};
	static const int statuses[] = {403, 413};
	struct frames frames;
	frames_connect(&frames);
	for (size_t i = 0; i < COUNT(paths); i++) {
		struct frames_answer answer;
		int32_t id = head_send(&frames, "POST", paths[i], "content-length: 1000\n", 0);
		frames_answer(&frames, id, &answer);
		assert_int_equal(answer.status, statuses[i]);
		assert_false(answer.reset);
		frames_answer_done(&answer);
		frames_answer(&frames, id, &answer);
		assert_true(answer.reset);
		assert_int_equal(answer.code, NGHTTP2_NO_ERROR);
		frames_answer_done(&answer);
		/* What was on its way meanwhile is nobody's mistake. */
		data_send(&frames, id, "0123456789", 0);
		frames_expect_alive(&frames);
	}
	frames_close(&frames);
}

static void continue_is_sent_when_wanted(void **state)
{
	(void)state;
	struct frames frames;
	struct frames_answer answer;
	static struct frame frame;
	frames_connect(&frames);
	int32_t id = head_send(&frames, "POST", "/x", "expect: 100-continue\n", 0);
	do {
		assert_true(frame_next(&frames, &frame));
	} while (frame.type != NGHTTP2_HEADERS);
	/* The library's encoder: 8 is :status 200 of the static table, 100 is not in it. */
	assert_int_equal(frame.flags & LAST, 0);
	data_send(&frames, id, "x", LAST);
	frames_expect(&frames, id, 200, "x");
	/* Nobody waits: nothing is said. */
	id = head_send(&frames, "POST", "/x", "expect: 100-continue\n", LAST);
	frames_answer(&frames, id, &answer);
	assert_int_equal(answer.continues, 0);
	frames_answer_done(&answer);
	frames_expect(&frames, head_send(&frames, "POST", "/x", "expect: tea\n", LAST), 417, NULL);
	frames_close(&frames);
}

/* --- when it ends ---------------------------------------------------------------------------- */

static void a_client_may_give_up(void **state)
{
	(void)state;
	struct frames frames;
	frames_connect(&frames);
	int32_t late = head_send(&frames, "GET", "/late", "", LAST);
	while (web_late() == 0)
		;
	assert_true(
	    frame_send(&frames, NGHTTP2_RST_STREAM, 0, late, (struct bytes){"\0\0\0\x8", 4}));
	while (web_abandoned() == 0)
		;
	web_answer_late();
	/* A body that never came whole is nobody's request any more. */
	int32_t half = head_send(&frames, "POST", "/x", "", 0);
	assert_true(
	    frame_send(&frames, NGHTTP2_RST_STREAM, 0, half, (struct bytes){"\0\0\0\x8", 4}));
	while (web_abandoned() == 1)
		;
	frames_expect_alive(&frames);
	/* And so with all of it. */
	(void)head_send(&frames, "GET", "/late", "", LAST);
	while (web_late() == 0)
		;
	web_abort(&frames.peer);
	while (web_abandoned() == 2)
		;
	web_answer_late();
	assert_int_equal(web_open(), 0);
	nghttp2_hd_inflate_del(frames.inflater);
}

static void an_answer_may_end_the_connection(void **state)
{
	(void)state;
	struct frames frames;
	frames_connect(&frames);
	int32_t late = head_send(&frames, "GET", "/late", "", LAST);
	frames_expect(&frames, head_send(&frames, "GET", "/close", "", LAST), 200, "");
	while (web_late() == 0)
		;
	web_answer_late();
	/* What was asked before is answered. */
	frames_expect(&frames, late, 200, "");
	struct frames_answer answer;
	frames_answer(&frames, 0, &answer);
	assert_true(answer.ended);
	frames_answer_done(&answer);
	frames_close(&frames);
}

static void a_client_may_say_goaway(void **state)
{
	(void)state;
	struct frames frames;
	frames_connect(&frames);
	int32_t late = head_send(&frames, "GET", "/late", "", LAST);
	assert_true(
	    frame_send(&frames, NGHTTP2_GOAWAY, 0, 0, (struct bytes){"\0\0\0\0\0\0\0\0", 8}));
	while (web_late() == 0)
		;
	web_answer_late();
	frames_expect(&frames, late, 200, "");
	assert_true(web_ended(&frames.peer));
	frames_close(&frames);
}

static void half_a_connection_is_answered(void **state)
{
	(void)state;
	struct frames frames;
	frames_connect(&frames);
	int32_t id = head_send(&frames, "GET", "/late", "", LAST);
	web_end(&frames.peer);
	while (web_late() == 0)
		;
	web_answer_late();
	frames_expect(&frames, id, 200, "");
	struct frames_answer answer;
	frames_answer(&frames, 0, &answer);
	assert_true(answer.ended);
	frames_answer_done(&answer);
	/* Both have said all: nothing is waited for. */
	assert_int_equal(web_open(), 0);
	frames_close(&frames);
}

/* GOAWAY twice: what is asked before the client can have heard of it is answered. */
static void a_stop_lets_requests_finish(void **state)
{
	(void)state;
	struct frames frames, idle;
	static struct frame frame;
	frames_connect(&idle);
	frames_connect(&frames);
	int32_t before = head_send(&frames, "GET", "/late", "", LAST);
	while (web_late() == 0)
		;
	web_stop_begin();
	uint32_t pings = 0;
	while (!pings) {
		assert_true(frame_next(&frames, &frame));
		pings += frame.type == NGHTTP2_PING;
		if (frame.type == NGHTTP2_GOAWAY)
			assert_memory_equal(frame.payload, "\x7f\xff\xff\xff\0\0\0\0", 8);
	}
	int32_t between = head_send(&frames, "POST", "/x", "", LAST);
	frames_expect(&frames, between, 200, "");
	assert_true(frame_send(&frames, NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0,
	                       (struct bytes){(const char *)frame.payload, 8}));
	do {
		assert_true(frame_next(&frames, &frame));
	} while (frame.type != NGHTTP2_GOAWAY);
	assert_int_equal(frame.payload[3], between);
	(void)head_send(&frames, "GET", "/too-late", "", LAST);
	assert_false(web_stopped());
	web_answer_late();
	frames_expect(&frames, before, 200, "");
	web_pass_ms(1000); /* which the other one lets pass in silence */
	frames_expect_goaway(&idle, NGHTTP2_NO_ERROR);
	while (frame_next(&frames, &frame))
		;
	frames_close(&frames);
	frames_close(&idle);
	web_stop_await();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, web_set_up, web_tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(the_preface_may_come_in_pieces),
	    TEST(what_is_not_the_preface_is_http1),
	    TEST(every_octet_may_come_alone),
	    TEST(settings_are_said_and_acknowledged),
	    TEST(a_request_is_as_it_was_sent),
	    TEST(an_answer_has_what_it_must),
	    TEST(some_answers_have_no_body),
	    TEST(trailers_follow_the_body),
	    TEST(a_large_answer_keeps_to_the_window),
	    TEST(a_head_too_wide_is_our_mistake),
	    TEST(answers_come_in_any_order),
	    TEST(a_body_may_come_in_pieces),
	    TEST(bodies_have_the_routes_limit),
	    TEST(windows_open_as_we_read),
	    TEST(an_early_answer_stops_the_body),
	    TEST(continue_is_sent_when_wanted),
	    TEST(a_client_may_give_up),
	    TEST(an_answer_may_end_the_connection),
	    TEST(a_client_may_say_goaway),
	    TEST(half_a_connection_is_answered),
	    TEST(a_stop_lets_requests_finish),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
