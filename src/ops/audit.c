/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/audit.h"

#include "base/when.h"
#include "core/code.h"

#include <stdlib.h>

struct audit {
	uint8_t (*hashes)[16]; /* owned; of the number, one a key */
	size_t hashes_n;
	FILE *out;
	size_t n;
};

static void write_field(FILE *out, struct bytes text)
{
	(void)fprintf(out, "\t%.*s", text.len ? (int)text.len : 1, text.len ? text.at : "-");
}

static bool is_about_it(const struct audit *audit, const struct event *event)
{
	for (size_t i = 0; i < audit->hashes_n; i++)
		if (memcmp(audit->hashes[i], event->number_hash, sizeof(event->number_hash)) == 0)
			return true;
	return false;
}

static bool on_event(void *about, const void *record)
{
	struct audit *audit = about;
	const struct event *event = record;
	char when[WHEN_TEXT_LEN + 1], id[ID_TEXT_LEN + 1] = "";
	if (!is_about_it(audit, event))
		return true;
	bool has_moment = event->at_ms >= 0 && event->at_ms <= WHEN_MAX_MS;
	when_format(has_moment ? event->at_ms : 0, when);
	if (!id_is_zero(&event->verification))
		id_format(&event->verification, id);
	(void)fputs(when, audit->out);
	write_field(audit->out, event->kind);
	write_field(audit->out, event->reason);
	write_field(audit->out, event->tenant);
	write_field(audit->out, event->dialect);
	write_field(audit->out, bytes_from_text(id));
	if (event->count > 1)
		(void)fprintf(audit->out, "\tx%u", event->count);
	audit->n++;
	return fputc('\n', audit->out) != EOF;
}

static enum err hashes_make(struct audit *audit, struct keyring *keyring,
                            const struct number *number)
{
	size_t n = keyring_size(keyring);
	audit->hashes = calloc(n, sizeof(*audit->hashes));
	if (!audit->hashes)
		return ERR_NO_MEMORY;
	for (; audit->hashes_n < n; audit->hashes_n++) {
		struct bytes id = keyring_id(keyring, audit->hashes_n);
		enum err err = number_hash_by(keyring, id, number, audit->hashes[audit->hashes_n]);
		if (err)
			return err;
	}
	return OK;
}

enum err audit_run(const struct walk_store *from, struct keyring *keyring,
                   const struct number *number, FILE *out, size_t *ret_n)
{
	struct audit audit = {.out = out};
	enum err err = hashes_make(&audit, keyring, number);
	if (!err)
		err = walk_all(from, CHANGE_EVENT, NULL, on_event, &audit);
	if (!err && (fflush(out) != 0 || ferror(out)))
		err = ERR_IO;
	free(audit.hashes);
	*ret_n = audit.n;
	return err;
}
