/* SPDX-License-Identifier: Apache-2.0 */
/* Moments as text. A moment is an int64_t: milliseconds since 1970-01-01T00:00:00Z, without leap
 * seconds. No clock here: the moment is always handed in. */
#ifndef BASE_WHEN_H
#define BASE_WHEN_H

#include "base/bytes.h"
#include "base/err.h"

#include <stdint.h>

#define SECONDS_MS INT64_C(1000)
#define MINUTES_MS (60 * SECONDS_MS)
#define HOURS_MS (60 * MINUTES_MS)
#define DAYS_MS (24 * HOURS_MS)

/* The end of the year 9999: no moment we read or write lies beyond. */
#define WHEN_MAX_MS INT64_C(253402300799999)

#define WHEN_TEXT_LEN 24 /* 2015-10-21T13:28:06.419Z */

/* RFC 3339 in UTC with exactly three fraction digits, and a NUL. `at_ms` between 0 and
 * WHEN_MAX_MS. */
void when_format(int64_t at_ms, char ret[WHEN_TEXT_LEN + 1]);

/* Reads an ISO 8601 date and time: date, `T` (or `t`, or one space), hh:mm:ss, a fraction of 0 to
 * 9 digits (what lies below a millisecond is cut), then `Z`, a numeric offset, or nothing, which
 * means UTC. ERR_MALFORMED for anything else, a date without time and years before 1970 too. */
MUST_CHECK enum err when_parse(struct bytes in, int64_t *ret_ms);

#endif
