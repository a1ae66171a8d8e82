/* SPDX-License-Identifier: BSD-3-Clause */
/* What a gateway changes in packets, whom it trusts, and what it says about packets that it drops. */
#include "pipeline_test.h"

#define GATEWAY SL_RIG_GATEWAY_MAC
#define WEB	"02:00:00:00:00:05"
#define DB	"02:00:00:00:00:06"
#define FAR	"02:00:00:00:00:07"

static struct sl_rig *routed(void **state)
{
	sl_rig_allow_all(*state);
	sl_rig_gateway(*state);
	return *state;
}

static void make(
	const char *src_mac, const char *dst_mac, const char *src, const char *dst, uint8_t ttl)
{
	sl_frame_start(&f);
	sl_frame_eth(&f, .src = src_mac, .dst = dst_mac);
	sl_frame_ip4(&f, .src = src, .dst = dst, .ttl = ttl);
	sl_frame_udp(&f);
	sl_frame_payload(&f, 20);
	sl_frame_end(&f);
}

/* The frame that a receiver should get: the same one with other MACs and TTL. */
static void expect_sent(struct sl_rig *r, uint16_t port)
{
	assert_true(sl_rig_sent_frame(r, port, &out));
	assert_int_equal(out.len, f.len);
	assert_memory_equal(out.b, f.b, f.len);
}

static void packet_and_reply_get_macs_and_one_hop_less(void **state)
{
	struct sl_rig *r = routed(state);

	for (unsigned int i = 0; i < 3; i++) { /* the first is resolved, the others are hits */
		make(WEB, GATEWAY, "10.0.0.5", "10.0.0.6", 64);
		assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
		make(GATEWAY, DB, "10.0.0.5", "10.0.0.6", 63);
		expect_sent(r, SL_RIG_DB);
		make(DB, GATEWAY, "10.0.0.6", "10.0.0.5", 10);
		assert_int_equal(sl_rig_send(r, SL_RIG_DB, &f), SL_KEEP);
		make(GATEWAY, WEB, "10.0.0.6", "10.0.0.5", 9);
		expect_sent(r, SL_RIG_WEB);
	}
}

static void node_routes_for_its_workloads_and_is_believed(void **state)
{
	struct sl_rig *r = routed(state);

	make(GATEWAY, WEB, "10.0.0.7", "10.0.0.5", 60);
	sl_rig_wrap(&out, &f);
	assert_int_equal(sl_rig_send(r, SL_RIG_UNDERLAY, &out), SL_KEEP);
	expect_sent(r, SL_RIG_WEB);
}

static void workload_is_not_believed_to_be_the_gateway(void **state)
{
	struct sl_rig *r = routed(state);

	make(GATEWAY, DB, "10.0.0.5", "10.0.0.6", 60);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_DROP_SPOOFED);
	make(WEB, GATEWAY, "10.0.0.77", "10.0.0.6", 60);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_DROP_SPOOFED);
}

static void node_is_not_believed_for_addresses_that_are_not_its_own(void **state)
{
	struct sl_rig *r = routed(state);

	make(GATEWAY, WEB, "10.0.0.6", "10.0.0.5", 60);
	sl_rig_wrap(&out, &f);
	assert_int_equal(sl_rig_send(r, SL_RIG_UNDERLAY, &out), SL_DROP_SPOOFED);
}

static void packet_from_a_tunnel_is_not_routed_into_one(void **state)
{
	struct sl_rig *r = routed(state);

	make(FAR, GATEWAY, "10.0.0.7", "10.0.0.7", 60);
	sl_rig_wrap(&out, &f);
	assert_int_equal(sl_rig_send(r, SL_RIG_UNDERLAY, &out), SL_DROP_DESTINATION_REMOTE);
}

/* RFC 1812 section 4.3.2.3: the header as it came, and what follows. */
static void expired_packet_is_quoted_as_it_came(void **state)
{
	struct sl_rig *r = routed(state);

	make(WEB, GATEWAY, "10.0.0.5", "10.0.0.6", 64);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
	make(WEB, GATEWAY, "10.0.0.5", "10.0.0.6", 1);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_DROP_TTL_EXCEEDED);
	assert_true(sl_rig_sent_frame(r, SL_RIG_WEB, &out));
	assert_int_equal(out.b[34], 11);
	assert_int_equal(out.b[35], 0);
	assert_memory_equal(out.b + 26, "\x0a\x00\x00\x01\x0a\x00\x00\x05", 8);
	assert_int_equal(out.len, 42 + f.len - 14);
	assert_memory_equal(out.b + 42, f.b + 14, f.len - 14);
	sl_rig_discard(r);
}

static void no_more_errors_than_the_rate_are_sent(void **state)
{
	struct sl_rig *r = routed(state);
	unsigned int sent = 0;

	for (unsigned int i = 0; i < 300; i++) {
		make(WEB, GATEWAY, "10.0.0.5", "10.0.0.6", 1);
		assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_DROP_TTL_EXCEEDED);
		sent += sl_rig_sent_frame(r, SL_RIG_WEB, &out);
	}
	assert_int_equal(sent, 100);
}

/* Workloads know their router: the network has no gateway. */
static void a_connection_ends_with_its_route_where_there_is_no_gateway(void **state)
{
	struct sl_rig *r = *state;

	sl_rig_allow_all(r);
	sl_rig_route_to_db(r, true);
	for (unsigned int i = 0; i < 3; i++) {
		make(WEB, DB, "10.0.0.5", "10.50.0.1", 64);
		assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
		expect_sent(r, SL_RIG_DB);
	}
	sl_rig_touch(r, 77);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
	expect_sent(r, SL_RIG_DB);
	sl_rig_route_to_db(r, false);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_DROP_DESTINATION_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(packet_and_reply_get_macs_and_one_hop_less),
		T(node_routes_for_its_workloads_and_is_believed),
		T(workload_is_not_believed_to_be_the_gateway),
		T(node_is_not_believed_for_addresses_that_are_not_its_own),
		T(packet_from_a_tunnel_is_not_routed_into_one),
		T(expired_packet_is_quoted_as_it_came),
		T(no_more_errors_than_the_rate_are_sent),
		T(a_connection_ends_with_its_route_where_there_is_no_gateway),
	};

	return cmocka_run_group_tests_name("gateway", tests, sl_test_eal, NULL);
}
