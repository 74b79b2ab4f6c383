/* SPDX-License-Identifier: Apache-2.0 */
/* What weight a client gives to a media type. */
#include "cases.h"

#include "wire/accept.h"

#define MANY "text/plain;q=0.1, "

static const struct row {
	const char *name;
	const char *fields[3]; /* NULL: no more */
	int json, protobuf;
} rows[] = {
    {"no field", {NULL}, 1000, 1000},
    {"an empty field", {""}, 0, 0},
    {"itself", {"application/json"}, 1000, 0},
    {"in another case", {"Application/JSON"}, 1000, 0},
    {"both", {"application/json, application/x-protobuf"}, 1000, 1000},
    {"without blanks", {"application/json,application/x-protobuf;q=0.5"}, 1000, 500},
    {"anything", {"*/*"}, 1000, 1000},
    {"anything, less", {"*/*;q=0.2"}, 200, 200},
    {"any of its kind", {"application/*"}, 1000, 1000},
    {"any of its kind, in another case", {"APPLICATION/*;Q=0.3"}, 300, 300},
    {"any of another kind", {"text/*"}, 0, 0},
    {"another type", {"text/html"}, 0, 0},
    {"a type that begins alike", {"application/json5"}, 0, 0},
    {"itself over anything", {"*/*;q=0.9, application/json;q=0.1"}, 100, 900},
    {"itself over its kind", {"application/*;q=0.9, application/json;q=0.1"}, 100, 900},
    {"its kind over anything", {"*/*, application/*;q=0.4"}, 400, 400},
    {"in any order", {"application/json;q=0.1, application/*;q=0.9, */*"}, 100, 900},
    {"shut out", {"*/*, application/json;q=0"}, 0, 1000},
    {"shut out, written long", {"*/*, application/json;q=0.000"}, 0, 1000},
    {"the greater of equals", {"application/json;q=0.2, application/json;q=0.7"}, 700, 0},
    {"the greater of equals, first", {"application/json;q=0.7, application/json;q=0.2"}, 700, 0},
    {"three digits", {"application/json;q=0.123"}, 123, 0},
    {"one, written long", {"application/json;q=1.000"}, 1000, 0},
    {"a digit and a dot", {"application/json;q=0."}, 0, 0},
    {"other parameters", {"application/json;charset=utf-8;v=1;q=0.5"}, 500, 0},
    {"parameters after q", {"application/json;q=0.5;level=1"}, 500, 0},
    {"a quoted comma", {"application/json;a=\"x,y\";q=0.5"}, 500, 0},
    {"a quoted semicolon", {"application/json;a=\"x;q=0\";q=0.5"}, 500, 0},
    {"an escaped quote", {"application/json;a=\"x\\\",\";q=0.5"}, 500, 0},
    {"a quote without end", {"application/json;a=\"x, */*"}, 1000, 0},
    {"blanks everywhere", {"  application/json ; q=0.5 ,\t*/* ; q=0.1 "}, 500, 100},
    {"blanks around the equals", {"application/json;q = 0.5"}, 500, 0},
    {"two fields are one list", {"application/x-protobuf", "application/json;q=0.5"}, 500, 1000},
    {"three fields", {"text/html", "*/*;q=0.1", "application/json"}, 1000, 100},
    {"empty elements", {", ,application/json,,"}, 1000, 0},
    {"a weight over one", {"application/json;q=1.001"}, 0, 0},
    {"a weight of two", {"application/json;q=2"}, 0, 0},
    {"four digits", {"application/json;q=0.1234"}, 0, 0},
    {"a negative weight", {"application/json;q=-1"}, 0, 0},
    {"no weight", {"application/json;q="}, 0, 0},
    {"a weight without equals", {"application/json;q"}, 0, 0},
    {"a weight of words", {"application/json;q=high"}, 0, 0},
    {"a comma for the dot", {"application/json;q=0,5"}, 0, 0},
    {"one bad element spoils no other", {"application/json;q=x, */*;q=0.4"}, 400, 400},
    {"no slash", {"json"}, 0, 0},
    {"a star alone", {"*"}, 0, 0},
    {"any kind of it", {"*/json"}, 0, 0},
    {"two slashes", {"application/json/x"}, 0, 0},
    {"no subtype", {"application/"}, 0, 0},
    {"no type", {"/json"}, 0, 0},
    {"a control character", {"application/json\x01"}, 0, 0},
    {"many", {MANY MANY MANY MANY MANY MANY MANY MANY "application/json"}, 1000, 0},
};

static void a_field_gives_weight(void **state)
{
	const struct row *row = ROW_OF(state, struct row);
	struct http_field fields[5] = {{BYTES("Accept-Language"), BYTES("*/*")}};
	size_t n = 1;
	for (; n <= 3 && row->fields[n - 1]; n++)
		fields[n] = (struct http_field){n % 2 ? BYTES("Accept") : BYTES("accept"),
		                                bytes_from_text(row->fields[n - 1])};
	assert_int_equal(accept_weight(fields, n, BYTES("application/json")), row->json);
	assert_int_equal(accept_weight(fields, n, BYTES("application/x-protobuf")), row->protobuf);
}

/* Cut anywhere, it is still read without a step past its end. */
static void a_field_may_be_cut_anywhere(void **state)
{
	(void)state;
	static const char whole[] = "application/json;a=\"x\\\",\";q=0.5, */*;q=0.1";
	for (size_t len = 0; len < sizeof(whole); len++) {
		char *cut = malloc(len + 1);
		assert_non_null(cut);
		memcpy(cut, whole, len);
		struct http_field field = {BYTES("Accept"), {cut, len}};
		assert_in_range(accept_weight(&field, 1, BYTES("application/json")), 0, 1000);
		free(cut);
	}
}

int main(void)
{
	static struct cases cases;
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_field_may_be_cut_anywhere)};
	CASES_ADD(&cases, tests);
	CASES_ADD_ROWS(&cases, "accept", rows, a_field_gives_weight);
	return cases_run("accept", &cases);
}
