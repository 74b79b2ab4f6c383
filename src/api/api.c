/* SPDX-License-Identifier: Apache-2.0 */
#include "api/api.h"

#include "api/directory.h"
#include "api/route.h"

enum err api_init(struct api *api, const struct api_shared *shared, const struct flow_ports *ports,
                  struct executor *executor)
{
	uint8_t key[SECRET_KEY_LEN];
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
	enum err err = secret_random(key, sizeof(key));
	if (err == OK)
		err = map_init(&api->accounts);
	if (err)
		return err;
	api->password_mac = hmac_new((struct bytes){(const char *)key, sizeof(key)});
	secret_wipe(key, sizeof(key));
	return api->password_mac ? OK : ERR_NO_MEMORY;
}

void api_done(struct api *api)
{
	directory_forget(api);
	map_done(&api->accounts);
	hmac_free(api->password_mac);
	api->password_mac = NULL;
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
	/* A store that cannot be asked cannot vouch for what we keep either. */
	if (api->store->ops->generation(api->store, &generation) != OK ||
	    generation != api->generation) {
		directory_forget(api);
		if (api->store->ops->generation(api->store, &generation) == OK)
			api->generation = generation;
	}
}
