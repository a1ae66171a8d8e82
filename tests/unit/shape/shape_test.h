/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A shape with one field of every type, and what the tests of shapes do with it: decode a text, and
 * expect that a text is refused.
 * Threads: one.
 * Ownership: the caller owns a decoded struct outer and ends it with sl_shape_fini().
 */
#ifndef SL_TESTS_SHAPE_TEST_H
#define SL_TESTS_SHAPE_TEST_H

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

static inline int check_inner(const void *obj, struct sl_err *e)
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

#define SHAPE_AT(member) .offset = offsetof(struct outer, member)

static const struct sl_field outer_fields[] = {
	{.name = "name",
		.type = SL_F_NAME,
		.flags = SL_FIELD_REQUIRED | SL_FIELD_KEY,
		SHAPE_AT(name),
		.help = "Its name."},
	{.name = "flag", .type = SL_F_BOOL, SHAPE_AT(flag), .def = 1},
	{.name = "vni",
		.type = SL_F_UINT,
		.flags = SL_FIELD_REQUIRED,
		SHAPE_AT(vni),
		.min = 1,
		.max = 0xffffff},
	{.name = "mtu", .type = SL_F_UINT, SHAPE_AT(mtu), .min = 68, .max = 9000},
	{.name = "encap", .type = SL_F_ENUM, SHAPE_AT(encap), .names = encaps, .def = 2},
	{.name = "big", .type = SL_F_UINT64, SHAPE_AT(big)},
	{.name = "ratio", .type = SL_F_NUMBER, SHAPE_AT(ratio)},
	{.name = "mac", .type = SL_F_MAC, SHAPE_AT(mac)},
	{.name = "address", .type = SL_F_IP, SHAPE_AT(address)},
	{.name = "prefix", .type = SL_F_PREFIX, SHAPE_AT(prefix)},
	{.name = "ifaddr", .type = SL_F_IFADDR, SHAPE_AT(ifaddr)},
	{.name = "labels", .type = SL_F_LABELS, .flags = SL_FIELD_NONEMPTY, SHAPE_AT(labels)},
	{.name = "inner", .type = SL_F_OBJECT, SHAPE_AT(inner), .shape = &inner_shape},
	{.name = "list",
		.type = SL_F_LIST,
		SHAPE_AT(list),
		.present = offsetof(struct outer, has_list) + 1,
		.max = 3,
		.elem = &uint_elem},
	{.name = "objects", .type = SL_F_LIST, SHAPE_AT(objects), .shape = &inner_shape},
	{.name = "ips",
		.type = SL_F_LIST,
		.flags = SL_FIELD_UNIQUE,
		SHAPE_AT(ips),
		.elem = &ip_elem},
	{.name = "any", .type = SL_F_JSON, SHAPE_AT(any)},
	{.name = "packets", .type = SL_F_UINT, .flags = SL_FIELD_OUTPUT, SHAPE_AT(packets)},
};

static const struct sl_shape outer_shape = {.name = "outer",
	.size = sizeof(struct outer),
	.fields = outer_fields,
	.n_fields = sizeof(outer_fields) / sizeof(outer_fields[0]),
	.help = "An object with everything."};

static inline int decode(const char *text, struct outer *o, struct sl_err *e)
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
static inline int decode_with(const char *fields, struct outer *o, struct sl_err *e)
{
	char text[1024];

	snprintf(text, sizeof(text), "{\"name\":\"a\",\"vni\":1,%s}", fields);
	return decode(text, o, e);
}

static inline void refused(
	const char *fields, const char *path, const char *message, const char *hint)
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

#endif
