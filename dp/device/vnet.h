/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The header that the kernel puts in front of packets with unfinished work (virtio 1.1 section
 * 5.1.6, 10 bytes, this machine's byte order), and what mbufs say about the same (sluice/super.h).
 * The header comes from a workload by way of the kernel: nothing in it is trusted.
 * Threads: the worker that owns the packet.
 */
#ifndef SL_DP_VNET_H
#define SL_DP_VNET_H

#include <linux/virtio_net.h>

#include "sluice/super.h"

/*
 * Note in m what its header says. If the header does not fit the packet, m gets SL_SUPER_BROKEN. A
 * checksum that belongs to neither TCP nor UDP is computed at once. The first buffer of m holds all
 * headers, or all of the packet.
 */
void sl_vnet_in(struct rte_mbuf *m, const struct virtio_net_hdr *h);

/*
 * Compute the transport checksum that m still lacks, in software. For packets that are no
 * super-segments.
 */
void sl_vnet_finish_checksum(struct rte_mbuf *m);

/* The header of a packet that leaves. */
void sl_vnet_out(const struct rte_mbuf *m, struct virtio_net_hdr *h);

#endif
