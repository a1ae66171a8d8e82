/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmap_impl.h"

#include <stdlib.h>

static void *find_same(const struct sl_pmap_node *n, const struct sl_pmap_key *k)
{
	for (uint64_t i = 0; i < n->n_same; i++)
		if (sl_pmap_key_equal(&n->entry[i].key, k))
			return n->entry[i].value;
	return NULL;
}

void *sl_pmap_node_find(const struct sl_pmap_node *n, uint64_t hash, const struct sl_pmap_key *k)
{
	for (;; hash >>= SL_LEVEL_BITS) {
		uint64_t bit = sl_pmap_place(hash);

		if (n->data & bit) {
			const struct sl_pmap_entry *e =
				&n->entry[sl_pmap_bits(n->data & (bit - 1))];

			return sl_pmap_key_equal(&e->key, k) ? e->value : NULL;
		}
		if (!(n->child & bit))
			return find_same(n, k);
		n = *sl_pmap_node_child(n, bit);
	}
}

void *sl_pmap_find(const struct sl_pmap *m, const struct sl_pmap_key *k)
{
	return m != NULL ? sl_pmap_node_find(m->root, sl_hash_3words(k->w, m->seed), k) : NULL;
}

size_t sl_pmap_count(const struct sl_pmap *m)
{
	return m != NULL ? m->count : 0;
}

void sl_pmap_garbage_free(void *garbage)
{
	struct sl_pmap_garbage *g = garbage;

	if (g == NULL)
		return;
	while (g->dead != NULL) {
		struct sl_pmap_node *n = g->dead;

		g->dead = n->next_dead;
		free(n);
	}
	free((char *)g - offsetof(struct sl_pmap, garbage));
}

static void walk(const struct sl_pmap_node *n, void (*fn)(void *value, void *ctx), void *ctx)
{
	struct sl_pmap_node **child = sl_pmap_node_children(n);

	for (unsigned int i = 0; i < sl_pmap_node_entries(n); i++)
		fn(n->entry[i].value, ctx);
	for (unsigned int i = 0; i < sl_pmap_bits(n->child); i++)
		walk(child[i], fn, ctx);
}

void sl_pmap_walk(const struct sl_pmap *m, void (*fn)(void *value, void *ctx), void *ctx)
{
	if (m != NULL)
		walk(m->root, fn, ctx);
}

static void free_all(struct sl_pmap_node *n)
{
	for (unsigned int i = 0; i < sl_pmap_bits(n->child); i++)
		free_all(sl_pmap_node_children(n)[i]);
	free(n);
}

void sl_pmap_destroy(struct sl_pmap *m)
{
	if (m == NULL)
		return;
	free_all(m->root);
	free(m);
}
