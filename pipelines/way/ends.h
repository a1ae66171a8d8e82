/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Finds the two ends of a packet: the endpoints that policy knows, and the endpoints that the
 * packet comes from and goes to next. They differ when an end is behind a router: a host, a node or
 * another network.
 *
 * A packet to the gateway's MAC is routed here. The sender's node routes once for all: the packet
 * that leaves has the MAC of its receiver, and the source MAC is the gateway's. So the receiver's
 * node switches it. That node accepts the gateway's MAC from tunnels only.
 *
 * A sender that is no endpoint must be where the network's routes to its address lead.
 *
 * Threads: worker, on its own burst; the results are valid until the end of the trip.
 */
#ifndef SL_ENDS_H
#define SL_ENDS_H

#include "pipelines/context/changes.h"
#include "pipelines/context/trip.h"
#include "pipelines/route/route_dp.h"

struct sl_ends {
	const struct sl_network *net;  /* of the packet as it came */
	const struct sl_network *to;   /* of the packet as it leaves */
	const struct sl_network *from; /* of replies as they leave: the sender's */
	/* The ends for policy. NULL: outside, or no endpoint has the address. */
	const struct sl_endpoint *src, *dst;
	/* what src points to when its identity is as the packet claims: *ends must not be copied */
	struct sl_endpoint claimed;
	/* Where the packet comes from and goes to; NULL: a node itself, or the underlay. */
	const struct sl_endpoint *src_via, *dst_via;
	/* Where it goes to when dst_via is NULL. */
	const struct sl_route_target *target;
	bool routed;	 /* this node routes it: it is for the gateway's MAC */
	bool was_routed; /* another node has routed it: it has the gateway's MAC as source */
	bool bare;	 /* it came without MACs: its encapsulation carries IP packets */
	/* Slots of the routes, and of the endpoints that they name, on which the result depends. */
	uint8_t n_slots;
	uint16_t slot[SL_DEPS_MORE];
	struct sl_ip src_ip, dst_ip;
};

/*
 * Both ends of packet i. SL_KEEP, or the drop reason. SL_DROP_GATEWAY_PROTOCOL: it is for the
 * gateway itself.
 */
enum sl_drop sl_ends_find(const struct sl_trip *t, unsigned int i, struct sl_ends *ends);
/* The sender: port or node, MAC and address must belong together. Always fills
 * addresses and network. */
enum sl_drop sl_ends_find_sender(const struct sl_trip *t, unsigned int i, struct sl_ends *ends);
/* Call next: the receiver. The packet must have its MAC, or the gateway's. */
enum sl_drop sl_ends_find_receiver(const struct sl_trip *t, unsigned int i, struct sl_ends *ends);

/* True when the packet is not mirrored by its replies: a gateway is between the ends. */
static inline bool sl_ends_cross(const struct sl_ends *e)
{
	return e->routed || e->was_routed;
}

#endif
