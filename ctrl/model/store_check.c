/* SPDX-License-Identifier: BSD-3-Clause */
/* Runs the rows' checks: what must be true between objects, besides valid references. */
#include <stdio.h>

#include "store_impl.h"

const struct sl_object *sl_check_target(const struct sl_check *c, unsigned int coll)
{
	const struct sl_links *l = c->entry->links;

	for (size_t i = 0; i < l->n_refs; i++)
		if (l->refs[i].row->to == coll)
			return l->refs[i].to->obj;
	return NULL;
}

static int check_object(const struct sl_store *s, const struct sl_store_entry *en,
	const struct sl_object *old_obj, struct sl_err *e)
{
	const struct sl_collection *coll = sl_collections[en->coll];
	const struct sl_check c = {
		.store = s, .obj = en->obj, .old = old_obj, .entry = en, .stored = s->txn->replay};

	return coll->check != NULL ? coll->check(&c, e) : 0;
}

/* The object as it was before the transaction. */
static const struct sl_object *old_of(const struct sl_store *s, const struct sl_store_entry *en)
{
	return en->change != 0 ? s->txn->rec[en->change - 1].old_obj : en->obj;
}

/*
 * Checks the objects that refer to a changed object. The caller did not write them, so the error
 * has the field of the changed object.
 */
static int check_dependents(
	const struct sl_store *s, const struct sl_store_entry *en, struct sl_err *e)
{
	const struct sl_ref *r;

	DL_FOREACH (en->in, r) {
		const struct sl_store_entry *by = r->from->entry;
		int ret = check_object(s, by, old_of(s, by), e);

		if (ret == 0)
			continue;
		if (e != NULL)
			snprintf(e->path, sizeof(e->path), "%s",
				sl_collections[en->coll]->affects_field);
		return ret;
	}
	return 0;
}

static int check_rules(const struct sl_store *s, const struct sl_store_entry *en, struct sl_err *e)
{
	const struct sl_collection *coll = sl_collections[en->coll];
	int ret = 0;

	for (size_t i = 0; i < coll->n_rules && ret == 0; i++)
		ret = coll->rules[i].check(s, en->obj, e);
	return ret;
}

int sl_check_change(const struct sl_store *s, const struct sl_store_entry *en,
	const struct sl_object *old_obj, struct sl_err *e)
{
	const struct sl_collection *coll = sl_collections[en->coll];
	int ret;

	if (en->obj == NULL)
		return old_obj != NULL ? sl_refs_check_removed(en, old_obj, e) : 0;
	ret = check_object(s, en, old_obj, e);
	if (ret == 0 && old_obj != NULL && coll->affects != NULL && coll->affects(old_obj, en->obj))
		ret = check_dependents(s, en, e);
	return ret != 0 || s->txn->replay ? ret : check_rules(s, en, e);
}
