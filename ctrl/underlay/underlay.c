/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "pipelines/overlay/group_dp.h"
#include "underlay_impl.h"

struct sl_uport *sl_uport_find(const struct sl_underlay *u, uint16_t id)
{
	struct sl_uport *p;

	HASH_FIND(hh, u->ports, &id, sizeof(id), p);
	return p;
}

struct sl_unode *sl_unode_find(const struct sl_underlay *u, uint32_t id)
{
	struct sl_unode *n;

	HASH_FIND(hh, u->nodes, &id, sizeof(id), n);
	return n;
}

void sl_unode_set_fresh(struct sl_underlay *u, struct sl_unode *n, bool fresh)
{
	if (n->fresh == fresh)
		return;
	n->fresh = fresh;
	if (fresh)
		DL_APPEND2(u->fresh, n, fresh_prev, fresh_next);
	else
		DL_DELETE2(u->fresh, n, fresh_prev, fresh_next);
}

static void follow_link(struct sl_underlay *u, struct sl_uport *p)
{
	struct sl_port_info info;

	sl_port_info(u->engine, p->id, &info);
	if (p->is_down == !info.link_up)
		return;
	p->is_down = !info.link_up;
	p->has_reported = false;
	sl_hops_link_changed(u, p->id);
}

void sl_underlay_put_port(struct sl_underlay *u, const struct sl_underlay_port *port)
{
	struct sl_uport *p = sl_uport_find(u, port->id);

	if (p == NULL) {
		p = calloc(1, sizeof(*p));
		if (p == NULL)
			abort();
		p->id = port->id;
		HASH_ADD(hh, u->ports, id, sizeof(p->id), p);
	}
	u->has_other_ports = true;
	p->mac = port->mac;
	p->mtu = port->mtu;
	if (!sl_reach_put_link(&u->reach, port->id, port->name, port->addresses, port->n_addresses))
		abort();
	p->has_reported = false;
	follow_link(u, p);
}

bool sl_underlay_port_follow(
	struct sl_underlay *u, uint16_t id, const struct sl_mac *mac, uint16_t mtu)
{
	struct sl_uport *p = sl_uport_find(u, id);

	u->hosts.dirty = true;
	if (p != NULL)
		follow_link(u, p);
	if (p == NULL || (p->mtu == mtu && sl_mac_equal(&p->mac, mac)))
		return false;
	u->has_other_ports = true;
	p->mtu = mtu;
	p->mac = *mac;
	p->has_reported = false;
	return true;
}

void sl_underlay_del_port(struct sl_underlay *u, uint16_t id)
{
	struct sl_uport *p = sl_uport_find(u, id);

	if (p == NULL)
		return;
	u->has_other_ports = true;
	sl_hops_leave_port(u, id);
	sl_neighbors_forget_port(u->neighbors, id);
	sl_reach_del_link(&u->reach, id);
	HASH_DEL(u->ports, p);
	free(p);
}

void sl_underlay_put_route(struct sl_underlay *u, const struct sl_route *route)
{
	if (!sl_routes_put(&u->routes, route))
		abort();
}

void sl_underlay_del_route(struct sl_underlay *u, const struct sl_prefix *prefix)
{
	sl_routes_del(&u->routes, prefix);
}

static void put_addresses(
	struct sl_underlay *u, struct sl_unode *n, const struct sl_underlay_node *node)
{
	bool same = true;

	for (unsigned int f = 0; f < SL_FAMILIES; f++) {
		struct sl_leg *leg = &n->leg[f];

		same = same && sl_ip_equal(&leg->address, &node->address[f]);
		leg->owner = n->id;
		leg->mtu = node->mtu;
		leg->wishes = node->wishes;
		leg->family = f;
		leg->address = node->address[f];
	}
	n->first = node->first;
	if (!same)
		sl_path_watch_begin(u, n);
}

void sl_underlay_put_node(struct sl_underlay *u, const struct sl_underlay_node *node)
{
	struct sl_unode *n = sl_unode_find(u, node->id);

	if (n == NULL) {
		n = calloc(1, sizeof(*n));
		if (n == NULL)
			abort();
		n->id = node->id;
		HASH_ADD(hh, u->nodes, id, sizeof(n->id), n);
	}
	put_addresses(u, n, node);
	free(n->name);
	n->name = strdup(node->name);
	if (n->name == NULL)
		abort();
	sl_unode_set_fresh(u, n, true);
}

static void node_free(struct sl_underlay *u, struct sl_unode *n)
{
	sl_unode_leave_hops(u, n);
	HASH_DEL(u->nodes, n);
	free(n->name);
	free(n);
}

void sl_underlay_del_node(struct sl_underlay *u, uint32_t id)
{
	struct sl_unode *n = sl_unode_find(u, id);

	if (n == NULL)
		return;
	sl_unode_set_fresh(u, n, false);
	sl_tunnels_unpublish(u, n->id);
	if (u->look == n)
		u->look = n->hh.next;
	if (u->round == n)
		u->round = n->hh.next;
	node_free(u, n);
}

void sl_underlay_put_neighbor(
	struct sl_underlay *u, uint16_t port, const struct sl_ip *ip, const struct sl_mac *mac)
{
	sl_neighbor_set_static(u->neighbors, port, ip, mac);
}

void sl_underlay_del_neighbor(struct sl_underlay *u, uint16_t port, const struct sl_ip *ip)
{
	sl_neighbor_clear_static(u->neighbors, port, ip, sl_engine_tick(u->engine));
}

void sl_underlay_refresh(struct sl_underlay *u, bool all)
{
	struct sl_unode *n, *next;

	/* Ten tunnels lead to a node. Most routes concern few nodes, so only those are made anew. */
	if (all)
		HASH_ITER (hh, u->nodes, n, next)
			if (u->has_other_ports || (!n->fresh && sl_unode_has_moved(u, n)))
				sl_unode_set_fresh(u, n, true);
	u->has_other_ports = false;
	DL_FOREACH_SAFE2(u->fresh, n, next, fresh_next)
	sl_unode_find_path(u, n);
	if (!all)
		return;
	sl_outside_refresh(u);
	sl_exits_refresh(u);
}

/* Drops a packet that a worker encapsulated and that should leave by up->port. */
static void drop_upcall(struct sl_underlay *u, const struct sl_upcall *up, enum sl_drop reason)
{
	struct sl_sample s = {.reason = (uint8_t)reason,
		.origin = SL_SAMPLE_NOWHERE,
		.in_port = SL_PORT_NONE,
		.out_port = up->port,
		.outer = true};

	sl_drop_late(sl_engine_control_counters(u->engine), sl_engine_control_samples(u->engine),
		&s, up->m);
	rte_pktmbuf_free(up->m);
}

/* The packet has the MAC of that port as its source. Any next hop on the link will do. */
static const struct sl_tunnel *member_by_port(const struct sl_tunnel_group *g, uint16_t port)
{
	for (unsigned int i = 0; i < g->n; i++)
		if (g->member[i].port == port)
			return &g->member[i];
	return NULL;
}

void sl_underlay_upcall(struct sl_underlay *u, const struct sl_upcall *up)
{
	uint32_t tick = sl_engine_tick(u->engine);
	const struct sl_tunnel *t;

	if (up->kind == SL_UPCALL_ARP) {
		sl_neighbor_hear(u->neighbors, up->port, up->m, tick);
		return;
	}
	if (sl_parked_is_stale(up->m, &u->parked)) {
		drop_upcall(u, up, SL_DROP_STALE);
		return;
	}
	t = sl_tunnel_find(u->tunnels, up->arg);
	if (t != NULL && t->node == SL_NODES_MAX) {
		if (!sl_exits_learn(u, up->m, tick))
			drop_upcall(u, up, SL_DROP_ROUTE_NONE);
		return;
	}
	if (t != NULL && t->group != NULL)
		t = member_by_port(t->group, up->port);
	if (t != NULL && t->reachable) {
		sl_neighbor_queue(u->neighbors, t->port, &t->next_hop, up->m, tick);
		return;
	}
	drop_upcall(u, up, SL_DROP_ROUTE_NONE);
}

void sl_underlay_network_changed(struct sl_underlay *u, uint32_t network, uint32_t commit)
{
	sl_parked_end_network(&u->parked, network, commit);
	u->has_stale = true;
}

void sl_underlay_nodes_changed(struct sl_underlay *u, uint32_t commit)
{
	sl_parked_end_all(&u->parked, commit);
	u->has_stale = true;
}

void sl_underlay_drop_stale(struct sl_underlay *u)
{
	if (u->has_stale)
		sl_neighbors_cancel(u->neighbors, sl_parked_is_stale, &u->parked);
	u->has_stale = false;
}

void sl_underlay_tick(struct sl_underlay *u)
{
	sl_neighbors_tick(u->neighbors, sl_engine_tick(u->engine));
	sl_hops_watch(u);
	sl_listeners_turn(u);
	sl_path_watch_turn(u);
	u->asks_nodes |= sl_host_links_turn(&u->hosts, sl_engine_tick(u->engine));
}

struct sl_neighbors *sl_underlay_neighbors(struct sl_underlay *u)
{
	return u->neighbors;
}

static bool copy_own(struct sl_underlay *u, const struct sl_ip *own, size_t n)
{
	u->own = calloc(n + 1, sizeof(*own));
	if (u->own == NULL)
		return false;
	u->n_own = n;
	for (size_t i = 0; i < n; i++) {
		struct sl_ip *source = &u->source[sl_ip_family(&own[i])];

		u->own[i] = own[i];
		if (sl_ip_is_none(source))
			*source = own[i];
	}
	sl_reach_init(&u->reach, u->own, n);
	return true;
}

struct sl_underlay *sl_underlay_create(struct sl_engine *engine, struct sl_tunnel_table *tunnels,
	const struct sl_ip *own, size_t n_own, void (*log)(const char *line))
{
	struct sl_underlay *u = calloc(1, sizeof(*u));
	struct sl_neighbor_ops ops;

	if (u == NULL)
		return NULL;
	u->engine = engine;
	u->tunnels = tunnels;
	u->log = log;
	u->hosts = (struct sl_host_links){.engine = engine, .rtnl = sl_rtnl_open(), .log = log};
	ops = sl_underlay_neighbor_ops(u);
	u->neighbors = sl_neighbors_create(&ops);
	if (u->neighbors == NULL || !copy_own(u, own, n_own)) {
		sl_underlay_destroy(u);
		return NULL;
	}
	return u;
}

void sl_underlay_destroy(struct sl_underlay *u)
{
	struct sl_unode *n, *next;
	struct sl_uport *p, *next_port;

	if (u == NULL)
		return;
	HASH_ITER (hh, u->nodes, n, next)
		node_free(u, n);
	sl_exits_fini(u);
	sl_outside_fini(u);
	HASH_ITER (hh, u->ports, p, next_port) {
		HASH_DEL(u->ports, p);
		free(p);
	}
	sl_underlay_hosts_fini(u);
	sl_routes_fini(&u->routes);
	sl_reach_fini(&u->reach);
	sl_neighbors_destroy(u->neighbors);
	free(u->own);
	free(u);
}
