/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/net_address.h"

#include <arpa/inet.h>
#include <stdio.h>

#define PORT_DIGITS_MAX 5
#define PORT_MAX 65535

static bool port_parse(struct bytes in, unsigned *ret)
{
	if (in.len == 0 || in.len > PORT_DIGITS_MAX)
		return false;
	unsigned port = 0;
	for (size_t i = 0; i < in.len; i++) {
		if (!ascii_is_digit(in.at[i]))
			return false;
		port = port * 10 + (unsigned)(in.at[i] - '0');
	}
	*ret = port;
	return port <= PORT_MAX;
}

static bool host_parse(struct bytes in, struct net_address *ret)
{
	struct in6_addr address; /* room for either */
	if (in.len == 0 || in.len >= sizeof(ret->host) || bytes_find(in, '\0') < in.len)
		return false;
	memcpy(ret->host, in.at, in.len);
	ret->host[in.len] = '\0';
	return inet_pton(ret->ipv6 ? AF_INET6 : AF_INET, ret->host, &address) == 1;
}

/* Takes the scheme off the front. */
static enum net_scheme scheme_take(struct bytes *in)
{
	static const struct {
		struct bytes text;
		enum net_scheme scheme;
	} schemes[] = {
	    {BYTES("http://"), NET_SCHEME_HTTP},
	    {BYTES("https://"), NET_SCHEME_HTTPS},
	};
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (!bytes_start_with(*in, schemes[i].text))
			continue;
		*in = bytes_from(*in, schemes[i].text.len);
		return schemes[i].scheme;
	}
	return NET_SCHEME_NONE;
}

enum err net_address_parse(struct bytes in, struct net_address *ret)
{
	struct net_address made = {.scheme = scheme_take(&in)};
	made.ipv6 = in.len > 0 && in.at[0] == '[';
	struct bytes host = made.ipv6 ? bytes_from(in, 1) : in;
	size_t end = bytes_find(host, made.ipv6 ? ']' : ':');
	struct bytes rest = bytes_from(host, made.ipv6 ? end + 1 : end);
	if (rest.len == 0 || rest.at[0] != ':' || !port_parse(bytes_from(rest, 1), &made.port) ||
	    !host_parse(bytes_first(host, end), &made))
		return ERR_MALFORMED;
	*ret = made;
	return OK;
}

void net_address_format(const struct net_address *address, char ret[NET_ADDRESS_TEXT_MAX])
{
	(void)snprintf(ret, NET_ADDRESS_TEXT_MAX, address->ipv6 ? "[%s]:%u" : "%s:%u",
	               address->host, address->port);
}

bool net_address_is_loopback(const struct net_address *address)
{
	struct bytes host = bytes_from_text(address->host);
	return address->ipv6 ? bytes_equal(host, BYTES("::1"))
	                     : bytes_start_with(host, BYTES("127."));
}

/* ---- places ---------------------------------------------------------------------------------- */

static bool path_parse(struct bytes in, struct net_place *ret)
{
	if (in.len == 0 || in.len > NET_PATH_MAX || in.at[0] != '/' || in.at[in.len - 1] == '/')
		return false;
	for (size_t i = 0; i < in.len; i++)
		if ((unsigned char)in.at[i] < ' ' || in.at[i] == 0x7F)
			return false;
	memcpy(ret->path, in.at, in.len);
	return true;
}

enum err net_place_parse(struct bytes in, struct net_place *ret)
{
	static const struct bytes unix_scheme = {"unix:", 5};
	struct net_place made = {0};
	if (bytes_start_with(in, unix_scheme)) {
		if (!path_parse(bytes_from(in, unix_scheme.len), &made))
			return ERR_MALFORMED;
	} else if (in.len && net_address_parse(in, &made.address) != OK) {
		return ERR_MALFORMED;
	}
	*ret = made;
	return OK;
}

void net_place_format(const struct net_place *place, char ret[NET_PLACE_TEXT_MAX])
{
	ret[0] = '\0';
	if (place->path[0])
		(void)snprintf(ret, NET_PLACE_TEXT_MAX, "unix:%s", place->path);
	else if (!net_place_is_none(place))
		net_address_format(&place->address, ret);
}

bool net_place_is_none(const struct net_place *place)
{
	return !place->path[0] && !place->address.host[0];
}
