/* SPDX-License-Identifier: BSD-3-Clause */
/* Fragments of either family. */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "parse_check.h"

static struct sl_frame f;

static void start_ip4(void)
{
	sl_frame_start(&f);
	sl_frame_eth(&f);
}

static void start_ip6(void)
{
	sl_frame_start(&f);
	sl_frame_eth(&f);
	sl_frame_ip6(&f);
}

static void fragment(uint16_t frag, uint8_t proto, uint32_t len)
{
	start_ip4();
	sl_frame_ip4(&f, .frag = frag, .proto = proto);
	sl_frame_payload(&f, len);
	sl_frame_end(&f);
	if (proto == IPPROTO_UDP)
		f.b[34 + 4] = 0x05, f.b[34 + 5] = 0xdc;
	if (proto == IPPROTO_TCP)
		f.b[34 + 12] = 0x50, f.b[34 + 13] = 0x10;
}

static void first_fragment_has_ports_and_may_be_shorter_than_its_udp_length(void **state)
{
	(void)state;
	fragment(0x2000, IPPROTO_UDP, 16);
	assert_verdict(parse_frame(&f), SL_KEEP);
	assert_int_equal(META->flags, SL_P_IP4 | SL_P_FRAGMENT_FIRST);
	assert_int_equal(KEY4->sport_be, htons(0x0001));
	assert_int_equal(KEY4->net_proto, NETWORK << 8 | IPPROTO_UDP);
}

static void later_fragment_has_a_key_of_its_own(void **state)
{
	static const uint16_t frags[] = {1, 2, 0x2001, 0x2010, 0x100};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(frags); i++) {
		fragment(frags[i], IPPROTO_UDP, 16);
		assert_verdict(parse_frame(&f), SL_KEEP);
		assert_int_equal(META->flags, SL_P_IP4 | SL_P_FRAGMENT_LATER);
		assert_int_equal(KEY4->sport_be, 0);
		assert_int_equal(KEY4->dport_be, 0);
		assert_int_equal(KEY4->net_proto, (NETWORK | SL_KEY_FRAGMENT) << 8 | IPPROTO_UDP);
	}
}

static void fragment_has_its_datagram_and_its_range(void **state)
{
	const struct sl_fragment_range *range = &parse_burst.fragment[0];

	(void)state;
	for (unsigned int later = 0; later < 2; later++) {
		start_ip4();
		sl_frame_ip4(
			&f, .frag = later ? 0x2064 : 0x2000, .id = 0x1234, .proto = IPPROTO_UDP);
		sl_frame_payload(&f, 24);
		sl_frame_end(&f);
		f.b[34 + 4] = 0x05, f.b[34 + 5] = 0xdc;
		assert_verdict(parse_frame(&f), SL_KEEP);
		assert_int_equal(range->id_be, htons(0x1234));
		assert_int_equal(range->start, later ? 0x64 * 8 : 0);
		assert_int_equal(range->end, range->start + 24);
	}
}

static void tiny_first_fragment_is_dropped(void **state)
{
	(void)state;
	for (uint32_t len = 8; len < 20; len += 8) {
		fragment(0x2000, IPPROTO_TCP, 24);
		f.b[17] = (uint8_t)(20 + len);
		sl_frame_checksums(&f);
		assert_verdict(parse_frame(&f), SL_DROP_L4_TRUNCATED);
	}
	fragment(0x2000, IPPROTO_TCP, 24);
	assert_verdict(parse_frame(&f), SL_KEEP);
	f.b[34 + 12] = 0x70; /* options in the next fragment */
	assert_verdict(parse_frame(&f), SL_DROP_L4_TRUNCATED);
}

static void fragment_over_the_transport_header_is_dropped(void **state)
{
	(void)state;
	for (uint16_t offset = 1; offset < 5; offset++) {
		fragment(offset, IPPROTO_TCP, 40);
		assert_verdict(parse_frame(&f), offset < 3 ? SL_DROP_FRAGMENT_OVERLAP : SL_KEEP);
		fragment(0x2000 | offset, IPPROTO_TCP, 40);
		assert_verdict(parse_frame(&f), offset < 3 ? SL_DROP_FRAGMENT_OVERLAP : SL_KEEP);
	}
}

static void fragments_of_impossible_size_are_dropped(void **state)
{
	(void)state;
	fragment(0x2000, IPPROTO_UDP, 17); /* more follow, not a multiple of 8 */
	assert_verdict(parse_frame(&f), SL_DROP_IP4_MALFORMED);
	fragment(0x1fff, IPPROTO_UDP, 16); /* past 65535 */
	assert_verdict(parse_frame(&f), SL_DROP_IP4_MALFORMED);
	fragment(0x0010, 2, 0);
	assert_verdict(parse_frame(&f), SL_DROP_IP4_MALFORMED);
}

static void fragment6(uint16_t frag_off, uint8_t next, uint32_t len)
{
	start_ip6();
	sl_frame_ip6_ext(&f, .proto = 44, .next = next, .frag_off = frag_off, .id = 9);
	sl_frame_payload(&f, len);
	sl_frame_end(&f);
	if (next == IPPROTO_UDP)
		f.b[62 + 4] = 0x05, f.b[62 + 5] = 0xdc;
	if (next == IPPROTO_TCP)
		f.b[62 + 12] = 0x50, f.b[62 + 13] = 0x10;
}

static void atomic_fragment_is_a_whole_packet(void **state)
{
	(void)state;
	start_ip6();
	sl_frame_ip6_ext(&f, .proto = 44, .id = 9);
	sl_frame_udp(&f);
	sl_frame_payload(&f, 5);
	sl_frame_end(&f);
	assert_verdict(parse_frame(&f), SL_KEEP);
	assert_int_equal(META->flags, SL_P_IP6);
	assert_int_equal(KEY6->dport_be, htons(53));
}

static void ip6_fragments_are_told_apart(void **state)
{
	(void)state;
	fragment6(1, IPPROTO_UDP, 16);
	assert_verdict(parse_frame(&f), SL_KEEP);
	assert_int_equal(META->flags, SL_P_IP6 | SL_P_FRAGMENT_FIRST);
	assert_int_equal(KEY6->sport_be, htons(1));
	fragment6(8, IPPROTO_UDP, 16);
	assert_verdict(parse_frame(&f), SL_KEEP);
	assert_int_equal(META->flags, SL_P_IP6 | SL_P_FRAGMENT_LATER);
	assert_int_equal(KEY6->sport_be, 0);
	assert_int_equal(KEY6->dport_be, 0);
	assert_int_equal(KEY6->net_proto, (NETWORK | SL_KEY_FRAGMENT) << 8 | IPPROTO_UDP);
}

/* The data of a fragment begins after the fragment header: later headers are part of it. */
static void ip6_fragment_has_its_datagram_and_its_range(void **state)
{
	const struct sl_fragment_range *range = &parse_burst.fragment[0];

	(void)state;
	fragment6(64 << 3 | 1, IPPROTO_UDP, 16);
	assert_verdict(parse_frame(&f), SL_KEEP);
	assert_int_equal(range->id_be, htonl(9));
	assert_int_equal(range->start, 64 * 8);
	assert_int_equal(range->end, 64 * 8 + 16);
	start_ip6();
	sl_frame_ip6_ext(&f, .proto = IPPROTO_HOPOPTS);
	sl_frame_ip6_ext(&f, .proto = 44, .next = IPPROTO_DSTOPTS, .frag_off = 1, .id = 10);
	sl_frame_ip6_ext(&f, .proto = IPPROTO_DSTOPTS);
	sl_frame_udp(&f);
	sl_frame_payload(&f, 24);
	sl_frame_end(&f);
	assert_verdict(parse_frame(&f), SL_KEEP);
	assert_true(META->flags & SL_P_FRAGMENT_FIRST);
	assert_int_equal(range->id_be, htonl(10));
	assert_int_equal(range->start, 0);
	assert_int_equal(range->end, META->l3_len - 40 - 8 - 8);
}

static void hostile_ip6_fragments_are_dropped(void **state)
{
	(void)state;
	fragment6(1, IPPROTO_TCP, 16); /* no room for the header */
	assert_verdict(parse_frame(&f), SL_DROP_L4_TRUNCATED);
	fragment6(8, IPPROTO_TCP, 24);
	assert_verdict(parse_frame(&f), SL_DROP_FRAGMENT_OVERLAP);
	fragment6(9, IPPROTO_TCP, 24);
	assert_verdict(parse_frame(&f), SL_DROP_FRAGMENT_OVERLAP);
	fragment6(1, IPPROTO_UDP, 17); /* more follow, not a multiple of 8 */
	assert_verdict(parse_frame(&f), SL_DROP_IP6_MALFORMED);
	fragment6(0xfff8, IPPROTO_UDP, 16); /* past 65535 */
	assert_verdict(parse_frame(&f), SL_DROP_IP6_MALFORMED);
	fragment6(8, 2, 0);
	assert_verdict(parse_frame(&f), SL_DROP_IP6_MALFORMED);
}

static void second_fragment_header_is_dropped(void **state)
{
	(void)state;
	start_ip6();
	sl_frame_ip6_ext(&f, .proto = 44);
	sl_frame_ip6_ext(&f, .proto = 44);
	sl_frame_udp(&f);
	sl_frame_end(&f);
	assert_verdict(parse_frame(&f), SL_DROP_IP6_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_fragment_has_ports_and_may_be_shorter_than_its_udp_length),
		cmocka_unit_test(later_fragment_has_a_key_of_its_own),
		cmocka_unit_test(fragment_has_its_datagram_and_its_range),
		cmocka_unit_test(tiny_first_fragment_is_dropped),
		cmocka_unit_test(fragment_over_the_transport_header_is_dropped),
		cmocka_unit_test(fragments_of_impossible_size_are_dropped),
		cmocka_unit_test(atomic_fragment_is_a_whole_packet),
		cmocka_unit_test(ip6_fragments_are_told_apart),
		cmocka_unit_test(ip6_fragment_has_its_datagram_and_its_range),
		cmocka_unit_test(hostile_ip6_fragments_are_dropped),
		cmocka_unit_test(second_fragment_header_is_dropped),
	};

	return cmocka_run_group_tests(tests, sl_test_eal, parse_teardown);
}
