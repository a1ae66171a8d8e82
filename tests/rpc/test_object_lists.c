/* SPDX-License-Identifier: BSD-3-Clause */
/* Answers can be sent back; put, and del of missing objects; pages and filters of lists. */
#include "object_test.h"

/* The object as a daemon might have shown it: with every number that its collection reports. */
static char *with_reported(const char *collection, const char *object)
{
	const struct sl_shape *s = sl_collection_named(collection)->reported;
	cJSON *json = cJSON_Parse(object);
	char *text;

	for (size_t i = 0; s != NULL && i < s->n_fields; i++)
		if (s->fields[i].type == SL_F_UINT || s->fields[i].type == SL_F_UINT64) {
			cJSON_DeleteItemFromObject(json, s->fields[i].name);
			cJSON_AddNumberToObject(json, s->fields[i].name, 7);
		}
	text = cJSON_PrintUnformatted(json);
	cJSON_Delete(json);
	assert_non_null(text);
	return text;
}

static char *got(const char *name, const char *params)
{
	cJSON *json = call(name, params);
	char *text = cJSON_PrintUnformatted(sl_json_get(json, "result"));

	cJSON_Delete(json);
	assert_non_null(text);
	return text;
}

/* Every verb that takes an object accepts the answer of get, and sees no change. */
static void what_get_prints_can_be_sent_back(void **state)
{
	char *object, *sent, params[4096], add[64];
	unsigned int committed;

	(void)state;
	add_base();
	for (unsigned int i = 0; i < SL_COLL_COUNT; i++)
		succeeds(method(samples[i].collection, "add"), samples[i].object, NULL);
	committed = ctrl.applier.committed;
	for (unsigned int i = 0; i < SL_COLL_COUNT; i++) {
		const char *c = samples[i].collection;

		object = got(method(c, "get"), samples[i].key);
		sent = with_reported(c, object);
		succeeds(method(c, "set"), sent, object);
		succeeds(method(c, "put"), sent, object);
		snprintf(params, sizeof(params),
			"{\"operations\":[{\"method\":\"%s.put\",\"params\":%s},"
			"{\"method\":\"%s.set\",\"params\":%s}]}",
			c, sent, c, sent);
		succeeds("txn.apply", params, "{\"applied\":2}");
		assert_int_equal(ctrl.applier.committed, committed);
		/* An unknown field is as wrong as ever. */
		snprintf(params, sizeof(params), "{\"unheard_of\":1,%s", object + 1);
		fails(method(c, "put"), params, "params", "unheard_of");
		free(sent);
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
	add_base();
	succeeds("endpoints.add",
		"{\"name\":\"e\",\"network\":\"base\",\"node\":\"base\",\"mac\":\"02:00:00:00:00:"
		"05\",\"addresses\":[\"10.0.0.5\"],\"labels\":{\"app\":\"web\"}}",
		NULL);
	succeeds("identities.put", row, row);
	succeeds("identities.list", "{\"allocated\":true}",
		"[{\"id\":4096,\"labels\":{\"app\":\"web\"},\"allocated\":true}]");
	succeeds("identities.list", "{\"allocated\":false}", "[]");
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

/* The values of the field in the rows of a list, each followed by a space. */
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
	/* the last of the page is removed, and one is added before it and one after it */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_get_prints_can_be_sent_back),
		T(lists_make_a_configuration_that_changes_nothing),
		T(an_allocated_identity_may_be_sent_back_anywhere),
		T(put_adds_or_replaces),
		T(del_of_what_is_missing_is_no_error_if_asked),
		T(pages_meet_each_row_once_whatever_comes_and_goes),
		T(lists_are_filtered_by_fields_and_labels),
		T(lists_and_gets_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
