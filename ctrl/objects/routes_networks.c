/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Routes and subnets of networks, in workers' map (pipelines/route/). A route to an endpoint has an
 * address of it, and one to an underlay port a next hop there, so the row is called for endpoints
 * and ports too.
 */
#include <stdlib.h>

#include "collections.h"
#include "endpoints.h"
#include "ctrl/underlay/underlay.h"
#include "networks.h"
#include "pipelines/context/changes.h"
#include "pipelines/key/key_dp.h"
#include "pipelines/route/route_ctl.h"
#include "routes.h"
#include "routes_ports.h"
#include "tables.h"

/* The next hops of routes to ports: each is held once for each target that names it. */
struct hops {
	size_t n, room;
	struct hop {
		uint16_t port;
		struct sl_ip via;
	} * hop;
};

struct state {
	struct sl_route_edit *edit; /* of the transaction; NULL: none */
	struct hops hops;
	size_t n_port_routes;
	/* of the transaction, if has_next */
	bool has_next;
	struct hops next;
	size_t n_next;
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

/* The underlay ends with its next hops. */
static void close_routes(struct sl_world *w, void *state)
{
	sl_routes_destroy((struct sl_pmap *)(uintptr_t)w->routes);
	free(((struct state *)state)->hops.hop);
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

/* The address of an endpoint that counts for routes of that family. */
static struct sl_ip first_of(const struct sl_object *endpoint, bool is_v4)
{
	const struct sl_list *addresses = &((const struct sl_endpoint_obj *)endpoint)->addresses;
	const struct sl_ip *ip = addresses->items;

	for (size_t i = 0; i < addresses->n; i++)
		if (sl_ip_is_v4(&ip[i]) == is_v4)
			return ip[i];
	return ip[0];
}

static struct sl_ip address_of(
	const struct sl_table_txn *t, const char *endpoint, const struct sl_prefix *prefix)
{
	return first_of(
		sl_store_find(t->store, SL_COLL_ENDPOINTS, endpoint), sl_prefix_is_v4(prefix));
}

/* With a gateway, the tunnel of that next hop. Otherwise destinations are on the port's link. */
static void fill_port_target(const struct sl_table_txn *t, const struct sl_route_target_obj *obj,
	struct sl_route_target *target)
{
	struct sl_underlay *u = sl_apply_underlay(t->apply);
	uint16_t port = (uint16_t)sl_table_port(t, obj->port);

	target->kind = obj->has_via ? SL_TARGET_PORT : SL_TARGET_UNDERLAY;
	target->id = port;
	if (!obj->has_via)
		return;
	/* It is held (hold_hops); this one is to learn its id. */
	target->id = sl_underlay_hop_hold(u, port, &obj->via);
	sl_underlay_hop_release(u, port, &obj->via);
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
	} else if (obj->port[0] != '\0') {
		fill_port_target(t, obj, target);
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

/*
 * True when routes that name the endpoint have an address that it had. All else about an endpoint
 * is found by its address, so thousands of routes may name one whose labels change.
 */
static bool has_moved(const struct sl_change *c)
{
	struct sl_ip old[2], new[2];

	if (c->old_obj == NULL || c->new_obj == NULL)
		return false;
	for (int v4 = 0; v4 < 2; v4++) {
		old[v4] = first_of(c->old_obj, v4 != 0);
		new[v4] = first_of(c->new_obj, v4 != 0);
	}
	return !sl_ip_equal(&old[0], &new[0]) || !sl_ip_equal(&old[1], &new[1]);
}

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
		if (has_moved(c) && r.err == 0)
			sl_store_referrers(
				t->store, SL_COLL_ENDPOINTS, c->new_obj->key, renew_route, &r);
	return r.err;
}

/* Next hops on ports. New ones are held before old ones are released: one that stays keeps its id. */

static bool concerns_ports(const struct sl_table_txn *t)
{
	size_t n;

	SL_EACH_CHANGE (c, t, SL_COLL_ROUTES)
		if (sl_is_port_route(c->old_obj) || sl_is_port_route(c->new_obj))
			return true;
	(void)sl_table_changes(t, SL_COLL_PORTS, &n);
	return n > 0 && state_of(t)->n_port_routes > 0;
}

static void release_hops(struct sl_underlay *u, struct hops *h)
{
	for (size_t i = 0; i < h->n; i++)
		sl_underlay_hop_release(u, h->hop[i].port, &h->hop[i].via);
	free(h->hop);
	*h = (struct hops){0};
}

static bool hold_hop(const struct sl_table_txn *t, const struct sl_route_target_obj *obj)
{
	struct hops *h = &state_of(t)->next;
	uint16_t port = (uint16_t)sl_table_port(t, obj->port);

	if (h->n == h->room) {
		size_t room = h->room * 2 + 16;
		struct hop *more = realloc(h->hop, room * sizeof(*more));

		if (more == NULL)
			return false;
		h->hop = more;
		h->room = room;
	}
	/* Without room for one more the target drops, as one without its port does. */
	if (sl_underlay_hop_hold(sl_apply_underlay(t->apply), port, &obj->via) != 0)
		h->hop[h->n++] = (struct hop){port, obj->via};
	return true;
}

static bool hold_hops(const struct sl_route_obj *r, void *ctx)
{
	const struct sl_route_target_obj *target = r->targets.items;
	struct renewal *n = ctx;

	state_of(n->t)->n_next++;
	for (size_t i = 0; i < r->targets.n; i++)
		if (target[i].port[0] != '\0' && target[i].has_via && !hold_hop(n->t, &target[i]))
			n->err = -ENOMEM;
	return n->err == 0;
}

static bool renew_port_route(const struct sl_route_obj *r, void *ctx)
{
	return renew_route(SL_COLL_ROUTES, &r->o, ctx);
}

/* All of them, because ports may have other ids now. */
static int edit_port_routes(struct sl_table_txn *t)
{
	struct renewal r = {.t = t};

	if (!concerns_ports(t))
		return 0;
	state_of(t)->has_next = true;
	state_of(t)->n_next = 0;
	sl_port_routes_walk(t->store, hold_hops, &r);
	if (r.err == 0)
		sl_port_routes_walk(t->store, renew_port_route, &r);
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
	if (edit_port_routes(t) != 0)
		return -ENOMEM;
	return renew_routes(t);
}

static void abort_edit(struct sl_table_txn *t)
{
	struct state *s = state_of(t);

	if (s->edit != NULL)
		sl_route_edit_abort(s->edit);
	s->edit = NULL;
	release_hops(sl_apply_underlay(t->apply), &s->next);
	s->has_next = false;
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
	if (n > 0 || concerns_ports(t))
		return true;
	SL_EACH_CHANGE (c, t, SL_COLL_ROUTES)
		if (network_route(c->old_obj) != NULL || network_route(c->new_obj) != NULL)
			return true;
	SL_EACH_CHANGE (c, t, SL_COLL_ENDPOINTS)
		if (!named && has_moved(c))
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
		if (has_moved(c))
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
	if (s->has_next) {
		release_hops(sl_apply_underlay(t->apply), &s->hops);
		s->hops = s->next;
		s->n_port_routes = s->n_next;
		s->next = (struct hops){0};
		s->has_next = false;
	}
	if (!sl_table_retire(t, sl_route_garbage_free, garbage))
		abort();
}

const struct sl_table_ops sl_network_routes_tables = {
	.of = SL_TABLE_OF(SL_COLL_NETWORKS) | SL_TABLE_OF(SL_COLL_ROUTES) |
	      SL_TABLE_OF(SL_COLL_ENDPOINTS) | SL_TABLE_OF(SL_COLL_PORTS),
	.open = open_routes,
	.close = close_routes,
	.prepare = prepare,
	.scope = scope,
	.commit = commit,
	.abort = abort_edit};
