/* SPDX-License-Identifier: BSD-3-Clause */
/* The methods on objects through the dispatcher: lives, replies, transactions, rights. */
#include "object_test.h"

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
		"\"policy_default\":{\"ingress\":\"deny\",\"egress\":\"deny\"},\"pickup\":true,"
		"\"reject\":false,"
		"\"flood\":false,\"flood_rate\":1000,\"mac_ageing\":300}";

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(every_collection_lives_its_life),
		T(replies_are_the_object_as_stored),
		T(key_parameters_are_all_that_get_and_del_take),
		T(endpoint_is_shown_with_its_identity),
		T(allocated_identity_is_listed_as_such),
		T(single_calls_blame_the_parameter_itself),
		T(refusal_by_the_device_reaches_the_caller),
		T(transaction_does_all_operations),
		T(transaction_with_one_bad_operation_does_none),
		T(only_changes_of_collections_stand_in_a_transaction),
		T(config_can_be_read_and_put_back),
		T(config_replace_names_the_path_inside_config),
		T(writing_needs_the_right_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
