/* SPDX-License-Identifier: Apache-2.0 */
/* Time limits of HTTP/2, by a clock that the test moves. */
#include "support/frames.h"
#include "support/unit.h"

#define LAST NGHTTP2_FLAG_END_STREAM

static void pong(struct frames *frames)
{
	static struct frame frame;
	do {
		assert_true(frame_next(frames, &frame));
	} while (frame.type != NGHTTP2_PING);
	assert_true(frame_send(frames, NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0,
	                       (struct bytes){(const char *)frame.payload, 8}));
	web_settle();
}

/* A preface must come as soon as a head. */
static void a_preface_must_come_whole(void **state)
{
	(void)state;
	struct frames frames;
	frames_connect_silent(&frames);
	web_send_text(&frames.peer, "PRI * HT");
	while (web_counts().accepted == 0)
		;
	web_pass_ms(NET_HEAD_MS - 1);
	assert_int_equal(web_open(), 1);
	web_pass_ms(1);
	assert_true(web_ended(&frames.peer));
	frames_close(&frames);
}

static void who_is_gone_is_noticed(void **state)
{
	(void)state;
	struct frames frames;
	frames_connect(&frames);
	frames_expect_alive(&frames);
	web_pass_ms(NET_PING_MS - 1);
	web_pass_ms(NET_PONG_MS);
	assert_int_equal(web_open(), 1);
	web_pass_ms(NET_PONG_MS - 1);
	assert_int_equal(web_open(), 1);
	web_pass_ms(1);
	assert_int_equal(web_open(), 0);
	frames_close(&frames);
}

static void who_lives_may_idle_for_a_while(void **state)
{
	(void)state;
	struct frames frames;
	frames_connect(&frames);
	frames_expect_alive(&frames);
	for (int64_t ms = NET_PING_MS; ms < NET_HTTP2_IDLE_MS; ms += NET_PING_MS) {
		web_pass_ms(NET_PING_MS);
		pong(&frames);
		assert_int_equal(web_open(), 1);
	}
	web_pass_ms(NET_PING_MS - 1);
	assert_int_equal(web_open(), 1);
	web_pass_ms(1);
	frames_expect_goaway(&frames, NGHTTP2_NO_ERROR);
	frames_close(&frames);
}

static void a_request_begins_the_idling_anew(void **state)
{
	(void)state;
	struct frames frames;
	frames_connect(&frames);
	for (int64_t ms = 0; ms < 2 * NET_HTTP2_IDLE_MS; ms += NET_PING_MS) {
		frames_expect_alive(&frames);
		web_pass_ms(NET_PING_MS - 1);
	}
	assert_int_equal(web_open(), 1);
	frames_close(&frames);
}

static void a_head_must_come_in_time(void **state)
{
	(void)state;
	char block[128];
	struct frames frames;
	frames_connect(&frames);
	frames_expect_alive(&frames);
	struct bytes head = fields_encode(":method: GET\n:scheme: http\n", block, sizeof(block));
	assert_true(frame_send(&frames, NGHTTP2_HEADERS, LAST, frames.next_id, head));
	web_settle();
	web_pass_ms(NET_HEAD_MS - 1);
	assert_int_equal(web_open(), 1);
	web_pass_ms(1000);
	frames_expect_goaway(&frames, NGHTTP2_ENHANCE_YOUR_CALM);
	frames_close(&frames);
}

static void a_body_must_keep_its_pace(void **state)
{
	(void)state;
	struct frames frames;
	frames_connect(&frames);
	int32_t slow = head_send(&frames, "POST", "/x", "", 0);
	data_send(&frames, slow, "x", 0);
	int32_t late = head_send(&frames, "GET", "/late", "", LAST);
	while (web_late() == 0)
		;
	web_pass_ms(NET_BODY_GRACE_MS - 1);
	web_pass_ms(1000);
	frames_expect(&frames, slow, 408, "the body took too long");
	/* The others do not mind. */
	web_answer_late();
	frames_expect(&frames, late, 200, "");
	frames_expect_alive(&frames);
	frames_close(&frames);
}

static void a_body_may_not_take_for_ever(void **state)
{
	(void)state;
	static char piece[1024];
	struct frames frames;
	memset(piece, 'x', sizeof(piece) - 1);
	frames_connect(&frames);
	int32_t id = head_send(&frames, "POST", "/x", "", 0);
	for (int64_t ms = 0; ms < NET_REQUEST_MS; ms += 1000) {
		data_send(&frames, id, piece, 0);
		web_settle();
		web_pass_ms(1000);
	}
	web_pass_ms(1000);
	frames_expect(&frames, id, 408, NULL);
	frames_close(&frames);
}

/* Its window stays shut, or opens by crumbs: that stream is reset, its memory given back. */
static void an_answer_must_be_taken_in_time(void **state)
{
	(void)state;
	struct frames frames;
	struct frames_answer answer;
	frames_connect_silent(&frames);
	web_send_text(&frames.peer, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
	/* SETTINGS_INITIAL_WINDOW_SIZE 0 */
	assert_true(frame_send(&frames, NGHTTP2_SETTINGS, 0, 0, (struct bytes){"\0\4\0\0\0\0", 6}));
	int32_t id = head_send(&frames, "GET", "/large", "", LAST);
	while (web_counts().requests == 0)
		;
	for (int i = 0; i < 10; i++) {
		web_pass_ms(NET_WRITE_MS / 10 - 100);
		assert_true(frame_send(&frames, NGHTTP2_WINDOW_UPDATE, 0, id,
		                       (struct bytes){"\0\0\0\1", 4}));
	}
	web_pass_ms(2000);
	frames_answer(&frames, id, &answer);
	assert_true(answer.reset);
	assert_int_equal(answer.code, NGHTTP2_CANCEL);
	assert_int_equal(answer.body_len, 10);
	frames_answer_done(&answer);
	frames_close(&frames);
}

/* One that does so with many at a time does nothing else. */
static void many_stuck_answers_end_the_connection(void **state)
{
	(void)state;
	struct frames frames;
	frames_connect_silent(&frames);
	web_send_text(&frames.peer, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
	assert_true(frame_send(&frames, NGHTTP2_SETTINGS, 0, 0, (struct bytes){"\0\4\0\0\0\0", 6}));
	for (size_t i = 0; i < NET_STREAMS_MAX; i++)
		(void)head_send(&frames, "GET", "/describe", "", LAST);
	while (web_counts().requests < NET_STREAMS_MAX)
		;
	web_pass_ms(NET_WRITE_MS - 1);
	assert_int_equal(web_open(), 1);
	web_pass_ms(1000);
	frames_expect_goaway(&frames, NGHTTP2_ENHANCE_YOUR_CALM);
	frames_close(&frames);
}

/* The socket itself is not read. */
static void what_is_written_must_be_read(void **state)
{
	(void)state;
	struct frames frames;
	web_narrow();
	frames_connect_silent(&frames);
	web_close(&frames.peer);
	web_connect_small(&frames.peer, 4096);
	web_send_text(&frames.peer, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
	/* SETTINGS_INITIAL_WINDOW_SIZE, and the connection's window: as large as they get */
	assert_true(
	    frame_send(&frames, NGHTTP2_SETTINGS, 0, 0, (struct bytes){"\0\4\x7f\xff\xff\xff", 6}));
	assert_true(
	    frame_send(&frames, NGHTTP2_WINDOW_UPDATE, 0, 0, (struct bytes){"\x7f\xff\0\0", 4}));
	(void)head_send(&frames, "GET", "/large", "", LAST);
	while (web_counts().requests == 0)
		;
	web_settle();
	web_pass_ms(NET_WRITE_MS - 1);
	assert_int_equal(web_open(), 1);
	web_pass_ms(1);
	assert_int_equal(web_open(), 0);
	frames_close(&frames);
}

static void a_handler_may_take_its_time(void **state)
{
	(void)state;
	struct frames frames;
	frames_connect(&frames);
	int32_t late = head_send(&frames, "GET", "/late", "", LAST);
	while (web_late() == 0)
		;
	web_pass_ms(10 * NET_HTTP2_IDLE_MS);
	web_answer_late();
	frames_expect(&frames, late, 200, "");
	frames_close(&frames);
}

/* A client that does not answer the PING of a stop is not waited for. */
static void a_stop_waits_a_moment_for_the_client(void **state)
{
	(void)state;
	struct frames frames;
	frames_connect(&frames);
	frames_expect_alive(&frames);
	web_stop_begin();
	web_pass_ms(999);
	assert_int_equal(web_open(), 1);
	web_pass_ms(1);
	frames_expect_goaway(&frames, NGHTTP2_NO_ERROR);
	frames_close(&frames);
	web_stop_await();
}

static void a_stop_ends_what_lasts(void **state)
{
	(void)state;
	struct frames frames;
	frames_connect(&frames);
	(void)head_send(&frames, "GET", "/late", "", LAST);
	while (web_late() == 0)
		;
	web_stop_begin();
	web_pass_ms(NET_STOP_MS - 1);
	assert_false(web_stopped());
	web_pass_ms(1);
	web_stop_await();
	frames_close(&frames);
}

/* The longest idle one makes room, whatever it speaks. */
static void who_idles_longest_makes_room(void **state)
{
	(void)state;
	struct net_limits limits = net_limits_default();
	limits.connections_max = 2;
	struct frames first, third;
	struct web_peer second;
	web_start(&limits);
	frames_connect(&first);
	frames_expect_alive(&first);
	web_pass_ms(10);
	web_connect(&second);
	web_expect_alive(&second);
	web_pass_ms(10);
	frames_connect(&third);
	frames_expect_goaway(&first, NGHTTP2_NO_ERROR);
	frames_expect_alive(&third);
	web_expect_alive(&second);
	web_pass_ms(10);
	frames_expect_alive(&third);
	frames_close(&first);
	frames_connect(&first);
	assert_true(web_ended(&second));
	frames_expect_alive(&first);
	frames_expect_alive(&third);
	frames_close(&first);
	frames_close(&third);
	web_close(&second);
	web_stop();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, web_set_up, web_tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(a_preface_must_come_whole),
	    TEST(who_is_gone_is_noticed),
	    TEST(who_lives_may_idle_for_a_while),
	    TEST(a_request_begins_the_idling_anew),
	    TEST(a_head_must_come_in_time),
	    TEST(a_body_must_keep_its_pace),
	    TEST(a_body_may_not_take_for_ever),
	    TEST(an_answer_must_be_taken_in_time),
	    TEST(many_stuck_answers_end_the_connection),
	    TEST(what_is_written_must_be_read),
	    TEST(a_handler_may_take_its_time),
	    TEST(a_stop_waits_a_moment_for_the_client),
	    TEST(a_stop_ends_what_lasts),
	    cmocka_unit_test(who_idles_longest_makes_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
