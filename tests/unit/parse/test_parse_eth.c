/* SPDX-License-Identifier: BSD-3-Clause */
/* Ethernet, VLAN tags and ARP. */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "parse_check.h"

static struct sl_frame f;

static uint8_t *at(enum sl_layer_kind kind, uint32_t off)
{
	return f.b + sl_frame_off(&f, kind, 0) + off;
}

static void poke16(enum sl_layer_kind kind, uint32_t off, uint16_t v)
{
	at(kind, off)[0] = (uint8_t)(v >> 8);
	at(kind, off)[1] = (uint8_t)v;
}

static void start_ip4(void)
{
	sl_frame_start(&f);
	sl_frame_eth(&f);
}

static void broadcast_frame_is_flagged(void **state)
{
	(void)state;
	sl_frame_udp4(&f, 0);
	memset(f.b, 0xff, 6);
	assert_verdict(parse_frame(&f), SL_KEEP);
	assert_int_equal(META->flags, SL_P_IP4 | SL_P_MULTICAST);
	*at(SL_LAYER_IP4, 9) = 47; /* not the common packet */
	assert_verdict(parse_frame(&f), SL_KEEP);
	assert_int_equal(META->flags, SL_P_IP4 | SL_P_MULTICAST);
}

static void truncated_ethernet_is_dropped(void **state)
{
	(void)state;
	sl_frame_udp4(&f, 10);
	for (uint32_t len = 0; len < 14; len++)
		assert_verdict(parse_bytes(f.b, len), SL_DROP_ETH_TRUNCATED);
}

static void vlan_tags_are_skipped_and_flagged(void **state)
{
	(void)state;
	for (int tags = 1; tags <= 2; tags++) {
		start_ip4();
		sl_frame_vlan(
			&f, .tci = tags == 2 ? 0 : 0xe007, .tpid = tags == 2 ? 0x88a8 : 0x8100);
		if (tags == 2)
			sl_frame_vlan(&f, .tci = 5);
		sl_frame_ip4(&f);
		sl_frame_udp(&f);
		sl_frame_end(&f);
		assert_verdict(parse_frame(&f), SL_KEEP);
		assert_int_equal(META->flags, SL_P_IP4 | SL_P_VLAN);
		assert_int_equal(META->l3_off, 14 + 4 * tags);
		assert_int_equal(META->l4_off, 34 + 4 * tags);
		assert_int_equal(KEY4->dport_be, htons(53));
	}
}

/* IEEE 802.1Q: VLAN id 0 means no VLAN, whatever the other four bits and the
 * EtherType of the tag are. */
static void priority_tag_is_taken_off(void **state)
{
	static const uint32_t cuts[] = {3, 13, 15, 17, 19};
	static const uint16_t tci[] = {0, 0xa000, 0x1000, 0xf000};
	struct sl_frame plain;

	(void)state;
	for (unsigned int n = 0; n < 32; n++) {
		for (unsigned int tagged = 0; tagged < 2; tagged++) {
			start_ip4();
			if (tagged)
				sl_frame_vlan(
					&f, .tci = tci[n % 4], .tpid = n & 4 ? 0x88a8 : 0x8100);
			if (n & 8) {
				sl_frame_arp(&f);
			} else {
				sl_frame_ip4(&f);
				sl_frame_udp(&f);
			}
			sl_frame_end(&f);
			if (!tagged)
				plain = f;
		}
		assert_verdict(
			n & 16 ? parse_mbuf(sl_test_mbuf_chain(f.b, f.len, cuts, RTE_DIM(cuts)))
			       : parse_frame(&f),
			SL_KEEP);
		assert_int_equal(META->flags & SL_P_VLAN, 0);
		assert_int_equal(META->l3_off, 14);
		assert_packet_frame(parse_burst.pkt[0], &plain);
	}
}

static void tag_behind_a_priority_tag_is_no_untagged_frame(void **state)
{
	(void)state;
	for (uint16_t vid = 0; vid < 2; vid++) {
		for (unsigned int outer = 0; outer < 2; outer++) {
			start_ip4();
			sl_frame_vlan(&f, .tci = outer ? 0 : vid);
			sl_frame_vlan(&f, .tci = outer ? vid : 0);
			sl_frame_ip4(&f);
			sl_frame_udp(&f);
			sl_frame_end(&f);
			assert_verdict(parse_frame(&f), SL_KEEP);
			assert_true(META->flags & SL_P_VLAN);
		}
	}
}

static void third_vlan_tag_is_dropped(void **state)
{
	(void)state;
	start_ip4();
	for (int i = 0; i < 3; i++)
		sl_frame_vlan(&f, .tci = 1);
	sl_frame_ip4(&f);
	sl_frame_udp(&f);
	sl_frame_end(&f);
	assert_verdict(parse_frame(&f), SL_DROP_ETH_VLAN_DEPTH);
}

static void truncated_vlan_tag_is_dropped(void **state)
{
	(void)state;
	start_ip4();
	sl_frame_vlan(&f, .tpid = 0x88a8);
	sl_frame_vlan(&f, .tci = 1);
	for (uint32_t len = 14; len < 22; len++)
		assert_verdict(parse_bytes(f.b, len), SL_DROP_ETH_TRUNCATED);
}

static void llc_and_unknown_ethertypes_are_dropped(void **state)
{
	static const uint16_t types[] = {
		0, 46, 0x5dc, 0x5ff, 0x600, 0x8035, 0x8863, 0x88cc, 0xffff};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(types); i++) {
		sl_frame_udp4(&f, 46);
		poke16(SL_LAYER_ETH, 12, types[i]);
		assert_verdict(parse_frame(&f), SL_DROP_ETH_TYPE_UNKNOWN);
	}
}

static void arp_is_flagged(void **state)
{
	(void)state;
	start_ip4();
	sl_frame_arp(&f);
	sl_frame_pad(&f, 60);
	assert_verdict(parse_frame(&f), SL_KEEP);
	assert_int_equal(META->flags, SL_P_ARP);
	assert_int_equal(META->l3_off, 14);
}

static void truncated_arp_is_dropped(void **state)
{
	(void)state;
	start_ip4();
	sl_frame_arp(&f);
	for (uint32_t len = 14; len < 42; len++)
		assert_verdict(parse_bytes(f.b, len), SL_DROP_ARP_MALFORMED);
}

static void arp_with_a_bad_field_is_dropped(void **state)
{
	/* hardware type, protocol type, lengths, operation, sender MAC, sender address */
	static const uint8_t bad[][2] = {{0, 1}, {1, 2}, {1, 6}, {2, 9}, {3, 6}, {4, 5}, {4, 0},
		{5, 6}, {5, 16}, {6, 1}, {7, 0}, {7, 3}, {8, 0xff}, {14, 127}, {14, 224}};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(bad); i++) {
		start_ip4();
		sl_frame_arp(&f);
		*at(SL_LAYER_ARP, bad[i][0]) = bad[i][1];
		assert_verdict(parse_frame(&f), SL_DROP_ARP_MALFORMED);
	}
	start_ip4();
	sl_frame_arp(&f, .sender = "255.255.255.255");
	assert_verdict(parse_frame(&f), SL_DROP_ARP_MALFORMED);
}

static void arp_probe_is_kept(void **state)
{
	(void)state;
	start_ip4();
	sl_frame_arp(&f, .sender = "0.0.0.0");
	assert_verdict(parse_frame(&f), SL_KEEP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(broadcast_frame_is_flagged),
		cmocka_unit_test(truncated_ethernet_is_dropped),
		cmocka_unit_test(vlan_tags_are_skipped_and_flagged),
		cmocka_unit_test(priority_tag_is_taken_off),
		cmocka_unit_test(tag_behind_a_priority_tag_is_no_untagged_frame),
		cmocka_unit_test(third_vlan_tag_is_dropped),
		cmocka_unit_test(truncated_vlan_tag_is_dropped),
		cmocka_unit_test(llc_and_unknown_ethertypes_are_dropped),
		cmocka_unit_test(arp_is_flagged),
		cmocka_unit_test(truncated_arp_is_dropped),
		cmocka_unit_test(arp_with_a_bad_field_is_dropped),
		cmocka_unit_test(arp_probe_is_kept),
	};

	return cmocka_run_group_tests(tests, sl_test_eal, parse_teardown);
}
