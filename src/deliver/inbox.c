/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/inbox.h"

#include "base/secret.h"

#include <stdlib.h>

struct kept {
	struct inbox_text text;
	char *octets; /* owned; what the text points at */
	size_t octets_n;
};

struct inbox {
	struct rng *rng;
	struct kept ring[INBOX_KEPT];
	size_t first, n; /* the oldest, and how many */
	int64_t last_ms; /* of the newest id: the next one is not before it */
	unsigned last_in_ms;
};

struct inbox *inbox_new(struct rng *rng)
{
	struct inbox *inbox = calloc(1, sizeof(*inbox));
	if (inbox)
		inbox->rng = rng;
	return inbox;
}

/* Texts hold codes: they are wiped, not only given back. */
static void kept_drop(struct kept *kept)
{
	secret_wipe(kept->octets, kept->octets_n);
	free(kept->octets);
	*kept = (struct kept){0};
}

static struct bytes octets_add(struct kept *kept, struct bytes from)
{
	struct bytes copy = {kept->octets + kept->octets_n, from.len};
	if (from.len)
		memcpy(kept->octets + kept->octets_n, from.at, from.len);
	kept->octets_n += from.len;
	return copy;
}

/* In one piece of memory, no larger than it must be: hundreds are kept. */
static bool kept_fill(struct kept *kept, const struct inbox_text *from)
{
	/* One octet for a text that is wholly empty. */
	size_t len = from->to.len + from->from.len + from->text.len + from->code.len + 1;
	*kept = (struct kept){.text = *from, .octets = malloc(len)};
	if (!kept->octets)
		return false;
	kept->text.to = octets_add(kept, from->to);
	kept->text.from = octets_add(kept, from->from);
	kept->text.text = octets_add(kept, from->text);
	kept->text.code = octets_add(kept, from->code);
	return true;
}

void inbox_clear(struct inbox *inbox)
{
	for (; inbox->n; inbox->n--) {
		kept_drop(&inbox->ring[inbox->first]);
		inbox->first = (inbox->first + 1) % INBOX_KEPT;
	}
}

void inbox_free(struct inbox *inbox)
{
	if (!inbox)
		return;
	inbox_clear(inbox);
	free(inbox);
}

/* UUIDv7 whose 12 bits after the time count within a millisecond (RFC 9562 section 6.2, method 1),
 * so that ids sort in the order of arrival, also when many come at once or the clock stands. */
static enum err next_id(struct inbox *inbox, int64_t at_ms, struct id *ret)
{
	if (at_ms > inbox->last_ms) {
		inbox->last_ms = at_ms;
		inbox->last_in_ms = 0;
	} else if (++inbox->last_in_ms == BUCKETS) {
		inbox->last_ms++;
		inbox->last_in_ms = 0;
	}
	return id_make(inbox->last_ms, inbox->last_in_ms, inbox->rng, ret);
}

static bool text_copy(struct arena *arena, const struct inbox_text *from, struct inbox_text *to)
{
	*to = *from;
	to->to = arena_copy(arena, from->to);
	to->from = arena_copy(arena, from->from);
	to->text = arena_copy(arena, from->text);
	to->code = arena_copy(arena, from->code);
	return to->to.at && to->from.at && to->text.at && to->code.at;
}

enum err inbox_add(struct inbox *inbox, const struct inbox_text *text)
{
	struct id id;
	enum err err = next_id(inbox, text->at_ms, &id);
	if (err)
		return err;
	if (inbox->n == INBOX_KEPT) {
		kept_drop(&inbox->ring[inbox->first]);
		inbox->first = (inbox->first + 1) % INBOX_KEPT;
		inbox->n--;
	}
	struct kept *kept = &inbox->ring[(inbox->first + inbox->n) % INBOX_KEPT];
	if (!kept_fill(kept, text))
		return ERR_NO_MEMORY;
	kept->text.id = id;
	inbox->n++;
	return OK;
}

/* Text of an id sorts as the id does, in lower case; what is no id is compared all the same. */
static bool comes_after(const struct id *id, struct bytes since)
{
	char text[ID_TEXT_LEN + 1];
	id_format(id, text);
	for (size_t i = 0; i < since.len && i < ID_TEXT_LEN; i++) {
		char other = ascii_lower(since.at[i]);
		if (text[i] != other)
			return (unsigned char)text[i] > (unsigned char)other;
	}
	return since.len < ID_TEXT_LEN;
}

/* The newest text before `*at` (counted from the oldest) that passes, or NULL. Ids sort by arrival:
 * what is not after `since` ends the search. */
static const struct inbox_text *next_newest(const struct inbox *inbox,
                                            const struct inbox_filter *filter, size_t *at)
{
	while (*at > 0) {
		size_t index = (inbox->first + --*at) % INBOX_KEPT;
		const struct inbox_text *text = &inbox->ring[index].text;
		if (filter->since.at && !comes_after(&text->id, filter->since))
			return NULL;
		if (!filter->to.at || bytes_equal(filter->to, text->to))
			return text;
	}
	return NULL;
}

enum err inbox_read(const struct inbox *inbox, const struct inbox_filter *filter,
                    struct arena *arena, struct inbox_text **ret, size_t *ret_n)
{
	size_t n = 0, at = inbox->n;
	while (n < filter->max && next_newest(inbox, filter, &at))
		n++;
	/* Who waits asks again and again with one arena: nothing costs nothing. */
	struct inbox_text *texts = n ? arena_take_array(arena, n, sizeof(*texts)) : NULL;
	if (n && !texts)
		return ERR_NO_MEMORY;
	at = inbox->n;
	for (size_t i = 0; i < n; i++)
		if (!text_copy(arena, next_newest(inbox, filter, &at), &texts[i]))
			return ERR_NO_MEMORY;
	*ret = texts;
	*ret_n = n;
	return OK;
}
