/* SPDX-License-Identifier: Apache-2.0 */
/* Floods. What a client may send for nothing (PING, SETTINGS, PRIORITY, WINDOW_UPDATE, frames of
 * unknown types, DATA without data or for streams that are gone, HEADERS that lead to no request,
 * CONTINUATION) costs us more than it, whatever it is made of. So all of it is one sum: every
 * frame's head costs a point, as the octets pass by; a request, its data, and data of ours that it
 * took give points back; streams that we had to reset cost extra. Who ends up far in debt is cut.
 *
 * nghttp2 has limits of its own for streams that the client resets, for CONTINUATION and for
 * answers that wait; http2_loop.c sets them. */
#include "net/http2_private.h"

#define FRAME_HEAD_LEN 9 /* RFC 9113 section 4.1 */

static void forget(struct flood *flood, int64_t now_ms)
{
	while (flood->level > 0 && now_ms - flood->halved_ms >= HTTP2_HALVING_MS) {
		flood->level /= 2;
		flood->halved_ms += HTTP2_HALVING_MS;
	}
	if (flood->level == 0)
		flood->halved_ms = now_ms;
}

void flood_refund(struct flood *flood, int points)
{
	flood->level = flood->level > points ? flood->level - points : 0;
}

/* Takes an octet of a frame's head; true when that was the last one. */
static bool head_take(struct flood *flood, char c)
{
	if (flood->head_n < sizeof(flood->head))
		flood->head[flood->head_n] = (uint8_t)c;
	if (++flood->head_n < FRAME_HEAD_LEN)
		return false;
	flood->head_n = 0;
	flood->skip = (uint32_t)flood->head[0] << 16 | (uint32_t)flood->head[1] << 8 |
	              (uint32_t)flood->head[2];
	return true;
}

void flood_look(struct flood *flood, struct bytes come)
{
	for (size_t at = 0; at < come.len;) {
		if (flood->skip) {
			size_t len = come.len - at < flood->skip ? come.len - at : flood->skip;
			at += len;
			flood->skip -= (uint32_t)len;
		} else if (head_take(flood, come.at[at++])) {
			flood->level++;
		}
	}
}

bool flood_is_too_much(struct flood *flood, int64_t now_ms)
{
	forget(flood, now_ms);
	return flood->level > HTTP2_USELESS_MAX;
}
