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

#include "ends_found.h"

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

#endif
