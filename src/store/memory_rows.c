/* SPDX-License-Identifier: Apache-2.0 */
/* The records of the memory store and how they change: a hash table and a list for each kind, a
 * table of the handles that only one record may have, a list of the messages that are not final. */
#include "store/memory_private.h"

#include <assert.h>
#include <stdlib.h>

#define ROUNDED(size) (((size) + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1))

enum err rows_init(struct memory_store *memory)
{
	list_init(&memory->messages_open);
	list_init(&memory->tallies_order);
	buf_init(&memory->key, 0);
	enum err err = map_init(&memory->handles);
	err = err ? err : map_init(&memory->tallies);
	for (int i = 0; i < RECORD_KINDS; i++) {
		list_init(&memory->tables[i].order);
		err = err ? err : map_init(&memory->tables[i].rows);
	}
	return err;
}

void rows_done(struct memory_store *memory)
{
	for (int i = 0; i < RECORD_KINDS; i++) {
		struct memory_table *table = &memory->tables[i];
		struct list *member;
		while (table->order.next && (member = list_pop(&table->order)))
			free(CONTAINER_OF(member, struct memory_row, order));
		map_done(&table->rows);
	}
	tallies_done(memory);
	map_done(&memory->handles);
	buf_done(&memory->key);
}

/* --- keys ------------------------------------------------------------------------------------ */

/* With its length in front, so that two joined texts are like no other two. */
static void key_add(struct buf *key, struct bytes text)
{
	uint32_t len = (uint32_t)text.len;
	buf_add(key, (struct bytes){(const char *)&len, sizeof(len)});
	buf_add(key, text);
}

static void key_add_folded(struct buf *key, struct bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		buf_add_char(key, ascii_lower(text.at[i]));
}

static void key_add_record(struct buf *key, enum change_kind kind, const void *record)
{
	for (size_t i = 0; i < shapes[kind].keys_n; i++)
		key_add(key, shape_key(&shapes[kind], record, i));
}

/* The row of the record that `record` has the key of, or NULL. */
struct memory_row *row_find(struct memory_store *memory, enum change_kind kind, const void *record)
{
	buf_clear(&memory->key);
	key_add_record(&memory->key, kind, record);
	return map_get(&memory->tables[kind].rows, buf_bytes(&memory->key));
}

/* --- handles --------------------------------------------------------------------------------- */

static void handle_add(struct buf *key, enum memory_handle_kind kind, struct bytes tenant,
                       struct bytes value)
{
	buf_add_char(key, (char)kind);
	key_add(key, tenant);
	if (kind == HANDLE_NAME)
		key_add_folded(key, value);
	else
		buf_add(key, value);
}

struct memory_row *handle_find(struct memory_store *memory, enum memory_handle_kind kind,
                               struct bytes tenant, struct bytes value)
{
	buf_clear(&memory->key);
	handle_add(&memory->key, kind, tenant, value);
	return map_get(&memory->handles, buf_bytes(&memory->key));
}

enum memory_handle_kind handle_of_slot(enum purpose purpose)
{
	return (enum memory_handle_kind)purpose;
}

/* The handles of a record, one behind the other; ret_ends says where each ends. */
static size_t handles_of(struct buf *key, enum change_kind kind, const void *record,
                         size_t ret_ends[HANDLES_MAX])
{
	size_t n = 0;
	const struct verification *v = record;
	if (kind == CHANGE_VERIFICATION && v->state == VERIFICATION_LIVE && v->slot.at) {
		handle_add(key, handle_of_slot(v->purpose), v->tenant, v->slot);
		ret_ends[n++] = key->len;
	}
	if (kind != CHANGE_USER)
		return n;
	const struct user *user = record;
	if (user->user_name.at) {
		handle_add(key, HANDLE_NAME, user->tenant, user->user_name);
		ret_ends[n++] = key->len;
	}
	if (user->uuid.at) {
		handle_add(key, HANDLE_UUID, user->tenant, user->uuid);
		ret_ends[n++] = key->len;
	}
	if (user->phone_exclusive && user->phone_verified_ms && !number_is_none(&user->phone)) {
		handle_add(key, HANDLE_PHONE, user->tenant, number_bytes(&user->phone));
		ret_ends[n++] = key->len;
	}
	return n;
}

/* --- rows ------------------------------------------------------------------------------------ */

/* A copy of the record with its keys behind it; NULL when there is no memory. */
static struct memory_row *row_new(struct memory_store *memory, enum change_kind kind,
                                  const void *record, uint64_t version)
{
	struct buf *key = &memory->key;
	size_t ends[HANDLES_MAX];
	buf_clear(key);
	key_add_record(key, kind, record);
	size_t key_len = key->len;
	size_t handles_n = handles_of(key, kind, record, ends);
	size_t record_at = ROUNDED(sizeof(struct memory_row));
	size_t key_at = record_at + shape_room(&shapes[kind], record);
	struct memory_row *row = key->failed ? NULL : calloc(1, key_at + key->len);
	if (!row)
		return NULL;
	char *keys = memcpy((char *)row + key_at, key->at, key->len);
	row->key = (struct bytes){keys, key_len};
	row->handles_n = handles_n;
	for (size_t i = 0; i < handles_n; i++) {
		size_t from = i ? ends[i - 1] : key_len;
		row->handles[i] = (struct bytes){keys + from, ends[i] - from};
	}
	row->record = shape_copy(&shapes[kind], record, (char *)row + record_at);
	shape_set_version(&shapes[kind], row->record, version);
	list_init(&row->order);
	list_init(&row->open);
	list_init(&row->of);
	list_init(&row->messages);
	return row;
}

/* Takes a row out of everything but its table and frees it. */
static void row_drop(struct memory_store *memory, struct memory_row *row)
{
	for (size_t i = 0; i < row->handles_n; i++)
		if (map_get(&memory->handles, row->handles[i]) == row)
			map_remove(&memory->handles, row->handles[i]);
	list_remove(&row->order);
	list_remove(&row->open);
	list_remove(&row->of);
	assert(list_is_empty(&row->messages));
	free(row);
}

void row_delete(struct memory_store *memory, enum change_kind kind, struct memory_row *row)
{
	map_remove(&memory->tables[kind].rows, row->key);
	row_drop(memory, row);
}

static void messages_move(struct memory_row *from, struct memory_row *to)
{
	struct list *member;
	while ((member = list_pop(&from->messages)))
		list_append(&to->messages, member);
}

static void message_link(struct memory_store *memory, struct memory_row *row)
{
	const struct message *message = row->record;
	if (!message_state_is_final(message->state))
		list_append(&memory->messages_open, &row->open);
	const struct verification of = {.id = message->verification};
	struct memory_row *verification = row_find(memory, CHANGE_VERIFICATION, &of);
	if (verification)
		list_append(&verification->messages, &row->of);
}

/* Puts the row in the place of the one with its key. Cannot fail: room was reserved. */
static void row_put(struct memory_store *memory, enum change_kind kind, struct memory_row *row)
{
	struct memory_table *table = &memory->tables[kind];
	struct memory_row *old = map_get(&table->rows, row->key);
	list_append(old ? &old->order : &table->order, &row->order);
	enum err err = map_put(&table->rows, row->key, row);
	for (size_t i = 0; i < row->handles_n && !err; i++)
		err = map_put(&memory->handles, row->handles[i], row);
	assert(!err);
	if (old) {
		messages_move(old, row);
		row_drop(memory, old);
	}
	if (kind == CHANGE_MESSAGE)
		message_link(memory, row);
}

/* --- commit ---------------------------------------------------------------------------------- */

static uint64_t version_found(struct memory_store *memory, enum change_kind kind,
                              const void *record)
{
	const struct memory_row *row = row_find(memory, kind, record);
	return row ? shape_version(&shapes[kind], row->record) : 0;
}

static bool version_holds(struct memory_store *memory, const struct change *change)
{
	enum change_kind kind = change_record_kind(change->kind);
	if (kind == CHANGE_EVENT)
		return !row_find(memory, kind, change->record);
	uint64_t version = shape_version(&shapes[kind], change->record);
	return version == VERSION_ANY || version == version_found(memory, kind, change->record);
}

static bool versions_hold(struct memory_store *memory, const struct store_commit *commit)
{
	for (size_t i = 0; i < commit->changes_n; i++)
		if (!version_holds(memory, &commit->changes[i]))
			return false;
	return true;
}

/* The rows that the commit makes, nothing changed yet; NULL for guards and deletions. */
static enum err rows_prepare(struct memory_store *memory, const struct store_commit *commit,
                             struct memory_row **rows)
{
	enum err err = map_reserve(&memory->handles, commit->changes_n * HANDLES_MAX);
	for (size_t i = 0; i < commit->changes_n && !err; i++) {
		const struct change *change = &commit->changes[i];
		enum change_kind kind = change->kind;
		if (change_is_guard(kind) || change_is_deletion(change))
			continue;
		uint64_t version = version_found(memory, kind, change->record) + 1;
		rows[i] = row_new(memory, kind, change->record, version);
		err = rows[i] ? map_reserve(&memory->tables[kind].rows, commit->changes_n)
		              : ERR_NO_MEMORY;
	}
	return err;
}

/* Marks the rows that the commit replaces or deletes, or takes the marks away. */
static void rows_mark(struct memory_store *memory, const struct store_commit *commit, bool leaving)
{
	for (size_t i = 0; i < commit->changes_n; i++) {
		const struct change *change = &commit->changes[i];
		enum change_kind kind = change_record_kind(change->kind);
		struct memory_row *row =
		    change_is_guard(change->kind) ? NULL : row_find(memory, kind, change->record);
		if (row)
			row->leaving = leaving;
	}
}

/* Whether nobody who stays, and no other row of the commit (`taken`), has a handle of this one. */
static enum err handles_take(struct memory_store *memory, struct map *taken, struct memory_row *row)
{
	for (size_t i = 0; i < row->handles_n; i++) {
		const struct memory_row *holder = map_get(&memory->handles, row->handles[i]);
		if ((holder && !holder->leaving) || map_get(taken, row->handles[i]))
			return ERR_CONFLICT;
		if (map_put(taken, row->handles[i], row))
			return ERR_STORE;
	}
	return OK;
}

/* Whether each handle has one holder once all changes are made: OK, ERR_CONFLICT, ERR_STORE. */
static enum err handles_check(struct memory_store *memory, const struct store_commit *commit,
                              struct memory_row **rows)
{
	struct map taken;
	if (map_init(&taken))
		return ERR_STORE;
	enum err err = OK;
	rows_mark(memory, commit, true);
	for (size_t i = 0; i < commit->changes_n && !err; i++)
		if (rows[i])
			err = handles_take(memory, &taken, rows[i]);
	rows_mark(memory, commit, false);
	map_done(&taken);
	return err;
}

static bool is_of_user(struct bytes tenant, struct bytes id, const struct user *user)
{
	return id.at && bytes_equal(id, user->id) && bytes_equal(tenant, user->tenant);
}

void user_delete(struct memory_store *memory, struct memory_row *row)
{
	const struct user *user = row->record;
	struct list *order = &memory->tables[CHANGE_KEY].order, *next;
	for (struct list *at = order->next; at != order; at = next) {
		next = at->next;
		struct memory_row *of = CONTAINER_OF(at, struct memory_row, order);
		const struct key *key = of->record;
		if (is_of_user(key->tenant, key->user, user))
			row_delete(memory, CHANGE_KEY, of);
	}
	order = &memory->tables[CHANGE_SESSION].order;
	for (struct list *at = order->next; at != order; at = next) {
		next = at->next;
		struct memory_row *of = CONTAINER_OF(at, struct memory_row, order);
		const struct session *session = of->record;
		if (is_of_user(session->tenant, session->user, user))
			row_delete(memory, CHANGE_SESSION, of);
	}
	row_delete(memory, CHANGE_USER, row);
}

static void change_apply(struct memory_store *memory, const struct change *change,
                         struct memory_row *row)
{
	enum change_kind kind = change_record_kind(change->kind);
	struct memory_row *old =
	    change_is_deletion(change) ? row_find(memory, kind, change->record) : NULL;
	if (row)
		row_put(memory, kind, row);
	else if (old && kind == CHANGE_USER)
		user_delete(memory, old);
	else if (old)
		row_delete(memory, kind, old);
	memory->generation += change_raises_generation(change->kind);
}

static void rows_apply(struct memory_store *memory, const struct store_commit *commit,
                       struct memory_row **rows)
{
	/* Verifications first: a message hangs on its own. */
	for (size_t i = 0; i < commit->changes_n; i++)
		if (commit->changes[i].kind == CHANGE_VERIFICATION)
			change_apply(memory, &commit->changes[i], rows[i]);
	for (size_t i = 0; i < commit->changes_n; i++)
		if (commit->changes[i].kind != CHANGE_VERIFICATION)
			change_apply(memory, &commit->changes[i], rows[i]);
}

void rows_commit(struct memory_store *memory, struct store_commit *commit)
{
	commit->err = ERR_CONFLICT;
	if (!versions_hold(memory, commit))
		return;
	struct memory_row **rows = calloc(commit->changes_n + 1, sizeof(struct memory_row *));
	commit->err = rows && !rows_prepare(memory, commit, rows) ? OK : ERR_STORE;
	if (!commit->err)
		commit->err = handles_check(memory, commit, rows);
	if (!commit->err)
		rows_apply(memory, commit, rows);
	for (size_t i = 0; rows && commit->err && i < commit->changes_n; i++)
		free(rows[i]);
	free(rows);
}

void rows_note(struct memory_store *memory, const struct event *event)
{
	const struct change change = {.kind = CHANGE_EVENT, .event = event};
	struct store_commit commit = {.changes = &change, .changes_n = 1};
	rows_commit(memory, &commit);
}

/* --- claim ----------------------------------------------------------------------------------- */

static bool may_be_claimed(const struct memory_row *row, const struct store_claim *claim)
{
	const struct message *message = row->record;
	return message->next_ms <= claim->now_ms && message->expires_ms > claim->now_ms &&
	       !list_is_empty(&row->of);
}

static void claim_mark(struct message *message, const struct store_claim *claim)
{
	message->state = MESSAGE_SENDING;
	message->next_ms = claim->lapse_ms;
	message->version++;
}

static bool claim_copy(struct memory_store *memory, struct store_claim *claim,
                       const struct message *message)
{
	struct claimed *claimed = &claim->claimed[claim->claimed_n];
	const struct verification key = {.id = message->verification};
	const struct memory_row *of = row_find(memory, CHANGE_VERIFICATION, &key);
	claimed->message = shape_copy_to_arena(&shapes[CHANGE_MESSAGE], message, claim->arena);
	claimed->verification =
	    shape_copy_to_arena(&shapes[CHANGE_VERIFICATION], of->record, claim->arena);
	if (!claimed->message || !claimed->verification)
		return false;
	claim_mark(claimed->message, claim);
	claim->claimed_n++;
	return true;
}

void rows_claim(struct memory_store *memory, struct store_claim *claim)
{
	struct memory_row *taken[CLAIM_MAX];
	claim->claimed_n = 0;
	claim->claimed = arena_take_array(claim->arena, claim->max + 1, sizeof(struct claimed));
	claim->err = claim->claimed ? OK : ERR_STORE;
	for (struct list *at = memory->messages_open.next;
	     at != &memory->messages_open && claim->claimed_n < claim->max && !claim->err;
	     at = at->next) {
		struct memory_row *row = CONTAINER_OF(at, struct memory_row, open);
		if (!may_be_claimed(row, claim))
			continue;
		taken[claim->claimed_n] = row;
		if (!claim_copy(memory, claim, row->record))
			claim->err = ERR_STORE;
	}
	if (claim->err)
		claim->claimed_n = 0;
	for (size_t i = 0; i < claim->claimed_n; i++)
		claim_mark(taken[i]->record, claim);
}
