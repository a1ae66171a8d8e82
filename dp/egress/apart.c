/* SPDX-License-Identifier: BSD-3-Clause */
#include "apart.h"

#include "buffers.h"
#include "transport.h"

enum {
	ETH_LEN = 14,
	IP4_LEN = 20,
	IP6_LEN = 40,
	VXLAN_LEN = 8,
	GENEVE_LEN = 8,		   /* without options */
	GENEVE_OPTIONS_LEN = 0x3f, /* of its first byte: words of 4 bytes */
	ETH_TYPE_IP4 = 0x0800,
	ETH_TYPE_IP6 = 0x86dd,
	L2_MAX = (1 << RTE_MBUF_L2_LEN_BITS) - 1,
};

/* Length of an IP header that a transport header of that protocol follows, in `left` bytes; 0: it is
 * none. Extension headers are not looked at. */
static uint32_t ip_len(uint16_t type, const uint8_t *ip, uint32_t left, uint8_t protocol)
{
	uint32_t len = 0;

	if (type == ETH_TYPE_IP4 && left >= IP4_LEN && ip[0] >> 4 == 4 && ip[9] == protocol &&
		(sl_load_be16(ip + 6) & 0x3fff) == 0)
		len = (ip[0] & 0xfu) * 4;
	else if (type == ETH_TYPE_IP6 && left >= IP6_LEN && ip[0] >> 4 == 6 && ip[6] == protocol)
		len = IP6_LEN;
	return len >= IP4_LEN && len <= left ? len : 0;
}

/* Where the headers of a tunnel packet are. */
struct tunnel {
	uint32_t outer;	 /* length of the outer IP header */
	uint32_t l2_len; /* from there to the inner IP header */
	uint32_t
		inner; /* length of the inner IP header; 0: there is none that TCP at csum_start follows */
	uint16_t type; /* EtherType of the inner packet */
};

/* Does an inner IP header of that type, l2_len bytes behind the outer one, end at csum_start? */
static bool inner_at(struct tunnel *t, const uint8_t *h, uint32_t left, uint32_t l2_len,
	uint16_t type, uint32_t csum_start)
{
	uint32_t at = ETH_LEN + t->outer + l2_len;

	t->l2_len = l2_len;
	t->type = type;
	t->inner = at <= left ? ip_len(type, h + at, left - at, SL_PROTO_TCP) : 0;
	return t->inner != 0 && at + t->inner == csum_start;
}

/* With an own header of that length, and an Ethernet frame inside. */
static bool frame_at(
	struct tunnel *t, const uint8_t *h, uint32_t left, uint32_t own, uint32_t csum_start)
{
	uint32_t l2_len = SL_UDP_HEADER + own + ETH_LEN, at = ETH_LEN + t->outer + l2_len;

	return l2_len <= L2_MAX && at <= left &&
	       inner_at(t, h, left, l2_len, sl_load_be16(h + at - 2), csum_start);
}

static bool find_udp_tunnel(struct tunnel *t, const uint8_t *h, uint32_t left, uint32_t csum_start)
{
	uint32_t own;

	t->outer = ip_len(sl_load_be16(h + 12), h + ETH_LEN, left - ETH_LEN, SL_PROTO_UDP);
	own = ETH_LEN + t->outer + SL_UDP_HEADER;
	if (t->outer == 0 || own >= left)
		return false;
	/* Where the inner headers end tells which of the two it is. */
	return frame_at(t, h, left, VXLAN_LEN, csum_start) ||
	       frame_at(t, h, left, GENEVE_LEN + (h[own] & GENEVE_OPTIONS_LEN) * 4u, csum_start);
}

static bool find_ip_tunnel(struct tunnel *t, const uint8_t *h, uint32_t left, uint32_t csum_start)
{
	static const struct {
		uint8_t protocol;
		uint16_t type;
	} in[] = {{SL_PROTO_IPIP, ETH_TYPE_IP4}, {SL_PROTO_IPV6, ETH_TYPE_IP6}};

	for (unsigned int i = 0; i < RTE_DIM(in); i++) {
		t->outer =
			ip_len(sl_load_be16(h + 12), h + ETH_LEN, left - ETH_LEN, in[i].protocol);
		if (t->outer != 0)
			return inner_at(t, h, left, 0, in[i].type, csum_start);
	}
	return false;
}

bool sl_apart_describe(struct rte_mbuf *m, uint32_t csum_start, uint16_t gso_size)
{
	const uint8_t *h = rte_pktmbuf_mtod(m, const uint8_t *);
	uint32_t at = csum_start, left = m->data_len, l4_len;
	struct tunnel t;
	uint64_t kind = RTE_MBUF_F_TX_TUNNEL_VXLAN;

	if (left < ETH_LEN || gso_size == 0)
		return false;
	if (!find_udp_tunnel(&t, h, left, csum_start)) {
		kind = RTE_MBUF_F_TX_TUNNEL_IPIP;
		if (!find_ip_tunnel(&t, h, left, csum_start))
			return false;
	}
	if (at + SL_TCP_HEADER > left)
		return false;
	l4_len = (h[at + SL_TCP_OFFSET] >> 4) * 4u;
	if (l4_len < SL_TCP_HEADER || at + l4_len > left || m->pkt_len <= at + l4_len)
		return false;
	m->outer_l2_len = ETH_LEN;
	m->outer_l3_len = t.outer & 0x1ff;
	m->l2_len = t.l2_len & 0x7f;
	m->l3_len = t.inner & 0x1ff;
	m->l4_len = l4_len & 0xff;
	m->tso_segsz = gso_size;
	m->ol_flags |= kind | RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_TCP_CKSUM |
		       (t.type == ETH_TYPE_IP6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4) |
		       (t.outer == IP6_LEN ? RTE_MBUF_F_TX_OUTER_IPV6 : RTE_MBUF_F_TX_OUTER_IPV4);
	return true;
}

bool sl_apart_begin(struct sl_apart *a, struct rte_mbuf *m)
{
	if (!sl_cut_begin(&a->cut, m) || a->cut.tcp != a->cut.tunnel ||
		a->cut.n_left > SL_SUPER_SEGMENTS_MAX)
		return false;
	a->sums = a->cut.tcp;
	a->whole = m;
	return true;
}

/* The checksum field gets the sum of the pseudo header: as in the whole, but for the length. */
static void leave_unfinished(const struct sl_apart *a, struct rte_mbuf *m, uint8_t *header)
{
	const struct rte_mbuf *w = a->whole;
	uint8_t *udp = header + a->cut.l4;
	uint32_t before = a->cut.l4_len + (w->pkt_len - a->cut.header);
	uint16_t sum = sl_sum_fold64((uint64_t)sl_load16(udp + SL_UDP_SUM) +
				     (uint32_t)~sl_be32(before) + sl_load16(udp + SL_UDP_LENGTH));

	memcpy(udp + SL_UDP_SUM, &sum, sizeof(sum));
	m->tx_offload = 0;
	m->l2_len = w->l2_len;
	m->l3_len = w->l3_len;
	m->l4_len = w->l4_len;
	m->ol_flags |=
		RTE_MBUF_F_TX_UDP_CKSUM | (w->ol_flags & (RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IPV6));
}

static struct rte_mbuf *next(struct sl_apart *a, const struct sl_egress_to *to)
{
	uint8_t header[SL_CUT_HEADER_MAX];
	struct sl_cut *c = &a->cut;
	struct sl_cut_range r;
	struct rte_mbuf *m =
		sl_buffers_get(to, c->header + RTE_MIN(c->left, (uint32_t)c->size), a->whole);

	if (m == NULL)
		return NULL;
	sl_cut_next(c, header, &r);
	sl_buffers_fill(m, c->header, r.m, r.off, r.len);
	if (a->sums)
		sl_cut_seal(c, header, &r, sl_sum_packet(m, c->header, r.len));
	else
		leave_unfinished(a, m, header);
	sl_buffers_write(m, header, c->header);
	return m;
}

uint16_t sl_apart_next(struct sl_apart *a, struct rte_mempool *pool, struct rte_mbuf **pkt,
	uint16_t n, uint64_t *lost)
{
	const struct sl_egress_to to = {.takes = SL_TAKES_CHAIN, .pool = pool};
	uint16_t k = 0;

	while (a->whole != NULL && k < n) {
		struct rte_mbuf *m = next(a, &to);

		if (m != NULL)
			pkt[k++] = m;
		else
			*lost += a->cut.n_left;
		if (m == NULL || a->cut.n_left == 0)
			sl_apart_end(a);
	}
	return k;
}

void sl_apart_end(struct sl_apart *a)
{
	rte_pktmbuf_free(a->whole);
	a->whole = NULL;
}
