/* SPDX-License-Identifier: BSD-3-Clause */
/* The keys of the map of routes, and its second kind of value: for route.c and route_ctl.c only. */
#ifndef SL_ROUTE_TABLE_H
#define SL_ROUTE_TABLE_H

#include "dp/lib/pmap.h"
#include "route_dp.h"

#define SL_ROUTE_LENGTHS 129u /* 0..128 */

/* How many prefixes of a table have each length. */
struct sl_route_lengths {
	uint64_t in_use[3]; /* a bit for each length with prefixes */
	uint32_t n[SL_ROUTE_LENGTHS];
};

static inline struct sl_pmap_key sl_route_lengths_key(uint32_t table)
{
	return (struct sl_pmap_key){{0, 0, UINT64_C(0xff) << 32 | table}};
}

/* The prefix of that length with the address. */
static inline struct sl_pmap_key sl_route_key(
	uint32_t table, const struct sl_ip *ip, unsigned int len)
{
	struct sl_ip masked = {0};
	unsigned int bytes = len / 8, bits = len % 8;

	memcpy(masked.b, ip->b, bytes);
	if (bits > 0)
		masked.b[bytes] = (uint8_t)(ip->b[bytes] & 0xff << (8 - bits));
	return (struct sl_pmap_key){{masked.q[0], masked.q[1], (uint64_t)len << 32 | table}};
}

#endif
