/* SPDX-License-Identifier: BSD-3-Clause */
/* Pings that arrive at an underlay port: which are answered. */
#include "underlay_frames.h"

static void ping_reply_has_the_ports_own_mac_and_goes_to_the_asker(void **state)
{
	struct sl_rig *r = *state;

	ping(.payload = 1400);
	assert_int_equal(arrives(r), SL_KEEP);
	assert_true(sl_rig_sent_frame(r, SL_RIG_UNDERLAY, &out));
	assert_bytes_equal(out.b, 12, "\x02\x00\x00\x00\x0b\x01\x02\x00\x00\x00\x0a\x01", 12);
}

static void ping_from_a_mac_that_no_host_has_is_not_answered(void **state)
{
	static const char *const macs[] = {"ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01",
		"03:00:00:00:0b:01", "00:00:00:00:00:00", OWN};
	struct sl_rig *r = *state;

	for (unsigned int i = 0; i < RTE_DIM(macs); i++) {
		ping(.from_mac = macs[i]);
		assert_int_equal(arrives(r), SL_DROP_UNDERLAY_SENDER);
		assert_silence(r);
	}
}

static void ping_from_an_address_that_no_host_has_is_not_answered(void **state)
{
	static const struct {
		const char *from;
		enum sl_drop reason;
	} cases[] = {
		{"192.0.2.1", SL_DROP_UNDERLAY_SENDER},	  /* asks itself */
		{"192.0.2.9", SL_DROP_UNDERLAY_SENDER},	  /* another of ours */
		{"192.0.2.255", SL_DROP_UNDERLAY_SENDER}, /* the subnet's broadcast */
		{"0.0.0.0", SL_DROP_IP_ADDRESS},
		{"255.255.255.255", SL_DROP_IP_ADDRESS},
		{"224.0.0.1", SL_DROP_IP_ADDRESS},
		{"127.0.0.1", SL_DROP_IP_ADDRESS},
	};
	struct sl_rig *r = *state;

	for (unsigned int i = 0; i < RTE_DIM(cases); i++) {
		ping(.from = cases[i].from);
		assert_int_equal(arrives(r), cases[i].reason);
		assert_silence(r);
	}
}

static void ping_to_an_address_that_is_not_ours_is_not_answered(void **state)
{
	static const struct {
		const char *to;
		enum sl_drop reason;
	} cases[] = {
		{"192.0.2.3", SL_DROP_UNDERLAY_NOT_LOCAL},
		{"192.0.2.255", SL_DROP_UNDERLAY_NOT_LOCAL},
		{"255.255.255.255", SL_DROP_UNDERLAY_NOT_LOCAL},
		{"224.0.0.1", SL_DROP_UNDERLAY_NOT_LOCAL},
		{"0.0.0.0", SL_DROP_IP_ADDRESS},
		{"127.0.0.1", SL_DROP_IP_ADDRESS},
	};
	struct sl_rig *r = *state;

	for (unsigned int i = 0; i < RTE_DIM(cases); i++) {
		ping(.to = cases[i].to);
		assert_int_equal(arrives(r), cases[i].reason);
		assert_silence(r);
	}
}

static void ping_in_other_wrapping_is_not_answered(void **state)
{
	static const uint8_t nops[4] = {1, 1, 1, 1}, record[8] = {7, 7, 4},
			     route[8] = {131, 7, 4, 192, 0, 2, 77};
	struct sl_rig *r = *state;

	ping(.frag = 0x2000);
	assert_int_equal(arrives(r), SL_DROP_UNDERLAY_PROTOCOL);
	ping(.frag = 0x0004);
	assert_int_equal(arrives(r), SL_DROP_UNDERLAY_PROTOCOL);
	ping(.options = nops, .options_len = sizeof(nops));
	assert_int_equal(arrives(r), SL_DROP_UNDERLAY_PROTOCOL);
	ping(.options = record, .options_len = sizeof(record));
	assert_int_equal(arrives(r), SL_DROP_UNDERLAY_PROTOCOL);
	ping(.options = route, .options_len = sizeof(route));
	assert_int_equal(arrives(r), SL_DROP_IP_SOURCE_ROUTE);
	ping(.mac = OWN);
	g.b[14 + 20 + 1] = 1; /* a code that requests do not have */
	sl_frame_checksums(&g);
	assert_int_equal(arrives(r), SL_DROP_UNDERLAY_PROTOCOL);
	ping(.mac = OWN);
	for (uint32_t cut = 1; cut < g.len; cut++) /* no device cuts frames */
		assert_int_equal(sl_rig_send_mbuf(r, SL_RIG_UNDERLAY,
					 sl_test_mbuf_chain(g.b, g.len, &cut, 1)),
			SL_DROP_UNDERLAY_PROTOCOL);
	assert_silence(r);
}

static void ping_with_a_wrong_checksum_is_not_answered(void **state)
{
	struct sl_rig *r = *state;

	ping(.payload = 301);
	for (uint32_t at = 34 + 2; at < g.len; at++) {
		g.b[at] ^= 0x10;
		assert_int_equal(arrives(r), SL_DROP_L4_MALFORMED);
		g.b[at] ^= 0x10;
	}
	assert_silence(r);
	assert_int_equal(arrives(r), SL_KEEP);
	/* Padding after the packet is not part of it. */
	ping(.payload = 1);
	sl_frame_pad(&g, 60);
	memset(&g.b[14 + 20 + 9], 0xee, 60 - 43);
	assert_int_equal(arrives(r), SL_KEEP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(ping_reply_has_the_ports_own_mac_and_goes_to_the_asker),
		T(ping_from_a_mac_that_no_host_has_is_not_answered),
		T(ping_from_an_address_that_no_host_has_is_not_answered),
		T(ping_to_an_address_that_is_not_ours_is_not_answered),
		T(ping_in_other_wrapping_is_not_answered),
		T(ping_with_a_wrong_checksum_is_not_answered),
	};

	return cmocka_run_group_tests_name("ping", tests, sl_test_eal, NULL);
}
