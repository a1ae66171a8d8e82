/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Decap of every encapsulation over both families: which one a packet is, which network it is for, and
 * what it says about its sender.
 */
#include <arpa/inet.h>

#include "decap_scene.h"

#include "pipelines/overlay/tunnel_ctl.h"

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

static void inner_ip_in_geneve_is_noted(void **state)
{
	const struct contract *c = contract(SL_ENCAP_GENEVE, 0);

	(void)state;
	take(1 << SL_ENCAP_GENEVE);
	make(c);
	decap_outer();
	assert_int_equal(burst.meta[0].no_ethernet, 0);
	memmove(outer.b + c->hdr_len, outer.b + c->hdr_len + 14, outer.len - c->hdr_len - 14);
	outer.len -= 14;
	outer.n_layers = n_outer_layers;
	outer.b[c->own_off + 2] = 0x08;
	outer.b[c->own_off + 3] = 0x00;
	sl_frame_end(&outer);
	assert_int_equal(decap_outer(), SL_KEEP);
	assert_int_equal(burst.meta[0].no_ethernet, 1);
	memset(inner.b, 0, 12);
	assert_packet_frame(burst.pkt[0], &inner);
	assert_int_equal(burst.meta[0].carried, 1001);
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
		test(inner_ip_in_geneve_is_noted),
		test(burst_of_all_kinds_is_sorted),
	};

	return cmocka_run_group_tests(tests, set_up_world, tear_down_world);
}
