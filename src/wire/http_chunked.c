/* SPDX-License-Identifier: Apache-2.0 */
/* The chunked transfer coding. Data is copied whole pieces at a time, everything else goes octet by
 * octet through a table of states:
 *
 *   SIZE ─ hex… CR LF ─► DATA ─ CR LF ─► SIZE …        0 CR LF ─► LINE ─ trailer CR LF ─► LINE …
 *                                                                     └ CR LF ─► DONE
 */
#include "wire/http_private.h"

enum state {
	STATE_SIZE, /* needs a digit */
	STATE_SIZE_MORE,
	STATE_SIZE_LF,
	STATE_DATA,
	STATE_DATA_CR,
	STATE_DATA_LF,
	STATE_LINE, /* a trailer begins, or the last line */
	STATE_NAME,
	STATE_VALUE,
	STATE_VALUE_LF,
	STATE_LAST_LF,
	STATE_DONE,
};

/* RFC 9110 section 6.5.1: what frames, routes or describes a request cannot come after it. */
static const struct bytes forbidden_trailers[] = {
    BYTES("authorization"),
    BYTES("cache-control"),
    BYTES("connection"),
    BYTES("cookie"),
    BYTES("content-encoding"),
    BYTES("content-length"),
    BYTES("content-range"),
    BYTES("content-type"),
    BYTES("expect"),
    BYTES("host"),
    BYTES("keep-alive"),
    BYTES("max-forwards"),
    BYTES("range"),
    BYTES("te"),
    BYTES("trailer"),
    BYTES("upgrade"),
    BYTES("transfer-encoding"),
};

bool http_trailer_is_allowed(struct bytes name)
{
	for (size_t i = 0; i < sizeof(forbidden_trailers) / sizeof(forbidden_trailers[0]); i++)
		if (bytes_equal(name, forbidden_trailers[i]))
			return false;
	return true;
}

void http_chunked_init(struct http_chunked *chunked)
{
	*chunked = (struct http_chunked){.state = STATE_SIZE};
}

static int hex_value(char c)
{
	if (ascii_is_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum err step_size(struct http_chunked *chunked, char c, struct http_refusal *reterr)
{
	int value = hex_value(c);
	if (value < 0) {
		if (chunked->state == STATE_SIZE)
			return http_refuse(reterr, 400, "a chunk has no size");
		if (c == ';')
			return http_refuse(reterr, 400, "chunk extensions are not taken");
		if (c != '\r')
			return http_refuse(reterr, 400, "a chunk's size is malformed");
		chunked->state = STATE_SIZE_LF;
		return OK;
	}
	if (++chunked->digits > HTTP_CHUNK_DIGITS_MAX)
		return http_refuse(reterr, 400, "a chunk's size is too large");
	chunked->left = chunked->left * 16 + (size_t)value;
	chunked->state = STATE_SIZE_MORE;
	return OK;
}

/* An octet that can only be one. */
static enum err step_fixed(struct http_chunked *chunked, char c, char want, enum state next,
                           struct http_refusal *reterr)
{
	if (c != want)
		return http_refuse(reterr, 400, "a line of the chunked body does not end in CRLF");
	chunked->state = next;
	return OK;
}

static enum err step_size_lf(struct http_chunked *chunked, char c, struct http_refusal *reterr)
{
	return step_fixed(chunked, c, '\n', chunked->left ? STATE_DATA : STATE_LINE, reterr);
}

static enum err step_data_cr(struct http_chunked *chunked, char c, struct http_refusal *reterr)
{
	return step_fixed(chunked, c, '\r', STATE_DATA_LF, reterr);
}

static enum err step_data_lf(struct http_chunked *chunked, char c, struct http_refusal *reterr)
{
	chunked->digits = 0;
	return step_fixed(chunked, c, '\n', STATE_SIZE, reterr);
}

static enum err step_name(struct http_chunked *chunked, char c, struct http_refusal *reterr)
{
	if (c == ':' && chunked->name_len > 0) {
		struct bytes name = {chunked->name, chunked->name_len};
		if (!http_trailer_is_allowed(name))
			return http_refuse(reterr, 400, "a trailer is not allowed there");
		chunked->state = STATE_VALUE;
		return OK;
	}
	if (!http_is(c, HTTP_TOKEN))
		return http_refuse(reterr, 400, "a trailer's name is malformed");
	if (chunked->name_len == HTTP_TRAILER_NAME_MAX)
		return http_refuse(reterr, 431, "a trailer's name is too long");
	chunked->name[chunked->name_len++] = ascii_lower(c);
	chunked->state = STATE_NAME;
	return OK;
}

static enum err step_value(struct http_chunked *chunked, char c, struct http_refusal *reterr)
{
	if (c == '\r')
		chunked->state = STATE_VALUE_LF;
	else if (!http_is(c, HTTP_VALUE))
		return http_refuse(reterr, 400, "a trailer's value is malformed");
	return OK;
}

static enum err step_line(struct http_chunked *chunked, char c, struct http_refusal *reterr)
{
	if (c == '\r') {
		chunked->state = STATE_LAST_LF;
		return OK;
	}
	if (++chunked->trailers_n > HTTP_TRAILERS_MAX)
		return http_refuse(reterr, 431, "there are too many trailers");
	chunked->name_len = 0;
	return step_name(chunked, c, reterr);
}

static enum err step_value_lf(struct http_chunked *chunked, char c, struct http_refusal *reterr)
{
	return step_fixed(chunked, c, '\n', STATE_LINE, reterr);
}

static enum err step_last_lf(struct http_chunked *chunked, char c, struct http_refusal *reterr)
{
	return step_fixed(chunked, c, '\n', STATE_DONE, reterr);
}

/* What each state does with an octet; DATA takes many at once, DONE none. */
static enum err (*const steps[])(struct http_chunked *chunked, char c,
                                 struct http_refusal *reterr) = {
    [STATE_SIZE] = step_size,         [STATE_SIZE_MORE] = step_size,
    [STATE_SIZE_LF] = step_size_lf,   [STATE_DATA_CR] = step_data_cr,
    [STATE_DATA_LF] = step_data_lf,   [STATE_LINE] = step_line,
    [STATE_NAME] = step_name,         [STATE_VALUE] = step_value,
    [STATE_VALUE_LF] = step_value_lf, [STATE_LAST_LF] = step_last_lf,
};

static enum err step(struct http_chunked *chunked, char c, struct http_refusal *reterr)
{
	if (chunked->state >= STATE_LINE && ++chunked->trailers_len > HTTP_TRAILERS_LEN_MAX)
		return http_refuse(reterr, 431, "the trailers are too large");
	return steps[chunked->state](chunked, c, reterr);
}

/* How much of the chunk's data can be taken now. */
static size_t take_data(struct http_chunked *chunked, struct bytes in, char *to, size_t room)
{
	size_t len = chunked->left < in.len ? chunked->left : in.len;
	if (to) {
		len = len < room ? len : room;
		memmove(to, in.at, len);
	}
	chunked->left -= len;
	if (chunked->left == 0)
		chunked->state = STATE_DATA_CR;
	return len;
}

enum err http_chunked_decode(struct http_chunked *chunked, struct bytes in, char *to, size_t room,
                             size_t *ret_used, size_t *ret_made, struct http_refusal *reterr)
{
	size_t used = 0, made = 0;
	bool full = false;
	while (used < in.len && !full && chunked->state != STATE_DONE) {
		if (chunked->state == STATE_DATA) {
			size_t len = take_data(chunked, bytes_from(in, used), to ? to + made : NULL,
			                       room - made);
			used += len;
			made += len;
			full = len == 0;
			continue;
		}
		enum err err = step(chunked, in.at[used], reterr);
		if (err != OK)
			return err;
		used++;
	}
	*ret_used = used;
	*ret_made = made;
	return chunked->state == STATE_DONE ? OK : ERR_MORE;
}
