/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Super-segments in TCP's state: sequence numbers advance by all of their payload, their FIN is behind
 * its last byte, and errors quote any of their segments.
 */
#include "pipeline_test.h"

#include "tests/lib/super.h"

#define WEB_SEQ 1000u
#define DB_SEQ	5000u
#define DATA	30000u
#define SIZE	1460u

static int setup_connected(void **state);
#define S(name) cmocka_unit_test_setup_teardown(name, setup_connected, teardown)

static void from_web(uint8_t flags, uint32_t seq, uint32_t payload)
{
	sl_frame_start(&f);
	sl_frame_eth(&f);
	sl_frame_ip4(&f, .frag = 0x4000);
	sl_frame_tcp(&f, .flags = flags, .seq = seq, .ack = DB_SEQ + 1);
	sl_frame_payload(&f, payload);
	sl_frame_end(&f);
}

static void from_db(uint8_t flags, uint32_t seq, uint32_t ack)
{
	sl_frame_start(&f);
	sl_frame_eth(&f, .src = "02:00:00:00:00:06", .dst = "02:00:00:00:00:05");
	sl_frame_ip4(&f, .src = "10.0.0.6", .dst = "10.0.0.5");
	sl_frame_tcp(&f, .sport = 80, .dport = 40000, .flags = flags, .seq = seq, .ack = ack);
	sl_frame_end(&f);
}

static enum sl_drop send_web(struct sl_rig *r, uint16_t size)
{
	enum sl_drop d = sl_rig_send_mbuf(
		r, SL_RIG_WEB, size != 0 ? sl_super_mbuf(&f, size) : sl_frame_mbuf(&f));

	sl_rig_discard(r);
	return d;
}

static enum sl_drop send_db(struct sl_rig *r)
{
	enum sl_drop d = sl_rig_send(r, SL_RIG_DB, &f);

	sl_rig_discard(r);
	return d;
}

static int setup_connected(void **state)
{
	struct sl_rig *r = sl_rig_create();

	sl_rig_offloads(r, SL_RIG_WEB);
	sl_rig_offloads(r, SL_RIG_DB);
	sl_rig_allow_all(r);
	*state = r;
	from_web(SL_TCP_SYN, WEB_SEQ, 0);
	f.b[sl_super_l4(&f) + 8] = f.b[sl_super_l4(&f) + 9] = 0;
	assert_int_equal(send_web(r, 0), SL_KEEP);
	from_db(SL_TCP_SYN | SL_TCP_ACK, DB_SEQ, WEB_SEQ + 1);
	assert_int_equal(send_db(r), SL_KEEP);
	from_web(SL_TCP_ACK, WEB_SEQ + 1, 0);
	assert_int_equal(send_web(r, 0), SL_KEEP);
	from_web(SL_TCP_ACK, WEB_SEQ + 1, DATA);
	assert_int_equal(send_web(r, SIZE), SL_KEEP);
	return 0;
}

static enum sl_conn_state state_of(struct sl_rig *r)
{
	struct sl_flow_view v;

	assert_true(sl_flow_view_next(sl_rig_pipeline(r)->flows, 0, 100, &v));
	return v.state;
}

static void reset_behind_the_last_segment_counts(void **state)
{
	struct sl_rig *r = *state;

	assert_int_equal(state_of(r), SL_CONN_ESTABLISHED);
	from_web(SL_TCP_RST | SL_TCP_ACK, WEB_SEQ + 1 + DATA, 0);
	assert_int_equal(send_web(r, 0), SL_KEEP);
	assert_int_equal(state_of(r), SL_CONN_RESET);
}

static void reset_between_its_segments_does_not_count(void **state)
{
	struct sl_rig *r = *state;

	from_db(SL_TCP_ACK, DB_SEQ + 1, WEB_SEQ + 1 + DATA);
	assert_int_equal(send_db(r), SL_KEEP);
	from_web(SL_TCP_RST | SL_TCP_ACK, WEB_SEQ + 1 + SIZE, 0);
	assert_int_equal(send_web(r, 0), SL_KEEP);
	assert_int_equal(state_of(r), SL_CONN_ESTABLISHED);
}

static void fin_is_behind_the_last_byte(void **state)
{
	struct sl_rig *r = *state;

	from_web(SL_TCP_ACK | SL_TCP_FIN | SL_TCP_PSH, WEB_SEQ + 1 + DATA, DATA);
	assert_int_equal(send_web(r, SIZE), SL_KEEP);
	assert_int_equal(state_of(r), SL_CONN_ESTABLISHED);
	from_db(SL_TCP_ACK | SL_TCP_FIN, DB_SEQ + 1, WEB_SEQ + 2 + 2 * DATA);
	assert_int_equal(send_db(r), SL_KEEP);
	assert_int_equal(state_of(r), SL_CONN_CLOSING);
}

/* A window of 65,535 bytes has room for the first 30,000 and no more than 35,535 after them. */
static void fin_beyond_the_window_does_not_count(void **state)
{
	struct sl_rig *r = *state;

	from_web(SL_TCP_ACK | SL_TCP_FIN, WEB_SEQ + 1 + DATA, 40000);
	assert_int_equal(send_web(r, SIZE), SL_KEEP);
	from_db(SL_TCP_ACK | SL_TCP_FIN, DB_SEQ + 1, WEB_SEQ + 1);
	assert_int_equal(send_db(r), SL_KEEP);
	assert_int_equal(state_of(r), SL_CONN_ESTABLISHED);
}

/* A router behind db's port says that it cannot deliver the segment of web's that begins at seq. */
static enum sl_drop unreachable(struct sl_rig *r, uint32_t seq)
{
	from_web(SL_TCP_ACK, seq, 8);
	sl_frame_start(&out);
	sl_frame_eth(&out, .dst = "02:00:00:00:00:05", .src = "02:00:00:00:00:06");
	sl_frame_ip4(&out, .src = "10.0.0.99", .dst = "10.0.0.5");
	sl_frame_icmp(&out, .type = 3, .code = 1);
	sl_frame_bytes(&out, f.b + 14, 28);
	sl_frame_end(&out);
	return sl_rig_send(r, SL_RIG_DB, &out);
}

static void error_about_any_of_its_segments_passes(void **state)
{
	struct sl_rig *r = *state;

	assert_int_equal(unreachable(r, WEB_SEQ + 1), SL_KEEP);
	assert_int_equal(unreachable(r, WEB_SEQ + 1 + 10 * SIZE), SL_KEEP);
	assert_int_equal(unreachable(r, WEB_SEQ + 1 + DATA + 70000), SL_DROP_SPOOFED);
	sl_rig_discard(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		S(reset_behind_the_last_segment_counts),
		S(reset_between_its_segments_does_not_count),
		S(fin_is_behind_the_last_byte),
		S(fin_beyond_the_window_does_not_count),
		S(error_about_any_of_its_segments_passes),
	};

	return cmocka_run_group_tests_name("super_tracking", tests, sl_test_eal, NULL);
}
