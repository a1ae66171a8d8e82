/* SPDX-License-Identifier: BSD-3-Clause */
/* Decides which fields of a struct are written, and in which form. Texts and trees share it. */
#include <math.h>
#include <string.h>

#include "encode.h"

static bool walk_value(const struct sl_field *f, const void *at, struct sl_encoder *en);

static bool walk_labels(const struct sl_labels *l, struct sl_encoder *en)
{
	bool ok = en->begin(en, '{');

	for (size_t i = 0; i < l->n && ok; i++)
		ok = en->key(en, l->pair[i].key) && en->string(en, l->pair[i].value);
	return ok && en->end(en, '}');
}

static bool walk_names(const struct sl_names *names, struct sl_encoder *en)
{
	bool ok;

	if (names->n <= 1)
		return en->string(en, names->all ? "*" : names->n == 1 ? names->name[0] : "");
	ok = en->begin(en, '[');
	for (uint32_t i = 0; i < names->n && ok; i++)
		ok = en->string(en, names->name[i]);
	return ok && en->end(en, ']');
}

static bool walk_list(const struct sl_field *f, const struct sl_list *l, struct sl_encoder *en)
{
	struct sl_field elem = sl_field_elem(f);
	size_t size = sl_field_size(&elem);
	bool ok = en->begin(en, '[');

	for (size_t i = 0; i < l->n && ok; i++)
		ok = walk_value(&elem, (const char *)l->items + i * size, en);
	return ok && en->end(en, ']');
}

static bool walk_text(const struct sl_field *f, const void *at, struct sl_encoder *en)
{
	char buf[SL_PREFIX_STR_LEN];

	switch (f->type) {
	case SL_F_MAC:
		return en->string(en, sl_format_mac(at, buf));
	case SL_F_IP:
		return en->string(en, sl_format_ip(at, buf));
	case SL_F_PREFIX:
	case SL_F_IFADDR:
		return en->string(en, sl_format_prefix(at, buf));
	case SL_F_ENUM:
		return en->string(en, f->names[*(const uint32_t *)at]);
	case SL_F_NAME:
		return en->string(en, at);
	default:
		return en->string(en, *(char *const *)at != NULL ? *(char *const *)at : "");
	}
}

static bool walk_value(const struct sl_field *f, const void *at, struct sl_encoder *en)
{
	switch (f->type) {
	case SL_F_BOOL:
		return en->boolean(en, *(const bool *)at);
	case SL_F_UINT:
		return en->whole(en, *(const uint32_t *)at);
	case SL_F_UINT64:
		return en->whole(en, *(const uint64_t *)at);
	case SL_F_NUMBER:
		return en->number(en, isfinite(*(const double *)at) ? *(const double *)at : 0);
	case SL_F_NAMES:
		return walk_names(at, en);
	case SL_F_LABELS:
		return walk_labels(at, en);
	case SL_F_OBJECT:
		return sl_shape_walk(f->shape, at, en);
	case SL_F_LIST:
		return walk_list(f, at, en);
	case SL_F_JSON:
		return en->json(en, *(cJSON *const *)at);
	default:
		return walk_text(f, at, en);
	}
}

static bool is_zero(const void *at, size_t size)
{
	const char *p = at;

	while (size > 0 && *p == 0) {
		p++;
		size--;
	}
	return size == 0;
}

/* True for a value that means "not given": no input could have produced it, or it is empty. */
static bool stands_for_absent(const struct sl_field *f, const void *at)
{
	uint64_t n;

	switch (f->type) {
	case SL_F_UINT:
	case SL_F_UINT64:
		n = f->type == SL_F_UINT ? *(const uint32_t *)at : *(const uint64_t *)at;
		return n == f->def && (n < f->min || n > sl_field_uint_max(f));
	case SL_F_STRING:
	case SL_F_JSON:
		return *(void *const *)at == NULL;
	case SL_F_NAME:
		return *(const char *)at == '\0';
	case SL_F_KEPT_NAME:
		return *(const char *const *)at == NULL || **(const char *const *)at == '\0';
	case SL_F_NAMES:
		return ((const struct sl_names *)at)->n == 0 && !((const struct sl_names *)at)->all;
	case SL_F_MAC:
	case SL_F_IP:
		return is_zero(at, sl_field_size(f));
	case SL_F_PREFIX:
	case SL_F_IFADDR:
		return is_zero(at, sizeof(struct sl_ip)) &&
		       ((const struct sl_prefix *)at)->len == 0;
	case SL_F_LABELS:
		return ((const struct sl_labels *)at)->n == 0;
	case SL_F_LIST:
		return ((const struct sl_list *)at)->n == 0;
	default:
		return false;
	}
}

/* True when the field is part of an encoding. */
static bool is_wanted(const struct sl_field *f, const void *obj)
{
	if (f->present != 0)
		return sl_field_is_present(f, obj);
	if ((f->flags & SL_FIELD_REQUIRED) != 0 && (f->flags & SL_FIELD_NEWER) == 0)
		return true;
	return !stands_for_absent(f, sl_field_at_const(f, obj));
}

/* An optional object with only absent fields is absent itself. */
static bool is_hollow(const struct sl_field *f, const void *at)
{
	if (f->type != SL_F_OBJECT || f->present != 0 || (f->flags & SL_FIELD_REQUIRED) != 0)
		return false;
	for (size_t i = 0; i < f->shape->n_fields; i++) {
		const struct sl_field *inner = &f->shape->fields[i];

		if (is_wanted(inner, at) && !is_hollow(inner, sl_field_at_const(inner, at)))
			return false;
	}
	return true;
}

bool sl_shape_walk(const struct sl_shape *s, const void *obj, struct sl_encoder *en)
{
	bool ok = en->begin(en, '{');

	for (size_t i = 0; i < s->n_fields && ok; i++) {
		const struct sl_field *f = &s->fields[i];
		const void *at = sl_field_at_const(f, obj);

		if (is_wanted(f, obj) && !is_hollow(f, at))
			ok = en->key(en, f->name) && walk_value(f, at, en);
	}
	return ok && en->end(en, '}');
}
