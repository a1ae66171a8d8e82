/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets from outside: they came by an underlay port without a tunnel, to a translated address. The
 * flow table knows those that belong to a connection of a workload. All others are the node's own,
 * if it has the address.
 * Threads: worker, on its own burst.
 */
#ifndef SL_NAT_OUTSIDE_H
#define SL_NAT_OUTSIDE_H

#include "pipelines/context/trip.h"

/*
 * Moves packets to translated addresses, and to prefixes of networks without encapsulation, from
 * `node` (as decap filled it) to `outside`. Sets origin and network.
 */
void sl_stage_outside_split(struct sl_trip *t, struct sl_packets *node, struct sl_packets *outside);
/* Parses them, and adds them to `inner`. What parse refuses is the host's, where there is one. */
void sl_stage_outside(
	struct sl_trip *t, const struct sl_packets *outside, struct sl_packets *inner);
/* Packet i, one of these, belongs to no connection. Returns its verdict. */
enum sl_drop sl_outside_unknown(struct sl_trip *t, unsigned int i);

#endif
