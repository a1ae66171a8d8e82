/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The last step before a device: packets with offloads (sluice/super.h) become what the device takes.
 * What it takes as it is passes. Checksums are completed, super-segments are cut, chains become one
 * buffer. The caller asks for the next few packets until there are none, and hands them to the device
 * meanwhile: a super-segment never needs more buffers at a time than the caller asks for.
 *
 * The order of packets is kept. A packet that needs a buffer when there is none is lost, with a reason:
 * of a super-segment, what was not cut yet.
 * Threads: worker.
 * Ownership: from sl_egress_begin on, the packets are the egress's; those it gives out and those it
 * has lost are the caller's.
 */
#ifndef SL_DP_EGRESS_H
#define SL_DP_EGRESS_H

#include "buffers.h"
#include "cut.h"
#include "sluice/drop.h"

enum { SL_EGRESS_MAX = 128 }; /* packets of one sl_egress_begin */

struct sl_egress {
	struct sl_egress_to to;
	struct rte_mbuf **in;
	uint16_t n, at; /* packets in in[]; the next one */
	bool cutting;	/* in[at] is being cut */
	struct sl_cut cut;
	/* Packets that cannot leave: in[0..n_lost), each for its reason (enum sl_drop). */
	uint16_t n_lost;
	uint8_t why[SL_EGRESS_MAX];
};

/* in[n], n at most SL_EGRESS_MAX, is overwritten, and must stay valid until the end. */
void sl_egress_begin(
	struct sl_egress *e, const struct sl_egress_to *to, struct rte_mbuf **in, uint16_t n);
/* Up to max packets that the device takes as they are; 0: there are no more. */
uint16_t sl_egress_next(struct sl_egress *e, struct rte_mbuf **out, uint16_t max);

#endif
