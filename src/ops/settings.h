/* SPDX-License-Identifier: Apache-2.0 */
/* Settings: the structs that the table (option.def) fills, values in layers, and which layer wins.
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
#include "ops/option.h"
#include "wire/net_address.h"

#define CONFIG_PATH_MAX 1024
#define SECRET_KEYS_MAX 16
#define SECRET_KEY_ID_MAX 32
#define TLS_ENTRIES_MAX 16
#define PROVIDERS_MAX 1 /* the only type is the inbox */
#define PROVIDER_NAME_MAX 32
#define MANAGE_PREFIX_MAX 64

/* The dialects that have a section of their own. */
enum api_name {
#define API(name, section) API_##name,
#include "ops/api.def"
#undef API
	API_NAMES
};

/* What an API serves by: the rows OPTION. */
struct settings {
	struct policy code;
	struct limits limits;
	bool unique_verified_phone; /* settings_phones_are_unique has the last word */
	struct {
		bool enabled;
		uint16_t create_status;
		char unverified_label[32];
		char default_from[16];
		char number_status[4];
		int64_t ttl_max_ms;
	} dotdigital;
	struct {
		bool enabled;
		char region[4]; /* empty: none */
	} manage;
};

/* One of `secret_keys`. */
struct secret_key_entry {
	char id[SECRET_KEY_ID_MAX + 1];
	uint8_t key[SECRET_KEY_LEN];
};

/* One of `tls`. */
struct tls_entry {
	char certificate[CONFIG_PATH_MAX]; /* paths */
	char key[CONFIG_PATH_MAX];
};

/* One of `deliver.providers`. */
struct provider_entry {
	char name[PROVIDER_NAME_MAX + 1];
	uint8_t type; /* enum provider_type */
};

enum numbers_require { NUMBERS_POSSIBLE, NUMBERS_VALID };
enum store_type { STORE_SQLITE };
enum provider_type { PROVIDER_INBOX };

/* What the server itself goes by: the rows SERVER and LIST. */
struct server_settings {
	struct net_addresses listen;
	struct net_place admin_listen;
	struct {
		size_t n;
		struct tls_entry at[TLS_ENTRIES_MAX];
	} tls;
	char data[CONFIG_PATH_MAX]; /* a path */
	uint8_t store;              /* enum store_type */
	uint32_t wal_pages;
	struct {
		size_t n; /* 0: the data folder's own key */
		struct secret_key_entry at[SECRET_KEYS_MAX];
	} secret_keys;
	int64_t retention_ms;
	struct {
		int64_t head_ms, request_ms, idle_ms, http2_idle_ms, body_rate;
		size_t head_max, fields_max, target_max;
	} net;
	uint8_t numbers_require; /* enum numbers_require */
	char manage_prefix[MANAGE_PREFIX_MAX + 1];
	char inbox_token[128]; /* empty: none */
	struct {
		size_t n;
		struct provider_entry at[PROVIDERS_MAX];
	} providers;
};

/* What one layer gives: given[n] is row n of the table. */
struct settings_layer {
	bool given[OPTIONS];
	struct settings values;
};

/* Somebody's settings: what they say for every API, and for each of them. */
struct settings_layers {
	struct settings_layer all;
	struct settings_layer of_api[API_NAMES];
};

/* A value was refused: the key's path and a sentence that says what is allowed. */
struct settings_mistake {
	char key[OPTION_PATH_MAX + 1];
	struct problem why;
};

/* The built-in values. */
void settings_init(struct settings *settings);
void server_settings_init(struct server_settings *server);

/* Sets one OPTION of the table by its name from text as a configuration file has it ("10m", "true",
 * a list separated by blanks). False: *reterr says why. */
bool settings_set(struct settings_layer *layer, struct bytes name, struct bytes text,
                  struct settings_mistake *reterr);

/* The layer that a key's path belongs to: an API's section is a layer of its own, in which `code`
 * and `limits` go by the names that they have outside. Cuts *name to that. */
struct settings_layer *settings_layer_of(struct settings_layers *layers, struct bytes *name);

/* Reads a tenant's `settings` object: `code` and `limits`, and the same and their own options in
 * an API's section. */
MUST_CHECK enum err settings_read_json(struct bytes json, struct arena *arena,
                                       struct settings_layers *ret,
                                       struct settings_mistake *reterr);

/* The settings by which `api` serves: `server` over the built-in ones, `tenant` (may be NULL) over
 * that. */
void settings_resolve(const struct settings_layers *server, const struct settings_layers *tenant,
                      enum api_name api, struct settings *ret);

/* Whether no two users of a tenant may have one number verified: what the tenant says (`tenant` may
 * be NULL), else the server, else whether it is a Kii app. */
bool settings_phones_are_unique(const struct settings_layers *server,
                                const struct settings_layers *tenant, bool is_kii_app);

/* Whether the server serves the API: its section's `enabled`. */
bool settings_serve(const struct settings_layers *server, enum api_name api);
/* What the server says for every API, over the built-in values. */
void settings_resolve_all(const struct settings_layers *server, struct settings *ret);

/* Whether the limits in `ours` are at least as strict as those in `theirs`; else *reterr names the
 * first that is looser. */
bool settings_are_stricter(const struct settings *ours, const struct settings *theirs,
                           struct settings_mistake *reterr);

#endif
