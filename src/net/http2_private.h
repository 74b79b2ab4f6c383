/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of http2 share: http2.c runs connections (sessions), http2_loop.c what those of a
 * loop share, http2_call.c takes requests (calls) in, http2_send.c writes answers, http2_limit.c
 * ends what takes too long, http2_flood.c who says much that is of no use. */
#ifndef NET_HTTP2_PRIVATE_H
#define NET_HTTP2_PRIVATE_H

#include "base/list.h"
#include "io/listener.h"
#include "net/http2.h"

#include <assert.h>
#include <nghttp2/nghttp2.h>

#define HTTP2_CALLS_KEPT_MAX 64
#define HTTP2_BODY_FIRST ((size_t)4096) /* first piece of memory for a body; doubles */
#define HTTP2_CHECK_MS 500              /* how often bodies and answers under way are looked at */
#define HTTP2_NOTICE_MS 1000            /* for a client to hear that the server stops */
#define HTTP2_COPY_MAX ((size_t)4096)   /* longer frames are written beside the block, uncopied */

/* A head that goes on beyond this many times its limit is not answered, its connection is cut. */
#define HTTP2_HEAD_EXCESS 4

/* Floods (http2_flood.c). A frame costs a point when its head has come; what it was good for gives
 * points back. At USELESS_MAX the connection is cut, and every HALVING_MS half are forgotten. */
#define HTTP2_USELESS_MAX 500
#define HTTP2_PIECE ((size_t)4096) /* octets that are read before the points are looked at */
#define HTTP2_HALVING_MS 10000
#define HTTP2_REQUEST_WORTH 4    /* its own frame, and a few around it: windows, priorities, PING */
#define HTTP2_DATA_WORTH 1       /* DATA that brought something or ended a request */
#define HTTP2_SENT_WORTH 2       /* DATA of ours that was not tiny lets the client open windows */
#define HTTP2_SENT_TINY 1024     /* octets */
#define HTTP2_PROVOKED_COST 8    /* a stream that we had to reset: one of MadeYouReset's */
#define HTTP2_RESETS_MAX 250     /* streams that the client may reset at once ... */
#define HTTP2_RESETS_A_SECOND 33 /* ... and in the long run; nghttp2 counts these */
#define HTTP2_ACKS_MAX 500       /* answers to PING and SETTINGS that may wait to be written */

/* A connection stands in the list of its state, in order of deadline: every state gives the same
 * time to each who enters it.
 *
 *   QUIET ◄─► BUSY ◄─► WRITE
 *     └─► PINGED ─► QUIET      any ─► LINGER ─► CLOSED
 */
enum session_state {
	SESSION_QUIET,  /* no request under way; when it stays so, it is asked whether it lives */
	SESSION_PINGED, /* asked, and has not answered */
	SESSION_BUSY,   /* a request is under way, or a part of a head has come */
	SESSION_WRITE,  /* the peer has not taken what was written */
	SESSION_LINGER, /* the last was written; waits for the peer to close */
	SESSION_CLOSED, /* the stream is gone or going; the handler may still owe answers */
	SESSION_STATES,
};

struct session;

/* A request on a stream, with all that it needs. Kept for reuse. */
struct call {
	struct request request;
	struct call *next; /* while it is kept */
	struct list link;  /* of its session */
	struct session *session;
	int32_t stream_id; /* 0: the stream is gone */
	struct arena arena;
	struct http_head head;
	struct http_refusal refusal; /* found in the head; status 0: none */
	struct http2_trailers trailers;
	char *body;
	size_t body_len, body_room;
	size_t sent;           /* octets of the answer's body */
	int64_t since_ms;      /* when the head began */
	int64_t body_since_ms; /* when it was whole */
	int64_t sent_since_ms; /* when the answer's pace was last looked at */
	size_t sent_then;      /* octets of it that had gone by then */
	bool head_done;        /* the head is read */
	bool begun;            /* the handler has seen it */
	bool body_done;        /* nothing of the request is to come */
	bool handed;           /* the handler owes an answer */
	struct http_field fields[];
};

/* Frames as they come, by their heads alone. */
struct flood {
	uint8_t head[3];   /* the length of the frame that comes */
	unsigned head_n;   /* octets of its head so far */
	uint32_t skip;     /* of its payload, to come */
	int level;         /* points */
	int64_t halved_ms; /* when some were last forgotten */
};

struct session {
	struct http2 *http2;
	struct list link;         /* of its state */
	struct list dirty_link;   /* has something to write */
	struct list idle_link;    /* has no request, in order of idle_since_ms */
	struct stream *stream;    /* NULL when it is gone */
	nghttp2_session *library; /* owned; NULL once nothing more is said */
	struct list calls;
	size_t calls_n; /* all of them */
	size_t live_n;  /* with a stream */
	size_t heads_n; /* whose head is not whole: 0 or 1 */
	int64_t deadline_ms;
	int64_t idle_since_ms;
	struct flood flood;
	enum session_state state;
	uint32_t cut;   /* the error code to end it with; 0: none */
	bool receiving; /* the library is reading: it may not be asked to write, or go */
	bool noticed;   /* GOAWAY was said, the last stream not yet */
	bool last_said; /* and now it was */
	bool ended;     /* the peer will send nothing more */
	struct net_door door;
	char peer[LISTENER_PEER_MAX];
};

struct http2 {
	struct net_shared *shared; /* borrowed */
	struct http_limits head_limits;
	nghttp2_session_callbacks *callbacks;
	nghttp2_option *option;
	struct list lists[SESSION_STATES];
	struct list dirty;
	struct list idle;
	struct io_hook hook;
	struct block
	    *out; /* owned; where a round's frames are gathered, one connection at a time */
	struct call *kept;
	size_t kept_n;
	size_t streams; /* connections not closed, and those on their way to it */
	size_t alive;   /* and those that wait for the handler's answers */
	int64_t notice_until_ms;
	void (*on_stopped)(void *data);
	void *stopped_data;
};

/* http2_loop.c */
/* Calls on_stopped when nothing is left. */
void http2_check_stopped(struct http2 *http2);

/* http2_limit.c */
/* The only way from one state to another. */
void session_enter(struct session *session, enum session_state state);
/* The state that fits what is under way. */
void session_settle(struct session *session);

/* http2.c */
/* It has something to write at the end of the round. */
void session_mark(struct session *session);
/* At once; requests that the handler works on become abandoned. Not from a callback of nghttp2. */
void session_close(struct session *session);
/* Says GOAWAY with the code, by hand, and lingers. Not from a callback of nghttp2. */
void session_cut(struct session *session, uint32_t code);
/* Nothing new is taken; what is under way is finished. */
void session_say_last(struct session *session);
/* Nothing more will be said. A socket closed with octets unread would be reset, and what was said
 * last lost on its way. */
void session_linger(struct session *session);
/* One of its requests is no more. */
void session_check_freed(struct session *session);

/* http2_call.c: callbacks of nghttp2 that take requests in, and what ends them. */
int on_begin_headers(nghttp2_session *library, const nghttp2_frame *frame, void *data);
int on_header(nghttp2_session *library, const nghttp2_frame *frame, nghttp2_rcbuf *name,
              nghttp2_rcbuf *value, uint8_t flags, void *data);
int on_invalid_header(nghttp2_session *library, const nghttp2_frame *frame, nghttp2_rcbuf *name,
                      nghttp2_rcbuf *value, uint8_t flags, void *data);
int on_data_chunk(nghttp2_session *library, uint8_t flags, int32_t stream_id, const uint8_t *octets,
                  size_t len, void *data);
int on_frame(nghttp2_session *library, const nghttp2_frame *frame, void *data);
int on_stream_close(nghttp2_session *library, int32_t stream_id, uint32_t code, void *data);
/* Answers in plain text; the connection goes on. */
void call_refuse(struct call *call, struct http_refusal refusal);
/* Its stream is gone: the handler, if it works on it, is told. */
void call_abandon(struct call *call);

/* http2_send.c */
/* Queues the call's response. False: no memory. */
bool call_send(struct call *call);
bool call_send_continue(struct call *call);
/* Writes what the library has to say. */
void session_flush(struct session *session);
int on_frame_sent(nghttp2_session *library, const nghttp2_frame *frame, void *data);

/* http2_flood.c */
/* Counts the frames in what has come, before the library reads it. */
void flood_look(struct flood *flood, struct bytes come);
/* Something was worth these points; or cost them, when below 0. */
void flood_refund(struct flood *flood, int points);
/* After the library has read. */
bool flood_is_too_much(struct flood *flood, int64_t now_ms);

#endif
