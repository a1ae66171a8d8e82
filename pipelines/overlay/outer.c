/* SPDX-License-Identifier: BSD-3-Clause */
#include "outer.h"

#include <errno.h>

static void build_ip4(struct sl_tunnel *t, const struct sl_tunnel_params *p, uint8_t proto,
	struct sl_outer_ip4 *h)
{
	*h = (struct sl_outer_ip4){
		.eth_type_be = sl_be16(SL_ETH_TYPE_IP4),
		.ip_version_ihl = 0x45,
		/* Never fragmented, so the id stays 0: RFC 6864 section 4.1. */
		.ip_frag_be = sl_be16(0x4000),
		.ip_ttl = SL_OUTER_TTL,
		.ip_proto = proto,
		.ip_src_be = sl_ip_v4_be(&p->local),
		.ip_dst_be = sl_ip_v4_be(&p->remote),
	};
	t->ip_csum_base = (uint16_t)sl_sum_words(&h->ip_version_ihl, SL_IP4_LEN);
	h->ip_sum_be = sl_be16((uint16_t)~t->ip_csum_base);
	memcpy(h->eth_dst, p->next_hop_mac.b, 6);
	memcpy(h->eth_src, p->local_mac.b, 6);
}

static void build_ip6(struct sl_tunnel *t, const struct sl_tunnel_params *p, uint8_t proto,
	struct sl_outer_ip6 *h)
{
	*h = (struct sl_outer_ip6){
		.eth_type_be = sl_be16(SL_ETH_TYPE_IP6),
		.ip_vtc_flow_be = sl_be32(6u << 28),
		.ip_proto = proto,
		.ip_hop_limit = SL_OUTER_TTL,
	};
	memcpy(h->ip_src, p->local.b, 16);
	memcpy(h->ip_dst, p->remote.b, 16);
	t->ip_csum_base = (uint16_t)sl_sum_fold(sl_sum_words(h->ip_src, 32) + proto);
	memcpy(h->eth_dst, p->next_hop_mac.b, 6);
	memcpy(h->eth_src, p->local_mac.b, 6);
}

int sl_outer_build(
	struct sl_tunnel *t, const struct sl_tunnel_params *p, uint8_t proto, uint32_t own_len)
{
	uint32_t hdr_len;

	t->family = sl_ip_is_v4(&p->local) ? SL_FAMILY_IP4 : SL_FAMILY_IP6;
	if (sl_ip_is_v4(&p->local) != sl_ip_is_v4(&p->remote))
		return -ENOTSUP;
	hdr_len = sl_outer_len(t->family) + own_len;
	if (hdr_len > SL_TUNNEL_HDR_MAX)
		return -EINVAL;
	t->hdr_len = (uint8_t)hdr_len;
	if (t->family == SL_FAMILY_IP4)
		build_ip4(t, p, proto, (void *)(t->hdr + SL_TUNNEL_HDR_MAX - hdr_len));
	else
		build_ip6(t, p, proto, (void *)(t->hdr + SL_TUNNEL_HDR_MAX - hdr_len));
	return 0;
}
