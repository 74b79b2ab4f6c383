/* SPDX-License-Identifier: Apache-2.0 */
/* Reading, examining and writing phone numbers by the tables of plan/. The order of the questions
 * (calling code, national prefix, length, range) is libphonenumber's, because its metadata means
 * nothing in another order; which spellings are read at all is stricter and ours. */
#include "wire/e164.h"

#include "plan/plan.h"

#include <assert.h>

/* Digits that are looked at: more than any calling code, prefixes and number have together. */
#define DIGITS_MAX 32
#define INSERT_MAX 4
#define NATIONAL_MIN 2 /* shorter ones are nowhere a number */

_Static_assert((int)E164_MOBILE == (int)PLAN_MOBILE, "the plan counts types as we do");
_Static_assert((int)E164_VOICEMAIL == (int)PLAN_VOICEMAIL, "the plan counts types as we do");
_Static_assert((int)E164_TYPE_COUNT <= (int)PLAN_MARK_TYPE, "a mark has room for each type");

/* What was typed, without separators. */
struct spelling {
	char digits[DIGITS_MAX];
	size_t len;
	bool plus;
};

/* Room for a number whose national prefix went, perhaps with other digits in its place. */
struct national {
	char digits[DIGITS_MAX + INSERT_MAX];
};

enum fit { FIT_POSSIBLE, FIT_LOCAL, FIT_SHORT, FIT_LONG, FIT_BETWEEN };

/* The mark of the state to which `digits` lead. */
static unsigned plan_walk(unsigned state, struct bytes digits)
{
	for (size_t i = 0; i < digits.len; i++) {
		unsigned next = plan_states[state].next[digits.at[i] - '0'];
		if (next == state)
			break;
		state = next;
	}
	return plan_states[state].mark;
}

/* The length of the white space at the beginning of `in`; 0: none. U+00A0 is C2 A0. */
static size_t space_len(struct bytes in)
{
	if (in.len && (in.at[0] == ' ' || (in.at[0] >= '\t' && in.at[0] <= '\r')))
		return 1;
	return in.len >= 2 && in.at[0] == '\xC2' && in.at[1] == '\xA0' ? 2 : 0;
}

static struct bytes trim(struct bytes in)
{
	for (size_t len = space_len(in); len; len = space_len(in))
		in = bytes_from(in, len);
	while (in.len) {
		struct bytes last = bytes_from(in, in.len - 1);
		struct bytes last_two = bytes_from(in, in.len >= 2 ? in.len - 2 : 0);
		if (space_len(last))
			in.len -= 1;
		else if (space_len(last_two) == 2)
			in.len -= 2;
		else
			break;
	}
	return in;
}

/* The length of the separator at the beginning of `in`; 0: none. */
static size_t separator_len(struct bytes in)
{
	switch (in.at[0]) {
	case ' ':
	case '\t':
	case '-':
	case '.':
	case '(':
	case ')':
	case '/':
		return 1;
	case '\xC2':
		return space_len(in);
	default:
		return 0;
	}
}

static enum e164_status spelling_read(struct bytes text, struct spelling *ret)
{
	if (text.len > E164_INPUT_MAX)
		return E164_TOO_LONG;
	text = trim(text);
	if (text.len == 0)
		return E164_EMPTY;
	ret->len = 0;
	ret->plus = false;
	bool too_long = false;
	for (size_t i = 0; i < text.len;) {
		char c = text.at[i];
		if (ascii_is_digit(c)) {
			if (ret->len < DIGITS_MAX)
				ret->digits[ret->len++] = c;
			else
				too_long = true;
			i++;
		} else if (c == '+' && !ret->plus && ret->len == 0) {
			ret->plus = true;
			i++;
		} else {
			size_t skip = separator_len(bytes_from(text, i));
			if (skip == 0)
				return E164_NOT_A_NUMBER;
			i += skip;
		}
	}
	if (ret->len == 0)
		return E164_NOT_A_NUMBER;
	return too_long ? E164_TOO_LONG : E164_OK;
}

/* The assigned calling code that `digits` begin with, or NULL. */
static const struct plan_code *code_find(struct bytes digits)
{
	unsigned value = 0;
	for (size_t i = 0; i < digits.len && i < 3; i++) {
		value = value * 10 + (unsigned)(digits.at[i] - '0');
		if (plan_code_index[value] && digits.at[0] != '0')
			return &plan_codes[plan_code_index[value]];
	}
	return NULL;
}

static size_t code_len(const struct plan_code *code)
{
	return code->code < 10 ? 1 : code->code < 100 ? 2 : 3;
}

static const struct plan_region *code_main_region(const struct plan_code *code)
{
	return &plan_regions[code->regions_at];
}

static unsigned alpha_index(char c)
{
	c = ascii_lower(c);
	return c >= 'a' && c <= 'z' ? (unsigned)(c - 'a') : 26;
}

static const struct plan_region *region_by_alpha3(struct bytes name)
{
	unsigned low = 0, high = plan_alpha3_n;
	while (low < high) {
		unsigned middle = low + (high - low) / 2;
		const struct plan_alpha3 *row = &plan_alpha3[middle];
		int order = 0;
		for (size_t i = 0; i < 3 && order == 0; i++)
			order = ascii_lower(name.at[i]) - ascii_lower(row->name[i]);
		if (order == 0)
			return &plan_regions[row->region];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static const struct plan_region *region_by_name(struct bytes name)
{
	if (name.len == 3)
		return region_by_alpha3(name);
	if (name.len != 2)
		return NULL;
	unsigned first = alpha_index(name.at[0]), second = alpha_index(name.at[1]);
	unsigned row = first < 26 && second < 26 ? plan_alpha2[first * 26 + second] : 0;
	return row ? &plan_regions[row - 1] : NULL;
}

static enum fit region_fit(const struct plan_region *region, size_t len)
{
	uint32_t bit = len < 32 ? UINT32_C(1) << len : 0;
	if (region->local_lengths & bit)
		return FIT_LOCAL;
	if (region->lengths & bit)
		return FIT_POSSIBLE;
	if (bit == 0 || region->lengths < bit)
		return FIT_LONG;
	return region->lengths & (bit - 1) ? FIT_BETWEEN : FIT_SHORT;
}

static bool region_may_be(const struct plan_region *region, struct bytes digits)
{
	return plan_walk(region->general, digits) != 0;
}

/* `digits` without a national prefix, by the region's rule; in `room` where something went. What
 * may be a number with it, and may not be one without, keeps it. */
static struct bytes prefix_cut(const struct plan_region *region, struct bytes digits,
                               struct national *room)
{
	const struct plan_cut *cut = &plan_cuts[plan_walk(region->national_prefix, digits)];
	if (cut->cut == 0)
		return digits;
	size_t insert_len = strlen(cut->insert), group_len = (size_t)(cut->to - cut->from);
	assert(digits.len <= DIGITS_MAX && insert_len <= INSERT_MAX && cut->cut <= digits.len);
	assert(cut->from <= cut->to && cut->to <= cut->cut);
	size_t rest_len = digits.len - cut->cut;
	memcpy(room->digits, cut->insert, insert_len);
	memcpy(room->digits + insert_len, digits.at + cut->from, group_len);
	memcpy(room->digits + insert_len + group_len, digits.at + cut->cut, rest_len);
	struct bytes left = {room->digits, insert_len + group_len + rest_len};
	return region_may_be(region, digits) && !region_may_be(region, left) ? digits : left;
}

/* The same, where what is left has a length that a whole number may have. */
static struct bytes prefix_cut_fitting(const struct plan_region *region, struct bytes digits,
                                       struct national *room)
{
	struct bytes left = prefix_cut(region, digits, room);
	return region_fit(region, left.len) == FIT_POSSIBLE ? left : digits;
}

static enum e164_status length_status(const struct plan_code *code, size_t national_len)
{
	if (national_len < NATIONAL_MIN)
		return E164_TOO_SHORT;
	if (code_len(code) + national_len > NUMBER_DIGITS_MAX)
		return E164_TOO_LONG;
	switch (region_fit(code_main_region(code), national_len)) {
	case FIT_POSSIBLE:
		return E164_OK;
	case FIT_LOCAL:
	case FIT_SHORT:
		return E164_TOO_SHORT;
	case FIT_LONG:
		return E164_TOO_LONG;
	case FIT_BETWEEN:
		return E164_NOT_VALID;
	}
	return E164_NOT_VALID;
}

static void number_make(const struct plan_code *code, struct bytes national, struct number *ret)
{
	size_t prefix_len = code_len(code);
	unsigned value = code->code;
	for (size_t i = prefix_len; i > 0; i--, value /= 10)
		ret->digits[i - 1] = (char)('0' + value % 10);
	memcpy(ret->digits + prefix_len, national.at, national.len);
}

/* Fills *ret with the line that a calling code and a whole national number make. A number that
 * would be another one when it is read again is refused: +46 00 70… leaves +46 070…, which is how
 * some network may still reach +46 70…, and one line must not have two budgets. */
static enum e164_status line_make(const struct plan_code *code, struct bytes national,
                                  bool require_valid, struct e164 *ret)
{
	enum e164_status status = length_status(code, national.len);
	if (status != E164_OK)
		return status;
	struct national room;
	if (!bytes_equal(prefix_cut_fitting(code_main_region(code), national, &room), national))
		return E164_NOT_VALID;
	unsigned mark = plan_walk(code->classes, national);
	enum e164_type type = (enum e164_type)(mark & PLAN_MARK_TYPE);
	if ((mark & PLAN_MARK_SHORT) || (require_valid && type == E164_UNKNOWN))
		return E164_NOT_VALID;

	unsigned nth = mark >> PLAN_MARK_REGION_SHIFT & PLAN_MARK_REGION;
	assert(nth <= code->regions_n);
	const struct plan_region *region = &plan_regions[code->regions_at + (nth ? nth - 1 : 0)];
	struct e164 line = {
	    .type = type, .calling_code = code->code, .valid = type != E164_UNKNOWN};
	_Static_assert(sizeof(line.region) == sizeof(region->name), "a region's name fits");
	memcpy(line.region, region->name, sizeof(line.region));
	number_make(code, national, &line.number);
	*ret = line;
	return E164_OK;
}

/* Digits behind a calling code, a national prefix perhaps still before them: `region` is the one
 * whose rules they are read by. */
static enum e164_status national_read(const struct plan_code *code,
                                      const struct plan_region *region, struct bytes digits,
                                      bool require_valid, struct e164 *ret)
{
	if (digits.len < NATIONAL_MIN)
		return E164_TOO_SHORT;
	struct national room;
	return line_make(code, prefix_cut_fitting(region, digits, &room), require_valid, ret);
}

static enum e164_status international_read(struct bytes digits, bool require_valid,
                                           struct e164 *ret)
{
	if (digits.len <= NATIONAL_MIN)
		return E164_TOO_SHORT;
	const struct plan_code *code = code_find(digits);
	if (!code)
		return E164_NO_SUCH_CODE;
	return national_read(code, code_main_region(code), bytes_from(digits, code_len(code)),
	                     require_valid, ret);
}

/* Whether national digits begin with the region's own calling code all the same: only where they
 * may be a number without it and not with it, or are too long for the region with it. */
static bool code_is_typed(const struct plan_region *region, struct bytes digits, struct bytes rest)
{
	return (!region_may_be(region, digits) && region_may_be(region, rest)) ||
	       region_fit(region, digits.len) == FIT_LONG;
}

static enum e164_status home_read(const struct plan_region *region, struct bytes digits,
                                  bool require_valid, struct e164 *ret)
{
	const struct plan_code *code = &plan_codes[region->code];
	if (code_find(digits) == code) {
		struct national room;
		struct bytes rest = prefix_cut(region, bytes_from(digits, code_len(code)), &room);
		if (code_is_typed(region, digits, rest))
			return national_read(code, code_main_region(code), rest, require_valid,
			                     ret);
	}
	return national_read(code, region, digits, require_valid, ret);
}

/* National where that is valid, else international where that is, else whichever is possible. */
static enum e164_status home_first_read(const struct plan_region *region, struct bytes digits,
                                        bool require_valid, struct e164 *ret)
{
	struct e164 home, abroad;
	enum e164_status at_home = home_read(region, digits, require_valid, &home);
	if (at_home != E164_OK || !home.valid) {
		enum e164_status outside = international_read(digits, require_valid, &abroad);
		if (outside == E164_OK && (abroad.valid || at_home != E164_OK)) {
			*ret = abroad;
			return E164_OK;
		}
	}
	if (at_home == E164_OK)
		*ret = home;
	return at_home;
}

/* How many digits of an international prefix are to be dropped; 0: there is none. A zero behind it
 * would begin no calling code: then it was no prefix. */
static size_t international_prefix_len(const struct plan_region *region, struct bytes digits,
                                       const struct e164_rules *rules)
{
	size_t len = 0;
	if (rules->region_prefix && region)
		len = plan_cuts[plan_walk(region->international_prefix, digits)].cut;
	if (len == 0 && rules->zero_zero && bytes_start_with(digits, BYTES("00")))
		len = 2;
	return len < digits.len && digits.at[len] == '0' ? 0 : len;
}

enum e164_status e164_parse(struct bytes text, struct bytes region, const struct e164_rules *rules,
                            struct e164 *ret)
{
	const struct plan_region *home = region.len ? region_by_name(region) : NULL;
	if (region.len && !home)
		return E164_REGION_UNKNOWN;
	struct spelling typed;
	enum e164_status status = spelling_read(text, &typed);
	if (status != E164_OK)
		return status;
	struct bytes digits = {typed.digits, typed.len};
	bool valid = rules->require_valid;
	if (typed.plus)
		return international_read(digits, valid, ret);
	size_t prefix_len = international_prefix_len(home, digits, rules);
	if (prefix_len)
		return international_read(bytes_from(digits, prefix_len), valid, ret);
	switch (rules->bare) {
	case E164_BARE_INTERNATIONAL:
		return international_read(digits, valid, ret);
	case E164_BARE_NATIONAL:
		return home ? home_read(home, digits, valid, ret) : E164_REGION_UNKNOWN;
	case E164_BARE_NATIONAL_FIRST:
		return home ? home_first_read(home, digits, valid, ret)
		            : international_read(digits, valid, ret);
	}
	return E164_REGION_UNKNOWN;
}

enum e164_status e164_examine(const struct number *number, struct e164 *ret)
{
	struct bytes digits = number_bytes(number);
	const struct plan_code *code = code_find(digits);
	if (!code)
		return digits.len ? E164_NO_SUCH_CODE : E164_EMPTY;
	return line_make(code, bytes_from(digits, code_len(code)), false, ret);
}

bool e164_region_find(struct bytes region, char ret[E164_REGION_LEN + 1], uint16_t *ret_code)
{
	const struct plan_region *found = region_by_name(region);
	if (!found)
		return false;
	memcpy(ret, found->name, E164_REGION_LEN + 1);
	*ret_code = plan_codes[found->code].code;
	return true;
}

/* Writes `digits` as the layout at `offset` says, or as they are. Returns where it ended. */
static char *layout_write(char *at, unsigned offset, struct bytes digits)
{
	const char *layout = plan_layout_text + offset;
	size_t used = 0;
	if (*layout == '\0') {
		memcpy(at, digits.at, digits.len);
		at += digits.len;
	}
	for (; *layout; layout++) {
		assert((*layout != '#' && *layout != '~') || used < digits.len);
		if (*layout == '#')
			*at++ = digits.at[used++];
		else if (*layout == '~')
			used++;
		else
			*at++ = *layout;
	}
	*at = '\0';
	return at;
}

size_t e164_format_international(const struct number *number, char ret[E164_FORMAT_MAX])
{
	struct bytes digits = number_bytes(number);
	const struct plan_code *code = code_find(digits);
	char *at = ret;
	*at++ = '+';
	if (!code)
		return (size_t)(layout_write(at, 0, digits) - ret);
	memcpy(at, digits.at, code_len(code));
	at += code_len(code);
	*at++ = ' ';
	digits = bytes_from(digits, code_len(code));
	unsigned row = plan_walk(code->layouts, digits);
	return (size_t)(layout_write(at, plan_layouts[row].abroad, digits) - ret);
}

size_t e164_format_national(const struct number *number, char ret[E164_FORMAT_MAX])
{
	struct bytes digits = number_bytes(number);
	const struct plan_code *code = code_find(digits);
	if (!code)
		return (size_t)(layout_write(ret, 0, digits) - ret);
	digits = bytes_from(digits, code_len(code));
	unsigned row = plan_walk(code->layouts, digits);
	return (size_t)(layout_write(ret, plan_layouts[row].home, digits) - ret);
}

const char *e164_status_text(enum e164_status status)
{
	static const char *const texts[E164_STATUS_COUNT] = {
	    [E164_OK] = "ok",
	    [E164_EMPTY] = "empty",
	    [E164_NOT_A_NUMBER] = "not a number",
	    [E164_NO_SUCH_CODE] = "no such calling code",
	    [E164_TOO_SHORT] = "too short",
	    [E164_TOO_LONG] = "too long",
	    [E164_REGION_UNKNOWN] = "region unknown",
	    [E164_NOT_VALID] = "not valid",
	};
	assert(status < E164_STATUS_COUNT);
	return texts[status];
}

const char *e164_type_text(enum e164_type type)
{
	static const char *const texts[E164_TYPE_COUNT] = {
	    [E164_UNKNOWN] = "unknown",
	    [E164_MOBILE] = "mobile",
	    [E164_FIXED] = "fixed",
	    [E164_FIXED_OR_MOBILE] = "fixed-or-mobile",
	    [E164_TOLL_FREE] = "toll-free",
	    [E164_PREMIUM] = "premium",
	    [E164_SHARED_COST] = "shared-cost",
	    [E164_VOIP] = "voip",
	    [E164_PERSONAL] = "personal",
	    [E164_PAGER] = "pager",
	    [E164_UAN] = "uan",
	    [E164_VOICEMAIL] = "voicemail",
	};
	assert(type < E164_TYPE_COUNT);
	return texts[type];
}

const char *e164_plan_version(void)
{
	return PLAN_VERSION;
}
