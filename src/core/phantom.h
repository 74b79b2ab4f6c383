/* SPDX-License-Identifier: Apache-2.0 */
/* Somebody who is not there. Where an API must not tell whether there is a user, what is asked
 * about nobody is done for his phantom: the same rows, the same limits, the same waits for the
 * disk; only no message ever leaves, and no code is ever right.
 *
 * Two things make a phantom, and both say so wherever they are found: its id begins with `!`, which
 * no user's may, and its number with 0, which no number does (number_is_pseudo). */
#ifndef CORE_PHANTOM_H
#define CORE_PHANTOM_H

#include "core/keyring.h"
#include "core/record.h"

#define PHANTOM_ID_LEN (1 + 2 * 16)

struct phantom {
	char id[PHANTOM_ID_LEN + 1]; /* what stands in a record's `user` */
	struct number number;
};

/* The phantom of what was typed: the same `typed` texts within a tenant (at most 255 octets each,
 * normalised by the caller) make the same one. A keyed hash: it does not tell what they were. */
MUST_CHECK enum err phantom_make(struct keyring *keyring, struct bytes tenant,
                                 const struct bytes *typed, size_t typed_n, struct phantom *ret);

#define PHANTOM_TYPED_MAX 3

#endif
