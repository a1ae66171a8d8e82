/* SPDX-License-Identifier: BSD-3-Clause */
/* Values of shapes in C: size, order, copy and free. */
#include <stdlib.h>
#include <string.h>

#include "name_pool.h"
#include "field.h"

size_t sl_field_size(const struct sl_field *f)
{
	switch (f->type) {
	case SL_F_BOOL:
		return sizeof(bool);
	case SL_F_UINT:
	case SL_F_ENUM:
		return sizeof(uint32_t);
	case SL_F_UINT64:
		return sizeof(uint64_t);
	case SL_F_NUMBER:
		return sizeof(double);
	case SL_F_NAME:
		return SL_NAME_LEN;
	case SL_F_NAMES:
		return sizeof(struct sl_names);
	case SL_F_KEPT_NAME:
	case SL_F_STRING:
		return sizeof(char *);
	case SL_F_MAC:
		return sizeof(struct sl_mac);
	case SL_F_IP:
		return sizeof(struct sl_ip);
	case SL_F_PREFIX:
	case SL_F_IFADDR:
		return sizeof(struct sl_prefix);
	case SL_F_LABELS:
		return sizeof(struct sl_labels);
	case SL_F_OBJECT:
		return f->shape->size;
	case SL_F_LIST:
		return sizeof(struct sl_list);
	case SL_F_JSON:
		return sizeof(cJSON *);
	}
	abort();
}

uint64_t sl_field_uint_max(const struct sl_field *f)
{
	uint64_t limit = f->type == SL_F_UINT ? UINT32_MAX : SL_UINT_JSON_MAX;

	return f->max != 0 && f->max < limit ? f->max : limit;
}

bool sl_field_is_inert(const struct sl_field *f, const char *word)
{
	for (size_t i = 0; f->inert != NULL && f->inert[i] != NULL; i++)
		if (strcmp(f->inert[i], word) == 0)
			return true;
	return false;
}

struct sl_field sl_field_elem(const struct sl_field *list)
{
	struct sl_field elem = {.name = list->name, .type = SL_F_OBJECT, .shape = list->shape};

	return list->elem != NULL ? *list->elem : elem;
}

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

static int compare_text(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return COMPARE(a != NULL, b != NULL);
	return strcmp(a, b);
}

/* NULL, as in a zeroed struct, also means no name. */
static int compare_kept(const char *a, const char *b)
{
	return a == b ? 0 : strcmp(a != NULL ? a : "", b != NULL ? b : "");
}

static int compare_prefix(const struct sl_prefix *a, const struct sl_prefix *b)
{
	int d = memcmp(&a->ip, &b->ip, sizeof(a->ip));

	return d != 0 ? d : COMPARE(a->len, b->len);
}

static int compare_labels(const struct sl_labels *a, const struct sl_labels *b)
{
	int d = COMPARE(a->n, b->n);

	for (size_t i = 0; i < a->n && d == 0; i++) {
		d = compare_text(a->pair[i].key, b->pair[i].key);
		if (d == 0)
			d = compare_text(a->pair[i].value, b->pair[i].value);
	}
	return d;
}

static int compare_names(const struct sl_names *a, const struct sl_names *b)
{
	int d = COMPARE(a->all, b->all);

	if (d == 0)
		d = COMPARE(a->n, b->n);
	for (uint32_t i = 0; i < a->n && d == 0; i++)
		d = strcmp(a->name[i], b->name[i]);
	return d;
}

static int compare_list(const struct sl_field *f, const struct sl_list *a, const struct sl_list *b)
{
	struct sl_field elem = sl_field_elem(f);
	size_t size = sl_field_size(&elem);
	int d = COMPARE(a->n, b->n);

	for (size_t i = 0; i < a->n && d == 0; i++)
		d = sl_field_compare(&elem, (const char *)a->items + i * size,
			(const char *)b->items + i * size);
	return d;
}

static int compare_object(const struct sl_shape *s, const void *a, const void *b)
{
	int d = 0;

	for (size_t i = 0; i < s->n_fields && d == 0; i++) {
		const struct sl_field *f = &s->fields[i];
		bool in_a = sl_field_is_present(f, a), in_b = sl_field_is_present(f, b);

		d = COMPARE(in_a, in_b);
		if (d == 0 && in_a)
			d = sl_field_compare(f, sl_field_at_const(f, a), sl_field_at_const(f, b));
	}
	return d;
}

/* Compares the printed texts: it happens rarely enough. */
static int compare_json(const cJSON *a, const cJSON *b)
{
	char *ta = a != NULL ? cJSON_PrintUnformatted(a) : NULL;
	char *tb = b != NULL ? cJSON_PrintUnformatted(b) : NULL;
	int d = compare_text(ta, tb);

	free(ta);
	free(tb);
	return d;
}

int sl_field_compare(const struct sl_field *f, const void *a, const void *b)
{
	switch (f->type) {
	case SL_F_BOOL:
		return COMPARE(*(const bool *)a, *(const bool *)b);
	case SL_F_UINT:
	case SL_F_ENUM:
		return COMPARE(*(const uint32_t *)a, *(const uint32_t *)b);
	case SL_F_UINT64:
		return COMPARE(*(const uint64_t *)a, *(const uint64_t *)b);
	case SL_F_NUMBER:
		return COMPARE(*(const double *)a, *(const double *)b);
	case SL_F_NAME:
		return strcmp(a, b);
	case SL_F_KEPT_NAME:
		return compare_kept(*(const char *const *)a, *(const char *const *)b);
	case SL_F_NAMES:
		return compare_names(a, b);
	case SL_F_STRING:
		return compare_text(*(char *const *)a, *(char *const *)b);
	case SL_F_MAC:
		return memcmp(a, b, sizeof(struct sl_mac));
	case SL_F_IP:
		return memcmp(a, b, sizeof(struct sl_ip));
	case SL_F_PREFIX:
	case SL_F_IFADDR:
		return compare_prefix(a, b);
	case SL_F_LABELS:
		return compare_labels(a, b);
	case SL_F_OBJECT:
		return compare_object(f->shape, a, b);
	case SL_F_LIST:
		return compare_list(f, a, b);
	case SL_F_JSON:
		return compare_json(*(cJSON *const *)a, *(cJSON *const *)b);
	}
	abort();
}

bool sl_shape_equal(const struct sl_shape *s, const void *a, const void *b)
{
	return compare_object(s, a, b) == 0;
}

char *sl_labels_init(struct sl_labels *l, size_t n, size_t text_len)
{
	l->pair = malloc(n * sizeof(*l->pair) + text_len);
	return l->pair != NULL ? (char *)(l->pair + n) : NULL;
}

char *sl_label_text(char *at, const char *s, char **text)
{
	size_t n = strlen(s) + 1;

	*text = memcpy(at, s, n);
	return at + n;
}

static int copy_labels(const struct sl_labels *from, struct sl_labels *to)
{
	size_t text = 0;
	char *p;

	if (from->n == 0)
		return 0;
	for (size_t i = 0; i < from->n; i++)
		text += strlen(from->pair[i].key) + strlen(from->pair[i].value) + 2;
	p = sl_labels_init(to, from->n, text);
	if (p == NULL)
		return -ENOMEM;
	for (; to->n < from->n; to->n++) {
		p = sl_label_text(p, from->pair[to->n].key, &to->pair[to->n].key);
		p = sl_label_text(p, from->pair[to->n].value, &to->pair[to->n].value);
	}
	return 0;
}

static int copy_names(const struct sl_names *from, struct sl_names *to)
{
	to->all = from->all;
	if (from->n == 0)
		return 0;
	to->name = calloc(from->n, sizeof(*to->name));
	if (to->name == NULL)
		return -ENOMEM;
	for (; to->n < from->n; to->n++)
		to->name[to->n] = sl_name_again(from->name[to->n]);
	return 0;
}

static int copy_field(const struct sl_field *f, const void *from, void *to);

static int copy_list(const struct sl_field *f, const struct sl_list *from, struct sl_list *to)
{
	struct sl_field elem = sl_field_elem(f);
	size_t size = sl_field_size(&elem);
	int ret = 0;

	if (from->n == 0)
		return 0;
	to->items = calloc(from->n, size);
	if (to->items == NULL)
		return -ENOMEM;
	while (to->n < from->n && ret == 0) {
		size_t at = to->n++ * size;

		ret = copy_field(&elem, (const char *)from->items + at, (char *)to->items + at);
	}
	return ret;
}

static int copy_object(const struct sl_shape *s, const void *from, void *to)
{
	int ret = 0;

	for (size_t i = 0; i < s->n_fields && ret == 0; i++) {
		const struct sl_field *f = &s->fields[i];

		ret = copy_field(f, sl_field_at_const(f, from), sl_field_at(f, to));
		if (f->present != 0)
			*sl_field_present(f, to) = sl_field_is_present(f, from);
	}
	return ret;
}

static int copy_field(const struct sl_field *f, const void *from, void *to)
{
	switch (f->type) {
	case SL_F_KEPT_NAME:
		*(const char **)to = sl_name_again(*(const char *const *)from);
		return 0;
	case SL_F_STRING:
		if (*(char *const *)from == NULL)
			return 0;
		*(char **)to = strdup(*(char *const *)from);
		return *(char **)to != NULL ? 0 : -ENOMEM;
	case SL_F_JSON:
		if (*(cJSON *const *)from == NULL)
			return 0;
		if ((f->flags & SL_FIELD_BORROWED) != 0) {
			*(cJSON **)to = *(cJSON *const *)from;
			return 0;
		}
		*(cJSON **)to = cJSON_Duplicate(*(cJSON *const *)from, true);
		return *(cJSON **)to != NULL ? 0 : -ENOMEM;
	case SL_F_NAMES:
		return copy_names(from, to);
	case SL_F_LABELS:
		return copy_labels(from, to);
	case SL_F_OBJECT:
		return copy_object(f->shape, from, to);
	case SL_F_LIST:
		return copy_list(f, from, to);
	default:
		memcpy(to, from, sl_field_size(f));
		return 0;
	}
}

int sl_shape_copy(const struct sl_shape *s, const void *from, void *to)
{
	int ret = copy_object(s, from, to);

	if (ret != 0)
		sl_shape_fini(s, to);
	return ret;
}

static void fini_field(const struct sl_field *f, void *at);

static void fini_object(const struct sl_shape *s, void *obj)
{
	for (size_t i = 0; i < s->n_fields; i++)
		fini_field(&s->fields[i], sl_field_at(&s->fields[i], obj));
}

static void fini_list(const struct sl_field *f, struct sl_list *l)
{
	struct sl_field elem = sl_field_elem(f);
	size_t size = sl_field_size(&elem);

	for (size_t i = 0; i < l->n; i++)
		fini_field(&elem, (char *)l->items + i * size);
	free(l->items);
}

static void fini_names(struct sl_names *names)
{
	for (uint32_t i = 0; i < names->n; i++)
		sl_name_drop(names->name[i]);
	free(names->name);
}

static void fini_field(const struct sl_field *f, void *at)
{
	switch (f->type) {
	case SL_F_KEPT_NAME:
		sl_name_drop(*(const char **)at);
		break;
	case SL_F_STRING:
		free(*(char **)at);
		break;
	case SL_F_JSON:
		if ((f->flags & SL_FIELD_BORROWED) == 0)
			cJSON_Delete(*(cJSON **)at);
		break;
	case SL_F_NAMES:
		fini_names(at);
		break;
	case SL_F_LABELS:
		free(((struct sl_labels *)at)->pair);
		break;
	case SL_F_OBJECT:
		fini_object(f->shape, at);
		break;
	case SL_F_LIST:
		fini_list(f, at);
		break;
	default:
		break;
	}
}

void sl_shape_fini(const struct sl_shape *s, void *obj)
{
	if (obj == NULL)
		return;
	fini_object(s, obj);
	memset(obj, 0, s->size);
}
