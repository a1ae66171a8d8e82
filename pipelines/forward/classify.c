/* SPDX-License-Identifier: BSD-3-Clause */
#include "forward_dp.h"

#include "dp/pmap.h"
#include "pipelines/overlay/tunnel_dp.h"

#include <rte_ether.h>

static void addresses(const struct sl_burst *b, unsigned int i, struct sl_ends *ends)
{
	if (b->meta[i].flags & SL_P_IP4) {
		ends->src_ip = sl_ip_from_v4(b->key4[i].src_be);
		ends->dst_ip = sl_ip_from_v4(b->key4[i].dst_be);
	} else {
		memcpy(ends->src_ip.b, b->key6[i].src, 16);
		memcpy(ends->dst_ip.b, b->key6[i].dst, 16);
	}
}

static inline enum sl_drop find_sender(const struct sl_trip *t, unsigned int i,
	const struct rte_ether_hdr *eth, struct sl_ends *ends)
{
	const struct sl_meta *m = &t->b->meta[i];
	struct sl_pmap_key key;

	addresses(t->b, i, ends);
	ends->net = &t->world->networks[m->network];
	key = sl_pmap_addr_key(m->network, &ends->src_ip);
	ends->src = sl_pmap_find(t->world->endpoints, &key);
	if (ends->src == NULL || ends->src->origin != m->origin ||
		memcmp(ends->src->mac.b, eth->src_addr.addr_bytes, 6) != 0)
		return SL_DROP_SPOOFED;
	return SL_KEEP;
}

static inline enum sl_drop find_receiver(const struct sl_trip *t, unsigned int i,
	const struct rte_ether_hdr *eth, struct sl_ends *ends)
{
	const struct sl_meta *m = &t->b->meta[i];
	struct sl_pmap_key key = sl_pmap_addr_key(m->network, &ends->dst_ip);

	ends->dst = sl_pmap_find(t->world->endpoints, &key);
	if (ends->dst == NULL)
		return SL_DROP_DESTINATION_UNKNOWN;
	if (memcmp(ends->dst->mac.b, eth->dst_addr.addr_bytes, 6) != 0)
		return SL_DROP_DESTINATION_MAC;
	/* From a tunnel only into this node: two nodes that disagree must not make a loop. */
	if ((m->origin & SL_ORIGIN_NODE) && !ends->dst->local)
		return SL_DROP_DESTINATION_REMOTE;
	return SL_KEEP;
}

static inline const struct rte_ether_hdr *frame(const struct sl_trip *t, unsigned int i)
{
	return rte_pktmbuf_mtod(t->b->pkt[i], const struct rte_ether_hdr *);
}

enum sl_drop sl_classify_sender(const struct sl_trip *t, unsigned int i, struct sl_ends *ends)
{
	return find_sender(t, i, frame(t, i), ends);
}

enum sl_drop sl_classify_receiver(const struct sl_trip *t, unsigned int i, struct sl_ends *ends)
{
	return find_receiver(t, i, frame(t, i), ends);
}

enum sl_drop sl_classify(const struct sl_trip *t, unsigned int i, struct sl_ends *ends)
{
	const struct rte_ether_hdr *eth = frame(t, i);
	enum sl_drop drop = find_sender(t, i, eth, ends);

	return drop != SL_KEEP ? drop : find_receiver(t, i, eth, ends);
}

#define IP6_MTU_MIN 1280 /* RFC 8200 section 5 */

/*
 * What fits: the way's own limit and the network's. Of IPv6 the network's is never less than what
 * every link must carry: hosts do not go below it, whatever they are told.
 */
static inline uint16_t fits(const struct sl_network *net, uint16_t family, uint16_t way)
{
	uint16_t limit = net->mtu;

	if (likely(limit == 0))
		return way;
	if (limit < IP6_MTU_MIN && family & SL_P_IP6)
		limit = IP6_MTU_MIN;
	return RTE_MIN(limit, way);
}

static inline struct sl_action by_port(
	const struct sl_trip *t, const struct sl_network *net, uint16_t family, uint16_t port)
{
	const struct sl_port_dp *dp =
		atomic_load_explicit(&t->w->ports[port], memory_order_acquire);

	if (dp == NULL)
		return (struct sl_action){.kind = SL_ACT_DROP, .reason = SL_DROP_PORT_GONE};
	return (struct sl_action){.kind = SL_ACT_PORT,
		.mtu = fits(net, family, dp->mtu),
		.out = port,
		.vni = net->vni};
}

static inline struct sl_action by_node(
	const struct sl_trip *t, const struct sl_network *net, uint16_t family, uint32_t node)
{
	uint32_t id = sl_tunnel_id(node, net->encap);
	const struct sl_tunnel *tun = sl_tunnel_find(t->world->tunnels, id);

	if (tun == NULL)
		return (struct sl_action){.kind = SL_ACT_DROP, .reason = SL_DROP_ROUTE_NONE};
	return (struct sl_action){.kind = SL_ACT_TUNNEL,
		.mtu = fits(net, family, tun->mtu),
		.out = id,
		.vni = net->vni};
}

struct sl_action sl_way_to(const struct sl_trip *t, unsigned int i, const struct sl_endpoint *to,
	uint32_t sender_identity)
{
	const struct sl_meta *m = &t->b->meta[i];
	const struct sl_network *net = &t->world->networks[m->network];
	struct sl_action act;

	if (to->local)
		act = by_port(t, net, m->flags, (uint16_t)to->origin);
	else
		act = by_node(t, net, m->flags, to->origin & ~SL_ORIGIN_NODE);
	act.identity = sender_identity & SL_IDENTITY_MASK;
	return act;
}

struct sl_action sl_way_back(const struct sl_trip *t, unsigned int i)
{
	const struct sl_meta *m = &t->b->meta[i];
	struct sl_endpoint back = {.origin = m->origin, .local = !(m->origin & SL_ORIGIN_NODE)};

	return sl_way_to(t, i, &back, SL_IDENTITY_GATEWAY);
}
