/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ways out of networks: the world's table of them, its index in each network, and the translated
 * addresses in the map of this node's addresses. All is made anew when a network, an address of an
 * underlay port or a host endpoint changes and any network has a way out, or a route to a port.
 */
#include <stdlib.h>
#include <string.h>

#include "collections.h"
#include "ctrl/underlay/underlay.h"
#include "dp/lib/addr_map.h"
#include "endpoints.h"
#include "networks.h"
#include "pipelines/key/key_dp.h"
#include "pipelines/route/route_ctl.h"
#include "ports.h"
#include "routes_ports.h"
#include "sluice/encap.h"
#include "tables.h"

#define SHARED_SEED 0x5eedu

static const struct sl_network_obj *as_network(const struct sl_object *o)
{
	return (const struct sl_network_obj *)o;
}

static const struct sl_port_obj *as_port(const struct sl_object *o)
{
	return (const struct sl_port_obj *)o;
}

static bool open_outside(struct sl_apply *a, struct sl_world *w, void **state)
{
	(void)a;
	(void)state;
	w->outside = calloc(2, sizeof(*w->outside));
	w->n_outside = 1;
	return w->outside != NULL;
}

/* The first one is unused, and one without a kind is the end. */
static void free_outside(void *table)
{
	const struct sl_way_out *all = table;

	for (uint32_t i = 1; all != NULL && all[i].kind != SL_OUTSIDE_NONE; i++)
		for (unsigned int f = 0; f < SL_FAMILIES; f++)
			free((void *)(uintptr_t)all[i].route[f]);
	free(table);
}

static void close_outside(struct sl_world *w, void *state)
{
	(void)state;
	free_outside((void *)(uintptr_t)w->outside);
	sl_routes_destroy((struct sl_pmap *)(uintptr_t)w->routed);
}

static bool is_routed(const struct sl_object *o)
{
	return o != NULL && as_network(o)->encap == SL_ENCAP_NONE;
}

static bool has_outside(const struct sl_object *o)
{
	return o != NULL && (as_network(o)->has_outside || is_routed(o));
}

static bool is_link(const struct sl_object *o)
{
	return o != NULL && as_port(o)->role == SL_ROLE_UNDERLAY;
}

static bool is_host(const struct sl_object *o)
{
	return o != NULL && sl_endpoint_is_host_here((const struct sl_endpoint_obj *)o);
}

static bool concerns(const struct sl_table_txn *t)
{
	bool any = t->old->n_outside > 1 || t->old->routed != NULL;

	SL_EACH_CHANGE (c, t, SL_COLL_ROUTES)
		if (sl_is_port_route(c->old_obj) || sl_is_port_route(c->new_obj))
			return true;
	SL_EACH_CHANGE (c, t, SL_COLL_NETWORKS)
		if (any || has_outside(c->old_obj) || has_outside(c->new_obj))
			return true;
	SL_EACH_CHANGE (c, t, SL_COLL_PORTS)
		if (any && (is_link(c->old_obj) || is_link(c->new_obj)))
			return true;
	SL_EACH_CHANGE (c, t, SL_COLL_ENDPOINTS)
		if (any && (is_host(c->old_obj) || is_host(c->new_obj)))
			return true;
	return any && t->world->local_addr != t->old->local_addr;
}

/* The table while it is made. */
struct making {
	const struct sl_table_txn *t;
	struct sl_way_out *all, *now; /* now: the one that addresses are added to */
	uint32_t n;
	struct sl_route_edit *routed;
	uint32_t last_routed; /* the network whose subnets were added last; 0: none */
	bool failed;
};

/* A translated address. IPv4 addresses stay in front. */
static void add_address(struct making *m, const struct sl_ip *ip, uint16_t port)
{
	struct sl_way_out *o = m->now;
	unsigned int n = o->n4 + o->n6, at = n;

	if (n == SL_OUTSIDE_ADDRESSES || (ip->b[0] == 0xfe && (ip->b[1] & 0xc0) == 0x80))
		return;
	if (sl_ip_is_v4(ip)) {
		at = o->n4++;
		for (unsigned int i = n; i > at; i--) {
			o->address[i] = o->address[i - 1];
			o->address_port[i] = o->address_port[i - 1];
		}
	} else {
		o->n6++;
	}
	o->address[at] = *ip;
	o->address_port[at] = port;
}

static bool add_of_port(const struct sl_object *o, void *ctx)
{
	const struct sl_port_obj *p = as_port(o);
	const struct sl_prefix *addr = p->addresses.items;
	struct making *m = ctx;
	int id = is_link(o) ? sl_table_port(m->t, p->name) : -1;

	for (size_t i = 0; id >= 0 && i < p->addresses.n; i++)
		if (m->now->port == SL_PORT_NONE || m->now->port == id)
			add_address(m, &addr[i].ip, (uint16_t)id);
	return true;
}

/* The node's own: of the ports; where the host owns the ports' addresses, those of tunnels. */
static void add_own(struct making *m)
{
	const struct sl_node_self *self = sl_apply_self(m->t->apply);
	const struct sl_ip *ip = self->tunnel_addresses.items;

	sl_store_walk(m->t->store, SL_COLL_PORTS, add_of_port, m);
	if (m->now->n4 + m->now->n6 > 0)
		return;
	for (size_t i = 0; i < self->tunnel_addresses.n; i++)
		add_address(m, &ip[i], SL_PORT_NONE);
}

static void fill_nat(struct making *m, const struct sl_outside_obj *from)
{
	const struct sl_port_range range = sl_outside_range(m->t->store, from);
	const struct sl_ip *ip = from->addresses.items;
	int port = from->port[0] != '\0' ? sl_table_port(m->t, from->port) : -1;

	m->now->port = port >= 0 ? (uint16_t)port : SL_PORT_NONE;
	m->now->first = range.first;
	m->now->last = range.last;
	for (size_t i = 0; i < from->addresses.n; i++)
		add_address(m, &ip[i], SL_PORT_NONE);
	if (from->addresses.n == 0)
		add_own(m);
}

/* The route to everything of a family. NULL: out of memory. */
static struct sl_route_dp *default_route(unsigned int family)
{
	static const struct sl_ip zero;
	const struct sl_prefix all[] = {{sl_ip_from_v4(0), 96}, {zero, 0}};
	struct sl_route_dp *r = sl_route_create(&all[family], 1);

	if (r == NULL)
		return NULL;
	r->kind = SL_ROUTE_TARGETS;
	r->target[0].weight = 1;
	sl_route_fill_buckets(r);
	return r;
}

/* An address of the host endpoint. False: it has none of the family. */
static bool find_host(const struct making *m, const struct sl_outside_obj *from,
	unsigned int family, struct sl_ip *ip)
{
	const struct sl_endpoint_obj *ep = (const struct sl_endpoint_obj *)sl_store_find(
		m->t->store, SL_COLL_ENDPOINTS, from->endpoint);
	const struct sl_ip *addresses = ep->addresses.items;

	for (size_t i = 0; i < ep->addresses.n; i++) {
		if (sl_ip_is_v4(&addresses[i]) != (family == SL_FAMILY_IP4))
			continue;
		*ip = addresses[i];
		return true;
	}
	return false;
}

/* False: nothing of the family leaves. */
static bool fill_target(const struct making *m, const struct sl_outside_obj *from,
	unsigned int family, struct sl_route_target *target)
{
	if (m->now->kind == SL_OUTSIDE_ROUTED) {
		target->kind = SL_TARGET_UNDERLAY;
		target->id = SL_PORT_NONE;
		return true;
	}
	switch ((enum sl_outside_via)from->via) {
	case SL_OUTSIDE_VIA_HOST:
		target->kind = SL_TARGET_HOST;
		return find_host(m, from, family, &target->ip);
	case SL_OUTSIDE_VIA_NAT:
		target->kind = SL_TARGET_NAT;
		return (family == SL_FAMILY_IP4 ? m->now->n4 : m->now->n6) > 0;
	case SL_OUTSIDE_VIA_NODE:
		target->kind = SL_TARGET_NODE;
		target->id = sl_store_id_of(m->t->store, SL_COLL_NODES, from->node);
		return true;
	}
	return false;
}

static void add_routes(struct making *m, const struct sl_outside_obj *from)
{
	for (unsigned int f = 0; f < SL_FAMILIES; f++) {
		struct sl_route_dp *r = default_route(f);

		if (r == NULL) {
			m->failed = true;
		} else if (fill_target(m, from, f, &r->target[0])) {
			m->now->route[f] = r;
		} else {
			free(r);
		}
	}
}

/* Packets to its subnets are the network's. */
static bool add_routed(struct making *m, const struct sl_network_obj *n)
{
	const struct sl_subnet_obj *s = n->subnets.items;

	for (size_t i = 0; i < n->subnets.n; i++) {
		struct sl_route_dp *r = sl_route_create(&s[i].prefix, 1);

		if (r == NULL)
			return false;
		r->kind = SL_ROUTE_SUBNET;
		r->target[0].id = n->o.id;
		if (sl_route_put(m->routed, SL_NETWORK_UNDERLAY, r) != 0)
			return false;
	}
	return true;
}

/* The subnets of a network that has a route to a port: once, however many such routes it has. */
static bool add_port_route(const struct sl_route_obj *route, void *ctx)
{
	struct making *m = ctx;
	const struct sl_network_obj *n = (const struct sl_network_obj *)sl_store_find(
		m->t->store, SL_COLL_NETWORKS, route->network);

	if (n->encap != SL_ENCAP_NONE && n->o.id != m->last_routed && !add_routed(m, n))
		m->failed = true;
	m->last_routed = n->o.id;
	return !m->failed;
}

static bool add_outside(const struct sl_object *o, void *ctx)
{
	static const uint8_t kinds[] = {[SL_OUTSIDE_VIA_HOST] = SL_OUTSIDE_HOST,
		[SL_OUTSIDE_VIA_NAT] = SL_OUTSIDE_NAT,
		[SL_OUTSIDE_VIA_NODE] = SL_OUTSIDE_NODE};
	const struct sl_outside_obj *from = &as_network(o)->outside;
	struct making *m = ctx;

	if (!has_outside(o))
		return true;
	m->now = &m->all[m->n];
	*m->now = (struct sl_way_out){
		.kind = as_network(o)->has_outside ? kinds[from->via] : SL_OUTSIDE_ROUTED,
		.port = SL_PORT_NONE};
	if (m->now->kind == SL_OUTSIDE_NAT)
		fill_nat(m, from);
	if (is_routed(o) && !add_routed(m, as_network(o)))
		m->failed = true;
	add_routes(m, from);
	/* Without changed networks, the array is that of the old world, and has this index. */
	if (m->t->world->networks != m->t->old->networks)
		((struct sl_network *)(uintptr_t)m->t->world->networks)[o->id].outside =
			(uint16_t)m->n;
	m->n++;
	return true;
}

/* Marks those that have an address in common. */
static bool mark_shared(struct sl_way_out *all, uint32_t n)
{
	struct sl_addr_pair *pair = malloc(n * SL_OUTSIDE_ADDRESSES * sizeof(*pair));
	struct sl_addr_map *last;
	uint32_t n_pairs = 0;

	for (uint32_t i = 1; pair != NULL && i < n; i++)
		for (unsigned int k = 0; k < all[i].n4 + all[i].n6; k++)
			pair[n_pairs++] = (struct sl_addr_pair){all[i].address[k], i};
	last = pair != NULL ? sl_addr_map_build(pair, n_pairs, SHARED_SEED) : NULL;
	free(pair);
	for (uint32_t i = 1; last != NULL && i < n; i++)
		for (unsigned int k = 0; k < all[i].n4 + all[i].n6; k++) {
			uint32_t other = sl_addr_map_find(last, &all[i].address[k]);

			if (other == i)
				continue;
			all[i].shared = true;
			all[other].shared = true;
		}
	sl_addr_map_destroy(last);
	return last != NULL;
}

static void destroy_routed(void *routed)
{
	sl_routes_destroy(routed);
}

/* The table of prefixes is made anew, and shares nothing with the old one. */
static int end_routed(struct sl_table_txn *t, struct making *m, struct sl_err *e)
{
	struct sl_route_garbage *none;
	struct sl_pmap *routed = sl_route_edit_commit(m->routed, &none);

	sl_route_garbage_free(none);
	if (!sl_table_undo(t, destroy_routed, routed) ||
		!sl_table_retire(t, destroy_routed, t->old->routed))
		return sl_table_no_memory(e);
	t->world->routed = routed;
	return 0;
}

static int prepare_table(struct sl_table_txn *t, struct sl_err *e)
{
	struct making m = {.t = t, .n = 1};
	int err;

	m.routed = sl_route_edit_begin(NULL, sl_key_seeds.s[2]);
	if (m.routed == NULL)
		return sl_table_no_memory(e);
	m.all = calloc(2 + sl_store_count(t->store, SL_COLL_NETWORKS), sizeof(*m.all));
	if (!sl_table_replace(t, t->old->outside, m.all, free_outside)) {
		sl_route_edit_abort(m.routed);
		return sl_table_no_memory(e);
	}
	sl_store_walk(t->store, SL_COLL_NETWORKS, add_outside, &m);
	sl_port_routes_walk(t->store, add_port_route, &m);
	err = end_routed(t, &m, e);
	if (err != 0)
		return err;
	if (m.failed || !mark_shared(m.all, m.n))
		return sl_table_no_memory(e);
	t->world->outside = m.all;
	t->world->n_outside = m.n;
	return 0;
}

static void unmark(struct sl_addr_map *map, const struct sl_ip *ip)
{
	uint32_t value = sl_addr_map_find(map, ip);

	if ((value & ~(uint32_t)SL_LOCAL_NAT) != 0)
		sl_addr_map_set(map, ip, value & ~(uint32_t)SL_LOCAL_NAT);
	else if (value != 0)
		sl_addr_map_unset(map, ip);
}

static void each_address(struct sl_addr_map *map, const struct sl_way_out *all, uint32_t n, bool on)
{
	for (uint32_t i = 1; i < n; i++)
		for (unsigned int k = 0; k < all[i].n4 + all[i].n6; k++) {
			const struct sl_ip *ip = &all[i].address[k];

			if (on)
				sl_addr_map_set(map, ip, sl_addr_map_find(map, ip) | SL_LOCAL_NAT);
			else
				unmark(map, ip);
		}
}

/* After the map of own addresses, which may be the old one. */
static int prepare_local(struct sl_table_txn *t, struct sl_err *e)
{
	const struct sl_addr_map *from = t->world->local_addr;
	struct sl_addr_map *map =
		sl_addr_map_copy(from, t->world->n_outside * SL_OUTSIDE_ADDRESSES);

	if (!sl_table_replace(t, from, map, sl_addr_map_destroy))
		return sl_table_no_memory(e);
	each_address(map, t->old->outside, t->old->n_outside, false);
	each_address(map, t->world->outside, t->world->n_outside, true);
	t->world->local_addr = map;
	return 0;
}

static int prepare(struct sl_table_txn *t, struct sl_err *e)
{
	int err;

	if (!concerns(t))
		return 0;
	err = prepare_table(t, e);
	return err != 0 ? err : prepare_local(t, e);
}

static void scope(struct sl_table_txn *t)
{
	if (t->world->outside != t->old->outside)
		sl_table_scope_all(t);
}

static bool leaves_bare(const struct sl_world *w)
{
	for (uint32_t i = 1; i < w->n_outside; i++)
		if (w->outside[i].kind == SL_OUTSIDE_NAT || w->outside[i].kind == SL_OUTSIDE_ROUTED)
			return true;
	return w->routed != NULL;
}

/* Before paths are refreshed, which makes exits anew when ports or routes have changed. */
static void commit(struct sl_table_txn *t)
{
	sl_underlay_set_exits(sl_apply_underlay(t->apply), leaves_bare(t->world));
}

const struct sl_table_ops sl_outside_tables = {
	.of = SL_TABLE_OF(SL_COLL_NETWORKS) | SL_TABLE_OF(SL_COLL_PORTS) |
	      SL_TABLE_OF(SL_COLL_ROUTES) | SL_TABLE_OF(SL_COLL_ENDPOINTS),
	.open = open_outside,
	.close = close_outside,
	.prepare = prepare,
	.scope = scope,
	.commit = commit};
