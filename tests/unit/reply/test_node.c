/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames that arrive at an underlay port: which are accepted. Pings are in test_ping.c. */
#include "pipelines/overlay/tunnel_ctl.h"
#include "underlay_frames.h"

static struct sl_tunnel_seen seen(struct sl_rig *r)
{
	const struct sl_world *w = atomic_load(&sl_rig_pipeline(r)->world);
	struct sl_tunnel_seen s;

	sl_tunnel_seen_sum(
		w->tunnels, sl_tunnel_id(SL_RIG_NODE, SL_ENCAP_VXLAN, SL_FAMILY_IP4), &s);
	return s;
}

/* Every bit of the address counts, in the fast path and in the careful one. */
static void frame_to_another_hosts_mac_is_dropped_whatever_it_carries(void **state)
{
	struct sl_rig *r = *state;

	sl_rig_allow_all(r);
	for (unsigned int kind = 0; kind < 5; kind++)
		for (unsigned int bit = 0; bit < 48; bit++) {
			if (kind == 0)
				tunnel_packet();
			else if (kind == 1)
				ping(.mac = OWN);
			else if (kind == 2)
				arp(OWN, 1);
			else if (kind == 3)
				arp(OWN, 2);
			else
				sl_frame_udp6(&g, 10);
			set_destination(OWN);
			g.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
			if (bit == 0)
				continue; /* a group, see below */
			assert_int_equal(arrives(r), SL_DROP_UNDERLAY_NOT_LOCAL);
			assert_silence(r);
		}
	tunnel_packet();
	assert_int_equal(arrives(r), SL_KEEP);
	assert_true(sl_rig_sent_frame(r, SL_RIG_WEB, &out));
}

/* It is for another host, so its other errors do not matter. */
static void broken_frame_to_another_mac_counts_as_such(void **state)
{
	struct sl_rig *r = *state;

	tunnel_packet();
	set_destination(ANOTHER);
	for (uint32_t len = 6; len < g.len; len++) {
		assert_int_equal(
			sl_rig_send_mbuf(r, SL_RIG_UNDERLAY, sl_test_mbuf_exact(g.b, len, NULL, 0)),
			SL_DROP_UNDERLAY_NOT_LOCAL);
	}
	for (uint32_t len = 1; len < 6; len++)
		assert_int_equal(
			sl_rig_send_mbuf(r, SL_RIG_UNDERLAY, sl_test_mbuf_exact(g.b, len, NULL, 0)),
			SL_DROP_ETH_TRUNCATED);
	sl_frame_start(&g);
	sl_frame_eth(&g, .dst = ANOTHER, .type = 0x88cc);
	sl_frame_payload(&g, 50);
	sl_frame_end(&g);
	assert_int_equal(arrives(r), SL_DROP_UNDERLAY_NOT_LOCAL);
}

static void mac_cut_over_segments_is_compared_whole(void **state)
{
	struct sl_rig *r = *state;

	sl_rig_allow_all(r);
	for (uint32_t cut = 1; cut < 50; cut++) {
		tunnel_packet();
		assert_int_equal(sl_rig_send_mbuf(r, SL_RIG_UNDERLAY,
					 sl_test_mbuf_chain(g.b, g.len, &cut, 1)),
			SL_KEEP);
		assert_true(sl_rig_sent_frame(r, SL_RIG_WEB, &out));
		set_destination(ANOTHER);
		assert_int_equal(sl_rig_send_mbuf(r, SL_RIG_UNDERLAY,
					 sl_test_mbuf_chain(g.b, g.len, &cut, 1)),
			SL_DROP_UNDERLAY_NOT_LOCAL);
	}
}

/* Packets of a burst are compared one by one: an accepted packet must not affect the next. */
static void foreign_frame_behind_a_good_one_is_dropped(void **state)
{
	struct sl_rig *r = *state;
	struct rte_mbuf *m[4];

	sl_rig_allow_all(r);
	for (unsigned int i = 0; i < 4; i++) {
		tunnel_packet();
		if (i % 2)
			set_destination(ANOTHER);
		m[i] = sl_frame_mbuf(&g);
	}
	sl_rig_burst(r, SL_RIG_UNDERLAY, m, 4);
	assert_int_equal(sl_rig_worker(r)->counters.drops[SL_DROP_UNDERLAY_NOT_LOCAL], 2);
	assert_true(sl_rig_sent_frame(r, SL_RIG_WEB, &out));
	assert_true(sl_rig_sent_frame(r, SL_RIG_WEB, &out));
	assert_false(sl_rig_sent_frame(r, SL_RIG_WEB, &out));
}

static void changed_mac_of_the_port_counts_from_the_next_burst_on(void **state)
{
	struct sl_rig *r = *state;

	sl_rig_allow_all(r);
	sl_rig_mac(r, SL_RIG_UNDERLAY, ANOTHER);
	tunnel_packet();
	assert_int_equal(arrives(r), SL_DROP_UNDERLAY_NOT_LOCAL);
	set_destination(ANOTHER);
	assert_int_equal(arrives(r), SL_KEEP);
	ping(.mac = ANOTHER);
	assert_int_equal(arrives(r), SL_KEEP);
	assert_true(sl_rig_sent_frame(r, SL_RIG_UNDERLAY, &out));
	assert_bytes_equal(out.b + 6, 6, "\x02\x00\x00\x00\x0a\x02", 6);
}

static void group_frames_are_dropped_but_for_broadcast_arp_requests(void **state)
{
	static const char *const groups[] = {
		"01:00:5e:00:00:01", "33:33:00:00:00:01", "03:00:00:00:0a:01", "ff:ff:ff:ff:ff:ff"};
	const unsigned int last = RTE_DIM(groups) - 1;
	struct sl_rig *r = *state;

	sl_rig_allow_all(r);
	for (unsigned int i = 0; i <= last; i++) {
		tunnel_packet();
		set_destination(groups[i]);
		assert_int_equal(arrives(r), SL_DROP_MULTICAST);
		ping(.mac = groups[i]);
		assert_int_equal(arrives(r), SL_DROP_MULTICAST);
		arp(groups[i], 2);
		assert_int_equal(arrives(r), SL_DROP_MULTICAST);
		assert_silence(r);
		arp(groups[i], 1);
		assert_int_equal(arrives(r), i == last ? SL_KEEP : SL_DROP_MULTICAST);
	}
	assert_int_equal(rte_ring_count(sl_rig_worker(r)->rings.upcall), 1);
}

static void arp_to_the_own_mac_is_handed_up(void **state)
{
	struct sl_rig *r = *state;

	for (uint16_t op = 1; op <= 2; op++) {
		arp(OWN, op);
		assert_int_equal(arrives(r), SL_KEEP);
		assert_int_equal(rte_ring_count(sl_rig_worker(r)->rings.upcall), op);
	}
}

static void tunnel_packet_from_an_address_that_no_host_has_is_dropped(void **state)
{
	static const struct {
		const char *from;
		enum sl_drop reason;
	} cases[] = {
		/* this node does not tunnel to itself */
		{"192.0.2.1", SL_DROP_TUNNEL_SENDER_UNKNOWN},
		{"192.0.2.9", SL_DROP_TUNNEL_SENDER_UNKNOWN},
		{"192.0.2.255", SL_DROP_TUNNEL_SENDER_UNKNOWN},
		{"0.0.0.0", SL_DROP_IP_ADDRESS},
		{"255.255.255.255", SL_DROP_IP_ADDRESS},
		{"239.1.1.1", SL_DROP_IP_ADDRESS},
		{"127.0.0.1", SL_DROP_IP_ADDRESS},
	};
	struct sl_rig *r = *state;

	sl_rig_allow_all(r);
	for (unsigned int i = 0; i < RTE_DIM(cases); i++) {
		uint32_t from = sl_test_ip4(cases[i].from);

		tunnel_packet();
		memcpy(&g.b[26], &from, 4);
		sl_frame_checksums(&g);
		assert_int_equal(arrives(r), cases[i].reason);
		assert_silence(r);
	}
}

static void tunnel_packet_to_an_address_without_tunnels_is_dropped(void **state)
{
	static const struct {
		const char *to;
		enum sl_drop reason;
	} cases[] = {
		/* this node's address, but for ping only */
		{"192.0.2.9", SL_DROP_UNDERLAY_PROTOCOL},
		{"192.0.2.255", SL_DROP_UNDERLAY_NOT_LOCAL},
		{"255.255.255.255", SL_DROP_UNDERLAY_NOT_LOCAL},
		{"239.1.1.1", SL_DROP_UNDERLAY_NOT_LOCAL},
	};
	struct sl_rig *r = *state;

	sl_rig_allow_all(r);
	for (unsigned int i = 0; i < RTE_DIM(cases); i++) {
		uint32_t to = sl_test_ip4(cases[i].to);

		tunnel_packet();
		memcpy(&g.b[30], &to, 4);
		sl_frame_checksums(&g);
		assert_int_equal(arrives(r), cases[i].reason);
		assert_silence(r);
	}
}

/* RFC 1122 section 3.2.1.7. */
static void outer_ttl_of_zero_is_no_reason_to_drop(void **state)
{
	struct sl_rig *r = *state;

	sl_rig_allow_all(r);
	tunnel_packet();
	g.b[22] = 0;
	sl_frame_checksums(&g);
	assert_int_equal(arrives(r), SL_KEEP);
	assert_true(sl_rig_sent_frame(r, SL_RIG_WEB, &out));
	ping(.mac = OWN);
	g.b[22] = 0;
	sl_frame_checksums(&g);
	assert_int_equal(arrives(r), SL_KEEP);
	assert_true(sl_rig_sent_frame(r, SL_RIG_UNDERLAY, &out));
	assert_int_equal(out.b[22], 64);
}

/* RFC 7348 section 4.1 leaves it to the receiver. With options it takes the careful path. */
static void outer_udp_checksum_is_not_verified(void **state)
{
	static const uint8_t nops[4] = {1, 1, 1, 1};
	struct sl_rig *r = *state;

	sl_rig_allow_all(r);
	for (uint8_t options = 0; options <= 4; options += 4)
		for (unsigned int sum = 0; sum < 3; sum++) {
			far_to_web();
			sl_frame_start(&g);
			sl_frame_eth(&g, .dst = OWN, .src = PEER);
			sl_frame_ip4(&g, .src = "192.0.2.2", .dst = "192.0.2.1", .options = nops,
				.options_len = options);
			sl_frame_udp(&g, .sport = 50000, .dport = 4789, .no_checksum = sum == 0);
			sl_frame_vxlan(&g, .vni = 100);
			sl_frame_copy(&g, &f, 0);
			sl_frame_end(&g);
			if (sum == 2)
				g.b[14 + 20 + options + 6] ^= 0x55;
			assert_int_equal(arrives(r), SL_KEEP);
			assert_true(sl_rig_sent_frame(r, SL_RIG_WEB, &out));
			assert_bytes_equal(out.b, out.len, f.b, f.len);
		}
}

struct error {
	uint8_t type, code;
	uint32_t rest;
	const char *src, *dst; /* of the quoted packet */
	uint16_t dport;
	uint32_t quoted; /* bytes of it */
};

/* Sent by a router on the way. */
static void icmp_error(const struct error *e)
{
	sl_frame_start(&f);
	sl_frame_eth(&f, .dst = PEER, .src = OWN);
	sl_frame_ip4(&f, .src = e->src != NULL ? e->src : "192.0.2.1",
		.dst = e->dst != NULL ? e->dst : "192.0.2.2");
	sl_frame_udp(&f, .sport = 50000, .dport = e->dport != 0 ? e->dport : 4789);
	sl_frame_payload(&f, 60);
	sl_frame_end(&f);
	sl_frame_start(&g);
	sl_frame_eth(&g, .dst = OWN, .src = PEER);
	sl_frame_ip4(&g, .src = "192.0.2.254", .dst = "192.0.2.1");
	sl_frame_icmp(&g, .type = e->type, .code = e->code, .rest = e->rest);
	sl_frame_bytes(&g, f.b + 14, e->quoted != 0 ? e->quoted : 28);
	sl_frame_end(&g);
}

#define icmp_error(...) icmp_error(&(struct error){__VA_ARGS__})

static void error_about_a_tunnel_packet_is_noted_for_its_tunnel(void **state)
{
	struct sl_rig *r = *state;
	struct sl_tunnel_seen s;

	sl_rig_tick(r, 5);
	icmp_error(.type = 3, .code = 3);
	assert_int_equal(arrives(r), SL_DROP_TUNNEL_ERROR);
	s = seen(r);
	assert_int_equal(s.errors, 1);
	assert_int_equal(s.error, sl_tunnel_error(3, 3, 0, sl_test_ip4("192.0.2.254")));
	assert_int_equal(s.error_tick, atomic_load(sl_rig_worker(r)->tick));
	assert_int_equal(s.too_big, 0);
	icmp_error(.type = 3, .code = 4, .rest = 1400);
	assert_int_equal(arrives(r), SL_DROP_TUNNEL_ERROR);
	icmp_error(.type = 11, .code = 0, .rest = 1000); /* this one has no MTU */
	assert_int_equal(arrives(r), SL_DROP_TUNNEL_ERROR);
	s = seen(r);
	assert_int_equal(s.errors, 3);
	assert_int_equal(s.error, sl_tunnel_error(11, 0, 0, sl_test_ip4("192.0.2.254")));
	assert_int_equal((uint32_t)s.too_big, 1400);
	assert_silence(r);
}

static void error_about_anything_else_is_the_links_noise(void **state)
{
	struct sl_rig *r = *state;

	icmp_error(.type = 3, .code = 3, .src = "192.0.2.9"); /* no tunnel address */
	assert_int_equal(arrives(r), SL_DROP_UNDERLAY_PROTOCOL);
	icmp_error(.type = 3, .code = 3, .src = "192.0.2.2", .dst = "192.0.2.1");
	assert_int_equal(arrives(r), SL_DROP_UNDERLAY_PROTOCOL);
	icmp_error(.type = 3, .code = 3, .dst = "192.0.2.77"); /* no node */
	assert_int_equal(arrives(r), SL_DROP_UNDERLAY_PROTOCOL);
	icmp_error(.type = 3, .code = 3, .dport = 53);
	assert_int_equal(arrives(r), SL_DROP_UNDERLAY_PROTOCOL);
	for (uint32_t n = 1; n < 28; n++) {
		icmp_error(.type = 3, .code = 3, .quoted = n);
		assert_int_equal(arrives(r), SL_DROP_UNDERLAY_PROTOCOL);
	}
	icmp_error(.type = 3, .code = 3);
	g.b[g.len - 1] ^= 1; /* checksum */
	assert_int_equal(arrives(r), SL_DROP_L4_MALFORMED);
	assert_int_equal(seen(r).errors, 0);
	assert_silence(r);
}

static void what_goes_through_a_tunnel_is_counted_both_ways(void **state)
{
	struct sl_rig *r = *state;
	struct sl_tunnel_seen s;

	sl_rig_allow_all(r);
	for (unsigned int i = 0; i < 3; i++) {
		web_to_far();
		assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
	}
	s = seen(r);
	assert_int_equal(s.tx_packets, 3);
	assert_int_equal(s.tx_bytes, 3 * f.len);
	assert_int_equal(s.rx_packets, 0);
	tunnel_packet();
	assert_int_equal(arrives(r), SL_KEEP);
	s = seen(r);
	assert_int_equal(s.tx_packets, 3);
	assert_int_equal(s.rx_packets, 1);
	assert_int_equal(s.rx_bytes, f.len);
	sl_rig_discard(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(frame_to_another_hosts_mac_is_dropped_whatever_it_carries),
		T(broken_frame_to_another_mac_counts_as_such),
		T(mac_cut_over_segments_is_compared_whole),
		T(foreign_frame_behind_a_good_one_is_dropped),
		T(changed_mac_of_the_port_counts_from_the_next_burst_on),
		T(group_frames_are_dropped_but_for_broadcast_arp_requests),
		T(arp_to_the_own_mac_is_handed_up),
		T(tunnel_packet_from_an_address_that_no_host_has_is_dropped),
		T(tunnel_packet_to_an_address_without_tunnels_is_dropped),
		T(outer_ttl_of_zero_is_no_reason_to_drop),
		T(outer_udp_checksum_is_not_verified),
		T(error_about_a_tunnel_packet_is_noted_for_its_tunnel),
		T(error_about_anything_else_is_the_links_noise),
		T(what_goes_through_a_tunnel_is_counted_both_ways),
	};

	return cmocka_run_group_tests_name("underlay", tests, sl_test_eal, NULL);
}
