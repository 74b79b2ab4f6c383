/* SPDX-License-Identifier: Apache-2.0 */
/* api: what clients speak. This room picks the owner of a path (route.h), knows who calls
 * (directory.h, auth.h), and has one folder per dialect: a dialect spells, it never decides.
 *
 * `struct api` is what a loop thread's requests share. main makes one a loop. */
#ifndef API_API_H
#define API_API_H

#include "api/request.h"
#include "base/map.h"
#include "base/secret.h"
#include "base/task.h"
#include "core/flow.h"
#include "ops/metrics.h"
#include "ops/settings.h"

struct inbox_port;
struct operator_port;

/* What a loop keeps of those who may call (api/directory). */
enum directory_kind { DIRECTORY_TENANT, DIRECTORY_CLIENT, DIRECTORY_KEY, DIRECTORY_KINDS };

/* Secrets that were right, and those being compared (api/password). */
struct passwords {
	struct hmac *mac; /* owned: names right secrets without keeping them */
	struct map known;
	struct list jobs;
};

/* What this loop counts per client, address and typed name (api/quota). */
struct quotas {
	struct tally_table table;
	struct tally_row *rows; /* owned: those of the merge */
	struct store_tally merge;
	bool merging;
	int64_t merged_ms;
};

/* What every loop's api has in common. All borrowed; never changed while an api looks at it. */
struct api_shared {
	const struct settings_layers *settings; /* the server's */
	bool api_off[API_NAMES];                /* not served */
	struct worker_pool *workers;            /* for passwords */
	struct operator_port *operator_port;    /* for /readyz and /metrics */
	bool can_send;                          /* a provider is configured */
	struct inbox_port *inbox;               /* NULL: no inbox is served */
	struct bytes inbox_token;               /* the inbox is for who shows it; absent: none */
	bool operator_pages;                    /* shown on public listeners, too */
	bool loopback_hosts_only;               /* the inbox answers only to local names */
	bool dev_page;                          /* GET / shows where to go */
	struct bytes manage_prefix;             /* "/manage", or empty */
	bool numbers_valid;                     /* numbers.require: valid */
};

struct api {
	struct request_handler handler; /* what transports call */
	const struct api_shared *shared;
	struct flow flow;
	struct store *store;       /* borrowed: this loop's handle */
	struct executor *executor; /* borrowed: this loop's */
	struct rng *rng;           /* borrowed */
	int64_t (*now_ms)(void *clock);
	void *clock;
	struct map directory[DIRECTORY_KINDS]; /* by id, name or digest */
	uint64_t generation;                   /* of the store, that the directory was made of */
	struct passwords passwords;
	struct quotas quotas;
	struct metrics_counts counts; /* this loop's */
};

/* `ports` as for flow_init; the store's and clock's are used by the directory too. */
MUST_CHECK enum err api_init(struct api *api, const struct api_shared *shared,
                             const struct flow_ports *ports, struct executor *executor);
/* No request is under way. */
void api_done(struct api *api);
/* From now on by `shared`: accounts are loaded and their settings laid out anew. */
void api_reload(struct api *api, const struct api_shared *shared);
/* Call twice a second: forgets what another process changed, writes merged refusals. */
void api_tick(struct api *api);

static inline int64_t api_now_ms(const struct api *api)
{
	return api->now_ms(api->clock);
}

static inline struct api *api_of(struct request_handler *handler)
{
	return (struct api *)(void *)handler;
}

#endif
