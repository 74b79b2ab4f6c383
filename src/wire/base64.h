/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 (RFC 4648 section 4): the standard alphabet with padding, both ways, into the caller's
 * memory. Strict: no line breaks, no missing padding, no bits set that encode nothing. */
#ifndef WIRE_BASE64_H
#define WIRE_BASE64_H

#include "base/bytes.h"
#include "base/err.h"

#include <stdint.h>

/* Octets that `len` octets take once encoded; `len` at most SIZE_MAX / 2. */
#define BASE64_LEN(len) (((size_t)(len) + 2) / 3 * 4)
/* Octets that `len` characters hold at most. */
#define BASE64_DECODED_MAX(len) ((size_t)(len) / 4 * 3)

/* Writes BASE64_LEN(in.len) characters, no NUL. */
void base64_encode(struct bytes in, char *ret);

/* `ret` has room for BASE64_DECODED_MAX(in.len) octets. ERR_MALFORMED leaves it unspecified. */
MUST_CHECK enum err base64_decode(struct bytes in, uint8_t *ret, size_t *ret_len);

#endif
