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

/* The length in UTF-16 code units of well-formed UTF-8: what an SMS counts in UCS-2. */
size_t message_utf16_units(struct bytes text);

#endif
