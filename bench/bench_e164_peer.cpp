/* SPDX-License-Identifier: Apache-2.0 */
#include "bench_e164.h"

#include <phonenumbers/phonenumberutil.h>
#include <string>

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

static const PhoneNumberUtil &util = *PhoneNumberUtil::GetInstance();

int peer_parse(const char *text, const char *region)
{
	PhoneNumber number;
	return util.Parse(text, region, &number) == PhoneNumberUtil::NO_PARSING_ERROR;
}

int peer_examine(const char *text, const char *region)
{
	PhoneNumber number;
	if (util.Parse(text, region, &number) != PhoneNumberUtil::NO_PARSING_ERROR ||
	    !util.IsPossibleNumber(number))
		return 0;
	std::string region_of, digits;
	util.GetRegionCodeForNumber(number, &region_of);
	PhoneNumberUtil::PhoneNumberType type = util.GetNumberType(number);
	util.Format(number, PhoneNumberUtil::E164, &digits);
	return !digits.empty() && type <= PhoneNumberUtil::UNKNOWN;
}
