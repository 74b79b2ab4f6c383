/* SPDX-License-Identifier: Apache-2.0 */
/* Internet addresses as people and programs write them: one literal, IPv4 or IPv6 (RFC 4291). No
 * names, no ports, no look-ups. */
#ifndef WIRE_IP_H
#define WIRE_IP_H

#include "base/bytes.h"

#include <stdint.h>

#define IP_TEXT_MAX 46 /* with its NUL */

struct ip {
	bool v6;
	uint8_t octets[16]; /* IPv4: the first four, the others zero */
};

/* One address, blanks around it and brackets around IPv6 allowed. An IPv4-mapped IPv6 address
 * becomes the IPv4 one. False for anything else: a list, a port, a zone, a name. */
bool ip_parse(struct bytes text, struct ip *ret);
/* RFC 5952 text and a NUL. */
void ip_format(const struct ip *ip, char ret[IP_TEXT_MAX]);
/* The network that limits count by: an IPv6 address's /64, which is one customer's; IPv4 itself. */
struct ip ip_network(const struct ip *ip);

#endif
