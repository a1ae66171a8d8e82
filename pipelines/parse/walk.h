/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The careful half of parse: one packet at a time, with any headers, in any number of
 * segments. Packets with the common headers do not come here. Every packet that parse drops
 * gets its reason here.
 * Threads: worker; no state.
 * Ownership: a walk borrows the packet and the structs that it fills.
 */
#ifndef SL_PARSE_WALK_H
#define SL_PARSE_WALK_H

#include <netinet/in.h>

#include "sluice/burst.h"

/* One packet. Its addresses go straight into the key; ports, network and hash follow at the end. */
struct sl_walk {
	struct rte_mbuf *m; /* written only to remove a priority tag */
	struct sl_meta *md;
	struct sl_key4 *k4;
	struct sl_key6 *k6;
	struct sl_fragment_range *fragment;
	uint32_t end; /* offset after the IP packet, at most pkt_len */
	uint16_t sport_be, dport_be;
	uint8_t hop_limit; /* IPv6 */
	bool outer;	   /* an underlay frame; otherwise a workload's */
};

enum { /* IPv4 flags and fragment offset */
	SL_IP4_DF = 0x4000,
	SL_IP4_MF = 0x2000,
	SL_IP4_OFFSET = 0x1fff,
};

/* The end of an extension header chain. */
struct sl_ip6_chain {
	uint32_t l4_off;
	uint8_t proto;
	/* The last three are from a fragment header that is not atomic (RFC 6946). */
	bool fragmented;
	uint16_t frag;	   /* its offset and M bit, host order */
	uint32_t id_be;	   /* its identification */
	uint32_t data_off; /* where the fragment's data begins: behind that header */
};

/*
 * TCP flags that no stack sends. Every segment has ACK, except a first SYN and a reset. At most one
 * of SYN, FIN and RST is set. FIN comes with ACK. PSH, URG and the congestion flags do not matter.
 */
static inline bool sl_tcp_flags_odd(uint8_t flags)
{
	const uint32_t odd = 1u << 0 | 1u << SL_TCP_FIN | 1u << (SL_TCP_SYN | SL_TCP_FIN) |
			     1u << (SL_TCP_RST | SL_TCP_FIN) | 1u << (SL_TCP_SYN | SL_TCP_RST) |
			     1u << (SL_TCP_SYN | SL_TCP_RST | SL_TCP_FIN) |
			     1u << (SL_TCP_ACK | SL_TCP_SYN | SL_TCP_FIN) |
			     1u << (SL_TCP_ACK | SL_TCP_RST | SL_TCP_FIN) |
			     1u << (SL_TCP_ACK | SL_TCP_SYN | SL_TCP_RST) |
			     1u << (SL_TCP_ACK | SL_TCP_SYN | SL_TCP_RST | SL_TCP_FIN);

	return odd >> (flags & (SL_TCP_FIN | SL_TCP_SYN | SL_TCP_RST | SL_TCP_ACK)) & 1;
}

/*
 * Addresses that no packet on a wire may have: a source that is not a single host (RFC 1122 section
 * 3.2.1.3); loopback and "this host" at either end. The first octet is the low byte of a value in
 * network order.
 */
static inline bool sl_ip4_odd(uint32_t src_be, uint32_t dst_be)
{
	return (src_be == 0) | ((src_be & 0xff) == 127) | ((src_be & 0xf0) == 0xe0) |
	       (src_be == 0xffffffff) | (dst_be == 0) | ((dst_be & 0xff) == 127);
}

/*
 * The same for IPv6, except the unspecified source, which the caller checks. Mapped IPv4 addresses
 * are refused: inside sluice they stand for IPv4 addresses, so a packet with them could pass for a
 * packet of another endpoint.
 */
static inline bool sl_ip6_odd(const uint8_t *src, const uint8_t *dst)
{
	uint64_t s[2], d[2];

	memcpy(s, src, 16);
	memcpy(d, dst, 16);
	if (likely((s[0] != 0) & (d[0] != 0)))
		return src[0] == 0xff;
	if (src[0] == 0xff || (d[0] | d[1]) == 0)
		return true;
	for (int i = 0; i < 2; i++) {
		const uint64_t *q = i == 0 ? s : d;

		if (q[0] == 0 &&
			(q[1] == rte_cpu_to_be_64(1) || (uint32_t)q[1] == rte_cpu_to_be_32(0xffff)))
			return true;
	}
	return false;
}

static inline bool sl_ip6_unspecified(const uint8_t *ip)
{
	uint64_t q[2];

	memcpy(q, ip, 16);
	return (q[0] | q[1]) == 0;
}

/* Parse IPv4 from md->l3_off on. The second function does the same for IPv6. */
enum sl_drop sl_walk_ip4(struct sl_walk *w);
enum sl_drop sl_walk_ip6(struct sl_walk *w);
/* Follow the chain of extension headers at off; the first has type `proto`. Reads
 * nothing past end. */
enum sl_drop sl_walk_ip6_chain(const struct rte_mbuf *m, uint32_t off, uint32_t end, uint8_t proto,
	struct sl_ip6_chain *c);
/* Parse the transport header at md->l4_off, of protocol md->proto. */
enum sl_drop sl_walk_l4(struct sl_walk *w);
/* Parse a fragment whose offset is not 0; offset and payload are in bytes. */
enum sl_drop sl_walk_later(struct sl_walk *w, uint32_t offset);
/* Check ICMPv6 types 133..137 (RFC 4861 sections 6.1, 7.1, 8.1). */
enum sl_drop sl_walk_nd(const struct sl_walk *w, const uint8_t *icmp);
/* Fill in the "ports" of ICMP in a flow key: see sluice/burst.h. p: the first 8 bytes of ICMP.
 * request and reply: the types of an echo. */
void sl_icmp_ports(
	const uint8_t *p, uint8_t request, uint8_t reply, uint16_t *sport_be, uint16_t *dport_be);

#endif
