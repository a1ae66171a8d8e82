/* SPDX-License-Identifier: BSD-3-Clause */
/* What every encapsulation must do, over all rows of sl_encaps. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "dp/counters.h"
#include "pipelines/overlay/tunnel_ctl.h"
#include "pipelines/parse/parse_dp.h"
#include "tests/lib/packet.h"

#define HASH 0x00000001u /* source port 49153 */
#define VNI  0xabcdefu

/* What a row of sl_encaps is held against. A new encapsulation adds a row. */
struct contract {
	enum sl_encap_id id;
	uint32_t hdr_len;
	uint32_t tunnel_off; /* of the tunnel header */
	/* The outer frame by the packet builders; inner from its Ethernet header on. */
	void (*wrap)(struct sl_frame *outer, const struct sl_frame *inner, uint8_t tos);
	/* Header bytes that must not be accepted: offset, value, verdict. */
	struct {
		uint8_t off, value;
		enum sl_drop drop;
	} bad[8];
	unsigned int n_bad;
	/* Header bits that must be ignored. */
	uint8_t ignored[8][2];
	unsigned int n_ignored;
};

static void wrap_vxlan(struct sl_frame *outer, const struct sl_frame *inner, uint8_t tos)
{
	sl_frame_start(outer);
	sl_frame_eth(outer, .src = "02:00:00:00:0a:01", .dst = "02:00:00:00:0b:01");
	sl_frame_ip4(outer, .src = "192.0.2.1", .dst = "192.0.2.2", .frag = 0x4000, .tos = tos);
	sl_frame_udp(outer, .sport = 49153, .dport = 4789, .no_checksum = true);
	sl_frame_vxlan(outer, .vni = VNI);
	sl_frame_copy(outer, inner, 0);
	sl_frame_end(outer);
}

static const struct contract contracts[SL_ENCAP_COUNT] = {
	[SL_ENCAP_VXLAN] =
		{
			.id = SL_ENCAP_VXLAN,
			.hdr_len = 50,
			.tunnel_off = 42,
			.wrap = wrap_vxlan,
			.bad = {{42, 0x00, SL_DROP_TUNNEL_MALFORMED},
				{42, 0xf7, SL_DROP_TUNNEL_MALFORMED}},
			.n_bad = 2,
			.ignored = {{42, 0xff}, {43, 0xff}, {44, 0xff}, {45, 0xff}, {49, 0xff}},
			.n_ignored = 5,
		},
};

#define for_each_contract(c) \
	for (const struct contract *c = contracts; c < contracts + SL_ENCAP_COUNT; c++)

static struct sl_burst burst;
static struct sl_frame inner, outer;
static struct sl_tunnel tunnel;

static void params(struct sl_tunnel_params *p)
{
	*p = (struct sl_tunnel_params){
		.local = sl_test_ip("192.0.2.1"),
		.remote = sl_test_ip("192.0.2.2"),
		.next_hop = sl_test_ip("192.0.2.254"),
		.local_mac = sl_test_mac("02:00:00:00:0a:01"),
		.next_hop_mac = sl_test_mac("02:00:00:00:0b:01"),
		.resolved = true,
		.reachable = true,
		.port = 2,
		.underlay_mtu = 1600,
		.id = 77,
		.node = 7,
	};
}

static void build(const struct contract *c)
{
	struct sl_tunnel_params p;

	params(&p);
	assert_int_equal(sl_encaps[c->id]->build(&tunnel, &p), 0);
}

/* Push the tunnel's headers on one packet as forwarding would have left it; returns the verdict. */
static enum sl_drop push(const struct contract *c, struct rte_mbuf *m)
{
	struct sl_meta *md = &burst.meta[0];

	sl_test_burst_free(&burst);
	sl_test_burst_add(&burst, m);
	md->network = 1;
	sl_parse(&burst, sl_test_all, 1);
	if (burst.verdict[0] != SL_KEEP)
		fail_msg("inner frame does not parse");
	md->hash = HASH;
	md->act.vni = VNI;
	md->act.identity = 1001;
	md->tunnel = &tunnel;
	sl_encaps[c->id]->push(&burst, sl_test_all, 1, NULL);
	return burst.verdict[0];
}

/* Parse the outer headers and pop; the verdict of whichever dropped. */
static enum sl_drop pop(const struct contract *c, struct rte_mbuf *m)
{
	sl_test_burst_free(&burst);
	sl_test_burst_add(&burst, m);
	sl_parse_outer(&burst, 0);
	if (burst.verdict[0] == SL_KEEP)
		sl_encaps[c->id]->pop(&burst, sl_test_all, 1);
	return burst.verdict[0];
}

static struct rte_mbuf *exact(const struct sl_frame *f)
{
	return sl_test_mbuf_exact(f->b, f->len, NULL, 0);
}

static void vxlan_headers_are_these_bytes(void **state)
{
	static const uint8_t golden[50] = {
		0x02, 0, 0, 0, 0x0b, 0x01, 0x02, 0, 0, 0, 0x0a, 0x01, 0x08, 0x00, /* Ethernet */
		0x45, 0x00, 0x00, 0x52, 0, 0, 0x40, 0x00, 0x40, 17, 0xb6, 0x97,	  /* 82 bytes, DF */
		192, 0, 2, 1, 192, 0, 2, 2,					  /* addresses */
		0xc0, 0x01, 0x12, 0xb5, 0x00, 0x3e, 0x00, 0x00,			  /* UDP */
		0x08, 0, 0, 0, 0xab, 0xcd, 0xef, 0,				  /* VXLAN */
	};

	(void)state;
	build(&contracts[SL_ENCAP_VXLAN]);
	sl_frame_udp4(&inner, 4);
	assert_int_equal(push(&contracts[SL_ENCAP_VXLAN], sl_frame_mbuf(&inner)), SL_KEEP);
	assert_bytes_equal(rte_pktmbuf_mtod(burst.pkt[0], uint8_t *), 50, golden, 50);
}

static void every_row_has_a_contract_and_a_name_of_its_own(void **state)
{
	(void)state;
	for_each_contract(c)
	{
		assert_non_null(c->wrap);
		assert_int_equal(sl_encap_by_name(sl_encaps[c->id]->name), c->id);
	}
	assert_int_equal(sl_encap_by_name("token-ring"), -1);
	assert_int_equal(sl_encap_by_name(""), -1);
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
		/* The checksum is that of the header as it stands in the template. */
		assert_int_equal(
			sl_test_checksum(tunnel.hdr + SL_TUNNEL_HDR_MAX - c->hdr_len + 14, 20, 0),
			0);
	}
}

static void ip6_underlay_is_refused(void **state)
{
	struct sl_tunnel_params p;

	(void)state;
	for_each_contract(c)
	{
		params(&p);
		p.remote = sl_test_ip("2001:db8::2");
		assert_int_equal(sl_encaps[c->id]->build(&tunnel, &p), -ENOTSUP);
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
		params(&p);
		p.underlay_mtu = mtus[i];
		assert_int_equal(sl_encaps[c->id]->build(&tunnel, &p), 0);
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
		params(&p);
		for (uint16_t mtu = 0; mtu <= c->hdr_len; mtu++) {
			p.underlay_mtu = mtu;
			assert_int_equal(sl_encaps[c->id]->build(&tunnel, &p), 0);
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
				c->wrap(&outer, &inner, 0);
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
			c->wrap(&outer, &inner, (uint8_t)tos);
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
			c->wrap(&outer, &inner, 0);
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
			struct rte_mbuf *m;
			enum sl_drop drop;

			sl_frame_udp4(&inner, 1);
			c->wrap(&outer, &inner, 0);
			sl_frame_pad(&inner, 60);
			m = sl_test_mbuf_headroom(inner.b, inner.len, room);
			drop = push(c, m);
			assert_int_equal(drop, room < c->hdr_len ? SL_DROP_HEADROOM : SL_KEEP);
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

		build(c);
		sl_test_burst_free(&burst);
		m = sl_test_mbuf(huge, 65600);
		sl_test_burst_add(&burst, m);
		burst.meta[0].flags = 0;
		burst.meta[0].tunnel = &tunnel;
		sl_encaps[c->id]->push(&burst, sl_test_all, 1, NULL);
		assert_int_equal(burst.verdict[0], SL_DROP_MTU_EXCEEDED);
		assert_packet_bytes(m, huge, 65600);
	}
}

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
			assert_packet_frame(m, &inner);
			assert_int_equal(burst.meta[0].act.vni, VNI);
		}
	}
}

static void pop_takes_packets_in_any_cut(void **state)
{
	(void)state;
	for_each_contract(c)
	{
		sl_frame_udp4(&inner, 20);
		c->wrap(&outer, &inner, 0);
		for (uint32_t a = 0; a <= outer.len; a++)
			for (uint32_t b = a; b <= outer.len; b += 7) {
				uint32_t cuts[2] = {a, b};
				struct rte_mbuf *m =
					sl_test_mbuf_chain(outer.b, outer.len, cuts, 2);

				assert_int_equal(pop(c, m), SL_KEEP);
				assert_packet_frame(m, &inner);
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
		c->wrap(&outer, &inner, 0);
		m = sl_test_mbuf_exact(outer.b, outer.len, &cut, 1);
		assert_int_equal(pop(c, m), SL_DROP_TUNNEL_MALFORMED);
		cut = c->hdr_len + 3;
		m = sl_test_mbuf_exact(outer.b, outer.len, &cut, 1);
		assert_int_equal(pop(c, m), SL_KEEP);
		assert_packet_frame(m, &inner);
	}
}

static void pop_drops_every_truncation(void **state)
{
	(void)state;
	for_each_contract(c)
	{
		sl_frame_udp4(&inner, 20);
		c->wrap(&outer, &inner, 0);
		for (uint32_t len = 0; len < outer.len; len++) {
			uint32_t cut = len / 2;

			assert_int_not_equal(
				pop(c, sl_test_mbuf_exact(outer.b, len, NULL, 0)), SL_KEEP);
			assert_int_not_equal(
				pop(c, sl_test_mbuf_exact(outer.b, len, &cut, 1)), SL_KEEP);
		}
	}
}

/* The outer lengths agree with what is there, so that the tunnel header itself is what is short. */
static void pop_drops_a_tunnel_packet_too_short_for_an_inner_frame(void **state)
{
	(void)state;
	for_each_contract(c)
	{
		sl_frame_udp4(&inner, 20);
		for (uint32_t len = c->tunnel_off; len < c->hdr_len + 20; len++) {
			bool whole =
				len >= c->hdr_len + (sl_encaps[c->id]->inner_ethernet ? 14 : 20);

			for (uint32_t pad = 0; pad <= 100; pad += 100) {
				c->wrap(&outer, &inner, 0);
				outer.len = len;
				sl_frame_end(&outer);
				sl_frame_pad(&outer, pad);
				assert_int_equal(pop(c, exact(&outer)),
					whole ? SL_KEEP : SL_DROP_TUNNEL_MALFORMED);
			}
		}
	}
}

static void pop_drops_bad_fields(void **state)
{
	(void)state;
	for_each_contract(c) for (unsigned int i = 0; i < c->n_bad; i++)
	{
		sl_frame_udp4(&inner, 20);
		c->wrap(&outer, &inner, 0);
		outer.b[c->bad[i].off] = c->bad[i].value;
		assert_int_equal(pop(c, exact(&outer)), c->bad[i].drop);
	}
}

static void pop_ignores_reserved_bits(void **state)
{
	(void)state;
	for_each_contract(c) for (unsigned int i = 0; i < c->n_ignored; i++)
	{
		sl_frame_udp4(&inner, 20);
		c->wrap(&outer, &inner, 0);
		outer.b[c->ignored[i][0]] = c->ignored[i][1];
		assert_int_equal(pop(c, exact(&outer)), SL_KEEP);
		assert_packet_frame(burst.pkt[0], &inner);
		assert_int_equal(burst.meta[0].act.vni, VNI);
	}
}

static void pop_removes_what_follows_the_datagram(void **state)
{
	(void)state;
	for_each_contract(c) for (uint32_t cut = 0; cut <= 150; cut += 5)
	{
		sl_frame_udp4(&inner, 1);
		c->wrap(&outer, &inner, 0);
		sl_frame_pad(&outer, 150);
		assert_int_equal(pop(c, sl_test_mbuf_chain(outer.b, outer.len, &cut, 1)), SL_KEEP);
		assert_packet_frame(burst.pkt[0], &inner);
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

	make_inner(v6, tags, in);
	c->wrap(&outer, &inner, out);
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
		assert_packet_frame(burst.pkt[0], &inner);
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
		if (!sl_encaps[c->id]->inner_ethernet)
			continue;
		sl_frame_start(&inner);
		sl_frame_eth(&inner);
		sl_frame_arp(&inner);
		c->wrap(&outer, &inner, 3);
		assert_int_equal(pop(c, exact(&outer)), SL_KEEP);
		assert_packet_frame(burst.pkt[0], &inner);
	}
}

static void congestion_mark_on_a_cut_inner_header_is_left_to_parse(void **state)
{
	(void)state;
	for_each_contract(c) for (unsigned int v6 = 0; v6 < 2; v6++)
	{
		make_inner(v6, 0, 0);
		for (uint32_t len = 14; len < (v6 ? 16 : 26); len++) {
			c->wrap(&outer, &inner, 3);
			outer.len = c->hdr_len + len;
			outer.n_layers = 4; /* the outer ones */
			sl_frame_end(&outer);
			assert_int_equal(pop(c, exact(&outer)), SL_KEEP);
			sl_parse(&burst, sl_test_all, 1);
			assert_int_not_equal(burst.verdict[0], SL_KEEP);
		}
	}
}

static void source_port_is_dynamic_and_follows_the_flow(void **state)
{
	uint32_t seen[8] = {0};

	(void)state;
	for_each_contract(c)
	{
		if (sl_encaps[c->id]->udp_port == 0)
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
			sl_encaps[c->id]->push(&burst, sl_test_all, 1, NULL);
			port = ntohs(*rte_pktmbuf_mtod_offset(burst.pkt[0], uint16_t *, 34));
			assert_in_range(port, 49152, 65535);
			seen[(port >> 11) & 7]++;
		}
		for (int i = 0; i < 8; i++)
			assert_in_range(seen[i], 60, 190);
		memset(seen, 0, sizeof(seen));
	}
}

static int teardown(void **state)
{
	(void)state;
	sl_test_burst_free(&burst);
	return sl_test_pool_in_use() == 0 ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vxlan_headers_are_these_bytes),
		cmocka_unit_test(every_row_has_a_contract_and_a_name_of_its_own),
		cmocka_unit_test(template_is_the_frame_without_what_differs),
		cmocka_unit_test(ip6_underlay_is_refused),
		cmocka_unit_test(largest_inner_packet_fills_the_underlay_mtu),
		cmocka_unit_test(underlay_mtu_below_the_headers_leaves_nothing),
		cmocka_unit_test(push_makes_the_frame_the_builders_make),
		cmocka_unit_test(push_copies_dscp_and_ecn_outward),
		cmocka_unit_test(outer_checksum_holds_for_every_length),
		cmocka_unit_test(ethernet_padding_stays_behind),
		cmocka_unit_test(push_without_headroom_leaves_the_packet_as_it_was),
		cmocka_unit_test(packet_too_long_for_an_ip_header_is_dropped),
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
		cmocka_unit_test(source_port_is_dynamic_and_follows_the_flow),
	};

	return cmocka_run_group_tests(tests, sl_test_eal, teardown);
}
