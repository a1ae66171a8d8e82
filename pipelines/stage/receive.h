/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The two ways in. Both put workloads' packets in a list, with origin and network set and the
 * headers parsed (t->walked: see sl_parse). All other packets of the burst have a verdict.
 * Threads: worker, on its own burst.
 */
#ifndef SL_STAGE_RECEIVE_H
#define SL_STAGE_RECEIVE_H

#include "pipelines/context/trip.h"
#include "pipelines/overlay/overlay_dp.h"
#include "pipelines/parse/parse_dp.h"
#include "pipelines/nat/outside.h"
#include "pipelines/reply/node.h"
#include "settle.h"
#include "underlay_vlan.h"

/* 0, 1, 2 and so on: the list of a whole burst. */
extern const uint8_t sl_stage_every[SL_BURST_MAX];

/*
 * A port without a network: what comes by a host TAP leaves by its underlay port, unchanged. No
 * other such port may send.
 */
void sl_stage_receive_unbound(struct sl_trip *t, const struct sl_port_dp *port);

/* A port without a network for packets without a tag. */
void sl_stage_receive_without(
	struct sl_trip *t, const struct sl_port_dp *port, struct sl_packets *inner);

/* Whether a packet has something to settle. */
static inline bool sl_stage_is_described(const struct sl_trip *t, const struct sl_port_dp *port)
{
	return port->offloads_in && t->w->described;
}

/* An access port: all its packets belong to its network. */
static inline void sl_stage_receive_access(
	struct sl_trip *t, const struct sl_port_dp *port, struct sl_packets *inner)
{
	struct sl_burst *b = t->b;
	uint32_t network = t->world->port_network[port->id];

	inner->n = 0;
	/* 0 or SL_PORT_TAGGED_ONLY */
	if (unlikely(network - 1 >= SL_NETWORKS_MAX - 1)) {
		sl_stage_receive_without(t, port, inner);
		return;
	}
	memcpy(inner->idx, sl_stage_every, sizeof(sl_stage_every));
	inner->n = b->n;
	t->walked = sl_parse_access(b, port->id, network);
	if (unlikely(sl_stage_is_described(t, port)))
		sl_stage_settle(t, UINT64_MAX);
}

/* An underlay port: outer headers are removed, and packets for the node itself are served. */
static inline void sl_stage_receive_underlay(
	struct sl_trip *t, const struct sl_port_dp *port, struct sl_packets *inner)
{
	const struct sl_decap_at at = {t->world, &port->mac, t->w->id, t->tick};
	struct sl_packets node, outside;

	outside.n = 0;
	if (unlikely(port->vlan != 0))
		sl_untag_underlay(t, port);
	inner->n = sl_decap(&at, t->b, inner->idx, node.idx, &node.n);
	sl_stage_mark(t->w, SL_STAGE_DECAP, t->b->n);
	if (unlikely(sl_stage_is_described(t, port)))
		sl_stage_settle_outer(t, inner, &node);
	if (unlikely(node.n > 0)) {
		if (t->world->n_outside > 1 || t->world->routed != NULL)
			sl_stage_outside_split(t, &node, &outside);
		sl_stage_node(t, &node, &port->mac);
	}
	t->walked = sl_parse(t->b, inner->idx, inner->n);
	if (unlikely(sl_stage_is_described(t, port)))
		sl_stage_settle(t, sl_stage_bits(inner));
	if (unlikely(outside.n > 0))
		sl_stage_outside(t, &outside, inner);
}

static inline void sl_stage_receive(
	struct sl_trip *t, const struct sl_port_dp *port, struct sl_packets *inner)
{
	memset(t->b->verdict, SL_KEEP, t->b->n);
	if (port->underlay)
		sl_stage_receive_underlay(t, port, inner);
	else
		sl_stage_receive_access(t, port, inner);
	sl_stage_mark(t->w, SL_STAGE_PARSE, inner->n);
}

#endif
