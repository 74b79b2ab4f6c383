/* SPDX-License-Identifier: Apache-2.0 */
/* A server's connections in the test's own process, behind a handler that echoes, and clients over
 * real sockets. One at a time. Its time limits go by a clock that the test moves.
 *
 * What the handler does by path (everything is 200 with the request's body, unless):
 *   /late        answers when web_answer_late is called
 *   /early       403 before the body is read
 *   /small       takes bodies of 16 octets, else 413
 *   /large       a body of WEB_LARGE octets
 *   /close       says that the connection ends
 *   /no-content  204
 *   /wide        a field longer than any head may be
 *   /trailers    a field after the body
 *   /cookie      the value of the field Cookie
 *   /describe    METHOD PATH QUERY AUTHORITY FIELDS BODY-LENGTH as text */
#ifndef TESTS_SUPPORT_WEB_H
#define TESTS_SUPPORT_WEB_H

#include "net/server.h"

#define WEB_LARGE ((size_t)1 << 20)
#define WEB_SMALL ((size_t)16)
#define WEB_BODY_MAX ((size_t)64 << 10)
#define WEB_WAIT_S 30 /* no read of a test takes longer, unless the server hangs */

/* Starts with these limits; NULL: the defaults. */
void web_start(const struct net_limits *limits);
/* Other times while it runs. */
void web_retime(const struct net_limits *limits);
/* Ends the server, at once; checks that it let go of everything. */
void web_stop(void);
/* The same by itself: what web_stop begins with. Returns when the server has stopped. */
void web_stop_gracefully(void);
/* Begins it and returns once nothing is accepted any more. */
void web_stop_begin(void);
void web_stop_await(void);
bool web_stopped(void);
/* Connections from now on take little of an answer at once. */
void web_narrow(void);

/* Moves the test's clock and lets the server look at it. */
void web_pass_ms(int64_t ms);
/* Returns when the loop has done all that it had to do. */
void web_settle(void);
/* Stops the loop in its tracks, so that what comes meanwhile comes at once; lets it go on. */
void web_hold(void);
void web_let_go(void);
/* Connections that the server has open. */
size_t web_open(void);
struct net_counts web_counts(void);
/* Requests to /late: answered in order of arrival; how many wait; how many were abandoned. */
void web_answer_late(void);
size_t web_late(void);
size_t web_abandoned(void);

/* One client. */
struct web_peer {
	int fd;
	size_t at, len;
	char buf[4096];
};

struct web_answer {
	int status;
	bool close;
	bool has_length;
	char head[4096]; /* status line and fields, NUL-terminated */
	char *body;      /* owned; NUL-terminated */
	size_t body_len;
};

void web_connect(struct web_peer *peer);
/* With receive and send buffers this small. */
void web_connect_small(struct web_peer *peer, int buffer);
void web_close(struct web_peer *peer);
/* Closes so that the server sees a reset. */
void web_abort(struct web_peer *peer);
/* The client will send nothing more. */
void web_end(struct web_peer *peer);
/* False when the server has closed meanwhile. */
bool web_try_send(struct web_peer *peer, struct bytes octets);
void web_send(struct web_peer *peer, struct bytes octets);
void web_send_text(struct web_peer *peer, const char *text);
/* The next answer; false at the end of the stream. `head`: it is one to HEAD. A hang fails. */
bool web_next(struct web_peer *peer, bool head, struct web_answer *ret);
void web_answer_done(struct web_answer *answer);
/* Whether the server has closed its side with nothing more to read. A hang fails. */
bool web_ended(struct web_peer *peer);

/* Reads an answer and checks its status; returns whether it says Connection: close. */
bool web_expect(struct web_peer *peer, int status);
/* The same, and its body. */
bool web_expect_body(struct web_peer *peer, int status, const char *body);
/* Checks that the connection still serves. */
void web_expect_alive(struct web_peer *peer);

/* A server with its defaults for one test of cmocka, and its end. */
int web_set_up(void **state);
int web_tear_down(void **state);

#endif
