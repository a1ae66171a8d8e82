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

enum sl_drop sl_classify_sender(const struct sl_trip *t, unsigned int i, struct sl_ends *ends)
{
	const struct sl_meta *m = &t->b->meta[i];
	const struct rte_ether_hdr *eth =
		rte_pktmbuf_mtod(t->b->pkt[i], const struct rte_ether_hdr *);
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

enum sl_drop sl_classify_receiver(const struct sl_trip *t, unsigned int i, struct sl_ends *ends)
{
	const struct sl_meta *m = &t->b->meta[i];
	const struct rte_ether_hdr *eth =
		rte_pktmbuf_mtod(t->b->pkt[i], const struct rte_ether_hdr *);
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

enum sl_drop sl_classify(const struct sl_trip *t, unsigned int i, struct sl_ends *ends)
{
	enum sl_drop drop = sl_classify_sender(t, i, ends);

	return drop != SL_KEEP ? drop : sl_classify_receiver(t, i, ends);
}

#define IP6_MTU_MIN 1280 /* RFC 8200 section 5 */

/*
 * What fits: the way's own limit and the network's. Of IPv6 the network's is never less than what
 * every link must carry: hosts do not go below it, whatever they are told.
 */
static uint16_t fits(const struct sl_trip *t, unsigned int i, uint16_t way)
{
	const struct sl_meta *m = &t->b->meta[i];
	uint16_t limit = t->world->networks[m->network].mtu;

	if (limit != 0 && limit < IP6_MTU_MIN && m->flags & SL_P_IP6)
		limit = IP6_MTU_MIN;
	return limit != 0 && limit < way ? limit : way;
}

static struct sl_action by_port(const struct sl_trip *t, unsigned int i, uint16_t port)
{
	const struct sl_port_dp *dp =
		atomic_load_explicit(&t->w->ports[port], memory_order_acquire);

	if (dp == NULL)
		return (struct sl_action){.kind = SL_ACT_DROP, .reason = SL_DROP_PORT_GONE};
	return (struct sl_action){.kind = SL_ACT_PORT, .mtu = fits(t, i, dp->mtu), .out = port};
}

static struct sl_action by_node(const struct sl_trip *t, unsigned int i, uint32_t node)
{
	const struct sl_network *net = &t->world->networks[t->b->meta[i].network];
	uint32_t id = sl_tunnel_id(node, net->encap);
	const struct sl_tunnel *tun = sl_tunnel_find(t->world->tunnels, id);

	if (tun == NULL)
		return (struct sl_action){.kind = SL_ACT_DROP, .reason = SL_DROP_ROUTE_NONE};
	return (struct sl_action){.kind = SL_ACT_TUNNEL, .mtu = fits(t, i, tun->mtu), .out = id};
}

struct sl_action sl_way_to(const struct sl_trip *t, unsigned int i, const struct sl_endpoint *to,
	uint16_t sender_identity)
{
	struct sl_action act;

	if (to->local)
		act = by_port(t, i, (uint16_t)to->origin);
	else
		act = by_node(t, i, to->origin & ~SL_ORIGIN_NODE);
	if (act.kind != SL_ACT_DROP)
		act.vni = t->world->networks[t->b->meta[i].network].vni;
	act.identity = sender_identity;
	return act;
}

struct sl_action sl_way_back(const struct sl_trip *t, unsigned int i)
{
	const struct sl_meta *m = &t->b->meta[i];
	struct sl_endpoint back = {.origin = m->origin, .local = !(m->origin & SL_ORIGIN_NODE)};

	return sl_way_to(t, i, &back, SL_IDENTITY_GATEWAY);
}
