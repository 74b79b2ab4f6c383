/* SPDX-License-Identifier: Apache-2.0 */
#include "store/shape.h"

#include <assert.h>

#define TEXT(type, field) offsetof(struct type, field)
#define KEY_TEXT(type, field)                                                                      \
	{                                                                                          \
		offsetof(struct type, field), 0                                                    \
	}
/* Of octets; the digits of a number have NUL after them, and so compare as text does. */
#define KEY_OCTETS(type, field)                                                                    \
	{                                                                                          \
		offsetof(struct type, field), sizeof(((struct type *)0)->field)                    \
	}
#define VERSION(type) offsetof(struct type, version)

const struct shape shapes[RECORD_KINDS] =
    {
	[CHANGE_VERIFICATION] = {.size = sizeof(struct verification),
                                 .version = VERSION(verification),
                                 .keys_n = 1,
                                 .keys = {KEY_OCTETS(verification, id)},
                                 .texts_n = 8,
                                 .texts = {TEXT(verification, tenant), TEXT(verification, client),
                                           TEXT(verification, user), TEXT(verification, dialect),
                                           TEXT(verification, key_id), TEXT(verification, address),
                                           TEXT(verification, device), TEXT(verification, slot)}},
	[CHANGE_BUDGET] = {.size = sizeof(struct budget),
                           .version = VERSION(budget),
                           .keys_n = 1,
                           .keys = {KEY_OCTETS(budget, number)}},
	[CHANGE_FAILURES] = {.size = sizeof(struct failures),
                             .version = VERSION(failures),
                             .keys_n = 2,
                             .keys = {KEY_OCTETS(failures, number), KEY_TEXT(failures, tenant)},
                             .texts_n = 1,
                             .texts = {TEXT(failures, tenant)}},
	[CHANGE_MESSAGE] = {.size = sizeof(struct message),
                            .version = VERSION(message),
                            .keys_n = 2,
                            .keys = {KEY_OCTETS(message, verification), KEY_OCTETS(message, id)},
                            .texts_n = 4,
                            .texts = {TEXT(message, provider), TEXT(message, sender),
                                      TEXT(message, template), TEXT(message, provider_id)}},
	[CHANGE_EVENT] = {.size = sizeof(struct event),
                          .version = SHAPE_NO_VERSION,
                          .keys_n = 1,
                          .keys = {KEY_OCTETS(event, id)},
                          .texts_n = 4,
                          .texts = {TEXT(event, kind), TEXT(event, reason), TEXT(event, tenant),
                                    TEXT(event, dialect)}},
	[CHANGE_TENANT] = {.size = sizeof(struct tenant),
                           .version = VERSION(tenant),
                           .keys_n = 1,
                           .keys = {KEY_TEXT(tenant, id)},
                           .texts_n = 6,
                           .texts = {TEXT(tenant, id), TEXT(tenant, name), TEXT(tenant, settings),
                                     TEXT(tenant, kii_app_key), TEXT(tenant, kii_client_id),
                                     TEXT(tenant, kii_client_secret_hash)}},
	[CHANGE_CLIENT] = {.size = sizeof(struct client),
                           .version = VERSION(client),
                           .keys_n = 1,
                           .keys = {KEY_TEXT(client, name)},
                           .texts_n = 5,
                           .texts = {TEXT(client, name), TEXT(client, tenant),
                                     TEXT(client, secret_hash), TEXT(client, roles),
                                     TEXT(client, permissions)}},
	[CHANGE_LINE] = {.size = sizeof(struct line),
                         .version = VERSION(line),
                         .keys_n = 2,
                         .keys = {KEY_OCTETS(line, number), KEY_TEXT(line, tenant)},
                         .texts_n = 2,
                         .texts = {TEXT(line, tenant), TEXT(line, chosen_key_id)}},
	[CHANGE_USER] = {.size = sizeof(struct user),
                         .version = VERSION(user),
                         .keys_n = 2,
                         .keys = {KEY_TEXT(user, tenant), KEY_TEXT(user, id)},
                         .texts_n = 3 + USER_TEXTS,
                         .texts =
                             {
				 TEXT(user, tenant),
				 TEXT(user, id),
				 TEXT(user, password_hash),
#define USER_TEXT(name, field, member, kind, max) TEXT(user, field),
#include "core/user_member.def"
#undef USER_TEXT
			     }},
	[CHANGE_KEY] = {.size = sizeof(struct key),
                        .version = VERSION(key),
                        .keys_n = 1,
                        .keys = {KEY_OCTETS(key, hash)},
                        .texts_n = 3,
                        .texts = {TEXT(key, tenant), TEXT(key, client), TEXT(key, user)}},
	[CHANGE_SESSION] = {.size = sizeof(struct session),
                            .version = VERSION(session),
                            .keys_n = 1,
                            .keys = {KEY_OCTETS(session, hash)},
                            .texts_n = 3,
                            .texts = {TEXT(session, tenant), TEXT(session, user),
                                      TEXT(session, client)}},
	[CHANGE_SYSTEM] = {.size = sizeof(struct system),
                           .version = VERSION(system),
                           .keys_n = 2,
                           .keys = {KEY_TEXT(system, tenant), KEY_TEXT(system, id)},
                           .texts_n = 4,
                           .texts = {TEXT(system, tenant), TEXT(system, id),
                                     TEXT(system, sealed_secret), TEXT(system, key_id)}},
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
	case GUARD_USER:
	case DELETE_USER:
		return CHANGE_USER;
	case CHANGE_VERIFICATION:
	case CHANGE_BUDGET:
	case CHANGE_FAILURES:
	case CHANGE_MESSAGE:
	case CHANGE_EVENT:
	case CHANGE_TENANT:
	case CHANGE_CLIENT:
	case CHANGE_LINE:
	case CHANGE_USER:
	case CHANGE_KEY:
	case CHANGE_SESSION:
	case CHANGE_SYSTEM:
		return kind;
	}
	assert(false && "a kind of change");
	return kind;
}

bool change_is_deletion(const struct change *change)
{
	return change->kind == DELETE_USER ||
	       (change->kind == CHANGE_FAILURES && change->failures->count == 0) ||
	       (change->kind == CHANGE_SESSION && change->session->ended);
}

bool change_raises_generation(enum change_kind kind)
{
	return kind == CHANGE_TENANT || kind == CHANGE_CLIENT || kind == CHANGE_KEY ||
	       kind == CHANGE_SYSTEM || kind == CHANGE_LINE || kind == DELETE_USER;
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

struct bytes shape_key(const struct shape *shape, const void *record, size_t i)
{
	const char *at = (const char *)record + shape->keys[i].at;
	struct bytes text;
	if (shape->keys[i].len)
		return (struct bytes){at, shape->keys[i].len};
	memcpy(&text, at, sizeof(text));
	return text;
}

static int bytes_compare(struct bytes a, struct bytes b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len ? memcmp(a.at, b.at, len) : 0;
	return order ? order : (a.len > b.len) - (a.len < b.len);
}

int shape_compare(const struct shape *shape, const void *a, const void *b)
{
	int order = 0;
	for (size_t i = 0; i < shape->keys_n && !order; i++)
		order = bytes_compare(shape_key(shape, a, i), shape_key(shape, b, i));
	return order;
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
