/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_byteorder.h>
#include <rte_prefetch.h>

#include "dp/lib/pkt.h"
#include "outer_dp.h"
#include "parse_dp.h"
#include "pipelines/key/key_dp.h"
#include "sluice/super.h"
#include "walk.h"

#define ETH_HDR	       14u
#define VLAN_TAG       4u
#define IP4_HDR	       20u
#define IP6_HDR	       40u
#define PREFETCH_AHEAD 6

enum {
	ETH_IP4 = 0x0800,
	ETH_ARP = 0x0806,
	ETH_VLAN = 0x8100,
	ETH_IP6 = 0x86dd,
	ETH_QINQ = 0x88a8,
};

/*
 * The common packet: untagged unicast; IPv4 without options or fragmentation, or IPv6 without
 * extension headers; well-formed TCP or UDP; headers in the first segment. parse_common4 and
 * parse_common6 return true when they have filled in everything for such a packet. All others go to
 * the walk (walk.h), which also finds the reason for a drop.
 *
 * Keys are written in whole words, because the hash reads them back. A load that spans two stores
 * would wait until both are in the cache (5 cycles a packet).
 */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first byte is the lowest");

/*
 * First octets of plain IPv4 addresses: neither odd (sl_ip4_odd) nor multicast. All bits are set,
 * so that one AND checks both addresses and the TTL.
 */
#define HOSTS(from, to) [from... to] = 0xff
static const uint8_t plain_octet[256] = {HOSTS(1, 126), HOSTS(128, 223)};
#undef HOSTS

/*
 * TCP or UDP in len bytes of IP payload, `here` of which are in the first segment. *flags: to be
 * added to the meta's flags.
 */
static __rte_always_inline bool common_l4(struct sl_meta *md, const uint8_t *l4, uint32_t len,
	uint32_t here, uint32_t proto, uint32_t *flags)
{
	uint32_t need;

	if (proto == IPPROTO_TCP) {
		if (unlikely(here < 20))
			return false;
		need = (l4[12] >> 4) * 4u;
		md->tcp_flags = l4[13];
		*flags = SL_P_TCP;
		return need >= 20 && need <= len && !sl_tcp_flags_odd(l4[13]);
	}
	if (unlikely(proto != IPPROTO_UDP || here < 8))
		return false;
	need = sl_load_be16(l4 + 4);
	md->tcp_flags = 0;
	*flags = 0;
	return need >= 8 && need <= len;
}

static __rte_always_inline bool parse_common4(
	struct sl_burst *b, unsigned int i, const uint32_t network)
{
	const struct rte_mbuf *m = b->pkt[i];
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *), *l4 = p + ETH_HDR + IP4_HDR;
	struct sl_meta *md = &b->meta[i];
	uint32_t head, mid, total, proto, flags;
	uint64_t key[2];

	if (unlikely(m->data_len < ETH_HDR + IP4_HDR))
		return false;
	head = sl_load32(p + 12);   /* EtherType, version and length, TOS */
	mid = sl_load32(p + 20);    /* fragment, TTL, protocol */
	key[0] = sl_load64(p + 26); /* source, destination */
	proto = mid >> 24;
	if (unlikely((head & 0xffffff) != 0x450008 ||
		     (mid & rte_cpu_to_be_16(SL_IP4_MF | SL_IP4_OFFSET)) != 0 || (p[0] & 1) != 0))
		return false;
	/* Do not read this earlier: the compiler would keep it in memory to swap its bytes. */
	total = sl_load_be16(p + 16);
	if (unlikely(total < IP4_HDR || ETH_HDR + total > m->pkt_len ||
		     (plain_octet[(uint8_t)key[0]] & plain_octet[(uint8_t)(key[0] >> 32)] &
			     p[22]) == 0 ||
		     !common_l4(md, l4, total - IP4_HDR, m->data_len - (ETH_HDR + IP4_HDR), proto,
			     &flags)))
		return false;
	md->l3_off = ETH_HDR;
	md->l4_off = ETH_HDR + IP4_HDR;
	md->l3_len = (uint16_t)total;
	md->flags = (uint16_t)(SL_P_IP4 | flags | (mid & rte_cpu_to_be_16(SL_IP4_DF)));
	md->proto = (uint8_t)proto;
	md->tos = p[15];
	key[1] = sl_key_word(network, (uint8_t)proto, sl_load32(l4));
	memcpy(&b->key4[i], key, sizeof(key));
	md->hash = sl_key4_hash(&b->key4[i]);
	return true;
}
_Static_assert(SL_P_IP4_DF == __builtin_bswap16(SL_IP4_DF), "the flag stands where the bit was");

/* Not inlined: it would take registers from the loop over IPv4 packets, 3 cycles a packet. */
static __rte_noinline bool parse_common6(struct sl_burst *b, unsigned int i, uint32_t network)
{
	const struct rte_mbuf *m = b->pkt[i];
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *), *l4 = p + ETH_HDR + IP6_HDR;
	struct sl_meta *md = &b->meta[i];
	struct sl_key6 *k = &b->key6[i];
	uint64_t tail[2] = {0, 0};
	uint32_t payload, flags;
	uint8_t proto;

	if (unlikely(m->data_len < ETH_HDR + IP6_HDR))
		return false;
	payload = sl_load_be16(p + 18);
	proto = p[20];
	if (unlikely((sl_load32(p + 12) & rte_cpu_to_be_32(0xfffff000)) !=
			     rte_cpu_to_be_32((uint32_t)ETH_IP6 << 16 | 0x6000) ||
		     (p[0] & 1) != 0 || p[21] == 0 || payload > 65535 - IP6_HDR ||
		     ETH_HDR + IP6_HDR + payload > m->pkt_len || sl_ip6_odd(p + 22, p + 38) ||
		     sl_ip6_unspecified(p + 22) ||
		     !common_l4(md, l4, payload, m->data_len - (ETH_HDR + IP6_HDR), proto, &flags)))
		return false;
	md->l3_off = ETH_HDR;
	md->l4_off = ETH_HDR + IP6_HDR;
	md->l3_len = (uint16_t)(IP6_HDR + payload);
	md->flags = (uint16_t)(SL_P_IP6 | flags);
	md->proto = proto;
	md->tos = (uint8_t)(p[14] << 4 | p[15] >> 4);
	memcpy(k->src, p + 22, 32);
	tail[0] = sl_key_word(network, proto, sl_load32(l4));
	memcpy((uint8_t *)k + offsetof(struct sl_key6, sport_be), tail, sizeof(tail));
	md->hash = sl_key6_hash(k);
	return true;
}

/* RFC 826. The sender of a probe is 0.0.0.0 (RFC 5227). Hosts must not learn any
 * other odd address. */
static enum sl_drop walk_arp(struct sl_walk *w)
{
	static const uint8_t fixed[6] = {0, 1, 8, 0, 6, 4};
	uint8_t buf[28];
	const uint8_t *p = sl_pkt_read(w->m, w->md->l3_off, sizeof(buf), buf);
	uint32_t sender_be;

	if (p == NULL || memcmp(p, fixed, sizeof(fixed)) != 0 || p[6] != 0 ||
		(p[7] != 1 && p[7] != 2))
		return SL_DROP_ARP_MALFORMED;
	sender_be = sl_load32(p + 14);
	if ((p[8] & 1) != 0 || (sender_be != 0 && sl_ip4_odd(sender_be, 1)))
		return SL_DROP_ARP_MALFORMED;
	w->md->flags |= SL_P_ARP;
	w->md->l3_len = sizeof(buf);
	w->md->l4_off = w->md->l3_off;
	return SL_KEEP;
}

/*
 * A priority tag (IEEE 802.1Q section 9.6) has VLAN id 0: the frame is in no VLAN. The tag is
 * removed and its priority lost, so from here on the frame is untagged. False when the buffers have
 * no room to move the MACs.
 */
static bool strip_priority_tag(struct rte_mbuf *m)
{
	uint8_t *p;

	if (!sl_pkt_gather(m, ETH_HDR + VLAN_TAG))
		return false;
	if ((m->ol_flags & SL_OFFLOADS) != 0 && m->l2_len >= VLAN_TAG)
		m->l2_len -= VLAN_TAG;
	p = rte_pktmbuf_mtod(m, uint8_t *);
	memmove(p + VLAN_TAG, p, 2 * sizeof(struct sl_mac));
	return rte_pktmbuf_adj(m, VLAN_TAG) != NULL;
}

/* One tag at ETH_HDR, or several. *type: the EtherType after the last. */
static enum sl_drop walk_tags(struct sl_walk *w, uint16_t *type)
{
	uint32_t off = ETH_HDR, vid = 0;

	for (unsigned int n = 0; *type == ETH_VLAN || *type == ETH_QINQ; n++) {
		uint8_t buf[VLAN_TAG];
		const uint8_t *p;

		if (n == 2)
			return SL_DROP_ETH_VLAN_DEPTH;
		p = sl_pkt_read(w->m, off, VLAN_TAG, buf);
		if (p == NULL)
			return SL_DROP_ETH_TRUNCATED;
		vid = sl_load_be16(p) & 0xfffu;
		*type = sl_load_be16(p + 2);
		off += VLAN_TAG;
	}
	/* A second tag after a priority tag is treated as any other tag. */
	if (vid != 0 || off != ETH_HDR + VLAN_TAG) {
		w->md->flags |= SL_P_VLAN;
		w->md->l3_off = (uint16_t)off;
		return SL_KEEP;
	}
	return strip_priority_tag(w->m) ? SL_KEEP : SL_DROP_ETH_TRUNCATED;
}

/* Ethernet and VLAN tags: fills l3_off and returns the EtherType in *type. */
static enum sl_drop walk_eth(struct sl_walk *w, uint16_t *type)
{
	uint8_t buf[ETH_HDR];
	const uint8_t *p = sl_pkt_read(w->m, 0, ETH_HDR, buf);

	if (p == NULL)
		return SL_DROP_ETH_TRUNCATED;
	if ((p[0] & 1) != 0)
		w->md->flags |= SL_P_MULTICAST;
	*type = sl_load_be16(p + 12);
	w->md->l3_off = ETH_HDR;
	if (likely(*type != ETH_VLAN && *type != ETH_QINQ))
		return SL_KEEP;
	return walk_tags(w, type);
}

static enum sl_drop walk_frame(struct sl_walk *w)
{
	uint16_t type = 0;
	enum sl_drop drop;

	w->md->flags = 0;
	w->md->proto = 0;
	w->md->tcp_flags = 0;
	w->md->tos = 0;
	drop = walk_eth(w, &type);
	if (drop != SL_KEEP)
		return drop;
	switch (type) {
	case ETH_IP4:
		return sl_walk_ip4(w);
	case ETH_IP6:
		return sl_walk_ip6(w);
	case ETH_ARP:
		return walk_arp(w);
	default: /* LLC (a length below 0x600) included */
		return SL_DROP_ETH_TYPE_UNKNOWN;
	}
}

static void fill_key(const struct sl_walk *w)
{
	struct sl_meta *md = w->md;
	uint32_t network = md->network;
	uint64_t word;

	if ((md->flags & SL_P_FRAGMENT_LATER) != 0)
		network |= SL_KEY_FRAGMENT;
	word = sl_key_word(network, md->proto, (uint32_t)w->dport_be << 16 | w->sport_be);
	if ((md->flags & SL_P_IP4) != 0) {
		memcpy(&w->k4->sport_be, &word, 8);
		md->hash = sl_key4_hash(w->k4);
	} else if ((md->flags & SL_P_IP6) != 0) {
		memcpy(&w->k6->sport_be, &word, 8);
		w->k6->zero = 0;
		md->hash = sl_key6_hash(w->k6);
	} else {
		md->hash = 0;
	}
}

static __rte_noinline void parse_walk(struct sl_burst *b, unsigned int i, bool outer)
{
	struct sl_walk w = {.m = b->pkt[i],
		.md = &b->meta[i],
		.k4 = &b->key4[i],
		.k6 = &b->key6[i],
		.fragment = &b->fragment[i],
		.outer = outer};
	enum sl_drop drop = walk_frame(&w);

	if (drop != SL_KEEP)
		b->verdict[i] = (uint8_t)drop;
	else if (!outer)
		fill_key(&w);
}

static inline void prefetch_header(const struct sl_burst *b, unsigned int i)
{
	rte_prefetch0(rte_pktmbuf_mtod(b->pkt[i], const void *));
}

static __rte_noinline bool parse_other(struct sl_burst *b, unsigned int i)
{
	if (parse_common6(b, i, b->meta[i].network))
		return true;
	parse_walk(b, i, false);
	return false;
}

/* idx NULL: all of the burst. */
static __rte_always_inline uint64_t parse_list(
	struct sl_burst *b, const uint8_t *idx, unsigned int n)
{
	uint64_t walked = 0;

	for (unsigned int k = 0; k < PREFETCH_AHEAD && k < n; k++)
		prefetch_header(b, idx == NULL ? k : idx[k]);
	for (unsigned int k = 0; k < n; k++) {
		unsigned int i = idx == NULL ? k : idx[k];

		if (k + PREFETCH_AHEAD < n)
			prefetch_header(
				b, idx == NULL ? k + PREFETCH_AHEAD : idx[k + PREFETCH_AHEAD]);
		if (unlikely(!parse_common4(b, i, b->meta[i].network)) && !parse_other(b, i))
			walked |= 1ull << i;
	}
	return walked;
}

uint64_t sl_parse(struct sl_burst *b, const uint8_t *idx, unsigned int n)
{
	return n == b->n ? parse_list(b, NULL, n) : parse_list(b, idx, n);
}

uint64_t sl_parse_access(struct sl_burst *b, uint32_t origin, uint32_t network)
{
	uint64_t walked = 0, source[2] = {origin | (uint64_t)network << 32, 0};
	const unsigned int n = b->n;

	for (unsigned int i = 0; i < PREFETCH_AHEAD && i < n; i++)
		prefetch_header(b, i);
	for (unsigned int i = 0; i < n; i++) {
		if (i + PREFETCH_AHEAD < n)
			prefetch_header(b, i + PREFETCH_AHEAD);
		memcpy(&b->meta[i].origin, source, sizeof(source));
		if (unlikely(!parse_common4(b, i, network)) && !parse_other(b, i))
			walked |= 1ull << i;
	}
	return walked;
}
_Static_assert(offsetof(struct sl_meta, network) == offsetof(struct sl_meta, origin) + 4 &&
		       offsetof(struct sl_meta, came) == offsetof(struct sl_meta, origin) + 8 &&
		       offsetof(struct sl_meta, detail) == offsetof(struct sl_meta, origin) + 12,
	"sl_parse_access writes origin and network in one store");

void sl_parse_outer(struct sl_burst *b, unsigned int i)
{
	parse_walk(b, i, true);
}
