/* SPDX-License-Identifier: Apache-2.0 */
/* Heads of HTTP/2 (RFC 9113 sections 8.1 to 8.3): each row is a request over a real socket, and
 * what becomes of it. A malformed one resets its stream or is answered, and the connection goes on:
 * that is asked after every row. */
#include "cases.h"
#include "support/frames.h"
#include "support/unit.h"

#include <stdlib.h>

#define LAST NGHTTP2_FLAG_END_STREAM
#define RESET (-(int)NGHTTP2_PROTOCOL_ERROR)

#define GET ":method: GET\n:scheme: http\n:path: /describe\n"
#define GOOD GET ":authority: a\n"
#define POST ":method: POST\n:scheme: http\n:path: /x\n:authority: a\n"

struct row {
	const char *name;
	const char *fields;
	const char *body; /* NULL: the head is all */
	int want;         /* a status, or RESET */
};

static const struct row rows[] = {
    {"good", GOOD, NULL, 200},
    {"good, https", ":method: GET\n:scheme: https\n:path: /x\n:authority: a\n", NULL, 200},
    {"in any order", ":path: /x\n:authority: a\n:scheme: http\n:method: GET\n", NULL, 200},
    /* 8.3: pseudo-fields */
    {"pseudo after a field", GET "x: y\n:authority: a\n", NULL, RESET},
    {"pseudo unknown", GOOD ":x: y\n", NULL, RESET},
    {"pseudo of answers", GOOD ":status: 200\n", NULL, RESET},
    {"pseudo :protocol", GOOD ":protocol: websocket\n", NULL, RESET},
    {"no :method", ":scheme: http\n:path: /x\n:authority: a\n", NULL, RESET},
    {"no :scheme", ":method: GET\n:path: /x\n:authority: a\n", NULL, RESET},
    {"no :path", ":method: GET\n:scheme: http\n:authority: a\n", NULL, RESET},
    {"two :method", ":method: GET\n" GOOD, NULL, RESET},
    {"two :scheme", ":scheme: http\n" GOOD, NULL, RESET},
    {"two :path", ":path: /x\n" GOOD, NULL, RESET},
    {"two :authority", ":authority: a\n" GOOD, NULL, RESET},
    {":method empty", ":method: \n:scheme: http\n:path: /x\n:authority: a\n", NULL, RESET},
    {":method no token", ":method: G T\n:scheme: http\n:path: /x\n:authority: a\n", NULL, RESET},
    {":method of 32",
     ":method: ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF\n:scheme: http\n:path: /x\n:authority: a\n", NULL,
     200},
    {":method of 33",
     ":method: ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG\n:scheme: http\n:path: /x\n:authority: a\n", NULL,
     501},
    {"CONNECT", ":method: CONNECT\n:authority: a:1\n", NULL, 501},
    {":scheme other", ":method: GET\n:scheme: ftp\n:path: /x\n:authority: a\n", NULL, 400},
    {":path empty", ":method: GET\n:scheme: http\n:path: \n:authority: a\n", NULL, RESET},
    {":path relative", ":method: GET\n:scheme: http\n:path: x\n:authority: a\n", NULL, RESET},
    {":path a URL", ":method: GET\n:scheme: http\n:path: http://a/x\n:authority: a\n", NULL, RESET},
    {":path with a blank", ":method: GET\n:scheme: http\n:path: /x y\n:authority: a\n", NULL,
     RESET},
    {":path with a fragment", ":method: GET\n:scheme: http\n:path: /x#a\n:authority: a\n", NULL,
     400},
    {":path with a quote", ":method: GET\n:scheme: http\n:path: /x\"\n:authority: a\n", NULL, 400},
    {":path with 0x80", ":method: GET\n:scheme: http\n:path: /x\x80\n:authority: a\n", NULL, 400},
    {":path * of GET", ":method: GET\n:scheme: http\n:path: *\n:authority: a\n", NULL, RESET},
    {":path * of OPTIONS", ":method: OPTIONS\n:scheme: http\n:path: *\n:authority: a\n", NULL, 204},
    /* 8.3.1: the authority */
    {"neither :authority nor Host", GET, NULL, RESET},
    {"Host alone", GET "host: a\n", NULL, 200},
    {"Host the same", GOOD "host: a\n", NULL, 200},
    {"Host the same in another case", GOOD "host: A\n", NULL, 200},
    {"Host another", GOOD "host: b\n", NULL, 400},
    {"Host another port", GOOD "host: a:1\n", NULL, 400},
    {"two Host", GET "host: a\nhost: a\n", NULL, RESET},
    {"Host empty", GET "host: \n", NULL, RESET},
    {":authority empty", GET ":authority: \n", NULL, RESET},
    {":authority with a user", GET ":authority: u@a\n", NULL, 400},
    {":authority two", GET ":authority: a,b\n", NULL, 400},
    {":authority with a path", GET ":authority: a/b\n", NULL, RESET},
    {":authority a bad port", GET ":authority: a:70000\n", NULL, 400},
    {":authority IPv6", GET ":authority: [::1]:80\n", NULL, 200},
    /* 8.2.1: names and values */
    {"name in upper case", GOOD "X: y\n", NULL, RESET},
    {"name with a blank", GOOD "x y: z\n", NULL, RESET},
    {"name with a control", GOOD "x\x01: z\n", NULL, RESET},
    {"value with CR", GOOD "x: a\rb\n", NULL, RESET},
    {"value with a control",
     GOOD "x: a\x01"
          "b\n",
     NULL, RESET},
    {"value with DEL", GOOD "x: a\x7f\n", NULL, RESET},
    {"value begins with a blank", GOOD "x:  a\n", NULL, RESET},
    {"value ends with a blank", GOOD "x: a \n", NULL, RESET},
    {"value ends with a tab", GOOD "x: a\t\n", NULL, RESET},
    {"value empty", GOOD "x: \n", NULL, 200},
    {"value with 0x80", GOOD "x: \x80\n", NULL, 200},
    /* 8.2.2: fields about the connection */
    {"connection", GOOD "connection: close\n", NULL, RESET},
    {"keep-alive", GOOD "keep-alive: 1\n", NULL, RESET},
    {"proxy-connection", GOOD "proxy-connection: close\n", NULL, RESET},
    {"transfer-encoding", POST "transfer-encoding: chunked\n", "0\r\n\r\n", RESET},
    {"upgrade", GOOD "upgrade: h2c\n", NULL, RESET},
    {"te trailers", GOOD "te: trailers\n", NULL, 200},
    {"te other", GOOD "te: gzip\n", NULL, RESET},
    /* 8.1.1: Content-Length and DATA */
    {"length right", POST "content-length: 3\n", "abc", 200},
    {"length of nothing", POST "content-length: 0\n", NULL, 200},
    {"length too short", POST "content-length: 2\n", "abc", RESET},
    {"length too long", POST "content-length: 4\n", "abc", RESET},
    {"length without a body", POST "content-length: 3\n", NULL, RESET},
    {"length twice", POST "content-length: 3\ncontent-length: 3\n", "abc", RESET},
    {"length a list", POST "content-length: 3, 3\n", "abc", RESET},
    {"length with a sign", POST "content-length: +3\n", "abc", RESET},
    {"length in hexadecimal", POST "content-length: 0x3\n", "abc", RESET},
    {"length with a zero first", POST "content-length: 03\n", "abc", 400},
    {"length empty", POST "content-length: \n", "abc", RESET},
    {"expect other", POST "expect: tea\n", "abc", 417},
};

static void becomes(void **state)
{
	const struct row *row = ROW_OF(state, struct row);
	struct frames frames;
	struct frames_answer answer;
	web_start(NULL);
	frames_connect(&frames);
	int32_t id = head_send_only(&frames, row->fields, row->body ? 0 : LAST);
	if (row->body)
		data_send(&frames, id, row->body, LAST);
	frames_answer(&frames, id, &answer);
	assert_false(answer.ended);
	if (row->want > 0) {
		assert_int_equal(answer.status, row->want);
	} else {
		assert_true(answer.reset);
		assert_int_equal(answer.code, -row->want);
		assert_int_equal(answer.status, 0);
	}
	frames_answer_done(&answer);
	frames_expect_alive(&frames);
	assert_int_equal(web_counts().refused, row->want < 0 || row->want >= 400);
	frames_close(&frames);
	web_stop();
}

/* --- sizes ----------------------------------------------------------------------------------- */

/* One request with this field of that many octets beside the good ones. */
static void expect_with(struct frames *frames, const char *field, size_t len, int status)
{
	char *lines = malloc(len + 64);
	assert_non_null(lines);
	size_t at = (size_t)snprintf(lines, 64, "%s: ", field);
	memset(lines + at, 'v', len);
	memcpy(lines + at + len, "\n", 2);
	int32_t id = head_send(frames, "GET", "/x", lines, LAST);
	frames_expect(frames, id, status, NULL);
	free(lines);
}

static void a_head_has_its_limit(void **state)
{
	(void)state;
	/* Name, value and 32 each (RFC 9113 section 6.5.2). */
	size_t others = strlen(":methodGET:schemehttp:authoritya:path/x") + 4 * 32 + 1 + 32;
	struct frames frames;
	frames_connect(&frames);
	expect_with(&frames, "x", NET_HEAD_MAX - others, 200);
	expect_with(&frames, "x", NET_HEAD_MAX - others + 1, 431);
	expect_with(&frames, "x", 3 * NET_HEAD_MAX, 431);
	frames_expect_alive(&frames);
	frames_close(&frames);
}

static void fields_have_their_limit(void **state)
{
	(void)state;
	char lines[NET_FIELDS_MAX * 5 + 6] = "";
	struct frames frames;
	frames_connect(&frames);
	for (size_t i = 0; i < NET_FIELDS_MAX; i++)
		memcpy(lines + 5 * i, "x: y\n", 6);
	frames_expect(&frames, head_send(&frames, "GET", "/x", lines, LAST), 200, NULL);
	memcpy(lines + 5 * NET_FIELDS_MAX, "x: y\n", 6);
	frames_expect(&frames, head_send(&frames, "GET", "/x", lines, LAST), 431, NULL);
	frames_expect_alive(&frames);
	frames_close(&frames);
}

static void a_target_has_its_limit(void **state)
{
	(void)state;
	static char path[NET_TARGET_MAX + 2];
	struct frames frames;
	frames_connect(&frames);
	memset(path, 'p', sizeof(path) - 1);
	path[0] = '/';
	path[NET_TARGET_MAX] = '\0';
	frames_expect(&frames, head_send(&frames, "GET", path, "", LAST), 200, NULL);
	path[NET_TARGET_MAX] = 'p';
	frames_expect(&frames, head_send(&frames, "GET", path, "", LAST), 414, NULL);
	frames_expect_alive(&frames);
	frames_close(&frames);
}

static void cookies_are_one_field(void **state)
{
	(void)state;
	struct frames frames;
	frames_connect(&frames);
	frames_expect(&frames,
	              head_send(&frames, "GET", "/cookie",
	                        "cookie: a=1\nx: y\ncookie: b=2\ncookie: c=3\n", LAST),
	              200, "a=1; b=2; c=3");
	frames_expect(&frames, head_send(&frames, "GET", "/cookie", "cookie: a=1\n", LAST), 200,
	              "a=1");
	frames_close(&frames);
}

/* --- trailers -------------------------------------------------------------------------------- */

struct trailer_row {
	const char *name;
	const char *lines;
	int want;
};

static const struct trailer_row trailer_rows[] = {
    {"one", "x-sum: 1\n", 200},
    {"none", "", 200},
    {"Content-Length", "content-length: 3\n", 400},
    {"Host", "host: b\n", 400},
    {"Authorization", "authorization: Basic eDp5\n", 400},
    {"pseudo", ":path: /y\n", RESET},
    {"in upper case", "X: y\n", RESET},
    {"16",
     "a: 1\na: 1\na: 1\na: 1\na: 1\na: 1\na: 1\na: 1\na: 1\na: 1\na: 1\na: 1\na: 1\na: 1\na: 1\na: "
     "1\n",
     200},
    {"17",
     "a: 1\na: 1\na: 1\na: 1\na: 1\na: 1\na: 1\na: 1\na: 1\na: 1\na: 1\na: 1\na: 1\na: 1\na: 1\na: "
     "1\na: 1\n",
     431},
    {"a name of 64", "a123456789a123456789a123456789a123456789a123456789a123456789abcd: x\n", 200},
    {"a name of 65", "a123456789a123456789a123456789a123456789a123456789a123456789abcde: x\n", 431},
};

static void trailers_become(void **state)
{
	const struct trailer_row *row = ROW_OF(state, struct trailer_row);
	char block[4096];
	struct frames frames;
	web_start(NULL);
	frames_connect(&frames);
	int32_t id = head_send(&frames, "POST", "/x", "", 0);
	data_send(&frames, id, "abc", 0);
	assert_true(frame_send(&frames, NGHTTP2_HEADERS, LAST | NGHTTP2_FLAG_END_HEADERS, id,
	                       fields_encode(row->lines, block, sizeof(block))));
	if (row->want > 0)
		frames_expect(&frames, id, row->want, row->want == 200 ? "abc" : NULL);
	else
		frames_expect_reset(&frames, id, (uint32_t)-row->want);
	frames_expect_alive(&frames);
	frames_close(&frames);
	web_stop();
}

static void trailers_must_be_last(void **state)
{
	(void)state;
	char block[64];
	struct frames frames;
	frames_connect(&frames);
	int32_t id = head_send(&frames, "POST", "/x", "", 0);
	assert_true(frame_send(&frames, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, id,
	                       fields_encode("x: y\n", block, sizeof(block))));
	frames_expect_reset(&frames, id, NGHTTP2_PROTOCOL_ERROR);
	frames_expect_alive(&frames);
	frames_close(&frames);
}

int main(void)
{
	static struct cases cases;
#define TEST(name) cmocka_unit_test_setup_teardown(name, web_set_up, web_tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(a_head_has_its_limit),   TEST(fields_have_their_limit),
	    TEST(a_target_has_its_limit), TEST(cookies_are_one_field),
	    TEST(trailers_must_be_last),
	};
	CASES_ADD_ROWS(&cases, "a head", rows, becomes);
	CASES_ADD_ROWS(&cases, "trailers", trailer_rows, trailers_become);
	CASES_ADD(&cases, tests);
	return cases_run("http2_fields", &cases);
}
