/* SPDX-License-Identifier: BSD-3-Clause */
/* ARP (RFC 826) as a neighbour protocol: Ethernet and IPv4. */
#include <rte_arp.h>
#include <rte_ether.h>

#include "neighbor_proto.h"
#include "pipelines/reply/advert.h"

static const struct sl_mac everybody = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

static bool is_arp(const struct rte_mbuf *m)
{
	return m->data_len >= sizeof(struct rte_ether_hdr) &&
	       rte_pktmbuf_mtod(m, const struct rte_ether_hdr *)->ether_type ==
		       rte_cpu_to_be_16(RTE_ETHER_TYPE_ARP);
}

static bool read_arp(const struct rte_mbuf *m, struct sl_heard *h)
{
	const struct rte_arp_hdr *arp = rte_pktmbuf_mtod_offset(
		m, const struct rte_arp_hdr *, sizeof(struct rte_ether_hdr));
	uint16_t op;

	if (m->data_len < SL_ARP_LEN || arp->arp_hardware != rte_cpu_to_be_16(RTE_ARP_HRD_ETHER) ||
		arp->arp_protocol != rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4) || arp->arp_hlen != 6 ||
		arp->arp_plen != 4)
		return false;
	op = rte_be_to_cpu_16(arp->arp_opcode);
	h->kind = op == RTE_ARP_OP_REQUEST ? SL_HEARD_QUESTION
		  : op == RTE_ARP_OP_REPLY ? SL_HEARD_ANSWER
					   : SL_HEARD_OTHER;
	memcpy(h->mac.b, arp->arp_data.arp_sha.addr_bytes, 6);
	h->ip = sl_ip_from_v4(arp->arp_data.arp_sip);
	h->about = sl_ip_from_v4(arp->arp_data.arp_tip);
	h->names_mac = true;
	return true;
}

static bool ask(struct rte_mbuf *m, const struct sl_neighbor_question *q)
{
	const struct sl_arp_frame a = {.op = RTE_ARP_OP_REQUEST,
		.to = q->to != NULL ? *q->to : everybody,
		.sender = q->mac,
		.sender_be = sl_ip_v4_be(&q->from),
		.target_be = sl_ip_v4_be(&q->asked)};
	char *frame = rte_pktmbuf_append(m, SL_ARP_LEN);

	if (frame == NULL)
		return false;
	sl_arp_write(frame, &a);
	return true;
}

/* The frame keeps its length: it may be padded. */
static bool answer(struct rte_mbuf *m, const struct sl_heard *h, const struct sl_mac *mac)
{
	const struct sl_arp_frame a = {.op = RTE_ARP_OP_REPLY,
		.to = h->mac,
		.sender = *mac,
		.sender_be = sl_ip_v4_be(&h->about),
		.target = h->mac,
		.target_be = sl_ip_v4_be(&h->ip)};

	sl_arp_write(rte_pktmbuf_mtod(m, void *), &a);
	return true;
}

const struct sl_neighbor_proto sl_neighbor_arp = {
	.serves_ip4 = true,
	.malformed = SL_DROP_ARP_MALFORMED,
	.is_own = is_arp,
	.read = read_arp,
	.ask = ask,
	.answer = answer,
};
