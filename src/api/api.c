/* SPDX-License-Identifier: Apache-2.0 */
#include "api/api.h"

#include "api/directory.h"
#include "api/password.h"
#include "api/quota.h"
#include "api/route.h"

enum err api_init(struct api *api, const struct api_shared *shared, const struct flow_ports *ports,
                  struct executor *executor)
{
	*api = (struct api){
	    .handler = {.on_head = route_on_head,
	                .on_too_large = route_on_too_large,
	                .on_request = route_on_request},
	    .shared = shared,
	    .store = ports->store,
	    .executor = executor,
	    .rng = ports->rng,
	    .now_ms = ports->now_ms,
	    .clock = ports->clock,
	};
	flow_init(&api->flow, ports);
	enum err err = directory_init(api);
	if (err == OK)
		err = passwords_init(&api->passwords);
	return err ? err : quotas_init(api);
}

void api_done(struct api *api)
{
	directory_forget(api);
	passwords_done(&api->passwords);
	quotas_done(api);
}

void api_reload(struct api *api, const struct api_shared *shared)
{
	api->shared = shared;
	directory_forget(api);
}

void api_tick(struct api *api)
{
	uint64_t generation;
	flow_tick(&api->flow);
	quotas_tick(api);
	/* A store that cannot be asked cannot vouch for what we keep either. */
	if (api->store->ops->generation(api->store, &generation) != OK ||
	    generation != api->generation) {
		directory_forget(api);
		passwords_forget(&api->passwords);
		if (api->store->ops->generation(api->store, &generation) == OK)
			api->generation = generation;
	}
}
