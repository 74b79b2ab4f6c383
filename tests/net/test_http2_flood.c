/* SPDX-License-Identifier: Apache-2.0 */
/* Floods of HTTP/2 over a real socket: each kind is cut within a thousand frames, and a client that
 * does its work, however busily, is not. */
#include "cases.h"
#include "support/frames.h"
#include "support/unit.h"

#include <stdlib.h>

#define LAST NGHTTP2_FLAG_END_STREAM
#define WHOLE (NGHTTP2_FLAG_END_STREAM | NGHTTP2_FLAG_END_HEADERS)
#define FRAMES_MAX 1000

/* A head that is good; GET /late stays with the handler. */
static struct bytes head_block(const char *path)
{
	static char block[256];
	char lines[128];
	(void)snprintf(lines, sizeof(lines),
	               ":method: GET\n:scheme: http\n:authority: a\n:path: %s\n", path);
	return fields_encode(lines, block, sizeof(block));
}

static bool ping(struct frames *frames)
{
	return frame_send(frames, NGHTTP2_PING, 0, 0, BYTES("12345678"));
}

static bool settings(struct frames *frames)
{
	return frame_send(frames, NGHTTP2_SETTINGS, 0, 0, BYTES_NONE);
}

static bool settings_many(struct frames *frames)
{
	static char many[32 * 6];
	for (size_t i = 0; i < 32; i++)
		memcpy(many + 6 * i, "\0\1\0\0\x10\0", 6);
	return frame_send(frames, NGHTTP2_SETTINGS, 0, 0, (struct bytes){many, sizeof(many)});
}

static bool priority(struct frames *frames)
{
	return frame_send(frames, NGHTTP2_PRIORITY, 0, 101, (struct bytes){"\0\0\0\0\x10", 5});
}

static bool window_update(struct frames *frames)
{
	return frame_send(frames, NGHTTP2_WINDOW_UPDATE, 0, 0, (struct bytes){"\0\0\0\1", 4});
}

static bool unknown(struct frames *frames)
{
	return frame_send(frames, 0x42, 0, 0, BYTES("?"));
}

static bool pong(struct frames *frames)
{
	return frame_send(frames, NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, BYTES("12345678"));
}

static bool empty_data(struct frames *frames)
{
	if (frames->next_id == 1)
		(void)head_send(frames, "POST", "/x", "", 0);
	return frame_send(frames, NGHTTP2_DATA, 0, 1, BYTES_NONE);
}

/* Nothing but padding. */
static bool padded_data(struct frames *frames)
{
	if (frames->next_id == 1)
		(void)head_send(frames, "POST", "/x", "", 0);
	return frame_send(frames, NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, 1,
	                  (struct bytes){"\x04\0\0\0\0", 5});
}

/* For a stream that was answered and is gone. */
static bool stray_data(struct frames *frames)
{
	if (frames->next_id == 1)
		frames_expect(frames, head_send(frames, "GET", "/early", "", LAST), 403, NULL);
	return frame_send(frames, NGHTTP2_DATA, 0, 1, BYTES("x"));
}

static bool reset(struct frames *frames)
{
	int32_t id = frames->next_id;
	frames->next_id += 2;
	return frame_send(frames, NGHTTP2_HEADERS, WHOLE, id, head_block("/late")) &&
	       frame_send(frames, NGHTTP2_RST_STREAM, 0, id, (struct bytes){"\0\0\0\x8", 4});
}

/* MadeYouReset: what makes us reset a stream that the handler works on. Whether the library ends
 * the connection at once or our sum does it depends on how much was read at a time. */
static bool made_reset(struct frames *frames)
{
	int32_t id = frames->next_id;
	frames->next_id += 2;
	return frame_send(frames, NGHTTP2_HEADERS, WHOLE, id, head_block("/late")) &&
	       frame_send(frames, NGHTTP2_WINDOW_UPDATE, 0, id, (struct bytes){"\0\0\0\0", 4});
}

static bool made_reset_by_data(struct frames *frames)
{
	int32_t id = frames->next_id;
	frames->next_id += 2;
	return frame_send(frames, NGHTTP2_HEADERS, WHOLE, id, head_block("/late")) &&
	       frame_send(frames, NGHTTP2_DATA, 0, id, BYTES("x"));
}

static bool malformed(struct frames *frames)
{
	char block[64];
	int32_t id = frames->next_id;
	frames->next_id += 2;
	return frame_send(frames, NGHTTP2_HEADERS, WHOLE, id,
	                  fields_encode(":method: GET\n", block, sizeof(block)));
}

static bool continuation(struct frames *frames)
{
	if (frames->next_id == 1) {
		frames->next_id = 3;
		return frame_send(frames, NGHTTP2_HEADERS, LAST, 1, head_block("/x"));
	}
	return frame_send(frames, NGHTTP2_CONTINUATION, 0, 1, BYTES_NONE);
}

/* RFC 7541: a field of 4000 octets is put into the table, then named by an octet each time. */
static bool bomb(struct frames *frames)
{
	static char block[16384];
	struct bytes head = head_block("/x");
	memcpy(block, head.at, head.len);
	size_t at = head.len, len = 3900;
	block[at++] = 0x40;
	block[at++] = 1;
	block[at++] = 'x';
	block[at++] = 127;
	for (len -= 127; len >= 128; len /= 128)
		block[at++] = (char)(len % 128 + 128);
	block[at++] = (char)len;
	memset(block + at, 'v', 3900);
	at += 3900;
	memset(block + at, 0x80 | 62, sizeof(block) - at);
	int32_t id = frames->next_id;
	frames->next_id += 2;
	return frame_send(frames, NGHTTP2_HEADERS, WHOLE, id, (struct bytes){block, sizeof(block)});
}

struct row {
	const char *name;
	bool (*send)(struct frames *frames);
	int sends_max; /* of them */
	bool enhance;  /* by us: ENHANCE_YOUR_CALM; else nghttp2 has its own code */
};

static const struct row rows[] = {
    {"PING", ping, FRAMES_MAX, true},
    {"answers to no PING", pong, FRAMES_MAX, true},
    {"SETTINGS", settings, FRAMES_MAX, true},
    {"SETTINGS of 32 entries", settings_many, FRAMES_MAX, true},
    {"PRIORITY", priority, FRAMES_MAX, true},
    {"WINDOW_UPDATE", window_update, FRAMES_MAX, true},
    {"frames of unknown type", unknown, FRAMES_MAX, true},
    {"empty DATA", empty_data, FRAMES_MAX, true},
    {"DATA of padding", padded_data, FRAMES_MAX, true},
    {"stray DATA", stray_data, FRAMES_MAX, true},
    {"RST_STREAM", reset, FRAMES_MAX / 2, false},
    {"MadeYouReset by WINDOW_UPDATE", made_reset, FRAMES_MAX / 2, false},
    {"MadeYouReset by DATA", made_reset_by_data, FRAMES_MAX / 2, false},
    {"malformed heads", malformed, FRAMES_MAX, true},
    {"CONTINUATION", continuation, 12, true},
    {"references of HPACK", bomb, 1, true},
};

/* Reads what is there to the end; true when a GOAWAY was the last of it. */
static bool goaway_of(struct frames *frames, uint32_t *ret_code)
{
	struct frames_answer answer;
	frames_answer(frames, 0, &answer);
	*ret_code = answer.code;
	bool is = answer.goaway && answer.ended;
	frames_answer_done(&answer);
	return is;
}

static void is_cut(void **state)
{
	const struct row *row = ROW_OF(state, struct row);
	struct frames frames;
	uint32_t code;
	web_start(NULL);
	frames_connect(&frames);
	int sent = 0;
	while (sent < row->sends_max && row->send(&frames))
		sent++;
	assert_true(goaway_of(&frames, &code));
	if (row->enhance) {
		assert_int_equal(code, NGHTTP2_ENHANCE_YOUR_CALM);
		assert_int_equal(web_counts().floods, 1);
	}
	frames_close(&frames);
	web_stop();
}

/* --- who is not ------------------------------------------------------------------------------ */

/* Just below the limit nobody is cut, and time forgives. */
static void a_few_are_fine(void **state)
{
	(void)state;
	struct frames frames;
	frames_connect(&frames);
	for (int turn = 0; turn < 4; turn++) {
		for (int i = 0; i < 240; i++)
			assert_true(ping(&frames));
		web_settle();
		frames_expect_alive(&frames);
		web_pass_ms(10000);
	}
	assert_int_equal(web_counts().floods, 0);
	frames_close(&frames);
}

/* As grpc-js does it: DATA, then the end of it, windows and a PING with every request. */
static void a_busy_client_is_fine(void **state)
{
	(void)state;
	struct frames frames;
	frames_connect(&frames);
	for (int i = 0; i < 2000; i++) {
		int32_t id = head_send(&frames, "POST", "/x", "", 0);
		data_send(&frames, id, "abc", 0);
		data_send(&frames, id, "", LAST);
		assert_true(window_update(&frames) && ping(&frames));
		frames_expect(&frames, id, 200, "abc");
	}
	assert_int_equal(web_counts().floods, 0);
	frames_close(&frames);
}

/* A thousand requests at once, for a hundred of which there is room at a time. */
static void requests_beyond_the_limit_are_refused(void **state)
{
	(void)state;
	struct frames frames;
	frames_connect(&frames);
	int32_t ids[NET_STREAMS_MAX + 1];
	for (size_t i = 0; i < COUNT(ids); i++)
		ids[i] = head_send(&frames, "GET", "/x-late", "", LAST);
	for (size_t i = 0; i < COUNT(ids); i++) {
		struct frames_answer answer;
		frames_answer(&frames, ids[i], &answer);
		assert_int_equal(answer.status, 200);
		frames_answer_done(&answer);
	}
	frames_close(&frames);
}

/* Streams that the client resets stay requests until the handler has answered them. */
static void reset_streams_count_until_answered(void **state)
{
	(void)state;
	struct net_limits limits = net_limits_default();
	limits.streams_max = 4;
	struct frames frames;
	web_start(&limits);
	frames_connect(&frames);
	for (int i = 0; i < 4; i++)
		assert_true(reset(&frames));
	while (web_abandoned() < 4)
		;
	int32_t id = head_send(&frames, "GET", "/x", "", LAST);
	frames_expect_reset(&frames, id, NGHTTP2_REFUSED_STREAM);
	web_answer_late();
	frames_expect_alive(&frames);
	frames_close(&frames);
	web_stop();
}

int main(void)
{
	static struct cases cases;
#define TEST(name) cmocka_unit_test_setup_teardown(name, web_set_up, web_tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(a_few_are_fine),
	    TEST(a_busy_client_is_fine),
	    TEST(requests_beyond_the_limit_are_refused),
	    cmocka_unit_test(reset_streams_count_until_answered),
	};
	CASES_ADD_ROWS(&cases, "a flood is cut", rows, is_cut);
	CASES_ADD(&cases, tests);
	return cases_run("http2_flood", &cases);
}
