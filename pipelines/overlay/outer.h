/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The outer Ethernet and IP headers of a tunnel, of both families: in the template, and as a push
 * writes them. The family and all lengths are constants where these are used, so the compiler makes
 * straight code of each.
 * Threads: build: control. All others: worker, on its own burst.
 */
#ifndef SL_OVERLAY_OUTER_H
#define SL_OVERLAY_OUTER_H

#include "dp/lib/checksum.h"
#include "dp/lib/pkt.h"
#include "encaps.h"

struct sl_outer_ip4 {
	uint8_t eth_dst[6], eth_src[6];
	uint16_t eth_type_be;
	uint8_t ip_version_ihl, ip_tos;
	uint16_t ip_len_be, ip_id_be, ip_frag_be;
	uint8_t ip_ttl, ip_proto;
	uint16_t ip_sum_be;
	uint32_t ip_src_be, ip_dst_be;
} __rte_packed;

struct sl_outer_ip6 {
	uint8_t eth_dst[6], eth_src[6];
	uint16_t eth_type_be;
	uint32_t ip_vtc_flow_be; /* version, traffic class, flow label */
	uint16_t ip_len_be;	 /* of what follows the header */
	uint8_t ip_proto, ip_hop_limit;
	uint8_t ip_src[16], ip_dst[16];
} __rte_packed;

enum {
	SL_ETH_LEN = 14,
	SL_ETH_TYPE_IP4 = 0x0800,
	SL_ETH_TYPE_IP6 = 0x86dd,
	SL_IP4_LEN = 20,
	SL_IP6_LEN = 40,
	SL_OUTER_INNER =
		128,	   /* inner headers that are brought into the first buffer with the outer */
	SL_OUTER_TTL = 64, /* both families: RFC 2003 section 3.1, RFC 2473 section 6.3 */
};
_Static_assert(sizeof(struct sl_outer_ip4) == SL_ETH_LEN + SL_IP4_LEN, "as on the wire");
_Static_assert(sizeof(struct sl_outer_ip6) == SL_ETH_LEN + SL_IP6_LEN, "as on the wire");

/* Length of the outer IP header. */
static __rte_always_inline uint32_t sl_outer_ip_len(const enum sl_family family)
{
	return family == SL_FAMILY_IP6 ? SL_IP6_LEN : SL_IP4_LEN;
}

/* Ethernet and IP. */
static __rte_always_inline uint32_t sl_outer_len(const enum sl_family family)
{
	return SL_ETH_LEN + sl_outer_ip_len(family);
}

/*
 * Write the outer headers in front of the template's last own_len bytes, and hdr_len, family and
 * ip_csum_base. -ENOTSUP: the addresses are not of one family. -EINVAL: the headers do not fit.
 */
int sl_outer_build(
	struct sl_tunnel *t, const struct sl_tunnel_params *p, uint8_t proto, uint32_t own_len);

/*
 * Write the fields of the outer IP header that differ from packet to packet. outer: where the template
 * was copied to. len: of what follows the IP header. base: ip_csum_base. ECN is copied too: normal
 * mode of RFC 6040 section 4.1.
 */
static __rte_always_inline void sl_outer_finish(void *outer, const enum sl_family family,
	const struct sl_meta *md, uint32_t base, uint32_t len)
{
	uint8_t tos = md->tos;

	if (family == SL_FAMILY_IP4) {
		struct sl_outer_ip4 *h = outer;
		uint32_t total = len + SL_IP4_LEN;

		h->ip_tos = tos;
		h->ip_len_be = sl_be16((uint16_t)total);
		h->ip_sum_be = sl_be16((uint16_t)~sl_sum_fold(base + tos + total));
	} else {
		struct sl_outer_ip6 *h = outer;

		/* The flow label is the inner flow's entropy: RFC 6438 section 3. */
		h->ip_vtc_flow_be = sl_be32(6u << 28 | (uint32_t)tos << 20 | (md->hash & 0xfffff));
		h->ip_len_be = sl_be16((uint16_t)len);
	}
}

/* The largest value of that len. */
static __rte_always_inline uint32_t sl_outer_most(const enum sl_family family)
{
	return family == SL_FAMILY_IP4 ? UINT16_MAX - SL_IP4_LEN : UINT16_MAX;
}

/*
 * Remove all bytes before `off` and from `end` on. If the headers are in several buffers, which is
 * rare, they are brought together first. A packet whose first buffer has no room for that counts as
 * malformed.
 */
static inline bool sl_outer_strip(struct rte_mbuf *m, uint32_t off, uint32_t end)
{
	if (unlikely(m->data_len <= off && !sl_pkt_gather(m, RTE_MIN(end, off + SL_OUTER_INNER)) &&
		     !sl_pkt_gather(m, off + 1)))
		return false;
	if (unlikely(m->pkt_len != end))
		sl_pkt_cut(m, end);
	m->data_off += (uint16_t)off;
	m->data_len -= (uint16_t)off;
	m->pkt_len -= off;
	return true;
}

/* An IP packet gets an Ethernet header without addresses, in the place of removed headers. */
static inline void sl_outer_put_ethernet(struct rte_mbuf *m, uint16_t type)
{
	uint8_t *p;

	m->data_off -= SL_ETH_LEN;
	m->data_len += SL_ETH_LEN;
	m->pkt_len += SL_ETH_LEN;
	p = rte_pktmbuf_mtod(m, uint8_t *);
	memset(p, 0, SL_ETH_LEN - 2);
	type = sl_be16(type);
	memcpy(p + SL_ETH_LEN - 2, &type, sizeof(type));
}

/*
 * A packet is to leave without its Ethernet header, with hdr_len bytes in front of its IP header:
 * where these go, or NULL with *drop. Padding behind the IP packet is cut off.
 */
static __rte_always_inline uint8_t *sl_outer_replace_ethernet(
	struct rte_mbuf *m, const struct sl_meta *md, uint32_t hdr_len, enum sl_drop *drop)
{
	const uint32_t l3 = md->l3_off, len = l3 + md->l3_len;

	*drop = SL_DROP_ETH_TYPE_UNKNOWN;
	if (unlikely((md->flags & (SL_P_IP4 | SL_P_IP6)) == 0))
		return NULL;
	*drop = SL_DROP_HEADROOM;
	if (unlikely(m->data_off + l3 < hdr_len || !sl_pkt_gather(m, l3)))
		return NULL;
	if (unlikely(m->pkt_len != len))
		sl_pkt_cut(m, len);
	m->data_off = (uint16_t)(m->data_off + l3 - hdr_len);
	m->data_len = (uint16_t)(m->data_len + hdr_len - l3);
	m->pkt_len = md->l3_len + hdr_len;
	*drop = SL_KEEP;
	return rte_pktmbuf_mtod(m, uint8_t *);
}

#endif
