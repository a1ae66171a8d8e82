/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets as real peers send them: priority tags, fragments in tunnels, ICMP errors from routers,
 * and networks with an MTU below IPv6's minimum.
 */
#include "pipelines/context/changes.h"
#include "pipelines/fragment/waiting_dp.h"
#include "tests/unit/pipeline/pipeline_test.h"

static struct sl_frame g, h;

/* Priority tags */

/* f with a tag after its MACs. */
static void tag(const struct sl_frame *plain, uint16_t tpid, uint16_t tci, struct sl_frame *to)
{
	const uint8_t bytes[4] = {
		(uint8_t)(tpid >> 8), (uint8_t)tpid, (uint8_t)(tci >> 8), (uint8_t)tci};

	*to = *plain;
	memmove(to->b + 16, to->b + 12, to->len - 12);
	memcpy(to->b + 12, bytes, sizeof(bytes));
	to->len += 4;
}

static const struct {
	uint16_t tpid, tci;
} priority[] = {{0x8100, 0}, {0x8100, 0xa000}, {0x8100, 0x1000}, {0x88a8, 0}, {0x88a8, 0xf000}};

static void priority_tagged_frame_is_an_untagged_one_and_leaves_so(void **state)
{
	struct sl_rig *r = *state;

	sl_rig_allow_all(r);
	web_to_db(40000, 53);
	for (unsigned int i = 0; i < RTE_DIM(priority); i++) {
		tag(&f, priority[i].tpid, priority[i].tci, &g);
		assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &g), SL_KEEP);
		assert_true(sl_rig_sent_frame(r, SL_RIG_DB, &out));
		assert_bytes_equal(out.b, out.len, f.b, f.len);
		tag(&f, priority[i].tpid, priority[i].tci | 1, &g);
		assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &g), SL_DROP_ETH_VLAN_UNEXPECTED);
		tag(&f, priority[i].tpid, 7, &h);
		tag(&h, priority[i].tpid, priority[i].tci, &g);
		assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &g), SL_DROP_ETH_VLAN_UNEXPECTED);
	}
}

static void priority_tagged_tunnel_packet_is_taken_with_the_tag_out_or_inside(void **state)
{
	struct sl_rig *r = *state;

	sl_rig_allow_all(r);
	far_to_web();
	for (unsigned int i = 0; i < RTE_DIM(priority); i++) {
		sl_rig_wrap(&h, &f);
		tag(&h, priority[i].tpid, priority[i].tci, &g);
		assert_int_equal(sl_rig_send(r, SL_RIG_UNDERLAY, &g), SL_KEEP);
		assert_true(sl_rig_sent_frame(r, SL_RIG_WEB, &out));
		assert_bytes_equal(out.b, out.len, f.b, f.len);
		tag(&f, priority[i].tpid, priority[i].tci, &h);
		sl_rig_wrap(&g, &h);
		assert_int_equal(sl_rig_send(r, SL_RIG_UNDERLAY, &g), SL_KEEP);
		assert_true(sl_rig_sent_frame(r, SL_RIG_WEB, &out));
		assert_bytes_equal(out.b, out.len, f.b, f.len);
		tag(&f, priority[i].tpid, 7, &h);
		sl_rig_wrap(&g, &h);
		assert_int_equal(sl_rig_send(r, SL_RIG_UNDERLAY, &g), SL_DROP_ETH_VLAN_UNEXPECTED);
	}
}

static void priority_tagged_arp_and_solicitation_are_answered_untagged(void **state)
{
	struct sl_ip ip = sl_test_ip("fd00::6");
	struct sl_rig *r = *state;

	for (unsigned int v6 = 0; v6 < 2; v6++) {
		sl_frame_start(&f);
		if (v6) {
			sl_frame_eth(&f, .dst = "33:33:ff:00:00:06");
			sl_frame_ip6(&f, .dst = "ff02::1:ff00:6", .hops = 255);
			sl_frame_icmp6(&f, .type = 135);
			sl_frame_bytes(&f, ip.b, 16);
			sl_frame_bytes(&f, "\x01\x01\x02\x00\x00\x00\x00\x05", 8);
		} else {
			sl_frame_eth(&f, .dst = "ff:ff:ff:ff:ff:ff");
			sl_frame_arp(&f);
		}
		sl_frame_end(&f);
		for (unsigned int i = 0; i < RTE_DIM(priority); i++) {
			tag(&f, priority[i].tpid, priority[i].tci, &g);
			assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &g), SL_KEEP);
			assert_true(sl_rig_sent_frame(r, SL_RIG_WEB, &out));
			assert_int_equal(out.len, f.len);
			assert_int_equal(out.b[12] << 8 | out.b[13], v6 ? 0x86dd : 0x0806);
		}
	}
}

/* Fragments */

static uint16_t outer_port(struct sl_rig *r)
{
	assert_true(sl_rig_sent_frame(r, SL_RIG_UNDERLAY, &out));
	return (uint16_t)(out.b[34] << 8 | out.b[35]);
}

static void far_fragment(bool v6, bool first, uint16_t n, uint8_t proto)
{
	sl_frame_start(&f);
	sl_frame_eth(&f, .dst = "02:00:00:00:00:07");
	if (v6) {
		sl_frame_ip6(&f, .dst = "fd00::7");
		sl_frame_ip6_ext(&f, .proto = IPPROTO_FRAGMENT, .frag_off = first ? 1 : 9 << 3,
			.id = n, .next = proto);
	} else {
		sl_frame_ip4(
			&f, .dst = "10.0.0.7", .frag = first ? 0x2000 : 9, .id = n, .proto = proto);
	}
	if (first && proto == IPPROTO_UDP)
		sl_frame_udp(&f, .sport = (uint16_t)(1000 + n));
	if (first && proto == IPPROTO_TCP)
		sl_frame_tcp(&f, .sport = (uint16_t)(1000 + n), .flags = 0x02);
	if (first && proto == IPPROTO_ICMP)
		sl_frame_icmp(&f, .rest = (uint32_t)n << 16);
	if (first && proto == IPPROTO_ICMPV6)
		sl_frame_icmp6(&f, .rest = (uint32_t)n << 16);
	sl_frame_payload(&f, first && proto == IPPROTO_TCP ? 52 : first ? 64 : 40);
	sl_frame_end(&f);
}

static void all_fragments_of_a_datagram_leave_by_one_outer_port(void **state)
{
	static const uint8_t protos[] = {IPPROTO_UDP, IPPROTO_TCP, IPPROTO_ICMP, IPPROTO_ESP};
	struct sl_rig *r = *state;

	sl_rig_allow_all(r);
	for (uint16_t n = 0; n < 64; n++) {
		bool v6 = n & 1;
		uint8_t proto = protos[n / 2 % 4];
		uint16_t first;

		if (proto == IPPROTO_ICMP && v6)
			proto = IPPROTO_ICMPV6;
		far_fragment(v6, true, n, proto);
		assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
		first = outer_port(r);
		/* The next first fragment is a packet of a known connection. */
		far_fragment(v6, true, n, proto);
		assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
		assert_int_equal(outer_port(r), first);
		far_fragment(v6, false, n, proto);
		assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
		assert_int_equal(outer_port(r), first);
	}
}

static void later_fragment_that_came_first_follows_all_the_same(void **state)
{
	struct sl_rig *r = *state;

	sl_rig_allow_all(r);
	for (uint16_t n = 0; n < 8; n++) {
		bool v6 = n & 1, busy = n & 2;

		far_fragment(v6, false, n, IPPROTO_UDP);
		assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
		assert_int_equal(sl_rig_spare(r), SL_KEEP);
		assert_null(sl_rig_sent(r, SL_RIG_UNDERLAY));
		h = f;
		sl_rig_tick(r, SL_WAITING_TICKS - 1);
		far_fragment(v6, true, n, IPPROTO_UDP);
		assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
		assert_true(sl_rig_sent_frame(r, SL_RIG_UNDERLAY, &out));
		if (busy) { /* other packets come */
			web_to_db(40000, 53);
			sl_rig_send(r, SL_RIG_WEB, &f);
		} else {
			assert_int_equal(sl_rig_spare(r), SL_KEEP);
		}
		assert_true(sl_rig_sent_frame(r, SL_RIG_UNDERLAY, &out));
		assert_bytes_equal(out.b + 50, out.len - 50, h.b, h.len);
		sl_rig_discard(r);
	}
}

static void who_waits_in_vain_is_dropped_once(void **state)
{
	struct sl_rig *r = *state;

	sl_rig_allow_all(r);
	far_fragment(false, false, 1, IPPROTO_UDP);
	assert_int_equal(sl_rig_send_in_vain(r, SL_RIG_WEB, &f), SL_DROP_FRAGMENT_UNKNOWN);
	assert_int_equal(sl_rig_spare(r), SL_KEEP);
	/* The first fragment is denied. */
	allow_web_to_db(r);
	far_fragment(false, false, 2, IPPROTO_TCP);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
	make_udp("02:00:00:00:00:06", "02:00:00:00:00:05", "10.0.0.6", "10.0.0.5", 1, 2);
	f.b[14 + 6] = 0x20; /* more fragments */
	sl_frame_checksums(&f);
	sl_rig_send(r, SL_RIG_DB, &f);
	sl_rig_tick(r, SL_WAITING_TICKS);
	assert_int_equal(sl_rig_spare(r), SL_DROP_FRAGMENT_UNKNOWN);
}

static void who_waits_does_not_outlive_what_it_was_sent_for(void **state)
{
	struct sl_rig *r = *state;

	sl_rig_allow_all(r);
	for (unsigned int concerned = 0; concerned < 2; concerned++) {
		far_fragment(false, false, 1, IPPROTO_UDP);
		assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
		sl_rig_touch(
			r, sl_change_of_ip4(1, sl_test_ip4(concerned ? "10.0.0.5" : "10.0.0.99")));
		far_fragment(false, true, 1, IPPROTO_UDP);
		assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f),
			concerned ? SL_DROP_FRAGMENT_UNKNOWN : SL_KEEP);
		sl_rig_discard(r);
		far_fragment(false, false, 1, IPPROTO_UDP);
		assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
		assert_true(sl_rig_sent_frame(r, SL_RIG_UNDERLAY, &out));
		/* The decision about this datagram is forgotten by now. */
		sl_rig_tick(r, 2 * SL_TICKS_PER_SECOND);
	}
}

static void those_that_wait_are_bounded_and_the_oldest_gives_way(void **state)
{
	struct sl_rig *r = *state;
	unsigned int dropped = 0;

	sl_rig_allow_all(r);
	for (uint16_t n = 0; n < SL_WAITING_MAX + 10; n++) {
		far_fragment(false, false, n, IPPROTO_UDP);
		dropped += sl_rig_send(r, SL_RIG_WEB, &f) == SL_DROP_FRAGMENT_UNKNOWN;
	}
	assert_int_equal(dropped, 10);
	assert_int_equal(sl_rig_pipeline(r)->waiting[0]->n, SL_WAITING_MAX);
}

static void the_sample_of_one_that_waited_names_the_network_it_came_in_by(void **state)
{
	struct sl_rig *r = *state;
	struct sl_pipeline *p = sl_rig_pipeline(r);
	const struct sl_world *before = atomic_load(&p->world);
	const uint32_t another[SL_PORTS_MAX] = {
		[SL_RIG_WEB] = before->port_network[SL_RIG_WEB] + 1};
	struct sl_world after = *before;
	struct sl_sample s;

	far_fragment(false, false, 1, IPPROTO_UDP);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
	after.port_network = another;
	atomic_store(&p->world, &after);
	sl_rig_tick(r, SL_WAITING_TICKS);
	assert_int_equal(sl_rig_spare(r), SL_DROP_FRAGMENT_UNKNOWN);
	atomic_store(&p->world, before);
	assert_int_equal(
		rte_ring_sc_dequeue_elem(sl_rig_worker(r)->samples.ring, &s, sizeof(s)), 0);
	assert_int_equal(s.reason, SL_DROP_FRAGMENT_UNKNOWN);
	assert_int_equal(s.network, before->port_network[SL_RIG_WEB]);
}

/* MTU */

static enum sl_drop send_sized(struct sl_rig *r, bool v6, uint32_t len)
{
	enum sl_drop drop;

	sl_frame_start(&f);
	sl_frame_eth(&f);
	if (v6)
		sl_frame_ip6(&f);
	else
		sl_frame_ip4(&f);
	sl_frame_udp(&f);
	sl_frame_payload(&f, len - 8 - (v6 ? 40 : 20));
	sl_frame_end(&f);
	drop = sl_rig_send(r, SL_RIG_WEB, &f);
	sl_rig_discard(r);
	return drop;
}

static void a_small_network_mtu_leaves_ip6_what_every_link_must_carry(void **state)
{
	struct sl_rig *r = *state;

	sl_rig_allow_all(r);
	sl_rig_network_mtu(r, 1200);
	assert_int_equal(send_sized(r, false, 1200), SL_KEEP);
	assert_int_equal(send_sized(r, false, 1201), SL_DROP_MTU_EXCEEDED);
	assert_int_equal(send_sized(r, true, 1280), SL_KEEP);
	assert_int_equal(send_sized(r, true, 1281), SL_DROP_MTU_EXCEEDED);
}

static void an_answer_that_no_buffer_is_free_for_is_counted(void **state)
{
	struct sl_rig *r = *state;
	struct sl_worker *w = sl_rig_worker(r);
	struct rte_mempool *pool = w->pool,
			   *empty = rte_pktmbuf_pool_create("empty", 1, 0, 0, 256, SOCKET_ID_ANY);
	struct rte_mbuf *m = rte_pktmbuf_alloc(empty);

	assert_non_null(m);
	sl_rig_allow_all(r);
	sl_rig_network_mtu(r, 1200);
	assert_int_equal(send_sized(r, false, 1201), SL_DROP_MTU_EXCEEDED);
	assert_int_equal(w->counters.no_buffer, 0);
	w->pool = empty;
	sl_rig_tick(r, SL_TICKS_PER_SECOND);
	assert_int_equal(send_sized(r, false, 1201), SL_DROP_MTU_EXCEEDED);
	assert_int_equal(w->counters.no_buffer, 1);
	w->pool = pool;
	rte_pktmbuf_free(m);
	rte_mempool_free(empty);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(priority_tagged_frame_is_an_untagged_one_and_leaves_so),
		T(priority_tagged_tunnel_packet_is_taken_with_the_tag_out_or_inside),
		T(priority_tagged_arp_and_solicitation_are_answered_untagged),
		T(all_fragments_of_a_datagram_leave_by_one_outer_port),
		T(later_fragment_that_came_first_follows_all_the_same),
		T(who_waits_in_vain_is_dropped_once),
		T(who_waits_does_not_outlive_what_it_was_sent_for),
		T(those_that_wait_are_bounded_and_the_oldest_gives_way),
		T(the_sample_of_one_that_waited_names_the_network_it_came_in_by),
		T(a_small_network_mtu_leaves_ip6_what_every_link_must_carry),
		T(an_answer_that_no_buffer_is_free_for_is_counted),
	};

	return cmocka_run_group_tests_name("wire", tests, sl_test_eal, NULL);
}
