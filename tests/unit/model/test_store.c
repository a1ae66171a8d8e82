/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules between objects; ids; identities. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/lib/desired.h"

#define WEB                                                                                     \
	"{\"name\":\"web-1\",\"network\":\"blue\",\"port\":\"web-1\",\"mac\":\"02:00:00:00:00:" \
	"05\","                                                                                 \
	"\"addresses\":[\"10.0.0.5\"],\"labels\":{\"app\":\"web\"}}"
#define DB                                                                                      \
	"{\"name\":\"db-1\",\"network\":\"blue\",\"node\":\"node-b\",\"mac\":\"02:00:00:00:00:" \
	"06\","                                                                                 \
	"\"addresses\":[\"10.0.0.6\"],\"labels\":{\"app\":\"db\"}}"

static int setup(void **state)
{
	struct sl_store *s = sl_store_create(NULL, NULL);

	desired_fill(s);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	sl_store_destroy(*state);
	return 0;
}

/* The step must be refused at that path with all these words in the message, and change nothing. */
static void refused(struct sl_store *s, enum sl_txn_verb verb, const char *coll, const char *json,
	const char *path, const char *words)
{
	char *before = desired_text(s), *after, copy[200], *word, *save = NULL;
	struct sl_err e = {0};

	if (desired_do(s, verb, coll, json, &e) == 0)
		fail_msg("accepted: %s", json);
	assert_string_equal(e.path, path);
	snprintf(copy, sizeof(copy), "%s", words);
	for (word = strtok_r(copy, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save))
		if (strstr(e.message, word) == NULL)
			fail_msg("no %s in: %s", word, e.message);
	after = desired_text(s);
	assert_string_equal(before, after);
	free(before);
	free(after);
}

static uint16_t identity_of(struct sl_store *s, const char *endpoint)
{
	const struct sl_endpoint_obj *ep =
		(const struct sl_endpoint_obj *)sl_store_find(s, SL_COLL_ENDPOINTS, endpoint);

	assert_non_null(ep);
	return sl_store_identity_of(s, &ep->labels);
}

static void reference_to_nothing_names_both_ends(void **state)
{
	refused(*state, SL_TXN_ADD, "endpoints",
		"{\"name\":\"x\",\"network\":\"green\",\"port\":\"web-1\",\"mac\":\"02:00:00:00:00:"
		"05\","
		"\"addresses\":[\"10.0.0.5\"]}",
		"network", "endpoint \"x\" \"green\" exist");
	refused(*state, SL_TXN_ADD, "endpoints",
		"{\"name\":\"x\",\"network\":\"blue\",\"port\":\"none\",\"mac\":\"02:00:00:00:00:"
		"05\","
		"\"addresses\":[\"10.0.0.5\"]}",
		"port", "\"x\" \"none\"");
	refused(*state, SL_TXN_ADD, "endpoints",
		"{\"name\":\"x\",\"network\":\"blue\",\"node\":\"none\",\"mac\":\"02:00:00:00:00:"
		"05\","
		"\"addresses\":[\"10.0.0.5\"]}",
		"node", "\"x\" \"none\"");
	refused(*state, SL_TXN_ADD, "neighbors",
		"{\"port\":\"none\",\"address\":\"192.0.2.2\",\"mac\":\"02:00:00:00:0b:01\"}",
		"port", "\"none/192.0.2.2\" \"none\"");
	refused(*state, SL_TXN_ADD, "routes",
		"{\"prefix\":\"0.0.0.0/0\",\"via\":\"192.0.2.254\",\"port\":\"none\"}", "port",
		"\"0.0.0.0/0\" \"none\"");
}

static void removal_of_what_is_referred_to_names_the_referrers(void **state)
{
	struct sl_store *s = *state;
	struct sl_err e = {0};
	char json[512];

	for (int i = 0; i < 5; i++) {
		snprintf(json, sizeof(json),
			"{\"name\":\"e%d\",\"network\":\"blue\",\"node\":\"node-b\","
			"\"mac\":\"02:00:00:00:00:05\",\"addresses\":[\"10.0.0.%d\"]}",
			i, 10 + i);
		desired_must(s, SL_TXN_ADD, "endpoints", json);
	}
	assert_int_equal(desired_del(s, SL_COLL_NETWORKS, "blue", &e), -EBUSY);
	assert_int_equal(e.code, SL_ERR_REFERENCE);
	assert_string_equal(e.path, "name");
	assert_non_null(strstr(e.message, "network \"blue\""));
	assert_non_null(strstr(e.message, "endpoint \"e0\""));
	assert_non_null(strstr(e.message, "and 2 more"));
	for (int i = 0; i < 5; i++) {
		snprintf(json, sizeof(json), "e%d", i);
		desired_must_del(s, SL_COLL_ENDPOINTS, json);
	}
	desired_must_del(s, SL_COLL_NETWORKS, "blue");
}

static void vni_is_unique(void **state)
{
	refused(*state, SL_TXN_ADD, "networks", "{\"name\":\"green\",\"vni\":100}", "vni",
		"100 \"green\" \"blue\"");
}

static void node_address_is_unique(void **state)
{
	refused(*state, SL_TXN_ADD, "nodes", "{\"name\":\"node-c\",\"address\":\"192.0.2.2\"}",
		"address", "192.0.2.2 \"node-c\" \"node-b\"");
}

static void port_address_is_unique(void **state)
{
	refused(*state, SL_TXN_ADD, "ports",
		"{\"name\":\"up1\",\"role\":\"underlay\",\"devargs\":\"net_null9\","
		"\"addresses\":[\"192.0.2.1/25\"]}",
		"addresses[0]", "\"up1\" \"up0\"");
}

static void endpoint_address_is_unique_within_its_network_only(void **state)
{
	desired_must(*state, SL_TXN_ADD, "endpoints", WEB);
	refused(*state, SL_TXN_ADD, "endpoints",
		"{\"name\":\"x\",\"network\":\"blue\",\"node\":\"node-b\",\"mac\":\"02:00:00:00:00:"
		"07\","
		"\"addresses\":[\"10.0.0.9\",\"10.0.0.5\"]}",
		"addresses[1]", "10.0.0.5 \"x\" \"web-1\" \"blue\"");
	desired_must(*state, SL_TXN_ADD, "endpoints",
		"{\"name\":\"x\",\"network\":\"red\",\"node\":\"node-b\",\"mac\":\"02:00:00:00:00:"
		"07\","
		"\"addresses\":[\"10.0.0.5\"]}");
}

static void endpoint_address_is_in_a_subnet_and_no_gateway(void **state)
{
	refused(*state, SL_TXN_ADD, "endpoints",
		"{\"name\":\"x\",\"network\":\"blue\",\"node\":\"node-b\",\"mac\":\"02:00:00:00:00:"
		"07\","
		"\"addresses\":[\"10.0.1.5\"]}",
		"addresses[0]", "10.0.1.5 \"x\" \"blue\" subnets");
	refused(*state, SL_TXN_ADD, "endpoints",
		"{\"name\":\"x\",\"network\":\"blue\",\"node\":\"node-b\",\"mac\":\"02:00:00:00:00:"
		"07\","
		"\"addresses\":[\"10.0.0.1\"]}",
		"addresses[0]", "10.0.0.1 \"x\" \"blue\" gateway");
	refused(*state, SL_TXN_ADD, "endpoints",
		"{\"name\":\"x\",\"network\":\"blue\",\"node\":\"node-b\",\"mac\":\"02:00:00:00:00:"
		"07\","
		"\"addresses\":[\"10.0.0.255\"]}",
		"addresses[0]", "10.0.0.255 broadcast");
}

static void subnets_cannot_leave_endpoints_behind(void **state)
{
	desired_must(*state, SL_TXN_ADD, "endpoints", WEB);
	refused(*state, SL_TXN_SET, "networks",
		"{\"name\":\"blue\",\"vni\":100,\"subnets\":[{\"prefix\":\"10.9.0.0/24\"}]}",
		"subnets", "10.0.0.5 \"web-1\" \"blue\"");
	refused(*state, SL_TXN_SET, "networks",
		"{\"name\":\"blue\",\"vni\":100,\"subnets\":[{\"prefix\":\"10.0.0.0/24\","
		"\"gateway\":\"10.0.0.5\"}]}",
		"subnets", "10.0.0.5 \"web-1\" gateway");
	desired_must(*state, SL_TXN_SET, "networks", "{\"name\":\"blue\",\"vni\":100}");
}

static void local_endpoint_is_behind_an_access_port(void **state)
{
	refused(*state, SL_TXN_ADD, "endpoints",
		"{\"name\":\"x\",\"network\":\"blue\",\"port\":\"up0\",\"mac\":\"02:00:00:00:00:"
		"07\","
		"\"addresses\":[\"10.0.0.7\"]}",
		"port", "\"x\" \"up0\" underlay");
}

static void neighbors_and_routes_are_on_underlay_ports(void **state)
{
	refused(*state, SL_TXN_ADD, "neighbors",
		"{\"port\":\"web-1\",\"address\":\"192.0.2.2\",\"mac\":\"02:00:00:00:0b:01\"}",
		"port", "\"web-1\" access");
	refused(*state, SL_TXN_ADD, "routes",
		"{\"prefix\":\"0.0.0.0/0\",\"via\":\"192.0.2.254\",\"port\":\"web-1\"}", "port",
		"\"web-1\" access");
	desired_must(
		*state, SL_TXN_ADD, "routes", "{\"prefix\":\"0.0.0.0/0\",\"via\":\"192.0.2.254\"}");
}

static void role_cannot_change_under_what_is_on_the_port(void **state)
{
	desired_must(*state, SL_TXN_ADD, "endpoints", WEB);
	refused(*state, SL_TXN_SET, "ports",
		"{\"name\":\"web-1\",\"role\":\"underlay\",\"devargs\":\"net_null1\"}", "role",
		"\"web-1\" underlay endpoint");
	desired_must(*state, SL_TXN_ADD, "neighbors",
		"{\"port\":\"up0\",\"address\":\"192.0.2.2\",\"mac\":\"02:00:00:00:0b:01\"}");
	refused(*state, SL_TXN_SET, "ports",
		"{\"name\":\"up0\",\"role\":\"access\",\"devargs\":\"net_null0\"}", "role",
		"\"up0\" access neighbor");
	desired_must(*state, SL_TXN_SET, "ports",
		"{\"name\":\"db-1\",\"role\":\"underlay\",\"devargs\":\"net_null2\"}");
}

static void access_port_carries_one_network(void **state)
{
	struct sl_store *s = *state;
	struct sl_txn *t;
	struct sl_err e = {0};

	desired_must(s, SL_TXN_ADD, "endpoints", WEB);
	desired_must(s, SL_TXN_ADD, "endpoints",
		"{\"name\":\"web-2\",\"network\":\"blue\",\"port\":\"web-1\",\"mac\":\"02:00:00:00:"
		"00:07\","
		"\"addresses\":[\"10.0.0.7\"]}");
	refused(s, SL_TXN_ADD, "endpoints",
		"{\"name\":\"x\",\"network\":\"red\",\"port\":\"web-1\",\"mac\":\"02:00:00:00:00:"
		"08\","
		"\"addresses\":[\"10.0.0.8\"]}",
		"network", "\"x\" \"red\" \"web-1\" \"blue\"");
	/* the first one alone may not go either, all together may */
	refused(s, SL_TXN_SET, "endpoints",
		"{\"name\":\"web-1\",\"network\":\"red\",\"port\":\"web-1\",\"mac\":\"02:00:00:00:"
		"00:08\","
		"\"addresses\":[\"10.0.0.8\"]}",
		"network", "\"red\" \"blue\"");
	t = sl_txn_begin(s);
	assert_int_equal(desired_step(t, SL_TXN_SET, "endpoints",
				 "{\"name\":\"web-1\",\"network\":\"red\",\"port\":\"web-1\","
				 "\"mac\":\"02:00:00:00:00:08\",\"addresses\":[\"10.0.0.8\"]}",
				 &e),
		0);
	assert_int_equal(desired_step(t, SL_TXN_SET, "endpoints",
				 "{\"name\":\"web-2\",\"network\":\"red\",\"port\":\"web-1\","
				 "\"mac\":\"02:00:00:00:00:09\",\"addresses\":[\"10.0.0.9\"]}",
				 &e),
		0);
	assert_int_equal(sl_txn_commit(t, &e), 0);
}

static void names_may_be_exchanged_in_one_transaction(void **state)
{
	struct sl_store *s = *state;
	struct sl_txn *t = sl_txn_begin(s);
	struct sl_err e = {0};

	assert_int_equal(
		desired_step(t, SL_TXN_SET, "networks", "{\"name\":\"blue\",\"vni\":200}", &e), 0);
	assert_int_equal(
		desired_step(t, SL_TXN_SET, "networks", "{\"name\":\"red\",\"vni\":100}", &e), 0);
	assert_int_equal(sl_txn_commit(t, &e), 0);
}

static void labels_without_identity_get_one_allocated(void **state)
{
	struct sl_store *s = *state;
	uint16_t web;

	desired_must(s, SL_TXN_ADD, "endpoints", WEB);
	desired_must(s, SL_TXN_ADD, "endpoints", DB);
	web = identity_of(s, "web-1");
	assert_true(web >= 4096);
	assert_int_not_equal(web, identity_of(s, "db-1"));
	assert_int_equal(sl_store_count(s, SL_COLL_IDENTITIES), 2);
}

static void endpoints_of_equal_labels_share_an_identity(void **state)
{
	struct sl_store *s = *state;

	desired_must(s, SL_TXN_ADD, "endpoints", WEB);
	desired_must(s, SL_TXN_ADD, "endpoints",
		"{\"name\":\"web-2\",\"network\":\"blue\",\"node\":\"node-b\",\"mac\":\"02:00:00:"
		"00:00:07\","
		"\"addresses\":[\"10.0.0.7\"],\"labels\":{\"app\":\"web\"}}");
	assert_int_equal(identity_of(s, "web-1"), identity_of(s, "web-2"));
	desired_must_del(s, SL_COLL_ENDPOINTS, "web-1");
	assert_int_equal(sl_store_count(s, SL_COLL_IDENTITIES), 1);
}

static void allocated_identity_goes_with_its_last_endpoint_and_rests(void **state)
{
	struct sl_store *s = *state;
	uint16_t first;

	desired_must(s, SL_TXN_ADD, "endpoints", WEB);
	first = identity_of(s, "web-1");
	desired_must_del(s, SL_COLL_ENDPOINTS, "web-1");
	assert_int_equal(sl_store_count(s, SL_COLL_IDENTITIES), 0);
	desired_must(s, SL_TXN_ADD, "endpoints", WEB);
	assert_int_not_equal(identity_of(s, "web-1"), first);
}

static void declared_identity_takes_the_place_of_an_allocated_one(void **state)
{
	struct sl_store *s = *state;

	desired_must(s, SL_TXN_ADD, "endpoints", WEB);
	desired_must(s, SL_TXN_ADD, "identities", "{\"id\":1001,\"labels\":{\"app\":\"web\"}}");
	assert_int_equal(identity_of(s, "web-1"), 1001);
	assert_int_equal(sl_store_count(s, SL_COLL_IDENTITIES), 1);
	desired_must_del(s, SL_COLL_ENDPOINTS, "web-1");
	assert_int_equal(sl_store_count(s, SL_COLL_IDENTITIES), 1);
}

static void declared_identity_may_have_the_number_of_an_allocated_one(void **state)
{
	struct sl_store *s = *state;
	char json[128];
	uint16_t was;

	desired_must(s, SL_TXN_ADD, "endpoints", WEB);
	was = identity_of(s, "web-1");
	snprintf(json, sizeof(json), "{\"id\":%u,\"labels\":{\"app\":\"other\"}}", was);
	desired_must(s, SL_TXN_ADD, "identities", json);
	assert_int_not_equal(identity_of(s, "web-1"), was);
	assert_int_not_equal(identity_of(s, "web-1"), SL_IDENTITY_UNKNOWN);
	assert_int_equal(sl_store_count(s, SL_COLL_IDENTITIES), 2);
}

static void removal_of_a_declared_identity_leaves_its_endpoints_an_allocated_one(void **state)
{
	struct sl_store *s = *state;

	desired_must(s, SL_TXN_ADD, "identities", "{\"id\":1001,\"labels\":{\"app\":\"web\"}}");
	desired_must(s, SL_TXN_ADD, "endpoints", WEB);
	assert_int_equal(identity_of(s, "web-1"), 1001);
	desired_must_del(s, SL_COLL_IDENTITIES, "1001");
	assert_true(identity_of(s, "web-1") >= 4096);
}

static void allocated_identity_cannot_be_removed_by_hand(void **state)
{
	struct sl_store *s = *state;
	struct sl_err e = {0};
	char key[16];

	desired_must(s, SL_TXN_ADD, "endpoints", WEB);
	snprintf(key, sizeof(key), "%u", identity_of(s, "web-1"));
	assert_int_equal(desired_del(s, SL_COLL_IDENTITIES, key, &e), -EBUSY);
	assert_int_equal(e.code, SL_ERR_REFERENCE);
}

static void identity_labels_are_unique(void **state)
{
	desired_must(*state, SL_TXN_ADD, "identities",
		"{\"id\":1001,\"labels\":{\"a\":\"1\",\"b\":\"2\"}}");
	refused(*state, SL_TXN_ADD, "identities",
		"{\"id\":1002,\"labels\":{\"b\":\"2\",\"a\":\"1\"}}", "labels", "1001 1002");
}

static void endpoint_without_labels_has_an_identity_too(void **state)
{
	struct sl_store *s = *state;

	desired_must(s, SL_TXN_ADD, "endpoints",
		"{\"name\":\"x\",\"network\":\"blue\",\"node\":\"node-b\",\"mac\":\"02:00:00:00:00:"
		"07\","
		"\"addresses\":[\"10.0.0.7\"]}");
	assert_true(identity_of(s, "x") >= 4096);
}

static bool count_referrer(enum sl_collection_id by, const struct sl_object *o, void *ctx)
{
	assert_int_equal(by, SL_COLL_ENDPOINTS);
	assert_string_equal(o->key, "web-1");
	++*(int *)ctx;
	return true;
}

static void referrers_of_an_object_are_found(void **state)
{
	struct sl_store *s = *state;
	char key[16];
	int n = 0;

	desired_must(s, SL_TXN_ADD, "endpoints", WEB);
	sl_store_referrers(s, SL_COLL_NETWORKS, "blue", count_referrer, &n);
	sl_store_referrers(s, SL_COLL_PORTS, "web-1", count_referrer, &n);
	sl_store_referrers(s, SL_COLL_NODES, "node-b", count_referrer, &n);
	snprintf(key, sizeof(key), "%u", identity_of(s, "web-1"));
	sl_store_referrers(s, SL_COLL_IDENTITIES, key, count_referrer, &n);
	assert_int_equal(n, 3);
}

static void id_is_stable_over_changes_and_found_again(void **state)
{
	struct sl_store *s = *state;
	uint32_t id = sl_store_find(s, SL_COLL_NETWORKS, "red")->id;
	const struct sl_object *o;

	assert_true(id > 0);
	desired_must(s, SL_TXN_SET, "networks", "{\"name\":\"red\",\"vni\":201}");
	o = sl_store_find(s, SL_COLL_NETWORKS, "red");
	assert_int_equal(o->id, id);
	assert_ptr_equal(sl_store_by_id(s, SL_COLL_NETWORKS, id), o);
	desired_must_del(s, SL_COLL_NETWORKS, "red");
	assert_null(sl_store_by_id(s, SL_COLL_NETWORKS, id));
	assert_null(sl_store_by_id(s, SL_COLL_NETWORKS, UINT32_MAX));
	assert_null(sl_store_by_id(s, SL_COLL_NETWORKS, 0));
}

static void freed_id_rests_before_it_is_used_again(void **state)
{
	struct sl_store *s = *state;
	uint32_t id = sl_store_find(s, SL_COLL_NETWORKS, "red")->id, highest = 0;
	bool again = false;

	desired_must_del(s, SL_COLL_NETWORKS, "red");
	for (int i = 0; i < 500; i++) {
		uint32_t now;

		desired_must(s, SL_TXN_ADD, "networks", "{\"name\":\"n\",\"vni\":7}");
		now = sl_store_find(s, SL_COLL_NETWORKS, "n")->id;
		assert_true(i > 50 || now != id);
		again |= now == id;
		highest = now > highest ? now : highest;
		desired_must_del(s, SL_COLL_NETWORKS, "n");
	}
	assert_true(again);
	assert_true(highest < 80);
}

static void capacity_is_an_error_that_names_the_limit(void **state)
{
	struct sl_store *s = *state;
	struct sl_err e = {0};
	char json[128];

	for (unsigned int i = sl_store_count(s, SL_COLL_PORTS); i < SL_PORTS_MAX; i++) {
		snprintf(json, sizeof(json),
			"{\"name\":\"p%u\",\"role\":\"access\",\"devargs\":\"net_null%u\"}", i, i);
		desired_must(s, SL_TXN_ADD, "ports", json);
	}
	assert_int_equal(
		desired_do(s, SL_TXN_ADD, "ports",
			"{\"name\":\"one\",\"role\":\"access\",\"devargs\":\"net_null9999\"}", &e),
		-ENOSPC);
	assert_int_equal(e.code, SL_ERR_LIMIT);
	assert_non_null(strstr(e.message, "4096 ports"));
	desired_must_del(s, SL_COLL_PORTS, "p5");
	desired_must(s, SL_TXN_ADD, "ports",
		"{\"name\":\"one\",\"role\":\"access\",\"devargs\":\"net_null9999\"}");
}

static bool collect_name(const struct sl_object *o, void *ctx)
{
	strcat(ctx, o->key);
	strcat(ctx, " ");
	return strcmp(o->key, "web-1") != 0;
}

static void walk_is_in_order_of_insertion_and_can_end(void **state)
{
	char names[128] = "";

	desired_must(*state, SL_TXN_SET, "ports",
		"{\"name\":\"up0\",\"role\":\"underlay\",\"devargs\":\"net_null7\"}");
	sl_store_walk(*state, SL_COLL_PORTS, collect_name, names);
	assert_string_equal(names, "up0 web-1 ");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(reference_to_nothing_names_both_ends),
		T(removal_of_what_is_referred_to_names_the_referrers),
		T(vni_is_unique),
		T(node_address_is_unique),
		T(port_address_is_unique),
		T(endpoint_address_is_unique_within_its_network_only),
		T(endpoint_address_is_in_a_subnet_and_no_gateway),
		T(subnets_cannot_leave_endpoints_behind),
		T(local_endpoint_is_behind_an_access_port),
		T(neighbors_and_routes_are_on_underlay_ports),
		T(role_cannot_change_under_what_is_on_the_port),
		T(access_port_carries_one_network),
		T(names_may_be_exchanged_in_one_transaction),
		T(labels_without_identity_get_one_allocated),
		T(endpoints_of_equal_labels_share_an_identity),
		T(allocated_identity_goes_with_its_last_endpoint_and_rests),
		T(declared_identity_takes_the_place_of_an_allocated_one),
		T(declared_identity_may_have_the_number_of_an_allocated_one),
		T(removal_of_a_declared_identity_leaves_its_endpoints_an_allocated_one),
		T(allocated_identity_cannot_be_removed_by_hand),
		T(identity_labels_are_unique),
		T(endpoint_without_labels_has_an_identity_too),
		T(referrers_of_an_object_are_found),
		T(id_is_stable_over_changes_and_found_again),
		T(freed_id_rests_before_it_is_used_again),
		T(capacity_is_an_error_that_names_the_limit),
		T(walk_is_in_order_of_insertion_and_can_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
