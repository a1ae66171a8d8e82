/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets for this node itself on underlay ports. ARP goes up to the control thread. Ping is
 * answered here. ICMP errors about tunnel packets are noted in the tunnel's row. If the port has a
 * host TAP, the host answers: all but these errors goes to the TAP, unchanged.
 * Threads: worker, on its own burst.
 */
#ifndef SL_REPLY_NODE_H
#define SL_REPLY_NODE_H

#include "pipelines/context/trip.h"

/*
 * Packets that sl_decap found to be for the node; each gets a verdict. own: the MAC of the port
 * they came in by. Replies leave by the same port.
 */
void sl_stage_node(struct sl_trip *t, const struct sl_packets *in, const struct sl_mac *own);

#endif
