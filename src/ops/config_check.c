/* SPDX-License-Identifier: Apache-2.0 */
/* How values go together: what would be unsafe is a mistake, what leaves a published rule a
 * warning, whatever API it is for. */
#include "ops/config_private.h"
#include "ops/rule.h"

static unsigned line_of(const struct reading *reading, size_t section, const char *name)
{
	return reading->lines[section][option_find(bytes_from_text(name)) - option_table];
}

/* ---- listening ------------------------------------------------------------------------------- */

static const struct net_address *first_open(const struct net_addresses *listen)
{
	for (size_t i = 0; i < listen->n; i++)
		if (!net_address_is_loopback(&listen->at[i]))
			return &listen->at[i];
	return NULL;
}

static void loopback_check(const struct config *config, unsigned line, struct report *report)
{
	const struct net_address *open = first_open(&config->server.listen);
	char text[NET_ADDRESS_TEXT_MAX];
	if (!open)
		return;
	net_address_format(open, text);
	if (config->dev)
		report_mistake(
		    report, line,
		    "listen: --dev listens on loopback only (127.0.0.1, [::1]), not on %s", text);
	else if (config_has_inbox(config) && !config->server.inbox_token[0])
		report_mistake(report, line,
		               "listen: %s would show the inbox, and so every code, to others; set "
		               "inbox.token, or listen on 127.0.0.1",
		               text);
}

static void scheme_check(const struct config *config, unsigned line, struct report *report)
{
	const struct server_settings *server = &config->server;
	char text[NET_ADDRESS_TEXT_MAX];
	for (size_t i = 0; i < server->listen.n && server->tls.n == 0; i++) {
		if (server->listen.at[i].scheme != NET_SCHEME_HTTPS)
			continue;
		net_address_format(&server->listen.at[i], text);
		report_mistake(report, line,
		               "listen: https://%s needs a certificate: tls: {certificate: PATH, "
		               "key: PATH}",
		               text);
	}
}

void config_check_listen(const struct config *config, unsigned line, struct report *report)
{
	loopback_check(config, line, report);
	scheme_check(config, line, report);
}

/* ---- published rules ------------------------------------------------------------------------- */

static void length_check(const struct reading *reading, size_t section, const char *api,
                         const struct policy *code)
{
	unsigned line = line_of(reading, section, "code.length");
	const char *left = rule_on_code(code);
	if (!line)
		line = line_of(reading, section, "code.alphabet");
	if (line && left)
		report_warning(reading->report, line, "%scode: %s", api, left);
}

static void life_check(const struct reading *reading, size_t section, const char *api,
                       const char *name, int64_t life_ms)
{
	unsigned line = line_of(reading, section, name);
	const char *left = rule_on_life(life_ms);
	if (line && left)
		report_warning(reading->report, line, "%s%s: %s", api, name, left);
}

static void limits_check(const struct reading *reading, size_t section, const char *api,
                         const struct limits *limits)
{
	unsigned line = line_of(reading, section, "limits.enabled");
	if (line && !limits->enabled)
		report_warning(reading->report, line,
		               "%slimits.enabled: without limits nothing but a code's own tries "
		               "stands between a number and who guesses or spends on it",
		               api);
}

/* What one layer gives, looked at with what it lies over. */
static void layer_check(const struct reading *reading, size_t section, const char *api,
                        const struct settings *settings)
{
	length_check(reading, section, api, &settings->code);
	life_check(reading, section, api, "code.ttl", settings->code.ttl_ms);
	limits_check(reading, section, api, &settings->limits);
}

static void rules_check(const struct reading *reading)
{
	static const char *const sections[API_NAMES] = {
#define API(name, section) [API_##name] = section ".",
#include "ops/api.def"
#undef API
	};
	const struct settings_layers *layers = &reading->config->layers;
	struct settings settings;
	for (size_t api = 0; api < API_NAMES; api++) {
		settings_resolve(layers, NULL, (enum api_name)api, &settings);
		layer_check(reading, 1 + api, sections[api], &settings);
	}
	settings_resolve(layers, NULL, API_DOTDIGITAL, &settings);
	life_check(reading, 1 + API_DOTDIGITAL, "", "dotdigital.ttl_max",
	           settings.dotdigital.ttl_max_ms);
	/* What the server says for all is told once. */
	settings_resolve_all(layers, &settings);
	layer_check(reading, 0, "", &settings);
}

void config_check(const struct reading *reading)
{
	config_check_listen(reading->config, line_of(reading, 0, "listen"), reading->report);
	rules_check(reading);
}
