/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which frames of the underlay that carry no tunnel packet concern this node itself: those to its
 * addresses, and those to groups that ask for its MAC or tell of a neighbour's.
 * Threads: worker; pure functions on the caller's packet.
 */
#ifndef SL_OVERLAY_FOR_NODE_H
#define SL_OVERLAY_FOR_NODE_H

#include "pipelines/context/world.h"
#include "sluice/burst.h"

/*
 * SL_LOCAL_* of an IPv6 address on the port with that MAC; 0: it is not this node's. Each port has the
 * link-local address that follows from its MAC.
 */
uint32_t sl_local6(const struct sl_world *w, const struct sl_mac *own, const uint8_t addr[16]);

/*
 * Frame i has been sent to a group, and parsed. True for a broadcast ARP request, for a solicitation
 * of an address of this node (RFC 4861 section 7.1.1), and for a neighbour advertisement: it tells
 * that a neighbour has moved, or claims an address of this node. No other frame to a group concerns
 * this node. Router advertisements are not used: routes and addresses are configured.
 */
bool sl_group_concerns_node(const struct sl_world *w, const struct sl_mac *own,
	const struct sl_burst *b, unsigned int i);

#endif
