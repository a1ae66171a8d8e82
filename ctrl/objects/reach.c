/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "reach.h"
#include "fields.h"

void sl_link_set(struct sl_link *l, uint16_t number, const struct sl_port_obj *port)
{
	const struct sl_prefix *addrs = port->addresses.items;

	l->present = true;
	l->port = number;
	snprintf(l->name, sizeof(l->name), "%s", port->name);
	l->n_addrs = 0;
	for (size_t i = 0; i < port->addresses.n && i < SL_PORT_ADDRESSES_MAX; i++)
		l->addr[l->n_addrs++] = addrs[i];
}

struct filling {
	struct sl_reach *r;
	unsigned int n;
};

static bool add_port(const struct sl_object *o, void *ctx)
{
	const struct sl_port_obj *p = (const struct sl_port_obj *)o;
	struct filling *f = ctx;

	if (p->role == SL_ROLE_UNDERLAY) {
		sl_link_set(&f->r->link[f->n], (uint16_t)f->n, p);
		f->n++;
	}
	return f->n < SL_LINKS_MAX;
}

void sl_reach_init(
	struct sl_reach *r, const struct sl_store *store, const struct sl_node_self *self)
{
	struct filling f = {.r = r};

	memset(r, 0, sizeof(*r));
	r->self = self;
	sl_store_walk(store, SL_COLL_PORTS, add_port, &f);
}

struct sl_link *sl_reach_of_port(const struct sl_reach *r, uint16_t number)
{
	for (unsigned int i = 0; i < SL_LINKS_MAX; i++)
		if (r->link[i].present && r->link[i].port == number)
			return (struct sl_link *)(uintptr_t)&r->link[i];
	return NULL;
}

struct sl_link *sl_reach_place(const struct sl_reach *r, uint16_t number)
{
	struct sl_link *l = sl_reach_of_port(r, number);

	for (unsigned int i = 0; l == NULL && i < SL_LINKS_MAX; i++)
		if (!r->link[i].present)
			l = (struct sl_link *)(uintptr_t)&r->link[i];
	return l;
}

const struct sl_prefix *sl_link_connected(const struct sl_link *l, const struct sl_ip *to)
{
	const struct sl_prefix *best = NULL;

	for (unsigned int i = 0; i < l->n_addrs; i++)
		if (sl_prefix_contains(&l->addr[i], to) &&
			(best == NULL || l->addr[i].len > best->len))
			best = &l->addr[i];
	return best;
}

const struct sl_prefix *sl_link_source(const struct sl_link *l, const struct sl_ip *to)
{
	const struct sl_prefix *own = sl_link_connected(l, to);

	for (unsigned int i = 0; own == NULL && i < l->n_addrs; i++)
		if (sl_ip_is_v4(&l->addr[i].ip))
			own = &l->addr[i];
	return own;
}

bool sl_reach_is_own(const struct sl_reach *r, const struct sl_ip *ip)
{
	const struct sl_ip *tunnel = r->self->tunnel_addresses.items;

	for (size_t i = 0; i < r->self->tunnel_addresses.n; i++)
		if (sl_ip_equal(&tunnel[i], ip))
			return true;
	for (unsigned int i = 0; i < SL_LINKS_MAX; i++)
		for (unsigned int k = 0; r->link[i].present && k < r->link[i].n_addrs; k++)
			if (sl_ip_equal(&r->link[i].addr[k].ip, ip))
				return true;
	return false;
}

/* What no packet can be for, whatever the links are. */
static enum sl_reach_why misfit(const struct sl_reach *r, const struct sl_ip *to)
{
	if (!sl_ip_is_v4(to))
		return SL_REACH_FAMILY;
	return sl_reach_is_own(r, to) ? SL_REACH_OWN : SL_REACH_OK;
}

struct sl_reach_path sl_reach_link(const struct sl_reach *r, const struct sl_ip *to)
{
	struct sl_reach_path path = {.why = misfit(r, to), .next_hop = *to};
	const struct sl_prefix *best = NULL;

	if (path.why != SL_REACH_OK)
		return path;
	for (unsigned int i = 0; i < SL_LINKS_MAX; i++) {
		const struct sl_prefix *p =
			r->link[i].present ? sl_link_connected(&r->link[i], to) : NULL;

		if (p == NULL || (best != NULL && p->len <= best->len))
			continue;
		path.port = r->link[i].port;
		best = p;
	}
	if (best == NULL)
		path.why = SL_REACH_NO_LINK;
	else if (sl_check_host(best, to, "", NULL) != 0)
		path.why = SL_REACH_NO_HOST;
	return path;
}

struct sl_reach_path sl_reach_gateway(const struct sl_reach *r, const struct sl_route_obj *route)
{
	struct sl_reach_path path = {.why = misfit(r, &route->via), .next_hop = route->via};
	const struct sl_prefix *own;

	if (path.why != SL_REACH_OK)
		return path;
	if (route->port[0] == '\0')
		return sl_reach_link(r, &route->via);
	path.why = SL_REACH_NO_LINK;
	for (unsigned int i = 0; i < SL_LINKS_MAX; i++) {
		if (!r->link[i].present || strcmp(r->link[i].name, route->port) != 0)
			continue;
		own = sl_link_source(&r->link[i], &route->via);
		if (own != NULL)
			path.why = sl_check_host(own, &route->via, "", NULL) != 0 ? SL_REACH_NO_HOST
										  : SL_REACH_OK;
		path.port = r->link[i].port;
	}
	return path;
}

struct search {
	const struct sl_reach *r;
	const struct sl_ip *to;
	const struct sl_route_obj *best;
	struct sl_reach_path path;
};

static bool try_route(const struct sl_object *o, void *ctx)
{
	const struct sl_route_obj *route = (const struct sl_route_obj *)o;
	struct search *s = ctx;
	struct sl_reach_path via;

	if (!sl_prefix_contains(&route->prefix, s->to) ||
		(s->best != NULL && s->best->prefix.len >= route->prefix.len))
		return true;
	via = sl_reach_gateway(s->r, route);
	if (via.why != SL_REACH_OK) {
		if (s->best == NULL)
			s->path.why = SL_REACH_GATEWAY;
		return true;
	}
	s->best = route;
	s->path = via;
	return true;
}

struct sl_reach_path sl_reach_find(
	const struct sl_reach *r, const struct sl_store *store, const struct sl_ip *to)
{
	struct search s = {.r = r, .to = to, .path = sl_reach_link(r, to)};

	if (s.path.why == SL_REACH_NO_LINK)
		sl_store_walk(store, SL_COLL_ROUTES, try_route, &s);
	return s.path;
}

const char *sl_reach_words(enum sl_reach_why why)
{
	static const char *const words[] = {
		[SL_REACH_OK] = "",
		[SL_REACH_FAMILY] = "is an IPv6 address, and this version's underlay is IPv4",
		[SL_REACH_OWN] = "is this node's own",
		[SL_REACH_NO_HOST] = "is the network or broadcast address of a link",
		[SL_REACH_NO_LINK] = "is on the link of no underlay port, and no route covers it",
		[SL_REACH_GATEWAY] =
			"is covered by routes only whose gateways no underlay link has",
	};

	return words[why];
}
