/* SPDX-License-Identifier: Apache-2.0 */
/* A small request body read into a struct: our table reader beside jansson making its tree and
 * looking up the same members. Prints nanoseconds a document, the best of several rounds, and the
 * ratio. */
#include "bench_json.h"

#include "wire/json_object.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 15
#define DOCUMENTS 100000

const struct bytes bench_body =
    BYTES("{\"from\":\"ORCHARD\",\"to\":\"07700 900123\",\"countryIsoCode\":\"GBR\","
          "\"body\":\"{{code}} opens your Orchard account for {{validMinutes}} min\"}");

struct create {
	struct bytes to, from, country, body;
};

static const struct json_member members[] = {
    {BYTES("to"), JSON_TEXT_OR_INTEGER, offsetof(struct create, to)},
    {BYTES("from"), JSON_TEXT_OR_INTEGER, offsetof(struct create, from)},
    {BYTES("countryIsoCode"), JSON_TEXT, offsetof(struct create, country)},
    {BYTES("body"), JSON_TEXT, offsetof(struct create, body)},
};

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void tokens_once(struct arena *arena)
{
	static const struct json_options options = {.depth_max = 32};
	struct json_reader reader;
	struct json_token token;
	(void)arena;
	json_reader_init(&reader, bench_body, &options);
	do {
		must(json_next(&reader, &token) == OK);
	} while (token.type != JSON_TOKEN_END);
}

static void table_once(struct arena *arena)
{
	static const struct json_options options = {
	    .depth_max = 32, .lenient = true, .names_folded = true, .array_of_one = true};
	struct create create;
	struct json_found found;
	struct json_refusal refusal;
	must(json_object_read(bench_body, &options, members, sizeof(members) / sizeof(members[0]),
	                      arena, &create, &found, &refusal) == OK &&
	     found.given == 15);
	arena_reset(arena);
}

static double now_ns(void)
{
	struct timespec now;
	must(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double best_ns(void (*once)(struct arena *arena), struct arena *arena)
{
	double best = 0;
	for (int round = 0; round < ROUNDS; round++) {
		double from = now_ns();
		for (int i = 0; i < DOCUMENTS; i++)
			once(arena);
		double each = (now_ns() - from) / DOCUMENTS;
		if (round == 0 || each < best)
			best = each;
	}
	return best;
}

int main(void)
{
	struct arena arena;
	arena_init(&arena);
	double tokens = best_ns(tokens_once, &arena), table = best_ns(table_once, &arena);
	double jansson = best_ns(jansson_once, &arena);
	printf(
	    "json: %zu octets: tokens %.0f ns, table %.0f ns, jansson %.0f ns: %.1f times faster\n",
	    bench_body.len, tokens, table, jansson, jansson / table);
	arena_done(&arena);
	return 0;
}
