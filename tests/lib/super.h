/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets with offloads (sluice/super.h), made from the frame that a kernel would hand over whole.
 * Threads: one.
 * Ownership: mbufs are the caller's.
 */
#ifndef SL_TESTS_SUPER_H
#define SL_TESTS_SUPER_H

#include "packet.h"
#include "sluice/super.h"

/* Offset of the innermost TCP or UDP header, and of the IP header in front of it. */
uint32_t sl_super_l4(const struct sl_frame *f);
uint32_t sl_super_l3(const struct sl_frame *f);

/*
 * The frame in chained buffers, described as a driver does: where the innermost transport header is,
 * an unfinished checksum, and segments of `size` bytes. size 0: only the checksum. Writes the pseudo
 * header's sum into the frame.
 */
struct rte_mbuf *sl_super_mbuf(struct sl_frame *f, uint16_t size);
/* Describes a packet that was made from the frame. */
void sl_super_describe(struct rte_mbuf *m, const struct sl_frame *f, uint16_t size);
/*
 * A super-segment in place of m, which is freed: `bytes` of payload are added behind what m has, and
 * its lengths and IPv4 checksums grow with it, right or wrong as they were. Each segment is like m, but
 * has `least` bytes at least. m itself, when it is no TCP or UDP packet that could be in segments.
 * Tunnel headers (VXLAN) are seen through.
 */
struct rte_mbuf *sl_super_grown(struct rte_mbuf *m, uint32_t bytes, uint16_t least);
/* The sum of the pseudo header into the checksum field of the frame's innermost transport header. */
void sl_super_unfinish(struct sl_frame *f);

#endif
