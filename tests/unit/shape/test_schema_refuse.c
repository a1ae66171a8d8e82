/* SPDX-License-Identifier: BSD-3-Clause */
/* What decode refuses, and the path, message and hint that it gives. */
#include "shape_test.h"

static void unknown_fields_are_refused_with_the_nearest_name(void **state)
{
	(void)state;
	refused("\"adress\":1", "adress", "unknown field", "did you mean \"address\"?");
	refused("\"Name\":\"b\"", "Name", "unknown field", "did you mean \"name\"?");
	refused("\"objects\":[{},{\"numbr\":1}]", "objects[1].numbr", "unknown field",
		"did you mean \"number\"?");
	refused("\"inner\":{\"zzz\":1}", "inner.zzz", "unknown field",
		"known fields: number, text, low, high");
}

static void required_fields_must_be_there(void **state)
{
	struct sl_err e;
	struct outer o;

	(void)state;
	assert_int_not_equal(decode("{\"vni\":1}", &o, &e), 0);
	assert_string_equal(e.path, "name");
	assert_string_equal(e.message, "this field is required");
}

static void numbers_out_of_range_are_refused(void **state)
{
	struct sl_err e;
	struct outer o;

	(void)state;
	refused("\"mtu\":67", "mtu", "67 is out of range: expected an integer from 68 to 9000", "");
	refused("\"mtu\":9001", "mtu", "9001 is out of range: expected an integer from 68 to 9000",
		"");
	refused("\"mtu\":68.5", "mtu", "expected an integer from 68 to 9000, got 68.5", "");
	refused("\"mtu\":-1", "mtu", "expected an integer from 68 to 9000, got -1", "");
	refused("\"mtu\":\"1500\"", "mtu", "expected an integer from 68 to 9000, got \"1500\"",
		"write the number without quotes");
	refused("\"big\":9007199254740993", "big",
		"expected an integer from 0 to 9007199254740991, got 9007199254740992", "");
	assert_int_not_equal(decode("{\"name\":\"a\",\"vni\":16777216}", &o, &e), 0);
	assert_string_equal(e.path, "vni");
}

static void wrong_types_are_refused_with_what_was_there(void **state)
{
	(void)state;
	refused("\"flag\":1", "flag", "expected true or false, got 1", "");
	refused("\"mac\":[]", "mac", "expected a MAC address, got an array", "");
	refused("\"address\":{}", "address", "expected an IP address, got an object", "");
	refused("\"prefix\":true", "prefix", "expected ADDRESS/LENGTH, got true", "");
	refused("\"inner\":[]", "inner", "expected an object, got an array",
		"known fields: number, text, low, high");
	refused("\"list\":{}", "list", "expected an array, got an object", "");
	refused("\"list\":[1,\"x\"]", "list[1]", "expected an integer from 0 to 31, got \"x\"",
		"write the number without quotes");
	refused("\"ips\":[null]", "ips[0]", "null is not accepted",
		"leave the field out, or give it a value");
	refused("\"labels\":{\"app\":1}", "labels.app", "expected a string, got 1", "");
}

static void an_unknown_enum_value_gets_the_choice_and_a_hint(void **state)
{
	(void)state;
	refused("\"encap\":\"genve\"", "encap",
		"expected one of vxlan, vxlan-gbp, geneve, ipip, got \"genve\"",
		"did you mean \"geneve\"?");
	refused("\"encap\":2", "encap", "expected one of vxlan, vxlan-gbp, geneve, ipip, got 2",
		"");
}

static void list_lengths_are_bounded(void **state)
{
	(void)state;
	refused("\"list\":[1,2,3,4]", "list", "at most 3 elements are accepted, there are 4", "");
	refused("\"labels\":{}", "labels", "at least one label is needed",
		"no labels does not mean everything");
}

static void string_lengths_are_bounded(void **state)
{
	(void)state;
	refused("\"inner\":{\"text\":\"\"}", "inner.text",
		"at least 1 bytes are needed, these are 0", "");
	refused("\"inner\":{\"text\":\"abcde\"}", "inner.text",
		"at most 4 bytes are accepted, these are 5", "");
}

static void equal_elements_are_refused_where_they_must_differ(void **state)
{
	(void)state;
	refused("\"ips\":[\"10.0.0.1\",\"::1\",\"10.0.0.1\"]", "ips[2]", "the same as element [0]",
		"");
	refused("\"ips\":[\"::1\",\"0::1\"]", "ips[1]", "the same as element [0]", "");
}

/* A whole name of ns times 'n', and if n is not 0 a '/' and n times 'x'. */
static int decode_name(size_t ns, size_t n)
{
	char text[512], name[400] = "";
	struct sl_err e;
	struct outer o;
	int ret;

	memset(name, 'n', ns);
	if (n > 0) {
		name[ns] = '/';
		memset(name + ns + 1, 'x', n);
	}
	snprintf(text, sizeof(text), "{\"name\":\"%s\",\"vni\":1}", name);
	ret = decode(text, &o, &e);
	if (ret == 0) {
		assert_string_equal(o.name, name);
		sl_shape_fini(&outer_shape, &o);
	} else {
		assert_string_equal(e.path, "name");
		assert_non_null(strstr(e.message, "at most"));
	}
	return ret;
}

static void names_have_a_fixed_alphabet(void **state)
{
	static const char *const bad[] = {
		"", "-a", ".", "a b", "/", "a/", "/a", "a//b", "a/-b", "\xc3\xa4", "a\\n"};
	static const char *const good[] = {
		"a", "0", "a-1.b_C", "a-", "web/db", "k8s.io/ns/pod-0", "a.b/c.d"};
	char text[256];
	struct sl_err e;
	struct outer o;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "{\"name\":\"%s\",\"vni\":1}", bad[i]);
		assert_int_not_equal(decode(text, &o, &e), 0);
		assert_string_equal(e.path, "name");
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(text, sizeof(text), "{\"name\":\"%s\",\"vni\":1}", good[i]);
		assert_int_equal(decode(text, &o, &e), 0);
		sl_shape_fini(&outer_shape, &o);
	}
}

/* A name in Kubernetes has at most 253 characters, and a namespace before it 63. */
static void names_are_as_long_as_those_of_kubernetes(void **state)
{
	(void)state;
	assert_int_equal(decode_name(253, 0), 0);
	assert_int_not_equal(decode_name(254, 0), 0);
	assert_int_equal(decode_name(63, 253), 0);
	assert_int_not_equal(decode_name(63, 254), 0);
	assert_int_not_equal(decode_name(64, 253), 0);
	assert_int_equal(decode_name(253, 63), 0);
}

static void label_alphabets_are_checked(void **state)
{
	static const char *const bad[] = {"\"\":\"x\"", "\"a b\":\"x\"", "\"a=b\":\"x\"",
		"\"-a\":\"x\"", "\"a\":\"x y\"", "\"a\":\"x,y\"", "\"a\":\"\\u001b[31m\""};
	char fields[128];
	struct sl_err e;
	struct outer o;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(fields, sizeof(fields), "\"labels\":{%s}", bad[i]);
		assert_int_not_equal(decode_with(fields, &o, &e), 0);
	}
}

static int decode_label(size_t prefix, size_t name, size_t value)
{
	char fields[640], key[400], text[100];
	struct sl_err e;
	struct outer o;
	int ret;

	memset(key, 'p', prefix);
	key[prefix] = '/';
	memset(key + prefix + (prefix > 0), 'k', name);
	key[prefix + (prefix > 0) + name] = '\0';
	memset(text, 'v', value);
	text[value] = '\0';
	snprintf(fields, sizeof(fields), "\"labels\":{\"%s\":\"%s\"}", key, text);
	ret = decode_with(fields, &o, &e);
	if (ret == 0) {
		assert_string_equal(o.labels.pair[0].key, key);
		sl_shape_fini(&outer_shape, &o);
	}
	return ret;
}

/* A prefix has at most 253 characters, the name after it 63, and a value 63. */
static void label_keys_are_as_long_as_those_of_kubernetes(void **state)
{
	(void)state;
	assert_int_equal(decode_label(0, 63, 63), 0);
	assert_int_not_equal(decode_label(0, 64, 63), 0);
	assert_int_not_equal(decode_label(0, 63, 64), 0);
	assert_int_equal(decode_label(253, 63, 0), 0);
	assert_int_not_equal(decode_label(254, 63, 0), 0);
	assert_int_not_equal(decode_label(253, 64, 0), 0);
}

static void the_check_of_a_nested_shape_names_the_whole_path(void **state)
{
	(void)state;
	refused("\"inner\":{\"low\":5,\"high\":4}", "inner.high", "high is below low", "");
	refused("\"objects\":[{},{\"low\":101}]", "objects[1].high", "high is below low", "");
}

static void a_long_value_in_a_message_is_cut_between_characters(void **state)
{
	struct sl_err e;
	struct outer o;
	char fields[512], value[256] = "";

	(void)state;
	for (int i = 0; i < 60; i++)
		strcat(value, "\xc3\xa4");
	snprintf(fields, sizeof(fields), "\"mac\":\"%s\"", value);
	assert_int_not_equal(decode_with(fields, &o, &e), 0);
	assert_non_null(strstr(e.message, "\xc3\xa4...\" is not a MAC address"));
}

static void large_unique_lists_are_checked_in_time(void **state)
{
	const unsigned int n = 200000;
	char *text = malloc(n * 20 + 64), *p = text;
	struct sl_err e;
	struct outer o;

	(void)state;
	p += sprintf(p, "{\"name\":\"a\",\"vni\":1,\"ips\":[");
	for (unsigned int i = 0; i < n; i++)
		p += sprintf(p, "\"10.%u.%u.%u\",", i >> 16, i >> 8 & 255, i & 255);
	sprintf(p, "\"10.0.0.7\"]}");
	assert_int_not_equal(decode(text, &o, &e), 0);
	assert_string_equal(e.path, "ips[200000]");
	assert_string_equal(e.message, "the same as element [7]");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unknown_fields_are_refused_with_the_nearest_name),
		cmocka_unit_test(required_fields_must_be_there),
		cmocka_unit_test(numbers_out_of_range_are_refused),
		cmocka_unit_test(wrong_types_are_refused_with_what_was_there),
		cmocka_unit_test(an_unknown_enum_value_gets_the_choice_and_a_hint),
		cmocka_unit_test(list_lengths_are_bounded),
		cmocka_unit_test(string_lengths_are_bounded),
		cmocka_unit_test(equal_elements_are_refused_where_they_must_differ),
		cmocka_unit_test(names_have_a_fixed_alphabet),
		cmocka_unit_test(names_are_as_long_as_those_of_kubernetes),
		cmocka_unit_test(label_alphabets_are_checked),
		cmocka_unit_test(label_keys_are_as_long_as_those_of_kubernetes),
		cmocka_unit_test(the_check_of_a_nested_shape_names_the_whole_path),
		cmocka_unit_test(a_long_value_in_a_message_is_cut_between_characters),
		cmocka_unit_test(large_unique_lists_are_checked_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
