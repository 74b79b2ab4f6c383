/* SPDX-License-Identifier: Apache-2.0 */
/* What a record looks like to those who keep it: how large it is, what its key is, where its
 * version stands, which texts it borrows. So that any record can be copied whole, its texts with
 * it, and found again. No I/O. */
#ifndef STORE_SHAPE_H
#define STORE_SHAPE_H

#include "base/arena.h"
#include "core/port_store.h"

#define SHAPE_TEXTS_MAX (3 + USER_TEXTS)
#define SHAPE_KEYS_MAX 2
#define SHAPE_NO_VERSION SIZE_MAX

struct shape {
	size_t size;
	size_t version; /* offset of its uint64_t, or SHAPE_NO_VERSION */
	size_t keys_n;
	struct {
		size_t at, len; /* offset and octets; len 0: of a struct bytes */
	} keys[SHAPE_KEYS_MAX];
	size_t texts_n;
	size_t texts[SHAPE_TEXTS_MAX]; /* offsets of its struct bytes */
};

/* The kinds of record are named by the change that writes them: CHANGE_VERIFICATION and so on. */
#define RECORD_KINDS (CHANGE_SYSTEM + 1)
extern const struct shape shapes[RECORD_KINDS];

/* The kind of record that a change writes or a guard looks at. */
enum change_kind change_record_kind(enum change_kind kind);
static inline bool change_is_guard(enum change_kind kind)
{
	return kind >= GUARD_VERIFICATION;
}
/* Whether the row goes: DELETE_USER, failures of 0, an ended session. */
bool change_is_deletion(const struct change *change);
/* Whether the store's generation rises. */
bool change_raises_generation(enum change_kind kind);

/* How many octets a copy takes. */
size_t shape_room(const struct shape *shape, const void *record);
/* Copies the record and its texts to `to`, which has shape_room octets and is aligned for any
 * type, and returns it. Each text has a NUL after it; an absent one stays absent. */
void *shape_copy(const struct shape *shape, const void *record, void *to);
/* NULL when there is no memory. */
void *shape_copy_to_arena(const struct shape *shape, const void *record, struct arena *arena);

/* The i-th part of its key, borrowed from the record. */
struct bytes shape_key(const struct shape *shape, const void *record, size_t i);
/* Below, at or above 0 as the key of `a` stands before, at or behind that of `b`: part by part, by
 * their octets. */
int shape_compare(const struct shape *shape, const void *a, const void *b);

/* The version a record says, or 0 for those without one. */
uint64_t shape_version(const struct shape *shape, const void *record);
void shape_set_version(const struct shape *shape, void *record, uint64_t version);

#endif
