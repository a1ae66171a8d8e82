/* SPDX-License-Identifier: BSD-3-Clause */
/* IPv4 and transport headers. */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "pipelines/flow/flow_dp.h"
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

static void udp4_gets_offsets_and_key(void **state)
{
	struct sl_key4 want = {sl_test_ip4("10.0.0.5"), sl_test_ip4("10.0.0.6"), htons(40000),
		htons(53), NETWORK << 8 | IPPROTO_UDP};

	(void)state;
	sl_frame_udp4(&f, 100);
	assert_verdict(parse_frame(&f), SL_KEEP);
	assert_int_equal(META->l3_off, 14);
	assert_int_equal(META->l4_off, 34);
	assert_int_equal(META->l3_len, 128);
	assert_int_equal(META->flags, SL_P_IP4);
	assert_int_equal(META->proto, IPPROTO_UDP);
	assert_int_equal(META->tos, 0);
	assert_bytes_equal(KEY4, 16, &want, 16);
	assert_int_equal(META->hash, sl_key4_hash(&want));
}

static void tcp4_gets_flags_and_tos(void **state)
{
	(void)state;
	start_ip4();
	sl_frame_ip4(&f, .tos = 0xb9, .frag = 0x4000);
	sl_frame_tcp(&f, .flags = 0x52, .sport = 1, .dport = 2);
	sl_frame_end(&f);
	assert_verdict(parse_frame(&f), SL_KEEP);
	assert_int_equal(META->flags, SL_P_IP4 | SL_P_IP4_DF | SL_P_TCP);
	assert_int_equal(META->tcp_flags, 0x52);
	assert_int_equal(META->tos, 0xb9);
	assert_int_equal(KEY4->sport_be, htons(1));
	assert_int_equal(KEY4->dport_be, htons(2));
}

static void whole_burst_is_parsed_by_its_index_list(void **state)
{
	static const uint8_t odd[] = {1, 3, 5, 7, 9, 11, 13, 15};
	struct sl_burst *b = &parse_burst;

	(void)state;
	sl_test_burst_free(b);
	for (int i = 0; i < 16; i++) {
		sl_frame_udp4(&f, (uint32_t)i);
		sl_test_burst_add(b, sl_frame_mbuf(&f));
		b->meta[i].network = NETWORK;
	}
	sl_parse(b, odd, 8);
	for (unsigned int i = 0; i < 16; i++)
		assert_int_equal(b->meta[i].l3_len, i % 2 ? 28 + i : 0x5a5a);
}

static void truncated_ip4_is_dropped(void **state)
{
	(void)state;
	for (uint32_t len = 14; len < 14 + 20 + 8 + 30; len++) {
		sl_frame_udp4(&f, 30);
		assert_verdict(parse_bytes(f.b, len), SL_DROP_IP4_TRUNCATED);
		sl_frame_tcp4(&f, 0x18, 18);
		assert_verdict(parse_bytes(f.b, len), SL_DROP_IP4_TRUNCATED);
	}
}

static void ip4_header_fields_are_checked(void **state)
{
	(void)state;
	for (unsigned int v = 0; v < 16; v++) {
		sl_frame_udp4(&f, 64);
		*at(SL_LAYER_IP4, 0) = (uint8_t)(v << 4 | 5);
		assert_verdict(parse_frame(&f), v == 4 ? SL_KEEP : SL_DROP_IP4_MALFORMED);
	}
	for (unsigned int ihl = 0; ihl < 5; ihl++) {
		sl_frame_udp4(&f, 64);
		*at(SL_LAYER_IP4, 0) = (uint8_t)(0x40 | ihl);
		assert_verdict(parse_frame(&f), SL_DROP_IP4_MALFORMED);
	}
}

static void ip4_total_length_below_header_is_dropped(void **state)
{
	(void)state;
	for (uint16_t total = 0; total < 20; total++) {
		sl_frame_udp4(&f, 64);
		poke16(SL_LAYER_IP4, 2, total);
		assert_verdict(parse_frame(&f), SL_DROP_IP4_MALFORMED);
	}
	sl_frame_udp4(&f, 64);
	*at(SL_LAYER_IP4, 0) = 0x4f;
	poke16(SL_LAYER_IP4, 2, 59);
	assert_verdict(parse_frame(&f), SL_DROP_IP4_MALFORMED);
}

static void ip4_protocol_zero_is_dropped(void **state)
{
	(void)state;
	sl_frame_udp4(&f, 64);
	*at(SL_LAYER_IP4, 9) = 0;
	assert_verdict(parse_frame(&f), SL_DROP_IP4_MALFORMED);
}

static void ethernet_padding_is_not_counted(void **state)
{
	(void)state;
	sl_frame_udp4(&f, 1);
	sl_frame_pad(&f, 60);
	assert_verdict(parse_frame(&f), SL_KEEP);
	assert_int_equal(META->l3_len, 29);
}

static void padding_does_not_complete_a_header(void **state)
{
	(void)state;
	sl_frame_tcp4(&f, 0x10, 0);
	poke16(SL_LAYER_IP4, 2, 39);
	assert_verdict(parse_frame(&f), SL_DROP_L4_TRUNCATED);
	sl_frame_udp4(&f, 0);
	poke16(SL_LAYER_IP4, 2, 27);
	sl_frame_pad(&f, 60);
	assert_verdict(parse_frame(&f), SL_DROP_L4_TRUNCATED);
}

static void ip4_options_are_skipped(void **state)
{
	uint8_t nops[40];

	(void)state;
	memset(nops, 1, sizeof(nops));
	for (uint8_t len = 4; len <= 40; len += 4) {
		start_ip4();
		sl_frame_ip4(&f, .options = nops, .options_len = len);
		sl_frame_tcp(&f);
		sl_frame_end(&f);
		assert_verdict(parse_frame(&f), SL_KEEP);
		assert_int_equal(META->l4_off, 34 + len);
		assert_int_equal(KEY4->dport_be, htons(80));
	}
}

/* One packet from each source and one to each destination, all with the same verdict. */
static void from_each_and_to_each(const char *const *src, unsigned int n_src,
	const char *const *dst, unsigned int n_dst, enum sl_drop verdict)
{
	for (unsigned int i = 0; i < n_src + n_dst; i++) {
		start_ip4();
		if (i < n_src)
			sl_frame_ip4(&f, .src = src[i]);
		else
			sl_frame_ip4(&f, .dst = dst[i - n_src]);
		sl_frame_udp(&f);
		sl_frame_end(&f);
		assert_verdict(parse_frame(&f), verdict);
	}
}

static void impossible_ip4_addresses_are_dropped(void **state)
{
	static const char *const src[] = {"0.0.0.0", "127.0.0.1", "127.255.0.9", "224.0.0.1",
		"239.255.255.255", "255.255.255.255"};
	static const char *const dst[] = {"0.0.0.0", "127.0.0.1"};

	(void)state;
	from_each_and_to_each(src, RTE_DIM(src), dst, RTE_DIM(dst), SL_DROP_IP_ADDRESS);
}

static void neighbours_of_impossible_addresses_are_kept(void **state)
{
	static const char *const src[] = {"0.0.0.1", "1.0.0.0", "126.255.255.255", "128.0.0.0",
		"223.255.255.255", "240.0.0.1", "255.255.255.254"};
	static const char *const dst[] = {"0.0.0.1", "224.0.0.1", "255.255.255.255"};

	(void)state;
	from_each_and_to_each(src, RTE_DIM(src), dst, RTE_DIM(dst), SL_KEEP);
}

static void udp_length_is_checked(void **state)
{
	(void)state;
	for (uint16_t len = 0; len < 60; len++) {
		sl_frame_udp4(&f, 32);
		poke16(SL_LAYER_UDP, 4, len);
		assert_verdict(
			parse_frame(&f), len >= 8 && len <= 40 ? SL_KEEP : SL_DROP_L4_MALFORMED);
	}
}

static void tcp_data_offset_is_checked(void **state)
{
	(void)state;
	for (unsigned int words = 0; words < 16; words++) {
		sl_frame_tcp4(&f, 0x10, 12);
		*at(SL_LAYER_TCP, 12) = (uint8_t)(words << 4);
		assert_verdict(parse_frame(&f), words < 5   ? SL_DROP_L4_MALFORMED
						: words > 8 ? SL_DROP_L4_TRUNCATED
							    : SL_KEEP);
	}
}

static void transport_header_cut_by_the_ip_length_is_dropped(void **state)
{
	static const struct {
		uint8_t proto;
		uint16_t need;
	} l4[] = {{6, 20}, {17, 8}, {132, 12}, {1, 8}};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(l4); i++)
		for (uint16_t len = 0; len < l4[i].need; len++) {
			start_ip4();
			sl_frame_ip4(&f, .proto = l4[i].proto);
			sl_frame_payload(&f, len);
			sl_frame_end(&f);
			assert_verdict(parse_frame(&f), SL_DROP_L4_TRUNCATED);
			sl_frame_pad(&f, 100);
			assert_verdict(parse_frame(&f), SL_DROP_L4_TRUNCATED);
		}
}

static void tcp_flags_no_stack_sends_are_dropped(void **state)
{
	/* Flags that RFC 9293 allows, without PSH, URG, ECE and CWR. */
	static const uint8_t good[] = {0x02, 0x12, 0x04, 0x14, 0x10, 0x11};

	(void)state;
	for (unsigned int flags = 0; flags < 256; flags++) {
		bool ok = false;

		for (unsigned int i = 0; i < RTE_DIM(good); i++)
			ok = ok || (flags & 0x17) == good[i];
		sl_frame_tcp4(&f, 0x10, 0);
		*at(SL_LAYER_TCP, 13) = (uint8_t)flags;
		assert_verdict(parse_frame(&f), ok ? SL_KEEP : SL_DROP_TCP_FLAGS);
	}
}

static void sctp_ports_are_in_the_key(void **state)
{
	(void)state;
	start_ip4();
	sl_frame_ip4(&f);
	sl_frame_sctp(&f, .sport = 9, .dport = 10);
	sl_frame_end(&f);
	assert_verdict(parse_frame(&f), SL_KEEP);
	assert_int_equal(KEY4->sport_be, htons(9));
	assert_int_equal(KEY4->dport_be, htons(10));
	assert_int_equal(KEY4->net_proto, NETWORK << 8 | IPPROTO_SCTP);
}

static void other_protocols_have_no_ports(void **state)
{
	static const uint8_t protos[] = {2, 4, 41, 47, 50, 51, 58, 89, 255};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(protos); i++)
		for (uint32_t len = 0; len < 40; len += 39) {
			start_ip4();
			sl_frame_ip4(&f, .proto = protos[i]);
			sl_frame_payload(&f, len);
			sl_frame_end(&f);
			assert_verdict(parse_frame(&f), SL_KEEP);
			assert_int_equal(KEY4->sport_be, 0);
			assert_int_equal(KEY4->dport_be, 0);
			assert_int_equal(KEY4->net_proto, NETWORK << 8 | protos[i]);
		}
}

static void icmp(uint8_t type, uint8_t code, uint32_t rest)
{
	start_ip4();
	sl_frame_ip4(&f);
	sl_frame_icmp(&f, .type = type, .type_zero = true, .code = code, .rest = rest);
	sl_frame_payload(&f, 8);
	sl_frame_end(&f);
}

static void echo_reply_has_the_reversed_key_of_its_request(void **state)
{
	struct sl_key4 request, reply;

	(void)state;
	icmp(8, 0, 0x12340001);
	assert_verdict(parse_frame(&f), SL_KEEP);
	assert_int_equal(META->flags, SL_P_IP4 | SL_P_ICMP_ECHO);
	request = *KEY4;
	assert_int_equal(request.sport_be, htons(0x1234));
	assert_int_equal(request.dport_be, htons(0x0800));
	start_ip4();
	sl_frame_ip4(&f, .src = "10.0.0.6", .dst = "10.0.0.5");
	sl_frame_icmp(&f, .type_zero = true, .rest = 0x12340001);
	sl_frame_end(&f);
	assert_verdict(parse_frame(&f), SL_KEEP);
	assert_int_equal(META->flags, SL_P_IP4 | SL_P_ICMP_ECHO_REPLY);
	reply = sl_key4_reverse(KEY4);
	assert_bytes_equal(&reply, 16, &request, 16);
}

static void other_icmp_has_type_and_code_in_the_key(void **state)
{
	(void)state;
	icmp(13, 2, 77);
	assert_verdict(parse_frame(&f), SL_KEEP);
	assert_int_equal(META->flags, SL_P_IP4);
	assert_int_equal(KEY4->sport_be, htons(13 << 8 | 2));
	assert_int_equal(KEY4->dport_be, 0);
}

static void icmp_errors_we_relay_are_flagged(void **state)
{
	(void)state;
	for (unsigned int type = 0; type < 256; type++) {
		bool error = type == 3 || type == 11 || type == 12;

		if (type == 4 || type == 5 || type == 9)
			continue; /* only from a router */
		icmp((uint8_t)type, 1, 0);
		assert_verdict(parse_frame(&f), SL_KEEP);
		assert_int_equal((META->flags & SL_P_ICMP_ERROR) != 0, error);
	}
}

static void outer_checksum_is_verified(void **state)
{
	uint8_t nops[4] = {1, 1, 1, 1};

	(void)state;
	for (uint8_t options = 0; options <= 4; options += 4) {
		start_ip4();
		sl_frame_ip4(&f, .options = nops, .options_len = options);
		sl_frame_udp(&f);
		sl_frame_end(&f);
		assert_verdict(parse_frame_outer(&f), SL_KEEP);
		for (uint32_t i = 0; i < 20; i++) {
			if (i == 0 || i == 2 || i == 3 || i == 6 || i == 7 || i == 9)
				continue; /* refused for other reasons first */
			f.b[14 + i] ^= 1;
			assert_verdict(parse_frame_outer(&f), SL_DROP_IP4_CHECKSUM);
			f.b[14 + i] ^= 1;
		}
	}
}

/* For a tunnel packet, the device's result may be about the inner header. */
static void checksum_verdict_of_the_device_is_not_asked(void **state)
{
	static const uint64_t said[] = {RTE_MBUF_F_RX_IP_CKSUM_GOOD, RTE_MBUF_F_RX_IP_CKSUM_BAD,
		RTE_MBUF_F_RX_IP_CKSUM_NONE};
	struct rte_mbuf *m;

	(void)state;
	for (unsigned int i = 0; i < 2 * RTE_DIM(said); i++) {
		start_ip4();
		sl_frame_ip4(&f, .proto = i % 2 ? IPPROTO_SCTP : 0);
		if (i % 2)
			sl_frame_sctp(&f);
		else
			sl_frame_udp(&f);
		sl_frame_end(&f);
		m = sl_frame_mbuf(&f);
		m->ol_flags = said[i / 2];
		assert_verdict(parse_outer_mbuf(m), SL_KEEP);
		f.b[24] ^= 1;
		m = sl_frame_mbuf(&f);
		m->ol_flags = said[i / 2];
		assert_verdict(parse_outer_mbuf(m), SL_DROP_IP4_CHECKSUM);
	}
}

static void outer_leaves_addresses_and_no_key(void **state)
{
	(void)state;
	sl_frame_udp4(&f, 0);
	assert_verdict(parse_frame_outer(&f), SL_KEEP);
	assert_int_equal(KEY4->src_be, sl_test_ip4("10.0.0.5"));
	assert_int_equal(KEY4->dst_be, sl_test_ip4("10.0.0.6"));
	assert_int_equal(META->hash, 0x5a5a5a5a);
	assert_int_equal(META->l4_off, 34);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(udp4_gets_offsets_and_key),
		cmocka_unit_test(tcp4_gets_flags_and_tos),
		cmocka_unit_test(whole_burst_is_parsed_by_its_index_list),
		cmocka_unit_test(truncated_ip4_is_dropped),
		cmocka_unit_test(ip4_header_fields_are_checked),
		cmocka_unit_test(ip4_total_length_below_header_is_dropped),
		cmocka_unit_test(ip4_protocol_zero_is_dropped),
		cmocka_unit_test(ethernet_padding_is_not_counted),
		cmocka_unit_test(padding_does_not_complete_a_header),
		cmocka_unit_test(ip4_options_are_skipped),
		cmocka_unit_test(impossible_ip4_addresses_are_dropped),
		cmocka_unit_test(neighbours_of_impossible_addresses_are_kept),
		cmocka_unit_test(udp_length_is_checked),
		cmocka_unit_test(tcp_data_offset_is_checked),
		cmocka_unit_test(transport_header_cut_by_the_ip_length_is_dropped),
		cmocka_unit_test(tcp_flags_no_stack_sends_are_dropped),
		cmocka_unit_test(sctp_ports_are_in_the_key),
		cmocka_unit_test(other_protocols_have_no_ports),
		cmocka_unit_test(echo_reply_has_the_reversed_key_of_its_request),
		cmocka_unit_test(other_icmp_has_type_and_code_in_the_key),
		cmocka_unit_test(icmp_errors_we_relay_are_flagged),
		cmocka_unit_test(outer_checksum_is_verified),
		cmocka_unit_test(checksum_verdict_of_the_device_is_not_asked),
		cmocka_unit_test(outer_leaves_addresses_and_no_key),
	};

	return cmocka_run_group_tests(tests, sl_test_eal, parse_teardown);
}
