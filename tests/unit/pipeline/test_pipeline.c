/* SPDX-License-Identifier: BSD-3-Clause */
/* The packet's whole trip: which packets leave, where, and with what contents. */
#include "pipelines/reply/reply_state.h"
#include "pipeline_test.h"

static struct sl_frame g;

static void allowed_packet_reaches_the_local_endpoint_unchanged(void **state)
{
	struct sl_rig *r = *state;
	struct rte_mbuf *m;

	allow_web_to_db(r);
	web_to_db(40000, 53);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
	m = sl_rig_sent(r, SL_RIG_DB);
	assert_non_null(m);
	assert_packet_frame(m, &f);
	rte_pktmbuf_free(m);
}

static void reply_to_an_allowed_connection_passes(void **state)
{
	struct sl_rig *r = *state;

	allow_web_to_db(r);
	web_to_db(40000, 53);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
	db_to_web(53, 40000);
	assert_int_equal(sl_rig_send(r, SL_RIG_DB, &f), SL_KEEP);
	assert_true(sl_rig_sent_frame(r, SL_RIG_WEB, &out));
}

static void connection_opened_by_the_other_end_is_denied(void **state)
{
	struct sl_rig *r = *state;

	allow_web_to_db(r);
	db_to_web(53, 40000);
	assert_int_equal(sl_rig_send(r, SL_RIG_DB, &f), SL_DROP_POLICY_EGRESS);
}

static void policy_change_stops_an_established_connection_on_its_next_packet(void **state)
{
	struct sl_rig *r = *state;

	allow_web_to_db(r);
	web_to_db(40000, 53);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
	sl_rig_policies(r, NULL, 0);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_DROP_POLICY_EGRESS);
	db_to_web(53, 40000);
	assert_int_equal(sl_rig_send(r, SL_RIG_DB, &f), SL_DROP_POLICY_EGRESS);
}

static void unrelated_policy_change_keeps_the_connection_and_its_direction(void **state)
{
	struct sl_rig *r = *state;

	allow_web_to_db(r);
	web_to_db(40000, 53);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
	allow_web_to_db(r);
	/* The first packet after the change is a reply: it is judged as a reply,
	 * not as an opening. */
	db_to_web(53, 40000);
	assert_int_equal(sl_rig_send(r, SL_RIG_DB, &f), SL_KEEP);
}

static void observe_forwards_what_enforce_denies(void **state)
{
	struct sl_rig *r = *state;

	sl_rig_mode(r, SL_MODE_OBSERVE);
	web_to_db(40000, 99);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
	sl_rig_mode(r, SL_MODE_ENFORCE);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_DROP_POLICY_EGRESS);
}

static void known_flow_with_another_mac_or_port_is_spoofed(void **state)
{
	struct sl_rig *r = *state;

	allow_web_to_db(r);
	web_to_db(40000, 53);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
	assert_int_equal(sl_rig_send(r, SL_RIG_DB, &f), SL_DROP_SPOOFED);
	f.b[11] = 0x66;
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_DROP_SPOOFED);
}

static void packet_to_a_remote_endpoint_leaves_in_vxlan(void **state)
{
	struct sl_rig *r = *state;

	sl_rig_allow_all(r);
	web_to_far();
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
	assert_true(sl_rig_sent_frame(r, SL_RIG_UNDERLAY, &out));
	assert_int_equal(out.len, f.len + 50);
	assert_bytes_equal(out.b + 50, f.len, f.b, f.len);
	assert_bytes_equal(out.b, 6, "\x02\x00\x00\x00\x0b\x01", 6);
	assert_bytes_equal(out.b + 46, 3, "\x00\x00\x64", 3); /* VNI 100 */
}

static void packet_from_a_tunnel_reaches_the_local_endpoint_bare(void **state)
{
	struct sl_rig *r = *state;

	sl_rig_allow_all(r);
	far_to_web();
	sl_rig_wrap(&g, &f);
	assert_int_equal(sl_rig_send(r, SL_RIG_UNDERLAY, &g), SL_KEEP);
	assert_true(sl_rig_sent_frame(r, SL_RIG_WEB, &out));
	assert_bytes_equal(out.b, out.len, f.b, f.len);
}

static void sender_behind_a_tunnel_cannot_claim_a_local_address(void **state)
{
	struct sl_rig *r = *state;

	sl_rig_allow_all(r);
	db_to_web(53, 40000);
	sl_rig_wrap(&g, &f);
	assert_int_equal(sl_rig_send(r, SL_RIG_UNDERLAY, &g), SL_DROP_SPOOFED);
}

static void unresolved_next_hop_hands_the_packet_up_encapsulated(void **state)
{
	struct sl_rig *r = *state;
	struct sl_upcall up;

	sl_rig_allow_all(r);
	sl_rig_tunnel(r, false, true);
	web_to_far();
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
	assert_int_equal(
		rte_ring_sc_dequeue_elem(sl_rig_worker(r)->rings.upcall, &up, sizeof(up)), 0);
	assert_int_equal(up.kind, SL_UPCALL_UNRESOLVED);
	assert_int_equal(rte_pktmbuf_pkt_len(up.m), f.len + 50);
	rte_pktmbuf_free(up.m);
	sl_rig_worker(r)->counters.consumed++;
}

static void arp_request(const char *target)
{
	sl_frame_start(&f);
	sl_frame_eth(&f, .dst = "ff:ff:ff:ff:ff:ff");
	sl_frame_arp(&f, .target = target);
	sl_frame_end(&f);
}

static void arp_for_a_remote_endpoint_is_answered_here(void **state)
{
	struct sl_rig *r = *state;

	arp_request("10.0.0.7");
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
	assert_null(sl_rig_sent(r, SL_RIG_UNDERLAY));
	assert_true(sl_rig_sent_frame(r, SL_RIG_WEB, &out));
	sl_frame_start(&g);
	sl_frame_eth(&g, .dst = "02:00:00:00:00:05", .src = "02:00:00:00:00:07");
	sl_frame_arp(&g, .op = 2, .sender_mac = "02:00:00:00:00:07", .sender = "10.0.0.7",
		.target_mac = "02:00:00:00:00:05", .target = "10.0.0.5");
	sl_frame_end(&g);
	assert_bytes_equal(out.b, 42, g.b, 42);
}

static void arp_from_a_tunnel_is_answered_into_the_tunnel(void **state)
{
	struct sl_rig *r = *state;

	sl_frame_start(&f);
	sl_frame_eth(&f, .dst = "ff:ff:ff:ff:ff:ff", .src = "02:00:00:00:00:07");
	sl_frame_arp(
		&f, .sender_mac = "02:00:00:00:00:07", .sender = "10.0.0.7", .target = "10.0.0.5");
	sl_frame_end(&f);
	sl_rig_wrap(&g, &f);
	assert_int_equal(sl_rig_send(r, SL_RIG_UNDERLAY, &g), SL_KEEP);
	assert_true(sl_rig_sent_frame(r, SL_RIG_UNDERLAY, &out));
	assert_bytes_equal(out.b + 50, 6, "\x02\x00\x00\x00\x00\x07", 6);
	assert_int_equal(out.b[50 + 21], 2);
}

static void neighbour_solicitation_is_answered_with_a_valid_checksum(void **state)
{
	struct sl_rig *r = *state;
	struct sl_ip target = sl_test_ip("fd00::7");

	sl_frame_start(&f);
	sl_frame_eth(&f, .dst = "33:33:ff:00:00:07");
	sl_frame_ip6(&f, .dst = "ff02::1:ff00:7", .hops = 255);
	sl_frame_icmp6(&f, .type = 135);
	sl_frame_bytes(&f, target.b, 16);
	sl_frame_bytes(&f, "\x01\x01\x02\x00\x00\x00\x00\x05", 8);
	sl_frame_end(&f);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
	assert_true(sl_rig_sent_frame(r, SL_RIG_WEB, &out));

	sl_frame_start(&g);
	sl_frame_eth(&g, .dst = "02:00:00:00:00:05", .src = "02:00:00:00:00:07");
	sl_frame_ip6(&g, .src = "fd00::7", .dst = "fd00::5", .hops = 255);
	sl_frame_icmp6(&g, .type = 136, .rest = 0x60000000);
	sl_frame_bytes(&g, target.b, 16);
	sl_frame_bytes(&g, "\x02\x01\x02\x00\x00\x00\x00\x07", 8);
	sl_frame_end(&g);
	assert_bytes_equal(out.b, out.len, g.b, g.len);
}

static void router_solicitation_is_multicast_that_nobody_answers(void **state)
{
	struct sl_rig *r = *state;

	sl_frame_start(&f);
	sl_frame_eth(&f, .dst = "33:33:00:00:00:02");
	sl_frame_ip6(&f, .dst = "ff02::2", .hops = 255);
	sl_frame_icmp6(&f, .type = 133);
	sl_frame_bytes(&f, "\x01\x01\x02\x00\x00\x00\x00\x05", 8);
	sl_frame_end(&f);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_DROP_MULTICAST);
}

static void ping_of_the_nodes_own_address_is_answered(void **state)
{
	struct sl_rig *r = *state;

	sl_frame_start(&f);
	sl_frame_eth(&f, .dst = "02:00:00:00:0a:01", .src = "02:00:00:00:0b:01");
	sl_frame_ip4(&f, .src = "192.0.2.2", .dst = "192.0.2.1");
	sl_frame_icmp(&f, .rest = 0x12340001);
	sl_frame_payload(&f, 56);
	sl_frame_end(&f);
	assert_int_equal(sl_rig_send(r, SL_RIG_UNDERLAY, &f), SL_KEEP);
	assert_true(sl_rig_sent_frame(r, SL_RIG_UNDERLAY, &out));
	sl_frame_start(&g);
	sl_frame_eth(&g, .dst = "02:00:00:00:0b:01", .src = "02:00:00:00:0a:01");
	sl_frame_ip4(&g, .src = "192.0.2.1", .dst = "192.0.2.2");
	sl_frame_icmp(&g, .type_zero = true, .rest = 0x12340001);
	sl_frame_payload(&g, 56);
	sl_frame_end(&g);
	assert_bytes_equal(out.b, out.len, g.b, g.len);
}

static void too_large_packet_brings_frag_needed_with_the_ways_mtu(void **state)
{
	struct sl_rig *r = *state;

	sl_rig_allow_all(r);
	sl_rig_network_mtu(r, 1400);
	sl_frame_start(&f);
	sl_frame_eth(&f, .dst = "02:00:00:00:00:07");
	sl_frame_ip4(&f, .dst = "10.0.0.7", .frag = 0x4000);
	sl_frame_udp(&f);
	sl_frame_payload(&f, 1401 - 28);
	sl_frame_end(&f);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_DROP_MTU_EXCEEDED);
	assert_null(sl_rig_sent(r, SL_RIG_UNDERLAY));
	assert_true(sl_rig_sent_frame(r, SL_RIG_WEB, &out));

	sl_frame_start(&g);
	sl_frame_eth(&g, .dst = "02:00:00:00:00:05", .src = "02:00:00:00:00:07");
	sl_frame_ip4(&g, .src = "10.0.0.7", .dst = "10.0.0.5");
	sl_frame_icmp(&g, .type = 3, .code = 4, .rest = 1400);
	sl_frame_bytes(&g, f.b + 14, 512);
	sl_frame_end(&g);
	assert_bytes_equal(out.b, out.len, g.b, g.len);
}

static void packet_of_exactly_the_mtu_passes(void **state)
{
	struct sl_rig *r = *state;

	sl_rig_allow_all(r);
	sl_rig_network_mtu(r, 1400);
	sl_frame_udp4(&f, 1400 - 28);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
}

static void frag_needed_is_limited_a_tick(void **state)
{
	struct sl_rig *r = *state;
	unsigned int answers = 0;

	sl_rig_allow_all(r);
	sl_rig_network_mtu(r, 1400);
	sl_frame_udp4(&f, 1450);
	for (unsigned int i = 0; i < 300; i++) {
		assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_DROP_MTU_EXCEEDED);
		answers += sl_rig_sent_frame(r, SL_RIG_WEB, &out);
	}
	assert_int_equal(answers, 100);
}

static void frag_needed_of_one_network_leaves_the_others_theirs(void **state)
{
	struct sl_icmp_rate *rate = &sl_rig_pipeline(*state)->replies[0]->icmp_rate;
	unsigned int own = 0, others = 0;

	for (unsigned int i = 0; i < 100000; i++)
		own += sl_icmp_rate_allows(rate, 7, 1);
	for (unsigned int i = 0; i < 300; i++)
		others += sl_icmp_rate_allows(rate, 7, 2);
	assert_int_equal(own, 100);
	assert_int_equal(others, 100);
	assert_true(sl_icmp_rate_allows(rate, 8, 1));
}

static void icmp_error_about_a_connection_passes_and_no_other(void **state)
{
	struct sl_rig *r = *state;

	allow_web_to_db(r);
	web_to_db(40000, 53);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
	db_answers_unreachable(&g);
	assert_int_equal(sl_rig_send(r, SL_RIG_DB, &g), SL_KEEP);
	assert_true(sl_rig_sent_frame(r, SL_RIG_WEB, &out));
	/* Quotes a packet that was never sent. */
	g.b[14 + 20 + 8 + 21] ^= 1;
	sl_frame_checksums(&g);
	assert_int_equal(sl_rig_send(r, SL_RIG_DB, &g), SL_DROP_ICMP_UNRELATED);
}

static void mac_split_over_two_segments_is_judged_as_it_leaves(void **state)
{
	struct sl_rig *r = *state;
	struct rte_mbuf *m;
	uint32_t cut = 1;

	allow_web_to_db(r);
	web_to_db(40000, 53);
	m = sl_test_mbuf_chain(f.b, f.len, &cut, 1);
	assert_int_equal(sl_rig_send_mbuf(r, SL_RIG_WEB, m), SL_KEEP);
	f.b[11] = 0x99; /* not the endpoint's */
	m = sl_test_mbuf_chain(f.b, f.len, &cut, 1);
	assert_int_equal(sl_rig_send_mbuf(r, SL_RIG_WEB, m), SL_DROP_SPOOFED);
}

static void later_fragment_may_not_reach_into_the_first(void **state)
{
	struct sl_rig *r = *state;

	allow_web_to_db(r);
	first_fragment(&f);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
	later_fragment(&g, 8);
	assert_int_equal(sl_rig_send_in_vain(r, SL_RIG_WEB, &g), SL_DROP_FRAGMENT_UNKNOWN);
}

static void later_fragment_follows_its_first_and_no_other(void **state)
{
	struct sl_rig *r = *state;

	allow_web_to_db(r);
	first_fragment(&f);
	later_fragment(&g, 9);
	assert_int_equal(sl_rig_send_in_vain(r, SL_RIG_WEB, &g), SL_DROP_FRAGMENT_UNKNOWN);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &g), SL_KEEP);
	/* The same identification from another port belongs to another sender. */
	assert_int_equal(sl_rig_send_in_vain(r, SL_RIG_DB, &g), SL_DROP_FRAGMENT_UNKNOWN);
}

static void burst_of_all_kinds_is_accounted_to_the_last_packet(void **state)
{
	struct sl_rig *r = *state;
	struct rte_mbuf *m[SL_BURST_MAX];

	sl_rig_allow_all(r);
	for (unsigned int i = 0; i < SL_BURST_MAX; i++) {
		switch (i % 4) {
		case 0:
			web_to_db((uint16_t)(1000 + i), 53);
			break;
		case 1:
			web_to_far();
			break;
		case 2:
			arp_request("10.0.0.6");
			break;
		default:
			sl_frame_udp4(&f, 10);
			f.len = 20;
		}
		m[i] = sl_frame_mbuf(&f);
	}
	sl_rig_burst(r, SL_RIG_WEB, m, SL_BURST_MAX);
	for (unsigned int i = 0; i < 16; i++) {
		assert_true(sl_rig_sent_frame(r, SL_RIG_DB, &out));
		assert_true(sl_rig_sent_frame(r, SL_RIG_UNDERLAY, &out));
		assert_true(sl_rig_sent_frame(r, SL_RIG_WEB, &out));
	}
	assert_int_equal(sl_rig_worker(r)->counters.drops[SL_DROP_IP4_TRUNCATED], 16);
}

/* One packet of each kind that gets an early verdict, between packets with one way out. */
static struct rte_mbuf *one_of_each_kind(unsigned int i)
{
	switch (i % 8) {
	case 1: /* denied */
		web_to_db((uint16_t)(2000 + i), 80);
		break;
	case 2:
		make_udp("02:00:00:00:00:05", "33:33:00:00:00:01", "10.0.0.5", "10.0.0.6", 1, 53);
		break;
	case 3: /* spoofed */
		make_udp("02:00:00:00:00:99", "02:00:00:00:00:06", "10.0.0.5", "10.0.0.6", 1, 53);
		break;
	case 5: /* waits */
		later_fragment(&f, (uint16_t)(9 + i));
		f.b[18] = 1; /* of another datagram */
		sl_frame_checksums(&f);
		break;
	case 6:
		arp_request("10.0.0.99");
		break;
	default:
		web_to_db((uint16_t)(1000 + i), 53);
	}
	return sl_frame_mbuf(&f);
}

static void verdicts_of_every_stage_hold_back_their_own_packets_only(void **state)
{
	struct sl_rig *r = *state;
	const struct sl_counters *c = &sl_rig_worker(r)->counters;
	struct rte_mbuf *m[SL_BURST_MAX];

	allow_web_to_db(r);
	for (unsigned int round = 1; round <= 2; round++) { /* new connections, and known ones */
		for (unsigned int i = 0; i < SL_BURST_MAX; i++)
			m[i] = one_of_each_kind(i);
		sl_rig_burst(r, SL_RIG_WEB, m, SL_BURST_MAX);
		for (unsigned int i = 0; i < SL_BURST_MAX; i++) {
			if (i % 8 != 0 && i % 8 != 4 && i % 8 != 7)
				continue;
			web_to_db((uint16_t)(1000 + i), 53);
			m[0] = sl_rig_sent(r, SL_RIG_DB);
			assert_non_null(m[0]);
			assert_packet_frame(m[0], &f);
			rte_pktmbuf_free(m[0]);
		}
		assert_false(sl_rig_sent_frame(r, SL_RIG_DB, &out));
		assert_int_equal(c->drops[SL_DROP_POLICY_INGRESS], 8 * round);
		assert_int_equal(c->drops[SL_DROP_MULTICAST], 8 * round);
		assert_int_equal(c->drops[SL_DROP_SPOOFED], 8 * round);
		assert_int_equal(c->drops[SL_DROP_ARP_UNANSWERED], 8 * round);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(allowed_packet_reaches_the_local_endpoint_unchanged),
		T(reply_to_an_allowed_connection_passes),
		T(connection_opened_by_the_other_end_is_denied),
		T(policy_change_stops_an_established_connection_on_its_next_packet),
		T(unrelated_policy_change_keeps_the_connection_and_its_direction),
		T(observe_forwards_what_enforce_denies),
		T(known_flow_with_another_mac_or_port_is_spoofed),
		T(packet_to_a_remote_endpoint_leaves_in_vxlan),
		T(packet_from_a_tunnel_reaches_the_local_endpoint_bare),
		T(sender_behind_a_tunnel_cannot_claim_a_local_address),
		T(unresolved_next_hop_hands_the_packet_up_encapsulated),
		T(arp_for_a_remote_endpoint_is_answered_here),
		T(arp_from_a_tunnel_is_answered_into_the_tunnel),
		T(neighbour_solicitation_is_answered_with_a_valid_checksum),
		T(router_solicitation_is_multicast_that_nobody_answers),
		T(ping_of_the_nodes_own_address_is_answered),
		T(too_large_packet_brings_frag_needed_with_the_ways_mtu),
		T(packet_of_exactly_the_mtu_passes),
		T(frag_needed_is_limited_a_tick),
		T(frag_needed_of_one_network_leaves_the_others_theirs),
		T(icmp_error_about_a_connection_passes_and_no_other),
		T(mac_split_over_two_segments_is_judged_as_it_leaves),
		T(later_fragment_may_not_reach_into_the_first),
		T(later_fragment_follows_its_first_and_no_other),
		T(burst_of_all_kinds_is_accounted_to_the_last_packet),
		T(verdicts_of_every_stage_hold_back_their_own_packets_only),
	};

	return cmocka_run_group_tests_name("pipeline", tests, sl_test_eal, NULL);
}
