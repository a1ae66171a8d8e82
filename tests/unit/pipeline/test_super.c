/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Super-segments and unfinished checksums on their way through the pipeline: what is settled, what
 * is counted, what fits. See sluice/super.h.
 */
#include "pipeline_test.h"

#include "pipelines/overlay/overlay_dp.h"
#include "pipelines/overlay/tunnel_dp.h"
#include "tests/lib/super.h"

#define SIZE 1448u /* of a segment: an IPv4 packet of 1500 bytes with 12 bytes of options */

static const uint8_t timestamps[12] = {1, 1, 8, 10, 0, 0, 0, 1};

static int setup_offloads(void **state)
{
	struct sl_rig *r = sl_rig_create();

	sl_rig_offloads(r, SL_RIG_WEB);
	sl_rig_offloads(r, SL_RIG_DB);
	sl_rig_offloads(r, SL_RIG_UNDERLAY);
	sl_rig_allow_all(r);
	sl_rig_pickup(r, true);
	*state = r;
	return 0;
}

#define S(name) cmocka_unit_test_setup_teardown(name, setup_offloads, teardown)

static void tcp4(struct sl_frame *frame, const char *dst_mac, const char *dst, uint32_t payload)
{
	sl_frame_start(frame);
	sl_frame_eth(frame, .dst = dst_mac);
	sl_frame_ip4(frame, .dst = dst, .frag = 0x4000);
	sl_frame_tcp(frame, .seq = 1000, .flags = SL_TCP_ACK, .options = timestamps,
		.options_len = sizeof(timestamps));
	sl_frame_payload(frame, payload);
	sl_frame_end(frame);
}

static void to_db(uint32_t payload)
{
	tcp4(&f, "02:00:00:00:00:06", "10.0.0.6", payload);
}

static void to_far(uint32_t payload)
{
	tcp4(&f, "02:00:00:00:00:07", "10.0.0.7", payload);
}

static const struct sl_counters *counters(struct sl_rig *r)
{
	return &sl_rig_worker(r)->counters;
}

static const struct sl_port_counters *port(struct sl_rig *r, uint16_t id)
{
	return &counters(r)->port[id]->n;
}

static enum sl_drop from_web(struct sl_rig *r, struct rte_mbuf *m)
{
	return sl_rig_send_mbuf(r, SL_RIG_WEB, m);
}

static void reaches_a_port_as_it_came(void **state)
{
	struct sl_rig *r = *state;
	struct rte_mbuf *m;

	to_db(60000);
	m = sl_super_mbuf(&f, SIZE);
	assert_true(m->nb_segs > 20);
	assert_int_equal(from_web(r, m), SL_KEEP);
	assert_ptr_equal(sl_rig_sent(r, SL_RIG_DB), m);
	assert_packet_frame(m, &f);
	assert_int_equal(m->ol_flags & (SL_OFFLOADS | RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IPV6),
		RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_IPV4);
	assert_int_equal(m->l2_len, 14);
	assert_int_equal(m->l3_len, 20);
	assert_int_equal(m->l4_len, 32);
	assert_int_equal(m->tso_segsz, SIZE);
	rte_pktmbuf_free(m);
}

/* 60,000 bytes are 41 full segments and 632 bytes: 42 packets, with 66 bytes of headers each. */
static void counts_as_its_packets_on_the_wire(void **state)
{
	struct sl_rig *r = *state;

	to_db(60000);
	assert_int_equal(from_web(r, sl_super_mbuf(&f, SIZE)), SL_KEEP);
	assert_int_equal(counters(r)->received, 42);
	/* The worker counts the first of them. */
	assert_int_equal(port(r, SL_RIG_WEB)->rx_packets, 41);
	assert_int_equal(port(r, SL_RIG_WEB)->rx_bytes, 41 * 66);
}

static void connection_counts_its_packets_on_the_wire(void **state)
{
	struct sl_rig *r = *state;
	struct sl_flow_view v;

	to_db(60000);
	assert_int_equal(from_web(r, sl_super_mbuf(&f, SIZE)), SL_KEEP); /* opens it */
	assert_int_equal(from_web(r, sl_super_mbuf(&f, SIZE)), SL_KEEP); /* finds it */
	sl_rig_touch(r, 5);
	assert_int_equal(from_web(r, sl_super_mbuf(&f, SIZE)), SL_KEEP); /* makes it current */
	assert_true(sl_flow_view_next(sl_rig_pipeline(r)->flows, 0, 100, &v));
	assert_int_equal(v.packets[0] + v.packets[1], 3 * 42);
	assert_int_equal(v.bytes[0] + v.bytes[1], 3 * (60000 + 42 * 66));
}

static void mtu_is_about_the_segments(void **state)
{
	struct sl_rig *r = *state;

	to_db(60000);
	assert_int_equal(from_web(r, sl_super_mbuf(&f, SIZE)), SL_KEEP);
	assert_int_equal(from_web(r, sl_super_mbuf(&f, SIZE + 1)), SL_DROP_MTU_EXCEEDED);
	assert_int_equal(counters(r)->drops[SL_DROP_MTU_EXCEEDED], 42);
	assert_int_equal(port(r, SL_RIG_WEB)->rx_packets, 41 + 41);
}

/* One error for the whole, about the first segment as it would have been on the wire. */
static void too_large_segments_are_answered_with_the_first_of_them(void **state)
{
	struct sl_rig *r = *state;
	static struct sl_frame first, want;

	to_db(60000);
	f.b[sl_super_l4(&f) + 13] |= SL_TCP_PSH | SL_TCP_FIN;
	assert_int_equal(from_web(r, sl_super_mbuf(&f, 1600)), SL_DROP_MTU_EXCEEDED);
	to_db(1600);
	memcpy(&first, &f, sizeof(first));
	assert_true(sl_rig_sent_frame(r, SL_RIG_WEB, &out));
	sl_frame_start(&want);
	sl_frame_eth(&want, .dst = "02:00:00:00:00:05", .src = "02:00:00:00:00:06");
	sl_frame_ip4(&want, .src = "10.0.0.6", .dst = "10.0.0.5");
	sl_frame_icmp(&want, .type = 3, .code = 4, .rest = 1500);
	sl_frame_bytes(&want, first.b + 14, 512);
	sl_frame_end(&want);
	assert_bytes_equal(out.b, out.len, want.b, want.len);
	assert_false(sl_rig_sent_frame(r, SL_RIG_WEB, &out));
}

static void udp6(uint32_t payload)
{
	sl_frame_start(&f);
	sl_frame_eth(&f);
	sl_frame_ip6(&f);
	sl_frame_udp(&f);
	sl_frame_payload(&f, payload);
	sl_frame_end(&f);
}

static void too_large_udp_segments_over_ip6_are_answered_with_the_first(void **state)
{
	struct sl_rig *r = *state;
	static struct sl_frame first, want;

	udp6(30000);
	assert_int_equal(from_web(r, sl_super_mbuf(&f, 1460)), SL_DROP_MTU_EXCEEDED);
	udp6(1460);
	memcpy(&first, &f, sizeof(first));
	assert_true(sl_rig_sent_frame(r, SL_RIG_WEB, &out));
	sl_frame_start(&want);
	sl_frame_eth(&want, .dst = "02:00:00:00:00:05", .src = "02:00:00:00:00:06");
	sl_frame_ip6(&want, .src = "fd00::6", .dst = "fd00::5");
	sl_frame_icmp6(&want, .type = 2, .rest = 1500);
	sl_frame_bytes(&want, first.b + 14, 512);
	sl_frame_end(&want);
	assert_bytes_equal(out.b, out.len, want.b, want.len);
}

static void unfinished_checksums_are_finished_in_quotes(void **state)
{
	struct sl_rig *r = *state;
	static struct sl_frame whole;

	to_db(1600);
	memcpy(&whole, &f, sizeof(whole));
	assert_int_equal(from_web(r, sl_super_mbuf(&f, 0)), SL_DROP_MTU_EXCEEDED);
	assert_true(sl_rig_sent_frame(r, SL_RIG_WEB, &out));
	assert_bytes_equal(out.b + 42, 512, whole.b + 14, 512);
}

/* f from the node. The kernel describes the inner header, at its offset in the whole frame. */
static struct rte_mbuf *from_node(uint16_t size)
{
	struct rte_mbuf *m;

	sl_super_unfinish(&f);
	sl_rig_wrap(&out, &f);
	m = sl_frame_mbuf(&out);
	sl_super_describe(m, &f, size);
	m->l3_len = (m->l3_len + 50u) & 0x1ff;
	return m;
}

static void enters_a_tunnel_whole(void **state)
{
	struct sl_rig *r = *state;
	struct rte_mbuf *m;

	to_far(60000);
	m = sl_super_mbuf(&f, SIZE);
	assert_int_equal(from_web(r, m), SL_KEEP);
	assert_ptr_equal(sl_rig_sent(r, SL_RIG_UNDERLAY), m);
	assert_int_equal(m->pkt_len, f.len + 50);
	assert_int_equal(m->ol_flags & (SL_OFFLOADS | RTE_MBUF_F_TX_TUNNEL_MASK |
					       RTE_MBUF_F_TX_OUTER_IPV4 | RTE_MBUF_F_TX_IPV4),
		RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_TUNNEL_VXLAN |
			RTE_MBUF_F_TX_OUTER_IPV4 | RTE_MBUF_F_TX_IPV4);
	assert_int_equal(m->outer_l2_len, 14);
	assert_int_equal(m->outer_l3_len, 20);
	assert_int_equal(m->l2_len, 8 + 8 + 14);
	assert_int_equal(m->l3_len, 20);
	assert_int_equal(m->l4_len, 32);
	assert_int_equal(sl_super_segments(m), 42);
	assert_int_equal(sl_super_header(m), 50 + 66);
	rte_pktmbuf_free(m);
}

/* With the outer headers it has more bytes than an outer length can say. */
static void enters_a_tunnel_when_it_is_as_large_as_can_be(void **state)
{
	struct sl_rig *r = *state;
	struct rte_mbuf *m;

	to_far(65535 - 52);
	m = sl_super_mbuf(&f, 1400);
	assert_int_equal(from_web(r, m), SL_KEEP);
	assert_ptr_equal(sl_rig_sent(r, SL_RIG_UNDERLAY), m);
	assert_int_equal(m->pkt_len, 65535 + 14 + 50);
	rte_pktmbuf_free(m);
	sl_frame_start(&f);
	sl_frame_eth(&f, .dst = "02:00:00:00:00:07");
	sl_frame_ip4(&f, .dst = "10.0.0.7");
	sl_frame_udp(&f);
	sl_frame_payload(&f, 65535 - 28);
	sl_frame_end(&f);
	assert_int_equal(from_web(r, sl_super_mbuf(&f, 0)), SL_DROP_MTU_EXCEEDED);
}

static void tunnel_counts_packets_on_the_wire(void **state)
{
	struct sl_rig *r = *state;
	const struct sl_world *world = atomic_load(&sl_rig_pipeline(r)->world);
	const struct sl_tunnel_seen *seen =
		&world->tunnels->seen[0][sl_tunnel_id(SL_RIG_NODE, SL_ENCAP_VXLAN, SL_FAMILY_IP4)];

	to_far(60000);
	assert_int_equal(from_web(r, sl_super_mbuf(&f, SIZE)), SL_KEEP);
	assert_int_equal(seen->tx_packets, 42);
	assert_int_equal(seen->tx_bytes, 60000 + 42 * 66);
	sl_frame_start(&f);
	sl_frame_eth(&f, .src = "02:00:00:00:00:07", .dst = "02:00:00:00:00:05");
	sl_frame_ip4(&f, .src = "10.0.0.7", .dst = "10.0.0.5");
	sl_frame_tcp(&f, .sport = 80, .dport = 40000, .seq = 5, .flags = SL_TCP_ACK);
	sl_frame_payload(&f, 50000);
	sl_frame_end(&f);
	assert_int_equal(sl_rig_send_mbuf(r, SL_RIG_UNDERLAY, from_node(1000)), SL_KEEP);
	assert_int_equal(seen->rx_packets, 50);
	assert_int_equal(seen->rx_bytes, 50000 + 50 * 54);
	/* The first packet is the worker's to count. */
	assert_int_equal(port(r, SL_RIG_UNDERLAY)->rx_packets, 49);
	assert_int_equal(port(r, SL_RIG_UNDERLAY)->rx_bytes, 49 * (54 + 50));
}

static void leaves_a_tunnel_whole(void **state)
{
	struct sl_rig *r = *state;
	struct rte_mbuf *m;

	sl_frame_start(&f);
	sl_frame_eth(&f, .src = "02:00:00:00:00:07", .dst = "02:00:00:00:00:05");
	sl_frame_ip6(&f, .src = "fd00::7", .dst = "fd00::5");
	sl_frame_tcp(&f, .sport = 80, .dport = 40000, .flags = SL_TCP_ACK);
	sl_frame_payload(&f, 50000);
	sl_frame_end(&f);
	m = from_node(1000);
	m->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	assert_int_equal(sl_rig_send_mbuf(r, SL_RIG_UNDERLAY, m), SL_KEEP);
	assert_ptr_equal(sl_rig_sent(r, SL_RIG_WEB), m);
	assert_packet_bytes(m, out.b + 50, out.len - 50);
	assert_int_equal(m->l2_len, 14);
	assert_int_equal(m->l3_len, 40);
	assert_int_equal(m->l4_len, 20);
	assert_int_equal(m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_GOOD, 0);
	assert_int_equal(sl_super_segments(m), 50);
	rte_pktmbuf_free(m);
}

static void checksum_of_the_outer_header_is_of_no_use_inside(void **state)
{
	struct sl_rig *r = *state;
	struct rte_mbuf *m;

	far_to_web();
	sl_rig_wrap(&out, &f);
	m = sl_frame_mbuf(&out);
	m->ol_flags = RTE_MBUF_F_TX_UDP_CKSUM;
	m->l2_len = 14;
	m->l3_len = 20;
	assert_int_equal(sl_rig_send_mbuf(r, SL_RIG_UNDERLAY, m), SL_KEEP);
	assert_ptr_equal(sl_rig_sent(r, SL_RIG_WEB), m);
	assert_int_equal(m->ol_flags & SL_OFFLOADS, 0);
	assert_packet_frame(m, &f);
	rte_pktmbuf_free(m);
}

static void one_segment_is_an_ordinary_packet(void **state)
{
	struct sl_rig *r = *state;
	struct rte_mbuf *m;

	to_db(1000);
	m = sl_super_mbuf(&f, 1000);
	assert_int_equal(from_web(r, m), SL_KEEP);
	assert_ptr_equal(sl_rig_sent(r, SL_RIG_DB), m);
	assert_int_equal(m->ol_flags & SL_OFFLOADS, RTE_MBUF_F_TX_TCP_CKSUM);
	assert_int_equal(counters(r)->received, 1);
	rte_pktmbuf_free(m);
}

static void bytes_after_the_packet_are_removed(void **state)
{
	struct sl_rig *r = *state;
	struct rte_mbuf *m;
	uint32_t len;

	to_db(2896);
	len = f.len;
	sl_frame_pad(&f, len + 1448);
	m = sl_super_mbuf(&f, SIZE);
	assert_int_equal(from_web(r, m), SL_KEEP);
	assert_ptr_equal(sl_rig_sent(r, SL_RIG_DB), m);
	assert_packet_bytes(m, f.b, len);
	assert_int_equal(counters(r)->received, 2);
	rte_pktmbuf_free(m);
}

static void headers_in_several_buffers_are_brought_together(void **state)
{
	static const uint32_t cuts[] = {3, 13, 13, 15, 33, 40, 60, 66, 70, 2000, 4000};
	struct sl_rig *r = *state;
	struct rte_mbuf *m;

	to_db(6000);
	sl_super_unfinish(&f);
	m = sl_test_mbuf_chain(f.b, f.len, cuts, RTE_DIM(cuts));
	sl_super_describe(m, &f, SIZE);
	assert_int_equal(from_web(r, m), SL_KEEP);
	assert_ptr_equal(sl_rig_sent(r, SL_RIG_DB), m);
	assert_true(m->data_len >= 66);
	assert_packet_frame(m, &f);
	rte_pktmbuf_free(m);
}

/* Devices that take no chains get a copy, which depends on what is known of a burst's packets. */
static void fragment_that_has_waited_in_two_buffers_leaves_as_a_chain(void **state)
{
	struct sl_rig *r = *state;
	struct sl_frame later;
	uint32_t cut = 40;

	first_fragment(&f);
	later_fragment(&later, 9);
	assert_int_equal(from_web(r, sl_test_mbuf_chain(later.b, later.len, &cut, 1)), SL_KEEP);
	sl_rig_worker(r)->offloads = false; /* its burst is over */
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
	assert_true(sl_rig_worker(r)->offloads);
	for (unsigned int segs = 1; segs <= 2; segs++) {
		struct rte_mbuf *m = sl_rig_sent(r, SL_RIG_DB);

		assert_non_null(m);
		assert_int_equal(m->nb_segs, segs);
		rte_pktmbuf_free(m);
	}
}

static void priority_tag_is_removed_from_it(void **state)
{
	struct sl_rig *r = *state;
	struct rte_mbuf *m;

	sl_frame_start(&f);
	sl_frame_eth(&f);
	sl_frame_vlan(&f, .tci = 0xe000);
	sl_frame_ip4(&f);
	sl_frame_tcp(&f);
	sl_frame_payload(&f, 5000);
	sl_frame_end(&f);
	m = sl_super_mbuf(&f, 1000);
	assert_int_equal(from_web(r, m), SL_KEEP);
	assert_ptr_equal(sl_rig_sent(r, SL_RIG_DB), m);
	assert_int_equal(m->pkt_len, f.len - 4);
	assert_int_equal(m->l2_len + m->l3_len, 34);
	assert_int_equal(counters(r)->received, 5);
	rte_pktmbuf_free(m);
}

/* A following packet is in the buffer in front of this one's data. */
static void shared_buffer_gets_another_in_front(void **state)
{
	struct sl_rig *r = *state;
	struct rte_mbuf *whole, *part = rte_pktmbuf_alloc(sl_test_pool()), *m;

	assert_non_null(part);
	web_to_far();
	whole = sl_frame_mbuf(&f);
	rte_pktmbuf_attach(part, whole);
	assert_int_equal(from_web(r, part), SL_KEEP);
	m = sl_rig_sent(r, SL_RIG_UNDERLAY);
	assert_non_null(m);
	assert_int_equal(m->nb_segs, 2);
	assert_int_equal(m->pkt_len, f.len + 50);
	assert_int_equal(sl_test_mbuf_bytes(m, out.b, sizeof(out.b)), f.len + 50);
	assert_bytes_equal(out.b + 50, f.len, f.b, f.len);
	for (unsigned int i = 1; i <= 50; i++) /* the test library's pattern */
		assert_int_equal(rte_pktmbuf_mtod(whole, uint8_t *)[-(int)i], 0xa5);
	rte_pktmbuf_free(m);
	rte_pktmbuf_free(whole);
}

static void waits_for_its_next_hop_with_its_description(void **state)
{
	struct sl_rig *r = *state;
	struct sl_upcall up;

	sl_rig_tunnel(r, false, true);
	to_far(60000);
	assert_int_equal(from_web(r, sl_super_mbuf(&f, SIZE)), SL_KEEP);
	assert_int_equal(
		rte_ring_sc_dequeue_elem(sl_rig_worker(r)->rings.upcall, &up, sizeof(up)), 0);
	assert_int_equal(sl_super_segments(up.m), 42);
	assert_int_equal(up.m->ol_flags & RTE_MBUF_F_TX_TUNNEL_MASK, RTE_MBUF_F_TX_TUNNEL_VXLAN);
	sl_rig_worker(r)->counters.consumed += 42;
	rte_pktmbuf_free(up.m);
}

/* It leaves after a burst without offloads, and must not be handed to a device as one buffer. */
static void fragment_that_waited_in_several_buffers_is_noted(void **state)
{
	static const uint32_t cuts[] = {60};
	struct sl_rig *r = *state;
	struct rte_mbuf *later;

	later_fragment(&f, 9);
	later = sl_test_mbuf_chain(f.b, f.len, cuts, 1);
	assert_int_equal(from_web(r, later), SL_KEEP);
	sl_rig_worker(r)->offloads = false; /* the flush at the end of a burst */
	first_fragment(&f);
	assert_int_equal(from_web(r, sl_frame_mbuf(&f)), SL_KEEP);
	assert_true(sl_rig_worker(r)->offloads);
	for (unsigned int i = 0; i < 2; i++) {
		struct rte_mbuf *m = sl_rig_sent(r, SL_RIG_DB);

		assert_non_null(m);
		rte_pktmbuf_free(m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		S(reaches_a_port_as_it_came),
		S(counts_as_its_packets_on_the_wire),
		S(connection_counts_its_packets_on_the_wire),
		S(mtu_is_about_the_segments),
		S(too_large_segments_are_answered_with_the_first_of_them),
		S(too_large_udp_segments_over_ip6_are_answered_with_the_first),
		S(unfinished_checksums_are_finished_in_quotes),
		S(enters_a_tunnel_whole),
		S(enters_a_tunnel_when_it_is_as_large_as_can_be),
		S(tunnel_counts_packets_on_the_wire),
		S(leaves_a_tunnel_whole),
		S(checksum_of_the_outer_header_is_of_no_use_inside),
		S(one_segment_is_an_ordinary_packet),
		S(bytes_after_the_packet_are_removed),
		S(headers_in_several_buffers_are_brought_together),
		S(fragment_that_has_waited_in_two_buffers_leaves_as_a_chain),
		S(priority_tag_is_removed_from_it),
		S(shared_buffer_gets_another_in_front),
		S(waits_for_its_next_hop_with_its_description),
		S(fragment_that_waited_in_several_buffers_is_noted),
	};

	return cmocka_run_group_tests_name("super", tests, sl_test_eal, NULL);
}
