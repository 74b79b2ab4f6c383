/* SPDX-License-Identifier: Apache-2.0 */
#include "core/history.h"

#include <assert.h>

#define VARINT_MAX 10

static size_t varint_write(uint64_t value, uint8_t ret[VARINT_MAX])
{
	size_t len = 0;
	while (value >= 0x80) {
		ret[len++] = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	ret[len++] = (uint8_t)value;
	return len;
}

/* How many octets were read; 0: cut, or more than 64 bits, or longer than it need be. */
static size_t varint_read(struct bytes in, uint64_t *ret)
{
	uint64_t value = 0;
	for (size_t i = 0; i < in.len && i < VARINT_MAX; i++) {
		uint8_t octet = (uint8_t)in.at[i];
		if (i == VARINT_MAX - 1 && octet > 1)
			return 0;
		value |= (uint64_t)(octet & 0x7F) << (7 * i);
		if (octet & 0x80)
			continue;
		if (octet == 0 && i > 0)
			return 0;
		*ret = value;
		return i + 1;
	}
	return 0;
}

size_t history_pack(const struct history *history, uint8_t *ret, size_t room)
{
	assert(history->n <= HISTORY_MAX);
	if (!room)
		return 0;
	size_t len = 0;
	ret[len++] = history->n;
	uint64_t last = 0;
	for (int i = 0; i < history->n; i++) {
		uint64_t at = (uint64_t)history->at_ms[i];
		uint8_t step[VARINT_MAX];
		/* Modulo 2^64, so that a step back packs too, only longer. */
		size_t step_len = varint_write(at - last, step);
		if (room - len < step_len)
			return 0;
		memcpy(ret + len, step, step_len);
		len += step_len;
		last = at;
	}
	return len;
}

size_t history_unpack(struct bytes in, struct history *ret)
{
	struct history history = {0};
	if (!in.len || (uint8_t)in.at[0] > HISTORY_MAX)
		return 0;
	history.n = (uint8_t)in.at[0];
	size_t len = 1;
	uint64_t at = 0;
	for (int i = 0; i < history.n; i++) {
		uint64_t step;
		size_t step_len = varint_read(bytes_from(in, len), &step);
		if (!step_len)
			return 0;
		len += step_len;
		at += step;
		history.at_ms[i] = (int64_t)at;
	}
	*ret = history;
	return len;
}
