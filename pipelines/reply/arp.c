/* SPDX-License-Identifier: BSD-3-Clause */
/* ARP's row of whohas.h: RFC 826, RFC 5227. */
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

/* The ARP header of packet i; NULL when its bytes are not in one buffer. */
static struct rte_arp_hdr *header(const struct sl_trip *t, unsigned int i)
{
	struct rte_mbuf *pkt = t->b->pkt[i];
	uint16_t off = t->b->meta[i].l3_off;

	if (pkt->data_len < off + sizeof(struct rte_arp_hdr))
		return NULL;
	return rte_pktmbuf_mtod_offset(pkt, struct rte_arp_hdr *, off);
}

static enum sl_drop read_header(
	const struct rte_ether_hdr *eth, const struct rte_arp_hdr *arp, struct sl_whohas *q)
{
	const struct rte_arp_ipv4 *d = &arp->arp_data;
	bool request = arp->arp_opcode == rte_cpu_to_be_16(RTE_ARP_OP_REQUEST);

	if (!request && arp->arp_opcode != rte_cpu_to_be_16(RTE_ARP_OP_REPLY))
		return SL_DROP_ARP_MALFORMED;
	/* Announcements are requests or replies. Other replies are unsolicited: this node
	 * asks no questions. */
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

static enum sl_drop arp_read(const struct sl_trip *t, unsigned int i, struct sl_whohas *q)
{
	const struct rte_arp_hdr *arp = header(t, i);

	/* Parse has checked the fields. No real stack sends such a packet in several buffers. */
	if (arp == NULL)
		return SL_DROP_ARP_MALFORMED;
	return read_header(rte_pktmbuf_mtod(t->b->pkt[i], const struct rte_ether_hdr *), arp, q);
}

static enum sl_drop arp_read_answer(const struct sl_trip *t, unsigned int i, struct sl_whohas *q)
{
	const struct rte_ether_hdr *eth =
		rte_pktmbuf_mtod(t->b->pkt[i], const struct rte_ether_hdr *);
	const struct rte_arp_hdr *arp = header(t, i);

	if (arp == NULL || memcmp(&eth->src_addr, &arp->arp_data.arp_sha, 6) != 0)
		return SL_DROP_SPOOFED;
	memcpy(q->mac.b, eth->src_addr.addr_bytes, 6);
	q->address = sl_ip_from_v4(arp->arp_data.arp_sip);
	return SL_KEEP;
}

static enum sl_drop arp_answer(const struct sl_trip *t, unsigned int i, const struct sl_whohas *q,
	const struct sl_endpoint *holder)
{
	struct sl_meta *m = &t->b->meta[i];

	(void)q;
	turn_into_reply(
		rte_pktmbuf_mtod(t->b->pkt[i], struct rte_ether_hdr *), header(t, i), holder);
	m->l3_len = sizeof(struct rte_arp_hdr);
	m->hash = 0;
	return SL_KEEP;
}

const struct sl_whohas_protocol sl_whohas_arp = {
	.read = arp_read, .read_answer = arp_read_answer, .answer = arp_answer};
