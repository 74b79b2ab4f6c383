/* SPDX-License-Identifier: Apache-2.0 */
/* Connections over real sockets: what they answer, when they end, what they hold. */
#include "support/unit.h"
#include "support/web.h"

#include "net/block.h"

#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>

#define HOST "Host: a\r\n"

static int set_up(void **state)
{
	(void)state;
	web_start(NULL);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	web_stop();
	return 0;
}

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

/* --- pipelining and pieces ------------------------------------------------------------------- */

static void answers_come_in_order(void **state)
{
	(void)state;
	struct web_peer peer;
	web_connect(&peer);
	web_send_text(&peer, "POST /late HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\n1"
	                     "POST /late HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\n2"
	                     "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
	                     "1\r\n3\r\n0\r\n\r\n"
	                     "POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\n4");
	/* One at a time: the second is not begun before the first is answered. */
	while (!web_late())
		;
	assert_int_equal(web_late(), 1);
	web_answer_late();
	assert_false(web_expect_body(&peer, 200, "1"));
	while (!web_late())
		;
	web_answer_late();
	assert_false(web_expect_body(&peer, 200, "2"));
	assert_false(web_expect_body(&peer, 200, "3"));
	assert_false(web_expect_body(&peer, 200, "4"));
	web_close(&peer);
}

static void octets_may_come_one_by_one(void **state)
{
	(void)state;
	static const char requests[] =
	    "POST /x HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc"
	    "POST /y HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
	    "2\r\nde\r\n1\r\nf\r\n0\r\nX: y\r\n\r\n";
	struct web_peer peer;
	web_connect(&peer);
	for (size_t i = 0; i < sizeof(requests) - 1; i++) {
		web_send(&peer, (struct bytes){requests + i, 1});
		if (i % 8 == 0)
			web_settle();
	}
	assert_false(web_expect_body(&peer, 200, "abc"));
	assert_false(web_expect_body(&peer, 200, "def"));
	web_expect_alive(&peer);
	web_close(&peer);
}

/* What a request says stays as it was while other octets come, over this connection or another. */
static void heads_are_not_written_over(void **state)
{
	(void)state;
	static char pad[BLOCK_SMALL];
	memset(pad, 'x', sizeof(pad) - 1);
	struct web_peer peer, other;
	web_connect(&peer);
	/* By the chunks of its own body. */
	web_send_text(&peer, "POST /describe?chunked HTTP/1.1\r\nHost: b.example\r\n"
	                     "Transfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; i < 3; i++) {
		web_settle();
		web_send_text(&peer,
		              "40\r\nyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
		              "yyyyyyy\r\n");
	}
	web_send_text(&peer, "0\r\n\r\n");
	assert_false(
	    web_expect_body(&peer, 200, "POST /describe chunked b.example 2 192 127.0.0.1"));
	/* By whoever gets its first block, once it has outgrown it; after another request, too. */
	for (int i = 0; i < 2; i++) {
		web_hold();
		if (i)
			web_send_text(&peer, "GET /describe HTTP/1.1\r\n" HOST "\r\n");
		web_send_text(&peer, "GET /describe?long HTTP/1.1\r\nHost: b.example\r\nX: ");
		web_send_text(&peer, pad);
		web_let_go();
		web_settle();
		web_connect(&other);
		web_send_text(&other,
		              "GET /zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"
		              "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz");
		web_settle();
		web_send_text(&peer, "\r\n\r\n");
		if (i)
			assert_false(
			    web_expect_body(&peer, 200, "GET /describe - a 1 0 127.0.0.1"));
		assert_false(
		    web_expect_body(&peer, 200, "GET /describe long b.example 2 0 127.0.0.1"));
		web_close(&other);
	}
	web_close(&peer);
}

/* More than a block of requests waits while the first is worked on: reading was paused, and must go
 * on afterwards, wherever in a request the block was full. */
static void a_full_block_is_read_on(void **state)
{
	(void)state;
	static char requests[3 * BLOCK_SMALL];
	static const char request[] = "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc";
	size_t len = sizeof(request) - 1, n = sizeof(requests) / len;
	for (size_t i = 0; i < n; i++)
		memcpy(requests + i * len, request, len);
	char head[200];
	for (size_t pad = 1; pad <= len; pad++) {
		struct web_peer peer;
		web_connect(&peer);
		(void)snprintf(head, sizeof(head), "GET /late HTTP/1.1\r\n" HOST "X: %0*d\r\n\r\n",
		               (int)pad, 0);
		web_send_text(&peer, head);
		web_send(&peer, (struct bytes){requests, n * len});
		while (!web_late())
			;
		web_settle();
		web_answer_late();
		assert_false(web_expect_body(&peer, 200, ""));
		for (size_t i = 0; i < n; i++)
			assert_false(web_expect_body(&peer, 200, "abc"));
		web_close(&peer);
	}
}

/* The same where the block is full of a body that has already gone elsewhere. */
static void a_block_full_of_body_is_read_on(void **state)
{
	(void)state;
	static char body[10001];
	memset(body, 'y', sizeof(body) - 1);
	struct web_peer peer;
	web_connect(&peer);
	web_send_text(&peer, "GET /late HTTP/1.1\r\n" HOST "\r\n"
	                     "POST / HTTP/1.1\r\n" HOST "Content-Length: 10000\r\n\r\n");
	web_send_text(&peer, body);
	while (!web_late())
		;
	web_settle();
	web_answer_late();
	assert_false(web_expect_body(&peer, 200, ""));
	assert_false(web_expect_body(&peer, 200, body));
	web_expect_alive(&peer);
	web_close(&peer);
}

/* A head of every length around the sizes of blocks, then a body in either framing: nothing may be
 * lost where one block ends. */
static void heads_of_every_length(void **state)
{
	(void)state;
	static char text[40000];
	struct web_peer peer;
	web_connect(&peer);
	for (size_t len = 60; len <= NET_HEAD_MAX; len += len > 3950 && len < 4110 ? 1 : 97) {
		for (int chunked = 0; chunked < 2; chunked++) {
			const char *framing =
			    chunked ? "Transfer-Encoding: chunked\r\n" : "Content-Length: 6\r\n";
			const char *body = chunked ? "6\r\nfooBAR\r\n0\r\n\r\n" : "fooBAR";
			int n = snprintf(text, sizeof(text),
			                 "POST / HTTP/1.1\r\n" HOST "%sX: ", framing);
			size_t pad = len > (size_t)n + 4 ? len - (size_t)n - 4 : 0;
			memset(text + n, 'x', pad);
			(void)snprintf(text + (size_t)n + pad, 100, "\r\n\r\n%s", body);
			web_send_text(&peer, text);
			assert_false(web_expect_body(&peer, 200, "fooBAR"));
		}
	}
	web_close(&peer);
}

static void bodies_of_every_length(void **state)
{
	(void)state;
	static char text[WEB_BODY_MAX + 200], body[WEB_BODY_MAX + 1];
	struct web_peer peer;
	web_connect(&peer);
	for (size_t i = 0; i < WEB_BODY_MAX; i++)
		body[i] = (char)('a' + i % 26);
	size_t len = 0;
	while (len <= WEB_BODY_MAX) {
		int n = snprintf(text, sizeof(text),
		                 "POST / HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n", len);
		memcpy(text + n, body, len);
		web_send(&peer, (struct bytes){text, (size_t)n + len});
		struct web_answer answer;
		assert_true(web_next(&peer, false, &answer));
		assert_int_equal(answer.status, 200);
		assert_int_equal(answer.body_len, len);
		assert_memory_equal(answer.body, body, len);
		web_answer_done(&answer);
		len += len > 3900 && len < 4100                         ? 1
		       : len < WEB_BODY_MAX && len > WEB_BODY_MAX - 999 ? WEB_BODY_MAX - len
		                                                        : 991;
	}
	web_close(&peer);
}

/* 10 MB of requests by one client that reads only when it has sent all of them: the server holds
 * no more than its limits, the rest waits in the client. */
struct flood {
	struct web_peer *peer;
	size_t n;
};

static const char flood_request[] = "POST /f HTTP/1.1\r\n" HOST "Content-Length: 40\r\n\r\n"
				    "0123456789012345678901234567890123456789";

static void *flood_send(void *data)
{
	struct flood *flood = data;
	for (size_t i = 0; i < flood->n; i++)
		web_send(flood->peer, (struct bytes){flood_request, sizeof(flood_request) - 1});
	return NULL;
}

static void ten_megabytes_pipelined(void **state)
{
	(void)state;
	struct web_peer peer;
	web_connect(&peer);
	struct flood flood = {&peer, 10000000 / (sizeof(flood_request) - 1)};
	pthread_t sender;
	assert_int_equal(pthread_create(&sender, NULL, flood_send, &flood), 0);
	for (size_t i = 0; i < flood.n; i++)
		assert_false(
		    web_expect_body(&peer, 200, "0123456789012345678901234567890123456789"));
	(void)pthread_join(sender, NULL);
	assert_int_equal(web_counts().requests, flood.n);
	web_close(&peer);
}

/* Requests of all sizes and framings, sent in pieces of all sizes: whatever falls on the end of a
 * block. Prints its seed when it fails. */
#define SORTS 3000
#define SEED 20151021u

static unsigned random_next(unsigned *seed, unsigned below)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 8) % below;
}

static size_t random_size(unsigned *seed)
{
	static const unsigned most[] = {1, 20, 200, 5000, 9000};
	return random_next(seed, most[random_next(seed, COUNT(most))]);
}

struct sort {
	char head[10000];
	char body[10000];
	size_t len;
	bool chunked;
};

static void sort_make(struct sort *sort, unsigned *seed)
{
	size_t pad = random_size(seed);
	sort->len = random_size(seed);
	sort->chunked = random_next(seed, 2);
	for (size_t i = 0; i < sort->len; i++)
		sort->body[i] = (char)('a' + random_next(seed, 26));
	int n = snprintf(sort->head, sizeof(sort->head), "POST / HTTP/1.1\r\n" HOST "X: ");
	memset(sort->head + n, 'x', pad);
	char *end = sort->head + n + pad;
	size_t room = sizeof(sort->head) - (size_t)n - pad;
	if (sort->chunked)
		(void)snprintf(end, room, "\r\nTransfer-Encoding: chunked\r\n\r\n");
	else
		(void)snprintf(end, room, "\r\nContent-Length: %zu\r\n\r\n", sort->len);
}

struct pieces {
	struct web_peer *peer;
	unsigned seed;
	size_t len;
	char at[20000];
};

static void pieces_flush(struct pieces *pieces)
{
	size_t at = 0;
	while (at < pieces->len) {
		size_t len = random_size(&pieces->seed) + 1;
		len = len < pieces->len - at ? len : pieces->len - at;
		web_send(pieces->peer, (struct bytes){pieces->at + at, len});
		at += len;
	}
	pieces->len = 0;
}

static void pieces_add(struct pieces *pieces, const char *at, size_t len)
{
	if (pieces->len + len > sizeof(pieces->at))
		pieces_flush(pieces);
	memcpy(pieces->at + pieces->len, at, len);
	pieces->len += len;
}

static void pieces_add_sort(struct pieces *pieces, const struct sort *sort)
{
	pieces_add(pieces, sort->head, strlen(sort->head));
	if (!sort->chunked) {
		pieces_add(pieces, sort->body, sort->len);
		return;
	}
	char size[32];
	for (size_t at = 0, len; at < sort->len; at += len) {
		len = random_size(&pieces->seed) + 1;
		len = len < sort->len - at ? len : sort->len - at;
		pieces_add(pieces, size, (size_t)snprintf(size, sizeof(size), "%zx\r\n", len));
		pieces_add(pieces, sort->body + at, len);
		pieces_add(pieces, "\r\n", 2);
	}
	pieces_add(pieces, "0\r\n\r\n", 5);
}

static void *sorts_send(void *data)
{
	static struct pieces pieces;
	static struct sort sort;
	unsigned seed = SEED;
	pieces.peer = data;
	pieces.seed = SEED + 1;
	for (int i = 0; i < SORTS; i++) {
		sort_make(&sort, &seed);
		pieces_add_sort(&pieces, &sort);
		if (random_next(&pieces.seed, 4) == 0)
			pieces_flush(&pieces);
	}
	pieces_flush(&pieces);
	return NULL;
}

static void requests_of_all_sorts_in_pieces(void **state)
{
	(void)state;
	static struct sort sort;
	struct web_peer peer;
	pthread_t sender;
	unsigned seed = SEED;
	web_connect(&peer);
	assert_int_equal(pthread_create(&sender, NULL, sorts_send, &peer), 0);
	for (int i = 0; i < SORTS; i++) {
		struct web_answer answer;
		sort_make(&sort, &seed);
		if (!web_next(&peer, false, &answer) || answer.status != 200 ||
		    answer.body_len != sort.len || memcmp(answer.body, sort.body, sort.len) != 0)
			fail_msg("request %d of seed %u", i, SEED);
		web_answer_done(&answer);
	}
	(void)pthread_join(sender, NULL);
	web_close(&peer);
}

static void who_does_not_read_is_not_served_on(void **state)
{
	(void)state;
	struct web_peer peer;
	web_connect_small(&peer, 4096);
	/* 64 answers of 1 MiB do not fit between us and the peer. */
	for (int i = 0; i < 64; i++)
		web_send_text(&peer, "GET /large HTTP/1.1\r\n" HOST "\r\n");
	web_settle();
	assert_true(web_counts().requests < 16);
	for (int i = 0; i < 64; i++)
		assert_false(web_expect(&peer, 200));
	assert_int_equal(web_counts().requests, 64);
	web_close(&peer);
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
	/* Who was told to go on is on firm ground, also when it was too much. */
	web_send_text(&peer, "POST /small HTTP/1.1\r\n" HOST
	                     "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n");
	assert_false(web_expect(&peer, 100));
	web_send_text(&peer, "11\r\n0123456789abcdefg\r\n");
	assert_false(web_expect(&peer, 413));
	web_send_text(&peer, "0\r\n\r\n");
	web_expect_alive(&peer);
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
	web_settle();
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

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
	    TEST(answers_come_in_order),
	    TEST(octets_may_come_one_by_one),
	    TEST(heads_are_not_written_over),
	    TEST(a_full_block_is_read_on),
	    TEST(a_block_full_of_body_is_read_on),
	    TEST(heads_of_every_length),
	    TEST(bodies_of_every_length),
	    TEST(ten_megabytes_pipelined),
	    TEST(requests_of_all_sorts_in_pieces),
	    TEST(who_does_not_read_is_not_served_on),
	    TEST(continue_is_sent_when_wanted),
	    TEST(continue_is_not_sent_when_not),
	    TEST(who_waits_for_continue_and_is_refused_must_go),
	    TEST(bodies_have_the_routes_limit),
	    TEST(early_answers_drain_what_is_worth_it),
	    TEST(early_answers_drain_chunks_to_a_limit),
	    TEST(bad_chunks_are_refused_after_good_ones),
	    TEST(who_says_nothing_is_closed),
	    TEST(a_head_must_come_in_time),
	    TEST(idle_connections_are_closed),
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
