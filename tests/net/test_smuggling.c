/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that hide another request in their body, with the field that frames them spoilt in every
 * way: whoever reads them, there is one request, or a refusal, and never an answer to the hidden
 * one. Nothing may hang either: the client has said all it will say. */
#include "support/unit.h"
#include "support/web.h"

#include "base/buf.h"

#include <stdlib.h>

#define HIDDEN "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
#define HEAD "POST /describe HTTP/1.1\r\nHost: a\r\n"

static size_t taken_n, refused_n;

static bool is_whole(const struct web_answer *answer, size_t body_len)
{
	char want[100];
	(void)snprintf(want, sizeof(want), " %zu 127.0.0.1", body_len);
	return answer->status == 200 && strncmp(answer->body, "POST /describe ", 15) == 0 &&
	       strstr(answer->body, want);
}

static bool is_refusal(const struct web_answer *answer)
{
	return answer->close && (answer->status == 400 || answer->status == 417 ||
	                         answer->status == 431 || answer->status == 501);
}

/* Sends it, and nothing more. `body_len`: what the one request's body must be, if it was taken. A
 * stray octet that follows it whole may be refused, as the next request that it pretends to be. */
static void send_and_judge(const struct buf *octets, size_t body_len, const char *what,
                           unsigned which)
{
	struct web_peer peer;
	struct web_answer answer;
	web_connect(&peer);
	(void)web_try_send(&peer, buf_bytes(octets));
	web_end(&peer);
	bool taken = false, refused = false;
	while (web_next(&peer, false, &answer)) {
		if (refused)
			fail_msg("%s %#x: an answer after a refusal", what, which);
		refused = is_refusal(&answer);
		if (!refused && (taken || !is_whole(&answer, body_len)))
			fail_msg("%s %#x: %s%s", what, which, answer.head, answer.body);
		taken |= !refused;
		web_answer_done(&answer);
	}
	taken_n += taken;
	refused_n += refused;
	web_close(&peer);
}

/* Where a stray octet goes: %c of the pattern. */
static const char *const encodings[] = {
    "%cTransfer-Encoding: chunked\r\n",       "Transfer%cEncoding: chunked\r\n",
    "Transfer-Encoding%c: chunked\r\n",       "Transfer-Encoding:%cchunked\r\n",
    "Transfer-Encoding: %cchunked\r\n",       "Transfer-Encoding: chunked%c\r\n",
    "Transfer-Encoding: chunked\r%c\n",       "X: y\r%cTransfer-Encoding: chunked\r\n",
    "X: y%c\nTransfer-Encoding: chunked\r\n",
};

/* The length covers a body that ends at once for whoever believes the coding. */
static void spoilt_codings_hide_nothing(void **state)
{
	(void)state;
	static const char body[] = "0\r\n\r\n" HIDDEN;
	struct buf octets;
	buf_init(&octets, 0);
	taken_n = refused_n = 0;
	size_t variants = 0;
	for (size_t i = 0; i < COUNT(encodings); i++) {
		for (unsigned c = 0; c < 256; c++) {
			buf_clear(&octets);
			buf_printf(&octets, HEAD "Content-Length: %zu\r\n", sizeof(body) - 1);
			const char *mark = strchr(encodings[i], '%');
			buf_add(&octets,
			        (struct bytes){encodings[i], (size_t)(mark - encodings[i])});
			buf_add_char(&octets, (char)c);
			buf_add_text(&octets, mark + 2);
			buf_add_text(&octets, "\r\n");
			buf_add_text(&octets, body);
			send_and_judge(&octets, sizeof(body) - 1, encodings[i], c);
			variants++;
		}
	}
	buf_done(&octets);
	assert_int_equal(variants, COUNT(encodings) * 256);
	/* Other names are taken and framed by the length; most are refused. */
	assert_true(taken_n > 0 && refused_n > taken_n);
}

static const char *const lengths[] = {
    "%cContent-Length: 0\r\n",       "Content%cLength: 0\r\n",        "Content-Length%c: 0\r\n",
    "Content-Length:%c0\r\n",        "Content-Length: 0%c\r\n",       "Content-Length: 0\r%c\n",
    "X: y\r%cContent-Length: 0\r\n", "X: y%c\nContent-Length: 0\r\n",
};

/* The coding covers the hidden request, a length of 0 would let it out. */
static void spoilt_lengths_hide_nothing(void **state)
{
	(void)state;
	struct buf octets;
	buf_init(&octets, 0);
	taken_n = refused_n = 0;
	for (size_t i = 0; i < COUNT(lengths); i++) {
		for (unsigned c = 0; c < 256; c++) {
			const char *mark = strchr(lengths[i], '%');
			buf_clear(&octets);
			buf_add_text(&octets, HEAD "Transfer-Encoding: chunked\r\n");
			buf_add(&octets, (struct bytes){lengths[i], (size_t)(mark - lengths[i])});
			buf_add_char(&octets, (char)c);
			buf_add_text(&octets, mark + 2);
			buf_printf(&octets, "\r\n%zx\r\n" HIDDEN "\r\n0\r\n\r\n",
			           sizeof(HIDDEN) - 1);
			send_and_judge(&octets, sizeof(HIDDEN) - 1, lengths[i], c);
		}
	}
	buf_done(&octets);
	assert_true(taken_n > 0 && refused_n > taken_n);
}

static const char *const chunks[] = {
    "%c23\r\n" HIDDEN "\r\n0\r\n\r\n", "2%c3\r\n" HIDDEN "\r\n0\r\n\r\n",
    "23%c\r\n" HIDDEN "\r\n0\r\n\r\n", "23\r%c\n" HIDDEN "\r\n0\r\n\r\n",
    "23\r\n" HIDDEN "%c\r\n0\r\n\r\n", "23\r\n" HIDDEN "\r%c\n0\r\n\r\n",
    "23\r\n" HIDDEN "\r\n%c0\r\n\r\n", "23\r\n" HIDDEN "\r\n0%c\r\n\r\n",
    "23\r\n" HIDDEN "\r\n0\r%c\n\r\n", "23\r\n" HIDDEN "\r\n0\r\n%c\r\n",
    "23\r\n" HIDDEN "\r\n0\r\n\r%c\n",
};

static void spoilt_chunks_hide_nothing(void **state)
{
	(void)state;
	struct buf octets;
	buf_init(&octets, 0);
	taken_n = refused_n = 0;
	assert_int_equal(sizeof(HIDDEN) - 1, 0x23);
	for (size_t i = 0; i < COUNT(chunks); i++) {
		for (unsigned c = 0; c < 256; c++) {
			const char *mark = strchr(chunks[i], '%');
			/* A digit makes another size, which is then true. */
			if (strchr("0123456789abcdefABCDEF", (int)c) && c)
				continue;
			buf_clear(&octets);
			buf_add_text(&octets, HEAD "Transfer-Encoding: chunked\r\n\r\n");
			buf_add(&octets, (struct bytes){chunks[i], (size_t)(mark - chunks[i])});
			buf_add_char(&octets, (char)c);
			buf_add_text(&octets, mark + 2);
			send_and_judge(&octets, sizeof(HIDDEN) - 1, chunks[i], c);
		}
	}
	buf_done(&octets);
	assert_true(refused_n > 0);
}

/* --- by chance ------------------------------------------------------------------------------- */

#define CHANCES 1700
#define SEED 20151021u

static unsigned random_next(unsigned *seed, unsigned below)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 8) % below;
}

/* One to three of these stand between the Host and the end of the head, in this order. */
static const char *const pieces[] = {
    "Content-Length: 40\r\n",
    "Content-Length: 0\r\n",
    "content-length: 40\r\n",
    "Content-Length: 40, 40\r\n",
    "Content-Length: +40\r\n",
    "Content-Length:\t40\r\n",
    "Content-Length: 040\r\n",
    " Content-Length: 0\r\n",
    "Transfer-Encoding: chunked\r\n",
    "transfer-encoding: CHUNKED\r\n",
    "Transfer-Encoding: identity\r\n",
    "Transfer-Encoding: chunked, identity\r\n",
    "Transfer-Encoding:\tchunked\r\n",
    "Transfer-Encoding: \"chunked\"\r\n",
    "Transfer-Encoding\r\n",
    "Connection: Transfer-Encoding\r\n",
    "Connection: Content-Length\r\n",
    "X: y\n",
    "X: y\r",
    "Expect: 100-continue\r\n",
};

/* Whatever frames it, the octets are one request's: a body of 40 that is also five chunk octets and
 * a hidden request. What one framing leaves over must not be taken for a request under another. */
static void fields_by_chance_hide_nothing(void **state)
{
	(void)state;
	static const char body[] = "0\r\n\r\n" HIDDEN;
	assert_int_equal(sizeof(body) - 1, 40);
	unsigned seed = SEED;
	struct buf octets;
	buf_init(&octets, 0);
	taken_n = refused_n = 0;
	for (unsigned i = 0; i < CHANCES; i++) {
		bool has_length = false;
		buf_clear(&octets);
		buf_add_text(&octets, HEAD "Content-Length: 40\r\n");
		for (unsigned n = random_next(&seed, 3) + 1; n; n--) {
			unsigned which = random_next(&seed, COUNT(pieces));
			buf_add_text(&octets, pieces[which]);
			has_length |= which < 3;
		}
		buf_add_text(&octets, "\r\n");
		buf_add_text(&octets, body);
		size_t before = taken_n;
		send_and_judge(&octets, 40, "seed and number", i);
		/* Two lengths are never one. */
		assert_false(has_length && taken_n > before);
	}
	buf_done(&octets);
	assert_true(taken_n > 0 && refused_n > taken_n);
}

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(spoilt_codings_hide_nothing),
	    TEST(spoilt_lengths_hide_nothing),
	    TEST(spoilt_chunks_hide_nothing),
	    TEST(fields_by_chance_hide_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
