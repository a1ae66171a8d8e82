/* SPDX-License-Identifier: BSD-3-Clause */
/* Routes of networks as objects: what they may say, and what they hold in place. */
#include "ctrl/objects/routes.h"
#include "tests/unit/model/journal_test.h"

#define ROUTE(more) "{\"network\":\"blue\",\"prefix\":\"10.50.0.0/16\"," more "}"
#define TO(target)  ROUTE("\"targets\":[" target "]")
#define GREEN	    "{\"name\":\"green\",\"vni\":7}"
#define GREEN_EP                                                                                   \
	"{\"name\":\"r\",\"network\":\"green\",\"node\":\"node-b\",\"mac\":\"02:00:00:00:00:99\"," \
	"\"addresses\":[\"10.0.0.99\"]}"

#define WEB                                                                                     \
	"{\"name\":\"web-1\",\"network\":\"blue\",\"port\":\"web-1\",\"mac\":\"02:00:00:00:00:" \
	"05\","                                                                                 \
	"\"addresses\":[\"10.0.0.5\"]}"

static void refused(struct fixture *f, const char *json, const char *path, const char *message)
{
	struct sl_err e = {0};

	assert_int_not_equal(desired_do(f->store, SL_TXN_PUT, "routes", json, &e), 0);
	if (strcmp(e.path, path) != 0 || strstr(e.message, message) == NULL)
		fail_msg("%s: %s: %s (%s)", json, e.path, e.message, e.hint);
}

static void route_that_cannot_be_is_refused(void **state)
{
	struct fixture *f = *state;

	desired_fill(f->store);
	desired_must(f->store, SL_TXN_ADD, "networks", GREEN);
	desired_must(f->store, SL_TXN_ADD, "endpoints", WEB);
	desired_must(f->store, SL_TXN_ADD, "endpoints", GREEN_EP);
	refused(f, ROUTE("\"blackhole\":false"), "targets", "neither targets nor blackhole");
	refused(f, ROUTE("\"blackhole\":true,\"targets\":[{\"node\":\"node-b\"}]"), "blackhole",
		"both targets and blackhole");
	refused(f, ROUTE("\"via\":\"192.0.2.7\""), "via", "has targets, not via");
	refused(f, TO("{}"), "targets[0]", "names nothing");
	refused(f, TO("{\"node\":\"node-b\"},{\"node\":\"node-b\",\"network\":\"green\"}"),
		"targets[1]", "more than one");
	refused(f, TO("{\"network\":\"blue\"}"), "targets[0].network", "into itself");
	refused(f, TO("{\"node\":\"node-b\",\"weight\":65}"), "targets[0].weight", "");
	refused(f, TO("{\"node\":\"nowhere\"}"), "targets[0].node", "does not exist");
	refused(f, TO("{\"node\":\"node-b\"},{\"endpoint\":\"none\"}"), "targets[1].endpoint",
		"does not exist");
	refused(f, TO("{\"endpoint\":\"r\"}"), "targets[0].endpoint", "is in network \"green\"");
	refused(f, TO("{\"host\":\"web-1\"}"), "targets[0].host", "is no host");
}

static void what_a_route_names_cannot_be_removed_before_it(void **state)
{
	struct fixture *f = *state;
	struct sl_err e = {0};

	desired_fill(f->store);
	desired_must(f->store, SL_TXN_ADD, "networks", GREEN);
	desired_must(f->store, SL_TXN_ADD, "endpoints", WEB);
	desired_must(f->store, SL_TXN_ADD, "routes",
		TO("{\"endpoint\":\"web-1\"},{\"network\":\"green\"}"));
	assert_int_not_equal(desired_del(f->store, SL_COLL_NETWORKS, "green", &e), 0);
	assert_non_null(strstr(e.message, "route \"blue/10.50.0.0/16\""));
	assert_int_not_equal(desired_del(f->store, SL_COLL_ENDPOINTS, "web-1", &e), 0);
	desired_must_del(f->store, SL_COLL_ROUTES, "blue/10.50.0.0/16");
	desired_must_del(f->store, SL_COLL_NETWORKS, "green");
}

static void one_prefix_may_be_in_several_networks_and_the_underlay(void **state)
{
	struct fixture *f = *state;

	desired_fill(f->store);
	desired_must(f->store, SL_TXN_ADD, "networks", GREEN);
	desired_must(f->store, SL_TXN_ADD, "endpoints", WEB);
	desired_must(f->store, SL_TXN_ADD, "routes", ROUTE("\"blackhole\":true"));
	desired_must(f->store, SL_TXN_ADD, "routes",
		"{\"network\":\"green\",\"prefix\":\"10.50.0.0/16\",\"blackhole\":true}");
	desired_must(f->store, SL_TXN_ADD, "routes",
		"{\"prefix\":\"10.50.0.0/16\",\"via\":\"192.0.2.7\"}");
	assert_non_null(sl_store_find(f->store, SL_COLL_ROUTES, "10.50.0.0/16"));
	assert_non_null(sl_store_find(f->store, SL_COLL_ROUTES, "green/10.50.0.0/16"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(route_that_cannot_be_is_refused),
		T(what_a_route_names_cannot_be_removed_before_it),
		T(one_prefix_may_be_in_several_networks_and_the_underlay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
