/* SPDX-License-Identifier: BSD-3-Clause */
#include "route_ctl.h"

#include <errno.h>
#include <stdlib.h>

#include "route_table.h"

/* Values by owner: what an abort frees, and what a commit makes garbage. */
struct values {
	void **all;
	size_t n, max;
};

struct sl_route_garbage {
	struct sl_pmap_garbage *nodes;
	struct values dead;
};

struct sl_route_edit {
	struct sl_pmap_edit *map;
	struct values made, dead;
};

static bool reserve(struct values *v, size_t more)
{
	size_t max = v->n + more;
	void **all;

	if (max <= v->max)
		return true;
	max = max < 16 ? 16 : 2 * max;
	all = realloc(v->all, max * sizeof(*all));
	if (all == NULL)
		return false;
	v->all = all;
	v->max = max;
	return true;
}

static void note(struct values *v, void *value)
{
	if (value != NULL)
		v->all[v->n++] = value;
}

static void free_values(struct values *v)
{
	for (size_t i = 0; i < v->n; i++)
		free(v->all[i]);
	free(v->all);
}

struct sl_route_dp *sl_route_create(const struct sl_prefix *prefix, unsigned int n)
{
	struct sl_route_dp *r = calloc(1, sizeof(*r) + n * sizeof(r->target[0]));

	if (r == NULL)
		return NULL;
	r->prefix = *prefix;
	r->n = (uint8_t)n;
	return r;
}

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * UINT64_C(0xd6e8feb86659fd93);
	h ^= h >> 32;
	h *= UINT64_C(0xd6e8feb86659fd93);
	return h ^ h >> 32;
}

static uint64_t hash_of(const struct sl_route_target *t)
{
	return mix(mix(mix(mix(t->kind, 0x51), t->id), t->ip.q[0]), t->ip.q[1]);
}

/*
 * Rendezvous hashing: each target makes an offer for the bucket, once for each unit of its weight,
 * and the highest offer wins. A target that comes or goes changes only buckets that it wins.
 */
static uint8_t winner(const struct sl_route_dp *r, const uint64_t *hash, unsigned int bucket)
{
	uint64_t best = 0;
	uint8_t at = 0;

	for (uint8_t i = 0; i < r->n; i++)
		for (uint32_t unit = 0; unit < r->target[i].weight; unit++) {
			uint64_t offer = mix(mix(hash[i], bucket), unit);

			if (offer < best)
				continue;
			best = offer;
			at = i;
		}
	return at;
}

void sl_route_fill_buckets(struct sl_route_dp *r)
{
	uint64_t hash[SL_ROUTE_TARGETS_MAX];

	if (r->n < 2)
		return;
	for (unsigned int i = 0; i < r->n; i++)
		hash[i] = hash_of(&r->target[i]);
	for (unsigned int b = 0; b < SL_ROUTE_BUCKETS; b++)
		r->bucket[b] = winner(r, hash, b);
}

struct sl_route_edit *sl_route_edit_begin(const struct sl_pmap *from, uint64_t seed)
{
	struct sl_route_edit *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return NULL;
	e->map = sl_pmap_edit_begin(from, seed);
	if (e->map != NULL)
		return e;
	free(e);
	return NULL;
}

static void count(struct sl_route_lengths *l, unsigned int len, int by)
{
	uint64_t bit = UINT64_C(1) << len % 64;

	l->n[len] += (uint32_t)by;
	if (l->n[len] != 0)
		l->in_use[len / 64] |= bit;
	else
		l->in_use[len / 64] &= ~bit;
}

/* Counts one prefix more or less of that length, in a copy. 0 or -ENOMEM. */
static int count_length(struct sl_route_edit *e, uint32_t table, unsigned int len, int by)
{
	const struct sl_pmap_key key = sl_route_lengths_key(table);
	const struct sl_route_lengths *old = sl_pmap_edit_find(e->map, &key);
	struct sl_route_lengths *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return -ENOMEM;
	if (old != NULL)
		*l = *old;
	count(l, len, by);
	if (sl_pmap_put(e->map, &key, l, NULL) != 0) {
		free(l);
		return -ENOMEM;
	}
	note(&e->made, l);
	note(&e->dead, (void *)(uintptr_t)old);
	return 0;
}

int sl_route_put(struct sl_route_edit *e, uint32_t table, struct sl_route_dp *r)
{
	const struct sl_pmap_key key = sl_route_key(table, &r->prefix.ip, r->prefix.len);
	void *old = NULL;

	if (!reserve(&e->made, 2) || !reserve(&e->dead, 2) ||
		sl_pmap_put(e->map, &key, r, &old) != 0) {
		free(r);
		return -ENOMEM;
	}
	note(&e->made, r);
	note(&e->dead, old);
	return old == NULL ? count_length(e, table, r->prefix.len, 1) : 0;
}

int sl_route_del(struct sl_route_edit *e, uint32_t table, const struct sl_prefix *prefix)
{
	const struct sl_pmap_key key = sl_route_key(table, &prefix->ip, prefix->len);
	void *old = NULL;

	if (!reserve(&e->made, 2) || !reserve(&e->dead, 2) ||
		sl_pmap_remove(e->map, &key, &old) != 0)
		return -ENOMEM;
	note(&e->dead, old);
	return old != NULL ? count_length(e, table, prefix->len, -1) : 0;
}

struct sl_pmap *sl_route_edit_commit(struct sl_route_edit *e, struct sl_route_garbage **g)
{
	struct sl_route_garbage *garbage = calloc(1, sizeof(*garbage));
	struct sl_pmap *next;

	/* A commit cannot fail. */
	if (garbage == NULL)
		abort();
	next = sl_pmap_edit_commit(e->map, &garbage->nodes);
	garbage->dead = e->dead;
	free(e->made.all);
	free(e);
	*g = garbage;
	return next;
}

void sl_route_edit_abort(struct sl_route_edit *e)
{
	sl_pmap_edit_abort(e->map);
	free_values(&e->made);
	free(e->dead.all);
	free(e);
}

void sl_route_garbage_free(void *garbage)
{
	struct sl_route_garbage *g = garbage;

	if (g == NULL)
		return;
	sl_pmap_garbage_free(g->nodes);
	free_values(&g->dead);
	free(g);
}

const struct sl_route_dp *sl_route_around(
	const struct sl_pmap *routes, uint32_t table, const struct sl_prefix *prefix)
{
	const struct sl_pmap_key lengths = sl_route_lengths_key(table);
	const struct sl_route_lengths *l = sl_pmap_find(routes, &lengths);
	unsigned int least = sl_prefix_is_v4(prefix) ? 96 : 0;

	for (unsigned int len = prefix->len; l != NULL && len-- > least;) {
		struct sl_pmap_key key = sl_route_key(table, &prefix->ip, len);
		const struct sl_route_dp *r = l->n[len] != 0 ? sl_pmap_find(routes, &key) : NULL;

		if (r != NULL)
			return r;
	}
	return NULL;
}

static void free_value(void *value, void *ctx)
{
	(void)ctx;
	free(value);
}

void sl_routes_destroy(struct sl_pmap *routes)
{
	sl_pmap_walk(routes, free_value, NULL);
	sl_pmap_destroy(routes);
}
