/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IP packets to a group (broadcast and multicast) in flooded networks. The sender's egress rules are
 * asked with the group's address, and each local receiver's ingress rules with the sender's identity:
 * a port gets the packet if all its endpoints may have it. A unicast packet in a frame to a group is
 * dropped, since it would reach its receiver past the rules. No connection comes of it.
 * Threads: worker, on its own burst.
 */
#ifndef SL_MISS_BROADCAST_H
#define SL_MISS_BROADCAST_H

#include "pipelines/context/trip.h"

/* Each packet gets a verdict. */
void sl_stage_broadcast(struct sl_trip *t, const struct sl_packets *in);

#endif
