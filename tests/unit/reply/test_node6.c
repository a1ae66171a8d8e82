/* SPDX-License-Identifier: BSD-3-Clause */
/* IPv6 frames that arrive at an underlay port and carry no tunnel packet. */
#include <netinet/icmp6.h>

#include "pipelines/overlay/tunnel_ctl.h"
#include "underlay_frames.h"

#define OURS	   "2001:db8::1"
#define OTHER	   "2001:db8::9" /* ours as well, without tunnels */
#define HOST	   "2001:db8::2"
#define LINK_LOCAL "fe80::ff:fe00:a01" /* of OWN */

struct nd {
	uint8_t type;
	const char *mac, *src, *dst, *target;
	uint8_t hops;
};

static void nd(const struct nd *n)
{
	struct sl_ip target = sl_test_ip(n->target != NULL ? n->target : OURS);
	struct sl_mac mac = sl_test_mac(PEER);
	bool asks = n->type == ND_NEIGHBOR_SOLICIT;
	uint8_t option[8] = {asks ? ND_OPT_SOURCE_LINKADDR : ND_OPT_TARGET_LINKADDR, 1};

	memcpy(option + 2, mac.b, 6);
	sl_frame_start(&g);
	sl_frame_eth(&g, .dst = n->mac != NULL ? n->mac : OWN, .src = PEER);
	sl_frame_ip6(&g, .src = n->src != NULL ? n->src : HOST,
		.dst = n->dst != NULL ? n->dst : OURS, .hops = n->hops != 0 ? n->hops : 255);
	sl_frame_icmp6(&g, .type = n->type);
	if (asks || n->type == ND_NEIGHBOR_ADVERT) {
		sl_frame_bytes(&g, target.b, 16);
		sl_frame_bytes(&g, option, sizeof(option));
	} else {
		sl_frame_bytes(&g, "\0\0\0\0\0\0\0\0", 8); /* a router advertisement's timers */
	}
	sl_frame_end(&g);
}

#define nd(...) nd(&(struct nd){__VA_ARGS__})

struct ping6 {
	const char *mac, *from_mac, *from, *to;
	uint32_t payload;
};

static void ping6(const struct ping6 *p)
{
	sl_frame_start(&g);
	sl_frame_eth(&g, .dst = p->mac != NULL ? p->mac : OWN,
		.src = p->from_mac != NULL ? p->from_mac : PEER);
	sl_frame_ip6(&g, .src = p->from != NULL ? p->from : HOST,
		.dst = p->to != NULL ? p->to : OURS, .hops = 1);
	sl_frame_icmp6(&g, .rest = 0x12340001);
	sl_frame_payload(&g, p->payload != 0 ? p->payload : 56);
	sl_frame_end(&g);
}

#define ping6(...) ping6(&(struct ping6){__VA_ARGS__})

static unsigned int upcalls(struct sl_rig *r)
{
	return rte_ring_count(sl_rig_worker(r)->rings.upcall);
}

static void discovery_to_the_own_mac_is_handed_up(void **state)
{
	struct sl_rig *r = *state;

	nd(.type = ND_NEIGHBOR_SOLICIT);
	assert_int_equal(arrives(r), SL_KEEP);
	nd(.type = ND_NEIGHBOR_ADVERT);
	assert_int_equal(arrives(r), SL_KEEP);
	nd(.type = ND_NEIGHBOR_SOLICIT, .dst = LINK_LOCAL, .target = LINK_LOCAL);
	assert_int_equal(arrives(r), SL_KEEP);
	assert_int_equal(upcalls(r), 3);
	nd(.type = ND_NEIGHBOR_SOLICIT, .dst = "2001:db8::77");
	assert_int_equal(arrives(r), SL_DROP_UNDERLAY_NOT_LOCAL);
	nd(.type = ND_NEIGHBOR_SOLICIT, .hops = 254); /* through a router: RFC 4861 section 7.1.1 */
	assert_int_equal(arrives(r), SL_DROP_ND_MALFORMED);
	assert_int_equal(upcalls(r), 3);
}

static void solicitations_to_the_group_are_taken_for_own_addresses_only(void **state)
{
	static const struct {
		const char *mac, *dst, *target, *src;
		enum sl_drop reason;
	} cases[] = {
		{"33:33:ff:00:00:01", "ff02::1:ff00:1", OURS, NULL, SL_KEEP},
		{"33:33:ff:00:00:09", "ff02::1:ff00:9", OTHER, NULL, SL_KEEP},
		{"33:33:ff:00:0a:01", "ff02::1:ff00:a01", LINK_LOCAL, "fe80::1", SL_KEEP},
		{"33:33:00:00:00:01", "ff02::1", OURS, NULL, SL_KEEP},
		/* of the same group, and another host's; a group that is not the address's */
		{"33:33:ff:00:00:01", "ff02::1:ff00:1", "2001:db8:1::1", NULL, SL_DROP_MULTICAST},
		{"33:33:ff:00:00:02", "ff02::1:ff00:2", HOST, NULL, SL_DROP_MULTICAST},
		{"33:33:ff:00:00:02", "ff02::1:ff00:1", OURS, NULL, SL_DROP_MULTICAST},
		{"ff:ff:ff:ff:ff:ff", "ff02::1:ff00:1", OURS, NULL, SL_DROP_MULTICAST},
		{"33:33:ff:00:00:01", OURS, OURS, NULL, SL_DROP_MULTICAST},
	};
	struct sl_rig *r = *state;
	unsigned int n = 0;

	for (unsigned int i = 0; i < RTE_DIM(cases); i++) {
		nd(.type = ND_NEIGHBOR_SOLICIT, .mac = cases[i].mac, .dst = cases[i].dst,
			.target = cases[i].target, .src = cases[i].src);
		if (arrives(r) != cases[i].reason)
			fail_msg("case %u", i);
		n += cases[i].reason == SL_KEEP;
		assert_int_equal(upcalls(r), n);
	}
}

static void advertisements_to_all_nodes_are_taken_and_those_of_routers_are_not(void **state)
{
	struct sl_rig *r = *state;

	nd(.type = ND_NEIGHBOR_ADVERT, .mac = "33:33:00:00:00:01", .dst = "ff02::1",
		.target = HOST);
	assert_int_equal(arrives(r), SL_KEEP);
	assert_int_equal(upcalls(r), 1);
	nd(.type = ND_ROUTER_ADVERT, .mac = "33:33:00:00:00:01", .dst = "ff02::1",
		.src = "fe80::1");
	assert_int_equal(arrives(r), SL_DROP_MULTICAST);
	nd(.type = ND_ROUTER_ADVERT, .dst = LINK_LOCAL, .src = "fe80::1");
	assert_int_equal(arrives(r), SL_DROP_UNDERLAY_PROTOCOL);
	assert_int_equal(upcalls(r), 1);
}

static void ping_of_each_own_address_is_answered(void **state)
{
	static const char *const own[] = {OURS, OTHER, LINK_LOCAL};
	struct sl_rig *r = *state;

	for (unsigned int i = 0; i < RTE_DIM(own); i++) {
		struct sl_ip us = sl_test_ip(own[i]), them = sl_test_ip(HOST);
		uint16_t sum;

		ping6(.to = own[i], .payload = 1001);
		assert_int_equal(arrives(r), SL_KEEP);
		assert_true(sl_rig_sent_frame(r, SL_RIG_UNDERLAY, &out));
		assert_bytes_equal(out.b, 12, "\x02\0\0\0\x0b\x01\x02\0\0\0\x0a\x01", 12);
		assert_bytes_equal(out.b + 22, 16, us.b, 16);
		assert_bytes_equal(out.b + 38, 16, them.b, 16);
		assert_int_equal(out.b[21], 64);
		assert_int_equal(out.b[54], ICMP6_ECHO_REPLY);
		assert_bytes_equal(out.b + 58, out.len - 58, g.b + 58, g.len - 58);
		memcpy(&sum, out.b + 56, 2);
		sl_frame_checksums(&g); /* what the frame's own sum would be */
		g.b[54] = ICMP6_ECHO_REPLY;
		sl_frame_checksums(&g);
		assert_bytes_equal(&sum, 2, g.b + 56, 2);
	}
}

static void ping_of_other_addresses_or_from_none_is_not_answered(void **state)
{
	struct sl_rig *r = *state;

	ping6(.to = "2001:db8::77");
	assert_int_equal(arrives(r), SL_DROP_UNDERLAY_NOT_LOCAL);
	ping6(.to = "fe80::ff:fe00:a02");
	assert_int_equal(arrives(r), SL_DROP_UNDERLAY_NOT_LOCAL);
	ping6(.from = OURS);
	assert_int_equal(arrives(r), SL_DROP_UNDERLAY_SENDER);
	ping6(.from = LINK_LOCAL);
	assert_int_equal(arrives(r), SL_DROP_UNDERLAY_SENDER);
	ping6(.from_mac = OWN);
	assert_int_equal(arrives(r), SL_DROP_UNDERLAY_SENDER);
	ping6(.from = "ff02::1");
	assert_int_equal(arrives(r), SL_DROP_IP_ADDRESS);
	ping6(.mac = "33:33:00:00:00:01", .to = "ff02::1");
	assert_int_equal(arrives(r), SL_DROP_MULTICAST);
	ping6(.payload = 55);
	for (uint32_t at = 56; at < g.len; at++) {
		g.b[at] ^= 0x10;
		assert_int_equal(arrives(r), SL_DROP_L4_MALFORMED);
		g.b[at] ^= 0x10;
	}
	assert_silence(r);
}

static struct sl_tunnel_seen seen(struct sl_rig *r)
{
	const struct sl_world *w = atomic_load(&sl_rig_pipeline(r)->world);
	struct sl_tunnel_seen s;

	sl_tunnel_seen_sum(
		w->tunnels, sl_tunnel_id(SL_RIG_NODE, SL_ENCAP_VXLAN, SL_FAMILY_IP6), &s);
	return s;
}

/* Of a router, about a tunnel packet from src. */
static void icmp_error(uint8_t type, uint8_t code, uint32_t rest, const char *src)
{
	sl_frame_start(&f);
	sl_frame_eth(&f, .dst = PEER, .src = OWN);
	sl_frame_ip6(&f, .src = src, .dst = HOST);
	sl_frame_udp(&f, .sport = 50000, .dport = 4789);
	sl_frame_payload(&f, 60);
	sl_frame_end(&f);
	sl_frame_start(&g);
	sl_frame_eth(&g, .dst = OWN, .src = PEER);
	sl_frame_ip6(&g, .src = "2001:db8::fe", .dst = OURS);
	sl_frame_icmp6(&g, .type = type, .code = code, .rest = rest);
	sl_frame_bytes(&g, f.b + 14, f.len - 14);
	sl_frame_end(&g);
}

/* The node has a tunnel over IPv6 too. */
static void publish_tunnel6(struct sl_rig *r)
{
	const struct sl_world *w = atomic_load(&sl_rig_pipeline(r)->world);
	const struct sl_tunnel_params p = {.local = sl_test_ip(OURS),
		.remote = sl_test_ip(HOST),
		.resolved = true,
		.reachable = true,
		.port = SL_RIG_UNDERLAY,
		.underlay_mtu = 1600,
		.id = sl_tunnel_id(SL_RIG_NODE, SL_ENCAP_VXLAN, SL_FAMILY_IP6),
		.node = SL_RIG_NODE};

	sl_tunnel_publish(w->tunnels, sl_rig_rcu(r), p.id, sl_tunnel_create(SL_ENCAP_VXLAN, &p));
}

static void error_about_a_tunnel_packet_is_noted_with_its_sender(void **state)
{
	const struct sl_ip router = sl_test_ip("2001:db8::fe");
	struct sl_rig *r = *state;
	const struct sl_world *w = atomic_load(&sl_rig_pipeline(r)->world);
	struct sl_tunnel_seen s;
	struct sl_ip from;

	publish_tunnel6(r);
	sl_rig_tick(r, 5);
	icmp_error(ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_NOPORT, 0, OURS);
	assert_int_equal(arrives(r), SL_DROP_TUNNEL_ERROR);
	s = seen(r);
	assert_int_equal(s.errors, 1);
	assert_int_equal(s.error, sl_tunnel_error(1, 4, 0, 0));
	from = sl_tunnel_error_from6(
		w->tunnels, sl_tunnel_id(SL_RIG_NODE, SL_ENCAP_VXLAN, SL_FAMILY_IP6));
	assert_true(sl_ip_equal(&from, &router));
	assert_int_equal(s.too_big, 0);
	icmp_error(ICMP6_PACKET_TOO_BIG, 0, 1400, OURS);
	assert_int_equal(arrives(r), SL_DROP_TUNNEL_ERROR);
	icmp_error(ICMP6_TIME_EXCEEDED, 0, 1000, OURS); /* this one has no MTU */
	assert_int_equal(arrives(r), SL_DROP_TUNNEL_ERROR);
	s = seen(r);
	assert_int_equal(s.errors, 3);
	assert_int_equal((uint32_t)s.too_big, 1400);
	icmp_error(ICMP6_DST_UNREACH, 0, 0, OTHER); /* no tunnel address */
	assert_int_equal(arrives(r), SL_DROP_UNDERLAY_PROTOCOL);
	icmp_error(ICMP6_DST_UNREACH, 0, 0, OURS);
	g.b[g.len - 1] ^= 1;
	assert_int_equal(arrives(r), SL_DROP_L4_MALFORMED);
	assert_int_equal(seen(r).errors, 3);
	assert_silence(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(discovery_to_the_own_mac_is_handed_up),
		T(solicitations_to_the_group_are_taken_for_own_addresses_only),
		T(advertisements_to_all_nodes_are_taken_and_those_of_routers_are_not),
		T(ping_of_each_own_address_is_answered),
		T(ping_of_other_addresses_or_from_none_is_not_answered),
		T(error_about_a_tunnel_packet_is_noted_with_its_sender),
	};

	return cmocka_run_group_tests_name("node6", tests, sl_test_eal, NULL);
}
