/* SPDX-License-Identifier: Apache-2.0 */
/* Where the operator asks: `admin_listen`, a socket's file or a port of loopback. */
#include "io/listener.h"
#include "ops/log.h"
#include "serve_private.h"

#include <string.h>
#include <sys/stat.h>

/* Whoever runs the server by hand has no folder in /run, and has asked for nothing there. */
static bool is_left_out(const struct config *config)
{
	const char *path = config->server.admin_listen.path;
	char folder[NET_PATH_MAX + 1];
	struct stat there;
	if (config->admin_given || !path[0])
		return false;
	(void)snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(path, '/') - path), path);
	if (stat(folder, &there) == 0)
		return false;
	LOG(LOG_WARNING, "admin-listen", log_text("missing", bytes_from_text(folder)),
	    log_text("consequence",
	             BYTES("metrics are nowhere; name a place with admin_listen, or none: \"\"")));
	return true;
}

static bool port_open(const struct net_address *address, struct net_address *ret, int *ret_fd,
                      struct problem *reterr)
{
	*ret = *address;
	enum err err =
	    listener_bind(address->host, address->ipv6, address->port, false, ret_fd, &ret->port);
	char text[NET_ADDRESS_TEXT_MAX];
	net_address_format(address, text);
	return err == OK || problem_say(reterr,
	                                err == ERR_BUSY ? "%s is in use by another program"
	                                                : "cannot listen on %s",
	                                text);
}

bool serve_admin_open(struct serve *serve, struct problem *reterr)
{
	const struct net_place *place = &serve->config->server.admin_listen;
	struct problem why;
	serve->admin = (struct net_admin){.fd = -1, .is_file = place->path[0] != '\0'};
	if (net_place_is_none(place) || is_left_out(serve->config))
		return true;
	bool open =
	    serve->admin.is_file
		? socket_file_bind(place->path, &serve->admin_file, &serve->admin.fd, &why) == OK
		: port_open(&place->address, &serve->admin_place.address, &serve->admin.fd, &why);
	if (serve->admin.is_file)
		serve->admin_place = *place;
	return open || problem_say(reterr, "admin_listen: %s", why.text);
}

void serve_admin_announce(const struct serve *serve)
{
	char text[NET_PLACE_TEXT_MAX];
	if (serve->admin.fd < 0)
		return;
	net_place_format(&serve->admin_place, text);
	LOG(LOG_INFO, "admin-listening", log_text("address", bytes_from_text(text)));
}
