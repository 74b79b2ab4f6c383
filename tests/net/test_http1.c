/* SPDX-License-Identifier: Apache-2.0 */
/* A connection of HTTP/1.1 over a real socket: answers, bodies, and how it ends. */
#include "support/unit.h"
#include "support/web.h"

#include "net/block.h"

#include <stdlib.h>

#define HOST "Host: a\r\n"

/* --- answers --------------------------------------------------------------------------------- */

static void a_request_is_as_it_was_sent(void **state)
{
	(void)state;
	struct web_peer peer;
	web_connect(&peer);
	web_send_text(&peer, "POST /describe?x=%41 HTTP/1.1\r\nHost: b.example:1\r\nX: y\r\n"
	                     "Content-Length: 3\r\n\r\nabc");
	assert_false(web_expect_body(&peer, 200, "POST /describe x=%41 b.example:1 3 3 127.0.0.1"));
	web_expect_alive(&peer);
	web_close(&peer);
}

static void an_answer_has_what_it_must(void **state)
{
	(void)state;
	struct web_peer peer;
	struct web_answer answer;
	web_connect(&peer);
	web_send_text(&peer, "GET /describe HTTP/1.1\r\n" HOST "\r\n");
	assert_true(web_next(&peer, false, &answer));
	assert_non_null(strstr(answer.head, "HTTP/1.1 200 OK\r\nDate: "));
	assert_non_null(strstr(answer.head, " GMT\r\n"));
	assert_non_null(strstr(answer.head, "\r\nX-Made-By: describe\r\n"));
	assert_non_null(strstr(answer.head, "\r\nContent-Type: text/plain\r\n"));
	assert_null(strstr(answer.head, "\r\nConnection:"));
	web_answer_done(&answer);
	web_close(&peer);
}

static void some_answers_have_no_body(void **state)
{
	(void)state;
	struct web_peer peer;
	struct web_answer answer;
	web_connect(&peer);
	web_send_text(&peer, "GET /no-content HTTP/1.1\r\n" HOST "\r\n");
	assert_true(web_next(&peer, false, &answer));
	assert_int_equal(answer.status, 204);
	assert_false(answer.has_length);
	web_answer_done(&answer);
	web_send_text(&peer, "HEAD /large HTTP/1.1\r\n" HOST "\r\n");
	assert_true(web_next(&peer, true, &answer));
	assert_int_equal(answer.status, 200);
	assert_non_null(strstr(answer.head, "\r\nContent-Length: 1048576\r\n"));
	web_answer_done(&answer);
	web_send_text(&peer, "OPTIONS * HTTP/1.1\r\n" HOST "\r\n");
	assert_true(web_next(&peer, false, &answer));
	assert_int_equal(answer.status, 204);
	web_answer_done(&answer);
	web_expect_alive(&peer);
	web_close(&peer);
}

static void a_large_answer_arrives_whole(void **state)
{
	(void)state;
	struct web_peer peer;
	struct web_answer answer;
	web_connect_small(&peer, 4096);
	/* Small answers before and after it keep their places. */
	web_send_text(&peer, "POST /a HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\na"
	                     "GET /large HTTP/1.1\r\n" HOST "\r\n"
	                     "POST /b HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nb");
	assert_false(web_expect_body(&peer, 200, "a"));
	assert_true(web_next(&peer, false, &answer));
	assert_int_equal(answer.body_len, WEB_LARGE);
	for (size_t i = 0; i < WEB_LARGE; i++)
		assert_true(answer.body[i] == 'L');
	web_answer_done(&answer);
	assert_false(web_expect_body(&peer, 200, "b"));
	web_expect_alive(&peer);
	web_close(&peer);
}

static void a_head_too_wide_is_our_mistake(void **state)
{
	(void)state;
	struct web_peer peer;
	web_connect(&peer);
	web_send_text(&peer, "GET /wide HTTP/1.1\r\n" HOST "\r\n");
	assert_true(web_expect_body(&peer, 500, ""));
	assert_true(web_ended(&peer));
	web_close(&peer);
}

/* --- when a connection ends ------------------------------------------------------------------ */

static void a_connection_ends_when_asked(void **state)
{
	(void)state;
	static const char *const requests[] = {
	    "GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n",
	    "GET /close HTTP/1.1\r\n" HOST "\r\n",
	    "GET / HTTP/1.0\r\n\r\n",
	    "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
	    "GET /large HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n",
	};
	for (size_t i = 0; i < COUNT(requests); i++) {
		struct web_peer peer;
		web_connect(&peer);
		web_send_text(&peer, requests[i]);
		/* What follows is not answered. */
		web_send_text(&peer, "GET / HTTP/1.1\r\n" HOST "\r\n");
		assert_true(web_expect(&peer, 200));
		assert_true(web_ended(&peer));
		web_close(&peer);
	}
}

static void a_refusal_ends_the_connection(void **state)
{
	(void)state;
	struct web_peer peer;
	web_connect(&peer);
	web_send_text(&peer,
	              "GET / HTTP/1.1\r\n" HOST "\r\nGET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n");
	assert_false(web_expect(&peer, 200));
	assert_true(web_expect_body(&peer, 400, "there is no Host"));
	assert_true(web_ended(&peer));
	web_close(&peer);
	assert_int_equal(web_counts().refused, 1);
}

/* The peer may still be sending: it must get the answer, not a reset. */
static void a_last_answer_reaches_who_still_sends(void **state)
{
	(void)state;
	static char octets[1 << 20];
	memset(octets, 'x', sizeof(octets));
	for (int round = 0; round < 10; round++) {
		struct web_peer peer;
		web_connect(&peer);
		web_send_text(&peer, "POST / HTTP/1.1\r\n" HOST "Content-Length: 2000000\r\n\r\n");
		bool all = web_try_send(&peer, (struct bytes){octets, sizeof(octets)});
		assert_true(all);
		assert_true(web_expect_body(&peer, 413, "too large"));
		assert_true(web_ended(&peer));
		web_close(&peer);
	}
}

static void half_a_close_still_gets_its_answers(void **state)
{
	(void)state;
	struct web_peer peer;
	web_connect(&peer);
	web_send_text(&peer, "POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\na"
	                     "POST /late HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nb"
	                     "GET /large HTTP/1.1\r\n" HOST "\r\n"
	                     "GET /cut HTT");
	web_end(&peer);
	assert_false(web_expect_body(&peer, 200, "a"));
	while (!web_late())
		;
	web_answer_late();
	assert_false(web_expect_body(&peer, 200, "b"));
	assert_false(web_expect(&peer, 200));
	assert_true(web_ended(&peer));
	web_close(&peer);
	assert_int_equal(web_abandoned(), 0);
}

/* A request that fills its block, and the end, in one go: the answer is not yet written when the
 * end is seen. */
static void an_end_right_behind_a_request(void **state)
{
	(void)state;
	static char text[BLOCK_SMALL + 1];
	int n = snprintf(text, sizeof(text), "GET /describe HTTP/1.1\r\n" HOST "X: ");
	memset(text + n, 'x', BLOCK_SMALL - (size_t)n - 4);
	memcpy(text + BLOCK_SMALL - 4, "\r\n\r\n", 4);
	struct web_peer peer;
	web_connect(&peer);
	web_settle();
	web_hold();
	web_send_text(&peer, text);
	web_end(&peer);
	web_let_go();
	assert_false(web_expect_body(&peer, 200, "GET /describe - a 2 0 127.0.0.1"));
	assert_true(web_ended(&peer));
	web_close(&peer);
	assert_int_equal(web_open(), 0);
}

/* The end is seen while the last answer is on its way. */
static void an_end_during_the_last_answer(void **state)
{
	(void)state;
	struct web_peer peer;
	struct web_answer answer;
	web_narrow();
	web_connect_small(&peer, 4096);
	web_send_text(&peer, "GET /large HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
	while (web_counts().requests < 1)
		;
	web_end(&peer);
	web_settle();
	assert_true(web_next(&peer, false, &answer));
	assert_int_equal(answer.body_len, WEB_LARGE);
	web_answer_done(&answer);
	assert_true(web_ended(&peer));
	/* Nothing to wait for. */
	assert_int_equal(web_open(), 0);
	web_close(&peer);
}

static void half_a_request_gets_no_answer(void **state)
{
	(void)state;
	static const char *const requests[] = {
	    "",
	    "G",
	    "GET / HTTP/1.1\r\n" HOST,
	    "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nabcd",
	    "POST / HTTP/1.1\r\n" HOST "Content-Length: 50000\r\n\r\nabcd",
	    "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n4\r\nabc",
	};
	for (size_t i = 0; i < COUNT(requests); i++) {
		struct web_peer peer;
		web_connect(&peer);
		web_send_text(&peer, requests[i]);
		web_end(&peer);
		assert_true(web_ended(&peer));
		web_close(&peer);
	}
	/* The handler had seen the heads of three. */
	assert_int_equal(web_abandoned(), 3);
	assert_int_equal(web_open(), 0);
}

static void what_is_abandoned_may_still_be_answered(void **state)
{
	(void)state;
	struct web_peer peer;
	web_connect(&peer);
	web_send_text(&peer, "POST /late HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc");
	while (!web_late())
		;
	web_abort(&peer);
	while (web_abandoned() != 1)
		;
	assert_int_equal(web_open(), 0);
	web_answer_late();
	assert_int_equal(web_late(), 0);
}

/* web_stop frees it without an answer. */
static void what_is_never_answered_is_freed(void **state)
{
	(void)state;
	struct web_peer peer;
	web_connect(&peer);
	web_send_text(&peer, "POST /late HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc");
	while (!web_late())
		;
	web_abort(&peer);
	while (web_abandoned() != 1)
		;
}

/* --- bodies ---------------------------------------------------------------------------------- */

static void continue_is_sent_when_wanted(void **state)
{
	(void)state;
	struct web_peer peer;
	web_connect(&peer);
	web_send_text(&peer, "POST / HTTP/1.1\r\n" HOST
	                     "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n");
	assert_false(web_expect(&peer, 100));
	web_send_text(&peer, "abc");
	assert_false(web_expect_body(&peer, 200, "abc"));
	web_send_text(&peer, "POST / HTTP/1.1\r\n" HOST
	                     "Expect: 100-Continue\r\nTransfer-Encoding: chunked\r\n\r\n");
	assert_false(web_expect(&peer, 100));
	web_send_text(&peer, "1\r\nx\r\n0\r\n\r\n");
	assert_false(web_expect_body(&peer, 200, "x"));
	/* Too much, and nobody knows how much more: it says that it ends here. */
	web_send_text(&peer, "POST /small HTTP/1.1\r\n" HOST
	                     "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n");
	assert_false(web_expect(&peer, 100));
	web_send_text(&peer, "11\r\n0123456789abcdefg\r\n");
	assert_true(web_expect(&peer, 413));
	assert_true(web_ended(&peer));
	web_close(&peer);
}

static void continue_is_not_sent_when_not(void **state)
{
	(void)state;
	struct web_peer peer;
	web_connect(&peer);
	/* The body is here; there is none; the client speaks HTTP/1.0. */
	web_send_text(&peer, "POST / HTTP/1.1\r\n" HOST
	                     "Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc");
	assert_false(web_expect_body(&peer, 200, "abc"));
	web_send_text(&peer, "POST / HTTP/1.1\r\n" HOST
	                     "Expect: 100-continue\r\nContent-Length: 0\r\n\r\n");
	assert_false(web_expect_body(&peer, 200, ""));
	web_send_text(&peer,
	              "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
	web_settle();
	web_send_text(&peer, "a");
	assert_true(web_expect_body(&peer, 200, "a"));
	assert_true(web_ended(&peer));
	web_close(&peer);
}

/* It may send the body after all, or another request: nobody can know. */
static void who_waits_for_continue_and_is_refused_must_go(void **state)
{
	(void)state;
	static const char *const requests[] = {
	    "POST /early HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n",
	    "POST /early HTTP/1.1\r\n" HOST
	    "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n",
	};
	for (size_t i = 0; i < COUNT(requests); i++) {
		struct web_peer peer;
		web_connect(&peer);
		web_send_text(&peer, requests[i]);
		assert_true(web_expect_body(&peer, 403, "early"));
		assert_true(web_ended(&peer));
		web_close(&peer);
	}
	struct web_peer peer;
	web_connect(&peer);
	web_send_text(&peer, "POST /small HTTP/1.1\r\n" HOST
	                     "Expect: 100-continue\r\nContent-Length: 17\r\n\r\n");
	assert_true(web_expect(&peer, 413));
	assert_true(web_ended(&peer));
	web_close(&peer);
	web_connect(&peer);
	web_send_text(&peer, "POST / HTTP/1.1\r\n" HOST "Expect: tea\r\nContent-Length: 1\r\n\r\n");
	assert_true(web_expect(&peer, 417));
	assert_true(web_ended(&peer));
	web_close(&peer);
}

static void bodies_have_the_routes_limit(void **state)
{
	(void)state;
	struct web_peer peer;
	web_connect(&peer);
	web_send_text(&peer,
	              "POST /small HTTP/1.1\r\n" HOST "Content-Length: 16\r\n\r\n0123456789abcdef");
	assert_false(web_expect_body(&peer, 200, "0123456789abcdef"));
	web_send_text(&peer, "POST /small HTTP/1.1\r\n" HOST
	                     "Content-Length: 17\r\n\r\n0123456789abcdefg");
	assert_false(web_expect(&peer, 413));
	web_send_text(&peer, "POST /small HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
	                     "8\r\n01234567\r\n8\r\n89abcdef\r\n0\r\n\r\n");
	assert_false(web_expect_body(&peer, 200, "0123456789abcdef"));
	web_send_text(&peer, "POST /small HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
	                     "8\r\n01234567\r\n9\r\n89abcdefg\r\n0\r\n\r\n");
	assert_false(web_expect(&peer, 413));
	web_expect_alive(&peer);
	web_close(&peer);
}

static void early_answers_drain_what_is_worth_it(void **state)
{
	(void)state;
	static char body[NET_DRAIN_MAX + 1];
	memset(body, 'x', sizeof(body));
	struct web_peer peer;
	char head[200];
	web_connect(&peer);
	(void)snprintf(head, sizeof(head),
	               "POST /early HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n",
	               NET_DRAIN_MAX);
	web_send_text(&peer, head);
	assert_false(web_expect_body(&peer, 403, "early"));
	web_send(&peer, (struct bytes){body, NET_DRAIN_MAX});
	web_expect_alive(&peer);
	/* One octet more is not. */
	(void)snprintf(head, sizeof(head),
	               "POST /early HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n",
	               NET_DRAIN_MAX + 1);
	web_send_text(&peer, head);
	assert_true(web_expect_body(&peer, 403, "early"));
	assert_true(web_ended(&peer));
	web_close(&peer);
}

static void early_answers_drain_chunks_to_a_limit(void **state)
{
	(void)state;
	static char body[NET_DRAIN_MAX];
	memset(body, 'x', sizeof(body));
	struct web_peer peer;
	web_connect(&peer);
	web_send_text(&peer, "POST /early HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
	                     "3\r\nabc\r\n");
	assert_false(web_expect_body(&peer, 403, "early"));
	web_send_text(&peer, "1\r\nd\r\n0\r\n\r\n");
	web_expect_alive(&peer);
	web_send_text(&peer, "POST /early HTTP/1.1\r\n" HOST
	                     "Transfer-Encoding: chunked\r\n\r\n20000\r\n");
	assert_false(web_expect_body(&peer, 403, "early"));
	(void)web_try_send(&peer, (struct bytes){body, sizeof(body)});
	(void)web_try_send(&peer, (struct bytes){body, sizeof(body)});
	assert_true(web_ended(&peer));
	web_close(&peer);
	/* What is drained must still be well-formed: else the next request is anybody's guess. */
	web_connect(&peer);
	web_send_text(&peer, "POST /early HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
	                     "3\r\nabcd\r\n0\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n");
	assert_false(web_expect_body(&peer, 403, "early"));
	assert_true(web_ended(&peer));
	web_close(&peer);
}

static void bad_chunks_are_refused_after_good_ones(void **state)
{
	(void)state;
	struct web_peer peer;
	web_connect(&peer);
	web_send_text(&peer, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
	                     "3\r\nabc\r\n");
	web_settle();
	web_send_text(&peer, "x\r\n");
	assert_true(web_expect_body(&peer, 400, "a chunk has no size"));
	assert_true(web_ended(&peer));
	web_close(&peer);
	assert_int_equal(web_abandoned(), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, web_set_up, web_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_request_is_as_it_was_sent),
	    TEST(an_answer_has_what_it_must),
	    TEST(some_answers_have_no_body),
	    TEST(a_large_answer_arrives_whole),
	    TEST(a_head_too_wide_is_our_mistake),
	    TEST(a_connection_ends_when_asked),
	    TEST(a_refusal_ends_the_connection),
	    TEST(a_last_answer_reaches_who_still_sends),
	    TEST(half_a_close_still_gets_its_answers),
	    TEST(an_end_right_behind_a_request),
	    TEST(an_end_during_the_last_answer),
	    TEST(half_a_request_gets_no_answer),
	    TEST(what_is_abandoned_may_still_be_answered),
	    TEST(what_is_never_answered_is_freed),
	    TEST(continue_is_sent_when_wanted),
	    TEST(continue_is_not_sent_when_not),
	    TEST(who_waits_for_continue_and_is_refused_must_go),
	    TEST(bodies_have_the_routes_limit),
	    TEST(early_answers_drain_what_is_worth_it),
	    TEST(early_answers_drain_chunks_to_a_limit),
	    TEST(bad_chunks_are_refused_after_good_ones),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
