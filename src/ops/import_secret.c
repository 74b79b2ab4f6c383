/* SPDX-License-Identifier: Apache-2.0 */
/* What is secret in the records of an import: passwords and chosen secrets hashed, a system's
 * secret sealed, a fixed code kept as a MAC. A hash takes 20 ms of a core and 19 MiB; so they are
 * made by as many threads as there are cores, and once, however often the merge is made anew. */
#include "ops/import_private.h"

#include "base/password.h"
#include "core/code.h"
#include "core/seal.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#define HASHERS_MAX 64

/* ---- hashing --------------------------------------------------------------------------------- */

struct hashing {
	struct import *import;
	atomic_size_t next; /* record */
	_Atomic int err;    /* enum err; the first one ends it */
};

static void *hash_some(void *about)
{
	struct hashing *hashing = about;
	struct import *import = hashing->import;
	size_t i;
	while (!hashing->err && (i = atomic_fetch_add(&hashing->next, 1)) < import->records_n) {
		struct import_record *record = &import->records[i];
		if (!record->hash || record->hash[0])
			continue;
		enum err err = password_hash(record->secret, record->hash);
		if (err)
			hashing->err = err;
	}
	return NULL;
}

static bool is_hashed(const struct import_record *record)
{
	return record->type == RECORD_TENANT || record->type == RECORD_CLIENT ||
	       record->type == RECORD_USER;
}

static bool is_stored(const struct import *import, const struct import_record *record)
{
	return !(import->options->only_absent && record->exists);
}

/* Gives each secret that must be hashed room for it; how many there are. */
static enum err hashes_prepare(struct import *import, size_t *ret_n)
{
	*ret_n = 0;
	for (size_t i = 0; i < import->records_n; i++) {
		struct import_record *record = &import->records[i];
		if (!is_hashed(record) || !record->secret.at || record->hash ||
		    !is_stored(import, record) || password_is_hash(record->secret))
			continue;
		record->hash = arena_take(&import->arena, PASSWORD_HASH_MAX);
		if (!record->hash)
			return ERR_NO_MEMORY;
		++*ret_n;
	}
	return OK;
}

static enum err hashes_make(struct import *import, size_t n)
{
	struct hashing hashing = {.import = import};
	pthread_t threads[HASHERS_MAX];
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	size_t started = 0, wanted = cores < 1 ? 1 : (size_t)cores;
	if (wanted > n)
		wanted = n;
	if (wanted > HASHERS_MAX)
		wanted = HASHERS_MAX;
	/* This thread is one of them; fewer are as good. */
	while (started + 1 < wanted &&
	       pthread_create(&threads[started], NULL, hash_some, &hashing) == 0)
		started++;
	(void)hash_some(&hashing);
	for (size_t i = 0; i < started; i++)
		(void)pthread_join(threads[i], NULL);
	return (enum err)hashing.err;
}

/* The hash of the record's secret: made, or as given. */
static struct bytes hash_of(const struct import_record *record)
{
	return record->hash ? bytes_from_text(record->hash) : record->secret;
}

/* ---- the others ------------------------------------------------------------------------------ */

static enum err system_seal(struct import *import, struct import_record *record)
{
	struct system *system = &record->system;
	size_t len = record->secret.len + SEAL_OVERHEAD;
	uint8_t *sealed = arena_take(&import->merged, len);
	if (!sealed)
		return ERR_NO_MEMORY;
	system->key_id = keyring_writing_id(import->options->keyring);
	system->sealed_secret = (struct bytes){(const char *)sealed, len};
	return seal_make(import->options->keyring, &import->rng.rng, system->tenant, system->id,
	                 record->secret, sealed);
}

static enum err code_choose(struct import *import, struct import_record *record)
{
	struct line *line = &record->number;
	struct keyring *keyring = import->options->keyring;
	line->chosen = true;
	line->chosen_length = (uint8_t)record->secret.len;
	line->chosen_key_id = keyring_writing_id(keyring);
	return code_mac_chosen(keyring, line->chosen_key_id, line->tenant, &line->number,
	                       record->secret, line->chosen_mac);
}

static enum err secret_place(struct import *import, struct import_record *record)
{
	switch (record->type) {
	case RECORD_TENANT:
		record->tenant.kii_client_secret_hash = hash_of(record);
		return OK;
	case RECORD_CLIENT:
		record->client.secret_hash = hash_of(record);
		return OK;
	case RECORD_USER:
		record->person->user.password_hash = hash_of(record);
		return OK;
	case RECORD_SYSTEM:
		return system_seal(import, record);
	case RECORD_NUMBER:
		return code_choose(import, record);
	case RECORD_KEY:
	case RECORD_TYPES:
		break;
	}
	return OK;
}

enum err import_secrets(struct import *import)
{
	size_t n;
	enum err err = hashes_prepare(import, &n);
	if (!err && n)
		err = hashes_make(import, n);
	for (size_t i = 0; i < import->records_n && !err; i++) {
		struct import_record *record = &import->records[i];
		if (record->secret.at && is_stored(import, record))
			err = secret_place(import, record);
	}
	return err;
}
