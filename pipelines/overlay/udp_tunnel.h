/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What encapsulations over UDP and IPv4 have in common: the outer Ethernet, IPv4 and UDP headers of
 * the template, the fields to change for each packet when headers are pushed, and the checks of the
 * datagram when they are popped. Each encapsulation supplies its own header: the bytes after the
 * UDP header, and inline functions. Its push and pop are one call each, which the compiler
 * specialises, so there is no function call for each packet.
 *
 *   | Ethernet 14 | IPv4 20 | UDP 8 | own header | inner packet ...
 *
 * Threads: build: control. push, pop: worker, on its own burst.
 */
#ifndef SL_OVERLAY_UDP_TUNNEL_H
#define SL_OVERLAY_UDP_TUNNEL_H

#include "dp/lib/pkt.h"
#include "encaps.h"
#include "dp/lib/checksum.h"
#include "sluice/super.h"

struct sl_udp_outer {
	uint8_t eth_dst[6], eth_src[6];
	uint16_t eth_type_be;
	uint8_t ip_version_ihl, ip_tos;
	uint16_t ip_len_be, ip_id_be, ip_frag_be;
	uint8_t ip_ttl, ip_proto;
	uint16_t ip_sum_be;
	uint32_t ip_src_be, ip_dst_be;
	uint16_t udp_sport_be, udp_dport_be, udp_len_be, udp_sum_be;
} __rte_packed;

enum {
	SL_UDP_LEN = 8,
	SL_UDP_OUTER_LEN = 14 + 20 + SL_UDP_LEN,
	SL_UDP_IP_LEN = 20 + SL_UDP_LEN,
	SL_UDP_OWN_MAX = SL_TUNNEL_HDR_MAX - SL_UDP_OUTER_LEN,
	SL_UDP_BLOCK = 64, /* what a push copies in one go when the headroom allows */
	SL_UDP_INNER =
		128, /* inner headers that are brought into the first buffer with the outer */
};
_Static_assert(sizeof(struct sl_udp_outer) == SL_UDP_OUTER_LEN, "as on the wire");
_Static_assert(SL_UDP_BLOCK <= SL_TUNNEL_HDR_MAX, "a template has a whole block");

/*
 * Build the template of a tunnel: outer headers with that UDP port, followed by the own header.
 * -EINVAL: they do not fit a template. -ENOTSUP: an address is not IPv4.
 */
int sl_udp_build(struct sl_tunnel *t, const struct sl_tunnel_params *p, uint16_t udp_port,
	const void *own, uint8_t own_len);

/* Write the fields of the own header that differ from packet to packet. */
typedef void (*sl_udp_patch)(void *own, const struct sl_meta *md);
/* Read an own header of the fixed length; false: it is malformed. */
typedef bool (*sl_udp_parse)(const uint8_t *own, struct sl_tunnel_header *h);

/* The inner flow's entropy in the dynamic port range: RFC 7348 section 5, RFC 8926 section 3.3. */
static inline uint16_t sl_udp_source_port_be(uint32_t hash)
{
	return sl_be16((uint16_t)(0xc000 | ((hash ^ hash >> 16) & 0x3fff)));
}

/* The template's last block, loaded into two registers. */
typedef uint64_t sl_udp_half_block
	__attribute__((vector_size(SL_UDP_BLOCK / 2), aligned(1), may_alias));

struct sl_udp_block {
	sl_udp_half_block half[2];
};

static inline struct sl_udp_block sl_udp_load_block(const struct sl_tunnel *t)
{
	const sl_udp_half_block *end = (const sl_udp_half_block *)(t->hdr + SL_TUNNEL_HDR_MAX);

	return (struct sl_udp_block){{end[-2], end[-1]}};
}

/* Write the fields that differ from packet to packet, and the buffer's new start. len: of the
 * inner packet. */
static __rte_always_inline void sl_udp_finish(struct rte_mbuf *m, const struct sl_meta *md,
	struct sl_udp_outer *h, uint32_t base, uint32_t len, uint32_t own_len, sl_udp_patch patch)
{
	uint32_t total = len + SL_UDP_IP_LEN + own_len;
	uint8_t tos = md->tos;

	/* ECN is copied too: normal mode of RFC 6040 section 4.1. */
	h->ip_tos = tos;
	h->ip_len_be = sl_be16((uint16_t)total);
	h->ip_sum_be = sl_be16((uint16_t)~sl_sum_fold(base + tos + total));
	h->udp_sport_be = sl_udp_source_port_be(md->hash);
	h->udp_len_be = sl_be16((uint16_t)(len + SL_UDP_LEN + own_len));
	patch(h + 1, md);
	m->data_off -= (uint16_t)(SL_UDP_OUTER_LEN + own_len);
	m->data_len += (uint16_t)(SL_UDP_OUTER_LEN + own_len);
	m->pkt_len += (uint32_t)(SL_UDP_OUTER_LEN + own_len);
}

static inline enum sl_drop sl_udp_push_one(struct rte_mbuf *m, const struct sl_meta *md,
	const struct sl_tunnel *t, uint32_t own_len, sl_udp_patch patch)
{
	const uint8_t *end = t->hdr + SL_TUNNEL_HDR_MAX;
	const uint32_t hdr_len = SL_UDP_OUTER_LEN + own_len;
	const uint32_t most = UINT16_MAX - SL_UDP_IP_LEN - own_len;
	uint32_t len = sl_inner_len(m, md);
	uint8_t *inner = rte_pktmbuf_mtod(m, uint8_t *);

	if (unlikely(len > most) && !sl_is_super(m))
		return SL_DROP_MTU_EXCEEDED;
	if (likely(hdr_len <= SL_UDP_BLOCK && m->data_off >= SL_UDP_BLOCK))
		memcpy(inner - SL_UDP_BLOCK, end - SL_UDP_BLOCK, SL_UDP_BLOCK);
	else if (m->data_off >= hdr_len)
		memcpy(inner - hdr_len, end - hdr_len, hdr_len);
	else
		return SL_DROP_HEADROOM;
	if (unlikely(m->pkt_len != len))
		sl_pkt_cut(m, len);
	/* Outer lengths may not hold a whole super-segment. Each of its segments gets its own. */
	sl_udp_finish(m, md, (struct sl_udp_outer *)(inner - hdr_len), t->ip_csum_base,
		RTE_MIN(len, most), own_len, patch);
	return SL_KEEP;
}

/* Push for the common packet: IP without padding, in a buffer with room for a whole block. */
static __rte_always_inline bool sl_udp_push_plain(struct rte_mbuf *m, const struct sl_meta *md,
	const struct sl_udp_block *block, uint32_t base, uint32_t own_len, sl_udp_patch patch)
{
	const uint32_t hdr_len = SL_UDP_OUTER_LEN + own_len;
	uint32_t len = (uint32_t)md->l3_off + md->l3_len;
	sl_udp_half_block *inner = rte_pktmbuf_mtod(m, sl_udp_half_block *);

	if (unlikely(hdr_len > SL_UDP_BLOCK || m->pkt_len != len || m->data_off < SL_UDP_BLOCK ||
		     len > UINT16_MAX - SL_UDP_IP_LEN - own_len ||
		     (md->flags & (SL_P_IP4 | SL_P_IP6)) == 0))
		return false;
	inner[-2] = block->half[0];
	inner[-1] = block->half[1];
	sl_udp_finish(m, md, (struct sl_udp_outer *)((uint8_t *)inner - hdr_len), base, len,
		own_len, patch);
	return true;
}

/* Push for packets that all use one tunnel. */
static __rte_always_inline unsigned int sl_udp_push_all(struct sl_burst *b, const uint8_t *idx,
	unsigned int n, const struct sl_tunnel *t, uint32_t own_len, sl_udp_patch patch)
{
	const struct sl_udp_block block = sl_udp_load_block(t);
	const uint32_t base = t->ip_csum_base;
	unsigned int failed = 0;

	for (unsigned int k = 0; k < n; k++) {
		unsigned int i = idx[k];
		const struct sl_meta *md = &b->meta[i];

		if (likely(sl_udp_push_plain(b->pkt[i], md, &block, base, own_len, patch)))
			continue;
		b->verdict[i] = (uint8_t)sl_udp_push_one(b->pkt[i], md, t, own_len, patch);
		failed += b->verdict[i] != SL_KEEP;
	}
	return failed;
}

static __rte_always_inline unsigned int sl_udp_push_each(struct sl_burst *b, const uint8_t *idx,
	unsigned int n, uint32_t own_len, sl_udp_patch patch)
{
	unsigned int failed = 0;

	for (unsigned int k = 0; k < n; k++) {
		unsigned int i = idx[k];
		const struct sl_meta *md = &b->meta[i];

		b->verdict[i] = (uint8_t)sl_udp_push_one(b->pkt[i], md, md->tunnel, own_len, patch);
		failed += b->verdict[i] != SL_KEEP;
	}
	return failed;
}

/* struct sl_encap's push, for an own header of own_len bytes. */
static __rte_always_inline unsigned int sl_udp_push(struct sl_burst *b, const uint8_t *idx,
	unsigned int n, const struct sl_tunnel *t, uint32_t own_len, sl_udp_patch patch)
{
	return t != NULL ? sl_udp_push_all(b, idx, n, t, own_len, patch)
			 : sl_udp_push_each(b, idx, n, own_len, patch);
}

/*
 * Remove all bytes before `off` and from `end` on. If the headers are in several buffers, which is
 * rare, they are brought together first. A packet whose first buffer has no room for that counts as
 * malformed.
 */
static inline bool sl_udp_strip(struct rte_mbuf *m, uint32_t off, uint32_t end)
{
	if (unlikely(m->data_len <= off && !sl_pkt_gather(m, RTE_MIN(end, off + SL_UDP_INNER)) &&
		     !sl_pkt_gather(m, off + 1)))
		return false;
	if (unlikely(m->pkt_len != end))
		sl_pkt_cut(m, end);
	m->data_off += (uint16_t)off;
	m->data_len -= (uint16_t)off;
	m->pkt_len -= off;
	return true;
}

static __rte_always_inline enum sl_drop sl_udp_pop_one(struct rte_mbuf *m, struct sl_meta *md,
	uint32_t own_len, uint32_t inner_min, sl_udp_parse parse)
{
	uint32_t off = md->l4_off, udp_len;
	uint8_t buf[SL_UDP_LEN + SL_UDP_OWN_MAX];
	struct sl_tunnel_header h;
	const uint8_t *p;

	p = sl_pkt_read(m, off, SL_UDP_LEN + own_len, buf);
	if (unlikely(p == NULL))
		return SL_DROP_TUNNEL_MALFORMED;
	udp_len = sl_load_be16(p + 4);
	/*
	 * Parse has checked the UDP length against the IP packet, so this also ensures that the
	 * bytes that were read are not padding.
	 */
	if (unlikely(!parse(p + SL_UDP_LEN, &h) || udp_len < SL_UDP_LEN + own_len + inner_min))
		return SL_DROP_TUNNEL_MALFORMED;
	if (unlikely(!sl_udp_strip(m, off + SL_UDP_LEN + own_len, off + udp_len)))
		return SL_DROP_TUNNEL_MALFORMED;
	md->act.vni = h.vni;
	return unlikely(sl_ecn_matters(md->tos)) ? sl_ecn_decap(m, md->tos) : SL_KEEP;
}

/* struct sl_encap's pop, for an own header of own_len bytes and an inner packet of inner_min. */
static __rte_always_inline void sl_udp_pop(struct sl_burst *b, const uint8_t *idx, unsigned int n,
	uint32_t own_len, uint32_t inner_min, sl_udp_parse parse)
{
	for (unsigned int k = 0; k < n; k++) {
		unsigned int i = idx[k];
		enum sl_drop drop =
			sl_udp_pop_one(b->pkt[i], &b->meta[i], own_len, inner_min, parse);

		if (unlikely(drop != SL_KEEP))
			b->verdict[i] = (uint8_t)drop;
	}
}

#endif
