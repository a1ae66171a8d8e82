/* SPDX-License-Identifier: BSD-3-Clause */
/* Shapes: decode and encode, defaults, copies, comparison, and the JSON Schema. */
#include "shape_test.h"

static const char full[] =
	"{\"name\":\"a-1\",\"flag\":false,\"vni\":16777215,\"mtu\":1500,\"encap\":\"vxlan-gbp\","
	"\"big\":9007199254740991,\"ratio\":1.5,\"mac\":\"02:00:00:00:00:05\","
	"\"address\":\"10.0.0.5\",\"prefix\":\"10.0.0.0/24\",\"ifaddr\":\"2001:db8::1/64\","
	"\"labels\":{\"app\":\"web\",\"k8s.io/x\":\"\"},"
	"\"inner\":{\"number\":3,\"text\":\"abcd\",\"low\":1,\"high\":2},\"list\":[1,31],"
	"\"objects\":[{\"number\":1,\"low\":0,\"high\":100},{\"number\":2,\"low\":0,\"high\":100}],"
	"\"ips\":[\"10.0.0.1\",\"::1\"],\"any\":{\"x\":[null]},\"packets\":0}";

/* The input for `full`, without the field that is only reported. */
static char *full_input(void)
{
	char *text = strdup(full), *packets = strstr(text, ",\"packets\"");

	strcpy(packets, "}");
	return text;
}

static void every_type_survives_decode_and_encode(void **state)
{
	char *text = full_input(), *back;
	struct sl_err e;
	struct outer o;
	cJSON *v;

	(void)state;
	assert_int_equal(decode(text, &o, &e), 0);
	v = sl_shape_encode(&outer_shape, &o);
	back = cJSON_PrintUnformatted(v);
	assert_string_equal(back, full);
	cJSON_Delete(v);
	free(back);
	free(text);
	sl_shape_fini(&outer_shape, &o);
}

static void absent_fields_take_their_defaults(void **state)
{
	struct sl_err e;
	struct outer o;

	(void)state;
	assert_int_equal(decode("{\"name\":\"a\",\"vni\":1}", &o, &e), 0);
	assert_true(o.flag);
	assert_int_equal(o.encap, 2);
	assert_int_equal(o.mtu, 0);
	assert_int_equal(o.inner.number, 7);
	assert_false(o.has_list);
	sl_shape_fini(&outer_shape, &o);
}

static void absent_fields_are_left_out_when_encoded(void **state)
{
	struct sl_err e;
	struct outer o;
	cJSON *v;

	(void)state;
	assert_int_equal(decode("{\"name\":\"a\",\"vni\":1}", &o, &e), 0);
	v = sl_shape_encode(&outer_shape, &o);
	assert_null(sl_json_get(v, "mtu"));
	assert_null(sl_json_get(v, "mac"));
	assert_null(sl_json_get(v, "address"));
	assert_null(sl_json_get(v, "prefix"));
	assert_null(sl_json_get(v, "labels"));
	assert_null(sl_json_get(v, "list"));
	assert_null(sl_json_get(v, "ips"));
	assert_null(sl_json_get(v, "any"));
	assert_non_null(sl_json_get(v, "flag"));
	cJSON_Delete(v);
	sl_shape_fini(&outer_shape, &o);
}

static void an_empty_list_is_told_from_an_absent_one(void **state)
{
	struct sl_err e;
	struct outer o;
	cJSON *v;

	(void)state;
	assert_int_equal(decode_with("\"list\":[]", &o, &e), 0);
	assert_true(o.has_list);
	assert_int_equal(o.list.n, 0);
	v = sl_shape_encode(&outer_shape, &o);
	assert_true(cJSON_IsArray(sl_json_get(v, "list")));
	cJSON_Delete(v);
	sl_shape_fini(&outer_shape, &o);
	refused("\"list\":null", "list", "null is not accepted",
		"leave the field out, or give it a value");
}

/* Their values do not matter: a client may send back what it was shown, also to another version. */
static void reported_fields_are_ignored(void **state)
{
	static const char *const texts[] = {"{\"name\":\"a\",\"vni\":1,\"packets\":7}",
		"{\"name\":\"a\",\"vni\":1,\"packets\":{\"of\":[]}}"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct sl_err e;
		struct outer o;

		assert_int_equal(decode(texts[i], &o, &e), 0);
		assert_int_equal(o.packets, 0);
		sl_shape_fini(&outer_shape, &o);
	}
}

static void labels_are_sorted_by_key(void **state)
{
	struct sl_err e;
	struct outer o;

	(void)state;
	assert_int_equal(
		decode_with("\"labels\":{\"b\":\"2\",\"a\":\"1\",\"c\":\"3\"}", &o, &e), 0);
	assert_string_equal(o.labels.pair[0].key, "a");
	assert_string_equal(o.labels.pair[2].value, "3");
	sl_shape_fini(&outer_shape, &o);
}

static void copies_are_equal_and_independent(void **state)
{
	char *text = full_input();
	struct outer a, b;
	struct sl_err e;

	(void)state;
	assert_int_equal(decode(text, &a, &e), 0);
	memset(&b, 0, sizeof(b));
	assert_int_equal(sl_shape_copy(&outer_shape, &a, &b), 0);
	assert_true(sl_shape_equal(&outer_shape, &a, &b));
	b.inner.text[0] = 'X';
	assert_false(sl_shape_equal(&outer_shape, &a, &b));
	sl_shape_fini(&outer_shape, &a);
	sl_shape_fini(&outer_shape, &b);
	free(text);
}

static void any_difference_makes_objects_unequal(void **state)
{
	static const char *const variants[] = {"\"mtu\":100", "\"encap\":\"ipip\"",
		"\"flag\":false", "\"list\":[]", "\"list\":[1]", "\"list\":[2]",
		"\"labels\":{\"a\":\"1\"}", "\"labels\":{\"a\":\"2\"}", "\"labels\":{\"b\":\"1\"}",
		"\"ips\":[\"::1\"]", "\"any\":1", "\"any\":{\"a\":2}", "\"inner\":{\"text\":\"a\"}",
		"\"prefix\":\"10.0.0.0/8\"", "\"prefix\":\"10.0.0.0/9\"",
		"\"mac\":\"02:00:00:00:00:01\"", "\"objects\":[{}]", "\"big\":1", "\"ratio\":0.5"};
	const size_t n = sizeof(variants) / sizeof(variants[0]);
	struct outer o[sizeof(variants) / sizeof(variants[0])];
	struct sl_err e;

	(void)state;
	for (size_t i = 0; i < n; i++)
		assert_int_equal(decode_with(variants[i], &o[i], &e), 0);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++)
			assert_int_equal(sl_shape_equal(&outer_shape, &o[i], &o[j]), i == j);
	for (size_t i = 0; i < n; i++)
		sl_shape_fini(&outer_shape, &o[i]);
}

static void finishing_an_empty_object_or_none_is_harmless(void **state)
{
	struct outer o;

	(void)state;
	memset(&o, 0, sizeof(o));
	sl_shape_fini(&outer_shape, &o);
	sl_shape_fini(&outer_shape, NULL);
}

static void assert_text(
	const cJSON *v, const char *path_1, const char *path_2, const char *expected)
{
	const cJSON *at = sl_json_get(v, path_1);
	char *text;

	if (path_2 != NULL)
		at = sl_json_get(at, path_2);
	text = cJSON_PrintUnformatted(at);
	assert_string_equal(text != NULL ? text : "absent", expected);
	free(text);
}

static void the_json_schema_says_what_decode_accepts(void **state)
{
	cJSON *s = sl_shape_schema(&outer_shape), *p = sl_json_get(s, "properties");

	(void)state;
	assert_text(s, "type", NULL, "\"object\"");
	assert_text(s, "title", NULL, "\"outer\"");
	assert_text(s, "required", NULL, "[\"name\",\"vni\"]");
	assert_text(s, "additionalProperties", NULL, "false");
	assert_text(p, "name", NULL,
		"{\"type\":\"string\",\"format\":\"name\",\"pattern\":\"^[A-Za-z0-9][A-Za-z0-9_.-]{"
		"0,"
		"252}(/[A-Za-z0-9][A-Za-z0-9_.-]{0,252})*$\",\"maxLength\":317,"
		"\"description\":\"Its name.\",\"x-key\":true}");
	assert_text(p, "vni", NULL, "{\"type\":\"integer\",\"minimum\":1,\"maximum\":16777215}");
	assert_text(p, "encap", "default", "\"geneve\"");
	assert_text(p, "flag", NULL, "{\"type\":\"boolean\",\"default\":true}");
	assert_text(p, "list", "items", "{\"type\":\"integer\",\"minimum\":0,\"maximum\":31}");
	assert_text(p, "list", "maxItems", "3");
	assert_text(p, "ips", "uniqueItems", "true");
	assert_text(p, "labels", "minProperties", "1");
	assert_text(p, "inner", "additionalProperties", "false");
	assert_text(p, "big", "maximum", "9007199254740991");
	assert_text(p, "packets", "readOnly", "true");
	assert_text(p, "mtu", "default", "absent");
	cJSON_Delete(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_survives_decode_and_encode),
		cmocka_unit_test(absent_fields_take_their_defaults),
		cmocka_unit_test(absent_fields_are_left_out_when_encoded),
		cmocka_unit_test(an_empty_list_is_told_from_an_absent_one),
		cmocka_unit_test(reported_fields_are_ignored),
		cmocka_unit_test(labels_are_sorted_by_key),
		cmocka_unit_test(copies_are_equal_and_independent),
		cmocka_unit_test(any_difference_makes_objects_unequal),
		cmocka_unit_test(finishing_an_empty_object_or_none_is_harmless),
		cmocka_unit_test(the_json_schema_says_what_decode_accepts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
