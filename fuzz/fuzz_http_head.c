/* SPDX-License-Identifier: Apache-2.0 */
/* A head is read the same in one piece and in pieces (the first octet picks their length), and what
 * is taken holds what it may. */
#include "fuzz.h"

#include "wire/http.h"

#include <stdlib.h>

#define FIELDS_MAX 100

static const struct http_limits limits = {16384, 8192, FIELDS_MAX};

struct outcome {
	enum err err;
	size_t used;
	int status;
	struct http_head head;
};

static struct outcome decode(struct bytes in, size_t step, struct http_field *fields)
{
	struct outcome outcome = {.err = ERR_MORE};
	struct http_refusal refusal = {0};
	http_head_init(&outcome.head, fields);
	for (size_t len = 0; outcome.err == ERR_MORE && len < in.len;) {
		len = len + step < in.len ? len + step : in.len;
		outcome.err = http_head_decode(&outcome.head, bytes_first(in, len), &limits,
		                               &outcome.used, &refusal);
	}
	outcome.status = refusal.status;
	return outcome;
}

static bool is_clean(struct bytes text)
{
	return bytes_find(text, '\r') == text.len && bytes_find(text, '\n') == text.len &&
	       bytes_find(text, '\0') == text.len;
}

static bool is_sound(const struct http_head *head)
{
	if (!head->method.len || !head->path.len || (head->chunked && head->has_length) ||
	    (head->minor && !head->authority.at))
		return false;
	for (size_t i = 0; i < head->fields_n; i++)
		if (!head->fields[i].name.len || !is_clean(head->fields[i].name) ||
		    !is_clean(head->fields[i].value))
			return false;
	return is_clean(head->method) && is_clean(head->path) && is_clean(head->query);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	static struct http_field once[FIELDS_MAX], again[FIELDS_MAX];
	struct bytes in = bytes_from(fuzz_input(at, len), 1);
	size_t step = len ? at[0] % 64 + 1 : 1;
	struct outcome whole = decode(in, in.len ? in.len : 1, once);
	struct outcome pieces = decode(in, step, again);
	if (whole.err != pieces.err || whole.status != pieces.status)
		abort();
	if (whole.err == ERR_MALFORMED && (whole.status < 400 || whole.status > 505))
		abort();
	if (whole.err == OK &&
	    (whole.used != pieces.used || whole.used > in.len ||
	     whole.head.fields_n != pieces.head.fields_n || !is_sound(&whole.head)))
		abort();
	return 0;
}
