/* SPDX-License-Identifier: Apache-2.0 */
/* The records of the memory store: a hash table and a list for each kind, a table of the slots
 * that live verifications hold, a list of the messages that are not final. */
#include "store/memory_private.h"

#include <assert.h>
#include <stdlib.h>

#define ROUNDED(size) (((size) + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1))

enum err rows_init(struct memory_store *memory)
{
	list_init(&memory->messages_open);
	buf_init(&memory->key, 0);
	enum err err = map_init(&memory->slots);
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
	map_done(&memory->slots);
	buf_done(&memory->key);
}

/* --- keys ------------------------------------------------------------------------------------ */

static struct bytes id_bytes(const struct id *id)
{
	return (struct bytes){(const char *)id->octets, ID_LEN};
}

/* With its length in front, so that two joined texts are like no other two. */
static void key_add(struct buf *key, struct bytes text)
{
	uint32_t len = (uint32_t)text.len;
	buf_add(key, (struct bytes){(const char *)&len, sizeof(len)});
	buf_add(key, text);
}

static void key_add_number(struct buf *key, struct bytes tenant, const struct number *number)
{
	key_add(key, tenant);
	key_add(key, bytes_from_text(number->digits));
}

static void key_add_record(struct buf *key, enum change_kind kind, const void *record)
{
	const struct change change = {.kind = kind, .record = record};
	switch (kind) {
	case CHANGE_VERIFICATION:
		buf_add(key, id_bytes(&change.verification->id));
		break;
	case CHANGE_BUDGET:
		buf_add_text(key, change.budget->number.digits);
		break;
	case CHANGE_FAILURES:
		key_add_number(key, change.failures->tenant, &change.failures->number);
		break;
	case CHANGE_MESSAGE:
		buf_add(key, id_bytes(&change.message->id));
		break;
	case CHANGE_EVENT:
		buf_add(key, id_bytes(&change.event->id));
		break;
	case CHANGE_TENANT:
		buf_add(key, change.tenant->id);
		break;
	case CHANGE_CLIENT:
		buf_add(key, change.client->name);
		break;
	case CHANGE_LINE:
		key_add_number(key, change.line->tenant, &change.line->number);
		break;
	case GUARD_VERIFICATION:
	case GUARD_BUDGET:
	case GUARD_FAILURES:
	case GUARD_LINE:
		assert(false && "a kind of record");
	}
}

static void key_add_slot(struct buf *key, struct bytes tenant, enum purpose purpose,
                         struct bytes slot)
{
	key_add(key, tenant);
	buf_add_char(key, (char)purpose);
	buf_add(key, slot);
}

static bool holds_slot(const struct verification *v)
{
	return v->state == VERIFICATION_LIVE && v->slot.at;
}

/* The row of the record that `record` has the key of, or NULL. */
static struct memory_row *row_find(struct memory_store *memory, enum change_kind kind,
                                   const void *record)
{
	buf_clear(&memory->key);
	key_add_record(&memory->key, kind, record);
	return map_get(&memory->tables[kind].rows, buf_bytes(&memory->key));
}

static struct memory_row *slot_find(struct memory_store *memory, struct bytes tenant,
                                    enum purpose purpose, struct bytes slot)
{
	buf_clear(&memory->key);
	key_add_slot(&memory->key, tenant, purpose, slot);
	return map_get(&memory->slots, buf_bytes(&memory->key));
}

/* --- rows ------------------------------------------------------------------------------------ */

/* A copy of the record with its keys behind it; NULL when there is no memory. */
static struct memory_row *row_new(struct memory_store *memory, enum change_kind kind,
                                  const void *record, uint64_t version)
{
	struct buf *key = &memory->key;
	buf_clear(key);
	key_add_record(key, kind, record);
	size_t key_len = key->len;
	const struct verification *v = record;
	bool slot = kind == CHANGE_VERIFICATION && holds_slot(v);
	if (slot)
		key_add_slot(key, v->tenant, v->purpose, v->slot);
	size_t record_at = ROUNDED(sizeof(struct memory_row));
	size_t key_at = record_at + shape_room(&shapes[kind], record);
	struct memory_row *row = key->failed ? NULL : calloc(1, key_at + key->len);
	if (!row)
		return NULL;
	char *keys = memcpy((char *)row + key_at, key->at, key->len);
	row->key = (struct bytes){keys, key_len};
	row->slot = slot ? (struct bytes){keys + key_len, key->len - key_len} : BYTES_NONE;
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
	if (row->slot.at && map_get(&memory->slots, row->slot) == row)
		map_remove(&memory->slots, row->slot);
	list_remove(&row->order);
	list_remove(&row->open);
	list_remove(&row->of);
	assert(list_is_empty(&row->messages));
	free(row);
}

static void row_delete(struct memory_store *memory, enum change_kind kind, struct memory_row *row)
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
	if (!err && row->slot.at)
		err = map_put(&memory->slots, row->slot, row);
	assert(!err);
	if (old) {
		messages_move(old, row);
		row_drop(memory, old);
	}
	if (kind == CHANGE_MESSAGE)
		message_link(memory, row);
}

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

static void *load_record(struct memory_store *memory, struct store_load *load,
                         enum change_kind kind, const void *key)
{
	return copy_found(load, kind, row_find(memory, kind, key));
}

static void load_number(struct memory_store *memory, struct store_load *load, struct bytes tenant,
                        const struct number *number)
{
	const struct budget budget = {.number = *number};
	const struct failures failures = {.tenant = tenant, .number = *number};
	const struct line line = {.tenant = tenant, .number = *number};
	if (load->want & WANT_BUDGET)
		load->budget = load_record(memory, load, CHANGE_BUDGET, &budget);
	if (load->want & WANT_FAILURES)
		load->failures = load_record(memory, load, CHANGE_FAILURES, &failures);
	if (load->want & WANT_LINE)
		load->line = load_record(memory, load, CHANGE_LINE, &line);
}

void rows_load(struct memory_store *memory, struct store_load *load)
{
	assert(!(load->want & WANT_VERIFICATION) || !(load->want & WANT_SLOT));
	load->err = OK;
	load->verification = NULL;
	load->budget = NULL;
	load->failures = NULL;
	load->line = NULL;
	load->tenant_record = NULL;
	load->client = NULL;
	load->event_found = false;
	if (load->want & WANT_VERIFICATION) {
		const struct verification key = {.id = load->id};
		load->verification = load_record(memory, load, CHANGE_VERIFICATION, &key);
	}
	if (load->want & WANT_SLOT)
		load->verification =
		    copy_found(load, CHANGE_VERIFICATION,
		               slot_find(memory, load->tenant, load->purpose, load->slot));
	if (load->want & WANT_NUMBER && !(load->want & WANT_VERIFICATION))
		load_number(memory, load, load->tenant, &load->number);
	else if (load->want & WANT_NUMBER && load->verification)
		load_number(memory, load, load->verification->tenant, &load->verification->number);
	if (load->want & WANT_TENANT) {
		const struct tenant key = {.id = load->tenant};
		load->tenant_record = load_record(memory, load, CHANGE_TENANT, &key);
	}
	if (load->want & WANT_CLIENT) {
		const struct client key = {.name = load->client_name};
		load->client = load_record(memory, load, CHANGE_CLIENT, &key);
	}
	if (load->want & WANT_EVENT) {
		const struct event key = {.id = load->id};
		load->event_found = row_find(memory, CHANGE_EVENT, &key) != NULL;
	}
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

static bool same_slot(const struct verification *a, const struct verification *b)
{
	return holds_slot(a) && holds_slot(b) && a->purpose == b->purpose &&
	       bytes_equal(a->tenant, b->tenant) && bytes_equal(a->slot, b->slot);
}

/* What the commit makes of the verification, or NULL when it does not touch it. */
static const struct verification *verification_after(const struct store_commit *commit,
                                                     const struct id *id)
{
	for (size_t i = 0; i < commit->changes_n; i++)
		if (commit->changes[i].kind == CHANGE_VERIFICATION &&
		    id_equal(&commit->changes[i].verification->id, id))
			return commit->changes[i].verification;
	return NULL;
}

/* Whether `v` is the only live one of its slot once all changes are made. */
static bool slot_holds(struct memory_store *memory, const struct store_commit *commit,
                       const struct verification *v)
{
	if (!holds_slot(v))
		return true;
	for (size_t i = 0; i < commit->changes_n; i++)
		if (commit->changes[i].kind == CHANGE_VERIFICATION &&
		    commit->changes[i].verification != v &&
		    same_slot(commit->changes[i].verification, v))
			return false;
	const struct memory_row *row = slot_find(memory, v->tenant, v->purpose, v->slot);
	const struct verification *holder = row ? row->record : NULL;
	return !holder || verification_after(commit, &holder->id);
}

static bool commit_holds(struct memory_store *memory, const struct store_commit *commit)
{
	for (size_t i = 0; i < commit->changes_n; i++) {
		const struct change *change = &commit->changes[i];
		if (!version_holds(memory, change) ||
		    (change->kind == CHANGE_VERIFICATION &&
		     !slot_holds(memory, commit, change->verification)))
			return false;
	}
	return true;
}

/* The rows that the commit makes, nothing changed yet; NULL for guards and deletions. */
static enum err rows_prepare(struct memory_store *memory, const struct store_commit *commit,
                             struct memory_row **rows)
{
	enum err err = map_reserve(&memory->slots, commit->changes_n);
	for (size_t i = 0; i < commit->changes_n && !err; i++) {
		const struct change *change = &commit->changes[i];
		enum change_kind kind = change->kind;
		if (change_is_guard(kind) ||
		    (kind == CHANGE_FAILURES && change->failures->count == 0))
			continue;
		uint64_t version = version_found(memory, kind, change->record) + 1;
		rows[i] = row_new(memory, kind, change->record, version);
		err = rows[i] ? map_reserve(&memory->tables[kind].rows, commit->changes_n)
		              : ERR_NO_MEMORY;
	}
	return err;
}

static void change_apply(struct memory_store *memory, const struct change *change,
                         struct memory_row *row)
{
	if (row) {
		row_put(memory, change->kind, row);
	} else if (change->kind == CHANGE_FAILURES) {
		struct memory_row *old = row_find(memory, CHANGE_FAILURES, change->failures);
		if (old)
			row_delete(memory, CHANGE_FAILURES, old);
	}
	if (change->kind == CHANGE_TENANT || change->kind == CHANGE_CLIENT ||
	    change->kind == CHANGE_LINE)
		memory->generation++;
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
	if (!commit_holds(memory, commit))
		return;
	struct memory_row **rows = calloc(commit->changes_n + 1, sizeof(struct memory_row *));
	commit->err = rows ? rows_prepare(memory, commit, rows) : ERR_NO_MEMORY;
	if (!commit->err) {
		rows_apply(memory, commit, rows);
	} else {
		commit->err = ERR_STORE;
		for (size_t i = 0; rows && i < commit->changes_n; i++)
			free(rows[i]);
	}
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
	kind_purge(memory, purge, CHANGE_BUDGET);
}

/* --- counts ---------------------------------------------------------------------------------- */

void rows_count(struct memory_store *memory, struct store_count *count)
{
	const struct memory_table *tables = memory->tables;
	count->err = OK;
	count->counts = (struct store_counts){
	    .tenants = tables[CHANGE_TENANT].rows.n,
	    .clients = tables[CHANGE_CLIENT].rows.n,
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
