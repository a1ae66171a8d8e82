/* SPDX-License-Identifier: BSD-3-Clause */
#include "cut.h"

#include "dp/lib/sum.h"
#include "transport.h"

enum {
	IP4_LEN = 20,
	IP6_LEN = 40,
	IP4_LENGTH = 2,
	IP4_ID = 4,
	IP4_PROTOCOL = 9,
	IP4_SUM = 10,
	IP4_ADDRESSES = 12,
	IP6_LENGTH = 4,
	IP6_ADDRESSES = 8,
	IP6_PROTOCOL = 6,
};

static void put16(uint8_t *at, uint16_t v)
{
	memcpy(at, &v, sizeof(v));
}

static void put_be16(uint8_t *at, uint32_t v)
{
	put16(at, sl_be16((uint16_t)v));
}

static bool begin_ip(
	struct sl_cut_ip *ip, const uint8_t *headers, uint32_t off, uint32_t len, bool ip6)
{
	const uint8_t *h = headers + off;

	ip->off = (uint16_t)off;
	ip->len = (uint16_t)len;
	ip->ip6 = ip6;
	if (len < (ip6 ? IP6_LEN : IP4_LEN) || len % 4 != 0 || h[0] >> 4 != (ip6 ? 6 : 4))
		return false;
	if (ip6) {
		ip->pseudo = sl_sum_bytes(h + IP6_ADDRESSES, 32);
		return true;
	}
	ip->id = sl_load_be16(h + IP4_ID);
	/* ones-complement subtraction: the inverse is added */
	ip->sum = sl_sum_bytes(h, len) + (uint16_t)~sl_load16(h + IP4_LENGTH) +
		  (uint16_t)~sl_load16(h + IP4_ID) + (uint16_t)~sl_load16(h + IP4_SUM);
	ip->pseudo = sl_sum_bytes(h + IP4_ADDRESSES, 8);
	return (uint32_t)(h[0] & 0xf) * 4 == len;
}

/* after: bytes that follow the header */
static void next_ip(struct sl_cut_ip *ip, uint8_t *header, uint32_t after)
{
	uint8_t *h = header + ip->off;

	if (ip->ip6) {
		put_be16(h + IP6_LENGTH, ip->len - IP6_LEN + after);
		return;
	}
	put_be16(h + IP4_LENGTH, ip->len + after);
	put_be16(h + IP4_ID, ip->id++);
	put16(h + IP4_SUM, (uint16_t)~sl_sum_fold64((uint64_t)ip->sum + sl_load16(h + IP4_LENGTH) +
						    sl_load16(h + IP4_ID)));
}

/* The transport header's sum without what differs. Its checksum field has the pseudo header's sum for
 * the length of the whole. */
static bool begin_transport(struct sl_cut *c)
{
	const uint8_t *h = c->headers + c->l4;
	uint64_t sum;

	if (c->tcp ? c->l4_len < SL_TCP_HEADER : c->l4_len != SL_UDP_HEADER)
		return false;
	if (c->tcp && c->l4_len != (uint32_t)(h[SL_TCP_OFFSET] >> 4) * 4)
		return false;
	sum = sl_sum_bytes(h, c->l4_len);
	sum += ~sl_be32(c->l4_len + c->left);
	if (!c->tcp) {
		sum += (uint16_t)~sl_load16(h + SL_UDP_LENGTH);
	} else {
		c->seq = sl_be32(sl_load32(h + SL_TCP_SEQ));
		sum += (uint32_t)~sl_load32(h + SL_TCP_SEQ);
		sum += (uint16_t)~sl_load16(h + SL_TCP_OFFSET);
	}
	c->l4_sum = sl_sum_fold64(sum);
	return true;
}

static bool begin_headers(struct sl_cut *c, const struct rte_mbuf *m)
{
	const uint64_t flags = m->ol_flags;
	uint32_t ip = m->l2_len;

	if (c->tunnel) {
		bool ip6 = (flags & RTE_MBUF_F_TX_OUTER_IPV6) != 0;

		if (m->l2_len % 2 != 0 ||
			!begin_ip(&c->outer, c->headers, m->outer_l2_len, m->outer_l3_len, ip6))
			return false;
		c->outer_udp = c->headers[m->outer_l2_len + (ip6 ? IP6_PROTOCOL : IP4_PROTOCOL)] ==
			       SL_PROTO_UDP;
		if (c->outer_udp && m->l2_len < SL_UDP_HEADER)
			return false;
		ip += (uint32_t)m->outer_l2_len + m->outer_l3_len;
	}
	c->l4 = (uint16_t)(ip + m->l3_len);
	c->l4_len = m->l4_len;
	return begin_ip(&c->inner, c->headers, ip, m->l3_len, (flags & RTE_MBUF_F_TX_IPV6) != 0) &&
	       begin_transport(c);
}

/* The first byte of payload is in the buffer m at off, or in one behind it. */
static void skip(struct sl_cut *c, uint32_t len)
{
	c->off += len;
	while (c->m->next != NULL && c->off >= c->m->data_len) {
		c->off -= c->m->data_len;
		c->m = c->m->next;
	}
}

bool sl_cut_begin(struct sl_cut *c, const struct rte_mbuf *m)
{
	uint32_t header = sl_super_header(m), ip;

	*c = (struct sl_cut){.header = header,
		.size = m->tso_segsz,
		.tcp = (m->ol_flags & RTE_MBUF_F_TX_TCP_SEG) != 0,
		.tunnel = (m->ol_flags & RTE_MBUF_F_TX_TUNNEL_MASK) != 0,
		.outer_sum = (m->ol_flags & RTE_MBUF_F_TX_OUTER_UDP_CKSUM) != 0,
		.first = true,
		.m = m,
		.off = header};
	if (!sl_is_super(m) || c->size == 0 || header > m->data_len || m->pkt_len <= header ||
		header > SL_CUT_HEADER_MAX)
		return false;
	c->headers = rte_pktmbuf_mtod(m, const uint8_t *);
	c->left = m->pkt_len - header;
	c->n_left = (c->left + c->size - 1) / c->size;
	ip = header - (c->tunnel ? m->outer_l2_len : m->l2_len);
	skip(c, 0);
	return ip + RTE_MIN(c->left, c->size) <= UINT16_MAX && begin_headers(c, m);
}

static void next_transport(struct sl_cut *c, uint8_t *header, uint32_t len)
{
	uint8_t *h = header + c->l4;
	uint32_t seq_be;

	if (!c->tcp) {
		put_be16(h + SL_UDP_LENGTH, SL_UDP_HEADER + len);
		return;
	}
	c->seq = c->first ? c->seq : c->seq + c->size;
	seq_be = sl_be32(c->seq);
	memcpy(h + SL_TCP_SEQ, &seq_be, sizeof(seq_be));
	if (!c->first)
		h[SL_TCP_FLAGS] &= (uint8_t)~SL_TCP_CWR;
	if (c->n_left > 1)
		h[SL_TCP_FLAGS] &= (uint8_t) ~(SL_TCP_FIN | SL_TCP_PSH);
}

static void next_outer(struct sl_cut *c, uint8_t *header, uint32_t len)
{
	uint32_t off = (uint32_t)c->outer.off + c->outer.len, after = c->header - off + len;

	next_ip(&c->outer, header, after);
	if (!c->outer_udp)
		return;
	put_be16(header + off + SL_UDP_LENGTH, after);
	put16(header + off + SL_UDP_SUM, 0);
}

bool sl_cut_next(struct sl_cut *c, uint8_t *header, struct sl_cut_range *r)
{
	uint32_t len = RTE_MIN(c->left, (uint32_t)c->size), after = c->l4_len + len;

	if (len == 0)
		return false;
	memcpy(header, c->headers, c->header);
	next_transport(c, header, len);
	next_ip(&c->inner, header, after);
	if (c->tunnel)
		next_outer(c, header, len);
	*r = (struct sl_cut_range){c->m, c->off, len};
	skip(c, len);
	c->left -= len;
	c->n_left--;
	c->first = false;
	return true;
}

void sl_cut_seal(
	const struct sl_cut *c, uint8_t *header, const struct sl_cut_range *r, uint32_t sum)
{
	uint8_t *h = header + c->l4;
	uint64_t all = (uint64_t)c->l4_sum + sum + sl_be32(c->l4_len + r->len);
	uint32_t udp;

	if (c->tcp) {
		all += sl_load32(h + SL_TCP_SEQ);
		all += sl_load16(h + SL_TCP_OFFSET);
		put16(h + SL_TCP_SUM, (uint16_t)~sl_sum_fold64(all));
	} else {
		all += sl_load16(h + SL_UDP_LENGTH);
		put16(h + SL_UDP_SUM, sl_udp_sum(all));
	}
	if (!c->outer_sum || !c->outer_udp)
		return;
	udp = c->header - c->outer.off - c->outer.len;
	h = header + c->outer.off + c->outer.len;
	all = (uint64_t)c->outer.pseudo + sl_be16(SL_PROTO_UDP) + sl_be32(udp + r->len) +
	      sl_sum_bytes(h, udp) + sum;
	put16(h + SL_UDP_SUM, sl_udp_sum(all));
}
