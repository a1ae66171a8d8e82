/* SPDX-License-Identifier: BSD-3-Clause */
#include "advert.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <rte_arp.h>
#include <rte_ether.h>
#include <rte_ip.h>

/* With a target link-layer address option: RFC 4861 sections 4.4 and 4.6.1. */
struct advertisement {
	struct rte_ether_hdr eth;
	struct rte_ipv6_hdr ip;
	struct nd_neighbor_advert na;
	uint8_t opt_type, opt_len;
	uint8_t mac[6];
} __rte_packed __rte_aligned(2);
_Static_assert(sizeof(struct advertisement) == SL_ADVERT_LEN, "as on the wire");

struct announcement {
	struct rte_ether_hdr eth;
	struct rte_arp_hdr arp;
} __rte_packed __rte_aligned(2);
_Static_assert(sizeof(struct announcement) == SL_ARP_LEN && SL_ARP_LEN <= SL_ANNOUNCEMENT_MAX,
	"either fits");

void sl_advert_write(void *frame, const struct sl_advert *from)
{
	struct advertisement a = {0};
	uint16_t len = sizeof(a) - offsetof(struct advertisement, na);

	memcpy(a.eth.dst_addr.addr_bytes, from->to_mac.b, 6);
	memcpy(a.eth.src_addr.addr_bytes, from->mac.b, 6);
	a.eth.ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV6);
	a.ip.vtc_flow = rte_cpu_to_be_32(6u << 28);
	a.ip.payload_len = rte_cpu_to_be_16(len);
	a.ip.proto = IPPROTO_ICMPV6;
	a.ip.hop_limits = 255;
	memcpy(a.ip.src_addr, from->target, 16);
	memcpy(a.ip.dst_addr, from->to, 16);
	a.na.nd_na_type = ND_NEIGHBOR_ADVERT;
	memcpy(&a.na.nd_na_flags_reserved, &from->flags, 1);
	memcpy(&a.na.nd_na_target, from->target, 16);
	a.opt_type = ND_OPT_TARGET_LINKADDR;
	a.opt_len = 1;
	memcpy(a.mac, from->mac.b, 6);
	a.na.nd_na_cksum = rte_ipv6_udptcp_cksum(&a.ip, &a.na);
	memcpy(frame, &a, sizeof(a));
}

void sl_arp_write(void *frame, const struct sl_arp_frame *from)
{
	struct announcement a = {
		.eth.ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_ARP),
		.arp = {.arp_hardware = rte_cpu_to_be_16(RTE_ARP_HRD_ETHER),
			.arp_protocol = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4),
			.arp_hlen = 6,
			.arp_plen = 4,
			.arp_opcode = rte_cpu_to_be_16(from->op),
			.arp_data = {.arp_sip = from->sender_be, .arp_tip = from->target_be}},
	};

	memcpy(a.eth.dst_addr.addr_bytes, from->to.b, 6);
	memcpy(a.eth.src_addr.addr_bytes, from->sender.b, 6);
	memcpy(a.arp.arp_data.arp_sha.addr_bytes, from->sender.b, 6);
	memcpy(a.arp.arp_data.arp_tha.addr_bytes, from->target.b, 6);
	memcpy(frame, &a, sizeof(a));
}

/* A request for the own address: more stacks accept that than a reply. */
static unsigned int gratuitous_arp(void *frame, uint32_t addr_be, const struct sl_mac *mac)
{
	const struct sl_arp_frame a = {.op = RTE_ARP_OP_REQUEST,
		.to = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
		.sender = *mac,
		.sender_be = addr_be,
		.target_be = addr_be};

	sl_arp_write(frame, &a);
	return SL_ARP_LEN;
}

unsigned int sl_announcement_write(void *frame, const struct sl_ip *ip, const struct sl_mac *mac)
{
	struct sl_advert a = {.mac = *mac,
		.to_mac = {{0x33, 0x33, 0, 0, 0, 1}},
		.to = {0xff, 0x02, [15] = 1},
		.flags = 0x20 /* override; RFC 4861 section 4.4 */};

	if (sl_ip_is_v4(ip))
		return gratuitous_arp(frame, sl_ip_v4_be(ip), mac);
	memcpy(a.target, ip->b, 16);
	sl_advert_write(frame, &a);
	return SL_ADVERT_LEN;
}
