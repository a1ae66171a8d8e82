/* SPDX-License-Identifier: BSD-3-Clause */
#include "forward_dp.h"

#include "dp/pmap.h"

#include <rte_arp.h>
#include <rte_ether.h>

/* An endpoint asks honestly when it gives its own address and MAC from where it lives. */
static bool sender_is_honest(const struct sl_trip *t, unsigned int i,
	const struct rte_ether_hdr *eth, const struct rte_arp_ipv4 *arp)
{
	const struct sl_meta *m = &t->b->meta[i];
	struct sl_ip ip = sl_ip_from_v4(arp->arp_sip);
	struct sl_pmap_key key = sl_pmap_addr_key(m->network, &ip);
	const struct sl_endpoint *ep = sl_pmap_find(t->world->endpoints, &key);

	return ep != NULL && ep->origin == m->origin &&
	       memcmp(ep->mac.b, arp->arp_sha.addr_bytes, 6) == 0 &&
	       memcmp(eth->src_addr.addr_bytes, arp->arp_sha.addr_bytes, 6) == 0;
}

static void turn_into_reply(
	struct rte_ether_hdr *eth, struct rte_arp_hdr *arp, const struct sl_endpoint *target)
{
	struct rte_arp_ipv4 *d = &arp->arp_data;
	uint32_t asked = d->arp_tip;

	arp->arp_opcode = rte_cpu_to_be_16(RTE_ARP_OP_REPLY);
	d->arp_tha = d->arp_sha;
	d->arp_tip = d->arp_sip;
	memcpy(d->arp_sha.addr_bytes, target->mac.b, 6);
	d->arp_sip = asked;
	eth->dst_addr = d->arp_tha;
	eth->src_addr = d->arp_sha;
}

static enum sl_drop answer(const struct sl_trip *t, unsigned int i)
{
	struct rte_mbuf *pkt = t->b->pkt[i];
	struct sl_meta *m = &t->b->meta[i];
	struct rte_ether_hdr *eth = rte_pktmbuf_mtod(pkt, struct rte_ether_hdr *);
	struct rte_arp_hdr *arp;
	const struct sl_endpoint *target;
	struct sl_pmap_key key;
	struct sl_ip ip;

	/* Parse has checked the body; one cut across buffers is nothing a real stack sends. */
	if (pkt->data_len < m->l3_off + sizeof(*arp))
		return SL_DROP_ARP_MALFORMED;
	arp = rte_pktmbuf_mtod_offset(pkt, struct rte_arp_hdr *, m->l3_off);
	if (arp->arp_opcode == rte_cpu_to_be_16(RTE_ARP_OP_REPLY))
		return SL_CONSUMED; /* nobody here asked */
	if (arp->arp_opcode != rte_cpu_to_be_16(RTE_ARP_OP_REQUEST))
		return SL_DROP_ARP_MALFORMED;
	if (arp->arp_data.arp_sip == 0 || arp->arp_data.arp_sip == arp->arp_data.arp_tip)
		return SL_CONSUMED; /* probe or announcement of an own address, RFC 5227 */
	if (!sender_is_honest(t, i, eth, &arp->arp_data))
		return SL_DROP_SPOOFED;
	ip = sl_ip_from_v4(arp->arp_data.arp_tip);
	key = sl_pmap_addr_key(m->network, &ip);
	target = sl_pmap_find(t->world->endpoints, &key);
	/* A request that came by tunnel is answered by the node where the target lives. */
	if (target == NULL || ((m->origin & SL_ORIGIN_NODE) && !target->local))
		return SL_DROP_ARP_UNANSWERED;
	turn_into_reply(eth, arp, target);
	m->act = sl_way_back(t, i);
	m->l3_len = sizeof(*arp);
	m->hash = 0;
	sl_count(&t->w->counters.consumed, 1);
	sl_count(&t->w->counters.generated, 1);
	return SL_KEEP;
}

void sl_arp_answer(const struct sl_trip *t, unsigned int i)
{
	t->b->verdict[i] = (uint8_t)answer(t, i);
}
