/* SPDX-License-Identifier: Apache-2.0 */
/* An address that a server listens on, as text and back. No names: nothing here waits for a
 * resolver. */
#ifndef WIRE_NET_ADDRESS_H
#define WIRE_NET_ADDRESS_H

#include "base/bytes.h"
#include "base/err.h"

#define NET_ADDRESSES_MAX 16    /* of one server */
#define NET_HOST_MAX 46         /* an IPv6 address as text, and a NUL */
#define NET_PATH_MAX 107        /* of a socket in the file system: unix(7) */
#define NET_ADDRESS_TEXT_MAX 56 /* the same with [], : and a port */
#define NET_PLACE_TEXT_MAX (NET_PATH_MAX + 6)

/* What is spoken there: said before the address, or left to whether there is a certificate. */
enum net_scheme { NET_SCHEME_NONE, NET_SCHEME_HTTP, NET_SCHEME_HTTPS };

struct net_address {
	enum net_scheme scheme;
	char host[NET_HOST_MAX]; /* as text; IPv6 without brackets */
	bool ipv6;
	unsigned port;
};

/* Where else one may listen. */
struct net_place {
	char path[NET_PATH_MAX + 1]; /* of a socket in the file system; empty: */
	struct net_address address;  /* an empty host: nowhere at all */
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
/* Reads unix:PATH, where PATH begins with / and has at most NET_PATH_MAX octets, none of them a
 * control character; or nothing; or what net_address_parse reads. ERR_MALFORMED. */
MUST_CHECK enum err net_place_parse(struct bytes in, struct net_place *ret);
/* The same text again, without a scheme. */
void net_place_format(const struct net_place *place, char ret[NET_PLACE_TEXT_MAX]);
bool net_place_is_none(const struct net_place *place);
/* 127.0.0.0/8 or ::1. */
bool net_address_is_loopback(const struct net_address *address);

#endif
