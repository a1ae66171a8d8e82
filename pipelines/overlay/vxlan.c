/* SPDX-License-Identifier: BSD-3-Clause */
/* VXLAN, RFC 7348, over IPv4. */
#include <errno.h>
#include <netinet/in.h>
#include <rte_byteorder.h>

#include "dp/pkt.h"
#include "encaps.h"

#define VXLAN_PORT    4789
#define VXLAN_FLAG_I  0x08
#define OUTER_IP_LEN  36u /* IPv4, UDP, VXLAN */
#define OUTER_UDP_LEN 16u
#define INNER_ETH_LEN 14u
#define BLOCK	      64u /* what a push copies in one go when the headroom allows */

struct vxlan_hdr {
	uint8_t eth_dst[6], eth_src[6];
	uint16_t eth_type_be;
	uint8_t ip_version_ihl, ip_tos;
	uint16_t ip_len_be, ip_id_be, ip_frag_be;
	uint8_t ip_ttl, ip_proto;
	uint16_t ip_sum_be;
	uint32_t ip_src_be, ip_dst_be;
	uint16_t udp_sport_be, udp_dport_be, udp_len_be, udp_sum_be;
	uint8_t flags, reserved[3];
	uint32_t vni_be; /* upper 24 bits */
} __rte_packed;
_Static_assert(sizeof(struct vxlan_hdr) == 14 + OUTER_IP_LEN, "as on the wire");
_Static_assert(
	sizeof(struct vxlan_hdr) <= BLOCK && BLOCK <= SL_TUNNEL_HDR_MAX, "one block holds it");

static uint32_t fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/* Sum of an IPv4 header's 16-bit words as numbers, so that lengths can be added in host order. */
static uint16_t header_sum(const void *hdr)
{
	const uint8_t *p = hdr;
	uint32_t sum = 0;

	for (int i = 0; i < 20; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	return (uint16_t)fold(sum);
}

static int vxlan_build(struct sl_tunnel *t, const struct sl_tunnel_params *p)
{
	struct vxlan_hdr h = {
		.eth_type_be = rte_cpu_to_be_16(0x0800),
		.ip_version_ihl = 0x45,
		.ip_frag_be = rte_cpu_to_be_16(
			0x4000), /* never fragmented, so the id stays 0, RFC 6864 */
		.ip_ttl = 64,
		.ip_proto = IPPROTO_UDP,
		.ip_src_be = sl_ip_v4_be(&p->local),
		.ip_dst_be = sl_ip_v4_be(&p->remote),
		.udp_dport_be = rte_cpu_to_be_16(VXLAN_PORT),
		.flags = VXLAN_FLAG_I,
	};
	uint32_t overhead = OUTER_IP_LEN + INNER_ETH_LEN;

	if (!sl_ip_is_v4(&p->local) || !sl_ip_is_v4(&p->remote))
		return -ENOTSUP;
	memcpy(h.eth_dst, p->next_hop_mac.b, 6);
	memcpy(h.eth_src, p->local_mac.b, 6);
	memset(t, 0, sizeof(*t));
	t->ip_csum_base = header_sum(&h.ip_version_ihl);
	h.ip_sum_be = rte_cpu_to_be_16((uint16_t)~t->ip_csum_base);
	memcpy(t->hdr + SL_TUNNEL_HDR_MAX - sizeof(h), &h, sizeof(h));
	t->hdr_len = sizeof(h);
	t->encap = SL_ENCAP_VXLAN;
	t->resolved = p->resolved;
	t->reachable = p->reachable;
	t->port = p->port;
	/* An MTU smaller than the headers leaves room for nothing. */
	t->mtu = (uint16_t)(p->underlay_mtu > overhead ? p->underlay_mtu - overhead : 0);
	t->id = p->id;
	t->node = p->node;
	t->next_hop = p->next_hop;
	return 0;
}

/* The inner flow's entropy in the dynamic port range, RFC 7348 section 5. */
static inline uint16_t source_port_be(uint32_t hash)
{
	return sl_be16((uint16_t)(0xc000 | ((hash ^ hash >> 16) & 0x3fff)));
}

/* The header's bytes as they stand in the template, in two registers. */
typedef uint64_t half_block __attribute__((vector_size(BLOCK / 2), aligned(1), may_alias));

struct block {
	half_block half[2];
};

static inline struct block load_block(const struct sl_tunnel *t)
{
	const half_block *end = (const half_block *)(t->hdr + SL_TUNNEL_HDR_MAX);

	return (struct block){{end[-2], end[-1]}};
}

/* What differs from packet to packet, and the buffer's new start. */
static __rte_always_inline void finish_header(struct rte_mbuf *m, const struct sl_meta *md,
	struct vxlan_hdr *h, uint32_t base, uint32_t len)
{
	uint32_t total = len + OUTER_IP_LEN;
	uint8_t tos = md->tos;

	/* ECN is copied too: normal mode of RFC 6040 section 4.1. */
	h->ip_tos = tos;
	h->ip_len_be = sl_be16((uint16_t)total);
	h->ip_sum_be = sl_be16((uint16_t)~fold(base + tos + total));
	h->udp_sport_be = source_port_be(md->hash);
	h->udp_len_be = sl_be16((uint16_t)(len + OUTER_UDP_LEN));
	h->vni_be = sl_be32(md->act.vni << 8);
	m->data_off -= (uint16_t)sizeof(*h);
	m->data_len += (uint16_t)sizeof(*h);
	m->pkt_len += (uint32_t)sizeof(*h);
}

static enum sl_drop push_one(
	struct rte_mbuf *m, const struct sl_meta *md, const struct sl_tunnel *t)
{
	const uint8_t *end = t->hdr + SL_TUNNEL_HDR_MAX;
	uint32_t len = sl_inner_len(m, md);
	uint8_t *inner = rte_pktmbuf_mtod(m, uint8_t *);
	struct vxlan_hdr *h = (struct vxlan_hdr *)(inner - sizeof(*h));

	if (unlikely(len + OUTER_IP_LEN > UINT16_MAX))
		return SL_DROP_MTU_EXCEEDED;
	if (likely(m->data_off >= BLOCK))
		memcpy(inner - BLOCK, end - BLOCK, BLOCK);
	else if (m->data_off >= sizeof(*h))
		memcpy(h, end - sizeof(*h), sizeof(*h));
	else
		return SL_DROP_HEADROOM;
	if (unlikely(m->pkt_len != len))
		sl_pkt_cut(m, len);
	finish_header(m, md, h, t->ip_csum_base, len);
	return SL_KEEP;
}

/* The plain packet: IP without padding in a buffer with room for a whole block. */
static __rte_always_inline bool push_plain(
	struct rte_mbuf *m, const struct sl_meta *md, const struct block *block, uint32_t base)
{
	uint32_t len = (uint32_t)md->l3_off + md->l3_len;
	half_block *inner = rte_pktmbuf_mtod(m, half_block *);

	if (unlikely(m->pkt_len != len || m->data_off < BLOCK || len > UINT16_MAX - OUTER_IP_LEN ||
		     (md->flags & (SL_P_IP4 | SL_P_IP6)) == 0))
		return false;
	inner[-2] = block->half[0];
	inner[-1] = block->half[1];
	finish_header(m, md, (struct vxlan_hdr *)inner - 1, base, len);
	return true;
}

static unsigned int push_all(
	struct sl_burst *b, const uint8_t *idx, unsigned int n, const struct sl_tunnel *t)
{
	const struct block block = load_block(t);
	const uint32_t base = t->ip_csum_base;
	unsigned int failed = 0;

	for (unsigned int k = 0; k < n; k++) {
		unsigned int i = idx[k];
		const struct sl_meta *md = &b->meta[i];

		if (likely(push_plain(b->pkt[i], md, &block, base)))
			continue;
		b->verdict[i] = (uint8_t)push_one(b->pkt[i], md, t);
		failed += b->verdict[i] != SL_KEEP;
	}
	return failed;
}

static unsigned int push_each(struct sl_burst *b, const uint8_t *idx, unsigned int n)
{
	unsigned int failed = 0;

	for (unsigned int k = 0; k < n; k++) {
		unsigned int i = idx[k];

		b->verdict[i] = (uint8_t)push_one(b->pkt[i], &b->meta[i], b->meta[i].tunnel);
		failed += b->verdict[i] != SL_KEEP;
	}
	return failed;
}

static unsigned int vxlan_push(
	struct sl_burst *b, const uint8_t *idx, unsigned int n, const struct sl_tunnel *t)
{
	return t != NULL ? push_all(b, idx, n, t) : push_each(b, idx, n);
}

/*
 * Take off all before `off` and all behind `end`. Headers that lie in several segments are rare
 * enough to make one segment of the packet first; where that has no room the packet counts as
 * malformed.
 */
static inline bool strip(struct rte_mbuf *m, uint32_t off, uint32_t end)
{
	if (unlikely(m->data_len <= off && rte_pktmbuf_linearize(m) != 0))
		return false;
	if (unlikely(m->pkt_len != end))
		sl_pkt_cut(m, end);
	m->data_off += (uint16_t)off;
	m->data_len -= (uint16_t)off;
	m->pkt_len -= off;
	return true;
}

/* What the tunnel header says, and its bytes off. */
static inline enum sl_drop take_off(
	struct rte_mbuf *m, struct sl_meta *md, uint32_t vni_be, uint32_t off, uint32_t end)
{
	if (unlikely(!strip(m, off, end)))
		return SL_DROP_TUNNEL_MALFORMED;
	md->act.vni = sl_be32(vni_be) >> 8;
	return unlikely(sl_ecn_matters(md->tos)) ? sl_ecn_decap(m, md->tos) : SL_KEEP;
}

static inline enum sl_drop pop_one(struct rte_mbuf *m, struct sl_meta *md)
{
	uint32_t off = md->l4_off, udp_len;
	uint8_t buf[OUTER_UDP_LEN];
	const uint8_t *p;

	p = sl_pkt_read(m, off, OUTER_UDP_LEN, buf);
	if (unlikely(p == NULL))
		return SL_DROP_TUNNEL_MALFORMED;
	udp_len = sl_be16(sl_load16(p + 4));
	/*
	 * Reserved bits are ignored on receipt, RFC 7348 section 5. Parse has held the UDP length
	 * against the IP packet, so this also says that what was read is no padding.
	 */
	if (unlikely((p[8] & VXLAN_FLAG_I) == 0 || udp_len < OUTER_UDP_LEN + INNER_ETH_LEN))
		return SL_DROP_TUNNEL_MALFORMED;
	return take_off(m, md, sl_load32(p + 12), off + OUTER_UDP_LEN, off + udp_len);
}

static void vxlan_pop(struct sl_burst *b, const uint8_t *idx, unsigned int n)
{
	for (unsigned int k = 0; k < n; k++) {
		unsigned int i = idx[k];
		enum sl_drop drop = pop_one(b->pkt[i], &b->meta[i]);

		if (unlikely(drop != SL_KEEP))
			b->verdict[i] = (uint8_t)drop;
	}
}

const struct sl_encap sl_encap_vxlan = {
	.name = "vxlan",
	.ip_proto = IPPROTO_UDP,
	.udp_port = VXLAN_PORT,
	.carries_network = true,
	.inner_ethernet = true,
	.header_len = OUTER_UDP_LEN,
	.build = vxlan_build,
	.push = vxlan_push,
	.pop = vxlan_pop,
};
