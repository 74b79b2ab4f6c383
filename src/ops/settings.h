/* SPDX-License-Identifier: Apache-2.0 */
/* Settings: one table (option.def), values in layers, and which layer wins.
 *
 *   tenant's API section > tenant > server's API section > server > the API's built-in > built-in
 *
 * A layer holds only what was given. Laid over one another they make the settings by which one
 * API serves one tenant: computed when the tenant is loaded, so that a request looks nothing up. */
#ifndef OPS_SETTINGS_H
#define OPS_SETTINGS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/problem.h"
#include "core/limits.h"
#include "core/record.h"

/* The dialects that have a section of their own. */
enum api_name { API_DOTDIGITAL, API_NAMES };

struct settings {
	struct policy code;
	struct limits limits;
	struct {
		bool enabled;
		uint16_t create_status;
		char unverified_label[32];
		char default_from[16];
		char number_status[4];
		int64_t ttl_max_ms;
	} dotdigital;
	int64_t retention_ms;
	uint32_t wal_pages;
};

/* What one layer gives: bit n of `given` is option n. */
struct settings_layer {
	uint64_t given;
	struct settings values;
};

/* Somebody's settings: what they say for every API, and for each of them. */
struct settings_layers {
	struct settings_layer all;
	struct settings_layer of_api[API_NAMES];
};

/* Where and why a value was refused: a key's path and a sentence that says what is allowed. */
struct settings_mistake {
	char key[64];
	struct problem why;
};

/* The built-in values. */
void settings_init(struct settings *settings);

/* Whether there is such an option and only the server may say it. */
bool settings_is_servers(struct bytes name);

/* Sets one option by its name from text as a configuration file has it ("10m", "true", a list
 * separated by blanks). False: *reterr says why. */
bool settings_set(struct settings_layer *layer, struct bytes name, struct bytes text,
                  struct settings_mistake *reterr);

/* Reads a tenant's `settings` object: `code` and `limits`, and the same and their own options in
 * an API's section. */
MUST_CHECK enum err settings_read_json(struct bytes json, struct arena *arena,
                                       struct settings_layers *ret,
                                       struct settings_mistake *reterr);

/* The settings by which `api` serves: `server` over the built-in ones, `tenant` (may be NULL) over
 * that. */
void settings_resolve(const struct settings_layers *server, const struct settings_layers *tenant,
                      enum api_name api, struct settings *ret);

/* Whether the limits in `ours` are at least as strict as those in `theirs`; else *reterr names the
 * first that is looser. */
bool settings_are_stricter(const struct settings *ours, const struct settings *theirs,
                           struct settings_mistake *reterr);

/* Reads a duration: digits and one of s, m, h, d. False for anything else. */
bool duration_parse(struct bytes text, int64_t *ret_ms);

#endif
