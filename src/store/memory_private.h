/* SPDX-License-Identifier: Apache-2.0 */
/* The two halves of the memory store: memory_rows.c keeps the records and carries calls out,
 * memory.c keeps the handles and decides when. */
#ifndef STORE_MEMORY_PRIVATE_H
#define STORE_MEMORY_PRIVATE_H

#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "store/memory.h"
#include "store/shape.h"

#include <pthread.h>

/* A record at home, with everything it borrows, in one piece of memory. */
struct memory_row {
	struct list order;    /* in its table's list, oldest first */
	struct list open;     /* a message that is not final: in `messages_open` */
	struct list of;       /* a message: in its verification's `messages` */
	struct list messages; /* a verification: its messages */
	struct bytes key;
	struct bytes slot; /* key in `slots` of a live verification that has one, else absent */
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
	struct map slots; /* (tenant, purpose, slot) -> the live verification's row */
	struct list messages_open;
	struct buf key; /* scratch: the key that is looked for */
	uint64_t generation;
	uint64_t seed;
	unsigned handles;
};

MUST_CHECK enum err rows_init(struct memory_store *memory);
void rows_done(struct memory_store *memory);

/* Each carries out one call under the lock and fills in its answer. */
void rows_load(struct memory_store *memory, struct store_load *load);
void rows_commit(struct memory_store *memory, struct store_commit *commit);
void rows_note(struct memory_store *memory, const struct event *event);
void rows_claim(struct memory_store *memory, struct store_claim *claim);
void rows_purge(struct memory_store *memory, struct store_purge *purge);
void rows_count(struct memory_store *memory, struct store_count *count);

#endif
