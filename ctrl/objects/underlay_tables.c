/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tables and state of the underlay that are made from several collections. Each row's `of`, at the
 * end of this file, says from which.
 */
#include <arpa/inet.h>
#include <stdlib.h>

#include "ctrl/underlay/underlay.h"
#include "dp/lib/addr_map.h"
#include "tables.h"
#include "collections.h"
#include "endpoints.h"
#include "nodes.h"
#include "ports.h"
#include "sluice/encap.h"
#include "routes.h"

/* The seeds of maps only spread keys that the operator chose; no packet's field gets in here. */
#define LOCAL_SEED 0x5eedu
#define NODES_SEED 0x5eedu

static const struct sl_port_obj *as_port(const struct sl_object *o)
{
	return (const struct sl_port_obj *)o;
}

/* Pairs for a map that is built from scratch. */
struct pairs {
	struct sl_addr_pair *pair;
	uint32_t n;
};

static bool pairs_init(struct pairs *p, size_t n)
{
	p->n = 0;
	p->pair = malloc((n + 1) * sizeof(*p->pair));
	return p->pair != NULL;
}

static void pairs_add(struct pairs *p, const struct sl_ip *ip, uint32_t value)
{
	p->pair[p->n++] = (struct sl_addr_pair){*ip, value};
}

static struct sl_addr_map *pairs_map(struct pairs *p, uint32_t seed)
{
	struct sl_addr_map *m = sl_addr_map_build(p->pair, p->n, seed);

	free(p->pair);
	return m;
}

/* This node's addresses. */

struct locals {
	struct pairs pairs;
	size_t n;
	uint32_t value;	 /* of ports' addresses */
	uint32_t number; /* the last one given to a tunnel address: see sl_pair_key */
};

static uint32_t numbered(struct locals *l, uint32_t value)
{
	return value & SL_LOCAL_TUNNEL ? value | ++l->number << SL_LOCAL_NUMBER_SHIFT : value;
}

static bool count_addresses(const struct sl_object *o, void *ctx)
{
	/* Each address also adds the broadcast address of its prefix. */
	((struct locals *)ctx)->n += 2 * as_port(o)->addresses.n;
	return true;
}

/* Adds broadcast addresses. A /31 (RFC 3021) and a /32 have none. */
static bool add_broadcasts(const struct sl_object *o, void *ctx)
{
	const struct sl_prefix *addr = as_port(o)->addresses.items;
	struct locals *l = ctx;

	for (size_t i = 0; i < as_port(o)->addresses.n; i++) {
		struct sl_ip last;

		if (!sl_ip_is_v4(&addr[i].ip) || addr[i].len < 96 || addr[i].len >= 96 + 31)
			continue;
		last = sl_ip_from_v4(
			sl_ip_v4_be(&addr[i].ip) | htonl(UINT32_MAX >> (addr[i].len - 96)));
		pairs_add(&l->pairs, &last, SL_LOCAL_BROADCAST);
	}
	return true;
}

static bool add_addresses(const struct sl_object *o, void *ctx)
{
	const struct sl_prefix *addr = as_port(o)->addresses.items;
	struct locals *l = ctx;

	for (size_t i = 0; i < as_port(o)->addresses.n; i++)
		pairs_add(&l->pairs, &addr[i].ip, numbered(l, l->value));
	return true;
}

/* NULL: out of memory. store NULL: at start, before the node has ports. */
static struct sl_addr_map *build_local(const struct sl_store *s, const struct sl_node_self *self)
{
	const struct sl_ip *tun = self->tunnel_addresses.items;
	struct locals l = {.n = self->tunnel_addresses.n};

	if (s != NULL)
		sl_store_walk(s, SL_COLL_PORTS, count_addresses, &l);
	if (!pairs_init(&l.pairs, l.n))
		return NULL;
	/*
	 * Broadcast addresses come first: the last value of a key counts, and an own address stays
	 * an own address even if a prefix makes it a broadcast address.
	 */
	if (s != NULL)
		sl_store_walk(s, SL_COLL_PORTS, add_broadcasts, &l);
	/*
	 * Without configured tunnel addresses the node accepts tunnel packets at every underlay
	 * address.
	 */
	l.value = SL_LOCAL_ADDRESS | (self->tunnel_addresses.n == 0 ? SL_LOCAL_TUNNEL : 0);
	if (s != NULL)
		sl_store_walk(s, SL_COLL_PORTS, add_addresses, &l);
	for (size_t i = 0; i < self->tunnel_addresses.n; i++)
		pairs_add(&l.pairs, &tun[i], numbered(&l, SL_LOCAL_ADDRESS | SL_LOCAL_TUNNEL));
	return pairs_map(&l.pairs, LOCAL_SEED);
}

/* Where this node takes packets of an encapsulation; 0: at no UDP port of its own. */
static uint16_t port_of(const struct sl_node_self *self, unsigned int encap)
{
	uint32_t own = encap == SL_ENCAP_VXLAN	  ? self->encap_ports.vxlan
		       : encap == SL_ENCAP_GENEVE ? self->encap_ports.geneve
						  : 0;

	/* A configuration without a node says nothing: standard ones. */
	return own != 0 || sl_encaps[encap]->wire != NULL ? (uint16_t)own
							  : sl_encaps[encap]->udp_port;
}

/* The UDP ports that this node listens on. */
static struct sl_encap_ports *make_ports(const struct sl_node_self *self)
{
	struct sl_encap_ports *p = calloc(1, sizeof(*p));

	for (unsigned int e = 0; p != NULL && e < SL_ENCAP_COUNT; e++) {
		uint16_t port = port_of(self, e);

		if (port == 0 || p->n == SL_ENCAP_PORTS_MAX)
			continue;
		p->port[p->n].encap = (uint8_t)e;
		p->port[p->n++].port_be = htons(port);
	}
	return p;
}

/*
 * Tunnel addresses are this node's, whether a port has them or the host does. What this node listens
 * on does not change while it runs.
 */
static bool open_local(struct sl_apply *a, struct sl_world *w, void **state)
{
	struct sl_encap_ports *ports = make_ports(sl_apply_self(a));

	(void)state;
	w->local_addr = build_local(NULL, sl_apply_self(a));
	if (w->local_addr != NULL && ports != NULL) {
		w->encap_ports = ports;
		return true;
	}
	sl_addr_map_destroy((void *)(uintptr_t)w->local_addr);
	free(ports);
	return false;
}

static void close_local(struct sl_world *w, void *state)
{
	(void)state;
	free((void *)(uintptr_t)w->encap_ports);
	sl_addr_map_destroy((void *)(uintptr_t)w->local_addr);
}

static bool same_addresses(const struct sl_change *c)
{
	const struct sl_list none = {0};
	const struct sl_list *old = c->old_obj != NULL ? &as_port(c->old_obj)->addresses : &none;
	const struct sl_list *new = c->new_obj != NULL ? &as_port(c->new_obj)->addresses : &none;
	const struct sl_prefix *a = old->items, *b = new->items;

	if (old->n != new->n)
		return false;
	for (size_t i = 0; i < old->n; i++)
		if (!sl_ip_equal(&a[i].ip, &b[i].ip) || a[i].len != b[i].len)
			return false;
	return true;
}

/* Ports of workloads come and go often, but have no addresses. */
static int prepare_local(struct sl_table_txn *t, struct sl_err *e)
{
	bool same = true;

	SL_EACH_CHANGE (c, t, SL_COLL_PORTS)
		same = same && same_addresses(c);
	if (same)
		return 0;
	t->world->local_addr = build_local(t->store, sl_apply_self(t->apply));
	return sl_table_replace(t, t->old->local_addr, t->world->local_addr, sl_addr_map_destroy)
		       ? 0
		       : sl_table_no_memory(e);
}

/*
 * Nodes by their addresses, without this node's own: a packet from the wire that claims to come
 * from this node is not accepted.
 */

struct others {
	struct pairs pairs;
	const struct sl_addr_map *local;
};

static bool is_own(const struct sl_addr_map *local, const struct sl_ip *ip)
{
	return (sl_addr_map_find(local, ip) & SL_LOCAL_ADDRESS) != 0;
}

static const struct sl_node_obj *as_node(const struct sl_object *o)
{
	return (const struct sl_node_obj *)o;
}

static bool count_node(const struct sl_object *o, void *ctx)
{
	*(size_t *)ctx += sl_node_n_addresses(as_node(o));
	return true;
}

static bool add_node(const struct sl_object *o, void *ctx)
{
	struct others *n = ctx;

	for (size_t i = 0; i < sl_node_n_addresses(as_node(o)); i++) {
		const struct sl_ip *ip = sl_node_address_at(as_node(o), i);

		if (!is_own(n->local, ip))
			pairs_add(&n->pairs, ip, o->id);
	}
	return true;
}

static struct sl_addr_map *build_nodes(const struct sl_store *s, const struct sl_addr_map *local)
{
	struct others n = {.local = local};
	size_t room = 0;

	sl_store_walk(s, SL_COLL_NODES, count_node, &room);
	if (!pairs_init(&n.pairs, room))
		return NULL;
	sl_store_walk(s, SL_COLL_NODES, add_node, &n);
	return pairs_map(&n.pairs, NODES_SEED);
}

static void unset_node(struct sl_addr_map *m, const struct sl_node_obj *n)
{
	for (size_t i = 0; i < sl_node_n_addresses(n); i++)
		sl_addr_map_unset(m, sl_node_address_at(n, i));
}

static void set_node(
	struct sl_addr_map *m, const struct sl_addr_map *local, const struct sl_node_obj *n)
{
	for (size_t i = 0; i < sl_node_n_addresses(n); i++)
		if (!is_own(local, sl_node_address_at(n, i)))
			sl_addr_map_set(m, sl_node_address_at(n, i), n->o.id);
}

/* All removals before all additions: an address may move from one node to another. */
static struct sl_addr_map *change_nodes(const struct sl_table_txn *t)
{
	struct sl_addr_map *m;
	size_t room = 0;

	SL_EACH_CHANGE (c, t, SL_COLL_NODES)
		room += c->new_obj != NULL ? sl_node_n_addresses(as_node(c->new_obj)) : 0;
	m = sl_addr_map_copy(t->old->node_by_addr, (uint32_t)room);
	if (m == NULL)
		return NULL;
	SL_EACH_CHANGE (c, t, SL_COLL_NODES)
		if (c->old_obj != NULL)
			unset_node(m, as_node(c->old_obj));
	SL_EACH_CHANGE (c, t, SL_COLL_NODES)
		if (c->new_obj != NULL)
			set_node(m, t->world->local_addr, as_node(c->new_obj));
	return m;
}

static bool open_nodes(struct sl_apply *a, struct sl_world *w, void **state)
{
	(void)a;
	(void)state;
	w->node_by_addr = sl_addr_map_build(NULL, 0, NODES_SEED);
	return w->node_by_addr != NULL;
}

static void close_nodes(struct sl_world *w, void *state)
{
	(void)state;
	sl_addr_map_destroy((void *)(uintptr_t)w->node_by_addr);
}

/* After this node's own addresses. */
static int prepare_nodes(struct sl_table_txn *t, struct sl_err *e)
{
	const struct sl_addr_map *local = t->world->local_addr;
	size_t n;

	(void)sl_table_changes(t, SL_COLL_NODES, &n);
	if (n == 0 && local == t->old->local_addr)
		return 0;
	t->world->node_by_addr =
		local != t->old->local_addr ? build_nodes(t->store, local) : change_nodes(t);
	return sl_table_replace(
		       t, t->old->node_by_addr, t->world->node_by_addr, sl_addr_map_destroy)
		       ? 0
		       : sl_table_no_memory(e);
}

/* How nodes are reached. */

static bool is_link(const struct sl_object *port)
{
	return port != NULL && as_port(port)->role == SL_ROLE_UNDERLAY;
}

static bool is_underlay_route(const struct sl_object *route)
{
	return route != NULL && sl_route_is_underlay((const struct sl_route_obj *)route);
}

/*
 * Finds every node's path again when a link or a route has changed; otherwise only the paths of
 * changed nodes.
 */
static void commit_paths(struct sl_table_txn *t)
{
	bool all = false;

	SL_EACH_CHANGE (c, t, SL_COLL_ROUTES)
		all = all || is_underlay_route(c->old_obj) || is_underlay_route(c->new_obj);
	SL_EACH_CHANGE (c, t, SL_COLL_PORTS)
		all = all || is_link(c->old_obj) || is_link(c->new_obj);
	sl_underlay_refresh(sl_apply_underlay(t->apply), all);
}

/* Packets that wait for a next hop and were judged by objects that are now removed or changed. */

static const struct sl_object *network_of(
	const struct sl_store *s, const struct sl_object *endpoint)
{
	return sl_store_find(
		s, SL_COLL_NETWORKS, ((const struct sl_endpoint_obj *)endpoint)->network);
}

static void drop_parked(struct sl_table_txn *t)
{
	struct sl_underlay *u = sl_apply_underlay(t->apply);
	uint32_t commit = (uint32_t)t->world->commit;
	bool any = false;

	SL_EACH_CHANGE (c, t, SL_COLL_NETWORKS) {
		if (c->old_obj != NULL)
			sl_underlay_network_changed(u, c->old_obj->id, commit);
		any = any || c->old_obj != NULL;
	}
	SL_EACH_CHANGE (c, t, SL_COLL_ENDPOINTS) {
		const struct sl_object *network =
			c->old_obj != NULL ? network_of(t->store, c->old_obj) : NULL;

		/* Not found: the network was removed too, by its own change. */
		if (network != NULL)
			sl_underlay_network_changed(u, network->id, commit);
		any = any || network != NULL;
	}
	SL_EACH_CHANGE (c, t, SL_COLL_NODES) {
		if (c->old_obj != NULL)
			sl_underlay_nodes_changed(u, commit);
		any = any || c->old_obj != NULL;
	}
	if (any)
		sl_underlay_drop_stale(u);
}

const struct sl_table_ops sl_local_addresses_tables = {.of = SL_TABLE_OF(SL_COLL_PORTS),
	.open = open_local,
	.close = close_local,
	.prepare = prepare_local};

const struct sl_table_ops sl_node_addresses_tables = {
	.of = SL_TABLE_OF(SL_COLL_NODES) | SL_TABLE_OF(SL_COLL_PORTS),
	.open = open_nodes,
	.close = close_nodes,
	.prepare = prepare_nodes};

const struct sl_table_ops sl_paths_tables = {
	.of = SL_TABLE_OF(SL_COLL_PORTS) | SL_TABLE_OF(SL_COLL_ROUTES) |
	      SL_TABLE_OF(SL_COLL_NODES) | SL_TABLE_OF(SL_COLL_NEIGHBORS),
	.commit = commit_paths};

const struct sl_table_ops sl_parked_tables = {.of = SL_TABLE_OF(SL_COLL_NETWORKS) |
						    SL_TABLE_OF(SL_COLL_ENDPOINTS) |
						    SL_TABLE_OF(SL_COLL_NODES),
	.published = drop_parked};
