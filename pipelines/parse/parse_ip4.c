/* SPDX-License-Identifier: BSD-3-Clause */
#include "dp/lib/pkt.h"
#include "outer_dp.h"
#include "parse_dp.h"
#include "walk.h"

#define IP4_HDR 20u

enum { /* Options, RFC 791 section 3.1. The first two are a single byte. */
	OPT_END = 0,
	OPT_NOP = 1,
	OPT_LOOSE_ROUTE = 131,
	OPT_STRICT_ROUTE = 137,
};

/*
 * Options are type, length, body. A source route leads the packet to an address that was not
 * judged. A completed source route is refused as well, because no router here can have followed it.
 */
static enum sl_drop check_options(const uint8_t *p, uint32_t hdr_len)
{
	uint32_t off = IP4_HDR;

	while (off < hdr_len && p[off] != OPT_END) {
		uint32_t len = off + 1 < hdr_len ? p[off + 1] : 0;

		if (p[off] == OPT_NOP) {
			off++;
			continue;
		}
		if (p[off] == OPT_LOOSE_ROUTE || p[off] == OPT_STRICT_ROUTE)
			return SL_DROP_IP_SOURCE_ROUTE;
		if (len < 2 || len > hdr_len - off)
			return SL_DROP_IP4_MALFORMED;
		off += len;
	}
	return SL_KEEP;
}

/*
 * RFC 791: all fragments but the last are multiples of 8, and the whole datagram fits 65535. p: the
 * header, of hdr_len bytes.
 */
static enum sl_drop walk_fragment(struct sl_walk *w, const uint8_t *p, uint32_t hdr_len)
{
	uint32_t frag = sl_load_be16(p + 6);
	uint32_t len = w->md->l3_len - hdr_len, offset = (frag & SL_IP4_OFFSET) * 8;

	if (len == 0 || ((frag & SL_IP4_MF) != 0 && len % 8 != 0) || offset + len + hdr_len > 65535)
		return SL_DROP_IP4_MALFORMED;
	*w->fragment = (struct sl_fragment_range){
		.id_be = sl_load16(p + 4), .start = offset, .end = offset + len};
	if (offset != 0)
		return sl_walk_later(w, offset);
	w->md->flags |= SL_P_FRAGMENT_FIRST;
	return sl_walk_l4(w);
}

/* The length of the header at off, when the whole IP packet is there; otherwise 0, with *drop. */
static uint32_t header_len(
	const struct rte_mbuf *m, uint32_t off, const uint8_t *p, enum sl_drop *drop)
{
	uint32_t len, total;

	*drop = SL_DROP_IP4_TRUNCATED;
	if (p == NULL)
		return 0;
	len = (p[0] & 15u) * 4;
	total = sl_load_be16(p + 2);
	if (p[0] >> 4 != 4 || len < IP4_HDR || total < len)
		*drop = SL_DROP_IP4_MALFORMED;
	else if (off + total <= m->pkt_len)
		return len;
	return 0;
}

/*
 * A DHCP client that has no address yet sends from 0.0.0.0 to everybody (RFC 2131 section 4.1).
 * Later fragments have no ports, so fragments do not pass.
 */
static bool is_without_address(const struct sl_walk *w, const uint8_t *p)
{
	return !w->outer && w->k4->src_be == 0 && w->k4->dst_be == UINT32_MAX &&
	       p[9] == IPPROTO_UDP && (w->md->flags & SL_P_MULTICAST) != 0 &&
	       (sl_load_be16(p + 6) & (SL_IP4_MF | SL_IP4_OFFSET)) == 0;
}

static bool is_to_dhcp(const struct sl_walk *w)
{
	return w->dport_be == rte_cpu_to_be_16(67);
}

/* Checks a header of hdr_len bytes, without what follows it. */
static enum sl_drop check_header(const struct sl_walk *w, const uint8_t *p, uint32_t hdr_len)
{
	/* Protocol 0 is not a protocol of IPv4; later code must not take the number for "any". */
	if (p[9] == 0)
		return SL_DROP_IP4_MALFORMED;
	if (!w->outer && p[8] == 0)
		return SL_DROP_IP_TTL;
	if (sl_ip4_odd(w->k4->src_be, w->k4->dst_be) && !is_without_address(w, p))
		return SL_DROP_IP_ADDRESS;
	return check_options(p, hdr_len);
}

enum sl_drop sl_walk_ip4(struct sl_walk *w)
{
	struct sl_meta *md = w->md;
	uint32_t off = md->l3_off, hdr_len;
	enum sl_drop drop;
	uint8_t buf[60];
	const uint8_t *p = sl_pkt_read(w->m, off, IP4_HDR, buf);
	uint16_t frag;

	hdr_len = header_len(w->m, off, p, &drop);
	if (hdr_len == 0)
		return drop;
	p = sl_pkt_read(w->m, off, hdr_len, buf);
	if (p == NULL)
		return SL_DROP_IP4_TRUNCATED;
	frag = sl_load_be16(p + 6);
	/* Other packets are checked when they are judged (sl_ip4_header_intact). Later fragments
	 * are never judged. */
	if ((w->outer || (frag & (SL_IP4_MF | SL_IP4_OFFSET)) != 0) &&
		!sl_ip4_checksum_ok(p, hdr_len))
		return SL_DROP_IP4_CHECKSUM;
	md->flags |= SL_P_IP4 | ((frag & SL_IP4_DF) != 0 ? SL_P_IP4_DF : 0);
	md->l3_len = sl_load_be16(p + 2);
	md->l4_off = (uint16_t)(off + hdr_len);
	md->proto = p[9];
	md->tos = p[1];
	w->end = off + md->l3_len;
	w->k4->src_be = sl_load32(p + 12);
	w->k4->dst_be = sl_load32(p + 16);
	drop = check_header(w, p, hdr_len);
	if (drop != SL_KEEP)
		return drop;
	if ((frag & (SL_IP4_MF | SL_IP4_OFFSET)) != 0)
		return walk_fragment(w, p, hdr_len);
	drop = sl_walk_l4(w);
	if (drop == SL_KEEP && w->k4->src_be == 0 && !is_to_dhcp(w))
		return SL_DROP_IP_ADDRESS;
	return drop;
}

bool sl_ip4_header_intact(const struct sl_burst *b, unsigned int i)
{
	const struct sl_meta *md = &b->meta[i];
	uint32_t len = (uint32_t)md->l4_off - md->l3_off;
	uint8_t buf[60];
	const uint8_t *p;

	if ((md->flags & SL_P_IP4) == 0)
		return true;
	p = sl_pkt_read(b->pkt[i], md->l3_off, len, buf);
	return p != NULL && sl_ip4_checksum_ok(p, len);
}
