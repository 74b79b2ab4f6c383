/* SPDX-License-Identifier: Apache-2.0 */
/* Which owner and which route a path has, and how the rest is refused. */
#include "cases.h"
#include "support/front.h"

#include "api/dotdigital/dotdigital.h"
#include "api/route.h"

#define FIFTEEN "/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p"

static const struct path_row {
	const char *name, *method, *path;
	const char *pattern;  /* of the route; NULL: it is answered at once */
	int status;           /* then */
	const char *allow;    /* of a 405 */
	const char *variable; /* the first, decoded */
} path_rows[] = {
    {"create", "POST", "/webapi/verify", "webapi/verify", 0, NULL, NULL},
    {"the documents' case", "POST", "/WebApi/Verify", "webapi/verify", 0, NULL, NULL},
    {"shouted", "POST", "/WEBAPI/VERIFY", "webapi/verify", 0, NULL, NULL},
    {"a slash behind it", "POST", "/webapi/verify/", "webapi/verify", 0, NULL, NULL},
    {"two slashes behind it", "POST", "/webapi/verify//", NULL, 404, NULL, NULL},
    {"two slashes within", "POST", "/webapi//verify", NULL, 404, NULL, NULL},
    {"two slashes before it", "POST", "//webapi/verify", NULL, 404, NULL, NULL},
    {"the alias", "POST", "/webapi/verify/sendcode", "webapi/verify/sendcode", 0, NULL, NULL},
    {"the alias, folded", "POST", "/webapi/verify/SendCode/", "webapi/verify/sendcode", 0, NULL,
     NULL},
    {"validate", "PUT", "/webapi/verify/abc/validate", "webapi/verify/{requestId}/validate", 0,
     NULL, "abc"},
    {"validate, folded, its id not", "PUT", "/WebApi/Verify/AbC/Validate",
     "webapi/verify/{requestId}/validate", 0, NULL, "AbC"},
    {"an escape in an id", "PUT", "/webapi/verify/a%62%43/validate",
     "webapi/verify/{requestId}/validate", 0, NULL, "abC"},
    {"an escape decodes once", "PUT", "/webapi/verify/%2541/validate",
     "webapi/verify/{requestId}/validate", 0, NULL, "%41"},
    {"an escaped slash splits nothing", "PUT", "/webapi/verify/a%2fb/validate",
     "webapi/verify/{requestId}/validate", 0, NULL, "a/b"},
    {"an escaped slash and dots", "PUT", "/webapi/verify/..%2f../validate",
     "webapi/verify/{requestId}/validate", 0, NULL, "../.."},
    {"a plus stays one", "PUT", "/webapi/verify/a+b/validate", "webapi/verify/{requestId}/validate",
     0, NULL, "a+b"},
    {"an id of no octets", "PUT", "/webapi/verify//validate", "webapi/verify/{requestId}/validate",
     0, NULL, ""},
    {"an id named like the alias", "PUT", "/webapi/verify/sendcode/validate",
     "webapi/verify/{requestId}/validate", 0, NULL, "sendcode"},
    {"braces are no variable of ours", "PUT", "/webapi/verify/{requestId}/validate",
     "webapi/verify/{requestId}/validate", 0, NULL, "{requestId}"},

    {"the dialect's first word alone", "POST", "/webapi", NULL, 404, NULL, NULL},
    {"more than its first word", "POST", "/webapis/verify", NULL, 404, NULL, NULL},
    {"less than a route", "PUT", "/webapi/verify/abc", NULL, 404, NULL, NULL},
    {"more than a route", "PUT", "/webapi/verify/abc/validate/x", NULL, 404, NULL, NULL},
    {"a literal is matched undecoded", "POST", "/webapi/verif%79", NULL, 404, NULL, NULL},
    {"so is the owner", "POST", "/%77ebapi/verify", NULL, 404, NULL, NULL},
    {"an escaped slash is none between words", "POST", "/webapi%2fverify", NULL, 404, NULL, NULL},
    {"a semicolon is a letter", "POST", "/webapi/verify;a=b", NULL, 404, NULL, NULL},
    {"a backslash is one too", "POST", "/webapi\\verify", NULL, 404, NULL, NULL},
    {"an empty path", "GET", "", NULL, 404, NULL, NULL},

    {"an escape that is none", "PUT", "/webapi/verify/%zz/validate", NULL, 400, NULL, NULL},
    {"an escape cut short", "PUT", "/webapi/verify/%4/validate", NULL, 400, NULL, NULL},
    {"a percent sign alone", "PUT", "/webapi/verify/%/validate", NULL, 400, NULL, NULL},
    {"NUL", "PUT", "/webapi/verify/a%00b/validate", NULL, 400, NULL, NULL},
    {"a dot", "POST", "/webapi/./verify", NULL, 400, NULL, NULL},
    {"two dots", "POST", "/webapi/../webapi/verify", NULL, 400, NULL, NULL},
    {"an escaped dot", "POST", "/webapi/%2e/verify", NULL, 400, NULL, NULL},
    {"one dot escaped, one not", "POST", "/webapi/.%2E/verify", NULL, 400, NULL, NULL},
    {"dots at the end", "GET", "/healthz/..", NULL, 400, NULL, NULL},
    {"dots at the beginning", "POST", "/../webapi/verify", NULL, 400, NULL, NULL},
    {"a bad escape where there is no route", "GET", "/nowhere/%zz", NULL, 400, NULL, NULL},
    {"three dots are a name", "GET", "/...", NULL, 404, NULL, NULL},

    {"GET a POST", "GET", "/webapi/verify", NULL, 405, "POST", NULL},
    {"HEAD of a dialect", "HEAD", "/webapi/verify", NULL, 405, "POST", NULL},
    {"OPTIONS of a dialect", "OPTIONS", "/webapi/verify/sendcode", NULL, 405, "POST", NULL},
    {"a method in another case", "post", "/webapi/verify", NULL, 405, "POST", NULL},
    {"POST a PUT", "POST", "/webapi/verify/abc/validate", NULL, 405, "PUT", NULL},
    {"no method of HTTP's", "BREW", "/webapi/verify/abc/validate/", NULL, 405, "PUT", NULL},

    {"an operator's", "GET", "/healthz", "healthz", 0, NULL, NULL},
    {"its head", "HEAD", "/healthz", "healthz", 0, NULL, NULL},
    {"an operator's in another case", "GET", "/Healthz", NULL, 404, NULL, NULL},
    {"an operator's with a slash", "GET", "/healthz/", NULL, 404, NULL, NULL},
    {"two methods, in the table's order", "POST", "/healthz", NULL, 405, "GET, HEAD", NULL},
    {"whether it is ready", "GET", "/readyz", "readyz", 0, NULL, NULL},
    {"its counters", "HEAD", "/metrics", "metrics", 0, NULL, NULL},
    {"nothing below its counters", "GET", "/metrics/x", NULL, 404, NULL, NULL},
    {"the inbox", "GET", "/inbox", "inbox", 0, NULL, NULL},
    {"its script", "GET", "/inbox/inbox.js", "inbox/inbox.js", 0, NULL, NULL},
    {"its API", "DELETE", "/inbox/api/messages", "inbox/api/messages", 0, NULL, NULL},
    {"two other methods", "PUT", "/inbox/api/messages", NULL, 405, "GET, HEAD, DELETE", NULL},
    {"an inbox of no API", "GET", "/inbox/api", NULL, 404, NULL, NULL},
    {"the house", "GET", "/", "", 0, NULL, NULL},
    {"another method of the house", "POST", "/", NULL, 405, "GET", NULL},
    {"nobody's", "GET", "/favicon.ico", NULL, 404, NULL, NULL},
    {"what begins with nothing", "GET", "//", NULL, 404, NULL, NULL},

    {"as many segments as there may be", "GET", "/a" FIFTEEN, NULL, 404, NULL, NULL},
    {"one more", "GET", "/a" FIFTEEN "/q", NULL, 404, NULL, NULL},
    {"one more, of a dialect", "POST", "/webapi" FIFTEEN "/q", NULL, 404, NULL, NULL},
    {"a slash for each", "POST", "/webapi////////////////////////////////", NULL, 404, NULL, NULL},
    {"too many, and one that is none", "GET", "/a/.." FIFTEEN, NULL, 400, NULL, NULL},
};

static bool head_by(const struct api_shared *shared, struct front_request *made)
{
	/* They stay for the answer, which may come after this returns. */
	static struct test_clock clock = {.now_ms = TEST_START_MS};
	static struct api api;
	api = (struct api){.shared = shared, .now_ms = test_clock_now, .clock = &clock};
	return route_on_head(&api.handler, &made->request);
}

static bool head(struct front_request *made)
{
	static const struct api_shared shared;
	return head_by(&shared, made);
}

static void a_path_has_one_meaning(void **state)
{
	const struct path_row *row = ROW_OF(state, struct path_row);
	struct front_request made;
	front_request_init(&made, row->method, row->path);
	assert_int_equal(head(&made), row->pattern != NULL);
	assert_int_equal(made.sent, row->pattern == NULL);
	if (row->pattern) {
		const struct route *route = made.request.route;
		assert_true(bytes_equal(route->pattern, bytes_from_text(row->pattern)));
		assert_true(bytes_equal(route->method, bytes_from_text(row->method)));
		assert_true(bytes_equal(made.request.variables[0], bytes_from_text(row->variable)));
	} else {
		assert_int_equal(made.request.response.status, row->status);
		assert_true(bytes_equal(front_answer_field(&made, "Content-Type"), TEXT_PLAIN));
		assert_true(made.request.response.body.len > 0);
	}
	assert_true(bytes_equal(front_answer_field(&made, "Allow"), bytes_from_text(row->allow)));
	front_request_done(&made);
}

/* What nobody owns is the house's, which knows no other method either. */
static void an_api_that_is_off_owns_nothing(void **state)
{
	(void)state;
	static const struct api_shared off = {.api_off = {[API_DOTDIGITAL] = true}};
	static const char *const paths[] = {"/webapi/verify", "/WebApi/verify/a/validate",
	                                    "/webapi"};
	for (size_t i = 0; i < COUNT(paths); i++) {
		struct front_request made;
		front_request_init(&made, "GET", paths[i]);
		assert_false(head_by(&off, &made));
		assert_int_equal(made.request.response.status, 404);
		assert_null(front_answer_field(&made, "Allow").at);
		front_request_done(&made);
	}
	struct front_request made;
	front_request_init(&made, "GET", "/healthz");
	assert_true(head_by(&off, &made));
	front_request_done(&made);
}

/* ---- sizes ----------------------------------------------------------------------------------- */

static const struct size_row {
	const char *name, *method, *path;
	uint64_t length;
	int status; /* 0: the request goes on */
} size_rows[] = {
    {"nothing", "POST", "/webapi/verify", 0, 0},
    {"as much as may be", "POST", "/webapi/verify", DOTDIGITAL_BODY_MAX, 0},
    {"one octet more", "POST", "/webapi/verify", DOTDIGITAL_BODY_MAX + 1, 413},
    {"all there is", "PUT", "/webapi/verify/a/validate", UINT64_MAX, 413},
    {"a path that is none comes first", "POST", "/webapi/x", UINT64_MAX, 404},
    {"so does a method", "GET", "/webapi/verify", UINT64_MAX, 405},
    {"an operator's takes no body", "GET", "/healthz", 1, 413},
    {"and nothing is no body", "GET", "/healthz", 0, 0},
};

static void a_length_is_looked_at_early(void **state)
{
	const struct size_row *row = ROW_OF(state, struct size_row);
	struct front_request made;
	front_request_init(&made, row->method, row->path);
	made.request.has_length = true;
	made.request.length = row->length;
	assert_int_equal(head(&made), row->status == 0);
	assert_int_equal(made.request.response.status, row->status);
	if (row->status == 0)
		assert_true(row->length <= made.request.body_max);
	front_request_done(&made);
}

static void a_body_that_grows_too_large_is_its_owners(void **state)
{
	(void)state;
	struct front_request made;
	front_request_init(&made, "POST", "/webapi/verify");
	assert_true(head(&made));
	assert_int_equal(made.request.body_max, DOTDIGITAL_BODY_MAX);
	route_on_too_large(NULL, &made.request);
	assert_int_equal(made.sent, 1);
	assert_int_equal(made.request.response.status, 413);
	front_request_done(&made);
}

static void a_request_runs_its_route(void **state)
{
	struct front *front = *state;
	struct request_handler *handler = &front->api.handler;
	static const struct {
		bool dev_page;
		const char *path;
		int status;
	} rows[] = {{false, "/healthz", 200},
	            {true, "/", 200},
	            {false, "/", 404},
	            {true, "/inbox", 404} /* there is none here */};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct front_request made;
		front->shared.dev_page = rows[i].dev_page;
		front_request_init(&made, "GET", rows[i].path);
		assert_true(handler->on_head(handler, &made.request));
		handler->on_request(handler, &made.request);
		assert_int_equal(made.sent, 1);
		assert_row(rows[i].path, made.request.response.status == rows[i].status);
		front_request_done(&made);
	}
}

/* ---- fields ---------------------------------------------------------------------------------- */

static void fields_are_found_in_any_case(void **state)
{
	(void)state;
	struct front_request made;
	front_request_init(&made, "GET", "/");
	front_request_field(&made, "Accept", "a");
	front_request_field(&made, "x-a", "1");
	front_request_field(&made, "X-A", "2");
	front_request_field(&made, "X-Empty", "");
	struct request *request = &made.request;
	assert_true(bytes_equal(request_field(request, BYTES("ACCEPT")), BYTES("a")));
	assert_true(bytes_equal(request_field(request, BYTES("X-a")), BYTES("1")));
	assert_int_equal(request_field_count(request, BYTES("x-A")), 2);
	assert_int_equal(request_field_count(request, BYTES("x")), 0);
	assert_non_null(request_field(request, BYTES("x-empty")).at);
	assert_null(request_field(request, BYTES("x-none")).at);
	front_request_done(&made);
}

int main(void)
{
	static struct cases cases;
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_body_that_grows_too_large_is_its_owners),
	    cmocka_unit_test_setup_teardown(a_request_runs_its_route, front_setup, front_teardown),
	    cmocka_unit_test(fields_are_found_in_any_case),
	    cmocka_unit_test(an_api_that_is_off_owns_nothing),
	};
	CASES_ADD(&cases, tests);
	CASES_ADD_ROWS(&cases, "path", path_rows, a_path_has_one_meaning);
	CASES_ADD_ROWS(&cases, "length", size_rows, a_length_is_looked_at_early);
	return cases_run("route", &cases);
}
