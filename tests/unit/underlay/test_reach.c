/* SPDX-License-Identifier: BSD-3-Clause */
/* Which link and next hop lead to an address, from plain values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "ctrl/underlay/routes.h"

struct net {
	struct sl_ip own;
	struct sl_reach reach;
	struct sl_routes routes;
};

static struct sl_ip ip(const char *text)
{
	struct sl_ip a;
	struct in_addr v4;

	if (inet_pton(AF_INET, text, &v4) == 1)
		return sl_ip_from_v4(v4.s_addr);
	assert_int_equal(inet_pton(AF_INET6, text, a.b), 1);
	return a;
}

static struct sl_prefix prefix(const char *text, uint8_t len)
{
	struct sl_prefix p = {.ip = ip(text), .len = len};

	if (sl_ip_is_v4(&p.ip))
		p.len = (uint8_t)(len + 96);
	return p;
}

static int setup(void **state)
{
	struct net *n = calloc(1, sizeof(*n));

	assert_non_null(n);
	n->own = ip("192.0.2.1");
	sl_reach_init(&n->reach, &n->own, 1);
	*state = n;
	return 0;
}

static int teardown(void **state)
{
	struct net *n = *state;

	sl_routes_fini(&n->routes);
	sl_reach_fini(&n->reach);
	free(n);
	return 0;
}

static void put_link(struct net *n, uint16_t port, const char *name, const char *addr, uint8_t len)
{
	const struct sl_prefix p = prefix(addr, len);

	assert_true(sl_reach_put_link(&n->reach, port, name, &p, 1));
}

static void put_route(struct net *n, const char *to, uint8_t len, const char *via, const char *port)
{
	const struct sl_route_via gateway = {.via = ip(via), .port = port};
	const struct sl_route r = {.prefix = prefix(to, len), .n = 1, .to = &gateway};

	assert_true(sl_routes_put(&n->routes, &r));
}

static void leads(const struct net *n, const char *to, uint16_t port, const char *hop)
{
	const struct sl_ip address = ip(to), want = ip(hop);
	struct sl_reach_path p = sl_routes_find(&n->routes, &n->reach, &address);

	assert_int_equal(p.why, SL_REACH_OK);
	assert_int_equal(p.n, 1);
	assert_int_equal(p.way[0].port, port);
	assert_true(sl_ip_equal(&p.way[0].next_hop, &want));
}

static void leads_nowhere(const struct net *n, const char *to, enum sl_reach_why why)
{
	const struct sl_ip address = ip(to);

	assert_int_equal(sl_routes_find(&n->routes, &n->reach, &address).why, why);
}

static void longest_connected_prefix_wins_and_the_lower_port_of_two_alike(void **state)
{
	struct net *n = *state;

	put_link(n, 9, "c", "10.1.2.1", 24);
	put_link(n, 4, "a", "10.0.0.1", 8);
	put_link(n, 7, "b", "10.0.0.2", 8);
	leads(n, "10.9.9.9", 4, "10.9.9.9");
	leads(n, "10.1.2.3", 9, "10.1.2.3");
	assert_true(sl_reach_del_link(&n->reach, 9));
	assert_false(sl_reach_del_link(&n->reach, 9));
	leads(n, "10.1.2.3", 4, "10.1.2.3");
	assert_true(sl_reach_del_link(&n->reach, 4));
	leads(n, "10.1.2.3", 7, "10.1.2.3");
	leads_nowhere(n, "11.0.0.1", SL_REACH_NO_LINK);
}

static void a_link_that_is_put_again_has_its_new_addresses_only(void **state)
{
	struct net *n = *state;
	struct sl_ip old = ip("10.0.0.1");

	put_link(n, 1, "a", "10.0.0.1", 24);
	put_link(n, 1, "renamed", "172.16.0.1", 12);
	assert_int_equal(n->reach.n_links, 1);
	assert_string_equal(sl_reach_find_link(&n->reach, 1)->name, "renamed");
	assert_null(sl_reach_find_link(&n->reach, 2));
	leads_nowhere(n, "10.0.0.9", SL_REACH_NO_LINK);
	leads(n, "172.16.3.4", 1, "172.16.3.4");
	assert_false(sl_reach_is_own(&n->reach, &old));
}

static void what_no_packet_can_be_for_says_why(void **state)
{
	struct net *n = *state;

	put_link(n, 1, "a", "10.0.0.1", 24);
	put_link(n, 2, "p", "10.0.1.0", 31);
	leads_nowhere(n, "2001:db8::2", SL_REACH_NO_LINK);
	leads_nowhere(n, "192.0.2.1", SL_REACH_OWN);
	leads_nowhere(n, "10.0.0.1", SL_REACH_OWN);
	leads_nowhere(n, "10.0.0.0", SL_REACH_NO_HOST);
	leads_nowhere(n, "10.0.0.255", SL_REACH_NO_HOST);
	leads(n, "10.0.1.1", 2, "10.0.1.1"); /* RFC 3021 */
}

static void longest_route_with_a_gateway_on_a_link_wins(void **state)
{
	struct net *n = *state;

	put_link(n, 1, "a", "10.0.0.1", 24);
	put_route(n, "0.0.0.0", 0, "10.0.0.254", "");
	put_route(n, "172.16.0.0", 12, "10.0.0.253", "");
	put_route(n, "172.16.5.0", 24, "10.9.9.9", ""); /* on no link */
	leads(n, "8.8.8.8", 1, "10.0.0.254");
	leads(n, "172.20.0.1", 1, "10.0.0.253");
	leads(n, "172.16.5.1", 1, "10.0.0.253");
	leads(n, "10.0.0.7", 1, "10.0.0.7"); /* a link goes before every route */
	put_link(n, 2, "b", "10.9.9.1", 24);
	leads(n, "172.16.5.1", 2, "10.9.9.9");
	sl_routes_del(&n->routes, &(struct sl_prefix){ip("172.16.5.0"), 96 + 24});
	leads(n, "172.16.5.1", 1, "10.0.0.253");
}

static void routes_without_a_usable_gateway_say_so(void **state)
{
	struct net *n = *state;

	put_link(n, 1, "a", "10.0.0.1", 24);
	put_route(n, "172.16.0.0", 12, "10.9.9.9", "");
	put_route(n, "172.16.0.0", 16, "10.0.0.255", "");
	put_route(n, "172.16.0.0", 24, "10.0.0.1", ""); /* this node itself */
	leads_nowhere(n, "172.16.0.1", SL_REACH_GATEWAY);
	leads_nowhere(n, "8.8.8.8", SL_REACH_NO_LINK);
}

static void a_route_that_names_its_port_needs_no_prefix_there(void **state)
{
	struct net *n = *state;

	put_link(n, 1, "a", "10.0.0.1", 24);
	put_link(n, 2, "b", "10.0.1.1", 24);
	put_route(n, "172.16.0.0", 12, "169.254.0.1", "b");
	leads(n, "172.16.0.1", 2, "169.254.0.1");
	put_route(n, "172.16.0.0", 12, "169.254.0.1", "gone");
	leads_nowhere(n, "172.16.0.1", SL_REACH_GATEWAY);
}

static void ip6_default_route_does_not_cover_ip4(void **state)
{
	struct net *n = *state;

	put_link(n, 1, "a", "10.0.0.1", 24);
	put_route(n, "::", 0, "10.0.0.254", "");
	leads_nowhere(n, "8.8.8.8", SL_REACH_NO_LINK);
}

static void ip6_links_and_routes_lead_as_those_of_ip4(void **state)
{
	struct net *n = *state;

	put_link(n, 1, "a", "2001:db8:1::1", 64);
	put_link(n, 2, "b", "2001:db8:2::1", 127);
	put_route(n, "::", 0, "2001:db8:1::fe", "");
	put_route(n, "2001:db8:9::", 48, "2001:db8:2::", "");
	leads(n, "2001:db8:1::", 1, "2001:db8:1::"); /* IPv6 has no broadcast */
	leads(n, "2001:db8:9::7", 2, "2001:db8:2::");
	leads(n, "2001:db8:8::7", 1, "2001:db8:1::fe");
	leads_nowhere(n, "2001:db8:1::1", SL_REACH_OWN);
	leads_nowhere(n, "8.8.8.8", SL_REACH_NO_LINK);
}

/* Every link has fe80::/64, so only its name says where a link-local gateway is. */
static void a_link_local_gateway_needs_the_name_of_its_port(void **state)
{
	struct net *n = *state;

	put_link(n, 1, "a", "10.0.0.1", 24);
	put_route(n, "2001:db8:9::", 48, "fe80::1", "");
	leads_nowhere(n, "2001:db8:9::1", SL_REACH_GATEWAY);
	put_route(n, "2001:db8:9::", 48, "fe80::1", "a");
	leads(n, "2001:db8:9::1", 1, "fe80::1");
}

static void a_route_leads_to_each_of_its_gateways_that_is_on_a_link(void **state)
{
	const struct sl_route_via to[] = {{.via = ip("10.0.0.2"), .port = "", .weight = 3},
		{.via = ip("10.0.1.2"), .port = ""}, {.via = ip("10.9.9.9"), .port = ""},
		{.via = ip("10.0.0.2"), .port = "a", .weight = 7}};
	const struct sl_route r = {.prefix = prefix("172.16.0.0", 12), .n = 4, .to = to};
	const struct sl_ip address = ip("172.16.0.1");
	struct net *n = *state;
	struct sl_reach_path p;

	put_link(n, 1, "a", "10.0.0.1", 24);
	put_link(n, 2, "b", "10.0.1.1", 24);
	assert_true(sl_routes_put(&n->routes, &r));
	p = sl_routes_find(&n->routes, &n->reach, &address);
	assert_int_equal(p.n, 2); /* the last is the first again */
	assert_int_equal(p.way[0].port, 1);
	assert_int_equal(p.way[0].weight, 3);
	assert_int_equal(p.way[1].port, 2);
	assert_int_equal(p.way[1].weight, 1);
	assert_true(sl_reach_del_link(&n->reach, 1));
	leads(n, "172.16.0.1", 2, "10.0.1.2");
	assert_true(sl_reach_del_link(&n->reach, 2));
	leads_nowhere(n, "172.16.0.1", SL_REACH_GATEWAY);
}

/* The same as a look at every route, for random ones. */
static void the_set_of_routes_agrees_with_a_list(void **state)
{
	enum { ROUTES = 400, LOOKS = 4000 };
	static struct sl_route list[ROUTES];
	static struct sl_route_via gateway[ROUTES];
	struct net *n = *state;
	unsigned int seed = 20260101, n_ok = 0;

	for (uint16_t i = 0; i < 1000; i++) {
		char name[16], addr[32];

		snprintf(name, sizeof(name), "p%u", i);
		snprintf(addr, sizeof(addr), "10.%u.%u.1", i / 256, i % 256);
		put_link(n, i, name, addr, 24);
	}
	for (int i = 0; i < ROUTES; i++) {
		uint8_t len = (uint8_t)(rand_r(&seed) % 17);
		uint32_t mask = len == 0 ? 0 : UINT32_MAX << (32 - len);

		gateway[i] = (struct sl_route_via){
			.via = sl_ip_from_v4(
				htonl(0x0a000002 + (uint32_t)(rand_r(&seed) % 2000) * 256)),
			.port = ""};
		list[i] = (struct sl_route){
			.prefix = {sl_ip_from_v4(htonl((uint32_t)rand_r(&seed) << 1 & mask)),
				(uint8_t)(96 + len)},
			.n = 1,
			.to = &gateway[i]};
		assert_true(sl_routes_put(&n->routes, &list[i]));
		for (int k = 0; k < i; k++) /* the later one of a prefix has replaced it */
			if (list[k].prefix.len == list[i].prefix.len &&
				sl_ip_equal(&list[k].prefix.ip, &list[i].prefix.ip))
				list[k] = list[i];
	}
	for (int i = 0; i < LOOKS; i++) {
		struct sl_ip to = sl_ip_from_v4((uint32_t)rand_r(&seed) << 1);
		struct sl_reach_path got = sl_routes_find(&n->routes, &n->reach, &to);
		struct sl_reach_search s;

		sl_reach_begin(&s, &n->reach, &to);
		for (int k = 0; k < ROUTES; k++)
			sl_reach_try(&s, &list[k]);
		assert_int_equal(got.why, s.path.why);
		if (got.why != SL_REACH_OK)
			continue;
		n_ok++;
		assert_int_equal(got.way[0].port, s.path.way[0].port);
		assert_true(sl_ip_equal(&got.way[0].next_hop, &s.path.way[0].next_hop));
	}
	assert_true(n_ok > LOOKS / 4);
}

static void packets_come_from_the_prefix_of_their_destination_or_its_family(void **state)
{
	const struct sl_prefix addrs[] = {
		prefix("2001:db8::1", 64), prefix("10.0.0.1", 24), prefix("10.1.0.1", 16)};
	struct sl_ip to = ip("10.1.9.9"), far = ip("8.8.8.8"), far6 = ip("2001:db8:9::1");
	const struct sl_link *l;
	struct net *n = *state;

	assert_true(sl_reach_put_link(&n->reach, 3, "a", addrs, 3));
	l = sl_reach_find_link(&n->reach, 3);
	assert_ptr_equal(sl_link_source(l, &to), &l->addr[2]);
	assert_ptr_equal(sl_link_source(l, &far), &l->addr[1]);
	assert_ptr_equal(sl_link_source(l, &far6), &l->addr[0]);
	assert_null(sl_link_connected(l, &far));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(longest_connected_prefix_wins_and_the_lower_port_of_two_alike),
		T(a_link_that_is_put_again_has_its_new_addresses_only),
		T(what_no_packet_can_be_for_says_why),
		T(longest_route_with_a_gateway_on_a_link_wins),
		T(routes_without_a_usable_gateway_say_so),
		T(a_route_that_names_its_port_needs_no_prefix_there),
		T(ip6_default_route_does_not_cover_ip4),
		T(ip6_links_and_routes_lead_as_those_of_ip4),
		T(a_link_local_gateway_needs_the_name_of_its_port),
		T(a_route_leads_to_each_of_its_gateways_that_is_on_a_link),
		T(the_set_of_routes_agrees_with_a_list),
		T(packets_come_from_the_prefix_of_their_destination_or_its_family),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
