/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Both directions of a connection as the flow table stores them: where packets come from, their MACs,
 * their way out, and what becomes of them where a gateway is between the ends.
 *
 *   the sender is here      its packets are routed here. Replies come with the gateway's MAC as
 *                           source, from the receiver or, through a tunnel, from its node.
 *   the sender is elsewhere its node has routed the packet. Replies are routed here.
 *   no MACs in the tunnel   MACs are put back on delivery.
 *
 * Threads: worker, on its own burst.
 */
#ifndef SL_MISS_CROSSING_H
#define SL_MISS_CROSSING_H

#include "pipelines/flow/flow_dp.h"
#include "pipelines/way/ends.h"

/* What *in points at. */
struct sl_crossing {
	struct sl_rewrite rewrite[2];
	struct sl_key4 reply;
	struct sl_key6 reply6;
};

/* side[0] is that of packet i. Fills sides, records and the replies' key. */
void sl_fill_sides(const struct sl_trip *t, unsigned int i, const struct sl_ends *e,
	struct sl_flow_install *in, struct sl_crossing *c);
/*
 * Entry f of packet i has another key for its replies than the new resolution: the entry ends, and
 * the packet passes without one.
 */
bool sl_crossing_moves(const struct sl_trip *t, unsigned int i, const struct sl_ends *e,
	struct sl_flow *f, const struct sl_flow_install *in);
/* The record of a packet that goes to its receiver without an entry. False: it leaves as it came. */
bool sl_crossing_record(
	const struct sl_trip *t, unsigned int i, const struct sl_ends *e, struct sl_rewrite *r);

#endif
