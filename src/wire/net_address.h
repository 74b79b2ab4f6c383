/* SPDX-License-Identifier: Apache-2.0 */
/* An address that a server listens on, as text and back. No names: nothing here waits for a
 * resolver. */
#ifndef WIRE_NET_ADDRESS_H
#define WIRE_NET_ADDRESS_H

#include "base/bytes.h"
#include "base/err.h"

#define NET_ADDRESSES_MAX 16    /* of one server */
#define NET_HOST_MAX 46         /* an IPv6 address as text, and a NUL */
#define NET_ADDRESS_TEXT_MAX 56 /* the same with [], : and a port */

/* What is spoken there: said before the address, or left to whether there is a certificate. */
enum net_scheme { NET_SCHEME_NONE, NET_SCHEME_HTTP, NET_SCHEME_HTTPS };

struct net_address {
	enum net_scheme scheme;
	char host[NET_HOST_MAX]; /* as text; IPv6 without brackets */
	bool ipv6;
	unsigned port;
};

struct net_addresses {
	size_t n;
	struct net_address at[NET_ADDRESSES_MAX];
};

/* Reads ADDR:PORT: an IPv4 address or an [IPv6] one and a port from 0 to 65535, after http:// or
 * https:// or nothing.
 * ERR_MALFORMED. */
MUST_CHECK enum err net_address_parse(struct bytes in, struct net_address *ret);
/* Address and port, with brackets for IPv6, and a NUL. */
void net_address_format(const struct net_address *address, char ret[NET_ADDRESS_TEXT_MAX]);
/* 127.0.0.0/8 or ::1. */
bool net_address_is_loopback(const struct net_address *address);

#endif
