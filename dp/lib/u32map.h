/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An immutable map from 32-bit keys (a VNI, an IPv4 address) to non-zero 32-bit values, for lookups
 * by each packet: open addressing at half load, in the common case one cache line for a hit.
 * Threads: build and destroy: control. find: any, on a map reached through RCU.
 */
#ifndef SL_DP_U32MAP_H
#define SL_DP_U32MAP_H

#include <stdint.h>
#include <stdlib.h>

struct sl_u32map_slot {
	uint32_t key, value; /* value 0: empty */
};

struct sl_u32map {
	uint32_t mask;
	uint32_t seed;
	uint32_t count;
	/* slots at a multiple of their size in a 64-byte aligned block: none straddles a line */
	uint32_t pad;
	struct sl_u32map_slot slot[];
};

/*
 * Build from n pairs. If a key comes twice, the last value counts; a pair with value 0 is ignored.
 * NULL when out of memory.
 */
struct sl_u32map *sl_u32map_build(const struct sl_u32map_slot *pairs, uint32_t n, uint32_t seed);
void sl_u32map_destroy(void *map); /* fits sl_rcu_retire; accepts NULL */

/*
 * The next version of a map that is in use: a copy with room for `more` new keys. Change it, then
 * publish it. It costs one copy of the table, whatever changes. NULL when out of memory.
 */
struct sl_u32map *sl_u32map_copy(const struct sl_u32map *from, uint32_t more);
/* On a map that no other thread reads yet. A new key needs room: see sl_u32map_copy. */
void sl_u32map_set(struct sl_u32map *m, uint32_t key, uint32_t value); /* value not 0 */
void sl_u32map_unset(struct sl_u32map *m, uint32_t key);	       /* it may be absent */

static inline uint32_t sl_u32map_hash(uint32_t key, uint32_t seed)
{
	uint64_t h = (uint64_t)(key ^ seed) * 0x9e3779b97f4a7c15u;

	return (uint32_t)(h >> 32);
}

/* 0 when absent. */
static inline uint32_t sl_u32map_find(const struct sl_u32map *m, uint32_t key)
{
	uint32_t i = sl_u32map_hash(key, m->seed) & m->mask;

	while (m->slot[i].value != 0) {
		if (m->slot[i].key == key)
			return m->slot[i].value;
		i = (i + 1) & m->mask;
	}
	return 0;
}

#endif
