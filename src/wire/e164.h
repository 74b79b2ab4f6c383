/* SPDX-License-Identifier: Apache-2.0 */
/* Phone numbers: whatever spelling a caller uses, the same line is the same number. Reads text by
 * the numbering plan in plan/, says what the line is, and writes it for people. Pure: no
 * allocation, no state, never a step beyond the input. */
#ifndef WIRE_E164_H
#define WIRE_E164_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/number.h"

#include <stdint.h>

#define E164_INPUT_MAX 250 /* octets; a longer text is E164_TOO_LONG before it is looked at */
#define E164_REGION_LEN 3  /* "GB", or "001" for calling codes that belong to no country */
#define E164_FORMAT_MAX 40 /* a formatted number and its NUL */

enum e164_status {
	E164_OK = 0,
	E164_EMPTY,          /* nothing but white space */
	E164_NOT_A_NUMBER,   /* an octet that is neither digit, separator nor one leading + */
	E164_NO_SUCH_CODE,   /* begins with no assigned calling code */
	E164_TOO_SHORT,      /* also: lacks its area code */
	E164_TOO_LONG,       /* for the region, or over 15 digits */
	E164_REGION_UNKNOWN, /* not in the plan; or national digits and no region given */
	/* Of no length or (when asked) in no range of the plan; a short code; still with a national
	 * prefix, so that it would be another number when it is read again. */
	E164_NOT_VALID,
	E164_STATUS_COUNT,
};

enum e164_type {
	E164_UNKNOWN = 0,
	E164_MOBILE,
	E164_FIXED,
	E164_FIXED_OR_MOBILE, /* the plan does not tell them apart there, as in North America */
	E164_TOLL_FREE,
	E164_PREMIUM,
	E164_SHARED_COST,
	E164_VOIP,
	E164_PERSONAL,
	E164_PAGER,
	E164_UAN,
	E164_VOICEMAIL,
	E164_TYPE_COUNT,
};

/* What digits without `+` (and without an allowed international prefix) mean. */
enum e164_bare {
	/* A calling code and the rest, with or without a region. */
	E164_BARE_INTERNATIONAL,
	/* National digits of the region; E164_REGION_UNKNOWN without one. The region's own calling
	 * code before them is understood where the digits can mean nothing else. */
	E164_BARE_NATIONAL,
	/* National digits of the region and, where those are not valid, international; without a
	 * region international. */
	E164_BARE_NATIONAL_FIRST,
};

/* What the calling API allows; zeroed: `+` or bare international digits, nothing else. */
struct e164_rules {
	enum e164_bare bare;
	bool zero_zero;     /* a leading 00 means + */
	bool region_prefix; /* so does the region's own international prefix, such as 011 */
	bool require_valid; /* setting numbers.require: valid */
};

struct e164 {
	struct number number;
	char
	    region[E164_REGION_LEN + 1]; /* of a shared code whose range is unknown: its main one */
	enum e164_type type;
	uint16_t calling_code;
	bool valid; /* stands in a range of the plan; always so when type is known */
};

/* Reads `text`. `region` is ISO 3166-1 alpha-2 or alpha-3 in either case, or empty for none; one
 * that the plan does not know is E164_REGION_UNKNOWN whatever the text. Sets *ret only on E164_OK.
 */
MUST_CHECK enum e164_status e164_parse(struct bytes text, struct bytes region,
                                       const struct e164_rules *rules, struct e164 *ret);

/* What the plan says of a number that was read before, perhaps with an older plan. */
MUST_CHECK enum e164_status e164_examine(const struct number *number, struct e164 *ret);

/* A literal for people: "too short". Never NULL. */
const char *e164_status_text(enum e164_status status);
/* A literal: "mobile", "fixed-or-mobile", "voip". Never NULL. */
const char *e164_type_text(enum e164_type type);

/* The alpha-2 name of a region given as alpha-2 or alpha-3 in either case, and its calling code.
 * False for what the plan does not know. */
bool e164_region_find(struct bytes region, char ret[E164_REGION_LEN + 1], uint16_t *ret_code);

/* As one dials it abroad, "+44 7700 900123", and at home, "07700 900123". Digits that no layout of
 * the plan fits are left in one piece. Both return the length. */
size_t e164_format_international(const struct number *number, char ret[E164_FORMAT_MAX]);
size_t e164_format_national(const struct number *number, char ret[E164_FORMAT_MAX]);

/* The release the tables were made of: "google-libphonenumber 3.2.47". */
const char *e164_plan_version(void);

#endif
