/* SPDX-License-Identifier: Apache-2.0 */
#include "support/frames.h"

#include "support/unit.h"

#include "wire/http2.h"

#include <stdlib.h>

#define HEAD_MAX ((size_t)128 << 10)

/* --- writing --------------------------------------------------------------------------------- */

void frames_connect_silent(struct frames *frames)
{
	web_connect(&frames->peer);
	frames->next_id = 1;
	assert_int_equal(nghttp2_hd_inflate_new(&frames->inflater), 0);
}

void frames_connect(struct frames *frames)
{
	frames_connect_silent(frames);
	web_send_text(&frames->peer, HTTP2_PREFACE);
	assert_true(frame_send(frames, NGHTTP2_SETTINGS, 0, 0, BYTES_NONE));
}

void frames_close(struct frames *frames)
{
	nghttp2_hd_inflate_del(frames->inflater);
	web_close(&frames->peer);
}

bool frame_send(struct frames *frames, uint8_t type, uint8_t flags, int32_t stream_id,
                struct bytes payload)
{
	char head[9] = {(char)(payload.len >> 16),
	                (char)(payload.len >> 8),
	                (char)payload.len,
	                (char)type,
	                (char)flags,
	                (char)(stream_id >> 24),
	                (char)(stream_id >> 16),
	                (char)(stream_id >> 8),
	                (char)stream_id};
	return web_try_send(&frames->peer, (struct bytes){head, sizeof(head)}) &&
	       web_try_send(&frames->peer, payload);
}

/* RFC 7541 section 5.1 with a prefix of 7 bits. */
static char *length_put(char *to, size_t len)
{
	if (len < 127) {
		*to++ = (char)len;
		return to;
	}
	*to++ = 127;
	for (len -= 127; len >= 128; len /= 128)
		*to++ = (char)(len % 128 + 128);
	*to++ = (char)len;
	return to;
}

static char *text_put(char *to, const char *text, size_t len)
{
	to = length_put(to, len);
	memcpy(to, text, len);
	return to + len;
}

struct bytes fields_encode(const char *lines, char *ret, size_t room)
{
	char *to = ret;
	while (*lines) {
		const char *end = strchr(lines, '\n');
		const char *colon = strstr(lines + 1, ": ");
		assert_true(end && colon && colon < end);
		assert_true((size_t)(to - ret) + (size_t)(end - lines) + 16 < room);
		*to++ = 0; /* RFC 7541 section 6.2.2 */
		to = text_put(to, lines, (size_t)(colon - lines));
		to = text_put(to, colon + 2, (size_t)(end - colon - 2));
		lines = end + 1;
	}
	return (struct bytes){ret, (size_t)(to - ret)};
}

int32_t head_send_only(struct frames *frames, const char *lines, uint8_t flags)
{
	char *block = malloc(HEAD_MAX);
	assert_non_null(block);
	struct bytes head = fields_encode(lines, block, HEAD_MAX);
	int32_t stream_id = frames->next_id;
	frames->next_id += 2;
	uint8_t type = NGHTTP2_HEADERS;
	while (head.len > 16384) {
		assert_true(frame_send(frames, type, flags & NGHTTP2_FLAG_END_STREAM, stream_id,
		                       bytes_first(head, 16384)));
		head = bytes_from(head, 16384);
		type = NGHTTP2_CONTINUATION;
		flags &= (uint8_t)~NGHTTP2_FLAG_END_STREAM;
	}
	assert_true(frame_send(frames, type, flags | NGHTTP2_FLAG_END_HEADERS, stream_id, head));
	free(block);
	return stream_id;
}

int32_t head_send(struct frames *frames, const char *method, const char *path, const char *lines,
                  uint8_t flags)
{
	size_t room = strlen(lines) + strlen(path) + 128;
	char *all = malloc(room);
	assert_non_null(all);
	(void)snprintf(all, room, ":method: %s\n:scheme: http\n:authority: a\n:path: %s\n%s",
	               method, path, lines);
	int32_t stream_id = head_send_only(frames, all, flags);
	free(all);
	return stream_id;
}

void data_send(struct frames *frames, int32_t stream_id, const char *text, uint8_t flags)
{
	assert_true(frame_send(frames, NGHTTP2_DATA, flags, stream_id, bytes_from_text(text)));
}

/* --- reading --------------------------------------------------------------------------------- */

static bool octets_read(struct frames *frames, void *to, size_t len)
{
	char *at = to;
	while (len) {
		struct web_peer *peer = &frames->peer;
		if (peer->at == peer->len && web_ended(peer))
			return false;
		size_t here = peer->len - peer->at;
		size_t n = here < len ? here : len;
		memcpy(at, peer->buf + peer->at, n);
		peer->at += n;
		at += n;
		len -= n;
	}
	return true;
}

static uint32_t u32_of(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* The decoder has to see every head, or would not understand the next. */
static void fields_read(struct frames *frames, struct frame *frame)
{
	const uint8_t *at = frame->payload;
	size_t left = frame->len, len = 0;
	int flags = 0;
	assert_true(frame->flags & NGHTTP2_FLAG_END_HEADERS);
	frame->fields[0] = '\0';
	while (!(flags & NGHTTP2_HD_INFLATE_FINAL)) {
		nghttp2_nv field;
		ssize_t used =
		    nghttp2_hd_inflate_hd2(frames->inflater, &field, &flags, at, left, 1);
		assert_true(used >= 0);
		at += used;
		left -= (size_t)used;
		if (!(flags & NGHTTP2_HD_INFLATE_EMIT))
			continue;
		len +=
		    (size_t)snprintf(frame->fields + len, sizeof(frame->fields) - len, "%s: %s\n",
		                     (const char *)field.name, (const char *)field.value);
		assert_true(len < sizeof(frame->fields));
	}
	nghttp2_hd_inflate_end_headers(frames->inflater);
}

bool frame_next(struct frames *frames, struct frame *ret)
{
	uint8_t head[9];
	if (!octets_read(frames, head, sizeof(head)))
		return false;
	ret->len = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
	ret->type = head[3];
	ret->flags = head[4];
	ret->stream_id = (int32_t)u32_of(head + 5);
	assert_true(ret->len <= sizeof(ret->payload));
	if (!octets_read(frames, ret->payload, ret->len))
		return false;
	if (ret->type == NGHTTP2_HEADERS)
		fields_read(frames, ret);
	return true;
}

static void fields_take(const struct frame *frame, struct frames_answer *answer)
{
	size_t len = strlen(answer->fields);
	int status = 0;
	if (sscanf(frame->fields, ":status: %d", &status) == 1)
		answer->status = status;
	if (answer->status == 100) {
		answer->continues++;
		answer->status = 0;
		return;
	}
	(void)snprintf(answer->fields + len, sizeof(answer->fields) - len, "%s", frame->fields);
}

static void data_read(struct frames *frames, const struct frame *frame,
                      struct frames_answer *answer)
{
	const uint32_t len = (uint32_t)frame->len;
	const char more[4] = {(char)(len >> 24), (char)(len >> 16), (char)(len >> 8), (char)len};
	answer->body = realloc(answer->body, answer->body_len + frame->len + 1);
	assert_non_null(answer->body);
	memcpy(answer->body + answer->body_len, frame->payload, frame->len);
	answer->body_len += frame->len;
	answer->body[answer->body_len] = '\0';
	if (!len)
		return;
	(void)frame_send(frames, NGHTTP2_WINDOW_UPDATE, 0, 0, (struct bytes){more, 4});
	(void)frame_send(frames, NGHTTP2_WINDOW_UPDATE, 0, frame->stream_id,
	                 (struct bytes){more, 4});
}

/* True: nothing more is to come. */
static bool frame_take(struct frames *frames, const struct frame *frame, int32_t stream_id,
                       struct frames_answer *ret)
{
	if (frame->type == NGHTTP2_GOAWAY) {
		ret->goaway = true;
		ret->code = u32_of(frame->payload + 4);
		return false;
	}
	struct frames_answer other = {0};
	struct frames_answer *answer = frame->stream_id == stream_id ? ret : &other;
	if (frame->type == NGHTTP2_HEADERS)
		fields_take(frame, answer);
	if (frame->type == NGHTTP2_DATA)
		data_read(frames, frame, answer);
	free(other.body);
	if (frame->stream_id != stream_id)
		return false;
	if (frame->type == NGHTTP2_RST_STREAM) {
		ret->reset = true;
		ret->code = u32_of(frame->payload);
		return true;
	}
	return (frame->type == NGHTTP2_DATA || frame->type == NGHTTP2_HEADERS) &&
	       (frame->flags & NGHTTP2_FLAG_END_STREAM);
}

void frames_answer(struct frames *frames, int32_t stream_id, struct frames_answer *ret)
{
	static struct frame frame;
	*ret = (struct frames_answer){.body = calloc(1, 1)};
	while (frame_next(frames, &frame))
		if (frame_take(frames, &frame, stream_id, ret))
			return;
	ret->ended = true;
}

void frames_answer_done(struct frames_answer *answer)
{
	free(answer->body);
	answer->body = NULL;
}

void frames_expect(struct frames *frames, int32_t stream_id, int status, const char *body)
{
	struct frames_answer answer;
	frames_answer(frames, stream_id, &answer);
	assert_int_equal(answer.status, status);
	if (body)
		assert_string_equal(answer.body, body);
	frames_answer_done(&answer);
}

void frames_expect_reset(struct frames *frames, int32_t stream_id, uint32_t code)
{
	struct frames_answer answer;
	frames_answer(frames, stream_id, &answer);
	assert_int_equal(answer.status, 0);
	assert_true(answer.reset);
	assert_int_equal(answer.code, code);
	frames_answer_done(&answer);
}

void frames_expect_goaway(struct frames *frames, uint32_t code)
{
	struct frames_answer answer;
	frames_answer(frames, 0, &answer);
	assert_true(answer.ended && answer.goaway);
	assert_int_equal(answer.code, code);
	frames_answer_done(&answer);
}

void frames_expect_alive(struct frames *frames)
{
	int32_t stream_id = head_send(frames, "POST", "/alive", "content-length: 5\n", 0);
	data_send(frames, stream_id, "alive", NGHTTP2_FLAG_END_STREAM);
	frames_expect(frames, stream_id, 200, "alive");
}
