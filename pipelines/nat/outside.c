/* SPDX-License-Identifier: BSD-3-Clause */
#include "outside.h"

#include <rte_ether.h>

#include "dp/lib/addr_map.h"
#include "pipelines/parse/parse_dp.h"
#include "pipelines/key/key_dp.h"
#include "pipelines/reply/node.h"
#include "pipelines/route/route_dp.h"

/* SL_LOCAL_* of the packet's destination. */
static uint32_t local_of(const struct sl_trip *t, unsigned int i)
{
	const struct sl_burst *b = t->b;
	struct sl_ip ip;

	if (b->meta[i].flags & SL_P_IP4)
		return sl_addr_map_find4(t->world->local_addr, b->key4[i].dst_be);
	if ((b->meta[i].flags & SL_P_IP6) == 0)
		return 0;
	memcpy(ip.b, b->key6[i].dst, sizeof(ip.b));
	return sl_addr_map_find(t->world->local_addr, &ip);
}

/* The network without encapsulation that has the packet's destination; 0: none. */
static uint32_t routed_network(const struct sl_trip *t, unsigned int i)
{
	const struct sl_route_dp *r;
	struct sl_ip src, dst;

	if (t->world->routed == NULL)
		return 0;
	sl_key_addresses(t->b, i, &src, &dst);
	r = sl_route_find(t->world->routed, SL_NETWORK_UNDERLAY, &dst);
	return r != NULL ? r->target[0].id : 0;
}

/*
 * Says where packet i belongs, if it is from outside: the underlay's keys, or those of a network
 * without encapsulation. Neighbour discovery is the node's own.
 */
static bool is_from_outside(struct sl_trip *t, unsigned int i)
{
	struct sl_meta *m = &t->b->meta[i];
	uint32_t local, network = SL_NETWORK_UNDERLAY;

	if ((m->flags & (SL_P_ARP | SL_P_ND | SL_P_MULTICAST | SL_P_VLAN)) != 0 ||
		(m->flags & (SL_P_IP4 | SL_P_IP6)) == 0)
		return false;
	local = local_of(t, i);
	if (local == 0)
		network = routed_network(t, i);
	if ((local & SL_LOCAL_NAT) == 0 && network == 0)
		return false;
	m->origin = SL_ORIGIN_OUTSIDE;
	m->network = network;
	m->came = 0; /* nothing was removed, and nothing is claimed */
	return true;
}

/* Decap leaves packets to unknown addresses to this stage, where a network may have them. */
static bool is_nobodys(const struct sl_trip *t, unsigned int i)
{
	const struct sl_meta *m = &t->b->meta[i];

	return t->world->routed != NULL &&
	       sl_world_host_other(t->world, t->b->in_port) == SL_PORT_NONE &&
	       (m->flags & (SL_P_ARP | SL_P_MULTICAST)) == 0 && local_of(t, i) == 0 &&
	       (m->flags & SL_P_IP4 || t->b->key6[i].dst[0] != 0xfe);
}

void sl_stage_outside_split(struct sl_trip *t, struct sl_packets *node, struct sl_packets *outside)
{
	unsigned int n = 0;

	outside->n = 0;
	for (unsigned int k = 0; k < node->n; k++) {
		unsigned int i = node->idx[k];

		if (is_from_outside(t, i))
			sl_packets_add(outside, i);
		else if (is_nobodys(t, i))
			sl_trip_judge(t, i, SL_DROP_UNDERLAY_NOT_LOCAL);
		else
			node->idx[n++] = (uint8_t)i;
	}
	node->n = n;
}

static bool hand_to_host(struct sl_trip *t, unsigned int i)
{
	uint16_t tap = sl_world_host_other(t->world, t->b->in_port);

	if (tap == SL_PORT_NONE)
		return false;
	sl_tx_put(t->w, tap, t->b->pkt[i]);
	sl_trip_judge(t, i, SL_SENT);
	return true;
}

/* Like a packet that came by a tunnel without inner MACs: these are the underlay's. */
static void forget_macs(struct rte_mbuf *pkt)
{
	memset(rte_pktmbuf_mtod(pkt, uint8_t *), 0, 2 * RTE_ETHER_ADDR_LEN);
}

void sl_stage_outside(struct sl_trip *t, const struct sl_packets *outside, struct sl_packets *inner)
{
	struct sl_burst *b = t->b;
	uint64_t walked;

	for (unsigned int k = 0; k < outside->n; k++)
		if (b->meta[outside->idx[k]].network != SL_NETWORK_UNDERLAY)
			forget_macs(b->pkt[outside->idx[k]]);
	walked = sl_parse(b, outside->idx, outside->n);
	for (unsigned int k = 0; k < outside->n; k++) {
		unsigned int i = outside->idx[k];

		if (b->verdict[i] != SL_KEEP && hand_to_host(t, i))
			continue;
		t->walked |= walked & UINT64_C(1) << i;
		sl_packets_add(inner, i);
	}
}

/* Without the node's own address, only a host could have asked for it. */
static bool is_nodes(const struct sl_trip *t, unsigned int i)
{
	const uint16_t answered = SL_P_ICMP_ECHO | SL_P_ICMP_ERROR;

	return (local_of(t, i) & SL_LOCAL_ADDRESS) != 0 &&
	       ((t->b->meta[i].flags & answered) != 0 ||
		       sl_world_host_other(t->world, t->b->in_port) != SL_PORT_NONE);
}

enum sl_drop sl_outside_unknown(struct sl_trip *t, unsigned int i)
{
	const struct sl_port_dp *port =
		atomic_load_explicit(&t->w->ports[t->b->in_port], memory_order_acquire);
	struct sl_packets one = {.n = 1, .idx = {(uint8_t)i}};

	if (port == NULL || !is_nodes(t, i))
		return SL_DROP_NAT_UNKNOWN;
	sl_stage_node(t, &one, &port->mac);
	return t->b->verdict[i];
}
