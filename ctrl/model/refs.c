/* SPDX-License-Identifier: BSD-3-Clause */
/* References between objects, and the errors of references that lead nowhere. */
#include <stdio.h>

#include "store_impl.h"

static const char *name_of(const void *field)
{
	return *(const char *const *)field;
}

static const void *field_of(const struct sl_ref_row *r, const struct sl_object *obj)
{
	return (const char *)obj + (r->type == SL_F_LIST ? r->offset & SL_REF_MASK : r->offset);
}

/* The name in the struct at that place of a list. */
static const char *name_in(const struct sl_ref_row *r, const struct sl_list *list, size_t at)
{
	size_t size = r->offset >> SL_REF_SIZE_SHIFT;

	return name_of((const char *)list->items + at * size +
		       (r->offset >> SL_REF_ELEM_SHIFT & SL_REF_MASK));
}

uint32_t sl_ref_names(const struct sl_ref_row *r, const struct sl_object *obj)
{
	const void *field = field_of(r, obj);
	const struct sl_list *list = field;
	uint32_t n = 0;

	if (r->type == SL_F_NAMES)
		return ((const struct sl_names *)field)->n;
	if (r->type != SL_F_LIST)
		return *name_of(field) != '\0';
	for (size_t i = 0; i < list->n; i++)
		n += *name_in(r, list, i) != '\0';
	return n;
}

size_t sl_ref_count(unsigned int c, const struct sl_object *obj)
{
	const struct sl_collection *coll = sl_collections[c];
	size_t n = 0;

	for (size_t i = 0; i < coll->n_refs; i++)
		n += sl_ref_names(&coll->refs[i], obj);
	return n;
}

/* The place in a list of the reference's name. */
static size_t place_of(const struct sl_ref *r, const struct sl_list *list)
{
	uint32_t left = r->index;

	for (size_t i = 0;; i++)
		if (*name_in(r->row, list, i) != '\0' && left-- == 0)
			return i;
}

static const char *key_of(const struct sl_ref *r)
{
	const void *field = field_of(r->row, r->from->entry->obj);

	if (r->row->type == SL_F_NAMES)
		return ((const struct sl_names *)field)->name[r->index];
	if (r->row->type == SL_F_LIST)
		return name_in(r->row, field, place_of(r, field));
	return name_of(field);
}

/* Where the name stands: "port", or "network[2]" or "targets[2].node" in a list. */
static const char *path_of(const struct sl_ref *r, char buf[64])
{
	const struct sl_object *obj = r->from->entry->obj;

	if (r->row->type == SL_F_LIST)
		snprintf(buf, 64, r->row->field, place_of(r, field_of(r->row, obj)));
	else if (sl_ref_names(r->row, obj) == 1)
		return r->row->field;
	else
		snprintf(buf, 64, "%s[%u]", r->row->field, r->index);
	return buf;
}

int sl_ref_resolve(const struct sl_store *s, struct sl_ref *r, struct sl_err *e)
{
	const struct sl_store_entry *from = r->from->entry;
	const char *key = key_of(r);
	const struct sl_collection *to = sl_collections[r->row->to];
	char what[SL_WHAT_LEN], path[64];

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
