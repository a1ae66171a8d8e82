/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An immutable map from IP addresses of either family to non-zero 32-bit values, for lookups
 * by each packet: the node of an outer address, and this node's own addresses. One table a
 * family. The IPv4 table is a map of 32-bit keys; code that has an IPv4 header looks up its
 * address there directly.
 * Threads: build, copy, set, unset and destroy: control, on a map that no other thread reads. find:
 * any, on a map reached through RCU.
 */
#ifndef SL_DP_ADDR_MAP_H
#define SL_DP_ADDR_MAP_H

#include "u32map.h"
#include "sluice/types.h"

struct sl_addr_pair {
	struct sl_ip ip;
	uint32_t value; /* 0: empty */
};

/* IPv6: open addressing at half load. */
struct sl_addr6_table {
	uint32_t mask, seed, count;
	struct sl_addr_pair slot[];
};

struct sl_addr_map {
	struct sl_u32map *ip4;	    /* keys in network order */
	struct sl_addr6_table *ip6; /* NULL: no IPv6 address is in the map */
};

/*
 * Build from n pairs. If an address comes twice, the last value counts; a pair with value 0 is
 * ignored. NULL when out of memory.
 */
struct sl_addr_map *sl_addr_map_build(const struct sl_addr_pair *pairs, uint32_t n, uint32_t seed);
/*
 * The next version of a map that is in use: a copy with room for `more` new addresses. Change it,
 * then publish it. NULL when out of memory.
 */
struct sl_addr_map *sl_addr_map_copy(const struct sl_addr_map *from, uint32_t more);
/* value must not be 0. A new address needs room: see build and copy. */
void sl_addr_map_set(struct sl_addr_map *m, const struct sl_ip *ip, uint32_t value);
void sl_addr_map_unset(struct sl_addr_map *m, const struct sl_ip *ip); /* it may be absent */
void sl_addr_map_destroy(void *map); /* fits sl_rcu_retire; accepts NULL */

uint32_t sl_addr_map_find6(const struct sl_addr6_table *t, const struct sl_ip *ip);

/* 0 when absent. */
static inline uint32_t sl_addr_map_find4(const struct sl_addr_map *m, uint32_t addr_be)
{
	return sl_u32map_find(m->ip4, addr_be);
}

static inline uint32_t sl_addr_map_find(const struct sl_addr_map *m, const struct sl_ip *ip)
{
	if (sl_ip_is_v4(ip))
		return sl_addr_map_find4(m, sl_ip_v4_be(ip));
	return m->ip6 != NULL ? sl_addr_map_find6(m->ip6, ip) : 0;
}

#endif
