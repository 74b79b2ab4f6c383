/* SPDX-License-Identifier: Apache-2.0 */
/* What the memory store forgets: by time (purge) and by number (erase). */
#include "store/memory_private.h"

/* --- purge ----------------------------------------------------------------------------------- */

/* When a record with this id was made: the first 48 bits of a UUID of version 7. */
static int64_t id_ms(const struct id *id)
{
	uint64_t at = 0;
	for (int i = 0; i < 6; i++)
		at = at << 8 | id->octets[i];
	return (int64_t)at;
}

static bool may_be_purged(enum change_kind kind, const void *record,
                          const struct store_purge *purge)
{
	if (kind == CHANGE_BUDGET)
		return ((const struct budget *)record)->keep_until_ms < purge->now_ms;
	if (kind == CHANGE_SESSION)
		return ((const struct session *)record)->expires_ms <= purge->now_ms;
	if (kind == CHANGE_EVENT)
		return id_ms(&((const struct event *)record)->id) < purge->before_ms;
	const struct verification *v = record;
	int64_t end_ms = v->finished_ms ? v->finished_ms : v->expires_ms;
	return id_ms(&v->id) < purge->before_ms && end_ms < purge->before_ms;
}

/* Deletes messages of a verification, as long as the step has room; whether all are gone. */
static bool messages_purge(struct memory_store *memory, struct store_purge *purge,
                           struct memory_row *row, size_t *messages_n)
{
	while (!list_is_empty(&row->messages)) {
		if (*messages_n == PURGE_STEP)
			return false;
		++*messages_n;
		purge->deleted++;
		row_delete(memory, CHANGE_MESSAGE,
		           CONTAINER_OF(row->messages.next, struct memory_row, of));
	}
	return true;
}

static void kind_purge(struct memory_store *memory, struct store_purge *purge,
                       enum change_kind kind)
{
	struct list *order = &memory->tables[kind].order, *next;
	size_t rows_n = 0, messages_n = 0;
	for (struct list *at = order->next; at != order; at = next) {
		next = at->next;
		struct memory_row *row = CONTAINER_OF(at, struct memory_row, order);
		if (!may_be_purged(kind, row->record, purge))
			continue;
		if (rows_n == PURGE_STEP || !messages_purge(memory, purge, row, &messages_n)) {
			purge->more = true;
			return;
		}
		row_delete(memory, kind, row);
		rows_n++;
		purge->deleted++;
	}
}

void rows_purge(struct memory_store *memory, struct store_purge *purge)
{
	purge->err = OK;
	purge->deleted = 0;
	purge->more = false;
	kind_purge(memory, purge, CHANGE_VERIFICATION);
	kind_purge(memory, purge, CHANGE_EVENT);
	kind_purge(memory, purge, CHANGE_SESSION);
	kind_purge(memory, purge, CHANGE_BUDGET);
	tallies_purge(memory, purge);
}

/* --- erase ----------------------------------------------------------------------------------- */

static void verification_erase(struct memory_store *memory, struct store_erase *erase,
                               struct memory_row *row)
{
	while (!list_is_empty(&row->messages)) {
		row_delete(memory, CHANGE_MESSAGE,
		           CONTAINER_OF(row->messages.next, struct memory_row, of));
		erase->messages++;
	}
	row_delete(memory, CHANGE_VERIFICATION, row);
	erase->verifications++;
}

static void user_erase(struct memory_store *memory, struct store_erase *erase,
                       struct memory_row *row)
{
	static const enum purpose purposes[] = {PURPOSE_PHONE, PURPOSE_LOGIN};
	const struct user *user = row->record;
	for (size_t i = 0; i < sizeof(purposes) / sizeof(purposes[0]); i++) {
		struct memory_row *code =
		    handle_find(memory, handle_of_slot(purposes[i]), user->tenant, user->id);
		if (code)
			verification_erase(memory, erase, code);
	}
	user_delete(memory, row);
	erase->users++;
}

/* A user in place: none of what finds him changes. */
static void pending_clear(struct store_erase *erase, struct user *user)
{
	user->phone_pending = (struct number){0};
	user->sequence++;
	user->changed_ms = erase->now_ms;
	user->version++;
	erase->users++;
}

static void users_erase(struct memory_store *memory, struct store_erase *erase)
{
	struct list *order = &memory->tables[CHANGE_USER].order, *next;
	for (struct list *at = order->next; at != order; at = next) {
		next = at->next;
		struct memory_row *row = CONTAINER_OF(at, struct memory_row, order);
		struct user *user = row->record;
		if (number_equal(&user->phone, &erase->number))
			user_erase(memory, erase, row);
		else if (number_equal(&user->phone_pending, &erase->number))
			pending_clear(erase, user);
	}
}

static void verifications_erase(struct memory_store *memory, struct store_erase *erase)
{
	struct list *order = &memory->tables[CHANGE_VERIFICATION].order, *next;
	for (struct list *at = order->next; at != order; at = next) {
		next = at->next;
		struct memory_row *row = CONTAINER_OF(at, struct memory_row, order);
		const struct verification *v = row->record;
		if (number_equal(&v->number, &erase->number))
			verification_erase(memory, erase, row);
	}
}

static void lines_erase(struct memory_store *memory, const struct store_erase *erase)
{
	struct list *order = &memory->tables[CHANGE_LINE].order, *next;
	for (struct list *at = order->next; at != order; at = next) {
		next = at->next;
		struct memory_row *row = CONTAINER_OF(at, struct memory_row, order);
		const struct line *line = row->record;
		if (number_equal(&line->number, &erase->number))
			row_delete(memory, CHANGE_LINE, row);
	}
}

void rows_erase(struct memory_store *memory, struct store_erase *erase)
{
	const struct budget key = {.number = erase->number};
	struct memory_row *row = row_find(memory, CHANGE_BUDGET, &key);
	erase->err = OK;
	erase->users = erase->verifications = erase->messages = 0;
	users_erase(memory, erase);
	verifications_erase(memory, erase);
	lines_erase(memory, erase);
	if (row && ((const struct budget *)row->record)->keep_until_ms < erase->now_ms)
		row_delete(memory, CHANGE_BUDGET, row);
	memory->generation++;
}
