/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of HTTP/1.1: classes of octets and the reasons of statuses. */
#include "wire/http_private.h"

#define T HTTP_TOKEN
#define V HTTP_VALUE
#define P HTTP_PATH
#define Q HTTP_QUERY
#define H HTTP_HOST

/* Not listed: control characters, which may stand nowhere. */
const unsigned char http_class_of[256] = {
    ['\t'] = V,
    [' '] = V,
    ['!'] = T | V | P | Q,
    ['"'] = V,
    ['#'] = T | V,
    ['$' ... '\''] = T | V | P | Q, /* $ % & ' */
    ['(' ... ')'] = V | P | Q,
    ['*' ... '+'] = T | V | P | Q,
    [','] = V | P | Q,
    ['-' ... '.'] = T | V | P | Q | H,
    ['/'] = V | P | Q,
    ['0' ... '9'] = T | V | P | Q | H,
    [':' ... ';'] = V | P | Q,
    ['<'] = V,
    ['='] = V | P | Q,
    ['>'] = V,
    ['?'] = V | Q,
    ['@'] = V | P | Q,
    ['A' ... 'Z'] = T | V | P | Q | H,
    ['[' ... ']'] = V | Q, /* [ \ ] */
    ['^'] = T | V | Q,
    ['_'] = T | V | P | Q | H,
    ['`'] = T | V | Q,
    ['a' ... 'z'] = T | V | P | Q | H,
    ['{'] = V | Q,
    ['|'] = T | V | Q,
    ['}'] = V | Q,
    ['~'] = T | V | P | Q | H,
    [0x80 ... 0xff] = V,
};

bool http_all(struct bytes in, enum http_class of)
{
	for (size_t i = 0; i < in.len; i++)
		if (!http_is(in.at[i], of))
			return false;
	return true;
}

struct bytes http_reason(int status)
{
	switch (status) {
#define REASON(number, text)                                                                       \
	case number:                                                                               \
		return BYTES(text);
#include "wire/http_reason.def"
#undef REASON
	default:
		return BYTES("");
	}
}
