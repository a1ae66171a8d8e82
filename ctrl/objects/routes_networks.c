/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Routes and subnets of networks, in workers' map (pipelines/route/). A route to an endpoint has an
 * address of it, so the row is called for endpoints too.
 */
#include <stdlib.h>

#include "collections.h"
#include "endpoints.h"
#include "networks.h"
#include "pipelines/context/changes.h"
#include "pipelines/key/key_dp.h"
#include "pipelines/route/route_ctl.h"
#include "routes.h"
#include "tables.h"

struct state {
	struct sl_route_edit *edit; /* of the transaction; NULL: none */
};

static struct state *state_of(const struct sl_table_txn *t)
{
	return sl_table_state(t->apply, &sl_network_routes_tables);
}

static bool open_routes(struct sl_apply *a, struct sl_world *w, void **state)
{
	(void)a;
	(void)w; /* an empty map is NULL */
	*state = calloc(1, sizeof(struct state));
	return *state != NULL;
}

static void close_routes(struct sl_world *w, void *state)
{
	sl_routes_destroy((struct sl_pmap *)(uintptr_t)w->routes);
	free(state);
}

static const struct sl_route_obj *network_route(const struct sl_object *o)
{
	const struct sl_route_obj *r = (const struct sl_route_obj *)o;

	return r != NULL && !sl_route_is_underlay(r) ? r : NULL;
}

/* Subnets */

static int del_subnets(struct sl_table_txn *t, const struct sl_network_obj *net)
{
	const struct sl_subnet_obj *s = net->subnets.items;

	for (size_t i = 0; i < net->subnets.n; i++)
		if (sl_route_del(state_of(t)->edit, sl_subnets_of(net->o.id), &s[i].prefix) != 0)
			return -ENOMEM;
	return 0;
}

static int put_subnets(struct sl_table_txn *t, const struct sl_network_obj *net)
{
	const struct sl_subnet_obj *s = net->subnets.items;

	for (size_t i = 0; i < net->subnets.n; i++) {
		struct sl_route_dp *r = sl_route_create(&s[i].prefix, 0);

		if (r == NULL)
			return -ENOMEM;
		r->kind = SL_ROUTE_SUBNET;
		r->has_gateway = s[i].has_gateway;
		r->gateway = s[i].gateway;
		if (sl_route_put(state_of(t)->edit, sl_subnets_of(net->o.id), r) != 0)
			return -ENOMEM;
	}
	return 0;
}

static int edit_subnets(struct sl_table_txn *t)
{
	SL_EACH_CHANGE (c, t, SL_COLL_NETWORKS) {
		if (c->old_obj != NULL &&
			del_subnets(t, (const struct sl_network_obj *)c->old_obj) != 0)
			return -ENOMEM;
		if (c->new_obj != NULL &&
			put_subnets(t, (const struct sl_network_obj *)c->new_obj) != 0)
			return -ENOMEM;
	}
	return 0;
}

/* Routes */

static uint32_t network_id(const struct sl_table_txn *t, const char *name)
{
	return sl_store_id_of(t->store, SL_COLL_NETWORKS, name);
}

/* The family of the prefix decides which address of an endpoint counts. */
static struct sl_ip address_of(
	const struct sl_table_txn *t, const char *endpoint, const struct sl_prefix *prefix)
{
	const struct sl_endpoint_obj *ep = (const struct sl_endpoint_obj *)sl_store_find(
		t->store, SL_COLL_ENDPOINTS, endpoint);
	const struct sl_ip *ip = ep->addresses.items;

	for (size_t i = 0; i < ep->addresses.n; i++)
		if (sl_ip_is_v4(&ip[i]) == sl_prefix_is_v4(prefix))
			return ip[i];
	return ip[0];
}

static void fill_target(const struct sl_table_txn *t, const struct sl_route_obj *route,
	const struct sl_route_target_obj *obj, struct sl_route_target *target)
{
	target->weight = obj->weight;
	if (obj->node[0] != '\0') {
		target->kind = SL_TARGET_NODE;
		target->id = sl_store_id_of(t->store, SL_COLL_NODES, obj->node);
	} else if (obj->network[0] != '\0') {
		target->kind = SL_TARGET_NETWORK;
		target->id = network_id(t, obj->network);
	} else if (obj->host[0] != '\0') {
		target->kind = SL_TARGET_HOST;
		target->ip = address_of(t, obj->host, &route->prefix);
	} else {
		target->kind = SL_TARGET_ENDPOINT;
		target->ip = address_of(t, obj->endpoint, &route->prefix);
	}
}

static int put_route(struct sl_table_txn *t, const struct sl_route_obj *route)
{
	const struct sl_route_target_obj *obj = route->targets.items;
	struct sl_route_dp *r = sl_route_create(&route->prefix, (unsigned int)route->targets.n);

	if (r == NULL)
		return -ENOMEM;
	r->kind = route->blackhole ? SL_ROUTE_BLACKHOLE : SL_ROUTE_TARGETS;
	for (size_t i = 0; i < route->targets.n; i++)
		fill_target(t, route, &obj[i], &r->target[i]);
	sl_route_fill_buckets(r);
	return sl_route_put(state_of(t)->edit, sl_routes_of(network_id(t, route->network)), r);
}

/* Routes that name a changed endpoint may have an address that it had. */
struct renewal {
	struct sl_table_txn *t;
	int err;
};

static bool renew_route(unsigned int by, const struct sl_object *o, void *ctx)
{
	struct renewal *r = ctx;

	if (by == SL_COLL_ROUTES && network_route(o) != NULL)
		r->err = put_route(r->t, network_route(o));
	return r->err == 0;
}

static int renew_routes(struct sl_table_txn *t)
{
	struct renewal r = {.t = t};

	SL_EACH_CHANGE (c, t, SL_COLL_ENDPOINTS)
		if (c->old_obj != NULL && c->new_obj != NULL && r.err == 0)
			sl_store_referrers(
				t->store, SL_COLL_ENDPOINTS, c->new_obj->key, renew_route, &r);
	return r.err;
}

static int edit_routes(struct sl_table_txn *t)
{
	SL_EACH_CHANGE (c, t, SL_COLL_ROUTES) {
		const struct sl_route_obj *old = network_route(c->old_obj);
		uint32_t table = old != NULL ? sl_routes_of(network_id(t, old->network)) : 0;

		if (old != NULL && sl_route_del(state_of(t)->edit, table, &old->prefix) != 0)
			return -ENOMEM;
	}
	SL_EACH_CHANGE (c, t, SL_COLL_ROUTES)
		if (network_route(c->new_obj) != NULL &&
			put_route(t, network_route(c->new_obj)) != 0)
			return -ENOMEM;
	return renew_routes(t);
}

static void abort_edit(struct sl_table_txn *t)
{
	struct state *s = state_of(t);

	if (s->edit != NULL)
		sl_route_edit_abort(s->edit);
	s->edit = NULL;
}

static bool names_endpoint(unsigned int by, const struct sl_object *o, void *ctx)
{
	(void)o;
	*(bool *)ctx |= by == SL_COLL_ROUTES;
	return by != SL_COLL_ROUTES;
}

static bool is_concerned(const struct sl_table_txn *t)
{
	bool named = false;
	size_t n;

	(void)sl_table_changes(t, SL_COLL_NETWORKS, &n);
	if (n > 0)
		return true;
	SL_EACH_CHANGE (c, t, SL_COLL_ROUTES)
		if (network_route(c->old_obj) != NULL || network_route(c->new_obj) != NULL)
			return true;
	SL_EACH_CHANGE (c, t, SL_COLL_ENDPOINTS)
		if (c->old_obj != NULL && c->new_obj != NULL && !named)
			sl_store_referrers(t->store, SL_COLL_ENDPOINTS, c->new_obj->key,
				names_endpoint, &named);
	return named;
}

static int prepare(struct sl_table_txn *t, struct sl_err *e)
{
	struct state *s = state_of(t);

	if (!is_concerned(t))
		return 0;
	s->edit = sl_route_edit_begin(t->old->routes, sl_key_seeds.s[3]);
	if (s->edit == NULL)
		return sl_table_no_memory(e);
	if (edit_subnets(t) == 0 && edit_routes(t) == 0)
		return 0;
	abort_edit(t);
	return sl_table_no_memory(e);
}

/* Flows by the route, and flows by the route around it, which a new one takes over. */
static void scope_route(struct sl_table_txn *t, const struct sl_route_obj *r)
{
	uint32_t network = network_id(t, r->network);
	const struct sl_route_dp *around =
		sl_route_around(t->old->routes, sl_routes_of(network), &r->prefix);

	sl_table_scope(t, sl_change_of(SL_CHANGE_ROUTE, network));
	sl_table_scope(t, sl_change_of_route(network, &r->prefix));
	if (around != NULL)
		sl_table_scope(t, sl_change_of_route(network, &around->prefix));
}

static bool scope_renewed(unsigned int by, const struct sl_object *o, void *ctx)
{
	if (by == SL_COLL_ROUTES && network_route(o) != NULL)
		scope_route(ctx, network_route(o));
	return true;
}

static void scope(struct sl_table_txn *t)
{
	SL_EACH_CHANGE (c, t, SL_COLL_ROUTES) {
		if (network_route(c->old_obj) != NULL)
			scope_route(t, network_route(c->old_obj));
		if (network_route(c->new_obj) != NULL)
			scope_route(t, network_route(c->new_obj));
	}
	SL_EACH_CHANGE (c, t, SL_COLL_ENDPOINTS)
		if (c->old_obj != NULL && c->new_obj != NULL)
			sl_store_referrers(
				t->store, SL_COLL_ENDPOINTS, c->new_obj->key, scope_renewed, t);
}

static void commit(struct sl_table_txn *t)
{
	struct state *s = state_of(t);
	struct sl_route_garbage *garbage;

	if (s->edit == NULL)
		return;
	t->world->routes = sl_route_edit_commit(s->edit, &garbage);
	s->edit = NULL;
	if (!sl_table_retire(t, sl_route_garbage_free, garbage))
		abort();
}

const struct sl_table_ops sl_network_routes_tables = {.of = SL_TABLE_OF(SL_COLL_NETWORKS) |
							    SL_TABLE_OF(SL_COLL_ROUTES) |
							    SL_TABLE_OF(SL_COLL_ENDPOINTS),
	.open = open_routes,
	.close = close_routes,
	.prepare = prepare,
	.scope = scope,
	.commit = commit,
	.abort = abort_edit};
