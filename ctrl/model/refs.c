/* SPDX-License-Identifier: BSD-3-Clause */
/* References between objects, and the errors of references that lead nowhere. */
#include <stdio.h>

#include "store_impl.h"

uint32_t sl_ref_names(const struct sl_ref_row *r, const struct sl_object *obj)
{
	const char *field = (const char *)obj + r->offset;

	if (r->type == SL_F_NAMES)
		return ((const struct sl_names *)(const void *)field)->n;
	return **(const char *const *)(const void *)field != '\0';
}

size_t sl_ref_count(unsigned int c, const struct sl_object *obj)
{
	const struct sl_collection *coll = sl_collections[c];
	size_t n = 0;

	for (size_t i = 0; i < coll->n_refs; i++)
		n += sl_ref_names(&coll->refs[i], obj);
	return n;
}

static const char *key_of(const struct sl_ref *r)
{
	const char *field = (const char *)r->from->entry->obj + r->row->offset;

	if (r->row->type == SL_F_NAMES)
		return ((const struct sl_names *)(const void *)field)->name[r->index];
	return *(const char *const *)(const void *)field;
}

/* Where the name stands: "port", or "network[2]" in a list. */
static const char *path_of(const struct sl_ref *r, char buf[32])
{
	if (sl_ref_names(r->row, r->from->entry->obj) == 1)
		return r->row->field;
	snprintf(buf, 32, "%s[%u]", r->row->field, r->index);
	return buf;
}

int sl_ref_resolve(const struct sl_store *s, struct sl_ref *r, struct sl_err *e)
{
	const struct sl_store_entry *from = r->from->entry;
	const char *key = key_of(r);
	const struct sl_collection *to = sl_collections[r->row->to];
	char what[SL_WHAT_LEN], path[32];

	r->to = sl_entry_find(s, r->row->to, key);
	if (r->to != NULL && r->to->obj != NULL)
		return 0;
	sl_object_what(sl_collections[from->coll], from->obj, what);
	if (r->to != NULL)
		return sl_err_set(e, SL_ERR_REFERENCE, path_of(r, path),
			"%s refers to %s \"%s\", which the same transaction removes", what,
			to->singular, key);
	sl_err_set(e, SL_ERR_REFERENCE, path_of(r, path),
		"%s refers to %s \"%s\", which does not exist", what, to->singular, key);
	sl_err_hint(e, "add the %s before, or in the same transaction", to->singular);
	return -EBUSY;
}

int sl_refs_check_removed(
	const struct sl_store_entry *en, const struct sl_object *removed, struct sl_err *e)
{
	const size_t named_max = 3;
	char what[SL_WHAT_LEN], list[512] = "";
	size_t n = 0, n_named = 0, len = 0;
	const struct sl_ref *r;

	if (en->in == NULL)
		return 0;
	DL_FOREACH (en->in, r) {
		const struct sl_store_entry *from = r->from->entry;

		n++;
		sl_object_what(sl_collections[from->coll], from->obj, what);
		if (n_named >= named_max || len + strlen(what) + 3 > sizeof(list))
			continue;
		len += (size_t)snprintf(
			list + len, sizeof(list) - len, "%s%s", n_named > 0 ? ", " : "", what);
		n_named++;
	}
	sl_object_what(sl_collections[en->coll], removed, what);
	if (n > n_named)
		sl_err_set(e, SL_ERR_REFERENCE, sl_collections[en->coll]->key_field,
			"%s is referred to by %s and %zu more", what, list, n - n_named);
	else
		sl_err_set(e, SL_ERR_REFERENCE, sl_collections[en->coll]->key_field,
			"%s is referred to by %s", what, list);
	sl_err_hint(e, "remove what refers to it before, or in the same transaction");
	return -EBUSY;
}

void sl_store_referrers(const struct sl_store *s, unsigned int c, const char *key,
	bool (*fn)(unsigned int by, const struct sl_object *o, void *ctx), void *ctx)
{
	const struct sl_store_entry *en = sl_entry_find(s, c, key);
	const struct sl_ref *r;

	if (en == NULL)
		return;
	DL_FOREACH (en->in, r)
		if (!fn(r->from->entry->coll, r->from->entry->obj, ctx))
			return;
	/* Objects that use labels name the labels, not the object that binds a number to them. */
	if (sl_collections[c]->labels_role != SL_LABELS_DECLARED || en->links == NULL ||
		!en->links->attached)
		return;
	DL_FOREACH (en->links->labels->users, r)
		if (!fn(r->from->entry->coll, r->from->entry->obj, ctx))
			return;
}
