/* SPDX-License-Identifier: BSD-3-Clause */
/* The stage that takes packets out of tunnels. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "dp/lib/u32map.h"
#include "dp/lib/addr_map.h"
#include "pipelines/overlay/overlay_dp.h"
#include "pipelines/overlay/tunnel_ctl.h"
#include "pipelines/parse/parse_dp.h"
#include "tests/lib/packet.h"

#define NODES 4 /* 0 is none */

static struct sl_world world;
static struct sl_network networks[3] = {
	[1] = {.id = 1,
		.vni = 100,
		.encap = SL_ENCAP_VXLAN,
		.accepts = 1 << SL_ENCAP_VXLAN,
		.present = true},
	[2] = {.id = 2,
		.vni = 200,
		.encap = SL_ENCAP_GENEVE,
		.accepts = 1 << SL_ENCAP_GENEVE,
		.present = true},
};
static struct sl_mac own;
static struct sl_burst burst, *const b = &burst;
static struct sl_frame inner, outer;
static uint8_t in[SL_BURST_MAX], host[SL_BURST_MAX];
static unsigned int n_in, n_host;
static uint32_t tick;

static int setup(void **state)
{
	struct sl_u32map_slot vnis[] = {{100, 1}, {200, 2}, {0, 1}, {300, 9}};
	struct sl_addr_pair nodes[] = {{sl_test_ip("192.0.2.2"), 1}, {sl_test_ip("192.0.2.3"), 2}};
	struct sl_addr_pair local[] = {
		{sl_test_ip("192.0.2.1"), SL_LOCAL_ADDRESS | SL_LOCAL_TUNNEL},
		{sl_test_ip("192.0.2.9"), SL_LOCAL_ADDRESS}};

	if (sl_test_eal(state) < 0)
		return -1;
	own = sl_test_mac("02:00:00:00:00:06"); /* a frame's default destination */
	world.n_networks = 3;
	world.networks = networks;
	world.vni_to_network = sl_u32map_build(vnis, RTE_DIM(vnis), 1);
	world.node_by_addr = sl_addr_map_build(nodes, RTE_DIM(nodes), 2);
	world.local_addr = sl_addr_map_build(local, RTE_DIM(local), 3);
	world.tunnels = sl_tunnel_table_create(NODES, 1);
	return world.tunnels == NULL ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	sl_tunnel_table_destroy(world.tunnels);
	sl_u32map_destroy((void *)(uintptr_t)world.vni_to_network);
	sl_addr_map_destroy((void *)(uintptr_t)world.node_by_addr);
	sl_addr_map_destroy((void *)(uintptr_t)world.local_addr);
	sl_test_burst_free(b);
	return sl_test_pool_in_use() == 0 ? 0 : -1;
}

/* Each test starts and ends with an empty burst. */
static int drain(void **state)
{
	(void)state;
	sl_test_burst_free(b);
	return 0;
}

struct tunnel_spec {
	const char *src, *dst, *mac;
	uint16_t port, frag;
	uint32_t vni;
};

/* A VXLAN packet from node 1 to this node, except for what the spec says. */
static void tunnel_frame(const struct tunnel_spec *s)
{
	sl_frame_udp4(&inner, 10);
	sl_frame_start(&outer);
	sl_frame_eth(&outer, .dst = s->mac);
	sl_frame_ip4(&outer, .src = s->src != NULL ? s->src : "192.0.2.2",
		.dst = s->dst != NULL ? s->dst : "192.0.2.1", .frag = s->frag);
	sl_frame_udp(&outer, .sport = 50000, .dport = s->port != 0 ? s->port : 4789);
	sl_frame_vxlan(&outer, .vni = s->vni);
	sl_frame_copy(&outer, &inner, 0);
	if (s->frag != 0)
		while (outer.len % 8 != 2) /* 34 bytes of headers and a multiple of 8 */
			sl_frame_payload(&outer, 1);
	sl_frame_end(&outer);
}

#define tunnel_frame(...) tunnel_frame(&(struct tunnel_spec){__VA_ARGS__})

static void add_outer(void)
{
	sl_test_burst_add(b, sl_test_mbuf_exact(outer.b, outer.len, NULL, 0));
}

static void decap(void)
{
	const struct sl_decap_at at = {&world, &own, 0, ++tick};

	n_in = sl_decap(&at, b, in, host, &n_host);
}

/* Decap of the one frame in `outer`: its verdict. */
static enum sl_drop decap_outer(void)
{
	sl_test_burst_free(b);
	add_outer();
	decap();
	return b->verdict[0];
}

static void tunnel_packet_becomes_its_inner_frame(void **state)
{
	(void)state;
	tunnel_frame(.src = NULL);
	assert_int_equal(decap_outer(), SL_KEEP);
	assert_int_equal(n_in, 1);
	assert_int_equal(n_host, 0);
	assert_packet_frame(b->pkt[0], &inner);
	assert_int_equal(b->meta[0].network, 1);
	assert_int_equal(b->meta[0].origin, SL_ORIGIN_NODE | 1);
	assert_int_equal(b->meta[0].encap, SL_ENCAP_VXLAN);
	sl_parse(b, in, n_in);
	assert_int_equal(b->verdict[0], SL_KEEP);
	assert_int_equal(b->key4[0].net_proto, 1 << 8 | IPPROTO_UDP);
}

static void tunnel_packet_from_a_stranger_is_dropped(void **state)
{
	(void)state;
	tunnel_frame(.src = "192.0.2.77");
	assert_int_equal(decap_outer(), SL_DROP_TUNNEL_SENDER_UNKNOWN);
	assert_int_equal(n_in + n_host, 0);
	assert_packet_frame(b->pkt[0], &outer);
}

static void unknown_vni_is_dropped(void **state)
{
	static const uint32_t vnis[] = {
		1, 0xffffff, 200 /* another encapsulation's */, 300 /* no such network */};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(vnis); i++) {
		tunnel_frame(.vni = vnis[i]);
		assert_int_equal(decap_outer(), SL_DROP_TUNNEL_NETWORK_UNKNOWN);
	}
	networks[1].present = false;
	tunnel_frame(.vni = 100);
	assert_int_equal(decap_outer(), SL_DROP_TUNNEL_NETWORK_UNKNOWN);
	networks[1].present = true;
}

static void vni_zero_is_a_vni(void **state)
{
	(void)state;
	tunnel_frame(.vni = 0);
	memset(outer.b + 46, 0, 4);
	assert_int_equal(decap_outer(), SL_KEEP);
	assert_int_equal(b->meta[0].network, 1);
}

static void fragmented_tunnel_packet_is_dropped(void **state)
{
	(void)state;
	tunnel_frame(.frag = 0x2000);
	assert_int_equal(decap_outer(), SL_DROP_TUNNEL_FRAGMENT);
	tunnel_frame(.frag = 0x0010);
	assert_int_equal(decap_outer(), SL_DROP_TUNNEL_FRAGMENT);
}

static void packet_to_another_address_is_dropped(void **state)
{
	(void)state;
	tunnel_frame(.dst = "192.0.2.200");
	assert_int_equal(decap_outer(), SL_DROP_UNDERLAY_NOT_LOCAL);
	sl_frame_udp6(&outer, 10);
	assert_int_equal(decap_outer(), SL_DROP_UNDERLAY_NOT_LOCAL);
}

/* The first packet of a burst must not match an earlier one, whatever its fields are. */
static void frame_of_zeros_is_not_taken_for_a_known_senders(void **state)
{
	(void)state;
	for (int round = 0; round < 2; round++) {
		tunnel_frame(.vni = 100);
		assert_int_equal(decap_outer(), SL_KEEP);
		tunnel_frame(.src = "0.0.0.0", .dst = "0.0.0.0", .vni = 100);
		memset(outer.b + 36, 0, 2); /* destination port */
		assert_int_equal(decap_outer(), SL_DROP_IP_ADDRESS);
		assert_int_equal(n_in, 0);
	}
}

static void group_frame_is_dropped(void **state)
{
	(void)state;
	tunnel_frame(.mac = "ff:ff:ff:ff:ff:ff", .dst = "255.255.255.255");
	assert_int_equal(decap_outer(), SL_DROP_MULTICAST);
	tunnel_frame(.mac = "01:00:5e:00:00:01");
	assert_int_equal(decap_outer(), SL_DROP_MULTICAST);
}

static void tagged_frame_is_dropped(void **state)
{
	(void)state;
	sl_frame_start(&outer);
	sl_frame_eth(&outer);
	sl_frame_vlan(&outer, .tci = 5);
	sl_frame_ip4(&outer, .src = "192.0.2.2", .dst = "192.0.2.1");
	sl_frame_udp(&outer, .dport = 4789);
	sl_frame_vxlan(&outer);
	sl_frame_copy(&outer, &inner, 0);
	sl_frame_end(&outer);
	assert_int_equal(decap_outer(), SL_DROP_ETH_VLAN_UNEXPECTED);
}

static void malformed_tunnel_header_is_dropped(void **state)
{
	(void)state;
	tunnel_frame(.vni = 100);
	outer.b[42] = 0;
	assert_int_equal(decap_outer(), SL_DROP_TUNNEL_MALFORMED);
	assert_int_equal(n_in, 0);
}

static void other_packets_to_this_node_go_to_the_host_list(void **state)
{
	(void)state;
	sl_frame_start(&outer);
	sl_frame_eth(&outer);
	sl_frame_ip4(&outer, .src = "192.0.2.77", .dst = "192.0.2.1");
	sl_frame_icmp(&outer);
	sl_frame_end(&outer);
	assert_int_equal(decap_outer(), SL_KEEP);
	assert_int_equal(n_host, 1);
	tunnel_frame(.port = 4790);
	assert_int_equal(decap_outer(), SL_KEEP);
	assert_int_equal(n_host, 1);
	tunnel_frame(.dst = "192.0.2.9"); /* an address without tunnels */
	assert_int_equal(decap_outer(), SL_KEEP);
	assert_int_equal(n_host, 1);
	assert_int_equal(n_in, 0);
	assert_packet_frame(b->pkt[0], &outer);
}

static void arp_goes_to_the_host_list(void **state)
{
	(void)state;
	sl_frame_start(&outer);
	sl_frame_eth(&outer, .dst = "ff:ff:ff:ff:ff:ff");
	sl_frame_arp(&outer);
	assert_int_equal(decap_outer(), SL_KEEP);
	assert_int_equal(n_host, 1);
}

static void mixed_burst_is_sorted_packet_by_packet(void **state)
{
	(void)state;
	sl_test_burst_free(b);
	for (unsigned int i = 0; i < SL_BURST_MAX; i++) {
		switch (i % 4) {
		case 0:
			tunnel_frame(.src = "192.0.2.2");
			break;
		case 1:
			tunnel_frame(.src = "192.0.2.3");
			break;
		case 2:
			tunnel_frame(.src = "192.0.2.77");
			break;
		default:
			tunnel_frame(.dst = "192.0.2.9");
			break;
		}
		add_outer();
	}
	decap();
	assert_int_equal(n_in, 32);
	assert_int_equal(n_host, 16);
	for (unsigned int i = 0; i < SL_BURST_MAX; i++) {
		assert_int_equal(
			b->verdict[i], i % 4 == 2 ? SL_DROP_TUNNEL_SENDER_UNKNOWN : SL_KEEP);
		if (i % 4 < 2)
			assert_int_equal(b->meta[i].origin, SL_ORIGIN_NODE | (i % 4 + 1));
	}
}

static void world_without_tables_drops(void **state)
{
	static const struct sl_world empty;

	(void)state;
	tunnel_frame(.vni = 100);
	sl_test_burst_free(b);
	add_outer();
	n_in = sl_decap(&(struct sl_decap_at){&empty, &own, 0, 1}, b, in, host, &n_host);
	assert_int_equal(b->verdict[0], SL_DROP_UNDERLAY_NOT_LOCAL);
}

static struct sl_tunnel_seen seen_of(uint32_t node)
{
	struct sl_tunnel_seen s;

	sl_tunnel_seen_sum(world.tunnels, sl_tunnel_id(node, SL_ENCAP_VXLAN, SL_FAMILY_IP4), &s);
	return s;
}

/* Includes packets that are dropped later: the node was heard anyway. */
static void packets_from_nodes_are_counted_for_their_tunnels(void **state)
{
	static const char *const from[] = {"192.0.2.2", "192.0.2.3", "192.0.2.7"};
	struct sl_tunnel_seen before[NODES], now[NODES];
	uint64_t bytes = 0;

	(void)state;
	for (uint32_t n = 0; n < NODES; n++)
		before[n] = seen_of(n);
	sl_test_burst_free(b);
	for (unsigned int i = 0; i < 30; i++) {
		tunnel_frame(.src = from[i / 2 % 3], .vni = i % 5 == 0 ? 4711 : 100);
		add_outer();
		if (i / 2 % 3 == 0)
			bytes += inner.len;
	}
	decap();
	for (uint32_t n = 0; n < NODES; n++)
		now[n] = seen_of(n);
	for (uint32_t n = 1; n <= 2; n++) {
		assert_int_equal(now[n].rx_packets - before[n].rx_packets, 10);
		assert_int_equal(now[n].rx_bytes - before[n].rx_bytes, bytes);
		assert_int_equal(now[n].heard, tick);
	}
	assert_int_equal(now[0].rx_packets + now[3].rx_packets, 0);
}

int main(void)
{
#define case_of(test) cmocka_unit_test_setup_teardown(test, drain, drain)
	const struct CMUnitTest tests[] = {
		case_of(tunnel_packet_becomes_its_inner_frame),
		case_of(tunnel_packet_from_a_stranger_is_dropped),
		case_of(unknown_vni_is_dropped),
		case_of(vni_zero_is_a_vni),
		case_of(fragmented_tunnel_packet_is_dropped),
		case_of(packet_to_another_address_is_dropped),
		case_of(frame_of_zeros_is_not_taken_for_a_known_senders),
		case_of(group_frame_is_dropped),
		case_of(tagged_frame_is_dropped),
		case_of(malformed_tunnel_header_is_dropped),
		case_of(other_packets_to_this_node_go_to_the_host_list),
		case_of(arp_goes_to_the_host_list),
		case_of(mixed_burst_is_sorted_packet_by_packet),
		case_of(world_without_tables_drops),
		case_of(packets_from_nodes_are_counted_for_their_tunnels),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
