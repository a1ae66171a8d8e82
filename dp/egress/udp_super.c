/* SPDX-License-Identifier: BSD-3-Clause */
#include "udp_super.h"

#include "transport.h"

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5 /* Linux 6.2 */
#endif

enum {
	IP4_LENGTH = 2,
	IP4_SUM = 10,
	IP6_LENGTH = 4,
	IP6_LEN = 40,
};

bool sl_udp_super_begin(struct sl_udp_super *u, const struct rte_mbuf *m)
{
	return m->nb_segs <= SL_UDP_SUPER_BUFFERS && sl_cut_begin(&u->cut, m) && u->cut.outer_udp;
}

static void add(struct sl_udp_super *u, const void *at, size_t len)
{
	u->iov[u->n_iov++] = (struct iovec){RTE_PTR_ADD(at, 0), len};
}

static void add_range(struct sl_udp_super *u, const struct sl_cut_range *r)
{
	uint32_t off = r->off, left = r->len;

	for (const struct rte_mbuf *m = r->m; left > 0; m = m->next, off = 0) {
		uint32_t n = RTE_MIN(left, m->data_len - off);

		if (n > 0)
			add(u, rte_pktmbuf_mtod_offset(m, const uint8_t *, off), n);
		left -= n;
	}
}

/* Parts of the next super-packet: bounded by the kernel, the length of an IP packet, and the memory
 * for headers. outer: bytes in front of the tunnel's header. */
static uint32_t parts_of(const struct sl_cut *c, uint32_t outer)
{
	uint32_t part = c->header - outer + c->size;
	uint32_t n = (UINT16_MAX - (outer - c->outer.off)) / part;

	n = RTE_MIN(n, (uint32_t)SL_UDP_SUPER_PARTS);
	n = RTE_MIN(n, (uint32_t)SL_UDP_SUPER_SCRATCH / c->header);
	return RTE_MIN(n, c->n_left);
}

static void put16(uint8_t *at, uint16_t v)
{
	memcpy(at, &v, sizeof(v));
}

/* The outer headers say the length of all parts. The checksum field has the pseudo header's sum. */
static void cover_all(struct sl_udp_super *u, uint8_t *h, uint32_t udp_len)
{
	const struct sl_cut_ip *ip = &u->cut.outer;
	uint8_t *at = h + ip->off, *udp = at + ip->len;

	if (ip->ip6) {
		put16(at + IP6_LENGTH, sl_be16((uint16_t)(ip->len - IP6_LEN + udp_len)));
	} else {
		put16(at + IP4_LENGTH, sl_be16((uint16_t)(ip->len + udp_len)));
		put16(at + IP4_SUM, 0);
		put16(at + IP4_SUM, (uint16_t)~sl_sum_bytes(at, ip->len));
	}
	put16(udp + SL_UDP_LENGTH, sl_be16((uint16_t)udp_len));
	put16(udp + SL_UDP_SUM,
		sl_sum_fold64((uint64_t)ip->pseudo + sl_be16(SL_PROTO_UDP) + sl_be32(udp_len)));
}

bool sl_udp_super_next(struct sl_udp_super *u)
{
	struct sl_cut *c = &u->cut;
	const uint32_t udp = (uint32_t)c->outer.off + c->outer.len, outer = udp + SL_UDP_HEADER;
	const uint32_t n = parts_of(c, outer);
	const bool outer_sum = c->outer_sum;
	uint8_t *h = u->header;

	if (n == 0)
		return false;
	u->vnet = (struct virtio_net_hdr){0};
	u->n_iov = 0;
	u->parts = n;
	u->bytes = 0;
	add(u, &u->vnet, sizeof(u->vnet));
	c->outer_sum = outer_sum && n == 1; /* else the kernel computes it, for each part */
	for (uint32_t i = 0; i < n; i++, h += c->header) {
		uint32_t skip = i == 0 ? 0 : outer;
		struct sl_cut_range r;

		sl_cut_next(c, h, &r);
		sl_cut_seal(c, h, &r, sl_sum_packet(r.m, r.off, r.len));
		add(u, h + skip, c->header - skip);
		add_range(u, &r);
		u->bytes += c->header + r.len;
	}
	c->outer_sum = outer_sum;
	if (n == 1)
		return true;
	u->vnet.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	u->vnet.gso_type = VIRTIO_NET_HDR_GSO_UDP_L4;
	u->vnet.gso_size = (uint16_t)(c->header - outer + c->size);
	u->vnet.hdr_len = (uint16_t)outer;
	u->vnet.csum_start = (uint16_t)udp;
	u->vnet.csum_offset = SL_UDP_SUM;
	cover_all(u, u->header, u->bytes - n * outer + SL_UDP_HEADER);
	return true;
}
