/* SPDX-License-Identifier: Apache-2.0 */
/* The texts that go out when nobody gave one, by language. */
#ifndef CORE_PHRASE_H
#define CORE_PHRASE_H

#include "base/bytes.h"

/* The template for a language tag (BCP 47, any case, `_` for `-` too; absent or unknown: English):
 * the text whose tag is the longest that begins it. Lives for ever. */
struct bytes phrase_find(struct bytes locale);

/* Whether `text` has the shape of a language tag (RFC 5646 section 2.1, roughly): 2 to 8 letters,
 * then parts of 1 to 8 letters and digits, at most LOCALE_MAX octets. */
#define LOCALE_MAX 35
bool locale_is_sound(struct bytes text);

#endif
