/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a generator itself costs: one core makes packets and frees them again, nothing else. When a
 * generator feeds the switch, the switch's number includes this one.
 * Threads: one, on the core that the command line names.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include "generator.h"

enum {
	BURST = 64,
	BURSTS = 20000, /* of a round */
	ROUNDS_MAX = 99,
	WARM_BURSTS = 2000,
	BUFFERS = 16383,
	CACHE = 256, /* as a port's pool has */
};

struct settings {
	unsigned int core, rounds;
	bool json, hugepages;
};

static const char usage[] =
	"usage: bench-generator-floor [--core N] [--rounds N] [--no-huge] [--json] DEVARGS...\n"
	"Prints TSC cycles a packet of making packets as DEVARGS (generator,flows=...) say and\n"
	"freeing them: median, lowest and highest of the rounds; before that, of the buffers "
	"alone.\n";

static int parse(struct settings *s, int argc, char **argv)
{
	static const struct option options[] = {{"core", required_argument, NULL, 'c'},
		{"rounds", required_argument, NULL, 'r'}, {"no-huge", no_argument, NULL, 'n'},
		{"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {0}};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'c')
			s->core = (unsigned int)strtoul(optarg, NULL, 10);
		else if (c == 'r')
			s->rounds = (unsigned int)strtoul(optarg, NULL, 10);
		else if (c == 'n')
			s->hugepages = false;
		else if (c == 'j')
			s->json = true;
		else
			return -1;
	}
	if (optind == argc || s->rounds < 1 || s->rounds > ROUNDS_MAX)
		return -1;
	return optind;
}

static int start_eal(const struct settings *s)
{
	char lcores[32];
	const char *huge[] = {"bench-generator-floor", lcores, "--no-telemetry", "--no-pci",
		"--log-level=error", "--in-memory"};
	const char *plain[] = {"bench-generator-floor", lcores, "--no-telemetry", "--no-pci",
		"--log-level=error", "--no-shconf", "--no-huge", "-m", "512"};

	snprintf(lcores, sizeof(lcores), "--lcores=0@%u", s->core);
	return s->hugepages ? rte_eal_init(RTE_DIM(huge), (char **)(uintptr_t)huge)
			    : rte_eal_init(RTE_DIM(plain), (char **)(uintptr_t)plain);
}

static double run(struct sl_generator *g, unsigned int bursts)
{
	struct rte_mbuf *pkt[BURST];
	uint64_t packets = 0, start = rte_rdtsc();

	for (unsigned int i = 0; i < bursts; i++) {
		uint16_t n = sl_generator_fill(g, 0, pkt, BURST);

		rte_pktmbuf_free_bulk(pkt, n);
		packets += n;
	}
	return packets == 0 ? 0 : (double)(rte_rdtsc() - start) / (double)packets;
}

/* Buffers taken from the pool and given back: every driver pays that, too. */
static double run_buffers(struct rte_mempool *pool)
{
	struct rte_mbuf *pkt[BURST];
	uint64_t start = rte_rdtsc();

	for (unsigned int i = 0; i < BURSTS; i++)
		if (rte_pktmbuf_alloc_bulk(pool, pkt, BURST) == 0)
			rte_pktmbuf_free_bulk(pkt, BURST);
	return (double)(rte_rdtsc() - start) / BURSTS / BURST;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print(const struct settings *s, const char *devargs, const double *sorted, bool last)
{
	double median = sorted[s->rounds / 2];

	if (s->json)
		printf("  {\"devargs\": \"%s\", \"median\": %.2f, \"lowest\": %.2f, \"highest\": "
		       "%.2f}%s\n",
			devargs, median, sorted[0], sorted[s->rounds - 1], last ? "" : ",");
	else
		printf("%6.1f (%.1f-%.1f)  %s\n", median, sorted[0], sorted[s->rounds - 1],
			devargs);
}

static void measure_buffers(const struct settings *s, struct rte_mempool *pool)
{
	double round[ROUNDS_MAX];

	for (unsigned int i = 0; i < s->rounds; i++)
		round[i] = run_buffers(pool);
	qsort(round, s->rounds, sizeof(round[0]), by_size);
	print(s, "buffers alone", round, false);
}

static int measure(
	const struct settings *s, struct rte_mempool *pool, const char *devargs, bool last)
{
	double round[ROUNDS_MAX];
	struct sl_err e = {0};
	struct sl_generator *g = sl_generator_create(devargs, 1, -1, &e);

	if (g == NULL || sl_generator_bind(g, pool, 0, &e) != 0) {
		fprintf(stderr, "bench-generator-floor: %s: %s\n", devargs, e.message);
		sl_generator_destroy(g);
		return -1;
	}
	run(g, WARM_BURSTS);
	for (unsigned int i = 0; i < s->rounds; i++)
		round[i] = run(g, BURSTS);
	qsort(round, s->rounds, sizeof(round[0]), by_size);
	print(s, devargs, round, last);
	sl_generator_destroy(g);
	return 0;
}

int main(int argc, char **argv)
{
	struct settings s = {.core = 1, .rounds = 9, .hugepages = true};
	int first = parse(&s, argc, argv), ret = 0;
	struct rte_mempool *pool;

	if (first < 0) {
		fputs(usage, stderr);
		return 2;
	}
	if (start_eal(&s) < 0) {
		fputs("bench-generator-floor: EAL did not start; without hugepages: --no-huge\n",
			stderr);
		return 1;
	}
	pool = rte_pktmbuf_pool_create("floor", BUFFERS, CACHE, 0, 10240, SOCKET_ID_ANY);
	if (pool == NULL) {
		fputs("bench-generator-floor: no memory for packet buffers\n", stderr);
		return 1;
	}
	if (s.json)
		puts("[");
	measure_buffers(&s, pool);
	for (int i = first; i < argc && ret == 0; i++)
		ret = measure(&s, pool, argv[i], i == argc - 1);
	if (s.json)
		puts("]");
	rte_mempool_free(pool);
	rte_eal_cleanup();
	return ret == 0 ? 0 : 1;
}
