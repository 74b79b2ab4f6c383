/* SPDX-License-Identifier: Apache-2.0 */
#include "tool.h"

#include "ops/secret_file.h"
#include "store/sqlite.h"

struct waiting {
	struct io_hook hook;
	struct io_loop *loop;
	const bool *done;
};

static void stop_when_done(struct io_hook *hook)
{
	const struct waiting *waiting = CONTAINER_OF(hook, struct waiting, hook);
	if (*waiting->done)
		io_loop_stop(waiting->loop);
}

void tool_run_until(void *loop, const bool *done)
{
	struct waiting waiting = {.hook.run = stop_when_done, .loop = loop, .done = done};
	io_loop_on_round_end(waiting.loop, &waiting.hook);
	while (!*done)
		io_loop_run(waiting.loop);
	list_remove(&waiting.hook.link);
}

static struct keyring *keyring_open(const struct config *config, struct problem *reterr)
{
	struct secret_key keys[SECRET_KEYS_MAX];
	struct keyring *keyring = NULL;
	size_t n;
	if (secret_keys_load(config, keys, &n, reterr)) {
		keyring = keyring_new(keys, n);
		if (!keyring)
			(void)problem_say(reterr, "out of memory");
	}
	secret_wipe(keys, sizeof(keys));
	return keyring;
}

static bool parts_open(struct tool_store *tool, const struct config *config, struct problem *reterr)
{
	const char *folder = config->server.data;
	const struct sqlite_options options = {.directory = folder};
	if (!data_folder_make(folder, reterr) || !(tool->keyring = keyring_open(config, reterr)))
		return false;
	tool->loop = io_loop_new();
	if (!tool->loop)
		return problem_say(reterr, "out of memory or descriptors");
	if (sqlite_open(&options, &tool->opened, reterr) != OK)
		return false;
	tool->store = sqlite_attach(tool->opened, io_loop_executor(tool->loop));
	return tool->store || problem_say(reterr, "%s: the database cannot be read", folder);
}

bool tool_store_open(struct tool_store *tool, const struct config *config, struct problem *reterr)
{
	*tool = (struct tool_store){0};
	if (parts_open(tool, config, reterr))
		return true;
	tool_store_close(tool);
	return false;
}

void tool_store_close(struct tool_store *tool)
{
	if (tool->store)
		tool->store->ops->close(tool->store);
	sqlite_close(tool->opened);
	io_loop_free(tool->loop);
	keyring_free(tool->keyring);
}
