/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Objects that the store derives. Each set of labels in use without a declared number gets one, in
 * a derived object of the collection that declares numbers (SL_LABELS_DECLARED), for as long as the
 * set is in use. A declared object replaces a derived one.
 */
#include <stdio.h>

#include "number_map.h"
#include "store_impl.h"

static bool is_derived(const struct sl_store_entry *en)
{
	return en->obj != NULL && en->obj->derived;
}

int sl_derived_displace(struct sl_txn *t, struct sl_err *e)
{
	const struct sl_collection *coll = sl_collection_declaring();

	for (size_t i = 0; i < t->n; i++) {
		const struct sl_store_entry *en = t->rec[i].e;
		const struct sl_labelset *set;
		int ret;

		if (coll == NULL || en == NULL || en->coll != coll->id || en->obj == NULL ||
			is_derived(en))
			continue;
		set = sl_labelset_find(t->store, sl_labels_in(coll, en->obj));
		if (set == NULL || set->identity == NULL || set->identity == en ||
			!is_derived(set->identity))
			continue;
		ret = sl_txn_change(t, set->identity, NULL, e);
		if (ret != 0)
			return ret;
	}
	return 0;
}

/* It also counts objects that this transaction removes. */
static bool is_in_use(const struct sl_store *s, const struct sl_collection *coll, uint32_t number)
{
	char key[16];

	snprintf(key, sizeof(key), "%u", number);
	return sl_entry_find(s, coll->id, key) != NULL;
}

/* The numbers in use are no more than the collection's objects, so the search is short. */
static uint32_t free_number(const struct sl_txn *t, const struct sl_collection *coll)
{
	struct sl_store *s = t->store;
	const uint32_t first = coll->number_min, span = coll->number_max - first + 1;

	if (s->next_number < first || s->next_number > coll->number_max)
		s->next_number = first;
	for (uint32_t i = 0; i < span; i++) {
		uint32_t n = first + (s->next_number - first + i) % span;

		if (is_in_use(s, coll, n) ||
			(t->numbers != NULL && sl_number_map_has(t->numbers, n)))
			continue;
		s->next_number = n + 1;
		return n;
	}
	return 0;
}

/* The number that the labels had before the start; 0: none, or it was declared for other labels. */
static uint32_t number_before(
	const struct sl_txn *t, const struct sl_collection *coll, const struct sl_labelset *set)
{
	uint32_t n =
		t->numbers != NULL ? sl_number_map_find(t->numbers, set->key, set->key_len) : 0;

	return n != 0 && !is_in_use(t->store, coll, n) ? n : 0;
}

static uint32_t number_for(
	const struct sl_txn *t, const struct sl_collection *coll, const struct sl_labelset *set)
{
	uint32_t n = number_before(t, coll, set);

	return n != 0 ? n : free_number(t, coll);
}

static int labels_from_set(const struct sl_labelset *set, struct sl_labels *labels)
{
	size_t n = 0;
	char *p;

	for (size_t off = 0; off < set->key_len; off += strlen(set->key + off) + 1)
		n++;
	if (n == 0)
		return 0;
	p = sl_labels_init(labels, n / 2, set->key_len);
	if (p == NULL)
		return -ENOMEM;
	for (size_t off = 0; labels->n < n / 2;
		off = (size_t)(p - (char *)(labels->pair + n / 2))) {
		struct sl_label_pair *pair = &labels->pair[labels->n++];

		p = sl_label_text(p, set->key + off, &pair->key);
		off += strlen(set->key + off) + 1;
		p = sl_label_text(p, set->key + off, &pair->value);
	}
	return 0;
}

static struct sl_object *make_object(const struct sl_collection *coll,
	const struct sl_labelset *set, uint32_t number, struct sl_err *e)
{
	struct sl_object *obj = NULL, *made = calloc(1, coll->shape->size);
	char key[SL_KEY_LEN];

	if (made != NULL &&
		labels_from_set(
			set, (struct sl_labels *)(void *)((char *)made + coll->labels_at)) == 0) {
		*(uint32_t *)(void *)((char *)made + coll->number_at) = number;
		made->derived = true;
		coll->make_key(made, key);
		obj = sl_object_create(coll->id, made, key);
	}
	if (obj == NULL)
		sl_err_set(e, SL_ERR_INTERNAL, "", "out of memory");
	if (made != NULL)
		sl_shape_fini(coll->shape, made);
	free(made);
	return obj;
}

static int derive(struct sl_txn *t, const struct sl_labelset *set, struct sl_err *e)
{
	const struct sl_collection *coll = sl_collection_declaring();
	struct sl_store *s = t->store;
	uint32_t number = coll != NULL ? number_for(t, coll, set) : 0;
	struct sl_object *obj;
	struct sl_store_entry *en;
	int ret;

	if (coll == NULL)
		return 0; /* labels have no numbers here */
	if (number == 0) {
		sl_err_set(e, SL_ERR_LIMIT, "", "no %s number of %u..%u is free for new labels",
			coll->singular, coll->number_min, coll->number_max);
		sl_err_hint(e, "let more endpoints share the same labels");
		return -ENOSPC;
	}
	obj = make_object(coll, set, number, e);
	if (obj == NULL)
		return -EFAULT;
	ret = sl_txn_create(t, coll->id, obj, e);
	if (ret != 0) {
		sl_object_unref(coll->id, obj);
		return ret;
	}
	en = t->rec[t->n - 1].e;
	en->links = sl_links_create(s, en, e);
	return en->links == NULL ? -EFAULT : sl_links_attach(s, en->links, e);
}

static int collect(struct sl_txn *t, struct sl_store_entry *en, struct sl_err *e)
{
	struct sl_links *links = en->links;
	int ret;

	sl_links_detach(t->store, links);
	en->links = NULL;
	if (en->change != 0) { /* made by this transaction: it need not be attached again */
		sl_links_destroy(t->store, links);
		return sl_txn_change(t, en, NULL, e);
	}
	ret = sl_txn_change(t, en, NULL, e);
	if (ret == 0) {
		t->rec[en->change - 1].old_links = links;
	} else {
		en->links = links;
		sl_links_attach_again(t->store, links);
	}
	return ret;
}

static int derive_or_collect(struct sl_txn *t, struct sl_labelset *set, struct sl_err *e)
{
	if (set->users != NULL && set->identity == NULL)
		return derive(t, set, e);
	if (set->users == NULL && set->identity != NULL && is_derived(set->identity))
		return collect(t, set->identity, e);
	return 0;
}

/* Sets were touched in the order of the changes; the list has the last one first. */
static void reverse_touched(struct sl_store *s)
{
	struct sl_labelset *reversed = NULL;

	while (s->touched != NULL) {
		struct sl_labelset *set = s->touched;

		s->touched = set->touched_next;
		set->touched_next = reversed;
		reversed = set;
	}
	s->touched = reversed;
}

int sl_derived_update(struct sl_txn *t, struct sl_err *e)
{
	struct sl_store *s = t->store;
	int ret = 0;

	/* Numbers continue after the last one that was given before the restart. */
	if (t->numbers != NULL)
		s->next_number = sl_number_map_next(t->numbers);
	reverse_touched(s);
	for (struct sl_labelset *set = s->touched; set != NULL && ret == 0; set = set->touched_next)
		ret = derive_or_collect(t, set, e);
	return ret;
}
