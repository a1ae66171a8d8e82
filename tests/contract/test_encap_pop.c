/* SPDX-License-Identifier: BSD-3-Clause */
/* What every encapsulation's pop must do, over all rows of sl_encaps. */
#include "encap_contract.h"

#include "pipelines/parse/parse_dp.h"

static void pop_gives_back_what_push_got(void **state)
{
	(void)state;
	for_each_contract(c)
	{
		build(c);
		for (uint32_t payload = 0; payload < 1400; payload += 97) {
			struct rte_mbuf *m;

			sl_frame_udp4(&inner, payload);
			assert_int_equal(push(c, sl_frame_mbuf(&inner)), SL_KEEP);
			m = burst.pkt[0];
			burst.n = 0;
			assert_int_equal(pop(c, m), SL_KEEP);
			assert_packet_frame(m, popped(c));
			assert_int_equal(burst.meta[0].act.vni, c->row->carries_network ? VNI : 0);
			if (c->row->carries_identity)
				assert_int_equal(burst.meta[0].act.identity, 1001);
		}
	}
}

static void pop_takes_packets_in_any_cut(void **state)
{
	(void)state;
	for_each_contract(c)
	{
		sl_frame_udp4(&inner, 20);
		wrap(c, &outer, &inner, 0);
		for (uint32_t a = 0; a <= outer.len; a++)
			for (uint32_t b = a; b <= outer.len; b += 7) {
				uint32_t cuts[2] = {a, b};
				struct rte_mbuf *m =
					sl_test_mbuf_chain(outer.b, outer.len, cuts, 2);

				assert_int_equal(pop(c, m), SL_KEEP);
				assert_packet_frame(m, popped(c));
				assert_true(m->data_len > 0);
				rte_mbuf_sanity_check(m, 1);
			}
	}
}

static void pop_of_headers_in_several_full_segments_drops(void **state)
{
	(void)state;
	for_each_contract(c)
	{
		uint32_t cut = c->hdr_len - 3;
		struct rte_mbuf *m;

		sl_frame_udp4(&inner, 3000); /* does not fit one buffer */
		wrap(c, &outer, &inner, 0);
		m = sl_test_mbuf_exact(outer.b, outer.len, &cut, 1);
		assert_int_equal(pop(c, m), SL_DROP_TUNNEL_MALFORMED);
		cut = c->hdr_len + 3;
		m = sl_test_mbuf_exact(outer.b, outer.len, &cut, 1);
		assert_int_equal(pop(c, m), SL_KEEP);
		assert_packet_frame(m, popped(c));
	}
}

static void pop_drops_every_truncation(void **state)
{
	(void)state;
	for_each_contract(c)
	{
		sl_frame_udp4(&inner, 20);
		wrap(c, &outer, &inner, 0);
		for (uint32_t len = 0; len < outer.len; len++) {
			uint32_t cut = len / 2;

			assert_int_not_equal(
				pop(c, sl_test_mbuf_exact(outer.b, len, NULL, 0)), SL_KEEP);
			assert_int_not_equal(
				pop(c, sl_test_mbuf_exact(outer.b, len, &cut, 1)), SL_KEEP);
		}
	}
}

/* The outer lengths match the packet, so that only the tunnel header itself is too short. */
static void pop_drops_a_tunnel_packet_too_short_for_an_inner_frame(void **state)
{
	(void)state;
	for_each_contract(c)
	{
		sl_frame_udp4(&inner, 20);
		for (uint32_t len = c->own_off; len < c->hdr_len + 20; len++) {
			bool whole = len >= c->hdr_len + (c->row->inner_ethernet ? 14 : 20);
			bool ip6 = c->family == SL_FAMILY_IP6;

			for (uint32_t pad = 0; pad <= 100; pad += 100) {
				wrap(c, &outer, &inner, 0);
				outer.len = len;
				sl_frame_end(&outer);
				sl_frame_pad(&outer, pad);
				/* Nothing in IPv6: that announces a jumbogram. */
				assert_int_equal(pop(c, exact(&outer)),
					whole			? SL_KEEP
					: len - 14 == 40 && ip6 ? SL_DROP_IP6_MALFORMED
								: SL_DROP_TUNNEL_MALFORMED);
			}
		}
	}
}

static void pop_drops_bad_fields(void **state)
{
	(void)state;
	for_each_contract(c) for (unsigned int i = 0; c->wire != NULL && i < c->wire->n_bad; i++)
	{
		sl_frame_udp4(&inner, 20);
		wrap(c, &outer, &inner, 0);
		outer.b[c->own_off + c->wire->bad[i].off] = c->wire->bad[i].value;
		assert_int_equal(pop(c, exact(&outer)), c->wire->bad[i].drop);
	}
}

static void pop_ignores_reserved_bits(void **state)
{
	(void)state;
	for_each_contract(c) for (unsigned int i = 0; c->wire != NULL && i < c->wire->n_ignored;
				  i++)
	{
		sl_frame_udp4(&inner, 20);
		wrap(c, &outer, &inner, 0);
		outer.b[c->own_off + c->wire->ignored[i][0]] = c->wire->ignored[i][1];
		assert_int_equal(pop(c, exact(&outer)), SL_KEEP);
		assert_packet_frame(burst.pkt[0], popped(c));
		assert_int_equal(burst.meta[0].act.vni, c->row->carries_network ? VNI : 0);
	}
}

static void pop_removes_what_follows_the_datagram(void **state)
{
	(void)state;
	for_each_contract(c) for (uint32_t cut = 0; cut <= 150; cut += 5)
	{
		sl_frame_udp4(&inner, 1);
		wrap(c, &outer, &inner, 0);
		sl_frame_pad(&outer, 150);
		assert_int_equal(pop(c, sl_test_mbuf_chain(outer.b, outer.len, &cut, 1)), SL_KEEP);
		assert_packet_frame(burst.pkt[0], popped(c));
		rte_mbuf_sanity_check(burst.pkt[0], 1);
	}
}

/* RFC 6040 figure 4: rows inner, columns outer, in the order of the code points. */
#define DROP 4
static const uint8_t ecn_matrix[4][4] = {
	/*            Not-ECT ECT(1) ECT(0) CE */
	/* Not-ECT */ {0, 0, 0, DROP},
	/* ECT(1)  */ {1, 1, 1, 3},
	/* ECT(0)  */ {2, 1, 2, 3},
	/* CE      */ {3, 3, 3, 3},
};

static void make_inner(bool v6, unsigned int tags, uint8_t tos)
{
	sl_frame_start(&inner);
	sl_frame_eth(&inner);
	for (unsigned int i = 0; i < tags; i++)
		sl_frame_vlan(&inner, .tci = 5);
	if (v6)
		sl_frame_ip6(&inner, .tclass = tos, .flow = 0x12345);
	else
		sl_frame_ip4(&inner, .tos = tos, .id = 0x4711);
	sl_frame_udp(&inner);
	sl_frame_payload(&inner, 5);
	sl_frame_end(&inner);
}

static void check_ecn(const struct contract *c, bool v6, unsigned int tags, uint8_t in, uint8_t out)
{
	uint8_t want = ecn_matrix[in & 3][out & 3];
	uint32_t cuts[120];

	if (tags > 0 && !c->row->inner_ethernet)
		return;
	make_inner(v6, tags, in);
	wrap(c, &outer, &inner, out);
	for (uint32_t i = 0; i < 120; i++)
		cuts[i] = i + 1;
	if (want != DROP)
		make_inner(v6, tags, (uint8_t)((in & 0xfc) | want));
	for (unsigned int n_cuts = 0; n_cuts <= 120; n_cuts += 60) {
		/* Single-byte segments from the inner frame on; headers in one. */
		uint32_t from = c->hdr_len < n_cuts ? c->hdr_len : 0;

		assert_int_equal(pop(c, sl_test_mbuf_chain(outer.b, outer.len, cuts + from,
						n_cuts > from ? n_cuts - from : 0)),
			want == DROP ? SL_DROP_TUNNEL_ECN : SL_KEEP);
		if (want == DROP)
			continue;
		assert_packet_frame(burst.pkt[0], popped(c));
	}
}

static void pop_merges_congestion_marks_by_rfc_6040(void **state)
{
	(void)state;
	for_each_contract(c) for (unsigned int v6 = 0; v6 < 2;
				  v6++) for (unsigned int tags = 0; tags < 3;
					     tags++) for (unsigned int in = 0; in < 256;
							  in += 1) for (uint8_t out = 0; out < 4;
									out++)
		check_ecn(c, v6, tags, (uint8_t)in, out | 0xb8);
}

static void congestion_mark_spares_frames_without_ip(void **state)
{
	(void)state;
	for_each_contract(c)
	{
		if (!c->row->inner_ethernet)
			continue;
		sl_frame_start(&inner);
		sl_frame_eth(&inner);
		sl_frame_arp(&inner);
		wrap(c, &outer, &inner, 3);
		assert_int_equal(pop(c, exact(&outer)), SL_KEEP);
		assert_packet_frame(burst.pkt[0], popped(c));
	}
}

static void congestion_mark_on_a_cut_inner_header_is_left_to_parse(void **state)
{
	(void)state;
	for_each_contract(c) for (unsigned int v6 = 0; v6 < 2; v6++)
	{
		/* IP-in-IP itself is malformed then. */
		if (!c->row->inner_ethernet)
			continue;
		make_inner(v6, 0, 0);
		for (uint32_t len = 14; len < (v6 ? 16 : 26); len++) {
			wrap(c, &outer, &inner, 3);
			outer.len = c->hdr_len + len;
			outer.n_layers = n_outer_layers;
			sl_frame_end(&outer);
			assert_int_equal(pop(c, exact(&outer)), SL_KEEP);
			sl_parse(&burst, sl_test_all, 1);
			assert_int_not_equal(burst.verdict[0], SL_KEEP);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pop_gives_back_what_push_got),
		cmocka_unit_test(pop_takes_packets_in_any_cut),
		cmocka_unit_test(pop_of_headers_in_several_full_segments_drops),
		cmocka_unit_test(pop_drops_every_truncation),
		cmocka_unit_test(pop_drops_a_tunnel_packet_too_short_for_an_inner_frame),
		cmocka_unit_test(pop_drops_bad_fields),
		cmocka_unit_test(pop_ignores_reserved_bits),
		cmocka_unit_test(pop_removes_what_follows_the_datagram),
		cmocka_unit_test(pop_merges_congestion_marks_by_rfc_6040),
		cmocka_unit_test(congestion_mark_spares_frames_without_ip),
		cmocka_unit_test(congestion_mark_on_a_cut_inner_header_is_left_to_parse),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
