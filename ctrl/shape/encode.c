/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <string.h>

#include "json.h"
#include "field.h"

static cJSON *encode_value(const struct sl_field *f, const void *at);

static cJSON *encode_labels(const struct sl_labels *l)
{
	cJSON *obj = cJSON_CreateObject();

	for (size_t i = 0; i < l->n && obj != NULL; i++)
		if (cJSON_AddStringToObject(obj, l->pair[i].key, l->pair[i].value) == NULL) {
			cJSON_Delete(obj);
			obj = NULL;
		}
	return obj;
}

static cJSON *encode_list(const struct sl_field *f, const struct sl_list *l)
{
	struct sl_field elem = sl_field_elem(f);
	size_t size = sl_field_size(&elem);
	cJSON *array = cJSON_CreateArray(), *v;

	for (size_t i = 0; i < l->n && array != NULL; i++) {
		v = encode_value(&elem, (const char *)l->items + i * size);
		if (v == NULL || !cJSON_AddItemToArray(array, v)) {
			cJSON_Delete(v);
			cJSON_Delete(array);
			array = NULL;
		}
	}
	return array;
}

static cJSON *encode_names(const struct sl_names *names)
{
	cJSON *array, *v;

	if (names->n <= 1)
		return cJSON_CreateString(names->all ? "*" : names->n == 1 ? names->name[0] : "");
	array = cJSON_CreateArray();
	for (uint32_t i = 0; i < names->n && array != NULL; i++) {
		v = cJSON_CreateString(names->name[i]);
		if (v == NULL || !cJSON_AddItemToArray(array, v)) {
			cJSON_Delete(v);
			cJSON_Delete(array);
			array = NULL;
		}
	}
	return array;
}

static cJSON *encode_text(const struct sl_field *f, const void *at)
{
	char buf[SL_PREFIX_STR_LEN];

	switch (f->type) {
	case SL_F_MAC:
		return cJSON_CreateString(sl_format_mac(at, buf));
	case SL_F_IP:
		return cJSON_CreateString(sl_format_ip(at, buf));
	case SL_F_PREFIX:
	case SL_F_IFADDR:
		return cJSON_CreateString(sl_format_prefix(at, buf));
	case SL_F_ENUM:
		return cJSON_CreateString(f->names[*(const uint32_t *)at]);
	case SL_F_NAME:
		return cJSON_CreateString(at);
	default:
		return cJSON_CreateString(*(char *const *)at != NULL ? *(char *const *)at : "");
	}
}

static cJSON *encode_number(double d)
{
	return cJSON_CreateNumber(isfinite(d) ? d : 0);
}

static cJSON *encode_value(const struct sl_field *f, const void *at)
{
	switch (f->type) {
	case SL_F_BOOL:
		return cJSON_CreateBool(*(const bool *)at);
	case SL_F_UINT:
		return sl_json_from_u64(*(const uint32_t *)at);
	case SL_F_UINT64:
		return sl_json_from_u64(*(const uint64_t *)at);
	case SL_F_NUMBER:
		return encode_number(*(const double *)at);
	case SL_F_NAMES:
		return encode_names(at);
	case SL_F_LABELS:
		return encode_labels(at);
	case SL_F_OBJECT:
		return sl_shape_encode(f->shape, at);
	case SL_F_LIST:
		return encode_list(f, at);
	case SL_F_JSON:
		if (*(cJSON *const *)at == NULL)
			return cJSON_CreateNull();
		return cJSON_Duplicate(*(cJSON *const *)at, true);
	default:
		return encode_text(f, at);
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

/* A value that stands for "not given": no input could have produced it, or it is empty. */
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

bool sl_field_is_wanted(const struct sl_field *f, const void *obj)
{
	if (f->present != 0)
		return sl_field_is_present(f, obj);
	if ((f->flags & SL_FIELD_REQUIRED) != 0 && (f->flags & SL_FIELD_NEWER) == 0)
		return true;
	return !stands_for_absent(f, sl_field_at_const(f, obj));
}

cJSON *sl_shape_encode(const struct sl_shape *s, const void *obj)
{
	cJSON *json = cJSON_CreateObject(), *v;

	for (size_t i = 0; i < s->n_fields && json != NULL; i++) {
		const struct sl_field *f = &s->fields[i];

		if (!sl_field_is_wanted(f, obj))
			continue;
		v = encode_value(f, sl_field_at_const(f, obj));
		/* an optional object of nothing but absent fields is absent itself */
		if (f->type == SL_F_OBJECT && f->present == 0 && v != NULL && v->child == NULL &&
			(f->flags & SL_FIELD_REQUIRED) == 0) {
			cJSON_Delete(v);
			continue;
		}
		if (v == NULL || !cJSON_AddItemToObject(json, f->name, v)) {
			cJSON_Delete(v);
			cJSON_Delete(json);
			return NULL;
		}
	}
	return json;
}
