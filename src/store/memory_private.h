/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the memory store:
 *
 *      memory.c          its users' handles; which call is carried out when
 *      memory_rows.c     the records, how they are kept and changed
 *      memory_read.c     loads, counts, walks
 *      memory_forget.c   purge, erase
 *      memory_tally.c    what is counted per anybody else
 */
#ifndef STORE_MEMORY_PRIVATE_H
#define STORE_MEMORY_PRIVATE_H

#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "store/memory.h"
#include "store/shape.h"

#include <pthread.h>

/* What only one record of a tenant may have, and is found by: the slot of a live verification, a
 * user's name, uuid and exclusive phone. The slots of each purpose are a kind of their own. */
enum memory_handle_kind {
	HANDLE_SLOT_NUMBER = PURPOSE_NUMBER,
	HANDLE_SLOT_PHONE = PURPOSE_PHONE,
	HANDLE_SLOT_LOGIN = PURPOSE_LOGIN,
	HANDLE_NAME,
	HANDLE_UUID,
	HANDLE_PHONE,
};
#define HANDLES_MAX 3

/* A record at home, with everything it borrows, in one piece of memory. */
struct memory_row {
	struct list order;    /* in its table's list, oldest first */
	struct list open;     /* a message that is not final: in `messages_open` */
	struct list of;       /* a message: in its verification's `messages` */
	struct list messages; /* a verification: its messages */
	struct bytes key;
	struct bytes handles[HANDLES_MAX]; /* keys in `handles` */
	size_t handles_n;
	bool leaving; /* replaced or deleted by the commit that is looked at */
	void *record;
};

struct memory_table {
	struct map rows; /* key -> struct memory_row */
	struct list order;
};

struct memory_store {
	/* Held while one call is carried out. A mutex over shared records is what the real stores
	 * must not have; here it keeps the oracle simple. */
	pthread_mutex_t lock;
	struct memory_table tables[RECORD_KINDS];
	struct map handles; /* (kind, tenant, value) -> the row that has it */
	struct list messages_open;
	struct map tallies; /* struct memory_tally by its key */
	struct list tallies_order;
	struct buf key; /* scratch: the key that is looked for */
	uint64_t generation;
	uint64_t seed;
	unsigned attached; /* handles of its users */
};

MUST_CHECK enum err rows_init(struct memory_store *memory);
void rows_done(struct memory_store *memory);

/* The row with the key of `record`, or NULL. */
struct memory_row *row_find(struct memory_store *memory, enum change_kind kind, const void *record);
struct memory_row *handle_find(struct memory_store *memory, enum memory_handle_kind kind,
                               struct bytes tenant, struct bytes value);
enum memory_handle_kind handle_of_slot(enum purpose purpose);
void row_delete(struct memory_store *memory, enum change_kind kind, struct memory_row *row);
/* With his keys and sessions. */
void user_delete(struct memory_store *memory, struct memory_row *row);

/* Each carries out one call under the lock and fills in its answer. */
void rows_load(struct memory_store *memory, struct store_load *load);
void rows_commit(struct memory_store *memory, struct store_commit *commit);
void rows_note(struct memory_store *memory, const struct event *event);
void rows_claim(struct memory_store *memory, struct store_claim *claim);
void rows_tally(struct memory_store *memory, struct store_tally *tally);
void tallies_purge(struct memory_store *memory, struct store_purge *purge);
void tallies_done(struct memory_store *memory);
void rows_purge(struct memory_store *memory, struct store_purge *purge);
void rows_count(struct memory_store *memory, struct store_count *count);
void rows_walk(struct memory_store *memory, struct store_walk *walk);
void rows_erase(struct memory_store *memory, struct store_erase *erase);

#endif
