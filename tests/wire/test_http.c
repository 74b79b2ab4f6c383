/* SPDX-License-Identifier: Apache-2.0 */
/* Heads and the chunked coding: every row also octet by octet and cut at every octet. What goes
 * over a real socket is in tests/net. */
#include "support/unit.h"

#include "wire/http.h"

#include <stdlib.h>

#define HEAD_MAX 16384
#define TARGET_MAX 8192
#define FIELDS_MAX 100
#define INPUT_MAX 40000

static const struct http_limits limits = {HEAD_MAX, TARGET_MAX, FIELDS_MAX};
static struct http_field fields[FIELDS_MAX];

#define HOST "Host: a.example\r\n"
#define LINE "GET / HTTP/1.1\r\n"

/* --- heads that are taken -------------------------------------------------------------------- */

struct good {
	const char *name;
	const char *in;
	const char *method, *path, *query, *authority;
	int minor;
	size_t fields_n;
	int64_t length; /* -1: none */
	bool chunked, close;
	enum http_expect expect;
};

static const struct good goods[] = {
    {.name = "the smallest",
     .in = LINE HOST "\r\n",
     .method = "GET",
     .path = "/",
     .authority = "a.example",
     .minor = 1,
     .fields_n = 1,
     .length = -1},
    {.name = "path and query",
     .in = "POST /a/b%2Fc?x=1&y={z}|? HTTP/1.1\r\n" HOST "Content-Length: 17\r\n\r\n",
     .method = "POST",
     .path = "/a/b%2Fc",
     .query = "x=1&y={z}|?",
     .authority = "a.example",
     .minor = 1,
     .fields_n = 2,
     .length = 17},
    {.name = "an empty query is one",
     .in = "GET /? HTTP/1.1\r\n" HOST "\r\n",
     .method = "GET",
     .path = "/",
     .query = "",
     .authority = "a.example",
     .minor = 1,
     .fields_n = 1,
     .length = -1},
    {.name = "white space around values",
     .in = LINE "Host: \t a.example:8080 \t\r\nX:\r\nY:  \r\n\r\n",
     .method = "GET",
     .path = "/",
     .authority = "a.example:8080",
     .minor = 1,
     .fields_n = 3,
     .length = -1},
    {.name = "names and chunked in any case",
     .in = LINE "hOsT: a.example\r\ntransfer-ENCODING: ChunkeD\r\n\r\n",
     .method = "GET",
     .path = "/",
     .authority = "a.example",
     .minor = 1,
     .fields_n = 2,
     .length = -1,
     .chunked = true},
    {.name = "HTTP/1.0 without Host",
     .in = "GET / HTTP/1.0\r\n\r\n",
     .method = "GET",
     .path = "/",
     .minor = 0,
     .fields_n = 0,
     .length = -1,
     .close = true},
    {.name = "HTTP/1.0 cannot keep the connection",
     .in = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
     .method = "GET",
     .path = "/",
     .minor = 0,
     .fields_n = 1,
     .length = -1,
     .close = true},
    {.name = "close among others",
     .in = LINE HOST "Connection: foo, ,CLOSE ,bar\r\n\r\n",
     .method = "GET",
     .path = "/",
     .authority = "a.example",
     .minor = 1,
     .fields_n = 2,
     .length = -1,
     .close = true},
    {.name = "expectation",
     .in = "PUT / HTTP/1.1\r\n" HOST "Expect: 100-Continue\r\nContent-Length: 0\r\n\r\n",
     .method = "PUT",
     .path = "/",
     .authority = "a.example",
     .minor = 1,
     .fields_n = 3,
     .length = 0,
     .expect = HTTP_EXPECT_CONTINUE},
    {.name = "another expectation",
     .in = LINE HOST "Expect: tea\r\n\r\n",
     .method = "GET",
     .path = "/",
     .authority = "a.example",
     .minor = 1,
     .fields_n = 2,
     .length = -1,
     .expect = HTTP_EXPECT_OTHER},
    {.name = "two expectations",
     .in = LINE HOST "Expect: 100-continue\r\nExpect: 100-continue\r\n\r\n",
     .method = "GET",
     .path = "/",
     .authority = "a.example",
     .minor = 1,
     .fields_n = 3,
     .length = -1,
     .expect = HTTP_EXPECT_OTHER},
    {.name = "absolute form",
     .in = "GET HTTP://A.example/x?y HTTP/1.1\r\n" HOST "\r\n",
     .method = "GET",
     .path = "/x",
     .query = "y",
     .authority = "A.example",
     .minor = 1,
     .fields_n = 1,
     .length = -1},
    {.name = "absolute form without path, with query",
     .in = "GET https://a.example?y HTTP/1.1\r\n" HOST "\r\n",
     .method = "GET",
     .path = "/",
     .query = "y",
     .authority = "a.example",
     .minor = 1,
     .fields_n = 1,
     .length = -1},
    {.name = "absolute form without path or query",
     .in = "GET https://a.example HTTP/1.1\r\n" HOST "\r\n",
     .method = "GET",
     .path = "/",
     .authority = "a.example",
     .minor = 1,
     .fields_n = 1,
     .length = -1},
    {.name = "absolute form in HTTP/1.0 needs no Host",
     .in = "GET http://[::1]:80/x HTTP/1.0\r\n\r\n",
     .method = "GET",
     .path = "/x",
     .authority = "[::1]:80",
     .minor = 0,
     .fields_n = 0,
     .length = -1,
     .close = true},
    {.name = "asterisk",
     .in = "OPTIONS * HTTP/1.1\r\n" HOST "\r\n",
     .method = "OPTIONS",
     .path = "*",
     .authority = "a.example",
     .minor = 1,
     .fields_n = 1,
     .length = -1},
    {.name = "any token is a method, of 32 octets too",
     .in = "!#$%&'*+-.^_`|~0123456789ABCDEFG / HTTP/1.1\r\n" HOST "\r\n",
     .method = "!#$%&'*+-.^_`|~0123456789ABCDEFG",
     .path = "/",
     .authority = "a.example",
     .minor = 1,
     .fields_n = 1,
     .length = -1},
    {.name = "octets above 0x7f in a value",
     .in = LINE HOST "X: \xc3\xa4\xff\x80\r\n\r\n",
     .method = "GET",
     .path = "/",
     .authority = "a.example",
     .minor = 1,
     .fields_n = 2,
     .length = -1},
    {.name = "the longest Content-Length",
     .in = LINE HOST "Content-Length: 999999999999999999\r\n\r\n",
     .method = "GET",
     .path = "/",
     .authority = "a.example",
     .minor = 1,
     .fields_n = 2,
     .length = 999999999999999999},
    {.name = "IPv6 Host with port",
     .in = LINE "Host: [fe80::1:2]:65535\r\n\r\n",
     .method = "GET",
     .path = "/",
     .authority = "[fe80::1:2]:65535",
     .minor = 1,
     .fields_n = 1,
     .length = -1},
};

static bool same(struct bytes got, const char *want)
{
	return want ? got.at && bytes_equal(got, bytes_from_text(want)) : !got.at;
}

static bool is_as_wanted(const struct good *row, const struct http_head *head)
{
	return same(head->method, row->method) && same(head->path, row->path) &&
	       same(head->query, row->query) && same(head->authority, row->authority) &&
	       head->minor == row->minor && head->fields_n == row->fields_n &&
	       head->has_length == (row->length >= 0) &&
	       (row->length < 0 || head->length == (uint64_t)row->length) &&
	       head->chunked == row->chunked && head->close == row->close &&
	       head->expect == row->expect;
}

/* A copy that ends where its memory ends, so that a sanitizer sees every octet too far. */
static struct bytes exact_copy(struct bytes in)
{
	char *copy = malloc(in.len ? in.len : 1);
	assert_non_null(copy);
	if (in.len)
		memcpy(copy, in.at, in.len);
	return (struct bytes){copy, in.len};
}

static void copy_free(struct bytes copy)
{
	free((char *)(uintptr_t)copy.at);
}

static void heads_are_taken(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(goods); i++) {
		const struct good *row = &goods[i];
		struct bytes in = exact_copy(bytes_from_text(row->in));
		struct http_head head;
		struct http_refusal refusal;
		size_t used;
		http_head_init(&head, fields);
		assert_row(row->name, http_head_decode(&head, in, &limits, &used, &refusal) == OK);
		assert_row(row->name, used == in.len && is_as_wanted(row, &head));
		/* Octet by octet. */
		http_head_init(&head, fields);
		for (size_t len = 0; len < in.len; len++)
			assert_row(row->name, http_head_decode(&head, bytes_first(in, len), &limits,
			                                       &used, &refusal) == ERR_MORE);
		assert_row(row->name, http_head_decode(&head, in, &limits, &used, &refusal) == OK);
		assert_row(row->name, used == in.len && is_as_wanted(row, &head));
		/* Cut at every octet. */
		for (size_t len = 0; len < in.len; len++) {
			http_head_init(&head, fields);
			assert_row(row->name, http_head_decode(&head, bytes_first(in, len), &limits,
			                                       &used, &refusal) == ERR_MORE);
			assert_row(row->name,
			           http_head_decode(&head, in, &limits, &used, &refusal) == OK);
			assert_row(row->name, is_as_wanted(row, &head));
		}
		copy_free(in);
	}
}

static void what_follows_a_head_is_left(void **state)
{
	(void)state;
	struct http_head head;
	struct http_refusal refusal;
	size_t used;
	http_head_init(&head, fields);
	assert_int_equal(
	    http_head_decode(&head, BYTES(LINE HOST "\r\n\nwhatever\0"), &limits, &used, &refusal),
	    OK);
	assert_int_equal(used, sizeof(LINE HOST "\r\n") - 1);
	assert_true(bytes_equal(fields[0].name, BYTES("Host")));
	assert_true(bytes_equal(fields[0].value, BYTES("a.example")));
}

/* --- heads that are refused ------------------------------------------------------------------ */

struct bad {
	const char *name;
	struct bytes in;
	int status;
	size_t seen; /* octets needed to see it; 0: all */
};

#define B(text)                                                                                    \
	{                                                                                          \
		"" text, sizeof(text) - 1                                                          \
	}

static const struct bad bads[] = {
    {"empty line first", B("\r\n" LINE HOST "\r\n"), 400, 2},
    {"LF first", B("\n"), 400, 1},
    {"NUL first", B("\0"), 400, 1},
    {"TLS", B("\x16\x03\x01\x02"), 400, 1},
    {"no target", B("GET\r\n"), 400, 0},
    {"no version", B("GET /\r\n"), 400, 0},
    {"no method", B(" / HTTP/1.1\r\n"), 400, 0},
    {"method is no token", B("G@T / HTTP/1.1\r\n"), 400, 0},
    {"method of 33 octets", B("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456 / HTTP/1.1\r\n"), 501, 0},
    {"two spaces before the target", B("GET  / HTTP/1.1\r\n"), 400, 0},
    {"two spaces before the version", B("GET /  HTTP/1.1\r\n"), 400, 0},
    {"tab for a space", B("GET\t/ HTTP/1.1\r\n"), 400, 0},
    {"space after the version", B("GET / HTTP/1.1 \r\n"), 400, 0},
    {"space in the target", B("GET /a b HTTP/1.1\r\n"), 400, 0},
    {"version in small letters", B("GET / http/1.1\r\n"), 400, 0},
    {"version without a dot", B("GET / HTTP/11\r\n"), 400, 0},
    {"version of two digits", B("GET / HTTP/1.10\r\n"), 400, 0},
    {"version with a letter first", B("GET / HTTP/x.1\r\n"), 400, 0},
    {"version with a letter last", B("GET / HTTP/1.x\r\n"), 400, 0},
    {"version with a letter for the dot", B("GET / HTTP/1x1\r\n"), 400, 0},
    {"an empty target", B("GET  HTTP/1.1\r\n"), 400, 0},
    {"HTTP/2.0", B("GET / HTTP/2.0\r\n"), 505, 0},
    {"HTTP/1.2", B("GET / HTTP/1.2\r\n"), 505, 0},
    {"HTTP/0.9", B("GET / HTTP/0.9\r\n"), 505, 0},
    {"the preface of HTTP/2", B("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505, 16},
    {"CONNECT", B("CONNECT a.example:443 HTTP/1.1\r\n"), 501, 0},
    {"asterisk for GET", B("GET * HTTP/1.1\r\n"), 400, 0},
    {"authority form", B("GET a.example:80 HTTP/1.1\r\n"), 400, 0},
    {"fragment", B("GET /#a HTTP/1.1\r\n"), 400, 0},
    {"fragment in the query", B("GET /?#a HTTP/1.1\r\n"), 400, 0},
    {"backslash in the path", B("GET /a\\b HTTP/1.1\r\n"), 400, 0},
    {"octet above 0x7f in the target", B("GET /\xc3\xa4 HTTP/1.1\r\n"), 400, 0},
    {"other scheme", B("GET ftp://a.example/ HTTP/1.1\r\n"), 400, 0},
    {"user information", B("GET http://u@a.example/ HTTP/1.1\r\n"), 400, 0},
    {"no host in the target", B("GET http:///x HTTP/1.1\r\n"), 400, 0},
    {"target against Host", B("GET http://b.example/ HTTP/1.1\r\n" HOST "\r\n"), 400, 0},
    {"target's port against Host", B("GET http://a.example:80/ HTTP/1.1\r\n" HOST "\r\n"), 400, 0},
    {"bare CR", B(LINE "Host: a\rb"), 400, 0},
    {"CR CR LF", B(LINE "Host: a\r\r"), 400, 0},
    {"bare LF", B(LINE "Host: a\n"), 400, 0},
    {"bare LF after the request line", B("GET / HTTP/1.1\n"), 400, 0},
    {"NUL in a value", B(LINE "Host: a\0"), 400, 0},
    {"control character", B(LINE "Host: a\x01"), 400, 0},
    {"DEL", B(LINE "Host: a\x7f"), 400, 0},
    {"no Host", B(LINE "X: y\r\n\r\n"), 400, 0},
    {"two Hosts", B(LINE HOST HOST), 400, 0},
    {"two Hosts in HTTP/1.0", B("GET / HTTP/1.0\r\n" HOST HOST), 400, 0},
    {"empty Host", B(LINE "Host:\r\n"), 400, 0},
    {"Host with a comma", B(LINE "Host: a,b\r\n"), 400, 0},
    {"Host with a space", B(LINE "Host: a b\r\n"), 400, 0},
    {"Host with user information", B(LINE "Host: u@a\r\n"), 400, 0},
    {"Host with a path", B(LINE "Host: a/b\r\n"), 400, 0},
    {"Host with an escape", B(LINE "Host: %61\r\n"), 400, 0},
    {"Host without a name", B(LINE "Host: :80\r\n"), 400, 0},
    {"Host with an empty port", B(LINE "Host: a:\r\n"), 400, 0},
    {"Host with port 65536", B(LINE "Host: a:65536\r\n"), 400, 0},
    {"Host with a port of letters", B(LINE "Host: a:8o\r\n"), 400, 0},
    {"Host with two ports", B(LINE "Host: a:1:2\r\n"), 400, 0},
    {"Host with an open bracket", B(LINE "Host: [::1\r\n"), 400, 0},
    {"Host with junk after the bracket", B(LINE "Host: [::1]x\r\n"), 400, 0},
    {"Host with a bad address", B(LINE "Host: [:::1]\r\n"), 400, 0},
    {"Host with an empty address", B(LINE "Host: []\r\n"), 400, 0},
    {"Host with an address too long",
     B(LINE "Host: [1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa]\r\n"), 400, 0},
    {"Host with a port of six digits", B(LINE "Host: a:000080\r\n"), 400, 0},
    {"Host with a zone", B(LINE "Host: [fe80::1%25lo]\r\n"), 400, 0},
    {"folded line", B(LINE HOST " folded\r\n"), 400, 0},
    {"folded line by tab", B(LINE HOST "\tfolded\r\n"), 400, 0},
    {"space before the first field", B(LINE " " HOST), 400, 0},
    {"space before the colon", B(LINE "Host : a\r\n"), 400, 0},
    {"no colon", B(LINE "Host\r\n"), 400, 0},
    {"no name", B(LINE ": a\r\n"), 400, 0},
    {"name in quotes", B(LINE "\"Host\": a\r\n"), 400, 0},
    {"Content-Length twice", B(LINE HOST "Content-Length: 1\r\nContent-Length: 1\r\n"), 400, 0},
    {"Content-Length list", B(LINE HOST "Content-Length: 1, 1\r\n"), 400, 0},
    {"Content-Length +5", B(LINE HOST "Content-Length: +5\r\n"), 400, 0},
    {"Content-Length -5", B(LINE HOST "Content-Length: -5\r\n"), 400, 0},
    {"Content-Length 0x5", B(LINE HOST "Content-Length: 0x5\r\n"), 400, 0},
    {"Content-Length 05", B(LINE HOST "Content-Length: 05\r\n"), 400, 0},
    {"Content-Length with a space", B(LINE HOST "Content-Length: 1 1\r\n"), 400, 0},
    {"empty Content-Length", B(LINE HOST "Content-Length:\r\n"), 400, 0},
    {"Content-Length of 19 digits", B(LINE HOST "Content-Length: 1000000000000000000\r\n"), 400, 0},
    {"Transfer-Encoding and Content-Length",
     B(LINE HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"), 400, 0},
    {"Transfer-Encoding twice",
     B(LINE HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400, 0},
    {"empty Transfer-Encoding", B(LINE HOST "Transfer-Encoding:\r\n"), 400, 0},
    {"gzip, chunked", B(LINE HOST "Transfer-Encoding: gzip, chunked\r\n"), 501, 0},
    {"chunked, gzip", B(LINE HOST "Transfer-Encoding: chunked, gzip\r\n"), 501, 0},
    {"identity", B(LINE HOST "Transfer-Encoding: identity\r\n"), 501, 0},
    {"xchunked", B(LINE HOST "Transfer-Encoding: xchunked\r\n"), 501, 0},
    {"chunked with a parameter", B(LINE HOST "Transfer-Encoding: chunked;a=b\r\n"), 501, 0},
    {"chunked in quotes", B(LINE HOST "Transfer-Encoding: \"chunked\"\r\n"), 501, 0},
    {"Transfer-Encoding in HTTP/1.0", B("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
     400, 0},
    {"Connection that drops the length", B(LINE HOST "Connection: Content-Length\r\n"), 400, 0},
    {"Connection that drops the Host", B(LINE HOST "Connection: close, host\r\n"), 400, 0},
    {"Connection that drops the coding", B(LINE HOST "Connection: transfer-encoding\r\n"), 400, 0},
    {"Connection that is no list of tokens", B(LINE HOST "Connection: a b\r\n"), 400, 0},
};

static void heads_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bads); i++) {
		const struct bad *row = &bads[i];
		size_t seen = row->seen ? row->seen : row->in.len;
		struct bytes in = exact_copy(row->in);
		struct http_head head;
		struct http_refusal refusal = {0};
		size_t used;
		http_head_init(&head, fields);
		assert_row(row->name,
		           http_head_decode(&head, in, &limits, &used, &refusal) == ERR_MALFORMED);
		assert_row(row->name, refusal.status == row->status && refusal.why[0]);
		/* Octet by octet: it is refused by the very octet that makes it bad. */
		http_head_init(&head, fields);
		for (size_t len = 0; len < seen; len++)
			assert_row(row->name, http_head_decode(&head, bytes_first(in, len), &limits,
			                                       &used, &refusal) == ERR_MORE);
		assert_row(row->name, http_head_decode(&head, bytes_first(in, seen), &limits, &used,
		                                       &refusal) == ERR_MALFORMED);
		assert_row(row->name, refusal.status == row->status);
		copy_free(in);
	}
}

/* --- limits ---------------------------------------------------------------------------------- */

struct text {
	char at[INPUT_MAX];
	size_t len;
};

static void text_add(struct text *text, const char *more)
{
	size_t len = strlen(more);
	assert_true(text->len + len <= sizeof(text->at));
	memcpy(text->at + text->len, more, len);
	text->len += len;
}

static void text_fill(struct text *text, char c, size_t n)
{
	assert_true(text->len + n <= sizeof(text->at));
	memset(text->at + text->len, c, n);
	text->len += n;
}

/* 0: taken; else the status. `whole`: in one piece, else octet by octet. */
static int decode_status(const struct text *text, bool whole)
{
	struct http_head head;
	struct http_refusal refusal;
	size_t used;
	http_head_init(&head, fields);
	for (size_t len = whole ? text->len : 0; len <= text->len; len++) {
		enum err err = http_head_decode(&head, (struct bytes){text->at, len}, &limits,
		                                &used, &refusal);
		if (err == OK)
			return 0;
		if (err == ERR_MALFORMED)
			return refusal.status;
	}
	return -1;
}

static int target_status(size_t target_len, bool ends, bool whole)
{
	static struct text text;
	text.len = 0;
	text_add(&text, "GET /");
	text_fill(&text, 'a', target_len - 1);
	if (ends)
		text_add(&text, " HTTP/1.1\r\n" HOST "\r\n");
	return decode_status(&text, whole);
}

/* The longest method before it. */
static int longest_line_status(size_t target_len, bool whole)
{
	static struct text text;
	text.len = 0;
	text_fill(&text, 'M', HTTP_METHOD_MAX);
	text_add(&text, " /");
	text_fill(&text, 'a', target_len - 1);
	text_add(&text, " HTTP/1.1\r\n" HOST "\r\n");
	return decode_status(&text, whole);
}

static void target_has_a_limit(void **state)
{
	(void)state;
	for (int whole = 0; whole < 2; whole++) {
		assert_int_equal(target_status(TARGET_MAX, true, whole), 0);
		assert_int_equal(target_status(TARGET_MAX + 1, true, whole), 414);
		assert_int_equal(target_status(TARGET_MAX, false, whole), -1);
		assert_int_equal(longest_line_status(TARGET_MAX, whole), 0);
		assert_int_equal(longest_line_status(TARGET_MAX + 1, whole), 414);
		assert_int_equal(target_status(TARGET_MAX + 100, false, whole), 414);
		assert_int_equal(target_status(HEAD_MAX + 100, false, whole), 414);
	}
}

static void method_has_a_limit(void **state)
{
	(void)state;
	static struct text text;
	text.len = 0;
	text_fill(&text, 'A', TARGET_MAX + 100);
	assert_int_equal(decode_status(&text, true), 501);
	assert_int_equal(decode_status(&text, false), 501);
	text.len = 0;
	text_fill(&text, '@', TARGET_MAX + 100);
	assert_int_equal(decode_status(&text, true), 400);
}

static int fields_status(size_t n, bool whole)
{
	static struct text text;
	text.len = 0;
	text_add(&text, LINE HOST);
	for (size_t i = 1; i < n; i++)
		text_add(&text, "a: b\r\n");
	text_add(&text, "\r\n");
	return decode_status(&text, whole);
}

static void fields_have_a_limit(void **state)
{
	(void)state;
	for (int whole = 0; whole < 2; whole++) {
		assert_int_equal(fields_status(FIELDS_MAX, whole), 0);
		assert_int_equal(fields_status(FIELDS_MAX + 1, whole), 431);
	}
}

static int head_status(size_t head_len, bool whole)
{
	static struct text text;
	text.len = 0;
	text_add(&text, LINE HOST "X: ");
	text_fill(&text, 'x', head_len - text.len - 4);
	text_add(&text, "\r\n\r\n");
	assert_int_equal(text.len, head_len);
	return decode_status(&text, whole);
}

static void head_has_a_limit(void **state)
{
	(void)state;
	for (int whole = 0; whole < 2; whole++) {
		assert_int_equal(head_status(HEAD_MAX, whole), 0);
		assert_int_equal(head_status(HEAD_MAX + 1, whole), 431);
		assert_int_equal(head_status(HEAD_MAX + 2000, whole), 431);
	}
}

/* A head limit below the target's counts for the request line too. */
static void head_may_be_smaller_than_a_target(void **state)
{
	(void)state;
	static const struct http_limits small = {100, TARGET_MAX, FIELDS_MAX};
	static struct text text;
	struct http_head head;
	struct http_refusal refusal;
	size_t used;
	text.len = 0;
	text_add(&text, "GET /");
	text_fill(&text, 'a', 200);
	http_head_init(&head, fields);
	assert_int_equal(
	    http_head_decode(&head, (struct bytes){text.at, 99}, &small, &used, &refusal),
	    ERR_MORE);
	assert_int_equal(
	    http_head_decode(&head, (struct bytes){text.at, 100}, &small, &used, &refusal),
	    ERR_MALFORMED);
	assert_int_equal(refusal.status, 431);
}

/* --- chunked --------------------------------------------------------------------------------- */

struct chunks {
	const char *name;
	struct bytes in;
	int status; /* 0: taken whole */
	const char *body;
};

#define X8 "xxxxxxxx"
#define X64 X8 X8 X8 X8 X8 X8 X8 X8
#define X1K X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64
#define T4 "a:b\r\na:b\r\na:b\r\na:b\r\n"

static const struct chunks chunks[] = {
    {"nothing", B("0\r\n\r\n"), 0, ""},
    {"one", B("5\r\nhello\r\n0\r\n\r\n"), 0, "hello"},
    {"several", B("1\r\na\r\n2\r\nbc\r\n3\r\ndef\r\n0\r\n\r\n"), 0, "abcdef"},
    {"digits in both cases", B("a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n"), 0,
     "01234567890123456789a"},
    {"line ends inside", B("6\r\n\r\n0\r\n\r\r\n0\r\n\r\n"), 0, "\r\n0\r\n\r"},
    {"leading zeros", B("00000003\r\nabc\r\n000\r\n\r\n"), 0, "abc"},
    {"trailers", B("1\r\na\r\n0\r\nX-Sum: 1\r\nY:\t\xff \r\n\r\n"), 0, "a"},
    {"16 trailers", B("0\r\n" T4 T4 T4 T4 "\r\n"), 0, ""},
    {"17 trailers", B("0\r\n" T4 T4 T4 T4 "a:b\r\n\r\n"), 431, ""},
    {"4096 octets of trailers",
     B("0\r\n12345678901:" X1K X1K X1K X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64
           X8 X8 X8 X8 X8 X8 "\r\n\r\n"),
     0, ""},
    {"4097 octets of trailers",
     B("0\r\n123456789012:" X1K X1K X1K X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64
           X8 X8 X8 X8 X8 X8 "\r\n\r\n"),
     431, ""},
    {"trailer name of 64 octets", B("0\r\n" X64 ":\r\n\r\n"), 0, ""},
    {"trailer name of 65 octets", B("0\r\n" X64 "x:\r\n\r\n"), 431, ""},
    {"no size", B("\r\n"), 400, ""},
    {"size of letters", B("g\r\n"), 400, ""},
    {"signed size", B("+5\r\n"), 400, ""},
    {"negative size", B("-1\r\n"), 400, ""},
    {"hexadecimal prefix", B("0x5\r\n"), 400, ""},
    {"space before the size", B(" 5\r\n"), 400, ""},
    {"space after the size", B("5 \r\n"), 400, ""},
    {"nine digits", B("000000005\r\n"), 400, ""},
    {"overflow", B("fffffffffffffffff\r\n"), 400, ""},
    {"empty extension", B("5;\r\n"), 400, ""},
    {"extension", B("5;a=b\r\n"), 400, ""},
    {"extension of the last chunk", B("0;a\r\n"), 400, ""},
    {"bare LF after the size", B("5\nhello\r\n"), 400, ""},
    {"bare CR after the size", B("5\rhello\r\n"), 400, ""},
    {"LF CR", B("5\n\rhello\r\n"), 400, ""},
    {"data too long", B("5\r\nhello!\r\n"), 400, ""},
    {"data ends in LF", B("5\r\nhello\n"), 400, ""},
    {"data ends in CR X", B("5\r\nhello\rX"), 400, ""},
    {"data ends in X LF", B("5\r\nhelloX\n"), 400, ""},
    {"NUL for a size", B("\0\r\n"), 400, ""},
    {"bare LF at the end", B("0\r\n\n"), 400, ""},
    {"bare LF after the last size", B("0\n\r\n"), 400, ""},
    {"CR X at the end", B("0\r\n\rX"), 400, ""},
    {"trailer without a colon", B("0\r\nfoo\r\n"), 400, ""},
    {"trailer with a space before the colon", B("0\r\nfoo : a\r\n"), 400, ""},
    {"trailer without a name", B("0\r\n: a\r\n"), 400, ""},
    {"folded trailer", B("0\r\na: b\r\n c\r\n"), 400, ""},
    {"trailer with NUL", B("0\r\na: \0\r\n"), 400, ""},
    {"trailer with bare LF", B("0\r\na: b\n"), 400, ""},
    {"trailer with bare CR", B("0\r\na: b\rc"), 400, ""},
    {"Content-Length after the fact", B("0\r\nContent-Length: 5\r\n"), 400, ""},
    {"Transfer-Encoding after the fact", B("0\r\ntransfer-encoding: chunked\r\n"), 400, ""},
    {"Host after the fact", B("0\r\nHOST: a\r\n"), 400, ""},
    {"Authorization after the fact", B("0\r\nAuthorization: x\r\n"), 400, ""},
    {"a request for a trailer", B("0\r\nGET / HTTP/1.1\r\n"), 400, ""},
};

/* Feeds `step` octets at a time into room for `room`; returns the status, 0 when complete, -1 when
 * more is wanted. */
static int chunked_status(struct bytes in, size_t step, size_t room, struct text *ret)
{
	struct http_chunked chunked;
	http_chunked_init(&chunked);
	ret->len = 0;
	size_t at = 0, end = 0;
	enum err err = ERR_MORE;
	while (err == ERR_MORE && at < in.len) {
		end = at + step < in.len ? at + step : in.len;
		size_t used, made;
		struct http_refusal refusal;
		assert_true(ret->len + room <= sizeof(ret->at));
		err = http_chunked_decode(&chunked, (struct bytes){in.at + at, end - at},
		                          ret->at + ret->len, room, &used, &made, &refusal);
		if (err == ERR_MALFORMED)
			return refusal.status;
		assert_true(used > 0 && used <= end - at && made <= room);
		at += used;
		ret->len += made;
	}
	assert_true(at == in.len);
	return err == OK ? 0 : -1;
}

static void chunked_bodies(void **state)
{
	(void)state;
	static struct text made;
	static const size_t rooms[] = {1, 2, 7, 5000};
	for (size_t i = 0; i < COUNT(chunks); i++) {
		const struct chunks *row = &chunks[i];
		struct bytes in = exact_copy(row->in);
		for (size_t step = 1; step <= in.len; step++) {
			for (size_t r = 0; r < COUNT(rooms); r++) {
				int status = chunked_status(in, step, rooms[r], &made);
				assert_row(row->name, status == row->status);
				assert_row(row->name,
				           status ||
				               same((struct bytes){made.at, made.len}, row->body));
			}
			if (step > 64)
				step += 97;
		}
		/* Every prefix of a good one wants more. */
		for (size_t len = 0; len < in.len && row->status == 0; len++)
			assert_row(row->name,
			           chunked_status(bytes_first(in, len), 64, 64, &made) == -1);
		copy_free(in);
	}
}

static void chunked_drops_and_decodes_in_place(void **state)
{
	(void)state;
	char in[] = "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\nGET";
	struct http_chunked chunked;
	struct http_refusal refusal;
	size_t used, made;
	http_chunked_init(&chunked);
	assert_int_equal(http_chunked_decode(&chunked, (struct bytes){in, sizeof(in) - 1}, NULL, 0,
	                                     &used, &made, &refusal),
	                 OK);
	assert_int_equal(used, sizeof(in) - 1 - 3);
	assert_int_equal(made, 7);
	http_chunked_init(&chunked);
	assert_int_equal(http_chunked_decode(&chunked, (struct bytes){in, sizeof(in) - 1}, in,
	                                     sizeof(in), &used, &made, &refusal),
	                 OK);
	assert_int_equal(used, sizeof(in) - 1 - 3);
	assert_memory_equal(in, "abcdefg", 7);
}

static void chunked_waits_for_room(void **state)
{
	(void)state;
	struct http_chunked chunked;
	struct http_refusal refusal;
	size_t used, made;
	char to[4];
	http_chunked_init(&chunked);
	struct bytes in = BYTES("4\r\nabcd\r\n1\r\ne");
	assert_int_equal(http_chunked_decode(&chunked, in, to, 4, &used, &made, &refusal),
	                 ERR_MORE);
	assert_int_equal(made, 4);
	assert_int_equal(used, in.len - 1);
	assert_int_equal(
	    http_chunked_decode(&chunked, bytes_from(in, used), to, 0, &used, &made, &refusal),
	    ERR_MORE);
	assert_int_equal(used, 0);
	assert_int_equal(made, 0);
}

static void reasons_are_literals(void **state)
{
	(void)state;
	assert_true(same(http_reason(200), "OK"));
	assert_true(same(http_reason(431), "Request Header Fields Too Large"));
	assert_true(same(http_reason(299), ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(heads_are_taken),
	    cmocka_unit_test(what_follows_a_head_is_left),
	    cmocka_unit_test(heads_are_refused),
	    cmocka_unit_test(target_has_a_limit),
	    cmocka_unit_test(method_has_a_limit),
	    cmocka_unit_test(fields_have_a_limit),
	    cmocka_unit_test(head_has_a_limit),
	    cmocka_unit_test(head_may_be_smaller_than_a_target),
	    cmocka_unit_test(chunked_bodies),
	    cmocka_unit_test(chunked_drops_and_decodes_in_place),
	    cmocka_unit_test(chunked_waits_for_room),
	    cmocka_unit_test(reasons_are_literals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
