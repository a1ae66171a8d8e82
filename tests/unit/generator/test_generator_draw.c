/* SPDX-License-Identifier: BSD-3-Clause */
/* Which flows a generator's packets are of: as the distribution says, each once, the same again. */
#include <math.h>
#include <stdlib.h>

#include "generator_test.h"

enum { DRAWS = 1 << 20 };

/* How often each of the flows built in came. */
static uint32_t *tally(struct sl_generator *g, unsigned int packets)
{
	uint32_t *n = calloc(1 << 22, sizeof(*n));
	struct rte_mbuf *pkt[BURST];

	for (unsigned int i = 0; i < packets; i += BURST) {
		assert_int_equal(sl_generator_fill(g, 0, pkt, BURST), BURST);
		for (unsigned int k = 0; k < BURST; k++) {
			uint64_t at = number_of(pkt[k]);

			assert_true(at < 1 << 22);
			n[at]++;
		}
		rte_pktmbuf_free_bulk(pkt, BURST);
	}
	return n;
}

static void uniform_draws_pass_a_chi_square_test(void **state)
{
	const unsigned int flows = 1000;
	struct sl_generator *g = made("generator,flows=1000,seed=7");
	uint32_t *n = tally(g, DRAWS);
	double want = (double)DRAWS / flows, chi = 0;
	unsigned int seen = 0;

	(void)state;
	for (unsigned int i = 0; i < 1 << 22; i++) {
		seen += n[i] > 0;
		chi += n[i] > 0 ? (n[i] - want) * (n[i] - want) / want : 0;
	}
	assert_int_equal(seen, flows);
	/* 999 degrees of freedom: mean 999, deviation 45; five of them */
	assert_true(chi > 999 - 5 * 45 && chi < 999 + 5 * 45);
	free(n);
	sl_generator_destroy(g);
}

static void zipf_frequencies_follow_the_power_law(void **state)
{
	static const double skews[] = {0.8, 0.99, 1.0, 1.2};
	const uint64_t flows = 10000000;
	uint64_t table[(1 << SL_GEN_ZIPF_BITS) + 1];

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(skews); i++) {
		double all = 0, sum = 0;
		uint64_t k = 0;

		for (uint64_t r = 1; r <= flows; r++)
			all += pow((double)r, -skews[i]);
		sl_gen_zipf_init(table, flows, skews[i]);
		/* at each quantile, the sum of all ranks before it is that share of the whole */
		for (unsigned int q = 0; q <= 1 << SL_GEN_ZIPF_BITS; q++) {
			double place = (double)table[q] / 4294967296.0;

			for (; k < (uint64_t)place; k++)
				sum += pow((double)(k + 1), -skews[i]);
			assert_true(fabs((sum + (place - floor(place)) *
							 pow(floor(place) + 1, -skews[i])) /
						    all -
					    (double)q / (1 << SL_GEN_ZIPF_BITS)) < 1e-6);
		}
	}
}

static void zipf_draws_have_the_slope_asked_for(void **state)
{
	struct sl_generator *g = made("generator,dist=zipf,flows=100000,skew=1,seed=3,servers=1,"
				      "clients=1,sport=1000-60999,dport=2000-3999,macs=none");
	static uint32_t n[100000];
	struct rte_mbuf *pkt[BURST];
	double all = 0;

	(void)state;
	memset(n, 0, sizeof(n));
	for (unsigned int i = 0; i < 4 * DRAWS; i += BURST) {
		assert_int_equal(sl_generator_fill(g, 0, pkt, BURST), BURST);
		for (unsigned int k = 0; k < BURST; k++) {
			struct tuple t = tuple_at(pkt[k], 14);
			uint32_t rank = t.sport - 1000u + 60000u * (t.dport - 2000u);

			assert_true(rank < 100000);
			n[rank]++;
		}
		rte_pktmbuf_free_bulk(pkt, BURST);
	}
	for (unsigned int r = 1; r <= 100000; r++)
		all += 1.0 / r;
	/* the first ranks alone, later ones by decades: within 3 % and five deviations */
	for (unsigned int from = 0, width = 1; from + width <= 100000; from += width) {
		double want = 0, got = 0;

		width = from < 10 ? 1 : from;
		for (unsigned int r = from; r < from + width && r < 100000; r++) {
			want += 4.0 * DRAWS / all / (r + 1);
			got += n[r];
		}
		assert_true(
			fabs(got - want) < 0.03 * want + 5 * sqrt(want) || from + width > 100000);
	}
	sl_generator_destroy(g);
}

/* A sum that depends on every byte of every packet and on their order. */
static uint64_t digest(struct sl_generator *g, unsigned int queue, const uint16_t *burst)
{
	struct rte_mbuf *pkt[BURST];
	uint64_t d = 0;

	for (unsigned int i = 0; i < 3000;) {
		uint16_t n = sl_generator_fill(g, queue, pkt, RTE_MIN(*burst, 3000 - i));

		for (unsigned int k = 0; k < n; k++) {
			const uint8_t *p = rte_pktmbuf_mtod(pkt[k], uint8_t *);

			for (unsigned int b = 0; b < pkt[k]->pkt_len; b++)
				d = (d ^ p[b]) * 0x100000001b3;
		}
		rte_pktmbuf_free_bulk(pkt, n);
		i += n;
		burst = burst[1] != 0 ? burst + 1 : burst;
	}
	return d;
}

static void same_seed_gives_the_same_bytes_whatever_the_bursts(void **state)
{
	static const char *const devargs[] = {"generator,flows=9999,seed=5,attack=3",
		"generator,flows=9999,seed=5,dist=zipf,size=imix,attack=3",
		"generator,flows=1000,seed=5,dist=scattered,sweep=1", "generator,new=1,seed=5"};
	static const uint16_t by_64[] = {64, 0}, mixed[] = {1, 7, 64, 33, 20, 0};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(devargs); i++) {
		struct sl_generator *a = made(devargs[i]), *b = made(devargs[i]);

		assert_int_equal(digest(a, 0, by_64), digest(b, 0, mixed));
		sl_generator_destroy(a);
		sl_generator_destroy(b);
	}
}

static void another_seed_gives_other_packets(void **state)
{
	static const uint16_t by_64[] = {64, 0};
	struct sl_generator *a = made("generator,seed=5"), *b = made("generator,seed=6");

	(void)state;
	assert_int_not_equal(digest(a, 0, by_64), digest(b, 0, by_64));
	sl_generator_destroy(a);
	sl_generator_destroy(b);
}

/* Marks the queue's flows in a bit each; how many it met first. */
static unsigned int meet(
	struct sl_generator *g, unsigned int queue, unsigned int packets, uint8_t *met, uint8_t bit)
{
	unsigned int fresh = 0;

	for (unsigned int i = 0; i < packets; i++) {
		struct rte_mbuf *m = next_of(g, queue);
		uint64_t at = number_of(m);

		assert_true(at < 1 << 22);
		fresh += (met[at] & bit) == 0;
		met[at] |= bit;
		rte_pktmbuf_free(m);
	}
	return fresh;
}

static void queues_share_the_flows_out_among_them(void **state)
{
	static const char *const dists[] = {"uniform", "zipf", "sequential", "scattered"};
	uint8_t *met = calloc(1 << 22, 1);
	char devargs[80];

	(void)state;
	for (unsigned int d = 0; d < RTE_DIM(dists); d++) {
		struct sl_generator *g;
		unsigned int all = 0;

		memset(met, 0, 1 << 22);
		snprintf(
			devargs, sizeof(devargs), "generator,flows=1000,sweep=1,dist=%s", dists[d]);
		g = made_for(devargs, 3);
		for (unsigned int q = 0; q < 3; q++)
			all += meet(g, q, 2000, met, (uint8_t)(1 << q));
		assert_int_equal(all, 1000);
		for (unsigned int i = 0; i < 1 << 22; i++)
			assert_true((met[i] & (met[i] - 1)) == 0);
		sl_generator_destroy(g);
	}
	free(met);
}

static void without_partition_every_queue_draws_from_all_flows(void **state)
{
	struct sl_generator *g = made_for("generator,flows=300,partition=0,sweep=1", 2);
	uint8_t *met = calloc(1 << 22, 1);

	(void)state;
	assert_int_equal(meet(g, 0, 300, met, 1), 300);
	assert_int_equal(meet(g, 1, 300, met, 2), 300);
	free(met);
	sl_generator_destroy(g);
}

static void sweep_meets_each_flow_once_before_the_distribution(void **state)
{
	struct sl_generator *g = made("generator,flows=100003,dist=zipf,sweep=1");
	uint8_t *met = calloc(1 << 22, 1);

	(void)state;
	assert_int_equal(meet(g, 0, 100003, met, 1), 100003);
	assert_int_equal(meet(g, 0, 1000, met, 1), 0);
	free(met);
	sl_generator_destroy(g);
}

static void new_flows_do_not_repeat(void **state)
{
	struct sl_generator *g = made("generator,new=1,sport=10000-10999");
	uint8_t *met = calloc(1 << 22, 1);

	(void)state;
	assert_int_equal(meet(g, 0, 1000000, met, 1), 1000000);
	free(met);
	sl_generator_destroy(g);
}

static void ten_million_flows_are_ten_million_tuples(void **state)
{
	struct sl_generator *g = made("generator,flows=10000000,dist=scattered,clients=100,"
				      "servers=1000,sport=1-100,macs=none");
	uint8_t *met = calloc(10000000, 1);
	struct rte_mbuf *pkt[BURST];

	(void)state;
	for (unsigned int i = 0; i < 10000000; i += BURST) {
		assert_int_equal(sl_generator_fill(g, 0, pkt, BURST), BURST);
		for (unsigned int k = 0; k < BURST; k++) {
			struct tuple t = tuple_at(pkt[k], 14);
			uint64_t at = ((t.src - 0x0a010001) * 1000ull + t.dst - 0x0a020001) * 100 +
				      t.sport - 1;

			assert_true(at < 10000000);
			assert_int_equal(met[at]++, 0);
		}
		rte_pktmbuf_free_bulk(pkt, BURST);
	}
	free(met);
	sl_generator_destroy(g);
}

static void few_flows_already_are_of_many_ends(void **state)
{
	struct sl_generator *g =
		made("generator,flows=1000,clients=10,servers=1000,dist=sequential,macs=none");
	uint8_t client[10] = {0}, server[1000] = {0};
	unsigned int clients = 0, servers = 0;

	(void)state;
	for (unsigned int i = 0; i < 1000; i++) {
		struct rte_mbuf *m = next(g);
		struct tuple t = tuple_at(m, 14);

		clients += client[t.src - 0x0a010001]++ == 0;
		servers += server[t.dst - 0x0a020001]++ == 0;
		rte_pktmbuf_free(m);
	}
	assert_int_equal(clients, 10);
	assert_int_equal(servers, 1000);
	sl_generator_destroy(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uniform_draws_pass_a_chi_square_test),
		cmocka_unit_test(zipf_frequencies_follow_the_power_law),
		cmocka_unit_test(zipf_draws_have_the_slope_asked_for),
		cmocka_unit_test(same_seed_gives_the_same_bytes_whatever_the_bursts),
		cmocka_unit_test(another_seed_gives_other_packets),
		cmocka_unit_test(queues_share_the_flows_out_among_them),
		cmocka_unit_test(without_partition_every_queue_draws_from_all_flows),
		cmocka_unit_test(sweep_meets_each_flow_once_before_the_distribution),
		cmocka_unit_test(new_flows_do_not_repeat),
		cmocka_unit_test(ten_million_flows_are_ten_million_tuples),
		cmocka_unit_test(few_flows_already_are_of_many_ends),
	};

	return cmocka_run_group_tests_name("generator draw", tests, sl_test_eal, NULL);
}
