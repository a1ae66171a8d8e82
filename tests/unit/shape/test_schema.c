/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ctrl/shape/json.h"
#include "ctrl/shape/shape.h"

/* One field of every type, so that one text shows all of them. */
struct inner {
	uint32_t number;
	char *text;
	uint32_t low, high;
};

struct outer {
	char name[SL_NAME_LEN];
	bool flag;
	uint32_t vni, mtu, encap;
	uint64_t big;
	double ratio;
	struct sl_mac mac;
	struct sl_ip address;
	struct sl_prefix prefix, ifaddr;
	struct sl_labels labels;
	struct inner inner;
	bool has_list;
	struct sl_list list;	/* uint32_t */
	struct sl_list objects; /* struct inner */
	struct sl_list ips;	/* struct sl_ip, unique */
	cJSON *any;
	uint32_t packets;
};

static int check_inner(const void *obj, struct sl_err *e)
{
	const struct inner *i = obj;

	if (i->low > i->high)
		return sl_err_set(e, SL_ERR_PARAMS, "high", "high is below low");
	return 0;
}

static const struct sl_field inner_fields[] = {
	{.name = "number",
		.type = SL_F_UINT,
		.offset = offsetof(struct inner, number),
		.max = 9,
		.def = 7},
	{.name = "text",
		.type = SL_F_STRING,
		.offset = offsetof(struct inner, text),
		.min = 1,
		.max = 4},
	{.name = "low", .type = SL_F_UINT, .offset = offsetof(struct inner, low)},
	{.name = "high", .type = SL_F_UINT, .offset = offsetof(struct inner, high), .def = 100},
};

static const struct sl_shape inner_shape = {.name = "inner",
	.size = sizeof(struct inner),
	.fields = inner_fields,
	.n_fields = 4,
	.check = check_inner};

static const char *const encaps[] = {"vxlan", "vxlan-gbp", "geneve", "ipip", NULL};
static const struct sl_field uint_elem = {.type = SL_F_UINT, .max = 31};
static const struct sl_field ip_elem = {.type = SL_F_IP};

#define AT(member) .offset = offsetof(struct outer, member)

static const struct sl_field outer_fields[] = {
	{.name = "name",
		.type = SL_F_NAME,
		.flags = SL_FIELD_REQUIRED | SL_FIELD_KEY,
		AT(name),
		.help = "Its name."},
	{.name = "flag", .type = SL_F_BOOL, AT(flag), .def = 1},
	{.name = "vni",
		.type = SL_F_UINT,
		.flags = SL_FIELD_REQUIRED,
		AT(vni),
		.min = 1,
		.max = 0xffffff},
	{.name = "mtu", .type = SL_F_UINT, AT(mtu), .min = 68, .max = 9000},
	{.name = "encap", .type = SL_F_ENUM, AT(encap), .names = encaps, .def = 2},
	{.name = "big", .type = SL_F_UINT64, AT(big)},
	{.name = "ratio", .type = SL_F_NUMBER, AT(ratio)},
	{.name = "mac", .type = SL_F_MAC, AT(mac)},
	{.name = "address", .type = SL_F_IP, AT(address)},
	{.name = "prefix", .type = SL_F_PREFIX, AT(prefix)},
	{.name = "ifaddr", .type = SL_F_IFADDR, AT(ifaddr)},
	{.name = "labels", .type = SL_F_LABELS, .flags = SL_FIELD_NONEMPTY, AT(labels)},
	{.name = "inner", .type = SL_F_OBJECT, AT(inner), .shape = &inner_shape},
	{.name = "list",
		.type = SL_F_LIST,
		AT(list),
		.present = offsetof(struct outer, has_list) + 1,
		.max = 3,
		.elem = &uint_elem},
	{.name = "objects", .type = SL_F_LIST, AT(objects), .shape = &inner_shape},
	{.name = "ips", .type = SL_F_LIST, .flags = SL_FIELD_UNIQUE, AT(ips), .elem = &ip_elem},
	{.name = "any", .type = SL_F_JSON, AT(any)},
	{.name = "packets", .type = SL_F_UINT, .flags = SL_FIELD_OUTPUT, AT(packets)},
};

static const struct sl_shape outer_shape = {.name = "outer",
	.size = sizeof(struct outer),
	.fields = outer_fields,
	.n_fields = sizeof(outer_fields) / sizeof(outer_fields[0]),
	.help = "An object with everything."};

static const char full[] =
	"{\"name\":\"a-1\",\"flag\":false,\"vni\":16777215,\"mtu\":1500,\"encap\":\"vxlan-gbp\","
	"\"big\":9007199254740991,\"ratio\":1.5,\"mac\":\"02:00:00:00:00:05\",\"address\":\"10.0.0."
	"5\","
	"\"prefix\":\"10.0.0.0/24\",\"ifaddr\":\"2001:db8::1/"
	"64\",\"labels\":{\"app\":\"web\",\"k8s.io/x\":\"\"},"
	"\"inner\":{\"number\":3,\"text\":\"abcd\",\"low\":1,\"high\":2},\"list\":[1,31],"
	"\"objects\":[{\"number\":1,\"low\":0,\"high\":100},{\"number\":2,\"low\":0,\"high\":100}],"
	"\"ips\":[\"10.0.0.1\",\"::1\"],\"any\":{\"x\":[null]},\"packets\":0}";

static int decode(const char *text, struct outer *o, struct sl_err *e)
{
	cJSON *v = sl_json_parse(text, strlen(text), e);
	int ret;

	assert_non_null(v);
	memset(o, 0, sizeof(*o));
	memset(e, 0, sizeof(*e));
	ret = sl_shape_decode(&outer_shape, v, o, e);
	cJSON_Delete(v);
	return ret;
}

/* `fields` beside a valid name and vni. */
static int decode_with(const char *fields, struct outer *o, struct sl_err *e)
{
	char text[1024];

	snprintf(text, sizeof(text), "{\"name\":\"a\",\"vni\":1,%s}", fields);
	return decode(text, o, e);
}

static void refused(const char *fields, const char *path, const char *message, const char *hint)
{
	static const struct outer zero;
	struct sl_err e;
	struct outer o;

	assert_int_not_equal(decode_with(fields, &o, &e), 0);
	assert_int_equal(e.code, SL_ERR_PARAMS);
	assert_string_equal(e.path, path);
	assert_string_equal(e.message, message);
	assert_string_equal(e.hint, hint);
	assert_memory_equal(&o, &zero, sizeof(o));
}

/* The input for `full`: without what is reported only. */
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

/* Whatever they hold: what was printed may be sent back, also to another version. */
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
	refused("\"inner\":[]", "inner", "expected an object, got an array", "");
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

/* What Kubernetes calls its objects: 253 characters, and a namespace of 63 before them. */
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

/* A prefix has 253 characters at most, what is behind it 63, as a value. */
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
		cmocka_unit_test(unknown_fields_are_refused_with_the_nearest_name),
		cmocka_unit_test(required_fields_must_be_there),
		cmocka_unit_test(reported_fields_are_ignored),
		cmocka_unit_test(numbers_out_of_range_are_refused),
		cmocka_unit_test(wrong_types_are_refused_with_what_was_there),
		cmocka_unit_test(an_unknown_enum_value_gets_the_choice_and_a_hint),
		cmocka_unit_test(list_lengths_are_bounded),
		cmocka_unit_test(string_lengths_are_bounded),
		cmocka_unit_test(equal_elements_are_refused_where_they_must_differ),
		cmocka_unit_test(names_have_a_fixed_alphabet),
		cmocka_unit_test(names_are_as_long_as_those_of_kubernetes),
		cmocka_unit_test(labels_are_sorted_by_key),
		cmocka_unit_test(label_alphabets_are_checked),
		cmocka_unit_test(label_keys_are_as_long_as_those_of_kubernetes),
		cmocka_unit_test(the_check_of_a_nested_shape_names_the_whole_path),
		cmocka_unit_test(a_long_value_in_a_message_is_cut_between_characters),
		cmocka_unit_test(copies_are_equal_and_independent),
		cmocka_unit_test(any_difference_makes_objects_unequal),
		cmocka_unit_test(large_unique_lists_are_checked_in_time),
		cmocka_unit_test(finishing_an_empty_object_or_none_is_harmless),
		cmocka_unit_test(the_json_schema_says_what_decode_accepts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
