/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include <uthash.h>

#include "label_index.h"
#include "ctrl/shape/field.h"

#define PRUNE_FROM \
	16 /* entries of identities that went, before a label's list is looked through \
	    */

/* A label and the identities, by their dense ids in the store, that have or had it. */
struct posting {
	uint32_t n, size, n_gone;
	uint32_t *id;
	UT_hash_handle hh;
	size_t key_len;
	char key[]; /* "key\0value" */
};

struct sl_label_index {
	struct posting *all;
	bool incomplete;
};

static size_t make_key(
	const struct sl_label_pair *label, char key[SL_LABEL_KEY_LEN + SL_LABEL_LEN + 2])
{
	size_t k = strlen(label->key) + 1, v = strlen(label->value);

	memcpy(key, label->key, k);
	memcpy(key + k, label->value, v);
	return k + v;
}

static struct posting *find(const struct sl_label_index *x, const struct sl_label_pair *label)
{
	char key[SL_LABEL_KEY_LEN + SL_LABEL_LEN + 2];
	size_t len = make_key(label, key);
	struct posting *p;

	HASH_FIND(hh, x->all, key, len, p);
	return p;
}

static struct posting *find_or_make(struct sl_label_index *x, const struct sl_label_pair *label)
{
	struct posting *p = find(x, label);
	char key[SL_LABEL_KEY_LEN + SL_LABEL_LEN + 2];
	size_t len = make_key(label, key);

	if (p != NULL)
		return p;
	p = calloc(1, sizeof(*p) + len);
	if (p == NULL)
		return NULL;
	p->key_len = len;
	memcpy(p->key, key, len);
	HASH_ADD_KEYPTR(hh, x->all, p->key, p->key_len, p);
	return p;
}

static bool has_label(const struct sl_labels *labels, const struct sl_label_pair *l)
{
	for (size_t i = 0; i < labels->n; i++)
		if (strcmp(labels->pair[i].key, l->key) == 0)
			return strcmp(labels->pair[i].value, l->value) == 0;
	return false;
}

static const struct sl_identity_obj *identity(const struct sl_store *s, uint32_t id)
{
	return (const struct sl_identity_obj *)sl_store_by_id(s, SL_COLL_IDENTITIES, id);
}

static int compare_ids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Leave out who has the label no more, and who is there twice. */
static void prune(struct posting *p, const struct sl_store *s, const struct sl_label_pair *label)
{
	uint32_t kept = 0;

	qsort(p->id, p->n, sizeof(p->id[0]), compare_ids);
	for (uint32_t i = 0; i < p->n; i++) {
		const struct sl_identity_obj *o = identity(s, p->id[i]);

		if (o != NULL && has_label(&o->labels, label) &&
			(kept == 0 || p->id[kept - 1] != p->id[i]))
			p->id[kept++] = p->id[i];
	}
	p->n = kept;
	p->n_gone = 0;
}

static bool append(struct posting *p, uint32_t id)
{
	if (p->n == p->size) {
		uint32_t size = p->size == 0 ? 4 : p->size * 2;
		uint32_t *more = realloc(p->id, size * sizeof(*more));

		if (more == NULL)
			return false;
		p->id = more;
		p->size = size;
	}
	p->id[p->n++] = id;
	return true;
}

struct sl_label_index *sl_label_index_create(void)
{
	return calloc(1, sizeof(struct sl_label_index));
}

void sl_label_index_destroy(struct sl_label_index *x)
{
	struct posting *p, *next;

	if (x == NULL)
		return;
	HASH_ITER (hh, x->all, p, next) {
		HASH_DEL(x->all, p);
		free(p->id);
		free(p);
	}
	free(x);
}

void sl_label_index_add(
	struct sl_label_index *x, const struct sl_store *s, const struct sl_identity_obj *o)
{
	for (size_t i = 0; i < o->labels.n; i++) {
		struct posting *p = find_or_make(x, &o->labels.pair[i]);

		if (p == NULL || !append(p, o->o.id)) {
			x->incomplete = true;
			continue;
		}
		/* Afterwards: an entry of the same id from before is then no second one. */
		if (p->n_gone >= PRUNE_FROM && p->n_gone > p->n / 2)
			prune(p, s, &o->labels.pair[i]);
	}
}

void sl_label_index_remove(struct sl_label_index *x, const struct sl_identity_obj *o)
{
	for (size_t i = 0; i < o->labels.n; i++) {
		struct posting *p = find(x, &o->labels.pair[i]);

		if (p == NULL || ++p->n_gone < p->n)
			continue;
		HASH_DEL(x->all, p);
		free(p->id);
		free(p);
	}
}

static bool has_all(const struct sl_identity_obj *o, const struct sl_labels *labels)
{
	for (size_t i = 0; i < labels->n; i++)
		if (!has_label(&o->labels, &labels->pair[i]))
			return false;
	return true;
}

bool sl_label_index_select(const struct sl_label_index *x, const struct sl_store *s,
	const struct sl_labels *labels, void (*fn)(uint16_t number, void *ctx), void *ctx)
{
	const struct posting *rarest = NULL;

	if (x->incomplete)
		return false;
	for (size_t i = 0; i < labels->n; i++) {
		const struct posting *p = find(x, &labels->pair[i]);

		if (p == NULL)
			return true; /* nobody has it */
		if (rarest == NULL || p->n < rarest->n)
			rarest = p;
	}
	for (uint32_t i = 0; rarest != NULL && i < rarest->n; i++) {
		const struct sl_identity_obj *o = identity(s, rarest->id[i]);

		if (o != NULL && has_all(o, labels))
			fn((uint16_t)o->id_number, ctx);
	}
	return true;
}
