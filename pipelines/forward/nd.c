/* SPDX-License-Identifier: BSD-3-Clause */
#include "forward_dp.h"

#include "dp/pkt.h"
#include "dp/pmap.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <rte_ether.h>
#include <rte_ip.h>

/* Neighbour advertisement with a target link-layer address option: RFC 4861 sections 4.4 and 4.6.1.
 */
struct advertisement {
	struct rte_ether_hdr eth;
	struct rte_ipv6_hdr ip;
	struct nd_neighbor_advert na;
	uint8_t opt_type, opt_len;
	uint8_t mac[6];
} __rte_packed __rte_aligned(2);

static const uint8_t all_nodes[16] = {0xff, 0x02, [15] = 1};

static void write_advertisement(struct advertisement *a, const struct sl_endpoint *target,
	const struct nd_neighbor_solicit *ns, const uint8_t asker_mac[6], const uint8_t asker[16])
{
	bool probe = IN6_IS_ADDR_UNSPECIFIED((const struct in6_addr *)(const void *)asker);
	uint16_t len = sizeof(*a) - offsetof(struct advertisement, na);

	memset(a, 0, sizeof(*a));
	memcpy(a->eth.dst_addr.addr_bytes, asker_mac, 6);
	memcpy(a->eth.src_addr.addr_bytes, target->mac.b, 6);
	a->eth.ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV6);
	a->ip.vtc_flow = rte_cpu_to_be_32(6u << 28);
	a->ip.payload_len = rte_cpu_to_be_16(len);
	a->ip.proto = IPPROTO_ICMPV6;
	a->ip.hop_limits = 255;
	memcpy(a->ip.src_addr, &ns->nd_ns_target, 16);
	memcpy(a->ip.dst_addr, probe ? all_nodes : asker, 16);
	a->na.nd_na_type = ND_NEIGHBOR_ADVERT;
	a->na.nd_na_flags_reserved =
		probe ? ND_NA_FLAG_OVERRIDE : ND_NA_FLAG_SOLICITED | ND_NA_FLAG_OVERRIDE;
	a->na.nd_na_target = ns->nd_ns_target;
	a->opt_type = ND_OPT_TARGET_LINKADDR;
	a->opt_len = 1;
	memcpy(a->mac, target->mac.b, 6);
	a->na.nd_na_cksum = rte_ipv6_udptcp_cksum(&a->ip, &a->na);
}

/*
 * The answer goes to the asker's MAC, which must be one. A global source address must be the
 * asker's own; link-local ones and probes are of no endpoint.
 */
static bool sender_is_honest(
	const struct sl_trip *t, unsigned int i, const struct rte_ether_addr *mac)
{
	const struct sl_meta *m = &t->b->meta[i];
	const struct in6_addr *src = (const struct in6_addr *)(const void *)t->b->key6[i].src;
	struct sl_pmap_key key;
	const struct sl_endpoint *ep;
	struct sl_ip ip;

	if (!rte_is_valid_assigned_ether_addr(mac))
		return false;
	if (IN6_IS_ADDR_UNSPECIFIED(src) || IN6_IS_ADDR_LINKLOCAL(src))
		return true;
	memcpy(ip.b, src, 16);
	key = sl_pmap_addr_key(m->network, &ip);
	ep = sl_pmap_find(t->world->endpoints, &key);
	return ep != NULL && ep->origin == m->origin && memcmp(ep->mac.b, mac->addr_bytes, 6) == 0;
}

static enum sl_drop answer(const struct sl_trip *t, unsigned int i)
{
	struct rte_mbuf *pkt = t->b->pkt[i];
	struct sl_meta *m = &t->b->meta[i];
	struct rte_ether_addr asker = rte_pktmbuf_mtod(pkt, struct rte_ether_hdr *)->src_addr;
	struct nd_neighbor_solicit ns;
	const uint8_t *bytes = sl_pkt_read(pkt, m->l4_off, 1, &ns);
	const struct sl_endpoint *target;
	struct advertisement *a;
	struct sl_pmap_key key;
	struct sl_ip ip;
	int grow;

	if (bytes == NULL)
		return SL_DROP_ND_MALFORMED;
	if (*bytes == ND_NEIGHBOR_ADVERT)
		return SL_CONSUMED; /* nobody here asked */
	if (*bytes == ND_ROUTER_SOLICIT)
		return SL_DROP_MULTICAST; /* there is none */
	if (*bytes != ND_NEIGHBOR_SOLICIT)
		return SL_DROP_ICMP_ROUTER;
	bytes = sl_pkt_read(pkt, m->l4_off, sizeof(ns), &ns);
	if (bytes == NULL)
		return SL_DROP_ND_MALFORMED;
	if (bytes !=
		(const uint8_t *)&ns) /* the struct wants an alignment that packets do not have */
		memcpy(&ns, bytes, sizeof(ns));
	if (!sender_is_honest(t, i, &asker))
		return SL_DROP_SPOOFED;
	memcpy(ip.b, &ns.nd_ns_target, 16);
	key = sl_pmap_addr_key(m->network, &ip);
	target = sl_pmap_find(t->world->endpoints, &key);
	if (target == NULL || ((m->origin & SL_ORIGIN_NODE) && !target->local))
		return SL_DROP_ARP_UNANSWERED;
	if (target->origin == m->origin && memcmp(target->mac.b, asker.addr_bytes, 6) == 0)
		return SL_CONSUMED; /* duplicate address detection of an own address */
	grow = (int)sizeof(*a) - (int)rte_pktmbuf_pkt_len(pkt);
	if (!rte_pktmbuf_is_contiguous(pkt) || (grow > 0 && rte_pktmbuf_append(pkt, grow) == NULL))
		return SL_DROP_ND_MALFORMED;
	if (grow < 0)
		rte_pktmbuf_trim(pkt, -grow);
	a = rte_pktmbuf_mtod(pkt, struct advertisement *);
	write_advertisement(a, target, &ns, asker.addr_bytes, t->b->key6[i].src);
	m->act = sl_way_back(t, i);
	m->l3_off = sizeof(a->eth);
	m->l3_len = sizeof(*a) - sizeof(a->eth);
	sl_count(&t->w->counters.consumed, 1);
	sl_count(&t->w->counters.generated, 1);
	return SL_KEEP;
}

void sl_nd_answer(const struct sl_trip *t, unsigned int i)
{
	t->b->verdict[i] = (uint8_t)answer(t, i);
}
