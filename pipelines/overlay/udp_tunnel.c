/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <netinet/in.h>
#include <rte_byteorder.h>

#include "udp_tunnel.h"

int sl_udp_build(struct sl_tunnel *t, const struct sl_tunnel_params *p, uint16_t udp_port,
	const void *own, uint8_t own_len)
{
	struct sl_udp_outer h = {
		.eth_type_be = rte_cpu_to_be_16(0x0800),
		.ip_version_ihl = 0x45,
		/* Never fragmented, so the id stays 0: RFC 6864 section 4.1. */
		.ip_frag_be = rte_cpu_to_be_16(0x4000),
		.ip_ttl = 64,
		.ip_proto = IPPROTO_UDP,
		.ip_src_be = sl_ip_v4_be(&p->local),
		.ip_dst_be = sl_ip_v4_be(&p->remote),
		.udp_dport_be = rte_cpu_to_be_16(udp_port),
	};
	uint8_t *end = t->hdr + SL_TUNNEL_HDR_MAX;

	if (!sl_ip_is_v4(&p->local) || !sl_ip_is_v4(&p->remote))
		return -ENOTSUP;
	if (own_len > SL_UDP_OWN_MAX)
		return -EINVAL;
	memcpy(h.eth_dst, p->next_hop_mac.b, 6);
	memcpy(h.eth_src, p->local_mac.b, 6);
	t->ip_csum_base = (uint16_t)sl_sum_words(&h.ip_version_ihl, 20);
	h.ip_sum_be = rte_cpu_to_be_16((uint16_t)~t->ip_csum_base);
	memcpy(end - own_len, own, own_len);
	memcpy(end - own_len - sizeof(h), &h, sizeof(h));
	t->hdr_len = (uint8_t)(sizeof(h) + own_len);
	return 0;
}
