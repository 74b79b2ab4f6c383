/* SPDX-License-Identifier: Apache-2.0 */
/* Message templates: the text as typed, filled once, at hand-over. */
#ifndef CORE_MESSAGE_H
#define CORE_MESSAGE_H

#include "base/buf.h"
#include "base/bytes.h"

#include <stdint.h>

/* Every `{{code}}` becomes the code and every `{{validMinutes}}` the minutes left, rounded up, at
 * least 1. One pass: what was put in is not looked at again. Names are case-sensitive, without
 * inner spaces; any other `{{…}}` stays as typed. */
void message_fill(struct bytes template, struct bytes code, int64_t life_left_ms,
                  struct buf *ret_text);

/* Whether the template has a place for the code. */
bool message_has_code(struct bytes template);

/* Whether a phone can show it as the sender: 2 to 15 digits, or 2 to 11 of A-Z a-z 0-9 . _ - and
 * space. */
bool message_sender_is_sound(struct bytes sender);

/* The length in UTF-16 code units of well-formed UTF-8: what an SMS counts in UCS-2. */
size_t message_utf16_units(struct bytes text);

#endif
