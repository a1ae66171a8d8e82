/* SPDX-License-Identifier: BSD-3-Clause */
/* ARP in a network: read, and answered in place. What is answered: whohas.h. */
#include "whohas.h"

#include <rte_arp.h>
#include <rte_ether.h>

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

/* SL_KEEP: it asks or says something. */
static enum sl_drop read_arp(
	const struct rte_ether_hdr *eth, const struct rte_arp_hdr *arp, struct sl_whohas *q)
{
	const struct rte_arp_ipv4 *d = &arp->arp_data;
	bool request = arp->arp_opcode == rte_cpu_to_be_16(RTE_ARP_OP_REQUEST);

	if (!request && arp->arp_opcode != rte_cpu_to_be_16(RTE_ARP_OP_REPLY))
		return SL_DROP_ARP_MALFORMED;
	/* An announcement may be either; another reply to one host is one that nobody asked for. */
	if (d->arp_sip == d->arp_tip && d->arp_sip != 0)
		q->kind = SL_WHOHAS_ANNOUNCEMENT;
	else if (!request && rte_is_broadcast_ether_addr(&eth->dst_addr) && d->arp_sip != 0)
		q->kind = SL_WHOHAS_ANNOUNCEMENT;
	else if (!request)
		return SL_CONSUMED;
	else
		q->kind = d->arp_sip == 0 ? SL_WHOHAS_PROBE : SL_WHOHAS_QUESTION;
	if (memcmp(&eth->src_addr, &d->arp_sha, 6) != 0)
		return SL_DROP_SPOOFED;
	memcpy(q->mac.b, d->arp_sha.addr_bytes, 6);
	q->sender = sl_ip_from_v4(d->arp_sip);
	q->address = sl_ip_from_v4(q->kind == SL_WHOHAS_ANNOUNCEMENT ? d->arp_sip : d->arp_tip);
	return SL_KEEP;
}

static enum sl_drop answer(const struct sl_trip *t, unsigned int i)
{
	struct rte_mbuf *pkt = t->b->pkt[i];
	struct sl_meta *m = &t->b->meta[i];
	struct rte_ether_hdr *eth = rte_pktmbuf_mtod(pkt, struct rte_ether_hdr *);
	const struct sl_endpoint *holder;
	struct rte_arp_hdr *arp;
	struct sl_whohas q;
	enum sl_drop d;

	/* Parse has checked the body; one cut across buffers is nothing a real stack sends. */
	if (pkt->data_len < m->l3_off + sizeof(*arp))
		return SL_DROP_ARP_MALFORMED;
	arp = rte_pktmbuf_mtod_offset(pkt, struct rte_arp_hdr *, m->l3_off);
	d = read_arp(eth, arp, &q);
	if (d == SL_KEEP)
		d = sl_whohas_judge(t, i, &q, &holder);
	if (d != SL_KEEP)
		return d;
	turn_into_reply(eth, arp, holder);
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
