/* SPDX-License-Identifier: BSD-3-Clause */
/* IPv6, extension headers, ICMPv6 and neighbour discovery. */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "pipelines/flow/flow_dp.h"
#include "parse_check.h"

static struct sl_frame f;

static uint8_t *at(enum sl_layer_kind kind, uint32_t off)
{
	return f.b + sl_frame_off(&f, kind, 0) + off;
}

static void start_ip6(void)
{
	sl_frame_start(&f);
	sl_frame_eth(&f);
	sl_frame_ip6(&f);
}

static void udp6_gets_offsets_and_key(void **state)
{
	struct sl_ip src = sl_test_ip("fd00::5"), dst = sl_test_ip("fd00::6");
	struct sl_key6 want = {.sport_be = htons(40000),
		.dport_be = htons(53),
		.net_proto = NETWORK << 8 | IPPROTO_UDP};

	(void)state;
	memcpy(want.src, src.b, 16);
	memcpy(want.dst, dst.b, 16);
	sl_frame_start(&f);
	sl_frame_eth(&f);
	sl_frame_ip6(&f, .tclass = 0xb9, .flow = 0xfffff);
	sl_frame_udp(&f);
	sl_frame_payload(&f, 9);
	sl_frame_end(&f);
	sl_frame_pad(&f, 100);
	assert_verdict(parse_frame(&f), SL_KEEP);
	assert_int_equal(META->l3_off, 14);
	assert_int_equal(META->l4_off, 54);
	assert_int_equal(META->l3_len, 57);
	assert_int_equal(META->flags, SL_P_IP6);
	assert_int_equal(META->tos, 0xb9);
	assert_bytes_equal(KEY6, 48, &want, 48);
	assert_int_equal(META->hash, sl_key6_hash(&want));
}

static void tcp6_flags_are_checked(void **state)
{
	(void)state;
	sl_frame_tcp6(&f, 0x12, 4);
	assert_verdict(parse_frame(&f), SL_KEEP);
	assert_int_equal(META->flags, SL_P_IP6 | SL_P_TCP);
	assert_int_equal(META->tcp_flags, 0x12);
	sl_frame_tcp6(&f, 0x03, 4);
	assert_verdict(parse_frame(&f), SL_DROP_TCP_FLAGS);
}

static void truncated_ip6_is_dropped(void **state)
{
	(void)state;
	sl_frame_udp6(&f, 30);
	for (uint32_t len = 14; len < f.len; len++)
		assert_verdict(parse_bytes(f.b, len), SL_DROP_IP6_TRUNCATED);
}

static void ip6_version_and_payload_length_are_checked(void **state)
{
	(void)state;
	for (unsigned int v = 0; v < 16; v++) {
		sl_frame_udp6(&f, 30);
		*at(SL_LAYER_IP6, 0) = (uint8_t)(v << 4);
		assert_verdict(parse_frame(&f), v == 6 ? SL_KEEP : SL_DROP_IP6_MALFORMED);
	}
	sl_frame_udp6(&f, 30);
	memset(at(SL_LAYER_IP6, 4), 0, 2);
	assert_verdict(parse_frame(&f), SL_DROP_IP6_MALFORMED);
	memset(at(SL_LAYER_IP6, 4), 0xff, 2);
	assert_verdict(parse_frame(&f), SL_DROP_IP6_MALFORMED);
	at(SL_LAYER_IP6, 4)[0] = 1;
	assert_verdict(parse_frame(&f), SL_DROP_IP6_TRUNCATED);
}

/* Header and payload together exceed a 16-bit length. */
static void ip6_packet_longer_than_65535_is_dropped(void **state)
{
	static uint8_t huge[14 + 40 + 65535];

	(void)state;
	sl_frame_udp6(&f, 30);
	memcpy(huge, f.b, f.len);
	memset(huge + 14 + 4, 0xff, 2);
	assert_verdict(parse_mbuf(sl_test_mbuf(huge, sizeof(huge))), SL_DROP_IP6_MALFORMED);
	huge[14 + 5] = 0xd7; /* 65535 in all */
	assert_verdict(parse_mbuf(sl_test_mbuf(huge, sizeof(huge))), SL_KEEP);
	assert_int_equal(META->l3_len, 65535);
}

static void impossible_ip6_addresses_are_dropped(void **state)
{
	static const char *const src[] = {"::", "::1", "ff02::1", "::ffff:10.0.0.5"};
	static const char *const dst[] = {"::", "::1", "::ffff:10.0.0.6"};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(src) + RTE_DIM(dst); i++) {
		sl_frame_udp6(&f, 0);
		if (i < RTE_DIM(src))
			inet_pton(AF_INET6, src[i], at(SL_LAYER_IP6, 8));
		else
			inet_pton(AF_INET6, dst[i - RTE_DIM(src)], at(SL_LAYER_IP6, 24));
		assert_verdict(parse_frame(&f), SL_DROP_IP_ADDRESS);
	}
}

static void neighbours_of_impossible_ip6_addresses_are_kept(void **state)
{
	static const char *const good[] = {
		"::2", "1::", "fe80::1", "64:ff9b::10.0.0.1", "::fffe:1:2"};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(good); i++)
		for (uint32_t off = 8; off <= 24; off += 16) {
			sl_frame_udp6(&f, 0);
			inet_pton(AF_INET6, good[i], at(SL_LAYER_IP6, off));
			assert_verdict(parse_frame(&f), SL_KEEP);
		}
}

static void extension_headers_are_walked(void **state)
{
	static const uint8_t body14[14] = {0};

	(void)state;
	start_ip6();
	sl_frame_ip6_ext(&f, .proto = 0);
	sl_frame_ip6_ext(&f, .proto = 60, .body = body14, .body_len = 14);
	sl_frame_ip6_ext(&f, .proto = 43);
	sl_frame_ip6_ext(&f, .proto = 51);
	sl_frame_ip6_ext(&f, .proto = 60);
	sl_frame_tcp(&f, .dport = 443);
	sl_frame_end(&f);
	assert_verdict(parse_frame(&f), SL_KEEP);
	assert_int_equal(META->l4_off, 54 + 8 + 16 + 8 + 16 + 8);
	assert_int_equal(META->proto, IPPROTO_TCP);
	assert_int_equal(KEY6->dport_be, htons(443));
	assert_int_equal(KEY6->net_proto, NETWORK << 8 | IPPROTO_TCP);
}

static void extension_chain_has_a_limit(void **state)
{
	(void)state;
	for (unsigned int n = 0; n < SL_PARSE_EXT_MAX + 3; n++) {
		start_ip6();
		for (unsigned int i = 0; i < n; i++)
			sl_frame_ip6_ext(&f, .proto = 60);
		sl_frame_udp(&f);
		sl_frame_end(&f);
		assert_verdict(
			parse_frame(&f), n <= SL_PARSE_EXT_MAX ? SL_KEEP : SL_DROP_IP6_EXT_CHAIN);
	}
}

static void hop_by_hop_stands_first_and_once(void **state)
{
	(void)state;
	start_ip6();
	sl_frame_ip6_ext(&f, .proto = 60);
	sl_frame_ip6_ext(&f, .proto = 0);
	sl_frame_udp(&f);
	sl_frame_end(&f);
	assert_verdict(parse_frame(&f), SL_DROP_IP6_MALFORMED);
	start_ip6();
	sl_frame_ip6_ext(&f, .proto = 0);
	sl_frame_ip6_ext(&f, .proto = 0);
	sl_frame_udp(&f);
	sl_frame_end(&f);
	assert_verdict(parse_frame(&f), SL_DROP_IP6_MALFORMED);
}

static void extension_header_past_the_packet_is_dropped(void **state)
{
	static const uint8_t protos[] = {0, 43, 44, 51, 60};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(protos); i++)
		for (uint32_t len = 1; len < 8; len++) {
			sl_frame_start(&f);
			sl_frame_eth(&f);
			sl_frame_ip6(&f, .proto = protos[i]);
			sl_frame_payload(&f, len);
			sl_frame_end(&f);
			assert_verdict(parse_frame(&f), SL_DROP_IP6_MALFORMED);
		}
	for (unsigned int units = 0; units < 256; units++) {
		start_ip6();
		sl_frame_ip6_ext(&f, .proto = 60);
		sl_frame_ip6_ext(&f, .proto = 60, .next = 59);
		sl_frame_payload(&f, 3);
		sl_frame_end(&f);
		at(SL_LAYER_IP6_EXT, 8)[1] = (uint8_t)units;
		assert_verdict(parse_frame(&f), units == 0 ? SL_KEEP : SL_DROP_IP6_MALFORMED);
	}
}

static void authentication_header_length_is_checked(void **state)
{
	(void)state;
	for (unsigned int words = 0; words < 8; words++) {
		start_ip6();
		sl_frame_ip6_ext(&f, .proto = 51, .next = 59);
		sl_frame_payload(&f, 12);
		sl_frame_end(&f);
		at(SL_LAYER_IP6_EXT, 0)[1] = (uint8_t)words;
		assert_verdict(parse_frame(&f),
			words == 2 || words == 4 ? SL_KEEP : SL_DROP_IP6_MALFORMED);
	}
}

/* Type 0 is forbidden (RFC 5095); any other type must have no segments left: 2 mobile, 3
 * RPL, 4 segments. */
static void source_routing_is_dropped(void **state)
{
	(void)state;
	for (unsigned int type = 0; type < 256; type++)
		for (uint8_t left = 0; left < 3; left++) {
			start_ip6();
			sl_frame_ip6_ext(&f, .proto = 0);
			sl_frame_ip6_ext(&f, .proto = 43);
			sl_frame_udp(&f);
			sl_frame_end(&f);
			at(SL_LAYER_IP6_EXT, 8)[2] = (uint8_t)type;
			at(SL_LAYER_IP6_EXT, 8)[3] = left;
			assert_verdict(parse_frame(&f),
				type == 0 || left > 0 ? SL_DROP_IP_SOURCE_ROUTE : SL_KEEP);
		}
}

static void hop_limit_zero_is_dropped(void **state)
{
	(void)state;
	for (unsigned int hops = 0; hops < 256; hops++)
		for (int ext = 0; ext < 2; ext++) {
			start_ip6();
			if (ext) /* not the common packet */
				sl_frame_ip6_ext(&f, .proto = 60);
			sl_frame_udp(&f);
			sl_frame_end(&f);
			*at(SL_LAYER_IP6, 7) = (uint8_t)hops;
			assert_verdict(parse_frame(&f), hops == 0 ? SL_DROP_IP_TTL : SL_KEEP);
		}
	sl_frame_tcp6(&f, 0x10, 0);
	*at(SL_LAYER_IP6, 7) = 0;
	assert_verdict(parse_frame(&f), SL_DROP_IP_TTL);
}

static void no_next_header_is_a_packet_without_ports(void **state)
{
	(void)state;
	start_ip6();
	sl_frame_ip6_ext(&f, .proto = 60, .next = 59);
	sl_frame_payload(&f, 20);
	sl_frame_end(&f);
	assert_verdict(parse_frame(&f), SL_KEEP);
	assert_int_equal(META->proto, 59);
	assert_int_equal(KEY6->sport_be, 0);
	assert_int_equal(KEY6->dport_be, 0);
}

static void icmp6(uint8_t type, uint8_t code, uint32_t rest, uint32_t payload)
{
	start_ip6();
	sl_frame_icmp6(&f, .type = type, .type_zero = true, .code = code, .rest = rest);
	sl_frame_payload(&f, payload);
	sl_frame_end(&f);
}

static void echo6_reply_has_the_reversed_key_of_its_request(void **state)
{
	struct sl_key6 request, reply;

	(void)state;
	icmp6(128, 0, 0x12340001, 8);
	assert_verdict(parse_frame(&f), SL_KEEP);
	assert_int_equal(META->flags, SL_P_IP6 | SL_P_ICMP_ECHO);
	request = *KEY6;
	assert_int_equal(request.sport_be, htons(0x1234));
	assert_int_equal(request.dport_be, htons(0x8000));
	sl_frame_start(&f);
	sl_frame_eth(&f);
	sl_frame_ip6(&f, .src = "fd00::6", .dst = "fd00::5");
	sl_frame_icmp6(&f, .type = 129, .rest = 0x12340001);
	sl_frame_end(&f);
	assert_verdict(parse_frame(&f), SL_KEEP);
	assert_int_equal(META->flags, SL_P_IP6 | SL_P_ICMP_ECHO_REPLY);
	reply = sl_key6_reverse(KEY6);
	assert_bytes_equal(&reply, 48, &request, 48);
}

static void icmp6_errors_are_flagged(void **state)
{
	(void)state;
	for (unsigned int type = 0; type < 256; type++) {
		if (type >= 133 && type <= 137)
			continue;
		icmp6((uint8_t)type, 1, 0, 48);
		assert_verdict(parse_frame(&f), SL_KEEP);
		assert_int_equal((META->flags & SL_P_ICMP_ERROR) != 0, type >= 1 && type <= 4);
		assert_int_equal(KEY6->sport_be, htons((uint16_t)(type << 8 | 1)));
	}
}

/* A neighbour discovery message with the given body after the first 8 bytes. */
static void nd(uint8_t type, const char *src, const char *dst, const void *body, uint32_t len)
{
	sl_frame_start(&f);
	sl_frame_eth(&f);
	sl_frame_ip6(&f, .src = src, .dst = dst, .hops = 255);
	sl_frame_icmp6(&f, .type = type);
	sl_frame_bytes(&f, body, len);
	sl_frame_end(&f);
}

#define TARGET	  0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6
#define SOURCE_LL 1, 1, 2, 0, 0, 0, 0, 5
static const uint8_t ns_body[24] = {TARGET, SOURCE_LL};

static void discovery_messages_are_flagged(void **state)
{
	static const uint8_t body[32] = {TARGET, TARGET};
	static const struct {
		uint8_t type, len;
	} nd_min[] = {{133, 0}, {134, 8}, {135, 16}, {136, 16}, {137, 32}};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(nd_min); i++) {
		for (uint32_t len = 0; len < nd_min[i].len; len++) {
			nd(nd_min[i].type, "fe80::5", "fe80::6", body, len);
			assert_verdict(parse_frame(&f), SL_DROP_ND_MALFORMED);
		}
		nd(nd_min[i].type, "fe80::5", "fe80::6", body, nd_min[i].len);
		assert_verdict(parse_frame(&f), SL_KEEP);
		assert_int_equal(META->flags, SL_P_IP6 | SL_P_ND);
	}
}

static void solicitation_with_option_is_kept(void **state)
{
	(void)state;
	nd(135, "fe80::5", "ff02::1:ff00:6", ns_body, 24);
	assert_verdict(parse_frame(&f), SL_KEEP);
}

static void discovery_that_came_through_a_router_is_dropped(void **state)
{
	(void)state;
	nd(135, "fe80::5", "fe80::6", ns_body, 24);
	*at(SL_LAYER_IP6, 7) = 254;
	assert_verdict(parse_frame(&f), SL_DROP_ND_MALFORMED);
	*at(SL_LAYER_IP6, 7) = 255;
	*at(SL_LAYER_ICMP6, 1) = 1;
	assert_verdict(parse_frame(&f), SL_DROP_ND_MALFORMED);
}

static void discovery_option_lengths_are_checked(void **state)
{
	(void)state;
	for (unsigned int units = 0; units < 256; units++) {
		nd(135, "fe80::5", "fe80::6", ns_body, 24);
		at(SL_LAYER_ICMP6, 24)[1] = (uint8_t)units;
		assert_verdict(parse_frame(&f), units == 1 ? SL_KEEP : SL_DROP_ND_MALFORMED);
	}
	for (uint32_t len = 17; len < 24; len++) {
		nd(135, "fe80::5", "fe80::6", ns_body, len);
		assert_verdict(parse_frame(&f), SL_DROP_ND_MALFORMED);
	}
}

static void discovery_targets_are_single_addresses(void **state)
{
	static const uint8_t group[16] = {0xff, 2}, none[16] = {0};

	(void)state;
	for (uint8_t type = 135; type <= 136; type++) {
		nd(type, "fe80::5", "fe80::6", group, 16);
		assert_verdict(parse_frame(&f), SL_DROP_ND_MALFORMED);
		nd(type, "fe80::5", "fe80::6", none, 16);
		assert_verdict(parse_frame(&f), SL_DROP_ND_MALFORMED);
	}
}

static void duplicate_address_detection_is_kept(void **state)
{
	(void)state;
	nd(135, "::", "ff02::1:ff00:6", ns_body, 16);
	assert_verdict(parse_frame(&f), SL_KEEP);
	nd(133, "::", "ff02::2", ns_body, 0);
	assert_verdict(parse_frame(&f), SL_KEEP);
}

static void other_discovery_from_nobody_is_dropped(void **state)
{
	(void)state;
	/* has a link-layer address, which a probe must not have */
	nd(135, "::", "ff02::1:ff00:6", ns_body, 24);
	assert_verdict(parse_frame(&f), SL_DROP_ND_MALFORMED);
	nd(135, "::", "fe80::6", ns_body, 16);
	assert_verdict(parse_frame(&f), SL_DROP_ND_MALFORMED);
	nd(136, "::", "fe80::6", ns_body, 16);
	assert_verdict(parse_frame(&f), SL_DROP_IP_ADDRESS);
}

static void advertisement_to_a_group_is_not_solicited(void **state)
{
	(void)state;
	nd(136, "fe80::5", "ff02::1", ns_body, 16);
	assert_verdict(parse_frame(&f), SL_KEEP);
	*at(SL_LAYER_ICMP6, 4) = 0x40;
	assert_verdict(parse_frame(&f), SL_DROP_ND_MALFORMED);
}

static void fragmented_discovery_is_dropped(void **state)
{
	(void)state;
	sl_frame_start(&f);
	sl_frame_eth(&f);
	sl_frame_ip6(&f, .hops = 255);
	sl_frame_ip6_ext(&f, .proto = 44, .frag_off = 1);
	sl_frame_icmp6(&f, .type = 135);
	sl_frame_bytes(&f, ns_body, 24);
	sl_frame_end(&f);
	assert_verdict(parse_frame(&f), SL_DROP_ND_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(udp6_gets_offsets_and_key),
		cmocka_unit_test(tcp6_flags_are_checked),
		cmocka_unit_test(truncated_ip6_is_dropped),
		cmocka_unit_test(ip6_version_and_payload_length_are_checked),
		cmocka_unit_test(ip6_packet_longer_than_65535_is_dropped),
		cmocka_unit_test(impossible_ip6_addresses_are_dropped),
		cmocka_unit_test(neighbours_of_impossible_ip6_addresses_are_kept),
		cmocka_unit_test(extension_headers_are_walked),
		cmocka_unit_test(extension_chain_has_a_limit),
		cmocka_unit_test(hop_by_hop_stands_first_and_once),
		cmocka_unit_test(extension_header_past_the_packet_is_dropped),
		cmocka_unit_test(authentication_header_length_is_checked),
		cmocka_unit_test(source_routing_is_dropped),
		cmocka_unit_test(hop_limit_zero_is_dropped),
		cmocka_unit_test(no_next_header_is_a_packet_without_ports),
		cmocka_unit_test(echo6_reply_has_the_reversed_key_of_its_request),
		cmocka_unit_test(icmp6_errors_are_flagged),
		cmocka_unit_test(discovery_messages_are_flagged),
		cmocka_unit_test(solicitation_with_option_is_kept),
		cmocka_unit_test(discovery_that_came_through_a_router_is_dropped),
		cmocka_unit_test(discovery_option_lengths_are_checked),
		cmocka_unit_test(discovery_targets_are_single_addresses),
		cmocka_unit_test(duplicate_address_detection_is_kept),
		cmocka_unit_test(other_discovery_from_nobody_is_dropped),
		cmocka_unit_test(advertisement_to_a_group_is_not_solicited),
		cmocka_unit_test(fragmented_discovery_is_dropped),
	};

	return cmocka_run_group_tests(tests, sl_test_eal, parse_teardown);
}
