/* SPDX-License-Identifier: BSD-3-Clause */
/* What leaves: super-segments cut, checksums completed, chains copied. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>

#include <cmocka.h>
#include <rte_malloc.h>

#include "dp/egress/egress.h"
#include "dp/lib/sum.h"
#include "super_frame.h"

enum { OUT_MAX = 2048 };

static struct rte_mbuf *out[OUT_MAX];
static struct sl_frame whole, part;

/* Everything that comes of n packets, in steps of at most `step`. */
static unsigned int egress(struct sl_egress *e, const struct sl_egress_to *to, struct rte_mbuf **in,
	uint16_t n, uint16_t step)
{
	unsigned int got = 0;
	uint16_t k;

	sl_egress_begin(e, to, in, n);
	while ((k = sl_egress_next(e, out + got, step)) > 0)
		got += k;
	return got;
}

static struct sl_egress_to takes(uint32_t what)
{
	return (struct sl_egress_to){.takes = what, .pool = sl_test_pool()};
}

static struct rte_mbuf *super(const struct super_shape *s, const uint32_t *cuts, unsigned int n)
{
	struct rte_mbuf *m;

	super_whole(s, &whole);
	m = cuts != NULL ? sl_test_mbuf_exact(whole.b, whole.len, cuts, n) : sl_frame_mbuf(&whole);
	super_mark(s, m, true);
	return m;
}

static void assert_finished(const struct rte_mbuf *m)
{
	assert_int_equal(m->ol_flags & (SL_OFFLOADS | RTE_MBUF_F_TX_TUNNEL_MASK), 0);
}

/* Compares with the reference, and frees. */
static void assert_cut(const struct super_shape *s, unsigned int n)
{
	assert_int_equal(n, super_segments(s));
	for (unsigned int i = 0; i < n; i++) {
		super_segment(s, i, &part);
		assert_packet_frame(out[i], &part);
		assert_int_equal(out[i]->nb_segs, 1);
		assert_finished(out[i]);
		rte_pktmbuf_free(out[i]);
	}
}

static void cut_one(const struct super_shape *s, const uint32_t *cuts, unsigned int n_cuts)
{
	const struct sl_egress_to to = takes(0);
	struct rte_mbuf *in = super(s, cuts, n_cuts);
	struct sl_egress e;
	unsigned int n = egress(&e, &to, &in, 1, 7);

	assert_int_equal(e.n_lost, 0);
	assert_cut(s, n);
	assert_int_equal(sl_test_pool_in_use(), 0);
}

static void a_super_segment_becomes_the_packets_it_stands_for(void **state)
{
	(void)state;
	for (unsigned int v = 0; v < OUTER_KINDS * 16; v++) {
		const struct super_shape s = {.outer = v % OUTER_KINDS,
			.ip6 = v / OUTER_KINDS & 1,
			.udp = v / OUTER_KINDS & 2,
			.options = v / OUTER_KINDS & 4,
			.extensions = v / OUTER_KINDS & 8,
			.flags = 0x99, /* CWR, ACK, PSH, FIN */
			.tos = 0x2,
			.size = 1400,
			.payload = 9 * 1400 + 33,
			.seq = UINT32_MAX - 2000,
			.seed = v};

		cut_one(&s, NULL, 0);
	}
}

static void the_largest_super_segment_is_cut(void **state)
{
	const struct super_shape s = {
		.flags = 0x18, .size = 1448, .payload = 65535 - 52, .options = true};
	const struct super_shape tiny = {.flags = 0x18, .size = 1, .payload = 300};

	(void)state;
	cut_one(&s, NULL, 0);
	cut_one(&tiny, NULL, 0);
}

static void buffers_may_end_anywhere_behind_the_headers(void **state)
{
	(void)state;
	srand(1);
	for (unsigned int round = 0; round < 300; round++) {
		struct super_shape s = {.outer = (unsigned int)rand() % OUTER_KINDS,
			.ip6 = rand() & 1,
			.udp = rand() & 1,
			.flags = 0x18,
			.size = (uint16_t)(1 + rand() % 1800),
			.payload = 0,
			.seed = round};
		uint32_t cuts[6], at = 0, header = 14u + 40 + 24 + 14 + 40 + 20;

		s.payload = s.size + 1 + (uint32_t)rand() % 9000;
		if (super_segments(&s) > 1000)
			continue;
		at = header;
		for (unsigned int i = 0; i < 6; i++)
			cuts[i] = at += (uint32_t)rand() % 4 == 0 ? 0 : (uint32_t)rand() % 2500;
		cut_one(&s, cuts, 6);
	}
}

static void what_the_device_takes_passes_as_it_is(void **state)
{
	static const struct {
		struct super_shape s;
		uint32_t takes;
	} row[] = {
		{{.flags = 0x10, .size = 1000, .payload = 3000}, SL_TAKES_TSO},
		{{.ip6 = true, .flags = 0x10, .size = 1000, .payload = 3000}, SL_TAKES_TSO},
		{{.udp = true, .size = 1000, .payload = 3000}, SL_TAKES_USO},
		{{.outer = OUTER_IP4, .flags = 0x10, .size = 1000, .payload = 3000},
			SL_TAKES_TUNNEL_TSO},
		{{.outer = OUTER_IP4, .flags = 0x10, .size = 1000, .payload = 3000},
			SL_TAKES_UDP_GSO},
		{{.outer = OUTER_IP6_SUM, .udp = true, .size = 1000, .payload = 3000},
			SL_TAKES_UDP_GSO},
	};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(row); i++) {
		const struct sl_egress_to to = takes(row[i].takes | SL_TAKES_CHAIN),
					  others = takes(~row[i].takes & 0x7f &
							 ~(uint32_t)SL_TAKES_UDP_GSO &
							 ~(uint32_t)SL_TAKES_TUNNEL_TSO),
					  no_chain = takes(row[i].takes);
		struct rte_mbuf *m = super(&row[i].s, NULL, 0), *in = m;
		struct sl_egress e;

		assert_int_equal(egress(&e, &to, &in, 1, 64), 1);
		assert_ptr_equal(out[0], m);
		assert_true(sl_is_super(m));
		in = m;
		assert_cut(&row[i].s, egress(&e, &others, &in, 1, 64));
		in = super(&row[i].s, NULL, 0);
		assert_cut(&row[i].s, egress(&e, &no_chain, &in, 1, 64));
	}
	assert_int_equal(sl_test_pool_in_use(), 0);
}

/* Devices that know tunnels know VXLAN, and the kernel puts together what is over UDP. */
static void a_tunnel_that_the_device_does_not_know_is_cut(void **state)
{
	static const struct {
		enum outer outer;
		uint32_t passes; /* the one SL_TAKES_ bit that is enough */
	} row[] = {{OUTER_IP4, SL_TAKES_TUNNEL_TSO}, {OUTER_IP6, SL_TAKES_TUNNEL_TSO},
		{OUTER_IP6_SUM, SL_TAKES_UDP_GSO}, {OUTER_GENEVE, SL_TAKES_UDP_GSO},
		{OUTER_IPIP4, 0}, {OUTER_IPIP6, 0}};
	const uint32_t rest =
		(SL_TAKES_UDP_GSO * 2 - 1) & ~(uint32_t)(SL_TAKES_TUNNEL_TSO | SL_TAKES_UDP_GSO);
	struct sl_egress e;

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(row); i++)
		for (uint32_t one = SL_TAKES_TUNNEL_TSO; one <= SL_TAKES_UDP_GSO; one *= 2) {
			const struct super_shape s = {.outer = row[i].outer,
				.ip6 = i & 1,
				.flags = 0x10,
				.size = 1000,
				.payload = 3000};
			const struct sl_egress_to to = takes(rest | one | SL_TAKES_CHAIN);
			struct rte_mbuf *in = super(&s, NULL, 0);
			bool vxlan_over_udp =
				row[i].outer == OUTER_IP4 || row[i].outer == OUTER_IP6;
			unsigned int n;

			n = egress(&e, &to, &in, 1, 64);
			if (one == row[i].passes || vxlan_over_udp) {
				assert_int_equal(n, 1);
				assert_true(sl_is_super(out[0]));
				rte_pktmbuf_free(out[0]);
			} else {
				assert_cut(&s, n);
			}
		}
	assert_int_equal(sl_test_pool_in_use(), 0);
}

static void finish_one(const struct super_shape *s, const uint32_t *cuts, unsigned int n_cuts,
	uint32_t padding, uint32_t what)
{
	const struct sl_egress_to to = takes(what);
	struct rte_mbuf *in;
	struct sl_egress e;

	super_segment(s, 0, &part);
	whole = part;
	super_unfinish(&whole);
	memset(whole.b + whole.len, 0xee, padding);
	memset(part.b + part.len, 0xee, padding);
	in = sl_test_mbuf_exact(whole.b, whole.len + padding, cuts, n_cuts);
	super_mark(s, in, false);
	assert_int_equal(egress(&e, &to, &in, 1, 64), 1);
	part.len += padding;
	assert_packet_frame(out[0], &part);
	assert_finished(out[0]);
	assert_true(out[0]->nb_segs == 1 || (what & SL_TAKES_CHAIN) != 0);
	rte_pktmbuf_free(out[0]);
	assert_int_equal(sl_test_pool_in_use(), 0);
}

static void an_unfinished_checksum_in_a_tunnel_that_the_device_does_not_know_is_completed(
	void **state)
{
	static const enum outer outers[] = {
		OUTER_IP4_SUM, OUTER_IP6_SUM, OUTER_GENEVE, OUTER_IPIP4, OUTER_IPIP6};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(outers); i++) {
		const struct super_shape s = {.outer = outers[i],
			.ip6 = i & 1,
			.flags = 0x10,
			.size = 1000,
			.payload = 900};

		finish_one(&s, NULL, 0, 0, SL_TAKES_CHAIN | SL_TAKES_CSUM | SL_TAKES_TUNNEL_CSUM);
	}
}

static void an_unfinished_checksum_is_completed(void **state)
{
	(void)state;
	srand(2);
	for (unsigned int v = 0; v < OUTER_KINDS * 64; v++) {
		const struct super_shape s = {.outer = v % OUTER_KINDS,
			.ip6 = v / OUTER_KINDS & 1,
			.udp = v / OUTER_KINDS & 2,
			.extensions = v / OUTER_KINDS & 4,
			.flags = 0x18,
			.size = 1800,
			.payload = (uint32_t)rand() % 1700 + 1,
			.seed = v};
		const uint32_t cuts[] = {1 + (uint32_t)rand() % 300, 301 + (uint32_t)rand() % 900};
		/* Behind the outer packet: an inner one has no padding. */
		uint32_t padding = v / OUTER_KINDS & 8 ? 5 : 0;

		finish_one(&s, cuts, 2, padding, v / OUTER_KINDS & 16 ? SL_TAKES_CHAIN : 0);
	}
}

static void an_unfinished_checksum_is_left_to_a_device_that_takes_it(void **state)
{
	const struct super_shape plain = {.flags = 0x18, .size = 500, .payload = 500},
				 tunnel = {.outer = OUTER_IP4,
					 .size = 500,
					 .payload = 500,
					 .flags = 0x18};
	const struct sl_egress_to csum = takes(SL_TAKES_CSUM), inner = takes(SL_TAKES_TUNNEL_CSUM);
	struct rte_mbuf *in[2];
	struct sl_egress e;

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		super_segment(i == 0 ? &plain : &tunnel, 0, &whole);
		super_unfinish(&whole);
		in[i] = sl_frame_mbuf(&whole);
		super_mark(i == 0 ? &plain : &tunnel, in[i], false);
	}
	assert_int_equal(egress(&e, &csum, in, 1, 64), 1);
	assert_int_not_equal(out[0]->ol_flags & RTE_MBUF_F_TX_L4_MASK, 0);
	assert_int_equal(egress(&e, &inner, in, 1, 64), 1);
	assert_int_equal(out[0]->ol_flags & RTE_MBUF_F_TX_L4_MASK, 0);
	assert_int_equal(egress(&e, &inner, in + 1, 1, 64), 1);
	assert_int_not_equal(out[0]->ol_flags & RTE_MBUF_F_TX_L4_MASK, 0);
	assert_int_equal(egress(&e, &csum, in + 1, 1, 64), 1);
	assert_int_equal(out[0]->ol_flags & RTE_MBUF_F_TX_L4_MASK, 0);
	rte_pktmbuf_free_bulk(in, 2);
}

static void packets_without_offloads_pass_in_order(void **state)
{
	const struct super_shape s = {.flags = 0x10, .size = 1000, .payload = 5000};
	const struct sl_egress_to to = takes(SL_TAKES_CHAIN);
	struct rte_mbuf *in[3], *plain[2];
	struct sl_egress e;

	(void)state;
	sl_frame_udp4(&part, 40);
	plain[0] = in[0] = sl_frame_mbuf(&part);
	in[1] = super(&s, NULL, 0);
	plain[1] = in[2] = sl_frame_mbuf(&part);
	assert_int_equal(egress(&e, &to, in, 3, 2), 7);
	assert_ptr_equal(out[0], plain[0]);
	assert_ptr_equal(out[6], plain[1]);
	memmove(out, out + 1, 5 * sizeof(out[0]));
	assert_cut(&s, 5);
	rte_pktmbuf_free_bulk(plain, 2);
	assert_int_equal(sl_test_pool_in_use(), 0);
}

static void a_segment_longer_than_a_buffer_takes_a_larger_one_or_a_chain(void **state)
{
	const struct super_shape s = {.flags = 0x10, .size = 8900, .payload = 30000};
	struct sl_egress_to to = takes(SL_TAKES_CHAIN);
	struct rte_mempool *large = rte_pktmbuf_pool_create("large", 63, 0, 0, 9216, SOCKET_ID_ANY);
	struct rte_mbuf *in = super(&s, NULL, 0);
	struct sl_egress e;

	(void)state;
	assert_non_null(large);
	assert_int_equal(egress(&e, &to, &in, 1, 64), 4);
	for (unsigned int i = 0; i < 4; i++) {
		super_segment(&s, i, &part);
		assert_packet_frame(out[i], &part);
		assert_int_equal(out[i]->nb_segs, (part.len + 2047) / 2048);
		rte_pktmbuf_free(out[i]);
	}
	to = takes(0);
	to.large = large;
	in = super(&s, NULL, 0);
	assert_cut(&s, egress(&e, &to, &in, 1, 64));
	assert_int_equal(sl_test_pool_in_use(), 0);
	rte_mempool_free(large);
}

static void without_buffers_the_rest_of_a_super_segment_is_lost_and_counted(void **state)
{
	const struct super_shape s = {.flags = 0x10, .size = 1000, .payload = 19500};
	struct rte_mempool *few = rte_pktmbuf_pool_create("few", 7, 0, 0, 2176, SOCKET_ID_ANY);
	struct sl_egress_to to = takes(0);
	struct rte_mbuf *in = super(&s, NULL, 0);
	struct sl_egress e;

	(void)state;
	to.pool = few;
	assert_int_equal(egress(&e, &to, &in, 1, 64), 7);
	assert_int_equal(e.n_lost, 1);
	assert_int_equal(e.why[0], SL_DROP_TX_NO_BUFFER);
	assert_int_equal(sl_super_segments(in), 13);
	assert_int_equal(sl_super_bytes(in, 13), 12500 + 13 * 54);
	rte_pktmbuf_free(in);
	rte_pktmbuf_free_bulk(out, 7);
	assert_int_equal(sl_test_pool_in_use(), 0);
	rte_mempool_free(few);
}

/* Each lies about one thing. */
static void break_it(struct rte_mbuf *m, unsigned int how)
{
	if (how == 0)
		m->tso_segsz = 0;
	else if (how == 1)
		m->l4_len = 24;
	else if (how == 2)
		m->l3_len = 16;
	else if (how == 3)
		m->l2_len = 10;
	else if (how == 4)
		m->l3_len = 500;
	else if (how == 5)
		m->ol_flags ^= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IPV6;
	else if (how == 6)
		m->outer_l3_len = 0;
	else
		m->outer_l2_len = 100;
}

static void a_super_segment_that_is_none_is_lost(void **state)
{
	const struct super_shape s = {
		.outer = OUTER_IP4, .flags = 0x10, .size = 1000, .payload = 5000};
	const struct sl_egress_to to = takes(0);

	(void)state;
	for (unsigned int how = 0; how < 8; how++) {
		struct rte_mbuf *in = super(&s, NULL, 0);
		struct sl_egress e;

		break_it(in, how);
		assert_int_equal(egress(&e, &to, &in, 1, 64), 0);
		assert_int_equal(e.n_lost, 1);
		rte_pktmbuf_free(in);
	}
	assert_int_equal(sl_test_pool_in_use(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_super_segment_becomes_the_packets_it_stands_for),
		cmocka_unit_test(the_largest_super_segment_is_cut),
		cmocka_unit_test(buffers_may_end_anywhere_behind_the_headers),
		cmocka_unit_test(what_the_device_takes_passes_as_it_is),
		cmocka_unit_test(a_tunnel_that_the_device_does_not_know_is_cut),
		cmocka_unit_test(
			an_unfinished_checksum_in_a_tunnel_that_the_device_does_not_know_is_completed),
		cmocka_unit_test(an_unfinished_checksum_is_completed),
		cmocka_unit_test(an_unfinished_checksum_is_left_to_a_device_that_takes_it),
		cmocka_unit_test(packets_without_offloads_pass_in_order),
		cmocka_unit_test(a_segment_longer_than_a_buffer_takes_a_larger_one_or_a_chain),
		cmocka_unit_test(without_buffers_the_rest_of_a_super_segment_is_lost_and_counted),
		cmocka_unit_test(a_super_segment_that_is_none_is_lost),
	};

	return cmocka_run_group_tests(tests, sl_test_eal, NULL);
}
