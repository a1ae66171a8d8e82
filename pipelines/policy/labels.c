/* SPDX-License-Identifier: BSD-3-Clause */
#include "labels.h"

#include "dp/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* A run of another array. */
struct span {
	uint32_t first, n;
};

struct selector {
	struct span labels;  /* ascending, in selector_labels */
	struct span members; /* ascending, in members */
};

struct sl_labels {
	uint64_t seed;
	struct sl_intern label_table, selector_table;
	struct sl_vec labels;	       /* struct sl_label */
	struct sl_vec identity_labels; /* uint32_t */
	struct span *of_identity;      /* by identity: its labels, ascending */
	struct span *of_label;	       /* by label: its identities, ascending */
	uint16_t *posting;	       /* what of_label spans */
	struct sl_vec selectors;       /* struct selector */
	struct sl_vec selector_labels; /* uint32_t */
	struct sl_vec members;	       /* uint16_t */
	struct sl_vec scratch;	       /* uint32_t: labels of the selector at hand */
};

static uint64_t label_hash(const struct sl_labels *l, const struct sl_label *label)
{
	uint64_t h = sl_hash_bytes(label->key, strlen(label->key), l->seed);

	return sl_hash_bytes(label->value, strlen(label->value), h);
}

static bool label_equal(const void *ctx, uint32_t number, const void *key)
{
	const struct sl_labels *l = ctx;
	const struct sl_label *a = (const struct sl_label *)l->labels.at + number, *b = key;

	return strcmp(a->key, b->key) == 0 && strcmp(a->value, b->value) == 0;
}

static int label_number(struct sl_labels *l, const struct sl_label *label, uint32_t *number)
{
	uint64_t hash = label_hash(l, label);
	struct sl_label *new;

	*number = sl_intern_find(&l->label_table, hash, label_equal, l, label);
	if (*number != SL_NONE)
		return 0;
	new = sl_vec_push(&l->labels);
	if (new == NULL || sl_intern_add(&l->label_table, hash) != 0)
		return -ENOMEM;
	*new = *label;
	*number = l->label_table.n - 1;
	return 0;
}

static int compare_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static uint32_t sort_unique(uint32_t *v, uint32_t n)
{
	uint32_t kept = 0;

	if (n > 1)
		qsort(v, n, sizeof(*v), compare_u32);
	for (uint32_t i = 0; i < n; i++)
		if (kept == 0 || v[i] != v[kept - 1])
			v[kept++] = v[i];
	return kept;
}

static int index_identity(struct sl_labels *l, const struct sl_identity_def *id)
{
	struct span *s = &l->of_identity[id->id];
	uint32_t first = l->identity_labels.n, n = 0;

	s->n = 0;
	for (size_t i = 0; i < id->n_labels; i++) {
		uint32_t number, *label;

		if (label_number(l, &id->labels[i], &number) != 0)
			return -ENOMEM;
		label = sl_vec_push(&l->identity_labels);
		if (label == NULL)
			return -ENOMEM;
		*label = number;
		n++;
	}
	s->first = first;
	if (n > 0)
		s->n = sort_unique((uint32_t *)l->identity_labels.at + first, n);
	l->identity_labels.n = first + s->n;
	return 0;
}

/* From "labels of each identity" to "identities of each label". */
static int invert(struct sl_labels *l)
{
	const uint32_t *label = l->identity_labels.at;
	uint32_t first = 0;

	l->of_label = calloc(l->labels.n + 1, sizeof(*l->of_label));
	l->posting = calloc(l->identity_labels.n + 1, sizeof(*l->posting));
	if (l->of_label == NULL || l->posting == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < l->identity_labels.n; i++)
		l->of_label[label[i]].n++;
	for (uint32_t i = 0; i < l->labels.n; i++) {
		l->of_label[i].first = first;
		first += l->of_label[i].n;
		l->of_label[i].n = 0;
	}
	for (uint32_t id = SL_IDENTITY_MIN; id <= SL_IDENTITY_MAX; id++) {
		struct span s = l->of_identity[id];

		for (uint32_t i = s.first; i < s.first + s.n; i++) {
			struct span *p = &l->of_label[label[i]];

			l->posting[p->first + p->n++] = (uint16_t)id;
		}
	}
	return 0;
}

static int index_all(struct sl_labels *l, const struct sl_identity_def *ids, size_t n_ids)
{
	l->of_identity = calloc(SL_IDENTITY_MAX + 1, sizeof(*l->of_identity));
	if (l->of_identity == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n_ids; i++) {
		/* Reserved identities have no labels, whatever the input says. */
		if (ids[i].id >= SL_IDENTITY_MIN && index_identity(l, &ids[i]) != 0)
			return -ENOMEM;
	}
	return invert(l);
}

struct sl_labels *sl_labels_create(const struct sl_identity_def *ids, size_t n_ids)
{
	struct sl_labels *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	/* Labels come from tenants: without a seed they could make the tables degenerate. */
	if (getrandom(&l->seed, sizeof(l->seed), GRND_NONBLOCK) != (ssize_t)sizeof(l->seed))
		l->seed = (uint64_t)(uintptr_t)l;
	l->labels = SL_VEC_OF(struct sl_label);
	l->identity_labels = SL_VEC_OF(uint32_t);
	l->selectors = SL_VEC_OF(struct selector);
	l->selector_labels = SL_VEC_OF(uint32_t);
	l->members = SL_VEC_OF(uint16_t);
	l->scratch = SL_VEC_OF(uint32_t);
	if (index_all(l, ids, n_ids) != 0) {
		sl_labels_destroy(l);
		return NULL;
	}
	return l;
}

void sl_labels_destroy(struct sl_labels *l)
{
	if (l == NULL)
		return;
	sl_vec_fini(&l->scratch);
	sl_vec_fini(&l->members);
	sl_vec_fini(&l->selector_labels);
	sl_vec_fini(&l->selectors);
	free(l->posting);
	free(l->of_label);
	free(l->of_identity);
	sl_vec_fini(&l->identity_labels);
	sl_vec_fini(&l->labels);
	sl_intern_fini(&l->selector_table);
	sl_intern_fini(&l->label_table);
	free(l);
}

static bool selector_equal(const void *ctx, uint32_t number, const void *key)
{
	const struct sl_labels *l = ctx;
	const struct sl_vec *want = key;
	const struct selector *s = (const struct selector *)l->selectors.at + number;

	return s->labels.n == want->n &&
	       memcmp((const uint32_t *)l->selector_labels.at + s->labels.first, want->at,
		       want->n * sizeof(uint32_t)) == 0;
}

/* Both ascending: is all of `part` in `whole`? */
static bool includes(const uint32_t *whole, uint32_t n_whole, const uint32_t *part, uint32_t n_part)
{
	uint32_t k = 0;

	for (uint32_t i = 0; i < n_whole && k < n_part; i++)
		if (whole[i] == part[k])
			k++;
	return k == n_part;
}

static int collect_members(struct sl_labels *l, struct selector *s)
{
	const uint32_t *part = l->scratch.at;
	struct span rarest = l->of_label[part[0]];

	for (uint32_t i = 1; i < l->scratch.n; i++)
		if (l->of_label[part[i]].n < rarest.n)
			rarest = l->of_label[part[i]];
	s->members.first = l->members.n;
	for (uint32_t i = rarest.first; i < rarest.first + rarest.n; i++) {
		struct span whole = l->of_identity[l->posting[i]];
		uint16_t *member;

		if (!includes((const uint32_t *)l->identity_labels.at + whole.first, whole.n, part,
			    l->scratch.n))
			continue;
		member = sl_vec_push(&l->members);
		if (member == NULL)
			return -ENOMEM;
		*member = l->posting[i];
		s->members.n++;
	}
	return 0;
}

/* The selector's labels as ascending numbers into scratch; empty when one of them is nobody's. */
static int number_labels(struct sl_labels *l, const struct sl_selector *s)
{
	l->scratch.n = 0;
	for (size_t i = 0; i < s->n_labels; i++) {
		uint32_t *next = sl_vec_push(&l->scratch);

		if (next == NULL)
			return -ENOMEM;
		*next = sl_intern_find(&l->label_table, label_hash(l, &s->labels[i]), label_equal,
			l, &s->labels[i]);
		if (*next == SL_NONE) {
			l->scratch.n = 0;
			return 0;
		}
	}
	l->scratch.n = sort_unique(l->scratch.at, l->scratch.n);
	return 0;
}

int sl_labels_selector(struct sl_labels *l, const struct sl_selector *s, uint32_t *number)
{
	struct selector *new;
	uint64_t hash;

	*number = SL_NONE;
	if (number_labels(l, s) != 0)
		return -ENOMEM;
	if (l->scratch.n == 0)
		return 0;
	hash = sl_hash_bytes(l->scratch.at, l->scratch.n * sizeof(uint32_t), l->seed);
	*number = sl_intern_find(&l->selector_table, hash, selector_equal, l, &l->scratch);
	if (*number == SL_NONE) {
		new = sl_vec_push(&l->selectors);
		if (new == NULL || collect_members(l, new) != 0)
			return -ENOMEM;
		new->labels = (struct span){l->selector_labels.n, l->scratch.n};
		for (uint32_t i = 0; i < l->scratch.n; i++) {
			uint32_t *label = sl_vec_push(&l->selector_labels);

			if (label == NULL)
				return -ENOMEM;
			*label = ((const uint32_t *)l->scratch.at)[i];
		}
		if (sl_intern_add(&l->selector_table, hash) != 0)
			return -ENOMEM;
		*number = l->selector_table.n - 1;
	}
	if (((const struct selector *)l->selectors.at)[*number].members.n == 0)
		*number = SL_NONE;
	return 0;
}

uint32_t sl_labels_n_selectors(const struct sl_labels *l)
{
	return l->selectors.n;
}

const uint16_t *sl_labels_members(const struct sl_labels *l, uint32_t selector, uint32_t *n)
{
	const struct selector *s = (const struct selector *)l->selectors.at + selector;

	*n = s->members.n;
	return (const uint16_t *)l->members.at + s->members.first;
}
