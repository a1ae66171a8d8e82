/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets whose bytes and descriptions are random, through everything that cuts, completes, puts
 * together and takes apart. Each buffer is a heap block of exactly its size: with address sanitizer,
 * a read or write behind one fails. SEED and ROUNDS repeat a run, or make it longer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "dp/egress/apart.h"
#include "dp/egress/egress.h"
#include "dp/egress/udp_super.h"
#include "super_frame.h"

enum { N = 16 };

static struct sl_frame frame;
static struct sl_udp_super u;

static unsigned int below(unsigned int n)
{
	return (unsigned int)rand() % n;
}

static struct super_shape draw_shape(void)
{
	struct super_shape s = {.outer = below(OUTER_KINDS),
		.ip6 = rand() & 1,
		.udp = rand() & 1,
		.options = rand() & 1,
		.extensions = below(4) == 0,
		.flags = (uint8_t)(below(3) ? 0x10 : rand()),
		.size = (uint16_t)(50 + below(1400)),
		.seed = below(1000)};

	s.payload = 1 + below(6000);
	return s;
}

/* What a sender may claim, whatever the packet is. */
static void lie(struct rte_mbuf *m)
{
	switch (below(8)) {
	case 0:
		m->l2_len = below(128) & 0x7f;
		break;
	case 1:
		m->l3_len = below(512) & 0x1ff;
		break;
	case 2:
		m->l4_len = below(256) & 0xff;
		break;
	case 3:
		m->outer_l2_len = below(128) & 0x7f;
		break;
	case 4:
		m->outer_l3_len = below(512) & 0x1ff;
		break;
	case 5:
		m->tso_segsz = (uint16_t)below(below(2) ? 100 : 65536);
		break;
	default:
		m->ol_flags ^= (uint64_t)1 << (44 + below(20));
		break;
	}
	/* what they say about the buffer is the truth */
	m->ol_flags |= RTE_MBUF_F_EXTERNAL;
	m->ol_flags &= ~RTE_MBUF_F_INDIRECT;
}

static struct rte_mbuf *draw(void)
{
	struct super_shape s = draw_shape();
	bool super = rand() & 1;
	uint32_t cuts[4], n = below(5), at = below(3) ? 0 : below(150);
	struct rte_mbuf *m;

	if (super)
		super_whole(&s, &frame);
	else
		super_segment(&s, 0, &frame);
	if (below(3) == 0)
		frame.b[below(150)] ^= (uint8_t)(1u << below(8));
	if (below(6) == 0)
		frame.len = below(frame.len + 1);
	for (uint32_t i = 0; i < n; i++)
		cuts[i] = at += 1 + below(i == 0 ? 250 : 2500);
	m = sl_test_mbuf_exact(frame.b, frame.len, cuts, n);
	if (super || (rand() & 1) != 0)
		super_mark(&s, m, super);
	for (unsigned int i = below(3); i > 0; i--)
		lie(m);
	return m;
}

static void leave(struct rte_mbuf **in, uint16_t n)
{
	const struct sl_egress_to to = {
		(uint32_t)rand() & 0x7f, below(2) != 0, sl_test_pool(), NULL};
	struct rte_mbuf *out[64];
	struct sl_egress e;
	uint16_t k;

	sl_egress_begin(&e, &to, in, n);
	while ((k = sl_egress_next(&e, out, (uint16_t)(1 + below(64)))) > 0)
		rte_pktmbuf_free_bulk(out, k);
	rte_pktmbuf_free_bulk(in, e.n_lost);
}

static void name_parts(const struct rte_mbuf *m)
{
	if (!sl_is_super(m) || !sl_udp_super_begin(&u, m))
		return;
	while (sl_udp_super_next(&u)) {
		uint32_t len = 0;

		for (unsigned int i = 1; i < u.n_iov; i++)
			for (size_t k = 0; k < u.iov[i].iov_len; k += 64, len++)
				assert_int_not_equal(((uint8_t *)u.iov[i].iov_base)[k], -1);
		assert_true(u.n_iov <= SL_UDP_SUPER_IOV);
	}
}

static void take_apart(struct rte_mbuf *m)
{
	struct rte_mbuf *out[64];
	struct sl_apart a = {0};
	uint64_t lost = 0;
	uint16_t k;

	if (below(2) == 0) {
		m->ol_flags &= RTE_MBUF_F_EXTERNAL;
		m->tx_offload = 0;
		(void)sl_apart_describe(m, below(200), (uint16_t)below(2000));
	}
	if (!sl_apart_begin(&a, m)) {
		rte_pktmbuf_free(m);
		return;
	}
	while ((k = sl_apart_next(&a, sl_test_pool(), out, 64, &lost)) > 0)
		rte_pktmbuf_free_bulk(out, k);
}

static void no_packet_makes_a_worker_read_or_write_outside_of_it(void **state)
{
	const char *seed = getenv("SEED"), *rounds = getenv("ROUNDS");
	unsigned int first = seed != NULL ? (unsigned int)atoi(seed) : 1;
	unsigned int n_rounds = rounds != NULL ? (unsigned int)atoi(rounds) : 2000;

	(void)state;
	for (unsigned int round = first; round < first + n_rounds; round++) {
		struct rte_mbuf *in[N];

		srand(round);
		for (unsigned int i = 0; i < N; i++) {
			in[i] = draw();
			name_parts(in[i]);
		}
		if (rand() & 1) {
			leave(in, N);
		} else {
			for (unsigned int i = 0; i < N; i++)
				take_apart(in[i]);
		}
		if (sl_test_pool_in_use() != 0)
			print_error("seed %u\n", round);
		assert_int_equal(sl_test_pool_in_use(), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_packet_makes_a_worker_read_or_write_outside_of_it),
	};

	return cmocka_run_group_tests(tests, sl_test_eal, NULL);
}
