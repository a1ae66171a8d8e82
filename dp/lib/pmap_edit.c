/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmap_impl.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#define NODE_ALIGN 64

struct sl_pmap_edit {
	struct sl_pmap *from;
	struct sl_pmap *next; /* allocated first, so that a commit cannot fail */
	struct sl_pmap_node *root;
	struct sl_pmap_node *dead;
	size_t count;
	uint64_t seed;
	uint64_t session;
};

static atomic_uint_fast64_t last_session;

void *sl_pmap_edit_find(const struct sl_pmap_edit *e, const struct sl_pmap_key *k)
{
	return e->root != NULL ? sl_pmap_node_find(e->root, sl_hash_3words(k->w, e->seed), k)
			       : NULL;
}

static size_t node_size(unsigned int entries, unsigned int n_children)
{
	size_t size = sizeof(struct sl_pmap_node) + entries * sizeof(struct sl_pmap_entry) +
		      n_children * sizeof(struct sl_pmap_node *);

	return (size + NODE_ALIGN - 1) & ~(size_t)(NODE_ALIGN - 1);
}

static struct sl_pmap_node *node_new(
	const struct sl_pmap_edit *e, unsigned int entries, unsigned int n_children)
{
	struct sl_pmap_node *n = aligned_alloc(NODE_ALIGN, node_size(entries, n_children));

	if (n != NULL) {
		n->owner = e->session;
		n->data = n->child = n->n_same = 0;
	}
	return n;
}

/* Remove a node from the new version: frees it at once if only the new version has it. */
static void node_drop(struct sl_pmap_edit *e, struct sl_pmap_node *n)
{
	if (n->owner == e->session) {
		free(n);
		return;
	}
	n->next_dead = e->dead;
	e->dead = n;
}

static void replace(struct sl_pmap_edit *e, struct sl_pmap_node **at, struct sl_pmap_node *by)
{
	node_drop(e, *at);
	*at = by;
}

/* The node at *at, made by this edit: it is copied unless it already is. */
static struct sl_pmap_node *own(struct sl_pmap_edit *e, struct sl_pmap_node **at)
{
	struct sl_pmap_node *n = *at, *copy;
	unsigned int n_children = sl_pmap_bits(n->child);

	if (n->owner == e->session)
		return n;
	copy = node_new(e, sl_pmap_node_entries(n), n_children);
	if (copy == NULL)
		return NULL;
	copy->data = n->data;
	copy->child = n->child;
	copy->n_same = n->n_same;
	memcpy(copy->entry, n->entry, sl_pmap_node_entries(n) * sizeof(n->entry[0]));
	memcpy(sl_pmap_node_children(copy), sl_pmap_node_children(n),
		n_children * sizeof(struct sl_pmap_node *));
	replace(e, at, copy);
	return copy;
}

/* A copy with another set of places; the caller fills in what is new. */
static struct sl_pmap_node *reshape(
	const struct sl_pmap_edit *e, struct sl_pmap_node *n, uint64_t data, uint64_t child)
{
	struct sl_pmap_node *r = node_new(e, sl_pmap_bits(data), sl_pmap_bits(child));
	uint64_t left;

	if (r == NULL)
		return NULL;
	r->data = data;
	r->child = child;
	for (left = data & n->data; left != 0; left &= left - 1)
		*sl_pmap_node_entry(r, left & -left) = *sl_pmap_node_entry(n, left & -left);
	for (left = child & n->child; left != 0; left &= left - 1)
		*sl_pmap_node_child(r, left & -left) = *sl_pmap_node_child(n, left & -left);
	return r;
}

/* A node of level `level` with two entries of different keys, each with its hash of that level. */
static struct sl_pmap_node *pair(const struct sl_pmap_edit *e, const struct sl_pmap_entry *a,
	uint64_t hash_a, const struct sl_pmap_entry *b, uint64_t hash_b, unsigned int level)
{
	bool split = sl_pmap_place(hash_a) != sl_pmap_place(hash_b);
	bool same = level >= SL_LEVELS;
	struct sl_pmap_node *n;

	if (!split && !same) {
		n = node_new(e, 0, 1);
		if (n == NULL)
			return NULL;
		n->child = sl_pmap_place(hash_a);
		*sl_pmap_node_children(n) =
			pair(e, a, hash_a >> SL_LEVEL_BITS, b, hash_b >> SL_LEVEL_BITS, level + 1);
		if (*sl_pmap_node_children(n) != NULL)
			return n;
		free(n);
		return NULL;
	}
	n = node_new(e, 2, 0);
	if (n == NULL)
		return NULL;
	if (same) {
		n->n_same = 2;
		n->entry[0] = *a;
		n->entry[1] = *b;
	} else {
		n->data = sl_pmap_place(hash_a) | sl_pmap_place(hash_b);
		*sl_pmap_node_entry(n, sl_pmap_place(hash_a)) = *a;
		*sl_pmap_node_entry(n, sl_pmap_place(hash_b)) = *b;
	}
	return n;
}

static int put_new(struct sl_pmap_edit *e, struct sl_pmap_node **at, uint64_t bit,
	const struct sl_pmap_entry *new)
{
	struct sl_pmap_node *n = reshape(e, *at, (*at)->data | bit, (*at)->child);

	if (n == NULL)
		return -ENOMEM;
	*sl_pmap_node_entry(n, bit) = *new;
	replace(e, at, n);
	e->count++;
	return 0;
}

/* Two keys in one place: both move to a node below. */
static int put_below(struct sl_pmap_edit *e, struct sl_pmap_node **at, uint64_t hash,
	const struct sl_pmap_entry *new, unsigned int level)
{
	uint64_t bit = sl_pmap_place(hash);
	const struct sl_pmap_entry *there = sl_pmap_node_entry(*at, bit);
	uint64_t hash_there = sl_hash_3words(there->key.w, e->seed) >> (level * SL_LEVEL_BITS);
	struct sl_pmap_node *n = reshape(e, *at, (*at)->data & ~bit, (*at)->child | bit);
	struct sl_pmap_node *below =
		pair(e, there, hash_there >> SL_LEVEL_BITS, new, hash >> SL_LEVEL_BITS, level + 1);

	if (n == NULL || below == NULL) {
		free(n);
		/* A failed pair leaves nothing; a complete one is a chain of single children. */
		while (below != NULL) {
			struct sl_pmap_node *next =
				below->child != 0 ? *sl_pmap_node_children(below) : NULL;

			free(below);
			below = next;
		}
		return -ENOMEM;
	}
	*sl_pmap_node_child(n, bit) = below;
	replace(e, at, n);
	e->count++;
	return 0;
}

/* *at has the key as its i-th entry. */
static int put_over(
	struct sl_pmap_edit *e, struct sl_pmap_node **at, size_t i, void *value, void **old)
{
	struct sl_pmap_node *n = own(e, at);

	if (n == NULL)
		return -ENOMEM;
	if (old != NULL)
		*old = n->entry[i].value;
	n->entry[i].value = value;
	return 0;
}

static int put_same(struct sl_pmap_edit *e, struct sl_pmap_node **at,
	const struct sl_pmap_entry *new, void **old)
{
	struct sl_pmap_node *n = *at, *grown;

	for (size_t i = 0; i < n->n_same; i++)
		if (sl_pmap_key_equal(&n->entry[i].key, &new->key))
			return put_over(e, at, i, new->value, old);
	grown = node_new(e, (unsigned int)n->n_same + 1, 0);
	if (grown == NULL)
		return -ENOMEM;
	memcpy(grown->entry, n->entry, n->n_same * sizeof(n->entry[0]));
	grown->entry[n->n_same] = *new;
	grown->n_same = n->n_same + 1;
	replace(e, at, grown);
	e->count++;
	return 0;
}

static int put_first(struct sl_pmap_edit *e, uint64_t hash, const struct sl_pmap_entry *new)
{
	e->root = node_new(e, 1, 0);
	if (e->root == NULL)
		return -ENOMEM;
	e->root->data = sl_pmap_place(hash);
	e->root->entry[0] = *new;
	e->count = 1;
	return 0;
}

int sl_pmap_put(struct sl_pmap_edit *e, const struct sl_pmap_key *k, void *value, void **old)
{
	struct sl_pmap_entry new = {*k, value};
	uint64_t hash = sl_hash_3words(k->w, e->seed);
	struct sl_pmap_node **at = &e->root;

	if (old != NULL)
		*old = NULL;
	if (e->root == NULL)
		return put_first(e, hash, &new);
	for (unsigned int level = 0;; level++, hash >>= SL_LEVEL_BITS) {
		uint64_t bit = sl_pmap_place(hash);
		struct sl_pmap_node *n = *at;

		if (n->n_same != 0)
			return put_same(e, at, &new, old);
		if (n->data & bit) {
			if (!sl_pmap_key_equal(&sl_pmap_node_entry(n, bit)->key, k))
				return put_below(e, at, hash, &new, level);
			return put_over(e, at, sl_pmap_bits(n->data & (bit - 1)), value, old);
		}
		if (!(n->child & bit))
			return put_new(e, at, bit, &new);
		n = own(e, at);
		if (n == NULL)
			return -ENOMEM;
		at = sl_pmap_node_child(n, bit);
	}
}

/* These functions shrink owned nodes in place, and so cannot fail. */
static void *cut_entry(struct sl_pmap_node *n, const struct sl_pmap_key *k, uint64_t bit)
{
	size_t i = n->n_same != 0 ? 0 : sl_pmap_bits(n->data & (bit - 1));
	size_t tail = sl_pmap_node_entries(n) * sizeof(n->entry[0]) +
		      sl_pmap_bits(n->child) * sizeof(struct sl_pmap_node *);
	void *value;

	while (!sl_pmap_key_equal(&n->entry[i].key, k))
		i++;
	value = n->entry[i].value;
	memmove(&n->entry[i], &n->entry[i + 1], tail - (i + 1) * sizeof(n->entry[0]));
	if (n->n_same != 0)
		n->n_same--;
	else
		n->data &= ~bit;
	return value;
}

static void cut_child(struct sl_pmap_node *n, uint64_t bit)
{
	struct sl_pmap_node **at = sl_pmap_node_child(n, bit),
			    **end = sl_pmap_node_children(n) + sl_pmap_bits(n->child);

	memmove(at, at + 1, (size_t)(end - at - 1) * sizeof(*at));
	n->child &= ~bit;
}

/*
 * An empty node is removed; a single entry moves up beside its siblings, so that the shape depends
 * only on the content. When out of memory, the entry stays where it is, which is also correct.
 */
static void tidy(
	struct sl_pmap_edit *e, struct sl_pmap_node **path[], unsigned int level, uint64_t hash)
{
	for (;; level--) {
		struct sl_pmap_node *n = *path[level], *parent, *grown;
		uint64_t bit;

		if (n->child != 0 || sl_pmap_node_entries(n) > 1 ||
			(level == 0 && sl_pmap_node_entries(n) == 1))
			return;
		if (level == 0) {
			free(n);
			e->root = NULL;
			return;
		}
		parent = *path[level - 1];
		bit = sl_pmap_place(hash >> ((level - 1) * SL_LEVEL_BITS));
		if (sl_pmap_node_entries(n) == 0) {
			cut_child(parent, bit);
		} else {
			grown = reshape(e, parent, parent->data | bit, parent->child & ~bit);
			if (grown == NULL)
				return;
			*sl_pmap_node_entry(grown, bit) = n->entry[0];
			replace(e, path[level - 1], grown);
		}
		free(n);
	}
}

int sl_pmap_remove(struct sl_pmap_edit *e, const struct sl_pmap_key *k, void **old)
{
	uint64_t hash = sl_hash_3words(k->w, e->seed), rest = hash;
	struct sl_pmap_node **path[SL_LEVELS + 1], **at = &e->root;
	void *value = NULL;

	if (old != NULL)
		*old = NULL;
	if (sl_pmap_edit_find(e, k) == NULL)
		return 0;
	for (unsigned int level = 0;; level++, rest >>= SL_LEVEL_BITS) {
		struct sl_pmap_node *n = own(e, at);
		uint64_t bit = sl_pmap_place(rest);

		if (n == NULL)
			return -ENOMEM;
		path[level] = at;
		if (n->n_same != 0 || (n->data & bit)) {
			value = cut_entry(n, k, bit);
			tidy(e, path, level, hash);
			break;
		}
		at = sl_pmap_node_child(n, bit);
	}
	e->count--;
	if (old != NULL)
		*old = value;
	return 0;
}

struct sl_pmap_edit *sl_pmap_edit_begin(const struct sl_pmap *from, uint64_t seed)
{
	struct sl_pmap_edit *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return NULL;
	e->next = calloc(1, sizeof(*e->next));
	if (e->next == NULL) {
		free(e);
		return NULL;
	}
	e->from = (struct sl_pmap *)(uintptr_t)from;
	e->seed = seed;
	e->session = atomic_fetch_add(&last_session, 1) + 1;
	if (from != NULL) {
		e->root = from->root;
		e->count = from->count;
		e->seed = from->seed;
	}
	return e;
}

struct sl_pmap *sl_pmap_edit_commit(struct sl_pmap_edit *e, struct sl_pmap_garbage **g)
{
	struct sl_pmap *from = e->from, *next = e->next;

	*g = NULL;
	if (from != NULL && e->root == from->root) {
		free(next);
		next = from;
	} else {
		if (from != NULL) {
			from->garbage.dead = e->dead;
			*g = &from->garbage;
		}
		next->root = e->root;
		next->count = e->count;
		next->seed = e->seed;
		if (e->root == NULL) {
			free(next);
			next = NULL;
		}
	}
	free(e);
	return next;
}

/* A node that an edit made is reached only through nodes that the edit made. */
static void free_owned(struct sl_pmap_node *n, uint64_t session)
{
	if (n->owner != session)
		return;
	for (unsigned int i = 0; i < sl_pmap_bits(n->child); i++)
		free_owned(sl_pmap_node_children(n)[i], session);
	free(n);
}

void sl_pmap_edit_abort(struct sl_pmap_edit *e)
{
	if (e == NULL)
		return;
	if (e->root != NULL)
		free_owned(e->root, e->session);
	while (e->dead != NULL) {
		struct sl_pmap_node *n = e->dead;

		e->dead = n->next_dead;
		n->owner = 0;
	}
	free(e->next);
	free(e);
}
