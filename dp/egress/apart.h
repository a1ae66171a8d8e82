/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The other way: a super-packet that a kernel interface hands over whole, which carries tunnel
 * packets, is taken apart into the packets that it stands for. There are two kinds:
 *   - a UDP super-packet: many tunnel packets of one flow behind one outer header (GSO type UDP_L4;
 *     udp_super.h makes them)
 *   - a TCP super-segment inside of one tunnel packet, from a kernel's own VXLAN device: GSO type TCP,
 *     the checksum begins at the inner TCP header
 * The packets are copies in one buffer each, as they would have come over a wire; a copy costs about
 * as much as two buffers and a reference to the bytes would, and brings the bytes into the cache for
 * the checksum. A driver asks for a few at a time, so the whole may be longer than one burst.
 * Threads: the worker that owns the queue.
 * Ownership: from begin on the whole is the apart's; the packets are the caller's.
 */
#ifndef SL_DP_APART_H
#define SL_DP_APART_H

#include "cut.h"

struct sl_apart {
	struct rte_mbuf *whole; /* NULL: nothing is being taken apart */
	struct sl_cut cut;
	bool sums; /* inner checksums are to be computed */
};

/*
 * Describe m, which the kernel has handed over with this description (virtio-net header, GSO type
 * TCP), as a super-segment in a UDP tunnel with an 8-byte header and an Ethernet frame (VXLAN,
 * Geneve without options): see sluice/super.h. False: it is none, and m is not changed.
 */
bool sl_apart_describe(struct rte_mbuf *m, uint32_t csum_start, uint16_t gso_size);

/*
 * Take m apart from now on. m is a UDP super-segment, or a TCP super-segment in a tunnel. False: its
 * description does not fit its bytes, or would make more than SL_SUPER_SEGMENTS_MAX packets of them; m
 * is still the caller's.
 */
bool sl_apart_begin(struct sl_apart *a, struct rte_mbuf *m);
/*
 * Up to n packets. Those of a UDP super-packet come with an unfinished UDP checksum, which the
 * transport header's sender has vouched for. Frees the whole with its last packet. If there is no
 * buffer, what is left is lost: *lost is raised by the number of packets.
 */
uint16_t sl_apart_next(struct sl_apart *a, struct rte_mempool *pool, struct rte_mbuf **pkt,
	uint16_t n, uint64_t *lost);
/* The queue goes. */
void sl_apart_end(struct sl_apart *a);

#endif
