/* SPDX-License-Identifier: BSD-3-Clause */
/* Outer headers that are unlike the common ones: checksums, extension headers, fragments, addresses. */
#include <arpa/inet.h>

#include "decap_scene.h"

#include "pipelines/overlay/tunnel_ctl.h"

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

#define test(f) cmocka_unit_test_setup(f, fresh)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(udp_checksum_over_ip6_is_right_or_absent),
		test(checksum_that_the_device_vouches_for_is_not_summed),
		test(extension_headers_are_walked),
		test(fragments_of_tunnels_are_refused_over_both_families),
		test(other_pairs_of_addresses_have_no_network),
		test(senders_that_are_no_node_are_refused_over_both_families),
		test(hosts_own_ip_in_ip_goes_to_the_host),
	};

	return cmocka_run_group_tests(tests, set_up_world, tear_down_world);
}
