/* SPDX-License-Identifier: Apache-2.0 */
/* Objects read by a table: each row of `rows` is a document, the way to read it, and what is
 * expected in the struct. */
#include "cases.h"

#include "base/buf.h"
#include "wire/json_object.h"

struct order {
	struct bytes to, text;
	struct json_integer count;
	struct json_boolean urgent;
	struct bytes settings;
	struct json_texts roles;
	struct bytes any;
	uint64_t beside; /* named by no row */
};

enum { TO, TEXT, COUNT, URGENT, SETTINGS, ROLES, ANY, MEMBERS_N };

static const struct json_member members[MEMBERS_N] = {
    [TO] = {BYTES("to"), JSON_TEXT_OR_INTEGER, offsetof(struct order, to)},
    [TEXT] = {BYTES("text"), JSON_TEXT, offsetof(struct order, text)},
    [COUNT] = {BYTES("count"), JSON_INTEGER, offsetof(struct order, count)},
    [URGENT] = {BYTES("urgent"), JSON_BOOLEAN, offsetof(struct order, urgent)},
    [SETTINGS] = {BYTES("settings"), JSON_OBJECT, offsetof(struct order, settings)},
    [ROLES] = {BYTES("roles"), JSON_TEXT_ARRAY, offsetof(struct order, roles)},
    [ANY] = {BYTES("any"), JSON_ANY, offsetof(struct order, any)},
};

/* As a dialect of vendors' clients reads, and as records are imported. */
static const struct json_options vendor = {.depth_max = 4,
                                           .lenient = true,
                                           .bom_skipped = true,
                                           .names_folded = true,
                                           .array_of_one = true};
static const struct json_options import = {
    .depth_max = 4, .unknown_refused = true, .duplicates_refused = true};
static const struct json_options tolerant = {.depth_max = 4, .rest_ignored = true};
static const struct json_options once = {.depth_max = 4, .duplicates_refused = true};

/* What was read, as one line: NAME=value for each that was given, NAME? for each of a wrong type;
 * or !why (name) of a refusal. */
static void order_show(const struct order *order, const struct json_found *found, char *line,
                       size_t size)
{
	size_t len = 0;
	line[0] = '\0';
#define SHOW(...) (len += (size_t)snprintf(line + len, size - len, __VA_ARGS__))
#define SHOW_BYTES(name, value)                                                                    \
	((value).at ? SHOW(name "=%.*s ", (int)(value).len, (value).at) : (size_t)0)
	SHOW_BYTES("to", order->to);
	SHOW_BYTES("text", order->text);
	if (order->count.given)
		SHOW("count=%lld ", (long long)order->count.value);
	if (order->urgent.given)
		SHOW("urgent=%d ", order->urgent.value);
	SHOW_BYTES("settings", order->settings);
	if (order->roles.at) {
		SHOW("roles=");
		for (size_t i = 0; i < order->roles.n; i++)
			SHOW("%s%.*s", i ? "," : "", (int)order->roles.at[i].len,
			     order->roles.at[i].at);
		SHOW(" ");
	}
	SHOW_BYTES("any", order->any);
	for (size_t row = 0; row < MEMBERS_N; row++)
		if (json_found_wrong_type(found, row))
			SHOW("%s? ", members[row].name.at);
	assert_true(len < size);
	if (len)
		line[len - 1] = '\0';
}

static enum err read_and_show(struct bytes in, const struct json_options *options, char *line,
                              size_t size)
{
	struct order order;
	struct json_found found;
	struct json_refusal refusal;
	struct arena arena;
	/* Whatever stood there is gone, save what no row names. */
	memset(&order, 0xA5, sizeof(order));
	arena_init(&arena);
	enum err err =
	    json_object_read(in, options, members, MEMBERS_N, &arena, &order, &found, &refusal);
	if (!err) {
		order_show(&order, &found, line, size);
		uint64_t given = (order.to.at ? 1 << TO : 0) | (order.text.at ? 1 << TEXT : 0) |
		                 (order.count.given ? 1 << COUNT : 0) |
		                 (order.urgent.given ? 1 << URGENT : 0) |
		                 (order.settings.at ? 1 << SETTINGS : 0) |
		                 (order.roles.at ? 1 << ROLES : 0) | (order.any.at ? 1 << ANY : 0);
		assert_true(found.given == given);
	} else {
		(void)snprintf(line, size, "!%s%s%.*s", refusal.why, refusal.name.len ? " " : "",
		               (int)refusal.name.len, refusal.name.len ? refusal.name.at : "");
		assert_true(refusal.offset <= in.len);
	}
	assert_true(order.beside == 0xA5A5A5A5A5A5A5A5);
	arena_done(&arena);
	return err;
}

struct row {
	const char *name;
	const struct json_options *options;
	struct bytes in;
	const char *expected;
};

static const struct row rows[] = {
    {"every kind", &import,
     BYTES("{\"to\":\"+44\",\"text\":\"x\",\"count\":-3,\"urgent\":true,"
           "\"settings\":{\"a\":[1]},\"roles\":[\"r\",\"s\"],\"any\":[1, 2]}"),
     "to=+44 text=x count=-3 urgent=1 settings={\"a\":[1]} roles=r,s any=[1, 2]"},
    {"nothing", &import, BYTES("{}"), ""},
    {"false is given", &import, BYTES("{\"urgent\":false}"), "urgent=0"},
    {"empty text is given", &import, BYTES("{\"text\":\"\"}"), "text="},
    {"empty array is given", &import, BYTES("{\"roles\":[]}"), "roles="},
    {"null is absent", &import,
     BYTES("{\"to\":null,\"text\":null,\"count\":null,\"urgent\":null,\"settings\":null,"
           "\"roles\":null,\"any\":null}"),
     ""},
    {"integer as text", &vendor, BYTES("{\"to\":447700900123}"), "to=447700900123"},
    {"integer as text keeps what was typed", &vendor, BYTES("{\"to\":-0}"), "to=-0"},
    {"integer of 30 digits as text", &vendor, BYTES("{\"to\":123456789012345678901234567890}"),
     "to=123456789012345678901234567890"},
    {"fraction is no text", &vendor, BYTES("{\"to\":1.0}"), "to?"},
    {"exponent is no text", &vendor, BYTES("{\"to\":1e3}"), "to?"},
    {"integer where only text may be", &vendor, BYTES("{\"text\":1}"), "text?"},
    {"every type wrong, each reported", &import,
     BYTES("{\"to\":true,\"text\":{},\"count\":\"1\",\"urgent\":1,\"settings\":[],"
           "\"roles\":\"r\"}"),
     "to? text? count? urgent? settings? roles?"},
    {"a wrong type does not harm the others", &vendor,
     BYTES("{\"to\":[1,{\"x\":[]}],\"text\":\"ok\"}"), "text=ok to?"},
    {"integer out of range", &import, BYTES("{\"count\":9223372036854775808}"), "count?"},
    {"integer with a fraction", &import, BYTES("{\"count\":1.0}"), "count?"},
    {"array holding a number", &import, BYTES("{\"roles\":[\"a\",1]}"), "roles?"},
    {"array holding null", &import, BYTES("{\"roles\":[null]}"), "roles?"},
    {"array holding an array", &import, BYTES("{\"roles\":[[\"a\"]]}"), "roles?"},
    {"array of escaped texts", &import, BYTES("{\"roles\":[\"\\u0061\",\"\\n\"]}"), "roles=a,\n"},
    {"any: a text keeps its quotes", &import, BYTES("{\"any\":\"a\\n\"}"), "any=\"a\\n\""},
    {"escaped name", &import, BYTES("{\"\\u0074\\u006F\":\"x\"}"), "to=x"},
    {"escaped text", &import, BYTES("{\"to\":\"\\u002b44\"}"), "to=+44"},

    {"names folded", &vendor, BYTES("{\"TO\":\"1\",\"Text\":\"x\"}"), "to=1 text=x"},
    {"names exact", &tolerant, BYTES("{\"TO\":\"1\",\"text\":\"x\"}"), "text=x"},
    {"names exact, and unknown refused", &import, BYTES("{\"To\":\"1\"}"), "!unknown member To"},
    {"name with NUL is another", &import, BYTES("{\"to\\u0000\":\"1\"}"), "!unknown member to"},
    {"a longer name is another", &tolerant, BYTES("{\"too\":1,\"t\":2,\"\":3}"), ""},

    {"unknown ignored", &vendor, BYTES("{\"x\":{\"to\":\"no\"},\"to\":\"yes\",\"y\":[]}"),
     "to=yes"},
    {"unknown refused", &import, BYTES("{\"to\":\"1\",\"phnoe\":\"2\"}"), "!unknown member phnoe"},
    {"unknown refused, escaped", &import, BYTES("{\"\\u0078\":1}"), "!unknown member x"},
    {"unknown skipped is checked too", &vendor, BYTES("{\"x\":[1,,2],\"to\":\"1\"}"),
     "!not a value"},

    {"last wins", &vendor, BYTES("{\"to\":\"1\",\"to\":\"2\"}"), "to=2"},
    {"last wins, folded", &vendor, BYTES("{\"to\":\"1\",\"To\":\"2\"}"), "to=2"},
    {"last wins, though null", &vendor, BYTES("{\"to\":\"1\",\"to\":null}"), ""},
    {"last wins, though of a wrong type", &vendor, BYTES("{\"to\":\"1\",\"to\":true}"), "to?"},
    {"last wins over a wrong type", &vendor, BYTES("{\"to\":true,\"to\":\"1\"}"), "to=1"},
    {"last wins over a wrong type, though null", &vendor, BYTES("{\"to\":true,\"to\":null}"), ""},
    {"last wins, every kind", &vendor,
     BYTES("{\"count\":1,\"urgent\":true,\"settings\":{},\"roles\":[\"a\"],\"any\":1,"
           "\"count\":2,\"urgent\":false,\"settings\":{\"a\":1},\"roles\":[],\"any\":2}"),
     "count=2 urgent=0 settings={\"a\":1} roles= any=2"},
    {"twice refused", &import, BYTES("{\"to\":\"1\",\"to\":\"2\"}"), "!member stands twice to"},
    {"twice refused, escaped once", &import, BYTES("{\"to\":\"1\",\"\\u0074o\":\"2\"}"),
     "!member stands twice to"},
    {"twice refused, though null", &import, BYTES("{\"to\":null,\"to\":\"2\"}"),
     "!member stands twice to"},
    {"twice refused, unknown", &once, BYTES("{\"x\":1,\"y\":1,\"x\":2}"), "!member stands twice x"},
    {"twice refused, unknown, not the first", &once, BYTES("{\"x\":1,\"y\":1,\"y\":2}"),
     "!member stands twice y"},
    {"last wins, its neighbours stay", &vendor,
     BYTES("{\"count\":1,\"urgent\":true,\"settings\":{},\"count\":2,\"urgent\":false}"),
     "count=2 urgent=0 settings={}"},
    {"once each, unknown", &once, BYTES("{\"x\":1,\"X\":1,\"\":2}"), ""},

    {"array of one", &vendor, BYTES("[{\"to\":\"1\"}]"), "to=1"},
    {"array of one and a comma", &vendor, BYTES("[{\"to\":\"1\",},]"), "to=1"},
    {"array of none", &vendor, BYTES("[]"), "!not an object"},
    {"array of two", &vendor, BYTES("[{},{}]"), "!more than one object"},
    {"array of one and null", &vendor, BYTES("[{},null]"), "!more than one object"},
    {"array of an array", &vendor, BYTES("[[{}]]"), "!not an object"},
    {"array of a number", &vendor, BYTES("[1]"), "!not an object"},
    {"array of one, not opened", &import, BYTES("[{}]"), "!not an object"},
    {"array of one, not closed", &vendor, BYTES("[{}"), "!unfinished"},

    {"a vendor's Java sample", &vendor, BYTES("{'from': 'Example','to': '447123123456',}"),
     "to=447123123456"},
    {"single quotes are not for import", &import, BYTES("{'to': '1'}"), "!not a name"},
    {"BOM skipped", &vendor, BYTES("\xEF\xBB\xBF{\"to\":1}"), "to=1"},
    {"BOM refused", &import, BYTES("\xEF\xBB\xBF{\"to\":1}"), "!not a value"},
    {"rest ignored", &tolerant, BYTES("{\"text\":\"x\"} rest"), "text=x"},
    {"rest refused", &vendor, BYTES("{\"text\":\"x\"} rest"), "!something follows the value"},
    {"not an object: text", &vendor, BYTES("\"x\""), "!not an object"},
    {"not an object: null", &vendor, BYTES("null"), "!not an object"},
    {"nothing at all", &vendor, BYTES(""), "!unfinished"},
    {"not UTF-8", &vendor, BYTES("{\"text\":\"\xFF\"}"), "!not UTF-8"},
    {"not JSON after all was well", &vendor, BYTES("{\"to\":\"1\""), "!unfinished"},
    {"depth at the limit", &tolerant, BYTES("{\"any\":[[[]]]}"), "any=[[[]]]"},
    {"depth over the limit", &tolerant, BYTES("{\"any\":[[[[]]]]}"), "!nested too deeply"},
    {"depth over the limit, unknown member", &tolerant, BYTES("{\"x\":[[[[]]]]}"),
     "!nested too deeply"},
};

static void test_row(void **state)
{
	const struct row *row = ROW_OF(state, struct row);
	char line[512];
	enum err err = read_and_show(row->in, row->options, line, sizeof(line));
	assert_string_equal(line, row->expected);
	if (row->expected[0] != '!')
		assert_int_equal(err, OK);
	else
		assert_int_equal(err, strcmp(line, "!nested too deeply") == 0 ? ERR_TOO_LARGE
		                                                              : ERR_MALFORMED);
	/* Cut before its last bracket it is no document. */
	const char *last = row->in.len ? memrchr(row->in.at, '}', row->in.len) : NULL;
	for (size_t len = 0; len < row->in.len; len++) {
		err = read_and_show(bytes_first(row->in, len), row->options, line, sizeof(line));
		assert_true(err || (last && row->in.at + len > last));
	}
}

static struct bytes array_of(struct buf *buf, unsigned n)
{
	buf_clear(buf);
	buf_add_text(buf, "{\"roles\":[");
	for (unsigned i = 0; i < n; i++)
		buf_printf(buf, "%s\"%u\"", i ? "," : "", i);
	buf_add_text(buf, "]}");
	return buf_bytes(buf);
}

/* {"m0":0,"m1":1,...} */
static struct bytes members_of(struct buf *buf, unsigned n)
{
	buf_clear(buf);
	for (unsigned i = 0; i < n; i++)
		buf_printf(buf, "%c\"m%u\":%u", i ? ',' : '{', i, i);
	buf_add_text(buf, "}");
	return buf_bytes(buf);
}

static void test_limits_at_their_edges(void **state)
{
	(void)state;
	static char line[16384];
	struct buf buf;
	buf_init(&buf, 0);
	enum err err = read_and_show(array_of(&buf, JSON_TEXTS_MAX), &import, line, sizeof(line));
	assert_int_equal(err, OK);
	err = read_and_show(array_of(&buf, JSON_TEXTS_MAX + 1), &import, line, sizeof(line));
	assert_int_equal(err, ERR_TOO_LARGE);
	assert_string_equal(line, "!too many elements");
	err = read_and_show(members_of(&buf, JSON_UNKNOWN_MAX), &once, line, sizeof(line));
	assert_int_equal(err, OK);
	err = read_and_show(members_of(&buf, JSON_UNKNOWN_MAX + 1), &once, line, sizeof(line));
	assert_int_equal(err, ERR_TOO_LARGE);
	assert_string_equal(line, "!too many members");
	/* Where a name may stand twice nothing need be remembered. */
	err = read_and_show(members_of(&buf, 4 * JSON_UNKNOWN_MAX), &vendor, line, sizeof(line));
	assert_int_equal(err, OK);
	buf_done(&buf);
}

static void test_a_table_of_the_most_rows(void **state)
{
	(void)state;
	static struct json_member all[JSON_MEMBERS_MAX];
	static char names[JSON_MEMBERS_MAX][16];
	struct json_integer values[JSON_MEMBERS_MAX];
	struct json_found found;
	struct json_refusal refusal;
	struct arena arena;
	struct buf buf;
	for (unsigned i = 0; i < JSON_MEMBERS_MAX; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "m%u", i);
		all[i] = (struct json_member){bytes_from_text(names[i]), JSON_INTEGER,
		                              i * sizeof(values[0])};
	}
	arena_init(&arena);
	buf_init(&buf, 0);
	assert_int_equal(json_object_read(members_of(&buf, JSON_MEMBERS_MAX), &once, all,
	                                  JSON_MEMBERS_MAX, &arena, values, &found, &refusal),
	                 OK);
	assert_true(found.given == UINT64_MAX && found.wrong_type == 0);
	assert_true(values[63].given && values[63].value == 63);
	assert_true(json_found_given(&found, 63));
	buf_done(&buf);
	arena_done(&arena);
}

/* A raw slice is read with a table of its own, by the same options. */
static void test_an_object_inside(void **state)
{
	(void)state;
	struct order outer, inner;
	struct json_found found;
	struct json_refusal refusal;
	struct arena arena;
	arena_init(&arena);
	assert_int_equal(json_object_read(BYTES("{'settings': {'text':'in',}}"), &vendor, members,
	                                  MEMBERS_N, &arena, &outer, &found, &refusal),
	                 OK);
	assert_int_equal(json_object_read(outer.settings, &vendor, members, MEMBERS_N, &arena,
	                                  &inner, &found, &refusal),
	                 OK);
	assert_true(bytes_equal(inner.text, BYTES("in")));
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_limits_at_their_edges),
	    cmocka_unit_test(test_a_table_of_the_most_rows),
	    cmocka_unit_test(test_an_object_inside),
	};
	static struct cases cases;
	CASES_ADD(&cases, tests);
	CASES_ADD_ROWS(&cases, "object", rows, test_row);
	return cases_run("json_object", &cases);
}
