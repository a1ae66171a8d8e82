/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

/* Keys of smaller objects are compared pairwise, without allocating. */
#define PAIRWISE_KEYS 8
/* Whole numbers below this are printed exactly by cJSON (%1.15g). */
#define CJSON_EXACT 1000000000000000ull
#define UINT_LIMIT  9007199254740991.0 /* 2^53 - 1 */

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int refuse_key(const char *key, struct sl_err *e)
{
	return sl_err_set(e, SL_ERR_PARSE, key, "the key occurs twice in its object");
}

static int check_keys_sorted(const cJSON *obj, size_t n, struct sl_err *e)
{
	const char **keys = malloc(n * sizeof(*keys));
	const cJSON *m;
	size_t i = 0;
	int ret = 0;

	if (keys == NULL)
		return sl_err_set(e, SL_ERR_INTERNAL, NULL, "out of memory");
	cJSON_ArrayForEach (m, obj)
		keys[i++] = m->string;
	/* Sorted rather than hashed: nobody can choose keys that make it slow. */
	qsort(keys, n, sizeof(*keys), compare_keys);
	for (i = 1; i < n && ret == 0; i++)
		if (strcmp(keys[i - 1], keys[i]) == 0)
			ret = refuse_key(keys[i], e);
	free(keys);
	return ret;
}

static int check_keys(const cJSON *obj, struct sl_err *e)
{
	const cJSON *a, *b;
	size_t n = 0;

	cJSON_ArrayForEach (a, obj)
		n++;
	if (n > PAIRWISE_KEYS)
		return check_keys_sorted(obj, n, e);
	cJSON_ArrayForEach (a, obj)
		for (b = a->next; b != NULL; b = b->next)
			if (strcmp(a->string, b->string) == 0)
				return refuse_key(a->string, e);
	return 0;
}

/* Keys are compared as cJSON unescaped them: "a" and "\u0061" are the same key. */
static int check_duplicates(const cJSON *v, struct sl_err *e)
{
	const cJSON *m;
	size_t i = 0;
	int ret;

	if (cJSON_IsObject(v)) {
		ret = check_keys(v, e);
		if (ret != 0)
			return ret;
	}
	cJSON_ArrayForEach (m, v) {
		if (m->child != NULL) {
			ret = check_duplicates(m, e);
			if (ret != 0) {
				if (m->string != NULL)
					sl_err_at(e, "%s", m->string);
				else
					sl_err_at(e, "[%zu]", i);
				return ret;
			}
		}
		i++;
	}
	return 0;
}

cJSON *sl_json_read(struct sl_arena *a, const char *text, size_t len, struct sl_err *e)
{
	size_t pos = 0;
	cJSON *v = sl_json_scan_message(a, text, len, &pos, e);

	if (v == NULL)
		return NULL;
	if (pos != len) {
		struct sl_json_place at = sl_json_place(text, pos);

		sl_err_set(e, SL_ERR_PARSE, NULL, "%zu:%zu: something follows the value", at.line,
			at.column);
		return NULL;
	}
	return check_duplicates(v, e) == 0 ? v : NULL;
}

cJSON *sl_json_parse(const char *text, size_t len, struct sl_err *e)
{
	struct sl_arena a = {0};
	cJSON *read = sl_json_read(&a, text, len, e), *v = NULL;

	if (read != NULL) {
		v = cJSON_Duplicate(read, true);
		if (v == NULL)
			sl_err_set(e, SL_ERR_INTERNAL, NULL, "out of memory");
	}
	sl_arena_fini(&a);
	return v;
}

cJSON *sl_json_get(const cJSON *obj, const char *name)
{
	return cJSON_IsObject(obj) ? cJSON_GetObjectItemCaseSensitive(obj, name) : NULL;
}

bool sl_json_uint(const cJSON *v, uint64_t *out)
{
	double d;

	if (v == NULL)
		return false;
	if (cJSON_IsRaw(v)) { /* made by sl_json_from_u64 */
		*out = strtoull(v->valuestring, NULL, 10);
		return *out <= (uint64_t)UINT_LIMIT;
	}
	if (!cJSON_IsNumber(v))
		return false;
	d = v->valuedouble;
	if (!(d >= 0 && d <= UINT_LIMIT) || signbit(d))
		return false;
	*out = (uint64_t)d;
	return (double)*out == d;
}

cJSON *sl_json_from_u64(uint64_t v)
{
	char digits[24];

	if (v < CJSON_EXACT)
		return cJSON_CreateNumber((double)v);
	/* cJSON would round such a number to 15 digits when it prints it. */
	snprintf(digits, sizeof(digits), "%llu", (unsigned long long)v);
	return cJSON_CreateRaw(digits);
}

cJSON *sl_json_string(const char *text)
{
	size_t len = strlen(text);
	char *clean = strdup(text);
	cJSON *v;

	if (clean == NULL)
		return NULL;
	for (size_t i = 0, n; i < len; i += n) {
		n = sl_utf8_len((const uint8_t *)text + i, len - i);
		if (n == 0) {
			clean[i] = '?';
			n = 1;
		}
	}
	v = cJSON_CreateString(clean);
	free(clean);
	return v;
}
