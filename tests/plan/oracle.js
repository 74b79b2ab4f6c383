// SPDX-License-Identifier: Apache-2.0
// What google-libphonenumber makes of digits, in the words of verifyd. Where verifyd means to
// answer otherwise, `tolerated` names the reason; the answer expected then is still exact.
//
//   over 15 digits   E.164 ends at 15 digits; libphonenumber reads on to 17
//   local only       a number without its area code is possible to libphonenumber, though nobody
//                    abroad can dial it: too short
//   short code       an emergency or service code that is no subscriber's number: not valid
//   two lines        digits that read again are another number, as +46070… is +4670…: not valid, since
//                    one line must not be counted as two (no valid number is like that)
//   under 3 digits   libphonenumber says "not a number", verifyd "too short"
'use strict';

const TYPES = ['fixed', 'mobile', 'fixed-or-mobile', 'toll-free', 'premium', 'shared-cost', 'voip',
  'personal', 'pager', 'uan', 'voicemail'];

function makeOracle(library) {
  const util = library.PhoneNumberUtil.getInstance();
  const shortInfo = library.ShortNumberInfo.getInstance();
  const { E164, INTERNATIONAL, NATIONAL } = library.PhoneNumberFormat;
  const reasons = library.PhoneNumberUtil.ValidationResult;

  const refused = (error) => {
    const text = String(error.message ?? error);
    if (/Invalid country calling code/.test(text)) return { status: 'no such calling code' };
    if (/too short/i.test(text)) return { status: 'too short' };
    if (/too long/i.test(text)) return { status: 'too long' };
    if (/not seem to be a phone number/.test(text)) {
      return { status: 'too short', tolerated: 'under 3 digits' };
    }
    throw error;
  };

  const isAnotherWhenReadAgain = (number) => {
    const digits = util.format(number, E164);
    return util.format(util.parse(digits), E164) !== digits;
  };

  const lengthStatus = (reason) => {
    switch (reason) {
      case reasons.TOO_SHORT: return { status: 'too short' };
      case reasons.TOO_LONG: return { status: 'too long' };
      case reasons.INVALID_LENGTH: return { status: 'not valid' };
      case reasons.IS_POSSIBLE_LOCAL_ONLY: return { status: 'too short', tolerated: 'local only' };
      default: return null;
    }
  };

  /** `digits`, with `+` or national ones of `region`: `{line}` as tests/plan/lines.c prints it,
   * `{tolerated}` when libphonenumber itself would have said something else. */
  return function expect(digits, region) {
    let number;
    try {
      number = util.parse(digits, region);
    } catch (error) {
      const { status, tolerated } = refused(error);
      return { line: status, tolerated };
    }
    const code = number.getCountryCode();
    const national = util.getNationalSignificantNumber(number);
    if (String(code).length + national.length > 15) {
      const agreed = util.isPossibleNumberWithReason(number) === reasons.TOO_LONG;
      return { line: 'too long', tolerated: agreed ? undefined : 'over 15 digits' };
    }
    const wrong = lengthStatus(util.isPossibleNumberWithReason(number));
    if (wrong) return { line: wrong.status, tolerated: wrong.tolerated };
    const type = util.getNumberType(number);
    const valid = util.isValidNumber(number);
    if (!valid && shortInfo.isValidShortNumber(number)) {
      return { line: 'not valid', tolerated: 'short code' };
    }
    if (isAnotherWhenReadAgain(number)) return { line: 'not valid', tolerated: 'two lines', valid };
    return {
      valid,
      line: ['ok', util.format(number, E164),
        util.getRegionCodeForNumber(number) ?? util.getRegionCodeForCountryCode(code),
        TYPES[type] ?? 'unknown', valid ? 'valid' : 'possible',
        util.format(number, INTERNATIONAL), util.format(number, NATIONAL)].join('\t'),
    };
  };
}

module.exports = { makeOracle };
