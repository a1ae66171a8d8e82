/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules of ports: their addresses are nobody else's, and their MTUs fit a tunnel. */
#include <stdio.h>

#include "fields.h"
#include "rules.h"
#include "ctrl/model/store_impl.h"

/* Somebody else who has an address of the port: a neighbour, or the gateway of a route. */
struct claim {
	const struct sl_store *store;
	const struct sl_port_obj *port, *before;
	const struct sl_object *by;
	enum sl_collection_id coll;
	size_t i; /* of the port's addresses */
};

/* What the same transaction brings is under its own rule, which names it and its place. */
static bool is_settled(const struct claim *c, const struct sl_object *o)
{
	const struct sl_entry *en = sl_entry_find(c->store, c->coll, o->key);

	return en != NULL && en->change == 0;
}

/* An address that the port had before is none of the change's doing. */
static bool is_new(const struct claim *c, const struct sl_ip *ip)
{
	const struct sl_prefix *a = c->before != NULL ? c->before->addresses.items : NULL;

	for (size_t i = 0; a != NULL && i < c->before->addresses.n; i++)
		if (sl_ip_equal(&a[i].ip, ip))
			return false;
	return true;
}

static bool claims(struct claim *c, const struct sl_object *o, const struct sl_ip *ip)
{
	const struct sl_prefix *a = c->port->addresses.items;

	for (size_t i = 0; i < c->port->addresses.n; i++) {
		if (!sl_ip_equal(&a[i].ip, ip) || !is_new(c, ip) || !is_settled(c, o))
			continue;
		c->by = o;
		c->i = i;
		return true;
	}
	return false;
}

static bool by_route(const struct sl_object *o, void *ctx)
{
	return !claims(ctx, o, &((const struct sl_route_obj *)o)->via);
}

static bool by_neighbor(const struct sl_object *o, void *ctx)
{
	return !claims(ctx, o, &((const struct sl_neighbor_obj *)o)->address);
}

static void by_node(struct claim *c)
{
	const struct sl_prefix *a = c->port->addresses.items;

	for (size_t i = 0; i < c->port->addresses.n && c->by == NULL; i++) {
		const struct sl_object *o =
			sl_unique_owner(c->store, SL_UNIQUE_NODE_ADDRESS, &a[i].ip);

		if (o != NULL)
			claims(c, o, &a[i].ip);
	}
}

int sl_rule_port_address(const struct sl_store *s, const struct sl_object *o, struct sl_err *e)
{
	struct claim c = {.store = s, .port = (const struct sl_port_obj *)o, .coll = SL_COLL_NODES};
	char text[SL_IP_STR_LEN], what[SL_WHAT_LEN], path[32];
	const struct sl_prefix *a = c.port->addresses.items;

	if (c.port->addresses.n == 0)
		return 0;
	if (sl_rule_is_changed(s, SL_COLL_PORTS, o))
		c.before = (const struct sl_port_obj *)sl_rule_before(s, SL_COLL_PORTS, o);
	by_node(&c);
	if (c.by == NULL) {
		c.coll = SL_COLL_NEIGHBORS;
		sl_store_walk(s, SL_COLL_NEIGHBORS, by_neighbor, &c);
	}
	if (c.by == NULL) {
		c.coll = SL_COLL_ROUTES;
		sl_store_walk(s, SL_COLL_ROUTES, by_route, &c);
	}
	if (c.by == NULL)
		return 0;
	snprintf(path, sizeof(path), "addresses[%zu]", c.i);
	sl_err_set(e, SL_ERR_PARAMS, path,
		"address %s is to be this node's own on port \"%s\", and %s has it",
		sl_format_ip(&a[c.i].ip, text), c.port->name, sl_object_what(c.coll, c.by, what));
	sl_err_hint(e, "remove that first, or in the same transaction");
	return -EINVAL;
}

static bool count_link(const struct sl_object *o, void *n)
{
	*(unsigned int *)n += ((const struct sl_port_obj *)o)->role == SL_ROLE_UNDERLAY;
	return true;
}

int sl_rule_port_links(const struct sl_store *s, const struct sl_object *o, struct sl_err *e)
{
	const struct sl_port_obj *p = (const struct sl_port_obj *)o;
	unsigned int n = 0;

	if (p->role != SL_ROLE_UNDERLAY)
		return 0;
	sl_store_walk(s, SL_COLL_PORTS, count_link, &n);
	if (n <= SL_LINKS_MAX)
		return 0;
	sl_err_set(e, SL_ERR_LIMIT, "role", "port \"%s\": at most %d ports have role underlay",
		p->name, SL_LINKS_MAX);
	sl_err_hint(e, "remove one of them first, or in the same transaction");
	return -ENOSPC;
}

int sl_rule_port_mtu(const struct sl_store *s, const struct sl_object *o, struct sl_err *e)
{
	const struct sl_port_obj *p = (const struct sl_port_obj *)o;

	(void)s;
	if (p->role != SL_ROLE_UNDERLAY || p->mtu == 0 || sl_inner_mtu(p->mtu) >= SL_INNER_MTU_MIN)
		return 0;
	sl_err_set(e, SL_ERR_PARAMS, "mtu",
		"mtu %u of underlay port \"%s\" leaves %u bytes for workloads' packets after %u of "
		"tunnel headers; %u are the least that hosts can work with",
		p->mtu, p->name, sl_inner_mtu(p->mtu), SL_TUNNEL_OVERHEAD, SL_INNER_MTU_MIN);
	sl_err_hint(e, "give at least %u, or leave mtu out for the device's",
		SL_INNER_MTU_MIN + SL_TUNNEL_OVERHEAD);
	return -EINVAL;
}
