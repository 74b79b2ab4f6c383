/* SPDX-License-Identifier: Apache-2.0 */
/* A client of HTTP/2 that writes its frames itself, good ones and bad ones, to the server of
 * support/web.h. Heads are written as literals; the library's decoder reads those of the server. */
#ifndef TESTS_SUPPORT_FRAMES_H
#define TESTS_SUPPORT_FRAMES_H

#include "support/web.h"

#include <nghttp2/nghttp2.h>

#define FRAMES_BODY_MAX ((size_t)2 << 20)

struct frames {
	struct web_peer peer;
	nghttp2_hd_inflater *inflater;
	int32_t next_id; /* of the next stream */
};

struct frame {
	uint8_t type, flags;
	int32_t stream_id;
	size_t len;
	uint8_t payload[16384];
	char fields[4096]; /* of HEADERS: "name: value\n" each */
};

/* What has come of an answer. */
struct frames_answer {
	int status;        /* 0: none */
	int continues;     /* answers of 100 before it */
	bool reset;        /* by RST_STREAM */
	bool ended;        /* the connection has */
	uint32_t code;     /* of RST_STREAM or GOAWAY */
	bool goaway;       /* one came meanwhile */
	char fields[8192]; /* "name: value\n" each; trailers too */
	char *body;        /* owned; NUL-terminated */
	size_t body_len;
};

/* Says the preface and empty SETTINGS. */
void frames_connect(struct frames *frames);
/* The connection only. */
void frames_connect_silent(struct frames *frames);
void frames_close(struct frames *frames);

/* False when the server has closed meanwhile. */
bool frame_send(struct frames *frames, uint8_t type, uint8_t flags, int32_t stream_id,
                struct bytes payload);
/* A head from "name: value\n" lines, as literals that are not indexed, into `ret`. */
struct bytes fields_encode(const char *lines, char *ret, size_t room);
/* HEADERS on a stream of its own, whose id it returns; `lines` follow those of a good GET or, with
 * `only`, stand alone. */
int32_t head_send(struct frames *frames, const char *method, const char *path, const char *lines,
                  uint8_t flags);
int32_t head_send_only(struct frames *frames, const char *lines, uint8_t flags);
void data_send(struct frames *frames, int32_t stream_id, const char *text, uint8_t flags);

/* The next frame, whatever it is; false at the end. A hang fails. */
bool frame_next(struct frames *frames, struct frame *ret);
/* Reads on until the stream's answer is whole, or there will be none; what belongs to other streams
 * is passed over. Opens windows as it reads. */
void frames_answer(struct frames *frames, int32_t stream_id, struct frames_answer *ret);
void frames_answer_done(struct frames_answer *answer);

/* The usual: one request on a stream of its own. */
void frames_expect(struct frames *frames, int32_t stream_id, int status, const char *body);
void frames_expect_reset(struct frames *frames, int32_t stream_id, uint32_t code);
/* Reads up to the end of the connection and checks the last GOAWAY's code. */
void frames_expect_goaway(struct frames *frames, uint32_t code);
void frames_expect_alive(struct frames *frames);

#endif
