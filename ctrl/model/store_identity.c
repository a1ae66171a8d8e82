/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Identities that the store makes itself: each set of labels that endpoints have and nobody
 * declared an identity for gets one, for as long as there are such endpoints. A declared one takes
 * the place of an allocated one.
 */
#include <stdio.h>

#include "store_impl.h"

#define ALLOCATE_FROM 4096 /* lower numbers are left to those who declare */

static bool is_allocated(const struct sl_entry *en)
{
	return en->obj != NULL && ((const struct sl_identity_obj *)en->obj)->allocated;
}

int sl_identities_displace(struct sl_txn *t, struct sl_err *e)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct sl_entry *en = t->rec[i].e;
		const struct sl_labelset *set;
		int ret;

		if (en == NULL || en->coll != SL_COLL_IDENTITIES || en->obj == NULL ||
			is_allocated(en))
			continue;
		set = sl_labelset_find(
			t->store, &((const struct sl_identity_obj *)en->obj)->labels);
		if (set == NULL || set->identity == NULL || set->identity == en ||
			!is_allocated(set->identity))
			continue;
		ret = sl_txn_change(t, set->identity, NULL, e);
		if (ret != 0)
			return ret;
	}
	return 0;
}

/* Also of an identity that this very transaction removes. */
static bool key_in_use(const struct sl_store *s, uint32_t number)
{
	char key[16];

	snprintf(key, sizeof(key), "%u", number);
	return sl_entry_find(s, SL_COLL_IDENTITIES, key) != NULL;
}

static uint32_t free_number(struct sl_store *s)
{
	const uint32_t span = SL_IDENTITY_MAX - ALLOCATE_FROM + 1;

	if (s->next_number < ALLOCATE_FROM || s->next_number > SL_IDENTITY_MAX)
		s->next_number = ALLOCATE_FROM;
	for (uint32_t i = 0; i < span; i++) {
		uint32_t n = ALLOCATE_FROM + (s->next_number - ALLOCATE_FROM + i) % span;

		if (s->numbers[n / 64] & UINT64_C(1) << n % 64 || key_in_use(s, n))
			continue;
		s->next_number = n + 1;
		return n;
	}
	return 0;
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

static struct sl_object *make_identity(
	const struct sl_labelset *set, uint32_t number, struct sl_err *e)
{
	struct sl_identity_obj id = {.id_number = number, .allocated = true};
	struct sl_object *obj = NULL;
	char key[SL_KEY_LEN];

	snprintf(key, sizeof(key), "%u", number);
	if (labels_from_set(set, &id.labels) == 0)
		obj = sl_object_take(SL_COLL_IDENTITIES, &id, key);
	if (obj == NULL)
		sl_err_set(e, SL_ERR_INTERNAL, "", "out of memory");
	sl_shape_fini(&sl_shape_identity, &id);
	return obj;
}

static int allocate(struct sl_txn *t, const struct sl_labelset *set, struct sl_err *e)
{
	struct sl_store *s = t->store;
	uint32_t number = free_number(s);
	struct sl_object *obj;
	struct sl_entry *en;
	int ret;

	if (number == 0) {
		sl_err_set(e, SL_ERR_LIMIT, "",
			"no identity number of %d..%d is free for new labels", ALLOCATE_FROM,
			SL_IDENTITY_MAX);
		sl_err_hint(e, "let more endpoints share the same labels");
		return -ENOSPC;
	}
	obj = make_identity(set, number, e);
	if (obj == NULL)
		return -EFAULT;
	ret = sl_txn_create(t, SL_COLL_IDENTITIES, obj, e);
	if (ret != 0) {
		sl_object_unref(SL_COLL_IDENTITIES, obj);
		return ret;
	}
	en = t->rec[t->n - 1].e;
	en->links = sl_links_create(s, en, e);
	return en->links == NULL ? -EFAULT : sl_links_attach(s, en->links, e);
}

static int collect(struct sl_txn *t, struct sl_entry *en, struct sl_err *e)
{
	struct sl_links *links = en->links;
	int ret;

	sl_links_detach(t->store, links);
	en->links = NULL;
	if (en->change != 0) { /* of this transaction: nobody needs to attach it again */
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

static int settle(struct sl_txn *t, struct sl_labelset *set, struct sl_err *e)
{
	if (set->users != NULL && set->identity == NULL)
		return allocate(t, set, e);
	if (set->users == NULL && set->identity != NULL && is_allocated(set->identity))
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

int sl_identities_settle(struct sl_txn *t, struct sl_err *e)
{
	struct sl_store *s = t->store;
	int ret = 0;

	/* Numbers go on after the last one given before the daemon was started again. */
	for (size_t i = 0; t->replay && i < t->n; i++) {
		const struct sl_entry *en = t->rec[i].e;

		if (en == NULL || en->coll != SL_COLL_IDENTITIES || !is_allocated(en))
			continue;
		s->next_number = ((const struct sl_identity_obj *)en->obj)->id_number + 1;
	}
	reverse_touched(s);
	for (struct sl_labelset *set = s->touched; set != NULL && ret == 0; set = set->touched_next)
		ret = settle(t, set, e);
	return ret;
}
