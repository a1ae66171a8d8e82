/* SPDX-License-Identifier: BSD-3-Clause */
/* What every encapsulation's row, templates and push must do, over all rows of sl_encaps. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

#include "encap_contract.h"

#include "pipelines/parse/parse_dp.h"

static void every_row_is_whole_and_has_a_name_and_a_mark_of_its_own(void **state)
{
	(void)state;
	for_each_contract(c)
	{
		assert_ptr_equal(sl_encaps[c->id], c->row);
		assert_int_equal(c->row->id, c->id);
		assert_non_null(c->row->explain);
		assert_int_equal(sl_encap_find(c->row->ip_proto, htons(c->row->udp_port)),
			c->row->wire != NULL ? c->row->wire->id : c->id);
		if (c->row->ip_proto6 != 0)
			assert_int_equal(sl_encap_find(c->row->ip_proto6, 0), c->id);
		assert_int_equal(c->row->udp_port != 0, c->row->ip_proto == IPPROTO_UDP);
		for (const struct contract *other = contracts; other < c; other++)
			if (other->id != c->id)
				assert_string_not_equal(c->name, other->name);
	}
	assert_int_equal(sl_encap_find(IPPROTO_UDP, htons(9)), SL_ENCAP_COUNT);
	assert_int_equal(sl_encap_find(IPPROTO_TCP, htons(4789)), SL_ENCAP_COUNT);
	assert_int_equal(sl_encap_find(0, 0), SL_ENCAP_COUNT);
}

static void overhead_is_what_push_puts_in_front_of_the_inner_ip_packet(void **state)
{
	uint32_t least = UINT32_MAX;

	(void)state;
	for_each_contract(c)
	{
		uint32_t overhead = c->hdr_len - 14 + (c->row->inner_ethernet ? 14 : 0);

		assert_int_equal(sl_encap_overhead(c->id, c->family), overhead);
		assert_int_equal(sl_encap_inner_mtu(c->id, c->family, 1500), 1500 - overhead);
		assert_int_equal(sl_encap_inner_mtu(c->id, c->family, overhead), 0);
		assert_int_equal(sl_encap_inner_mtu(c->id, c->family, 0), 0);
		least = overhead < least ? overhead : least;
	}
	assert_int_equal(sl_encap_overhead_least(), least);
}

static void parse_reads_what_push_wrote_and_no_byte_more(void **state)
{
	struct sl_tunnel_header h;
	char text[128];

	(void)state;
	for_each_contract(c)
	{
		for (uint32_t len = 0; len <= c->own_len; len++) {
			uint8_t *exact = malloc(len + 1);

			assert_non_null(exact);
			memcpy(exact + 1, c->own,
				len); /* an odd address, and address sanitizer checks the end */
			assert_int_equal(c->row->parse(exact + 1, len, &h), len == c->own_len);
			if (len > 0) {
				c->row->explain(exact + 1, len, text, sizeof(text));
				assert_true(strlen(text) > 0);
			}
			free(exact);
		}
		assert_int_equal(h.len, c->own_len);
		assert_int_equal(h.vni, c->row->carries_network ? VNI : 0);
		assert_int_equal(h.identity, c->row->carries_identity ? 1001 : SL_IDENTITY_UNKNOWN);
	}
}

static void template_is_the_frame_without_what_differs(void **state)
{
	(void)state;
	for_each_contract(c)
	{
		build(c);
		assert_int_equal(tunnel.hdr_len, c->hdr_len);
		assert_int_equal(tunnel.encap, c->id);
		assert_int_equal(tunnel.port, 2);
		assert_int_equal(tunnel.id, 77);
		assert_int_equal(tunnel.node, 7);
		assert_true(tunnel.resolved && tunnel.reachable);
		assert_int_equal(tunnel.family, c->family);
		assert_int_equal(tunnel.udp_port_be, htons(c->row->udp_port));
		/* The checksum is that of the header in the template. */
		if (c->family == SL_FAMILY_IP4)
			assert_int_equal(
				sl_test_checksum(
					tunnel.hdr + SL_TUNNEL_HDR_MAX - c->hdr_len + 14, 20, 0),
				0);
	}
}

static void addresses_of_two_families_are_refused(void **state)
{
	struct sl_tunnel_params p;

	(void)state;
	for_each_contract(c)
	{
		params(&p, c->family);
		p.remote = sl_test_ip(c->family == SL_FAMILY_IP4 ? "2001:db8::2" : "192.0.2.2");
		assert_int_equal(sl_tunnel_init(&tunnel, c->id, &p), -ENOTSUP);
		errno = 0;
		assert_null(sl_tunnel_create(c->id, &p));
		assert_int_equal(errno, ENOTSUP);
	}
}

static void largest_inner_packet_fills_the_underlay_mtu(void **state)
{
	static const uint16_t mtus[] = {576, 1500, 1600, 9000};
	struct sl_tunnel_params p;

	(void)state;
	for_each_contract(c) for (unsigned int i = 0; i < RTE_DIM(mtus); i++)
	{
		params(&p, c->family);
		p.underlay_mtu = mtus[i];
		assert_int_equal(sl_tunnel_init(&tunnel, c->id, &p), 0);
		sl_frame_udp4(&inner, tunnel.mtu - 28u);
		assert_int_equal(push(c, sl_frame_mbuf(&inner)), SL_KEEP);
		assert_int_equal(burst.pkt[0]->pkt_len, 14u + mtus[i]);
	}
}

static void underlay_mtu_below_the_headers_leaves_nothing(void **state)
{
	struct sl_tunnel_params p;

	(void)state;
	for_each_contract(c)
	{
		params(&p, c->family);
		for (uint16_t mtu = 0; mtu <= sl_encap_overhead(c->id, c->family); mtu++) {
			p.underlay_mtu = mtu;
			assert_int_equal(sl_tunnel_init(&tunnel, c->id, &p), 0);
			assert_int_equal(tunnel.mtu, 0);
		}
	}
}

static void push_makes_the_frame_the_builders_make(void **state)
{
	static const uint32_t payloads[] = {0, 1, 17, 100, 1000, 1450};

	(void)state;
	for_each_contract(c)
	{
		build(c);
		for (unsigned int i = 0; i < RTE_DIM(payloads); i++)
			for (int v6 = 0; v6 < 2; v6++) {
				if (v6)
					sl_frame_udp6(&inner, payloads[i]);
				else
					sl_frame_udp4(&inner, payloads[i]);
				wrap(c, &outer, &inner, 0);
				assert_int_equal(push(c, sl_frame_mbuf(&inner)), SL_KEEP);
				assert_packet_frame(burst.pkt[0], &outer);
			}
	}
}

static void push_copies_dscp_and_ecn_outward(void **state)
{
	(void)state;
	for_each_contract(c)
	{
		build(c);
		for (unsigned int tos = 0; tos < 256; tos++) {
			sl_frame_start(&inner);
			sl_frame_eth(&inner);
			sl_frame_ip4(&inner, .tos = (uint8_t)tos);
			sl_frame_tcp(&inner);
			sl_frame_end(&inner);
			wrap(c, &outer, &inner, (uint8_t)tos);
			assert_int_equal(push(c, sl_frame_mbuf(&inner)), SL_KEEP);
			assert_packet_frame(burst.pkt[0], &outer);
		}
	}
}

static void outer_checksum_holds_for_every_length(void **state)
{
	(void)state;
	for_each_contract(c)
	{
		if (c->family != SL_FAMILY_IP4)
			continue;
		build(c);
		sl_frame_udp4(&inner, 1500);
		for (uint16_t len = 28; len < 1500; len++) {
			inner.b[16] = (uint8_t)(len >> 8);
			inner.b[17] = (uint8_t)len;
			inner.b[38] = 0;
			inner.b[39] = 8;
			assert_int_equal(push(c, sl_frame_mbuf(&inner)), SL_KEEP);
			assert_int_equal(sl_test_checksum(rte_pktmbuf_mtod_offset(
								  burst.pkt[0], uint8_t *, 14),
						 20, 0),
				0);
		}
	}
}

static void ethernet_padding_stays_behind(void **state)
{
	(void)state;
	for_each_contract(c)
	{
		build(c);
		for (uint32_t cut = 0; cut <= 60; cut++) {
			sl_frame_udp4(&inner, 1);
			wrap(c, &outer, &inner, 0);
			sl_frame_pad(&inner, 60);
			assert_int_equal(
				push(c, sl_test_mbuf_chain(inner.b, 60, &cut, 1)), SL_KEEP);
			assert_packet_frame(burst.pkt[0], &outer);
			rte_mbuf_sanity_check(burst.pkt[0], 1);
		}
	}
}

static void push_without_headroom_leaves_the_packet_as_it_was(void **state)
{
	(void)state;
	for_each_contract(c)
	{
		build(c);
		for (uint16_t room = 0; room < 128; room++) {
			uint32_t need = c->hdr_len;
			struct rte_mbuf *m;
			enum sl_drop drop;

			sl_frame_udp4(&inner, 1);
			wrap(c, &outer, &inner, 0);
			sl_frame_pad(&inner, 60);
			m = sl_test_mbuf_headroom(inner.b, inner.len, room);
			drop = push(c, m);
			if (!c->row->inner_ethernet)
				need -= 14;
			assert_int_equal(drop, room < need ? SL_DROP_HEADROOM : SL_KEEP);
			assert_packet_frame(m, drop == SL_KEEP ? &outer : &inner);
		}
	}
}

static void packet_too_long_for_an_ip_header_is_dropped(void **state)
{
	static uint8_t huge[65600];

	(void)state;
	for_each_contract(c)
	{
		struct rte_mbuf *m;

		/* The longest IP packet fits another of IPv6. */
		if (!c->row->inner_ethernet && c->family == SL_FAMILY_IP6)
			continue;
		build(c);
		sl_test_burst_free(&burst);
		m = sl_test_mbuf(huge, 65600);
		sl_test_burst_add(&burst, m);
		burst.meta[0].flags = c->row->inner_ethernet ? 0 : SL_P_IP4;
		burst.meta[0].l3_off = 14;
		burst.meta[0].l3_len = 65535;
		burst.meta[0].tunnel = &tunnel;
		c->row->push(&burst, sl_test_all, 1, NULL);
		assert_int_equal(burst.verdict[0], SL_DROP_MTU_EXCEEDED);
		assert_packet_bytes(m, huge, 65600);
	}
}

static void source_port_is_dynamic_and_follows_the_flow(void **state)
{
	uint32_t seen[8] = {0};

	(void)state;
	for_each_contract(c)
	{
		if (c->row->udp_port == 0)
			continue;
		build(c);
		for (uint32_t i = 0; i < 1000; i++) {
			struct sl_meta *md = &burst.meta[0];
			uint16_t port;

			sl_frame_udp4(&inner, 0);
			sl_test_burst_free(&burst);
			sl_test_burst_add(&burst, sl_frame_mbuf(&inner));
			sl_parse(&burst, sl_test_all, 1);
			md->hash = i * 0x9e3779b9u;
			md->tunnel = &tunnel;
			c->row->push(&burst, sl_test_all, 1, NULL);
			port = ntohs(
				*rte_pktmbuf_mtod_offset(burst.pkt[0], uint16_t *, c->own_off - 8));
			assert_in_range(port, 49152, 65535);
			seen[(port >> 11) & 7]++;
		}
		for (int i = 0; i < 8; i++)
			assert_in_range(seen[i], 60, 190);
		memset(seen, 0, sizeof(seen));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_whole_and_has_a_name_and_a_mark_of_its_own),
		cmocka_unit_test(overhead_is_what_push_puts_in_front_of_the_inner_ip_packet),
		cmocka_unit_test(parse_reads_what_push_wrote_and_no_byte_more),
		cmocka_unit_test(template_is_the_frame_without_what_differs),
		cmocka_unit_test(addresses_of_two_families_are_refused),
		cmocka_unit_test(largest_inner_packet_fills_the_underlay_mtu),
		cmocka_unit_test(underlay_mtu_below_the_headers_leaves_nothing),
		cmocka_unit_test(push_makes_the_frame_the_builders_make),
		cmocka_unit_test(push_copies_dscp_and_ecn_outward),
		cmocka_unit_test(outer_checksum_holds_for_every_length),
		cmocka_unit_test(ethernet_padding_stays_behind),
		cmocka_unit_test(push_without_headroom_leaves_the_packet_as_it_was),
		cmocka_unit_test(packet_too_long_for_an_ip_header_is_dropped),
		cmocka_unit_test(source_port_is_dynamic_and_follows_the_flow),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
