/* SPDX-License-Identifier: Apache-2.0 */
#include "store/shape.h"

#include <assert.h>

#define TEXT(type, field) offsetof(struct type, field)

const struct shape shapes[RECORD_KINDS] = {
    [CHANGE_VERIFICATION] = {sizeof(struct verification),
                             offsetof(struct verification, version),
                             8,
                             {TEXT(verification, tenant), TEXT(verification, client),
                              TEXT(verification, user), TEXT(verification, dialect),
                              TEXT(verification, key_id), TEXT(verification, address),
                              TEXT(verification, device), TEXT(verification, slot)}},
    [CHANGE_BUDGET] = {sizeof(struct budget), offsetof(struct budget, version), 0, {0}},
    [CHANGE_FAILURES] = {sizeof(struct failures),
                         offsetof(struct failures, version),
                         1,
                         {TEXT(failures, tenant)}},
    [CHANGE_MESSAGE] = {sizeof(struct message),
                        offsetof(struct message, version),
                        4,
                        {TEXT(message, provider), TEXT(message, sender), TEXT(message, template),
                         TEXT(message, provider_id)}},
    [CHANGE_EVENT] = {sizeof(struct event),
                      SHAPE_NO_VERSION,
                      4,
                      {TEXT(event, kind), TEXT(event, reason), TEXT(event, tenant),
                       TEXT(event, dialect)}},
    [CHANGE_TENANT] = {sizeof(struct tenant),
                       offsetof(struct tenant, version),
                       3,
                       {TEXT(tenant, id), TEXT(tenant, name), TEXT(tenant, settings)}},
    [CHANGE_CLIENT] = {sizeof(struct client),
                       offsetof(struct client, version),
                       5,
                       {TEXT(client, name), TEXT(client, tenant), TEXT(client, secret_hash),
                        TEXT(client, roles), TEXT(client, permissions)}},
    [CHANGE_LINE] = {sizeof(struct line),
                     offsetof(struct line, version),
                     2,
                     {TEXT(line, tenant), TEXT(line, chosen_key_id)}},
};

enum change_kind change_record_kind(enum change_kind kind)
{
	switch (kind) {
	case GUARD_VERIFICATION:
		return CHANGE_VERIFICATION;
	case GUARD_BUDGET:
		return CHANGE_BUDGET;
	case GUARD_FAILURES:
		return CHANGE_FAILURES;
	case GUARD_LINE:
		return CHANGE_LINE;
	case CHANGE_VERIFICATION:
	case CHANGE_BUDGET:
	case CHANGE_FAILURES:
	case CHANGE_MESSAGE:
	case CHANGE_EVENT:
	case CHANGE_TENANT:
	case CHANGE_CLIENT:
	case CHANGE_LINE:
		return kind;
	}
	assert(false && "a kind of change");
	return kind;
}

static struct bytes *text_at(const struct shape *shape, void *record, size_t i)
{
	return (struct bytes *)(void *)((char *)record + shape->texts[i]);
}

static struct bytes text_of(const struct shape *shape, const void *record, size_t i)
{
	struct bytes text;
	memcpy(&text, (const char *)record + shape->texts[i], sizeof(text));
	return text;
}

size_t shape_room(const struct shape *shape, const void *record)
{
	size_t room = shape->size;
	for (size_t i = 0; i < shape->texts_n; i++)
		if (text_of(shape, record, i).at)
			room += text_of(shape, record, i).len + 1;
	return room;
}

void *shape_copy(const struct shape *shape, const void *record, void *to)
{
	memcpy(to, record, shape->size);
	char *end = (char *)to + shape->size;
	for (size_t i = 0; i < shape->texts_n; i++) {
		struct bytes *text = text_at(shape, to, i);
		if (!text->at)
			continue;
		memcpy(end, text->at, text->len);
		end[text->len] = '\0';
		text->at = end;
		end += text->len + 1;
	}
	return to;
}

void *shape_copy_to_arena(const struct shape *shape, const void *record, struct arena *arena)
{
	void *to = arena_take(arena, shape_room(shape, record));
	return to ? shape_copy(shape, record, to) : NULL;
}

uint64_t shape_version(const struct shape *shape, const void *record)
{
	uint64_t version = 0;
	if (shape->version != SHAPE_NO_VERSION)
		memcpy(&version, (const char *)record + shape->version, sizeof(version));
	return version;
}

void shape_set_version(const struct shape *shape, void *record, uint64_t version)
{
	if (shape->version != SHAPE_NO_VERSION)
		memcpy((char *)record + shape->version, &version, sizeof(version));
}
