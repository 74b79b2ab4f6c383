/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/json_write.h"

#include <assert.h>

void json_writer_init(struct json_writer *writer, struct buf *buf)
{
	*writer = (struct json_writer){.buf = buf};
}

/* What stands before a name, or a value that has none; NUL: nothing. */
static char comma_take(struct json_writer *writer)
{
	char comma = writer->comma ? ',' : '\0';
	writer->comma = true;
	return comma;
}

static void comma_write(struct json_writer *writer)
{
	if (comma_take(writer))
		buf_add_char(writer->buf, ',');
}

static void open_write(struct json_writer *writer, char bracket)
{
	comma_write(writer);
	buf_add_char(writer->buf, bracket);
	writer->comma = false;
	writer->depth++;
}

static void close_write(struct json_writer *writer, char bracket)
{
	assert(writer->depth > 0);
	writer->depth--;
	buf_add_char(writer->buf, bracket);
	writer->comma = true;
}

void json_write_object(struct json_writer *writer)
{
	open_write(writer, '{');
}

void json_write_object_end(struct json_writer *writer)
{
	close_write(writer, '}');
}

void json_write_array(struct json_writer *writer)
{
	open_write(writer, '[');
}

void json_write_array_end(struct json_writer *writer)
{
	close_write(writer, ']');
}

/* Octets that may not stand as they are, as far as one octet can tell. */
static const bool is_special[256] = {
    [0 ... 0x1F] = true, ['"'] = true,  ['&'] = true,           ['<'] = true,
    ['>'] = true,        ['\\'] = true, [0x7F ... 0xFF] = true,
};

/* How many octets from the beginning on are plain. */
static size_t plain_len(const struct json_writer *writer, struct bytes text)
{
	size_t len = 0;
	for (; len < text.len && !is_special[(unsigned char)text.at[len]]; len++)
		if (text.at[len] == '%' && writer->percent_escaped)
			break;
	return len;
}

static void unicode_write(struct buf *buf, unsigned unit)
{
	static const char digits[] = "0123456789abcdef";
	char escape[6] = {'\\', 'u'};
	for (int i = 0; i < 4; i++)
		escape[2 + i] = digits[unit >> (12 - 4 * i) & 15];
	buf_add(buf, (struct bytes){escape, sizeof(escape)});
}

static void ascii_escape(struct buf *buf, unsigned char c)
{
	static const char shorts[0x80] = {
	    ['"'] = '"',  ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f',
	    ['\n'] = 'n', ['\r'] = 'r',  ['\t'] = 't',
	};
	if (shorts[c])
		buf_add(buf, (struct bytes){(char[]){'\\', shorts[c]}, 2});
	else
		unicode_write(buf, c);
}

/* The character that begins at in.at[0], an octet from 0x80 on; returns its length. */
static size_t wide_write(struct buf *buf, struct bytes in)
{
	size_t len = 2;
	while (len <= 4 && len <= in.len && !bytes_are_utf8(bytes_first(in, len)))
		len++;
	if (len > 4 || len > in.len) {
		buf_add_text(buf, "\xEF\xBF\xBD");
		return 1;
	}
	if (len == 3 && memcmp(in.at, "\xE2\x80", 2) == 0 &&
	    (in.at[2] == '\xA8' || in.at[2] == '\xA9'))
		unicode_write(buf, in.at[2] == '\xA8' ? 0x2028 : 0x2029);
	else
		buf_add(buf, bytes_first(in, len));
	return len;
}

/* `before` and `after` stand outside the quotes; NUL: nothing. */
static void quoted_write(const struct json_writer *writer, char before, struct bytes text,
                         char after)
{
	struct buf *buf = writer->buf;
	size_t plain = plain_len(writer, text);
	if (plain == text.len) {
		/* Nearly always: at one go. */
		char *from = buf_reserve(buf, text.len + 2 + (before != 0) + (after != 0));
		char *to = from;
		if (!from)
			return;
		if (before)
			*to++ = before;
		*to++ = '"';
		if (text.len)
			memcpy(to, text.at, text.len);
		to += text.len;
		*to++ = '"';
		if (after)
			*to++ = after;
		buf->len += (size_t)(to - from);
		return;
	}
	if (before)
		buf_add_char(buf, before);
	buf_add_char(buf, '"');
	while (text.len) {
		plain = plain_len(writer, text);
		buf_add(buf, bytes_first(text, plain));
		text = bytes_from(text, plain);
		if (text.len == 0)
			break;
		size_t used = 1;
		if ((unsigned char)text.at[0] < 0x80)
			ascii_escape(buf, (unsigned char)text.at[0]);
		else
			used = wide_write(buf, text);
		text = bytes_from(text, used);
	}
	buf_add_char(buf, '"');
	if (after)
		buf_add_char(buf, after);
}

void json_write_name_bytes(struct json_writer *writer, struct bytes name)
{
	assert(writer->depth > 0);
	quoted_write(writer, comma_take(writer), name, ':');
	writer->comma = false;
}

void json_write_name(struct json_writer *writer, const char *name)
{
	json_write_name_bytes(writer, bytes_from_text(name));
}

void json_write_text(struct json_writer *writer, struct bytes text)
{
	quoted_write(writer, comma_take(writer), text, '\0');
}

void json_write_u64(struct json_writer *writer, uint64_t value)
{
	comma_write(writer);
	buf_add_u64(writer->buf, value);
}

void json_write_i64(struct json_writer *writer, int64_t value)
{
	comma_write(writer);
	if (value < 0)
		buf_add_char(writer->buf, '-');
	buf_add_u64(writer->buf, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void json_write_bool(struct json_writer *writer, bool value)
{
	json_write_raw(writer, value ? BYTES("true") : BYTES("false"));
}

void json_write_null(struct json_writer *writer)
{
	json_write_raw(writer, BYTES("null"));
}

void json_write_raw(struct json_writer *writer, struct bytes json)
{
	comma_write(writer);
	buf_add(writer->buf, json);
}

void json_write_text_member(struct json_writer *writer, const char *name, struct bytes text)
{
	json_write_name(writer, name);
	json_write_text(writer, text);
}

void json_write_i64_member(struct json_writer *writer, const char *name, int64_t value)
{
	json_write_name(writer, name);
	json_write_i64(writer, value);
}

void json_write_bool_member(struct json_writer *writer, const char *name, bool value)
{
	json_write_name(writer, name);
	json_write_bool(writer, value);
}
