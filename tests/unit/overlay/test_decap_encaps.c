/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Decap of every encapsulation over both families: which one a packet is, which network it is for, and
 * what it says about its sender. This node is the remote end of the contract's tunnel.
 */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "dp/lib/u32map.h"
#include "dp/lib/addr_map.h"
#include "pipelines/overlay/overlay_dp.h"
#include "pipelines/parse/parse_dp.h"
#include "tests/contract/encap_contract.h"

enum {
	NODE = 3,
	NODES = 8,
	NETWORK = 1,
	ROUTED = 2, /* the network of the pair of addresses */
	OTHER_VNI = 0x123456,
};

static struct sl_network networks[3] = {
	[NETWORK] = {.id = NETWORK, .vni = VNI, .present = true},
	[ROUTED] = {.id = ROUTED,
		.vni = 7,
		.encap = SL_ENCAP_IPIP,
		.accepts = 1 << SL_ENCAP_IPIP,
		.present = true},
};
static struct sl_node_way ways[NODES];
static struct sl_encap_ports ports;
static struct sl_host_taps taps;
static struct sl_world world;
static struct sl_mac own;
static uint8_t in[SL_BURST_MAX], host[SL_BURST_MAX];
static unsigned int n_in, n_host;

static const struct contract *contract(enum sl_encap_id id, enum sl_family family)
{
	return &contracts[id * SL_FAMILIES + family];
}

static void add_pair(struct sl_pmap_edit *e, uint32_t number, const char *remote, uint32_t network)
{
	struct sl_ip ip = sl_test_ip(remote);
	struct sl_pmap_key key = sl_pair_key(number << SL_LOCAL_NUMBER_SHIFT, &ip);

	assert_int_equal(sl_pmap_put(e, &key, (void *)(uintptr_t)network, NULL), 0);
}

static int set_up_world(void **state)
{
	const uint32_t tunnel_bits = SL_LOCAL_ADDRESS | SL_LOCAL_TUNNEL;
	struct sl_u32map_slot vnis[] = {{VNI, NETWORK}};
	struct sl_addr_pair nodes[] = {{sl_test_ip("192.0.2.1"), NODE},
		{sl_test_ip("2001:db8::1"), NODE}, {sl_test_ip("192.0.2.7"), NODE + 1}};
	struct sl_addr_pair local[] = {
		{sl_test_ip("192.0.2.2"), tunnel_bits | 1 << SL_LOCAL_NUMBER_SHIFT},
		{sl_test_ip("2001:db8::2"), tunnel_bits | 2 << SL_LOCAL_NUMBER_SHIFT},
		{sl_test_ip("192.0.2.8"), tunnel_bits | 3 << SL_LOCAL_NUMBER_SHIFT}};
	struct sl_pmap_garbage *garbage = NULL;
	struct sl_pmap_edit *e;

	if (setup(state) != 0)
		return -1;
	own = sl_test_mac("02:00:00:00:0b:01");
	e = sl_pmap_edit_begin(NULL, 5);
	add_pair(e, 1, "192.0.2.1", ROUTED);
	add_pair(e, 2, "2001:db8::1", ROUTED);
	world.pair_network = sl_pmap_edit_commit(e, &garbage);
	sl_pmap_garbage_free(garbage);
	world.n_networks = 3;
	world.networks = networks;
	world.vni_to_network = sl_u32map_build(vnis, RTE_DIM(vnis), 1);
	world.node_by_addr = sl_addr_map_build(nodes, RTE_DIM(nodes), 2);
	world.local_addr = sl_addr_map_build(local, RTE_DIM(local), 3);
	world.tunnels = sl_tunnel_table_create(NODES, 1);
	return world.tunnels == NULL ? -1 : 0;
}

static int tear_down_world(void **state)
{
	sl_tunnel_table_destroy(world.tunnels);
	sl_pmap_destroy((struct sl_pmap *)(uintptr_t)world.pair_network);
	sl_u32map_destroy((void *)(uintptr_t)world.vni_to_network);
	sl_addr_map_destroy((void *)(uintptr_t)world.node_by_addr);
	sl_addr_map_destroy((void *)(uintptr_t)world.local_addr);
	return teardown(state);
}

/* Each test starts with a network that takes nothing, and standard ports. */
static int fresh(void **state)
{
	(void)state;
	sl_test_burst_free(&burst);
	networks[NETWORK].accepts = 0;
	memset(ways, 0, sizeof(ways));
	world.node_ways = NULL;
	world.n_node_ways = 0;
	world.encap_ports = NULL;
	world.host_taps = NULL;
	return 0;
}

static void take(uint32_t encaps)
{
	networks[NETWORK].accepts = (uint16_t)encaps;
}

static void decap(void)
{
	const struct sl_decap_at at = {&world, &own, 0, 1};

	n_in = sl_decap(&at, &burst, in, host, &n_host);
}

static enum sl_drop decap_mbuf(struct rte_mbuf *m)
{
	sl_test_burst_free(&burst);
	sl_test_burst_add(&burst, m);
	burst.in_port = 2;
	decap();
	return burst.verdict[0];
}

static enum sl_drop decap_outer(void)
{
	return decap_mbuf(exact(&outer));
}

static void make(const struct contract *c)
{
	sl_frame_udp4(&inner, 20);
	wrap(c, &outer, &inner, 0);
}

static void assert_taken(const struct contract *c)
{
	const struct sl_meta *md = &burst.meta[0];

	assert_int_equal(burst.verdict[0], SL_KEEP);
	assert_int_equal(n_in, 1);
	assert_packet_frame(burst.pkt[0], popped(c));
	assert_int_equal(md->origin, SL_ORIGIN_NODE | NODE);
	assert_int_equal(md->network, c->row->carries_network ? NETWORK : ROUTED);
	assert_int_equal(md->encap, c->id);
	assert_int_equal(md->outer_family, c->family);
	assert_int_equal(md->carried, c->row->carries_identity ? 1001 : 0);
}

/* The number of bytes that the packet has lost in front, as a sample needs it. */
static uint32_t removed(void)
{
	if ((burst.closer & 1) != 0)
		return burst.meta[0].removed_half * 2u;
	return 34 + sl_encaps[burst.meta[0].encap]->header_len;
}

static void every_encapsulation_arrives_over_both_families(void **state)
{
	(void)state;
	for_each_contract(c)
	{
		take(1u << c->id);
		for (int i = 0; i < 2; i++) {
			make(c);
			if (i == 1 && c->family == SL_FAMILY_IP6)
				outer.b[15] |= 0x0f; /* any flow label */
			decap_outer();
			assert_taken(c);
			assert_int_equal(removed(), c->hdr_len - (c->row->inner_ethernet ? 0 : 14));
		}
	}
}

/* In chained buffers, and with IPv6 extension headers, a packet takes the long way. */
static void every_encapsulation_arrives_the_long_way(void **state)
{
	(void)state;
	for_each_contract(c)
	{
		take(1u << c->id);
		make(c);
		for (uint32_t cut = 1; cut < outer.len; cut += 3) {
			assert_int_equal(
				decap_mbuf(sl_test_mbuf_chain(outer.b, outer.len, &cut, 1)),
				SL_KEEP);
			assert_taken(c);
			assert_int_equal(removed(), c->hdr_len - (c->row->inner_ethernet ? 0 : 14));
		}
	}
}

static void no_truncation_arrives(void **state)
{
	(void)state;
	for_each_contract(c)
	{
		take(1u << c->id);
		make(c);
		for (uint32_t len = 0; len < outer.len; len++) {
			assert_int_not_equal(
				decap_mbuf(sl_test_mbuf_exact(outer.b, len, NULL, 0)), SL_KEEP);
			assert_int_equal(n_in, 0);
			assert_int_equal(n_host, 0);
		}
	}
}

static void counts_are_those_of_the_tunnel(void **state)
{
	struct sl_tunnel_seen before, after;

	(void)state;
	for_each_contract(c)
	{
		enum sl_encap_id as = c->row->wire != NULL ? c->row->wire->id : c->id;
		uint32_t id = sl_tunnel_id(NODE, as, c->family);

		take(1u << c->id);
		make(c);
		sl_tunnel_seen_sum(world.tunnels, id, &before);
		decap_outer();
		sl_tunnel_seen_sum(world.tunnels, id, &after);
		assert_int_equal(after.rx_packets, before.rx_packets + 1);
		assert_int_equal(after.rx_bytes, before.rx_bytes + inner.len);
	}
}

/* VXLAN and GBP come by one port, and look alike. */
static void network_tells_vxlan_from_gbp(void **state)
{
	const struct contract *vxlan = contract(SL_ENCAP_VXLAN, 0),
			      *gbp = contract(SL_ENCAP_VXLAN_GBP, 0);

	(void)state;
	take(1 << SL_ENCAP_VXLAN);
	make(gbp);
	decap_outer();
	assert_taken(vxlan);
	take(1 << SL_ENCAP_VXLAN_GBP);
	make(vxlan);
	assert_int_equal(decap_outer(), SL_KEEP);
	assert_int_equal(burst.meta[0].encap, SL_ENCAP_VXLAN_GBP);
	assert_int_equal(burst.meta[0].carried, 0);
	take(1 << SL_ENCAP_VXLAN | 1 << SL_ENCAP_VXLAN_GBP);
	make(gbp);
	decap_outer();
	assert_taken(gbp);
	make(vxlan);
	decap_outer();
	assert_taken(vxlan);
}

static void a_bit_is_noted(void **state)
{
	(void)state;
	take(1 << SL_ENCAP_VXLAN_GBP);
	make(contract(SL_ENCAP_VXLAN_GBP, 0));
	assert_int_equal(decap_outer(), SL_KEEP);
	assert_int_equal(burst.meta[0].applied, 0);
	outer.b[14 + 20 + 8 + 1] = 0x08;
	assert_int_equal(decap_outer(), SL_KEEP);
	assert_int_equal(burst.meta[0].applied, 1);
	take(1 << SL_ENCAP_VXLAN);
	assert_int_equal(decap_outer(), SL_KEEP);
	assert_int_equal(burst.meta[0].applied, 0);
}

static void network_takes_only_what_it_accepts(void **state)
{
	(void)state;
	for_each_contract(c) for (unsigned int e = 0; e < SL_ENCAP_COUNT; e++)
	{
		bool alike = e == c->id || (c->row->wire != NULL && c->row->wire->id == e) ||
			     (sl_encaps[e]->wire != NULL && sl_encaps[e]->wire->id == c->id);

		if (!c->row->carries_network)
			continue;
		take(1u << e);
		make(c);
		assert_int_equal(decap_outer(), alike ? SL_KEEP : SL_DROP_TUNNEL_NETWORK_UNKNOWN);
		if (!alike)
			assert_int_equal(burst.decapped, 1);
	}
}

/* So that an encapsulation can change at one end first. */
static void node_may_send_what_its_network_does_not_take_from_others(void **state)
{
	(void)state;
	for_each_contract(c)
	{
		fresh(NULL);
		if (!c->row->carries_network)
			networks[ROUTED].accepts = 0;
		make(c);
		assert_int_equal(decap_outer(), SL_DROP_TUNNEL_NETWORK_UNKNOWN);
		world.node_ways = ways;
		world.n_node_ways = NODES;
		ways[NODE].accepts = (uint16_t)(1 << c->id);
		decap_outer();
		assert_taken(c);
		ways[NODE].accepts = 0;
		ways[NODE + 1].accepts = (uint16_t)(1 << c->id);
		assert_int_equal(decap_outer(), SL_DROP_TUNNEL_NETWORK_UNKNOWN);
		networks[ROUTED].accepts = 1 << SL_ENCAP_IPIP;
	}
}

static void ports_are_those_of_the_node(void **state)
{
	(void)state;
	ports = (struct sl_encap_ports){
		.n = 2, .port = {{htons(8472), SL_ENCAP_VXLAN}, {htons(6081), SL_ENCAP_GENEVE}}};
	for_each_contract(c)
	{
		uint32_t dport = c->own_off - 6;

		if (c->row->udp_port != 4789)
			continue;
		take(1u << c->id);
		make(c);
		world.encap_ports = &ports;
		decap_outer();
		assert_int_equal(n_in, 0);
		assert_int_equal(n_host, 1); /* as any UDP to this node */
		outer.b[dport] = 8472 >> 8;
		outer.b[dport + 1] = 8472 & 0xff;
		decap_outer();
		assert_taken(c);
		world.encap_ports = NULL;
		decap_outer();
		assert_int_equal(n_in, 0);
	}
}

static void udp_checksum_over_ip6_is_right_or_absent(void **state)
{
	(void)state;
	for_each_contract(c)
	{
		uint32_t udp = 14 + 40;
		uint32_t cut = 100;

		if (c->family != SL_FAMILY_IP6 || c->row->udp_port == 0)
			continue;
		take(1u << c->id);
		make(c);
		for (unsigned int i = 0; i < outer.n_layers; i++)
			outer.layer[i].fixed = outer.layer[i].off != udp && outer.layer[i].fixed;
		sl_frame_checksums(&outer);
		assert_true(outer.b[udp + 6] != 0 || outer.b[udp + 7] != 0);
		decap_outer();
		assert_taken(c);
		decap_mbuf(sl_test_mbuf_chain(outer.b, outer.len, &cut, 1));
		assert_taken(c);
		outer.b[outer.len - 1] ^= 1;
		assert_int_equal(decap_outer(), SL_DROP_TUNNEL_CHECKSUM);
		assert_int_equal(decap_mbuf(sl_test_mbuf_chain(outer.b, outer.len, &cut, 1)),
			SL_DROP_TUNNEL_CHECKSUM);
		outer.b[udp + 6] = 0;
		outer.b[udp + 7] = 0;
		assert_int_equal(decap_outer(), SL_KEEP);
	}
}

/* A kernel port may hand over a packet whose checksum was checked, or is not finished. */
static void checksum_that_the_device_vouches_for_is_not_summed(void **state)
{
	const struct contract *c = contract(SL_ENCAP_VXLAN, SL_FAMILY_IP6);
	static const uint64_t flags[] = {
		RTE_MBUF_F_RX_L4_CKSUM_GOOD, RTE_MBUF_F_TX_UDP_CKSUM, RTE_MBUF_F_TX_UDP_SEG};

	(void)state;
	take(1u << c->id);
	make(c);
	outer.b[14 + 40 + 6] = 0x12;
	assert_int_equal(decap_outer(), SL_DROP_TUNNEL_CHECKSUM);
	for (unsigned int i = 0; i < RTE_DIM(flags); i++) {
		struct rte_mbuf *m = exact(&outer);

		m->ol_flags |= flags[i];
		assert_int_equal(decap_mbuf(m), SL_KEEP);
	}
}

static void extension_headers_are_walked(void **state)
{
	(void)state;
	for_each_contract(c)
	{
		if (c->family != SL_FAMILY_IP6 || c->row->udp_port != 4789)
			continue;
		take(1u << c->id);
		sl_frame_udp4(&inner, 20);
		for (unsigned int n = 1; n < 8; n++) {
			static const uint8_t body[30];

			sl_frame_start(&outer);
			sl_frame_eth(&outer, .dst = "02:00:00:00:0b:01");
			sl_frame_ip6(&outer, .src = "2001:db8::1", .dst = "2001:db8::2");
			for (unsigned int i = 0; i < n; i++)
				sl_frame_ip6_ext(&outer, .proto = 60, .body = body, .body_len = 30);
			sl_frame_udp(&outer, .dport = 4789);
			c->wire->own(&outer);
			sl_frame_copy(&outer, &inner, 0);
			sl_frame_end(&outer);
			/* 200 bytes in front of UDP are the limit. */
			assert_int_equal(decap_outer(),
				54 + 32 * n <= 200 ? SL_KEEP : SL_DROP_TUNNEL_MALFORMED);
			if (burst.verdict[0] != SL_KEEP)
				continue;
			assert_taken(c);
			assert_int_equal(removed(), 54 + 32 * n + 16);
		}
	}
}

static void fragments_of_tunnels_are_refused_over_both_families(void **state)
{
	(void)state;
	for_each_contract(c)
	{
		take(1u << c->id);
		make(c);
		if (c->family != SL_FAMILY_IP4)
			continue;
		outer.b[20] = 0x20; /* more fragments */
		while ((outer.len - 34) % 8 != 0)
			sl_frame_payload(&outer, 1);
		sl_frame_end(&outer);
		assert_int_equal(decap_outer(), SL_DROP_TUNNEL_FRAGMENT);
		outer.b[20] = 0;
		outer.b[21] = 9;
		sl_frame_end(&outer);
		assert_int_equal(decap_outer(), SL_DROP_TUNNEL_FRAGMENT);
	}
	sl_frame_start(&outer);
	sl_frame_eth(&outer, .dst = "02:00:00:00:0b:01");
	sl_frame_ip6(&outer, .src = "2001:db8::1", .dst = "2001:db8::2");
	sl_frame_ip6_ext(&outer, .proto = 44, .next = 41, .frag_off = 1, .id = 5);
	sl_frame_payload(&outer, 64);
	sl_frame_end(&outer);
	assert_int_equal(decap_outer(), SL_DROP_TUNNEL_FRAGMENT);
}

static void other_pairs_of_addresses_have_no_network(void **state)
{
	(void)state;
	sl_frame_udp4(&inner, 20);
	for (int i = 0; i < 3; i++) {
		sl_frame_start(&outer);
		sl_frame_eth(&outer, .dst = "02:00:00:00:0b:01");
		sl_frame_ip4(&outer, .src = i == 2 ? "192.0.2.7" : "192.0.2.1",
			.dst = i == 1 ? "192.0.2.8" : "192.0.2.2", .proto = 4);
		sl_frame_copy(&outer, &inner, 14);
		sl_frame_end(&outer);
		assert_int_equal(decap_outer(), i == 0 ? SL_KEEP : SL_DROP_TUNNEL_NETWORK_UNKNOWN);
		assert_int_equal(n_in, i == 0);
	}
}

static void senders_that_are_no_node_are_refused_over_both_families(void **state)
{
	(void)state;
	for_each_contract(c)
	{
		take(1u << c->id);
		make(c);
		outer.b[14 + (c->family == SL_FAMILY_IP4 ? 15 : 23)] = 99;
		sl_frame_checksums(&outer);
		assert_int_equal(decap_outer(), SL_DROP_TUNNEL_SENDER_UNKNOWN);
	}
}

/* IP-in-IP of the host itself, on a port with a host TAP: between other addresses. */
static void hosts_own_ip_in_ip_goes_to_the_host(void **state)
{
	(void)state;
	taps.other[2] = 5;
	world.host_taps = &taps;
	sl_frame_udp4(&inner, 20);
	for (int i = 0; i < 2; i++) {
		sl_frame_start(&outer);
		sl_frame_eth(&outer, .dst = "02:00:00:00:0b:01");
		sl_frame_ip4(&outer, .src = "198.51.100.1", .dst = "192.0.2.2",
			.proto = i == 0 ? 4 : 41);
		sl_frame_copy(&outer, &inner, 14);
		sl_frame_end(&outer);
		assert_int_equal(decap_outer(), SL_KEEP);
		assert_int_equal(n_in, 0);
		assert_int_equal(n_host, 1);
	}
	make(contract(SL_ENCAP_IPIP, SL_FAMILY_IP6));
	decap_outer();
	assert_taken(contract(SL_ENCAP_IPIP, SL_FAMILY_IP6));
}

static void burst_of_all_kinds_is_sorted(void **state)
{
	unsigned int n = 0;

	(void)state;
	take(1 << SL_ENCAP_VXLAN | 1 << SL_ENCAP_VXLAN_GBP | 1 << SL_ENCAP_GENEVE);
	for (unsigned int round = 0; round < 6; round++)
		for_each_contract(c)
		{
			make(c);
			sl_test_burst_add(&burst, exact(&outer));
			n++;
		}
	decap();
	assert_int_equal(n_in, n);
	n = 0;
	for (unsigned int round = 0; round < 6; round++)
		for_each_contract(c)
		{
			assert_int_equal(burst.meta[n].encap, c->id);
			assert_int_equal(burst.meta[n].outer_family, c->family);
			assert_packet_frame(burst.pkt[n], popped(c));
			n++;
		}
}

#define test(f) cmocka_unit_test_setup(f, fresh)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(every_encapsulation_arrives_over_both_families),
		test(every_encapsulation_arrives_the_long_way),
		test(no_truncation_arrives),
		test(counts_are_those_of_the_tunnel),
		test(network_tells_vxlan_from_gbp),
		test(a_bit_is_noted),
		test(network_takes_only_what_it_accepts),
		test(node_may_send_what_its_network_does_not_take_from_others),
		test(ports_are_those_of_the_node),
		test(udp_checksum_over_ip6_is_right_or_absent),
		test(checksum_that_the_device_vouches_for_is_not_summed),
		test(extension_headers_are_walked),
		test(fragments_of_tunnels_are_refused_over_both_families),
		test(other_pairs_of_addresses_have_no_network),
		test(senders_that_are_no_node_are_refused_over_both_families),
		test(hosts_own_ip_in_ip_goes_to_the_host),
		test(burst_of_all_kinds_is_sorted),
	};

	return cmocka_run_group_tests(tests, set_up_world, tear_down_world);
}
