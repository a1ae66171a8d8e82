/* SPDX-License-Identifier: BSD-3-Clause */
/* `outside` of networks as an object: what it may say, and what it holds. */
#include "ctrl/objects/networks.h"
#include "tests/unit/model/journal_test.h"

#define NET(outside) "{\"name\":\"blue\",\"vni\":100,\"outside\":" outside "}"
#define HOST                                                                                 \
	"{\"name\":\"h\",\"network\":\"blue\",\"mac\":\"02:00:00:00:00:99\",\"addresses\":[" \
	"\"10.0.0.99\"],\"host\":{\"name\":\"blue-h\"}}"
#define FAR                                                                                    \
	"{\"name\":\"far\",\"network\":\"blue\",\"mac\":\"02:00:00:00:00:98\",\"addresses\":[" \
	"\"10.0.0.98\"],\"node\":\"node-b\"}"

static void refused(struct fixture *f, const char *json, const char *path, const char *message)
{
	struct sl_err e = {0};

	assert_int_not_equal(desired_do(f->store, SL_TXN_PUT, "networks", json, &e), 0);
	if (strcmp(e.path, path) != 0 || strstr(e.message, message) == NULL || e.hint[0] == '\0')
		fail_msg("%s: %s: %s (%s)", json, e.path, e.message, e.hint);
}

static const struct sl_network_obj *blue(const struct fixture *f)
{
	return (const struct sl_network_obj *)sl_store_find(f->store, SL_COLL_NETWORKS, "blue");
}

static void network_may_leave_in_three_ways(void **state)
{
	struct fixture *f = *state;

	desired_fill(f->store);
	assert_false(blue(f)->has_outside);
	desired_must(f->store, SL_TXN_ADD, "endpoints", HOST);
	desired_must(
		f->store, SL_TXN_SET, "networks", NET("{\"via\":\"host\",\"endpoint\":\"h\"}"));
	assert_int_equal(blue(f)->outside.via, SL_OUTSIDE_VIA_HOST);
	desired_must(f->store, SL_TXN_SET, "networks", NET("{\"via\":\"nat\"}"));
	desired_must(f->store, SL_TXN_SET, "networks",
		NET("{\"via\":\"nat\",\"port\":\"up0\",\"addresses\":[\"192.0.2.7\","
		    "\"2001:db8::7\"],\"ports\":\"2000-2999\"}"));
	assert_int_equal(blue(f)->outside.addresses.n, 2);
	desired_must(
		f->store, SL_TXN_SET, "networks", NET("{\"via\":\"node\",\"node\":\"node-b\"}"));
	assert_string_equal(blue(f)->outside.node, "node-b");
}

static void way_out_that_cannot_be_is_refused(void **state)
{
	struct fixture *f = *state;

	desired_fill(f->store);
	desired_must(f->store, SL_TXN_ADD, "endpoints", FAR);
	refused(f, NET("{\"via\":\"host\"}"), "outside.endpoint", "needs the name");
	refused(f, NET("{\"via\":\"node\"}"), "outside.node", "needs the name");
	refused(f, NET("{\"via\":\"nat\",\"node\":\"node-b\"}"), "outside.node", "not for");
	refused(f, NET("{\"via\":\"node\",\"node\":\"node-b\",\"ports\":\"1-2\"}"), "outside.ports",
		"not for");
	refused(f, NET("{\"via\":\"nat\",\"ports\":\"2-1\"}"), "outside.ports", "no range");
	refused(f, NET("{\"via\":\"nat\",\"ports\":\"0-99\"}"), "outside.ports", "no range");
	refused(f, NET("{\"via\":\"nat\",\"ports\":\"1-65536\"}"), "outside.ports", "no range");
	refused(f, NET("{\"via\":\"nat\",\"ports\":\"1-2x\"}"), "outside.ports", "no range");
	refused(f, NET("{\"via\":\"nat\",\"port\":\"web-1\"}"), "outside.port", "no underlay port");
	refused(f, NET("{\"via\":\"nat\",\"port\":\"none\"}"), "outside.port", "does not exist");
	refused(f, NET("{\"via\":\"host\",\"endpoint\":\"far\"}"), "outside.endpoint",
		"not this node's host");
	assert_false(blue(f)->has_outside);
}

static void host_of_another_network_is_refused(void **state)
{
	struct fixture *f = *state;

	desired_fill(f->store);
	desired_must(f->store, SL_TXN_ADD, "endpoints", HOST);
	refused(f,
		"{\"name\":\"red\",\"vni\":200,\"outside\":{\"via\":\"host\",\"endpoint\":\"h\"}}",
		"outside.endpoint", "in network \"blue\"");
}

static void what_a_way_out_names_cannot_be_removed(void **state)
{
	struct fixture *f = *state;
	struct sl_err e = {0};

	desired_fill(f->store);
	desired_must(f->store, SL_TXN_ADD, "endpoints", HOST);
	desired_must(
		f->store, SL_TXN_SET, "networks", NET("{\"via\":\"host\",\"endpoint\":\"h\"}"));
	assert_int_not_equal(desired_del(f->store, SL_COLL_ENDPOINTS, "h", &e), 0);
	assert_non_null(strstr(e.message, "network \"blue\""));
	desired_must(
		f->store, SL_TXN_SET, "networks", NET("{\"via\":\"node\",\"node\":\"node-b\"}"));
	assert_int_not_equal(desired_del(f->store, SL_COLL_NODES, "node-b", &e), 0);
	desired_must_del(f->store, SL_COLL_ENDPOINTS, "h");
}

static void default_range_leaves_the_hosts_ports_alone(void **state)
{
	struct fixture *f = *state;
	struct sl_port_range r;

	desired_fill(f->store);
	desired_must(f->store, SL_TXN_SET, "networks", NET("{\"via\":\"nat\"}"));
	r = sl_outside_range(f->store, &blue(f)->outside);
	assert_int_equal(r.first, 1024);
	assert_int_equal(r.last, 65535);
	desired_must(f->store, SL_TXN_ADD, "ports",
		"{\"name\":\"p\",\"role\":\"underlay\",\"devargs\":\"net_null7\","
		"\"host_tap\":{\"name\":\"nich\"}}");
	r = sl_outside_range(f->store, &blue(f)->outside);
	assert_int_equal(r.last, 32767);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(network_may_leave_in_three_ways),
		T(way_out_that_cannot_be_is_refused),
		T(host_of_another_network_is_refused),
		T(what_a_way_out_names_cannot_be_removed),
		T(default_range_leaves_the_hosts_ports_alone),
	};

	return cmocka_run_group_tests_name("outside objects", tests, NULL, NULL);
}
