/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Decodes JSON into structs by their shapes: nested objects, lists, and fields that are present or
 * missing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "name_pool.h"
#include "decode.h"

static int decode_object(const struct sl_shape *s, const cJSON *v, unsigned int optional, void *out,
	struct sl_err *e);
static int decode_value(const struct sl_field *f, const cJSON *v, void *out, struct sl_err *e);

static int decode_nested(const struct sl_field *f, const cJSON *v, void *out, struct sl_err *e)
{
	return decode_object(f->shape, v, 0, out, e);
}

static int decode_list(const struct sl_field *f, const cJSON *v, void *out, struct sl_err *e)
{
	struct sl_field elem = sl_field_elem(f);
	size_t size = sl_field_size(&elem), n;
	struct sl_list *l = out;
	const cJSON *m;
	int ret;

	if (!cJSON_IsArray(v))
		return sl_decode_refused(e, "an array", v);
	n = (size_t)cJSON_GetArraySize(v);
	ret = sl_check_list_length(f, n, e);
	if (ret != 0 || n == 0)
		return ret;
	l->items = calloc(n, size);
	if (l->items == NULL)
		return sl_decode_no_memory(e);
	cJSON_ArrayForEach (m, v) {
		/* counted first: after an error, only counted elements are freed */
		size_t i = l->n++;

		ret = decode_value(&elem, m, (char *)l->items + i * size, e);
		if (ret != 0) {
			sl_err_at(e, "[%zu]", i);
			return ret;
		}
	}
	return (f->flags & SL_FIELD_UNIQUE) != 0 ? sl_check_unique(&elem, l, e) : 0;
}

static int decode_json(const struct sl_field *f, const cJSON *v, void *out, struct sl_err *e)
{
	if ((f->flags & SL_FIELD_BORROWED) != 0) {
		*(const cJSON **)out = v;
		return 0;
	}
	*(cJSON **)out = cJSON_Duplicate(v, true);
	return *(cJSON **)out != NULL ? 0 : sl_decode_no_memory(e);
}

static sl_decode_fn *const decoders[] = {
	[SL_F_BOOL] = sl_decode_bool,
	[SL_F_UINT] = sl_decode_uint,
	[SL_F_UINT64] = sl_decode_uint,
	[SL_F_NUMBER] = sl_decode_number,
	[SL_F_NAME] = sl_decode_name,
	[SL_F_KEPT_NAME] = sl_decode_kept_name,
	[SL_F_NAMES] = sl_decode_names,
	[SL_F_STRING] = sl_decode_string,
	[SL_F_ENUM] = sl_decode_enum,
	[SL_F_MAC] = sl_decode_mac,
	[SL_F_IP] = sl_decode_ip,
	[SL_F_PREFIX] = sl_decode_prefix,
	[SL_F_IFADDR] = sl_decode_prefix,
	[SL_F_LABELS] = sl_decode_labels,
	[SL_F_OBJECT] = decode_nested,
	[SL_F_LIST] = decode_list,
	[SL_F_JSON] = decode_json,
};

static int decode_value(const struct sl_field *f, const cJSON *v, void *out, struct sl_err *e)
{
	if (cJSON_IsNull(v) && f->type != SL_F_JSON) {
		sl_err_set(e, SL_ERR_PARAMS, NULL, "null is not accepted");
		sl_err_hint(e, "leave the field out, or give it a value");
		return -EINVAL;
	}
	return decoders[f->type](f, v, out, e);
}

static void set_defaults(const struct sl_shape *s, void *out)
{
	for (size_t i = 0; i < s->n_fields; i++) {
		const struct sl_field *f = &s->fields[i];
		void *at = sl_field_at(f, out);

		if (f->type == SL_F_BOOL)
			*(bool *)at = f->def != 0;
		else if (f->type == SL_F_UINT || f->type == SL_F_ENUM)
			*(uint32_t *)at = (uint32_t)f->def;
		else if (f->type == SL_F_UINT64)
			*(uint64_t *)at = f->def;
		else if (f->type == SL_F_KEPT_NAME)
			*(const char **)at = sl_name_none;
		else if (f->type == SL_F_OBJECT)
			set_defaults(f->shape, at);
	}
}

struct known {
	const char *names[SL_FIELDS_MAX + 1]; /* up to NULL */
	size_t n;
	char all[160]; /* in words; cut off where there are many */
	bool is_cut;
};

static void know_fields(const struct sl_shape *s, struct known *k)
{
	size_t used = 0;

	k->n = 0;
	k->all[0] = '\0';
	for (size_t i = 0; i < s->n_fields && k->n < SL_FIELDS_MAX; i++) {
		if ((s->fields[i].flags & SL_FIELD_OUTPUT) != 0)
			continue;
		if (used < sizeof(k->all))
			used += (size_t)snprintf(k->all + used, sizeof(k->all) - used, "%s%s",
				k->n > 0 ? ", " : "", s->fields[i].name);
		k->names[k->n++] = s->fields[i].name;
	}
	k->names[k->n] = NULL;
	k->is_cut = used >= sizeof(k->all);
}

static int refuse_unknown(const struct sl_shape *s, const char *key, struct sl_err *e)
{
	const char *near;
	struct known k;

	know_fields(s, &k);
	near = sl_nearest_name(key, k.names);
	sl_err_set(e, SL_ERR_PARAMS, key, "unknown field");
	if (near != NULL)
		sl_err_hint(e, "did you mean \"%s\"?", near);
	else if (k.n > 0)
		sl_err_hint(e, "known fields: %s%s", k.all, k.is_cut ? "..." : "");
	else
		sl_err_hint(e, "none is accepted here");
	return -EINVAL;
}

static int refuse_type(const struct sl_shape *s, const cJSON *v, struct sl_err *e)
{
	int ret = sl_decode_refused(e, "an object", v);
	struct known k;

	know_fields(s, &k);
	if (k.n > 0)
		sl_err_hint(e, "known fields: %s%s", k.all, k.is_cut ? "..." : "");
	return ret;
}

static int decode_member(
	const struct sl_shape *s, const cJSON *m, void *out, uint64_t *seen, struct sl_err *e)
{
	const struct sl_field *f = NULL;
	size_t i;
	int ret;

	for (i = 0; i < s->n_fields && f == NULL; i++)
		if (strcmp(s->fields[i].name, m->string) == 0)
			f = &s->fields[i];
	if (f == NULL)
		return refuse_unknown(s, m->string, e);
	/* Answers of get may be sent back: their reported fields are ignored. */
	if ((f->flags & SL_FIELD_OUTPUT) != 0)
		return 0;
	if ((*seen & 1ull << (i - 1)) != 0)
		return sl_err_set(e, SL_ERR_PARAMS, f->name, "the field occurs twice");
	*seen |= 1ull << (i - 1);
	ret = decode_value(f, m, sl_field_at(f, out), e);
	if (ret != 0) {
		sl_err_at(e, "%s", f->name);
		return ret;
	}
	/* A bool that is its own `present` is present when it is true. */
	if (f->present != 0 && f->present != f->offset + 1)
		*sl_field_present(f, out) = true;
	return 0;
}

static int check_required(
	const struct sl_shape *s, unsigned int optional, uint64_t seen, struct sl_err *e)
{
	for (size_t i = 0; i < s->n_fields; i++) {
		const struct sl_field *f = &s->fields[i];

		if ((f->flags & (SL_FIELD_REQUIRED | SL_FIELD_OUTPUT)) != SL_FIELD_REQUIRED ||
			(f->flags & optional) != 0 || (seen & 1ull << i) != 0)
			continue;
		sl_err_set(e, SL_ERR_PARAMS, f->name, "this field is required");
		if (f->missing != NULL)
			sl_err_hint(e, "%s", f->missing);
		return -EINVAL;
	}
	return 0;
}

/* optional: flags of required fields that may be absent here. */
static int decode_object(const struct sl_shape *s, const cJSON *v, unsigned int optional, void *out,
	struct sl_err *e)
{
	uint64_t seen = 0;
	const cJSON *m;
	int ret;

	if (!cJSON_IsObject(v))
		return refuse_type(s, v, e);
	set_defaults(s, out);
	cJSON_ArrayForEach (m, v) {
		ret = decode_member(s, m, out, &seen, e);
		if (ret != 0)
			return ret;
	}
	ret = check_required(s, optional, seen, e);
	return ret == 0 && s->check != NULL ? s->check(out, e) : ret;
}

static int decode(const struct sl_shape *s, const cJSON *json, unsigned int optional, void *out,
	struct sl_err *e)
{
	int ret = decode_object(s, json, optional, out, e);

	if (ret != 0)
		sl_shape_fini(s, out);
	return ret;
}

int sl_shape_decode(const struct sl_shape *s, const cJSON *json, void *out, struct sl_err *e)
{
	return decode(s, json, 0, out, e);
}

int sl_shape_decode_stored(const struct sl_shape *s, const cJSON *json, void *out, struct sl_err *e)
{
	return decode(s, json, SL_FIELD_NEWER, out, e);
}
