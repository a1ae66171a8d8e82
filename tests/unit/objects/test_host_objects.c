/* SPDX-License-Identifier: BSD-3-Clause */
/* Hosts as objects: endpoints that are hosts, host TAPs, and policies about hosts. */
#include "ctrl/objects/endpoints.h"
#include "ctrl/objects/policies.h"
#include "tests/unit/model/journal_test.h"

#define EP(more)                                                                             \
	"{\"name\":\"h\",\"network\":\"blue\",\"mac\":\"02:00:00:00:00:99\",\"addresses\":[" \
	"\"10.0.0.99\"]," more "}"
#define PORT(role, more) \
	"{\"name\":\"p\",\"role\":\"" role "\",\"devargs\":\"net_af_packet9,iface=nic\"," more "}"
#define POLICY(subject, peers)                                                                 \
	"{\"name\":\"p\",\"network\":\"blue\",\"direction\":\"ingress\",\"action\":\"allow\"," \
	"\"subject\":" subject ",\"peers\":" peers "}"
#define WEB "{\"labels\":{\"app\":\"web\"}}"

static void refused(struct fixture *f, const char *collection, const char *json, const char *path,
	const char *message)
{
	struct sl_err e = {0};

	assert_int_not_equal(desired_do(f->store, SL_TXN_PUT, collection, json, &e), 0);
	if (strcmp(e.path, path) != 0 || strstr(e.message, message) == NULL || e.hint[0] == '\0')
		fail_msg("%s: %s: %s (%s)", json, e.path, e.message, e.hint);
}

static const struct sl_endpoint_obj *endpoint(const struct fixture *f)
{
	return (const struct sl_endpoint_obj *)sl_store_find(f->store, SL_COLL_ENDPOINTS, "h");
}

static void endpoint_may_be_this_host_or_another(void **state)
{
	struct fixture *f = *state;
	char name[SL_HOST_PORT_LEN];

	desired_fill(f->store);
	desired_must(f->store, SL_TXN_ADD, "endpoints", EP("\"host\":{\"name\":\"blue-h\"}"));
	assert_true(sl_endpoint_is_host_here(endpoint(f)));
	assert_int_equal(sl_endpoint_identity(f->store, endpoint(f)), SL_IDENTITY_HOST);
	assert_string_equal(sl_endpoint_port(endpoint(f), name), "host/h");
	desired_must(f->store, SL_TXN_SET, "endpoints",
		EP("\"node\":\"node-b\",\"host\":{\"name\":\"blue-h\"}"));
	assert_false(sl_endpoint_is_host_here(endpoint(f)) || sl_endpoint_is_local(endpoint(f)));
	assert_int_equal(sl_endpoint_identity(f->store, endpoint(f)), SL_IDENTITY_HOST);
}

static void host_endpoint_that_cannot_be_is_refused(void **state)
{
	struct fixture *f = *state;

	desired_fill(f->store);
	desired_must(f->store, SL_TXN_ADD, "ports",
		PORT("underlay", "\"host_tap\":{\"name\":\"nich\"}"));
	refused(f, "endpoints", EP("\"port\":\"web-1\",\"host\":{\"name\":\"x\"}"), "host",
		"both a port and a host");
	refused(f, "endpoints", EP("\"labels\":{}"), "port",
		"neither a port nor a node nor a host");
	refused(f, "endpoints", EP("\"labels\":{\"a\":\"b\"},\"host\":{\"name\":\"x\"}"), "labels",
		"hosts have no labels");
	refused(f, "endpoints", EP("\"host\":{\"name\":\"..\"}"), "host.name",
		"no name of a kernel");
	refused(f, "endpoints", EP("\"host\":{\"name\":\"a b\"}"), "host.name",
		"no name of a kernel");
	refused(f, "endpoints", EP("\"host\":{\"name\":\"nic\"}"), "host.name", "port \"p\"");
	refused(f, "endpoints", EP("\"host\":{\"name\":\"nich\"}"), "host.name", "port \"p\"");
}

static void host_tap_that_cannot_be_is_refused(void **state)
{
	struct fixture *f = *state;

	refused(f, "ports", PORT("access", "\"host_tap\":{\"name\":\"x\"}"), "host_tap",
		"only underlay ports");
	refused(f, "ports", PORT("underlay", "\"host_tap\":{\"name\":\"a/b\"}"), "host_tap.name",
		"no name of a kernel");
	refused(f, "ports", PORT("underlay", "\"host_tap\":{\"name\":\"nic\"}"), "host_tap.name",
		"interface of that name");
}

#define NAMED(name, more) "{\"name\":\"" name "\",\"role\":\"underlay\"," more "}"

static void port_may_not_have_the_name_of_a_hosts_tap(void **state)
{
	struct fixture *f = *state;

	desired_fill(f->store);
	desired_must(f->store, SL_TXN_ADD, "ports",
		PORT("underlay", "\"host_tap\":{\"name\":\"nich\"}"));
	desired_must(f->store, SL_TXN_ADD, "endpoints", EP("\"host\":{\"name\":\"blue-h\"}"));
	refused(f, "ports", NAMED("p/host", "\"interface\":\"x\""), "name", "\"p\"");
	refused(f, "ports", NAMED("host/h", "\"interface\":\"x\""), "name", "\"h\"");
	desired_must(f->store, SL_TXN_ADD, "ports", NAMED("q/host", "\"interface\":\"x\""));
	refused(f, "ports", NAMED("q", "\"interface\":\"y\",\"host_tap\":{\"name\":\"yh\"}"),
		"host_tap", "\"q/host\"");
	desired_must_del(f->store, SL_COLL_ENDPOINTS, "h");
	desired_must(f->store, SL_TXN_ADD, "ports", NAMED("host/h", "\"interface\":\"z\""));
	refused(f, "endpoints", EP("\"host\":{\"name\":\"blue-h\"}"), "name", "\"host/h\"");
}

static void port_may_not_be_on_a_host_tap(void **state)
{
	struct fixture *f = *state;

	desired_must(f->store, SL_TXN_ADD, "ports",
		PORT("underlay", "\"host_tap\":{\"name\":\"nich\"}"));
	refused(f, "ports", NAMED("q", "\"interface\":\"nich\""), "interface", "interface nich");
	refused(f, "ports", NAMED("q", "\"tap\":{\"name\":\"nich\"}"), "tap", "interface nich");
	refused(f, "ports", NAMED("q", "\"devargs\":\"net_af_packet0,iface=nich\""), "devargs",
		"interface nich");
	desired_must(f->store, SL_TXN_ADD, "ports",
		NAMED("q", "\"tap\":{\"name\":\"nich\",\"netns\":\"/run/netns/x\"}"));
}

static void policy_may_be_for_hosts_and_about_hosts(void **state)
{
	struct fixture *f = *state;
	const struct sl_policy_obj *p;

	desired_fill(f->store);
	desired_must(f->store, SL_TXN_ADD, "policies",
		POLICY("{\"entity\":\"host\"}", "[{\"entity\":\"host\"}," WEB "]"));
	p = (const struct sl_policy_obj *)sl_store_find(f->store, SL_COLL_POLICIES, "p");
	assert_true(p->subject.has_entity && !p->subject.has_labels);
	refused(f, "policies", POLICY("{}", "[" WEB "]"), "subject.labels", "neither labels nor");
	refused(f, "policies",
		POLICY("{\"entity\":\"host\",\"labels\":{\"a\":\"b\"}}", "[" WEB "]"),
		"subject.entity", "both labels and an entity");
	refused(f, "policies", POLICY(WEB, "[{\"entity\":\"gateway\"}]"), "peers[0].entity",
		"under no policy");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(endpoint_may_be_this_host_or_another),
		T(host_endpoint_that_cannot_be_is_refused),
		T(host_tap_that_cannot_be_is_refused),
		T(port_may_not_have_the_name_of_a_hosts_tap),
		T(port_may_not_be_on_a_host_tap),
		T(policy_may_be_for_hosts_and_about_hosts),
	};

	return cmocka_run_group_tests_name("host_objects", tests, NULL, NULL);
}
