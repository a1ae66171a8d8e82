/* SPDX-License-Identifier: BSD-3-Clause */
/* Ways out of the rig's network by source translation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pipelines/context/changes.h"
#include "pipelines/overlay/exits_dp.h"
#include "pipelines/overlay/tunnel_ctl.h"
#include "pipelines/route/route_ctl.h"
#include "rig_internal.h"

/* Everything is behind one next hop. */
static void make_exit(struct sl_rig *r)
{
	static struct sl_exits *exits;
	const struct sl_prefix all = {sl_ip_from_v4(0), 96};
	struct sl_tunnel_params p = {.next_hop = sl_test_ip("192.0.2.254"),
		.local_mac = sl_test_mac("02:00:00:00:0a:01"),
		.next_hop_mac = sl_test_mac("02:00:00:00:0f:01"),
		.resolved = true,
		.reachable = true,
		.port = SL_RIG_UNDERLAY,
		.underlay_mtu = 1600,
		.id = sl_tunnel_id(SL_RIG_NODE, SL_ENCAP_NONE, SL_FAMILY_IP4),
		.node = SL_RIG_NODE};
	struct sl_tunnel *t = sl_tunnel_create(SL_ENCAP_NONE, &p);

	if (exits == NULL)
		exits = calloc(1, sizeof(*exits) + sizeof(exits->prefix[0]));
	assert_true(exits != NULL && t != NULL);
	sl_tunnel_publish(r->tunnels, r->rcu, p.id, t);
	exits->n = 1;
	exits->prefix[0] =
		(struct sl_exit_prefix){.prefix = all, .port = SL_RIG_UNDERLAY, .slot = p.id};
	atomic_store(&r->tunnels->exits, exits);
}

static struct sl_route_dp *translating(void)
{
	static struct sl_route_dp *route;
	const struct sl_prefix all = {sl_ip_from_v4(0), 96};

	if (route == NULL)
		route = sl_route_create(&all, 1);
	assert_non_null(route);
	route->kind = SL_ROUTE_TARGETS;
	route->target[0] = (struct sl_route_target){.kind = SL_TARGET_NAT, .weight = 1};
	sl_route_fill_buckets(route);
	return route;
}

void sl_rig_nat_from(struct sl_rig *r, const char *source, uint16_t first, uint16_t last)
{
	static struct sl_way_out out[2];
	struct sl_world *w = sl_rig_change(r);

	make_exit(r);
	out[1] = (struct sl_way_out){.kind = SL_OUTSIDE_NAT,
		.n4 = 1,
		.port = SL_PORT_NONE,
		.first = first,
		.last = last,
		.route = {translating(), NULL},
		.address = {sl_test_ip(source)},
		.address_port = {SL_PORT_NONE}};
	r->networks[1].outside = 1;
	w->outside = out;
	w->n_outside = 2;
	sl_rig_publish(r, w);
}

void sl_rig_nat(struct sl_rig *r)
{
	sl_rig_nat_from(r, "192.0.2.9", 4789, 4789);
}

void sl_rig_route_to_db(struct sl_rig *r, bool has)
{
	const struct sl_prefix p = {sl_test_ip("10.50.0.0"), 96 + 16};
	struct sl_route_edit *e = sl_route_edit_begin(r->world->routes, 7);
	struct sl_route_dp *route = sl_route_create(&p, 1);
	struct sl_route_garbage *g = NULL;

	assert_true(e != NULL && route != NULL);
	route->kind = SL_ROUTE_TARGETS;
	route->target[0] = (struct sl_route_target){
		.kind = SL_TARGET_ENDPOINT, .weight = 1, .ip = sl_test_ip("10.0.0.6")};
	sl_route_fill_buckets(route);
	if (has) {
		assert_int_equal(sl_route_put(e, sl_routes_of(1), route), 0);
	} else {
		free(route);
		assert_int_equal(sl_route_del(e, sl_routes_of(1), &p), 0);
	}
	r->world->routes = sl_route_edit_commit(e, &g);
	sl_route_garbage_free(g);
	sl_rig_touch(r, sl_change_of(SL_CHANGE_ROUTE, 1));
}
