/* SPDX-License-Identifier: BSD-3-Clause */
/* Finds rows, and makes shapes from them. */
#include <string.h>

#include "collection.h"
#include "ctrl/shape/field.h"

const struct sl_collection *sl_collection_named(const char *name)
{
	for (unsigned int c = 0; name != NULL && c < sl_n_collections; c++)
		if (strcmp(sl_collections[c]->name, name) == 0)
			return sl_collections[c];
	return NULL;
}

const struct sl_collection *sl_collection_declaring(void)
{
	for (unsigned int c = 0; c < sl_n_collections; c++)
		if (sl_collections[c]->labels_role == SL_LABELS_DECLARED)
			return sl_collections[c];
	return NULL;
}

/* A row's shapes side by side. */
struct shown {
	struct sl_shape shape;
	struct sl_field fields[SL_FIELDS_MAX];
};
static struct shown all_shown[SL_COLLECTIONS_MAX];

size_t sl_collection_reported_at(const struct sl_collection *coll)
{
	const size_t align = _Alignof(max_align_t);

	return (coll->shape->size + align - 1) / align * align;
}

static void add_reported(struct shown *s, const struct sl_collection *coll)
{
	const struct sl_shape *r = coll->reported;
	size_t at = sl_collection_reported_at(coll);

	for (size_t i = 0; i < r->n_fields && s->shape.n_fields < SL_FIELDS_MAX; i++) {
		struct sl_field *f = &s->fields[s->shape.n_fields++];

		*f = r->fields[i];
		f->flags |= SL_FIELD_OUTPUT;
		f->offset += at;
		if (f->present != 0)
			f->present += at;
	}
	s->shape.size = at + r->size;
}

/*
 * It is also read in input: an object that says that it is derived is ignored. Written only when
 * true.
 */
static void add_derived(struct shown *s, const struct sl_collection *coll)
{
	s->fields[s->shape.n_fields++] = (struct sl_field){.name = coll->derived_field,
		.type = SL_F_BOOL,
		.offset = offsetof(struct sl_object, derived),
		.present = offsetof(struct sl_object, derived) + 1,
		.help = coll->derived_help};
}

const struct sl_shape *sl_collection_shown(const struct sl_collection *coll)
{
	struct shown *s = &all_shown[coll->id];

	if (s->shape.fields != NULL)
		return &s->shape;
	s->shape = *coll->shape;
	memcpy(s->fields, coll->shape->fields,
		coll->shape->n_fields * sizeof(coll->shape->fields[0]));
	s->shape.fields = s->fields;
	if (coll->derived_field != NULL)
		add_derived(s, coll);
	if (coll->reported != NULL)
		add_reported(s, coll);
	return &s->shape;
}
