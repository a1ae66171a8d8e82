/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets that parse refuses, one for each reason. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "drop_scene.h"
#include "tests/lib/super.h"

static enum sl_drop eth_truncated(struct scene *s)
{
	sl_frame_udp4(&s->f, 10);
	s->f.len = 13;
	return from_web(s);
}

static enum sl_drop eth_type_unknown(struct scene *s)
{
	sl_frame_start(&s->f);
	sl_frame_eth(&s->f, .type = 0x88cc);
	sl_frame_payload(&s->f, 50);
	sl_frame_end(&s->f);
	return from_web(s);
}

static enum sl_drop with_vlans(struct scene *s, unsigned int n)
{
	sl_frame_start(&s->f);
	sl_frame_eth(&s->f);
	for (unsigned int i = 0; i < n; i++)
		sl_frame_vlan(&s->f, .tci = 5);
	sl_frame_ip4(&s->f);
	sl_frame_udp(&s->f);
	sl_frame_end(&s->f);
	return from_web(s);
}

static enum sl_drop eth_vlan_depth(struct scene *s)
{
	return with_vlans(s, 3);
}

static enum sl_drop eth_vlan_unexpected(struct scene *s)
{
	return with_vlans(s, 1);
}

static enum sl_drop vlan_unknown(struct scene *s)
{
	sl_rig_vlan(s->r, SL_RIG_WEB, 7);
	return with_vlans(s, 1);
}

static enum sl_drop ip4_truncated(struct scene *s)
{
	sl_frame_udp4(&s->f, 100);
	s->f.len -= 50;
	return from_web(s);
}

static enum sl_drop ip4_malformed(struct scene *s)
{
	sl_frame_udp4(&s->f, 100);
	*at(&s->f, SL_LAYER_IP4, 0) = 0x44;
	return from_web(s);
}

static enum sl_drop ip4_checksum(struct scene *s)
{
	sl_frame_udp4(&s->f, 10);
	sl_rig_wrap(&s->g, &s->f);
	*at(&s->g, SL_LAYER_IP4, 10) ^= 1;
	return sl_rig_send(s->r, SL_RIG_UNDERLAY, &s->g);
}

static enum sl_drop ip6_truncated(struct scene *s)
{
	sl_frame_udp6(&s->f, 100);
	s->f.len -= 50;
	return from_web(s);
}

static enum sl_drop ip6_malformed(struct scene *s)
{
	sl_frame_udp6(&s->f, 100);
	*at(&s->f, SL_LAYER_IP6, 0) = 0x50;
	return from_web(s);
}

static enum sl_drop ip6_ext_chain(struct scene *s)
{
	sl_frame_start(&s->f);
	sl_frame_eth(&s->f);
	sl_frame_ip6(&s->f);
	for (unsigned int i = 0; i < 12; i++)
		sl_frame_ip6_ext(&s->f, .proto = 60);
	sl_frame_udp(&s->f);
	sl_frame_end(&s->f);
	return from_web(s);
}

static enum sl_drop ip_ttl(struct scene *s)
{
	sl_frame_udp4(&s->f, 10);
	*at(&s->f, SL_LAYER_IP4, 8) = 0;
	sl_frame_checksums(&s->f);
	return from_web(s);
}

static enum sl_drop ip_source_route(struct scene *s)
{
	sl_frame_start(&s->f);
	sl_frame_eth(&s->f);
	sl_frame_ip4(&s->f, .options = "\x83\x07\x04\x0a\x00\x00\x07\x00", .options_len = 8);
	sl_frame_udp(&s->f);
	sl_frame_end(&s->f);
	return from_web(s);
}

static enum sl_drop ip_address(struct scene *s)
{
	sl_frame_start(&s->f);
	sl_frame_eth(&s->f);
	sl_frame_ip4(&s->f, .src = "127.0.0.1");
	sl_frame_udp(&s->f);
	sl_frame_end(&s->f);
	return from_web(s);
}

static enum sl_drop l4_truncated(struct scene *s)
{
	sl_frame_start(&s->f);
	sl_frame_eth(&s->f);
	sl_frame_ip4(&s->f, .proto = IPPROTO_TCP);
	sl_frame_payload(&s->f, 12);
	sl_frame_end(&s->f);
	return from_web(s);
}

static enum sl_drop l4_malformed(struct scene *s)
{
	sl_frame_udp4(&s->f, 10);
	*at(&s->f, SL_LAYER_UDP, 5) = 7;
	*at(&s->f, SL_LAYER_UDP, 4) = 0;
	return from_web(s);
}

static enum sl_drop tcp_flags(struct scene *s)
{
	sl_frame_tcp4(&s->f, 0x03, 0);
	return from_web(s);
}

static enum sl_drop icmp_router(struct scene *s)
{
	sl_frame_start(&s->f);
	sl_frame_eth(&s->f);
	sl_frame_ip4(&s->f);
	sl_frame_icmp(&s->f, .type = 5, .code = 1, .rest = 0x0a000063);
	sl_frame_payload(&s->f, 28);
	sl_frame_end(&s->f);
	return from_web(s);
}

static enum sl_drop arp_malformed(struct scene *s)
{
	sl_frame_start(&s->f);
	sl_frame_eth(&s->f, .dst = "ff:ff:ff:ff:ff:ff");
	sl_frame_arp(&s->f);
	sl_frame_end(&s->f);
	*at(&s->f, SL_LAYER_ARP, 4) = 7;
	return from_web(s);
}

static void neighbor_solicitation(struct scene *s, const char *target)
{
	struct sl_ip ip = sl_test_ip(target);

	sl_frame_start(&s->f);
	sl_frame_eth(&s->f, .dst = "33:33:ff:00:00:06");
	sl_frame_ip6(&s->f, .dst = "ff02::1:ff00:6", .hops = 255);
	sl_frame_icmp6(&s->f, .type = 135);
	sl_frame_bytes(&s->f, ip.b, 16);
	sl_frame_bytes(&s->f, "\x01\x01\x02\x00\x00\x00\x00\x05", 8);
	sl_frame_end(&s->f);
}

static enum sl_drop nd_malformed(struct scene *s)
{
	neighbor_solicitation(s, "fd00::6");
	*at(&s->f, SL_LAYER_IP6, 7) = 64; /* hop limit */
	return from_web(s);
}

static void later_fragment(struct scene *s, uint16_t frag, uint8_t proto)
{
	sl_frame_start(&s->f);
	sl_frame_eth(&s->f);
	sl_frame_ip4(&s->f, .frag = frag, .id = 77, .proto = proto);
	sl_frame_payload(&s->f, 64);
	sl_frame_end(&s->f);
}

static enum sl_drop fragment_overlap(struct scene *s)
{
	later_fragment(s, 1, IPPROTO_TCP);
	return from_web(s);
}

static enum sl_drop fragment_unknown(struct scene *s)
{
	later_fragment(s, 100, IPPROTO_UDP);
	return sl_rig_send_in_vain(s->r, SL_RIG_WEB, &s->f);
}

/* A UDP datagram that is said to be TCP segments. */
static enum sl_drop offload_malformed(struct scene *s)
{
	struct rte_mbuf *m;

	sl_frame_udp4(&s->f, 100);
	m = sl_super_mbuf(&s->f, 50);
	m->ol_flags ^= RTE_MBUF_F_TX_UDP_SEG | RTE_MBUF_F_TX_TCP_SEG;
	sl_rig_offloads(s->r, SL_RIG_WEB);
	return sl_rig_send_mbuf(s->r, SL_RIG_WEB, m);
}

/* From the node over IPv6; byte 6 of the UDP header is wrong. */
static enum sl_drop tunnel_checksum(struct scene *s)
{
	sl_frame_udp4(&s->f, 10);
	sl_rig_wrap_as(&s->g, &s->f, SL_ENCAP_VXLAN, SL_FAMILY_IP6);
	*at(&s->g, SL_LAYER_UDP, 6) = 0x12;
	return sl_rig_send(s->r, SL_RIG_UNDERLAY, &s->g);
}

static enum sl_drop tunnel_nested(struct scene *s)
{
	sl_rig_encap(s->r, SL_ENCAP_IPIP, SL_FAMILY_IP4);
	sl_frame_udp4(&s->f, 10);
	*at(&s->f, SL_LAYER_IP4, 9) = 4;
	sl_frame_checksums(&s->f);
	sl_rig_wrap_as(&s->g, &s->f, SL_ENCAP_IPIP, SL_FAMILY_IP4);
	return sl_rig_send(s->r, SL_RIG_UNDERLAY, &s->g);
}

/* The identity's option becomes a critical one, which nobody knows. */
static enum sl_drop geneve_option(struct scene *s)
{
	sl_rig_encap(s->r, SL_ENCAP_GENEVE, SL_FAMILY_IP4);
	sl_frame_udp4(&s->f, 10);
	sl_rig_wrap_as(&s->g, &s->f, SL_ENCAP_GENEVE, SL_FAMILY_IP4);
	s->g.b[14 + 20 + 8 + 8 + 2] |= 0x80;
	return sl_rig_send(s->r, SL_RIG_UNDERLAY, &s->g);
}

/* far-1 says that it is db-1. */
static enum sl_drop identity_mismatch(struct scene *s)
{
	sl_rig_encap(s->r, SL_ENCAP_GENEVE, SL_FAMILY_IP4);
	sl_rig_allow_all(s->r);
	sl_frame_start(&s->f);
	sl_frame_eth(&s->f, .src = "02:00:00:00:00:07", .dst = "02:00:00:00:00:05");
	sl_frame_ip4(&s->f, .src = "10.0.0.7", .dst = "10.0.0.5");
	sl_frame_udp(&s->f);
	sl_frame_payload(&s->f, 10);
	sl_frame_end(&s->f);
	sl_rig_wrap_as(&s->g, &s->f, SL_ENCAP_GENEVE, SL_FAMILY_IP4);
	s->g.b[14 + 20 + 8 + 8 + 7] = 1002 & 0xff;
	return sl_rig_send(s->r, SL_RIG_UNDERLAY, &s->g);
}

const provoke_fn sl_scenes_parse[SL_DROP_COUNT] = {
	[SL_DROP_IDENTITY_MISMATCH] = identity_mismatch,
	[SL_DROP_TUNNEL_CHECKSUM] = tunnel_checksum,
	[SL_DROP_TUNNEL_NESTED] = tunnel_nested,
	[SL_DROP_GENEVE_OPTION] = geneve_option,
	[SL_DROP_ETH_TRUNCATED] = eth_truncated,
	[SL_DROP_ETH_TYPE_UNKNOWN] = eth_type_unknown,
	[SL_DROP_ETH_VLAN_DEPTH] = eth_vlan_depth,
	[SL_DROP_ETH_VLAN_UNEXPECTED] = eth_vlan_unexpected,
	[SL_DROP_VLAN_UNKNOWN] = vlan_unknown,
	[SL_DROP_DHCP_FOREIGN] = sl_scene_dhcp_foreign,
	[SL_DROP_FLOOD_RATE] = sl_scene_flood_rate,
	[SL_DROP_DHCP_MALFORMED] = sl_scene_dhcp_malformed,
	[SL_DROP_IP4_TRUNCATED] = ip4_truncated,
	[SL_DROP_IP4_MALFORMED] = ip4_malformed,
	[SL_DROP_IP4_CHECKSUM] = ip4_checksum,
	[SL_DROP_IP6_TRUNCATED] = ip6_truncated,
	[SL_DROP_IP6_MALFORMED] = ip6_malformed,
	[SL_DROP_IP6_EXT_CHAIN] = ip6_ext_chain,
	[SL_DROP_IP_TTL] = ip_ttl,
	[SL_DROP_IP_SOURCE_ROUTE] = ip_source_route,
	[SL_DROP_IP_ADDRESS] = ip_address,
	[SL_DROP_L4_TRUNCATED] = l4_truncated,
	[SL_DROP_L4_MALFORMED] = l4_malformed,
	[SL_DROP_TCP_FLAGS] = tcp_flags,
	[SL_DROP_ICMP_ROUTER] = icmp_router,
	[SL_DROP_ARP_MALFORMED] = arp_malformed,
	[SL_DROP_ND_MALFORMED] = nd_malformed,
	[SL_DROP_FRAGMENT_OVERLAP] = fragment_overlap,
	[SL_DROP_FRAGMENT_UNKNOWN] = fragment_unknown,
	[SL_DROP_OFFLOAD_MALFORMED] = offload_malformed,
	/* gateways */
	[SL_DROP_TTL_EXCEEDED] = sl_scene_ttl_exceeded,
	[SL_DROP_ROUTE_BLACKHOLE] = sl_scene_route_blackhole,
	[SL_DROP_GATEWAY_PROTOCOL] = sl_scene_gateway_protocol,
	/* ways out */
	[SL_DROP_NAT_EXHAUSTED] = sl_scene_nat_exhausted,
	[SL_DROP_NAT_HAIRPIN] = sl_scene_nat_hairpin,
	[SL_DROP_NAT_UNKNOWN] = sl_scene_nat_unknown,
	[SL_DROP_NAT_TUNNEL] = sl_scene_nat_tunnel,
};
