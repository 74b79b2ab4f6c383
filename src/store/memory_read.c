/* SPDX-License-Identifier: Apache-2.0 */
/* What is read from the memory store. Where a real store has an index, this one looks at every row:
 * it shall be plain, not fast. */
#include "store/load.h"
#include "store/memory_private.h"

#include <assert.h>

/* --- load ------------------------------------------------------------------------------------ */

/* A copy of the row's record, NULL when there is no row. */
static void *copy_found(struct store_load *load, enum change_kind kind,
                        const struct memory_row *row)
{
	if (!row)
		return NULL;
	void *copy = shape_copy_to_arena(&shapes[kind], row->record, load->arena);
	if (!copy)
		load->err = ERR_NO_MEMORY;
	return copy;
}

static void *look_record(void *about, struct store_load *load, enum change_kind kind,
                         const void *key)
{
	return copy_found(load, kind, row_find(about, kind, key));
}

static struct verification *look_slot(void *about, struct store_load *load, enum purpose purpose,
                                      struct bytes slot)
{
	return copy_found(load, CHANGE_VERIFICATION,
	                  handle_find(about, handle_of_slot(purpose), load->tenant, slot));
}

static bool look_event(void *about, struct store_load *load)
{
	const struct event key = {.id = load->id};
	return row_find(about, CHANGE_EVENT, &key);
}

/* Whether `a` changed after `b`. */
static bool is_later(const struct user *a, const struct user *b)
{
	if (a->changed_ms != b->changed_ms)
		return a->changed_ms > b->changed_ms;
	return shape_compare(&shapes[CHANGE_USER], a, b) > 0;
}

static const struct memory_row *email_find(struct memory_store *memory, struct bytes tenant,
                                           struct bytes email)
{
	struct list *order = &memory->tables[CHANGE_USER].order;
	const struct memory_row *found = NULL;
	for (struct list *at = order->next; at != order; at = at->next) {
		const struct memory_row *row = CONTAINER_OF(at, struct memory_row, order);
		const struct user *user = row->record;
		if (user->email_verified && user->email.at &&
		    bytes_equal_fold(user->email, email) && bytes_equal(user->tenant, tenant) &&
		    (!found || is_later(user, found->record)))
			found = row;
	}
	return found;
}

static struct user *look_user(void *about, struct store_load *load, enum user_by by,
                              struct bytes key)
{
	const struct memory_row *row = NULL;
	switch (by) {
	case USER_BY_ID:
		assert(false && "by id he is a record like others");
		break;
	case USER_BY_NAME:
		row = handle_find(about, HANDLE_NAME, load->tenant, key);
		break;
	case USER_BY_UUID:
		row = handle_find(about, HANDLE_UUID, load->tenant, key);
		break;
	case USER_BY_EMAIL:
		row = email_find(about, load->tenant, key);
		break;
	}
	return copy_found(load, CHANGE_USER, row);
}

static bool user_holds(const struct user *user, const struct store_load *load)
{
	unsigned holds = 0;
	if (number_equal(&user->phone, &load->number))
		holds |= user->phone_verified_ms ? HOLD_VERIFIED : HOLD_UNVERIFIED;
	if (number_equal(&user->phone_pending, &load->number))
		holds |= HOLD_PENDING;
	return holds & load->holds && bytes_equal(user->tenant, load->tenant);
}

/* Keeps the latest HOLDERS_MAX + 1, the last of them only to know that there are more. */
static size_t look_holders(void *about, struct store_load *load, struct user *ret[HOLDERS_MAX],
                           bool *ret_more)
{
	struct memory_store *memory = about;
	struct list *order = &memory->tables[CHANGE_USER].order;
	const struct memory_row *found[HOLDERS_MAX + 1];
	size_t n = 0;
	for (struct list *at = order->next; at != order; at = at->next) {
		const struct memory_row *row = CONTAINER_OF(at, struct memory_row, order);
		if (!user_holds(row->record, load))
			continue;
		size_t place = n;
		for (; place && is_later(row->record, found[place - 1]->record); place--)
			if (place <= HOLDERS_MAX)
				found[place] = found[place - 1];
		if (place <= HOLDERS_MAX)
			found[place] = row;
		n += n <= HOLDERS_MAX;
	}
	*ret_more = n > HOLDERS_MAX;
	n = *ret_more ? HOLDERS_MAX : n;
	for (size_t i = 0; i < n; i++)
		ret[i] = copy_found(load, CHANGE_USER, found[i]);
	return n;
}

static const struct load_source source = {
    .record = look_record,
    .slot = look_slot,
    .user = look_user,
    .holders = look_holders,
    .event = look_event,
};

void rows_load(struct memory_store *memory, struct store_load *load)
{
	load_run(&source, memory, load);
}

/* --- counts ---------------------------------------------------------------------------------- */

void rows_count(struct memory_store *memory, struct store_count *count)
{
	const struct memory_table *tables = memory->tables;
	count->err = OK;
	count->counts = (struct store_counts){
	    .tenants = tables[CHANGE_TENANT].rows.n,
	    .clients = tables[CHANGE_CLIENT].rows.n,
	    .users = tables[CHANGE_USER].rows.n,
	    .keys = tables[CHANGE_KEY].rows.n,
	    .sessions = tables[CHANGE_SESSION].rows.n,
	    .systems = tables[CHANGE_SYSTEM].rows.n,
	    .verifications = tables[CHANGE_VERIFICATION].rows.n,
	    .budgets = tables[CHANGE_BUDGET].rows.n,
	    .messages = tables[CHANGE_MESSAGE].rows.n,
	    .events = tables[CHANGE_EVENT].rows.n,
	};
	struct list *order = &memory->tables[CHANGE_VERIFICATION].order;
	for (struct list *at = order->next; at != order; at = at->next) {
		const struct verification *v = CONTAINER_OF(at, struct memory_row, order)->record;
		if (v->state == VERIFICATION_LIVE)
			count->counts.live++;
	}
}

/* --- walk ------------------------------------------------------------------------------------ */

/* The lowest WALK_MAX records behind `after`, in order. */
static size_t page_find(struct memory_store *memory, const struct store_walk *walk,
                        const void *found[WALK_MAX])
{
	const struct shape *shape = &shapes[walk->kind];
	struct list *order = &memory->tables[walk->kind].order;
	size_t n = 0;
	for (struct list *at = order->next; at != order; at = at->next) {
		const void *record = CONTAINER_OF(at, struct memory_row, order)->record;
		if (walk->after && shape_compare(shape, record, walk->after) <= 0)
			continue;
		size_t place = n;
		while (place && shape_compare(shape, record, found[place - 1]) < 0)
			place--;
		if (place == WALK_MAX)
			continue;
		n -= n == WALK_MAX;
		memmove(&found[place + 1], &found[place], (n - place) * sizeof(found[0]));
		found[place] = record;
		n++;
	}
	return n;
}

void rows_walk(struct memory_store *memory, struct store_walk *walk)
{
	const void *found[WALK_MAX];
	size_t n = page_find(memory, walk, found);
	walk->err = OK;
	walk->records_n = 0;
	for (size_t i = 0; i < n && !walk->err; i++) {
		walk->records[i] = shape_copy_to_arena(&shapes[walk->kind], found[i], walk->arena);
		if (!walk->records[i])
			walk->err = ERR_NO_MEMORY;
	}
	walk->records_n = walk->err ? 0 : n;
}
