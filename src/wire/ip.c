/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/ip.h"

#include <arpa/inet.h>

static const uint8_t mapped_prefix[12] = {[10] = 0xff, [11] = 0xff}; /* ::ffff:0:0/96 */

bool ip_parse(struct bytes text, struct ip *ret)
{
	char copy[IP_TEXT_MAX];
	struct ip ip = {0};
	text = bytes_trim(text);
	bool bracketed = text.len >= 2 && text.at[0] == '[' && text.at[text.len - 1] == ']';
	if (bracketed)
		text = bytes_first(bytes_from(text, 1), text.len - 2);
	if (text.len >= sizeof(copy) || bytes_find(text, '\0') != text.len)
		return false;
	memcpy(copy, text.at, text.len);
	copy[text.len] = '\0';
	if (!bracketed && inet_pton(AF_INET, copy, ip.octets) == 1) {
		*ret = ip;
		return true;
	}
	if (inet_pton(AF_INET6, copy, ip.octets) != 1)
		return false;
	ip.v6 = memcmp(ip.octets, mapped_prefix, sizeof(mapped_prefix)) != 0;
	if (!ip.v6) {
		memmove(ip.octets, ip.octets + sizeof(mapped_prefix), 4);
		memset(ip.octets + 4, 0, sizeof(ip.octets) - 4);
	}
	*ret = ip;
	return true;
}

void ip_format(const struct ip *ip, char ret[IP_TEXT_MAX])
{
	if (!inet_ntop(ip->v6 ? AF_INET6 : AF_INET, ip->octets, ret, IP_TEXT_MAX))
		ret[0] = '\0';
}

struct ip ip_network(const struct ip *ip)
{
	struct ip network = *ip;
	if (ip->v6)
		memset(network.octets + 8, 0, 8);
	return network;
}
