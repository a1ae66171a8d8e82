/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_byteorder.h>
#include <rte_prefetch.h>

#include "dp/pkt.h"
#include "parse_dp.h"
#include "pipelines/flow/flow_dp.h"
#include "walk.h"

#define ETH_HDR	       14u
#define IP4_HDR	       20u
#define IP6_HDR	       40u
#define PREFETCH_AHEAD 6

enum {
	ETH_IP4 = 0x0800,
	ETH_ARP = 0x0806,
	ETH_VLAN = 0x8100,
	ETH_IP6 = 0x86dd,
	ETH_QINQ = 0x88a8,
};

enum { /* IPv4 flags and fragment offset */
	FRAG_DF = 0x4000,
	FRAG_MF = 0x2000,
	FRAG_OFFSET = 0x1fff,
};

static bool checksum_ok(const struct rte_mbuf *m, const uint8_t *ip, uint32_t len)
{
	uint64_t offload = m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK;
	uint64_t sum = 0;

	if (offload == RTE_MBUF_F_RX_IP_CKSUM_GOOD)
		return true;
	if (offload == RTE_MBUF_F_RX_IP_CKSUM_BAD)
		return false;
	for (uint32_t i = 0; i < len; i += 4)
		sum += sl_load32(ip + i);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff;
}

/*
 * The common packet: untagged, IPv4 without options or fragmentation or IPv6 without extension
 * headers, well-formed TCP or UDP, headers in the first segment. True when it was one and is done;
 * false leaves everything to the walk, which finds the reason when it is to be dropped.
 *
 * Keys are written in whole words: a hash that reads back what was stored in halves waits for them
 * to reach the cache (5 cycles a packet).
 */

/* TCP or UDP in len bytes of IP payload, of which the first segment has `here`. */
static inline bool common_l4(
	const uint8_t *l4, uint32_t len, uint32_t here, uint8_t proto, uint8_t *tcp_flags)
{
	uint32_t need;

	if (proto == IPPROTO_TCP) {
		if (unlikely(here < 20))
			return false;
		need = (l4[12] >> 4) * 4u;
		*tcp_flags = l4[13];
		return need >= 20 && need <= len && !sl_tcp_flags_odd(*tcp_flags);
	}
	if (unlikely(proto != IPPROTO_UDP || here < 8))
		return false;
	need = rte_be_to_cpu_16(sl_load16(l4 + 4));
	*tcp_flags = 0;
	return need >= 8 && need <= len;
}

static inline uint64_t key_word(uint32_t network, uint8_t proto, uint32_t ports_be)
{
	return (uint64_t)sl_key_net_proto(network, proto) << 32 | ports_be;
}
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "ports stand in the low half");

static inline uint16_t common_flags(const uint8_t *eth, uint8_t proto)
{
	return (uint16_t)((eth[0] & 1) << 9) | (proto == IPPROTO_TCP ? SL_P_TCP : 0);
}
_Static_assert(SL_P_MULTICAST == 1 << 9, "common_flags shifts the group bit there");

static __rte_always_inline bool parse_common4(struct sl_burst *b, unsigned int i, const bool outer)
{
	const struct rte_mbuf *m = b->pkt[i];
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *), *l4 = p + ETH_HDR + IP4_HDR;
	struct sl_meta *md = &b->meta[i];
	struct sl_key4 *k = &b->key4[i];
	uint32_t total;
	uint64_t word;
	uint16_t frag_be;
	uint8_t tcp_flags = 0, proto;

	if (unlikely(m->data_len < ETH_HDR + IP4_HDR))
		return false;
	frag_be = sl_load16(p + 20);
	total = rte_be_to_cpu_16(sl_load16(p + 16));
	proto = p[23];
	if (unlikely((sl_load32(p + 12) & rte_cpu_to_be_32(0xffffff00)) !=
			     rte_cpu_to_be_32(ETH_IP4 << 16 | 0x4500) ||
		     (frag_be & rte_cpu_to_be_16(FRAG_MF | FRAG_OFFSET)) != 0 || total < IP4_HDR ||
		     ETH_HDR + total > m->pkt_len ||
		     sl_ip4_odd(sl_load32(p + 26), sl_load32(p + 30)) ||
		     !common_l4(l4, total - IP4_HDR, m->data_len - (ETH_HDR + IP4_HDR), proto,
			     &tcp_flags)))
		return false;
	if (outer && unlikely(!checksum_ok(m, p + ETH_HDR, IP4_HDR)))
		return false;
	md->l3_off = ETH_HDR;
	md->l4_off = ETH_HDR + IP4_HDR;
	md->l3_len = (uint16_t)total;
	md->flags = SL_P_IP4 | common_flags(p, proto) |
		    ((frag_be & rte_cpu_to_be_16(FRAG_DF)) != 0 ? SL_P_IP4_DF : 0);
	md->proto = proto;
	md->tcp_flags = tcp_flags;
	md->tos = p[15];
	memcpy(&k->src_be, p + 26, 8);
	if (!outer) {
		word = key_word(md->network, proto, sl_load32(l4));
		memcpy(&k->sport_be, &word, 8);
		md->hash = sl_key4_hash(k);
	}
	return true;
}

/* Not inline: its registers would be taken from the loop over IPv4 packets, 3 cycles each. */
static __rte_noinline bool parse_common6(struct sl_burst *b, unsigned int i)
{
	const struct rte_mbuf *m = b->pkt[i];
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *), *l4 = p + ETH_HDR + IP6_HDR;
	struct sl_meta *md = &b->meta[i];
	struct sl_key6 *k = &b->key6[i];
	uint64_t tail[2] = {0, 0};
	uint32_t payload;
	uint8_t tcp_flags = 0, proto;

	if (unlikely(m->data_len < ETH_HDR + IP6_HDR))
		return false;
	payload = rte_be_to_cpu_16(sl_load16(p + 18));
	proto = p[20];
	if (unlikely((sl_load32(p + 12) & rte_cpu_to_be_32(0xfffff000)) !=
			     rte_cpu_to_be_32((uint32_t)ETH_IP6 << 16 | 0x6000) ||
		     payload > 65535 - IP6_HDR || ETH_HDR + IP6_HDR + payload > m->pkt_len ||
		     sl_ip6_odd(p + 22, p + 38) || sl_ip6_unspecified(p + 22) ||
		     !common_l4(l4, payload, m->data_len - (ETH_HDR + IP6_HDR), proto, &tcp_flags)))
		return false;
	md->l3_off = ETH_HDR;
	md->l4_off = ETH_HDR + IP6_HDR;
	md->l3_len = (uint16_t)(IP6_HDR + payload);
	md->flags = SL_P_IP6 | common_flags(p, proto);
	md->proto = proto;
	md->tcp_flags = tcp_flags;
	md->tos = (uint8_t)(p[14] << 4 | p[15] >> 4);
	memcpy(k->src, p + 22, 32);
	tail[0] = key_word(md->network, proto, sl_load32(l4));
	memcpy((uint8_t *)k + offsetof(struct sl_key6, sport_be), tail, sizeof(tail));
	md->hash = sl_key6_hash(k);
	return true;
}

/* RFC 826. A sender of 0.0.0.0 is a probe (RFC 5227); nobody is to learn other odd addresses. */
static enum sl_drop walk_arp(struct sl_walk *w)
{
	static const uint8_t fixed[6] = {0, 1, 8, 0, 6, 4};
	uint8_t buf[28];
	const uint8_t *p = sl_pkt_read(w->m, w->md->l3_off, sizeof(buf), buf);
	uint32_t sender_be;

	if (p == NULL || memcmp(p, fixed, sizeof(fixed)) != 0 || p[6] != 0 ||
		(p[7] != 1 && p[7] != 2))
		return SL_DROP_ARP_MALFORMED;
	sender_be = sl_load32(p + 14);
	if ((p[8] & 1) != 0 || (sender_be != 0 && sl_ip4_odd(sender_be, 1)))
		return SL_DROP_ARP_MALFORMED;
	w->md->flags |= SL_P_ARP;
	w->md->l3_len = sizeof(buf);
	w->md->l4_off = w->md->l3_off;
	return SL_KEEP;
}

/* RFC 791: all but the last are multiples of 8, and the whole fits 65535. */
static enum sl_drop walk_ip4_fragment(struct sl_walk *w, uint16_t frag, uint32_t hdr_len)
{
	uint32_t len = w->md->l3_len - hdr_len, offset = (frag & FRAG_OFFSET) * 8u;

	if (len == 0 || ((frag & FRAG_MF) != 0 && len % 8 != 0) || offset + len + hdr_len > 65535)
		return SL_DROP_IP4_MALFORMED;
	if (offset != 0)
		return sl_walk_later(w, offset);
	w->md->flags |= SL_P_FRAGMENT_FIRST;
	return sl_walk_l4(w);
}

static enum sl_drop walk_ip4(struct sl_walk *w)
{
	struct sl_meta *md = w->md;
	uint32_t off = md->l3_off, hdr_len, total;
	uint16_t frag;
	uint8_t buf[60];
	const uint8_t *p = sl_pkt_read(w->m, off, IP4_HDR, buf);

	if (p == NULL)
		return SL_DROP_IP4_TRUNCATED;
	hdr_len = (p[0] & 15u) * 4;
	total = rte_be_to_cpu_16(sl_load16(p + 2));
	if (p[0] >> 4 != 4 || hdr_len < IP4_HDR || total < hdr_len)
		return SL_DROP_IP4_MALFORMED;
	if (off + total > w->m->pkt_len)
		return SL_DROP_IP4_TRUNCATED;
	p = sl_pkt_read(w->m, off, hdr_len, buf);
	if (p == NULL)
		return SL_DROP_IP4_TRUNCATED;
	if (w->verify && !checksum_ok(w->m, p, hdr_len))
		return SL_DROP_IP4_CHECKSUM;
	frag = rte_be_to_cpu_16(sl_load16(p + 6));
	w->end = off + total;
	md->flags |= SL_P_IP4 | ((frag & FRAG_DF) != 0 ? SL_P_IP4_DF : 0);
	md->l3_len = (uint16_t)total;
	md->l4_off = (uint16_t)(off + hdr_len);
	md->proto = p[9];
	md->tos = p[1];
	w->k4->src_be = sl_load32(p + 12);
	w->k4->dst_be = sl_load32(p + 16);
	/* Protocol 0 is no protocol of IPv4; the number must not pass for "any" further on. */
	if (md->proto == 0)
		return SL_DROP_IP4_MALFORMED;
	if (sl_ip4_odd(w->k4->src_be, w->k4->dst_be))
		return SL_DROP_IP_ADDRESS;
	if ((frag & (FRAG_MF | FRAG_OFFSET)) != 0)
		return walk_ip4_fragment(w, frag, hdr_len);
	return sl_walk_l4(w);
}

/* Ethernet and VLAN tags: fills l3_off and returns the EtherType in *type. */
static enum sl_drop walk_eth(struct sl_walk *w, uint16_t *type)
{
	uint8_t buf[ETH_HDR];
	const uint8_t *p = sl_pkt_read(w->m, 0, ETH_HDR, buf);
	uint32_t off = ETH_HDR;

	if (p == NULL)
		return SL_DROP_ETH_TRUNCATED;
	if ((p[0] & 1) != 0)
		w->md->flags |= SL_P_MULTICAST;
	*type = rte_be_to_cpu_16(sl_load16(p + 12));
	for (unsigned int n = 0; *type == ETH_VLAN || *type == ETH_QINQ; n++) {
		if (n == 2)
			return SL_DROP_ETH_VLAN_DEPTH;
		p = sl_pkt_read(w->m, off, 4, buf);
		if (p == NULL)
			return SL_DROP_ETH_TRUNCATED;
		*type = rte_be_to_cpu_16(sl_load16(p + 2));
		off += 4;
		w->md->flags |= SL_P_VLAN;
	}
	w->md->l3_off = (uint16_t)off;
	return SL_KEEP;
}

static enum sl_drop walk_frame(struct sl_walk *w)
{
	uint16_t type = 0;
	enum sl_drop drop;

	w->md->flags = 0;
	w->md->proto = 0;
	w->md->tcp_flags = 0;
	w->md->tos = 0;
	drop = walk_eth(w, &type);
	if (drop != SL_KEEP)
		return drop;
	switch (type) {
	case ETH_IP4:
		return walk_ip4(w);
	case ETH_IP6:
		return sl_walk_ip6(w);
	case ETH_ARP:
		return walk_arp(w);
	default: /* LLC (a length below 0x600) included */
		return SL_DROP_ETH_TYPE_UNKNOWN;
	}
}

static void fill_key(const struct sl_walk *w)
{
	struct sl_meta *md = w->md;
	uint32_t network = md->network;
	uint64_t word;

	if ((md->flags & SL_P_FRAGMENT_LATER) != 0)
		network |= SL_KEY_FRAGMENT;
	word = key_word(network, md->proto, (uint32_t)w->dport_be << 16 | w->sport_be);
	if ((md->flags & SL_P_IP4) != 0) {
		memcpy(&w->k4->sport_be, &word, 8);
		md->hash = sl_key4_hash(w->k4);
	} else if ((md->flags & SL_P_IP6) != 0) {
		memcpy(&w->k6->sport_be, &word, 8);
		w->k6->zero = 0;
		md->hash = sl_key6_hash(w->k6);
	} else {
		md->hash = 0;
	}
}

static __rte_noinline void parse_walk(struct sl_burst *b, unsigned int i, bool outer)
{
	struct sl_walk w = {.m = b->pkt[i],
		.md = &b->meta[i],
		.k4 = &b->key4[i],
		.k6 = &b->key6[i],
		.verify = outer};
	enum sl_drop drop = walk_frame(&w);

	if (drop != SL_KEEP)
		b->verdict[i] = (uint8_t)drop;
	else if (!outer)
		fill_key(&w);
}

static inline void prefetch_header(const struct sl_burst *b, unsigned int i)
{
	rte_prefetch0(rte_pktmbuf_mtod(b->pkt[i], const void *));
}

/* Two copies, one for inner and one for outer packets: 2 to 4 cycles a packet. */
static __rte_always_inline void parse_burst(
	struct sl_burst *b, const uint8_t *idx, unsigned int n, const bool outer)
{
	for (unsigned int k = 0; k < PREFETCH_AHEAD && k < n; k++)
		prefetch_header(b, idx[k]);
	for (unsigned int k = 0; k < n; k++) {
		unsigned int i = idx[k];

		if (k + PREFETCH_AHEAD < n)
			prefetch_header(b, idx[k + PREFETCH_AHEAD]);
		if (unlikely(b->verdict[i] != SL_KEEP))
			continue;
		if (unlikely(!parse_common4(b, i, outer)) && (outer || !parse_common6(b, i)))
			parse_walk(b, i, outer);
	}
}

void sl_parse(struct sl_burst *b, const uint8_t *idx, unsigned int n)
{
	parse_burst(b, idx, n, false);
}

void sl_parse_outer(struct sl_burst *b, const uint8_t *idx, unsigned int n)
{
	parse_burst(b, idx, n, true);
}
