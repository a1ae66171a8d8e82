/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets with unfinished work: checksums that are not computed yet, and super-segments, which are
 * many TCP or UDP packets under one header. Kernel interfaces and guests hand them over, and take
 * them (virtio 1.1 section 5.1.6; Linux calls them CHECKSUM_PARTIAL and GSO).
 *
 * The mbuf says what is left to do:
 *   ol_flags & SL_SUPER	a super-segment; tso_segsz is the payload of each of its segments,
 *				the last one may be shorter
 *   ol_flags & RTE_MBUF_F_TX_L4_MASK
 *				TCP_CKSUM or UDP_CKSUM: the checksum field holds the sum of the
 *				pseudo header, for the length of the whole. Every super-segment
 *				has one of them.
 *   l2_len, l3_len, l4_len	of the headers, whenever one of the above is set
 *   RTE_MBUF_F_TX_IPV4, _IPV6	family of these headers, set by the settle stage
 *   RTE_MBUF_F_RX_L4_CKSUM_GOOD	the sender's side vouches for the transport checksum
 * After encap, DPDK's convention for tunnels holds: RTE_MBUF_F_TX_TUNNEL_*, _OUTER_IPV4 or _IPV6,
 * outer_l2_len, outer_l3_len, and l2_len counts from the outer UDP header to the inner IP header.
 *
 * Only packets that came by a port with sl_port_dp.offloads_in carry any of these. A packet may be a
 * chain of buffers; the first one holds all headers.
 * Threads: the worker that owns the packet.
 */
#ifndef SLUICE_SUPER_H
#define SLUICE_SUPER_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#define SL_SUPER (RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_UDP_SEG)
/* What the sender says about the packet does not fit the packet: the settle stage drops it. */
#define SL_SUPER_BROKEN RTE_MBUF_F_RX_L4_CKSUM_BAD
/* Any bit that asks for work. */
#define SL_OFFLOADS (SL_SUPER | RTE_MBUF_F_TX_L4_MASK)
/* Any bit by which a sender says something about its packet. */
#define SL_DESCRIBED (SL_OFFLOADS | SL_SUPER_BROKEN | RTE_MBUF_F_RX_L4_CKSUM_GOOD)
/*
 * More segments than any honest sender makes: 64 KiB in pieces of 64 bytes. Without a limit, a
 * workload could make one buffer into 65,000 packets of one byte each.
 */
#define SL_SUPER_SEGMENTS_MAX 1024

/* What a device takes as it is (sl_port_device.takes, sl_port_dp.takes). */
enum sl_takes {
	SL_TAKES_CHAIN = 1 << 0,       /* chained buffers */
	SL_TAKES_CSUM = 1 << 1,	       /* unfinished transport checksums of plain packets */
	SL_TAKES_TSO = 1 << 2,	       /* TCP super-segments of plain packets, both families */
	SL_TAKES_USO = 1 << 3,	       /* UDP super-segments of plain packets, both families */
	SL_TAKES_TUNNEL_CSUM = 1 << 4, /* unfinished checksums inside of a VXLAN packet */
	SL_TAKES_TUNNEL_TSO = 1 << 5,  /* TCP super-segments inside of a VXLAN packet */
	/* a super-segment inside of a tunnel over UDP, which the driver sends as one UDP super-packet */
	SL_TAKES_UDP_GSO = 1 << 6,
};

/* What a port's configuration allows (sl_port_device.offloads_asked). */
enum sl_offload {
	SL_OFFLOAD_CHECKSUM = 1 << 0,
	SL_OFFLOAD_TSO = 1 << 1,
	SL_OFFLOAD_USO = 1 << 2,
	SL_OFFLOAD_UDP_GSO = 1 << 3,
	SL_OFFLOAD_GRO = 1 << 4,
	SL_OFFLOAD_ALL = (1 << 5) - 1,
};

static inline bool sl_is_super(const struct rte_mbuf *m)
{
	return (m->ol_flags & SL_SUPER) != 0;
}

/* Bytes of headers that each segment repeats: inner ones, and outer ones after encap. */
static inline uint32_t sl_super_header(const struct rte_mbuf *m)
{
	uint32_t outer = (m->ol_flags & RTE_MBUF_F_TX_TUNNEL_MASK) != 0
				 ? (uint32_t)m->outer_l2_len + m->outer_l3_len
				 : 0;

	return outer + m->l2_len + m->l3_len + m->l4_len;
}

/* Packets that m is on the wire, at least 1. */
static inline uint32_t sl_super_segments(const struct rte_mbuf *m)
{
	uint32_t header;

	if (!sl_is_super(m))
		return 1;
	header = sl_super_header(m);
	if (m->tso_segsz == 0 || m->pkt_len <= header)
		return 1;
	return (m->pkt_len - header + m->tso_segsz - 1) / m->tso_segsz;
}

/* Length of the (inner) IP packet of a full segment: what must fit the MTU. */
static inline uint32_t sl_super_ip_len(const struct rte_mbuf *m)
{
	return (uint32_t)m->l3_len + m->l4_len + m->tso_segsz;
}

/* Length of m's frame on the wire; of a super-segment, of the first of its frames. */
static inline uint32_t sl_super_frame_len(const struct rte_mbuf *m)
{
	uint32_t first;

	if (!sl_is_super(m))
		return m->pkt_len;
	first = sl_super_header(m) + m->tso_segsz;
	return RTE_MIN(first, m->pkt_len);
}

/* Bytes that m is on the wire, in segments packets. */
static inline uint32_t sl_super_bytes(const struct rte_mbuf *m, uint32_t segments)
{
	return m->pkt_len + (segments - 1) * sl_super_header(m);
}

/* What a sample of OFFLOAD_MALFORMED tells about the description, in one word. */
enum {
	SL_DETAIL_SIZE = 0xffff, /* bytes of a segment */
	SL_DETAIL_L4_SHIFT = 16, /* 10 bits: where the transport header is said to be */
	SL_DETAIL_L4 = 0x3ff,
	SL_DETAIL_TCP_SEG = 1 << 26,
	SL_DETAIL_UDP_SEG = 1 << 27,
	SL_DETAIL_TCP = 1 << 28,
	SL_DETAIL_UDP = 1 << 29,
	SL_DETAIL_BROKEN = 1 << 30, /* the driver has refused the description itself */
};

static inline uint32_t sl_offload_detail(const struct rte_mbuf *m, uint32_t l4)
{
	uint64_t checksum = m->ol_flags & RTE_MBUF_F_TX_L4_MASK;
	uint32_t d = m->tso_segsz | (l4 & SL_DETAIL_L4) << SL_DETAIL_L4_SHIFT;

	d |= m->ol_flags & RTE_MBUF_F_TX_TCP_SEG ? SL_DETAIL_TCP_SEG : 0;
	d |= m->ol_flags & RTE_MBUF_F_TX_UDP_SEG ? SL_DETAIL_UDP_SEG : 0;
	d |= checksum == RTE_MBUF_F_TX_TCP_CKSUM ? SL_DETAIL_TCP : 0;
	d |= checksum == RTE_MBUF_F_TX_UDP_CKSUM ? SL_DETAIL_UDP : 0;
	return d | (m->ol_flags & SL_SUPER_BROKEN ? SL_DETAIL_BROKEN : 0);
}

#endif
