/* SPDX-License-Identifier: BSD-3-Clause */
#include "finish.h"

#include "sluice/super.h"
#include "transport.h"

enum {
	ADDRESSES_MAX = 32,
	IP_MIN = 20,
	IP_MAX = 40, /* of an IPv6 header without extensions: all that is read */
};

/* Where one transport header is, and where the IP packet around it ends. */
struct span {
	uint32_t l4, end;
	uint32_t pseudo; /* of addresses */
};

void sl_finish_flags(struct rte_mbuf *m)
{
	m->ol_flags &= ~(
		SL_OFFLOADS | RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IPV6 | RTE_MBUF_F_TX_IP_CKSUM |
		RTE_MBUF_F_TX_TUNNEL_MASK | RTE_MBUF_F_TX_OUTER_IPV4 | RTE_MBUF_F_TX_OUTER_IPV6 |
		RTE_MBUF_F_TX_OUTER_IP_CKSUM | RTE_MBUF_F_TX_OUTER_UDP_CKSUM | SL_SUPER_BROKEN);
}

static bool find(const struct rte_mbuf *m, uint32_t ip, uint32_t ip_len, struct span *s)
{
	uint8_t buf[IP_MAX];
	const uint8_t *h;
	bool ip6;

	if (ip_len < IP_MIN || ip > m->pkt_len || ip_len > m->pkt_len - ip)
		return false;
	h = sl_pkt_read(m, ip, RTE_MIN(ip_len, (uint32_t)IP_MAX), buf);
	if (h == NULL)
		return false;
	ip6 = h[0] >> 4 == 6;
	if (ip6 && ip_len < IP_MAX)
		return false;
	s->l4 = ip + ip_len;
	s->end = ip + (ip6 ? (uint32_t)IP_MAX + sl_load_be16(h + 4) : sl_load_be16(h + 2));
	s->pseudo = ip6 ? sl_sum_bytes(h + 8, 32) : sl_sum_bytes(h + 12, 8);
	return s->end <= m->pkt_len && s->end >= s->l4;
}

static void write16(struct rte_mbuf *m, uint32_t off, uint16_t v)
{
	uint8_t b[2];

	memcpy(b, &v, sizeof(b));
	for (; off >= m->data_len; m = m->next)
		off -= m->data_len;
	rte_pktmbuf_mtod(m, uint8_t *)[off] = b[0];
	if (++off == m->data_len) {
		m = m->next;
		off = 0;
	}
	rte_pktmbuf_mtod(m, uint8_t *)[off] = b[1];
}

static void finish_transport(struct rte_mbuf *m, const struct span *s, bool tcp)
{
	/* the field has the pseudo header's sum */
	uint32_t sum = sl_sum_packet(m, s->l4, s->end - s->l4);

	write16(m, s->l4 + (tcp ? SL_TCP_SUM : SL_UDP_SUM), tcp ? (uint16_t)~sum : sl_udp_sum(sum));
}

static void finish_outer(struct rte_mbuf *m, const struct span *s)
{
	uint32_t len = s->end - s->l4;

	write16(m, s->l4 + SL_UDP_SUM, 0);
	write16(m, s->l4 + SL_UDP_SUM,
		sl_udp_sum((uint64_t)s->pseudo + sl_be16(SL_PROTO_UDP) + sl_be32(len) +
			   sl_sum_packet(m, s->l4, len)));
}

bool sl_finish_checksum(struct rte_mbuf *m)
{
	const uint64_t flags = m->ol_flags;
	const bool tcp = (flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_TCP_CKSUM;
	const bool tunnel = (flags & RTE_MBUF_F_TX_TUNNEL_MASK) != 0;
	const bool outer_sum = tunnel && (flags & RTE_MBUF_F_TX_OUTER_UDP_CKSUM) != 0;
	uint32_t ip = m->l2_len + (tunnel ? (uint32_t)m->outer_l2_len + m->outer_l3_len : 0);
	struct span inner = {0}, outer = {0};

	if ((flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_SCTP_CKSUM ||
		!find(m, ip, m->l3_len, &inner) ||
		inner.end - inner.l4 < (tcp ? SL_TCP_HEADER : SL_UDP_HEADER))
		return false;
	if (outer_sum && (!find(m, m->outer_l2_len, m->outer_l3_len, &outer) ||
				 outer.end - outer.l4 < SL_UDP_HEADER || outer.end < inner.end))
		return false;
	finish_transport(m, &inner, tcp);
	if (outer_sum)
		finish_outer(m, &outer);
	sl_finish_flags(m);
	return true;
}
