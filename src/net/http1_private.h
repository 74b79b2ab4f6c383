/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of http1 share: http1.c runs connections, http1_body.c takes bodies in,
 * http1_send.c writes answers, http1_limit.c ends what takes too long. */
#ifndef NET_HTTP1_PRIVATE_H
#define NET_HTTP1_PRIVATE_H

#include "base/list.h"
#include "io/listener.h"
#include "net/http1.h"
#include "wire/http.h"

#define HTTP1_BODY_FIRST ((size_t)4096)     /* first piece of memory for a body; doubles */
#define HTTP1_CHUNK_ROOM_MIN ((size_t)1024) /* for chunks, beside the head in its block */
#define HTTP1_BODY_CHECK_MS 500             /* how often a body's pace is looked at */
#define HTTP1_EXCHANGES_KEPT_MAX 64

/* A connection stands in the list of its state, in order of deadline: every state gives the same
 * time to each who enters it.
 *
 *   IDLE ─► HEAD ─► BODY ─► ANSWER ─► DRAIN ─► WRITE ─► IDLE
 *            └── refusal, or an answer that closes ─► LINGER ─► CLOSED
 */
enum conn_state {
	CONN_IDLE,   /* between two requests, nothing has come */
	CONN_HEAD,   /* a part of a head has come */
	CONN_BODY,   /* a part of a body is missing */
	CONN_ANSWER, /* the handler works on it */
	CONN_DRAIN,  /* answered; what is left of the body is read and dropped */
	CONN_WRITE,  /* the peer has not taken the whole answer */
	CONN_LINGER, /* the last answer was written; waits for the peer to close */
	CONN_CLOSED, /* the stream is gone or going; the handler may still owe an answer */
	CONN_STATES,
};

/* Where the octets go that are being read. */
enum conn_room { ROOM_BLOCK, ROOM_BODY, ROOM_SCRATCH };

/* A request under way with all that it needs. Kept for reuse. */
struct exchange {
	struct request request;
	struct exchange *next; /* while it is kept */
	struct conn *conn;
	struct arena arena;
	struct http_head head;
	struct http_chunked chunked;
	struct block *held; /* owned; where the head is, when the body needed another block */
	char *body;         /* of the arena; NULL while the body stands in the block */
	size_t body_len, body_room;
	uint64_t left;    /* octets of a body with a length that were not yet taken */
	uint64_t drained; /* octets of a chunked body that were dropped */
	int64_t body_since_ms;
	uint64_t body_seen;     /* octets of the body since then, as they came */
	bool body_done;         /* nothing of the body is to come */
	bool too_large;         /* and it came to be longer than it may be */
	bool handed;            /* the handler owes an answer */
	bool begun;             /* the handler has seen the head */
	bool continue_withheld; /* the client waits for a 100 that it did not get */
	struct http_field fields[];
};

struct conn {
	struct http1 *http1;
	struct list link;       /* of its state */
	struct list dirty_link; /* has something in `out` */
	struct stream *stream;  /* NULL when it is gone */
	struct block *in;       /* owned; NULL when nothing has come */
	struct block *out;      /* owned; written at the end of the round */
	struct exchange *exchange;
	size_t pinned; /* octets of `in` that the request under way points into */
	int64_t deadline_ms;
	int64_t since_ms; /* when the head's first octet came */
	enum conn_state state;
	enum conn_room room;
	bool running;
	bool ended;    /* the peer will send nothing more */
	bool shutdown; /* we neither, once `out` is written */
	struct net_door door;
	char peer[LISTENER_PEER_MAX];
};

struct http1 {
	struct net_shared *shared; /* borrowed */
	struct http_limits head_limits;
	struct list lists[CONN_STATES];
	struct list dirty;
	struct io_hook hook;
	struct exchange *kept;
	size_t kept_n;
	size_t open;    /* connections not closed */
	size_t streams; /* and those on their way to it */
	size_t alive;   /* and those that wait for the handler's answer */
	void (*on_stopped)(void *data);
	void *stopped_data;
};

/* http1_limit.c */
/* The only way from one state to another. */
void conn_enter(struct conn *conn, enum conn_state state);

/* http1.c */
/* Does what can be done with what has come. */
void conn_run(struct conn *conn);
/* At once; a request that the handler works on becomes abandoned. */
void conn_close(struct conn *conn);
/* When what was answered is written: at once if nothing is to be written. A request that is not the
 * handler's yet is dropped. */
void conn_finish(struct conn *conn);
/* Nothing more will be said: writes what there is, sends the end, and gives the peer a moment to
 * read it. A socket closed with octets unread would be reset, and the answer lost on its way. */
void conn_linger(struct conn *conn);
/* Answers in plain text and ends the connection. */
void conn_refuse(struct conn *conn, int status, const char *why);
/* Calls on_stopped when nothing is left. */
void http1_check_stopped(struct http1 *http1);

/* http1_body.c */
/* The head is read and the handler wants the body, which has octets. */
void body_begin(struct conn *conn);
/* Takes what has come. True: the body is complete, or something else has become of the request. */
bool body_read(struct conn *conn);
/* Drops what has come of the rest. True: nothing is left, or the connection ends. */
bool body_drain(struct conn *conn);
/* Memory to read a body's octets into directly; none when they go through the block. */
struct stream_room body_room(struct conn *conn);
/* Whether more is to come than is worth waiting for, or nobody knows how much: the answer then says
 * that the connection ends. */
bool body_is_not_worth_draining(const struct conn *conn);

/* http1_send.c */
/* Puts the exchange's response into `out` (or writes it, when it is large). */
void conn_send(struct conn *conn);
void conn_send_continue(struct conn *conn);
void conn_flush(struct conn *conn);

#endif
