/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is each encapsulation's own: its bytes, made once by scapy, and the rules that no other has. The
 * rules of all are in test_encap.c and test_encap_pop.c.
 */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "encap_contract.h"

#include "pipelines/parse/parse_dp.h"

#define ETH(type) 0x02, 0, 0, 0, 0x0b, 0x01, 0x02, 0, 0, 0, 0x0a, 0x01, (type) >> 8, (type)&0xff
#define IP4(len, proto, sum)                                                                      \
	ETH(0x0800), 0x45, 0, 0, len, 0, 0, 0x40, 0, 0x40, proto, (sum) >> 8, (sum)&0xff, 192, 0, \
		2, 1, 192, 0, 2, 2
#define IP6(len, proto)                                                                            \
	ETH(0x86dd), 0x60, 0, 0, 1, 0, len, proto, 0x40, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, \
		0, 0, 0, 0, 0, 1, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2
#define UDP(port, len) 0xc0, 0x01, (port) >> 8, (port)&0xff, 0, len, 0, 0
#define VXLAN_OWN      0x08, 0, 0, 0, 0xab, 0xcd, 0xef, 0
#define GBP_OWN	       0x88, 0, 0x03, 0xe9, 0xab, 0xcd, 0xef, 0
#define GENEVE_OWN \
	0x02, 0, 0x65, 0x58, 0xab, 0xcd, 0xef, 0, 0xff, 0x01, 0x01, 0x01, 0, 0, 0x03, 0xe9

struct golden {
	enum sl_encap_id id;
	enum sl_family family;
	uint8_t len;
	uint8_t bytes[SL_TUNNEL_HDR_MAX];
};

/* In front of an IPv4 packet of 32 bytes. */
static const struct golden golden[] = {
	{SL_ENCAP_VXLAN, SL_FAMILY_IP4, 50, {IP4(0x52, 17, 0xb697), UDP(4789, 0x3e), VXLAN_OWN}},
	{SL_ENCAP_VXLAN, SL_FAMILY_IP6, 70, {IP6(0x3e, 17), UDP(4789, 0x3e), VXLAN_OWN}},
	{SL_ENCAP_VXLAN_GBP, SL_FAMILY_IP4, 50, {IP4(0x52, 17, 0xb697), UDP(4789, 0x3e), GBP_OWN}},
	{SL_ENCAP_VXLAN_GBP, SL_FAMILY_IP6, 70, {IP6(0x3e, 17), UDP(4789, 0x3e), GBP_OWN}},
	{SL_ENCAP_GENEVE, SL_FAMILY_IP4, 58, {IP4(0x5a, 17, 0xb68f), UDP(6081, 0x46), GENEVE_OWN}},
	{SL_ENCAP_GENEVE, SL_FAMILY_IP6, 78, {IP6(0x46, 17), UDP(6081, 0x46), GENEVE_OWN}},
	{SL_ENCAP_IPIP, SL_FAMILY_IP4, 34, {IP4(0x34, 4, 0xb6c2)}},
	{SL_ENCAP_IPIP, SL_FAMILY_IP6, 54, {IP6(0x20, 4)}},
};

static const struct contract *contract(enum sl_encap_id id, enum sl_family family)
{
	return &contracts[id * SL_FAMILIES + family];
}

static void headers_are_these_bytes(void **state)
{
	(void)state;
	for (const struct golden *g = golden; g < golden + RTE_DIM(golden); g++) {
		const struct contract *c = contract(g->id, g->family);

		assert_int_equal(g->len, c->hdr_len);
		build(c);
		sl_frame_udp4(&inner, 4);
		assert_int_equal(push(c, sl_frame_mbuf(&inner)), SL_KEEP);
		assert_bytes_equal(
			rte_pktmbuf_mtod(burst.pkt[0], uint8_t *), g->len, g->bytes, g->len);
	}
}

static void port_of_a_node_is_in_every_packet(void **state)
{
	struct sl_tunnel_params p;

	(void)state;
	for_each_contract(c)
	{
		if (c->row->udp_port == 0)
			continue;
		params(&p, c->family);
		p.udp_port = 8472;
		assert_int_equal(sl_tunnel_init(&tunnel, c->id, &p), 0);
		assert_int_equal(tunnel.udp_port_be, htons(8472));
		sl_frame_udp4(&inner, 4);
		assert_int_equal(push(c, sl_frame_mbuf(&inner)), SL_KEEP);
		assert_int_equal(
			ntohs(*rte_pktmbuf_mtod_offset(burst.pkt[0], uint16_t *, c->own_off - 6)),
			8472);
	}
}

/* The same frame, with a checksum in its outer UDP header. */
static void wrap_with_checksum(const struct contract *c)
{
	uint32_t off;

	wrap(c, &outer, &inner, 0);
	off = sl_frame_off(&outer, SL_LAYER_UDP, 0);
	for (unsigned int i = 0; i < outer.n_layers; i++)
		if (outer.layer[i].off == off)
			outer.layer[i].fixed = false;
	sl_frame_checksums(&outer);
	assert_true(outer.b[off + 6] != 0 || outer.b[off + 7] != 0);
}

static void udp_checksum_over_ip6_is_computed_when_a_node_wants_it(void **state)
{
	struct sl_tunnel_params p;

	(void)state;
	for_each_contract(c)
	{
		if (c->row->udp_port == 0 || c->family != SL_FAMILY_IP6)
			continue;
		for (uint32_t payload = 0; payload < 1400; payload += 13) {
			uint32_t cut = 50;

			params(&p, c->family);
			p.udp6_checksum = true;
			assert_int_equal(sl_tunnel_init(&tunnel, c->id, &p), 0);
			sl_frame_udp4(&inner, payload);
			wrap_with_checksum(c);
			assert_int_equal(push(c, sl_frame_mbuf(&inner)), SL_KEEP);
			assert_packet_frame(burst.pkt[0], &outer);
			if (inner.len <= cut)
				continue;
			assert_int_equal(
				push(c, sl_test_mbuf_chain(inner.b, inner.len, &cut, 1)), SL_KEEP);
			assert_packet_frame(burst.pkt[0], &outer);
		}
	}
}

static void udp_checksum_over_ip4_is_never_computed(void **state)
{
	const struct contract *c = contract(SL_ENCAP_VXLAN, SL_FAMILY_IP4);
	struct sl_tunnel_params p;

	(void)state;
	params(&p, c->family);
	p.udp6_checksum = true;
	assert_int_equal(sl_tunnel_init(&tunnel, c->id, &p), 0);
	assert_false(tunnel.udp6_checksum);
}

static void ip_in_ip_names_the_inner_family(void **state)
{
	(void)state;
	for (unsigned int family = 0; family < SL_FAMILIES; family++) {
		const struct contract *c = contract(SL_ENCAP_IPIP, family);
		uint32_t proto = family == SL_FAMILY_IP4 ? 23 : 20;

		build(c);
		sl_frame_udp4(&inner, 4);
		assert_int_equal(push(c, sl_frame_mbuf(&inner)), SL_KEEP);
		assert_int_equal(*rte_pktmbuf_mtod_offset(burst.pkt[0], uint8_t *, proto), 4);
		sl_frame_udp6(&inner, 4);
		assert_int_equal(push(c, sl_frame_mbuf(&inner)), SL_KEEP);
		assert_int_equal(*rte_pktmbuf_mtod_offset(burst.pkt[0], uint8_t *, proto), 41);
	}
}

static void frame_without_ip_goes_into_no_tunnel_that_is_routed(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < N_CONTRACTS; i++) {
		const struct contract *c = &contracts[i];

		if (c->row->inner_ethernet)
			continue;
		build(c);
		sl_frame_start(&inner);
		sl_frame_eth(&inner);
		sl_frame_arp(&inner);
		assert_int_equal(push(c, sl_frame_mbuf(&inner)), SL_DROP_ETH_TYPE_UNKNOWN);
		assert_packet_frame(burst.pkt[0], &inner);
	}
}

static void without_encapsulation_only_the_macs_change(void **state)
{
	const struct contract *c = contract(SL_ENCAP_NONE, SL_FAMILY_IP4);

	(void)state;
	build(c);
	assert_int_equal(tunnel.mtu, 1600);
	assert_int_equal(sl_encap_overhead(SL_ENCAP_NONE, SL_FAMILY_IP6), 0);
	for (int v6 = 0; v6 < 2; v6++)
		for (uint32_t cut = 0; cut < 60; cut++) {
			if (v6)
				sl_frame_udp6(&inner, 4);
			else
				sl_frame_udp4(&inner, 4);
			outer = inner;
			memcpy(outer.b, "\x02\0\0\0\x0b\x01\x02\0\0\0\x0a\x01", 12);
			sl_frame_pad(&inner, 80);
			assert_int_equal(
				push(c, sl_test_mbuf_chain(inner.b, inner.len, &cut, 1)), SL_KEEP);
			assert_packet_frame(burst.pkt[0], &outer);
		}
}

/* GBP */

static void parse_gbp(const uint8_t *own, struct sl_tunnel_header *h)
{
	assert_true(contract(SL_ENCAP_VXLAN_GBP, 0)->row->parse(own, 8, h));
}

static void group_without_the_g_bit_is_ignored(void **state)
{
	struct sl_tunnel_header h;

	(void)state;
	parse_gbp((const uint8_t[]){0x08, 0x08, 0x03, 0xe9, 0, 0, 1, 0}, &h);
	assert_int_equal(h.identity, SL_IDENTITY_UNKNOWN);
	assert_false(h.applied);
	parse_gbp((const uint8_t[]){0x88, 0x48, 0x03, 0xe9, 0, 0, 1, 0}, &h);
	assert_int_equal(h.identity, 1001);
	assert_true(h.applied);
	parse_gbp((const uint8_t[]){0x88, 0x40, 0x03, 0xe9, 0, 0, 1, 0}, &h);
	assert_false(h.applied);
}

static void group_holds_16_bits_or_nothing(void **state)
{
	static const struct {
		uint32_t identity;
		uint8_t own[4];
	} cases[] = {{0, {0x08, 0, 0, 0}}, {1, {0x88, 0, 0, 1}}, {0xffff, {0x88, 0, 0xff, 0xff}},
		{0x10000, {0x08, 0, 0, 0}}, {0x123456, {0x08, 0, 0, 0}}};
	const struct contract *c = contract(SL_ENCAP_VXLAN_GBP, SL_FAMILY_IP4);

	(void)state;
	build(c);
	for (unsigned int i = 0; i < RTE_DIM(cases); i++) {
		sl_frame_udp4(&inner, 4);
		sl_test_burst_free(&burst);
		sl_test_burst_add(&burst, sl_frame_mbuf(&inner));
		sl_parse(&burst, sl_test_all, 1);
		burst.meta[0].act.identity = cases[i].identity & SL_IDENTITY_MASK;
		c->row->push(&burst, sl_test_all, 1, &tunnel);
		assert_bytes_equal(rte_pktmbuf_mtod_offset(burst.pkt[0], uint8_t *, c->own_off), 4,
			cases[i].own, 4);
	}
}

/* Geneve */

/* A packet with these options, a multiple of 4 bytes, and the inner frame from `from` on. */
static enum sl_drop pop_options(const uint8_t *options, uint32_t len, uint16_t type, uint32_t from)
{
	uint8_t own[8] = {
		(uint8_t)(len / 4), 0, (uint8_t)(type >> 8), (uint8_t)type, 0xab, 0xcd, 0xef, 0};

	sl_frame_start(&outer);
	sl_frame_eth(&outer);
	sl_frame_ip4(&outer, .src = "192.0.2.1", .dst = "192.0.2.2");
	sl_frame_udp(&outer, .dport = 6081, .no_checksum = true);
	sl_frame_bytes(&outer, own, sizeof(own));
	sl_frame_bytes(&outer, options, len);
	sl_frame_copy(&outer, &inner, from);
	sl_frame_end(&outer);
	return pop(contract(SL_ENCAP_GENEVE, 0), exact(&outer));
}

static void geneve_skips_252_bytes_of_options(void **state)
{
	static const uint8_t identity[8] = {0xff, 0x01, 0x01, 0x01, 0, 0x12, 0x34, 0x56};
	uint8_t options[252];

	(void)state;
	sl_frame_udp4(&inner, 20);
	for (uint32_t len = 0; len <= sizeof(options); len += 4) {
		memset(options, 0, sizeof(options));
		for (uint32_t at = 0; at < len; at += 4)
			options[at + 2] = 0x7f; /* type */
		assert_int_equal(pop_options(options, len, 0x6558, 0), SL_KEEP);
		assert_packet_frame(burst.pkt[0], &inner);
		assert_int_equal(burst.meta[0].act.identity, SL_IDENTITY_UNKNOWN);
		assert_int_equal(burst.meta[0].removed_half, (14 + 20 + 8 + 8 + len) / 2);
		if (len < 8)
			continue;
		memcpy(options + len - 8, identity, 8);
		assert_int_equal(pop_options(options, len, 0x6558, 0), SL_KEEP);
		assert_packet_frame(burst.pkt[0], &inner);
		assert_int_equal(burst.meta[0].act.identity, 0x123456);
	}
}

static void geneve_takes_long_options_and_refuses_one_that_overruns(void **state)
{
	uint8_t options[252] = {0};

	(void)state;
	sl_frame_udp4(&inner, 20);
	for (uint32_t words = 0; words <= 31; words++) {
		uint32_t len = 4 + 4 * words;

		options[3] = (uint8_t)(0xe0 | words);
		assert_int_equal(pop_options(options, len, 0x6558, 0), SL_KEEP);
		if (words > 0)
			assert_int_equal(
				pop_options(options, len - 4, 0x6558, 0), SL_DROP_TUNNEL_MALFORMED);
	}
}

static void geneve_refuses_identities_that_are_not_one_number(void **state)
{
	static const uint8_t twice[16] = {
		0xff, 1, 1, 1, 0, 0, 3, 0xe9, 0xff, 1, 1, 1, 0, 0, 3, 0xe9};
	static const uint8_t empty[4] = {0xff, 1, 1, 0};
	static const uint8_t longer[12] = {0xff, 1, 1, 2, 0, 0, 0, 1, 0, 0, 0, 1};
	static const uint8_t big[8] = {0xff, 1, 1, 1, 1, 0, 0, 0};

	(void)state;
	sl_frame_udp4(&inner, 20);
	assert_int_equal(pop_options(twice, 16, 0x6558, 0), SL_DROP_TUNNEL_MALFORMED);
	assert_int_equal(pop_options(empty, 4, 0x6558, 0), SL_DROP_TUNNEL_MALFORMED);
	assert_int_equal(pop_options(longer, 12, 0x6558, 0), SL_DROP_TUNNEL_MALFORMED);
	assert_int_equal(pop_options(big, 8, 0x6558, 0), SL_DROP_TUNNEL_MALFORMED);
	assert_int_equal(pop_options(twice, 8, 0x6558, 0), SL_KEEP);
}

/* A critical option of the identity's class is another one, and unknown. */
static void geneve_drops_unknown_critical_options(void **state)
{
	static const uint8_t critical[12] = {0x01, 0x02, 0x80, 0, 0xff, 1, 1, 1, 0, 0, 3, 0xe9};
	static const uint8_t own_class[8] = {0xff, 1, 0x81, 1, 0, 0, 3, 0xe9};
	static const uint8_t then_bad[8] = {0x01, 0x02, 0x80, 0, 0xff, 1, 1, 1};

	(void)state;
	sl_frame_udp4(&inner, 20);
	assert_int_equal(pop_options(critical, 12, 0x6558, 0), SL_DROP_GENEVE_OPTION);
	/* The headers are off, for the sample. */
	assert_packet_frame(burst.pkt[0], &inner);
	assert_int_equal(pop_options(own_class, 8, 0x6558, 0), SL_DROP_GENEVE_OPTION);
	assert_int_equal(pop_options(then_bad, 8, 0x6558, 0), SL_DROP_TUNNEL_MALFORMED);
}

static void geneve_gives_inner_ip_an_ethernet_header(void **state)
{
	static const uint8_t identity[8] = {0xff, 0x01, 0x01, 0x01, 0, 0, 0x03, 0xe9};

	(void)state;
	for (int v6 = 0; v6 < 2; v6++)
		for (uint32_t len = 0; len <= 8; len += 8) {
			if (v6)
				sl_frame_udp6(&inner, 20);
			else
				sl_frame_udp4(&inner, 20);
			assert_int_equal(
				pop_options(identity, len, v6 ? 0x86dd : 0x0800, 14), SL_KEEP);
			memset(inner.b, 0, 12);
			assert_packet_frame(burst.pkt[0], &inner);
			assert_int_equal(
				burst.meta[0].removed_half, (14 + 20 + 8 + 8 + len - 14) / 2);
		}
}

static void geneve_refuses_an_inner_packet_shorter_than_its_header(void **state)
{
	static const struct {
		uint16_t type;
		uint32_t min;
	} cases[] = {{0x6558, 14}, {0x0800, 20}, {0x86dd, 40}};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(cases); i++)
		for (uint32_t len = 0; len < 60; len++) {
			sl_frame_udp6(&inner, 20);
			inner.len = len;
			assert_int_equal(pop_options(NULL, 0, cases[i].type, 0),
				len < cases[i].min ? SL_DROP_TUNNEL_MALFORMED : SL_KEEP);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_are_these_bytes),
		cmocka_unit_test(port_of_a_node_is_in_every_packet),
		cmocka_unit_test(udp_checksum_over_ip6_is_computed_when_a_node_wants_it),
		cmocka_unit_test(udp_checksum_over_ip4_is_never_computed),
		cmocka_unit_test(ip_in_ip_names_the_inner_family),
		cmocka_unit_test(frame_without_ip_goes_into_no_tunnel_that_is_routed),
		cmocka_unit_test(without_encapsulation_only_the_macs_change),
		cmocka_unit_test(group_without_the_g_bit_is_ignored),
		cmocka_unit_test(group_holds_16_bits_or_nothing),
		cmocka_unit_test(geneve_skips_252_bytes_of_options),
		cmocka_unit_test(geneve_takes_long_options_and_refuses_one_that_overruns),
		cmocka_unit_test(geneve_refuses_identities_that_are_not_one_number),
		cmocka_unit_test(geneve_drops_unknown_critical_options),
		cmocka_unit_test(geneve_gives_inner_ip_an_ethernet_header),
		cmocka_unit_test(geneve_refuses_an_inner_packet_shorter_than_its_header),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
