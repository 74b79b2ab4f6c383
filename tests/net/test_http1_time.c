/* SPDX-License-Identifier: Apache-2.0 */
/* Connections of HTTP/1.1 over real sockets: every time limit by a clock that the test moves, how
 * many there may be and what they hold, and how the server stops. */
#include "support/unit.h"
#include "support/web.h"

#include <malloc.h>
#include <stdlib.h>

#define HOST "Host: a\r\n"

/* --- time ------------------------------------------------------------------------------------ */

static void who_says_nothing_is_closed(void **state)
{
	(void)state;
	struct web_peer peer;
	web_connect(&peer);
	web_pass_ms(NET_HEAD_MS - 1);
	assert_int_equal(web_open(), 1);
	web_pass_ms(1);
	assert_true(web_ended(&peer));
	assert_int_equal(web_open(), 0);
	web_close(&peer);
}

static void a_head_must_come_in_time(void **state)
{
	(void)state;
	struct web_peer peer;
	web_connect(&peer);
	web_send_text(&peer, "GET / HTTP/1.1\r\n");
	web_settle();
	/* More of it does not help. */
	for (int i = 0; i < 9; i++) {
		web_pass_ms(NET_HEAD_MS / 10);
		web_send_text(&peer, "X: y\r\n");
	}
	web_pass_ms(NET_HEAD_MS / 10 - 1);
	assert_int_equal(web_counts().refused, 0);
	web_pass_ms(1);
	assert_true(web_expect_body(&peer, 408, "the head took too long"));
	assert_true(web_ended(&peer));
	web_close(&peer);
}

static void idle_connections_are_closed(void **state)
{
	(void)state;
	struct web_peer peer;
	web_connect(&peer);
	web_expect_alive(&peer);
	web_pass_ms(NET_IDLE_MS - 1);
	web_expect_alive(&peer);
	web_pass_ms(NET_IDLE_MS - 1);
	assert_int_equal(web_open(), 1);
	web_pass_ms(1);
	assert_true(web_ended(&peer));
	web_close(&peer);
}

/* A configuration that was read anew counts for who waits already, and for the next one. */
static void other_times_count_at_once(void **state)
{
	(void)state;
	struct web_peer silent, half, idle, next;
	struct net_limits limits = net_limits_default();
	web_connect(&silent);
	web_connect(&half);
	web_send_text(&half, "GET / HTTP/1.1\r\n");
	web_connect(&idle);
	web_expect_alive(&idle);
	web_settle();
	limits.head_ms = 2000;
	limits.idle_ms = 4000;
	web_retime(&limits);
	web_connect(&next);
	web_pass_ms(1999);
	assert_int_equal(web_open(), 4);
	web_pass_ms(1);
	assert_true(web_ended(&silent));
	assert_true(web_expect_body(&half, 408, "the head took too long"));
	assert_true(web_ended(&next));
	/* And back: later than it began with. */
	limits.idle_ms = 2 * NET_IDLE_MS;
	web_retime(&limits);
	web_pass_ms(2 * NET_IDLE_MS - 2001);
	assert_int_equal(web_open(), 1);
	web_pass_ms(1);
	assert_true(web_ended(&idle));
	web_close(&silent);
	web_close(&half);
	web_close(&idle);
	web_close(&next);
}

/* Octet by octet at a pace, every half second: `n` octets each time. */
static void send_at_pace(struct web_peer *peer, int64_t ms, size_t n)
{
	static char octets[4096];
	memset(octets, 'x', sizeof(octets));
	for (int64_t at = 0; at < ms; at += 500) {
		if (!web_try_send(peer, (struct bytes){octets, n}))
			return;
		web_pass_ms(500);
	}
}

static void a_body_must_keep_its_pace(void **state)
{
	(void)state;
	struct web_peer peer;
	/* 256 octets a second pass, for as long as the whole may take. */
	web_connect(&peer);
	web_send_text(&peer, "POST / HTTP/1.1\r\n" HOST "Content-Length: 60000\r\n\r\n");
	web_settle();
	send_at_pace(&peer, NET_REQUEST_MS - 1000, 128);
	assert_int_equal(web_counts().refused, 0);
	send_at_pace(&peer, 1000, 128);
	assert_true(web_expect_body(&peer, 408, "the body took too long"));
	assert_true(web_ended(&peer));
	web_close(&peer);
	/* 254 do not, once the grace is over. */
	web_connect(&peer);
	web_send_text(&peer, "POST / HTTP/1.1\r\n" HOST "Content-Length: 60000\r\n\r\n");
	web_settle();
	send_at_pace(&peer, NET_BODY_GRACE_MS - 500, 127);
	assert_int_equal(web_counts().refused, 1);
	send_at_pace(&peer, 500, 127);
	assert_int_equal(web_counts().refused, 2);
	assert_true(web_expect(&peer, 408));
	web_close(&peer);
	assert_int_equal(web_abandoned(), 2);
}

static void a_drained_body_must_keep_its_pace_too(void **state)
{
	(void)state;
	struct web_peer peer;
	web_connect(&peer);
	web_send_text(&peer, "POST /early HTTP/1.1\r\n" HOST "Content-Length: 60000\r\n\r\n");
	assert_false(web_expect(&peer, 403));
	web_pass_ms(NET_BODY_GRACE_MS);
	assert_true(web_ended(&peer));
	web_close(&peer);
}

static void the_handler_may_take_its_time(void **state)
{
	(void)state;
	struct web_peer peer;
	web_connect(&peer);
	web_send_text(&peer, "POST /late HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\na");
	while (!web_late())
		;
	web_pass_ms(10 * NET_IDLE_MS);
	web_answer_late();
	assert_false(web_expect_body(&peer, 200, "a"));
	web_expect_alive(&peer);
	web_close(&peer);
}

static void an_answer_must_be_taken_in_time(void **state)
{
	(void)state;
	struct web_peer peer;
	web_connect_small(&peer, 4096);
	for (int i = 0; i < 16; i++)
		web_send_text(&peer, "GET /large HTTP/1.1\r\n" HOST "\r\n");
	while (web_counts().requests == 0)
		;
	web_pass_ms(NET_WRITE_MS - 1);
	assert_int_equal(web_open(), 1);
	web_pass_ms(1);
	assert_int_equal(web_open(), 0);
	web_close(&peer);
}

static void a_small_answer_must_be_taken_in_time_too(void **state)
{
	(void)state;
	static char body[15000];
	char head[100];
	struct web_peer peer;
	memset(body, 'x', sizeof(body));
	web_narrow();
	web_connect_small(&peer, 1);
	(void)snprintf(head, sizeof(head), "POST / HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n",
	               sizeof(body));
	web_send_text(&peer, head);
	web_send(&peer, (struct bytes){body, sizeof(body)});
	while (web_counts().requests < 1)
		;
	web_settle();
	web_pass_ms(NET_WRITE_MS - 1);
	assert_int_equal(web_open(), 1);
	web_pass_ms(1);
	assert_int_equal(web_open(), 0);
	web_close(&peer);
}

static void who_never_closes_is_closed(void **state)
{
	(void)state;
	struct web_peer peer;
	web_connect(&peer);
	web_send_text(&peer, "GET /close HTTP/1.1\r\n" HOST "\r\n");
	assert_true(web_expect(&peer, 200));
	assert_true(web_ended(&peer));
	web_pass_ms(NET_LINGER_MS - 1);
	assert_int_equal(web_open(), 1);
	web_pass_ms(1);
	assert_int_equal(web_open(), 0);
	web_close(&peer);
}

/* --- numbers --------------------------------------------------------------------------------- */

static void connections_have_a_limit(void **state)
{
	(void)state;
	web_stop();
	struct net_limits limits = net_limits_default();
	limits.connections_max = 3;
	web_start(&limits);
	struct web_peer peers[5];
	for (int i = 0; i < 3; i++) {
		web_connect(&peers[i]);
		web_expect_alive(&peers[i]);
		web_pass_ms(1);
	}
	web_expect_alive(&peers[0]);
	web_pass_ms(1);
	/* The second has been idle longest. */
	web_connect(&peers[3]);
	assert_true(web_ended(&peers[1]));
	web_expect_alive(&peers[3]);
	/* Those at work stay: the newcomer is turned away. */
	web_send_text(&peers[0], "GET / HTTP/1.1\r\n");
	web_send_text(&peers[2], "GET / HTTP/1.1\r\n");
	web_send_text(&peers[3], "GET / HTTP/1.1\r\n");
	web_settle();
	web_connect(&peers[4]);
	assert_true(web_ended(&peers[4]));
	struct net_counts counts = web_counts();
	assert_int_equal(counts.open, 3);
	assert_int_equal(counts.accepted, 4);
	assert_int_equal(counts.turned_away, 2);
	for (int i = 0; i < 5; i++)
		web_close(&peers[i]);
}

/* Connection, stream and all. Octets that nobody waits for have no buffer. */
#define IDLE_MAX ((size_t)1 << 10)
#define IDLE_CONNECTIONS 500

static size_t heap_used(void)
{
	web_settle();
	return mallinfo2().uordblks; /* 0 where a sanitizer owns the heap */
}

static void idle_connections_hold_little(void **state)
{
	(void)state;
	static struct web_peer peers[IDLE_CONNECTIONS];
	web_connect(&peers[0]);
	web_expect_alive(&peers[0]);
	size_t before = heap_used();
	for (size_t i = 1; i < COUNT(peers); i++) {
		web_connect(&peers[i]);
		web_expect_alive(&peers[i]);
	}
	assert_in_range(heap_used() - before, 0, IDLE_MAX * (COUNT(peers) - 1));
	for (size_t i = 0; i < COUNT(peers); i++)
		web_close(&peers[i]);
}

/* --- stopping -------------------------------------------------------------------------------- */

static void stopping_closes_what_is_idle(void **state)
{
	(void)state;
	struct web_peer fresh, idle;
	web_connect(&fresh);
	web_connect(&idle);
	web_expect_alive(&idle);
	web_stop_gracefully();
	assert_true(web_ended(&fresh));
	assert_true(web_ended(&idle));
	web_close(&fresh);
	web_close(&idle);
}

static void stopping_lets_requests_finish(void **state)
{
	(void)state;
	struct web_peer late, half, body;
	web_connect(&late);
	web_connect(&half);
	web_connect(&body);
	web_send_text(&late, "POST /late HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\na"
	                     "GET /never HTTP/1.1\r\n" HOST "\r\n");
	web_send_text(&half, "GET / HTTP/1.1\r\n");
	web_send_text(&body, "POST / HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\na");
	while (web_counts().requests < 2 || !web_late())
		;
	web_settle();
	web_stop_begin();
	web_send_text(&half, HOST "\r\n");
	assert_true(web_expect(&half, 200));
	web_send_text(&body, "b");
	assert_true(web_expect_body(&body, 200, "ab"));
	web_answer_late();
	assert_true(web_expect_body(&late, 200, "a"));
	assert_true(web_ended(&late));
	assert_true(web_ended(&half));
	assert_true(web_ended(&body));
	web_close(&late);
	web_close(&half);
	web_close(&body);
	web_stop_await();
}

static void stopping_lets_answers_be_read(void **state)
{
	(void)state;
	struct web_peer peer;
	struct web_answer answer;
	web_narrow();
	web_connect_small(&peer, 4096);
	web_send_text(&peer, "GET /large HTTP/1.1\r\n" HOST "\r\n");
	while (web_counts().requests < 1)
		;
	web_stop_begin();
	assert_true(web_next(&peer, false, &answer));
	assert_int_equal(answer.body_len, WEB_LARGE);
	assert_false(answer.close); /* it was too late to say so */
	web_answer_done(&answer);
	assert_true(web_ended(&peer));
	web_close(&peer);
	web_stop_await();
}

/* Nobody reads it any more, but the handler still works on it. */
static void stopping_waits_for_what_was_abandoned(void **state)
{
	(void)state;
	struct web_peer peer;
	web_connect(&peer);
	web_send_text(&peer, "GET /late HTTP/1.1\r\n" HOST "\r\n");
	while (!web_late())
		;
	web_abort(&peer);
	while (web_abandoned() != 1)
		;
	web_stop_begin();
	web_pass_ms(NET_STOP_MS - 1);
	assert_false(web_stopped());
	web_answer_late();
	web_stop_await();
}

static void stopping_does_not_wait_for_ever(void **state)
{
	(void)state;
	struct web_peer late, half;
	web_connect(&late);
	web_connect(&half);
	web_send_text(&late, "GET /late HTTP/1.1\r\n" HOST "\r\n");
	web_send_text(&half, "GET / HTTP/1.1\r\n");
	while (!web_late())
		;
	web_settle();
	web_stop_begin();
	web_pass_ms(NET_STOP_MS - 1);
	assert_true(web_open() >= 1);
	web_pass_ms(1);
	web_stop_await();
	assert_int_equal(web_open(), 0);
	/* Gone without an answer, or with the 408 of its own limit. */
	web_close(&late);
	web_close(&half);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, web_set_up, web_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(who_says_nothing_is_closed),
	    TEST(a_head_must_come_in_time),
	    TEST(idle_connections_are_closed),
	    TEST(other_times_count_at_once),
	    TEST(a_body_must_keep_its_pace),
	    TEST(a_drained_body_must_keep_its_pace_too),
	    TEST(the_handler_may_take_its_time),
	    TEST(an_answer_must_be_taken_in_time),
	    TEST(a_small_answer_must_be_taken_in_time_too),
	    TEST(who_never_closes_is_closed),
	    TEST(connections_have_a_limit),
	    TEST(idle_connections_hold_little),
	    TEST(stopping_closes_what_is_idle),
	    TEST(stopping_lets_requests_finish),
	    TEST(stopping_lets_answers_be_read),
	    TEST(stopping_waits_for_what_was_abandoned),
	    TEST(stopping_does_not_wait_for_ever),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
