/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_byteorder.h>

#include "dp/lib/pkt.h"
#include "parse_dp.h"
#include "walk.h"

#define QUOTED_L4 8u /* what RFC 792 guarantees of the transport header */

/*
 * Ports and TCP's sequence number from the 8 bytes at off. False when no error may be sent
 * about such a packet.
 */
static bool quoted_l4(const struct rte_mbuf *m, uint32_t off, bool ip4, struct sl_quoted *q,
	uint16_t *sport_be, uint16_t *dport_be)
{
	uint8_t buf[QUOTED_L4], proto = q->proto;
	const uint8_t *p = sl_pkt_read(m, off, QUOTED_L4, buf);

	*sport_be = 0;
	*dport_be = 0;
	if (p == NULL)
		return false;
	if (proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP) {
		*sport_be = sl_load16(p);
		*dport_be = sl_load16(p + 2);
		q->seq = (uint32_t)sl_load_be16(p + 4) << 16 | sl_load_be16(p + 6);
	} else if (proto == IPPROTO_ICMP && ip4) {
		/* No errors about errors: RFC 1122 section 3.2.2. */
		if (p[0] == 3 || p[0] == 4 || p[0] == 5 || p[0] == 11 || p[0] == 12)
			return false;
		sl_icmp_ports(p, 8, 0, sport_be, dport_be);
	} else if (proto == IPPROTO_ICMPV6 && !ip4) {
		if (p[0] < 128 || p[0] == 137)
			return false;
		sl_icmp_ports(p, 128, 129, sport_be, dport_be);
	}
	return true;
}

static int quoted_ip4(
	const struct rte_mbuf *m, uint32_t off, uint32_t end, uint32_t network, struct sl_quoted *q)
{
	struct sl_key4 *k = &q->k4;
	uint8_t buf[20];
	uint32_t hdr_len;
	const uint8_t *p = end - off < 20 ? NULL : sl_pkt_read(m, off, 20, buf);

	if (p == NULL || p[0] >> 4 != 4 || (p[0] & 15) < 5)
		return 0;
	hdr_len = (p[0] & 15u) * 4;
	/* A later fragment has no ports, so its connection is not known. */
	if (end - off < hdr_len + QUOTED_L4 || (sl_load16(p + 6) & rte_cpu_to_be_16(0x1fff)) != 0 ||
		rte_be_to_cpu_16(sl_load16(p + 2)) < hdr_len + QUOTED_L4)
		return 0;
	q->proto = p[9];
	k->src_be = sl_load32(p + 12);
	k->dst_be = sl_load32(p + 16);
	q->src = sl_ip_from_v4(k->src_be);
	q->dst = sl_ip_from_v4(k->dst_be);
	k->net_proto = sl_key_net_proto(network, q->proto);
	return quoted_l4(m, off + hdr_len, true, q, &k->sport_be, &k->dport_be) ? 4 : 0;
}

static int quoted_ip6(
	const struct rte_mbuf *m, uint32_t off, uint32_t end, uint32_t network, struct sl_quoted *q)
{
	struct sl_key6 *k = &q->k6;
	struct sl_ip6_chain c;
	uint8_t buf[40];
	const uint8_t *p = end - off < 40 ? NULL : sl_pkt_read(m, off, 40, buf);

	if (p == NULL || p[0] >> 4 != 6)
		return 0;
	memcpy(k->src, p + 8, 16);
	memcpy(k->dst, p + 24, 16);
	if (sl_walk_ip6_chain(m, off + 40, end, p[6], &c) != SL_KEEP || (c.frag & 0xfff8) != 0 ||
		end - c.l4_off < QUOTED_L4)
		return 0;
	memcpy(q->src.b, k->src, 16);
	memcpy(q->dst.b, k->dst, 16);
	q->proto = c.proto;
	k->net_proto = sl_key_net_proto(network, c.proto);
	k->zero = 0;
	return quoted_l4(m, c.l4_off, false, q, &k->sport_be, &k->dport_be) ? 6 : 0;
}

int sl_parse_quoted(const struct sl_burst *b, unsigned int i, struct sl_quoted *q)
{
	const struct sl_meta *md = &b->meta[i];
	uint32_t off = md->l4_off + 8u, end = (uint32_t)md->l3_off + md->l3_len;

	if ((md->flags & SL_P_IP4) != 0)
		return quoted_ip4(b->pkt[i], off, end, md->network, q);
	return quoted_ip6(b->pkt[i], off, end, md->network, q);
}
