/* SPDX-License-Identifier: BSD-3-Clause */
/* Decodes JSON values that hold no other values. Nothing is guessed: a wrong type is an error. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "name_pool.h"
#include "decode.h"

#define QUOTE_LEN 64

/* Describes the JSON value for messages: "got …". */
static const char *describe(const cJSON *v, char buf[QUOTE_LEN])
{
	if (cJSON_IsString(v))
		return sl_quote(v->valuestring, buf, QUOTE_LEN);
	if (cJSON_IsNumber(v)) {
		snprintf(buf, QUOTE_LEN, "%.17g", v->valuedouble);
		return buf;
	}
	if (cJSON_IsRaw(v))
		return "a number";
	if (cJSON_IsBool(v))
		return cJSON_IsTrue(v) ? "true" : "false";
	if (cJSON_IsNull(v))
		return "null";
	return cJSON_IsArray(v) ? "an array" : "an object";
}

int sl_decode_refused(struct sl_err *e, const char *expected, const cJSON *v)
{
	char buf[QUOTE_LEN];

	return sl_err_set(
		e, SL_ERR_PARAMS, NULL, "expected %s, got %s", expected, describe(v, buf));
}

int sl_decode_no_memory(struct sl_err *e)
{
	return sl_err_set(e, SL_ERR_INTERNAL, NULL, "out of memory");
}

int sl_decode_bool(const struct sl_field *f, const cJSON *v, void *out, struct sl_err *e)
{
	(void)f;
	if (!cJSON_IsBool(v))
		return sl_decode_refused(e, "true or false", v);
	*(bool *)out = cJSON_IsTrue(v);
	return 0;
}

int sl_decode_uint(const struct sl_field *f, const cJSON *v, void *out, struct sl_err *e)
{
	uint64_t max = sl_field_uint_max(f), n;
	char expected[80], buf[QUOTE_LEN];

	snprintf(expected, sizeof(expected), "an integer from %llu to %llu",
		(unsigned long long)f->min, (unsigned long long)max);
	if (!sl_json_uint(v, &n)) {
		int ret = sl_decode_refused(e, expected, v);

		if (cJSON_IsString(v))
			sl_err_hint(e, "write the number without quotes");
		return ret;
	}
	if (n < f->min || n > max)
		return sl_err_set(e, SL_ERR_PARAMS, NULL, "%s is out of range: expected %s",
			describe(v, buf), expected);
	if (f->type == SL_F_UINT)
		*(uint32_t *)out = (uint32_t)n;
	else
		*(uint64_t *)out = n;
	return 0;
}

int sl_decode_number(const struct sl_field *f, const cJSON *v, void *out, struct sl_err *e)
{
	(void)f;
	if (!cJSON_IsNumber(v))
		return sl_decode_refused(e, "a number", v);
	*(double *)out = v->valuedouble;
	return 0;
}

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* True for a string of letters, digits and characters of extra. */
static bool consists_of(const char *s, const char *extra)
{
	for (; *s != '\0'; s++)
		if (!is_alnum(*s) && strchr(extra, *s) == NULL)
			return false;
	return true;
}

/* Parts with a '/' between them; each begins with a letter or digit. */
static bool is_name(const char *s)
{
	if (!consists_of(s, "_.-/"))
		return false;
	for (; s != NULL; s = strchr(s, '/'), s += s != NULL)
		if (!is_alnum(s[0]))
			return false;
	return true;
}

static int check_name_length(const char *s, struct sl_err *e)
{
	size_t len = strlen(s), part;

	if (len >= SL_NAME_LEN)
		return sl_err_set(e, SL_ERR_PARAMS, NULL,
			"a name has at most %d characters, this has %zu", SL_NAME_LEN - 1, len);
	for (const char *at = s; *at != '\0'; at += part + (at[part] == '/')) {
		part = strcspn(at, "/");
		if (part > SL_NAME_PART_LEN)
			return sl_err_set(e, SL_ERR_PARAMS, NULL,
				"a name, or what stands between two '/' of it, has at most %d "
				"characters, this has %zu",
				SL_NAME_PART_LEN, part);
	}
	return 0;
}

int sl_decode_name(const struct sl_field *f, const cJSON *v, void *out, struct sl_err *e)
{
	const char *s = v->valuestring;
	char buf[QUOTE_LEN];
	int ret;

	(void)f;
	if (!cJSON_IsString(v))
		return sl_decode_refused(e, "a name", v);
	if (s[0] == '\0')
		return sl_err_set(e, SL_ERR_PARAMS, NULL, "a name must not be empty");
	ret = check_name_length(s, e);
	if (ret != 0)
		return ret;
	if (!is_name(s)) {
		sl_err_set(
			e, SL_ERR_PARAMS, NULL, "%s is not a name", sl_quote(s, buf, sizeof(buf)));
		sl_err_hint(e, "a name has letters, digits, '_', '.', '-' and begins with a letter "
			       "or digit; several such parts have a '/' between them");
		return -EINVAL;
	}
	memcpy(out, s, strlen(s) + 1);
	return 0;
}

int sl_decode_kept_name(const struct sl_field *f, const cJSON *v, void *out, struct sl_err *e)
{
	char name[SL_NAME_LEN];
	int ret = sl_decode_name(f, v, name, e);

	if (ret != 0)
		return ret;
	*(const char **)out = sl_name_keep(name);
	return *(const char **)out != NULL ? 0 : sl_decode_no_memory(e);
}

int sl_decode_string(const struct sl_field *f, const cJSON *v, void *out, struct sl_err *e)
{
	size_t n;

	if (!cJSON_IsString(v))
		return sl_decode_refused(e, "a string", v);
	n = strlen(v->valuestring);
	if (n < f->min)
		return sl_err_set(e, SL_ERR_PARAMS, NULL,
			"at least %llu bytes are needed, these are %zu", (unsigned long long)f->min,
			n);
	if (f->max != 0 && n > f->max)
		return sl_err_set(e, SL_ERR_PARAMS, NULL,
			"at most %llu bytes are accepted, these are %zu",
			(unsigned long long)f->max, n);
	*(char **)out = strdup(v->valuestring);
	return *(char **)out != NULL ? 0 : sl_decode_no_memory(e);
}

int sl_decode_enum(const struct sl_field *f, const cJSON *v, void *out, struct sl_err *e)
{
	char all[160] = "", buf[QUOTE_LEN];
	const char *near;
	size_t used = 0;

	for (uint32_t i = 0; f->names[i] != NULL; i++) {
		if (cJSON_IsString(v) && strcmp(f->names[i], v->valuestring) == 0) {
			*(uint32_t *)out = i;
			return 0;
		}
		if (used < sizeof(all) && !sl_field_is_inert(f, f->names[i]))
			used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s",
				used > 0 ? ", " : "", f->names[i]);
	}
	if (cJSON_IsString(v) && sl_field_is_inert(f, v->valuestring)) {
		sl_err_set(e, SL_ERR_UNSUPPORTED, NULL, "%s: %s", v->valuestring, f->inert_why);
		sl_err_hint(e, "expected one of %s", all);
		return -ENOTSUP;
	}
	sl_err_set(e, SL_ERR_PARAMS, NULL, "expected one of %s, got %s", all, describe(v, buf));
	near = cJSON_IsString(v) ? sl_nearest_name(v->valuestring, f->names) : NULL;
	if (near != NULL)
		sl_err_hint(e, "did you mean \"%s\"?", near);
	return -EINVAL;
}

int sl_decode_mac(const struct sl_field *f, const cJSON *v, void *out, struct sl_err *e)
{
	(void)f;
	if (!cJSON_IsString(v))
		return sl_decode_refused(e, "a MAC address", v);
	return sl_parse_mac(v->valuestring, out, e);
}

int sl_decode_ip(const struct sl_field *f, const cJSON *v, void *out, struct sl_err *e)
{
	(void)f;
	if (!cJSON_IsString(v))
		return sl_decode_refused(e, "an IP address", v);
	return sl_parse_ip(v->valuestring, out, e);
}

int sl_decode_prefix(const struct sl_field *f, const cJSON *v, void *out, struct sl_err *e)
{
	if (!cJSON_IsString(v))
		return sl_decode_refused(e, "ADDRESS/LENGTH", v);
	return sl_parse_prefix(v->valuestring, f->type == SL_F_IFADDR, out, e);
}

static int check_label(const char *key, const cJSON *v, struct sl_err *e)
{
	const char *slash = strrchr(key, '/'), *name = slash != NULL ? slash + 1 : key;
	size_t n = strlen(key);

	if (n == 0 || strlen(name) > SL_LABEL_LEN || name - key > SL_NAME_PART_LEN + 1 ||
		!is_alnum(key[0]) || !is_alnum(key[n - 1]) || !consists_of(key, SL_LABEL_CHARS)) {
		sl_err_set(e, SL_ERR_PARAMS, key, "not a label key");
		sl_err_hint(e,
			"a key has at most %d letters, digits, and '%s' between them; a "
			"prefix before a '/' has at most %d",
			SL_LABEL_LEN, "_.-", SL_NAME_PART_LEN);
		return -EINVAL;
	}
	if (!cJSON_IsString(v)) {
		int ret = sl_decode_refused(e, "a string", v);

		sl_err_at(e, "%s", key);
		return ret;
	}
	if (strlen(v->valuestring) > SL_LABEL_LEN || !consists_of(v->valuestring, SL_LABEL_CHARS)) {
		sl_err_set(e, SL_ERR_PARAMS, key, "not a label value");
		sl_err_hint(e, "a value has at most %d letters, digits, or '%s'", SL_LABEL_LEN,
			SL_LABEL_CHARS);
		return -EINVAL;
	}
	return 0;
}

static int compare_labels(const void *a, const void *b)
{
	return strcmp(
		((const struct sl_label_pair *)a)->key, ((const struct sl_label_pair *)b)->key);
}

int sl_decode_labels(const struct sl_field *f, const cJSON *v, void *out, struct sl_err *e)
{
	struct sl_labels *l = out;
	size_t n, text = 0, max = f->max != 0 ? f->max : SL_LABELS_MAX;
	const cJSON *m;
	char *p;

	if (!cJSON_IsObject(v))
		return sl_decode_refused(e, "an object of labels", v);
	n = (size_t)cJSON_GetArraySize(v);
	if (n == 0 && (f->flags & SL_FIELD_NONEMPTY) != 0) {
		sl_err_set(e, SL_ERR_PARAMS, NULL, "at least one label is needed");
		sl_err_hint(e, "no labels does not mean everything");
		return -EINVAL;
	}
	if (n == 0)
		return 0;
	if (n > max)
		return sl_err_set(e, SL_ERR_PARAMS, NULL,
			"at most %zu labels are accepted, these are %zu", max, n);
	cJSON_ArrayForEach (m, v) {
		int ret = check_label(m->string, m, e);

		if (ret != 0)
			return ret;
		text += strlen(m->string) + strlen(m->valuestring) + 2;
	}
	p = sl_labels_init(l, n, text);
	if (p == NULL)
		return sl_decode_no_memory(e);
	cJSON_ArrayForEach (m, v) {
		struct sl_label_pair *pair = &l->pair[l->n++];

		p = sl_label_text(p, m->string, &pair->key);
		p = sl_label_text(p, m->valuestring, &pair->value);
	}
	if (n > 1)
		qsort(l->pair, n, sizeof(*l->pair), compare_labels);
	for (size_t i = 1; i < n; i++)
		if (strcmp(l->pair[i - 1].key, l->pair[i].key) == 0)
			return sl_err_set(
				e, SL_ERR_PARAMS, l->pair[i].key, "the label occurs twice");
	return 0;
}

struct unique_ctx {
	const struct sl_field *elem;
	const char *items;
	size_t size;
};

static int compare_elements(const void *a, const void *b, void *arg)
{
	const struct unique_ctx *c = arg;
	size_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
	int d = sl_field_compare(c->elem, c->items + i * c->size, c->items + j * c->size);

	return d != 0 ? d : (i > j) - (i < j);
}

int sl_check_unique(const struct sl_field *elem, const struct sl_list *l, struct sl_err *e)
{
	struct unique_ctx c = {.elem = elem, .items = l->items, .size = sl_field_size(elem)};
	uint32_t *order;
	int ret = 0;

	if (l->n < 2)
		return 0;
	order = malloc(l->n * sizeof(*order));
	if (order == NULL)
		return sl_decode_no_memory(e);
	for (size_t i = 0; i < l->n; i++)
		order[i] = (uint32_t)i;
	qsort_r(order, l->n, sizeof(*order), compare_elements, &c);
	for (size_t i = 1; i < l->n && ret == 0; i++)
		if (sl_field_compare(elem, c.items + order[i - 1] * c.size,
			    c.items + order[i] * c.size) == 0) {
			ret = sl_err_set(
				e, SL_ERR_PARAMS, NULL, "the same as element [%u]", order[i - 1]);
			sl_err_at(e, "[%u]", order[i]);
		}
	free(order);
	return ret;
}

int sl_check_list_length(const struct sl_field *f, size_t n, struct sl_err *e)
{
	size_t min = f->min;

	if (min == 0 && (f->flags & SL_FIELD_NONEMPTY) != 0)
		min = 1;
	if (n < min)
		return sl_err_set(e, SL_ERR_PARAMS, NULL,
			"at least %zu element%s needed, there %s %zu", min,
			min == 1 ? " is" : "s are", n == 1 ? "is" : "are", n);
	if (f->max != 0 && n > f->max)
		return sl_err_set(e, SL_ERR_PARAMS, NULL,
			"at most %llu elements are accepted, there are %zu",
			(unsigned long long)f->max, n);
	return 0;
}

static int decode_one_of_names(const cJSON *v, const char **name, struct sl_err *e)
{
	if (cJSON_IsString(v) && strcmp(v->valuestring, "*") == 0) {
		sl_err_set(e, SL_ERR_PARAMS, NULL, "\"*\" is no name");
		sl_err_hint(e, "for all of them write \"*\" alone, not in a list");
		return -EINVAL;
	}
	return sl_decode_kept_name(NULL, v, name, e);
}

static int decode_list_of_names(
	const struct sl_field *f, const cJSON *v, struct sl_names *names, struct sl_err *e)
{
	static const struct sl_field name = {.type = SL_F_KEPT_NAME};
	int n = cJSON_GetArraySize(v), ret;
	const cJSON *m;

	if (n == 0) {
		sl_err_set(e, SL_ERR_PARAMS, NULL, "an empty list names nothing");
		sl_err_hint(e, "name at least one; for all of them write \"*\"");
		return -EINVAL;
	}
	ret = sl_check_list_length(f, (size_t)n, e);
	if (ret != 0)
		return ret;
	names->name = calloc((size_t)n, sizeof(*names->name));
	if (names->name == NULL)
		return sl_decode_no_memory(e);
	cJSON_ArrayForEach (m, v) {
		ret = decode_one_of_names(m, &names->name[names->n], e);
		if (ret != 0) {
			sl_err_at(e, "[%u]", names->n);
			return ret;
		}
		names->n++;
	}
	return sl_check_unique(&name, &(struct sl_list){names->name, names->n}, e);
}

int sl_decode_names(const struct sl_field *f, const cJSON *v, void *out, struct sl_err *e)
{
	struct sl_names *names = out;

	if (cJSON_IsArray(v))
		return decode_list_of_names(f, v, names, e);
	if (!cJSON_IsString(v))
		return sl_decode_refused(e, "a name, a list of names, or \"*\"", v);
	if (strcmp(v->valuestring, "*") == 0) {
		names->all = true;
		return 0;
	}
	names->name = calloc(1, sizeof(*names->name));
	if (names->name == NULL)
		return sl_decode_no_memory(e);
	names->n = 1;
	return sl_decode_kept_name(f, v, &names->name[0], e);
}
