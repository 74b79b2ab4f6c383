/* SPDX-License-Identifier: Apache-2.0 */
/* Which text a language gets, and what a language tag looks like. */
#include "cases.h"

#include "core/message.h"
#include "core/phrase.h"

static const struct locale_row {
	const char *tag, *begins; /* NULL: absent */
} locale_rows[] = {
    {"en", "Your verification"},
    {"en-GB", "Your verification"},
    {"de", "Ihr "},
    {"DE", "Ihr "},
    {"de-CH", "Ihr "},
    {"de_AT", "Ihr "},
    {"de-Latn-DE-1996", "Ihr "},
    {"deu", "Your verification"},
    {"d", "Your verification"},
    {"", "Your verification"},
    {"pt", "O seu"},
    {"pt-PT", "O seu"},
    {"pt-BR", "Seu"},
    {"pt-br", "Seu"},
    {"pt-BRx", "O seu"},
    {"zh", "您的验证码"},
    {"zh-Hans", "您的验证码"},
    {"zh-Hant", "您的驗證碼"},
    {"zh-hant-TW", "您的驗證碼"},
    {"zh_TW", "您的驗證碼"},
    {"xx", "Your verification"},
    {"-", "Your verification"},
};

static void a_language_gets_its_text(void **state)
{
	const struct locale_row *row = ROW_OF(state, struct locale_row);
	struct bytes text = phrase_find(bytes_from_text(row->tag));
	assert_true(bytes_start_with(text, bytes_from_text(row->begins)));
}

static void nobodys_language_is_english(void **state)
{
	(void)state;
	assert_true(bytes_start_with(phrase_find(BYTES_NONE), BYTES("Your verification")));
}

static void every_text_has_one_place_for_the_code(void **state)
{
	(void)state;
	static const struct bytes texts[] = {
#define PHRASE(tag, text) {"" text, sizeof(text) - 1},
#include "core/phrase.def"
#undef PHRASE
	};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_true(message_has_code(texts[i]));
		assert_true(bytes_are_utf8(texts[i]));
		/* One part of a message even where each letter takes two octets. */
		assert_in_range(message_utf16_units(texts[i]), 8, 70 + 8 - 10);
	}
}

static const struct sound_row {
	const char *name;
	bool sound;
} sound_rows[] = {
    {"en", true},
    {"eng", true},
    {"en-GB", true},
    {"en_GB", true},
    {"zh-Hant-TW", true},
    {"de-1996", true},
    {"de-x-a", true},
    {"abcdefgh", true},
    {"abcdefghi", false},
    {"a", false},
    {"", false},
    {"1", false},
    {"e1", false},
    {"en-", false},
    {"-en", false},
    {"en--GB", false},
    {"en GB", false},
    {"en-GB!", false},
    {"en-abcdefghi", false},
    {"en-\xc3\xa9", false},
    {"de-abcdefgh-abcdefgh-abcdefgh-abcdef", false},
    {"de-abcdefgh-abcdefgh-abcdefgh-abcde", true},
};

static void a_tag_has_its_shape(void **state)
{
	const struct sound_row *row = ROW_OF(state, struct sound_row);
	assert_int_equal(locale_is_sound(bytes_from_text(row->name)), row->sound);
}

int main(void)
{
	static struct cases cases;
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nobodys_language_is_english),
	    cmocka_unit_test(every_text_has_one_place_for_the_code),
	};
	CASES_ADD(&cases, tests);
	CASES_ADD_ROWS(&cases, "locale", locale_rows, a_language_gets_its_text);
	CASES_ADD_ROWS(&cases, "tag", sound_rows, a_tag_has_its_shape);
	return cases_run("phrase", &cases);
}
