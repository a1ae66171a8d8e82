/* SPDX-License-Identifier: BSD-3-Clause */
/* Next hops: of nodes, one or several, and of packets that leave without a tunnel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ctrl/underlay/underlay.h"
#include "pipelines/overlay/group_dp.h"
#include "tests/lib/engine.h"
#include "tests/lib/packet.h"

enum { UP0 = 5, UP1 = 6, NODE = 3 };

static struct sl_engine *g;
static struct sl_tunnel_table *tunnels;
static struct sl_underlay *u;

static struct sl_prefix prefix(const char *text, uint8_t len)
{
	struct sl_prefix p = {.ip = sl_test_ip(text), .len = len};

	if (sl_ip_is_v4(&p.ip))
		p.len = (uint8_t)(len + 96);
	return p;
}

static void put_port(uint16_t id, const char *name, const char *ip4, const char *ip6)
{
	const struct sl_prefix addresses[] = {prefix(ip4, 24), prefix(ip6, 64)};
	const struct sl_underlay_port port = {.id = id,
		.name = name,
		.mac = sl_test_mac(id == UP0 ? "02:00:00:00:0a:01" : "02:00:00:00:0a:02"),
		.mtu = id == UP0 ? 1500 : 1400,
		.addresses = addresses,
		.n_addresses = 2};

	sl_underlay_put_port(u, &port);
}

static void put_neighbor(uint16_t port, const char *address, const char *mac)
{
	const struct sl_ip ip = sl_test_ip(address);
	const struct sl_mac m = sl_test_mac(mac);

	sl_underlay_put_neighbor(u, port, &ip, &m);
}

static int start(void **state)
{
	(void)state;
	g = sl_test_engine();
	return g != NULL ? 0 : -1;
}

static int stop(void **state)
{
	(void)state;
	sl_engine_destroy(g);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	tunnels = sl_tunnel_table_create(SL_NODES_MAX + 16, 1);
	u = sl_underlay_create(g, tunnels, NULL, 0, sl_test_ignore_line);
	put_port(UP0, "up0", "192.0.2.1", "2001:db8:1::1");
	put_port(UP1, "up1", "198.51.100.1", "2001:db8:2::1");
	put_neighbor(UP0, "192.0.2.2", "02:00:00:00:0b:01");
	put_neighbor(UP1, "198.51.100.2", "02:00:00:00:0b:02");
	put_neighbor(UP0, "2001:db8:1::2", "02:00:00:00:0b:01");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sl_underlay_destroy(u);
	sl_tunnel_table_destroy(tunnels);
	sl_rcu_drain(sl_engine_rcu(g));
	return 0;
}

static uint32_t hold(uint16_t port, const char *address)
{
	const struct sl_ip ip = sl_test_ip(address);

	return sl_underlay_hop_hold(u, port, &ip);
}

static void release(uint16_t port, const char *address)
{
	const struct sl_ip ip = sl_test_ip(address);

	sl_underlay_hop_release(u, port, &ip);
}

static void a_next_hop_without_a_node_has_a_tunnel_until_its_last_release(void **state)
{
	const struct sl_tunnel *t;
	uint32_t id;

	(void)state;
	id = hold(UP0, "192.0.2.2");
	assert_int_equal(hold(UP0, "192.0.2.2"), id);
	assert_true(sl_tunnel_node(id) > SL_NODES_MAX);
	t = sl_tunnel_find(tunnels, id);
	assert_int_equal(t->encap, SL_ENCAP_NONE);
	assert_true(t->reachable && t->resolved && t->group == NULL);
	assert_int_equal(t->port, UP0);
	assert_int_equal(t->mtu, 1500);
	assert_memory_equal(
		t->hdr + SL_TUNNEL_HDR_MAX - 14, "\x02\0\0\0\x0b\x01\x02\0\0\0\x0a\x01", 12);
	release(UP0, "192.0.2.2");
	assert_non_null(sl_tunnel_find(tunnels, id));
	release(UP0, "192.0.2.2");
	assert_null(sl_tunnel_find(tunnels, id));
	/* Flows may still have the id. */
	assert_int_not_equal(hold(UP1, "198.51.100.2"), id);
}

static void a_next_hop_follows_its_port_and_its_mac(void **state)
{
	const struct sl_tunnel *t;
	uint32_t id;

	(void)state;
	id = hold(UP0, "2001:db8:1::2");
	assert_int_equal(sl_tunnel_find(tunnels, id)->family, SL_FAMILY_IP6);
	put_neighbor(UP0, "2001:db8:1::2", "02:00:00:00:0b:77");
	t = sl_tunnel_find(tunnels, id);
	assert_int_equal(t->hdr[SL_TUNNEL_HDR_MAX - 14 + 5], 0x77);
	sl_underlay_del_port(u, UP0);
	t = sl_tunnel_find(tunnels, id);
	assert_false(t->reachable);
	put_port(UP0, "up0", "192.0.2.1", "2001:db8:1::1");
	put_neighbor(UP0, "2001:db8:1::2", "02:00:00:00:0b:78");
	sl_underlay_refresh(u, true);
	t = sl_tunnel_find(tunnels, id);
	assert_true(t->reachable && t->resolved);
	assert_int_equal(t->hdr[SL_TUNNEL_HDR_MAX - 14 + 5], 0x78);
}

static void put_node(void)
{
	struct sl_underlay_node node = {.id = NODE, .name = "b", .first = SL_FAMILY_IP4};

	node.address[SL_FAMILY_IP4] = sl_test_ip("203.0.113.2");
	node.address[SL_FAMILY_IP6] = sl_test_ip("2001:db8:1::2");
	sl_underlay_put_node(u, &node);
}

static void put_route(size_t n)
{
	const struct sl_route_via to[] = {{.via = sl_test_ip("192.0.2.2"), .port = "", .weight = 1},
		{.via = sl_test_ip("198.51.100.2"), .port = "", .weight = 3}};
	const struct sl_route route = {.prefix = prefix("203.0.113.0", 24), .n = n, .to = to};

	sl_underlay_put_route(u, &route);
	sl_underlay_refresh(u, true);
}

static const struct sl_tunnel *tunnel(enum sl_family family)
{
	return sl_tunnel_find(tunnels, sl_tunnel_id(NODE, SL_ENCAP_VXLAN, family));
}

static void a_node_has_a_leg_for_each_family_and_a_leg_several_next_hops(void **state)
{
	const struct sl_tunnel *t;
	struct sl_underlay_path path;
	unsigned int n = 0;

	(void)state;
	put_node();
	put_route(2);
	t = tunnel(SL_FAMILY_IP4);
	assert_non_null(t->group);
	assert_false(t->reachable || t->resolved);
	assert_int_equal(t->mtu, 1350); /* of the smaller port */
	assert_int_equal(t->group->n, 2);
	assert_int_equal(t->group->member[0].port, UP0);
	assert_int_equal(t->group->member[1].port, UP1);
	for (unsigned int b = 0; b < SL_GROUP_BUCKETS; b++)
		n += t->group->bucket[b];
	assert_int_equal(n, SL_GROUP_BUCKETS * 3 / 4);
	assert_true(sl_underlay_path(u, NODE, &path));
	assert_int_equal(path.n_hops, 2);
	assert_int_equal(path.hop[1].flows, SL_GROUP_BUCKETS * 3 / 4);
	t = tunnel(SL_FAMILY_IP6);
	assert_true(t->reachable && t->resolved && t->group == NULL);
	assert_true(sl_underlay_has_way(u, NODE, SL_FAMILY_IP6));

	put_route(1);
	t = tunnel(SL_FAMILY_IP4);
	assert_true(t->reachable && t->group == NULL);
	assert_int_equal(t->port, UP0);
}

static void a_node_outlives_the_ports_of_its_next_hops(void **state)
{
	(void)state;
	put_node();
	put_route(2);
	sl_underlay_del_port(u, UP0);
	sl_underlay_refresh(u, true);
	assert_int_equal(tunnel(SL_FAMILY_IP4)->port, UP1);
	assert_null(tunnel(SL_FAMILY_IP4)->group);
	assert_false(sl_underlay_has_way(u, NODE, SL_FAMILY_IP6));
	sl_underlay_del_port(u, UP1);
	sl_underlay_refresh(u, true);
	assert_false(tunnel(SL_FAMILY_IP4)->reachable);
	sl_underlay_del_node(u, NODE);
	assert_null(tunnel(SL_FAMILY_IP4));
	assert_null(tunnel(SL_FAMILY_IP6));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_next_hop_without_a_node_has_a_tunnel_until_its_last_release),
		T(a_next_hop_follows_its_port_and_its_mac),
		T(a_node_has_a_leg_for_each_family_and_a_leg_several_next_hops),
		T(a_node_outlives_the_ports_of_its_next_hops),
	};

	return cmocka_run_group_tests_name("hops", tests, start, stop);
}
