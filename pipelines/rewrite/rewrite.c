/* SPDX-License-Identifier: BSD-3-Clause */
#include "rewrite_dp.h"

#include <netinet/in.h>
#include <rte_hash_crc.h>

#include "sluice/super.h"
#include "sum.h"

#define TUPLE (SL_REWRITE_SRC | SL_REWRITE_DST)

/* Where a protocol's checksum is, and what it covers besides its own packet. */
struct layout {
	uint8_t at;   /* offset of the checksum */
	uint8_t need; /* bytes that must be in reach */
	bool has;     /* has a checksum that changes with the addresses */
	bool ports;   /* begins with its ports */
};

static struct layout layout_of(const struct sl_meta *m)
{
	switch (m->proto) {
	case IPPROTO_TCP:
		return (struct layout){16, 18, true, true};
	case IPPROTO_UDP:
		return (struct layout){6, 8, true, true};
	case IPPROTO_UDPLITE: /* RFC 3828 section 3.1; a key has no ports of it */
	case IPPROTO_DCCP:    /* RFC 4340 section 9.1; nor of this */
		return (struct layout){6, 8, true, false};
	case IPPROTO_SCTP:
		return (struct layout){8, 12, false, true};
	case IPPROTO_ICMPV6:
		return (struct layout){2, 8, true, false};
	case IPPROTO_ICMP:
		return (struct layout){2, 8, false, false};
	default:
		return (struct layout){0};
	}
}

static void write_macs(uint8_t *frame, const struct sl_rewrite *r)
{
	if (r->what & SL_REWRITE_MACS)
		memcpy(frame, r->macs, sizeof(r->macs));
}

static void write_ip4(uint8_t *ip, const struct sl_rewrite *r)
{
	ip[8] = (uint8_t)(ip[8] - !!(r->what & SL_REWRITE_HOP));
	sl_store16(ip + 10, sl_sum_changed(sl_load16(ip + 10), r->sum_ip));
	if (r->what & TUPLE) {
		memcpy(ip + 12, &r->src.w_be[3], 4);
		memcpy(ip + 16, &r->dst.w_be[3], 4);
	}
}

static void write_ip6(uint8_t *ip, const struct sl_rewrite *r)
{
	ip[7] = (uint8_t)(ip[7] - !!(r->what & SL_REWRITE_HOP));
	if (r->what & TUPLE) {
		memcpy(ip + 8, r->src.b, 16);
		memcpy(ip + 24, r->dst.b, 16);
	}
}

static void write_ip(uint8_t *ip, const struct sl_meta *m, const struct sl_rewrite *r)
{
	if (m->flags & SL_P_IP4)
		write_ip4(ip, r);
	else
		write_ip6(ip, r);
}

/* A checksum at p of a protocol that has it in ones' complement. */
static void change_sum(
	uint8_t *p, const struct rte_mbuf *pkt, const struct sl_meta *m, const struct sl_rewrite *r)
{
	uint16_t old = sl_load16(p), now;

	if (unlikely(pkt->ol_flags & RTE_MBUF_F_TX_L4_MASK)) {
		sl_store16(p, sl_sum_fold((uint32_t)old + r->sum_l3));
		return;
	}
	/* RFC 768: none. Over IPv6 a UDP packet without one is left as it is, too. */
	if (m->proto == IPPROTO_UDP && old == 0)
		return;
	now = sl_sum_changed(old, r->sum_l4);
	sl_store16(p, m->proto == IPPROTO_UDP ? sl_sum_not_zero(now) : now);
}

/* An echo's identifier is where the key of the packet has it. */
static void write_identifier(uint8_t *icmp, const struct sl_meta *m, const struct sl_rewrite *r)
{
	uint16_t id = m->flags & SL_P_ICMP_ECHO ? r->sport_be : r->dport_be;
	uint32_t change = sl_sum_change16(sl_load16(icmp + 4), id);

	if (m->flags & SL_P_IP4)
		sl_store16(icmp + 2, sl_sum_not_zero(sl_sum_changed(sl_load16(icmp + 2), change)));
	sl_store16(icmp + 4, id);
}

/* CRC32c of a packet of len bytes that is all zeros but for its first four: RFC 9260 appendix A. */
static uint32_t crc_of_ports(uint32_t ports, uint32_t len)
{
	uint32_t crc = rte_hash_crc_4byte(ports, 0), left = len - 4;

	for (; left >= 8; left -= 8)
		crc = rte_hash_crc_8byte(0, crc);
	for (; left > 0; left--)
		crc = rte_hash_crc_1byte(0, crc);
	return crc;
}

/* The CRC is stored with its lowest byte first. */
static void change_crc(uint8_t *sctp, const struct sl_meta *m, uint32_t ports)
{
	uint32_t len = (uint32_t)m->l3_len - ((uint32_t)m->l4_off - m->l3_off);
	uint32_t crc = sl_load32(sctp + 8);

	crc ^= crc_of_ports(sl_load32(sctp) ^ ports, len);
	memcpy(sctp + 8, &crc, sizeof(crc));
}
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the CRC's byte order");

static void write_l4(struct rte_mbuf *pkt, const struct sl_meta *m, const struct sl_rewrite *r,
	const struct layout *l)
{
	uint8_t *l4 = rte_pktmbuf_mtod_offset(pkt, uint8_t *, m->l4_off);
	uint32_t ports = r->sport_be | (uint32_t)r->dport_be << 16;

	if (l->has)
		change_sum(l4 + l->at, pkt, m, r);
	else if (m->proto == IPPROTO_SCTP && sl_load32(l4) != ports)
		change_crc(l4, m, ports);
	if (l->ports)
		memcpy(l4, &ports, sizeof(ports));
	else if (m->flags & (SL_P_ICMP_ECHO | SL_P_ICMP_ECHO_REPLY))
		write_identifier(l4, m, r);
}

/* The CRC of a first fragment covers what is not there. */
static bool needs_whole(
	const struct rte_mbuf *pkt, const struct sl_meta *m, const struct sl_rewrite *r)
{
	const uint8_t *l4 = rte_pktmbuf_mtod_offset(pkt, const uint8_t *, m->l4_off);

	return m->proto == IPPROTO_SCTP && m->flags & SL_P_FRAGMENT_FIRST &&
	       sl_load32(l4) != (r->sport_be | (uint32_t)r->dport_be << 16);
}

/* Addresses and ports. */
static enum sl_drop apply_tuple(
	struct rte_mbuf *pkt, const struct sl_meta *m, const struct sl_rewrite *r)
{
	struct layout l = layout_of(m);

	if (m->flags & SL_P_FRAGMENT_LATER)
		l = (struct layout){0};
	if (unlikely(!sl_pkt_gather(pkt, (uint32_t)m->l4_off + l.need)))
		return SL_DROP_L4_TRUNCATED;
	if (l.need > 0) {
		if (unlikely(needs_whole(pkt, m, r)))
			return SL_DROP_FRAGMENT_UNKNOWN;
		write_l4(pkt, m, r, &l);
	}
	write_ip(rte_pktmbuf_mtod_offset(pkt, uint8_t *, m->l3_off), m, r);
	write_macs(rte_pktmbuf_mtod(pkt, uint8_t *), r);
	return SL_KEEP;
}

enum sl_drop sl_rewrite_apply(
	struct rte_mbuf *pkt, const struct sl_meta *m, const struct sl_rewrite *r)
{
	uint32_t header = m->flags & SL_P_IP4 ? 20 : 40;

	if (unlikely(!sl_pkt_gather(pkt, m->l3_off + header)))
		return SL_DROP_L4_TRUNCATED;
	if (unlikely(sl_rewrite_expires(pkt, m, r)))
		return SL_DROP_IP_TTL;
	if (r->what & TUPLE)
		return apply_tuple(pkt, m, r);
	write_ip(rte_pktmbuf_mtod_offset(pkt, uint8_t *, m->l3_off), m, r);
	write_macs(rte_pktmbuf_mtod(pkt, uint8_t *), r);
	return SL_KEEP;
}

static uint32_t sum_of_ports(const struct sl_rewrite *r, uint16_t sport_be, uint16_t dport_be)
{
	return sl_sum_change16(sport_be, r->sport_be) + sl_sum_change16(dport_be, r->dport_be);
}

void sl_rewrite_finish4(struct sl_rewrite *r, const struct sl_key4 *key)
{
	uint32_t hop = r->what & SL_REWRITE_HOP ? sl_sum_change16(sl_be16(0x100), 0) : 0, l3;

	if (!(r->what & SL_REWRITE_SRC)) {
		r->src = sl_ip_from_v4(key->src_be);
		r->sport_be = key->sport_be;
	}
	if (!(r->what & SL_REWRITE_DST)) {
		r->dst = sl_ip_from_v4(key->dst_be);
		r->dport_be = key->dport_be;
	}
	l3 = sl_sum_change32(key->src_be, sl_ip_v4_be(&r->src)) +
	     sl_sum_change32(key->dst_be, sl_ip_v4_be(&r->dst));
	r->sum_l3 = sl_sum_fold(l3);
	r->sum_ip = sl_sum_fold(l3 + hop);
	r->sum_l4 = sl_sum_fold(l3 + sum_of_ports(r, key->sport_be, key->dport_be));
}

void sl_rewrite_finish6(struct sl_rewrite *r, const struct sl_key6 *key)
{
	uint32_t l3;

	if (!(r->what & SL_REWRITE_SRC)) {
		memcpy(r->src.b, key->src, 16);
		r->sport_be = key->sport_be;
	}
	if (!(r->what & SL_REWRITE_DST)) {
		memcpy(r->dst.b, key->dst, 16);
		r->dport_be = key->dport_be;
	}
	l3 = sl_sum_change_ip6(key->src, r->src.b) + sl_sum_change_ip6(key->dst, r->dst.b);
	r->sum_l3 = sl_sum_fold(l3);
	r->sum_ip = 0;
	r->sum_l4 = sl_sum_fold(l3 + sum_of_ports(r, key->sport_be, key->dport_be));
}

struct sl_key4 sl_rewrite_reply4(const struct sl_rewrite *r, uint8_t proto)
{
	return (struct sl_key4){.src_be = sl_ip_v4_be(&r->dst),
		.dst_be = sl_ip_v4_be(&r->src),
		.sport_be = r->dport_be,
		.dport_be = r->sport_be,
		.net_proto = sl_key_net_proto(r->network, proto)};
}

struct sl_key6 sl_rewrite_reply6(const struct sl_rewrite *r, uint8_t proto)
{
	struct sl_key6 k = {.sport_be = r->dport_be,
		.dport_be = r->sport_be,
		.net_proto = sl_key_net_proto(r->network, proto),
		.zero = 0};

	memcpy(k.src, r->dst.b, 16);
	memcpy(k.dst, r->src.b, 16);
	return k;
}

/* What is translated at one end of the packets is translated at the other end of the replies. */
static uint16_t back_what(const struct sl_rewrite *r, uint16_t wanted)
{
	wanted &= SL_REWRITE_MACS | SL_REWRITE_HOP;
	wanted |= r->what & SL_REWRITE_SRC ? SL_REWRITE_DST : 0;
	return wanted | (r->what & SL_REWRITE_DST ? SL_REWRITE_SRC : 0);
}

void sl_rewrite_back4(
	const struct sl_rewrite *r, const struct sl_key4 *key, struct sl_rewrite *back)
{
	struct sl_key4 reply = sl_rewrite_reply4(r, sl_key_proto(key->net_proto));

	back->what = back_what(r, back->what);
	back->network = sl_key_network(key->net_proto);
	back->src = sl_ip_from_v4(key->dst_be);
	back->dst = sl_ip_from_v4(key->src_be);
	back->sport_be = key->dport_be;
	back->dport_be = key->sport_be;
	sl_rewrite_finish4(back, &reply);
}

void sl_rewrite_back6(
	const struct sl_rewrite *r, const struct sl_key6 *key, struct sl_rewrite *back)
{
	struct sl_key6 reply = sl_rewrite_reply6(r, sl_key_proto(key->net_proto));

	back->what = back_what(r, back->what);
	back->network = sl_key_network(key->net_proto);
	memcpy(back->src.b, key->dst, 16);
	memcpy(back->dst.b, key->src, 16);
	back->sport_be = key->dport_be;
	back->dport_be = key->sport_be;
	sl_rewrite_finish6(back, &reply);
}
