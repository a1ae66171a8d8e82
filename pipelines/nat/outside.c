/* SPDX-License-Identifier: BSD-3-Clause */
#include "outside.h"

#include "dp/lib/addr_map.h"
#include "pipelines/parse/parse_dp.h"
#include "pipelines/reply/node.h"

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

/* Neighbour discovery is the node's own. */
static bool is_candidate(const struct sl_trip *t, unsigned int i)
{
	const uint16_t flags = t->b->meta[i].flags;

	return (flags & (SL_P_ARP | SL_P_ND | SL_P_MULTICAST | SL_P_VLAN)) == 0 &&
	       (local_of(t, i) & SL_LOCAL_NAT) != 0;
}

void sl_stage_outside_split(
	const struct sl_trip *t, struct sl_packets *node, struct sl_packets *outside)
{
	unsigned int n = 0;

	outside->n = 0;
	for (unsigned int k = 0; k < node->n; k++) {
		unsigned int i = node->idx[k];

		if (is_candidate(t, i))
			sl_packets_add(outside, i);
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

void sl_stage_outside(struct sl_trip *t, const struct sl_packets *outside, struct sl_packets *inner)
{
	struct sl_burst *b = t->b;
	uint64_t walked;

	for (unsigned int k = 0; k < outside->n; k++) {
		b->meta[outside->idx[k]].origin = SL_ORIGIN_OUTSIDE;
		b->meta[outside->idx[k]].network = SL_NETWORK_UNDERLAY;
	}
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
