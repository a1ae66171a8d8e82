/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The link-local IPv6 address that follows from a MAC: fe80::/64 with the modified EUI-64 (RFC 4291
 * section 2.5.6 and appendix A). Each underlay port without a host TAP has it.
 * Threads: any; pure functions.
 */
#ifndef SLUICE_LINK_LOCAL_H
#define SLUICE_LINK_LOCAL_H

#include "types.h"

static inline struct sl_ip sl_ip_link_local(const struct sl_mac *mac)
{
	struct sl_ip ip = {.b = {0xfe, 0x80, [11] = 0xff, [12] = 0xfe}};

	memcpy(ip.b + 8, mac->b, 3);
	memcpy(ip.b + 13, mac->b + 3, 3);
	ip.b[8] ^= 2;
	return ip;
}

/* In fe80::/10. */
static inline bool sl_ip_is_link_local(const struct sl_ip *ip)
{
	return ip->b[0] == 0xfe && (ip->b[1] & 0xc0) == 0x80;
}

#endif
