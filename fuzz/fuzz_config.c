/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration files: whatever stands in one is answered by lines that are there and by words that
 * steer no terminal; what is taken lies within its limits. */
#include "fuzz.h"

#include "ops/config_private.h"
#include "ops/log.h"

#include <stdlib.h>

static void remarks_check(const struct report *report, struct bytes in)
{
	unsigned lines = 1, before = 0;
	for (size_t i = 0; i < in.len; i++)
		lines += in.at[i] == '\n' || in.at[i] == '\r' ||
		         (unsigned char)in.at[i] >= 0x80; /* some of these end a line too */
	for (const struct remark *remark = report->remarks; remark; remark = remark->next) {
		if (remark->line < before || remark->line > lines + 1)
			abort();
		before = remark->line;
		for (size_t at = 0; at < remark->text.len; at++)
			if (log_dangerous_len(bytes_from(remark->text, at)) == 1)
				abort();
	}
}

static void config_look(const struct config *config)
{
	struct settings settings;
	settings_resolve(&config->layers, NULL, API_DOTDIGITAL, &settings);
	if (settings.code.length < CODE_LENGTH_MIN || settings.code.length > CODE_LENGTH_MAX ||
	    settings.code.ttl_ms < 1000 || strlen(settings.code.alphabet) < 2 ||
	    settings.limits.sends_per_number.n > RATES_MAX || !config->server.listen.n ||
	    config->server.listen.n > NET_ADDRESSES_MAX ||
	    config->server.secret_keys.n > SECRET_KEYS_MAX ||
	    config->server.providers.n > PROVIDERS_MAX || !config->server.data[0])
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct bytes in = fuzz_input(at, len);
	struct config *config = calloc(1, sizeof(*config));
	struct reading *reading = calloc(1, sizeof(*reading));
	struct report report;
	struct yaml_node *root;
	if (!config || !reading)
		abort();
	report_init(&report, BYTES("fuzz"));
	server_settings_init(&config->server);
	reading->config = config;
	reading->report = &report;
	arena_init(&reading->arena);
	if (yaml_read(in, &reading->arena, &report, &root) != ERR_NO_MEMORY)
		reading_take_map(reading, root);
	if (!report.mistakes_n) {
		config_look(config);
		config_check(reading);
	}
	remarks_check(&report, in);
	report_done(&report);
	arena_done(&reading->arena);
	free(reading);
	config_free(config);
	return 0;
}
