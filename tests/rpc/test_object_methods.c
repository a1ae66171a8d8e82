/* SPDX-License-Identifier: BSD-3-Clause */
/* The methods on objects through the dispatcher; each reply is held against what its method
 * declares. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ctrl/json.h"
#include "ctrl/methods_objects.h"
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

static int setup(void **state)
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

static int teardown(void **state)
{
	(void)state;
	sl_store_destroy(ctrl.store);
	sl_object_extra = NULL;
	return 0;
}

static void conforms(const struct sl_field *f, const cJSON *v);

static void object_conforms(const struct sl_shape *s, const cJSON *v)
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

static void conforms(const struct sl_field *f, const cJSON *v)
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

/* The answer as JSON, its result checked against the method's declaration. */
static cJSON *call(const char *method, const char *params)
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

static void succeeds(const char *method, const char *params, const char *expected)
{
	cJSON *json = call(method, params);
	char *text = cJSON_PrintUnformatted(json);

	if (sl_json_get(json, "result") == NULL)
		fail_msg("%s %s: %s", method, params, text);
	free(text);
	text = cJSON_PrintUnformatted(sl_json_get(json, "result"));
	if (expected != NULL)
		assert_string_equal(text, expected);
	free(text);
	cJSON_Delete(json);
}

static void fails(const char *method, const char *params, const char *name, const char *path)
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

static void add_base(void)
{
	succeeds("ports.add", "{\"name\":\"base\",\"role\":\"underlay\",\"devargs\":\"net_null9\"}",
		NULL);
	succeeds("networks.add", "{\"name\":\"base\",\"vni\":99}", NULL);
	succeeds("nodes.add", "{\"name\":\"base\",\"address\":\"192.0.2.99\"}", NULL);
}

static void every_collection_lives_its_life(void **state)
{
	(void)state;
	add_base();
	assert_int_equal(sizeof(samples) / sizeof(samples[0]), SL_COLL_COUNT);
	for (unsigned int i = 0; i < SL_COLL_COUNT; i++) {
		const char *c = samples[i].collection, *key = samples[i].key;

		fails(method(c, "get"), key, "not_found", samples[i].key_field);
		fails(method(c, "set"), samples[i].object, "not_found", samples[i].key_field);
		succeeds(method(c, "add"), samples[i].object, NULL);
		succeeds(method(c, "get"), key, NULL);
		fails(method(c, "add"), samples[i].object, "exists", samples[i].key_field);
		succeeds(method(c, "set"), samples[i].changed, NULL);
		succeeds(method(c, "list"), NULL, NULL);
		succeeds(method(c, "del"), key, NULL);
		fails(method(c, "get"), key, "not_found", samples[i].key_field);
		fails(method(c, "del"), key, "not_found", samples[i].key_field);
		succeeds(method(c, "add"), samples[i].object, NULL);
	}
}

static void replies_are_the_object_as_stored(void **state)
{
	static const char stored[] =
		"{\"name\":\"n\",\"vni\":7,\"encap\":\"vxlan\",\"policy_mode\":\"enforce\","
		"\"policy_default\":{\"ingress\":\"deny\",\"egress\":\"deny\"},\"pickup\":true}";

	(void)state;
	succeeds("networks.add", "{\"name\":\"n\",\"vni\":7}", stored);
	succeeds("networks.get", "{\"name\":\"n\"}", stored);
	succeeds("networks.set", stored, stored);
	succeeds("networks.del", "{\"name\":\"n\"}", stored);
	succeeds("networks.list", NULL, "[]");
}

static void key_parameters_are_all_that_get_and_del_take(void **state)
{
	(void)state;
	fails("networks.get", "{\"name\":\"n\",\"vni\":7}", "params", "vni");
	fails("networks.del", "{}", "params", "name");
	fails("neighbors.get", "{\"port\":\"base\"}", "params", "address");
}

static void endpoint_is_shown_with_its_identity(void **state)
{
	cJSON *json;

	(void)state;
	add_base();
	succeeds("identities.add", "{\"id\":1001,\"labels\":{\"app\":\"web\"}}", NULL);
	json = call("endpoints.add", "{\"name\":\"e\",\"network\":\"base\",\"node\":\"base\","
				     "\"mac\":\"02:00:00:00:00:05\","
				     "\"addresses\":[\"10.0.0.5\"],\"labels\":{\"app\":\"web\"}}");
	assert_int_equal(sl_json_get(sl_json_get(json, "result"), "identity")->valuedouble, 1001);
	cJSON_Delete(json);
}

/* As the daemon does, and a little more: every collection has something reported. */
static void report(
	struct sl_ctrl *c, enum sl_collection_id coll, const struct sl_object *o, cJSON *json)
{
	const struct sl_shape *s = sl_collections[coll].shape;

	(void)c;
	(void)o;
	for (size_t i = 0; i < s->n_fields; i++)
		if (s->fields[i].flags == SL_FIELD_OUTPUT && s->fields[i].type == SL_F_UINT &&
			strcmp(s->fields[i].name, "identity") != 0)
			cJSON_AddNumberToObject(json, s->fields[i].name, 7);
}

static char *got(const char *name, const char *params)
{
	cJSON *json = call(name, params);
	char *text = cJSON_PrintUnformatted(sl_json_get(json, "result"));

	cJSON_Delete(json);
	assert_non_null(text);
	return text;
}

/* Every verb that takes an object takes it as get prints it, and knows that nothing changed. */
static void what_get_prints_can_be_sent_back(void **state)
{
	char *object, params[4096], add[64];
	unsigned int committed;

	(void)state;
	sl_object_extra = report;
	add_base();
	for (unsigned int i = 0; i < SL_COLL_COUNT; i++)
		succeeds(method(samples[i].collection, "add"), samples[i].object, NULL);
	committed = ctrl.applier.committed;
	for (unsigned int i = 0; i < SL_COLL_COUNT; i++) {
		const char *c = samples[i].collection;

		object = got(method(c, "get"), samples[i].key);
		succeeds(method(c, "set"), object, object);
		succeeds(method(c, "put"), object, object);
		snprintf(params, sizeof(params),
			"{\"operations\":[{\"method\":\"%s.put\",\"params\":%s},"
			"{\"method\":\"%s.set\",\"params\":%s}]}",
			c, object, c, object);
		succeeds("txn.apply", params, "{\"applied\":2}");
		assert_int_equal(ctrl.applier.committed, committed);
		/* An unknown field is as wrong as ever. */
		snprintf(params, sizeof(params), "{\"unheard_of\":1,%s", object + 1);
		fails(method(c, "put"), params, "params", "unheard_of");
		free(object);
	}
	for (unsigned int i = SL_COLL_COUNT; i-- > 0;) {
		const char *c = samples[i].collection;

		object = got(method(c, "get"), samples[i].key);
		snprintf(add, sizeof(add), "%s.add", c);
		succeeds(method(c, "del"), samples[i].key, object);
		succeeds(add, object, NULL); /* an identity is allocated anew */
		free(object);
	}
}

static void lists_make_a_configuration_that_changes_nothing(void **state)
{
	static char params[16384];
	char *listed;
	int n;

	(void)state;
	sl_object_extra = report;
	add_base();
	for (unsigned int i = 0; i < SL_COLL_COUNT; i++)
		succeeds(method(samples[i].collection, "add"), samples[i].object, NULL);
	succeeds("endpoints.add", /* with an identity that is allocated for it */
		"{\"name\":\"f\",\"network\":\"base\",\"node\":\"base\",\"mac\":\"02:00:00:00:00:"
		"06\",\"addresses\":[\"10.0.0.6\"],\"labels\":{\"app\":\"own\"}}",
		NULL);
	n = snprintf(params, sizeof(params), "{\"config\":{");
	for (unsigned int i = 0; i < SL_COLL_COUNT; i++) {
		listed = got(method(samples[i].collection, "list"), NULL);
		n += snprintf(params + n, sizeof(params) - (size_t)n, "%s\"%s\":%s",
			i > 0 ? "," : "", samples[i].collection, listed);
		free(listed);
	}
	snprintf(params + n, sizeof(params) - (size_t)n, "}}");
	succeeds("config.replace", params, "{\"added\":[],\"changed\":[],\"removed\":[]}");
}

static void an_allocated_identity_may_be_sent_back_anywhere(void **state)
{
	static const char row[] = "{\"id\":4096,\"labels\":{\"app\":\"web\"},\"allocated\":true}";

	(void)state;
	succeeds("identities.put", row, row);
	succeeds("identities.list", NULL, "[]");
	succeeds("identities.put", "{\"id\":4096,\"labels\":{\"app\":\"web\"},\"allocated\":false}",
		"{\"id\":4096,\"labels\":{\"app\":\"web\"}}");
}

static void put_adds_or_replaces(void **state)
{
	unsigned int committed;

	(void)state;
	add_base();
	for (unsigned int i = 0; i < SL_COLL_COUNT; i++) {
		const char *c = samples[i].collection;

		succeeds(method(c, "put"), samples[i].object, NULL);
		committed = ctrl.applier.committed;
		succeeds(method(c, "put"), samples[i].object, NULL);
		assert_int_equal(ctrl.applier.committed, committed);
		succeeds(method(c, "put"), samples[i].changed, NULL);
		assert_int_equal(ctrl.applier.committed, committed + 1);
	}
}

static void del_of_what_is_missing_is_no_error_if_asked(void **state)
{
	char params[256];

	(void)state;
	add_base();
	for (unsigned int i = 0; i < SL_COLL_COUNT; i++) {
		const char *c = samples[i].collection, *key = samples[i].key;

		snprintf(params, sizeof(params), "{\"missing_ok\":true,%s", key + 1);
		succeeds(method(c, "del"), params, "null");
		fails(method(c, "del"), key, "not_found", samples[i].key_field);
		succeeds(method(c, "put"), samples[i].object, NULL);
		succeeds(method(c, "del"), params, NULL);
		fails(method(c, "get"), key, "not_found", samples[i].key_field);
	}
	succeeds("txn.apply",
		"{\"operations\":[{\"method\":\"networks.del\",\"params\":{\"name\":\"no\","
		"\"missing_ok\":true}},"
		"{\"method\":\"networks.put\",\"params\":{\"name\":\"no\",\"vni\":7}},"
		"{\"method\":\"networks.del\",\"params\":{\"name\":\"no\",\"missing_ok\":true}}]}",
		"{\"applied\":3}");
	succeeds("networks.list", "{\"name\":\"no\"}", "[]");
	fails("txn.apply",
		"{\"operations\":[{\"method\":\"networks.del\",\"params\":{\"name\":\"no\"}}]}",
		"not_found", "operations[0].params.name");
}

/* The values of the field in the rows of a list, one after the other with a space behind. */
static void lists(const char *name, const char *params, const char *field, const char *expected)
{
	cJSON *json = call(name, params);
	const cJSON *row, *result = sl_json_get(json, "result");
	char all[1024] = "";
	size_t n = 0;

	if (result == NULL)
		fail_msg("%s %s failed", name, params);
	cJSON_ArrayForEach (row, result)
		n += (size_t)snprintf(
			all + n, sizeof(all) - n, "%s ", sl_json_get(row, field)->valuestring);
	assert_string_equal(all, expected);
	cJSON_Delete(json);
}

static void add_endpoint(const char *name, unsigned int number, const char *labels)
{
	char params[512];

	snprintf(params, sizeof(params),
		"{\"name\":\"%s\",\"network\":\"base\",\"node\":\"base\",\"mac\":\"02:00:00:00:00:"
		"05\","
		"\"addresses\":[\"10.0.0.%u\"],\"labels\":%s}",
		name, number, labels);
	succeeds("endpoints.add", params, NULL);
}

static void pages_meet_each_row_once_whatever_comes_and_goes(void **state)
{
	(void)state;
	add_base();
	add_endpoint("d", 1, "{}");
	add_endpoint("b", 2, "{}");
	add_endpoint("e", 3, "{}");
	add_endpoint("a", 4, "{}");
	add_endpoint("c", 5, "{}");
	lists("endpoints.list", NULL, "name", "a b c d e ");
	lists("endpoints.list", "{\"limit\":2}", "name", "a b ");
	/* the last of the page goes, one comes before it and one behind it */
	succeeds("endpoints.del", "{\"name\":\"b\"}", NULL);
	add_endpoint("aa", 6, "{}");
	add_endpoint("cc", 7, "{}");
	lists("endpoints.list", "{\"limit\":2,\"after\":\"b\"}", "name", "c cc ");
	lists("endpoints.list", "{\"limit\":2,\"after\":\"cc\"}", "name", "d e ");
	lists("endpoints.list", "{\"limit\":2,\"after\":\"e\"}", "name", "");
	fails("endpoints.list", "{\"limit\":0}", "params", "limit");
	fails("endpoints.list", "{\"limit\":10001}", "params", "limit");
}

static void lists_are_filtered_by_fields_and_labels(void **state)
{
	(void)state;
	add_base();
	succeeds("networks.add", "{\"name\":\"other\",\"vni\":98}", NULL);
	succeeds("ports.add", "{\"name\":\"p\",\"role\":\"access\",\"devargs\":\"net_null0\"}",
		NULL);
	add_endpoint("a", 1, "{\"app\":\"web\",\"zone\":\"x\"}");
	add_endpoint("b", 2, "{\"app\":\"web\",\"zone\":\"y\"}");
	add_endpoint("c", 3, "{\"app\":\"db\",\"zone\":\"x\"}");
	succeeds("endpoints.add",
		"{\"name\":\"d\",\"network\":\"other\",\"port\":\"p\",\"mac\":\"02:00:00:00:00:"
		"06\","
		"\"addresses\":[\"10.0.0.1\"]}",
		NULL);
	lists("endpoints.list", "{\"network\":\"other\"}", "name", "d ");
	lists("endpoints.list", "{\"port\":\"p\"}", "name", "d ");
	lists("endpoints.list", "{\"node\":\"base\"}", "name", "a b c ");
	lists("endpoints.list", "{\"mac\":\"02:00:00:00:00:06\"}", "name", "d ");
	lists("endpoints.list", "{\"labels\":{\"app\":\"web\"}}", "name", "a b ");
	lists("endpoints.list", "{\"labels\":{\"zone\":\"x\",\"app\":\"web\"}}", "name", "a ");
	lists("endpoints.list", "{\"labels\":{\"app\":\"web\"},\"limit\":1}", "name", "a ");
	lists("endpoints.list", "{\"labels\":{\"app\":\"web\"},\"limit\":1,\"after\":\"a\"}",
		"name", "b ");
	lists("endpoints.list", "{\"labels\":{}}", "name", "a b c d ");
	lists("ports.list", "{\"role\":\"access\"}", "name", "p ");
	lists("networks.list", "{\"vni\":98}", "name", "other ");
	fails("endpoints.list", "{\"colour\":\"red\"}", "params", "colour");
	succeeds("policies.add",
		"{\"name\":\"one\",\"network\":[\"base\",\"other\"],\"direction\":\"ingress\","
		"\"subject\":{\"labels\":{\"app\":\"db\"}},\"action\":\"allow\"}",
		NULL);
	succeeds("policies.add",
		"{\"name\":\"two\",\"network\":\"base\",\"direction\":\"ingress\",\"tier\":"
		"\"admin\","
		"\"subject\":{\"labels\":{\"app\":\"db\"}},\"action\":\"allow\"}",
		NULL);
	succeeds("policies.add",
		"{\"name\":\"all\",\"network\":\"*\",\"direction\":\"ingress\","
		"\"subject\":{\"labels\":{\"app\":\"db\"}},\"action\":\"allow\"}",
		NULL);
	lists("policies.list", "{\"network\":\"other\"}", "name", "all one ");
	lists("policies.list", "{\"network\":\"*\"}", "name", "all ");
	lists("policies.list", "{\"tier\":\"admin\"}", "name", "two ");
}

/* Every row of a list is what get answers. */
static void lists_and_gets_agree(void **state)
{
	char *one, *listed;

	(void)state;
	sl_object_extra = report;
	add_base();
	for (unsigned int i = 0; i < SL_COLL_COUNT; i++) {
		succeeds(method(samples[i].collection, "add"), samples[i].object, NULL);
		one = got(method(samples[i].collection, "get"), samples[i].key);
		listed = got(method(samples[i].collection, "list"), NULL);
		assert_non_null(strstr(listed, one));
		free(one);
		free(listed);
	}
}

static void allocated_identity_is_listed_as_such(void **state)
{
	(void)state;
	add_base();
	succeeds("endpoints.add",
		"{\"name\":\"e\",\"network\":\"base\",\"node\":\"base\",\"mac\":\"02:00:00:00:00:"
		"05\","
		"\"addresses\":[\"10.0.0.5\"],\"labels\":{\"app\":\"web\"}}",
		NULL);
	succeeds("identities.list", NULL,
		"[{\"id\":4096,\"labels\":{\"app\":\"web\"},\"allocated\":true}]");
	fails("identities.del", "{\"id\":4096}", "reference", "id");
}

static void single_calls_blame_the_parameter_itself(void **state)
{
	(void)state;
	add_base();
	fails("endpoints.add",
		"{\"name\":\"e\",\"network\":\"none\",\"node\":\"base\",\"mac\":\"02:00:00:00:00:"
		"05\","
		"\"addresses\":[\"10.0.0.5\"]}",
		"reference", "network");
}

static void refusal_by_the_device_reaches_the_caller(void **state)
{
	(void)state;
	ctrl.applier.fail = true;
	fails("networks.add", "{\"name\":\"n\",\"vni\":7}", "device", "devargs");
	ctrl.applier.fail = false;
	fails("networks.get", "{\"name\":\"n\"}", "not_found", "name");
}

static void transaction_does_all_operations(void **state)
{
	(void)state;
	succeeds("txn.apply",
		"{\"operations\":[{\"method\":\"routes.add\",\"params\":{\"prefix\":\"0.0.0.0/0\","
		"\"via\":\"192.0.2.254\",\"port\":\"p\"}},"
		"{\"method\":\"ports.add\",\"params\":{\"name\":\"p\",\"role\":\"underlay\","
		"\"devargs\":\"net_null0\"}},"
		"{\"method\":\"networks.add\",\"params\":{\"name\":\"n\",\"vni\":7}},"
		"{\"method\":\"networks.set\",\"params\":{\"name\":\"n\",\"vni\":8}},"
		"{\"method\":\"networks.del\",\"params\":{\"name\":\"n\"}}]}",
		"{\"applied\":5}");
	assert_string_equal(ctrl.applier.changes, "+routes:0.0.0.0/0 +ports:p ");
	assert_int_equal(ctrl.applier.prepared, 1);
	succeeds("txn.apply", "{\"operations\":[]}", "{\"applied\":0}");
}

static void transaction_with_one_bad_operation_does_none(void **state)
{
	static const char good[] =
		"{\"method\":\"networks.add\",\"params\":{\"name\":\"n\",\"vni\":7}}";
	char params[512];

	(void)state;
	snprintf(params, sizeof(params),
		"{\"operations\":[%s,{\"method\":\"nodes.del\",\"params\":{\"name\":\"x\"}}]}",
		good);
	fails("txn.apply", params, "not_found", "operations[1].params.name");
	snprintf(params, sizeof(params),
		"{\"operations\":[%s,{\"method\":\"nodes.add\",\"params\":{\"name\":\"x\"}}]}",
		good);
	fails("txn.apply", params, "params", "operations[1].params.address");
	snprintf(params, sizeof(params),
		"{\"operations\":[%s,{\"method\":\"routes.add\",\"params\":{\"prefix\":\"::/0\","
		"\"via\":\"2001:db8::1\",\"port\":\"x\"}}]}",
		good);
	fails("txn.apply", params, "reference", "operations[1].params.port");
	succeeds("networks.list", NULL, "[]");
}

static void only_changes_of_collections_stand_in_a_transaction(void **state)
{
	static const char *const others[] = {
		"networks.get", "networks.list", "txn.apply", "config.replace", "nothing.add", ""};
	char params[128];

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		snprintf(params, sizeof(params),
			"{\"operations\":[{\"method\":\"%s\",\"params\":{}}]}", others[i]);
		fails("txn.apply", params, "params", "operations[0].method");
	}
}

static void config_can_be_read_and_put_back(void **state)
{
	cJSON *json;
	char *text, params[4096];

	(void)state;
	add_base();
	succeeds("endpoints.add",
		"{\"name\":\"e\",\"network\":\"base\",\"node\":\"base\",\"mac\":\"02:00:00:00:00:"
		"05\","
		"\"addresses\":[\"10.0.0.5\"],\"labels\":{\"app\":\"web\"}}",
		NULL);
	json = call("config.get", NULL);
	text = cJSON_PrintUnformatted(sl_json_get(json, "result"));
	snprintf(params, sizeof(params), "{\"config\":%s}", text);
	succeeds("config.replace", params, "{\"added\":[],\"changed\":[],\"removed\":[]}");
	succeeds("config.replace", "{\"config\":{},\"dry_run\":true}", NULL);
	succeeds("config.get", NULL, text);
	free(text);
	cJSON_Delete(json);
}

static void config_replace_names_the_path_inside_config(void **state)
{
	(void)state;
	fails("config.replace",
		"{\"config\":{\"networks\":[{\"name\":\"a\",\"vni\":1},{\"name\":\"b\",\"vni\":1}]}"
		"}",
		"exists", "config.networks[1].vni");
	fails("config.replace", "{\"config\":{\"networks\":[{\"name\":\"a\"}]}}", "params",
		"config.networks[0].vni");
	fails("config.replace", "{}", "params", "config");
}

static void writing_needs_the_right_to(void **state)
{
	static const char request[] =
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":{}}";
	static const char *const writers[] = {
		"networks.add", "networks.set", "networks.del", "txn.apply", "config.replace"};

	(void)state;
	for (size_t i = 0; i < sizeof(writers) / sizeof(writers[0]); i++) {
		char text[128], *line;
		size_t len;

		snprintf(text, sizeof(text), request, writers[i]);
		line = sl_rpc_answer(&rpc, text, strlen(text), false, &len);
		assert_non_null(strstr(line, "-32005"));
		free(line);
	}
}

static void show_id(
	struct sl_ctrl *c, enum sl_collection_id coll, const struct sl_object *o, cJSON *json)
{
	assert_ptr_equal(c, &ctrl);
	if (coll == SL_COLL_NETWORKS)
		cJSON_ReplaceItemInObject(json, "vni", cJSON_CreateNumber(o->id * 1000));
}

static void daemon_can_add_to_what_is_shown(void **state)
{
	cJSON *json;

	(void)state;
	sl_object_extra = show_id;
	succeeds("networks.add", "{\"name\":\"n\",\"vni\":7}", NULL);
	json = call("networks.get", "{\"name\":\"n\"}");
	assert_int_equal(sl_json_get(sl_json_get(json, "result"), "vni")->valuedouble, 1000);
	cJSON_Delete(json);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(every_collection_lives_its_life),
		T(replies_are_the_object_as_stored),
		T(key_parameters_are_all_that_get_and_del_take),
		T(endpoint_is_shown_with_its_identity),
		T(what_get_prints_can_be_sent_back),
		T(lists_make_a_configuration_that_changes_nothing),
		T(an_allocated_identity_may_be_sent_back_anywhere),
		T(put_adds_or_replaces),
		T(del_of_what_is_missing_is_no_error_if_asked),
		T(pages_meet_each_row_once_whatever_comes_and_goes),
		T(lists_are_filtered_by_fields_and_labels),
		T(lists_and_gets_agree),
		T(allocated_identity_is_listed_as_such),
		T(single_calls_blame_the_parameter_itself),
		T(refusal_by_the_device_reaches_the_caller),
		T(transaction_does_all_operations),
		T(transaction_with_one_bad_operation_does_none),
		T(only_changes_of_collections_stand_in_a_transaction),
		T(config_can_be_read_and_put_back),
		T(config_replace_names_the_path_inside_config),
		T(writing_needs_the_right_to),
		T(daemon_can_add_to_what_is_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
