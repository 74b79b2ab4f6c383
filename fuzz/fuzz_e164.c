/* SPDX-License-Identifier: Apache-2.0 */
/* Text to a number: the first octet chooses rules and region, the rest is the text. */
#include "fuzz.h"

#include "wire/e164.h"

#include <assert.h>

static const char *const regions[] = {"",   "GB", "USA", "IT", "AR", "BR", "AU", "JP",
                                      "SM", "CN", "DE",  "ZZ", "RU", "NF", "MX", "GA"};

static bool line_equal(const struct e164 *a, const struct e164 *b)
{
	return number_equal(&a->number, &b->number) && strcmp(a->region, b->region) == 0 &&
	       a->type == b->type && a->calling_code == b->calling_code && a->valid == b->valid;
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	if (len == 0)
		return 0;
	struct bytes text = bytes_from(fuzz_input(at, len), 1);
	struct e164_rules rules = {.bare = (enum e164_bare)(at[0] % 3),
	                           .zero_zero = at[0] & 4,
	                           .region_prefix = at[0] & 8};
	struct e164 line, again;
	enum e164_status status =
	    e164_parse(text, bytes_from_text(regions[at[0] >> 4]), &rules, &line);
	assert(status < E164_STATUS_COUNT);
	if (status != E164_OK)
		return 0;
	/* What was read reads the same in every other way to write it. */
	char written[E164_FORMAT_MAX];
	size_t written_len = e164_format_international(&line.number, written);
	assert(written_len == strlen(written) && written_len < sizeof(written));
	const struct e164_rules strict = {0};
	status = e164_parse((struct bytes){written, written_len}, BYTES_NONE, &strict, &again);
	assert(status == E164_OK && line_equal(&line, &again));
	assert(e164_examine(&line.number, &again) == E164_OK);
	assert(line_equal(&line, &again));
	struct number taken;
	assert(number_from_digits(number_bytes(&line.number), &taken));
	assert(number_equal(&taken, &line.number));
	assert(number_code_len(&taken) == (line.calling_code < 10    ? 1u
	                                   : line.calling_code < 100 ? 2u
	                                                             : 3u));
	return 0;
}
