/* SPDX-License-Identifier: Apache-2.0 */
/* What a configuration means: every setting of the table by a file, values from files and the
 * environment, what --dev and the flags change, and what a reload keeps. */
#include "support/config.h"
#include "support/unit.h"

#include "base/when.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define KEY_ONE "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"
#define KEY_TWO "ff112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"

static struct config_desk *desk_of(void **state)
{
	return *state;
}

static void read_sound(struct config_desk *desk, const char *yaml)
{
	config_desk_read(desk, yaml);
	if (!desk->config)
		fail_msg("%s", desk->said);
}

/* ---- the table ------------------------------------------------------------------------------- */

/* Every option can be written as its name nests, and its default is one of its values. */
static void every_option_takes_its_default_from_a_file(void **state)
{
	struct config_desk *desk = desk_of(state);
	struct server_settings built_in;
	server_settings_init(&built_in);
	for (size_t i = 0; i < OPTIONS; i++) {
		const struct option *option = &option_table[i];
		if (option->type == OPTION_LIST || option->home == HOME_ITEM)
			continue;
		char yaml[256] = "";
		size_t len = 0, depth = 0;
		struct bytes rest = option->name, name = option->name;
		while (rest.len) {
			struct bytes word = bytes_first(rest, bytes_find(rest, '.'));
			len +=
			    (size_t)snprintf(yaml + len, sizeof(yaml) - len,
			                     "%s%.*s: ", depth ? "{" : "", (int)word.len, word.at);
			rest = bytes_from(rest, word.len + 1);
			depth++;
		}
		len += (size_t)snprintf(yaml + len, sizeof(yaml) - len, "\"%s\"",
		                        option->default_text.at);
		for (size_t at = 1; at < depth; at++)
			len += (size_t)snprintf(yaml + len, sizeof(yaml) - len, "}");
		read_sound(desk, yaml);
		if (option->home == HOME_SERVER)
			assert_memory_equal((const char *)&desk->config->server + option->offset,
			                    (const char *)&built_in + option->offset, option->size);
		else
			assert_row(yaml,
			           option->home == HOME_SHARED
			               ? desk->config->layers.all.given[i]
			               : settings_layer_of(&desk->config->layers, &name)->given[i]);
	}
}

static void the_server_s_own_defaults(void **state)
{
	(void)state;
	struct server_settings server;
	server_settings_init(&server);
	assert_int_equal(server.listen.n, 1);
	assert_string_equal(server.listen.at[0].host, "127.0.0.1");
	assert_int_equal(server.listen.at[0].port, 8080);
	assert_string_equal(server.data, "/var/lib/verifyd");
	assert_int_equal(server.store, STORE_SQLITE);
	assert_int_equal(server.wal_pages, 8000);
	assert_int_equal(server.secret_keys.n, 0);
	assert_int_equal(server.retention_ms, 30 * DAYS_MS);
	assert_int_equal(server.net.head_ms, 10000);
	assert_int_equal(server.net.head_max, 16384);
	assert_int_equal(server.net.fields_max, 100);
	assert_int_equal(server.net.target_max, 8192);
	assert_int_equal(server.net.body_rate, 256);
	assert_int_equal(server.net.request_ms, 30000);
	assert_int_equal(server.net.idle_ms, 75000);
	assert_int_equal(server.net.http2_idle_ms, 300000);
	assert_int_equal(server.numbers_require, NUMBERS_POSSIBLE);
	assert_string_equal(server.inbox_token, "");
	assert_int_equal(server.providers.n, 0);
}

static void every_option_of_the_server_s_own(void **state)
{
	struct config_desk *desk = desk_of(state);
	read_sound(desk,
	           "listen: [\"127.0.0.2:1\", \"[::1]:2\"]\n"
	           "data: /a/b\n"
	           "store: sqlite\n"
	           "wal_pages: 100\n"
	           "secret_keys:\n"
	           "  - {id: two, key: " KEY_TWO "}\n"
	           "  - id: one\n"
	           "    key: " KEY_ONE "\n"
	           "retention: 2d\n"
	           "net: {head_timeout: 1s, head: 32KiB, fields: 8, target: 256, body_rate: 0,\n"
	           "  request_timeout: 2s, idle: 3s, http2_idle: 4s}\n"
	           "numbers: {require: valid}\n"
	           "inbox: {token: 0123456789abcdef}\n"
	           "deliver: {providers: [{name: page, type: inbox}]}\n");
	const struct server_settings *server = &desk->config->server;
	assert_int_equal(server->listen.n, 2);
	assert_string_equal(server->listen.at[0].host, "127.0.0.2");
	assert_int_equal(server->listen.at[1].port, 2);
	assert_true(server->listen.at[1].ipv6);
	assert_string_equal(server->data, "/a/b");
	assert_int_equal(server->wal_pages, 100);
	assert_int_equal(server->secret_keys.n, 2);
	assert_string_equal(server->secret_keys.at[0].id, "two");
	assert_int_equal(server->secret_keys.at[0].key[0], 0xff);
	assert_string_equal(server->secret_keys.at[1].id, "one");
	assert_int_equal(server->secret_keys.at[1].key[1], 0x11);
	assert_int_equal(server->secret_keys.at[1].key[31], 0xff);
	assert_int_equal(server->retention_ms, 2 * DAYS_MS);
	assert_int_equal(server->net.head_ms, 1000);
	assert_int_equal(server->net.head_max, 32768);
	assert_int_equal(server->net.fields_max, 8);
	assert_int_equal(server->net.target_max, 256);
	assert_int_equal(server->net.body_rate, 0);
	assert_int_equal(server->net.request_ms, 2000);
	assert_int_equal(server->net.idle_ms, 3000);
	assert_int_equal(server->net.http2_idle_ms, 4000);
	assert_int_equal(server->numbers_require, NUMBERS_VALID);
	assert_string_equal(server->inbox_token, "0123456789abcdef");
	assert_int_equal(server->providers.n, 1);
	assert_string_equal(server->providers.at[0].name, "page");
	assert_true(config_has_provider(desk->config));
	assert_true(config_has_inbox(desk->config));
}

static void an_api_s_section_is_a_layer_of_its_own(void **state)
{
	struct config_desk *desk = desk_of(state);
	struct settings settings;
	read_sound(desk, "code: {length: 7, ttl: 5m}\n"
	                 "dotdigital:\n"
	                 "  create_status: 201\n"
	                 "  code: {length: 8}\n"
	                 "  limits: {resend_delay: {growth: [1m, 3m]}}\n");
	settings_resolve(&desk->config->layers, NULL, API_DOTDIGITAL, &settings);
	assert_int_equal(settings.code.length, 8);
	assert_int_equal(settings.code.ttl_ms, 5 * MINUTES_MS);
	assert_int_equal(settings.dotdigital.create_status, 201);
	assert_int_equal(settings.limits.resend_delay.growth_n, 2);
	assert_int_equal(settings.limits.resend_delay.growth_ms[1], 3 * MINUTES_MS);
	settings_resolve_all(&desk->config->layers, &settings);
	assert_int_equal(settings.code.length, 7);
}

static void an_api_is_served_unless_its_section_says_no(void **state)
{
	struct config_desk *desk = desk_of(state);
	read_sound(desk, "");
	assert_true(settings_serve(&desk->config->layers, API_DOTDIGITAL));
	read_sound(desk, "dotdigital: {enabled: false}\n");
	assert_false(settings_serve(&desk->config->layers, API_DOTDIGITAL));
}

/* ---- from elsewhere -------------------------------------------------------------------------- */

static void values_come_from_files(void **state)
{
	struct config_desk *desk = desk_of(state);
	config_desk_write(desk, "key", KEY_ONE "\n", 65, 0600);
	config_desk_write(desk, "days", "7d", 2, 0644);
	config_desk_write(desk, "rates", "1/1h 2/2h\r\n", 11, 0644);
	read_sound(desk, "retention: {file: days}\n"
	                 "secret_keys: [{id: {env: CONFIG_TEST_ID}, key: {file: key}}]\n"
	                 "limits:\n"
	                 "  sends_per_number: {file: rates}\n"
	                 "  guesses_per_number: [1/1h, {env: CONFIG_TEST_RATE}]\n");
	assert_string_equal(desk->said, "");
	assert_int_equal(desk->config->server.retention_ms, 7 * DAYS_MS);
	assert_string_equal(desk->config->server.secret_keys.at[0].id, "k1");
	assert_int_equal(desk->config->server.secret_keys.at[0].key[2], 0x22);
	const struct limits *limits = &desk->config->layers.all.values.limits;
	assert_int_equal(limits->sends_per_number.n, 2);
	assert_int_equal(limits->guesses_per_number.n, 2);
	assert_int_equal(limits->guesses_per_number.at[1].count, 9);
}

static void a_file_may_have_a_path_of_its_own(void **state)
{
	struct config_desk *desk = desk_of(state);
	char yaml[256];
	config_desk_write(desk, "days", "7d\n", 3, 0644);
	(void)snprintf(yaml, sizeof(yaml), "retention: {file: \"%s/days\"}\n", desk->folder);
	read_sound(desk, yaml);
	assert_int_equal(desk->config->server.retention_ms, 7 * DAYS_MS);
}

static void what_cannot_be_fetched_is_told(void **state)
{
	struct config_desk *desk = desk_of(state);
	static const struct {
		const char *yaml, *said;
	} rows[] = {
	    {"retention: {file: none}\n",
	     "1: retention: none: cannot be read: No such file or directory\n"},
	    {"retention: {file: .}\n", "1: retention: .: cannot be read: is not a regular file\n"},
	    {"retention: {env: CONFIG_TEST_NONE}\n",
	     "1: retention: there is no variable CONFIG_TEST_NONE in the environment\n"},
	    /* What they hold is not shown. */
	    {"retention: {file: words}\n",
	     "1: retention: must be a duration of 1d to 3650d, as in \"30s\", \"10m\", \"24h\" or "
	     "\"30d\"\n"},
	    {"retention: {env: CONFIG_TEST_ID}\n",
	     "1: retention: must be a duration of 1d to 3650d, as in \"30s\", \"10m\", \"24h\" or "
	     "\"30d\"\n"},
	    {"retention: {file: large}\n",
	     "1: retention: large: cannot be read, or is larger than 64 KiB\n"},
	    {"retention: {file: \"\"}\n",
	     "1: retention is a value, not a section; a value may be {file: PATH} or {env: "
	     "NAME}\n"},
	    {"retention: {file: [words]}\n",
	     "1: retention is a value, not a section; a value may be {file: PATH} or {env: "
	     "NAME}\n"},
	    {"retention: {file: words, env: X}\n",
	     "1: retention is a value, not a section; a value may be {file: PATH} or {env: "
	     "NAME}\n"},
	    {"retention: {path: words}\n",
	     "1: retention is a value, not a section; a value may be {file: PATH} or {env: "
	     "NAME}\n"},
	    {"inbox: {token: {file: words}}\n",
	     "1: inbox.token: words: others may read it; chmod 600 it, and think about who did\n"},
	    {"inbox: {token: {file: group}}\n",
	     "1: inbox.token: group: others may read it; chmod 600 it, and think about who did\n"},
	};
	char *large = calloc(1, 65537);
	memset(large, '1', 65537);
	config_desk_write(desk, "words", "not a duration", 14, 0604);
	config_desk_write(desk, "group", "0123456789abcdef", 16, 0640);
	config_desk_write(desk, "large", large, 65537, 0600);
	free(large);
	for (size_t i = 0; i < COUNT(rows); i++) {
		config_desk_read(desk, rows[i].yaml);
		assert_string_equal(desk->said, rows[i].said);
	}
	config_desk_write(desk, "group", "0123456789abcdef", 16, 0600);
	read_sound(desk, "inbox: {token: {file: group}}\n");
	assert_string_equal(desk->config->server.inbox_token, "0123456789abcdef");
}

static void a_secret_in_an_open_file_is_warned_of(void **state)
{
	struct config_desk *desk = desk_of(state);
	static const char yaml[] = "inbox: {token: 0123456789abcdef}\n";
	config_desk_write(desk, "verifyd.yaml", yaml, sizeof(yaml) - 1, 0640);
	config_desk_read(desk, NULL);
	assert_string_equal(desk->said,
	                    "1: warning: inbox.token stands in a file that others may read; chmod "
	                    "600 it, or keep the secret in a file of its own: {file: PATH}\n");
	assert_non_null(desk->config);
	read_sound(desk, yaml);
	assert_string_equal(desk->said, "");
}

/* ---- --dev and the flags --------------------------------------------------------------------- */

static void a_file_that_is_not_there_is_told(void **state)
{
	struct config_desk *desk = desk_of(state);
	config_desk_read(desk, NULL);
	assert_string_equal(desk->said, "0: cannot be read: No such file or directory\n");
}

static void the_default_file_is_named(void **state)
{
	(void)state;
	struct config_flags flags = {0};
	assert_string_equal(config_file(&flags), "/etc/verifyd/verifyd.yaml");
	flags.dev = true;
	assert_null(config_file(&flags));
	flags.file = "a.yaml";
	assert_string_equal(config_file(&flags), "a.yaml");
}

static bool limits_are_on(const struct config *config)
{
	struct settings settings;
	settings_resolve(&config->layers, NULL, API_DOTDIGITAL, &settings);
	return settings.limits.enabled;
}

static void dev_changes_defaults_that_a_file_beats(void **state)
{
	struct config_desk *desk = desk_of(state);
	desk->flags.dev = true;
	desk->flags.file = NULL;
	config_desk_read(desk, NULL);
	assert_non_null(desk->config);
	assert_true(desk->config->dev);
	assert_string_equal(desk->config->server.data, "./var");
	assert_true(config_has_inbox(desk->config));
	assert_string_equal(desk->config->server.providers.at[0].name, "inbox");
	assert_false(limits_are_on(desk->config));
	assert_string_equal(desk->said, "");

	desk->flags.file = desk->file;
	read_sound(desk, "retention: 1d\n");
	assert_string_equal(desk->config->server.data, "./var");
	assert_true(config_has_inbox(desk->config));
	read_sound(desk, "data: elsewhere\nlimits: {enabled: true}\ndeliver: {providers: []}\n");
	assert_string_equal(desk->config->server.data, "elsewhere");
	assert_true(limits_are_on(desk->config));
	assert_false(config_has_provider(desk->config));

	/* Save that it listens on loopback. */
	config_desk_read(
	    desk, "retention: 1d\nlisten: \"192.0.2.1:80\"\ninbox: {token: 0123456789abcdef}\n");
	assert_string_equal(desk->said, "2: listen: --dev listens on loopback only (127.0.0.1, "
	                                "[::1]), not on 192.0.2.1:80\n");
}

static void flags_beat_the_file(void **state)
{
	struct config_desk *desk = desk_of(state);
	desk->flags.data = "typed";
	desk->flags.listen = (struct net_addresses){1, {{.host = "127.0.0.9", .port = 9}}};
	read_sound(desk, "data: written\nlisten: [\"127.0.0.1:1\", \"127.0.0.1:2\"]\n");
	assert_string_equal(desk->config->server.data, "typed");
	assert_int_equal(desk->config->server.listen.n, 1);
	assert_int_equal(desk->config->server.listen.at[0].port, 9);
	desk->flags.data = "";
	config_desk_read(desk, "");
	assert_string_equal(desk->said, "0: --data: must be a text of 1 to 1023 characters\n");
}

/* ---- what a reload keeps --------------------------------------------------------------------- */

static char kept[256];

static void on_kept(const struct option *option)
{
	size_t len = strlen(kept);
	(void)snprintf(kept + len, sizeof(kept) - len, "%s ", option->name.at);
}

static void what_needs_a_start_is_kept(void **state)
{
	struct config_desk *desk = desk_of(state);
	static const struct {
		const char *yaml, *kept;
	} rows[] = {
	    {"", ""},
	    {"retention: 1d\nnumbers: {require: valid}\ncode: {length: 8}\n"
	     "net: {head_timeout: 1s, request_timeout: 1s, idle: 1s, http2_idle: 1s, body_rate: "
	     "1}\n",
	     ""},
	    {"listen: \"127.0.0.1:1\"\n", "listen "},
	    {"listen: [\"127.0.0.1:8080\", \"127.0.0.1:1\"]\n", "listen "},
	    {"listen: \"127.0.0.2:8080\"\n", "listen "},
	    {"data: x\nwal_pages: 100\n", "data wal_pages "},
	    {"secret_keys: [{id: a, key: " KEY_ONE "}]\n", "secret_keys "},
	    {"net: {head: 2KiB, fields: 9, target: 512}\n", "net.head net.fields net.target "},
	    {"deliver: {providers: [{name: a, type: inbox}]}\n", "deliver.providers "},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		read_sound(desk, "");
		struct config *old = desk->config;
		desk->config = NULL;
		read_sound(desk, rows[i].yaml);
		kept[0] = '\0';
		assert_true(config_keep(old, desk->config, on_kept, &desk->report));
		assert_string_equal(kept, rows[i].kept);
		/* Once more: it is as it was. */
		kept[0] = '\0';
		assert_true(config_keep(old, desk->config, on_kept, &desk->report));
		assert_string_equal(kept, "");
		config_free(old);
	}
}

/* Each is sound by itself; what stays of the one and what is new of the other is not. */
static void what_is_kept_must_go_with_the_rest(void **state)
{
	struct config_desk *desk = desk_of(state);
	read_sound(desk, "listen: \"0.0.0.0:80\"\ninbox: {token: 0123456789abcdef}\n"
	                 "deliver: {providers: [{name: a, type: inbox}]}\n");
	struct config *old = desk->config;
	desk->config = NULL;
	read_sound(desk, "listen: \"0.0.0.0:80\"\n");
	assert_false(config_keep(old, desk->config, on_kept, &desk->report));
	assert_int_equal(desk->report.mistakes_n, 1);
	assert_non_null(strstr(desk->report.remarks->text.at, "would show the inbox"));
	config_free(old);
}

static void a_key_that_changed_is_seen(void **state)
{
	struct config_desk *desk = desk_of(state);
	read_sound(desk, "secret_keys: [{id: a, key: " KEY_ONE "}]\n");
	struct config *old = desk->config;
	desk->config = NULL;
	read_sound(desk, "secret_keys: [{id: a, key: " KEY_TWO "}, {id: b, key: " KEY_ONE "}]\n");
	kept[0] = '\0';
	assert_true(config_keep(old, desk->config, on_kept, &desk->report));
	assert_string_equal(kept, "secret_keys ");
	assert_int_equal(desk->config->server.secret_keys.n, 1);
	assert_int_equal(desk->config->server.secret_keys.at[0].key[0], 0);
	config_free(old);
}

int main(void)
{
	assert_int_equal(setenv("CONFIG_TEST_ID", "k1", 1), 0);
	assert_int_equal(setenv("CONFIG_TEST_RATE", "9/9h", 1), 0);
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, config_desk_setup, config_desk_teardown)
	    CASE(every_option_takes_its_default_from_a_file),
	    CASE(the_server_s_own_defaults),
	    CASE(every_option_of_the_server_s_own),
	    CASE(an_api_s_section_is_a_layer_of_its_own),
	    CASE(an_api_is_served_unless_its_section_says_no),
	    CASE(values_come_from_files),
	    CASE(a_file_may_have_a_path_of_its_own),
	    CASE(what_cannot_be_fetched_is_told),
	    CASE(a_secret_in_an_open_file_is_warned_of),
	    CASE(a_file_that_is_not_there_is_told),
	    CASE(the_default_file_is_named),
	    CASE(dev_changes_defaults_that_a_file_beats),
	    CASE(flags_beat_the_file),
	    CASE(what_needs_a_start_is_kept),
	    CASE(what_is_kept_must_go_with_the_rest),
	    CASE(a_key_that_changed_is_seen),
	};
	return cmocka_run_group_tests_name("config_values", tests, NULL, NULL);
}
