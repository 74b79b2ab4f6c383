/* SPDX-License-Identifier: Apache-2.0 */
/* The alphabet of short messages (3GPP TS 23.038): which characters it has, and how long a text is
 * when it is sent: in septets, or in UTF-16 units once a single character is not among them, and in
 * how many parts. No packing, no headers: those are SMPP's. */
#ifndef WIRE_GSM0338_H
#define WIRE_GSM0338_H

#include "base/bytes.h"

#include <stdint.h>

/* A message carries 140 octets; in one of several parts six of them are the header that joins them
 * (TS 23.040 section 9.2.3.24.1). */
#define GSM0338_SEPTETS_ALONE 160
#define GSM0338_SEPTETS_PART 153
#define GSM0338_UTF16_ALONE 70
#define GSM0338_UTF16_PART 67

enum gsm0338_alphabet { GSM0338_SEPTETS, GSM0338_UTF16 };

struct gsm0338_size {
	enum gsm0338_alphabet alphabet;
	size_t units; /* septets or UTF-16 units, an escaped character and a pair are two */
	size_t parts; /* at least 1; neither an escape nor a surrogate pair is cut in two */
	struct bytes outsider; /* the first character that asked for UTF-16, inside the text */
};

/* What stands for a character: 1 septet, or 2 of which the first is the escape 0x1B; 0 when the
 * alphabet has none. */
size_t gsm0338_encode(uint32_t point, unsigned char ret[2]);
/* The size of a text in UTF-8. An octet that is not UTF-8 counts as U+FFFD, which is what it
 * becomes. */
void gsm0338_measure(struct bytes text, struct gsm0338_size *ret);
/* The units that the parts of a text of this size have room for. */
size_t gsm0338_room(const struct gsm0338_size *size);
/* How it is spoken of: "GSM 03.38" or "UCS-2". */
struct bytes gsm0338_name(enum gsm0338_alphabet alphabet);

#endif
