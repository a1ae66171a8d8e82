/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Cuts a super-segment (sluice/super.h) into the packets that it stands for, one after the other, in
 * a tunnel or plain. The cutter writes the headers of each packet to the caller's memory and names
 * the range of the chain that is its payload. It copies no payload and allocates nothing.
 *
 *	struct sl_cut c;
 *	if (sl_cut_begin(&c, m))
 *		while (sl_cut_next(&c, header, &range)) {
 *			... take header[c.header] and the range's bytes ...
 *			sl_cut_seal(&c, header, &range, sl_sum_packet(range.m, range.off, range.len));
 *		}
 *
 * What differs from packet to packet (as Linux does it, and RFC 9293, 768, 791, 6864):
 *   lengths	of the IP header, or both of them, and of UDP headers
 *   IPv4	identification goes up by one; header checksum
 *   TCP	sequence number; CWR in the first packet only, FIN and PSH in the last only
 *   checksums	the (inner) transport checksum is complete. The outer UDP checksum is too, when the packet
 *		asks for it (RTE_MBUF_F_TX_OUTER_UDP_CKSUM); else it is 0
 * Threads: the worker that owns the packet. It must not change while it is cut.
 */
#ifndef SL_DP_CUT_H
#define SL_DP_CUT_H

#include "dp/lib/pkt.h"
#include "sluice/super.h"

/*
 * No packet has more bytes of headers: outer Ethernet and IPv6 are 54, what follows to the inner IP
 * header at most 127 (l2_len has 7 bits), the inner IP header at most 511 (l3_len has 9), TCP 60.
 */
enum { SL_CUT_HEADER_MAX = 768 };
_Static_assert(54 + 127 + 511 + 60 <= SL_CUT_HEADER_MAX, "the longest headers fit");

/* The sums of one IP header without what differs, and where it is. */
struct sl_cut_ip {
	uint16_t off, len; /* in the headers; len with extension headers or options */
	bool ip6;
	uint16_t id;	 /* IPv4: of the next packet, host order */
	uint32_t sum;	 /* IPv4: of the header without length, identification and checksum */
	uint32_t pseudo; /* of both addresses and the protocol */
};

struct sl_cut {
	uint32_t header; /* bytes of headers of each packet */
	uint32_t left;	 /* bytes of payload that are not handed out yet */
	uint32_t n_left; /* packets */
	uint16_t size;	 /* payload of each packet but the last */
	uint16_t l4, l4_len;
	bool tcp, tunnel, outer_udp, outer_sum, first;
	uint32_t seq;
	uint32_t l4_sum; /* of transport and pseudo header without what differs */
	struct sl_cut_ip inner, outer;
	const uint8_t *headers; /* of the whole */
	const struct rte_mbuf *m;
	uint32_t off; /* of the next payload byte in m */
};

/* len bytes from off of a chain that begins at m. */
struct sl_cut_range {
	const struct rte_mbuf *m;
	uint32_t off, len;
};

/*
 * False: the packet's description does not fit its bytes: its headers are not all in the first
 * buffer, or a packet would be longer than IP allows.
 */
bool sl_cut_begin(struct sl_cut *c, const struct rte_mbuf *m);
/* Write the headers of the next packet to header[SL_CUT_HEADER_MAX], without transport checksums.
 * False: there is none. */
bool sl_cut_next(struct sl_cut *c, uint8_t *header, struct sl_cut_range *r);
/* Complete the checksums. sum: of the range's bytes, folded. */
void sl_cut_seal(
	const struct sl_cut *c, uint8_t *header, const struct sl_cut_range *r, uint32_t sum);

#endif
