/* SPDX-License-Identifier: BSD-3-Clause */
/* The rule of ports' addresses: no other host has one of them. */
#include <stdio.h>

#include "ctrl/model/store.h"
#include "collections.h"
#include "neighbors.h"
#include "ports.h"
#include "reach.h"

/* An object that gives a port's address to another host: a neighbour, or the gateway of a route. */
struct address_claim {
	const struct sl_store *store;
	const struct sl_port_obj *port, *before;
	const struct sl_object *by;
	unsigned int coll;
	size_t i; /* of the port's addresses */
};

/*
 * Objects that the same transaction changes have their own rule, which names the object and its
 * field.
 */
static bool is_unchanged(const struct address_claim *c, const struct sl_object *o)
{
	return !sl_store_is_changed(c->store, c->coll, o);
}

/* A change is not blamed for an address that the port had before. */
static bool is_new(const struct address_claim *c, const struct sl_ip *ip)
{
	const struct sl_prefix *a = c->before != NULL ? c->before->addresses.items : NULL;

	for (size_t i = 0; a != NULL && i < c->before->addresses.n; i++)
		if (sl_ip_equal(&a[i].ip, ip))
			return false;
	return true;
}

static bool claims(struct address_claim *c, const struct sl_object *o, const struct sl_ip *ip)
{
	const struct sl_prefix *a = c->port->addresses.items;

	for (size_t i = 0; i < c->port->addresses.n; i++) {
		if (!sl_ip_equal(&a[i].ip, ip) || !is_new(c, ip) || !is_unchanged(c, o))
			continue;
		c->by = o;
		c->i = i;
		return true;
	}
	return false;
}

static bool by_route(const struct sl_object *o, void *ctx)
{
	const struct sl_route_obj *route = (const struct sl_route_obj *)o;
	struct sl_route_via to[SL_WAYS_MAX];
	size_t n = sl_route_is_underlay(route) ? sl_route_of_object(route, to).n : 0;

	for (size_t i = 0; i < n; i++)
		if (claims(ctx, o, &to[i].via))
			return false;
	return true;
}

static bool by_neighbor(const struct sl_object *o, void *ctx)
{
	return !claims(ctx, o, &((const struct sl_neighbor_obj *)o)->address);
}

static void by_node(struct address_claim *c)
{
	const struct sl_prefix *a = c->port->addresses.items;

	for (size_t i = 0; i < c->port->addresses.n && c->by == NULL; i++) {
		const struct sl_unique_key key = {.ip = a[i].ip};
		const struct sl_object *o = sl_store_unique_owner(c->store, SL_COLL_NODES, &key);

		if (o != NULL)
			claims(c, o, &a[i].ip);
	}
}

int sl_port_address_rule(const struct sl_store *s, const struct sl_object *o, struct sl_err *e)
{
	struct address_claim c = {
		.store = s, .port = (const struct sl_port_obj *)o, .coll = SL_COLL_NODES};
	char text[SL_IP_STR_LEN], what[SL_WHAT_LEN], path[32];
	const struct sl_prefix *a = c.port->addresses.items;

	if (c.port->addresses.n == 0)
		return 0;
	if (sl_store_is_changed(s, SL_COLL_PORTS, o))
		c.before = (const struct sl_port_obj *)sl_store_before(s, SL_COLL_PORTS, o);
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
		sl_format_ip(&a[c.i].ip, text), c.port->name,
		sl_object_what(sl_collections[c.coll], c.by, what));
	sl_err_hint(e, "remove that first, or in the same transaction");
	return -EINVAL;
}
