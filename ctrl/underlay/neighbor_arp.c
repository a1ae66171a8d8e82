/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_arp.h>
#include <rte_ether.h>

#include "neighbor_arp.h"

bool sl_arp_frame_read(const struct rte_mbuf *m, struct sl_arp *arp)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	const struct rte_arp_hdr *h = (const struct rte_arp_hdr *)(eth + 1);
	uint16_t op;

	if (m->data_len < sizeof(*eth) + sizeof(*h) ||
		eth->ether_type != rte_cpu_to_be_16(RTE_ETHER_TYPE_ARP) ||
		h->arp_hardware != rte_cpu_to_be_16(RTE_ARP_HRD_ETHER) ||
		h->arp_protocol != rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4) || h->arp_hlen != 6 ||
		h->arp_plen != 4)
		return false;
	op = rte_be_to_cpu_16(h->arp_opcode);
	arp->op = op == RTE_ARP_OP_REQUEST ? SL_ARP_REQUEST
		  : op == RTE_ARP_OP_REPLY ? SL_ARP_REPLY
					   : SL_ARP_OTHER;
	memcpy(arp->sender_mac.b, h->arp_data.arp_sha.addr_bytes, 6);
	arp->sender_be = h->arp_data.arp_sip;
	arp->target_be = h->arp_data.arp_tip;
	return true;
}

static void fill(struct rte_ether_hdr *eth, uint16_t op, const struct rte_arp_ipv4 *data)
{
	struct rte_arp_hdr *arp = (struct rte_arp_hdr *)(eth + 1);

	eth->src_addr = data->arp_sha;
	eth->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_ARP);
	arp->arp_hardware = rte_cpu_to_be_16(RTE_ARP_HRD_ETHER);
	arp->arp_protocol = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	arp->arp_hlen = 6;
	arp->arp_plen = 4;
	arp->arp_opcode = rte_cpu_to_be_16(op);
	arp->arp_data = *data;
}

bool sl_arp_frame_ask(struct rte_mbuf *m, const struct sl_mac *mac, uint32_t from_be,
	uint32_t asked_be, const struct sl_mac *to)
{
	struct rte_arp_ipv4 data = {.arp_sip = from_be, .arp_tip = asked_be};
	struct rte_ether_hdr *eth = (struct rte_ether_hdr *)(void *)rte_pktmbuf_append(
		m, sizeof(*eth) + sizeof(struct rte_arp_hdr));

	if (eth == NULL)
		return false;
	memcpy(data.arp_sha.addr_bytes, mac->b, 6);
	if (to != NULL)
		memcpy(eth->dst_addr.addr_bytes, to->b, 6);
	else
		memset(eth->dst_addr.addr_bytes, 0xff, 6);
	fill(eth, RTE_ARP_OP_REQUEST, &data);
	return true;
}

void sl_arp_frame_answer(struct rte_mbuf *m, const struct sl_mac *mac)
{
	struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, struct rte_ether_hdr *);
	struct rte_arp_ipv4 asked = ((struct rte_arp_hdr *)(eth + 1))->arp_data;
	struct rte_arp_ipv4 data = {
		.arp_sip = asked.arp_tip, .arp_tha = asked.arp_sha, .arp_tip = asked.arp_sip};

	memcpy(data.arp_sha.addr_bytes, mac->b, 6);
	eth->dst_addr = asked.arp_sha;
	fill(eth, RTE_ARP_OP_REPLY, &data);
}
