/* SPDX-License-Identifier: Apache-2.0 */
/* Reading phone numbers: ours beside Debian's libphonenumber, on the same list of fictional numbers
 * and metadata's examples. Prints nanoseconds a number, the best of several rounds, the ratio, and
 * how large the tables are. */
#include "bench_e164.h"

#include "plan/plan.h"
#include "wire/e164.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 9
#define OURS_TURNS 20000
#define PEER_TURNS 400

static const struct {
	const char *text, *region;
} numbers[] = {
    {"+447400123456", "GB"},    {"+44 7700 900123", "GB"},   {"07400 123456", "GB"},
    {"+12015550123", "US"},     {"(201) 555-0123", "US"},    {"+1 268 464 1234", "AG"},
    {"+1 876 210 1234", "JM"},  {"+61 491 570 006", "AU"},   {"0491 570 006", "AU"},
    {"+39 02 1234 5678", "IT"}, {"+39 312 345 6789", "IT"},  {"+5491123456789", "AR"},
    {"011 15 2345-6789", "AR"}, {"+5511961234567", "BR"},    {"0 15 11 961234567", "BR"},
    {"+522221234567", "MX"},    {"+33 6 12 34 56 78", "FR"}, {"0612345678", "FR"},
    {"+4915123456789", "DE"},   {"01512 3456789", "DE"},     {"+819012345678", "JP"},
    {"090-1234-5678", "JP"},    {"+79123456789", "RU"},      {"8 (912) 345-67-89", "RU"},
    {"+77710009998", "KZ"},     {"+8613123456789", "CN"},    {"+918123456789", "IN"},
    {"+6281212345678", "ID"},   {"+2348021234567", "NG"},    {"+27711234567", "ZA"},
    {"+46 70 174 06 05", "SE"}, {"+358412345678", "FI"},     {"+590690001234", "GP"},
    {"+80012345678", "US"},     {"+881612345678", "US"},     {"+442079460123", "GB"},
};
#define NUMBERS_N (sizeof(numbers) / sizeof(numbers[0]))

static double now_ns(void)
{
	struct timespec now;
	if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
		abort();
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int ours(const char *text, const char *region)
{
	static const struct e164_rules rules = {.bare = E164_BARE_NATIONAL, .region_prefix = true};
	struct e164 line;
	return e164_parse(bytes_from_text(text), bytes_from_text(region), &rules, &line) == E164_OK;
}

/* Nanoseconds a number; stops the program when one is not read. */
static double best_ns(int (*read)(const char *text, const char *region), int turns)
{
	double best = 0;
	for (int round = 0; round < ROUNDS; round++) {
		double from = now_ns();
		for (int turn = 0; turn < turns; turn++)
			for (size_t i = 0; i < NUMBERS_N; i++)
				if (!read(numbers[i].text, numbers[i].region))
					abort();
		double each = (now_ns() - from) / ((double)turns * (double)NUMBERS_N);
		if (round == 0 || each < best)
			best = each;
	}
	return best;
}

int main(void)
{
	double own = best_ns(ours, OURS_TURNS);
	double parse = best_ns(peer_parse, PEER_TURNS), all = best_ns(peer_examine, PEER_TURNS);
	printf("e164: parse                  %4.0f ns   libphonenumber %6.0f ns   ratio %.0f\n",
	       own, parse, parse / own);
	printf("e164: parse, region and type %4.0f ns   libphonenumber %6.0f ns   ratio %.0f\n",
	       own, all, all / own);
	printf("e164: tables %.0f KiB of %s\n", plan_size / 1024.0, e164_plan_version());
	return 0;
}
