/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Settles what the senders of packets say about unfinished work (sluice/super.h), for bursts of ports
 * with offloads_in: it is compared with what parse has found. Later stages and devices trust it.
 * Threads: worker, on its own burst.
 */
#ifndef SL_STAGE_SETTLE_H
#define SL_STAGE_SETTLE_H

#include "pipelines/context/trip.h"

/*
 * For the packets of the burst that have a bit in `packets`, after parse (or sl_parse_outer):
 *
 *   - a description that does not fit the packet: dropped, OFFLOAD_MALFORMED, with a bit in t->walked.
 *     Such a packet counts as one.
 *   - a super-segment of one segment becomes an ordinary packet.
 *   - any other with offloads: lengths and family are set, the headers are in the first buffer, and
 *     nothing follows the IP packet. A super-segment was counted as one packet when it was received:
 *     its other packets are counted here.
 *   - a packet that has a drop verdict already keeps it, and counts as its sender describes it.
 *
 * After decap, a description of the outer headers is no longer of use, and is removed.
 */
void sl_stage_settle(struct sl_trip *t, uint64_t packets);

/* A bit for each packet of a list. */
uint64_t sl_stage_bits(const struct sl_packets *in);

/*
 * After decap, for the packets that are not in the list `inner`: those of the node and the dropped
 * ones. Removes from `node` what it drops.
 */
void sl_stage_settle_outer(
	struct sl_trip *t, const struct sl_packets *inner, struct sl_packets *node);

#endif
