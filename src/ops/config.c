/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/config.h"

#include <assert.h>
#include <stdlib.h>

#define DATA_DEFAULT "/var/lib/verifyd"
#define DATA_DEV "./var"
#define LISTEN_DEFAULT "127.0.0.1:8080"

static void set(struct config *config, struct bytes name, struct bytes text)
{
	struct settings_mistake mistake;
	bool sound = settings_set(&config->layers.all, name, text, &mistake);
	assert(sound);
	(void)sound;
}

static bool listen_add(struct config *config, const char *text, struct problem *reterr)
{
	struct net_address *address = &config->listen[config->listen_n++];
	if (net_address_parse(bytes_from_text(text), address) != OK)
		return problem_say(
		    reterr, "--listen takes ADDRESS:PORT, as in 127.0.0.1:8080, not %s", text);
	if (config->dev && !net_address_is_loopback(address))
		return problem_say(
		    reterr, "--dev listens on loopback only (127.0.0.1, [::1]), not on %s", text);
	return true;
}

static bool flags_take(struct config *config, const struct config_flags *flags,
                       struct problem *reterr)
{
	const char *data = flags->data ? flags->data : config->dev ? DATA_DEV : DATA_DEFAULT;
	size_t len = strlen(data);
	if (!len || len >= sizeof(config->data))
		return problem_say(reterr, "--data takes a folder");
	memcpy(config->data, data, len + 1);
	for (size_t i = 0; i < flags->listen_n; i++)
		if (!listen_add(config, flags->listen[i], reterr))
			return false;
	return flags->listen_n || listen_add(config, LISTEN_DEFAULT, reterr);
}

struct config *config_new(const struct config_flags *flags, struct problem *reterr)
{
	struct config *config = calloc(1, sizeof(*config));
	if (!config) {
		(void)problem_say(reterr, "out of memory");
		return NULL;
	}
	config->dev = flags->dev;
	if (config->dev)
		set(config, BYTES("limits.enabled"), BYTES("false"));
	if (flags_take(config, flags, reterr))
		return config;
	config_free(config);
	return NULL;
}

void config_free(struct config *config)
{
	free(config);
}
