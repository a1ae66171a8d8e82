/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the tests of the generator share: one made from its options, and its packets as tuples.
 * Threads: the test's. Ownership: generators and packets are the caller's.
 */
#ifndef SL_TESTS_GENERATOR_TEST_H
#define SL_TESTS_GENERATOR_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <netinet/in.h>

/* The options and tables behind a port, one by one. */
#include "tests/generator/generator_internal.h"
#include "tests/lib/packet.h"

enum { BURST = 64 };

static inline struct sl_generator *made_for(const char *devargs, unsigned int queues)
{
	struct sl_err e = {0};
	struct sl_generator *g = sl_generator_create(devargs, queues, -1, &e);

	if (g == NULL)
		print_error("%s: %s\n", devargs, e.message);
	assert_non_null(g);
	assert_int_equal(sl_generator_bind(g, sl_test_pool(), 3, &e), 0);
	return g;
}

static inline struct sl_generator *made(const char *devargs)
{
	return made_for(devargs, 1);
}

static inline struct rte_mbuf *next_of(struct sl_generator *g, unsigned int queue)
{
	struct rte_mbuf *m = NULL;

	assert_int_equal(sl_generator_fill(g, queue, &m, 1), 1);
	return m;
}

static inline struct rte_mbuf *next(struct sl_generator *g)
{
	return next_of(g, 0);
}

/* Addresses and ports of an IPv4 packet without VLAN tags. */
struct tuple {
	uint32_t src, dst;
	uint16_t sport, dport;
};

static inline struct tuple tuple_at(const struct rte_mbuf *m, uint32_t l3)
{
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *) + l3;
	struct tuple t;

	memcpy(&t, p + 12, 8);
	memcpy(&t.sport, p + 20, 4);
	return (struct tuple){ntohl(t.src), ntohl(t.dst), ntohs(t.sport), ntohs(t.dport)};
}

/* A small number for each tuple of the frame built in. */
static inline uint64_t number_of(const struct rte_mbuf *m)
{
	struct tuple t = tuple_at(m, 14);

	return ((uint64_t)(t.sport - 10000) * 64 + (t.src - 0x0a010001)) * 64 + t.dst - 0x0a020001;
}

#endif
