/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What encapsulations over UDP have in common, over both families: the UDP header of the template,
 * the fields to change for each packet when headers are pushed, and the checks of the datagram when
 * they are popped. Each encapsulation supplies its own header: the bytes after the UDP header, and
 * inline functions. Its push and pop are one call each, which the compiler specialises, so there is
 * no function call for each packet.
 *
 *   | Ethernet 14 | IPv4 20 or IPv6 40 | UDP 8 | own header | inner packet ...
 *
 * Threads: build: control. push, pop: worker, on its own burst.
 */
#ifndef SL_OVERLAY_UDP_TUNNEL_H
#define SL_OVERLAY_UDP_TUNNEL_H

#include "dp/lib/pkt.h"
#include "outer.h"
#include "sluice/super.h"

struct sl_udp_header {
	uint16_t sport_be, dport_be, len_be, sum_be;
} __rte_packed;

enum {
	SL_UDP_LEN = 8,
	SL_UDP_OWN_MAX = SL_TUNNEL_HDR_MAX - SL_ETH_LEN - SL_IP6_LEN - SL_UDP_LEN,
	/* what a push copies in one go when the headroom allows; the second for longer headers */
	SL_UDP_BLOCK = 64,
	SL_UDP_LONG_BLOCK = 96,
};
_Static_assert(sizeof(struct sl_udp_header) == SL_UDP_LEN, "as on the wire");
_Static_assert(SL_UDP_LONG_BLOCK <= SL_TUNNEL_HDR_MAX, "a template has a whole block");

/*
 * Build the template of a tunnel: outer headers with p's UDP port, or this one when p names none,
 * followed by the own header. -EINVAL: they do not fit a template. -ENOTSUP: an address of each
 * family.
 */
int sl_udp_build(struct sl_tunnel *t, const struct sl_tunnel_params *p, uint16_t udp_port,
	const void *own, uint8_t own_len);

/* Compute the outer UDP checksums of packets that were pushed over IPv6, where the tunnel asks for
 * that. t: as for push. */
void sl_udp_sum_all(
	struct sl_burst *b, const uint8_t *idx, unsigned int n, const struct sl_tunnel *t);

/* Write the fields of the own header that differ from packet to packet. */
typedef void (*sl_udp_patch)(void *own, const struct sl_meta *md);
/* Read an own header of the fixed length; false: it is malformed. */
typedef bool (*sl_udp_parse)(const uint8_t *own, struct sl_tunnel_header *h);

/* The inner flow's entropy in the dynamic port range: RFC 7348 section 5, RFC 8926 section 3.3. */
static inline uint16_t sl_udp_source_port_be(uint32_t hash)
{
	return sl_be16((uint16_t)(0xc000 | ((hash ^ hash >> 16) & 0x3fff)));
}

/* The template's last block, loaded into registers. */
typedef uint64_t sl_udp_third __attribute__((vector_size(32), aligned(1), may_alias));

struct sl_udp_block {
	sl_udp_third third[SL_UDP_LONG_BLOCK / 32]; /* from the end; the last for a long block */
};

static __rte_always_inline uint32_t sl_udp_hdr_len(const enum sl_family family, uint32_t own_len)
{
	return sl_outer_len(family) + SL_UDP_LEN + own_len;
}

static __rte_always_inline uint32_t sl_udp_block_len(uint32_t hdr_len)
{
	return hdr_len <= SL_UDP_BLOCK ? SL_UDP_BLOCK : SL_UDP_LONG_BLOCK;
}

static __rte_always_inline struct sl_udp_block sl_udp_load_block(
	const struct sl_tunnel *t, uint32_t hdr_len)
{
	const sl_udp_third *end = (const sl_udp_third *)(t->hdr + SL_TUNNEL_HDR_MAX);
	struct sl_udp_block block = {{end[-1], end[-2]}};

	if (hdr_len > SL_UDP_BLOCK)
		block.third[2] = end[-3];
	return block;
}

/* Write the fields that differ from packet to packet, and the buffer's new start. len: of the
 * inner packet. */
static __rte_always_inline void sl_udp_finish(struct rte_mbuf *m, const struct sl_meta *md,
	const enum sl_family family, uint8_t *outer, uint32_t base, uint32_t len, uint32_t own_len,
	sl_udp_patch patch)
{
	struct sl_udp_header *udp = (void *)(outer + sl_outer_len(family));
	uint32_t udp_len = len + SL_UDP_LEN + own_len, hdr_len = sl_udp_hdr_len(family, own_len);

	sl_outer_finish(outer, family, md, base, udp_len);
	udp->sport_be = sl_udp_source_port_be(md->hash);
	udp->len_be = sl_be16((uint16_t)udp_len);
	patch(udp + 1, md);
	m->data_off -= (uint16_t)hdr_len;
	m->data_len += (uint16_t)hdr_len;
	m->pkt_len += hdr_len;
}

/* The longest inner packet. */
static __rte_always_inline uint32_t sl_udp_most(const enum sl_family family, uint32_t own_len)
{
	return sl_outer_most(family) - SL_UDP_LEN - own_len;
}

static __rte_always_inline enum sl_drop sl_udp_push_one(struct rte_mbuf *m,
	const struct sl_meta *md, const enum sl_family family, const struct sl_tunnel *t,
	uint32_t own_len, sl_udp_patch patch)
{
	const uint8_t *end = t->hdr + SL_TUNNEL_HDR_MAX;
	const uint32_t hdr_len = sl_udp_hdr_len(family, own_len), block = sl_udp_block_len(hdr_len);
	const uint32_t most = sl_udp_most(family, own_len);
	uint32_t len = sl_inner_len(m, md);
	uint8_t *inner = rte_pktmbuf_mtod(m, uint8_t *);

	if (unlikely(len > most) && !sl_is_super(m))
		return SL_DROP_MTU_EXCEEDED;
	if (likely(hdr_len <= block && m->data_off >= block))
		memcpy(inner - block, end - block, block);
	else if (m->data_off >= hdr_len)
		memcpy(inner - hdr_len, end - hdr_len, hdr_len);
	else
		return SL_DROP_HEADROOM;
	if (unlikely(m->pkt_len != len))
		sl_pkt_cut(m, len);
	/* Outer lengths may not hold a whole super-segment. Each of its segments gets its own. */
	sl_udp_finish(m, md, family, inner - hdr_len, t->ip_csum_base, RTE_MIN(len, most), own_len,
		patch);
	return SL_KEEP;
}

/* Push for the common packet: IP without padding, in a buffer with room for a whole block. */
static __rte_always_inline bool sl_udp_push_plain(struct rte_mbuf *m, const struct sl_meta *md,
	const enum sl_family family, const struct sl_udp_block *block, uint32_t base,
	uint32_t own_len, sl_udp_patch patch)
{
	const uint32_t hdr_len = sl_udp_hdr_len(family, own_len), room = sl_udp_block_len(hdr_len);
	uint32_t len = (uint32_t)md->l3_off + md->l3_len;
	sl_udp_third *inner = rte_pktmbuf_mtod(m, sl_udp_third *);

	if (unlikely(hdr_len > room || m->pkt_len != len || m->data_off < room ||
		     len > sl_udp_most(family, own_len) ||
		     (md->flags & (SL_P_IP4 | SL_P_IP6)) == 0))
		return false;
	if (hdr_len > SL_UDP_BLOCK)
		inner[-3] = block->third[2];
	inner[-2] = block->third[1];
	inner[-1] = block->third[0];
	sl_udp_finish(m, md, family, (uint8_t *)inner - hdr_len, base, len, own_len, patch);
	return true;
}

/* Push for packets that all use one tunnel. */
static __rte_always_inline unsigned int sl_udp_push_all(struct sl_burst *b, const uint8_t *idx,
	unsigned int n, const enum sl_family family, const struct sl_tunnel *t, uint32_t own_len,
	sl_udp_patch patch)
{
	const struct sl_udp_block block = sl_udp_load_block(t, sl_udp_hdr_len(family, own_len));
	const uint32_t base = t->ip_csum_base;
	unsigned int failed = 0;

	for (unsigned int k = 0; k < n; k++) {
		unsigned int i = idx[k];
		const struct sl_meta *md = &b->meta[i];

		if (likely(sl_udp_push_plain(b->pkt[i], md, family, &block, base, own_len, patch)))
			continue;
		b->verdict[i] = (uint8_t)sl_udp_push_one(b->pkt[i], md, family, t, own_len, patch);
		failed += b->verdict[i] != SL_KEEP;
	}
	return failed;
}

static __rte_always_inline unsigned int sl_udp_push_each(struct sl_burst *b, const uint8_t *idx,
	unsigned int n, const enum sl_family family, uint32_t own_len, sl_udp_patch patch)
{
	unsigned int failed = 0;

	for (unsigned int k = 0; k < n; k++) {
		unsigned int i = idx[k];
		const struct sl_meta *md = &b->meta[i];

		b->verdict[i] =
			(uint8_t)sl_udp_push_one(b->pkt[i], md, family, md->tunnel, own_len, patch);
		failed += b->verdict[i] != SL_KEEP;
	}
	return failed;
}

static __rte_always_inline unsigned int sl_udp_push_over(struct sl_burst *b, const uint8_t *idx,
	unsigned int n, const enum sl_family family, const struct sl_tunnel *t, uint32_t own_len,
	sl_udp_patch patch)
{
	return t != NULL ? sl_udp_push_all(b, idx, n, family, t, own_len, patch)
			 : sl_udp_push_each(b, idx, n, family, own_len, patch);
}

/* struct sl_encap's push, for an own header of own_len bytes. */
static __rte_always_inline unsigned int sl_udp_push(struct sl_burst *b, const uint8_t *idx,
	unsigned int n, const struct sl_tunnel *t, uint32_t own_len, sl_udp_patch patch)
{
	const struct sl_tunnel *any = t != NULL ? t : b->meta[idx[0]].tunnel;
	unsigned int failed;

	if (likely(any->family == SL_FAMILY_IP4))
		return sl_udp_push_over(b, idx, n, SL_FAMILY_IP4, t, own_len, patch);
	failed = sl_udp_push_over(b, idx, n, SL_FAMILY_IP6, t, own_len, patch);
	sl_udp_sum_all(b, idx, n, t);
	return failed;
}

static __rte_always_inline enum sl_drop sl_udp_pop_one(struct rte_mbuf *m, struct sl_meta *md,
	uint32_t own_len, uint32_t inner_min, sl_udp_parse parse, bool identity)
{
	uint32_t off = md->l4_off, udp_len;
	uint8_t buf[SL_UDP_LEN + SL_UDP_OWN_MAX]; /* VXLAN's own header and the like */
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
	if (unlikely(!sl_outer_strip(m, off + SL_UDP_LEN + own_len, off + udp_len)))
		return SL_DROP_TUNNEL_MALFORMED;
	md->act.vni = h.vni;
	if (identity)
		md->act.identity = h.identity & SL_IDENTITY_MASK;
	return unlikely(sl_ecn_matters(md->tos)) ? sl_ecn_decap(m, md->tos) : SL_KEEP;
}

/*
 * struct sl_encap's pop, for an own header of own_len bytes and an inner packet of inner_min.
 * identity: the row carries one.
 */
static __rte_always_inline void sl_udp_pop_all(struct sl_burst *b, const uint8_t *idx,
	unsigned int n, uint32_t own_len, uint32_t inner_min, sl_udp_parse parse, bool identity)
{
	for (unsigned int k = 0; k < n; k++) {
		unsigned int i = idx[k];
		enum sl_drop drop =
			sl_udp_pop_one(b->pkt[i], &b->meta[i], own_len, inner_min, parse, identity);

		if (unlikely(drop != SL_KEEP))
			b->verdict[i] = (uint8_t)drop;
	}
}

/* The same for a row that carries no identity. */
static __rte_always_inline void sl_udp_pop(struct sl_burst *b, const uint8_t *idx, unsigned int n,
	uint32_t own_len, uint32_t inner_min, sl_udp_parse parse)
{
	sl_udp_pop_all(b, idx, n, own_len, inner_min, parse, false);
}

#endif
