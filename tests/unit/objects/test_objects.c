/* SPDX-License-Identifier: BSD-3-Clause */
/* Valid and invalid objects: shapes and their checks. test_store has references between objects. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ctrl/shape/json.h"
#include "ctrl/model/conf.h"
#include "ctrl/objects/collections.h"
#include "ctrl/objects/endpoints.h"
#include "ctrl/objects/identities.h"
#include "ctrl/objects/neighbors.h"
#include "ctrl/objects/networks.h"
#include "ctrl/objects/nodes.h"
#include "ctrl/objects/policies.h"
#include "ctrl/objects/ports.h"
#include "ctrl/objects/routes.h"
#include "sluice/encap.h"

union any {
	struct sl_port_obj port;
	struct sl_network_obj network;
	struct sl_node_obj node;
	struct sl_neighbor_obj neighbor;
	struct sl_route_obj route;
	struct sl_identity_obj identity;
	struct sl_endpoint_obj endpoint;
	struct sl_policy_obj policy;
	struct sl_workers_conf workers;
	struct sl_node_self self;
};

static int decode(const struct sl_shape *s, const char *text, union any *out, struct sl_err *e)
{
	cJSON *json = sl_json_parse(text, strlen(text), e);
	int ret;

	assert_non_null(json);
	memset(out, 0, sizeof(*out));
	memset(e, 0, sizeof(*e));
	ret = sl_shape_decode(s, json, out, e);
	cJSON_Delete(json);
	return ret;
}

static void append(void *ctx, const char *s, size_t len)
{
	strncat(ctx, s, len);
}

/* Text made piece by piece is the text of the tree. */
static void assert_written_as_encoded(const struct sl_shape *s, const void *obj)
{
	static char text[65536];
	const struct sl_text_out out = {.ctx = text, .put = append};
	cJSON *json = sl_shape_encode(s, obj);
	char *printed = cJSON_PrintUnformatted(json);

	text[0] = '\0';
	assert_true(sl_shape_write(s, obj, &out));
	assert_string_equal(text, printed);
	cJSON_free(printed);
	cJSON_Delete(json);
}

static void accept(const struct sl_shape *s, const char *text)
{
	struct sl_err e;
	union any o;

	if (decode(s, text, &o, &e) != 0)
		fail_msg("%s: %s: %s", text, e.path, e.message);
	assert_written_as_encoded(s, &o);
	sl_shape_fini(s, &o);
}

static void refuse(const struct sl_shape *s, const char *text, const char *path)
{
	struct sl_err e;
	union any o;

	if (decode(s, text, &o, &e) == 0)
		fail_msg("accepted: %s", text);
	assert_string_equal(e.path, path);
	assert_int_not_equal(e.code, SL_ERR_NONE);
	assert_true(e.message[0] != '\0');
}

#define PORT(more)     "{\"name\":\"p\",\"devargs\":\"net_null0\"," more "}"
#define ENDPOINT(more) "{\"name\":\"e\",\"network\":\"n\",\"mac\":\"02:00:00:00:00:05\"," more "}"
#define POLICY(more)                                                                 \
	"{\"name\":\"p\",\"network\":\"blue\",\"direction\":\"ingress\",\"action\":" \
	"\"allow\"," more "}"
#define SUBJECT "\"subject\":{\"labels\":{\"app\":\"db\"}}"

static void access_port_with_addresses_is_refused(void **state)
{
	(void)state;
	accept(&sl_shape_port, PORT("\"role\":\"access\""));
	accept(&sl_shape_port, PORT("\"role\":\"underlay\",\"addresses\":[\"192.0.2.1/24\"]"));
	refuse(&sl_shape_port, PORT("\"role\":\"access\",\"addresses\":[\"192.0.2.1/24\"]"),
		"addresses");
}

static void port_address_that_names_no_host_is_refused(void **state)
{
	(void)state;
	refuse(&sl_shape_port, PORT("\"role\":\"underlay\",\"addresses\":[\"192.0.2.0/24\"]"),
		"addresses[0]");
	refuse(&sl_shape_port, PORT("\"role\":\"underlay\",\"addresses\":[\"192.0.2.255/24\"]"),
		"addresses[0]");
	refuse(&sl_shape_port, PORT("\"role\":\"underlay\",\"addresses\":[\"224.0.0.1/24\"]"),
		"addresses[0]");
	accept(&sl_shape_port, PORT("\"role\":\"underlay\",\"addresses\":[\"192.0.2.0/31\"]"));
	accept(&sl_shape_port, PORT("\"role\":\"underlay\",\"addresses\":[\"192.0.2.255/32\"]"));
	accept(&sl_shape_port, PORT("\"role\":\"underlay\",\"addresses\":[\"2001:db8::1/64\"]"));
}

static void port_names_a_worker_for_each_queue_or_none(void **state)
{
	(void)state;
	accept(&sl_shape_port, PORT("\"role\":\"access\",\"queues\":2,\"workers\":[0,1]"));
	refuse(&sl_shape_port, PORT("\"role\":\"access\",\"queues\":2,\"workers\":[0]"), "workers");
}

static void vni_is_between_1_and_24_bits(void **state)
{
	(void)state;
	accept(&sl_shape_network, "{\"name\":\"n\",\"vni\":1}");
	accept(&sl_shape_network, "{\"name\":\"n\",\"vni\":16777215}");
	refuse(&sl_shape_network, "{\"name\":\"n\",\"vni\":0}", "vni");
	refuse(&sl_shape_network, "{\"name\":\"n\",\"vni\":16777216}", "vni");
	refuse(&sl_shape_network, "{\"name\":\"n\"}", "vni");
}

static void network_denies_and_enforces_unless_told_otherwise(void **state)
{
	struct sl_err e;
	union any o;

	(void)state;
	assert_int_equal(decode(&sl_shape_network, "{\"name\":\"n\",\"vni\":1}", &o, &e), 0);
	assert_int_equal(o.network.policy_default.ingress, 0);
	assert_int_equal(o.network.policy_default.egress, 0);
	assert_int_equal(o.network.policy_mode, 0);
	sl_shape_fini(&sl_shape_network, &o);
}

static void every_encapsulation_is_a_network_encap(void **state)
{
#define X(id, text, sym) \
	accept(&sl_shape_network, "{\"name\":\"n\",\"vni\":1,\"encap\":\"" text "\"}");
	(void)state;
	SL_ENCAP_LIST(X)
#undef X
	refuse(&sl_shape_network, "{\"name\":\"n\",\"vni\":1,\"encap\":\"gre\"}", "encap");
}

static void gateway_outside_its_subnet_is_refused(void **state)
{
	(void)state;
	accept(&sl_shape_network,
		"{\"name\":\"n\",\"vni\":1,\"subnets\":[{\"prefix\":\"10.0.0.0/24\","
		"\"gateway\":\"10.0.0.1\"},{\"prefix\":\"10.0.1.0/24\"}]}");
	refuse(&sl_shape_network,
		"{\"name\":\"n\",\"vni\":1,\"subnets\":[{\"prefix\":\"10.0.0.0/24\","
		"\"gateway\":\"10.0.1.1\"}]}",
		"subnets[0].gateway");
	refuse(&sl_shape_network,
		"{\"name\":\"n\",\"vni\":1,\"subnets\":[{\"prefix\":\"10.0.0.0/24\","
		"\"gateway\":\"10.0.0.255\"}]}",
		"subnets[0].gateway");
}

static void overlapping_subnets_are_refused(void **state)
{
	(void)state;
	refuse(&sl_shape_network,
		"{\"name\":\"n\",\"vni\":1,\"subnets\":[{\"prefix\":\"10.0.0.0/24\"},"
		"{\"prefix\":\"10.0.0.0/16\"}]}",
		"subnets[1].prefix");
	accept(&sl_shape_network,
		"{\"name\":\"n\",\"vni\":1,\"subnets\":[{\"prefix\":\"10.0.0.0/24\"},"
		"{\"prefix\":\"2001:db8::/64\"}]}");
}

static void endpoint_has_exactly_one_of_port_and_node(void **state)
{
	(void)state;
	accept(&sl_shape_endpoint, ENDPOINT("\"port\":\"p\",\"addresses\":[\"10.0.0.5\"]"));
	accept(&sl_shape_endpoint, ENDPOINT("\"node\":\"b\",\"addresses\":[\"10.0.0.5\"]"));
	refuse(&sl_shape_endpoint, ENDPOINT("\"addresses\":[\"10.0.0.5\"]"), "port");
	refuse(&sl_shape_endpoint,
		ENDPOINT("\"port\":\"p\",\"node\":\"b\",\"addresses\":[\"10.0.0.5\"]"), "node");
}

static void endpoint_has_at_least_one_unicast_address(void **state)
{
	(void)state;
	refuse(&sl_shape_endpoint, ENDPOINT("\"port\":\"p\",\"addresses\":[]"), "addresses");
	refuse(&sl_shape_endpoint, ENDPOINT("\"port\":\"p\""), "addresses");
	refuse(&sl_shape_endpoint,
		ENDPOINT("\"port\":\"p\",\"addresses\":[\"10.0.0.5\",\"224.0.0.1\"]"),
		"addresses[1]");
	refuse(&sl_shape_endpoint, ENDPOINT("\"port\":\"p\",\"addresses\":[\"255.255.255.255\"]"),
		"addresses[0]");
	refuse(&sl_shape_endpoint, ENDPOINT("\"port\":\"p\",\"addresses\":[\"ff02::1\"]"),
		"addresses[0]");
	refuse(&sl_shape_endpoint, ENDPOINT("\"port\":\"p\",\"addresses\":[\"::1\"]"),
		"addresses[0]");
	refuse(&sl_shape_endpoint, ENDPOINT("\"port\":\"p\",\"addresses\":[\"::\"]"),
		"addresses[0]");
}

static void unknown_field_is_named_with_a_suggestion(void **state)
{
	struct sl_err e;
	union any o;

	(void)state;
	assert_int_not_equal(
		decode(&sl_shape_endpoint, ENDPOINT("\"port\":\"p\",\"adresses\":[\"10.0.0.5\"]"),
			&o, &e),
		0);
	assert_string_equal(e.path, "adresses");
	assert_non_null(strstr(e.hint, "addresses"));
}

static void labels_keep_to_their_alphabet_and_length(void **state)
{
	char text[512], value[80];

	(void)state;
	accept(&sl_shape_identity, "{\"id\":256,\"labels\":{\"k8s.io/app\":\"a_b-c.D/1\"}}");
	refuse(&sl_shape_identity, "{\"id\":256,\"labels\":{\"app\":\"a@b\"}}", "labels.app");
	memset(value, 'v', sizeof(value));
	value[63] = '\0';
	snprintf(text, sizeof(text), "{\"id\":256,\"labels\":{\"app\":\"%s\"}}", value);
	accept(&sl_shape_identity, text);
	value[63] = 'v';
	value[64] = '\0';
	snprintf(text, sizeof(text), "{\"id\":256,\"labels\":{\"app\":\"%s\"}}", value);
	refuse(&sl_shape_identity, text, "labels.app");
}

static void identity_number_is_not_a_reserved_one(void **state)
{
	(void)state;
	refuse(&sl_shape_identity, "{\"id\":255,\"labels\":{\"app\":\"a\"}}", "id");
	refuse(&sl_shape_identity, "{\"id\":16777216,\"labels\":{\"app\":\"a\"}}", "id");
	accept(&sl_shape_identity, "{\"id\":16777215,\"labels\":{\"app\":\"a\"}}");
	/* as it is listed */
	accept(sl_collection_shown(&sl_collection_identities),
		"{\"id\":300,\"labels\":{\"app\":\"a\"},\"allocated\":true}");
}

static void empty_selector_is_refused_in_subject_and_peers(void **state)
{
	(void)state;
	accept(&sl_shape_policy, POLICY(SUBJECT));
	refuse(&sl_shape_policy, POLICY("\"subject\":{\"labels\":{}}"), "subject.labels");
	refuse(&sl_shape_policy, POLICY("\"subject\":{}"), "subject.labels");
	refuse(&sl_shape_policy,
		"{\"name\":\"p\",\"network\":\"blue\",\"direction\":\"ingress\",\"action\":"
		"\"allow\"}",
		"subject");
	refuse(&sl_shape_policy, POLICY(SUBJECT ",\"peers\":[{\"labels\":{}}]"), "peers[0].labels");
	refuse(&sl_shape_policy, POLICY(SUBJECT ",\"peers\":[{}]"), "peers[0]");
}

static void absent_empty_and_null_peers_and_ports_are_three_things(void **state)
{
	struct sl_err e;
	union any o;

	(void)state;
	assert_int_equal(decode(&sl_shape_policy, POLICY(SUBJECT), &o, &e), 0);
	assert_false(o.policy.has_peers);
	assert_false(o.policy.has_ports);
	sl_shape_fini(&sl_shape_policy, &o);

	assert_int_equal(
		decode(&sl_shape_policy, POLICY(SUBJECT ",\"peers\":[],\"ports\":[]"), &o, &e), 0);
	assert_true(o.policy.has_peers);
	assert_true(o.policy.has_ports);
	assert_int_equal(o.policy.peers.n, 0);
	assert_int_equal(o.policy.ports.n, 0);
	sl_shape_fini(&sl_shape_policy, &o);

	refuse(&sl_shape_policy, POLICY(SUBJECT ",\"peers\":null"), "peers");
	refuse(&sl_shape_policy, POLICY(SUBJECT ",\"ports\":null"), "ports");
}

static void empty_peers_survive_encoding(void **state)
{
	struct sl_err e;
	union any o;
	cJSON *json;

	(void)state;
	assert_int_equal(decode(&sl_shape_policy, POLICY(SUBJECT ",\"peers\":[]"), &o, &e), 0);
	json = sl_shape_encode(&sl_shape_policy, &o);
	assert_true(cJSON_IsArray(sl_json_get(json, "peers")));
	assert_null(sl_json_get(json, "ports"));
	cJSON_Delete(json);
	sl_shape_fini(&sl_shape_policy, &o);
}

static void peer_is_exactly_one_of_labels_cidr_and_entity(void **state)
{
	(void)state;
	accept(&sl_shape_policy,
		POLICY(SUBJECT ",\"peers\":[{\"labels\":{\"app\":\"web\"}},"
			       "{\"cidr\":\"10.0.0.0/8\"},{\"entity\":\"world\"}]"));
	refuse(&sl_shape_policy,
		POLICY(SUBJECT ",\"peers\":[{\"cidr\":\"10.0.0.0/8\",\"entity\":\"any\"}]"),
		"peers[0]");
}

/* A policy of so many peers and ports. */
static const char *crossed(unsigned int peers, unsigned int ports)
{
	static char text[1 << 16];
	size_t n =
		(size_t)sprintf(text, "{\"name\":\"p\",\"network\":\"blue\",\"direction\":"
				      "\"ingress\",\"action\":\"allow\"," SUBJECT ",\"peers\":[");

	for (unsigned int i = 0; i < peers; i++)
		n += (size_t)sprintf(text + n, "%s{\"cidr\":\"10.0.%u.%u/32\"}", i > 0 ? "," : "",
			i >> 8, i & 255);
	n += (size_t)sprintf(text + n, "],\"ports\":[");
	for (unsigned int i = 0; i < ports; i++)
		n += (size_t)sprintf(
			text + n, "%s{\"protocol\":\"tcp\",\"port\":%u}", i > 0 ? "," : "", i + 1);
	sprintf(text + n, "]}");
	return text;
}

static void peers_times_ports_are_at_most_65536(void **state)
{
	struct sl_err e;
	union any o;

	(void)state;
	accept(&sl_shape_policy, crossed(256, 256));
	assert_int_not_equal(decode(&sl_shape_policy, crossed(257, 256), &o, &e), 0);
	assert_int_equal(e.code, SL_ERR_LIMIT);
	assert_non_null(strstr(e.message, "1 networks times 257 peers times 256 ports"));
}

static void except_stands_beside_a_cidr_and_inside_it(void **state)
{
	(void)state;
	accept(&sl_shape_policy,
		POLICY(SUBJECT
			",\"peers\":[{\"cidr\":\"10.0.0.0/8\",\"except\":[\"10.1.0.0/16\"]}]"));
	refuse(&sl_shape_policy,
		POLICY(SUBJECT
			",\"peers\":[{\"cidr\":\"10.0.0.0/8\",\"except\":[\"11.0.0.0/16\"]}]"),
		"peers[0].except[0]");
	refuse(&sl_shape_policy,
		POLICY(SUBJECT ",\"peers\":[{\"cidr\":\"10.0.0.0/8\",\"except\":[\"0.0.0.0/0\"]}]"),
		"peers[0].except[0]");
	refuse(&sl_shape_policy,
		POLICY(SUBJECT ",\"peers\":[{\"entity\":\"any\",\"except\":[\"10.0.0.0/8\"]}]"),
		"peers[0].except");
}

static void ports_belong_to_protocols_that_have_them(void **state)
{
	(void)state;
	accept(&sl_shape_policy,
		POLICY(SUBJECT ",\"ports\":[{\"protocol\":\"tcp\",\"port\":1,\"end_port\":9},"
			       "{\"protocol\":\"sctp\",\"port\":1},{\"protocol\":\"icmp\"}]"));
	refuse(&sl_shape_policy, POLICY(SUBJECT ",\"ports\":[{\"protocol\":\"icmp\",\"port\":8}]"),
		"ports[0].port");
	refuse(&sl_shape_policy,
		POLICY(SUBJECT ",\"ports\":[{\"protocol\":\"icmpv6\",\"port\":8}]"),
		"ports[0].port");
	refuse(&sl_shape_policy, POLICY(SUBJECT ",\"ports\":[{\"protocol\":\"any\",\"port\":8}]"),
		"ports[0].port");
	refuse(&sl_shape_policy,
		POLICY(SUBJECT ",\"ports\":[{\"protocol\":\"tcp\",\"end_port\":8}]"),
		"ports[0].end_port");
	refuse(&sl_shape_policy,
		POLICY(SUBJECT ",\"ports\":[{\"protocol\":\"tcp\",\"port\":9,\"end_port\":8}]"),
		"ports[0].end_port");
	refuse(&sl_shape_policy, POLICY(SUBJECT ",\"ports\":[{\"port\":9}]"), "ports[0].protocol");
}

static void route_and_gateway_are_of_one_family(void **state)
{
	(void)state;
	accept(&sl_shape_route, "{\"prefix\":\"0.0.0.0/0\",\"via\":\"192.0.2.254\"}");
	accept(&sl_shape_route, "{\"prefix\":\"::/0\",\"via\":\"2001:db8::1\"}");
	refuse(&sl_shape_route, "{\"prefix\":\"::/0\",\"via\":\"192.0.2.254\"}", "via");
	refuse(&sl_shape_route, "{\"prefix\":\"0.0.0.0/0\",\"via\":\"2001:db8::1\"}", "via");
}

static void keys_are_built_from_the_key_fields(void **state)
{
	struct sl_err e;
	char key[SL_KEY_LEN];
	union any o;

	(void)state;
	decode(&sl_shape_neighbor,
		"{\"port\":\"up0\",\"address\":\"192.0.2.2\",\"mac\":\"02:00:00:00:0b:01\"}", &o,
		&e);
	sl_collections[SL_COLL_NEIGHBORS]->make_key(&o, key);
	assert_string_equal(key, "up0/192.0.2.2");
	decode(&sl_shape_route, "{\"prefix\":\"10.0.0.0/8\",\"via\":\"192.0.2.254\"}", &o, &e);
	sl_collections[SL_COLL_ROUTES]->make_key(&o, key);
	assert_string_equal(key, "10.0.0.0/8");
}

static void collections_stand_in_the_order_of_their_ids(void **state)
{
	(void)state;
	for (unsigned int c = 0; c < SL_COLL_COUNT; c++) {
		assert_int_equal(sl_collections[c]->id, c);
		assert_true(sl_collections[c]->capacity > 0);
	}
}

static void workers_have_defaults(void **state)
{
	struct sl_err e;
	union any o;

	(void)state;
	assert_int_equal(decode(&sl_shape_workers, "{}", &o, &e), 0);
	assert_int_equal(o.workers.memory_mb, 1024);
	assert_int_equal(o.workers.max_flows, 1048576);
	sl_shape_fini(&sl_shape_workers, &o);
	refuse(&sl_shape_workers, "{\"cores\":[1,1]}", "cores[1]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(access_port_with_addresses_is_refused),
		cmocka_unit_test(port_address_that_names_no_host_is_refused),
		cmocka_unit_test(port_names_a_worker_for_each_queue_or_none),
		cmocka_unit_test(vni_is_between_1_and_24_bits),
		cmocka_unit_test(network_denies_and_enforces_unless_told_otherwise),
		cmocka_unit_test(every_encapsulation_is_a_network_encap),
		cmocka_unit_test(gateway_outside_its_subnet_is_refused),
		cmocka_unit_test(overlapping_subnets_are_refused),
		cmocka_unit_test(endpoint_has_exactly_one_of_port_and_node),
		cmocka_unit_test(endpoint_has_at_least_one_unicast_address),
		cmocka_unit_test(unknown_field_is_named_with_a_suggestion),
		cmocka_unit_test(labels_keep_to_their_alphabet_and_length),
		cmocka_unit_test(identity_number_is_not_a_reserved_one),
		cmocka_unit_test(empty_selector_is_refused_in_subject_and_peers),
		cmocka_unit_test(absent_empty_and_null_peers_and_ports_are_three_things),
		cmocka_unit_test(empty_peers_survive_encoding),
		cmocka_unit_test(peer_is_exactly_one_of_labels_cidr_and_entity),
		cmocka_unit_test(except_stands_beside_a_cidr_and_inside_it),
		cmocka_unit_test(peers_times_ports_are_at_most_65536),
		cmocka_unit_test(ports_belong_to_protocols_that_have_them),
		cmocka_unit_test(route_and_gateway_are_of_one_family),
		cmocka_unit_test(keys_are_built_from_the_key_fields),
		cmocka_unit_test(collections_stand_in_the_order_of_their_ids),
		cmocka_unit_test(workers_have_defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
