/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMP errors: the quoted packet, and the error around it. Rare, so lengths are looked at again. */
#include "rewrite_dp.h"

#include <netinet/in.h>

#include "pipelines/parse/walk.h"
#include "sum.h"

#define QUOTED_L4 8u /* what RFC 792 guarantees of the transport header */

/* The quoted packet, with the difference that the changes make to sums over it. */
struct quote {
	uint8_t *ip, *l4;
	uint32_t l4_len; /* bytes of the transport header that are there */
	uint8_t proto;
	bool ip4;
	uint32_t changed; /* to the sum of its bytes */
	uint32_t pseudo;  /* to the sum of its addresses */
	uint32_t ports;	  /* to the sum of its ports, or of its identifier */
};

static void put16(struct quote *q, uint8_t *p, uint16_t v)
{
	q->changed += sl_sum_change16(sl_load16(p), v);
	sl_store16(p, v);
}

/* The headers of the quote in one buffer. False: it does not have the fields that change. */
static bool find(struct rte_mbuf *pkt, const struct sl_meta *m, struct quote *q)
{
	uint32_t off = m->l4_off + 8u, end = (uint32_t)m->l3_off + m->l3_len, l4;
	struct sl_ip6_chain c;
	const uint8_t *p;
	uint8_t buf[40];

	q->ip4 = m->flags & SL_P_IP4;
	p = end < off + (q->ip4 ? 20 : 40) ? NULL : sl_pkt_read(pkt, off, q->ip4 ? 20 : 40, buf);
	if (p == NULL)
		return false;
	if (q->ip4) {
		l4 = off + (p[0] & 15u) * 4;
		q->proto = p[9];
		if (p[0] >> 4 != 4 || (p[0] & 15u) < 5 ||
			(sl_load_be16(p + 6) & SL_IP4_OFFSET) != 0)
			return false;
	} else {
		if (p[0] >> 4 != 6 || sl_walk_ip6_chain(pkt, off + 40, end, p[6], &c) != SL_KEEP ||
			(c.frag & 0xfff8) != 0)
			return false;
		l4 = c.l4_off;
		q->proto = c.proto;
	}
	if (end < l4 + QUOTED_L4 || !sl_pkt_gather(pkt, RTE_MIN(end, l4 + 20)))
		return false;
	q->ip = rte_pktmbuf_mtod_offset(pkt, uint8_t *, off);
	q->l4 = rte_pktmbuf_mtod_offset(pkt, uint8_t *, l4);
	q->l4_len = RTE_MIN(end, l4 + 20) - l4;
	return true;
}

/* The record's addresses, reversed: the quoted packet went the other way. */
static void put_addresses(struct quote *q, const struct sl_rewrite *r)
{
	uint32_t before = q->changed;
	unsigned int len = q->ip4 ? 4 : 16, src = q->ip4 ? 12 : 8, from = q->ip4 ? 12 : 0;

	for (unsigned int i = 0; i < len; i += 2) {
		put16(q, q->ip + src + i, sl_load16(r->dst.b + from + i));
		put16(q, q->ip + src + len + i, sl_load16(r->src.b + from + i));
	}
	q->pseudo = sl_sum_fold(q->changed - before);
	if (q->ip4)
		put16(q, q->ip + 10, sl_sum_changed(sl_load16(q->ip + 10), q->pseudo));
}

/* Of an echo, the identifier. Returns false for other ICMP, which has nothing in place of ports. */
static bool put_identifier(struct quote *q, const struct sl_rewrite *r)
{
	uint8_t request = q->ip4 ? 8 : 128, reply = q->ip4 ? 0 : 129;

	if (q->l4[1] != 0 || (q->l4[0] != request && q->l4[0] != reply))
		return false;
	put16(q, q->l4 + 4, q->l4[0] == request ? r->dport_be : r->sport_be);
	return true;
}

static void put_ports(struct quote *q, const struct sl_rewrite *r)
{
	uint32_t before = q->changed;

	switch (q->proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
		put16(q, q->l4, r->dport_be);
		put16(q, q->l4 + 2, r->sport_be);
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		put_identifier(q, r);
		break;
	default:
		break;
	}
	q->ports = sl_sum_fold(q->changed - before);
}

/* The offset of the quoted packet's checksum; 0: none that can be changed. */
static uint32_t checksum_at(const struct quote *q)
{
	switch (q->proto) {
	case IPPROTO_TCP:
		return 16;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_DCCP:
		return 6;
	case IPPROTO_ICMP:
		return q->ip4 ? 2 : 0;
	case IPPROTO_ICMPV6:
		return q->ip4 ? 0 : 2;
	default:
		return 0;
	}
}

/*
 * The quoted packet's own checksum, if the quote reaches so far. An SCTP one stays: nobody can check
 * it without the whole packet.
 */
static void put_checksum(struct quote *q)
{
	bool udp = q->proto == IPPROTO_UDP;
	uint32_t at = checksum_at(q), pseudo = q->proto == IPPROTO_ICMP ? 0 : q->pseudo;
	uint16_t old, now;

	if (at == 0 || q->l4_len < at + 2)
		return;
	old = sl_load16(q->l4 + at);
	if (udp && old == 0)
		return;
	now = sl_sum_changed(old, pseudo + q->ports);
	put16(q, q->l4 + at, udp || q->proto == IPPROTO_ICMP ? sl_sum_not_zero(now) : now);
}

/* The error's own header. Returns the difference to the sum of its addresses. */
static uint32_t write_outer(uint8_t *ip, bool ip4, const struct sl_rewrite *r)
{
	uint32_t sum = 0, hop = 0;
	const uint8_t *src = r->src.b + (ip4 ? 12 : 0), *dst = r->dst.b + (ip4 ? 12 : 0);
	unsigned int len = ip4 ? 4 : 16, at = ip4 ? 12 : 8;

	for (unsigned int i = 0; i < len; i += 2) {
		if (r->what & SL_REWRITE_SRC) {
			sum += sl_sum_change16(sl_load16(ip + at + i), sl_load16(src + i));
			memcpy(ip + at + i, src + i, 2);
		}
		if (r->what & SL_REWRITE_DST) {
			sum += sl_sum_change16(sl_load16(ip + at + len + i), sl_load16(dst + i));
			memcpy(ip + at + len + i, dst + i, 2);
		}
	}
	if (r->what & SL_REWRITE_HOP) {
		ip[ip4 ? 8 : 7]--;
		hop = sl_sum_change16(sl_be16(0x100), 0);
	}
	if (ip4)
		sl_store16(ip + 10, sl_sum_changed(sl_load16(ip + 10), sum + hop));
	return sum;
}

enum sl_drop sl_rewrite_apply_quoted(
	struct rte_mbuf *pkt, const struct sl_meta *m, const struct sl_rewrite *r)
{
	struct quote q = {.changed = 0};
	uint32_t outer;
	uint16_t sum;
	uint8_t *icmp;

	if (!find(pkt, m, &q))
		return SL_DROP_ICMP_UNRELATED;
	if (sl_rewrite_expires(pkt, m, r))
		return SL_DROP_IP_TTL;
	if (r->what & (SL_REWRITE_SRC | SL_REWRITE_DST)) {
		put_addresses(&q, r);
		put_ports(&q, r);
		put_checksum(&q);
	}
	outer = write_outer(rte_pktmbuf_mtod_offset(pkt, uint8_t *, m->l3_off), q.ip4, r);
	icmp = rte_pktmbuf_mtod_offset(pkt, uint8_t *, m->l4_off);
	sum = sl_sum_changed(sl_load16(icmp + 2), q.changed + (q.ip4 ? 0 : outer));
	sl_store16(icmp + 2, q.ip4 ? sl_sum_not_zero(sum) : sum);
	if (r->what & SL_REWRITE_MACS)
		memcpy(rte_pktmbuf_mtod(pkt, uint8_t *), r->macs, sizeof(r->macs));
	return SL_KEEP;
}
