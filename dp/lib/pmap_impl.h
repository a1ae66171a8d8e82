/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The inside of a persistent map, for pmap.c (reading) and pmap_edit.c (changing). No other
 * file includes this.
 *
 * A node uses six bits of the hash to select one of 64 places. A place is empty, or has an entry
 * (its bit is set in `data`), or has a deeper node (its bit is set in `child`). Only places in use
 * take memory. Entries are in the node itself, so a hit ends on the line beside the bitmaps. Below
 * the level that uses the last bits of the hash, only comparing distinguishes keys: such a node has
 * both bitmaps zero and counts its entries in n_same.
 *
 * Threads: any thread reads a node once its version is committed; only its session writes it.
 * Ownership: a node belongs to the newest version that reaches it, then to that version's garbage.
 */
#ifndef SL_DP_PMAP_IMPL_H
#define SL_DP_PMAP_IMPL_H

#include "hash.h"
#include "pmap.h"

#define SL_LEVEL_BITS 6
#define SL_LEVELS     11 /* 11 * 6 >= 64 bits: a node of level 11 has entries with equal hashes */

struct sl_pmap_entry {
	struct sl_pmap_key key;
	void *value;
};

struct sl_pmap_node {
	union {
		uint64_t owner; /* the session that made it; no other may change it */
		/* used once the node is replaced; readers look at neither field */
		struct sl_pmap_node *next_dead;
	};
	uint64_t data, child;
	uint64_t n_same;
	/* in order of place; after them the child pointers, also in order of place */
	struct sl_pmap_entry entry[];
};

struct sl_pmap_garbage {
	struct sl_pmap_node *dead;
};

struct sl_pmap {
	struct sl_pmap_node *root; /* never NULL: an empty map has no version struct */
	size_t count;
	uint64_t seed;
	struct sl_pmap_garbage garbage; /* filled by the commit that replaces this version */
};

static inline bool sl_pmap_key_equal(const struct sl_pmap_key *a, const struct sl_pmap_key *b)
{
	return ((a->w[0] ^ b->w[0]) | (a->w[1] ^ b->w[1]) | (a->w[2] ^ b->w[2])) == 0;
}

static inline uint64_t sl_pmap_place(uint64_t hash)
{
	return UINT64_C(1) << (hash & ((1 << SL_LEVEL_BITS) - 1));
}

static inline unsigned int sl_pmap_bits(uint64_t map)
{
	return (unsigned int)__builtin_popcountll(map);
}

static inline unsigned int sl_pmap_node_entries(const struct sl_pmap_node *n)
{
	return n->n_same != 0 ? (unsigned int)n->n_same : sl_pmap_bits(n->data);
}

static inline struct sl_pmap_node **sl_pmap_node_children(const struct sl_pmap_node *n)
{
	return (struct sl_pmap_node **)(uintptr_t)(n->entry + sl_pmap_node_entries(n));
}

static inline struct sl_pmap_entry *sl_pmap_node_entry(struct sl_pmap_node *n, uint64_t bit)
{
	return &n->entry[sl_pmap_bits(n->data & (bit - 1))];
}

static inline struct sl_pmap_node **sl_pmap_node_child(const struct sl_pmap_node *n, uint64_t bit)
{
	/* Does not call sl_pmap_node_children(): a node with children never has equal hashes. */
	return (struct sl_pmap_node **)(uintptr_t)(n->entry + sl_pmap_bits(n->data)) +
	       sl_pmap_bits(n->child & (bit - 1));
}

void *sl_pmap_node_find(const struct sl_pmap_node *n, uint64_t hash, const struct sl_pmap_key *k);

#endif
