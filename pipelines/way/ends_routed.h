/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ends of packets that routes decide about: for ends.c only.
 * Threads: worker, on its own burst.
 */
#ifndef SL_ENDS_ROUTED_H
#define SL_ENDS_ROUTED_H

#include "ends.h"

/*
 * The sender of packet i is no endpoint that has sent it itself. Is it behind a gateway? SL_KEEP
 * with src and src_via, or SL_DROP_SPOOFED.
 */
enum sl_drop sl_ends_routed_sender(const struct sl_trip *t, unsigned int i, struct sl_ends *e);
/* Packet i is for the gateway's MAC: where does it go? SL_KEEP with dst and dst_via or target. */
enum sl_drop sl_ends_route(const struct sl_trip *t, unsigned int i, struct sl_ends *e);
/*
 * Packet i is for another MAC, and no endpoint has its address, or it came without MACs. It may be
 * for an address behind an endpoint of this node.
 */
enum sl_drop sl_ends_behind(const struct sl_trip *t, unsigned int i, struct sl_ends *e);

#endif
