/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Quantiles of the Zipf distribution: rank k of n is drawn in proportion to k^-skew. Rank k covers
 * the line from k - 1 to k. The table has the position on that line of each of
 * 2^SL_GEN_ZIPF_BITS + 1 equally spaced quantiles. Likely ranks have many quantiles each and are
 * exact. Where a step covers many ranks, they differ little and are drawn equally often.
 */
#include <math.h>

#include "generator_internal.h"

#define HEAD 4096 /* ranks that are summed one by one; the rest is an integral */

struct zipf {
	double skew;
	uint64_t n, n_head;
	double head[HEAD + 1]; /* sums of the first ranks' weights */
	double total;
};

/* The weight between two positions on the line, as the integral of (x + 1/2)^-skew. */
static double weight_between(const struct zipf *z, double a, double b)
{
	double p = 1 - z->skew;

	if (fabs(p) < 1e-9)
		return log((b + 0.5) / (a + 0.5));
	return (pow(b + 0.5, p) - pow(a + 0.5, p)) / p;
}

/* The position at which the weight from a on reaches w. */
static double index_of(const struct zipf *z, double a, double w)
{
	double p = 1 - z->skew;

	if (fabs(p) < 1e-9)
		return (a + 0.5) * exp(w) - 0.5;
	return pow(pow(a + 0.5, p) + w * p, 1 / p) - 0.5;
}

static double index_in_head(const struct zipf *z, double w, uint64_t *rank)
{
	while (*rank + 1 < z->n_head && z->head[*rank + 1] <= w)
		++*rank;
	return (double)*rank + (w - z->head[*rank]) / (z->head[*rank + 1] - z->head[*rank]);
}

void sl_gen_zipf_init(uint64_t *table, uint64_t n, double skew)
{
	const uint64_t steps = 1 << SL_GEN_ZIPF_BITS;
	struct zipf z = {.skew = skew, .n = n, .n_head = RTE_MIN(n, (uint64_t)HEAD)};
	uint64_t rank = 0;

	for (uint64_t k = 0; k < z.n_head; k++)
		z.head[k + 1] = z.head[k] + pow((double)(k + 1), -skew);
	z.total = z.head[z.n_head];
	if (n > z.n_head)
		z.total += weight_between(&z, (double)z.n_head, (double)n);
	for (uint64_t i = 0; i < steps; i++) {
		double w = z.total * (double)i / (double)steps;
		double x = w < z.head[z.n_head]
				   ? index_in_head(&z, w, &rank)
				   : index_of(&z, (double)z.n_head, w - z.head[z.n_head]);

		table[i] = (uint64_t)(RTE_MIN(RTE_MAX(x, 0.0), (double)n) * 4294967296.0);
	}
	table[steps] = n << 32;
	for (uint64_t i = steps; i > 0; i--) /* rounding must not make it fall */
		table[i - 1] = RTE_MIN(table[i - 1], table[i]);
}
