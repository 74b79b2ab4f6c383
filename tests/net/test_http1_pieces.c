/* SPDX-License-Identifier: Apache-2.0 */
/* A connection of HTTP/1.1 over a real socket: requests one behind the other, in pieces of every
 * size, and peers who do not read. */
#include "support/unit.h"
#include "support/web.h"

#include "net/block.h"

#include <pthread.h>
#include <stdlib.h>

#define HOST "Host: a\r\n"

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, web_set_up, web_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(answers_come_in_order),           TEST(octets_may_come_one_by_one),
	    TEST(heads_are_not_written_over),      TEST(a_full_block_is_read_on),
	    TEST(a_block_full_of_body_is_read_on), TEST(heads_of_every_length),
	    TEST(bodies_of_every_length),          TEST(ten_megabytes_pipelined),
	    TEST(requests_of_all_sorts_in_pieces), TEST(who_does_not_read_is_not_served_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
