/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A super-segment in a UDP tunnel as UDP super-packets, for a kernel that cuts those (GSO type UDP_L4,
 * since Linux 4.18; in virtio-net headers since 6.2). The kernel, or the NIC behind it, repeats the
 * outer headers before each part. What is in a part is complete: the tunnel's header, the inner
 * headers with their own lengths and checksums, and payload.
 *
 *	| virtio-net header | outer headers | tunnel, inner headers 1 | payload 1 | tunnel, inner 2 | ...
 *
 * The payload stays where it is: the list names it. Headers are in the memory of the struct.
 *
 *	sl_udp_super_begin(&u, m)
 *	while (sl_udp_super_next(&u))
 *		... writev(fd, u.iov, u.n_iov) ...
 * Threads: the worker that owns the packet, which must not change meanwhile.
 */
#ifndef SL_DP_UDP_SUPER_H
#define SL_DP_UDP_SUPER_H

#include <linux/virtio_net.h>
#include <sys/uio.h>

#include "cut.h"

enum {
	SL_UDP_SUPER_PARTS = 64,	  /* Linux: UDP_MAX_SEGMENTS; 128 since 6.10 */
	SL_UDP_SUPER_SCRATCH = 12 * 1024, /* of headers: 64 times 192 bytes */
	/* Payload may begin and end inside of a buffer; a packet has at most so many of them. */
	SL_UDP_SUPER_BUFFERS = 128,
	SL_UDP_SUPER_IOV = 1 + 2 * SL_UDP_SUPER_PARTS + SL_UDP_SUPER_BUFFERS,
};

struct sl_udp_super {
	unsigned int n_iov;
	uint32_t parts; /* packets that the super-packet is on the wire */
	uint32_t bytes; /* of them */
	struct iovec iov[SL_UDP_SUPER_IOV];
	struct virtio_net_hdr vnet;
	struct sl_cut cut;
	uint8_t header[SL_UDP_SUPER_SCRATCH + SL_CUT_HEADER_MAX];
};

/* False: m is no super-segment in a UDP tunnel, its description is wrong, or it has too many buffers. */
bool sl_udp_super_begin(struct sl_udp_super *u, const struct rte_mbuf *m);
/* The next super-packet. One that has a single part is an ordinary packet. False: there is no more. */
bool sl_udp_super_next(struct sl_udp_super *u);

#endif
