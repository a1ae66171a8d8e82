/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Endpoints in VLANs, through the whole pipeline: db is in VLAN 7 of its port. Frames are compared
 * byte by byte; super-segments keep descriptions that fit their tagged frame.
 */
#include "pipeline_test.h"
#include "sluice/super.h"

enum { VLAN = 7, TAG = 4, MACS = 12 };

static const uint8_t tag[TAG] = {0x81, 0x00, 0x00, VLAN};

static int setup_trunk(void **state)
{
	setup(state);
	sl_rig_vlan(*state, SL_RIG_DB, VLAN);
	sl_rig_allow_all(*state);
	return 0;
}

/* Puts a tag into f, as a workload behind a trunk sends it. */
static void put_tag(uint16_t vlan)
{
	memmove(f.b + MACS + TAG, f.b + MACS, f.len - MACS);
	memcpy(f.b + MACS, tag, TAG);
	f.b[MACS + 2] = (uint8_t)(vlan >> 8);
	f.b[MACS + 3] = (uint8_t)vlan;
	f.len += TAG;
}

static void assert_tagged_copy(const struct sl_frame *plain)
{
	assert_int_equal(out.len, plain->len + TAG);
	assert_memory_equal(out.b, plain->b, MACS);
	assert_memory_equal(out.b + MACS, tag, TAG);
	assert_memory_equal(out.b + MACS + TAG, plain->b + MACS, plain->len - MACS);
}

static void tag_is_put_on_and_taken_off(void **state)
{
	struct sl_rig *r = *state;
	static struct sl_frame plain;

	/* The second packet of each direction finds a flow entry. */
	for (unsigned int i = 0; i < 2; i++) {
		web_to_db(40000, 53);
		assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
		assert_true(sl_rig_sent_frame(r, SL_RIG_DB, &out));
		assert_tagged_copy(&f);
		db_to_web(53, 40000);
		plain = f;
		put_tag(VLAN);
		assert_int_equal(sl_rig_send(r, SL_RIG_DB, &f), SL_KEEP);
		assert_true(sl_rig_sent_frame(r, SL_RIG_WEB, &out));
		assert_bytes_equal(out.b, out.len, plain.b, plain.len);
	}
}

static void tag_of_another_vlan_or_none_is_refused(void **state)
{
	struct sl_rig *r = *state;

	db_to_web(53, 40000);
	assert_int_equal(sl_rig_send(r, SL_RIG_DB, &f), SL_DROP_PORT_UNBOUND);
	put_tag(VLAN + 1);
	assert_int_equal(sl_rig_send(r, SL_RIG_DB, &f), SL_DROP_VLAN_UNKNOWN);
	db_to_web(53, 40000);
	put_tag(0);
	assert_int_equal(sl_rig_send(r, SL_RIG_DB, &f), SL_DROP_PORT_UNBOUND);
	db_to_web(53, 40000);
	put_tag(VLAN);
	put_tag(VLAN);
	assert_int_equal(sl_rig_send(r, SL_RIG_DB, &f), SL_DROP_ETH_VLAN_UNEXPECTED);
}

static void burst_of_many_kinds_is_sorted_right(void **state)
{
	struct sl_rig *r = *state;
	struct rte_mbuf *pkt[SL_BURST_MAX];
	unsigned int n = 0;

	for (unsigned int i = 0; i < SL_BURST_MAX; i++) {
		db_to_web(53, (uint16_t)(40000 + i));
		if (i % 3 != 0)
			put_tag(i % 3 == 1 ? VLAN : VLAN + 1);
		pkt[i] = sl_frame_mbuf(&f);
	}
	sl_rig_burst(r, SL_RIG_DB, pkt, SL_BURST_MAX);
	for (struct rte_mbuf *m; (m = sl_rig_sent(r, SL_RIG_WEB)) != NULL; n++) {
		assert_int_equal(rte_pktmbuf_mtod(m, uint8_t *)[MACS], 0x08);
		rte_pktmbuf_free(m);
	}
	assert_int_equal(n, (SL_BURST_MAX + 1) / 3);
}

/* Cut anywhere, and in buffers that end anywhere in its headers. */
static void every_cut_of_a_tagged_frame_is_safe(void **state)
{
	struct sl_rig *r = *state;
	uint32_t whole;

	db_to_web(53, 40000);
	put_tag(VLAN);
	whole = f.len;
	for (uint32_t len = 1; len < whole; len++) {
		(void)sl_rig_send_mbuf(r, SL_RIG_DB, sl_test_mbuf(f.b, len));
		sl_rig_discard(r);
	}
	for (uint32_t cut = 1; cut < 50; cut++) {
		assert_int_equal(
			sl_rig_send_mbuf(r, SL_RIG_DB, sl_test_mbuf_chain(f.b, f.len, &cut, 1)),
			SL_KEEP);
		assert_true(sl_rig_sent_frame(r, SL_RIG_WEB, &out));
		assert_int_equal(out.len, whole - TAG);
	}
}

static void frame_without_room_for_a_tag_is_dropped(void **state)
{
	struct sl_rig *r = *state;

	web_to_db(40000, 53);
	assert_int_equal(
		sl_rig_send_mbuf(r, SL_RIG_WEB, sl_test_mbuf_headroom(f.b, f.len, TAG - 2)),
		SL_DROP_HEADROOM);
	assert_int_equal(
		sl_rig_send_mbuf(r, SL_RIG_WEB, sl_test_mbuf_headroom(f.b, f.len, TAG)), SL_KEEP);
	assert_true(sl_rig_sent_frame(r, SL_RIG_DB, &out));
	assert_tagged_copy(&f);
}

static void tunnel_reaches_a_tagged_endpoint_and_back(void **state)
{
	struct sl_rig *r = *state;
	static struct sl_frame g;

	make_udp("02:00:00:00:00:07", "02:00:00:00:00:06", "10.0.0.7", "10.0.0.6", 53, 40000);
	sl_rig_wrap(&g, &f);
	assert_int_equal(sl_rig_send(r, SL_RIG_UNDERLAY, &g), SL_KEEP);
	assert_true(sl_rig_sent_frame(r, SL_RIG_DB, &out));
	assert_tagged_copy(&f);
	make_udp("02:00:00:00:00:06", "02:00:00:00:00:07", "10.0.0.6", "10.0.0.7", 40000, 53);
	put_tag(VLAN);
	assert_int_equal(sl_rig_send(r, SL_RIG_DB, &f), SL_KEEP);
	assert_true(sl_rig_sent_frame(r, SL_RIG_UNDERLAY, &out));
	assert_int_equal(out.len, 50 + f.len - TAG);
}

static void super_segments_keep_right_descriptions(void **state)
{
	struct sl_rig *r = *state;
	struct rte_mbuf *m;

	sl_rig_offloads(r, SL_RIG_WEB);
	sl_rig_supers(r, 9000);
	sl_frame_tcp4(&f, SL_TCP_ACK, 10);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
	m = sl_rig_sent(r, SL_RIG_DB);
	assert_non_null(m);
	assert_true(sl_is_super(m));
	assert_int_equal(m->l2_len, 14 + TAG);
	assert_memory_equal(rte_pktmbuf_mtod_offset(m, uint8_t *, MACS), tag, TAG);
	assert_int_equal(sl_super_segments(m), sl_rig_segments(r));
	rte_pktmbuf_free(m);
}

#define V(name) cmocka_unit_test_setup_teardown(name, setup_trunk, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		V(tag_is_put_on_and_taken_off),
		V(tag_of_another_vlan_or_none_is_refused),
		V(burst_of_many_kinds_is_sorted_right),
		V(every_cut_of_a_tagged_frame_is_safe),
		V(frame_without_room_for_a_tag_is_dropped),
		V(tunnel_reaches_a_tagged_endpoint_and_back),
		V(super_segments_keep_right_descriptions),
	};

	return cmocka_run_group_tests_name("vlan", tests, sl_test_eal, NULL);
}
