/* SPDX-License-Identifier: Apache-2.0 */
/* A number's history as few octets as it takes, for those who keep it. Pure.
 *
 *      u8 n | varint of the first moment | varint of each step to the next
 *
 * A varint is seven bits an octet, lowest first, the top bit set on all but the last (LEB128). */
#ifndef CORE_HISTORY_H
#define CORE_HISTORY_H

#include "core/record.h"

/* A count, and HISTORY_MAX varints of 64 bits. */
#define HISTORY_PACKED_MAX (1 + HISTORY_MAX * 10)

/* Writes `history` to `ret` and returns its length; 0 when `room` is too small, which
 * HISTORY_PACKED_MAX never is. Any moments pack, ordered ones best. */
size_t history_pack(const struct history *history, uint8_t *ret, size_t room);

/* Reads the history that `in` begins with and returns how long it was; 0 when `in` begins with
 * none. What follows is left to the caller: two of them may stand in one blob. */
size_t history_unpack(struct bytes in, struct history *ret);

#endif
