/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An immutable map from IP addresses of either family to non-zero 32-bit values, for lookups a
 * packet: which node has an outer address, and which addresses are this node's. One table a family:
 * of IPv4 it is a map of 32-bit keys, and what looks up an IPv4 header's address asks that one
 * directly.
 * Threads: build, copy, set, unset and destroy: control, on a map that nobody else reads. find:
 * any, on a map reached by RCU.
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
 * Of n pairs; an address that comes twice keeps its last value, a pair of value 0 is passed over.
 * NULL when out of memory.
 */
struct sl_addr_map *sl_addr_map_build(const struct sl_addr_pair *pairs, uint32_t n, uint32_t seed);
/*
 * The next version of a map that readers have: a copy with room for `more` new addresses, to be
 * changed and then published. NULL when out of memory.
 */
struct sl_addr_map *sl_addr_map_copy(const struct sl_addr_map *from, uint32_t more);
/* value is not 0. A new address needs room that build or copy was asked for. */
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
