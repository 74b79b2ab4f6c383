/* SPDX-License-Identifier: Apache-2.0 */
/* verifyd-memory: the server on the memory store, for tests only. It is `serve --dev` on a free
 * port of loopback, save that it forgets everything when it ends, and that its store answers late
 * and out of order:
 *
 *     verifyd-memory --data FOLDER [--seed N]
 *
 * The folder holds the secret key and nothing else. */
#include "serve.h"
#include "store/memory.h"

#include <stdlib.h>

static uint64_t seed = 1;

static void *on_open(const struct serve_options *options, const struct settings *settings,
                     struct problem *reterr)
{
	(void)options;
	(void)settings;
	struct memory_store *memory = memory_new(seed);
	if (!memory)
		(void)problem_say(reterr, "out of memory");
	return memory;
}

static struct store *on_attach(void *opened, struct executor *executor)
{
	return memory_attach(opened, executor);
}

static void on_close(void *opened)
{
	memory_free(opened);
}

static const struct serve_store serve_on_memory = {
    .open = on_open,
    .attach = on_attach,
    .close = on_close,
};

int main(int argc, char **argv)
{
	struct serve_options options = {
	    .dev = true,
	    .addresses = {{.host = "127.0.0.1"}},
	    .addresses_n = 1,
	};
	for (int i = 1; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--data") == 0)
			options.data = argv[i + 1];
		else if (strcmp(argv[i], "--seed") == 0)
			seed = strtoull(argv[i + 1], NULL, 10);
	}
	if (!options.data) {
		(void)fprintf(stderr, "usage: verifyd-memory --data FOLDER [--seed N]\n");
		return 2;
	}
	return serve_run(&options, &serve_on_memory);
}
