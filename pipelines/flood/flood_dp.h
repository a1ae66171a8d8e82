/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where frames of a flooded network go that are for everybody, or for a MAC that nobody has: to its
 * local endpoints' places, and to the nodes that have endpoints of it. And which MACs belong to
 * configured endpoints: those are never learned.
 * Threads: built and retired by control; read by workers, within one trip.
 */
#ifndef SL_FLOOD_DP_H
#define SL_FLOOD_DP_H

#include "pipelines/context/world.h"
#include "sluice/burst.h"

/* A local endpoint. */
struct sl_flood_local {
	uint32_t origin; /* its port and VLAN */
	uint32_t id;	 /* of its configuration object */
	struct sl_ip ip; /* its first address: finds it in the endpoint table */
};

struct sl_flood_node {
	uint32_t node;
	uint32_t endpoints; /* of the network, on that node; for control */
};

struct sl_flood {
	uint32_t n_local, n_nodes;
	struct sl_flood_local *local; /* by origin, so those of one place are together */
	struct sl_flood_node *node;   /* by node */
};

/* Keys of sl_world.flood. */
static inline struct sl_pmap_key sl_flood_key(uint32_t network)
{
	return (struct sl_pmap_key){{0, network, 1}};
}

static inline struct sl_pmap_key sl_flood_mac_key(uint32_t network, const struct sl_mac *mac)
{
	struct sl_pmap_key k = {{0, network, 2}};

	memcpy(k.w, mac->b, sizeof(mac->b));
	return k;
}

/* NULL: the network is not flooded, or has no endpoints. */
static inline const struct sl_flood *sl_flood_of(const struct sl_world *w, uint32_t network)
{
	const struct sl_pmap_key k = sl_flood_key(network);

	return sl_pmap_find(w->flood, &k);
}

/* The place of the endpoint of the network that has the MAC. False: none has it. */
static inline bool sl_flood_origin_of(
	const struct sl_world *w, uint32_t network, const struct sl_mac *mac, uint32_t *origin)
{
	const struct sl_pmap_key k = sl_flood_mac_key(network, mac);
	const void *value = sl_pmap_find(w->flood, &k);

	*origin = (uint32_t)(uintptr_t)value;
	return value != NULL;
}

#define SL_FLOOD_MAC_MARK ((uintptr_t)1 << 63) /* no pointer of a program has it */

/* What the map has for a MAC: endpoints that have it, above one place of these. */
static inline void *sl_flood_mac_value(uint32_t origin, uint32_t n)
{
	return (void *)(SL_FLOOD_MAC_MARK | (uintptr_t)n << 32 | origin);
}

static inline bool sl_flood_value_is_mac(const void *value)
{
	return ((uintptr_t)value & SL_FLOOD_MAC_MARK) != 0;
}

/*
 * The first local endpoint at that place, as an index; n_local: there is none.
 */
uint32_t sl_flood_local_at(const struct sl_flood *f, uint32_t origin);
/* Is the place, local or a node, one of the network's? */
bool sl_flood_has(const struct sl_flood *f, uint32_t origin);

#endif
