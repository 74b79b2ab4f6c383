/* SPDX-License-Identifier: Apache-2.0 */
#include "base/siphash.h"

static uint64_t rotated(uint64_t x, int by)
{
	return x << by | x >> (64 - by);
}

/* Little-endian, up to 8 octets. */
static uint64_t word_read(const void *at, size_t len)
{
	const uint8_t *octets = at;
	uint64_t word = 0;
	for (size_t i = 0; i < len; i++)
		word |= (uint64_t)octets[i] << (8 * i);
	return word;
}

static void rounds(uint64_t v[4], int n)
{
	while (n--) {
		v[0] += v[1];
		v[1] = rotated(v[1], 13) ^ v[0];
		v[0] = rotated(v[0], 32);
		v[2] += v[3];
		v[3] = rotated(v[3], 16) ^ v[2];
		v[0] += v[3];
		v[3] = rotated(v[3], 21) ^ v[0];
		v[2] += v[1];
		v[1] = rotated(v[1], 17) ^ v[2];
		v[2] = rotated(v[2], 32);
	}
}

static void word_mix(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	rounds(v, 2);
	v[0] ^= word;
}

uint64_t siphash(const uint8_t key[SIPHASH_KEY_LEN], struct bytes in)
{
	uint64_t k0 = word_read(key, 8), k1 = word_read(key + 8, 8);
	/* "somepseudorandomlygeneratedbytes" */
	uint64_t v[4] = {k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
	                 k1 ^ 0x7465646279746573};
	size_t whole = in.len / 8 * 8;
	for (size_t i = 0; i < whole; i += 8)
		word_mix(v, word_read(in.at + i, 8));
	struct bytes rest = bytes_from(in, whole);
	word_mix(v, word_read(rest.at, rest.len) | (uint64_t)in.len << 56);
	v[2] ^= 0xff;
	rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
