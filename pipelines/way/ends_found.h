/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ends of a packet, as they were found (ends.h).
 * Threads: a worker's own, valid until the end of its trip.
 */
#ifndef SL_ENDS_FOUND_H
#define SL_ENDS_FOUND_H

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
	/*
	 * In a flooded network: an end is a host that is no endpoint, and host[] is what src_via or
	 * dst_via points to. The result is stored for no other packet.
	 */
	bool learned;
	bool everybody; /* the receiver's place is not known: dst_via and target are NULL */
	/* Slots of the routes, and of the endpoints that they name, on which the result depends. */
	uint8_t n_slots;
	uint16_t slot[SL_DEPS_MORE];
	struct sl_ip src_ip, dst_ip;
	struct sl_endpoint host[2];
};

/* True when the packet is not mirrored by its replies: a gateway is between the ends. */
static inline bool sl_ends_cross(const struct sl_ends *e)
{
	return e->routed || e->was_routed;
}

#endif
