/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ways that the host knows. The kernel owns the addresses and neighbours of an underlay port with a
 * host TAP. So the way to a node that is behind such a port, and the MAC of its next hop, are the
 * kernel's: it is asked, and what it says of changes is heard.
 */
#include <stdlib.h>

#include "underlay_impl.h"

enum {
	NODES_A_TURN = 64, /* one question each */
	ASKS_A_TURN = 64,
};

/* A next hop whose MAC is to be asked for. */
struct sl_host_ask {
	uint16_t port;
	struct sl_ip ip;
	struct sl_host_ask *next;
};

bool sl_port_has_host(const struct sl_underlay *u, uint16_t port)
{
	return u->hosts.n_following > 0 && sl_host_link_of_wire(&u->hosts, port) != NULL;
}

/* Addresses that no configuration can reach: it does not depend on links. */
static bool is_hopeless(enum sl_reach_why why)
{
	return why == SL_REACH_OWN;
}

struct sl_reach_path sl_underlay_way(const struct sl_underlay *u, const struct sl_ip *to)
{
	struct sl_reach_path path = sl_routes_find(&u->routes, &u->reach, to);
	const struct sl_host_link *tap;
	struct sl_rtnl_route r;

	if (u->hosts.n_following == 0 || u->hosts.rtnl == NULL || is_hopeless(path.why) ||
		(path.why == SL_REACH_OK && !sl_port_has_host(u, path.way[0].port)))
		return path;
	if (sl_rtnl_route(u->hosts.rtnl, to, &r) == 0) {
		tap = sl_host_link_of_index(&u->hosts, r.ifindex);
		if (tap != NULL)
			return (struct sl_reach_path){.why = SL_REACH_OK,
				.n = 1,
				.way = {{.port = tap->follows,
					.next_hop = r.has_via ? r.via : *to,
					.weight = 1}}};
	}
	return (struct sl_reach_path){.why = SL_REACH_HOST};
}

/* The neighbour table wants a MAC: the question waits for the next turn. */
bool sl_host_ask(struct sl_underlay *u, uint16_t port, const struct sl_ip *ip)
{
	struct sl_host_ask *a;

	if (!sl_port_has_host(u, port))
		return false;
	a = malloc(sizeof(*a));
	if (a == NULL)
		return true; /* the table asks again */
	*a = (struct sl_host_ask){.port = port, .ip = *ip, .next = u->asks};
	u->asks = a;
	return true;
}

static void tell(struct sl_underlay *u, uint16_t port, const struct sl_rtnl_neighbor *n)
{
	uint32_t tick = sl_engine_tick(u->engine);

	if (n->state >= SL_RTNL_STALE)
		sl_neighbor_told(u->neighbors, port, &n->ip, &n->mac, tick);
	else if (n->state == SL_RTNL_FAILED)
		sl_neighbor_told(u->neighbors, port, &n->ip, NULL, tick);
}

/* A valid entry is taken as it is. The kernel is to prove any other. */
static void ask_kernel(struct sl_underlay *u, const struct sl_host_ask *a)
{
	const struct sl_host_link *tap = sl_host_link_of_wire(&u->hosts, a->port);
	struct sl_rtnl_neighbor n;

	if (tap == NULL || tap->ifindex == 0)
		return;
	sl_rtnl_neighbor(u->hosts.rtnl, tap->ifindex, &a->ip, &n);
	n.ip = a->ip;
	if (n.state >= SL_RTNL_STALE)
		tell(u, a->port, &n);
	if (n.state != SL_RTNL_VALID)
		(void)sl_rtnl_resolve(u->hosts.rtnl, tap->ifindex, &a->ip);
}

static void ask_all(struct sl_underlay *u)
{
	for (unsigned int i = 0; i < ASKS_A_TURN && u->asks != NULL; i++) {
		struct sl_host_ask *a = u->asks;

		u->asks = a->next;
		if (u->hosts.rtnl != NULL)
			ask_kernel(u, a);
		free(a);
	}
}

static void hear_neighbor(void *ctx, const struct sl_rtnl_neighbor *n)
{
	struct sl_underlay *u = ctx;
	const struct sl_host_link *tap = sl_host_link_of_index(&u->hosts, n->ifindex);

	if (tap != NULL)
		tell(u, tap->follows, n);
}

static void hear_routes(void *ctx)
{
	((struct sl_underlay *)ctx)->asks_nodes = true;
}

static void ask_for_neighbor(const struct sl_neighbor_view *v, void *ctx)
{
	sl_host_ask(ctx, v->port, &v->ip);
}

static void hear_lost(void *ctx)
{
	struct sl_underlay *u = ctx;

	u->asks_nodes = true;
	sl_neighbors_walk(u->neighbors, sl_engine_tick(u->engine), ask_for_neighbor, u);
}

static const struct sl_rtnl_ops ops = {
	.neighbor = hear_neighbor, .routes = hear_routes, .lost = hear_lost};

/* Flows hold the MTU of their way, so they are resolved again when a way changes. */
static void look_at_node(struct sl_underlay *u, struct sl_unode *n)
{
	bool moved = false;

	for (unsigned int f = 0; f < SL_FAMILIES; f++) {
		struct sl_reach_path path;

		if (sl_ip_is_none(&n->leg[f].address))
			continue;
		path = sl_leg_path(u, &n->leg[f]);
		moved = moved || sl_leg_has_moved(&n->leg[f], &path);
	}
	if (!moved)
		return;
	sl_unode_find_path(u, n);
	u->moved = true;
}

/* Some nodes a turn. A change in the middle of the round begins another one after it. */
static void look_at_nodes(struct sl_underlay *u)
{
	if (!u->in_round && !u->asks_nodes)
		return;
	if (!u->in_round) {
		u->asks_nodes = false;
		sl_exits_refresh(u);
		u->moved = u->moved || u->book != NULL;
		u->in_round = true;
		u->round = u->nodes;
	}
	for (unsigned int i = 0; i < NODES_A_TURN && u->round != NULL; i++) {
		struct sl_unode *n = u->round;

		u->round = n->hh.next;
		look_at_node(u, n);
	}
	u->in_round = u->round != NULL;
}

bool sl_underlay_host_turn(struct sl_underlay *u)
{
	if (u->hosts.n_following == 0)
		return false;
	ask_all(u);
	look_at_nodes(u);
	return u->in_round || u->asks_nodes || u->asks != NULL;
}

void sl_underlay_host_hear(struct sl_underlay *u)
{
	if (u->hosts.rtnl != NULL)
		sl_rtnl_hear(u->hosts.rtnl, &ops, u);
}

int sl_underlay_host_fd(const struct sl_underlay *u)
{
	return u->hosts.rtnl != NULL ? sl_rtnl_fd(u->hosts.rtnl) : -1;
}

bool sl_underlay_has_moved(struct sl_underlay *u)
{
	bool moved = u->moved;

	u->moved = false;
	return moved;
}

void sl_underlay_put_host(struct sl_underlay *u, const struct sl_host_link_params *p)
{
	sl_host_links_put(&u->hosts, p);
	if (p->follows == SL_PORT_NONE || u->hosts.rtnl == NULL)
		return;
	if (sl_rtnl_listen(u->hosts.rtnl) != 0)
		u->log("the kernel does not tell of changes of routes and neighbours");
	u->asks_nodes = true;
}

void sl_underlay_del_host(struct sl_underlay *u, uint16_t port)
{
	sl_host_links_del(&u->hosts, port);
	u->asks_nodes = true;
}

void sl_underlay_hosts_fini(struct sl_underlay *u)
{
	while (u->asks != NULL) {
		struct sl_host_ask *a = u->asks;

		u->asks = a->next;
		free(a);
	}
	sl_host_links_fini(&u->hosts);
}
