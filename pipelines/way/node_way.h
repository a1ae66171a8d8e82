/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Chooses the tunnel that carries a network's packets to a node.
 * Threads: worker.
 */
#ifndef SL_NODE_WAY_H
#define SL_NODE_WAY_H

#include "pipelines/context/world.h"
#include "pipelines/overlay/tunnel_dp.h"

static inline struct sl_node_way sl_node_way_find(const struct sl_world *w, uint32_t node)
{
	return node < w->n_node_ways ? w->node_ways[node] : (struct sl_node_way){.n_ways = 0};
}

/*
 * A network without encapsulation has no tunnels. IP-in-IP carries no network number, so it carries
 * only a network that says so; other encapsulations carry every network.
 */
static inline bool sl_node_way_allowed(const struct sl_network *net, unsigned int encap)
{
	return sl_encaps[encap]->carries_network || (net->accepts & 1u << encap) != 0;
}

/*
 * The tunnel's id. Of the node's ways, the first one that the network allows and that the underlay
 * has; if the underlay has none of them, the first one allowed; if none is allowed, the network's
 * encapsulation over the family of the node's first address.
 */
static inline uint32_t sl_node_tunnel(
	const struct sl_world *w, const struct sl_network *net, uint32_t node)
{
	const struct sl_node_way way = sl_node_way_find(w, node);
	uint32_t own = sl_tunnel_id(node, net->encap, way.family);
	uint32_t base = node * SL_TUNNELS_A_NODE, first = UINT32_MAX;

	for (unsigned int i = 0; i < way.n_ways && net->encap != SL_ENCAP_NONE; i++) {
		const struct sl_tunnel *t = sl_tunnel_find(w->tunnels, base + way.way[i]);

		if (!sl_node_way_allowed(net, way.way[i] / SL_FAMILIES))
			continue;
		if (t != NULL && t->reachable)
			return base + way.way[i];
		if (first == UINT32_MAX)
			first = base + way.way[i];
	}
	return first != UINT32_MAX ? first : own;
}

#endif
