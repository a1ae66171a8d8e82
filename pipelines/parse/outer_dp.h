/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The common outer headers of a tunnel packet, checked all at once: Ethernet to the port's own MAC,
 * IPv4 without options or fragmentation and with a right checksum, UDP. All other packets go to
 * sl_parse_outer, which handles every case.
 * Threads: worker; pure functions on the caller's packet.
 */
#ifndef SL_PARSE_OUTER_DP_H
#define SL_PARSE_OUTER_DP_H

#include <netinet/in.h>

#include <rte_byteorder.h>

#include "dp/lib/checksum.h"

enum {
	SL_OUTER_L3 = 14,		/* offset of the IPv4 header */
	SL_OUTER_L4 = SL_OUTER_L3 + 20, /* offset of the UDP header */
};

struct sl_outer {
	uint64_t addrs_be; /* source in the low half as loaded, destination in the high one */
	uint16_t dport_be;
	uint8_t tos;
};

/* Six bytes of a packet or of a struct sl_mac as one number. */
static inline uint64_t sl_mac_word(const void *mac)
{
	return sl_load32(mac) | (uint64_t)sl_load16((const uint8_t *)mac + 4) << 32;
}

/*
 * True when the packet has the common outer headers; then *o is filled. own: sl_mac_word of the
 * port's MAC. The UDP payload is within the IP packet, and the IP packet within the frame. Not
 * checked here: IP addresses, and the TTL, because a packet that has arrived may have 0 (RFC 1122
 * section 3.2.1.7). The IP checksum is computed even when the device has checked it, because that
 * costs less than asking. A UDP checksum is ignored, as RFC 7348 section 4.1 permits: the inner
 * packet has its own checksums.
 */
static __rte_always_inline bool sl_outer_read(
	const struct rte_mbuf *m, uint64_t own, struct sl_outer *o)
{
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
	uint32_t head, mid, total, udp_len;

	if (unlikely(m->data_len < SL_OUTER_L4 + 8))
		return false;
	head = sl_load32(p + 12); /* EtherType, version and length, TOS */
	mid = sl_load32(p + 20);  /* fragment, TTL, protocol */
	total = sl_load_be16(p + 16);
	udp_len = sl_load_be16(p + SL_OUTER_L4 + 4);
	o->addrs_be = sl_load64(p + 26);
	o->dport_be = sl_load16(p + SL_OUTER_L4 + 2);
	o->tos = (uint8_t)(head >> 24);
	return ((sl_load64(p) ^ own) << 16 | ((head ^ 0x450008) & 0xffffff) |
		       ((mid ^ IPPROTO_UDP << 24) & 0xff00ff3f)) == 0 &&
	       udp_len >= 8 && udp_len + 20 <= total && SL_OUTER_L3 + total <= m->pkt_len &&
	       likely(sl_sum_is_ones(sl_ip4_sum(p + SL_OUTER_L3)));
}
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first byte is the lowest");

#endif
