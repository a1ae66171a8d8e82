/* SPDX-License-Identifier: BSD-3-Clause */
/* A field that names one thing, several, or all; and fields that stored objects may lack. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ctrl/shape/json.h"
#include "ctrl/shape/name_pool.h"
#include "ctrl/shape/shape.h"

struct thing {
	struct sl_names of;
};

static const struct sl_field fields[] = {
	{.name = "of",
		.type = SL_F_NAMES,
		.flags = SL_FIELD_REQUIRED | SL_FIELD_NEWER,
		.offset = offsetof(struct thing, of),
		.max = 3,
		.missing = "say whose it is"},
};
static const struct sl_shape shape = {
	.name = "thing", .size = sizeof(struct thing), .fields = fields, .n_fields = 1};

typedef int decode_fn(const struct sl_shape *s, const cJSON *json, void *out, struct sl_err *e);

static int decode_by(decode_fn *fn, const char *text, struct thing *t, struct sl_err *e)
{
	cJSON *v = cJSON_Parse(text);
	int ret;

	assert_non_null(v);
	memset(t, 0, sizeof(*t));
	memset(e, 0, sizeof(*e));
	ret = fn(&shape, v, t, e);
	cJSON_Delete(v);
	return ret;
}

static struct thing accepted(const char *text)
{
	struct sl_err e;
	struct thing t;

	if (decode_by(sl_shape_decode, text, &t, &e) != 0)
		fail_msg("%s: %s: %s", text, e.path, e.message);
	return t;
}

static void refused(const char *text, const char *path, const char *message, const char *hint)
{
	static const struct thing zero;
	struct sl_err e;
	struct thing t;

	assert_int_not_equal(decode_by(sl_shape_decode, text, &t, &e), 0);
	assert_int_equal(e.code, SL_ERR_PARAMS);
	assert_string_equal(e.path, path);
	assert_string_equal(e.message, message);
	assert_string_equal(e.hint, hint);
	assert_memory_equal(&t, &zero, sizeof(t));
}

static void put(void *ctx, const char *s, size_t len)
{
	strncat(ctx, s, len);
}

/* Both ways of writing agree, and what they write is read as the same. */
static void prints(const char *in, const char *out)
{
	struct thing t = accepted(in), copy = {0};
	cJSON *json = sl_shape_encode(&shape, &t);
	char *text = cJSON_PrintUnformatted(json), written[256] = "";

	assert_string_equal(text, out);
	assert_true(sl_shape_write(&shape, &t, &(struct sl_text_out){.ctx = written, .put = put}));
	assert_string_equal(written, out);
	assert_int_equal(sl_shape_decode(&shape, json, &copy, NULL), 0);
	assert_true(sl_shape_equal(&shape, &t, &copy));
	cJSON_Delete(json);
	free(text);
	sl_shape_fini(&shape, &t);
	sl_shape_fini(&shape, &copy);
}

static void one_name_is_a_string_and_several_are_a_list(void **state)
{
	(void)state;
	prints("{\"of\":\"blue\"}", "{\"of\":\"blue\"}");
	prints("{\"of\":[\"blue\"]}", "{\"of\":\"blue\"}");
	prints("{\"of\":[\"red\",\"blue\"]}", "{\"of\":[\"red\",\"blue\"]}");
	prints("{\"of\":\"*\"}", "{\"of\":\"*\"}");
}

static void all_is_no_name_and_stands_alone(void **state)
{
	static const char alone[] = "for all of them write \"*\" alone, not in a list";
	struct thing t = accepted("{\"of\":\"*\"}");

	(void)state;
	assert_true(t.of.all);
	assert_int_equal(t.of.n, 0);
	refused("{\"of\":[\"*\"]}", "of[0]", "\"*\" is no name", alone);
	refused("{\"of\":[\"a\",\"*\"]}", "of[1]", "\"*\" is no name", alone);
}

static void lists_of_names_are_bounded_and_all_different(void **state)
{
	(void)state;
	refused("{\"of\":[]}", "of", "an empty list names nothing",
		"name at least one; for all of them write \"*\"");
	refused("{\"of\":[\"a\",\"b\",\"a\"]}", "of[2]", "the same as element [0]", "");
	refused("{\"of\":[\"a\",\"b\",\"c\",\"d\"]}", "of",
		"at most 3 elements are accepted, there are 4", "");
}

static void what_is_no_name_is_refused_where_it_stands(void **state)
{
	(void)state;
	refused("{\"of\":7}", "of", "expected a name, a list of names, or \"*\", got 7", "");
	refused("{\"of\":{}}", "of", "expected a name, a list of names, or \"*\", got an object",
		"");
	refused("{\"of\":\"\"}", "of", "a name must not be empty", "");
	refused("{\"of\":[\"a\",[\"b\"]]}", "of[1]", "expected a name, got an array", "");
	refused("{\"of\":[\"a\",null]}", "of[1]", "expected a name, got null", "");
	refused("{\"of\":null}", "of", "null is not accepted",
		"leave the field out, or give it a value");
}

static void names_are_equal_when_all_are_in_the_same_order(void **state)
{
	struct thing t[] = {accepted("{\"of\":\"*\"}"), accepted("{\"of\":\"a\"}"),
		accepted("{\"of\":[\"a\",\"b\"]}"), accepted("{\"of\":[\"b\",\"a\"]}"), {{0}}};

	(void)state;
	for (unsigned int i = 0; i < 5; i++)
		for (unsigned int k = 0; k < 5; k++)
			assert_int_equal(sl_shape_equal(&shape, &t[i], &t[k]), i == k);
	for (unsigned int i = 0; i < 5; i++)
		sl_shape_fini(&shape, &t[i]);
}

static void copies_are_their_own(void **state)
{
	struct thing t = accepted("{\"of\":[\"a\",\"b\"]}"), copy = {0};

	(void)state;
	assert_int_equal(sl_shape_copy(&shape, &t, &copy), 0);
	assert_ptr_not_equal(copy.of.name, t.of.name);
	sl_shape_fini(&shape, &t);
	assert_string_equal(copy.of.name[1], "b");
	sl_shape_fini(&shape, &copy);
}

static void one_text_is_kept_once(void **state)
{
	char text[] = "ns/web";
	const char *a = sl_name_keep(text), *b = sl_name_keep("ns/web"), *c = sl_name_again(a);

	(void)state;
	assert_ptr_not_equal(a, text);
	assert_ptr_equal(a, b);
	assert_ptr_equal(a, c);
	sl_name_drop(a);
	sl_name_drop(b);
	assert_string_equal(c, "ns/web");
	sl_name_drop(c);
	assert_ptr_equal(sl_name_keep(""), sl_name_none);
	sl_name_drop(sl_name_none);
	sl_name_drop(NULL);
}

static void many_names_are_kept_apart(void **state)
{
	enum { N = 5000 };
	const char **kept = calloc(N, sizeof(*kept));
	char text[32];

	(void)state;
	for (unsigned int i = 0; i < N; i++) {
		snprintf(text, sizeof(text), "endpoint-%u", i);
		kept[i] = sl_name_keep(text);
	}
	for (unsigned int i = 0; i < N; i++) {
		snprintf(text, sizeof(text), "endpoint-%u", i);
		assert_string_equal(kept[i], text);
		assert_ptr_equal(sl_name_keep(text), kept[i]);
		sl_name_drop(kept[i]);
	}
	for (unsigned int i = 0; i < N; i++)
		sl_name_drop(kept[i]);
	free(kept);
}

static void who_leaves_a_required_field_out_is_told_what_to_write(void **state)
{
	(void)state;
	refused("{}", "of", "this field is required", "say whose it is");
}

/* And is written as it was: without. */
static void stored_object_may_be_older_than_a_field(void **state)
{
	struct sl_err e;
	struct thing t;
	cJSON *json;

	(void)state;
	assert_int_equal(decode_by(sl_shape_decode_stored, "{}", &t, &e), 0);
	assert_int_equal(t.of.n, 0);
	assert_false(t.of.all);
	json = sl_shape_encode(&shape, &t);
	assert_null(json->child);
	cJSON_Delete(json);
	assert_int_not_equal(decode_by(sl_shape_decode_stored, "{\"of\":[]}", &t, &e), 0);
}

static void schema_says_that_it_is_a_string_or_a_list(void **state)
{
	cJSON *schema = sl_field_schema(&fields[0]);
	const cJSON *any = sl_json_get(schema, "anyOf");

	(void)state;
	assert_int_equal(cJSON_GetArraySize(any), 2);
	assert_string_equal(sl_json_get(cJSON_GetArrayItem(any, 0), "type")->valuestring, "string");
	assert_string_equal(sl_json_get(cJSON_GetArrayItem(any, 1), "type")->valuestring, "array");
	assert_int_equal((int)sl_json_get(cJSON_GetArrayItem(any, 1), "minItems")->valuedouble, 1);
	cJSON_Delete(schema);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_name_is_a_string_and_several_are_a_list),
		cmocka_unit_test(all_is_no_name_and_stands_alone),
		cmocka_unit_test(lists_of_names_are_bounded_and_all_different),
		cmocka_unit_test(what_is_no_name_is_refused_where_it_stands),
		cmocka_unit_test(names_are_equal_when_all_are_in_the_same_order),
		cmocka_unit_test(copies_are_their_own),
		cmocka_unit_test(one_text_is_kept_once),
		cmocka_unit_test(many_names_are_kept_apart),
		cmocka_unit_test(who_leaves_a_required_field_out_is_told_what_to_write),
		cmocka_unit_test(stored_object_may_be_older_than_a_field),
		cmocka_unit_test(schema_says_that_it_is_a_string_or_a_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
