/* SPDX-License-Identifier: BSD-3-Clause */
/* The indexes: reverse references, unique keys, and labels. */
#include <assert.h>
#include <stdio.h>

#include "store_impl.h"

struct sl_labelset *sl_labelset_find(const struct sl_store *s, const struct sl_labels *labels)
{
	char key[SL_LABELS_KEY_MAX];
	size_t len = sl_labels_key(labels, key);
	struct sl_labelset *set = NULL;

	if (len != SIZE_MAX)
		HASH_FIND(hh, s->labelsets, key, len, set);
	return set;
}

static struct sl_labelset *labelset_hold(struct sl_store *s, const struct sl_labels *labels)
{
	struct sl_labelset *set = sl_labelset_find(s, labels);
	char key[SL_LABELS_KEY_MAX];
	size_t len;

	if (set != NULL) {
		set->holders++;
		return set;
	}
	len = sl_labels_key(labels, key);
	if (len == SIZE_MAX)
		return NULL;
	set = calloc(1, sizeof(*set) + len + 1);
	if (set == NULL)
		return NULL;
	memcpy(set->key, key, len);
	set->key_len = len;
	set->holders = 1;
	HASH_ADD_KEYPTR(hh, s->labelsets, set->key, set->key_len, set);
	sl_table_make_room(set->hh.tbl);
	return set;
}

static void labelset_free_unheld(struct sl_store *s, struct sl_labelset *set)
{
	if (set->holders > 0 || set->touched)
		return;
	HASH_DELETE(hh, s->labelsets, set);
	free(set);
}

static void labelset_touch(struct sl_store *s, struct sl_labelset *set)
{
	if (set->touched)
		return;
	set->touched = true;
	set->touched_next = s->touched;
	s->touched = set;
}

void sl_labelsets_untouch(struct sl_store *s)
{
	while (s->touched != NULL) {
		struct sl_labelset *set = s->touched;

		s->touched = set->touched_next;
		set->touched = false;
		labelset_free_unheld(s, set);
	}
}

uint32_t sl_number_in(const struct sl_collection *coll, const struct sl_object *o)
{
	return *(const uint32_t *)(const void *)((const char *)o + coll->number_at);
}

const struct sl_labels *sl_labels_in(const struct sl_collection *coll, const struct sl_object *o)
{
	return (const struct sl_labels *)(const void *)((const char *)o + coll->labels_at);
}

uint32_t sl_store_identity_of(const struct sl_store *s, const struct sl_labels *labels)
{
	const struct sl_labelset *set = sl_labelset_find(s, labels);

	if (set == NULL || set->identity == NULL || set->identity->obj == NULL)
		return SL_IDENTITY_UNKNOWN;
	return sl_number_in(sl_collections[set->identity->coll], set->identity->obj);
}

static const struct sl_labels *labels_of(const struct sl_store_entry *en)
{
	const struct sl_collection *coll = sl_collections[en->coll];

	if (coll->labels_role == SL_LABELS_NONE)
		return NULL;
	return sl_labels_in(coll, en->obj);
}

static void fill_refs(struct sl_links *l)
{
	const struct sl_store_entry *en = l->entry;
	const struct sl_collection *coll = sl_collections[en->coll];

	for (size_t i = 0; i < coll->n_refs; i++) {
		const struct sl_ref_row *row = &coll->refs[i];
		uint32_t n = sl_ref_names(row, en->obj);

		for (uint32_t k = 0; k < n; k++)
			l->refs[l->n_refs++] = (struct sl_ref){.from = l, .row = row, .index = k};
	}
}

/* A scope that a reference sets is known once the references are resolved. */
static void fill_uniques(struct sl_links *l, const struct sl_uniques *row, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		l->uniques[i].owner = l;
		row->fill(l->entry->obj, i, &l->uniques[i].key);
		l->uniques[i].key.coll = l->entry->coll;
	}
	l->n_uniques = n;
}

struct sl_links *sl_links_create(struct sl_store *s, struct sl_store_entry *en, struct sl_err *e)
{
	const struct sl_labels *labels = labels_of(en);
	const struct sl_uniques *uniques = sl_collections[en->coll]->uniques;
	size_t n = uniques != NULL ? uniques->count(en->obj) : 0;
	size_t n_refs = sl_ref_count(en->coll, en->obj);
	struct sl_links *l =
		calloc(1, sizeof(*l) + n * sizeof(l->uniques[0]) + n_refs * sizeof(l->refs[0]));

	if (l == NULL)
		goto no_memory;
	l->entry = en;
	l->refs = (struct sl_ref *)(void *)&l->uniques[n];
	fill_refs(l);
	if (n > 0)
		fill_uniques(l, uniques, n);
	if (labels != NULL) {
		l->labels = labelset_hold(s, labels);
		if (l->labels == NULL)
			goto no_memory;
		l->is_user = sl_collections[en->coll]->labels_role == SL_LABELS_USED;
		l->user.from = l;
	}
	return l;
no_memory:
	free(l);
	sl_err_set(e, SL_ERR_INTERNAL, "", "out of memory");
	return NULL;
}

void sl_links_destroy(struct sl_store *s, struct sl_links *l)
{
	if (l == NULL)
		return;
	if (l->labels != NULL) {
		l->labels->holders--;
		labelset_free_unheld(s, l->labels);
	}
	free(l);
}

static int unique_refused(
	const struct sl_unique *u, const struct sl_unique *other, size_t i, struct sl_err *e)
{
	const struct sl_store_entry *a = u->owner->entry, *b = other->owner->entry;
	const struct sl_collection *coll = sl_collections[a->coll];
	char mine[SL_WHAT_LEN], theirs[SL_WHAT_LEN];

	sl_object_what(coll, a->obj, mine);
	sl_object_what(coll, b->obj, theirs);
	return coll->uniques->refuse(a->obj, i, &u->key, mine, theirs, e);
}

const struct sl_object *sl_store_unique_owner(
	const struct sl_store *s, unsigned int c, const struct sl_unique_key *key)
{
	const struct sl_unique_key whole = {.coll = c, .scope = key->scope, .ip = key->ip};
	const struct sl_unique *u;

	HASH_FIND(hh, s->uniques, &whole, sizeof(whole), u);
	return u != NULL ? u->owner->entry->obj : NULL;
}

static void unique_add(struct sl_store *s, struct sl_unique *u)
{
	HASH_ADD(hh, s->uniques, key, sizeof(u->key), u);
	sl_table_make_room(u->hh.tbl);
	u->in_map = true;
}

static int attach_uniques(struct sl_store *s, struct sl_links *l, struct sl_err *e)
{
	const struct sl_collection *coll = sl_collections[l->entry->coll];

	for (size_t i = 0; i < l->n_uniques; i++) {
		struct sl_unique *u = &l->uniques[i], *other;

		if (coll->uniques->in_first_ref)
			u->key.scope = l->refs[0].to->id;
		HASH_FIND(hh, s->uniques, &u->key, sizeof(u->key), other);
		if (other != NULL)
			return unique_refused(u, other, i, e);
		unique_add(s, u);
	}
	return 0;
}

static int attach_labels(struct sl_store *s, struct sl_links *l, struct sl_err *e)
{
	struct sl_labelset *set = l->labels;
	char mine[SL_WHAT_LEN], theirs[SL_WHAT_LEN];

	if (set == NULL)
		return 0;
	labelset_touch(s, set);
	if (l->is_user) {
		DL_APPEND(set->users, &l->user);
		return 0;
	}
	if (set->identity != NULL) {
		sl_err_set(e, SL_ERR_EXISTS, "labels", "%s has exactly the labels of %s",
			sl_object_what(sl_collections[l->entry->coll], l->entry->obj, mine),
			sl_object_what(
				sl_collections[set->identity->coll], set->identity->obj, theirs));
		sl_err_hint(e, "an endpoint has the identity of its labels; let one of the two go");
		return -EEXIST;
	}
	set->identity = l->entry;
	return 0;
}

int sl_links_attach(struct sl_store *s, struct sl_links *l, struct sl_err *e)
{
	int ret;

	for (size_t i = 0; i < l->n_refs; i++) {
		ret = sl_ref_resolve(s, &l->refs[i], e);
		if (ret != 0)
			return ret;
	}
	l->attached = true;
	for (size_t i = 0; i < l->n_refs; i++)
		DL_APPEND(l->refs[i].to->in, &l->refs[i]);
	ret = attach_labels(s, l, e);
	return ret != 0 ? ret : attach_uniques(s, l, e);
}

void sl_links_attach_again(struct sl_store *s, struct sl_links *l)
{
	if (l == NULL)
		return;
	l->attached = true;
	for (size_t i = 0; i < l->n_refs; i++)
		DL_APPEND(l->refs[i].to->in, &l->refs[i]);
	for (size_t i = 0; i < l->n_uniques; i++)
		unique_add(s, &l->uniques[i]);
	if (l->labels == NULL)
		return;
	labelset_touch(s, l->labels);
	if (l->is_user) {
		DL_APPEND(l->labels->users, &l->user);
	} else {
		l->labels->identity = l->entry;
	}
}

void sl_links_detach(struct sl_store *s, struct sl_links *l)
{
	if (l == NULL || !l->attached)
		return;
	l->attached = false;
	for (size_t i = 0; i < l->n_refs; i++)
		DL_DELETE(l->refs[i].to->in, &l->refs[i]);
	for (size_t i = 0; i < l->n_uniques; i++) {
		if (!l->uniques[i].in_map)
			continue;
		HASH_DELETE(hh, s->uniques, &l->uniques[i]);
		l->uniques[i].in_map = false;
	}
	if (l->labels == NULL)
		return;
	labelset_touch(s, l->labels);
	if (l->is_user) {
		DL_DELETE(l->labels->users, &l->user);
	} else if (l->labels->identity == l->entry) {
		l->labels->identity = NULL;
	}
}
