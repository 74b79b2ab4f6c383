/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 (RFC 4648), both ways, into the caller's memory: the standard alphabet with padding
 * (section 4), and the one for URLs without (section 5, where 3.2 lets padding be left out).
 * Strict: no line breaks, no missing or superfluous padding, no bits set that encode nothing, so
 * that the same octets have one spelling. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/bytes.h"
#include "base/err.h"

#include <stdint.h>

/* Octets that `len` octets take once encoded; `len` at most SIZE_MAX / 2. */
#define BASE64_LEN(len) (((size_t)(len) + 2) / 3 * 4)
#define BASE64URL_LEN(len) (((size_t)(len)*4 + 2) / 3)
/* Octets that `len` characters hold at most. */
#define BASE64_DECODED_MAX(len) ((size_t)(len) / 4 * 3)
#define BASE64URL_DECODED_MAX(len) ((size_t)(len)*3 / 4)

/* Writes BASE64_LEN(in.len) characters, no NUL. */
void base64_encode(struct bytes in, char *ret);
/* Writes BASE64URL_LEN(in.len) characters, no NUL. */
void base64url_encode(struct bytes in, char *ret);

/* `ret` has room for BASE64_DECODED_MAX(in.len) octets. ERR_MALFORMED leaves it unspecified. */
MUST_CHECK enum err base64_decode(struct bytes in, uint8_t *ret, size_t *ret_len);
/* Likewise, BASE64URL_DECODED_MAX(in.len). */
MUST_CHECK enum err base64url_decode(struct bytes in, uint8_t *ret, size_t *ret_len);

#endif
