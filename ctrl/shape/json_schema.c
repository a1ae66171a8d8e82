/* SPDX-License-Identifier: BSD-3-Clause */
/* JSON Schema (draft 2020-12) from shapes. */
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "field.h"

static cJSON *typed(const char *type)
{
	cJSON *o = cJSON_CreateObject();

	if (type != NULL)
		cJSON_AddStringToObject(o, "type", type);
	return o;
}

static void add_u64(cJSON *o, const char *name, uint64_t v)
{
	cJSON_AddItemToObject(o, name, sl_json_from_u64(v));
}

/*
 * Where JSON Schema has no format, `format` is a name of sluice's own: validators ignore it, people
 * read it.
 */
static cJSON *pattern(const char *format, const char *regex)
{
	cJSON *o = typed("string");

	if (format != NULL)
		cJSON_AddStringToObject(o, "format", format);
	cJSON_AddStringToObject(o, "pattern", regex);
	return o;
}

static cJSON *uint_schema(const struct sl_field *f)
{
	cJSON *o = typed("integer");
	bool optional = (f->flags & (SL_FIELD_REQUIRED | SL_FIELD_OUTPUT)) == 0 && f->present == 0;

	add_u64(o, "minimum", f->min);
	add_u64(o, "maximum", sl_field_uint_max(f));
	/* a default outside the range means "absent" and cannot be written */
	if (optional && f->def >= f->min && f->def <= sl_field_uint_max(f))
		add_u64(o, "default", f->def);
	return o;
}

static cJSON *bool_schema(const struct sl_field *f)
{
	cJSON *o = typed("boolean");

	if ((f->flags & (SL_FIELD_REQUIRED | SL_FIELD_OUTPUT)) == 0 && f->present == 0)
		cJSON_AddBoolToObject(o, "default", f->def != 0);
	return o;
}

static cJSON *enum_schema(const struct sl_field *f)
{
	cJSON *o = typed("string"), *names = cJSON_AddArrayToObject(o, "enum");

	for (size_t i = 0; f->names[i] != NULL; i++)
		if (!sl_field_is_inert(f, f->names[i]))
			cJSON_AddItemToArray(names, cJSON_CreateString(f->names[i]));
	if ((f->flags & (SL_FIELD_REQUIRED | SL_FIELD_OUTPUT)) == 0 && f->present == 0)
		cJSON_AddStringToObject(o, "default", f->names[f->def]);
	return o;
}

static cJSON *name_schema(void)
{
	cJSON *o = pattern("name", SL_NAME_PATTERN);

	add_u64(o, "maxLength", SL_NAME_LEN - 1);
	return o;
}

/* One name or "*", or a list of names. */
static cJSON *names_schema(const struct sl_field *f)
{
	cJSON *o = cJSON_CreateObject(), *any = cJSON_AddArrayToObject(o, "anyOf");
	cJSON *one = pattern("name-or-all", "^(" SL_NAME_PART "(/" SL_NAME_PART ")*|\\*)$");
	cJSON *several = typed("array");

	add_u64(one, "maxLength", SL_NAME_LEN - 1);
	cJSON_AddItemToArray(any, one);
	cJSON_AddItemToObject(several, "items", name_schema());
	add_u64(several, "minItems", 1);
	if (f->max != 0)
		add_u64(several, "maxItems", f->max);
	cJSON_AddTrueToObject(several, "uniqueItems");
	cJSON_AddItemToArray(any, several);
	return o;
}

static cJSON *string_schema(const struct sl_field *f)
{
	cJSON *o = typed("string");

	if (f->min != 0)
		add_u64(o, "minLength", f->min);
	if (f->max != 0)
		add_u64(o, "maxLength", f->max);
	return o;
}

static cJSON *ip_schema(void)
{
	cJSON *o = typed("string"), *any = cJSON_AddArrayToObject(o, "anyOf"), *one;
	static const char *const formats[] = {"ipv4", "ipv6"};

	for (size_t i = 0; i < 2; i++) {
		one = cJSON_CreateObject();
		cJSON_AddStringToObject(one, "format", formats[i]);
		cJSON_AddItemToArray(any, one);
	}
	return o;
}

static cJSON *labels_schema(const struct sl_field *f)
{
	cJSON *o = typed("object"), *key, *value;

	key = pattern(NULL, "^([A-Za-z0-9][A-Za-z0-9/_.-]{0,252}/[A-Za-z0-9_.-]{0,62}[A-Za-z0-9]|"
			    "[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)$");
	add_u64(key, "maxLength", SL_LABEL_KEY_LEN);
	value = pattern(NULL, "^[A-Za-z0-9/_.-]*$");
	add_u64(value, "maxLength", SL_LABEL_LEN);
	cJSON_AddItemToObject(o, "propertyNames", key);
	cJSON_AddItemToObject(o, "additionalProperties", value);
	add_u64(o, "maxProperties", f->max != 0 ? f->max : SL_LABELS_MAX);
	if ((f->flags & SL_FIELD_NONEMPTY) != 0)
		add_u64(o, "minProperties", 1);
	return o;
}

static cJSON *list_schema(const struct sl_field *f)
{
	struct sl_field elem = sl_field_elem(f);
	cJSON *o = typed("array"), *items = sl_field_schema(&elem);

	cJSON_DeleteItemFromObjectCaseSensitive(items, "default"); /* an element is never absent */
	cJSON_AddItemToObject(o, "items", items);
	if (f->min != 0 || (f->flags & SL_FIELD_NONEMPTY) != 0)
		add_u64(o, "minItems", f->min != 0 ? f->min : 1);
	if (f->max != 0)
		add_u64(o, "maxItems", f->max);
	if ((f->flags & SL_FIELD_UNIQUE) != 0)
		cJSON_AddTrueToObject(o, "uniqueItems");
	return o;
}

static cJSON *type_schema(const struct sl_field *f)
{
	switch (f->type) {
	case SL_F_BOOL:
		return bool_schema(f);
	case SL_F_UINT:
	case SL_F_UINT64:
		return uint_schema(f);
	case SL_F_NUMBER:
		return typed("number");
	case SL_F_NAME:
	case SL_F_KEPT_NAME:
		return name_schema();
	case SL_F_NAMES:
		return names_schema(f);
	case SL_F_STRING:
		return string_schema(f);
	case SL_F_ENUM:
		return enum_schema(f);
	case SL_F_MAC:
		return pattern("mac", "^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$");
	case SL_F_IP:
		return ip_schema();
	case SL_F_PREFIX:
	case SL_F_IFADDR:
		return pattern(f->type == SL_F_PREFIX ? "ip-prefix" : "ip-interface",
			"^[0-9A-Fa-f.:]+/[0-9]{1,3}$");
	case SL_F_LABELS:
		return labels_schema(f);
	case SL_F_OBJECT:
		return sl_shape_schema(f->shape);
	case SL_F_LIST:
		return list_schema(f);
	case SL_F_JSON:
		return typed(NULL);
	}
	abort();
}

static void allow_null(cJSON *o)
{
	cJSON *types = cJSON_CreateArray();

	cJSON_AddItemToArray(types, cJSON_DetachItemFromObjectCaseSensitive(o, "type"));
	cJSON_AddItemToArray(types, cJSON_CreateString("null"));
	cJSON_AddItemToObject(o, "type", types);
}

cJSON *sl_field_schema(const struct sl_field *f)
{
	cJSON *o = type_schema(f);

	if (f->help != NULL) {
		cJSON_DeleteItemFromObjectCaseSensitive(
			o, "description"); /* the shape's description says less */
		cJSON_AddStringToObject(o, "description", f->help);
	}
	if ((f->flags & SL_FIELD_NULLABLE) != 0)
		allow_null(o);
	if ((f->flags & SL_FIELD_OUTPUT) != 0)
		cJSON_AddTrueToObject(o, "readOnly");
	if ((f->flags & SL_FIELD_KEY) != 0)
		cJSON_AddTrueToObject(o, "x-key");
	return o;
}

static cJSON *requires(const char *name, size_t len)
{
	cJSON *o = cJSON_CreateObject();
	char *text = strndup(name, len);

	cJSON_AddItemToArray(cJSON_AddArrayToObject(o, "required"), cJSON_CreateString(text));
	free(text);
	return o;
}

/* One entry of sl_shape.one_of: "a", or "a|b". */
static cJSON *alternative(const char *names)
{
	size_t len = strcspn(names, "|");
	cJSON *o, *any;

	if (names[len] == '\0')
	return requires(names, len);
	o = cJSON_CreateObject();
	any = cJSON_AddArrayToObject(o, "anyOf");
	for (;; names += len + 1, len = strcspn(names, "|")) {
		cJSON_AddItemToArray(any, requires(names, len));
		if (names[len] == '\0')
			return o;
	}
}

/* The rules of a shape that go beyond single fields, in JSON Schema. */
void sl_shape_add_rules(const struct sl_shape *s, cJSON *o)
{
	cJSON *one = NULL, *beside = NULL;

	for (size_t i = 0; s->one_of != NULL && s->one_of[i] != NULL; i++) {
		if (one == NULL)
			one = cJSON_AddArrayToObject(o, "oneOf");
		cJSON_AddItemToArray(one, alternative(s->one_of[i]));
	}
	for (size_t i = 0; i < s->n_fields; i++) {
		if (s->fields[i].beside == NULL)
			continue;
		if (beside == NULL)
			beside = cJSON_AddObjectToObject(o, "dependentRequired");
		cJSON_AddItemToArray(cJSON_AddArrayToObject(beside, s->fields[i].name),
			cJSON_CreateString(s->fields[i].beside));
	}
}

cJSON *sl_shape_schema(const struct sl_shape *s)
{
	cJSON *o = typed("object"), *properties, *required;

	if (s->name != NULL)
		cJSON_AddStringToObject(o, "title", s->name);
	if (s->help != NULL)
		cJSON_AddStringToObject(o, "description", s->help);
	properties = cJSON_AddObjectToObject(o, "properties");
	required = cJSON_CreateArray();
	for (size_t i = 0; i < s->n_fields; i++) {
		const struct sl_field *f = &s->fields[i];

		cJSON_AddItemToObject(properties, f->name, sl_field_schema(f));
		if ((f->flags & (SL_FIELD_REQUIRED | SL_FIELD_OUTPUT)) == SL_FIELD_REQUIRED)
			cJSON_AddItemToArray(required, cJSON_CreateString(f->name));
	}
	if (required != NULL && required->child != NULL)
		cJSON_AddItemToObject(o, "required", required);
	else
		cJSON_Delete(required);
	cJSON_AddFalseToObject(o, "additionalProperties");
	sl_shape_add_rules(s, o);
	return o;
}
