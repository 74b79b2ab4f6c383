/* SPDX-License-Identifier: Apache-2.0 */
/* Limits per client, end user's address and typed identifier: counted on this loop (core/tally) and
 * merged with all others through the store each second. What was typed and where it came from is
 * kept as a keyed hash only. */
#ifndef API_QUOTA_H
#define API_QUOTA_H

#include "api/api.h"

enum quota {
#define QUOTA(name, text, rates, per_tenant) QUOTA_##name,
#include "api/quota.def"
#undef QUOTA
	QUOTAS,
};

/* One who is counted, in one respect. */
struct quota_who {
	enum quota quota;
	struct bytes tenant;
	struct bytes name; /* a client's name, an address as text, what was typed */
};

/* How long until one more is allowed; 0: now, also when limits are off. */
int64_t quota_wait_ms(struct api *api, const struct quota_who *who, const struct limits *limits);
/* Counts one more. */
void quota_charge(struct api *api, const struct quota_who *who, const struct limits *limits);

/* For api_init, api_done (no merge is under way) and every tick. ERR_RANDOM. */
MUST_CHECK enum err quotas_init(struct api *api);
void quotas_done(struct api *api);
void quotas_tick(struct api *api);

#endif
