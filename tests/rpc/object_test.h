/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shared by the tests of the methods on objects: a store behind the dispatcher, calls whose replies
 * are checked against the method's declaration, and a sample of each collection. Threads: one.
 * Ownership: static; one store at a time.
 */
#ifndef SL_TESTS_OBJECT_TEST_H
#define SL_TESTS_OBJECT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ctrl/shape/json.h"
#include "ctrl/methods/objects.h"
#include "tests/lib/desired.h"

struct sl_ctrl {
	struct sl_store *store;
	struct fake_applier applier;
};

static struct sl_ctrl ctrl;
static const struct sl_method *rows[64];
static struct sl_rpc rpc = {.ctrl = &ctrl, .methods = rows};

struct sl_store *sl_ctrl_store(struct sl_ctrl *c)
{
	return c->store;
}

const struct sl_config *sl_ctrl_conf(struct sl_ctrl *c)
{
	(void)c;
	return NULL;
}

void sl_ctrl_report(struct sl_ctrl *c, struct sl_report_ctx *ctx)
{
	ctx->store = c->store;
}

struct sl_waiting_calls *sl_ctrl_waiting_calls(struct sl_ctrl *c)
{
	(void)c;
	return NULL;
}

static inline int setup(void **state)
{
	const struct sl_method *all;

	(void)state;
	rpc.n_methods = sl_object_methods(&all);
	assert_true(rpc.n_methods <= 64);
	for (size_t i = 0; i < rpc.n_methods; i++)
		rows[i] = &all[i];
	fake_applier_init(&ctrl.applier);
	ctrl.store = sl_store_create(&ctrl.applier.applier, NULL);
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	sl_store_destroy(ctrl.store);
	return 0;
}

static inline void conforms(const struct sl_field *f, const cJSON *v);

static inline void object_conforms(const struct sl_shape *s, const cJSON *v)
{
	const cJSON *m;

	assert_true(cJSON_IsObject(v));
	for (size_t i = 0; i < s->n_fields; i++) {
		m = sl_json_get(v, s->fields[i].name);
		if (m != NULL)
			conforms(&s->fields[i], m);
		else if (s->fields[i].flags & SL_FIELD_REQUIRED)
			fail_msg("reply without %s.%s", s->name, s->fields[i].name);
	}
	cJSON_ArrayForEach (m, v) {
		bool known = false;

		for (size_t i = 0; i < s->n_fields; i++)
			known |= strcmp(s->fields[i].name, m->string) == 0;
		if (!known)
			fail_msg("reply with %s.%s, which is not declared", s->name, m->string);
	}
}

static inline void conforms(const struct sl_field *f, const cJSON *v)
{
	const cJSON *m;

	if ((f->flags & SL_FIELD_NULLABLE) != 0 && cJSON_IsNull(v))
		return;
	switch (f->type) {
	case SL_F_BOOL:
		assert_true(cJSON_IsBool(v));
		break;
	case SL_F_UINT:
	case SL_F_UINT64:
	case SL_F_NUMBER:
		assert_true(cJSON_IsNumber(v));
		break;
	case SL_F_OBJECT:
		object_conforms(f->shape, v);
		break;
	case SL_F_LIST:
		assert_true(cJSON_IsArray(v));
		cJSON_ArrayForEach (m, v) {
			if (f->elem != NULL)
				conforms(f->elem, m);
			else
				object_conforms(f->shape, m);
		}
		break;
	case SL_F_LABELS:
		assert_true(cJSON_IsObject(v));
		break;
	case SL_F_NAMES:
		assert_true(cJSON_IsString(v) || cJSON_GetArraySize(v) > 1);
		break;
	case SL_F_JSON:
		break;
	default:
		assert_true(cJSON_IsString(v));
	}
}

/* Call a method and return its reply, after its result was checked against its declaration. */
static inline cJSON *call(const char *method, const char *params)
{
	static char request[32768];
	struct sl_err e = {0};
	const cJSON *result;
	char *line;
	cJSON *json;
	size_t len;

	snprintf(request, sizeof(request), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\"%s%s}",
		method, params != NULL ? ",\"params\":" : "", params != NULL ? params : "");
	line = sl_rpc_answer(&rpc, request, strlen(request), true, &len);
	assert_non_null(line);
	json = sl_json_parse(line, len, &e);
	assert_non_null(json);
	result = sl_json_get(json, "result");
	if (result != NULL)
		conforms(sl_rpc_find(&rpc, method)->result, result);
	free(line);
	return json;
}

static inline void succeeds(const char *method, const char *params, const char *expected)
{
	cJSON *json = call(method, params);
	char *text = cJSON_PrintUnformatted(json);

	if (sl_json_get(json, "result") == NULL)
		fail_msg("%s %s: %s", method, params != NULL ? params : "", text);
	free(text);
	text = cJSON_PrintUnformatted(sl_json_get(json, "result"));
	if (expected != NULL)
		assert_string_equal(text, expected);
	free(text);
	cJSON_Delete(json);
}

static inline void fails(const char *method, const char *params, const char *name, const char *path)
{
	cJSON *json = call(method, params);
	const cJSON *error = sl_json_get(json, "error"), *data = sl_json_get(error, "data");

	if (error == NULL)
		fail_msg("%s %s succeeded", method, params);
	assert_string_equal(sl_json_get(data, "name")->valuestring, name);
	assert_string_equal(sl_json_get(data, "path")->valuestring, path);
	cJSON_Delete(json);
}

/* One object of each collection, its key, and a change of it. */
static const struct {
	const char *collection, *object, *key, *key_field, *changed;
} samples[] = {
	{"ports", "{\"name\":\"p\",\"role\":\"underlay\",\"devargs\":\"net_null0\"}",
		"{\"name\":\"p\"}", "name",
		"{\"name\":\"p\",\"role\":\"underlay\",\"devargs\":\"net_null1\"}"},
	{"networks", "{\"name\":\"n\",\"vni\":7}", "{\"name\":\"n\"}", "name",
		"{\"name\":\"n\",\"vni\":8}"},
	{"nodes", "{\"name\":\"b\",\"address\":\"192.0.2.2\"}", "{\"name\":\"b\"}", "name",
		"{\"name\":\"b\",\"address\":\"192.0.2.3\"}"},
	{"neighbors", "{\"port\":\"base\",\"address\":\"192.0.2.2\",\"mac\":\"02:00:00:00:0b:01\"}",
		"{\"port\":\"base\",\"address\":\"192.0.2.2\"}", "address",
		"{\"port\":\"base\",\"address\":\"192.0.2.2\",\"mac\":\"02:00:00:00:0b:02\"}"},
	{"routes", "{\"prefix\":\"0.0.0.0/0\",\"via\":\"192.0.2.2\"}", "{\"prefix\":\"0.0.0.0/0\"}",
		"prefix", "{\"prefix\":\"0.0.0.0/0\",\"via\":\"192.0.2.3\"}"},
	{"identities", "{\"id\":1001,\"labels\":{\"app\":\"web\"}}", "{\"id\":1001}", "id",
		"{\"id\":1001,\"labels\":{\"app\":\"db\"}}"},
	{"endpoints",
		"{\"name\":\"e\",\"network\":\"base\",\"node\":\"base\",\"mac\":\"02:00:00:00:00:"
		"05\","
		"\"addresses\":[\"10.0.0.5\"]}",
		"{\"name\":\"e\"}", "name",
		"{\"name\":\"e\",\"network\":\"base\",\"node\":\"base\",\"mac\":\"02:00:00:00:00:"
		"05\","
		"\"addresses\":[\"10.0.0.6\"]}"},
	{"policies",
		"{\"name\":\"p\",\"network\":\"base\",\"direction\":\"ingress\",\"subject\":{"
		"\"labels\":{\"app\":\"db\"}"
		"},"
		"\"action\":\"allow\"}",
		"{\"name\":\"p\"}", "name",
		"{\"name\":\"p\",\"network\":\"base\",\"direction\":\"ingress\",\"subject\":{"
		"\"labels\":{\"app\":\"db\"}"
		"},"
		"\"action\":\"deny\"}"},
};

static const char *method(const char *collection, const char *verb)
{
	static char name[64];

	snprintf(name, sizeof(name), "%s.%s", collection, verb);
	return name;
}

static inline void add_base(void)
{
	succeeds("ports.add", "{\"name\":\"base\",\"role\":\"underlay\",\"devargs\":\"net_null9\"}",
		NULL);
	succeeds("networks.add", "{\"name\":\"base\",\"vni\":99}", NULL);
	succeeds("nodes.add", "{\"name\":\"base\",\"address\":\"192.0.2.99\"}", NULL);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
