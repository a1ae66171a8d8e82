/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * COLLECTION.list: the objects that match, in the order of their keys, in a page or all of them.
 * The parameters are made from the collection's shape: each field that holds one value, and labels.
 */
#include <stdio.h>
#include <stdlib.h>

#include "ctrl/shape/json.h"
#include "objects.h"
#include "ctrl/shape/fields.h"
#include "ctrl/rpc/rows.h"
#include "ctrl/shape/field.h"

#define LOOKS 16 /* objects of one step, most of which do not match */

/* The decoded parameters. The object's struct follows; only the fields that were given count. */
struct list_params {
	uint32_t limit; /* 0: none */
	char *after;
	bool given[SL_FIELDS_MAX];
	uint64_t object[];
};
#define OBJECT_AT offsetof(struct list_params, object)

static const struct sl_field page_fields[] = {
	SL_FIELD(list_params, limit, SL_F_UINT, .min = 1, .max = SL_PAGE_MAX,
		.help = "How many at most; absent: all."),
	SL_FIELD(list_params, after, SL_F_STRING, .max = SL_KEY_LEN - 1,
		.help = "Continue after this key, which need not exist any more: the last key of "
			"the last page."),
};
#define N_PAGE (sizeof(page_fields) / sizeof(page_fields[0]))

static struct sl_field fields[SL_COLLECTIONS_MAX][N_PAGE + SL_FIELDS_MAX];
static struct sl_shape shapes[SL_COLLECTIONS_MAX];

static bool is_filter(const struct sl_field *f)
{
	switch (f->type) {
	case SL_F_OBJECT:
	case SL_F_LIST:
	case SL_F_JSON:
	case SL_F_NUMBER:
		return false;
	default:
		return (f->flags & SL_FIELD_OUTPUT) == 0;
	}
}

static const char *help_of(const struct sl_field *f)
{
	return f->type == SL_F_LABELS ? "Only those that have all these labels."
	       : f->type == SL_F_NAMES
		       ? "Only those of this one; those of all (\"*\") are among them."
		       : "Only those with this value.";
}

const struct sl_shape *sl_list_params(const struct sl_collection *coll)
{
	const struct sl_shape *s = sl_collection_shown(coll);
	struct sl_field *to = fields[coll->id];
	size_t n = N_PAGE;

	memcpy(to, page_fields, sizeof(page_fields));
	for (size_t i = 0; i < s->n_fields; i++) {
		const struct sl_field *f = &s->fields[i];

		if (!is_filter(f))
			continue;
		to[n] = *f;
		to[n].flags = 0;
		to[n].def = 0;
		to[n].offset += OBJECT_AT;
		to[n].present = offsetof(struct list_params, given) + i + 1;
		if (f->type == SL_F_NAMES) { /* one name at a time */
			to[n].max = 1;
		}
		to[n++].help = help_of(f);
	}
	shapes[coll->id] = (struct sl_shape){.name = "list",
		.size = OBJECT_AT + s->size,
		.fields = to,
		.n_fields = n,
		.help = "In the order of their keys."};
	return &shapes[coll->id];
}

static bool has_labels(const struct sl_labels *all, const struct sl_labels *some)
{
	size_t k = 0;

	for (size_t i = 0; i < some->n; i++) { /* both are sorted by key */
		while (k < all->n && strcmp(all->pair[k].key, some->pair[i].key) < 0)
			k++;
		if (k == all->n || strcmp(all->pair[k].key, some->pair[i].key) != 0 ||
			strcmp(all->pair[k].value, some->pair[i].value) != 0)
			return false;
	}
	return true;
}

static bool has_name(const struct sl_names *all, const struct sl_names *one)
{
	if (all->all || one->all)
		return all->all;
	for (uint32_t i = 0; i < all->n; i++)
		if (strcmp(all->name[i], one->name[0]) == 0)
			return true;
	return false;
}

static bool field_matches(const struct sl_field *f, const void *obj, const void *wanted)
{
	const void *have = sl_field_at_const(f, obj), *want = sl_field_at_const(f, wanted);

	if (f->type == SL_F_LABELS)
		return has_labels(have, want);
	if (f->type == SL_F_NAMES)
		return has_name(have, want);
	/* A bool that is its own `present` is absent when it is false. */
	if (f->type != SL_F_BOOL && !sl_field_is_present(f, obj))
		return false;
	return sl_field_compare(f, have, want) == 0;
}

struct object_list {
	struct sl_rows rows;
	struct sl_ctrl *ctrl;
	const struct sl_collection *coll;
	char after[SL_KEY_LEN];
	struct list_params *filter;
};

static bool matches(const struct object_list *l, const struct sl_object *o)
{
	const struct sl_shape *s = sl_collection_shown(l->coll);

	for (size_t i = 0; i < s->n_fields; i++)
		if (l->filter->given[i] && !field_matches(&s->fields[i], o, l->filter->object))
			return false;
	return true;
}

static bool list_next(struct sl_rows *r, struct sl_text *out)
{
	struct object_list *l = (struct object_list *)r;
	const struct sl_object *o;

	for (unsigned int i = 0; i < LOOKS; i++) {
		o = sl_store_after(sl_ctrl_store(l->ctrl), l->coll->id, l->after);
		if (o == NULL)
			return false;
		snprintf(l->after, sizeof(l->after), "%s", o->key);
		if (!matches(l, o))
			continue;
		sl_rows_begin_row(r, out);
		sl_object_write(l->ctrl, l->coll, o, out);
		return true;
	}
	return true;
}

static void list_destroy(struct sl_rows *r)
{
	struct object_list *l = (struct object_list *)r;

	sl_shape_fini(&shapes[l->coll->id], l->filter);
	free(l->filter);
	free(l);
}

int sl_list_stream(const struct sl_rpc_call *c, const struct sl_collection *coll,
	struct sl_stream **stream, struct sl_err *e)
{
	const struct list_params *p = c->params;
	struct object_list *l = calloc(1, sizeof(*l));
	struct list_params *filter = calloc(1, shapes[coll->id].size);

	if (l == NULL || filter == NULL || sl_shape_copy(&shapes[coll->id], p, filter) != 0) {
		free(l);
		free(filter);
		return sl_err_set(e, SL_ERR_INTERNAL, "", "out of memory");
	}
	*l = (struct object_list){.rows = {.next = list_next, .destroy = list_destroy},
		.ctrl = c->ctrl,
		.coll = coll,
		.filter = filter};
	if (p->after != NULL)
		snprintf(l->after, sizeof(l->after), "%s", p->after);
	sl_rows_init(&l->rows, p->limit, stream);
	return 0;
}
