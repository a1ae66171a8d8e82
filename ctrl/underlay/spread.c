/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "spread.h"

struct load {
	uint32_t weight, has; /* weight 0: it gets none */
};

void sl_spread_init(struct sl_spread *s)
{
	memset(s, SL_SPREAD_NONE, sizeof(*s));
}

static void renumber(uint8_t *bucket, const uint8_t *to)
{
	for (size_t b = 0; b < SL_GROUP_BUCKETS; b++)
		if (bucket[b] != SL_SPREAD_NONE)
			bucket[b] = to[bucket[b]];
}

void sl_spread_renumber(struct sl_spread *s, const uint8_t *to)
{
	renumber(s->home, to);
	renumber(s->at, to);
}

static uint32_t sum_of(const struct load *l, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += l[i].weight;
	return sum;
}

static void count(const uint8_t *bucket, struct load *l)
{
	for (size_t b = 0; b < SL_GROUP_BUCKETS; b++)
		if (bucket[b] != SL_SPREAD_NONE)
			l[bucket[b]].has++;
}

/* The member that is furthest below its share when it gets one more bucket. */
static size_t neediest(const struct load *l, size_t n)
{
	size_t best = SL_SPREAD_NONE;

	for (size_t i = 0; i < n; i++)
		if (l[i].weight > 0 &&
			(best == SL_SPREAD_NONE ||
				(l[i].has + 1) * l[best].weight < (l[best].has + 1) * l[i].weight))
			best = i;
	return best;
}

/* Buckets without a member get one. */
static void give(uint8_t *bucket, struct load *l, size_t n)
{
	for (size_t b = 0; b < SL_GROUP_BUCKETS; b++) {
		if (bucket[b] != SL_SPREAD_NONE)
			continue;
		bucket[b] = (uint8_t)neediest(l, n);
		l[bucket[b]].has++;
	}
}

/* Members that have more than their share, rounded up, give away what is too much. */
static void level(uint8_t *bucket, struct load *l, size_t n)
{
	uint32_t sum = sum_of(l, n);

	for (size_t b = 0; b < SL_GROUP_BUCKETS; b++) {
		struct load *has = bucket[b] != SL_SPREAD_NONE ? &l[bucket[b]] : NULL;

		if (has == NULL || (has->has - 1) * sum < has->weight * SL_GROUP_BUCKETS)
			continue;
		has->has--;
		bucket[b] = SL_SPREAD_NONE;
	}
}

static void fill_homes(struct sl_spread *s, const struct sl_spread_member *m, size_t n)
{
	struct load l[SL_SPREAD_NONE] = {0};

	for (size_t i = 0; i < n; i++)
		l[i].weight = m[i].weight;
	count(s->home, l);
	level(s->home, l, n);
	give(s->home, l, n);
}

/* A bucket that is lent stays with the member that has it, while its home is away. */
static void lend(struct sl_spread *s, const struct sl_spread_member *m, size_t n)
{
	struct load l[SL_SPREAD_NONE] = {0};

	for (size_t i = 0; i < n; i++)
		l[i].weight = m[i].usable ? m[i].weight : 0;
	for (size_t b = 0; b < SL_GROUP_BUCKETS; b++)
		if (m[s->home[b]].usable)
			s->at[b] = s->home[b];
		else if (s->at[b] != SL_SPREAD_NONE && !m[s->at[b]].usable)
			s->at[b] = SL_SPREAD_NONE;
	count(s->at, l);
	give(s->at, l, n);
}

void sl_spread_fill(struct sl_spread *s, const struct sl_spread_member *m, size_t n)
{
	bool any = false;

	fill_homes(s, m, n);
	for (size_t i = 0; i < n; i++)
		any = any || m[i].usable;
	if (any)
		lend(s, m, n);
	else
		memcpy(s->at, s->home, sizeof(s->at));
}
