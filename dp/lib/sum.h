/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Internet checksums (RFC 1071) over payload, in chained buffers. checksum.h is for headers. Sums are
 * of 16-bit words in the processor's order, so a folded sum is stored as it is, without a swap.
 * Threads: pure functions on the caller's bytes.
 */
#ifndef SL_DP_SUM_H
#define SL_DP_SUM_H

#include <rte_ip.h>

#include "pkt.h"

/*
 * The folded sum of at most 64 KiB; a zero follows the last byte when len is odd. The compiler makes
 * vectors of DPDK's loop: 12 bytes a cycle with AVX2, 25 with AVX-512. A loop written with vectors of
 * 32 bytes was no faster.
 */
static inline uint32_t sl_sum_bytes(const void *bytes, uint32_t len)
{
	return rte_raw_cksum(bytes, len);
}

/* Any sum as 16 bits. */
static inline uint16_t sl_sum_fold64(uint64_t sum)
{
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

/* The folded sum of len bytes of a chain, from off. The chain has them; len is at most 64 KiB. */
uint32_t sl_sum_packet(const struct rte_mbuf *m, uint32_t off, uint32_t len);

#endif
