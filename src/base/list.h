/* SPDX-License-Identifier: Apache-2.0 */
/* A doubly linked list whose links live inside the things listed. The list owns nothing. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* A head and a member look alike. A member that stands in no list points at itself. */
struct list {
	struct list *next, *prev;
};

#define CONTAINER_OF(pointer, type, member)                                                        \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

static inline void list_init(struct list *list)
{
	list->next = list->prev = list;
}

static inline bool list_is_empty(const struct list *list)
{
	return list->next == list;
}

static inline void list_append(struct list *head, struct list *member)
{
	member->prev = head->prev;
	member->next = head;
	head->prev->next = member;
	head->prev = member;
}

/* Takes `member` out of whatever list it stands in; doing so twice is harmless. */
static inline void list_remove(struct list *member)
{
	member->prev->next = member->next;
	member->next->prev = member->prev;
	list_init(member);
}

/* The first member, taken out, or NULL. */
static inline struct list *list_pop(struct list *head)
{
	struct list *first = head->next;
	if (first == head)
		return NULL;
	list_remove(first);
	return first;
}

#endif
