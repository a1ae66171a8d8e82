/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IP in IP: RFC 2003 (4 in 4), RFC 4213 (6 in 4), RFC 2473 (4 in 6, 6 in 6). The inner packet has no
 * Ethernet header: the sender's is taken off, and one without addresses is put in its place on
 * receipt. There is no VNI: the pair of outer addresses tells the network.
 */
#include <netinet/in.h>
#include <stdio.h>

#include "outer.h"
#include "sluice/super.h"

enum {
	PROTO_IP4 = IPPROTO_IPIP,
	PROTO_IP6 = IPPROTO_IPV6,
	BLOCK = 64, /* what a push copies in one go when the headroom allows */
};

static int ipip_build(struct sl_tunnel *t, const struct sl_tunnel_params *p)
{
	return sl_outer_build(t, p, PROTO_IP4, 0);
}

/* The template is for IPv4 inside. */
static __rte_always_inline uint32_t set_ip6_inside(
	uint8_t *outer, const enum sl_family family, uint32_t base)
{
	if (family == SL_FAMILY_IP4)
		((struct sl_outer_ip4 *)outer)->ip_proto = PROTO_IP6;
	else
		((struct sl_outer_ip6 *)outer)->ip_proto = PROTO_IP6;
	return base + PROTO_IP6 - PROTO_IP4;
}

static __rte_always_inline enum sl_drop push_one(struct rte_mbuf *m, const struct sl_meta *md,
	const enum sl_family family, const struct sl_tunnel *t)
{
	const uint32_t hdr_len = sl_outer_len(family), most = sl_outer_most(family);
	const uint8_t *end = t->hdr + SL_TUNNEL_HDR_MAX;
	uint32_t base = t->ip_csum_base, len = md->l3_len;
	enum sl_drop drop;
	uint8_t *outer;

	if (unlikely(len > most) && !sl_is_super(m))
		return SL_DROP_MTU_EXCEEDED;
	outer = sl_outer_replace_ethernet(m, md, hdr_len, &drop);
	if (unlikely(outer == NULL))
		return drop;
	if (likely(m->data_off + hdr_len >= BLOCK))
		memcpy(outer + hdr_len - BLOCK, end - BLOCK, BLOCK);
	else
		memcpy(outer, end - hdr_len, hdr_len);
	if ((md->flags & SL_P_IP6) != 0)
		base = set_ip6_inside(outer, family, base);
	/* Outer lengths may not hold a whole super-segment. Each of its segments gets its own. */
	sl_outer_finish(outer, family, md, base, RTE_MIN(len, most));
	return SL_KEEP;
}

static __rte_always_inline unsigned int push_over(struct sl_burst *b, const uint8_t *idx,
	unsigned int n, const enum sl_family family, const struct sl_tunnel *t)
{
	unsigned int failed = 0;

	for (unsigned int k = 0; k < n; k++) {
		unsigned int i = idx[k];
		const struct sl_meta *md = &b->meta[i];

		b->verdict[i] =
			(uint8_t)push_one(b->pkt[i], md, family, t != NULL ? t : md->tunnel);
		failed += b->verdict[i] != SL_KEEP;
	}
	return failed;
}

static unsigned int ipip_push(
	struct sl_burst *b, const uint8_t *idx, unsigned int n, const struct sl_tunnel *t)
{
	const struct sl_tunnel *any = t != NULL ? t : b->meta[idx[0]].tunnel;

	if (any->family == SL_FAMILY_IP4)
		return push_over(b, idx, n, SL_FAMILY_IP4, t);
	return push_over(b, idx, n, SL_FAMILY_IP6, t);
}

/* Is the inner packet itself IP in IP? One tunnel in another is enough for any purpose here. */
static bool is_nested(const uint8_t *inner, bool ip6)
{
	uint8_t proto = inner[ip6 ? 6 : 9];

	return proto == PROTO_IP4 || proto == PROTO_IP6;
}

static inline enum sl_drop pop_one(struct sl_burst *b, unsigned int i)
{
	struct rte_mbuf *m = b->pkt[i];
	struct sl_meta *md = &b->meta[i];
	uint32_t off = md->l4_off, end = (uint32_t)md->l3_off + md->l3_len;
	bool ip6 = md->proto == PROTO_IP6;
	uint32_t need = ip6 ? SL_IP6_LEN : SL_IP4_LEN;
	uint8_t buf[SL_IP6_LEN];
	const uint8_t *p = end < off + need ? NULL : sl_pkt_read(m, off, need, buf);
	bool nested;

	if (unlikely(p == NULL || p[0] >> 4 != (ip6 ? 6 : 4)))
		return SL_DROP_TUNNEL_MALFORMED;
	nested = is_nested(p, ip6);
	if (unlikely(!sl_outer_strip(m, off, end)))
		return SL_DROP_TUNNEL_MALFORMED;
	sl_outer_put_ethernet(m, ip6 ? SL_ETH_TYPE_IP6 : SL_ETH_TYPE_IP4);
	md->act.vni = 0;
	md->removed_half = (uint8_t)((off - SL_ETH_LEN) / 2);
	b->closer |= UINT64_C(1) << i;
	if (unlikely(nested))
		return SL_DROP_TUNNEL_NESTED;
	return unlikely(sl_ecn_matters(md->tos)) ? sl_ecn_decap(m, md->tos) : SL_KEEP;
}

static void ipip_pop(struct sl_burst *b, const uint8_t *idx, unsigned int n)
{
	for (unsigned int k = 0; k < n; k++) {
		enum sl_drop drop = pop_one(b, idx[k]);

		if (unlikely(drop != SL_KEEP))
			b->verdict[idx[k]] = (uint8_t)drop;
	}
}

/* There is no own header. */
static bool ipip_parse(const uint8_t *hdr, uint32_t len, struct sl_tunnel_header *h)
{
	(void)hdr;
	(void)len;
	*h = (struct sl_tunnel_header){.inner_ip = true};
	return true;
}

static void ipip_explain(const uint8_t *hdr, uint32_t len, char *text, size_t size)
{
	snprintf(
		text, size, "the packet in IP-in-IP has version %u and %u bytes", hdr[0] >> 4, len);
}

const struct sl_encap sl_encap_ipip = {
	.id = SL_ENCAP_IPIP,
	.ip_proto = PROTO_IP4,
	.ip_proto6 = PROTO_IP6,
	.tx_tunnel = RTE_MBUF_F_TX_TUNNEL_IPIP,
	.build = ipip_build,
	.push = ipip_push,
	.pop = ipip_pop,
	.parse = ipip_parse,
	.explain = ipip_explain,
};
