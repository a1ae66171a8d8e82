/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Puts TCP segments of one flow together, for a device that takes super-segments (sluice/super.h). The
 * receiver then has one packet to handle in place of many. Only packets of one flush are looked at, so
 * no packet waits for another one.
 *
 * What is put together is exactly what a sender could have cut: cut again, each packet is as it was.
 * (One exception: the IPv4 identification of a packet that must not be fragmented, which has no
 * meaning, RFC 6864 section 4.1.) So a super-segment has packets that
 *   - follow each other without a gap, all of one size but the last, which may be shorter;
 *   - agree in every other field of all headers: addresses, ports, TOS with ECN, TTL, flow label,
 *     acknowledgment, window, TCP options byte by byte;
 *   - have no flags but ACK, and PSH in the last;
 *   - are no fragments, and have no IPv4 options and no IPv6 extension headers;
 *   - have a good checksum, or one that is not finished. A bad one leaves as it came.
 * A packet that does not fit ends its flow's super-segment: no packet overtakes another of its flow.
 * Threads: the worker that owns the packets.
 */
#ifndef SL_DP_MERGE_H
#define SL_DP_MERGE_H

#include <stdint.h>

#include <rte_mbuf.h>

enum {
	SL_MERGE_FLOWS = 16,	/* that are open at a time; another one ends the oldest */
	SL_MERGE_SEGMENTS = 64, /* of one super-segment, and its buffers are as many */
};

/* pkt[n] becomes fewer packets, in the order in which each flow's first one came. Returns their
 * number. */
uint16_t sl_merge(struct rte_mbuf **pkt, uint16_t n);

#endif
