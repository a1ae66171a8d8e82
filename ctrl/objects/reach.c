/* SPDX-License-Identifier: BSD-3-Clause */
#include "collections.h"
#include "ports.h"
#include "reach.h"

struct filling {
	struct sl_reach *r;
	uint16_t n;
	bool failed;
};

static bool add_port(const struct sl_object *o, void *ctx)
{
	const struct sl_port_obj *p = (const struct sl_port_obj *)o;
	struct filling *f = ctx;

	if (p->role == SL_ROLE_UNDERLAY)
		f->failed = !sl_reach_put_link(
			f->r, f->n++, p->name, p->addresses.items, p->addresses.n);
	return !f->failed;
}

bool sl_store_reach_init(
	struct sl_reach *r, const struct sl_store *store, const struct sl_node_self *self)
{
	struct filling f = {.r = r};

	sl_reach_init(r, self->tunnel_addresses.items, self->tunnel_addresses.n);
	sl_store_walk(store, SL_COLL_PORTS, add_port, &f);
	return !f.failed;
}

struct sl_route sl_route_of_object(
	const struct sl_route_obj *route, struct sl_route_via to[SL_WAYS_MAX])
{
	const struct sl_route_target_obj *t = route->targets.items;
	size_t n = route->targets.n;

	for (size_t i = 0; i < n; i++)
		to[i] = (struct sl_route_via){
			.via = t[i].via, .port = t[i].port, .weight = (uint16_t)t[i].weight};
	if (n == 0)
		to[n++] =
			(struct sl_route_via){.via = route->via, .port = route->port, .weight = 1};
	return (struct sl_route){.prefix = route->prefix, .n = n, .to = to};
}

static bool try_route(const struct sl_object *o, void *ctx)
{
	struct sl_route_via to[SL_WAYS_MAX];
	const struct sl_route route = sl_route_of_object((const struct sl_route_obj *)o, to);

	if (sl_route_is_underlay((const struct sl_route_obj *)o))
		sl_reach_try(ctx, &route);
	return true;
}

struct sl_reach_path sl_store_reach_find(
	const struct sl_reach *r, const struct sl_store *store, const struct sl_ip *to)
{
	struct sl_reach_search s;

	sl_reach_begin(&s, r, to);
	if (s.wants_routes)
		sl_store_walk(store, SL_COLL_ROUTES, try_route, &s);
	return s.path;
}
