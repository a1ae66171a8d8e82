/* SPDX-License-Identifier: BSD-3-Clause */
/* Notices about the underlay: objects that are accepted one by one and cannot work together. */
#include "ctrl/objects/nodes.h"
#include "ctrl/objects/ports.h"
#include "notices.h"
#include "running.h"
#include "ctrl/objects/fields.h"

bool sl_notice_port_address(const struct sl_object *o, void *ctx)
{
	const struct sl_port_obj *p = (const struct sl_port_obj *)o;
	const struct sl_notice_walk *w = ctx;

	/* The host has the addresses, and tunnels must have one that sluice knows. */
	if (p->has_host_tap && p->addresses.n == 0) {
		if (w->f->self->tunnel_addresses.n == 0)
			sl_notice_put(&w->to, "ports", p->name,
				"give node.tunnel_addresses in the file that the daemon starts "
				"with",
				"underlay port \"%s\" leaves its addresses to the host, and this "
				"node has no "
				"tunnel address: no tunnel packet is taken from it",
				p->name);
		return true;
	}
	if (p->role == SL_ROLE_UNDERLAY && p->addresses.n == 0)
		sl_notice_put(&w->to, "ports", p->name, "ports.set it with its addresses",
			"underlay port \"%s\" has no address, so no node is reached by it and "
			"nothing is taken from it",
			p->name);
	return true;
}

static bool prefixes_equal(const struct sl_prefix *a, const struct sl_prefix *b)
{
	return a->len == b->len && sl_prefix_contains(a, &b->ip);
}

/* The first link before i that shares a prefix with it, and that prefix; NULL: none. */
static const struct sl_link *same_prefix(
	const struct sl_reach *r, size_t i, const struct sl_prefix **prefix)
{
	for (size_t k = 0; k < i; k++)
		for (size_t a = 0; a < r->link[i]->n_addrs; a++)
			for (size_t b = 0; b < r->link[k]->n_addrs; b++) {
				*prefix = &r->link[i]->addr[a];
				if (prefixes_equal(*prefix, &r->link[k]->addr[b]))
					return r->link[k];
			}
	return NULL;
}

void sl_notice_port_prefix(const struct sl_notice_facts *f, const struct sl_notice_sink *to)
{
	struct sl_reach r;

	sl_store_reach_init(&r, f->store, f->self);
	for (size_t i = 0; i < r.n_links; i++) {
		const struct sl_prefix *p;
		const struct sl_link *other = same_prefix(&r, i, &p);
		char text[SL_PREFIX_STR_LEN];

		if (other != NULL)
			sl_notice_put(to, "ports", r.link[i]->name,
				"give each underlay port a prefix of its own",
				"port \"%s\" has address %s, whose prefix port \"%s\" has as well: "
				"only the one that came first is used for what is there",
				r.link[i]->name, sl_format_prefix(p, text), other->name);
	}
	sl_reach_fini(&r);
}

/* Why packets cannot reach a tunnel address; NULL: they can. */
static const char *tunnel_address_trouble(const struct sl_reach *r, const struct sl_ip *ip)
{
	bool any = false;

	for (size_t i = 0; i < r->n_links; i++) {
		const struct sl_link *l = r->link[i];
		const struct sl_prefix *p = sl_link_connected(l, ip);

		if (sl_link_has(l, ip))
			return NULL;
		if (p != NULL && !sl_prefix_has_host(p, ip))
			return "is the network or broadcast address of an underlay port's link";
		any |= p != NULL;
	}
	return any ? "is on an underlay port's link, and no port has it, so nobody answers "
		     "who asks for its MAC"
		   : "is on no underlay port and outside all their prefixes: others reach it only "
		     "by a route of theirs to a port's address";
}

static bool has_host_tap(const struct sl_object *o, void *ctx)
{
	*(bool *)ctx |= ((const struct sl_port_obj *)o)->has_host_tap;
	return true;
}

/* Where a port has a host TAP, the host may have any address, and answers for it. */
void sl_notice_tunnel_address(const struct sl_notice_facts *f, const struct sl_notice_sink *to)
{
	const struct sl_ip *own = f->self->tunnel_addresses.items;
	bool by_host = false;
	struct sl_reach r;

	sl_store_walk(f->store, SL_COLL_PORTS, has_host_tap, &by_host);

	sl_store_reach_init(&r, f->store, f->self);
	for (size_t i = 0; i < f->self->tunnel_addresses.n; i++) {
		const char *trouble = tunnel_address_trouble(&r, &own[i]);
		char text[SL_IP_STR_LEN];

		sl_format_ip(&own[i], text);
		if (trouble != NULL && !by_host)
			sl_notice_put(to, SL_NOTICE_NODE_SECTION, text,
				"add it to an underlay port's addresses", "tunnel address %s %s",
				text, trouble);
	}
	sl_reach_fini(&r);
}

static bool one_endpoint(enum sl_collection_id by, const struct sl_object *o, void *ctx)
{
	if (by == SL_COLL_ENDPOINTS)
		*(const struct sl_object **)ctx = o;
	return by != SL_COLL_ENDPOINTS;
}

bool sl_notice_no_tunnel_address(const struct sl_object *o, void *ctx)
{
	const struct sl_object *endpoint = NULL;
	const struct sl_notice_walk *w = ctx;

	if (w->f->self->tunnel_addresses.n > 0)
		return false;
	sl_store_referrers(w->f->store, SL_COLL_NODES, o->key, one_endpoint, &endpoint);
	if (endpoint == NULL)
		return true;
	sl_notice_put(&w->to, SL_NOTICE_NODE_SECTION, "",
		"give node.tunnel_addresses in the file that the daemon starts with",
		"endpoints such as \"%s\" are on other nodes, and this node has no tunnel address: "
		"it takes tunnels at any underlay address, and sends them from the one of each "
		"link",
		endpoint->key);
	return false;
}

static bool has_own_of_family(const struct sl_reach *r, const struct sl_ip *ip)
{
	for (size_t i = 0; i < r->n_own; i++)
		if (sl_ip_is_v4(&r->own[i]) == sl_ip_is_v4(ip))
			return true;
	return r->n_own == 0;
}

static enum sl_reach_why why_not(const struct sl_notice_walk *w, const struct sl_node_obj *node)
{
	struct sl_underlay_path now;
	enum sl_reach_why why;

	if (w->f->run != NULL && sl_underlay_path(w->f->run->underlay, node->o.id, &now))
		return now.reachable ? SL_REACH_OK : now.why;
	why = sl_store_reach_find(&w->reach, w->f->store, &node->address).why;
	if (why == SL_REACH_OK && !has_own_of_family(&w->reach, &node->address))
		return SL_REACH_FAMILY;
	return why;
}

bool sl_notice_node_path(const struct sl_object *o, void *ctx)
{
	const struct sl_node_obj *node = (const struct sl_node_obj *)o;
	const struct sl_notice_walk *w = ctx;
	enum sl_reach_why why = why_not(w, node);
	char text[SL_IP_STR_LEN];

	/* A rule reports these reasons already. */
	if (why != SL_REACH_OK && why != SL_REACH_OWN)
		sl_notice_put(&w->to, "nodes", node->name,
			why == SL_REACH_FAMILY
				? "give node.tunnel_addresses one of that family in the file that "
				  "the daemon starts with"
				: "add an underlay port with an address of its link, or a route",
			"node \"%s\" is not reached: address %s %s", node->name,
			sl_format_ip(&node->address, text), sl_reach_words(why));
	return true;
}

bool sl_notice_node_mtu(const struct sl_object *o, void *ctx)
{
	const struct sl_node_obj *node = (const struct sl_node_obj *)o;
	const struct sl_notice_walk *w = ctx;
	struct sl_underlay_path now;

	if (w->f->run != NULL && sl_underlay_path(w->f->run->underlay, o->id, &now) &&
		now.router_mtu != 0)
		sl_notice_put(&w->to, "nodes", node->name,
			"raise the link's MTU, or nodes.set it with its mtu, if you believe the "
			"sender",
			"tunnel packets to node \"%s\" have up to %u bytes, and a router on the "
			"way "
			"says that only %u fit: see nodes.paths",
			node->name, now.outer_mtu, now.router_mtu);
	return true;
}

void sl_notice_node_name(const struct sl_notice_facts *f, const struct sl_notice_sink *to)
{
	const char *own = f->self->name;

	if (own[0] != '\0' && sl_store_find(f->store, SL_COLL_NODES, own) != NULL)
		sl_notice_put(to, "nodes", own, "nodes lists the other nodes of the fabric only",
			"node \"%s\" has this node's own name: tunnels go to it as to another node",
			own);
}

bool sl_notice_route_gateway(const struct sl_object *o, void *ctx)
{
	const struct sl_route_obj *route = (const struct sl_route_obj *)o;
	const struct sl_notice_walk *w = ctx;
	struct sl_route_via to[SL_WAYS_MAX];
	const struct sl_route plain = sl_route_of_object(route, to);

	for (size_t i = 0; i < plain.n && sl_route_is_underlay(route); i++) {
		struct sl_reach_way way;
		enum sl_reach_why why = sl_reach_gateway(&w->reach, &to[i], &way);
		char text[SL_IP_STR_LEN];

		if (why != SL_REACH_OK && why != SL_REACH_OWN)
			sl_notice_put(&w->to, "routes", o->key,
				"give a gateway on a link, or name the port that it is behind",
				"route %s leads nowhere: gateway %s %s", o->key,
				sl_format_ip(&to[i].via, text),
				why == SL_REACH_NO_LINK ? "is on the link of no underlay port"
							: sl_reach_words(why));
	}
	return true;
}
