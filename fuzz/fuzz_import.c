/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of an import, laid over a store that has nothing but one tenant: read, merged, refused or
 * stored. Inputs with something to hash are left out: each would take 20 ms. */
#include "fuzz.h"

#include "ops/import.h"

#include <stdlib.h>

static void load(struct store *store, struct store_load *load)
{
	static struct tenant tenant = {.id = BYTES("shop"), .name = BYTES("Shop"), .version = 1};
	(void)store;
	load->err = OK;
	if (load->want & WANT_TENANT && bytes_equal(load->tenant, tenant.id))
		load->tenant_record = &tenant;
	load->on_done(load);
}

static void commit(struct store *store, struct store_commit *commit)
{
	(void)store;
	for (size_t i = 0; i < commit->changes_n; i++)
		if (!commit->changes[i].record)
			abort();
	commit->err = OK;
	commit->on_done(commit);
}

static void run_until(void *context, const bool *done)
{
	(void)context;
	if (!*done)
		abort();
}

static bool has_secret(struct bytes in)
{
	return memmem(in.at, in.len, "ecret", 5) || memmem(in.at, in.len, "password", 8) ||
	       memmem(in.at, in.len, "\\u", 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	static const struct store_ops ops = {.load = load, .commit = commit};
	static const struct settings_layers server;
	struct store store = {&ops};
	struct bytes in = fuzz_input(at, len);
	const struct secret_key key = {.id = BYTES("fuzz")};
	if (!len || has_secret(in))
		return 0;
	/* Anew each time: where keys lie no search for leaks looks. */
	struct keyring *keyring = keyring_new(&key, 1);
	if (!keyring)
		abort();
	const struct import_options options = {
	    .store = &store,
	    .keyring = keyring,
	    .server = &server,
	    .now_ms = 1,
	    .run_until = run_until,
	};
	FILE *input = fmemopen((void *)(uintptr_t)in.at, in.len, "r");
	char *told = NULL;
	size_t told_len = 0, n = 0;
	FILE *mistakes = open_memstream(&told, &told_len);
	if (!input || !mistakes)
		abort();
	enum import_result result = import_run(&options, input, "in", mistakes, &n);
	(void)fclose(mistakes);
	(void)fclose(input);
	/* What is refused is told, and each line of that begins with its place. */
	if (result != IMPORT_DONE && (!told_len || n))
		abort();
	if (told_len && strncmp(told, "in:", 3) != 0)
		abort();
	free(told);
	keyring_free(keyring);
	return 0;
}
