/* SPDX-License-Identifier: BSD-3-Clause */
/* Nodes: their addresses and encapsulations, as workers and the underlay get them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ctrl/objects/networks.h"
#include "ctrl/objects/nodes.h"
#include "ctrl/shape/json.h"
#include "ctrl/underlay/underlay.h"

#define NODE(more) "{\"name\":\"b\",\"address\":\"192.0.2.2\"" more "}"
#define DUAL	   ",\"addresses\":[\"2001:db8::2\",\"2001:db8::3\"]"
#define WAYS                                                       \
	",\"encaps\":[{\"encap\":\"geneve\",\"family\":\"ipv6\"}," \
	"{\"encap\":\"vxlan\",\"port\":8472}]"

static int decode(const char *text, struct sl_node_obj *n, struct sl_err *e)
{
	cJSON *json = sl_json_parse(text, strlen(text), e);
	int ret;

	assert_non_null(json);
	memset(n, 0, sizeof(*n));
	memset(e, 0, sizeof(*e));
	ret = sl_shape_decode(&sl_shape_node, json, n, e);
	cJSON_Delete(json);
	return ret;
}

static struct sl_node_obj node(const char *text)
{
	struct sl_node_obj n;
	struct sl_err e;

	if (decode(text, &n, &e) != 0)
		fail_msg("%s: %s: %s", text, e.path, e.message);
	return n;
}

static void refuse(const char *text, const char *path)
{
	struct sl_node_obj n;
	struct sl_err e;

	if (decode(text, &n, &e) == 0)
		fail_msg("accepted: %s", text);
	assert_string_equal(e.path, path);
	assert_true(e.message[0] != '\0');
}

static void a_node_that_says_nothing_needs_no_entry(void **state)
{
	struct sl_node_obj n = node(NODE(""));
	struct sl_node_way way;

	(void)state;
	assert_false(sl_node_way_of(&n, &way));
	assert_int_equal(way.n_ways, 0);
	assert_int_equal(way.trust, SL_TRUST_VERIFY);
	sl_shape_fini(&sl_shape_node, &n);
}

static void a_node_by_ipv6_address_needs_an_entry(void **state)
{
	struct sl_node_obj n = node("{\"name\":\"b\",\"address\":\"2001:db8::2\"}");
	struct sl_node_way way;

	(void)state;
	assert_true(sl_node_way_of(&n, &way));
	assert_int_equal(way.family, SL_FAMILY_IP6);
	sl_shape_fini(&sl_shape_node, &n);
}

static void encaps_are_ways_in_their_order_and_are_accepted(void **state)
{
	struct sl_node_obj n = node(NODE(DUAL WAYS ",\"identity_trust\":\"claim\""));
	struct sl_node_way way;

	(void)state;
	assert_true(sl_node_way_of(&n, &way));
	assert_int_equal(way.n_ways, 2);
	assert_int_equal(way.way[0], SL_ENCAP_GENEVE * SL_FAMILIES + SL_FAMILY_IP6);
	assert_int_equal(way.way[1], SL_ENCAP_VXLAN * SL_FAMILIES + SL_FAMILY_IP4);
	assert_int_equal(way.accepts, 1 << SL_ENCAP_GENEVE | 1 << SL_ENCAP_VXLAN);
	assert_int_equal(way.trust, SL_TRUST_CLAIM);
	sl_shape_fini(&sl_shape_node, &n);
}

static void the_underlay_gets_the_first_address_of_each_family(void **state)
{
	struct sl_node_obj n = node(NODE(DUAL WAYS ",\"udp6_checksum\":\"compute\""));
	struct sl_underlay_node u = sl_node_underlay(&n);

	(void)state;
	assert_true(sl_ip_equal(&u.address[SL_FAMILY_IP4], &n.address));
	assert_true(sl_ip_equal(&u.address[SL_FAMILY_IP6], sl_node_address_at(&n, 1)));
	assert_int_equal(u.first, SL_FAMILY_IP6); /* of the first choice */
	assert_true(u.wishes.udp6_checksum);
	assert_int_equal(u.wishes.udp_port[SL_ENCAP_VXLAN][SL_FAMILY_IP4], 8472);
	assert_int_equal(u.wishes.udp_port[SL_ENCAP_GENEVE][SL_FAMILY_IP6], 0);
	sl_shape_fini(&sl_shape_node, &n);
}

static void overhead_is_the_most_of_what_may_carry_the_network(void **state)
{
	struct sl_node_obj plain = node(NODE("")), n = node(NODE(DUAL WAYS));
	struct sl_network_obj net = {.encap = SL_ENCAP_VXLAN};

	(void)state;
	assert_int_equal(sl_node_overhead(&plain, &net), 50);
	assert_int_equal(sl_node_overhead(&n, &net), 78); /* Geneve with its option over IPv6 */
	assert_int_equal(sl_node_overhead_least(&n, 0), 50);
	net.encap = SL_ENCAP_NONE;
	assert_int_equal(sl_node_overhead(&n, &net), 0);
	sl_shape_fini(&sl_shape_node, &n);
	sl_shape_fini(&sl_shape_node, &plain);
}

static void what_no_node_can_have_is_refused(void **state)
{
	(void)state;
	refuse(NODE(",\"addresses\":[\"192.0.2.2\"]"), "addresses[0]");
	refuse(NODE(",\"addresses\":[\"ff02::1\"]"), "addresses[0]");
	refuse(NODE(",\"encaps\":[{\"encap\":\"none\"}]"), "encaps[0].encap");
	refuse(NODE(",\"encaps\":[{\"encap\":\"gre\"}]"), "encaps[0].encap");
	refuse(NODE(",\"encaps\":[{\"family\":\"ipv4\"}]"), "encaps[0].encap");
	refuse(NODE(",\"encaps\":[{\"encap\":\"vxlan\",\"family\":\"ipv6\"}]"), "encaps[0].family");
	refuse(NODE(",\"encaps\":[{\"encap\":\"ipip\",\"port\":1}]"), "encaps[0].port");
	refuse(NODE(",\"encaps\":[{\"encap\":\"vxlan\",\"port\":65536}]"), "encaps[0].port");
	refuse(NODE(",\"encaps\":[{\"encap\":\"vxlan\"},{\"encap\":\"vxlan\"}]"),
		"encaps[1].encap");
	refuse(NODE(",\"identity_trust\":\"yes\""), "identity_trust");
	refuse(NODE(",\"udp6_checksum\":true"), "udp6_checksum");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_node_that_says_nothing_needs_no_entry),
		cmocka_unit_test(a_node_by_ipv6_address_needs_an_entry),
		cmocka_unit_test(encaps_are_ways_in_their_order_and_are_accepted),
		cmocka_unit_test(the_underlay_gets_the_first_address_of_each_family),
		cmocka_unit_test(overhead_is_the_most_of_what_may_carry_the_network),
		cmocka_unit_test(what_no_node_can_have_is_refused),
	};

	return cmocka_run_group_tests_name("nodes", tests, NULL, NULL);
}
