/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "dp/lib/sum.h"
#include "vnet.h"

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5 /* Linux 6.2 */
#endif

enum {
	TAGS_MAX = 2,
	L3_LEN_MAX = 511, /* the mbuf's field has 9 bits */
	TCP_SUM = offsetof(struct rte_tcp_hdr, cksum),
	UDP_SUM = offsetof(struct rte_udp_hdr, dgram_cksum),
};

/* Where a packet's headers are, as far as the first buffer has them. */
struct heads {
	uint32_t l2_len, l3_len; /* l3_len 0: no IP packet that is known */
	uint8_t protocol;	 /* after the IP header; of IPv6, without a look at extensions */
	bool ip6, extended, fragment;
};

static void read_ip4(const uint8_t *p, uint32_t left, struct heads *h)
{
	const struct rte_ipv4_hdr *ip = (const void *)p;

	if (left < sizeof(*ip) || (p[0] & 0x0f) < 5 || p[0] >> 4 != 4)
		return;
	h->l3_len = (p[0] & 0x0fu) * 4;
	h->protocol = ip->next_proto_id;
	h->fragment = (ip->fragment_offset & RTE_BE16(0x3fff)) != 0;
}

static void read_ip6(const uint8_t *p, uint32_t left, struct heads *h)
{
	if (left < sizeof(struct rte_ipv6_hdr) || p[0] >> 4 != 6)
		return;
	h->l3_len = sizeof(struct rte_ipv6_hdr);
	h->protocol = p[6];
	h->ip6 = true;
	h->extended = p[6] != IPPROTO_TCP && p[6] != IPPROTO_UDP;
}

static struct heads read_heads(const struct rte_mbuf *m)
{
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
	struct heads h = {.l2_len = RTE_ETHER_HDR_LEN};
	uint16_t type;

	for (unsigned int i = 0;; i++) {
		if (m->data_len < h.l2_len)
			return h;
		memcpy(&type, p + h.l2_len - sizeof(type), sizeof(type));
		if (i == TAGS_MAX || (type != RTE_BE16(RTE_ETHER_TYPE_VLAN) &&
					     type != RTE_BE16(RTE_ETHER_TYPE_QINQ)))
			break;
		h.l2_len += RTE_VLAN_HLEN;
	}
	if (type == RTE_BE16(RTE_ETHER_TYPE_IPV4))
		read_ip4(p + h.l2_len, m->data_len - h.l2_len, &h);
	else if (type == RTE_BE16(RTE_ETHER_TYPE_IPV6))
		read_ip6(p + h.l2_len, m->data_len - h.l2_len, &h);
	return h;
}

/* Computes the sum from `start` to the end into the two bytes at `at` (RFC 1071). */
static void finish(struct rte_mbuf *m, uint32_t start, uint32_t at, bool udp)
{
	uint16_t sum = (uint16_t)~sl_sum_packet(m, start, m->pkt_len - start);

	if (sum == 0 && udp) /* RFC 768: 0 is no checksum */
		sum = 0xffff;
	memcpy(rte_pktmbuf_mtod_offset(m, void *, at), &sum, sizeof(sum));
}

static uint64_t family_of(const struct heads *h)
{
	return h->ip6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4;
}

/* The transport header begins where the sender says. */
static bool is_transport(const struct heads *h, uint32_t start, uint8_t protocol)
{
	if (h->l3_len == 0 || h->fragment)
		return false;
	if (h->extended)
		return start > h->l2_len + h->l3_len && start - h->l2_len <= L3_LEN_MAX;
	return h->protocol == protocol && start == h->l2_len + h->l3_len;
}

/* Length of the transport header at start; 0: it does not fit in the first buffer. */
static uint32_t transport_len(const struct rte_mbuf *m, uint32_t start, bool udp)
{
	uint32_t len = udp ? sizeof(struct rte_udp_hdr) : sizeof(struct rte_tcp_hdr);

	if (start + len > m->data_len)
		return 0;
	if (udp)
		return len;
	len = (*rte_pktmbuf_mtod_offset(m, const uint8_t *, start + 12) >> 4) * 4u;
	return len < sizeof(struct rte_tcp_hdr) || start + len > m->data_len ? 0 : len;
}

static void set_lengths(struct rte_mbuf *m, const struct heads *h, uint32_t start, uint32_t l4_len)
{
	m->l2_len = h->l2_len & 0x7f;
	m->l3_len = (start - h->l2_len) & 0x1ff;
	m->l4_len = l4_len & 0xff;
}

/* A checksum without a segment size. */
static void note_checksum(struct rte_mbuf *m, uint32_t start, uint32_t offset)
{
	struct heads h = read_heads(m);
	bool udp = offset == UDP_SUM;
	uint32_t l4_len;

	if (start + offset + sizeof(uint16_t) > m->data_len) {
		m->ol_flags |= SL_SUPER_BROKEN;
		return;
	}
	l4_len = transport_len(m, start, udp);
	if (h.extended || l4_len == 0 || (offset != TCP_SUM && offset != UDP_SUM) ||
		!is_transport(&h, start, udp ? IPPROTO_UDP : IPPROTO_TCP)) {
		finish(m, start, start + offset, udp);
		return;
	}
	set_lengths(m, &h, start, l4_len);
	m->ol_flags |= family_of(&h) | (udp ? RTE_MBUF_F_TX_UDP_CKSUM : RTE_MBUF_F_TX_TCP_CKSUM);
}

/* What kind of super-segment it is: false for one that is not known. */
static bool kind_of(uint8_t gso_type, bool *udp, bool *ip6)
{
	*udp = *ip6 = false;
	switch (gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_TCPV4:
		return true;
	case VIRTIO_NET_HDR_GSO_TCPV6:
		*ip6 = true;
		return true;
	case VIRTIO_NET_HDR_GSO_UDP_L4:
		*udp = true;
		return true;
	default:
		return false;
	}
}

static bool note_super(struct rte_mbuf *m, const struct virtio_net_hdr *v)
{
	uint32_t start = v->csum_start, l4_len;
	struct heads h = read_heads(m);
	bool udp, ip6;

	if (!kind_of(v->gso_type, &udp, &ip6) || (v->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) == 0 ||
		v->csum_offset != (udp ? UDP_SUM : TCP_SUM) || (!udp && h.ip6 != ip6) ||
		!is_transport(&h, start, udp ? IPPROTO_UDP : IPPROTO_TCP))
		return false;
	l4_len = transport_len(m, start, udp);
	if (l4_len == 0 || v->gso_size == 0 || m->pkt_len <= start + l4_len)
		return false;
	set_lengths(m, &h, start, l4_len);
	m->ol_flags |= family_of(&h) | (udp ? RTE_MBUF_F_TX_UDP_CKSUM : RTE_MBUF_F_TX_TCP_CKSUM);
	/* All of it in one segment: it is no super-segment. */
	if (m->pkt_len - start - l4_len <= v->gso_size)
		return true;
	m->tso_segsz = v->gso_size;
	m->ol_flags |= udp ? RTE_MBUF_F_TX_UDP_SEG : RTE_MBUF_F_TX_TCP_SEG;
	return true;
}

void sl_vnet_in(struct rte_mbuf *m, const struct virtio_net_hdr *v)
{
	if (v->gso_type != VIRTIO_NET_HDR_GSO_NONE) {
		if (!note_super(m, v))
			m->ol_flags |= SL_SUPER_BROKEN;
		return;
	}
	if ((v->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0)
		note_checksum(m, v->csum_start, v->csum_offset);
	else if ((v->flags & VIRTIO_NET_HDR_F_DATA_VALID) != 0)
		m->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD;
}

void sl_vnet_finish_checksum(struct rte_mbuf *m)
{
	uint64_t kind = m->ol_flags & RTE_MBUF_F_TX_L4_MASK;
	uint32_t start = (uint32_t)m->l2_len + m->l3_len;

	if (kind == RTE_MBUF_F_TX_UDP_CKSUM)
		finish(m, start, start + UDP_SUM, true);
	else if (kind == RTE_MBUF_F_TX_TCP_CKSUM)
		finish(m, start, start + TCP_SUM, false);
	m->ol_flags &= ~(RTE_MBUF_F_TX_L4_MASK | RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IPV6);
	m->tx_offload = 0;
}

static uint8_t tcp_type(const struct rte_mbuf *m, uint32_t start)
{
	const uint8_t *tcp = rte_pktmbuf_mtod_offset(m, const uint8_t *, start);
	uint8_t type = (m->ol_flags & RTE_MBUF_F_TX_IPV6) != 0 ? VIRTIO_NET_HDR_GSO_TCPV6
							       : VIRTIO_NET_HDR_GSO_TCPV4;

	/* Only the first segment may repeat CWR (RFC 3168 section 6.1.2). */
	return (tcp[13] & RTE_TCP_CWR_FLAG) != 0 ? type | VIRTIO_NET_HDR_GSO_ECN : type;
}

void sl_vnet_out(const struct rte_mbuf *m, struct virtio_net_hdr *v)
{
	uint32_t start = (uint32_t)m->l2_len + m->l3_len;
	bool udp = (m->ol_flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_UDP_CKSUM;

	*v = (struct virtio_net_hdr){0};
	if (likely((m->ol_flags & SL_OFFLOADS) == 0)) {
		if ((m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_GOOD)
			v->flags = VIRTIO_NET_HDR_F_DATA_VALID;
		return;
	}
	v->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	v->csum_start = (uint16_t)start;
	v->csum_offset = udp ? UDP_SUM : TCP_SUM;
	if (!sl_is_super(m))
		return;
	v->hdr_len = (uint16_t)(start + m->l4_len);
	v->gso_size = m->tso_segsz;
	v->gso_type = udp ? VIRTIO_NET_HDR_GSO_UDP_L4 : tcp_type(m, start);
}
