/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration files: what each mistake is told as, with its line, and what a file without one
 * means. */
#include "cases.h"
#include "support/config.h"
#include "support/unit.h"

#include "base/buf.h"
#include "ops/yaml.h"

#include <stdlib.h>
#include <string.h>

/* ---- mistakes -------------------------------------------------------------------------------- */

#define RATE "each is a count of 1 to 64, a slash and a duration of at most 30d, as in \"5/1h\""
#define TTL "must be a duration of 1s to 1d, as in \"30s\", \"10m\", \"24h\" or \"30d\""
#define ADDRESS                                                                                    \
	"each is ADDRESS:PORT, as in \"127.0.0.1:8080\", \"[::1]:8080\" or "                       \
	"\"https://0.0.0.0:8443\""
#define KEY "0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcdef"

static const struct said_row {
	const char *name, *yaml, *said;
} said_rows[] = {
    {"nothing", "", ""},
    {"comments alone", "# nothing\n\n  # more\n", ""},
    {"a document's marks", "%YAML 1.1\n---\nretention: 1d\n...\n", ""},
    {"a byte order mark", "\xef\xbb\xbfretention: 1d\n", ""},
    {"a section whose keys are all comments", "code:\n  # length: 8\nlimits: ~\n", ""},
    {"carriage returns", "code:\r\n  length: 8\r\n", ""},

    /* not YAML, or more of it than is read */
    {"no key", "a text\n", "1: must be keys and values, as in \"data: /var/lib/verifyd\"\n"},
    {"a list", "- a\n", "1: must be keys and values, as in \"data: /var/lib/verifyd\"\n"},
    {"a bracket left open", "code: {length: 8\nlimits: {}\n",
     "1: code.length: must be a whole number from 4 to 10, not \"8 limits\"\n"
     "2: is not YAML: did not find expected ',' or '}'\n"},
    {"what stands before the break is looked at", "code:\n  length: 3\nx: [\n",
     "2: code.length: must be a whole number from 4 to 10, not \"3\"\n"
     "3: x is not a setting\n"
     "4: is not YAML: did not find expected node content\n"},
    {"a tab", "code:\n\tlength: 8\n",
     "2: is not YAML: found character that cannot start any token (a tab: indent with "
     "blanks)\n"},
    {"not UTF-8", "code:\n  alphabet: ab\xff\n", "2: is not YAML: invalid leading UTF-8 octet\n"},
    {"a control character", "code:\n  alphabet: ab\x01\n",
     "2: is not YAML: control characters are not allowed\n"},
    {"an escaped one", "data: \"a\\x01b\"\n",
     "1: holds a control character or a line end, which no value may have\n"},
    {"an escaped NUL", "data: \"a\\0b\"\n",
     "1: holds a control character or a line end, which no value may have\n"},
    {"a text of two lines", "data: |\n  a\n  b\n",
     "1: holds a control character or a line end, which no value may have\n"},
    {"an anchor", "code:\n  length: &n 8\n",
     "2: anchors (&n) are not read; write the value where it is wanted\n"},
    {"an alias", "code:\n  length: &n 8\n  attempts: *n\n",
     "2: anchors (&n) are not read; write the value where it is wanted\n"
     "3: aliases (*n) are not read; write the value out\n"},
    {"an anchor on a section", "code: &c {length: 3}\n",
     "1: anchors (&c) are not read; write the value where it is wanted\n"
     "1: code.length: must be a whole number from 4 to 10, not \"3\"\n"},
    {"a key that is an alias", "code: &c {}\n*c : {}\n",
     "1: anchors (&c) are not read; write the value where it is wanted\n"
     "2: aliases (*c) are not read; write the value out\n"},
    {"a tag", "code:\n  length: !!int 8\n",
     "2: tags (tag:yaml.org,2002:int) are not read; what a value is, its key says\n"},
    {"a tag of nobody", "code:\n  length: !x 8\n",
     "2: tags (!x) are not read; what a value is, its key says\n"},
    {"a tag's short name", "%TAG !e! tag:example.com:\n---\nretention: 1d\n",
     "1: %TAG is not read\n"},
    {"a merge key", "<<: {retention: 1d}\n",
     "1: merge keys (<<) are not read; write the values out\n"},
    {"a merge key in quotes is a key", "\"<<\": {retention: 1d}\n", "1: << is not a setting\n"},
    {"a key that is a list", "? [a]\n: b\n", "1: a key must be a text\n"},
    {"a key that is nothing", "? \n: b\n", "1: a key is missing here\n"},
    {"a key with a line end", "\"a\\nb\": c\n", "1: a key is missing here\n"},
    {"a key given twice", "code:\n  ttl: 5m\n  length: 8\n  ttl: 6m\n",
     "4: ttl stands twice, first in line 2\n"},
    {"a section given twice", "code:\n  ttl: 5m\nretention: 1d\ncode:\n  length: 3\n",
     "4: code stands twice, first in line 1\n"},
    {"the same key in two sections", "code: {ttl: 5m}\ndotdigital: {code: {ttl: 6m}}\n", ""},
    {"a second document", "retention: 1d\n---\nretention: 2d\n",
     "2: a second document begins here; a file has one\n"},
    {"what follows a document", "retention: 1d\n...\n---\nretention: 2d\n",
     "3: a second document begins here; a file has one\n"},
    {"what follows it without a mark", "retention: 1d\n...\nretention: 2d\n",
     "3: is not YAML: did not find expected <document start>\n"},

    /* keys */
    {"an unknown key", "colour: blue\n", "1: colour is not a setting\n"},
    {"a key mistyped", "retentoin: 1d\n",
     "1: retentoin is not a setting; did you mean retention?\n"},
    {"a section mistyped", "limit:\n  enabled: true\n",
     "1: limit is not a setting; did you mean limits?\n"},
    {"a key mistyped within", "limits:\n  resend_delay:\n    frist: 1m\n",
     "3: limits.resend_delay.frist is not a setting; did you mean limits.resend_delay.first?\n"},
    {"a key in the wrong place", "ttl: 5m\n", "1: ttl is not a setting; did you mean code.ttl?\n"},
    {"a key in the wrong section", "limits:\n  ttl: 5m\n",
     "2: limits.ttl is not a setting; did you mean code.ttl?\n"},
    {"mistyped in an API's section", "dotdigital:\n  code:\n    lenght: 6\n  enbled: true\n",
     "3: dotdigital.code.lenght is not a setting; did you mean dotdigital.code.length?\n"
     "4: dotdigital.enbled is not a setting; did you mean dotdigital.enabled?\n"},
    {"in another case", "Code: {}\n", "1: Code is not a setting; did you mean code?\n"},
    {"the server's own in an API's section", "dotdigital:\n  net: {idle: 1m}\n",
     "2: dotdigital.net is not a setting\n"},
    {"a dotted key", "code.ttl: 5m\n",
     "1: code.ttl has a dot: write a key in a line of its own for each part, nested by "
     "indentation\n"},
    {"a bracketed key", "\"secret_keys[]\": {id: a}\n",
     "1: secret_keys[] is not a setting; did you mean secret_keys?\n"},
    {"a very long key",
     "code:\n  abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghij: 1\n",
     "2: code.abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghij is not a "
     "setting\n"},
    {"what steers a terminal", "\"a\\u202eb\": 1\n", "1: a???b is not a setting\n"},
    {"what later versions have", "limits:\n  breaker: {window: 1h}\nzitadel: {enabled: true}\n",
     "2: limits.breaker is not in this version\n3: zitadel is not in this version\n"},
    {"the same in an API's section", "dotdigital: {limits: {exempt: []}}\n",
     "1: dotdigital.limits.exempt is not in this version\n"},
    {"the same below a section that is there", "deliver:\n  routes: []\n  rotues: []\n",
     "2: deliver.routes is not in this version\n3: deliver.rotues is not a setting\n"},

    /* shapes */
    {"a section that is a text", "code: 6\n", "1: code is a section: it holds keys\n"},
    {"a section that is a list", "code: [length]\n", "1: code is a section: it holds keys\n"},
    {"a value that is a section", "retention:\n  days: 30\n",
     "2: retention is a value, not a section; a value may be {file: PATH} or {env: NAME}\n"},
    {"a value that is an empty section", "retention: {}\n",
     "1: retention is a value, not a section; a value may be {file: PATH} or {env: NAME}\n"},
    {"a value that is a list", "retention: [1d]\n",
     "1: retention holds a list where it takes a text\n"},
    {"no value", "code:\n  ttl:\n  length: 6\n",
     "2: code.ttl has no value; leave the key out, or write \"\" for an empty text\n"},
    {"null", "code: {ttl: null}\n",
     "1: code.ttl has no value; leave the key out, or write \"\" for an empty text\n"},
    {"an empty text is a text", "code: {ttl: \"\"}\n", "1: code.ttl: " TTL ", not \"\"\n"},
    {"a list of one as a text", "limits: {sends_per_number: 3/1h}\nlisten: 127.0.0.1:1\n", ""},
    {"an empty list", "limits: {sends_per_number: []}\n", ""},

    /* values */
    {"a number", "code: {length: 3}\n",
     "1: code.length: must be a whole number from 4 to 10, not \"3\"\n"},
    {"a duration", "code:\n  ttl:\n    10\n", "3: code.ttl: " TTL ", not \"10\"\n"},
    {"an element of a list, by its line", "limits:\n  sends_per_number:\n    - 3/1h\n    - x\n",
     "4: limits.sends_per_number: " RATE ", not \"x\"\n"},
    {"an element with a blank", "limits: {sends_per_number: [\"3/1h 4/1d\"]}\n",
     "1: limits.sends_per_number: an element is empty or holds a blank, not \"3/1h 4/1d\"\n"},
    {"an empty element", "limits: {sends_per_number: [\"\"]}\n",
     "1: limits.sends_per_number: an element is empty or holds a blank, not \"\"\n"},
    {"a list in a list", "limits: {sends_per_number: [[3/1h]]}\n",
     "1: limits.sends_per_number holds a list where it takes a text\n"},
    {"too many elements", "limits: {sends_per_number: [1/1h, 1/2h, 1/3h, 1/4h, 1/5h]}\n",
     "1: limits.sends_per_number: at most 4 rates, not \"1/1h 1/2h 1/3h 1/4h 1/5h\"\n"},
    {"a size", "net: {head: 16KB}\n",
     "1: net.head: must be a size of 1024 to 262144 octets, as in \"512\" or \"64KiB\", not "
     "\"16KB\"\n"},
    {"a size too small", "net: {head: 1023}\n",
     "1: net.head: must be a size of 1024 to 262144 octets, as in \"512\" or \"64KiB\", not "
     "\"1023\"\n"},
    {"a size too large", "net: {head: 257KiB}\n",
     "1: net.head: must be a size of 1024 to 262144 octets, as in \"512\" or \"64KiB\", not "
     "\"257KiB\"\n"},
    {"a size without number", "net: {head: KiB}\n",
     "1: net.head: must be a size of 1024 to 262144 octets, as in \"512\" or \"64KiB\", not "
     "\"KiB\"\n"},
    {"a word", "numbers: {require: probable}\n",
     "1: numbers.require: must be possible or valid, not \"probable\"\n"},
    {"another store", "store: postgresql://db\n",
     "1: store: must be sqlite, not \"postgresql://db\"\n"},
    {"a long value is cut",
     "store: aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggggggggg\n",
     "1: store: must be sqlite, not "
     "\"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff…\"\n"},
    {"a name for an address", "listen: [\"localhost:80\"]\n",
     "1: listen: " ADDRESS ", not \"localhost:80\"\n"},
    {"no address", "listen: []\n",
     "1: listen: must hold an address, as in \"127.0.0.1:8080\", not \"\"\n"},
    {"a sender that no phone can show", "dotdigital: {default_from: VERIFYVERIFY}\n",
     "1: dotdigital.default_from: must be empty, 2 to 15 digits, or 2 to 11 of A-Z a-z 0-9 . _ - "
     "and space, not \"VERIFYVERIFY\"\n"},
    {"a secret is not shown", "inbox:\n  token: hush\n",
     "2: inbox.token: must be empty, or 16 to 127 printable ASCII characters without blanks\n"},

    /* lists of objects */
    {"keys that are no list", "secret_keys: abc\n", "1: secret_keys must be a list\n"},
    {"one without the list", "secret_keys: {id: a}\n", "1: secret_keys[].key is missing\n"},
    {"a certificate without its key", "tls: {certificate: a.pem}\n", "1: tls[].key is missing\n"},
    {"https without a certificate", "listen: [\"https://127.0.0.1:1\"]\n",
     "1: listen: https://127.0.0.1:1 needs a certificate: tls: {certificate: PATH, key: PATH}\n"},
    {"https with one",
     "listen: [\"https://127.0.0.1:1\", \"http://127.0.0.1:2\"]\n"
     "tls: {certificate: a.pem, key: b.pem}\n",
     ""},
    {"a key that is a text", "secret_keys:\n  - abc\n",
     "2: secret_keys: each element holds keys\n"},
    {"a key without its parts", "secret_keys:\n  - {}\n",
     "2: secret_keys[].id is missing\n2: secret_keys[].key is missing\n"},
    {"a key with a wrong part", "secret_keys:\n  - id: a\n    kye: " KEY "\n",
     "2: secret_keys[].key is missing\n"
     "3: secret_keys[].kye is not a setting; did you mean secret_keys[].key?\n"},
    {"a key too short", "secret_keys:\n  - {id: a, key: 01}\n",
     "2: secret_keys[].key: must be 64 hexadecimal digits, as `openssl rand -hex 32` prints "
     "them\n"},
    {"a name with a blank", "secret_keys:\n  - {id: a b, key: " KEY "}\n",
     "2: secret_keys[].id: must be 1 to 32 of A-Z a-z 0-9 . _ -, not \"a b\"\n"},
    {"a name twice", "secret_keys:\n  - {id: a, key: " KEY "}\n  - {id: a, key: " KEY "}\n",
     "3: secret_keys[].id: a stands twice\n"},
    {"two providers",
     "deliver:\n  providers:\n    - {name: a, type: inbox}\n    - {name: b, type: "
     "inbox}\n",
     "4: deliver.providers: at most 1\n"},
    {"a provider of later versions", "deliver: {providers: [{name: main, type: smpp}]}\n",
     "1: deliver.providers[].type: must be inbox, not \"smpp\"\n"},

    /* together */
    {"the inbox for everybody",
     "listen: [\"127.0.0.1:1\", \"0.0.0.0:80\"]\ndeliver: {providers: [{name: i, type: inbox}]}\n",
     "1: listen: 0.0.0.0:80 would show the inbox, and so every code, to others; set inbox.token, "
     "or listen on 127.0.0.1\n"},
    {"the inbox for who has the token",
     "listen: \"0.0.0.0:80\"\ninbox: {token: 0123456789abcdef}\n"
     "deliver: {providers: [{name: i, type: inbox}]}\n",
     ""},
    {"everybody, without an inbox", "listen: \"[::]:80\"\n", ""},

    /* warnings */
    {"a short code", "code: {length: 5}\n",
     "1: warning: code: fewer codes than six digits make, which NIST SP 800-63B-4 (3.1.3.2) and "
     "OWASP ASVS 5.0 (6.5.4) ask for\n"},
    {"a short code of many letters", "code: {length: 4, alphabet: upper-digits}\n", ""},
    {"an alphabet of few", "dotdigital:\n  code: {alphabet: abc}\n",
     "2: warning: dotdigital.code: fewer codes than six digits make, which NIST SP 800-63B-4 "
     "(3.1.3.2) and OWASP ASVS 5.0 (6.5.4) ask for\n"},
    {"ten minutes", "code: {ttl: 10m}\n", ""},
    {"a long life", "code: {ttl: 601s}\ndotdigital: {ttl_max: 1h}\n",
     "1: warning: code.ttl: longer than the 10 minutes after which NIST SP 800-63B-4 (3.1.3.2) "
     "and OWASP ASVS 5.0 (6.5.5) want a code invalid\n"
     "2: warning: dotdigital.ttl_max: longer than the 10 minutes after which NIST SP 800-63B-4 "
     "(3.1.3.2) and OWASP ASVS 5.0 (6.5.5) want a code invalid\n"},
    {"no limits", "limits:\n  enabled: false\n",
     "2: warning: limits.enabled: without limits nothing but a code's own tries stands between a "
     "number and who guesses or spends on it\n"},

    {"no limits for one API", "dotdigital: {limits: {enabled: false}}\n",
     "1: warning: dotdigital.limits.enabled: without limits nothing but a code's own tries stands "
     "between a number and who guesses or spends on it\n"},

    /* all of them, in order */
    {"five mistakes",
     "code: {length: 3}\nretention: 1\nx: 1\nlimits:\n  enabled: yes\n  breaker: 1\n",
     "1: code.length: must be a whole number from 4 to 10, not \"3\"\n"
     "2: retention: must be a duration of 1d to 3650d, as in \"30s\", \"10m\", \"24h\" or "
     "\"30d\", not \"1\"\n"
     "3: x is not a setting\n"
     "5: limits.enabled: must be true or false, not \"yes\"\n"
     "6: limits.breaker is not in this version\n"},
};

static struct config_desk *desk_of(void **state)
{
	return *state;
}

static void a_file_is_answered_line_by_line(void **state)
{
	const struct said_row *row = ROW_OF(state, struct said_row);
	void *made;
	assert_int_equal(config_desk_setup(&made), 0);
	struct config_desk *desk = made;
	config_desk_read(desk, row->yaml);
	if (strcmp(desk->said, row->said) != 0)
		fail_msg("said:\n%swanted:\n%s", desk->said, row->said);
	(void)config_desk_teardown(&made);
}

/* ---- limits ---------------------------------------------------------------------------------- */

/* `n` times `piece`, and as many times `closing`, between two ends. */
static char *repeated(const char *before, const char *piece, size_t n, const char *closing,
                      const char *behind)
{
	struct buf text;
	buf_init(&text, 0);
	buf_add_text(&text, before);
	for (size_t i = 0; i < n; i++)
		buf_add_text(&text, piece);
	for (size_t i = 0; i < n; i++)
		buf_add_text(&text, closing);
	buf_add_text(&text, behind);
	buf_add_char(&text, '\0');
	assert_false(text.failed);
	return text.at;
}

static void depth_has_a_limit(void **state)
{
	struct config_desk *desk = desk_of(state);
	/* The outermost map and the lists in it. */
	char *fits = repeated("x: ", "[", YAML_DEPTH_MAX - 1, "]", "\n");
	char *more = repeated("x: ", "[", YAML_DEPTH_MAX, "]", "\n");
	config_desk_read(desk, fits);
	assert_string_equal(desk->said, "1: x is not a setting\n");
	config_desk_read(desk, more);
	assert_non_null(strstr(desk->said, "1: is nested too deeply\n"));
	free(fits);
	free(more);
}

static void values_have_a_limit(void **state)
{
	struct config_desk *desk = desk_of(state);
	char *fits = repeated("x: [", "1,", YAML_NODES_MAX - 2, "", "]\n");
	char *more = repeated("x: [", "1,", YAML_NODES_MAX - 1, "", "]\n");
	config_desk_read(desk, fits);
	assert_string_equal(desk->said, "1: x is not a setting\n");
	config_desk_read(desk, more);
	assert_non_null(strstr(desk->said, "1: holds too many values\n"));
	free(fits);
	free(more);
}

static void size_has_a_limit(void **state)
{
	struct config_desk *desk = desk_of(state);
	char *fits = repeated("", "#", YAML_INPUT_MAX, "", "");
	char *more = repeated("", "#", YAML_INPUT_MAX + 1, "", "");
	config_desk_read(desk, fits);
	assert_string_equal(desk->said, "");
	config_desk_read(desk, more);
	assert_string_equal(desk->said, "0: cannot be read, or is larger than 256 KiB\n");
	free(fits);
	free(more);
}

static void keys_have_a_limit(void **state)
{
	struct config_desk *desk = desk_of(state);
	struct buf text;
	buf_init(&text, 0);
	buf_add_text(&text, "secret_keys:\n");
	for (int i = 0; i <= SECRET_KEYS_MAX; i++) {
		buf_printf(&text, " - {id: k%d, key: " KEY "}\n", i);
		buf_add_char(&text, '\0');
		text.len--;
		config_desk_read(desk, text.at);
		assert_string_equal(desk->said,
		                    i < SECRET_KEYS_MAX ? "" : "18: secret_keys: at most 16\n");
	}
	buf_done(&text);
}

static void remarks_have_a_limit(void **state)
{
	struct config_desk *desk = desk_of(state);
	struct buf text;
	buf_init(&text, 0);
	for (int i = 0; i < REPORT_MISTAKES_MAX + 7; i++)
		buf_printf(&text, "x%d: 1\n", i);
	config_desk_read_octets(desk, text.at, text.len);
	assert_int_equal(desk->report.mistakes_n, REPORT_MISTAKES_MAX + 7);
	assert_int_equal(desk->report.kept_n, REPORT_MISTAKES_MAX);
	char *told = NULL;
	size_t told_len;
	FILE *to = open_memstream(&told, &told_len);
	report_print(&desk->report, true, to);
	(void)fclose(to);
	assert_non_null(strstr(told, "verifyd.yaml:100: x99 is not a setting\nand 7 more\n"));
	free(told);
	buf_done(&text);
}

/* Every file cut anywhere is answered, and nothing of it is taken for a whole one by accident of
 * memory. */
static void every_file_cut_anywhere(void **state)
{
	struct config_desk *desk = desk_of(state);
	for (size_t i = 0; i < COUNT(said_rows); i++)
		for (size_t len = 0; len < strlen(said_rows[i].yaml); len += 3)
			config_desk_read_octets(desk, said_rows[i].yaml, len);
}

int main(void)
{
	static struct cases cases;
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, config_desk_setup, config_desk_teardown)
	    CASE(depth_has_a_limit), CASE(values_have_a_limit),  CASE(size_has_a_limit),
	    CASE(keys_have_a_limit), CASE(remarks_have_a_limit), CASE(every_file_cut_anywhere),
	};
	CASES_ADD(&cases, tests);
	CASES_ADD_ROWS(&cases, "file", said_rows, a_file_is_answered_line_by_line);
	return cases_run("config", &cases);
}
