/* SPDX-License-Identifier: BSD-3-Clause */
/* Tunnel super-segments as UDP super-packets, and the way back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "dp/egress/apart.h"
#include "dp/egress/finish.h"
#include "dp/egress/udp_super.h"
#include "super_frame.h"

enum { OUT_MAX = 2048 };

static struct sl_frame whole, part;
static struct sl_udp_super u;
static struct sl_apart apart;
static uint8_t bytes[1 << 17];
static struct rte_mbuf *out[OUT_MAX];

static struct rte_mbuf *super(const struct super_shape *s)
{
	static const uint32_t cuts[] = {200, 2001, 2001, 9000};
	struct rte_mbuf *m;

	super_whole(s, &whole);
	m = sl_test_mbuf_exact(whole.b, whole.len, cuts, RTE_DIM(cuts));
	super_mark(s, m, true);
	return m;
}

static uint32_t gather(void)
{
	uint32_t n = 0;

	assert_ptr_equal(u.iov[0].iov_base, &u.vnet);
	for (unsigned int i = 1; i < u.n_iov; i++) {
		memcpy(bytes + n, u.iov[i].iov_base, u.iov[i].iov_len);
		n += (uint32_t)u.iov[i].iov_len;
	}
	return n;
}

static bool is6(const struct super_shape *s)
{
	return s->outer == OUTER_IP6 || s->outer == OUTER_IP6_SUM;
}

/* As a kernel hands over what was gathered. */
static struct rte_mbuf *handed_over(const struct super_shape *s, uint32_t len)
{
	const uint32_t cuts[] = {2048};
	struct rte_mbuf *m = sl_test_mbuf_exact(bytes, len, cuts, 1);

	m->l2_len = 14;
	m->l3_len = (is6(s) ? 40 : 20) & 0x1ff;
	m->l4_len = 8;
	m->tso_segsz = u.vnet.gso_size;
	m->ol_flags |= RTE_MBUF_F_TX_UDP_SEG | RTE_MBUF_F_TX_UDP_CKSUM |
		       (is6(s) ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4);
	return m;
}

/* Takes m apart and compares with the packets from `first` on. */
static unsigned int assert_apart(
	const struct super_shape *s, struct rte_mbuf *m, unsigned int first)
{
	uint64_t lost = 0;
	unsigned int n = 0;
	uint16_t k;

	assert_true(sl_apart_begin(&apart, m));
	while ((k = sl_apart_next(&apart, sl_test_pool(), out + n, 7, &lost)) > 0)
		n += k;
	assert_null(apart.whole);
	assert_int_equal(lost, 0);
	for (unsigned int i = 0; i < n; i++) {
		super_segment(s, first + i, &part);
		if ((out[i]->ol_flags & SL_OFFLOADS) != 0)
			assert_true(sl_finish_checksum(out[i]));
		assert_packet_frame(out[i], &part);
		assert_int_equal(out[i]->nb_segs, 1);
	}
	rte_pktmbuf_free_bulk(out, n);
	return n;
}

/* The outer checksum of a UDP super-packet is always there. */
static struct super_shape with_sum(const struct super_shape *s)
{
	struct super_shape sum = *s;

	sum.outer = is6(s) ? OUTER_IP6_SUM : OUTER_IP4_SUM;
	return sum;
}

static void assert_single(const struct super_shape *s, unsigned int i, uint32_t len)
{
	super_segment(s, i, &part);
	assert_bytes_equal(bytes, len, part.b, part.len);
	assert_int_equal(u.vnet.gso_type, 0);
	assert_int_equal(u.vnet.flags, 0);
}

static void assert_supers(const struct super_shape *s)
{
	const struct super_shape sum = with_sum(s);
	struct rte_mbuf *m = super(s);
	unsigned int first = 0;

	assert_true(sl_udp_super_begin(&u, m));
	while (sl_udp_super_next(&u)) {
		uint32_t len = gather();

		assert_true(len <= 65535 + 14);
		assert_true(u.parts <= SL_UDP_SUPER_PARTS);
		if (u.parts == 1)
			assert_single(s, first, len);
		else
			assert_int_equal(assert_apart(&sum, handed_over(s, len), first), u.parts);
		first += u.parts;
	}
	assert_int_equal(first, super_segments(s));
	rte_pktmbuf_free(m);
	assert_int_equal(sl_test_pool_in_use(), 0);
}

static void a_tunnel_super_segment_becomes_udp_super_packets_and_back(void **state)
{
	(void)state;
	for (unsigned int v = 0; v < 4 * 32; v++) {
		const struct super_shape s = {.outer = OUTER_IP4 + v % 4,
			.ip6 = v & 4,
			.udp = v & 8,
			.options = v & 16,
			.extensions = v & 32,
			.flags = 0x99,
			.tos = 0x2,
			.size = v & 64 ? 1398 : 700,
			.payload = v & 64 ? 46 * 1398 + 1 : 9 * 700 + 33,
			.seq = UINT32_MAX - 2000,
			.seed = v};

		assert_supers(&s);
	}
}

static void super_packets_stay_within_what_kernels_take(void **state)
{
	const struct super_shape
		small = {.outer = OUTER_IP4, .flags = 0x10, .size = 88, .payload = 65 * 88},
		last = {.outer = OUTER_IP4, .flags = 0x10, .size = 500, .payload = 64 * 500 + 1};

	(void)state;
	assert_supers(&small);
	assert_supers(&last);
}

static void a_super_segment_in_a_kernels_tunnel_is_taken_apart(void **state)
{
	static const enum outer outers[] = {
		OUTER_IP4, OUTER_IP6, OUTER_GENEVE, OUTER_IPIP4, OUTER_IPIP6};

	(void)state;
	for (unsigned int v = 0; v < 4 * RTE_DIM(outers); v++) {
		const struct super_shape s = {.outer = outers[v / 4],
			.ip6 = v & 1,
			.options = v & 2,
			.flags = 0x18,
			.size = 1398,
			.payload = 20000};
		struct rte_mbuf *m, *marked = super(&s);
		static const uint32_t cuts[] = {2048};

		super_whole(&s, &whole);
		m = sl_test_mbuf_exact(whole.b, whole.len, cuts, 1);
		assert_false(sl_apart_describe(m, sl_super_header(marked), s.size));
		assert_false(sl_apart_describe(m, sl_super_header(marked) - marked->l4_len, 0));
		assert_true(sl_apart_describe(m, sl_super_header(marked) - marked->l4_len, s.size));
		/* For a cutter, Geneve is like VXLAN. */
		if (s.outer == OUTER_GENEVE)
			marked->ol_flags ^=
				RTE_MBUF_F_TX_TUNNEL_GENEVE ^ RTE_MBUF_F_TX_TUNNEL_VXLAN;
		assert_int_equal(m->ol_flags & ~RTE_MBUF_F_EXTERNAL,
			marked->ol_flags & ~RTE_MBUF_F_EXTERNAL);
		assert_int_equal(m->tx_offload, marked->tx_offload);
		assert_int_equal(assert_apart(&s, m, 0), super_segments(&s));
		rte_pktmbuf_free(marked);
	}
	assert_int_equal(sl_test_pool_in_use(), 0);
}

/* Every truncation, and every bit of the headers. */
static void what_a_kernel_hands_over_is_not_trusted(void **state)
{
	const struct super_shape s = {
		.outer = OUTER_IP4, .flags = 0x18, .size = 100, .payload = 1000};
	uint32_t start = 14 + 20 + 16 + 14 + 20;

	(void)state;
	super_whole(&s, &whole);
	for (uint32_t len = 0; len < whole.len; len += len < 120 ? 1 : 50) {
		struct rte_mbuf *m = sl_test_mbuf_exact(whole.b, len, NULL, 0);

		assert_int_equal(sl_apart_describe(m, start, s.size), len > start + 20);
		rte_pktmbuf_free(m);
	}
	for (uint32_t bit = 0; bit < (start + 20) * 8; bit++) {
		struct rte_mbuf *m = sl_test_mbuf_exact(whole.b, whole.len, NULL, 0);
		uint64_t lost = 0;
		uint16_t n;

		rte_pktmbuf_mtod(m, uint8_t *)[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (!sl_apart_describe(m, start, s.size) || !sl_apart_begin(&apart, m)) {
			rte_pktmbuf_free(m);
			continue;
		}
		n = sl_apart_next(&apart, sl_test_pool(), out, OUT_MAX, &lost);
		assert_int_equal(n, 10);
		rte_pktmbuf_free_bulk(out, n);
	}
	assert_int_equal(sl_test_pool_in_use(), 0);
}

/* Else one buffer would become 60,000 packets. */
static void a_super_packet_of_tiny_packets_is_refused(void **state)
{
	const struct super_shape s = {
		.outer = OUTER_IP4, .flags = 0x10, .size = 20, .payload = 20 * 1024};
	struct rte_mbuf *m = super(&s);

	(void)state;
	m->tso_segsz = 19;
	assert_false(sl_apart_begin(&apart, m));
	assert_null(apart.whole);
	m->tso_segsz = 20;
	assert_int_equal(assert_apart(&s, m, 0), SL_SUPER_SEGMENTS_MAX);
	assert_int_equal(sl_test_pool_in_use(), 0);
}

static void without_buffers_the_rest_is_lost_and_counted(void **state)
{
	const struct super_shape s = {
		.outer = OUTER_IP4, .flags = 0x10, .size = 1000, .payload = 19500};
	struct rte_mempool *few = rte_pktmbuf_pool_create("few", 7, 0, 0, 2176, SOCKET_ID_ANY);
	uint64_t lost = 0;

	(void)state;
	assert_true(sl_apart_begin(&apart, super(&s)));
	assert_int_equal(sl_apart_next(&apart, few, out, 64, &lost), 7);
	assert_int_equal(lost, 13);
	assert_null(apart.whole);
	rte_pktmbuf_free_bulk(out, 7);
	assert_true(sl_apart_begin(&apart, super(&s)));
	assert_int_equal(sl_apart_next(&apart, few, out, 2, &lost), 2);
	rte_pktmbuf_free_bulk(out, 2);
	sl_apart_end(&apart);
	assert_int_equal(sl_test_pool_in_use(), 0);
	rte_mempool_free(few);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tunnel_super_segment_becomes_udp_super_packets_and_back),
		cmocka_unit_test(super_packets_stay_within_what_kernels_take),
		cmocka_unit_test(a_super_segment_in_a_kernels_tunnel_is_taken_apart),
		cmocka_unit_test(what_a_kernel_hands_over_is_not_trusted),
		cmocka_unit_test(a_super_packet_of_tiny_packets_is_refused),
		cmocka_unit_test(without_buffers_the_rest_is_lost_and_counted),
	};

	return cmocka_run_group_tests(tests, sl_test_eal, NULL);
}
