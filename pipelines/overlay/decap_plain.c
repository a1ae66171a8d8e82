/* SPDX-License-Identifier: BSD-3-Clause */
/* Plain tunnel packets that sl_outer_read does not know: over IPv6, and IP-in-IP. */
#include <netinet/in.h>

#include "decap_impl.h"
#include "dp/lib/pkt.h"
#include "dp/lib/sum.h"
#include "outer.h"
#include "pipelines/parse/outer_dp.h"
#include "sluice/super.h"

enum {
	UDP_LEN = 8,
	UDP_SUM = 6,
	L4_IP6 = SL_ETH_LEN + SL_IP6_LEN,
};

static bool checksum_right(
	const struct rte_mbuf *m, const uint8_t *addrs, uint32_t off, uint32_t len)
{
	/* What a device or the sender's kernel vouches for, or has left unfinished, is not summed. */
	if ((m->ol_flags & (SL_OFFLOADS | RTE_MBUF_F_RX_L4_CKSUM_GOOD)) != 0)
		return true;
	return sl_sum_fold64((uint64_t)sl_sum_bytes(addrs, 32) + sl_be16(IPPROTO_UDP) +
			     sl_be32(len) + sl_sum_packet(m, off, len)) == UINT16_MAX;
}

bool sl_decap_checksum_ok(const struct rte_mbuf *m, const uint8_t *addrs, uint32_t l4_off)
{
	uint8_t buf[UDP_LEN];
	const uint8_t *p = sl_pkt_read(m, l4_off, UDP_LEN, buf);

	if (p == NULL || sl_load16(p + UDP_SUM) == 0)
		return true;
	return checksum_right(m, addrs, l4_off, sl_load_be16(p + 4));
}

static struct sl_ip address(const uint8_t *p, unsigned int family)
{
	struct sl_ip ip;

	if (family == SL_FAMILY_IP4)
		return sl_ip_from_v4(sl_load32(p));
	memcpy(ip.b, p, 16);
	return ip;
}

/* The packet has another sender, destination or port than the one before. False: not from a known
 * node, or not to a tunnel address. */
static __rte_noinline bool find_other(struct decap *d, const uint8_t *addrs, unsigned int family,
	uint8_t proto, uint16_t dport_be)
{
	const uint32_t len = family == SL_FAMILY_IP4 ? 4 : 16;
	struct sl_ip src = address(addrs, family), dst = address(addrs + len, family);
	const struct sl_world *w = d->world;
	uint32_t node = w->node_by_addr != NULL ? sl_addr_map_find(w->node_by_addr, &src) : 0;
	uint32_t local = w->local_addr != NULL ? sl_addr_map_find(w->local_addr, &dst) : 0;
	unsigned int e = sl_encap_find_at(w->encap_ports, proto, dport_be);
	const struct sl_encap *row;
	uint32_t network;

	if (node == 0 || e == SL_ENCAP_COUNT || (local & SL_LOCAL_TUNNEL) == 0)
		return false;
	row = sl_encaps[e];
	network = row->carries_network ? 0 : sl_decap_pair(w, local, &src);
	if (network == 0 && !row->carries_network)
		return false; /* the long way knows whose it is */
	memcpy(d->other.addrs, addrs, 2 * len);
	d->other.dport_be = dport_be;
	d->other.proto = proto;
	d->other.family = (uint8_t)family;
	d->other.removed_half = (uint8_t)((sl_outer_len(family) + row->header_len) / 2);
	d->other.origin = SL_ORIGIN_NODE | node;
	d->other.network = network;
	d->other.group = use_group(d, e, family);
	return true;
}

static __rte_always_inline bool is_other(const struct decap *d, const uint8_t *addrs,
	const unsigned int family, uint8_t proto, uint16_t dport_be)
{
	const struct other_memo *o = &d->other;
	const uint32_t what = dport_be | (uint32_t)proto << 16 | (uint32_t)family << 24;

	if (sl_load32(&o->dport_be) != what)
		return false;
	return memcmp(o->addrs, addrs, family == SL_FAMILY_IP4 ? 8 : 32) == 0;
}
_Static_assert(
	offsetof(struct other_memo, proto) == offsetof(struct other_memo, dport_be) + 2 &&
		offsetof(struct other_memo, family) == offsetof(struct other_memo, dport_be) + 3,
	"compared as one word");

static __rte_always_inline bool to_group(struct decap *d, unsigned int i, const uint8_t *addrs,
	unsigned int family, uint8_t proto, uint16_t dport_be)
{
	struct sl_meta *md = &d->b->meta[i];

	if (unlikely(!is_other(d, addrs, family, proto, dport_be)) &&
		!find_other(d, addrs, family, proto, dport_be))
		return false;
	md->l3_off = SL_ETH_LEN;
	md->proto = proto;
	md->network = d->other.network;
	md->removed_half = d->other.removed_half;
	d->b->closer |= UINT64_C(1) << i;
	add_to_group(d, i, d->other.origin, d->other.group);
	return true;
}

static inline bool sort_ip6(struct decap *d, unsigned int i, const uint8_t *p)
{
	const struct rte_mbuf *m = d->b->pkt[i];
	struct sl_meta *md = &d->b->meta[i];
	const uint8_t *addrs = p + SL_ETH_LEN + 8, *udp = p + L4_IP6;
	uint32_t payload, udp_len;
	uint8_t proto;

	if (unlikely(m->data_len < L4_IP6 + UDP_LEN || p[SL_ETH_LEN] >> 4 != 6))
		return false;
	payload = sl_load_be16(p + SL_ETH_LEN + 4);
	proto = p[SL_ETH_LEN + 6];
	if (unlikely(L4_IP6 + payload > m->pkt_len || payload > UINT16_MAX - SL_IP6_LEN))
		return false;
	md->l3_len = (uint16_t)(SL_IP6_LEN + payload);
	md->l4_off = L4_IP6;
	md->tos = (uint8_t)(p[SL_ETH_LEN] << 4 | p[SL_ETH_LEN + 1] >> 4);
	if (proto == IPPROTO_IPIP || proto == IPPROTO_IPV6)
		return to_group(d, i, addrs, SL_FAMILY_IP6, proto, 0);
	udp_len = sl_load_be16(udp + 4);
	if (unlikely(proto != IPPROTO_UDP || udp_len < UDP_LEN || udp_len > payload))
		return false;
	if (sl_load16(udp + UDP_SUM) != 0 && unlikely(!checksum_right(m, addrs, L4_IP6, udp_len)))
		return false;
	return to_group(d, i, addrs, SL_FAMILY_IP6, proto, sl_load16(udp + 2));
}

/* IP-in-IP over IPv4 without options and fragments. */
static __rte_noinline bool sort_ip4(struct decap *d, unsigned int i, const uint8_t *p)
{
	const struct rte_mbuf *m = d->b->pkt[i];
	struct sl_meta *md = &d->b->meta[i];
	const uint8_t *ip = p + SL_ETH_LEN;
	uint32_t total = sl_load_be16(ip + 2);

	if (ip[0] != 0x45 || (sl_load_be16(ip + 6) & 0x3fff) != 0 || total < SL_IP4_LEN ||
		SL_ETH_LEN + total > m->pkt_len ||
		(ip[9] != IPPROTO_IPIP && ip[9] != IPPROTO_IPV6) || !sl_sum_is_ones(sl_ip4_sum(ip)))
		return false;
	md->l3_len = (uint16_t)total;
	md->l4_off = SL_ETH_LEN + SL_IP4_LEN;
	md->tos = ip[1];
	return to_group(d, i, ip + 12, SL_FAMILY_IP4, ip[9], 0);
}

static inline bool sort_one(struct decap *d, unsigned int i)
{
	const struct rte_mbuf *m = d->b->pkt[i];
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
	uint16_t type;

	if (m->data_len < SL_ETH_LEN + SL_IP4_LEN || (sl_load64(p) ^ d->own) << 16 != 0)
		return false;
	type = sl_load16(p + 12);
	if (likely(type == sl_be16(SL_ETH_TYPE_IP6)))
		return sort_ip6(d, i, p);
	return type == sl_be16(SL_ETH_TYPE_IP4) && sort_ip4(d, i, p);
}

unsigned int sl_decap_sort_others(struct decap *d, unsigned int i)
{
	const unsigned int n = d->b->n, first = i;

	for (; i < n; i++) {
		sl_decap_prefetch_ahead(d->b, i);
		if (!sort_one(d, i))
			break;
	}
	return i - first;
}
